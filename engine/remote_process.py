"""The model's process as seen from this one: starting and ending it, and the memory shared with it."""

import errno
import os
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import connection
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.generate import Image
from engine.remote_host import Call, Failed, Load, Loaded, Method, Pipe, Place, Progress, Told, after, view
from engine.types import LabelMap, Pixels, Region, StyleCode

BOOT = "import sys; sys.path[:] = sys.argv[2:]; from engine.remote_host import main; main(int(sys.argv[1]))"
"""What the model's interpreter runs: it finds the same packages, and knows nothing else of this program."""

WATCH_S = 0.5
"""How often a call that waits looks whether the process lives; its pipe tells sooner, as a rule."""
GRACE_S = 2.0
"""How long the process may take to end by itself."""


class ProcessDiedError(Exception):
    """The model's process is gone; says how it ended."""


class Memory:
    """Shared memory that nothing can leave behind: it has a name only until the other process has opened it.

    Parameters
    ----------
    size
        In bytes.

    Raises
    ------
    MemoryError
        If there is not as much.
    """

    def __init__(self, size: int) -> None:
        self.shared = SharedMemory(create=True, size=size)
        self.close = weakref.finalize(self, self.shared.close)
        self.hide = weakref.finalize(self, self.shared.unlink)
        try:
            _reserve(self.shared)
        except OSError as error:
            self.discard()
            raise MemoryError(f"cannot allocate memory for pictures: {error.strerror}") from error

    def discard(self) -> None:
        """Free it; may be called twice."""
        self.hide()
        self.close()


def _reserve(memory: SharedMemory) -> None:
    """Make sure that all of the memory exists: on Linux, touching what does not would end this process."""
    if sys.platform == "linux":
        with suppress(FileNotFoundError):  # somewhere else than usual
            file = os.open(f"/dev/shm/{memory.name}", os.O_RDWR)
            try:
                os.posix_fallocate(file, 0, memory.size)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise
            finally:
                os.close(file)


class Process:
    """The model's process, what joins it to this one, and what it holds.

    Parameters
    ----------
    load
        Makes the generator there; begun at once.
    """

    def __init__(self, load: Load) -> None:
        self.pipe, theirs = connection.Pipe()
        with theirs:
            self.popen = _spawn(theirs)
        self._end = weakref.finalize(self, _end, self.popen, self.pipe)
        self._sending = threading.Lock()
        self._memory: Memory | None = None
        self._pixels: Pixels | None = None
        self._styles: tuple[StyleCode, ...] = ()
        try:
            self.send(load)
        except OSError:
            pass  # it died at once, as whoever waits for its answer will see
        except BaseException:
            self._end()
            raise

    def send(self, message: object) -> None:
        """Send a message, on any thread; raises OSError if the process is gone."""
        with self._sending:
            self.pipe.send(message)

    def answer(self) -> object:
        """Wait for its next message; raises ProcessDiedError."""
        try:
            while not self.pipe.poll(WATCH_S):
                # It may have answered just before its end.
                if not self.alive and not self.pipe.poll():
                    raise EOFError
            return self.pipe.recv()
        except (EOFError, OSError) as error:
            raise ProcessDiedError(self.ending()) from error

    def ending(self) -> str:
        """End it if need be, and tell in a few words how it ended."""
        if self.alive:
            # Its pipe is closed, which is the last that it does.
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(GRACE_S)
            self.popen.kill()
        return _ending(self.popen.wait())

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.popen.poll() is None

    def loaded(self, progress: Progress) -> Loaded:
        """Wait until the generator is loaded; raises what that raised there, or ProcessDiedError."""
        while True:
            answer = self.answer()
            if isinstance(answer, Failed):
                raise answer.error()
            if isinstance(answer, Loaded):
                return answer
            assert isinstance(answer, Told)
            progress(answer.text)

    def pose(
        self,
        number: int,
        method: Method,
        labels: LabelMap,
        pixels: Pixels,
        region: NDArray[np.float32] | None,
        styles: Sequence[StyleCode],
        box: Region | None,
    ) -> Call:
        """Lay a call's arguments into the shared memory, but for those that the process has from the call before."""
        laid: list[tuple[Place, NDArray]] = []
        end = 0

        def place(array: NDArray) -> Place:
            nonlocal end
            laid.append((Place(end, array.shape, array.dtype.str), array))
            end = after(laid[-1][0])
            return laid[-1][0]

        seen, known = _same(self._pixels, pixels), _same_styles(self._styles, styles)
        asked = place(labels)
        where = None if region is None else place(region)
        shown = None if seen else place(pixels)
        codes = None if known else tuple((place(style.vector), style.model_id) for style in styles)
        results = end
        for _ in styles:
            end = after(Place(end, (*labels.shape, 3), "f4"))
        memory = self._room(end)
        for spot, array in laid:
            view(memory, spot)[...] = array
        # Copies: whoever called may write to theirs.
        if not seen:
            self._pixels = pixels.copy()
        if not known:
            self._styles = tuple(StyleCode(style.vector.copy(), style.model_id) for style in styles)
        return Call(number, method, memory.name, asked, shown, where, codes, box, results)

    def heard(self) -> None:
        """Take note that it has answered a call: it has opened the memory, which needs no name any more."""
        if self._memory is not None:
            self._memory.hide()

    def image(self, place: Place) -> Image:
        """Copy a picture out of the shared memory."""
        assert self._memory is not None
        return view(self._memory.shared, place).copy()

    def forget(self) -> None:
        """Assume no more that it holds anything."""
        self._pixels, self._styles = None, ()
        if self._memory is not None:
            self._memory.discard()
            self._memory = None

    def stop(self) -> None:
        """Let it end, or end it; may be called twice."""
        self.forget()
        self._end()

    def _room(self, size: int) -> SharedMemory:
        if self._memory is None or self._memory.shared.size < size:
            if self._memory is not None:
                self._memory.discard()
                self._memory = None
            self._memory = Memory(size)
        return self._memory.shared


def _spawn(pipe: Pipe) -> subprocess.Popen[bytes]:
    """Start an interpreter that has this end of a pipe, and nothing else of this process."""
    handle = pipe.fileno()
    # The empty entry means the working folder, which may change.
    paths = [path or str(Path.cwd()) for path in sys.path]
    start = partial(
        subprocess.Popen,
        [sys.executable, "-P", "-c", BOOT, str(handle), *paths],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        return start(
            startupinfo=subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]}),
            creationflags=subprocess.CREATE_NO_WINDOW | subprocess.BELOW_NORMAL_PRIORITY_CLASS,
        )
    with _without_interrupts():
        return start(pass_fds=(handle,))


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Hold SIGINT back from this thread, and so from a process that it starts, until that one ignores it itself."""
    if sys.platform == "win32":  # where it does not reach a process without a window
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(popen: subprocess.Popen[bytes], pipe: Pipe) -> None:
    with suppress(OSError):
        pipe.send(None)
    try:
        popen.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        popen.kill()
        popen.wait()
    pipe.close()


def _ending(status: int) -> str:
    """Tell in a few words how a process ended, by its exit status."""
    if status >= 0:
        return f"exit status {status:#x}" if status > 255 else f"exit status {status}"
    with suppress(ValueError):
        return f"ended by {signal.Signals(-status).name}"
    return f"ended by signal {-status}"


def _same(known: NDArray | None, array: NDArray) -> bool:
    return known is not None and known.dtype == array.dtype and np.array_equal(known, array)


def _same_styles(known: Sequence[StyleCode], styles: Sequence[StyleCode]) -> bool:
    """Tell whether styles are those known; none are needed for a call without any."""
    if not styles:
        return True
    return len(known) == len(styles) and all(
        old.model_id == new.model_id and _same(old.vector, new.vector) for old, new in zip(known, styles, strict=True)
    )
