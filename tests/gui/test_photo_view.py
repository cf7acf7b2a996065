"""The photo: which face a click or a key selects, and where the hand takes the points."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QKeySequence, QMouseEvent, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QWidget

from app.halvings import Halvings
from app.photo_view import PhotoView
from app.points_view import GROW, GROW_BY_WHEEL
from app.theme import ACCENT
from engine.align import TYPICAL, Face, alignment_of
from tests.gui.test_canvas import LEFT, MIDDLE, colour_at, place_on, turn_wheel

WIDTH, HEIGHT = 800, 500
GREY = (120, 120, 120)
SHIFT = Qt.KeyboardModifier.ShiftModifier
KEY = Qt.Key
POINTS = TYPICAL * 240 + (280, 130)


def face(x, y, side, degrees=0.0):
    """Return a face whose crop has its middle and its side there, turned clockwise."""
    turn = np.radians(degrees)
    cos, sin = np.cos(turn), np.sin(turn)
    return Face((TYPICAL - 0.5) @ np.array([[cos, sin], [-sin, cos]]) * side + (x, y), 0.9)


FACES = [face(200, 250, 300), face(560, 260, 240, 25), face(560, 270, 60), face(720, 80, 12)]


@pytest.fixture
def photo(qtbot):
    """Return a shown view of a grey photo."""
    photo = PhotoView("Photo")
    qtbot.addWidget(photo)
    photo.resize(640, 420)
    photo.set_photo(np.full((HEIGHT, WIDTH, 3), GREY, np.uint8))
    with qtbot.waitExposed(photo):
        photo.show()
    photo.activateWindow()
    photo.setFocus()
    QApplication.processEvents()
    return photo


@pytest.fixture
def choosing(photo):
    photo.set_faces(FACES, None)
    return photo


@pytest.fixture
def adjusting(photo):
    photo.set_points(POINTS)
    return photo


class Caught(list):
    """Gathers what a signal says."""

    def __init__(self, signal):
        super().__init__()
        signal.connect(self.append)


def middle_of(face):
    return face.outline.mean(axis=0)


def drag(photo, start, *steps, button=LEFT):
    """Drag from a place of the photo by screen pixels."""
    at = place_on(photo, *start)
    QTest.mousePress(photo, button, pos=at)
    for step in steps:
        QTest.mouseMove(photo, at + QPoint(*step))
    QTest.mouseRelease(photo, button, pos=at + QPoint(*steps[-1]))


def has_colour(photo, x, y, colour, reach=4):
    """Whether a colour is shown at or beside a place of the photo."""
    at, wanted = place_on(photo, x, y), QColor(colour)
    shown = photo.grab().toImage()
    return any(
        shown.pixelColor(at.x() + dx, at.y() + dy) == wanted
        for dx in range(-reach, reach + 1)
        for dy in range(-reach, reach + 1)
    )


def along_crop(points):
    """Return a place on each of the crop's edges, away from captions."""
    corners = alignment_of(points).corners()
    return 0.75 * corners + 0.25 * np.roll(corners, -1, axis=0)


# Choosing


@pytest.mark.parametrize("scale", [None, 0.4, 3.0])
def test_a_click_picks_the_face_under_it(choosing, scale):
    picked, chosen = Caught(choosing.picked), Caught(choosing.chosen)
    for index in (0, 1, 2, 3, 3):
        if scale is not None:
            choosing.view.fit()
            choosing.view.zoom_about(QPointF(*middle_of(FACES[index])), scale)
        x, y = middle_of(FACES[index])
        if index == 1:
            # The third face lies within the second one, and is the inner one.
            x, y = x - 0.2 * 240, y
        QTest.mouseClick(choosing, LEFT, pos=place_on(choosing, x, y))
        assert choosing.selected == index
    assert picked == [0, 1, 2, 3, 3] and chosen == [0, 1, 2, 3]
    choosing.view.fit()
    QTest.mouseClick(choosing, LEFT, pos=place_on(choosing, 400, 480))
    QTest.mouseClick(choosing, Qt.MouseButton.RightButton, pos=place_on(choosing, *middle_of(FACES[0])))
    assert len(picked) == 5 and choosing.selected == 3


def test_tiny_faces_and_badges_can_be_hit(choosing):
    picked = Caught(choosing.picked)
    QTest.mouseClick(choosing, LEFT, pos=place_on(choosing, *middle_of(FACES[3])) + QPoint(11, 6))
    QTest.mouseClick(choosing, LEFT, pos=place_on(choosing, *FACES[0].outline[0]) - QPoint(7, 6))
    assert picked == [3, 0]


def test_keys_choose_and_enter_picks(choosing):
    picked, chosen = Caught(choosing.picked), Caught(choosing.chosen)
    QTest.keyClick(choosing, KEY.Key_Return)
    assert picked == []
    for key, expected in (
        (KEY.Key_Right, 0),
        (KEY.Key_Down, 1),
        (KEY.Key_Left, 0),
        (KEY.Key_Up, 0),
        (KEY.Key_3, 2),
        (KEY.Key_9, 2),
        (KEY.Key_Tab, 3),
        (KEY.Key_Right, 3),
        (KEY.Key_Backtab, 2),
    ):
        QTest.keyClick(choosing, key)
        assert choosing.selected == expected, key
    assert chosen == [0, 1, 0, 2, 3, 2] and picked == []
    assert "3" in choosing.accessibleDescription() and "4" in choosing.accessibleDescription()
    QTest.keyClick(choosing, KEY.Key_Enter)
    assert picked == [2]
    QTest.keyClick(choosing, KEY.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert choosing.selected == 2


def test_tab_leaves_behind_the_last(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    row = QHBoxLayout(window)
    photo, line = PhotoView(), QLineEdit()
    row.addWidget(photo)
    row.addWidget(line)
    photo.set_photo(np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    photo.set_faces(FACES[:2], None)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    photo.setFocus()
    seen = []
    for _ in range(3):
        QTest.keyClick(photo, KEY.Key_Tab)
        seen.append((photo.selected, line.hasFocus()))
    assert seen == [(0, False), (1, False), (1, True)]
    photo.set_points(POINTS)
    photo.setFocus()
    QTest.keyClick(photo, KEY.Key_Tab)
    QTest.keyClick(photo, KEY.Key_Tab)
    assert photo.hasFocus()
    QTest.keyClick(photo, KEY.Key_Up)
    assert photo.points == pytest.approx(POINTS - np.array([[0, 0], [0, 0], [0, 1]]))
    QTest.keyClick(photo, KEY.Key_Tab)
    assert line.hasFocus()


def test_keys_are_not_lost_to_shortcuts(qtbot, photo):
    taken = []
    for keys in ("1", "[", ".", "Left"):
        QShortcut(QKeySequence(keys), photo, lambda keys=keys: taken.append(keys))
    photo.set_faces(FACES, None)
    QTest.keyClick(photo, KEY.Key_1)
    assert photo.selected == 0 and not taken
    photo.set_points(POINTS)
    changes = Caught(photo.points_changed)
    for key in (KEY.Key_BracketLeft, KEY.Key_Period, KEY.Key_Left):
        QTest.keyClick(photo, key)
    assert len(changes) == 3 and not taken
    # What means nothing here is theirs.
    QTest.keyClick(photo, KEY.Key_1)
    assert taken == ["1"]


def test_boxes_are_drawn_turned_and_the_selected_one_in_colour(choosing):
    edges = [(box := one.outline, (box + np.roll(box, -1, axis=0)) / 2)[1] for one in FACES[:2]]
    for middles in edges:
        for x, y in middles:
            assert colour_at(choosing, x, y) != GREY
            assert not has_colour(choosing, x, y, ACCENT)
    assert colour_at(choosing, *middle_of(FACES[0])) == GREY
    choosing.set_faces(FACES, 1)
    assert all(has_colour(choosing, x, y, ACCENT) for x, y in edges[1])
    assert not any(has_colour(choosing, x, y, ACCENT) for x, y in edges[0])
    choosing.set_faces([], None)
    assert all(colour_at(choosing, x, y) == GREY for x, y in np.concatenate(edges))


def test_hovering_shows(choosing):
    inside = middle_of(FACES[0])
    QTest.mouseMove(choosing, QPoint(2, 2))
    assert colour_at(choosing, *inside) == GREY
    QTest.mouseMove(choosing, place_on(choosing, *inside) + QPoint(30, 30))
    assert colour_at(choosing, *inside)[0] > GREY[0] + 5
    assert choosing.cursor().shape() == Qt.CursorShape.PointingHandCursor
    QTest.mouseMove(choosing, QPoint(2, 2))
    assert colour_at(choosing, *inside) == GREY
    assert choosing.cursor().shape() == Qt.CursorShape.ArrowCursor
    QTest.mouseMove(choosing, place_on(choosing, *inside))
    choosing.set_faces([], None)
    assert choosing.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_refuses_a_face_that_is_not_there(photo):
    for selected in (2, -1):
        with pytest.raises(IndexError):
            photo.set_faces(FACES[:2], selected)


# Adjusting


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
