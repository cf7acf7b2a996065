"""Face locator: a small fully convolutional network that finds faces and their eyes and mouths in any picture.

Every cell of a coarse grid tells whether a face is centred in it and where its eyes and mouth lie, as in CenterNet
(Zhou et al., "Objects as Points", 2019). It knows faces of a narrow range of sizes; a pyramid of the picture does the
rest.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from models.blocks import Residual, conv
from models.checkpoints import load_half, save_half

NETWORK = "face_locator"
"""The value of the metadata key ``network`` in the locator's weight files."""

STRIDE = 8
"""Pixels from one cell to the next."""
POINTS = ("right eye", "left eye", "mouth")
"""What is located, the person's own right and left, in the order of the offsets."""
OFFSET_UNIT = 16.0
"""Pixels that an offset of 1 stands for."""
EYE_DISTANCES = (6.0, 18.0)
"""The distances between the eyes, in pixels, at which a face is found."""


@dataclass(frozen=True)
class LocatorConfig:
    """The shape of a face locator: channels at a quarter, an eighth and a sixteenth of the resolution."""

    channels: tuple[int, int, int] = (32, 64, 80)

    def __post_init__(self) -> None:
        if len(self.channels) != 3 or not all(type(c) is int and 1 <= c <= 512 for c in self.channels):
            raise ValueError(f"channels must be 3 whole numbers in 1..512, not {self.channels!r}")

    @classmethod
    def from_json(cls, text: str) -> "LocatorConfig":
        """Read a configuration from its JSON form; raises ValueError or TypeError if it is none."""
        return cls(tuple(json.loads(text)["channels"]))


class FaceLocator(nn.Module):
    """Finds faces.

    Parameters
    ----------
    config
        The shape of the network.
    """

    multiple = 16
    """Height and width of its input must be multiples of this."""

    def __init__(self, config: LocatorConfig | None = None) -> None:
        super().__init__()
        self.config = config or LocatorConfig()
        fine, middle, coarse = self.config.channels
        self.stem = conv(48, fine)
        self.middle = nn.Sequential(conv(fine, middle, 2), Residual(middle))
        self.coarse = nn.Sequential(conv(middle, coarse, 2), Residual(coarse), Residual(coarse), Residual(coarse))
        self.lateral = nn.Conv2d(coarse, middle, 1)
        self.joined = nn.Sequential(Residual(middle), conv(middle, middle))
        self.head = nn.Conv2d(middle, 1 + 2 * len(POINTS), 1)
        # Faces are rare: the first steps must not be spent on learning that.
        nn.init.constant_(self.head.bias[:1], -4.0)  # type: ignore[index]

    def forward(self, image: Tensor) -> Tensor:
        """Look for faces.

        Parameters
        ----------
        image
            float32 RGB of shape (N, 3, H, W) in [-1, 1]; H and W multiples of `multiple`.

        Returns
        -------
        Tensor
            (N, 7, H / 8, W / 8): the logit of a face being centred in the cell, then the offsets (x, y) from the cell's
            centre to the right eye, the left eye and the mouth, in `OFFSET_UNIT` pixels.
        """
        # Four by four pixels become channels: nothing is computed at the full resolution.
        x = self.middle(self.stem(F.pixel_unshuffle(image, 4)))
        y = F.interpolate(self.lateral(self.coarse(x)), scale_factor=2.0, mode="nearest")
        return self.head(self.joined(x + y))


def save_locator(network: FaceLocator, path: Path, notes: str = "") -> None:
    """Write a locator's weights (float16) and configuration; an older file stays until the new one is whole.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    save_half(network, NETWORK, json.dumps(asdict(network.config)), path, notes)


def load_locator(path: Path) -> FaceLocator:
    """Load a locator in eval mode with float32 weights.

    Raises
    ------
    WeightFileError
        If the file is missing, damaged, of another network, or does not fit its configuration.
    """
    hint = "Choose a face locator made by models.train_locator."
    return load_half(path, NETWORK, hint, lambda text: FaceLocator(LocatorConfig.from_json(text)))
