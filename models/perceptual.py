"""Perceptual loss: L1 distance between the features that a fixed network sees in two pictures.

VGG19's features are the published choice (pix2pixHD, section 3.2; MaskGAN, section 3.4). Its weights are not free to
bundle and nothing is downloaded, so that features of the project's own face parser take their place unless a file with
VGG's weights is given.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import WeightFileError, reason_of
from models.face_parser import FaceParser

_VGG_TAPS = (1, 6, 11, 20, 29)
"""relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 among VGG19's layers."""

_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)
"""Of the features, from fine to coarse."""


class PerceptualLoss(nn.Module):
    """Compares features of two pictures, and keeps what the parser says of the first for `label_agreement`.

    Parameters
    ----------
    parser
        A face parser in eval mode; it is frozen.
    vgg
        VGG19's convolutional layers, or None to compare the parser's features.
    size
        Pictures are reduced to this side for the parser.
    """

    def __init__(self, parser: FaceParser, vgg: nn.Sequential | None = None, size: int = 128) -> None:
        super().__init__()
        self.parser = parser.eval().requires_grad_(False)
        self.vgg = vgg.eval().requires_grad_(False) if vgg is not None else None
        self.size = size

    @property
    def name(self) -> str:
        """Whose features are compared."""
        return "face parser" if self.vgg is None else "VGG19"

    def train(self, mode: bool = True) -> "PerceptualLoss":
        """Stay in eval mode whatever is asked for: the networks are fixed."""
        return super().train(False)

    def _reduced(self, image: Tensor) -> Tensor:
        if image.shape[-1] == self.size:
            return image
        return F.interpolate(image.float(), size=(self.size, self.size), mode="area")

    def _vgg_features(self, image: Tensor) -> list[Tensor]:
        assert self.vgg is not None
        # What ImageNet's networks expect.
        mean, deviation = image.new_tensor((0.485, 0.456, 0.406)), image.new_tensor((0.229, 0.224, 0.225))
        x = ((image + 1) / 2 - mean[:, None, None]) / deviation[:, None, None]
        features = []
        for index, layer in enumerate(self.vgg):
            x = layer(x)
            if index in _VGG_TAPS:
                features.append(x)
        return features

    def forward(self, made: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Compare pictures.

        Parameters
        ----------
        made, real
            float32 RGB of shape (N, 3, H, W) in [-1, 1].

        Returns
        -------
        distance, logits
            Weighted L1 distance of the features, (N,); the parser's logits on ``made``, (N, 19, size, size).
        """
        parsed = self.parser.features(self._reduced(made))
        with torch.no_grad():
            targets = self.parser.features(self._reduced(real)) if self.vgg is None else self._vgg_features(real)
        features = parsed if self.vgg is None else self._vgg_features(made)
        weights = _WEIGHTS[-len(features) :]
        terms = [
            weight * (a.float() - b.float()).abs().flatten(1).mean(dim=1)
            for weight, a, b in zip(weights, features, targets, strict=True)
        ]
        return torch.stack(terms).sum(dim=0), self.parser.label(parsed)


def load_vgg(path: Path) -> nn.Sequential:
    """Load the convolutional layers of VGG19 from torchvision's weight file (``vgg19-*.pth``).

    Raises
    ------
    WeightFileError
        If the file is missing, damaged, or of another network.
    """
    from torchvision.models import vgg19

    hint = "Choose torchvision's vgg19 weight file, or leave --vgg out to compare the face parser's features."
    with torch.device("meta"):  # most of the network is not wanted, and would take half a gigabyte
        layers = nn.Sequential(*list(vgg19(weights=None).features.children())[: _VGG_TAPS[-1] + 1])
    try:
        tensors = torch.load(path, map_location="cpu", weights_only=True)
        layers.load_state_dict(
            {
                name.removeprefix("features."): value
                for name, value in tensors.items()
                if name.startswith("features.") and int(name.split(".")[1]) <= _VGG_TAPS[-1]
            },
            assign=True,
        )
    except Exception as error:  # a damaged pickle can make the reader stumble in any way
        raise WeightFileError(f"{path.name} cannot be read as VGG19 ({reason_of(error)}).", hint) from error
    for layer in layers:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # what a hook or a tap has kept stays as it was
    return layers
