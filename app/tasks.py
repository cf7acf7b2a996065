"""Work away from the interface's thread, with its outcome brought back to it."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from engine.types import EngineError
from engine.worker import as_engine_error

Outcome = Callable[[Any, EngineError | None], None]


class Tasks(QObject):
    """A small pool for disk work, and the way back to the interface's thread for other threads."""

    _ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="disk")
        self._pending = 0
        # Queued whatever thread emits, so that an outcome never arrives in the middle of other work.
        self._ready.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    @property
    def pending(self) -> int:
        """How many jobs have not been heard of yet."""
        return self._pending

    def run(self, job: Callable[[], Any], done: Outcome) -> None:
        """Run ``job`` in the pool, then ``done(value, None)`` or ``done(None, error)`` on the interface's thread."""
        back = self.expect(done)

        def finished(future: Future) -> None:
            error = future.exception()
            if error is None:
                back(future.result(), None)
            else:
                back(None, as_engine_error(error) if isinstance(error, Exception) else EngineError(str(error)))

        self._pool.submit(job).add_done_callback(finished)

    def expect(self, done: Outcome) -> Outcome:
        """Return a function for another thread to call once, which calls ``done`` on the interface's thread."""
        self._pending += 1

        def back(value: Any, error: EngineError | None) -> None:
            self._ready.emit((done, value, error))

        return back

    def stop(self) -> None:
        """Finish what runs and end the pool's threads."""
        self._pool.shutdown(wait=True)

    @Slot(object)
    def _deliver(self, outcome: tuple[Outcome, Any, EngineError | None]) -> None:
        self._pending -= 1
        done, value, error = outcome
        done(value, error)
