"""The look: a quiet dark theme and a light one, so that nothing beside the pictures draws the eye."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Qt, QTemporaryDir
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from app.icons import LineIcon, coloured
from app.settings import SCHEMES
from app.style_sheet import MARKS, style_sheet


@dataclass(frozen=True, slots=True)
class Colours:
    """The colours of a theme, as ``"#rrggbb"``.

    Attributes
    ----------
    name
        ``"dark"`` or ``"light"``.
    window
        Of what lies deeper than the panels, such as a place where a picture will be.
    canvas, canvas_text
        Around the pictures, without any hue that would tint how they are seen; and words written there.
    panel
        Of bars, sidebars, menus and dialogs.
    raised, pressed
        Of buttons and of what the cursor is over; and of what is held down or switched on.
    field
        Of what is written into or chosen from.
    line
        Between parts.
    edge
        Around what has no other shape to be recognised by, such as an empty check box.
    text, muted, disabled
        Words, less important ones, and those of what cannot be used now.
    accent, on_accent
        What is chosen, moved or has the focus; and what is written on it.
    selection, selected
        Behind a chosen row, and its words.
    warning, warning_panel
        What needs attention, and the ground of words about it.
    """

    name: Literal["dark", "light"]
    window: str
    canvas: str
    canvas_text: str
    panel: str
    raised: str
    pressed: str
    field: str
    line: str
    edge: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    selection: str
    selected: str
    warning: str
    warning_panel: str


DARK = Colours(
    name="dark",
    window="#1b1c1e",
    canvas="#2a2a2a",
    canvas_text="#b4b4b4",
    panel="#26272a",
    raised="#34363a",
    pressed="#3f4247",
    field="#1b1c1e",
    line="#3c3f44",
    edge="#7d828a",
    text="#dddfe2",
    muted="#a2a6ad",
    disabled="#73777e",
    accent="#5ba3f5",
    on_accent="#0b1522",
    selection="#2b4a70",
    selected="#ffffff",
    warning="#f0b35a",
    warning_panel="#453720",
)
LIGHT = Colours(
    name="light",
    window="#dfe0e2",
    canvas="#bcbcbc",
    canvas_text="#3a3a3a",
    panel="#f2f3f4",
    raised="#e3e5e8",
    pressed="#d2d5d9",
    field="#ffffff",
    line="#cdd0d4",
    edge="#777c84",
    text="#1d1f22",
    muted="#565b63",
    disabled="#8a8e95",
    accent="#1763c2",
    on_accent="#ffffff",
    selection="#c6dcf8",
    selected="#0c1f38",
    warning="#8f5400",
    warning_panel="#fbe9c6",
)


def colours() -> Colours:
    """Return the colours of the theme that is shown now.

    What paints itself asks at each painting: a change of the theme repaints every widget. What keeps colours renews
    them in `changeEvent`, when its style changes.
    """
    return _Theme.shown


def apply_theme(application: QApplication, scheme: str = "system") -> None:
    """Give the whole application a theme, now or in place of another.

    Parameters
    ----------
    application
        All of its windows change, those that are open too.
    scheme
        One of `SCHEMES`: ``"system"`` follows the desktop, also when its choice changes later; where it has none, the
        theme is dark.

    Raises
    ------
    ValueError
        If there is no such scheme.
    """
    if scheme not in SCHEMES:
        raise ValueError(f"the scheme must be one of {', '.join(SCHEMES)}, not {scheme!r}")
    theme = application.findChild(_Theme) or _Theme(application)
    theme.follow(scheme)


def icon(name: str) -> QIcon:
    """Return one of the project's icons, which is drawn in the colours of whatever theme is shown.

    It is dimmed where it is disabled, and has the accent's colour where it is switched on.

    Raises
    ------
    FileNotFoundError
        If there is no such icon.
    """
    return QIcon(LineIcon(name, _tint))


def swatch(rgb: tuple[int, int, int], side: int = 14) -> QPixmap:
    """Return a rounded square of a colour, with an outline that shows black and white on either theme's panel."""
    pixmap = QPixmap(side * 2, side * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(128, 128, 128))
    painter.setBrush(QColor(*rgb))
    painter.drawRoundedRect(1, 1, side - 2, side - 2, 3, 3)
    painter.end()
    return pixmap


class _Theme(QObject):
    """Keeps an application in a theme."""

    shown: Colours = DARK

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._scheme = "system"
        # A style sheet takes its marks (ticks, arrows) from files alone.
        self._marks = QTemporaryDir()
        application.setStyle("Fusion")
        application.styleHints().colorSchemeChanged.connect(self._system_changed)

    def follow(self, scheme: str) -> None:
        self._scheme = scheme
        hints = self._application.styleHints()
        choices = {"dark": Qt.ColorScheme.Dark, "light": Qt.ColorScheme.Light}
        choice = choices.get(scheme, Qt.ColorScheme.Unknown)
        # The frames of windows and the desktop's own dialogs follow too, where Qt can ask for it (since 6.8).
        if hasattr(hints, "setColorScheme"):
            hints.setColorScheme(choice)
        self._show(hints.colorScheme() if scheme == "system" else choice)

    def _system_changed(self, choice: Qt.ColorScheme) -> None:
        if self._scheme == "system":
            self._show(choice)

    def _show(self, choice: Qt.ColorScheme) -> None:
        shown = LIGHT if choice == Qt.ColorScheme.Light else DARK
        sheet = style_sheet(shown, self._folder(shown))
        if sheet == self._application.styleSheet():
            return
        _Theme.shown = shown
        self._application.setPalette(_palette(shown))
        # The stubs want bytes, which Qt does not take.
        self._application.setPalette(_canvas_palette(shown), "ImagePane")  # type: ignore[arg-type]
        self._application.setStyleSheet(sheet)

    def _folder(self, shown: Colours) -> str:
        """Return the folder with the marks in a theme's colours."""
        folder = Path(self._marks.filePath(shown.name))
        if not folder.exists():
            folder.mkdir(parents=True)
            for mark, (drawing, colour) in MARKS.items():
                (folder / f"{mark}.svg").write_text(coloured(drawing, getattr(shown, colour)), encoding="utf-8")
        return folder.as_posix()


def _tint(mode: QIcon.Mode, state: QIcon.State) -> str:
    shown = colours()
    if mode == QIcon.Mode.Disabled:
        return shown.disabled
    if mode == QIcon.Mode.Selected:
        return shown.selected
    return shown.accent if state == QIcon.State.On else shown.text


def _palette(shown: Colours) -> QPalette:
    """Return the palette, for what the style sheet leaves to Qt's style and for widgets that paint themselves."""
    palette, roles = QPalette(), QPalette.ColorRole
    named = {
        "field": (roles.Base,),
        "panel": (roles.Window, roles.AlternateBase),
        "raised": (roles.Button, roles.ToolTipBase, roles.Midlight),
        "line": (roles.Mid, roles.Dark),
        "text": (roles.WindowText, roles.Text, roles.ButtonText, roles.ToolTipText),
        "muted": (roles.PlaceholderText,),
        "accent": (roles.Link, roles.LinkVisited, roles.Accent),
        "selection": (roles.Highlight,),
        "selected": (roles.HighlightedText, roles.BrightText),
    }
    for colour, places in named.items():
        for role in places:
            palette.setColor(role, QColor(getattr(shown, colour)))
    palette.setColor(roles.Light, QColor(shown.pressed))
    palette.setColor(roles.Shadow, QColor(0, 0, 0))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(shown.disabled))
    return palette


def _canvas_palette(shown: Colours) -> QPalette:
    """Return the palette of what shows pictures."""
    palette, roles = _palette(shown), QPalette.ColorRole
    for role in (roles.Base, roles.Window):
        palette.setColor(role, QColor(shown.canvas))
    for role in (roles.Text, roles.WindowText):
        palette.setColor(role, QColor(shown.canvas_text))
    return palette
