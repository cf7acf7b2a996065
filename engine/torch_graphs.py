"""How PyTorch runs a decode: layer by layer on a CPU, at half precision and as a recorded graph on a CUDA device."""

import copy
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from engine.generate import Image
from engine.torch_device import out_of_memory
from engine.types import LabelMap, Pixels, StyleCode
from models.config import reason_of
from models.generator import PLAIN, AdaIN, DenseMappingNetwork, Pass
from models.local import EPSILON, Observing

LOG = logging.getLogger(__name__)
KNOWN_SHAPES = 4
"""Sizes and numbers of styles of which buffers and recorded graphs are kept."""
WARM_UPS = 2
"""Runs before a recording, in which cuDNN chooses its algorithms."""
CACHED_VALUES = 1 << 17
"""Of float32, that a CPU's second-level cache holds beside what is read from them."""
MATRIX_STEP = 8
"""The matrix units take so many channels of half precision at once."""
NORMS = (nn.InstanceNorm2d, nn.GroupNorm)


class Watched(Pass):
    """Runs layers as another pass does, and asks before each whether to go on.

    Parameters
    ----------
    how
        The other pass.
    check
        Raises what is to end the decode.
    """

    def __init__(self, how: Pass, check: Callable[[], None]) -> None:
        self._how, self._check = how, check

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """See `Pass.layer`."""
        self._check()
        return self._how.layer(module, x)

    def deep(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """See `Pass.deep`."""
        self._check()
        return self._how.deep(conv, x)

    def restyle(self, module: AdaIN, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """See `Pass.restyle`."""
        return self._how.restyle(module, x, shift, scale)


class Steady(Observing):
    """Does what `Observing` does, in place and a few rows at a time: for a CPU and channels-last float32.

    The mean is subtracted before squares are summed, as float32 sums over a whole picture would lose digits.
    """

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """See `Pass.layer`."""
        if isinstance(module, nn.GroupNorm):
            return self._normalise(x, module.num_groups, module.weight[None], module.bias[None], rectify=True)
        if isinstance(module, nn.InstanceNorm2d):
            one = x.new_ones(1, x.shape[1])
            return self._normalise(x, x.shape[1], one, torch.zeros_like(one), rectify=True)
        # Each norm outside the residual blocks has been rectified with the normalisation.
        return x if isinstance(module, nn.ReLU) else module(x)

    def restyle(self, module: AdaIN, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """See `Pass.restyle`."""
        return self._normalise(x, x.shape[1], scale, shift, rectify=False)

    def _normalise(self, x: Tensor, groups: int, scale: Tensor, shift: Tensor, rectify: bool) -> Tensor:
        count, channels, height, width = x.shape
        each = channels // groups
        mean = x.mean(dim=(2, 3)).reshape(count, groups, each).mean(dim=2)
        centre = mean.repeat_interleave(each, dim=1)[:, :, None, None]
        rows = max(1, CACHED_VALUES // (channels * width * count))
        parts = x.split(rows, dim=2)
        squares = torch.zeros_like(centre)
        for part in parts:
            part -= centre
            squares += (part * part).sum(dim=(2, 3), keepdim=True)
        variance = (squares / (height * width)).reshape(count, groups, each).mean(dim=2)
        self.statistics += [mean, variance]
        factor = torch.rsqrt(variance + EPSILON).repeat_interleave(each, dim=1) * scale
        factor, shift = factor[:, :, None, None], shift[:, :, None, None]
        for part in parts:
            torch.addcmul(shift, part, factor, out=part)
            if rectify:
                part.relu_()
        return x


class Halved(Pass):
    """Runs layers of `quick_layers` on channels-last activations of half precision, statistics in float32.

    CUDA's instance and group norm and its reflection padding leave the channels-last order; these do not. What it keeps
    between decodes are indices for padding.
    """

    def __init__(self) -> None:
        self._indices: dict[tuple[int, int, int], Tensor] = {}

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """See `Pass.layer`."""
        if isinstance(module, NORMS):
            ones = torch.ones(x.shape[1], device=x.device)
            groups, scale, shift = x.shape[1], ones, torch.zeros_like(ones)
            if isinstance(module, nn.GroupNorm):
                groups, scale, shift = module.num_groups, module.weight, module.bias
            return self._normalised(x, groups, scale[None], shift[None])
        if isinstance(module, nn.ReLU):
            return x.relu_()
        if isinstance(module, nn.ReflectionPad2d):
            return self._reflected(x, module.padding[0])
        if isinstance(module, nn.Tanh):
            return x[:, :3].float().tanh()
        return module(x)

    def deep(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """See `Pass.deep`."""
        if conv.padding_mode == "zeros":
            return conv(x)
        return F.conv2d(self._reflected(x, 1), conv.weight, conv.bias)

    def restyle(self, module: AdaIN, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """See `Pass.restyle`."""
        return self._normalised(x, x.shape[1], scale, shift)

    def _normalised(self, x: Tensor, groups: int, scale: Tensor, shift: Tensor) -> Tensor:
        count, channels, height, width = x.shape
        if count == 1 and groups == channels:
            # Of one picture this is instance norm: two kernels, float32 inside.
            return torch.native_batch_norm(x, scale[0], shift[0], None, None, True, 0.0, EPSILON)[0]
        # x has fewer digits than the float32 sums: the difference of squares loses none that it has.
        mean = x.mean(dim=(2, 3), dtype=torch.float32)
        square = torch.linalg.vector_norm(x, dim=(2, 3), dtype=torch.float32).square() / (height * width)
        if groups != channels:
            each = channels // groups
            mean, square = (
                values.reshape(count, groups, each).mean(dim=2).repeat_interleave(each, dim=1)
                for values in (mean, square)
            )
        factor = torch.rsqrt((square - mean.square()).clamp(min=0) + EPSILON) * scale
        shift = torch.addcmul(shift, mean, factor, value=-1)
        return torch.addcmul(shift[:, :, None, None], x, factor[:, :, None, None], out=x)

    def _reflected(self, x: Tensor, margin: int) -> Tensor:
        count, channels, height, width = x.shape
        key = (height, width, margin)
        if key not in self._indices:
            rows, columns = (_mirrored(side, margin, x.device) for side in (height, width))
            self._indices[key] = (rows[:, None] * width + columns).flatten()
        pixels = x.permute(0, 2, 3, 1).reshape(count, height * width, channels)
        padded = pixels.index_select(1, self._indices[key])
        return padded.view(count, height + 2 * margin, width + 2 * margin, channels).permute(0, 3, 1, 2)


def _mirrored(side: int, margin: int, device: torch.device) -> Tensor:
    """Return which pixel lies at each place of a padded row, int64 of shape (side + 2 * margin,)."""
    places = torch.arange(-margin, side + margin, device=device).abs()
    return (side - 1) - ((side - 1) - places).abs()


def quick_layers(network: DenseMappingNetwork, dtype: torch.dtype) -> nn.Sequential:
    """Return a copy of a network's layers for `Halved`: convolutions of half precision, in channels-last order.

    The first convolution takes, and the last one makes, a multiple of `MATRIX_STEP` channels: more planes of zeros, and
    more than RGB. Padding with zeros is left to these two.
    """
    layers = copy.deepcopy(network.model)
    first, last = cast(nn.Conv2d, layers[1]), cast(nn.Conv2d, layers[-2])
    if network.config.padding == "zeros":
        half = network.config.stem_kernel // 2
        for index, conv in ((0, first), (len(layers) - 3, last)):
            layers[index], conv.padding = nn.Identity(), (half, half)
    more = -first.in_channels % MATRIX_STEP
    first.weight = _constant(F.pad(first.weight, (0, 0, 0, 0, 0, more)))
    more = -last.out_channels % MATRIX_STEP
    last.weight = _constant(F.pad(last.weight, (0, 0, 0, 0, 0, 0, 0, more)))
    last.bias = _constant(F.pad(cast(Tensor, last.bias), (0, more)))
    for module in layers.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.weight = _constant(module.weight.to(dtype=dtype, memory_format=torch.channels_last))
            module.bias = _constant(cast(Tensor, module.bias).to(dtype))
    return layers


def _constant(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach(), requires_grad=False)


class Graph(Protocol):
    """Device work that was recorded: `torch.cuda.CUDAGraph`."""

    def replay(self) -> None:
        """Do it again, on what its inputs hold now."""
        ...


Record = Callable[[Callable[[], Tensor], Graph | None], tuple[Graph, Tensor]]
"""Records what a function does; given a graph that shares its memory, as the two never run at once. See `record`."""


def record(run: Callable[[], Tensor], beside: Graph | None) -> tuple[Graph, Tensor]:
    """Record what ``run`` does on the CUDA device; returns the graph, and the tensor that it writes to."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            run()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    pool = beside.pool() if isinstance(beside, torch.cuda.CUDAGraph) else None
    # Other threads, such as the face search's, may use the device meanwhile.
    with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
        made = run()
    return graph, made


class Buffer:
    """An input of a decode at a place that stays, on the device; it travels there only if it changed.

    Parameters
    ----------
    shape, dtype, device
        Of the input.
    """

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> None:
        self._sent = torch.empty(shape, dtype=dtype, pin_memory=device.type == "cuda")
        self._valid = False
        self.tensor = torch.empty(shape, dtype=dtype, device=device)

    def put(self, array: NDArray) -> None:
        """Set it; ``array`` has its shape."""
        sent = self._sent.numpy()
        if self._valid and np.array_equal(sent, array):
            return
        self._valid = False
        np.copyto(sent, array)
        self.tensor.copy_(self._sent, non_blocking=True)
        self._valid = True


@dataclass(eq=False)
class _Shape:
    """Inputs of one size and number of styles: uint8 (H, W), (N, S), uint8 (H, W, 3), (H, W); and what was recorded."""

    labels: Buffer
    styles: Buffer
    pixels: Buffer
    region: Buffer
    graph: Graph | None = None
    made: Tensor = field(default_factory=lambda: torch.empty(0))


class QuickDecode:
    """Decodes from inputs that stay at their places on the device, so that the work can be recorded and replayed.

    Parameters
    ----------
    network
        On the device. At half precision its ``model`` is `quick_layers`.
    dtype
        Of weights and activations.
    record
        `record`; None to run layer by layer.
    tell
        Told in a few words when nothing can be recorded.
    """

    def __init__(
        self,
        network: DenseMappingNetwork,
        dtype: torch.dtype = torch.float32,
        record: Record | None = None,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._network, self._dtype, self._record, self._tell = network, dtype, record, tell
        self._how = PLAIN if dtype == torch.float32 else Halved()
        self._device = next(network.parameters()).device
        self._shapes: OrderedDict[tuple[int, ...], _Shape] = OrderedDict()

    def __call__(
        self,
        labels: LabelMap,
        styles: Sequence[StyleCode],
        pixels: Pixels,
        region: NDArray[np.float32],
        recorded: bool = True,
    ) -> list[Image]:
        """Render a label map in all of ``styles`` at once; see `engine.generate.Generator.decode`.

        Parameters
        ----------
        recorded
            Whether a graph may be recorded or replayed.
        """
        with torch.inference_mode():
            height, width = labels.shape
            shape = self._shape(height, width, len(styles))
            shape.labels.put(labels)
            shape.styles.put(np.stack([style.vector for style in styles]))
            if self._network.config.context:
                shape.pixels.put(pixels)
                shape.region.put(region)
            if recorded and shape.graph is None and self._record is not None:
                self._try_to_record(shape, self._record)
            if recorded and shape.graph is not None:
                shape.graph.replay()
                made = shape.made
            else:
                made = self._draw(shape)
            # Pinned memory is kept by PyTorch for the next picture once this one is thrown away.
            fetched = torch.empty(made.shape, dtype=torch.float32, pin_memory=self._device.type == "cuda")
            fetched.copy_(made, non_blocking=True)
            if self._device.type == "cuda":
                torch.cuda.current_stream().synchronize()
            return list(fetched.numpy())

    def forget(self) -> None:
        """Free the buffers and what was recorded."""
        self._shapes.clear()

    def _shape(self, height: int, width: int, count: int) -> _Shape:
        key = (height, width, count)
        if key not in self._shapes:
            size = (height, width)

            def buffer(shape: tuple[int, ...], dtype: torch.dtype) -> Buffer:
                return Buffer(shape, dtype, self._device)

            self._shapes[key] = _Shape(
                buffer(size, torch.uint8),
                buffer((count, self._network.config.style_size), torch.float32),
                buffer((*size, 3), torch.uint8),
                buffer(size, torch.float32),
            )
            if len(self._shapes) > KNOWN_SHAPES:
                self._shapes.popitem(last=False)
        self._shapes.move_to_end(key)
        return self._shapes[key]

    def _try_to_record(self, shape: _Shape, record: Record) -> None:
        beside = next((known.graph for known in self._shapes.values() if known.graph is not None), None)
        try:
            shape.graph, shape.made = record(lambda: self._draw(shape), beside)
        except RuntimeError as error:
            # Not tried again: what failed once would cost as much time at each size.
            self._record = None
            if out_of_memory(error):
                raise
            LOG.warning("The decode cannot be recorded as a CUDA graph: %s", reason_of(error))
            self._tell(f"CUDA graphs cannot be used ({reason_of(error)})")

    def _draw(self, shape: _Shape) -> Tensor:
        """Render from the buffers: float32 (N, H, W, 3)."""
        styles, network = shape.styles.tensor, self._network
        labels = shape.labels.tensor.expand(len(styles), -1, -1)
        context: tuple[Tensor, ...] = ()
        if network.config.context:
            image = shape.pixels.tensor.permute(2, 0, 1).float() / 127.5 - 1
            context = (image.expand(len(styles), -1, -1, -1), shape.region.tensor.expand(len(styles), 1, -1, -1))
        planes = network.planes(labels, styles, *context)
        if isinstance(self._how, Halved):
            count, channels, height, width = planes.shape
            wide = torch.empty(
                (count, channels + -channels % MATRIX_STEP, height, width),
                dtype=self._dtype,
                device=self._device,
                memory_format=torch.channels_last,
            ).zero_()
            wide[:, :channels] = planes
            planes = wide
        return network.draw(planes, styles, self._how).permute(0, 2, 3, 1).contiguous()
