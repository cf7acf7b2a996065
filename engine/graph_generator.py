"""The generator as exported graphs: on ONNX Runtime (CUDA or the CPU) or on OpenVINO (the CPU)."""

import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, GeneratorInfo, Image, from_planes, to_planes
from engine.graphs import Stop, metadata
from engine.idle import Idle
from engine.model_graphs import DECODE, ENCODE, PART, ModelGraphs, OnnxGraphs, OpenVinoGraphs, Shape, remove
from engine.progress import SLOW_S
from engine.store import licence_of, model_id, prepared
from engine.types import LabelMap, ModelError, Pixels, Region, StyleCode
from models.config import GeneratorConfig, reason_of

Runtime = Literal["onnx", "openvino"]


class GraphGenerator:
    """A dense mapping network run as graphs that are exported once and then kept; implements `Generator`.

    Parameters
    ----------
    weights
        The weight file.
    runtime
        What runs them.
    device
        ``"cuda"`` or ``"cpu"``; OpenVINO is used on the CPU only.
    note
        Kept in `info`.
    progress
        Told when the graphs have to be exported, which takes some seconds.

    Raises
    ------
    BackendUnavailableError
        If the runtime cannot be imported, the device cannot be used, or the graphs cannot be made or loaded.
    ModelError
        If the weight file cannot be used.
    """

    def __init__(
        self,
        weights: Path,
        runtime: Runtime,
        device: str,
        note: str = "",
        progress: Callable[[str], None] = lambda text: None,
    ) -> None:
        name = {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}[runtime]
        if runtime == "openvino" and device != "cpu":
            raise BackendUnavailableError("OpenVINO is used on the CPU only")
        folder = prepared(weights, progress)
        try:
            for path in (folder / ENCODE, folder / PART):
                metadata(path)  # one that has been cut short would be found out in the middle of a stroke
            known = metadata(folder / DECODE)
            config = GeneratorConfig.from_json(known["config"])
            graphs: ModelGraphs
            graphs = OpenVinoGraphs(folder, config) if runtime == "openvino" else OnnxGraphs(folder, device, config)
            self.info = GeneratorInfo(
                known["title"], model_id(weights), name, device.upper(), config.size, int(known["multiple"]),
                config.context, config.region_channels, licence_of(weights), note,
                step=2**config.downsamplings, drafts=graphs.drafts,
            )  # fmt: skip
        except BackendUnavailableError:
            raise
        except Exception as error:  # the runtimes' exceptions share no other base class
            if device == "cpu":  # elsewhere it may be the device's fault
                remove(*folder.glob("*.onnx"))  # they are made anew next time
            raise BackendUnavailableError(f"{name} cannot load the model ({reason_of(error)})") from error
        self._graphs: ModelGraphs | None = graphs
        self._padding: Literal["reflect", "constant"] = "reflect" if config.padding == "reflect" else "constant"
        self._left: _Left | None = None
        self._source: tuple[Pixels, NDArray[np.float32]] | None = None
        self._stop = Stop()
        self._idle = Idle(graphs.preparations())
        self._finish = weakref.finalize(self, self._idle.close)

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """See `engine.generate.Generator.encode`."""
        with self._call() as graphs:
            feeds = {"labels": np.ascontiguousarray(labels[None]), "image": self._planes(pixels)}
            (vector,) = graphs.encode().run(feeds, self._stop)
            return StyleCode(vector[0], self.info.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """See `engine.generate.Generator.decode`."""
        with self._call() as graphs:
            shape = _shape(labels)
            graph, feeds = graphs.decode(shape), self._feeds(labels, style, pixels, region)
            started = time.perf_counter()
            render, statistics, deep = graph.run(feeds, self._stop)
            if time.perf_counter() - started > SLOW_S and graphs.drafts:
                self._idle.add(partial(graphs.whole, shape))
            self._left = _Left(style.vector.copy(), shape, statistics, deep)
            return from_planes(render)

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        """See `engine.generate.Generator.draft`."""
        with self._call() as graphs:
            if box is not None:
                return self._part(graphs, labels, style, pixels, region, box)
            if (graph := graphs.whole(_shape(labels))) is None:
                return None
            return from_planes(graph.run(self._feeds(labels, style, pixels, region), self._stop)[0])

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        """See `engine.generate.Generator.decode_styles`: one after another. What `decode` left stays."""
        with self._call() as graphs:
            graph = graphs.decode(_shape(labels))
            every = (self._feeds(labels, style, pixels, region) for style in styles)
            return [from_planes(graph.run(feeds, self._stop)[0]) for feeds in every]

    def cancel(self) -> None:
        """See `engine.generate.Generator.cancel`: it takes a layer or two."""
        self._stop.ask()

    def refuse_int8(self) -> None:
        """Compute drafts in float32 from now on, and none of whole pictures: int8 is not accurate enough."""
        if self._graphs is not None:
            self._graphs.refuse_int8()
            self.info = replace(self.info, drafts="")

    def close(self) -> None:
        """Free the graphs; may be called twice."""
        self._finish()
        self._graphs = self._left = self._source = None

    @contextmanager
    def _call(self) -> Iterator[ModelGraphs]:
        """Let nothing be prepared meanwhile, and `cancel` end what runs within."""
        if self._graphs is None:
            raise ModelError("The model has been closed.", "Choose one in the Model menu.")
        self._stop = Stop()
        with self._idle.disturbed():
            yield self._graphs

    def _part(
        self,
        graphs: ModelGraphs,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region,
    ) -> Image | None:
        """Render a box, or a larger one of which it is then cut out."""
        left, step = self._left, self.info.step
        if left is None or left.shape != labels.shape or not np.array_equal(left.style, style.vector):
            return None
        (y0, y1), (x0, x1) = (
            grown(start, end, side, step, graphs.unit)
            for start, end, side in zip((box.y0, box.x0), (box.y1, box.x1), left.shape, strict=True)
        )
        part = Region(y0, x0, y1, x1)
        feeds = self._feeds(labels, style, pixels, region, part)
        feeds |= {
            "statistics": left.statistics,
            "around": around(left.deep, part, step, self._padding),
            "origin": np.array([y0, x0], np.int64),
        }
        (render,) = graphs.part().run(feeds, self._stop)
        return from_planes(render[:, :, box.y0 - y0 : box.y1 - y0, box.x0 - x0 : box.x1 - x0])

    def _feeds(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        part: Region | None = None,
    ) -> dict[str, NDArray]:
        """Return what a decode is given, of the whole or a part."""
        rows, columns = (slice(None), slice(None)) if part is None else part.slices
        feeds: dict[str, NDArray] = {"labels": labels[None, rows, columns], "style": style.vector[None]}
        if self.info.context:
            feeds["image"] = self._planes(pixels)[:, :, rows, columns]
            feeds["region"] = region[None, None, rows, columns]
        return {name: np.ascontiguousarray(values) for name, values in feeds.items()}

    def _planes(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return a picture as networks take it, made once as long as it is the same: nobody writes to it."""
        if self._source is None or self._source[0] is not pixels:
            self._source = pixels, to_planes(pixels)
        return self._source[1]


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """What a decode leaves for parts, and for which style and shape; see `models.local.WholeDecode`."""

    style: NDArray[np.float32]
    shape: Shape
    statistics: NDArray[np.float32]
    deep: NDArray[np.float32]


def _shape(labels: LabelMap) -> Shape:
    return labels.shape[0], labels.shape[1]


def grown(start: int, end: int, side: int, step: int, unit: int) -> tuple[int, int]:
    """Lengthen a stretch of a side to a multiple of ``unit``, keeping its ends multiples of ``step``.

    It gets two steps at least: graphs are exported for no less.
    """
    length = min(side, -(-max(end - start, 2 * step) // unit) * unit)
    first = start - (length - (end - start)) // 2 // step * step
    first = min(max(0, first), side - length)
    return first, first + length


def around(
    deep: NDArray[np.float32], part: Region, step: int, padding: Literal["reflect", "constant"]
) -> NDArray[np.float32]:
    """Return the deep features of a part and of one cell around it.

    Parameters
    ----------
    deep
        Of the whole picture, (L, C, H / step, W / step).
    part
        In pixels; place and sides are multiples of ``step``.
    step
        A cell's side in pixels.
    padding
        What lies beyond the picture: its mirror image, or zeros.

    Returns
    -------
    ndarray
        (L, C, h / step + 2, w / step + 2), in C order.
    """
    windows, missing = [], []
    for start, end, cells in ((part.y0, part.y1, deep.shape[2]), (part.x0, part.x1, deep.shape[3])):
        first, last = start // step - 1, end // step + 1
        windows.append(slice(max(first, 0), min(last, cells)))
        missing.append((int(first < 0), int(last > cells)))
    window = deep[:, :, windows[0], windows[1]]
    if any(map(any, missing)):
        window = np.pad(window, [(0, 0), (0, 0), *missing], mode=padding)
    return np.ascontiguousarray(window)
