"""The panels, the layouts and the ways to compare, at work with the rest of the window."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtWidgets import QApplication

from app.blinking import GLANCE_MS
from app.history_panel import HistoryDelegate
from engine.mask.face_actions import FaceAction
from engine.mask.morph import Grown
from resources.labels import BY_NAME
from tests.gui.conftest import at, drag, settle
from tests.gui.hands import colour_at

HAIR, HAT, L_EYE = (BY_NAME[name].id for name in ("hair", "hat", "l_eye"))
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def painting(qtbot, painting):
    """The window, wide enough for its panel, with the keyboard's focus on the canvas."""
    painting.resize(1400, 760)
    painting.activateWindow()
    painting.canvas.setFocus()
    QApplication.processEvents()
    # What can be done to the mask is looked for a little later.
    qtbot.waitUntil(lambda: painting.workspace.face.rows["smile"].isEnabled())
    return painting


def state(window):
    history = window.editor.history
    return history.index, len(history.edits)


def labels_of(window):
    return window.editor.document.labels.copy()


def row_of(window, panel, name):
    page = getattr(window.workspace, panel)
    window.workspace.show_panel(("face", "shape").index(panel))
    QApplication.processEvents()
    return page.rows[name]


def handle(slider, share):
    """Return the place of a slider's handle at a share of the range, in its pixels."""
    value = round(slider.minimum() + share * (slider.maximum() - slider.minimum()))
    return QPointF(slider._place(value), slider.height() / 2).toPoint()


def pull(qtbot, slider, start, *shares):
    """Drag a slider's handle, from where it is or from elsewhere, and keep the button down."""
    qtbot.mousePress(slider, LEFT, pos=handle(slider, start))
    for share in shares:
        qtbot.mouseMove(slider, handle(slider, share))


def let_go(qtbot, slider, share):
    qtbot.mouseRelease(slider, LEFT, pos=handle(slider, share))


# Sliders


@pytest.mark.parametrize(("panel", "name", "kind"), [("face", "smile", FaceAction), ("shape", "grow", Grown)])
def test_a_slider_shows_live_and_is_one_step_however_often_it_is_dragged(qtbot, painting, panel, name, kind):
    editor, start = painting.editor, labels_of(painting)
    painting.studio.set_label(HAIR)
    picture = editor.picture.copy()
    slider = row_of(painting, panel, name).slider
    pull(qtbot, slider, 0.5, 0.7, 0.9)
    settle(qtbot, painting)
    assert (labels_of(painting) != start).any() and (editor.picture != picture).any() and state(painting) == (0, 0)
    let_go(qtbot, slider, 0.9)
    assert state(painting) == (1, 1) and isinstance(editor.history.last.entry.step, kind)
    strong = labels_of(painting)
    # Once more: the same step, from the same mask.
    pull(qtbot, slider, 0.9, 0.8, 0.7)
    assert (labels_of(painting) != strong).any()
    let_go(qtbot, slider, 0.7)
    assert state(painting) == (1, 1)
    weak = labels_of(painting)
    assert 0 < (weak != start).sum() < (strong != start).sum()
    # Another slider after a stroke: a step of its own.
    drag(qtbot, painting, (100, 480), (140, 480))
    assert slider.value() == slider.origin
    painting.actions_.undo.trigger()
    assert slider.value() != slider.origin
    painting.actions_.undo.trigger()
    np.testing.assert_array_equal(labels_of(painting), start)
    assert slider.value() == slider.origin and state(painting) == (0, 2)
    settle(qtbot, painting)


def test_escape_gives_a_slider_up(qtbot, painting):
    start = labels_of(painting)
    slider = row_of(painting, "face", "smile").slider
    pull(qtbot, slider, 0.5, 0.9)
    assert (labels_of(painting) != start).any()
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Escape)
    np.testing.assert_array_equal(labels_of(painting), start)
    let_go(qtbot, slider, 0.9)
    assert state(painting) == (0, 0) and slider.value() == slider.origin
    # What was kept before is back when its change is given up.
    pull(qtbot, slider, 0.5, 0.9)
    let_go(qtbot, slider, 0.9)
    kept = labels_of(painting)
    pull(qtbot, slider, 0.9, 0.2)
    qtbot.keyClick(slider, Qt.Key.Key_Escape)
    np.testing.assert_array_equal(labels_of(painting), kept)
    assert state(painting) == (1, 1)
    settle(qtbot, painting)


def test_the_keyboard_alone_moves_a_slider(qtbot, painting):
    start = labels_of(painting)
    slider = row_of(painting, "face", "smile").slider
    slider.setFocus()
    for _ in range(4):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert (labels_of(painting) != start).any() and state(painting) == (0, 0)
    qtbot.keyClick(slider, Qt.Key.Key_Return)
    assert state(painting) == (1, 1)
    settle(qtbot, painting)


def test_shapes_are_those_of_the_class_that_is_painted(qtbot, painting):
    painting.studio.set_label(L_EYE)
    row = row_of(painting, "shape", "grow")
    qtbot.waitUntil(row.isEnabled)
    before = labels_of(painting)
    pull(qtbot, row.slider, 0.5, 0.8)
    let_go(qtbot, row.slider, 0.8)
    after = labels_of(painting)
    assert set(after[after != before]) == {L_EYE}
    # A class that the mask lacks has no shape.
    painting.studio.set_label(HAT)
    qtbot.waitUntil(lambda: not row.isEnabled())
    painting.studio.set_label(L_EYE)
    qtbot.waitUntil(lambda: row.isEnabled() and row.slider.value() != row.slider.origin)
    settle(qtbot, painting)


def test_a_stroke_in_the_middle_of_a_slider_ends_it(qtbot, painting):
    slider = row_of(painting, "face", "smile").slider
    slider.setFocus()
    for _ in range(4):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    painting.studio.set_label(HAT)
    drag(qtbot, painting, (100, 480), (140, 480))
    assert painting.editor.document.trying is None
    assert painting.editor.document.labels[480, 120] == HAT
    settle(qtbot, painting)


# The history


def three_strokes(qtbot, window):
    masks = [labels_of(window)]
    window.studio.set_label(HAT)
    for y in (60, 300, 480):
        drag(qtbot, window, (200, y), (300, y))
        masks.append(labels_of(window))
    settle(qtbot, window)
    window.workspace.show_panel(2)
    QApplication.processEvents()
    return masks


def click_step(qtbot, window, row, button=False):
    view = window.workspace.history.view
    box = view.visualRect(view.model().index(row, 0))
    place = HistoryDelegate.button(QRectF(box), view.fontMetrics()).center().toPoint() if button else box.center()
    qtbot.mouseClick(view.viewport(), LEFT, pos=place)


def test_a_click_on_a_step_goes_there(qtbot, painting):
    masks = three_strokes(qtbot, painting)
    for row in (1, 3, 0, 2):
        click_step(qtbot, painting, row)
        np.testing.assert_array_equal(labels_of(painting), masks[row])
        assert state(painting) == (row, 3) and painting.workspace.history.view.currentIndex().row() == row
    settle(qtbot, painting)
    # Painting from there leaves the undone steps behind.
    drag(qtbot, painting, (20, 20), (40, 20))
    assert state(painting) == (3, 3)
    settle(qtbot, painting)


def test_an_earlier_step_is_wiped_over_the_result(qtbot, painting):
    three_strokes(qtbot, painting)
    pane = painting.result_pane
    painting.actions_.studio.wipe.trigger()
    assert pane.wipe is not None
    original = colour_at(pane, 220, 300)
    click_step(qtbot, painting, 2, button=True)
    settle(qtbot, painting)
    # Step 2 has the second stroke, the original has not.
    assert colour_at(pane, 220, 300) != original and painting.workspace.history.model.compared == 2
    assert painting.workspace.history.bar.isVisible()
    assert painting.workspace.comparison.index == 2 and state(painting) == (3, 3)
    painting.workspace.history.bar.close_button.click()
    settle(qtbot, painting)
    assert colour_at(pane, 220, 300) == original and not painting.workspace.comparison.active


# Seeing


def test_the_source_is_seen_as_long_as_its_key_is_held(qtbot, painting):
    painting.studio.set_label(HAT)
    drag(qtbot, painting, (200, 300), (300, 300))
    settle(qtbot, painting)
    pane = painting.result_pane
    result, before = colour_at(pane, 250, 300), colour_at(painting.source_pane, 250, 300)
    assert result != before
    qtbot.keyPress(painting.canvas, Qt.Key.Key_C)
    assert colour_at(pane, 250, 300) == before
    qtbot.wait(GLANCE_MS // 3)
    assert colour_at(pane, 250, 300) == before
    qtbot.keyRelease(painting.canvas, Qt.Key.Key_C)
    assert colour_at(pane, 250, 300) == result


def test_the_heat_map_tells_where_the_result_differs(qtbot, painting):
    painting.studio.set_label(HAT)
    drag(qtbot, painting, (200, 300), (300, 300))
    settle(qtbot, painting)
    heat, pane = painting.actions_.studio.heat, painting.result_pane
    result = colour_at(pane, 250, 300), colour_at(pane, 60, 460)
    heat.trigger()
    assert pane.heat and painting.page.heat_button.isChecked()
    changed, same = colour_at(pane, 250, 300), colour_at(pane, 60, 460)
    assert changed != same and changed != result[0]
    painting.page.heat_button.click()
    assert not pane.heat and colour_at(pane, 250, 300) == result[0]


@pytest.mark.parametrize("key", [Qt.Key.Key_Comma, Qt.Key.Key_Period, Qt.Key.Key_V])
def test_a_turned_view_is_painted_where_the_cursor_is(qtbot, painting, key):
    for _ in range(3):
        qtbot.keyClick(painting.canvas, key)
    view = painting.view
    assert view.flipped if key == Qt.Key.Key_V else view.rotation
    painting.studio.set_label(HAT)
    place = at(painting, 200, 330)
    qtbot.mouseClick(painting.canvas, LEFT, pos=place)
    assert painting.editor.document.labels[330, 200] == HAT
    qtbot.keyClick(painting.canvas, Qt.Key.Key_Slash)
    if key == Qt.Key.Key_V:
        assert painting.actions_.studio.flip.isChecked()
        qtbot.keyClick(painting.canvas, key)
    assert not view.rotation and not view.flipped and not painting.actions_.studio.flip.isChecked()
    assert at(painting, 200, 330) != place
    settle(qtbot, painting)


def test_keys_open_the_panels_pages_and_close_it(qtbot, painting):
    workspace, panels = painting.workspace, painting.workspace.panels
    actions = painting.actions_.studio.panels
    assert panels.isVisible() and panels.currentWidget() is workspace.face
    for index, key in enumerate((Qt.Key.Key_F7, Qt.Key.Key_F8, Qt.Key.Key_F9)):
        if index:
            qtbot.keyClick(painting.canvas, key)
        assert panels.isVisible() and panels.currentIndex() == index
        assert [action.isChecked() for action in actions] == [place == index for place in range(3)]
    qtbot.keyClick(painting.canvas, Qt.Key.Key_F9)
    assert not panels.isVisible() and workspace.panel == -1 and not any(action.isChecked() for action in actions)
    qtbot.keyClick(painting.canvas, Qt.Key.Key_F8)
    assert panels.isVisible() and panels.currentWidget() is workspace.shape


@pytest.mark.parametrize("layout", [1, 2, 3])
def test_layouts_by_their_keys(qtbot, painting, layout):
    held = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
    for number in (3 if layout == 1 else 1, layout):
        qtbot.keyClick(painting.canvas, getattr(Qt.Key, f"Key_{number}"), held)
    page = painting.page
    assert page.layout_ == page.panes == layout
    assert page.source.isVisible() == (layout == 3) and page.result.isVisible() == (layout > 1)
    assert [action.isChecked() for action in painting.actions_.studio.layouts] == [n == layout for n in (1, 2, 3)]
    # Painting shows the live result in each of them.
    painting.page.opacity.setValue(0)
    painting.studio.set_label(HAT)
    pane = painting.canvas if layout == 1 else painting.result_pane
    before = colour_at(pane, 250, 300)
    drag(qtbot, painting, (200, 300), (300, 300))
    settle(qtbot, painting)
    qtbot.mouseMove(painting.canvas, at(painting, 20, 20))
    assert colour_at(pane, 250, 300) != before


def test_the_raw_render_is_a_key_away(qtbot, painting):
    action, button = painting.actions_.studio.only_edit, painting.page.only_edit
    assert action.isChecked() and button.isChecked()
    action.trigger()
    settle(qtbot, painting)
    assert not button.isChecked() and not painting.editor.only_edit
    button.click()
    assert action.isChecked() and painting.editor.only_edit
    settle(qtbot, painting)
