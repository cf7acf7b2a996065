"""What a bar of options consists of: controls that give up their words, then their length, where room is short."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QSizePolicy, QWidget

from app.class_rows import paint_swatch
from app.glyphs import Caption, GlyphButton, tone
from app.sliders import NumberSlider
from app.titles import label_title
from resources.labels import LABELS

LEVELS = 3
"""How tight an item can be: 0 with all its words, 1 without captions, 2 as narrow as it can be used."""

_SLIDERS = (7.5, 6.0, 4.0)
"""The length of sliders at each level, in lines of text."""


class Item(QWidget):
    """Controls that belong together, as tight as they have to be.

    Parameters
    ----------
    widgets
        From left to right.
    worded
        Whether buttons show their words at level 0.
    spacing
        Between them, in screen pixels.
    """

    def __init__(self, *widgets: QWidget, worded: bool = True, spacing: int = 4) -> None:
        super().__init__()
        self._widgets, self._worded, self._spacing = widgets, worded, spacing
        self._level = -1
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(spacing)
        for widget in widgets:
            self._row.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def set_level(self, level: int) -> None:
        """Make it as tight as a level says, at once."""
        if level == self._level:
            return
        self._level = level
        for widget in self._widgets:
            match widget:
                case NumberSlider():
                    widget.caption.set_worded(level == 0)
                    widget.set_length(self._length(level))
                case GlyphButton():
                    widget.set_worded(level == 0 and self._worded)
                case LabelChip():
                    widget.set_worded(level < LEVELS - 1)
                case Caption() | Hint():
                    widget.set_worded(level == 0)
            inner = widget.layout()
            if inner is not None:
                inner.activate()
        self._row.activate()
        self.updateGeometry()

    def width_at(self, level: int) -> int:
        """Return how wide it is at a level, screen pixels. Nothing changes by asking: that would lay it out again."""
        widths = [self._width(widget, level) for widget in self._widgets]
        shown = [width for width in widths if width]
        return sum(shown) + self._spacing * (len(shown) - 1)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            # The sliders' length depends on it.
            self._level = -1

    def _length(self, level: int) -> int:
        return round(_SLIDERS[level] * self.fontMetrics().height())

    def _width(self, widget: QWidget, level: int) -> int:
        match widget:
            case NumberSlider():
                return widget.width_if(level == 0, self._length(level))
            case GlyphButton():
                return widget.width_if(level == 0 and self._worded)
            case LabelChip():
                return widget.width_if(level < LEVELS - 1)
            case Caption() | Hint():
                return widget.width_if(level == 0)
        return widget.sizeHint().width()


class Segments(QWidget):
    """A few buttons of which one is chosen.

    Parameters
    ----------
    choices
        For each the icon, the name and the tooltip.

    Signals
    -------
    chosen(int)
        A person chose another one, by its place.
    """

    chosen = Signal(int)

    def __init__(self, choices: Sequence[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.buttons: list[GlyphButton] = []
        for place, (glyph, name, tip) in enumerate(choices):
            button = GlyphButton(glyph, name, worded=True)
            button.setToolTip(tip)
            button.setCheckable(True)
            self._group.addButton(button, place)
            self.buttons.append(button)
        self.buttons[0].setChecked(True)
        self._group.idClicked.connect(self.chosen)

    def choose(self, place: int) -> None:
        """Show another choice, without a signal."""
        self.buttons[place].setChecked(True)


class Hint(QLabel):
    """A sentence or two; where room is short, a shorter one.

    Parameters
    ----------
    long, short
        The texts.
    """

    def __init__(self, long: str, short: str, parent: QWidget | None = None) -> None:
        super().__init__(long, parent)
        self._texts = short, long
        self.setObjectName("muted")
        self.setToolTip(long)

    def set_worded(self, worded: bool) -> None:
        """Show the long text or the short one."""
        if self.text() != self._texts[worded]:
            self.setText(self._texts[worded])

    def width_if(self, worded: bool) -> int:
        """Return how wide it is with the long text or the short one, screen pixels."""
        return self.fontMetrics().horizontalAdvance(self._texts[worded]) + 2


class LabelChip(QWidget):
    """The class that is painted: its colour and its name, as wide as the longest name needs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._label = 0
        self._patterned = False
        self._worded = True
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def label(self) -> int:
        """The class, by its id."""
        return self._label

    def set_label(self, label: int) -> None:
        """Show another class."""
        self._label = label
        text = self.tr("Painting {0}").format(label_title(label))
        self.setAccessibleName(text)
        self.setToolTip(text)
        self.update()

    def set_colour_blind_safe(self, safe: bool) -> None:
        """Show the colour of one palette or the other."""
        self._patterned = safe
        self.update()

    def set_worded(self, worded: bool) -> None:
        """Show the name or the colour alone."""
        if worded != self._worded:
            self._worded = worded
            self.updateGeometry()
            self.update()

    def width_if(self, worded: bool) -> int:
        """Return how wide it is with the name or without, screen pixels."""
        metrics = self.fontMetrics()
        names = max(metrics.horizontalAdvance(label_title(label.id)) for label in LABELS) + 8
        return metrics.height() + 2 + (names if worded else 0)

    def sizeHint(self) -> QSize:
        return QSize(self.width_if(self._worded), self.fontMetrics().height() + 6)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = self.fontMetrics().height()
        swatch = QRectF(1, (self.height() - side) / 2, side, side)
        paint_swatch(painter, swatch, self._label, self._patterned, tone("text"))
        if self._worded:
            painter.setPen(tone("text"))
            space, flags = self.rect().adjusted(side + 8, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter
            painter.drawText(space, flags | Qt.AlignmentFlag.AlignLeft, label_title(self._label))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
