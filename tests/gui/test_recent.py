"""The photos opened last, and the settings that remember them."""

import json
from dataclasses import replace

import pytest
from PySide6.QtWidgets import QFileDialog

from app.editor import Editor
from app.settings import RECENT, Settings, load_settings, save_settings, settings_path
from app.window import SAMPLE, MainWindow
from tests.gui.conftest import settle
from tests.gui.readers import face_at, write_photo


@pytest.fixture(autouse=True)
def _one_face(reader):
    reader.found = [face_at(150, 100)]


def texts(window):
    return [action.text() for action in window.recent.menu.actions() if not action.isSeparator()]


def open_photo(qtbot, window, path):
    window.commands.open_photo(path)
    settle(qtbot, window)


def test_photos_are_listed_the_newest_first(qtbot, window, tmp_path):
    assert not window.recent.menu.menuAction().isEnabled()
    paths = [write_photo(tmp_path, f"{name}.png") for name in "abc"]
    for path in (*paths, paths[0]):
        open_photo(qtbot, window, path)
    assert window.settings.recent == tuple(str(path) for path in (paths[0], paths[2], paths[1]))
    assert texts(window) == ["&1  a.png", "&2  c.png", "&3  b.png", "&Clear list"]
    window.recent.menu.actions()[1].trigger()
    settle(qtbot, window)
    assert window.editor.portrait.name == "c" and texts(window)[0] == "&1  c.png"
    window.recent.menu.actions()[-1].trigger()
    assert window.settings.recent == () and not window.recent.menu.menuAction().isEnabled()


def test_the_list_has_an_end_and_leaves_out_the_samples_and_what_cannot_be_read(qtbot, window, tmp_path):
    for number in range(RECENT + 2):
        window.recent.add(tmp_path / f"{number}.png")
    assert len(window.settings.recent) == RECENT and window.settings.recent[0].endswith(f"{RECENT + 1}.png")
    before = window.settings.recent
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    for path in (SAMPLE, bad):
        open_photo(qtbot, window, path)
    assert window.settings.recent == before


def test_a_file_that_is_gone_leaves_the_list(qtbot, window, tmp_path):
    path = write_photo(tmp_path, "a & b.png")
    open_photo(qtbot, window, path)
    portrait = window.editor.portrait
    assert texts(window)[0] == "&1  a && b.png"
    path.unlink()
    window.recent.menu.actions()[0].trigger()
    assert window.banner.isVisible() and "not there any more" in window.banner.text
    assert window.settings.recent == () and window.editor.portrait is portrait


def test_the_list_is_remembered(qtbot, window, tmp_path, reader):
    path = write_photo(tmp_path)
    open_photo(qtbot, window, path)
    window.close()
    assert load_settings().recent == (str(path),)
    again = MainWindow(Editor(make_reader=reader), load_settings())
    qtbot.addWidget(again)
    assert texts(again)[0] == "&1  crowd.png"


@pytest.mark.parametrize("recent", [[1, 2], "a.png", ["a.png"] * (RECENT + 1), {"a": 1}])
def test_a_list_that_is_none_is_not_used(recent):
    save_settings(Settings(quality=80))
    stored = json.loads(settings_path().read_text())
    settings_path().write_text(json.dumps({**stored, "recent": recent}))
    with pytest.warns(UserWarning, match="recent"):
        settings = load_settings()
    assert settings == Settings(quality=80)


@pytest.mark.parametrize("quality", [0, 101, "good", True])
def test_a_quality_out_of_range_is_not_used(quality):
    save_settings(replace(Settings(), quality=quality))
    with pytest.warns(UserWarning, match="quality"):
        assert load_settings().quality == 95


def test_a_face_parser_is_remembered_once_it_was_loaded(qtbot, window, tmp_path, reader, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "mine.onnx"), ""))
    reader.licence = "Not for trade."
    window.commands.choose_parser()
    settle(qtbot, window)
    assert "mine is loaded." in window.banner.text and "Not for trade." in window.banner.text
    window.close()
    assert load_settings().parser == str(tmp_path / "mine.onnx")
    again = MainWindow(Editor(make_reader=reader), load_settings())
    qtbot.addWidget(again)
    assert again.editor.opening.parser == tmp_path / "mine.onnx"
