"""The canvas: what mouse, pen, wheel and keys do there, and where it lands in the mask."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from app.canvas import MaskCanvas
from app.view import ViewModel
from resources.labels import LABELS
from tests.gui.hands import (
    CONTROL,
    ERASER,
    LEFT,
    MIDDLE,
    MOVE,
    NONE,
    PEN,
    PRESS,
    RELEASE,
    SHIFT,
    Brush,
    colour_at,
    hover_pen,
    place_on,
    send_pen,
    turn_wheel,
)


@pytest.mark.parametrize("scale", [None, 0.3, 1.0, 3.7, 16.0, 64.0])
@pytest.mark.parametrize(("rotation", "flipped"), [(0, False), (90, False), (30, True)])
def test_press_lands_where_it_is_seen(canvas, brush, scale, rotation, flipped):
    view = canvas.view
    view.set_rotation(rotation)
    if flipped:
        view.flip()
    if scale is not None:
        view.set_scale(scale)
    view.pan(7, -5)
    for at in (QPoint(200, 150), QPoint(3, 290)):
        brush.hands.clear()
        QTest.mouseClick(canvas, LEFT, pos=at)
        hand = brush.hands[0]
        # As it is seen: turned back and flipped back, from the middle of the pane.
        angle = np.deg2rad(view.rotation)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        offset = turn @ ((np.array([at.x(), at.y()]) - [200, 150]) / view.scale)
        offset[0] *= -1 if view.flipped else 1
        assert [hand.x, hand.y] == pytest.approx([view.centre.x() + offset[0], view.centre.y() + offset[1]])
        assert canvas.to_screen().map(QPointF(hand.x, hand.y)).toPoint() == at
        assert hand.at.toPoint() == at and hand.scale == view.scale and hand.pressure == 1.0 and not hand.pen


def test_drag_paints_and_ends(canvas, brush, document):
    start, end = place_on(canvas, 100, 100), place_on(canvas, 140, 120)
    QTest.mousePress(canvas, LEFT, pos=start)
    QTest.mouseMove(canvas, end)
    assert canvas.dragging
    QTest.mouseRelease(canvas, LEFT, pos=end)
    assert not canvas.dragging
    assert brush.told == ["press", "move", "release"]
    # Told of before each of them.
    assert [(hand.x, hand.y) for hand in brush.hovered[-2:]] == brush.places[:2]
    assert document.labels[100, 100] == document.labels[110, 120] == document.labels[120, 140] == 13
    assert colour_at(canvas, 110, 105) == LABELS[13].rgb


def test_a_second_click_is_a_double_one(canvas, brush):
    QTest.mouseClick(canvas, LEFT, pos=QPoint(200, 150))
    QTest.mouseDClick(canvas, LEFT, pos=QPoint(200, 150))
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(200, 150))
    assert brush.told.count("double") == 1
    assert brush.told.count("press") == brush.told.count("release")


def test_every_move_counts_in_a_drag(canvas, brush):
    compressed = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
    before = QApplication.testAttribute(compressed)
    QTest.mousePress(canvas, LEFT, pos=QPoint(100, 100))
    assert not QApplication.testAttribute(compressed)
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(100, 100))
    assert QApplication.testAttribute(compressed) == before


def test_other_buttons_and_a_canvas_without_a_mask_tell_nothing(canvas, brush):
    QTest.mouseClick(canvas, Qt.MouseButton.RightButton, pos=QPoint(200, 150))
    canvas.set_labels(None)
    QTest.mouseClick(canvas, LEFT, pos=QPoint(200, 150))
    assert brush.told == []
    canvas.set_tool(None)
    QTest.mouseClick(canvas, LEFT, pos=QPoint(200, 150))


@pytest.mark.parametrize("with_space", [False, True])
def test_pans(canvas, brush, with_space):
    button = LEFT if with_space else MIDDLE
    canvas.view.set_scale(2.0)
    before = canvas.view.centre
    if with_space:
        QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, button, pos=QPoint(100, 100))
    QTest.mouseMove(canvas, QPoint(120, 90))
    # The ring does not go along, as if it were part of the picture.
    assert brush.at is None
    QTest.mouseRelease(canvas, button, pos=QPoint(120, 90))
    if with_space:
        QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert (canvas.view.centre.x(), canvas.view.centre.y()) == (before.x() - 10, before.y() + 5)
    assert not canvas.panning
    assert "press" not in brush.told
    assert brush.at == QPointF(120, 90)


def test_escape_cancels(canvas, brush, document):
    QTest.mousePress(canvas, LEFT, pos=QPoint(200, 150))
    assert document.changed
    QTest.keyPress(canvas, Qt.Key.Key_Escape)
    QTest.mouseMove(canvas, QPoint(230, 150))
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(230, 150))
    assert brush.told == ["press", "escape", "release"]
    assert not document.changed and document.trying is None


@pytest.mark.parametrize("device", ["mouse", "pen"])
@pytest.mark.parametrize("lose", ["focus", "hidden", "labels", "tool"])
def test_a_drag_that_is_cut_off_ends_once(canvas, brush, document, lose, device):
    at = QPoint(200, 150)
    if device == "mouse":
        QTest.mousePress(canvas, LEFT, pos=at)
    else:
        send_pen(canvas, PRESS, at)
    if lose == "focus":
        other = QLineEdit(canvas)
        other.show()
        other.setFocus()
    elif lose == "hidden":
        canvas.hide()
    elif lose == "labels":
        canvas.set_labels(document.labels)
    else:
        canvas.set_tool(Brush(canvas, document))
    ends = [name for name in brush.told if name not in ("finish", "left")]
    assert ends == ["press", "escape", "release"] if lose == "labels" else ["press", "release"]
    assert ("finish" in brush.told) == (lose == "hidden")
    if device == "mouse":
        QTest.mouseRelease(canvas, LEFT, pos=at)
    else:
        send_pen(canvas, RELEASE, at, buttons=NONE)
    assert brush.told.count("release") == 1 and document.trying is None


def test_a_drag_that_leaves_the_canvas_goes_on(canvas, brush):
    QTest.mousePress(canvas, LEFT, pos=QPoint(200, 150))
    QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    canvas.hide()
    assert brush.told[:2] == ["press", "release"]


def test_hover_and_leave(qtbot, canvas, brush):
    QTest.mouseMove(canvas, QPoint(10, 10))
    with qtbot.waitSignal(canvas.hovered) as caught:
        QTest.mouseMove(canvas, place_on(canvas, 256, 256))
    assert caught.args == pytest.approx([256, 256], abs=2)
    assert [brush.hovered[-1].x, brush.hovered[-1].y] == caught.args
    with qtbot.waitSignal(canvas.left):
        QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))
    assert brush.told == ["left"]


def test_the_place_under_a_still_cursor_follows_the_view(canvas, brush):
    QTest.mouseMove(canvas, QPoint(310, 200))
    canvas.view.zoom_about(QPointF(0, 0), 2)
    hand = brush.hovered[-1]
    assert hand.at == QPointF(310, 200) and hand.scale == canvas.view.scale
    assert canvas.to_screen().map(QPointF(hand.x, hand.y)).toPoint() == QPoint(310, 200)


def test_modifier_keys_are_told_while_the_cursor_rests(canvas, brush):
    QTest.mouseMove(canvas, QPoint(200, 150))
    plain = brush.hovered[-1]
    assert not (plain.shift or plain.control or plain.alt)
    for key, held, name in (
        (Qt.Key.Key_Shift, SHIFT, "shift"),
        (Qt.Key.Key_Control, CONTROL, "control"),
        (Qt.Key.Key_Alt, Qt.KeyboardModifier.AltModifier, "alt"),
    ):
        QTest.keyPress(canvas, key)
        assert brush.hovered[-1] == replace(plain, **{name: True})
        QTest.keyRelease(canvas, key, held)
        assert brush.hovered[-1] == plain
    QTest.mouseClick(canvas, LEFT, SHIFT, QPoint(200, 150))
    assert brush.hands[0].shift and not brush.hands[0].control


# The pen


def test_a_pen_presses_as_it_is_pressed(canvas, brush, document):
    assert send_pen(canvas, PRESS, QPoint(100, 150), 0.25)
    assert send_pen(canvas, MOVE, QPoint(140, 150), 0.75)
    # Some desktops send the mouse's events as well.
    QTest.mouseMove(canvas, QPoint(300, 20))
    QTest.mousePress(canvas, LEFT, pos=QPoint(300, 20))
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(300, 20))
    assert send_pen(canvas, RELEASE, QPoint(140, 150), 0.0, NONE)
    assert brush.told == ["press", "move", "release"]
    assert [hand.pressure for hand in brush.hands] == [0.25, 0.75, 0.75]
    assert all(hand.pen for hand in brush.hands)
    # A pen that is held above shows how large it can be.
    canvas.view.rotate_by(15)
    assert brush.hovered[-1].pressure == 1.0 and brush.hovered[-1].to_screen == canvas.to_screen()
    assert not canvas.dragging and document.changed


def test_a_pen_that_was_lifted_elsewhere_ends_its_drag(canvas, brush):
    send_pen(canvas, PRESS, QPoint(100, 150))
    hover_pen(canvas, QPoint(120, 150))
    assert brush.told == ["press", "release"]


def test_a_pen_taps_twice(canvas, brush):
    for at in (QPoint(100, 150), QPoint(104, 148), QPoint(103, 149), QPoint(300, 149)):
        send_pen(canvas, PRESS, at)
        send_pen(canvas, RELEASE, at, buttons=NONE)
    assert brush.told == ["press", "release", "double", *["press", "release"] * 3]


def test_what_a_pen_does_besides_is_the_mouses(canvas, brush):
    assert not send_pen(canvas, MOVE, QPoint(100, 150), 0.0, NONE)
    assert not send_pen(canvas, PRESS, QPoint(100, 150), 1.0, MIDDLE, button=MIDDLE)
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert not send_pen(canvas, PRESS, QPoint(100, 150))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert "press" not in brush.told


def test_the_other_end_of_a_pen_is_told(canvas, brush):
    ends = []
    canvas.eraser.connect(ends.append)
    for pointer in (PEN, ERASER, ERASER, PEN):
        send_pen(canvas, PRESS, QPoint(100, 150), pointer=pointer)
        send_pen(canvas, RELEASE, QPoint(100, 150), buttons=NONE, pointer=pointer)
    assert ends == [True, False]
    send_pen(canvas, PRESS, QPoint(100, 150), pointer=ERASER)
    send_pen(canvas, RELEASE, QPoint(100, 150), buttons=NONE, pointer=ERASER)
    QTest.mouseMove(canvas, QPoint(50, 50))
    assert ends == [True, False, True, False]
    hover_pen(canvas, QPoint(60, 50), ERASER)
    assert ends[4:] == [True] and brush.hovered[-1].pen and brush.hovered[-1].pressure == 1.0


# The wheel and the keyboard


def test_wheel_steps_the_brush_and_control_zooms(canvas):
    steps = []
    canvas.brush_step.connect(steps.append)
    scale = canvas.view.scale
    turn_wheel(canvas, 120)
    turn_wheel(canvas, -240)
    assert steps == [1, -1, -1]
    for _ in range(8):
        turn_wheel(canvas, 30)
    assert steps[3:] == [1, 1]
    turn_wheel(canvas, 100)
    turn_wheel(canvas, -120)
    assert steps[5:] == [-1]
    assert canvas.view.scale == scale
    turn_wheel(canvas, 120, CONTROL)
    assert canvas.view.scale == pytest.approx(scale * 1.25)
    assert len(steps) == 6


def test_shift_and_the_wheel_rotate_about_the_cursor(canvas):
    at = QPoint(310, 80)
    place = canvas.to_image(QPointF(at))
    turn_wheel(canvas, 240, SHIFT, at)
    assert canvas.view.rotation == pytest.approx(30)
    assert canvas.to_screen().map(place).toPoint() == at
    turn_wheel(canvas, -60, SHIFT, at)
    assert canvas.view.rotation == pytest.approx(22.5)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (Qt.Key.Key_Escape, "escape"),
        (Qt.Key.Key_Return, "enter"),
        (Qt.Key.Key_Enter, "enter"),
        (Qt.Key.Key_Backspace, "backspace"),
    ],
)
def test_keys_are_the_tools_while_something_is_under_way(qtbot, canvas, brush, key, name):
    taken = []
    shortcut = QShortcut(QKeySequence(key), canvas)
    shortcut.activated.connect(lambda: taken.append(key))
    QTest.keyClick(canvas, key)
    assert taken == [key] and brush.told == []
    brush.busy = brush.takes_keys = True
    QTest.keyClick(canvas, key)
    assert taken == [key] and brush.told == [name]
    # With Control it is another key.
    QTest.keyClick(canvas, key, CONTROL)
    assert brush.told.count(name) <= 2


def test_keys_that_the_tool_does_not_want_go_on(qtbot, document):
    class Parent(QWidget):
        keys = ()

        def keyPressEvent(self, event):
            self.keys += (event.key(),)

    parent = Parent()
    qtbot.addWidget(parent)
    canvas = MaskCanvas(ViewModel(), "Mask", parent)
    canvas.set_labels(document.labels)
    brush = Brush(canvas, document)
    canvas.set_tool(brush)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    QTest.keyClick(canvas, Qt.Key.Key_A)
    brush.takes_keys = True
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert parent.keys == (Qt.Key.Key_Escape, Qt.Key.Key_A)
    assert brush.told == ["escape", "escape"]
