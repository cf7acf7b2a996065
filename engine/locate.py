"""Candidates for faces: the face locator over a pyramid of a photo, on ONNX Runtime or PyTorch."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, Device, candidates, first_that_works, to_planes
from engine.graphs import open_session
from engine.store import default_locator, locator_graph, translated
from engine.torch_device import torch_on
from engine.types import ModelError, Pixels
from models.config import reason_of

STRIDE, OFFSET_UNIT, MULTIPLE = 8, 16.0, 16
"""See `models.face_locator`, which the graphs are made from."""

COARSEST = 36
"""The longer side, in pixels, of the smallest picture of the pyramid: there, a face may fill the frame."""
FINEST = 640
"""Up to this longer side a photo is searched as it is."""
FINEST_SHARE = 0.3
"""Larger photos are searched at this share of their size at least, where a face of 64 pixels can be seen."""
TILE = 1536
"""Longer sides are searched in overlapping pieces, which bounds memory."""
OVERLAP = 96
SURE = 0.3
"""The least score of a candidate."""

Run = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Turns float32 (1, 3, H, W) in [-1, 1] into (1, 7, H / 8, W / 8); see `models.face_locator.FaceLocator`."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """Where a face may be: ``points`` (3, 2) as in `engine.align.Points`, ``score`` 0..1."""

    points: NDArray[np.float64]
    score: float


class Locator:
    """Proposes faces.

    Parameters
    ----------
    run
        The network.
    """

    def __init__(self, run: Run) -> None:
        self._run: Run | None = run

    def candidates(self, pixels: Pixels, check: Callable[[], None] = lambda: None) -> list[Candidate]:
        """Propose faces, the most certain first.

        Parameters
        ----------
        pixels
            uint8 (H, W, 3).
        check
            Called between steps; what it raises ends the search.
        """
        found: list[Candidate] = []
        longer = max(pixels.shape[:2])
        scale = min(1.0, max(FINEST_SHARE, FINEST / longer))
        level = pixels
        while True:
            check()
            level = _scaled(level, pixels.shape, scale)
            found += self._search(level, np.array(pixels.shape[1::-1]) / level.shape[1::-1], check)
            if longer * scale / 2 < COARSEST:
                break
            scale /= 2
        return _suppressed(found)

    def close(self) -> None:
        """Free the network; may be called twice."""
        self._run = None

    def _search(self, level: Pixels, scale: NDArray[np.float64], check: Callable[[], None]) -> list[Candidate]:
        """Look at one picture of the pyramid; ``scale`` (2,) brings its (x, y) back to the photo."""
        found = []
        if self._run is None:
            raise ModelError("The face locator has been closed.")
        height, width = level.shape[:2]
        for top in _starts(height):
            for left in _starts(width):
                check()
                tile = level[top : top + TILE, left : left + TILE]
                corner = np.array([left, top])
                for points, score in _decode(self._run(to_planes(_padded(tile)))):
                    found.append(Candidate((points + corner) * scale, score))
        return found


def load_locator(
    weights: Path | None = None, device: Device = "auto", progress: Callable[[str], None] = lambda text: None
) -> Locator:
    """Load a face locator, by default the one that comes with Maskbrush, on the best back end that works.

    Raises
    ------
    ModelError
        If the weight file cannot be used, or nothing can run it.
    """
    file = weights or default_locator()

    def load(name: str, where: str, note: str) -> Locator:
        return Locator((_on_torch if name == "torch" else _on_onnx)(file, where, progress))

    pairs = candidates("auto", device)
    return first_that_works(pairs, load, "Nothing can run the face locator", "Install Maskbrush again.")


def _on_onnx(weights: Path, device: str, progress: Callable[[str], None]) -> Run:
    graph = locator_graph(weights, progress)
    try:
        session = open_session(graph, device)
    except BackendUnavailableError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no other base class
        if device == "cpu":  # elsewhere it may be the device's fault
            with suppress(OSError):
                graph.unlink()  # a damaged copy is made anew next time
        raise BackendUnavailableError(f"ONNX Runtime cannot load it ({reason_of(error)})") from error
    return lambda planes: np.asarray(session.run(None, {"image": planes})[0], np.float32)


def _on_torch(weights: Path, device: str, progress: Callable[[str], None]) -> Run:
    torch = torch_on(device)
    from models.face_locator import load_locator as load

    with translated():
        network = load(weights)
    try:
        network = network.to(device)
    except (RuntimeError, AssertionError) as error:
        raise BackendUnavailableError(f"PyTorch cannot use {device.upper()} ({reason_of(error)})") from error

    def run(planes: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return network(torch.from_numpy(planes).to(device)).cpu().numpy()

    return run


def _scaled(level: Pixels, shape: tuple[int, ...], scale: float) -> Pixels:
    size = max(1, round(shape[1] * scale)), max(1, round(shape[0] * scale))
    if size == level.shape[1::-1]:
        return level
    return np.asarray(cv2.resize(level, size, interpolation=cv2.INTER_AREA), np.uint8)


def _starts(side: int) -> list[int]:
    return list(range(0, max(side - OVERLAP, 1), TILE - OVERLAP))


def _padded(tile: Pixels) -> Pixels:
    height, width = tile.shape[:2]
    bottom, right = -height % MULTIPLE, -width % MULTIPLE
    return np.asarray(cv2.copyMakeBorder(tile, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)


def _decode(answer: NDArray[np.float32]) -> list[tuple[NDArray[np.float64], float]]:
    """Turn (1, 7, h, w) into points (3, 2) in pixels, and scores, of cells that are surer than their neighbours."""
    # Within what float32 can hold.
    heat, offsets = 1 / (1 + np.exp(-np.clip(answer[0, 0], -80, 80))), answer[0, 1:]
    peaks = (heat >= SURE) & (heat >= cv2.dilate(heat, np.ones((3, 3), np.uint8)))
    faces = []
    for row, column in np.argwhere(peaks):
        cell = (np.array([column, row]) + 0.5) * STRIDE
        points = cell + offsets[:, row, column].reshape(3, 2).astype(np.float64) * OFFSET_UNIT
        faces.append((points, float(heat[row, column])))
    return faces


def _suppressed(found: list[Candidate]) -> list[Candidate]:
    """Keep the most certain of candidates for one face, which neighbouring levels and tiles find twice."""
    kept: list[Candidate] = []
    for candidate in sorted(found, key=lambda one: -one.score):
        middle, reach = candidate.points.mean(axis=0), np.linalg.norm(candidate.points[1] - candidate.points[0])
        if not any(
            np.linalg.norm(other.points.mean(axis=0) - middle)
            < 0.8 * max(reach, np.linalg.norm(other.points[1] - other.points[0]))
            for other in kept
        ):
            kept.append(candidate)
    return kept
