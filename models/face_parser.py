"""Face parser: a small U-Net (Ronneberger et al., MICCAI 2015) that labels the 19 classes of CelebAMask-HQ.

It makes the mask of a photo, judges whether a render shows what its mask asks for, and its features stand in for VGG's
in the perceptual loss where those weights are not at hand.
"""

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks import Residual, conv
from models.checkpoints import load_half, save_half
from resources.labels import LABEL_COUNT

NETWORK = "face_parser"
"""The value of the metadata key ``network`` in the parser's weight files."""


@dataclass(frozen=True)
class ParserConfig:
    """The shape of a face parser.

    Attributes
    ----------
    channels
        Channels at a half, a quarter, ... of the resolution, one entry a level.
    residual
        How many of the coarsest levels have a residual block (He et al., CVPR 2016) besides: width where it costs
        little time, for what is told by the whole picture, such as hair from cloth.
    """

    channels: tuple[int, ...] = (24, 48, 96, 144, 176)
    residual: int = 2

    def __post_init__(self) -> None:
        if not 2 <= len(self.channels) <= 7 or not all(type(c) is int and 1 <= c <= 1024 for c in self.channels):
            raise ValueError(f"channels must be 2 to 7 whole numbers in 1..1024, not {self.channels!r}")
        if type(self.residual) is not int or not 0 <= self.residual <= len(self.channels):
            raise ValueError(f"residual must be a whole number in 0..{len(self.channels)}, not {self.residual!r}")

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this."""
        return 2 ** len(self.channels)

    @classmethod
    def from_json(cls, text: str) -> "ParserConfig":
        """Read a configuration from its JSON form; raises ValueError or TypeError if it is none."""
        fields = json.loads(text)
        return cls(tuple(fields["channels"]), fields.get("residual", 0))


class FaceParser(nn.Module):
    """Labels every pixel of a face.

    Parameters
    ----------
    config
        The shape of the network.
    """

    def __init__(self, config: ParserConfig | None = None) -> None:
        super().__init__()
        self.config = config or ParserConfig()
        widths = self.config.channels
        # Two by two pixels become channels: the first level works at half the resolution, where it costs a quarter.
        self.down = nn.ModuleList([nn.Sequential(conv(12, widths[0]), conv(widths[0], widths[0]))])
        self.down.extend(nn.Sequential(conv(a, b, 2), conv(b, b)) for a, b in pairwise(widths))
        plain = len(widths) - self.config.residual
        self.residual = nn.ModuleList(nn.Identity() if i < plain else Residual(c) for i, c in enumerate(widths))
        self.context = nn.Conv2d(widths[-1], widths[-1], 1)
        self.up = nn.ModuleList(
            nn.Sequential(conv(fine + coarse, fine), conv(fine, fine)) for coarse, fine in pairwise(reversed(widths))
        )
        self.head = nn.Conv2d(widths[0], 4 * LABEL_COUNT, 1)

    def features(self, image: Tensor) -> list[Tensor]:
        """Return the features of the contracting half.

        Parameters
        ----------
        image
            float32 RGB of shape (N, 3, H, W) in [-1, 1]; H and W multiples of ``config.multiple``.

        Returns
        -------
        list of Tensor
            One of shape (N, C, H / 2 ** (i + 1), W / 2 ** (i + 1)) for each level i.
        """
        x = F.pixel_unshuffle(image, 2)
        levels = []
        for block, residual in zip(self.down, self.residual, strict=True):
            x = residual(block(x))
            levels.append(x)
        return levels

    def label(self, features: list[Tensor]) -> Tensor:
        """Turn the features of a picture into logits, float32 of shape (N, 19, H, W)."""
        x = features[-1]
        x = x + self.context(x.mean(dim=(2, 3), keepdim=True))
        for block, fine in zip(self.up, reversed(features[:-1]), strict=True):
            x = block(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), fine], dim=1))
        return F.pixel_shuffle(self.head(x), 2)

    def forward(self, image: Tensor) -> Tensor:
        """Turn a picture, as for `features`, into logits of shape (N, 19, H, W)."""
        return self.label(self.features(image))


def save_parser(network: FaceParser, path: Path, notes: str = "") -> None:
    """Write a parser's weights (float16) and configuration; an older file stays until the new one is whole.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    save_half(network, NETWORK, json.dumps(asdict(network.config)), path, notes)


def load_parser(path: Path) -> FaceParser:
    """Load a parser in eval mode with float32 weights.

    Raises
    ------
    WeightFileError
        If the file is missing, damaged, of another network, or does not fit its configuration.
    """
    hint = "Choose a face parser made by models.train_parser."
    return load_half(path, NETWORK, hint, lambda text: FaceParser(ParserConfig.from_json(text)))
