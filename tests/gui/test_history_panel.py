"""The panel of the history: what it lists, where it goes back to, and what it compares with."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication

from app import history_model
from app.document import MaskDocument
from app.history import History
from app.history_model import HistoryModel, change_picture
from app.history_panel import HistoryDelegate, HistoryPanel
from app.theme import apply_theme
from engine.mask.strokes import Stroke
from resources.labels import palette

LEFT = Qt.MouseButton.LeftButton
SIZE = 64


class Session:
    """A document with its history, and a hand that paints dots."""

    def __init__(self, budget=10**9):
        self.document = MaskDocument(np.zeros((SIZE, SIZE), np.uint8))
        self.history = History(self._apply, budget)
        self._dots = 0

    def _apply(self, edits, undo):
        for edit in edits:
            self.document.apply(edit, undo)

    def paint(self, label=None, radius=3.0):
        self._dots += 1
        label = 1 + self._dots % 18 if label is None else label
        x, y = (7 * self._dots) % SIZE, (11 * self._dots) % SIZE
        edit = self.document.perform(Stroke(label, np.array([(x, y, radius)], np.float32)))
        assert edit is not None
        self.history.add(edit)
        return edit


@pytest.fixture
def session():
    return Session()


class TellingPanel(HistoryPanel):
    def __init__(self, history):
        super().__init__(history)
        self.told: list[tuple] = []
        self.jump_asked.connect(lambda index: self.told.append(("jump", index)))
        self.compare_asked.connect(lambda index: self.told.append(("compare", index)))


@pytest.fixture
def panel(qapp, qtbot, session):
    apply_theme(qapp, "dark")
    panel = TellingPanel(session.history)
    qtbot.addWidget(panel)
    panel.resize(240, 480)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.activateWindow()
    return panel


def titles(panel):
    return [panel.model.index(row, 0).data() for row in range(panel.model.rowCount())]


def row_box(panel, row) -> QRectF:
    return QRectF(panel.view.visualRect(panel.model.index(row, 0)))


def middle(panel, row) -> QPoint:
    return row_box(panel, row).center().toPoint()


def button(panel, row) -> QPoint:
    return HistoryDelegate.button(row_box(panel, row), panel.view.fontMetrics()).center().toPoint()


def click(qtbot, panel, place):
    qtbot.mouseMove(panel.view.viewport(), place)
    qtbot.mouseClick(panel.view.viewport(), LEFT, pos=place)


def test_an_empty_history_says_what_will_come(panel, session):
    assert not panel.view.isVisible() and panel.footer.isHidden()
    session.paint(13)
    assert panel.view.isVisible()
    assert titles(panel) == ["Original", "Paint Hair"]
    assert panel.footer.text() == "1 step, 0.1 MB"
    session.history.clear()
    assert not panel.view.isVisible()


def test_steps_are_listed_from_the_oldest_with_the_present_marked(panel, session):
    for label in (13, None, 3):
        session.paint(label)
    assert titles(panel)[0] == "Original" and titles(panel)[1] == "Paint Hair" and titles(panel)[3] == "Paint Glasses"
    assert [panel.model.state(row).current for row in range(4)] == [False, False, False, True]
    session.history.jump(1)
    assert [panel.model.state(row).done for row in range(4)] == [True, True, False, False]
    assert panel.view.currentIndex().row() == 1
    assert panel.model.remark(1) == "step 1, now" and panel.model.remark(3) == "step 3, undone"
    assert panel.footer.text().startswith("3 steps, ")


def test_one_more_edit_inserts_one_row(panel, session):
    for _ in range(5):
        session.paint()
    inserted, removed, reset = [], [], []
    panel.model.rowsInserted.connect(lambda _, first, last: inserted.append((first, last)))
    panel.model.rowsRemoved.connect(lambda _, first, last: removed.append((first, last)))
    panel.model.modelReset.connect(lambda: reset.append(True))
    session.paint()
    assert (inserted, removed, reset) == ([(6, 6)], [], [])
    session.history.jump(3)
    session.paint()
    assert (inserted, removed, reset) == ([(6, 6), (4, 4)], [(4, 6)], [])


def test_a_jump_changes_the_rows_between_alone(panel, session):
    for _ in range(6):
        session.paint()
    changed = []
    panel.model.dataChanged.connect(lambda first, last: changed.append((first.row(), last.row())))
    session.history.jump(2)
    session.history.jump(5)
    assert changed == [(2, 6), (2, 5)]


def test_a_click_goes_there(qtbot, panel, session):
    for _ in range(4):
        session.paint()
    for row in (2, 0, 4):
        click(qtbot, panel, middle(panel, row))
    assert panel.told == [("jump", 2), ("jump", 0), ("jump", 4)]
    # Whoever lets go elsewhere has changed their mind.
    qtbot.mousePress(panel.view.viewport(), LEFT, pos=middle(panel, 1))
    qtbot.mouseRelease(panel.view.viewport(), LEFT, pos=middle(panel, 3))
    qtbot.mouseClick(panel.view.viewport(), Qt.MouseButton.MiddleButton, pos=middle(panel, 1))
    assert len(panel.told) == 3


def test_keys_go_there_and_compare(qtbot, panel, session):
    for _ in range(3):
        session.paint()
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_Up)
    assert panel.told == []
    qtbot.keyClick(panel.view, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(panel.view, Qt.Key.Key_Up)
    qtbot.keyClick(panel.view, Qt.Key.Key_Space)
    assert panel.told == [("compare", 2), ("jump", 1)]


def test_a_step_is_compared_with_now_until_that_is_ended(qtbot, panel, session):
    for label in (13, 3, 1):
        session.paint(label)
    assert panel.bar.isHidden()
    click(qtbot, panel, button(panel, 2))
    assert panel.told == [("compare", 2)] and panel.model.compared == 2
    assert panel.bar.isVisible() and panel.bar.text == "Comparing with step 2: Paint Glasses"
    assert "compared" in panel.model.index(2, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    click(qtbot, panel, button(panel, 0))
    assert panel.bar.text == "Comparing with the original"
    click(qtbot, panel, button(panel, 0))
    assert panel.told[-1] == ("compare", -1) and panel.bar.isHidden()
    click(qtbot, panel, button(panel, 1))
    qtbot.mouseClick(panel.bar.close_button, LEFT)
    assert panel.told[-2:] == [("compare", 1), ("compare", -1)]


def test_the_present_is_not_compared_with_itself(qtbot, panel, session):
    session.paint()
    session.paint()
    click(qtbot, panel, button(panel, 2))
    assert panel.told == [("jump", 2)]
    panel.view.setFocus()
    qtbot.keyClick(panel.view, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert panel.told == [("jump", 2)]
    jump, compare = panel.view.menu(2).actions()
    assert not jump.isEnabled() and not compare.isEnabled()
    # What is already compared with can be left when it has become the present.
    panel.set_compared(1)
    session.history.jump(1)
    click(qtbot, panel, button(panel, 1))
    assert panel.told[-1] == ("compare", -1)


def test_the_menu_jumps_and_compares(panel, session):
    for _ in range(3):
        session.paint()
    session.history.jump(2)
    back, compare = panel.view.menu(1).actions()
    on = panel.view.menu(3).actions()[0]
    assert (back.text(), on.text()) == ("Go back to this step", "Redo up to this step")
    back.trigger()
    on.trigger()
    compare.trigger()
    assert panel.told == [("jump", 1), ("jump", 3), ("compare", 1)]
    assert panel.view.menu(1).actions()[1].isChecked()


def test_what_was_set_from_outside_is_marked_without_a_signal(panel, session):
    session.paint()
    session.paint()
    panel.set_compared(1)
    assert panel.told == [] and panel.bar.isVisible()
    panel.set_compared(-1)
    assert panel.told == [] and panel.bar.isHidden()
    panel.set_compared(99)
    assert panel.model.compared == -1


def test_comparing_ends_where_its_step_is_painted_over(panel, session):
    for _ in range(3):
        session.paint()
    session.history.jump(1)
    panel.set_compared(3)
    session.paint()
    assert panel.told == [("compare", -1)] and panel.bar.isHidden()


def test_steps_given_up_for_memory_are_counted(qapp, panel, session):
    for _ in range(6):
        session.paint()
    panel.set_compared(4)
    session.history.set_budget(4 * session.history.edits[0].nbytes)
    dropped = len(session.history.dropped)
    assert 0 < dropped < 4
    assert titles(panel)[0] == (f"{dropped} earlier steps" if dropped > 1 else "1 earlier step")
    assert panel.model.remark(0) == "memory is used up"
    # Steps keep their numbers, and the comparison its step.
    assert panel.model.state(1).number == dropped + 1
    assert panel.model.compared == 4 - dropped and panel.bar.text.startswith("Comparing with step 4:")
    panel.set_compared(0)
    assert panel.bar.text == f"Comparing with step {dropped}"
    panel.set_compared(4 - dropped)
    session.history.set_budget(1)
    assert titles(panel)[0] == "5 earlier steps" and panel.model.rowCount() == 2
    assert panel.told == [("compare", -1)]


def test_the_newest_step_is_in_view(panel, session):
    for _ in range(60):
        session.paint()
    QApplication.processEvents()
    assert panel.view.viewport().rect().contains(panel.view.visualRect(panel.model.index(60, 0)))
    session.history.jump(0)
    QApplication.processEvents()
    assert panel.view.viewport().rect().contains(panel.view.visualRect(panel.model.index(0, 0)))


def test_pictures_are_made_for_rows_that_are_seen_and_kept(monkeypatch, panel, session):
    made = []
    monkeypatch.setattr(history_model, "change_picture", lambda *given: made.append(given) or change_picture(*given))
    for _ in range(200):
        session.paint()
    QApplication.processEvents()
    panel.view.viewport().repaint()
    seen = len(made)
    assert 3 <= seen <= 30
    panel.view.viewport().repaint()
    assert len(made) == seen
    panel.set_colour_blind_safe(True)
    panel.view.viewport().repaint()
    assert len(made) == 2 * seen and made[-1][3] is True


def test_an_edit_that_is_gone_is_not_kept_alive(panel, session):
    session.paint()
    edit = session.paint()
    panel.view.viewport().repaint()
    held = sys.getrefcount(edit)
    session.history.undo()
    session.paint()
    panel.view.viewport().repaint()
    # Neither the history, nor the model's list, nor its picture holds it.
    assert sys.getrefcount(edit) <= held - 3


def test_a_change_is_shown_in_full_colour_and_the_rest_faintly():
    before = np.array([[1, 1, 13], [1, 2, 13]], np.uint8)
    after = np.array([[1, 1, 13], [1, 3, 13]], np.uint8)
    picture = change_picture(before, after, 24)
    assert picture.shape == (24, 24, 4) and picture.dtype == np.uint8
    # Twelve pixels across at least, so each is two screen pixels wide; the rectangle lies in the middle.
    shown = picture[10:14, 9:15][::2, ::2]
    assert (np.delete(picture, np.s_[10:14], axis=0)[..., 3] == 0).all()
    assert shown[1, 1].tolist() == [*palette()[3].tolist(), 255]
    unchanged = np.ones((2, 3), bool)
    unchanged[1, 1] = False
    assert (shown[unchanged][:, 3] == 64).all()
    assert shown[0, 2, :3].tolist() == (palette()[13] * (64 / 255)).astype(np.uint8).tolist()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (700, 2), (36, 36), (640, 480)])
def test_pictures_hold_rectangles_of_any_shape(shape):
    before, after = np.zeros(shape, np.uint8), np.full(shape, 17, np.uint8)
    picture = change_picture(before, after, 36, True)
    solid = picture[..., 3] == 255
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    height, width = len(rows), len(columns)
    assert solid.sum() == height * width and max(height, width) == (3 if shape == (1, 1) else 36)
    assert abs(height / width - shape[0] / shape[1]) < 0.1 or min(height, width) <= 1 or shape[0] > 9 * shape[1]
    assert abs(rows[0] - (35 - rows[-1])) <= 1 and abs(columns[0] - (35 - columns[-1])) <= 1
    assert (picture[solid][:, :3] == palette(True)[17]).all()


@settings(max_examples=40)
@given(st.lists(st.one_of(st.sampled_from(["add", "add", "undo", "redo", "clear", "tight"]), st.integers(0, 8))))
def test_rows_follow_the_history_whatever_happens(commands):
    session = Session()
    model = HistoryModel(session.history)
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Warning)
    for command in commands:
        compared = session.history.index - 1
        model.set_compared(compared)
        edit = session.history.edits[compared - 1] if compared > 0 else None
        match command:
            case "add":
                session.paint()
            case "undo":
                session.history.undo()
            case "redo":
                session.history.redo()
            case "clear":
                session.history.clear()
            case "tight":
                session.history.set_budget(3 * 700)
                session.history.set_budget(10**9)
            case int():
                session.history.jump(command)
        history = session.history
        assert model.rowCount() == len(history.edits) + 1
        for row, each in enumerate(history.edits, 1):
            assert model.state(row).number == len(history.dropped) + row
            assert model.title(row) == f"Paint {each.title[1]}"
        assert [model.state(row).current for row in range(model.rowCount())].index(True) == history.index
        if edit is not None:
            place = next((row for row, each in enumerate(history.edits, 1) if each is edit), -1)
            assert model.compared == place
    del tester


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_undone_steps_are_dimmed(qapp, panel, session, scheme):
    apply_theme(qapp, scheme)

    def contrast(row):
        image = panel.view.viewport().grab(row_box(panel, row).toRect()).toImage()
        image = image.convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.width(), 4)[..., :3]
        return int(np.ptp(pixels[:, image.width() // 3 : -40].astype(int).sum(axis=2)))

    for _ in range(3):
        session.paint(13)
    clear = contrast(2)
    session.history.jump(1)
    assert contrast(2) < clear
    apply_theme(qapp, "dark")
