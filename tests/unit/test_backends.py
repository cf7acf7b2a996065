import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import generate, store
from engine.frame import Frame
from engine.generate import BackendUnavailableError, Generator, candidates, from_planes, load_generator, to_planes
from engine.graph_generator import GraphGenerator
from engine.store import GRAPH_VERSION, cache_folder, model_id
from engine.torch_backend import TorchGenerator
from engine.types import ModelError, Portrait
from models.export import GRAPHS, INT8_GRAPHS
from tests.fakes import make_portrait, tiny_weights

TOLERANCE = 1e-3

SIZES = [(64, 64), (32, 96), (128, 64), (160, 96)]


def export(folder: Path, context: bool) -> Path:
    """Make weights and, in ``cache``, their graphs: this takes seconds, so each kind is made once and copied."""
    weights = tiny_weights(folder / "tiny.safetensors", context)
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKBRUSH_CACHE_DIR", str(folder / "cache"))
        load_generator(weights, "onnx", "cpu", progress=told.append).close()
    assert len(told) == 1
    assert not [path for path in (folder / "cache").rglob("*") if path.name.startswith(".")]
    return folder


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(tmp_path_factory.mktemp("context"), context=True)


@pytest.fixture(scope="module", params=["context", "plain"])
def pair(
    request: pytest.FixtureRequest, exported: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Generator, Generator]]:
    """The same weights on both back ends."""
    plain = request.param == "plain"
    folder = export(tmp_path_factory.mktemp("plain"), context=False) if plain else exported
    weights = folder / "tiny.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKBRUSH_CACHE_DIR", str(folder / "cache"))
        both = load_generator(weights, "torch", "cpu"), load_generator(weights, "onnx", "cpu")
    yield both
    for generator in both:
        generator.close()
        generator.close()  # may be repeated


@pytest.fixture
def weights(exported: Path) -> Path:
    """The weights, with their graphs in this test's own cache."""
    shutil.copytree(exported / "cache", cache_folder(), dirs_exist_ok=True)
    return exported / "tiny.safetensors"


def graphs(weights: Path) -> list[Path]:
    return sorted((cache_folder() / "onnx" / f"{model_id(weights)}-{GRAPH_VERSION}").glob("*.onnx"))


def whole(portrait: Portrait) -> np.ndarray:
    return np.ones(portrait.labels.shape, np.float32)


# Agreement


@pytest.mark.parametrize("size", SIZES)
def test_both_back_ends_encode_alike(pair: tuple[Generator, Generator], size: tuple[int, int]) -> None:
    portrait = make_portrait(size)
    codes = [generator.encode(portrait.pixels, portrait.labels) for generator in pair]
    first, second = (code.vector for code in codes)
    assert first.dtype == second.dtype == np.float32 and first.shape == second.shape and first.ndim == 1
    assert np.abs(first - second).max() <= TOLERANCE
    assert codes[0].model_id == codes[1].model_id == pair[0].info.model_id
    assert np.abs(first).max() > 1e-3  # not trivially alike


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("part", ["whole", "some", "none"])
def test_both_back_ends_decode_alike(pair: tuple[Generator, Generator], size: tuple[int, int], part: str) -> None:
    portrait = make_portrait(size)
    region = whole(portrait) * (part != "none")
    if part == "some":
        region[: size[0] // 2] = 0
    style = pair[0].encode(portrait.pixels, portrait.labels)
    first, second = (generator.decode(portrait.labels, style, portrait.pixels, region) for generator in pair)
    assert first.dtype == second.dtype == np.float32
    assert first.shape == second.shape == (*size, 3)
    assert first.flags.c_contiguous and second.flags.c_contiguous
    assert np.abs(first - second).max() <= TOLERANCE
    assert first.std() > 1e-3 and np.abs(first).max() <= 1


def test_only_with_context_source_and_region_matter(pair: tuple[Generator, Generator]) -> None:
    portrait = make_portrait(64)
    for generator in pair:
        style = generator.encode(portrait.pixels, portrait.labels)
        region = whole(portrait)
        region[:32] = 0
        first = generator.decode(portrait.labels, style, portrait.pixels, region)
        inside = portrait.pixels.copy()
        inside[32:] = 7
        outside = portrait.pixels.copy()
        outside[:32] = 7
        # What lies inside the region is blanked: it has no influence.
        assert np.array_equal(generator.decode(portrait.labels, style, inside, region), first)
        seen = not np.array_equal(generator.decode(portrait.labels, style, outside, region), first)
        assert seen == generator.info.context


def test_read_only_and_strided_inputs_are_taken(pair: tuple[Generator, Generator]) -> None:
    large = make_portrait(128)
    pixels, labels = large.pixels[::2, ::2], large.labels[::2, ::2]
    region = np.ones((128, 128), np.float32)[::2, ::2]
    plain = np.ascontiguousarray(pixels), np.ascontiguousarray(labels)
    for generator in pair:
        style = generator.encode(pixels, labels)
        assert np.array_equal(style.vector, generator.encode(*plain).vector)
        first = generator.decode(labels, style, pixels, region)
        assert np.array_equal(first, generator.decode(plain[1], style, plain[0], np.ascontiguousarray(region)))


def test_what_is_known_of_both_agrees(pair: tuple[Generator, Generator]) -> None:
    torch, onnx = (generator.info for generator in pair)
    assert (torch.backend, onnx.backend) == ("PyTorch", "ONNX Runtime")
    for name in ("title", "model_id", "device", "size", "multiple", "context", "licence", "note"):
        assert getattr(torch, name) == getattr(onnx, name), name
    assert (torch.title, torch.device, torch.size, torch.multiple) == ("Tiny", "CPU", 64, 32)
    assert torch.licence == torch.note == ""


def test_planes_and_back() -> None:
    pixels = make_portrait((32, 64)).pixels
    planes = to_planes(pixels)
    assert planes.shape == (1, 3, 32, 64) and planes.dtype == np.float32
    assert planes.min() >= -1 and planes.max() <= 1
    assert np.array_equal(Frame((32, 64), (32, 64)).restore(from_planes(planes), 32, 64), pixels)


# The choice


def machine(monkeypatch: pytest.MonkeyPatch, driver: bool = False, system: str = "Linux", chip: str = "x86_64") -> None:
    monkeypatch.setattr(generate, "nvidia_driver", lambda: driver)
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: chip)


CPU = ["onnx cpu", "torch cpu"]
CUDA = ["torch cuda", "onnx cuda"]


@pytest.mark.parametrize(
    ("backend", "device", "order"),
    [
        ("auto", "auto", CPU),
        ("auto", "cpu", CPU),
        ("auto", "cuda", CUDA + CPU),
        ("auto", "mps", ["torch mps", *CPU]),
        ("torch", "auto", ["torch cpu"]),
        ("torch", "cpu", ["torch cpu"]),
        ("torch", "cuda", ["torch cuda", "torch cpu"]),
        ("torch", "mps", ["torch mps", "torch cpu"]),
        ("onnx", "auto", ["onnx cpu"]),
        ("onnx", "cpu", ["onnx cpu"]),
        ("onnx", "cuda", ["onnx cuda", "onnx cpu"]),
        ("onnx", "mps", ["onnx cpu"]),
    ],
)
def test_candidates_without_a_gpu(monkeypatch: pytest.MonkeyPatch, backend, device, order: list[str]) -> None:
    machine(monkeypatch)
    assert [" ".join(pair) for pair in candidates(backend, device)] == order


@pytest.mark.parametrize(
    ("backend", "order"),
    [("auto", CUDA + CPU), ("torch", ["torch cuda", "torch cpu"]), ("onnx", ["onnx cuda", "onnx cpu"])],
)
def test_candidates_with_an_nvidia_driver(monkeypatch: pytest.MonkeyPatch, backend, order: list[str]) -> None:
    machine(monkeypatch, driver=True)
    assert [" ".join(pair) for pair in candidates(backend, "auto")] == order
    assert all(where == "cpu" for _, where in candidates(backend, "cpu"))


def test_candidates_on_a_mac(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, system="Darwin", chip="arm64")
    assert [" ".join(pair) for pair in candidates("auto", "auto")] == ["torch mps", *CPU]
    assert [" ".join(pair) for pair in candidates("onnx", "auto")] == ["onnx cpu"]
    machine(monkeypatch, system="Darwin", chip="x86_64")
    assert [" ".join(pair) for pair in candidates("auto", "auto")] == CPU


def test_the_driver_is_looked_for_by_its_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    for found in ("nvidia-smi", None):
        monkeypatch.setattr(shutil, "which", lambda name, found=found: found)
        assert generate.nvidia_driver() == (found is not None)


def no_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])


@pytest.mark.parametrize(("backend", "used"), [("auto", "OpenVINO"), ("torch", "PyTorch"), ("onnx", "ONNX Runtime")])
def test_a_missing_gpu_means_the_cpu_and_a_note(
    monkeypatch: pytest.MonkeyPatch, weights: Path, backend, used: str
) -> None:
    no_cuda(monkeypatch)
    # Nothing is measured, which might choose another order.
    monkeypatch.setattr("engine.choice.measure", lambda generator, progress: None)
    generator = load_generator(weights, backend, "cuda")
    generator.close()
    assert (generator.info.backend, generator.info.device) == (used, "CPU")
    assert "CUDA" in generator.info.note


def test_onnx_on_mps_means_the_cpu_and_a_note(weights: Path) -> None:
    generator = load_generator(weights, "onnx", "mps")
    generator.close()
    assert generator.info.device == "CPU" and "MPS" in generator.info.note


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_that_is_missing_is_said_to_be(monkeypatch: pytest.MonkeyPatch, weights: Path, device: str) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(BackendUnavailableError, match=device.upper()):
        TorchGenerator(weights, device)


LIBRARIES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "torch": "PyTorch"}
"""Best first."""


@pytest.mark.parametrize("missing", [1, 2])
def test_missing_libraries_mean_the_next_best(monkeypatch: pytest.MonkeyPatch, weights: Path, missing: int) -> None:
    machine(monkeypatch)
    # Nothing is measured, which might choose another order.
    monkeypatch.setattr("engine.choice.measure", lambda generator, progress: None)
    for module in list(LIBRARIES)[:missing]:
        monkeypatch.setitem(sys.modules, module, None)
    generator = load_generator(weights)
    generator.close()
    titles = list(LIBRARIES.values())
    assert generator.info.backend == titles[missing]
    assert all(f"{title} cannot be imported" in generator.info.note for title in titles[:missing])


def test_when_nothing_works_each_reason_is_given(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    machine(monkeypatch)
    for module in LIBRARIES:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModelError) as error:
        load_generator(weights)
    assert all(f"{title} cannot be imported" in error.value.message for title in LIBRARIES.values())
    assert error.value.hint


# The graphs


def test_graphs_are_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, weights: Path) -> None:
    machine(monkeypatch)
    made = {path: path.stat().st_mtime_ns for path in graphs(weights)}
    assert {path.name for path in made} == set(GRAPHS) | set(INT8_GRAPHS.values())
    # Neither the exporter nor the network is needed again; a renamed copy is the same model.
    monkeypatch.setitem(sys.modules, "models.export", None)
    monkeypatch.setitem(sys.modules, "models.checkpoints", None)
    copy = tmp_path / "copy.safetensors"
    shutil.copy(weights, copy)
    for path in (weights, copy):
        generator = load_generator(path, "onnx", progress=lambda text: pytest.fail(text))
        generator.close()
        assert (generator.info.backend, generator.info.note) == ("ONNX Runtime", "")
    assert {path: path.stat().st_mtime_ns for path in graphs(weights)} == made


def test_changed_weights_are_another_model(tmp_path: Path) -> None:
    path = tiny_weights(tmp_path / "tiny.safetensors", seed=1)
    before = model_id(path)
    assert len(before) == 16
    tiny_weights(path, seed=2)
    assert model_id(path) != before


@pytest.mark.parametrize("damage", ["encode", "decode", "empty"])
def test_damaged_graphs_are_made_anew_next_time(
    monkeypatch: pytest.MonkeyPatch, exported: Path, weights: Path, damage: str
) -> None:
    machine(monkeypatch)
    for path in graphs(weights):
        if damage == "empty":
            path.write_bytes(b"")
        elif path.stem == damage:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="ONNX Runtime cannot load the model"):
        load_generator(weights, "onnx")
    assert graphs(weights) == []

    def make(network: object, title: str, folder: Path, quantization: object) -> None:
        (whole,) = (exported / "cache" / "onnx").iterdir()
        shutil.copytree(whole, folder, dirs_exist_ok=True)

    monkeypatch.setattr("models.export.export_generator", make)
    monkeypatch.setattr(store, "_quantization", lambda weights, network: None)
    told: list[str] = []
    generator = load_generator(weights, "onnx", progress=told.append)
    generator.close()
    assert (generator.info.backend, generator.info.note) == ("ONNX Runtime", "")
    assert len(told) == 1 and len(graphs(weights)) == 5


def test_a_graph_without_its_metadata_is_damaged(weights: Path) -> None:
    import onnx

    path = next(path for path in graphs(weights) if path.stem == "decode")
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(BackendUnavailableError):
        GraphGenerator(weights, "onnx", "cpu")
    assert graphs(weights) == []


def test_a_cache_that_cannot_be_written_means_pytorch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine(monkeypatch)
    weights = tiny_weights(tmp_path / "tiny.safetensors")
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKBRUSH_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("models.export.torch.onnx.export", lambda *_, **__: pytest.fail("no use in exporting"))
    generator = load_generator(weights)
    generator.close()
    assert generator.info.backend == "PyTorch" and "cannot be made" in generator.info.note


def test_an_exporter_that_fails_means_pytorch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class StrangeError(Exception):
        """The exporter has a family of errors of its own."""

    def fail(*_: object, **__: object) -> None:
        raise StrangeError

    machine(monkeypatch)
    weights = tiny_weights(tmp_path / "tiny.safetensors")
    monkeypatch.setattr("models.export.export_generator", fail)
    generator = load_generator(weights)
    generator.close()
    assert generator.info.backend == "PyTorch" and "StrangeError" in generator.info.note


def test_both_back_ends_agree_on_the_default_weights() -> None:
    torch_one, onnx_one = (load_generator(store.default_weights(), name, "cpu") for name in ("torch", "onnx"))
    portrait = make_portrait(256)
    region = np.zeros((256, 256), np.float32)
    region[60:200, 80:180] = 1
    styles = [each.encode(portrait.pixels, portrait.labels) for each in (torch_one, onnx_one)]
    np.testing.assert_allclose(styles[0].vector, styles[1].vector, atol=TOLERANCE)
    for made in (region, np.ones_like(region)):
        images = [each.decode(portrait.labels, styles[0], portrait.pixels, made) for each in (torch_one, onnx_one)]
        np.testing.assert_allclose(images[0], images[1], atol=TOLERANCE)
    torch_one.close()
    onnx_one.close()
