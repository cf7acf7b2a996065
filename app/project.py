"""Projects: a portrait with its mask, its edits and its style in one file. Knows nothing of Qt.

A project is a zip. ``project.json`` describes it; ``portrait/photo`` holds the photo, byte for byte as its file was;
``portrait/mask.png`` is the source mask and ``mask.png`` the edited one; ``edits.jsonl`` is the edit list that leads
from one to the other, a line of JSON for each edit; ``exemplar`` holds a portrait whose style is taken, and
``thumbnail.png`` shows what the project looks like. Nothing in it is ever executed, or unpacked by its own name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from app.document import Edit, checked
from app.edit_list import EditList, check_walk, from_line, list_lines, moved, read_list, to_line, whole_number
from app.project_files import (
    Members,
    ProjectError,
    add,
    add_portrait,
    mask_bytes,
    open_to_write,
    read_mask_bytes,
    read_portrait,
    read_thumbnail,
    thumbnail,
)
from engine.align import Face
from engine.atomic import replacing
from engine.mask.steps import Entry, checked_ids
from engine.mask.written import Written
from engine.types import LabelMap, Pixels, Portrait, Region

__all__ = ["SUFFIX", "Project", "ProjectError", "read_project", "read_project_thumbnail", "save_project"]

SUFFIX = ".maskbrush"
FORMAT = "maskbrush project"
VERSION = 1
"""Rises when an older Maskbrush could not read the files any more."""


@dataclass(frozen=True, slots=True, eq=False)
class Project:
    """Everything that is needed to go on with a portrait.

    Attributes
    ----------
    portrait
        The portrait with its source mask.
    labels
        The edited mask without any step that is under way, uint8 of the source mask's shape. A read-only copy is kept.
    edits, index, dropped
        Its history: see `app.history.History`.
    exemplar
        The portrait whose style is taken; None for the portrait's own.
    style_classes
        The ids of the classes that take it, ascending; empty for the whole face.
    only_edit
        Whether only what was edited replaces the source.
    faces
        What was found in the portrait's photo.
    picture
        What it looks like, uint8 (h, w, 3), for the thumbnail; None for the portrait itself. It is not read back.
    notes
        What a person should be told after it was read, full sentences.

    Raises
    ------
    ValueError
        If the mask does not fit the portrait, or the index the edits.
    """

    portrait: Portrait
    labels: LabelMap
    edits: tuple[Edit, ...] = ()
    index: int = 0
    dropped: tuple[Entry, ...] = ()
    exemplar: Portrait | None = None
    style_classes: tuple[int, ...] = ()
    only_edit: bool = True
    faces: tuple[Face, ...] = ()
    picture: Pixels | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # The document goes on to write to its buffer while the project is being saved.
        labels = np.array(checked(self.labels, self.portrait.labels.shape), order="C")
        labels.setflags(write=False)
        object.__setattr__(self, "labels", labels)
        if not 0 <= self.index <= len(self.edits):
            raise ValueError(f"{self.index} of {len(self.edits)} edits cannot be done")

    @property
    def name(self) -> str:
        """The portrait's."""
        return self.portrait.name


# Writing


def save_project(path: Path, project: Project, pack: bool = False) -> None:
    """Write a project whole or not at all.

    Parameters
    ----------
    path
        The target, whatever it is called.
    project
        What to write.
    pack
        Whether long strokes are written in a form that is quicker to write and to read, but not for people.

    Raises
    ------
    WriteError
        If the file cannot be written; an older one is as it was.
    """
    with replacing(path) as file, open_to_write(file) as archive:
        portrait = add_portrait(archive, "portrait", project.portrait)
        exemplar = project.exemplar and add_portrait(archive, "exemplar", project.exemplar)
        add(archive, "mask.png", mask_bytes(project.labels), shrink=False)
        history = EditList(project.edits, project.index, project.dropped)
        add(archive, "edits.jsonl", list_lines(history, pack))
        shown = project.portrait.view if project.picture is None else project.picture
        add(archive, "thumbnail.png", thumbnail(shown), shrink=False)
        values = {
            "format": FORMAT,
            "version": VERSION,
            "app": _app_version(),
            "saved": datetime.now(UTC).isoformat(timespec="seconds"),
            "name": portrait["name"],
            "portrait": portrait,
            "exemplar": exemplar,
            "style_classes": project.style_classes,
            "only_edit": project.only_edit,
            "faces": [{"points": face.points.tolist(), "score": float(face.score)} for face in project.faces],
        }
        add(archive, "project.json", to_line(values))


def _app_version() -> str:
    # What it imports in its turn would delay the window.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("maskbrush")
    except PackageNotFoundError:
        return ""


# Reading


def read_project(path: Path) -> Project:
    """Read a project.

    Where only the edit list is damaged, the mask comes without its history; where only the mask is, it is made anew
    from the edits; where only the exemplar is, the portrait has its own style. `Project.notes` tell.

    Raises
    ------
    ProjectError
        If it is no project, is of a newer kind, or is damaged beyond that.
    """
    with Members(path) as members:
        values = _head(members)
        notes: list[str] = []
        try:
            described = values["portrait"]
            classes = checked_ids(values["style_classes"])
            only_edit = values["only_edit"] is True
            faces = tuple(_read_face(face) for face in values["faces"])
        except (ValueError, TypeError, KeyError, ArithmeticError) as error:
            raise members.damaged("its description", error) from error
        portrait = read_portrait(members, _table(members, described), "its photo")
        labels, history = _mask_and_edits(members, portrait, notes)
        exemplar = _exemplar(members, values.get("exemplar"), notes)
    return Project(
        portrait, labels, history.edits, history.index, history.dropped,
        exemplar, classes, only_edit, faces, notes=tuple(notes),
    )  # fmt: skip


def read_project_thumbnail(path: Path) -> Pixels | None:
    """Return a project's thumbnail, uint8 (h, w, 3), its longer side at most 256 pixels; None if it cannot be read."""
    try:
        with Members(path) as members:
            return read_thumbnail(members.read("thumbnail.png", "its thumbnail"))
    except (ProjectError, ValueError):
        return None


def _head(members: Members) -> dict[str, Any]:
    if "project.json" not in members:
        raise members.foreign()
    try:
        values = from_line(members.read("project.json", "its description"))
    except ValueError as error:
        raise members.damaged("its description", error) from error
    if values.get("format") != FORMAT:
        raise members.foreign()
    try:
        number = whole_number(values.get("version"))
    except ValueError as error:
        raise members.damaged("its description", error) from error
    if number > VERSION:
        raise ProjectError(
            f"{members.path.name} was made by a newer Maskbrush (project version {number}, not {VERSION}).",
            "Update Maskbrush to open it.",
        )
    return values


def _table(members: Members, values: Any) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise members.damaged("its description")
    return values


def _read_face(values: Any) -> Face:
    points, score = np.array(values["points"], np.float64), float(values["score"])
    if points.shape != (3, 2) or not np.isfinite([*points.ravel(), score]).all():
        raise ValueError("a face is none")
    return Face(points, score)


def _exemplar(members: Members, values: Any, notes: list[str]) -> Portrait | None:
    if values is None:
        return None
    try:
        return read_portrait(members, _table(members, values), "its exemplar")
    except ProjectError as error:
        notes.append(f"{error.message} The portrait's own style is used instead.")
        return None


def _mask_and_edits(members: Members, portrait: Portrait, notes: list[str]) -> tuple[LabelMap, EditList]:
    source = portrait.labels
    try:
        labels = _read_mask(members, portrait)
    except ProjectError as error:
        try:
            history = _read_edits(members, portrait)
            if history.dropped:
                raise ValueError("what these did would have to be done again, which takes too long for reading a file")
            labels = moved(source, history.edits, 0, history.index)
            check_walk(source, labels, history)
        except (ProjectError, ValueError):
            raise error from None
        notes.append(f"{error.message} It was made anew from the edits.")
        return labels, history
    try:
        history = _read_edits(members, portrait)
        check_walk(source, labels, history)
    except (ProjectError, ValueError):
        notes.append(
            f"The edit list of {members.path.name} is damaged. The mask is whole; its edits can only be undone as one."
        )
        history = lost_history(source, labels)
    return labels, history


def _read_edits(members: Members, portrait: Portrait) -> EditList:
    content = members.read("edits.jsonl", "its edit list")
    return read_list(BytesIO(content), portrait.labels.shape)


def _read_mask(members: Members, portrait: Portrait) -> LabelMap:
    height, width = portrait.labels.shape
    content = members.read("mask.png", "its mask")
    try:
        return read_mask_bytes(content, (height, width))
    except ValueError as error:
        raise members.damaged("its mask", error) from error


def lost_history(source: LabelMap, labels: LabelMap) -> EditList:
    """Return what stands for edits that are not known any more: a single one that leads from the source to the mask."""
    region = Region.of(source != labels)
    if region.empty:
        return EditList()
    before, after = source[region.slices], labels[region.slices]
    entry = Entry(Written("Earlier edits", region.x0, region.y0, after))
    return EditList((Edit.of(entry, region, before, after),), 1)
