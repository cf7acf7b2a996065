"""Work that may be done beforehand, in idle moments."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOG = logging.getLogger(__name__)

QUIET_S = 0.25
"""What may be needed later is made ready once nothing has been asked for so long."""


class Idle:
    """Does one thing after another on a thread of its own, in moments when nothing else is asked for.

    Parameters
    ----------
    jobs
        What to do first; must not hold on to whoever has made this and is to end it.
    """

    def __init__(self, jobs: Iterator[Callable[[], object]]) -> None:
        self._jobs = deque(jobs)
        self._wake = threading.Condition()
        self._busy = self._closed = False
        self._since = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="idle", daemon=True)
        self._thread.start()

    def add(self, job: Callable[[], object]) -> None:
        """Put something to the end."""
        with self._wake:
            self._jobs.append(job)
            self._wake.notify()

    @contextmanager
    def disturbed(self) -> Iterator[None]:
        """Begin nothing until the block has been left for `QUIET_S`."""
        with self._wake:
            self._busy = True
        try:
            yield
        finally:
            with self._wake:
                self._busy, self._since = False, time.monotonic()
                self._wake.notify()

    def close(self) -> None:
        """End it after what it is doing; may be called twice."""
        with self._wake:
            self._closed = True
            self._jobs.clear()
            self._wake.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:  # whoever needs it will meet the same failure, and tell of it
                LOG.debug("Something could not be made ready beforehand", exc_info=True)

    def _next(self) -> Callable[[], object] | None:
        """Wait for something to do and the time to do it; None if that is no more."""
        with self._wake:
            while not self._closed:
                left = self._since + QUIET_S - time.monotonic()
                if self._jobs and not self._busy and left <= 0:
                    return self._jobs.popleft()
                self._wake.wait(left if self._jobs and not self._busy else None)
            return None
