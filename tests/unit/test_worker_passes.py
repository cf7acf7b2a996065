"""Requests that the engine's thread renders in several passes: what is left out, cancelled and made up for."""

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.progress import Pass
from engine.types import CancelledError, ModelError, RenderRequest, RenderResult
from engine.worker import Worker
from tests.fakes import WAIT_S
from tests.worker_fakes import LABELS, Inbox, finish_jobs, once, request


class Stage:
    """A pass that waits for the test, and can be cancelled."""

    def __init__(self, gated: bool = False, draft: bool = False, **options) -> None:
        self.options, self.draft = options, draft
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0 if gated else 1)
        self.cancelled = False

    def of(self, request: RenderRequest) -> Pass:
        def render() -> RenderResult:
            self.entered.release()
            assert self.gate.acquire(timeout=WAIT_S)
            if self.cancelled:
                raise CancelledError
            return RenderResult(request, draft=self.draft)

        return Pass(render, **self.options)

    def wait(self) -> None:
        assert self.entered.acquire(timeout=WAIT_S), "the pass did not begin"

    @property
    def begun(self) -> bool:
        return self.entered.acquire(blocking=False)

    def cancel(self) -> None:
        self.cancelled = True
        self.gate.release()


class Staged:
    """A worker whose requests are rendered in the passes that the test gives, by their revision."""

    def __init__(self, stages: dict[int, list[Stage]]) -> None:
        self.inbox, self.cancels = Inbox(), 0
        self._stages = stages
        self.worker = Worker(self._passes, self.inbox, self._cancel)
        self._running: Stage | None = None

    def _passes(self, request: RenderRequest) -> Iterator[Pass]:
        for stage in self._stages[request.revision]:
            self._running = stage
            yield stage.of(request)

    def _cancel(self) -> None:
        self.cancels += 1
        assert self._running is not None
        self._running.cancel()

    def stop(self) -> None:
        assert self.worker.stop()

    @property
    def delivered(self) -> list[tuple[int, str]]:
        return [(result.request.revision, "draft" if result.draft else "exact") for result in self.inbox.results]


def rest(**options) -> Stage:
    """Return a refining pass: what a draft is followed by."""
    return Stage(optional=True, **options)


OTHER = np.ones((4, 4), np.uint8)


@pytest.fixture
def staged() -> Iterator[Callable[[dict[int, list[Stage]]], Staged]]:
    made: list[Staged] = []

    def make(stages: dict[int, list[Stage]]) -> Staged:
        made.append(Staged(stages))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def test_passes_run_in_turn_and_each_is_delivered(staged) -> None:
    exact = rest(gated=True)
    engine = staged({1: [Stage(draft=True), exact]})
    engine.worker.submit(request(1))
    exact.wait()
    assert engine.delivered == [(1, "draft")]
    exact.gate.release()
    finish_jobs(engine.worker)
    assert engine.delivered == [(1, "draft"), (1, "exact")]


def test_a_pass_without_a_result_delivers_nothing() -> None:
    inbox = Inbox()
    worker = Worker(lambda request: [Pass(lambda: None), Pass(lambda: RenderResult(request))], inbox)
    worker.submit(request(1))
    finish_jobs(worker)
    assert inbox.revisions == [1] and worker.stop()


def test_a_draft_is_always_delivered_and_only_refinement_is_left_out(staged) -> None:
    first, left_out = Stage(gated=True, draft=True), rest()
    engine = staged({1: [first, left_out], 2: [Stage(draft=True), rest()]})
    engine.worker.submit(request(1))
    first.wait()
    engine.worker.submit(request(2, labels=OTHER))
    first.gate.release()
    engine.inbox.wait_for(2)
    finish_jobs(engine.worker)
    assert engine.delivered == [(1, "draft"), (2, "draft"), (2, "exact")]
    assert not left_out.begun


def test_the_pause_ends_at_once_for_a_newer_request_and_never_for_none(staged) -> None:
    resting = rest(wait=100 * WAIT_S)
    engine = staged({1: [Stage(draft=True), resting], 2: [Stage(draft=True), rest(wait=0.001)]})
    engine.worker.submit(request(1))
    engine.inbox.wait_for(1)
    engine.worker.submit(request(2))
    engine.inbox.wait_for(2)
    exact = threading.Event()
    while engine.delivered[-1] != (2, "exact"):
        assert not exact.wait(0.001)
    assert engine.delivered == [(1, "draft"), (2, "draft"), (2, "exact")]
    assert not resting.begun


def test_a_job_interrupts_the_pause_and_the_rest_is_made_up_for(staged) -> None:
    stages = [Stage(draft=True), rest(wait=100 * WAIT_S)]
    engine = staged({1: stages})
    engine.worker.submit(request(1))
    engine.inbox.wait_for(1)
    stages[:] = [rest()]
    finish_jobs(engine.worker)
    finish_jobs(engine.worker)
    assert engine.delivered == [(1, "draft"), (1, "exact")]


def test_a_slow_refinement_is_cancelled_for_a_newer_request_which_is_no_error(staged) -> None:
    exact = rest(gated=True, slow=True)
    engine = staged({1: [Stage(draft=True), exact], 2: [Stage(draft=True), rest(slow=True)]})
    engine.worker.submit(request(1))
    exact.wait()
    engine.worker.submit(request(2, labels=OTHER))
    engine.inbox.wait_for(2)
    finish_jobs(engine.worker)
    assert engine.delivered == [(1, "draft"), (2, "draft"), (2, "exact")]
    assert engine.cancels == 1 and all(result.error is None for result in engine.inbox.results)


@pytest.mark.parametrize(
    ("exact", "newer"),
    [
        (rest(gated=True), request(2, labels=OTHER)),  # a fast one
        (Stage(gated=True, slow=True), request(2, labels=OTHER)),  # the only one: nothing would be shown
        (rest(gated=True, slow=True), request(2)),  # the same state is asked for
    ],
    ids=["fast", "only one", "same state"],
)
def test_what_is_not_cancelled(staged, exact: Stage, newer: RenderRequest) -> None:
    engine = staged({1: [Stage(draft=True), exact], 2: [Stage()]})
    engine.worker.submit(request(1))
    exact.wait()
    engine.worker.submit(newer)
    assert engine.cancels == 0
    exact.gate.release()
    engine.inbox.wait_for(2)
    assert engine.delivered == [(1, "draft"), (1, "exact"), (2, "exact")]


def test_a_slow_render_of_another_epoch_is_cancelled_even_if_it_is_the_only_one(staged) -> None:
    stale = Stage(gated=True, slow=True)
    engine = staged({1: [stale], 2: [Stage()]})
    engine.worker.submit(request(1))
    stale.wait()
    engine.worker.submit(request(2, epoch=1))
    engine.inbox.wait_for(2)
    assert engine.delivered == [(2, "exact")] and engine.cancels == 1


def test_jobs_are_never_cancelled(staged) -> None:
    entered, gate, ended = threading.Event(), threading.Event(), []
    engine = staged({1: [Stage(slow=True)]})

    def job() -> None:
        entered.set()
        assert gate.wait(WAIT_S)
        ended.append(1)

    engine.worker.call(job, lambda value, error: None)
    assert entered.wait(WAIT_S)
    engine.worker.submit(request(1))
    gate.set()
    engine.inbox.wait_for(1)
    assert engine.cancels == 0 and ended == [1]


def test_stopping_cancels_a_slow_pass() -> None:
    exact = Stage(gated=True, slow=True)
    engine = Staged({1: [exact]})
    engine.worker.submit(request(1))
    exact.wait()
    engine.stop()
    assert engine.cancels == 1 and engine.delivered == []


def test_a_render_that_is_cancelled_though_nobody_asked_is_an_error() -> None:
    def cancelled(request: RenderRequest) -> RenderResult:
        raise CancelledError

    inbox = Inbox()
    worker = Worker(once(cancelled), inbox)
    worker.submit(request(1))
    assert isinstance(inbox.wait_for(1).error, CancelledError) and worker.stop()


def test_an_error_ends_a_request_and_drops_its_other_passes() -> None:
    inbox, second = Inbox(), rest()

    def passes(request: RenderRequest) -> Iterator[Pass]:
        def fail() -> RenderResult:
            raise ModelError("No.", "Do.")

        yield Pass(fail)
        yield second.of(request)

    worker = Worker(passes, inbox)
    worker.submit(request(1))
    assert isinstance(inbox.wait_for(1).error, ModelError)
    finish_jobs(worker)
    assert not second.begun and worker.stop()


def test_passes_that_cannot_be_planned_are_an_error() -> None:
    def passes(request: RenderRequest) -> Iterator[Pass]:
        raise ModelError("No.", "Do.")
        yield

    inbox = Inbox()
    worker = Worker(passes, inbox)
    worker.submit(request(1))
    assert isinstance(inbox.wait_for(1).error, ModelError) and worker.stop()


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["submit", "same", "job", "let go", "pause"]), max_size=30))
def test_whatever_happens_the_last_request_is_rendered_exactly(actions: list[str]) -> None:
    inbox, gate, cancelled = Inbox(), threading.Semaphore(0), threading.Event()

    def passes(request: RenderRequest) -> Iterator[Pass]:
        yield Pass(lambda: RenderResult(request, draft=True))

        def exact() -> RenderResult:
            cancelled.clear()
            gate.acquire(timeout=0.002)
            if cancelled.is_set():
                raise CancelledError
            return RenderResult(request)

        yield Pass(exact, 0.0005, optional=True, slow=True)

    worker = Worker(passes, inbox, cancelled.set)
    revision, labels = 0, LABELS
    try:
        for action in actions:
            match action:
                case "submit" | "same":
                    revision += 1
                    labels = labels if action == "same" else labels + np.uint8(1)
                    worker.submit(request(revision, labels=labels))
                case "job":
                    worker.call(lambda: None, lambda value, error: None)
                case "let go":
                    gate.release()
                case "pause":
                    time.sleep(0.0005)
        deadline = time.monotonic() + WAIT_S
        while revision and not (inbox.results and not inbox.results[-1].draft and inbox.revisions[-1] == revision):
            assert time.monotonic() < deadline
            time.sleep(0.0005)
    finally:
        assert worker.stop()
    assert inbox.revisions == sorted(inbox.revisions)
    assert all(result.error is None for result in inbox.results)
