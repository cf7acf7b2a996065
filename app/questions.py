"""The page that asks for a face, and what becomes of the answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.align_page import AlignPage
from app.editor import Editor
from engine.align import Face, Points
from engine.photo import Photo


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What is asked about: a photo, its faces, and whether the present edits are carried over to the answer."""

    photo: Photo
    faces: Sequence[Face]
    carry: bool


class Questions(QObject):
    """Asks for a face when a photo does not tell which one, or when another crop is wanted.

    Signals
    -------
    asked()
        The page has something to show.
    over()
        There is nothing to ask any more.
    """

    asked = Signal()
    over = Signal()

    def __init__(self, editor: Editor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.page = AlignPage()
        self._editor = editor
        self._question: _Question | None = None
        editor.opening.faces_found.connect(self._choose)
        editor.opening.alignment_needed.connect(self._adjust)
        # While a face is being labelled nothing can be answered; if that fails, it can again.
        editor.opening.told.connect(self._set_busy)
        editor.portrait_changed.connect(self._end)
        self.page.accepted.connect(self._answer)
        self.page.cancelled.connect(self._end)

    @property
    def open(self) -> bool:
        """Whether something is asked."""
        return self._question is not None

    def _choose(self, photo: Photo, faces: Sequence[Face]) -> None:
        self._question = _Question(photo, faces, carry=False)
        self.page.choose(photo.pixels, faces)
        self.asked.emit()

    def _adjust(self, photo: Photo, points: Points, reason: str) -> None:
        present = self._editor.portrait
        self._question = _Question(photo, (), carry=present is not None and present.photo is photo)
        self.page.adjust(photo.pixels, points, reason)
        self.asked.emit()

    def _set_busy(self, doing: str) -> None:
        self.page.setEnabled(not doing)
        if not doing and self.open:
            self.page.photo.setFocus()

    def _answer(self, points: Points) -> None:
        if self._question is not None:
            self._editor.use_face(self._question.photo, points, self._question.faces, self._question.carry)

    def _end(self) -> None:
        if self._question is not None:
            self._question = None
            self.over.emit()
