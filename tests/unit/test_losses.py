"""Losses look where the picture is made anew, and are one number a portrait."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from models.losses import (
    GanLoss,
    Verdicts,
    feature_matching,
    fool_loss,
    judge_loss,
    label_agreement,
    reconstruction,
    region_colours,
)
from models.planes import one_hot

KINDS: tuple[GanLoss, ...] = ("lsgan", "hinge")
EVERYWHERE = torch.ones(1, 1, 8, 8)
HAIR, SKIN, CLOTH = 13, 1, 18


def half(size: int = 8) -> Tensor:
    region = torch.zeros(1, 1, size, size)
    region[..., : size // 2] = 1
    return region


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def verdicts(*values: float) -> Verdicts:
    """Return one layer a scale, every patch of which holds the value."""
    return [[torch.full((1, 1, 4 // (scale + 1), 4 // (scale + 1)), value)] for scale, value in enumerate(values)]


# One number a portrait


def four_portraits() -> dict[str, Callable[[slice], Tensor]]:
    """Return every loss as a function of which of four different portraits are in the batch."""
    region = (random(4, 1, 8, 8, seed=9) > 0.5).float()
    region[1] = 0
    region[2] = 1
    picture, other = random(4, 3, 8, 8), random(4, 3, 8, 8, seed=1)
    made: Verdicts = [
        [random(4, 5, 8, 8, seed=2), random(4, 1, 4, 4, seed=3)],
        [random(4, 5, 4, 4), random(4, 1, 2, 2)],
    ]
    real: Verdicts = [[value.flip(0) * 1.3 for value in outputs] for outputs in made]
    labels = torch.randint(0, 19, (4, 8, 8), generator=torch.Generator().manual_seed(4))
    planes, logits = one_hot(labels), random(4, 19, 4, 4, seed=5)

    def cut(outputs: Verdicts, part: slice) -> Verdicts:
        return [[value[part] for value in layers] for layers in outputs]

    return {
        "reconstruction": lambda s: reconstruction(picture[s], other[s], region[s]),
        "judge_lsgan": lambda s: judge_loss(cut(real, s), cut(made, s), region[s]),
        "judge_hinge": lambda s: judge_loss(cut(real, s), cut(made, s), region[s], "hinge"),
        "fool_lsgan": lambda s: fool_loss(cut(made, s), region[s]),
        "fool_hinge": lambda s: fool_loss(cut(made, s), region[s], "hinge"),
        "features": lambda s: feature_matching(cut(made, s), cut(real, s), region[s]),
        "labels": lambda s: label_agreement(logits[s], labels[s], region[s]),
        "colours": lambda s: region_colours(picture[s], planes[s], other[s], planes.flip(0)[s]),
    }


@pytest.mark.parametrize("name", list(four_portraits()))
def test_a_split_batch_has_the_mean_of_the_whole(name: str) -> None:
    loss = four_portraits()[name]
    whole = loss(slice(0, 4))
    assert whole.shape == (4,)
    assert len(set(whole.tolist())) >= 3, "they differ, or the mean would prove nothing"
    parts = [loss(slice(0, 2)), loss(slice(2, 4))]
    torch.testing.assert_close(torch.cat(parts), whole)
    assert float(torch.stack([part.mean() for part in parts]).mean()) == pytest.approx(float(whole.mean()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_networks_give_in_half_precision_is_added_up_in_full(kind: GanLoss) -> None:
    verdict = torch.full((1, 1, 256, 256), 1.0078125, dtype=torch.bfloat16)
    made, twice = [[verdict, verdict]], [[verdict * 2, verdict]]
    expected = 0.0078125**2 if kind == "lsgan" else -1.0078125
    assert float(fool_loss(made, torch.ones(1, 1, 256, 256), kind)) == pytest.approx(expected, rel=1e-4)
    assert float(feature_matching(twice, made, EVERYWHERE)) == pytest.approx(1.0078125, rel=1e-4)
    assert fool_loss(made, EVERYWHERE, kind).dtype == torch.float32


# Reconstruction


def test_reconstruction_against_brute_force() -> None:
    render, source, region = random(2, 3, 4, 4), random(2, 3, 4, 4, seed=1), (random(2, 1, 4, 4, seed=2) > 0).float()
    found = reconstruction(render, source, region)
    for n in range(2):
        total = weights = 0.0
        for c, y, x in np.ndindex(3, 4, 4):
            weight = 1.2 if region[n, 0, y, x] else 0.2
            total += weight * abs(float(render[n, c, y, x] - source[n, c, y, x]))
            weights += weight
        assert float(found[n]) == pytest.approx(total / weights, rel=1e-5)


def test_reconstruction_counts_the_outside_less() -> None:
    source, region = torch.zeros(1, 3, 8, 8), half()
    inside = float(reconstruction(region.expand(1, 3, 8, 8), source, region))
    outside = float(reconstruction(1 - region.expand(1, 3, 8, 8), source, region))
    assert inside == pytest.approx(6 * outside)
    assert inside + outside == pytest.approx(1)
    assert float(reconstruction(source, source, region)) == 0
    assert float(reconstruction(1 - region.expand(1, 3, 8, 8), source, region, outside=0)) == 0


# Against the discriminator


@pytest.mark.parametrize(
    ("kind", "real", "made", "expected"),
    [
        ("lsgan", (1, 1), (0, 0), 0.0),
        ("lsgan", (3, 1), (0, -2), (4 + 0) / 2 + (0 + 4) / 2),
        ("lsgan", (0, 0), (1, 1), 2 * (1 + 1) / 2),
        ("hinge", (1, 5), (-1, -5), 0.0),
        ("hinge", (0, 1), (0, -1), (1 + 1) / 2),
        ("hinge", (-2, 0.5), (2, -3), (3 + 3) / 2 + (0.5 + 0) / 2),
    ],
)
def test_the_judge_pays_for_what_it_mistakes_at_each_scale(
    kind: GanLoss, real: tuple[float, ...], made: tuple[float, ...], expected: float
) -> None:
    assert float(judge_loss(verdicts(*real), verdicts(*made), EVERYWHERE, kind)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("kind", "made", "expected"),
    [
        ("lsgan", (1, 1), 0.0),
        ("lsgan", (3, 0), 4 + 1),
        ("hinge", (0, 0), 0.0),
        ("hinge", (3, -1), -3 + 1),
    ],
)
def test_fooling_the_judge_pays_at_each_scale(kind: GanLoss, made: tuple[float, ...], expected: float) -> None:
    assert float(fool_loss(verdicts(*made), EVERYWHERE, kind)) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts_are_read_from_the_last_layer_alone(kind: GanLoss) -> None:
    last = random(1, 1, 4, 4)
    one, other = [[random(1, 4, 4, 4), last]], [[random(1, 4, 4, 4, seed=1), last]]
    assert torch.equal(judge_loss(one, one, EVERYWHERE, kind), judge_loss(other, other, EVERYWHERE, kind))
    assert torch.equal(fool_loss(one, EVERYWHERE, kind), fool_loss(other, EVERYWHERE, kind))


def test_least_squares_is_the_default() -> None:
    made, real = [[random(1, 1, 4, 4)]], [[random(1, 1, 4, 4, seed=1)]]
    assert torch.equal(judge_loss(real, made, EVERYWHERE), judge_loss(real, made, EVERYWHERE, "lsgan"))
    assert torch.equal(fool_loss(made, EVERYWHERE), fool_loss(made, EVERYWHERE, "lsgan"))


@pytest.mark.parametrize("kind", KINDS)
def test_only_patches_that_touch_the_region_count(kind: GanLoss) -> None:
    inner, real = random(1, 1, 4, 4), random(1, 1, 4, 4, seed=1)
    changed = inner.clone()
    changed[..., 2:] += 10
    assert torch.equal(fool_loss([[inner]], half(), kind), fool_loss([[changed]], half(), kind))
    for one, other in (([[inner]], [[changed]]), ([[real]], [[real]])):
        assert torch.equal(judge_loss(one, [[real]], half(), kind), judge_loss(other, [[real]], half(), kind))
        assert torch.equal(judge_loss([[real]], one, half(), kind), judge_loss([[real]], other, half(), kind))
    features, target_features = random(1, 5, 4, 4), random(1, 5, 4, 4, seed=1)
    shifted = features.clone()
    shifted[..., 2:] -= 3
    layers = [[target_features, inner]]
    assert torch.equal(
        feature_matching([[features, inner]], layers, half()), feature_matching([[shifted, inner]], layers, half())
    )


def test_a_patch_that_touches_the_region_at_all_counts_in_full() -> None:
    region = torch.zeros(1, 1, 8, 8)
    region[..., 0, 0] = 1
    verdict = torch.ones(1, 1, 4, 4)
    verdict[..., 0, 0] = 4
    assert float(fool_loss([[verdict]], region)) == pytest.approx(9)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_stay_within_the_region(kind: GanLoss) -> None:
    verdict = random(1, 1, 8, 8).requires_grad_()
    fool_loss([[verdict]], half(), kind).sum().backward()
    assert verdict.grad is not None
    assert bool(verdict.grad[..., :4].all())
    assert not bool(verdict.grad[..., 4:].any())


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_region_gives_zero_and_not_nan(kind: GanLoss) -> None:
    region = torch.zeros(1, 1, 8, 8)
    made = [[random(1, 2, 4, 4), random(1, 1, 4, 4)]]
    assert float(judge_loss(made, made, region, kind)) == 0
    assert float(fool_loss(made, region, kind)) == 0
    assert float(feature_matching(made, [[value + 1 for value in made[0]]], region)) == 0
    assert float(label_agreement(random(1, 19, 4, 4), torch.zeros(1, 8, 8, dtype=torch.uint8), region)) == 0


def test_feature_matching_averages_layers_and_spares_the_verdict_and_the_target() -> None:
    made = [[torch.zeros(1, 2, 4, 4, requires_grad=True), torch.zeros(1, 3, 2, 2, requires_grad=True), torch.ones(1)]]
    real = [[torch.ones(1, 2, 4, 4, requires_grad=True), torch.full((1, 3, 2, 2), 3.0), torch.zeros(1)]]
    loss = feature_matching(made, real, EVERYWHERE)
    assert loss.item() == pytest.approx((1 + 3) / 2)
    loss.sum().backward()
    assert made[0][0].grad is not None
    assert real[0][0].grad is None
    assert feature_matching(real, real, EVERYWHERE).item() == 0


# What the labels ask for


def test_label_agreement_against_values_by_hand() -> None:
    logits = torch.zeros(2, 19, 4, 4)
    logits[1, HAIR] = math.log(18)  # hair is as probable as all the others together
    labels = torch.full((2, 4, 4), HAIR, dtype=torch.uint8)
    region = torch.ones(2, 1, 4, 4)
    assert label_agreement(logits, labels, region).tolist() == pytest.approx([math.log(19), math.log(2)])
    assert label_agreement(logits, labels.int() * 0, region).tolist() == pytest.approx([math.log(19), math.log(36)])


def test_label_agreement_looks_inside_the_region_at_the_size_of_the_logits() -> None:
    labels = torch.full((1, 8, 8), SKIN)
    labels[..., 4:] = CLOTH
    logits = one_hot(labels[:, ::2, ::2]) * 30
    assert float(label_agreement(logits, labels, EVERYWHERE)) == pytest.approx(0, abs=1e-6)
    mistaken = logits.clone()
    mistaken[..., 2:] = logits[..., :2]
    assert float(label_agreement(mistaken, labels, EVERYWHERE)) == pytest.approx(30 / 2)
    assert float(label_agreement(mistaken, labels, half())) == pytest.approx(0, abs=1e-6)
    assert float(label_agreement(mistaken, labels, 1 - half())) == pytest.approx(30)


# Colours of a copied style


def coloured(labels: Tensor, **colours: float) -> Tensor:
    picture = torch.zeros(1, 3, *labels.shape[1:])
    for name, value in colours.items():
        picture += one_hot(labels)[:, {"hair": HAIR, "skin": SKIN, "cloth": CLOTH}[name]][:, None] * value
    return picture


def halves(first: int, second: int, at: int = 16) -> Tensor:
    labels = torch.full((1, 32, 32), first)
    labels[..., at:] = second
    return labels


def test_region_colours_compare_each_class_wherever_it_lies() -> None:
    here, there = halves(HAIR, SKIN), halves(SKIN, HAIR, at=10)
    style = coloured(there, hair=-0.5, skin=0.25)
    same = region_colours(coloured(here, hair=-0.5, skin=0.25), one_hot(here), style, one_hot(there))
    assert float(same) == pytest.approx(0, abs=1e-6)
    lighter = region_colours(coloured(here, hair=0.1, skin=0.25), one_hot(here), style, one_hot(there))
    assert float(lighter) == pytest.approx(0.6 / 2), "the mean over two classes"


def test_only_the_mean_colour_of_a_class_counts() -> None:
    labels = halves(HAIR, SKIN)
    stripes = torch.tensor([-0.4, 0.4]).repeat(16).expand(1, 3, 32, 32)
    plain = torch.zeros(1, 3, 32, 32)
    assert float(region_colours(stripes, one_hot(labels), plain, one_hot(labels))) == pytest.approx(0, abs=1e-6)


def test_classes_that_only_one_of_the_pictures_shows_do_not_count() -> None:
    here, there = halves(HAIR, SKIN), halves(HAIR, CLOTH)
    made, style = coloured(here, hair=0.2, skin=0.9), coloured(there, hair=-0.2, cloth=-0.9)
    assert float(region_colours(made, one_hot(here), style, one_hot(there))) == pytest.approx(0.4)
    assert float(region_colours(made, one_hot(here), style, one_hot(halves(CLOTH, CLOTH)))) == 0


@pytest.mark.parametrize(("pixels", "counts"), [(2, False), (3, True)])
def test_specks_do_not_count(pixels: int, counts: bool) -> None:
    labels = torch.full((1, 32, 32), SKIN)
    labels[0, 0, :pixels] = HAIR  # 0.2% of the picture are 2.05 pixels
    made, style = coloured(labels, hair=1.0), coloured(labels, hair=-1.0)
    loss = float(region_colours(made, one_hot(labels), style, one_hot(labels)))
    assert loss == pytest.approx(1.0 if counts else 0.0), "half of a difference of 2, or nothing"
