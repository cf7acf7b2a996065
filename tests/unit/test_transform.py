"""Parts of the face that are moved, scaled, turned, flipped and bent."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.mask import motion
from engine.mask.regions import FEATURES
from engine.mask.steps import Mirror
from engine.mask.warp import bent, handles_at_rest, straightened
from engine.types import Region
from resources.labels import LABEL_COUNT, mirrored
from tests.unit.transforming import (
    BACK,
    HAIR,
    IDENTITY,
    LEFT,
    RIGHT,
    SKIN,
    UPPER,
    about,
    after,
    blob,
    matrices,
    moved,
    on_skin,
    seeds,
    transform,
)

# Where everything comes


@pytest.mark.parametrize("grid", [None, np.zeros((3, 3, 2)), np.zeros((4, 4, 2))])
def test_the_identity_changes_nothing(grid):
    labels = on_skin()
    assert transform(LEFT, 13, 11, IDENTITY, grid).still
    assert (after(labels, transform(LEFT, 13, 11, IDENTITY, grid)) == labels).all()


@settings(max_examples=40)
@given(seed=seeds, dx=st.integers(-70, 70), dy=st.integers(-50, 50))
def test_whole_pixels_are_moved_exactly(seed, dx, dy):
    labels = blob(seed)
    shape = labels == LEFT
    rows, columns = np.nonzero(shape)
    expected = np.full_like(labels, SKIN)
    inside = (rows + dy >= 0) & (rows + dy < 48) & (columns + dx >= 0) & (columns + dx < 64)
    expected[rows[inside] + dy, columns[inside] + dx] = LEFT
    result = after(labels, transform(LEFT, columns[0] + 0.5, rows[0] + 0.5, moved(dx, dy)))
    np.testing.assert_array_equal(result, expected)


@settings(max_examples=40)
@given(seed=seeds, dx=st.integers(-9, 9), dy=st.integers(-9, 9))
def test_a_grid_dragged_as_a_whole_moves_exactly_too(seed, dx, dy):
    assume(dx or dy)
    labels = blob(seed)
    y, x = np.argwhere(labels == LEFT)[0] + 0.5
    grid = np.broadcast_to([dx, dy], (4, 4, 2))
    np.testing.assert_array_equal(
        after(labels, transform(LEFT, x, y, IDENTITY, grid)), after(labels, transform(LEFT, x, y, moved(dx, dy)))
    )


@pytest.mark.parametrize(
    "across, down, degrees, change",
    [
        (-1, 1, 0, lambda crop: crop[:, ::-1]),
        (1, -1, 0, lambda crop: crop[::-1]),
        (1, 1, 180, lambda crop: crop[::-1, ::-1]),
        (1, 1, 90, lambda crop: np.rot90(crop, -1)),
        (-1, 1, 90, lambda crop: np.rot90(crop[:, ::-1], -1)),
    ],
)
def test_flips_and_quarter_turns_are_exact(across, down, degrees, change):
    labels = on_skin()
    labels[18:20, 12:15] = LEFT  # the box is 10 x 10 now
    result = after(labels, transform(LEFT, 13, 11, about(17, 15, across, down, degrees)))
    np.testing.assert_array_equal(result[10:20, 12:22], change(labels[10:20, 12:22]))
    assert (result == LEFT).sum() == (labels == LEFT).sum()


@pytest.mark.parametrize("shift", [(0.5, 0), (0, 0.5), (-0.5, -0.5), (3.5, -2.5), (0.3, 0.7)])
def test_between_the_pixels_a_part_keeps_its_size(shift):
    labels = np.full((40, 40), SKIN, np.uint8)
    labels[10:16, 12:22] = LEFT
    result = after(labels, transform(LEFT, 13, 11, moved(*shift)))
    changed = Region.of(result == LEFT)
    assert (changed.y1 - changed.y0, changed.x1 - changed.x0) == (6, 10)
    assert (result[changed.slices] == LEFT).all()


def test_a_part_that_grows_one_way_keeps_its_other_side_between_the_pixels():
    labels = np.full((40, 40), SKIN, np.uint8)
    labels[10:16, 12:22] = LEFT
    for shift in (0.5, -0.5):
        result = after(labels, transform(LEFT, 13, 11, about(12, 10, 1, 2) + moved(shift, 0) - IDENTITY))
        assert ((result == LEFT).sum(axis=1)[12:20] == 10).all()  # corners are rounded a little


@pytest.mark.parametrize("shift", [(0.5, 0.5), (-1.5, 0)])
def test_mirror_images_are_rounded_in_mirror_image(shift):
    labels = np.full((40, 80), SKIN, np.uint8)
    labels[10:16, 12:22], labels[10:16, 58:68] = RIGHT, LEFT
    result = after(labels, transform(RIGHT, 13, 11, moved(*shift), mirror=Mirror(40, 0)))
    np.testing.assert_array_equal(mirrored(result), result)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_a_single_pixel_grows(factor):
    labels = np.full((20, 20), SKIN, np.uint8)
    labels[10, 8] = LEFT
    result = after(labels, transform(LEFT, 8.5, 10.5, about(8, 10, factor, factor)))
    assert Region.of(result == LEFT) == Region(10, 8, 10 + factor, 8 + factor)
    assert (result == LEFT).sum() > factor**2 / 2


@settings(max_examples=40)
@given(seed=seeds, matrix=matrices, shift=st.tuples(st.floats(-20, 20), st.floats(-20, 20)))
def test_what_is_told_by_the_block_is_what_each_pixel_says(seed, matrix, shift):
    labels = blob(seed)
    labels[20:30, 20:40] = LEFT
    step = transform(LEFT, 21, 21, matrix + np.c_[np.zeros((2, 2)), shift])
    result, known = after(labels, step), motion._by_block
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(motion, "_by_block", lambda *args: np.full_like(known(*args), motion._UNKNOWN))
        np.testing.assert_array_equal(after(labels, step), result)


@settings(max_examples=40)
@given(seed=seeds, matrix=matrices)
def test_areas_grow_by_the_determinant(seed, matrix):
    labels = np.full((200, 220), SKIN, np.uint8)
    y, x = np.mgrid[:200, :220] + 0.5
    labels[((y - 100) / 20) ** 2 + ((x - 110) / 30) ** 2 <= 1] = LEFT
    area = abs(motion.determinant(matrix))
    assume(area > 0.3 and np.linalg.cond(matrix[:, :2]) < 5)
    centred = np.c_[matrix[:, :2], [110, 100] - matrix[:, :2] @ [110, 100]]
    result = after(labels, transform(LEFT, 110, 100, centred))
    assert not (result[:1] == LEFT).any() and not (result[:, :1] == LEFT).any()
    assert (result == LEFT).sum() == pytest.approx(area * (labels == LEFT).sum(), rel=0.05)


def test_a_larger_slope_does_not_become_a_staircase():
    labels = np.full((220, 220), SKIN, np.uint8)
    y, x = np.mgrid[:220, :220]
    labels[(y > 80) & (y < 140) & (x > 80) & (x < 140) & (x + 2 * y < 340)] = LEFT
    result = after(labels, transform(LEFT, 100, 100, about(80, 80, 3, 3)))
    ends = np.array([np.flatnonzero(row == LEFT)[-1] for row in result[140:200]])
    # Pixels three times as large would step by six columns every three rows.
    assert np.diff(ends).min() >= -4 and np.diff(ends).max() <= 0


# What nothing is done to


@pytest.mark.parametrize("x, y", [(-1, 5), (40, 5), (5, -0.1), (5, 40), (1e30, 5), (30, 30)])
def test_nothing_happens_outside_and_on_another_class(x, y):
    labels = on_skin()
    assert (after(labels, transform(LEFT, x, y, moved(5, 5))) == labels).all()


@pytest.mark.parametrize("matrix", [np.zeros((2, 3)), [[1, 1, 0], [1, 1, 0]], [[1, 0, 9], [0, 0, 9]]])
def test_nothing_happens_under_a_matrix_without_inverse(matrix):
    labels = on_skin()
    assert (after(labels, transform(LEFT, 13, 11, matrix)) == labels).all()


def test_what_leaves_the_mask_is_gone():
    labels = on_skin()
    assert (after(labels, transform(LEFT, 13, 11, moved(1000, 0))) == SKIN).all()
    assert (after(labels, transform(LEFT, 13, 11, moved(-3e38, 3e38))) == SKIN).all()


numbers = st.floats(-1e9, 1e9, width=32) | st.floats(-3, 3, width=32) | st.floats(-(2.0**127), 2.0**127, width=32)


@settings(max_examples=40)
@given(
    matrix=st.lists(numbers, min_size=6, max_size=6),
    grid=st.none() | st.lists(numbers, min_size=18, max_size=18),
    edge=st.booleans(),
)
def test_the_wildest_numbers_do_no_harm(matrix, grid, edge):
    labels = on_skin()
    if edge:
        labels[:18, :22] = LEFT
    step = transform(LEFT, 13, 11, np.reshape(matrix, (2, 3)), None if grid is None else np.reshape(grid, (3, 3, 2)))
    with np.errstate(all="ignore"):
        after(labels, step)


@settings(max_examples=40)
@given(seed=seeds, matrix=matrices, x=st.floats(0, 24), y=st.floats(0, 17))
def test_any_part_of_any_mask_can_be_transformed(seed, matrix, x, y):
    random = np.random.default_rng(seed)
    labels = random.integers(0, LABEL_COUNT, (6, 8)).astype(np.uint8).repeat(3, 0).repeat(3, 1)
    x, y = min(x, 23.9), min(y, 17.9)
    grid = random.normal(0, 3, (3, 3, 2)) if seed % 2 else None
    mirror = Mirror(12, 9, 0.1) if seed % 3 else None
    after(labels, transform(int(labels[int(y), int(x)]), x, y, matrix, grid, mirror, FEATURES if seed % 5 else ()))


def test_a_mask_of_one_pixel():
    labels = np.array([[HAIR]], np.uint8)
    assert after(labels, transform(HAIR, 0, 0, moved(3, 0)))[0, 0] == BACK
    assert after(labels, transform(HAIR, 0, 0, about(0.5, 0.5, 3, 3, 30)))[0, 0] == HAIR


# Bending


@pytest.mark.parametrize("count", [3, 4])
@settings(max_examples=40)
@given(seed=seeds)
def test_handles_come_where_they_are_dragged_and_back(count, seed):
    random = np.random.default_rng(seed)
    box = Region(10, 20, 10 + int(random.integers(1, 300)), 20 + int(random.integers(1, 300)))
    grid = random.normal(0, 1, (count, count, 2)) * [(box.x1 - box.x0) / 40, (box.y1 - box.y0) / 40]
    handles = handles_at_rest(box, count).reshape(-1, 2)
    np.testing.assert_allclose(bent(handles, box, grid), handles + grid.reshape(-1, 2), atol=1e-9)
    places = random.uniform((10, 0), (330, 320), (50, 2))
    back, found = straightened(bent(places, box, grid), box, grid)
    within = ((places >= [box.x0, box.y0]) & (places <= [box.x1, box.y1])).all(axis=1)
    assert found[within].all()
    np.testing.assert_allclose(back[within], places[within], atol=0.05)


@settings(max_examples=40)
@given(turn=st.lists(st.floats(-1, 1), min_size=6, max_size=6))
def test_handles_dragged_by_an_affine_map_give_that_map(turn):
    matrix, box = np.reshape(turn, (2, 3)), Region(5, 7, 35, 67)
    grid = handles_at_rest(box, 4) @ matrix[:, :2].T + matrix[:, 2]
    places = np.random.default_rng(0).uniform(-50, 150, (30, 2))
    np.testing.assert_allclose(
        bent(places, box, grid), places + places @ matrix[:, :2].T + matrix[:, 2], rtol=1e-9, atol=1e-6
    )


def test_a_bent_bar_is_an_arch_without_gaps_or_kinks():
    labels = np.full((120, 160), SKIN, np.uint8)
    labels[60:70, 30:130] = UPPER
    grid = np.zeros((3, 3, 2))
    grid[:, 1] = (0, -20)
    result = after(labels, transform(UPPER, 50, 65, IDENTITY, grid)) == UPPER
    tops = np.array([np.flatnonzero(column)[0] for column in result[:, 30:130].T])
    heights = result[:, 30:130].sum(axis=0)
    assert tops[50] == 40 and tops[0] in (59, 60) and tops[-1] in (59, 60)
    assert np.abs(np.diff(tops)).max() <= 1 and np.abs(heights - 10).max() <= 1
    along = np.arange(100) + 0.5
    np.testing.assert_allclose(tops, 60 - 80 * (along / 100) * (1 - along / 100), atol=1)


def test_a_bend_is_mapped_after_it_was_bent():
    labels = np.full((120, 160), SKIN, np.uint8)
    labels[60:70, 30:130] = UPPER
    grid = np.zeros((3, 3, 2))
    grid[:, 1] = (0, -20)
    bend = after(labels, transform(UPPER, 50, 65, IDENTITY, grid)) == UPPER
    both = after(labels, transform(UPPER, 50, 65, moved(7, 11), grid)) == UPPER
    np.testing.assert_array_equal(both[11:, 7:], bend[:-11, :-7])


# As data


@pytest.mark.parametrize(
    "changes",
    [
        {"label": 19}, {"label": True}, {"x": math.nan}, {"y": math.inf}, {"matrix": np.eye(3)}, {"matrix": None},
        {"matrix": [[1, 0, math.nan], [0, 1, 0]]}, {"matrix": [[1, 0, 0], [0, 1]]}, {"grid": np.zeros((2, 2, 2))},
        {"grid": np.zeros((3, 4, 2))}, {"grid": np.zeros((5, 5, 2))}, {"grid": np.full((3, 3, 2), math.inf)},
        {"mirror": 3}, {"along": (77,)}, {"along": 5}, {"x": "left"},
    ],
)  # fmt: skip
def test_what_is_no_transform_is_refused(changes):
    values = {"label": LEFT, "x": 1.0, "y": 1.0, "matrix": IDENTITY} | changes
    with pytest.raises(ValueError):
        transform(**values)


def test_a_transform_keeps_its_own_copy():
    matrix = np.eye(2, 3, dtype=np.float32)
    step = transform(LEFT, 1, 1, matrix)
    matrix[0, 2] = 5
    assert step.still and not step.matrix.flags.writeable and step.matrix.dtype == np.float32


@pytest.mark.parametrize(
    "matrix, grid, template",
    [
        (moved(3, 4), None, "Move {0}"),
        (moved(3, 4), np.zeros((3, 3, 2)), "Move {0}"),
        (about(3, 4, 2, 1), None, "Transform {0}"),
        (about(3, 4, 2, 1), np.ones((4, 4, 2)), "Bend {0}"),
    ],
)
def test_its_title_says_what_was_done(matrix, grid, template):
    assert transform(LEFT, 1, 1, matrix, grid).title == (template, "Left eye")
