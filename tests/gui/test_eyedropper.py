"""The tool that takes up classes: which one is painted then, and what its caption tells; and how guides look."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QTransform

from app.tools import guides
from app.tools.eyedropper import EyedropperTool
from resources.labels import BY_NAME, palette
from tests.gui.easel import UPRIGHT, Easel

SKIN, HAIR, HAT, L_EYE = (BY_NAME[name].id for name in ("skin", "hair", "hat", "l_eye"))
HEIGHT, WIDTH = 30, 40


def make(view=UPRIGHT) -> Easel[EyedropperTool]:
    """Return hair on the left and skin on the right."""
    labels = np.full((HEIGHT, WIDTH), SKIN, np.uint8)
    labels[:, :10] = HAIR
    easel = Easel(labels, EyedropperTool, view)
    easel.studio.set_label(HAT)
    return easel


def test_eyedropper_tells_of_a_drag_as_one_change(qapp):
    easel = make()
    easel.studio.set_label(L_EYE)
    told = []
    easel.studio.label_changed.connect(lambda label: told.append((label, easel.studio.last_label)))
    easel.press(3, 3)
    easel.move(4, 4)
    easel.move(30, 3)
    assert not easel.tool.resting
    easel.release(30, 3)
    assert told == [(HAIR, L_EYE), (SKIN, L_EYE)] and easel.tool.resting
    easel.studio.swap_labels()
    assert easel.studio.label == L_EYE


def test_eyedropper_back_where_it_was(qapp):
    easel = make()
    easel.studio.set_label(SKIN)
    easel.drag((30, 3), (3, 3), (30, 3))
    assert (easel.studio.label, easel.studio.last_label) == (SKIN, HAT)
    easel.press(3, 3)
    assert easel.studio.label == HAIR and easel.tool.escape()
    assert (easel.studio.label, easel.studio.last_label) == (SKIN, HAT)
    assert not easel.tool.escape()


@pytest.mark.parametrize("place", [(-1, 3), (3, -1), (WIDTH, 3), (3, HEIGHT)])
def test_eyedropper_outside_the_mask(qapp, place):
    easel = make()
    easel.click(*place)
    assert easel.studio.label == HAT
    easel.check_bounds(visible=False)


@pytest.mark.parametrize("place", [(1, 1), (39, 1), (39, 29), (1, 29), (20, 15)])
def test_caption_stays_inside_the_pane(qapp, place):
    easel = make(view=QTransform.fromScale(16.0, 16.0))
    easel.hover(*place)
    easel.check_bounds()
    painted = easel.painted()
    assert not (painted[0].any() or painted[-1].any() or painted[:, 0].any() or painted[:, -1].any())
    # Not below the cursor itself.
    at = easel.hand(*place).at
    assert not painted[round(at.y()) - 3 : round(at.y()) + 4, round(at.x()) - 3 : round(at.x()) + 4].any()
    easel.tool.left()
    easel.check_bounds(visible=False)


def test_caption_shows_the_colour_of_the_class(qapp):
    easel = make()
    for colours in (palette(), palette(colour_blind_safe=True)):
        easel.tool.set_colours(colours)
        easel.hover(30, 3)
        image = QImage(640, 480, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.darkGray)
        painter = QPainter(image)
        easel.tool.paint(painter, easel.view)
        painter.end()
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(480, 640, 4)[..., 2::-1]
        assert (pixels == colours[SKIN]).all(axis=2).sum() > 60


# Guides


def test_guides_can_be_seen_on_black_and_on_white(qapp):
    for ground in (QColor(0, 0, 0), QColor(255, 255, 255)):
        image = QImage(100, 100, QImage.Format.Format_RGB32)
        image.fill(ground)
        painter = QPainter(image)
        guides.draw_dashes(painter, QPointF(10, 20.5), QPointF(90, 20.5))
        guides.draw_square(painter, QPointF(30, 50))
        guides.draw_circle(painter, QPointF(60, 50), hot=True)
        painter.end()
        grey = np.frombuffer(image.constBits(), np.uint8).reshape(100, 100, 4)[..., 1].astype(int)
        apart = abs(grey - ground.green())
        assert apart[18:24, 12:88].max(axis=0).mean() > 50
        for x in (30, 60):
            assert apart[45:56, x - 5 : x + 6].max() > 100


def test_dashes_march_to_the_end_of_the_line(qapp):
    def light(phase: float) -> np.ndarray:
        image = QImage(100, 20, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.black)
        painter = QPainter(image)
        guides.draw_dashes(painter, QPointF(0, 10.5), QPointF(100, 10.5), phase)
        painter.end()
        return np.frombuffer(image.constBits(), np.uint8).reshape(20, 100, 4)[10, :, 0] > 128

    still = light(0.0)
    assert still.any() and not still.all()
    np.testing.assert_array_equal(light(3.0)[20:80], still[17:77])
    np.testing.assert_array_equal(light(2 * guides.DASH), still)


def test_square_handle_is_nine_pixels_wide(qapp):
    image = QImage(40, 40, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    guides.draw_square(painter, QPointF(20.5, 20.5))
    painter.end()
    drawn = np.frombuffer(image.constBits(), np.uint8).reshape(40, 40, 4)[..., 3] > 0
    rows, found = np.nonzero(drawn.any(axis=1))[0], np.nonzero(drawn.any(axis=0))[0]
    assert (rows[0], rows[-1]) == (16, 24) and (found[0], found[-1]) == (16, 24)
