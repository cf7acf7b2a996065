"""PyTorch on a CUDA device: precisions, recorded graphs, memory."""

import gc
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.generate import nvidia_driver
from engine.store import default_weights
from engine.torch_backend import TorchGenerator
from engine.torch_device import DeviceMemoryError, best_precision
from engine.torch_graphs import KNOWN_SHAPES, QuickDecode
from engine.types import StyleCode
from models.generator import DenseMappingNetwork
from tests.fakes import make_portrait, tiny_weights

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not nvidia_driver(), reason="no NVIDIA driver")]

LEAST = {"float32": 60, "bfloat16": 40, "float16": 40}


def known(precision: str) -> bool:
    major = torch.cuda.get_device_capability()[0]
    return major >= {"float32": 0, "float16": 7, "bfloat16": 8}[precision]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * float(np.log10(4 / max(float(np.square(a - b, dtype=np.float64).mean()), 1e-12)))


def inputs(side: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    portrait = make_portrait(side, seed=seed)
    region = np.zeros((side, side), np.float32)
    region[side // 4 : side // 2 + side // 4, side // 4 :] = 1
    return portrait.labels, portrait.pixels, region


def quick(generator: TorchGenerator) -> QuickDecode:
    assert generator._quick is not None
    return generator._quick


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def generator() -> Iterator[TorchGenerator]:
    generator = TorchGenerator(default_weights(), "cuda")
    yield generator
    generator.close()


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from models.checkpoints import save_generator

    path = tmp_path_factory.mktemp("weights") / "published.safetensors"
    torch.manual_seed(0)
    save_generator(DenseMappingNetwork().eval(), path, "Published size", half=False)
    return path


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("model", ["default", "tiny", "plain"])
def test_each_precision_agrees_with_the_cpu(model: str, precision: str, tmp_path: Path) -> None:
    if not known(precision):
        pytest.skip(f"the device computes no {precision}")
    weights = default_weights() if model == "default" else tiny_weights(tmp_path / "t.safetensors", model == "tiny")
    on_gpu, on_cpu = TorchGenerator(weights, "cuda", precision=precision), TorchGenerator(weights, "cpu")
    assert (on_gpu.info.precision, on_gpu.info.note, on_gpu.info.step) == (precision, "", 0)
    for side in (64, 160, 256):
        labels, pixels, region = inputs(side)
        styles = [each.encode(pixels, labels) for each in (on_gpu, on_cpu)]
        np.testing.assert_allclose(styles[0].vector, styles[1].vector, atol=1e-3)
        made, wanted = (each.decode(labels, styles[1], pixels, region) for each in (on_gpu, on_cpu))
        assert made.shape == wanted.shape and made.dtype == np.float32 and made.flags.c_contiguous
        assert psnr(made, wanted) >= LEAST[precision]
        if precision == "float32":
            np.testing.assert_allclose(made, wanted, atol=1e-3)
    on_gpu.close()
    on_cpu.close()


def test_the_best_precision_is_used(generator: TorchGenerator) -> None:
    info = generator.info
    assert info.precision == best_precision(torch.cuda.get_device_capability())
    assert (info.note, info.step, info.device) == ("", 0, torch.cuda.get_device_name())


def test_a_replay_equals_the_layers_and_follows_what_changes(generator: TorchGenerator) -> None:
    labels, pixels, region = inputs(256)
    other_labels, other_pixels, _ = inputs(256, 1)
    other_labels = np.where(other_labels == 1, 17, other_labels).astype(np.uint8)
    style, other = generator.encode(pixels, labels), generator.encode(other_pixels, other_labels)
    images = []
    for case in (
        (labels, style, pixels, region),
        (other_labels, style, pixels, region),
        (other_labels, other, pixels, region),
        (other_labels, other, other_pixels, region),
        (other_labels, other, other_pixels, 1 - region),
        (labels, style, pixels, region),
    ):
        images.append(generator.decode(*case))
        eager = quick(generator)(case[0], [case[1]], *case[2:], recorded=False)[0]
        assert psnr(images[-1], eager) > 55
    shape = quick(generator)._shapes[256, 256, 1]
    assert isinstance(shape.graph, torch.cuda.CUDAGraph)
    assert np.array_equal(images[0], images[-1])
    for before, after in pairwise(images[:-1]):
        assert psnr(before, after) < 50


def test_many_sizes_keep_few_graphs_and_stay_right(generator: TorchGenerator) -> None:
    first: dict[int, np.ndarray] = {}
    for side in (64, 96, 128, 160, 192, 64, 192, 96):
        labels, pixels, region = inputs(side)
        image = generator.decode(labels, generator.encode(pixels, labels), pixels, region)
        assert np.array_equal(image, first.setdefault(side, image)) or psnr(image, first[side]) > 55
    assert len(quick(generator)._shapes) == KNOWN_SHAPES


@pytest.mark.parametrize("count", [1, 3, 8, 11])
def test_styles_together_equal_each_alone(generator: TorchGenerator, count: int) -> None:
    labels, pixels, region = inputs(128)
    style = generator.encode(pixels, labels)
    noise = np.random.default_rng(0).normal(0, 0.1, (count, len(style.vector))).astype(np.float32)
    styles = [StyleCode(style.vector + each, style.model_id) for each in noise]
    together = generator.decode_styles(labels, styles, pixels, region)
    alone = [generator.decode(labels, each, pixels, region) for each in styles]
    assert len(together) == count
    for a, b in zip(together, alone, strict=True):
        assert psnr(a, b) >= 45


def test_there_are_no_drafts(generator: TorchGenerator) -> None:
    labels, pixels, region = inputs(64)
    style = generator.encode(pixels, labels)
    generator.decode(labels, style, pixels, region)
    assert generator.draft(labels, style, pixels, region) is None


def test_closing_frees_the_memory(tiny: Path) -> None:
    TorchGenerator(tiny, "cuda").close()  # what the libraries keep for themselves
    gc.collect()
    before = torch.cuda.memory_allocated()
    generator = TorchGenerator(default_weights(), "cuda")
    labels, pixels, region = inputs(256)
    style = generator.encode(pixels, labels)
    generator.decode(labels, style, pixels, region)
    generator.decode_styles(labels, [style] * 4, pixels, region)
    assert torch.cuda.memory_allocated() > before
    generator.close()
    gc.collect()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() <= before + 2**20


def test_memory_that_is_too_small_is_said_and_the_next_decode_works(generator: TorchGenerator) -> None:
    labels, pixels, region = inputs(256)
    style = generator.encode(pixels, labels)
    wanted = generator.decode(labels, style, pixels, region)
    large = inputs(2048)
    torch.cuda.set_per_process_memory_fraction(
        (torch.cuda.memory_reserved() + 2**26) / torch.cuda.get_device_properties(0).total_memory
    )
    try:
        with pytest.raises(DeviceMemoryError):
            generator.decode(large[0], style, large[1], large[2])
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert psnr(generator.decode(labels, style, pixels, region), wanted) > 55


def test_the_published_size_renders(published: Path) -> None:
    on_gpu = TorchGenerator(published, "cuda")
    assert on_gpu.info.note == "" and on_gpu.info.precision == best_precision(torch.cuda.get_device_capability())
    labels, pixels, region = inputs(512)
    style = on_gpu.encode(pixels, labels)
    image = on_gpu.decode(labels, style, pixels, region)
    on_gpu.close()
    exact = TorchGenerator(published, "cuda", precision="float32")
    wanted = exact.decode(labels, style, pixels, region)
    exact.close()
    assert image.shape == (512, 512, 3) and image.std() > 0.01
    assert psnr(image, wanted) >= 40
