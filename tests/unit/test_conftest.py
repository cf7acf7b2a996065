"""The safety nets of tests/conftest.py and pyproject.toml catch what they are there to catch.

Each case is run by an inner pytest that has the same conftest.py and the same settings as the real tests.
"""

from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

LEAKS = """
    import threading

    import pytest

    stop = threading.Event()

    @pytest.fixture(scope="module", autouse=True)
    def release():
        shared = threading.Thread(target=stop.wait, name="shared")
        shared.start()
        yield
        stop.set()
        shared.join()

    def test_leak():
        threading.Thread(target=stop.wait, name="forgotten").start()

    @pytest.fixture
    def careless():
        threading.Thread(target=stop.wait, name="from fixture").start()

    def test_leak_of_a_fixture(careless):
        pass

    def test_joined():
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()

    def test_stopping():
        threading.Timer(0.2, lambda: None).start()

    def test_crash_in_a_thread():
        thread = threading.Thread(target=lambda: 1 // 0)
        thread.start()
        thread.join()
"""

QT = """
    import gc
    import threading

    from PySide6.QtCore import QRunnable, QThreadPool, qDebug, qWarning
    from PySide6.QtWidgets import QWidget

    def test_warning():
        qWarning("brush without canvas")

    def test_warning_of_qt(qtbot):
        QWidget().setFixedSize(-1, -1)

    def test_debug():
        qDebug("nothing to see")

    def test_benign():
        qWarning("This plugin does not support propagateSizeHints()")

    def test_pool(qtbot):
        class Job(QRunnable):
            def run(self):
                threading.current_thread()

        QThreadPool.globalInstance().start(Job())
        assert QThreadPool.globalInstance().waitForDone(5000)

    def test_window(qtbot):
        widget = QWidget()
        qtbot.addWidget(widget)
        widget.resize(100, 50)
        widget.show()
        qtbot.waitExposed(widget)
        widget.raise_()
        assert not widget.grab().isNull()
"""

FOLDERS = """
    import os
    from pathlib import Path

    import pytest
    from hypothesis import settings

    NAMES = ("MASKBRUSH_SETTINGS_DIR", "MASKBRUSH_CACHE_DIR")

    @pytest.mark.parametrize("turn", (1, 2))
    def test_folders(turn, tmp_path_factory):
        for name in NAMES:
            folder = Path(os.environ[name])
            assert folder.is_relative_to(tmp_path_factory.getbasetemp())
            assert list(folder.iterdir()) == []
            (folder / "left.json").touch()

    def test_hypothesis_has_no_deadline():
        assert settings().deadline is None

    @pytest.mark.gpu
    def test_gpu():
        assert False, "must be deselected"
"""

WARNINGS = """
    import warnings

    from engine import numbers

    def test_ours():
        numbers.divide()

    def test_of_a_dependency():
        warnings.warn("not ours")

    def test_deprecation():
        numbers.old()

    def test_file_left_open():
        numbers.leave_open(__file__)
"""

NUMBERS = """
    import gc
    import warnings

    import numpy as np

    def divide():
        return np.ones(1) / np.zeros(1)

    def old():
        warnings.warn("old", DeprecationWarning)

    def leave_open(path):
        open(path)
        gc.collect()
"""


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of its own with the real conftest.py and settings."""
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text(encoding="utf-8"))
    (pytester.path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return pytester


def outcomes(result: pytest.RunResult) -> dict[str, str]:
    """Return test name -> PASSED, FAILED or ERROR (the worst of its phases)."""
    found: dict[str, str] = {}
    for line in result.outlines:
        test, _, outcome = line.partition(" ")
        if "::" in test and (outcome := outcome.split(" ")[0]) in ("PASSED", "FAILED", "ERROR"):
            name = test.split("::")[1]
            if found.get(name, "PASSED") == "PASSED":
                found[name] = outcome
    return found


def run(inner: pytest.Pytester, source: str) -> pytest.RunResult:
    inner.makepyfile(test_inner=source)
    return inner.runpytest_subprocess("-v", "-p", "no:cacheprovider", "test_inner.py", timeout=120)


def test_a_leaked_thread_fails_the_test_that_leaked_it(inner: pytest.Pytester) -> None:
    result = run(inner, LEAKS)
    assert outcomes(result) == {
        "test_leak": "ERROR",
        "test_leak_of_a_fixture": "ERROR",
        "test_joined": "PASSED",
        "test_stopping": "PASSED",
        "test_crash_in_a_thread": "FAILED",
    }
    result.stdout.fnmatch_lines(["*leaked 1 thread(s): forgotten", "*leaked 1 thread(s): from fixture"])


def test_a_qt_warning_fails_the_test_that_caused_it(inner: pytest.Pytester) -> None:
    result = run(inner, QT)
    assert outcomes(result) == {
        "test_warning": "FAILED",
        "test_warning_of_qt": "FAILED",
        "test_debug": "PASSED",
        "test_benign": "PASSED",
        "test_pool": "PASSED",
        "test_window": "PASSED",
    }
    result.stdout.fnmatch_lines(["*brush without canvas*"])


def test_each_test_has_folders_of_its_own(inner: pytest.Pytester) -> None:
    run(inner, FOLDERS).assert_outcomes(passed=3, deselected=1)


def test_a_warning_of_our_own_code_fails_the_test(inner: pytest.Pytester) -> None:
    inner.mkpydir("engine")
    (inner.path / "engine" / "numbers.py").write_text(dedent(NUMBERS), encoding="utf-8")
    assert outcomes(run(inner, WARNINGS)) == {
        "test_ours": "FAILED",
        "test_of_a_dependency": "PASSED",
        "test_deprecation": "PASSED",
        "test_file_left_open": "FAILED",
    }
