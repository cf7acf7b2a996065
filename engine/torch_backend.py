"""The generator on PyTorch: CUDA, Apple's MPS, or the CPU."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, GeneratorInfo, Image, from_planes, to_planes
from engine.store import licence_of, model_id, own_format, translated
from engine.torch_device import DeviceMemoryError, best_precision, out_of_memory, torch_on
from engine.types import CancelledError, LabelMap, Pixels, Region, StyleCode
from models.config import reason_of
from resources.labels import LABEL_COUNT

if TYPE_CHECKING:
    from torch import Tensor

    from engine.torch_graphs import QuickDecode, Record
    from models.generator import DenseMappingNetwork

LEAST_PSNR = 40.0
"""dB that renders at half precision must reach against float32, over the range of the output."""
TOGETHER = 8
"""Styles that are rendered at once on a CUDA device whose memory suffices."""
TRIAL_BLOCK = 16
"""Side, in pixels, of the areas of one class or colour in what half precision is tried on."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """What a decode leaves for parts: see `models.local.WholeDecode`; ``around`` is padded as the network pads."""

    size: tuple[int, ...]
    style: NDArray[np.float32]
    statistics: "Tensor"
    around: "Tensor"


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
    precision
        What a CUDA device decodes in, if that proves right: ``"bfloat16"``, ``"float16"`` or ``"float32"``; empty for
        the device's best. Other devices decode in float32.

    Raises
    ------
    BackendUnavailableError
        If PyTorch cannot be imported or the device cannot be used.
    ModelError
        If the weight file cannot be used.
    """

    def __init__(self, weights: Path, device: str, note: str = "", precision: str = "") -> None:
        torch = torch_on(device)
        from models.checkpoints import load_generator

        with translated():
            network, title = load_generator(own_format(weights))
        self._device = torch.device(device)
        self._stop = threading.Event()
        self._left: _Left | None = None
        self._quick: QuickDecode | None = None
        config = network.config
        self.info = GeneratorInfo(
            title, model_id(weights), "PyTorch", device.upper(), config.size, config.multiple, config.context,
            config.region_channels, licence_of(weights), note, 0 if device == "cuda" else 2**config.downsamplings,
        )  # fmt: skip
        try:
            self._network = network.to(device)
            if device == "cuda":
                from engine.torch_graphs import record

                precision = precision or best_precision(torch.cuda.get_device_capability())
                self._quick, precision = quick_decode(network, precision, record, self._tell)
                self.info = replace(self.info, device=torch.cuda.get_device_name(), precision=precision)
                torch.cuda.empty_cache()  # of the layers that are not used
        except RuntimeError as error:
            raise BackendUnavailableError(f"the model does not fit on {device.upper()} ({reason_of(error)})") from error
        if device == "cpu":
            network.model.to(memory_format=torch.channels_last)

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """See `engine.generate.Generator.encode`.

        Raises
        ------
        DeviceMemoryError
            If the device's memory is too small, here as in `decode` and the others.
        """
        vector = self._in_memory(lambda _: _encoded(self._network, pixels, labels))
        return StyleCode(vector, self.info.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """See `engine.generate.Generator.decode`."""
        self._stop.clear()
        quick = self._quick
        if quick is not None:
            return self._in_memory(lambda first: quick(labels, [style], pixels, region, recorded=first)[0])
        image, left = self._in_memory(lambda _: self._layer_by_layer(labels, style, pixels, region))
        self._left = left
        return image

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        """See `engine.generate.Generator.draft`: parts, but not on CUDA, where a decode is quick."""
        self._stop.clear()
        left, config = self._left, self._network.config
        if box is None or left is None or left.size != labels.shape or not np.array_equal(left.style, style.vector):
            return None
        if min(box.y1 - box.y0, box.x1 - box.x0) <= config.stem_kernel // 2:
            return None  # cannot be padded by reflection
        return self._in_memory(lambda _: self._part(left, labels, style, pixels, region, box))

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        """See `engine.generate.Generator.decode_styles`: on CUDA as many together as its memory holds."""
        self._stop.clear()
        quick, together = self._quick, TOGETHER
        images: list[Image] = []
        if quick is None:
            for style in styles:
                image, _ = self._in_memory(lambda _, style=style: self._layer_by_layer(labels, style, pixels, region))
                images.append(image)
            return images
        while len(images) < len(styles):
            self._check()
            chosen = styles[len(images) : len(images) + together]
            try:
                images += self._in_memory(
                    lambda first, chosen=chosen: quick(labels, chosen, pixels, region, recorded=first)
                )
            except DeviceMemoryError:
                if len(chosen) == 1:
                    raise
                together = len(chosen) // 2
        return images

    def cancel(self) -> None:
        """See `engine.generate.Generator.cancel`: a CPU stops before the next layer, a GPU before the next batch."""
        self._stop.set()

    def close(self) -> None:
        """Free the network, and the device's memory for whatever comes next; may be called twice."""
        self._left = self._quick = None
        if self.__dict__.pop("_network", None) is not None:
            self._make_room()

    def _check(self) -> None:
        if self._stop.is_set():
            raise CancelledError

    def _tell(self, text: str) -> None:
        self.info = replace(self.info, note="; ".join(filter(None, (self.info.note, text))))

    def _in_memory(self, run: Callable[[bool], Made]) -> Made:
        """Return what ``run`` makes; once more, given False, with all that can be freed freed if memory runs out."""
        for first in (True, False):
            try:
                return run(first)
            except RuntimeError as error:
                if not out_of_memory(error):
                    raise
            # Not before the error is gone, which holds the layers' outputs.
            self._make_room()
        raise DeviceMemoryError

    def _make_room(self) -> None:
        import torch

        if self._quick is not None:
            self._quick.forget()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        elif self._device.type == "mps":
            torch.mps.empty_cache()

    def _layer_by_layer(
        self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]
    ) -> tuple[Image, _Left]:
        """Render, and keep what `_part` needs."""
        import torch
        from torch.nn import functional as F

        from engine.torch_graphs import Steady, Watched
        from models.local import Observing

        on_cpu, config = self._device.type == "cpu", self._network.config
        how = Steady() if on_cpu else Observing()
        with torch.inference_mode():
            inputs = self._inputs(labels, style, pixels, region)
            planes = self._network.planes(*inputs)
            if on_cpu:
                planes = planes.contiguous(memory_format=torch.channels_last)
            render = self._network.draw(planes, inputs[1], Watched(how, self._check))
            around = F.pad(
                torch.cat(how.deep_inputs), (1, 1, 1, 1), "reflect" if config.padding == "reflect" else "constant"
            )
            left = _Left(labels.shape, style.vector.copy(), torch.cat(how.statistics, dim=1), around)
            return from_planes(render.cpu().numpy()), left

    def _part(
        self,
        left: _Left,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region,
    ) -> Image:
        """Render a box; see `models.local.PartDecode`."""
        import torch

        from engine.torch_graphs import Watched
        from models.local import Frozen

        step, part = self.info.step, box.slices
        around = left.around[:, :, box.y0 // step : box.y1 // step + 2, box.x0 // step : box.x1 // step + 2]
        with torch.inference_mode():
            inputs = self._inputs(labels[part], style, pixels[part], region[part])
            planes = self._network.planes(*inputs, origin=torch.tensor((box.y0, box.x0), device=self._device))
            how = Watched(Frozen(left.statistics, around), self._check)
            return from_planes(self._network.draw(planes, inputs[1], how).cpu().numpy())

    def _inputs(
        self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]
    ) -> "list[Tensor]":
        """Return what `DenseMappingNetwork.planes` takes."""
        import torch

        arrays: list[NDArray[Any]] = [labels[None], style.vector[None]]
        if self.info.context:
            arrays += [to_planes(pixels), region[None, None]]
        return [torch.tensor(array, device=self._device) for array in arrays]


def quick_decode(
    network: "DenseMappingNetwork", precision: str, record: "Record | None", tell: Callable[[str], None]
) -> "tuple[QuickDecode, str]":
    """Make a network decode at half precision, if that is right: it is tried on a small and on a full-size input.

    Parameters
    ----------
    network
        On its device; its layers are replaced.
    precision
        ``"bfloat16"``, ``"float16"`` or ``"float32"``.
    record
        See `engine.torch_graphs.QuickDecode`.
    tell
        Told in a few words why what was asked for is not used.

    Returns
    -------
    decode, precision
        What decodes, and in which format it does.
    """
    import torch

    from engine.torch_graphs import QuickDecode, quick_layers

    exact = QuickDecode(network, torch.float32, record, tell)
    if precision == "float32":
        return exact, precision
    trials = [_trial(network, side) for side in (2 * network.config.multiple, network.config.size)]
    wanted = [exact(*trial, recorded=False)[0] for trial in trials]
    exact.forget()
    layers, dtype = network.model, {"bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    network.model = quick_layers(network, dtype)
    quick = QuickDecode(network, dtype, record, tell)
    try:
        made = [quick(*trial, recorded=trial is trials[-1])[0] for trial in trials]
        agreement = min(map(_psnr, made, wanted))
    except RuntimeError as error:
        if out_of_memory(error):
            raise
        tell(f"{precision} cannot be used ({reason_of(error)})")
    else:
        if agreement >= LEAST_PSNR:
            return quick, precision
        found = f"{agreement:.0f} dB" if np.isfinite(agreement) else "numbers that are not finite"
        tell(f"{precision} is not exact enough ({found})")
    network.model = layers
    return exact, "float32"


def _trial(network: "DenseMappingNetwork", side: int) -> tuple[LabelMap, list[StyleCode], Pixels, NDArray[np.float32]]:
    """Return labels, a style, pixels and a region of a square picture, always the same."""
    rng, blocks = np.random.default_rng(side), (side // TRIAL_BLOCK, side // TRIAL_BLOCK)

    def enlarged(values: NDArray[Any]) -> NDArray[Any]:
        return values.repeat(TRIAL_BLOCK, axis=0).repeat(TRIAL_BLOCK, axis=1)

    labels = enlarged(rng.integers(0, LABEL_COUNT, blocks, np.uint8))
    pixels = enlarged(rng.integers(0, 256, (*blocks, 3), np.uint8))
    region = enlarged(rng.integers(0, 2, blocks).astype(np.float32))
    return labels, [StyleCode(_encoded(network, pixels, labels), "")], pixels, region


def _encoded(network: "DenseMappingNetwork", pixels: Pixels, labels: LabelMap) -> NDArray[np.float32]:
    """Return a portrait's style code, (style_size,)."""
    import torch

    device = next(network.parameters()).device
    with torch.inference_mode():
        planes = torch.tensor(to_planes(pixels), device=device)
        return network.encode(torch.tensor(labels[None], device=device), planes)[0].cpu().numpy()


def _psnr(made: Image, wanted: Image) -> float:
    """Return how well two renders agree, in dB; minus infinity where numbers are not finite."""
    if not (np.isfinite(made).all() and np.isfinite(wanted).all()):
        return -np.inf
    square = float(np.square(made - wanted, dtype=np.float64).mean())
    return 10 * np.log10(4 / max(square, 1e-12))
