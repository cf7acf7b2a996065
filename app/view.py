"""The zoom and pan that all panes share."""

from PySide6.QtCore import QObject, QPointF, QSize, QSizeF, Signal
from PySide6.QtGui import QTransform

MAX_SCALE = 64.0
"""Screen pixels per mask pixel beyond which there is nothing more to see."""
MIN_OF_FIT = 0.25
"""The smallest scale, as a share of the one that fits."""
MARGIN = 12.0
"""Free space around a fitted picture, in screen pixels."""


class ViewModel(QObject):
    """Which part of the picture is seen, and how large.

    View coordinates are the mask's pixels, (x, y), the top left corner of the first one at (0, 0). A pane whose picture
    has another resolution stretches it into that frame, so the same face stays at the same place in every pane.
    Screen pixels are device-independent. The centre of what is seen lies at the centre of every pane.

    The view starts fitted, and stays so while panes are resized, until somebody zooms or pans.

    Signals
    -------
    changed
        Emitted when anything that `transform` depends on has changed.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._size = QSize(1, 1)
        self._scale = 1.0
        self._centre = QPointF(0.5, 0.5)
        self._fitted = True
        self._viewports: dict[object, QSizeF] = {}

    @property
    def image_size(self) -> QSize:
        """The size of the frame, in mask pixels."""
        return QSize(self._size)

    @property
    def scale(self) -> float:
        """Screen pixels per mask pixel."""
        return self._scale

    @property
    def centre(self) -> QPointF:
        """What lies at the centre of the panes, in mask pixels."""
        return QPointF(self._centre)

    @property
    def fitted(self) -> bool:
        """Whether the picture is kept fitted to the panes."""
        return self._fitted

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole picture fits into each registered pane."""
        scales = [
            min((size.width() - 2 * MARGIN) / self._size.width(), (size.height() - 2 * MARGIN) / self._size.height())
            for size in self._viewports.values()
        ]
        # A pane smaller than its margins shows next to nothing, but must not turn the picture inside out.
        return max(min(scales, default=1.0), 1e-3)

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest scale."""
        fit = self.fit_scale
        return fit * MIN_OF_FIT, max(fit, MAX_SCALE)

    def set_image_size(self, width: int, height: int) -> None:
        """Take a new frame, in mask pixels, and fit it.

        Raises
        ------
        ValueError
            If a side is less than 1.
        """
        if width < 1 or height < 1:
            raise ValueError(f"a picture cannot be {width} x {height} pixels")
        self._size = QSize(width, height)
        self.fit()

    def set_viewport(self, pane: object, size: QSizeF | None) -> None:
        """Register the size of a pane that is seen; None when it no longer is.

        A fitted view fits the smallest of them, since they share one scale.
        """
        if size is None:
            self._viewports.pop(pane, None)
        else:
            self._viewports[pane] = QSizeF(size)
        if self._fitted:
            self.fit()
        else:
            self.set_scale(self._scale)

    def fit(self) -> None:
        """Show the whole picture, and keep it fitted while panes are resized."""
        self._fitted = True
        self._move(self.fit_scale, QPointF(self._size.width() / 2, self._size.height() / 2))

    def set_scale(self, scale: float) -> None:
        """Zoom about the centre to a scale, in screen pixels per mask pixel, within the limits."""
        self.zoom_about(self._centre, scale / self._scale)

    def zoom_about(self, point: QPointF, factor: float) -> None:
        """Zoom by a factor, keeping a point of the picture (mask pixels) where it is on the screen."""
        low, high = self.limits
        scale = min(max(self._scale * factor, low), high)
        if scale != self._scale:
            self._fitted = False
        self._move(scale, point + (self._centre - point) * (self._scale / scale))

    def pan(self, dx: float, dy: float) -> None:
        """Drag the picture by screen pixels; positive values move it right and down."""
        if dx or dy:
            self._fitted = False
            self._move(self._scale, self._centre - QPointF(dx, dy) / self._scale)

    def transform(self, viewport: QSizeF) -> QTransform:
        """Return the map from mask pixels to the screen pixels of a pane of this size."""
        left = viewport.width() / 2 - self._centre.x() * self._scale
        top = viewport.height() / 2 - self._centre.y() * self._scale
        return QTransform(self._scale, 0.0, 0.0, self._scale, left, top)

    def to_image(self, point: QPointF, viewport: QSizeF) -> QPointF:
        """Return the place in the mask, in mask pixels, of a point of a pane of this size."""
        middle = QPointF(viewport.width() / 2, viewport.height() / 2)
        return self._centre + (point - middle) / self._scale

    def _move(self, scale: float, centre: QPointF) -> None:
        # The centre stays on the picture, so that it can never be lost.
        x = min(max(centre.x(), 0.0), float(self._size.width()))
        y = min(max(centre.y(), 0.0), float(self._size.height()))
        before = (self._scale, self._centre.x(), self._centre.y())
        self._scale, self._centre = scale, QPointF(x, y)
        if (scale, x, y) != before:
            self.changed.emit()
