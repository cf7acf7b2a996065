"""A mask for a photo: the face parser as the editor sees it, on ONNX Runtime or PyTorch.

Parsers take an aligned, square crop. Neither library is imported before it is needed.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.generate import Device, candidates, first_that_works, to_planes
from engine.parse_graph import EXPECTED, brought, exported
from engine.store import checked, default_parser, model_id
from engine.types import LabelMap, ModelError, Pixels
from resources.labels import twins


@dataclass(frozen=True, slots=True)
class ParserInfo:
    """What is known of a loaded face parser.

    Attributes
    ----------
    title
        Its name.
    model_id
        Identifies the weights.
    device
        Where it runs.
    size
        The side, in pixels, of the square pictures it works on.
    licence
        Terms that people must be shown; empty for the project's own weights.
    note
        Why another back end or device than the first choice is used; usually empty.
    """

    title: str
    model_id: str
    device: str
    size: int
    licence: str = ""
    note: str = ""


class Parser(Protocol):
    """A face parser on some back end. Its methods belong to one thread."""

    @property
    def info(self) -> ParserInfo:
        """What is known of it."""
        ...

    def probabilities(self, crop: Pixels, careful: bool = True) -> NDArray[np.float32]:
        """Tell how probable each class is at each pixel.

        Parameters
        ----------
        crop
            uint8 (H, H, 3) RGB, an aligned face, of any size.
        careful
            Whether a network that gains by it also sees the mirror image, which takes twice as long.

        Returns
        -------
        ndarray
            float32 (19, s, s) with s = ``info.size``, in 0..1; the classes of a pixel add up to 1.

        Raises
        ------
        ValueError
            If the crop is not square, or no picture.
        ModelError
            If the network returns numbers that are not finite.
        """
        ...

    def parse(self, crop: Pixels) -> LabelMap:
        """Label a crop, as for `probabilities`; returns uint8 (H, H)."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


class SharedParser(ABC):
    """What parsers on all back ends have in common; a subclass sets ``info`` and ``_mirror`` and runs the network."""

    info: ParserInfo
    _mirror: bool

    @abstractmethod
    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn float32 (N, 3, s, s) in [-1, 1] into logits (N, 19, s, s) in CelebAMask-HQ's order."""

    def probabilities(self, crop: Pixels, careful: bool = True) -> NDArray[np.float32]:
        """See `Parser.probabilities`."""
        logits = self._mean_logits(crop, careful)
        shares = np.exp(logits - logits.max(axis=0))
        return shares / shares.sum(axis=0)

    def parse(self, crop: Pixels) -> LabelMap:
        """See `Parser.parse`."""
        return most_probable(self._mean_logits(crop, careful=True), crop.shape[0])

    def _mean_logits(self, crop: Pixels, careful: bool) -> NDArray[np.float32]:
        """Return logits (19, s, s), the mean over the crop and, if that is worth it, its mirror image."""
        planes = to_planes(_resized(crop, self.info.size))
        mirror = self._mirror and careful
        if mirror:
            planes = np.concatenate([planes, planes[..., ::-1]])
        logits = self._logits(planes)
        if not np.isfinite(logits).all():
            raise ModelError("The face parser returned numbers that are not finite.", "Choose another face parser.")
        # The mirrored person's left eye is the right one.
        return (logits[0] + logits[1, twins(), :, ::-1]) / 2 if mirror else logits[0]


def _resized(crop: Pixels, size: int) -> Pixels:
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or crop.size == 0:
        raise ValueError(f"a crop is uint8 (H, H, 3), not {crop.dtype} {crop.shape}")
    if crop.shape[0] != crop.shape[1]:
        raise ValueError(f"a crop is square, not {crop.shape[1]} x {crop.shape[0]}")
    if crop.shape[0] == size:
        return crop
    interpolation = cv2.INTER_AREA if crop.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(crop, (size, size), interpolation=interpolation), np.uint8)


def most_probable(scores: NDArray[np.float32], size: int) -> LabelMap:
    """Return the label map of a given side: the scores are resized, and the largest one wins.

    Parameters
    ----------
    scores
        Logits or probabilities, float32 (19, s, s).
    size
        The side of the label map, in pixels.

    Returns
    -------
    ndarray
        uint8 (size, size).
    """
    best = np.full((size, size), -np.inf, np.float32)
    labels = np.zeros((size, size), np.uint8)
    interpolation = cv2.INTER_LINEAR if size >= scores.shape[1] else cv2.INTER_AREA
    # One class after the other: all of them at a large crop's size would fill the memory.
    for index, plane in enumerate(scores):
        plane = np.ascontiguousarray(plane)
        if len(plane) != size:
            plane = np.asarray(cv2.resize(plane, (size, size), interpolation=interpolation), np.float32)
        # OpenCV's loops, which are several times as fast here as numpy's.
        labels[cv2.compare(plane, best, cv2.CMP_GT) > 0] = index
        cv2.max(plane, best, dst=best)
    return labels


class OnnxParser(SharedParser):
    """A face parser run by ONNX Runtime: a graph that is exported once and then kept, or one that people bring.

    Parameters
    ----------
    weights
        The weight file, or an ``.onnx`` graph.
    device
        ``"cuda"`` or ``"cpu"``.
    note
        Kept in `info`.
    progress
        Told when the graph has to be exported, which takes some seconds.

    Raises
    ------
    BackendUnavailableError
        If ONNX Runtime cannot be imported, the device cannot be used, or the graph cannot be made or loaded.
    ModelError
        If the weight file or the graph cannot be used.
    """

    def __init__(
        self, weights: Path, device: str, note: str = "", progress: Callable[[str], None] = lambda text: None
    ) -> None:
        graph = brought(weights, device) if weights.suffix == ".onnx" else exported(weights, device, progress)
        self._graph, self._mirror = graph, graph.mirror
        title = graph.title or weights.stem
        self.info = ParserInfo(title, model_id(weights), device.upper(), graph.size, graph.licence, note)

    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._graph.run(planes)

    def close(self) -> None:
        """Free the session; may be called twice."""
        vars(self).pop("_graph", None)


def load_parser(
    weights: Path | None = None,
    device: Device = "auto",
    progress: Callable[[str], None] = lambda text: None,
) -> Parser:
    """Load a face parser on the best back end that works.

    Parameters
    ----------
    weights
        Our own (``.safetensors``), BiSeNet's (``.pth``), or a graph (``.onnx``); None for the one that is shipped.
    device
        What to use; ``"auto"`` chooses. Where the device asked for does not work, the CPU is used and
        `ParserInfo.note` says so.
    progress
        Told in a few words what takes long.

    Raises
    ------
    ModelError
        If the weight file cannot be used, or no back end works; the message gives each one's reason.
    """
    weights = checked(weights or default_parser(), (".safetensors", ".pth", ".onnx"), EXPECTED)

    def load(name: str, where: str, note: str) -> Parser:
        if name == "onnx":
            return OnnxParser(weights, where, note, progress)
        from engine.torch_parser import TorchParser

        return TorchParser(weights, where, note)

    # PyTorch does not run graphs.
    pairs = [pair for pair in candidates("auto", device) if pair[0] == "onnx" or weights.suffix != ".onnx"]
    hint = "Choose another face parser or device, or install Maskbrush again."
    return first_that_works(pairs, load, "No back end can run this face parser", hint)
