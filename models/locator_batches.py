"""What the face locator is trained on: portraits of any size, turn and light, laid among other things."""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.accessories import wear
from models.clutter import lay, make_clutter, shuffled
from models.dataset import PortraitSource, Sample
from models.face_locator import EYE_DISTANCES, OFFSET_UNIT, POINTS, STRIDE
from models.parser_batches import cover, degrade
from resources.labels import BY_NAME, twins

Pixels = NDArray[np.uint8]

TYPICAL = np.array([[193.0, 243.0], [319.0, 243.0], [256.0, 372.0]]) / 512
"""Where right eye, left eye and mouth lie in an aligned crop, (x, y) as shares of its side."""
_PARTS = (("r_eye",), ("l_eye",), ("mouth", "u_lip", "l_lip"))
TURN = 55.0
"""Faces are turned by up to so many degrees."""
GROUNDS = 240
"""Grounds kept at a time, of twice a scene's side: making them takes longer than anything else."""
MAYBE = (4.5, 24.0)
"""Between these eye distances and `EYE_DISTANCES`, nothing is asked of the network."""


def points_of(labels: Pixels) -> NDArray[np.float64]:
    """Return the centres of right eye, left eye and mouth: (3, 2), (x, y), pixel centres at .5.

    A part of fewer than six pixels, such as an eye behind dark glasses, is where it typically is.
    """
    points = TYPICAL * labels.shape[0]
    for index, names in enumerate(_PARTS):
        rows, columns = np.nonzero(np.isin(labels, [BY_NAME[name].id for name in names]))
        if len(rows) >= 6:
            points[index] = columns.mean() + 0.5, rows.mean() + 0.5
    return points


def shrunk(pixels: Pixels, labels: Pixels, side: int) -> tuple[Pixels, Pixels]:
    """Bring a square portrait to ``side`` pixels by averaging, if it is larger."""
    if labels.shape[0] <= side:
        return pixels, labels
    size = (side, side)
    return (
        np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.uint8),
    )


def lay_face(
    ground: Pixels, sample: Sample, distance: float, rng: np.random.Generator, cut_out: bool
) -> NDArray[np.float64]:
    """Lay a portrait into a picture, in place; ``cut_out`` leaves its background away.

    Returns
    -------
    ndarray
        (3, 2): where right eye, left eye and mouth now are, in pixels of the picture.
    """
    height, width = ground.shape[:2]
    pixels, labels = sample.pixels, sample.labels
    if rng.random() < 0.5:
        pixels, labels = np.ascontiguousarray(pixels[:, ::-1]), twins()[labels[:, ::-1]]
    scale = distance / (labels.shape[0] * (TYPICAL[1] - TYPICAL[0])[0])
    pixels, labels = shrunk(pixels, labels, max(48, round(2 * labels.shape[0] * scale)))
    points = points_of(labels)
    scale = distance / (labels.shape[0] * (TYPICAL[1] - TYPICAL[0])[0])
    angle = np.clip(rng.normal(0, 22), -TURN, TURN)
    stretch = np.exp(rng.normal(0, 0.05))
    middle = points.mean(axis=0)
    turn = cv2.getRotationMatrix2D((0, 0), angle, scale)[:, :2] @ np.diag([stretch, 1 / stretch])
    place = np.array([rng.uniform(0.5, width - 0.5), rng.uniform(0.5, height - 0.5)])
    matrix = np.c_[turn, place - turn @ middle]
    seen = np.full(labels.shape, 255, np.uint8)
    if cut_out:
        seen[labels == 0] = 0
    # Only the box that the portrait falls into is touched.
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * labels.shape[0] @ turn.T + matrix[:, 2]
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, (width, height)).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)), 0, (width, height)).astype(int)
    if x1 > x0 and y1 > y0:
        # OpenCV's pixel centres are whole numbers, ours lie at .5.
        shifted = np.c_[turn, matrix[:, 2] - (x0, y0) + turn @ [0.5, 0.5] - 0.5]
        box, size = ground[y0:y1, x0:x1], (int(x1 - x0), int(y1 - y0))
        alpha = cv2.warpAffine(seen, shifted, size)[..., None].astype(np.float32) / 255
        moved = cv2.warpAffine(pixels, shifted, size, borderMode=cv2.BORDER_REPLICATE)
        box[:] = np.rint(box + alpha * (moved.astype(np.float32) - box)).astype(np.uint8)
    return points @ turn.T + matrix[:, 2]


def targets(faces: list[NDArray[np.float64]], height: int, width: int) -> tuple[NDArray, NDArray]:
    """Say what the network should answer.

    Parameters
    ----------
    faces
        Points of the faces, (3, 2) each, in pixels; later ones hide earlier ones.
    height, width
        The picture's size.

    Returns
    -------
    heat
        float32 (1, h, w): 1 in the cell of a face's centre, less around it, 0 elsewhere; -1 where either is right.
    offsets
        float32 (6, h, w): what to add to the cell's centre, NaN where nothing is asked.
    """
    rows, columns = height // STRIDE, width // STRIDE
    heat = np.zeros((rows, columns), np.float32)
    offsets = np.full((2 * len(POINTS), rows, columns), np.nan, np.float32)
    y, x = (np.mgrid[:rows, :columns] + 0.5) * STRIDE
    for points in faces:
        distance = float(np.linalg.norm(points[1] - points[0]))
        middle = points.mean(axis=0)
        away = np.hypot(x - middle[0], y - middle[1])
        if not MAYBE[0] <= distance <= MAYBE[1]:
            continue
        if not EYE_DISTANCES[0] <= distance <= EYE_DISTANCES[1]:
            heat[away < distance] = -1
            continue
        reach = max(0.3 * distance, 0.55 * STRIDE)
        peak = np.exp(-0.5 * (away / reach) ** 2)
        near = away <= 2.5 * reach
        heat[near] = np.maximum(heat[near], peak[near])
        if away.min() < STRIDE:
            heat.flat[away.argmin()] = 1
        here = away <= max(0.5 * distance, STRIDE)
        for index, (px, py) in enumerate(points):
            offsets[2 * index][here] = (px - x[here]) / OFFSET_UNIT
            offsets[2 * index + 1][here] = (py - y[here]) / OFFSET_UNIT
    return heat[None], offsets


def batches(data: PortraitSource, size: int, count: int, seed: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield pictures float32 (N, 3, S, S) in [-1, 1], and `targets` (N, 1, h, w) and (N, 6, h, w), without end."""
    rng = np.random.default_rng([seed, size])
    samples = [data[index] for index in range(len(data))]
    grounds = [make_clutter(2 * size, 2 * size, samples, rng) for _ in range(GROUNDS)]
    while True:
        grounds[int(rng.integers(GROUNDS))] = make_clutter(2 * size, 2 * size, samples, rng)
        images, heats, shifts = [], [], []
        for _ in range(count):
            pixels, faces = make_scene(_piece(grounds[int(rng.integers(GROUNDS))], size, rng), samples, rng)
            heat, offsets = targets(faces, size, size)
            images.append(degrade(pixels, rng).transpose(2, 0, 1))
            heats.append(heat)
            shifts.append(offsets)
        planes = np.stack(images).astype(np.float32) / 127.5 - 1
        yield torch.from_numpy(planes), torch.from_numpy(np.stack(heats)), torch.from_numpy(np.stack(shifts))


def _piece(ground: Pixels, size: int, rng: np.random.Generator) -> Pixels:
    """Cut a square out of a ground, at its own or at half its size, mirrored or not: a copy."""
    if rng.random() < 0.4:
        piece = np.asarray(cv2.resize(ground, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
    else:
        y, x = rng.integers(0, ground.shape[0] - size, 2)
        piece = ground[y : y + size, x : x + size]
    return np.ascontiguousarray(piece[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])])


def make_scene(
    ground: Pixels, samples: list[Sample], rng: np.random.Generator
) -> tuple[Pixels, list[NDArray[np.float64]]]:
    """Lay some faces, or none, onto a square picture, uint8 (S, S, 3), in place: returns it and the faces' points."""
    pixels, size = ground, ground.shape[0]
    faces: list[NDArray[np.float64]] = []
    for _ in range(int(rng.choice(5, p=[0.12, 0.38, 0.25, 0.15, 0.1]))):
        sample = samples[int(rng.integers(len(samples)))]
        if rng.random() < 0.15:
            sample = Sample(sample.id, *wear(sample.pixels, sample.labels, rng, 0.5))
        if rng.random() < 0.1:
            other = samples[int(rng.integers(len(samples)))]
            sample = Sample(sample.id, cover(sample.pixels, sample.labels, other.pixels, rng)[0], sample.labels)
        # Mostly of a size to be found, now and then smaller or larger.
        distance = float(np.exp(rng.uniform(np.log(3.5), np.log(40.0 if rng.random() < 0.3 else 19.0))))
        points = lay_face(pixels, sample, distance, rng, rng.random() < 0.5)
        # What the new one covers is found no longer, or only perhaps.
        faces = [old for old in faces if np.linalg.norm(old.mean(axis=0) - points.mean(axis=0)) > 2.5 * distance]
        faces.append(points)
    if rng.random() < 0.1:
        piece = shuffled(samples[int(rng.integers(len(samples)))].pixels, rng)
        x, y, width = rng.uniform(0, size), rng.uniform(0, size), size * rng.uniform(0.1, 0.4)
        lay(pixels, piece, x, y, width, rng.uniform(-45, 45))
        faces = [old for old in faces if np.hypot(*(old.mean(axis=0) - (x, y))) > width]
    return pixels, faces
