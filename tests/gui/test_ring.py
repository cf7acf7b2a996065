"""What tools with a brush have in common: their sizes, the keys and drags that change them, and the ring."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QTransform

from app.tools.box import ToolBox
from app.tools.brush import BrushTool, RestoreTool
from app.tools.options import BRUSH_SIZES
from engine.mask.steps import Mirror
from tests.gui.test_brush_tool import HAIR, SKIN, VIEWS, aside, make

# The size


@pytest.mark.parametrize("kind", [BrushTool, RestoreTool])
def test_each_tool_has_its_own_size(qapp, kind):
    easel = make(kind)
    easel.tool.set_size(77)
    assert easel.tool.size == 77 == getattr(easel.studio.options, kind.size_option)
    assert (easel.studio.options.brush_size, easel.studio.options.restore_size).count(77) == 1
    easel.tool.set_size(10**6)
    assert easel.tool.size == BRUSH_SIZES[1]
    easel.tool.set_size(-3)
    assert easel.tool.size == BRUSH_SIZES[0]


def test_steps_are_a_tenth_and_can_be_taken_back(qapp):
    easel = make()
    sizes = []
    for _ in range(60):
        easel.tool.step(1)
        sizes.append(easel.tool.size)
    assert sizes[:3] == [7, 8, 9] and sizes[-1] == BRUSH_SIZES[1]
    assert all(1 <= b - a <= max(1, a // 10) for a, b in pairwise(sizes) if b < BRUSH_SIZES[1])
    easel.tool.set_size(50)
    easel.tool.step(3)
    easel.tool.step(-3)
    assert abs(easel.tool.size - 50) <= 2
    easel.tool.set_size(1)
    easel.tool.step(-2)
    assert easel.tool.size == 1


def test_the_boxs_keys_reach_the_brush(qapp):
    easel = make()
    box = ToolBox(easel.studio, [easel.tool])
    box.step_size(2)
    assert easel.tool.size == 8


@VIEWS
def test_alt_and_a_drag_resize_the_ring_where_it_was(qapp, view):
    easel = make(view=view, brush_size=10)
    easel.press(30, 25, alt=True)
    for dx, dy, size in ((40, 0, 20), (40, 90, 20), (-16, 0, 6), (-400, 0, 1), (9000, 0, 400), (24, -8, 16)):
        easel.move(*aside(easel, 30, 25, dx, dy), alt=True)
        assert easel.tool.size == size
        ring = easel.tool.ring()
        assert ring is not None and ring[:2] == (30, 25)
        if size < 100:
            easel.check_bounds()
    assert not easel.tool.resting and easel.tool.cursor() == Qt.CursorShape.SizeHorCursor
    end = aside(easel, 30, 25, 24, 0)
    easel.release(*end)
    ring = easel.tool.ring()
    assert easel.tool.size == 16 and easel.tool.resting and ring is not None and ring[:2] == end
    assert (easel.labels == SKIN).all() and easel.edits == 0


def test_escape_takes_the_size_back(qapp):
    easel = make()
    easel.press(30, 25, alt=True)
    easel.move(35, 25, alt=True)
    assert easel.tool.size != 6 and easel.tool.escape() and easel.tool.size == 6 and easel.tool.resting


# The ring


@VIEWS
def test_the_ring_is_as_large_as_what_is_painted(qapp, view):
    easel = make(view=view, brush_size=12)
    easel.hover(20, 12)
    painted = easel.painted()
    easel.check_bounds()
    y, x = np.mgrid[:480, :640] + 0.5
    centre = easel.view.map(QPointF(20, 12))
    distance = np.hypot(x - centre.x(), y - centre.y())
    assert painted[np.abs(distance - 48) < 0.5].all() and not painted[np.abs(distance - 48) > 3].any()
    assert easel.tool.cursor() == Qt.CursorShape.BlankCursor


@pytest.mark.parametrize("at", [(20.5, 12.5), (20.02, 12.97)])
@VIEWS
def test_the_smallest_brush_shows_its_pixel(qapp, view, at):
    easel = make(view=view, brush_size=1)
    easel.hover(*at)
    painted = easel.painted()
    easel.check_bounds()
    for x, y, on in ((20, 12.5, True), (21, 12.5, True), (20.5, 12, True), (20.5, 13, True), (20.5, 12.5, False)):
        place = easel.view.map(QPointF(x, y))
        assert painted[int(place.y()), int(place.x())] == on
    easel.click(*at)
    assert np.argwhere(easel.labels == HAIR).tolist() == [[12, 20]]


def test_a_small_ring_has_a_cross_for_a_cursor(qapp):
    easel = make(view=QTransform(0.5, 0, 0, 0.5, 0, 0))
    easel.hover(30, 25)
    assert easel.tool.cursor() == Qt.CursorShape.CrossCursor
    easel.check_bounds()


def test_the_mirrored_ring_is_fainter(qapp):
    easel = make(brush_size=8, symmetric=True)
    easel.studio.set_axis(Mirror(30, 25, 0.2))
    easel.hover(15, 20)
    both = easel.painted()
    easel.check_bounds()
    easel.studio.change(symmetric=False)
    own = easel.painted()
    assert both[own].all() and np.count_nonzero(both) > 1.8 * np.count_nonzero(own)
    x, y = easel.studio.axis.points(np.array([[15, 20]], np.float32))[0].tolist()
    other = np.argwhere(both & ~own)
    centre = easel.view.map(QPointF(x, y))
    np.testing.assert_allclose(other.mean(axis=0) + 0.5, (centre.y(), centre.x()), atol=1)


def test_no_ring_when_the_cursor_is_away(qapp):
    easel = make()
    easel.hover(20, 20)
    easel.check_bounds()
    easel.tool.left()
    easel.check_bounds(visible=False)


def test_changes_are_told(qapp, qtbot):
    easel = make()
    for act in (
        lambda: easel.hover(20, 20),
        lambda: easel.tool.set_size(30),
        lambda: easel.studio.change(symmetric=True),
        lambda: easel.studio.set_axis(Mirror(10, 10)),
        lambda: easel.press(20, 20),
        lambda: easel.move(30, 20),
        lambda: easel.release(30, 20),
        lambda: easel.press(20, 20, alt=True),
        lambda: easel.release(20, 20),
        lambda: easel.tool.left(),
    ):
        with qtbot.waitSignal(easel.tool.changed, timeout=100):
            act()


def test_bounds_are_tight(qapp):
    easel = make(brush_size=10)
    easel.hover(30, 25)
    bounds = easel.tool.bounds(easel.view)
    assert bounds.width() <= 80 + 30 and bounds.height() <= 80 + 30
