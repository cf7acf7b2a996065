"""How actions are made, so that every one has a name, a tooltip with its keys, and a place in the lists."""

import re
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.theme import icon

Key = QKeySequence.StandardKey | str


def plain(text: str) -> str:
    """Return the text of a menu without its marks for the keyboard: ``"&Open"``, ``"開く(&O)"``, ``"a && b"``."""
    text = re.sub(r"\s*\(&\w\)", "", text.partition("\t")[0])
    return re.sub("&(.)", r"\1", text).strip()


def tip_of(action: QAction, name: str = "") -> str:
    """Return an action's tooltip: its name, by default its text, and its keys."""
    name = name or plain(action.text()).rstrip("…")
    keys = ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts()[:1])
    return f"{name} ({keys})" if keys else name


class ActionMaker(QObject):
    """Makes the actions of a window.

    Parameters
    ----------
    window
        Which they belong to.

    Attributes
    ----------
    need_portrait
        Those that make sense only while a portrait is edited.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.need_portrait: list[QAction] = []

    def make(
        self,
        name: str,
        text: str,
        slot: Callable[[], object] | None = None,
        key: Key | tuple[str, ...] | None = None,
        picture: str = "",
        needs_portrait: bool = False,
        tip: str = "",
    ) -> QAction:
        """Make an action.

        Parameters
        ----------
        name
            What identifies it in the settings: never translated, never changed.
        text, tip
            What menus and tooltips say; the tip is the text by default.
        slot
            What it does.
        key
            Its keys.
        picture
            Its icon.
        needs_portrait
            Whether it makes sense only while a portrait is edited.
        """
        action = QAction(text, self._window)
        action.setObjectName(name)
        if slot is not None:
            action.triggered.connect(lambda: slot())
        if isinstance(key, tuple):
            action.setShortcuts([QKeySequence(each) for each in key])
        elif key is not None:
            action.setShortcut(QKeySequence(key))
        if picture:
            action.setIcon(icon(picture))
        # Tool buttons say this; what Qt makes of the text would keep another language's "(&O)" as "(O)".
        action.setIconText(plain(text).rstrip("…"))
        action.setToolTip(tip_of(action, tip))
        if needs_portrait:
            self.need_portrait.append(action)
        return action

    def toggle(
        self,
        name: str,
        text: str,
        slot: Callable[[bool], object],
        key: Key | tuple[str, ...] | None = None,
        picture: str = "",
        needs_portrait: bool = False,
        tip: str = "",
    ) -> QAction:
        """Make an action that is on or off; ``slot`` is told when a person switches it."""
        action = self.make(name, text, None, key, picture, needs_portrait, tip)
        action.setCheckable(True)
        action.triggered.connect(slot)
        return action

    def choice(self, name: str, titles: dict[str, str], slot: Callable[[str], object], chosen: str) -> list[QAction]:
        """Make actions of which one is on: one for each value of ``titles``, with its text."""
        group = QActionGroup(self)
        for value, title in titles.items():
            action = self.make(f"{name}-{value}", title, lambda value=value: slot(value))
            action.setCheckable(True)
            action.setChecked(value == chosen)
            action.setData(value)
            group.addAction(action)
        return group.actions()
