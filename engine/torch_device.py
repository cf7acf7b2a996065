"""PyTorch, if a device can be used with it."""

from typing import Any

from engine.generate import BackendUnavailableError


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
