"""The mask document: exact brush geometry, and edits that can always be taken back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.document import Edit, MaskDocument, Stroke
from engine.types import Region
from resources.labels import LABEL_COUNT

labels = st.integers(0, LABEL_COUNT - 1)
radii = st.floats(0, 12, width=32)
coordinates = st.floats(-20, 50, width=32)
points = st.tuples(coordinates, coordinates)
inner_points = st.tuples(st.floats(0, 29, width=32), st.floats(0, 29, width=32))
masks = hnp.arrays(np.uint8, st.tuples(st.integers(1, 28), st.integers(1, 28)), elements=labels)
strokes = st.builds(
    lambda label, radius, path: Stroke(label, radius, np.array(path, np.float32)),
    labels,
    radii,
    st.lists(points, min_size=1, max_size=5),
)


def distances(shape, start, end):
    """Return each pixel centre's distance from a segment, pixel by pixel, float64 (H, W)."""
    result = np.empty(shape)
    (ax, ay), (bx, by) = start, end
    length2 = (bx - ax) ** 2 + (by - ay) ** 2
    for row, column in np.ndindex(shape):
        x, y = column + 0.5, row + 0.5
        t = min(max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2, 0), 1) if length2 else 0
        result[row, column] = math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay))
    return result


def outside(shape, region):
    """Return the pixels outside a region, bool (H, W)."""
    result = np.ones(shape, bool)
    result[region.slices] = False
    return result


@settings(deadline=None)
@given(st.tuples(st.integers(1, 24), st.integers(1, 24)), st.floats(0.75, 12, width=32), points, points)
def test_paints_exactly_the_pixels_within_the_radius(shape, radius, start, end):
    document = MaskDocument(np.zeros(shape, np.uint8))
    document.begin(7, radius, *start)
    document.extend(*end)
    distance = distances(shape, start, end)
    # Centres that lie on the rim to the last digits may fall on either side.
    sure = np.abs(distance - radius) > 1e-6
    assert np.array_equal((document.labels == 7)[sure], (distance <= radius)[sure])


def test_rim_belongs_to_the_brush():
    document = MaskDocument(np.zeros((9, 9), np.uint8))
    document.begin(1, 3.0, 4.5, 4.5)
    assert document.labels[4].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]


@given(st.floats(0, 12, width=32), st.floats(0, 19.5, width=32), st.floats(0, 19.5, width=32))
def test_click_paints_the_pixel_under_it(radius, x, y):
    document = MaskDocument(np.zeros((20, 20), np.uint8))
    region = document.begin(3, radius, x, y)
    column, row = int(x), int(y)
    assert document.labels[row, column] == 3
    assert region.y0 <= row < region.y1 and region.x0 <= column < region.x1


@given(st.floats(0, 0.49), inner_points, inner_points)
def test_thin_line_has_no_gap(radius, start, end):
    document = MaskDocument(np.zeros((30, 30), np.uint8))
    document.begin(1, radius, *start)
    document.extend(*end)
    painted = {(int(y), int(x)) for y, x in np.argwhere(document.labels)}
    todo = [next(iter(painted))]
    reached = set(todo)
    while todo:
        y, x = todo.pop()
        near = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & painted - reached
        reached |= near
        todo += near
    assert reached == painted
    assert {(int(y), int(x)) for x, y in (start, end)} <= painted


@given(masks, labels, radii, st.lists(points, min_size=1, max_size=4))
def test_nothing_changes_outside_the_returned_region(mask, label, radius, path):
    document = MaskDocument(mask)
    buffer = document.labels
    for index, point in enumerate(path):
        before = document.labels.copy()
        region = document.extend(*point) if index else document.begin(label, radius, *point)
        untouched = outside(mask.shape, region)
        assert np.array_equal(document.labels[untouched], before[untouched])
        assert region.empty or (region.y1 <= mask.shape[0] and region.x1 <= mask.shape[1])
        assert min(region.y0, region.x0) >= 0
    assert document.labels is buffer
    assert set(np.unique(document.labels)) <= set(np.unique(mask)) | {label}
    assert document.labels.max() < LABEL_COUNT


@given(masks, strokes)
def test_undo_and_redo_are_exact(mask, stroke):
    document = MaskDocument(mask)
    edit = document.paint(stroke)
    after = document.labels.copy()
    if edit is None:
        assert np.array_equal(after, mask) and not document.changed
        return
    assert document.changed
    assert edit.region == Region.of(after != mask)
    assert document.apply(edit, undo=True) == edit.region
    assert np.array_equal(document.labels, mask) and not document.changed
    document.apply(edit)
    assert np.array_equal(document.labels, after)


@given(masks, st.lists(strokes, max_size=5))
def test_history_unwinds_and_replays(mask, several):
    document = MaskDocument(mask)
    edits = [edit for stroke in several if (edit := document.paint(stroke)) is not None]
    after = document.labels.copy()
    for edit in reversed(edits):
        document.apply(edit, undo=True)
    assert np.array_equal(document.labels, document.source)
    for edit in edits:
        document.apply(edit)
    assert np.array_equal(document.labels, after)


@given(masks, strokes)
def test_abort_restores(mask, stroke):
    document = MaskDocument(mask)
    document.begin(stroke.label, stroke.radius, *stroke.points[0])
    for point in stroke.points[1:]:
        document.extend(*point)
    during = document.labels.copy()
    region = document.abort()
    assert np.array_equal(document.labels, mask)
    assert not (during != mask)[outside(mask.shape, region)].any()
    assert not document.painting and document.abort().empty


@given(
    masks,
    labels,
    radii,
    st.lists(st.tuples(st.floats(-20, 50), st.floats(-20, 50)), min_size=1, max_size=5),
)
def test_stroke_paints_what_the_hand_painted(mask, label, radius, path):
    by_hand, by_data = MaskDocument(mask), MaskDocument(mask)
    by_hand.begin(label, radius, *path[0])
    for point in path[1:]:
        by_hand.extend(*point)
    first = by_hand.commit()
    second = by_data.paint(Stroke(label, radius, np.array(path)))
    assert np.array_equal(by_hand.labels, by_data.labels)
    assert (first is None) == (second is None)
    if first is not None and second is not None:
        assert first.region == second.region and first.name == second.name


def test_later_strokes_cover_earlier_ones():
    document = MaskDocument(np.zeros((20, 20), np.uint8))
    document.paint(Stroke(1, 5, np.array([[10, 10]], np.float32)))
    document.paint(Stroke(2, 3, np.array([[10, 10]], np.float32)))
    assert document.labels[10, 10] == 2 and document.labels[10, 6] == 1
    document.paint(Stroke(1, 5, np.array([[10, 10]], np.float32)))
    assert not (document.labels == 2).any()


def test_replace_is_one_tight_edit():
    document = MaskDocument(np.zeros((8, 10), np.uint8))
    mask = np.zeros((8, 10), np.uint8)
    mask[2:4, 3:7] = 5
    edit = document.replace(mask, "Load mask")
    assert edit is not None and (edit.name, edit.region) == ("Load mask", Region(2, 3, 4, 7))
    assert np.array_equal(document.labels, mask)
    assert document.replace(mask, "Load mask") is None
    document.apply(edit, undo=True)
    assert not document.labels.any()


def test_edits_own_their_pixels():
    crop = np.ones((2, 2), np.uint8)
    edit = Edit("x", Region(0, 0, 2, 2), crop, crop)
    crop[:] = 9
    assert edit.before.max() == 1 and edit.nbytes == 8
    with pytest.raises(ValueError):
        edit.after[:] = 3


def test_source_is_kept():
    mask = np.zeros((4, 4), np.uint8)
    document = MaskDocument(mask)
    mask[:] = 3
    document.paint(Stroke(1, 1, np.array([[2, 2]], np.float32)))
    assert not document.source.any() and not document.source.flags.writeable
    assert document.labels.flags.c_contiguous


@pytest.mark.parametrize(
    "misuse",
    [
        lambda document: document.extend(1, 1),
        lambda document: document.commit(),
        lambda document: document.begin(19, 2, 1, 1),
        lambda document: document.begin(-1, 2, 1, 1),
        lambda document: document.begin(1, -1, 1, 1),
        lambda document: document.begin(1, math.inf, 1, 1),
        lambda document: document.begin(1, 2, math.nan, 1),
        lambda document: document.begin(1, 2, 1e300, 1),
        lambda document: document.replace(np.zeros((3, 4), np.uint8), "x"),
        lambda document: document.replace(np.zeros((4, 4), np.int32), "x"),
        lambda document: document.replace(np.full((4, 4), 19, np.uint8), "x"),
        lambda document: document.write(Region(0, 0, 2, 5), np.zeros((2, 5), np.uint8), "x"),
        lambda document: document.write(Region(0, 0, 2, 2), np.zeros((2, 3), np.uint8), "x"),
        lambda document: document.apply(
            Edit("x", Region(3, 3, 5, 5), np.zeros((2, 2), np.uint8), np.ones((2, 2), np.uint8))
        ),
        lambda _: MaskDocument(np.zeros((0, 4), np.uint8)),
        lambda _: MaskDocument(np.full((4, 4), 255, np.uint8)),
        lambda _: Stroke(1, 1, np.zeros((0, 2), np.float32)),
        lambda _: Stroke(1, 1, np.zeros(2, np.float32)),
        lambda _: Stroke(1, 1, np.full((1, 2), np.nan, np.float32)),
        lambda _: Stroke(19, 1, np.zeros((1, 2), np.float32)),
    ],
)
def test_misuse_raises_and_changes_nothing(misuse):
    document = MaskDocument(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError):
        misuse(document)
    assert not document.painting and not document.labels.any()


def test_a_stroke_excludes_other_changes():
    document = MaskDocument(np.zeros((4, 4), np.uint8))
    document.begin(1, 1, 2, 2)
    for change in (
        lambda: document.begin(1, 1, 2, 2),
        lambda: document.replace(np.ones((4, 4), np.uint8), "x"),
        lambda: document.paint(Stroke(1, 1, np.zeros((1, 2), np.float32))),
    ):
        with pytest.raises(ValueError):
            change()
    assert document.commit() is not None
