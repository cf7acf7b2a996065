"""Static int8 quantisation of a generator's graphs.

Integers take a fraction of the time of float32 in the convolutions of most CPUs. How activations and weights are mapped
to them is the uniform affine quantisation of Jacob et al. (CVPR 2018): activations for each tensor, from the ranges
that simulated edits of portraits reach, weights for each output channel. The ranges are known by layer, not by graph,
so that one small file beside the weights serves every graph exported from them; the graphs are rewritten with pairs of
QuantizeLinear and DequantizeLinear, between which OpenVINO computes in int8. (ONNX Runtime runs them as well, but no
faster than float32.) models/calibrate.py makes such files, and measures.
"""

import json
import math
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.accessories import wear
from models.config import WeightFileError
from models.generator import DenseMappingNetwork
from models.mask_edits import edited_region, simulated_edit
from models.rendering import to_tensor

Ranges = dict[str, tuple[float, float]]
"""The least and the greatest input of each layer, 0 between them, by the layer's name in the network."""

Pixels = NDArray[np.uint8]

PREFIX = "network."
"""What the exported modules call the network: it precedes a layer's name in their graphs."""

OUTSIDE = 1e-5
"""Share of a layer's inputs at either end that is clipped: a few far values would make the steps of all coarser."""

KEPT = 4096
"""How many values at either end are remembered, enough for 400 million inputs."""

NARROWEST = 1e-6
"""The least width of a range; what is always 0 is given it."""

_LARGEST = 1e30
"""What no number in a file exceeds: its steps would not be numbers of float32."""

_HINT = "Make it anew with models.calibrate, or delete it."


@dataclass(frozen=True)
class Quantization:
    """What is needed to turn the graphs of one weight file to int8.

    Attributes
    ----------
    model_id
        Identifies the weights: the first 16 hexadecimal digits of the file's SHA-256. Empty if they are of no file.
    ranges
        See `Ranges`.
    exact
        The layers that stay float32.
    measured
        How good it was found to be, and on what; empty if it was not measured.
    """

    model_id: str
    ranges: Ranges
    exact: tuple[str, ...] = ()
    measured: dict[str, float | int | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (isinstance(self.model_id, str) and re.fullmatch("([0-9a-f]{16})?", self.model_id)):
            raise ValueError(f"model_id must be 16 hexadecimal digits, not {self.model_id!r}")
        if not (isinstance(self.ranges, dict) and self.ranges):
            raise ValueError("ranges must name at least one layer")
        for name, pair in self.ranges.items():
            if not (isinstance(name, str) and isinstance(pair, tuple) and len(pair) == 2 and all(map(_finite, pair))):
                raise ValueError(f"the range of {name!r} must be two numbers, not {pair!r}")
            if not pair[0] <= 0 <= pair[1] or pair[1] - pair[0] < NARROWEST:
                raise ValueError(f"the range of {name!r} must hold 0 and more, not {pair!r}")
        if not isinstance(self.exact, tuple) or not set(map(str, self.exact)) <= set(self.ranges):
            raise ValueError(f"exact must name layers that have a range, not {self.exact!r}")
        if not isinstance(self.measured, dict):
            raise ValueError(f"measured must be a table, not {self.measured!r}")
        for name, value in self.measured.items():
            if not isinstance(name, str) or not (isinstance(value, str) or _finite(value)):
                raise ValueError(f"measured must hold numbers and text, but {name!r} is {value!r}")

    def to_json(self) -> str:
        """Write it as it is kept beside the weights."""
        return json.dumps(asdict(self), indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Quantization":
        """Read it from its JSON form.

        Raises
        ------
        WeightFileError
            If it is not JSON, or has keys or values that this version does not know.
        """
        try:
            values: Any = json.loads(text)
            if not isinstance(values, dict):
                raise ValueError("it is not a table")
            unknown = set(values) - {entry.name for entry in fields(cls)}
            if unknown:
                raise ValueError(f"unknown settings {sorted(unknown)}")
            # JSON knows no tuples; what is not a list either is left for the checks above to name.
            if isinstance(values.get("exact"), list):
                values["exact"] = tuple(values["exact"])
            if isinstance(values.get("ranges"), dict):
                values["ranges"] = {
                    name: tuple(pair) if isinstance(pair, list) else pair for name, pair in values["ranges"].items()
                }
            return cls(**values)
        except (TypeError, ValueError, RecursionError) as error:
            raise WeightFileError(f"The ranges for int8 cannot be read ({error}).", _HINT) from error


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST


def ranges_file(weights: Path) -> Path:
    """Return where the ranges of a weight file are kept, if there are any: beside it."""
    return weights.with_suffix(".int8.json")


class _Tails:
    """The least and the greatest of many numbers, and how many they were."""

    def __init__(self) -> None:
        self.count = 0
        # Zero belongs to every range, so that padding with zeros is exact.
        self.low = self.high = torch.zeros(1)

    def add(self, values: Tensor) -> None:
        flat = values.detach().flatten().float().cpu()
        low, high = flat.aminmax()
        if not math.isfinite(float(high - low)):
            raise ValueError("the network computes values that are not finite")
        self.count += flat.numel()
        self.low, self.high = _least(self.low, flat), -_least(-self.high, -flat)

    def range(self) -> tuple[float, float]:
        rank = int(self.count * OUTSIDE)
        low, high = (float(ends[min(rank, len(ends) - 1)]) for ends in (self.low, self.high))
        low, high = float(f"{min(low, 0.0):.6g}"), float(f"{max(high, 0.0):.6g}")
        return low, max(high, low + NARROWEST)


def _least(known: Tensor, values: Tensor) -> Tensor:
    """Return the `KEPT` least of all values in ascending order, or as many as there are."""
    if len(known) == KEPT:
        values = values[values < known[-1]]
    every = torch.cat([known, values])
    return every.topk(min(KEPT, len(every)), largest=False).values


def convolutions(network: DenseMappingNetwork) -> dict[str, nn.Conv2d | nn.ConvTranspose2d]:
    """Return the convolutions of `DenseMappingNetwork.decode` by name, in the order in which they run."""
    return {
        f"model.{name}": module
        for name, module in network.model.named_modules()
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d)
    }


def collect_ranges(network: DenseMappingNetwork, samples: Iterable[tuple[Tensor, ...]]) -> Ranges:
    """Find the range of the inputs of each convolution, but for a share of `OUTSIDE` at either end.

    Parameters
    ----------
    network
        The network, in eval mode.
    samples
        Arguments for `DenseMappingNetwork.decode`.

    Raises
    ------
    ValueError
        If there are no samples, or the network computes something that is not finite.
    """
    layers = convolutions(network)
    tails = {name: _Tails() for name in layers}

    def watch(seen: _Tails) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        return lambda _, inputs: seen.add(inputs[0])

    handles = [module.register_forward_pre_hook(watch(tails[name])) for name, module in layers.items()]
    try:
        with torch.inference_mode():
            for arguments in samples:
                network.decode(*arguments)
    finally:
        for handle in handles:
            handle.remove()
    if not all(seen.count for seen in tails.values()):
        raise ValueError("ranges cannot be found without samples")
    return {name: seen.range() for name, seen in tails.items()}


@torch.inference_mode()
def simulated_edits(
    network: DenseMappingNetwork, portraits: Sequence[tuple[Pixels, Pixels]], count: int, seed: int
) -> Iterator[tuple[Tensor, ...]]:
    """Make up edits of portraits in turn, such as training makes up, in their own style or (a quarter) in another's.

    Parameters
    ----------
    network
        The network, on the CPU, in eval mode.
    portraits
        Labels, uint8 (H, W), and pictures, uint8 (H, W, 3) RGB; the sides multiples of ``network.config.multiple``.
    count
        How many edits.
    seed
        Decides what is edited how.

    Yields
    ------
    tuple of Tensor
        Arguments for `DenseMappingNetwork.decode`. With context, the region is what the edit changes, or (a quarter)
        everything.

    Raises
    ------
    ValueError
        If there is no portrait.
    """
    if not portraits:
        raise ValueError("edits cannot be simulated without portraits")
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        own = portraits[index % len(portraits)]
        other = portraits[int(rng.integers(len(portraits)))]
        pixels, labels = wear(own[1], own[0], rng)
        edited = simulated_edit(labels, rng)
        region = edited_region(labels, edited, max(1, labels.shape[0] // 50))
        if rng.random() < 0.25:
            region = np.ones_like(region)
        worn, seen = (other[0], other[1]) if rng.random() < 0.25 else (labels, pixels)
        style = network.encode(torch.from_numpy(np.ascontiguousarray(worn))[None], to_tensor(seen))
        asked = torch.from_numpy(np.ascontiguousarray(edited))[None]
        if network.config.context:
            yield asked, style, to_tensor(pixels), torch.from_numpy(region)[None, None].float()
        else:
            yield asked, style


def calibrate_on(
    network: DenseMappingNetwork,
    portraits: Sequence[tuple[Pixels, Pixels]],
    count: int,
    seed: int = 0,
    model_id: str = "",
) -> Quantization:
    """Find the ranges of a network's layers, with edits made up of portraits; nothing is measured.

    The last convolution stays exact, as nothing comes after it that would even out its errors. So does the first, where
    it is given more than labels: colours, noise and labels are of different sizes and cannot share one set of steps.

    Parameters
    ----------
    network
        The network, on the CPU, in eval mode.
    portraits, count, seed
        See `simulated_edits`.
    model_id
        Of the weights: see `Quantization`.

    Raises
    ------
    ValueError
        If there are no portraits, or the network computes something that is not finite.
    """
    ranges = collect_ranges(network, simulated_edits(network, portraits, count, seed))
    first, *_, last = ranges
    labels_alone = all(name in ("labels", "boundary") for name, _ in network.config.inputs)
    return Quantization(model_id, ranges, (last,) if labels_alone else (first, last))


def quantize_graph(source: Path, target: Path, quantization: Quantization) -> None:
    """Turn a graph of a generator's decode, whole or of a part, to int8.

    Parameters
    ----------
    source
        A graph of `models.graph_files.write_graph`; its inputs, outputs and metadata stay as they are.
    target
        The file to write; one already there is replaced once the new one is whole. Its folder is made if missing.
    quantization
        Of the same weights.

    Raises
    ------
    ValueError
        If the graph has none of the layers that are to be turned to int8.
    OSError
        If a file cannot be read or written.
    """
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(source)
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    nodes, made = [], {}

    def constant(name: str, value: NDArray[Any] | np.generic) -> str:
        made[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    for node in graph.node:
        weight = node.input[1] if node.op_type in ("Conv", "ConvTranspose") else ""
        layer = weight.removeprefix(PREFIX).removesuffix(".weight")
        if weight in tensors and layer in quantization.ranges and layer not in quantization.exact:
            axis = 0 if node.op_type == "Conv" else 1
            whole, steps = int8_weights(numpy_helper.to_array(tensors[weight]), axis)
            step, zero = steps_of(quantization.ranges[layer], signed=node.op_type == "ConvTranspose")
            entered = f"{node.output[0]}.entered"
            parts = [constant(f"{entered}.{name}", value) for name, value in (("step", step), ("zero", zero))]
            kept = [constant(f"{weight}.{name}", value) for name, value in (("int8", whole), ("steps", steps))]
            nodes += [
                helper.make_node("QuantizeLinear", [node.input[0], *parts], [f"{entered}.whole"]),
                helper.make_node("DequantizeLinear", [f"{entered}.whole", *parts], [entered]),
                helper.make_node("DequantizeLinear", kept, [f"{node.output[0]}.weight"], axis=axis),
            ]
            node.input[0], node.input[1] = entered, f"{node.output[0]}.weight"
        nodes.append(node)
    if not made:
        raise ValueError(f"{source.name} has none of the layers that are to be turned to int8")
    used = {name for node in nodes for name in node.input}
    kept_tensors = [tensor for tensor in [*graph.initializer, *made.values()] if tensor.name in used]
    for old, new in ((graph.node, nodes), (graph.initializer, kept_tensors)):
        del old[:]
        old.extend(new)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export-") as part:
        onnx.save(model, Path(part) / target.name)
        (Path(part) / target.name).replace(target)


def int8_weights(weights: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Round weights to int8, with a step for each output channel, along ``axis``: returns both, the steps (C,)."""
    others = tuple(index for index in range(weights.ndim) if index != axis)
    largest = abs(weights).max(axis=others, keepdims=True)
    steps = (np.where(largest > 0, largest, 1) / 127).astype(np.float32)
    return np.rint(weights / steps).astype(np.int8), steps.ravel()


def steps_of(pair: tuple[float, float], signed: bool) -> tuple[np.float32, np.uint8 | np.int8]:
    """Return the step and the zero point of a layer's inputs: uint8, or int8 where ``signed`` and some are negative.

    OpenVINO runs a transposed convolution in int8 only if the zero point is 0.
    """
    low, high = pair
    if signed and low < 0:
        return np.float32(max(-low, high) / 127), np.int8(0)
    step = (high - low) / 255
    return np.float32(step), np.uint8(round(-low / step))
