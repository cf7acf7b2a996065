"""The model's process: hosts a generator for `engine.remote`, and the words in which the two processes talk.

One pipe joins them, both ways. Small messages go through it; pictures, masks and large codes lie in shared memory, of
which the messages tell the places. The process ends when the pipe does, however that came about.
"""

import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import connection, resource_tracker
from multiprocessing.shared_memory import SharedMemory
from typing import Literal, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from engine.generate import Generator, GeneratorInfo, Image
from engine.types import CancelledError, EngineError, LabelMap, Pixels, Region, StyleCode
from engine.worker import NICENESS, as_engine_error

LOG = logging.getLogger(__name__)

if sys.platform == "win32":
    Pipe: TypeAlias = connection.PipeConnection
else:
    Pipe: TypeAlias = connection.Connection

Method = Literal["encode", "decode", "draft", "decode_styles"]
Progress = Callable[[str], None]

LIBRARIES = {"torch": "PyTorch", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
"""What takes much memory once it is imported, and the name of its back end."""

ALIGNMENT = 64
"""Arrays in shared memory begin at multiples of so many bytes: a cache line."""


class Load(Protocol):
    """Makes the generator, in the model's process: it travels there by its name and arguments (`pickle`)."""

    def __call__(self, *, progress: Progress) -> Generator:
        """Return a new generator; ``progress`` is told in a few words what takes long."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an array lies in shared memory: its offset in bytes, its shape, and its dtype as numpy writes it."""

    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Call:
    """Asks for a call of one of the generator's methods.

    Attributes
    ----------
    number
        Rises with each call.
    method
        Which one.
    memory
        The name of the shared memory.
    labels, region
        Where these arguments lie; no region for `Generator.encode`.
    pixels, styles
        The same; None for those of the call before. Each style comes with its model's id.
    box
        The part asked of `Generator.draft`.
    results
        The offset from which on the pictures go.
    """

    number: int
    method: Method
    memory: str
    labels: Place
    pixels: Place | None
    region: Place | None
    styles: tuple[tuple[Place, str], ...] | None
    box: Region | None
    results: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Asks a call to end soon: the one of this number, and no other."""

    number: int


@dataclass(frozen=True, slots=True)
class Told:
    """A word on the progress of loading."""

    text: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The generator is ready.

    Attributes
    ----------
    info
        What is known of it.
    spent
        Whether memory is taken up by what was needed once only: a fresh process would do with far less.
    """

    info: GeneratorInfo
    spent: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What a call returned.

    Attributes
    ----------
    value
        A style code, or the places of the pictures; None where there is nothing quicker.
    info
        What is known of the generator now; None if that is what was told last.
    """

    value: StyleCode | tuple[Place, ...] | None
    info: GeneratorInfo | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """What loading or a call raised; ``info`` as for `Done`."""

    kind: type[EngineError]
    message: str
    hint: str
    info: GeneratorInfo | None = None

    @classmethod
    def of(cls, error: Exception) -> "Failed":
        """Describe an exception; one that was not meant for people becomes what `as_engine_error` makes of it."""
        meant = as_engine_error(error)
        return cls(type(meant), meant.message, meant.hint)

    def error(self) -> EngineError:
        """Return the exception anew."""
        # Not by its class's own arguments: they need not be a message and a hint.
        error = self.kind.__new__(self.kind)
        EngineError.__init__(error, self.message, self.hint)
        return error


def view(memory: SharedMemory, place: Place) -> NDArray:
    """Return an array as it lies in shared memory, which cannot be closed before the array is gone."""
    return np.ndarray(place.shape, place.dtype, memory.buf, place.offset)


def after(place: Place) -> int:
    """Return the first offset behind an array at which another one may begin."""
    end = place.offset + int(np.prod(place.shape)) * np.dtype(place.dtype).itemsize
    return -(-end // ALIGNMENT) * ALIGNMENT


class Host:
    """Loads a generator and does what is asked of it, in turn; a thread listens meanwhile.

    Parameters
    ----------
    pipe
        The way to the process that asks.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._sending, self._lock = threading.Lock(), threading.Lock()
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._running = self._cancelled = 0
        self._generator: Generator | None = None
        self._info: GeneratorInfo | None = None
        self._memory: SharedMemory | None = None
        self._pixels: Pixels | None = None
        self._styles: tuple[StyleCode, ...] = ()

    def run(self) -> None:
        """Serve until the other process says that it is enough, or loading fails."""
        try:
            load = cast(Load, self._pipe.recv())
            threading.Thread(target=self._listen, name="listener", daemon=True).start()
            told: list[str] = []

            def tell(text: str) -> None:
                told.append(text)
                self._send(Told(text))

            generator = load(progress=tell)
        except Exception as error:  # as the other process would see it
            self._send(Failed.of(error))
            return
        self._generator, self._info = generator, generator.info
        # What is told of is done once: making graphs, or trying which library is the fastest.
        unused = any(name in sys.modules and title != self._info.backend for name, title in LIBRARIES.items())
        self._send(Loaded(self._info, bool(told) and unused))
        while (call := self._calls.get()) is not None:
            answer = self._answer(call, generator)
            if generator.info != self._info:
                self._info = generator.info
                answer = replace(answer, info=self._info)
            self._send(answer)
        generator.close()

    def _listen(self) -> None:
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                # Nobody is left to compute for, whatever is being computed.
                os._exit(1)
            if isinstance(message, Cancel):
                self._cancel(message.number)
                continue
            if message is None and self._generator is None:
                os._exit(0)  # loading cannot be interrupted otherwise
            self._calls.put(cast("Call | None", message))

    def _cancel(self, number: int) -> None:
        with self._lock:
            self._cancelled = number
            if self._running != number or self._generator is None:
                return
            try:
                self._generator.cancel()
            except Exception:  # the listener must go on: it is what notices that the other process is gone
                LOG.exception("A render could not be cancelled")

    def _send(self, message: object) -> None:
        with self._sending:
            self._pipe.send(message)

    def _answer(self, call: Call, generator: Generator) -> Done | Failed:
        try:
            # Also for a call that is cancelled already: the next one may build upon what came with it.
            labels, region = self._receive(call)
            with self._lock:
                if self._cancelled == call.number:
                    raise CancelledError
                self._running = call.number
            try:
                value = self._perform(call, generator, labels, region)
            finally:
                with self._lock:
                    self._running = 0
            if value is None or isinstance(value, StyleCode):
                return Done(value)
            return Done(self._put(value, call.results))
        except Exception as error:  # as the other process would see it
            return Failed.of(error)

    def _receive(self, call: Call) -> tuple[LabelMap, NDArray[np.float32]]:
        """Take a call's arguments over: copies, as the generator may keep them, and the memory is used again."""
        if self._memory is None or self._memory.name != call.memory:
            if self._memory is not None:
                self._memory.close()
                self._memory = None
            self._memory = attached(call.memory)
        memory = self._memory
        if call.pixels is not None:
            self._pixels = view(memory, call.pixels).copy()
        if call.styles is not None:
            self._styles = tuple(StyleCode(view(memory, place).copy(), known) for place, known in call.styles)
        labels = view(memory, call.labels).copy()
        region = np.empty((0, 0), np.float32) if call.region is None else view(memory, call.region).copy()
        return labels, region

    def _perform(
        self, call: Call, generator: Generator, labels: LabelMap, region: NDArray[np.float32]
    ) -> StyleCode | list[Image] | None:
        pixels = self._pixels
        assert pixels is not None
        if call.method == "encode":
            return generator.encode(pixels, labels)
        if call.method == "decode_styles":
            return generator.decode_styles(labels, self._styles, pixels, region)
        (style,) = self._styles
        if call.method == "decode":
            return [generator.decode(labels, style, pixels, region)]
        image = generator.draft(labels, style, pixels, region, call.box)
        return None if image is None else [image]

    def _put(self, images: list[Image], offset: int) -> tuple[Place, ...]:
        """Lay pictures into the shared memory."""
        assert self._memory is not None
        places: list[Place] = []
        for image in images:
            place = Place(offset, image.shape, "<f4" if sys.byteorder == "little" else ">f4")
            view(self._memory, place)[...] = image
            places.append(place)
            offset = after(place)
        return tuple(places)


def attached(name: str) -> SharedMemory:
    """Open shared memory that another process owns.

    Raises
    ------
    OSError
        If there is none of this name.
    """
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    # Before Python 3.13 a tracker of this process's own would be told, which would unlink the memory in the end.
    register = resource_tracker.register
    resource_tracker.register = lambda name, rtype: None
    try:
        return SharedMemory(name)
    finally:
        resource_tracker.register = register


def main(handle: int) -> None:
    """Serve the process at the other end of an inherited pipe, then end this one.

    Parameters
    ----------
    handle
        The pipe's file descriptor; on Windows its handle.
    """
    # Ctrl-C in a terminal reaches both processes: the other one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.name == "posix":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with suppress(OSError):  # the other process is gone
        Host(Pipe(handle)).run()
    # At once: libraries of drivers tend to take long over their own end, or to crash in it.
    os._exit(0)
