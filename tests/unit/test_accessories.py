"""What is drawn onto portraits lies where people wear it, in the picture and in the labels alike."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.accessories import draw_earrings, draw_glasses, draw_hat, draw_necklace, wear
from models.mask_edits import without
from resources.labels import BY_NAME, LABEL_COUNT, palette
from tests.fakes import make_labels

Pixels = NDArray[np.uint8]
Draw = Callable[[Pixels, Pixels, np.random.Generator], bool]

SIDE = 128
ID = {name: label.id for name, label in BY_NAME.items()}
EYES, EARS = (ID["l_eye"], ID["r_eye"]), (ID["l_ear"], ID["r_ear"])
GLASSES, HAT, EARRING, NECKLACE = (ID[name] for name in ("eye_g", "hat", "ear_r", "neck_l"))
DRAWN: dict[Draw, int] = {draw_glasses: GLASSES, draw_hat: HAT, draw_earrings: EARRING, draw_necklace: NECKLACE}
NEEDED: dict[Draw, tuple[int, ...]] = {
    draw_glasses: EYES,
    draw_hat: EYES,
    draw_earrings: EARS,
    draw_necklace: (ID["neck"],),
}

EVERYTHING = pytest.mark.parametrize("draw", list(DRAWN), ids=lambda draw: draw.__name__)


def bare_labels(side: int = SIDE) -> Pixels:
    """Return a face with ears that wears nothing."""
    labels = make_labels(side, side)
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    for ear, column in ((ID["r_ear"], 0.27), (ID["l_ear"], 0.73)):
        labels[((y - 0.48) / 0.07) ** 2 + ((x - column) / 0.03) ** 2 <= 1] = ear
    return labels


def bare() -> tuple[Pixels, Pixels]:
    labels = bare_labels()
    noise = np.random.default_rng(1).integers(-9, 10, (SIDE, SIDE, 1))
    return np.clip(palette()[labels] * 0.5 + 60 + noise, 0, 255).astype(np.uint8), labels


def drawn(draw: Draw, seed: int) -> tuple[Pixels, Pixels, NDArray[np.bool_], NDArray[np.bool_]]:
    """Draw onto a bare portrait: pixels, labels, and where either changed."""
    pixels, labels = bare()
    assert draw(pixels, labels, np.random.default_rng(seed))
    before_pixels, before_labels = bare()
    return pixels, labels, (pixels != before_pixels).any(axis=2), labels != before_labels


def centre(*ids: int) -> tuple[float, float]:
    rows, columns = np.nonzero(np.isin(bare_labels(), ids))
    return float(rows.mean()), float(columns.mean())


def eye_distance() -> float:
    return centre(ID["l_eye"])[1] - centre(ID["r_eye"])[1]


# Whatever is drawn


@EVERYTHING
@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
def test_labels_change_to_what_was_drawn_and_to_nothing_else(draw: Draw, seed: int) -> None:
    pixels, labels, _, relabelled = drawn(draw, seed)
    assert set(np.unique(labels[relabelled])) == {DRAWN[draw]}
    assert pixels.shape == (SIDE, SIDE, 3)
    assert labels.shape == (SIDE, SIDE)
    assert pixels.dtype == labels.dtype == np.uint8


@EVERYTHING
def test_the_picture_shows_it_where_the_labels_say_so(draw: Draw) -> None:
    shares, strays = [], []
    for seed in range(25):
        _, _, repainted, relabelled = drawn(draw, seed)
        shares.append(repainted[relabelled].mean())
        near = np.zeros_like(repainted)
        rows, columns = np.nonzero(relabelled)
        near[max(0, rows.min() - 2) : rows.max() + 3, max(0, columns.min() - 2) : columns.max() + 3] = True
        strays.append((repainted & ~near).sum())
    # Behind a lens without any tint the picture stays as it was.
    assert min(shares) > (0.1 if draw is draw_glasses else 0.95)
    assert np.mean(shares) > 0.8
    assert max(strays) == 0


@EVERYTHING
def test_it_follows_from_the_seed_and_differs_between_seeds(draw: Draw) -> None:
    first, again, other = (drawn(draw, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[1], other[1])


@EVERYTHING
def test_nothing_is_drawn_where_what_it_is_worn_on_is_missing(draw: Draw) -> None:
    for seed in range(10):
        pixels, labels = bare()
        labels = without(labels, NEEDED[draw])
        before = pixels.copy(), labels.copy()
        assert draw(pixels, labels, np.random.default_rng(seed)) is False
        np.testing.assert_array_equal(pixels, before[0])
        np.testing.assert_array_equal(labels, before[1])


@EVERYTHING
@pytest.mark.parametrize("label", [ID["background"], ID["skin"], ID["hair"], ID["neck"]])
def test_a_map_of_one_class_is_coped_with(draw: Draw, label: int) -> None:
    pixels, labels = np.full((64, 64, 3), 90, np.uint8), np.full((64, 64), label, np.uint8)
    assert draw(pixels, labels, np.random.default_rng(0)) is (draw is draw_necklace and label == ID["neck"])


@EVERYTHING
@pytest.mark.parametrize("side", [48, 192])
def test_it_is_drawn_in_proportion_to_the_picture(draw: Draw, side: int) -> None:
    shares = []
    for seed in range(12):
        labels = bare_labels(side)
        assert draw(np.full((side, side, 3), 90, np.uint8), labels, np.random.default_rng(seed))
        shares.append(np.mean(labels == DRAWN[draw]))
    typical = [np.mean(drawn(draw, seed)[1] == DRAWN[draw]) for seed in range(12)]
    assert 0.5 < np.mean(shares) / np.mean(typical) < 2


# Glasses


def test_glasses_lie_around_the_eyes() -> None:
    distance = eye_distance()
    rows, columns = np.mgrid[:SIDE, :SIDE]
    (y, x), (_, other) = centre(ID["r_eye"]), centre(ID["l_eye"])
    beside = np.minimum(abs(columns - x), abs(columns - other))
    for seed in range(25):
        _, labels, repainted, relabelled = drawn(draw_glasses, seed)
        changed = repainted | relabelled
        assert not changed[abs(rows - y) > 0.7 * distance].any()
        assert not changed[beside > 0.9 * distance].any()
        for column in (x, other):
            lens = (abs(columns - column) < distance / 2) & (labels == GLASSES)
            assert lens.sum() > 0.1 * distance**2, "one over each eye"


def test_eyes_stay_labelled_behind_clear_lenses_and_vanish_behind_dark_ones() -> None:
    before_pixels, before = bare()
    eyes = np.isin(before, EYES)
    clear, dark = [], []
    for seed in range(70):
        pixels, labels, _, _ = drawn(draw_glasses, seed)
        seen = np.isin(labels, EYES)
        assert not (seen & (labels != before)).any()
        (clear if seen.any() else dark).append((seen.sum() / eyes.sum(), pixels[eyes].mean()))
    assert 0.15 < len(dark) / 70 < 0.5
    # Only the frame hides a part of them.
    assert np.mean([share for share, _ in clear]) > 0.8
    assert max(brightness for _, brightness in dark) < before_pixels[eyes].mean()


def glasses_turned(angle: float, seed: int) -> Pixels:
    """Return 1 where glasses are drawn on eyes 40 pixels apart, their line turned by so many degrees."""
    labels = np.full((SIDE, SIDE), ID["skin"], np.uint8)
    offset = np.array([np.sin(np.radians(angle)), np.cos(np.radians(angle))]) * 20
    for eye, side in ((ID["r_eye"], -1), (ID["l_eye"], 1)):
        y, x = (np.array([64, 64]) + side * offset).round().astype(int)
        labels[y - 2 : y + 3, x - 2 : x + 3] = eye
    assert draw_glasses(np.full((SIDE, SIDE, 3), 90, np.uint8), labels, np.random.default_rng(seed))
    return np.isin(labels, (GLASSES, *EYES)).astype(np.uint8)


@pytest.mark.parametrize("angle", [-25, 25])
def test_glasses_turn_with_the_head(angle: int) -> None:
    turn = cv2.getRotationMatrix2D((64, 64), -angle, 1)  # OpenCV turns against the clock
    for seed in range(12):
        level = cv2.warpAffine(glasses_turned(0, seed), turn, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
        both = np.sum(np.stack([level, glasses_turned(angle, seed)]), axis=0)
        assert np.sum(both == 2) > 0.85 * np.sum(both > 0)


def test_eyes_too_close_together_get_no_glasses() -> None:
    labels = np.full((64, 64), ID["skin"], np.uint8)
    labels[30:34, 28:31], labels[30:34, 33:36] = ID["r_eye"], ID["l_eye"]
    before = labels.copy()
    assert draw_glasses(np.zeros((64, 64, 3), np.uint8), labels, np.random.default_rng(0)) is False
    np.testing.assert_array_equal(labels, before)


# Hats, earrings, necklaces


def test_a_hat_sits_above_the_eyes_and_covers_the_upper_head() -> None:
    y, _ = centre(*EYES)
    distance, rows = eye_distance(), np.mgrid[:SIDE, :SIDE][0]
    for seed in range(25):
        _, labels, repainted, relabelled = drawn(draw_hat, seed)
        assert not (repainted | relabelled)[rows > y - 0.25 * distance].any()
        head = np.isin(bare_labels(), (ID["hair"], ID["skin"])) & (rows < y - 0.9 * distance)
        middle = abs(np.mgrid[:SIDE, :SIDE][1] - SIDE / 2) < distance / 2
        assert (labels == HAT)[head & middle].mean() > 0.8


def test_earrings_hang_at_the_ears_that_can_be_seen() -> None:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for missing in (None, *EARS):
        pixels, labels = bare()
        labels = without(labels, (missing,)) if missing else labels
        before = pixels.copy(), labels.copy()
        for seed in range(8):
            pixels[:], labels[:] = before
            assert draw_earrings(pixels, labels, np.random.default_rng(seed))
            changed = (pixels != before[0]).any(axis=2) | (labels != before[1])
            near = np.zeros_like(changed)
            for ear in EARS:
                if ear == missing:
                    continue
                lobe, column = np.nonzero(before[1] == ear)[0].max(), centre(ear)[1]
                # Hoops and drops reach four to five of their radii below the lobe, of 3.5% of the picture each.
                here = (abs(columns - column) < 0.08 * SIDE) & (rows > lobe - 0.06 * SIDE) & (rows < lobe + 0.2 * SIDE)
                assert (labels == EARRING)[here].any()
                near |= here
            assert not changed[~near].any()


def test_a_necklace_lies_on_neck_and_clothes_only() -> None:
    allowed = np.isin(bare_labels(), (ID["neck"], ID["cloth"]))
    lengths = []
    for seed in range(25):
        _, labels, repainted, relabelled = drawn(draw_necklace, seed)
        assert not (repainted | relabelled)[~allowed].any()
        lengths.append(len(np.unique(np.nonzero(labels == NECKLACE)[1])))
    neck = len(np.unique(np.nonzero(bare_labels() == ID["neck"])[1]))
    assert np.median(lengths) > 0.5 * neck, "from one side of the neck to the other"


# Portraits that are dressed


def test_the_portrait_given_is_not_altered() -> None:
    pixels, labels = bare()
    for seed in range(10):
        worn, ids = wear(pixels, labels, np.random.default_rng(seed), odds=9)
        assert not np.array_equal(worn, pixels)
        assert not np.array_equal(ids, labels)
    before = bare()
    np.testing.assert_array_equal(pixels, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_without_odds_it_comes_back_as_a_copy() -> None:
    pixels, labels = bare()
    worn, ids = wear(pixels, labels, np.random.default_rng(0), odds=0)
    np.testing.assert_array_equal(worn, pixels)
    np.testing.assert_array_equal(ids, labels)
    assert worn is not pixels
    assert ids is not labels


def test_what_is_worn_follows_from_the_seed() -> None:
    pixels, labels = bare()
    for seed in range(8):
        first, again = (wear(pixels, labels, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first[0], again[0])
        np.testing.assert_array_equal(first[1], again[1])


def test_glasses_are_worn_most_often_and_hats_least() -> None:
    pixels, labels = bare()
    seen = np.zeros(LABEL_COUNT)
    for seed in range(150):
        seen[np.unique(wear(pixels, labels, np.random.default_rng(seed), odds=0.5)[1])] += 1
    assert 0.35 < seen[GLASSES] / 150 < 0.65
    for label, share in ((EARRING, 0.25), (NECKLACE, 0.25), (HAT, 0.15)):
        assert share - 0.1 < seen[label] / 150 < share + 0.1


@pytest.mark.parametrize("label", [GLASSES, HAT, EARRING, NECKLACE])
def test_nobody_wears_a_second_one(label: int) -> None:
    pixels, labels = bare()
    labels[60:62, 60:64] = label
    for seed in range(10):
        worn = wear(pixels, labels, np.random.default_rng(seed), odds=9)[1]
        assert np.sum(worn == label) <= 8
