"""Whole renders and composed edits of single portraits, for sheets and measurements."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.dataset import Sample
from models.generator import DenseMappingNetwork, restyled
from resources.labels import LABEL_COUNT

Pixels = NDArray[np.uint8]


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn uint8 RGB (H, W, 3) into float32 (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float().div(127.5).sub(1)


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """Turn float32 (1, 3, H, W) in [-1, 1] into uint8 RGB (H, W, 3)."""
    return image[0].permute(1, 2, 0).add(1).mul(127.5).round().clamp(0, 255).byte().cpu().numpy()


class Renderer:
    """Renders with one network, remembering nothing.

    Parameters
    ----------
    network
        A dense mapping network in eval mode.
    """

    def __init__(self, network: DenseMappingNetwork) -> None:
        self.network = network
        self.device = next(network.parameters()).device

    @torch.inference_mode()
    def style(self, sample: Sample) -> Tensor:
        """Return a portrait's style code, float32 of shape (1, style_size)."""
        return self.network.encode(self._labels(sample.labels), to_tensor(sample.pixels).to(self.device))

    @torch.inference_mode()
    def whole(self, labels: Pixels, style: Tensor) -> Pixels:
        """Render a label map without any surroundings: uint8 RGB of shape (H, W, 3)."""
        context = ()
        if self.network.config.context:
            blank = torch.zeros(1, 3, *labels.shape, device=self.device)
            context = (blank, torch.ones(1, 1, *labels.shape, device=self.device))
        return to_pixels(self.network.decode(self._labels(labels), style, *context))

    @torch.inference_mode()
    def composed(self, source: Pixels, labels: Pixels, style: Tensor, region: Pixels) -> Pixels:
        """Render a region (uint8 (H, W), 1 inside) of an edited portrait; all other pixels are the source's own."""
        context = ()
        if self.network.config.context:
            hole = torch.from_numpy(region)[None, None].float().to(self.device)
            context = (to_tensor(source).to(self.device), hole)
        render = to_pixels(self.network.decode(self._labels(labels), style, *context))
        return np.where(region[..., None] > 0, render, source)

    def restyle(self, style: Tensor, donor: Tensor, ids: Sequence[int]) -> Tensor:
        """Take the look of some classes from another style; a network without region features takes it whole."""
        config = self.network.config
        return restyled(config, style, donor, ids) if config.region_channels else donor

    def _labels(self, labels: Pixels) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(labels))[None].to(self.device)


def telea(source: Pixels, region: Pixels) -> Pixels:
    """Fill a region from its border (Telea, 2004), knowing nothing of labels: the first baseline."""
    blanked = np.where(region[..., None] > 0, np.uint8(0), source)  # what is hidden must not shine through at the rim
    return np.asarray(cv2.inpaint(blanked, region, 5, cv2.INPAINT_TELEA), np.uint8)


def class_means(source: Pixels, labels: Pixels, region: Pixels) -> Pixels:
    """Fill each pixel of a region with the mean colour of its class outside it: the second baseline.

    A class that is nowhere outside gets the mean of all that is.
    """
    filled, outside = source.copy(), region == 0
    general = source[outside].mean(axis=0) if outside.any() else np.full(3, 127.0)
    for label in range(LABEL_COUNT):
        inside, known = (labels == label) & ~outside, (labels == label) & outside
        if inside.any():
            filled[inside] = np.round(source[known].mean(axis=0) if known.any() else general)
    return filled
