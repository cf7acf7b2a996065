"""A whole photo, in which a face is chosen, or the three points of one are put into place."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.marks import BADGE, paint_face
from app.points_view import ARROWS, REACH, PointsView, distance, is_command
from engine.align import Face
from engine.types import Pixels

_Key = Qt.Key


class PhotoView(PointsView):
    """Shows a photo with its faces boxed, or with the points and the crop of one of them.

    Zooms with the wheel, and pans with the middle button or Space and a drag, as any pane, but by itself.

    Parameters
    ----------
    title
        What it shows, for assistive technology.

    Signals
    -------
    chosen
        Another face was selected, by its index: by a click or the keyboard (Tab, arrows, digits).
    picked
        A face was clicked at, or the selected one confirmed with Enter, by its index.
    """

    chosen = Signal(int)
    picked = Signal(int)

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._faces: list[Face] = []
        self._selected: int | None = None
        self._face_under: int | None = None

    @property
    def selected(self) -> int | None:
        """The selected face's index."""
        return self._selected

    def set_photo(self, pixels: Pixels) -> None:
        """Show a photo, uint8 (H, W, 3), without copying it, with neither faces nor points.

        Raises
        ------
        ValueError
            If it is no such picture.
        """
        self.set_image(pixels)
        self.set_points(None)
        self.set_faces([], None)
        self.view.set_image_size(pixels.shape[1], pixels.shape[0])

    def set_faces(self, faces: Sequence[Face], selected: int | None) -> None:
        """Show boxes around faces; they are hidden while points are adjusted.

        Raises
        ------
        IndexError
            If there is no such face as the selected one.
        """
        if selected is not None and not 0 <= selected < len(faces):
            raise IndexError(f"there is no face {selected} among {len(faces)}")
        self._faces, self._selected = list(faces), selected
        self._hover_face(None)
        self._describe()
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self.panning or self._points is not None:
            super().mousePressEvent(event)
        elif (face := self._face_at(event.position())) is not None:
            self._choose(face)
            self.picked.emit(face)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self._points is None and not self.panning:
            self._hover_face(self._face_at(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        self._hover_face(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._points is not None or is_command(event):
            super().keyPressEvent(event)
        elif event.key() in ARROWS:
            step = sum(ARROWS[_Key(event.key())])
            self._step(step)
        elif _Key.Key_1 <= event.key() <= _Key.Key_9:
            self._choose(event.key() - _Key.Key_1)
        else:
            if event.key() in (_Key.Key_Return, _Key.Key_Enter) and self._selected is not None:
                self.picked.emit(self._selected)
            # Enter goes on to whoever shows this view, too.
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab go through faces or handles, and on to the next widget behind the last one."""
        if self._points is None and self._step(1 if forward else -1):
            return True
        return super().focusNextPrevChild(forward)

    def _knows(self, event: QKeyEvent) -> bool:
        if self._points is not None or is_command(event):
            return super()._knows(event)
        return event.key() in ARROWS or _Key.Key_1 <= event.key() <= _Key.Key_9

    def _step(self, step: int) -> bool:
        """Select the next face or the one before; return whether there is one."""
        return self._choose((-1 if self._selected is None else self._selected) + step)

    def _choose(self, face: int) -> bool:
        """Select a face; return whether there is such a one."""
        if not 0 <= face < len(self._faces):
            return False
        if face != self._selected:
            self._selected = face
            self._describe()
            self.update()
            self.chosen.emit(face)
        return True

    def _face_at(self, position: QPointF) -> int | None:
        hits: list[tuple[float, int]] = []
        for index, face in enumerate(self._faces):
            box = self._to_screen(face.outline)
            inside = box.containsPoint(position, Qt.FillRule.OddEvenFill)
            # A tiny face is hit as easily as a handle.
            near = distance(box.boundingRect().center(), position) <= REACH
            if inside or near or distance(box.at(0), position) <= BADGE:
                hits.append((face.alignment.side, index))
        # Of boxes within one another, the inner one.
        return min(hits)[1] if hits else None

    def _hover_face(self, face: int | None) -> None:
        if face != self._face_under:
            self._face_under = face
            self._update_cursor()
            self.update()

    def _paint_overlay(self, painter: QPainter) -> None:
        super()._paint_overlay(painter)
        if self._points is None:
            for index, face in enumerate(self._faces):
                box = self._to_screen(face.outline)
                paint_face(painter, box, index + 1, index == self._selected, index == self._face_under)

    def _describe(self) -> None:
        if self._points is not None:
            super()._describe()
        elif self._selected is not None:
            text = self.tr("Face {0} of {1} is selected").format(self._selected + 1, len(self._faces))
            self.setAccessibleDescription(text)
        else:
            self.setAccessibleDescription(self.tr("Faces: {0}; none is selected").format(len(self._faces)))

    def _set_idle_cursor(self) -> None:
        if self._points is None and self._face_under is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            super()._set_idle_cursor()
