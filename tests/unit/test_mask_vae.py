"""MaskVAE, against stored numbers and by its properties."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.mask_vae import MaskVAE, MaskVAEConfig, simulated_edits, vae_loss
from models.planes import one_hot
from models.synthetic import made_mask
from tests.golden import fill, layout_checksum, made_labels, sampled

# The published network takes 700 MB. This one has every kind of layer, a width that is cut off, and costs nothing.
SMALL = MaskVAEConfig(size=128, width=4, max_width=16, latent=32)
TINY = MaskVAEConfig(size=32, width=8, max_width=16, latent=8, norm="group")

MEAN_SAMPLES = (
    -0.121503, 0.008473, -0.017327, -0.295978, 0.007725, 0.089344, -0.133688, -0.092744, 0.05217, 0.049234,
    -0.118666, -0.018328, -0.061849, 0.395923, -0.110088, 0.109287,
)  # fmt: skip
LOG_VARIANCE_SAMPLES = (
    -0.13876, 0.021686, -0.170141, 0.092293, 0.139881, -0.070281, 0.104036, 0.026968, 0.120991, -0.004953,
    -0.177308, 0.063965, 0.066269, -0.066905, -0.115623, -0.123627,
)  # fmt: skip
LOGIT_SAMPLES = (
    -0.001559, 0.024051, 0.04817, -0.092101, -0.10549, 0.059222, 0.059092, -0.03648, -0.018358, -0.142478,
    -0.141969, -0.436412, -0.483043, -0.044356, -0.046786, 0.050428,
)  # fmt: skip
TOLERANCE = 2e-5  # the two epsilons of the published batch norms differ by more

GOLDEN = os.environ.get("MASKBRUSH_GOLDEN")
HAIR = 13


def planes(size: int, *shifts: int) -> Tensor:
    return one_hot(torch.cat([made_labels(size, size, shift) for shift in shifts]))


# Agreement with the reference implementation


@torch.inference_mode()
def test_a_narrow_network_gives_the_numbers_of_the_code_that_agreed_with_the_reference() -> None:
    network = fill(MaskVAE(SMALL))
    mean, log_variance = network.encode(planes(128, 0))
    logits = network.decode(mean)
    assert mean.shape == log_variance.shape == (1, 32)
    assert logits.shape == (1, 19, 128, 128)
    np.testing.assert_allclose(sampled(mean, 16), MEAN_SAMPLES, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(sampled(log_variance, 16), LOG_VARIANCE_SAMPLES, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(sampled(logits, 16), LOGIT_SAMPLES, rtol=0, atol=TOLERANCE)


def test_parameter_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = MaskVAE()
    assert sum(value.numel() for value in network.parameters()) == 170_619_571
    assert layout_checksum(network) == "eddc3cc4510448680f5c61c7cbc5225436358c8e416c037173b258ef15559e5c"


@pytest.mark.skipif(not GOLDEN, reason="MASKBRUSH_GOLDEN does not name a folder with reference outputs")
@torch.inference_mode()
def test_the_published_network_reproduces_the_reference_file() -> None:
    with np.load(Path(GOLDEN or "") / "maskvae_512.npz") as file:
        case = dict(file)
    network = fill(MaskVAE())
    mean, log_variance = network.encode(one_hot(torch.from_numpy(case["labels"])[None]))
    found = {"mu": mean, "logvar": log_variance, "logits_sub8": network.decode(mean)[..., ::8, ::8]}
    for name, values in found.items():
        difference = float(np.abs(values[0].numpy() - case[name].reshape(values.shape[1:])).max())
        print(f"maskvae_512 {name} {difference:.2e}")
        assert difference <= 1e-4


# Shapes


@pytest.mark.parametrize("size", [8, 16, 64])
@torch.inference_mode()
def test_maps_of_any_power_of_two_come_back_at_their_size(size: int) -> None:
    network = MaskVAE(MaskVAEConfig(size=size, width=4, max_width=8, latent=5)).eval()
    logits, mean, log_variance = network(planes(size, 0, 3), torch.zeros(2, 5))
    assert logits.shape == (2, 19, size, size)
    assert mean.shape == log_variance.shape == (2, 5)


def test_the_published_configuration_is_the_default() -> None:
    config = MaskVAEConfig()
    assert config.levels == 7
    assert config.channels == (32, 64, 128, 256, 512, 1024, 2048)
    assert config.latent == 1024


def test_no_layer_is_wider_than_allowed() -> None:
    assert MaskVAEConfig(size=128, width=8, max_width=20).channels == (8, 16, 20, 20, 20)


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"size": 100}, "size"),
        ({"size": 4}, "size"),
        ({"size": 0}, "size"),
        ({"size": -8}, "size"),
        ({"width": 0}, "positive"),
        ({"max_width": 0}, "positive"),
        ({"latent": 0}, "positive"),
        ({"norm": "instance"}, "norm"),
        ({"norm": "group", "width": 4}, "groups"),
        ({"norm": "group", "max_width": 100}, "groups"),
    ],
    ids=str,
)
def test_bad_configurations_are_refused(values: dict, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        MaskVAEConfig(**values)


# Sampling


@torch.inference_mode()
def test_noise_moves_the_latent_by_the_standard_deviation() -> None:
    network, noise = fill(MaskVAE(SMALL)), torch.linspace(-2, 2, 32)[None]
    mean, log_variance = network.encode(planes(128, 0))
    logits, *_ = network(planes(128, 0), noise)
    torch.testing.assert_close(logits, network.decode(mean + noise * log_variance.exp().sqrt()))
    still, *_ = network(planes(128, 0), torch.zeros_like(noise))
    assert torch.equal(still, network.decode(mean))
    assert not torch.allclose(still, logits, atol=1e-3)


def test_group_norm_keeps_the_maps_of_a_batch_apart_even_in_training() -> None:
    network, both, noise = MaskVAE(TINY).train(), planes(32, 0, 5), torch.zeros(2, 8)
    together = network(both, noise)[0]
    alone = torch.cat([network(both[index : index + 1], noise[:1])[0] for index in range(2)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


# The loss


def test_the_loss_against_values_by_hand() -> None:
    labels, logits = torch.zeros(2, 4, 4, dtype=torch.int64), torch.zeros(2, 19, 4, 4)
    mean = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    log_variance = torch.tensor([[0.0, math.log(2)], [0.0, 0.0]])
    entropy = math.log(19)
    divergence = (0.5 + 0.5 * (2 - 1 - math.log(2))) / 2  # the second map's is 0
    assert float(vae_loss(logits, labels, mean, log_variance, 0)) == pytest.approx(entropy)
    assert float(vae_loss(logits, labels, mean, log_variance, 3)) == pytest.approx(entropy + 3 * divergence)
    published = float(vae_loss(logits, labels, mean * 100, log_variance))
    assert published == pytest.approx(entropy + 1e-5 * (divergence + (10_000 - 1) / 4), rel=1e-6)


def test_the_loss_rewards_logits_of_the_right_class() -> None:
    labels = made_labels(16, 16).long()
    right = one_hot(labels) * 20
    zero = torch.zeros(1, 3)
    assert float(vae_loss(right, labels, zero, zero)) < 1e-3
    assert float(vae_loss(right.roll(1, dims=1), labels, zero, zero)) > 10


# Simulated edits


class _Slider(MaskVAE):
    """Stands in for a trained MaskVAE: its latent is the column of a bar of hair, 7 pixels wide."""

    def __init__(self) -> None:
        super().__init__(MaskVAEConfig(size=64, width=2, max_width=2, latent=1))

    def encode(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        assert planes.shape[-2:] == (64, 64)
        column = (planes[:, HAIR] * torch.arange(64.0)).sum(dim=(1, 2)) / planes[:, HAIR].sum(dim=(1, 2))
        return column[:, None], torch.zeros(len(planes), 1)

    def decode(self, latent: Tensor) -> Tensor:
        logits = torch.zeros(len(latent), 19, 64, 64)
        logits[:, HAIR] = 3.5 - (torch.arange(64.0) - latent[:, :, None]).abs()
        return logits


def bar(column: int, size: int = 64) -> Tensor:
    labels = torch.zeros(1, size, size, dtype=torch.uint8)
    scale = size // 64
    labels[..., (column - 3) * scale : (column + 4) * scale] = HAIR
    return labels


def test_edits_move_towards_the_reference_and_away_from_it() -> None:
    inner, outer = simulated_edits(_Slider(), one_hot(bar(20)), one_hot(bar(30)))
    assert torch.equal(inner, bar(24)), "two and a half steps to the reference"
    assert torch.equal(outer, bar(16))
    inner, outer = simulated_edits(_Slider(), one_hot(bar(20)), one_hot(bar(30)), step=1)
    assert torch.equal(inner, bar(30))
    assert torch.equal(outer, bar(10))


def test_each_map_has_a_reference_of_its_own() -> None:
    targets, references = torch.cat([bar(20), bar(40)]), torch.cat([bar(30), bar(20)])
    inner, outer = simulated_edits(_Slider(), one_hot(targets), one_hot(references))
    assert torch.equal(inner, torch.cat([bar(24), bar(32)]))
    assert torch.equal(outer, torch.cat([bar(16), bar(48)]))


def test_maps_of_another_size_are_scaled_and_come_back_at_theirs() -> None:
    inner, outer = simulated_edits(_Slider(), one_hot(bar(20, 128)), one_hot(bar(30, 128)))
    assert inner.shape == outer.shape == (1, 128, 128)
    for edit, column in ((inner, 24), (outer, 16)):
        assert int((edit != bar(column, 128)).sum(dim=2).max()) <= 2, "a pixel at either side, from smoothing"


@pytest.mark.parametrize("size", [16, 32, 96])
def test_edits_are_label_maps(size: int) -> None:
    for edit in simulated_edits(fill(MaskVAE(TINY)), planes(size, 0, 1), planes(size, 2, 3)):
        assert edit.shape == (2, size, size)
        assert edit.dtype == torch.uint8
        assert int(edit.max()) <= 18
        assert not edit.requires_grad


def test_edits_in_the_middle_of_training_neither_depend_on_the_batch_nor_change_the_network() -> None:
    torch.manual_seed(0)
    network = fill(MaskVAE(MaskVAEConfig(size=32, width=8, max_width=16, latent=8))).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    whole = simulated_edits(network, planes(32, 0, 5), planes(32, 2, 3), step=0.1)
    first = simulated_edits(network, planes(32, 0), planes(32, 2), step=0.1)
    for edits, alone in zip(whole, first, strict=True):
        assert torch.equal(edits[:1], alone)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_network_that_knows_two_masks_by_heart_interpolates_between_them() -> None:
    torch.manual_seed(0)
    labels = torch.from_numpy(np.stack([made_mask(32), np.roll(made_mask(32, glasses=True), 5, axis=0)])).long()
    network, known = MaskVAE(TINY).train(), one_hot(labels)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    losses = []
    for _ in range(70):
        logits, mean, log_variance = network(known, torch.zeros(2, 8))
        loss = vae_loss(logits, labels, mean, log_variance)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 5
    one, other = known[:1], known[1:]
    unmoved, _ = simulated_edits(network, one, one)
    towards, away = (edit[0] for edit in simulated_edits(network, one, other, step=2.5))
    arrived, _ = simulated_edits(network, one, other, step=1)
    assert (unmoved[0] == labels[0]).float().mean() > 0.9
    assert (arrived[0] == labels[1]).float().mean() > 0.9
    likeness = [float((edit == labels[1]).float().mean()) for edit in (away, unmoved[0], towards)]
    assert max(likeness[:2]) < likeness[2]
