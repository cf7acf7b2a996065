"""Source, mask and result, side by side or fewer of them."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QSize, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPen, QPolygonF, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSlider,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QWidget,
)

from app.action_maker import plain
from app.canvas import MaskCanvas
from app.compare import ComparePane
from app.pane import ImagePane
from app.panels import ElidedLabel, Pane
from app.theme import icon
from app.view import ViewModel
from engine.types import Pixels

START = 0.5
"""Where the line between before and after lies at first, as a share of the picture's width."""
LAYOUTS = (1, 2, 3)
"""How many panes may be seen: the mask over the result; mask and result; source, mask and result."""
NARROWEST = 180
"""How narrow a pane may become before there are fewer of them, in screen pixels."""
OPACITY = 90
"""How wide the slider of the mask's opacity is, in screen pixels."""


class PhotoPane(ImagePane):
    """Shows a whole photo, and in it the outline of the crop that is edited."""

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(view, title, parent)
        self._crop = QPolygonF()

    def mark_crop(self, corners: NDArray[np.float64]) -> None:
        """Outline a crop, by its corners (4, 2) in pixels of the frame."""
        self._crop = QPolygonF([QPointF(float(x), float(y)) for x, y in corners])
        self.update()

    def _paint_overlay(self, painter: QPainter) -> None:
        if not self._has_content() or self._crop.isEmpty():
            return
        crop = self.to_screen().map(self._crop)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        # A light line on a darker one can be seen on any photo.
        for pen in (QPen(QColor(0, 0, 0, 110), 3.0), QPen(QColor(255, 255, 255, 210), 1.2)):
            painter.setPen(pen)
            painter.drawPolygon(crop)


class PicturePanes(QStackedWidget):
    """A pane for the crop and one for the whole photo, each in its own view; one of them is shown.

    Parameters
    ----------
    crop, whole
        The two.
    """

    def __init__(self, crop: ImagePane, whole: ImagePane, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.crop, self.whole = crop, whole
        for pane in (crop, whole):
            self.addWidget(pane)

    @property
    def shown(self) -> ImagePane:
        """The pane that is shown."""
        return self.whole if self.currentIndex() else self.crop

    def show_whole(self, whole: bool) -> None:
        """Show one pane or the other."""
        self.setCurrentIndex(int(whole))


class EditorPage(QWidget):
    """The pictures of a portrait that is edited, and the controls in their headings."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.whole_view = ViewModel(self), ViewModel(self)
        self.canvas = MaskCanvas(self.view, self.tr("Mask"))
        self._photo = PhotoPane(self.whole_view, self.tr("Source photo"))
        self._results = (
            ComparePane(self.view, self.tr("Result")),
            ComparePane(self.whole_view, self.tr("Result photo")),
        )
        self.source = PicturePanes(ImagePane(self.view, self.tr("Source")), self._photo)
        self.result = PicturePanes(*self._results)
        self.file_name = ElidedLabel()
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.style_button = QToolButton()
        self.only_edit = QToolButton()
        self.whole_button, self.wipe_button, self.heat_button = QToolButton(), QToolButton(), QToolButton()
        self._layout = self._shown = 3
        self._sizes: dict[int, list[int]] = {}
        self._share = START
        self._words = "", "", ""
        self._whole = self._blink = False
        self._portrait: Pixels | None = None
        self._source: Pixels | None = None
        self._picture: Pixels | None = None
        self._below: Pixels | None = None
        self._compared: tuple[Pixels, str] | None = None
        for pane in self._results:
            pane.wipe_moved.connect(self._move_line)
        for pane in (self.source.crop, self._photo, *self._results):
            pane.rotates = True
        self._build()

    def _build(self) -> None:
        source = Pane(self.tr("Source"), self.source)
        source.controls.addWidget(self.file_name, 4)

        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(OPACITY)
        self.opacity.setAccessibleName(self.tr("Mask opacity"))
        self.opacity.setToolTip(self.tr("Mask opacity: left shows the picture, right the mask"))
        self._opacity_caption = QLabel(self.tr("Opacity"))
        self._opacity_caption.setObjectName("muted")
        self._opacity_caption.setContentsMargins(10, 0, 0, 0)
        mask = Pane(self.tr("Mask"), self.canvas)
        for widget in (self._opacity_caption, self.opacity):
            mask.controls.addWidget(widget)

        self.style_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.style_button.setAccessibleName(self.tr("Style"))
        self.only_edit.setText(self.tr("Edit only"))
        self.only_edit.setIcon(icon("region"))
        self.only_edit.setCheckable(True)
        self.only_edit.setChecked(True)
        self.only_edit.setToolTip(
            self.tr("Edit only\nOn: pixels away from your edit stay the source's.\nOff: the network's raw render.")
        )
        result = Pane(self.tr("Result"), self.result)
        for widget in (self.style_button, self.only_edit, self.whole_button, self.wipe_button, self.heat_button):
            result.controls.addWidget(widget)

        self._panes = source, mask, result
        self._splitter = splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.setHandleWidth(1)
        for index, pane in enumerate(self._panes):
            splitter.addWidget(pane)
            splitter.setStretchFactor(index, 1)
        splitter.setSizes([1000, 1000, 1000])
        for pane in self._panes:
            pane.resized.connect(lambda pane=pane: self._fit_controls(pane))
        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.addWidget(splitter)

    def set_toggles(self, whole: QAction, wipe: QAction, heat: QAction) -> None:
        """Give the buttons in the result's header their actions."""
        for button, action in ((self.whole_button, whole), (self.wipe_button, wipe), (self.heat_button, heat)):
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setAccessibleName(plain(action.text()))

    # Layouts

    @property
    def layout_(self) -> int:
        """How many panes are seen: one of `LAYOUTS`."""
        return self._layout

    @property
    def panes(self) -> int:
        """How many panes are seen: as many as the layout wants, or as there is room for."""
        return self._shown

    def set_layout(self, layout: int) -> None:
        """Show source, mask and result (3), mask and result (2), or the mask alone, above the live result (1).

        Where there is no room for so many there are fewer, until there is. One, two or three panes each remember how
        wide they were.

        Raises
        ------
        ValueError
            If it is none of `LAYOUTS`.
        """
        if layout not in LAYOUTS:
            raise ValueError(f"there is no layout of {layout} panes")
        self._layout = layout
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(sum(self._least(1)), super().minimumSizeHint().height())

    def _least(self, panes: int) -> list[int]:
        """Return how narrow source, mask and result may be where so many of them are seen, in screen pixels."""
        header = self._panes[0].controls
        margins = header.contentsMargins()
        button = self.whole_button.sizeHint().width() + header.spacing()
        controls = (0, OPACITY + (2 * button if panes == 1 else 0), 5 * button)
        seen = (panes == 3, True, panes >= 2)
        around = margins.left() + margins.right()
        return [max(NARROWEST, width + around) if shown else 0 for width, shown in zip(controls, seen, strict=True)]

    def _fit(self) -> None:
        """Show as many of the wanted panes as there is room for."""
        shown, handle = self._layout, self._splitter.handleWidth()
        # A page that was never seen has no width of its own yet.
        while self.isVisible() and shown > 1 and sum(self._least(shown)) + (shown - 1) * handle > self.width():
            shown -= 1
        if shown != self._shown:
            self._show_panes(shown)
        for pane, least in zip(self._panes, self._least(shown), strict=True):
            pane.setMinimumWidth(least)
            self._fit_controls(pane)

    def _show_panes(self, panes: int) -> None:
        if self._splitter.isVisible():
            self._sizes[self._shown] = self._splitter.sizes()
        self._shown = panes
        for pane, seen in zip(self._panes, (panes == 3, True, panes >= 2), strict=True):
            pane.setVisible(seen)
        self._splitter.setSizes(self._sizes.get(panes, [1000, 1000, 1000]))
        # What changes the result is at hand where the result is seen.
        header = self._panes[1 if panes == 1 else 2].controls
        for place, widget in enumerate((self.style_button, self.only_edit), 2):
            header.insertWidget(place, widget)
            # Qt would show what has moved only later, and it has to be counted now.
            widget.show()
        self.canvas.set_busy(panes == 1 and self._results[0].busy)
        self._show_words()
        self._show_below_mask()

    # Pictures

    def set_placeholders(self, source: str, mask: str, result: str) -> None:
        """Say what will be where, as long as nothing is; the source's words are seen without its pane too."""
        self._words = source, mask, result
        self._show_words()

    def _show_words(self) -> None:
        source, mask, result = self._words
        self.source.crop.set_placeholder(source)
        self.canvas.set_placeholder(mask if self._shown == 3 else source)
        self.result.crop.set_placeholder(result)

    def set_portrait(self, view: Pixels | None) -> None:
        """Take another portrait's crop at the mask's resolution, uint8 (H, W, 3), which lies below the mask."""
        self._portrait, self._picture, self._compared = view, None, None
        self._show_below_mask()

    def show_frame(self, whole: bool, source: Pixels | None, picture: Pixels | None) -> None:
        """Show the crop or the whole photo, before and after the edit."""
        if whole and source is not None:
            height, width, _ = source.shape
            if (self.whole_view.image_size.width(), self.whole_view.image_size.height()) != (width, height):
                self.whole_view.set_image_size(width, height)
        if whole != self._whole:
            self._compared = None
        self._whole, self._source = whole, source
        for panes in (self.source, self.result):
            panes.show_whole(whole)
        self.source.shown.set_image(source)
        self.show_picture(picture)
        self._show_before()

    def show_picture(self, picture: Pixels | None) -> None:
        """Show a newer render in the frame that is shown."""
        self._picture = picture
        self.result.shown.set_image(picture)
        self._show_below_mask()

    def mark_crop(self, corners: NDArray[np.float64]) -> None:
        """Outline the crop in the whole photo, by its corners (4, 2) in the photo's frame."""
        self._photo.mark_crop(corners)

    def _show_below_mask(self) -> None:
        below, caption = self._portrait, ""
        if self._shown == 1 and not self._whole:
            if not self._blink:
                below = self._portrait if self._picture is None else self._picture
            elif self._portrait is not None:
                below, text = self._compared or (self._portrait, "")
                caption = self._results[0].words_for(text)
        if below is not self._below:
            self._below = below
            self.canvas.set_image(below)
        self.canvas.set_caption(caption)

    # Comparing

    def set_compared(self, picture: Pixels | None, caption: str) -> None:
        """Compare with another picture of the frame that is shown than the source, and call it so; None ends that."""
        self._compared = None if picture is None else (picture, caption)
        self._show_before()
        self._show_below_mask()

    def set_wipe(self, on: bool) -> None:
        """Wipe the picture from before over the result, or show the result alone."""
        for pane in self._results:
            pane.set_wipe(self._share if on else None)

    def set_blink(self, on: bool) -> None:
        """Show the picture from before in place of the result, as long as a key is held."""
        self._blink = on
        for pane in self._results:
            pane.set_blink(on)
        self._show_below_mask()

    def set_heat(self, on: bool) -> None:
        """Show how much the result differs from the picture before in place of it."""
        for pane in self._results:
            pane.set_heat(on)

    def _show_before(self) -> None:
        picture, caption = self._compared or (self._source, "")
        self._results[int(self._whole)].set_before(picture, caption)

    def _move_line(self, share: float) -> None:
        self._share = share
        # Both frames keep the line at the same share, so that it is found again after a switch.
        for pane in self._results:
            if pane.wipe is not None and pane.wipe != share:
                pane.set_wipe(share)

    # Signs

    def set_busy(self, busy: bool) -> None:
        """Show or hide the busy sign."""
        for pane in self._results:
            pane.set_busy(busy)
        self.canvas.set_busy(busy and self._shown == 1)

    # Room

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(self, "_splitter"):
            self._fit()

    def _fit_controls(self, pane: Pane) -> None:
        """Write words beside a header's icons where there is room for them; at the narrowest, no heading either."""
        styles, header = Qt.ToolButtonStyle, pane.controls.parentWidget()
        # Bold words are wider, and the style makes them bold only as they are first shown.
        pane.heading.ensurePolished()
        for words, heading in ((True, True), (False, True), (False, False)):
            for button in (self.style_button, self.only_edit):
                if button.parentWidget() is header:
                    button.setToolButtonStyle(styles.ToolButtonTextBesideIcon if words else styles.ToolButtonIconOnly)
            if self._opacity_caption.parentWidget() is header:
                self._opacity_caption.setVisible(words)
            pane.heading.setVisible(heading)
            pane.controls.invalidate()
            if pane.controls.sizeHint().width() <= pane.width():
                break
        pane.controls.activate()
