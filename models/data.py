"""Open a data set, whichever of the known layouts it has."""

from pathlib import Path

from models.celebamask import CelebAMaskDataset, is_celebamask
from models.dataset import PortraitDataset, PortraitSource


def open_dataset(folder: Path, split: str, size: int, tiers: str = "A") -> PortraitSource:
    """Open the portraits of one split.

    Parameters
    ----------
    folder
        A folder of CelebAMask-HQ's layout (`models.celebamask`), or with a manifest (`models.dataset`).
    split
        ``"train"`` or ``"val"``; CelebAMask-HQ also has ``"test"``.
    size
        The side, in pixels, at which portraits are returned.
    tiers
        The tiers to take, where the manifest knows tiers.

    Raises
    ------
    DatasetError
        If the folder is neither, or holds nothing of that split.
    """
    if is_celebamask(folder):
        return CelebAMaskDataset(folder, split, size)
    return PortraitDataset(folder, split, size, tiers)
