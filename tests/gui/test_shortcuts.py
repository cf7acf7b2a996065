"""The keys of commands: what a person gives them, what conflicts, and the dialog."""

import pytest
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.shortcuts import Shortcuts
from app.shortcuts_dialog import ShortcutsDialog
from app.theme import apply_theme
from tests.gui.fitting import SCALES, cut_off, text_scale
from tests.gui.test_command_palette import CommandWindow

_Key = Qt.Key
CONTROL = Qt.KeyboardModifier.ControlModifier
FIXED = {"Space": "Pan while held down"}


@pytest.fixture
def commands(qapp, qtbot):
    apply_theme(qapp)
    window = CommandWindow()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    return window


@pytest.fixture
def shortcuts(commands):
    return Shortcuts(commands, fixed=FIXED)


def seq(*texts: str) -> list[QKeySequence]:
    return [QKeySequence(text) for text in texts]


def texts(shortcuts: Shortcuts, name: str) -> list[str]:
    return [keys.toString() for keys in shortcuts.keys(name)]


# Keys


def test_without_a_choice_all_stays_as_it_is(commands):
    before = {action: (action.shortcuts(), action.toolTip()) for action in commands.findChildren(QAction)}
    shortcuts = Shortcuts(commands)
    assert shortcuts.overrides == {}
    assert {action: (action.shortcuts(), action.toolTip()) for action in commands.findChildren(QAction)} == before
    assert texts(shortcuts, "before-and-after") == ["Ctrl+Shift+B", "\\"]
    assert texts(shortcuts, "light") == []
    assert [command.action.objectName() for command in shortcuts.commands][:2] == ["open-photo", "export-mask"]


def test_chosen_keys_work_and_are_remembered(qtbot, commands, shortcuts):
    with qtbot.waitSignal(shortcuts.changed, timeout=1000):
        shortcuts.set_keys("light", seq("Ctrl+;", "F9"))
    assert shortcuts.overrides == {"light": "Ctrl+;; F9"}
    assert shortcuts.is_changed("light") and not shortcuts.is_changed("dark")
    QTest.keyClick(commands.field, _Key.Key_F9)
    assert commands.done == ["light"]
    other = CommandWindow()
    qtbot.addWidget(other)
    again = Shortcuts(other)
    again.apply(shortcuts.overrides)
    assert texts(again, "light") == ["Ctrl+;", "F9"] and again.overrides == shortcuts.overrides
    assert again.default("light") == []


def test_the_default_keys_come_back(qtbot, shortcuts):
    shortcuts.set_keys("zoom-in", seq("F7"))
    shortcuts.set_keys("light", seq("F8"))
    shortcuts.set_keys("export-mask", [])
    assert shortcuts.overrides == {"zoom-in": "F7", "light": "F8", "export-mask": ""}
    shortcuts.reset("zoom-in")
    assert texts(shortcuts, "zoom-in") == ["Ctrl++"]
    assert shortcuts.overrides == {"light": "F8", "export-mask": ""}
    # What is chosen equal to the default is no choice.
    shortcuts.set_keys("light", [])
    assert shortcuts.overrides == {"export-mask": ""}
    shortcuts.reset_all()
    assert shortcuts.overrides == {} and texts(shortcuts, "export-mask") == ["Ctrl+Shift+E"]
    with qtbot.assertNotEmitted(shortcuts.changed):
        shortcuts.reset_all()


def test_a_key_that_another_has_is_taken_from_it(commands, shortcuts):
    user = shortcuts.user_of(QKeySequence("Ctrl+O"), but="light")
    assert user is not None and user.title == "Open photo…"
    assert shortcuts.user_of(QKeySequence("Ctrl+O"), but="open-photo") is None
    assert shortcuts.user_of(QKeySequence("F12")) is None
    # From a default ...
    shortcuts.set_keys("light", seq("Ctrl+O"))
    assert texts(shortcuts, "open-photo") == []
    # ... and from a choice.
    shortcuts.set_keys("dark", seq("Ctrl+O", "F3"))
    assert texts(shortcuts, "light") == [] and texts(shortcuts, "dark") == ["Ctrl+O", "F3"]
    assert shortcuts.overrides == {"dark": "Ctrl+O; F3"}
    # Taken back, it leaves what took it.
    shortcuts.reset("open-photo")
    assert texts(shortcuts, "open-photo") == ["Ctrl+O"] and texts(shortcuts, "dark") == ["F3"]
    shortcuts.reset("dark")
    assert shortcuts.overrides == {}


def test_one_of_two_keys_is_taken(shortcuts):
    shortcuts.set_keys("light", seq("\\"))
    assert texts(shortcuts, "before-and-after") == ["Ctrl+Shift+B"]
    shortcuts.reset("light")
    assert texts(shortcuts, "before-and-after") == ["Ctrl+Shift+B", "\\"]


@pytest.mark.parametrize("value", ["Nonsense; F4", "F4; F4", "; F4", "F4;"])
def test_settings_edited_by_hand_do_no_harm(commands, value):
    shortcuts = Shortcuts(commands, FIXED)
    shortcuts.apply({"light": value, "dark": "F4; F5; Space", "gone": "Ctrl+J", "zoom-in": "Nonsense"})
    # The first in the menus has what is given twice; and none has what is fixed.
    assert texts(shortcuts, "dark") == ["F4", "F5"] and texts(shortcuts, "light") == []
    assert texts(shortcuts, "zoom-in") == []
    shortcuts.set_keys("cancel", seq("F6"))
    assert shortcuts.overrides["gone"] == "Ctrl+J"


def test_fixed_keys_are_refused(shortcuts):
    with pytest.raises(ValueError, match="Pan while held down"):
        shortcuts.set_keys("light", seq("F2", "Space"))
    assert texts(shortcuts, "light") == [] and shortcuts.overrides == {}


def test_a_default_may_be_fixed(commands):
    shortcuts = Shortcuts(commands, {"Esc": "Take back what is under way"})
    assert texts(shortcuts, "cancel") == ["Esc"]
    shortcuts.apply({"cancel": "F2"})
    assert texts(shortcuts, "cancel") == ["F2"]
    shortcuts.reset("cancel")
    assert texts(shortcuts, "cancel") == ["Esc"]


def test_commands_without_an_id_are_left_alone(commands):
    plain = QAction("Plain", commands)
    plain.setShortcut("Ctrl+9")
    commands.addAction(plain)
    shortcuts = Shortcuts(commands)
    assert "Plain" not in [command.title for command in shortcuts.commands]
    with pytest.raises(KeyError):
        shortcuts.set_keys("", seq("F2"))


def test_an_id_is_one_commands(commands):
    commands.named("dark").setObjectName("light")
    with pytest.raises(ValueError, match=r"'light'.*Dark.*Light"):
        Shortcuts(commands)


def test_commands_that_come_later_get_their_keys(commands):
    shortcuts = Shortcuts(commands)
    shortcuts.apply({"later": "F2"})
    commands.add(commands.menuBar().actions()[0].menu(), "Later", "F11")
    shortcuts.learn()
    assert texts(shortcuts, "later") == ["F2"] and shortcuts.default("later") == seq("F11")
    shortcuts.reset_all()
    assert texts(shortcuts, "later") == ["F11"]


def test_tooltips_tell_the_keys_of_now(commands, shortcuts):
    zoom, light, dark = (commands.named(name) for name in ("zoom-in", "light", "dark"))
    dark.setToolTip("Black is beautiful (really)")
    commands.named("export-mask").setToolTip("Says nothing of keys")
    shortcuts = Shortcuts(commands)
    zoom.setToolTip("Zoom in (Ctrl++)\nInto the middle")
    shortcuts.set_keys("zoom-in", seq("F7", "F8"))
    shortcuts.set_keys("light", seq("F9"))
    shortcuts.set_keys("export-mask", seq("F10"))
    assert zoom.toolTip() == "Zoom in (F7)\nInto the middle"
    assert light.toolTip() == "Light (F9)"
    assert commands.named("export-mask").toolTip() == "Says nothing of keys"
    shortcuts.set_keys("zoom-in", [])
    shortcuts.set_keys("light", [])
    assert zoom.toolTip() == "Zoom in\nInto the middle" and light.toolTip() == "Light"
    shortcuts.reset_all()
    assert zoom.toolTip() == "Zoom in (Ctrl++)\nInto the middle"
    assert dark.toolTip() == "Black is beautiful (really)"


# The dialog


@pytest.fixture
def dialog(qtbot, commands, shortcuts):
    dialog = ShortcutsDialog(shortcuts, commands)
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.activateWindow()
    QApplication.processEvents()
    yield dialog
    dialog.close()


def groups(dialog):
    """Return what is listed: each group's title, and its rows' words and keys."""
    root = dialog.tree.invisibleRootItem()
    listed = {}
    for group in (root.child(row) for row in range(root.childCount())):
        rows = [group.child(row) for row in range(group.childCount())]
        shown = [(row.text(0), row.text(1)) for row in rows if not row.isHidden()]
        if not group.isHidden():
            listed[group.text(0)] = shown
    return listed


def choose(dialog, words):
    found = dialog.tree.findItems(words, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive)
    dialog.tree.setCurrentItem(found[0])


def record(dialog, key, modifiers=Qt.KeyboardModifier.NoModifier, place=0):
    dialog.edits[place].setFocus()
    QTest.keyClick(dialog.edits[place], key, modifiers)


def test_all_commands_are_listed_by_menu(dialog):
    assert dialog.search.hasFocus()
    assert groups(dialog) == {
        "File": [
            ("Open photo…", "Ctrl+O"),
            ("Export mask…", "Ctrl+Shift+E"),
            ("Export photo…", "Ctrl+E"),
            ("Cut & paste", ""),
        ],
        "View": [
            ("Zoom in", "Ctrl++"),
            ("Zoom out", "Ctrl+-"),
            ("Before and after", "Ctrl+Shift+B,  \\"),
            ("Theme › Dark", ""),
            ("Theme › Light", ""),
        ],
        "Other": [("Cancel", "Esc")],
        "Fixed": [("Pan while held down", "Space")],
    }


def test_searching_by_name_menu_or_key(dialog):
    for words, found in (
        ("zoom", {"View": [("Zoom in", "Ctrl++"), ("Zoom out", "Ctrl+-")]}),
        ("ctrl+e", {"File": [("Export photo…", "Ctrl+E")]}),
        ("file mask", {"File": [("Export mask…", "Ctrl+Shift+E")]}),
        ("qqq", {}),
    ):
        dialog.search.setText(words)
        assert groups(dialog) == found
    assert dialog.nothing.isVisible() and "“qqq”" in dialog.nothing.text()
    assert not dialog.editor.isEnabled()
    dialog.search.clear()
    assert len(groups(dialog)) == 4 and not dialog.nothing.isVisible() and dialog.editor.isEnabled()


def test_a_pressed_key_holds_at_once(dialog, shortcuts):
    choose(dialog, "Theme › Light")
    assert not dialog.reset_button.isEnabled()
    record(dialog, _Key.Key_F9)
    assert shortcuts.overrides == {"light": "F9"}
    assert ("Theme › Light", "F9") in groups(dialog)["View"]
    record(dialog, _Key.Key_F9, CONTROL, place=1)
    assert shortcuts.overrides == {"light": "F9; Ctrl+F9"}
    assert dialog.tree.currentItem().font(0).bold()
    assert dialog.tree.currentItem().toolTip(0) == "Changed; at first: none"
    dialog.removers[0].click()
    assert shortcuts.overrides == {"light": "Ctrl+F9"}
    assert dialog.edits[0].keySequence() == QKeySequence("Ctrl+F9") and dialog.edits[1].keySequence().isEmpty()
    assert dialog.removers[0].isEnabled() and not dialog.removers[1].isEnabled()
    dialog.reset_button.click()
    assert shortcuts.overrides == {} and not dialog.tree.currentItem().font(0).bold()


def test_a_key_in_use_is_asked_about(dialog, shortcuts):
    choose(dialog, "Theme › Light")
    record(dialog, _Key.Key_O, CONTROL)
    assert shortcuts.overrides == {}
    assert dialog.message.isVisible() and dialog.replace_button.hasFocus()
    assert dialog.message_text.text() == "Ctrl+O is used by “File › Open photo…”."
    assert dialog.replace_button.accessibleDescription() == dialog.message_text.text()
    dialog.cancel_button.click()
    assert not dialog.message.isVisible() and shortcuts.overrides == {}
    assert dialog.edits[0].keySequence().isEmpty() and dialog.tree.hasFocus()
    record(dialog, _Key.Key_O, CONTROL)
    QTest.keyClick(dialog.replace_button, _Key.Key_Return)
    assert shortcuts.overrides == {"light": "Ctrl+O"} and not dialog.message.isVisible()
    assert ("Open photo…", "") in groups(dialog)["File"]
    assert dialog.isVisible()


def test_a_question_is_dropped_with_escape_or_by_turning_to_something_else(dialog, shortcuts):
    choose(dialog, "Theme › Light")
    record(dialog, _Key.Key_O, CONTROL)
    QTest.keyClick(dialog.replace_button, _Key.Key_Escape)
    assert dialog.isVisible() and not dialog.message.isVisible()
    record(dialog, _Key.Key_O, CONTROL)
    choose(dialog, "Zoom in")
    assert not dialog.message.isVisible() and shortcuts.overrides == {}
    assert dialog.edits[0].keySequence() == QKeySequence("Ctrl++")
    QTest.keyClick(dialog.tree, _Key.Key_Escape)
    assert not dialog.isVisible()


def test_a_fixed_key_is_explained(dialog, shortcuts):
    choose(dialog, "Theme › Light")
    record(dialog, _Key.Key_Space)
    assert dialog.message_text.text() == "Space cannot be changed. It is for: Pan while held down."
    assert not dialog.replace_button.isVisible() and dialog.cancel_button.hasFocus()
    dialog.cancel_button.click()
    assert dialog.edits[0].keySequence().isEmpty() and shortcuts.overrides == {}
    choose(dialog, "Pan while held down")
    assert not dialog.editor.isEnabled()


def test_a_default_key_that_is_used_elsewhere_is_asked_about(dialog, shortcuts):
    shortcuts.set_keys("light", seq("Ctrl+O"))
    choose(dialog, "Open photo…")
    assert dialog.reset_button.isEnabled()
    dialog.reset_button.click()
    assert dialog.message_text.text() == "Ctrl+O is used by “View › Theme › Light”."
    dialog.replace_button.click()
    assert shortcuts.overrides == {}


def test_resetting_all_is_asked_about(dialog, shortcuts):
    buttons = [button for button in dialog.findChildren(type(dialog.close_button)) if button.text() == "Reset all…"]
    assert not buttons[0].isEnabled()
    shortcuts.set_keys("light", seq("F8"))
    shortcuts.set_keys("dark", seq("F9"))
    buttons[0].click()
    assert dialog.message_text.text() == "All changes will be lost. Changed commands: 2."
    dialog.cancel_button.click()
    assert len(shortcuts.overrides) == 2
    buttons[0].click()
    dialog.replace_button.click()
    assert shortcuts.overrides == {} and not buttons[0].isEnabled()


def test_the_keyboard_alone_is_enough(dialog, shortcuts):
    QTest.keyClicks(dialog.search, "light")
    QTest.keyClick(dialog.search, _Key.Key_Return)
    assert dialog.tree.hasFocus() and dialog.tree.currentItem().text(0) == "Theme › Light"
    QTest.keyClick(dialog.tree, _Key.Key_Return)
    assert dialog.edits[0].hasFocus()
    QTest.keyClick(dialog.edits[0], _Key.Key_Escape)
    assert dialog.tree.hasFocus() and dialog.isVisible()
    QTest.keyClick(dialog.tree, _Key.Key_Return)
    QTest.keyClick(dialog.edits[0], _Key.Key_F4)
    assert shortcuts.overrides == {"light": "F4"}
    dialog.edits[0].setFocus()
    QTest.keyClick(dialog.edits[0], _Key.Key_Tab)
    assert dialog.removers[0].hasFocus()
    QTest.keyClick(dialog.removers[0], _Key.Key_Space)
    assert shortcuts.overrides == {}


def test_editing_tells_what_to_remember(qtbot, commands, shortcuts):
    def act(key):
        dialog = commands.findChild(ShortcutsDialog)
        assert dialog is not None and dialog.isVisible()
        choose(dialog, "Theme › Light")
        if key is not None:
            record(dialog, key)
        dialog.close_button.click()

    for key, overrides in ((_Key.Key_F9, {"light": "F9"}), (None, None)):
        QTimer.singleShot(0, lambda key=key: act(key))
        assert shortcuts.edit() == overrides
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        assert commands.findChild(ShortcutsDialog) is None
    assert shortcuts.overrides == {"light": "F9"}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_its_words_have_room(qapp, qtbot, commands, shortcuts, scheme, scale):
    apply_theme(qapp, scheme)
    with text_scale(scale):
        dialog = ShortcutsDialog(shortcuts, commands)
        qtbot.addWidget(dialog)
        dialog.show()
        assert cut_off(dialog) == []
        choose(dialog, "Theme › Light")
        record(dialog, _Key.Key_O, CONTROL)
        assert dialog.message.isVisible() and cut_off(dialog) == []
        dialog.search.setText("nothing like this")
        assert cut_off(dialog) == []
    apply_theme(qapp)
