"""Graphs compiled by OpenVINO, kept copies of them, and the places of parts."""

import os
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from engine import openvino_graphs
from engine.generate import BackendUnavailableError
from engine.graph_generator import around, grown
from engine.graphs import Stop
from engine.openvino_graphs import Compiler
from engine.types import CancelledError, Region

SHAPES = {"labels": (1, 32, 64), "image": (1, 3, 32, 64), "absent": (1, 2)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A graph that scales a picture, and adds the labels of its pixels."""
    value = helper.make_tensor_value_info
    ends = [
        value("labels", TensorProto.UINT8, [1, "h", "w"]),
        value("image", TensorProto.FLOAT, [1, 3, "h", "w"]),
        value("style", TensorProto.FLOAT, [1, 1]),
    ]
    nodes = [
        # A tensor of one part, so that the input has a further name.
        helper.make_node("Identity", ["style"], ["a_style"]),
        helper.make_node("Mul", ["image", "a_style"], ["scaled"]),
        helper.make_node("Cast", ["labels"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["scaled", "ids"], ["render"]),
    ]
    graph = helper.make_graph(nodes, "scaling", ends, [value("render", TensorProto.FLOAT, [1, 3, "h", "w"])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "scaling.onnx")
    return tmp_path / "scaling.onnx"


@pytest.fixture
def compiler() -> Compiler:
    return Compiler()


def feeds(height: int = 32, width: int = 64) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "labels": rng.integers(0, 19, (1, height, width), np.uint8),
        "image": rng.random((1, 3, height, width), np.float32),
        "style": np.array([[2]], np.float32),
    }


def expected(given: dict[str, np.ndarray]) -> np.ndarray:
    return given["image"] * 2 + given["labels"].astype(np.float32)


def test_a_graph_of_one_shape_and_one_of_all(compiler: Compiler, path: Path) -> None:
    fixed, open_ = compiler.compile(path, SHAPES), compiler.compile(path)
    assert set(fixed.inputs) == set(open_.inputs) == {"labels", "image", "style"}
    for size in ((32, 64), (8, 16)):
        given = feeds(*size)
        given["image"].setflags(write=False)
        open_.rehearse({"labels": size, "image": size})
        (render,) = open_.run(given | {"more": np.zeros(1)}, Stop())
        np.testing.assert_allclose(render, expected(given), rtol=1e-6)
    (render,) = fixed.run(feeds(), Stop())
    again = fixed.run(feeds() | {"style": np.array([[3]], np.float32)}, Stop())[0]
    assert not np.array_equal(render, again)  # the caller's own: not overwritten
    with pytest.raises(RuntimeError):
        fixed.run(feeds(8, 16), Stop())
    np.testing.assert_allclose(fixed.run(feeds(), Stop())[0], render, rtol=1e-6)


def test_what_was_ended_before_does_not_start(compiler: Compiler, path: Path) -> None:
    graph, stop = compiler.compile(path), Stop()
    stop.ask()
    with pytest.raises(CancelledError):
        graph.run(feeds(), stop)
    np.testing.assert_allclose(graph.run(feeds(), Stop())[0], expected(feeds()), rtol=1e-6)


# Kept copies


def test_a_kept_copy_is_used(monkeypatch: pytest.MonkeyPatch, compiler: Compiler, path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    compiler.keep(compiler.compile(path, SHAPES, kept), path, SHAPES, kept)
    made = kept.stat().st_mtime_ns
    compiler.keep(compiler.compile(path, SHAPES), path, SHAPES, kept)
    assert kept.stat().st_mtime_ns == made  # once
    monkeypatch.setattr(compiler, "_core", SimpleNamespace(import_model=compiler._core.import_model))
    graph = compiler.compile(path, SHAPES, kept)
    assert set(graph.inputs) == {"labels", "image", "style"}
    np.testing.assert_allclose(graph.run(feeds(), Stop())[0], expected(feeds()), rtol=1e-6)


@pytest.mark.parametrize("damage", ["flipped", "short", "empty", "other shapes", "other file", "other version"])
def test_a_copy_that_is_damaged_or_of_something_else_is_not(
    monkeypatch: pytest.MonkeyPatch, compiler: Compiler, path: Path, tmp_path: Path, damage: str
) -> None:
    kept, other = tmp_path / "kept", {"labels": (1, 8, 16), "image": (1, 3, 8, 16)}
    compiler.keep(compiler.compile(path, other), path, other if damage == "other shapes" else SHAPES, kept)
    content = bytearray(kept.read_bytes())
    if damage == "flipped":
        content[-100] ^= 1
    kept.write_bytes({"short": content[:-1], "empty": b""}.get(damage, content))
    if damage == "other file":
        os.utime(path, ns=(0, 0))
    if damage == "other version":
        monkeypatch.setattr(compiler, "_key", ("another version",))
    graph = compiler.compile(path, SHAPES, kept)
    np.testing.assert_allclose(graph.run(feeds(), Stop())[0], expected(feeds()), rtol=1e-6)
    compiler.keep(graph, path, SHAPES, kept)
    assert kept.read_bytes() != content  # made anew


def test_a_copy_that_openvino_does_not_take_is_removed(compiler: Compiler, path: Path, tmp_path: Path) -> None:
    kept, nonsense = tmp_path / "kept", b"no copy"
    check = zlib.crc32(nonsense).to_bytes(4, "little")
    kept.write_bytes(openvino_graphs.BLOB_MAGIC + compiler._digest(path, SHAPES) + check + nonsense)
    graph = compiler.compile(path, SHAPES, kept)
    assert not kept.exists()
    np.testing.assert_allclose(graph.run(feeds(), Stop())[0], expected(feeds()), rtol=1e-6)


def test_large_graphs_and_full_disks_mean_no_copy(
    monkeypatch: pytest.MonkeyPatch, compiler: Compiler, path: Path, tmp_path: Path
) -> None:
    graph = compiler.compile(path, SHAPES)
    compiler.keep(graph, path, SHAPES, tmp_path / "missing folder" / "kept")
    monkeypatch.setattr(openvino_graphs, "BLOB_LARGEST", path.stat().st_size - 1)
    compiler.keep(graph, path, SHAPES, tmp_path / "kept")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


# What can be wrong


def test_a_damaged_graph_is_told_from_one_that_cannot_be_compiled(compiler: Compiler, path: Path) -> None:
    with pytest.raises(BackendUnavailableError, match=r"cannot compile scaling\.onnx"):
        compiler.compile(path, {"image": (1, 3, 8, 8), "labels": (1, 8, 16)})
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(RuntimeError):
        compiler.compile(path)


def test_a_cpu_that_it_does_not_know_is_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    class Core:
        def get_property(self, device: str, name: str) -> str:
            raise RuntimeError("Exception from core.cpp:1:\nDevice CPU is not registered\n\n")

    monkeypatch.setattr(openvino_graphs, "openvino_runtime", lambda: SimpleNamespace(Core=Core))
    with pytest.raises(BackendUnavailableError, match=r"cannot use this CPU \(Device CPU is not registered\)"):
        Compiler()


def test_a_library_that_is_broken_counts_as_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "openvino.py").write_text("raise OSError('libfoo.so: not found')")
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendUnavailableError, match=r"cannot be imported .*libfoo\.so"):
        Compiler()


def test_importing_it_sends_nothing() -> None:
    code = (
        "import sys; from models.quiet import openvino_runtime as load; load().Core(); load();"
        "print([name for name in sys.modules if 'telemetry' in name or name.startswith('openvino.tools')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_signals_arrive_after_the_last_graph_was_freed_on_another_thread(path: Path) -> None:
    code = """if True:
        import gc, os, signal, sys, threading
        from pathlib import Path
        from engine.openvino_graphs import Compiler
        signal.signal(signal.SIGTERM, lambda *_: print("arrived"))
        held = [Compiler()]
        held.append(held[0].compile(Path(sys.argv[1])))
        thread = threading.Thread(target=held.clear)
        thread.start()
        thread.join()
        gc.collect()
        os.kill(os.getpid(), signal.SIGTERM)
        print("alive")
    """
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", code, str(path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["arrived", "alive"]), done.stderr


@pytest.mark.parametrize(("threads", "expected"), [("3", 3), ("", None), ("many", None)])
def test_it_computes_with_as_many_threads_as_asked_for(
    monkeypatch: pytest.MonkeyPatch, path: Path, threads: str, expected: int | None
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    compiler = Compiler()
    assert compiler._settings.get("INFERENCE_NUM_THREADS") == expected
    compiler.compile(path)


# The places of parts


@pytest.mark.parametrize("padding", ["reflect", "constant"])
def test_surroundings_are_a_window_of_the_padded_whole(padding) -> None:
    deep = np.random.default_rng(0).random((2, 3, 5, 7), np.float32)
    padded = np.pad(deep, [(0, 0), (0, 0), (1, 1), (1, 1)], mode=padding)
    for y0, y1 in ((0, 2), (1, 3), (3, 5), (0, 5)):
        for x0, x1 in ((0, 3), (2, 4), (5, 7), (0, 7)):
            window = around(deep, Region(4 * y0, 4 * x0, 4 * y1, 4 * x1), 4, padding)
            assert window.flags.c_contiguous
            assert np.array_equal(window, padded[:, :, y0 : y1 + 2, x0 : x1 + 2])


def test_lengthened_stretches_hold_the_old_ones_and_stay_inside() -> None:
    for unit in (4, 16, 32):
        for start in range(0, 96, 4):
            for end in range(start + 4, 97, 4):
                first, last = grown(start, end, 96, 4, unit)
                assert 0 <= first <= start and end <= last <= 96 and first % 4 == last % 4 == 0
                assert (last - first) % unit == 0 and 8 <= last - first < max(8, end - start) + unit
