"""What the face parser is trained on, portraits varied at random and classes weighed, and how it is scored."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from models import parser_batches as module
from models.dataset import ALIGNED, WIDE, WILD, PortraitDataset, Ranges, Sample, augment
from models.face_parser import FaceParser
from models.metrics import confusion, label_scores
from models.parser_batches import batches, cover, degrade
from models.planes import one_hot
from models.synthetic import SMOKE_PARSER, made_mask, made_pixels, make_data
from models.train_parser import class_weights, score, unweigh
from tests.fakes import make_labels
from tests.golden import fill, made_image

BACKGROUND, SKIN, GLASSES, HAIR, NECKLACE = 0, 1, 3, 13, 16

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("portraits") / "data")


class OnePortrait:
    """A data set of one portrait."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray) -> None:
        self.sample = Sample("marked", pixels, labels)

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Sample:
        return self.sample

    def weights(self) -> np.ndarray:
        return np.ones(1)


# Batches


def test_batches_are_pictures_with_their_labels_and_follow_from_the_seed(data: Path) -> None:
    portraits = PortraitDataset(data, "train", 64)
    image, labels = next(batches(portraits, 32, 5, seed=3))
    assert image.shape == (5, 3, 32, 32)
    assert image.dtype == torch.float32
    assert -1 <= float(image.min()) < -0.3
    assert 0.3 < float(image.max()) <= 1
    assert labels.shape == (5, 32, 32)
    assert labels.dtype == torch.int64
    again, other = (next(batches(portraits, 32, 5, seed)) for seed in (3, 4))
    assert torch.equal(again[0], image)
    assert torch.equal(again[1], labels)
    assert not torch.equal(other[0], image)


def test_labels_stay_with_their_picture_however_it_is_varied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "COVERED_ODDS", 0)
    labels = np.zeros((64, 64), np.uint8)
    labels[8:30, 8:40] = SKIN  # nothing about it is symmetric
    pixels = np.where(labels[..., None] == SKIN, np.uint8(230), np.uint8(20)).repeat(3, axis=2)
    image, mask = next(batches(OnePortrait(pixels, labels), 64, 16, seed=0))
    for bright, skin in zip(image.mean(dim=1) > 0, mask == SKIN, strict=True):
        assert float((bright == skin).float().mean()) > 0.96


def test_every_batch_goes_on_from_the_one_before(data: Path) -> None:
    portraits = PortraitDataset(data, "train", 64)
    ours, theirs = batches(portraits, 32, 2, seed=3), batches(portraits, 32, 2, seed=3)
    for _ in range(3):
        assert torch.equal(next(ours)[0], next(theirs)[0])
    assert not torch.equal(next(ours)[0], next(batches(portraits, 32, 2, seed=3))[0])


def test_glasses_and_necklaces_are_worn_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RANGES", ((ALIGNED, 1.0),))
    labels = make_labels(96, 96)
    assert not np.isin(labels, (GLASSES, NECKLACE)).any(), "the portrait itself wears neither"
    _, masks = next(batches(OnePortrait(made_pixels(labels), labels), 96, 120, seed=0))
    for label, share in ((GLASSES, module.WORN_ODDS), (NECKLACE, module.WORN_ODDS / 2)):
        worn = (masks == label).flatten(1).any(dim=1).float().mean()
        assert share / 2 < float(worn) < share * 2, label


@pytest.mark.parametrize("odds", [0.0, 0.5, 1.0])
def test_something_hides_a_part_as_often_as_asked(monkeypatch: pytest.MonkeyPatch, odds: float) -> None:
    monkeypatch.setattr(module, "COVERED_ODDS", odds)
    labels = np.full((64, 64), SKIN, np.uint8)
    _, masks = next(batches(OnePortrait(made_pixels(labels), labels), 32, 60, seed=0))
    share = float((masks == BACKGROUND).flatten(1).any(dim=1).float().mean())
    assert share == pytest.approx(odds, abs=0.2 if odds == 0.5 else 0)
    assert set(masks.unique().tolist()) <= {BACKGROUND, SKIN}


def test_portraits_are_mostly_moved_little(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Ranges] = []

    def note(sample: Sample, size: int, rng: np.random.Generator, ranges: Ranges) -> tuple[np.ndarray, np.ndarray]:
        asked.append(ranges)
        return augment(sample, size, rng, ranges)

    monkeypatch.setattr(module, "augment", note)
    labels = np.full((16, 16), SKIN, np.uint8)
    next(batches(OnePortrait(made_pixels(labels), labels), 16, 400, seed=0))
    shares = [asked.count(ranges) / 400 for ranges in (ALIGNED, WIDE, WILD)]
    assert sum(shares) == 1
    assert shares == pytest.approx([share for _, share in module.RANGES], abs=0.08)
    assert shares[0] > 0.45 > shares[1] > shares[2] > 0.05


# What hides a part of the face


def covered(seed: int, side: int = 96) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cover a portrait, whose pixels are up to 100, with a piece of white: pixels, labels, and the portrait's own."""
    labels = np.full((side, side), SKIN, np.uint8)
    labels[side // 2 :] = HAIR
    pixels = np.random.default_rng(9).integers(0, 101, (side, side, 3)).astype(np.uint8)
    before = pixels.copy(), labels.copy()
    found = cover(pixels, labels, np.full((side, side, 3), 255, np.uint8), np.random.default_rng(seed))
    np.testing.assert_array_equal(pixels, before[0])
    np.testing.assert_array_equal(labels, before[1])
    return found[0], found[1], pixels


def test_what_is_hidden_becomes_background_in_the_labels_and_something_else_in_the_picture() -> None:
    for seed in range(40):
        pixels, labels, own = covered(seed)
        assert pixels.dtype == labels.dtype == np.uint8
        assert pixels.shape == own.shape
        hidden = labels == BACKGROUND
        assert hidden.any()
        assert set(np.unique(labels[:48])) <= {SKIN, BACKGROUND}
        assert set(np.unique(labels[48:])) <= {HAIR, BACKGROUND}
        inner, outer = (
            change(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)) == 1 for change in (cv2.erode, cv2.dilate)
        )
        assert (pixels[inner] == 255).all(), "nothing of it shines through"
        np.testing.assert_array_equal(pixels[~outer], own[~outer])
        assert (pixels[hidden] > own[hidden]).all()


def test_what_hides_a_part_is_of_many_sizes_and_places_and_never_hides_all() -> None:
    shares, places = [], []
    for seed in range(60):
        hidden = covered(seed)[1] == BACKGROUND
        shares.append(hidden.mean())
        places.append(np.mean(np.nonzero(hidden), axis=1) / 96)
    assert max(shares) < 0.1
    assert max(shares) > 4 * min(shares) > 0
    assert np.ptp(places, axis=0).min() > 0.5


def test_the_piece_comes_from_the_other_picture_and_follows_from_the_seed() -> None:
    labels = made_mask(64)
    pixels, other = made_pixels(labels, 1), np.random.default_rng(5).integers(200, 256, (64, 64, 3)).astype(np.uint8)
    before = other.copy()
    first, again, next_one = (cover(pixels, labels, other, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], next_one[1])
    np.testing.assert_array_equal(other, before)
    inner = cv2.erode((first[1] != labels).astype(np.uint8), np.ones((3, 3), np.uint8)) == 1
    known = {tuple(colour) for colour in other.reshape(-1, 3).tolist()}
    assert inner.any()
    assert {tuple(colour) for colour in first[0][inner].tolist()} <= known


# What wears a picture down


def test_degrading_spares_the_picture_and_often_leaves_it_alone() -> None:
    pixels = made_pixels(made_mask(32))
    before, unaltered, grey, brightness = pixels.copy(), 0, 0, []
    for seed in range(100):
        degraded = degrade(pixels, np.random.default_rng(seed))
        assert degraded.shape == pixels.shape
        assert degraded.dtype == np.uint8
        likeness = np.corrcoef(degraded.mean(axis=2).ravel(), pixels.mean(axis=2).ravel())[0, 1]
        assert likeness > 0.75, "it is still that picture"
        brightness.append(degraded.mean() / pixels.mean())
        unaltered += np.array_equal(degraded, before)
        grey += bool((degraded == degraded[..., :1]).all())
    np.testing.assert_array_equal(pixels, before)
    assert 25 < unaltered < 75
    assert 0 < grey < 25
    assert 0.5 < min(brightness) < 0.9 < np.median(brightness) < 1.1 < max(brightness) < 1.8


# Weights of classes


def test_rare_classes_weigh_more_but_never_beyond_bounds() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[:40], labels[40:60], labels[0, :10], labels[1, 0] = HAIR, SKIN, 2, GLASSES
    weights = class_weights([Sample("x", np.zeros((100, 100, 3), np.uint8), labels)])
    assert weights.shape == (19,)
    assert weights.dtype == torch.float32
    assert float(weights[GLASSES]) == 2
    assert 0.6 < weights[0] < weights[SKIN] < weights[2] <= weights[GLASSES]
    assert float(weights[18]) == 1, "nothing is known of a class that does not occur"
    twice = class_weights([Sample("x", np.zeros((100, 100, 3), np.uint8), labels)] * 2)
    torch.testing.assert_close(twice, weights)
    labels[:] = HAIR
    labels[0], labels[1] = SKIN, 2
    weights = class_weights([Sample("x", np.zeros((100, 100, 3), np.uint8), labels)])
    assert float(weights.min()) == float(weights[HAIR]) == pytest.approx(0.6)


@torch.inference_mode()
def test_weights_are_taken_out_of_the_answers() -> None:
    network, image = fill(FaceParser(SMOKE_PARSER)), made_image(16, 24)
    before, weights = network(image), torch.linspace(0.6, 2, 19)
    unweigh(network, weights)
    odds, weighed = network(image).softmax(dim=1), before.softmax(dim=1)
    expected = weighed / weights.view(1, 19, 1, 1)
    torch.testing.assert_close(odds, expected / expected.sum(dim=1, keepdim=True), rtol=1e-3, atol=1e-6)


# Scores


class _AllHair(FaceParser):
    """Stands in for a parser that sees hair everywhere."""

    def forward(self, image: Tensor) -> Tensor:
        return one_hot(torch.full((len(image), *image.shape[2:]), HAIR))


def test_a_parser_is_scored_on_all_portraits_together() -> None:
    half, none = np.full((8, 8), SKIN, np.uint8), np.full((8, 8), SKIN, np.uint8)
    half[:4] = HAIR
    samples = [Sample("x", np.zeros((8, 8, 3), np.uint8), labels) for labels in (half, none)]
    network = _AllHair(SMOKE_PARSER).train()
    assert score(network, samples) == {
        "pixel_accuracy": 0.25,
        "mean_iou": 0.125,
        "iou": {"skin": 0.0, "hair": 0.25},
    }
    assert score(network, [replace(samples[0], labels=np.full((8, 8), HAIR, np.uint8))])["mean_iou"] == 1


def test_confusion_against_brute_force() -> None:
    wanted, found = np.random.default_rng(0).integers(0, 19, (2, 12, 9))
    counts = np.zeros((19, 19), int)
    for row, column in zip(wanted.ravel(), found.ravel(), strict=True):
        counts[row, column] += 1
    np.testing.assert_array_equal(confusion(wanted.astype(np.uint8), found), counts)


def test_scores_by_hand() -> None:
    counts = np.zeros((19, 19), np.int64)
    counts[SKIN, SKIN], counts[SKIN, HAIR], counts[HAIR, HAIR], counts[HAIR, 0] = 6, 2, 3, 1
    scores = label_scores(counts)
    assert scores["iou"] == {"skin": pytest.approx(6 / 8), "hair": pytest.approx(3 / 6)}, "background was not wanted"
    assert scores["mean_iou"] == pytest.approx((6 / 8 + 3 / 6) / 2)
    assert scores["pixel_accuracy"] == pytest.approx(9 / 12)
    assert json.loads(json.dumps(scores)) == scores


def test_nothing_to_score() -> None:
    assert label_scores(np.zeros((19, 19), np.int64)) == {"pixel_accuracy": 0.0, "mean_iou": 0.0, "iou": {}}
