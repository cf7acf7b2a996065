"""A slider that changes something while it is dragged: its value is tried out, then kept or given up."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontMetrics, QHideEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QGridLayout, QLabel, QSizePolicy, QStyle, QWidget

from app.glyphs import tone
from app.sliders import FilledSlider

PAUSE_MS = 400
"""What keys or a click set is kept after so long without another."""

_STEP = 5
"""How far an arrow key goes, in hundredths of a range from 0 to 1."""
_SMALL = 0.88
"""The size of the words at a slider's ends, as a share of the others'."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Something that can be changed by a strength. Texts are in the language of the interface.

    Attributes
    ----------
    name
        Identifies it.
    title, group
        What it is called, and the heading that it stands under.
    low, high
        The range of its value. If they are equal it is done at once, by a button, with that value.
    less, more
        What the ends of the range mean.
    unit
        Of the value; in ``"%"`` 1 is shown as 100.
    """

    name: str
    title: str
    group: str
    low: float
    high: float
    less: str = ""
    more: str = ""
    unit: str = "%"


class _Ends(QWidget):
    """Small words under the ends of a slider."""

    def __init__(self, less: str, more: str) -> None:
        super().__init__()
        self._words = less, more
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self._font())
        return QSize(sum(metrics.horizontalAdvance(word) for word in self._words) + 12, metrics.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._font())
        painter.setPen(tone("muted" if self.isEnabled() else "disabled"))
        for word, side in zip(self._words, (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight), strict=True):
            painter.drawText(self.rect(), QStyle.visualAlignment(self.layoutDirection(), side), word)

    def _font(self) -> QFont:
        font = self.font()
        if font.pointSizeF() > 0:
            font.setPointSizeF(font.pointSizeF() * _SMALL)
        else:
            font.setPixelSize(max(1, round(font.pixelSize() * _SMALL)))
        return font


class AdjustRow(QWidget):
    """A slider with its title, its value and what its ends mean.

    From the first change on a value is being tried out, until it is kept or given up: by letting the mouse go, by
    Enter, by going elsewhere, or by a pause after keys; by Escape, or by coming back to where it was.

    Signals
    -------
    tried(str, float)
        The value of an adjustment, by its name, changes.
    kept(str, float)
        It is kept.
    given_up(str)
        It is what it was before.
    shown()
        Another value is shown, for whatever reason.
    """

    tried = Signal(str, float)
    kept = Signal(str, float)
    given_up = Signal(str)
    shown = Signal()

    def __init__(self, adjustment: Adjustment, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.adjustment = adjustment
        self._scale = 100 if adjustment.unit == "%" else 1
        self._former: int | None = None
        self._telling = False
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._timer.timeout.connect(self.keep)
        self.slider = FilledSlider()
        low, high = round(adjustment.low * self._scale), round(adjustment.high * self._scale)
        self.slider.setRange(low, high)
        self.slider.setSingleStep(_STEP if self._scale > 1 else 1)
        self.slider.setPageStep(4 * self.slider.singleStep())
        self.slider.setValue(self.slider.origin)
        self._shown = self.slider.value()
        self._title, self._number = QLabel(adjustment.title), QLabel()
        self._title.setWordWrap(True)
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self._title, 0, 0)
        grid.addWidget(self._number, 0, 1)
        grid.addWidget(self.slider, 1, 0, 1, 2)
        self.slider.setAccessibleName(adjustment.title)
        if adjustment.less or adjustment.more:
            grid.addWidget(_Ends(adjustment.less, adjustment.more), 2, 0, 1, 2)
            words = self.tr("from {0} to {1}").format(adjustment.less, adjustment.more)
            self.slider.setAccessibleDescription(words)
        self.slider.setToolTip(
            self.tr("{0}\nDouble click or Delete: back to zero. Escape: as it was.").format(adjustment.title)
        )
        self.slider.valueChanged.connect(self._changed)
        self.slider.sliderReleased.connect(self._released)
        self.slider.cleared.connect(self.keep)
        self.slider.entered.connect(self.keep)
        self.slider.escaped.connect(self.give_up)
        self.slider.left.connect(lambda: self.slider.isSliderDown() or self.keep())
        self._show()
        self._fit()

    @property
    def value(self) -> float:
        """The value that is shown."""
        return self.slider.value() / self._scale

    @property
    def at_rest(self) -> bool:
        """Whether the value is zero, or as near as it may come."""
        return self.slider.value() == self.slider.origin

    def set_value(self, value: float) -> None:
        """Show another value, without a signal; what is being tried out by keys ends, a drag goes on."""
        if self._telling or self.slider.isSliderDown():
            return
        self._rest(round(value * self._scale))

    def keep(self) -> None:
        """Keep what is being tried out, if anything is."""
        if self._former is None:
            return
        former, value = self._former, self.slider.value()
        self._rest(value)
        if value == former:
            self.given_up.emit(self.adjustment.name)
        else:
            self.kept.emit(self.adjustment.name, self.value)

    def give_up(self) -> None:
        """Go back to the value before, if another is being tried out."""
        if self._former is not None:
            self._rest(self._former)
            self.given_up.emit(self.adjustment.name)

    def let_go(self) -> None:
        """Go back to the value before, without a signal."""
        if self._former is not None and not self._telling:
            self._rest(self._former)

    def matches(self, words: Sequence[str]) -> bool:
        """Whether each of some lower-case words occurs in its texts."""
        each = self.adjustment
        text = " ".join((each.title, each.group, each.less, each.more)).casefold()
        return all(word in text for word in words)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.slider.clear()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.keep()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.EnabledChange and not self.isEnabled():
            self.let_go()
        elif event.type() == QEvent.Type.FontChange and hasattr(self, "_number"):
            self._fit()

    def _changed(self, value: int) -> None:
        if self._former is None:
            self._former = self._shown
            self.slider.holds_keys = True
        self._show()
        if not self.slider.isSliderDown():
            self._timer.start(PAUSE_MS)
        self._telling = True
        try:
            self.tried.emit(self.adjustment.name, self.value)
        finally:
            self._telling = False

    def _released(self) -> None:
        if self.slider.dragged:
            self.keep()
        elif self._former is not None:
            # The press may be the first half of a double click.
            self._timer.start(max(PAUSE_MS, QApplication.doubleClickInterval()))

    def _rest(self, value: int) -> None:
        self._former = None
        self._timer.stop()
        self.slider.holds_keys = False
        self.slider.blockSignals(True)
        self.slider.setSliderDown(False)
        self.slider.setValue(value)
        self.slider.blockSignals(False)
        self.slider.update()
        self._show()

    def _show(self) -> None:
        value = self._shown = self.slider.value()
        sign = "+" if value > 0 > self.slider.minimum() else "\u2212" if value < 0 else ""
        self._number.setText(f"{sign}{abs(value)}\u00a0{self.adjustment.unit}".rstrip("\u00a0"))
        name = "muted" if self.at_rest else ""
        if name != self._number.objectName():
            self._number.setObjectName(name)
            # The style sheet looks at names only when it is applied.
            self._number.style().unpolish(self._number)
            self._number.style().polish(self._number)
        self.shown.emit()

    def _fit(self) -> None:
        widest = max((self.slider.minimum(), self.slider.maximum()), key=abs)
        text = f"\u2212{abs(widest)}\u00a0{self.adjustment.unit}"
        self._number.setMinimumWidth(self.fontMetrics().horizontalAdvance(text))
