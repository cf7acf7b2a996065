"""The generator on PyTorch, on the CPU: exact renders, parts, cancelling, and what happens when memory runs out."""

import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from engine import torch_graphs
from engine.torch_backend import TorchGenerator
from engine.torch_device import DeviceMemoryError, out_of_memory
from engine.torch_graphs import Steady
from engine.types import CancelledError, Region, StyleCode
from models.generator import DenseMappingNetwork
from tests.fakes import check_error, make_portrait, tiny_weights
from tests.networks import random_network
from tests.torch_fakes import (
    CONFIGS,
    EVERYTHING,
    LABELS,
    NO_MEMORY,
    PIXELS,
    REGION,
    SIDE,
    encoded,
    exact,
    fail,
    loaded,
    stem,
)

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module", params=["context", "plain"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors", request.param == "context")


@pytest.fixture
def generator(weights: Path) -> Iterator[TorchGenerator]:
    generator = TorchGenerator(weights, "cpu")
    yield generator
    generator.close()


@pytest.fixture(params=["context", "plain"])
def network(request: pytest.FixtureRequest) -> DenseMappingNetwork:
    return random_network(CONFIGS[request.param])


# On the CPU


def test_a_cpu_renders_parts_in_float32(generator: TorchGenerator) -> None:
    info = generator.info
    assert (info.step, info.precision, info.drafts, info.note, info.device) == (4, "float32", "", "", "CPU")


def test_decode_is_exact(generator: TorchGenerator, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    style, network = encoded(generator), loaded(weights)
    for values in (torch_graphs.CACHED_VALUES, 5000, 1):  # all rows at once, some at once, each by itself
        monkeypatch.setattr(torch_graphs, "CACHED_VALUES", values)
        image = generator.decode(LABELS, style, PIXELS, REGION)
        assert image.dtype == np.float32 and image.flags.c_contiguous and image.shape == (SIDE, SIDE, 3)
        np.testing.assert_allclose(image, exact(network, style), atol=1e-5)
    assert image.std() > 0.01


@torch.inference_mode()
@pytest.mark.parametrize("groups", [0, 4])
def test_statistics_keep_their_digits(groups: int) -> None:
    # A mean a thousand times the deviation: the difference of two sums of squares would have no digit left.
    x = torch.randn(2, 8, 96, 96, generator=torch.Generator().manual_seed(0)) + 1000
    norm = nn.GroupNorm(groups, 8) if groups else nn.InstanceNorm2d(8)
    if isinstance(norm, nn.GroupNorm):
        norm.weight.copy_(torch.arange(1.0, 9))
        norm.bias.copy_(torch.arange(8.0))
    wanted = norm.double()(x.double()).float().relu()
    norm.float()
    how = Steady()
    made = how.layer(nn.ReLU(), how.layer(norm, x.contiguous(memory_format=torch.channels_last)))
    assert made.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(made, wanted, atol=1e-3)
    grouped = x.double().reshape(2, groups or 8, -1)
    np.testing.assert_allclose(how.statistics[0], grouped.mean(dim=2), rtol=1e-6)
    np.testing.assert_allclose(how.statistics[1], grouped.var(dim=2, correction=0), rtol=1e-4)


def test_a_part_that_is_the_whole_equals_the_decode(generator: TorchGenerator) -> None:
    style = encoded(generator)
    image = generator.decode(LABELS, style, PIXELS, REGION)
    part = generator.draft(LABELS, style, PIXELS, REGION, EVERYTHING)
    assert part is not None and part.dtype == np.float32 and part.flags.c_contiguous
    np.testing.assert_allclose(part, image, atol=1e-5)


@pytest.mark.parametrize(
    ("box", "inner"),
    [
        (Region(16, 20, 112, 116), Region(48, 52, 80, 84)),
        (Region(0, 0, 64, 96), Region(0, 0, 32, 64)),
        (Region(32, 64, 128, 128), Region(64, 96, 128, 128)),
    ],
)
def test_a_part_is_right_away_from_its_edges(generator: TorchGenerator, box: Region, inner: Region) -> None:
    style = encoded(generator)
    image = generator.decode(LABELS, style, PIXELS, REGION)
    part = generator.draft(LABELS, style, PIXELS, REGION, box)
    assert part is not None and part.shape == (box.y1 - box.y0, box.x1 - box.x0, 3)
    np.testing.assert_allclose(part[inner.moved(-box.y0, -box.x0).slices], image[inner.slices], atol=1e-5)


def test_a_part_shows_the_edit(generator: TorchGenerator) -> None:
    style, edited = encoded(generator), LABELS.copy()
    edited[60:68, 60:68] = 17
    before = generator.decode(LABELS, style, PIXELS, REGION)
    part = generator.draft(edited, style, PIXELS, REGION, Region(32, 32, 96, 96))
    after = generator.decode(edited, style, PIXELS, REGION)
    assert part is not None
    near = slice(52, 76)
    wrong, change = (abs(image - after[near, near]).mean() for image in (part[20:44, 20:44], before[near, near]))
    assert wrong < 0.3 * change and change > 1e-3


def test_there_is_no_part_without_a_decode_of_the_same_size_and_style(generator: TorchGenerator) -> None:
    style, other, box = encoded(generator), encoded(generator, 1), Region(0, 0, 32, 32)
    small = make_portrait(64)
    ones = np.ones((64, 64), np.float32)

    def part(chosen: StyleCode = style) -> np.ndarray | None:
        return generator.draft(LABELS, chosen, PIXELS, REGION, box)

    assert part() is None
    generator.decode(LABELS, style, PIXELS, REGION)
    assert part() is not None
    assert part(StyleCode(style.vector.copy(), style.model_id)) is not None  # the same code
    assert generator.draft(LABELS, style, PIXELS, REGION) is None  # nothing is quicker for the whole
    assert generator.draft(small.labels, style, small.pixels, ones, box) is None
    assert part(other) is None
    generator.decode(small.labels, style, small.pixels, ones)
    assert part() is None
    generator.decode(LABELS, other, PIXELS, REGION)
    assert part() is None and part(other) is not None


def test_a_part_that_cannot_be_padded_is_not_rendered(generator: TorchGenerator) -> None:
    style = encoded(generator)
    generator.decode(LABELS, style, PIXELS, REGION)
    for side in (4, 8):
        part = generator.draft(LABELS, style, PIXELS, REGION, Region(8, 8, 8 + side, 8 + side))
        assert part is None or part.shape == (side, side, 3)


def test_styles_together_equal_each_alone_and_leave_parts_as_they_are(generator: TorchGenerator) -> None:
    styles = [encoded(generator, seed) for seed in range(3)]
    alone = [generator.decode(LABELS, style, PIXELS, REGION) for style in styles]
    together = generator.decode_styles(LABELS, styles, PIXELS, REGION)
    assert len(together) == 3 and all(map(np.array_equal, alone, together))
    assert not np.array_equal(alone[0], alone[1])
    assert generator.decode_styles(LABELS, [], PIXELS, REGION) == []
    generator.decode_styles(LABELS, styles[:1], PIXELS, REGION)
    assert generator.draft(LABELS, styles[2], PIXELS, REGION, EVERYTHING) is not None


@pytest.mark.parametrize("kind", ["decode", "draft", "decode_styles"])
def test_cancel_ends_what_runs_and_nothing_else(generator: TorchGenerator, kind: str) -> None:
    style = encoded(generator)
    reached: list[str] = []

    def run() -> Any:
        if kind == "decode":
            return generator.decode(LABELS, style, PIXELS, REGION)
        if kind == "draft":
            return generator.draft(LABELS, style, PIXELS, REGION, EVERYTHING)
        return generator.decode_styles(LABELS, [style, style], PIXELS, REGION)

    def cancel(*_: object) -> None:
        thread = threading.Thread(target=generator.cancel)
        thread.start()
        thread.join()

    generator.decode(LABELS, style, PIXELS, REGION)
    generator.cancel()  # nothing runs
    wanted = run()
    layers = generator._network.model
    hooks = [
        layers[4].register_forward_hook(cancel),
        layers[-2].register_forward_hook(lambda *_: reached.append("the last layer")),
    ]
    with pytest.raises(CancelledError):
        run()
    assert reached == []
    for hook in hooks:
        hook.remove()
    # What the last whole decode left is still there, and what comes next is not ended.
    assert generator.draft(LABELS, style, PIXELS, REGION, EVERYTHING) is not None
    assert np.array_equal(run(), wanted)


def test_weights_that_are_not_finite_show_in_what_is_made(generator: TorchGenerator) -> None:
    style = encoded(generator)
    with torch.no_grad():
        stem(generator._network).weight[0] = np.nan
    assert np.isnan(generator.decode(LABELS, style, PIXELS, REGION)).any()
    part = generator.draft(LABELS, style, PIXELS, REGION, Region(0, 0, 32, 32))
    assert part is not None and np.isnan(part).any()


def test_closing_frees_the_network(weights: Path) -> None:
    generator = TorchGenerator(weights, "cpu")
    generator.decode(LABELS, encoded(generator), PIXELS, REGION)
    assert generator._left is not None
    kept = weakref.ref(generator._network), weakref.ref(generator._left.around)
    generator.close()
    generator.close()
    assert [each() for each in kept] == [None, None]
    assert generator.info.title == "Tiny"


# Memory


@pytest.mark.parametrize("error", NO_MEMORY)
@pytest.mark.parametrize("method", ["draw", "encode"])
def test_when_memory_runs_out_it_is_tried_once_more(
    generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch, method: str, error: RuntimeError
) -> None:
    network, style = generator._network, encoded(generator)

    def run() -> np.ndarray:
        return encoded(generator).vector if method == "encode" else generator.decode(LABELS, style, PIXELS, REGION)

    wanted = run()
    once, calls = fail(1, error, getattr(network, method))
    monkeypatch.setattr(network, method, once)
    assert np.array_equal(run(), wanted) and len(calls) == 2
    twice, calls = fail(2, error, getattr(network, method))
    monkeypatch.setattr(network, method, twice)
    with pytest.raises(DeviceMemoryError) as raised:
        run()
    check_error(raised, "memory", "CPU")
    assert len(calls) == 2 and raised.value.__context__ is None
    assert np.array_equal(run(), wanted)


def test_other_errors_are_not_tried_again(generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    run, calls = fail(2, RuntimeError("shapes"), generator._network.draw)
    monkeypatch.setattr(generator._network, "draw", run)
    with pytest.raises(RuntimeError, match="shapes"):
        generator.decode(LABELS, encoded(generator), PIXELS, REGION)
    assert len(calls) == 1


class FakeQuick:
    """Renders the mean of each style's code, and fails above so many styles at once."""

    def __init__(self, most: int) -> None:
        self.most, self.sizes, self.forgotten = most, [], 0
        self.recorded: list[bool] = []
        self.each: Callable[[], None] = lambda: None

    def __call__(self, labels, styles, pixels, region, recorded=True) -> list[np.ndarray]:
        self.sizes.append(len(styles))
        self.recorded.append(recorded)
        self.each()
        if len(styles) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return [np.full((*labels.shape, 3), style.vector.mean(), np.float32) for style in styles]

    def forget(self) -> None:
        self.forgotten += 1


STYLES = [StyleCode(np.full(4, n, np.float32), "") for n in range(11)]


@pytest.mark.parametrize(("most", "sizes"), [(99, [8, 3]), (4, [8, 8, 4, 4, 3]), (3, [8, 8, 4, 4, 2, 2, 2, 2, 2, 1])])
def test_styles_are_rendered_together_as_memory_allows(
    generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch, most: int, sizes: list[int]
) -> None:
    quick = FakeQuick(most)
    monkeypatch.setattr(generator, "_quick", quick)
    images = generator.decode_styles(LABELS, STYLES, PIXELS, REGION)
    assert [image[0, 0, 0] for image in images] == list(range(11))
    assert quick.sizes == sizes
    # What fails is tried again without a graph, with all freed; what fits may have one.
    assert quick.forgotten == 2 * sum(size > most for size in set(sizes))
    assert quick.recorded.count(False) == quick.forgotten // 2


def test_one_style_that_does_not_fit_is_an_error(generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "_quick", FakeQuick(0))
    with pytest.raises(DeviceMemoryError):
        generator.decode(LABELS, STYLES[0], PIXELS, REGION)
    with pytest.raises(DeviceMemoryError):
        generator.decode_styles(LABELS, STYLES, PIXELS, REGION)
    assert generator.draft(LABELS, STYLES[0], PIXELS, REGION, EVERYTHING) is None


def test_batches_of_styles_can_be_cancelled_between_them(
    generator: TorchGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = FakeQuick(99)
    quick.each = generator.cancel
    monkeypatch.setattr(generator, "_quick", quick)
    with pytest.raises(CancelledError):
        generator.decode_styles(LABELS, STYLES, PIXELS, REGION)
    assert quick.sizes == [8]
    assert generator.decode(LABELS, STYLES[1], PIXELS, REGION)[0, 0, 0] == 1  # runs to its end


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NO_MEMORY[0], True),
        (NO_MEMORY[1], True),
        (RuntimeError("CUDA error: out of memory"), True),
        (RuntimeError("CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_BAD_PARAM"), False),
    ],
)
def test_errors_for_want_of_memory_are_known(error: RuntimeError, expected: bool) -> None:
    assert out_of_memory(error) is expected
