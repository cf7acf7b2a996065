"""The palette that finds commands by a few letters."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMainWindow, QMenu, QWidgetAction
from shiboken6 import delete

from app.command_palette import CommandPalette, all_actions
from app.theme import apply_theme, icon
from tests.gui.fitting import SCALES, cut_off, text_scale

_Key = Qt.Key


class CommandWindow(QMainWindow):
    """A window with some menus, which notes what was triggered."""

    def __init__(self) -> None:
        super().__init__()
        self.done: list[str] = []
        self.field = QLineEdit()
        self.setCentralWidget(self.field)
        file, view = self.add_menu("&File"), self.add_menu("&View")
        self.add(file, "&Open photo…", "Ctrl+O", "open")
        self.add(file, "Export &mask…", "Ctrl+Shift+E")
        self.add(file, "&Export photo…", "Ctrl+E", "export")
        file.addSeparator()
        self.add(file, "Cut && paste").setEnabled(False)
        self.add(view, "Zoom &in", "Ctrl++")
        self.add(view, "Zoom out(&O)", "Ctrl+-")
        self.add(view, "&Before and after", "Ctrl+Shift+B; \\").setCheckable(True)
        theme = QMenu("&Theme", self)
        view.addMenu(theme)
        self.add(theme, "&Dark")
        self.add(theme, "&Light")
        self.add(view, "Not to be seen").setVisible(False)
        self.add(self, "Cancel", "Esc")
        self.addAction(self.named("open-photo"))
        self.resize(900, 600)

    def add_menu(self, title: str) -> QMenu:
        menu = QMenu(title, self)
        self.menuBar().addMenu(menu)
        return menu

    def add(self, to, text: str, keys: str = "", picture: str = "") -> QAction:
        """Add an action, with the id that its text gives."""
        action = QAction(text, self)
        name = text.replace("&", "").rstrip("…")
        action.setObjectName(name.lower().replace(" ", "-"))
        action.setShortcuts(QKeySequence.listFromString(keys))
        first = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{name} ({first})" if first else name)
        if picture:
            action.setIcon(icon(picture))
        action.triggered.connect(lambda *_: self.done.append(action.objectName()))
        to.addAction(action)
        return action

    def named(self, name: str) -> QAction:
        found = self.findChild(QAction, name)
        assert isinstance(found, QAction)
        return found


@pytest.fixture
def commands(qapp, qtbot):
    """Return a shown window whose field has the focus."""
    apply_theme(qapp)
    window = CommandWindow()
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    window.field.setFocus()
    return window


@pytest.fixture
def palette(commands):
    palette = CommandPalette(commands)
    palette.open()
    QApplication.processEvents()
    yield palette
    palette.hide()


def press(palette, *keys):
    for key in keys:
        QTest.keyClick(palette.search, key)


# Listing


def test_every_command_is_listed_once_with_its_menus(commands):
    listed = all_actions(commands)
    assert [command.label for command in listed] == [
        "File › Open photo…",
        "File › Export mask…",
        "File › Export photo…",
        "File › Cut & paste",
        "View › Zoom in",
        "View › Zoom out",
        "View › Before and after",
        "View › Theme › Dark",
        "View › Theme › Light",
        "Cancel",
    ]
    before = listed[6]
    assert before.path == ("View",) and before.title == "Before and after" and before.id == "before-and-after"
    assert before.keys == ["Ctrl+Shift+B", "\\"]
    assert before.action is commands.named("before-and-after")


def test_what_has_no_name_or_no_id(commands):
    view = commands.menuBar().actions()[1].menu()
    slider = QWidgetAction(commands)
    slider.setDefaultWidget(QLineEdit())
    view.addAction(slider)
    unnamed = view.addAction("Plain\tCtrl+9")
    last = all_actions(commands)[-2]
    assert last.action is unnamed and last.title == "Plain" and last.id == "View › Plain" and last.keys == []


# Finding


def test_it_opens_over_the_top_of_the_window(commands, palette):
    assert palette.isVisible() and palette.search.hasFocus()
    place = palette.geometry()
    assert commands.geometry().contains(place) or place.left() >= 0
    assert place.top() < commands.geometry().center().y() - 100
    assert abs(place.center().x() - commands.geometry().center().x()) < 100
    # Rows are shown whole.
    rows = [palette.list.visualRect(palette.list.model().index(row)) for row in range(10)]
    assert all(palette.list.viewport().rect().contains(rect.adjusted(1, 1, -1, -1)) for rect in rows)


def test_at_first_all_are_offered_and_those_that_cannot_be_used_come_last(palette):
    assert len(palette.shown()) == 10
    assert palette.shown()[0] == "File › Open photo…" and palette.shown()[-1] == "File › Cut & paste"


def test_typing_finds(palette):
    palette.search.setText("zi")
    assert palette.shown()[0] == "View › Zoom in"
    palette.search.setText("exp")
    assert palette.shown() == ["File › Export mask…", "File › Export photo…"]
    palette.search.setText("photo exp")
    assert palette.shown() == ["File › Export photo…"]
    palette.search.setText("view z")
    assert palette.shown() == ["View › Zoom in", "View › Zoom out"]
    palette.search.setText("  ")
    assert len(palette.shown()) == 10


def test_nothing_found_is_said(palette):
    palette.search.setText("qqq")
    assert palette.shown() == []
    assert palette.nothing.isVisible() and not palette.list.isVisible()
    assert palette.nothing.text() == "No command is called “qqq”."
    assert palette.search.accessibleDescription() == palette.nothing.text()
    press(palette, _Key.Key_Down, _Key.Key_Return)
    assert palette.isVisible()
    palette.search.setText("")
    assert palette.list.isVisible()


# Choosing


def test_enter_does_what_is_selected_and_the_focus_returns(qtbot, commands, palette):
    palette.search.setText("exp")
    press(palette, _Key.Key_Down)
    assert palette.list.currentIndex().row() == 1
    press(palette, _Key.Key_Return)
    qtbot.waitUntil(lambda: bool(commands.done), timeout=2000)
    assert commands.done == ["export-photo"] and palette.isHidden()
    assert commands.field.hasFocus()


def test_arrows_go_round_and_pages_stop(palette):
    def row():
        return palette.list.currentIndex().row()

    press(palette, _Key.Key_Up)
    assert row() == 9
    press(palette, _Key.Key_Down)
    assert row() == 0
    press(palette, _Key.Key_PageDown)
    assert row() == 9
    press(palette, _Key.Key_PageDown)
    assert row() == 9
    press(palette, _Key.Key_PageUp, _Key.Key_PageUp)
    assert row() == 0
    # Left and right are the field's.
    palette.search.setText("ab")
    press(palette, _Key.Key_Left)
    assert palette.search.cursorPosition() == 1


def test_escape_closes_and_does_nothing(qtbot, commands, palette):
    press(palette, _Key.Key_Escape)
    assert palette.isHidden()
    QApplication.processEvents()
    assert commands.done == [] and commands.field.hasFocus()


def test_the_mouse_chooses(qtbot, commands, palette):
    index = palette.list.model().index(4)
    assert index.data() == "View › Zoom out"
    at = palette.list.visualRect(index).center()
    QTest.mouseMove(palette.list.viewport(), at + QPoint(3, 0))
    QTest.mouseClick(palette.list.viewport(), Qt.MouseButton.LeftButton, pos=at)
    qtbot.waitUntil(lambda: bool(commands.done), timeout=2000)
    assert commands.done == ["zoom-out(o)"] and palette.isHidden()


def test_what_cannot_be_used_now_is_not_done(commands, palette):
    palette.search.setText("cut")
    assert palette.shown() == ["File › Cut & paste"]
    press(palette, _Key.Key_Return)
    QApplication.processEvents()
    assert palette.isVisible() and commands.done == [] and palette.recent == ()
    assert palette.search.accessibleDescription() == "File › Cut & paste, not available now"


def test_switches_are_switched_and_told(qtbot, commands, palette):
    action = commands.named("before-and-after")
    palette.search.setText("before")
    assert palette.search.accessibleDescription() == "View › Before and after, Ctrl+Shift+B, \\, off"
    press(palette, _Key.Key_Enter)
    qtbot.waitUntil(action.isChecked, timeout=2000)
    palette.open()
    palette.search.setText("before")
    assert palette.search.accessibleDescription().endswith(", on")


def test_what_was_chosen_lately_comes_first(qtbot, commands, palette):
    for words in ("light", "zoom out", "light"):
        palette.open()
        palette.search.setText(words)
        count = len(commands.done)
        press(palette, _Key.Key_Return)
        qtbot.waitUntil(lambda count=count: len(commands.done) > count, timeout=2000)
    assert palette.recent == ("light", "zoom-out(o)")
    palette.open()
    assert palette.search.text() == ""
    assert palette.shown()[:3] == ["View › Theme › Light", "View › Zoom out", "File › Open photo…"]
    palette.search.setText("zoom")
    assert palette.shown() == ["View › Zoom out", "View › Zoom in"]
    other = CommandPalette(commands, ("no-more", "export-photo"))
    other.open()
    assert other.shown()[0] == "File › Export photo…" and other.recent == ("no-more", "export-photo")
    other.hide()


def test_what_has_changed_since_is_seen_at_the_next_opening(commands, palette):
    palette.hide()
    delete(commands.named("dark"))
    commands.named("cut--paste").setEnabled(True)
    palette.open()
    assert "View › Theme › Dark" not in palette.shown()
    assert palette.shown().index("File › Cut & paste") == 3


# Looks


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_it_has_room_and_is_drawn_in_either_theme(qapp, commands, scheme, scale):
    apply_theme(qapp, scheme)
    with text_scale(scale):
        palette = CommandPalette(commands)
        palette.open()
        assert palette.list.sizeHintForRow(0) >= palette.fontMetrics().height() + 4
        palette.search.setText("exp")
        assert cut_off(palette) == []
        found = palette.grab().toImage()
        palette.search.setText("nothing like this")
        assert cut_off(palette) == []
        assert palette.grab().toImage() != found
        palette.hide()
    apply_theme(qapp)


def test_the_letters_that_were_typed_stand_out(palette):
    looks = []
    for words in ("ex", "exp"):
        palette.search.setText(words)
        assert palette.shown() == ["File › Export mask…", "File › Export photo…"]
        looks.append(palette.list.grab().toImage())
    assert looks[0] != looks[1]
