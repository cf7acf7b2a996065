"""The dense mapping network and the discriminator, against stored numbers and by their properties."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import GeneratorConfig
from models.discriminator import DiscriminatorConfig, PatchDiscriminator
from models.generator import AdaIN, DenseMappingNetwork, StyledBlock
from models.planes import one_hot
from models.synthetic import TINY
from tests.fakes import TINY_PUBLISHED
from tests.golden import fill, layout_checksum, made_image, made_labels, sampled

SMALL = GeneratorConfig(size=128, width=8)

STYLE_SAMPLES = (
    -0.157417, -0.096343, -0.160873, -0.095824, -0.072647, 0.302652, -0.051868, -0.086864, 0.102316, -0.088718,
    -0.014233, -0.014414, 0.003413, 0.231999, -0.026974, 0.192101,
)  # fmt: skip
OUTPUT_SAMPLES = (
    -0.019751, 0.133124, -0.541784, 0.844151, 0.703249, 0.126078, 0.407729, 0.206488, 0.380799, -0.183849,
    -0.05967, -0.314649, -0.324585, -0.490256, 0.207966, 0.949391, 0.538952, -0.397782, 0.337844, 0.699023,
    0.903652, 0.497993, 0.486394, 0.294256, -0.67042, -0.07872, 0.980689, 0.228742, 0.798701, 0.14629,
    0.108343, 0.300897, -0.464425, 0.226519, 0.596452, 0.832671, 0.373469, 0.534879, 0.268791, 0.831844,
)  # fmt: skip
STYLE_MEAN, STYLE_STD = -0.0046477, 0.1901176
OUTPUT_MEAN, OUTPUT_STD = 0.2228762, 0.4615715
TOLERANCE = 1e-4

GOLDEN = os.environ.get("MASKBRUSH_GOLDEN")
with_golden_files = pytest.mark.skipif(
    not GOLDEN, reason="MASKBRUSH_GOLDEN does not name a folder with reference outputs (dmn_small_128.npz, ...)"
)


@pytest.fixture(scope="module")
def tiny() -> DenseMappingNetwork:
    return fill(DenseMappingNetwork(TINY))


@pytest.fixture(scope="module")
def plain() -> DenseMappingNetwork:
    return fill(DenseMappingNetwork(TINY_PUBLISHED))


# Agreement with the reference implementation


@torch.inference_mode()
def test_small_network_gives_the_reference_numbers() -> None:
    network = fill(DenseMappingNetwork(SMALL))
    style = network.encode(made_labels(128, 128, shift=3), made_image(128, 128))
    output = network.decode(made_labels(128, 128), style)
    assert style.shape == (1, SMALL.style_size)
    assert output.shape == (1, 3, 128, 128)
    np.testing.assert_allclose(sampled(style, 16), STYLE_SAMPLES, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(sampled(output, 40), OUTPUT_SAMPLES, rtol=0, atol=TOLERANCE)
    assert float(style.mean()) == pytest.approx(STYLE_MEAN, abs=TOLERANCE)
    assert float(style.std()) == pytest.approx(STYLE_STD, abs=TOLERANCE)
    assert float(output.mean()) == pytest.approx(OUTPUT_MEAN, abs=TOLERANCE)
    assert float(output.std()) == pytest.approx(OUTPUT_STD, abs=TOLERANCE)


@pytest.mark.parametrize(
    ("network", "parameters", "checksum"),
    [
        (
            lambda: DenseMappingNetwork(SMALL),
            2_044_899,
            "616c932e84e2dd0ff1db62e786ea7b1e2f3ad8d408fbeee67550c72e1714af8c",
        ),
        (DenseMappingNetwork, 89_702_595, "7b6fff923c5bc01e49daf127d3e78fc7bb4299fed4a39d23809b1274206d43dd"),
        (PatchDiscriminator, 5_568_386, "400641dbf9c11b54a058d6cee8b7a1d6e6e9587686932b91a92f8932607a3540"),
    ],
    ids=["small", "published", "discriminator"],
)
def test_parameter_names_and_shapes_are_the_published_ones(network, parameters: int, checksum: str) -> None:
    with torch.device("meta"):
        made: nn.Module = network()
    assert sum(value.numel() for value in made.parameters()) == parameters
    assert layout_checksum(made) == checksum


def golden(name: str) -> dict[str, NDArray]:
    assert GOLDEN
    with np.load(Path(GOLDEN) / f"{name}.npz") as file:
        return dict(file)


@with_golden_files
@pytest.mark.parametrize(
    ("name", "config"), [("dmn_small_128", SMALL), ("dmn_official_256", GeneratorConfig(size=256))], ids=str
)
@torch.inference_mode()
def test_generator_reproduces_the_reference_files(name: str, config: GeneratorConfig) -> None:
    case = golden(name)
    network = fill(DenseMappingNetwork(config))
    keys = ("labels_edit", "labels_source", "image_source")
    edit, source, image = (torch.from_numpy(case[key])[None] for key in keys)
    style = network.encode(source, image)
    output = network.decode(edit, style)
    differences = {
        "style": float(np.abs(style[0].numpy() - case["style"].ravel()).max()),
        "output": float(np.abs(output[0].numpy() - case["output"]).max()),
    }
    print(name, differences)
    assert max(differences.values()) <= TOLERANCE


@with_golden_files
@torch.inference_mode()
def test_discriminator_reproduces_the_reference_files() -> None:
    case = golden("discriminator_128")
    labels, image = torch.from_numpy(case["labels"])[None], torch.from_numpy(case["image"])[None]
    verdicts = fill(PatchDiscriminator())(one_hot(labels), image)
    for scale, outputs in enumerate(verdicts):
        for layer, output in enumerate(outputs):
            expected = case[f"s{scale}_l{layer}"].astype(np.float32)
            difference = float(np.abs(output[0].numpy() - expected).max())
            print(f"discriminator_128 s{scale}_l{layer} {difference:.2e}")
            assert output[0].shape == expected.shape
            assert difference <= 2e-3, "they are stored as float16"


# The two halves


@torch.inference_mode()
def test_encode_and_decode_apart_equal_the_whole(plain: DenseMappingNetwork) -> None:
    labels, source, image = made_labels(64, 96), made_labels(64, 96, shift=4), made_image(64, 96)
    style = plain.encode(source, image)
    assert torch.equal(plain(labels, source, image), plain.decode(labels, style))


@torch.inference_mode()
def test_style_depends_on_the_source_alone(plain: DenseMappingNetwork) -> None:
    source, image = made_labels(64, 64, shift=4), made_image(64, 64)
    style = plain.encode(source, image)
    for shift in range(3):
        plain.decode(made_labels(64, 64, shift), style)
    assert torch.equal(plain.encode(source, image), style)
    assert not torch.allclose(plain.encode(made_labels(64, 64), image), style), "the source's labels do matter"
    assert not torch.allclose(plain.encode(source, -image), style), "and so does its picture"


@torch.inference_mode()
def test_render_depends_on_labels_and_on_style(plain: DenseMappingNetwork) -> None:
    style = plain.encode(made_labels(64, 64), made_image(64, 64))
    render = plain.decode(made_labels(64, 64), style)
    assert not torch.allclose(plain.decode(made_labels(64, 64, shift=1), style), render, atol=1e-3)
    assert not torch.allclose(plain.decode(made_labels(64, 64), style * 1.5), render, atol=1e-3)
    assert float(render.abs().max()) <= 1


@torch.inference_mode()
def test_portraits_of_a_batch_do_not_influence_each_other(tiny: DenseMappingNetwork) -> None:
    labels = torch.cat([made_labels(64, 64), made_labels(64, 64, shift=2)])
    image = torch.cat([made_image(64, 64), -made_image(64, 64)])
    region = torch.zeros(2, 1, 64, 64)
    region[0, :, 10:40, 20:50] = 1
    together = tiny.decode(labels, tiny.encode(labels, image), image, region)
    for index in range(2):
        one = slice(index, index + 1)
        alone = tiny.decode(labels[one], tiny.encode(labels[one], image[one]), image[one], region[one])
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (64, 32), (96, 160), (160, 96)])
@torch.inference_mode()
def test_other_multiples_of_32_run(
    tiny: DenseMappingNetwork, plain: DenseMappingNetwork, height: int, width: int
) -> None:
    labels, image = made_labels(height, width), made_image(height, width)
    region = torch.ones(1, 1, height, width)
    renders = [
        plain.decode(labels, plain.encode(labels, image)),
        tiny.decode(labels, tiny.encode(labels, image), image, region),
    ]
    for render in renders:
        assert render.shape == (1, 3, height, width)
        assert bool(torch.isfinite(render).all())


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
@torch.inference_mode()
def test_labels_may_be_of_any_integer_type(plain: DenseMappingNetwork, dtype: torch.dtype) -> None:
    labels, image = made_labels(32, 32), made_image(32, 32)
    assert torch.equal(plain.encode(labels.to(dtype), image), plain.encode(labels, image))


# Context


@torch.inference_mode()
def test_what_the_picture_holds_inside_the_region_has_no_influence(tiny: DenseMappingNetwork) -> None:
    labels, image = made_labels(64, 64), made_image(64, 64)
    style = tiny.encode(labels, image)
    region = torch.zeros(1, 1, 64, 64)
    region[..., 16:48, 8:40] = 1
    other = torch.where(region == 1, torch.rand(1, 3, 64, 64, generator=torch.manual_seed(0)) * 2 - 1, image)
    assert torch.equal(tiny.decode(labels, style, other, region), tiny.decode(labels, style, image, region))
    beside = image.clone()
    beside[..., 0:8, :] *= -1
    assert not torch.equal(tiny.decode(labels, style, beside, region), tiny.decode(labels, style, image, region))
    whole = torch.ones_like(region)
    assert torch.equal(tiny.decode(labels, style, beside, whole), tiny.decode(labels, style, image, whole))


@torch.inference_mode()
def test_the_region_itself_matters(tiny: DenseMappingNetwork) -> None:
    labels, black = made_labels(64, 64), torch.zeros(1, 3, 64, 64)
    style = tiny.encode(labels, black)
    empty = torch.zeros(1, 1, 64, 64)
    difference = tiny.decode(labels, style, black, empty) - tiny.decode(labels, style, black, empty + 1)
    assert float(difference.abs().max()) > 1e-3


@pytest.mark.parametrize("missing", ["image", "region", "both"])
def test_missing_context_is_refused(tiny: DenseMappingNetwork, missing: str) -> None:
    labels, image, region = made_labels(64, 64), made_image(64, 64), torch.ones(1, 1, 64, 64)
    with pytest.raises(ValueError, match="context"):
        tiny.decode(
            labels,
            torch.zeros(1, TINY.style_size),
            None if missing in ("image", "both") else image,
            None if missing in ("region", "both") else region,
        )


@torch.inference_mode()
def test_a_network_without_context_ignores_it(plain: DenseMappingNetwork) -> None:
    labels, image = made_labels(64, 64), made_image(64, 64)
    style = plain.encode(labels, image)
    assert torch.equal(plain.decode(labels, style, image, torch.ones(1, 1, 64, 64)), plain.decode(labels, style))


# The style code


def adain(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    mean = x.mean(dim=(2, 3), keepdim=True)
    variance = x.var(dim=(2, 3), unbiased=False, keepdim=True)
    return (x - mean) / (variance + 1e-5).sqrt() * scale[:, :, None, None] + shift[:, :, None, None]


def test_adain_normalises_then_scales_and_shifts() -> None:
    torch.manual_seed(0)
    x, shift, scale = torch.randn(2, 4, 6, 5) * 3 + 1, torch.randn(2, 4), torch.randn(2, 4)
    layer = fill(AdaIN(4))
    torch.testing.assert_close(layer(x, shift, scale), adain(x, shift, scale))
    layer.running_mean.zero_()
    torch.testing.assert_close(layer(x, shift, scale), adain(x, shift, scale))  # running statistics play no part


@torch.inference_mode()
def test_first_come_the_shifts_then_the_scales_of_each_layer() -> None:
    torch.manual_seed(0)
    block = fill(StyledBlock(4, "reflect"))
    x, style = torch.randn(2, 4, 8, 8), torch.randn(2, 16)
    first, second = (part.get_submodule("conv") for part in block.conv_block)
    y = F.relu(adain(first(x), style[:, 0:4], style[:, 4:8]))
    expected = x + adain(second(y), style[:, 8:12], style[:, 12:16])
    torch.testing.assert_close(block(x, style), expected)


@torch.inference_mode()
def test_the_style_code_is_consumed_block_by_block(plain: DenseMappingNetwork) -> None:
    channels = TINY_PUBLISHED.channels[-1]
    blocks = [module for module in plain.model if isinstance(module, StyledBlock)]
    seen: list[Tensor] = []
    handles = [block.register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[1])) for block in blocks]
    style = torch.arange(float(TINY_PUBLISHED.style_size))[None]
    plain.decode(made_labels(64, 64), style)
    for handle in handles:
        handle.remove()
    assert len(seen) == TINY_PUBLISHED.blocks
    assert torch.equal(torch.cat(seen, dim=1), style)
    assert all(part.shape == (1, 4 * channels) for part in seen)


# The discriminator


@torch.inference_mode()
def test_the_discriminator_judges_at_two_scales_the_full_one_first() -> None:
    network = fill(PatchDiscriminator(DiscriminatorConfig(width=4)))
    verdicts = network(one_hot(made_labels(64, 64)), made_image(64, 64))
    assert [tuple(outputs[-1].shape) for outputs in verdicts] == [(1, 1, 11, 11), (1, 1, 7, 7)]
    assert [len(outputs) for outputs in verdicts] == [5, 5]
    assert [output.shape[1] for output in verdicts[0]] == [4, 8, 16, 32, 1]
