"""The history: what can be undone, within a memory budget, and what counts as saved."""

import numpy as np
import pytest

from app.document import MaskDocument
from app.mask_editing import MaskEditing
from engine.mask.steps import Entry, Ground, Protection, done
from engine.mask.strokes import Stroke


def dot(x: float, label: int = 5) -> Stroke:
    return Stroke(label, np.array([[x, 10, 3]], np.float32))


@pytest.fixture
def editing(qapp):
    editing = MaskEditing()
    editing.document = MaskDocument(np.zeros((40, 60), np.uint8))
    return editing


def test_undo_redo_and_jump_go_through_every_state(editing):
    states = [editing.document.labels.copy()]
    for x in (5, 15, 25, 35):
        editing.perform(dot(x))
        states.append(editing.document.labels.copy())
    for index in (3, 0, 4, 1, 2):
        editing.jump(index)
        assert np.array_equal(editing.document.labels, states[index])
        assert editing.history.index == index
        for other, state in enumerate(states):
            assert np.array_equal(editing.history.labels_at(other, editing.document.labels), state)
    editing.undo()
    assert np.array_equal(editing.document.labels, states[1])
    editing.redo()
    assert np.array_equal(editing.document.labels, states[2])
    editing.jump(99)
    assert np.array_equal(editing.document.labels, states[4]) and not editing.history.can_redo
    editing.jump(-5)
    assert not editing.document.changed and not editing.history.can_undo


def test_a_new_edit_forgets_what_was_undone(editing):
    for x in (5, 15):
        editing.perform(dot(x))
    editing.undo()
    kept = editing.history.edits[0]
    editing.perform(dot(40))
    assert editing.history.edits[0] is kept and len(editing.history.edits) == 2 and not editing.history.can_redo
    assert editing.history.nbytes == sum(edit.nbytes for edit in editing.history.edits)


def test_jumping_far_asks_for_one_render(editing, qtbot):
    for x in (5, 15, 25):
        editing.perform(dot(x))
    asked = []
    editing.request_render = lambda: asked.append(1)
    editing.jump(0)
    assert len(asked) == 1


def test_nothing_changed_is_no_edit(editing):
    editing.perform(dot(5))
    assert editing.perform(dot(5)) is None and len(editing.history.edits) == 1


def test_the_oldest_are_given_up_beyond_the_budget(editing):
    one = editing.perform(dot(5)).nbytes
    states = []
    editing.history.set_budget(round(3.5 * one))
    for x in (15, 25, 35, 45):
        editing.perform(dot(x))
        states.append(editing.document.labels.copy())
    history = editing.history
    assert 2 <= len(history.edits) < 5 and history.nbytes <= 3.5 * one
    assert len(history.dropped) + len(history.edits) == 5 == len(history.done)
    ground = editing.document.source
    for entry in history.done:
        ground = done(Ground(ground, editing.document.source, editing.document.pixels), entry)
    assert np.array_equal(ground, states[-1])
    editing.jump(0)
    assert editing.document.changed  # what was given up stays done
    assert editing.unsaved  # and is not taken for the source mask


def test_the_newest_edit_can_always_be_undone(editing):
    editing.history.set_budget(1)
    for x in (5, 15, 25):
        editing.perform(dot(x))
    assert len(editing.history.edits) == 1 and editing.history.can_undo


def test_saved_is_a_state_not_a_number(editing):
    assert not editing.unsaved
    editing.perform(dot(5))
    editing.history.mark_saved(editing.last_edit)
    assert not editing.unsaved
    editing.undo()
    assert editing.unsaved
    editing.perform(dot(30))
    assert editing.unsaved  # one edit again, but another one
    editing.forget_unsaved()
    assert not editing.unsaved
    editing.history.mark_unsaved()
    assert editing.unsaved


def test_a_restored_history_goes_on(editing):
    for x in (5, 15, 25):
        editing.perform(dot(x))
    editing.undo()
    history = editing.history
    edits, index, labels = list(history.edits), history.index, editing.document.labels.copy()
    other = MaskEditing()
    other.document = MaskDocument(np.zeros((40, 60), np.uint8))
    other.document.labels[:] = labels
    other.history.restore(edits, index, [Entry(dot(1))])
    assert not other.unsaved and other.history.can_redo and len(other.history.done) == 3
    other.redo()
    other.jump(0)
    assert not other.document.changed


def test_undo_takes_back_what_is_being_tried_out_first(editing):
    editing.perform(dot(5))
    editing.begin_step(dot(30))
    editing.undo()
    assert editing.document.trying is None and editing.history.index == 1
    assert editing.document.labels[10, 30] == 0 and editing.document.labels[10, 5] == 5
    editing.undo()
    assert not editing.document.changed


def test_another_step_keeps_what_is_being_tried_out(editing):
    editing.begin_step(dot(30))
    editing.begin_step(dot(5))
    assert len(editing.history.edits) == 1
    editing.end_step()
    assert len(editing.history.edits) == 2


def test_tools_are_told_before_the_mask_changes_otherwise(editing):
    told = []
    editing.interrupted.connect(lambda: told.append(editing.document.trying))
    editing.perform(dot(5))
    editing.replace_mask(editing.document.source, "Load mask")
    editing.set_protection(Protection((5,)))
    assert len(told) == 3


def test_whole_masks_are_written_whatever_is_protected(editing):
    editing.perform(dot(5))
    editing.set_protection(Protection(tuple(range(19))))
    editing.reset_mask()
    assert not editing.document.changed and editing.last_edit.title == ("Reset mask",)
    assert editing.document.protection == Protection(tuple(range(19)))
    assert editing.perform(dot(30)) is None


def test_without_a_document_nothing_happens(qapp):
    editing = MaskEditing()
    for action in (editing.undo, editing.redo, editing.end_step, editing.cancel_step, editing.reset_mask):
        action()
    assert editing.perform(dot(5)) is None and not editing.unsaved
