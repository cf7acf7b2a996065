"""Alpha blender (MaskGAN, section 3.3): merges the renders of two simulated edits with a predicted alpha map.

Parameter names and shapes of the published configuration are those of the published code.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass(frozen=True)
class BlenderConfig:
    """The shape of an alpha blender; the defaults are the published one.

    Attributes
    ----------
    width
        Channels after the first convolution; doubled by each downsampling.
    downsamplings, blocks
        The number of stride-2 convolutions and of residual blocks.
    """

    width: int = 32
    downsamplings: int = 3
    blocks: int = 3

    def __post_init__(self) -> None:
        if min(self.width, self.downsamplings, self.blocks) < 1:
            raise ValueError("width, downsamplings and blocks must be positive")


class _NormedConv(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect")

    def forward(self, x: Tensor) -> Tensor:
        return F.instance_norm(self.conv(x))


class _Block(nn.Module):
    """Residual block of two convolutions, each followed by instance norm, ReLU after the first only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_block = nn.ModuleList(_NormedConv(channels) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block[1](F.relu(self.conv_block[0](x)))


class AlphaBlender(nn.Module):
    """Predicts how much of each of two pictures to take.

    Parameters
    ----------
    config
        The shape of the network; the published one by default.
    """

    def __init__(self, config: BlenderConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or BlenderConfig()
        widths = [c.width * 2**level for level in range(c.downsamplings + 1)]
        layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(6, c.width, 7), nn.InstanceNorm2d(c.width)]
        layers.append(nn.ReLU())
        for inputs, outputs in pairwise(widths):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.InstanceNorm2d(outputs), nn.ReLU()]
        layers += [_Block(widths[-1]) for _ in range(c.blocks)]
        for inputs, outputs in pairwise(reversed(widths)):
            up = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)
            layers += [up, nn.InstanceNorm2d(outputs), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(c.width, 3, 7), nn.Sigmoid()]
        self.model = nn.Sequential(*layers)

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Blend two pictures.

        Parameters
        ----------
        a, b
            float32 RGB of shape (N, 3, H, W) in [-1, 1]; H and W multiples of ``2 ** downsamplings``, of at least 16.

        Returns
        -------
        blend, alpha
            ``alpha * a + (1 - alpha) * b`` and alpha in [0, 1], float32 of shape (N, 3, H, W).
        """
        alpha = self.model(torch.cat([a, b], dim=1))
        return alpha * a + (1 - alpha) * b, alpha
