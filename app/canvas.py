"""The pane that is painted on: the mask over its picture."""

from PySide6.QtGui import QPainter, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.display import Display
from app.mask_image import MaskImage
from app.minimap import Minimap
from app.tool_pane import ToolPane
from app.view import ViewModel
from engine.types import LabelMap, Pixels, Region


class MaskCanvas(ToolPane):
    """Shows the mask over its picture, for a tool to work on.

    It changes nothing by itself: whoever owns the mask writes to it and calls `update_region`.
    """

    def __init__(self, view: ViewModel, title: str = "", parent: QWidget | None = None) -> None:
        super().__init__(view, title, parent)
        self._mask: MaskImage | None = None
        self._display = Display()
        self._opacity = 1.0
        self._hidden = False
        self._minimap = Minimap(self)
        self._minimap.entered.connect(self._leave)

    @property
    def mask_opacity(self) -> float:
        """How much the mask covers the picture, 0..1."""
        return self._opacity

    @property
    def minimap_on(self) -> bool:
        """Whether a small picture tells which part is seen."""
        return self._minimap.on

    def set_mask_opacity(self, opacity: float) -> None:
        """Set how much the mask covers the picture, 0..1."""
        self._opacity = min(max(opacity, 0.0), 1.0)
        self.update()

    def set_mask_hidden(self, hidden: bool) -> None:
        """Show the picture alone for a while, whatever the opacity; tools still work on the mask."""
        if hidden != self._hidden:
            self._hidden = hidden
            self.update()

    def set_image(self, pixels: Pixels | None) -> None:
        super().set_image(pixels)
        self._minimap.refresh()

    def set_labels(self, labels: LabelMap | None) -> None:
        """Show a mask, uint8 (H, W), C-contiguous, ids 0..18, by wrapping its buffer; None for nothing.

        Whoever writes to the buffer calls `update_region`. A drag is taken back.

        Raises
        ------
        ValueError
            If the buffer cannot be wrapped.
        """
        mask = None if labels is None else MaskImage(labels, self._display)
        self.take_back()
        self._mask = mask
        self._update_cursor()
        self.update()

    def set_display(self, display: Display) -> None:
        """Choose how the classes are shown."""
        self._display = display
        if self._mask is not None:
            self._mask.set_display(display)
        self.update()

    def set_minimap(self, on: bool) -> None:
        """Choose whether a small picture tells which part is seen, unless that is most of it."""
        self._minimap.set_on(on)

    def update_region(self, region: Region) -> None:
        """Show a change of the mask inside a rectangle."""
        super().update_region(region if self._mask is None else self._mask.update(region))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._minimap.refresh()

    def _has_content(self) -> bool:
        return self._mask is not None or super()._has_content()

    def _paint_content(self, painter: QPainter) -> None:
        mask = None if self._hidden else self._mask
        if mask is None or self._opacity < 1.0 or mask.see_through:
            super()._paint_content(painter)
        if mask is not None:
            painter.save()
            painter.setTransform(self.to_screen(), combine=True)
            # A blend of two classes' colours would be no class's colour, so never smooth.
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.setOpacity(self._opacity)
            painter.drawImage(self._frame(), mask.image)
            painter.restore()

    def _paintable(self) -> bool:
        return self._mask is not None
