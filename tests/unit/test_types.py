"""The value types: where a crop lies in its photo, and what a portrait knows of its photo."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.photo import Photo, photo_of
from engine.types import Alignment, EngineError, ImageError, Portrait, Region
from tests.fakes import make_labels, make_portrait

ALIGNMENTS = st.builds(
    lambda x, y, side, turn: Alignment((x, y), (side / 2 * math.cos(turn), side / 2 * math.sin(turn))),
    st.floats(-500, 5000),
    st.floats(-500, 5000),
    st.floats(2, 4000),
    st.floats(-math.pi, math.pi),
)


def photo(height: int, width: int, seed: int = 0) -> Photo:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return photo_of(Image.fromarray(pixels), "photo")


# Alignments


def test_an_upright_crop_by_hand() -> None:
    alignment = Alignment((100.0, 60.0), (40.0, 0.0))
    assert alignment.side == 80
    assert alignment.corners().tolist() == [[60, 20], [140, 20], [140, 100], [60, 100]]
    assert alignment.matrix(80).tolist() == [[1, 0, 60], [0, 1, 20]]
    assert alignment.matrix(160).tolist() == [[0.5, 0, 60], [0, 0.5, 20]]


def test_a_crop_on_its_side_by_hand() -> None:
    # Its right edge points down in the photo: what is up in the crop is right in the photo.
    alignment = Alignment((100.0, 60.0), (0.0, 40.0))
    assert alignment.side == 80
    assert np.allclose(alignment.corners(), [[140, 20], [140, 100], [60, 100], [60, 20]])


@given(ALIGNMENTS, st.floats(1, 2048))
def test_the_matrix_keeps_shapes_and_brings_the_corners_to_the_corners(alignment: Alignment, size: float) -> None:
    matrix, scale = alignment.matrix(size), alignment.side / size
    turn = matrix[:, :2] / scale
    assert np.allclose(turn @ turn.T, np.eye(2), atol=1e-9) and np.linalg.det(turn) > 0
    own = np.array([[0, 0, 1], [size, 0, 1], [size, size, 1], [0, size, 1]])
    assert np.allclose(own @ matrix.T, alignment.corners(), atol=1e-6)
    middle = matrix @ [size / 2, size / 2, 1]
    assert np.allclose(middle, alignment.centre, atol=1e-6)
    edge = matrix @ [size, size / 2, 1]
    assert np.allclose(edge - middle, alignment.half, atol=1e-6)


# Portraits


def test_a_portrait_in_memory_is_all_there_is() -> None:
    portrait = make_portrait((90, 60), mask_size=(45, 30))
    assert portrait.base is portrait.pixels
    assert portrait.view.shape == (45, 30, 3)
    assert portrait.overview is portrait.view
    assert portrait.to_picture(90, 60).tolist() == [[2, 0, 0], [0, 2, 0]]
    assert portrait.to_picture(45, 30).tolist() == [[1, 0, 0], [0, 1, 0]]


def test_a_whole_photo_is_its_own_crop() -> None:
    whole = photo(80, 120)
    portrait = Portrait(whole.pixels, make_labels(40, 60), "a", whole)
    assert portrait.base is whole.pixels
    assert portrait.overview is portrait.view
    assert portrait.to_picture(80, 120).tolist() == [[2, 0, 0], [0, 2, 0]]


def test_a_crop_knows_its_place_in_the_photo_and_in_the_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.types.OVERVIEW_SIDE", 200)
    whole = photo(200, 400)
    alignment = Alignment((250.0, 90.0), (60.0, 20.0))
    portrait = Portrait(whole.pixels[:64, :64].copy(), make_labels(64, 64), "a", whole, alignment)
    assert portrait.base is whole.pixels
    assert portrait.overview.shape == (100, 200, 3)
    assert np.abs(portrait.overview - whole.pixels.reshape(100, 2, 200, 2, 3).mean(axis=(1, 3))).max() <= 1
    assert portrait.view is portrait.pixels
    assert np.allclose(portrait.to_picture(200, 400), alignment.matrix(64))
    assert np.allclose(portrait.to_picture(100, 200), alignment.matrix(64) / 2)


def test_a_small_photo_is_its_own_overview() -> None:
    whole = photo(100, 150)
    alignment = Alignment((75.0, 50.0), (30.0, 0.0))
    portrait = Portrait(whole.pixels[:60, :60].copy(), make_labels(64, 64), "a", whole, alignment)
    assert portrait.overview is portrait.base
    assert portrait.view.shape == (64, 64, 3)


def test_equal_content_has_an_equal_digest_and_other_content_another() -> None:
    first, same = make_portrait(40, name="a"), make_portrait(40, name="b")
    assert first.digest == same.digest
    labels = first.labels.copy()
    labels[0, 0] += 1
    others = [make_portrait(40, seed=1), Portrait(first.pixels, labels), make_portrait((40, 41))]
    assert len({first.digest, *(other.digest for other in others)}) == 4


def test_a_portrait_cannot_be_painted_over() -> None:
    portrait = make_portrait(40)
    for array in (portrait.pixels, portrait.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


# Regions and errors


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 10**6))
def test_a_region_is_the_smallest_that_holds_all(height: int, width: int, seed: int) -> None:
    changed = np.random.default_rng(seed).random((height, width)) > 0.93
    region = Region.of(changed)
    assert changed[region.slices].sum() == changed.sum()
    if region.empty:
        assert not changed.any()
        return
    inside = changed[region.slices]
    assert inside[0].any() and inside[-1].any() and inside[:, 0].any() and inside[:, -1].any()
    assert region.union(Region(0, 0, 0, 0)) == Region(0, 0, 0, 0).union(region) == region
    assert region.union(Region(0, 0, height, width)) == Region(0, 0, height, width)


def test_an_error_reads_as_a_sentence_and_a_hint() -> None:
    error = ImageError("It is damaged.", "Copy it again.")
    assert str(error) == "It is damaged. Copy it again."
    assert (error.message, error.hint) == ("It is damaged.", "Copy it again.")
    assert str(EngineError("Alone.")) == "Alone."


def test_a_moved_region_has_the_same_size_elsewhere() -> None:
    assert Region(1, 2, 4, 8).moved(10, 20) == Region(11, 22, 14, 28)
