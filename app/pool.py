"""A batch in this process or in several: progress, failures that stop nothing else, and the summary."""

import multiprocessing
import os
import signal
import sys
from collections import Counter, deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager

import cv2
from tqdm import tqdm

from app.batch import Item, Job, Outcome, Worker
from engine.types import EngineError

ON_A_GPU = 2
"""Processes that share a GPU unless another number is asked for: more of them only fill its memory."""

THREADS_VARIABLE = "OMP_NUM_THREADS"
"""Read by the networks' libraries when they are loaded."""


Outcomes = Generator[tuple[Item, Outcome], None, None]


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(job: Job, items: Sequence[Item], processes: int | None = None) -> int:
    """Do a job to all photos; failures and remarks go to stderr, the summary to stdout.

    Parameters
    ----------
    job
        What to do.
    items
        To these photos, whose names differ.
    processes
        How many to use; None for as many as half the cores, 1 for this one.

    Returns
    -------
    int
        0 if all went well, 1 if a photo failed, 130 if Ctrl-C ended it.

    Raises
    ------
    EngineError
        Before any work, if the networks or an exemplar cannot be loaded.
    """
    pending = [item for item in items if job.overwrite or not any(path.exists() for path in job.results(item))]
    counts = Counter(skipped=len(items) - len(pending))
    # Loaded here in any case: errors come once and early, and no two processes prepare the networks at the same time.
    worker = job.open() if pending else None
    interrupted = False
    try:
        if worker is not None:
            for text in dict.fromkeys(filter(None, worker.terms)):
                _tell(text)
            most = ON_A_GPU if worker.on_gpu else max(1, cores() // 2)
            processes = min(len(pending), processes or most)
            if processes > 1:
                worker.close()
            outcomes = _in_processes(job, pending, processes) if processes > 1 else _here(worker, pending)
            # A generator's own clean-up must not wait until it is collected.
            with closing(outcomes), tqdm(total=len(pending), unit="photo", file=sys.stderr, disable=None) as bar:
                for item, outcome in outcomes:
                    counts[job.verb if outcome.status == "done" else "failed"] += 1
                    for message in outcome.messages:
                        _tell(f"{item.path}: {message}")
                    bar.update()
    except KeyboardInterrupt:
        interrupted = True
    finally:
        if worker is not None:
            worker.close()
    counts["not done"] = len(items) - counts.total()
    parts = [f"{counts[name]} {name}" for name in (job.verb, "skipped", "failed", "not done") if counts[name]]
    print(f"{len(items)} photo{'s' * (len(items) != 1)}: {', '.join(parts)}", flush=True)
    return 130 if interrupted else int(counts["failed"] > 0)


def _tell(text: str) -> None:
    tqdm.write(text, file=sys.stderr)


def _attempt(worker: Worker, item: Item) -> Outcome:
    """Do one photo, whatever comes of it."""
    notes: list[str] = []
    try:
        worker.work(item, notes)
        return Outcome("done", tuple(notes))
    except EngineError as error:
        reason = str(error)
    except MemoryError:
        reason = "There is not enough memory for it. Use fewer --jobs, or make it smaller first."
    except Exception as error:  # libraries raise anything for odd files, and the other photos are to go on
        reason = f"Something unexpected went wrong ({type(error).__name__}: {error})."
    return Outcome("failed", (" ".join([reason, *notes]),))


def _here(worker: Worker, items: Sequence[Item]) -> Outcomes:
    for item in items:
        yield item, _attempt(worker, item)


_DIED = Outcome("failed", ("The process that worked on it ended, perhaps for lack of memory. Make it smaller first.",))


def _in_processes(job: Job, items: Sequence[Item], processes: int) -> Outcomes:
    """Share photos among processes; those at work when a process died are done again alone, to find the culprit."""
    waiting, suspects = deque(items), deque[Item]()
    with _threads(max(1, cores() // processes)) as threads:
        while waiting or suspects:
            source, width = (suspects, 1) if suspects else (waiting, processes)
            pool = ProcessPoolExecutor(width, multiprocessing.get_context("spawn"), _start, (job, threads))
            running: dict[Future[Outcome], Item] = {}
            try:
                while source or running:
                    while source and len(running) < width:
                        future = pool.submit(_work, source[0])
                        running[future] = source.popleft()
                    # Without a time limit, Ctrl-C would not get through on Windows.
                    for future in wait(running, 0.5, FIRST_COMPLETED).done:
                        outcome = future.result()
                        yield running.pop(future), outcome
            except BrokenProcessPool:
                for future in wait(running).done:
                    if future.exception() is None:
                        yield running.pop(future), future.result()
                if width == 1 and running:
                    yield running.popitem()[1], _DIED
                suspects.extend(running.values())
            except KeyboardInterrupt:
                _tell("Stopping as soon as the photos at work are done; Ctrl-C again stops at once.")
                yield from _finished(running)
                raise
            finally:
                pool.shutdown(cancel_futures=True)


def _finished(running: dict[Future[Outcome], Item]) -> Outcomes:
    """Wait for photos that are being done; another Ctrl-C ends their processes."""
    try:
        while running:
            for future in wait(running, 0.5, FIRST_COMPLETED).done:
                item = running.pop(future)
                if future.exception() is None:
                    yield item, future.result()
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():
            child.terminate()


@contextmanager
def _threads(count: int) -> Iterator[int]:
    """Let new processes compute on a few threads each; a number that a person has set stays, and is returned."""
    known = os.environ.get(THREADS_VARIABLE)
    if known is None:
        os.environ[THREADS_VARIABLE] = str(count)
    try:
        yield int(known) if known is not None and known.isdecimal() and int(known) > 0 else count
    finally:
        if known is None:
            del os.environ[THREADS_VARIABLE]


_job: Job | None = None
_worker: Worker | None = None
"""What a process of the pool works with."""


def _start(job: Job, threads: int) -> None:
    """Begin a process of the pool; Ctrl-C is its parent's business."""
    global _job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # When one process dies, the pool ends the others: they are to take the files that they have begun with them.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    cv2.setNumThreads(threads)
    _job = job


def _work(item: Item) -> Outcome:
    global _worker
    assert _job is not None
    try:
        # Not in `_start`, where an error would take the whole pool down without a word.
        _worker = _worker or _job.open()
        return _attempt(_worker, item)
    except EngineError as error:
        return Outcome("failed", (str(error),))
    except SystemExit:
        os._exit(1)  # the pool would take it for the photo's outcome, and go on
