"""The panel that lists what was done to the mask, and goes back to it or compares with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QLabel,
    QMenu,
    QStackedWidget,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from app.glyphs import paint_glyph, paint_row, part, square, tone
from app.history_model import STATE, HistoryModel, Index, RowState
from app.widgets import ROW_KEYS, Chip, KeyedList, Panel

if TYPE_CHECKING:
    from app.history import History

_GAP = 8.0


class HistoryDelegate(QStyledItemDelegate):
    """Draws the rows.

    Attributes
    ----------
    hovered
        The row that the cursor is over, -1 for none, and whether it is over the row's button.
    """

    def __init__(self, model: HistoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self.hovered: tuple[int, bool] = (-1, False)

    @staticmethod
    def side(metrics: QFontMetrics) -> int:
        """Return the side of the pictures, screen pixels."""
        return max(36, 2 * metrics.height() + 8)

    @staticmethod
    def button(row: QRectF, metrics: QFontMetrics) -> QRectF:
        """Return where a row's button lies."""
        side = metrics.height() + 10.0
        return QRectF(row.right() - side - 4, row.center().y() - side / 2, side, side)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, self.side(part(option, "fontMetrics")) + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        state: RowState = index.data(STATE)
        row, metrics = QRectF(part(option, "rect")), part(option, "fontMetrics")
        over = self.hovered[0] == index.row()
        focused = bool(part(option, "state") & QStyle.StateFlag.State_HasFocus)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_row(painter, row, state.current, over, focused)
        side = self.side(metrics)
        tile = QRectF(row.x() + 6, row.center().y() - side / 2, side, side)
        self._paint_tile(painter, tile, index.row(), state)
        button = self.button(row, metrics)
        beside = state.compared or (not state.current and (over or focused))
        if beside:
            self._paint_button(painter, button, state, over and self.hovered[1])
        space = QRectF(row)
        space.setLeft(tile.right() + _GAP)
        space.setRight(button.left() - 4 if beside else row.right() - 6)
        self._paint_texts(painter, space, index.row(), state, option)
        painter.restore()

    def _paint_tile(self, painter: QPainter, tile: QRectF, row: int, state: RowState) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone("pressed"))
        painter.setOpacity(1.0 if state.done else 0.4)
        painter.drawRoundedRect(tile, 4, 4)
        ratio = painter.device().devicePixelRatioF()
        picture = self._model.picture(row, round((tile.width() - 4) * ratio))
        if picture is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(tile.adjusted(2, 2, -2, -2), picture)
        else:
            glyph = "history" if self._model.earlier else "face"
            paint_glyph(painter, glyph, square(tile.center(), tile.width() * 0.55), tone("muted"))
        painter.setOpacity(1.0)

    def _paint_button(self, painter: QPainter, box: QRectF, state: RowState, touched: bool) -> None:
        if state.compared or touched:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tone("accent" if state.compared else "pressed"))
            painter.drawRoundedRect(box, 4, 4)
        colour = tone("on_accent" if state.compared else "text" if touched else "muted")
        paint_glyph(painter, "compare", box.adjusted(4, 4, -4, -4), colour)

    def _paint_texts(
        self, painter: QPainter, space: QRectF, row: int, state: RowState, option: QStyleOptionViewItem
    ) -> None:
        metrics = part(option, "fontMetrics")
        words = "selected" if state.current else "text" if state.done else "disabled"
        lines = [(self._model.title(row), tone(words))]
        remark = self._model.remark(row)
        if remark:
            lines.append((remark[0].upper() + remark[1:], tone("muted" if words == "text" else words)))
        painter.setFont(part(option, "font"))
        top = space.center().y() - len(lines) * metrics.height() / 2
        for number, (text, colour) in enumerate(lines):
            painter.setPen(colour)
            painter.setOpacity(0.8 if number and state.current else 1.0)
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, round(space.width()) + 1)
            box = QRectF(space.x(), top + number * metrics.height(), space.width(), metrics.height())
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, shown)


class HistoryView(KeyedList):
    """The rows, and what mouse and keys do to them.

    Signals
    -------
    jump_asked(int)
        The mask shall be as it was at a row.
    compare_toggled(int)
        A row shall be compared with the present, or no longer.
    """

    jump_asked = Signal(int)
    compare_toggled = Signal(int)

    def __init__(self, model: HistoryModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._rows = HistoryDelegate(model, self)
        self._pressed = QModelIndex()
        self.setModel(model)
        self.setItemDelegate(self._rows)
        self.setAccessibleName(self.tr("History"))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        # Clicks leave the keyboard's focus with the canvas, whose tool may be under way.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def minimumSizeHint(self) -> QSize:
        side = HistoryDelegate.side(self.fontMetrics())
        return QSize(2 * side + 8 * self.fontMetrics().averageCharWidth(), 2 * side)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in ROW_KEYS or not self.currentIndex().isValid():
            super().keyPressEvent(event)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._compare(self.currentIndex().row())
        else:
            self.jump_asked.emit(self.currentIndex().row())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        left = event.button() == Qt.MouseButton.LeftButton
        self._pressed = self.indexAt(event.position().toPoint()) if left else QModelIndex()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        pressed, self._pressed = self._pressed, QModelIndex()
        if not index.isValid() or index != pressed:
            return
        if self._on_button(index, event.position()):
            self._compare(index.row())
        else:
            self.jump_asked.emit(index.row())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        self._hover((index.row(), self._on_button(index, event.position())) if index.isValid() else (-1, False))

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover((-1, False))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            place = self.visualRect(index).center() if by_key else event.pos()
            self.menu(index.row()).popup(self.viewport().mapToGlobal(place))

    def menu(self, row: int) -> QMenu:
        """Return a new menu of what can be done with a row; it deletes itself when it closes."""
        state = self._model.state(row)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        jump = menu.addAction(self.tr("Go back to this step") if state.done else self.tr("Redo up to this step"))
        jump.setEnabled(not state.current)
        jump.triggered.connect(lambda: self.jump_asked.emit(row))
        compare = menu.addAction(self.tr("Compare with now"))
        compare.setCheckable(True)
        compare.setChecked(state.compared)
        compare.setEnabled(state.compared or not state.current)
        compare.triggered.connect(lambda: self._compare(row))
        return menu

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            if index.isValid():
                box = self.visualRect(index)
                QToolTip.showText(event.globalPos(), self._help(index, event.pos()), self.viewport(), box)
                return True
        return super().viewportEvent(event)

    def _help(self, index: QModelIndex, place: QPoint) -> str:
        if self._on_button(index, QPointF(place)):
            if self._model.state(index.row()).compared:
                return self.tr("Stop comparing (Shift+Enter)")
            return self.tr("Compare with now (Shift+Enter)")
        text = self.tr("{0}\nClick to go there (Enter)")
        return text.format(index.data(Qt.ItemDataRole.AccessibleTextRole))

    def _compare(self, row: int) -> None:
        state = self._model.state(row)
        if state.compared or not state.current:
            self.compare_toggled.emit(row)

    def _on_button(self, index: QModelIndex, place: QPointF) -> bool:
        state = self._model.state(index.row())
        box = HistoryDelegate.button(QRectF(self.visualRect(index)), self.fontMetrics())
        return (state.compared or not state.current) and box.contains(place)

    def _hover(self, hovered: tuple[int, bool]) -> None:
        if hovered != self._rows.hovered:
            self._rows.hovered = hovered
            self.viewport().update()


class HistoryPanel(Panel):
    """Lists what was done, from the original to the newest step; those that are undone are dimmed.

    Parameters
    ----------
    history
        What is listed.

    Signals
    -------
    jump_asked(int)
        The mask shall be as it was when so many of the history's edits were done.
    compare_asked(int)
        The state in which so many edits are done shall be compared with the present one; -1 for none any more.
    """

    jump_asked = Signal(int)
    compare_asked = Signal(int)

    def __init__(self, history: History, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self.model = HistoryModel(history, self)
        self.view = HistoryView(self.model)
        self.bar = Chip(self.tr("Stop comparing"))
        self.footer = QLabel()
        self.footer.setObjectName("muted")
        self.footer.setContentsMargins(10, 4, 10, 6)
        empty = QLabel(self.tr("Each change will be listed here."))
        empty.setObjectName("muted")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setWordWrap(True)
        empty.setMargin(16)
        self._pages = QStackedWidget()
        self._pages.addWidget(empty)
        self._pages.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addWidget(self._pages, 1)
        column.addWidget(self.footer)
        self.view.jump_asked.connect(self.jump_asked)
        self.view.compare_toggled.connect(lambda row: self._compare(-1 if row == self.model.compared else row))
        self.bar.closed.connect(lambda: self._compare(-1))
        self.model.compared_lost.connect(lambda: self._compare(-1))
        history.changed.connect(self._refresh)
        self._refresh()

    def set_compared(self, index: int) -> None:
        """Mark the state that is compared with the present, without a signal; -1 for none."""
        self.model.set_compared(index)
        self._refresh_bar()

    def set_colour_blind_safe(self, safe: bool) -> None:
        """Show the classes in one palette or the other."""
        self.model.set_colour_blind_safe(safe)

    def _compare(self, row: int) -> None:
        self.set_compared(row)
        self.compare_asked.emit(row)

    def _refresh(self) -> None:
        model = self.model
        self._pages.setCurrentIndex(int(bool(model.steps or model.earlier)))
        now = model.index(model.index_of_now)
        if now != self.view.currentIndex():
            # It comes into view by that, too.
            self.view.setCurrentIndex(now)
        self._refresh_bar()
        self.footer.setVisible(bool(model.steps))
        size = self.locale().toString(max(self._history.nbytes / 1e6, 0.1), "f", 1)
        counted = self.tr("1 step, {1} MB") if model.steps == 1 else self.tr("{0} steps, {1} MB")
        self.footer.setText(counted.format(model.steps, size))

    def _refresh_bar(self) -> None:
        row = self.model.compared
        self.bar.setVisible(row >= 0)
        if row >= 0:
            state = self.model.state(row)
            if not state.number:
                text = self.tr("Comparing with the original")
            elif state.first:
                text = self.tr("Comparing with step {0}")
            else:
                text = self.tr("Comparing with step {0}: {1}")
            self.bar.set_text(text.format(state.number, self.model.title(row)))
