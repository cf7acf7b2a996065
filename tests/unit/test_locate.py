"""Proposals of faces from a pyramid of the photo, and the whole search with the networks that come with the editor."""

import itertools
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from engine import locate
from engine.affine import to_opencv
from engine.align import TYPICAL, Face, Finder, Points
from engine.locate import Candidate, Locator, load_locator
from engine.store import PARSER_GRAPH_VERSION, cache_folder, default_locator, default_parser, model_id
from engine.torch_parser import TorchParser
from engine.types import ModelError, Pixels
from models.clutter import make_clutter
from models.face_locator import OFFSET_UNIT, STRIDE, FaceLocator
from resources import RESOURCES
from resources.labels import BY_NAME
from tests.fakes import check_error, tiny_weights
from tests.unit.test_align import EYE_ERROR, eye_error, noise

pytestmark = pytest.mark.usefixtures("one_core")


class SquareNetwork:
    """Stands in for the network: finds white squares of one octave of sizes that lie wholly in what it sees.

    The right eye is a square's top left corner, the left eye the top right one, the mouth the middle of its lower edge.
    """

    sizes = (16, 34)

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        self.shapes.append(planes.shape)
        assert planes.dtype == np.float32 and planes.shape[:2] == (1, 3)
        height, width = planes.shape[2:]
        assert height % 16 == width % 16 == 0 and abs(planes).max() <= 1
        answer = np.zeros((1, 7, height // STRIDE, width // STRIDE), np.float32)
        answer[0, 0] = -9
        _, _, boxes, _ = cv2.connectedComponentsWithStats((planes[0, 0] > 0).astype(np.uint8))
        for x, y, across, down, area in boxes[1:].tolist():
            whole = area > 0.9 * across * down and abs(across - down) <= 1
            if whole and self.sizes[0] <= across <= self.sizes[1]:
                row, column = (y + down // 2) // STRIDE, (x + across // 2) // STRIDE
                cell = (np.array([column, row]) + 0.5) * STRIDE
                points = np.array([[x, y], [x + across, y], [x + across / 2, y + down]])
                answer[0, 0, row, column] = 2
                answer[0, 1:, row, column] = ((points - cell) / OFFSET_UNIT).ravel()
        return answer


def square(pixels: Pixels, x: int, y: int, side: int) -> Points:
    pixels[y : y + side, x : x + side] = 255
    return np.array([[x, y], [x + side, y], [x + side / 2, y + side]], float)


# The answer's meaning


def test_an_answer_by_hand() -> None:
    answer = np.zeros((1, 7, 6, 9), np.float32)
    answer[0, 0] = -5
    answer[0, 0, 2, 5] = 3
    answer[0, 0, 2, 6] = answer[0, 0, 1, 4] = 2.9  # less sure than their neighbour
    answer[0, 0, 5, 0] = 0
    answer[0, 0, 0, 8] = -1  # too unsure
    answer[0, 1:, 2, 5] = [-0.5, -0.25, 0.5, -0.25, 0, 1]
    (second, sure), (first, unsure) = sorted(locate._decode(answer), key=lambda one: -one[1])
    assert np.allclose(second, [[44 - 8, 20 - 4], [44 + 8, 20 - 4], [44, 20 + 16]])
    assert sure == pytest.approx(1 / (1 + np.exp(-3)))
    assert np.allclose(first, [[4, 44]] * 3) and unsure == 0.5


@pytest.mark.parametrize("value", [-1e4, -100, np.nan])
def test_an_extreme_answer_means_nothing(value: float) -> None:
    assert locate._decode(np.full((1, 7, 4, 4), value, np.float32)) == []


def test_of_proposals_for_one_face_the_surest_is_kept() -> None:
    def at(x: float, y: float, size: float, score: float) -> Candidate:
        return Candidate(TYPICAL * size + (x, y), score)

    one, other, inside = at(0, 0, 100, 0.6), at(130, 0, 100, 0.9), at(35, 45, 30, 0.5)
    found = [one, at(5, -5, 100, 0.5), at(10, 10, 80, 0.4), other, at(128, 3, 110, 0.8), inside]
    assert locate._suppressed(found) == [other, one]
    assert locate._suppressed([]) == []


# The pyramid


@pytest.mark.parametrize(
    ("size", "longer_sides", "calls"),
    [
        ((8, 5), [8], 1),
        ((64, 64), [64], 1),
        ((72, 40), [72, 36], 2),
        ((640, 480), [640, 320, 160, 80, 40], 5),
        ((4000, 3000), [1200, 600, 300, 150, 75, 38], 6),
        # The two largest are looked at in 3 x 2 and 2 x 1 pieces.
        ((11600, 8700), [3480, 1740, 870, 435, 218, 109, 54], 6 + 2 + 5),
    ],
)
def test_which_sizes_are_looked_at(size: tuple[int, int], longer_sides: list[int], calls: int, monkeypatch) -> None:
    levels: list[Pixels] = []

    def scaled(level: Pixels, shape: tuple[int, ...], scale: float) -> Pixels:
        levels.append(np.zeros((max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale)), 3), np.uint8))
        return levels[-1]

    monkeypatch.setattr(locate, "_scaled", scaled)
    network = SquareNetwork()
    photo = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (size[1], size[0], 3))  # takes no memory
    assert Locator(network).candidates(photo) == []
    assert [max(level.shape) for level in levels] == longer_sides
    assert len(network.shapes) == calls
    assert max(itertools.chain.from_iterable(network.shapes)) <= locate.TILE
    # A face that fills the frame is seen at the coarsest.
    assert longer_sides[-1] < 2 * locate.COARSEST


@given(st.integers(1, 20000))
def test_pieces_cover_a_side_and_overlap(side: int) -> None:
    starts = locate._starts(side)
    ends = [min(start + locate.TILE, side) for start in starts]
    assert starts[0] == 0 and ends[-1] == side and all(start < side for start in starts)
    for end, start in zip(ends, starts[1:], strict=False):
        assert end - start == locate.OVERLAP


@settings(max_examples=40)
@given(st.integers(20, 220), st.floats(0, 1), st.floats(0, 1))
def test_a_face_of_any_size_is_found_anywhere(side: int, across: float, down: float) -> None:
    pixels = np.zeros((250, 330, 3), np.uint8)
    # Not at the very edge, whose pixels are repeated to fill the network's input.
    x, y = (round(share * (length - side * 9 // 8 - 2)) for share, length in ((across, 330), (down, 250)))
    points = square(pixels, x, y, side)
    (found,) = Locator(SquareNetwork()).candidates(pixels)
    # Of the level where it is found, a pixel is up to a sixteenth of the face.
    assert np.abs(found.points - points).max() <= side / 16 + 1
    assert found.score == pytest.approx(1 / (1 + np.exp(-2)))


def test_points_of_a_large_photo_are_in_its_own_pixels() -> None:
    pixels = np.zeros((1501, 2003, 3), np.uint8)
    places = [(40, 30, 120), (1300, 900, 500), (1870, 1380, 100)]
    expected = [square(pixels, *place) for place in places]
    found = Locator(SquareNetwork()).candidates(pixels)
    assert len(found) == 3
    for points in expected:
        assert min(np.abs(one.points - points).max() for one in found) <= np.ptp(points) / 16 + 3


@pytest.mark.parametrize("vertical", [False, True])
def test_a_face_on_a_border_between_pieces_is_found_once(vertical: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locate, "TILE", 160)
    monkeypatch.setattr(locate, "OVERLAP", 48)
    for place in range(100, 180, 3):  # the borders lie at 112 and 160
        pixels = np.zeros((330, 400, 3), np.uint8)
        points = square(pixels, 50, place, 30) if vertical else square(pixels, place, 50, 30)
        network = SquareNetwork()
        (found,) = Locator(network).candidates(pixels)
        assert np.abs(found.points - points).max() <= 1
        assert max(itertools.chain.from_iterable(network.shapes)) <= 160


def test_the_search_ends_where_the_check_says_so() -> None:
    class EnoughError(Exception):
        pass

    pixels, steps = np.zeros((300, 400, 3), np.uint8), 0

    def check() -> None:
        nonlocal steps
        steps += 1
        if steps > allowed:
            raise EnoughError

    allowed = 1000
    network = SquareNetwork()
    Locator(network).candidates(pixels, check)
    needed, looks = steps, len(network.shapes)
    assert needed >= 2 * looks > 4
    for allowed in range(needed):
        steps, network = 0, SquareNetwork()
        with pytest.raises(EnoughError):
            Locator(network).candidates(pixels, check)
        assert len(network.shapes) <= allowed / 2


def test_a_closed_locator_says_so() -> None:
    locator = Locator(SquareNetwork())
    locator.close()
    locator.close()
    with pytest.raises(ModelError, match="closed"):
        locator.candidates(np.zeros((64, 64, 3), np.uint8))


# Back ends


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that holds the graph: making it takes seconds, so it is done once."""
    folder = tmp_path_factory.mktemp("locator")
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKBRUSH_CACHE_DIR", str(folder))
        load_locator(None, "cpu", told.append).close()
    assert len(told) == 1 and [path.name for path in folder.rglob("*") if path.is_file()] == ["locate.onnx"]
    return folder


@pytest.fixture
def graph(exported: Path) -> Path:
    """The graph in this test's own cache."""
    shutil.copytree(exported, cache_folder(), dirs_exist_ok=True)
    return cache_folder() / "onnx" / f"{model_id(default_locator())}-{PARSER_GRAPH_VERSION}" / "locate.onnx"


def on_torch() -> Locator:
    return Locator(locate._on_torch(default_locator(), "cpu", pytest.fail))


def proposed(locator: Locator) -> list[tuple[list, float]]:
    found = locator.candidates(sample(160)[0])
    return [(np.round(one.points, 1).tolist(), round(one.score, 2)) for one in found]


def test_both_back_ends_agree(graph: Path) -> None:
    runs = [run(default_locator(), "cpu", pytest.fail) for run in (locate._on_torch, locate._on_onnx)]
    rng = np.random.default_rng(0)
    for size in ((16, 16), (64, 96), (160, 48), (16, 320)):
        planes = rng.uniform(-1, 1, (1, 3, *size)).astype(np.float32)
        first, second = (run(planes) for run in runs)
        assert first.shape == second.shape == (1, 7, size[0] // STRIDE, size[1] // STRIDE)
        np.testing.assert_allclose(first, second, rtol=0, atol=2e-3)
        assert first.std() > 0.01
    # The constants that the engine repeats, so as not to import PyTorch.
    assert (STRIDE, OFFSET_UNIT, FaceLocator.multiple) == (locate.STRIDE, locate.OFFSET_UNIT, locate.MULTIPLE)


@pytest.mark.parametrize("damage", [b"", b"no graph"])
def test_a_damaged_graph_means_pytorch_now_and_a_new_graph_next_time(
    graph: Path, exported: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    expected = proposed(load_locator(None, "cpu", pytest.fail))
    graph.write_bytes(damage)
    assert proposed(load_locator(None, "cpu")) == expected == proposed(on_torch())
    assert not graph.exists()
    (whole,) = exported.rglob("locate.onnx")
    monkeypatch.setattr("models.export_locator.export_locator", lambda network, path: shutil.copy(whole, path))
    told: list[str] = []
    assert proposed(load_locator(None, "cpu", told.append)) == expected
    assert len(told) == 1 and graph.exists()


def test_a_graph_that_cannot_be_made_means_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("full")

    monkeypatch.setattr("models.export_locator.export_locator", fail)
    assert proposed(load_locator(None, "cpu")) == proposed(on_torch())


def test_without_any_library_each_reason_is_given(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("onnxruntime", "torch"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelError) as error:
        load_locator(None, "cpu")
    check_error(error, "ONNX Runtime cannot be imported", "PyTorch cannot be imported")


def test_a_missing_device_means_the_cpu(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    expected = proposed(load_locator(None, "cpu"))

    def refuse(self: FaceLocator, device: str) -> FaceLocator:
        raise RuntimeError("no such device")

    monkeypatch.setattr(FaceLocator, "to", refuse)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    assert proposed(load_locator(None, "cuda")) == expected


def test_weights_that_cannot_be_used_are_an_error(tmp_path: Path) -> None:
    for weights in (tmp_path / "missing.safetensors", tiny_weights(tmp_path / "other.safetensors")):
        with pytest.raises(ModelError) as error:
            load_locator(weights, "cpu")
        check_error(error)


# The networks that come with the editor


@pytest.fixture(scope="module")
def finder() -> Iterator[Finder]:
    # On PyTorch, which needs no graphs: making them takes seconds.
    locator, parser = on_torch(), TorchParser(default_parser(), "cpu")
    yield Finder(locator, parser)
    locator.close()
    parser.close()


def sample(side: int) -> tuple[Pixels, Points]:
    """Return the sample portrait, ``side`` pixels wide, and its points as its mask tells them."""
    with Image.open(RESOURCES / "samples" / "collins.jpg") as picture:
        pixels = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BOX))
    with Image.open(RESOURCES / "samples" / "collins_mask.png") as picture:
        labels = np.asarray(picture)
    points = []
    for names in (("r_eye",), ("l_eye",), ("mouth", "u_lip", "l_lip")):
        rows, columns = np.nonzero(np.isin(labels, [BY_NAME[name].id for name in names]))
        points.append((columns.mean() + 0.5, rows.mean() + 0.5))
    return pixels, np.array(points) * side / labels.shape[0]


def surest(faces: list[Face]) -> Face:
    return max(faces, key=lambda face: face.score)


@pytest.mark.parametrize("degrees", [-40, -20, 0, 20, 40])
def test_the_sample_is_found_at_any_turn(finder: Finder, degrees: float) -> None:
    pixels, points = sample(200)
    if degrees:
        matrix = np.asarray(cv2.getRotationMatrix2D((100, 100), -degrees, 1), float)
        matrix[:, 2] += 50
        points = np.c_[points, np.ones(3)] @ matrix.T
        ground = np.full((300, 300, 3), 150, np.uint8)
        pixels = cv2.warpAffine(pixels, to_opencv(matrix), (300, 300), ground, borderMode=cv2.BORDER_TRANSPARENT)
    assert eye_error(surest(finder.find(np.asarray(pixels, np.uint8))), points) < EYE_ERROR


def test_a_small_face_in_a_large_picture_is_found(finder: Finder) -> None:
    pixels = make_clutter(1200, 1600, [], np.random.default_rng(1))
    # Its face is 64 pixels wide.
    face, points = sample(round(64 / 0.6))
    pixels[700 : 700 + len(face), 900 : 900 + len(face)] = face
    assert eye_error(surest(finder.find(pixels)), points + np.array([900, 700])) < EYE_ERROR


def test_two_faces_are_two(finder: Finder) -> None:
    pixels = np.full((280, 480, 3), 90, np.uint8)
    places = [(10, 10, 220), (270, 60, 180)]
    for x, y, side in places:
        pixels[y : y + side, x : x + side] = sample(side)[0]
    faces = finder.find(pixels)
    assert len(faces) == 2
    for face, (x, y, side) in zip(faces, places, strict=True):
        assert eye_error(face, sample(side)[1] + (x, y)) < EYE_ERROR


def test_no_face_is_seen_where_there_is_none(finder: Finder) -> None:
    # Two dots above a line are among what is drawn.
    clutter = [make_clutter(240, 320, [], np.random.default_rng(seed)) for seed in range(10)]
    for pixels in (np.full((120, 160, 3), 128, np.uint8), noise(120, 160), *clutter):
        assert finder.find(pixels) == []


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_cut_by_the_frame_is_found_where_it_is(finder: Finder, side: str) -> None:
    pixels, points = sample(200)
    cut = {"left": np.s_[:, 55:], "right": np.s_[:, :-55], "top": np.s_[65:], "bottom": np.s_[:-70]}[side]
    face = surest(finder.find(np.ascontiguousarray(pixels[cut])))
    assert eye_error(face, points - (55 * (side == "left"), 65 * (side == "top"))) < EYE_ERROR


def test_a_cartoon_does_no_harm(finder: Finder) -> None:
    pixels = np.full((200, 200, 3), 255, np.uint8)
    cv2.circle(pixels, (100, 100), 80, (250, 210, 180), -1)
    for x in (70, 130):
        cv2.circle(pixels, (x, 80), 12, (20, 20, 20), 3)
    cv2.line(pixels, (100, 90), (95, 115), (0, 0, 0), 3)
    cv2.ellipse(pixels, (100, 140), (35, 15), 0, 0, 180, (180, 30, 30), 4)
    for face in finder.find(pixels):
        assert np.isfinite(face.points).all() and 0 < face.score <= 1
