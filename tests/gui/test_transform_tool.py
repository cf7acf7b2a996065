"""The transform tool: what is picked, what its handles do, and what is kept."""

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QTransform

from app.document import MaskDocument
from app.tools.transform_box import Grip
from app.tools.transform_tool import TransformTool
from engine.mask.fills import Fill
from engine.mask.steps import Mirror, Protection
from engine.mask.transform import Transform
from engine.types import Region
from tests.gui.easel import UPRIGHT, Easel
from tests.gui.transforming import (
    EYE,
    HAIR,
    LEFT,
    RIGHT,
    SKIN,
    VIEWS,
    box_of,
    easel,
    eye,
    face,
    picked,
    place_of,
    placed,
    pull,
    turner,
)

pytestmark = pytest.mark.usefixtures("qapp")


# Picking


@VIEWS
def test_a_press_picks_what_lies_under_it_and_a_drag_moves_it(view):
    canvas = easel(view)
    canvas.press(35, 23)
    assert not canvas.tool.resting and box_of(canvas).part.region == EYE
    canvas.move(36.2, 25.1)
    canvas.move(39.4, 20.3)
    assert eye(canvas) == Region(17, 34, 23, 44) and canvas.edits == 0
    canvas.release(39.4, 20.3)
    assert not canvas.tool.resting and canvas.edits == 0
    assert canvas.tool.enter()
    assert canvas.tool.resting and canvas.edits == 1
    assert canvas.editor.history.edits[-1].title == ("Move {0}", "Left eye")
    canvas.editor.undo()
    assert (canvas.labels == face()).all()


def test_a_click_picks_and_a_click_elsewhere_picks_anew():
    canvas = picked()
    assert (canvas.labels == face()).all()
    canvas.click(14, 21)
    assert box_of(canvas).part.label == RIGHT
    canvas.click(2, 46)
    assert canvas.tool.resting and canvas.edits == 0


@pytest.mark.parametrize("x, y", [(1, 1), (-5, 20), (30, 48.5)])
def test_background_and_what_lies_outside_is_not_picked(x, y):
    canvas = easel()
    canvas.click(x, y)
    assert canvas.tool.resting and not canvas.painted().any()


def test_a_slip_of_the_hand_moves_nothing():
    canvas = easel()
    canvas.press(35, 23)
    canvas.move(35.3, 23.1)  # less than three screen pixels
    canvas.release(35.3, 23.1)
    assert canvas.tool.box is not None and (box_of(canvas).matrix == np.eye(2, 3)).all()


def test_a_press_outside_keeps_what_was_done_and_picks_nothing():
    canvas = picked()
    canvas.drag((35, 23), (40, 23))
    canvas.click(14, 21)
    assert canvas.tool.resting and canvas.edits == 1 and eye(canvas) == Region(20, 35, 26, 45)
    canvas.click(14, 21)
    assert box_of(canvas).part.label == RIGHT


def test_without_a_portrait_nothing_happens():
    canvas = Easel(None, TransformTool)
    canvas.drag((5, 5), (9, 9))
    canvas.double(5, 5)
    canvas.tool.flip_horizontal()
    assert canvas.tool.resting and not canvas.tool.enter() and not canvas.tool.escape()
    assert not canvas.painted().any()


# Moving


@VIEWS
def test_several_drags_are_one_edit(view):
    canvas = picked(view)
    canvas.drag((35, 23), (37, 23))
    canvas.drag((37, 23), (37, 27), (37, 28))
    assert eye(canvas) == Region(25, 32, 31, 42)
    canvas.tool.finish()
    assert canvas.edits == 1


@VIEWS
def test_with_shift_a_move_is_level_or_upright_as_seen(view):
    canvas = picked(view)
    canvas.drag((35, 23), (45, 24), shift=True)
    before, after = (view.map(QPointF(*place)) for place in ((35, 23), placed(canvas, (35, 23))))
    way = after - before
    # But for the rounding to whole pixels of the mask.
    assert min(abs(way.x()), abs(way.y())) <= 8 * 0.71 and max(abs(way.x()), abs(way.y())) > 50


def test_moved_back_nothing_is_kept():
    canvas = picked()
    canvas.drag((35, 23), (40, 23), (35, 23))
    assert (canvas.labels == face()).all()
    canvas.tool.finish()
    assert canvas.edits == 0 and canvas.editor.document is not None and canvas.editor.document.trying is None


# Scaling


@VIEWS
@pytest.mark.parametrize("i, j", [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if i or j])
def test_a_handle_takes_its_side_along_and_leaves_the_other(view, i, j):
    canvas = picked(view)
    pull(canvas, Grip("scale", i, j), 4.0 * i, 3.0 * j)
    left, right = 30 - 4 * (i < 0), 40 + 4 * (i > 0)
    top, bottom = 20 - 3 * (j < 0), 26 + 3 * (j > 0)
    assert placed(canvas, (30, 20)) == pytest.approx((left, top))
    assert placed(canvas, (40, 26)) == pytest.approx((right, bottom))
    found = eye(canvas)
    assert abs(np.subtract((found.y0, found.x0, found.y1, found.x1), (top, left, bottom, right))).max() <= 1
    canvas.tool.finish()
    assert canvas.editor.history.edits[-1].title == ("Transform {0}", "Left eye")


@VIEWS
def test_with_alt_the_middle_stays(view):
    canvas = picked(view)
    pull(canvas, Grip("scale", 1, -1), 3, -2, alt=True)
    assert placed(canvas, (30, 20)) == pytest.approx((27, 18))
    assert placed(canvas, (40, 26)) == pytest.approx((43, 28))


@pytest.mark.parametrize("i, j", [(1, 1), (-1, 1), (1, 0), (0, -1)])
def test_with_shift_the_proportions_stay(i, j):
    canvas = picked()
    pull(canvas, Grip("scale", i, j), 5.0 * i, 3.0 * j, shift=True)
    a, b, c, d = box_of(canvas).matrix[:, :2].ravel()
    assert a == pytest.approx(d) == pytest.approx(1.5) and (b, c) == (0, 0)
    fixed = (35 - 5 * i, 23 - 3 * j)
    assert placed(canvas, fixed) == pytest.approx(fixed)


def test_past_the_other_side_the_part_is_flipped_but_never_gone():
    canvas = picked()
    x, y = place_of(canvas, Grip("scale", 1, 0))
    canvas.press(x, y)
    for dx in (-9, -10, -10.01, -11):
        canvas.move(x + dx, y)
        assert (canvas.labels == LEFT).sum() >= 6
    canvas.move(x - 20, y)
    assert eye(canvas) == Region(20, 20, 26, 30)
    canvas.release(x - 20, y)
    assert box_of(canvas).matrix[0, 0] == pytest.approx(-1)


# Turning


@VIEWS
def test_the_round_handle_turns_about_the_middle(view):
    canvas = picked(view)
    x, y = place_of(canvas, turner(canvas))
    angle = math.atan2(y - 23, x - 35)
    reach = math.hypot(x - 35, y - 23)
    to = angle + math.radians(40)
    canvas.drag((x, y), (x + 0.1, y), (35 + reach * math.cos(to), 23 + reach * math.sin(to)))
    matrix = box_of(canvas).matrix
    assert placed(canvas, (35, 23)) == pytest.approx((35, 23))
    assert math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) == pytest.approx(40)
    assert np.linalg.det(matrix[:, :2]) == pytest.approx(1)
    assert (canvas.labels == LEFT).sum() == pytest.approx(60, abs=6)


def test_with_shift_it_turns_by_steps_from_the_upright():
    canvas = picked()
    x, y = place_of(canvas, turner(canvas))
    canvas.drag((x, y), (x + 1.2, y))
    canvas.drag(place_of(canvas, turner(canvas)), (35 + 9, 23 + 8.2), shift=True)
    matrix = box_of(canvas).matrix
    assert math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])) == pytest.approx(135)


def test_a_turned_box_is_scaled_along_its_own_sides():
    canvas = picked()
    x, y = place_of(canvas, turner(canvas))
    canvas.drag((x, y), (35 + 20, 23), shift=True)  # a quarter turn
    assert eye(canvas) == Region(18, 32, 28, 38)
    pull(canvas, Grip("scale", 1, 0), 0, 10)
    assert eye(canvas) == Region(18, 32, 38, 38)


def test_the_handle_that_turns_stays_on_the_mask_if_it_can():
    canvas = easel()
    labels = np.full((48, 72), SKIN, np.uint8)
    labels[:12, 20:40] = HAIR
    canvas.editor.document = MaskDocument(labels)
    canvas.click(30, 5)
    assert turner(canvas) == Grip("turn", 0, 1)
    canvas.tool.escape()
    canvas.editor.document = MaskDocument(np.full((48, 72), SKIN, np.uint8))
    canvas.click(30, 5)
    x, y = place_of(canvas, turner(canvas))
    assert 0 < x < 72 and 0 < y < 48


# Bending


@VIEWS
def test_a_handle_of_the_grid_bends_what_lies_at_it(view):
    canvas = picked(view, warp=True)
    pull(canvas, Grip("bend", 1, 0), 0, -6)
    grid = box_of(canvas).grid
    assert grid is not None and grid.shape == (3, 3, 2)
    expected = np.zeros((3, 3, 2))
    expected[0, 1] = (0, -6)
    np.testing.assert_allclose(grid, expected, atol=1e-9)
    # The eye's tallest column lies where the handle was dragged; its corners stay.
    assert eye(canvas).y0 in (14, 15) and canvas.labels[20, 30] == LEFT == canvas.labels[25, 39]
    pull(canvas, Grip("bend", 1, 0), 2, 1)
    assert box_of(canvas).grid is not grid
    np.testing.assert_allclose(grid, expected, atol=1e-9)
    canvas.tool.finish()
    assert canvas.edits == 1 and canvas.editor.history.edits[-1].title == ("Bend {0}", "Left eye")


def test_a_turned_part_is_bent_where_the_hand_is():
    canvas = picked()
    x, y = place_of(canvas, turner(canvas))
    canvas.drag((x, y), (35 + 20, 23), shift=True)
    canvas.studio.change(warp=True)
    pull(canvas, Grip("bend", 2, 1), 1.5, 4)
    assert box_of(canvas).grid is not None
    np.testing.assert_allclose(np.asarray(box_of(canvas).grid)[1, 2], (4, -1.5), atol=1e-9)


def test_box_and_grid_can_be_used_by_turns():
    canvas = picked(warp=True)
    pull(canvas, Grip("bend", 1, 2), 0, 3)
    canvas.studio.change(warp=False)
    assert Grip("scale", 1, 1) in box_of(canvas).handles(UPRIGHT)
    canvas.drag((35, 23), (40, 23))
    assert box_of(canvas).grid is not None and eye(canvas).x0 == 35
    canvas.studio.change(warp=True)
    canvas.drag((37.5, 21.4), (37.5, 25.4))  # between the handles
    assert placed(canvas, (0, 0)) == pytest.approx((5, 4))
    canvas.tool.finish()
    assert canvas.edits == 1


def test_a_large_part_has_a_finer_grid():
    canvas = easel(warp=True)
    canvas.click(60, 40)
    assert len(box_of(canvas).handles(UPRIGHT)) == 16
    far = QTransform.fromScale(2, 2)
    assert len(box_of(canvas).handles(far)) == 9
    pull(canvas, Grip("bend", 0, 0), 2, 2)
    assert len(box_of(canvas).handles(far)) == 16


# Flipping, mirror image, what goes along


@pytest.mark.parametrize("across", [True, False])
def test_the_picked_part_is_flipped(across):
    labels = face()
    labels[20:22, 30:33] = SKIN
    canvas = easel()
    canvas.editor.document = MaskDocument(labels)
    (canvas.tool.flip_horizontal if across else canvas.tool.flip_vertical)()
    assert (canvas.labels == labels).all()
    canvas.click(36, 24)
    (canvas.tool.flip_horizontal if across else canvas.tool.flip_vertical)()
    crop = labels[EYE.slices]
    np.testing.assert_array_equal(canvas.labels[EYE.slices], crop[:, ::-1] if across else crop[::-1])
    (canvas.tool.flip_horizontal if across else canvas.tool.flip_vertical)()
    assert (canvas.labels == labels).all()
    assert not canvas.tool.resting


def test_symmetry_can_be_switched_meanwhile():
    canvas = picked(symmetric=True)
    canvas.drag((35, 23), (35, 30))
    assert Region.of(canvas.labels == RIGHT) == Region(27, 12, 33, 22)
    canvas.studio.change(symmetric=False)
    assert Region.of(canvas.labels == RIGHT) == Region(20, 12, 26, 22)
    canvas.studio.change(symmetric=True)
    canvas.tool.finish()
    step = canvas.editor.history.edits[-1].entry.step
    assert isinstance(step, Transform) and step.mirror == Mirror(26, 20)


def test_a_double_click_lets_what_lies_upon_a_part_go_along():
    canvas = easel()
    canvas.double(55, 35)
    assert canvas.tool.carries and (canvas.labels == face()).all()
    canvas.drag((55, 35), (57, 36))
    np.testing.assert_array_equal(canvas.labels[5:45, 8:68], face()[4:44, 6:66])
    canvas.hover(57, 36)
    canvas.tool.double(canvas.hand(57, 36))
    canvas.release(57, 36)
    assert not canvas.tool.carries and eye(canvas) == EYE
    canvas.tool.finish()
    assert canvas.edits == 1
    canvas.double(35, 23)  # nothing lies upon an eye
    assert box_of(canvas).part.label == LEFT and not canvas.tool.carries


# Giving up, and what comes between


def test_escape_takes_everything_back():
    canvas = picked()
    canvas.drag((35, 23), (40, 23))
    canvas.press(40, 23)
    canvas.move(44, 28)
    assert canvas.tool.escape() and canvas.tool.resting
    assert (canvas.labels == face()).all()
    canvas.move(50, 28)
    canvas.release(50, 28)
    assert canvas.edits == 0 and (canvas.labels == face()).all() and not canvas.tool.escape()


def test_an_undo_takes_it_back():
    canvas = picked()
    canvas.drag((35, 23), (40, 23))
    canvas.editor.undo()
    assert canvas.tool.resting and canvas.edits == 0 and (canvas.labels == face()).all()


def test_a_part_that_is_only_picked_is_let_go_of_when_the_mask_changes():
    canvas = picked()
    canvas.editor.perform(Fill(HAIR, 35, 23))
    assert canvas.tool.resting
    canvas.click(14, 21)
    canvas.editor.undo()
    assert canvas.tool.resting and (canvas.labels == face()).all()


def test_what_interrupts_keeps_it():
    canvas = picked()
    canvas.drag((35, 23), (40, 23))
    canvas.editor.set_protection(Protection(locked=(SKIN,)))
    assert canvas.tool.resting and canvas.edits == 1


@pytest.mark.parametrize("act", ["move", "flip", "finish", "escape", "enter"])
def test_another_portrait_is_left_alone(act):
    canvas = picked()
    canvas.drag((35, 23), (40, 23))
    canvas.press(40, 23)
    canvas.editor.document = MaskDocument(face())
    match act:
        case "move":
            canvas.move(50, 30)
        case "flip":
            canvas.tool.flip_vertical()
        case "finish" | "escape" | "enter":
            getattr(canvas.tool, act)()
    canvas.release(50, 30)
    assert canvas.tool.resting and canvas.edits == 0 and (canvas.labels == face()).all()
