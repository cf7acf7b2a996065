"""Distances between sets of pictures, identity, and nearest neighbours: what needs a network that looks at pictures."""

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.config import WeightFileError, reason_of
from models.face_parser import FaceParser

Pixels = NDArray[np.uint8]
Vectors = NDArray[np.float32]


def _planes(pixels: Pixels) -> Tensor:
    """Turn uint8 RGB (H, W, 3) into uint8 (1, 3, H, W)."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]


class ParserFeatures(nn.Module):
    """The face parser's coarsest features, averaged over the picture."""

    def __init__(self, parser: FaceParser) -> None:
        super().__init__()
        self.parser = parser
        self.num_features = parser.config.channels[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Turn uint8 RGB (N, 3, H, W) into float32 (N, C)."""
        return self.parser.features(images.float() / 127.5 - 1)[-1].mean(dim=(2, 3))


def inception(path: Path) -> nn.Module:
    """Load the Inception network that published FID and KID figures use, from a file that the user has.

    Raises
    ------
    WeightFileError
        If the file is missing or of another network, or the package torch-fidelity is.
    """
    hint = "Choose pt_inception-2015-12-05-6726825d.pth, or leave --inception out."
    if not path.is_file():
        raise WeightFileError(f"{path} does not exist.", hint)
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3

        return NoTrainInceptionV3("inception-v3-compat", ["2048"], feature_extractor_weights_path=str(path)).eval()
    except ImportError as error:
        raise WeightFileError(
            "The package torchmetrics or torch-fidelity is missing.", "Run: pip install torchmetrics torch-fidelity"
        ) from error
    except Exception as error:  # damaged pickle, other shapes
        raise WeightFileError(f"{path.name} cannot be used ({reason_of(error)}).", hint) from error


def require_torchmetrics() -> None:
    """Raise WeightFileError if the package that computes distances of sets is missing."""
    if importlib.util.find_spec("torchmetrics") is None:
        raise WeightFileError("The package torchmetrics is missing.", "Run: pip install torchmetrics")


def set_distances(real: Sequence[Pixels], made: Sequence[Pixels], features: nn.Module) -> dict[str, float]:
    """Return the Frechet distance (FID) and the kernel distance (KID, times 1000) of two sets of pictures.

    Parameters
    ----------
    real, made
        uint8 RGB of shape (H, W, 3), all of one size.
    features
        Turns uint8 (N, 3, H, W) into (N, C) and tells C as ``num_features``.

    Raises
    ------
    WeightFileError
        If the package that computes them is missing.
    """
    require_torchmetrics()
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import KernelInceptionDistance

    device = next(features.parameters(), torch.empty(0)).device
    frechet = FrechetInceptionDistance(feature=features).to(device)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*memory footprint")  # a few hundred vectors are little
        kernel = KernelInceptionDistance(feature=features, subsets=50, subset_size=min(50, len(real), len(made)))
    kernel = kernel.to(device)
    torch.manual_seed(0)  # for the subsets
    with torch.inference_mode():
        for pictures, are_real in ((real, True), (made, False)):
            for pixels in pictures:
                batch = _planes(pixels).to(device)
                frechet.update(batch, real=are_real)
                kernel.update(batch, real=are_real)
        distance, (mean, _) = frechet.compute(), kernel.compute()
    # Features of other networks have other scales: digits count, not decimals.
    return {"frechet": float(f"{float(distance):.4g}"), "kernel_x1000": float(f"{1000 * float(mean):.4g}")}


def face_recogniser(path: Path) -> Callable[[Pixels], NDArray[np.float32]]:
    """Load an ArcFace network (ONNX, 112 x 112 RGB); the result turns an aligned portrait into a unit vector.

    Raises
    ------
    WeightFileError
        If the file cannot be used.
    """
    import onnxruntime

    hint = "Choose an ArcFace model in ONNX form with one input of 1 x 3 x 112 x 112, or leave --arcface out."
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        (entry,) = session.get_inputs()
        session.run(None, {entry.name: np.zeros((1, 3, 112, 112), np.float32)})  # another shape shows only here
    except Exception as error:
        raise WeightFileError(f"{path} cannot be used ({reason_of(error)}).", hint) from error

    def embed(pixels: Pixels) -> NDArray[np.float32]:
        # ArcFace's crop is the middle of ours: its eyes are 35 of 112 pixels apart, ours a quarter of the side.
        side = pixels.shape[0]
        crop = pixels[int(0.1 * side) : int(0.9 * side), int(0.1 * side) : int(0.9 * side)]
        small = cv2.resize(crop, (112, 112), interpolation=cv2.INTER_AREA).astype(np.float32)
        outputs = session.run(None, {entry.name: ((small - 127.5) / 127.5).transpose(2, 0, 1)[None]})
        vector = np.asarray(outputs[0], np.float32).ravel()
        return np.asarray(vector / np.linalg.norm(vector), np.float32)

    return embed


@torch.inference_mode()
def looks(pictures: Sequence[Pixels], parser: FaceParser) -> tuple[Vectors, Vectors]:
    """Describe pictures for the search of neighbours.

    Returns
    -------
    thumbnails, features
        32 x 32 pixels in -1..1, (N, 3072); the parser's pooled features, unit vectors (N, C).
    """
    small = [cv2.resize(pixels, (32, 32), interpolation=cv2.INTER_AREA) for pixels in pictures]
    thumbnails = np.stack(small).reshape(len(pictures), -1).astype(np.float32) / 127.5 - 1
    device, pool = next(parser.parameters()).device, ParserFeatures(parser)
    features = torch.cat([pool(_planes(pixels).to(device)) for pixels in pictures]).float().cpu().numpy()
    return thumbnails, features / np.linalg.norm(features, axis=1, keepdims=True).clip(1e-6)


def nearest(queries: Vectors, among: Vectors) -> tuple[NDArray[np.int64], Vectors]:
    """Return the index of the nearest vector of ``among`` for each query, and the distance."""
    squares = (queries**2).sum(1)[:, None] + (among**2).sum(1)[None] - 2 * queries @ among.T
    index = squares.argmin(axis=1)
    best = squares[np.arange(len(queries)), index].clip(0)
    return index, np.sqrt(best).astype(np.float32)
