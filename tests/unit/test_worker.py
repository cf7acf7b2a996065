import gc
import logging
import threading
import time
import weakref
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.session import Session
from engine.types import EngineError, ModelError, RenderRequest, RenderResult
from engine.worker import Worker, as_engine_error
from tests.fakes import WAIT_S, FakeGenerator, make_portrait
from tests.worker_fakes import Inbox, finish_jobs, once, request


class GatedRender:
    """A render function that waits for the test."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)

    def __call__(self, request: RenderRequest) -> RenderResult:
        self.entered.release()
        assert self.gate.acquire(timeout=WAIT_S)
        return RenderResult(request)

    def wait(self) -> None:
        assert self.entered.acquire(timeout=WAIT_S)


Make = Callable[..., Worker]


@pytest.fixture
def make_worker() -> Iterator[Make]:
    workers: list[Worker] = []

    def make(render: Callable[[RenderRequest], RenderResult] = RenderResult, deliver=lambda result: None) -> Worker:
        workers.append(Worker(once(render), deliver))
        return workers[-1]

    yield make
    for worker in workers:
        assert worker.stop()


def test_a_request_is_rendered_on_the_worker_thread(make_worker: Make) -> None:
    inbox, threads = Inbox(), []

    def render(request: RenderRequest) -> RenderResult:
        threads.append(threading.current_thread().name)
        return RenderResult(request)

    make_worker(render, inbox).submit(request(1))
    assert inbox.wait_for(1).error is None
    assert threads == ["engine"]


def test_requests_during_a_render_give_one_more_render_of_the_last(make_worker: Make) -> None:
    render, inbox = GatedRender(), Inbox()
    worker = make_worker(render, inbox)
    worker.submit(request(1))
    render.wait()
    for revision in range(2, 102):
        worker.submit(request(revision))
    render.gate.release(3)
    inbox.wait_for(101)
    finish_jobs(worker)
    assert inbox.revisions == [1, 101]
    render.wait()
    assert not render.entered.acquire(blocking=False), "rendered more than twice"


def test_submit_and_call_do_not_block_while_rendering(make_worker: Make) -> None:
    render, inbox = GatedRender(), Inbox()
    worker = make_worker(render, inbox)
    worker.submit(request(1))
    render.wait()
    # The render cannot go on before all of these have returned: were one of them to wait for it, the test would hang.
    started = time.perf_counter()
    for revision in range(2, 1002):
        worker.submit(request(revision))
        worker.call(lambda: None, lambda value, error: None)
    elapsed = time.perf_counter() - started
    render.gate.release(2)
    inbox.wait_for(1001)
    assert elapsed < 5


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (ModelError("The model is broken.", "Choose another."), ModelError, "The model is broken. Choose another."),
        (RuntimeError("shape mismatch\nat line 3"), EngineError, "RuntimeError: shape mismatch"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), EngineError, "not enough memory"),
        (MemoryError(), EngineError, "not enough memory"),
        (ValueError(), EngineError, "ValueError"),
    ],
)
def test_errors_ride_in_the_result_and_the_thread_goes_on(
    make_worker: Make, error: Exception, kind: type[EngineError], words: str
) -> None:
    inbox = Inbox()

    def render(request: RenderRequest) -> RenderResult:
        if request.revision == 1:
            raise error
        return RenderResult(request)

    worker = make_worker(render, inbox)
    worker.submit(request(1))
    failed = inbox.wait_for(1)
    assert failed.image is None
    assert isinstance(failed.error, kind)
    assert words in str(failed.error)
    assert failed.error.hint
    worker.submit(request(2))
    assert inbox.wait_for(2).error is None


@pytest.mark.parametrize("error", [EngineError("No."), RuntimeError("no"), MemoryError(), KeyError("x")])
def test_errors_of_jobs_are_their_outcome(make_worker: Make, error: Exception) -> None:
    worker, outcomes = make_worker(), []

    def fail() -> None:
        raise error

    worker.call(fail, lambda value, failure: outcomes.append((value, failure)))
    worker.call(lambda: 5, lambda value, failure: outcomes.append((value, failure)))
    finish_jobs(worker)
    assert outcomes[0][0] is None and isinstance(outcomes[0][1], EngineError)
    assert outcomes[1] == (5, None)


def test_a_failing_recipient_does_not_end_the_thread(make_worker: Make, caplog: pytest.LogCaptureFixture) -> None:
    delivered = threading.Event()

    def deliver(result: RenderResult) -> None:
        if result.request.revision == 1:
            raise RuntimeError("the window is gone")
        delivered.set()

    def done(value: object, error: EngineError | None) -> None:
        raise RuntimeError("the window is gone")

    with caplog.at_level(logging.CRITICAL, "engine.worker"):
        worker = make_worker(deliver=deliver)
        worker.submit(request(1))
        finish_jobs(worker)
        worker.call(lambda: None, done)
        worker.submit(request(2))
        assert delivered.wait(WAIT_S)


def test_jobs_run_in_order_and_before_a_waiting_render(make_worker: Make) -> None:
    order: list[str] = []
    gate, entered, rendered = threading.Event(), threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        assert gate.wait(WAIT_S)

    def render(request: RenderRequest) -> RenderResult:
        order.append(f"render {request.revision}")
        return RenderResult(request)

    worker = make_worker(render, lambda result: rendered.set())
    worker.call(block, lambda value, error: None)
    assert entered.wait(WAIT_S)
    worker.submit(request(1))
    for name in "abc":
        worker.call(lambda name=name: order.append(name), lambda value, error, name=name: order.append(f"{name} done"))
    gate.set()
    assert rendered.wait(WAIT_S)
    assert order == ["a", "a done", "b", "b done", "c", "c done", "render 1"]


def test_a_job_may_ask_for_more(make_worker: Make) -> None:
    inbox = Inbox()
    worker = make_worker(deliver=inbox)
    again = threading.Event()

    def done(value: object, error: EngineError | None) -> None:
        worker.submit(request(7))
        worker.call(lambda: None, lambda value, error: again.set())

    worker.call(lambda: None, done)
    inbox.wait_for(7)
    assert again.wait(WAIT_S)


def test_stop_ends_the_thread_drops_what_waits_and_may_be_repeated() -> None:
    render, inbox, jobs = GatedRender(), Inbox(), []
    worker = Worker(once(render), inbox)
    worker.submit(request(1))
    render.wait()
    worker.submit(request(2))
    worker.call(lambda: jobs.append(1), lambda value, error: jobs.append(2))
    assert not worker.stop(timeout=0.05)
    render.gate.release(2)
    assert worker.stop()
    assert worker.stop()
    assert inbox.revisions == [1]
    assert jobs == []
    worker.submit(request(3))
    worker.call(lambda: jobs.append(1), lambda value, error: jobs.append(2))
    assert worker.stop()
    assert inbox.revisions == [1] and jobs == []
    assert not any(thread.name == "engine" for thread in threading.enumerate())


def test_a_waiting_thread_holds_nothing_of_what_it_did(make_worker: Make) -> None:
    class Big:
        pass

    worker = make_worker()
    big = Big()
    gone = weakref.ref(big)
    worker.call(lambda big=big: None, lambda value, error: None)
    del big
    finish_jobs(worker)
    deadline = time.monotonic() + WAIT_S
    while gone() is not None and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.005)
    assert gone() is None


ACTIONS = st.lists(st.sampled_from(["submit", "job", "let go", "fail", "pause"]), max_size=40)


@settings(max_examples=60)
@given(ACTIONS)
def test_whatever_happens_the_last_request_comes_and_revisions_rise(actions: list[str]) -> None:
    inbox, gate = Inbox(), threading.Semaphore(0)
    done: list[int] = []
    failing: set[int] = set()

    def render(request: RenderRequest) -> RenderResult:
        gate.acquire(timeout=0.002)
        if request.revision in failing:
            raise RuntimeError("failed on purpose")
        return RenderResult(request)

    worker = Worker(once(render), inbox)
    revision = jobs = 0
    try:
        for action in actions:
            match action:
                case "submit" | "fail":
                    revision += 1
                    if action == "fail":
                        failing.add(revision)
                    worker.submit(request(revision))
                case "job":
                    worker.call(lambda: None, lambda value, error, number=jobs: done.append(number))
                    jobs += 1
                case "let go":
                    gate.release()
                case "pause":
                    time.sleep(0.0005)
        if revision:
            inbox.wait_for(revision)
        finish_jobs(worker)
    finally:
        assert worker.stop()
    assert inbox.revisions == sorted(set(inbox.revisions))
    assert done == list(range(jobs))
    assert all((result.error is not None) == (result.request.revision in failing) for result in inbox.results)


def test_many_threads_may_submit() -> None:
    inbox = Inbox()
    worker = Worker(once(RenderResult), inbox)
    lock, count = threading.Lock(), 0

    def submit() -> None:
        nonlocal count
        for _ in range(200):
            with lock:  # revisions are given out and handed over in one go, as on the interface's one thread
                count += 1
                worker.submit(request(count))

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        inbox.wait_for(800)
    finally:
        assert worker.stop()
    assert inbox.revisions == sorted(set(inbox.revisions))


def test_with_a_session_and_a_gated_generator() -> None:
    generator, inbox = FakeGenerator(gated=True), Inbox()
    portrait = make_portrait(64)
    session = Session(generator)
    worker = Worker(session.passes, inbox, session.cancel)
    worker.call(lambda: session.open(portrait), lambda value, error: None)
    try:
        for revision in range(1, 31):
            labels = portrait.labels.copy()
            labels[:revision, :] = 14
            worker.submit(RenderRequest(0, revision, labels))
            if revision == 1:
                generator.wait_for_decode()
        generator.let_go(always=True)
        last = inbox.wait_for(30)
        finish_jobs(worker)
    finally:
        generator.let_go(always=True)
        assert worker.stop()
    assert inbox.revisions == [1, 30]
    assert generator.decoded == 2 and generator.encoded == 1
    assert last.error is None and last.image is not None
    assert set(last.timings) == {"encode", "decode", "compose", "total"}


def test_errors_meant_for_people_stay_as_they_are() -> None:
    error = ModelError("No.", "Do.")
    assert as_engine_error(error) is error
