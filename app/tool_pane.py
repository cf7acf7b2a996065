"""The pane whose picture a tool works on: what mouse, pen and keys do there, told in places of the mask."""

import math
from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QCoreApplication, QElapsedTimer, QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QInputEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPointingDevice,
    QTabletEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QWidget

from app.pane import NOTCH, ImagePane
from app.tools.box import ToolBox
from app.tools.tool import Hand, Tool
from app.view import ViewModel

OVERLAY_MARGIN = 2
"""Screen pixels around what a tool says it draws that smooth lines may touch."""
DOUBLE_TAP = 12.0
"""Screen pixels within which two taps of a pen are a double click."""

_Key, _Held, _Pointer = Qt.Key, Qt.KeyboardModifier, QPointingDevice.PointerType
_COMPRESSED = Qt.ApplicationAttribute.AA_CompressHighFrequencyEvents
_PENS = (_Pointer.Pen, _Pointer.Eraser)
_MODIFIERS = (_Key.Key_Shift, _Key.Key_Control, _Key.Key_Alt)
_TOOL_KEYS = (_Key.Key_Escape, _Key.Key_Return, _Key.Key_Enter, _Key.Key_Backspace)


class ToolPane(ImagePane):
    """Tells a tool what the hand does, and draws the tool's guides above the picture.

    Each press that the tool is told of is followed by one release, also if the drag is cut off: where Escape or
    `take_back` ends it, after the tool's `escape`, else as if the button had gone up.

    Signals
    -------
    brush_step
        Notches of the wheel, positive for larger.
    eraser
        Whether the eraser's end of a pen is used from now on.
    hovered
        (x, y) under the cursor in mask pixels, in a drag too.
    left
        The cursor went away.
    """

    brush_step = Signal(int)
    eraser = Signal(bool)
    hovered = Signal(float, float)
    left = Signal()

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(view, title, parent)
        self.rotates = True
        self._tool: Tool | None = None
        self._overlay = QRectF()
        self._drag: Literal["", "mouse", "pen"] = ""
        self._compressed = True
        self._hand: Hand | None = None
        self._erasing = self._panned = False
        self._tap, self._tap_time = QPointF(), QElapsedTimer()
        self._wheel = 0
        self.setMouseTracking(True)

    @property
    def dragging(self) -> bool:
        """Whether the tool follows a drag."""
        return bool(self._drag)

    def set_tool(self, tool: Tool | None) -> None:
        """Let a tool follow the hand; the last one's drag ends."""
        self._end_drag()
        if self._tool is not None:
            self._tool.changed.disconnect(self._update_overlay)
            self._tool.left()
        self._tool = tool
        if tool is not None:
            tool.changed.connect(self._update_overlay)
            if self._hand is not None:
                tool.hover(self._hand)
        self._update_overlay()
        self.update()

    def take_back(self) -> None:
        """End a drag, and take back what the tool did in it."""
        if self._drag and self._tool is not None:
            self._tool.escape()
            self._end_drag()

    def _hand_at(self, at: QPointF, event: QInputEvent, pressure: float = 1.0) -> Hand:
        place, held = self.to_image(at), event.modifiers()
        pen = isinstance(event, QMouseEvent | QTabletEvent) and event.pointerType() in _PENS
        shift, control, alt = (
            bool(held & key) for key in (_Held.ShiftModifier, _Held.ControlModifier, _Held.AltModifier)
        )
        return Hand(
            place.x(), place.y(), QPointF(at), self.view.scale, pressure, pen, shift, control, alt, self.to_screen()
        )

    def _hover(self, hand: Hand) -> None:
        self._hand = hand
        if self._tool is not None and not self.panning:
            self._tool.hover(hand)
        self.hovered.emit(hand.x, hand.y)

    def _begin_drag(self, hand: Hand, device: Literal["mouse", "pen"], double: bool) -> None:
        if self._tool is None:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._hover(hand)
        self._drag = device
        # Each place of the hand counts for a line, however quickly they come.
        self._compressed = QCoreApplication.testAttribute(_COMPRESSED)
        QCoreApplication.setAttribute(_COMPRESSED, False)
        (self._tool.double if double else self._tool.press)(hand)

    def _go_on(self, hand: Hand) -> None:
        self._hover(hand)
        if self._drag and self._tool is not None:
            self._tool.move(hand)

    def _end_drag(self, hand: Hand | None = None) -> None:
        if not self._drag:
            return
        self._drag = ""
        QCoreApplication.setAttribute(_COMPRESSED, self._compressed)
        hand = hand or self._hand
        if self._tool is not None and hand is not None:
            self._tool.release(hand)

    def _follow_again(self) -> None:
        """Tell the tool where the hand, which did not move, now lies in the mask."""
        if self._hand is None or self._drag:
            return
        place, view = self.to_image(self._hand.at), self.to_screen()
        hand = replace(self._hand, x=place.x(), y=place.y(), scale=self.view.scale, to_screen=view, pressure=1.0)
        self._hover(hand)

    def _leave(self) -> None:
        # A drag that goes on outside still has its place.
        if self._hand is not None and not self._drag:
            self._hand = None
            if self._tool is not None:
                self._tool.left()
            self.left.emit()

    def _note_pointer(self, event: QMouseEvent | QTabletEvent) -> None:
        erasing = event.pointerType() == _Pointer.Eraser
        if erasing != self._erasing:
            self._erasing = erasing
            self.eraser.emit(erasing)

    # Mouse and pen

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press_mouse(event, double=False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._press_mouse(event, double=True)

    def _press_mouse(self, event: QMouseEvent, double: bool) -> None:
        if self._drag:
            return
        if event.button() != Qt.MouseButton.LeftButton or self.panning or not self._paintable():
            super().mousePressEvent(event)
            return
        self._note_pointer(event)
        self._begin_drag(self._hand_at(event.position(), event), "mouse", double)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag == "pen" and event.pointerType() not in _PENS:
            # Some desktops send both.
            return
        if self._drag and not event.buttons() & Qt.MouseButton.LeftButton:
            # The release went elsewhere, say to a dialogue or another window.
            self._end_drag()
        super().mouseMoveEvent(event)
        if not self._drag:
            self._note_pointer(event)
        self._go_on(self._hand_at(event.position(), event))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if not self._drag:
            super().mouseReleaseEvent(event)
        elif self._drag == "mouse" and event.button() == Qt.MouseButton.LeftButton:
            self._end_drag(self._hand_at(event.position(), event))

    def tabletEvent(self, event: QTabletEvent) -> None:
        # What is not accepted comes again as a mouse event: hovering, the pen's buttons, pans.
        event.ignore()
        kind, tip = event.type(), Qt.MouseButton.LeftButton
        if kind == QEvent.Type.TabletPress and event.button() == tip and not self._drag:
            if not self.panning and self._tool is not None and self._paintable():
                event.accept()
                self._note_pointer(event)
                self._begin_drag(self._hand_at(event.position(), event, event.pressure()), "pen", self._taps(event))
        elif self._drag == "pen":
            event.accept()
            lifted = kind == QEvent.Type.TabletRelease and event.button() == tip
            if lifted or not event.buttons() & tip:
                # A pen that is lifted no longer presses, but the line must not end in a hair.
                pressure = self._hand.pressure if self._hand is not None else 1.0
                self._end_drag(self._hand_at(event.position(), event, pressure))
            elif kind == QEvent.Type.TabletMove:
                self._go_on(self._hand_at(event.position(), event, event.pressure()))

    def _taps(self, event: QTabletEvent) -> bool:
        """Whether this is the second tap of a double click, which Qt tells of for mice only."""
        apart = event.position() - self._tap
        quick = self._tap_time.isValid() and self._tap_time.elapsed() < QApplication.doubleClickInterval()
        double = quick and math.hypot(apart.x(), apart.y()) <= DOUBLE_TAP
        self._tap = event.position()
        if double:
            self._tap_time.invalidate()
        else:
            self._tap_time.start()
        return double

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & (_Held.ControlModifier | _Held.ShiftModifier):
            super().wheelEvent(event)
            return
        delta = event.angleDelta().y()
        if delta * self._wheel < 0:
            # Turning back answers at once, without first using up the other direction's rest.
            self._wheel = 0
        self._wheel += delta
        steps = int(self._wheel / NOTCH)
        self._wheel -= steps * NOTCH
        for _ in range(abs(steps)):
            self.brush_step.emit(1 if steps > 0 else -1)
        event.accept()

    def enterEvent(self, event: QEnterEvent) -> None:
        if not self._drag:
            self._hover(self._hand_at(event.position(), event))
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._leave()
        super().leaveEvent(event)

    # The keyboard

    def event(self, event: QEvent) -> bool:
        # The window's own shortcuts must not take these keys away from what is under way.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            busy = self._tool is not None and (bool(self._drag) or not self._tool.resting)
            if busy and event.key() in _TOOL_KEYS and not event.modifiers() & ~_Held.KeypadModifier:
                event.accept()
                return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in _MODIFIERS:
            self._follow_keys(event)
        elif event.key() in _TOOL_KEYS and self._tool_takes(event.key()):
            return
        if not (event.key() == _Key.Key_Space and self._drag):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() in _MODIFIERS:
            self._follow_keys(event)
        super().keyReleaseEvent(event)

    def _tool_takes(self, key: int) -> bool:
        if self._tool is None:
            return False
        if key != _Key.Key_Escape:
            return self._tool.backspace() if key == _Key.Key_Backspace else self._tool.enter()
        taken = self._tool.escape()
        if taken:
            # What the button still does until it goes up is no longer a drag.
            self._end_drag()
        return taken

    def _follow_keys(self, event: QKeyEvent) -> None:
        """Tell the tool of a modifier key that was pressed or let go over the same place."""
        if self._hand is not None and not self._drag:
            self._hover(replace(self._hand_at(self._hand.at, event), pen=self._hand.pen))

    # What else happens

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._end_drag()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._end_drag()
        if self._tool is not None and not event.spontaneous():
            self._tool.finish()
        super().hideEvent(event)

    def _paintable(self) -> bool:
        """Whether there is something that a tool can work on."""
        return self._has_content()

    def _paint_overlay(self, painter: QPainter) -> None:
        if self._tool is not None and self._paintable():
            painter.save()
            self._tool.paint(painter, self.to_screen())
            painter.restore()

    def _update_overlay(self) -> None:
        """Repaint what the tool drew and what it draws now."""
        to_screen = self.to_screen()
        if isinstance(self._tool, ToolBox):
            # Of many tools, most have not changed.
            self.update(self._tool.stale(to_screen))
        else:
            new = QRectF() if self._tool is None else self._tool.bounds(to_screen)
            for bounds in (self._overlay, new):
                self._update_within(bounds, OVERLAY_MARGIN)
            self._overlay = new
        self._update_cursor()

    def _update_cursor(self) -> None:
        if self.panning != self._panned:
            # What a tool shows under the cursor would move with the picture, away from the hand.
            self._panned = self.panning
            if self._panned and self._tool is not None:
                self._tool.left()
            self._follow_again()
        super()._update_cursor()

    def _set_idle_cursor(self) -> None:
        if self._tool is None or not self._paintable():
            super()._set_idle_cursor()
        elif self.cursor().shape() != (shape := self._tool.cursor()):
            self.setCursor(shape)

    def _on_view_changed(self) -> None:
        super()._on_view_changed()
        self._follow_again()
        self._update_overlay()
