"""The page that asks for a face or its points: what it says, shows and hands over."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget

from app.align_page import PREVIEW, SIDEBAR, AlignPage
from app.start import application
from engine.align import TYPICAL, Face, alignment_of, cut_out, points_in, whole_frame
from tests.gui.test_canvas import LEFT, place_on

WIDTH, HEIGHT = 900, 600
KEY = Qt.Key
COLOURS = ((200, 60, 60), (60, 180, 70), (70, 80, 210))
FACES = [Face(TYPICAL * 240 + (40 + 290 * index, 150), 0.9) for index in range(3)]


class Heard(list):
    """Gathers what the page says, in order."""

    def __init__(self, page):
        super().__init__()
        page.accepted.connect(lambda points: self.append(points))
        page.cancelled.connect(lambda: self.append("cancelled"))


@pytest.fixture(scope="module")
def pixels():
    """Return a photo with a flat colour wherever a face's crop lies."""
    photo = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    for index, colour in enumerate(COLOURS):
        photo[:, 300 * index + 15 : 300 * index + 305] = colour
    return photo


@pytest.fixture
def page(qapp, qtbot):
    """Return a shown page without a photo."""
    application()
    page = AlignPage()
    qtbot.addWidget(page)
    page.resize(960, 560)
    with qtbot.waitExposed(page):
        page.show()
    page.activateWindow()
    QApplication.processEvents()
    return page


def texts(page):
    """Return all words that are seen in labels."""
    return [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page) and label.text()]


def button(page, text):
    """Return the button with these words."""
    return next(one for one in page.findChildren(QPushButton) if one.text() == text)


def press(page, text):
    QTest.mouseClick(button(page, text), LEFT)


def click_face(page, face):
    QTest.mouseClick(page.photo, LEFT, pos=place_on(page.photo, *face.outline.mean(axis=0)))


def preview(page):
    """Return the preview's widget, brought up to date."""
    QApplication.processEvents()
    return next(one for one in page.findChildren(QWidget) if one.accessibleName() == "Preview of the crop")


def preview_colour(page):
    widget = preview(page)
    return widget.grab().toImage().pixelColor(widget.width() // 2, widget.height() // 2).getRgb()[:3]


def test_choosing(page, pixels):
    heard = Heard(page)
    page.choose(pixels, FACES)
    assert any("3 faces were found. Click the one to edit." in text for text in texts(page))
    assert page.points is None and not page.adjusting
    assert not button(page, "Edit this face").isEnabled()
    assert preview(page).pixels is None and preview(page).accessibleDescription()
    assert page.photo.hasFocus()
    for index in (1, 2):
        click_face(page, FACES[index])
        assert page.points == pytest.approx(FACES[index].points)
        assert preview_colour(page) == COLOURS[index]
    assert button(page, "Edit this face").isEnabled() and not heard
    press(page, "Edit this face")
    assert len(heard) == 1
    assert heard[0] == pytest.approx(FACES[2].points)
    assert heard[0].dtype == np.float64 and heard[0] is not FACES[2].points


def test_choosing_by_keyboard(page, pixels):
    heard = Heard(page)
    page.choose(pixels, FACES)
    QTest.keyClick(page.photo, KEY.Key_Return)
    assert not heard
    QTest.keyClick(page.photo, KEY.Key_2)
    assert preview_colour(page) == COLOURS[1]
    QTest.keyClick(page.photo, KEY.Key_Return)
    assert len(heard) == 1 and heard[0] == pytest.approx(FACES[1].points)


def test_a_double_click_selects_only(page, pixels):
    heard = Heard(page)
    page.choose(pixels, FACES)
    QTest.mouseDClick(page.photo, LEFT, pos=place_on(page.photo, *FACES[0].outline.mean(axis=0)))
    assert page.points == pytest.approx(FACES[0].points) and not heard


def test_a_single_face_is_selected(page, pixels):
    heard = Heard(page)
    page.choose(pixels, FACES[1:2])
    assert any("One face was found." in text for text in texts(page))
    assert preview_colour(page) == COLOURS[1]
    QTest.keyClick(page.photo, KEY.Key_Enter)
    assert heard[0] == pytest.approx(FACES[1].points)


def test_a_chosen_face_can_be_adjusted(page, pixels):
    heard = Heard(page)
    page.choose(pixels, FACES)
    click_face(page, FACES[1])
    press(page, "Adjust alignment…")
    assert page.adjusting and page.points == pytest.approx(FACES[1].points)
    QTest.keyClick(page.photo, KEY.Key_Down)
    press(page, "Use this crop")
    assert heard[0] == pytest.approx(FACES[1].points + np.array([[0, 1], [0, 0], [0, 0]]))


@pytest.mark.parametrize("by_key", [False, True])
def test_back_to_the_choice(page, pixels, by_key):
    heard = Heard(page)
    page.choose(pixels, FACES)
    click_face(page, FACES[1])
    press(page, "Adjust alignment…")
    QTest.keyClick(page.photo, KEY.Key_Down)
    if by_key:
        QTest.keyClick(page.photo, KEY.Key_Escape)
    else:
        press(page, "Back")
    assert not heard and not page.adjusting
    assert page.photo.selected == 1 and page.points == pytest.approx(FACES[1].points)
    QTest.keyClick(page.photo, KEY.Key_Escape)
    assert heard == ["cancelled"]


def test_a_face_that_was_not_found_is_framed_by_hand(page, pixels):
    page.choose(pixels, FACES)
    press(page, "Adjust alignment…")
    assert page.points == pytest.approx(points_in(whole_frame(HEIGHT, WIDTH)))


def test_adjusting(page, pixels):
    heard = Heard(page)
    page.adjust(pixels, FACES[0].points, "No face was found.")
    shown = texts(page)
    assert "No face was found." in shown and "Drag the points onto the eyes and the mouth." in shown
    assert page.photo.hasFocus() and preview_colour(page) == COLOURS[0]
    at = place_on(page.photo, *FACES[0].points[0])
    QTest.mousePress(page.photo, LEFT, pos=at)
    QTest.mouseMove(page.photo, at + QPoint(10, 20))
    QTest.mouseRelease(page.photo, LEFT, pos=at + QPoint(10, 20))
    step = np.array([10, 20]) / page.photo.view.scale
    expected = FACES[0].points + np.array([step, [0, 0], [0, 0]])
    assert page.points == pytest.approx(expected)
    QTest.keyClick(page.photo, KEY.Key_Return)
    assert len(heard) == 1 and heard[0] == pytest.approx(expected)
    press(page, "Reset points")
    assert page.points == pytest.approx(FACES[0].points)
    press(page, "Cancel")
    assert heard[1:] == ["cancelled"]
    page.adjust(pixels, FACES[0].points)
    assert "No face was found." not in texts(page)


def test_the_preview_follows_the_drag(page, pixels):
    page.adjust(pixels, FACES[0].points)
    page.photo.view.fit()
    assert preview_colour(page) == COLOURS[0]
    centre = alignment_of(FACES[0].points).centre
    at = place_on(page.photo, centre[0], centre[1] - 70)
    across = QPoint(round(580 * page.photo.view.scale), 0)
    QTest.mousePress(page.photo, LEFT, pos=at)
    QTest.mouseMove(page.photo, at + across / 2)
    assert preview_colour(page) == COLOURS[1]
    QTest.mouseMove(page.photo, at + across)
    assert preview_colour(page) == COLOURS[2]
    QTest.mouseRelease(page.photo, LEFT, pos=at + across)
    assert preview(page).pixels == pytest.approx(cut_out(pixels, alignment_of(page.points), PREVIEW))


def test_moves_that_come_fast_share_a_preview(page, pixels, monkeypatch):
    page.adjust(pixels, FACES[0].points)
    QApplication.processEvents()
    made = []
    monkeypatch.setattr("app.align_page.cut_out", lambda *what: made.append(what) or cut_out(*what))
    for _ in range(20):
        page.photo.points_changed.emit(page.points)
    QApplication.processEvents()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (np.full((3, 2), 100.0), "too close together"),
        (TYPICAL * 100 + (1300, 100), "outside the photo"),
        (TYPICAL * 100 + (200, -220), "outside the photo"),
    ],
)
def test_points_without_a_crop_cannot_be_used(page, pixels, points, words):
    heard = Heard(page)
    page.adjust(pixels, points)
    assert not button(page, "Use this crop").isEnabled()
    assert words in preview(page).accessibleDescription() and preview(page).pixels is None
    QTest.keyClick(page.photo, KEY.Key_Return)
    assert not heard
    page.photo.view.set_scale(0.3)
    page.photo.view.pan(*(-(points[0] - (450, 300)) * page.photo.view.scale / 2))
    page.photo.set_points(FACES[1].points)
    page.photo.points_changed.emit(page.points)
    assert button(page, "Use this crop").isEnabled() and preview_colour(page) == COLOURS[1]


def test_a_crop_that_reaches_beyond_the_photo_can_be_used(page, pixels):
    heard = Heard(page)
    page.adjust(pixels, TYPICAL * 600 + (-250, -100))
    assert button(page, "Use this crop").isEnabled()
    press(page, "Use this crop")
    assert len(heard) == 1 and preview(page).pixels is not None


def test_enter_presses_the_focused_button(page, pixels):
    heard = Heard(page)
    page.adjust(pixels, FACES[0].points)
    button(page, "Cancel").setFocus()
    QTest.keyClick(button(page, "Cancel"), KEY.Key_Return)
    assert heard == ["cancelled"]


def test_keys_are_not_lost_to_shortcuts(page, pixels):
    heard, taken = Heard(page), []
    for keys in ("Esc", "Return", "2"):
        QShortcut(QKeySequence(keys), page, lambda keys=keys: taken.append(keys))
    page.choose(pixels, FACES)
    QTest.keyClick(page.photo, KEY.Key_2)
    QTest.keyClick(page.photo, KEY.Key_Return)
    QTest.keyClick(button(page, "Edit this face"), KEY.Key_Escape)
    assert len(heard) == 2 and heard[1] == "cancelled" and not taken


def test_another_photo_takes_its_place(page, pixels):
    page.choose(pixels, FACES)
    click_face(page, FACES[0])
    other = np.full((300, 500, 3), (1, 2, 250), np.uint8)
    page.adjust(other, TYPICAL * 200 + (100, 40), "Nothing.")
    assert page.photo.view.image_size.width() == 500 and preview_colour(page) == (1, 2, 250)
    page.choose(pixels, FACES)
    assert page.points is None and page.photo.points is None
    assert page.photo.view.image_size.width() == WIDTH and "Nothing." not in texts(page)


def test_large_photos_are_previewed_from_a_smaller_copy(page, monkeypatch):
    large = np.zeros((300, 10_000, 3), np.uint8)
    large[:, 5000:] = (0, 90, 200)
    sizes = []
    monkeypatch.setattr("app.align_page.cut_out", lambda *what: sizes.append(what[0].shape[1]) or cut_out(*what))
    page.adjust(large, TYPICAL * 2600 + (3700, -1200))
    image = preview(page).pixels
    assert sizes == [2500]
    # The crop's middle is where the photo changes.
    assert image[128, 120].tolist() == [0, 0, 0] and image[128, 136].tolist() == [0, 90, 200]
    page.adjust(large, TYPICAL * 200 + (5100, 50))
    preview(page)
    assert sizes == [2500, 10_000]


def test_nothing_is_cut_off_when_room_is_short(page, pixels):
    page.resize(960, 480)
    page.adjust(pixels, FACES[0].points, "The face parser sees no face at these points. Move them, or choose another.")
    QApplication.processEvents()
    parts = [one for one in (*page.findChildren(QLabel), *page.findChildren(QPushButton)) if one.isVisibleTo(page)]
    parts.append(preview(page))
    boxes = []
    for part in parts:
        box = part.rect().translated(part.mapTo(page, QPoint(0, 0)))
        assert page.rect().contains(box)
        assert box.left() >= page.width() - SIDEBAR
        if isinstance(part, QLabel):
            assert box.height() >= part.heightForWidth(box.width())
        elif isinstance(part, QPushButton):
            assert box.width() >= part.minimumSizeHint().width() and box.height() >= part.minimumSizeHint().height()
        assert not any(box.intersects(other) for other in boxes)
        boxes.append(box)
    assert preview(page).height() >= 96
    shown = page.photo.view.transform(page.photo.size().toSizeF()).map(QPointF(*FACES[0].points[0]))
    assert page.photo.rect().contains(shown.toPoint())
