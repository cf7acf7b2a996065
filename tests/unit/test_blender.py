"""The alpha blender, against stored numbers and by its properties."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from models.blender import AlphaBlender, BlenderConfig
from tests.golden import fill, layout_checksum, made_image, sampled

TINY = BlenderConfig(width=4, downsamplings=2, blocks=1)

ALPHA_SAMPLES = (
    0.321679, 0.574588, 0.563241, 0.529282, 0.671907, 0.31075, 0.789491, 0.463364, 0.395694, 0.592125, 0.303444,
    0.702324, 0.82792, 0.500572, 0.411147, 0.707469,
)  # fmt: skip
BLEND_SAMPLES = (
    0.059838, -0.409272, -0.065739, -0.602227, -0.338118, 0.711825, -0.042799, -0.403051, -0.054781, 0.106513,
    -0.42871, 0.513302, 0.632901, -0.080062, 0.861107, 0.717706,
)  # fmt: skip
TOLERANCE = 1e-4

GOLDEN = os.environ.get("MASKBRUSH_GOLDEN")


# Agreement with the reference implementation


@torch.inference_mode()
def test_the_published_network_gives_the_numbers_of_the_code_that_agreed_with_the_reference() -> None:
    a = made_image(64, 64)
    blend, alpha = fill(AlphaBlender())(a, -a.flip(3))
    assert blend.shape == alpha.shape == (1, 3, 64, 64)
    np.testing.assert_allclose(sampled(alpha, 16), ALPHA_SAMPLES, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(sampled(blend, 16), BLEND_SAMPLES, rtol=0, atol=TOLERANCE)


def test_parameter_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = AlphaBlender()
    assert sum(value.numel() for value in network.parameters()) == 4_329_443
    assert layout_checksum(network) == "b839fe371d46732ab8147b30138d539d7e35d31e82637d42f97cb2dc0502af3b"


@pytest.mark.skipif(not GOLDEN, reason="MASKBRUSH_GOLDEN does not name a folder with reference outputs")
@torch.inference_mode()
def test_the_published_network_reproduces_the_reference_file() -> None:
    with np.load(Path(GOLDEN or "") / "blender_256.npz") as file:
        case = dict(file)
    a, b = (torch.from_numpy(case[name])[None] for name in "ab")
    found = dict(zip(("output", "alpha"), fill(AlphaBlender())(a, b), strict=True))
    for name, values in found.items():
        difference = float(np.abs(values[0].numpy() - case[name]).max())
        print(f"blender_256 {name} {difference:.2e}")
        assert difference <= TOLERANCE


# The blend


@torch.inference_mode()
def test_each_colour_of_each_pixel_is_mixed_by_its_alpha() -> None:
    torch.manual_seed(0)
    a, b = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    blend, alpha = fill(AlphaBlender(TINY))(a, b)
    assert float(alpha.min()) >= 0
    assert float(alpha.max()) <= 1
    assert float(alpha.std()) > 0.01, "it depends on the place"
    for index in np.ndindex(2, 3, 4, 4):
        share, first, second = (float(x[index]) for x in (alpha, a, b))
        assert float(blend[index]) == pytest.approx(share * first + (1 - share) * second, abs=1e-6)


@torch.inference_mode()
def test_two_equal_pictures_blend_to_themselves() -> None:
    a = made_image(32, 32)
    blend, _ = fill(AlphaBlender(TINY))(a, a)
    torch.testing.assert_close(blend, a)


@torch.inference_mode()
def test_both_pictures_decide_about_the_alpha() -> None:
    network, a, b = fill(AlphaBlender(TINY)), made_image(32, 32), -made_image(32, 32).flip(3)
    alpha = network(a, b)[1]
    assert not torch.allclose(network(a.flip(2), b)[1], alpha, atol=1e-3)
    assert not torch.allclose(network(a, b.flip(2))[1], alpha, atol=1e-3)


@torch.inference_mode()
def test_pictures_of_a_batch_do_not_influence_each_other() -> None:
    network = fill(AlphaBlender(TINY)).train()
    a = torch.cat([made_image(32, 32), 0.3 * made_image(32, 32).flip(2)])
    together = network(a, a.flip(3))[1]
    alone = torch.cat([network(one[None], one.flip(2)[None])[1] for one in a])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 40), (48, 24)])
@torch.inference_mode()
def test_other_sizes_run(height: int, width: int) -> None:
    network = AlphaBlender(BlenderConfig(width=2))
    blend, alpha = network(made_image(height, width), made_image(height, width))
    assert blend.shape == alpha.shape == (1, 3, height, width)


def test_the_losses_on_the_blend_train_the_blender_and_what_made_the_pictures() -> None:
    network = AlphaBlender(TINY)
    a, b = (made_image(32, 32).requires_grad_() for _ in range(2))
    (network(a, b * 0.5)[0] ** 2).mean().backward()
    for value in (a, b, *(value for name, value in network.named_parameters() if name.endswith("weight"))):
        assert value.grad is not None
        assert bool(value.grad.any())


@pytest.mark.parametrize("name", ["width", "downsamplings", "blocks"])
@pytest.mark.parametrize("value", [0, -3])
def test_bad_configurations_are_refused(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=name):
        BlenderConfig(**{name: value})
