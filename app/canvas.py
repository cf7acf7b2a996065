"""The pane that is painted on: the mask over its picture, the brush's outline, and the drags of the hand."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.pane import NOTCH, ImagePane
from app.view import ViewModel
from engine.types import LabelMap
from resources.labels import palette

__all__ = ["ImagePane", "MaskCanvas"]

RING_MARGIN = 3
"""Screen pixels by which the brush's outline reaches beyond its circle."""
SMALL_RING = 4.0
"""Radius in screen pixels below which the outline alone would be hard to find, so a cross hair joins it."""


class MaskCanvas(ImagePane):
    """Shows the mask over its picture, and turns the left button's drags into places in the mask.

    It changes nothing by itself: its signals say what the hand does, in mask pixels, and whoever owns the document
    paints and calls `update_region`.

    Signals
    -------
    pressed, moved
        (x, y) of a drag of the left button; may lie outside the mask.
    released
        The drag is over: the button went up, or the pane lost focus or was hidden.
    cancelled
        Escape was pressed in a drag; no `released` follows.
    brush_step
        Notches of the wheel, positive for larger.
    hovered
        (x, y) under the cursor, in a drag too.
    left
        The cursor went away.
    """

    pressed = Signal(float, float)
    moved = Signal(float, float)
    released = Signal()
    cancelled = Signal()
    brush_step = Signal(int)
    hovered = Signal(float, float)
    left = Signal()

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(view, title, parent)
        self._labels: LabelMap | None = None
        self._mask: QImage | None = None
        self._opacity = 1.0
        self._colours = palette()
        self._radius: float | None = None
        self._cursor_at: QPointF | None = None
        self._dragging = False
        self._wheel = 0
        self.setMouseTracking(True)

    @property
    def dragging(self) -> bool:
        """Whether the left button is held down in a drag."""
        return self._dragging

    @property
    def mask_opacity(self) -> float:
        """How much the mask covers the picture, 0..1."""
        return self._opacity

    def set_mask_opacity(self, opacity: float) -> None:
        """Set how much the mask covers the picture, 0..1."""
        self._opacity = min(max(opacity, 0.0), 1.0)
        self.update()

    def set_labels(self, labels: LabelMap | None) -> None:
        """Show a mask, uint8 (H, W), C-contiguous, ids 0..18, by wrapping its buffer; None for nothing.

        Whoever writes to the buffer calls `update_region`.

        Raises
        ------
        ValueError
            If the buffer cannot be wrapped.
        """
        if labels is not None and (labels.dtype != np.uint8 or labels.ndim != 2 or not labels.flags.c_contiguous):
            raise ValueError("a mask must be a C-contiguous uint8 array of shape (H, W)")
        if self._dragging:
            self._dragging = False
            self.cancelled.emit()
        self._labels = labels
        self._mask = None
        if labels is not None:
            height, width = labels.shape
            self._mask = QImage(labels.data, width, height, width, QImage.Format.Format_Indexed8)
            self._mask.setColorTable(_colour_table(self._colours))
        self._update_cursor()
        self.update()

    def set_colours(self, colours: NDArray[np.uint8]) -> None:
        """Set the colours of the classes, uint8 of shape (19, 3), RGB."""
        self._colours = colours
        if self._mask is not None:
            self._mask.setColorTable(_colour_table(colours))
        self.update()

    def set_brush(self, radius: float | None) -> None:
        """Set the radius of the outline under the cursor, in mask pixels; None for a tool that has none."""
        self._update_ring()
        self._radius = radius
        self._update_ring()
        self._update_cursor()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self.panning or self._mask is None:
            if not self._dragging:
                super().mousePressEvent(event)
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._dragging = True
        self._hover(event.position())
        place = self.to_image(event.position())
        self.pressed.emit(place.x(), place.y())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._dragging and not event.buttons() & Qt.MouseButton.LeftButton:
            # The release went elsewhere, say to a dialogue or another window.
            self._end_drag()
        super().mouseMoveEvent(event)
        self._hover(event.position())
        if self._dragging:
            place = self.to_image(event.position())
            self.moved.emit(place.x(), place.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragging:
            if event.button() == Qt.MouseButton.LeftButton:
                self._end_drag()
        else:
            super().mouseReleaseEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._zoom(event)
            return
        delta = event.angleDelta().y()
        if delta * self._wheel < 0:
            # Turning back answers at once, without first using up the other direction's rest.
            self._wheel = 0
        self._wheel += delta
        steps = int(self._wheel / NOTCH)
        self._wheel -= steps * NOTCH
        for _ in range(abs(steps)):
            self.brush_step.emit(1 if steps > 0 else -1)
        event.accept()

    def event(self, event: QEvent) -> bool:
        # In a drag Escape is ours, even if the window has a shortcut for it.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and self._dragging:
            event.setAccepted(event.key() == Qt.Key.Key_Escape)
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._dragging:
            self._dragging = False
            self.cancelled.emit()
        elif not (event.key() == Qt.Key.Key_Space and self._dragging):
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._hover(event.position())
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._update_ring()
        self._cursor_at = None
        self.left.emit()
        super().leaveEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._end_drag()
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._end_drag()
        super().hideEvent(event)

    def _has_content(self) -> bool:
        return self._mask is not None or super()._has_content()

    def _paint_content(self, painter: QPainter) -> None:
        if self._mask is None or self._opacity < 1.0:
            super()._paint_content(painter)
        if self._mask is not None:
            # A blend of two classes' colours would be no class's colour, so never smooth.
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.setOpacity(self._opacity)
            painter.drawImage(QRectF(QPointF(0, 0), QSizeF(self.view.image_size)), self._mask)

    def _paint_overlay(self, painter: QPainter) -> None:
        radius = self._ring_radius()
        if radius is None or self._cursor_at is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # A light line on a wider dark one can be seen on any colour.
        for pen in (QPen(QBrush(QColor(0, 0, 0, 150)), 3.0), QPen(QBrush(QColor(255, 255, 255)), 1.2)):
            painter.setPen(pen)
            painter.drawEllipse(self._cursor_at, radius, radius)

    def _ring_radius(self) -> float | None:
        """Return the outline's radius in screen pixels, None where there is none to draw."""
        if self._radius is None or self._mask is None or self.panning:
            return None
        return max(self._radius, 0.5) * self.view.scale

    def _update_ring(self) -> None:
        if self._cursor_at is not None and self._radius is not None:
            reach = max(self._radius, 0.5) * self.view.scale + RING_MARGIN
            x, y = self._cursor_at.x(), self._cursor_at.y()
            self.update(QRectF(x - reach, y - reach, 2 * reach, 2 * reach).toAlignedRect())

    def _hover(self, position: QPointF) -> None:
        if position == self._cursor_at:
            return
        self._update_ring()
        self._cursor_at = QPointF(position)
        self._update_ring()
        place = self.to_image(position)
        self.hovered.emit(place.x(), place.y())

    def _end_drag(self) -> None:
        if self._dragging:
            self._dragging = False
            self.released.emit()

    def _update_cursor(self) -> None:
        # Panning hides the outline.
        self._update_ring()
        super()._update_cursor()

    def _set_idle_cursor(self) -> None:
        radius = self._ring_radius()
        if self._mask is None:
            self.unsetCursor()
        elif radius is None or radius < SMALL_RING:
            self.setCursor(Qt.CursorShape.CrossCursor)
        else:
            self.setCursor(Qt.CursorShape.BlankCursor)

    def _on_view_changed(self) -> None:
        super()._on_view_changed()
        self._update_cursor()


def _colour_table(colours: NDArray[np.uint8]) -> list[int]:
    """Return Qt's opaque 0xAARRGGBB values of uint8 (19, 3) RGB."""
    red, green, blue = colours.astype(np.uint32).T
    return (0xFF000000 | red << 16 | green << 8 | blue).tolist()
