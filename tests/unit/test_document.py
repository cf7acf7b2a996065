"""The mask document: steps that are tried out, protection, and edits that can always be taken back."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.document import Edit, MaskDocument
from engine.mask.morph import Grown
from engine.mask.steps import EMPTY, Entry, Ground, Mirror, Protection, done
from engine.mask.strokes import Stroke
from engine.mask.written import Written
from engine.types import Region
from resources.labels import LABEL_COUNT

ids = st.integers(0, LABEL_COUNT - 1)
coordinates = st.floats(-20, 40, width=32)
paths = st.lists(st.tuples(coordinates, coordinates, st.floats(0, 9, width=32)), min_size=1, max_size=5)
masks = hnp.arrays(np.uint8, st.tuples(st.integers(1, 24), st.integers(1, 24)), elements=ids)
mirrors = st.none() | st.builds(Mirror, coordinates, coordinates, st.floats(-3, 3))
strokes = st.builds(lambda label, path, mirror: stroke(label, *path, mirror=mirror), st.none() | ids, paths, mirrors)
steps = strokes | st.builds(Grown, ids, st.integers(-3, 3))
protections = st.builds(Protection, st.lists(ids, max_size=5), st.none() | st.lists(ids, max_size=9))


def stroke(label, *points, mirror=None) -> Stroke:
    return Stroke(label, np.array(points, np.float32), mirror)


def document_of(mask, protection=Protection(), edited=None) -> MaskDocument:  # noqa: B008
    document = MaskDocument(mask, edited=edited)
    document.protection = protection
    return document


def expected(mask, step, protection=Protection(), source=None) -> np.ndarray:  # noqa: B008
    """Return what a step makes of a mask, without any document."""
    pixels = np.full((*mask.shape, 3), 128, np.uint8)
    return done(Ground(mask, mask if source is None else source, pixels), Entry(step, protection))


def outside(shape, region) -> np.ndarray:
    result = np.ones(shape, bool)
    result[region.slices] = False
    return result


# Trying out


@given(masks, steps, protections)
def test_a_step_shows_while_it_is_tried_out(mask, step, protection):
    document = document_of(mask, protection)
    buffer = document.labels
    region = document.begin(step)
    assert document.labels is buffer and document.trying is step
    np.testing.assert_array_equal(document.labels, expected(mask, step, protection))
    assert not (document.labels != mask)[outside(mask.shape, region)].any()
    np.testing.assert_array_equal(document.ground.labels, mask)


@given(masks, st.none() | ids, paths, mirrors, protections)
def test_extending_shows_what_the_whole_step_does(mask, label, path, mirror, protection):
    document = document_of(mask, protection)
    document.begin(stroke(label, path[0], mirror=mirror))
    for count in range(2, len(path) + 1):
        before = document.labels.copy()
        region = document.extend(stroke(label, *path[:count], mirror=mirror))
        assert not (document.labels != before)[outside(mask.shape, region)].any()
        np.testing.assert_array_equal(
            document.labels, expected(mask, stroke(label, *path[:count], mirror=mirror), protection)
        )
    edit = document.commit()
    whole = document_of(mask, protection).perform(stroke(label, *path, mirror=mirror))
    assert (edit is None) == (whole is None)
    if edit is not None and whole is not None:
        assert edit.region == whole.region and edit.packed == whole.packed
        assert edit.entry.data() == whole.entry.data()


def test_extending_draws_only_what_is_new():
    drawn = []

    class Noting(Stroke):
        def draw(self, ground, work, piece):
            drawn.append(piece)
            return Stroke.draw(self, ground, work, piece)

    def noting(count):
        return Noting(3, np.array([[k, k, 1] for k in range(count)], np.float32))

    document = MaskDocument(np.zeros((9, 9), np.uint8))
    document.begin(noting(2))
    document.extend(noting(3))
    assert document.extend(noting(3)).empty
    document.extend(noting(5))
    assert drawn == [0, 1, 2, 3, 4]
    document.revise(noting(2))
    assert drawn[5:] == [0, 1]


@given(masks, st.lists(steps, min_size=2, max_size=4), protections)
def test_revising_leaves_nothing_of_what_was_tried_before(mask, several, protection):
    document = document_of(mask, protection)
    document.begin(several[0])
    for step in several[1:]:
        before = document.labels.copy()
        region = document.revise(step)
        assert not (document.labels != before)[outside(mask.shape, region)].any()
        np.testing.assert_array_equal(document.labels, expected(mask, step, protection))
    document.commit()
    np.testing.assert_array_equal(document.labels, expected(mask, several[-1], protection))


@given(masks, steps, steps, protections)
def test_aborting_restores(mask, first, second, protection):
    document = document_of(mask, protection)
    document.begin(first)
    document.revise(second)
    during = document.labels.copy()
    region = document.abort()
    assert np.array_equal(document.labels, mask) and document.trying is None
    assert not (during != mask)[outside(mask.shape, region)].any()
    assert document.abort() == EMPTY
    # Nothing of it is left for the next one either.
    document.perform(second)
    np.testing.assert_array_equal(document.labels, expected(mask, second, protection))


def test_restoring_looks_at_the_source_and_not_at_what_is_edited():
    source, edited = np.full((9, 9), 1, np.uint8), np.full((9, 9), 13, np.uint8)
    document = document_of(source, edited=edited)
    document.perform(stroke(None, (4, 4, 2)))
    assert document.labels[4, 4] == 1 and document.labels[0, 0] == 13


# Protection


@given(masks, steps, protections)
def test_protected_classes_are_not_touched(mask, step, protection):
    document = document_of(mask, protection)
    document.perform(step)
    changed = document.labels != mask
    assert not np.isin(mask[changed], protection.locked).any()
    if protection.over is not None:
        assert np.isin(mask[changed], protection.over).all()


def test_protection_is_that_of_when_the_step_began():
    mask = np.zeros((9, 9), np.uint8)
    document = document_of(mask, Protection(locked=(0,)))
    document.begin(stroke(3, (2, 2, 1)))
    document.protection = Protection()
    document.extend(stroke(3, (2, 2, 1), (7, 7, 1)))
    assert document.commit() is None and not document.changed
    document.begin(stroke(3, (2, 2, 1)))
    document.protection = Protection(locked=(0,))
    edit = document.commit()
    assert edit is not None and edit.entry.protection == Protection()


def test_a_stroke_may_cross_itself_under_protection():
    # What the same stroke has painted is no class to be kept.
    mask, crossing = np.zeros((20, 20), np.uint8), stroke(4, (5, 10, 3), (15, 10, 3), mirror=Mirror(10, 10))
    document = document_of(mask, Protection(over=(0,)))
    document.perform(crossing)
    np.testing.assert_array_equal(document.labels, expected(mask, crossing))


# Edits


@given(masks, steps, protections)
def test_undo_and_redo_are_exact(mask, step, protection):
    document = document_of(mask, protection)
    edit = document.perform(step)
    after = document.labels.copy()
    if edit is None:
        assert np.array_equal(after, mask) and not document.changed
        return
    assert document.changed and edit.title == step.title and edit.entry.step is step
    assert edit.region == Region.of(after != mask)
    np.testing.assert_array_equal(edit.before, mask[edit.region.slices])
    np.testing.assert_array_equal(edit.after, after[edit.region.slices])
    assert document.apply(edit, undo=True) == edit.region
    assert np.array_equal(document.labels, mask) and not document.changed
    document.apply(edit)
    assert np.array_equal(document.labels, after)


@given(masks, st.lists(st.tuples(steps, protections), max_size=5))
def test_a_history_unwinds_and_replays(mask, several):
    document = document_of(mask)
    edits = []
    for step, protection in several:
        document.protection = protection
        edit = document.perform(step)
        edits += [edit] if edit is not None else []
    after = document.labels.copy()
    for edit in reversed(edits):
        document.apply(edit, undo=True)
    assert np.array_equal(document.labels, document.source)
    for edit in edits:
        document.apply(edit)
    assert np.array_equal(document.labels, after)


@given(masks, st.lists(st.tuples(steps, protections), max_size=4))
def test_the_entries_alone_lead_to_the_same_mask(mask, several):
    document = document_of(mask)
    labels = mask
    for step, protection in several:
        document.protection = protection
        edit = document.perform(step)
        if edit is not None:
            entry = Entry.read(json.loads(json.dumps(edit.entry.data())))
            labels = done(Ground(labels, document.source, document.pixels), entry)
    assert np.array_equal(document.labels, labels)


def test_later_strokes_cover_earlier_ones():
    document = MaskDocument(np.zeros((20, 20), np.uint8))
    document.perform(stroke(1, (10, 10, 5)))
    document.perform(stroke(2, (10, 10, 3)))
    assert document.labels[10, 10] == 2 and document.labels[10, 6] == 1
    document.perform(stroke(1, (10, 10, 5)))
    assert not (document.labels == 2).any()


def test_edits_are_packed():
    document = MaskDocument(np.zeros((512, 512), np.uint8))
    edit = document.perform(stroke(13, (256, 256, 200)))
    assert edit is not None and edit.region == Region(56, 56, 456, 456)
    assert 1000 < edit.nbytes < 8000 < edit.before.nbytes
    with pytest.raises(ValueError):
        edit.after[:] = 3


def test_edits_count_what_their_steps_hold():
    document = MaskDocument(np.zeros((64, 64), np.uint8))
    short = document.perform(stroke(1, *[(32, 32, 5)] * 2))
    long = document.perform(stroke(2, *[(32, 32, 5)] * 1002))
    assert short is not None and long is not None
    assert long.nbytes - short.nbytes == pytest.approx(12_000, abs=100)


# Whole masks


@pytest.mark.parametrize("protection", [Protection(), Protection(locked=(0, 5)), Protection(over=())])
def test_replacing_is_one_tight_edit_whatever_is_protected(protection):
    document = document_of(np.zeros((8, 10), np.uint8), protection)
    mask = np.zeros((8, 10), np.uint8)
    mask[2:4, 3:7] = 5
    edit = document.replace(mask, "Load mask")
    assert edit is not None and (edit.title, edit.region) == (("Load mask",), Region(2, 3, 4, 7))
    assert np.array_equal(document.labels, mask) and document.protection == protection
    assert edit.entry.protection == Protection()
    assert document.replace(mask, "Load mask") is None
    document.apply(edit, undo=True)
    assert not document.labels.any()


@given(masks, masks)
def test_replacing_and_undoing_is_exact(mask, other):
    document = document_of(mask)
    if other.shape != mask.shape:
        with pytest.raises(ValueError):
            document.replace(other, "x")
        return
    edit = document.replace(other, "x")
    assert np.array_equal(document.labels, other)
    if edit is not None:
        document.apply(edit, undo=True)
    assert np.array_equal(document.labels, mask)


# The document itself


def test_the_source_is_kept():
    mask = np.zeros((4, 4), np.uint8)
    document = MaskDocument(mask)
    mask[:] = 3
    document.perform(stroke(1, (2, 2, 1)))
    assert not document.source.any() and not document.source.flags.writeable
    assert document.labels.flags.c_contiguous


def test_a_mask_may_be_edited_already():
    source, edited = np.zeros((4, 4), np.uint8), np.full((4, 4), 7, np.uint8)
    document = document_of(source, edited=edited)
    edited[:] = 9
    assert document.changed and (document.labels == 7).all() and not document.source.any()


def test_masks_in_any_order_of_memory():
    mask = np.asfortranarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    document = document_of(mask, edited=mask[:, ::-1])
    assert document.labels.flags.c_contiguous and np.array_equal(document.labels, mask[:, ::-1])


def test_the_picture_goes_with_the_steps():
    pixels = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
    document = MaskDocument(np.zeros((6, 5), np.uint8), pixels)
    assert np.array_equal(document.ground.pixels, pixels) and not document.pixels.flags.writeable
    assert pixels.flags.writeable
    assert MaskDocument(np.zeros((6, 5), np.uint8)).pixels.shape == (6, 5, 3)


def test_which_classes_are_present():
    document = MaskDocument(np.array([[3, 3], [0, 18]], np.uint8))
    assert document.present() == [0, 3, 18]
    document.perform(stroke(5, (0, 0, 0.5)))
    assert document.present() == [0, 3, 5, 18]


def edit_at(region: Region) -> Edit:
    crop = np.zeros((region.y1 - region.y0, region.x1 - region.x0), np.uint8)
    return Edit.of(Entry(Written("x", 0, 0, np.zeros((1, 1), np.uint8))), region, crop, crop)


@pytest.mark.parametrize(
    "misuse",
    [
        lambda document: document.extend(stroke(1, (1, 1, 1))),
        lambda document: document.revise(stroke(1, (1, 1, 1))),
        lambda document: document.commit(),
        lambda document: document.replace(np.zeros((3, 4), np.uint8), "x"),
        lambda document: document.replace(np.zeros((4, 4), np.int32), "x"),
        lambda document: document.replace(np.full((4, 4), 19, np.uint8), "x"),
        lambda document: document.apply(edit_at(Region(3, 3, 5, 5))),
        lambda document: document.apply(replace(edit_at(Region(0, 0, 2, 2)), region=Region(-1, 0, 1, 2))),
        lambda _: MaskDocument(np.zeros((0, 4), np.uint8)),
        lambda _: MaskDocument(np.zeros(4, np.uint8)),
        lambda _: MaskDocument(np.full((4, 4), 255, np.uint8)),
        lambda _: MaskDocument(np.zeros((4, 4), np.int64)),  # type: ignore[arg-type]
        lambda _: MaskDocument(np.zeros((4, 4), np.uint8), np.zeros((4, 5, 3), np.uint8)),
        lambda _: MaskDocument(np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)),  # type: ignore[arg-type]
        lambda _: MaskDocument(np.zeros((4, 4), np.uint8), edited=np.zeros((4, 5), np.uint8)),
        lambda _: MaskDocument(np.zeros((4, 4), np.uint8), edited=np.full((4, 4), 19, np.uint8)),
        lambda _: stroke(1, (1, 1, math.nan)),
    ],
)
def test_misuse_raises_and_changes_nothing(misuse):
    document = MaskDocument(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError):
        misuse(document)
    assert document.trying is None and not document.labels.any()


def test_what_is_tried_out_excludes_other_changes():
    document = MaskDocument(np.zeros((4, 4), np.uint8))
    edit = document.perform(stroke(2, (0, 0, 0.5)))
    assert edit is not None
    document.begin(stroke(1, (2, 2, 1), (3, 3, 1)))
    for change in (
        lambda: document.begin(stroke(1, (2, 2, 1))),
        lambda: document.replace(np.ones((4, 4), np.uint8), "x"),
        lambda: document.perform(stroke(1, (2, 2, 1))),
        lambda: document.apply(edit),
        lambda: document.extend(stroke(1, (2, 2, 1))),
    ):
        with pytest.raises(ValueError):
            change()
    assert document.commit() is not None
