"""Sample sheets: what a network makes of a fixed set of portraits, to be looked at."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.dataset import Sample
from models.edits import blanked_region
from models.generator import DenseMappingNetwork
from resources.labels import palette


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn uint8 RGB (H, W, 3) into float32 (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float().div(127.5).sub(1)


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """Turn float32 (1, 3, H, W) in [-1, 1] into uint8 RGB (H, W, 3)."""
    return image[0].permute(1, 2, 0).add(1).mul(127.5).round().clamp(0, 255).byte().cpu().numpy()


@torch.inference_mode()
def sample_sheet(network: DenseMappingNetwork, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Lay out one row a portrait: source, mask, blanked, completed, whole render, render in the next portrait's style.

    Parameters
    ----------
    network
        A network with context, in eval mode.
    samples
        Portraits of one size.

    Returns
    -------
    ndarray
        uint8 RGB.
    """
    device = next(network.parameters()).device
    images = [to_tensor(sample.pixels).to(device) for sample in samples]
    masks = [torch.from_numpy(sample.labels)[None].to(device) for sample in samples]
    styles = [network.encode(mask, image) for mask, image in zip(masks, images, strict=True)]
    rows = []
    for index, sample in enumerate(samples):
        rng = np.random.default_rng(index + 1)
        region = blanked_region(sample.labels, rng)
        while region.all():
            region = blanked_region(sample.labels, rng)
        hole = torch.from_numpy(region)[None, None].float().to(device)
        whole = torch.ones_like(hole)
        image, mask = images[index], masks[index]
        completed = network.decode(mask, styles[index], image, hole) * hole + image * (1 - hole)
        own = network.decode(mask, styles[index], image, whole)
        copied = network.decode(mask, styles[(index + 1) % len(samples)], image, whole)
        blanked = np.where(region[..., None] == 1, np.uint8(128), sample.pixels)
        row = [sample.pixels, palette()[sample.labels], blanked, *(to_pixels(x) for x in (completed, own, copied))]
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows, axis=0)
