"""The tools that draw outlines: freehand and corner by corner, along edges, and what closes or takes them back."""

from itertools import pairwise
from typing import ClassVar

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF

from app.document import MaskDocument
from app.tools.lasso import ANCHOR_AFTER, LassoTool, PolygonTool
from engine.mask.fills import Area
from engine.mask.steps import Entry, done, read_step
from resources.labels import BY_NAME
from tests.gui.easel import FLIPPED, HAT, HEIGHT, TURNED, UPRIGHT, WIDTH, Easel, box, hats, make, start

SKIN, HAIR, L_EYE = (BY_NAME[name].id for name in ("skin", "hair", "l_eye"))
VIEWS = [UPRIGHT, TURNED, FLIPPED]


def area(points) -> np.ndarray:
    """Return the pixels within a polygon, bool (H, W)."""
    work = np.zeros((HEIGHT, WIDTH), np.uint8)
    Area(1, np.array(points, np.float32), "polygon").draw(MaskDocument(work).ground, work, 0)
    return work == 1


# Lasso

PATH = [(8.0, 4.0), (30.0, 5.5), (33.0, 20.0), (20.0, 14.0), (6.0, 24.0)]


def test_lasso_fills_what_is_drawn_around(qapp):
    easel = make(LassoTool)
    easel.press(*PATH[0])
    for place in PATH[1:]:
        easel.move(*place)
        assert easel.edits == 0
    np.testing.assert_array_equal(hats(easel), area(PATH))
    easel.release(*PATH[-1])
    assert easel.edits == 1
    np.testing.assert_array_equal(hats(easel), area(PATH))


def test_lasso_leaves_out_places_that_are_closer_than_it_can_be_seen(qapp):
    easel = make(LassoTool)
    easel.press(5, 5)
    for step in range(200):
        easel.move(5 + step * 0.001, 5)
    outline = easel.tool.outline()
    assert outline is not None and len(outline) == 1


def test_lasso_can_be_done_again_from_a_file(qapp):
    easel = make(LassoTool)
    easel.drag(*PATH)
    edit, document = easel.editor.last_edit, easel.editor.document
    assert edit is not None and document is not None
    easel.editor.undo()
    again = done(document.ground, Entry(read_step(edit.entry.step.data())))
    easel.editor.redo()
    np.testing.assert_array_equal(again, easel.labels)


class FakeTracer:
    """Goes along the row of its anchor first, then along the column of its end."""

    made: ClassVar[list["FakeTracer"]] = []

    def __init__(self, pixels):
        self.pixels, self.anchors, self.at = pixels, [], (0.0, 0.0)
        self.made.append(self)

    def anchor(self, x, y):
        self.at = (x, y)
        self.anchors.append((x, y))

    def path_to(self, x, y):
        height, width = self.pixels.shape[:2]
        x, y = min(max(x, 0), width), min(max(y, 0), height)
        corner = np.linspace(self.at, (x, self.at[1]), 9)
        return np.concatenate([corner, np.linspace((x, self.at[1]), (x, y), 9)]).astype(np.float32)


@pytest.fixture
def tracers(monkeypatch):
    FakeTracer.made = []
    monkeypatch.setattr("engine.mask.edges.EdgeTracer", FakeTracer)
    return FakeTracer.made


def test_lasso_keeps_to_edges(qapp, tracers):
    easel = make(LassoTool, snap=True)
    easel.drag((10, 5), (14, 9))
    # Along the upper side and the right one, and straight back.
    np.testing.assert_array_equal(hats(easel), area([(10, 5), (14, 5), (14, 9)]))


def test_lasso_settles_what_lies_behind_the_hand(qapp, tracers):
    easel = make(LassoTool, snap=True)
    easel.press(2, 2)
    for x in np.arange(3, 38, 1.0):
        easel.move(x, 2)
    reach = ANCHOR_AFTER / 8
    anchors = tracers[0].anchors
    assert len(anchors) > 35 / reach and anchors[0] == (2, 2)
    assert all(y == 2 for _, y in anchors) and (np.diff([x for x, _ in anchors]) > 1).all()
    for y in np.arange(3, 28, 1.0):
        easel.move(37, y)
    easel.release(37, 27)
    # A way that was found anew from its beginning would have come out the same here; but not had it been lost.
    np.testing.assert_array_equal(hats(easel), area([(2, 2), (37, 2), (37, 27)]))
    assert len(tracers) == 1
    easel.drag((2, 2), (9, 9))
    assert len(tracers) == 1
    easel.editor.document = MaskDocument(start())
    easel.drag((2, 2), (9, 9))
    assert len(tracers) == 2


def test_lasso_that_snaps_reaches_a_hand_outside_the_picture(qapp, tracers):
    easel = make(LassoTool, snap=True)
    easel.press(30, 5)
    easel.move(60, 10)
    outline = easel.tool.outline()
    assert outline is not None and outline[-1].tolist() == [60, 10]
    easel.release(60, 10)


def test_lasso_goes_on_freely_when_snapping_is_turned_off(qapp, tracers):
    easel = make(LassoTool, snap=True)
    easel.press(10, 5)
    easel.move(14, 9)
    easel.studio.change(snap=False)
    easel.move(8, 12)
    easel.release(8, 12)
    np.testing.assert_array_equal(hats(easel), area([(10, 5), (14, 5), (14, 9), (8, 12)]))


def test_lasso_and_polygon_find_real_edges(qapp):
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    pixels[8:22, 10:30] = 220
    for kind in (LassoTool, PolygonTool):
        easel = make(kind, snap=True, pixels=pixels)
        if kind is LassoTool:
            corners = [(10, 8), (20, 8), (30, 8), (30, 15), (30, 22), (20, 22), (10, 22), (10, 15), (10, 9)]
            easel.drag(*((x, y) for x, y in corners))
        else:
            for corner in ((10, 8), (30, 8), (30, 22), (10, 22)):
                easel.click(*corner)
            easel.tool.enter()
        assert (hats(easel) != box(10, 8, 30, 22)).sum() < 60


# Polygon

CORNERS = [(5.0, 4.0), (30.0, 6.0), (26.0, 22.0)]


def polygon(*corners, **options) -> Easel[PolygonTool]:
    easel = make(PolygonTool, **options)
    for corner in corners or CORNERS:
        easel.click(*corner)
    return easel


def test_polygon_shows_with_the_cursor_as_its_next_corner(qapp):
    easel = make(PolygonTool)
    easel.click(5, 4)
    easel.hover(20, 4)
    assert not hats(easel).any() and not easel.tool.resting
    easel.click(30, 6)
    easel.hover(26, 22)
    np.testing.assert_array_equal(hats(easel), area(CORNERS))
    easel.hover(10, 25)
    np.testing.assert_array_equal(hats(easel), area([*CORNERS[:2], (10, 25)]))
    # What would be kept now, since there is no next corner.
    easel.tool.left()
    assert not hats(easel).any() and easel.edits == 0


def test_enter_closes_the_polygon_without_the_cursor(qapp):
    easel = polygon()
    easel.hover(3, 27)
    assert easel.tool.enter() and easel.tool.resting and easel.edits == 1
    np.testing.assert_array_equal(hats(easel), area(CORNERS))
    assert not easel.tool.enter()
    easel.editor.undo()
    np.testing.assert_array_equal(easel.labels, start())


def test_double_click_closes_the_polygon_at_its_last_corner(qapp):
    easel = polygon(*CORNERS[:2])
    easel.double(*CORNERS[2])
    assert easel.edits == 1 and easel.tool.resting
    np.testing.assert_array_equal(hats(easel), area(CORNERS))


def test_click_on_the_first_corner_closes_the_polygon(qapp):
    easel = polygon()
    easel.hover(5.5, 4.5)
    np.testing.assert_array_equal(hats(easel), area(CORNERS))
    easel.click(5.5, 4.5)
    assert easel.edits == 1 and easel.tool.resting
    np.testing.assert_array_equal(hats(easel), area(CORNERS))
    # Some click twice.
    easel.double(5.5, 4.5)
    assert easel.edits == 1


def test_first_corner_does_not_close_what_encloses_nothing(qapp):
    easel = polygon(*CORNERS[:2])
    easel.click(5.5, 4.5)
    assert not easel.tool.resting and easel.edits == 0
    assert len(easel.tool.corners) == 3


def test_corner_is_set_where_the_button_goes_up(qapp):
    easel = polygon(*CORNERS[:2])
    easel.press(1, 1)
    easel.move(*CORNERS[2])
    np.testing.assert_array_equal(hats(easel), area(CORNERS))
    easel.release(*CORNERS[2])
    assert easel.tool.corners == CORNERS


def test_backspace_takes_corners_back(qapp):
    easel = polygon(*CORNERS, (6, 26))
    easel.hover(3, 27)
    assert easel.tool.backspace()
    np.testing.assert_array_equal(hats(easel), area([*CORNERS, (3, 27)]))
    easel.tool.left()
    assert easel.tool.backspace() and easel.tool.corners == CORNERS[:2]
    np.testing.assert_array_equal(easel.labels, start())
    assert easel.tool.backspace() and not easel.tool.resting
    assert easel.tool.backspace() and easel.tool.resting
    assert not easel.tool.backspace() and easel.edits == 0


def test_escape_gives_the_polygon_up(qapp):
    easel = polygon()
    assert easel.tool.escape() and easel.tool.resting and not easel.tool.escape()
    np.testing.assert_array_equal(easel.labels, start())
    assert easel.edits == 0
    easel.check_bounds(visible=False)


def test_escape_while_the_button_is_down(qapp):
    easel = polygon()
    easel.press(3, 20)
    easel.tool.escape()
    easel.release(3, 20)
    assert easel.tool.resting and not easel.tool.corners


@pytest.mark.parametrize("count, edits", [(1, 0), (2, 0), (3, 1)])
@pytest.mark.parametrize("way", ["finish", "enter"])
def test_finished_polygon_is_kept_if_it_encloses_something(qapp, count, edits, way):
    easel = polygon(*CORNERS[:count])
    easel.hover(3, 27)
    getattr(easel.tool, way)()
    assert easel.tool.resting and easel.edits == edits
    assert hats(easel).sum() == (area(CORNERS).sum() if edits else 0)


def test_undo_takes_the_polygon_back(qapp):
    easel = polygon()
    easel.hover(3, 27)
    easel.editor.undo()
    assert easel.tool.resting
    np.testing.assert_array_equal(easel.labels, start())
    easel.hover(4, 20)
    np.testing.assert_array_equal(easel.labels, start())


def test_double_click_that_encloses_nothing_is_a_corner(qapp):
    easel = make(PolygonTool)
    easel.double(5, 5)
    assert len(easel.tool.corners) == 1 and not easel.tool.resting


@pytest.mark.parametrize("view", VIEWS)
def test_shift_keeps_a_side_to_steps_of_45_degrees_of_the_screen(qapp, view):
    easel = make(PolygonTool, view=view)
    easel.click(10, 10, shift=True)
    for place in ((30, 13), (25, 27), (11, 29), (2, 8)):
        easel.click(*place, shift=True)
    corners = [view.map(QPointF(*corner)) for corner in easel.tool.corners]
    for one, other in pairwise(corners):
        away = other - one
        turn = np.degrees(np.arctan2(away.y(), away.x())) / 45
        assert abs(turn - round(turn)) < 0.02
    assert easel.tool.corners[0] == (10, 10)
    # It goes as far as the hand in that direction, not to somewhere else.
    assert (corners[1] - view.map(QPointF(30, 13))).manhattanLength() < 80


def test_sides_of_a_polygon_keep_to_edges(qapp, tracers):
    easel = polygon((10, 5), (20, 9), snap=True)
    easel.hover(12, 16)
    way = [(10, 5), (20, 5), (20, 9), (12, 9), (12, 16)]
    np.testing.assert_array_equal(hats(easel), area(way))
    easel.click(12, 16)
    easel.tool.enter()
    # The last side, too: along the row and then up the column.
    np.testing.assert_array_equal(hats(easel), area([*way, (10, 16)]))


def test_shift_draws_a_straight_side_in_spite_of_edges(qapp, tracers):
    easel = polygon((10, 5), snap=True)
    easel.click(20, 15, shift=True)
    easel.hover(10, 15, shift=True)
    np.testing.assert_array_equal(hats(easel), area([(10, 5), (20, 15), (10, 15)]))


def test_backspace_finds_edges_from_the_corner_before(qapp, tracers):
    easel = polygon((10, 5), (20, 9), (12, 16), snap=True)
    easel.hover(12, 16)
    easel.tool.backspace()
    np.testing.assert_array_equal(hats(easel), area([(10, 5), (20, 5), (20, 9), (12, 9), (12, 16)]))


@pytest.mark.parametrize("view", VIEWS)
def test_polygon_lies_within_its_bounds(qapp, view):
    easel = polygon(view=view)
    easel.hover(8, 25)
    easel.check_bounds()
    easel.hover(5, 4)
    easel.check_bounds()


def test_dashes_march_only_while_there_is_a_polygon(qapp, qtbot):
    easel = make(PolygonTool)
    changes = []
    easel.tool.changed.connect(lambda: changes.append(1))
    easel.click(5, 5)
    easel.click(20, 5)
    before = easel.painted()
    changes.clear()
    qtbot.waitUntil(lambda: len(changes) >= 2, timeout=5000)
    assert easel.painted().any() and before.any()
    easel.tool.escape()
    changes.clear()
    qtbot.wait(300)
    assert not changes


def test_polygon_follows_the_painted_class(qapp):
    easel = polygon()
    easel.hover(8, 25)
    easel.studio.set_label(L_EYE)
    assert (easel.labels == L_EYE).any() and not (easel.labels == HAT).any()


def test_large_area_is_clipped_to_the_mask(qapp):
    easel = make(LassoTool)
    easel.drag((-50, -50), (90, -50), (90, 90), (-50, 90))
    assert hats(easel).all()
    assert easel.tool.bounds(UPRIGHT) == QRectF()
