"""A generator that goes on where a back end gives up: the next one takes over, and the call is made once more."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.choice import Choice, Opened
from engine.generate import Generator, GeneratorInfo, Image
from engine.torch_device import MEMORY_SIGNS, DeviceMemoryError
from engine.types import CancelledError, EngineError, LabelMap, ModelError, Pixels, Region, StyleCode
from engine.worker import MEMORY_WORDS
from models.config import reason_of

LOG = logging.getLogger(__name__)

Value = TypeVar("Value")


class NotFiniteError(ModelError):
    """A network's results hold numbers that are not finite."""

    def __init__(self) -> None:
        super().__init__("The model returned numbers that are not finite.", "Choose another back end or model.")


class SteadyGenerator:
    """Implements `engine.generate.Generator` with whichever of a model's back ends works.

    When an exact call fails or returns numbers that are not finite, the back end is closed, the next one is loaded, and
    the call is repeated there. `info` then names it, and its ``note`` says why. Style codes stay valid, as the model is
    the same. When the last one has failed, the next call starts again with the first.

    Parameters
    ----------
    choice
        The back ends.

    Raises
    ------
    ModelError
        If the weight file cannot be used, or no back end works; the message gives each one's reason.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._lock = threading.Lock()
        self._running = self._cancelled = self._closed = False
        self._opened: Opened | None = None
        self._note = ""
        self._walk = choice.walk()
        self._advance()

    @property
    def info(self) -> GeneratorInfo:
        """See `engine.generate.Generator.info`; another object as soon as another back end is used."""
        opened = self._opened
        if opened is not None and opened.generator.info is not self._told:
            self._told = opened.generator.info
            self._info = self._limited(self._told, opened)
        return self._info

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """See `engine.generate.Generator.encode`."""
        return self._exact(lambda generator: generator.encode(pixels, labels), lambda code: [code.vector])

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """See `engine.generate.Generator.decode`."""
        return self._exact(lambda generator: generator.decode(labels, style, pixels, region), lambda image: [image])

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        """See `engine.generate.Generator.draft`; what fails is for the exact render that follows to deal with."""
        opened = self._opened
        if opened is None or not (opened.drafts if box is None else opened.parts):
            return None
        with self._call():
            return opened.generator.draft(labels, style, pixels, region, box)

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        """See `engine.generate.Generator.decode_styles`."""
        return self._exact(
            lambda generator: generator.decode_styles(labels, styles, pixels, region), lambda images: images
        )

    def cancel(self) -> None:
        """See `engine.generate.Generator.cancel`."""
        with self._lock:
            self._cancelled = self._running
            if self._running and self._opened is not None:
                self._opened.generator.cancel()

    def close(self) -> None:
        """Free the back end; may be called twice."""
        self._closed = True
        self._drop()

    @contextmanager
    def _call(self) -> Iterator[None]:
        with self._lock:
            self._running, self._cancelled = True, False
        try:
            yield
        finally:
            with self._lock:
                self._running = False

    def _exact(
        self, run: Callable[[Generator], Value], numbers: Callable[[Value], Sequence[NDArray[np.float32]]]
    ) -> Value:
        if self._closed:
            raise ModelError("The model is closed.", "Load it again.")
        with self._call():
            if self._opened is None:
                self._walk = self._choice.walk()
                self._advance()
            while True:
                try:
                    return self._tried(run, numbers)
                except CancelledError:
                    raise
                except Exception as error:
                    if self._cancelled:
                        # Nobody waits for what another back end would make of it.
                        raise CancelledError from error
                    if len(self._choice.pairs) == 1:
                        raise
                    failure = error
                self._fall_back(failure)
                if self._cancelled:
                    raise CancelledError

    def _tried(
        self, run: Callable[[Generator], Value], numbers: Callable[[Value], Sequence[NDArray[np.float32]]]
    ) -> Value:
        assert self._opened is not None
        value = run(self._opened.generator)
        if not all(np.isfinite(each).all() for each in numbers(value)):
            raise NotFiniteError
        return value

    def _fall_back(self, failure: Exception) -> None:
        """Let the next back end take over from the one that failed."""
        opened = self._opened
        assert opened is not None
        LOG.warning("%s on %s failed", *opened.pair, exc_info=failure)
        self._choice.note(_reason(failure, opened))
        if opened.pair[1] != "cpu":
            # What ails a graphics card, its driver or its memory, ails all that runs there.
            self._choice.avoid(opened.pair[1])
        # What the error holds of the failed call, its pictures and layers, is in the next one's way.
        failure.__traceback__ = None
        self._drop()
        self._advance()

    def _advance(self) -> None:
        """Open the next back end that works.

        Raises
        ------
        ModelError
            If there is none.
        """
        if (opened := next(self._walk, None)) is not None:
            self._note = "; ".join(self._choice.reasons)
            self._told = opened.generator.info
            self._info = self._limited(self._told, opened)
            with self._lock:
                self._opened = opened
            return
        reasons = "; ".join(self._choice.reasons)
        hint = "Choose another back end or device, or install Maskbrush again."
        if any(words in reasons.lower() for words in (*MEMORY_WORDS, "enough memory")):
            hint = "Close other programs, or choose a smaller picture or model."
        raise ModelError(f"No back end can run this model: {reasons}.", hint)

    def _drop(self) -> None:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            with suppress(Exception):  # what has failed may fail at that as well
                opened.generator.close()

    def _limited(self, info: GeneratorInfo, opened: Opened) -> GeneratorInfo:
        """Return what is known of a back end without the drafts that are not shown, and why it is used."""
        return replace(
            info,
            drafts=info.drafts if opened.drafts else "",
            step=info.step if opened.parts else 0,
            note="; ".join(filter(None, (self._note, info.note))),
        )


def _reason(failure: Exception, opened: Opened) -> str:
    """Put into words why a back end is no longer used."""
    info, text = opened.generator.info, str(failure).lower()
    name = info.backend if opened.pair[1] == "cpu" else f"{info.backend} on {info.device}"
    signs = (*MEMORY_WORDS, *(sign.lower() for sign in MEMORY_SIGNS))
    if isinstance(failure, MemoryError | DeviceMemoryError) or any(sign in text for sign in signs):
        return f"{name} ran out of memory" if opened.pair[1] == "cpu" else "The graphics card ran out of memory"
    if isinstance(failure, NotFiniteError):
        return f"{name} returned numbers that are not finite"
    reason = failure.message.rstrip(".") if isinstance(failure, EngineError) else reason_of(failure)
    return f"{name} failed ({reason})"
