"""The running average of a network's weights, which is what is kept of a training."""

import torch
from torch import nn


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, step: int, most: float) -> None:
    """Move an average towards the weights and buffers of the network in training; counters are copied.

    Parameters
    ----------
    average, network
        Two networks of one shape.
    step
        How often the average has been moved; its memory grows with it.
    most
        The largest share of the average that stays.
    """
    decay = min(most, 1 - 1 / (1 + step / 5))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
