"""What makes the PyTorch back end quick on GPUs, as far as a CPU can show it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine import torch_backend, torch_graphs
from engine.generate import BackendUnavailableError
from engine.torch_backend import TorchGenerator, quick_decode
from engine.torch_device import best_precision
from engine.torch_graphs import Buffer, Graph, Halved, QuickDecode, quick_layers
from engine.types import StyleCode
from models.generator import DenseMappingNetwork
from tests.fakes import make_portrait, tiny_weights
from tests.networks import random_network
from tests.torch_fakes import (
    CONFIGS,
    LABELS,
    NO_MEMORY,
    PIXELS,
    REGION,
    SIDE,
    exact,
    fail,
    psnr,
    stem,
    styled,
)

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module", params=["context", "plain"])
def weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_weights(tmp_path_factory.mktemp("weights") / "tiny.safetensors", request.param == "context")


@pytest.fixture(params=["context", "plain"])
def network(request: pytest.FixtureRequest) -> DenseMappingNetwork:
    return random_network(CONFIGS[request.param])


# Half precision


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((9, 0), "bfloat16"), ((8, 0), "bfloat16"), ((7, 0), "float16"), ((7, 5), "float16"), ((6, 1), "float32")],
)
def test_the_precision_suits_the_device(capability: tuple[int, int], expected: str) -> None:
    assert best_precision(capability) == expected


def halved(network: DenseMappingNetwork, dtype: torch.dtype) -> QuickDecode:
    network.model = quick_layers(network, dtype)
    decode = QuickDecode(network, dtype)
    decode._how = Halved()
    return decode


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(("dtype", "least"), [(torch.float32, 80), (torch.bfloat16, 40), (torch.float16, 55)], ids=str)
def test_channels_last_and_half_precision_render_the_same(
    network: DenseMappingNetwork, dtype: torch.dtype, least: float, count: int
) -> None:
    styles = [styled(network, seed) for seed in range(count)]
    wanted = [exact(network, style) for style in styles]
    made = halved(network, dtype)(LABELS, styles, PIXELS, REGION)
    assert len(made) == count
    for image, other in zip(made, wanted, strict=True):
        assert image.dtype == np.float32 and image.flags.c_contiguous and image.shape == (SIDE, SIDE, 3)
        assert psnr(image, other) > least


def test_all_layers_stay_in_channels_last_order(network: DenseMappingNetwork) -> None:
    decode, style = halved(network, torch.bfloat16), styled(network)
    orders: list[tuple[bool, torch.dtype, int]] = []

    def look(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        last = torch.channels_last
        orders.append((inputs[0].is_contiguous(memory_format=last), output.dtype, inputs[0].shape[1]))
        assert output.is_contiguous(memory_format=last)

    convs = [each for each in network.model if isinstance(each, nn.Conv2d | nn.ConvTranspose2d)]
    for conv in convs:
        conv.register_forward_hook(look)
    decode(LABELS, [style], PIXELS, REGION)
    assert len(orders) == len(convs)
    assert all(last and dtype == torch.bfloat16 for last, dtype, _ in orders)
    assert orders[0][2] % 8 == 0 and convs[-1].weight.shape[0] == 8


@pytest.mark.parametrize("margin", [1, 3])
def test_reflection_is_that_of_the_network(margin: int) -> None:
    x = torch.randn(2, 5, 6, 9).contiguous(memory_format=torch.channels_last)
    made = Halved()._reflected(x, margin)
    assert torch.equal(made, nn.functional.pad(x, (margin,) * 4, mode="reflect"))
    assert made.is_contiguous(memory_format=torch.channels_last)


def told_by(network: DenseMappingNetwork, precision: str = "bfloat16") -> tuple[QuickDecode, str, list[str]]:
    told: list[str] = []
    decode, used = quick_decode(network, precision, None, told.append)
    return decode, used, told


def test_half_precision_is_used_where_it_is_right(network: DenseMappingNetwork) -> None:
    layers, style = network.model, styled(network)
    wanted = exact(network, style)
    decode, used, told = told_by(network)
    assert (used, told) == ("bfloat16", []) and network.model is not layers
    assert 40 < psnr(decode(LABELS, [style], PIXELS, REGION)[0], wanted) < 80
    assert decode._how is not torch_graphs.PLAIN


def test_float32_is_used_if_asked_for(network: DenseMappingNetwork) -> None:
    layers = network.model
    decode, used, told = told_by(network, "float32")
    assert (used, told) == ("float32", []) and network.model is layers
    style = styled(network)
    np.testing.assert_allclose(decode(LABELS, [style], PIXELS, REGION)[0], exact(network, style), atol=1e-6)


def test_float32_is_used_where_half_precision_is_not_right(
    network: DenseMappingNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers, style = network.model, styled(network)
    wanted = exact(network, style)
    monkeypatch.setattr(torch_backend, "LEAST_PSNR", 90)
    decode, used, told = told_by(network)
    assert used == "float32" and network.model is layers
    assert len(told) == 1 and "bfloat16" in told[0] and " dB" in told[0]
    np.testing.assert_allclose(decode(LABELS, [style], PIXELS, REGION)[0], wanted, atol=1e-6)


def test_numbers_that_are_not_finite_mean_float32(network: DenseMappingNetwork) -> None:
    with torch.no_grad():
        stem(network).weight[0] = np.nan
    _, used, told = told_by(network)
    assert used == "float32" and len(told) == 1 and "not finite" in told[0]


def test_overflow_means_float32(network: DenseMappingNetwork) -> None:
    # The norm takes the scale away again, but float16 ends at 65504.
    with torch.no_grad():
        stem(network).weight.mul_(1e6)
    _, used, told = told_by(network, "float16")
    assert used == "float32" and "not finite" in told[0]


def test_a_device_that_cannot_compute_at_half_precision_uses_float32(
    network: DenseMappingNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers = network.model

    def refuse(self: object, x: Tensor, *_: object) -> Tensor:
        raise RuntimeError("not implemented for 'BFloat16'")

    monkeypatch.setattr(Halved, "restyle", refuse)
    _, used, told = told_by(network)
    assert used == "float32" and network.model is layers and "not implemented" in told[0]
    monkeypatch.setattr(Halved, "restyle", fail(9, NO_MEMORY[0], refuse)[0])
    with pytest.raises(torch.OutOfMemoryError):
        told_by(network)


def test_a_driver_that_fails_means_another_back_end(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(DenseMappingNetwork, "to", broken)
    with pytest.raises(BackendUnavailableError, match="no kernel image"):
        TorchGenerator(weights, "cuda")


# Recorded graphs, played by a stand-in


class FakeGraph:
    """Does again what was recorded, into the same tensor."""

    def __init__(self, run: Callable[[], Tensor], made: Tensor) -> None:
        self._run, self._made, self.replayed = run, made, 0

    def replay(self) -> None:
        self.replayed += 1
        self._made.copy_(self._run())


class Recorder:
    def __init__(self, error: RuntimeError | None = None) -> None:
        self.graphs: list[FakeGraph] = []
        self.beside: list[Graph | None] = []
        self.tried, self._error = 0, error

    def __call__(self, run: Callable[[], Tensor], beside: Graph | None) -> tuple[Graph, Tensor]:
        self.tried += 1
        if self._error is not None:
            raise self._error
        made = run().fill_(7)  # what is there before the first replay must not be seen
        self.graphs.append(FakeGraph(run, made))
        self.beside.append(beside)
        return self.graphs[-1], made


def test_a_replay_follows_whatever_changes(network: DenseMappingNetwork) -> None:
    recorder, style = Recorder(), styled(network)
    decode = QuickDecode(network, record=recorder)
    edited = np.where(LABELS == 1, 17, LABELS).astype(np.uint8)
    cases: list[tuple[Any, Sequence[StyleCode], Any, Any]] = [
        (LABELS, [style], PIXELS, REGION),
        (edited, [style], PIXELS, REGION),
        (edited, [styled(network, 1)], PIXELS, REGION),
        (edited, [styled(network, 1)], 255 - PIXELS, REGION),
        (edited, [styled(network, 1)], 255 - PIXELS, 1 - REGION),
        (LABELS, [style], PIXELS, REGION),
    ]
    images = []
    for labels, styles, pixels, region in cases:
        (image,) = decode(labels, styles, pixels, region)
        images.append(image)
        np.testing.assert_allclose(image, exact(network, styles[0], labels, pixels, region), atol=1e-6)
        assert np.array_equal(image, decode(labels, styles, pixels, region, recorded=False)[0])
    assert len(recorder.graphs) == 1 and recorder.graphs[0].replayed == len(cases)
    # Each is a picture of its own: none is overwritten by the next.
    assert np.array_equal(images[0], images[-1]) and not np.array_equal(images[0], images[1])


def test_each_size_and_number_of_styles_has_its_graph_and_few_are_kept(network: DenseMappingNetwork) -> None:
    recorder = Recorder()
    decode = QuickDecode(network, record=recorder)

    def render(side: int, count: int = 1) -> None:
        portrait = make_portrait(side)
        ones = np.ones((side, side), np.float32)
        styles = [styled(network, seed) for seed in range(count)]
        images = decode(portrait.labels, styles, portrait.pixels, ones)
        for style, image in zip(styles, images, strict=True):
            wanted = exact(network, style, portrait.labels, portrait.pixels, ones)
            np.testing.assert_allclose(image, wanted, atol=1e-5)

    for side, count in ((32, 1), (64, 1), (64, 2), (96, 1), (32, 1)):
        render(side, count)
    assert recorder.tried == 4
    # The first has memory of its own, which all others share.
    assert recorder.beside == [None] + [recorder.graphs[0]] * 3
    render(64, 3)  # in place of (64, 1), the one not used for longest
    render(32)
    assert recorder.tried == 5
    render(64)
    assert recorder.tried == 6
    decode.forget()
    render(64)
    assert recorder.tried == 7 and recorder.beside[-1] is None


def test_what_cannot_be_recorded_is_run_layer_by_layer(
    network: DenseMappingNetwork, caplog: pytest.LogCaptureFixture
) -> None:
    recorder, told, style = Recorder(RuntimeError("capture failed\nmore")), [], styled(network)
    decode = QuickDecode(network, record=recorder, tell=told.append)
    for _ in range(2):
        np.testing.assert_allclose(decode(LABELS, [style], PIXELS, REGION)[0], exact(network, style), atol=1e-6)
    assert recorder.tried == 1
    assert told == ["CUDA graphs cannot be used (capture failed)"]
    assert len(caplog.records) == 1


def test_memory_that_runs_out_in_a_recording_is_no_fault_of_graphs(network: DenseMappingNetwork) -> None:
    recorder, told, style = Recorder(torch.OutOfMemoryError("CUDA out of memory.")), [], styled(network)
    decode = QuickDecode(network, record=recorder, tell=told.append)
    with pytest.raises(torch.OutOfMemoryError):
        decode(LABELS, [style], PIXELS, REGION)
    decode(LABELS, [style], PIXELS, REGION)
    assert recorder.tried == 1 and told == []


def test_only_what_changed_travels() -> None:
    buffer, array = Buffer((2, 3), torch.uint8, torch.device("cpu")), np.arange(6, dtype=np.uint8).reshape(2, 3)
    buffer.put(array)
    assert np.array_equal(buffer.tensor, array)
    buffer.tensor.fill_(99)
    buffer.put(array.copy())
    assert (buffer.tensor == 99).all()
    array[1, 1] = 0  # in place
    buffer.put(array)
    assert np.array_equal(buffer.tensor, array)
    buffer.put(array[::-1])
    assert np.array_equal(buffer.tensor, array[::-1])


def test_a_copy_that_failed_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    buffer, array = Buffer((2,), torch.float32, torch.device("cpu")), np.ones(2, np.float32)
    with monkeypatch.context() as patch:
        patch.setattr(np, "copyto", fail(1, RuntimeError("lost"), np.copyto)[0])
        with pytest.raises(RuntimeError, match="lost"):
            buffer.put(array)
        buffer.put(array)
    assert np.array_equal(buffer.tensor, array)


def test_notes_are_added_to_what_is_known(weights: Path) -> None:
    generator = TorchGenerator(weights, "cpu", "because")
    assert generator.info.note == "because"
    generator._tell("CUDA graphs cannot be used")
    assert generator.info.note == "because; CUDA graphs cannot be used"
    generator.close()
