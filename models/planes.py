"""Label maps as planes: what networks are given of them, and values averaged over classes or filled into them."""

import torch
from torch import Tensor
from torch.nn import functional as F

from resources.labels import LABEL_COUNT


def one_hot(labels: Tensor) -> Tensor:
    """Turn ids, any integer type of shape (N, H, W), into float32 planes of shape (N, 19, H, W)."""
    ids = torch.arange(LABEL_COUNT, dtype=torch.int32, device=labels.device).view(1, -1, 1, 1)
    return (labels.to(torch.int32).unsqueeze(1) == ids).float()


def resized_labels(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Sample ids, any integer type of shape (N, H, W), at another size: int64 of shape (N, *size)."""
    return F.interpolate(labels[:, None].float(), size=size, mode="nearest")[:, 0].long()


def boundary_map(labels: Tensor) -> Tensor:
    """Mark the pixels with a horizontal or vertical neighbour of another class (pix2pixHD, section 3.3).

    Parameters
    ----------
    labels
        Ids, any integer type of shape (N, H, W).

    Returns
    -------
    Tensor
        float32 of shape (N, 1, H, W), 1 on both sides of a border and 0 elsewhere.
    """
    ids = labels.to(torch.int32)
    across = (ids[:, :, 1:] != ids[:, :, :-1]).float()
    along = (ids[:, 1:, :] != ids[:, :-1, :]).float()
    edges = F.pad(across, (1, 0)) + F.pad(across, (0, 1)) + F.pad(along, (0, 0, 1, 0)) + F.pad(along, (0, 0, 0, 1))
    return (edges > 0).float().unsqueeze(1)


def region_means(values: Tensor, planes: Tensor) -> Tensor:
    """Average values over each class (pix2pixHD, section 3.4).

    Parameters
    ----------
    values
        float32 of shape (N, C, H, W).
    planes
        Shares of the classes at each pixel, float32 of shape (N, 19, H, W).

    Returns
    -------
    Tensor
        float32 of shape (N, 19, C), 0 for a class without pixels.
    """
    shares = planes.flatten(2).float()
    totals = torch.bmm(shares, values.flatten(2).transpose(1, 2).float())
    return totals / shares.sum(dim=2, keepdim=True).clamp(min=1e-3)


def fill_regions(table: Tensor, planes: Tensor) -> Tensor:
    """Give every pixel the values of its class: ``table`` (N, 19, C), ``planes`` (N, 19, H, W) to (N, C, H, W)."""
    filled = torch.bmm(table.transpose(1, 2), planes.flatten(2))
    return filled.reshape(-1, table.shape[2], *planes.shape[2:])
