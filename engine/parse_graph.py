"""Graphs that label faces, on ONNX Runtime: those that the project exports, and those that people bring."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError
from engine.graphs import open_session
from engine.store import parser_graph
from engine.types import ModelError
from models.config import reason_of
from models.parser_facts import BISENET_LICENCE, BISENET_MEAN, BISENET_SIZE, BISENET_STD, GRAPH
from resources.labels import LABEL_COUNT, LABELS

EXPECTED = "a .safetensors face parser of Maskbrush, BiSeNet's 79999_iter.pth, or an ONNX export of it"
"""What people can choose: for messages."""


class LabelGraph:
    """A graph that labels faces, in a session of ONNX Runtime.

    One without our metadata is taken for an export of BiSeNet, whose input has to be normalised and whose classes have
    an order of their own.

    Parameters
    ----------
    path
        The ``.onnx`` file.
    device
        ``"cuda"`` or ``"cpu"``.

    Attributes
    ----------
    ours
        Whether `models.export_parser` made it.
    title, licence
        As in `engine.parse.ParserInfo`; the title is empty where it is not known.
    size
        The side of its square pictures.
    mirror
        Whether the mirror image is to be labelled as well.

    Raises
    ------
    BackendUnavailableError
        If ONNX Runtime or the device is missing.
    ValueError
        If the graph does something else; the message says what is expected. ONNX Runtime's own errors, which share no
        base class, come besides.
    """

    def __init__(self, path: Path, device: str) -> None:
        self._session = open_session(path, device)
        known = self._session.get_modelmeta().custom_metadata_map
        inputs = self._session.get_inputs()
        expected = "its input should be one picture, float32 of shape 1 x 3 x height x width"
        if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 4:
            raise ValueError(expected)
        # A length that is left open is no number.
        lengths = [length if isinstance(length, int) else None for length in inputs[0].shape]
        if lengths[0] not in (1, None) or lengths[1] not in (3, None):
            raise ValueError(expected)
        self._input = inputs[0].name
        self.ours = known.get("network") == GRAPH
        if self.ours and not {"title", "licence", "mirror", "size"} <= set(known):
            raise ValueError("its metadata are incomplete")
        if self.ours:
            self.title, self.licence, self.mirror = known["title"], known["licence"], known["mirror"] == "1"
            self.size = int(known["size"])
        else:
            self.title, self.licence, self.mirror = "", BISENET_LICENCE, False
            height, width = (length or BISENET_SIZE for length in lengths[2:])
            if height != width:
                raise ValueError(f"its pictures should be square, not {width} x {height}")
            self.size = height
        if not 16 <= self.size <= 2048:
            raise ValueError(f"its pictures should be 16 to 2048 pixels wide, not {self.size}")
        self._output = self._labelling()

    def _labelling(self) -> str:
        """Find the first output that can be the labels, in a run that also shows whether the device works."""
        planes = np.zeros((1 + self.mirror, 3, self.size, self.size), np.float32)
        names = [output.name for output in self._session.get_outputs()]
        for name, value in zip(names, self._session.run(names, {self._input: planes}), strict=True):
            shape = np.shape(value)
            if len(shape) == 4 and shape[:2] == (len(planes), LABEL_COUNT) and 1 <= shape[2] == shape[3] <= self.size:
                return name
        raise ValueError(f"it should have an output of shape 1 x {LABEL_COUNT} x height x width")

    def run(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn pictures into logits.

        Parameters
        ----------
        planes
            float32 RGB of shape (N, 3, s, s) in [-1, 1], with s = `size`.

        Returns
        -------
        ndarray
            float32 of shape (N, 19, s, s), in CelebAMask-HQ's order.
        """
        if not self.ours:
            mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (BISENET_MEAN, BISENET_STD))
            planes = np.asarray(((planes + 1) / 2 - mean) / std, np.float32)
        logits = np.asarray(self._session.run([self._output], {self._input: planes})[0], np.float32)
        if not self.ours:
            logits = logits[:, [label.bisenet for label in LABELS]]
        if logits.shape[2] == self.size:
            return logits
        size = (self.size, self.size)
        enlarged = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for each in logits for plane in each]
        return np.asarray(enlarged, np.float32).reshape(len(logits), LABEL_COUNT, *size)


def exported(weights: Path, device: str, progress: Callable[[str], None]) -> LabelGraph:
    """Open a weight file's graph; a kept one that turns out to be damaged is made anew, once.

    Raises
    ------
    BackendUnavailableError
        If ONNX Runtime or the device is missing, or the graph cannot be made or loaded.
    ModelError
        If the weight file cannot be used.
    """
    reason = ""
    for _ in range(2):
        path = parser_graph(weights, progress)
        try:
            graph = LabelGraph(path, device)
            if graph.ours:
                return graph
            reason = "it has lost its metadata"
        except BackendUnavailableError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no other base class
            reason = reason_of(error)
        if device != "cpu":  # it may be the device's fault
            break
        with suppress(OSError):
            path.unlink()
    raise BackendUnavailableError(f"ONNX Runtime cannot load the face parser ({reason})")


def brought(path: Path, device: str) -> LabelGraph:
    """Open a graph that was made elsewhere, or exported by hand.

    Raises
    ------
    BackendUnavailableError
        If ONNX Runtime or the device is missing.
    ModelError
        If the graph cannot be used; the message says what is expected of it.
    """
    try:
        return LabelGraph(path, device)
    except BackendUnavailableError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no other base class
        if device != "cpu":
            raise BackendUnavailableError(
                f"{path.name} does not run on {device.upper()} ({reason_of(error)})"
            ) from error
        raise ModelError(
            f"{path.name} is not a face parser that can be used ({reason_of(error)}).", f"Choose {EXPECTED}."
        ) from error
