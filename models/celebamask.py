"""CelebAMask-HQ as it is distributed: a picture a portrait, a PNG for each part of each portrait, a mapping file.

The layout: ``CelebA-HQ-img/{k}.jpg``, ``CelebAMask-HQ-mask-anno/{k // 2000}/{k:05d}_{part}.png`` where the part exists,
``CelebA-HQ-to-CelebA-mapping.txt``. ``python -m models.prepare`` merges the parts once, into
``CelebAMask-HQ-mask/{k}.png``; where that has not been done they are merged whenever they are read.

The data set's licence allows non-commercial research only.
"""

import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.dataset import UNREADABLE, WORN, DatasetError, Pixels, Sample, read_picture, sampling_odds, sized
from resources.labels import BY_NAME, LABEL_COUNT, LABELS

PICTURES, PARTS, MERGED = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno", "CelebAMask-HQ-mask"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
_FIRST_VAL, _FIRST_TEST = 162771, 182638
"""The official split is by the index of the portrait in CelebA."""


def is_celebamask(folder: Path) -> bool:
    """Tell whether a folder looks like CelebAMask-HQ."""
    return (folder / MAPPING).is_file() or (folder / PICTURES).is_dir()


def read_mapping(folder: Path) -> dict[int, int]:
    """Read which portrait of CelebA each portrait is.

    Raises
    ------
    DatasetError
        If the mapping file is missing or is none.
    """
    path = folder / MAPPING
    try:
        rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        if rows and not rows[0][0].isdigit():
            del rows[0]  # the header
        return {int(row[0]): int(row[1]) for row in rows}
    except (OSError, ValueError, IndexError) as error:
        raise DatasetError(
            f"{path}: cannot be read ({error}). It comes with CelebAMask-HQ, and says which portraits are for training "
            "and which for testing: copy it into the folder."
        ) from error


def split_of(original: int) -> str:
    """Return ``"train"``, ``"val"`` or ``"test"`` for an index in CelebA."""
    if original >= _FIRST_TEST:
        return "test"
    return "val" if original >= _FIRST_VAL else "train"


def part_files(folder: Path, number: int) -> dict[str, Path]:
    """Return the part files that a portrait has, by the class's name, in the order in which they are painted."""
    home = folder / PARTS / str(number // 2000)
    paths = {label.name: home / f"{number:05d}_{label.name}.png" for label in LABELS[1:]}
    return {name: path for name, path in paths.items() if path.is_file()}


def _read_part(path: Path) -> Pixels:
    part = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if part is None:
        raise DatasetError(f"{path}: cannot be read as a picture. Unpack it again.")
    return np.asarray(part, np.uint8)


def merge_parts(folder: Path, number: int) -> Pixels:
    """Merge a portrait's parts, later classes over earlier ones: uint8 of shape (H, W), ids 0..18.

    Raises
    ------
    DatasetError
        If there are no parts or no skin, or a file is damaged or of another size than the rest.
    """
    files = part_files(folder, number)
    if "skin" not in files:
        found = f"only {', '.join(files)}" if files else "no part"
        place = folder / PARTS / str(number // 2000) / f"{number:05d}_skin.png"
        raise DatasetError(
            f"{place}: missing ({found} of portrait {number} is there). Unpack {PARTS} again, or remove "
            f"{PICTURES}/{number}.jpg to do without the portrait."
        )
    labels = np.zeros(_read_part(files["skin"]).shape, np.uint8)
    for name, path in files.items():
        part = _read_part(path)
        if part.shape != labels.shape:
            raise DatasetError(f"{path}: is {part.shape}, but the skin's mask is {labels.shape}. Unpack it again.")
        labels[part > 127] = BY_NAME[name].id
    return labels


def _read_merged(path: Path) -> Pixels:
    # cv2.imread would turn the palette into shades of grey, so merged masks are read with Pillow.
    try:
        with Image.open(path) as file:
            labels = np.array(file)
    except UNREADABLE:
        labels = None
    if labels is None or labels.ndim != 2 or labels.max() >= LABEL_COUNT:
        raise DatasetError(f"{path}: is not a merged mask. Delete it and run python -m models.prepare again.")
    return labels.astype(np.uint8)


class CelebAMaskDataset:
    """The portraits of one split, read when they are asked for.

    Parameters
    ----------
    folder
        CelebAMask-HQ's folder.
    split
        ``"train"``, ``"val"`` or ``"test"``.
    size
        The side, in pixels, at which portraits are returned.

    Raises
    ------
    DatasetError
        If the mapping file, all pictures or all masks are missing.
    """

    def __init__(self, folder: Path, split: str, size: int) -> None:
        self.folder, self.size = folder, size
        mapping = read_mapping(folder)
        present = {int(path.stem) for path in (folder / PICTURES).glob("*.jpg") if path.stem.isdigit()}
        if not present:
            raise DatasetError(f"{folder / PICTURES}: holds no pictures. Unpack CelebAMask-HQ there: {{k}}.jpg.")
        self.numbers = sorted(k for k, original in mapping.items() if k in present and split_of(original) == split)
        if not self.numbers:
            raise DatasetError(f"{folder}: none of its {len(present)} pictures belongs to the split {split!r}.")
        self.merged = (folder / MERGED).is_dir()
        if not self.merged and not (folder / PARTS).is_dir():
            raise DatasetError(f"{folder / PARTS}: missing, and so is {MERGED}. Unpack the part masks there.")

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        number = self.numbers[index]
        pixels = read_picture(self.folder / PICTURES / f"{number}.jpg")
        path = self.folder / MERGED / f"{number}.png"
        labels = _read_merged(path) if self.merged and path.is_file() else merge_parts(self.folder, number)
        return sized(str(number), pixels, labels, self.size)

    def weights(self) -> NDArray[np.float64]:
        """Return sampling odds that show rare classes three times as often, float64 of shape (N,).

        What a portrait wears is told by the names of its part files; where only merged masks are left, all count alike.
        """
        rare = re.compile(rf"(\d+)_({'|'.join(WORN)})\.png")
        wearing = {int(m[1]) for path in (self.folder / PARTS).glob("*/*.png") if (m := rare.fullmatch(path.name))}
        return sampling_odds([number in wearing for number in self.numbers])
