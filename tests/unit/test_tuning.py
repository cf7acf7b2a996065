import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine import tuning
from engine.generate import BackendUnavailableError
from engine.selftest import MOST_DB
from engine.store import cache_folder
from engine.tuning import FILE, KEPT, LEAST_DRAFT_DB, RUNS, Measurement, in_order, measure, measurements, remember
from engine.types import ImageError, Region
from tests.backend_fakes import CPU, FakeBackend

OPENVINO, ONNX, TORCH = CPU


class Clock:
    """Stands still but for what back ends take."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(tuning, "time", made)
    yield made


def backend(
    clock: Clock, exact: float = 0.04, draft: float = 0.02, part: float = 0.01, drafts: str = "int8", step: int = 16
) -> FakeBackend:
    made = FakeBackend("openvino", drafts=drafts, step=step)
    made.seconds, made.clock = (exact, draft, part), clock.pass_by
    return made


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "fake.safetensors"
    path.write_bytes(b"fake")
    return path


def file() -> Path:
    return cache_folder() / FILE


# Measuring


def test_each_kind_of_render_is_timed_at_the_models_own_size(clock: Clock) -> None:
    generator, told = backend(clock), []
    measured = measure(generator, told.append)
    assert measured is not None
    assert measured.exact_ms == pytest.approx(40)
    assert measured.draft_ms == pytest.approx(20)
    assert measured.part_ms == pytest.approx(10)
    assert told == ["Measuring how fast this computer is (once)…"]
    assert generator.encoded == 1 and generator.decoded == RUNS + 1
    assert generator.drafted == [Region(16, 16, 32, 32)] * (RUNS + 1) + [None] * (RUNS + 1)
    labels, _, pixels, region = generator.calls[0]
    # A real portrait, all of which is made anew.
    assert labels.shape == (64, 64) and len(np.unique(labels)) > 8 and pixels.std() > 20 and region.all()


def test_the_first_run_and_one_outlier_do_not_count(clock: Clock) -> None:
    generator, times = backend(clock, drafts="", step=0), [0.4, 0.02, 0.05, 0.03]
    generator.during = lambda: clock.pass_by(times[generator.decoded])
    generator.seconds = (0, 0, 0)
    measured = measure(generator)
    assert measured == Measurement(pytest.approx(30))  # type: ignore[arg-type]


@pytest.mark.parametrize(("seconds", "runs"), [(2.0, 1), (0.5, 1), (0.3, 2), (0.2, 3), (0.01, 4)])
def test_a_slow_model_is_run_less_often(clock: Clock, seconds: float, runs: int) -> None:
    generator = backend(clock, exact=seconds, draft=seconds, part=seconds)
    measured = measure(generator)
    assert measured is not None and measured.exact_ms == pytest.approx(1000 * seconds)
    assert generator.decoded == runs
    # What opens graphs only then is not what drafts take.
    assert generator.drafted.count(None) >= 2
    assert clock.now <= 2 + max(0, 5 * seconds)


def test_what_there_is_not_is_not_timed(clock: Clock) -> None:
    generator = backend(clock, drafts="", step=0)
    assert measure(generator) == Measurement(pytest.approx(40))  # type: ignore[arg-type]
    assert generator.drafted == []


@pytest.mark.parametrize(("blur", "accurate"), [(0.0, True), (0.016, True), (0.025, False), (np.nan, False)])
def test_drafts_are_compared_with_the_exact_render(clock: Clock, blur: float, accurate: bool) -> None:
    generator = backend(clock)
    # A fake's drafts are darker by 1/64: 20 * log10(2 * 64) = 42.1 dB.
    generator.blur = -blur
    measured = measure(generator)
    assert measured is not None and measured.draft_db is not None
    expected = 0.0 if np.isnan(blur) else 20 * np.log10(2 / (1 / 64 + blur))
    assert measured.draft_db == pytest.approx(expected, abs=0.01)
    assert measured.accurate == accurate == (measured.draft_db >= LEAST_DRAFT_DB)


def test_drafts_that_fail_are_refused_and_the_rest_is_measured(clock: Clock) -> None:
    generator = backend(clock)
    generator.draft_failure = RuntimeError("no int8 here")
    measured = measure(generator)
    assert measured is not None and not measured.accurate
    assert measured == Measurement(pytest.approx(40), None, None, 0.0)  # type: ignore[arg-type]


def test_drafts_that_are_announced_but_not_made_are_refused(clock: Clock) -> None:
    generator = backend(clock)
    generator.draft = lambda labels, style, pixels, region, box=None: None
    measured = measure(generator)
    assert measured is not None and measured.draft_ms is None and measured.draft_db == 0


def test_a_back_end_that_fails_at_the_models_size_cannot_be_used(clock: Clock) -> None:
    generator = backend(clock)
    generator.failure = MemoryError()
    with pytest.raises(BackendUnavailableError, match=r"^OpenVINO failed when it was measured \(MemoryError\)$"):
        measure(generator)
    generator.failure, generator.spoil = None, True
    with pytest.raises(BackendUnavailableError, match="not finite"):
        measure(generator)


def test_without_the_sample_nothing_is_measured(clock: Clock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tuning, "SAMPLE", tmp_path / "gone.jpg")
    generator, told = backend(clock), []
    assert measure(generator, told.append) is None
    assert generator.decoded == 0 and told == []
    with pytest.raises(ImageError):
        tuning._sample(generator.info)


# Choosing


def test_what_a_hand_waits_for() -> None:
    assert Measurement(100).felt_ms == 300
    assert Measurement(100, 40, 10, 40.0).felt_ms == 150
    # Drafts that are refused, or slower than exact renders, are of no use.
    assert Measurement(100, 40, 10, 30.0).felt_ms == 210
    assert Measurement(100, 400, 250, 40.0).felt_ms == 300
    assert Measurement(100, None, 10).felt_ms == 210


def test_the_fastest_goes_first_if_it_is_so_by_more_than_chance() -> None:
    def order(*milliseconds: float | None) -> list[str]:
        known = {pair: Measurement(ms) for pair, ms in zip(CPU, milliseconds, strict=False) if ms is not None}
        return [name for name, _ in in_order(CPU, known)]

    assert order(100, 80) == ["onnx", "openvino", "torch"]
    assert order(100, 95) == order(100, 120) == order() == ["openvino", "onnx", "torch"]
    assert order(None, 100) == ["openvino", "onnx", "torch"]
    assert order(100, None, 10) == ["torch", "onnx", "openvino"]
    assert order(100, 80, 50) == ["torch", "onnx", "openvino"]


# Remembering


def test_measurements_are_remembered_by_model_and_back_end(weights: Path, tmp_path: Path) -> None:
    assert measurements(weights) == {}
    first, second = Measurement(12.5, 3.25, 1, 41.5), Measurement(20)
    remember(weights, OPENVINO, first)
    remember(weights, ONNX, second)
    assert measurements(weights) == {OPENVINO: first, ONNX: second}
    remember(weights, ONNX, first)
    assert measurements(weights) == {OPENVINO: first, ONNX: first}
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"other")
    assert measurements(other) == {}
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(b"fake")
    assert measurements(copy) == measurements(weights)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}', b'{"format": 1, "entries": []}',
        b'{"format": 0, "entries": {}}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_a_damaged_file_is_none_and_is_replaced(weights: Path, content: bytes) -> None:
    file().write_bytes(content)
    assert measurements(weights) == {}
    remember(weights, ONNX, Measurement(7))
    assert measurements(weights) == {ONNX: Measurement(7)}
    assert [path.name for path in cache_folder().iterdir()] == [FILE]


@pytest.mark.parametrize(
    "fields",
    [
        {}, [], "quick", 3, None, {"exact_ms": None}, {"exact_ms": "fast"}, {"exact_ms": -1}, {"exact_ms": True},
        {"exact_ms": float("nan")}, {"exact_ms": 1, "draft_db": "good"}, {"exact_ms": 1, "colour": 2},
    ],
)  # fmt: skip
def test_an_entry_that_cannot_be_one_is_left_out(weights: Path, fields: object) -> None:
    remember(weights, ONNX, Measurement(7))
    content = json.loads(file().read_text())
    (entry,) = content["entries"].values()
    entry["openvino cpu"] = fields
    file().write_text(json.dumps(content))
    assert measurements(weights) == {ONNX: Measurement(7)}
    content["entries"] = dict.fromkeys(content["entries"], fields)
    file().write_text(json.dumps(content))
    assert measurements(weights) == {}
    remember(weights, ONNX, Measurement(8))
    assert measurements(weights)[ONNX] == Measurement(8)


@pytest.mark.parametrize("changed", ["openvino", "onnxruntime", "processor", "cores", "threads", "graphs"])
def test_another_computer_or_library_is_measured_anew(
    monkeypatch: pytest.MonkeyPatch, weights: Path, changed: str
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(tuning, "_version", lambda package: "1.0")
    remember(weights, ONNX, Measurement(7))
    with monkeypatch.context() as patch:
        if changed == "processor":
            patch.setattr(tuning, "_processor", lambda: "Another")
        elif changed == "cores":
            patch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
        elif changed == "threads":
            patch.setenv("OMP_NUM_THREADS", "2")
        elif changed == "graphs":
            patch.setattr(tuning, "GRAPH_VERSION", tuning.GRAPH_VERSION + 1)
        else:
            patch.setattr(tuning, "_version", lambda package: "2.0" if package == changed else "1.0")
        assert measurements(weights) == {}
        remember(weights, ONNX, Measurement(9))
        assert measurements(weights) == {ONNX: Measurement(9)}
    # A cache may be shared: the other's measurements are still there.
    assert measurements(weights) == {ONNX: Measurement(7)}


def test_what_describes_the_computer_is_found() -> None:
    text = tuning._computer()
    assert tuning._processor() and text.startswith(tuning._processor())
    assert "torch 2" in text and tuning._version("no-such-package-anywhere") == "-"


def test_only_so_many_are_kept_the_latest_ones(monkeypatch: pytest.MonkeyPatch, weights: Path) -> None:
    for number in range(KEPT + 3):
        monkeypatch.setattr(tuning, "_processor", lambda number=number: f"CPU {number}")
        remember(weights, ONNX, Measurement(number))
    assert len(json.loads(file().read_text())["entries"]) == KEPT
    assert measurements(weights) == {ONNX: Measurement(KEPT + 2)}
    monkeypatch.setattr(tuning, "_processor", lambda: "CPU 2")
    assert measurements(weights) == {}


def test_a_cache_that_cannot_be_written_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, weights: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MASKBRUSH_CACHE_DIR", str(tmp_path / "file"))
    remember(weights, ONNX, Measurement(7))
    assert measurements(weights) == {}


def test_equal_pictures_can_be_written_down(weights: Path) -> None:
    remember(weights, OPENVINO, Measurement(7, 3, None, MOST_DB))
    json.loads(file().read_text(), parse_constant=lambda name: pytest.fail(name))
    assert measurements(weights)[OPENVINO].accurate


def test_torch_is_known_by_its_pair(weights: Path) -> None:
    remember(weights, TORCH, Measurement(7))
    assert list(measurements(weights)) == [("torch", "cpu")]
