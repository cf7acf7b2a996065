"""The face parser on PyTorch: CUDA, Apple's MPS, or the CPU."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError
from engine.parse import ParserInfo, SharedParser
from engine.store import model_id, translated
from engine.torch_device import torch_on
from models.config import reason_of


class TorchParser(SharedParser):
    """A face parser run by PyTorch: on a GPU, or where ONNX Runtime does not work.

    Parameters
    ----------
    weights
        The weight file.
    device
        ``"cuda"``, ``"mps"`` or ``"cpu"``.
    note
        Kept in `info`.

    Raises
    ------
    BackendUnavailableError
        If PyTorch cannot be imported or the device cannot be used.
    ModelError
        If the weight file cannot be used.
    """

    def __init__(self, weights: Path, device: str, note: str = "") -> None:
        torch = torch_on(device)
        from models.export_parser import open_parser

        with translated():
            model = open_parser(weights)
        try:
            self._network = model.network.to(device)
        except RuntimeError as error:
            raise BackendUnavailableError(
                f"the face parser does not fit on {device.upper()} ({reason_of(error)})"
            ) from error
        self._device = torch.device(device)
        self._mirror = model.mirror
        name = torch.cuda.get_device_name() if device == "cuda" else device.upper()
        self.info = ParserInfo(model.title, model_id(weights), name, model.size, model.licence, note)

    def _logits(self, planes: NDArray[np.float32]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            return self._network(torch.tensor(planes, device=self._device)).cpu().numpy()

    def close(self) -> None:
        """Free the network, and the device's memory for whatever comes next; may be called twice."""
        if vars(self).pop("_network", None) is not None and self._device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
