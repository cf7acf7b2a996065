"""Measure the face parser as the editor runs it: ``python -m tests.measure_parser --data FOLDER``.

Printed as JSON: pixel accuracy, mean IoU over the classes present, and IoU by class, on the validation split of
portraits256's or CelebAMask-HQ's layout, of all tiers and of each.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from engine.parse import load_parser
from models.data import open_dataset
from models.metrics import confusion, label_scores
from resources.labels import LABEL_COUNT


def main() -> None:
    """Entry point."""
    p = argparse.ArgumentParser(prog="python -m tests.measure_parser", description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="folder of portraits256's or CelebAMask-HQ's layout")
    p.add_argument("--parser", type=Path, help="weight file (default: the one that comes with Maskbrush)")
    p.add_argument("--tiers", default="AB")
    p.add_argument("--size", type=int, default=256)
    args = p.parse_args()
    parser = load_parser(args.parser)
    total, result = np.zeros((LABEL_COUNT, LABEL_COUNT), np.int64), {}
    for tier in args.tiers:
        counts = np.zeros_like(total)
        data = open_dataset(args.data, "val", args.size, tier)
        for index in range(len(data)):
            sample = data[index]
            counts += confusion(sample.labels, parser.parse(sample.pixels))
        total += counts
        result[f"tier {tier}"] = {"portraits": len(data)} | label_scores(counts)
    print(json.dumps({"parser": parser.info.title, "device": parser.info.device, "all": label_scores(total)} | result))


if __name__ == "__main__":
    main()
