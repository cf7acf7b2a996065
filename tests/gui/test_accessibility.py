"""Whether everything can be reached and done without a mouse, and is called by a name."""

import re

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QMenu,
    QToolBar,
    QToolButton,
    QWidget,
)

from app.action_maker import plain
from app.command_palette import all_actions
from app.theme import apply_theme, colours
from engine.align import points_in, whole_frame
from tests.gui.conftest import settle
from tests.gui.hands import LEFT
from tests.gui.readers import face_at, write_photo

NATIVE = QKeySequence.SequenceFormat.NativeText
ANYWAY = {"cancel-opening"}
"""What is in no menu, because its key alone makes sense."""


def name_of(widget: QWidget) -> str:
    """Return what a screen reader calls a widget."""
    text = widget.text() if isinstance(widget, QAbstractButton | QLabel) else ""
    return widget.accessibleName() or plain(text)


def nameless(window: QWidget) -> list[str]:
    """Return what can have the focus, or be pressed, and has no name."""
    found = []
    for widget in window.findChildren(QWidget):
        parent = widget.parent()
        # A combo's list has a frame of its own.
        holder = parent.parent() if isinstance(parent, QFrame) else parent
        inner = isinstance(parent, QAbstractSpinBox) or isinstance(holder, QComboBox)
        counts = widget.focusPolicy() != Qt.FocusPolicy.NoFocus or isinstance(widget, QAbstractButton)
        # A label that can be copied is read as what it says, once it says something; fields clear by a button.
        if inner or isinstance(widget, QLabel) or isinstance(widget.parent(), QLineEdit):
            continue
        if counts and widget.isVisibleTo(window) and not name_of(widget):
            found.append(f"{type(widget).__name__} {widget.objectName()!r} in {type(widget.parent()).__name__}")
    return found


def commands(window) -> list[QAction]:
    """Return the window's actions that do something."""
    return [
        action
        for action in window.findChildren(QAction)
        if not (action.isSeparator() or action.menu() or isinstance(action.parent(), QLineEdit | QToolBar))
        and action.parent() is not window.recent.menu
    ]


def in_menus(window) -> list[QAction]:
    found: list[QAction] = []

    def gather(menu: QMenu) -> None:
        for action in menu.actions():
            inner = action.menu()
            if isinstance(inner, QMenu):
                gather(inner)
            else:
                found.append(action)

    for top in window.menuBar().actions():
        menu = top.menu()
        assert isinstance(menu, QMenu)
        gather(menu)
    return found


# Names


@pytest.mark.parametrize("page", [0, 1, 2, -1])
@pytest.mark.parametrize("opened", [False, True])
def test_everything_has_a_name(qtbot, request, page, opened):
    window = request.getfixturevalue("painting" if opened else "window")
    window.resize(1400, 800)
    window.workspace.show_panel(page)
    for tool in window.workspace.box.tools:
        window.workspace.box.choose(tool)
        QApplication.processEvents()
        assert not nameless(window)


def test_the_page_that_asks_has_names(qtbot, painting):
    page = painting.questions.page
    page.adjust(painting.editor.portrait.view, points_in(whole_frame(512, 512)), "The mask will be replaced.")
    painting.pages.setCurrentWidget(page)
    QApplication.processEvents()
    assert page.isVisible() and not nameless(painting)


def test_names_are_told_apart_in_each_bar(painting):
    painting.resize(1400, 800)
    QApplication.processEvents()
    workspace = painting.workspace
    for part in (workspace.tools, workspace.page, painting.findChild(QToolBar, "commands"), workspace.classes):
        names = [name_of(each) for each in part.findChildren(QAbstractButton) if each.isVisible()]
        assert len(names) == len(set(names))


# Commands


def test_every_command_has_a_name_a_text_and_a_tooltip_with_its_key(painting):
    actions = commands(painting)
    names = [action.objectName() for action in actions]
    assert len(actions) > 90 and all(re.fullmatch(r"[\w-]+", name) for name in names)
    assert len(set(names)) == len(names)
    for action in actions:
        assert plain(action.text()) and action.toolTip(), action.objectName()
        keys = action.shortcuts()
        # One that cannot be used says why instead.
        if keys and action.isEnabled():
            assert action.toolTip().endswith(f"({keys[0].toString(NATIVE)})"), action.objectName()


def test_every_command_is_found_by_typing_and_in_the_menus(painting):
    found = {command.action for command in all_actions(painting)}
    listed = set(in_menus(painting))
    for action in commands(painting):
        assert action in found, action.objectName()
        assert action in listed or action.objectName() in ANYWAY, action.objectName()


def test_what_buttons_do_is_in_the_menus(painting):
    listed = set(in_menus(painting))
    bar = painting.findChild(QToolBar, "commands")
    buttons = [*painting.workspace.tools.buttons, *bar.findChildren(QToolButton)]
    buttons += [painting.page.whole_button, painting.page.wipe_button, painting.page.heat_button]
    actions = [button.defaultAction() for button in buttons if button.defaultAction() is not None]
    assert len(actions) >= 12 + 14 + 3
    assert all(action in listed for action in actions)


def test_no_key_has_two_commands(painting):
    keys = [key.toString() for action in commands(painting) for key in action.shortcuts()]
    assert len(keys) == len(set(keys)) > 80


def test_what_is_switched_on_is_told_by_more_than_a_colour(painting, qapp):
    toggles = [action for action in in_menus(painting) if action.isCheckable() and not action.icon().isNull()]
    assert len(toggles) > 15
    sheet = qapp.styleSheet()
    assert "QMenu::icon:checked" in sheet and "QToolButton:checked" in sheet


# The keyboard


def ring(window) -> list[QWidget]:
    """Return what Tab leads to, from the tools on, once around."""
    window.activateWindow()
    first = window.workspace.tools.buttons[0]
    first.setFocus(Qt.FocusReason.TabFocusReason)
    QApplication.processEvents()
    found: list[QWidget] = []
    while (widget := QApplication.focusWidget()) is not None and widget not in found:
        found.append(widget)
        window.focusNextPrevChild(True)
    return found


def test_tab_leads_from_the_tools_by_the_pictures_to_the_panel(qtbot, painting):
    painting.resize(1400, 800)
    QApplication.processEvents()
    workspace, page = painting.workspace, painting.page
    # What can be done to the mask is looked for a little later.
    qtbot.waitUntil(lambda: workspace.face.rows["smile"].isEnabled())
    order = ring(painting)
    assert all(workspace.tools.isAncestorOf(each) for each in order[:12])
    stations = (
        workspace.tools.buttons[-1], workspace.options.diameter, workspace.options.symmetric, workspace.classes.view,
        painting.canvas, page.opacity, painting.result_pane, page.style_button, page.only_edit, page.wipe_button,
        page.heat_button, workspace.panels.tabBar(), workspace.face.search, workspace.face.rows["smile"].slider,
    )  # fmt: skip
    places = []
    for station in stations:
        inside = [place for place, each in enumerate(order) if each is station or station.isAncestorOf(each)]
        assert inside, f"Tab does not lead to {station}"
        places.append(inside[0])
    assert places == sorted(places)


def test_a_picture_shows_that_tab_led_to_it(qtbot, painting, qapp):
    painting.activateWindow()
    for theme in ("light", "dark"):
        apply_theme(qapp, theme)
        accent = colours().accent
        for pane in (painting.source_pane, painting.canvas, painting.result_pane):
            painting.workspace.classes.view.setFocus(Qt.FocusReason.OtherFocusReason)
            pane.setFocus(Qt.FocusReason.TabFocusReason)
            QApplication.processEvents()
            assert pane.grab().toImage().pixelColor(0, 40).name() == accent
            painting.workspace.classes.view.setFocus(Qt.FocusReason.OtherFocusReason)
            QApplication.processEvents()
            assert pane.grab().toImage().pixelColor(0, 40).name() != accent
        # A click says itself where it is.
        qtbot.mouseClick(painting.source_pane, LEFT)
        assert painting.source_pane.hasFocus()
        assert painting.source_pane.grab().toImage().pixelColor(0, 40).name() != accent


def test_a_tool_chosen_by_keyboard_leaves_the_keys_to_the_canvas(qtbot, painting):
    painting.activateWindow()
    button = next(each for each in painting.workspace.tools.buttons if each.accessibleName() == "Lasso")
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert painting.workspace.box.current.name == "lasso" and painting.canvas.hasFocus()


def test_a_class_is_chosen_hidden_and_locked_by_keyboard(qtbot, painting):
    view = painting.workspace.classes.view
    view.setFocus(Qt.FocusReason.TabFocusReason)
    painting.studio.set_label(0)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert painting.studio.label == 2
    qtbot.keyClick(view, Qt.Key.Key_Space)
    assert painting.workspace.display.hidden == (2,)
    qtbot.keyClick(view, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert painting.workspace.protection.locked == (2,)


def test_while_a_face_is_asked_for_tools_and_panels_rest(qtbot, window, reader, tmp_path):
    reader.found = [face_at(150, 100)]
    window.commands.open_photo(write_photo(tmp_path))
    settle(qtbot, window)
    studio = window.actions_.studio
    actions = (*studio.tools.values(), *studio.layouts, *studio.panels)
    assert all(action.isEnabled() for action in actions)
    window.actions_.adjust.trigger()
    assert window.questions.open and not any(action.isEnabled() for action in actions)
    assert not nameless(window)
    window.questions.page.cancelled.emit()
    assert all(action.isEnabled() for action in actions)
    settle(qtbot, window)
