"""The widget that shows a picture in the shared view."""

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QPolygonF,
    QResizeEvent,
    QShowEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.halvings import Halvings
from app.theme import colours
from app.view import ROTATION_STEP, ViewModel
from app.wipe import caption_size, draw_caption
from engine.types import Pixels, Region

NEAREST_FROM = 4.0
"""Screen pixels per picture pixel from which single pixels are shown as squares."""
ZOOM_STEP = 1.25
"""Zoom factor of one notch of the wheel."""
NOTCH = 120
"""`angleDelta` of one notch; finer wheels and trackpads send parts of it."""
SMOOTH_MARGIN = 6
"""Screen pixels around a changed part of a picture that its halving and smooth scaling may touch."""
DIRTY_MARGIN = 2
"""Screen pixels around a changed rectangle that smooth scaling and rounding may touch."""

_Button = Qt.MouseButton
_Hint = QPainter.RenderHint
_INSET = 12


class ImagePane(QWidget):
    """Shows a picture in the shared view.

    The wheel zooms, the middle button or Space and a drag pan, and so do two fingers on a trackpad that tells of them.

    Parameters
    ----------
    view
        The zoom, pan and rotation, shared by all panes.
    title
        What the pane shows, for assistive technology.

    Attributes
    ----------
    rotates
        Whether Shift with the wheel, or two fingers, rotate the view.
    """

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self.rotates = False
        self._picture: Halvings | None = None
        self._placeholder = ""
        self._caption = ""
        self._space = False
        self._pan_from: QPointF | None = None
        self._busy = self._ring = False
        self.setAccessibleName(title)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Every paint event fills its rectangle, so Qt need not clear it first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setMinimumSize(120, 120)
        view.changed.connect(self._on_view_changed)

    def sizeHint(self) -> QSize:
        return QSize(480, 480)

    @property
    def busy(self) -> bool:
        """Whether the busy sign is shown."""
        return self._busy

    @property
    def has_image(self) -> bool:
        """Whether there is a picture to show."""
        return self._picture is not None

    @property
    def panning(self) -> bool:
        """Whether the left button pans, or a pan is under way."""
        return self._space or self._pan_from is not None

    def set_image(self, pixels: Pixels | None) -> None:
        """Show a picture, uint8 (H, W, 3) RGB, without copying it; None for the placeholder.

        Raises
        ------
        ValueError
            If it is no such picture.
        """
        before, self._picture = self._picture, None if pixels is None else Halvings(pixels)
        changed = None if before is None or self._picture is None else self._picture.difference(before)
        if pixels is None or changed is None:
            self.update()
        elif not changed.empty:
            # A render that follows the hand differs from the last one in a small part of the picture.
            size, (height, width) = self.view.image_size, pixels.shape[:2]
            across, down = size.width() / width, size.height() / height
            place = QRectF(
                changed.x0 * across,
                changed.y0 * down,
                (changed.x1 - changed.x0) * across,
                (changed.y1 - changed.y0) * down,
            )
            self._update_within(self.to_screen().mapRect(place), SMOOTH_MARGIN)

    def pixels_within(self, side: int) -> Pixels | None:
        """Return the picture, halved until its longer side is no longer than ``side``; None if there is none."""
        return None if self._picture is None else self._picture.within(side)

    def set_placeholder(self, text: str) -> None:
        """Set the words shown while there is no picture."""
        self._placeholder = text
        self.setAccessibleDescription(text)
        self.update()

    def set_caption(self, text: str) -> None:
        """Set the words shown over the picture, in the top left corner; empty for none."""
        if text != self._caption:
            self.update(self._caption_box(self._caption))
            self._caption = text
            self.update(self._caption_box(text))

    def set_busy(self, busy: bool) -> None:
        """Show or hide the busy sign in the top right corner."""
        if busy != self._busy:
            self._busy = busy
            self.update(self._pill())

    def update_region(self, region: Region) -> None:
        """Repaint what shows a rectangle of the mask."""
        if not region.empty:
            place = QRectF(region.x0, region.y0, region.x1 - region.x0, region.y1 - region.y0)
            self._update_within(self.to_screen().mapRect(place), DIRTY_MARGIN)

    def to_image(self, point: QPointF) -> QPointF:
        """Return the place in the mask, in mask pixels, of a point of the widget."""
        return self.view.to_image(point, QSizeF(self.size()))

    def to_screen(self) -> QTransform:
        """Return the map from mask pixels to the widget's."""
        return self.view.transform(QSizeF(self.size()))

    def paintEvent(self, event: QPaintEvent) -> None:
        # Qt clips to the event's region, so that the cost is that of the dirty rectangles, not of the picture.
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(self.backgroundRole()))
        if self._has_content():
            self._paint_content(painter)
            self._paint_frame(painter)
        elif self._placeholder:
            painter.setPen(_faded(self.palette().color(self.foregroundRole()), 0.85))
            box = self.rect().adjusted(24, 24, -24, -24)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._placeholder)
        self._paint_overlay(painter)
        if self._caption:
            draw_caption(painter, self._caption_box(self._caption), self._caption)
        if self._busy:
            draw_caption(painter, self._pill(), self._busy_text())
        if self._ring:
            painter.setPen(QPen(QColor(colours().accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))

    def resizeEvent(self, event: QResizeEvent) -> None:
        # Layouts resize what is hidden, too, and as small as they like.
        if self.isVisible():
            self.view.set_viewport(self, QSizeF(event.size()))

    def showEvent(self, event: QShowEvent) -> None:
        self.view.set_viewport(self, QSizeF(self.size()))
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        # A minimised window is hidden by the desktop (spontaneously) and comes back as it was.
        if not event.spontaneous():
            self.view.set_viewport(self, None)
        self._end_pan()
        super().hideEvent(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and self._follow_fingers(event):
            event.accept()
            return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.rotates and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            # With Shift, some desktops turn the wheel sideways.
            delta = event.angleDelta().y() or event.angleDelta().x()
            self.view.rotate_by(ROTATION_STEP * delta / NOTCH, self.to_image(event.position()))
        else:
            self.view.zoom_about(self.to_image(event.position()), ZOOM_STEP ** (event.angleDelta().y() / NOTCH))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == _Button.MiddleButton or (event.button() == _Button.LeftButton and self._space):
            self._pan_from = event.position()
            self._update_cursor()
        else:
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is None:
            return
        if not event.buttons():
            self._end_pan()
            return
        step = event.position() - self._pan_from
        self._pan_from = event.position()
        self.view.pan(step.x(), step.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._end_pan()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._space = True
            self._update_cursor()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self._space = False
            self._update_cursor()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        # As in browsers: who clicks sees where the focus is.
        self._ring = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        if self._ring:
            self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        if self._ring:
            self._ring = False
            self.update()
        # The release of the key or the button may now go elsewhere.
        self._space = False
        self._end_pan()
        super().focusOutEvent(event)

    def _has_content(self) -> bool:
        return self._picture is not None

    def _paint_content(self, painter: QPainter) -> None:
        """Draw what the pane shows, in screen pixels."""
        if self._picture is not None:
            self._draw(painter, self._picture)

    def _draw(self, painter: QPainter, picture: Halvings) -> None:
        """Draw a picture into the frame."""
        frame = self._frame()
        image = picture.shown_at(self.view.scale * self.devicePixelRatioF() * frame.width())
        smooth = self.view.scale * frame.width() / image.width() < NEAREST_FROM
        to_screen = self.to_screen()
        painter.save()
        painter.setTransform(to_screen, combine=True)
        painter.setRenderHint(_Hint.SmoothPixmapTransform, smooth)
        # Otherwise the edges of a slanting picture would be stairs.
        painter.setRenderHint(_Hint.Antialiasing, to_screen.isRotating())
        painter.drawImage(frame, image)
        painter.restore()

    def _paint_overlay(self, painter: QPainter) -> None:
        """Draw above the picture, in screen pixels."""

    def _paint_frame(self, painter: QPainter) -> None:
        """Draw a hairline around the picture: a black background class would not show its edge on a dark pane."""
        painter.setPen(QPen(_faded(self.palette().color(self.foregroundRole()), 0.25), 0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        to_screen = self.to_screen()
        if to_screen.isRotating():
            painter.save()
            painter.setRenderHint(_Hint.Antialiasing)
            painter.drawPolygon(to_screen.map(QPolygonF(self._frame())))
            painter.restore()
        else:
            painter.drawRect(self._frame_on_screen().toAlignedRect().adjusted(-1, -1, 0, 0))

    def _frame(self) -> QRectF:
        return QRectF(QPointF(0, 0), QSizeF(self.view.image_size))

    def _frame_on_screen(self) -> QRectF:
        """Return the bounding box of the picture, in screen pixels."""
        return self.to_screen().mapRect(self._frame())

    def _caption_box(self, text: str) -> QRect:
        return QRect(QPoint(_INSET, _INSET), caption_size(self.fontMetrics(), text)) if text else QRect()

    def _pill(self) -> QRect:
        size = caption_size(self.fontMetrics(), self._busy_text())
        return QRect(self.width() - size.width() - _INSET, _INSET, size.width(), size.height())

    def _busy_text(self) -> str:
        return self.tr("Rendering…")

    def _update_within(self, place: QRectF, margin: int) -> None:
        """Repaint a rectangle of screen pixels, however far it reaches beyond the widget."""
        # Cut to the widget first: a large mask at 64x does not fit the integers of a QRect sensibly.
        shown = place.intersected(QRectF(self.rect()).adjusted(-margin, -margin, margin, margin))
        if not shown.isEmpty():
            self.update(shown.toAlignedRect().adjusted(-margin, -margin, margin, margin))

    def _follow_fingers(self, event: QNativeGestureEvent) -> bool:
        about = self.to_image(event.position())
        if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self.view.zoom_about(about, max(1.0 + event.value(), 0.1))
        elif event.gestureType() == Qt.NativeGestureType.RotateNativeGesture and self.rotates:
            self.view.rotate_by(event.value(), about)
        else:
            return False
        return True

    def _end_pan(self) -> None:
        self._pan_from = None
        self._update_cursor()

    def _update_cursor(self) -> None:
        if self._pan_from is not None:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._space:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self._set_idle_cursor()

    def _set_idle_cursor(self) -> None:
        self.unsetCursor()

    def _on_view_changed(self) -> None:
        self.update()


def _faded(colour: QColor, alpha: float) -> QColor:
    colour.setAlphaF(alpha)
    return colour
