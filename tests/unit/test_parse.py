"""Labelling a photo on both back ends, with parsers of both kinds."""

import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine import generate
from engine.generate import BackendUnavailableError
from engine.parse import OnnxParser, Parser, SharedParser, load_parser, most_probable
from engine.store import PARSER_GRAPH_VERSION, cache_folder, model_id
from engine.torch_parser import TorchParser
from engine.types import ModelError
from models.bisenet import BiSeNet, CelebAMaskParser
from models.face_parser import FaceParser, ParserConfig, save_parser
from models.parser_facts import BISENET_LICENCE
from resources import RESOURCES
from resources.labels import BY_NAME, LABELS, mirrored
from tests.fakes import check_error, make_portrait
from tests.golden import fill

TOLERANCE = 1e-3
SIZES = (1, 64, 256, 333, 512)

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a tiny parser and, in ``cache``, their graph: exporting takes seconds, so it is done once."""
    folder = tmp_path_factory.mktemp("parser")
    save_parser(fill(FaceParser(ParserConfig((4, 8, 12)))), folder / "tiny.safetensors")
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKBRUSH_CACHE_DIR", str(folder / "cache"))
        load_parser(folder / "tiny.safetensors", "cpu", told.append).close()
    assert len(told) == 1
    assert [path.name for path in (folder / "cache").rglob("*") if path.is_file()] == ["parse.onnx"]
    return folder


@pytest.fixture
def weights(exported: Path) -> Path:
    """The weights, with their graph in this test's own cache."""
    shutil.copytree(exported / "cache", cache_folder(), dirs_exist_ok=True)
    return exported / "tiny.safetensors"


@pytest.fixture
def parser(weights: Path) -> Iterator[Parser]:
    parser = load_parser(weights, "cpu")
    assert isinstance(parser, OnnxParser)
    yield parser
    parser.close()
    parser.close()  # may be repeated


def kept_graph(weights: Path) -> Path:
    return cache_folder() / "onnx" / f"{model_id(weights)}-{PARSER_GRAPH_VERSION}" / "parse.onnx"


def cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "nvidia_driver", lambda: False)
    monkeypatch.setattr(platform, "system", lambda: "Linux")


def crop(size: int) -> NDArray[np.uint8]:
    return make_portrait(size).pixels


# What a parser returns


@pytest.mark.parametrize("size", SIZES)
def test_every_pixel_of_a_crop_of_any_size_is_labelled(parser: Parser, size: int) -> None:
    labels, shares = parser.parse(crop(size)), parser.probabilities(crop(size))
    assert labels.shape == (size, size)
    assert labels.dtype == np.uint8
    assert labels.max() < len(LABELS)
    assert shares.shape == (19, 256, 256)
    assert shares.dtype == np.float32
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-4)


def test_both_back_ends_agree(parser: Parser, weights: Path) -> None:
    other = TorchParser(weights, "cpu")
    for size in (256, 333):
        np.testing.assert_allclose(
            parser.probabilities(crop(size)), other.probabilities(crop(size)), rtol=0, atol=TOLERANCE
        )
        assert (parser.parse(crop(size)) == other.parse(crop(size))).mean() > 0.999
    for name in ("title", "model_id", "device", "size", "licence", "note"):
        assert getattr(parser.info, name) == getattr(other.info, name), name
    assert (parser.info.size, parser.info.licence, parser.info.note) == (256, "", "")
    other.close()
    other.close()


def test_the_mirror_image_gets_the_mirrored_labels(parser: Parser) -> None:
    for size in (256, 333):
        pixels = crop(size)
        labels, other = parser.parse(pixels), parser.parse(np.ascontiguousarray(pixels[:, ::-1]))
        assert len(np.unique(labels)) > 3
        # Where two classes are alike, rounding may decide.
        assert (other == mirrored(labels)).mean() > 0.999


def test_read_only_and_strided_crops_are_taken_and_left_alone(parser: Parser) -> None:
    large = crop(512)
    large.setflags(write=False)
    before = large.copy()
    for part in (large[::2, ::2], large[100:433, 7:340], large[:, ::-1]):
        assert np.array_equal(parser.parse(part), parser.parse(np.ascontiguousarray(part)))
    assert np.array_equal(large, before)


@pytest.mark.parametrize("shape", [(64, 65, 3), (64, 64), (64, 64, 4), (0, 0, 3), (1, 64, 64, 3)])
def test_what_is_no_square_picture_is_refused(parser: Parser, shape: tuple[int, ...]) -> None:
    for method in (parser.parse, parser.probabilities):
        with pytest.raises(ValueError, match="a crop is"):
            method(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="float32"):
        parser.parse(np.zeros((64, 64, 3), np.float32))  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [5, 8, 13, 16])
def test_the_most_probable_class_wins_after_resizing(size: int) -> None:
    shares = np.random.default_rng(0).random((19, 8, 8), np.float32)
    interpolation = cv2.INTER_AREA if size < 8 else cv2.INTER_LINEAR
    resized = np.stack([cv2.resize(plane, (size, size), interpolation=interpolation) for plane in shares])
    np.testing.assert_array_equal(most_probable(shares, size), resized.argmax(axis=0))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_an_error(parser: Parser, number: float) -> None:
    assert isinstance(parser, SharedParser)
    parser._logits = lambda planes: np.full((len(planes), 19, 256, 256), number, np.float32)
    with pytest.raises(ModelError) as error:
        parser.parse(crop(64))
    check_error(error, "not finite")


def test_the_shipped_parser_labels_the_sample_portrait() -> None:
    samples = RESOURCES / "samples"
    with Image.open(samples / "collins.jpg") as picture, Image.open(samples / "collins_mask.png") as mask:
        pixels, wanted = np.asarray(picture.convert("RGB")), np.asarray(mask)
    parser = load_parser(device="cpu")
    labels = parser.parse(pixels)
    assert (labels == wanted).mean() > 0.85
    for name in ("skin", "nose", "l_eye", "r_eye", "mouth", "u_lip", "hair"):
        found, drawn = labels == BY_NAME[name].id, wanted == BY_NAME[name].id
        assert (found & drawn).sum() / (found | drawn).sum() > 0.4, name
    assert (parser.info.size, parser.info.licence, parser.info.note) == (256, "", "")
    parser.close()


# The graph that is kept


@pytest.mark.parametrize("harm", ["text", "truncated", "empty", "no metadata", "some metadata"])
def test_a_damaged_graph_is_made_anew_once(
    exported: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    graph = kept_graph(weights)
    whole = graph.read_bytes()
    model = onnx.load(graph)
    if harm == "some metadata":
        del model.metadata_props[1:]
    else:
        del model.metadata_props[:]
    others = {"text": b"not a graph", "truncated": whole[: len(whole) // 2], "empty": b""}
    graph.write_bytes(others.get(harm, model.SerializeToString()))

    calls: list[Path] = []
    monkeypatch.setattr(
        "models.export_parser.export_parser", lambda _model, path: (calls.append(path), path.write_bytes(whole))
    )
    told: list[str] = []
    parser = load_parser(weights, "cpu", told.append)
    assert isinstance(parser, OnnxParser)
    assert parser.info.note == ""
    parser.close()
    assert calls == [graph]
    assert len(told) == 1
    assert graph.read_bytes() == whole


def test_a_graph_that_stays_damaged_means_pytorch(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph, calls = kept_graph(weights), []
    graph.write_bytes(b"damaged")
    monkeypatch.setattr(
        "models.export_parser.export_parser", lambda _model, path: (calls.append(path), path.write_bytes(b"damaged"))
    )
    parser = load_parser(weights, "cpu")
    assert isinstance(parser, TorchParser)
    assert "ONNX Runtime cannot load the face parser" in parser.info.note
    parser.close()
    assert len(calls) == 1
    assert not graph.exists()


def test_an_exporter_that_fails_means_pytorch(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("strange")

    kept_graph(weights).unlink()
    monkeypatch.setattr("models.export_parser.export_parser", fail)
    parser = load_parser(weights, "cpu")
    assert isinstance(parser, TorchParser)
    assert "strange" in parser.info.note
    parser.close()


def test_a_missing_library_means_the_other(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpu_only(monkeypatch)
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "onnxruntime", None)
        parser = load_parser(weights)
        assert isinstance(parser, TorchParser)
        assert "ONNX Runtime cannot be imported" in parser.info.note
        parser.close()
    for name in ("onnxruntime", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelError) as error:
        load_parser(weights)
    check_error(error, "ONNX Runtime cannot be imported", "PyTorch cannot be imported")


def test_a_missing_gpu_means_the_cpu_and_a_note(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    parser = load_parser(weights, "cuda")
    assert isinstance(parser, OnnxParser)
    assert parser.info.device == "CPU"
    assert "CUDA" in parser.info.note
    parser.close()
    for kind in (OnnxParser, TorchParser):
        with pytest.raises(BackendUnavailableError, match="CUDA"):
            kind(weights, "cuda")


def test_a_graph_of_ours_is_used_as_it_is(weights: Path, parser: Parser, tmp_path: Path) -> None:
    path = tmp_path / "brought.onnx"
    shutil.copy(kept_graph(weights), path)
    brought = load_parser(path, "cpu")
    assert brought.info.title == parser.info.title
    assert brought.info.licence == ""
    np.testing.assert_array_equal(brought.probabilities(crop(64)), parser.probabilities(crop(64)))
    brought.close()


def test_published_weights_run_at_their_size_with_their_licence(tmp_path: Path) -> None:
    network, path = fill(BiSeNet()), tmp_path / "79999_iter.pth"
    torch.save(network.state_dict(), path)
    parser = load_parser(path, "cpu")
    assert isinstance(parser, OnnxParser)
    assert (parser.info.title, parser.info.size) == ("BiSeNet (published)", 512)
    assert parser.info.licence == BISENET_LICENCE
    pixels = crop(512)
    with torch.inference_mode():
        image = torch.from_numpy(pixels.transpose(2, 0, 1)[None] / np.float32(127.5) - 1)
        expected = CelebAMaskParser(network)(image).softmax(dim=1)[0].numpy()
    np.testing.assert_allclose(parser.probabilities(pixels), expected, rtol=0, atol=TOLERANCE)
    parser.close()
    for file in (path, kept_graph(path)):
        file.unlink()  # 50 MB each, which the runner would keep for a while
