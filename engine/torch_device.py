"""PyTorch, if a device can be used with it, and what a device can do."""

from typing import Any

from engine.generate import BackendUnavailableError
from engine.types import ModelError

MEMORY_SIGNS = ("out of memory", "ALLOC_FAILED")
"""CUDA, its libraries and Apple's MPS say one of these when a device's memory runs out."""


class DeviceMemoryError(ModelError):
    """A device's memory is too small; the CPU's may do."""

    def __init__(self) -> None:
        super().__init__(
            "The graphics card has not enough memory for this model.",
            "Close other programs that use it, or choose the CPU or a smaller model.",
        )


def torch_on(device: str) -> Any:
    """Return the module `torch`, set up for a device.

    Parameters
    ----------
    device
        ``"cuda"``, ``"mps"`` or ``"cpu"``.

    Raises
    ------
    BackendUnavailableError
        If PyTorch cannot be imported, or finds no such device.
    """
    try:
        import torch
    except (ImportError, OSError) as error:
        raise BackendUnavailableError(f"PyTorch cannot be imported ({error})") from error
    usable = {"cpu": lambda: True, "cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
    if not usable[device]():
        raise BackendUnavailableError(f"PyTorch finds no {device.upper()} device")
    if device == "cuda":
        # Its 10-bit mantissas would keep the back ends from agreeing to 1e-3.
        torch.backends.cudnn.allow_tf32 = False
    return torch


def best_precision(capability: tuple[int, int]) -> str:
    """Return the quickest number format that the matrix units of a CUDA device compute with.

    Parameters
    ----------
    capability
        Major and minor compute capability.
    """
    if capability[0] >= 8:
        return "bfloat16"
    return "float16" if capability[0] == 7 else "float32"


def out_of_memory(error: RuntimeError) -> bool:
    """Tell whether PyTorch raised an error because a device's memory ran out."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in MEMORY_SIGNS)
