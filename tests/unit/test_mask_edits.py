"""Simulated edits leave label maps that a person might have painted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.mask_edits import (
    EDITS,
    GROUPS,
    bend,
    change_hair,
    change_mouth,
    edited_region,
    grow,
    lengthen_hair,
    move,
    open_mouth,
    remove,
    simulated_edit,
    without,
)
from models.synthetic import made_mask
from resources.labels import BY_NAME, LABEL_COUNT, twins
from tests.fakes import make_labels

Labels = NDArray[np.uint8]

ID = {name: label.id for name, label in BY_NAME.items()}
SKIN, NOSE, HAIR, MOUTH, UPPER, LOWER = (ID[name] for name in ("skin", "nose", "hair", "mouth", "u_lip", "l_lip"))
LIPS = (UPPER, LOWER)
FACE = [ID[name] for name in ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear")]

EVERY_EDIT = pytest.mark.parametrize("edit", [*EDITS, simulated_edit], ids=lambda edit: edit.__name__)


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def face(opened: bool = False) -> Labels:
    labels = make_labels(96, 96)
    if opened:
        labels[60:62, 44:52] = MOUTH
    return labels


def nose_on_skin() -> Labels:
    """Return a map on which only one part can be edited."""
    labels = np.full((64, 64), SKIN, np.uint8)
    labels[24:40, 26:36] = NOSE
    return labels


@st.composite
def patchworks(draw: st.DrawFn) -> Labels:
    """Draw small maps of patches, not always square."""
    height, width, seed = draw(st.integers(6, 24)), draw(st.integers(6, 24)), draw(st.integers(0, 2**32))
    classes = draw(st.lists(st.integers(0, LABEL_COUNT - 1), min_size=1, max_size=5))
    patches = np.random.default_rng(seed).choice(classes, (height // 3 + 1, width // 3 + 1)).astype(np.uint8)
    return patches.repeat(3, axis=0).repeat(3, axis=1)[:height, :width]


# Whatever is edited


@EVERY_EDIT
@settings(max_examples=30)
@given(labels=patchworks(), seed=st.integers(0, 2**32))
def test_an_edit_is_a_new_map_of_the_same_shape_that_invents_no_class_but_the_mouth(edit, labels, seed) -> None:
    before = labels.copy()
    edited = edit(labels, rng(seed))
    assert edited.shape == labels.shape
    assert edited.dtype == np.uint8
    assert not np.shares_memory(edited, labels)
    np.testing.assert_array_equal(labels, before)
    np.testing.assert_array_equal(edited, edit(labels, rng(seed)))
    new = set(np.unique(edited)) - set(np.unique(labels))
    assert not new or (new == {MOUTH} and np.isin(labels, LIPS).any())


@EVERY_EDIT
@pytest.mark.parametrize("label", range(LABEL_COUNT))
def test_a_map_of_one_class_is_coped_with(edit, label: int) -> None:
    for seed in range(4):
        edited = edit(np.full((16, 12), label, np.uint8), rng(seed))
        assert set(np.unique(edited)) <= {label, MOUTH if label in LIPS else label}


@EVERY_EDIT
def test_a_face_is_changed_but_stays_a_face(edit) -> None:
    labels = face(opened=True)
    changed = [np.mean(edit(labels, rng(seed)) != labels) for seed in range(40)]
    assert np.mean(np.array(changed) > 0) > 0.6
    assert np.mean(changed) < 0.35


def test_no_class_is_edited_by_itself_that_people_edit_together_with_another() -> None:
    assert sorted(label for group in GROUPS for label in group) == list(range(LABEL_COUNT))
    groups = {label: group for group in GROUPS for label in group}
    for label, twin in enumerate(twins()):
        assert groups[label] is groups[int(twin)]
    assert groups[MOUTH] is groups[UPPER] is groups[LOWER]


# Taking away


@settings(max_examples=60)
@given(labels=patchworks(), ids=st.lists(st.integers(0, LABEL_COUNT - 1), min_size=1, max_size=3))
def test_what_is_taken_away_gets_the_nearest_label_that_stays(labels: Labels, ids: list[int]) -> None:
    ids = [*ids, int(labels[0, 0])]  # otherwise most examples would take nothing away
    filled = without(labels, tuple(ids))
    gone = np.isin(labels, ids)
    if gone.all():
        np.testing.assert_array_equal(filled, labels)
        return
    assert not np.isin(filled, ids).any()
    np.testing.assert_array_equal(filled[~gone], labels[~gone])
    rows, columns = np.nonzero(~gone)
    for y, x in zip(*np.nonzero(gone), strict=True):
        distances = np.hypot(rows - y, columns - x)
        alike = labels[rows, columns] == filled[y, x]
        # OpenCV measures along steps of a knight's move, which is a few percent off.
        assert distances[alike].min() <= 1.05 * distances.min() + 0.05


def test_taking_away_what_is_not_there_changes_nothing() -> None:
    labels = face()
    kept = without(labels, (ID["hat"], ID["eye_g"]))
    np.testing.assert_array_equal(kept, labels)
    assert not np.shares_memory(kept, labels)


def test_one_part_is_removed_whole_and_neither_skin_nor_background() -> None:
    labels = face(opened=True)
    there = [group for group in GROUPS if np.isin(labels, group).any()]
    removed = set()
    for seed in range(60):
        edited = remove(labels, rng(seed))
        gone = [group for group in there if not np.isin(edited, group).any()]
        assert len(gone) == 1
        part = np.isin(labels, gone[0])
        np.testing.assert_array_equal(edited[~part], labels[~part])
        removed.add(gone[0])
    assert removed == set(there) - {(0,), (SKIN,)}


# Moving, growing, bending


def test_a_part_is_moved_as_a_whole_and_the_skin_closes_behind_it() -> None:
    labels = nose_on_skin()
    middles, sizes = [], []
    for seed in range(60):
        edited = move(labels, rng(seed))
        assert set(np.unique(edited)) == {SKIN, NOSE}
        rows, columns = np.nonzero(edited == NOSE)
        middles.append((rows.mean(), columns.mean()))
        sizes.append(len(rows) / np.sum(labels == NOSE))
        filled = np.zeros_like(edited)
        filled[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 1
        assert (edited == NOSE).sum() > 0.45 * filled.sum(), "still a block, if a turned one"
    assert np.mean(middles, axis=0) == pytest.approx((31.5, 30.5), abs=1)
    assert np.std(middles, axis=0).min() > 1
    assert np.std(middles, axis=0).max() < 8
    assert min(sizes) < 0.9
    assert max(sizes) > 1.1


def test_a_part_grows_or_shrinks_all_around() -> None:
    labels = nose_on_skin()
    before = labels == NOSE
    sizes = []
    for seed in range(40):
        edited = grow(labels, rng(seed))
        assert set(np.unique(edited)) <= {SKIN, NOSE}
        after = edited == NOSE
        assert (after >= before).all() or (after <= before).all()
        if after.any():
            rows, columns = np.nonzero(after)
            assert (rows.mean(), columns.mean()) == pytest.approx((31.5, 30.5), abs=0.01)
        sizes.append(int(after.sum()) - int(before.sum()))
    assert min(sizes) < 0 < max(sizes)
    assert 0 not in sizes


def test_a_part_of_several_classes_grows_by_the_nearest_of_them() -> None:
    labels = np.full((64, 64), SKIN, np.uint8)
    labels[26:32, 20:44], labels[32:38, 20:44] = UPPER, LOWER
    rows = np.mgrid[:64, :64][0]
    edits = [grow(labels, rng(seed)) for seed in range(20)]
    assert any((edited == SKIN).sum() < (labels == SKIN).sum() for edited in edits)
    for edited in edits:
        assert set(np.unique(edited)) <= {SKIN, UPPER, LOWER}
        np.testing.assert_array_equal(edited == UPPER, np.isin(edited, LIPS) & (rows < 32))


def test_bending_moves_borders_a_little() -> None:
    labels = made_mask(128)
    for seed in range(20):
        edited = bend(labels, rng(seed))
        assert 0 < np.mean(edited != labels) < 0.35
        borders = [
            np.sum(ids[1:] != ids[:-1]) + np.sum(ids[:, 1:] != ids[:, :-1]) for ids in (labels, edited)
        ]  # fmt: skip
        assert borders[1] < 1.5 * borders[0], "borders stay smooth lines"


# Hair and mouth


def test_hair_is_lengthened_downwards_or_cut_off_below_some_height() -> None:
    labels = face()
    before = labels == HAIR
    longer, shorter = 0, 0
    for seed in range(60):
        edited = change_hair(labels, rng(seed))
        after = edited == HAIR
        np.testing.assert_array_equal(edited[before == after], labels[before == after])
        if (after >= before).all():
            longer += after.sum() > before.sum()
            above = np.maximum.accumulate(before, axis=0)
            assert not (after & ~above).any(), "there is hair above all of it"
            assert not np.isin(labels[after & ~before], (*FACE, *LIPS, MOUTH)).any(), "it hangs behind the face"
            continue
        shorter += 1
        assert (after <= before).all()
        kept, cut = np.nonzero(after)[0], np.nonzero(before & ~after)[0]
        assert kept.max() < cut.min()
    assert longer > 15
    assert shorter > 15


@pytest.mark.parametrize("length", [1, 7, 40])
def test_hair_is_lengthened_by_so_many_pixels(length: int) -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[10:20, 5:30], labels[16:40, 12:20], labels[40:, :] = HAIR, NOSE, ID["cloth"]
    expected = labels.copy()
    below = expected[: 20 + length, 5:30]  # hanging over background and clothes
    below[10:][below[10:] != NOSE] = HAIR
    expected[16 + length :, 12:20] = labels[16 + length :, 12:20]  # but from where the face begins
    np.testing.assert_array_equal(lengthen_hair(labels, length), expected)


def test_without_hair_nothing_is_lengthened() -> None:
    labels = without(face(), (HAIR,))
    for seed in range(6):
        np.testing.assert_array_equal(change_hair(labels, rng(seed)), labels)


def test_a_closed_mouth_is_opened_between_the_lips() -> None:
    labels = face()
    for seed in range(20):
        edited = change_mouth(labels, rng(seed))
        opened = edited != labels
        assert opened.any()
        assert (edited[opened] == MOUTH).all()
        assert np.isin(labels[opened], LIPS).all()
        assert np.isin(edited, LIPS).sum() > 0.2 * np.isin(labels, LIPS).sum(), "the lips are still there"


@pytest.mark.parametrize("opened", [False, True])
def test_a_mouth_is_opened_the_wider_the_larger_the_share(opened: bool) -> None:
    labels = face(opened)
    sizes = []
    for share in (0.1, 0.3, 0.5):
        edited = open_mouth(labels, share)
        np.testing.assert_array_equal(edited[edited != MOUTH], labels[edited != MOUTH])
        np.testing.assert_array_equal(np.isin(edited, (*LIPS, MOUTH)), np.isin(labels, (*LIPS, MOUTH)))
        sizes.append(np.sum(edited == MOUTH))
    assert sizes[0] < sizes[1] < sizes[2]


def test_an_open_mouth_is_closed_by_what_surrounds_it() -> None:
    labels = face(opened=True)
    edited = change_mouth(labels, rng(0))
    assert not (edited == MOUTH).any()
    np.testing.assert_array_equal(edited[labels != MOUTH], labels[labels != MOUTH])
    assert np.isin(edited[labels == MOUTH], LIPS).all()


def test_without_lips_there_is_no_mouth_to_open() -> None:
    labels = without(face(), LIPS)
    np.testing.assert_array_equal(change_mouth(labels, rng(0)), labels)
    np.testing.assert_array_equal(open_mouth(labels, 0.5), labels)


# The region that an edit concerns


@pytest.mark.parametrize("reach", [0, 1, 4])
def test_the_region_is_a_disc_around_each_difference(reach: int) -> None:
    before = np.zeros((32, 32), np.uint8)
    after = before.copy()
    after[10, 8] = after[24, 31] = HAIR
    rows, columns = np.mgrid[:32, :32]
    distance = np.minimum(np.hypot(rows - 10, columns - 8), np.hypot(rows - 24, columns - 31))
    region = edited_region(before, after, reach)
    assert region.dtype == np.uint8
    assert set(np.unique(region)) == {0, 1}
    # A disc of pixels is not quite round.
    assert region[distance <= reach - 0.5].all()
    assert region[10, 8] == 1
    assert not region[distance > reach + 0.5].any()
    np.testing.assert_array_equal(edited_region(after, before, reach), region)


def test_equal_maps_have_an_empty_region() -> None:
    assert not edited_region(face(), face(), 3).any()
