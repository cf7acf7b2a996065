"""Work that is done beforehand, in idle moments."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest

from engine import idle, model_graphs
from engine.graph_generator import GraphGenerator
from engine.idle import Idle
from engine.types import Region
from tests.fakes import WAIT_S, make_portrait


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


def test_in_idle_moments_parts_are_made_ready_and_copies_kept(
    monkeypatch: pytest.MonkeyPatch, opened, graphs: Path
) -> None:
    monkeypatch.setattr(idle, "QUIET_S", 0.0)
    monkeypatch.setattr(model_graphs, "REHEARSED", 2)
    generator = opened("openvino")
    names = {"encode.compiled", "decode.compiled", "part-int8.compiled"}
    until = time.monotonic() + WAIT_S
    while {path.name for path in graphs.glob("*.compiled")} != names:
        assert time.monotonic() < until, "not all copies were made"
        time.sleep(0.01)
    portrait, region = make_portrait(64), np.zeros((64, 64), np.float32)
    labels, pixels = portrait.labels, portrait.pixels
    region[16:32] = 1
    style = generator.encode(pixels, labels)
    image = generator.decode(labels, style, pixels, region)
    part = generator.draft(labels, style, pixels, region, Region(0, 0, 64, 64))
    generator.close()
    again = opened("openvino")  # from the copies
    np.testing.assert_allclose(again.encode(pixels, labels).vector, style.vector, atol=1e-6)
    np.testing.assert_allclose(again.decode(labels, style, pixels, region), image, atol=1e-6)
    np.testing.assert_allclose(again.draft(labels, style, pixels, region, Region(0, 0, 64, 64)), part, atol=1e-6)


def test_a_generator_that_is_forgotten_ends_its_thread(opened, model: Path, graphs: Path) -> None:
    generator = GraphGenerator(model / "tiny.safetensors", "onnx", "cpu")
    thread = generator._idle._thread
    assert thread.is_alive()
    del generator
    thread.join(WAIT_S)
    assert not thread.is_alive()
