"""The list of classes: what is chosen, shown and protected there by mouse and by keys."""

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QContextMenuEvent, QFont
from PySide6.QtWidgets import QApplication, QLineEdit

from app.class_list import KEYS, ClassList
from app.class_rows import STATE, Zones
from app.display import Display
from app.theme import apply_theme
from engine.mask.steps import Protection
from resources.labels import BY_NAME, LABELS

SKIN, NOSE, GLASSES, HAIR, HAT, NECK = (BY_NAME[name].id for name in ("skin", "nose", "eye_g", "hair", "hat", "neck"))
LEFT, ALT, SHIFT = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ShiftModifier


class TellingList(ClassList):
    def __init__(self):
        super().__init__()
        self.told: list[tuple] = []
        self.chosen.connect(lambda label: self.told.append(("chosen", label)))
        self.display_changed.connect(lambda display: self.told.append(("display", display)))
        self.protection_changed.connect(lambda protection: self.told.append(("protection", protection)))
        self.replace_asked.connect(lambda source, target: self.told.append(("replace", source, target)))


@pytest.fixture
def classes(qapp, qtbot):
    apply_theme(qapp, "dark")
    classes = TellingList()
    qtbot.addWidget(classes)
    classes.resize(220, 560)
    with qtbot.waitExposed(classes):
        classes.show()
    classes.activateWindow()
    return classes


def zones(classes, label) -> Zones:
    view = classes.view
    row = QRectF(view.visualRect(view.model().index(label, 0)))
    return Zones.of(row, view.fontMetrics(), view.layoutDirection())


def place(classes, label, zone) -> QPoint:
    return getattr(zones(classes, label), zone).center().toPoint()


def click(qtbot, classes, label, zone, held=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(classes.view.viewport(), LEFT, held, place(classes, label, zone))


def spoken(classes, label) -> str:
    return classes.view.model().index(label, 0).data(Qt.ItemDataRole.AccessibleTextRole)


def action(menu, text):
    return next(each for each in menu.actions() if each.text() == text)


def colour_at(classes, point) -> QColor:
    return classes.view.viewport().grab().toImage().pixelColor(point)


def test_every_class_has_its_row_its_key_and_its_tooltip(classes):
    model = classes.view.model()
    assert model.rowCount() == len(LABELS) == len(KEYS)
    for label in LABELS:
        assert model.index(label.id, 0).data() == label.title
        tip = model.index(label.id, 0).data(Qt.ItemDataRole.ToolTipRole)
        assert label.title in tip and label.name in tip and tip.endswith(KEYS[label.id])


def test_a_click_on_a_title_chooses_and_changes_nothing_else(qtbot, classes):
    click(qtbot, classes, NOSE, "title")
    assert classes.told == [("chosen", NOSE)] and classes.label == NOSE
    # Again: whoever held another tool takes the class up anew.
    click(qtbot, classes, NOSE, "title")
    assert classes.told == [("chosen", NOSE)] * 2
    qtbot.mouseDClick(classes.view.viewport(), LEFT, pos=place(classes, NOSE, "title"))
    assert classes.told == [("chosen", NOSE)] * 3
    assert classes.display == Display() and classes.protection == Protection()


def test_clicks_leave_the_focus_where_it_is(qtbot, classes):
    other = QLineEdit(classes)
    other.show()
    other.setFocus()
    for zone in ("title", "eye", "lock"):
        click(qtbot, classes, HAT, zone)
    assert other.hasFocus()


def test_an_eye_hides_and_shows_without_choosing(qtbot, classes):
    click(qtbot, classes, NECK, "eye")
    assert classes.told == [("display", Display(hidden=(NECK,)))]
    click(qtbot, classes, SKIN, "eye")
    assert classes.display.hidden == (SKIN, NECK)
    click(qtbot, classes, NECK, "eye")
    assert classes.display.hidden == (SKIN,)
    assert classes.label == HAIR


def test_alt_and_click_shows_a_class_alone_and_ends_it(qtbot, classes):
    classes.set_display(Display(hidden=(HAT,), outlined=(NECK,), colour_blind_safe=True))
    click(qtbot, classes, HAIR, "eye", ALT)
    assert classes.display == Display((HAT,), HAIR, (NECK,), True)
    click(qtbot, classes, SKIN, "eye", ALT)
    assert classes.display.solo == SKIN
    click(qtbot, classes, SKIN, "eye", ALT)
    assert classes.display == Display((HAT,), -1, (NECK,), True)


def test_beside_a_class_alone_another_eye_shows_that_class_too(qtbot, classes):
    classes.set_display(Display(solo=HAIR))
    click(qtbot, classes, SKIN, "eye")
    assert [label.id for label in LABELS if classes.display.shows(label.id)] == [SKIN, HAIR]
    classes.set_display(Display(hidden=(HAT,), solo=HAIR))
    click(qtbot, classes, HAIR, "eye")
    assert classes.display == Display(hidden=(HAT,))


def test_a_drag_over_eyes_or_locks_sets_them_alike(qtbot, classes):
    classes.set_display(Display(hidden=(GLASSES,)))
    view = classes.view.viewport()
    qtbot.mousePress(view, LEFT, pos=place(classes, SKIN, "eye"))
    for label in (NOSE, GLASSES, GLASSES + 1, GLASSES):
        qtbot.mouseMove(view, place(classes, label, "eye"))
    qtbot.mouseRelease(view, LEFT, pos=place(classes, GLASSES, "eye"))
    qtbot.mouseMove(view, place(classes, HAIR, "eye"))
    assert classes.display.hidden == (SKIN, NOSE, GLASSES, GLASSES + 1)
    assert len(classes.told) == 3
    qtbot.mousePress(view, LEFT, pos=place(classes, SKIN, "lock"))
    qtbot.mouseMove(view, place(classes, NOSE, "lock"))
    qtbot.mouseRelease(view, LEFT, pos=place(classes, NOSE, "lock"))
    assert classes.protection.locked == (SKIN, NOSE)


def test_locks_protect(qtbot, classes):
    classes.set_protection(Protection(over=(SKIN,)))
    click(qtbot, classes, HAIR, "lock")
    assert classes.told == [("protection", Protection((HAIR,), (SKIN,)))]
    click(qtbot, classes, HAIR, "lock")
    assert classes.protection == Protection((), (SKIN,))


def test_keys_choose_hide_lock_and_show_alone(qtbot, classes):
    classes.view.setFocus()
    qtbot.keyClick(classes.view, Qt.Key.Key_Down)
    assert classes.told == [("chosen", HAT)]
    qtbot.keyClick(classes.view, Qt.Key.Key_Space)
    assert classes.display.hidden == (HAT,)
    qtbot.keyClick(classes.view, Qt.Key.Key_Space)
    assert classes.display.hidden == ()
    qtbot.keyClick(classes.view, Qt.Key.Key_Space, SHIFT)
    assert classes.protection.locked == (HAT,)
    qtbot.keyClick(classes.view, Qt.Key.Key_Return)
    assert classes.display.solo == HAT
    qtbot.keyClick(classes.view, Qt.Key.Key_S)
    assert classes.label == HAT
    qtbot.keyClick(classes.view, Qt.Key.Key_Home)
    assert classes.label == 0


def test_what_others_set_is_shown_without_a_signal(classes):
    classes.set_label(NECK)
    classes.set_display(Display(hidden=(HAIR,), solo=-1, outlined=(NECK,)))
    classes.set_protection(Protection((HAIR,), (SKIN, NECK)))
    classes.set_present({SKIN, HAIR})
    assert classes.told == []
    assert classes.label == NECK
    assert spoken(classes, HAIR) == "Hair, locked, hidden"
    assert spoken(classes, NECK) == "Neck, outline only, not in the mask"
    assert spoken(classes, SKIN) == "Skin"
    assert spoken(classes, HAT) == "Hat, protected, not in the mask"
    classes.set_display(Display(solo=SKIN))
    assert spoken(classes, SKIN) == "Skin, the only one shown"


def test_the_header_takes_all_back_at_once(qtbot, classes):
    assert not classes.show_all.isEnabled() and not classes.unlock_all.isEnabled() and not classes.over.isVisible()
    for display in (Display(hidden=(HAIR,)), Display(solo=SKIN), Display(outlined=(NECK,), colour_blind_safe=True)):
        classes.set_display(display)
        qtbot.mouseClick(classes.show_all, LEFT)
        assert classes.display == Display(colour_blind_safe=display.colour_blind_safe)
    classes.set_protection(Protection((HAIR,), (SKIN, HAIR)))
    assert classes.over.text == "Paint only over: Skin, Hair"
    qtbot.mouseClick(classes.unlock_all, LEFT)
    assert classes.protection == Protection((), (SKIN, HAIR))
    qtbot.mouseClick(classes.over.close_button, LEFT)
    assert classes.protection == Protection() and classes.over.isHidden()
    classes.set_protection(Protection(over=()))
    assert classes.over.text == "Paint only over: nothing"


def test_the_menu_does_what_it_says(classes):
    def trigger(text):
        menu = classes.menu(HAIR)
        action(menu, text).trigger()
        menu.close()

    trigger("Hide")
    assert classes.display.hidden == (HAIR,)
    trigger("Show")
    assert classes.display.hidden == ()
    trigger("Show only this")
    assert classes.display.solo == HAIR
    assert action(classes.menu(HAIR), "Show only this").isChecked()
    trigger("Show only this")
    trigger("Show outline only")
    assert classes.display == Display(outlined=(HAIR,))
    trigger("Show outline only")
    assert classes.display == Display()
    trigger("Lock")
    assert classes.protection.locked == (HAIR,)
    trigger("Lock")
    assert classes.protection == Protection()


def test_classes_that_may_be_covered_are_gathered_by_the_menu(classes):
    texts = [each.text() for each in classes.menu(HAIR).actions()]
    assert "Paint over this class too" not in texts
    action(classes.menu(HAIR), "Paint only over this class").trigger()
    assert classes.protection.over == (HAIR,)
    action(classes.menu(SKIN), "Paint over this class too").trigger()
    assert classes.protection.over == (SKIN, HAIR)
    again = action(classes.menu(SKIN), "Paint over this class too")
    assert again.isChecked()
    again.trigger()
    assert classes.protection.over == (HAIR,)
    action(classes.menu(HAIR), "Paint only over this class").trigger()
    assert classes.protection.over is None


def test_a_locked_class_among_those_that_may_be_covered_can_leave_them(classes):
    classes.set_protection(Protection((HAIR,), (SKIN, HAIR)))
    entry = action(classes.menu(HAIR), "Paint over this class too")
    assert entry.isChecked()
    entry.trigger()
    assert classes.protection == Protection((HAIR,), (SKIN,))
    assert not action(classes.menu(HAIR), "Paint over this class too").isChecked()


def test_a_class_is_replaced_by_any_other(classes):
    classes.set_present({HAIR})
    others = action(classes.menu(HAIR), "Replace this class by").menu()
    assert [each.text() for each in others.actions()] == [label.title for label in LABELS if label.id != HAIR]
    action(others, "Hat").trigger()
    assert classes.told == [("replace", HAIR, HAT)]
    assert not action(classes.menu(SKIN), "Replace this class by").isEnabled()


def test_the_menu_key_opens_the_menu_of_the_chosen_class(qtbot, classes):
    asked = []
    classes.view.menu_asked.disconnect()
    classes.view.menu_asked.connect(lambda label, point: asked.append((label, point)))
    classes.set_label(NOSE)
    view = classes.view
    for reason in (QContextMenuEvent.Reason.Keyboard, QContextMenuEvent.Reason.Mouse):
        at = place(classes, HAT, "title")
        QApplication.sendEvent(view.viewport(), QContextMenuEvent(reason, at, view.viewport().mapToGlobal(at)))
    assert [label for label, _ in asked] == [NOSE, HAT]
    row = view.visualRect(view.model().index(NOSE, 0))
    assert row.contains(view.viewport().mapFromGlobal(asked[0][1]))


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_swatches_have_the_classes_colours(qapp, classes, scheme):
    apply_theme(qapp, scheme)
    for label in (SKIN, HAIR, NECK):
        colour = colour_at(classes, place(classes, label, "swatch"))
        assert (colour.red(), colour.green(), colour.blue()) == LABELS[label].rgb
    classes.set_display(Display(outlined=(NECK,)))
    inside = colour_at(classes, place(classes, NECK, "swatch"))
    assert (inside.red(), inside.green(), inside.blue()) != LABELS[NECK].rgb
    classes.set_display(Display(colour_blind_safe=True))
    box = zones(classes, SKIN).swatch.toRect().adjusted(3, 3, -3, -3)
    image = classes.view.viewport().grab(box).toImage()
    seen = {image.pixelColor(x, y).getRgb()[:3] for x in range(image.width()) for y in range(image.height())}
    assert LABELS[SKIN].safe_rgb in seen
    apply_theme(qapp, "dark")


def test_toggles_are_quiet_until_they_matter(qtbot, classes):
    def eye():
        return classes.view.viewport().grab(zones(classes, NOSE).eye.toRect()).toImage()

    def colours(image):
        return {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}

    assert len(colours(eye())) == 1
    qtbot.mouseMove(classes.view.viewport(), place(classes, NOSE, "title"))
    assert len(colours(eye())) > 2
    qtbot.mouseMove(classes.view.viewport(), place(classes, HAT, "title"))
    assert len(colours(eye())) == 1
    classes.set_display(Display(hidden=(NOSE,)))
    assert len(colours(eye())) > 2


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0])
def test_no_title_is_cut_however_large_the_font(qapp, qtbot, scale):
    before = qapp.font()
    font = QFont(before)
    font.setPointSizeF(before.pointSizeF() * scale)
    qapp.setFont(font)
    try:
        classes = ClassList()
        qtbot.addWidget(classes)
        classes.resize(classes.minimumSizeHint().width(), 400)
        classes.show()
        metrics = classes.view.fontMetrics()
        for label in LABELS:
            assert metrics.horizontalAdvance(label.title) <= zones(classes, label.id).title.width() + 1
        assert classes.view.visualRect(classes.view.model().index(0, 0)).height() >= metrics.height() + 5
        for button in (classes.show_all, classes.unlock_all):
            assert button.geometry().right() <= classes.width()
    finally:
        qapp.setFont(before)


def test_all_rows_are_seen_without_scrolling_where_they_just_fit(qtbot, classes):
    view = classes.view
    tight = len(LABELS) * (view.fontMetrics().height() + 5) + classes.height() - view.viewport().height()
    classes.resize(220, tight)
    QApplication.processEvents()
    assert view.viewport().rect().contains(view.visualRect(view.model().index(len(LABELS) - 1, 0)))


def test_from_right_to_left_the_zones_change_sides(classes):
    classes.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    row = zones(classes, HAIR)
    assert row.lock.right() < row.title.left() < row.swatch.left() < row.eye.left()
    assert row.at(row.eye.center().x()) == "eye" and row.at(row.lock.center().x()) == "lock"


def test_state_is_told_by_role(classes):
    classes.set_display(Display(hidden=(HAIR,), solo=SKIN))
    state = classes.view.model().index(HAIR, 0).data(STATE)
    assert (state.label, state.seen, state.hidden, state.solo, state.locked) == (HAIR, False, True, False, False)
