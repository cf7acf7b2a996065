"""Training losses of the dense mapping network, weighted towards the region that is made anew.

Every loss is one number a portrait, (N,), so that a batch split over several processes gives the same mean.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from models.planes import region_means, resized_labels

Verdicts = list[list[Tensor]]
"""For each scale of the discriminator, the output of each layer."""

GanLoss = Literal["lsgan", "hinge"]


def _weighted_mean(values: Tensor, region: Tensor) -> Tensor:
    """Mean over the patches that touch the region; ``values`` (N, C, h, w), ``region`` (N, 1, H, W), result (N,)."""
    weight = F.adaptive_max_pool2d(region, values.shape[-2:]).expand_as(values)
    return (values.float() * weight).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1).clamp(min=1)


def _total(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(tuple(terms)).sum(dim=0)


def reconstruction(render: Tensor, source: Tensor, region: Tensor, outside: float = 0.2) -> Tensor:
    """Return the L1 distance, each pixel outside the region counting ``outside`` as much as one inside: (N,)."""
    weight = (region + outside).expand_as(source)
    return ((render.float() - source).abs() * weight).flatten(1).sum(dim=1) / weight.flatten(1).sum(dim=1)


def judge_loss(real: Verdicts, made: Verdicts, region: Tensor, kind: GanLoss = "lsgan") -> Tensor:
    """Return the discriminator's loss, summed over scales: (N,).

    Least squares (Mao et al., ICCV 2017), half of the sum over real and made, or hinge (Lim & Ye, 2017).
    """
    terms = []
    for yes, no in zip(real, made, strict=True):
        good, bad = yes[-1].float(), no[-1].float()
        parts = ((good - 1) ** 2, bad**2) if kind == "lsgan" else (F.relu(1 - good), F.relu(1 + bad))
        terms.append(_total([_weighted_mean(part, region) for part in parts]) / 2)
    return _total(terms)


def fool_loss(made: Verdicts, region: Tensor, kind: GanLoss = "lsgan") -> Tensor:
    """Return the generator's loss against the discriminator, summed over scales: (N,)."""
    verdicts = [outputs[-1].float() for outputs in made]
    return _total([_weighted_mean((x - 1) ** 2 if kind == "lsgan" else -x, region) for x in verdicts])


def feature_matching(made: Verdicts, real: Verdicts, region: Tensor) -> Tensor:
    """L1 distance between the discriminator's features (pix2pixHD, equation 4), mean over scales and layers: (N,)."""
    terms = [
        _weighted_mean((a.float() - b.detach().float()).abs(), region)
        for outputs, targets in zip(made, real, strict=True)
        for a, b in zip(outputs[:-1], targets[:-1], strict=True)
    ]
    return _total(terms) / len(terms)


def label_agreement(logits: Tensor, labels: Tensor, region: Tensor) -> Tensor:
    """Cross entropy of a face parser's logits on the render against the labels asked for, inside the region: (N,).

    Parameters
    ----------
    logits
        float32 of shape (N, 19, h, w); labels and region are sampled at that size.
    labels
        Ids, any integer type of shape (N, H, W).
    region
        float32 of shape (N, 1, H, W).
    """
    wanted = resized_labels(labels, (logits.shape[-2], logits.shape[-1]))
    entropy = F.cross_entropy(logits.float(), wanted, reduction="none")[:, None]
    return _weighted_mean(entropy, region)


def region_colours(render: Tensor, planes: Tensor, style: Tensor, style_planes: Tensor) -> Tensor:
    """L1 distance of each class's mean colour from that in the portrait whose style is copied: (N,).

    Classes with less than 0.2% of either picture do not count.

    Parameters
    ----------
    render, style
        float32 RGB of shape (N, 3, H, W) in [-1, 1].
    planes, style_planes
        Their one-hot label maps, float32 of shape (N, 19, H, W).
    """
    shares = torch.minimum(planes.mean(dim=(2, 3)), style_planes.mean(dim=(2, 3)))
    counted = (shares > 0.002).float()
    distance = (region_means(render, planes) - region_means(style, style_planes)).abs().mean(dim=2)
    return (distance * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
