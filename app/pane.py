"""The widget that shows a picture in the shared view."""

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from app.halvings import Halvings
from app.view import ViewModel
from app.wipe import STEP, Divider, caption_size, draw_caption
from engine.types import Pixels, Region

NEAREST_FROM = 4.0
"""Screen pixels per picture pixel from which single pixels are shown as squares."""
ZOOM_STEP = 1.25
"""Zoom factor of one notch of the wheel."""
NOTCH = 120
"""`angleDelta` of one notch; finer wheels and trackpads send parts of it."""
DIRTY_MARGIN = 2
"""Screen pixels around a changed rectangle that smooth scaling and rounding may touch."""

_Button = Qt.MouseButton
_Hint = QPainter.RenderHint


class ImagePane(QWidget):
    """Shows a picture in the shared view; zooms with the wheel, pans with the middle button or Space and a drag.

    A second picture, from before, can be wiped over it from the left.

    Parameters
    ----------
    view
        The zoom and pan, shared by all panes.
    title
        What the pane shows, for assistive technology.

    Signals
    -------
    wipe_moved
        The hand moved the line between before and after: its new place, as a share of the frame's width.
    """

    wipe_moved = Signal(float)

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = view
        self._picture: Halvings | None = None
        self._before: Halvings | None = None
        self._share: float | None = None
        self._grip: float | None = None
        self._near_line = False
        self._placeholder = ""
        self._space = False
        self._pan_from: QPointF | None = None
        self._busy = False
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
        self._picture = None if pixels is None else Halvings(pixels)
        self._set_near_line(False)
        self.update()

    @property
    def wipe(self) -> float | None:
        """Where the line between before and after lies, as a share of the frame's width; None for no wipe."""
        return self._share

    def pixels_within(self, side: int) -> Pixels | None:
        """Return the picture, halved until its longer side is no longer than ``side``; None if there is none."""
        return None if self._picture is None else self._picture.within(side)

    def set_before(self, pixels: Pixels | None) -> None:
        """Set the picture that the wipe shows left of its line, as `set_image` does; without one nothing is wiped.

        Raises
        ------
        ValueError
            If it is no such picture.
        """
        self._before = None if pixels is None else Halvings(pixels)
        if self._share is not None:
            self.update()

    def set_wipe(self, share: float | None) -> None:
        """Show the picture from before left of a share of the frame's width, 0..1; None for the picture alone."""
        if share is not None:
            # The line tells by its cursor that it can be dragged.
            self.setMouseTracking(True)
            share = min(max(share, 0.0), 1.0)
        old, self._share = self._divider(), share
        new = self._divider()
        if old is not None and new is not None:
            self._update_between(old, new)
        elif old is not new:
            self._grip = None
            self._set_near_line(False)
            self.update()

    def set_placeholder(self, text: str) -> None:
        """Set the words shown while there is no picture."""
        self._placeholder = text
        self.setAccessibleDescription(text)
        self.update()

    def set_busy(self, busy: bool) -> None:
        """Show or hide the busy sign in the top right corner."""
        if busy != self._busy:
            self._busy = busy
            self.update(self._pill())

    def update_region(self, region: Region) -> None:
        """Repaint what shows a rectangle of the mask."""
        if not region.empty:
            self.update(self._dirty(region))

    def to_image(self, point: QPointF) -> QPointF:
        """Return the place in the mask, in mask pixels, of a point of the widget."""
        return self.view.to_image(point, QSizeF(self.size()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(self.backgroundRole()))
        if self._has_content():
            painter.save()
            # Qt clips to the event's region, so that the cost is that of the dirty rectangles, not of the picture.
            painter.setTransform(self.view.transform(QSizeF(self.size())), combine=True)
            self._paint_content(painter)
            painter.restore()
            self._paint_frame(painter)
        elif self._placeholder:
            painter.setPen(_faded(self.palette().color(self.foregroundRole()), 0.6))
            box = self.rect().adjusted(24, 24, -24, -24)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._placeholder)
        if (divider := self._divider()) is not None:
            divider.paint(painter)
            for box, text in self._captions(divider):
                draw_caption(painter, box, text)
        if self._busy:
            draw_caption(painter, self._pill(), self._busy_text())
        self._paint_overlay(painter)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.view.set_viewport(self, QSizeF(event.size()))

    def showEvent(self, event: QShowEvent) -> None:
        self.view.set_viewport(self, QSizeF(self.size()))
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        # A minimised window is hidden by the desktop (spontaneously) and comes back as it was.
        if not event.spontaneous():
            self.view.set_viewport(self, None)
        self._grip = None
        self._end_pan()
        super().hideEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._zoom(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == _Button.MiddleButton or (event.button() == _Button.LeftButton and self._space):
            self._pan_from = event.position()
            self._update_cursor()
        elif event.button() != _Button.LeftButton or not self._grab_line(event.position()):
            event.ignore()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pan_from is not None:
            if not event.buttons():
                self._end_pan()
                return
            step = event.position() - self._pan_from
            self._pan_from = event.position()
            self.view.pan(step.x(), step.y())
        elif (divider := self._divider()) is not None:
            if not event.buttons() & _Button.LeftButton:
                self._grip = None
            if self._grip is not None:
                self._move_line(divider.share_at(event.position().x() + self._grip))
            self._set_near_line(self._grip is not None or divider.grips(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == _Button.LeftButton:
            self._grip = None
        self._end_pan()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            self._space = True
            self._update_cursor()
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._divider() is not None:
            step = STEP if event.key() == Qt.Key.Key_Right else -STEP
            self._move_line(min(max((self._share or 0.0) + step, 0.0), 1.0))
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space:
            super().keyReleaseEvent(event)
        elif not event.isAutoRepeat():
            self._space = False
            self._update_cursor()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        # The release of the key or the button may now go elsewhere.
        self._space, self._grip = False, None
        self._end_pan()
        super().focusOutEvent(event)

    def _has_content(self) -> bool:
        return self._picture is not None

    def _paint_content(self, painter: QPainter) -> None:
        """Draw in mask pixels."""
        divider = self._divider()
        if self._picture is None:
            return
        if divider is None or self._before is None:
            self._draw(painter, self._picture)
            return
        size = self.view.image_size
        line = divider.share * size.width()
        for picture, left, right in ((self._before, 0.0, line), (self._picture, line, float(size.width()))):
            painter.save()
            painter.setClipRect(QRectF(left, 0, right - left, size.height()), Qt.ClipOperation.IntersectClip)
            self._draw(painter, picture)
            painter.restore()

    def _draw(self, painter: QPainter, picture: Halvings) -> None:
        frame = QRectF(QPointF(0, 0), QSizeF(self.view.image_size))
        image = picture.shown_at(self.view.scale * self.devicePixelRatioF() * frame.width())
        smooth = self.view.scale * frame.width() / image.width() < NEAREST_FROM
        painter.setRenderHint(_Hint.SmoothPixmapTransform, smooth)
        painter.drawImage(frame, image)

    def _paint_overlay(self, painter: QPainter) -> None:
        """Draw above everything, in screen pixels."""

    def _paint_frame(self, painter: QPainter) -> None:
        """Draw a hairline around the picture: a black background class would not show its edge on a dark pane."""
        frame = self._frame_on_screen()
        painter.setPen(QPen(_faded(self.palette().color(self.foregroundRole()), 0.25), 0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(frame.toAlignedRect().adjusted(-1, -1, 0, 0))

    def _frame_on_screen(self) -> QRectF:
        return self.view.transform(QSizeF(self.size())).mapRect(QRectF(QPointF(0, 0), QSizeF(self.view.image_size)))

    def _pill(self) -> QRect:
        size = caption_size(self.fontMetrics(), self._busy_text())
        return QRect(self.width() - size.width() - 12, 12, size.width(), size.height())

    def _busy_text(self) -> str:
        return self.tr("Rendering…")

    def _divider(self) -> Divider | None:
        """Return the line between before and after; None where nothing is wiped."""
        if self._share is None or self._before is None or self._picture is None:
            return None
        return Divider(self._frame_on_screen(), QRectF(self.rect()), self._share)

    def _captions(self, divider: Divider) -> list[tuple[QRect, str]]:
        words = self.tr("Before"), self.tr("After")
        sizes = [caption_size(self.fontMetrics(), text) for text in words]
        # Below the busy sign's place, so that they need not give way whenever it shows.
        boxes = divider.captions(sizes[0], sizes[1], self._pill().bottom() + 7)
        return [(box, text) for box, text in zip(boxes, words, strict=True) if not box.isEmpty()]

    def _grab_line(self, position: QPointF) -> bool:
        """Take hold of the line, or bring it to where the picture was pressed; False if neither is there."""
        divider = self._divider()
        if divider is None:
            return False
        on_line = divider.grips(position)
        if not on_line and not divider.frame.contains(position):
            return False
        # Taken at its rim, the handle must not jump.
        self._grip = divider.x - position.x() if on_line else 0.0
        self._move_line(divider.share_at(position.x() + self._grip))
        self._set_near_line(True)
        return True

    def _move_line(self, share: float) -> None:
        if share != self._share:
            self.set_wipe(share)
            self.wipe_moved.emit(share)

    def _update_between(self, old: Divider, new: Divider) -> None:
        """Repaint what changes as the line moves: the strip it passed, and captions that come or go."""
        self.update(old.bounds.united(new.bounds))
        for box, _ in set(self._captions(old)) ^ set(self._captions(new)):
            self.update(box)

    def _set_near_line(self, near: bool) -> None:
        if near != self._near_line:
            self._near_line = near
            self._update_cursor()

    def _dirty(self, region: Region) -> QRect:
        place = QRectF(region.x0, region.y0, region.x1 - region.x0, region.y1 - region.y0)
        mapped = self.view.transform(QSizeF(self.size())).mapRect(place)
        # Cut to the widget first: a large mask at 64x does not fit the integers of a QRect sensibly.
        shown = mapped.intersected(QRectF(self.rect()))
        if shown.isEmpty():
            return QRect()
        return shown.toAlignedRect().adjusted(-DIRTY_MARGIN, -DIRTY_MARGIN, DIRTY_MARGIN, DIRTY_MARGIN)

    def _zoom(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / NOTCH
        self.view.zoom_about(self.to_image(event.position()), ZOOM_STEP**steps)
        event.accept()

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
        if self._near_line:
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            self.unsetCursor()

    def _on_view_changed(self) -> None:
        self.update()


def _faded(colour: QColor, alpha: float) -> QColor:
    colour.setAlphaF(alpha)
    return colour
