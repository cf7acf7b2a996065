"""Photos that are dropped on the window, and pictures that come and go by the clipboard."""

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtWidgets import QApplication, QMessageBox

from app.intake import take, to_pil, to_qimage
from engine.types import ImageError
from tests.gui.conftest import drag, settle
from tests.gui.readers import face_at, write_photo

NO_KEY, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
COPY, MOVE = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction


@pytest.fixture(autouse=True)
def _one_face(reader):
    reader.found = [face_at(150, 100)]


@pytest.fixture
def clipboard(qapp):
    clipboard = QGuiApplication.clipboard()
    clipboard.clear()
    yield clipboard
    clipboard.clear()


def files(*paths) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def image() -> QImage:
    return to_qimage(np.random.default_rng(1).integers(0, 256, (200, 300, 3), np.uint8))


class Hand:
    """Drags something over the window."""

    def __init__(self, window, mime, actions=COPY | MOVE):
        self.window, self.mime, self.actions = window, mime, actions

    def enter(self, keys=NO_KEY, place=None):
        return self._send(QDragEnterEvent(place or self.middle, *self._rest(keys)))

    def move(self, keys=NO_KEY, place=None):
        return self._send(QDragMoveEvent(place or self.middle, *self._rest(keys)))

    def drop(self, keys=NO_KEY, place=None):
        self.enter(keys, place)  # there is no drop without it
        return self._send(QDropEvent((place or self.middle).toPointF(), *self._rest(keys)))

    def leave(self):
        self._send(QDragLeaveEvent())

    @property
    def middle(self):
        return self.window.rect().center()

    @property
    def button(self):
        button = self.window.page.style_button
        return button.mapTo(self.window, button.rect().center())

    def _rest(self, keys):
        return self.actions, self.mime, Qt.MouseButton.LeftButton, keys

    def _send(self, event):
        event.setAccepted(False)
        QApplication.sendEvent(self.window, event)
        return event


def test_a_dropped_photo_is_edited(qtbot, window, tmp_path):
    hand = Hand(window, files(write_photo(tmp_path)))
    event = hand.enter()
    hint = window.dropping.hint
    # A copy, whatever the desktop proposes: the file stays where it is.
    assert event.isAccepted() and event.dropAction() == COPY
    assert hint.isVisible() and "edit" in hint.words and hint.rect() == window.rect()
    hand.leave()
    assert not hint.isVisible()
    hand.enter()
    assert hand.drop().isAccepted() and not hint.isVisible()
    qtbot.waitUntil(lambda: window.editor.portrait is not None)
    assert window.editor.portrait.name == "crowd" and not window.banner.isVisible()


@pytest.mark.parametrize("by", ["shift", "button"])
def test_a_photo_can_be_dropped_for_its_style(qtbot, painting, tmp_path, by):
    portrait = painting.editor.portrait
    hand = Hand(painting, files(write_photo(tmp_path)))
    keys, place = (SHIFT, None) if by == "shift" else (NO_KEY, hand.button)
    hand.enter()
    assert "style" not in painting.dropping.hint.words
    hand.move(keys, place)
    assert "style" in painting.dropping.hint.words
    assert hand.drop(keys, place).dropAction() == COPY
    qtbot.waitUntil(lambda: painting.editor.exemplar is not None)
    assert painting.editor.portrait is portrait
    settle(qtbot, painting)


def test_without_a_portrait_there_is_nothing_to_take_a_style_for(qtbot, window, tmp_path):
    hand = Hand(window, files(write_photo(tmp_path)))
    hand.enter(SHIFT, hand.button)
    assert "edit" in window.dropping.hint.words
    hand.drop(SHIFT, hand.button)
    qtbot.waitUntil(lambda: window.editor.portrait is not None)


def test_of_several_files_the_first_is_opened(qtbot, window, tmp_path):
    notices = []
    window.editor.notice.connect(notices.append)
    paths = [write_photo(tmp_path, name) for name in ("a.png", "b.png", "c.png")]
    Hand(window, files(*paths)).drop()
    qtbot.waitUntil(lambda: window.editor.portrait is not None)
    assert window.editor.portrait.name == "a" and notices == ["3 files were dropped: a.png is opened."]


def test_what_lies_elsewhere_is_refused_unless_the_picture_comes_with_it(qtbot, window):
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/face.jpg")])
    Hand(window, mime).drop()
    assert window.banner.isVisible() and "https://example.org/face.jpg is not a file" in window.banner.text
    assert not window.editor.opening.active
    mime.setImageData(image())
    Hand(window, mime).drop()
    qtbot.waitUntil(lambda: window.editor.portrait is not None)
    assert window.editor.portrait.name == "Dropped picture"


def test_text_is_not_taken(window):
    mime = QMimeData()
    mime.setText("hello")
    hand = Hand(window, mime)
    assert not hand.enter().isAccepted() and not window.dropping.hint.isVisible()


def test_dropping_asks_before_edits_are_lost(qtbot, painting, tmp_path, monkeypatch):
    portrait = painting.editor.portrait
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    asked = []

    def ask(*_):
        asked.append(True)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", ask)
    Hand(painting, files(write_photo(tmp_path))).drop()
    assert not asked  # the other program still waits for the end of the drag
    qtbot.waitUntil(lambda: bool(asked))
    assert not painting.editor.opening.active and painting.editor.portrait is portrait


def test_a_picture_is_pasted(qtbot, window, clipboard):
    clipboard.setImage(image())
    window.actions_.paste.trigger()
    settle(qtbot, window)
    assert window.editor.portrait.name == "Pasted picture"
    np.testing.assert_array_equal(window.editor.portrait.photo.pixels, np.asarray(to_pil(image())))


@pytest.mark.parametrize("form", ["file", "path", "quoted", "url"])
def test_a_file_is_pasted(qtbot, window, clipboard, tmp_path, form):
    path = write_photo(tmp_path, "a face.png")
    if form == "file":
        clipboard.setMimeData(files(path))
    else:
        clipboard.setText({"path": f" {path}\n", "quoted": f"'{path}'", "url": path.as_uri()}[form])
    window.actions_.paste.trigger()
    settle(qtbot, window)
    assert window.editor.portrait.name == "a face"


@pytest.mark.parametrize("text", ["", "no such file", "two\nlines", "x" * 5000])
def test_nothing_to_paste(qtbot, window, clipboard, text):
    clipboard.setText(text)
    window.actions_.paste.trigger()
    assert "no picture in the clipboard" in window.banner.text and window.banner.isVisible()


def test_the_edited_picture_is_copied(qtbot, window, clipboard, tmp_path):
    window.commands.open_photo(write_photo(tmp_path))
    settle(qtbot, window)
    drag(qtbot, window, (40, 40), (80, 90))
    settle(qtbot, window)
    window.actions_.copy.trigger()
    np.testing.assert_array_equal(np.asarray(to_pil(clipboard.image())), window.editor.picture)
    window.actions_.studio.whole.trigger()
    settle(qtbot, window)
    window.actions_.copy.trigger()
    copied = np.asarray(to_pil(clipboard.image()))
    assert copied.shape == (200, 300, 3)
    np.testing.assert_array_equal(copied, window.editor.picture)


def test_transparency_comes_along():
    colours = np.random.default_rng(3).integers(0, 256, (5, 7, 4), np.uint8)
    given = QImage(colours.tobytes(), 7, 5, 28, QImage.Format.Format_RGBA8888)
    taken = to_pil(given)
    assert taken.mode == "RGBA"
    np.testing.assert_array_equal(np.asarray(taken), colours)
    # Rows of three bytes a pixel are padded.
    plain = to_pil(given.convertToFormat(QImage.Format.Format_RGB888))
    assert plain.size == (7, 5) and plain.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(plain), colours[..., :3])


def test_nothing_is_made_of_nothing():
    with pytest.raises(ImageError, match="no picture"):
        take(QMimeData())
    mime = QMimeData()
    mime.setImageData(QImage())
    with pytest.raises(ImageError):
        take(mime)


def test_the_hint_leaves_the_style_button_to_be_seen(painting, tmp_path):
    hand = Hand(painting, files(write_photo(tmp_path)))
    area = painting.dropping._button_area()
    before = painting.grab(area.adjusted(4, 4, -4, -4)).toImage()
    corner = painting.grab().toImage().pixelColor(QPoint(30, 300))
    hand.enter()
    assert painting.grab(area.adjusted(4, 4, -4, -4)).toImage() == before
    assert painting.grab().toImage().pixelColor(QPoint(30, 300)) != corner
    hand.leave()
