"""Projects, recovery and what is remembered, through the whole window: nothing that was done is lost unasked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox

from app.display import Display
from app.editor import Editor
from app.project import SUFFIX
from app.recovery import RecoveryDialog
from app.settings import Settings, load_settings
from app.window import MainWindow
from resources.labels import BY_NAME
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import drag, settle
from tests.project_fakes import end

HAIR, HAT = (BY_NAME[name].id for name in ("hair", "hat"))
CONTROL = Qt.KeyboardModifier.ControlModifier
BUTTONS = QMessageBox.StandardButton


@pytest.fixture
def more(qtbot, reader):
    """Return what opens another window; all are closed in the end."""
    windows = []

    def open_one(settings: Settings | None = None) -> MainWindow:
        window = MainWindow(Editor(make_reader=reader), settings or Settings())
        windows.append(window)
        window.show()
        window.editor.load_model(lambda progress: FakeGenerator())
        settle(qtbot, window)
        return window

    yield open_one
    reader.let_go()
    for window in windows:
        window.editor.forget_unsaved()
        window.close()
        window.deleteLater()


@pytest.fixture
def saves_to(monkeypatch, tmp_path):
    """Let the dialog that asks for a file answer with one of these."""
    target = tmp_path / f"ada{SUFFIX}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    return target


@pytest.fixture
def answers(monkeypatch):
    """Answer questions, and note them."""

    class Answers(list):
        reply = BUTTONS.Cancel

    asked = Answers()

    def question(parent, title, text, *_):
        asked.append(text)
        return asked.reply

    monkeypatch.setattr(QMessageBox, "question", question)
    return asked


def paint(qtbot, window, *rows):
    window.studio.set_label(HAT)
    for y in rows:
        drag(qtbot, window, (200, y), (300, y))
    settle(qtbot, window)


def save(qtbot, window):
    window.activateWindow()
    window.canvas.setFocus()
    QApplication.processEvents()
    qtbot.keyClick(window.canvas, Qt.Key.Key_S, CONTROL)
    settle(qtbot, window)


def same(window, other):
    """Whether two windows have the same mask and history, wherever in it they are."""
    first, second = window.editor, other.editor
    np.testing.assert_array_equal(first.document.labels, second.document.labels)
    assert [edit.title for edit in first.history.edits] == [edit.title for edit in second.history.edits]
    assert first.history.index == second.history.index


# Projects


def test_the_title_has_a_star_as_long_as_something_is_unsaved(qtbot, painting, saves_to):
    assert painting.windowTitle() == "ada – Maskbrush"
    paint(qtbot, painting, 60)
    assert painting.windowTitle() == "ada* – Maskbrush"
    save(qtbot, painting)
    assert saves_to.exists() and painting.windowTitle() == "ada – Maskbrush" and not painting.editor.unsaved
    painting.actions_.undo.trigger()
    assert painting.windowTitle().startswith("ada*")
    painting.actions_.redo.trigger()
    assert painting.windowTitle() == "ada – Maskbrush"
    # In a project another look is something to save, too.
    painting.actions_.studio.only_edit.trigger()
    settle(qtbot, painting)
    assert painting.windowTitle() == "ada* – Maskbrush"
    save(qtbot, painting)
    assert painting.windowTitle() == "ada – Maskbrush"


def test_saving_asks_for_the_file_once(qtbot, painting, saves_to, monkeypatch):
    paint(qtbot, painting, 60)
    save(qtbot, painting)
    size = saves_to.stat().st_size
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("it asked again"))
    paint(qtbot, painting, 300, 480)
    save(qtbot, painting)
    assert saves_to.stat().st_size > size and not painting.editor.unsaved


def test_no_file_is_no_project(qtbot, painting, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("", ""))
    paint(qtbot, painting, 60)
    save(qtbot, painting)
    assert painting.editor.unsaved and painting.editor.projects.path is None


@pytest.mark.parametrize("way", ["open", "drop", "recent"])
def test_a_project_comes_back_whole(qtbot, painting, saves_to, more, monkeypatch, way):
    paint(qtbot, painting, 60, 300, 480)
    painting.actions_.undo.trigger()
    painting.actions_.studio.only_edit.trigger()
    save(qtbot, painting)
    other = more()
    if way == "open":
        monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(saves_to), ""))
        other.actions_.open_photo.trigger()
    elif way == "recent":
        other.recent.add(saves_to)
        other.recent.menu.actions()[0].trigger()
    else:
        drop(other, saves_to)
    qtbot.waitUntil(lambda: other.editor.document is not None)
    settle(qtbot, other)
    same(painting, other)
    assert other.windowTitle() == "ada – Maskbrush" and other.editor.projects.path == saves_to
    # Its look is shown where it is chosen.
    assert not other.editor.only_edit and not other.page.only_edit.isChecked()
    assert not other.actions_.studio.only_edit.isChecked()
    for action in ("redo", "undo", "undo", "undo", "redo"):
        for window in (painting, other):
            getattr(window.actions_, action).trigger()
        same(painting, other)
    for window in (painting, other):
        settle(qtbot, window)


def drop(window, path: Path, keys=Qt.KeyboardModifier.NoModifier):
    """Drop a file on the middle of a window; returns what the hint said."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    place, copy, left = window.rect().center(), Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    QApplication.sendEvent(window, QDragEnterEvent(place, copy, mime, left, keys))
    words = window.dropping.hint.words
    QApplication.sendEvent(window, QDropEvent(QPointF(place), copy, mime, left, keys))
    return words


def test_a_project_that_is_dropped_is_opened_whatever_key_is_held(qtbot, painting, saves_to, more):
    paint(qtbot, painting, 60)
    save(qtbot, painting)
    other = more()
    other.editor.edit_portrait(make_portrait(256, "eve", mask_size=(512, 512), seed=1))
    settle(qtbot, other)
    words = drop(other, saves_to, Qt.KeyboardModifier.ShiftModifier)
    assert "project" in words and "style" not in words
    qtbot.waitUntil(lambda: other.editor.portrait is not None and other.editor.portrait.name == "ada")
    settle(qtbot, other)
    assert other.editor.exemplar is None and not other.banner.isVisible()


@pytest.mark.parametrize("content", [b"", b"not a project", None])
def test_a_broken_project_leaves_everything_as_it_was(
    qtbot, painting, saves_to, tmp_path, monkeypatch, answers, content
):
    paint(qtbot, painting, 60)
    save(qtbot, painting)
    paint(qtbot, painting, 300)
    broken = tmp_path / f"broken{SUFFIX}"
    whole = saves_to.read_bytes()
    broken.write_bytes(whole[: len(whole) // 2] if content is None else content)
    labels, edits = painting.editor.document.labels.copy(), list(painting.editor.history.edits)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(broken), ""))
    answers.reply = BUTTONS.Discard
    painting.actions_.open_photo.trigger()
    settle(qtbot, painting)
    assert painting.banner.isVisible() and broken.name in painting.banner.text
    np.testing.assert_array_equal(painting.editor.document.labels, labels)
    assert list(painting.editor.history.edits) == edits and painting.editor.unsaved
    assert painting.editor.projects.path == saves_to and painting.windowTitle() == "ada* – Maskbrush"
    assert str(broken) not in painting.settings.recent


# Closing


@pytest.mark.parametrize("reply", [BUTTONS.Cancel, BUTTONS.Discard, BUTTONS.Save])
def test_closing_asks_what_becomes_of_unsaved_edits(qtbot, painting, saves_to, answers, reply):
    paint(qtbot, painting, 60)
    answers.reply = reply
    closed = painting.close()
    assert len(answers) == 1 and "ada" in answers[0]
    assert closed == (reply != BUTTONS.Cancel) and saves_to.exists() == (reply == BUTTONS.Save)


def test_closing_without_edits_asks_nothing(painting, answers):
    assert painting.close() and not answers


# Recovery


@pytest.mark.parametrize("accepted", [True, False])
def test_edits_of_a_window_that_ended_are_found_again(qtbot, painting, more, monkeypatch, accepted):
    paint(qtbot, painting, 60, 300)
    labels = painting.editor.document.labels.copy()
    # As if its process had ended: what held the folder is gone.
    journal = painting.commands.recovery.autosave._journal
    assert journal is not None
    painting.editor.wait_for_files()
    end(journal)
    offered = []

    def choose(dialog):
        offered.append(dialog.list.count())
        dialog.chosen = dialog.current
        return QDialog.DialogCode.Accepted if accepted else QDialog.DialogCode.Rejected

    monkeypatch.setattr(RecoveryDialog, "exec", choose)
    other = more()
    other.commands.recovery.offer()
    assert offered == [1]
    if not accepted:
        assert other.editor.document is None
        return
    qtbot.waitUntil(lambda: other.editor.document is not None)
    settle(qtbot, other)
    np.testing.assert_array_equal(other.editor.document.labels, labels)
    assert other.editor.unsaved and other.windowTitle() == "ada* – Maskbrush"
    other.actions_.undo.trigger()
    assert other.editor.history.index == 1
    settle(qtbot, other)


# What is remembered


def test_the_next_window_is_as_the_last_one_was(qtbot, painting, more):
    studio = painting.actions_.studio
    painting.resize(1300, 700)
    studio.tools["lasso"].trigger()
    painting.studio.change(brush_size=77, symmetric=True, stabiliser=3)
    painting.studio.set_label(HAT)
    studio.layouts[1].trigger()
    painting.workspace.show_panel(1)
    painting.workspace.set_display(Display(colour_blind_safe=True))
    studio.minimap.trigger()
    painting.page.opacity.setValue(35)
    painting.use_theme("light")
    painting.actions_.palette._recent = ("undo", "fit")
    painting.actions_.shortcuts.apply({"tool-fill": "Ctrl+Alt+J"})
    painting.settings = replace(painting.settings, shortcuts=painting.actions_.shortcuts.overrides)
    assert painting.close()
    other = more(load_settings())
    # The test's screen may be too small for what is remembered.
    assert other.settings.geometry
    other.resize(1300, 700)
    QApplication.processEvents()
    assert other.workspace.box.current.name == "lasso" == other.workspace.options.tool
    assert other.actions_.studio.tools["lasso"].isChecked()
    assert other.studio.options == painting.studio.options and other.actions_.studio.symmetric.isChecked()
    assert other.studio.label == HAT == other.workspace.classes.label
    assert other.page.layout_ == 2 and other.actions_.studio.layouts[1].isChecked()
    assert other.workspace.panel == 1 and other.workspace.panels.isVisible()
    assert other.actions_.studio.panels[1].isChecked()
    assert other.workspace.display.colour_blind_safe and other.actions_.studio.safe.isChecked()
    assert not other.canvas.minimap_on and not other.actions_.studio.minimap.isChecked()
    assert other.page.opacity.value() == 35 and other.settings.theme == "light"
    assert other.actions_.palette.recent == ("undo", "fit")
    assert other.actions_.studio.tools["fill"].shortcut().toString() == "Ctrl+Alt+J"
    other.use_theme("dark")


def test_a_panel_that_was_closed_stays_closed(painting, more):
    painting.workspace.show_panel(-1)
    assert painting.close()
    other = more(load_settings())
    other.resize(1400, 700)
    QApplication.processEvents()
    assert other.workspace.panel == -1 and not other.workspace.panels.isVisible()
