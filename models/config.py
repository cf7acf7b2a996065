"""Configuration of the dense mapping network, apart from the network so that reading it does not import torch."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from resources.labels import LABEL_COUNT

Norm = Literal["instance", "group"]
Padding = Literal["reflect", "zeros"]


def reason_of(error: BaseException) -> str:
    """Return the first line of an error's text, or its type where there is none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


class WeightFileError(Exception):
    """A weight file that cannot be used.

    Parameters
    ----------
    message
        What is wrong with it.
    hint
        What to do.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} {hint}")
        self.message = message
        self.hint = hint


_LARGEST = {
    "size": 4096,
    "width": 1024,
    "max_width": 4096,
    "downsamplings": 8,
    "blocks": 64,
    "stem_kernel": 31,
    "up_kernel": 4,
    "region_features": 256,
}
"""What no sensible network exceeds: a damaged file must not make us fill the memory."""


@dataclass(frozen=True)
class GeneratorConfig:
    """The shape of a dense mapping network; the defaults are the published network.

    Attributes
    ----------
    size
        The side of the square input, in pixels, that the network was trained at. Other multiples of 32 run as well.
    width
        Channels after the first convolution; doubled by each downsampling.
    max_width
        No layer has more channels than this.
    downsamplings, blocks
        The number of stride-2 convolutions and of AdaIN residual blocks.
    boundary
        Whether the map of label borders is an extra input channel (pix2pixHD, Wang et al., CVPR 2018, section 3.3).
    context
        Whether the source picture with the edited region blanked, and that region's mask, are four extra input
        channels: the network then completes the region from its surroundings.
    skips
        Whether features of the downsampling half are added to those of the upsampling half at each resolution.
    norm
        ``"instance"``, or ``"group"`` (groups of 8 channels), which keeps absolute colour from being normalised away.
    padding
        ``"reflect"`` or ``"zeros"`` (cheaper).
    stem_kernel, up_kernel
        Kernel of the first and last convolution; of the transposed convolutions (3, or 4 for even overlap).
    noise
        Whether a fixed pattern of noise is a further input channel. Hair and cloth have detail that no label map tells;
        without a source of irregularity a network draws it as a grid.
    region_features
        If not 0, the style code also holds, for each class, whether the portrait shows it, the mean and the standard
        deviation of its colour, and this many learned features averaged over it. They are filled into the regions of
        the label map to render, as further input channels (pix2pixHD, section 3.4): a copied style then brings each
        region's own colours.
    """

    size: int = 512
    width: int = 64
    max_width: int = 1024
    downsamplings: int = 4
    blocks: int = 4
    boundary: bool = False
    context: bool = False
    skips: bool = False
    norm: Norm = "instance"
    padding: Padding = "reflect"
    stem_kernel: int = 7
    up_kernel: int = 3
    noise: bool = False
    region_features: int = 0

    def __post_init__(self) -> None:
        for name, largest in _LARGEST.items():
            value, least = getattr(self, name), 0 if name == "region_features" else 1
            if type(value) is not int or not least <= value <= largest:
                raise ValueError(f"{name} must be a whole number in {least}..{largest}, not {value!r}")
        for name in ("boundary", "context", "skips", "noise"):
            if type(getattr(self, name)) is not bool:
                raise ValueError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.norm not in ("instance", "group"):
            raise ValueError(f"norm must be 'instance' or 'group', not {self.norm!r}")
        if self.padding not in ("reflect", "zeros"):
            raise ValueError(f"padding must be 'reflect' or 'zeros', not {self.padding!r}")
        if self.up_kernel not in (3, 4) or self.stem_kernel % 2 == 0:
            raise ValueError("up_kernel must be 3 or 4, and stem_kernel odd")
        if self.norm == "group" and any(channels % max(1, channels // 8) for channels in self.channels):
            raise ValueError(f"the channels {self.channels} do not fall into groups of 8: choose another width")
        if self.size % self.multiple:
            raise ValueError(f"size must be a multiple of {self.multiple}, not {self.size}")

    @property
    def inputs(self) -> tuple[tuple[str, int], ...]:
        """What enters the first convolution, in order, and how many channels each has."""
        parts = {
            "labels": LABEL_COUNT,
            "boundary": int(self.boundary),
            "context": 4 * self.context,
            "regions": self.region_channels,
            "noise": int(self.noise),
        }
        return tuple((name, channels) for name, channels in parts.items() if channels)

    @property
    def input_channels(self) -> int:
        """Channels that enter the first convolution."""
        return sum(channels for _, channels in self.inputs)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels at each resolution, from full to the residual blocks'."""
        return tuple(min(self.width * 2**level, self.max_width) for level in range(self.downsamplings + 1))

    @property
    def adain_size(self) -> int:
        """Values for the AdaIN layers: shift and scale of two layers in each residual block."""
        return self.blocks * 2 * 2 * self.channels[-1]

    @property
    def region_channels(self) -> int:
        """Values for each class: presence, mean and standard deviation of its colour, learned features; or 0."""
        return 7 + self.region_features if self.region_features else 0

    @property
    def style_size(self) -> int:
        """Length of the style code: the AdaIN layers' values, then those of each class."""
        return self.adain_size + LABEL_COUNT * self.region_channels

    @property
    def multiple(self) -> int:
        """Height and width must be multiples of this.

        32 for the encoders' five halvings, or more for a deeper network, whose residual blocks need 2 x 2 pixels.
        """
        return max(32, 2 ** (self.downsamplings + 1))

    def to_json(self) -> str:
        """Write the configuration as it is kept in weight files."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "GeneratorConfig":
        """Read a configuration from its JSON form.

        Raises
        ------
        WeightFileError
            If it is not JSON, or has keys or values that this version does not know.
        """
        try:
            values: dict[str, Any] = json.loads(text)
            unknown = set(values) - {field.name for field in fields(cls)}
            if unknown:
                raise ValueError(f"unknown settings {sorted(unknown)}")
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise WeightFileError(
                f"The network's configuration cannot be read ({error}).",
                "Update Maskbrush, or choose another weight file.",
            ) from error
