"""Regions of a mask: what hangs together, and what takes the place of what goes away."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mask.regions import FEATURES, component_at, given_away, vacated
from resources.labels import BY_NAME, LABEL_COUNT

BACK, SKIN, NOSE, HAIR, NECK, EYE, BROW = (
    BY_NAME[name].id for name in ("background", "skin", "nose", "hair", "neck", "l_eye", "l_brow")
)


def patchwork(seed: int, height: int = 14, width: int = 19) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, LABEL_COUNT, (height // 3 + 1, width // 3 + 1))
    return np.ascontiguousarray(small.repeat(3, 0).repeat(3, 1)[:height, :width]).astype(np.uint8)


# What hangs together


def test_a_component_hangs_together_over_corners_but_not_over_gaps():
    labels = np.zeros((4, 6), np.uint8)
    labels[0, 0] = labels[1, 1] = labels[2, 2] = labels[2, 4] = SKIN
    found = component_at(labels, 1.5, 1.99)
    expected = np.zeros((4, 6), bool)
    expected[0, 0] = expected[1, 1] = expected[2, 2] = True
    np.testing.assert_array_equal(found, expected)
    assert found is not None and found.dtype == bool
    assert labels.sum() == 4 * SKIN  # nothing was painted


@pytest.mark.parametrize("x, y", [(-0.01, 1), (6, 1), (1, -0.01), (1, 4)])
def test_there_is_no_component_outside(x, y):
    assert component_at(np.zeros((4, 6), np.uint8), x, y) is None


def test_the_last_pixel_and_a_single_one_are_components():
    labels = np.zeros((4, 6), np.uint8)
    labels[3, 5] = HAIR
    found = component_at(labels, 5.999, 3.999)
    assert found is not None and found.sum() == 1 and found[3, 5]
    found = component_at(np.zeros((1, 1), np.uint8), 0, 0)
    assert found is not None and found.shape == (1, 1) and found.all()


@given(seed=st.integers(0, 2**32), x=st.integers(0, 18), y=st.integers(0, 13))
def test_a_component_is_all_that_can_be_reached(seed, x, y):
    labels = patchwork(seed) % 3
    same = labels == labels[y, x]
    reached = np.zeros_like(same)
    reached[y, x] = True
    while True:
        grown = np.zeros_like(reached)
        padded = np.pad(reached, 1)
        for dy in range(3):
            for dx in range(3):
                grown |= padded[dy : dy + 14, dx : dx + 19]
        if np.array_equal(grown & same, reached):
            break
        reached = grown & same
    found = component_at(labels, x + 0.5, y + 0.5)
    assert found is not None and np.array_equal(found, reached)


def test_a_view_of_a_mask_will_do():
    labels = np.zeros((8, 12), np.uint8)
    labels[2:6, 4:8] = SKIN
    found = component_at(labels[::2, ::2], 2, 1)
    assert found is not None and found.sum() == 4


# What takes the place


@given(seed=st.integers(0, 2**32), few=st.booleans())
def test_a_freed_pixel_becomes_the_nearest_class(seed, few):
    labels = patchwork(seed)
    freed = np.random.default_rng(seed).random(labels.shape) < (0.3 if few else 0.9)
    freed[0, 0] = False
    before = labels.copy()
    result = given_away(labels, freed)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(result[~freed], labels[~freed])
    rows, columns = np.nonzero(~freed)
    for y, x in zip(*np.nonzero(freed), strict=True):
        away = np.hypot(rows - y, columns - x)
        # OpenCV's distances with a mask of 5 x 5 are off by less than 3 percent.
        near = away <= away.min() * 1.03 + 1e-6
        assert result[y, x] in labels[rows[near], columns[near]]


def test_only_takers_spread():
    labels = np.full((3, 7), NOSE, np.uint8)
    labels[:, 0], labels[:, 6] = SKIN, HAIR
    freed = np.zeros((3, 7), bool)
    freed[:, 3] = True
    assert (given_away(labels, freed)[:, 3] == NOSE).all()
    assert (given_away(labels, freed, (HAIR,))[:, 3] == HAIR).all()
    assert (given_away(labels, freed, (EYE,))[:, 3] == BACK).all()


def test_where_nothing_is_left_there_is_background():
    assert (given_away(np.full((3, 4), SKIN, np.uint8), np.ones((3, 4), bool)) == BACK).all()
    assert (vacated(np.full((3, 4), SKIN, np.uint8), np.ones((3, 4), bool)) == BACK).all()


def test_where_nothing_goes_away_nothing_changes():
    labels = patchwork(3)
    result = given_away(labels, np.zeros(labels.shape, bool))
    np.testing.assert_array_equal(result, labels)
    assert not np.shares_memory(result, labels)


def test_under_features_lies_skin_however_far_it_is():
    labels = np.full((9, 9), HAIR, np.uint8)
    labels[8] = SKIN
    labels[2:4, 2:4] = BROW
    assert (vacated(labels, labels == BROW)[2:4, 2:4] == SKIN).all()
    labels[8] = HAIR
    assert (vacated(labels, labels == BROW)[2:4, 2:4] == HAIR).all()


def test_features_do_not_spread_where_something_else_went_away():
    labels = np.full((9, 9), NECK, np.uint8)
    labels[:, :3] = HAIR
    labels[:, 3] = BROW
    result = vacated(labels, labels == HAIR)
    assert (result[:, :3] == NECK).all()
    assert (result[:, 3] == BROW).all()


def test_skin_that_goes_away_does_not_stay_under_what_goes_away_with_it():
    labels = np.full((9, 9), HAIR, np.uint8)
    labels[2:7, 2:7] = SKIN
    labels[4, 4] = EYE
    assert (vacated(labels, labels != HAIR) == HAIR).all()


def test_the_features_are_what_lies_on_the_skin():
    names = ("nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
    assert set(FEATURES) == {BY_NAME[name].id for name in names}
