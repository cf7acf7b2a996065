"""The panel of sliders: what is tried out, kept and given up, by mouse and by keys."""

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFont, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel

from app.adjust_panel import Adjustment, AdjustPanel
from app.adjust_row import PAUSE_MS
from app.theme import apply_theme

LEFT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier
SMILE = Adjustment("smile", "Mouth", "Mouth", -1.0, 1.0, "frown", "smile")
OPEN = Adjustment("open", "Open mouth", "Mouth", 0.0, 1.0, "closed", "open")
HAIR = Adjustment("hair", "Hair length", "Hair", -1.0, 1.0, "shorter", "longer")
GROW = Adjustment("grow", "Grow", "Hair", -40.0, 40.0, "smaller", "larger", "px")
REMOVE = Adjustment("remove", "Remove glasses", "Glasses", 1.0, 1.0)
ALL = [SMILE, HAIR, OPEN, GROW, REMOVE]


class TellingPanel(AdjustPanel):
    def __init__(self):
        super().__init__()
        self.told: list[tuple] = []
        self.tried.connect(lambda name, value: self.told.append(("tried", name, round(value, 6))))
        self.kept.connect(lambda name, value: self.told.append(("kept", name, round(value, 6))))
        self.given_up.connect(lambda name: self.told.append(("given up", name)))


@pytest.fixture
def panel(qapp, qtbot):
    apply_theme(qapp, "dark")
    panel = TellingPanel()
    qtbot.addWidget(panel)
    panel.set_adjustments(ALL)
    panel.resize(240, 560)
    with qtbot.waitExposed(panel):
        panel.show()
    panel.activateWindow()
    return panel


def at(panel, name, value) -> QPoint:
    """Return where a slider's handle lies at a value."""
    slider = panel.rows[name].slider
    inset = slider.height() // 2  # as good as it has to be: the handle is that large
    low, high = panel.rows[name].adjustment.low, panel.rows[name].adjustment.high
    return QPoint(round(inset + (slider.width() - 2 * inset) * (value - low) / (high - low)), slider.height() // 2)


def drag(qtbot, panel, name, *values, release=True):
    slider = panel.rows[name].slider
    qtbot.mousePress(slider, LEFT, pos=at(panel, name, values[0]))
    for value in values[1:]:
        qtbot.mouseMove(slider, at(panel, name, value))
    if release:
        qtbot.mouseRelease(slider, LEFT, pos=at(panel, name, values[-1]))


def number(panel, name) -> str:
    return panel.rows[name].findChildren(QLabel)[1].text()


def kinds(panel):
    return [told[0] for told in panel.told]


def test_adjustments_stand_under_their_groups(panel):
    assert list(panel.sections) == ["Mouth", "Hair", "Glasses"]
    for name, group in (("smile", "Mouth"), ("open", "Mouth"), ("hair", "Hair"), ("grow", "Hair")):
        assert panel.sections[group].isAncestorOf(panel.rows[name])
    slider = panel.rows["smile"].slider
    assert slider.accessibleName() == "Mouth" and slider.accessibleDescription() == "from frown to smile"
    panel.set_adjustments([HAIR])
    assert list(panel.sections) == ["Hair"] and list(panel.rows) == ["hair"] and not panel.buttons


def test_a_drag_is_tried_out_and_kept_when_it_ends(qtbot, panel):
    drag(qtbot, panel, "smile", 0.0, 0.3, 0.6, release=False)
    assert set(kinds(panel)) == {"tried"} and panel.told[-1] == ("tried", "smile", pytest.approx(0.6, abs=0.05))
    value = panel.rows["smile"].value
    qtbot.mouseRelease(panel.rows["smile"].slider, LEFT, pos=at(panel, "smile", 0.6))
    assert panel.told[-1] == ("kept", "smile", value)
    assert kinds(panel).count("kept") == 1
    qtbot.wait(PAUSE_MS + 100)
    assert kinds(panel).count("kept") == 1


def test_a_drag_that_comes_back_is_given_up(qtbot, panel):
    drag(qtbot, panel, "smile", 0.0, 0.5, 0.01)
    assert panel.rows["smile"].value == 0.0
    assert panel.told[-1] == ("given up", "smile") and "kept" not in kinds(panel)


def test_escape_in_a_drag_goes_back_and_ends_it(qtbot, panel):
    panel.set_values({"hair": 0.2})
    drag(qtbot, panel, "hair", 0.2, 0.5, release=False)
    assert panel.rows["hair"].slider.hasFocus()
    qtbot.keyClick(panel.rows["hair"].slider, Qt.Key.Key_Escape)
    assert panel.told[-1] == ("given up", "hair") and panel.rows["hair"].value == 0.2
    told = len(panel.told)
    qtbot.mouseMove(panel.rows["hair"].slider, at(panel, "hair", -0.5))
    qtbot.mouseRelease(panel.rows["hair"].slider, LEFT, pos=at(panel, "hair", -0.5))
    assert len(panel.told) == told and panel.rows["hair"].value == 0.2


def test_keys_are_kept_after_a_pause(qtbot, panel):
    slider = panel.rows["smile"].slider
    slider.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Right):
        qtbot.keyClick(slider, key)
    assert [told[2] for told in panel.told] == [0.05, 0.1, 0.05, 0.1]
    qtbot.waitUntil(lambda: "kept" in kinds(panel), timeout=5000)
    assert panel.told[4:] == [("kept", "smile", 0.1)]


def test_enter_keeps_at_once_and_escape_gives_up(qtbot, panel):
    slider = panel.rows["grow"].slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.keyClick(slider, Qt.Key.Key_Return)
    assert panel.told == [("tried", "grow", 1.0), ("kept", "grow", 1.0)]
    qtbot.keyClick(slider, Qt.Key.Key_PageUp)
    qtbot.keyClick(slider, Qt.Key.Key_Escape)
    assert panel.told[-1] == ("given up", "grow") and panel.rows["grow"].value == 1.0
    told = len(panel.told)
    # With nothing under way they are the window's.
    qtbot.keyClick(slider, Qt.Key.Key_Return)
    qtbot.keyClick(slider, Qt.Key.Key_Escape)
    assert len(panel.told) == told


def test_going_elsewhere_keeps(qtbot, panel):
    first, second = panel.rows["smile"].slider, panel.rows["hair"].slider
    first.setFocus()
    qtbot.keyClick(first, Qt.Key.Key_Right)
    second.setFocus()
    assert panel.told == [("tried", "smile", 0.05), ("kept", "smile", 0.05)]
    qtbot.keyClick(second, Qt.Key.Key_Right)
    panel.sections["Hair"].set_open(False)
    assert panel.told[-1] == ("kept", "hair", 0.05)


def test_a_double_click_and_delete_go_to_zero(qtbot, panel):
    panel.set_values({"smile": 0.7, "open": 0.5, "hair": -0.3})
    qtbot.mouseDClick(panel.rows["smile"].slider, LEFT, pos=at(panel, "smile", 0.7))
    assert panel.told == [("tried", "smile", 0.0), ("kept", "smile", 0.0)]
    qtbot.mouseDClick(panel.rows["open"], LEFT, pos=QPoint(5, 5))
    assert panel.told[2:] == [("tried", "open", 0.0), ("kept", "open", 0.0)]
    panel.rows["hair"].slider.setFocus()
    qtbot.keyClick(panel.rows["hair"].slider, Qt.Key.Key_Delete)
    assert panel.told[4:] == [("tried", "hair", 0.0), ("kept", "hair", 0.0)]


def test_a_click_that_begins_a_double_click_is_no_step_of_its_own(qtbot, panel):
    slider, place = panel.rows["smile"].slider, at(panel, "smile", 0.8)
    qtbot.mouseClick(slider, LEFT, pos=place)
    qtbot.mouseDClick(slider, LEFT, pos=place)
    assert "kept" not in kinds(panel) and panel.told[-1] == ("given up", "smile")
    qtbot.mouseClick(slider, LEFT, pos=place)
    value = panel.rows["smile"].value
    assert value == pytest.approx(0.8, abs=0.05)
    qtbot.waitUntil(lambda: "kept" in kinds(panel), timeout=5000)
    assert panel.told[-1] == ("kept", "smile", value)


def test_a_handle_taken_off_its_centre_does_not_jump(qtbot, panel):
    panel.set_values({"smile": 0.5})
    slider = panel.rows["smile"].slider
    qtbot.mousePress(slider, LEFT, pos=at(panel, "smile", 0.5) + QPoint(4, 0))
    assert panel.told == []
    qtbot.mouseRelease(slider, LEFT, pos=at(panel, "smile", 0.5) + QPoint(4, 0))
    assert panel.told == [] and panel.rows["smile"].value == 0.5


def turn(slider, angle):
    centre = QPointF(slider.rect().center())
    event = QWheelEvent(
        centre, slider.mapToGlobal(centre), QPoint(), QPoint(0, angle), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(slider, event)
    return event.isAccepted()


def test_the_wheel_turns_only_the_slider_that_has_the_focus(panel):
    slider = panel.rows["smile"].slider
    panel.rows["hair"].slider.setFocus()
    turn(slider, 120)
    assert panel.told == [] and not slider.hasFocus()
    slider.setFocus()
    assert turn(slider, 120)
    assert panel.told == [("tried", "smile", 0.05)]
    turn(slider, 60)
    turn(slider, 60)
    assert panel.told[-1] == ("tried", "smile", 0.1)
    turn(slider, -240)
    assert panel.rows["smile"].value == 0.0


def test_values_are_set_without_a_signal_and_others_go_to_zero(panel):
    panel.set_values({"smile": 0.35, "hair": -0.6, "grow": 12.0})
    assert panel.told == []
    numbers = [number(panel, name).replace("\u00a0", " ") for name in ("smile", "hair", "open", "grow")]
    assert numbers == ["+35 %", "−60 %", "0 %", "+12 px"]
    assert panel.sections["Mouth"].header.marked and panel.sections["Hair"].header.marked
    panel.set_values({"open": 0.5})
    assert [panel.rows[name].value for name in ("smile", "hair", "open", "grow")] == [0, 0, 0.5, 0]
    assert number(panel, "open") == "50\u00a0%"
    assert panel.sections["Mouth"].header.marked and not panel.sections["Hair"].header.marked


def test_a_mark_goes_with_what_it_was_for(qtbot, panel):
    drag(qtbot, panel, "hair", 0.0, 0.5, release=False)
    assert panel.sections["Hair"].header.marked
    qtbot.keyClick(panel.rows["hair"].slider, Qt.Key.Key_Escape)
    assert not panel.sections["Hair"].header.marked


def test_values_that_come_while_a_slider_is_dragged_leave_it_alone(qtbot, panel):
    # Whoever is told may end another step first, and then shows what that one was.
    panel.tried.connect(lambda: panel.set_values({}))
    drag(qtbot, panel, "smile", 0.0, 0.5)
    assert panel.told[-1][:2] == ("kept", "smile") and panel.told[-1][2] > 0.4
    slider = panel.rows["hair"].slider
    slider.setFocus()
    panel.told.clear()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    qtbot.keyClick(slider, Qt.Key.Key_Return)
    assert panel.told == [("tried", "hair", 0.05), ("kept", "hair", 0.05)]


def test_values_that_come_by_themselves_leave_a_drag_alone(qtbot, panel):
    drag(qtbot, panel, "smile", 0.0, 0.5, release=False)
    panel.set_values({"smile": -1.0, "hair": 0.3})
    assert panel.rows["smile"].value > 0.4 and panel.rows["hair"].value == 0.3
    qtbot.mouseMove(panel.rows["smile"].slider, at(panel, "smile", 0.7))
    qtbot.mouseRelease(panel.rows["smile"].slider, LEFT, pos=at(panel, "smile", 0.7))
    assert panel.told[-1] == ("kept", "smile", pytest.approx(0.7, abs=0.05))


def test_what_keys_tried_out_ends_where_other_values_come(qtbot, panel):
    slider = panel.rows["smile"].slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    panel.set_values({"smile": -0.2})
    qtbot.wait(PAUSE_MS + 100)
    assert panel.told == [("tried", "smile", 0.05)] and panel.rows["smile"].value == -0.2


def test_what_was_taken_back_elsewhere_is_let_go(qtbot, panel):
    slider = panel.rows["smile"].slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    panel.let_go()
    assert panel.rows["smile"].value == 0.0 and not panel.sections["Mouth"].header.marked
    qtbot.wait(PAUSE_MS + 100)
    assert panel.told == [("tried", "smile", 0.05)]
    # In answer to the panel itself there is nothing to let go.
    panel.tried.connect(panel.let_go)
    drag(qtbot, panel, "smile", 0.0, 0.5)
    assert panel.told[-1][:2] == ("kept", "smile")


def test_what_cannot_be_done_is_disabled(qtbot, panel):
    slider = panel.rows["smile"].slider
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    panel.set_enabled_names({"hair"})
    assert not slider.isEnabled() and panel.rows["hair"].slider.isEnabled() and not panel.buttons["remove"].isEnabled()
    qtbot.wait(PAUSE_MS + 100)
    assert "kept" not in kinds(panel) or panel.told[-1] == ("kept", "smile", 0.05)
    panel.told.clear()
    drag(qtbot, panel, "smile", 0.0, 0.8)
    qtbot.mouseClick(panel.buttons["remove"], LEFT)
    assert panel.told == []
    panel.set_enabled_names({"remove", "smile"})
    assert slider.isEnabled() and panel.buttons["remove"].isEnabled()


def test_a_button_does_it_at_once(qtbot, panel):
    qtbot.mouseClick(panel.buttons["remove"], LEFT)
    assert panel.told == [("kept", "remove", 1.0)]
    panel.buttons["remove"].setFocus()
    qtbot.keyClick(panel.buttons["remove"], Qt.Key.Key_Space)
    assert panel.told == [("kept", "remove", 1.0)] * 2


def test_groups_fold_and_stay_folded(qtbot, panel):
    header = panel.sections["Mouth"].header
    qtbot.mouseClick(header, LEFT, pos=header.rect().center())
    assert not panel.rows["smile"].isVisible() and panel.rows["hair"].isVisible()
    assert header.accessibleName() == "Mouth" and header.accessibleDescription() == "folded"
    header.setFocus()
    qtbot.keyClick(header, Qt.Key.Key_Right)
    assert panel.rows["smile"].isVisible()
    qtbot.keyClick(header, Qt.Key.Key_Left)
    panel.set_adjustments([*ALL, Adjustment("x", "Lips", "Mouth", 0, 1)])
    assert not panel.rows["smile"].isVisible()


def test_search_finds_words_of_titles_groups_and_ends(qtbot, panel):
    many = [Adjustment(f"n{i}", f"Number {i}", "Numbers", 0.0, 1.0) for i in range(8)]
    assert not panel.search.isVisible()
    panel.set_adjustments(ALL + many)
    assert panel.search.isVisible()
    panel.sections["Mouth"].header.click()

    def seen():
        both = panel.rows | panel.buttons
        return {name for name, widget in both.items() if widget.isVisible()}

    for text, names in (
        ("FROWN", {"smile"}),
        ("mouth", {"smile", "open"}),
        ("hair long", {"hair"}),
        ("glasses", {"remove"}),
        ("zzz", set()),
    ):
        panel.search.setText(text)
        assert seen() == names, text
    assert any("zzz" in label.text() and label.isVisible() for label in panel.findChildren(QLabel))
    panel.search.setText("mouth")
    panel.search.clear()
    # What was folded is folded again.
    assert seen() == {"hair", "grow", "remove", *(each.name for each in many)}


@pytest.mark.parametrize(("scheme", "value"), [("dark", 0.6), ("light", -0.6), ("dark", 0.0)])
def test_sliders_are_filled_from_zero(qapp, panel, scheme, value):
    apply_theme(qapp, scheme)
    panel.set_values({"smile": value})
    slider = panel.rows["smile"].slider
    image = slider.grab().toImage()

    def place(x):
        return image.pixelColor(at(panel, "smile", x)).getRgb()

    empty = place(-0.9)
    assert place(0.9) == empty
    assert (place(0.25) != empty) == (value > 0.5)
    assert (place(-0.25) != empty) == (value < -0.5)
    apply_theme(qapp, "dark")


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0])
def test_no_text_is_cut_however_large_the_font(qapp, qtbot, scale):
    before = qapp.font()
    font = QFont(before)
    font.setPointSizeF(before.pointSizeF() * scale)
    qapp.setFont(font)
    try:
        panel = AdjustPanel()
        qtbot.addWidget(panel)
        panel.set_adjustments(ALL)
        panel.show()
        QApplication.processEvents()
        panel.resize(panel.minimumSizeHint().width(), 600)
        QApplication.processEvents()
        assert panel.width() == panel.minimumSizeHint().width()
        for label in panel.findChildren(QLabel):
            if label.isVisible():
                assert label.width() >= label.minimumSizeHint().width(), label.text()
                assert label.height() >= label.heightForWidth(label.width()), label.text()
        for button in panel.buttons.values():
            assert button.width() >= button.sizeHint().width()
    finally:
        qapp.setFont(before)
