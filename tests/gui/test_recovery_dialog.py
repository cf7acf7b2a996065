"""The dialog that offers what programs that ended have left."""

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QDateTime, QLocale, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMessageBox

from app.journal import FolderLock
from app.recoverable import Recoverable, recoverable
from app.recovery import RecoveryDialog
from tests.fakes import make_portrait
from tests.project_fakes import Hand


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKBRUSH_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def left():
    """Return what three ended programs left, the newest first."""
    made = []
    for seed, name in enumerate(("ada", "", "a very long name of a portrait " * 3)):
        hand = Hand(seed, make_portrait(64, name, seed=seed))
        hand.journal._name = name
        hand.edit()
        hand.snapshot()
        for _ in range(seed):
            hand.edit()
        hand.end()
        for file in hand.journal.folder.iterdir():
            os.utime(file, (1e9 - seed, 1e9 - seed))
        made.append(hand)
    return recoverable()


@pytest.fixture
def dialog(qtbot, left):
    dialog = RecoveryDialog(left)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    return dialog


def answer(qtbot, text):
    """Press a button of the box that is about to be shown."""

    def press():
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        asked.append(box.text())
        next(button for button in box.buttons() if button.text() == text).click()

    asked = []
    QTimer.singleShot(50, press)
    return asked


def test_the_dialog_lists_what_there_is(dialog, left):
    texts = [dialog.list.item(row).text().split("\n") for row in range(3)]
    assert [text[0] for text in texts] == ["ada", "Untitled", left[2].name]
    assert texts[0][1] == "1 edit" and texts[1][1] == "2 edits"
    date = QDateTime.fromSecsSinceEpoch(10**9)
    assert QLocale().toString(date.time(), QLocale.FormatType.ShortFormat) in texts[0][2]
    icon = dialog.list.item(0).icon().pixmap(92, 88).toImage()
    assert icon.pixelColor(46, 44).alpha() == 255 and dialog.current is left[0]


def test_recovering_is_the_default(qtbot, dialog, left):
    dialog.list.setCurrentRow(1)
    with qtbot.waitSignal(dialog.accepted):
        qtbot.keyClick(dialog.list, Qt.Key.Key_Return)
    assert dialog.chosen is left[1]


def test_a_double_click_recovers(qtbot, dialog, left):
    place = dialog.list.visualItemRect(dialog.list.item(0)).center()
    with qtbot.waitSignal(dialog.accepted):
        # Qt knows a double click by the click before it.
        qtbot.mouseClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
        qtbot.mouseDClick(dialog.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert dialog.chosen is left[0]


@pytest.mark.parametrize("how", ["button", "escape"])
def test_later_keeps_everything(qtbot, dialog, left, how):
    with qtbot.waitSignal(dialog.rejected):
        if how == "button":
            dialog.later_button.click()
        else:
            qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.chosen is None and len(recoverable()) == 3


def test_discarding_is_asked_once_more(qtbot, dialog, left):
    asked = answer(qtbot, "Keep")
    dialog.discard_button.click()
    assert asked == ["Discard 1 edit of ada for good?"]
    assert dialog.list.count() == 3 and len(recoverable()) == 3
    for remaining in (2, 1, 0):
        answer(qtbot, "Discard")
        dialog.discard_button.click()
        assert dialog.list.count() == len(recoverable()) == remaining
    assert dialog.isHidden() and dialog.chosen is None


def test_what_cannot_be_discarded_stays(qtbot, dialog, left, monkeypatch):
    warned = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *words: warned.append(words[-1]))
    lock = FolderLock(left[0].folder)
    answer(qtbot, "Discard")
    dialog.discard_button.click()
    lock.release()
    assert "another window" in warned[0] and dialog.list.count() == 3


def test_times_are_told_as_people_do(qtbot):
    now = QDateTime.currentDateTime()

    def shown(days):
        when = float(now.addDays(-days).toSecsSinceEpoch())
        dialog = RecoveryDialog([Recoverable(Path("/x"), "ada", Path("/a.maskbrush"), when, 2)])
        qtbot.addWidget(dialog)
        assert "/a.maskbrush" in dialog.list.item(0).toolTip()
        return dialog.list.item(0).text().split("\n")[2]

    assert shown(0).startswith("Today, ") and shown(1).startswith("Yesterday, ")
    assert QLocale().toString(now.addDays(-3).date(), QLocale.FormatType.LongFormat) in shown(3)
