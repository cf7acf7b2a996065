"""Sample sheets: what a network makes of a fixed set of portraits, to be looked at.

``python -m models.sheet WEIGHTS --out FILE`` makes one of the sample portraits that come with Maskbrush.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.checkpoints import load_generator
from models.config import WeightFileError
from models.dataset import DatasetError, Sample, read_pair
from models.edits import blanked_region
from models.generator import DenseMappingNetwork
from models.rendering import Renderer
from models.report import write_jpeg
from resources.labels import palette


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
    renderer = Renderer(network)
    styles = [renderer.style(sample) for sample in samples]
    rows = []
    for index, (sample, style) in enumerate(zip(samples, styles, strict=True)):
        rng = np.random.default_rng(index + 1)
        region = blanked_region(sample.labels, rng)
        while region.all():
            region = blanked_region(sample.labels, rng)
        row = [
            sample.pixels,
            palette()[sample.labels],
            np.where(region[..., None] == 1, np.uint8(128), sample.pixels),
            renderer.composed(sample.pixels, sample.labels, style, region),
            renderer.whole(sample.labels, style),
            renderer.whole(sample.labels, styles[(index + 1) % len(samples)]),
        ]
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
