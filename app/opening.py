"""From a file or a picture to a portrait, away from the interface's thread: read, find the faces, cut out and label.

Portraits and exemplars are opened independently of each other; of each, the newest opening alone counts.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.project_files import kept
from app.reading import KeptReader, MakeReader
from app.tasks import Tasks
from app.titles import progress_text
from engine.align import Face, Points, alignment_of, points_in, whole_frame
from engine.files import find_mask
from engine.generate import Device
from engine.parse import ParserInfo
from engine.photo import Photo, photo_of, read_photo
from engine.reader import Progress, with_mask
from engine.types import Alignment, CancelledError, EngineError, ImageError, MaskError, Portrait


@dataclass(eq=False)
class _Job:
    """One opening.

    Attributes
    ----------
    kind
        What is opened.
    name
        The file's, for messages.
    faces
        The faces of its photo that are known already.
    carry
        Whether the present portrait's edits are to be carried over.
    text
        What is being done.
    dropped
        Set, for the photo thread, once nobody wants the outcome any more.
    """

    kind: Literal["portrait", "exemplar"]
    name: str
    faces: Sequence[Face] = ()
    carry: bool = False
    text: str = ""
    dropped: threading.Event = field(default_factory=threading.Event)


class Opening(QObject):
    """Opens portraits and exemplars.

    Parameters
    ----------
    tasks
        Whose threads do the work.
    make_reader
        Called on the photo thread when the first photo without a mask is opened.

    Signals
    -------
    told(str)
        What is being done, in a few words; empty when nothing is on its way any more.
    file_read(Path)
        A file that is to be edited could be read.
    faces_found(Photo, list of Face)
        There are several faces: `cut_out` goes on with one of them.
    alignment_needed(Photo, Points, str)
        No face was found: `cut_out` goes on with the points that a person puts into place; typical ones are given, and
        the reason for asking.
    portrait_ready(Portrait, list of Face, bool)
        A portrait to edit, the faces of its photo, and whether edits are to be carried over to it.
    exemplar_ready(Portrait)
        A portrait whose style to take.
    parser_changed(ParserInfo)
        A face parser was loaded.
    parser_progress(str)
        What takes long while another one is loaded, in a few words; empty when it is over.
    notice(str)
        Something worth knowing.
    problem(EngineError)
        An opening failed.
    """

    told = Signal(str)
    file_read = Signal(object)
    faces_found = Signal(object, object)
    alignment_needed = Signal(object, object, str)
    portrait_ready = Signal(object, object, bool)
    exemplar_ready = Signal(object)
    parser_changed = Signal(object)
    parser_progress = Signal(str)
    notice = Signal(str)
    problem = Signal(object)
    _from_thread = Signal(object)

    def __init__(self, tasks: Tasks, make_reader: MakeReader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._jobs: dict[str, _Job] = {}
        self._from_thread.connect(self._call, Qt.ConnectionType.QueuedConnection)
        self._kept = KeptReader(
            make_reader,
            lambda info: self._from_thread.emit(lambda: self.parser_changed.emit(info)),
            lambda error: self._from_thread.emit(lambda: self.problem.emit(error)),
        )

    @property
    def active(self) -> bool:
        """Whether something is being opened."""
        return bool(self._jobs)

    @property
    def parser(self) -> Path | None:
        """The face parser's weight file; None for the one that is shipped."""
        return self._kept.weights

    # What to open

    def open_file(self, picture: Path, mask: Path | None = None) -> None:
        """Open a picture to edit, with its mask if there is one, else by its faces."""
        self._read(self._begin(_Job("portrait", picture.name), self._reading(picture.name)), picture, mask)

    def open_exemplar(self, picture: Path, mask: Path | None = None) -> None:
        """Open a picture as an exemplar, with its mask if there is one, else by its largest face."""
        self._read(self._begin(_Job("exemplar", picture.name), self._reading(picture.name)), picture, mask)

    def open_image(self, image: Image.Image, name: str, exemplar: bool = False) -> None:
        """Open a picture in memory by its faces, to edit it or as an exemplar."""
        job = self._begin(_Job("exemplar" if exemplar else "portrait", name), self._reading(name))
        self._run(job, self._tasks.run, lambda: kept(photo_of(image, name)), lambda photo: self._look(job, photo))

    def cut_out(self, photo: Photo, points: Points, faces: Sequence[Face] = (), carry: bool = False) -> None:
        """Go on with a face of a photo, by its right eye, left eye and mouth.

        Parameters
        ----------
        photo, points
            The photo, and the points in it.
        faces
            All faces of the photo that are known, to be handed on.
        carry
            To be handed on.
        """
        job = self._begin(_Job("portrait", photo.name, faces, carry), self.tr("Labelling the face…"))

        def work() -> Portrait:
            try:
                alignment = alignment_of(points)
            except ValueError as error:
                raise ImageError("The points lie too close together.", "Move them apart.") from error
            return self._cut(job, photo, alignment)

        self._run(job, self._tasks.run_photo, work, lambda portrait: self._ready(job, portrait))

    def cancel(self) -> None:
        """Give up all that is being opened."""
        for job in list(self._jobs.values()):
            self._drop(job)

    def cancel_exemplar(self) -> None:
        """Give up the exemplar that is being opened."""
        if job := self._jobs.get("exemplar"):
            self._drop(job)

    # What opens it

    def use_device(self, device: Device) -> None:
        """Let the networks run on another device from now on."""
        self._kept.device = device

    def remember_parser(self, weights: Path | None) -> None:
        """Use a face parser as soon as one is needed; if it cannot be loaded then, the shipped one takes its place."""
        self._kept.weights = weights

    def use_parser(self, weights: Path | None) -> None:
        """Load another face parser now, None for the shipped one; the old one stays if that fails."""
        self.parser_progress.emit(self.tr("Loading the face parser…"))

        def tell(text: str) -> None:
            self._from_thread.emit(lambda: self.parser_progress.emit(progress_text(text)))

        def loaded(info: ParserInfo | None, error: EngineError | None) -> None:
            self.parser_progress.emit("")
            if error is not None or info is None:
                self.problem.emit(error)
                return
            self.notice.emit(self.tr("{0} labels the photos that you open from now on.").format(info.title))
            self.parser_changed.emit(info)

        self._tasks.run_photo(lambda: self._kept.use_parser(weights, tell), loaded)

    def stop(self) -> None:
        """Give up what is being opened, and let the photo thread free its networks as its last job."""
        self.cancel()
        self._tasks.run_photo(self._kept.close, lambda value, error: None)

    # Jobs

    def _begin(self, job: _Job, text: str) -> _Job:
        if older := self._jobs.pop(job.kind, None):
            older.dropped.set()
        self._jobs[job.kind] = job
        self._progress(job, text)
        return job

    def _reading(self, name: str) -> str:
        return self.tr("Reading {0}…").format(name)

    def _end(self, job: _Job) -> None:
        del self._jobs[job.kind]
        self._tell()

    def _drop(self, job: _Job) -> None:
        job.dropped.set()
        self._end(job)

    def _progress(self, job: _Job, text: str) -> None:
        if self._jobs.get(job.kind) is job:
            job.text = text
            self._tell()

    def _tell(self) -> None:
        self.told.emit(next((job.text for job in reversed(self._jobs.values())), ""))

    def _run(
        self,
        job: _Job,
        runner: Callable[[Callable[[], Any], Callable[[Any, EngineError | None], None]], None],
        work: Callable[[], Any],
        then: Callable[[Any], None],
    ) -> None:
        """Do work of a job on a thread, then go on here, unless it is not wanted any more."""

        def wanted() -> Any:
            if job.dropped.is_set():
                raise CancelledError
            return work()

        def done(value: Any, error: EngineError | None) -> None:
            if self._jobs.get(job.kind) is not job:
                return
            if error is None:
                then(value)
                return
            self._end(job)
            if not isinstance(error, CancelledError):
                self.problem.emit(error)

        runner(wanted, done)

    @Slot(object)
    def _call(self, function: Callable[[], None]) -> None:
        function()

    # Steps

    def _read(self, job: _Job, picture: Path, mask: Path | None) -> None:
        def work() -> tuple[Photo, Portrait | None, str]:
            photo, own = read_photo(picture, keep=True), mask or find_mask(picture)
            try:
                return photo, with_mask(photo, own) if own else None, ""
            except MaskError as error:
                if mask is not None:
                    raise
                # A file that happens to be called so must not keep the photo from being opened.
                return photo, None, error.message

        def was_read(outcome: tuple[Photo, Portrait | None, str]) -> None:
            photo, portrait, note = outcome
            if note:
                self.notice.emit(self.tr("The mask beside {0} is not used: {1}").format(picture.name, note))
            if job.kind == "portrait":
                self.file_read.emit(picture)
            if portrait is None:
                self._look(job, photo)
            else:
                self._ready(job, portrait)

        self._run(job, self._tasks.run, work, was_read)

    def _look(self, job: _Job, photo: Photo) -> None:
        """Find the faces, and cut one out where there is no question which."""

        def work() -> tuple[list[Face], Portrait | None]:
            tell, dropped = self._teller(job), job.dropped.is_set
            faces = self._kept.get(tell).faces(photo, tell, dropped)
            clear = len(faces) == 1 or (faces and job.kind == "exemplar")
            return faces, self._cut(job, photo, faces[0].alignment) if clear else None

        def found(outcome: tuple[list[Face], Portrait | None]) -> None:
            job.faces, portrait = outcome
            if portrait is not None:
                self._ready(job, portrait)
                return
            self._end(job)
            if job.kind == "exemplar":
                message = self.tr("No face was found in {0}.").format(job.name)
                hint = self.tr("Choose another exemplar, on which a face is seen from the front.")
                self.problem.emit(ImageError(message, hint))
            elif job.faces:
                self.faces_found.emit(photo, job.faces)
            else:
                points = points_in(whole_frame(*photo.pixels.shape[:2]))
                self.alignment_needed.emit(photo, points, self.tr("No face was found."))

        self._run(job, self._tasks.run_photo, work, found)

    def _ready(self, job: _Job, portrait: Portrait) -> None:
        self._end(job)
        if job.kind == "portrait":
            self.portrait_ready.emit(portrait, list(job.faces), job.carry)
            return
        if len(job.faces) > 1:
            self.notice.emit(self.tr("{0} faces in {1}: the largest is used.").format(len(job.faces), job.name))
        self.exemplar_ready.emit(portrait)

    # On the photo thread

    def _cut(self, job: _Job, photo: Photo, alignment: Alignment) -> Portrait:
        tell = self._teller(job)
        return self._kept.get(tell).portrait(photo, alignment, tell, job.dropped.is_set)

    def _teller(self, job: _Job) -> Progress:
        return lambda text: self._from_thread.emit(lambda: self._progress(job, progress_text(text)))
