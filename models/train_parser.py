"""Train the face parser: ``python -m models.train_parser --data FOLDER --out FILE``.

Cross entropy, rare classes weighted somewhat up, on portraits of both tiers, varied as `models.parser_batches` says. A
running average of the weights is kept.
"""

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW
from tqdm import tqdm

from models.average import follow
from models.config import WeightFileError
from models.data import open_dataset
from models.dataset import DatasetError, PortraitSource, Sample
from models.device import PRECISIONS, use_bf16
from models.face_parser import FaceParser, ParserConfig, load_parser, save_parser
from models.metrics import confusion, label_scores
from models.options import positive, share
from models.parser_batches import batches
from models.rendering import to_tensor
from resources.labels import LABELS


def class_weights(samples: Sequence[Sample]) -> Tensor:
    """Weigh classes by a small power of how rare they are, within 0.6..2: float32 of shape (19,)."""
    counts = sum(np.bincount(sample.labels.ravel(), minlength=len(LABELS)) for sample in samples)
    share = np.asarray(counts, np.float64) / np.sum(counts)
    typical = np.median(share[share > 0])
    weights = np.where(share > 0, np.clip((typical / np.maximum(share, 1e-9)) ** 0.2, 0.6, 2.0), 1.0)
    return torch.from_numpy(weights.astype(np.float32))


@torch.no_grad()
def unweigh(network: FaceParser, weights: Tensor) -> None:
    """Take the classes' weights out of a trained network's answers, by its last bias, in place.

    Weighted cross entropy teaches probabilities in proportion to the weights, so that rare classes are learned soon;
    with the logarithms of the weights subtracted they are the classes' own again (Menon et al., "Long-tail learning via
    logit adjustment", ICLR 2021).
    """
    network.head.bias -= weights.log().repeat_interleave(4).to(network.head.bias)  # type: ignore[operator]


def _some(data: PortraitSource, count: int) -> list[Sample]:
    """Return at most so many portraits from all over a data set."""
    return [data[index] for index in np.unique(np.linspace(0, len(data) - 1, count).round().astype(int))]


@torch.inference_mode()
def score(network: FaceParser, samples: Sequence[Sample]) -> dict:
    """Return pixel accuracy, mean IoU over the classes present, and IoU by class, on unaltered portraits."""
    network.eval()
    device = next(network.parameters()).device
    counts = np.zeros((len(LABELS), len(LABELS)), np.int64)
    for sample in samples:
        found = network(to_tensor(sample.pixels).to(device)).argmax(dim=1)[0].cpu().numpy()
        counts += confusion(sample.labels, found)
    return label_scores(counts)


def train(args: argparse.Namespace) -> dict:
    """Train and save a parser; returns its scores on the validation split.

    Raises
    ------
    DatasetError
        If the data cannot be used.
    OSError
        If the weights cannot be written.
    WeightFileError
        If the parser to go on from cannot be used.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    data = open_dataset(args.data, "train", args.size, "AB")
    held_out = _some(open_dataset(args.data, "val", args.size, "AB"), 1000)
    bf16 = use_bf16(args.precision, device)
    network = FaceParser(ParserConfig(tuple(args.channels), args.residual))
    if args.init:
        older = load_parser(args.init)
        if older.config.channels != network.config.channels or older.config.residual > args.residual:
            levels = " ".join(map(str, older.config.channels))
            raise WeightFileError(
                f"{args.init.name} is of another shape.",
                f"Give --channels {levels} and --residual {older.config.residual} or more.",
            )
        # Blocks that the older network lacks are the identity.
        network.load_state_dict(older.state_dict(), strict=False)
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = FaceParser(network.config).to(device)
    average.load_state_dict(network.state_dict())
    optimiser = AdamW(network.parameters(), args.lr, weight_decay=0.01)
    weights = class_weights(_some(data, 2000)).to(device)
    started, mean, steps = time.monotonic(), 0.0, 0
    early = batches(data, args.early_size, args.early_batch, args.seed)
    late = batches(data, args.size, args.batch, args.seed)
    log = args.out.with_suffix(".jsonl")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    # The next portraits are varied while the network computes.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="portraits") as maker:
        coming = maker.submit(next, early)
        for step in tqdm(range(args.steps), disable=args.quiet):
            done = max(step / args.steps, (time.monotonic() - started) / (60 * args.minutes))
            if done >= 1:
                break
            image, labels = (tensor.to(device) for tensor in coming.result())
            coming = maker.submit(next, early if done < args.early_share else late)
            optimiser.param_groups[0]["lr"] = (
                args.lr * min(1, step / 100 + 0.05) * (0.5 + 0.5 * math.cos(math.pi * done))
            )
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = network(image.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(logits.float(), labels, weight=weights)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            follow(average, network, step, 0.998)
            steps = step + 1
            mean += loss.item() / args.log_every
            if (step + 1) % args.log_every == 0:
                rows.append({"step": step + 1, "seconds": round(time.monotonic() - started), "loss": round(mean, 4)})
                log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
                mean = 0.0
                if (step + 1) % (20 * args.log_every) == 0:
                    # Something to look at, and to go on from if the machine stops.
                    save_parser(average, args.out, notes=f"{step + 1} steps, under way")
    unweigh(average, weights)
    scores = score(average, held_out)
    rows.append({"step": steps, "seconds": round(time.monotonic() - started), "val": scores})
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    save_parser(average, args.out, notes=f"{steps} steps, seed {args.seed}, {platform.machine()}")
    return scores


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(prog="python -m models.train_parser", description="Train the face parser.")
    p.add_argument("--data", type=Path, required=True, help="folder of portraits256's or CelebAMask-HQ's layout")
    p.add_argument("--out", type=Path, default=Path("runs/parser/parser.safetensors"), help="the weight file to make")
    p.add_argument("--channels", type=int, nargs="+", default=list(ParserConfig().channels))
    p.add_argument("--residual", type=int, default=ParserConfig().residual, help="levels with a residual block")
    p.add_argument("--init", type=Path, help="a parser to go on from; blocks that it lacks start as the identity")
    p.add_argument("--steps", type=positive, default=12000)
    p.add_argument("--minutes", type=float, default=math.inf, help="end after so long at the latest")
    p.add_argument("--early-share", type=share, default=0.6, help="the part of the training at the early size")
    p.add_argument("--size", type=int, default=256, help="picture size of the rest")
    p.add_argument("--batch", type=positive, default=8)
    p.add_argument("--early-size", type=int, default=160, help="picture size to begin with")
    p.add_argument("--early-batch", type=positive, default=16)
    p.add_argument("--lr", type=float, default=3e-3)
    p.add_argument("--precision", choices=PRECISIONS, default="auto")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--log-every", type=positive, default=50)
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    command = parser()
    args = command.parse_args(argv)
    try:
        multiple = ParserConfig(tuple(args.channels), args.residual).multiple
    except ValueError as error:
        command.error(str(error))
    if not args.minutes > 0:
        command.error(f"the minutes must be above 0, not {args.minutes}")
    for size in (args.early_size, args.size):
        if size < 1 or size % multiple:
            command.error(f"picture sizes must be multiples of {multiple} for {len(args.channels)} levels, not {size}")
    try:
        scores = train(args)
    except (DatasetError, OSError, WeightFileError) as error:
        print(f"Training cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped before the end: nothing more was written.", file=sys.stderr)
        return 130
    print(json.dumps(scores, indent=1))
    print(f"Weights: {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
