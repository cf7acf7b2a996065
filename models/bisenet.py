"""BiSeNet (Yu et al., ECCV 2018), the face parser whose weights were published for CelebAMask-HQ.

The published ``79999_iter.pth`` comes from a variant of the paper's network: the features at an eighth of the
resolution of its ResNet-18 (He et al., CVPR 2016) stand in for the spatial path. Names and shapes of all parameters are
those of that file. Its classes have an order of their own: `CelebAMaskParser` translates.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.checkpoints import assemble, read_published
from models.config import WeightFileError
from models.parser_facts import BISENET_MEAN, BISENET_STD
from resources.labels import LABEL_COUNT, LABELS

MULTIPLE = 32
"""Height and width must be multiples of this."""


class _ConvNormRelu(nn.Module):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _Block(nn.Module):
    """The basic block of a residual network."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
            if stride > 1
            else nn.Identity()
        )

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.downsample(x) + inner)


class _ResNet18(nn.Module):
    """Features at an eighth, a sixteenth and a thirty-second of the resolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(_Block(64, 64, 1), _Block(64, 64, 1))
        self.layer2 = nn.Sequential(_Block(64, 128, 2), _Block(128, 128, 1))
        self.layer3 = nn.Sequential(_Block(128, 256, 2), _Block(256, 256, 1))
        self.layer4 = nn.Sequential(_Block(256, 512, 2), _Block(512, 512, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(image))), 3, 2, 1)
        eighth = self.layer2(self.layer1(x))
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


def _pooled(x: Tensor) -> Tensor:
    return x.mean(dim=(2, 3), keepdim=True)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class _Attention(nn.Module):
    """Attention refinement module: each channel is weighed by what the whole picture holds (section 3.2)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = _ConvNormRelu(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * torch.sigmoid(self.bn_atten(self.conv_atten(_pooled(x))))


class _ContextPath(nn.Module):
    """A backbone, refined from its coarsest features and the mean of the whole picture upwards (section 3.2)."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = _ResNet18()
        self.arm16 = _Attention(256, 128)
        self.arm32 = _Attention(512, 128)
        self.conv_head32 = _ConvNormRelu(128, 128)
        self.conv_head16 = _ConvNormRelu(128, 128)
        self.conv_avg = _ConvNormRelu(512, 128, kernel=1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return the backbone's features and the context's, both of shape (N, 128, H / 8, W / 8)."""
        eighth, sixteenth, last = self.resnet(image)
        context = self.conv_head32(_doubled(self.arm32(last) + self.conv_avg(_pooled(last))))
        context = self.conv_head16(_doubled(self.arm16(sixteenth) + context))
        return eighth, context


class _Fusion(nn.Module):
    """Feature fusion module: detail and context are joined, then weighed by channel (section 3.3)."""

    def __init__(self) -> None:
        super().__init__()
        self.convblk = _ConvNormRelu(256, 256, kernel=1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, detail: Tensor, context: Tensor) -> Tensor:
        x = self.convblk(torch.cat([detail, context], dim=1))
        return x + x * torch.sigmoid(self.conv2(F.relu(self.conv1(_pooled(x)))))


class _Head(nn.Module):
    def __init__(self, inputs: int, middle: int) -> None:
        super().__init__()
        self.conv = _ConvNormRelu(inputs, middle)
        self.conv_out = nn.Conv2d(middle, LABEL_COUNT, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv(x))


class BiSeNet(nn.Module):
    """Labels every pixel of a face, in the order that ``resources.labels.Label.bisenet`` gives.

    The heads ``conv_out16`` and ``conv_out32`` served training only; they are here because weight files hold them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.cp = _ContextPath()
        self.ffm = _Fusion()
        self.conv_out = _Head(256, 256)
        self.conv_out16 = _Head(128, 64)
        self.conv_out32 = _Head(128, 64)

    def forward(self, image: Tensor) -> Tensor:
        """Turn a picture into logits.

        Parameters
        ----------
        image
            float32 RGB of shape (N, 3, H, W), normalised with `models.parser_facts.BISENET_MEAN` and
            ``BISENET_STD``; H and W multiples of `MULTIPLE`.

        Returns
        -------
        Tensor
            float32 of shape (N, 19, H, W).
        """
        logits = self.conv_out(self.ffm(*self.cp(image)))
        return F.interpolate(logits, scale_factor=8.0, mode="bilinear", align_corners=True)


class CelebAMaskParser(nn.Module):
    """BiSeNet with the input and output of `models.face_parser.FaceParser`.

    Parameters
    ----------
    network
        The network, whose weights are shared.
    """

    scale: Tensor
    shift: Tensor
    order: Tensor

    def __init__(self, network: BiSeNet) -> None:
        super().__init__()
        self.network = network
        mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (BISENET_MEAN, BISENET_STD))
        # (image / 2 + 1 / 2 - mean) / std, as one scale and one shift
        self.register_buffer("scale", 0.5 / std)
        self.register_buffer("shift", (0.5 - mean) / std)
        self.register_buffer("order", torch.tensor([label.bisenet for label in LABELS]))

    def forward(self, image: Tensor) -> Tensor:
        """Turn float32 RGB of shape (N, 3, H, W) in [-1, 1] into logits of shape (N, 19, H, W)."""
        logits = self.network(image * self.scale + self.shift)
        return logits.index_select(1, self.order)


def load_bisenet(path: Path) -> BiSeNet:
    """Load BiSeNet in eval mode with float32 weights from a published ``.pth``.

    Raises
    ------
    WeightFileError
        If the file is missing, damaged, of another network, or of other classes.
    """
    hint = "Choose BiSeNet's 79999_iter.pth for CelebAMask-HQ, or download it again if it may be incomplete."
    tensors = read_published(path, hint)
    with torch.device("meta"):
        wanted = {name: tuple(value.shape) for name, value in BiSeNet().state_dict().items()}
    # Old versions of torch did not count batches.
    missing = [name for name in wanted if name not in tensors and not name.endswith("num_batches_tracked")]
    others = [name for name in tensors if name not in wanted]
    if missing or others:
        reason = f"it lacks {missing[0]}" if missing else f"it holds {others[0]} besides"
        raise WeightFileError(f"{path.name} is not a BiSeNet face parser on ResNet-18 ({reason}).", hint)
    classes = tuple(tensors["conv_out.conv_out.weight"].shape)[:1]
    if classes != (LABEL_COUNT,):
        raise WeightFileError(f"{path.name} does not label the {LABEL_COUNT} classes of CelebAMask-HQ.", hint)
    for name, value in tensors.items():
        if tuple(value.shape) != wanted[name]:
            found = " x ".join(map(str, value.shape)) or "a single number"
            expected = " x ".join(map(str, wanted[name])) or "a single number"
            raise WeightFileError(
                f"{path.name} is not a BiSeNet face parser on ResNet-18 ({name} is {found}, not {expected}).", hint
            )
    return assemble(BiSeNet, tensors, path, hint)
