"""Files, models and settings in the window: what is opened and saved, and what happens when it is no good."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.editor import Editor
from app.project import read_project
from app.settings import Settings, load_settings, save_settings, settings_path
from app.tools.options import Options
from app.window import MainWindow
from engine.files import save_mask, save_picture
from engine.types import ModelError
from resources.labels import palette
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import drag, settle

HAIR, GLASSES = 13, 3


def test_style_from_an_exemplar_and_back(qtbot, painting, tmp_path, generator):
    own = painting.editor.picture.copy()
    exemplar = make_portrait(256, "other", seed=1)
    picture, mask = write_pair(tmp_path, exemplar, "other")
    painting.editor.open_exemplar(picture, mask)
    settle(qtbot, painting)
    assert painting.editor.exemplar is not None
    assert painting.page.style_button.text().startswith("other")
    assert (painting.editor.picture != own).any()
    painting.actions_.own_style.trigger()
    settle(qtbot, painting)
    assert painting.editor.exemplar is None
    np.testing.assert_array_equal(painting.editor.picture, own)


def test_a_picture_is_opened_with_a_mask_chosen_for_it(qtbot, painting, tmp_path, monkeypatch, reader):
    picture, mask = write_pair(tmp_path, make_portrait(128, "grace"), "grace")
    elsewhere = mask.rename(tmp_path / "masks.png")
    asked, answers = [], [str(picture), str(elsewhere)]

    def choose(parent, title, *_):
        asked.append(title)
        return answers[len(asked) - 1], ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", choose)
    painting.actions_.open_pair.trigger()
    settle(qtbot, painting)
    assert len(asked) == 2 and "grace" in asked[1]
    assert painting.editor.portrait.name == "grace" and painting.editor.portrait.alignment is None
    assert not painting.banner.isVisible() and reader.looked == 0
    # Without an answer nothing happens.
    portrait, answers[1] = painting.editor.portrait, ""
    asked.clear()
    painting.actions_.open_pair.trigger()
    assert len(asked) == 2 and painting.editor.portrait is portrait and not painting.editor.pending


def test_export_writes_the_portrait_at_its_own_resolution(qtbot, painting, tmp_path, monkeypatch):
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    target = tmp_path / "result.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), "PNG (*.png)"))
    assert painting.editor.unsaved
    painting.actions_.export.trigger()
    settle(qtbot, painting)
    with Image.open(target) as exported:
        assert exported.size == (256, 256)
    assert not painting.editor.unsaved
    mask = tmp_path / "result_mask.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(mask), "PNG (*.png)"))
    painting.actions_.export_mask.trigger()
    settle(qtbot, painting)
    with Image.open(mask) as saved:
        assert saved.mode == "P"
        np.testing.assert_array_equal(np.asarray(saved), painting.editor.document.labels)
        assert (saved.getpalette() or [])[:57] == palette().ravel().tolist()


def test_export_to_where_nothing_can_be_written(qtbot, painting, tmp_path, monkeypatch):
    drag(qtbot, painting, (100, 100), (200, 160))
    labels = painting.editor.document.labels.copy()
    missing = tmp_path / "no folder" / "result.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(missing), ""))
    painting.actions_.export.trigger()
    settle(qtbot, painting)
    assert painting.banner.isVisible()
    assert "cannot be written" in painting.banner.text and "folder" in painting.banner.text
    assert painting.editor.unsaved
    np.testing.assert_array_equal(painting.editor.document.labels, labels)


@pytest.mark.parametrize("content", [b"", b"not a picture at all"])
def test_a_bad_portrait_leaves_the_editor_as_it_was(qtbot, painting, tmp_path, content):
    drag(qtbot, painting, (100, 100), (200, 160))
    portrait, labels = painting.editor.portrait, painting.editor.document.labels.copy()
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    painting.editor.open_portrait(bad, bad)
    settle(qtbot, painting)
    assert painting.banner.isVisible() and "bad.png" in painting.banner.text
    assert painting.editor.portrait is portrait
    np.testing.assert_array_equal(painting.editor.document.labels, labels)
    drag(qtbot, painting, (200, 200), (220, 260))
    settle(qtbot, painting)
    assert painting.editor.history.index == 2


@pytest.mark.parametrize(("shape", "value", "words"), [((64, 64), 40, "id 40"), ((64, 128), 1, "shapes differ")])
def test_a_bad_mask_is_refused_with_a_reason(qtbot, painting, tmp_path, shape, value, words):
    path = tmp_path / "mask.png"
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)
    painting.editor.open_mask(path)
    settle(qtbot, painting)
    assert painting.banner.isVisible() and words in painting.banner.text
    assert painting.editor.history.index == 0


def test_a_loaded_mask_is_one_step(qtbot, painting, tmp_path):
    path = tmp_path / "mask.png"
    save_mask(path, np.full((64, 64), HAIR, np.uint8))
    painting.editor.open_mask(path)
    settle(qtbot, painting)
    assert (painting.editor.document.labels == HAIR).all()
    painting.actions_.undo.trigger()
    assert not painting.editor.document.changed
    settle(qtbot, painting)


def test_a_failing_model_keeps_the_old_one_and_the_picture(qtbot, painting, generator):
    picture = painting.editor.picture

    def fail(progress):
        raise ModelError("weights.pth cannot be read.", "Choose another weight file.")

    painting.editor.load_model(fail)
    settle(qtbot, painting)
    assert "weights.pth" in painting.banner.text
    assert painting.editor.picture is picture
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    assert painting.editor.picture is not picture


def test_a_failing_render_keeps_the_last_good_picture(qtbot, painting, generator):
    picture = painting.editor.picture
    generator.failure = RuntimeError("out of memory")
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    assert painting.banner.isVisible()
    assert painting.editor.picture is picture
    generator.failure = None
    drag(qtbot, painting, (100, 200), (200, 260))
    settle(qtbot, painting)
    assert painting.editor.picture is not picture
    assert not painting.banner.isVisible()


def test_the_published_licence_is_shown(qtbot, painting):
    licensed = FakeGenerator()
    licensed.info = replace(licensed.info, licence="For non-commercial research only.")
    painting.editor.load_model(lambda progress: licensed)
    settle(qtbot, painting)
    assert "non-commercial" in painting.banner.text


def test_closing_with_unsaved_edits_asks(qtbot, painting, monkeypatch):
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    answers = []

    def ask(*_):
        answers.append(True)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", ask)
    assert not painting.close()
    assert answers and painting.isVisible()
    drag(qtbot, painting, (200, 200), (220, 260))
    settle(qtbot, painting)


def test_closing_can_save_the_project_first(qtbot, painting, tmp_path, monkeypatch):
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    labels, target = painting.editor.document.labels.copy(), tmp_path / "ada.maskbrush"
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Save)
    # Where it cannot be saved, the window stays open and says so.
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "none" / "ada.maskbrush"), ""))
    assert not painting.close()
    assert painting.banner.isVisible() and painting.editor.unsaved
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "ada"), ""))
    assert painting.close()
    np.testing.assert_array_equal(read_project(target).labels, labels)


def test_window_remembers(qtbot, painting):
    painting.studio.change(brush_size=77)
    painting.studio.set_label(GLASSES)
    painting.editor.forget_unsaved()
    painting.close()
    remembered = load_settings()
    assert (remembered.tools.brush_size, remembered.label) == (77, GLASSES)


def test_flags_hold_for_one_run(qapp, qtbot):
    stored = Settings(backend="onnx", weights="mine.safetensors")
    window = MainWindow(Editor(), stored, {"backend": "torch", "weights": "other.pth"})
    qtbot.addWidget(window)
    assert (window.settings.backend, window.settings.weights) == ("torch", "other.pth")
    window.settings = replace(window.settings, weights="chosen.pth")
    window.close()
    remembered = load_settings()
    assert (remembered.backend, remembered.weights) == ("onnx", "chosen.pth")


def test_a_window_can_leave_the_settings_alone(qapp, qtbot):
    window = MainWindow(Editor(), Settings(), remember=False)
    qtbot.addWidget(window)
    window.close()
    assert not settings_path().exists()


def test_bad_settings_fall_back_with_a_warning():
    save_settings(Settings(tools=Options(brush_size=33, stabiliser=4), shortcuts={"open": "F1"}))
    path = settings_path()
    path.write_text(path.read_text().replace('"auto"', '"abacus"', 1).replace('"stabiliser": 4', '"stabiliser": 40'))
    with pytest.warns(UserWarning) as warned:
        settings = load_settings()
    assert {word for word in ("abacus", "40") if any(word in str(each.message) for each in warned)} == {"abacus", "40"}
    assert settings.backend == "auto" and settings.shortcuts == {"open": "F1"}
    assert (settings.tools.brush_size, settings.tools.stabiliser) == (33, 0)
    path.write_text("{")
    with pytest.warns(UserWarning, match="cannot be read"):
        assert load_settings() == Settings()


def write_pair(folder: Path, portrait, name: str) -> tuple[Path, Path]:
    picture, mask = folder / f"{name}.png", folder / f"{name}_mask.png"
    save_picture(picture, portrait.pixels)
    save_mask(mask, portrait.labels)
    return picture, mask
