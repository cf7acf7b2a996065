import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.compose import REACH, blend, edit_alpha, match_colours, reach_of


def changed_mask(height: int, width: int, seed: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    source = random.integers(0, 19, (height, width), np.uint8)
    labels = source.copy()
    for _ in range(count):
        y, x = random.integers(height), random.integers(width)
        labels[y : y + random.integers(1, 9), x : x + random.integers(1, 9)] = random.integers(19)
    return labels, source


def distances(changed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Euclidean distance of each pixel to the nearest changed one, by brute force."""
    points = np.argwhere(changed)
    grid = np.moveaxis(np.indices(changed.shape), 0, 2)
    squares = ((grid[:, :, None] - points[None, None]) ** 2).sum(axis=3)
    return np.sqrt(squares.min(axis=2))


def test_the_reach_follows_the_longer_side() -> None:
    assert reach_of(np.zeros((512, 300), np.uint8)) == reach_of(np.zeros((300, 512), np.uint8)) == round(512 * REACH)
    assert reach_of(np.zeros((8, 8), np.uint8)) == 2


@given(st.integers(4, 40), st.integers(4, 40), st.integers(0, 10**6), st.integers(1, 4))
def test_the_weight_is_1_on_the_edit_0_beyond_the_reach_and_falls_between(
    height: int, width: int, seed: int, count: int
) -> None:
    labels, source = changed_mask(height, width, seed, count)
    changed = labels != source
    alpha = edit_alpha(labels, source)
    assert alpha.dtype == np.float32 and alpha.shape == labels.shape
    if not changed.any():
        assert not alpha.any()
        return
    distance, reach = distances(changed), reach_of(labels)
    assert (alpha[changed] == 1).all()
    assert (alpha[distance >= reach] == 0).all()
    assert (alpha[(distance > 0) & (distance < reach)] < 1).all()
    assert (alpha[distance < reach - 1e-3] > 0).all()
    order = np.argsort(distance, axis=None)
    # Distances a rounding apart may swap.
    assert np.all(np.diff(alpha.ravel()[order].astype(np.float64)) <= 1e-6)


def test_at_full_size_the_weight_ends_exactly_at_the_reach() -> None:
    source = np.zeros((512, 512), np.uint8)
    labels = source.copy()
    labels[200:260, 100:300] = 5
    alpha, reach = edit_alpha(labels, source), reach_of(labels)
    assert (alpha[200:260, 100:300] == 1).all()
    assert alpha[200 - reach, 200] == 0 < alpha[201 - reach, 200]
    assert not alpha[: 201 - reach].any() and not alpha[259 + reach :].any()
    assert not alpha[:, : 101 - reach].any() and not alpha[:, 299 + reach :].any()
    # Smooth: no step along the edge is steeper than the middle of a smoothstep.
    assert np.abs(np.diff(alpha[:, 200])).max() < 1.6 / reach


def test_everything_changed_weighs_1_everywhere() -> None:
    assert (edit_alpha(np.ones((30, 20), np.uint8), np.zeros((30, 20), np.uint8)) == 1).all()


def pictures(height: int, width: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    first, second = random.integers(0, 256, (2, height, width, 3), np.uint8)
    return first, second


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 10**6))
def test_blending_keeps_the_picture_at_0_and_shows_the_render_at_1(height: int, width: int, seed: int) -> None:
    picture, render = pictures(height, width, seed)
    random = np.random.default_rng(seed)
    alpha = random.choice(np.array([0, 0, 0.25, 1], np.float32), (height, width))
    result = blend(picture, render, alpha)
    assert result.dtype == np.uint8 and result is not picture
    assert np.array_equal(result[alpha == 0], picture[alpha == 0])
    assert np.array_equal(result[alpha == 1], render[alpha == 1])
    some = alpha == 0.25
    expected = 0.75 * picture[some].astype(float) + 0.25 * render[some]
    assert np.abs(result[some] - expected).max(initial=0) <= 0.5


@given(st.integers(8, 40), st.integers(8, 40), st.floats(0.3, 4), st.integers(0, 10**6))
def test_a_weight_of_another_size_touches_no_more_than_its_neighbours(
    rows: int, columns: int, scale: float, seed: int
) -> None:
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    picture, render = pictures(height, width, seed)
    alpha = np.zeros((rows, columns), np.float32)
    alpha[rows // 3 : rows // 2, columns // 3 : columns // 2] = 1
    result = blend(picture, render, alpha)
    rows_near = ((np.arange(height) + 0.5) * rows / height > rows // 3 - 0.51) & (
        (np.arange(height) + 0.5) * rows / height < rows // 2 + 0.51
    )
    columns_near = ((np.arange(width) + 0.5) * columns / width > columns // 3 - 0.51) & (
        (np.arange(width) + 0.5) * columns / width < columns // 2 + 0.51
    )
    away = ~(rows_near[:, None] & columns_near[None])
    assert np.array_equal(result[away], picture[away])


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_constant_weights_survive_resizing_exactly(value: float) -> None:
    picture, render = pictures(211, 97, 0)
    result = blend(picture, render, np.full((64, 30), value, np.float32))
    assert np.array_equal(result, render if value else picture)


def test_a_picture_that_must_not_be_written_to_is_no_obstacle() -> None:
    picture, render = pictures(16, 16, 0)
    picture.setflags(write=False)
    result = blend(picture, render, np.zeros((16, 16), np.float32))
    assert np.array_equal(result, picture) and result.flags.writeable


@pytest.fixture
def scene():
    """Two classes side by side, an edit that moves their border, and what is made anew around it."""
    source_labels = np.full((128, 128), 13, np.uint8)
    source_labels[:, 64:] = 1
    labels = source_labels.copy()
    labels[40:90, 50:80] = 13
    source = np.where(source_labels[..., None] == 13, (120, 80, 40), (220, 180, 150)).astype(np.uint8)
    changed = labels != source_labels
    region = np.zeros((128, 128), np.float32)
    region[30:100, 40:90] = 1
    ideal = np.where(labels[..., None] == 13, (120, 80, 40), (220, 180, 150)) / 127.5 - 1
    return source, labels, region, changed, ideal.astype(np.float32)


def test_colours_that_fit_are_left_alone(scene):
    source, labels, region, changed, ideal = scene
    np.testing.assert_allclose(match_colours(ideal, source, labels, region, changed), ideal, atol=1e-5)


def test_a_class_in_the_wrong_colour_is_shifted_to_what_is_known_around_it(scene):
    source, labels, region, changed, ideal = scene
    inside = (region > 0)[..., None]
    wrong = ideal + np.where(inside & (labels[..., None] == 13), np.array([-0.2, 0.1, 0.3]), 0.0)
    wrong = wrong.astype(np.float32)
    matched = match_colours(wrong, source, labels, region, changed)
    core = changed & (cv2.erode((labels == 13).astype(np.uint8), np.ones((13, 13))) > 0)
    assert core.sum() > 100
    assert np.abs(matched - ideal)[core].max() < 0.02 < np.abs(wrong - ideal)[core].max()
    np.testing.assert_array_equal(matched[region == 0], wrong[region == 0])


def test_a_class_that_is_known_nowhere_around_is_left_alone(scene):
    source, labels, region, changed, ideal = scene
    labels = np.where(changed, np.uint8(3), labels)
    tinted = np.where(changed[..., None], np.float32(0.5), ideal).astype(np.float32)
    matched = match_colours(tinted, source, labels, region, changed)
    core = cv2.erode(changed.astype(np.uint8), np.ones((13, 13))) > 0
    assert core.any()
    np.testing.assert_allclose(matched[core], tinted[core], atol=0.01)
