"""The parts of the window at work together: tools and classes, from the key or the click to the render."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.class_rows import Zones
from engine.mask.steps import Protection
from resources.labels import BY_NAME, LABELS
from tests.fakes import make_portrait
from tests.gui.conftest import at, drag, settle
from tests.gui.hands import ERASER, MOVE, PRESS, RELEASE, hover_pen, send_pen

SKIN, NOSE, L_EYE, R_EYE, HAIR, HAT = (BY_NAME[name].id for name in ("skin", "nose", "l_eye", "r_eye", "hair", "hat"))
LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier

KEYS = {
    "brush": "B", "restore": "D", "fill": "G", "rectangle": "M", "ellipse": "Shift+M", "lasso": "L", "polygon": "P",
    "eyedropper": "K", "transform": "A", "liquify": "F",
}  # fmt: skip
ROUND = ((200, 300), (300, 300), (300, 380), (200, 380))


@pytest.fixture
def painting(painting):
    """The window, which has the keyboard's focus on the canvas."""
    painting.activateWindow()
    painting.canvas.setFocus()
    QApplication.processEvents()
    return painting


def press(qtbot, window, keys):
    *held, key = keys.split("+")
    modifiers = Qt.KeyboardModifier.NoModifier
    for each in held:
        modifiers |= {"Shift": Qt.KeyboardModifier.ShiftModifier, "Ctrl": CONTROL}[each]
    names = {"Del": "Delete", "Esc": "Escape", "Enter": "Return"}
    qtbot.keyClick(window.canvas, getattr(Qt.Key, f"Key_{names.get(key, key)}"), modifiers)


def choose(qtbot, window, tool):
    press(qtbot, window, KEYS[tool])
    assert held(window) == tool


def held(window):
    """Return the tool that is held, of which strip and options tell too."""
    tool = window.workspace.box.current.name
    assert window.workspace.options.tool == tool
    assert [name for name, action in window.actions_.studio.tools.items() if action.isChecked()] == [tool]
    return tool


def labels_of(window):
    return window.editor.document.labels.copy()


def state(window):
    history = window.editor.history
    return history.index, len(history.edits)


# Tools


@pytest.mark.parametrize("tool", ["brush", "restore", "rectangle", "ellipse", "lasso", "transform", "liquify"])
def test_a_drag_of_each_tool_is_one_step_that_renders_while_the_button_is_down(qtbot, painting, tool):
    editor = painting.editor
    if tool == "restore":
        painting.studio.set_label(HAT)
        drag(qtbot, painting, (200, 320), (300, 320))
    elif tool == "transform":
        # What is picked and not moved is no step.
        choose(qtbot, painting, tool)
        drag(qtbot, painting, (255, 270))
        assert state(painting) == (0, 0)
    painting.studio.set_label(HAT)
    settle(qtbot, painting)
    choose(qtbot, painting, tool)
    before, picture, steps = labels_of(painting), editor.picture.copy(), editor.history.index
    corners = (200, 300), (250, 340), (300, 380)
    way = {"rectangle": corners, "ellipse": corners, "transform": ((255, 270), (262, 300), (270, 330)),
           "liquify": ((380, 240), (350, 240), (300, 240))}  # fmt: skip
    points = way.get(tool, ((200, 300), (300, 320), (300, 380), (200, 380)))
    qtbot.mousePress(painting.canvas, LEFT, pos=at(painting, *points[0]))
    for point in points[1:]:
        qtbot.mouseMove(painting.canvas, at(painting, *point))
    settle(qtbot, painting)
    assert (editor.document.labels != before).any() and (editor.picture != picture).any()
    assert editor.history.index == steps
    qtbot.mouseRelease(painting.canvas, LEFT, pos=at(painting, *points[-1]))
    qtbot.keyClick(painting.canvas, Qt.Key.Key_Return)
    assert editor.history.index == steps + 1
    after = labels_of(painting)
    assert painting.windowTitle().startswith("ada*")
    painting.actions_.undo.trigger()
    np.testing.assert_array_equal(labels_of(painting), before)
    settle(qtbot, painting)
    painting.actions_.redo.trigger()
    np.testing.assert_array_equal(labels_of(painting), after)
    settle(qtbot, painting)


def test_a_fill_is_one_step(qtbot, painting):
    choose(qtbot, painting, "fill")
    painting.studio.set_label(HAT)
    qtbot.mouseClick(painting.canvas, LEFT, pos=at(painting, 256, 60))
    document = painting.editor.document
    assert (document.labels[document.source == HAIR] == HAT).all() and state(painting) == (1, 1)
    assert painting.actions_.undo.text().endswith("Fill with Hat")
    settle(qtbot, painting)


def test_a_polygon_shows_before_it_is_closed_and_is_one_step(qtbot, painting):
    choose(qtbot, painting, "polygon")
    painting.studio.set_label(HAT)
    picture = painting.editor.picture.copy()
    for point in ROUND:
        qtbot.mouseClick(painting.canvas, LEFT, pos=at(painting, *point))
    settle(qtbot, painting)
    assert painting.editor.document.labels[340, 250] == HAT and (painting.editor.picture != picture).any()
    assert state(painting) == (0, 0)
    qtbot.keyClick(painting.canvas, Qt.Key.Key_Return)
    assert state(painting) == (1, 1) and painting.editor.document.labels[340, 250] == HAT
    settle(qtbot, painting)


def test_another_tool_keeps_what_the_one_before_had_begun(qtbot, painting):
    choose(qtbot, painting, "polygon")
    painting.studio.set_label(HAT)
    for point in ROUND:
        qtbot.mouseClick(painting.canvas, LEFT, pos=at(painting, *point))
    press(qtbot, painting, "B")
    assert state(painting) == (1, 1)
    settle(qtbot, painting)


def test_the_eyedropper_takes_up_a_class_and_makes_no_step(qtbot, painting):
    choose(qtbot, painting, "eyedropper")
    qtbot.mouseClick(painting.canvas, LEFT, pos=at(painting, 256, 270))
    assert painting.studio.label == NOSE and painting.workspace.classes.label == NOSE
    assert state(painting) == (0, 0)


@pytest.mark.parametrize("tool", [name for name in KEYS if name not in ("eyedropper", "transform")])
def test_control_and_a_click_take_up_a_class_with_other_tools(qtbot, painting, tool):
    choose(qtbot, painting, tool)
    qtbot.mouseClick(painting.canvas, LEFT, CONTROL, at(painting, 256, 270))
    assert painting.studio.label == NOSE and state(painting) == (0, 0)
    assert held(painting) == tool


def test_the_last_class_comes_back(qtbot, painting):
    painting.studio.set_label(HAT)
    painting.studio.set_label(NOSE)
    press(qtbot, painting, "X")
    assert painting.studio.label == HAT == painting.workspace.classes.label
    press(qtbot, painting, "X")
    assert painting.studio.label == NOSE


def test_escape_takes_back_what_a_drag_did(qtbot, painting):
    before = labels_of(painting)
    choose(qtbot, painting, "lasso")
    qtbot.mousePress(painting.canvas, LEFT, pos=at(painting, 200, 300))
    for point in ROUND[1:]:
        qtbot.mouseMove(painting.canvas, at(painting, *point))
    assert (labels_of(painting) != before).any()
    press(qtbot, painting, "Esc")
    np.testing.assert_array_equal(labels_of(painting), before)
    qtbot.mouseRelease(painting.canvas, LEFT, pos=at(painting, 200, 380))
    assert state(painting) == (0, 0)
    settle(qtbot, painting)


def test_both_sides_are_painted_at_once(qtbot, painting):
    press(qtbot, painting, "S")
    assert painting.studio.options.symmetric and painting.actions_.studio.symmetric.isChecked()
    assert painting.workspace.options.symmetric.isChecked()
    painting.studio.set_label(L_EYE)
    drag(qtbot, painting, (300, 180), (320, 180))
    labels = painting.editor.document.labels
    # The parts of a pair change sides.
    assert labels[180, 310] == L_EYE and labels[180, 202] == R_EYE
    assert state(painting) == (1, 1)
    settle(qtbot, painting)


def test_the_eraser_of_a_pen_borrows_the_restore_brush(qtbot, painting):
    painting.studio.set_label(HAT)
    drag(qtbot, painting, (200, 350), (300, 350))
    source = painting.editor.document.source
    canvas, place = painting.canvas, at(painting, 250, 350)
    hover_pen(canvas, place, ERASER)
    assert held(painting) == "restore"
    send_pen(canvas, PRESS, place, pointer=ERASER)
    send_pen(canvas, MOVE, at(painting, 260, 350), pointer=ERASER)
    send_pen(canvas, RELEASE, at(painting, 260, 350), pointer=ERASER, buttons=Qt.MouseButton.NoButton)
    assert painting.editor.document.labels[350, 255] == source[350, 255] != HAT
    hover_pen(canvas, place)
    assert held(painting) == "brush" and state(painting) == (2, 2)
    settle(qtbot, painting)


def test_the_region_under_the_cursor_is_reverted(qtbot, painting):
    painting.studio.set_label(HAT)
    for y in (350, 60):
        drag(qtbot, painting, (220, y), (280, y))
    document = painting.editor.document
    qtbot.mouseMove(painting.canvas, at(painting, 250, 350))
    press(qtbot, painting, "Del")
    assert document.labels[350, 250] == document.source[350, 250] and document.labels[60, 250] == HAT
    assert state(painting) == (3, 3)
    # Where nothing was changed there is nothing to revert; nor where the cursor is not over the mask.
    qtbot.mouseMove(painting.canvas, at(painting, 100, 480))
    press(qtbot, painting, "Del")
    painting.canvas.left.emit()
    press(qtbot, painting, "Del")
    assert state(painting) == (3, 3)
    settle(qtbot, painting)


# Classes


def zone(window, label, name):
    """Return where a part of a row of the classes lies, in pixels of its viewport."""
    view = window.workspace.classes.view
    view.scrollTo(view.model().index(label, 0))
    row = view.visualRect(view.model().index(label, 0))
    box = getattr(Zones.of(row.toRectF(), view.fontMetrics(), view.layoutDirection()), name)
    return box.center().toPoint()


def click(qtbot, window, label, name):
    qtbot.mouseClick(window.workspace.classes.view.viewport(), LEFT, pos=zone(window, label, name))


def protect(qtbot, window, kind):
    if kind == "locked":
        click(qtbot, window, SKIN, "lock")
        assert window.workspace.protection == Protection(locked=(SKIN,))
    else:
        click(qtbot, window, HAIR, "title")
        press(qtbot, window, "Shift+P")
        assert window.workspace.protection == Protection(over=(HAIR,)) == window.workspace.classes.protection
        assert window.workspace.classes.over.isVisible()


@pytest.mark.parametrize("kind", ["locked", "only over"])
@pytest.mark.parametrize("tool", ["brush", "restore", "fill", "rectangle", "ellipse", "lasso", "polygon", "liquify"])
def test_what_is_protected_stays_whatever_the_tool(qtbot, painting, tool, kind):
    if tool == "restore":
        painting.studio.set_label(SKIN)
        drag(qtbot, painting, (120, 60), (390, 160))
    protect(qtbot, painting, kind)
    painting.studio.set_label(HAT)
    before = labels_of(painting)
    choose(qtbot, painting, tool)
    if tool in ("fill", "polygon"):
        for point in ((256, 350), (256, 60), (100, 200), (300, 340)):
            qtbot.mouseClick(painting.canvas, LEFT, pos=at(painting, *point))
        qtbot.keyClick(painting.canvas, Qt.Key.Key_Return)
    else:
        drag(qtbot, painting, (100, 60), (390, 160), (300, 300), (120, 330))
    after = labels_of(painting)
    changed = after != before
    assert not (changed & (before == SKIN)).any()
    if kind == "only over":
        assert not (changed & (before != HAIR)).any()
    if not (tool == "restore" and kind == "only over"):
        assert changed.any() or (tool, kind) == ("restore", "locked")
    settle(qtbot, painting)


def test_protection_lasts_from_one_portrait_to_the_next_and_ends_by_a_key(qtbot, painting):
    protect(qtbot, painting, "locked")
    painting.editor.edit_portrait(make_portrait(256, "eve", mask_size=(512, 512), seed=1))
    settle(qtbot, painting)
    painting.studio.set_label(HAT)
    drag(qtbot, painting, (200, 340), (300, 340))
    assert (labels_of(painting)[painting.editor.document.source == SKIN] == SKIN).all()
    press(qtbot, painting, "Shift+U")
    assert painting.workspace.protection == Protection() == painting.workspace.classes.protection
    drag(qtbot, painting, (200, 340), (300, 340))
    assert painting.editor.document.labels[340, 250] == HAT
    settle(qtbot, painting)


def seen(window, x, y):
    """Return how far the canvas's colour at a place of the mask is from the picture's below it."""
    window.page.opacity.setValue(100)
    place = at(window, x, y)
    shown = window.canvas.grab().toImage().pixelColor(place)
    below = window.editor.source[y // 2 if window.editor.source.shape[0] == 256 else y, x]
    return np.abs(np.array(shown.getRgb()[:3]) - below.astype(int)).max()


def test_classes_are_hidden_shown_alone_and_outlined(qtbot, painting):
    def display():
        return painting.workspace.display

    painting.studio.set_label(NOSE)
    press(qtbot, painting, "Shift+V")
    assert display().hidden == (NOSE,) == painting.workspace.classes.display.hidden
    hidden = seen(painting, 256, 270)
    click(qtbot, painting, NOSE, "eye")
    assert display().hidden == () and seen(painting, 256, 270) > hidden
    press(qtbot, painting, "Shift+S")
    assert display().solo == NOSE and not display().shows(HAIR)
    press(qtbot, painting, "Shift+O")
    assert display().outlined == (NOSE,)
    press(qtbot, painting, "Shift+A")
    assert display().solo == -1 and not display().outlined and display().shows(HAIR)
    # Nothing of this changes the mask.
    assert state(painting) == (0, 0)


def test_a_class_of_the_list_is_replaced_in_one_step(qtbot, painting):
    menu = painting.workspace.classes.menu(HAIR)
    others = next(action.menu() for action in menu.actions() if action.menu() is not None)
    title = next(label.title for label in LABELS if label.id == HAT)
    next(action for action in others.actions() if action.text() == title).trigger()
    menu.deleteLater()
    assert not (painting.editor.document.labels == HAIR).any() and state(painting) == (1, 1)
    # The list dims what the mask has no more.
    qtbot.waitUntil(lambda: not painting.workspace.classes._model.state(HAIR).present)
    settle(qtbot, painting)


def test_keys_size_the_tool_that_is_held(qtbot, painting):
    choose(qtbot, painting, "liquify")
    before = painting.studio.options
    press(qtbot, painting, "BracketRight")
    after = painting.studio.options
    assert after.liquify_size > before.liquify_size and after.brush_size == before.brush_size
    assert painting.workspace.options.diameter.value == after.liquify_size


def test_what_lies_under_the_cursor_is_told_and_forgotten(qtbot, painting):
    painting.studio.set_label(HAT)
    drag(qtbot, painting, (250, 350), (260, 350))
    qtbot.mouseMove(painting.canvas, at(painting, 255, 350))
    assert painting.status.hover.text().startswith("Hat (14), was Skin")
    QApplication.sendEvent(painting.canvas, QEvent(QEvent.Type.Leave))
    assert painting.status.hover.text() == ""
    settle(qtbot, painting)


def test_a_click_on_the_minimap_moves_the_view_and_paints_nothing(qtbot, painting):
    painting.view.zoom_about(QPointF(100, 100), 6)
    QApplication.processEvents()
    minimap = painting.canvas._minimap
    assert minimap.isVisible()
    centre = painting.view.centre
    qtbot.mouseClick(minimap, LEFT, pos=QPoint(minimap.width() - 12, minimap.height() - 12))
    assert painting.view.centre != centre and state(painting) == (0, 0)
    painting.actions_.studio.minimap.trigger()
    qtbot.waitUntil(lambda: not minimap.isVisible())
