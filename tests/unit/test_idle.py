"""Work that is done beforehand, in idle moments."""

import threading
import time

import pytest

from engine import idle
from engine.idle import Idle
from tests.fakes import WAIT_S


def test_idle_work_waits_for_quiet_and_survives_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "QUIET_S", 0.0)
    done, order = threading.Semaphore(0), list[str]()

    def fail() -> None:
        raise OSError

    waiting = Idle(iter([]))
    with waiting.disturbed():
        waiting.add(lambda: order.append("failing") or fail())
        waiting.add(lambda: order.append("job") or done.release())
        time.sleep(0.05)
        order.append("quiet")
    assert done.acquire(timeout=WAIT_S)
    assert order == ["quiet", "failing", "job"]
    waiting.close()
    waiting.add(lambda: order.append("never"))
    waiting.close()
    assert order[-1] == "job"
