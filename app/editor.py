"""The controller: the document and its history on one side, the engine's thread on the other."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.document import Edit, MaskDocument
from app.tasks import Tasks
from engine.files import read_mask, read_portrait, save_mask, save_picture
from engine.generate import Backend, Device, Generator, GeneratorInfo, load_generator
from engine.session import Session
from engine.store import default_weights
from engine.types import EngineError, LabelMap, ModelError, Pixels, Portrait, Region, RenderRequest, RenderResult
from engine.worker import Worker

BUSY_AFTER_MS = 200
"""A render that takes longer than this shows the busy sign."""

Loader = Callable[[Callable[[str], None]], Generator]
"""Loads a generator on the engine thread; is given a function to tell its progress to."""


class _EditCommand(QUndoCommand):
    """An edit in the history. The document already holds it when it is pushed."""

    def __init__(self, editor: "Editor", edit: Edit) -> None:
        super().__init__(edit.name)
        self._editor, self.edit = editor, edit
        self._pushed = False

    def redo(self) -> None:
        if self._pushed:
            self._editor.apply(self.edit, undo=False)
        self._pushed = True

    def undo(self) -> None:
        self._editor.apply(self.edit, undo=True)


class Editor(QObject):
    """One portrait being edited.

    Signals
    -------
    portrait_changed()
        Another portrait is open; `document` and `picture` are new.
    mask_changed(Region)
        The document's labels changed inside a region.
    picture_changed()
        `picture` shows a newer render.
    style_changed()
        `exemplar` is another.
    busy_changed(bool)
        A render takes longer than `BUSY_AFTER_MS`, or no longer does.
    history_changed()
        An edit was made, undone, redone or saved.
    rendered(RenderResult)
        A render was shown; for its timings.
    model_changed()
        `info` is new.
    progress(str)
        What takes long, in a few words; empty when it is over.
    notice(str)
        Something went well.
    problem(EngineError)
        Something went wrong.
    recovered()
        Renders succeed again.
    """

    portrait_changed = Signal()
    mask_changed = Signal(object)
    picture_changed = Signal()
    style_changed = Signal()
    busy_changed = Signal(bool)
    history_changed = Signal()
    rendered = Signal(object)
    model_changed = Signal()
    progress = Signal(str)
    notice = Signal(str)
    problem = Signal(object)
    recovered = Signal()
    _delivered = Signal(object)
    _file_done = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.portrait: Portrait | None = None
        self.document: MaskDocument | None = None
        self.exemplar: Portrait | None = None
        self.source: Pixels | None = None
        """The source picture at working resolution."""
        self.picture: Pixels | None = None
        """The last good render, at working resolution."""
        self.info: GeneratorInfo | None = None
        self.only_edit = True
        self.undo_stack = QUndoStack(self)
        self.undo_stack.indexChanged.connect(self.history_changed)
        self._session = Session()
        self._tasks = Tasks(self)
        self._epoch = self._revision = self._shown = 0
        self._saved: Edit | None = None
        self._writing = 0
        self._failing = False
        self._busy_timer = QTimer(self, singleShot=True, interval=BUSY_AFTER_MS)
        self._busy_timer.timeout.connect(lambda: self.busy_changed.emit(True))
        self._delivered.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self._worker = Worker(self._session.render, self._delivered.emit)

    # Model

    def load_model(self, load: Loader) -> None:
        """Load another generator; the old one stays in use if that fails."""
        self.progress.emit(self.tr("Loading the model…"))

        def job() -> GeneratorInfo:
            generator = load(self.progress.emit)
            self._session.use(generator)
            return generator.info

        self._worker.call(job, self._tasks.expect(self._model_loaded))

    def load_weights(self, weights: Path, backend: Backend = "auto", device: Device = "auto") -> None:
        """Load a weight file's generator on a back end and device.

        If that fails while no model is in use yet, the one that comes with Maskbrush takes its place.
        """
        first = self.info is None

        def load(progress: Callable[[str], None]) -> Generator:
            try:
                return load_generator(weights, backend, device, progress)
            except ModelError as error:
                if not first or weights == default_weights():
                    raise
                self.problem.emit(error)
                return load_generator(default_weights(), "auto", "auto", progress)

        self.load_model(load)

    def _model_loaded(self, info: GeneratorInfo | None, error: EngineError | None) -> None:
        self.progress.emit("")
        if error is not None or info is None:
            self.problem.emit(error)
            return
        self.info = info
        self._epoch += 1
        self.model_changed.emit()
        if info.note:
            self.notice.emit(self.tr("{0}; {1} on {2} is used.").format(info.note, info.backend, info.device))
        self.request_render()

    # Portraits and files

    def open_portrait(self, picture: Path, mask: Path | None = None) -> None:
        """Read a portrait and its mask, then edit it."""
        self._read(picture, mask, self.edit_portrait)

    def edit_portrait(self, portrait: Portrait) -> None:
        """Start to edit a portrait, in its own style."""
        self.portrait = portrait
        self.document = MaskDocument(portrait.labels)
        self.source = self.picture = portrait.view
        self.exemplar = None
        self.undo_stack.clear()
        self._saved = None
        self._epoch += 1
        self._worker.call(lambda: self._session.open(portrait), lambda value, error: None)
        self.portrait_changed.emit()
        self.style_changed.emit()
        self.request_render()

    def open_exemplar(self, picture: Path, mask: Path | None = None) -> None:
        """Read an exemplar and its mask, then take its style."""
        self._read(picture, mask, self.use_style)

    def _read(self, picture: Path, mask: Path | None, use: Callable[[Portrait], None]) -> None:
        def done(portrait: Portrait | None, error: EngineError | None) -> None:
            if error is not None or portrait is None:
                self.problem.emit(error)
            else:
                use(portrait)

        self._tasks.run(lambda: read_portrait(picture, mask), done)

    def use_style(self, exemplar: Portrait | None) -> None:
        """Render in an exemplar's style, or with None in the portrait's own."""
        self.exemplar = exemplar
        self.style_changed.emit()
        self.request_render()

    def set_only_edit(self, only_edit: bool) -> None:
        """Choose between the edit laid into the source and the raw render."""
        self.only_edit = only_edit
        self.request_render()

    def export_picture(self, path: Path) -> None:
        """Render at the portrait's own resolution and write it."""
        if self.document is None:
            self.problem.emit(EngineError(self.tr("There is nothing to export."), self.tr("Open a portrait first.")))
            return
        request, last = self._state(self.document), self._last_edit()
        self.progress.emit(self.tr("Exporting…"))
        self._writing += 1

        def rendered(pixels: Pixels | None, error: EngineError | None) -> None:
            if error is not None or pixels is None:
                self._written(error, path, last)
            else:
                self._tasks.run(
                    lambda: save_picture(path, pixels), lambda _, failure: self._written(failure, path, last)
                )

        self._worker.call(lambda: self._session.export(request), self._tasks.expect(rendered))

    def export_mask(self, path: Path) -> None:
        """Write the edited mask as an indexed PNG."""
        if self.document is None:
            self.problem.emit(EngineError(self.tr("There is no mask to save."), self.tr("Open a portrait first.")))
            return
        labels, last = self.document.labels.copy(), self._last_edit()
        self._writing += 1
        self._tasks.run(lambda: save_mask(path, labels), lambda _, error: self._written(error, path, last))

    def _written(self, error: EngineError | None, path: Path, last: Edit | None) -> None:
        self._writing -= 1
        self.progress.emit("")
        if error is not None:
            self.problem.emit(error)
        else:
            self._saved = last
            self.history_changed.emit()
            self.notice.emit(self.tr("Saved {0}").format(path))
        self._file_done.emit()

    @property
    def unsaved(self) -> bool:
        """Whether there are edits that neither an exported picture nor a saved mask holds."""
        return self._last_edit() is not self._saved

    def forget_unsaved(self) -> None:
        """Treat the present state as saved: the person does not want to keep the edits."""
        self._saved = self._last_edit()
        self.history_changed.emit()

    def _last_edit(self) -> Edit | None:
        # The edit itself, not its place in the history, which another edit can take after an undo.
        index = self.undo_stack.index()
        command = self.undo_stack.command(index - 1) if index else None
        return command.edit if isinstance(command, _EditCommand) else None

    # Painting

    def begin_stroke(self, label: int, radius: float, x: float, y: float) -> None:
        """Start a stroke at a point in mask pixels; it shows and renders at once."""
        if self.document is not None:
            self._touched(self.document.begin(label, radius, x, y))

    def extend_stroke(self, x: float, y: float) -> None:
        """Go on with the stroke."""
        if self.document is not None and self.document.painting:
            self._touched(self.document.extend(x, y))

    def end_stroke(self) -> None:
        """Put the stroke into the history."""
        if self.document is not None and self.document.painting:
            self._record(self.document.commit())

    def cancel_stroke(self) -> None:
        """Take the stroke back."""
        if self.document is not None and self.document.painting:
            self._touched(self.document.abort())

    def reset_mask(self) -> None:
        """Go back to the source mask, as one step of the history."""
        if self.document is not None:
            self._replace(self.document, self.document.source, self.tr("Reset mask"))

    def open_mask(self, path: Path) -> None:
        """Replace the edited mask by a file's, as one step of the history."""
        portrait = self.portrait
        if portrait is None:
            self.problem.emit(EngineError(self.tr("A mask needs its picture."), self.tr("Open a portrait first.")))
            return
        height, width = portrait.pixels.shape[:2]

        def done(labels: LabelMap | None, error: EngineError | None) -> None:
            if error is not None or labels is None:
                self.problem.emit(error)
            elif self.document is not None and portrait is self.portrait:
                self._replace(self.document, labels, self.tr("Load mask"))

        self._tasks.run(lambda: read_mask(path, height, width), done)

    def apply(self, edit: Edit, undo: bool) -> None:
        """Undo or redo an edit."""
        if self.document is not None:
            self.cancel_stroke()
            self._touched(self.document.apply(edit, undo))

    def _replace(self, document: MaskDocument, labels: LabelMap, name: str) -> None:
        self.cancel_stroke()
        edit = document.replace(labels, name)
        if edit is not None:
            self._record(edit)
            self._touched(edit.region)

    def _record(self, edit: Edit | None) -> None:
        if edit is not None:
            self.undo_stack.push(_EditCommand(self, edit))

    def _touched(self, region: Region) -> None:
        if not region.empty:
            self.mask_changed.emit(region)
            self.request_render()

    # Rendering

    @property
    def pending(self) -> bool:
        """Whether the last request has not been shown yet, or files or models are still on their way."""
        return self._shown != self._revision or self._tasks.pending > 0

    def request_render(self) -> None:
        """Ask for a render of the present state."""
        if self.info is None or self.document is None:
            return
        self._revision += 1
        if not self._busy_timer.isActive():
            self._busy_timer.start()
        self._worker.submit(self._state(self.document))

    def _state(self, document: MaskDocument) -> RenderRequest:
        return RenderRequest(self._epoch, self._revision, document.labels.copy(), self.exemplar, self.only_edit)

    @Slot(object)
    def _show(self, result: RenderResult) -> None:
        request = result.request
        self._busy_timer.stop()
        self.busy_changed.emit(False)
        if request.revision != self._revision:
            self._busy_timer.start()
        if request.epoch != self._epoch or request.revision <= self._shown:
            return
        self._shown = request.revision
        if result.error is not None:
            self._failing = True
            self.problem.emit(result.error)
        elif result.image is not None:
            if self._failing:
                self._failing = False
                self.recovered.emit()
            self.picture = result.image
            self.picture_changed.emit()
            self.rendered.emit(result)

    def wait_for_files(self) -> None:
        """Let the window work until all files on their way to the disk are there, or have failed."""
        while self._writing:
            loop = QEventLoop()
            self._file_done.connect(loop.quit)
            loop.exec()

    def shutdown(self) -> None:
        """End all threads; files on their way to the disk arrive there first."""
        self.wait_for_files()
        self._busy_timer.stop()
        self._tasks.stop()
        if self._worker.stop():
            self._session.close()
