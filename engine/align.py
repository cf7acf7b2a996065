"""Faces in a photo: found, located and cut out as CelebA-HQ and FFHQ cut them out, and back.

A small network of our own looks for faces in a pyramid of the photo; the face parser then looks at each crop, tells
whether it is a face, and where exactly its eyes and mouth are. Points are (x, y) in pixels of the photo, (0, 0) being
the top left corner of the first pixel.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import to_opencv
from engine.locate import Locator
from engine.parse import Parser
from engine.types import Alignment, CancelledError, ImageError, Pixels
from resources.labels import BY_NAME, twins

Points = NDArray[np.float64]
"""(3, 2): the person's right eye, left eye and mouth, in this order."""

TYPICAL: Points = np.array([[193.0, 243.0], [319.0, 243.0], [256.0, 372.0]]) / 512
"""Where they lie in an aligned crop, as shares of its side (the mean of FFHQ-like crops)."""

MOST_FACES = 12
"""The parser looks at no more candidates than this, the most certain ones."""

REFINED = 0.015
"""A crop whose points moved by less than this share of its side is not refined again."""

ACCEPTED = 0.7
"""The share of a face's parts that must be seen."""
AGREEING = 0.6
"""The least `agreement` of a face."""
CERTAIN = 0.75
"""The same where nothing but the parser speaks for a face."""

_EYES = ((BY_NAME["r_eye"].id,), (BY_NAME["l_eye"].id,))
_BROWS = ((BY_NAME["r_brow"].id,), (BY_NAME["l_brow"].id,))
_MOUTH = tuple(BY_NAME[name].id for name in ("mouth", "u_lip", "l_lip"))
_NOSE, _SKIN, _GLASSES = BY_NAME["nose"].id, BY_NAME["skin"].id, BY_NAME["eye_g"].id
_FEATURES = (*(ids[0] for ids in (*_EYES, *_BROWS)), *_MOUTH, _NOSE)

Cancelled = Callable[[], bool]
"""Asked between steps; True ends the work with `CancelledError`."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a photo.

    Attributes
    ----------
    points
        Right eye, left eye and mouth, (3, 2).
    score
        How sure it is that this is a face, 0..1: see `agreement`.
    """

    points: Points
    score: float

    @property
    def alignment(self) -> Alignment:
        """The crop that belongs to it."""
        return alignment_of(self.points)

    @property
    def outline(self) -> NDArray[np.float64]:
        """The corners of a turned box around the face without its hair, (4, 2), clockwise from the top left."""
        matrix = self.alignment.matrix(1)
        return np.array([[0.2, 0.22, 1], [0.8, 0.22, 1], [0.8, 0.95, 1], [0.2, 0.95, 1]]) @ matrix.T


def alignment_of(points: Points) -> Alignment:
    """Return the crop for a face, as CelebA-HQ (Karras et al., ICLR 2018, appendix C) and FFHQ define it.

    Parameters
    ----------
    points
        Right eye, left eye and mouth, (3, 2).

    Raises
    ------
    ValueError
        If the points are not finite, or no crop follows from them because they all but coincide.
    """
    points = np.asarray(points, np.float64)
    if points.shape != (3, 2) or not np.isfinite(points).all():
        raise ValueError("expected three finite points")
    right, left, mouth = points
    across, middle = left - right, (right + left) / 2
    down = mouth - middle
    # The mean of the line between the eyes and of the one across eyes and mouth, so that a turned head does not tilt.
    x = across + np.array([down[1], -down[0]])
    length = math.hypot(*x)
    side = max(2.0 * math.hypot(*across), 1.8 * math.hypot(*down))
    if length < 1e-6 or side < 1e-6:
        raise ValueError("the points lie too close together")
    half, centre = x / length * side, middle + 0.1 * down
    return Alignment((float(centre[0]), float(centre[1])), (float(half[0]), float(half[1])))


def points_in(alignment: Alignment) -> Points:
    """Return where eyes and mouth typically are in a crop: (3, 2), pixels of the photo."""
    return np.c_[TYPICAL, np.ones(3)] @ alignment.matrix(1).T


def whole_frame(height: int, width: int) -> Alignment:
    """Return the largest square in the middle of a picture, upright."""
    side = min(height, width)
    return Alignment((width / 2, height / 2), (side / 2, 0.0))


def cut_out(pixels: Pixels, alignment: Alignment, size: int, mirrored: bool = True) -> Pixels:
    """Cut a crop out of a photo.

    Parameters
    ----------
    pixels
        uint8 (H, W, 3).
    alignment
        Where the crop lies.
    size
        Its side in pixels.
    mirrored
        Whether the photo is mirrored where the crop leaves it, or its outermost pixels are repeated.

    Returns
    -------
    ndarray
        uint8 (size, size, 3).

    Raises
    ------
    ImageError
        If the crop lies outside the photo altogether.
    """
    height, width = pixels.shape[:2]
    corners, scale = alignment.corners(), alignment.side / size
    if (corners.max(axis=0) <= 0).any() or (corners.min(axis=0) >= (width, height)).any():
        raise ImageError("The crop lies outside the photo.", "Move the points onto the face.")
    margin = 4 * max(scale, 1)
    x0, y0 = (max(0, math.floor(v - margin)) for v in corners.min(axis=0))
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0) + margin), (width, height)).astype(int)
    part = pixels[y0:y1, x0:x1]
    matrix = alignment.matrix(size)
    matrix[:, 2] -= (x0, y0)
    if scale > 1.5:
        # Warping skips pixels when it shrinks: averaging first leaves at most a small step to it.
        columns, rows = max(2, round((x1 - x0) / scale)), max(2, round((y1 - y0) / scale))
        part = np.asarray(cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
        matrix = np.diag([columns / (x1 - x0), rows / (y1 - y0)]) @ matrix
    flags = (cv2.INTER_CUBIC if scale < 1 else cv2.INTER_LINEAR) | cv2.WARP_INVERSE_MAP
    border = cv2.BORDER_REFLECT_101 if mirrored else cv2.BORDER_REPLICATE
    warped = cv2.warpAffine(part, to_opencv(matrix), (size, size), flags=flags, borderMode=border)
    return np.asarray(warped, np.uint8)


def _centre(weights: NDArray[np.float32], least: float) -> NDArray[np.float64] | None:
    """Return the centre (x, y) of a class's probability (s, s) as shares of the side; None if there is too little."""
    weights = np.where(weights > 0.3, weights, 0)
    total, size = float(weights.sum()), weights.shape[0]
    if total < least * size * size:
        return None
    places = (np.arange(size) + 0.5) / size
    return np.array([weights.sum(axis=0) @ places, weights.sum(axis=1) @ places]) / total


def read_points(shares: NDArray[np.float32]) -> tuple[Points, float]:
    """Tell where eyes and mouth are in a crop, and how much it looks like a face.

    Parameters
    ----------
    shares
        The parser's probabilities, float32 (19, s, s).

    Returns
    -------
    points
        (3, 2), as shares of the side; typical places where a part is hidden.
    score
        0..1: the share of a face's parts that are there and where they belong.
    """
    points, seen = TYPICAL.copy(), [False] * 3
    for index, ids in enumerate((*_EYES, _MOUTH)):
        centre = _centre(shares[list(ids)].sum(axis=0), 0.0003)
        if centre is not None:
            points[index], seen[index] = centre, True
    nose = _centre(shares[_NOSE], 0.002)
    brows = [_centre(shares[list(ids)].sum(axis=0), 0.0003) is not None for ids in _BROWS]
    glasses = bool((shares[_GLASSES] > 0.5).mean() > 0.004)
    if seen[0] != seen[1]:
        # One eye is hidden: it lies as far from the nose's line as the other.
        hidden, known = (0, 1) if seen[1] else (1, 0)
        points[hidden] = points[known] + (TYPICAL[hidden] - TYPICAL[known])
    skin = float((shares[_SKIN] > 0.5).mean())
    right, left, mouth = points
    middle = (right + left) / 2
    parts = [
        seen[0] or brows[0] or glasses,
        seen[1] or brows[1] or glasses,
        seen[2],
        nose is not None,
        skin > 0.06,
        right[0] < left[0] and mouth[1] > middle[1],
        nose is not None and middle[1] < nose[1] < mouth[1],
    ]
    return points, sum(parts) / len(parts)


def agreement(shares: NDArray[np.float32], mirrored: NDArray[np.float32]) -> float:
    """Tell how much the parser sees the same features in a crop and in its mirror image.

    In a face it does, whichever way round. What only looks a little like one is read into differently each time: over
    portraits and over things that are no faces, this tells them apart far better than the parser's own certainty.

    Parameters
    ----------
    shares, mirrored
        Probabilities, float32 (19, s, s), of the crop and of its mirror image.

    Returns
    -------
    float
        The intersection over the union of eyes, brows, nose, mouth and lips, all classes together: 0..1.
    """
    one, other = shares.argmax(axis=0), twins()[mirrored.argmax(axis=0)[:, ::-1]]
    features = np.isin(one, _FEATURES) | np.isin(other, _FEATURES)
    same = (one == other) & features
    return float(same.sum() / max(features.sum(), 1))


class Finder:
    """Finds faces in photos.

    Parameters
    ----------
    locator, parser
        What proposes faces, and what looks at them closely; closed by their owner.
    """

    def __init__(self, locator: Locator, parser: Parser) -> None:
        self._locator, self._parser = locator, parser

    def find(self, pixels: Pixels, cancelled: Cancelled = lambda: False) -> list[Face]:
        """Find the faces of a photo.

        Parameters
        ----------
        pixels
            uint8 (H, W, 3), upright.
        cancelled
            Asked between steps.

        Returns
        -------
        list of Face
            The largest first; empty if there is none.

        Raises
        ------
        CancelledError
            If ``cancelled`` says so.
        """
        candidates = self._locator.candidates(pixels, lambda: _check(cancelled))
        faces: list[Face] = []
        for candidate in candidates[:MOST_FACES]:
            _check(cancelled)
            face = self.refine(pixels, candidate.points)
            if face is not None and not any(_same(face, other) for other in faces):
                faces.append(face)
        if not faces:
            # A crop made elsewhere, or a drawing of which the locator makes nothing, may fill the picture.
            _check(cancelled)
            faces = self._try_whole(pixels)
        return sorted(faces, key=lambda face: -face.alignment.side)

    def refine(self, pixels: Pixels, points: Points, steps: int = 2) -> Face | None:
        """Locate eyes and mouth exactly, from about where they are; None if the parser sees no face there."""
        score = 0.0
        for step in range(steps):
            try:
                alignment = alignment_of(points)
                # A mirrored eye or mouth beside the true one would draw the points between the two.
                crop = cut_out(pixels, alignment, self._parser.info.size, mirrored=False)
            except (ValueError, ImageError):
                return None
            shares = self._parser.probabilities(crop, careful=False)
            places, parts = read_points(shares)
            if parts < ACCEPTED:
                return None
            points = np.c_[places, np.ones(3)] @ alignment.matrix(1).T
            if step == steps - 1 or float(np.abs(places - TYPICAL).max()) < REFINED:
                turned = self._parser.probabilities(np.ascontiguousarray(crop[:, ::-1]), careful=False)
                score = agreement(shares, turned)
                break
        return Face(points, score) if score >= AGREEING else None

    def _try_whole(self, pixels: Pixels) -> list[Face]:
        face = self.refine(pixels, points_in(whole_frame(*pixels.shape[:2])))
        return [face] if face is not None and face.score > CERTAIN else []


def _same(face: Face, other: Face) -> bool:
    a, b = face.alignment, other.alignment
    apart = math.dist(a.centre, b.centre)
    return apart < 0.2 * min(a.side, b.side) or (apart < 0.35 * max(a.side, b.side) and a.side < 0.5 * b.side)


def _check(cancelled: Cancelled) -> None:
    if cancelled():
        raise CancelledError
