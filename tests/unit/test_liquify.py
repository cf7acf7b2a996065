"""The liquify brush drags borders along: smoothly, little by little, and the same each time."""

import json
import math
import threading
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.document import MaskDocument
from engine.mask.liquify import Liquify
from engine.mask.steps import EMPTY, Entry, Ground, Mirror, done, read_step
from engine.types import Region
from resources.labels import BY_NAME, LABEL_COUNT, mirrored
from tests.fakes import make_labels

SKIN, HAIR, EYE = (BY_NAME[name].id for name in ("skin", "hair", "l_eye"))


def liquify(points: Any, strength: Any = 1.0, mirror: Any = None) -> Liquify:
    return Liquify(np.asarray(points, np.float32), strength, mirror)


def ground(labels: np.ndarray) -> Ground:
    return Ground(labels, labels, np.zeros((*labels.shape, 3), np.uint8))


def after(labels: np.ndarray, step: Liquify) -> np.ndarray:
    """Do a step, and check what holds for each."""
    before, work = labels.copy(), labels.copy()
    for piece in range(step.pieces):
        last = work.copy()
        region = step.draw(ground(labels), work, piece)
        changed = Region.of(work != last)
        assert region == (changed if not changed.empty else EMPTY)
    np.testing.assert_array_equal(labels, before)
    assert set(np.unique(work)) <= set(np.unique(before))
    return work


def drag(start: tuple[float, float], end: tuple[float, float], radius: float, count: int) -> np.ndarray:
    way = np.linspace(start, end, count)
    return np.c_[way, np.full(count, radius)]


def halves(size: int = 100) -> np.ndarray:
    """Return skin above hair."""
    labels = np.full((size, size), SKIN, np.uint8)
    labels[size // 2 :] = HAIR
    return labels


def pieces_of(labels: np.ndarray) -> list[int]:
    """Return of how many components each class consists."""
    return [
        cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=4)[0] - 1
        for label in range(LABEL_COUNT)
    ]


# How far things come


@pytest.mark.parametrize(
    "points, strength",
    [
        ([[50, 50, 20]], 1.0),
        ([[50, 50, 20], [50, 50, 20], [50, 50, 9]], 1.0),
        ([[50, 50, 20], [50, 30, 20]], 0.0),
        ([[50, 50, 0], [50, 30, 0]], 1.0),
        ([[50, -500, 20], [90, -30, 20]], 1.0),
        ([[50, 10, 20], [90, 10, 20]], 1.0),  # nothing but skin there
    ],
)
def test_nothing_changes_without_a_way_or_a_border(points, strength):
    assert (after(halves(), liquify(points, strength)) == halves()).all()


@pytest.mark.parametrize("count", [2, 3, 9, 60])
@pytest.mark.parametrize("way", [(12, 0), (0, -9), (-20, 14)])
def test_what_lies_under_the_middle_follows_the_hand(count, way):
    labels = np.full((100, 100), SKIN, np.uint8)
    labels[49:52, 49:52] = EYE
    result = after(labels, liquify(drag((50.5, 50.5), (50.5 + way[0], 50.5 + way[1]), 30, count)))
    rows, columns = np.nonzero(result == EYE)
    assert (columns.mean() - 50, rows.mean() - 50) == pytest.approx(way, abs=1)
    assert result[50 + way[1], 50 + way[0]] == EYE


@pytest.mark.parametrize("strength", [0.1, 0.25, 0.5, 1.0])
def test_strength_is_the_share_of_the_way(strength):
    result = after(halves(200), liquify(drag((100, 100), (100, 96), 60, 2), strength))
    assert 100 - np.flatnonzero(result[:, 100] == HAIR)[0] == round(4 * strength)
    # A larger brush than the way is long: the border hardly leaves the middle behind.
    result = after(halves(200), liquify(drag((100, 100), (100, 90), 95, 10), strength))
    assert 100 - np.flatnonzero(result[:, 100] == HAIR)[0] == pytest.approx(10 * strength, abs=1)


def test_the_border_bulges_smoothly_and_only_within_the_brush():
    result = after(halves(), liquify(drag((50, 50), (50, 36), 24, 30)))
    tops = np.array([np.flatnonzero(column == HAIR)[0] for column in result.T])
    assert (tops[:27] == 50).all() and (tops[74:] == 50).all()
    assert tops[49] == tops[50] == tops.min() and 34 <= tops.min() <= 38
    assert (np.diff(tops[:50]) <= 0).all() and (np.diff(tops[50:]) >= 0).all()
    np.testing.assert_array_equal(tops, tops[::-1])
    assert pieces_of(result) == pieces_of(halves())


@pytest.mark.parametrize("way", [0.02, 0.11, 0.3])
def test_ways_shorter_than_a_pixel_add_up(way):
    count = round(12 / way) + 1
    result = after(halves(), liquify(drag((50, 50), (50, 38), 30, count)))
    whole = after(halves(), liquify(drag((50, 50), (50, 38), 30, 13)))
    assert result[39, 50] == HAIR
    assert (result != whole).sum() < 0.12 * (whole != halves()).sum()


def test_a_long_way_at_once_does_not_tear():
    result = after(halves(200), liquify([[100, 104, 12], [100, 30, 12]]))
    assert pieces_of(result) == pieces_of(halves(200))
    assert result[32, 100] == HAIR
    steps = after(halves(200), liquify(drag((100, 104), (100, 30), 12, 75)))
    assert (result != steps).sum() < 0.15 * (steps != halves(200)).sum()


def test_there_and_back_is_nearly_as_before():
    way = np.r_[drag((50, 50), (50, 44), 30, 20), drag((50, 44), (50, 50), 30, 20)]
    assert (after(halves(), liquify(way)) != halves()).sum() < 40


def test_the_edge_goes_on_beyond_itself():
    labels = halves()
    labels[:, 90:] = EYE
    result = after(labels, liquify(drag((99, 20), (70, 20), 15, 20)))
    assert (result[20, 71:] == EYE).all()
    raised = after(halves(), liquify(drag((50, 99), (50, 45), 20, 30)))
    assert (raised[46:, 50] == HAIR).all()


def test_the_radius_changes_along_the_way():
    labels = np.where(np.arange(100) // 5 % 2, SKIN, HAIR).astype(np.uint8) + np.zeros((100, 1), np.uint8)
    for points in ([[20, 50, 4], [80, 50, 30]], [[80, 50, 30], [20, 50, 4]]):
        changed = after(labels, liquify(points)) != labels
        thin, thick = Region.of(changed[:, :28]), Region.of(changed[:, 70:85])
        assert thin.y1 - thin.y0 < 16 and 36 < thick.y1 - thick.y0 <= 60


# In mirror image


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32), radius=st.floats(3, 40))
def test_a_symmetric_face_stays_symmetric(seed, radius):
    half = make_labels(96, 96)[:, :48]
    labels = np.ascontiguousarray(np.c_[half, mirrored(half)])
    way = np.cumsum(np.random.default_rng(seed).normal((0, 0), 3, (12, 2)), axis=0) + np.array([35, 45])
    result = after(labels, liquify(np.c_[way, np.full(12, radius)], 0.7, Mirror(48, 30)))
    assert (mirrored(result) != result).sum() <= 4  # where a border runs exactly through pixels


def test_across_the_line_neither_side_comes_first():
    mirror = Mirror(50, 0)
    points = drag((44, 50), (47, 40), 25, 9)
    one = after(halves(), liquify(points, 1.0, mirror))
    other = after(halves(), liquify(mirror.points(points.astype(np.float32)), 1.0, mirror))
    assert (one != halves()).any()
    assert (one != other).sum() <= 2


def test_a_mirror_image_is_that_of_the_stroke_alone_where_they_do_not_meet():
    points = drag((20, 50), (24, 42), 15, 9)
    both, alone = after(halves(), liquify(points, 1.0, Mirror(50, 0))), after(halves(), liquify(points))
    np.testing.assert_array_equal(both[:, :50], alone[:, :50])
    assert (alone[:, 50:] == halves()[:, 50:]).all()
    assert (both[:, 50:] != halves()[:, 50:]).any()


# The same each time


def wiggle(count: int = 40) -> np.ndarray:
    turn = np.linspace(0, 9, count)
    return np.c_[48 + 20 * np.cos(turn), 48 + 15 * np.sin(1.7 * turn), 10 + 4 * np.sin(turn)].astype(np.float32)


@settings(max_examples=8)
@given(cuts=st.sets(st.integers(1, 39), max_size=6), strength=st.floats(0.05, 1))
def test_a_stroke_that_is_gone_on_with_is_the_stroke_at_once(cuts, strength):
    labels, points = make_labels(96, 96), wiggle()
    whole = done(ground(labels), Entry(liquify(points, strength, Mirror(48, 48))))
    document = MaskDocument(labels)
    ends = [*sorted(cuts), 40]
    document.begin(liquify(points[: ends[0]], strength, Mirror(48, 48)))
    for end in ends[1:]:
        document.extend(liquify(points[:end], strength, Mirror(48, 48)))
    np.testing.assert_array_equal(document.labels, whole)
    document.revise(liquify(points[:7], strength))
    document.revise(liquify(points, strength, Mirror(48, 48)))
    np.testing.assert_array_equal(document.labels, whole)


def test_strokes_that_are_drawn_by_turns_do_not_mix():
    labels = make_labels(96, 96)
    steps = [liquify(wiggle(12)), liquify(wiggle(12), 0.4), liquify(wiggle(12)[:, [1, 0, 2]])]
    expected = [after(labels, step) for step in steps]
    works = [labels.copy() for _ in steps]
    for piece in range(12):
        for step, work in zip(steps, works, strict=True):
            step.draw(ground(labels), work, piece)
    for work, result in zip(works, expected, strict=True):
        np.testing.assert_array_equal(work, result)
    # The same way over another mask.
    other = halves(96)
    np.testing.assert_array_equal(after(other, steps[0]), done(ground(other), Entry(liquify(wiggle(12)))))


def test_threads_do_not_disturb_each_other():
    labels = make_labels(96, 96)
    steps = [liquify(wiggle(25), strength) for strength in (0.3, 0.9)]
    expected = [after(labels, step) for step in steps]
    results: dict[int, np.ndarray] = {}

    def work(index: int) -> None:
        results[index] = done(ground(labels), Entry(steps[index]))

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index, result in enumerate(expected):
        np.testing.assert_array_equal(results[index], result)


def test_it_can_be_written_and_read():
    step = liquify(wiggle(), 0.3, Mirror(48, 50, 0.1))
    again = read_step(json.loads(json.dumps(step.data())))
    labels = make_labels(96, 96)
    np.testing.assert_array_equal(done(ground(labels), Entry(again)), after(labels, step))
    assert step.title == ("Liquify",)


# Whatever comes


numbers = st.floats(-1e4, 1e4, width=32) | st.floats(-(2.0**127), 2.0**127, width=32) | st.floats(0, 30, width=32)
radii = st.floats(0, 40, width=32) | st.floats(0, 2.0**127, width=32)


@settings(max_examples=40)
@given(points=st.lists(st.tuples(numbers, numbers, radii), min_size=1, max_size=4), mirror=st.booleans())
def test_the_wildest_numbers_do_no_harm(points, mirror):
    labels = make_labels(24, 30)
    after(labels, liquify(points, 0.9, Mirror(12, 12, 0.3) if mirror else None))


def test_a_mask_of_one_pixel():
    labels = np.array([[HAIR]], np.uint8)
    assert after(labels, liquify([[0, 0, 5], [1, 1, 5]]))[0, 0] == HAIR


@pytest.mark.parametrize(
    "points, strength, mirror",
    [
        (np.zeros((0, 3)), 1, None), (np.zeros((2, 2)), 1, None), ([[1, 1, -1]], 1, None),
        ([[1, 1, math.nan]], 1, None), ([[1, 1, 1]], 1.01, None), ([[1, 1, 1]], -0.1, None),
        ([[1, 1, 1]], math.nan, None),
        ([[1, 1, 1]], 1, "left"), ([[1, 1, 1]], "much", None),
    ],
)  # fmt: skip
def test_what_is_no_stroke_is_refused(points, strength, mirror):
    with pytest.raises(ValueError):
        Liquify(points, strength, mirror)
