"""Train the face locator: ``python -m models.train_locator --data FOLDER --out FILE``.

Focal loss on where faces are (CornerNet's, as CenterNet uses it) and an absolute loss on where their eyes and mouths
are, on scenes made as `models.locator_batches` says. A running average of the weights is kept.
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

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim import AdamW
from tqdm import tqdm

from models.average import follow
from models.data import open_dataset
from models.dataset import DatasetError
from models.device import PRECISIONS, use_bf16
from models.face_locator import FaceLocator, save_locator
from models.locator_batches import batches
from models.options import positive

OFFSET_WEIGHT = 2.0


def heat_loss(logits: Tensor, heat: Tensor) -> Tensor:
    """Return the penalty-reduced focal loss (CornerNet, equation 1) over the faces' number.

    Parameters
    ----------
    logits
        (N, 1, h, w).
    heat
        (N, 1, h, w) in 0..1, 1 only at a face's centre; -1 where nothing is asked.
    """
    found = torch.sigmoid(logits).clamp(1e-4, 1 - 1e-4)
    centre, asked = (heat == 1).float(), (heat >= 0).float()
    hit = (1 - found) ** 2 * found.log() * centre
    miss = (1 - heat.clamp(min=0)) ** 4 * found**2 * (1 - found).log() * (1 - centre) * asked
    return -(hit + miss).sum() / centre.sum().clamp(min=1)


def offset_loss(offsets: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean smooth absolute error of (N, 6, h, w) offsets where ``wanted`` is not NaN."""
    asked = ~torch.isnan(wanted)
    if not asked.any():
        return offsets.sum() * 0
    return F.smooth_l1_loss(offsets[asked], wanted[asked], beta=0.05)


def train(args: argparse.Namespace) -> dict:
    """Train and save a locator; returns its losses on scenes with the validation split's portraits.

    Raises
    ------
    DatasetError
        If the data cannot be used.
    OSError
        If the weights cannot be written.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    data = open_dataset(args.data, "train", args.portrait, "AB")
    held_out = open_dataset(args.data, "val", args.portrait, "AB")
    bf16 = use_bf16(args.precision, device)
    network = FaceLocator().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = FaceLocator().to(device)
    average.load_state_dict(network.state_dict())
    optimiser = AdamW(network.parameters(), args.lr, weight_decay=0.01)
    scenes = batches(data, args.size, args.batch, args.seed)
    log, rows, means = args.out.with_suffix(".jsonl"), [], [0.0, 0.0]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    started, steps = time.monotonic(), 0
    # The next scenes are made while the network computes.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="scenes") as maker:
        coming = maker.submit(next, scenes)
        for step in tqdm(range(args.steps), disable=args.quiet):
            done = max(step / args.steps, (time.monotonic() - started) / (60 * args.minutes))
            if done >= 1:
                break
            image, heat, wanted = (tensor.to(device) for tensor in coming.result())
            coming = maker.submit(next, scenes)
            optimiser.param_groups[0]["lr"] = (
                args.lr * min(1, step / 100 + 0.05) * (0.5 + 0.5 * math.cos(math.pi * done))
            )
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                answer = network(image.contiguous(memory_format=torch.channels_last))
            answer = answer.float()
            losses = heat_loss(answer[:, :1], heat), offset_loss(answer[:, 1:], wanted)
            optimiser.zero_grad()
            (losses[0] + OFFSET_WEIGHT * losses[1]).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
            optimiser.step()
            follow(average, network, step, 0.998)
            steps = step + 1
            means = [mean + loss.item() / args.log_every for mean, loss in zip(means, losses, strict=True)]
            if (step + 1) % args.log_every == 0:
                seconds = round(time.monotonic() - started)
                rows.append(
                    {"step": step + 1, "seconds": seconds, "heat": round(means[0], 4), "offset": round(means[1], 5)}
                )
                log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
                means = [0.0, 0.0]
                if (step + 1) % (10 * args.log_every) == 0:
                    save_locator(average, args.out, notes=f"{step + 1} steps, under way")
    scores = score(average.eval(), batches(held_out, args.size, 16, 1), args.held_out, device)
    rows.append({"step": steps, "seconds": round(time.monotonic() - started), "val": scores})
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    save_locator(average, args.out, notes=f"{steps} steps, seed {args.seed}, {platform.machine()}")
    return scores


@torch.inference_mode()
def score(network: FaceLocator, scenes, count: int, device: torch.device) -> dict[str, float]:
    """Return the mean losses over so many batches."""
    heats, shifts = 0.0, 0.0
    for _ in range(count):
        image, heat, wanted = (tensor.to(device) for tensor in next(scenes))
        answer = network(image)
        heats += heat_loss(answer[:, :1], heat).item() / count
        shifts += offset_loss(answer[:, 1:], wanted).item() / count
    return {"heat": round(heats, 4), "offset": round(shifts, 5)}


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(prog="python -m models.train_locator", description="Train the face locator.")
    p.add_argument("--data", type=Path, required=True, help="folder of portraits256's or CelebAMask-HQ's layout")
    p.add_argument("--out", type=Path, default=Path("runs/locator/locator.safetensors"), help="the weight file to make")
    p.add_argument("--steps", type=positive, default=5000)
    p.add_argument("--minutes", type=float, default=math.inf, help="end after so long at the latest")
    p.add_argument("--size", type=int, default=160, help="side of the scenes, a multiple of 16")
    p.add_argument("--portrait", type=positive, default=112, help="side at which portraits are kept")
    p.add_argument("--batch", type=positive, default=16)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--held-out", type=positive, default=20, help="batches of scenes to measure with at the end")
    p.add_argument("--precision", choices=PRECISIONS, default="auto")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--log-every", type=positive, default=50)
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    command = parser()
    args = command.parse_args(argv)
    if args.size < 1 or args.size % FaceLocator.multiple:
        command.error(f"the size must be a multiple of {FaceLocator.multiple}, not {args.size}")
    if args.portrait < 48:
        command.error(f"portraits must be kept at 48 pixels or more, not {args.portrait}")
    if not args.minutes > 0:
        command.error(f"the minutes must be above 0, not {args.minutes}")
    try:
        scores = train(args)
    except (DatasetError, OSError) as error:
        print(f"Training cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped before the end: nothing more was written.", file=sys.stderr)
        return 130
    print(json.dumps(scores))
    print(f"Weights: {args.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
