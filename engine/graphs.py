"""Sessions of ONNX Runtime, opened the same way everywhere."""

import os
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from engine.generate import BackendUnavailableError, nvidia_driver


def open_session(path: Path, device: str) -> Any:
    """Open a graph.

    Parameters
    ----------
    path
        An ``.onnx`` file.
    device
        ``"cuda"`` or ``"cpu"``.

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
    providers: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
    if device == "cuda":
        if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise BackendUnavailableError("this ONNX Runtime is built without CUDA")
        # TF32's 10-bit mantissas would keep the back ends from agreeing to 1e-3.
        providers.insert(0, ("CUDAExecutionProvider", {"use_tf32": "0"}))
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
    # Which PyTorch and OpenMP heed by themselves, so that several processes can share a machine.
    if (threads := os.environ.get("OMP_NUM_THREADS", "")).isdecimal():
        options.intra_op_num_threads = int(threads)
    session = onnxruntime.InferenceSession(str(path), options, providers=providers)
    if device == "cuda" and "CUDAExecutionProvider" not in session.get_providers():
        raise BackendUnavailableError("ONNX Runtime finds no CUDA device")
    return session
