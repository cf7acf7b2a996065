import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.compose import (
    FAR_WEIGHT,
    KNOWN_PIXELS,
    REACH,
    SOFTNESS,
    border_fade,
    box_of,
    class_alpha,
    edit_alpha,
    match_colours,
    reach_of,
)
from engine.types import Alignment, Region


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


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 9), st.sampled_from([1, 4, 8]), st.integers(0, 10**6))
def test_a_box_holds_what_is_marked_its_margin_and_whole_cells(
    height: int, width: int, margin: int, cell: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    marked = (random.random((height, width)) < random.choice([0, 0.01, 0.2])).astype(np.uint8)
    box, tight = box_of(marked, margin, cell), Region.of(marked > 0)
    if tight.empty:
        assert box.empty
        return
    wanted = range(tight.y0 - margin, tight.y1 + margin), range(tight.x0 - margin, tight.x1 + margin)
    for low, high, needed, side in ((box.y0, box.y1, wanted[0], height), (box.x0, box.x1, wanted[1], width)):
        assert 0 <= low <= max(0, needed.start) and min(side, needed.stop) <= high <= side
        assert low % cell == 0 and (high % cell == 0 or high == side)
        assert low > needed.start - cell and high < needed.stop + cell


# A class that takes another look


@given(st.integers(4, 40), st.integers(4, 40), st.integers(0, 10**6), st.lists(st.integers(0, 18), max_size=3))
def test_classes_weigh_1_and_what_lies_close_by_less(height: int, width: int, seed: int, classes: list[int]) -> None:
    labels = np.random.default_rng(seed).integers(0, 19, (height // 4, width // 4), np.uint8)
    labels = np.kron(labels, np.ones((4, 4), np.uint8))
    if not labels.size:
        return
    alpha, mine = class_alpha(labels, tuple(classes)), np.isin(labels, classes)
    assert alpha.dtype == np.float32 and alpha.shape == labels.shape
    if not mine.any():
        assert not alpha.any()
        return
    distance, reach = distances(mine), max(2, reach_of(labels) // 3)
    assert (alpha[mine] == 1).all() and (alpha[~mine] < 1).all()
    assert (alpha[distance >= reach] == 0).all() and (alpha[distance < reach - 1e-3] > 0).all()


def test_another_look_reaches_less_far_than_an_edit() -> None:
    labels = np.zeros((512, 512), np.uint8)
    labels[200:300, 200:300] = 13
    look, edit = class_alpha(labels, (13, 7)), edit_alpha(labels, np.zeros_like(labels))
    assert (look <= edit).all() and 0 < (look > 0).sum() < (edit > 0).sum()


# Where the crop ends inside the photo


def fade(alignment: Alignment, photo: tuple[int, int], size: int = 64) -> NDArray[np.float32]:
    return border_fade((size, size), alignment.matrix(size), photo)


def test_a_crop_that_covers_the_photo_fades_nowhere() -> None:
    for alignment in (
        Alignment((50.0, 50.0), (50.0, 0.0)),
        Alignment((50.0, 50.0), (60.0, 0.0)),
        Alignment((50.0, 50.0), (90.0, 40.0)),
    ):
        assert (fade(alignment, (100, 100)) == 1).all()
    # A photo that is not square, by a mask of its aspect.
    assert (border_fade((30, 60), np.array([[2.0, 0, 0], [0, 2, 0]]), (60, 120)) == 1).all()


def test_a_crop_inside_the_photo_fades_along_all_its_border() -> None:
    alpha = fade(Alignment((150.0, 100.0), (40.0, 15.0)), (200, 300))
    assert alpha.dtype == np.float32 and alpha.shape == (64, 64)
    for side in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]):
        assert (side == 0).all()
    reach = round(64 * REACH)
    assert (alpha[reach:-reach, reach:-reach] == 1).all()
    large = fade(Alignment((500.0, 500.0), (300.0, 0.0)), (1000, 1000), 512)
    assert (np.diff(large[256, : round(512 * REACH) + 1]) > 0).all()
    assert np.abs(np.diff(large[256])).max() < 1.6 / round(512 * REACH)


@pytest.mark.parametrize(("inside", "centre"), [
    (("right",), (30.0, 50.0)), (("left",), (70.0, 50.0)), (("bottom",), (50.0, 30.0)), (("top",), (50.0, 70.0)),
    (("right", "bottom"), (30.0, 30.0)), (("left", "top"), (70.0, 70.0)),
])  # fmt: skip
def test_only_the_sides_inside_the_photo_fade(inside: tuple[str, ...], centre: tuple[float, float]) -> None:
    # A crop as large as the photo, moved: some of its sides lie outside.
    alpha = fade(Alignment(centre, (50.0, 0.0)), (100, 100))
    x, y = ((50 - place) / 100 * 64 for place in centre)  # of the crop, so much lies outside on the left and at the top
    rows, columns = (slice(max(0, round(v)) + 6, 64 + min(0, round(v)) - 6) for v in (y, x))
    sides = {"left": alpha[rows, 0], "right": alpha[rows, -1], "top": alpha[0, columns], "bottom": alpha[-1, columns]}
    for name, side in sides.items():
        assert (side == (0 if name in inside else 1)).all(), name


# Colours


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


def test_what_takes_another_look_keeps_its_colour(scene):
    source, labels, region, changed, ideal = scene
    restyled = np.where((labels == 13)[..., None], np.float32(0.5), ideal).astype(np.float32)
    matched = match_colours(restyled, source, labels, region, changed | (labels == 13))
    core = cv2.erode((labels == 13).astype(np.uint8), np.ones((13, 13))) > 0
    np.testing.assert_allclose(matched[core], restyled[core], atol=1e-5)
    # Without that, it is brought back to the look that it had.
    back = match_colours(restyled, source, labels, region, changed)
    assert np.abs(back - restyled)[core & (region > 0)].mean() > 0.3


def plainly_matched(
    render: NDArray[np.float32],
    source: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    region: NDArray[np.float32],
    changed: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Match colours on the whole picture, one class after the other; its sides are multiples of 8."""
    inside, truth = region > 0, source / 127.5 - 1
    total = np.zeros(render.shape)
    height, width = labels.shape
    for label in range(19):
        mine = labels == label
        weight = (inside & ~changed & mine).astype(float)
        if weight.sum() < KNOWN_PIXELS:
            continue
        stacked = np.dstack([(truth - render) * weight[..., None], weight])
        cells = stacked.reshape(height // 8, 8, width // 8, 8, 4).mean(axis=(1, 3))
        near = cv2.GaussianBlur(cells, (0, 0), 2)
        mean = stacked[..., :3].sum(axis=(0, 1)) / weight.sum()
        offset = (near[..., :3] + FAR_WEIGHT * mean) / (near[..., 3:] + FAR_WEIGHT)
        share = cv2.GaussianBlur((inside & mine).astype(float), (0, 0), SOFTNESS)
        total += cv2.resize(offset, (width, height), interpolation=cv2.INTER_LINEAR) * share[..., None]
    return np.where(inside[..., None], np.clip(render + total, -1, 1), render)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_colours_matched_box_by_box_are_those_of_the_whole_picture(rows: int, columns: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = np.kron(random.integers(0, 9, (rows, columns), np.uint8), np.ones((24, 24), np.uint8))
    labels = np.roll(labels, random.integers(0, 24, 2), (0, 1))
    changed = cv2.resize(random.random((rows, columns)).astype(np.float32), labels.shape[::-1]) > 0.7
    # All of it, so that what is cut out for the region's box is the whole picture.
    region = np.ones(labels.shape, np.float32)
    region[random.random(labels.shape) < 0.2] = 0
    region[0, 0] = region[-1, -1] = 1
    source = random.integers(0, 256, (*labels.shape, 3), np.uint8)
    render = random.uniform(-1, 1, source.shape).astype(np.float32)
    matched = match_colours(render, source, labels, region, changed)
    assert matched.dtype == np.float32
    np.testing.assert_allclose(matched, plainly_matched(render, source, labels, region, changed), atol=1e-3)


def test_what_lies_beyond_the_region_has_no_part_in_its_colours(scene):
    source, labels, region, changed, ideal = scene
    wrong = ideal + np.float32(0.1)
    expected = match_colours(wrong, source, labels, region, changed)
    other_source, other_labels, other = source.copy(), labels.copy(), wrong.copy()
    away = np.ones(region.shape, bool)
    away[24:104, 40:96] = False
    other_source[away], other_labels[away], other[away] = 7, 4, -1
    matched = match_colours(other, other_source, other_labels, region, changed)
    np.testing.assert_array_equal(matched[region > 0], expected[region > 0])
    np.testing.assert_array_equal(matched[region == 0], other[region == 0])


def test_nothing_given_is_written_to(scene):
    source, labels, region, changed, ideal = scene
    for array in scene:
        array.setflags(write=False)
    result = match_colours(ideal, source, labels, region, changed)
    assert not np.shares_memory(result, ideal)
    assert not edit_alpha(labels, labels).any() and class_alpha(labels, (13,)).any()
