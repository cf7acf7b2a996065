"""Networks with random weights, and portraits made of simple shapes, for the tests of what is computed from them."""

import numpy as np
import torch
from numpy.typing import NDArray

from models.config import GeneratorConfig
from models.generator import DenseMappingNetwork
from models.synthetic import TINY, made_mask, made_pixels


def random_network(config: GeneratorConfig = TINY, seed: int = 0) -> DenseMappingNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return DenseMappingNetwork(config).eval()


def made_portraits(count: int = 2, size: int = 64) -> list[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Return label maps, uint8 (size, size), and pictures, uint8 (size, size, 3)."""
    masks = [made_mask(size, glasses=index == 0) for index in range(count)]
    return [(mask, made_pixels(mask, index)) for index, mask in enumerate(masks)]
