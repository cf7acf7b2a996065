"""The menu that says whose style is taken, and for which parts of the face."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QT_TRANSLATE_NOOP
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from resources.labels import BY_NAME

if TYPE_CHECKING:
    from app.window import MainWindow

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Whole face")), ()),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Hair")), ("hair",)),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Skin")), ("skin", "nose", "neck", "l_ear", "r_ear")),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Lips")), ("u_lip", "l_lip")),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Eyes")), ("l_eye", "r_eye")),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Brows")), ("l_brow", "r_brow")),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Clothes")), ("cloth",)),
    (str(QT_TRANSLATE_NOOP("StyleMenu", "Background")), ("background",)),
)
"""What can take an exemplar's style: a name, and the classes."""


class StyleMenu(QMenu):
    """Own style or an exemplar's, and what takes it.

    Parameters
    ----------
    window
        Whose editor it acts on.
    own, exemplar
        The actions that choose between the two.
    """

    def __init__(self, window: MainWindow, own: QAction, exemplar: QAction) -> None:
        super().__init__(window)
        self.setTitle(self.tr("&Style"))
        self._editor = window.editor
        self.addActions([own, exemplar])
        self.addSeparator()
        self.parts = QActionGroup(self)
        menu = self.addMenu(self.tr("Take it &for"))
        for title, names in PARTS:
            action = QAction(self.tr(title), self, checkable=True)
            action.setObjectName(f"style-{title.lower().replace(' ', '-')}")
            action.setData(tuple(BY_NAME[name].id for name in names))
            action.triggered.connect(lambda _=False, action=action: self._editor.use_style_for(action.data()))
            self.parts.addAction(action)
            menu.addAction(action)
        self.refresh()

    def refresh(self) -> None:
        """Show the editor's state; parts can be chosen where there is an exemplar."""
        self.parts.setEnabled(self._editor.exemplar is not None)
        for action in self.parts.actions():
            action.setChecked(tuple(action.data()) == self._editor.style_classes)

    def chosen(self) -> str:
        """Return the name of what takes the style."""
        action = self.parts.checkedAction()
        return action.text() if action is not None else ""
