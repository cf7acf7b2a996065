"""The photo: which face a click or a key selects, and where the hand takes the points."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.marks import ACCENT
from app.photo_view import PhotoView
from engine.align import TYPICAL, Face, alignment_of
from tests.gui.test_canvas import LEFT, colour_at, place_on

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
def choosing(photo):
    photo.set_faces(FACES, None)
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
