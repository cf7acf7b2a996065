"""What runs a model fastest on this computer, and how accurate its drafts are: measured once, and then remembered.

Which back end is fastest depends on the processor and on the versions of the libraries, so it is found out where it
matters. It is measured when a model is made ready for the first time, which takes longer than the measuring.
"""

import json
import logging
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.atomic import replacing
from engine.frame import Frame
from engine.generate import BackendUnavailableError, Generator, GeneratorInfo
from engine.selftest import psnr
from engine.store import GRAPH_VERSION, cache_folder, model_id
from engine.types import EngineError, LabelMap, Pixels, Region
from models.config import reason_of
from resources import RESOURCES

LOG = logging.getLogger(__name__)

Pair = tuple[str, str]
"""A back end and a device, such as ``("onnx", "cpu")``."""
Value = TypeVar("Value")

LEAST_DRAFT_DB = 35.0
"""PSNR that a draft of a whole portrait must reach against the exact render, made anew from its style alone."""
RUNS = 3
EXACT_S, DRAFT_S, PART_S = 0.5, 0.25, 0.15
"""How many seconds may have been spent on runs of a kind when another one is begun."""
MARGIN = 0.2
"""Another order than the usual one must gain at least this share: less may be chance."""
PART = 4
"""The part that is measured has sides of one such fraction of the picture's."""

FILE = "tuning.json"
FORMAT = 1
KEPT = 32
"""Computers, libraries and models of which measurements are kept: a cache folder may be shared."""
PACKAGES = ("torch", "onnxruntime", "onnxruntime-gpu", "openvino")
SAMPLE, SAMPLE_MASK = (RESOURCES / "samples" / name for name in ("collins.jpg", "collins_mask.png"))


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long renders of the model's own size take, in milliseconds, and how good drafts are.

    Attributes
    ----------
    exact_ms
        An exact render.
    draft_ms
        A draft of the whole picture; None if there is none.
    part_ms
        A draft of the middle sixteenth of the picture; None if there is none.
    draft_db
        PSNR in dB of a draft of the whole sample portrait against its exact render; None if there is none.
    """

    exact_ms: float
    draft_ms: float | None = None
    part_ms: float | None = None
    draft_db: float | None = None

    @property
    def accurate(self) -> bool:
        """Whether drafts of the whole are good enough to be shown."""
        return self.draft_db is not None and self.draft_db >= LEAST_DRAFT_DB

    @property
    def felt_ms(self) -> float:
        """What a hand waits for in all: a part, a whole draft and an exact render, or what stands in for the former."""
        draft = self.draft_ms if self.draft_ms is not None and self.accurate else self.exact_ms
        part = draft if self.part_ms is None else self.part_ms
        return min(part, self.exact_ms) + min(draft, self.exact_ms) + self.exact_ms


def measure(generator: Generator, progress: Callable[[str], None] = lambda text: None) -> Measurement | None:
    """Measure a back end with the sample portrait, all of it made anew; takes about a second, or a run or two of each.

    Parameters
    ----------
    generator
        Just loaded.
    progress
        Told what takes a moment.

    Returns
    -------
    Measurement or None
        None if the sample cannot be read.

    Raises
    ------
    BackendUnavailableError
        If an exact render fails at this size.
    """
    info = generator.info
    try:
        pixels, labels = _sample(info)
    except EngineError:
        LOG.warning("The sample portrait cannot be read", exc_info=True)
        return None
    progress("Measuring how fast this computer is (once)…")
    region = np.ones(labels.shape, np.float32)
    try:
        style = generator.encode(pixels, labels)
        exact_ms, exact = _timed(lambda: generator.decode(labels, style, pixels, region), EXACT_S)
    except Exception as error:  # the libraries' errors share no other base class
        raise BackendUnavailableError(f"{info.backend} failed when it was measured ({reason_of(error)})") from error
    if not np.isfinite(exact).all():
        raise BackendUnavailableError(f"{info.backend} returned numbers that are not finite when it was measured")
    part_ms = draft_ms = draft_db = None
    if info.step:
        box = _middle(labels.shape, info.step)
        part_ms = _drafted(lambda: generator.draft(labels, style, pixels, region, box), PART_S)[0]
    if info.drafts:
        draft_ms, draft = _drafted(lambda: generator.draft(labels, style, pixels, region), DRAFT_S)
        draft_db = 0.0 if draft is None else psnr(draft, exact)
    return Measurement(exact_ms, draft_ms, part_ms, draft_db)


def measurements(weights: Path) -> dict[Pair, Measurement]:
    """Return what is remembered of a model on this computer, by back end and device; empty if that is nothing.

    Raises
    ------
    ModelError
        If the weight file cannot be read.
    """
    stored = _read().get(_key(weights), {})
    found = {}
    for name, fields in stored.items() if isinstance(stored, dict) else ():
        backend, _, device = name.partition(" ")
        measurement = _from_json(fields)
        if measurement is not None:
            found[backend, device] = measurement
    return found


def remember(weights: Path, pair: Pair, measurement: Measurement) -> None:
    """Keep a measurement for later starts; where nothing can be written, it is measured again then.

    Raises
    ------
    ModelError
        If the weight file cannot be read.
    """
    entries, key = _read(), _key(weights)
    own = entries.pop(key, {})
    # Last, so that what has not been used for longest goes first.
    entries[key] = (own if isinstance(own, dict) else {}) | {" ".join(pair): asdict(measurement)}
    content = {"format": FORMAT, "entries": dict(list(entries.items())[-KEPT:])}
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        with replacing(cache_folder() / FILE) as file:
            file.write(json.dumps(content, indent=1).encode())
    except (OSError, EngineError) as error:
        LOG.warning("What was measured cannot be kept: %s", error)


def in_order(pairs: Sequence[Pair], known: dict[Pair, Measurement]) -> list[Pair]:
    """Sort back ends of the same device, the fastest first; those that were not measured keep their places."""
    measured = [pair for pair in pairs if pair in known]
    measured.sort(key=lambda pair: known[pair].felt_ms * (1 + MARGIN * pairs.index(pair)))
    return [measured.pop(0) if pair in known else pair for pair in pairs]


# The input


def _sample(info: GeneratorInfo) -> tuple[Pixels, LabelMap]:
    """Read the sample portrait and its mask at the network's size."""
    from engine.files import read_mask
    from engine.photo import read_photo

    pixels = read_photo(SAMPLE).pixels
    labels = read_mask(SAMPLE_MASK, *pixels.shape[:2])
    height, width = labels.shape
    frame = Frame.fit(height, width, info.size, info.multiple)
    return frame.pixels(pixels), frame.labels(labels)


def _middle(shape: tuple[int, ...], step: int) -> Region:
    height, width = (max(1, side // PART // step) * step for side in shape)
    top, left = ((side - part) // 2 // step * step for side, part in zip(shape, (height, width), strict=True))
    return Region(top, left, top + height, left + width)


# Measuring


def _timed(run: Callable[[], Value], budget: float, least: int = 1) -> tuple[float, Value]:
    """Return the median time of a few runs in milliseconds, and what the last one returned.

    The first run, in which libraries prepare themselves, counts only if it is the only one: if it takes up the budget
    and ``least`` allows that.
    """
    times: list[float] = []
    while True:
        started = time.perf_counter()
        value = run()
        times.append(time.perf_counter() - started)
        if len(times) > RUNS or (len(times) >= least and sum(times) >= budget):
            return 1000 * statistics.median(times[1:] or times), value


def _drafted(run: Callable[[], Value | None], budget: float) -> tuple[float | None, Value | None]:
    """Time a draft; None twice if it fails, or there is none."""
    try:
        # Graphs of drafts may be opened only now, which can take longer than many runs.
        milliseconds, draft = _timed(run, budget, least=2)
    except Exception:  # an exact render does without
        LOG.warning("A draft failed when it was measured", exc_info=True)
        return None, None
    return (None, None) if draft is None else (milliseconds, draft)


# Remembering


def _key(weights: Path) -> str:
    return f"{model_id(weights)}, graphs {GRAPH_VERSION}, {_computer()}"


def _computer() -> str:
    """Describe what computes: the processor, how many of its cores may be used, and the libraries."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS", "")
    if threads.isdecimal() and int(threads):
        cores = min(cores, int(threads))
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return f"{_processor()}, {cores} cores, {packages}"


@lru_cache
def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name.strip() == "model name":
                    return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "-"


def _read() -> dict[str, Any]:
    """Return the file's entries; none if it is missing, damaged, or of another format."""
    try:
        content = json.loads((cache_folder() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("entries"), dict):
        return {}
    return content["entries"]


def _from_json(fields: Any) -> Measurement | None:
    """Return a measurement; None if what was read cannot be one."""
    try:
        measurement = Measurement(**fields)
    except TypeError:
        return None
    numbers = [value for value in asdict(measurement).values() if value is not None]
    known = all(isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 for value in numbers)
    return measurement if known and measurement.exact_ms is not None else None
