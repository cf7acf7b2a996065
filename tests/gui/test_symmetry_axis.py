"""The line of symmetry: when it shows, what its handles do, and that it can be found again."""

import math

import numpy as np
import pytest

from app.tools.areas import RectangleTool
from app.tools.box import ToolBox
from engine.mask.steps import Mirror
from resources.labels import BY_NAME
from tests.fakes import make_face_labels
from tests.gui.easel import FLIPPED, TURNED, UPRIGHT, Easel

SKIN, HAT = BY_NAME["skin"].id, BY_NAME["hat"].id
HEIGHT, WIDTH = 30, 40
AXIS = Mirror(20, 15)
UPPER = (20, 15 - 0.3 * HEIGHT)


@pytest.fixture(autouse=True)
def short_arm(monkeypatch):
    """The handles lie as close together as they fit into a small mask."""
    monkeypatch.setattr("app.tools.axis.ARM", 0.3)


def make(labels=None, view=UPRIGHT, **options) -> tuple[Easel, ToolBox]:
    labels = np.full((HEIGHT, WIDTH), SKIN, np.uint8) if labels is None else labels
    easel = Easel(labels, lambda studio: ToolBox(studio, [RectangleTool(studio)]), view, **options)
    easel.studio.set_label(HAT)
    easel.studio.set_axis(AXIS)
    return easel, easel.tool


def test_line_shows_only_with_symmetry(qapp):
    easel, _ = make()
    easel.check_bounds(visible=False)
    easel.drag((AXIS.x, AXIS.y), (25, 20))
    assert easel.edits == 1 and easel.studio.axis == AXIS
    easel.studio.change(symmetric=True)
    easel.check_bounds()
    assert easel.painted()[:, 20 * 8 + 20].sum() > HEIGHT * 8


@pytest.mark.parametrize("view", [UPRIGHT, TURNED, FLIPPED])
@pytest.mark.parametrize("angle", [0.0, 0.4, math.pi / 2, 3.0])
def test_line_lies_within_its_bounds(qapp, view, angle):
    easel, _ = make(view=view, symmetric=True)
    easel.studio.set_axis(Mirror(18, 12, angle))
    easel.check_bounds()


@pytest.mark.parametrize("view", [UPRIGHT, TURNED, FLIPPED])
def test_middle_handle_moves_the_line_when_the_drag_ends(qapp, view):
    easel, box = make(view=view, symmetric=True)
    moved = []
    easel.studio.mirror_changed.connect(lambda: moved.append(easel.studio.axis))
    easel.press(20.2, 15.3)
    assert not box.resting
    easel.move(24.2, 13.3)
    assert not moved and box.axis.line == Mirror(24, 13)
    easel.release(24.2, 13.3)
    assert moved == [Mirror(24, 13)] and box.resting
    assert easel.edits == 0


@pytest.mark.parametrize("view", [UPRIGHT, TURNED, FLIPPED])
def test_upper_handle_turns_the_line(qapp, view):
    easel, _ = make(view=view, symmetric=True)
    easel.drag(UPPER, (20 + 9, 15 - 9))
    assert easel.studio.axis.angle == pytest.approx(math.pi / 4)
    assert (easel.studio.axis.x, easel.studio.axis.y) == (20, 15)
    # The handle went along: the line now points where the hand was.
    x, y = easel.studio.axis.x + 9 * math.sin(math.pi / 4), easel.studio.axis.y - 9 * math.cos(math.pi / 4)
    easel.drag((x, y), (20 - 1, 15 - 9), shift=True)
    assert easel.studio.axis.angle == pytest.approx(0)


def test_shift_moves_the_line_sideways_alone(qapp):
    easel, _ = make(symmetric=True)
    easel.drag((20, 15), (26, 9), shift=True)
    assert easel.studio.axis == Mirror(26, 15)


def test_middle_handle_stays_in_the_mask(qapp):
    easel, box = make(symmetric=True)
    easel.drag((20, 15), (90, -50))
    assert easel.studio.axis == Mirror(WIDTH, 0)
    easel.hover(WIDTH, 0)
    assert box.axis.hits(easel.hand(WIDTH, 0))
    # There is no room above, so the other handle lies below, and both turn as if they were joined.
    below = 0.3 * HEIGHT
    easel.drag((WIDTH, below), (WIDTH - below, below))
    assert easel.studio.axis.angle == pytest.approx(math.pi / 4)
    easel.check_bounds()


def test_escape_leaves_the_line_where_it_was(qapp):
    easel, box = make(symmetric=True)
    easel.press(20, 15)
    easel.move(30, 15)
    assert box.escape() and box.axis.line == AXIS
    easel.release(30, 15)
    assert easel.studio.axis == AXIS and not box.axis.escape()


def test_double_click_finds_the_face_again(qapp):
    easel, _ = make(labels=make_face_labels(48), symmetric=True)
    easel.studio.set_axis(Mirror(12, 30, 0.2))
    easel.double(12, 30)
    assert abs(easel.studio.axis.angle) < 0.05
    height = 24.0
    x = easel.studio.axis.x + (easel.studio.axis.y - height) * math.tan(easel.studio.axis.angle)
    assert x == pytest.approx(24, abs=0.6)


def test_line_beside_the_mask_is_not_drawn(qapp):
    easel, _ = make(symmetric=True)
    easel.studio.set_axis(Mirror(500, 15))
    easel.check_bounds(visible=False)
