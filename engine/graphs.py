"""Networks as ONNX graphs, and ONNX Runtime, which runs them: opened the same way everywhere, stopped on the way."""

import ctypes
import importlib.util
import io
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import models  # noqa: F401  keeps ONNX Runtime from reporting its use
from engine.generate import BackendUnavailableError, nvidia_driver
from engine.types import CancelledError

Feeds = Mapping[str, NDArray]
"""What a graph is given, by its inputs' names; each in C order."""

TENSORRT, CUDA, CPU = (f"{name}ExecutionProvider" for name in ("Tensorrt", "CUDA", "CPU"))


class Stop:
    """Ends a run from another thread. Each call has its own, so that none ends what comes later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._end: Callable[[], None] | None = None
        self.asked = False

    def ask(self) -> None:
        """End what runs, and whatever would run next; may be called on any thread."""
        with self._lock:
            self.asked = True
            if self._end is not None:
                self._end()

    @contextmanager
    def during(self, end: Callable[[], None], start: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Call ``start``, and let ``end`` be called while what is in the block runs.

        Raises
        ------
        CancelledError
            If the end has been asked for before, or the block has failed after that.
        """
        with self._lock:
            if self.asked:
                raise CancelledError
            start()
            self._end = end
        try:
            yield
        except Exception:
            if self.asked:
                raise CancelledError from None
            raise
        finally:
            with self._lock:
                self._end = None


class Graph(Protocol):
    """A graph that can be run, on one thread."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs' names; what is not needed is not among them."""
        ...

    def run(self, feeds: Feeds, stop: Stop) -> list[NDArray[np.float32]]:
        """Compute the outputs, which are the caller's own; what is not among `inputs` is ignored.

        Raises
        ------
        CancelledError
            If that was asked of ``stop``. What else goes wrong, the runtimes say in exceptions of their own.
        """
        ...


# Files


def metadata(path: Path) -> dict[str, str]:
    """Read a graph's metadata, skipping the graph itself.

    Raises
    ------
    ValueError
        If the file is no graph, or has been cut short.
    OSError
        If it cannot be read.
    """
    found: dict[str, str] = {}
    whole = False
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while file.tell() < size:
            field, length = _field(file)
            if file.tell() + length > size:
                raise ValueError("the file has been cut short")
            if field == 14:  # ModelProto.metadata_props
                entry, parts = io.BytesIO(file.read(length)), {1: "", 2: ""}
                while entry.tell() < length:
                    part, count = _field(entry)
                    parts[part] = entry.read(count).decode()
                found[parts[1]] = parts[2]
            else:
                whole |= field == 7  # ModelProto.graph
                file.seek(length, io.SEEK_CUR)
    if not whole:
        raise ValueError("the file holds no graph")
    return found


def _field(file: Any) -> tuple[int, int]:
    """Read the head of a protocol buffer's field: its number, and how many bytes follow."""
    tag = _number(file)
    kind = tag & 7
    if kind == 0:
        _number(file)
    lengths = {0: lambda: 0, 1: lambda: 8, 2: lambda: _number(file), 5: lambda: 4}
    if kind not in lengths:
        raise ValueError("the file is no graph")
    return tag >> 3, lengths[kind]()


def _number(file: Any) -> int:
    value = shift = 0
    while byte := file.read(1):
        value |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            return value
    raise ValueError("the file has been cut short")


def threads_asked_for() -> int:
    """Return how many threads to compute with; 0 to leave it to the runtime.

    By what PyTorch and OpenMP heed by themselves, so that several processes can share a machine.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdecimal() else 0


# ONNX Runtime


def open_session(path: Path, device: str, tensorrt: Mapping[str, str] | None = None) -> Any:
    """Open a graph.

    Parameters
    ----------
    path
        An ``.onnx`` file.
    device
        ``"cuda"`` or ``"cpu"``.
    tensorrt
        Options of TensorRT's provider, which on CUDA then goes first, if it is installed and takes the graph.

    Returns
    -------
    onnxruntime.InferenceSession
        Typed loosely, as ONNX Runtime is imported only here.

    Raises
    ------
    BackendUnavailableError
        If ONNX Runtime cannot be imported, or lacks the device. What else is wrong with the graph, ONNX Runtime says in
        exceptions of its own, which share no other base class.
    """
    try:
        import onnxruntime
    except (ImportError, OSError) as error:
        raise BackendUnavailableError(f"ONNX Runtime cannot be imported ({error})") from error
    providers: list[str | tuple[str, dict[str, str]]] = [CPU]
    if device == "cuda":
        if CUDA not in onnxruntime.get_available_providers():
            raise BackendUnavailableError("this ONNX Runtime is built without CUDA")
        # TF32's 10-bit mantissas would keep the back ends from agreeing to 1e-3.
        providers.insert(0, (CUDA, {"use_tf32": "0"}))
        if nvidia_driver() and hasattr(onnxruntime, "preload_dlls"):
            # CUDA's libraries lie in Python packages, where ONNX Runtime does not look by itself. It prints what it
            # misses, which must not get in between a command's output.
            with redirect_stdout(sys.stderr):
                onnxruntime.preload_dlls()
    # Its log goes to the terminal; what matters is raised.
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    # Threads that spin between runs would take the cores that painting needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if threads := threads_asked_for():
        options.intra_op_num_threads = threads
    session = None
    possible = device == "cuda" and TENSORRT in onnxruntime.get_available_providers()
    if possible and tensorrt is not None and _tensorrt_loads():
        # It has no option of its own for this.
        os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
        first = (TENSORRT, dict(tensorrt))
        with suppress(Exception):  # CUDA alone may well take the graph
            session = onnxruntime.InferenceSession(str(path), options, providers=[first, *providers])
    if session is None:
        session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    if device == "cuda" and CUDA not in session.get_providers():
        raise BackendUnavailableError("ONNX Runtime finds no CUDA device")
    return session


def _tensorrt_loads() -> bool:
    """Load TensorRT's libraries, which ONNX Runtime then finds loaded; it would complain at length without them."""
    names = ("libnvinfer.so.10", "libnvonnxparser.so.10")
    if sys.platform == "win32":
        names = ("nvinfer_10.dll", "nvonnxparser_10.dll")
    found = importlib.util.find_spec("tensorrt_libs")
    folders = [Path(place) for place in (found.submodule_search_locations or ())] if found is not None else []
    for name in names:
        places = [folder / name for folder in folders if (folder / name).is_file()]
        try:
            ctypes.CDLL(str(places[0]) if places else name, mode=getattr(ctypes, "RTLD_GLOBAL", 0))
        except OSError:
            return False
    return True


class SessionGraph:
    """A graph in a session of ONNX Runtime; implements `Graph`.

    Parameters
    ----------
    path, device, tensorrt
        As for `open_session`, which tells what is raised.
    """

    def __init__(self, path: Path, device: str, tensorrt: Mapping[str, str] | None = None) -> None:
        self._session = open_session(path, device, tensorrt)
        self.inputs = tuple(entry.name for entry in self._session.get_inputs())

    def run(self, feeds: Feeds, stop: Stop) -> list[NDArray[np.float32]]:
        """See `Graph.run`."""
        import onnxruntime

        options = onnxruntime.RunOptions()

        def end() -> None:
            options.terminate = True

        given = {name: feeds[name] for name in self.inputs}
        with stop.during(end):
            return list(self._session.run(None, given, options))
