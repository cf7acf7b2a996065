"""A photo in which the three points of a face are put into place, with the crop that follows from them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPolygonF, QShowEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.marks import bounds_of, caption_box, paint_crop, paint_handle
from app.pane import NOTCH, ImagePane
from app.view import ViewModel
from app.wipe import caption_size, draw_caption
from engine.align import Points, alignment_of

REACH = 14.0
"""Screen pixels around a handle at which it can be taken hold of."""
GROW = 1.02
"""The factor by which a key makes the crop larger."""
GROW_BY_WHEEL = 1.05
"""The same for one notch of the wheel."""
LEAST_SPREAD = 1.0
"""The points are not brought closer together than this, in pixels of the photo: they could not be parted again."""
SMALL_CROP = 0.4
"""A crop that covers less than this share of the view is zoomed in on."""

_Key = Qt.Key
ARROWS = {_Key.Key_Left: (-1, 0), _Key.Key_Right: (1, 0), _Key.Key_Up: (0, -1), _Key.Key_Down: (0, 1)}
_SHAPES = {
    _Key.Key_BracketLeft: (0.0, 1 / GROW),
    _Key.Key_BracketRight: (0.0, GROW),
    _Key.Key_Comma: (-1.0, 1.0),
    _Key.Key_Period: (1.0, 1.0),
}
"""Degrees clockwise and factor of the keys that turn and scale the crop."""


class _Hold(NamedTuple):
    """What a drag holds: a handle by its index, None for all three; where it began, and the points then."""

    handle: int | None
    start: QPointF
    points: Points


class PointsView(ImagePane):
    """Shows a picture in a view of its own, with handles at three points while there are any.

    Signals
    -------
    points_changed
        The points were moved; an array of its own, (3, 2).
    """

    points_changed = Signal(object)

    def __init__(self, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(ViewModel(), title, parent)
        self.view.setParent(self)
        self._points: Points | None = None
        self._handle = 0
        self._hovered: int | None = None
        self._hold: _Hold | None = None
        self._zoom_when_shown = False
        self.setMouseTracking(True)

    @property
    def points(self) -> Points | None:
        """A copy of the points that are adjusted."""
        return None if self._points is None else self._points.copy()

    def set_points(self, points: NDArray[np.floating] | None) -> None:
        """Show handles at right eye, left eye and mouth and the crop that follows; None ends the adjustment.

        Raises
        ------
        ValueError
            If these are not three finite points.
        """
        if points is not None:
            points = np.array(points, np.float64)
            if points.shape != (3, 2) or not np.isfinite(points).all():
                raise ValueError("expected three finite points")
            points = np.clip(points, *self._limits())
        self._points, self._hold, self._zoom_when_shown = points, None, False
        self._hover(None)
        self._describe()
        self._update_cursor()
        self.update()

    def zoom_to_crop(self) -> None:
        """Zoom in on a crop too small for its handles; now or, while the view is hidden, as soon as it is shown."""
        self._zoom_when_shown = not self.isVisible()
        crop = self._crop()
        if self._zoom_when_shown or crop is None:
            return
        self.view.fit()
        box = self._to_screen(crop).boundingRect()
        share = max(box.width() / self.width(), box.height() / self.height())
        if share < SMALL_CROP:
            self.view.set_scale(self.view.scale * 0.6 / share)
            apart = self._to_screen(crop).boundingRect().center() - QPointF(self.rect().center())
            self.view.pan(-apart.x(), -apart.y())

    # The hand

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self.panning or self._points is None:
            super().mousePressEvent(event)
            return
        position, crop = event.position(), self._crop()
        handle = self._handle_at(position)
        if handle is not None:
            self._touch(handle)
        elif crop is None or not self._to_screen(crop).containsPoint(position, Qt.FillRule.OddEvenFill):
            return
        self._hold = _Hold(handle, self.to_image(position), self._points)
        self._update_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        if self.panning or self._points is None:
            return
        if self._hold is not None and not event.buttons() & Qt.MouseButton.LeftButton:
            # The release went elsewhere, say to a dialogue or another window.
            self._hold = None
        if self._hold is not None:
            self._drag(self._hold, self.to_image(event.position()))
        else:
            self._hover(self._handle_at(event.position()))
        self._update_cursor()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._hold = None
        super().mouseReleaseEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        if self._hold is None:
            self._hover(None)
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self._points is None or not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().wheelEvent(event)
            return
        # With Shift, some desktops turn the wheel sideways.
        delta = event.angleDelta().y() or event.angleDelta().x()
        if self._hold is None:
            self._turn_and_grow(self._points, 0.0, GROW_BY_WHEEL ** (delta / NOTCH))
        event.accept()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._hold = None
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._hold = None
        super().hideEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._zoom_when_shown:
            self.zoom_to_crop()

    # The keyboard

    def event(self, event: QEvent) -> bool:
        # The window's own shortcuts (digits choose classes, brackets a brush) must not take these keys.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._knows(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._points is None or not self._knows(event):
            super().keyPressEvent(event)
        elif self._hold is not None:
            # A drag cannot be mixed with keys; Escape takes it back.
            if event.key() == _Key.Key_Escape:
                points, self._hold = self._hold.points, None
                self._move(points)
                self._update_cursor()
        elif event.key() in ARROWS:
            step = 10.0 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
            moved = self._points.copy()
            moved[self._handle] += np.multiply(ARROWS[_Key(event.key())], step)
            self._move(np.clip(moved, *self._limits()))
        elif event.key() in _SHAPES:
            self._turn_and_grow(self._points, *_SHAPES[_Key(event.key())])
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Let Tab go through the handles, and on to the next widget behind the last one."""
        handle = self._handle + (1 if forward else -1)
        if self._points is None or not 0 <= handle < 3:
            return super().focusNextPrevChild(forward)
        self._touch(handle)
        return True

    def _knows(self, event: QKeyEvent) -> bool:
        """Whether a key means something here."""
        if self._points is None or is_command(event):
            return False
        if self._hold is not None and event.key() in (_Key.Key_Escape, _Key.Key_Space):
            return True
        return event.key() in ARROWS or event.key() in _SHAPES

    # Moving

    def _touch(self, handle: int) -> None:
        """Make a handle the one that the arrow keys move."""
        if handle != self._handle:
            self._handle = handle
            self._describe()
            self.update()

    def _drag(self, hold: _Hold, place: QPointF) -> None:
        low, high = self._limits()
        step = np.array([place.x() - hold.start.x(), place.y() - hold.start.y()])
        moved = hold.points.copy()
        if hold.handle is None:
            # Held back together at the limits, so that the crop keeps its shape.
            moved += np.clip(step, low - moved.min(axis=0), high - moved.max(axis=0))
        else:
            moved[hold.handle] = np.clip(moved[hold.handle] + step, low, high)
        self._move(moved)

    def _turn_and_grow(self, points: Points, degrees: float, factor: float) -> None:
        """Turn the points clockwise and scale them about their middle, unless one of them would go too far."""
        middle, turn = points.mean(axis=0), np.radians(degrees)
        cos, sin = factor * np.cos(turn), factor * np.sin(turn)
        moved = middle + (points - middle) @ np.array([[cos, sin], [-sin, cos]])
        low, high = self._limits()
        too_small = factor < 1 and np.abs(moved - middle).max() < LEAST_SPREAD
        if not too_small and (moved >= low).all() and (moved <= high).all():
            self._move(moved)

    def _move(self, points: Points) -> None:
        if self._points is None or np.array_equal(points, self._points):
            return
        self.update(self._covered())
        self._points = points
        self.update(self._covered())
        self.points_changed.emit(points.copy())

    def _limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return how far the points may leave the photo."""
        size = np.array([self.view.image_size.width(), self.view.image_size.height()], np.float64)
        return np.full(2, -size.max()), size + size.max()

    # Places

    def _to_screen(self, places: NDArray[np.float64]) -> QPolygonF:
        polygon = QPolygonF([QPointF(x, y) for x, y in places.tolist()])
        return self.view.transform(QSizeF(self.size())).map(polygon)

    def _crop(self) -> NDArray[np.float64] | None:
        """Return the crop's corners; None where no crop follows from the points."""
        if self._points is None:
            return None
        try:
            return alignment_of(self._points).corners()
        except ValueError:
            return None

    def _handle_at(self, position: QPointF) -> int | None:
        if self._points is None:
            return None
        apart = [distance(place, position) for place in self._to_screen(self._points).toList()]
        nearest = int(np.argmin(apart))
        return nearest if apart[nearest] <= REACH else None

    def _covered(self) -> QRect:
        """Return what changes as the points move: outside of the crop, everything is equally dim."""
        crop = self._crop()
        if self._points is None or crop is None:
            return self.rect()
        covered = bounds_of(self._to_screen(np.r_[crop, self._points]).boundingRect(), QRectF(self.rect()))
        for box, _ in self._handle_captions(self._to_screen(self._points)):
            covered = covered.united(box)
        return covered.intersected(self.rect())

    # Showing

    def _paint_overlay(self, painter: QPainter) -> None:
        if self._points is None:
            return
        crop = self._crop()
        if crop is not None:
            paint_crop(painter, self._to_screen(crop), self.rect())
        places = self._to_screen(self._points)
        for box, text in self._handle_captions(places):
            draw_caption(painter, box, text)
        # Where handles coincide, the topmost is the one that a press takes.
        for index, place in reversed(list(enumerate(places.toList()))):
            paint_handle(painter, place, index == self._handle, index == self._hovered)

    def _handle_captions(self, places: QPolygonF) -> list[tuple[QRect, str]]:
        right, left, mouth = places.toList()
        captions = (
            (right, left, self.tr("Right eye (on the left)")),
            (left, right, self.tr("Left eye (on the right)")),
            (mouth, (right + left) / 2, self.tr("Mouth")),
        )
        placed: list[tuple[QRect, str]] = []
        for at, other, text in captions:
            box = caption_box(at, other, caption_size(self.fontMetrics(), text), self.rect())
            # Words over words could not be read: where points coincide, the first one's are shown.
            if not any(box.intersects(before) for before, _ in placed):
                placed.append((box, text))
        return placed

    def _hover(self, handle: int | None) -> None:
        if handle == self._hovered:
            return
        self._hovered = handle
        tips = (
            self.tr("The person's right eye: in the picture, it is on the left"),
            self.tr("The person's left eye: in the picture, it is on the right"),
            self.tr("The middle of the mouth"),
        )
        self.setToolTip("" if handle is None else tips[handle])
        self.update()

    def _describe(self) -> None:
        """Say what is selected, for assistive technology."""
        if self._points is not None:
            names = self.tr("right eye"), self.tr("left eye"), self.tr("mouth")
            text = self.tr("The arrow keys move this point: {0}").format(names[self._handle])
            self.setAccessibleDescription(text)

    def _set_idle_cursor(self) -> None:
        if self._hold is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._hovered is not None:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            super()._set_idle_cursor()


def distance(one: QPointF, other: QPointF) -> float:
    """Return how far two points lie apart."""
    step = one - other
    return QPointF.dotProduct(step, step) ** 0.5


def is_command(event: QKeyEvent) -> bool:
    """Whether a key is pressed with Control, Alt or the like; both together are AltGr, with which one types."""
    held, wanted = event.modifiers(), Qt.KeyboardModifier
    return bool(held & wanted.MetaModifier) or bool(held & wanted.ControlModifier) != bool(held & wanted.AltModifier)
