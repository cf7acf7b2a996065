"""Train the default model: ``python -m models.train --data FOLDER`` (or ``make train DATA=FOLDER``).

A recipe (a TOML file, see `models.recipe`) names the networks' shapes and the stages: MaskVAE and the dense mapping
network by themselves, then editing behaviour simulated training (MaskGAN, section 3.3). A training can be interrupted
(Ctrl-C saves a checkpoint) and goes on exactly where it was when started again. With ``torchrun``, several processes
share each batch. ``--smoke`` runs every kind of stage on made-up data.
"""

import argparse
import contextlib
import json
import math
import os
import platform
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from tqdm import tqdm

from models.batches import Batches, loader
from models.checkpoints import load_generator, save_generator
from models.config import WeightFileError, reason_of
from models.data import open_dataset
from models.dataset import DatasetError, PortraitSource
from models.device import PRECISIONS, use_bf16
from models.face_parser import FaceParser, load_parser
from models.options import positive, share, whole
from models.perceptual import PerceptualLoss, load_vgg
from models.progress import CheckpointError, load_checkpoint, save_checkpoint
from models.recipe import DEFAULT_RECIPE, Recipe, RecipeError, Stage, read_recipe
from models.report import write_jpeg
from models.sheet import sample_sheet
from models.synthetic import SMOKE_PARSER, SMOKE_RECIPE, make_data
from models.trainer import Trainer


class TrainingError(Exception):
    """A training that cannot start or go on; the message says what to do."""


@contextlib.contextmanager
def _processes() -> Iterator[tuple[int, int, torch.device]]:
    """Join the other processes that torchrun has started, if it has: rank, number of processes, device."""
    local, count = int(os.environ.get("LOCAL_RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = torch.device("cuda", local) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if count == 1:
        yield 0, 1, device
        return
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield dist.get_rank(), count, device
    finally:
        dist.destroy_process_group()


class _Stopping:
    """Notes that the user, or the system, wants the training to stop, which it then does between two steps.

    In the middle of one, some networks would have been updated and others not. A second request stops at once.
    """

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Stopping":
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True

    def agreed(self, late: bool, processes: int, device: torch.device) -> tuple[bool, bool]:
        """Return whether to stop, and whether the time is up, as the first process sees it: all stop at one step."""
        if processes == 1:
            return self.asked, late
        words = torch.tensor([float(self.asked), float(late)], device=device)
        dist.broadcast(words, 0)
        asked, late = words.bool().tolist()
        return asked, late


def _perceptual(args: argparse.Namespace) -> PerceptualLoss | None:
    if args.smoke:
        return PerceptualLoss(FaceParser(SMOKE_PARSER), size=64)
    if args.parser is None:
        if args.vgg is not None:
            raise TrainingError("--vgg needs --parser as well: the label loss is the parser's.")
        return None
    return PerceptualLoss(load_parser(args.parser), load_vgg(args.vgg) if args.vgg else None)


class _Means:
    """Means of the losses since they were last asked for, over all processes."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.sums: dict[str, torch.Tensor] = {}
        self.count = 0

    def add(self, losses: dict[str, torch.Tensor]) -> None:
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0) + value.detach().float()
        self.count += 1

    def take(self) -> dict[str, float]:
        names = sorted(self.sums)
        values = torch.stack([self.sums[name] for name in names]) / self.count
        if self.processes > 1:
            dist.all_reduce(values)
            values /= self.processes
        self.sums, self.count = {}, 0
        return dict(zip(names, values.tolist(), strict=True))


def _resume(args: argparse.Namespace, trainer: Trainer) -> int:
    """Take up the checkpoint, or the weights to start from; returns the steps behind them."""
    saved = load_checkpoint(args.out / "checkpoints", trainer.recipe.shapes(), trainer.device)
    if saved is not None:
        try:
            trainer.restore(saved[0])
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"The checkpoint in {args.out} does not fit this version ({reason_of(error)}). Move it away to start "
                "anew, or choose another --out."
            ) from error
        return saved[1]
    if args.init:
        network, _ = load_generator(args.init)
        try:
            trainer.start_from(network)
        except ValueError as error:
            raise TrainingError(f"{args.init} does not fit the recipe ({error}). Choose another for --init.") from error
    return 0


class _Run:
    """One run of a training: what is written, and when."""

    def __init__(
        self, args: argparse.Namespace, recipe: Recipe, data: PortraitSource, held_out: PortraitSource
    ) -> None:
        self.args, self.recipe, self.data = args, recipe, data
        step = max(1, len(held_out) // 8)
        self.fixed = [held_out[index] for index in range(0, len(held_out), step)][:8]
        self.weights: Path = args.out / "generator.safetensors"

    def save_weights(self, trainer: Trainer) -> None:
        """Write the weights."""
        title = f"Maskbrush {self.recipe.generator.size}"
        save_generator(trainer.average, self.weights, title, notes=self.args.notes)

    def save_checkpoint(self, trainer: Trainer, done: int) -> None:
        """Write the checkpoint."""
        save_checkpoint(trainer.state(), done, self.recipe.shapes(), self.args.out / "checkpoints")

    def save(self, trainer: Trainer, done: int, stage: Stage) -> None:
        """Write the checkpoint, the weights and a sample sheet."""
        self.save_checkpoint(trainer, done)
        self.save_weights(trainer)
        if stage.kind != "masks":
            sheet = sample_sheet(trainer.average, self.fixed)
            write_jpeg(sheet, self.args.out / f"sheet_{done:07d}.jpg")

    def go(self, rank: int, processes: int, device: torch.device) -> Path:
        """Train from where the checkpoint is to the end of the recipe, or until the time is up."""
        args, recipe = self.args, self.recipe
        torch.manual_seed(recipe.seed)
        bf16, perceptual = use_bf16(args.precision, device), _perceptual(args)
        trainer = Trainer(recipe, device, perceptual, bf16, processes > 1)
        first, started = _resume(args, trainer), time.monotonic()
        try:
            batches = Batches(self.data, recipe, rank, processes)
        except ValueError as error:
            raise TrainingError(f"{error}. Change the recipe's batches or the number of processes.") from error
        start = {
            "portraits": len(self.data),
            "from": first,
            "steps": recipe.steps,
            "machine": platform.machine(),
            "device": torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads",
            "processes": processes,
            "bf16": bf16,
            "perceptual": perceptual.name if perceptual else "none",
        }
        if rank == 0:
            print(", ".join(f"{name} {value}" for name, value in start.items()))
        if first >= recipe.steps and rank == 0:
            print(f"This training is at step {first} already: give the recipe more steps to go on.")
            self.save_weights(trainer)  # an interruption may have come between the last checkpoint and the weights
        means, done = _Means(processes), first
        with (args.out / "log.jsonl").open("a", encoding="utf-8") as log, _Stopping() as stopping:

            def write(row: dict) -> None:
                if rank == 0:
                    log.write(json.dumps(row) + "\n")
                    log.flush()

            write(start)
            bar = tqdm(initial=first, total=recipe.steps, disable=args.quiet or rank > 0)
            try:
                for batch in loader(batches, first, args.workers, device.type == "cuda"):
                    stage = recipe.stage_at(done)
                    means.add(trainer.step(done, batch))
                    done += 1
                    bar.update()
                    late = args.minutes is not None and time.monotonic() - started > 60 * args.minutes
                    asked, late = stopping.agreed(late, processes, device)
                    saving = done % args.save_every == 0 or done == recipe.steps or late
                    new_kind = recipe.stage_at(done) != stage
                    # What is saved has been looked at: a checkpoint of losses that are not finite helps nobody.
                    if done % args.log_every == 0 or saving or new_kind:
                        losses = {name: round(value, 5) for name, value in means.take().items()}
                        seconds = round(time.monotonic() - started)
                        write({"step": done, "stage": stage.kind, "size": stage.size, "seconds": seconds, **losses})
                        if not all(math.isfinite(value) for value in losses.values()):
                            raise TrainingError(
                                f"The losses by step {done} are not finite: {losses}. Start again from the last "
                                "checkpoint with a lower learning_rate."
                            )
                    if rank == 0 and saving:
                        self.save(trainer, done, stage)
                    if late and rank == 0 and done < recipe.steps:
                        print(f"Time is up at step {done}; the same command goes on from there.")
                    if late:
                        break
                    if asked and done < recipe.steps:
                        if rank == 0:
                            self.save_checkpoint(trainer, done)
                            print(f"Stopped at step {done}; the same command goes on from there.", file=sys.stderr)
                        raise KeyboardInterrupt
            finally:
                bar.close()
        return self.weights


def train(args: argparse.Namespace) -> Path:
    """Run or resume a training; returns the path of the final weights.

    Raises
    ------
    TrainingError, RecipeError, CheckpointError, DatasetError, WeightFileError
        If the recipe, the checkpoint, the data or the weights to start from cannot be used, or the losses are no longer
        finite.
    OSError
        If nothing can be written.
    KeyboardInterrupt
        If it was interrupted; the checkpoint has been saved by then.
    """
    recipe = SMOKE_RECIPE if args.smoke else read_recipe(args.recipe).scaled(args.share)
    args.out.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        rank, processes, device = stack.enter_context(_processes())
        folder = args.data
        if args.smoke:
            folder = make_data(Path(stack.enter_context(tempfile.TemporaryDirectory())) / "portraits", 12, 64)
        largest = max(stage.size for stage in recipe.stages)
        data = open_dataset(folder, "train", largest)
        held_out = open_dataset(folder, "val", recipe.generator.size)
        return _Run(args, recipe, data, held_out).go(rank, processes, device)


def parser() -> argparse.ArgumentParser:
    """Build the command line."""
    p = argparse.ArgumentParser(prog="python -m models.train", description="Train the default dense mapping network.")
    given = p.add_mutually_exclusive_group(required=True)
    given.add_argument("--data", type=Path, help="folder of portraits256's or CelebAMask-HQ's layout")
    given.add_argument("--smoke", action="store_true", help="run all kinds of stages briefly, on made-up data")
    p.add_argument("--recipe", type=Path, default=DEFAULT_RECIPE, help="TOML file (default: the shipped model's)")
    p.add_argument("--out", type=Path, default=Path("runs/default"), help="where checkpoints, log, sheets, weights go")
    p.add_argument("--init", type=Path, help="weights of a generator to start from")
    p.add_argument("--parser", type=Path, help="weights of a face parser, for the perceptual and label losses")
    p.add_argument("--vgg", type=Path, help="torchvision's VGG19 weight file, for the perceptual loss")
    p.add_argument("--share", type=share, default=1.0, help="the share of the recipe's steps to do (default 1)")
    p.add_argument("--minutes", type=float, help="save and stop after so long")
    p.add_argument("--precision", choices=PRECISIONS, default="auto")
    p.add_argument("--workers", type=whole, default=0, help="processes that make batches (default 0: none)")
    p.add_argument("--log-every", type=positive, default=50)
    p.add_argument("--save-every", type=positive, default=400)
    p.add_argument("--notes", default="", help="text kept in the weight file")
    p.add_argument("--quiet", action="store_true", help="no progress bar")
    return p


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    try:
        weights = train(parser().parse_args(argv))
    except (TrainingError, RecipeError, CheckpointError, DatasetError, WeightFileError, OSError) as error:
        print(f"Training cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if os.environ.get("RANK", "0") == "0":
        print(f"Weights: {weights}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
