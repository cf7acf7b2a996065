"""3x3 convolutions by fewer multiplications: Winograd's F(2x2, 3x3) (Lavin & Gray, CVPR 2016, section 4.1).

Two by two outputs take 16 multiplications a channel instead of 36. What that saves is lost on the transforms where
channels are few, and the transformed weights take 16/9 of the memory.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDE = 512
"""From so many channels on it pays."""


def transformed(weight: Tensor) -> Tensor:
    """Transform a kernel: float32 (K, C, 3, 3) to (16, K, C), equation G g G^T."""
    g = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
    u = torch.einsum("ij,kcjl,ml->imkc", g, weight.detach().double(), g)
    return u.reshape(16, *weight.shape[:2]).to(weight.dtype).contiguous()


class WinogradConv(nn.Module):
    """A 3x3 convolution of stride 1 that keeps height and width, which must be even.

    Parameters
    ----------
    conv
        The convolution whose outcome this computes, but for rounding; padded by one pixel as that says.
    """

    weight: Tensor

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.register_buffer("weight", transformed(conv.weight))
        assert conv.bias is not None
        self.bias = conv.bias
        self.mode = "constant" if conv.padding_mode == "zeros" else conv.padding_mode

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``x`` (1, C, H, W) into (1, K, H, W)."""
        height, width = x.shape[2:]
        x = F.pad(x, (1, 1, 1, 1), mode=self.mode)
        # B^T d B: each tile of 4 x 4 inputs, two apart, along the rows, then along the columns.
        tiles = torch.stack([tile for rows in _inputs(x, 2) for tile in _inputs(rows, 3)])
        products = torch.matmul(self.weight, tiles.flatten(3)[:, 0])
        products = products.reshape(4, 4, -1, height // 2, width // 2)
        rows = [torch.stack(_outputs(row), dim=-1).flatten(2) for row in _outputs(products)]
        y = torch.stack(rows, dim=2).reshape(1, -1, height, width)
        return y + self.bias[:, None, None]


def _inputs(x: Tensor, dim: int) -> list[Tensor]:
    """Transform tiles along one dimension of even length 2 n + 2: four tensors of length n."""
    count = x.shape[dim] // 2 - 1
    pairs = x.unflatten(dim, (-1, 2))
    even, odd = pairs.select(dim + 1, 0), pairs.select(dim + 1, 1)
    first, third = even.narrow(dim, 0, count), even.narrow(dim, 1, count)
    second, fourth = odd.narrow(dim, 0, count), odd.narrow(dim, 1, count)
    return [first - third, second + third, third - second, second - fourth]


def _outputs(m: Tensor) -> list[Tensor]:
    """Transform four products, (4, ...), into the two outputs of a tile."""
    return [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
