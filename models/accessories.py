"""Glasses, hats, earrings and necklaces drawn onto portraits, picture and labels alike.

Labelled portraits that wear them are few; a network that has hardly seen a class cannot render it. What is drawn here
is simple, but it has the shapes, the sharp edges and the dark or shining colours that such things have.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from resources.labels import BY_NAME

Pixels = NDArray[np.uint8]
Point = NDArray[np.float64]

_GLASSES, _HAT, _EARRING, _NECKLACE = (BY_NAME[name].id for name in ("eye_g", "hat", "ear_r", "neck_l"))
_EYES = (BY_NAME["r_eye"].id, BY_NAME["l_eye"].id)
_BROWS = (BY_NAME["r_brow"].id, BY_NAME["l_brow"].id)
_EARS = (BY_NAME["r_ear"].id, BY_NAME["l_ear"].id)
_SKIN, _HAIR, _NECK = (BY_NAME[name].id for name in ("skin", "hair", "neck"))
_SHIFT = 4
"""Fractional bits of coordinates given to OpenCV."""


def _centre(labels: Pixels, label: int) -> Point | None:
    """Return the centre (x, y) of a class, or None if it has fewer than six pixels."""
    rows, columns = np.nonzero(labels == label)
    return np.array([columns.mean(), rows.mean()]) if len(rows) >= 6 else None


def _fixed(point: Point) -> tuple[int, int]:
    x, y = np.round(point * 2**_SHIFT).astype(int)
    return int(x), int(y)


@dataclass
class _Brush:
    """Draws on the picture with soft edges, and on the labels with hard ones."""

    pixels: Pixels
    labels: Pixels

    def paint(self, cover: Pixels, colour: NDArray, label: int | None, opacity: float = 1.0) -> None:
        """Lay a colour, (3,) or (H, W, 3), over the picture where ``cover`` (uint8, 255 = whole) says so."""
        alpha = cover[..., None].astype(np.float32) * np.float32(opacity / 255)
        self.pixels[:] = np.clip(self.pixels * (1 - alpha) + np.asarray(colour, np.float32) * alpha, 0, 255)
        if label is not None:
            self.labels[cover > 127] = label

    def blank(self) -> Pixels:
        """Return an empty cover."""
        return np.zeros(self.labels.shape, np.uint8)


def _dark_or_bright(rng: np.random.Generator) -> NDArray[np.float64]:
    """Choose a colour of frames, cloth or metal: mostly dark or muted, sometimes bright."""
    kind = rng.random()
    if kind < 0.5:
        return rng.uniform(5, 60, 3)
    if kind < 0.75:
        return np.array([1.0, 0.8, 0.5]) * rng.uniform(90, 240)
    return rng.uniform(20, 240, 3)


def _shaded(colour: NDArray[np.float64], shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a colour lit from one side, with a grain: float32 of shape (H, W, 3)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] / shape[0]
    angle = rng.uniform(0, 2 * np.pi)
    light = 1 + 0.5 * rng.uniform(0, 1) * (np.cos(angle) * (columns - 0.5) + np.sin(angle) * (rows - 0.5))
    grain = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), 1.2) * rng.uniform(2, 25)
    return (colour[None, None] * light[..., None] + grain[..., None]).astype(np.float32)


def draw_glasses(pixels: Pixels, labels: Pixels, rng: np.random.Generator) -> bool:
    """Draw a pair of glasses with clear, tinted or dark lenses; False if the eyes cannot be seen."""
    right, left = (_centre(labels, eye) for eye in _EYES)
    if right is None or left is None or np.linalg.norm(left - right) < 8:
        return False
    brush = _Brush(pixels, labels)
    across = left - right
    distance = float(np.linalg.norm(across))
    unit, down = across / distance, np.array([-across[1], across[0]]) / distance
    angle = float(np.degrees(np.arctan2(unit[1], unit[0])))
    half = np.array([rng.uniform(0.34, 0.46), rng.uniform(0.24, 0.42)]) * distance
    power = rng.choice([2.0, 3.0, 4.0])
    around = np.linspace(0, 2 * np.pi, 60)
    # A superellipse: round for an exponent of 2, nearly a rectangle for 4.
    outline = np.sign(np.c_[np.cos(around), np.sin(around)]) * np.abs(np.c_[np.cos(around), np.sin(around)]) ** (
        2 / power
    )
    thickness = max(1, round(distance * rng.uniform(0.02, 0.09)))
    colour, dark = _dark_or_bright(rng), rng.random() < 0.3
    lenses, frame = brush.blank(), brush.blank()
    turn, drop = np.array([unit, down]), rng.uniform(0.02, 0.08)
    for eye, side in ((right, -1), (left, 1)):
        middle = eye + unit * side * 0.03 * distance + down * drop * distance
        points = np.round(((outline * half) @ turn + middle) * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(lenses, [points], 255, cv2.LINE_AA, _SHIFT)
        cv2.polylines(frame, [points], True, 255, thickness, cv2.LINE_AA, _SHIFT)
        outer = middle + unit * side * half[0] * 0.98
        temple = outer + unit * side * 0.22 * distance - down * 0.02 * distance
        cv2.line(frame, _fixed(outer), _fixed(temple), 255, thickness, cv2.LINE_AA, _SHIFT)
    bridge = (right + left) / 2 + down * 0.02 * distance
    reach = max(0.5 * distance - half[0], 1.0)
    arch = _fixed(np.array([reach, 0.08 * distance]))
    cv2.ellipse(frame, _fixed(bridge), arch, angle, 180, 360, 255, thickness, cv2.LINE_AA, _SHIFT)
    behind = np.isin(labels, (*_EYES, *_BROWS))
    seen = labels.copy()
    if dark:
        brush.paint(lenses, _shaded(rng.uniform(5, 50, 3), labels.shape, rng), _GLASSES, rng.uniform(0.8, 1.0))
    else:
        tint = rng.uniform(120, 255, 3)
        brush.paint(lenses, tint, _GLASSES, rng.uniform(0.0, 0.18))
        labels[behind] = seen[behind]  # eyes and brows stay visible, and labelled, behind clear lenses
    brush.paint(frame, _shaded(colour, labels.shape, rng), _GLASSES)
    if rng.random() < 0.4:
        glint = brush.blank()
        spot = right - unit * half[0] * 0.4 - down * half[1] * 0.3
        for offset in (0.0, 1.0):
            start = spot + across * offset
            cv2.line(glint, _fixed(start), _fixed(start + (unit - down) * 0.1 * distance), 255, 2, cv2.LINE_AA, _SHIFT)
        brush.paint(np.minimum(glint, lenses), np.array([255.0, 255.0, 255.0]), None, rng.uniform(0.2, 0.6))
    return True


def draw_hat(pixels: Pixels, labels: Pixels, rng: np.random.Generator) -> bool:
    """Draw a cap, beanie or brimmed hat over the upper head; False if the face does not show enough of it."""
    right, left = (_centre(labels, eye) for eye in _EYES)
    rows, columns = np.nonzero(np.isin(labels, (_HAIR, _SKIN)))
    if right is None or left is None or len(rows) < 50:
        return False
    distance = float(np.linalg.norm(left - right))
    brush, middle = _Brush(pixels, labels), (right + left) / 2
    brim = middle[1] - rng.uniform(0.55, 0.85) * distance
    above = (rows < brim) & (abs(columns - middle[0]) < 2 * distance)
    if above.sum() < 30:
        return False
    wide = max(middle[0] - columns[above].min(), columns[above].max() - middle[0])
    half = np.array([np.clip(wide * rng.uniform(1.0, 1.12), distance, 1.7 * distance), 0.0])
    top = max(rows[above].min() - rng.uniform(0.02, 0.2) * distance, brim - 1.7 * distance)
    half[1] = max(brim - top, 0.35 * distance)
    colour = _dark_or_bright(rng)
    crown = brush.blank()
    centre = np.array([middle[0], brim])
    cv2.ellipse(crown, _fixed(centre), _fixed(half), 0, 180, 360, 255, -1, cv2.LINE_AA, _SHIFT)
    texture = _shaded(colour, labels.shape, rng)
    if rng.random() < 0.4:
        # The ribs of a knitted cap.
        ribs = 1 + 0.15 * np.sin(np.arange(labels.shape[1]) * 2 * np.pi / max(3, distance * rng.uniform(0.06, 0.14)))
        texture *= ribs[None, :, None].astype(np.float32)
    brush.paint(crown, texture, _HAT)
    band = brush.blank()
    if rng.random() < 0.5:
        axes = np.array([half[0] * rng.uniform(1.15, 1.6), distance * rng.uniform(0.1, 0.22)])
        cv2.ellipse(band, _fixed(centre), _fixed(axes), 0, 0, 360, 255, -1, cv2.LINE_AA, _SHIFT)
    else:
        corner = centre - np.array([half[0], 0.18 * distance])
        opposite = centre + np.array([half[0], 0.1 * distance])
        cv2.rectangle(band, [int(v) for v in corner], [int(v) for v in opposite], 255, -1)
    brush.paint(band, texture * np.float32(rng.uniform(0.6, 1.1)), _HAT)
    return True


def draw_earrings(pixels: Pixels, labels: Pixels, rng: np.random.Generator) -> bool:
    """Draw studs, hoops or drops below the ears that can be seen; False if none can."""
    centres = [_centre(labels, ear) for ear in _EARS]
    brush, side = _Brush(pixels, labels), labels.shape[0]
    metal = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.4, 1.0)]) * rng.uniform(150, 250)
    kind, size = rng.integers(3), side * rng.uniform(0.012, 0.035)
    for ear, centre in zip(_EARS, centres, strict=True):
        if centre is None:
            continue
        rows = np.nonzero(labels == ear)[0]
        lobe = np.array([centre[0], float(rows.max()) - 1])
        cover = brush.blank()
        if kind == 0:
            cv2.circle(cover, _fixed(lobe), int(size * 2**_SHIFT), 255, -1, cv2.LINE_AA, _SHIFT)
        elif kind == 1:
            around = lobe + np.array([0.0, 1.6 * size])
            radius, line = int(1.6 * size * 2**_SHIFT), max(1, round(size * 0.5))
            cv2.circle(cover, _fixed(around), radius, 255, line, cv2.LINE_AA, _SHIFT)
        else:
            end = lobe + np.array([0.0, 3.5 * size])
            cv2.line(cover, _fixed(lobe), _fixed(end), 255, max(1, round(size * 0.5)), cv2.LINE_AA, _SHIFT)
            cv2.circle(cover, _fixed(end), int(size * 2**_SHIFT), 255, -1, cv2.LINE_AA, _SHIFT)
        brush.paint(cover, _shaded(metal, labels.shape, rng), _EARRING)
        highlight = brush.blank()
        cv2.circle(
            highlight, _fixed(lobe - size * 0.3), max(1, int(size * 0.3 * 2**_SHIFT)), 255, -1, cv2.LINE_AA, _SHIFT
        )
        brush.paint(np.minimum(highlight, cover), np.array([255.0, 255.0, 250.0]), None)
    return any(centre is not None for centre in centres)


def draw_necklace(pixels: Pixels, labels: Pixels, rng: np.random.Generator) -> bool:
    """Draw a chain or a string of beads along the neck; False if there is too little neck."""
    rows, columns = np.nonzero(labels == _NECK)
    side = labels.shape[0]
    if len(rows) < 0.01 * side * side:
        return False
    brush, middle = _Brush(pixels, labels), float(np.median(columns))
    half = 0.48 * float(np.percentile(columns, 97) - np.percentile(columns, 3))
    height = float(np.percentile(rows, rng.uniform(35, 75)))
    sag = rng.uniform(0.3, 0.9) * half
    x = np.linspace(-1, 1, 120)
    curve = np.c_[middle + half * x, height + sag * (1 - x**2) - 0.5 * sag]
    metal = np.array([1.0, rng.uniform(0.75, 1.0), rng.uniform(0.4, 1.0)]) * rng.uniform(120, 250)
    cover, thickness = brush.blank(), side * rng.uniform(0.006, 0.02)
    if rng.random() < 0.5:
        points = np.round(curve * 2**_SHIFT).astype(np.int32)
        cv2.polylines(cover, [points], False, 255, max(1, round(thickness)), cv2.LINE_AA, _SHIFT)
    else:
        lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))]
        for place in np.arange(0, lengths[-1], 2.2 * thickness):
            bead = np.array([np.interp(place, lengths, curve[:, axis]) for axis in (0, 1)])
            cv2.circle(cover, _fixed(bead), max(8, int(thickness * 2**_SHIFT)), 255, -1, cv2.LINE_AA, _SHIFT)
    # What hangs around the neck lies under hair and behind the chin.
    allowed = np.isin(labels, (_NECK, BY_NAME["cloth"].id)).astype(np.uint8) * 255
    brush.paint(np.minimum(cover, allowed), _shaded(metal, labels.shape, rng), _NECKLACE)
    return True


def wear(pixels: Pixels, labels: Pixels, rng: np.random.Generator, odds: float = 0.25) -> tuple[Pixels, Pixels]:
    """Let a portrait wear something, now and then.

    Parameters
    ----------
    pixels, labels
        uint8 RGB of shape (H, W, 3) and ids of shape (H, W); not altered.
    rng
        Decides what is worn and how it looks.
    odds
        How probable glasses are, where there are none; the others are less probable.

    Returns
    -------
    pixels, labels
        Copies of the same shapes.
    """
    pixels, labels = pixels.copy(), labels.copy()
    for label, draw, share in (
        (_NECKLACE, draw_necklace, 0.5),
        (_EARRING, draw_earrings, 0.5),
        (_HAT, draw_hat, 0.3),
        (_GLASSES, draw_glasses, 1.0),
    ):
        if rng.random() < odds * share and not (labels == label).any():
            draw(pixels, labels, rng)
    return pixels, labels
