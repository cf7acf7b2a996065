"""Regions blanked in training look like what edits leave behind."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models.edits import GROUPS, blanked_region, label_region, stroke_region
from resources.labels import LABEL_COUNT, twins
from tests.made_data import made_mask

DRAWS = 400


def draws(make: Callable[[np.random.Generator], NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [make(np.random.default_rng(seed)) for seed in range(DRAWS)]


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("kind", ["strokes", "labels", "any"])
def test_regions_are_masks_of_the_size_of_the_picture(kind: str, size: int) -> None:
    labels = made_mask(size, glasses=True)
    before = labels.copy()
    makers = {
        "strokes": lambda rng: stroke_region(size, rng),
        "labels": lambda rng: label_region(labels, rng),
        "any": lambda rng: blanked_region(labels, rng),
    }
    for region in draws(makers[kind])[:60]:
        assert region.dtype == np.uint8
        assert region.shape == (size, size)
        assert set(np.unique(region)) <= {0, 1}
    np.testing.assert_array_equal(labels, before)


def test_now_and_then_everything_is_blanked_and_seldom_nothing() -> None:
    labels = made_mask(64, glasses=True)
    regions = draws(lambda rng: blanked_region(labels, rng))
    everything = np.mean([region.all() for region in regions])
    nothing = np.mean([not region.any() for region in regions])
    parts = [region.mean() for region in regions if not region.all()]
    assert 0.17 < everything < 0.35
    assert nothing < 0.05
    assert 0.1 < np.mean(parts) < 0.6
    assert np.std(parts) > 0.1, "small ones and large ones"


def test_strokes_are_never_empty() -> None:
    shares = [region.mean() for region in draws(lambda rng: stroke_region(64, rng))]
    assert min(shares) > 0
    assert max(shares) < 1


def test_a_label_region_covers_whole_groups_most_of_the_time() -> None:
    labels = made_mask(64)
    present = [group for group in GROUPS if np.isin(labels, group).any()]
    regions = draws(lambda rng: label_region(labels, rng))
    covered = [sum(bool(region[np.isin(labels, group)].all()) for group in present) for region in regions]
    assert np.mean([count >= 1 for count in covered]) > 0.6
    assert np.mean([region.all() for region in regions]) < 0.05


def test_both_eyes_belong_together() -> None:
    groups = {label: group for group in GROUPS for label in group}
    assert len(groups) == sum(map(len, GROUPS)), "no class is in two groups"
    assert all(0 <= label < LABEL_COUNT for label in groups)
    for label, twin in enumerate(twins()):
        if twin != label:
            assert groups[label] is groups[int(twin)]


def test_a_mask_of_ungrouped_classes_is_blanked_whole() -> None:
    labels = np.full((32, 32), 15, np.uint8)
    assert label_region(labels, np.random.default_rng(0)).all()


def test_regions_follow_from_the_seed() -> None:
    labels = made_mask(64)
    for seed in range(20):
        first, again = (blanked_region(labels, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, again)
