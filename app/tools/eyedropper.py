"""The tool that takes up the class under the cursor."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QCoreApplication, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QTransform

from app.tools.guides import caption_bounds, draw_caption
from app.tools.tool import Hand, Studio, Tool
from resources.labels import LABELS, palette


class EyedropperTool(Tool):
    """Takes up the class under the cursor, and tells by a caption which one that is.

    However many classes a drag passes, `Studio.last_label` becomes the one that was painted before it.
    """

    name = "eyedropper"
    picks = False

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._hand: Hand | None = None
        self._before: tuple[int, int] | None = None
        self._colours = palette()

    def set_colours(self, colours: NDArray[np.uint8]) -> None:
        """Set the colours of the classes, uint8 of shape (19, 3), RGB."""
        self._colours = colours
        self.changed.emit()

    @property
    def resting(self) -> bool:
        return self._before is None

    def press(self, hand: Hand) -> None:
        """Take up the class here."""
        if self.editor.document is not None:
            self._before = self.studio.label, self.studio.last_label
            self.move(hand)

    def move(self, hand: Hand) -> None:
        """Take up the class here instead."""
        self.hover(hand)
        found = self._found()
        if self._before is None or found is None:
            return
        label, last = self._before
        self._take(found, last if found == label else label)

    def release(self, hand: Hand) -> None:
        """Stay with what was taken up."""
        self._before = None

    def hover(self, hand: Hand) -> None:
        """Show which class lies here."""
        self._hand = hand
        self.changed.emit()

    def left(self) -> None:
        self._hand = None
        self.changed.emit()

    def escape(self) -> bool:
        """Go back to the class that was painted before the drag."""
        if self._before is None:
            return False
        before, self._before = self._before, None
        self._take(*before)
        return True

    def finish(self) -> None:
        self._before = None

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        found = self._found()
        if found is not None and self._hand is not None:
            colour = QColor(*self._colours[found].tolist())
            draw_caption(painter, self._hand.at, _title(found), colour)

    def bounds(self, to_screen: QTransform) -> QRectF:
        found = self._found()
        if found is None or self._hand is None:
            return QRectF()
        return caption_bounds(self._hand.at, _title(found))

    def cursor(self) -> Qt.CursorShape:
        return Qt.CursorShape.CrossCursor

    def _take(self, label: int, last: int) -> None:
        """Paint a class, as if another one had been painted before."""
        if label != self.studio.label:
            self.studio.label, self.studio.last_label = label, last
            self.studio.label_changed.emit(label)

    def _found(self) -> int | None:
        """Return the class under the cursor; None outside the mask."""
        document, hand = self.editor.document, self._hand
        if document is None or hand is None:
            return None
        height, width = document.labels.shape
        if not (0 <= hand.x < width and 0 <= hand.y < height):
            return None
        return int(document.labels[int(hand.y), int(hand.x)])


def _title(label: int) -> str:
    return QCoreApplication.translate("Label", LABELS[label].title)
