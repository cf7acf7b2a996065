"""Icons in rows and on buttons, in the theme's colours and as large as the font wants them."""

from functools import lru_cache
from typing import Any

from PySide6.QtCore import QByteArray, QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QSizePolicy, QStyleOptionViewItem, QToolButton, QWidget

from app.icons import coloured
from app.theme import colours, icon


def tone(name: str) -> QColor:
    """Return one of the theme's colours, by its name in `app.theme.Colours`."""
    return QColor(getattr(colours(), name))


def paint_glyph(painter: QPainter, name: str, box: QRectF, colour: QColor) -> None:
    """Draw one of the project's icons in a square, screen pixels."""
    _renderer(name, colour.name()).render(painter, box)


@lru_cache(maxsize=256)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    return QSvgRenderer(QByteArray(coloured(name, colour).encode()))


def paint_row(painter: QPainter, row: QRectF, chosen: bool, hovered: bool, focused: bool) -> None:
    """Draw the ground of a list's row, and the ring of the one that has the keyboard's focus."""
    box = row.adjusted(0, 0.5, 0, -0.5)
    painter.setPen(Qt.PenStyle.NoPen)
    if chosen or hovered:
        painter.setBrush(tone("selection" if chosen else "raised"))
        painter.drawRoundedRect(box, 4, 4)
    if focused:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(tone("accent"), 1.0))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 4, 4)


def part(option: QStyleOptionViewItem, name: str) -> Any:
    """Return a member of a style option, which the type stubs do not know."""
    return getattr(option, name)


def square(centre: QPointF, side: float) -> QRectF:
    """Return a square about a point."""
    return QRectF(centre.x() - side / 2, centre.y() - side / 2, side, side)


class GlyphButton(QToolButton):
    """A flat button with an icon, a text, or both; a toggle if it is checkable.

    Clicks leave the keyboard's focus where it is: a tool that is under way keeps its keys.

    Parameters
    ----------
    glyph
        The icon's name; empty for none.
    text
        What it is called: its accessible name, its tooltip unless another is set, and the text beside the icon.
    worded
        Whether the text is shown.
    """

    def __init__(self, glyph: str, text: str, worded: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._glyph = glyph
        self._widths: dict[bool, int] = {}
        self.setText(text.replace("&", "&&"))
        self.setAccessibleName(text)
        self.setToolTip(text)
        if glyph:
            self.setIcon(icon(glyph))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_worded(worded)
        self._fit()

    @property
    def worded(self) -> bool:
        """Whether the text is shown."""
        return self.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly

    def set_worded(self, worded: bool) -> None:
        """Show the text or the icon alone; without an icon the text stays."""
        styles = Qt.ToolButtonStyle
        shown = styles.ToolButtonTextBesideIcon if worded else styles.ToolButtonIconOnly
        self.setToolButtonStyle(shown if self._glyph else styles.ToolButtonTextOnly)

    def set_glyph(self, glyph: str) -> None:
        """Show another icon."""
        self._glyph = glyph
        self.setIcon(icon(glyph))

    def width_if(self, worded: bool) -> int:
        """Return how wide it wants to be with its text shown or not, screen pixels."""
        if worded not in self._widths:
            kept = self.worded
            self.set_worded(worded)
            self._widths[worded] = self.sizeHint().width()
            self.set_worded(kept)
        return self._widths[worded]

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        # Qt leaves two spaces after the text, none before the icon.
        spare = self.fontMetrics().horizontalAdvance("  ") - 3 if self.worded and self._glyph else 0
        return QSize(hint.width() - max(spare, 0), hint.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        self._widths.clear()
        side = self.fontMetrics().height() + 2
        self.setIconSize(QSize(side, side))


class Caption(QWidget):
    """A muted word, or where room is short the icon that stands for it.

    Parameters
    ----------
    text
        The word.
    glyph
        The icon's name; empty for nothing in the word's place.
    """

    def __init__(self, text: str, glyph: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._glyph = text, glyph
        self._worded = True
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_worded(self, worded: bool) -> None:
        """Show the word or the icon."""
        if worded != self._worded:
            self._worded = worded
            self.setVisible(worded or bool(self._glyph))
            self.updateGeometry()
            self.update()

    def width_if(self, worded: bool) -> int:
        """Return how wide it is with its word or without, screen pixels."""
        metrics = self.fontMetrics()
        return metrics.horizontalAdvance(self._text) + 1 if worded else metrics.height() + 2 if self._glyph else 0

    def sizeHint(self) -> QSize:
        return QSize(self.width_if(self._worded), self.fontMetrics().height() + 2)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = tone("muted" if self.isEnabled() else "disabled")
        if not self._worded:
            paint_glyph(painter, self._glyph, square(QRectF(self.rect()).center(), self.width()), colour)
            return
        painter.setPen(colour)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self._text)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
