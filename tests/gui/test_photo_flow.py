"""A photo in the window: what is asked, what is shown in the crop and in the whole photo, and what is exported."""

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox

from app.file_dialogs import QualityDialog
from app.strip import SHOW_AFTER_MS
from engine.align import alignment_of
from engine.files import save_mask
from engine.types import EngineError
from tests.fakes import make_portrait
from tests.gui.conftest import at, drag, settle, stroke
from tests.gui.readers import SIDE, face_at, write_photo

HAIR = 13


@pytest.fixture
def crop(qtbot, window, reader, tmp_path):
    """A window with the crop of a photo open."""
    reader.found = [face_at(150, 100)]
    window.commands.open_photo(write_photo(tmp_path))
    settle(qtbot, window)
    window.studio.set_label(HAIR)
    window.studio.change(brush_size=12)
    return window


def paint(qtbot, window):
    drag(qtbot, window, (40, 40), (80, 90))
    settle(qtbot, window)


def colour_at(pane, x, y):
    """Return what a pane shows at a place of its frame."""
    place = pane.view.transform(QSizeF(pane.size())).map(QPointF(x, y)).toPoint()
    colour = pane.grab().toImage().pixelColor(place)
    return np.array([colour.red(), colour.green(), colour.blue()])


# Asking


def test_an_empty_window_says_what_to_do(window):
    assert "Drop a photo" in window.source_pane.accessibleDescription()
    assert "Ctrl+O" in window.source_pane.accessibleDescription()
    actions = window.actions_
    for action in (actions.adjust, actions.other_face, actions.studio.whole, actions.copy):
        assert not action.isEnabled()


def test_several_faces_are_offered(qtbot, crop, reader, tmp_path):
    paint(qtbot, crop)
    crop.editor.forget_unsaved()
    old = crop.editor.portrait
    reader.found = [face_at(80, 100), face_at(220, 100)]
    crop.commands.open_photo(write_photo(tmp_path, "pair.png"))
    settle(qtbot, crop)
    page = crop.questions.page
    assert crop.pages.currentWidget() is page and not page.adjusting and page.isEnabled()
    # What is not seen cannot be changed.
    actions = crop.actions_
    assert not any(action.isEnabled() for action in (actions.undo, actions.reset, actions.export, actions.adjust))
    page.cancelled.emit()
    assert crop.pages.currentWidget() is crop.workspace and crop.editor.portrait is old and actions.undo.isEnabled()
    crop.commands.open_photo(write_photo(tmp_path, "pair.png"))
    settle(qtbot, crop)
    page.accepted.emit(reader.found[1].points)
    assert not page.isEnabled()
    settle(qtbot, crop)
    assert crop.pages.currentWidget() is crop.workspace
    assert crop.editor.portrait.alignment == reader.found[1].alignment
    actions.other_face.trigger()
    assert crop.pages.currentWidget() is page and not page.adjusting
    page.cancelled.emit()


def test_without_a_face_the_points_are_put_into_place(qtbot, window, reader, tmp_path):
    window.commands.open_photo(write_photo(tmp_path))
    settle(qtbot, window)
    page = window.questions.page
    assert page.adjusting and page._notice.text() == "No face was found."
    # If labelling fails, it can be tried again.
    reader.portrait_failure = EngineError("It broke.", "Mend it.")
    page.accepted.emit(page.points)
    settle(qtbot, window)
    assert page.isEnabled() and page.isVisible() and "It broke." in window.banner.text
    reader.portrait_failure = None
    points = page.points
    page.accepted.emit(points)
    settle(qtbot, window)
    assert window.editor.portrait.alignment == alignment_of(points) and window.page.isVisible()
    assert not window.banner.isVisible()


def test_adjusting_the_alignment_carries_the_edits_over(qtbot, crop):
    paint(qtbot, crop)
    crop.actions_.adjust.trigger()
    page = crop.questions.page
    assert page.isVisible() and page.adjusting
    page.accepted.emit(page.points + np.array([5, 3]))
    settle(qtbot, crop)
    assert crop.page.isVisible() and crop.editor.document.changed
    assert crop.editor.last_edit.title == ("Carry over edits",)


def test_zooming_is_the_photos_while_a_face_is_asked_for(qtbot, crop):
    crop.actions_.adjust.trigger()
    scale, photo = crop.view.scale, crop.questions.page.photo.view
    crop.actions_.studio.actual.trigger()
    assert photo.scale == 1.0 and crop.view.scale == scale
    crop.questions.page.cancelled.emit()


def test_cutting_out_a_picture_with_a_mask_asks_about_unsaved_edits(qtbot, window, tmp_path, monkeypatch):
    write_photo(tmp_path, "ada.png", (200, 200))
    save_mask(tmp_path / "ada_mask.png", make_portrait(200).labels)
    window.commands.open_photo(tmp_path / "ada.png")
    settle(qtbot, window)
    answers = []

    def ask(*_):
        answers.append(True)
        return QMessageBox.StandardButton.Cancel

    monkeypatch.setattr(QMessageBox, "question", ask)
    window.actions_.adjust.trigger()
    assert not answers and window.questions.open
    window.questions.page.cancelled.emit()
    paint(qtbot, window)
    window.actions_.adjust.trigger()
    assert answers and not window.questions.open


def test_edits_made_while_a_photo_is_opened_are_asked_about(qtbot, crop, reader, tmp_path, monkeypatch):
    old, answers = crop.editor.portrait, [QMessageBox.StandardButton.Cancel]
    paint(qtbot, crop)
    monkeypatch.setattr(QMessageBox, "question", lambda *_: answers[-1])
    answers.append(QMessageBox.StandardButton.Discard)
    reader.hold()
    crop.commands.open_photo(write_photo(tmp_path, "other.png"))
    qtbot.waitUntil(lambda: reader.looked == 2)
    drag(qtbot, crop, (60, 20), (90, 30))
    answers.append(QMessageBox.StandardButton.Cancel)
    reader.let_go()
    settle(qtbot, crop)
    assert crop.editor.portrait is old and crop.editor.history.index == 2
    # What was given up when it was asked for is not asked about again.
    answers.append(QMessageBox.StandardButton.Discard)
    reader.hold()
    crop.commands.open_photo(write_photo(tmp_path, "other.png"))
    answers.append(QMessageBox.StandardButton.Cancel)
    reader.let_go()
    settle(qtbot, crop)
    assert crop.editor.portrait.name == "other"


# Progress


def test_progress_shows_after_a_while_and_can_be_cancelled(qtbot, crop, reader, tmp_path):
    old, strip, height = crop.editor.portrait, crop.status.strip, crop.canvas.height()
    reader.hold()
    crop.commands.open_photo(write_photo(tmp_path, "other.png"))
    assert not strip.isVisible() and crop.actions_.cancel_opening.isEnabled()
    qtbot.waitUntil(strip.isVisible, timeout=40 * SHOW_AFTER_MS)
    qtbot.waitUntil(lambda: strip.text == "Looking for faces…")
    assert crop.canvas.height() == height  # nothing moves under the hand
    strip.cancelled.emit()
    assert not strip.isVisible() and not crop.actions_.cancel_opening.isEnabled()
    settle(qtbot, crop)
    assert crop.editor.portrait is old and not crop.banner.isVisible()


def test_escape_cancels_the_opening_unless_a_stroke_is_under_way(qtbot, crop, reader, tmp_path):
    reader.hold()
    crop.commands.open_photo(write_photo(tmp_path, "other.png"))
    qtbot.waitUntil(lambda: reader.looked == 2)
    crop.activateWindow()
    crop.canvas.setFocus()
    qtbot.mousePress(crop.canvas, Qt.MouseButton.LeftButton, pos=at(crop, 20, 20))
    assert crop.editor.document.changed
    qtbot.keyClick(crop.canvas, Qt.Key.Key_Escape)
    assert not crop.editor.document.changed and crop.editor.opening.active
    qtbot.mouseRelease(crop.canvas, Qt.MouseButton.LeftButton, pos=at(crop, 20, 20))
    qtbot.keyClick(crop.canvas, Qt.Key.Key_Escape)
    assert not crop.editor.opening.active
    settle(qtbot, crop)


def test_what_is_done_at_once_shows_no_progress(qtbot, window):
    window.status.strip.tell("Reading…")
    window.status.strip.tell("")
    # Nothing is left that could show it later.
    qtbot.waitUntil(lambda: not window.status.strip._timer.isActive())
    assert not window.status.strip.isVisible()


# The whole photo, and before and after


def test_the_whole_photo_shows_the_edit_in_its_place(qtbot, crop):
    paint(qtbot, crop)
    crop_picture = crop.editor.picture
    crop.actions_.studio.whole.trigger()
    settle(qtbot, crop)
    editor, page = crop.editor, crop.page
    assert editor.source.shape == editor.picture.shape == (200, 300, 3)
    assert page.source.shown is page.source.whole and page.result.shown is page.result.whole
    assert page.whole_view.image_size.width() == 300 and page.view.image_size.width() == SIDE
    changed = (editor.picture != editor.source).any(axis=2)
    ys, xs = np.nonzero(changed)
    assert changed.any()
    # The crop's corners are (90, 40) and (210, 160); the stroke went from (40, 40) to (80, 90) of 128.
    assert 90 + 30 * 0.94 < xs.mean() < 90 + 90 * 0.94 and 40 + 30 * 0.94 < ys.mean() < 40 + 100 * 0.94
    # Painting goes on in the crop's mask, and shows in the photo.
    before = editor.picture
    drag(qtbot, crop, (100, 20), (110, 30))
    settle(qtbot, crop)
    assert editor.picture.shape == (200, 300, 3) and (editor.picture != before).any()
    crop.actions_.studio.whole.trigger()
    settle(qtbot, crop)
    assert page.result.shown is crop.result_pane and editor.picture.shape == crop_picture.shape
    assert (editor.picture != crop_picture).any()


def test_a_late_render_of_the_other_frame_is_not_shown(qtbot, window, reader, generator, tmp_path):
    reader.found = [face_at(150, 100)]
    window.commands.open_photo(write_photo(tmp_path))
    settle(qtbot, window)
    shapes = []
    window.editor.picture_changed.connect(lambda: shapes.append(window.editor.picture.shape[:2]))
    generator._open = False
    window.editor.perform(stroke(HAIR, 8, (40, 40)))
    generator.wait_for_decode()
    window.actions_.studio.whole.trigger()
    generator.let_go(always=True)
    settle(qtbot, window)
    assert shapes == [(200, 300)]


def test_the_whole_photo_is_there_for_crops_only(qtbot, crop, tmp_path):
    whole = crop.actions_.studio.whole
    whole.trigger()
    assert crop.editor.whole and whole.isChecked()
    crop.page.only_edit.setChecked(False)
    settle(qtbot, crop)
    assert not whole.isEnabled() and not whole.isChecked() and "Edit only" in whole.toolTip()
    assert crop.page.result.shown is crop.result_pane and crop.editor.picture.shape == (SIDE, SIDE, 3)
    crop.page.only_edit.setChecked(True)
    settle(qtbot, crop)
    assert whole.isEnabled() and whole.isChecked() and crop.editor.picture.shape == (200, 300, 3)
    crop.editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    settle(qtbot, crop)
    assert not whole.isEnabled() and not whole.isChecked() and "no crop" in whole.toolTip()
    assert crop.page.result.shown is crop.result_pane and crop.page.whole_button.toolTip() == whole.toolTip()


def test_before_and_after_in_both_frames(qtbot, crop):
    crop.studio.set_label(HAIR)
    crop.studio.change(brush_size=400)
    drag(qtbot, crop, (64, 64), (66, 66))
    settle(qtbot, crop)
    crop.actions_.studio.wipe.trigger()
    assert crop.page.wipe_button.isChecked()
    source, picture = crop.editor.source, crop.editor.picture
    for x, pixels in ((20, source), (108, picture)):
        assert np.abs(colour_at(crop.result_pane, x + 0.5, 70.5) - pixels[70, x]).max() <= 40
    assert np.abs(source[70, 20].astype(int) - picture[70, 20]).max() > 40
    # Both frames keep the line at the same place.
    crop.result_pane.set_wipe(0.25)
    crop.result_pane.wipe_moved.emit(0.25)
    crop.actions_.studio.whole.trigger()
    settle(qtbot, crop)
    assert crop.page.result.whole.wipe == 0.25
    crop.actions_.studio.wipe.trigger()
    assert crop.page.result.whole.wipe is None and crop.result_pane.wipe is None
    crop.actions_.studio.wipe.trigger()
    assert crop.page.result.whole.wipe == 0.25


def test_controls_fit_into_the_smallest_window(qtbot, crop):
    crop.resize(crop.minimumSize())
    page = crop.page
    assert crop.workspace.panel == 0 and not crop.workspace.panels.isVisible()
    panes = (crop.source_pane, crop.canvas, crop.result_pane)
    qtbot.waitUntil(lambda: max(pane.width() for pane in panes) - min(pane.width() for pane in panes) <= 2)
    for control in (page.style_button, page.only_edit, page.whole_button, page.wipe_button):
        assert control.width() >= control.minimumSizeHint().width()
        assert control.geometry().right() < control.parentWidget().width()
        assert control.accessibleName() or control.text()


# Exporting


def exported(qtbot, window, monkeypatch, path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.actions_.export.trigger()
    settle(qtbot, window)
    return Image.open(path)


def test_the_whole_photo_is_exported_with_all_it_holds(qtbot, window, reader, tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x010F] = "Some camera"
    path = write_photo(tmp_path, "own.png", (600, 400), exif=exif.tobytes(), dpi=(300, 300))
    reader.found = [face_at(300, 200, 120)]
    window.commands.open_photo(path)
    settle(qtbot, window)
    with Image.open(path) as image:
        source = np.asarray(image)
    # Without an edit it is the photo itself.
    with exported(qtbot, window, monkeypatch, tmp_path / "same.png") as same:
        np.testing.assert_array_equal(np.asarray(same), source)
    paint(qtbot, window)
    with exported(qtbot, window, monkeypatch, tmp_path / "edited.png") as edited:
        assert edited.size == (600, 400) and edited.getexif()[0x010F] == "Some camera"
        changed = (np.asarray(edited) != source).any(axis=2)
    assert changed.any() and not changed[:80].any() and not changed[:, :180].any() and not changed[320:].any()
    assert not window.editor.unsaved and not window.banner.isVisible()


def test_what_a_format_cannot_hold_is_told(qtbot, window, reader, tmp_path, monkeypatch):
    path = tmp_path / "clear.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 300, 4), np.uint8), "RGBA").save(path)
    reader.found = [face_at(150, 100)]
    window.commands.open_photo(path)
    settle(qtbot, window)
    paint(qtbot, window)
    exported(qtbot, window, monkeypatch, tmp_path / "edited.jpg").close()
    assert window.banner.isVisible() and "ransparen" in window.banner.text
    assert not window.editor.unsaved


def test_a_raw_render_is_exported_by_itself(qtbot, crop, tmp_path, monkeypatch):
    crop.page.only_edit.setChecked(False)
    paint(qtbot, crop)
    with exported(qtbot, crop, monkeypatch, tmp_path / "raw.png") as raw:
        assert raw.size == (SIDE, SIDE)


def test_the_quality_is_asked_for_and_used(qtbot, crop, tmp_path, monkeypatch):
    paint(qtbot, crop)
    seen = []

    def answer(dialog):
        seen.append(dialog.quality)
        dialog._slider.setValue(20)
        return QDialog.DialogCode.Accepted

    exported(qtbot, crop, monkeypatch, tmp_path / "good.jpg").close()
    monkeypatch.setattr(QualityDialog, "exec", answer)
    crop.commands.choose_quality()
    assert seen == [95] and crop.settings.quality == 20
    exported(qtbot, crop, monkeypatch, tmp_path / "poor.jpg").close()
    assert (tmp_path / "poor.jpg").stat().st_size < (tmp_path / "good.jpg").stat().st_size / 2
    monkeypatch.setattr(QualityDialog, "exec", lambda _: QDialog.DialogCode.Rejected)
    crop.commands.choose_quality()
    assert crop.settings.quality == 20


def test_a_name_is_suggested_in_the_photos_own_format(qtbot, window, reader, tmp_path, monkeypatch):
    asked = []

    def ask(parent, title, suggestion, kinds, kind):
        asked.append((suggestion, kind))
        return str(tmp_path / "out"), "WebP (*.webp)"

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    reader.found = [face_at(150, 100)]
    window.commands.open_photo(write_photo(tmp_path, "x.jpg"))
    settle(qtbot, window)
    window.actions_.export.trigger()
    settle(qtbot, window)
    assert asked == [("x_edited.jpg", "JPEG (*.jpg *.jpeg)")] and (tmp_path / "out.webp").is_file()


def test_photos_of_all_kinds_are_offered(qtbot, window, monkeypatch):
    asked = []

    def ask(parent, title, folder, kinds):
        asked.append(kinds)
        return "", ""

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    window.actions_.open_photo.trigger()
    for ending in (".jpg", ".png", ".webp", ".tif", ".bmp", ".gif"):
        assert f"*{ending}" in asked[0]
    assert asked[0].endswith(";;All files (*)")
