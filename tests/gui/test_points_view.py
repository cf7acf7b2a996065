"""The points: where the hand takes them, and what follows from it."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QKeySequence, QMouseEvent, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from app.halvings import Halvings
from app.marks import ACCENT
from app.points_view import GROW, GROW_BY_WHEEL
from engine.align import TYPICAL, alignment_of
from tests.gui.test_canvas import LEFT, MIDDLE, colour_at, place_on, turn_wheel
from tests.gui.test_photo_view import Caught, along_crop, drag, has_colour

WIDTH, HEIGHT = 800, 500
GREY = (120, 120, 120)
SHIFT = Qt.KeyboardModifier.ShiftModifier
KEY = Qt.Key
POINTS = TYPICAL * 240 + (280, 130)


@pytest.mark.parametrize("handle", [0, 1, 2])
@pytest.mark.parametrize("look", ["fitted", "zoomed", "panned"])
def test_a_handle_follows_the_hand(adjusting, handle, look):
    if look != "fitted":
        adjusting.view.set_scale(1.9)
    if look == "panned":
        adjusting.view.pan(37, -21)
    scale = adjusting.view.scale
    changes = Caught(adjusting.points_changed)
    at = place_on(adjusting, *POINTS[handle])
    # Taken beside its middle, it does not jump there.
    QTest.mousePress(adjusting, LEFT, pos=at + QPoint(8, -9))
    QTest.mouseMove(adjusting, at + QPoint(18, 6))
    QTest.mouseMove(adjusting, at + QPoint(28, -29))
    QTest.mouseRelease(adjusting, LEFT, pos=at + QPoint(28, -29))
    QTest.mouseMove(adjusting, at)
    expected = POINTS.copy()
    expected[handle] += np.array([20, -20]) / scale
    assert len(changes) == 2
    assert changes[-1] == pytest.approx(expected)
    assert changes[-1].dtype == np.float64 and changes[-1].shape == (3, 2)
    assert changes[0][handle] == pytest.approx(POINTS[handle] + np.array([10, 15]) / scale)
    assert adjusting.points == pytest.approx(expected)


def test_what_is_told_and_given_is_a_copy(adjusting):
    given = POINTS.copy()
    adjusting.set_points(given)
    given += 50
    adjusting.points[:] = 0
    changes = Caught(adjusting.points_changed)
    QTest.keyClick(adjusting, KEY.Key_Right)
    changes[0] += 99
    QTest.keyClick(adjusting, KEY.Key_Right)
    assert adjusting.points == pytest.approx(POINTS + np.array([[2, 0], [0, 0], [0, 0]]))


@pytest.mark.parametrize("scale", [0.2, 0.7, 8.0])
def test_handles_are_hit_within_fourteen_screen_pixels(adjusting, scale):
    adjusting.set_points(np.array([[200.0, 200], [600, 200], [400, 450]]))
    adjusting.view.set_scale(scale)
    adjusting.view.pan(*((np.array([400, 250]) - adjusting.points[1]) * adjusting.view.scale))
    scale = adjusting.view.scale
    for apart, moves in ((13, True), (16, False)):
        before = adjusting.points
        at = place_on(adjusting, *before[1])
        QTest.mousePress(adjusting, LEFT, pos=at + QPoint(apart, 0))
        QTest.mouseMove(adjusting, at + QPoint(apart, 12))
        QTest.mouseRelease(adjusting, LEFT, pos=at + QPoint(apart, 12))
        moved = adjusting.points - before
        alone = np.abs(moved[1, 1]) > 0 and not np.abs(moved[0]).any()
        assert alone == moves
        if moves:
            assert moved[1] == pytest.approx([0, 12 / scale])


def test_the_inside_of_the_crop_moves_all(adjusting):
    changes = Caught(adjusting.points_changed)
    inside = alignment_of(POINTS).centre
    drag(adjusting, (inside[0] + 60, inside[1]), (9, 4), (30, -10))
    assert changes[-1] == pytest.approx(POINTS + np.array([30, -10]) / adjusting.view.scale)
    count = len(changes)
    drag(adjusting, (20, 20), (30, 30))
    assert len(changes) == count


@pytest.mark.parametrize("with_space", [False, True])
def test_panning_and_zooming_stay(qtbot, adjusting, with_space):
    before, scale = adjusting.view.centre, adjusting.view.scale
    with qtbot.assertNotEmitted(adjusting.points_changed):
        if with_space:
            QTest.keyPress(adjusting, KEY.Key_Space)
        drag(adjusting, POINTS[0], (12, 8), button=LEFT if with_space else MIDDLE)
        if with_space:
            QTest.keyRelease(adjusting, KEY.Key_Space)
        moved = before - adjusting.view.centre
        assert (moved.x() * scale, moved.y() * scale) == pytest.approx((12, 8))
        turn_wheel(adjusting, 120)
    assert adjusting.view.scale == pytest.approx(1.25 * scale)


def test_arrow_keys_nudge_the_handle_touched_last(adjusting):
    QTest.mouseClick(adjusting, LEFT, pos=place_on(adjusting, *POINTS[2]))
    for key, step in ((KEY.Key_Left, (-1, 0)), (KEY.Key_Right, (1, 0)), (KEY.Key_Up, (0, -1)), (KEY.Key_Down, (0, 1))):
        for modifier, factor in ((Qt.KeyboardModifier.NoModifier, 1), (SHIFT, 10)):
            before = adjusting.points
            QTest.keyClick(adjusting, key, modifier)
            assert (adjusting.points - before)[2] == pytest.approx(np.multiply(step, factor))
            assert (adjusting.points - before)[:2] == pytest.approx(0)
    assert "mouth" in adjusting.accessibleDescription()


def test_keys_scale_and_turn_about_the_middle(adjusting):
    middle = POINTS.mean(axis=0)
    for key, factor, degrees in (
        (KEY.Key_BracketRight, GROW, 0),
        (KEY.Key_BracketLeft, 1 / GROW, 0),
        (KEY.Key_Period, 1, 1),
        (KEY.Key_Comma, 1, -1),
    ):
        adjusting.set_points(POINTS)
        QTest.keyClick(adjusting, key)
        moved = adjusting.points
        assert moved.mean(axis=0) == pytest.approx(middle)
        was, now = alignment_of(POINTS), alignment_of(moved)
        assert now.side == pytest.approx(was.side * factor)
        # With y pointing down, a turn to larger angles is one clockwise.
        turned = np.degrees(np.arctan2(now.half[1], now.half[0]) - np.arctan2(was.half[1], was.half[0]))
        assert turned == pytest.approx(degrees, abs=1e-9)


def test_the_wheel_with_shift_scales(adjusting):
    seen = adjusting.view.scale
    turn_wheel(adjusting, 120, SHIFT)
    assert alignment_of(adjusting.points).side == pytest.approx(alignment_of(POINTS).side * GROW_BY_WHEEL)
    turn_wheel(adjusting, -120, SHIFT)
    assert adjusting.points == pytest.approx(POINTS)
    assert adjusting.view.scale == seen


def test_points_stay_near_the_photo(adjusting):
    drag(adjusting, POINTS[0], (-300, -200), (-9000, -9000))
    assert adjusting.points[0].tolist() == [-WIDTH, -WIDTH]
    adjusting.set_points(POINTS)
    inside = alignment_of(POINTS).centre
    drag(adjusting, (inside[0] + 60, inside[1]), (9000, 9000))
    moved = adjusting.points
    # All are held back together: the crop keeps its shape.
    assert moved - moved[0] == pytest.approx(POINTS - POINTS[0])
    assert moved.max(axis=0).tolist() == [2 * WIDTH, HEIGHT + WIDTH]
    QTest.keyClick(adjusting, KEY.Key_BracketRight)
    assert adjusting.points == pytest.approx(moved)
    adjusting.set_points(np.array([[-1e6, 0], [1e6, 0], [0, 1e6]]))
    assert adjusting.points.tolist() == [[-WIDTH, 0], [2 * WIDTH, 0], [0, HEIGHT + WIDTH]]


def test_points_are_not_scaled_beyond_return(adjusting):
    for _ in range(400):
        QTest.keyClick(adjusting, KEY.Key_BracketLeft)
    assert np.abs(adjusting.points - adjusting.points.mean(axis=0)).max() >= 1
    for _ in range(20):
        QTest.keyClick(adjusting, KEY.Key_BracketRight)
    assert alignment_of(adjusting.points).side > 1


def test_points_without_a_crop_can_be_parted(adjusting):
    adjusting.set_points(np.full((3, 2), 300.0))
    assert colour_at(adjusting, 20, 20) == GREY
    assert len(adjusting._handle_captions(adjusting._to_screen(adjusting.points))) == 1
    changes = Caught(adjusting.points_changed)
    drag(adjusting, (300, 300), (-60, 0))
    drag(adjusting, (300, 300), (60, 10))
    assert len(changes) == 2
    alignment_of(adjusting.points)
    for bad in (np.zeros((2, 2)), np.full((3, 2), np.nan)):
        with pytest.raises(ValueError):
            adjusting.set_points(bad)


def test_a_drag_can_be_taken_back(adjusting):
    escaped = []
    QShortcut(QKeySequence("Esc"), adjusting, lambda: escaped.append(True))
    at = place_on(adjusting, *POINTS[1])
    QTest.mousePress(adjusting, LEFT, pos=at)
    QTest.mouseMove(adjusting, at + QPoint(20, 20))
    QTest.keyClick(adjusting, KEY.Key_Left)
    assert adjusting.points != pytest.approx(POINTS)
    QTest.keyClick(adjusting, KEY.Key_Escape)
    assert adjusting.points == pytest.approx(POINTS) and not escaped
    QTest.mouseMove(adjusting, at + QPoint(40, 40))
    QTest.mouseRelease(adjusting, LEFT, pos=at)
    assert adjusting.points == pytest.approx(POINTS)


@pytest.mark.parametrize("lose", ["focus", "hidden", "points", "release"])
def test_a_drag_that_is_cut_off_ends(adjusting, lose):
    if lose == "hidden":
        # Being hidden is enough, without losing the focus as well.
        adjusting.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        adjusting.clearFocus()
    at = place_on(adjusting, *POINTS[1])
    QTest.mousePress(adjusting, LEFT, pos=at)
    if lose == "focus":
        other = QLineEdit(adjusting)
        other.show()
        other.setFocus()
    elif lose == "hidden":
        adjusting.hide()
    elif lose == "points":
        adjusting.set_points(POINTS)
    place = QPointF(at + QPoint(40, 40))
    # The button still seems to be held, unless its release went elsewhere.
    held = Qt.MouseButton.NoButton if lose == "release" else LEFT
    kind, none = QEvent.Type.MouseMove, Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(kind, place, adjusting.mapToGlobal(place), Qt.MouseButton.NoButton, held, none)
    QApplication.sendEvent(adjusting, event)
    assert adjusting.points == pytest.approx(POINTS)


def test_outside_of_the_crop_is_dim(adjusting):
    centre = alignment_of(POINTS).centre
    assert colour_at(adjusting, centre[0], centre[1] - 60) == GREY
    assert max(colour_at(adjusting, 40, 400)) < 0.6 * GREY[0]
    for x, y in along_crop(POINTS):
        near = [colour_at(adjusting, x + dx, y + dy) for dx in (-2, 0, 2) for dy in (-2, 0, 2)]
        assert max(min(colour) for colour in near) > GREY[0] + 40
    adjusting.set_points(None)
    assert adjusting.points is None and colour_at(adjusting, 40, 400) == GREY


def test_the_selected_handle_is_coloured(adjusting):
    for key, selected in ((None, 0), (KEY.Key_Tab, 1), (KEY.Key_Tab, 2)):
        if key:
            QTest.keyClick(adjusting, key)
        assert [has_colour(adjusting, x, y, ACCENT, reach=10) for x, y in POINTS] == [i == selected for i in range(3)]


def test_handles_tell_which_side_is_meant(adjusting):
    tips = []
    for point in POINTS:
        QTest.mouseMove(adjusting, place_on(adjusting, *point))
        tips.append(adjusting.toolTip())
        assert adjusting.cursor().shape() == Qt.CursorShape.PointingHandCursor
    assert "right eye" in tips[0] and "on the left" in tips[0] and "left eye" in tips[1] and "mouth" in tips[2]
    QTest.mouseMove(adjusting, QPoint(3, 3))
    assert adjusting.toolTip() == ""


def test_what_a_move_repaints_is_enough(adjusting):
    adjusting.view.set_scale(1.3)
    QTest.mouseMove(adjusting, place_on(adjusting, *POINTS[2]))
    QApplication.processEvents()
    before = adjusting.grab().toImage()
    covered = adjusting._covered()
    adjusting._move(POINTS + np.array([[9, 4], [-6, 3], [5, 14]]))
    covered = covered.united(adjusting._covered())
    after = adjusting.grab().toImage()
    differs = [(x, y) for x in range(640) for y in range(420) if before.pixel(x, y) != after.pixel(x, y)]
    assert differs and all(covered.contains(x, y) for x, y in differs)
    assert covered != adjusting.rect()


def test_zooms_in_on_a_small_crop(qtbot, photo):
    small = TYPICAL * 40 + (700, 60)
    photo.set_points(small)
    fitted = photo.view.scale
    photo.zoom_to_crop()
    assert photo.view.scale > 3 * fitted
    shown = photo.view.transform(QSizeF(photo.size()))
    for x, y in alignment_of(small).corners():
        assert photo.rect().contains(shown.map(QPointF(x, y)).toPoint())
    photo.set_points(POINTS)
    photo.zoom_to_crop()
    assert photo.view.scale == pytest.approx(fitted) and photo.view.fitted
    photo.hide()
    photo.set_points(small)
    hidden = photo.view.scale
    photo.zoom_to_crop()
    assert photo.view.scale == hidden
    photo.show()
    assert photo.view.scale > 3 * fitted


def test_large_photos_are_halved(photo):
    pixels = np.zeros((600, 2400, 3), np.uint8)
    pixels[:, 1200:] = 200
    photo.set_photo(pixels)
    assert photo.view.image_size.width() == 2400
    assert colour_at(photo, 300, 300) == (0, 0, 0) and colour_at(photo, 2000, 300) == (200, 200, 200)
    assert photo.pixels_within(4096) is pixels
    assert photo.pixels_within(700).shape == (150, 600, 3)
    photo.set_image(None)
    assert photo.pixels_within(700) is None
    assert Halvings(np.zeros((1, 9, 3), np.uint8)).within(4).shape == (1, 9, 3)
