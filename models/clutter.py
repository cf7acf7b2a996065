"""Pictures without a face: grounds to lay portraits on, for training and for measuring the search for faces."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.dataset import Sample
from resources.labels import BY_NAME

Pixels = NDArray[np.uint8]

_PLAIN = tuple(BY_NAME[name].id for name in ("background", "cloth", "hair", "neck", "hat"))
"""Classes of which scraps are cut: none of them holds a feature of a face."""


def smooth_noise(height: int, width: int, rng: np.random.Generator) -> Pixels:
    """Return coloured noise with more strength at coarse scales, as photographs have: uint8 (H, W, 3)."""
    total = np.full((height, width, 3), rng.uniform(30, 220, 3), np.float32)
    cells, strength, falloff = int(rng.integers(2, 5)), rng.uniform(10, 80), rng.uniform(0.4, 0.85)
    while cells < min(height, width):
        grid = rng.normal(0, strength, (cells, max(2, round(cells * width / height)), 3)).astype(np.float32)
        if rng.random() < 0.5:
            grid[:] = grid.mean(axis=2, keepdims=True)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        cells, strength = cells * 2, strength * falloff
    # Most things are rather grey.
    grey = total.mean(axis=2, keepdims=True)
    total = grey + (total - grey) * np.float32(rng.uniform(0, 1) ** 1.5)
    return np.clip(total, 0, 255).astype(np.uint8)


def draw_shapes(pixels: Pixels, count: int, rng: np.random.Generator) -> None:
    """Draw discs, boxes, lines, rings and words of any colour onto a picture, in place."""
    height, width = pixels.shape[:2]
    side = min(height, width)
    for _ in range(count):
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, height))
        colour = tuple(rng.uniform(0, 255, 3).tolist())
        reach = max(2, round(side * rng.uniform(0.02, 0.3)))
        thick = -1 if rng.random() < 0.6 else max(1, round(side * rng.uniform(0.004, 0.03)))
        kind = rng.integers(5)
        if kind == 0:
            axes = (reach, max(1, round(reach * rng.uniform(0.3, 1))))
            cv2.ellipse(pixels, (x, y), axes, rng.uniform(0, 180), 0, 360, colour, thick, cv2.LINE_AA)
        elif kind == 1:
            corners = cv2.boxPoints(((x, y), (reach, reach * rng.uniform(0.2, 2)), rng.uniform(0, 90)))
            cv2.fillPoly(pixels, [corners.astype(np.int32)], colour, cv2.LINE_AA)
        elif kind == 2:
            end = (x + int(rng.normal(0, 2 * reach)), y + int(rng.normal(0, 2 * reach)))
            cv2.line(pixels, (x, y), end, colour, max(1, abs(thick)), cv2.LINE_AA)
        elif kind == 3:
            # Two dots above a line: what looks most like a face without being one.
            gap = max(2, reach // 2)
            for centre in ((x - gap, y), (x + gap, y)):
                cv2.circle(pixels, centre, max(1, gap // 3), colour, thick, cv2.LINE_AA)
        else:
            word = "".join(chr(code) for code in rng.integers(33, 126, 6))
            cv2.putText(
                pixels, word, (x, y), cv2.FONT_HERSHEY_SIMPLEX, reach / 30, colour, 1 + reach // 30, cv2.LINE_AA
            )


def scrap(sample: Sample, rng: np.random.Generator) -> Pixels:
    """Cut a piece out of a portrait that shows no feature of its face: uint8 (h, w, 3), the largest of some tries."""
    side = sample.labels.shape[0]
    forbidden = cv2.integral((~np.isin(sample.labels, _PLAIN)).astype(np.uint8))
    for share in (0.5, 0.35, 0.25, 0.16, 0.1):
        length = max(8, round(side * share))
        for _ in range(4):
            y, x = rng.integers(0, side - length, 2)
            inside = forbidden[y + length, x + length] - forbidden[y, x + length]
            inside += forbidden[y, x] - forbidden[y + length, x]
            if inside == 0:
                return sample.pixels[y : y + length, x : x + length]
    return smooth_noise(32, 32, rng)


def shuffled(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Cut a square picture into three by three pieces and put them together wrongly: uint8, nearly the same size."""
    length = pixels.shape[0] // 3
    pieces = [pixels[length * r : length * (r + 1), length * c : length * (c + 1)] for r in range(3) for c in range(3)]
    order = rng.permutation(9)
    while np.array_equal(order, np.arange(9)):
        order = rng.permutation(9)
    return np.vstack([np.hstack([pieces[i] for i in order[3 * row : 3 * row + 3]]) for row in range(3)])


def lay(ground: Pixels, piece: Pixels, x: float, y: float, width: float, angle: float) -> None:
    """Lay a piece onto a ground, in place: its centre at (x, y), so wide, turned by degrees."""
    scale = width / piece.shape[1]
    if scale < 0.5:
        piece = np.asarray(cv2.resize(piece, None, fx=2 * scale, fy=2 * scale, interpolation=cv2.INTER_AREA), np.uint8)
        scale = width / piece.shape[1]
    rows, columns = piece.shape[:2]
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), angle, scale)
    matrix[:, 2] += (x - columns / 2, y - rows / 2)
    size = (ground.shape[1], ground.shape[0])
    cover = cv2.warpAffine(np.full((rows, columns), 255, np.uint8), matrix, size)
    moved = cv2.warpAffine(piece, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    np.copyto(ground, moved, where=cover[..., None] > 127)


def make_clutter(height: int, width: int, samples: list[Sample], rng: np.random.Generator) -> Pixels:
    """Make a picture without a face: noise, shapes, and scraps of portraits of any size.

    Parameters
    ----------
    height, width
        Its size in pixels.
    samples
        Portraits to cut scraps from; may be empty.
    rng
        Decides everything.

    Returns
    -------
    ndarray
        uint8 (height, width, 3).
    """
    pixels = smooth_noise(height, width, rng)
    side = min(height, width)
    for _ in range(int(rng.integers(0, 8)) if samples else 0):
        sample = samples[int(rng.integers(len(samples)))]
        piece = shuffled(sample.pixels, rng) if rng.random() < 0.2 else scrap(sample, rng)
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        lay(pixels, piece, x, y, side * rng.uniform(0.1, 0.7), rng.uniform(-180, 180))
    draw_shapes(pixels, int(rng.integers(0, 12)), rng)
    if rng.random() < 0.3:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), side * rng.uniform(0.002, 0.02)), np.uint8)
    return pixels
