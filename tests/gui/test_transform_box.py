"""The transform tool: how box, handles, outlines and cursors show, and where handles can be taken hold of."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QTransform

from app.document import MaskDocument
from app.tools.transform_box import PAD, Grip, outline_of
from engine.mask.fills import Fill
from tests.gui.easel import UPRIGHT
from tests.gui.transforming import HAIR, VIEWS, box_of, easel, face, picked, place_of, pull, turner

pytestmark = pytest.mark.usefixtures("qapp")


@VIEWS
@pytest.mark.parametrize("warp", [False, True])
def test_what_is_drawn_lies_within_the_bounds(view, warp):
    canvas = easel(view * QTransform.fromTranslate(20, 0), warp=warp)
    canvas.check_bounds(visible=False)
    canvas.hover(35, 23)
    canvas.check_bounds()
    canvas.click(35, 23)
    canvas.check_bounds()
    if warp:
        pull(canvas, Grip("bend", 0, 0), -5, -3)
        pull(canvas, Grip("bend", 2, 1), 6, 3)
    else:
        pull(canvas, Grip("scale", 1, 1), 5, 7)
        x, y = place_of(canvas, turner(canvas))
        canvas.drag((x, y), (x + 4, y + 1))
    canvas.check_bounds()
    canvas.tool.escape()
    canvas.double(55, 35)
    canvas.check_bounds()
    canvas.tool.escape()
    canvas.hover(1, 1)
    canvas.check_bounds(visible=False)


def test_the_outline_of_what_a_press_would_pick_follows_the_cursor(qtbot):
    canvas = easel()
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.hover(35, 23)
    outline = canvas.tool.bounds(UPRIGHT)
    assert outline.contains(UPRIGHT.mapRect(QRectF(30, 20, 10, 6))) and outline.width() < 80 + 20
    with qtbot.assertNotEmitted(canvas.tool.changed):
        canvas.hover(36, 24)
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.hover(50, 30)
    assert canvas.tool.bounds(UPRIGHT).width() > 400
    with qtbot.waitSignal(canvas.tool.changed, timeout=0):
        canvas.tool.left()
    assert canvas.tool.bounds(UPRIGHT).isEmpty()


def test_an_outline_goes_when_the_mask_changes():
    canvas = easel()
    canvas.hover(35, 23)
    canvas.editor.perform(Fill(HAIR, 35, 23))
    canvas.check_bounds(visible=False)
    canvas.hover(35, 23)
    canvas.check_bounds()


def test_an_outline_runs_along_the_edges_of_the_pixels():
    shape = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], bool)
    path = outline_of(shape, 10, 20)
    assert path.boundingRect() == QRectF(10, 20, 3, 3)
    length = sum(
        math.hypot(path.elementAt(k + 1).x - path.elementAt(k).x, path.elementAt(k + 1).y - path.elementAt(k).y)
        for k in range(0, path.elementCount(), 2)
    )
    assert length == 4 * 3 + 4  # around all of it, in and out of the gap at the corner, and around the hole
    assert outline_of(np.zeros((2, 2), bool), 0, 0).isEmpty()


def test_handles_can_be_told_apart_however_small_a_part_is():
    canvas = easel(QTransform.fromScale(1.5, 1.5))
    labels = face()
    labels[10, 10] = HAIR
    canvas.editor.document = MaskDocument(labels)
    canvas.click(10.5, 10.5)
    handles = box_of(canvas).handles(canvas.view)
    assert {(grip.i, grip.j) for grip in handles if grip.kind == "scale"} == {(-1, -1), (-1, 1), (1, -1), (1, 1)}
    assert box_of(canvas).grip_at(canvas.hand(10.5, 10.5)) == Grip("move")
    canvas.drag((10.5, 10.5), (14.5, 10.5))
    assert canvas.labels[10, 14] == HAIR
    corner = handles[Grip("scale", 1, 1)] - handles[Grip("scale", -1, -1)]
    assert corner.x() == pytest.approx(30) and corner.y() == pytest.approx(30)


def test_the_box_lies_a_little_outside():
    canvas = picked()
    at = box_of(canvas).handles(UPRIGHT)[Grip("scale", -1, -1)]
    assert at == UPRIGHT.map(QPointF(30, 20)) - QPointF(PAD, PAD)


@pytest.mark.parametrize(
    "view, i, j, cursor",
    [
        (UPRIGHT, 1, 0, Qt.CursorShape.SizeHorCursor),
        (UPRIGHT, 0, -1, Qt.CursorShape.SizeVerCursor),
        (UPRIGHT, -1, -1, Qt.CursorShape.SizeFDiagCursor),
        (UPRIGHT, 1, -1, Qt.CursorShape.SizeBDiagCursor),
        (UPRIGHT * QTransform().rotate(90), 1, 0, Qt.CursorShape.SizeVerCursor),
        (UPRIGHT * QTransform().rotate(45), 1, 0, Qt.CursorShape.SizeFDiagCursor),
        (QTransform.fromScale(-8, 8), 1, 1, Qt.CursorShape.SizeBDiagCursor),
    ],
)
def test_cursors_point_where_the_handles_go_as_seen(view, i, j, cursor):
    canvas = picked(view)
    canvas.hover(*place_of(canvas, Grip("scale", i, j)))
    assert canvas.tool.cursor() == cursor


def test_cursors_elsewhere():
    canvas = picked()
    assert canvas.tool.cursor() == Qt.CursorShape.SizeAllCursor
    x, y = place_of(canvas, turner(canvas))
    canvas.hover(x, y)
    assert canvas.tool.cursor() == Qt.CursorShape.OpenHandCursor
    canvas.press(x, y)
    assert canvas.tool.cursor() == Qt.CursorShape.ClosedHandCursor
    canvas.release(x, y)
    canvas.hover(1, 1)
    assert canvas.tool.cursor() == Qt.CursorShape.ArrowCursor
    canvas.tool.left()
    assert canvas.tool.cursor() == Qt.CursorShape.ArrowCursor


@VIEWS
def test_handles_are_taken_within_eight_screen_pixels(view):
    canvas = picked(view)
    at = box_of(canvas).handles(view)[Grip("scale", 1, 1)]
    away = at - view.map(QPointF(35, 23))
    away /= math.hypot(away.x(), away.y())
    for distance, found in ((0, True), (7.9, True), (8.1, False)):
        place = view.inverted()[0].map(at + away * distance)
        grip = box_of(canvas).grip_at(canvas.hand(place.x(), place.y()))
        assert (grip == Grip("scale", 1, 1)) == found and (grip is None) != found
