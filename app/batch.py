"""Many photos without the window: faces are labelled, or all edited alike, in this process or in several.

What is wrong with one photo never keeps the others from being done.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

import cv2
import numpy as np

from engine import generate
from engine.affine import to_opencv
from engine.files import PICTURE_FORMATS, find_mask, save_mask, save_picture
from engine.operations import Operation, apply_operations, style_of
from engine.photo import Photo, compose_photo, laid_over, read_photo, save_photo
from engine.reader import PhotoReader, with_mask
from engine.session import Session
from engine.types import Alignment, ImageError, LabelMap, Pixels, Portrait, RenderRequest, WriteError
from resources.labels import palette


@dataclass(frozen=True, slots=True)
class Item:
    """A photo, and the name that what is written for it begins with."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a photo, and what a person should be told of it."""

    status: Literal["done", "failed"]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done to each photo; it travels to other processes.

    Attributes
    ----------
    out
        The folder to write to.
    reader
        Makes what finds and labels faces.
    every_face
        Whether all faces of a photo are done, or the largest.
    overwrite
        Whether files that exist are written anew.
    inputs
        Resolved paths that are never written to, whatever ``overwrite`` says.
    """

    out: Path
    reader: Callable[[], PhotoReader]
    every_face: bool = False
    overwrite: bool = False
    inputs: frozenset[Path] = frozenset()

    verb: ClassVar[str] = "done"

    def open(self) -> "Worker":
        """Load what the work needs; raises EngineError if that fails."""
        raise NotImplementedError

    def results(self, item: Item) -> tuple[Path, ...]:
        """Return the files of which any one tells that a photo has been done: they are written last."""
        raise NotImplementedError

    def wanted(self, path: Path) -> bool:
        """Tell whether a file is to be written; raises WriteError if it must not be replaced."""
        if path.resolve() in self.inputs:
            raise WriteError(f"{path.name} would replace a picture that is read.", "Choose another folder with -o.")
        return self.overwrite or not path.exists()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseJob(Job):
    """Label faces; ``whole`` asks for masks of whole photos instead of crops."""

    whole: bool = False

    verb: ClassVar[str] = "parsed"

    def open(self) -> "ParseWorker":
        return ParseWorker(self)

    def results(self, item: Item) -> tuple[Path, ...]:
        names = (item.name, f"{item.name}_1") if self.every_face else (item.name,)
        return tuple(self.out / f"{name}_mask.png" for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyJob(Job):
    """Edit faces.

    Attributes
    ----------
    operations
        What to do to each.
    generator
        Loads what renders them.
    suffix
        Of the format to write, such as ``".png"``; None for the photo's own where that can be written, else PNG.
    quality
        Of JPEG and WebP, 1 to 100.
    masks
        Whether the crops' edited masks are written too.
    """

    operations: tuple[Operation, ...]
    generator: Callable[[], generate.Generator]
    suffix: str | None = None
    quality: int = 95
    masks: bool = False

    verb: ClassVar[str] = "edited"

    def open(self) -> "ApplyWorker":
        return ApplyWorker(self)

    def results(self, item: Item) -> tuple[Path, ...]:
        own = item.path.suffix.lower()
        suffix = self.suffix or (own if own in PICTURE_FORMATS else ".png")
        return (self.out / f"{item.name}_edited{suffix}",)


class Worker:
    """Does a job, photo after photo, in one process.

    Attributes
    ----------
    terms
        What people must be shown of the networks' licences, and what they should know of the networks.
    on_gpu
        Whether the face parser, and so most likely all networks, run on a GPU.
    """

    def __init__(self, job: Job) -> None:
        self._job, self.reader = job, job.reader()
        info = self.reader.parser().info
        self.reader.finder()
        self.terms, self.on_gpu = [info.licence, info.note], info.device.upper() != "CPU"

    def work(self, item: Item, notes: list[str]) -> None:
        """Do one photo and add remarks on it; whatever it raises is that photo's failure."""
        raise NotImplementedError

    def places(self, photo: Photo, path: Path) -> list[Alignment]:
        """Find the faces to be done; raises ImageError if there is none."""
        faces = self.reader.faces(photo)
        if not faces:
            raise ImageError(
                f"No face was found in {path.name}.",
                "Choose a photo in which the face is larger, sharper or less turned away.",
            )
        return [face.alignment for face in faces[: None if self._job.every_face else 1]]

    def close(self) -> None:
        """Free the networks."""
        self.reader.close()


def _numbered(name: str, index: int, count: int) -> str:
    return f"{name}_{index + 1}" if count > 1 else name


class ParseWorker(Worker):
    """Does a `ParseJob`."""

    def __init__(self, job: ParseJob) -> None:
        super().__init__(job)
        self.job = job

    def work(self, item: Item, notes: list[str]) -> None:
        photo = read_photo(item.path)
        notes += photo.notes
        places = self.places(photo, item.path)
        # The first face's mask is what tells later that the photo has been done: it is written last.
        for index, place in reversed(list(enumerate(places))):
            self._write(_numbered(item.name, index, len(places)), self.reader.portrait(photo, place))

    def _write(self, name: str, portrait: Portrait) -> None:
        pixels, labels = portrait.pixels, portrait.labels
        if self.job.whole:
            pixels, labels = portrait.base, in_photo(portrait)
        else:
            self._save(f"{name}_crop.png", pixels)
        colours = palette()[labels]
        self._save(f"{name}_colours.png", colours)
        mixed = cv2.addWeighted(pixels, 0.5, colours, 0.5, 0)
        self._save(f"{name}_overlay.png", np.where((labels == 0)[..., None], pixels, mixed).astype(np.uint8))
        if self.job.wanted(path := self.job.out / f"{name}_mask.png"):
            save_mask(path, labels)

    def _save(self, name: str, pixels: Pixels) -> None:
        if self.job.wanted(path := self.job.out / name):
            save_picture(path, pixels)


class ApplyWorker(Worker):
    """Does an `ApplyJob`."""

    def __init__(self, job: ApplyJob) -> None:
        super().__init__(job)
        self.job, generator = job, job.generator()
        self.session = Session(generator)
        self.terms += [generator.info.licence, generator.info.note]
        style = style_of(job.operations)
        self.exemplar = open_portrait(style[0], None, self.reader) if style else None
        self.classes = style[1] if style else ()

    def work(self, item: Item, notes: list[str]) -> None:
        (target,) = self.job.results(item)
        self.job.wanted(target)
        photo = read_photo(item.path)
        notes += photo.notes
        places, patch = self.places(photo, item.path), None
        for index, place in enumerate(places):
            # Each face is edited in the photo that holds the edits of the ones before it: their crops may overlap.
            current = photo
            if patch is not None:
                current = replace(photo, image=compose_photo(photo, patch), pixels=laid_over(photo.pixels, patch))
            portrait = self.reader.portrait(current, place)
            labels = apply_operations(portrait.labels, self.job.operations)
            self.session.open(portrait)
            latest = self.session.patch(RenderRequest(0, 0, labels, self.exemplar, classes=self.classes))
            if latest is not None:
                photo, patch = current, latest
            if self.job.masks:
                self._save_mask(_numbered(item.name, index, len(places)), labels)
        if patch is None:
            notes.append("The edit changes nothing in it.")
        notes += save_photo(target, photo, patch, self.job.quality)

    def _save_mask(self, name: str, labels: LabelMap) -> None:
        # Not "_mask": beside the edited photo that would be taken for the mask of the whole of it.
        if self.job.wanted(path := self.job.out / f"{name}_edited_crop_mask.png"):
            save_mask(path, labels)

    def close(self) -> None:
        """Free the networks."""
        self.session.close()
        super().close()


def open_portrait(picture: Path, mask: Path | None, reader: PhotoReader) -> Portrait:
    """Read a picture with its mask, by default the one beside it; without a mask, its largest face is labelled.

    Raises
    ------
    EngineError
        If one of them cannot be used, or there is neither a mask nor a face.
    """
    photo = read_photo(picture)
    if (mask := mask or find_mask(picture)) is not None:
        return with_mask(photo, mask)
    faces = reader.faces(photo)
    if not faces:
        raise ImageError(
            f"There is no mask beside {picture.name}, and no face was found in it.",
            f"Choose another picture, or save its mask as {picture.stem}_mask.png in the same folder.",
        )
    return reader.portrait(photo, faces[0].alignment)


def in_photo(portrait: Portrait) -> LabelMap:
    """Return a crop's mask as one of its whole photo: uint8 (H, W), background away from the crop."""
    height, width = portrait.base.shape[:2]
    matrix = to_opencv(portrait.to_picture(height, width))
    return np.asarray(cv2.warpAffine(portrait.labels, matrix, (width, height), flags=cv2.INTER_NEAREST), np.uint8)
