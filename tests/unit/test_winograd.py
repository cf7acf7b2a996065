"""Winograd's convolution computes what the direct one does."""

from typing import Literal

import pytest
import torch
from torch import nn

from models.winograd import WinogradConv, transformed


@pytest.mark.parametrize("padding", ["zeros", "reflect"])
@pytest.mark.parametrize(("height", "width"), [(2, 2), (4, 6), (32, 32)])
@torch.inference_mode()
def test_equals_the_direct_convolution(padding: Literal["zeros", "reflect"], height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    conv = nn.Conv2d(24, 40, 3, padding=1, padding_mode=padding)
    for parameter in conv.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator))
    x = torch.randn(1, 24, height, width, generator=generator)
    torch.testing.assert_close(WinogradConv(conv)(x), conv(x), atol=1e-3, rtol=1e-4)


def test_a_kernel_s_corners_are_kept() -> None:
    weight = torch.arange(18, dtype=torch.float32).reshape(2, 1, 3, 3)
    kernel = transformed(weight)
    assert kernel.shape == (16, 2, 1)
    for place, corner in ((0, (0, 0)), (3, (0, 2)), (12, (2, 0)), (15, (2, 2))):
        assert torch.equal(kernel[place, :, 0], weight[:, 0, *corner])
