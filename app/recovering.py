"""A window's part in keeping edits safe: what is edited is followed, and what another window lost is offered."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QDialog

from app.project import Project
from app.recoverable import Recoverable, recover, recoverable
from app.recovery import Autosave, RecoveryDialog
from engine.types import EngineError

if TYPE_CHECKING:
    from app.window import MainWindow


class Recovery(QObject):
    """Follows what a window edits, and offers edits that were never saved.

    Parameters
    ----------
    window
        Whose editor is followed.
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window, self._editor = window, window.editor
        self._instead_of: Recoverable | None = None
        editor = self._editor
        self.autosave = Autosave(editor.tasks, editor.history, editor.project, self)
        self.autosave.problem.connect(window.banner.show_problem)
        # A window that leaves no traces keeps no edits either.
        if not window.remembers:
            return
        editor.portrait_changed.connect(self._follow)
        editor.projects.saved.connect(lambda path: self.autosave.saved(path, editor.unsaved))
        for signal in (editor.style_changed, editor.look_changed):
            signal.connect(lambda: self.autosave.look_changed(editor.projects.unsaved))

    def offer(self, asked: bool = False) -> None:
        """Ask what to do with edits that were not saved, if there are any; says so if there are none but was asked."""
        sessions = recoverable()
        if not sessions:
            if asked:
                self._editor.notice.emit(self.tr("There is nothing to recover: all edits were saved or given up."))
            return
        dialog = RecoveryDialog(sessions, self._window)
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        if accepted and dialog.chosen is not None and self._window.commands.may_discard():
            self._recover(dialog.chosen)
        dialog.deleteLater()

    def close(self) -> None:
        """Follow no more: all is saved, or was given up."""
        self.autosave.close()

    def _recover(self, session: Recoverable) -> None:
        def was_read(project: Project | None, error: EngineError | None) -> None:
            if project is None or error is not None:
                self._editor.problem.emit(error)
                return
            self._instead_of = session
            self._editor.edit_project(project, session.file, unsaved=True)

        self._editor.tasks.run(lambda: recover(session), was_read)

    def _follow(self) -> None:
        instead, self._instead_of = self._instead_of, None
        self.autosave.portrait_opened(self._editor.projects.path, self._editor.unsaved, instead)
