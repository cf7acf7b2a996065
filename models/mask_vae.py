"""MaskVAE (MaskGAN, section 3.2): a variational autoencoder of label maps, whose latent space simulates edits.

Parameter names and shapes of the published configuration are those of the published code.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resources.labels import LABEL_COUNT

COARSEST = 4
"""Side of the coarsest feature map."""


@dataclass(frozen=True)
class MaskVAEConfig:
    """The shape of a MaskVAE; the defaults are the published one.

    Attributes
    ----------
    size
        Side of the label maps, in pixels: 4 times a power of two.
    width, max_width
        Channels after the first convolution, doubled by each further one up to ``max_width``.
    latent
        Length of the latent vector.
    norm
        ``"batch"``, or ``"group"`` (8 groups), which does not depend on what else is in a batch.
    """

    size: int = 512
    width: int = 32
    max_width: int = 2048
    latent: int = 1024
    norm: Literal["batch", "group"] = "batch"

    def __post_init__(self) -> None:
        if self.size < 8 or self.size & (self.size - 1):
            raise ValueError(f"size must be a power of two of at least 8, not {self.size}")
        if min(self.width, self.max_width, self.latent) < 1:
            raise ValueError("width, max_width and latent must be positive")
        if self.norm not in ("batch", "group"):
            raise ValueError(f"norm must be 'batch' or 'group', not {self.norm!r}")
        if self.norm == "group" and any(channels % 8 for channels in self.channels):
            raise ValueError(f"the channels {self.channels} do not fall into 8 groups: choose another width")

    @property
    def levels(self) -> int:
        """The number of stride-2 convolutions."""
        return (self.size // COARSEST).bit_length() - 1

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels after each stride-2 convolution."""
        return tuple(min(self.width * 2**level, self.max_width) for level in range(self.levels))


class MaskVAE(nn.Module):
    """Encodes label maps as normal distributions over a latent space, and decodes latents to logits.

    Parameters
    ----------
    config
        The shape of the network; the published one by default.
    """

    def __init__(self, config: MaskVAEConfig | None = None) -> None:
        super().__init__()
        self.config = c = config or MaskVAEConfig()
        widths, levels = c.channels, c.levels
        for level, (inputs, outputs) in enumerate(zip((LABEL_COUNT, *widths[:-1]), widths, strict=True), start=1):
            self.add_module(f"e{level}", nn.Conv2d(inputs, outputs, 4, 2, 1))
            self.add_module(f"bn{level}", self._norm(outputs))
        flat = widths[-1] * COARSEST**2
        self.fc1 = nn.Linear(flat, c.latent)
        self.fc2 = nn.Linear(flat, c.latent)
        self.d1 = nn.Linear(c.latent, flat)
        outputs_up = (*reversed(widths[:-1]), widths[0])
        for level, (inputs, outputs) in enumerate(zip(reversed(widths), outputs_up, strict=True), start=2):
            last = level == levels + 1
            self.add_module(f"d{level}", nn.Conv2d(inputs, LABEL_COUNT if last else outputs, 3))
            if not last:
                self.add_module(f"bn{levels + level - 1}", self._norm(outputs, eps=1e-3))

    def _norm(self, channels: int, eps: float = 1e-5) -> nn.Module:
        return nn.BatchNorm2d(channels, eps) if self.config.norm == "batch" else nn.GroupNorm(8, channels, eps)

    def encode(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Encode label maps.

        Parameters
        ----------
        planes
            One-hot label maps, float32 of shape (N, 19, size, size).

        Returns
        -------
        mean, log_variance
            float32 of shape (N, latent).
        """
        x = planes
        for level in range(1, self.config.levels + 1):
            x = self.get_submodule(f"e{level}")(x)
            x = F.leaky_relu(self.get_submodule(f"bn{level}")(x), 0.2)
        x = x.flatten(1)
        return self.fc1(x), self.fc2(x)

    def decode(self, latent: Tensor) -> Tensor:
        """Decode latents of shape (N, latent) to logits, float32 of shape (N, 19, size, size)."""
        levels = self.config.levels
        x = F.relu(self.d1(latent)).view(len(latent), -1, COARSEST, COARSEST)
        for level in range(2, levels + 2):
            x = F.pad(F.interpolate(x, scale_factor=2.0, mode="nearest"), (1, 1, 1, 1), mode="replicate")
            x = self.get_submodule(f"d{level}")(x)
            if level <= levels:
                x = F.leaky_relu(self.get_submodule(f"bn{levels + level - 1}")(x), 0.2)
        return x

    def forward(self, planes: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode, sample with ``noise`` (standard normal, (N, latent)), decode: logits, mean, log variance."""
        mean, log_variance = self.encode(planes)
        return self.decode(mean + noise * torch.exp(0.5 * log_variance)), mean, log_variance


def vae_loss(logits: Tensor, labels: Tensor, mean: Tensor, log_variance: Tensor, weight: float = 1e-5) -> Tensor:
    """Cross entropy per pixel plus ``weight`` times the KL divergence to the standard normal (section 3.2).

    Parameters
    ----------
    logits
        float32 of shape (N, 19, H, W).
    labels
        Ids, int64 of shape (N, H, W).
    mean, log_variance
        float32 of shape (N, latent).
    weight
        Of the divergence, which is summed over the latent's entries and averaged over the label maps.
    """
    divergence = 0.5 * (mean.float() ** 2 + log_variance.float().exp() - 1 - log_variance.float()).sum(dim=1).mean()
    return F.cross_entropy(logits.float(), labels) + weight * divergence


@torch.no_grad()
def simulated_edits(vae: MaskVAE, planes: Tensor, reference: Tensor, step: float = 2.5) -> tuple[Tensor, Tensor]:
    """Make two edits of each label map: its latent moved towards and away from a reference's (section 3.3).

    Parameters
    ----------
    vae
        A trained MaskVAE.
    planes, reference
        One-hot label maps, float32 of shape (N, 19, H, W); scaled to the network's size and back if need be.
    step
        The latent moves by one ``step``-th of the way.

    Returns
    -------
    inner, outer
        Ids, uint8 of shape (N, H, W).
    """
    side = planes.shape[-2:]

    def mean_of(x: Tensor) -> Tensor:
        return vae.encode(F.interpolate(x, size=(vae.config.size,) * 2, mode="nearest"))[0]

    def labels_of(latent: Tensor) -> Tensor:
        logits = F.interpolate(vae.decode(latent).float(), size=side, mode="bilinear", align_corners=False)
        return logits.argmax(dim=1).to(torch.uint8)

    training = vae.training
    vae.eval()  # batch norm must neither depend on what else is in the batch nor learn from it
    target = mean_of(planes)
    move = (mean_of(reference) - target) / step
    edits = labels_of(target + move), labels_of(target - move)
    vae.train(training)
    return edits
