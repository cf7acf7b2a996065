"""The tools that drag areas: what shows while the hand moves, what is kept, and what the keys do."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF

from app.document import MaskDocument
from app.tools.areas import EllipseTool, RectangleTool
from app.tools.lasso import LassoTool, PolygonTool
from engine.mask.fills import Area
from resources.labels import BY_NAME
from tests.gui.easel import FLIPPED, HAT, HEIGHT, TURNED, UPRIGHT, WIDTH, Easel, box, hats, make, start

SKIN, HAIR, L_EYE, R_EYE = (BY_NAME[name].id for name in ("skin", "hair", "l_eye", "r_eye"))
VIEWS = [UPRIGHT, TURNED, FLIPPED]


def on_screen(view) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels' centres lie on the screen, (H, W) each."""
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    return view.m11() * x + view.m21() * y + view.dx(), view.m12() * x + view.m22() * y + view.dy()


def test_rectangle_shows_while_it_is_dragged_and_is_one_edit(qapp):
    easel = make(RectangleTool)
    easel.press(5, 6)
    assert not hats(easel).any() and not easel.tool.resting
    easel.move(30, 25)
    easel.move(12, 20)
    # The larger one from before is gone again.
    np.testing.assert_array_equal(hats(easel), box(5, 6, 12, 20))
    assert easel.edits == 0
    easel.release(12, 20)
    assert easel.edits == 1 and easel.tool.resting
    np.testing.assert_array_equal(hats(easel), box(5, 6, 12, 20))
    easel.editor.undo()
    np.testing.assert_array_equal(easel.labels, start())


@pytest.mark.parametrize("end", [(12, 20), (12, 2), (1, 2), (1, 20)])
def test_rectangle_in_any_direction(qapp, end):
    easel = make(RectangleTool)
    easel.drag((5, 6), end)
    (x0, x1), (y0, y1) = sorted((5, end[0])), sorted((6, end[1]))
    np.testing.assert_array_equal(hats(easel), box(x0, y0, x1, y1))


def test_rectangle_over_the_border(qapp):
    easel = make(RectangleTool)
    easel.drag((-20, -9), (3, 99))
    np.testing.assert_array_equal(hats(easel), box(0, 0, 3, HEIGHT))


@pytest.mark.parametrize("view", VIEWS)
def test_box_is_upright_on_the_screen(qapp, view):
    easel = make(RectangleTool, view=view)
    easel.drag((12.3, 10.1), (26.3, 13.1))
    (x0, y0), (x1, y1) = (view.map(QPointF(*place)).toTuple() for place in ((12.3, 10.1), (26.3, 13.1)))
    x, y = on_screen(view)
    apart = np.maximum(abs(x - (x0 + x1) / 2) - abs(x1 - x0) / 2, abs(y - (y0 + y1) / 2) - abs(y1 - y0) / 2)
    # Corners are kept to a 64th of a mask pixel.
    clear = abs(apart) > 0.3
    np.testing.assert_array_equal(hats(easel)[clear], (apart < 0)[clear])
    assert hats(easel).sum() > 40


@pytest.mark.parametrize("view", VIEWS)
def test_ellipse_fits_the_box_on_the_screen(qapp, view):
    easel = make(EllipseTool, view=view)
    easel.drag((12.3, 10.1), (26.3, 13.1))
    (x0, y0), (x1, y1) = (view.map(QPointF(*place)).toTuple() for place in ((12.3, 10.1), (26.3, 13.1)))
    x, y = on_screen(view)
    radius = np.hypot((x - (x0 + x1) / 2) / (x1 - x0), (y - (y0 + y1) / 2) / (y1 - y0)) * 2
    clear = abs(radius - 1) > 0.02
    np.testing.assert_array_equal(hats(easel)[clear], (radius < 1)[clear])


def test_shift_makes_a_square_and_alt_grows_from_the_middle(qapp):
    easel = make(RectangleTool)
    easel.press(10, 10)
    easel.move(14, 18, shift=True)
    np.testing.assert_array_equal(hats(easel), box(10, 10, 18, 18))
    easel.move(4, 8, shift=True)
    np.testing.assert_array_equal(hats(easel), box(4, 4, 10, 10))
    easel.move(14, 18, alt=True)
    np.testing.assert_array_equal(hats(easel), box(6, 2, 14, 18))
    easel.move(14, 13, shift=True, alt=True)
    np.testing.assert_array_equal(hats(easel), box(6, 6, 14, 14))
    easel.move(14, 13)
    np.testing.assert_array_equal(hats(easel), box(10, 10, 14, 13))


def test_place_of_a_hand_without_a_view_follows_from_its_scale(qapp):
    from app.tools.tool import Hand

    easel = make(RectangleTool)
    easel.tool.press(Hand(3, 4, QPointF(30, 40), 10.0))
    easel.tool.move(Hand(9, 8, QPointF(90, 80), 10.0))
    np.testing.assert_array_equal(hats(easel), box(3, 4, 9, 8))


@pytest.mark.parametrize("kind", [RectangleTool, EllipseTool, LassoTool])
def test_click_without_a_drag_changes_nothing(qapp, kind):
    easel = make(kind)
    easel.click(5, 5)
    easel.drag((5, 5), (5, 5))
    assert not easel.edits and easel.tool.resting and not easel.tool.escape()
    easel.check_bounds(visible=False)


@pytest.mark.parametrize("kind", [RectangleTool, EllipseTool, LassoTool])
def test_escape_takes_the_area_back(qapp, kind):
    easel = make(kind)
    easel.press(5, 5)
    easel.move(20, 5)
    easel.move(20, 20)
    assert hats(easel).any()
    assert easel.tool.escape() and easel.tool.resting
    np.testing.assert_array_equal(easel.labels, start())
    # What the hand still does until the button goes up.
    easel.move(25, 25)
    easel.release(25, 25)
    assert not easel.edits and not hats(easel).any()


@pytest.mark.parametrize("kind", [RectangleTool, EllipseTool, LassoTool])
def test_interruption_keeps_the_area(qapp, kind):
    easel = make(kind)
    easel.press(5, 5)
    easel.move(20, 5)
    easel.move(20, 20)
    shown = hats(easel)
    easel.editor.interrupted.emit()
    assert easel.edits == 1 and easel.tool.resting
    np.testing.assert_array_equal(hats(easel), shown)


def test_undo_takes_back_what_is_dragged(qapp):
    easel = make(RectangleTool)
    easel.drag((1, 1), (3, 3))
    easel.press(5, 5)
    easel.move(20, 20)
    easel.editor.undo()
    easel.move(25, 25)
    easel.release(25, 25)
    np.testing.assert_array_equal(hats(easel), box(1, 1, 3, 3))
    assert easel.edits == 1


def test_area_follows_class_options_and_symmetry_while_it_is_dragged(qapp):
    easel = make(RectangleTool)
    easel.press(24, 10)
    easel.move(28, 20)
    easel.studio.set_label(L_EYE)
    assert (easel.labels[10:20, 24:28] == L_EYE).all()
    easel.studio.change(replaced=HAIR)
    assert (easel.labels[10:15, 24:28] == L_EYE).all() and (easel.labels[15:20, 24:28] == SKIN).all()
    easel.studio.change(symmetric=True)
    assert (easel.labels[10:15, 12:16] == R_EYE).all()
    easel.release(28, 20)
    assert easel.edits == 1
    easel.studio.set_label(HAT)
    assert not (easel.labels == HAT).any()


def test_another_portrait_in_the_middle_of_a_drag(qapp):
    easel = make(RectangleTool)
    easel.press(5, 5)
    easel.move(20, 20)
    easel.editor.document = MaskDocument(start())
    easel.move(25, 25)
    easel.release(25, 25)
    np.testing.assert_array_equal(easel.labels, start())
    assert easel.tool.resting


def test_step_of_someone_else_is_left_alone(qapp):
    easel = make(RectangleTool)
    easel.press(5, 5)
    easel.move(20, 20)
    other = Area(HAT, np.array([(0, 0), (3, 0), (3, 3), (0, 3)], np.float32), "rectangle")
    easel.editor.begin_step(other)
    easel.move(25, 25)
    assert easel.editor.document is not None and easel.editor.document.trying is other
    np.testing.assert_array_equal(hats(easel), box(5, 5, 20, 20) | box(0, 0, 3, 3))


@pytest.mark.parametrize("kind", [RectangleTool, EllipseTool, LassoTool, PolygonTool])
def test_without_a_portrait(qapp, kind):
    easel = Easel(None, kind)
    easel.drag((1, 1), (20, 1), (20, 20))
    easel.double(5, 5)
    assert easel.tool.resting and not easel.tool.escape() and not easel.tool.enter() and not easel.tool.backspace()
    easel.tool.finish()
    easel.tool.left()
    easel.check_bounds(visible=False)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("kind", [RectangleTool, EllipseTool, LassoTool])
def test_outline_lies_within_its_bounds(qapp, kind, view):
    easel = make(kind, view=view)
    easel.press(10, 5)
    for place in ((20, 8), (22, 15), (15, 20)):
        easel.move(*place)
    easel.check_bounds()
    bounds = easel.tool.bounds(view)
    assert bounds.width() < 300 and bounds.height() < 300


def test_outline_of_a_rectangle_is_sharp(qapp):
    easel = make(RectangleTool)
    easel.press(10.03, 5.02)
    easel.move(20.04, 15.01)
    columns = np.flatnonzero(easel.painted()[100])
    left, right = round(10.03 * 8 + 20), round(20.04 * 8 + 20)
    for edge in (left, right):
        near = columns[abs(columns - edge) < 10]
        assert len(near) == 3 and abs(near.mean() - edge) <= 1
    # After the drag nothing is left of it.
    easel.release(20, 15)
    easel.check_bounds(visible=False)
