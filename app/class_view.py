"""The rows of the list of classes: what mouse and keys do to them."""

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QHelpEvent, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QStyle, QToolTip, QWidget

from app.class_rows import STATE, ClassDelegate, ClassModel, RowState, Zone, Zones
from app.titles import label_title
from app.widgets import ROW_KEYS, KeyedList
from resources.labels import LABEL_COUNT

_SPARE = (5, 8)
"""The least and the most room of a row beside its text, in screen pixels: all 19 are seen if they fit."""


class ClassView(KeyedList):
    """The rows, and what mouse and keys do to them.

    Signals
    -------
    chosen(int)
        A class was chosen.
    shown(int, bool)
        A class is to be shown or hidden.
    locked(int, bool)
        A class is to be locked or unlocked.
    solo_asked(int)
        A class is to be the only one shown, or no longer.
    menu_asked(int, QPoint)
        A class's menu is wanted, at a place of the screen.
    """

    chosen = Signal(int)
    shown = Signal(int, bool)
    locked = Signal(int, bool)
    solo_asked = Signal(int)
    menu_asked = Signal(int, QPoint)

    def __init__(self, model: ClassModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows = ClassDelegate(self)
        self._sweep: tuple[Zone, bool] | None = None
        self.setModel(model)
        self.setItemDelegate(self._rows)
        self.setAccessibleName(self.tr("Classes"))
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        # Clicks leave the keyboard's focus with the canvas, whose tool may be under way.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.selectionModel().currentChanged.connect(lambda index: self.chosen.emit(index.row()))
        self._fit()

    def set_label(self, label: int) -> None:
        """Mark a class as chosen, without a signal."""
        self.blockSignals(True)
        self.setCurrentIndex(self.model().index(label, 0))
        self.blockSignals(False)
        self.viewport().update()

    def minimumSizeHint(self) -> QSize:
        frame = self.contentsMargins()
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, self)
        sides = frame.left() + frame.right() + self.width() - self.contentsRect().width() if self.isVisible() else 8
        return QSize(ClassDelegate.width(self.fontMetrics()) + bar + sides, 4 * self._rows.height(self.fontMetrics()))

    def sizeHint(self) -> QSize:
        return QSize(self.minimumSizeHint().width(), LABEL_COUNT * (self.fontMetrics().height() + _SPARE[1]) + 4)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if event.key() not in ROW_KEYS or not index.isValid():
            super().keyPressEvent(event)
            return
        state = self._state(index)
        if event.key() != Qt.Key.Key_Space:
            self.solo_asked.emit(state.label)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.locked.emit(state.label, not state.locked)
        else:
            self.shown.emit(state.label, not state.seen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid():
            return
        state, zone = self._state(index), self._zone(index, event.position())
        if zone == "body":
            if index == self.currentIndex():
                self.chosen.emit(state.label)
            self.setCurrentIndex(index)
        elif zone == "eye" and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.solo_asked.emit(state.label)
        else:
            self._sweep = zone, not (state.seen if zone == "eye" else state.locked)
            self._set(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = self.indexAt(event.position().toPoint())
        if self._sweep is not None:
            # One drag over eyes or locks sets them all alike.
            self._set(index)
        self._hover(index, event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._sweep = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover(QModelIndex(), QPointF())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_key = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_key else self.indexAt(event.pos())
        if index.isValid():
            place = self.viewport().mapToGlobal(self.visualRect(index).center()) if by_key else event.globalPos()
            self.menu_asked.emit(index.row(), place)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.indexAt(event.pos())
            if index.isValid():
                box = self.visualRect(index)
                QToolTip.showText(event.globalPos(), self._help(index, QPointF(event.pos())), self.viewport(), box)
                return True
        return super().viewportEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()
            self.updateGeometry()

    def _fit(self) -> None:
        room = self.viewport().height() // LABEL_COUNT - self.fontMetrics().height()
        spare = min(max(room, _SPARE[0]), _SPARE[1])
        if spare != self._rows.spare:
            self._rows.spare = spare
            self.scheduleDelayedItemsLayout()

    def _state(self, index: QModelIndex) -> RowState:
        return index.data(STATE)

    def _zone(self, index: QModelIndex, place: QPointF) -> Zone:
        row = QRectF(self.visualRect(index))
        return Zones.of(row, self.fontMetrics(), self.layoutDirection()).at(place.x())

    def _set(self, index: QModelIndex) -> None:
        if self._sweep is None or not index.isValid():
            return
        (zone, wanted), state = self._sweep, self._state(index)
        if zone == "eye" and state.seen != wanted:
            self.shown.emit(state.label, wanted)
        elif zone == "lock" and state.locked != wanted:
            self.locked.emit(state.label, wanted)

    def _hover(self, index: QModelIndex, place: QPointF) -> None:
        hovered: tuple[int, Zone] = (index.row(), self._zone(index, place)) if index.isValid() else (-1, "body")
        if hovered != self._rows.hovered:
            self._rows.hovered = hovered
            self.viewport().update()

    def _help(self, index: QModelIndex, place: QPointF) -> str:
        state, title = self._state(index), label_title(index.row())
        match self._zone(index, place):
            case "eye":
                first = self.tr("Hide {0} (Space)") if state.seen else self.tr("Show {0} (Space)")
                second = self.tr("Alt and click: show nothing else (Enter)")
                return f"{first.format(title)}\n{second}"
            case "lock" if state.locked:
                return self.tr("Unlock {0} (Shift+Space)").format(title)
            case "lock":
                return self.tr("Lock {0}, so that nothing is painted over it (Shift+Space)").format(title)
        return index.data(Qt.ItemDataRole.ToolTipRole)
