"""A mask being edited: the document, its history, and the step that is being tried out."""

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.document import Edit, MaskDocument
from app.history import History
from engine.mask.steps import EMPTY, Protection, Step
from engine.types import LabelMap, Region


class MaskEditing(QObject):
    """What tools and panels do to the mask. Whoever renders it overrides `request_render`.

    Every change shows at once. Between `begin_step` and `end_step` a step is tried out: it can be revised as often as
    wanted, and is one edit of the history in the end. Its end asks for a render once more: what was rendered while it
    was tried out may be a draft.

    Attributes
    ----------
    document
        The mask; None while nothing is open.
    history
        Its edits.

    Signals
    -------
    mask_changed(Region)
        The document's labels changed inside a region.
    history_changed()
        An edit was made, undone, redone or saved.
    interrupted()
        The mask is about to change by other means than the tool that is trying a step out; a tool then finishes.
    """

    mask_changed = Signal(object)
    history_changed = Signal()
    interrupted = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document: MaskDocument | None = None
        self.history = History(self._apply, parent=self)
        self.history.changed.connect(self.history_changed)

    def request_render(self) -> None:
        """Ask for a render of the present state."""

    # Trying out

    def begin_step(self, step: Step) -> None:
        """Start to try a step out; it shows and renders at once."""
        if self.document is not None:
            self.end_step()
            self._touched(self.document.begin(step))

    def extend_step(self, step: Step) -> None:
        """Go on with a step that has gained pieces: see `MaskDocument.extend`."""
        if self.document is not None and self.document.trying is not None:
            self._touched(self.document.extend(step))

    def revise_step(self, step: Step) -> None:
        """Try another step out in place of the present one."""
        if self.document is not None and self.document.trying is not None:
            self._touched(self.document.revise(step))

    def end_step(self) -> Edit | None:
        """Put what is being tried out into the history; None if it changes nothing, or there is nothing."""
        if self.document is None or self.document.trying is None:
            return None
        edit = self.document.commit()
        if edit is not None:
            self.history.add(edit)
        self.request_render()
        return edit

    def cancel_step(self) -> None:
        """Take back what is being tried out."""
        if self.document is not None and self.document.trying is not None:
            self._touched(self.document.abort())

    def perform(self, step: Step) -> Edit | None:
        """Do a step; None if it changes nothing."""
        self.interrupted.emit()
        if self.document is None:
            return None
        self.end_step()
        region = self.document.begin(step)
        if not region.empty:
            self.mask_changed.emit(region)
        return self.end_step()

    # Whole masks

    def reset_mask(self) -> None:
        """Go back to the source mask, as one step of the history."""
        if self.document is not None:
            self.replace_mask(self.document.source, "Reset mask")

    def replace_mask(self, labels: LabelMap, name: str) -> None:
        """Write a whole mask, as one step of the history whose name is English: see `app.titles`."""
        self.interrupted.emit()
        self.cancel_step()
        if self.document is not None:
            edit = self.document.replace(labels, name)
            if edit is not None:
                self.history.add(edit)
                self._touched(edit.region)

    def set_protection(self, protection: Protection) -> None:
        """Choose which classes the next steps may change."""
        self.interrupted.emit()
        if self.document is not None:
            self.document.protection = protection

    # History

    def undo(self) -> None:
        """Undo one edit; a step that is being tried out is taken back instead."""
        self.jump(self.history.index - 1)

    def redo(self) -> None:
        """Redo one edit."""
        self.jump(self.history.index + 1)

    def jump(self, index: int) -> None:
        """Undo or redo until ``index`` edits of the history are done."""
        if self.document is None:
            return
        if self.document.trying is not None:
            # What hangs in the air is what a person means by the last thing done.
            undoing = index < self.history.index
            self.cancel_step()
            self.interrupted.emit()
            if undoing:
                return
        self.history.jump(index)

    @property
    def unsaved(self) -> bool:
        """Whether there are edits that no file holds."""
        return self.history.unsaved

    @property
    def last_edit(self) -> Edit | None:
        """The edit that leads to the present state."""
        return self.history.last

    def forget_unsaved(self) -> None:
        """Treat the present state as saved: the person does not want to keep the edits."""
        self.history.mark_saved(self.last_edit)

    def _apply(self, edits: Sequence[Edit], undo: bool) -> None:
        if self.document is not None:
            region = EMPTY
            for edit in edits:
                region = region.union(self.document.apply(edit, undo))
            self._touched(region)

    def _touched(self, region: Region) -> None:
        if not region.empty:
            self.mask_changed.emit(region)
            self.request_render()
