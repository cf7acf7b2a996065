"""Rendering only a part of a picture, from what the last whole render left.

With instance and group norm every pixel depends on all others, through the statistics of each layer. A part can be
rendered by itself if these are kept from the last whole render, and if the residual blocks, which look far around at
their low resolution, find there what lay around the part then. What is missing is what the edit changes of the
statistics, and of the finer layers' surroundings beyond the part's margin: little, for a small edit. To reuse what an
edit leaves alone is the idea of sparse incremental inference (Li et al., SIGE, NeurIPS 2022), which does not treat
these norms.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.generator import AdaIN, DenseMappingNetwork, Pass
from models.winograd import WIDE, WinogradConv

EPSILON = 1e-5
"""Added to variances, as the norms themselves do."""


class Observing(Pass):
    """Runs all layers as they are, and keeps what `Frozen` needs.

    Attributes
    ----------
    statistics
        Mean and variance of each norm's groups in turn, each (N, groups).
    deep_inputs
        What entered each convolution of the residual blocks, (N, C, h, w).
    """

    def __init__(self) -> None:
        self.statistics: list[Tensor] = []
        self.deep_inputs: list[Tensor] = []

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """See `Pass.layer`."""
        if _is_norm(module):
            self._keep(module, x)
        return module(x)

    def deep(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """See `Pass.deep`."""
        self.deep_inputs.append(x)
        return conv(x)

    def restyle(self, module: AdaIN, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """See `Pass.restyle`."""
        self._keep(module, x)
        return module(x, shift, scale)

    def _keep(self, module: nn.Module, x: Tensor) -> None:
        """Keep a norm's statistics, beside the norm itself, which back ends run in one piece, and fast."""
        # A difference of sums, which is good enough for drafts; the norms' own digits come from the norms.
        mean, length = x.mean(dim=(2, 3)), torch.linalg.vector_norm(x, dim=(2, 3))
        square = length * length / (x.shape[2] * x.shape[3])
        mean, square = (values.unflatten(1, (_groups(module, x), -1)).mean(dim=2) for values in (mean, square))
        self.statistics += [mean, (square - mean * mean).clamp(min=0)]


class Exact(Observing):
    """The same, by quicker ways to the same numbers.

    Parameters
    ----------
    wide
        `WinogradConv` for some of the residual blocks' convolutions.
    """

    def __init__(self, wide: dict[nn.Module, WinogradConv]) -> None:
        super().__init__()
        self._wide = wide

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """See `Pass.layer`."""
        if isinstance(module, nn.Conv2d) and _few_outputs(module):
            return _by_rows(module, x)
        return super().layer(module, x)

    def deep(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """See `Pass.deep`."""
        self.deep_inputs.append(x)
        return self._wide.get(conv, conv)(x)


class Frozen(Pass):
    """Runs a part of a picture with the statistics and the surroundings of the last whole render.

    Parameters
    ----------
    statistics
        What `WholeDecode` returned, (1, S).
    around
        For each convolution of the residual blocks, what entered it in and one cell around the part then,
        (L, C, h + 2, w + 2). What lies inside has no influence.
    """

    def __init__(self, statistics: Tensor, around: Tensor) -> None:
        self._statistics, self._around = statistics, around
        self._position = self._depth = 0

    def layer(self, module: nn.Module, x: Tensor) -> Tensor:
        """See `Pass.layer`."""
        if not _is_norm(module):
            return module(x)
        x = self._normalised(module, x)
        if isinstance(module, nn.GroupNorm):
            x = x * module.weight[:, None, None] + module.bias[:, None, None]
        return x

    def deep(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """See `Pass.deep`."""
        around = self._around[self._depth : self._depth + 1]
        self._depth += 1
        x = torch.cat([around[:, :, :1, 1:-1], x, around[:, :, -1:, 1:-1]], dim=2)
        x = torch.cat([around[:, :, :, :1], x, around[:, :, :, -1:]], dim=3)
        return F.conv2d(x, conv.weight, conv.bias)

    def restyle(self, module: AdaIN, x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
        """See `Pass.restyle`."""
        return self._normalised(module, x) * scale[:, :, None, None] + shift[:, :, None, None]

    def _normalised(self, module: nn.Module, x: Tensor) -> Tensor:
        groups = _groups(module, x)
        mean, variance = self._statistics[:, self._position :][:, : 2 * groups].split(groups, dim=1)
        self._position += 2 * groups
        factor = torch.rsqrt(variance + EPSILON)
        each = x.shape[1] // groups
        mean, factor = (values.repeat_interleave(each, dim=1)[:, :, None, None] for values in (mean, factor))
        return (x - mean) * factor


def _is_norm(module: nn.Module) -> bool:
    return isinstance(module, nn.InstanceNorm2d | nn.GroupNorm)


def _groups(module: nn.Module, x: Tensor) -> int:
    """Return into how many groups of channels a norm divides ``x``."""
    return module.num_groups if isinstance(module, nn.GroupNorm) else x.shape[1]


def _few_outputs(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv2d) and module.kernel_size[0] > 3 >= module.out_channels


def _by_rows(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Apply a convolution of few outputs to ``x``, padded, as one of a single row to many, which are then added.

    Few outputs leave most of a processor's vector lanes empty.
    """
    side, outputs = conv.kernel_size[0], conv.out_channels
    rows = F.conv2d(x, conv.weight.permute(2, 0, 1, 3).reshape(side * outputs, -1, 1, side))
    height = rows.shape[2] - side + 1
    parts = [rows[:, k * outputs : (k + 1) * outputs, k : k + height] for k in range(side)]
    assert conv.bias is not None
    return sum(parts[1:], parts[0]) + conv.bias[:, None, None]


class WholeDecode(nn.Module):
    """`DenseMappingNetwork.decode`, which also returns what `PartDecode` needs.

    Parameters
    ----------
    network
        The network.
    quicker
        Whether to go by ways to the same numbers that are quicker on processors, see `Exact`. They take the place of
        layers that could otherwise be quantised.
    """

    def __init__(self, network: DenseMappingNetwork, quicker: bool = False) -> None:
        super().__init__()
        self.network, self._quicker = network, quicker
        convs = [m for m in network.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        deep = [conv for conv in convs if conv.stride == (1, 1) and conv.in_channels == conv.out_channels]
        wide: dict[nn.Module, WinogradConv] = {
            conv: WinogradConv(conv) for conv in deep if quicker and conv.in_channels >= WIDE
        }
        self._wide, self._kept = wide, nn.ModuleList(wide.values())

    @property
    def differs(self) -> bool:
        """Whether any layer goes by a quicker way."""
        return self._quicker and (bool(self._wide) or any(map(_few_outputs, self.network.model)))

    def forward(
        self, labels: Tensor, style: Tensor, image: Tensor | None = None, region: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Render a label map; see `DenseMappingNetwork.decode`.

        Returns
        -------
        render
            (1, 3, H, W).
        statistics
            (1, S): mean and variance of each norm's groups.
        deep_inputs
            (L, C, h, w): what entered each convolution of the residual blocks.
        """
        how = Exact(self._wide) if self._quicker else Observing()
        render = self.network.draw(self.network.planes(labels, style, image, region), style, how)
        return render, torch.cat(how.statistics, dim=1), torch.cat(how.deep_inputs)


class PartDecode(nn.Module):
    """Renders a part of a picture, of which little has changed since the last `WholeDecode`."""

    def __init__(self, network: DenseMappingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        labels: Tensor,
        style: Tensor,
        statistics: Tensor,
        around: Tensor,
        origin: Tensor,
        image: Tensor | None = None,
        region: Tensor | None = None,
    ) -> Tensor:
        """Render a part.

        Parameters
        ----------
        labels, image, region
            As in `DenseMappingNetwork.decode`, of the part alone; its place and its size (h, w) in pixels are multiples
            of ``2 ** config.downsamplings``.
        style
            (1, config.style_size).
        statistics
            From `WholeDecode`.
        around
            The part of `WholeDecode`'s ``deep_inputs``, padded as the network pads, that this part lies in, with one
            cell more on all sides: (L, C, h / 2 ** config.downsamplings + 2, ...).
        origin
            Row and column of the part's first pixel, int64 of shape (2,).

        Returns
        -------
        Tensor
            (1, 3, h, w), right away from the part's edges.
        """
        planes = self.network.planes(labels, style, image, region, origin)
        return self.network.draw(planes, style, Frozen(statistics, around))
