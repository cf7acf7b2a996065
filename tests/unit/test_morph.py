"""The outlines of classes: what grows, shrinks, becomes smooth or goes, pixel by pixel."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.mask.morph import MOST_SMOOTHING, Grown, HolesFilled, Smoothed, WithoutIslands
from engine.mask.regions import FEATURES
from engine.mask.steps import Entry, Ground, Protection, done, read_step
from engine.types import Region
from resources.labels import BY_NAME, LABEL_COUNT

BACKGROUND, SKIN, NOSE, L_EYE, L_BROW, L_EAR, HAIR, HAT, EARRING = (
    BY_NAME[name].id for name in ("background", "skin", "nose", "l_eye", "l_brow", "l_ear", "hair", "hat", "ear_r")
)
KINDS = (Grown, Smoothed, WithoutIslands, HolesFilled)
ids = st.integers(0, LABEL_COUNT - 1)
few = st.sampled_from([BACKGROUND, SKIN, HAIR, L_EYE])
masks = hnp.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20)), elements=few)
steps = st.one_of(
    st.builds(Grown, few, st.floats(-9, 9, width=32)),
    st.builds(Smoothed, few, st.floats(0, 9, width=32)),
    st.builds(WithoutIslands, few, st.integers(0, 60)),
    st.builds(HolesFilled, few, st.integers(0, 60)),
)


def ground_of(labels) -> Ground:
    labels = np.array(labels, np.uint8)
    labels.setflags(write=False)
    return Ground(labels, labels, np.zeros((*labels.shape, 3), np.uint8))


def after(labels, *steps) -> np.ndarray:
    """Do steps; what each says of where it changed something must hold, exactly."""
    labels = np.array(labels, np.uint8)
    for step in steps:
        ground, work = ground_of(labels), labels.copy()
        region = step.draw(ground, work, 0)
        assert region == Region.of(work != labels)
        labels = work
    return labels


def near(pixels, by) -> np.ndarray:
    """Return which pixels lie within a distance of true ones, one by one, bool (H, W)."""
    places = np.argwhere(pixels)
    result = np.zeros(pixels.shape, bool)
    for place in np.ndindex(pixels.shape):
        result[place] = len(places) > 0 and np.hypot(*(places - place).T).min() <= by + 1e-9
    return result


def box(shape=(24, 30), rows=(8, 16), columns=(10, 20), label=HAIR, around=SKIN) -> np.ndarray:
    labels = np.full(shape, around, np.uint8)
    labels[slice(*rows), slice(*columns)] = label
    return labels


# Every one of them


@given(masks, steps)
def test_only_the_class_comes_or_goes(mask, step):
    result = after(mask, step)
    changed = result != mask
    assert ((mask == step.label) | (result == step.label))[changed].all()
    # Nothing comes up that was not there, but for the background under a class that is alone.
    assert set(np.unique(result)) <= set(np.unique(mask))
    if not isinstance(step, HolesFilled) and step.label not in FEATURES:
        assert not np.isin(mask[changed & (result == step.label)], FEATURES).any()


@given(masks, few)
def test_nothing_changes_at_nought(mask, label):
    for kind in KINDS:
        assert np.array_equal(after(mask, kind(label, 0)), mask)


@given(masks, steps, st.lists(ids, max_size=3))
def test_a_step_read_from_its_json_does_the_same(mask, step, locked):
    entry = Entry(step, Protection(locked=locked))
    read = Entry.read(json.loads(json.dumps(entry.data())))
    assert type(read.step) is type(step) and read.data() == entry.data()
    ground = ground_of(mask)
    result = done(ground, entry)
    assert np.array_equal(done(ground, read), result)
    assert not (np.isin(mask, locked) & (result != mask)).any()


@pytest.mark.parametrize("step", [Grown(HAT, 5), Grown(HAT, -5), Smoothed(HAT, 3), WithoutIslands(HAT, 9)])
def test_a_class_that_is_missing_changes_nothing(step):
    assert np.array_equal(after(box(), step), box())


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 1), (9, 9)])
def test_a_class_that_is_alone_stays(shape):
    labels = np.full(shape, HAIR, np.uint8)
    for step in (
        Grown(HAIR, 3),
        Grown(HAIR, -3),
        Smoothed(HAIR, 4),
        WithoutIslands(HAIR, 1000),
        HolesFilled(HAIR, 1000),
    ):
        assert np.array_equal(after(labels, step), labels)


def test_titles():
    assert Grown(HAIR, 2).title == ("Grow {0}", "Hair") and Grown(HAIR, -2).title == ("Shrink {0}", "Hair")
    assert Smoothed(HAIR, 2).title == ("Smooth {0}", "Hair")
    assert WithoutIslands(HAIR, 2).title == ("Remove islands of {0}", "Hair")
    assert HolesFilled(HAIR, 2).title == ("Fill holes in {0}", "Hair")


@pytest.mark.parametrize(
    ("kind", "label", "amount"),
    [
        *[(kind, label, 1) for kind in KINDS for label in (19, -1, True, "hair", None)],
        *[(Grown, HAIR, by) for by in (math.nan, math.inf, -math.inf, True, "2", None)],
        *[(Smoothed, HAIR, by) for by in (math.nan, math.inf, -0.5, MOST_SMOOTHING + 1, True)],
        *[(kind, HAIR, count) for kind in (WithoutIslands, HolesFilled) for count in (-1, 2.5, True, None)],
    ],
)
def test_what_makes_no_sense_is_refused(kind, label, amount):
    with pytest.raises(ValueError):
        kind(label, amount)
    with pytest.raises(ValueError):
        read_step({"kind": kind.kind, "label": label})


def test_whole_numbers_are_sizes_too():
    assert Grown(HAIR, 3).data() == {"kind": "grown", "label": HAIR, "by": 3.0}


# Growing and shrinking


@given(masks, few, st.sampled_from([1.0, 1.5, 2.0, 3.0, 4.0]))
def test_growing_reaches_exactly_so_far_over_all_but_features(mask, label, by):
    wanted = near(mask == label, by)
    if label not in FEATURES:
        wanted &= ~np.isin(mask, FEATURES)
    expected = np.where(wanted & (mask == label).any(), label, mask)
    assert np.array_equal(after(mask, Grown(label, by)), expected)


@given(masks, few, st.sampled_from([1.0, 1.5, 2.0, 3.0, 4.0]))
def test_shrinking_draws_back_exactly_so_far_from_other_classes(mask, label, by):
    freed = (mask == label) & near(mask != label, by)
    result = after(mask, Grown(label, -by))
    assert np.array_equal(result != mask, freed)
    others = np.argwhere(mask != label)
    for place in np.argwhere(freed):
        distances = np.hypot(*(others - place).T)
        # OpenCV's distances are true to two parts in a hundred.
        closest = others[distances <= distances.min() * 1.05]
        assert result[tuple(place)] in {mask[tuple(other)] for other in closest}


def test_growing_is_round():
    grown = after(box((61, 61), (30, 31), (30, 31)), Grown(HAIR, 20)) == HAIR
    y, x = np.mgrid[-30:31, -30:31]
    distance = np.hypot(x, y)
    assert grown[distance < 19.4].all() and not grown[distance > 20.6].any()


def test_hair_grows_around_the_eyes_and_a_feature_over_everything():
    labels = box(columns=(0, 12))
    labels[10:13, 13:16] = L_EYE
    result = after(labels, Grown(HAIR, 6))
    assert (result[10:13, 13:16] == L_EYE).all() and result[11, 17] == HAIR and result[11, 12] == HAIR
    result = after(labels, Grown(L_EYE, 2))
    assert result[11, 11] == L_EYE and result[11, 10] == HAIR and result[8, 14] == L_EYE


def test_shrinking_leaves_the_border_of_the_mask_alone():
    labels = box(rows=(0, 24), columns=(0, 9))
    result = after(labels, Grown(HAIR, -3))
    np.testing.assert_array_equal(result, box(rows=(0, 24), columns=(0, 6)))


def test_a_class_may_shrink_to_nothing():
    result = after(box(), Grown(HAIR, -50))
    assert (result == SKIN).all()


def test_one_pixel():
    labels = box((9, 9), (0, 1), (8, 9))
    assert np.argwhere(after(labels, Grown(HAIR, 1)) == HAIR).tolist() == [[0, 7], [0, 8], [1, 8]]
    assert (after(labels, Grown(HAIR, -1)) == SKIN).all()
    assert (after(labels, Smoothed(HAIR, 1)) == HAIR).sum() <= 1


def test_far_more_than_the_mask_holds():
    assert (after(box(), Grown(HAIR, 1e300)) == HAIR).all()
    assert (after(box(), Grown(HAIR, -1e300)) == SKIN).all()


# Smoothing


def test_smoothing_takes_spikes_and_fills_notches():
    labels = box((80, 80), (20, 60), (20, 60))
    labels[10:20, 39:41] = HAIR
    labels[50:60, 39:41] = SKIN
    result = after(labels, Smoothed(HAIR, 5))
    assert (result[10:17, 39:41] == SKIN).all() and (result[52:56, 39:41] == HAIR).all()
    np.testing.assert_array_equal(result[:, :18], labels[:, :18])
    np.testing.assert_array_equal(result[30:45, 22:58], labels[30:45, 22:58])


@pytest.mark.parametrize("by", [2, 5, 12])
def test_smoothing_keeps_the_size(by):
    y, x = np.mgrid[:120, :120] + 0.5
    wavy = np.hypot(x - 60, y - 60) < 35 + 3 * np.sin(9 * np.arctan2(y - 60, x - 60))
    labels = np.where(wavy, HAIR, SKIN).astype(np.uint8)
    result = after(labels, Smoothed(HAIR, by))
    assert (result == HAIR).sum() == pytest.approx(wavy.sum(), rel=0.01)
    assert (result != labels).any()


def test_a_brow_does_not_vanish_when_it_is_smoothed():
    labels = box((60, 90), (28, 34), (20, 70), L_BROW)
    result = after(labels, Smoothed(L_BROW, 6))
    assert (result == L_BROW).sum() == pytest.approx(300, rel=0.1)


def test_smoothing_does_not_draw_back_from_the_border():
    labels = box((60, 60), (0, 60), (0, 30))
    for by in (1, 4, 20):
        assert np.array_equal(after(labels, Smoothed(HAIR, by)), labels)


def test_smooth_skin_keeps_its_features():
    y, x = np.mgrid[:120, :120] + 0.5
    labels = np.where(np.hypot(x - 60, y - 60) < 50, SKIN, HAIR).astype(np.uint8)
    labels[45:52, 30:50], labels[45:52, 70:90], labels[60:80, 52:68] = L_EYE, L_BROW, NOSE
    labels[8:20, 58:62] = HAIR
    result = after(labels, Smoothed(SKIN, 10))
    for feature in (L_EYE, L_BROW, NOSE):
        assert np.array_equal(result == feature, labels == feature)
    assert (result[12:18, 59:61] == SKIN).all()


def test_what_smoothing_leaves_goes_to_the_nearest():
    labels = np.full((40, 60), SKIN, np.uint8)
    labels[:, 30:] = BACKGROUND
    labels[10:30, 20:40] = HAIR
    labels[4:10, 21:23] = HAIR
    labels[4:10, 37:39] = HAIR
    result = after(labels, Smoothed(HAIR, 6))
    assert (result[4:7, 21:23] == SKIN).all() and (result[4:7, 37:39] == BACKGROUND).all()


# Islands


def islands() -> np.ndarray:
    labels = box((30, 40), (5, 15), (5, 15))
    labels[20, 20] = HAIR
    labels[24:26, 10:12] = HAIR
    labels[21:24, 30:34] = HAIR
    return labels


@pytest.mark.parametrize(("smallest", "left"), [(1, 117), (2, 116), (4, 116), (5, 112), (12, 112), (13, 100)])
def test_islands_smaller_than_that_go(smallest, left):
    labels = islands()
    result = after(labels, WithoutIslands(HAIR, smallest))
    assert (result == HAIR).sum() == left
    assert (result[labels != HAIR] == labels[labels != HAIR]).all() and (result != HAIR)[20, 20] == (smallest > 1)


def test_the_largest_piece_stays_however_small():
    result = after(islands(), WithoutIslands(HAIR, 10**6))
    np.testing.assert_array_equal(result, box((30, 40), (5, 15), (5, 15)))


def test_pixels_that_touch_at_a_corner_are_one_piece():
    labels = box((12, 12), (0, 5), (0, 5))
    for k in range(4):
        labels[7 + k, 7 + k] = HAIR
    assert (after(labels, WithoutIslands(HAIR, 4))[7:11, 7:11] == HAIR).sum() == 4
    assert (after(labels, WithoutIslands(HAIR, 5))[7:11, 7:11] == HAIR).sum() == 0


def test_an_island_becomes_what_is_around_it():
    labels = np.full((30, 40), BACKGROUND, np.uint8)
    labels[:, 20:] = SKIN
    labels[0:10, 0:10] = HAIR
    labels[15:18, 5:8] = labels[15:18, 30:33] = labels[29, 39] = HAIR
    result = after(labels, WithoutIslands(HAIR, 20))
    assert (result[15:18, 5:8] == BACKGROUND).all() and (result[15:18, 30:33] == SKIN).all() and result[29, 39] == SKIN


# Holes


def holed(*holes, around=SKIN, shape=(60, 60), outside=BACKGROUND) -> np.ndarray:
    """Return a square of a class with boxes (row, column, height, width, class) in it."""
    labels = np.full(shape, outside, np.uint8)
    labels[2:-2, 2:-2] = around
    for row, column, height, width, label in holes:
        labels[row : row + height, column : column + width] = label
    return labels


@pytest.mark.parametrize(("largest", "filled"), [(0, False), (8, False), (9, True), (500, True)])
def test_a_hole_up_to_that_size_is_filled(largest, filled):
    labels = holed((20, 20, 3, 3, HAIR), (0, 0, 2, 60, HAIR))
    result = after(labels, HolesFilled(SKIN, largest))
    assert (result[20:23, 20:23] == (SKIN if filled else HAIR)).all()
    assert (result != labels).sum() == 9 * filled


def test_features_in_the_skin_are_no_holes():
    labels = holed((10, 10, 4, 8, L_EYE), (20, 10, 1, 2, L_BROW), (30, 20, 10, 10, NOSE))
    assert np.array_equal(after(labels, HolesFilled(SKIN, 10**6)), labels)


def test_a_stray_piece_of_a_feature_is_a_hole():
    labels = holed((10, 10, 4, 8, L_BROW), (40, 40, 2, 2, L_BROW))
    result = after(labels, HolesFilled(SKIN, 100))
    np.testing.assert_array_equal(result, holed((10, 10, 4, 8, L_BROW)))


def test_both_of_two_earrings_are_parts_of_the_portrait():
    labels = holed((20, 5, 3, 3, EARRING), (20, 50, 4, 4, EARRING), around=HAIR)
    assert np.array_equal(after(labels, HolesFilled(HAIR, 100)), labels)


def test_an_ear_in_the_hair_is_no_hole_but_a_speck_of_a_hat_is():
    shape = (200, 200)
    ear = holed((50, 50, 12, 8, L_EAR), around=HAIR, shape=shape)
    assert np.array_equal(after(ear, HolesFilled(HAIR, 1000)), ear)
    speck = holed((50, 50, 2, 4, HAT), around=HAIR, shape=shape)
    result = after(speck, HolesFilled(HAIR, 1000))
    np.testing.assert_array_equal(result, holed(around=HAIR, shape=shape))


def test_a_face_in_the_hair_is_no_hole():
    labels = holed((15, 15, 30, 30, SKIN), (20, 20, 2, 4, L_EYE), around=HAIR)
    assert np.array_equal(after(labels, HolesFilled(HAIR, 10**6)), labels)


def test_what_is_open_at_a_side_or_at_the_border_is_no_hole():
    labels = holed((20, 20, 3, 3, BACKGROUND), (23, 21, 40, 1, BACKGROUND))
    assert np.array_equal(after(labels, HolesFilled(SKIN, 10**6)), labels)
    at_border = np.full((20, 20), SKIN, np.uint8)
    at_border[0:2, 5:8] = at_border[10:12, 18:] = BACKGROUND
    assert np.array_equal(after(at_border, HolesFilled(SKIN, 10**6)), at_border)


def test_pixels_that_touch_at_a_corner_enclose_a_hole():
    labels = np.full((7, 7), BACKGROUND, np.uint8)
    for row, column in ((1, 3), (2, 2), (2, 4), (3, 1), (3, 5), (4, 2), (4, 4), (5, 3)):
        labels[row, column] = SKIN
    assert (after(labels, HolesFilled(SKIN, 5)) == SKIN).sum() == 13
