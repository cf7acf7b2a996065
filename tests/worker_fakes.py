"""What tests of the engine's thread share: requests, and a place for its results."""

import threading
from collections.abc import Callable

import numpy as np

from engine.progress import Pass
from engine.types import LabelMap, RenderRequest, RenderResult
from engine.worker import Worker
from tests.fakes import WAIT_S

LABELS = np.zeros((4, 4), np.uint8)


def request(revision: int, epoch: int = 0, labels: LabelMap = LABELS) -> RenderRequest:
    return RenderRequest(epoch, revision, labels)


def once(render: Callable[[RenderRequest], RenderResult]) -> Callable[[RenderRequest], list[Pass]]:
    """Return the passes of requests that are rendered in one."""
    return lambda request: [Pass(lambda: render(request))]


class Inbox:
    """Collects what a worker delivers."""

    def __init__(self) -> None:
        self.results: list[RenderResult] = []
        self._news = threading.Condition()

    def __call__(self, result: RenderResult) -> None:
        with self._news:
            self.results.append(result)
            self._news.notify_all()

    @property
    def revisions(self) -> list[int]:
        return [result.request.revision for result in self.results]

    def wait_for(self, revision: int) -> RenderResult:
        with self._news:
            assert self._news.wait_for(lambda: revision in self.revisions, WAIT_S), f"revision {revision} never came"
        return next(result for result in self.results if result.request.revision == revision)


def finish_jobs(worker: Worker) -> None:
    """Wait until the worker has done its jobs and what it was doing before them."""
    done = threading.Event()
    worker.call(lambda: None, lambda value, error: done.set())
    assert done.wait(WAIT_S)
