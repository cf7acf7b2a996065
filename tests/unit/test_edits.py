"""Regions blanked in training look like what edits leave behind."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from models import edits
from models.edits import blanked_region, label_region, partial_region, stroke_region
from models.mask_edits import GROUPS
from models.synthetic import made_mask

DRAWS = 400


def draws(make: Callable[[np.random.Generator], NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    return [make(np.random.default_rng(seed)) for seed in range(DRAWS)]


@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("kind", ["strokes", "labels", "partial", "any"])
def test_regions_are_masks_of_the_size_of_the_picture(kind: str, size: int) -> None:
    labels = made_mask(size, glasses=True)
    before = labels.copy()
    makers = {
        "strokes": lambda rng: stroke_region(size, rng),
        "labels": lambda rng: label_region(labels, rng),
        "partial": lambda rng: partial_region(labels, rng),
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


def test_glasses_are_chosen_more_often_than_other_parts() -> None:
    labels = made_mask(64, glasses=True)
    regions = draws(lambda rng: label_region(labels, rng))
    # Clothes are as far from all the rest as can be; what lies near other parts is often covered along with them.
    glasses, clothes = (np.mean([region[labels == label].mean() > 0.9 for region in regions]) for label in (3, 18))
    assert glasses > 1.5 * clothes > 0


def test_a_mask_of_one_class_has_that_to_blank() -> None:
    labels = np.full((32, 32), 15, np.uint8)
    regions = draws(lambda rng: label_region(labels, rng))
    whole = np.mean([region.all() for region in regions])
    assert 0.55 < whole < 0.9, "but for those cut by an ellipse"
    assert all(region.any() for region in regions)


# Parts


def test_a_part_is_seldom_everything_and_never_by_choice() -> None:
    labels = made_mask(64, glasses=True)
    regions = draws(lambda rng: partial_region(labels, rng))
    assert np.mean([region.all() for region in regions]) < 0.03
    assert np.mean([not region.any() for region in regions]) < 0.05


def test_a_part_may_be_what_a_simulated_edit_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = made_mask(64)

    def edit(given: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        np.testing.assert_array_equal(given, labels)
        edited = given.copy()
        edited[0, 0] = 14
        return edited

    monkeypatch.setattr(edits, "simulated_edit", edit)
    regions = draws(lambda rng: partial_region(labels, rng))
    # The corner that was edited, and a little around it.
    corners = [region for region in regions if region[0, 0] and not region[4:].any() and not region[:, 4:].any()]
    assert 0.25 < len(corners) / DRAWS < 0.45
    assert all(2 < region.sum() <= 9 for region in corners)
    assert len({int(region.sum()) for region in corners}) > 1


def test_an_edit_that_changes_nothing_leaves_something_to_make_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "simulated_edit", lambda labels, rng: labels.copy())
    labels = made_mask(64)
    regions = draws(lambda rng: partial_region(labels, rng))
    assert np.mean([not region.any() for region in regions]) < 0.05


def test_strokes_and_parts_come_together_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    stroke, part = np.zeros((2, 64, 64), np.uint8)
    stroke[:8], part[-8:] = 1, 1
    monkeypatch.setattr(edits, "stroke_region", lambda size, rng: stroke.copy())
    monkeypatch.setattr(edits, "label_region", lambda labels, rng: part.copy())
    regions = draws(lambda rng: partial_region(made_mask(64), rng))
    shares = [np.mean([np.array_equal(region, kind) for region in regions]) for kind in (stroke, part, stroke | part)]
    assert 0.12 < shares[0] < 0.28
    assert 0.27 < shares[1] < 0.45
    assert 0.05 < shares[2] < 0.16


def test_regions_follow_from_the_seed() -> None:
    labels = made_mask(64)
    for seed in range(20):
        first, again = (blanked_region(labels, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, again)
