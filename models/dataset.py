"""Portraits with label maps, for training and evaluation.

The layout read here is a folder with ``images/<id>.jpg``, ``labels/<id>.png`` (indexed or greyscale, value = class id)
and ``manifest.csv`` (at least the columns ``id``, ``tier`` and ``split``).
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

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


WORN = ("eye_g", "hat", "ear_r", "neck_l")
"""Classes that few portraits have."""

UNREADABLE = (OSError, SyntaxError, ValueError)
"""What Pillow raises: SyntaxError at a damaged chunk of a PNG."""


def _unreadable(path: Path, error: Exception) -> DatasetError:
    return DatasetError(f"{path}: cannot be read ({error}). Restore the file, or take the portrait out of the set.")


def read_picture(path: Path) -> Pixels:
    """Read a picture as uint8 RGB of shape (H, W, 3); raises DatasetError if that cannot be done."""
    try:
        with Image.open(path) as file:
            return np.array(file.convert("RGB"), np.uint8)  # a copy, as Pillow's own is not writable
    except UNREADABLE as error:
        raise _unreadable(path, error) from error


def read_sample(folder: Path, name: str, size: int) -> Sample:
    """Read one portrait and its labels at ``size`` x ``size`` pixels.

    Raises
    ------
    DatasetError
        If a file is missing or unreadable, the two sizes differ, or a label is above 18.
    """
    return read_pair(folder / "images" / f"{name}.jpg", folder / "labels" / f"{name}.png", size)


def read_pair(picture: Path, mask: Path, size: int) -> Sample:
    """Read a portrait, named after its picture, and its labels from two files; raises DatasetError as `read_sample`."""
    pixels = read_picture(picture)
    # cv2.imread would turn the palette of an indexed PNG into colours, so labels are read with Pillow.
    try:
        with Image.open(mask) as file:
            labels = np.array(file)
    except UNREADABLE as error:
        raise _unreadable(mask, error) from error
    if labels.ndim != 2 or labels.shape != pixels.shape[:2]:
        raise DatasetError(f"{mask}: expected a single-channel mask of the size of {picture}.")
    if labels.max() >= LABEL_COUNT:
        raise DatasetError(f"{mask}: holds id {labels.max()}, but the classes are 0..{LABEL_COUNT - 1}.")
    return sized(picture.stem, pixels, labels.astype(np.uint8), size)


def sized(name: str, pixels: Pixels, labels: Pixels, size: int) -> Sample:
    """Make a portrait of ``size`` x ``size`` pixels from a picture and labels, each of any size."""
    side = (size, size)
    if pixels.shape[:2] != side:
        pixels = np.asarray(cv2.resize(pixels, side, interpolation=cv2.INTER_AREA), np.uint8)
    if labels.shape != side:
        labels = np.asarray(cv2.resize(labels, side, interpolation=cv2.INTER_NEAREST), np.uint8)
    return Sample(name, pixels, labels)


def sampling_odds(rare: Sequence[bool]) -> NDArray[np.float64]:
    """Return how often to draw each portrait, the rare ones three times as often: float64 of shape (N,), sum 1."""
    weights = np.where(np.asarray(rare), 3.0, 1.0)
    return weights / weights.sum()


class PortraitSource(Protocol):
    """What training and evaluation need of a data set, whatever its layout on disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample:
        """Return one portrait, square; raises DatasetError if its files are damaged."""
        ...

    def weights(self) -> NDArray[np.float64]:
        """Return how often each portrait is to be drawn, float64 of shape (N,), their sum 1."""
        ...


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

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def weights(self) -> NDArray[np.float64]:
        """Return sampling odds that show portraits that wear something three times as often, float64 of shape (N,)."""
        rare = [BY_NAME[name].id for name in WORN]
        return sampling_odds([bool(np.isin(rare, sample.labels).any()) for sample in self.samples])


@dataclass(frozen=True)
class Ranges:
    """How far `augment` goes.

    Attributes
    ----------
    turn, scale
        Standard deviation of the turn, in degrees, and of the scale's logarithm.
    shift
        The largest shift either way, as a share of the side.
    light
        Times the usual range of brightness, tint and strength of colour.
    """

    turn: float
    scale: float
    shift: float
    light: float


ALIGNED = Ranges(4.5, 0.06, 0.04, 1.0)
"""For a network that is given aligned crops."""
WIDE = Ranges(10.0, 0.15, 0.08, 2.0)
"""For one that must cope with crops which are not aligned well."""
WILD = Ranges(25.0, 0.3, 0.15, 2.0)
"""For one that is to recognise a face wherever it lies."""


def augment(sample: Sample, size: int, rng: np.random.Generator, ranges: Ranges = ALIGNED) -> tuple[Pixels, Pixels]:
    """Vary a portrait: mirrored, turned, scaled and shifted, and in other light.

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
    # Most are moved little, none beyond twice the deviation.
    turn, scale = np.clip(rng.normal(0, 1, 2), -2, 2)
    angle, scale = turn * ranges.turn, np.exp(scale * ranges.scale)
    shift, spread = ranges.shift, ranges.light
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), angle, scale * size / side)
    matrix[:, 2] += (size - side) / 2 + rng.uniform(-shift, shift, 2) * size
    pixels = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
    labels = cv2.warpAffine(labels, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    labels = np.asarray(labels, np.uint8)
    gain, tint, strength = (rng.uniform(1 - a * spread, 1 + a * spread, n) for a, n in ((0.15, 1), (0.05, 3), (0.2, 1)))
    light = pixels.astype(np.float32) * (gain * tint).astype(np.float32)
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * strength.astype(np.float32)
    return np.clip(light, 0, 255).astype(np.uint8), labels
