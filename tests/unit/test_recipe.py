"""Recipes: what a file may hold, and what it says about each step."""

from dataclasses import asdict, replace
from itertools import pairwise
from pathlib import Path

import pytest

from models.config import GeneratorConfig
from models.recipe import DEFAULT_RECIPE, LossWeights, Recipe, RecipeError, Stage, read_recipe
from models.synthetic import SMOKE_RECIPE, TINY
from tests.recipes import write_recipe

ONE_STAGE = '[[stages]]\nkind = "mapping"\nsize = 64\nsteps = 2\nbatch = 4\n'


def read(folder: Path, text: str) -> Recipe:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return read_recipe(path)


# Files


def test_the_shipped_recipe_trains_every_kind_of_stage_of_a_model_of_256_pixels() -> None:
    recipe = read_recipe(DEFAULT_RECIPE)
    kinds = [stage.kind for stage in recipe.stages]
    # Simulated edits are MaskVAE's, and change what a network renders that has learned to.
    assert kinds.index("masks") < kinds.index("mapping") < kinds.index("simulated")
    assert recipe.generator.size == recipe.stages[-1].size == 256
    assert recipe.generator.context
    assert recipe.generator.region_features


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    assert read(tmp_path, ONE_STAGE) == Recipe((Stage("mapping", 64, 2, 4),))
    partly = read(tmp_path, "seed = 3\n[generator]\nsize = 256\n[weights]\nlabels = 1.5\n" + ONE_STAGE)
    assert partly == Recipe(
        (Stage("mapping", 64, 2, 4),), GeneratorConfig(size=256), weights=LossWeights(labels=1.5), seed=3
    )


def test_every_setting_is_read(tmp_path: Path) -> None:
    weights = LossWeights(*(0.5 + index for index in range(len(asdict(LossWeights())))))
    recipe = replace(
        SMOKE_RECIPE, weights=weights, learning_rate=1e-5, decay_from=0.1, average=0.9, gan="hinge", accessories=0.5,
        copied=0.25, seed=7,
    )  # fmt: skip
    assert read_recipe(write_recipe(recipe, tmp_path / "recipe.toml")) == recipe


def test_whole_numbers_may_stand_for_others(tmp_path: Path) -> None:
    assert read(tmp_path, "learning_rate = 1\n[weights]\nfeatures = 2\n" + ONE_STAGE).learning_rate == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "at least one stage"),
        ("seed 3", "Expected '='"),
        ("speed = 3\n" + ONE_STAGE, "unknown settings ['speed']"),
        ("[generator]\ncolour = 1\n" + ONE_STAGE, "[generator] has unknown settings ['colour']"),
        ("[weights]\nspeed = 1\n" + ONE_STAGE, "[weights] has unknown settings ['speed']"),
        ("generator = 3\n" + ONE_STAGE, "not iterable"),
        ("stages = 3\n", "not iterable"),
        ('stages = ["mapping"]\n', "[stages] has unknown settings"),
        (ONE_STAGE + "colour = 1\n", "[stages] has unknown settings ['colour']"),
        ('[[stages]]\nkind = "mapping"\n', "size"),
        (ONE_STAGE.replace("mapping", "painting"), "kind must be one of masks, mapping, simulated, not 'painting'"),
        (ONE_STAGE.replace("64", "0"), "size must be a positive whole number, not 0"),
        (ONE_STAGE.replace("64", "100"), "a stage's size must be a multiple of 32, not 100"),
        (ONE_STAGE.replace("steps = 2", "steps = -2"), "steps must be a positive whole number, not -2"),
        (ONE_STAGE.replace("steps = 2", "steps = 2.5"), "steps must be a positive whole number, not 2.5"),
        (ONE_STAGE.replace("steps = 2", "steps = true"), "steps must be a positive whole number, not True"),
        (ONE_STAGE.replace("batch = 4", 'batch = "4"'), "batch must be a positive whole number, not '4'"),
        ("[generator]\nwidth = 0\n" + ONE_STAGE, "width must be a whole number in 1.."),
        ("[mask_vae]\nsize = 100\n" + ONE_STAGE, "size must be a power of two"),
        ("[mask_vae]\nlatent = 1.5\n" + ONE_STAGE, "latent must be of type int, not 1.5"),
        ("[blender]\nblocks = 0\n" + ONE_STAGE, "must be positive"),
        ("[discriminator]\nwidth = false\n" + ONE_STAGE, "width must be of type int, not False"),
        ('[weights]\nlabels = "much"\n' + ONE_STAGE, "labels must be of type float, not 'much'"),
        ('gan = "wgan"\n' + ONE_STAGE, "gan must be one of lsgan, hinge, not 'wgan'"),
        ("gan = 1\n" + ONE_STAGE, "gan must be of type str, not 1"),
        ('learning_rate = "fast"\n' + ONE_STAGE, "learning_rate must be of type float, not 'fast'"),
        ("learning_rate = -1e-4\n" + ONE_STAGE, "learning_rate must be a finite number of at least 0, not -0.0001"),
        ("learning_rate = inf\n" + ONE_STAGE, "learning_rate must be a finite number"),
        ("learning_rate = nan\n" + ONE_STAGE, "learning_rate must be a finite number"),
        ("decay_from = 60\n" + ONE_STAGE, "decay_from must be in 0..1, not 60"),
        ("average = 1.2\n" + ONE_STAGE, "average must be in 0..1, not 1.2"),
        ("accessories = -0.1\n" + ONE_STAGE, "accessories must be in 0..1, not -0.1"),
        ("copied = nan\n" + ONE_STAGE, "copied must be in 0..1, not nan"),
        ("seed = -1\n" + ONE_STAGE, "seed must not be negative"),
        ("seed = 1.5\n" + ONE_STAGE, "seed must be of type int, not 1.5"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert str(tmp_path / "recipe.toml") in str(caught.value)
    assert str(caught.value).endswith("Correct it, or choose another.")


def test_a_file_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    (tmp_path / "picture.toml").write_bytes(b"\xff\xd8\xff")
    for name in ("missing.toml", "picture.toml", "."):
        with pytest.raises(RecipeError, match="cannot be used as a recipe"):
            read_recipe(tmp_path / name)


def test_masks_may_be_of_any_size() -> None:
    # Only the generator needs multiples of 32.
    assert Recipe((Stage("masks", 100, 1, 1),)).steps == 1
    for kind in ("mapping", "simulated"):
        with pytest.raises(ValueError, match="multiple of 32"):
            Recipe((Stage(kind, 100, 1, 1),))


# What it says about a step


STAGES = (Stage("masks", 32, 300, 8), Stage("mapping", 64, 600, 4), Stage("simulated", 64, 400, 2))


def test_each_step_has_its_stage_and_after_the_end_the_last() -> None:
    recipe = Recipe((Stage("masks", 32, 2, 8), Stage("mapping", 32, 1, 8), Stage("mapping", 64, 3, 4)))
    assert recipe.steps == 6
    sizes = [(recipe.stage_at(step).kind, recipe.stage_at(step).size) for step in range(8)]
    assert sizes == [("masks", 32)] * 2 + [("mapping", 32)] + [("mapping", 64)] * 5


def test_mask_vae_has_a_course_of_its_own() -> None:
    recipe = Recipe((Stage("mapping", 64, 3, 1), Stage("masks", 32, 2, 1), Stage("simulated", 64, 4, 1)))
    assert [recipe.course(step) for step in range(9)] == [
        (0, 7), (1, 7), (2, 7), (0, 2), (1, 2), (3, 7), (4, 7), (5, 7), (6, 7),
    ]  # fmt: skip


@pytest.mark.parametrize(("first", "last"), [(0, 300), (300, 1300)], ids=["masks", "the rest"])
def test_the_learning_rate_rises_stays_and_falls_to_a_twentieth(first: int, last: int) -> None:
    recipe = Recipe(STAGES, learning_rate=2.0, decay_from=0.6)
    rates = [recipe.rate_at(step) for step in range(first, last)]
    level = int(0.6 * len(rates))
    assert rates[0] == pytest.approx(0.02)
    assert rates[49] == pytest.approx(1.0)
    assert set(rates[99 : level + 1]) == {2.0}
    falling = rates[level:]
    assert all(a >= b for a, b in pairwise(falling))
    # Half of the way through the fall, half of the rate.
    assert falling[len(falling) // 2] == pytest.approx(1.0, abs=0.02)
    assert rates[-1] == pytest.approx(0.1)


@pytest.mark.parametrize("decay_from", [0.0, 1.0])
def test_the_learning_rate_falls_from_the_beginning_or_never(decay_from: float) -> None:
    recipe = Recipe((Stage("mapping", 64, 1000, 1),), learning_rate=1.0, decay_from=decay_from)
    assert recipe.rate_at(500) == pytest.approx(1.0 if decay_from else 0.5)
    assert recipe.rate_at(999) == pytest.approx(1.0 if decay_from else 0.05)


def test_a_recipe_of_one_step_learns() -> None:
    assert Recipe((Stage("mapping", 64, 1, 1),), learning_rate=1.0).rate_at(0) > 0


# Its forms


def test_a_share_of_the_steps_leaves_everything_else() -> None:
    recipe = replace(SMOKE_RECIPE, stages=STAGES)
    part = recipe.scaled(0.5)
    assert [stage.steps for stage in part.stages] == [150, 300, 200]
    assert replace(part, stages=STAGES) == recipe
    assert recipe.scaled(1.0) == recipe
    assert [stage.steps for stage in recipe.scaled(0.001).stages] == [1, 1, 1], "no stage is left out"


@pytest.mark.parametrize("part", ["generator", "mask_vae", "blender", "discriminator"])
def test_shapes_tell_networks_apart_and_nothing_else(part: str) -> None:
    shapes = SMOKE_RECIPE.shapes()
    wider = replace(getattr(SMOKE_RECIPE, part), width=2 * getattr(SMOKE_RECIPE, part).width)
    assert replace(SMOKE_RECIPE, **{part: wider}).shapes() != shapes
    other = replace(SMOKE_RECIPE, stages=STAGES, learning_rate=1.0, seed=5, weights=LossWeights(labels=9.0))
    assert other.shapes() == shapes


def test_the_smallest_recipe_has_every_part_that_the_shipped_one_has() -> None:
    shipped = read_recipe(DEFAULT_RECIPE)
    assert {stage.kind for stage in SMOKE_RECIPE.stages} == {stage.kind for stage in shipped.stages}
    for name in ("boundary", "context", "skips", "norm", "padding", "stem_kernel", "up_kernel", "noise"):
        assert getattr(TINY, name) == getattr(shipped.generator, name), name
    assert SMOKE_RECIPE.mask_vae.norm == shipped.mask_vae.norm
