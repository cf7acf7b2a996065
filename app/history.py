"""The history of a mask's edits, and whether they have been saved."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.document import Edit

Apply = Callable[[Edit, bool], None]
"""Redoes an edit, or undoes it if the second argument says so."""


class _EditCommand(QUndoCommand):
    """An edit in the history. The document already holds it when it is pushed."""

    def __init__(self, apply: Apply, edit: Edit) -> None:
        super().__init__(edit.name)
        self._apply, self.edit = apply, edit
        self._pushed = False

    def redo(self) -> None:
        if self._pushed:
            self._apply(self.edit, False)
        self._pushed = True

    def undo(self) -> None:
        self._apply(self.edit, True)


class History(QObject):
    """Edits that can be undone.

    Parameters
    ----------
    apply
        Undoes and redoes an edit in the document.

    Signals
    -------
    changed()
        An edit was made, undone, redone or saved.
    """

    changed = Signal()

    def __init__(self, apply: Apply, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.stack = QUndoStack(self)
        self.stack.indexChanged.connect(self.changed)
        self._apply = apply
        self._saved: Edit | None = None

    @property
    def last(self) -> Edit | None:
        """The edit that leads to the present state: itself, not its place in the stack, which another can take."""
        index = self.stack.index()
        command = self.stack.command(index - 1) if index else None
        return command.edit if isinstance(command, _EditCommand) else None

    @property
    def unsaved(self) -> bool:
        """Whether the present state is not the one that was saved last."""
        return self.last is not self._saved

    def add(self, edit: Edit) -> None:
        """Add an edit that the document already holds."""
        self.stack.push(_EditCommand(self._apply, edit))

    def mark_saved(self, last: Edit | None) -> None:
        """Take the state that an edit led to as saved."""
        self._saved = last
        self.changed.emit()

    def clear(self) -> None:
        """Forget all edits; what is there now counts as saved."""
        self.stack.clear()
        self._saved = None
