"""Train the default dense mapping network: ``python -m models.train --data FOLDER`` (or ``make train DATA=FOLDER``).

The network is trained with context: a region of a portrait is blanked (free-form strokes, whole label regions, now and
then everything) and the network makes it anew from the label map, the style code and what is left of the picture. The
losses are L1, a least-squares patch discriminator conditioned on the label map, and feature matching.

Training goes through stages of growing picture size, as short ones at low resolution are worth their time on a CPU. It
can be interrupted (Ctrl-C saves a checkpoint) and goes on from there when started again.
"""

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam
from tqdm import tqdm

from models.checkpoints import load_generator, save_generator
from models.config import GeneratorConfig, WeightFileError, reason_of
from models.dataset import DatasetError, PortraitDataset, augment
from models.discriminator import DiscriminatorConfig, PatchDiscriminator
from models.edits import blanked_region
from models.generator import DenseMappingNetwork, one_hot
from models.losses import adversarial, feature_matching, reconstruction
from models.sheet import sample_sheet

DEFAULT_CONFIG = GeneratorConfig(
    size=256,
    width=24,
    max_width=256,
    boundary=True,
    context=True,
    skips=True,
    norm="group",
    padding="zeros",
    stem_kernel=3,
    up_kernel=4,
)
"""The shape of the default model."""


class TrainingError(Exception):
    """A training that cannot start or go on; the message says what to do."""


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one picture size.

    Attributes
    ----------
    size
        Side of the pictures, in pixels.
    steps, batch
        The number of optimiser steps and the pictures in each.
    """

    size: int
    steps: int
    batch: int


DEFAULT_STAGES = (Stage(128, 4000, 8), Stage(256, 2600, 4))
"""What the default model is trained with."""


def parse_stage(text: str) -> Stage:
    """Read ``SIZE:STEPS:BATCH``."""
    try:
        size, steps, batch = (int(part) for part in text.split(":"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not SIZE:STEPS:BATCH, such as 128:4000:8") from error
    if min(size, steps, batch) < 1 or size % DEFAULT_CONFIG.multiple:
        raise argparse.ArgumentTypeError(
            f"{text!r}: all three must be positive, and SIZE a multiple of {DEFAULT_CONFIG.multiple}"
        )
    return Stage(size, steps, batch)


class Batches:
    """Draws augmented batches; each is a function of the seed and the step alone, so that resuming repeats nothing."""

    def __init__(self, data: PortraitDataset, seed: int) -> None:
        self.data, self.seed = data, seed
        self.odds = data.weights()

    def draw(self, step: int, stage: Stage, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
        """Return labels uint8 (N, H, W), image float32 (N, 3, H, W) in [-1, 1], region float32 (N, 1, H, W)."""
        rng = np.random.default_rng([self.seed, step])
        labels, images, regions = [], [], []
        for index in rng.choice(len(self.data), stage.batch, p=self.odds):
            pixels, mask = augment(self.data.samples[index], stage.size, rng)
            images.append(pixels)
            labels.append(mask)
            regions.append(blanked_region(mask, rng))
        image = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float().div(127.5).sub(1)
        region = torch.from_numpy(np.stack(regions)).unsqueeze(1).float()
        return torch.from_numpy(np.stack(labels)).to(device), image.to(device), region.to(device)


_PARTS = ("generator", "average", "discriminator", "generator_optimiser", "discriminator_optimiser")
"""What a `Trainer` remembers from one run to the next."""


class Trainer:
    """Networks, optimisers and the running average of the generator's weights.

    Parameters
    ----------
    config
        The generator's shape.
    device
        Where to train.
    learning_rate
        Of both optimisers, before the final decay.
    bf16
        Whether convolutions run in bfloat16.
    """

    def __init__(self, config: GeneratorConfig, device: torch.device, learning_rate: float, bf16: bool) -> None:
        layout = torch.channels_last
        self.device, self.bf16, self.learning_rate = device, bf16, learning_rate
        self.generator = DenseMappingNetwork(config).to(device, memory_format=layout)  # type: ignore[call-overload]
        self.average = DenseMappingNetwork(config).to(device).eval().requires_grad_(False)
        self.average.load_state_dict(self.generator.state_dict())
        self.discriminator = PatchDiscriminator(DiscriminatorConfig(width=32)).to(device, memory_format=layout)  # type: ignore[call-overload]
        self.generator_optimiser = Adam(self.generator.parameters(), learning_rate, betas=(0.5, 0.999))
        self.discriminator_optimiser = Adam(self.discriminator.parameters(), learning_rate, betas=(0.5, 0.999))

    def step(self, labels: Tensor, image: Tensor, region: Tensor, rate: float) -> dict[str, float]:
        """Update the discriminator, then the generator, on one batch; ``rate`` scales the learning rate."""
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            optimiser.param_groups[0]["lr"] = self.learning_rate * rate
        planes = one_hot(labels)
        image = image.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            render = self.generator.decode(labels, self.generator.encode(labels, image), image, region)
            composed = render * region + image * (1 - region)
            real = self.discriminator(planes, image)
            judged = self.discriminator(planes, composed.detach())
        judge = (adversarial(real, 1.0, region) + adversarial(judged, 0.0, region)) / 2
        self.discriminator_optimiser.zero_grad()
        judge.backward()
        self.discriminator_optimiser.step()

        self.discriminator.requires_grad_(False)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            judged = self.discriminator(planes, composed)
        l1 = reconstruction(render, image, region)
        gan = adversarial(judged, 1.0, region)
        features = feature_matching(judged, real, region)
        self.generator_optimiser.zero_grad()
        (10 * l1 + gan + 10 * features).backward()
        self.generator_optimiser.step()
        self.discriminator.requires_grad_(True)
        return {"l1": l1.item(), "gan": gan.item(), "features": features.item(), "discriminator": judge.item()}

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the running average of the weights; its memory grows with the step, up to 500 steps."""
        decay = min(0.998, 1 - 1 / (1 + step / 5))
        for mean, value in zip(self.average.parameters(), self.generator.parameters(), strict=True):
            mean.lerp_(value, 1 - decay)

    def state(self) -> dict:
        """Everything that resuming needs."""
        return {name: getattr(self, name).state_dict() for name in _PARTS}

    def restore(self, state: dict) -> None:
        """Take up a state made by `state`."""
        for name in _PARTS:
            getattr(self, name).load_state_dict(state[name])


def rate_at(step: int, total: int) -> float:
    """Learning rate factor: a short warm-up, level, then a linear decay over the last 40% to a twentieth."""
    warm = min(1.0, (step + 1) / 100)
    return warm * max(0.05, min(1.0, (total - step) / (0.4 * total)))


def stage_at(step: int, stages: Sequence[Stage]) -> Stage:
    """Return the stage that a step belongs to."""
    for stage in stages:
        if step < stage.steps:
            return stage
        step -= stage.steps
    return stages[-1]


def save_checkpoint(trainer: Trainer, step: int, path: Path) -> None:
    """Write a checkpoint; the old one stays until the new one is whole.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    part = path.with_suffix(".part")
    config = trainer.generator.config.to_json()
    try:
        torch.save({"step": step, "config": config, "trainer": trainer.state()}, part)
        part.replace(path)
    except RuntimeError as error:  # how PyTorch reports a full disk
        raise OSError(f"{path} cannot be written ({reason_of(error)}). Make room or choose another --out.") from error
    finally:
        part.unlink(missing_ok=True)


def load_checkpoint(trainer: Trainer, path: Path) -> int:
    """Take up a checkpoint made by `save_checkpoint`; returns the number of steps it has behind it.

    Raises
    ------
    TrainingError
        If it is damaged, or of a network of another shape.
    """
    way_out = "Move it away to start anew, or choose another --out."
    try:
        saved = torch.load(path, map_location=trainer.device, weights_only=True)
        step, config, state = int(saved["step"]), saved.get("config"), saved["trainer"]
    except Exception as error:  # a damaged file can make the reader stumble in any way
        raise TrainingError(f"{path} cannot be read as a checkpoint ({reason_of(error)}). {way_out}") from error
    # Checkpoints of before the configuration was kept in them show by their shapes whether they fit.
    if config is not None and config != trainer.generator.config.to_json():
        raise TrainingError(f"{path} is of a network of another shape ({config}). {way_out}")
    try:
        trainer.restore(state)
    except Exception as error:
        raise TrainingError(f"{path} does not fit this network ({reason_of(error)}). {way_out}") from error
    return step


def _start_from(trainer: Trainer, weights: Path) -> None:
    network, _ = load_generator(weights)
    try:
        for mine in (trainer.generator, trainer.average):
            mine.load_state_dict(network.state_dict())
    except RuntimeError as error:
        raise TrainingError(
            f"{weights} is of a network of another shape than the one trained here. Choose another for --init."
        ) from error


def train(args: argparse.Namespace) -> Path:
    """Run or resume a training; returns the path of the final weights.

    Raises
    ------
    TrainingError, DatasetError, WeightFileError
        If the checkpoint, the data or the weights to start from cannot be used, or the losses are no longer finite.
    OSError
        If nothing can be written.
    KeyboardInterrupt
        If it was interrupted; the checkpoint has been saved by then.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # Older versions of PyTorch do not tell what the processor can do.
    known = getattr(torch.cpu, "get_capabilities", dict)()
    fast_bf16 = device.type == "cuda" or bool(known.get("avx512_bf16"))
    bf16 = fast_bf16 if args.precision == "auto" else args.precision == "bf16"
    run: Path = args.out
    run.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    trainer = Trainer(DEFAULT_CONFIG, device, args.lr, bf16)
    checkpoint = run / "checkpoint.pt"
    if args.init:
        _start_from(trainer, args.init)
    first = load_checkpoint(trainer, checkpoint) if checkpoint.exists() else 0
    largest = max(stage.size for stage in args.stages)
    batches = Batches(PortraitDataset(args.data, "train", largest), args.seed)
    fixed = PortraitDataset(args.data, "val", DEFAULT_CONFIG.size).samples[:: args.sheet_stride][:8]
    total = sum(stage.steps for stage in args.stages)
    threads = f"{torch.get_num_threads()} threads" if device.type == "cpu" else torch.cuda.get_device_name()
    print(f"{len(batches.data)} portraits, {total} steps, {platform.machine()} {threads}, bf16 {bf16}")
    weights, started = run / "generator.safetensors", time.monotonic()
    title = f"Maskbrush {DEFAULT_CONFIG.size}"
    if first >= total:
        print(f"{checkpoint} is at step {first} already: give --stages more steps to go on.")
        save_generator(trainer.average, weights, title, notes=args.notes)
    sums: dict[str, float] = {}
    done = since = first
    with (run / "log.jsonl").open("a", encoding="utf-8") as log:
        try:
            for step in tqdm(range(first, total), initial=first, total=total, disable=args.quiet):
                stage = stage_at(step, args.stages)
                losses = trainer.step(*batches.draw(step, stage, device), rate_at(step, total))
                if not all(math.isfinite(value) for value in losses.values()):
                    raise TrainingError(
                        f"The losses at step {step + 1} are not finite: {losses}. Start again with a lower --lr."
                    )
                trainer.follow(step)
                done = step + 1
                sums = {name: sums.get(name, 0) + value for name, value in losses.items()}
                if done % args.log_every == 0 or done == total:
                    means = {name: round(value / (done - since), 4) for name, value in sums.items()}
                    row = {"step": done, "size": stage.size, "seconds": round(time.monotonic() - started), **means}
                    log.write(json.dumps(row) + "\n")
                    log.flush()
                    sums, since = {}, done
                if done % args.save_every == 0 or done == total:
                    save_checkpoint(trainer, done, checkpoint)
                    save_generator(trainer.average, weights, title, notes=args.notes)
                    sheet = sample_sheet(trainer.average, fixed)
                    cv2.imwrite(str(run / f"sheet_{done:06d}.jpg"), sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
        except KeyboardInterrupt:
            save_checkpoint(trainer, done, checkpoint)
            print(f"Stopped at step {done}; the same command goes on from there.", file=sys.stderr)
            raise
    return weights


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(prog="python -m models.train", description="Train the default dense mapping network.")
    p.add_argument("--data", type=Path, required=True, help="folder with images/, labels/ and manifest.csv")
    p.add_argument(
        "--out", type=Path, default=Path("runs/default"), help="where checkpoint, log, sheets and weights go"
    )
    stages = " ".join(f"{stage.size}:{stage.steps}:{stage.batch}" for stage in DEFAULT_STAGES)
    p.add_argument(
        "--stages",
        type=parse_stage,
        nargs="+",
        metavar="SIZE:STEPS:BATCH",
        default=DEFAULT_STAGES,
        help=f"picture size, steps and batch of each stage (default {stages})",
    )
    p.add_argument("--init", type=Path, help="weights to start from")
    p.add_argument("--lr", type=float, default=3e-4, help="learning rate (default 3e-4)")
    p.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--log-every", type=int, default=50)
    p.add_argument("--save-every", type=int, default=400)
    p.add_argument("--sheet-stride", type=int, default=16, help="every n-th validation portrait is on the sample sheet")
    p.add_argument("--notes", default="", help="text kept in the weight file")
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    try:
        weights = train(parser().parse_args(argv))
    except (TrainingError, DatasetError, WeightFileError, OSError) as error:
        print(f"Training cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"Weights: {weights}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
