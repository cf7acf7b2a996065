"""How every kind of widget is drawn, in the colours of a theme. Lengths are in em, so that they grow with the font."""

import re
from typing import Any

MARKS = {
    "tick": ("check", "on_accent"),
    "tick-plain": ("check", "text"),
    "tick-off": ("check", "disabled"),
    "dash": ("minus", "on_accent"),
    "dash-off": ("minus", "disabled"),
    "down": ("chevron-down", "text"),
    "down-off": ("chevron-down", "disabled"),
    "up": ("chevron-up", "text"),
    "up-off": ("chevron-up", "disabled"),
    "left": ("chevron-left", "text"),
    "left-off": ("chevron-left", "disabled"),
    "right": ("chevron-right", "text"),
    "right-off": ("chevron-right", "disabled"),
    "close": ("close", "text"),
}
"""The marks that the sheet shows: which icon each of them is, and in which of the theme's colours."""

_SHEET = """
QMainWindow, QDialog { background: @panel; }
QToolTip { background: @raised; color: @text; border: 1px solid @line; padding: 0.3em; }
QFrame[frameShape="4"], QFrame[frameShape="5"] { color: @line; }

/* Menus and bars */
QMenuBar { background: @panel; padding: 0.15em; }
QMenuBar::item { padding: 0.3em 0.65em; background: transparent; border-radius: 4px; }
QMenuBar::item:selected { background: @raised; }
QMenuBar::item:pressed { background: @pressed; }
QMenuBar::item:disabled { color: @disabled; }
QMenu { background: @panel; border: 1px solid @line; padding: 0.3em; icon-size: 1.15em; }
QMenu::item { padding: 0.36em 2em 0.36em 0.6em; border-radius: 4px; }
QMenu::item:selected { background: @selection; color: @selected; }
QMenu::item:disabled { color: @disabled; background: transparent; }
QMenu::icon { padding-left: 0.5em; }
QMenu::icon:checked { background: @pressed; border-radius: 4px; }
QMenu::indicator { width: 1.15em; height: 1.15em; padding-left: 0.28em; }
QMenu::indicator:checked { image: url("@marks/tick-plain.svg"); }
QMenu::right-arrow { image: url("@marks/right.svg"); width: 1em; height: 1em; right: 0.35em; }
QMenu::right-arrow:disabled { image: url("@marks/right-off.svg"); }
QMenu::separator { height: 1px; background: @line; margin: 0.3em 0.45em; }
QToolBar { background: @panel; border: none; padding: 0.3em 0.45em; spacing: 0.3em; icon-size: 1.3em; }
QToolBar:top { border-bottom: 1px solid @line; }
QToolBar:bottom { border-top: 1px solid @line; }
QToolBar:left { border-right: 1px solid @line; }
QToolBar:right { border-left: 1px solid @line; }
QToolBar::separator:horizontal { width: 1px; background: @line; margin: 0.3em 0.45em; }
QToolBar::separator:vertical { height: 1px; background: @line; margin: 0.45em 0.3em; }
QStatusBar { background: @panel; border-top: 1px solid @line; color: @muted; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: @muted; padding: 0 0.45em; }

/* Buttons */
QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 0.28em 0.42em; icon-size: 1.3em; }
QToolButton:hover { background: @raised; }
QToolButton:checked, QToolButton:pressed, QToolButton:open { background: @pressed; }
QToolButton:checked { color: @accent; }
QToolButton:disabled { color: @disabled; }
QToolButton:checked:disabled { background: @raised; }
QToolButton:focus { border-color: @accent; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton[popupMode="1"] { padding-right: 1.3em; }
QToolButton::menu-button { border: none; width: 1.2em; border-radius: 5px; }
QToolButton::menu-button:hover { background: @pressed; }
QToolButton::menu-arrow { image: url("@marks/down.svg"); width: 0.8em; height: 0.8em; }
QToolButton::menu-arrow:disabled { image: url("@marks/down-off.svg"); }
QToolButton::left-arrow { image: url("@marks/left.svg"); width: 1em; height: 1em; }
QToolButton::left-arrow:disabled { image: url("@marks/left-off.svg"); }
QToolButton::right-arrow { image: url("@marks/right.svg"); width: 1em; height: 1em; }
QToolButton::right-arrow:disabled { image: url("@marks/right-off.svg"); }
QToolButton::up-arrow { image: url("@marks/up.svg"); width: 1em; height: 1em; }
QToolButton::down-arrow { image: url("@marks/down.svg"); width: 1em; height: 1em; }
QToolButton#qt_toolbar_ext_button { padding: 0; border-radius: 3px; background: @raised; icon-size: 1em; }
QToolButton#qt_toolbar_ext_button:hover { background: @pressed; }
QToolButton#stripButton { background: @raised; padding: 0.07em 0.6em; }
QToolButton#stripButton:hover { background: @pressed; }
QWidget#paneHeader QToolButton { padding: 0.2em 0.28em; }
QPushButton {
    background: @raised; color: @text; border: 1px solid @line; border-radius: 5px;
    padding: 0.42em 0.9em; margin: 1px; min-width: 3.6em;
}
QPushButton:hover { background: @pressed; }
QPushButton:pressed, QPushButton:checked { background: @line; }
QPushButton:disabled { background: @panel; color: @disabled; border-color: @line; }
QPushButton:focus { border: 2px solid @accent; margin: 0; }
QPushButton:default, QPushButton#primary {
    background: @accent; color: @on_accent; border-color: @accent;
}
QPushButton:default:hover, QPushButton#primary:hover { background: @accent_hover; border-color: @accent_hover; }
QPushButton:default:pressed, QPushButton#primary:pressed { background: @accent_pressed; border-color: @accent_pressed; }
QPushButton:default:focus, QPushButton#primary:focus { border-color: @text; }
QPushButton:default:disabled, QPushButton#primary:disabled {
    background: @raised; color: @disabled; border-color: @line;
}
QPushButton::menu-indicator { image: url("@marks/down.svg"); width: 0.8em; height: 0.8em; right: 0.4em; }
QCheckBox, QRadioButton, QGroupBox { spacing: 0.5em; }
QCheckBox:disabled, QRadioButton:disabled, QLabel:disabled { color: @disabled; }
QCheckBox::indicator, QRadioButton::indicator, QGroupBox::indicator, QAbstractItemView::indicator {
    width: 1em; height: 1em; border: 1px solid @edge; background: @field; margin: 1px;
}
QCheckBox::indicator, QGroupBox::indicator, QAbstractItemView::indicator { border-radius: 3px; }
QRadioButton::indicator { border-radius: 0.52em; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover, QGroupBox::indicator:hover { border-color: @text; }
QCheckBox::indicator:checked, QGroupBox::indicator:checked, QAbstractItemView::indicator:checked {
    background: @accent; border-color: @accent; image: url("@marks/tick.svg");
}
QCheckBox::indicator:indeterminate, QAbstractItemView::indicator:indeterminate {
    background: @accent; border-color: @accent; image: url("@marks/dash.svg");
}
QRadioButton::indicator:checked {
    border-color: @accent;
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
        stop: 0 @on_accent, stop: 0.42 @on_accent, stop: 0.5 @accent, stop: 1 @accent);
}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled, QGroupBox::indicator:disabled,
QAbstractItemView::indicator:disabled { border-color: @line; background: @panel; }
QCheckBox::indicator:checked:disabled, QGroupBox::indicator:checked:disabled,
QAbstractItemView::indicator:checked:disabled { background: @raised; image: url("@marks/tick-off.svg"); }
QCheckBox::indicator:indeterminate:disabled { background: @raised; image: url("@marks/dash-off.svg"); }
QRadioButton::indicator:checked:disabled {
    background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
        stop: 0 @disabled, stop: 0.42 @disabled, stop: 0.5 @raised, stop: 1 @raised);
}
QCheckBox::indicator:focus, QRadioButton::indicator:focus, QGroupBox::indicator:focus {
    border: 2px solid @accent; margin: 0;
}
QCheckBox::indicator:checked:focus, QCheckBox::indicator:indeterminate:focus, QRadioButton::indicator:checked:focus,
QGroupBox::indicator:checked:focus { border-color: @text; }

/* Fields */
QLineEdit, QTextEdit, QPlainTextEdit, QAbstractSpinBox, QComboBox {
    background: @field; color: @text; border: 1px solid @line; border-radius: 4px; margin: 1px;
    selection-background-color: @accent; selection-color: @on_accent; placeholder-text-color: @muted;
}
QLineEdit, QAbstractSpinBox, QComboBox { padding: 0.26em 0.4em; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit, QAbstractSpinBox QLineEdit:focus, QComboBox QLineEdit:focus {
    background: transparent; border: none; padding: 0; margin: 0;
}
QKeySequenceEdit { background: transparent; }
QLineEdit:hover, QTextEdit:hover, QPlainTextEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: @edge; }
QLineEdit:focus, QTextEdit:focus, QPlainTextEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {
    border: 2px solid @accent; margin: 0;
}
QLineEdit:disabled, QTextEdit:disabled, QPlainTextEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {
    background: @panel; color: @disabled; border-color: @line;
}
QComboBox { padding-right: 1.6em; }
QComboBox:!editable { background: @raised; }
QComboBox:!editable:hover { background: @pressed; }
QComboBox:!editable:disabled { background: @panel; }
QComboBox::drop-down { border: none; width: 1.5em; }
QComboBox::down-arrow { image: url("@marks/down.svg"); width: 0.85em; height: 0.85em; }
QComboBox::down-arrow:disabled { image: url("@marks/down-off.svg"); }
QComboBox QAbstractItemView {
    background: @panel; border: 1px solid @line; padding: 0.2em;
    selection-background-color: @selection; selection-color: @selected;
}
/* Right, because Qt 6.11 leaves no room between the left edge and the number. */
QAbstractSpinBox { qproperty-alignment: AlignRight; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { border: none; width: 1.3em; border-radius: 3px; }
QAbstractSpinBox::up-button { subcontrol-position: top right; }
QAbstractSpinBox::down-button { subcontrol-position: bottom right; }
/* Qt 6.11 takes absent buttons for one at the left end, and leaves no room for the number unless they belong there. */
QAbstractSpinBox[buttonSymbols="2"]::up-button, QAbstractSpinBox[buttonSymbols="2"]::down-button {
    subcontrol-position: left;
}
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: @raised; }
QAbstractSpinBox::up-button:pressed, QAbstractSpinBox::down-button:pressed { background: @pressed; }
QAbstractSpinBox::up-arrow { image: url("@marks/up.svg"); width: 0.75em; height: 0.75em; }
QAbstractSpinBox::down-arrow { image: url("@marks/down.svg"); width: 0.75em; height: 0.75em; }
QAbstractSpinBox::up-arrow:disabled, QAbstractSpinBox::up-arrow:off { image: url("@marks/up-off.svg"); }
QAbstractSpinBox::down-arrow:disabled, QAbstractSpinBox::down-arrow:off { image: url("@marks/down-off.svg"); }

/* Sliders, scroll bars and progress */
QSlider { border: 1px solid transparent; border-radius: 4px; }
QSlider:focus { border-color: @accent; }
QSlider:horizontal { min-height: 1.4em; }
QSlider:vertical { min-width: 1.4em; }
QSlider::groove:horizontal { height: 0.28em; background: @slot; border-radius: 2px; }
QSlider::groove:vertical { width: 0.28em; background: @slot; border-radius: 2px; }
QSlider::sub-page:horizontal, QSlider::add-page:vertical { background: @accent; border-radius: 2px; }
QSlider::handle { background: @knob; border: 1px solid @edge; border-radius: 0.38em; }
QSlider::handle:horizontal { width: 0.72em; margin: -0.29em 0; }
QSlider::handle:vertical { height: 0.72em; margin: 0 -0.29em; }
QSlider::handle:hover, QSlider::handle:focus { background: @accent; border-color: @accent; }
QSlider::sub-page:horizontal:disabled, QSlider::add-page:vertical:disabled { background: @disabled; }
QSlider::handle:disabled { background: @panel; border-color: @disabled; }
QScrollBar { background: transparent; border: none; margin: 0; }
QScrollBar:vertical { width: 0.8em; }
QScrollBar:horizontal { height: 0.8em; }
QScrollBar::handle { background: @thumb; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 1.8em; }
QScrollBar::handle:horizontal { min-width: 1.8em; }
QScrollBar::handle:hover, QScrollBar::handle:pressed { background: @edge; }
QScrollBar::handle:disabled { background: transparent; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QProgressBar { background: @slot; border: none; border-radius: 3px; text-align: center; color: @text; }
QProgressBar::chunk { background: @accent; border-radius: 3px; }

/* Lists, trees and tables */
QAbstractItemView { background: @panel; border: none; outline: none; selection-background-color: @selection; }
QDialog QAbstractItemView { background: @field; border: 1px solid @line; border-radius: 4px; margin: 1px; }
QDialog QAbstractItemView:focus { border: 2px solid @accent; margin: 0; }
QListView { padding: 0 0.28em; }
QListView::item { border-radius: 4px; padding: 0.15em 0 0.15em 0.42em; }
QAbstractItemView::item { border: 1px solid transparent; }
QAbstractItemView::item:hover { background: @raised; }
QAbstractItemView::item:selected { background: @selection; color: @selected; }
QAbstractItemView::item:disabled { color: @disabled; }
QAbstractItemView::item:focus { border-color: @accent; }
QTreeView::item, QTableView::item { padding: 0.22em 0.3em; }
QTreeView::branch { background: transparent; }
QTreeView::branch:has-children:closed { image: url("@marks/right.svg"); }
QTreeView::branch:has-children:open { image: url("@marks/down.svg"); }
QHeaderView { background: @panel; border: none; }
QHeaderView::section {
    background: @panel; color: @muted; border: none; border-bottom: 1px solid @line; padding: 0.3em 0.45em;
}

/* Parts of the window */
QTabWidget::pane { border: none; border-top: 1px solid @line; }
QTabBar { background: transparent; border: none; qproperty-drawBase: false; }
QTabBar::tab {
    background: transparent; color: @muted; border: 1px solid transparent; border-bottom: 2px solid transparent;
    padding: 0.36em 0.75em; margin-right: 2px;
}
QTabWidget#panels QTabBar::tab { padding: 0.6em 0.75em; }
QTabBar::tab:hover { color: @text; background: @raised; }
QTabBar::tab:selected { color: @text; border-bottom-color: @accent; }
QTabBar::tab:selected:focus { border-color: @accent; border-radius: 4px; }
QTabBar::tab:disabled { color: @disabled; }
QTabBar::close-button { image: url("@marks/close.svg"); width: 0.9em; height: 0.9em; }
QMainWindow::separator { background: @line; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: @accent; }
QSplitter::handle { background: @line; }
QSplitter::handle:hover { background: @accent; }
QGroupBox { border: 1px solid @line; border-radius: 5px; margin-top: 0.7em; padding: 0.7em 0.5em 0.4em 0.5em; }
QGroupBox::title { subcontrol-origin: margin; left: 0.6em; padding: 0 0.3em; color: @muted; }
QGroupBox::title:disabled { color: @disabled; }
QToolBox::tab { background: @raised; border-radius: 4px; padding-left: 0.4em; color: @text; }
QScrollArea { border: none; background: transparent; }
QWidget#alignSidebar { background: @panel; border-left: 1px solid @line; }
QWidget#paneHeader { background: @panel; border-bottom: 1px solid @line; }
QLabel#heading { color: @muted; font-weight: 600; }
QLabel#muted { color: @muted; }
QLabel#muted:disabled, QLabel#heading:disabled { color: @disabled; }
QLabel#title { font-weight: 600; }
QLabel#notice, QFrame#notice {
    background: @warning_panel; color: @text; border: none; border-left: 3px solid @warning; border-radius: 3px;
    padding: 0.5em 0.65em;
}
QFrame#banner { background: @warning_panel; border: none; border-bottom: 1px solid @warning; }
QFrame#palette { background: @panel; border: 1px solid @edge; }
QFrame#palette QLineEdit { background: @panel; border: none; margin: 0; padding: 0.55em 0.5em; }
QFrame#palette QListView { background: @panel; border: none; border-top: 1px solid @line; margin: 0; padding: 0.3em; }
QFrame#palette QLabel#muted { border-top: 1px solid @line; }
"""


def style_sheet(colours: Any, marks: str) -> str:
    """Return the style sheet of a theme.

    Parameters
    ----------
    colours
        The theme's colours, by their names.
    marks
        The folder that holds `MARKS` as SVG files, with slashes.
    """
    dark = colours.name == "dark"
    mixed = {
        "accent_hover": "#79b5f8" if dark else "#2b76d4",
        "accent_pressed": "#4790e0" if dark else "#1254a6",
        "slot": colours.pressed if dark else "#c3c7cc",
        "knob": colours.text if dark else "#ffffff",
        "thumb": "#53575d" if dark else "#b4b8be",
        "marks": marks.replace('"', '\\"'),
    }
    return re.sub(r"@(\w+)", lambda match: mixed.get(match[1]) or getattr(colours, match[1]), _SHEET)
