"""The two themes: what can be read and told apart in them, and how they change."""

import re
from dataclasses import astuple, fields

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QImage, QPalette, QPixmap
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QGroupBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.pane import ImagePane
from app.panels import Banner, Pane
from app.strip import ProgressStrip
from app.style_sheet import MARKS, style_sheet
from app.theme import DARK, LIGHT, Colours, apply_theme, colours, icon
from app.view import ViewModel
from engine.types import EngineError
from resources import RESOURCES
from tests.gui.fitting import SCALES, cut_off, text_scale

THEMES = pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)


@pytest.fixture(autouse=True)
def themed(qapp):
    """Begin with the dark theme, and leave it behind."""
    apply_theme(qapp, "dark")
    yield qapp
    apply_theme(qapp, "system")


def luminance(colour: str) -> float:
    """Return the relative luminance, as the Web Content Accessibility Guidelines define it."""
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in QColor(colour).getRgbF()[:3]  # type: ignore[index]
    ]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


# Colours


def test_the_measure_of_contrast_is_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@THEMES
@pytest.mark.parametrize(
    ("least", "ink", "grounds"),
    [
        (7.0, "text", "window panel raised pressed field warning_panel"),
        (4.5, "muted", "window panel raised field warning_panel"),
        (4.5, "canvas_text", "canvas"),
        (4.5, "on_accent", "accent"),
        (4.5, "selected", "selection"),
        (4.5, "accent", "panel raised field"),
        (4.5, "warning", "panel warning_panel"),
        # What is no text.
        (3.0, "accent", "window panel raised pressed field canvas"),
        (3.0, "edge", "window panel field"),
        # Words that cannot be used still have to be read.
        (2.3, "disabled", "window panel raised field"),
    ],
)
def test_what_is_written_can_be_read(theme: Colours, least, ink, grounds):
    for ground in grounds.split():
        found = contrast(getattr(theme, ink), getattr(theme, ground))
        assert found >= least, f"{ink} on {ground}: {found:.2f}"


@THEMES
def test_what_is_disabled_differs_from_what_is_only_muted(theme: Colours):
    assert contrast(theme.disabled, theme.panel) < 0.75 * contrast(theme.muted, theme.panel)


@THEMES
def test_colours_are_whole_and_pictures_lie_on_plain_grey(theme: Colours):
    assert all(re.fullmatch("#[0-9a-f]{6}", value) for value in astuple(theme)[1:])
    red, green, blue, _ = QColor(theme.canvas).getRgb()  # type: ignore[misc]
    assert red == green == blue
    assert 20 < red < 60 if theme.name == "dark" else 150 < red < 210


# Changing


def test_a_change_reaches_what_is_open(themed, qtbot):
    window = QMainWindow()
    button, label = QToolButton(window), QLabel("words", window)
    button.setIcon(icon("brush"))
    button.setGeometry(0, 0, 60, 60)
    label.setGeometry(60, 0, 60, 60)
    qtbot.addWidget(window)
    window.show()
    seen = {}
    for theme in (DARK, LIGHT, DARK):
        apply_theme(themed, theme.name)
        QApplication.processEvents()
        assert colours() is theme
        shown = window.grab().toImage()
        assert shown.pixelColor(130, 70).name() == theme.panel
        for left in (0, 60):
            assert nearest(shown.copy(left, 0, 60, 60), theme.text) < 60
        assert label.palette().color(QPalette.ColorRole.WindowText).name() == theme.text
        seen.setdefault(theme.name, shown)
    assert seen["dark"] == window.grab().toImage() and seen["dark"] != seen["light"]


def nearest(image: QImage, colour: str) -> int:
    """Return how near, in sums of differences, a picture comes to a colour."""
    wanted = QColor(colour).getRgb()[:3]  # type: ignore[index]
    return min(
        sum(abs(a - b) for a, b in zip(image.pixelColor(x, y).getRgb()[:3], wanted, strict=True))  # type: ignore[index]
        for x in range(image.width())
        for y in range(image.height())
    )


def test_the_desktops_choice_is_followed_live_but_not_against_the_persons(themed):
    hints = themed.styleHints()
    apply_theme(themed, "system")
    # The offscreen platform has no choice.
    assert colours() is DARK
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert colours() is LIGHT
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert colours() is DARK
    apply_theme(themed, "dark")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert colours() is DARK
    apply_theme(themed, "light")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert colours() is LIGHT
    assert themed.palette().color(QPalette.ColorRole.WindowText).name() == LIGHT.text


def test_pictures_are_surrounded_by_the_canvas(themed, qtbot):
    pane = ImagePane(ViewModel(), "Result")
    qtbot.addWidget(pane)
    pane.setMinimumSize(200, 200)
    pane.show()
    for theme in (LIGHT, DARK):
        apply_theme(themed, theme.name)
        QApplication.processEvents()
        assert pane.grab().toImage().pixelColor(3, 3).name() == theme.canvas
        assert pane.palette().color(pane.foregroundRole()).name() == theme.canvas_text


def test_there_are_no_other_schemes(themed):
    with pytest.raises(ValueError, match="'blue'"):
        apply_theme(themed, "blue")
    assert colours() is DARK


# The style sheet


@THEMES
def test_the_sheet_names_only_colours_and_marks_that_exist(theme: Colours):
    sheet = style_sheet(theme, "/marks")
    assert "@" not in sheet
    assert set(re.findall(r'url\("/marks/([\w-]+)\.svg"\)', sheet)) == set(MARKS)
    assert {drawing for drawing, _ in MARKS.values()} <= {path.stem for path in (RESOURCES / "icons").glob("*.svg")}
    assert {colour for _, colour in MARKS.values()} <= {field.name for field in fields(Colours)}
    # In em, or no wider than a line, a ring or a rounding.
    assert all(float(size) <= 5 for size in re.findall(r"([\d.]+)px", sheet))


@pytest.mark.parametrize("folder", ["--a", "a b (c)", "it's", 'q"uote', "ünï"])
def test_marks_may_lie_in_any_folder(themed, qtbot, tmp_path, folder):
    marks = tmp_path / folder
    marks.mkdir()
    (marks / "tick.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect width="24" height="24"/></svg>')
    box = QCheckBox()
    qtbot.addWidget(box)
    box.setChecked(True)
    # A sheet that cannot be read makes Qt complain, which fails the test.
    box.setStyleSheet(style_sheet(DARK, marks.as_posix()))
    box.show()
    assert nearest(box.grab().toImage(), "#000000") < 30


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_sheets_marks_are_drawn(themed, qtbot, scheme):
    apply_theme(themed, scheme)
    paths = set(re.findall(r'url\("(.+?)"\)', themed.styleSheet()))
    assert len(paths) == len(MARKS)
    for path in paths:
        assert not QPixmap(path).isNull(), path
    box = QCheckBox()
    qtbot.addWidget(box)
    box.show()
    plain = box.grab().toImage()
    box.setChecked(True)
    ticked = box.grab().toImage()
    assert nearest(plain, colours().accent) > 60
    assert nearest(ticked, colours().accent) == 0 and nearest(ticked, colours().on_accent) < 90


def made(kind, **properties):
    def make():
        widget = kind()
        for name, value in properties.items():
            getattr(widget, "set" + name)(value)
        return widget

    make.__name__ = kind.__name__ + "".join(properties)
    return make


def list_of_two():
    widget = QListWidget()
    widget.addItems(["one", "two"])
    widget.setCurrentRow(0)
    return widget


def tabs():
    widget = QTabBar()
    widget.addTab("one")
    widget.addTab("two")
    return widget


def choice():
    widget = QComboBox()
    widget.addItem("one")
    return widget


FOCUSED = [
    made(QPushButton, Text="Do it"),
    made(QPushButton, Text="Do it", ObjectName="primary"),
    made(QToolButton, Text="Do it"),
    made(QCheckBox, Text="On"),
    made(QCheckBox, Text="On", Checked=True),
    made(QRadioButton, Text="On"),
    made(QRadioButton, Text="On", Checked=True),
    made(QGroupBox, Title="Parts", Checkable=True),
    made(QLineEdit, Text="words"),
    made(QPlainTextEdit, PlainText="words"),
    made(QSpinBox, Value=24),
    made(QSlider, Orientation=Qt.Orientation.Horizontal, Value=40),
    made(QSlider, Orientation=Qt.Orientation.Vertical, Value=40),
    choice,
    list_of_two,
    tabs,
]


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("make", FOCUSED, ids=lambda make: make.__name__)
def test_focus_and_disabling_are_seen_and_move_nothing(themed, qtbot, scheme, make):
    apply_theme(themed, scheme)
    window = QWidget()
    qtbot.addWidget(window)
    widget, other = make(), QLineEdit()
    column = QVBoxLayout(window)
    column.addWidget(widget)
    column.addWidget(other)
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    other.setFocus()
    QApplication.processEvents()
    plain, size = widget.grab().toImage(), widget.sizeHint()
    widget.setFocus(Qt.FocusReason.TabFocusReason)
    assert widget.hasFocus()
    QApplication.processEvents()
    focused = widget.grab().toImage()
    rows = {y for y in range(plain.height()) for x in range(plain.width()) if differ(plain, focused, x, y) > 100}
    columns = {x for x in range(plain.width()) for y in range(plain.height()) if differ(plain, focused, x, y) > 100}
    # A text cursor alone would be one column.
    assert len(rows) > 8 and len(columns) > 8
    assert widget.sizeHint() == size
    other.setFocus()
    widget.setEnabled(False)
    QApplication.processEvents()
    assert widget.grab().toImage() != plain


def differ(first: QImage, second: QImage, x: int, y: int) -> int:
    one, other = first.pixelColor(x, y).getRgb(), second.pixelColor(x, y).getRgb()
    return sum(abs(a - b) for a, b in zip(one[:3], other[:3], strict=True))  # type: ignore[index]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("symbols", list(QSpinBox.ButtonSymbols)[:3], ids=lambda symbols: symbols.name)
def test_numbers_are_shown_whole(themed, qtbot, scale, symbols):
    with text_scale(scale):
        number = QSpinBox()
        qtbot.addWidget(number)
        number.setRange(1, 400)
        number.setSuffix(" px")
        number.setValue(400)
        number.setButtonSymbols(symbols)
        number.resize(number.sizeHint())
        number.show()
        assert cut_off(number) == []
        number.resize(number.width() // 2, number.height())
        assert len(cut_off(number)) == 1


@pytest.mark.parametrize("scale", SCALES)
def test_the_parts_of_the_window_have_room_for_their_words(themed, qtbot, scale):
    with text_scale(scale):
        window = QMainWindow()
        qtbot.addWidget(window)
        middle = QWidget()
        window.setCentralWidget(middle)
        column = QVBoxLayout(middle)
        banner, strip, pane = Banner(), ProgressStrip(), Pane("Mask", QWidget())
        pane.controls.addWidget(QLabel("Opacity"))
        for widget in (banner, pane):
            column.addWidget(widget)
        window.statusBar().addPermanentWidget(strip)
        banner.show_problem(EngineError("The photo cannot be read, whatever is tried.", "Open another one instead."))
        strip.tell("Looking for faces")
        strip.show()
        window.resize(960, 600)
        window.show()
        assert cut_off(window) == []


def test_cut_words_are_noticed(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    label, button, wrapped = QLabel("Some words", window), QPushButton("Press me", window), QLabel(window)
    wrapped.setWordWrap(True)
    wrapped.setText("Many words that need more than one line")
    for widget in (label, button, wrapped):
        widget.setFixedSize(30, 60)
    window.show()
    assert [found.split()[0] for found in cut_off(window)] == ["QLabel", "QPushButton", "QLabel"]
    wrapped.setFixedSize(400, 60)
    label.setFixedSize(200, 3)
    button.hide()
    assert [found.split("'")[1] for found in cut_off(window)] == ["Some words"]
