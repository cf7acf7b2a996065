"""Source, mask and result side by side, with what is painted with."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, QSizeF, Qt
from PySide6.QtGui import QAction, QColor, QPainter, QPen, QPolygonF, QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSplitter,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.canvas import MaskCanvas
from app.pane import ImagePane
from app.panels import BrushPanel, ElidedLabel, LabelList, Pane, heading
from app.view import ViewModel
from engine.types import Pixels

ROOMY = 1150
"""The page's width, in screen pixels, from which the style's name fits beside the other controls."""
START = 0.5
"""Where the line between before and after lies at first, as a share of the picture's width."""


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
        crop = self.view.transform(QSizeF(self.size())).map(self._crop)
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
    """The pictures of a portrait that is edited, and the controls around them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.whole_view = ViewModel(self), ViewModel(self)
        source, result = self.tr("Source"), self.tr("Result")
        self.canvas = MaskCanvas(self.view, self.tr("Mask"))
        self._photo = PhotoPane(self.whole_view, self.tr("Source photo"))
        self.source = PicturePanes(ImagePane(self.view, source), self._photo)
        self.result = PicturePanes(ImagePane(self.view, result), ImagePane(self.whole_view, self.tr("Result photo")))
        self.labels = LabelList()
        self.brush = BrushPanel()
        self.file_name = ElidedLabel()
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.style_button = QToolButton()
        self.only_edit = QCheckBox(self.tr("Edit only"))
        self.whole_button, self.wipe_button = QToolButton(), QToolButton()
        self._share = START
        for pane in (self.result.crop, self.result.whole):
            pane.wipe_moved.connect(self._move_line)

        columns = QHBoxLayout(self)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        columns.addWidget(self._sidebar())
        columns.addWidget(self._panes(source, result), 1)

    def _panes(self, source_title: str, result_title: str) -> QWidget:
        source = Pane(source_title, self.source)
        source.controls.addWidget(self.file_name, 4)

        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(90)
        self.opacity.setAccessibleName(self.tr("Mask opacity"))
        self.opacity.setToolTip(self.tr("Mask opacity: left shows the source, right the mask"))
        caption = QLabel(self.tr("Opacity"))
        caption.setObjectName("muted")
        mask = Pane(self.tr("Mask"), self.canvas)
        mask.controls.addWidget(caption)
        mask.controls.addWidget(self.opacity)

        self.style_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.style_button.setAccessibleName(self.tr("Style"))
        self.only_edit.setToolTip(
            self.tr("On: pixels away from your edit stay exactly the source's.\nOff: the network's raw render.")
        )
        result = Pane(result_title, self.result)
        for widget in (self.style_button, self.only_edit, self.whole_button, self.wipe_button):
            result.controls.addWidget(widget)

        panes = QSplitter(Qt.Orientation.Horizontal)
        panes.setChildrenCollapsible(False)
        panes.setHandleWidth(1)
        for pane in (source, mask, result):
            panes.addWidget(pane)
            panes.setStretchFactor(panes.count() - 1, 1)
        panes.setSizes([1000, 1000, 1000])
        return panes

    def _sidebar(self) -> QWidget:
        sidebar = QWidget()
        sidebar.setObjectName("sidebar")
        sidebar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        sidebar.setFixedWidth(196)
        column = QVBoxLayout(sidebar)
        column.setContentsMargins(0, 0, 1, 0)  # room for the border
        column.setSpacing(0)
        column.addWidget(heading(self.tr("Brush")))
        column.addWidget(self.brush)
        column.addWidget(heading(self.tr("Classes")))
        column.addWidget(self.labels, 1)
        return sidebar

    def set_toggles(self, whole: QAction, wipe: QAction) -> None:
        """Give the buttons in the result's header their actions."""
        for button, action in ((self.whole_button, whole), (self.wipe_button, wipe)):
            button.setDefaultAction(action)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setIconSize(QSize(18, 18))
            button.setAccessibleName(action.text().replace("&", ""))

    def show_frame(self, whole: bool, source: Pixels | None, picture: Pixels | None) -> None:
        """Show the crop or the whole photo."""
        if whole and source is not None:
            height, width, _ = source.shape
            if (self.whole_view.image_size.width(), self.whole_view.image_size.height()) != (width, height):
                self.whole_view.set_image_size(width, height)
        for panes, pixels in ((self.source, source), (self.result, picture)):
            panes.show_whole(whole)
            panes.shown.set_image(pixels)
        self.result.shown.set_before(source)

    def mark_crop(self, corners: NDArray[np.float64]) -> None:
        """Outline the crop in the whole photo, by its corners (4, 2) in the photo's frame."""
        self._photo.mark_crop(corners)

    def set_wipe(self, on: bool) -> None:
        """Wipe the picture from before over the result, or show the result alone."""
        for pane in (self.result.crop, self.result.whole):
            pane.set_wipe(self._share if on else None)

    def set_busy(self, busy: bool) -> None:
        """Show or hide the busy sign."""
        for pane in (self.result.crop, self.result.whole):
            pane.set_busy(busy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        roomy = event.size().width() >= ROOMY
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if roomy else Qt.ToolButtonStyle.ToolButtonIconOnly
        self.style_button.setToolButtonStyle(style)
        super().resizeEvent(event)

    def _move_line(self, share: float) -> None:
        self._share = share
        # Both frames keep the line at the same share, so that it is found again after a switch.
        for pane in (self.result.crop, self.result.whole):
            if pane.wipe is not None and pane.wipe != share:
                pane.set_wipe(share)
