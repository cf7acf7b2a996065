"""What is asked of the engine's thread, and which of its answers are shown."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from app.tasks import Tasks
from app.titles import progress_text
from engine.generate import Backend, Device, Generator, GeneratorInfo
from engine.remote import load_remotely
from engine.session import Session
from engine.store import default_weights
from engine.types import EngineError, LabelMap, ModelError, Portrait, RenderRequest, RenderResult
from engine.worker import Worker

BUSY_AFTER_MS = 200
"""A render that takes longer than this shows the busy sign."""

Loader = Callable[[Callable[[str], None]], Generator]
"""Loads a generator on the engine thread; is given a function to tell its progress to."""


class Rendering(QObject):
    """Loads the model, asks it for renders, and hands on those that still matter.

    Parameters
    ----------
    tasks
        The way back from the engine's thread.

    Signals
    -------
    model_changed()
        `info` is new.
    progress(str)
        What takes long, in a few words; empty when it is over.
    notice(str)
        Something worth knowing.
    rendered(RenderResult)
        A picture to show: never one of another portrait or model, nor one older than what was handed on before, nor a
        draft of a state that was handed on exactly.
    busy_changed(bool)
        A render takes longer than `BUSY_AFTER_MS`, or no longer does.
    problem(EngineError)
        A render failed, or a model could not be loaded.
    recovered()
        Renders succeed again.
    """

    model_changed = Signal()
    progress = Signal(str)
    notice = Signal(str)
    rendered = Signal(object)
    busy_changed = Signal(bool)
    problem = Signal(object)
    recovered = Signal()
    _delivered = Signal(object)

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.info: GeneratorInfo | None = None
        self._tasks = tasks
        self._epoch = self._revision = self._settled = 0
        self._shown = (0, True)
        self._failing = False
        self._busy_timer = QTimer(self, singleShot=True, interval=BUSY_AFTER_MS)
        self._busy_timer.timeout.connect(lambda: self.busy_changed.emit(True))
        self._delivered.connect(self._show, Qt.ConnectionType.QueuedConnection)
        self.session = Session()
        self.worker = Worker(self.session.passes, self._delivered.emit, self.session.cancel)

    def load_model(self, load: Loader) -> None:
        """Load another generator; the old one stays in use if that fails."""
        self.progress.emit(self.tr("Loading the model…"))

        def job() -> GeneratorInfo:
            generator = load(lambda text: self.progress.emit(progress_text(text)))
            self.session.use(generator)
            return generator.info

        self.worker.call(job, self._tasks.expect(self._model_loaded))

    def load_weights(self, weights: Path, backend: Backend, device: Device) -> None:
        """Load a weight file's generator, or the shipped one if that fails while no model is in use yet."""
        first = self.info is None

        def load(progress: Callable[[str], None]) -> Generator:
            try:
                return load_remotely(weights, backend, device, progress)
            except ModelError as error:
                if not first or weights == default_weights():
                    raise
                self.problem.emit(error)
                return load_remotely(default_weights(), "auto", "auto", progress)

        self.load_model(load)

    def _model_loaded(self, info: GeneratorInfo | None, error: EngineError | None) -> None:
        self.progress.emit("")
        if error is not None or info is None:
            self.problem.emit(error)
            return
        self.info = info
        self.start_over()
        self.model_changed.emit()
        self._tell_why(info)

    def _look_at_model(self) -> None:
        """Tell of another back end or device that has taken over, because the one before has failed."""
        generator, before = self.session.generator, self.info
        if generator is None or before is None or generator.info.model_id != before.model_id:
            return
        self.info = now = generator.info
        if (now.backend, now.device, now.note) != (before.backend, before.device, before.note):
            self.model_changed.emit()
            self._tell_why(now)

    def _tell_why(self, info: GeneratorInfo) -> None:
        if info.note:
            self.notice.emit(self.tr("{0}; {1} on {2} is used.").format(info.note, info.backend, info.device))

    @property
    def pending(self) -> bool:
        """Whether the exact answer to the last request has not come yet."""
        return self._settled != self._revision

    def start_over(self) -> None:
        """Drop the renders that are on their way: they are of another portrait or model."""
        self._epoch += 1

    def state(
        self,
        labels: LabelMap,
        exemplar: Portrait | None,
        composite: bool = True,
        whole: bool = False,
        classes: tuple[int, ...] = (),
        moving: bool = False,
    ) -> RenderRequest:
        """Return a state to render; it owns a copy of the labels."""
        return RenderRequest(self._epoch, self._revision, labels.copy(), exemplar, composite, whole, classes, moving)

    def request(
        self,
        labels: LabelMap,
        exemplar: Portrait | None,
        composite: bool = True,
        whole: bool = False,
        classes: tuple[int, ...] = (),
        moving: bool = False,
    ) -> None:
        """Ask for a render of a state; it takes the place of one that waits."""
        self._revision += 1
        if not self._busy_timer.isActive():
            self._busy_timer.start(BUSY_AFTER_MS)
        self.worker.submit(self.state(labels, exemplar, composite, whole, classes, moving))

    def stop(self) -> None:
        """End the engine's thread."""
        self._busy_timer.stop()
        if self.worker.stop():
            self.session.close()

    @Slot(object)
    def _show(self, result: RenderResult) -> None:
        request, exact = result.request, not result.draft
        self._busy_timer.stop()
        self.busy_changed.emit(False)
        if request.revision != self._revision or not exact:
            # An exact render that waits for the hand to rest is not late.
            wait = 0.0 if exact or not request.moving else self.session.pause
            self._busy_timer.start(BUSY_AFTER_MS + round(wait * 1000))
        # Of a state that was shown exactly no draft counts, however late it comes.
        place = (request.revision, exact)
        if request.epoch != self._epoch or place <= self._shown:
            return
        self._shown = place
        self._look_at_model()
        if exact:
            self._settled = request.revision
        if result.error is not None:
            self._failing = True
            self.problem.emit(result.error)
        elif result.image is not None:
            # A draft does not tell whether the exact render will succeed.
            if self._failing and exact:
                self._failing = False
                self.recovered.emit()
            self.rendered.emit(result)
