"""The generator on PyTorch: CUDA, Apple's MPS, or the CPU."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, GeneratorInfo, Image, from_planes, to_planes
from engine.store import licence_of, model_id, own_format, translated
from engine.torch_device import torch_on
from engine.types import LabelMap, Pixels, StyleCode
from models.config import reason_of


class TorchGenerator:
    """A dense mapping network run by PyTorch.

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
        from models.checkpoints import load_generator

        with translated():
            network, title = load_generator(own_format(weights))
        try:
            self._network = network.to(device)
        except RuntimeError as error:
            raise BackendUnavailableError(f"the model does not fit on {device.upper()} ({reason_of(error)})") from error
        self._device = torch.device(device)
        name = torch.cuda.get_device_name() if device == "cuda" else device.upper()
        config = network.config
        self.info = GeneratorInfo(
            title, model_id(weights), "PyTorch", name, config.size, config.multiple, config.context,
            config.region_channels,
            licence_of(weights), note,
        )  # fmt: skip

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """See `engine.generate.Generator.encode`."""
        import torch

        with torch.inference_mode():
            vector = self._network.encode(self._put(labels[None]), self._put(to_planes(pixels)))
        return StyleCode(vector[0].cpu().numpy(), self.info.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """See `engine.generate.Generator.decode`."""
        import torch

        context = (self._put(to_planes(pixels)), self._put(region[None, None])) if self.info.context else ()
        with torch.inference_mode():
            render = self._network.decode(self._put(labels[None]), self._put(style.vector[None]), *context)
        return from_planes(render.cpu().numpy())

    def _put(self, array: NDArray):
        import torch

        return torch.tensor(array, device=self._device)

    def close(self) -> None:
        """Free the network, and the device's memory for whatever comes next; may be called twice."""
        if self.__dict__.pop("_network", None) is not None and self._device.type == "cuda":
            import torch

            torch.cuda.empty_cache()
