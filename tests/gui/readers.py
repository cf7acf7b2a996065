"""A stand-in for what finds and labels faces, and photos for it."""

import threading
from pathlib import Path

import numpy as np
from PIL import Image

from engine.align import Face, cut_out, points_in
from engine.parse import ParserInfo
from engine.types import Alignment, CancelledError, Portrait
from tests.fakes import make_labels

SIDE = 128
"""The side of the crops that are made."""


class FakeParser:
    def __init__(self, info):
        self.info = info


class FakeReader:
    """Implements `app.reading.Reader` without networks; is its own factory.

    Attributes
    ----------
    found
        What `faces` returns.
    failure, parser_failure, portrait_failure
        Raised by `faces`, by the parser's loading and by `portrait` while set.
    licence
        Of the parsers that are loaded.
    made, parsers, threads
        The arguments of the factory; the parsers that were loaded; the threads that called.
    """

    def __init__(self):
        self.found: list[Face] = []
        self.failure = self.parser_failure = self.portrait_failure = None
        self.licence = ""
        self.made, self.parsers, self.threads = [], [], set()
        self.looked, self.closed = 0, 0
        self._open = threading.Event()
        self._open.set()

    def __call__(self, weights, device):
        self.made.append((weights, device))
        self._weights = weights
        return self

    def hold(self):
        """Let `faces` wait from now on, until `let_go` or until it is cancelled."""
        self._open.clear()

    def let_go(self):
        self._open.set()

    def parser(self, progress=lambda text: None):
        return self.use_parser(self._weights, progress)

    def use_parser(self, weights, progress=lambda text: None):
        self._called()
        if self.parser_failure is not None and weights is not None:
            raise self.parser_failure
        self.parsers.append(weights)
        name = weights.stem if weights else "Shipped"
        return FakeParser(ParserInfo(name, name, "CPU", SIDE, self.licence if weights else ""))

    def faces(self, photo, progress=lambda text: None, cancelled=lambda: False):
        self._called()
        progress("Looking for faces…")
        self.looked += 1
        while not self._open.wait(0.002):
            if cancelled():
                raise CancelledError
        if self.failure is not None:
            raise self.failure
        return self.found

    def portrait(self, photo, alignment, progress=lambda text: None, cancelled=lambda: False):
        self._called()
        progress("Labelling the face…")
        if self.portrait_failure is not None:
            raise self.portrait_failure
        return Portrait(cut_out(photo.pixels, alignment, SIDE), make_labels(SIDE, SIDE), photo.name, photo, alignment)

    def close(self):
        self._called()
        self.closed += 1

    def _called(self):
        self.threads.add(threading.current_thread().name.rsplit("_", 1)[0])


def face_at(x: float, y: float, half: float = 60.0, turn: float = 0.0) -> Face:
    """Return a face by its crop's centre and half side; the turn is in degrees."""
    angle = np.deg2rad(turn)
    return Face(points_in(Alignment((x, y), (half * float(np.cos(angle)), half * float(np.sin(angle))))), 1.0)


def write_photo(folder: Path, name: str = "crowd.png", size=(300, 200), **options) -> Path:
    """Write a photo (width, height) of noise, in which no two crops are alike."""
    width, height = size
    noise = np.random.default_rng(len(name)).integers(0, 256, (height // 10, width // 10, 3), dtype=np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(folder / name, **options)
    return folder / name
