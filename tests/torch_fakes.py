"""What the tests of the PyTorch back end share: tiny networks, inputs, and plain renders to compare with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.torch_backend import TorchGenerator
from engine.types import Region, StyleCode
from models.config import GeneratorConfig
from models.generator import DenseMappingNetwork
from models.synthetic import TINY
from tests.fakes import make_portrait

PLAIN = GeneratorConfig(size=64, width=4, downsamplings=2, blocks=1)
CONFIGS = {"context": TINY, "plain": PLAIN}
SIDE = 128
LABELS, PIXELS = make_portrait(SIDE).labels, make_portrait(SIDE).pixels
REGION = np.zeros((SIDE, SIDE), np.float32)
REGION[:, SIDE // 2 :] = 1
EVERYTHING = Region(0, 0, SIDE, SIDE)
NO_MEMORY = [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("MPS backend out of memory")]


def styled(network: DenseMappingNetwork, seed: int = 0) -> StyleCode:
    vector = np.random.default_rng(seed).normal(0, 0.5, network.config.style_size)
    return StyleCode(vector.astype(np.float32), "")


def exact(
    network: DenseMappingNetwork, style: StyleCode, labels=LABELS, pixels=PIXELS, region=REGION, dtype=torch.float32
) -> np.ndarray:
    """Render with the network as it stands, NCHW."""
    context = ()
    if network.config.context:
        image = torch.tensor(pixels.transpose(2, 0, 1)[None], dtype=dtype) / 127.5 - 1
        context = (image, torch.tensor(region[None, None], dtype=dtype))
    with torch.inference_mode():
        render = network.decode(torch.tensor(labels[None]), torch.tensor(style.vector[None], dtype=dtype), *context)
    return render[0].permute(1, 2, 0).numpy()


def encoded(generator: TorchGenerator, seed: int = 0) -> StyleCode:
    portrait = make_portrait(SIDE, seed=seed)
    return generator.encode(portrait.pixels, portrait.labels)


def stem(network: DenseMappingNetwork) -> nn.Conv2d:
    conv = network.model[1]
    assert isinstance(conv, nn.Conv2d)
    return conv


def loaded(weights: Path) -> DenseMappingNetwork:
    from models.checkpoints import load_generator

    return load_generator(weights)[0]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * float(np.log10(4 / np.square(a - b).mean()))


def fail(times: int, error: BaseException, then: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """Return a function that fails so many times before it does what another does, and its calls."""
    calls: list[int] = []

    def run(*args: object, **kwargs: object) -> Any:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return then(*args, **kwargs)

    return run, calls
