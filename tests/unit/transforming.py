"""Small masks with a part to transform, and what is done to them."""

import json
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

from engine.mask.steps import EMPTY, Ground, read_step
from engine.mask.transform import Transform
from engine.types import Region
from resources.labels import BY_NAME

ID = {name: label.id for name, label in BY_NAME.items()}
BACK, SKIN, NOSE, GLASSES, LEFT, RIGHT, MOUTH, UPPER, LOWER, HAIR, CLOTH, EARRING = (
    ID[name]
    for name in (
        "background", "skin", "nose", "eye_g", "l_eye", "r_eye", "mouth", "u_lip", "l_lip", "hair", "cloth", "ear_r",
    )
)  # fmt: skip
IDENTITY = np.eye(2, 3)


def ground(labels: np.ndarray) -> Ground:
    return Ground(labels, labels, np.zeros((*labels.shape, 3), np.uint8))


def transform(*values: Any, **named: Any) -> Transform:
    return Transform(*values, **named)


def after(labels: np.ndarray, step: Transform) -> np.ndarray:
    """Do a step, and check what holds for each."""
    before, work = labels.copy(), labels.copy()
    labels.setflags(write=False)
    region = step.draw(ground(labels), work, 0)
    np.testing.assert_array_equal(labels, before)
    changed = Region.of(work != before)
    assert region == (changed if not changed.empty else EMPTY)
    assert set(np.unique(work)) <= set(np.unique(before)) | {BACK}
    again = labels.copy()
    read_step(json.loads(json.dumps(step.data()))).draw(ground(labels), again, 0)
    np.testing.assert_array_equal(again, work)
    return work


def moved(dx: float, dy: float) -> np.ndarray:
    return np.array([[1, 0, dx], [0, 1, dy]])


def about(x: float, y: float, across: float = 1, down: float = 1, degrees: float = 0) -> np.ndarray:
    """Return the map that scales, then turns, about a place."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = np.array([[c, -s], [s, c]]) @ np.diag([across, down])
    return np.c_[turn, np.array([x, y]) - turn @ [x, y]]


def on_skin(label: int = LEFT, size: int = 40) -> np.ndarray:
    """Return a mask with a lopsided part at rows 10..17, columns 12..21."""
    labels = np.full((size, size), SKIN, np.uint8)
    labels[10:16, 12:22] = label
    labels[16:18, 12:15] = label
    return labels


def blob(seed: int) -> np.ndarray:
    """Return skin with one connected, ragged part of class `LEFT` that does not touch the border."""
    random = np.random.default_rng(seed)
    labels = np.full((48, 64), SKIN, np.uint8)
    y, x = 24, 32
    for _ in range(random.integers(1, 500)):
        labels[y, x] = LEFT
        step = random.integers(-1, 2, 2)
        y, x = (int(np.clip(place + by, 6, side - 7)) for place, by, side in zip((y, x), step, (48, 64), strict=True))
    return labels


seeds = st.integers(0, 2**32)
matrices = st.builds(
    about,
    st.floats(20, 44), st.floats(16, 32), st.floats(-2.5, 2.5), st.floats(-2.5, 2.5), st.floats(-180, 180),
)  # fmt: skip
