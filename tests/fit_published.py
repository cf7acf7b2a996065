"""Fit a network of the published size to the sample portraits for some minutes: ``python -m tests.fit_published``.

The published weights may not be passed on, and what int8 and local renders do to random weights says little of trained
ones. What comes out of this knows two faces and is of no use to anybody, but its activations are those of a network
that draws them. `tests.bench` measures errors on it.
"""

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from engine.generate import to_planes
from engine.reader import read_portrait
from engine.types import Portrait
from models.checkpoints import save_generator
from models.generator import DenseMappingNetwork
from resources import RESOURCES
from resources.labels import twins

SAMPLES = ("collins.jpg", "exemplar.jpg")
SIDES = ((0.5, 128, 4), (0.85, 256, 2), (1.0, 512, 1))
"""Until which share of the time, at how many pixels, in batches of how many."""


def views(portrait: Portrait, side: int, rng: np.random.Generator, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a portrait a little turned, shifted and scaled: labels (N, side, side), pixels (N, 3, side, side)."""
    labels, pixels = [], []
    for _ in range(count):
        scale = side / portrait.labels.shape[0] * rng.uniform(0.95, 1.1)
        turn = cv2.getRotationMatrix2D((portrait.labels.shape[1] / 2,) * 2, rng.uniform(-8, 8), scale)
        turn[:, 2] += side / 2 - portrait.labels.shape[1] / 2 + rng.uniform(-0.05, 0.05, 2) * side
        ids = cv2.warpAffine(portrait.labels, turn, (side, side), flags=0, borderMode=cv2.BORDER_REPLICATE)
        seen = cv2.warpAffine(portrait.view, turn, (side, side), flags=2, borderMode=cv2.BORDER_REPLICATE)
        if rng.random() < 0.5:
            ids, seen = twins()[np.asarray(ids, np.uint8)[:, ::-1]], seen[:, ::-1]
        labels.append(torch.from_numpy(np.ascontiguousarray(ids)))
        pixels.append(torch.from_numpy(to_planes(np.asarray(seen, np.uint8))[0]))
    return torch.stack(labels), torch.stack(pixels)


def fit(minutes: float, out: Path) -> None:
    """Fit and write the weights."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    portraits = [read_portrait(RESOURCES / "samples" / name) for name in SAMPLES]
    network = DenseMappingNetwork().train()
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.99))
    started, step = time.monotonic(), 0
    while (share := (time.monotonic() - started) / (60 * minutes)) < 1:
        _, side, batch = next(stage for stage in SIDES if share <= stage[0])
        labels, pixels = views(portraits[step % len(portraits)], side, rng, batch)
        # Styled by another view of the same face, as in training on pairs.
        other_labels, other = views(portraits[step % len(portraits)], side, rng, batch)
        render = network(labels, other_labels, other)
        coarse = F.l1_loss(F.avg_pool2d(render, 4), F.avg_pool2d(pixels, 4))
        loss = F.l1_loss(render, pixels) + coarse
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        if step % 10 == 0:
            print(f"step {step}, {side} px, {share:.0%} of the time: loss {loss.item():.3f}", flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_generator(network.eval(), out, "Published size, fitted to two portraits", half=False)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.fit_published")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=Path("runs/published-size.safetensors"))
    args = parser.parse_args()
    fit(args.minutes, args.out)
    print(f"Wrote {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
