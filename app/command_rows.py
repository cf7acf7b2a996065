"""How commands are listed: icon or tick, name, the menus that lead to it, and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRect, QSize, Qt
from PySide6.QtGui import QAction, QColor, QFont, QFontMetrics, QIcon, QPainter, QPen, QTextCharFormat, QTextLayout
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.theme import colours, icon

if TYPE_CHECKING:
    from app.command_palette import Command

ROW = Qt.ItemDataRole.UserRole + 1
"""The role of a `Row`."""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A command that is offered.

    Attributes
    ----------
    command
        What is offered.
    places
        The indices of the letters in its title that were typed, ascending.
    """

    command: Command
    places: tuple[int, ...]


class Rows(QAbstractListModel):
    """The commands that are offered."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[Row] = []

    def show(self, rows: list[Row]) -> None:
        """Offer others."""
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.DisplayRole:
            return row.command.label
        if role == Qt.ItemDataRole.AccessibleTextRole:
            words = [row.command.label, *row.command.keys]
            if row.command.action.isCheckable():
                words.append(self.tr("on") if row.command.action.isChecked() else self.tr("off"))
            if not row.command.action.isEnabled():
                words.append(self.tr("not available now"))
            return ", ".join(words)
        return None


def row_height(metrics: QFontMetrics) -> int:
    """Return the height of a row, in screen pixels."""
    return round(1.9 * metrics.height())


class RowDelegate(QStyledItemDelegate):
    """Draws a command: its icon or tick, its name, the menus that lead to it, and at the right its keys."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(0, row_height(option.fontMetrics))  # type: ignore[attr-defined]

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: Row = index.data(ROW)
        own = QStyleOptionViewItem(option)
        self.initStyleOption(own, index)
        own.text = ""  # type: ignore[attr-defined]
        widget: QWidget = own.widget  # type: ignore[attr-defined]
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, own, painter, widget)
        shown = colours()
        selected = bool(own.state & QStyle.StateFlag.State_Selected)  # type: ignore[attr-defined]
        action = row.command.action
        text = QColor(shown.selected if selected else shown.text)
        faint = QColor(shown.selected if selected else shown.muted)
        if selected:
            faint.setAlphaF(0.8)
        if not action.isEnabled():
            text = faint = QColor(shown.muted if selected else shown.disabled)
        painter.save()
        metrics: QFontMetrics = own.fontMetrics  # type: ignore[attr-defined]
        em, rect = metrics.height(), QRect(own.rect)  # type: ignore[attr-defined]
        box = rect.adjusted(round(0.5 * em), 0, -round(0.6 * em), 0)
        self._draw_sign(painter, QRect(box.left(), box.top(), round(1.2 * em), box.height()), action, selected)
        box.setLeft(box.left() + round(1.75 * em))
        keys = self._draw_keys(painter, box, row.command.keys[:1], metrics, faint)
        box.setRight(box.right() - keys - em)
        width = self._draw_title(painter, box, row, text, None if selected else QColor(shown.accent))
        box.setLeft(box.left() + width + round(0.8 * em))
        if box.width() > 2 * em:
            painter.setPen(faint)
            path = metrics.elidedText(" › ".join(row.command.path), Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, path)
        painter.restore()

    def _draw_sign(self, painter: QPainter, box: QRect, action: QAction, selected: bool) -> None:
        sign = action.icon()
        if action.isCheckable() and action.isChecked():
            sign = icon("check")
        mode = QIcon.Mode.Selected if selected else QIcon.Mode.Normal
        sign.paint(painter, box, Qt.AlignmentFlag.AlignCenter, mode if action.isEnabled() else QIcon.Mode.Disabled)

    def _draw_title(self, painter: QPainter, box: QRect, row: Row, colour: QColor, found: QColor | None) -> int:
        """Write the title with the letters that were typed standing out; return its width."""
        title = QTextLayout(row.command.title, painter.font())
        plain, typed = QTextCharFormat(), QTextCharFormat()
        plain.setForeground(colour)
        typed.setForeground(found if found is not None and row.command.action.isEnabled() else colour)
        typed.setFontWeight(QFont.Weight.Bold)
        formats = [_format(0, len(row.command.title), plain)]
        formats += [_format(place, 1, typed) for place in row.places]
        title.setFormats(formats)
        title.beginLayout()
        line = title.createLine()
        line.setLineWidth(1e6)
        title.endLayout()
        painter.save()
        painter.setClipRect(box)
        title.draw(painter, QPointF(box.left(), box.top() + (box.height() - line.height()) / 2))
        painter.restore()
        return round(line.naturalTextWidth())

    def _draw_keys(self, painter: QPainter, box: QRect, keys: list[str], metrics: QFontMetrics, colour: QColor) -> int:
        """Write keys at the right, framed; return the width that they take."""
        if not keys:
            return 0
        em = metrics.height()
        width, height = metrics.horizontalAdvance(keys[0]) + em, round(1.4 * em)
        cap = QRect(box.right() - width, box.center().y() - height // 2 + 1, width, height)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        frame = QColor(colour)
        frame.setAlphaF(0.5)
        painter.setPen(QPen(frame, 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(colour)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, keys[0])
        return width


def _format(start: int, length: int, look: QTextCharFormat) -> QTextLayout.FormatRange:
    part = QTextLayout.FormatRange()
    part.start, part.length, part.format = start, length, look
    return part
