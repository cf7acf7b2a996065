"""The engine thread: renders the latest request only, and runs other jobs in order.

Requests are whole states, not deltas, so one slot is enough: a request that has not been taken yet is replaced by a
newer one, nothing queues up, and the last request is always rendered.

A request is rendered in passes: first what shows the hand that it is heard, then what refines it. A newer request takes
the place of what is still to be refined, so something of each request that was taken is shown, and all of the last.
"""

import logging
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from engine.progress import Pass
from engine.types import CancelledError, EngineError, RenderRequest, RenderResult

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
    passes
        Called on the thread with the latest request; iterated and run there too.
    deliver
        Called on the thread with each result; must not block.
    cancel
        Called on any thread to end a pass that runs, with CancelledError; must not block.
    """

    def __init__(
        self,
        passes: Callable[[RenderRequest], Iterable[Pass]],
        deliver: Callable[[RenderResult], None],
        cancel: Callable[[], None] = lambda: None,
    ) -> None:
        self._passes, self._deliver, self._cancel = passes, deliver, cancel
        self._wake = threading.Condition()
        self._latest: RenderRequest | None = None
        self._running: tuple[RenderRequest, Pass] | None = None
        self._jobs: deque[tuple[Job, Done]] = deque()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    def submit(self, request: RenderRequest) -> None:
        """Ask for a render; replaces a request that waits. Never blocks for longer than a hand-over.

        A slow pass that only refines an earlier request, or renders for another epoch, is cancelled.
        """
        with self._wake:
            self._latest = request
            if self._running is not None:
                earlier, each = self._running
                stale = earlier.epoch != request.epoch
                if each.slow and (stale or (each.optional and not earlier.same_state(request))):
                    self._interrupt()
            self._wake.notify()

    def call(self, job: Job, done: Done) -> None:
        """Run ``job`` on the thread, before any waiting render and after jobs asked for earlier.

        ``done`` is then called there with the job's value and None, or None and the error.
        """
        with self._wake:
            self._jobs.append((job, done))
            self._wake.notify()

    def stop(self, timeout: float = 10.0) -> bool:
        """End the thread after what it is doing now; waiting requests and jobs are dropped, slow passes cancelled.

        Returns
        -------
        bool
            Whether it ended within ``timeout`` seconds.
        """
        with self._wake:
            self._stopping = True
            if self._running is not None and self._running[1].slow:
                self._interrupt()
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
        for result in self._results(request):
            self._deliver(result)

    def _results(self, request: RenderRequest) -> Iterator[RenderResult]:
        try:
            for each in self._passes(request):
                if not self._begin(request, each):
                    return
                try:
                    result = each.render()
                finally:
                    with self._wake:
                        self._running = None
                if result is not None:
                    yield result
        except CancelledError as error:
            if not self._superseded():
                # Nobody asked for that, and nothing else would tell that there is no picture.
                yield RenderResult(request, error=error)
        except Exception as error:  # the thread must outlive any request
            yield RenderResult(request, error=as_engine_error(error))

    def _begin(self, request: RenderRequest, each: Pass) -> bool:
        """Wait as long as a pass wants to, and mark it as running; False if it is to be left out."""
        with self._wake:
            if each.optional:
                self._wake.wait_for(lambda: self._stopping or self._jobs or self._latest is not None, each.wait)
                if self._stopping or self._latest is not None:
                    return False
                if self._jobs:
                    # Jobs come first, and then what is left of this.
                    self._latest = request
                    return False
            self._running = request, each
            return True

    def _superseded(self) -> bool:
        with self._wake:
            return self._stopping or self._latest is not None

    def _interrupt(self) -> None:
        """Cancel the pass that runs; with the lock held, so that it cannot end and a job begin meanwhile."""
        self._running = None
        self._cancel()


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
