"""The minimap: when it is there, what it outlines, and where it takes the view."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF
from PySide6.QtGui import QEnterEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.minimap import FADE_MS, LONGER_SIDE, Minimap
from tests.gui.hands import LEFT, MOVE, NONE, PRESS, RELEASE, Brush, half_skin, send_pen, shown_canvas, turn_wheel

RED, BLUE = (220, 40, 30), (30, 60, 220)


@pytest.fixture
def canvas(qtbot):
    """Return a shown canvas over a picture that is red on its left and blue on its right."""
    canvas = shown_canvas(qtbot, half_skin(), (460, 420))
    pixels = np.zeros((512, 512, 3), np.uint8)
    pixels[:, :256], pixels[:, 256:] = RED, BLUE
    canvas.set_image(pixels)
    return canvas


@pytest.fixture
def minimap(canvas):
    return canvas.findChild(Minimap)


def zoom(qtbot, canvas, scale=3.0):
    """Zoom in and wait until the minimap is there."""
    minimap = canvas.findChild(Minimap)
    canvas.view.set_scale(scale)
    qtbot.waitUntil(lambda: minimap.isVisible())
    qtbot.wait(FADE_MS + 100)


def on_map(minimap, canvas, x, y):
    """Return where the minimap shows a place of the mask."""
    inside = QRectF(minimap.rect()).adjusted(3, 3, -3, -3)
    if canvas.view.flipped:
        x = 512 - x
    return QPointF(inside.left() + x / 512 * inside.width(), inside.top() + y / 512 * inside.height())


def brightness(image, at):
    return sum(image.pixelColor(at.toPoint()).getRgb()[:3])


def test_comes_when_the_picture_is_cut_off_and_goes_when_it_is_not(qtbot, canvas, minimap):
    assert not minimap.isVisible()
    zoom(qtbot, canvas)
    assert minimap.wanted and max(minimap.width(), minimap.height()) <= LONGER_SIDE + 6
    assert canvas.rect().contains(minimap.geometry())
    assert minimap.geometry().center().x() > 230 and minimap.geometry().center().y() > 210
    canvas.view.fit()
    assert not minimap.wanted
    qtbot.waitUntil(lambda: not minimap.isVisible())
    # As long as nearly all is seen, one needs no map.
    canvas.view.rotate_by(15)
    canvas.view.pan(5, 5)
    assert not minimap.wanted
    canvas.view.pan(200, 0)
    assert minimap.wanted


def test_can_be_switched_off(qtbot, canvas, minimap):
    assert canvas.minimap_on
    zoom(qtbot, canvas)
    canvas.set_minimap(False)
    qtbot.waitUntil(lambda: not minimap.isVisible())
    assert not canvas.minimap_on
    canvas.view.set_scale(9)
    assert not minimap.wanted
    canvas.set_minimap(True)
    qtbot.waitUntil(lambda: minimap.isVisible())


def test_without_a_picture_there_is_none(qtbot, canvas, minimap):
    zoom(qtbot, canvas)
    canvas.set_image(None)
    qtbot.waitUntil(lambda: not minimap.isVisible())


@pytest.mark.parametrize("rotation", [0, 40, -90])
@pytest.mark.parametrize("flipped", [False, True])
def test_outlines_what_is_seen(qtbot, canvas, minimap, rotation, flipped):
    if flipped:
        canvas.view.flip()
    canvas.view.set_rotation(rotation)
    zoom(qtbot, canvas, 2.2)
    canvas.view.look_at(QPointF(200, 300))
    shown = minimap.grab().toImage()
    tested = {True: 0, False: 0}
    for x in range(30, 512, 60):
        for y in range(30, 512, 60):
            place = canvas.to_screen().map(QPointF(x, y))
            whole = QRectF(canvas.rect())
            seen = whole.adjusted(40, 40, -40, -40).contains(place)
            if not seen and whole.adjusted(-40, -40, 40, 40).contains(place):
                # Near the outline, or on it.
                continue
            tested[seen] += 1
            colour = np.array(shown.pixelColor(on_map(minimap, canvas, x, y).toPoint()).getRgb()[:3])
            expected = np.array(RED if x < 256 else BLUE) * (1.0 if seen else 1 - 120 / 255)
            assert np.abs(colour - expected).max() <= 6
    assert tested[True] > 2 and tested[False] > 20


def test_the_outline_follows(qtbot, canvas, minimap):
    zoom(qtbot, canvas, 4.0)
    for x, y in ((100, 100), (400, 380)):
        canvas.view.look_at(QPointF(x, y))
        shown = minimap.grab().toImage()
        half = 460 / 2 / 4.0
        edge = on_map(minimap, canvas, x - half, y)
        # A light line on the left edge of what is seen.
        assert max(brightness(shown, edge + QPointF(step, 0)) for step in (-1, 0, 1)) > 600


@pytest.mark.parametrize("flipped", [False, True])
def test_a_drag_of_the_outline_pans_without_a_jump(qtbot, canvas, minimap, flipped):
    if flipped:
        canvas.view.flip()
    zoom(qtbot, canvas, 3.0)
    grip = on_map(minimap, canvas, 256 + 20, 256 - 10).toPoint()
    QTest.mousePress(minimap, LEFT, pos=grip)
    assert canvas.view.centre == QPointF(256, 256)
    QTest.mouseMove(minimap, grip + QPoint(20, -10))
    QTest.mouseRelease(minimap, LEFT, pos=grip + QPoint(20, -10))
    per_pixel = 512 / (minimap.width() - 6)
    sign = -1 if flipped else 1
    assert canvas.view.centre.x() == pytest.approx(256 + sign * 20 * per_pixel)
    assert canvas.view.centre.y() == pytest.approx(256 - 10 * per_pixel)
    QTest.mouseMove(minimap, grip)
    assert canvas.view.centre.y() == pytest.approx(256 - 10 * per_pixel)


def test_a_press_elsewhere_goes_there(qtbot, canvas, minimap):
    zoom(qtbot, canvas, 4.0)
    QTest.mouseClick(minimap, LEFT, pos=on_map(minimap, canvas, 60, 440).toPoint())
    assert canvas.view.centre.x() == pytest.approx(60, abs=4)
    assert canvas.view.centre.y() == pytest.approx(440, abs=4)


def test_a_pen_drags_it_and_does_not_draw_below(qtbot, canvas, minimap):
    brush = Brush(canvas, None)
    canvas.set_tool(brush)
    zoom(qtbot, canvas, 4.0)
    at = on_map(minimap, canvas, 60, 440).toPoint()
    assert send_pen(minimap, PRESS, at)
    assert send_pen(minimap, MOVE, at + QPoint(10, 0))
    assert send_pen(minimap, RELEASE, at + QPoint(10, 0), buttons=NONE)
    assert canvas.view.centre.x() == pytest.approx(60 + 10 * 512 / (minimap.width() - 6), abs=4)
    assert "press" not in brush.told


def test_the_wheel_zooms(qtbot, canvas, minimap):
    zoom(qtbot, canvas, 4.0)
    turn_wheel(minimap, 120)
    assert canvas.view.scale == pytest.approx(5.0)


def test_the_canvas_loses_the_cursor_to_it(qtbot, canvas, minimap):
    brush = Brush(canvas, None)
    canvas.set_tool(brush)
    zoom(qtbot, canvas)
    QTest.mouseMove(canvas, QPoint(50, 50))
    with qtbot.waitSignal(canvas.left):
        place = QPointF(5, 5)
        QApplication.sendEvent(minimap, QEnterEvent(place, place, minimap.mapToGlobal(place)))
    assert brush.at is None


def test_keeps_its_corner_and_is_small_on_a_small_canvas(qtbot, canvas, minimap):
    zoom(qtbot, canvas)
    canvas.resize(200, 300)
    QApplication.processEvents()
    assert canvas.rect().contains(minimap.geometry())
    assert minimap.width() < 90
    assert minimap.geometry().right() > 180 and minimap.geometry().bottom() > 280
