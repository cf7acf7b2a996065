"""The look: a quiet dark theme, so that nothing beside the pictures draws the eye."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication

from resources import RESOURCES

WINDOW = "#1f2124"
PANEL = "#282b2f"
RAISED = "#34383d"
LINE = "#3d4248"
TEXT = "#d9dce1"
MUTED = "#979da6"
ACCENT = "#4f9cf0"
WARNING = "#f0b35a"

_STYLE = f"""
QMainWindow, QDialog {{ background: {WINDOW}; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; padding: 4px; }}
QMenuBar {{ background: {PANEL}; padding: 2px; }}
QMenuBar::item {{ padding: 4px 9px; background: transparent; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {RAISED}; }}
QMenu {{ background: {PANEL}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px 26px 5px 24px; border-radius: 4px; }}
QMenu::item:selected {{ background: {RAISED}; }}
QMenu::item:disabled {{ color: {MUTED}; }}
QMenu::separator {{ height: 1px; background: {LINE}; margin: 4px 6px; }}
QToolBar {{ background: {PANEL}; border: none; border-bottom: 1px solid {LINE}; padding: 4px 6px; spacing: 4px; }}
QToolBar::separator {{ width: 1px; background: {LINE}; margin: 4px 6px; }}
QToolButton {{ border: none; border-radius: 5px; padding: 5px 7px; }}
QToolButton:hover {{ background: {RAISED}; }}
QToolButton:checked, QToolButton:pressed {{ background: {LINE}; }}
QToolButton:disabled {{ color: #6a7079; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QStatusBar {{ background: {PANEL}; border-top: 1px solid {LINE}; color: {MUTED}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {MUTED}; padding: 0 6px; }}
QWidget#sidebar {{ background: {PANEL}; border-right: 1px solid {LINE}; }}
QWidget#paneHeader {{ background: {PANEL}; border-bottom: 1px solid {LINE}; }}
QLabel#heading {{ color: {MUTED}; font-weight: 600; }}
QLabel#muted {{ color: {MUTED}; }}
QListView {{ background: {PANEL}; border: none; outline: none; padding: 0 4px; }}
QListView::item {{ border-radius: 4px; padding-left: 6px; }}
QListView::item:hover {{ background: {RAISED}; }}
QListView::item:selected {{ background: #2f4d70; color: white; }}
QSplitter::handle {{ background: {LINE}; }}
QFrame#banner {{ background: #453720; border: none; border-bottom: 1px solid {WARNING}; }}
QProgressBar {{ background: {LINE}; border: none; border-radius: 3px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 3px; }}
QWidget#paneHeader QToolButton {{ padding: 4px 5px; }}
QToolButton#stripButton {{ background: {RAISED}; padding: 1px 9px; }}
QToolButton#stripButton:hover {{ background: {LINE}; }}
QSlider::groove:horizontal {{ height: 4px; background: {LINE}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 2px; }}
QSlider::handle:horizontal {{ background: {TEXT}; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }}
QSlider::handle:horizontal:focus {{ background: {ACCENT}; }}
"""


def apply_theme(application: QApplication) -> None:
    """Give the whole application the theme."""
    application.setStyle("Fusion")
    colours = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, WINDOW),
        (roles.Base, PANEL),
        (roles.AlternateBase, RAISED),
        (roles.Button, RAISED),
        (roles.ToolTipBase, RAISED),
        (roles.WindowText, TEXT),
        (roles.Text, TEXT),
        (roles.ButtonText, TEXT),
        (roles.ToolTipText, TEXT),
        (roles.BrightText, "#ffffff"),
        (roles.PlaceholderText, MUTED),
        (roles.Highlight, ACCENT),
        (roles.HighlightedText, "#ffffff"),
        (roles.Link, ACCENT),
    ):
        colours.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        colours.setColor(QPalette.ColorGroup.Disabled, role, QColor("#6a7079"))
    application.setPalette(colours)
    application.setStyleSheet(_STYLE)


def icon(name: str) -> QIcon:
    """Return one of the project's icons, recoloured for the theme, with a dimmed form for disabled actions."""
    result = QIcon()
    shape = QIcon(str(RESOURCES / "icons" / f"{name}.svg"))
    for mode, colour in ((QIcon.Mode.Normal, TEXT), (QIcon.Mode.Disabled, "#5d636b")):
        pixmap: QPixmap = shape.pixmap(QSize(40, 40))
        painter = QPainter(pixmap)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.fillRect(pixmap.rect(), QColor(colour))
        painter.end()
        result.addPixmap(pixmap, mode)
    return result


def swatch(rgb: tuple[int, int, int], side: int = 14) -> QPixmap:
    """Return a rounded square of a colour, with an outline that shows black on the dark panel."""
    pixmap = QPixmap(side * 2, side * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QColor(255, 255, 255, 90))
    painter.setBrush(QColor(*rgb))
    painter.drawRoundedRect(1, 1, side - 2, side - 2, 3, 3)
    painter.end()
    return pixmap
