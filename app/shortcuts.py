"""The keys of a window's commands: those they have at first, and those a person gives them."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow

from app.command_palette import Command, all_actions
from app.shortcuts_dialog import ShortcutsDialog

_Format = QKeySequence.SequenceFormat


class Shortcuts(QObject):
    """Gives the commands of a window the keys that a person chose, and can take that back.

    A command takes part if its action has an object name, its id. The keys that the actions have when they are first
    seen are the defaults.

    Parameters
    ----------
    window
        Whose commands they are.
    fixed
        Keys that no command can have, portable text, and what they are for.

    Signals
    -------
    changed()
        Some keys are others than before.

    Raises
    ------
    ValueError
        If two commands have the same id.
    """

    changed = Signal()

    def __init__(self, window: QMainWindow, fixed: Mapping[str, str] | None = None) -> None:
        super().__init__(window)
        self._window = window
        self._overrides: dict[str, str] = {}
        self._commands: dict[str, Command] = {}
        self._defaults: dict[str, list[QKeySequence]] = {}
        self._in_tip: set[str] = set()
        self.fixed = {QKeySequence(keys): use for keys, use in (fixed or {}).items()}
        """Keys that no command can have, and what they are for."""
        self.learn()

    @property
    def commands(self) -> list[Command]:
        """The commands that take part, in the order of the menus."""
        return list(self._commands.values())

    @property
    def overrides(self) -> dict[str, str]:
        """The keys in place of the defaults, by id, to be remembered."""
        return dict(self._overrides)

    def apply(self, overrides: Mapping[str, str]) -> None:
        """Give commands other keys, in place of all that were given before.

        Parameters
        ----------
        overrides
            The keys that were chosen in place of the defaults, by id: portable text, several separated by ``"; "``,
            empty for none. Ids that are not known (yet) are kept; what is no key is left out.
        """
        self._overrides = dict(overrides)
        self._apply()

    def edit(self) -> dict[str, str] | None:
        """Let a person choose keys in a dialog; return the overrides to remember, None where they are as before."""
        before = self.overrides
        dialog = ShortcutsDialog(self, self._window)
        dialog.exec()
        dialog.deleteLater()
        return self.overrides if self.overrides != before else None

    def learn(self) -> None:
        """Find the window's commands anew, and give those that are new the keys that were chosen for them."""
        found: dict[str, Command] = {}
        for command in all_actions(self._window):
            name = command.action.objectName()
            if not name:
                continue
            if name in found:
                raise ValueError(f"two commands have the id {name!r}: {found[name].label} and {command.label}")
            found[name] = command
            if name not in self._defaults:
                self._defaults[name] = keys = [keys for keys in command.action.shortcuts() if not keys.isEmpty()]
                if _first_line(command.action).endswith(_in_tip(keys)):
                    self._in_tip.add(name)
        self._commands = found
        self._apply()

    def keys(self, name: str) -> list[QKeySequence]:
        """Return the keys that a command has now, by its id."""
        return [keys for keys in self._commands[name].action.shortcuts() if not keys.isEmpty()]

    def default(self, name: str) -> list[QKeySequence]:
        """Return the keys that a command had at first, by its id."""
        return list(self._defaults[name])

    def is_changed(self, name: str) -> bool:
        """Whether a command has other keys than at first, by its id."""
        return self.keys(name) != self._defaults[name]

    def user_of(self, keys: QKeySequence, but: str = "") -> Command | None:
        """Return the command that has a key now, other than the one with the id ``but``."""
        for name in self._commands:
            if name != but and keys in self.keys(name):
                return self._commands[name]
        return None

    def set_keys(self, name: str, keys: Sequence[QKeySequence]) -> None:
        """Give a command keys, and take them from whatever has them.

        Parameters
        ----------
        name
            The command's id.
        keys
            Its keys, the one that menus show first; none to leave it without.

        Raises
        ------
        KeyError
            If there is no such command.
        ValueError
            If one of the keys is fixed, and was not the command's at first.
        """
        default = self.default(name)
        chosen = list(dict.fromkeys(each for each in keys if not each.isEmpty()))
        for each in chosen:
            if each in self.fixed and each not in default:
                raise ValueError(f"{each.toString()} cannot be the key of a command: {self.fixed[each]}")
        for other in [other for other in self._overrides if other != name]:
            left = [each for each in _parse(self._overrides[other]) if each not in chosen]
            self._store(other, left)
        self._overrides[name] = _text(chosen)
        if chosen == default:
            del self._overrides[name]
            # Whoever shares a default key with it keeps it: they are meant for different places.
        self._apply()

    def reset(self, name: str) -> None:
        """Give a command the keys that it had at first, and take them from whatever else was given them."""
        self.set_keys(name, self._defaults[name])

    def reset_all(self) -> None:
        """Give all commands the keys that they had at first."""
        self.apply({})

    def _store(self, name: str, keys: list[QKeySequence]) -> None:
        if name in self._defaults and keys == self._defaults[name]:
            del self._overrides[name]
        elif keys != _parse(self._overrides[name]):
            self._overrides[name] = _text(keys)

    def _apply(self) -> None:
        chosen: dict[str, list[QKeySequence]] = {}
        taken: set[QKeySequence] = set(self.fixed)
        for name in self._commands:
            if name in self._overrides:
                # Settings edited by hand may give one key twice; the first one has it, or neither would work.
                chosen[name] = [keys for keys in _parse(self._overrides[name]) if keys not in taken]
                taken.update(chosen[name])
        different = False
        for name in self._commands:
            keys = chosen.get(name)
            if keys is None:
                keys = [each for each in self._defaults[name] if each not in taken or each in self.fixed]
            if keys != self.keys(name):
                self._give(name, keys)
                different = True
        if different:
            self.changed.emit()

    def _give(self, name: str, keys: list[QKeySequence]) -> None:
        action, old = self._commands[name].action, _in_tip(self.keys(name))
        if name in self._in_tip and (first := _first_line(action)).endswith(old):
            rest = action.toolTip()[len(first) :]
            action.setToolTip(first.removesuffix(old) + _in_tip(keys) + rest)
        action.setShortcuts(keys)


def _first_line(action: QAction) -> str:
    return action.toolTip().partition("\n")[0]


def _in_tip(keys: Sequence[QKeySequence]) -> str:
    """Return how a tooltip ends that names keys."""
    return f" ({keys[0].toString(_Format.NativeText)})" if keys else ""


def _parse(text: str) -> list[QKeySequence]:
    """Return the keys of a portable text without what is no key."""
    listed = QKeySequence.listFromString(text, _Format.PortableText)
    # Unknown words give a sequence whose own text is empty.
    return list(dict.fromkeys(keys for keys in listed if keys.toString()))


def _text(keys: Sequence[QKeySequence]) -> str:
    return QKeySequence.listToString(list(keys), _Format.PortableText)
