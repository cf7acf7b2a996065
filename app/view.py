"""The zoom, pan, rotation and flip that all panes share."""

from PySide6.QtCore import QObject, QPointF, QSize, QSizeF, Signal
from PySide6.QtGui import QTransform

MAX_SCALE = 64.0
"""Screen pixels per mask pixel beyond which there is nothing more to see."""
MIN_OF_FIT = 0.25
"""The smallest scale, as a share of the one that fits."""
MARGIN = 12.0
"""Free space around a fitted picture, in screen pixels."""
ROTATION_STEP = 15.0
"""Degrees by which keys and the wheel rotate the view."""


class ViewModel(QObject):
    """Which part of the picture is seen, how large, and which way up.

    View coordinates are the mask's pixels, (x, y), the top left corner of the first one at (0, 0). A pane whose picture
    has another resolution stretches it into that frame, so the same face stays at the same place in every pane.
    Screen pixels are device-independent. The centre of what is seen lies at the centre of every pane. The picture is
    flipped first, left to right, and then rotated.

    The view starts fitted, and stays so while panes are resized, until somebody zooms, pans or rotates.

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
        self._rotation = 0.0
        self._flipped = False
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
    def rotation(self) -> float:
        """How far the picture is turned clockwise, in degrees, above -180 and up to 180."""
        return self._rotation

    @property
    def flipped(self) -> bool:
        """Whether left and right are exchanged."""
        return self._flipped

    @property
    def fitted(self) -> bool:
        """Whether the picture is kept fitted to the panes."""
        return self._fitted

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole picture, turned as it is, fits into each registered pane."""
        return self._fitting(self._rotation)

    @property
    def limits(self) -> tuple[float, float]:
        """The smallest and the largest scale."""
        # Zooming must not depend on how the picture happens to be turned, as long as all of it can be seen.
        upright, turned = self._fitting(0.0), self.fit_scale
        return min(upright, turned) * MIN_OF_FIT, max(upright, turned, MAX_SCALE)

    def set_image_size(self, width: int, height: int) -> None:
        """Take a new frame, in mask pixels; show it upright, and fit it.

        Raises
        ------
        ValueError
            If a side is less than 1.
        """
        if width < 1 or height < 1:
            raise ValueError(f"a picture cannot be {width} x {height} pixels")
        self._size = QSize(width, height)
        self._fitted = True
        self._show(self._fitting(0.0), self._middle, 0.0, False)

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
        """Show the whole picture, turned as it is, and keep it fitted while panes are resized."""
        self._fitted = True
        self._show(self.fit_scale, self._middle, self._rotation, self._flipped)

    def set_scale(self, scale: float) -> None:
        """Zoom about the centre to a scale, in screen pixels per mask pixel, within the limits."""
        self.zoom_about(self._centre, scale / self._scale)

    def zoom_about(self, point: QPointF, factor: float) -> None:
        """Zoom by a factor, keeping a point of the picture (mask pixels) where it is on the screen."""
        low, high = self.limits
        scale = min(max(self._scale * factor, low), high)
        if scale != self._scale:
            self._fitted = False
        centre = point + (self._centre - point) * (self._scale / scale)
        self._show(scale, centre, self._rotation, self._flipped)

    def pan(self, dx: float, dy: float) -> None:
        """Drag the picture by screen pixels; positive values move it right and down."""
        if dx or dy:
            self.look_at(self._centre - self._back().map(QPointF(dx, dy)) / self._scale)

    def look_at(self, point: QPointF) -> None:
        """Bring a point of the picture (mask pixels) to the centre of the panes."""
        if point != self._centre:
            self._fitted = False
            self._show(self._scale, point, self._rotation, self._flipped)

    def rotate_by(self, degrees: float, about: QPointF | None = None) -> None:
        """Rotate clockwise, as seen, about a point of the picture (mask pixels), by default about the centre."""
        self.set_rotation(self._rotation + degrees, about)

    def set_rotation(self, degrees: float, about: QPointF | None = None) -> None:
        """Rotate about a point of the picture (mask pixels), by default the centre, to degrees clockwise.

        The scale stays, so that a brush stays as large as it was: a picture that was fitted may lose its corners.
        """
        rotation = 180.0 - (180.0 - degrees) % 360.0
        if rotation == self._rotation:
            return
        centre = QPointF(self._centre)
        if about is not None:
            offset = _turn(self._rotation, self._flipped).map(self._centre - about)
            centre = about + _turn(rotation, self._flipped).inverted()[0].map(offset)
        self._show(self._scale, centre, rotation, self._flipped)
        # Turned back to where it was fitted, it is so again.
        apart = self._centre - self._middle
        at_middle = max(abs(apart.x()), abs(apart.y())) * self._scale < 0.01
        self._fitted = at_middle and abs(self._scale / self.fit_scale - 1) < 1e-9

    def reset_rotation(self) -> None:
        """Show the picture upright; it may still be flipped."""
        self.set_rotation(0.0)

    def flip(self) -> None:
        """Exchange left and right as they are seen, about the centre."""
        # A mirror image of something turned clockwise is turned counterclockwise.
        rotation = self._rotation if self._rotation == 180.0 else 0.0 - self._rotation
        self._show(self._scale, self._centre, rotation, not self._flipped)

    def transform(self, viewport: QSizeF) -> QTransform:
        """Return the map from mask pixels to the screen pixels of a pane of this size."""
        from_centre = QTransform.fromTranslate(-self._centre.x(), -self._centre.y())
        turn = _turn(self._rotation, self._flipped) * QTransform.fromScale(self._scale, self._scale)
        return from_centre * turn * QTransform.fromTranslate(viewport.width() / 2, viewport.height() / 2)

    def to_image(self, point: QPointF, viewport: QSizeF) -> QPointF:
        """Return the place in the mask, in mask pixels, of a point of a pane of this size."""
        middle = QPointF(viewport.width() / 2, viewport.height() / 2)
        return self._centre + self._back().map(point - middle) / self._scale

    @property
    def _middle(self) -> QPointF:
        return QPointF(self._size.width() / 2, self._size.height() / 2)

    def _back(self) -> QTransform:
        """Return the map that undoes rotation and flip."""
        return _turn(self._rotation, self._flipped).inverted()[0]

    def _fitting(self, rotation: float) -> float:
        turn = _turn(rotation, False)
        width = abs(turn.m11()) * self._size.width() + abs(turn.m21()) * self._size.height()
        height = abs(turn.m12()) * self._size.width() + abs(turn.m22()) * self._size.height()
        scales = [
            min((size.width() - 2 * MARGIN) / width, (size.height() - 2 * MARGIN) / height)
            for size in self._viewports.values()
        ]
        # A pane smaller than its margins shows next to nothing, but must not turn the picture inside out.
        return max(min(scales, default=1.0), 1e-3)

    def _show(self, scale: float, centre: QPointF, rotation: float, flipped: bool) -> None:
        # The centre stays on the picture, so that it can never be lost.
        x = min(max(centre.x(), 0.0), float(self._size.width()))
        y = min(max(centre.y(), 0.0), float(self._size.height()))
        before = (self._scale, self._centre, self._rotation, self._flipped)
        self._scale, self._centre, self._rotation, self._flipped = scale, QPointF(x, y), rotation, flipped
        if (scale, self._centre, rotation, flipped) != before:
            self.changed.emit()


def _turn(degrees: float, flipped: bool) -> QTransform:
    """Return a flip followed by a rotation clockwise, both about the origin."""
    return QTransform().rotate(degrees).scale(-1.0 if flipped else 1.0, 1.0)
