"""The history of a mask's edits: what can be undone, redone and gone back to, and whether it has been saved."""

from collections.abc import Callable, Sequence

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document import Edit
from app.edit_list import moved
from engine.mask.steps import EMPTY, Entry
from engine.mask.written import Written
from engine.types import LabelMap

Apply = Callable[[Sequence[Edit], bool], None]
"""Redoes edits in the order given, or undoes them if the second argument says so."""

BUDGET = 256 * 2**20
"""Bytes of edits that are kept by default."""


class History(QObject):
    """Edits that can be undone, as many as fit into a memory budget.

    Parameters
    ----------
    apply
        Undoes and redoes edits in the document.
    budget
        Bytes that the edits may take. Beyond it the oldest can no longer be undone; the newest one always can.

    Attributes
    ----------
    edits
        Those that can be undone or redone, oldest first.
    index
        How many of them are done.
    dropped
        What was done before them and can no longer be undone, oldest first.

    Signals
    -------
    changed()
        An edit was made, undone, redone or saved.
    """

    changed = Signal()

    def __init__(self, apply: Apply, budget: int = BUDGET, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.edits: list[Edit] = []
        self.index = 0
        self.dropped: list[Entry] = []
        self._apply = apply
        self._budget = budget
        self._nbytes = 0
        # What led to the present state where nothing can be undone: None for the source mask.
        self._base: Edit | None = None
        self._saved: Edit | None = None

    @property
    def nbytes(self) -> int:
        """The memory that the edits take."""
        return self._nbytes

    @property
    def can_undo(self) -> bool:
        """Whether there is an edit to undo."""
        return self.index > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an edit to redo."""
        return self.index < len(self.edits)

    @property
    def last(self) -> Edit | None:
        """The edit that leads to the present state: itself, not its place in the list, which another can take."""
        return self.edits[self.index - 1] if self.index else self._base

    @property
    def next(self) -> Edit | None:
        """The edit that would be redone."""
        return self.edits[self.index] if self.can_redo else None

    @property
    def unsaved(self) -> bool:
        """Whether the present state is not the one that was saved last."""
        return self.last is not self._saved

    @property
    def done(self) -> list[Entry]:
        """All that leads from the source mask to the present one, oldest first."""
        return self.dropped + [edit.entry for edit in self.edits[: self.index]]

    def add(self, edit: Edit) -> None:
        """Add an edit that the document already holds; what was undone before is forgotten."""
        for other in self.edits[self.index :]:
            self._nbytes -= other.nbytes
        self.edits[self.index :] = [edit]
        self.index += 1
        self._nbytes += edit.nbytes
        self._keep_to_budget()
        self.changed.emit()

    def undo(self) -> None:
        """Undo one edit, if there is one."""
        self.jump(self.index - 1)

    def redo(self) -> None:
        """Redo one edit, if there is one."""
        self.jump(self.index + 1)

    def jump(self, index: int) -> None:
        """Undo or redo until ``index`` edits are done; 0..len(edits)."""
        index = min(max(index, 0), len(self.edits))
        if index == self.index:
            return
        back, first = index < self.index, self.index
        self.index = index
        if back:
            self._apply(self.edits[index:first][::-1], True)
        else:
            self._apply(self.edits[first:index], False)
        self.changed.emit()

    def labels_at(self, index: int, labels: LabelMap) -> LabelMap:
        """Return what the mask is when ``index`` edits are done, uint8 (H, W); ``labels`` are the present ones."""
        return moved(labels, self.edits, self.index, index)

    def mark_saved(self, last: Edit | None) -> None:
        """Take the state that an edit led to as saved."""
        self._saved = last
        self.changed.emit()

    def mark_unsaved(self) -> None:
        """Take the present state as one that no file holds."""
        self._saved = _nothing(Entry(Written("", 0, 0, np.zeros((1, 1), np.uint8))))
        self.changed.emit()

    def set_budget(self, budget: int) -> None:
        """Change how many bytes the edits may take."""
        self._budget = budget
        if self._keep_to_budget():
            self.changed.emit()

    def clear(self) -> None:
        """Forget all edits; what is there now counts as saved."""
        self.restore([], 0, [])

    def restore(self, edits: Sequence[Edit], index: int, dropped: Sequence[Entry]) -> None:
        """Take over a history whose first ``index`` edits the document holds; that state counts as saved."""
        self.edits, self.index, self.dropped = list(edits), index, list(dropped)
        self._nbytes = sum(edit.nbytes for edit in self.edits)
        self._base = _nothing(self.dropped[-1]) if self.dropped else None
        self._keep_to_budget()
        self._saved = self.last
        self.changed.emit()

    def _keep_to_budget(self) -> bool:
        """Give up the oldest edits, as far as they are done; returns whether any was."""
        count = 0
        while self._nbytes > self._budget and count < self.index - 1:
            self._nbytes -= self.edits[count].nbytes
            count += 1
        if count:
            self.dropped += [edit.entry for edit in self.edits[:count]]
            self._base = self.edits[count - 1]
            del self.edits[:count]
            self.index -= count
        return bool(count)


def _nothing(entry: Entry) -> Edit:
    """Return an edit that stands for one whose labels are no longer known."""
    return Edit.of(entry, EMPTY, np.zeros((0, 0), np.uint8), np.zeros((0, 0), np.uint8))
