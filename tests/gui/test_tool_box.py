"""Which tool the hand uses: the chosen one, the eyedropper, or the line of symmetry; and what is repainted for it."""

import numpy as np
import pytest
from PySide6.QtCore import QRect, Qt

from app.document import MaskDocument
from app.tools.areas import RectangleTool
from app.tools.box import ToolBox
from app.tools.eyedropper import EyedropperTool
from app.tools.fill import FillTool
from app.tools.lasso import LassoTool, PolygonTool
from app.tools.tool import Tool
from engine.mask.steps import Mirror
from resources.labels import BY_NAME
from tests.gui.easel import UPRIGHT, Easel

SKIN, HAIR, HAT, L_EYE = (BY_NAME[name].id for name in ("skin", "hair", "hat", "l_eye"))
HEIGHT, WIDTH = 30, 40
AXIS = Mirror(20, 15)
UPPER = (20, 15 - 0.3 * HEIGHT)


@pytest.fixture(autouse=True)
def short_arm(monkeypatch):
    """The handles lie as close together as they fit into a small mask."""
    monkeypatch.setattr("app.tools.axis.ARM", 0.3)


class Spy(Tool):
    """Writes down what it is told."""

    name = "spy"

    def __init__(self, studio):
        super().__init__(studio)
        self.told: list[str] = []
        self.busy = False
        self.steps = 0

    def press(self, hand):
        self.told.append("press")

    def move(self, hand):
        self.told.append("move")

    def release(self, hand):
        self.told.append("release")

    def double(self, hand):
        self.told.append("double")

    def hover(self, hand):
        self.told.append("hover")

    def left(self):
        self.told.append("left")

    def escape(self):
        self.told.append("escape")
        return True

    def enter(self):
        self.told.append("enter")
        return True

    def backspace(self):
        self.told.append("backspace")
        return True

    def finish(self):
        self.told.append("finish")

    @property
    def resting(self):
        return not self.busy

    def step(self, steps):
        self.steps += steps

    def cursor(self):
        return Qt.CursorShape.BlankCursor


class KeyedSpy(Spy):
    """One that wants Ctrl for itself."""

    name = "keyed"
    picks = False


def columns() -> np.ndarray:
    """Return hair on the left and skin on the right."""
    labels = np.full((HEIGHT, WIDTH), SKIN, np.uint8)
    labels[:, :10] = HAIR
    return labels


def make(labels=None, view=UPRIGHT, **options) -> tuple[Easel, ToolBox]:
    kinds = (Spy, KeyedSpy, FillTool, RectangleTool, LassoTool, PolygonTool, EyedropperTool)
    easel = Easel(
        columns() if labels is None else labels,
        lambda studio: ToolBox(studio, [kind(studio) for kind in kinds]),
        view,
        **options,
    )
    easel.studio.set_label(HAT)
    easel.studio.set_axis(AXIS)
    return easel, easel.tool


def spy_of(box: ToolBox, name: str = "spy") -> Spy:
    spy = box.tools[name]
    assert isinstance(spy, Spy)
    return spy


# Choosing


def test_first_tool_is_chosen_at_first(qapp):
    _, box = make()
    assert box.current is box.tools["spy"] and next(iter(box.tools)) == "spy"


def test_choosing_another_tool_finishes_the_one_before(qapp):
    _, box = make()
    chosen = []
    box.chosen.connect(chosen.append)
    box.choose("fill")
    assert box.current.name == "fill" and chosen == ["fill"] and "finish" in spy_of(box).told
    box.choose("fill")
    assert chosen == ["fill"]
    with pytest.raises(KeyError):
        box.choose("none")
    assert box.current.name == "fill"


def test_choosing_another_tool_keeps_a_polygon(qapp):
    easel, box = make()
    box.choose("polygon")
    for corner in ((2, 2), (30, 2), (30, 20)):
        easel.click(*corner)
    box.choose("rectangle")
    assert easel.edits == 1 and (easel.labels == HAT).any()


def test_choosing_another_tool_in_a_drag_ends_it(qapp):
    easel, box = make()
    box.choose("rectangle")
    easel.press(2, 2)
    easel.move(8, 8)
    box.choose("lasso")
    assert easel.edits == 1 and box.resting
    easel.move(20, 20)
    easel.release(20, 20)
    assert easel.edits == 1 and (easel.labels == HAT).sum() == 36


def test_borrowed_tool_is_given_back(qapp):
    _, box = make()
    chosen = []
    box.chosen.connect(chosen.append)
    box.borrow("fill")
    box.borrow("rectangle")
    assert box.current.name == "rectangle"
    box.give_back()
    box.give_back()
    assert box.current.name == "spy" and chosen == ["fill", "rectangle", "spy"]
    box.borrow("fill")
    box.choose("lasso")
    box.give_back()
    assert box.current.name == "lasso"


def test_size_goes_to_tools_that_have_one(qapp):
    _, box = make()
    box.step_size(3)
    box.step_size(-1)
    assert spy_of(box).steps == 2
    box.choose("fill")
    box.step_size(1)


# The hand


def test_current_tool_is_told_everything(qapp):
    easel, box = make()
    easel.drag((1, 1), (2, 2))
    assert spy_of(box).told == ["hover", "press", "hover", "move", "release"]
    spy_of(box).told.clear()
    easel.double(1, 1)
    assert spy_of(box).told == ["hover", "press", "release", "hover", "double", "release"]
    spy_of(box).told.clear()
    assert box.escape() and box.enter() and box.backspace()
    box.left()
    box.finish()
    assert spy_of(box).told == ["escape", "enter", "backspace", "left", "finish"]


def test_rest(qapp):
    easel, box = make()
    assert box.resting
    easel.press(1, 1)
    assert not box.resting
    easel.release(1, 1)
    assert box.resting
    spy_of(box).busy = True
    assert not box.resting


def test_move_and_release_without_a_press(qapp):
    easel, box = make()
    easel.release(1, 1)
    box.move(easel.hand(1, 1))
    assert spy_of(box).told == []


def test_press_whose_release_went_elsewhere(qapp):
    easel, box = make()
    easel.press(1, 1)
    easel.press(5, 5)
    assert [word for word in spy_of(box).told if word != "hover"] == ["press", "release", "press"]


def test_escape_ends_the_drag(qapp):
    easel, box = make()
    easel.press(1, 1)
    assert box.escape()
    easel.release(1, 1)
    assert "release" not in spy_of(box).told and box.resting


def test_cursor_is_that_of_the_tool_under_it(qapp):
    easel, box = make(symmetric=True)
    assert box.cursor() == Qt.CursorShape.BlankCursor
    easel.hover(5, 5, control=True)
    assert box.cursor() == Qt.CursorShape.CrossCursor
    easel.hover(*UPPER)
    assert box.cursor() == Qt.CursorShape.OpenHandCursor
    easel.press(*UPPER)
    assert box.cursor() == Qt.CursorShape.ClosedHandCursor
    easel.release(*UPPER)
    easel.hover(5, 5)
    assert box.cursor() == Qt.CursorShape.BlankCursor


# The eyedropper


def test_control_takes_up_a_class_until_the_button_goes_up(qapp):
    easel, box = make()
    easel.press(3, 3, control=True)
    assert easel.studio.label == HAIR
    # The key may be let go first.
    easel.move(30, 3)
    assert easel.studio.label == SKIN
    easel.release(30, 3)
    assert easel.studio.last_label == HAT
    assert not {"press", "move", "release"} & set(spy_of(box).told)
    easel.press(3, 3)
    assert "press" in spy_of(box).told


def test_control_belongs_to_tools_that_want_it(qapp):
    easel, box = make()
    box.choose("keyed")
    easel.press(3, 3, control=True)
    assert easel.studio.label == HAT and "press" in spy_of(box, "keyed").told


def test_cursor_passes_from_the_tool_to_the_eyedropper(qapp):
    easel, box = make()
    easel.hover(3, 3)
    easel.hover(3, 3, control=True)
    assert spy_of(box).told == ["hover", "left"]
    assert easel.painted().any()
    easel.hover(3, 3)
    assert spy_of(box).told[-1] == "hover" and not easel.painted().any()


def test_polygon_goes_on_after_a_class_was_taken_up(qapp):
    easel, box = make()
    box.choose("polygon")
    for corner in ((12, 2), (30, 2), (30, 20)):
        easel.click(*corner)
    easel.click(3, 3, control=True)
    easel.click(12, 20)
    box.enter()
    assert easel.edits == 1
    assert (easel.labels[2:20, 12:30] == HAIR).all() and (easel.labels == HAIR).sum() == 18 * 18 + 10 * HEIGHT


# The line of symmetry


def test_unfinished_polygon_comes_before_the_line(qapp):
    easel, box = make(symmetric=True)
    box.choose("polygon")
    easel.click(5, 5)
    easel.click(20, 15)
    polygon = box.current
    assert isinstance(polygon, PolygonTool) and len(polygon.corners) == 2


def test_control_comes_before_the_line(qapp):
    easel, _ = make(symmetric=True)
    easel.click(20, 15, control=True)
    assert easel.studio.label == SKIN


# What is repainted


def covers(region, rect) -> bool:
    return region.intersected(rect.toAlignedRect()).boundingRect() == rect.toAlignedRect()


def test_changes_are_told_on(qapp):
    easel, box = make()
    told = []
    box.changed.connect(lambda: told.append(1))
    box.tools["lasso"].changed.emit()
    box.axis.changed.emit()
    assert len(told) == 2
    easel.studio.change(symmetric=True)
    assert len(told) == 3


def test_moving_a_box_does_not_repaint_the_line(qapp):
    easel, box = make(symmetric=True)
    box.choose("rectangle")
    easel.press(2, 2)
    easel.move(6, 6)
    easel.painted()
    old = box.current.bounds(UPRIGHT)
    box.stale(UPRIGHT)
    easel.move(9, 9)
    region, line = box.stale(UPRIGHT), box.axis.bounds(UPRIGHT)
    assert covers(region, old) and covers(region, box.current.bounds(UPRIGHT))
    assert not region.intersects(line.toAlignedRect())
    assert box.bounds(UPRIGHT).contains(line) and box.bounds(UPRIGHT).contains(box.current.bounds(UPRIGHT))
    # Only once.
    assert box.stale(UPRIGHT).isEmpty()


def test_moving_the_line_repaints_where_it_was_and_is(qapp):
    easel, box = make(symmetric=True)
    easel.painted()
    old = box.axis.bounds(UPRIGHT)
    box.stale(UPRIGHT)
    easel.press(20, 15)
    easel.move(30, 15)
    region = box.stale(UPRIGHT)
    assert covers(region, old) and covers(region, box.axis.bounds(UPRIGHT))


def test_what_is_no_longer_shown_is_repainted(qapp):
    easel, box = make()
    easel.hover(20, 15, control=True)
    easel.painted()
    shown = box.eyedropper.bounds(UPRIGHT)
    box.stale(UPRIGHT)
    easel.hover(20, 15)
    assert covers(box.stale(UPRIGHT), shown)
    box.choose("polygon")
    easel.click(3, 3)
    easel.painted()
    shown = box.current.bounds(UPRIGHT)
    box.stale(UPRIGHT)
    box.choose("fill")
    assert covers(box.stale(UPRIGHT), shown)


def test_without_a_portrait(qapp):
    easel, box = make(symmetric=True)
    easel.editor.document = None
    for name in box.tools:
        box.choose(name)
        easel.drag((20, 15), (25, 18))
        easel.double(20, 15)
        easel.hover(20, 15, control=True)
        easel.check_bounds(visible=False)
        assert box.resting
        box.left()
        box.finish()
    assert easel.studio.axis == AXIS and easel.studio.label == HAT
    assert box.stale(UPRIGHT).boundingRect() == QRect()


def test_another_portrait_under_an_unfinished_polygon(qapp):
    easel, box = make()
    box.choose("polygon")
    for corner in ((2, 2), (30, 2), (30, 20)):
        easel.click(*corner)
    easel.editor.document = MaskDocument(columns())
    box.escape()
    np.testing.assert_array_equal(easel.labels, columns())
    assert box.resting
