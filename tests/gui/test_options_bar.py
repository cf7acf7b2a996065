"""The bar of the current tool's options: what it shows, what it changes, and how it fits."""

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication

from app.glyphs import GlyphButton
from app.options_bar import TOOLS, OptionsBar
from app.settings import TOOLS as NAMES
from app.theme import apply_theme
from app.tools.options import BRUSH_SIZES, Options
from app.tools.tool import Studio
from resources.labels import BY_NAME, LABELS

LEFT = Qt.MouseButton.LeftButton
HAIR, SKIN = BY_NAME["hair"].id, BY_NAME["skin"].id


@pytest.fixture
def studio():
    return Studio(None)  # type: ignore[arg-type]  # the bar has no business with the editor


@pytest.fixture
def bar(qapp, qtbot, studio):
    apply_theme(qapp, "dark")
    bar = OptionsBar(studio)
    qtbot.addWidget(bar)
    bar.resize(1200, 40)
    with qtbot.waitExposed(bar):
        bar.show()
    bar.activateWindow()
    return bar


@pytest.fixture
def large_font(qapp):
    before = qapp.font()

    def scale(by):
        font = QFont(before)
        font.setPointSizeF(before.pointSizeF() * by)
        qapp.setFont(font)

    yield scale
    qapp.setFont(before)


def shown(bar):
    return {name for name, item in bar.items.items() if not item.isHidden() and item.parent() is bar}


def in_menu(bar):
    return {name for name, item in bar.items.items() if not item.isHidden() and item.parent() is bar.menu}


def test_every_tool_has_its_options(bar):
    assert set(TOOLS) == set(NAMES)
    for name in NAMES:
        bar.show_tool(name)
        assert bar.tool == name and shown(bar) == set(TOOLS[name]) and not bar.more.isVisible()
    with pytest.raises(KeyError):
        bar.show_tool("airbrush")
    assert bar.tool == NAMES[-1]


def test_every_control_has_a_name_and_a_tooltip(bar):
    buttons = bar.findChildren(GlyphButton)
    assert len(buttons) > 10
    for widget in [*buttons, bar.curve, bar.replaced, bar.chip]:
        assert widget.accessibleName() and widget.toolTip(), widget
    for control in (bar.diameter, bar.strength, bar.stabiliser):
        for widget in (control.slider, control.number):
            assert widget.accessibleName() and widget.toolTip()


@pytest.mark.parametrize(
    ("tool", "option"), [("brush", "brush_size"), ("restore", "restore_size"), ("liquify", "liquify_size")]
)
def test_each_tool_has_a_size_of_its_own(qtbot, bar, studio, tool, option):
    bar.show_tool(tool)
    assert bar.diameter.value == getattr(Options(), option)
    bar.diameter.number.setFocus()
    bar.diameter.number.selectAll()
    qtbot.keyClicks(bar.diameter.number, "123")
    assert studio.options == Options()
    qtbot.keyClick(bar.diameter.number, Qt.Key.Key_Return)
    assert studio.options == replace(Options(), **{option: 123}) and not bar.diameter.number.hasFocus()
    studio.change(**{option: 77})
    assert bar.diameter.value == 77
    other = "restore" if tool == "brush" else "brush"
    bar.show_tool(other)
    assert bar.diameter.value == getattr(Options(), f"{other}_size")


def test_the_size_slider_gives_small_sizes_room(qtbot, bar, studio):
    slider = bar.diameter.slider
    studio.change(brush_size=BRUSH_SIZES[1] // 4)
    middle = (slider.minimum() + slider.maximum()) / 2
    assert slider.value() == middle
    sizes = []
    for place in range(slider.minimum(), slider.maximum() + 1):
        slider.setValue(place)
        sizes.append(studio.options.brush_size)
        # The handle stays where the hand is, between the places of two sizes too.
        assert slider.value() == place
    assert sizes == sorted(sizes) and (sizes[0], sizes[-1]) == BRUSH_SIZES
    # Keys get off the smallest size, where several places mean the same one.
    slider.setValue(0)
    slider.setFocus()
    for _ in range(30):
        qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert studio.options.brush_size > 20
    # Neither a double click nor Delete means anything here.
    before = studio.options.brush_size
    qtbot.keyClick(slider, Qt.Key.Key_Delete)
    assert studio.options.brush_size == before


def test_controls_change_options_and_follow_them(qtbot, bar, studio):
    def press(button):
        qtbot.mouseClick(button, LEFT)
        return studio.options

    bar.show_tool("brush")
    assert press(bar.pressure).pressure is False and not bar.curve.isEnabled()
    assert press(bar.pressure).pressure is True and bar.curve.isEnabled()
    assert press(bar.snap).snap is True and press(bar.symmetric).symmetric is True
    curves = []
    for place in range(3):
        bar.curve.setCurrentIndex(place)
        bar.curve.activated.emit(place)
        curves.append(studio.options.pressure_curve)
    assert curves[0] < curves[1] == 1.0 < curves[2]
    bar.stabiliser.slider.setValue(7)
    assert studio.options.stabiliser == 7
    bar.show_tool("fill")
    assert press(bar.reach.buttons[1]).fill_all is True and press(bar.reach.buttons[0]).fill_all is False
    bar.replaced.activated.emit(HAIR + 1)
    assert studio.options.replaced == HAIR
    bar.replaced.activated.emit(0)
    assert studio.options.replaced == -1
    bar.show_tool("transform")
    assert press(bar.form.buttons[1]).warp is True and press(bar.form.buttons[0]).warp is False
    bar.show_tool("liquify")
    bar.strength.slider.setValue(5)
    assert studio.options.liquify_strength == 0.05


def test_options_that_others_change_are_shown_without_changing_them(bar, studio):
    wanted = Options(
        50, 60, 70, pressure=False, pressure_curve=2.9, stabiliser=3, snap=True, symmetric=True, fill_all=True,
        replaced=SKIN, liquify_strength=0.35, warp=True,
    )  # fmt: skip
    studio.change(**{name: getattr(wanted, name) for name in wanted.__dataclass_fields__})
    assert studio.options == wanted
    assert not bar.pressure.isChecked() and bar.curve.currentText() == "Hard"
    assert bar.stabiliser.value == 3 and bar.snap.isChecked() and bar.symmetric.isChecked()
    assert bar.reach.buttons[1].isChecked() and bar.form.buttons[1].isChecked()
    assert bar.replaced.currentText() == "Skin" and bar.strength.value == 35 and bar.diameter.value == 50
    for name in NAMES:
        bar.show_tool(name)
    assert studio.options == wanted


def test_the_class_is_shown_and_swapped(qtbot, bar, studio):
    assert bar.chip.label == studio.label and bar.chip.accessibleName() == "Painting Hair"
    studio.set_label(SKIN)
    assert bar.chip.label == SKIN and "Hair" in bar.swap.toolTip()
    qtbot.mouseClick(bar.swap, LEFT)
    assert studio.label == HAIR and bar.chip.label == HAIR and "Skin" in bar.swap.accessibleName()
    image = bar.chip.grab().toImage()
    assert image.pixelColor(8, image.height() // 2).getRgb()[:3] == LABELS[HAIR].rgb
    bar.set_colour_blind_safe(True)
    swatch = bar.chip.grab().toImage()
    seen = {swatch.pixelColor(x, swatch.height() // 2).getRgb()[:3] for x in range(3, 12)}
    assert LABELS[HAIR].safe_rgb in seen


def test_a_transform_is_flipped_applied_and_cancelled(qtbot, bar):
    told = []
    bar.flip_asked.connect(lambda horizontal: told.append(("flip", horizontal)))
    bar.apply_asked.connect(lambda: told.append("apply"))
    bar.cancel_asked.connect(lambda: told.append("cancel"))
    bar.show_tool("transform")
    for button in (bar.flip_across, bar.flip_down, bar.apply, bar.cancel):
        qtbot.mouseClick(button, LEFT)
    assert told == [("flip", True), ("flip", False), "apply", "cancel"]
    bar.set_pending(False)
    qtbot.mouseClick(bar.apply, LEFT)
    qtbot.mouseClick(bar.cancel, LEFT)
    assert len(told) == 4
    bar.set_pending(True)
    bar.apply.setFocus()
    qtbot.keyClick(bar.apply, Qt.Key.Key_Space)
    assert told[-1] == "apply"


def overlapping(bar):
    boxes = sorted((item.geometry() for name, item in bar.items.items() if name in shown(bar)), key=lambda box: box.x())
    if bar.more.isVisible():
        boxes.append(bar.more.geometry())
    inside = all(bar.rect().contains(box) for box in boxes)
    apart = all(left.right() < right.left() for left, right in pairwise(boxes))
    return not (inside and apart)


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.0])
@pytest.mark.parametrize("width", [1400, 700, 320])
def test_nothing_is_cut_at_any_width_and_font(qapp, qtbot, studio, large_font, scale, width):
    apply_theme(qapp, "dark")
    large_font(scale)
    bar = OptionsBar(studio)
    qtbot.addWidget(bar)
    bar.resize(width, 40)
    bar.show()
    heights = set()
    for name in (*NAMES, *NAMES):
        bar.show_tool(name)
        QApplication.processEvents()
        assert bar.width() == width
        assert shown(bar) | in_menu(bar) == set(TOOLS[name]) and bool(in_menu(bar)) == bar.more.isVisible()
        assert not overlapping(bar), name
        for each in shown(bar):
            item = bar.items[each]
            assert item.height() >= item.minimumSizeHint().height() and item.width() >= item.minimumSizeHint().width()
        heights.add(bar.height())
    assert len(heights) == 1


def test_words_give_way_before_controls_do(bar):
    bar.show_tool("brush")
    QApplication.processEvents()
    assert bar.snap.worded and bar.symmetric.worded
    long = bar.diameter.slider.width()
    bar.resize(700, bar.height())
    assert not bar.snap.worded and not bar.more.isVisible()
    assert bar.diameter.slider.width() < long
    # Another tool's options stand right at once, not only after a first wrong frame.
    for name in NAMES:
        bar.show_tool(name)
        widths = {each: (bar.items[each].width(), bar.items[each].minimumSizeHint().width()) for each in shown(bar)}
        assert all(width >= least for width, least in widths.values()), (name, widths)
        assert not overlapping(bar), name
    bar.show_tool("brush")
    bar.resize(1200, bar.height())
    assert bar.snap.worded and bar.diameter.slider.width() == long


def test_what_does_not_fit_is_in_a_menu_in_order(qtbot, bar, studio):
    bar.show_tool("brush")
    bar.resize(330, bar.height())
    order = list(TOOLS["brush"])
    assert shown(bar) == set(order[: len(shown(bar))]) and in_menu(bar)
    qtbot.mouseClick(bar.more, LEFT)
    assert bar.menu.isVisible()
    inside = [bar.items[name] for name in order if name in in_menu(bar)]
    assert [item.y() for item in inside] == sorted(item.y() for item in inside)
    assert all(bar.menu.rect().contains(item.geometry()) for item in inside)
    assert bar.symmetric.worded
    qtbot.mouseClick(bar.symmetric, LEFT)
    assert studio.options.symmetric
    qtbot.keyClick(bar.menu, Qt.Key.Key_Escape)
    assert not bar.menu.isVisible()
    # With room again they stand where they stood.
    bar.resize(1200, bar.height())
    QApplication.processEvents()
    places = [bar.items[name].x() for name in order]
    assert places == sorted(places) and not overlapping(bar)
    bar.resize(330, bar.height())
    bar.more.click()
    bar.show_tool("fill")
    assert not bar.menu.isVisible()


def test_fitting_comes_to_rest(monkeypatch, bar):
    fits = []
    fit = OptionsBar._fit
    monkeypatch.setattr(OptionsBar, "_fit", lambda self: fits.append(self) or fit(self))
    for width in (1100, 700, 330):
        bar.resize(width, bar.height())
        for _ in range(5):
            QApplication.processEvents()
        assert fits
        fits.clear()
        for _ in range(5):
            QApplication.processEvents()
        assert not fits


def test_clicks_leave_the_focus_with_the_canvas(qtbot, bar):
    bar.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # stands for the canvas
    bar.setFocus()
    for name in NAMES:
        bar.show_tool(name)
        for button in bar.findChildren(GlyphButton):
            if button.isVisible():
                qtbot.mouseClick(button, LEFT)
        if bar.diameter.isVisible():
            qtbot.mouseClick(bar.diameter.slider, LEFT, pos=QPoint(20, 8))
    assert bar.hasFocus()


def test_the_theme_can_change_while_it_is_shown(qapp, bar):
    dark = bar.grab().toImage()
    apply_theme(qapp, "light")
    QApplication.processEvents()
    light = bar.grab().toImage()
    corner = QPoint(bar.width() - 3, 3)
    assert dark.pixelColor(corner).lightness() < 80 < 200 < light.pixelColor(corner).lightness()
    apply_theme(qapp, "dark")
