"""What the machine at hand can do."""

import torch

PRECISIONS = ("auto", "fp32", "bf16")
"""Choices for `use_bf16`."""


def use_bf16(precision: str, device: torch.device) -> bool:
    """Tell whether convolutions are to run in bfloat16: ``"auto"`` means where the hardware has it."""
    # Older versions of PyTorch do not tell what the processor can do.
    known = getattr(torch.cpu, "get_capabilities", dict)()
    fast = device.type == "cuda" or bool(known.get("avx512_bf16"))
    return fast if precision == "auto" else precision == "bf16"
