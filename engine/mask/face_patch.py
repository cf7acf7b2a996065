"""Changing a patch of a mask in the face's own frame: moved layers, and what they leave behind."""

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import to_opencv
from engine.mask.face import FaceGeometry
from engine.mask.regions import given_away
from engine.mask.steps import EMPTY, clipped
from engine.types import LabelMap, Region
from resources.labels import LABEL_COUNT

Field = NDArray[np.floating[Any]]
"""A number for each pixel of a patch, (h, w); float32 where much is computed with it."""

_NOWHERE = 255
_EVERY = 4
"""Smooth fields are computed at one of so many pixels, in either direction, and in between interpolated."""

Box = tuple[float, float, float, float]
"""U and v from, u and v to, in the face's frame."""


class Patch:
    """The part of a mask that an action changes.

    Parameters
    ----------
    work
        The mask, uint8 (H, W), ids 0..18; `lay` writes to it.
    face
        Where the parts of its face lie.
    box
        What the patch must hold, in the face's frame, or where exactly it lies in the mask.

    Attributes
    ----------
    region
        Where it lies in the mask; may be empty.
    labels
        The mask's labels there, uint8 (h, w); never written to.
    """

    def __init__(self, work: LabelMap, face: FaceGeometry, box: Box | Region) -> None:
        self._work, self.face = work, face
        self.region = box if isinstance(box, Region) else _holding(face, box, work.shape)
        self.labels: LabelMap = work[self.region.slices].copy()

    def renew(self) -> None:
        """Take the mask's labels anew: it was changed beside this patch."""
        self.labels = self._work[self.region.slices].copy()

    def places(self) -> tuple[Field, Field]:
        """Return u and v of each pixel's centre."""
        region, matrix = self.region, self.face.matrix()
        turn = np.linalg.inv(matrix[:, :2])
        x = np.arange(region.x0, region.x1) + (0.5 - matrix[0, 2])
        y = np.arange(region.y0, region.y1)[:, None] + (0.5 - matrix[1, 2])
        u, v = (np.add(row[0] * x, row[1] * y, dtype=np.float32, casting="same_kind") for row in turn)
        return u, v

    def holds(self, ids: Sequence[int]) -> NDArray[np.bool_]:
        """Return where one of some classes is, bool (h, w)."""
        return chosen(self.labels, ids)

    def sampled(self, ids: Sequence[int], u: Field, v: Field, soft: float = 0.0) -> tuple[NDArray[np.bool_], LabelMap]:
        """Return what classes look like when each pixel shows what lies at another place of the face's frame.

        Parameters
        ----------
        ids
            The classes, at least one.
        u, v
            The place that each pixel shows.
        soft
            How far the classes' borders are evened out before, in units of the frame.

        Returns
        -------
        inside
            Where one of the classes is, bool (h, w); borders are smooth to fractions of a pixel.
        labels
            Which one, uint8 (h, w); some other of them elsewhere.
        """
        return self.remapped(ids, *self._in_pixels(u, v), soft)

    def covered(self, ids: Sequence[int], u: Field, v: Field) -> NDArray[np.bool_]:
        """Return only where one of the classes is then, as `sampled` does."""
        cover = self.holds(ids).view(np.uint8) * np.uint8(255)
        x, y = self._in_pixels(u, v)
        return np.asarray(cv2.remap(cover, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)) > 127

    def remapped(
        self, ids: Sequence[int], x: Field, y: Field, soft: float = 0.0, ending: bool = False
    ) -> tuple[NDArray[np.bool_], LabelMap]:
        """Do the same as `sampled`, places being pixels of the patch as OpenCV counts.

        Beyond the patch, classes end if ``ending``, and otherwise go on as they are at its border.
        """
        border = cv2.BORDER_CONSTANT if ending else cv2.BORDER_REPLICATE
        shape, sigma = self.labels.shape, soft * self.face.unit
        best, total, labels = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.full(shape, ids[0], np.uint8)
        for label in ids:
            mine = self.labels == label
            if not mine.any():
                continue
            cover = mine.view(np.uint8) * np.uint8(255)
            if sigma > 0:
                cover = cv2.GaussianBlur(cover, (0, 0), sigma)
            moved = np.asarray(cv2.remap(cover, x, y, cv2.INTER_LINEAR, borderMode=border), np.uint8)
            labels[moved > best] = label
            best, total = np.maximum(best, moved), cv2.add(total, moved)
        return total > 127, labels

    def smooth_map(self, source: Callable[[Field, Field], tuple[Field, Field]]) -> tuple[Field, Field]:
        """Return the x and y of `remapped` for a smooth map of places, in a fraction of the time.

        Parameters
        ----------
        source
            Returns the u and v that places (u, v) show; asked for a few of the patch's pixels only.
        """
        height, width = self.labels.shape
        # One sample more on each side: so near a border, too, each pixel lies between four of them.
        x, y = (np.arange(-1, -(-size // _EVERY) + 1) * _EVERY + (_EVERY - 1) / 2 for size in (width, height))
        turn = np.linalg.inv(self.face.matrix()[:, :2])
        x, y = np.meshgrid(
            x + self.region.x0 + 0.5 - self.face.origin[0], y + self.region.y0 + 0.5 - self.face.origin[1]
        )
        u, v = ((row[0] * x + row[1] * y).astype(np.float32) for row in turn)
        found = (
            cv2.resize(each, None, fx=_EVERY, fy=_EVERY, interpolation=cv2.INTER_LINEAR)
            for each in self._in_pixels(*source(u, v))
        )
        inner = slice(_EVERY, _EVERY + height), slice(_EVERY, _EVERY + width)
        x, y = (np.ascontiguousarray(each[inner], np.float32) for each in found)
        return x, y

    def _in_pixels(self, u: Field, v: Field) -> tuple[Field, Field]:
        matrix, corner = self.face.matrix(), (self.region.x0 + 0.5, self.region.y0 + 0.5)
        x, y = (
            (a * u + b * v + (c - start)).astype(np.float32) for (a, b, c), start in zip(matrix, corner, strict=True)
        )
        return x, y

    def lay(
        self,
        inside: NDArray[np.bool_],
        labels: LabelMap | int,
        moved: Sequence[int],
        onto: Sequence[int],
        fill: Sequence[int],
    ) -> Region:
        """Write a moved layer into the mask.

        Parameters
        ----------
        inside
            Where the layer is now, bool (h, w).
        labels
            Its class, or that of each pixel, uint8 (h, w).
        moved
            The classes that the layer was taken from; where they were and it is no more, the mask is filled.
        onto
            The other classes that the layer may cover.
        fill
            The classes that may spread into what the layer leaves: see `filled`.

        Returns
        -------
        Region
            What has changed.
        """
        old = self.holds(moved)
        placed = inside & (old | self.holds(onto))
        left = old & ~placed
        result = filled(self.labels, left, fill)
        result = np.where(placed, np.uint8(labels) if isinstance(labels, int) else labels, result)
        return self.write(result)

    def write(self, labels: LabelMap) -> Region:
        """Write labels, uint8 (h, w), into the mask, and return where they differ from what was there."""
        changed = Region.of(labels != self.labels)
        if changed.empty:
            return EMPTY
        region = changed.moved(self.region.y0, self.region.x0)
        self._work[region.slices] = labels[changed.slices]
        return region


def _holding(face: FaceGeometry, box: Box, shape: tuple[int, ...]) -> Region:
    u0, v0, u1, v1 = box
    corners = face.to_mask(np.array([[u0, v0], [u1, v0], [u1, v1], [u0, v1]]))
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return clipped(float(x0), float(y0), float(x1), float(y1), shape)


class Upright:
    """The labels in the face's frame, as a raster whose columns run down the face.

    Parameters
    ----------
    labels
        uint8 (H, W).
    face
        Where the parts of its face lie.
    box
        What the raster shows.
    per_unit
        Its columns per unit of the frame; by default as many as the mask has pixels.

    Attributes
    ----------
    labels
        uint8 (h, w); 255, no class, outside the mask.
    u, v
        The places of the columns (w,) and rows (h,), in the face's frame.
    """

    def __init__(self, labels: LabelMap, face: FaceGeometry, box: Box, per_unit: float = 0.0) -> None:
        self._per_unit = per_unit or face.unit
        self._face, self._box = face, box
        u0, v0, u1, v1 = box
        width, height = (max(2, round(side * self._per_unit)) for side in (u1 - u0, v1 - v0))
        self.u = u0 + (np.arange(width) + 0.5) / self._per_unit
        self.v = v0 + (np.arange(height) + 0.5) / self._per_unit
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        self.labels = np.asarray(
            cv2.warpAffine(labels, self._matrix(), (width, height), flags=flags, borderValue=_NOWHERE), np.uint8
        )

    def _matrix(self) -> NDArray[np.float64]:
        """Return OpenCV's map from the raster's cells to the mask's pixels."""
        u0, v0, _, _ = self._box
        cell = np.array([[1 / self._per_unit, 0, u0], [0, 1 / self._per_unit, v0], [0, 0, 1]])
        return to_opencv(self._face.matrix() @ cell)

    def holds(self, ids: Sequence[int]) -> NDArray[np.bool_]:
        """Return where one of some classes is, bool (h, w)."""
        return chosen(self.labels, ids)

    def back(self, field: Field, region: Region) -> NDArray[np.bool_]:
        """Return where a field of the raster, float32 (h, w), is above 0 at the pixels of a region of the mask.

        Its borders are smooth there; only where the field lies within -3..3 does it tell where exactly they run.
        """
        levels = np.clip(field * 42 + 127.5, 0, 255).astype(np.uint8)
        matrix = self._matrix()
        matrix[:, 2] -= [region.x0, region.y0]
        size = (region.x1 - region.x0, region.y1 - region.y0)
        return np.asarray(cv2.warpAffine(levels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=0)) > 127


def widened(region: Region, by: int, shape: tuple[int, ...]) -> Region:
    """Return a region that reaches farther on all sides by some pixels, within a mask (H, W)."""
    height, width = shape[:2]
    return Region(
        max(region.y0 - by, 0), max(region.x0 - by, 0), min(region.y1 + by, height), min(region.x1 + by, width)
    )


def chosen(labels: LabelMap, ids: Sequence[int]) -> NDArray[np.bool_]:
    """Return where one of some classes is, bool (h, w)."""
    table = np.zeros((1, 256), np.uint8)
    table[0, list(ids)] = 1
    return np.asarray(cv2.LUT(np.ascontiguousarray(labels), table), np.uint8).view(bool)


_LARGE = 400_000
"""Pixels from which on a region is filled at half the resolution: only where two classes meet in it can one tell."""


def filled(labels: LabelMap, rest: NDArray[np.bool_], takers: Sequence[int]) -> LabelMap:
    """Return labels, uint8 (h, w), in which the nearest pixel of some classes has spread into a region.

    Parameters
    ----------
    labels
        Not written to.
    rest
        The region, bool (h, w).
    takers
        The classes; if there are none of them elsewhere, all classes may spread.
    """
    if not rest.any():
        return labels
    present = [label for label in takers if ((labels == label) & ~rest).any()]
    if not present:
        present = np.flatnonzero(np.bincount(labels[~rest], minlength=LABEL_COUNT)).tolist() or [0]
    result = labels.copy()
    if len(present) == 1:
        result[rest] = present[0]
        return result
    every = 2 if rest.size > _LARGE else 1
    small = np.ascontiguousarray(labels[::every, ::every])
    taken = rest[::every, ::every] | ~chosen(small, present)
    small = given_away(small, taken, tuple(present))
    if every > 1:
        size = (small.shape[1] * every, small.shape[0] * every)
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    np.copyto(result, small[: rest.shape[0], : rest.shape[1]], where=rest)
    return result


def along(profile: NDArray[np.float64], start: float, step: float, u: Field) -> Field:
    """Return a profile's values at places, float32 of their shape.

    Parameters
    ----------
    profile
        Values at ``start``, ``start + step``, …, (N,); the outermost ones go on beyond.
    u
        The places.
    """
    x = ((u - np.float32(start)) / np.float32(step)).astype(np.float32)
    row = np.ascontiguousarray(profile, np.float32)[None]
    zero = np.zeros_like(x)
    return np.asarray(cv2.remap(row, x, zero, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def smoothed(profile: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return a profile (N,) without its small steps; ``sigma`` in its own steps."""
    reach = max(1, int(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-3)) ** 2)
    padded = np.pad(profile, reach, mode="edge")
    return np.asarray(np.convolve(padded, weights / weights.sum(), mode="valid"), np.float64)


def ramp(x: Field, low: float, high: float) -> Field:
    """Return 0 up to ``low``, 1 from ``high`` on, and a smooth step between."""
    t = np.clip((x - np.float32(low)) / np.float32(high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
