"""Files on their way to the disk."""

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEventLoop, QObject, Signal

from app.project import Project, save_project
from app.tasks import Tasks
from engine.files import save_mask, save_picture
from engine.photo import Patch, Photo, save_photo
from engine.session import Session
from engine.types import EngineError, LabelMap, Pixels, RenderRequest
from engine.worker import Worker


class Saving(QObject):
    """Renders what is exported on the engine thread, and writes it in the disk pool.

    Parameters
    ----------
    tasks, worker, session
        Whose threads do the work, and what renders.

    Signals
    -------
    progress(str)
        What takes long, in a few words; empty when it is over.
    saved(Path, object)
        A file is there; and what was handed over with it.
    remark(str)
        What the file could not hold.
    problem(EngineError)
        A file could not be written.
    """

    progress = Signal(str)
    saved = Signal(object, object)
    remark = Signal(str)
    problem = Signal(object)
    _file_done = Signal()

    def __init__(self, tasks: Tasks, worker: Worker, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._worker, self._session = tasks, worker, session
        self._writing = 0

    def picture(self, path: Path, photo: Photo | None, request: RenderRequest, quality: int, state: object) -> None:
        """Render a state of the portrait that the session has, and write it at its own resolution.

        Parameters
        ----------
        path
            The target.
        photo
            What the edit is laid into; None for a picture of its own.
        request
            The state.
        quality
            Of JPEG and WebP, 1 to 100.
        state
            Handed back with `saved`.
        """
        self.progress.emit(self.tr("Exporting…"))
        self._writing += 1

        def render() -> Patch | Pixels | None:
            return self._session.export(request) if photo is None else self._session.patch(request)

        def write(rendered: Any) -> tuple[str, ...]:
            if photo is not None:
                return save_photo(path, photo, rendered, quality)
            save_picture(path, rendered)
            return ()

        def was_rendered(rendered: Any, error: EngineError | None) -> None:
            if error is not None:
                self._written((), error, path, state)
                return
            self._tasks.run(lambda: write(rendered), lambda notes, failure: self._written(notes, failure, path, state))

        self._worker.call(render, self._tasks.expect(was_rendered))

    def mask(self, path: Path, labels: LabelMap, state: object) -> None:
        """Write a mask as an indexed PNG; the labels must not change meanwhile."""
        self._writing += 1
        self._tasks.run(lambda: save_mask(path, labels), lambda _, error: self._written((), error, path, state))

    def project(self, path: Path, project: Project, state: object) -> None:
        """Write a project."""
        self.progress.emit(self.tr("Saving…"))
        self._writing += 1
        self._tasks.run(lambda: save_project(path, project), lambda _, error: self._written((), error, path, state))

    def wait(self) -> None:
        """Let the window work until all files on their way to the disk are there, or have failed."""
        while self._writing:
            loop = QEventLoop()
            self._file_done.connect(loop.quit)
            loop.exec()

    def _written(self, notes: tuple[str, ...] | None, error: EngineError | None, path: Path, state: object) -> None:
        self._writing -= 1
        self.progress.emit("")
        if error is not None:
            self.problem.emit(error)
        else:
            self.saved.emit(path, state)
            if notes:
                self.remark.emit("\n".join(notes))
        self._file_done.emit()
