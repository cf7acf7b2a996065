"""The mask as an image that Qt draws: each class in its colour, hidden, outlined or with a pattern, as it is asked."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.display import Display
from engine.types import LabelMap, Pixels, Region
from resources.labels import BY_NAME, LABEL_COUNT, palette

PERIOD = 8
"""Side of a pattern's tile, in mask pixels, at a mask of 512 pixels; larger masks have it larger, by whole factors."""
LINE = 2
"""Width of the line inside an outlined class, in mask pixels, at a mask of 512 pixels."""
TONE = 0.42
"""How far a pattern's pixels lie from their class's colour towards white or black, 0..1."""

_PATTERN, _BORDER = 32, 64
_WHOLE_MASK = 512

_Grid = NDArray[np.int_]
_PATTERNS: dict[str, Callable[[_Grid, _Grid], NDArray[np.bool_]]] = {
    # Two pixels wide at least: on a mask shown smaller than it is, single pixels would come and go.
    "dots": lambda x, y: (x < 2) & (y < 2),
    "dense dots": lambda x, y: ((x % 4) < 2) & ((y % 4) < 2),
    "quincunx": lambda x, y: ((x + y // 4 * 4) % 8 < 3) & (y % 4 < 3),
    "rising": lambda x, y: (x + y) % 8 < 3,
    "falling": lambda x, y: (x - y) % 8 < 3,
    "fine rising": lambda x, y: (x + y) % 4 < 2,
    "fine falling": lambda x, y: (x - y) % 4 < 2,
    "rows": lambda x, y: y < 3,
    "fine rows": lambda x, y: y % 4 < 2,
    "columns": lambda x, y: x < 2,
    "fine columns": lambda x, y: x % 4 < 2,
    "checks": lambda x, y: (x < 4) ^ (y < 4),
    "grid": lambda x, y: (x < 2) | (y < 2),
    "lattice": lambda x, y: ((x + y) % 8 < 2) | ((x - y) % 8 < 2),
    "bricks": lambda x, y: (y % 4 < 2) | ((x + y // 4 * 4) % 8 < 2),
    "waves": lambda x, y: (y + np.abs(x - 4)) % 8 < 3,
    "braids": lambda x, y: (x + np.abs(y - 4)) % 8 < 3,
    "crosses": lambda x, y: ((x - 3) // 2 == 0) & (y > 0) & (y < 7) | ((y - 3) // 2 == 0) & (x > 0) & (x < 7),
}
"""Whether a pixel of an 8 x 8 tile takes the other tone, by its column and row."""

_PATTERN_OF = {
    # The largest classes have the quietest patterns; twins have mirror images of one another.
    "skin": "dots", "nose": "rows", "eye_g": "checks", "l_eye": "fine falling", "r_eye": "fine rising",
    "l_brow": "falling", "r_brow": "rising", "l_ear": "braids", "r_ear": "waves", "mouth": "crosses",
    "u_lip": "fine columns", "l_lip": "dense dots", "hair": "columns", "hat": "bricks", "ear_r": "lattice",
    "neck_l": "grid", "neck": "quincunx", "cloth": "fine rows",
}  # fmt: skip


class MaskImage:
    """Shows a mask, following what is written to its buffer.

    As long as every class has one colour, the buffer itself is what is drawn. Otherwise a buffer of its own holds, for
    each pixel, the class and whether it belongs to a pattern or to a border.

    Parameters
    ----------
    labels
        uint8 (H, W), C-contiguous, ids 0..18; not copied.
    display
        How the classes are shown.

    Attributes
    ----------
    image
        What is drawn, H x W; another one after each `set_display`.
    see_through
        Whether pixels of some class show what lies below.

    Raises
    ------
    ValueError
        If the buffer cannot be wrapped.
    """

    def __init__(self, labels: LabelMap, display: Display | None = None) -> None:
        if labels.dtype != np.uint8 or labels.ndim != 2 or not labels.flags.c_contiguous:
            raise ValueError("a mask must be a C-contiguous uint8 array of shape (H, W)")
        self._labels = labels
        self._zoom = max(1, round(max(labels.shape) / _WHOLE_MASK))
        self._reach = LINE * self._zoom
        self._shown = labels
        self._patterns = self._borders = False
        self.image = QImage()
        self.see_through = False
        self.set_display(display or Display())

    def set_display(self, display: Display) -> None:
        """Show the classes in another way."""
        borders = any(display.shows(label) for label in display.outlined)
        if (display.colour_blind_safe, borders) != (self._patterns, self._borders):
            self._patterns, self._borders = display.colour_blind_safe, borders
            # The same buffer is used again, as long as there has to be one.
            own = self._patterns or self._borders
            self._shown = self._labels if not own else np.empty_like(self._labels)
            self._fill(self._whole)
        height, width = self._labels.shape
        self.image = QImage(self._shown.data, width, height, width, QImage.Format.Format_Indexed8)
        table = colour_table(display)
        self.image.setColorTable(table.tolist())
        self.see_through = bool((table[:LABEL_COUNT] >> 24 == 0).any())

    def update(self, region: Region) -> Region:
        """Follow a change of the labels inside a region; returns where what is shown may have changed."""
        if region.empty or not self._borders:
            self._fill(region)
            return region
        grown = self._grown(region)
        self._fill(grown)
        return grown

    @property
    def _whole(self) -> Region:
        height, width = self._labels.shape
        return Region(0, 0, height, width)

    def _grown(self, region: Region) -> Region:
        reach, whole = self._reach, self._whole
        return Region(
            max(region.y0 - reach, 0), max(region.x0 - reach, 0),
            min(region.y1 + reach, whole.y1), min(region.x1 + reach, whole.x1),
        )  # fmt: skip

    def _fill(self, region: Region) -> None:
        if self._shown is self._labels or region.empty:
            return
        shown = self._labels[region.slices].copy()
        if self._patterns:
            side = PERIOD * self._zoom
            rows, columns = np.arange(region.y0, region.y1) % side, np.arange(region.x0, region.x1) % side
            shown |= _tiles(self._zoom)[self._labels[region.slices], rows[:, None], columns]
        if self._borders:
            shown |= self._bordering(region)
        self._shown[region.slices] = shown

    def _bordering(self, region: Region) -> NDArray[np.uint8]:
        """Return `_BORDER` for a region's pixels that have another class within reach."""
        around = self._grown(region)
        labels, kernel = self._labels[around.slices], np.ones((2 * self._reach + 1,) * 2, np.uint8)
        apart = np.asarray(cv2.dilate(labels, kernel)) != np.asarray(cv2.erode(labels, kernel))
        y, x = region.y0 - around.y0, region.x0 - around.x0
        height, width = region.y1 - region.y0, region.x1 - region.x0
        return apart[y : y + height, x : x + width].astype(np.uint8) * np.uint8(_BORDER)


def colour_table(display: Display) -> NDArray[np.uint32]:
    """Return 0xAARRGGBB for each value of a pixel, uint32 (128,): the class, + 32 in a pattern, + 64 at a border."""
    table = np.zeros(128, np.uint32)
    colours = palette(display.colour_blind_safe)
    for label in range(LABEL_COUNT):
        if not display.shows(label):
            continue
        plain, toned = _opaque(colours[label]), _opaque(pattern_tone(colours[label]))
        if label not in display.outlined:
            table[label], table[label + _PATTERN] = plain, toned
            table[label + _BORDER], table[label + _BORDER + _PATTERN] = plain, toned
        else:
            table[[label + _BORDER, label + _BORDER + _PATTERN]] = plain
    return table


def pattern_tone(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the colour of a pattern on a colour, uint8 (3,) RGB each: darker on light ones, lighter on dark ones."""
    # The weights of BT.601: what matters is only which of the two can be told apart more easily.
    light = float(colour @ np.array([0.299, 0.587, 0.114])) > 110
    return np.round(colour * (1 - TONE) + (0 if light else 255 * TONE)).astype(np.uint8)


def pattern(label: int) -> NDArray[np.bool_]:
    """Return a class's pattern, bool (8, 8): true where its pixels take the other tone. Background has none."""
    name = next((name for name in _PATTERN_OF if BY_NAME[name].id == label), None)
    y, x = np.mgrid[:PERIOD, :PERIOD]
    return np.zeros((PERIOD, PERIOD), bool) if name is None else _PATTERNS[_PATTERN_OF[name]](x, y)


def swatch_pixels(label: int, side: int, colour_blind_safe: bool) -> Pixels:
    """Return a class's colour, with its pattern where that is shown, as uint8 (side, side, 3) for a legend."""
    colour = palette(colour_blind_safe)[label]
    result = np.tile(colour, (side, side, 1))
    if colour_blind_safe:
        times = -(-side // PERIOD)
        result[np.tile(pattern(label), (times, times))[:side, :side]] = pattern_tone(colour)
    return result


def _opaque(colour: NDArray[np.uint8]) -> int:
    red, green, blue = (int(value) for value in colour)
    return 0xFF000000 | red << 16 | green << 8 | blue


def _tiles(zoom: int) -> NDArray[np.uint8]:
    """Return `_PATTERN` or 0 for each class and pixel of its tile, uint8 (19, side, side)."""
    if zoom not in _TILES:
        tiles = np.stack([pattern(label) for label in range(LABEL_COUNT)]).astype(np.uint8) * np.uint8(_PATTERN)
        _TILES[zoom] = tiles.repeat(zoom, axis=1).repeat(zoom, axis=2)
    return _TILES[zoom]


_TILES: dict[int, NDArray[np.uint8]] = {}
