"""What every test gets: an offscreen Qt, folders of its own, and a check that it leaves no thread behind.

Qt's own warnings fail a test as well: see ``qt_log_level_fail`` in pyproject.toml. tests/unit/test_conftest.py proves
both.
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

# Before anything imports Qt. A developer who wants to watch the tests sets the variable to xcb, wayland or cocoa.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# As the program itself does: some tests import ONNX Runtime before anything of the program.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import pytest
from hypothesis import settings

LEAK_GRACE_S = 2.0
"""How long threads that were told to stop may take to be gone."""

HARMLESS_THREADS = ("pytest_timeout ", "tqdm", "TMonitor")
"""Names, or beginnings of names, of threads that belong to the test runner or to a library's one-off monitor."""

# No deadlines: on a busy machine an example that is slow once says nothing. In CI the same examples every time, so that
# a change is not held up by what it did not touch; at a developer's desk new ones in every run.
settings.register_profile("maskbrush", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
settings.load_profile("maskbrush")


@pytest.fixture(scope="session", autouse=True)
def _session_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the user's own settings and cache away from fixtures that live longer than one test."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("session"))
        yield


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give each test empty settings and cache folders."""
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch, tmp_path_factory.mktemp("user"))
        yield


@pytest.fixture(autouse=True)
def _no_leaked_threads(_own_folders: None) -> Iterator[None]:
    """Fail a test that leaves a thread running, its fixtures' threads included.

    Fixtures of a wider scope are set up before this one: their threads were there before, and are nobody's leak.
    """
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + LEAK_GRACE_S
    leaked = _running_since(before)
    if leaked:
        gc.collect()  # an executor or worker that is only waiting to be collected
    while leaked and time.monotonic() < deadline:
        time.sleep(0.01)
        leaked = _running_since(before)
    if leaked:
        names = ", ".join(sorted(thread.name for thread in leaked))
        pytest.fail(f"the test leaked {len(leaked)} thread(s): {names}", pytrace=False)


def _isolate(patch: pytest.MonkeyPatch, folder: Path) -> None:
    for name in ("settings", "cache", "data"):
        (folder / name).mkdir()
        patch.setenv(f"MASKBRUSH_{name.upper()}_DIR", str(folder / name))


def _running_since(before: set[threading.Thread]) -> list[threading.Thread]:
    """Return the threads started since ``before`` that are still running."""
    return [
        thread
        for thread in threading.enumerate()
        if thread not in before and not thread.name.startswith(HARMLESS_THREADS) and _runs_python(thread)
    ]


def _runs_python(thread: threading.Thread) -> bool:
    """Tell a thread from the stand-in that Python keeps for a foreign one, such as Qt's, that has left Python code."""
    return not isinstance(thread, threading._DummyThread) or thread.ident in sys._current_frames()
