"""The generator as exported graphs, on both runtimes that run them."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import graph_generator
from engine.generate import BackendUnavailableError, Image, to_planes
from engine.graph_generator import GraphGenerator, Runtime, around
from engine.graphs import Stop
from engine.torch_backend import TorchGenerator
from engine.types import CancelledError, ModelError, Region, StyleCode
from models.checkpoints import load_generator
from models.generator import DenseMappingNetwork
from models.local import PartDecode, WholeDecode
from tests.fakes import make_portrait

TOLERANCE = 1e-3
RUNTIMES: tuple[Runtime, ...] = ("onnx", "openvino")


def inputs(height: int, width: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, pixels and a region."""
    portrait, region = make_portrait((height, width), seed=seed), np.zeros((height, width), np.float32)
    region[height // 4 : height // 2] = 1
    return portrait.labels, portrait.pixels, region


def psnr(image: Image | None, exact: Image) -> float:
    assert image is not None and image.shape == exact.shape and image.dtype == np.float32
    return float(10 * np.log10(4 / max(np.square(image - exact).mean(), 1e-12)))


# Exact renders


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_style_codes_and_renders_are_pytorchs_at_all_sizes(model: Path, opened, runtime: Runtime) -> None:
    reference, generator = TorchGenerator(model / "tiny.safetensors", "cpu"), opened(runtime)
    for size in ((64, 64), (32, 96), (128, 64), (64, 64)):
        labels, pixels, region = inputs(*size)
        style, expected = (each.encode(pixels, labels) for each in (generator, reference))
        assert style.vector.dtype == np.float32 and style.model_id == expected.model_id
        np.testing.assert_allclose(style.vector, expected.vector, atol=TOLERANCE)
        images = [each.decode(labels, expected, pixels, region) for each in (generator, reference)]
        np.testing.assert_allclose(images[0], images[1], atol=TOLERANCE)
        assert images[0].shape == (*size, 3) and images[0].dtype == np.float32 and images[0].flags.c_contiguous
        assert images[0].std() > 1e-3  # not trivially alike
    reference.close()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_is_known_of_it(opened, model: Path, runtime: Runtime) -> None:
    info, config = opened(runtime).info, load_generator(model / "tiny.safetensors")[0].config
    assert (info.title, info.device, info.size, info.multiple, info.note) == ("Tiny", "CPU", 64, 32, "a note")
    assert info.backend == {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}[runtime]
    assert (info.context, info.class_values, info.step) == (config.context, config.region_channels, 4)
    assert (info.precision, info.drafts) == ("float32", "int8" if runtime == "openvino" else "")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_read_only_and_strided_inputs_are_taken(opened, runtime: Runtime) -> None:
    generator, (labels, pixels, region) = opened(runtime), inputs(128, 128)
    assert not labels.flags.writeable
    sparse = labels[::2, ::2], pixels[::2, ::2], region[::2, ::2]
    dense = tuple(np.ascontiguousarray(each) for each in sparse)
    style = generator.encode(sparse[1], sparse[0])
    style.vector.setflags(write=False)
    first, second = (generator.decode(each[0], style, each[1], each[2]) for each in (sparse, dense))
    assert np.array_equal(first, second)
    first[:] = 0  # the caller's own
    assert np.array_equal(generator.decode(dense[0], style, dense[1], dense[2]), second)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_several_styles_are_what_each_gives_alone(opened, runtime: Runtime) -> None:
    generator, (labels, pixels, region) = opened(runtime), inputs(64, 64)
    styles = [generator.encode(inputs(64, 64, seed)[1], labels) for seed in (0, 1)]
    alone = [generator.decode(labels, style, pixels, region) for style in styles]
    together = generator.decode_styles(labels, styles, pixels, region)
    assert len(together) == 2 and all(map(np.array_equal, together, alone))
    assert not np.array_equal(*together)
    # The last decode's style still is the one of which parts can be drawn.
    box = Region(0, 0, 32, 32)
    drafts = [generator.draft(labels, style, pixels, region, box) for style in styles]
    assert drafts[0] is None and drafts[1] is not None


def test_a_picture_is_converted_once(monkeypatch: pytest.MonkeyPatch, opened) -> None:
    generator, (labels, pixels, region) = opened("onnx"), inputs(64, 64)
    converted: list[int] = []
    monkeypatch.setattr(graph_generator, "to_planes", lambda given: converted.append(id(given)) or to_planes(given))
    style = generator.encode(pixels, labels)
    image, again = (generator.decode(labels, style, pixels, region) for _ in range(2))
    assert np.array_equal(image, again)
    assert converted == [id(pixels)]
    other = pixels.copy()
    other[:] = 255 - other
    changed = generator.decode(labels, style, other, region)
    seen = generator.info.context
    assert converted == [id(pixels)] + [id(other)] * seen and np.array_equal(changed, image) != seen


# Drafts


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_part_that_is_the_whole_picture_is_the_exact_render(opened, runtime: Runtime) -> None:
    generator = opened(runtime)
    for size in ((64, 64), (64, 96)):
        labels, pixels, region = inputs(*size)
        style = generator.encode(pixels, labels)
        exact = generator.decode(labels, style, pixels, region)
        part = generator.draft(labels, style, pixels, region, Region(0, 0, *size))
        assert psnr(part, exact) > (80 if runtime == "onnx" else 25)
        generator.refuse_int8()
        np.testing.assert_allclose(
            generator.draft(labels, style, pixels, region, Region(0, 0, *size)), exact, atol=1e-3
        )


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_parts_are_what_pytorch_makes_of_them(opened, model: Path, runtime: Runtime) -> None:
    generator, network = opened(runtime), load_generator(model / "tiny.safetensors")[0]
    generator.refuse_int8()
    labels, pixels, region = inputs(96, 128)
    style = generator.encode(pixels, labels)
    generator.decode(labels, style, pixels, region)
    edited = labels.copy()
    edited[40:50, 60:75] = 11
    for box in (Region(32, 32, 64, 96), Region(0, 0, 32, 64), Region(64, 64, 96, 128), Region(0, 32, 96, 64)):
        got = generator.draft(edited, style, pixels, region, box)
        assert got is not None and got.shape == (box.y1 - box.y0, box.x1 - box.x0, 3) and got.flags.c_contiguous
        np.testing.assert_allclose(got, of_pytorch(network, (labels, edited), style, pixels, region, box), atol=1e-3)


def of_pytorch(
    network: DenseMappingNetwork,
    both: tuple[np.ndarray, np.ndarray],
    style: StyleCode,
    pixels: np.ndarray,
    region: np.ndarray,
    box: Region,
) -> np.ndarray:
    """Render a part of the second of two label maps with what the first one left."""
    context = (torch.from_numpy(to_planes(pixels)), torch.from_numpy(region)[None, None])
    vector, (rows, columns) = torch.from_numpy(style.vector)[None], box.slices
    padding = "reflect" if network.config.padding == "reflect" else "constant"
    with torch.inference_mode():
        _, statistics, deep = WholeDecode(network)(
            torch.tensor(both[0])[None], vector, *(context if network.config.context else ())
        )
        render = PartDecode(network)(
            torch.tensor(both[1])[None, rows, columns],
            vector,
            statistics,
            torch.from_numpy(around(deep.numpy(), box, 4, padding)),
            torch.tensor([box.y0, box.x0]),
            *([each[:, :, rows, columns] for each in context] if network.config.context else ()),
        )
    return render[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_small_parts_are_right_away_from_their_edges(opened, runtime: Runtime) -> None:
    generator, (labels, pixels, region) = opened(runtime), inputs(96, 96)
    style = generator.encode(pixels, labels)
    exact = generator.decode(labels, style, pixels, region)
    for box in (Region(0, 0, 4, 4), Region(92, 88, 96, 96), Region(40, 20, 48, 24), Region(28, 0, 68, 96)):
        part = generator.draft(labels, style, pixels, region, box)
        assert part is not None and part.shape == (box.y1 - box.y0, box.x1 - box.x0, 3)
    wide = generator.draft(labels, style, pixels, region, Region(16, 16, 80, 80))
    assert psnr(None if wide is None else wide[16:-16, 16:-16], exact[32:64, 32:64]) > 20


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_there_are_parts_only_of_what_was_decoded_last(opened, runtime: Runtime) -> None:
    generator, (labels, pixels, region) = opened(runtime), inputs(64, 64)
    style, box = generator.encode(pixels, labels), Region(16, 16, 48, 48)
    assert generator.draft(labels, style, pixels, region, box) is None
    generator.decode(labels, style, pixels, region)
    equal = StyleCode(style.vector.copy(), style.model_id)
    assert generator.draft(labels, equal, pixels, region, box) is not None
    other = StyleCode(style.vector + np.float32(1e-3), style.model_id)
    assert generator.draft(labels, other, pixels, region, box) is None
    assert generator.draft(*with_style(inputs(64, 96), style), box) is None
    style.vector[:] += 1  # what is kept is not the caller's
    assert generator.draft(labels, equal, pixels, region, box) is not None


def with_style(given: tuple[np.ndarray, ...], style: StyleCode) -> tuple:
    return given[0], style, given[1], given[2]


def test_openvino_drafts_the_whole_in_int8(opened) -> None:
    generator = opened("openvino")
    for size in ((64, 64), (64, 96)):
        labels, pixels, region = inputs(*size)
        style = generator.encode(pixels, labels)
        draft = generator.draft(labels, style, pixels, region)  # needs no decode before
        exact = generator.decode(labels, style, pixels, region)
        assert 25 < psnr(draft, exact) < 100
    generator.refuse_int8()
    assert generator.info.drafts == "" and generator.draft(labels, style, pixels, region) is None


def test_onnx_runtime_does_not(opened) -> None:
    generator, (labels, pixels, region) = opened("onnx"), inputs(64, 64)
    assert generator.draft(labels, generator.encode(pixels, labels), pixels, region) is None


def test_without_int8_graphs_openvino_draws_parts_in_float32(opened, graphs: Path) -> None:
    for path in graphs.glob("*-int8.onnx"):
        path.unlink()
    generator, (labels, pixels, region) = opened("openvino"), inputs(64, 64)
    style = generator.encode(pixels, labels)
    exact = generator.decode(labels, style, pixels, region)
    assert generator.info.drafts == "" and generator.draft(labels, style, pixels, region) is None
    part = generator.draft(labels, style, pixels, region, Region(0, 0, 64, 64))
    np.testing.assert_allclose(part, exact, atol=1e-3)


# Cancelling


@contextmanager
def cancelling(generator: GraphGenerator) -> Iterator[None]:
    """Cancel again and again on another thread."""
    done = threading.Event()

    def loop() -> None:
        while not done.wait(1e-3):
            generator.cancel()

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_decode_can_be_ended_and_leaves_all_as_it_was(opened, runtime: Runtime) -> None:
    generator, (labels, pixels, region) = opened(runtime), inputs(512, 512)
    style, box = generator.encode(pixels, labels), Region(64, 64, 128, 128)
    image = generator.decode(labels, style, pixels, region)
    part = generator.draft(labels, style, pixels, region, box)
    edited = labels.copy()
    edited[:256] = 1
    for _ in range(3):
        with cancelling(generator), pytest.raises(CancelledError):
            for _ in range(100):  # one may be over before the other thread wakes up
                generator.decode(edited, style, pixels, region)
        # A part of the last picture that was finished; and cancelling when nothing runs ends nothing.
        generator.decode(labels, style, pixels, region)
        with cancelling(generator), pytest.raises(CancelledError):
            for _ in range(100):
                generator.decode_styles(edited, [style] * 3, pixels, region)
        generator.cancel()
        assert np.array_equal(generator.draft(labels, style, pixels, region, box), part)
        generator.cancel()
        assert np.array_equal(generator.decode(labels, style, pixels, region), image)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_ended_decode_keeps_what_the_one_before_left(
    monkeypatch: pytest.MonkeyPatch, opened, runtime: Runtime
) -> None:
    generator, (labels, pixels, region) = opened(runtime), inputs(64, 64)
    style, box = generator.encode(pixels, labels), Region(16, 16, 48, 48)
    generator.decode(labels, style, pixels, region)
    part = generator.draft(labels, style, pixels, region, box)
    during = Stop.during

    def asked_just_before(stop: Stop, *given):
        generator.cancel()
        return during(stop, *given)

    with monkeypatch.context() as patch:
        patch.setattr(Stop, "during", asked_just_before)
        for call in (
            lambda: generator.decode(np.zeros_like(labels), style, pixels, region),
            lambda: generator.draft(labels, style, pixels, region, box),
            lambda: generator.encode(pixels, labels),
        ):
            with pytest.raises(CancelledError):
                call()
    assert np.array_equal(generator.draft(labels, style, pixels, region, box), part)


# What can be wrong


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("name", ["encode.onnx", "decode.onnx", "part.onnx"])
@pytest.mark.parametrize("size", [0, 0.5])
def test_graphs_that_were_cut_short_are_made_anew_next_time(
    model: Path, graphs: Path, runtime: Runtime, name: str, size: float
) -> None:
    content = (graphs / name).read_bytes()
    (graphs / name).write_bytes(content[: int(size * len(content))])
    with pytest.raises(BackendUnavailableError, match="cannot load the model"):
        GraphGenerator(model / "tiny.safetensors", runtime, "cpu")
    assert not list(graphs.glob("*.onnx"))


def test_a_damaged_graph_of_drafts_fails_when_it_is_needed(opened, graphs: Path) -> None:
    path = graphs / "part-int8.onnx"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    generator, (labels, pixels, region) = opened("openvino"), inputs(64, 64)
    style = generator.encode(pixels, labels)
    image = generator.decode(labels, style, pixels, region)
    with pytest.raises(RuntimeError):
        generator.draft(labels, style, pixels, region, Region(0, 0, 32, 32))
    assert not path.exists() and not (graphs / "part.onnx").exists()
    assert np.array_equal(generator.decode(labels, style, pixels, region), image)


@pytest.mark.parametrize(("runtime", "module"), [("onnx", "onnxruntime"), ("openvino", "openvino")])
def test_a_missing_library_is_said_to_be(
    monkeypatch: pytest.MonkeyPatch, model: Path, graphs: Path, runtime: Runtime, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BackendUnavailableError, match="cannot be imported"):
        GraphGenerator(model / "tiny.safetensors", runtime, "cpu")
    assert (graphs / "decode.onnx").exists()


def test_openvino_is_for_the_cpu_only(model: Path, graphs: Path) -> None:
    with pytest.raises(BackendUnavailableError, match="CPU only"):
        GraphGenerator(model / "tiny.safetensors", "openvino", "cuda")


def test_a_closed_one_says_so(opened) -> None:
    generator, (labels, pixels, _) = opened("onnx"), inputs(64, 64)
    generator.close()
    with pytest.raises(ModelError, match="closed"):
        generator.encode(pixels, labels)
    generator.refuse_int8()
    generator.cancel()
