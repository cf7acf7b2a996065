"""The pane that holds a picture against the one from before: beside it, in its place, or by their difference."""

import cv2
import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHideEvent, QImage, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.halvings import Halvings
from app.pane import ImagePane
from app.view import ViewModel
from app.wipe import STEP, Divider, caption_size, draw_caption
from engine.types import Pixels

FULL_DIFFERENCE = 96
"""The difference of a colour channel, 1..255, from which the heat map is at its brightest."""
LONGEST_CAPTION = 180
"""Screen pixels after which the words for the picture from before are cut."""

_BAR = QRect(0, 0, 90, 8)
_INSET = 12


def _heat_colours() -> Pixels:
    """Return the heat map's colour for each difference, (256, 1, 3) RGB: black for none."""
    places = np.minimum(np.arange(256) * 255 // FULL_DIFFERENCE, 255).astype(np.uint8)
    colours = cv2.applyColorMap(places[:, None], cv2.COLORMAP_INFERNO)[:, :, ::-1].copy()
    colours[0] = 0
    return np.asarray(colours, np.uint8)


_HEAT = _heat_colours()


def heat_map(before: Pixels, after: Pixels) -> Pixels:
    """Return where and how much two pictures differ, in colours from black (not at all) to light yellow.

    Parameters
    ----------
    before
        uint8 (H, W, 3); brought to the size of the other one.
    after
        uint8 (h, w, 3).

    Returns
    -------
    ndarray
        uint8 (h, w, 3); the colour tells the largest difference of a pixel's channels, up to `FULL_DIFFERENCE`.
    """
    height, width = after.shape[:2]
    if before.shape != after.shape:
        shrinks = before.shape[0] > height
        before = np.asarray(
            cv2.resize(before, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8
        )
    red, green, blue = cv2.split(cv2.absdiff(before, after))
    return np.asarray(cv2.applyColorMap(cv2.max(cv2.max(red, green), blue), _HEAT), np.uint8)


class ComparePane(ImagePane):
    """Shows a picture, and beside it, instead of it, or subtracted from it the one from before.

    Signals
    -------
    wipe_moved
        The hand moved the line between before and after: its new place, as a share of the picture's width on the
        screen.
    """

    wipe_moved = Signal(float)

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(view, title, parent)
        self._before: Halvings | None = None
        self._before_caption = ""
        self._share: float | None = None
        self._grip: float | None = None
        self._near_line = False
        self._blink = self._heat = False
        self._pixels: tuple[Pixels | None, Pixels | None] = None, None
        self._heated: Halvings | None = None

    @property
    def wipe(self) -> float | None:
        """Where the line between before and after lies, as a share of the picture's width; None for no wipe."""
        return self._share

    @property
    def heat(self) -> bool:
        """Whether the difference is shown in place of the picture."""
        return self._heat

    @property
    def blink(self) -> bool:
        """Whether the picture from before is shown in place of the picture."""
        return self._blink

    def set_image(self, pixels: Pixels | None) -> None:
        super().set_image(pixels)
        self._pixels, self._heated = (self._pixels[0], pixels), None
        self._set_near_line(False)

    def set_before(self, pixels: Pixels | None, caption: str = "") -> None:
        """Set the picture from before, as `set_image` does; without one there is nothing to compare with.

        Parameters
        ----------
        pixels
            uint8 (H, W, 3) RGB, not copied.
        caption
            What it is; empty for "Before".

        Raises
        ------
        ValueError
            If it is no such picture.
        """
        self._before = None if pixels is None else Halvings(pixels)
        self._before_caption = caption
        self._pixels, self._heated = (pixels, self._pixels[1]), None
        if self._share is not None or self._heat or self._blink:
            self.update()

    def words_for(self, caption: str) -> str:
        """Return how a caption of `set_before` is written: "Before" for an empty one, a long one cut."""
        text = caption or self.tr("Before")
        return self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, LONGEST_CAPTION)

    def set_wipe(self, share: float | None) -> None:
        """Show the picture from before left of a line; None for the picture alone.

        Parameters
        ----------
        share
            Where the line lies, 0..1, as a share of the picture's width on the screen: of its bounding box, where it is
            rotated.
        """
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

    def set_blink(self, blink: bool) -> None:
        """Show the picture from before in place of the picture, as long as a key is held."""
        if blink != self._blink:
            self._blink = blink
            self._grip = None
            self._set_near_line(False)
            self.update()

    def set_heat(self, heat: bool) -> None:
        """Show how much the picture differs from the one before in place of it."""
        if heat != self._heat:
            self._heat, self._heated = heat, None
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        grabs = event.button() == Qt.MouseButton.LeftButton and not self.panning
        if not grabs or not self._grab_line(event.position()):
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        divider = self._divider()
        if self.panning or divider is None:
            return
        if not event.buttons() & Qt.MouseButton.LeftButton:
            self._grip = None
        if self._grip is not None:
            self._move_line(divider.share_at(event.position().x() + self._grip))
        self._set_near_line(self._grip is not None or divider.grips(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip = None
        super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and self._divider() is not None:
            step = STEP if event.key() == Qt.Key.Key_Right else -STEP
            self._move_line(min(max((self._share or 0.0) + step, 0.0), 1.0))
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._grip = None
        super().focusOutEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._grip = None
        super().hideEvent(event)

    def _paint_content(self, painter: QPainter) -> None:
        shown = self._shown()
        divider = self._divider()
        if divider is None or self._before is None or shown is None:
            if shown is not None:
                self._draw(painter, shown)
            return
        line = round(divider.x)
        for picture, left, right in ((self._before, 0, line), (shown, line, self.width())):
            painter.save()
            painter.setClipRect(QRect(left, 0, right - left, self.height()), Qt.ClipOperation.IntersectClip)
            self._draw(painter, picture)
            painter.restore()

    def _paint_overlay(self, painter: QPainter) -> None:
        if self._picture is None or self._before is None:
            return
        if (divider := self._divider()) is not None:
            divider.paint(painter)
            for box, text in self._captions(divider):
                draw_caption(painter, box, text)
        elif self._blink:
            text = self.words_for(self._before_caption)
            size = caption_size(self.fontMetrics(), text)
            draw_caption(painter, QRect(QPoint(_INSET, _INSET), size), text)
        if self._heat and not self._blink:
            self._paint_legend(painter)

    def _shown(self) -> Halvings | None:
        """Return what is shown in the picture's place."""
        if self._picture is None or self._before is None or not (self._blink or self._heat):
            return self._picture
        return self._before if self._blink else self._difference()

    def _difference(self) -> Halvings | None:
        # Made when it is drawn: renders that nobody sees cost nothing.
        before, after = self._pixels
        if self._heated is None and before is not None and after is not None:
            self._heated = Halvings(heat_map(before, after))
        return self._heated

    def _paint_legend(self, painter: QPainter) -> None:
        """Draw the heat map's colours with what they mean, in the bottom right corner."""
        same, different = self.tr("Same"), self.tr("Different")
        metrics = self.fontMetrics()
        sizes = [caption_size(metrics, text) for text in (same, different)]
        width, height = sum(size.width() for size in sizes) + _BAR.width() - 12, sizes[0].height()
        box = QRect(self.width() - width - _INSET, self.height() - height - _INSET, width, height)
        draw_caption(painter, box, "")
        bar = _BAR.translated(box.left() + sizes[0].width() - 6, box.center().y() - _BAR.height() // 2)
        colours = np.ascontiguousarray(_HEAT[: FULL_DIFFERENCE + 1].transpose(1, 0, 2))
        image = QImage(colours.data, FULL_DIFFERENCE + 1, 1, colours.nbytes, QImage.Format.Format_RGB888)
        painter.setPen(QColor(240, 240, 240))
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(box.adjusted(10, 0, 0, 0), flags | Qt.AlignmentFlag.AlignLeft, same)
        painter.drawText(box.adjusted(0, 0, -10, 0), flags | Qt.AlignmentFlag.AlignRight, different)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.drawImage(bar, image)
        painter.setPen(QColor(255, 255, 255, 90))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(bar.adjusted(-1, -1, 0, 0))

    def _divider(self) -> Divider | None:
        """Return the line between before and after; None where nothing is wiped."""
        if self._share is None or self._before is None or self._picture is None or self._blink:
            return None
        return Divider(self._frame_on_screen(), QRectF(self.rect()), self._share)

    def _captions(self, divider: Divider) -> list[tuple[QRect, str]]:
        words = self.words_for(self._before_caption), self.tr("Difference") if self._heat else self.tr("After")
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
        if not on_line:
            self._move_line(divider.share_at(position.x()))
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

    def _set_idle_cursor(self) -> None:
        if self._near_line:
            self.setCursor(Qt.CursorShape.SplitHCursor)
        else:
            super()._set_idle_cursor()
