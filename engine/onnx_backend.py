"""The generator on ONNX Runtime: CUDA or the CPU."""

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout, suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, GeneratorInfo, Image, from_planes, nvidia_driver, to_planes
from engine.store import licence_of, model_id, onnx_graphs
from engine.types import LabelMap, Pixels, StyleCode
from models.config import reason_of


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
        try:
            import onnxruntime
        except (ImportError, OSError) as error:
            raise BackendUnavailableError(f"ONNX Runtime cannot be imported ({error})") from error
        providers: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
        if device == "cuda":
            if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
                raise BackendUnavailableError("this ONNX Runtime is built without CUDA")
            # TF32's 10-bit mantissas would keep the back ends from agreeing to 1e-3.
            providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
            if nvidia_driver() and hasattr(onnxruntime, "preload_dlls"):
                # CUDA's libraries lie in Python packages, where ONNX Runtime does not look by itself. It prints what
                # it misses, which must not get in between a command's output.
                with redirect_stdout(sys.stderr):
                    onnxruntime.preload_dlls()
        # Its log goes to the terminal; what matters is raised.
        onnxruntime.set_default_logger_severity(4)
        options = onnxruntime.SessionOptions()
        # Threads that spin between renders would take the cores that painting needs.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        encode, decode = onnx_graphs(weights, progress)
        try:
            self._encode = onnxruntime.InferenceSession(str(encode), options, providers=providers)
            self._decode = onnxruntime.InferenceSession(str(decode), options, providers=providers)
            known = self._decode.get_modelmeta().custom_metadata_map
            config = json.loads(known["config"])
            self.info = GeneratorInfo(
                known["title"], model_id(weights), "ONNX Runtime", device.upper(), config["size"],
                int(known["multiple"]), config["context"], licence_of(weights), note,
            )  # fmt: skip
        except Exception as error:  # ONNX Runtime's exceptions share no other base class
            if device == "cpu":  # elsewhere it may be the device's fault
                _remove(encode, decode)  # a damaged copy is made anew next time
            raise BackendUnavailableError(f"ONNX Runtime cannot load the model ({reason_of(error)})") from error
        if device == "cuda" and "CUDAExecutionProvider" not in self._decode.get_providers():
            raise BackendUnavailableError("ONNX Runtime finds no CUDA device")

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
