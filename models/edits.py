"""Regions to blank in training, like those that a person's edits leave behind."""

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mask_edits import GROUPS, edited_region, simulated_edit

_GLASSES = GROUPS.index((3,))


def stroke_region(size: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw free-form strokes: uint8 of shape (size, size), 1 inside."""
    region = np.zeros((size, size), np.uint8)
    for _ in range(rng.integers(1, 5)):
        point = rng.uniform(0.1, 0.9, 2) * size
        direction = rng.uniform(0, 2 * np.pi)
        thickness = max(1, int(size * rng.uniform(0.03, 0.16)))
        for _ in range(rng.integers(2, 9)):
            direction += rng.normal(0, 0.6)
            step = np.array([np.cos(direction), np.sin(direction)]) * size * rng.uniform(0.03, 0.12)
            start, point = point, point + step
            cv2.line(region, [int(v) for v in start], [int(v) for v in point], 1, thickness)
    return region


def label_region(labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blank one to three groups of classes, somewhat grown and sometimes cut: uint8 of shape (H, W), 1 inside."""
    size = labels.shape[0]
    present = [index for index, ids in enumerate(GROUPS) if np.isin(labels, ids).any()]
    odds = np.array([4.0 if index == _GLASSES else 1.0 for index in present])
    count = min(len(present), int(rng.integers(1, 4)))
    chosen = rng.choice(present, count, replace=False, p=odds / odds.sum())
    region = np.isin(labels, [label for index in chosen for label in GROUPS[index]]).astype(np.uint8)
    reach = int(size * rng.uniform(0.01, 0.06))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    region = np.asarray(cv2.dilate(region, disc), np.uint8)
    if rng.random() < 0.3:
        # Only a part of the class was edited: keep what lies inside a random ellipse.
        keep = np.zeros_like(region)
        centre, axes = rng.uniform(0.2, 0.8, 2) * size, rng.uniform(0.15, 0.5, 2) * size
        cv2.ellipse(keep, [int(v) for v in centre], [int(v) for v in axes], rng.uniform(0, 180), 0, 360, 1, -1)
        region &= keep
    return region


def blanked_region(labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Choose what to blank: strokes, regions of classes, a simulated edit, or (a quarter of the time) everything.

    Parameters
    ----------
    labels
        uint8 of shape (H, W), H = W, ids 0..18.

    Returns
    -------
    ndarray
        uint8 of shape (H, W), 1 where the picture is to be made anew.
    """
    return np.ones_like(labels) if rng.random() < 0.25 else partial_region(labels, rng)


def partial_region(labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Choose a part to blank, as `blanked_region` does when it does not choose everything."""
    kind = rng.random()
    if kind < 0.35:
        # The portrait as it is plays the edited one; what is blanked is what an edit back to it would have changed.
        region = edited_region(labels, simulated_edit(labels, rng), max(1, int(labels.shape[0] * rng.uniform(0, 0.04))))
        if region.any():
            return region
    if kind < 0.7:
        return label_region(labels, rng)
    region = stroke_region(labels.shape[0], rng)
    return region | label_region(labels, rng) if kind > 0.9 else region
