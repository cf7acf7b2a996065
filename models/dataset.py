"""Portraits with label maps, for training and evaluation.

The layout read here is a folder with ``images/<id>.jpg``, ``labels/<id>.png`` (indexed or greyscale, value = class id)
and ``manifest.csv`` (at least the columns ``id``, ``tier`` and ``split``).
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from resources.labels import BY_NAME, LABEL_COUNT, twins

Pixels = NDArray[np.uint8]


class DatasetError(Exception):
    """A data set that cannot be used; the message says which file is at fault and what to do."""


@dataclass(frozen=True)
class Sample:
    """One portrait: ``pixels`` uint8 (H, W, 3) RGB and ``labels`` uint8 (H, W), ids 0..18."""

    id: str
    pixels: Pixels
    labels: Pixels


def read_sample(folder: Path, name: str, size: int) -> Sample:
    """Read one portrait and its labels at ``size`` x ``size`` pixels.

    Raises
    ------
    DatasetError
        If a file is missing or unreadable, the two sizes differ, or a label is above 18.
    """
    # cv2.imread would turn the palette of an indexed PNG into colours, so labels are read with Pillow.
    from PIL import Image

    picture, mask = folder / "images" / f"{name}.jpg", folder / "labels" / f"{name}.png"
    path = picture
    try:
        with Image.open(path) as file:
            pixels = np.array(file.convert("RGB"), np.uint8)  # a copy, as Pillow's own is not writable
        path = mask
        with Image.open(path) as file:
            labels = np.array(file)
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises SyntaxError at a damaged chunk of a PNG
        raise DatasetError(f"{path}: cannot be read ({error}). Restore the file or remove its row.") from error
    if labels.ndim != 2 or labels.shape != pixels.shape[:2]:
        raise DatasetError(f"{mask}: expected a single-channel mask of the size of {picture}.")
    if labels.max() >= LABEL_COUNT:
        raise DatasetError(f"{mask}: holds id {labels.max()}, but the classes are 0..{LABEL_COUNT - 1}.")
    labels = labels.astype(np.uint8)
    if pixels.shape[:2] != (size, size):
        pixels = np.asarray(cv2.resize(pixels, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
        labels = np.asarray(cv2.resize(labels, (size, size), interpolation=cv2.INTER_NEAREST), np.uint8)
    return Sample(name, pixels, labels)


class PortraitDataset:
    """The portraits of one split and tier, held in memory.

    Parameters
    ----------
    folder
        The data set's folder.
    split
        ``"train"`` or ``"val"``.
    size
        The side, in pixels, at which portraits are kept.
    tiers
        The tiers to take.

    Raises
    ------
    DatasetError
        If the folder is not such a data set, or holds nothing of that split.
    """

    def __init__(self, folder: Path, split: str, size: int, tiers: str = "A") -> None:
        manifest = folder / "manifest.csv"
        if not manifest.is_file():
            raise DatasetError(
                f"No data set at {folder}: manifest.csv is missing. Lay it out as images/<id>.jpg, labels/<id>.png "
                "and a manifest.csv with the columns id, tier and split."
            )
        try:
            with manifest.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (ValueError, csv.Error) as error:
            raise DatasetError(f"{manifest}: cannot be read as CSV in UTF-8 ({error}). Save it anew.") from error
        if rows and not {"id", "split"} <= rows[0].keys():
            raise DatasetError(f"{manifest}: the columns id and split are needed. Add them to its first line.")
        rows = [row for row in rows if row["split"] == split and row.get("tier", "A") in tuple(tiers)]
        if not rows:
            raise DatasetError(f"{manifest} lists no portrait with split {split!r} and a tier in {tiers!r}.")
        self.samples = [read_sample(folder, row["id"], size) for row in rows]

    def __len__(self) -> int:
        return len(self.samples)

    def weights(self) -> NDArray[np.float64]:
        """Return sampling odds that show rare classes (glasses, hats) three times as often, float64 of shape (N,)."""
        rare = (BY_NAME["eye_g"].id, BY_NAME["hat"].id)
        weights = np.array([3.0 if np.isin(rare, sample.labels).any() else 1.0 for sample in self.samples])
        return weights / weights.sum()


def augment(sample: Sample, size: int, rng: np.random.Generator) -> tuple[Pixels, Pixels]:
    """Vary a portrait: mirrored, slightly turned, scaled and shifted, and in other light.

    Left and right classes change places with the picture.

    Returns
    -------
    pixels, labels
        uint8 of shape (size, size, 3) and (size, size).
    """
    pixels, labels = sample.pixels, sample.labels
    if rng.random() < 0.5:
        pixels, labels = pixels[:, ::-1], twins()[labels[:, ::-1]]
    side = pixels.shape[0]
    angle, scale = rng.uniform(-8, 8), rng.uniform(0.92, 1.12)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale * size / side)
    matrix[:, 2] += (size - side) / 2 + rng.uniform(-0.04, 0.04, 2) * size
    pixels = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
    labels = cv2.warpAffine(labels, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    labels = np.asarray(labels, np.uint8)
    light = pixels.astype(np.float32) * rng.uniform(0.85, 1.15) * rng.uniform(0.95, 1.05, 3).astype(np.float32)
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * np.float32(rng.uniform(0.8, 1.2))
    return np.clip(light, 0, 255).astype(np.uint8), labels
