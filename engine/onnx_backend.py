"""The generator on ONNX Runtime: CUDA or the CPU."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, GeneratorInfo, Image, from_planes, to_planes
from engine.graphs import open_session
from engine.store import licence_of, model_id, onnx_graphs
from engine.types import LabelMap, Pixels, StyleCode
from models.config import GeneratorConfig, reason_of


class OnnxGenerator:
    """A dense mapping network run by ONNX Runtime, as two graphs that are exported once and then kept.

    Parameters
    ----------
    weights
        The weight file.
    device
        ``"cuda"`` or ``"cpu"``.
    note
        Kept in `info`.
    progress
        Told when the graphs have to be exported, which takes some seconds.

    Raises
    ------
    BackendUnavailableError
        If ONNX Runtime cannot be imported, the device cannot be used, or the graphs cannot be made or loaded.
    ModelError
        If the weight file cannot be used.
    """

    def __init__(
        self, weights: Path, device: str, note: str = "", progress: Callable[[str], None] = lambda text: None
    ) -> None:
        encode, decode = onnx_graphs(weights, progress)
        try:
            self._encode, self._decode = open_session(encode, device), open_session(decode, device)
            known = self._decode.get_modelmeta().custom_metadata_map
            config = GeneratorConfig.from_json(known["config"])
            self.info = GeneratorInfo(
                known["title"], model_id(weights), "ONNX Runtime", device.upper(), config.size,
                int(known["multiple"]), config.context, config.region_channels, licence_of(weights), note,
            )  # fmt: skip
        except BackendUnavailableError:
            raise
        except Exception as error:  # ONNX Runtime's exceptions share no other base class
            if device == "cpu":  # elsewhere it may be the device's fault
                _remove(encode, decode)  # a damaged copy is made anew next time
            raise BackendUnavailableError(f"ONNX Runtime cannot load the model ({reason_of(error)})") from error

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """See `engine.generate.Generator.encode`."""
        inputs = {"labels": np.ascontiguousarray(labels[None]), "image": to_planes(pixels)}
        return StyleCode(_first(self._encode.run(None, inputs))[0], self.info.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """See `engine.generate.Generator.decode`."""
        inputs = {"labels": np.ascontiguousarray(labels[None]), "style": style.vector[None]}
        if self.info.context:
            inputs |= {"image": to_planes(pixels), "region": np.ascontiguousarray(region[None, None])}
        return from_planes(_first(self._decode.run(None, inputs)))

    def close(self) -> None:
        """Free the sessions; may be called twice."""
        for name in ("_encode", "_decode"):
            self.__dict__.pop(name, None)


def _remove(*graphs: Path) -> None:
    for graph in graphs:
        with suppress(OSError):
            graph.unlink()


def _first(outputs) -> NDArray[np.float32]:
    return np.asarray(outputs[0], dtype=np.float32)
