"""What all steps have in common: their data, the line of symmetry, and protection."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from engine.mask.steps import (
    EMPTY,
    Entry,
    Ground,
    Mirror,
    Protection,
    checked_points,
    clipped,
    done,
    read_step,
)
from engine.mask.strokes import Stroke
from engine.mask.written import Written
from engine.types import Region
from resources.labels import BY_NAME, LABEL_COUNT

HAIR, SKIN, L_EYE, R_EYE = (BY_NAME[name].id for name in ("hair", "skin", "l_eye", "r_eye"))
ids = st.integers(0, LABEL_COUNT - 1)
coordinates = st.floats(-30, 60, width=32)
mirrors = st.none() | st.builds(Mirror, coordinates, coordinates, st.floats(-3, 3))
strokes = st.builds(
    Stroke,
    st.none() | ids,
    st.lists(st.tuples(coordinates, coordinates, st.floats(0, 9, width=32)), min_size=1, max_size=5),
    mirrors,
)
written = st.builds(
    Written,
    st.just("Load mask"),
    st.integers(0, 40),
    st.integers(0, 40),
    hnp.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=ids),
)
protections = st.builds(Protection, st.lists(ids, max_size=4), st.none() | st.lists(ids, max_size=4))


def ground_of(rng: np.random.Generator, shape=(32, 40)) -> Ground:
    labels, source = (rng.integers(0, LABEL_COUNT, shape, dtype=np.uint8) for _ in range(2))
    return Ground(labels, source, rng.integers(0, 256, (*shape, 3), dtype=np.uint8))


@settings(deadline=None)
@given(st.builds(Entry, strokes | written, protections), st.integers(0, 99))
def test_an_entry_read_from_its_json_does_the_same(entry, seed):
    ground = ground_of(np.random.default_rng(seed))
    read = Entry.read(json.loads(json.dumps(entry.data())))
    assert read.data() == entry.data() and read.protection == entry.protection
    assert np.array_equal(done(ground, read), done(ground, entry))


@settings(deadline=None)
@given(st.builds(Entry, strokes | written, protections), st.integers(0, 99))
def test_protection_holds_and_nothing_but_the_mask_is_written(entry, seed):
    ground = ground_of(np.random.default_rng(seed))
    for array in (ground.labels, ground.source, ground.pixels):
        array.setflags(write=False)
    result = done(ground, entry)
    kept = ~entry.protection.table()[ground.labels]
    assert np.array_equal(result[kept], ground.labels[kept])
    free = done(ground, Entry(entry.step))
    assert np.array_equal(result[~kept], free[~kept])


@given(coordinates, coordinates, st.floats(-7, 7), coordinates, coordinates)
def test_mirror_images_lie_across_the_line(x, y, angle, px, py):
    mirror = Mirror(x, y, angle)
    points = np.array([[px, py]], np.float32)
    image = mirror.points(points)
    assert np.allclose(mirror.points(image), points, atol=1e-3)
    direction = np.array([-math.sin(angle), math.cos(angle)])
    assert abs(np.dot(image[0] - points[0], direction)) < 1e-3
    middle = (image[0] + points[0]) / 2 - np.array([x, y])
    assert abs(np.dot(middle, [direction[1], -direction[0]])) < 1e-3


def test_an_upright_mirror_exchanges_left_and_right():
    assert Mirror(10, 0).points(np.array([[4, 7, 3]], np.float32)).tolist() == [[16, 7, 3]]


def test_a_mirrored_stroke_paints_the_twin():
    labels = np.full((20, 40), SKIN, np.uint8)
    step = Stroke(L_EYE, np.array([[30, 10, 3]], np.float32), Mirror(20, 0))
    result = done(Ground(labels, labels, np.zeros((20, 40, 3), np.uint8)), Entry(step))
    assert result[10, 30] == L_EYE and result[10, 9] == R_EYE
    assert (result == L_EYE).sum() == (result == R_EYE).sum() > 20


def test_locked_beats_over():
    table = Protection((HAIR,), (HAIR, SKIN)).table()
    assert np.flatnonzero(table).tolist() == [SKIN]
    assert Protection().free and not Protection(over=()).free and not Protection(over=()).table().any()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "unheard of"},
        {"kind": ["stroke"]},
        {"kind": "stroke"},
        {"kind": "stroke", "label": 19, "points": [[0, 0, 1]]},
        {"kind": "stroke", "label": True, "points": [[0, 0, 1]]},
        {"kind": "stroke", "label": 1.5, "points": [[0, 0, 1]]},
        {"kind": "stroke", "label": 1, "points": []},
        {"kind": "stroke", "label": 1, "points": [[0, 0]]},
        {"kind": "stroke", "label": 1, "points": [[0, 0, -1]]},
        {"kind": "stroke", "label": 1, "points": [[0, float("nan"), 1]]},
        {"kind": "stroke", "label": 1, "points": [[0, 1e39, 1]]},
        {"kind": "stroke", "label": 1, "points": "none"},
        {"kind": "stroke", "label": 1, "points": [[0, 0, 1]], "mirror": 7},
        {"kind": "stroke", "label": 1, "points": [[0, 0, 1]], "mirror": {"x": "left"}},
        {"kind": "stroke", "label": 1, "points": [[0, 0, 1]], "snap": 1},
        {"kind": "stroke", "label": 1, "points": [[0, 0, 1]], "colour": 1},
        {"kind": "written", "name": "", "x": -1, "y": 0, "labels": [[1]]},
        {"kind": "written", "name": "", "x": 0, "y": 0, "labels": {"labels": "eJw=", "shape": [1, 1]}},
        {"kind": "written", "name": "", "x": 0, "y": 0, "labels": {"labels": "!", "shape": [1, 1]}},
        {"kind": "written", "name": "", "x": 0, "y": 0, "labels": {"labels": "eJwBAQD+/xMAFAAU", "shape": [1, 1]}},
        {"kind": "written", "name": "", "x": 0, "y": 0, "labels": {"labels": "", "shape": [1e9, "a"]}},
    ],
)  # fmt: skip
def test_data_that_are_no_step_are_refused(data):
    with pytest.raises(ValueError):
        read_step(data)


@pytest.mark.parametrize("data", [{}, {"step": 1, "protection": {}}, {"step": {"kind": "stroke"}}, {"step": None}])
def test_data_that_are_no_entry_are_refused(data):
    with pytest.raises(ValueError):
        Entry.read(data)


def test_packed_labels_are_unpacked_no_further_than_their_shape():
    packed = Written("", 0, 0, np.zeros((500, 500), np.uint8)).data()
    packed["labels"]["shape"] = [2, 2]
    step = read_step(packed)
    assert isinstance(step, Written) and step.labels.shape == (2, 2)


def test_points_are_kept_read_only():
    given = np.zeros((2, 2), np.float32)
    kept = checked_points(given)
    given[:] = 5
    assert not kept.any() and not kept.flags.writeable


@given(*[st.floats(-1e6, 1e6)] * 4)
def test_clipped_regions_lie_in_the_mask_and_hold_the_rectangle(x0, y0, x1, y1):
    region = clipped(x0, y0, x1, y1, (30, 20))
    assert region == EMPTY or (0 <= region.y0 < region.y1 <= 30 and 0 <= region.x0 < region.x1 <= 20)
    inside = np.zeros((30, 20), bool)
    inside[region.slices] = True
    x, y = np.arange(20) + 0.5, np.arange(30)[:, None] + 0.5
    assert inside[(x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)].all()


def test_written_labels_are_cut_at_the_border():
    ground = Ground(np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8), np.zeros((4, 5, 3), np.uint8))
    work = ground.labels.copy()
    assert Written("", 3, 2, np.full((9, 9), 7, np.uint8)).draw(ground, work, 0) == Region(2, 3, 4, 5)
    assert (work == 7).sum() == 4
    assert Written("", 9, 9, np.full((9, 9), 7, np.uint8)).draw(ground, work, 0).empty
