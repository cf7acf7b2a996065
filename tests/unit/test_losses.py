"""Losses look where the picture is made anew."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models.losses import adversarial, feature_matching, reconstruction


def half(size: int = 8) -> Tensor:
    region = torch.zeros(1, 1, size, size)
    region[..., : size // 2] = 1
    return region


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_reconstruction_against_brute_force() -> None:
    render, source, region = random(2, 3, 4, 4), random(2, 3, 4, 4, seed=1), (random(2, 1, 4, 4, seed=2) > 0).float()
    total = weights = 0.0
    for n, c, y, x in np.ndindex(2, 3, 4, 4):
        weight = 1.2 if region[n, 0, y, x] else 0.2
        total += weight * abs(float(render[n, c, y, x] - source[n, c, y, x]))
        weights += weight
    assert float(reconstruction(render, source, region)) == pytest.approx(total / weights, rel=1e-5)


def test_reconstruction_counts_the_outside_less() -> None:
    source, region = torch.zeros(1, 3, 8, 8), half()
    inside = float(reconstruction(region.expand(1, 3, 8, 8), source, region))
    outside = float(reconstruction(1 - region.expand(1, 3, 8, 8), source, region))
    assert inside == pytest.approx(6 * outside)
    assert inside + outside == pytest.approx(1)
    assert float(reconstruction(source, source, region)) == 0
    assert float(reconstruction(1 - region.expand(1, 3, 8, 8), source, region, outside=0)) == 0


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_adversarial_is_zero_at_its_target_and_sums_over_scales(target: float) -> None:
    region = torch.ones(1, 1, 8, 8)
    met = [[torch.full((1, 1, 4, 4), target)], [torch.full((1, 1, 2, 2), target)]]
    missed = [[torch.full((1, 1, 4, 4), target + 2)], [torch.full((1, 1, 2, 2), target - 1)]]
    assert float(adversarial(met, target, region)) == 0
    assert float(adversarial(missed, target, region)) == pytest.approx(4 + 1)


def test_adversarial_judges_by_the_last_layer_alone() -> None:
    region = torch.ones(1, 1, 8, 8)
    verdicts = [[random(1, 4, 4, 4), torch.ones(1, 1, 4, 4)]]
    assert float(adversarial(verdicts, 1.0, region)) == 0


def test_only_patches_that_touch_the_region_count() -> None:
    inner = random(1, 1, 4, 4)
    changed = inner.clone()
    changed[..., 2:] += 10
    for target in (0.0, 1.0):
        assert torch.equal(adversarial([[inner]], target, half()), adversarial([[changed]], target, half()))
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
    verdict = torch.zeros(1, 1, 4, 4)
    verdict[..., 0, 0] = 3
    assert float(adversarial([[verdict]], 0.0, region)) == pytest.approx(9)


def test_gradients_stay_within_the_region() -> None:
    verdict = random(1, 1, 8, 8).requires_grad_()
    adversarial([[verdict]], 1.0, half()).backward()
    assert verdict.grad is not None
    assert bool(verdict.grad[..., :4].all())
    assert not bool(verdict.grad[..., 4:].any())


def test_an_empty_region_gives_zero_and_not_nan() -> None:
    region = torch.zeros(1, 1, 8, 8)
    verdicts = [[random(1, 2, 4, 4), random(1, 1, 4, 4)]]
    assert float(adversarial(verdicts, 1.0, region)) == 0
    assert float(feature_matching(verdicts, [[value + 1 for value in verdicts[0]]], region)) == 0
    assert torch.isfinite(reconstruction(random(1, 3, 8, 8), random(1, 3, 8, 8, seed=1), region))


def test_feature_matching_averages_layers_and_spares_the_verdict_and_the_target() -> None:
    region = torch.ones(1, 1, 8, 8)
    made = [[torch.zeros(1, 2, 4, 4, requires_grad=True), torch.zeros(1, 3, 2, 2, requires_grad=True), torch.ones(1)]]
    real = [[torch.ones(1, 2, 4, 4, requires_grad=True), torch.full((1, 3, 2, 2), 3.0), torch.zeros(1)]]
    loss = feature_matching(made, real, region)
    assert loss.item() == pytest.approx((1 + 3) / 2)
    loss.backward()
    assert made[0][0].grad is not None
    assert real[0][0].grad is None
    assert feature_matching(real, real, region).item() == 0
