"""A model's graphs on ONNX Runtime or OpenVINO: which there are, for what sizes, and what is opened when."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from engine.graphs import Graph, SessionGraph
from engine.openvino_graphs import CompiledGraph, Compiler
from models.config import GeneratorConfig

Shape = tuple[int, int]
"""Height and width in pixels."""
Made = TypeVar("Made")

ENCODE, DECODE, PART = "encode.onnx", "decode.onnx", "part.onnx"
INT8 = {DECODE: "decode-int8.onnx", PART: "part-int8.onnx"}

KNOWN_SHAPES = 2
"""Shapes of pictures for which OpenVINO keeps a compiled graph: about as large as the weights each."""
REHEARSED = 9
"""Shapes of parts that are tried beforehand: a new one takes OpenVINO about twice as long as later."""
SMALLEST_SHARE = 1 / 8
"""Sides of parts are longer than this share of the picture's, as their margins are."""


class ModelGraphs(Protocol):
    """A model's graphs on some runtime; any thread may ask for one."""

    unit: int
    """Sides of parts are rounded up to multiples of this."""
    drafts: str
    """As in `GeneratorInfo`."""

    def encode(self) -> Graph:
        """Return what makes style codes, for all shapes."""
        ...

    def decode(self, shape: Shape) -> Graph:
        """Return what renders exactly, for pictures of one shape."""
        ...

    def part(self) -> Graph:
        """Return what renders parts of all shapes."""
        ...

    def whole(self, shape: Shape) -> Graph | None:
        """Return what drafts whole pictures of one shape; None if there is nothing quicker than `decode`."""
        ...

    def refuse_int8(self) -> None:
        """Compute everything in float32 from now on."""
        ...

    def preparations(self) -> Iterator[Callable[[], object]]:
        """Return what may be done beforehand, one thing after another."""
        ...


class _Kept(Generic[Made]):
    """Graphs that are opened when they are asked for; the latest few stay open.

    Parameters
    ----------
    make
        Opens one for pictures of a shape.
    limit
        How many stay.
    """

    def __init__(self, make: Callable[[Shape], Made], limit: int = 1) -> None:
        self._make, self._limit = make, limit
        self._made: OrderedDict[Shape, Made] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, shape: Shape = (0, 0)) -> Made:
        """Return one, for pictures of any shape if there is but one; may be called on any thread."""
        with self._lock:
            if shape not in self._made:
                while len(self._made) >= self._limit:
                    self._made.popitem(last=False)
                self._made[shape] = self._make(shape)
            self._made.move_to_end(shape)
            return self._made[shape]

    def clear(self) -> None:
        """Free them all."""
        with self._lock:
            self._made.clear()


class OnnxGraphs:
    """Implements `ModelGraphs` on ONNX Runtime; no drafts of the whole, as its int8 is slower than its float32.

    Parameters
    ----------
    folder, device, config
        Of the graphs, where to run them, and of their network.
    """

    drafts = ""

    def __init__(self, folder: Path, device: str, config: GeneratorConfig) -> None:
        self.unit = 2**config.downsamplings
        self._encode = SessionGraph(folder / ENCODE, device)
        self._decode = SessionGraph(folder / DECODE, device, _tensorrt(folder, config))
        self._part = _Kept(lambda shape: self._opened(folder / PART, device))

    def encode(self) -> Graph:
        """See `ModelGraphs`."""
        return self._encode

    def decode(self, shape: Shape) -> Graph:
        """See `ModelGraphs`."""
        return self._decode

    def part(self) -> Graph:
        """See `ModelGraphs`."""
        return self._part.get()

    def whole(self, shape: Shape) -> None:
        """See `ModelGraphs`."""
        return

    def refuse_int8(self) -> None:
        """See `ModelGraphs`."""

    def preparations(self) -> Iterator[Callable[[], object]]:
        """See `ModelGraphs`."""
        yield self.part

    @staticmethod
    def _opened(path: Path, device: str) -> SessionGraph:
        try:
            return SessionGraph(path, device)
        except Exception:
            if device == "cpu":  # elsewhere it may be the device's fault
                remove(path)  # all are made anew next time
            raise


def _tensorrt(folder: Path, config: GeneratorConfig) -> dict[str, str]:
    """Return TensorRT's options for a decode: one engine for all shapes up to the model's size, kept in the folder."""
    shapes = {"labels": "1x{0}x{0}"} | ({"image": "1x3x{0}x{0}", "region": "1x1x{0}x{0}"} if config.context else {})

    def profile(side: int) -> str:
        return ",".join(f"{name}:{shape.format(side)}" for name, shape in shapes.items())

    return {
        "trt_fp16_enable": "0",
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": str(folder),
        "trt_timing_cache_enable": "1",
        "trt_timing_cache_path": str(folder),
        "trt_profile_min_shapes": profile(config.multiple),
        "trt_profile_opt_shapes": profile(config.size),
        "trt_profile_max_shapes": profile(config.size),
    }


class OpenVinoGraphs:
    """Implements `ModelGraphs` on OpenVINO: whole pictures by graphs for one shape each, parts by one for all shapes.

    Parameters
    ----------
    folder, config
        Of the graphs, and of their network.
    """

    def __init__(self, folder: Path, config: GeneratorConfig) -> None:
        self._folder, self._config, self._compiler = folder, config, Compiler()
        self.drafts = "int8" if (folder / INT8[DECODE]).is_file() else ""
        self.unit = config.multiple
        self._part = INT8[PART] if (folder / INT8[PART]).is_file() else PART
        self._parts = {name: _Kept(lambda shape, name=name: self._compiled(name)) for name in (PART, INT8[PART])}
        self._own = (config.size, config.size)
        self._encode = self._compiled(ENCODE)
        self._decode = _Kept(partial(self._compiled, DECODE), KNOWN_SHAPES)
        self._whole = _Kept(partial(self._compiled, INT8[DECODE]))
        self._decode.get(self._own)

    def encode(self) -> Graph:
        """See `ModelGraphs`."""
        return self._encode

    def decode(self, shape: Shape) -> Graph:
        """See `ModelGraphs`."""
        return self._decode.get(shape)

    def part(self) -> Graph:
        """See `ModelGraphs`."""
        return self._parts[self._part].get()

    def whole(self, shape: Shape) -> Graph | None:
        """See `ModelGraphs`."""
        return self._whole.get(shape) if self.drafts else None

    def refuse_int8(self) -> None:
        """See `ModelGraphs`."""
        self._part, self.drafts = PART, ""
        for kept in (self._parts[INT8[PART]], self._whole):
            kept.clear()

    def preparations(self) -> Iterator[Callable[[], object]]:
        """See `ModelGraphs`."""
        yield self.part
        size, step = self._config.size, 2**self._config.downsamplings
        first = int(size * SMALLEST_SHARE) // self.unit * self.unit + self.unit
        sides = range(first, size + 1, self.unit)
        shapes = sorted(((rows, columns) for rows in sides for columns in sides), key=lambda shape: shape[0] * shape[1])
        for rows, columns in shapes[:REHEARSED]:
            pixels = (rows, columns)
            sizes = {"around": (rows // step + 2, columns // step + 2)}
            sizes |= dict.fromkeys(("labels", "image", "region"), pixels)
            yield lambda sizes=sizes: self._parts[self._part].get().rehearse(sizes)
        yield lambda: self._keep(ENCODE, self._encode)
        yield lambda: self._keep(DECODE, self._decode.get(self._own), self._own)
        yield self._keep_part

    def _compiled(self, name: str, shape: Shape | None = None) -> CompiledGraph:
        path = self._folder / name
        try:
            kept = self._copy(name) if shape in (None, self._own) else None
            return self._compiler.compile(path, _shapes(shape), kept)
        except RuntimeError:
            remove(path, self._folder / PART)  # without the latter all are made anew next time
            raise

    def _keep_part(self) -> None:
        name = self._part
        self._keep(name, self._parts[name].get())

    def _keep(self, name: str, graph: CompiledGraph, shape: Shape | None = None) -> None:
        self._compiler.keep(graph, self._folder / name, _shapes(shape), self._copy(name))

    def _copy(self, name: str) -> Path:
        return (self._folder / name).with_suffix(".compiled")


def _shapes(shape: Shape | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a decode's inputs for pictures of a shape; none if it is to be left open."""
    if shape is None:
        return {}
    return {"labels": (1, *shape), "image": (1, 3, *shape), "region": (1, 1, *shape)}


def remove(*graphs: Path) -> None:
    """Remove files, as far as that is possible."""
    for graph in graphs:
        with suppress(OSError):
            graph.unlink()
