"""Pictures are brought to other places just as OpenCV does it, though only a part of them is looked at."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.affine import Matrix, scaling, to_opencv
from engine.types import Region
from engine.warp import chained, footprint, moving, warped

NEAREST, LINEAR, CUBIC = cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC


def turned(degrees: float, times: float) -> Matrix:
    """Return the map that turns by so much about the corner, and enlarges."""
    x, y = times * math.cos(math.radians(degrees)), times * math.sin(math.radians(degrees))
    return np.array([[x, y, 0], [-y, x, 0]])


def test_maps_are_chained_inner_first() -> None:
    outer, inner = scaling((10, 10), (20, 30)), moving(4, 5)
    np.testing.assert_array_equal(chained(outer, inner) @ [1, 2, 1], [3 * (1 + 4), 2 * (2 + 5)])
    np.testing.assert_array_equal(chained(inner, outer) @ [1, 2, 1], [3 * 1 + 4, 2 * 2 + 5])


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 30), st.integers(1, 30)),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.floats(-180, 180), st.floats(0.3, 6), st.floats(-90, 90), st.floats(-90, 90)),
    st.integers(0, 4),
)
def test_a_footprint_holds_all_that_the_picture_shows(shape, size, turn, margin) -> None:
    matrix = chained(moving(*turn[2:]), turned(*turn[:2]))
    part = footprint(matrix, size, shape, margin)
    assert 0 <= part.y0 < part.y1 <= shape[0] and 0 <= part.x0 < part.x1 <= shape[1]
    x, y = np.meshgrid(*(np.linspace(0, side, 9) for side in size))
    places = np.stack([x.ravel(), y.ravel()]) - matrix[:, 2:]
    for place, (low, high), side in zip(
        np.linalg.solve(matrix[:, :2], places), ((part.x0, part.x1), (part.y0, part.y1)), shape[::-1], strict=True
    ):
        assert low <= max(place.min() - margin, 0) + 1e-6 and high >= min(place.max() + margin, side) - 1e-6


def test_the_footprint_of_a_picture_elsewhere_is_the_nearest_border() -> None:
    assert footprint(moving(50, 0), (5, 5), (20, 20), 0) == Region(0, 0, 6, 1)
    assert footprint(moving(-50, -50), (5, 5), (20, 20), 2) == Region(19, 19, 20, 20)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_result_is_that_of_the_whole_array(data: st.DataObject) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    shape = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    size = data.draw(st.tuples(st.integers(1, 50), st.integers(1, 50)))
    how, border = data.draw(st.sampled_from([NEAREST, LINEAR, CUBIC])), cv2.BORDER_REPLICATE
    if how != CUBIC and data.draw(st.booleans()):
        border = cv2.BORDER_CONSTANT
    kind = data.draw(st.sampled_from(["moved", "enlarged", "turned"]))
    if kind == "turned":
        matrix = turned(random.uniform(0, 360), random.uniform(0.7, 5))
    else:
        # Powers of two: other pixels lie between the 32nds of a pixel that OpenCV's warping knows.
        across, down = (1, 1) if kind == "moved" else random.choice([1, 2, 4], 2).tolist()
        matrix = scaling((1, 1), (down, across))
    matrix[:, 2] += random.integers(-30, 10, 2)
    floats = how != NEAREST
    array = random.uniform(-1, 1, (*shape, 3)).astype(np.float32)
    if not floats:
        array = random.integers(0, 19, shape, np.uint8)
    expected = cv2.warpAffine(array, to_opencv(matrix), size, flags=how, borderMode=border)
    result = warped(array, matrix, size, how, border)
    assert result.dtype == array.dtype and result.shape == expected.shape
    if floats:
        np.testing.assert_allclose(result, expected, atol=2e-3)
    else:
        # Places midway between two pixels may go either way.
        assert (result != expected).mean() <= (0 if kind != "turned" else 0.02) or result.size < 60


def test_without_enlarging_nothing_is_computed() -> None:
    array = np.random.default_rng(0).random((20, 30), np.float32)
    result = warped(array, moving(-4, -3), (10, 9), LINEAR)
    np.testing.assert_array_equal(result, array[3:12, 4:14])
    assert np.shares_memory(result, array)


def test_a_picture_that_shrinks_is_averaged() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), (40, 20))
    for shape, even in (((10, 10), True), ((40, 40), False)):
        result = warped(stripes, scaling((40, 40), shape), shape, CUBIC)
        assert bool(result[2:-2, 2:-2].std() < 1e-3) is even


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_cubic_results_are_not_rounded(kind: type) -> None:
    array = np.arange(0, 100, 10).astype(kind)[None].repeat(10, axis=0)
    result = warped(array, scaling((10, 10), (20, 20)), (20, 20), CUBIC)
    assert result.dtype == np.float32
    np.testing.assert_allclose(np.diff(result[5, 6:14]), 5, atol=1.6)
    assert (result % 1 != 0).any()
