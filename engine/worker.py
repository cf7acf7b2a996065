"""The engine thread: renders the latest request only, and runs other jobs in order.

Requests are whole states, not deltas, so one slot is enough: a request that has not been taken yet is replaced by a
newer one, nothing queues up, and the last request is always rendered.
"""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.types import EngineError, RenderRequest, RenderResult

Job = Callable[[], Any]
Done = Callable[[Any, EngineError | None], None]

LOG = logging.getLogger(__name__)
NICENESS = 15
"""How far the engine's threads stand back, 0..19: they compute with what the interface leaves."""
MEMORY_WORDS = ("out of memory", "allocate memory")
"""Back ends raise all sorts of errors when memory runs out; their texts have these words in common."""


class Worker:
    """A thread that alone touches the engine.

    Parameters
    ----------
    render
        Called on the thread with the latest request.
    deliver
        Called on the thread with each result; must not block.
    """

    def __init__(
        self, render: Callable[[RenderRequest], RenderResult], deliver: Callable[[RenderResult], None]
    ) -> None:
        self._render, self._deliver = render, deliver
        self._wake = threading.Condition()
        self._latest: RenderRequest | None = None
        self._jobs: deque[tuple[Job, Done]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, request: RenderRequest) -> None:
        """Ask for a render; replaces a request that waits. Never blocks for longer than a hand-over."""
        with self._wake:
            self._latest = request
            self._wake.notify()

    def call(self, job: Job, done: Done) -> None:
        """Run ``job`` on the thread, before any waiting render and after jobs asked for earlier.

        ``done`` is then called there with the job's value and None, or None and the error.
        """
        with self._wake:
            self._jobs.append((job, done))
            self._wake.notify()

    def stop(self, timeout: float = 10.0) -> bool:
        """End the thread after what it is doing now; waiting requests and jobs are dropped.

        Returns
        -------
        bool
            Whether it ended within ``timeout`` seconds.
        """
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        _give_way()
        while self._step():
            pass

    def _step(self) -> bool:
        """Wait for something to do, and do it; returns False once the thread is to end.

        A method of its own, so that nothing of what was done is held while the thread waits.
        """
        with self._wake:
            self._wake.wait_for(lambda: self._stopping or self._jobs or self._latest is not None)
            if self._stopping:
                self._jobs.clear()
                self._latest = None
                return False
            work = self._jobs.popleft() if self._jobs else None
            request = None
            if work is None:
                request, self._latest = self._latest, None
        try:
            if work is not None:
                self._do(*work)
            elif request is not None:
                self._serve(request)
        except Exception:  # from whoever is told the outcome: nobody is left to tell, and the thread must go on
            LOG.exception("The outcome of work on the engine thread could not be delivered")
        return True

    def _do(self, job: Job, done: Done) -> None:
        value, failure = None, None
        try:
            value = job()
        except Exception as error:  # the thread must outlive any job
            failure = as_engine_error(error)
        done(value, failure)

    def _serve(self, request: RenderRequest) -> None:
        try:
            result = self._render(request)
        except Exception as error:  # the thread must outlive any request
            result = RenderResult(request, error=as_engine_error(error))
        self._deliver(result)


def _give_way() -> None:
    """Let other threads of the program go first, the interface's above all; the threads begun here inherit that.

    Linux alone knows a thread's own priority by this call; elsewhere all stays as it is.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def as_engine_error(error: Exception) -> EngineError:
    """Return ``error`` itself if it is meant for people, else one that says what happened."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in MEMORY_WORDS):
        return EngineError("There is not enough memory.", "Close other programs, or choose a smaller picture or model.")
    reason = (str(error).strip().splitlines() or [""])[0]
    return EngineError(f"Something unexpected went wrong ({type(error).__name__}: {reason}).", "Try again.")
