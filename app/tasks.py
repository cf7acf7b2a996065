"""Work away from the interface's thread, with its outcome brought back to it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from engine.types import EngineError
from engine.worker import as_engine_error

Outcome = Callable[[Any, EngineError | None], None]


class Tasks(QObject):
    """A small pool for disk work, one thread for photos, and the way back to the interface's thread."""

    _ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._disk = ThreadPoolExecutor(max_workers=2, thread_name_prefix="disk")
        # One thread: the networks that look at photos belong to it, and jobs are done in turn.
        self._photo = ThreadPoolExecutor(max_workers=1, thread_name_prefix="photo")
        self._pending = 0
        self.stopped = False
        """Whether the threads have ended."""
        # Queued whatever thread emits, so that an outcome never arrives in the middle of other work.
        self._ready.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def pending(self) -> int:
        """How many jobs have not been heard of yet."""
        return self._pending

    def run(self, job: Callable[[], Any], done: Outcome) -> None:
        """Run disk work, then ``done(value, None)`` or ``done(None, error)`` on the interface's thread."""
        self._submit(self._disk, job, done)

    def run_photo(self, job: Callable[[], Any], done: Outcome) -> None:
        """Run ``job`` on the photo thread, after those asked for earlier; ``done`` as for `run`."""
        self._submit(self._photo, job, done)

    def _submit(self, pool: ThreadPoolExecutor, job: Callable[[], Any], done: Outcome) -> None:
        back = self.expect(done)

        def finished(future: Future) -> None:
            error = future.exception()
            if error is None:
                back(future.result(), None)
            else:
                back(None, as_engine_error(error) if isinstance(error, Exception) else EngineError(str(error)))

        pool.submit(job).add_done_callback(finished)

    def expect(self, done: Outcome) -> Outcome:
        """Return a function for another thread to call once, which calls ``done`` on the interface's thread."""
        self._pending += 1

        def back(value: Any, error: EngineError | None) -> None:
            self._ready.emit((done, value, error))

        return back

    def stop(self) -> None:
        """Finish what runs and end the pools' threads."""
        self._photo.shutdown(wait=True)
        self._disk.shutdown(wait=True)
        self.stopped = True

    @Slot(object)
    def _deliver(self, outcome: tuple[Outcome, Any, EngineError | None]) -> None:
        self._pending -= 1
        done, value, error = outcome
        done(value, error)
