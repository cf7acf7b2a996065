"""Faces in photos: the crop that belongs to three points, cutting it out, reading points, and the search."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.align import (
    ACCEPTED,
    AGREEING,
    CERTAIN,
    MOST_FACES,
    TYPICAL,
    Face,
    Finder,
    Points,
    agreement,
    alignment_of,
    cut_out,
    points_in,
    read_points,
    whole_frame,
)
from engine.locate import Candidate
from engine.types import Alignment, CancelledError, ImageError, Pixels
from resources.labels import BY_NAME, LABEL_COUNT, mirrored
from tests.fakes import FakeLocator, FakeParser, check_error, draw_face, make_face_labels

EYE_ERROR = 0.06
"""How far off an eye may be, as a share of the distance between the eyes."""


def turned(points: Points, degrees: float, scale: float, shift: tuple[float, float]) -> Points:
    """Turn clockwise about the origin, enlarge, and move."""
    cos, sin = scale * math.cos(math.radians(degrees)), scale * math.sin(math.radians(degrees))
    return points @ np.array([[cos, -sin], [sin, cos]]).T + shift


def eye_distance(points: Points) -> float:
    return math.dist(points[0], points[1])


def eye_error(face: Face, points: Points) -> float:
    return float(np.linalg.norm(face.points[:2] - points[:2], axis=1).max()) / eye_distance(points)


FACES = st.lists(st.floats(-0.03, 0.03), min_size=6, max_size=6).map(lambda off: TYPICAL + np.reshape(off, (3, 2)))
"""As they are in aligned crops: no two are alike."""

TURNS = st.floats(-180, 180)
SHIFTS = st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000))


# The crop for a face


@pytest.mark.parametrize(
    ("points", "centre", "half"),
    [
        # 1.8 x 70 from eyes to mouth is more than 2 x 60 between the eyes.
        ([(100, 100), (160, 100), (130, 170)], (130, 107), (126, 0)),
        # The other way round.
        ([(100, 100), (160, 100), (130, 150)], (130, 105), (120, 0)),
        # The same on its side, the eyes one above the other.
        ([(100, 100), (100, 160), (50, 130)], (95, 130), (0, 120)),
    ],
)
def test_crops_by_hand(points, centre, half) -> None:
    alignment = alignment_of(np.array(points, float))
    assert np.allclose(alignment.centre, centre) and np.allclose(alignment.half, half)


def test_a_head_turned_aside_tilts_the_crop_by_half() -> None:
    # The mouth lies 10 to the right: across the eyes (60, 0), across the line down to the mouth (80, -10).
    alignment = alignment_of(np.array([[0.0, 0], [60, 0], [40, 80]]))
    half = 1.8 * math.hypot(10, 80)
    assert np.allclose(alignment.centre, (31, 8))
    assert np.allclose(alignment.half, np.array([140, -10]) / math.hypot(140, 10) * half)


@given(FACES, TURNS, st.floats(8, 4000), SHIFTS)
def test_a_face_that_is_turned_scaled_and_moved_takes_its_crop_along(points, degrees, scale, shift) -> None:
    before, after = alignment_of(points), alignment_of(turned(points, degrees, scale, shift))
    tolerance = 1e-6 * scale
    assert np.allclose(after.centre, turned(np.array([before.centre]), degrees, scale, shift)[0], atol=tolerance)
    assert np.allclose(after.half, turned(np.array([before.half]), degrees, scale, (0, 0))[0], atol=tolerance)
    assert math.isclose(after.side, before.side * scale, rel_tol=1e-9)


@given(FACES, TURNS, st.floats(8, 4000), SHIFTS)
def test_typical_points_of_a_faces_crop_are_about_where_the_face_is(points, degrees, scale, shift) -> None:
    points = turned(points, degrees, scale, shift)
    assert np.linalg.norm(points_in(alignment_of(points)) - points, axis=1).max() < 0.1 * scale


@pytest.mark.parametrize(
    "points",
    [
        np.full((3, 2), 7.0),
        np.full((3, 2), np.nan),
        np.array([[0.0, 0], [np.inf, 0], [3, 4]]),
        # The mouth is above the eyes by as much as they are apart: no direction is up.
        np.array([[0.0, 0], [60, 0], [30, -60]]),
        TYPICAL[:2],
        TYPICAL.T,
    ],
)
def test_points_that_make_no_face_are_refused(points: Points) -> None:
    with pytest.raises(ValueError, match="point"):
        alignment_of(points)


def test_the_outline_of_a_face_lies_in_its_crop_and_holds_its_points() -> None:
    for degrees in (0, 30, 170):
        points = turned(TYPICAL, degrees, 300, (400, 500))
        outline = Face(points, 1).outline.astype(np.float32)
        assert all(cv2.pointPolygonTest(outline, (float(x), float(y)), False) > 0 for x, y in points)
        crop = alignment_of(points).corners().astype(np.float32)
        assert all(cv2.pointPolygonTest(crop, (float(x), float(y)), False) > 0 for x, y in outline)


@given(st.integers(1, 9000), st.integers(1, 9000))
def test_the_whole_frame_is_the_largest_square_in_the_middle(height: int, width: int) -> None:
    corners = whole_frame(height, width).corners()
    assert np.allclose(corners.mean(axis=0), (width / 2, height / 2))
    assert np.allclose(np.ptp(corners, axis=0), min(height, width))


# Cutting out


def noise(height: int, width: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(st.integers(2, 90))
def test_a_square_picture_cut_out_at_its_own_size_is_itself(size: int) -> None:
    pixels = noise(size, size)
    assert np.array_equal(cut_out(pixels, whole_frame(size, size), size), pixels)


@given(st.integers(0, 60), st.integers(0, 40), st.integers(8, 40))
def test_whole_pixels_are_cut_out_unchanged(x: int, y: int, size: int) -> None:
    pixels = noise(80, 100)
    alignment = Alignment((x + size / 2, y + size / 2), (size / 2, 0.0))
    assert np.array_equal(cut_out(pixels, alignment, size), pixels[y : y + size, x : x + size])


@settings(max_examples=40)
@given(st.floats(60, 380), TURNS, st.integers(31, 300), st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_a_dot_lands_where_the_matrix_says(side, degrees, size, across, down) -> None:
    half = turned(np.array([[side / 2, 0]]), degrees, 1, (0, 0))[0]
    alignment = Alignment((210.3, 190.6), (float(half[0]), float(half[1])))
    matrix = alignment.matrix(size)
    x, y = matrix @ [size * (0.5 + across), size * (0.5 + down), 1]
    # A soft dot that is some pixels wide in the photo and in the crop, so that it has a centre in both.
    sigma = 1.5 * max(1, side / size)
    rows, columns = np.mgrid[:400, :420] + 0.5
    dot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    crop = cut_out(np.repeat(np.rint(dot)[..., None], 3, axis=2).astype(np.uint8), alignment, size)
    weights = crop[..., 0].astype(float)
    places = np.arange(size) + 0.5
    found = np.array([weights.sum(axis=0) @ places, weights.sum(axis=1) @ places]) / weights.sum()
    assert np.abs(found - size * (0.5 + np.array([across, down]))).max() < 0.5


@pytest.mark.parametrize("degrees", [0, 17, 45])
@pytest.mark.parametrize("size", [37, 64, 100])
def test_shrinking_averages(degrees: float, size: int) -> None:
    board = np.indices((401, 433)).sum(axis=0) % 2 * 255
    pixels = np.repeat(board[..., None], 3, axis=2).astype(np.uint8)
    half = turned(np.array([[190.0, 0]]), degrees, 1, (0, 0))[0]
    crop = cut_out(pixels, Alignment((216.0, 200.0), (float(half[0]), float(half[1]))), size)
    assert np.abs(crop.astype(int) - 127).max() < 15


def test_where_a_crop_leaves_the_photo_the_photo_goes_on_mirrored_or_in_its_outermost_pixels() -> None:
    pixels = noise(100, 100)
    # Its middle lies on the middle of the photo's left edge.
    alignment = Alignment((0.0, 50.0), (50.0, 0.0))
    mirrored, repeated = cut_out(pixels, alignment, 100), cut_out(pixels, alignment, 100, mirrored=False)
    for crop in (mirrored, repeated):
        assert np.array_equal(crop[:, 50:], pixels[:, :50])
    for column in range(50):
        assert np.array_equal(mirrored[:, 50 - column], pixels[:, column])
        assert np.array_equal(repeated[:, column], pixels[:, 0])


@pytest.mark.parametrize("side", [10, 100, 5000])
@pytest.mark.parametrize(("x", "y"), [(-1, 0), (1, 0), (0, -1), (0, 1), (1, 1)])
def test_a_crop_that_touches_the_photo_counts_and_one_beside_it_does_not(side: float, x: int, y: int) -> None:
    pixels = noise(40, 60)

    def crop(overlap: float) -> Pixels:
        away = np.array([x * (60 + side - 2 * overlap) / 2, y * (40 + side - 2 * overlap) / 2])
        return cut_out(pixels, Alignment((float(away[0]) + 30, float(away[1]) + 20), (side / 2, 0.0)), 32)

    assert crop(overlap=2).shape == (32, 32, 3)
    for gap in (0.5, 1, 300):
        with pytest.raises(ImageError) as error:
            crop(overlap=-gap)
        check_error(error, "outside")


def test_a_crop_far_larger_than_its_photo_is_cut_out() -> None:
    assert cut_out(noise(40, 60), Alignment((30.0, 20.0), (40000.0, 30000.0)), 65).shape == (65, 65, 3)


# Reading points


def shares_of(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (np.arange(LABEL_COUNT)[:, None, None] == labels).astype(np.float32)


def relabelled(**replaced: str) -> NDArray[np.uint8]:
    labels = make_face_labels(128)
    for name, other in replaced.items():
        labels[labels == BY_NAME[name].id] = BY_NAME[other].id
    return labels


def test_all_parts_are_read_where_they_are() -> None:
    points, score = read_points(shares_of(make_face_labels(128)))
    assert np.abs(points - TYPICAL).max() < 0.005 and score == 1
    moved = np.roll(make_face_labels(128), (8, -16), axis=(0, 1))
    points, score = read_points(shares_of(moved))
    assert np.abs(points - TYPICAL - (-16 / 128, 8 / 128)).max() < 0.005 and score == 1


@pytest.mark.parametrize("hidden", ["r_eye", "l_eye"])
def test_a_hidden_eye_is_placed_beside_the_other(hidden: str) -> None:
    labels = np.roll(relabelled(**{hidden: "hair"}), (8, -16), axis=(0, 1))
    points, score = read_points(shares_of(labels))
    assert np.abs(points - TYPICAL - (-16 / 128, 8 / 128)).max() < 0.01
    assert score == 1  # its brow is there
    _, score = read_points(shares_of(relabelled(**{hidden: "hair", hidden.replace("eye", "brow"): "hair"})))
    assert ACCEPTED < score < 1


def test_dark_glasses_stand_for_the_eyes() -> None:
    labels = relabelled(r_eye="eye_g", l_eye="eye_g", r_brow="skin", l_brow="skin")
    points, score = read_points(shares_of(labels))
    assert score == 1 and np.abs(points - TYPICAL).max() < 0.005


def test_where_there_is_nothing_there_is_no_face() -> None:
    for labels in (np.zeros((64, 64), np.uint8), np.full((64, 64), BY_NAME["skin"].id, np.uint8)):
        points, score = read_points(shares_of(labels))
        assert np.array_equal(points, TYPICAL) and score < ACCEPTED / 2
    # Of what the parser hardly believes in, nothing is read.
    assert read_points(np.full((19, 64, 64), 1 / 19, np.float32))[1] < ACCEPTED / 2


def test_agreement_by_hand() -> None:
    labels = np.zeros((8, 8), np.uint8)
    labels[2, 1:3], labels[2, 5:7] = BY_NAME["r_eye"].id, BY_NAME["l_eye"].id
    labels[4, 3:5] = BY_NAME["nose"].id
    labels[6] = BY_NAME["skin"].id  # says nothing
    seen = mirrored(labels)
    assert agreement(shares_of(labels), shares_of(seen)) == 1
    # Read the other way round, the eyes are another's.
    assert agreement(shares_of(labels), shares_of(labels[:, ::-1])) == pytest.approx(2 / 6)
    seen[4], seen[0, 0] = 0, BY_NAME["u_lip"].id
    assert agreement(shares_of(labels), shares_of(seen)) == pytest.approx(4 / 7)
    nothing = np.zeros((8, 8), np.uint8)
    assert agreement(shares_of(nothing), shares_of(nothing)) == 0


# The search


def photo_with(*faces: Points) -> Pixels:
    pixels = np.full((360, 520, 3), 120, np.uint8)
    for points in faces:
        draw_face(pixels, points)
    return pixels


LARGE, SMALL = turned(TYPICAL, 12, 230, (80, 20)), turned(TYPICAL, -25, 130, (330, 180))


def test_all_faces_are_found_each_once_the_largest_first() -> None:
    near = turned(TYPICAL, 20, 250, (91, 1))
    nothing = turned(TYPICAL, 0, 100, (10, 240))
    broken = [np.full((3, 2), np.nan), np.zeros((3, 2)), LARGE + 9000]
    guesses = [SMALL, near, LARGE, nothing, SMALL + 4, *broken]
    locator = FakeLocator(*(Candidate(points, 0.9 - 0.1 * index) for index, points in enumerate(guesses)))
    faces = Finder(locator, FakeParser()).find(photo_with(LARGE, SMALL))
    assert len(faces) == 2
    for face, points in zip(faces, (LARGE, SMALL), strict=True):
        assert eye_error(face, points) < EYE_ERROR
        assert math.isclose(face.alignment.side, alignment_of(points).side, rel_tol=0.05)
        assert AGREEING < face.score <= 1


@pytest.mark.parametrize("degrees", [-30, 0, 30])
@pytest.mark.parametrize("scale", [0.75, 1.3])
def test_a_face_is_found_exactly_from_about_where_it_is(degrees: float, scale: float) -> None:
    x, y = LARGE.mean(axis=0)
    guess = turned(LARGE - (x, y), degrees, scale, (x - 16, y + 12))
    face = Finder(FakeLocator(), FakeParser()).refine(photo_with(LARGE), guess)
    assert face is not None and face.score > 0.9
    assert eye_error(face, LARGE) < EYE_ERROR / 2 < eye_error(Face(guess, 1), LARGE)


def test_a_face_that_is_found_at_once_is_looked_at_once() -> None:
    parser = FakeParser()
    Finder(FakeLocator(), parser).refine(photo_with(LARGE), LARGE)
    crop, mirror_image = parser.seen
    assert np.array_equal(crop[:, ::-1], mirror_image)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_face_that_the_frame_cuts_is_not_mixed_up_with_a_mirror_image(side: str) -> None:
    points = turned(TYPICAL, 0, 256, (100, 50))
    (right, eyes), (left, _), (_, mouth) = points
    # Just beside an eye, close above the eyes, or close below the mouth.
    x, y = {"left": right - 25, "right": left + 25}.get(side), {"top": eyes - 20, "bottom": mouth + 20}.get(side)
    x, y = round(x or 0), round(y or 0)
    whole = photo_with(points)
    part = {"left": whole[:, x:], "right": whole[:, :x], "top": whole[y:], "bottom": whole[:y]}[side]
    moved = points - (x * (side == "left"), y * (side == "top"))
    face = Finder(FakeLocator(), FakeParser()).refine(part, moved + 6)
    assert face is not None and eye_error(face, moved) < EYE_ERROR


def test_a_face_that_fills_the_picture_is_found_without_a_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.full((200, 260, 3), 120, np.uint8)
    points = turned(TYPICAL, 5, 190, (40, 0))
    draw_face(pixels, points)
    (face,) = Finder(FakeLocator(), FakeParser()).find(pixels)
    assert eye_error(face, points) < EYE_ERROR
    # Where nothing but the parser speaks for it, it must be surer.
    monkeypatch.setattr("engine.align.agreement", lambda *_: (AGREEING + CERTAIN) / 2)
    assert Finder(FakeLocator(), FakeParser()).find(pixels) == []
    assert len(Finder(FakeLocator(Candidate(points, 1)), FakeParser()).find(pixels)) == 1


def test_what_looks_otherwise_in_a_mirror_is_no_face() -> None:
    class Moody(FakeParser):
        def probabilities(self, crop: Pixels, careful: bool = True) -> NDArray[np.float32]:
            shares = super().probabilities(crop, careful)
            return np.roll(shares, 12, axis=1) if len(self.seen) % 2 == 0 else shares

    assert Finder(FakeLocator(), Moody()).refine(photo_with(LARGE), LARGE) is None
    assert Finder(FakeLocator(), FakeParser()).refine(photo_with(LARGE), LARGE) is not None


def test_only_so_many_proposals_are_looked_at() -> None:
    parser = FakeParser()
    rng = np.random.default_rng(0)
    guesses = [
        Candidate(turned(TYPICAL, 0, 90, (rng.uniform(0, 250), rng.uniform(0, 250))), 0.5)
        for _ in range(3 * MOST_FACES)
    ]
    assert Finder(FakeLocator(*guesses), parser).find(photo_with()) == []
    # And at the whole frame at last.
    assert len(parser.seen) == MOST_FACES + 1


@pytest.mark.parametrize("faces", [(LARGE, SMALL), ()])
def test_the_search_ends_at_any_step_if_it_is_cancelled(faces: tuple[Points, ...]) -> None:
    pixels, guesses = photo_with(*faces), [Candidate(points, 1) for points in (LARGE, SMALL)]
    asked = 0

    def cancelled(at: int) -> bool:
        nonlocal asked
        asked += 1
        return asked > at

    Finder(FakeLocator(*guesses), FakeParser()).find(pixels, lambda: cancelled(1000))
    steps = asked
    assert steps == 1 + len(guesses) + (not faces)
    for step in range(steps):
        asked, parser = 0, FakeParser()
        with pytest.raises(CancelledError):
            Finder(FakeLocator(*guesses), parser).find(pixels, lambda step=step: cancelled(step))
        assert asked == step + 1 and (step > 1 or not parser.seen)
