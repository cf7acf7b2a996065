"""Fills and areas: exactly which pixels they change, and what becomes of them in a file."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.mask.fills import SHAPES, Area, Fill, Relabelled, Reverted, covered
from engine.mask.steps import Entry, Ground, Mirror, Protection, done, read_step
from engine.types import Region
from resources.labels import BY_NAME, LABELS

SKIN, HAIR, NOSE = (BY_NAME[name].id for name in ("skin", "hair", "nose"))
L_EYE, R_EYE, L_BROW, R_BROW = (BY_NAME[name].id for name in ("l_eye", "r_eye", "l_brow", "r_brow"))


def ground_of(labels, source=None) -> Ground:
    labels = np.array(labels, np.uint8)
    source = labels.copy() if source is None else np.array(source, np.uint8)
    for array in (labels, source):
        array.setflags(write=False)
    return Ground(labels, source, np.zeros((*labels.shape, 3), np.uint8))


def area(label, points, shape, replaced=None, mirror=None) -> Area:
    return Area(label, np.array(points, np.float32), shape, replaced, mirror)


def drawn(ground, step):
    """Do a step; what it says of where it changed something must hold."""
    assert step.pieces == 1
    work = ground.labels.copy()
    region = step.draw(ground, work, 0)
    height, width = work.shape
    assert 0 <= region.y0 <= region.y1 <= height and 0 <= region.x0 <= region.x1 <= width
    outside = np.ones(work.shape, bool)
    outside[region.slices] = False
    np.testing.assert_array_equal(work[outside], ground.labels[outside])
    return work


def inside_of(points, shape, size) -> np.ndarray:
    """Return what is covered as a whole mask, bool (H, W)."""
    region, inside = covered(np.array(points, np.float32), shape, size)
    whole = np.zeros(size, bool)
    if inside is None:
        assert region.empty
    else:
        assert inside.any() and inside.dtype == bool
        whole[region.slices] = inside
    return whole


def crossings_left_of(points, x, y) -> int:
    """Count, one by one, how often a closed outline crosses the row of a point at or left of it."""
    count = 0
    for (ax, ay), (bx, by) in zip(points, points[1:] + points[:1], strict=True):
        if ay > by:
            ax, ay, bx, by = bx, by, ax, ay
        if ay <= y < by and ax + (y - ay) * (bx - ax) / (by - ay) <= x:
            count += 1
    return count


def brute_force(points, size) -> np.ndarray:
    points = [tuple(map(float, point)) for point in np.array(points, np.float32)]
    return np.array(
        [[crossings_left_of(points, x + 0.5, y + 0.5) % 2 == 1 for x in range(size[1])] for y in range(size[0])]
    )


places = st.floats(-6, 18, width=32)
rounded = st.integers(-12, 36).map(lambda number: number / 2)
outlines = st.lists(st.tuples(places, places) | st.tuples(rounded, rounded), min_size=1, max_size=9)


@given(outlines)
def test_polygon_has_the_pixels_whose_centres_lie_inside(points):
    np.testing.assert_array_equal(inside_of(points, "polygon", (11, 13)), brute_force(points, (11, 13)))


@given(outlines, st.integers(0, 8))
def test_polygon_does_not_depend_on_where_or_which_way_its_outline_begins(points, start):
    turned = points[start:] + points[:start]
    expected = inside_of(points, "polygon", (12, 12))
    np.testing.assert_array_equal(inside_of(turned, "polygon", (12, 12)), expected)
    np.testing.assert_array_equal(inside_of(turned[::-1], "polygon", (12, 12)), expected)


@given(st.lists(st.tuples(places, places), min_size=4, max_size=4))
def test_areas_with_a_common_side_neither_overlap_nor_leave_a_gap(points):
    a, b, c, d = points
    halves = inside_of([a, b, c], "polygon", (14, 14)), inside_of([a, c, d], "polygon", (14, 14))
    # The even-odd rule: a quadrilateral is the one half or the other, but not both.
    np.testing.assert_array_equal(halves[0] ^ halves[1], inside_of(points, "polygon", (14, 14)))


def test_rectangle_along_pixels_is_exact():
    expected = np.zeros((9, 9), bool)
    expected[3:7, 2:5] = True
    np.testing.assert_array_equal(inside_of([(2, 3), (5, 3), (5, 7), (2, 7)], "rectangle", (9, 9)), expected)


def test_pixel_at_the_border_and_a_single_pixel():
    assert inside_of([(-3, -3), (1, -3), (1, 1), (-3, 1)], "rectangle", (4, 5)).sum() == 1
    assert inside_of([(4, 3), (9, 3), (9, 9), (4, 9)], "rectangle", (4, 5))[3, 4]
    whole = inside_of([(-9, -9), (99, -9), (99, 99), (-9, 99)], "rectangle", (1, 1))
    assert whole.all()


@pytest.mark.parametrize(
    "points", [[(2, 2)], [(2, 2), (8, 8)], [(2, 2), (8, 2), (5, 2)], [(2, 2)] * 4, [(20, 20), (30, 20), (30, 40)]]
)
def test_outlines_around_nothing_cover_nothing(points):
    assert not inside_of(points, "polygon", (12, 12)).any()
    assert not inside_of((points * 4)[:4], "ellipse", (12, 12)).any()


def test_outline_that_crosses_itself_leaves_out_what_it_goes_around_twice():
    # A pentagram.
    angles = np.arange(5) * 4 * np.pi / 5
    inside = inside_of(np.c_[20 + 18 * np.sin(angles), 20 - 18 * np.cos(angles)], "polygon", (40, 40))
    assert not inside[20, 20] and inside[6, 20] and not inside[38, 20]


def test_far_away_points_are_no_trouble():
    far = 3e38
    assert inside_of([(-far, -far), (far, -far), (far, far), (-far, far)], "polygon", (8, 8)).all()
    assert inside_of([(-far, -far), (far, -far), (far, far), (-far, far)], "ellipse", (8, 8)).all()
    assert not inside_of([(far, far), (far, -far), (far, 0)], "polygon", (8, 8)).any()


@given(st.floats(2, 18), st.floats(2, 18), st.floats(0.4, 9), st.floats(0.4, 9), st.floats(-3.2, 3.2), st.booleans())
def test_ellipse_fits_its_turned_box(cx, cy, half_width, half_height, turn, flipped):
    c, s = np.cos(turn), np.sin(turn)
    box = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (half_width, half_height) @ [[c, s], [-s, c]]
    box = (box + np.array([cx, cy])).astype(np.float32)
    inside = inside_of(box[::-1] if flipped else box, "ellipse", (20, 20))
    x, y = np.meshgrid(np.arange(20) + 0.5 - cx, np.arange(20) + 0.5 - cy)
    radius = np.hypot((x * c + y * s) / half_width, (y * c - x * s) / half_height)
    clear = abs(radius - 1) > 1e-4
    np.testing.assert_array_equal(inside[clear], (radius < 1)[clear])


def test_circle_is_symmetric():
    inside = inside_of([(2, 2), (17, 2), (17, 17), (2, 17)], "ellipse", (19, 19))
    for other in (inside[::-1], inside[:, ::-1], inside.T):
        np.testing.assert_array_equal(inside, other)
    assert inside[9, 2] and inside[9, 16] and not inside[9, 1] and not inside[2, 2]


def test_area_replaces_one_class_alone():
    ground = ground_of([[SKIN, HAIR, SKIN, HAIR]] * 3)
    work = drawn(ground, area(NOSE, [(1, 0), (4, 0), (4, 2), (1, 2)], "rectangle", replaced=HAIR))
    row = [SKIN, NOSE, SKIN, NOSE]
    np.testing.assert_array_equal(work, [row, row, [SKIN, HAIR, SKIN, HAIR]])


def test_area_restores_the_source():
    ground = ground_of(np.full((4, 6), HAIR), np.arange(24).reshape(4, 6) % 19)
    work = drawn(ground, area(None, [(1, 1), (4, 1), (4, 3), (1, 3)], "rectangle"))
    np.testing.assert_array_equal(work[1:3, 1:4], ground.source[1:3, 1:4])
    assert (work == HAIR).sum() >= 24 - 6


def test_area_is_mirrored_as_the_twin_class_and_prevails_over_its_image():
    ground = ground_of(np.full((4, 10), SKIN))
    mirror = Mirror(5, 2)
    work = drawn(ground, area(L_EYE, [(6, 1), (8, 1), (8, 3), (6, 3)], "rectangle", mirror=mirror))
    expected = np.full((4, 10), SKIN)
    expected[1:3, 6:8], expected[1:3, 2:4] = L_EYE, R_EYE
    np.testing.assert_array_equal(work, expected)
    across = drawn(ground, area(L_EYE, [(4, 0), (8, 0), (8, 1), (4, 1)], "rectangle", mirror=mirror))
    assert across[0].tolist() == [SKIN] * 2 + [R_EYE] * 2 + [L_EYE] * 4 + [SKIN] * 2


def test_area_replaces_the_twin_in_its_mirror_image():
    ground = ground_of([[R_BROW, L_BROW, SKIN, SKIN, L_BROW, R_BROW]])
    step = area(L_EYE, [(3, 0), (6, 0), (6, 1), (3, 1)], "rectangle", L_BROW, Mirror(3, 0))
    assert drawn(ground, step).tolist() == [[R_EYE, L_BROW, SKIN, SKIN, L_EYE, R_BROW]]


def test_mirrored_ellipse_is_the_mirror_image():
    ground = ground_of(np.zeros((24, 30)))
    mirror = Mirror(15, 12)
    box = np.array([(3, 6), (9, 3), (12, 9), (6, 12)], np.float32)
    work = drawn(ground, area(HAIR, box, "ellipse", mirror=mirror))
    assert (work[:, :15] == HAIR).any()
    np.testing.assert_array_equal(work, work[:, ::-1])


ISLANDS = [
    [1, 1, 0, 0, 1],
    [1, 0, 0, 0, 0],
    [0, 0, 1, 0, 0],
    [0, 1, 0, 0, 13],
]


def test_fill_takes_the_connected_region_alone():
    work = drawn(ground_of(ISLANDS), Fill(NOSE, 0.2, 0.9))
    expected = np.array(ISLANDS)
    expected[0, :2] = expected[1, 0] = NOSE
    np.testing.assert_array_equal(work, expected)
    # Pixels that touch at a corner hang together.
    assert (drawn(ground_of(ISLANDS), Fill(NOSE, 2.5, 2.5)) == NOSE).sum() == 2


def test_fill_everywhere_takes_the_whole_class():
    work = drawn(ground_of(ISLANDS), Fill(NOSE, 4, 0, everywhere=True))
    np.testing.assert_array_equal(work, np.where(np.array(ISLANDS) == 1, NOSE, ISLANDS))


@pytest.mark.parametrize("place", [(-0.1, 1), (5, 1), (1, 4), (1, -7), (1e300, 0)])
def test_fill_outside_the_mask_does_nothing(place):
    work = drawn(ground_of(ISLANDS), Fill(NOSE, *place, everywhere=True, mirror=Mirror(2, 2)))
    np.testing.assert_array_equal(work, ISLANDS)


def face(left=L_BROW, right=R_BROW):
    """Return a row of skin with a brow on either side of x = 5; the person's left one lies on the right."""
    labels = np.full((3, 10), SKIN, np.uint8)
    labels[1, 1:3], labels[1, 7:9] = right, left
    return labels


@pytest.mark.parametrize("everywhere", [False, True])
def test_fill_takes_the_counterpart_as_the_twin(everywhere):
    work = drawn(ground_of(face()), Fill(L_EYE, 7.5, 1.5, everywhere, Mirror(5, 1)))
    np.testing.assert_array_equal(work, face(L_EYE, R_EYE))


def test_fill_leaves_what_is_no_counterpart():
    labels = face(right=SKIN)
    work = drawn(ground_of(labels), Fill(L_EYE, 7.5, 1.5, mirror=Mirror(5, 1)))
    np.testing.assert_array_equal(work, face(L_EYE, SKIN))


def test_fill_of_a_region_on_both_sides_happens_once():
    work = drawn(ground_of(face()), Fill(L_EYE, 6, 0, mirror=Mirror(5, 1)))
    assert set(work.ravel().tolist()) == {L_EYE, L_BROW, R_BROW}


def test_fill_takes_another_region_of_the_same_class_on_the_other_side():
    labels = face(HAIR, HAIR)
    work = drawn(ground_of(labels), Fill(L_EYE, 7.5, 1.5, mirror=Mirror(5, 1)))
    np.testing.assert_array_equal(work, face(L_EYE, R_EYE))


def test_fill_whose_mirrored_point_lies_outside_the_mask():
    work = drawn(ground_of(face()), Fill(L_EYE, 7.5, 1.5, mirror=Mirror(1, 1)))
    np.testing.assert_array_equal(work, face(left=L_EYE))


def test_relabelled():
    ground = ground_of(ISLANDS)
    np.testing.assert_array_equal(drawn(ground, Relabelled(1, 13)), np.where(np.array(ISLANDS) == 1, 13, ISLANDS))
    # A class that is missing, and one that becomes itself.
    for step in (Relabelled(7, 1), Relabelled(1, 1)):
        np.testing.assert_array_equal(drawn(ground, step), ISLANDS)


def test_reverted_takes_the_connected_difference_alone():
    source = np.full((4, 6), SKIN, np.uint8)
    labels = source.copy()
    labels[0, 0], labels[1, 1], labels[1, 5] = HAIR, NOSE, HAIR
    ground = ground_of(labels, source)
    work = drawn(ground, Reverted(1.5, 1.5))
    expected = source.copy()
    expected[1, 5] = HAIR
    np.testing.assert_array_equal(work, expected)
    for place in ((3, 3), (-1, 0), (6, 0)):
        np.testing.assert_array_equal(drawn(ground, Reverted(*place)), labels)


STEPS = [
    Fill(HAIR, 3.25, 1.5),
    Fill(L_EYE, 3, 1, True, Mirror(2, 3, 0.5)),
    area(HAIR, [(0.1, 0.2), (5, 0), (4, 4)], "polygon"),
    area(None, [(0, 0), (5, 0), (5, 3), (0, 3)], "ellipse", mirror=Mirror(3, 2)),
    area(L_EYE, [(0, 0), (5, 0), (5, 3), (0, 3)], "rectangle", 1),
    Relabelled(1, 13),
    Reverted(1.0, 2.0),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.kind} {step.title}")
def test_steps_come_back_from_files(step):
    ground = ground_of(ISLANDS, np.roll(ISLANDS, 2, axis=1))
    again = read_step(json.loads(json.dumps(step.data())))
    assert type(again) is type(step) and again.title == step.title and again.data() == step.data()
    np.testing.assert_array_equal(drawn(ground, again), drawn(ground, step))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step.kind} {step.title}")
def test_titles_are_templates_with_all_their_places(step):
    template, *words = step.title
    assert template.format(*words) and all(f"{{{place}}}" in template for place in range(len(words)))
    assert set(words) <= {label.title for label in LABELS}


def test_protected_classes_are_not_filled():
    ground = ground_of(ISLANDS)
    step = area(NOSE, [(0, 0), (5, 0), (5, 4), (0, 4)], "rectangle")
    result = done(ground, Entry(step, Protection(locked=(1,))))
    np.testing.assert_array_equal(result, np.where(np.array(ISLANDS) == 1, 1, NOSE))


@pytest.mark.parametrize(
    "kind, values",
    [
        (Fill, dict(label=19, x=1, y=1)),
        (Fill, dict(label=True, x=1, y=1)),
        (Fill, dict(label=1, x=float("nan"), y=1)),
        (Fill, dict(label=1, x=1, y="2")),
        (Fill, dict(label=1, x=1, y=1, everywhere=1)),
        (Fill, dict(label=1, x=1, y=1, mirror=3)),
        (Area, dict(label=1, points=[(0, 0)], shape="star")),
        (Area, dict(label=1, points=[(0, 0)], shape=["polygon"])),
        (Area, dict(label=1, points=[], shape="polygon")),
        (Area, dict(label=1, points=[(0, 0, 1)] * 4, shape="polygon")),
        (Area, dict(label=1, points=[(0, float("inf"))] * 4, shape="polygon")),
        (Area, dict(label=1, points=[(0, 0)] * 3, shape="rectangle")),
        (Area, dict(label=1, points=[(0, 0)] * 5, shape="ellipse")),
        (Area, dict(label=-1, points=[(0, 0)], shape="polygon")),
        (Area, dict(label=1, points=[(0, 0)], shape="polygon", replaced=40)),
        (Relabelled, dict(source=1, target=19)),
        (Relabelled, dict(source=1.5, target=1)),
        (Reverted, dict(x=1, y=float("inf"))),
        (Reverted, dict(x=None, y=1)),
    ],
)
def test_what_makes_no_sense_is_refused(kind, values):
    with pytest.raises(ValueError):
        kind(**values)


def test_points_are_kept_read_only():
    points = np.zeros((4, 2), np.float32)
    step = Area(1, points, SHAPES[1])
    points[:] = 5
    assert not step.points.any() and not step.points.flags.writeable


def test_region_of_a_fill_is_tight():
    work = np.array(ISLANDS, np.uint8)
    assert Fill(NOSE, 0, 0).draw(ground_of(ISLANDS), work, 0) == Region(0, 0, 2, 2)
