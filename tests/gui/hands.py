"""A tool that notes what it is told, events of mouse, wheel and pen, and what comes of them on the screen."""

from functools import cache

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QInputDevice, QMouseEvent, QPen, QPointingDevice, QRegion, QTabletEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.canvas import MaskCanvas
from app.tools.tool import Tool
from app.view import ViewModel
from engine.mask.strokes import Stroke

SIZE = 512
LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PEN, ERASER = QPointingDevice.PointerType.Pen, QPointingDevice.PointerType.Eraser
RADIUS = 6.0


class Repaints(QObject):
    """Gathers what a widget repaints."""

    def __init__(self, widget):
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, _, event):
        if event.type() == QEvent.Type.Paint:
            self.region = self.region.united(event.region())
        return False


class Brush(Tool):
    """Paints hair into a document, shows a ring under the cursor, and notes what it is told.

    Attributes
    ----------
    told
        The names of the calls, in order, without `hover`.
    hands
        The hands of press, move and release, in order.
    hovered
        The hands of `hover`.
    """

    def __init__(self, canvas, document):
        super().__init__(None)  # type: ignore[arg-type]
        self.canvas, self.document = canvas, document
        self.told, self.hands, self.hovered = [], [], []
        self.points: list[tuple[float, float, float]] = []
        self.at: QPointF | None = None
        self.shape = Qt.CursorShape.CrossCursor
        self.busy = self.takes_keys = False

    @property
    def places(self):
        return [(hand.x, hand.y) for hand in self.hands]

    @property
    def resting(self):
        return not (self.busy or self.points)

    def press(self, hand):
        self._note("press", hand)
        self.points = [(hand.x, hand.y, RADIUS)]
        self.canvas.update_region(self.document.begin(self._stroke()))

    def move(self, hand):
        self._note("move", hand)
        if self.points:
            self.points.append((hand.x, hand.y, RADIUS))
            self.canvas.update_region(self.document.extend(self._stroke()))

    def release(self, hand):
        self._note("release", hand)
        if self.points:
            self.points = []
            self.document.commit()

    def double(self, hand):
        self.told.append("double")
        self.press(hand)

    def hover(self, hand):
        self.hovered.append(hand)
        self._show(hand.at)

    def left(self):
        self.told.append("left")
        self._show(None)

    def escape(self):
        self.told.append("escape")
        taken, self.points = bool(self.points), []
        self.canvas.update_region(self.document.abort())
        return taken or self.takes_keys

    def enter(self):
        self.told.append("enter")
        return self.takes_keys

    def backspace(self):
        self.told.append("backspace")
        return self.takes_keys

    def finish(self):
        self.told.append("finish")

    def paint(self, painter, to_screen):
        if self.at is not None:
            painter.setPen(QPen(QColor(255, 255, 255), 2))
            painter.drawEllipse(self.at, 12, 12)

    def bounds(self, to_screen):
        return QRectF() if self.at is None else QRectF(self.at.x() - 13, self.at.y() - 13, 26, 26)

    def cursor(self):
        return self.shape

    def _stroke(self):
        return Stroke(13, np.array(self.points, np.float32))

    def _note(self, name, hand):
        self.told.append(name)
        self.hands.append(hand)

    def _show(self, at):
        self.at = at
        self.changed.emit()


def place_on(pane, x, y):
    """Return the widget's pixel that shows a place of the mask."""
    return pane.to_screen().map(QPointF(x, y)).toPoint()


def colour_at(pane, x, y):
    """Return the colour shown at a place of the mask, (R, G, B)."""
    at = place_on(pane, x, y)
    shown = QColor(pane.grab().toImage().pixel(at))
    return shown.red(), shown.green(), shown.blue()


def turn_wheel(pane, delta, modifiers=Qt.KeyboardModifier.NoModifier, at=None):
    """Send one wheel event, by default at the centre."""
    position = QPointF(at or pane.rect().center())
    event = QWheelEvent(
        position,
        pane.mapToGlobal(position),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


@cache
def pen_device(pointer=PEN):
    """Return a device for events of a pen; they do not keep it alive."""
    capabilities = QInputDevice.Capability.Position | QInputDevice.Capability.Pressure
    return QPointingDevice("pen", 1, QInputDevice.DeviceType.Stylus, pointer, capabilities, 1, 3)


def hover_pen(canvas, at, pointer=PEN):
    """Send what becomes of a pen that hovers: moves of a mouse without buttons, whose device is the pen."""
    place, held = QPointF(at), Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), NONE, NONE, held, pen_device(pointer))
    QApplication.sendEvent(canvas, event)


def send_pen(canvas, kind, at, pressure=1.0, buttons=LEFT, pointer=PEN, button=LEFT):
    """Send one event of a pen; return whether it was accepted."""
    place, device = QPointF(at), pen_device(pointer)
    event = QTabletEvent(
        kind, device, place, canvas.mapToGlobal(place), pressure, 0.0, 0.0, 0.0, 0.0, 0.0,
        Qt.KeyboardModifier.NoModifier, button, buttons,
    )  # fmt: skip
    event.ignore()
    QApplication.sendEvent(canvas, event)
    return event.isAccepted()


PRESS, MOVE, RELEASE = QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease
NONE = Qt.MouseButton.NoButton


def repainted(canvas, act):
    """Do something and return what was repainted, and the pictures before and after it."""
    QApplication.processEvents()
    before = canvas.grab().toImage()
    repaints = Repaints(canvas)
    act()
    QApplication.processEvents()
    region = QRegion(repaints.region)
    canvas.removeEventFilter(repaints)
    return region, before, canvas.grab().toImage()


def differing(before, after):
    """Return the pixels in which two grabs differ."""
    return [
        QPoint(x, y)
        for x in range(after.width())
        for y in range(after.height())
        if after.pixel(x, y) != before.pixel(x, y)
    ]


def shown_canvas(qtbot, labels=None, size=(400, 300)):
    """Return a shown canvas without a tool, in a view of the labels' size."""
    view = ViewModel()
    canvas = MaskCanvas(view, "Mask")
    qtbot.addWidget(canvas)
    canvas.resize(*size)
    if labels is not None:
        view.set_image_size(labels.shape[1], labels.shape[0])
        canvas.set_labels(labels)
    with qtbot.waitExposed(canvas):
        canvas.show()
    canvas.activateWindow()
    canvas.setFocus()
    QApplication.processEvents()
    return canvas


def half_skin():
    """Return a mask of skin on background: its right half is skin."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[:, SIZE // 2 :] = 1
    return mask
