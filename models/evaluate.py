"""Measure a generator: ``python -m models.evaluate WEIGHTS --data FOLDER --parser PARSER --out FOLDER``.

Attribute transfer and style copy as the paper frames them (MaskGAN, section 4), on the validation split of any data set
that training reads: do renders show the labels asked for, how well are blanked regions made anew (beside two
baselines), does a copied style bring its colours, how far are renders from photographs, do they recite the training
set. Writes ``report.json``, ``report.md`` and sheets of pictures.
"""

import argparse
import json
import math
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from models.accessories import draw_glasses
from models.checkpoints import load_generator
from models.config import WeightFileError
from models.data import open_dataset
from models.dataset import DatasetError, PortraitSource, Sample
from models.face_parser import FaceParser, load_parser
from models.fidelity import (
    ParserFeatures,
    face_recogniser,
    inception,
    looks,
    nearest,
    require_torchmetrics,
    set_distances,
)
from models.mask_edits import edited_region, lengthen_hair, open_mouth, simulated_edit
from models.metrics import confusion, label_scores, mean_lab, region_errors
from models.options import positive
from models.rendering import Renderer, class_means, telea, to_tensor
from models.report import grid, write_report
from resources.labels import BY_NAME, LABEL_COUNT, palette

Pixels = NDArray[np.uint8]

HAIR, SKIN = BY_NAME["hair"].id, BY_NAME["skin"].id
FAR = 10.0
"""Least Lab distance between two portraits' mean colours for which it is asked how much of the way a copy goes."""


@torch.inference_mode()
def parse(parser: FaceParser, pixels: Pixels) -> Pixels:
    """Label a picture: uint8 of shape (H, W)."""
    device = next(parser.parameters()).device
    return parser(to_tensor(pixels).to(device)).argmax(dim=1)[0].byte().cpu().numpy()


def _edited(sample: Sample, seed: int) -> tuple[Pixels, Pixels]:
    """Return a simulated edit of a portrait's labels and the region it changes, which is not empty."""
    for attempt in range(20):
        rng = np.random.default_rng([seed, attempt])
        labels = simulated_edit(sample.labels, rng)
        region = edited_region(sample.labels, labels, max(1, sample.labels.shape[0] // 50))
        if region.any():
            return labels, region
    # No edit changes a map of one class only: take its middle.
    side = sample.labels.shape[0]
    region = np.zeros_like(sample.labels)
    region[side // 4 : -side // 4, side // 4 : -side // 4] = 1
    return sample.labels, region


def label_accuracy(renderer: Renderer, parser: FaceParser, samples: Sequence[Sample], quiet: bool) -> dict:
    """Compare what the parser sees with what was asked for, in whole renders, composed edits and the photographs."""
    counts = {
        kind: np.zeros((LABEL_COUNT, LABEL_COUNT), np.int64) for kind in ("whole", "copied", "composed", "photographs")
    }
    untouched = 0
    for index, sample in enumerate(tqdm(samples, "labels", disable=quiet)):
        style = renderer.style(sample)
        other = renderer.style(samples[(index + 1) % len(samples)])
        labels, region = _edited(sample, index)
        composed = renderer.composed(sample.pixels, labels, style, region)
        untouched = max(untouched, int(abs(composed.astype(int) - sample.pixels)[region == 0].max(initial=0)))
        for kind, wanted, pixels in (
            ("whole", sample.labels, renderer.whole(sample.labels, style)),
            ("copied", sample.labels, renderer.whole(sample.labels, other)),
            ("composed", labels, composed),
            ("photographs", sample.labels, sample.pixels),
        ):
            counts[kind] += confusion(wanted, parse(parser, pixels))
    return {kind: label_scores(count) for kind, count in counts.items()} | {"largest_change_outside_edits": untouched}


def reconstruction(renderer: Renderer, samples: Sequence[Sample], each: int, quiet: bool) -> dict:
    """Blank what simulated edits change and make it anew; the errors inside, beside those of the baselines."""
    rows: dict[str, list[dict[str, float]]] = {"model": [], "telea": [], "class_means": []}
    for index, sample in enumerate(tqdm(samples, "blanked regions", disable=quiet)):
        style = renderer.style(sample)
        for turn in range(each):
            _, region = _edited(sample, 1000 + index * each + turn)
            for name, made in (
                ("model", renderer.composed(sample.pixels, sample.labels, style, region)),
                ("telea", telea(sample.pixels, region)),
                ("class_means", class_means(sample.pixels, sample.labels, region)),
            ):
                rows[name].append(region_errors(made, sample.pixels, region))
    means = {
        name: {key: round(float(np.mean([row[key] for row in found])), 4) for key in found[0]}
        for name, found in rows.items()
    }
    return {"regions": len(rows["model"]), **means}


def _pairs(samples: Sequence[Sample], count: int) -> Iterator[tuple[Sample, Sample]]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        first, second = rng.choice(len(samples), 2, replace=False)
        yield samples[first], samples[second]


def style_copy(renderer: Renderer, samples: Sequence[Sample], count: int, quiet: bool) -> dict:
    """Measure how much of the way to the exemplar's mean hair and skin colour a copied style goes (Lab distance)."""
    shares: dict[str, list[float]] = {"hair": [], "skin": []}
    left: dict[str, list[float]] = {"hair": [], "skin": []}
    for target, exemplar in tqdm(_pairs(samples, count), "style copies", total=count, disable=quiet):
        render = renderer.whole(target.labels, renderer.style(exemplar))
        for name, label in (("hair", HAIR), ("skin", SKIN)):
            start, end = (
                mean_lab(target.pixels, target.labels, label),
                mean_lab(exemplar.pixels, exemplar.labels, label),
            )
            reached = mean_lab(render, target.labels, label)
            if start is None or end is None or reached is None:
                continue
            way, rest = np.linalg.norm(end - start), np.linalg.norm(end - reached)
            left[name].append(float(rest))
            if way >= FAR:
                shares[name].append(float(1 - rest / way))
    return {
        name: {
            "pairs": len(left[name]),
            "pairs_far_apart": len(shares[name]),
            "share_of_the_way": round(float(np.mean(shares[name])), 4) if shares[name] else None,
            "lab_distance_left": round(float(np.mean(left[name])), 3) if left[name] else None,
        }
        for name in shares
    }


def edit_sheets(renderer: Renderer, samples: Sequence[Sample], out: Path, quiet: bool) -> list[str]:
    """Make a sheet for each of four edits: ten faces, each as photograph, edited mask and composed edit."""
    side = samples[0].labels.shape[0]

    def glasses(sample: Sample, index: int) -> Pixels:
        labels = sample.labels.copy()
        draw_glasses(sample.pixels.copy(), labels, np.random.default_rng(index + 40))
        return labels

    edits: dict[str, Callable[[Sample, int], Pixels]] = {
        "glasses_added": glasses,
        "hair_lengthened": lambda sample, _: lengthen_hair(sample.labels, side // 4),
        "smile_opened": lambda sample, _: open_mouth(sample.labels, 0.35),
        "hair_recoloured": lambda sample, _: sample.labels,
    }
    suited: dict[str, Callable[[Sample], bool]] = {
        "glasses_added": lambda sample: not (sample.labels == BY_NAME["eye_g"].id).any(),
        "hair_lengthened": lambda sample: (sample.labels == HAIR).mean() > 0.08,
        "smile_opened": lambda sample: (sample.labels == BY_NAME["mouth"].id).mean() < 0.001,
        "hair_recoloured": lambda sample: (sample.labels == HAIR).mean() > 0.08,
    }
    names = []
    for name, edit in edits.items():
        chosen = [sample for sample in samples if suited[name](sample)]
        if len(chosen) > 10:
            chosen = [chosen[i] for i in np.linspace(0, len(chosen) - 1, 10).round().astype(int)]
        tiles: list[Pixels] = []
        for index, sample in enumerate(tqdm(chosen, name, disable=quiet)):
            labels, style = edit(sample, index), renderer.style(sample)
            region = edited_region(sample.labels, labels, side // 40)
            if name == "hair_recoloured":
                donor = max(chosen, key=lambda other: _hair_distance(sample, other))
                style = renderer.restyle(style, renderer.style(donor), (HAIR,))
                bare = np.where(labels == HAIR, np.uint8(0), labels)
                region = edited_region(labels, bare, side // 64)
            tiles += [sample.pixels, palette()[labels], renderer.composed(sample.pixels, labels, style, region)]
        if tiles:
            names.append(grid(tiles, 6, out / f"{name}.jpg"))
    return names


def _hair_distance(sample: Sample, other: Sample) -> float:
    a, b = mean_lab(sample.pixels, sample.labels, HAIR), mean_lab(other.pixels, other.labels, HAIR)
    return 0.0 if a is None or b is None else float(np.linalg.norm(a - b))


def recital(
    renders: Sequence[Pixels], held_out: Sequence[Sample], training: PortraitSource, parser: FaceParser, out: Path
) -> dict:
    """Find the nearest training portrait of each render, beside that of each validation photograph."""
    photographs = [training[index].pixels for index in range(len(training))]
    known, asked = looks(photographs, parser), looks(renders, parser)
    real = looks([sample.pixels for sample in held_out], parser)
    distances, found = {}, {}
    for name, position in (("thumbnail", 0), ("features", 1)):
        found[name], made = nearest(asked[position], known[position])
        _, photo = nearest(real[position], known[position])
        distances[name] = {
            "renders_least": round(float(made.min()), 4),
            "renders_mean": round(float(made.mean()), 4),
            "photographs_mean": round(float(photo.mean()), 4),
        }
    tiles: list[Pixels] = []
    for index, render in enumerate(renders):
        tiles += [render, photographs[found["thumbnail"][index]], photographs[found["features"][index]]]
    return {"sheet": grid(tiles, 12, out / "nearest_training_portraits.jpg", 96), "distances": distances}


def evaluate(args: argparse.Namespace) -> dict:
    """Take all measurements; returns what ``report.json`` holds.

    Raises
    ------
    DatasetError, WeightFileError
        If the data or a weight file cannot be used.
    OSError
        If the report cannot be written.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network, title = load_generator(args.weights)
    parser, size = load_parser(args.parser).to(device), args.size or network.config.size
    unit = math.lcm(network.config.multiple, parser.config.multiple)
    if size % unit:
        raise DatasetError(f"These networks take pictures whose side is a multiple of {unit}, not {size}: give --size.")
    require_torchmetrics()
    features = inception(args.inception).to(device) if args.inception else ParserFeatures(parser)
    embed = face_recogniser(args.arcface) if args.arcface else None
    renderer = Renderer(network.to(device))
    data = open_dataset(args.data, args.split, size)
    count = min(len(data), args.limit or len(data))
    samples = [data[index] for index in np.linspace(0, len(data) - 1, count).round().astype(int)]
    if len(samples) < 2:
        raise DatasetError(f"{args.data}: the split {args.split!r} needs two portraits or more to be evaluated on.")
    args.out.mkdir(parents=True, exist_ok=True)
    report: dict = {
        "model": title,
        "weights": args.weights.name,
        "portraits": len(samples),
        "split": args.split,
        "size": size,
        "machine": f"{platform.machine()}, {device.type}",
        "labels": label_accuracy(renderer, parser, samples, args.quiet),
        "reconstruction": reconstruction(renderer, samples, args.regions, args.quiet),
        "style_copy": style_copy(renderer, samples, args.pairs, args.quiet),
    }
    wholes = [renderer.whole(sample.labels, renderer.style(sample)) for sample in samples]
    photographs = [sample.pixels for sample in samples]
    name = "Inception" if args.inception else "face parser"
    report["set_distances"] = {"features": name, **set_distances(photographs, wholes, features)}
    if embed is not None:
        alike = [float(embed(a) @ embed(b)) for a, b in zip(photographs, wholes, strict=True)]
        report["identity"] = {"whole_renders_mean_cosine": round(float(np.mean(alike)), 4)}
    training = open_dataset(args.data, "train", size)
    report["recital"] = recital(wholes[:50], samples, training, parser, args.out)
    report["sheets"] = edit_sheets(renderer, samples, args.out, args.quiet)
    write_report(report, args.out)
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    p = argparse.ArgumentParser(prog="python -m models.evaluate", description="Measure a generator.")
    p.add_argument("weights", type=Path, help="a .safetensors or published .pth file")
    p.add_argument("--data", type=Path, required=True, help="folder of portraits256's or CelebAMask-HQ's layout")
    p.add_argument("--parser", type=Path, required=True, help="weights of a face parser")
    p.add_argument("--out", type=Path, default=Path("out/evaluation"), help="folder of report and sheets")
    p.add_argument("--split", default="val", help="the split to evaluate on (default val)")
    p.add_argument("--size", type=positive, help="picture size (default: the network's)")
    p.add_argument("--limit", type=positive, help="take only so many portraits")
    p.add_argument("--regions", type=positive, default=2, help="blanked regions a portrait (default 2)")
    p.add_argument("--pairs", type=positive, default=100, help="pairs for the style copy (default 100)")
    p.add_argument("--inception", type=Path, help="Inception weights for FID and KID; else the parser's features")
    p.add_argument("--arcface", type=Path, help="an ArcFace network in ONNX form, for identity")
    p.add_argument("--quiet", action="store_true", help="no progress bars")
    args = p.parse_args(argv)
    try:
        report = evaluate(args)
    except (DatasetError, WeightFileError, OSError) as error:
        print(f"Evaluation cannot go on: {error}", file=sys.stderr)
        return 1
    print(json.dumps(report, indent=1))
    print(f"Report: {args.out / 'report.md'}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
