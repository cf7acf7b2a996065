"""Sessions of ONNX Runtime: what is asked of it, and what is said where it or a device is missing."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine import graphs
from engine.generate import BackendUnavailableError
from engine.graphs import SessionGraph, Stop, metadata, open_session
from engine.types import CancelledError

ROOT = Path(__file__).parents[2]
CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A graph that adds its input to itself."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "doubling", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "doubling.onnx")
    return tmp_path / "doubling.onnx"


class FakeRuntime(SimpleNamespace):
    """Stands in for ONNX Runtime's module, and notes how a session is made."""

    def __init__(self, available: list[str], usable: list[str] | None = None, prints: str = "") -> None:
        super().__init__()
        self.available, self.usable, self.prints = available, usable or available, prints
        self.severity: int | None = None
        self.preloaded = 0
        self.opened: list[tuple[str, Any, list]] = []

    def get_available_providers(self) -> list[str]:
        return self.available

    def set_default_logger_severity(self, severity: int) -> None:
        self.severity = severity

    def preload_dlls(self) -> None:
        self.preloaded += 1
        print(self.prints)

    class SessionOptions:
        def __init__(self) -> None:
            self.entries: dict[str, str] = {}
            self.intra_op_num_threads = 0

        def add_session_config_entry(self, key: str, value: str) -> None:
            self.entries[key] = value

    def InferenceSession(self, path: str, options: Any, providers: list) -> SimpleNamespace:
        self.opened.append((path, options, providers))
        return SimpleNamespace(get_providers=lambda: self.usable)


def use(monkeypatch: pytest.MonkeyPatch, runtime: FakeRuntime | None, driver: bool = False) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    monkeypatch.setattr(graphs, "nvidia_driver", lambda: driver)


def test_a_graph_is_opened_and_runs(doubling: Path) -> None:
    session = open_session(doubling, "cpu")
    assert session.get_providers() == [CPU]
    (answer,) = session.run(None, {"x": np.array([1, 2.5], np.float32)})
    assert answer.tolist() == [2, 5]


def test_a_graph_that_is_none_fails_with_an_error_of_the_runtimes_own(tmp_path: Path) -> None:
    for content in (b"", b"no graph"):
        (tmp_path / "broken.onnx").write_bytes(content)
        with pytest.raises(Exception, match=r".") as error:
            open_session(tmp_path / "broken.onnx", "cpu")
        assert not isinstance(error.value, BackendUnavailableError)
    with pytest.raises(Exception, match=r"none\.onnx"):
        open_session(tmp_path / "none.onnx", "cpu")


def test_without_the_runtime_the_next_back_end_is_tried(monkeypatch: pytest.MonkeyPatch, doubling: Path) -> None:
    use(monkeypatch, None)
    for device in ("cpu", "cuda"):
        with pytest.raises(BackendUnavailableError, match="ONNX Runtime cannot be imported"):
            open_session(doubling, device)


def test_a_runtime_whose_libraries_are_broken_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, doubling: Path
) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise OSError('libfoo.so: not found')")
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendUnavailableError, match=r"libfoo\.so"):
        open_session(doubling, "cpu")


def test_a_runtime_without_cuda_says_so(monkeypatch: pytest.MonkeyPatch, doubling: Path) -> None:
    runtime = FakeRuntime([CPU])
    use(monkeypatch, runtime, driver=True)
    with pytest.raises(BackendUnavailableError, match="without CUDA"):
        open_session(doubling, "cuda")
    assert runtime.opened == []


def test_a_runtime_that_silently_falls_back_is_found_out(monkeypatch: pytest.MonkeyPatch, doubling: Path) -> None:
    use(monkeypatch, FakeRuntime([CUDA, CPU], usable=[CPU]))
    with pytest.raises(BackendUnavailableError, match="finds no CUDA device"):
        open_session(doubling, "cuda")
    open_session(doubling, "cpu")


@pytest.mark.parametrize("driver", [False, True])
def test_on_cuda_nothing_is_rounded_and_nothing_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], doubling: Path, driver: bool
) -> None:
    runtime = FakeRuntime([CUDA, CPU], prints="a library is missing")
    use(monkeypatch, runtime, driver)
    open_session(doubling, "cuda")
    (_, _, providers) = runtime.opened[0]
    assert providers == [(CUDA, {"use_tf32": "0"}), CPU]
    assert runtime.preloaded == driver
    # A command's output stays clean.
    told = capsys.readouterr()
    assert told.out == "" and ("missing" in told.err) == driver


@pytest.mark.parametrize(("threads", "expected"), [("3", 3), ("", 0), ("many", 0), (None, 0)])
def test_threads_do_not_spin_and_are_as_many_as_asked_for(
    monkeypatch: pytest.MonkeyPatch, doubling: Path, threads: str | None, expected: int
) -> None:
    runtime = FakeRuntime([CUDA, CPU])
    use(monkeypatch, runtime, driver=True)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if threads is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    open_session(doubling, "cpu")
    path, options, providers = runtime.opened[0]
    assert (path, providers) == (str(doubling), [CPU])
    assert options.entries["session.intra_op.allow_spinning"] == "0"
    assert options.intra_op_num_threads == expected
    assert runtime.severity == 4 and runtime.preloaded == 0


# TensorRT


@pytest.mark.parametrize("loads", [False, True])
def test_tensorrt_goes_first_where_its_libraries_load(
    monkeypatch: pytest.MonkeyPatch, doubling: Path, loads: bool
) -> None:
    runtime = FakeRuntime([TENSORRT, CUDA, CPU])
    use(monkeypatch, runtime)
    monkeypatch.setattr(graphs, "_tensorrt_loads", lambda: loads)
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "")  # so that it is as before in the end
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE")
    open_session(doubling, "cuda", {"trt_fp16_enable": "0"})
    (_, _, providers) = runtime.opened[0]
    first = [(TENSORRT, {"trt_fp16_enable": "0"})] if loads else []
    assert providers == [*first, (CUDA, {"use_tf32": "0"}), CPU]
    assert graphs.os.environ.get("NVIDIA_TF32_OVERRIDE") == ("0" if loads else None)
    open_session(doubling, "cuda")
    open_session(doubling, "cpu", {"trt_fp16_enable": "0"})
    assert [opened[2] for opened in runtime.opened[1:]] == [[(CUDA, {"use_tf32": "0"}), CPU], [CPU]]


def test_a_graph_that_tensorrt_does_not_take_runs_on_cuda(monkeypatch: pytest.MonkeyPatch, doubling: Path) -> None:
    class Picky(FakeRuntime):
        def InferenceSession(self, path: str, options: Any, providers: list) -> SimpleNamespace:
            if providers[0][0] == TENSORRT:
                raise RuntimeError("no engine")
            return super().InferenceSession(path, options, providers)

    runtime = Picky([TENSORRT, CUDA, CPU])
    use(monkeypatch, runtime)
    monkeypatch.setattr(graphs, "_tensorrt_loads", lambda: True)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    assert open_session(doubling, "cuda", {}).get_providers() == [TENSORRT, CUDA, CPU]
    assert [opened[2] for opened in runtime.opened] == [[(CUDA, {"use_tf32": "0"}), CPU]]


def test_tensorrt_that_is_not_installed_is_passed_over() -> None:
    if graphs.importlib.util.find_spec("tensorrt_libs") is not None:
        pytest.skip("it is installed")
    assert not graphs._tensorrt_loads()


# Runs, and their end


def test_a_run_gives_the_outputs_and_can_be_ended_beforehand(doubling: Path) -> None:
    graph, given = SessionGraph(doubling, "cpu"), {"x": np.array([1, 2.5], np.float32), "more": np.zeros(1)}
    assert graph.inputs == ("x",)
    stop = Stop()
    stop.ask()
    with pytest.raises(CancelledError):
        graph.run(given, stop)
    assert [each.tolist() for each in graph.run(given, Stop())] == [[2, 5]]
    with pytest.raises(KeyError):
        graph.run({}, Stop())


def test_ending_reaches_only_what_runs() -> None:
    told: list[str] = []
    stop = Stop()
    with stop.during(lambda: told.append("ended"), lambda: told.append("started")):
        assert told == ["started"]
    with pytest.raises(RuntimeError), stop.during(lambda: told.append("never")):
        raise RuntimeError
    with stop.during(lambda: told.append("ended")):
        stop.ask()  # too late: it has a result
    assert told == ["started", "ended"] and stop.asked
    with pytest.raises(CancelledError), stop.during(lambda: None, lambda: told.append("never")):
        pytest.fail("begun all the same")
    assert told == ["started", "ended"]


def test_what_fails_once_its_end_was_asked_for_was_cancelled() -> None:
    stop = Stop()
    with pytest.raises(CancelledError), stop.during(lambda: None):
        stop.ask()
        raise RuntimeError("terminated")


# Metadata


def test_metadata_are_read_past_the_graph(doubling: Path) -> None:
    assert metadata(doubling) == {}
    model = onnx.load(doubling)
    known = {"config": "{}" * 100, "title": "Größe", "empty": ""}
    onnx.helper.set_model_props(model, known)
    onnx.save(model, doubling)
    assert metadata(doubling) == known


def test_files_that_are_no_whole_graph_are_found_out(doubling: Path) -> None:
    content = doubling.read_bytes()
    for part in (b"", b"no graph", b"\xff" * 30, content[:-1], content[:10], content[: len(content) // 2]):
        doubling.write_bytes(part)
        with pytest.raises(ValueError, match=r"graph|short"):
            metadata(doubling)
    with pytest.raises(OSError):
        metadata(doubling.with_name("none.onnx"))


def test_nothing_is_kept_or_reported_about_its_use(doubling: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "import sys; from pathlib import Path; from engine.graphs import open_session; "
        "print(open_session(Path(sys.argv[1]), 'cpu').get_inputs()[0].name)"
    )
    places = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_DATA_HOME": str(home / "data")}
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"} | places
    done = subprocess.run(
        [sys.executable, "-c", program, str(doubling)], env=environment, cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["x"]
    # Its reports begin with a name for this computer and a database, in the user's folders.
    assert not list(home.rglob("*"))
