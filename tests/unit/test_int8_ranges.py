"""Ranges of activations for int8, the simulated edits that they are found on, and the file that keeps them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import quantize
from models.config import GeneratorConfig, WeightFileError
from models.quantize import (
    Quantization,
    calibrate_on,
    collect_ranges,
    convolutions,
    ranges_file,
    simulated_edits,
)
from models.synthetic import TINY
from tests.fakes import TINY_PUBLISHED
from tests.networks import made_portraits, random_network

pytestmark = pytest.mark.usefixtures("one_core")

ID = "0123456789abcdef"
GOOD = Quantization(ID, {"model.1": (-1.5, 2.0), "model.4": (0.0, 1.0)}, ("model.1",), {"psnr": 50.5, "by": "this"})


@pytest.mark.parametrize("config", [TINY, TINY_PUBLISHED], ids=["context", "published"])
def test_ranges_of_few_values_are_their_least_and_greatest(config: GeneratorConfig) -> None:
    network = random_network(config)
    samples = list(simulated_edits(network, made_portraits(size=32), 2, seed=0))
    seen: dict[str, list[Tensor]] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, given: seen.setdefault(name, []).append(given[0].clone())

    handles = [
        module.register_forward_pre_hook(watch(name))
        for name, module in network.named_modules()
        if name.startswith("model.") and isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    ]
    with torch.inference_mode():
        for arguments in samples:
            network.decode(*arguments)
    for handle in handles:
        handle.remove()

    ranges = collect_ranges(network, iter(samples))
    assert list(ranges) == list(seen) == list(convolutions(network))
    for name, tensors in seen.items():
        every = torch.cat([tensor.flatten() for tensor in tensors])
        assert ranges[name] == pytest.approx((min(0, float(every.min())), max(0, float(every.max()))), rel=1e-5)


def test_far_values_are_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "OUTSIDE", 0.01)
    monkeypatch.setattr(quantize, "KEPT", 50)
    network = random_network()
    samples = list(simulated_edits(network, made_portraits(size=32), 4, seed=0))
    seen: list[Tensor] = []
    handle = convolutions(network)["model.10.conv_block.0.conv"].register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    ranges = collect_ranges(network, samples)
    handle.remove()
    every = np.sort(np.append(torch.cat([tensor.flatten() for tensor in seen]).numpy(), np.float32(0)))
    rank = int(0.01 * (len(every) - 1))
    assert 20 < rank < 50
    assert ranges["model.10.conv_block.0.conv"] == pytest.approx((every[rank], every[-1 - rank]), rel=1e-5)


def test_a_layer_whose_input_is_always_zero_gets_some_range() -> None:
    network = random_network()
    for name in ("weight", "bias"):
        nn.init.zeros_(getattr(network.model[2], name))  # the first norm: nothing reaches the next convolution
    ranges = collect_ranges(network, simulated_edits(network, made_portraits(size=32), 1, seed=0))
    assert ranges["model.4"] == (0.0, quantize.NARROWEST)
    Quantization(ID, ranges)


def test_ranges_need_samples() -> None:
    with pytest.raises(ValueError, match="without samples"):
        collect_ranges(random_network(), [])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_network_that_computes_no_numbers_is_refused_and_left_as_it_was(value: float) -> None:
    network = random_network()
    samples = list(simulated_edits(network, made_portraits(size=32), 1, seed=0))
    with torch.no_grad():
        network.get_parameter("model.1.bias")[0] = value
    with pytest.raises(ValueError, match="not finite"):
        collect_ranges(network, samples)
    assert not any(module._forward_pre_hooks for module in network.modules())


# Simulated edits


@pytest.mark.parametrize("config", [TINY, TINY_PUBLISHED], ids=["context", "published"])
def test_edits_are_arguments_of_decode(config: GeneratorConfig) -> None:
    network = random_network(config)
    edits = list(simulated_edits(network, made_portraits(size=32), 3, seed=0))
    assert len(edits) == 3
    for arguments in edits:
        shapes = [(1, 32, 32), (1, config.style_size), (1, 3, 32, 32), (1, 1, 32, 32)]
        assert [tuple(value.shape) for value in arguments] == (shapes if config.context else shapes[:2])
        assert arguments[0].dtype == torch.uint8
        if config.context:
            assert set(arguments[3].unique().tolist()) <= {0.0, 1.0}


def test_edits_follow_from_the_seed() -> None:
    network = random_network()
    first, again, other = (list(simulated_edits(network, made_portraits(), 4, seed)) for seed in (0, 0, 1))
    for one, two in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(torch.equal(a[0], b[0]) for a, b in zip(first, other, strict=True))


def test_the_region_holds_what_the_edit_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize, "wear", lambda pixels, labels, rng: (pixels, labels))
    network, (portrait,) = random_network(), made_portraits(1)
    own = network.encode(
        torch.from_numpy(portrait[0])[None], torch.from_numpy(portrait[1]).permute(2, 0, 1)[None] / 127.5 - 1
    )
    wholes = changed = 0
    for labels, style, image, region in simulated_edits(network, [portrait], 24, seed=0):
        differs = labels[0].numpy() != portrait[0]
        assert (region[0, 0].numpy()[differs] == 1).all()
        assert torch.allclose(style, own, atol=1e-5)
        assert np.array_equal(((image[0].permute(1, 2, 0) + 1) * 127.5).round().numpy(), portrait[1])
        wholes += bool(region.all())
        changed += bool(differs.any())
    assert 1 <= wholes <= 12
    assert changed >= 18


def test_some_edits_bring_another_portrait_s_style() -> None:
    network = random_network()
    styles = {tuple(edit[1][0].tolist()) for edit in simulated_edits(network, made_portraits(2), 24, seed=0)}
    with torch.inference_mode():
        plain = [
            tuple(network.encode(torch.from_numpy(labels)[None], quantize.to_tensor(pixels))[0].tolist())
            for labels, pixels in made_portraits(2)
        ]
    assert len(styles) > 2  # accessories make styles of their own
    assert any(style in styles for style in plain)


def test_edits_need_portraits() -> None:
    with pytest.raises(ValueError, match="without portraits"):
        calibrate_on(random_network(), [], 4)


def test_the_last_layer_stays_exact_and_so_does_a_first_one_that_is_given_more_than_labels() -> None:
    network = random_network()
    found = calibrate_on(network, made_portraits(), 2, model_id=ID)
    assert found.exact == ("model.1", "model.18")
    assert list(found.ranges) == list(convolutions(network))
    assert (found.model_id, found.measured) == (ID, {})
    assert calibrate_on(network, made_portraits(), 2).ranges == found.ranges
    published = calibrate_on(random_network(TINY_PUBLISHED), made_portraits(size=32), 1)
    assert published.exact == ("model.31",)
    assert published.ranges["model.1"] == (0.0, 1.0)


# The file


def test_it_comes_back_from_its_file() -> None:
    assert Quantization.from_json(GOOD.to_json()) == GOOD
    assert Quantization.from_json('{"model_id": "", "ranges": {"a": [0, 1]}}') == Quantization("", {"a": (0, 1)})


def test_the_shipped_file_belongs_to_the_shipped_weights() -> None:
    folder = Path(quantize.__file__).parent.parent / "resources" / "weights"
    weights = folder / "maskbrush-256.safetensors"
    known = Quantization.from_json(ranges_file(weights).read_text(encoding="utf-8"))
    assert known.model_id == hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
    assert float(known.measured["psnr_db_mean"]) > 50
    assert known.exact == ("model.1", "model.33")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model_id", "0123"),
        ("model_id", 7),
        ("ranges", {}),
        ("ranges", [1]),
        ("ranges", {"a": [0, 1, 2]}),
        ("ranges", {"a": 3}),
        ("ranges", {"a": ["0", "1"]}),
        ("ranges", {"a": [0, True]}),
        ("ranges", {"a": [0, float("nan")]}),
        ("ranges", {"a": [0, float("inf")]}),
        ("ranges", {"a": [0, 10**400]}),
        ("ranges", {"a": [1, 2]}),
        ("ranges", {"a": [-2, -1]}),
        ("ranges", {"a": [0, 1e-12]}),
        ("exact", "model.1"),
        ("exact", ["model.7"]),
        ("exact", [["model.1"]]),
        ("measured", []),
        ("measured", {"psnr": None}),
        ("measured", {"psnr": float("nan")}),
        ("unknown", 1),
    ],
)
def test_damaged_values_are_refused(key: str, value: object) -> None:
    text = json.dumps(json.loads(GOOD.to_json()) | {key: value})
    with pytest.raises(WeightFileError, match="ranges for int8 cannot be read") as error:
        Quantization.from_json(text)
    assert key in error.value.message
    assert error.value.hint.endswith(".")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000, '{"model_id": "0123456789abcdef"}'])
def test_damaged_files_are_refused(text: str) -> None:
    with pytest.raises(WeightFileError):
        Quantization.from_json(text)


def test_the_file_lies_beside_the_weights() -> None:
    assert ranges_file(Path("a") / "net-1.5.safetensors") == Path("a") / "net-1.5.int8.json"
