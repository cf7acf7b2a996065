"""A small data set of made-up faces: enough to try out every step of a training, and to test it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.blender import BlenderConfig
from models.config import GeneratorConfig
from models.discriminator import DiscriminatorConfig
from models.face_parser import ParserConfig
from models.mask_vae import MaskVAEConfig
from models.recipe import Recipe, Stage
from resources.labels import palette

TINY = GeneratorConfig(
    size=64,
    width=8,
    max_width=16,
    downsamplings=2,
    blocks=1,
    boundary=True,
    context=True,
    skips=True,
    norm="group",
    padding="zeros",
    stem_kernel=3,
    up_kernel=4,
    noise=True,
    region_features=2,
)
"""The smallest network with all that the default model has."""

SMOKE_PARSER = ParserConfig((8, 8, 16))

SMOKE_RECIPE = Recipe(
    stages=(
        Stage("masks", 32, 4, 4),
        Stage("mapping", 32, 4, 4),
        Stage("mapping", 64, 2, 2),
        Stage("simulated", 64, 2, 2),
    ),
    generator=TINY,
    mask_vae=MaskVAEConfig(size=32, width=8, max_width=16, latent=8, norm="group"),
    blender=BlenderConfig(width=4, downsamplings=2, blocks=1),
    discriminator=DiscriminatorConfig(width=8),
)
"""Every kind of stage, in seconds."""


def made_mask(size: int, glasses: bool = False) -> NDArray[np.uint8]:
    """Return a face of simple shapes, uint8 of shape (size, size)."""
    rows, columns = np.mgrid[:size, :size] / size
    labels = np.zeros((size, size), np.uint8)
    labels[(rows - 0.45) ** 2 + (columns - 0.5) ** 2 < 0.16] = 13
    labels[(rows - 0.5) ** 2 / 0.11 + (columns - 0.5) ** 2 / 0.07 < 1] = 1
    labels[(rows > 0.85) & (labels == 0)] = 18
    labels[(abs(rows - 0.42) < 0.06) & (abs(columns - 0.65) < 0.07)] = 4
    labels[(abs(rows - 0.42) < 0.06) & (abs(columns - 0.35) < 0.07)] = 5
    labels[(abs(rows - 0.55) < 0.06) & (abs(columns - 0.5) < 0.04)] = 2
    labels[(abs(rows - 0.7) < 0.03) & (abs(columns - 0.5) < 0.12)] = 11
    if glasses:
        labels[(abs(rows - 0.42) < 0.02) & (abs(columns - 0.5) < 0.3)] = 3
    return labels


def made_pixels(labels: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """Colour a mask in, slightly noisy: uint8 RGB of shape (H, W, 3)."""
    noise = np.random.default_rng(seed).normal(0, 6, (*labels.shape, 3))
    return np.clip(palette()[labels] * 0.7 + 40 + noise, 0, 255).astype(np.uint8)


def make_data(folder: Path, portraits: int = 6, size: int = 64) -> Path:
    """Write a data set, every third portrait of which is for validation; returns ``folder``."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    rows = ["id,tier,split"]
    for index in range(portraits):
        labels = made_mask(size, glasses=index == 0)
        Image.fromarray(made_pixels(labels, index)).save(
            folder / "images" / f"face_{index}.jpg", quality=95, subsampling=0
        )
        picture = Image.fromarray(labels)
        picture.putpalette(palette().tobytes())
        picture.save(folder / "labels" / f"face_{index}.png")
        rows.append(f"face_{index},A,{'val' if index % 3 == 2 else 'train'}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
