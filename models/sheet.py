"""Sample sheets: what a network makes of a fixed set of portraits, to be looked at.

``python -m models.sheet WEIGHTS --out FILE`` makes one of the sample portraits that come with Maskbrush.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.checkpoints import load_generator
from models.config import WeightFileError
from models.dataset import DatasetError, Sample, read_pair
from models.edits import blanked_region
from models.generator import DenseMappingNetwork
from models.report import write_jpeg
from resources.labels import palette


def to_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Turn uint8 RGB (H, W, 3) into float32 (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float().div(127.5).sub(1)


def to_pixels(image: Tensor) -> NDArray[np.uint8]:
    """Turn float32 (1, 3, H, W) in [-1, 1] into uint8 RGB (H, W, 3)."""
    return image[0].permute(1, 2, 0).add(1).mul(127.5).round().clamp(0, 255).byte().cpu().numpy()


@torch.inference_mode()
def sample_sheet(network: DenseMappingNetwork, samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """Lay out one row a portrait: source, mask, blanked, completed, whole render, render in the next portrait's style.

    Parameters
    ----------
    network
        A network in eval mode.
    samples
        Portraits of one size.

    Returns
    -------
    ndarray
        uint8 RGB.
    """
    device = next(network.parameters()).device
    images = [to_tensor(sample.pixels).to(device) for sample in samples]
    masks = [torch.from_numpy(sample.labels)[None].to(device) for sample in samples]
    styles = [network.encode(mask, image) for mask, image in zip(masks, images, strict=True)]
    rows = []
    for index, sample in enumerate(samples):
        rng = np.random.default_rng(index + 1)
        region = blanked_region(sample.labels, rng)
        while region.all():
            region = blanked_region(sample.labels, rng)
        hole = torch.from_numpy(region)[None, None].float().to(device)
        whole = torch.ones_like(hole)
        image, mask = images[index], masks[index]
        context = network.config.context
        completed = network.decode(mask, styles[index], *((image, hole) if context else ())) * hole + image * (1 - hole)
        blank = (image, whole) if context else ()
        own = network.decode(mask, styles[index], *blank)
        copied = network.decode(mask, styles[(index + 1) % len(samples)], *blank)
        blanked = np.where(region[..., None] == 1, np.uint8(128), sample.pixels)
        row = [sample.pixels, palette()[sample.labels], blanked, *(to_pixels(x) for x in (completed, own, copied))]
        rows.append(np.concatenate(row, axis=1))
    return np.concatenate(rows, axis=0)


SAMPLES = Path(__file__).parent.parent / "resources" / "samples"
"""Portraits ``<name>.jpg`` with their masks ``<name>_mask.png``."""


def shipped_samples(size: int) -> list[Sample]:
    """Read the sample portraits that come with Maskbrush, in alphabetical order, at ``size`` x ``size`` pixels."""
    pictures = sorted(SAMPLES.glob("*.jpg"))
    return [read_pair(path, path.with_name(f"{path.stem}_mask.png"), size) for path in pictures]


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    p = argparse.ArgumentParser(prog="python -m models.sheet", description="Show what a generator makes of samples.")
    p.add_argument("weights", type=Path, help="a .safetensors or published .pth file")
    p.add_argument("--out", type=Path, default=Path("out/sheet.jpg"), help="the picture to write")
    args = p.parse_args(argv)
    try:
        network, _ = load_generator(args.weights)
        sheet = sample_sheet(network, shipped_samples(network.config.size))
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_jpeg(sheet, args.out)
    except (WeightFileError, DatasetError, OSError) as error:
        print(f"No sheet was made: {error}", file=sys.stderr)
        return 1
    print(f"Source, mask, blanked, completed, whole render, style copied: {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
