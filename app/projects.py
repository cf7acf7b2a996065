"""The project file that a portrait belongs to: opened, saved, and whether it holds what is on the screen."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, Signal

from app.document import Edit
from app.project import Project, read_project
from app.saving import Saving
from app.tasks import Tasks
from engine.types import EngineError, Portrait

if TYPE_CHECKING:
    from app.editor import Editor


class _Saved(NamedTuple):
    """What a project file holds: a portrait in some look, after some edit."""

    portrait: Portrait
    look: object
    edit: Edit | None


class Projects(QObject):
    """Opens and saves an editor's projects.

    Parameters
    ----------
    editor
        What is edited.
    tasks, saving
        What reads and writes files.

    Attributes
    ----------
    path
        The file that holds the portrait; None where it is in none.

    Signals
    -------
    saved(Path)
        A file holds the present state.
    """

    saved = Signal(object)

    def __init__(self, editor: "Editor", tasks: Tasks, saving: Saving) -> None:
        super().__init__(editor)
        self.path: Path | None = None
        self._editor, self._tasks, self._saving = editor, tasks, saving
        self._saved_look: object = None
        self._wanted: object = None

    @property
    def unsaved(self) -> bool:
        """Whether the file holds another look: style, or what is laid into the source."""
        return self.path is not None and self._look != self._saved_look

    def open(self, path: Path) -> None:
        """Read a project, then go on with it, unless something else is opened meanwhile."""
        editor = self._editor
        editor.opening.cancel()
        editor.progress.emit(self.tr("Opening…"))
        self._wanted = wanted = object()

        def was_read(project: Project | None, error: EngineError | None) -> None:
            if wanted is not self._wanted:
                return
            editor.progress.emit("")
            if project is None or error is not None:
                editor.problem.emit(error)
            elif editor.may_replace():
                editor.opening.file_read.emit(path)
                editor.edit_project(project, path)

        self._tasks.run(lambda: read_project(path), was_read)

    def save(self, path: Path) -> None:
        """Write the portrait, its mask and its history into a file."""
        project = self._editor.project()
        if project is None:
            hint = self.tr("Open a photo first.")
            self._editor.problem.emit(EngineError(self.tr("There is nothing to save."), hint))
            return
        self._saving.project(path, project, _Saved(project.portrait, self._look, self._editor.last_edit))

    def use(self, path: Path | None) -> None:
        """Take note that what is edited now comes from a file, or from none; it counts as saved."""
        self._wanted = None
        self.path, self._saved_look = path, self._look

    def forget_unsaved(self) -> None:
        """Treat the present look as saved."""
        self._saved_look = self._look

    def was_written(self, path: Path, state: object) -> None:
        """Take note of what a file that was written holds: a project, or what led to the state that it shows."""
        history = self._editor.history
        if not isinstance(state, _Saved):
            # A picture or a mask does not hold what a project does; without a project it is all that was wanted.
            if self.path is None and isinstance(state, Edit | None):
                history.mark_saved(state)
        elif state.portrait is self._editor.portrait:
            self.path, self._saved_look = path, state.look
            history.mark_saved(state.edit)
            self.saved.emit(path)

    @property
    def _look(self) -> object:
        editor = self._editor
        return editor.exemplar and editor.exemplar.digest, editor.style_classes, editor.only_edit
