"""Batches for training: drawn by step number alone, so that resuming and splitting over processes repeat nothing."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from models.accessories import wear
from models.dataset import PortraitSource, augment
from models.edits import partial_region
from models.recipe import Recipe, Stage
from resources.labels import LABEL_COUNT


@dataclass
class Batch:
    """Portraits and what is to be done with them; N portraits of one size.

    Attributes
    ----------
    labels, image
        uint8 (N, H, W); float32 RGB (N, 3, H, W) in [-1, 1].
    region
        float32 (N, 1, H, W), 1 where the picture is made anew.
    style_labels, style_image
        The portraits whose style is used: the same ones, or others where a style is copied.
    paired
        float32 (N,), 1 where the style is the portrait's own, so that there is a picture to compare with.
    kept
        float32 (N, 19, 1), 0 for classes about which the style code must not tell.
    reference
        uint8 (N, H, W): the label maps that simulated edits move towards and away from; where there are none, the own.
    noise
        float32 (N, latent), standard normal, for MaskVAE.
    """

    labels: Tensor
    image: Tensor
    region: Tensor
    style_labels: Tensor
    style_image: Tensor
    paired: Tensor
    kept: Tensor
    reference: Tensor
    noise: Tensor

    def to(self, device: torch.device) -> "Batch":
        """Return the batch on another device."""
        return Batch(*(getattr(self, entry.name).to(device, non_blocking=True) for entry in fields(self)))

    def pin_memory(self) -> "Batch":
        """Return the batch in memory from which copies to a GPU need not wait."""
        return Batch(*(getattr(self, entry.name).pin_memory() for entry in fields(self)))


class Batches(Dataset[Batch]):
    """The batch of each step, as far as this process has to work on it.

    Parameters
    ----------
    source
        The portraits.
    recipe
        Decides sizes, kinds of stages, and the seed.
    rank, processes
        Each process takes its equal share of every batch.

    Raises
    ------
    ValueError
        If a batch cannot be shared out evenly.
    """

    def __init__(self, source: PortraitSource, recipe: Recipe, rank: int = 0, processes: int = 1) -> None:
        uneven = [stage.batch for stage in recipe.stages if stage.batch % processes]
        if uneven:
            raise ValueError(f"batches of {uneven[0]} cannot be shared out evenly to {processes} processes")
        self.source, self.recipe, self.rank, self.processes = source, recipe, rank, processes
        self.odds = source.weights()

    def __len__(self) -> int:
        return self.recipe.steps

    def __getitem__(self, step: int) -> Batch:
        stage, seed = self.recipe.stage_at(step), self.recipe.seed
        chosen = np.random.default_rng([seed, step]).choice(len(self.source), stage.batch, p=self.odds)
        share = stage.batch // self.processes
        mine = range(self.rank * share, (self.rank + 1) * share)
        columns: list[list[Tensor]] = [[] for _ in fields(Batch)]
        for position in mine:
            row = self._portrait(step, position, chosen, stage)
            for column, value in zip(columns, row, strict=True):
                column.append(torch.from_numpy(value))
        return Batch(*(torch.stack(column) for column in columns))

    def _look(self, step: int, position: int, index: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a portrait as this step shows it, image (3, H, W) and labels, whoever asks for it."""
        rng = np.random.default_rng([self.recipe.seed, step, position])
        pixels, labels = augment(self.source[index], size, rng)
        pixels, labels = wear(pixels, labels, rng, self.recipe.accessories)
        return (pixels.transpose(2, 0, 1) / np.float32(127.5) - 1).astype(np.float32), labels

    def _portrait(self, step: int, position: int, chosen: NDArray[np.int64], stage: Stage) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng([self.recipe.seed, step, position, 1])
        image, labels = self._look(step, position, chosen[position], stage.size)
        noise = rng.standard_normal(self.recipe.mask_vae.latent).astype(np.float32)
        whole = rng.random() < 0.25 or not self.recipe.generator.context or stage.kind == "masks"
        copied = whole and stage.kind == "mapping" and len(chosen) > 1 and rng.random() < self.recipe.copied
        other_image, other_labels = image, labels
        if copied or stage.kind == "simulated":
            # The next portrait of the batch, as it is seen there.
            following = (position + 1) % len(chosen)
            other_image, other_labels = self._look(step, following, chosen[following], stage.size)
        region = np.ones_like(labels) if whole else partial_region(labels, rng)
        kept = (rng.random(LABEL_COUNT) > 0.1).astype(np.float32)
        if not whole and rng.random() < 0.5:
            # A class that was not in the portrait before the edit has no style of its own.
            hidden = np.bincount(labels[region == 0], minlength=LABEL_COUNT) == 0
            kept[hidden] = 0
        return (
            labels,
            image,
            region[None].astype(np.float32),
            other_labels if copied else labels,
            other_image if copied else image,
            np.array(not copied, np.float32),
            kept[:, None],
            other_labels,
            noise,
        )


def _leave_signals_to_the_trainer(_worker: int) -> None:
    """Let Ctrl-C, which reaches all processes of a terminal, stop the trainer alone: it ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def loader(batches: Batches, first: int, workers: int, pinned: bool = False) -> Iterator[Batch]:
    """Yield the batches from a step on, made by worker processes if there are any."""
    return iter(
        DataLoader(
            batches,
            batch_size=None,
            sampler=range(first, len(batches)),
            num_workers=workers,
            pin_memory=pinned,
            prefetch_factor=4 if workers else None,
            worker_init_fn=_leave_signals_to_the_trainer,
        )
    )
