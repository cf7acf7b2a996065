"""The one table of the 19 face classes of CelebAMask-HQ.

The index order, names and colours are those of the CelebAMask-HQ data set (Lee et al., "MaskGAN: Towards Diverse and
Interactive Facial Image Manipulation", CVPR 2020). ``l_`` and ``r_`` name the PERSON's left and right: ``l_eye`` lies
on the right-hand side of the picture.

Everything here is plain Python and numpy, so that any part of the project can import it without cost.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Label:
    """One semantic class of the face mask.

    Attributes
    ----------
    id
        The value of the class in a mask, 0..18.
    name
        The data set's short name, as used in its file names.
    title
        The name shown to people.
    rgb
        The published colour, three values 0..255.
    safe_rgb
        A colour that stays distinguishable with red-green and blue-yellow colour blindness, three values 0..255.
    twin
        The id of the class that this one becomes when the picture is mirrored (itself where there is no twin).
    bisenet
        The id of the same class in the order of the BiSeNet face parser (``face-parsing.PyTorch``).
    """

    id: int
    name: str
    title: str
    rgb: tuple[int, int, int]
    safe_rgb: tuple[int, int, int]
    twin: int
    bisenet: int


LABELS: tuple[Label, ...] = (
    Label(0, "background", "Background", (0, 0, 0), (0, 0, 0), 0, 0),
    Label(1, "skin", "Skin", (204, 0, 0), (221, 170, 136), 1, 1),
    Label(2, "nose", "Nose", (76, 153, 0), (153, 102, 68), 2, 10),
    Label(3, "eye_g", "Glasses", (204, 204, 0), (240, 228, 66), 3, 6),
    Label(4, "l_eye", "Left eye", (51, 51, 255), (86, 180, 233), 5, 4),
    Label(5, "r_eye", "Right eye", (204, 0, 204), (0, 114, 178), 4, 5),
    Label(6, "l_brow", "Left brow", (0, 255, 255), (187, 255, 255), 7, 2),
    Label(7, "r_brow", "Right brow", (255, 204, 204), (119, 187, 204), 6, 3),
    Label(8, "l_ear", "Left ear", (102, 51, 0), (255, 204, 119), 9, 7),
    Label(9, "r_ear", "Right ear", (255, 0, 0), (204, 136, 0), 8, 8),
    Label(10, "mouth", "Mouth", (102, 204, 0), (255, 255, 255), 10, 11),
    Label(11, "u_lip", "Upper lip", (255, 255, 0), (213, 94, 0), 11, 12),
    Label(12, "l_lip", "Lower lip", (0, 0, 153), (255, 136, 102), 12, 13),
    Label(13, "hair", "Hair", (0, 0, 204), (102, 51, 119), 13, 17),
    Label(14, "hat", "Hat", (255, 51, 153), (204, 121, 167), 14, 18),
    Label(15, "ear_r", "Earring", (0, 204, 204), (0, 158, 115), 15, 9),
    Label(16, "neck_l", "Necklace", (0, 51, 0), (0, 68, 51), 16, 15),
    Label(17, "neck", "Neck", (255, 153, 51), (238, 204, 187), 17, 14),
    Label(18, "cloth", "Clothes", (0, 204, 0), (119, 136, 153), 18, 16),
)
"""The classes by id."""

LABEL_COUNT = len(LABELS)
BY_NAME: dict[str, Label] = {label.name: label for label in LABELS}


def palette(colour_blind_safe: bool = False) -> NDArray[np.uint8]:
    """Return the colour table, uint8 of shape (19, 3), RGB, row = class id."""
    return np.array([label.safe_rgb if colour_blind_safe else label.rgb for label in LABELS], dtype=np.uint8)


def twins() -> NDArray[np.uint8]:
    """Return the table that maps each id to its mirror twin, uint8 of shape (19,)."""
    return np.array([label.twin for label in LABELS], dtype=np.uint8)


def mirrored(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Mirror a mask left to right, exchanging the person's left and right parts.

    Parameters
    ----------
    labels
        uint8 of shape (H, W), ids 0..18.
    """
    return np.ascontiguousarray(twins()[labels[:, ::-1]])


def from_bisenet(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Translate a mask from BiSeNet's class order to CelebAMask-HQ's.

    Parameters
    ----------
    labels
        uint8 of any shape, ids 0..18 in BiSeNet's order.
    """
    table = np.zeros(LABEL_COUNT, dtype=np.uint8)
    for label in LABELS:
        table[label.bisenet] = label.id
    return table[labels]
