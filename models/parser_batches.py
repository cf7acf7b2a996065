"""What the face parser is trained on: portraits moved, lit, worn down, covered and dressed up at random."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.accessories import wear
from models.dataset import ALIGNED, WIDE, WILD, PortraitSource, augment
from models.rendering import to_tensor
from resources.labels import BY_NAME

Pixels = NDArray[np.uint8]

RANGES = ((ALIGNED, 0.55), (WIDE, 0.3), (WILD, 0.15))
"""How far portraits are moved, and how often: mostly little, as the parser mostly sees aligned crops."""
WORN_ODDS = 0.25
"""How often glasses are drawn; see `models.accessories.wear`."""
COVERED_ODDS = 0.08
"""How often something hides a part of the face."""


def degrade(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Blur, coarsen, add noise to, compress or grey a picture, each now and then: uint8 RGB (H, W, 3) in and out."""
    height, width = pixels.shape[:2]
    if rng.random() < 0.12:
        share = rng.uniform(0.25, 0.8)
        small = cv2.resize(pixels, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
        pixels = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
    elif rng.random() < 0.15:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 2.0)), np.uint8)
    if rng.random() < 0.15:
        noisy = pixels + rng.normal(0, rng.uniform(2, 12), pixels.shape)
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        _, coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        pixels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    if rng.random() < 0.1:
        curve = np.linspace(0, 1, 256) ** np.exp(rng.normal(0, 0.3))
        pixels = np.rint(curve * 255).astype(np.uint8)[pixels]
    if rng.random() < 0.08:
        pixels = np.repeat(pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    return pixels


def cover(pixels: Pixels, labels: Pixels, other: Pixels, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Lay a piece of another picture over a portrait, somewhere; what it hides becomes background.

    Parameters
    ----------
    pixels, labels
        uint8 (H, W, 3) and (H, W); not altered.
    other
        Where the piece comes from, uint8 (H, W, 3).
    """
    side = labels.shape[0]
    count = int(rng.integers(3, 9))
    angles = np.sort(rng.uniform(0, 2 * np.pi, count))
    radii = side * rng.uniform(0.04, 0.16, count)
    centre = side * rng.uniform(0.15, 0.85, 2)
    points = centre + radii[:, None] * np.c_[np.cos(angles), np.sin(angles)]
    shape = np.zeros(labels.shape, np.uint8)
    cv2.fillPoly(shape, [np.rint(points).astype(np.int32)], 255, cv2.LINE_AA)
    # Upside down and shifted, so that the piece is seldom the same part of a face as what it hides.
    piece = np.roll(other[::-1], rng.integers(0, side, 2), axis=(0, 1))
    alpha = shape[..., None].astype(np.float32) / 255
    covered = np.rint(pixels * (1 - alpha) + piece * alpha).astype(np.uint8)
    return covered, np.where(shape > 127, np.uint8(BY_NAME["background"].id), labels)


def batches(data: PortraitSource, size: int, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield pictures float32 (N, 3, H, W) in [-1, 1] and labels int64 (N, H, W), without end."""
    rng = np.random.default_rng([seed, size])
    odds, shares = data.weights(), [share for _, share in RANGES]
    while True:
        images, labels = [], []
        for index in rng.choice(len(data), count, p=odds):
            ranges = RANGES[rng.choice(len(RANGES), p=shares)][0]
            pixels, mask = augment(data[index], size, rng, ranges)
            pixels, mask = wear(pixels, mask, rng, WORN_ODDS)
            if rng.random() < COVERED_ODDS:
                other = data[int(rng.integers(len(data)))].pixels
                other = np.asarray(cv2.resize(other, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
                pixels, mask = cover(pixels, mask, other, rng)
            images.append(to_tensor(degrade(pixels, rng)))
            labels.append(torch.from_numpy(mask.astype(np.int64)))
        yield torch.cat(images), torch.stack(labels)
