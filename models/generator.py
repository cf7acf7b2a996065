"""Dense mapping network: the generator of MaskGAN (Lee et al., CVPR 2020, section 3.1), whole and in lighter forms.

The network has two halves. ``encode`` turns a portrait and its label map into a style code (the parameters of the
generator's AdaIN layers) and needs to run once per portrait; ``decode`` turns a label map and a style code into a
picture and runs once per edit.

Parameter names and shapes of the published configuration are those of the published checkpoints, so these load as they
are. Lighter configurations are the same class; what they change or add is in `GeneratorConfig`.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import GeneratorConfig, Norm, Padding
from models.planes import boundary_map, fill_regions, one_hot, region_means
from resources.labels import LABEL_COUNT

NOISE_SIDE = 256
"""Side of the noise pattern, in pixels; larger pictures repeat it."""

STYLE_CHANNELS = (16, 32, 64)
"""Channels of the encoders at full, half and quarter resolution."""


class AdaIN(nn.Module):
    """Adaptive instance normalisation (Huang & Belongie, ICCV 2017): instance norm, then a given scale and shift.

    The running statistics exist in the published checkpoints but play no part in the output.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Normalise ``x`` (N, C, H, W), then apply ``scale`` and ``shift``, each (N, C)."""
        x = F.instance_norm(x, eps=1e-5)
        return x * scale[:, :, None, None] + shift[:, :, None, None]


class Pass:
    """How the layers of a decode are run: just so. Other passes look at what is normalised, or replace it."""

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """Apply a layer outside the residual blocks to ``x`` (N, C, H, W)."""
        return module(x)

    def deep(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """Apply a residual block's convolution to ``x`` (N, C, h, w)."""
        return conv(x)

    def restyle(self, module: AdaIN, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """Normalise ``x`` (N, C, h, w), then apply ``scale`` and ``shift``, each (N, C)."""
        return module(x, shift, scale)


PLAIN = Pass()


class StyledConv(nn.Module):
    """3x3 convolution followed by AdaIN."""

    def __init__(self, channels: int, padding: Padding) -> None:
        super().__init__()
        self.norm = AdaIN(channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, padding_mode=padding)

    def forward(self, x: Tensor, shift: Tensor, scale: Tensor, how: Pass = PLAIN) -> Tensor:
        """Convolve ``x`` (N, C, H, W) and restyle it with ``shift`` and ``scale``, each (N, C)."""
        return how.restyle(self.norm, how.deep(self.conv, x), shift, scale)


class StyledBlock(nn.Module):
    """Residual block of two styled convolutions, ReLU after the first only."""

    def __init__(self, channels: int, padding: Padding) -> None:
        super().__init__()
        self.channels = channels
        self.conv_block = nn.ModuleList(StyledConv(channels, padding) for _ in range(2))

    def forward(self, x: Tensor, style: Tensor, how: Pass = PLAIN) -> Tensor:
        """Add to ``x`` (N, C, H, W) what ``style`` (N, 4 * C) makes of it: shift, scale, shift, scale."""
        shift_1, scale_1, shift_2, scale_2 = style.split(self.channels, dim=1)
        y = F.relu(self.conv_block[0](x, shift_1, scale_1, how))
        return x + self.conv_block[1](y, shift_2, scale_2, how)


class PaddedConv(nn.Module):
    """Convolution with an optional ReLU: the building block of both encoders."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, padding: Padding, relu: bool = True
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2, padding_mode=padding)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Turn (N, inputs, H, W) into (N, outputs, H / stride, W / stride)."""
        x = self.conv(x)
        return F.relu(x) if self.relu else x


class SFT(nn.Module):
    """Spatial feature transform (Wang et al., CVPR 2018): scale and shift maps computed from label features."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.SFT_scale_conv1 = nn.Conv2d(channels, channels, 1)
        self.SFT_scale_conv2 = nn.Conv2d(channels, channels, 1)
        self.SFT_shift_conv1 = nn.Conv2d(channels, channels, 1)
        self.SFT_shift_conv2 = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """Modulate ``x`` by what is computed from ``condition``, both (N, C, H, W)."""
        scale = self.SFT_scale_conv2(F.leaky_relu(self.SFT_scale_conv1(condition), 0.1))
        shift = self.SFT_shift_conv2(F.leaky_relu(self.SFT_shift_conv1(condition), 0.1))
        return x * scale + shift


class LabelEncoder(nn.Module):
    """Features of the label map at a quarter and at 1/32 of the resolution, for the style encoder's SFT layers."""

    def __init__(self, padding: Padding) -> None:
        super().__init__()
        first, second, last = STYLE_CHANNELS
        self.model = nn.Sequential(
            PaddedConv(LABEL_COUNT, first, 7, 1, padding),
            PaddedConv(first, second, 4, 2, padding),
            PaddedConv(second, last, 4, 2, padding, relu=False),
        )
        self.model_last = nn.Sequential(
            nn.ReLU(),
            PaddedConv(last, last, 4, 2, padding),
            PaddedConv(last, last, 4, 2, padding),
            PaddedConv(last, last, 4, 2, padding, relu=False),
        )

    def forward(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Turn one-hot planes (N, 19, H, W) into features (N, 64, H / 4, W / 4) and (N, 64, H / 32, W / 32)."""
        quarter = self.model(planes)
        return quarter, self.model_last(quarter)


class StyleEncoder(nn.Module):
    """Spatial-aware style encoder (section 3.1): portrait and label features to AdaIN parameters.

    With ``region_features``, values for each class are computed as well; see `GeneratorConfig`.
    """

    def __init__(self, adain_size: int, padding: Padding, region_features: int = 0) -> None:
        super().__init__()
        first, second, last = STYLE_CHANNELS
        self.model = nn.Sequential(
            PaddedConv(3, first, 7, 1, padding),
            PaddedConv(first, second, 4, 2, padding),
            PaddedConv(second, last, 4, 2, padding),
        )
        self.model_middle = nn.Sequential(*(PaddedConv(last, last, 4, 2, padding) for _ in range(3)))
        self.model_last = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(last, adain_size, 1))
        self.sft1 = SFT(last)
        self.sft2 = SFT(last)
        self.regions = nn.Conv2d(last, region_features, 1) if region_features else None

    def forward(self, image: Tensor, planes: Tensor, quarter: Tensor, thirty_second: Tensor) -> Tensor:
        """Turn a portrait (N, 3, H, W) in [-1, 1], its one-hot label map and label features into a style code."""
        local = self.model(image)
        x = self.sft1(local, quarter)
        x = self.sft2(self.model_middle(x), thirty_second)
        code = self.model_last(x).flatten(1)
        if self.regions is None:
            return code
        # Variance is what is left of the mean square: taken from the mean, as float32 has digits enough in [-1, 1].
        mean, square = region_means(image, planes), region_means(image.float() ** 2, planes)
        deviation = (square - mean**2).clamp(min=0).add(1e-6).sqrt()
        present = (planes.flatten(2).sum(dim=2, keepdim=True) > 0).float()
        learned = region_means(torch.tanh(self.regions(local).float()), F.avg_pool2d(planes, 4))
        table = torch.cat([present, mean, deviation, learned], dim=2) * present
        return torch.cat([code.float(), table.flatten(1)], dim=1)


def _norm(kind: Norm, channels: int) -> nn.Module:
    return nn.InstanceNorm2d(channels) if kind == "instance" else nn.GroupNorm(max(1, channels // 8), channels)


def class_table(config: GeneratorConfig, style: Tensor) -> Tensor:
    """Return the values of the classes in style codes (N, style_size): (N, 19, region_channels), not a copy."""
    return style[:, config.adain_size :].reshape(-1, LABEL_COUNT, config.region_channels)


def with_class_table(config: GeneratorConfig, style: Tensor, table: Tensor) -> Tensor:
    """Return style codes (N, style_size) with other values of the classes, (N, 19, region_channels)."""
    return torch.cat([style[:, : config.adain_size], table.flatten(1)], dim=1)


def restyled(config: GeneratorConfig, style: Tensor, donor: Tensor, ids: Sequence[int]) -> Tensor:
    """Return a style code with the values of some classes taken from another, all else as it was.

    Parameters
    ----------
    config
        Of the network that made both codes; it must have region features.
    style, donor
        float32 of shape (N, config.style_size).
    ids
        The classes whose look is taken from ``donor``.
    """
    table = class_table(config, style).clone()
    table[:, list(ids)] = class_table(config, donor)[:, list(ids)]
    return with_class_table(config, style, table)


class DenseMappingNetwork(nn.Module):
    """The generator: label map and style code to portrait.

    Parameters
    ----------
    config
        The shape of the network; the published one by default.
    """

    noise: Tensor

    def __init__(self, config: GeneratorConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or GeneratorConfig()
        half = c.stem_kernel // 2
        pad = nn.ReflectionPad2d if c.padding == "reflect" else nn.ZeroPad2d
        layers: list[nn.Module] = [
            pad(half),
            nn.Conv2d(c.input_channels, c.channels[0], c.stem_kernel),
            _norm(c.norm, c.channels[0]),
            nn.ReLU(),
        ]
        for inputs, outputs in pairwise(c.channels):
            layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), _norm(c.norm, outputs), nn.ReLU()]
        layers += [StyledBlock(c.channels[-1], c.padding) for _ in range(c.blocks)]
        for inputs, outputs in pairwise(reversed(c.channels)):
            up = nn.ConvTranspose2d(inputs, outputs, c.up_kernel, 2, 1, output_padding=c.up_kernel % 2)
            layers += [up, _norm(c.norm, outputs), nn.ReLU()]
        layers += [pad(half), nn.Conv2d(c.channels[0], 3, c.stem_kernel), nn.Tanh()]
        self.model = nn.Sequential(*layers)
        self.enc_style = StyleEncoder(c.adain_size, c.padding, c.region_features)
        self.enc_label = LabelEncoder(c.padding)
        if c.noise:
            pattern = torch.randn(1, 1, NOISE_SIDE, NOISE_SIDE, generator=torch.Generator().manual_seed(0))
            self.register_buffer("noise", pattern)

    def encode(self, labels: Tensor, image: Tensor) -> Tensor:
        """Compute the style code of a portrait.

        Parameters
        ----------
        labels
            The portrait's own label map, any integer type of shape (N, H, W), ids 0..18.
        image
            float32 RGB of shape (N, 3, H, W) in [-1, 1]; H and W multiples of ``config.multiple``.

        Returns
        -------
        Tensor
            float32 of shape (N, config.style_size): for each AdaIN layer in order, first the shifts, then the scales;
            then the values of each class, if there are any.
        """
        planes = one_hot(labels)
        return self.enc_style(image, planes, *self.enc_label(planes))

    def decode(
        self, labels: Tensor, style: Tensor, image: Tensor | None = None, region: Tensor | None = None
    ) -> Tensor:
        """Render a label map in a given style.

        Parameters
        ----------
        labels
            The label map asked for, any integer type of shape (N, H, W), ids 0..18.
        style
            float32 of shape (N, config.style_size).
        image, region
            For a network with context only: the source picture, float32 of shape (N, 3, H, W) in [-1, 1], and the
            region to complete, float32 of shape (N, 1, H, W), 1 where the picture is to be made anew. What the picture
            holds inside the region has no influence.

        Returns
        -------
        Tensor
            float32 RGB of shape (N, 3, H, W) in [-1, 1].

        Raises
        ------
        ValueError
            If a network with context is given no picture or no region.
        """
        return self.draw(self.planes(labels, style, image, region), style)

    def planes(
        self,
        labels: Tensor,
        style: Tensor,
        image: Tensor | None = None,
        region: Tensor | None = None,
        origin: Tensor | None = None,
    ) -> Tensor:
        """Return what enters the first convolution, float32 of shape (N, config.input_channels, H, W).

        The parameters are those of `decode`. Where they are a part of a picture, ``origin``, int64 of shape (2,), is
        the row and column of its first pixel.
        """
        c = self.config
        planes = [one_hot(labels)]
        if c.boundary:
            planes.append(boundary_map(labels))
        if c.context:
            if image is None or region is None:
                raise ValueError("a network with context needs the source picture and the region to complete")
            planes += [image * (1 - region), region]
        if c.region_channels:
            planes.append(fill_regions(class_table(c, style).to(planes[0].dtype), planes[0]))
        if c.noise:
            # Last, so that weights without it can be taken up by one that has it.
            planes.append(self._noise(labels, origin))
        return torch.cat(planes, dim=1)

    def draw(self, planes: Tensor, style: Tensor, how: Pass = PLAIN) -> Tensor:
        """Render `planes` in a style, float32 of shape (N, config.style_size): (N, 3, H, W) in [-1, 1]."""
        c = self.config
        x = self._run(planes, 0, 4, how)
        features = [x]
        position = 4
        for _ in range(c.downsamplings):
            x = self._run(x, position, position + 3, how)
            features.append(x)
            position += 3
        for code in style[:, : c.adain_size].split(4 * c.channels[-1], dim=1):
            x = self.model[position](x, code, how)
            position += 1
        for level in reversed(range(c.downsamplings)):
            x = self._run(x, position, position + 3, how)
            if c.skips:
                x = x + features[level]
            position += 3
        return self._run(x, position, len(self.model), how)

    def _noise(self, labels: Tensor, origin: Tensor | None = None) -> Tensor:
        """Return the noise pattern as it lies under label maps (N, H, W): float32 of shape (N, 1, H, W)."""
        rows, columns = (torch.arange(side, device=labels.device) for side in labels.shape[1:])
        if origin is not None:
            rows, columns = rows + origin[0], columns + origin[1]
        pattern = self.noise.index_select(2, rows % NOISE_SIDE).index_select(3, columns % NOISE_SIDE)
        return pattern.expand(labels.shape[0], -1, -1, -1)

    def _run(self, x: Tensor, start: int, stop: int, how: Pass) -> Tensor:
        for index in range(start, stop):
            x = how.layer(self.model[index], x)
        return x

    def forward(self, labels: Tensor, source_labels: Tensor, source: Tensor) -> Tensor:
        """Render ``labels`` in a portrait's style: `encode` and `decode` in one, as the published network is called."""
        return self.decode(labels, self.encode(source_labels, source))
