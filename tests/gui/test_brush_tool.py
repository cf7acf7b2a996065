"""The brush and the restore brush: what a hand's way paints, lines with Shift, and what interrupts a stroke."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app.document import MaskDocument
from app.tools.brush import BrushTool, RestoreTool
from app.tools.tool import Hand
from engine.mask.steps import Mirror, Protection
from engine.mask.strokes import Stroke
from resources.labels import BY_NAME
from tests.gui.easel import FLIPPED, TURNED, UPRIGHT, Easel

SKIN, HAIR, L_EYE, R_EYE = (BY_NAME[name].id for name in ("skin", "hair", "l_eye", "r_eye"))
SHAPE = (50, 60)
VIEWS = pytest.mark.parametrize("view", [UPRIGHT, TURNED, FLIPPED], ids=["upright", "turned", "flipped"])


def make(
    kind: type[BrushTool | RestoreTool] = BrushTool, view=UPRIGHT, labels=None, pixels=None, **options
) -> Easel[BrushTool | RestoreTool]:
    labels = np.full(SHAPE, SKIN, np.uint8) if labels is None else labels
    easel = Easel(labels, kind, view, pixels, **{"brush_size": 6, "restore_size": 8} | options)
    easel.studio.set_label(HAIR)
    easel.studio.set_axis(Mirror(30, 25))
    return easel


def stroke(points, label=HAIR, radius=3.0, labels=None, **more) -> np.ndarray:
    """Return a mask of skin, or another one, with a stroke."""
    document = MaskDocument(np.full(SHAPE, SKIN, np.uint8) if labels is None else labels)
    document.perform(Stroke(label, np.array([(*point, radius) for point in points], np.float32), **more))
    return document.labels


def last_step(easel) -> Stroke:
    edit = easel.editor.last_edit
    assert edit is not None and isinstance(edit.entry.step, Stroke)
    return edit.entry.step


def hand(easel, x, y, pressure=1.0, **held) -> Hand:
    return Hand(x, y, easel.view.map(QPointF(x, y)), 8.0, pressure, True, to_screen=easel.view, **held)


def aside(easel, x, y, dx, dy) -> tuple[float, float]:
    """Return the place some screen pixels aside from one of the mask."""
    back, _ = easel.view.inverted()
    place = back.map(easel.view.map(QPointF(x, y)) + QPointF(dx, dy))
    return place.x(), place.y()


# Strokes


@VIEWS
def test_a_drag_is_one_stroke_and_one_edit(qapp, view):
    easel = make(view=view)
    points = [(10.5, 12.5), (20, 14), (31.5, 30), (40, 31)]
    easel.press(*points[0])
    np.testing.assert_array_equal(easel.labels, stroke(points[:1]))
    for count, point in enumerate(points[1:], 2):
        easel.move(*point)
        np.testing.assert_array_equal(easel.labels, stroke(points[:count]))
        assert not easel.tool.resting and easel.edits == 0
    easel.release(*points[-1])
    assert easel.tool.resting and easel.edits == 1 and last_step(easel).title == ("Paint {0}", "Hair")
    np.testing.assert_array_equal(easel.labels, stroke(points))
    easel.editor.undo()
    assert (easel.labels == SKIN).all()


def test_a_click_paints_a_dot(qapp):
    easel = make()
    easel.click(20, 20)
    np.testing.assert_array_equal(easel.labels, stroke([(20, 20)]))
    easel.double(30, 30)
    np.testing.assert_array_equal(easel.labels, stroke([(30, 30)], labels=stroke([(20, 20)])))


def test_restoring_paints_the_first_mask_back_at_its_own_size(qapp):
    easel = make(RestoreTool)
    easel.editor.perform(Stroke(HAIR, np.array([[30, 25, 90]])))
    easel.drag((20, 20), (30, 22))
    np.testing.assert_array_equal(easel.labels == SKIN, stroke([(20, 20), (30, 22)], radius=4.0) == HAIR)
    assert last_step(easel).title == ("Restore",)


def test_small_moves_count_only_once_they_add_up(qapp):
    easel = make()
    easel.press(20, 20)
    for k in range(1, 11):
        easel.move(20 + 0.11 * k, 20)
    easel.release(21.1, 20)
    np.testing.assert_allclose(last_step(easel).points[:, 0], (20, 20.33, 20.66, 20.99, 21.1))


def test_a_stroke_ends_where_the_hand_is_however_near(qapp):
    easel = make()
    easel.press(20, 20)
    easel.move(24, 20)
    easel.release(24.1, 20)
    assert last_step(easel).points[-1].tolist() == [np.float32(24.1), 20, 3]


def test_long_strokes_keep_every_point(qapp):
    easel = make()
    xs = np.linspace(5, 55, 160)
    easel.drag(*[(x, 25 + 5 * np.sin(x)) for x in xs.tolist()])
    np.testing.assert_allclose(last_step(easel).points[:, 0], xs, atol=1e-4)


def test_places_outside_the_mask(qapp):
    easel = make()
    easel.drag((-50, -50), (-2, 20), (100, 20), (100, 400))
    np.testing.assert_array_equal(easel.labels, stroke([(-50, -50), (-2, 20), (100, 20), (100, 400)]))


def test_what_changes_nothing_is_no_edit(qapp):
    easel = make()
    easel.studio.set_label(SKIN)
    easel.drag((10, 10), (20, 20))
    assert easel.edits == 0 and easel.tool.resting


def test_class_symmetry_and_snapping_stay_through_a_stroke(qapp):
    easel = make(symmetric=True)
    easel.studio.set_label(L_EYE)
    easel.press(10, 10)
    easel.studio.set_label(HAIR)
    easel.studio.change(symmetric=False, snap=True)
    easel.move(15, 10)
    easel.release(15, 12)
    expected = stroke([(10, 10), (15, 10), (15, 12)], L_EYE, mirror=Mirror(30, 25))
    np.testing.assert_array_equal(easel.labels, expected)
    assert (expected == R_EYE).sum() == (expected == L_EYE).sum()


def test_the_size_may_change_on_the_way(qapp):
    easel = make()
    easel.press(10, 10)
    easel.tool.set_size(10)
    easel.move(20, 10)
    easel.release(20, 10)
    assert last_step(easel).points.tolist() == [[10, 10, 3], [20, 10, 5]]


def test_snapping_keeps_to_the_picture(qapp):
    pixels = np.full((*SHAPE, 3), (60, 45, 35), np.uint8)
    pixels[:, 33:] = (225, 190, 170)
    easel = make(pixels=pixels, snap=True, brush_size=30)
    easel.drag((22, 20), (22, 30))
    assert (easel.labels[20:30, 10:31] == HAIR).all() and (easel.labels[:, 36:] == SKIN).all()


def test_protection_holds(qapp):
    labels = np.full(SHAPE, SKIN, np.uint8)
    labels[:, 20:25] = L_EYE
    easel = make(labels=labels)
    easel.editor.set_protection(Protection(locked=(L_EYE,)))
    easel.drag((10, 20), (40, 20))
    np.testing.assert_array_equal(easel.labels, np.where(labels == L_EYE, L_EYE, stroke([(10, 20), (40, 20)])))


# Being interrupted


def test_escape_takes_the_stroke_back(qapp):
    easel = make()
    easel.press(10, 10)
    easel.move(30, 30)
    assert easel.tool.escape() and easel.tool.resting
    assert (easel.labels == SKIN).all() and easel.edits == 0
    easel.move(35, 30)
    easel.release(35, 30)
    assert (easel.labels == SKIN).all() and not easel.tool.escape()


def test_finishing_keeps_the_stroke(qapp):
    easel = make()
    easel.press(10, 10)
    easel.move(20, 10)
    easel.tool.finish()
    assert easel.edits == 1 and easel.tool.resting
    easel.release(40, 40)
    np.testing.assert_array_equal(easel.labels, stroke([(10, 10), (20, 10)]))


def test_undo_in_a_stroke_takes_it_back(qapp):
    easel = make()
    easel.click(5, 5)
    easel.press(30, 30)
    easel.move(40, 30)
    easel.editor.undo()
    np.testing.assert_array_equal(easel.labels, stroke([(5, 5)]))
    assert easel.tool.resting and easel.edits == 1


@pytest.mark.parametrize("kind", [BrushTool, RestoreTool])
def test_nothing_happens_without_a_portrait(qapp, kind):
    easel = Easel(None, kind)
    easel.press(3, 3)
    easel.move(9, 9)
    easel.check_bounds(visible=False)
    easel.release(9, 9)
    assert easel.tool.resting and not easel.tool.escape()
    easel.press(3, 3, shift=True)
    easel.tool.finish()


def test_the_portrait_may_go_in_a_stroke(qapp):
    easel = make()
    easel.press(10, 10)
    easel.editor.document = None
    easel.move(20, 10)
    easel.release(20, 10)
    assert easel.tool.resting


# Lines


def test_shift_and_a_click_draw_a_line_from_the_last_stroke(qapp):
    easel = make()
    easel.drag((10, 10), (20, 12))
    easel.hover(40, 30, shift=True)
    easel.check_bounds()
    easel.click(40, 30, shift=True)
    assert last_step(easel).points[:, :2].tolist() == [[20, 12], [40, 30]] and easel.edits == 2
    easel.click(40, 40, shift=True)
    assert last_step(easel).points[:, :2].tolist() == [[40, 30], [40, 40]]


def test_a_hand_that_slips_still_clicks(qapp):
    easel = make()
    easel.click(10, 10)
    easel.press(40, 30, shift=True)
    easel.move(40.3, 30.2, shift=True)
    easel.release(40.3, 30.2, shift=True)
    assert last_step(easel).points[:, :2].tolist() == [[10, 10], [40, 30]]


def test_shift_without_an_earlier_stroke_draws_a_dot(qapp):
    easel = make()
    easel.click(20, 20, shift=True)
    np.testing.assert_array_equal(easel.labels, stroke([(20, 20)]))


def test_a_stroke_on_another_mask_is_no_beginning(qapp):
    easel = make()
    easel.click(5, 5)
    easel.editor.document = MaskDocument(np.full(SHAPE, SKIN, np.uint8))
    easel.click(30, 30, shift=True)
    np.testing.assert_array_equal(easel.labels, stroke([(30, 30)]))


@VIEWS
@pytest.mark.parametrize("way", [(1, 0.3), (-1, 0.3), (0.2, 1), (-0.2, -1)])
@pytest.mark.parametrize("earlier", [False, True])
def test_shift_in_a_drag_keeps_level_or_upright_as_seen(qapp, view, way, earlier):
    easel = make(view=view)
    if earlier:
        easel.click(5, 5)
    easel.press(30, 25, shift=True)
    for length in (2, 20, 60, 90):
        easel.move(*aside(easel, 30, 25, length * way[0], length * way[1]), shift=True)
    end = aside(easel, 30, 25, 100 * way[0], 100 * way[1])
    easel.release(*end, shift=True)
    points = last_step(easel).points
    screen = [easel.view.map(QPointF(x, y)) - easel.view.map(QPointF(30, 25)) for x, y, _ in points.tolist()]
    along = [(place.x(), place.y())[abs(way[1]) > abs(way[0])] for place in screen]
    across = [(place.y(), place.x())[abs(way[1]) > abs(way[0])] for place in screen]
    np.testing.assert_allclose(across, 0, atol=1e-3)
    assert along[0] == 0 and abs(along[-1]) == pytest.approx(100, abs=1e-3)


def test_shift_on_the_way_keeps_level_from_there(qapp):
    easel = make()
    easel.press(10, 10)
    easel.move(20, 15)
    easel.move(30, 18, shift=True)
    easel.move(40, 25, shift=True)
    easel.move(41, 26)
    easel.release(41, 26)
    np.testing.assert_allclose(last_step(easel).points[:, :2], [[10, 10], [20, 15], [30, 15], [40, 15], [41, 26]])


# Stabilised


def test_a_stabilised_stroke_lags_and_catches_up(qapp):
    easel = make(stabiliser=5)
    easel.press(10, 20)
    easel.move(12, 20)
    np.testing.assert_array_equal(easel.labels, stroke([(10, 20)]))
    easel.move(40, 20)
    assert easel.labels[20, 35] == HAIR and easel.labels[20, 40] == SKIN
    easel.check_bounds()
    easel.release(40, 20)
    np.testing.assert_array_equal(easel.labels, stroke([(10, 20), (40, 20)]))
    assert last_step(easel).points[-1].tolist() == [40, 20, 3]


def test_the_ring_of_a_stabilised_brush_is_where_it_paints(qapp):
    easel = make(stabiliser=10)
    easel.press(10, 20)
    easel.move(15, 20)
    tip = easel.tool.ring()
    assert tip is not None and tip[:2] == (10, 20)
    easel.release(15, 20)
    tip = easel.tool.ring()
    assert tip is not None and tip[:2] == (15, 20)


# Pens


def drag_pen(easel, *places) -> None:
    easel.tool.press(hand(easel, *places[0]))
    for place in places[1:]:
        easel.tool.move(hand(easel, *place))
    easel.tool.release(hand(easel, *places[-1]))


def test_pressure_sets_the_size(qapp):
    easel = make(brush_size=20)
    drag_pen(easel, (10, 10, 1.0), (20, 10, 0.5), (30, 10, 0.2))
    np.testing.assert_allclose(last_step(easel).points[:, 2], [10, 5, 2])
    easel.studio.change(pressure_curve=2.0)
    drag_pen(easel, (10, 30, 0.5), (20, 30, 0.5))
    np.testing.assert_allclose(last_step(easel).points[:, 2], 2.5)
    easel.studio.change(pressure=False)
    drag_pen(easel, (10, 40, 0.5), (20, 40, 0.1))
    np.testing.assert_allclose(last_step(easel).points[:, 2], 10)


def test_pressing_harder_on_the_spot_paints_a_larger_dot(qapp):
    easel = make(brush_size=20)
    drag_pen(easel, (20, 20, 0.2), (20, 20, 0.6), (20, 20, 0.61), (20, 20, 1.0))
    np.testing.assert_allclose(last_step(easel).points[:, 2], [2, 6, 10])


def test_the_ring_shows_the_pressure(qapp):
    easel = make(brush_size=20)
    easel.tool.press(hand(easel, 20, 20, 0.3))
    assert easel.tool.ring_radius() == pytest.approx(3)
    easel.tool.release(hand(easel, 20, 20, 0.3))
    assert easel.tool.ring_radius() == 10


def test_a_mouse_always_presses_fully(qapp):
    easel = make()
    easel.tool.press(Hand(10, 10, QPointF(100, 92), 8.0, 0.4))
    easel.tool.release(Hand(10, 10, QPointF(100, 92), 8.0, 0.4))
    assert last_step(easel).points[:, 2].tolist() == [3]
