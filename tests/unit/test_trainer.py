"""One step of each kind of stage: which networks it trains, with which losses, and in which order."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from models.batches import Batch
from models.face_parser import FaceParser
from models.generator import DenseMappingNetwork
from models.perceptual import PerceptualLoss
from models.recipe import LossWeights, Recipe, Stage
from models.synthetic import SMOKE_PARSER, SMOKE_RECIPE, TINY, made_mask, made_pixels
from models.trainer import NETWORKS, OPTIMISERS, Trainer
from resources.labels import LABEL_COUNT
from tests.golden import fill

CPU = torch.device("cpu")
RECIPE = replace(
    SMOKE_RECIPE,
    stages=(Stage("masks", 32, 1, 2), Stage("mapping", 32, 50, 2), Stage("simulated", 32, 50, 2)),
    learning_rate=0.01,
)
STEPS = {"masks": 0, "mapping": 5, "simulated": 60}
"""A step of each kind."""
HAIR, SKIN = 13, 1


pytestmark = pytest.mark.usefixtures("one_core")


def make_trainer(recipe: Recipe = RECIPE, perceptual: bool = False, bf16: bool = False) -> Trainer:
    torch.manual_seed(0)
    return Trainer(recipe, CPU, PerceptualLoss(FaceParser(SMOKE_PARSER), size=32) if perceptual else None, bf16)


def make_batch(paired: tuple[float, float] = (1, 1), seed: int = 0) -> Batch:
    """Two portraits of 32 pixels, blanked whole; a style that is not their own is the other one's."""
    masks = [made_mask(32), made_mask(32, glasses=True)]
    labels = torch.from_numpy(np.stack(masks))
    pixels = np.stack([made_pixels(mask, seed + index) for index, mask in enumerate(masks)])
    image = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    # The second one is darker, so that the two have colours of their own.
    image = image * torch.tensor([1.0, 0.5])[:, None, None, None]
    own = torch.tensor(paired, dtype=torch.float32)
    chosen = [index if value else 1 - index for index, value in enumerate(paired)]
    noise = torch.randn(2, RECIPE.mask_vae.latent, generator=torch.Generator().manual_seed(seed))
    return Batch(
        labels, image, torch.ones(2, 1, 32, 32), labels[chosen], image[chosen], own,
        torch.ones(2, LABEL_COUNT, 1), labels.flip(0), noise,
    )  # fmt: skip


def snapshot(trainer: Trainer) -> dict[str, dict[str, Tensor]]:
    return {name: {k: v.clone() for k, v in getattr(trainer, name).state_dict().items()} for name in NETWORKS}


def changed(before: dict[str, dict[str, Tensor]], after: dict[str, dict[str, Tensor]]) -> set[str]:
    """Return the networks that are no longer the same."""
    return {name for name in before if any(not torch.equal(v, after[name][k]) for k, v in before[name].items())}


# Which networks are trained


@pytest.mark.parametrize(
    ("kind", "networks", "optimisers"),
    [
        ("masks", {"mask_vae"}, {"mask_optimiser"}),
        ("mapping", {"generator", "average", "discriminator"}, {"generator_optimiser", "discriminator_optimiser"}),
        ("simulated", {*NETWORKS} - {"mask_vae"}, {*OPTIMISERS} - {"mask_optimiser"}),
    ],
)
def test_each_kind_of_stage_trains_its_networks_and_no_other(
    kind: str, networks: set[str], optimisers: set[str]
) -> None:
    trainer = make_trainer()
    before = snapshot(trainer)
    losses = trainer.step(STEPS[kind], make_batch())
    assert changed(before, snapshot(trainer)) == networks
    assert {name for name in OPTIMISERS if getattr(trainer, name).state} == optimisers
    for value in losses.values():
        assert value.shape == ()
        assert torch.isfinite(value)
        assert not value.requires_grad
    # What judges is frozen while the generator learns, and must not stay so.
    assert all(value.requires_grad for value in trainer.discriminator.parameters())


def test_the_fixed_networks_behind_the_losses_stay_fixed() -> None:
    trainer = make_trainer(perceptual=True)
    assert trainer.perceptual is not None
    before = {name: value.clone() for name, value in trainer.perceptual.state_dict().items()}
    for kind in ("mapping", "simulated"):
        trainer.step(STEPS[kind], make_batch())
    assert all(torch.equal(value, before[name]) for name, value in trainer.perceptual.state_dict().items())


@pytest.mark.parametrize("kind", STEPS)
def test_the_learning_rate_is_that_of_the_step(kind: str) -> None:
    trainer = make_trainer()
    trainer.step(STEPS[kind], make_batch())
    rates = {getattr(trainer, name).param_groups[0]["lr"] for name in OPTIMISERS}
    assert rates == {RECIPE.rate_at(STEPS[kind])}


@pytest.mark.parametrize("kind", STEPS)
def test_training_in_bfloat16_keeps_the_weights_in_float32(kind: str) -> None:
    trainer, exact = make_trainer(bf16=True), make_trainer()
    losses, expected = (each.step(STEPS[kind], make_batch()) for each in (trainer, exact))
    assert losses.keys() == expected.keys()
    for name, value in losses.items():
        assert float(value) == pytest.approx(float(expected[name]), rel=0.1, abs=0.02), name
    assert {value.dtype for name in NETWORKS for value in getattr(trainer, name).parameters()} == {torch.float32}


@pytest.mark.parametrize("kind", ["mapping", "simulated"])
def test_a_generator_without_context_or_region_features_trains_as_well(kind: str) -> None:
    config = replace(TINY, context=False, region_features=0, noise=False)
    trainer = make_trainer(replace(RECIPE, generator=config, gan="hinge"))
    before = snapshot(trainer)
    losses = trainer.step(STEPS[kind], make_batch())
    assert "generator" in changed(before, snapshot(trainer))
    assert all(torch.isfinite(value) for value in losses.values())


# Losses


def test_portraits_in_a_style_of_their_own_are_compared_and_others_are_not() -> None:
    compared = ("reconstruction", "features", "perceptual")
    losses = {
        paired: make_trainer(perceptual=True).step(STEPS["mapping"], make_batch(paired))
        for paired in ((1, 1), (0, 0))
    }  # fmt: skip
    assert all(float(losses[1, 1][name]) > 0 for name in compared)
    assert float(losses[1, 1]["colours"]) == 0
    assert all(float(losses[0, 0][name]) == 0 for name in compared)
    for name in ("colours", "adversarial", "labels", "discriminator"):
        assert float(losses[0, 0][name]) > 0


def test_losses_are_means_over_the_whole_batch_whatever_is_compared() -> None:
    # The first portrait's part is the same, whatever the second one's style is.
    both, first, second = (
        make_trainer().step(STEPS["mapping"], make_batch(paired)) for paired in ((1, 1), (1, 0), (0, 1))
    )
    whole = float(first["reconstruction"]) + float(second["reconstruction"])
    assert float(both["reconstruction"]) == pytest.approx(whole, rel=1e-5)
    assert 0 < float(first["reconstruction"]) < whole


def test_a_recipe_can_count_portraits_of_which_nothing_is_known_less() -> None:
    halved = replace(RECIPE, weights=LossWeights(whole=0.5))
    batch = make_batch()
    batch.region[1, :, :8] = 0
    full, some = (make_trainer(recipe).step(STEPS["mapping"], batch) for recipe in (RECIPE, halved))
    alone = replace(batch, paired=torch.tensor([0.0, 1.0]))
    known = make_trainer().step(STEPS["mapping"], alone)["reconstruction"]
    # Only the first portrait is blanked whole.
    expected = known + (full["reconstruction"] - known) / 2
    assert float(some["reconstruction"]) == pytest.approx(float(expected), rel=1e-5)


def test_what_a_loss_weighs_decides_what_is_learned() -> None:
    trained = []
    for weights in (LossWeights(), LossWeights(reconstruction=0.0), LossWeights(colours=0.0)):
        trainer = make_trainer(replace(RECIPE, weights=weights))
        losses = trainer.step(STEPS["mapping"], make_batch())
        trained.append(trainer.generator.state_dict()["model.1.weight"].clone())
        assert ("colours" in losses) == bool(weights.colours)
    assert not torch.equal(trained[0], trained[1])
    assert torch.equal(trained[0], trained[2]), "no style was copied"


@pytest.mark.parametrize("kind", ["mapping", "simulated"])
def test_learning_without_copied_styles_has_no_loss_of_their_colours(kind: str) -> None:
    losses = make_trainer(replace(RECIPE, copied=0.0)).step(STEPS[kind], make_batch())
    assert not [name for name in losses if "colours" in name]


def test_training_learns_a_portrait_by_heart() -> None:
    trainer, batch = make_trainer(), make_batch()
    losses = [float(trainer.step(step, batch)["reconstruction"]) for step in range(1, 21)]
    assert losses[-1] < 0.7 * losses[0]


def test_mask_vae_learns_masks_by_heart() -> None:
    trainer, batch = make_trainer(replace(RECIPE, stages=(Stage("masks", 32, 60, 2),))), make_batch()
    rows = [trainer.step(step, batch) for step in range(25)]
    assert float(rows[-1]["mask_vae"]) < 0.7 * float(rows[0]["mask_vae"])
    assert float(rows[-1]["mask_accuracy"]) > float(rows[0]["mask_accuracy"])


# The style


def decoded_with(trainer: Trainer, batch: Batch, monkeypatch: pytest.MonkeyPatch) -> Tensor:
    """Return the style codes that the generator decodes in a step, (N, style_size)."""
    seen: list[Tensor] = []
    decode = DenseMappingNetwork.decode

    def spy(network: DenseMappingNetwork, labels: Tensor, style: Tensor, *context: Tensor) -> Tensor:
        seen.append(style.detach().clone())
        return decode(network, labels, style, *context)

    with monkeypatch.context() as patch:
        patch.setattr(DenseMappingNetwork, "decode", spy)
        trainer.step(STEPS["mapping"], batch)
    (style,) = seen
    return style


def test_a_class_that_is_not_kept_has_no_style(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = make_batch()
    batch.kept[0, HAIR] = 0
    style = decoded_with(make_trainer(), batch, monkeypatch)
    with torch.no_grad():
        expected = make_trainer().generator.encode(batch.labels, batch.image)
    table, whole = (x[:, TINY.adain_size :].reshape(2, LABEL_COUNT, TINY.region_channels) for x in (style, expected))
    assert whole[0, HAIR].any()
    assert not table[0, HAIR].any()
    # Everything else is as it was, the other portrait's hair too.
    torch.testing.assert_close(table[0, SKIN], whole[0, SKIN])
    torch.testing.assert_close(table[1], whole[1])
    torch.testing.assert_close(style[:, : TINY.adain_size], expected[:, : TINY.adain_size])


def test_nothing_is_learned_from_the_style_of_a_class_that_is_not_kept() -> None:
    learned = []
    for kept in (1.0, 0.0):
        trainer, batch = make_trainer(), make_batch()
        batch.kept[:] = kept
        trainer.step(STEPS["mapping"], batch)
        gradient = trainer.generator.get_parameter("enc_style.regions.weight").grad
        assert gradient is not None
        learned.append(bool(gradient.any()))
    assert learned == [True, False]


def test_the_style_is_that_of_the_portrait_it_is_copied_from(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = make_batch((0, 1))
    style = decoded_with(make_trainer(), batch, monkeypatch)
    with torch.no_grad():
        own = make_trainer().generator.encode(batch.labels, batch.image)
    torch.testing.assert_close(style[0], own[1])
    torch.testing.assert_close(style[1], own[1])


# The simulated stage


def record_updates(trainer: Trainer) -> list[str]:
    """Return a list to which the name of every optimiser is added when it moves its networks."""
    order: list[str] = []

    def noting(name: str):  # the hook's type is PyTorch's own
        return lambda *_args: order.append(name)

    for name in OPTIMISERS:
        getattr(trainer, name).register_step_post_hook(noting(name.removesuffix("_optimiser")))
    return order


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("masks", ["mask"]),
        ("mapping", ["discriminator", "generator"]),
        ("simulated", ["discriminator", "generator", "discriminator", "blend"]),
    ],
)
def test_networks_are_updated_in_the_published_order(kind: str, expected: list[str]) -> None:
    trainer = make_trainer()
    order = record_updates(trainer)
    trainer.step(STEPS[kind], make_batch())
    assert order == expected


def test_the_discriminator_learns_the_render_first_and_then_the_blend() -> None:
    trainer = make_trainer()
    judged, blends = [], []
    trainer.discriminator.register_forward_pre_hook(lambda _m, inputs: judged.append(inputs[1].detach().clone()))
    trainer.blender.register_forward_hook(lambda _m, _i, outputs: blends.append(outputs[0].detach().clone()))
    batch = make_batch()
    trainer.step(STEPS["simulated"], batch)
    assert len(blends) == 1
    # Twice both the real and the made pictures, to learn; after each, the made ones alone, for the generator to learn.
    assert [len(pictures) for pictures in judged] == [4, 2, 4, 2]
    real, made, blend = judged[0][:2], judged[0][2:], judged[2][2:]
    torch.testing.assert_close(real, batch.image)
    torch.testing.assert_close(blend, blends[0])
    torch.testing.assert_close(judged[3], blends[0])
    torch.testing.assert_close(judged[1], made)
    assert not torch.allclose(made, blend)


def test_the_simulated_stage_renders_every_portrait_in_its_own_style() -> None:
    own, copied = (make_trainer().step(STEPS["simulated"], make_batch(paired)) for paired in ((1, 1), (0, 0)))
    assert own == copied
    assert float(own["reconstruction"]) > 0


def test_what_simulated_edits_leave_alone_stays_the_portraits_own(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = make_batch()
    inner, outer = batch.labels.clone(), batch.labels.clone()
    inner[0, 4:8, 4:8] = HAIR
    outer[1, 20:24, 20:24] = HAIR
    monkeypatch.setattr("models.trainer.simulated_edits", lambda *_args: (inner, outer))
    trainer = make_trainer()
    blends: list[Tensor] = []
    trainer.blender.register_forward_hook(lambda _m, _i, outputs: blends.append(outputs[0].detach().clone()))
    trainer.step(STEPS["simulated"], batch)
    moved = (blends[0] - batch.image).abs().amax(dim=1) > 1e-3
    # One pixel around what was edited is made anew as well, so that it can join.
    for index, (first, last) in enumerate(((3, 9), (19, 25))):
        inside = torch.zeros(32, 32, dtype=torch.bool)
        inside[first:last, first:last] = True
        assert not moved[index][~inside].any()
        assert moved[index][inside].float().mean() > 0.9


# The running average


def test_the_average_follows_the_weights() -> None:
    trainer = make_trainer()
    assert not any(value.requires_grad for value in trainer.average.parameters())
    with torch.no_grad():
        for value in trainer.generator.parameters():
            value.add_(1)
    mean, target = (network.get_parameter("model.1.weight") for network in (trainer.average, trainer.generator))
    before = mean.clone()
    # Five steps of the generator's own are behind the sixth: those of MaskVAE do not count.
    trainer._follow(6)
    torch.testing.assert_close(mean, before.lerp(target.detach(), 0.5))
    trainer._follow(1)
    assert torch.equal(mean, target)


def test_the_average_never_forgets_faster_than_the_recipe_says() -> None:
    trainer = make_trainer(replace(RECIPE, average=0.25))
    with torch.no_grad():
        for value in trainer.generator.parameters():
            value.add_(1)
    mean, target = (network.get_parameter("model.1.weight") for network in (trainer.average, trainer.generator))
    before = mean.clone()
    trainer._follow(50)
    torch.testing.assert_close(mean, before.lerp(target.detach(), 0.75))


# States


def test_a_state_holds_everything_that_the_next_step_depends_on() -> None:
    first = make_trainer()
    first.step(STEPS["mapping"], make_batch())
    # A copy, as optimisers take up the very tensors that they are given.
    state = deepcopy(first.state())
    torch.manual_seed(7)
    second = Trainer(RECIPE, CPU)
    second.restore(state)
    for kind in STEPS:
        one, other = (trainer.step(STEPS[kind], make_batch(seed=3)) for trainer in (first, second))
        assert one == other
    assert not changed(snapshot(first), snapshot(second))


def test_weights_without_some_inputs_render_as_they_did_before() -> None:
    older = fill(DenseMappingNetwork(replace(TINY, region_features=0, noise=False)))
    trainer, batch = make_trainer(), make_batch()
    trainer.start_from(older)
    with torch.no_grad():
        expected = older.decode(batch.labels, older.encode(batch.labels, batch.image), batch.image, batch.region)
        for network in (trainer.generator, trainer.average):
            style = network.encode(batch.labels, batch.image)
            torch.testing.assert_close(network.decode(batch.labels, style, batch.image, batch.region), expected)


@pytest.mark.parametrize("change", [{"width": 16}, {"blocks": 2}, {"up_kernel": 3}], ids=str)
def test_weights_of_another_shape_are_refused_by_name(change: dict) -> None:
    with pytest.raises(ValueError, match=r"of shape \(.*\) has no place"):
        make_trainer().start_from(DenseMappingNetwork(replace(TINY, **change)))


def test_weights_whose_inputs_would_change_places_are_refused() -> None:
    with pytest.raises(ValueError, match="are not the first of"):
        make_trainer().start_from(DenseMappingNetwork(replace(TINY, boundary=False)))
