"""Measures of how well labels and pictures agree."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from resources.labels import LABEL_COUNT, LABELS


def confusion(wanted: NDArray[np.uint8], found: NDArray[Any]) -> NDArray[np.int64]:
    """Count pixels by wanted and found class: int64 of shape (19, 19), rows are the wanted classes."""
    pairs = wanted.astype(np.int64).ravel() * LABEL_COUNT + found.astype(np.int64).ravel()
    return np.bincount(pairs, minlength=LABEL_COUNT**2).reshape(LABEL_COUNT, LABEL_COUNT)


def label_scores(counts: NDArray[np.int64]) -> dict:
    """Turn counts of `confusion` into pixel accuracy, mean IoU over the wanted classes, and IoU by class name."""
    wanted, found, right = counts.sum(axis=1), counts.sum(axis=0), counts.diagonal()
    classes = {
        label.name: round(float(right[label.id] / (wanted[label.id] + found[label.id] - right[label.id])), 4)
        for label in LABELS
        if wanted[label.id]
    }
    return {
        "pixel_accuracy": round(float(right.sum() / max(1, counts.sum())), 4),
        "mean_iou": round(float(np.mean(list(classes.values()))), 4) if classes else 0.0,
        "iou": classes,
    }


Pixels = NDArray[np.uint8]


def region_errors(made: Pixels, real: Pixels, region: Pixels) -> dict[str, float]:
    """Compare two pictures inside a region.

    Parameters
    ----------
    made, real
        uint8 RGB of shape (H, W, 3).
    region
        uint8 of shape (H, W), not 0 inside; it must not be empty.

    Returns
    -------
    dict
        ``l1``: mean absolute difference, 0..255; ``psnr`` in dB; ``ssim``: mean over the region of the structural
        similarity map (Wang et al., 2004: Gaussian window of 1.5 pixels, luminance).
    """
    inside = region > 0
    difference = made[inside].astype(np.float64) - real[inside]
    square = max(float((difference**2).mean()), 1e-3)
    similarity = _ssim_map(_luminance(made), _luminance(real))
    return {
        "l1": float(abs(difference).mean()),
        "psnr": float(10 * np.log10(255**2 / square)),
        "ssim": float(similarity[inside].mean()),
    }


def _luminance(pixels: Pixels) -> NDArray[np.float64]:
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float64)


def _ssim_map(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    def blur(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(x, (11, 11), 1.5), np.float64)

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    return ((2 * mean_a * mean_b + c1) * (2 * both + c2)) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))


def mean_lab(pixels: Pixels, labels: NDArray[np.uint8], label: int) -> NDArray[np.float64] | None:
    """Return a class's mean colour in CIE Lab (L 0..100, a and b about -100..100), None below 0.2% of the picture."""
    inside = labels == label
    if inside.mean() < 0.002:
        return None
    lab = cv2.cvtColor(pixels.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(lab, np.float64)[inside].mean(axis=0)
