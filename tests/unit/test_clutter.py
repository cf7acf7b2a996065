"""Pictures without a face: of any size, from their seed alone, and truly without a face."""

from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.clutter import draw_shapes, lay, make_clutter, scrap, shuffled, smooth_noise
from models.dataset import Sample
from models.synthetic import made_mask, made_pixels
from resources.labels import BY_NAME

Pixels = NDArray[np.uint8]

PLAIN = {BY_NAME[name].id for name in ("background", "cloth", "hair", "neck", "hat")}


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [Sample(f"made {seed}", made_pixels(made_mask(64), seed), made_mask(64)) for seed in range(3)]


def telling(labels: Pixels) -> Sample:
    """Return a portrait whose pixels tell their class."""
    return Sample("telling", labels[..., None].repeat(3, axis=2), labels)


# Whole pictures


@pytest.mark.parametrize(("height", "width"), [(48, 48), (40, 97), (120, 33)])
@pytest.mark.parametrize("with_portraits", [False, True])
def test_clutter_is_a_picture_of_the_size_asked_for(
    samples: list[Sample], height: int, width: int, with_portraits: bool
) -> None:
    for seed in range(12):
        pixels = make_clutter(height, width, samples if with_portraits else [], np.random.default_rng(seed))
        assert pixels.shape == (height, width, 3)
        assert pixels.dtype == np.uint8
        assert pixels.std() > 1, "not one colour"


def test_clutter_follows_from_the_seed_and_spares_the_portraits(samples: list[Sample]) -> None:
    before = [sample.pixels.copy() for sample in samples]
    seen = []
    for seed in range(8):
        first, again = (make_clutter(48, 64, samples, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert not any(np.array_equal(first, other) for other in seen)
        seen.append(first)
    for sample, pixels in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample.pixels, pixels)


def test_portraits_leave_their_scraps_in_some_clutter() -> None:
    """A portrait of a colour that nothing else has can be told from the rest."""
    labels = np.zeros((64, 64), np.uint8)
    loud = Sample("loud", np.full((64, 64, 3), (255, 0, 255), np.uint8), labels)
    shares = []
    for seed in range(30):
        pixels = make_clutter(64, 64, [loud], np.random.default_rng(seed)).astype(int)
        shares.append(np.mean((pixels[..., 0] > 240) & (pixels[..., 1] < 15) & (pixels[..., 2] > 240)))
    assert 0.3 < np.mean(np.array(shares) > 0.01) < 1, "in most, not in all"


@pytest.mark.parametrize(("height", "width"), [(32, 32), (24, 80), (8, 8)])
def test_noise_is_smooth_and_follows_from_the_seed(height: int, width: int) -> None:
    steps, spreads = [], []
    for seed in range(15):
        first, again, other = (smooth_noise(height, width, np.random.default_rng(s)) for s in (seed, seed, seed + 1))
        assert first.shape == (height, width, 3)
        assert first.dtype == np.uint8
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)
        grey = first.mean(axis=2)
        steps.append(abs(np.diff(grey, axis=1)).mean())
        spreads.append(abs(grey - grey.mean()).mean())
    if min(height, width) > 8:
        assert np.mean(steps) < 0.8 * np.mean(spreads), "neighbours are more alike than pixels far apart"


def test_shapes_are_drawn_in_place_and_as_many_as_asked() -> None:
    changed = []
    for count in (0, 1, 12):
        rng, shares = np.random.default_rng(7), []
        for _ in range(40):
            pixels = np.full((64, 80, 3), 128, np.uint8)
            draw_shapes(pixels, count, rng)
            shares.append((pixels != 128).any(axis=2).mean())
        changed.append(np.mean(shares))
    assert changed[0] == 0
    assert 0.005 < changed[1] < 0.3
    assert 2 * changed[1] < changed[2] < 0.98


# Scraps of portraits


def test_a_scrap_never_shows_a_feature_of_a_face() -> None:
    shown, sides = set(), set()
    for glasses in (False, True):
        sample = telling(made_mask(96, glasses))
        for seed in range(150):
            piece = scrap(sample, np.random.default_rng(seed))
            assert piece.ndim == 3
            assert piece.dtype == np.uint8
            assert piece.shape[0] == piece.shape[1] >= 8
            if piece.shape[0] == 32 and not set(np.unique(piece)) <= set(range(19)):
                continue  # noise, as no try found a place
            assert set(np.unique(piece)) <= PLAIN, f"seed {seed}"
            shown |= set(np.unique(piece))
            sides.add(piece.shape[0])
    assert shown >= {BY_NAME["hair"].id, BY_NAME["background"].id, BY_NAME["cloth"].id}
    assert len(sides) >= 3


def test_the_largest_scrap_is_tried_first() -> None:
    sample = telling(np.full((64, 64), BY_NAME["hair"].id, np.uint8))
    for seed in range(10):
        assert scrap(sample, np.random.default_rng(seed)).shape == (32, 32, 3)


def test_a_portrait_that_is_all_face_gives_noise() -> None:
    labels = np.full((48, 48), BY_NAME["skin"].id, np.uint8)
    labels[:4] = BY_NAME["hair"].id
    for seed in range(10):
        piece = scrap(telling(labels), np.random.default_rng(seed))
        assert piece.shape == (32, 32, 3)
        assert len(np.unique(piece)) > 3


# Shuffled pieces


@pytest.mark.parametrize("side", [30, 32, 97])
def test_a_shuffled_picture_has_the_same_pieces_in_another_order(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3)).astype(np.uint8)
    length = side // 3
    whole = pixels[: 3 * length, : 3 * length]

    def pieces(picture: Pixels) -> list[bytes]:
        cells = picture.reshape(3, length, 3, length, 3).swapaxes(1, 2).reshape(9, -1)
        return [cell.tobytes() for cell in cells]

    orders = set()
    for seed in range(30):
        mixed = shuffled(pixels, np.random.default_rng(seed))
        assert mixed.shape == (3 * length, 3 * length, 3)
        assert mixed.dtype == np.uint8
        assert pieces(mixed) != pieces(whole)
        assert sorted(pieces(mixed)) == sorted(pieces(whole))
        np.testing.assert_array_equal(mixed, shuffled(pixels, np.random.default_rng(seed)))
        orders.add(tuple(pieces(mixed)))
    assert len(orders) > 20


def test_pieces_that_happen_to_be_in_order_are_shuffled_again() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8)
    chance = Mock(spec=np.random.Generator)
    chance.permutation.side_effect = [np.arange(9), np.arange(9), np.arange(9)[::-1]]
    mixed = shuffled(pixels, chance)
    np.testing.assert_array_equal(mixed[:3, :3], pixels[6:, 6:])
    assert chance.permutation.call_count == 3


# Laying pieces


def laid(
    piece: Pixels, x: float, y: float, width: float, angle: float = 0, size: tuple[int, int] = (150, 200)
) -> Pixels:
    ground = np.full((*size, 3), 128, np.uint8)
    lay(ground, piece, x, y, width, angle)
    return ground


def two_coloured(rows: int, columns: int) -> Pixels:
    """Return a piece whose left half is red and whose right half is blue."""
    piece = np.zeros((rows, columns, 3), np.uint8)
    piece[:, : columns // 2, 0] = piece[:, columns // 2 :, 2] = 255
    return piece


def centre(where: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the centre (x, y) of what is true; pixel centres lie at .5."""
    rows, columns = np.nonzero(where)
    return np.array([columns.mean(), rows.mean()]) + 0.5


@pytest.mark.parametrize(("rows", "columns"), [(8, 8), (20, 40), (120, 80), (400, 400)])
@pytest.mark.parametrize("angle", [0, 30, -75, 180])
def test_a_piece_lies_where_it_is_asked_as_wide_as_asked(rows: int, columns: int, angle: float) -> None:
    for x, y, width in ((100, 75, 60), (92.3, 80.8, 42)):
        ground = laid(two_coloured(rows, columns), x, y, width, angle)
        changed = (ground != 128).any(axis=2)
        np.testing.assert_allclose(centre(changed), (x, y), atol=0.8)
        assert changed.sum() == pytest.approx(width * width * rows / columns, rel=0.08)
        red, blue = ((ground[..., channel] > 200) for channel in (0, 2))
        across = centre(blue) - centre(red)
        # Against the clock, as OpenCV turns; rows run downwards.
        direction = np.array([np.cos(np.radians(angle)), -np.sin(np.radians(angle))])
        assert across @ direction / np.linalg.norm(across) > 0.99
        assert np.linalg.norm(across) == pytest.approx(width / 2, rel=0.08)


@pytest.mark.parametrize(("x", "y"), [(0, 0), (200, 150), (-10, 75), (100, 158)])
def test_a_piece_may_reach_over_the_border(x: float, y: float) -> None:
    ground = laid(np.full((40, 40, 3), 255, np.uint8), x, y, 60)
    rows, columns = np.mgrid[:150, :200] + 0.5
    inside = (abs(columns - x) < 29) & (abs(rows - y) < 29)
    outside = (abs(columns - x) > 31) | (abs(rows - y) > 31)
    assert inside.any()
    assert (ground[inside] == 255).all()
    assert (ground[outside] == 128).all()


def test_a_piece_beyond_the_border_changes_nothing() -> None:
    assert (laid(np.full((40, 40, 3), 255, np.uint8), 300, 75, 60) == 128).all()


def test_a_piece_of_any_size_keeps_its_look() -> None:
    piece = cv2.resize(two_coloured(8, 8), (300, 300), interpolation=cv2.INTER_NEAREST)
    small = laid(np.asarray(piece, np.uint8), 50, 50, 20, size=(100, 100))
    assert (small[45:55, 42:48] == (255, 0, 0)).all()
    assert (small[45:55, 52:58] == (0, 0, 255)).all()
