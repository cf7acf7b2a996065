"""The window with a fake generator: what a person does with mouse and keys, and what they see."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, Qt

from resources.labels import LABELS, palette
from tests.gui.conftest import at, drag, settle

HAIR, GLASSES = 13, 3


def test_empty_window_invites_and_disables(window):
    assert not window.actions_.export.isEnabled()
    assert not window.actions_.reset.isEnabled()
    assert window.actions_.open_photo.isEnabled()
    assert not window.editor.history.can_undo


@pytest.mark.parametrize(("key", "label"), [("3", 3), ("R", 13), ("O", 18), ("0", 0), ("Q", 10)])
def test_keys_choose_classes(qtbot, painting, key, label):
    painting.activateWindow()
    painting.canvas.setFocus()
    qtbot.keyClick(painting.canvas, getattr(Qt.Key, f"Key_{key}"))
    assert painting.studio.label == label


def test_bracket_keys_and_wheel_change_the_brush(qtbot, painting):
    painting.studio.change(brush_size=20)
    painting.canvas.setFocus()
    qtbot.keyClick(painting.canvas, Qt.Key.Key_BracketRight)
    assert painting.studio.options.brush_size == 22
    qtbot.keyClick(painting.canvas, Qt.Key.Key_BracketLeft)
    assert painting.studio.options.brush_size == 20
    painting.canvas.brush_step.emit(-1)
    assert painting.studio.options.brush_size < 20


def test_a_click_paints_a_dot_and_renders_it(qtbot, painting, generator):
    document, before = painting.editor.document, painting.editor.picture.copy()
    painting.studio.set_label(GLASSES)
    painting.studio.change(brush_size=20)
    qtbot.mouseClick(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 200, 300))
    settle(qtbot, painting)
    painted = document.labels == GLASSES
    assert painted[300, 200]
    assert abs(painted.sum() - np.pi * 10**2) < 40
    assert (painting.editor.picture[painted] != before[painted]).any()
    assert painting.editor.history.index == 1


def test_strokes_render_in_the_order_painted(qtbot, painting):
    for label in (HAIR, GLASSES, 1):
        painting.studio.set_label(label)
        drag(qtbot, painting, (100, 200), (300, 200))
    settle(qtbot, painting)
    # The last over the earlier, whatever their ids.
    assert painting.editor.document.labels[200, 200] == 1
    rendered = painting.editor.picture[200, 200]
    painting.editor.undo()
    settle(qtbot, painting)
    assert painting.editor.document.labels[200, 200] == GLASSES
    assert (painting.editor.picture[200, 200] != rendered).any()


def test_undo_and_redo_are_stroke_level_whatever_class_is_chosen(qtbot, painting):
    document, start = painting.editor.document, painting.editor.document.labels.copy()
    painting.studio.set_label(HAIR)
    drag(qtbot, painting, (60, 60), (200, 60), (200, 220))
    after_first = document.labels.copy()
    painting.studio.set_label(GLASSES)
    drag(qtbot, painting, (100, 100), (220, 130))
    after_second = document.labels.copy()
    settle(qtbot, painting)
    painting.studio.set_label(0)
    undo, redo = painting.actions_.undo, painting.actions_.redo
    undo.trigger()
    np.testing.assert_array_equal(document.labels, after_first)
    undo.trigger()
    np.testing.assert_array_equal(document.labels, start)
    assert not undo.isEnabled()
    redo.trigger()
    redo.trigger()
    np.testing.assert_array_equal(document.labels, after_second)
    settle(qtbot, painting)


def test_reset_is_one_step_and_can_be_undone(qtbot, painting):
    document = painting.editor.document
    drag(qtbot, painting, (60, 60), (200, 160))
    painted = document.labels.copy()
    painting.actions_.reset.trigger()
    np.testing.assert_array_equal(document.labels, document.source)
    painting.actions_.undo.trigger()
    np.testing.assert_array_equal(document.labels, painted)
    settle(qtbot, painting)


def test_escape_takes_the_stroke_back(qtbot, painting):
    document, start = painting.editor.document, painting.editor.document.labels.copy()
    qtbot.mousePress(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 100, 100))
    qtbot.mouseMove(painting.canvas, at(painting, 180, 180))
    assert (document.labels != start).any()
    qtbot.keyClick(painting.canvas, Qt.Key.Key_Escape)
    np.testing.assert_array_equal(document.labels, start)
    qtbot.mouseRelease(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 180, 180))
    assert painting.editor.history.index == 0
    settle(qtbot, painting)


def test_undo_in_the_middle_of_a_stroke_takes_that_stroke_back(qtbot, painting):
    drag(qtbot, painting, (60, 60), (200, 60))
    start = painting.editor.document.labels.copy()
    qtbot.mousePress(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 100, 200))
    painting.actions_.undo.trigger()
    qtbot.mouseMove(painting.canvas, at(painting, 150, 220))
    qtbot.mouseRelease(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 150, 220))
    np.testing.assert_array_equal(painting.editor.document.labels, start)
    settle(qtbot, painting)


class PaintRecorder(QObject):
    """Notes the rectangles that a widget repaints."""

    def __init__(self, widget):
        super().__init__(widget)
        self.rectangles = []
        widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            self.rectangles.append(event.rect())
        return False


def test_only_the_dirty_rectangle_of_the_canvas_is_repainted(qtbot, painting):
    painting.studio.change(brush_size=20)
    qtbot.mouseMove(painting.canvas, at(painting, 250, 250))
    qtbot.wait(50)
    recorder = PaintRecorder(painting.canvas)
    qtbot.mousePress(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 250, 250))
    qtbot.mouseMove(painting.canvas, at(painting, 260, 250))
    settle(qtbot, painting)
    qtbot.mouseRelease(painting.canvas, Qt.MouseButton.LeftButton, pos=at(painting, 260, 250))
    settle(qtbot, painting)
    qtbot.waitUntil(lambda: bool(recorder.rectangles))
    limit = 60 * painting.view.scale + 24
    assert limit < painting.canvas.width() / 2
    assert all(each.width() < limit and each.height() < limit for each in recorder.rectangles)


def test_mask_opacity_mixes_source_and_mask(qtbot, painting):
    painting.page.opacity.setValue(100)
    point = at(painting, 20, 20)
    colour = painting.canvas.grab().toImage().pixelColor(point)
    label = painting.editor.document.labels[20, 20]
    assert (colour.red(), colour.green(), colour.blue()) == tuple(palette()[label])
    painting.page.opacity.setValue(0)
    colour = painting.canvas.grab().toImage().pixelColor(point)
    expected = painting.editor.source[20, 20].astype(int)
    assert np.abs(np.array([colour.red(), colour.green(), colour.blue()]) - expected).max() <= 12


def test_all_panes_zoom_together(qtbot, painting):
    before = painting.view.scale
    painting.actions_.studio.actual.trigger()
    assert painting.view.scale == 1.0
    assert painting.source_pane.view is painting.canvas.view is painting.result_pane.view
    painting.actions_.studio.fit.trigger()
    assert painting.view.scale == pytest.approx(before)


def test_status_bar_tells_time_device_and_back_end(qtbot, painting):
    drag(qtbot, painting, (100, 100), (200, 160))
    settle(qtbot, painting)
    assert painting.status.timing.text().endswith(" ms")
    info = painting.editor.info
    assert info.device in painting.status.engine.text() and info.backend in painting.status.engine.text()
    qtbot.mouseMove(painting.canvas, at(painting, 40.5, 30.5))
    label = LABELS[painting.editor.document.labels[30, 40]]
    assert label.title in painting.status.hover.text()


def test_raw_render_when_edit_only_is_off(qtbot, painting):
    np.testing.assert_array_equal(painting.editor.picture, painting.editor.source)
    painting.page.only_edit.setChecked(False)
    settle(qtbot, painting)
    assert (painting.editor.picture != painting.editor.source).any()
