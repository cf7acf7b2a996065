"""Multi-scale patch discriminator (pix2pixHD, Wang et al., CVPR 2018, section 3.2), as MaskGAN uses it.

Parameter names and shapes of the published configuration are those of the published code.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resources.labels import LABEL_COUNT


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The shape of a discriminator; the defaults are the published one.

    Attributes
    ----------
    width
        Channels after the first convolution; doubled by each further layer up to eightfold.
    layers
        The number of stride-2 convolutions.
    scales
        The number of resolutions, each half of the last, that have a discriminator of their own.
    """

    width: int = 64
    layers: int = 3
    scales: int = 2

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.scales) < 1:
            raise ValueError("width, layers and scales must be positive")


class PatchDiscriminator(nn.Module):
    """Judges patches of a portrait against the label map it should show.

    Parameters
    ----------
    config
        The shape of the network; the published one by default.
    """

    def __init__(self, config: DiscriminatorConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or DiscriminatorConfig()
        for scale in range(c.scales):
            inputs = LABEL_COUNT + 3
            for layer in range(c.layers + 2):
                last = layer == c.layers + 1
                outputs = 1 if last else c.width * min(2**layer, 8)
                block: list[nn.Module] = [nn.Conv2d(inputs, outputs, 4, stride=2 if layer < c.layers else 1, padding=2)]
                if layer > 0 and not last:
                    block.append(nn.InstanceNorm2d(outputs))
                if not last:
                    block.append(nn.LeakyReLU(0.2))
                self.add_module(f"scale{scale}_layer{layer}", nn.Sequential(*block))
                inputs = outputs

    def forward(self, planes: Tensor, image: Tensor) -> list[list[Tensor]]:
        """Judge a picture.

        Parameters
        ----------
        planes
            The label map one-hot, float32 of shape (N, 19, H, W).
        image
            float32 RGB of shape (N, 3, H, W) in [-1, 1].

        Returns
        -------
        list of list of Tensor
            For each scale, from full resolution down, the output of every layer; the last is the patch verdict of
            shape (N, 1, h, w).
        """
        x = torch.cat([planes, image], dim=1)
        results = []
        # The published code numbers the scales from the coarsest.
        for scale in reversed(range(self.config.scales)):
            y, outputs = x, []
            for layer in range(self.config.layers + 2):
                y = self.get_submodule(f"scale{scale}_layer{layer}")(y)
                outputs.append(y)
            results.append(outputs)
            x = F.avg_pool2d(x, 3, stride=2, padding=1, count_include_pad=False)
        return results
