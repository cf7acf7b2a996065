"""Training losses of the dense mapping network, weighted towards the region that is made anew."""

from torch import Tensor
from torch.nn import functional as F


def _weighted_mean(values: Tensor, region: Tensor) -> Tensor:
    """Mean over the patches that touch the region; ``values`` (N, C, h, w), ``region`` (N, 1, H, W)."""
    weight = F.adaptive_max_pool2d(region, values.shape[-2:]).expand_as(values)
    return (values.float() * weight).sum() / weight.sum().clamp(min=1)


def reconstruction(render: Tensor, source: Tensor, region: Tensor, outside: float = 0.2) -> Tensor:
    """L1 distance, each pixel outside the region counting ``outside`` as much as one inside."""
    weight = (region + outside).expand_as(source)
    return ((render.float() - source).abs() * weight).sum() / weight.sum()


def adversarial(verdicts: list[list[Tensor]], target: float, region: Tensor) -> Tensor:
    """Least-squares GAN loss (Mao et al., ICCV 2017), summed over scales; ``target`` is 1 for real and 0 for made."""
    total = [_weighted_mean((outputs[-1].float() - target) ** 2, region) for outputs in verdicts]
    return sum(total[1:], total[0])


def feature_matching(made: list[list[Tensor]], real: list[list[Tensor]], region: Tensor) -> Tensor:
    """L1 distance between the discriminator's features (pix2pixHD, equation 4), averaged over scales and layers."""
    terms = [
        _weighted_mean((a.float() - b.detach().float()).abs(), region)
        for outputs, targets in zip(made, real, strict=True)
        for a, b in zip(outputs[:-1], targets[:-1], strict=True)
    ]
    return sum(terms[1:], terms[0]) / len(terms)
