"""Distances between sets of pictures, nearest neighbours and identity."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import Tensor, nn
from torchmetrics.image import fid

from models.config import WeightFileError
from models.face_parser import FaceParser
from models.fidelity import ParserFeatures, face_recogniser, inception, looks, nearest, set_distances
from models.rendering import to_tensor
from models.synthetic import SMOKE_PARSER, made_mask, made_pixels

Pixels = NDArray[np.uint8]

pytestmark = pytest.mark.filterwarnings("ignore:Metric .Kernel Inception Distance. will save")


class MeanColour(nn.Module):
    """Features that can be followed by hand: the picture's mean red, green and blue."""

    num_features = 3

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        return images.float().mean(dim=(2, 3))


def flat(*colour: int) -> Pixels:
    return np.full((8, 8, 3), colour, np.uint8)


def faces(count: int = 4, size: int = 64) -> list[Pixels]:
    return [made_pixels(made_mask(size, glasses=seed % 2 == 0), seed) for seed in range(count)]


def shades(offset: int, count: int = 12) -> list[Pixels]:
    values = np.random.default_rng(5).integers(20, 60, (count, 3)) + offset
    return [flat(*(int(value) for value in row)) for row in values]


@pytest.fixture(scope="module")
def parser() -> FaceParser:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FaceParser(SMOKE_PARSER).eval()


def refused(load: Callable[[], object], *words: str) -> None:
    """Expect words on what is wrong and what to do, in one line."""
    with pytest.raises(WeightFileError) as caught:
        load()
    assert "\n" not in str(caught.value)
    assert caught.value.hint
    for word in words:
        assert word in str(caught.value)


# Distances between sets


def test_a_set_has_no_distance_from_itself() -> None:
    distances = set_distances(shades(0), shades(0), MeanColour())
    assert set(distances) == {"frechet", "kernel_x1000"}
    assert abs(distances["frechet"]) < 0.01
    assert distances["kernel_x1000"] <= 0, "its estimate is free of bias, and so below 0 for the very same pictures"


def test_the_frechet_distance_of_shifted_sets_is_the_square_of_the_shift() -> None:
    # Both sets scatter alike, so that only the means tell: three colours, each off by 10.
    assert set_distances(shades(0), shades(10), MeanColour())["frechet"] == pytest.approx(300, abs=0.01)


def test_the_frechet_distance_sees_another_spread_around_the_same_mean() -> None:
    narrow = [flat(value, 100, 100) for value in (98, 102, 98, 102)]
    wide = [flat(value, 100, 100) for value in (80, 120, 80, 120)]
    # (s - t)^2 with the deviations 2 and 20 of samples of four.
    expected = (20 - 2) ** 2 * 4 / 3
    assert set_distances(narrow, wide, MeanColour())["frechet"] == pytest.approx(expected, abs=0.01)


def test_the_kernel_distance_by_hand() -> None:
    # The kernel is (x . y / 3 + 1)^3; every subset holds both pictures; none is compared with itself within its set.
    real, made = [flat(3, 0, 0), flat(6, 0, 0)], [flat(3, 0, 0), flat(0, 3, 0)]
    within_real, within_made = (18 / 3 + 1) ** 3, 1
    across = np.mean([(9 / 3 + 1) ** 3, 1, (18 / 3 + 1) ** 3, 1])
    expected = 1000 * (within_real + within_made - 2 * across)
    assert set_distances(real, made, MeanColour())["kernel_x1000"] == pytest.approx(expected)


def test_sets_farther_apart_have_larger_distances() -> None:
    rows = [set_distances(shades(0), shades(offset), MeanColour()) for offset in (0, 20, 80)]
    for name in ("frechet", "kernel_x1000"):
        assert rows[0][name] < rows[1][name] < rows[2][name]


def test_distances_follow_from_the_pictures_alone_and_leave_them_alone() -> None:
    # More pictures than a subset holds, so that chance has a part.
    real, made = shades(0, 60), shades(15, 55)
    before = [pixels.copy() for pixels in real]
    first = set_distances(real, made, MeanColour())
    torch.rand(7)
    assert set_distances(real, made, MeanColour()) == first
    for pixels, copy in zip(real, before, strict=True):
        np.testing.assert_array_equal(pixels, copy)


def test_the_parser_s_features_serve(parser: FaceParser) -> None:
    features = ParserFeatures(parser)
    assert features.num_features == SMOKE_PARSER.channels[-1]
    pictures = faces()
    batch = torch.stack([torch.from_numpy(pixels).permute(2, 0, 1) for pixels in pictures])
    found = features(batch)
    assert found.shape == (4, features.num_features)
    expected = [parser.features(to_tensor(pixels))[-1].mean(dim=(2, 3)) for pixels in pictures]
    torch.testing.assert_close(found, torch.cat(expected))
    distances = set_distances(pictures, pictures, features)
    assert abs(distances["frechet"]) < 0.01


def test_without_torchmetrics_distances_tell_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torchmetrics", "torchmetrics.image.fid", "torchmetrics.image.kid"):
        monkeypatch.setitem(sys.modules, name, None)
    refused(lambda: set_distances(shades(0), shades(1), MeanColour()), "torchmetrics", "pip install torchmetrics")


# Inception


def test_a_missing_inception_file_is_named(tmp_path: Path) -> None:
    refused(lambda: inception(tmp_path / "none.pth"), "none.pth does not exist", "pt_inception-2015-12-05-6726825d.pth")


@pytest.mark.parametrize("content", [b"", b"not weights", None], ids=["empty", "text", "another network"])
def test_an_unusable_inception_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    pytest.importorskip("torch_fidelity", reason="Inception's package is not installed")
    path = tmp_path / "inception.pth"
    if content is None:
        torch.save({"weight": torch.zeros(2)}, path)
    else:
        path.write_bytes(content)
    refused(lambda: inception(path), "inception.pth cannot be used", "pt_inception", "leave --inception out")


@pytest.mark.parametrize("package", ["torchmetrics", "torch-fidelity"])
def test_inception_without_its_packages_tells_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    (tmp_path / "inception.pth").write_bytes(b"whatever")
    if package == "torchmetrics":
        monkeypatch.setitem(sys.modules, "torchmetrics.image.fid", None)
    else:
        # Torchmetrics has the class without it, but nothing can be made of it.
        def missing(*_args: object, **_options: object) -> None:
            raise ModuleNotFoundError("NoTrainInceptionV3 module requires that `Torch-fidelity` is installed.")

        monkeypatch.setattr(fid, "NoTrainInceptionV3", missing)
    refused(lambda: inception(tmp_path / "inception.pth"), "missing", "pip install torchmetrics torch-fidelity")


# Neighbours


def test_nearest_by_hand() -> None:
    among = np.array([[0, 0], [3, 4], [10, 0]], np.float32)
    queries = np.array([[3, 3], [9, 0], [-3, -4], [10, 0]], np.float32)
    index, distances = nearest(queries, among)
    assert index.tolist() == [1, 2, 0, 2]
    np.testing.assert_allclose(distances, [1, 1, 5, 0], atol=1e-5)


def test_nearest_agrees_with_the_plain_search() -> None:
    rng = np.random.default_rng(2)
    queries, among = (rng.normal(0, 1, (count, 9)).astype(np.float32) for count in (20, 35))
    apart = np.linalg.norm(queries[:, None] - among[None], axis=2)
    index, distances = nearest(queries, among)
    assert index.tolist() == apart.argmin(axis=1).tolist()
    np.testing.assert_allclose(distances, apart.min(axis=1), atol=1e-4)


def test_a_vector_s_distance_from_itself_is_a_number() -> None:
    # Rounding may leave a square a little below 0.
    vectors = np.random.default_rng(0).uniform(-1, 1, (30, 3072)).astype(np.float32)
    index, distances = nearest(vectors, vectors)
    assert index.tolist() == list(range(30))
    assert np.isfinite(distances).all()
    assert distances.max() < 0.1, "beside about 45 for any other"


def test_looks_are_thumbnails_and_unit_vectors(parser: FaceParser) -> None:
    pictures = [*faces(3), np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)]
    thumbnails, features = looks(pictures, parser)
    assert thumbnails.shape == (5, 3072)
    assert features.shape == (5, SMOKE_PARSER.channels[-1])
    assert thumbnails.dtype == features.dtype == np.float32
    assert thumbnails[3].tolist() == [-1] * 3072
    assert thumbnails[4].tolist() == [1] * 3072
    np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, atol=1e-5)


def test_a_thumbnail_s_pixel_is_the_mean_of_what_it_stands_for(parser: FaceParser) -> None:
    (pixels,) = faces(1)
    thumbnails, _ = looks([pixels], parser)
    means = pixels.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3)) / 127.5 - 1
    np.testing.assert_allclose(thumbnails[0].reshape(32, 32, 3), means, atol=0.51 / 127.5)


def test_a_picture_s_nearest_neighbour_is_itself(parser: FaceParser) -> None:
    pictures = faces(5)
    for vectors in looks(pictures, parser):
        assert nearest(vectors, vectors)[0].tolist() == list(range(5))


# Identity


def tiny_recogniser(path: Path, side: int = 112, inputs: int = 1) -> Path:
    """Write a network like ArcFace's in form: the mean colours of the picture are its vector."""
    given = [helper.make_tensor_value_info(f"in{n}", TensorProto.FLOAT, [1, 3, side, side]) for n in range(inputs)]
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["in0"], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["vector"]),
        ],
        "tiny",
        given,
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, [1, 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def test_a_portrait_becomes_the_unit_vector_that_the_network_gives(tmp_path: Path) -> None:
    embed = face_recogniser(tiny_recogniser(tmp_path / "face.onnx"))
    vector = embed(flat(255, 0, 0))
    assert vector.dtype == np.float32
    # Red is first, and colours reach from -1 to 1.
    np.testing.assert_allclose(vector, np.array([1, -1, -1]) / np.sqrt(3), atol=1e-6)
    assert float(embed(flat(200, 30, 90)) @ embed(flat(200, 30, 90))) == pytest.approx(1)
    assert float(embed(flat(255, 255, 255)) @ embed(flat(0, 0, 0))) == pytest.approx(-1)


@pytest.mark.parametrize("size", [64, 256])
def test_only_the_middle_of_the_portrait_is_looked_at(tmp_path: Path, size: int) -> None:
    embed = face_recogniser(tiny_recogniser(tmp_path / "face.onnx"))
    pixels = np.full((size, size, 3), (200, 30, 90), np.uint8)
    framed, margin = np.zeros_like(pixels), size // 10
    framed[margin:-margin, margin:-margin] = pixels[margin:-margin, margin:-margin]
    np.testing.assert_allclose(embed(framed), embed(pixels), atol=1e-6)


def test_an_unusable_recogniser_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a network")
    tiny_recogniser(tmp_path / "two.onnx", inputs=2)
    tiny_recogniser(tmp_path / "large.onnx", side=224)
    for name in ("missing.onnx", "text.onnx", "two.onnx", "large.onnx"):
        refused(lambda name=name: face_recogniser(tmp_path / name), name, "cannot be used", "112", "--arcface")
