"""Between a portrait's size and a network's: scaling, and padding to a multiple."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.compose import box_of
from engine.types import LabelMap, Pixels


@dataclass(frozen=True, slots=True)
class Frame:
    """How a portrait of any aspect lies in a network's input: scaled to its longer side, centred, edges repeated.

    Attributes
    ----------
    inner
        Height and width of the scaled portrait.
    outer
        Height and width of the input.
    """

    inner: tuple[int, int]
    outer: tuple[int, int]

    @classmethod
    def fit(cls, height: int, width: int, size: int, multiple: int) -> "Frame":
        """Make the frame for a portrait of ``height`` x ``width`` in a network that works at ``size``."""
        scale = size / max(height, width)
        inner = (max(1, round(height * scale)), max(1, round(width * scale)))
        rows, columns = (-(-side // multiple) * multiple for side in inner)
        return cls(inner, (rows, columns))

    def pixels(self, pixels: Pixels) -> Pixels:
        """Bring a picture to the network's size; area averaging when it shrinks, cubic when it grows."""
        grows = pixels.shape[0] < self.inner[0]
        return self._pad(
            cv2.resize(pixels, self.inner[::-1], interpolation=cv2.INTER_CUBIC if grows else cv2.INTER_AREA)
        )

    def labels(self, labels: LabelMap) -> LabelMap:
        """Bring a label map to the network's size by nearest neighbour."""
        return self._pad(cv2.resize(labels, self.inner[::-1], interpolation=cv2.INTER_NEAREST_EXACT))

    def region(self, inside: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Bring a region, bool (H, W), to the network's size: float32, 1 wherever any part of it lies, else 0."""
        result = np.zeros(self.inner, np.float32)
        box = box_of(inside.view(np.uint8))
        if not box.empty:
            (top, bottom), (left, right) = map(_spans, inside.shape, self.inner)
            # Only the cells that the region's box touches.
            rows = slice(int(np.searchsorted(bottom, box.y0, "right")), int(np.searchsorted(top, box.y1)))
            columns = slice(int(np.searchsorted(right, box.x0, "right")), int(np.searchsorted(left, box.x1)))
            top, bottom, left, right = top[rows], bottom[rows], left[columns], right[columns]
            sums = cv2.integral(inside[top[0] : bottom[-1], left[0] : right[-1]].view(np.uint8))
            top, bottom, left, right = top - top[0], bottom - top[0], left - left[0], right - left[0]
            count = sums[np.ix_(bottom, right)] - sums[np.ix_(top, right)]
            count -= sums[np.ix_(bottom, left)] - sums[np.ix_(top, left)]
            result[rows, columns] = count > 0
        return self._pad(result)

    def inside(self, array: NDArray) -> NDArray:
        """Return the part of an input or output, (H, W, ...), that is the portrait."""
        top, left = self._origin()
        return array[top : top + self.inner[0], left : left + self.inner[1]]

    def restore(self, image: NDArray[np.float32], height: int, width: int) -> Pixels:
        """Bring a render, float32 (H, W, 3) in [-1, 1], back to a portrait's size: uint8."""
        image = np.clip((self.inside(image) + 1) * np.float32(127.5), 0, 255)
        if self.inner != (height, width):
            interpolation = cv2.INTER_AREA if height < self.inner[0] else cv2.INTER_CUBIC
            image = np.asarray(cv2.resize(image, (width, height), interpolation=interpolation), np.float32)
        return np.clip(np.rint(image), 0, 255).astype(np.uint8)

    def _origin(self) -> tuple[int, int]:
        return (self.outer[0] - self.inner[0]) // 2, (self.outer[1] - self.inner[1]) // 2

    def _pad(self, array: NDArray) -> NDArray:
        if self.inner == self.outer:
            return array
        top, left = self._origin()
        bottom, right = self.outer[0] - self.inner[0] - top, self.outer[1] - self.inner[1] - left
        return cv2.copyMakeBorder(array, top, bottom, left, right, cv2.BORDER_REPLICATE)


def _spans(pixels: int, cells: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first pixel that each of ``cells`` equal parts of a side touches, and the one after the last."""
    edges = np.arange(cells + 1) * pixels
    return edges[:-1] // cells, -(-edges[1:] // cells)
