"""Files and pictures dropped on the window, with a hint where to drop them."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QDragMoveEvent,
    QDropEvent,
    QFont,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
)
from PySide6.QtWidgets import QWidget

from app.intake import may_hold_picture, take
from app.project import SUFFIX
from app.theme import colours
from engine.types import EngineError

if TYPE_CHECKING:
    from app.window import MainWindow


class Dropping(QObject):
    """Opens what is dropped on a window: to edit it or, with Shift or on the style's button, as an exemplar.

    Parameters
    ----------
    window
        The window; anywhere on it counts.
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window
        self.hint = DropHint(window)
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QDropEvent) and may_hold_picture(event.mimeData()):
            if isinstance(event, QDragMoveEvent):  # entering is the first move
                self._show(event)
            else:
                self.hint.hide()
                self._drop(event)
            return True
        if event.type() == QEvent.Type.DragLeave:
            self.hint.hide()
        return False

    def _show(self, event: QDropEvent) -> None:
        self._accept(event)
        if _is_project(event):
            self.hint.show_words(self.tr("Drop the project to go on with it"))
            return
        words, more = self.tr("Drop a photo to edit it"), ""
        if self._as_exemplar(event):
            words = self.tr("Drop a photo to take its style")
        elif self._can_take_style:
            more = self.tr("Hold Shift, or drop it on the style button, to take only its style")
        self.hint.show_words(words, more, self._button_area())

    def _drop(self, event: QDropEvent) -> None:
        self._accept(event)
        try:
            taken = take(event.mimeData())
        except EngineError as error:
            self._window.banner.show_problem(error)
            return
        exemplar, name = self._as_exemplar(event), self.tr("Dropped picture")
        # A dialog that asks about unsaved edits must not open while the other program waits for the end of the drag.
        QTimer.singleShot(0, self, lambda: self._window.commands.take(taken, name, exemplar))

    def _accept(self, event: QDropEvent) -> None:
        # With Shift, the desktop would move the file away.
        if event.possibleActions() & Qt.DropAction.CopyAction:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
        else:
            event.acceptProposedAction()

    @property
    def _can_take_style(self) -> bool:
        return self._window.editor.portrait is not None and not self._window.questions.open

    def _as_exemplar(self, event: QDropEvent) -> bool:
        if _is_project(event):
            return False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        return self._can_take_style and (shift or self._button_area().contains(event.position().toPoint()))

    def _button_area(self) -> QRect:
        button = self._window.page.style_button
        if not self._can_take_style:
            return QRect()
        return QRect(button.mapTo(self._window, QPoint(0, 0)), button.size())


def _is_project(event: QDropEvent) -> bool:
    urls = event.mimeData().urls()
    return bool(urls) and urls[0].toLocalFile().lower().endswith(SUFFIX)


class DropHint(QWidget):
    """Tells, over the whole of its parent, what dropping a photo here does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName(self.tr("Drop hint"))
        self._words, self._more = "", ""
        self._spot = QRect()
        self.hide()

    @property
    def words(self) -> str:
        """What it says."""
        return self._words

    def show_words(self, words: str, more: str = "", spot: QRect | None = None) -> None:
        """Show words and, smaller, some more; a place of the parent stays bright."""
        self._words, self._more, self._spot = words, more, spot or QRect()
        self.setAccessibleDescription(words)
        self.setGeometry(self._over.rect())
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        spot = QRectF(self._spot).adjusted(-2, -2, 2, 2)
        shade = QPainterPath()
        shade.addRect(QRectF(self.rect()))
        if not self._spot.isEmpty():
            hole = QPainterPath()
            hole.addRoundedRect(spot, 6, 6)
            shade = shade.subtracted(hole)
        dark = QColor(colours().window)
        dark.setAlphaF(0.93)
        painter.fillPath(shade, dark)
        painter.setPen(QPen(QColor(colours().accent), 2, Qt.PenStyle.DashLine))
        if not self._spot.isEmpty():
            painter.drawRoundedRect(spot, 6, 6)
        # Below the tool bar and the headers, so that the style's button is not crossed.
        frame = QRectF(self.rect()).adjusted(28, max(132.0, spot.bottom() + 14), -28, -56)
        painter.drawRoundedRect(frame, 14, 14)
        self._write(painter, frame)

    def _write(self, painter: QPainter, frame: QRectF) -> None:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.9)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(colours().text))
        middle, flags = frame.center().y(), Qt.AlignmentFlag
        above = QRectF(frame.left(), frame.top(), frame.width(), frame.height() / 2)
        if not self._more:
            painter.drawText(frame, flags.AlignCenter, self._words)
            return
        painter.drawText(above, flags.AlignHCenter | flags.AlignBottom, self._words)
        painter.setFont(self.font())
        painter.setPen(QColor(colours().muted))
        below = QRectF(frame.left(), middle + 10, frame.width(), frame.height() / 2 - 10)
        painter.drawText(below, flags.AlignHCenter | flags.AlignTop, self._more)
