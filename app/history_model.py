"""The history as rows: what it was before the first step, then each step with a picture of what it changed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QImage

from app.document import Edit
from app.titles import step_title
from engine.types import LabelMap
from resources.labels import palette

if TYPE_CHECKING:
    from app.history import History

STATE = Qt.ItemDataRole.UserRole
"""The role of a row's `RowState`."""

_FAINT = 64
"""The opacity of what did not change, 0..255."""
_CLOSEST = 12
"""A picture shows at least so many mask pixels across: a dot stays a dot."""
_KEPT = 400
"""How many pictures are kept."""

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row shows.

    Attributes
    ----------
    number
        The step's number, from 1, of all that were ever done; of the first row, how many steps came before.
    first
        Whether it is the row of what was there before the steps.
    done
        Whether it is not undone.
    current
        Whether the mask is as it was after this step.
    compared
        Whether it is compared with the present.
    """

    number: int
    first: bool
    done: bool
    current: bool
    compared: bool


class HistoryModel(QAbstractListModel):
    """Follows a history. Row ``i`` is the state in which ``i`` of its edits are done.

    Signals
    -------
    compared_lost()
        The state that was compared with can no longer be reached.
    """

    compared_lost = Signal()

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._edits: list[Edit] = []
        self._dropped = self._index = 0
        self._compared = -1
        self._patterned = False
        self._pictures: OrderedDict[Edit, QImage] = OrderedDict()
        history.changed.connect(self._follow)
        self._follow()

    @property
    def index_of_now(self) -> int:
        """The row of the present state."""
        return self._index

    @property
    def compared(self) -> int:
        """The row that is compared with the present; -1 for none."""
        return self._compared

    @property
    def steps(self) -> int:
        """How many steps are listed."""
        return len(self._edits)

    @property
    def earlier(self) -> int:
        """How many older ones are not, for want of memory."""
        return self._dropped

    def set_compared(self, row: int) -> None:
        """Mark the row that is compared with the present; -1 for none."""
        former, self._compared = self._compared, row if 0 <= row <= self.steps else -1
        for each in {former, self._compared} - {-1}:
            self._changed(each, each)

    def set_colour_blind_safe(self, safe: bool) -> None:
        """Show the classes in one palette or the other."""
        if safe != self._patterned:
            self._patterned = safe
            self._pictures.clear()
            self._changed(0, self.steps)

    def title(self, row: int) -> str:
        """Return what a step did."""
        if row:
            return step_title(self._edits[row - 1].title)
        if not self._dropped:
            return self.tr("Original")
        return self.tr("1 earlier step") if self._dropped == 1 else self.tr("{0} earlier steps").format(self._dropped)

    def state(self, row: int) -> RowState:
        """Return what a row shows."""
        return RowState(self._dropped + row, not row, row <= self._index, row == self._index, row == self._compared)

    def picture(self, row: int, side: int) -> QImage | None:
        """Return what a step changed, ``side`` screen pixels wide and high; None for the first row."""
        if not row:
            return None
        edit = self._edits[row - 1]
        picture = self._pictures.get(edit)
        if picture is None or picture.width() != side:
            pixels = change_picture(edit.before, edit.after, side, self._patterned)
            form = QImage.Format.Format_RGBA8888_Premultiplied
            picture = QImage(pixels.tobytes(), side, side, 4 * side, form).copy()
            self._pictures[edit] = picture
            if len(self._pictures) > _KEPT:
                self._pictures.popitem(last=False)
        self._pictures.move_to_end(edit)
        return picture

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else 1 + self.steps

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = index.row()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.title(row)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{self.title(row)}, {self.remark(row)}" if self.remark(row) else self.title(row)
            case Qt.ItemDataRole.UserRole:
                return self.state(row)
        return None

    def remark(self, row: int) -> str:
        """Return what is to be said of a row beside its title; may be empty."""
        state = self.state(row)
        words = []
        if not state.first:
            words.append(self.tr("step {0}").format(state.number))
        elif self._dropped:
            words.append(self.tr("memory is used up"))
        if not state.done:
            words.append(self.tr("undone"))
        if state.current:
            words.append(self.tr("now"))
        if state.compared:
            words.append(self.tr("compared"))
        return ", ".join(words)

    def _follow(self) -> None:
        """Bring the rows up to date; those that stay keep what hangs on them."""
        new, compared = self._history.edits, self._compared
        gone = self._given_up(new)
        if gone:
            # State 0 is now what row `gone` was, under another title.
            self._remove(1, gone)
            self._compared = self._compared - gone if self._compared > gone else -1
        kept = next((i for i, (old, edit) in enumerate(zip(self._edits, new, strict=False)) if old is not edit), None)
        kept = min(len(self._edits), len(new)) if kept is None else kept
        if kept < len(self._edits):
            self._remove(kept + 1, len(self._edits))
            self._compared = self._compared if self._compared <= kept else -1
        if kept < len(new):
            self.beginInsertRows(QModelIndex(), kept + 1, len(new))
            self._edits += new[kept:]
            self.endInsertRows()
        former = self._index
        self._index = self._history.index
        if len(self._history.dropped) != self._dropped:
            # Every number and every title of the first row depends on it.
            self._dropped = len(self._history.dropped)
            self._changed(0, self.steps)
        elif self._index != former:
            self._changed(min(former, self._index, self.steps), min(max(former, self._index), self.steps))
        if compared >= 0 > self._compared:
            self.compared_lost.emit()

    def _given_up(self, new: list[Edit]) -> int:
        """Return how many of the oldest rows are gone while later ones stay."""
        if not new or not self._edits or self._edits[0] is new[0]:
            return 0
        return next((place for place, edit in enumerate(self._edits) if edit is new[0]), 0)

    def _remove(self, first: int, last: int) -> None:
        self.beginRemoveRows(QModelIndex(), first, last)
        for edit in self._edits[first - 1 : last]:
            # Not kept alive by its picture.
            self._pictures.pop(edit, None)
        del self._edits[first - 1 : last]
        self.endRemoveRows()

    def _changed(self, first: int, last: int) -> None:
        self.dataChanged.emit(self.index(first), self.index(last))


def change_picture(before: LabelMap, after: LabelMap, side: int, patterned: bool = False) -> NDArray[np.uint8]:
    """Return what a step made of a rectangle of the mask: what changed in full colour, the rest faint.

    Parameters
    ----------
    before, after
        uint8 (h, w), ids 0..18, not empty.
    side
        Of the picture. The rectangle lies in its middle, as large as fits; small ones are enlarged only so far.
    patterned
        Whether the colour-blind-safe palette is used.

    Returns
    -------
    ndarray
        uint8 (side, side, 4), RGBA, colours multiplied by the opacity.
    """
    height, width = after.shape
    colours = palette(patterned)
    table = np.empty((2, len(colours), 4), np.uint8)
    for row, opacity in zip(table, (_FAINT, 255), strict=True):
        row[:, :3], row[:, 3] = colours * (opacity / 255), opacity
    pixels = table.reshape(-1, 4)[after + (before != after) * np.uint8(len(colours))]
    scale = side / max(height, width, _CLOSEST)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
    pixels = np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
    result = np.zeros((side, side, 4), np.uint8)
    y, x = (side - size[1]) // 2, (side - size[0]) // 2
    result[y : y + size[1], x : x + size[0]] = pixels
    return result
