"""The liquify tool: what the hand drags along, and the ring that shows where."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTransform

from app.document import MaskDocument
from app.tools.liquify_tool import LiquifyTool
from engine.mask.fills import Fill
from engine.mask.liquify import Liquify
from engine.mask.steps import Entry, Ground, Mirror, done
from resources.labels import BY_NAME
from tests.gui.easel import FLIPPED, TURNED, UPRIGHT, Easel

SKIN, HAIR = BY_NAME["skin"].id, BY_NAME["hair"].id
VIEWS = pytest.mark.parametrize("view", [UPRIGHT, TURNED, FLIPPED])

pytestmark = pytest.mark.usefixtures("qapp")


def halves() -> np.ndarray:
    labels = np.full((40, 60), SKIN, np.uint8)
    labels[20:] = HAIR
    return labels


def easel(view: QTransform = UPRIGHT, liquify_size: int = 20, **options) -> Easel[LiquifyTool]:
    return Easel(halves(), LiquifyTool, view, liquify_size=liquify_size, **options)


def step_of(canvas: Easel[LiquifyTool]) -> Liquify:
    step = canvas.editor.history.edits[-1].entry.step
    assert isinstance(step, Liquify)
    return step


@VIEWS
def test_a_drag_takes_the_border_along_as_one_edit(view):
    canvas = easel(view=view, liquify_strength=1.0)
    canvas.press(30, 20)
    assert (canvas.labels == halves()).all()
    canvas.move(30, 17)
    assert canvas.labels[18, 30] == HAIR and canvas.edits == 0 and not canvas.tool.resting
    canvas.move(30, 14)
    canvas.release(30, 14)
    assert canvas.labels[15, 30] == HAIR and (canvas.labels[:, :20] == halves()[:, :20]).all()
    assert canvas.edits == 1 and canvas.tool.resting
    canvas.editor.undo()
    assert (canvas.labels == halves()).all()


def test_the_edit_is_its_step_done_again():
    canvas = easel(symmetric=True)
    canvas.studio.set_axis(Mirror(30, 20))
    canvas.drag((10, 22), (12, 20), (15, 14), (11, 10))
    step, labels = step_of(canvas), halves()
    assert step.mirror == Mirror(30, 20) and step.strength == 0.6
    assert (step.points[:, 2] == 10).all()
    ground = Ground(labels, labels, np.zeros((40, 60, 3), np.uint8))
    np.testing.assert_array_equal(done(ground, Entry(step)), canvas.labels)
    assert canvas.labels[18, 46] == HAIR


def test_points_lie_as_close_as_they_need_to_and_the_last_one_counts():
    canvas = easel(liquify_size=100)
    canvas.drag((30, 20), *((30, 20 - 0.1 * k) for k in range(1, 96)))
    points = step_of(canvas).points
    assert 5 <= len(points) <= 6
    assert points[-1, 1] == pytest.approx(10.5) and points[0, 1] == 20


def test_strength_and_symmetry_stay_as_they_were_at_the_press():
    canvas = easel(liquify_strength=1.0)
    canvas.press(30, 20)
    canvas.move(30, 18)
    canvas.studio.change(liquify_strength=0.1, symmetric=True)
    canvas.move(30, 15)
    canvas.release(30, 15)
    assert step_of(canvas).strength == 1.0 and step_of(canvas).mirror is None


def test_a_click_is_no_edit():
    canvas = easel()
    canvas.click(30, 20)
    assert canvas.edits == 0 and canvas.tool.resting


def test_escape_takes_a_drag_back():
    canvas = easel()
    assert not canvas.tool.escape()
    canvas.press(30, 20)
    canvas.move(30, 10)
    assert (canvas.labels != halves()).any()
    assert canvas.tool.escape()
    assert (canvas.labels == halves()).all() and canvas.tool.resting
    canvas.move(30, 5)
    canvas.release(30, 5)
    assert canvas.edits == 0 and (canvas.labels == halves()).all()


def test_what_interrupts_a_drag_keeps_it():
    canvas = easel()
    canvas.press(30, 20)
    canvas.move(30, 12)
    canvas.editor.perform(Fill(HAIR, 1, 1))
    canvas.release(30, 12)
    assert canvas.edits == 2 and canvas.tool.resting


def test_another_portrait_ends_a_drag():
    canvas = easel()
    canvas.press(30, 20)
    canvas.move(30, 12)
    canvas.editor.document = MaskDocument(halves())
    canvas.move(30, 8)
    canvas.release(30, 8)
    assert canvas.edits == 0 and canvas.tool.resting and (canvas.labels == halves()).all()


def test_without_a_portrait_nothing_happens():
    canvas = Easel(None, LiquifyTool)
    canvas.drag((5, 5), (9, 9))
    assert canvas.tool.resting and not canvas.painted().any()


def test_an_alt_drag_sets_the_size_and_drags_nothing():
    canvas = easel()
    canvas.drag((30, 20), (32, 10), alt=True)
    assert canvas.tool.size == 24 and canvas.studio.options.liquify_size == 24
    assert canvas.edits == 0 and (canvas.labels == halves()).all()


def test_a_pen_may_set_the_size():
    canvas = easel()
    start, end = (replace(canvas.hand(30, y), pen=True, pressure=0.5) for y in (20, 15))
    for pressure, radius in ((True, 5), (False, 10)):
        canvas.studio.change(pressure=pressure)
        canvas.tool.press(start)
        assert canvas.tool.ring_radius() == radius
        canvas.tool.move(end)
        canvas.tool.release(end)
        assert (step_of(canvas).points[:, 2] == radius).all()


@VIEWS
@pytest.mark.parametrize("symmetric", [False, True])
def test_the_ring_lies_within_its_bounds(view, symmetric):
    canvas = easel(view=view, symmetric=symmetric)
    canvas.studio.set_axis(Mirror(30, 20))
    assert not canvas.painted().any()
    canvas.hover(14, 20)
    canvas.check_bounds()
    canvas.press(14, 20)
    canvas.move(15, 17)
    canvas.check_bounds()
    assert canvas.tool.cursor() == Qt.CursorShape.BlankCursor
    canvas.release(15, 17)
    canvas.tool.left()
    canvas.check_bounds(visible=False)


def test_changes_are_told(qtbot):
    canvas = easel()
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.hover(10, 10)
    canvas.press(10, 10)
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.move(10.1, 10)
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.release(10.1, 10)
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.studio.change(liquify_size=7)
