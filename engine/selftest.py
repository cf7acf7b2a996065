"""Whether a back end computes what the network does: found out on a small input each time that one is loaded.

A library's other version, a driver, or a processor's narrower numbers can make a network render something else without
any error. What is right comes from PyTorch, which made the graphs and left an example beside them.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import BackendUnavailableError, Generator, GeneratorInfo, Image
from engine.types import LabelMap, Pixels, StyleCode
from models.config import reason_of
from resources.labels import LABEL_COUNT

TOLERANCE = 1e-2
"""Largest difference from PyTorch that is put down to rounding in float32, for values of about 1."""
LEAST_DB = 35.0
"""The same at half precision: the least PSNR."""
MOST_DB = 99.0
"""What is told of two pictures that are equal or nearly so: finite, so that it can be written down."""
SEED = 7

FILE = "check.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """A small input and what PyTorch makes of it in float32.

    Attributes
    ----------
    labels, pixels, region
        As `engine.generate.Generator.decode` takes them: uint8 (H, W), uint8 (H, W, 3), float32 (H, W).
    style
        The style code of ``pixels`` and ``labels``, float32 (S,).
    render
        What all of these are decoded to, float32 (H, W, 3) in [-1, 1].
    """

    labels: LabelMap
    pixels: Pixels
    region: NDArray[np.float32]
    style: NDArray[np.float32]
    render: Image

    def __post_init__(self) -> None:
        height, width = self.labels.shape
        expected = {
            "labels": (np.uint8, (height, width)),
            "pixels": (np.uint8, (height, width, 3)),
            "region": (np.float32, (height, width)),
            "style": (np.float32, (self.style.size,)),
            "render": (np.float32, (height, width, 3)),
        }
        for name, (kind, shape) in expected.items():
            array: NDArray = getattr(self, name)
            if array.dtype != kind or array.shape != shape or not array.size or not np.isfinite(array).all():
                raise ValueError(f"{name} is not what it has to be: {array.dtype} {array.shape}")
        if self.labels.max() >= LABEL_COUNT:
            raise ValueError(f"labels holds the class id {self.labels.max()}")


def read_check(folder: Path) -> Check | None:
    """Read a check from the folder of a model's graphs; None if there is none that can be used."""
    try:
        with (folder / FILE).open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return Check(*(file[name] for name in ("labels", "pixels", "region", "style", "render")))
    except Exception:  # a damaged archive can fail anywhere, and says nothing about a back end
        return None


def self_test(generator: Generator, check: Check | None) -> None:
    """Make sure that a back end computes the right numbers; without a check, that they are numbers at all.

    Parameters
    ----------
    generator
        Stays loaded, whatever the outcome.
    check
        From `read_check`. One whose size the network does not take counts as none.

    Raises
    ------
    BackendUnavailableError
        If it does not; the text names the back end and says why.
    """
    info = generator.info
    if check is not None and any(side % info.multiple for side in check.labels.shape):
        check = None
    try:
        wrong = _finite(generator) if check is None else _compared(generator, check)
    except MemoryError as error:
        raise BackendUnavailableError(f"{_named(info)} ran out of memory in its self-test") from error
    except Exception as error:  # the libraries' errors share no other base class
        raise BackendUnavailableError(f"{_named(info)} failed in its self-test ({reason_of(error)})") from error
    if wrong:
        raise BackendUnavailableError(f"{_named(info)} returned {wrong} in its self-test")


def psnr(image: Image, exact: Image) -> float:
    """Return an image's peak signal-to-noise ratio in dB, over the output's range of 2: 0 to `MOST_DB`.

    It is 0 as well if the images differ in shape, or hold what is not finite.
    """
    if image.shape != exact.shape:
        return 0.0
    error = float(np.mean(np.square(image.astype(np.float64) - exact)))
    return _decibels(2.0, error)


def _decibels(peak: float, error: float) -> float:
    if not math.isfinite(error):
        return 0.0
    if error == 0:
        return MOST_DB
    return min(max(10 * math.log10(peak * peak / error), 0.0), MOST_DB)


def _compared(generator: Generator, check: Check) -> str:
    """Return what is wrong with a back end's results; empty if they are right."""
    info = generator.info
    code = generator.encode(check.pixels, check.labels).vector
    style = StyleCode(check.style, info.model_id)
    render = generator.decode(check.labels, style, check.pixels, check.region)
    for result, expected in ((code, check.style), (render, check.render)):
        if result.shape != expected.shape:
            return "results of a wrong size"
        if not np.isfinite(result).all():
            return "numbers that are not finite"
        if not _close(result, expected, info.precision):
            return "wrong numbers"
    return ""


def _close(result: NDArray[np.float32], expected: NDArray[np.float32], precision: str) -> bool:
    # A style code's values have no range of their own.
    scale = max(1.0, float(np.abs(expected).max()))
    difference = np.abs(result.astype(np.float64) - expected)
    if precision == "float32":
        return bool(difference.max() <= TOLERANCE * scale)
    return _decibels(2 * scale, float(np.mean(np.square(difference)))) >= LEAST_DB


def _finite(generator: Generator) -> str:
    side = 2 * generator.info.multiple
    random = np.random.default_rng(SEED)
    labels = random.integers(0, LABEL_COUNT, (side, side), np.uint8)
    pixels = random.integers(0, 256, (side, side, 3), np.uint8)
    region = (random.random((side, side)) < 0.5).astype(np.float32)
    style = generator.encode(pixels, labels)
    render = generator.decode(labels, style, pixels, region)
    return "" if np.isfinite(style.vector).all() and np.isfinite(render).all() else "numbers that are not finite"


def _named(info: GeneratorInfo) -> str:
    return info.backend if info.device == "CPU" else f"{info.backend} on {info.device}"
