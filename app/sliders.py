"""Sliders drawn in the palette's colours: one that is filled from zero, and one with its number."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractSlider, QApplication, QHBoxLayout, QSizePolicy, QSpinBox, QStyle, QWidget

from app.glyphs import Caption, square, tone
from app.theme import colours

_HANDLE = 12.0
"""The least diameter of a slider's handle, in screen pixels."""
_NOTCH = 120
"""The wheel's angle that makes a step, in eighths of a degree."""
_CLEARING = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
_ENTERING = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_MAGNET = 5.0
"""How close to zero, in screen pixels, a handle snaps to it."""
_GAP = 6
"""Between a caption, its slider and its number, in screen pixels."""


class FilledSlider(QAbstractSlider):
    """A horizontal slider that is filled from zero, or from its low end where zero is not between its ends.

    A press takes the handle there. The wheel turns it only while it has the focus, so that a panel can be scrolled
    over it.

    Parameters
    ----------
    clears
        Whether a double click and the Delete key bring it to zero, or as near as its ends allow.

    Signals
    -------
    cleared()
        One of them did.
    entered()
        The Enter key was pressed.
    escaped()
        The Escape key was pressed.
    left()
        The keyboard's focus went elsewhere.
    """

    cleared = Signal()
    entered = Signal()
    escaped = Signal()
    left = Signal()

    def __init__(self, clears: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clears = clears
        self.setOrientation(Qt.Orientation.Horizontal)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.dragged = False
        """Whether the last press went on as a drag."""
        self.holds_keys = False
        """Whether Enter and Escape are for the slider alone, whatever the window does with them."""
        self._press = QPointF()
        self._grip = 0.0
        self._wheel = 0

    @property
    def origin(self) -> int:
        """The value that the slider is filled from."""
        return min(max(0, self.minimum()), self.maximum())

    def sizeHint(self) -> QSize:
        return QSize(110, max(18, round(self._handle + 6)))

    def minimumSizeHint(self) -> QSize:
        return QSize(48, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        middle, slot = self.height() / 2, tone("edge")
        slot.setAlphaF(0.45)
        start, end = self._place(self.minimum()), self._place(self.maximum())
        low, high = min(start, end), max(start, end)
        painter.setBrush(slot)
        painter.drawRoundedRect(QRectF(low - 2, middle - 2, high - low + 4, 4), 2, 2)
        here, origin = self._place(self.value()), self._place(self.origin)
        if self.minimum() < self.origin < self.maximum():
            painter.setBrush(tone("edge" if self.isEnabled() else "line"))
            painter.drawRoundedRect(QRectF(origin - 1, middle - 5, 2, 10), 1, 1)
        painter.setBrush(tone("accent" if self.isEnabled() else "disabled"))
        painter.drawRoundedRect(QRectF(min(origin, here), middle - 2, abs(here - origin), 4), 2, 2)
        fill, edge = self._handle_colours()
        painter.setBrush(fill)
        painter.setPen(QPen(edge, 1.0))
        painter.drawEllipse(square(QPointF(here, middle), self._handle - 1))
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(tone("accent"), 1.5))
            painter.drawEllipse(square(QPointF(here, middle), self._handle + 4))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        event.accept()
        self._press, self.dragged = event.position(), False
        offset = event.position().x() - self._place(self.value())
        # Whoever takes the handle off its centre does not move it by that.
        self._grip = offset if abs(offset) <= self._handle / 2 + 2 else 0.0
        self.setSliderDown(True)
        if not self._grip:
            self.setValue(self._value_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self.isSliderDown():
            event.ignore()
            return
        way = event.position() - self._press
        self.dragged = self.dragged or abs(way.x()) + abs(way.y()) >= QApplication.startDragDistance()
        self.setValue(self._value_at(event.position().x() - self._grip))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isSliderDown():
            self.setSliderDown(False)
            self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if not self._clears:
            self.mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton:
            self.clear()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if not self.hasFocus():
            event.ignore()
            return
        self._wheel += event.angleDelta().y() or event.angleDelta().x()
        steps = int(self._wheel / _NOTCH)
        self._wheel -= steps * _NOTCH
        self.setValue(self.value() + steps * self.singleStep())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if self._clears and key in _CLEARING:
            self.clear()
        elif self.holds_keys and key in _ENTERING:
            self.entered.emit()
        elif self.holds_keys and key == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            clearing = self._clears and event.key() in _CLEARING
            if clearing or (self.holds_keys and event.key() in (*_ENTERING, Qt.Key.Key_Escape)):
                event.accept()
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()

    def clear(self) -> None:
        """Go to zero, or as near as the ends allow."""
        self.setValue(self.origin)
        self.cleared.emit()

    @property
    def _handle(self) -> float:
        return max(_HANDLE, 0.75 * self.fontMetrics().height())

    @property
    def _inset(self) -> float:
        """How far the handle's centre stays from the ends, where its ring has room."""
        return self._handle / 2 + 3

    def _handle_colours(self) -> tuple[QColor, QColor]:
        if not self.isEnabled():
            return tone("panel"), tone("disabled")
        if self.isSliderDown() or self.underMouse():
            return tone("accent"), tone("accent")
        return (QColor(Qt.GlobalColor.white) if colours().name == "light" else tone("text")), tone("edge")

    def _place(self, value: int) -> float:
        span = self.width() - 2 * self._inset
        share = (value - self.minimum()) / max(self.maximum() - self.minimum(), 1)
        return self._inset + span * (share if self._ascending() else 1 - share)

    def _value_at(self, x: float) -> int:
        if self.minimum() < self.origin < self.maximum() and abs(x - self._place(self.origin)) < _MAGNET:
            return self.origin
        span, along = round(self.width() - 2 * self._inset), round(x - self._inset)
        return QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), along, span, not self._ascending())

    def _ascending(self) -> bool:
        return (self.layoutDirection() == Qt.LayoutDirection.LeftToRight) != self.invertedAppearance()


class NumberSlider(QWidget):
    """A caption, a slider and the number that it stands for.

    Parameters
    ----------
    caption
        What the number is; also its accessible name.
    low, high
        Its range.
    suffix
        Its unit, with the space before it.
    squared
        Whether the slider's way grows with the square root of the number: small ones then have more room.
    glyph
        The icon that takes the caption's place where room is short.

    Signals
    -------
    changed(int)
        A person chose another number.
    """

    changed = Signal(int)

    def __init__(
        self,
        caption: str,
        low: int,
        high: int,
        suffix: str = "",
        squared: bool = False,
        glyph: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._low, self._high, self._squared = low, high, squared
        self._length = 0
        self.caption = Caption(caption, glyph)
        self.slider = FilledSlider(clears=False)
        self.slider.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.slider.setAccessibleName(caption)
        self.slider.setRange(0, 200) if squared else self.slider.setRange(low, high)
        self.slider.setSingleStep(2 if squared else 1)
        self.number = QSpinBox()
        self.number.setRange(low, high)
        self.number.setSuffix(suffix)
        self.number.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self.number.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setAccessibleName(caption)
        # A number that is typed counts when it is whole.
        self.number.setKeyboardTracking(False)
        self.number.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        # A photo dropped here is a photo for the window, not a text.
        self.number.lineEdit().setAcceptDrops(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(_GAP)
        row.addWidget(self.caption)
        row.addWidget(self.slider, 1)
        row.addWidget(self.number)
        self.set_value(low)
        self.slider.valueChanged.connect(lambda place: self.number.setValue(self._number_at(place)))
        self.number.valueChanged.connect(self._changed)
        self.number.editingFinished.connect(self.number.clearFocus)

    @property
    def value(self) -> int:
        """The number."""
        return self.number.value()

    def set_value(self, value: int) -> None:
        """Show another number, without a signal."""
        self.number.blockSignals(True)
        self.number.setValue(value)
        self.number.blockSignals(False)
        self._move()

    def setToolTip(self, text: str) -> None:
        for widget in (self.caption, self.slider, self.number):
            widget.setToolTip(text)

    def set_length(self, length: int) -> None:
        """Make the slider so long, screen pixels."""
        if length != self._length:
            self._length = length
            self.slider.setFixedWidth(length)

    def width_if(self, worded: bool, length: int) -> int:
        """Return how wide it is with its caption or without, and with a slider of a length, screen pixels."""
        caption = self.caption.width_if(worded)
        return caption + (_GAP if caption else 0) + length + _GAP + self.number.sizeHint().width()

    def _changed(self, value: int) -> None:
        self._move()
        self.changed.emit(value)

    def _move(self) -> None:
        if self._number_at(self.slider.value()) == self.value:
            return  # the slider has come here by itself, and may stand between two numbers
        self.slider.blockSignals(True)
        self.slider.setValue(self._place_of(self.value))
        self.slider.blockSignals(False)
        self.slider.update()

    def _number_at(self, place: int) -> int:
        return max(self._low, round(self._high * (place / 200) ** 2)) if self._squared else place

    def _place_of(self, number: int) -> int:
        return round(200 * (number / self._high) ** 0.5) if self._squared else number
