"""A picture in the sizes that it is drawn in."""

import cv2
import numpy as np
from PySide6.QtGui import QImage

from engine.types import Pixels


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
        # The images wrap the arrays, so both are kept.
        self._levels: list[tuple[QImage, Pixels]] = []
        self._add(np.ascontiguousarray(pixels))

    def shown_at(self, width_on_screen: float) -> QImage:
        """Return the picture, halved so often that drawing it at this width shrinks it by less than two.

        Bilinear scaling skips pixels beyond that, and fine hair would shimmer.
        """
        level = 0
        while self._levels[level][0].width() > 2 * width_on_screen and min(self._levels[level][1].shape[:2]) > 1:
            level += 1
            self._reach(level)
        return self._levels[level][0]

    def within(self, side: int) -> Pixels:
        """Return the picture, halved until its longer side is no longer than ``side``, a number above 1."""
        level = 0
        while max(self._levels[level][1].shape[:2]) > side and min(self._levels[level][1].shape[:2]) > 1:
            level += 1
            self._reach(level)
        return self._levels[level][1]

    def _reach(self, level: int) -> None:
        if level == len(self._levels):
            height, width, _ = self._levels[-1][1].shape
            half = cv2.resize(self._levels[-1][1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
            self._add(half.astype(np.uint8, copy=False))

    def _add(self, pixels: Pixels) -> None:
        height, width, _ = pixels.shape
        image = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._levels.append((image, pixels))
