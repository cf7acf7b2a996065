"""Strokes: exactly which pixels a brush paints, in one piece or many, on both sides, and in a file."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mask.steps import EMPTY, Entry, Ground, Mirror, Protection, done, read_step
from engine.mask.strokes import Dab, Stroke, capsule
from engine.types import Region
from resources.labels import BY_NAME, LABEL_COUNT, LABELS

HAIR, SKIN, L_EYE, R_EYE = (BY_NAME[name].id for name in ("hair", "skin", "l_eye", "r_eye"))
shapes = st.tuples(st.integers(1, 16), st.integers(1, 16))
coordinates = st.floats(-20, 40, width=32)
radii = st.floats(0, 12, width=32)
dabs = st.builds(Dab, coordinates, coordinates, radii)
inner_dabs = st.builds(Dab, st.floats(0, 29, width=32), st.floats(0, 29, width=32), st.floats(0, 0.49))
paths = st.lists(st.tuples(coordinates, coordinates, radii), min_size=1, max_size=5)
mirrors = st.none() | st.builds(Mirror, coordinates, coordinates, st.floats(-3, 3))


def ground_of(shape, seed=0) -> Ground:
    rng = np.random.default_rng(seed)
    labels, source = (rng.integers(0, LABEL_COUNT, shape, dtype=np.uint8) for _ in range(2))
    for array in (labels, source):
        array.setflags(write=False)
    return Ground(labels, source, np.full((*shape, 3), 128, np.uint8))


def plain(shape) -> Ground:
    return Ground(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.full((*shape, 3), 128, np.uint8))


def painted(shape, *points, label=SKIN, **more) -> np.ndarray:
    return done(plain(shape), Entry(Stroke(label, np.array(points, np.float32), **more)))


def covered(start, end, shape) -> np.ndarray:
    """Return what a capsule covers as a whole mask, bool (H, W)."""
    region, inside = capsule(start, end, shape)
    whole = np.zeros(shape, bool)
    if inside is None:
        assert region == EMPTY
    else:
        whole[region.slices] = inside
    return whole


def excess(start, end, x, y) -> float:
    """Return how far a place lies outside the nearest of all discs from one dab to another: their least, by search."""
    low, high = 0.0, 1.0

    def at(share):
        a, b, radius = (p + (q - p) * share for p, q in zip(start, end, strict=True))
        return math.hypot(x - a, y - b) - radius

    # The distance from a disc whose place and radius change evenly is convex in the share of the way.
    for _ in range(45):
        third = (high - low) / 3
        low, high = (low, high - third) if at(low + third) < at(high - third) else (low + third, high)
    return min(at(0.0), at(1.0), at((low + high) / 2))


@given(shapes, dabs, dabs)
def test_paints_the_pixels_that_a_disc_passes_over(shape, start, end):
    if min(start.radius, end.radius) < 0.75:
        start, end = start._replace(radius=start.radius + 0.75), end._replace(radius=end.radius + 0.75)
    pixels = covered(start, end, shape)
    for row, column in np.ndindex(shape):
        outside = excess(start, end, column + 0.5, row + 0.5)
        # Centres that lie on the rim to the last digits may fall on either side.
        if abs(outside) > 1e-6:
            assert pixels[row, column] == (outside < 0), (row, column, outside)


def test_the_rim_belongs_to_the_brush():
    assert painted((9, 9), (4.5, 4.5, 3.0))[4].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]
    assert painted((9, 9), (4.5, 4.5, 3.0), (4.5, 4.5, 3.0))[:, 4].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_a_stroke_that_grows_has_straight_sides():
    pixels = covered(Dab(8, 20.5, 2), Dab(40, 20.5, 14), (41, 60))
    # The tangents of the two circles, not the chords between their topmost points.
    slope = 12 / math.sqrt(32**2 - 12**2)
    for column in range(10, 34):
        half = (column + 0.5 - 8) * slope + 2 / math.sqrt(1 - (12 / 32) ** 2)
        assert np.count_nonzero(pixels[:, column]) in (2 * math.floor(half) + 1, 2 * math.floor(half) - 1)


@given(dabs, dabs)
def test_it_does_not_matter_which_end_is_first(start, end):
    one, other = covered(start, end, (24, 24)), covered(end, start, (24, 24))
    assert np.count_nonzero(one != other) <= 2  # centres on the rim, to the last digits


@given(dabs, dabs)
def test_both_ends_are_covered_wholly(start, end):
    # Rounding decides on the rim itself.
    ends = [dab._replace(radius=max(dab.radius - 1e-6, 0.0)) for dab in (start, end)]
    both = covered(ends[0], ends[0], (24, 24)) | covered(ends[1], ends[1], (24, 24))
    assert not (both & ~covered(start, end, (24, 24))).any()


@given(st.floats(0, 12, width=32), st.floats(0, 19.5, width=32), st.floats(0, 19.5, width=32))
def test_a_click_paints_the_pixel_under_it(radius, x, y):
    assert painted((20, 20), (x, y, radius))[int(y), int(x)] == SKIN


@pytest.mark.parametrize("at", [(3.5, 4.5), (3.1, 4.9), (3.01, 4.02), (3.99, 4.5)])
def test_the_smallest_brush_paints_one_pixel(at):
    assert np.argwhere(painted((9, 9), (*at, 0.5))).tolist() == [[4, 3]]


@given(inner_dabs, inner_dabs)
def test_a_thin_line_has_no_gap(start, end):
    pixels = {(int(y), int(x)) for y, x in np.argwhere(covered(start, end, (30, 30)))}
    todo = [next(iter(pixels))]
    reached = set(todo)
    while todo:
        y, x = todo.pop()
        near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & pixels - reached
        reached |= near
        todo += near
    assert reached == pixels
    assert {(int(dab.y), int(dab.x)) for dab in (start, end)} <= pixels


@given(shapes, st.none() | st.integers(0, LABEL_COUNT - 1), paths, mirrors, st.booleans(), st.integers(0, 9))
def test_nothing_changes_outside_the_returned_regions(shape, label, path, mirror, snap, seed):
    ground = ground_of(shape, seed)
    stroke = Stroke(label, np.array(path, np.float32), mirror, snap)
    work = ground.labels.copy()
    assert stroke.pieces == len(path)
    for piece in range(stroke.pieces):
        before = work.copy()
        region = stroke.draw(ground, work, piece)
        assert 0 <= region.y0 <= region.y1 <= shape[0] and 0 <= region.x0 <= region.x1 <= shape[1]
        untouched = np.ones(shape, bool)
        untouched[region.slices] = False
        assert np.array_equal(work[untouched], before[untouched])
    allowed = {None: ground.source}.get(label, np.full(shape, label or 0))
    twin = allowed if label is None else np.full(shape, LABELS[label].twin)
    assert ((work == ground.labels) | (work == allowed) | (work == twin)).all()


@given(shapes, st.none() | st.just(HAIR), paths, mirrors)
def test_a_longer_stroke_begins_like_the_shorter_one(shape, label, path, mirror):
    ground = ground_of(shape)
    long, short = (Stroke(label, np.array(points, np.float32), mirror) for points in (path, path[:-1] or path))
    grown, whole = ground.labels.copy(), ground.labels.copy()
    for stroke, work in ((short, grown), (long, whole)):
        for piece in range(short.pieces):
            stroke.draw(ground, work, piece)
    assert np.array_equal(grown, whole)


@given(shapes, paths)
def test_restoring_brings_the_source_back_where_painting_paints(shape, path):
    ground, points = ground_of(shape), np.array(path, np.float32)
    restored = done(ground, Entry(Stroke(None, points)))
    covered = painted(shape, *path) == SKIN
    assert np.array_equal(restored, np.where(covered, ground.source, ground.labels))


def test_the_mirror_image_is_of_the_twin_class():
    pixels = painted((20, 40), (8.5, 6.5, 3), (10.5, 9.5, 2), label=L_EYE, mirror=Mirror(20, 0))
    assert np.array_equal(pixels[:, 20:] == R_EYE, (pixels[:, :20] == L_EYE)[:, ::-1])
    assert (pixels[:, :20] == L_EYE).sum() > 20 and not (pixels[:, :20] == R_EYE).any()


def test_the_mirror_image_is_restored_too():
    ground = ground_of((20, 40))
    restored = done(ground, Entry(Stroke(None, np.array([[8, 6, 3]], np.float32), Mirror(20, 0))))
    both = (painted((20, 40), (8, 6, 3)) | painted((20, 40), (32, 6, 3))) > 0
    assert np.array_equal(restored, np.where(both, ground.source, ground.labels))


def test_a_stroke_obeys_protection():
    ground = ground_of((16, 16))
    result = done(ground, Entry(Stroke(HAIR, np.array([[8, 8, 30]])), Protection(locked=(SKIN,))))
    assert np.array_equal(result, np.where(ground.labels == SKIN, SKIN, HAIR))


def test_a_stroke_that_snaps_keeps_to_its_side_of_an_edge():
    pixels = np.full((64, 64, 3), (60, 40, 30), np.uint8)
    pixels[:, 36:] = (220, 190, 170)
    ground = Ground(np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), pixels)
    points = np.array([[24, 20, 20], [24, 40, 20]], np.float32)
    free, kept = (done(ground, Entry(Stroke(HAIR, points, snap=snap))) for snap in (False, True))
    assert (free[:, 36:] == HAIR).sum() > 200
    assert not kept[:, 38:].any() and np.array_equal(kept[:, :34], free[:, :34])


@given(st.none() | st.integers(0, LABEL_COUNT - 1), paths, mirrors, st.booleans())
def test_a_stroke_read_from_its_json_is_the_same(label, path, mirror, snap):
    stroke = Stroke(label, np.array(path, np.float32), mirror, snap)
    read = read_step(json.loads(json.dumps(stroke.data())))
    assert isinstance(read, Stroke) and read.data() == stroke.data()
    assert np.array_equal(read.points, stroke.points) and read.points.dtype == np.float32


def test_a_stroke_keeps_its_own_points():
    points = np.ones((3, 3), np.float32)
    stroke = Stroke(1, points[:2])
    points[:] = 9
    assert stroke.points.max() == 1 and not stroke.points.flags.writeable


def test_titles_say_what_is_painted():
    points = np.ones((1, 3), np.float32)
    assert Stroke(HAIR, points).title == ("Paint {0}", "Hair") and Stroke(None, points).title == ("Restore",)


@given(dabs, dabs)
def test_a_capsule_outside_the_mask_has_no_pixel(start, end):
    region, inside = capsule(start._replace(x=start.x - 200), end._replace(x=end.x - 200), (20, 20))
    assert region == EMPTY == Region(0, 0, 0, 0) and inside is None


def test_places_far_away_do_no_harm():
    far = np.float32(3e38)
    work = painted((8, 8), (4, 4, 1), (far, 4, 1), (-far, far, 2), (4, 4, far))
    assert (work == SKIN).all()


@pytest.mark.parametrize(
    ("label", "points", "more"),
    [
        (19, [[1, 1, 1]], {}),
        (-1, [[1, 1, 1]], {}),
        (True, [[1, 1, 1]], {}),
        (1.0, [[1, 1, 1]], {}),
        (1, [[1, 1, -1]], {}),
        (1, [[1, 1, math.inf]], {}),
        (1, [[math.nan, 1, 1]], {}),
        (1, [[1, 1]], {}),
        (1, [1, 1, 1], {}),
        (1, np.zeros((0, 3)), {}),
        (1, [["a", "b", "c"]], {}),
        (1, [[1, 1, 1]], {"mirror": 3}),
        (1, [[1, 1, 1]], {"mirror": {"x": math.nan, "y": 1}}),
        (1, [[1, 1, 1]], {"snap": 1}),
    ],
)
def test_what_is_no_stroke_is_refused(label, points, more):
    with pytest.raises(ValueError):
        Stroke(label, points, **more)
