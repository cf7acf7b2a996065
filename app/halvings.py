"""A picture in the sizes that it is drawn in."""

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from engine.types import Pixels, Region


class Halvings:
    """A picture, and smaller ones of it that are made when they are needed.

    Parameters
    ----------
    pixels
        uint8 (H, W, 3) RGB; not copied.

    Raises
    ------
    ValueError
        If it is no such picture.
    """

    def __init__(self, pixels: Pixels) -> None:
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise ValueError(f"expected uint8 pixels of shape (H, W, 3), not {pixels.dtype} of shape {pixels.shape}")
        self._levels: list[Pixels] = [np.ascontiguousarray(pixels)]
        # The images wrap arrays, so both are kept.
        self._images: dict[int, tuple[QImage, NDArray[np.uint8]]] = {}

    def shown_at(self, width_on_screen: float) -> QImage:
        """Return the picture, halved so often that drawing it at this width shrinks it by less than two.

        Bilinear scaling skips pixels beyond that, and fine hair would shimmer.
        """
        level = 0
        while self._levels[level].shape[1] > 2 * width_on_screen and min(self._levels[level].shape[:2]) > 1:
            level += 1
            self._reach(level)
        if level not in self._images:
            # Qt scales pixels of four bytes several times as fast as those of three.
            four = np.asarray(cv2.cvtColor(self._levels[level], cv2.COLOR_RGB2BGRA), np.uint8)
            height, width, _ = four.shape
            self._images[level] = QImage(four.data, width, height, 4 * width, QImage.Format.Format_RGB32), four
        return self._images[level][0]

    def within(self, side: int) -> Pixels:
        """Return the picture, halved until its longer side is no longer than ``side``, a number above 1."""
        level = 0
        while max(self._levels[level].shape[:2]) > side and min(self._levels[level].shape[:2]) > 1:
            level += 1
            self._reach(level)
        return self._levels[level]

    def difference(self, other: "Halvings") -> Region | None:
        """Return where two pictures differ, in their pixels; None if they are not of one size."""
        first, second = self._levels[0], other._levels[0]
        if first.shape != second.shape:
            return None
        if first is second:
            return Region(0, 0, 0, 0)
        apart = cv2.absdiff(first, second).reshape(first.shape[0], -1)
        rows, columns = (np.asarray(cv2.reduce(apart, axis, cv2.REDUCE_MAX)).ravel() for axis in (1, 0))
        down, across = np.flatnonzero(rows), np.flatnonzero(columns) // 3
        if not down.size:
            return Region(0, 0, 0, 0)
        return Region(int(down[0]), int(across[0]), int(down[-1]) + 1, int(across[-1]) + 1)

    def _reach(self, level: int) -> None:
        if level == len(self._levels):
            height, width, _ = self._levels[-1].shape
            half = cv2.resize(self._levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            self._levels.append(half.astype(np.uint8, copy=False))
