"""A generator in a process of its own, behind the same interface as any other.

Importing a network's libraries and exporting a model hold the interpreter's lock for long: in the process of the window
that would be seen. Here only small messages and copies remain. If the process dies, out of memory or in a driver, the
call that waits for it fails, and the next one starts it anew.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import Backend, Device, Generator, GeneratorInfo, Image, load_generator
from engine.remote_host import Cancel, Done, Failed, Load, Method, Progress
from engine.remote_process import Process, ProcessDiedError
from engine.types import CancelledError, LabelMap, ModelError, Pixels, Region, StyleCode

DEATHS, DEATHS_WITHIN_S = 3, 60.0
"""After so many deaths in so many seconds the process is not started again until some time has passed."""

LOST = "The model's process ended unexpectedly"


class RemoteGenerator:
    """A generator in a process of its own; implements `engine.generate.Generator`.

    Parameters
    ----------
    load
        Makes the generator, there.
    progress
        Told in a few words what takes long while it is loaded for the first time.
    process
        One that loads the same already.

    Raises
    ------
    EngineError
        What loading raised, or ModelError if the process ended meanwhile.
    """

    def __init__(self, load: Load, progress: Progress = lambda text: None, process: Process | None = None) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._number = self._running = self._cancelled = 0
        self._deaths: list[float] = []
        self._closed = False
        self._process: Process | None = None
        self._process = self._started(progress, process)

    @property
    def info(self) -> GeneratorInfo:
        """See `engine.generate.Generator.info`."""
        return self._info

    @property
    def pid(self) -> int | None:
        """The process's id; None while there is none."""
        return None if self._process is None else self._process.popen.pid

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """See `engine.generate.Generator.encode`."""
        value = self._call("encode", labels, pixels)
        assert isinstance(value, StyleCode)
        return value

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """See `engine.generate.Generator.decode`."""
        value = self._call("decode", labels, pixels, region, (style,))
        assert isinstance(value, list)
        return value[0]

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        """See `engine.generate.Generator.draft`."""
        value = self._call("draft", labels, pixels, region, (style,), box)
        return value[0] if isinstance(value, list) else None

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        """See `engine.generate.Generator.decode_styles`."""
        if not styles:
            return []
        value = self._call("decode_styles", labels, pixels, region, styles)
        assert isinstance(value, list)
        return value

    def cancel(self) -> None:
        """See `engine.generate.Generator.cancel`."""
        with self._lock:
            if not self._running:
                return
            self._cancelled = self._running
            if self._process is not None:
                with suppress(OSError):
                    self._process.send(Cancel(self._running))

    def close(self) -> None:
        """End the process; may be called twice."""
        self._closed = True
        self._drop()

    def _call(
        self,
        method: Method,
        labels: LabelMap,
        pixels: Pixels,
        region: NDArray[np.float32] | None = None,
        styles: Sequence[StyleCode] = (),
        box: Region | None = None,
    ) -> StyleCode | list[Image] | None:
        if self._closed:
            raise ModelError("The model is closed.", "Load it again.")
        with self._lock:
            self._number += 1
            self._running = number = self._number
        try:
            process = self._ready()
            call = process.pose(number, method, labels, pixels, region, styles, box)
            with self._lock:
                if self._cancelled == number:
                    process.forget()
                    raise CancelledError
            with suppress(OSError):
                process.send(call)
            answer = process.answer()
            assert isinstance(answer, Done | Failed)
            process.heard()
            self._info = answer.info or self._info
            if isinstance(answer, Failed):
                if not issubclass(answer.kind, CancelledError):
                    process.forget()
                raise answer.error()
            if isinstance(answer.value, tuple):
                return [process.image(place) for place in answer.value]
            return answer.value
        except ProcessDiedError as error:
            raise self._died(error) from error
        finally:
            with self._lock:
                self._running = 0

    def _ready(self) -> Process:
        """Return the process, started anew if it has died."""
        if self._process is not None and not self._process.alive:
            # While nothing was asked of it: nothing is lost, so nobody needs to know.
            self._died(ProcessDiedError(self._process.ending()))
        if self._process is None:
            recent = [when for when in self._deaths if time.monotonic() - when < DEATHS_WITHIN_S]
            if len(recent) >= DEATHS:
                raise ModelError(
                    f"The model's process ended unexpectedly {DEATHS} times within a minute.",
                    "Choose another back end, device or model, or close other programs and try again in a minute.",
                )
            self._deaths = recent
            self._process = self._started(lambda text: None)
        return self._process

    def _started(self, progress: Progress, process: Process | None = None) -> Process:
        """Wait until a process has loaded the generator."""
        process = process or Process(self._load)
        try:
            loaded = process.loaded(progress)
            if loaded.spent:
                # Once: what is needed each time would be there again.
                process.stop()
                process = Process(self._load)
                loaded = process.loaded(progress)
        except ProcessDiedError as error:
            process.stop()
            raise self._died(error) from error
        except BaseException:
            process.stop()
            raise
        self._info = loaded.info
        return process

    def _died(self, error: ProcessDiedError) -> ModelError:
        """Clear up after a process that died, and put it into words."""
        self._drop()
        self._deaths.append(time.monotonic())
        return ModelError(
            f"{LOST} ({error}).", "Try again; if it happens often, close other programs or choose another back end."
        )

    def _drop(self) -> None:
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.stop()


class _Prepared:
    """The process that was started before it was asked for, if there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: tuple[tuple[object, ...], Process] | None = None

    def put(self, key: tuple[object, ...], process: Process | None) -> None:
        """Keep a process, or none; the one kept before is ended."""
        with self._lock:
            held, self._held = self._held, None if process is None else (key, process)
        if held is not None:
            held[1].stop()

    def take(self, key: tuple[object, ...]) -> Process | None:
        """Hand out the process if it is for this; another one is ended."""
        with self._lock:
            held, self._held = self._held, None
        if held is None or held[0] == key:
            return None if held is None else held[1]
        held[1].stop()
        return None


_prepared = _Prepared()


def _key(weights: Path, backend: Backend, device: Device) -> tuple[object, ...]:
    # Absolute, as the process may be started anew when the working folder is another one.
    return weights.absolute(), backend, device


def prepare(weights: Path, backend: Backend = "auto", device: Device = "auto") -> None:
    """Begin to load what `load_remotely` is going to be asked for, and do not wait: errors come then.

    Parameters
    ----------
    weights, backend, device
        As for `engine.generate.load_generator`.
    """
    key = _key(weights, backend, device)
    _prepared.put(key, Process(partial(load_generator, *key)))


def load_remotely(
    weights: Path,
    backend: Backend = "auto",
    device: Device = "auto",
    progress: Progress = lambda text: None,
) -> Generator:
    """Load a generator as `engine.generate.load_generator` does, in a process of its own.

    Parameters
    ----------
    weights, backend, device, progress
        As there.

    Raises
    ------
    ModelError
        As there, and if the process ends meanwhile.
    """
    key = _key(weights, backend, device)
    return RemoteGenerator(partial(load_generator, *key), progress, _prepared.take(key))
