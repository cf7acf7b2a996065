"""The picture's edges: how far a stroke may spread before it meets one, and the way along them from place to place."""

import math
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.mask.steps import Points
from engine.types import Pixels, Region

if TYPE_CHECKING:
    from engine.mask.strokes import Dab

SMALLEST = 2.0
"""A brush of a smaller radius, in mask pixels, is its own guide: it paints all that it covers."""
CORE = 0.3
"""The share of the brush's radius within which it paints whatever the picture shows; what lies there is the thing."""

_COLOURS = 5
"""How many colours the picture around the brush is divided into."""
_ROUNDS = 6
_SAMPLES = 800
"""How many pixels the colours are found from."""
_WORK_RADIUS, _WORK_AREA = 32.0, 14_000
"""What is larger, in pixels, is looked at reduced: a large brush need not see each hair."""
_CONTEXT = 0.5
"""How far around the brush the picture is looked at, as a share of its radius."""
_NEAR = 1.5
"""Colours are found within this many radii of the middle."""
_ALIKE = 10.0
"""Colours closer than this, measured as `_EDGE` is, are one: grain must not tear a flat part into shreds."""
_POINT = 1e-6
"""The squared length up to which a capsule's middle line is a point."""
_LIGHT = 0.6
"""How much a difference of lightness counts beside one of hue: shading is no edge."""
_CORE_SHARE = 0.12
"""The share of the core that a patch of colour must cover to belong to the thing at once."""
_PATCH_SHARE = 0.04
"""The share of the brush's disc below which a patch is a speck, which what is around it takes in."""
_STEP = 5
"""Contrast is measured between pixels this far apart, for edges of photos are soft."""
_EDGE = 12.0
"""The least contrast of an edge: a distance in YCrCb of 8 bits a channel, lightness scaled."""
_TEXTURE, _TEXTURE_MOST = 0.4, 8.0
"""How much the colours' deviation within the core adds to that, and at most: hair has edges of its own."""

_REACH = 76
"""The way along edges is looked for within a square of this half side, in pixels; for a longer one they are reduced."""
_CANNY = (24.0, 72.0)
"""The weaker and the stronger gradient of lines that count as edges, as `cv2.Canny` takes them."""
_STEEPEST = 200.0
"""The gradient from which an edge is as good as any."""
_FLAT = 72
"""The gradient, of a Sobel filter on 8 bits a channel, below which a way does not follow an edge."""
_RUN = 7
"""How many pixels of a way are looked at together to tell whether it follows an edge."""


def kept_to_edges(pixels: Pixels, start: "Dab", end: "Dab", region: Region) -> NDArray[np.bool_]:
    """Return which pixels around a capsule belong to the thing that its middle line lies on.

    The picture around the capsule falls into patches of like colour. Those that hold a good part of the core (the
    pixels near the middle line) are the thing, and so is each patch that borders on it without an edge between them. In
    a flat part of the picture that is everything. The core always is.

    Parameters
    ----------
    pixels
        The picture, uint8 (H, W, 3).
    start, end
        The capsule's ends, in the picture's pixels.
    region
        Its bounding box, within the picture and not empty.

    Returns
    -------
    ndarray
        bool (h, w), the region's pixels.
    """
    shape = (region.y1 - region.y0, region.x1 - region.x0)
    radius = max(start.radius, end.radius)
    if radius < SMALLEST:
        return np.ones(shape, bool)
    around = _surroundings(pixels, start, end, region)
    patches = None if around is None else _patches(around)
    if around is None or patches is None:
        return np.ones(shape, bool)
    labels, count = patches
    kept = np.where(_joined(around, labels, count)[labels], np.uint8(255), np.uint8(0))
    kept = np.asarray(cv2.medianBlur(kept, 5), np.uint8)
    kept[around.core] = 255
    if around.factor > 1:
        size = (kept.shape[1] * around.factor, kept.shape[0] * around.factor)
        kept = np.asarray(cv2.resize(kept, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    y, x = region.y0 - around.y0, region.x0 - around.x0
    return kept[y : y + shape[0], x : x + shape[1]] > 127


class _Surroundings(NamedTuple):
    """What a capsule lies in, perhaps reduced.

    Attributes
    ----------
    y0, x0
        The first row and column in the picture.
    factor
        How many of the picture's pixels, across, one of these stands for.
    radius
        The capsule's larger radius, in these pixels.
    pixels
        uint8 (h, w, 3).
    colours
        float32 (h, w, 3): YCrCb, lightness scaled, whole numbers, so that sums are exact on any machine.
    core, near
        bool (h, w): the pixels close to the middle line, and those whose colours count.
    """

    y0: int
    x0: int
    factor: int
    radius: float
    pixels: Pixels
    colours: NDArray[np.float32]
    core: NDArray[np.bool_]
    near: NDArray[np.bool_]


def _surroundings(pixels: Pixels, start: "Dab", end: "Dab", region: Region) -> _Surroundings | None:
    """Return None where there is too little to see: the middle line lies outside the picture, or this is tiny."""
    radius = max(start.radius, end.radius)
    margin = math.ceil(_CONTEXT * radius) + 2
    height, width = pixels.shape[:2]
    y0, x0 = max(region.y0 - margin, 0), max(region.x0 - margin, 0)
    y1, x1 = min(region.y1 + margin, height), min(region.x1 + margin, width)
    area = (y1 - y0) * (x1 - x0)
    factor = max(1, math.ceil(radius / _WORK_RADIUS), math.ceil(math.sqrt(area / _WORK_AREA)))
    (y0, y1), (x0, x1) = _in_steps(y0, y1, factor, height), _in_steps(x0, x1, factor, width)
    crop = pixels[y0:y1, x0:x1]
    if factor > 1:
        # Only a picture that is smaller than all that is looked at leaves a rest, whose pixels stand for less.
        size = (-(-(x1 - x0) // factor), -(-(y1 - y0) // factor))
        rest = (size[1] * factor - (y1 - y0), size[0] * factor - (x1 - x0))
        if any(rest):
            crop = np.pad(crop, ((0, rest[0]), (0, rest[1]), (0, 0)), "edge")
        crop = cv2.resize(crop, size, interpolation=cv2.INTER_AREA)
    crop = np.asarray(cv2.medianBlur(crop, 3), np.uint8)
    y = (np.arange(crop.shape[0], dtype=np.float32)[:, None] + 0.5) * factor + (y0 - start.y)
    x = (np.arange(crop.shape[1], dtype=np.float32) + 0.5) * factor + (x0 - start.x)
    dx, dy = end.x - start.x, end.y - start.y
    length2 = dx * dx + dy * dy
    along = np.clip((x * dx + y * dy) / length2, 0.0, 1.0) if length2 > _POINT else np.float32(0.0)
    distance2 = (x - along * dx) ** 2 + (y - along * dy) ** 2
    core = distance2 <= max(CORE * radius, factor) ** 2
    near = distance2 <= (_NEAR * radius) ** 2
    if not core.any() or near.sum() < _COLOURS:
        return None
    colours = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb), np.float32)
    colours[..., 0] = np.rint(colours[..., 0] * np.float32(_LIGHT))
    return _Surroundings(y0, x0, factor, radius / factor, crop, colours, core, near)


def _in_steps(low: int, high: int, step: int, end: int) -> tuple[int, int]:
    """Return a range widened to a multiple of ``step`` pixels, as far as 0..end allows."""
    high += -(high - low) % step
    low -= max(high - end, 0)
    return max(low, 0), min(high, end)


def _patches(around: _Surroundings) -> tuple[NDArray[np.int32], int]:
    """Return each pixel's patch, int32 (h, w), and one more than the last: 1 the core's, 0 the lines between them."""
    nearest = _nearest_colours(around)
    least = _PATCH_SHARE * math.pi * around.radius**2
    core_least = _CORE_SHARE * np.count_nonzero(around.core)
    markers = np.zeros(around.core.shape, np.int32)
    count = 2
    # Thin patches are the blurred border of two others, and would hide the edge between them.
    kernel = np.ones((5, 5), np.uint8)
    for colour in range(_COLOURS):
        if not (nearest == colour).any():
            continue
        inner = cv2.erode((nearest == colour).astype(np.uint8), kernel)
        found, parts = cv2.connectedComponents(inner)
        if found == 1:
            continue
        parts = np.asarray(parts, np.int32)
        numbers = np.zeros(found, np.int32)
        large = np.bincount(parts.ravel(), minlength=found) >= least
        large[0] = False
        more = int(np.count_nonzero(large))
        numbers[large] = np.arange(count, count + more)
        count += more
        in_core = np.bincount(parts[around.core], minlength=found) >= core_least
        in_core[0] = False
        numbers[in_core] = 1
        markers += numbers[parts]
    markers[around.core] = 1
    # OpenCV floods all but the outermost pixels.
    framed = (cv2.copyMakeBorder(array, 1, 1, 1, 1, cv2.BORDER_REPLICATE) for array in (around.pixels, markers))
    flooded = np.asarray(cv2.watershed(*framed), np.int32)[1:-1, 1:-1]
    return np.maximum(flooded, 0), count


def _nearest_colours(around: _Surroundings) -> NDArray[np.intp]:
    """Divide the pixels by colour, (h, w): by k-means, begun with equal shares of dark to light ones."""
    colours = around.colours.reshape(-1, 3)
    found = np.flatnonzero(around.near)
    samples = colours[found[:: max(1, len(found) // _SAMPLES)]]
    shares = np.array_split(samples[np.argsort(samples[:, 0], kind="stable")], _COLOURS)
    centres = np.rint([share.mean(axis=0) for share in shares]).astype(np.float32)
    for _ in range(_ROUNDS):
        nearest = _nearest(samples, centres)
        numbers = np.bincount(nearest, minlength=_COLOURS)
        sums = np.stack([np.bincount(nearest, samples[:, k], _COLOURS) for k in range(3)], axis=1)
        moved = np.where(numbers[:, None] > 0, np.rint(sums / np.maximum(numbers, 1)[:, None]), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved.astype(np.float32)
    apart = np.sqrt(((centres[:, None] - centres) ** 2).sum(axis=2))
    names = np.arange(_COLOURS)
    for one, other in zip(*np.nonzero(apart < _ALIKE), strict=True):
        names[names == names[other]] = names[one]
    return names[_nearest(colours, centres)].reshape(around.core.shape)


def _nearest(colours: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.argmin(colours @ (-2 * centres.T) + (centres**2).sum(axis=1), axis=1)


def _joined(around: _Surroundings, patches: NDArray[np.int32], count: int) -> NDArray[np.bool_]:
    """Return which patches, (count,), belong to the core's; the lines between patches are told as if they did."""
    contrast = _contrasts(around.colours, patches, count)
    deviation = math.sqrt(float(around.colours[around.core].astype(np.float64).var(axis=0).sum()))
    joins = contrast < _EDGE + min(_TEXTURE * deviation, _TEXTURE_MOST)
    joined = np.zeros(count, bool)
    joined[1] = True
    for _ in range(count):
        joined |= joins[joined].any(axis=0)
    joined[0] = True
    return joined


def _contrasts(colours: NDArray[np.float32], patches: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Return how the colours differ across the border of each two patches, (count, count); infinite without one.

    Differences are averaged with their directions: those of a texture cancel out, those of an edge do not.
    """
    sums, numbers = np.zeros((count * count, 3)), np.zeros(count * count)
    flat, values = patches.ravel(), colours.reshape(-1, 3)
    width = patches.shape[1]
    for first, step in ((patches[:, :-_STEP] != patches[:, _STEP:], 1), (patches[:-_STEP] != patches[_STEP:], width)):
        rows, columns = np.nonzero(first)
        here = rows * width + columns
        there = here + _STEP * step
        whole = (flat[here] > 0) & (flat[there] > 0)
        here, there = here[whole], there[whole]
        turned = flat[here] > flat[there]
        here, there = np.where(turned, there, here), np.where(turned, here, there)
        pairs = flat[here] * count + flat[there]
        numbers += np.bincount(pairs, minlength=count * count)
        difference = values[there] - values[here]
        for channel in range(3):
            sums[:, channel] += np.bincount(pairs, difference[:, channel], count * count)
    result = np.full(count * count, np.inf)
    # Two patches that touch at a corner only tell nothing.
    border = numbers >= 3
    result[border] = np.sqrt(((sums[border] / numbers[border, None]) ** 2).sum(axis=1))
    result = result.reshape(count, count)
    return np.minimum(result, result.T)


class EdgeTracer:
    """Finds the way along the picture's edges from one place to another, as a magnetic lasso follows them.

    What lies around an anchor is looked at when the first way from it is asked for, which takes most of the time.

    Parameters
    ----------
    pixels
        The picture, uint8 (H, W, 3), at least a pixel. It must not be written to afterwards.
    """

    def __init__(self, pixels: Pixels) -> None:
        self._levels = [np.ascontiguousarray(pixels)]
        self._at = (0.0, 0.0)
        self._windows: dict[int, _Window] = {}

    def anchor(self, x: float, y: float) -> None:
        """Let ways begin at a place, in the picture's pixels; for one outside, at the nearest in it."""
        height, width = self._levels[0].shape[:2]
        at = (min(max(float(x), 0.0), float(width)), min(max(float(y), 0.0), float(height)))
        if at != self._at:
            self._at = at
            self._windows.clear()

    def path_to(self, x: float, y: float) -> Points:
        """Return the way from the anchor to a place, float32 (N, 2), N >= 2: both ends and what lies between.

        It follows edges, and goes straight where there are none. Reduced pictures serve for longer ways, which keep to
        the edges less closely. A place outside the picture is taken for the nearest one in it.
        """
        height, width = self._levels[0].shape[:2]
        target = (min(max(float(x), 0.0), float(width)), min(max(float(y), 0.0), float(height)))
        reach = max(abs(target[0] - self._at[0]), abs(target[1] - self._at[1]))
        level = max(0, math.ceil(math.log2(max(reach, 1.0) / (_REACH - 4))))
        if level not in self._windows:
            reduced = self._reduced(level)
            self._windows[level] = _Window(reduced, (width / reduced.shape[1], height / reduced.shape[0]), self._at)
        return np.concatenate([[self._at], self._windows[level].way(target), [target]], dtype=np.float32)

    def _reduced(self, level: int) -> Pixels:
        """Return the picture with its sides halved ``level`` times."""
        while len(self._levels) <= level:
            height, width = self._levels[-1].shape[:2]
            size = (max(1, width // 2), max(1, height // 2))
            self._levels.append(np.asarray(cv2.resize(self._levels[-1], size, interpolation=cv2.INTER_AREA), np.uint8))
        return self._levels[level]


class _Window:
    """The part of a picture around an anchor, in which the ways to it are known.

    Parameters
    ----------
    pixels
        The picture, reduced, uint8 (h, w, 3).
    scale
        How many pixels of the whole picture one of these stands for, across and down.
    at
        The anchor in the whole picture.
    """

    def __init__(self, pixels: Pixels, scale: tuple[float, float], at: tuple[float, float]) -> None:
        height, width = pixels.shape[:2]
        self._scale = np.array(scale)
        column, row = min(int(at[0] / scale[0]), width - 1), min(int(at[1] / scale[1]), height - 1)
        self._corner = np.array([max(column - _REACH, 0), max(row - _REACH, 0)])
        x0, y0 = self._corner.tolist()
        crop = np.ascontiguousarray(pixels[y0 : row + _REACH + 1, x0 : column + _REACH + 1])
        self._edges = _steep(crop)
        self._scissors = cv2.segmentation.IntelligentScissorsMB()
        self._scissors.setEdgeFeatureCannyParameters(*_CANNY)
        self._scissors.setGradientMagnitudeMaxLimit(_STEEPEST)
        self._scissors.applyImage(crop)
        self._scissors.buildMap((column - x0, row - y0))

    def way(self, target: tuple[float, float]) -> NDArray[np.float64]:
        """Return where the way from the anchor to a place keeps to edges, (N, 2), N >= 0, in the whole picture."""
        height, width = self._edges.shape
        column, row = (np.array(target) / self._scale).astype(int) - self._corner
        contour = self._scissors.getContour((min(max(column, 0), width - 1), min(max(row, 0), height - 1)))
        pixels = np.asarray(contour, np.int32).reshape(-1, 2)
        at_edge = self._edges[pixels[:, 1], pixels[:, 0]].astype(np.uint8)
        kept = np.asarray(cv2.medianBlur(at_edge[:, None], _RUN))[:, 0] > 0
        # The stairs of the pixels become a line.
        smooth = cv2.blur(pixels[:, None].astype(np.float64), (1, 5), borderType=cv2.BORDER_REPLICATE)
        return ((np.asarray(smooth, np.float64)[:, 0] + self._corner + 0.5) * self._scale)[kept]


def _steep(pixels: Pixels) -> NDArray[np.bool_]:
    """Return which pixels lie at or next to an edge, bool (h, w)."""
    across, down = (np.abs(cv2.Sobel(pixels, cv2.CV_16S, *axis)) for axis in ((1, 0), (0, 1)))
    steep = np.maximum(across, down).max(axis=2) >= _FLAT
    return cv2.dilate(steep.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
