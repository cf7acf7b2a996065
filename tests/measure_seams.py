"""Measure how an edit meets the photo: ``python -m tests.measure_seams --data FOLDER``.

Edits are made up on portraits whose labels and crop are known, and pasted back into the full pictures. Across three
lines the step from pixel to pixel is compared with the original's step there: the outer border of what is altered, the
line of half weight, and the border of what was relabelled, where an edit may well want an edge. Three other ways to
paste the same render are measured beside ours, on the same edits in the same run.
"""

import argparse
import csv
import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.affine import to_opencv
from engine.align import cut_out
from engine.generate import load_generator
from engine.photo import Patch, laid_over, photo_of
from engine.session import Session
from engine.store import default_weights
from engine.types import Alignment, LabelMap, Pixels, Portrait, RenderRequest
from models.dataset import read_picture
from models.mask_edits import simulated_edit

ENLARGED = 3
"""The pictures are enlarged so often: a crop of a large photo has more pixels than the network."""


@dataclass(frozen=True)
class Edit:
    """A portrait and its edited mask."""

    portrait: Portrait
    labels: LabelMap


def read_edits(folder: Path, count: int, seed: int) -> list[Edit]:
    """Make up edits that change between 0.5 and 30 % of the mask, of portraits in turn."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    edits: list[Edit] = []
    turn = 0
    while len(edits) < count:
        row, rng = rows[turn % len(rows)], np.random.default_rng([seed, turn])
        turn += 1
        with Image.open(next(folder.rglob(f"{row['id']}_512_label.png"))) as file:
            labels = np.array(file)
        edited = simulated_edit(labels, rng)
        if not 0.005 < (edited != labels).mean() < 0.3:
            continue
        pixels = read_picture(next(folder.rglob(f"{row['id']}_full.*")))
        # Enlarged with the grain of a camera, for these pictures have little of their own.
        pixels = np.asarray(cv2.resize(pixels, None, fx=ENLARGED, fy=ENLARGED, interpolation=cv2.INTER_CUBIC), np.uint8)
        noisy = pixels + rng.normal(0, 4, (*pixels.shape[:2], 1))
        photo = photo_of(Image.fromarray(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)), row["id"])
        cx, cy, hx, hy = (ENLARGED * float(row[f"quad_{name}"]) for name in ("cx", "cy", "hx", "hy"))
        place = Alignment((cx, cy), (hx, hy))
        edits.append(Edit(Portrait(cut_out(photo.pixels, place, 512), labels, row["id"], photo, place), edited))
    return edits


def step(picture: Pixels, inside: NDArray[np.bool_]) -> float:
    """Return the mean difference between neighbours on either side of a region's border."""
    values = picture.astype(np.float32)
    total, count = 0.0, 0
    for axis in (0, 1):
        across = np.diff(inside.astype(np.int8), axis=axis) != 0
        differences = np.abs(np.diff(values, axis=axis)).mean(axis=2)
        total += float(differences[across].sum())
        count += int(across.sum())
    return total / max(count, 1)


def hard(base: Pixels, patch: Patch, changed: NDArray[np.bool_]) -> Pixels:
    """Paste what was relabelled without any transition."""
    return laid_over(base, Patch(patch.region, patch.colours, changed.astype(np.float32)))


def poisson(base: Pixels, patch: Patch, changed: NDArray[np.bool_]) -> Pixels:
    """Paste by solving Poisson's equation (Perez et al., SIGGRAPH 2003), as OpenCV does."""
    area = (patch.alpha > 0.5).astype(np.uint8) * 255
    area[[0, -1]], area[:, [0, -1]] = 0, 0
    box = cv2.boundingRect(area)
    if box[2] < 3 or box[3] < 3:
        return base
    part = np.ascontiguousarray(base[patch.region.slices])
    colours = np.clip(np.rint(patch.colours), 0, 255).astype(np.uint8)
    centre = (box[0] + box[2] // 2, box[1] + box[3] // 2)
    result = base.copy()
    result[patch.region.slices] = cv2.seamlessClone(colours, part, area, centre, cv2.NORMAL_CLONE)
    return result


def multiband(base: Pixels, patch: Patch, changed: NDArray[np.bool_]) -> Pixels:
    """Paste band by band of a Laplacian pyramid (Burt and Adelson, 1983), the weights blurred with each band."""
    part = base[patch.region.slices].astype(np.float32)
    weight = (patch.alpha > 0.5).astype(np.float32)
    pyramids = []
    for picture in (part, patch.colours.astype(np.float32)):
        bands = []
        for _ in range(4):
            small = cv2.pyrDown(picture)
            bands.append(picture - cv2.pyrUp(small, dstsize=picture.shape[1::-1]))
            picture = small
        pyramids.append([*bands, picture])
    weights: list[NDArray] = [weight]
    for _ in range(4):
        weights.append(cv2.pyrDown(weights[-1]))
    mixed = [a + w[..., None] * (b - a) for a, b, w in zip(*pyramids, weights, strict=True)]
    total = mixed[-1]
    for band in reversed(mixed[:-1]):
        total = cv2.pyrUp(total, dstsize=band.shape[1::-1]) + band
    return laid_over(base, Patch(patch.region, total, (patch.alpha > 0).astype(np.float32)))


def ours(base: Pixels, patch: Patch, changed: NDArray[np.bool_]) -> Pixels:
    """Paste as the editor does."""
    return laid_over(base, patch)


WAYS: dict[str, Callable[[Pixels, Patch, NDArray[np.bool_]], Pixels]] = {
    "ours": ours,
    "hard": hard,
    "poisson": poisson,
    "multiband": multiband,
}


def measure(edits: list[Edit], out: Path | None) -> dict:
    """Paste every edit in every way, and return what `main` prints."""
    session = Session(load_generator(default_weights()))
    lines = ("outer", "half weight", "relabelled")
    steps: dict[str, list[list[float]]] = {name: [] for name in ("original", *WAYS)}
    for number, edit in enumerate(edits):
        portrait = edit.portrait
        session.open(portrait)
        patch = session.patch(RenderRequest(0, number, edit.labels))
        if patch is None:
            continue
        base = portrait.base
        matrix = portrait.to_picture(*base.shape[:2])
        matrix[:, 2] -= (patch.region.x0, patch.region.y0)
        relabelled = (edit.labels != portrait.labels).astype(np.uint8)
        changed = cv2.warpAffine(relabelled, to_opencv(matrix), patch.alpha.shape[::-1], flags=cv2.INTER_NEAREST) > 0
        borders = [_placed(area, patch, base) for area in (patch.alpha > 0, patch.alpha > 0.5, changed)]
        steps["original"].append([step(base, border) for border in borders])
        results = {name: way(base, patch, changed) for name, way in WAYS.items()}
        for name, result in results.items():
            steps[name].append([step(result, border) for border in borders])
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            shown = [_near(picture, patch) for picture in (base, *results.values())]
            Image.fromarray(np.hstack(shown)).save(out / f"{number:02d}_{portrait.name}.jpg", quality=88)
    session.close()
    means = {name: np.mean(rows, axis=0) for name, rows in steps.items()}
    return {
        "edits": len(steps["original"]),
        "original_step": {line: round(float(value), 2) for line, value in zip(lines, means["original"], strict=True)},
        "ratio_to_original": {
            name: dict(zip(lines, np.round(means[name] / means["original"], 3).tolist(), strict=True)) for name in WAYS
        },
        "machine": f"{platform.machine()}, {platform.processor() or platform.system()}",
    }


def _placed(area: NDArray[np.bool_], patch: Patch, base: Pixels) -> NDArray[np.bool_]:
    whole = np.zeros(base.shape[:2], bool)
    whole[patch.region.slices] = area
    return whole


def _near(picture: Pixels, patch: Patch) -> Pixels:
    part = picture[patch.region.slices]
    return np.asarray(cv2.resize(part, (400, 400), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(prog="python -m tests.measure_seams", description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="folder with manifest.csv, <id>_full and <id>_512_label")
    p.add_argument("--edits", type=int, default=56)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, help="folder for pictures: original, ours, hard, Poisson, multi-band")
    args = p.parse_args()
    print(json.dumps(measure(read_edits(args.data, args.edits, args.seed), args.out), indent=1))


if __name__ == "__main__":
    main()
