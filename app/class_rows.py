"""The rows of the list of classes: what they are, and how they are drawn."""

from collections.abc import Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QIcon, QImage, QPainter, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.display import Display
from app.glyphs import paint_glyph, paint_row, part, square, tone
from app.intake import to_qimage
from app.mask_image import swatch_pixels
from app.titles import label_title
from engine.mask.steps import Protection
from resources.labels import LABEL_COUNT, LABELS, palette

KEYS = "0123456789QWERTYUIO"
"""The key that chooses each class, by id."""

STATE = Qt.ItemDataRole.UserRole
"""The role of a row's `RowState`."""

Zone = Literal["eye", "body", "lock"]
"""A part of a row."""

Index = QModelIndex | QPersistentModelIndex

_DIM = 0.45
"""How opaque things are that stand back."""


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row shows.

    Attributes
    ----------
    label
        The class's id.
    seen, hidden
        Whether the class shows on the canvas, and whether it was hidden by itself.
    solo
        Whether it is the only one that does.
    outlined
        Whether only its border does.
    locked
        Whether nothing may cover it.
    spared
        Whether it is no class that may be covered, though it is not locked.
    present
        Whether the mask has it.
    patterned
        Whether it shows in the palette whose classes have patterns.
    """

    label: int
    seen: bool
    hidden: bool
    solo: bool
    outlined: bool
    locked: bool
    spared: bool
    present: bool
    patterned: bool


class ClassModel(QAbstractListModel):
    """The 19 classes, with how they are shown and protected."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.display = Display()
        self.protection = Protection()
        self.present: frozenset[int] = frozenset(range(LABEL_COUNT))
        """The ids of the classes that the mask has."""

    def set_display(self, display: Display) -> None:
        """Show classes another way."""
        if display != self.display:
            self.display = display
            self._all_changed()

    def set_protection(self, protection: Protection) -> None:
        """Protect other classes."""
        if protection != self.protection:
            self.protection = protection
            self._all_changed()

    def set_present(self, present: Set[int]) -> None:
        """Say which classes the mask has, by their ids."""
        if present != self.present:
            self.present = frozenset(present)
            self._all_changed()

    def state(self, label: int) -> RowState:
        """Return what a class's row shows."""
        display, protection = self.display, self.protection
        locked = label in protection.locked
        return RowState(
            label,
            display.shows(label),
            label in display.hidden,
            display.solo == label,
            label in display.outlined,
            locked,
            not locked and protection.over is not None and label not in protection.over,
            label in self.present,
            display.colour_blind_safe,
        )

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else LABEL_COUNT

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        label = LABELS[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return label_title(label.id)
            case Qt.ItemDataRole.ToolTipRole:
                text = self.tr("{0}: class {1}, {2}. Key {3}")
                return text.format(label_title(label.id), label.id, label.name, KEYS[label.id])
            case Qt.ItemDataRole.AccessibleTextRole:
                return self._spoken(self.state(label.id))
            case Qt.ItemDataRole.UserRole:
                return self.state(label.id)
        return None

    def _spoken(self, state: RowState) -> str:
        words = (
            (state.locked, self.tr("locked")),
            (state.spared, self.tr("protected")),
            (not state.seen, self.tr("hidden")),
            (state.solo, self.tr("the only one shown")),
            (state.outlined, self.tr("outline only")),
            (not state.present, self.tr("not in the mask")),
        )
        return ", ".join((label_title(state.label), *(word for holds, word in words if holds)))

    def _all_changed(self) -> None:
        self.dataChanged.emit(self.index(0), self.index(LABEL_COUNT - 1))


@dataclass(frozen=True, slots=True)
class Zones:
    """Where the parts of a row lie, in screen pixels of the list."""

    eye: QRectF
    swatch: QRectF
    title: QRectF
    key: QRectF
    lock: QRectF

    @classmethod
    def of(cls, row: QRectF, metrics: QFontMetrics, direction: Qt.LayoutDirection) -> "Zones":
        """Divide a row."""
        glyph, gap = metrics.height() + 6.0, 6.0
        side = min(metrics.height() - 1.0, row.height() - 6.0)
        key = max(metrics.horizontalAdvance(letter) for letter in KEYS) + 2.0
        x, y, right = row.x(), row.y(), row.right()
        boxes = [
            QRectF(x, y, glyph, row.height()),
            QRectF(x + glyph + 2, row.center().y() - side / 2, side, side),
            QRectF(x + glyph + 2 + side + gap, y, 0, row.height()),
            QRectF(right - glyph - key, y, key, row.height()),
            QRectF(right - glyph, y, glyph, row.height()),
        ]
        boxes[2].setRight(boxes[3].left() - gap)
        if direction == Qt.LayoutDirection.RightToLeft:
            for box in boxes:
                box.moveLeft(x + right - box.right())
        return cls(*boxes)

    def at(self, x: float) -> Zone:
        """Return which part lies there."""
        if self.eye.left() <= x < self.eye.right():
            return "eye"
        return "lock" if self.lock.left() <= x < self.lock.right() else "body"


class ClassDelegate(QStyledItemDelegate):
    """Draws the rows.

    Attributes
    ----------
    hovered
        The row and the part of it that the cursor is over; the row is -1 for none.
    spare
        The room that a row has beside its text, top and bottom together, in screen pixels.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.hovered: tuple[int, Zone] = (-1, "body")
        self.spare = 8

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self.height(part(option, "fontMetrics")))

    def height(self, metrics: QFontMetrics) -> int:
        """Return a row's height."""
        return metrics.height() + self.spare

    @staticmethod
    def width(metrics: QFontMetrics) -> int:
        """Return the width that no title is cut at."""
        zones = Zones.of(QRectF(0, 0, 1000, metrics.height() + 6), metrics, Qt.LayoutDirection.LeftToRight)
        longest = max(metrics.horizontalAdvance(label_title(label.id)) for label in LABELS)
        return round(1000 - zones.title.width()) + longest + 2

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        state: RowState = index.data(STATE)
        flags, direction = part(option, "state"), part(option, "direction")
        row, metrics = QRectF(part(option, "rect")), part(option, "fontMetrics")
        zones = Zones.of(row, metrics, direction)
        chosen = bool(flags & QStyle.StateFlag.State_Selected)
        focused = bool(flags & QStyle.StateFlag.State_HasFocus)
        over, zone = self.hovered[0] == index.row(), self.hovered[1]
        words = tone("selected" if chosen else "text")
        back = tone("selected") if chosen else tone("muted")
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row(painter, row, chosen, over, focused)
        self._paint_eye(painter, zones.eye, state, over or focused, over and zone == "eye", words)
        self._paint_lock(painter, zones.lock, state, over or focused, over and zone == "lock", words)
        clear = state.present and state.seen
        painter.setOpacity(1.0 if clear else _DIM)
        paint_swatch(painter, zones.swatch, state.label, state.patterned, words, state.outlined)
        painter.setOpacity(1.0 if clear or not chosen else 0.75)
        painter.setPen(words if clear else back)
        painter.setFont(part(option, "font"))
        title = metrics.elidedText(index.data(), Qt.TextElideMode.ElideRight, round(zones.title.width()) + 1)
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeading
        painter.drawText(zones.title, QStyle.visualAlignment(direction, side), title)
        painter.setPen(back)
        painter.setOpacity(0.75 if chosen else 1.0)
        painter.drawText(zones.key, Qt.AlignmentFlag.AlignCenter, KEYS[state.label])
        painter.restore()

    def _paint_eye(
        self, painter: QPainter, box: QRectF, state: RowState, near: bool, touched: bool, colour: QColor
    ) -> None:
        if not state.seen:
            self._glyph(painter, "eye-off", box, colour, 1.0 if state.hidden else _DIM)
        elif state.solo:
            self._glyph(painter, "eye", box, colour, 1.0)
        elif near:
            self._glyph(painter, "eye", box, colour, 0.9 if touched else _DIM)

    def _paint_lock(
        self, painter: QPainter, box: QRectF, state: RowState, near: bool, touched: bool, colour: QColor
    ) -> None:
        if state.locked:
            self._glyph(painter, "lock", box, colour, 1.0)
        elif touched:
            self._glyph(painter, "unlock", box, colour, 0.9)
        elif state.spared:
            self._glyph(painter, "lock", box, colour, 0.35)
        elif near:
            self._glyph(painter, "unlock", box, colour, _DIM)

    def _glyph(self, painter: QPainter, name: str, box: QRectF, colour: QColor, opacity: float) -> None:
        painter.setOpacity(opacity)
        paint_glyph(painter, name, square(box.center(), box.width() - 5), colour)
        painter.setOpacity(1.0)


def paint_swatch(
    painter: QPainter, box: QRectF, label: int, patterned: bool, colour: QColor, hollow: bool = False
) -> None:
    """Draw a rounded square as a class is shown; its edge, in the colour of texts, tells it from any ground.

    Parameters
    ----------
    patterned
        Whether it has the colour-blind-safe palette's colour, and its pattern.
    hollow
        Whether only its border is coloured.
    """
    edge = QColor(colour)
    edge.setAlphaF(0.35)
    fill = QBrush(_swatch_image(label, round(box.width()), patterned))
    fill.setTransform(QTransform.fromTranslate(box.x(), box.y()))
    painter.setBrush(Qt.BrushStyle.NoBrush if hollow else fill)
    painter.setPen(QPen(edge, 1.0))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    if hollow:
        painter.setPen(QPen(QColor(*palette(patterned)[label].tolist()), 2.5))
        painter.drawRoundedRect(box.adjusted(1.75, 1.75, -1.75, -1.75), 2, 2)


def swatch_icon(label: int, patterned: bool, side: int, ratio: float) -> QIcon:
    """Return a class's swatch as an icon.

    Parameters
    ----------
    patterned
        As for `paint_swatch`.
    side, ratio
        Its side in screen pixels, and how many device pixels each of them has.
    """
    pixmap = QPixmap(round(side * ratio), round(side * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    # Grey shows on the grounds of either theme.
    paint_swatch(painter, QRectF(1, 1, side - 2, side - 2), label, patterned, QColor(Qt.GlobalColor.gray))
    painter.end()
    return QIcon(pixmap)


@lru_cache(maxsize=256)
def _swatch_image(label: int, side: int, patterned: bool) -> QImage:
    return to_qimage(swatch_pixels(label, side, patterned))
