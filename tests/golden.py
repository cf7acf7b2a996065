"""Networks with known weights and inputs, for checks against stored numbers.

Weights are filled by a rule that depends on each parameter's name and shape alone, and inputs follow from formulas, so
that a check needs no file. The same rule filled the reference implementations from which the numbers were taken.
"""

import hashlib
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from resources.labels import LABEL_COUNT

Network = TypeVar("Network", bound=nn.Module)


def golden_weights(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the weights of one parameter or buffer."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")
    values = np.random.default_rng(seed).standard_normal(shape)
    if name.endswith("running_mean"):
        values = 0.1 * values
    elif name.endswith("running_var"):
        values = np.exp(0.1 * values)
    elif len(shape) >= 2:
        values = values / np.sqrt(np.prod(shape[1:]))
    elif name.endswith("bias"):
        values = 0.1 * values
    else:
        values = 1 + 0.1 * values
    return values.astype(np.float32)


def fill(network: Network) -> Network:
    """Give every parameter and buffer its golden weights; returns the network in eval mode."""
    state = network.state_dict()
    for name, value in state.items():
        if value.is_floating_point():  # batch counters stay as they are
            value.copy_(torch.from_numpy(golden_weights(name, tuple(value.shape))))
    return network.eval()


def layout_checksum(network: nn.Module) -> str:
    """Return the SHA-256 of the names and shapes of all parameters and buffers, in order."""
    lines = [f"{name} {'x'.join(map(str, value.shape))}\n" for name, value in network.state_dict().items()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def made_labels(height: int, width: int, shift: int = 0) -> Tensor:
    """Return a patchwork of all classes: uint8 of shape (1, H, W)."""
    rows, columns = np.mgrid[:height, :width]
    ids = (rows // 8 * 5 + columns // 8 * 7 + (rows + columns) // 24 + shift) % LABEL_COUNT
    return torch.from_numpy(ids.astype(np.uint8))[None]


def made_image(height: int, width: int) -> Tensor:
    """Return a smooth colour pattern: float32 of shape (1, 3, H, W) in [-1, 1]."""
    rows, columns = np.mgrid[:height, :width]
    planes = [
        0.9 * np.sin(2 * np.pi * (rows * (c + 1.3) / 128 + columns * (2.0 - 0.4 * c) / 128) + c)
        * np.cos(2 * np.pi * rows * columns / 128**2)
        for c in range(3)
    ]  # fmt: skip
    return torch.from_numpy(np.stack(planes).astype(np.float32))[None]


def sampled(values: Tensor, count: int) -> NDArray[np.float32]:
    """Return ``count`` numbers from all over a tensor."""
    flat = values.detach().flatten().numpy()
    return flat[np.arange(count) * 7919 % flat.size]
