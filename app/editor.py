"""The controller: the document and its history on one side, the engine's thread on the other."""

from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QObject, Signal

from app.carry import carried
from app.document import MaskDocument
from app.mask_editing import MaskEditing
from app.opening import MakeReader, Opening
from app.project import Project
from app.projects import Projects
from app.rendering import Loader, Rendering
from app.saving import Saving
from app.tasks import Tasks
from engine.align import Face, Points, points_in, whole_frame
from engine.files import read_mask
from engine.generate import Backend, Device, GeneratorInfo
from engine.photo import Photo
from engine.reader import PhotoReader
from engine.types import EngineError, LabelMap, Pixels, Portrait, RenderResult


class Editor(MaskEditing):
    """One portrait being edited.

    Parameters
    ----------
    make_reader
        Makes what finds and labels faces.

    Signals
    -------
    portrait_changed()
        Another portrait is open; `document`, `source` and `picture` are new.
    picture_changed()
        `picture` shows a newer render.
    look_changed()
        `only_edit` is another.
    frame_changed()
        `source` and `picture` show the whole photo instead of the crop, or the other way round.
    style_changed()
        `exemplar` is another.
    busy_changed(bool)
        A render takes longer than `BUSY_AFTER_MS`, or no longer does.
    rendered(RenderResult)
        A render was shown; for its timings.
    model_changed()
        `info` is new.
    progress(str)
        What takes long, in a few words; empty when it is over.
    notice(str)
        Something went well.
    remark(str)
        Something that a person should read, though nothing went wrong.
    problem(EngineError)
        Something went wrong.
    recovered()
        Renders succeed again.
    """

    portrait_changed = Signal()
    picture_changed = Signal()
    look_changed = Signal()
    frame_changed = Signal()
    style_changed = Signal()
    busy_changed = Signal(bool)
    rendered = Signal(object)
    model_changed = Signal()
    progress = Signal(str)
    notice = Signal(str)
    remark = Signal(str)
    problem = Signal(object)
    recovered = Signal()

    def __init__(self, parent: QObject | None = None, make_reader: MakeReader = PhotoReader) -> None:
        super().__init__(parent)
        self.portrait: Portrait | None = None
        self.exemplar: Portrait | None = None
        self.style_classes: tuple[int, ...] = ()
        """The ids of the classes that take its style; empty for the whole face."""
        self.faces: Sequence[Face] = ()
        """What was found in the portrait's photo."""
        self.picture: Pixels | None = None
        """The last good render, of the crop or of the whole photo; while the hand moves, a draft."""
        self.only_edit = True
        self.may_replace: Callable[[], bool] = lambda: True
        """Asked before a portrait that was opened takes the place of the present one."""
        self._whole = False
        self._last_shown: dict[bool, Pixels] = {}
        self.tasks = Tasks(self)
        self._rendering = rendering = Rendering(self.tasks, self)
        self.opening = opening = Opening(self.tasks, make_reader, self)
        self._saving = saving = Saving(self.tasks, rendering.worker, rendering.session, self)
        self.projects = Projects(self, self.tasks, saving)
        rendering.model_changed.connect(self._use_model)
        rendering.progress.connect(self.progress)
        rendering.notice.connect(self.notice)
        rendering.rendered.connect(self._show)
        rendering.busy_changed.connect(self.busy_changed)
        rendering.recovered.connect(self.recovered)
        opening.portrait_ready.connect(self._use_portrait)
        opening.exemplar_ready.connect(self._use_exemplar)
        opening.notice.connect(self.notice)
        opening.parser_progress.connect(self.progress)
        saving.progress.connect(self.progress)
        saving.remark.connect(self.remark)
        saving.saved.connect(self._file_saved)
        for part in (rendering, opening, saving):
            part.problem.connect(self.problem)

    # Models

    @property
    def info(self) -> GeneratorInfo | None:
        """What is known of the generator; None until one is loaded."""
        return self._rendering.info

    def load_model(self, load: Loader) -> None:
        """Load another generator; the old one stays in use if that fails."""
        self._rendering.load_model(load)

    def load_weights(self, weights: Path, backend: Backend = "auto", device: Device = "auto") -> None:
        """Load a weight file's generator on a back end and device; photos are looked at on the same device.

        If that fails while no model is in use yet, the one that comes with Maskbrush takes its place.
        """
        self.opening.use_device(device)
        self._rendering.load_weights(weights, backend, device)

    def use_parser(self, weights: Path | None) -> None:
        """Load another face parser, None for the shipped one; the old one stays in use if that fails."""
        self.opening.use_parser(weights)

    # Portraits

    def open_portrait(self, picture: Path, mask: Path | None = None) -> None:
        """Read a photo, then edit it: the whole of it if it has a mask, given or beside it, else a face in it."""
        self.opening.open_file(picture, mask)

    def open_image(self, image: Image.Image, name: str) -> None:
        """Edit a face in a picture in memory."""
        self.opening.open_image(image, name)

    def cancel_opening(self) -> None:
        """Give up what is being opened; the present portrait stays."""
        self.opening.cancel()

    def use_face(self, photo: Photo, points: Points, faces: Sequence[Face] = (), carry: bool = False) -> None:
        """Cut a face out of a photo and edit it; ``carry`` brings the edits of the photo's present crop along."""
        self.opening.cut_out(photo, points, faces, carry)

    def choose_face(self) -> None:
        """Ask once more which of the photo's faces to edit."""
        if self.portrait is not None and self.portrait.photo is not None and self.faces:
            self.opening.faces_found.emit(self.portrait.photo, self.faces)

    def adjust_alignment(self) -> None:
        """Ask for another crop of the photo that is being edited."""
        if self.portrait is None or self.portrait.photo is None:
            return
        photo, alignment, reason = self.portrait.photo, self.portrait.alignment, ""
        if alignment is None:
            alignment = whole_frame(*photo.pixels.shape[:2])
            reason = self.tr("The mask of the whole picture will be replaced by the mask of the face in this crop.")
        self.opening.alignment_needed.emit(photo, points_in(alignment), reason)

    def edit_portrait(self, portrait: Portrait, faces: Sequence[Face] = (), exemplar: Portrait | None = None) -> None:
        """Start to edit a portrait, in its own style or an exemplar's; ``faces`` are all those in its photo."""
        self._edit(Project(portrait, portrait.labels, exemplar=exemplar, faces=tuple(faces), only_edit=self.only_edit,
                           style_classes=self.style_classes))  # fmt: skip

    def edit_project(self, project: Project, path: Path | None = None, unsaved: bool = False) -> None:
        """Go on with a project.

        Parameters
        ----------
        project
            What it holds.
        path
            Its file; None where it is in none.
        unsaved
            Whether the file does not hold all of it.
        """
        self.opening.cancel()
        self._edit(project, path, unsaved)
        self.look_changed.emit()
        if project.notes:
            self.remark.emit("\n".join(project.notes))

    def project(self) -> Project | None:
        """Return what is edited, with its history; None while nothing is open."""
        if self.portrait is None or self.document is None:
            return None
        history = self.history
        return Project(
            self.portrait, self.document.ground.labels, tuple(history.edits), history.index, tuple(history.dropped),
            self.exemplar, self.style_classes, self.only_edit, tuple(self.faces), self.picture,
        )  # fmt: skip

    def _edit(self, project: Project, path: Path | None = None, unsaved: bool = False) -> None:
        portrait = project.portrait
        self.portrait, self.faces = portrait, project.faces
        self.document = MaskDocument(portrait.labels, portrait.view, project.labels)
        self.exemplar, self.style_classes, self.only_edit = project.exemplar, project.style_classes, project.only_edit
        self.picture = self.source
        self._last_shown.clear()
        self.projects.use(path)
        self.history.restore(project.edits, project.index, project.dropped)
        if unsaved:
            self.history.mark_unsaved()
        rendering = self._rendering
        rendering.start_over()
        rendering.worker.call(lambda: rendering.session.open(portrait), lambda value, error: None)
        self.portrait_changed.emit()
        self.style_changed.emit()
        self.request_render()

    def _use_portrait(self, portrait: Portrait, faces: Sequence[Face], carry: bool) -> None:
        old, document = self.portrait, self.document
        if not carry or old is None or document is None or old.photo is not portrait.photo:
            if self.may_replace():
                self.edit_portrait(portrait, faces)
                self._show_notes(portrait)
            return
        self.interrupted.emit()
        self.end_step()
        labels = carried(old, document.labels, portrait)
        self.edit_portrait(portrait, self.faces, self.exemplar)
        self.replace_mask(labels, "Carry over edits")

    def open_exemplar(self, picture: Path, mask: Path | None = None) -> None:
        """Read an exemplar, then take its style."""
        self.opening.open_exemplar(picture, mask)

    def _use_exemplar(self, exemplar: Portrait) -> None:
        self.use_style(exemplar)
        self._show_notes(exemplar)

    def _show_notes(self, portrait: Portrait) -> None:
        if portrait.photo is not None and portrait.photo.notes:
            self.remark.emit("\n".join(portrait.photo.notes))

    def use_style(self, exemplar: Portrait | None) -> None:
        """Render in an exemplar's style, or with None in the portrait's own."""
        self.opening.cancel_exemplar()
        self.exemplar = exemplar
        self.style_changed.emit()
        self.request_render()

    def use_style_for(self, classes: tuple[int, ...]) -> None:
        """Let some classes alone, by their ids, take the exemplar's style; none for the whole face."""
        self.style_classes = classes
        self.style_changed.emit()
        self.request_render()

    # What is shown

    @property
    def can_show_whole(self) -> bool:
        """Whether there is more of the photo than the crop; a raw render has no place in it."""
        return self.portrait is not None and self.portrait.alignment is not None and self.only_edit

    @property
    def whole(self) -> bool:
        """Whether `source` and `picture` show the whole photo."""
        return self._whole and self.can_show_whole

    @property
    def source(self) -> Pixels | None:
        """The source picture: the crop at working resolution, or the photo's overview."""
        if self.portrait is None:
            return None
        return self.portrait.overview if self.whole else self.portrait.view

    def set_whole(self, whole: bool) -> None:
        """Show the whole photo, where there is more of it than the crop, or the crop."""
        before, self._whole = self.whole, whole
        self._switch_frame(before)

    def set_only_edit(self, only_edit: bool) -> None:
        """Choose between the edit laid into the source and the raw render."""
        before, self.only_edit = self.whole, only_edit
        self._switch_frame(before)
        self.look_changed.emit()
        self.request_render()

    def _switch_frame(self, before: bool) -> None:
        if self.whole != before:
            # An older render in the right frame until the new one is there, rather than the source without edits.
            self.picture = self._last_shown.get(self.whole, self.source)
            self.frame_changed.emit()
            self.request_render()

    # Files

    def export_picture(self, path: Path, quality: int = 95) -> None:
        """Render at the photo's own resolution and write it; JPEG and WebP in a quality of 1 to 100."""
        if self.document is None or self.portrait is None:
            self.problem.emit(EngineError(self.tr("There is nothing to export."), self.tr("Open a photo first.")))
            return
        # A raw render is a picture of its own, not a part of the photo.
        photo = self.portrait.photo if self.only_edit else None
        labels, classes = self.document.labels, self.style_classes
        request = self._rendering.state(labels, self.exemplar, self.only_edit, classes=classes)
        self._saving.picture(path, photo, request, quality, self.last_edit)

    def export_mask(self, path: Path) -> None:
        """Write the edited mask as an indexed PNG."""
        if self.document is None:
            self.problem.emit(EngineError(self.tr("There is no mask to save."), self.tr("Open a photo first.")))
            return
        self._saving.mask(path, self.document.labels.copy(), self.last_edit)

    @property
    def unsaved(self) -> bool:
        """Whether there is something that no file holds: edits or, in a project, another look."""
        return super().unsaved or self.projects.unsaved

    def forget_unsaved(self) -> None:
        """Treat the present state as saved: the person does not want to keep it."""
        self.projects.forget_unsaved()
        super().forget_unsaved()

    def _file_saved(self, path: Path, state: object) -> None:
        self.projects.was_written(path, state)
        self.notice.emit(self.tr("Saved {0}").format(path))

    # Masks

    def open_mask(self, path: Path) -> None:
        """Replace the edited mask by a file's, as one step of the history."""
        portrait = self.portrait
        if portrait is None:
            self.problem.emit(EngineError(self.tr("A mask needs its picture."), self.tr("Open a photo first.")))
            return
        height, width = portrait.pixels.shape[:2]

        def done(labels: LabelMap | None, error: EngineError | None) -> None:
            if error is not None or labels is None:
                self.problem.emit(error)
            elif portrait is self.portrait:
                self.replace_mask(labels, "Load mask")

        self.tasks.run(lambda: read_mask(path, height, width), done)

    # Rendering

    @property
    def pending(self) -> bool:
        """Whether the last state has not been shown exactly yet, or files or models are still on their way."""
        return self._rendering.pending or self.tasks.pending > 0

    def _use_model(self) -> None:
        self.model_changed.emit()
        self.request_render()

    def request_render(self) -> None:
        """Ask for a render of the present state: a draft will do for now while a step is being tried out."""
        if self.info is not None and self.document is not None:
            self._rendering.request(*self._state(self.document.labels), moving=self.document.trying is not None)

    def render_once(self, labels: LabelMap, done: Callable[[RenderResult | None, EngineError | None], None]) -> None:
        """Render a mask, uint8 of the document's size, exactly and as the present one is; ``done`` gets the outcome."""
        if self.info is None:
            return
        session, request = self._rendering.session, self._rendering.state(*self._state(labels))
        self._rendering.worker.call(lambda: session.render(request), self.tasks.expect(done))

    def _state(self, labels: LabelMap) -> tuple[LabelMap, Portrait | None, bool, bool, tuple[int, ...]]:
        return labels, self.exemplar, self.only_edit, self.whole, self.style_classes

    def _show(self, result: RenderResult) -> None:
        if result.image is None:
            return
        self._last_shown[result.request.whole] = result.image
        # In the other frame it would be stretched, and the render in the right one is on its way.
        if result.request.whole == self.whole:
            self.picture = result.image
            self.picture_changed.emit()
            self.rendered.emit(result)

    def wait_for_files(self) -> None:
        """Let the window work until all files on their way to the disk are there, or have failed."""
        self._saving.wait()

    def shutdown(self) -> None:
        """End all threads; files on their way to the disk arrive there first. May be called twice."""
        if self.tasks.stopped:
            return
        self.opening.stop()
        self.wait_for_files()
        self.tasks.stop()
        self._rendering.stop()
