"""Batches follow from the step alone, whoever makes them and however many share them."""

from collections.abc import Iterator
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from models.batches import Batch, Batches, loader
from models.dataset import PortraitDataset
from models.recipe import Recipe, Stage
from models.synthetic import SMOKE_RECIPE, make_data
from resources.labels import LABEL_COUNT

RECIPE = replace(
    SMOKE_RECIPE, stages=(Stage("masks", 32, 2, 2), Stage("mapping", 64, 50, 4), Stage("simulated", 32, 10, 4))
)
MAPPING, SIMULATED = range(2, 52), range(52, 62)
"""Steps of the two stages."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> PortraitDataset:
    return PortraitDataset(make_data(tmp_path_factory.mktemp("portraits") / "data", 9), "train", 64)


@pytest.fixture(scope="module")
def drawn(source: PortraitDataset) -> list[Batch]:
    """The batches of the mapping stage."""
    batches = Batches(source, RECIPE)
    return [batches[step] for step in MAPPING]


def assert_same(one: Batch, other: Batch) -> None:
    for entry in fields(Batch):
        assert torch.equal(getattr(one, entry.name), getattr(other, entry.name)), entry.name


def rows(batches: list[Batch]) -> Iterator[Batch]:
    """Take batches apart: one portrait in each."""
    for batch in batches:
        for index in range(len(batch.labels)):
            yield Batch(*(getattr(batch, entry.name)[index] for entry in fields(Batch)))


# What a batch is


def test_shapes_and_types_are_those_promised(source: PortraitDataset) -> None:
    batches = Batches(source, RECIPE)
    assert len(batches) == RECIPE.steps == 62
    for step, count, size in ((0, 2, 32), (2, 4, 64), (51, 4, 64), (52, 4, 32)):
        batch = batches[step]
        shapes = {entry.name: tuple(getattr(batch, entry.name).shape) for entry in fields(Batch)}
        assert shapes == {
            "labels": (count, size, size), "image": (count, 3, size, size), "region": (count, 1, size, size),
            "style_labels": (count, size, size), "style_image": (count, 3, size, size), "paired": (count,),
            "kept": (count, LABEL_COUNT, 1), "reference": (count, size, size),
            "noise": (count, RECIPE.mask_vae.latent),
        }  # fmt: skip
        for name in shapes:
            labels = name in ("labels", "style_labels", "reference")
            assert getattr(batch, name).dtype == (torch.uint8 if labels else torch.float32), name


def test_pictures_fill_their_range_and_masks_hold_ids(drawn: list[Batch]) -> None:
    image = torch.cat([batch.image for batch in drawn])
    assert -1 <= float(image.min()) < -0.8
    assert 0.8 < float(image.max()) <= 1
    assert max(int(batch.labels.max()) for batch in drawn) == LABEL_COUNT - 1


def test_picture_and_mask_are_moved_alike(drawn: list[Batch]) -> None:
    # The made-up portraits have a colour for each class: were the two apart, classes would mix.
    for row in list(rows(drawn))[:20]:
        skin = row.image[:, row.labels == 1]
        assert float(skin.std(dim=1).mean()) < 0.5 * float(row.image.flatten(1).std(dim=1).mean())


def test_regions_are_whole_now_and_then_and_else_a_part(drawn: list[Batch]) -> None:
    regions = [row.region for row in rows(drawn)]
    assert {float(value) for region in regions for value in region.unique()} == {0.0, 1.0}
    whole = np.mean([bool(region.all()) for region in regions])
    assert 0.15 < whole < 0.4
    assert np.mean([not region.any() for region in regions]) < 0.05


def test_a_style_is_copied_only_where_everything_is_blanked(drawn: list[Batch]) -> None:
    copied, own = [], []
    for row in rows(drawn):
        (own if row.paired else copied).append(row)
    for row in copied:
        assert float(row.paired) == 0
        assert row.region.all(), "else the portrait's own colours stand beside those copied"
        assert not torch.equal(row.style_image, row.image)
    for row in own:
        assert float(row.paired) == 1
        assert torch.equal(row.style_image, row.image)
        assert torch.equal(row.style_labels, row.labels)
    blanked = [row for row in own if row.region.all()]
    # Half of those that are blanked whole, as the recipe has it.
    assert 0.25 < len(copied) / (len(copied) + len(blanked)) < 0.75


def test_a_copied_style_is_that_of_the_next_portrait_as_it_is_seen_there(drawn: list[Batch]) -> None:
    found = 0
    for batch in drawn:
        following = torch.roll(batch.image, -1, 0), torch.roll(batch.labels, -1, 0)
        for index in (batch.paired == 0).nonzero().flatten().tolist():
            assert torch.equal(batch.style_image[index], following[0][index])
            assert torch.equal(batch.style_labels[index], following[1][index])
            found += 1
    assert found >= 10


@pytest.mark.parametrize(("copied", "expected"), [(0.0, {1.0}), (1.0, {0.0})])
def test_the_recipe_decides_how_often_a_style_is_copied(
    source: PortraitDataset, copied: float, expected: set[float]
) -> None:
    batches = Batches(source, replace(RECIPE, copied=copied))
    whole = [row for row in rows([batches[step] for step in MAPPING[:10]]) if row.region.all()]
    assert {float(row.paired) for row in whole} == expected


def test_a_network_without_context_is_always_asked_for_everything(source: PortraitDataset) -> None:
    recipe = replace(RECIPE, generator=replace(RECIPE.generator, context=False))
    assert all(row.region.all() for row in rows([Batches(source, recipe)[step] for step in MAPPING[:10]]))


def test_classes_are_hidden_at_random_and_where_an_edit_would_have_covered_them(drawn: list[Batch]) -> None:
    hidden_whole, covered, uncovered = [], [], []
    for row in rows(drawn):
        kept, beside = row.kept[:, 0], torch.bincount(row.labels[row.region[0] == 0].int(), minlength=LABEL_COUNT) > 0
        assert set(kept.tolist()) <= {0.0, 1.0}
        if row.region.all():
            hidden_whole.append(float((kept == 0).float().mean()))
        else:
            covered += (kept[~beside] == 0).tolist()
            uncovered += (kept[beside] == 0).tolist()
    assert 0.05 < np.mean(hidden_whole) < 0.15
    assert 0.05 < np.mean(uncovered) < 0.15
    assert 0.4 < np.mean(covered) < 0.7


def test_simulated_edits_move_towards_the_next_portrait(source: PortraitDataset) -> None:
    batches = Batches(source, RECIPE)
    for step in SIMULATED:
        batch = batches[step]
        assert torch.equal(batch.reference, torch.roll(batch.labels, -1, 0))
        assert bool((batch.paired == 1).all())
    for step in (0, *MAPPING[:5]):
        batch = batches[step]
        paired = batch.paired == 1
        assert torch.equal(batch.reference[paired], batch.labels[paired]), "there is nothing to move towards"


def test_mask_vae_gets_whole_regions_and_a_normal_distribution(source: PortraitDataset) -> None:
    batches = Batches(source, replace(RECIPE, stages=(Stage("masks", 32, 40, 8),)))
    drawn = [batches[step] for step in range(40)]
    noise = torch.cat([batch.noise for batch in drawn]).flatten()
    assert abs(float(noise.mean())) < 0.1
    assert float(noise.std()) == pytest.approx(1, abs=0.1)
    assert all(bool(batch.region.all()) and bool(batch.paired.all()) for batch in drawn)


# What it follows from


@pytest.mark.parametrize("step", [0, 5, 55])
def test_a_batch_follows_from_seed_and_step(source: PortraitDataset, step: int) -> None:
    batches = Batches(source, RECIPE)
    batches[step + 1]  # nothing that was drawn before may count
    batch = batches[step]
    assert_same(batch, Batches(source, RECIPE)[step])
    assert not torch.equal(batch.image, batches[step + 1].image)
    assert not torch.equal(batch.image, Batches(source, replace(RECIPE, seed=1))[step].image)


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("step", [2, 6, 52])
def test_the_shares_of_all_processes_are_the_batch_of_one(source: PortraitDataset, step: int, processes: int) -> None:
    recipe = replace(RECIPE, stages=RECIPE.stages[1:])
    shares = [Batches(source, recipe, rank, processes)[step] for rank in range(processes)]
    assert all(len(share.labels) == 4 // processes for share in shares)
    joined = Batch(*(torch.cat([getattr(share, entry.name) for share in shares]) for entry in fields(Batch)))
    assert_same(joined, Batches(source, recipe)[step])


def test_batches_that_cannot_be_shared_out_are_refused(source: PortraitDataset) -> None:
    with pytest.raises(ValueError, match="batches of 2 cannot be shared out evenly to 4 processes"):
        Batches(source, RECIPE, 0, 4)


def test_rare_classes_are_drawn_more_often(source: PortraitDataset) -> None:
    # Without accessories drawn onto them, one of six wears glasses, and it counts as three.
    batches = Batches(source, replace(RECIPE, accessories=0.0, stages=(Stage("masks", 32, 50, 8),)))
    worn = [bool((row.labels == 3).any()) for row in rows([batches[step] for step in range(50)])]
    assert np.mean(worn) == pytest.approx(3 / 8, abs=0.1)


@pytest.mark.parametrize("accessories", [0.0, 1.0])
def test_the_recipe_decides_how_often_glasses_are_drawn(source: PortraitDataset, accessories: float) -> None:
    batches = Batches(source, replace(RECIPE, accessories=accessories, stages=(Stage("masks", 64, 10, 8),)))
    bare = [row.labels for row in rows([batches[step] for step in range(10)])]
    share = np.mean([bool((labels == 3).any()) for labels in bare])
    assert share == 1 if accessories else share < 0.7


# How they come


@pytest.mark.parametrize("workers", [0, 2])
def test_the_loader_goes_on_from_a_step(source: PortraitDataset, workers: int) -> None:
    short: Recipe = replace(RECIPE, stages=(Stage("masks", 32, 2, 2), Stage("mapping", 32, 4, 2)))
    batches = Batches(source, short)
    loaded = list(loader(batches, 1, workers))
    assert len(loaded) == 5
    for step, batch in enumerate(loaded, start=1):
        assert_same(batch, batches[step])


def test_nothing_is_left_to_load_at_the_end(source: PortraitDataset) -> None:
    batches = Batches(source, RECIPE)
    for first in (RECIPE.steps, RECIPE.steps + 3):
        assert list(loader(batches, first, 0)) == []


def test_a_batch_moves_between_devices_as_a_whole(drawn: list[Batch]) -> None:
    moved = drawn[0].to(torch.device("meta"))
    for entry in fields(Batch):
        value = getattr(moved, entry.name)
        assert value.device.type == "meta"
        assert value.shape == getattr(drawn[0], entry.name).shape
