"""ONNX graphs compiled by OpenVINO for the CPU, and compiled copies that make the next start quicker."""

import hashlib
import io
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.atomic import replacing
from engine.generate import BackendUnavailableError
from engine.graphs import Feeds, Stop, threads_asked_for
from engine.types import WriteError
from models.config import reason_of
from models.quiet import kept_core, openvino_runtime

BLOB_MAGIC = b"MBPLAN1\n"
BLOB_LARGEST = 96 << 20
"""Of larger graphs, bytes, no compiled copy is kept: it would fill the disk, and is hardly quicker to read."""


def openvino() -> Any:
    """Return the module `openvino`; see `models.quiet`.

    Raises
    ------
    BackendUnavailableError
        If it cannot be imported.
    """
    try:
        return openvino_runtime()
    except (ImportError, OSError) as error:
        raise BackendUnavailableError(f"OpenVINO cannot be imported ({reason_of(error)})") from error


class CompiledGraph:
    """A graph compiled by OpenVINO; implements `engine.graphs.Graph`.

    Parameters
    ----------
    runtime, compiled
        The module `openvino` and its ``CompiledModel``.
    """

    def __init__(self, runtime: Any, compiled: Any) -> None:
        self._tensor, self._compiled = runtime.Tensor, compiled
        self._request = compiled.create_infer_request()
        self.inputs = tuple(map(_name, compiled.inputs))

    def run(self, feeds: Feeds, stop: Stop) -> list[NDArray[np.float32]]:
        """See `engine.graphs.Graph.run`."""
        request = self._request
        self._feed(request, feeds)
        with stop.during(request.cancel, request.start_async):
            request.wait()
        return [tensor.data.copy() for tensor in request.output_tensors]

    def rehearse(self, sizes: Mapping[str, tuple[int, ...]]) -> None:
        """Run it on zeros, as new shapes cost more the first time; may be called on any thread.

        Parameters
        ----------
        sizes
            The last dimensions of inputs, by name; all others as in the graph, and 1 where that leaves them open.
        """
        request, feeds = self._compiled.create_infer_request(), {}
        for name, entry in zip(self.inputs, self._compiled.inputs, strict=True):
            known = [length.get_length() if length.is_static else 1 for length in entry.partial_shape]
            last = sizes.get(name, ())
            feeds[name] = np.zeros((*known[: len(known) - len(last)], *last), entry.element_type.to_dtype())
        self._feed(request, feeds)
        request.start_async()
        request.wait()

    def export(self) -> bytes:
        """Return it as bytes, for `Compiler`."""
        stream = io.BytesIO()
        self._compiled.export_model(stream)
        return stream.getvalue()

    def _feed(self, request: Any, feeds: Feeds) -> None:
        for index, name in enumerate(self.inputs):
            values = feeds[name]
            # Memory is shared only if it may be written to; it must then outlive the run, as the caller's feeds do.
            request.set_input_tensor(index, self._tensor(values, shared_memory=values.flags.writeable))


class Compiler:
    """Compiles graphs with OpenVINO for the CPU.

    Raises
    ------
    BackendUnavailableError
        If OpenVINO is missing, or does not know this computer's CPU.
    """

    def __init__(self) -> None:
        self._runtime = openvino()
        try:
            self._core = kept_core(self._runtime.Core)
            name = self._core.get_property("CPU", "FULL_DEVICE_NAME")
            can = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        except RuntimeError as error:
            raise BackendUnavailableError(f"OpenVINO cannot use this CPU ({_cause(error)})") from error
        self._settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
            # Threads that are bound to cores would make the interface wait for theirs.
            "ENABLE_CPU_PINNING": False,
        }
        if threads := threads_asked_for():
            self._settings["INFERENCE_NUM_THREADS"] = threads
        self._key = (self._runtime.get_version(), name, sorted(can))

    def compile(
        self, path: Path, shapes: Mapping[str, tuple[int, ...]] | None = None, kept: Path | None = None
    ) -> CompiledGraph:
        """Compile a graph.

        Parameters
        ----------
        path
            An ``.onnx`` file.
        shapes
            The shapes of some inputs; other dimensions that the graph leaves open stay open.
        kept
            Where `keep` may have left a compiled copy, which is then used.

        Raises
        ------
        BackendUnavailableError
            If OpenVINO cannot compile it on this machine.
        RuntimeError
            If the file is damaged.
        """
        if kept is not None and (blob := self._read(kept, self._digest(path, shapes))) is not None:
            try:
                return CompiledGraph(self._runtime, self._core.import_model(blob, "CPU", self._settings))
            except RuntimeError:
                with suppress(OSError):
                    kept.unlink()
        model = self._core.read_model(str(path))
        try:
            if shapes:
                names = set(map(_name, model.inputs))
                model.reshape({name: list(shape) for name, shape in shapes.items() if name in names})
            return CompiledGraph(self._runtime, self._core.compile_model(model, "CPU", self._settings))
        except RuntimeError as error:
            raise BackendUnavailableError(f"OpenVINO cannot compile {path.name} ({_cause(error)})") from error

    def keep(self, graph: CompiledGraph, path: Path, shapes: Mapping[str, tuple[int, ...]] | None, kept: Path) -> None:
        """Keep a compiled copy of ``path``, if that is worth it and there is none; see `compile`."""
        digest = self._digest(path, shapes)
        if path.stat().st_size > BLOB_LARGEST or self._read(kept, digest) is not None:
            return
        blob = graph.export()
        with suppress(WriteError), replacing(kept) as file:
            file.write(BLOB_MAGIC + digest + zlib.crc32(blob).to_bytes(4, "little") + blob)

    def _digest(self, path: Path, shapes: Mapping[str, tuple[int, ...]] | None) -> bytes:
        """Identify what a compiled copy is of and for: the file, the shapes, OpenVINO's version and the CPU."""
        stat = path.stat()
        what = (stat.st_size, stat.st_mtime_ns, sorted((shapes or {}).items()), *self._key)
        return hashlib.sha256(repr(what).encode()).digest()

    @staticmethod
    def _read(kept: Path, digest: bytes) -> bytes | None:
        """Return a compiled copy, or None if there is none, or it is damaged or of something else."""
        try:
            with kept.open("rb") as file:
                if file.read(len(BLOB_MAGIC) + len(digest)) != BLOB_MAGIC + digest:
                    return None
                check, blob = file.read(4), file.read()
        except OSError:
            return None
        return blob if zlib.crc32(blob).to_bytes(4, "little") == check else None


def _name(entry: Any) -> str:
    """Return an input's name in the file; what merely hands it on has given it further names."""
    return entry.node.get_friendly_name()


def _cause(error: RuntimeError) -> str:
    """Return the line that says what is wrong: the last one, after where it was found out."""
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]
