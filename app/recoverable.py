"""Portraits whose program ended without saving them: found, read, and deleted. Knows nothing of Qt."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.edit_list import EditList, check_walk, moved, read_edit, whole_number
from app.journal import VERSION, Change, FolderLock, number_of, read_line, recovery_folder
from app.project import SUFFIX, Project, ProjectError, lost_history, read_project, read_project_thumbnail
from engine.types import LabelMap, Pixels

FORGOTTEN_S = 3600.0
"""How old a folder without a snapshot must be to be deleted: a younger one may just be being made."""


@dataclass(frozen=True, slots=True, eq=False)
class Recoverable:
    """A portrait with edits that no file of the person holds.

    Attributes
    ----------
    folder
        Where it is.
    name
        The portrait's.
    file
        The project that it was opened from or saved to last; None for none.
    when
        When it was changed last, in seconds since the epoch.
    edits
        How many edits it has in all, undone ones among them.
    thumbnail
        What it looked like not long before, uint8 (h, w, 3); None if that is not known.
    """

    folder: Path
    name: str
    file: Path | None
    when: float
    edits: int
    thumbnail: Pixels | None = None


def recoverable() -> list[Recoverable]:
    """List what can be recovered, the newest first; folders of ended programs that hold nothing unsaved are deleted."""
    found = []
    with suppress(OSError):
        for folder in sorted(recovery_folder().iterdir()):
            # One that is still being edited, or cannot be read, is left alone.
            with suppress(OSError):
                age = time.time() - folder.stat().st_mtime
                with _held(folder) as lock:
                    session = _summary(folder)
                    if session is not None:
                        found.append(session)
                    elif _snapshots(folder) or age > FORGOTTEN_S:
                        lock.clear()
    return sorted(found, key=lambda session: -session.when)


def recover(session: Recoverable) -> Project:
    """Read what was being edited, up to the last change that was written; `Project.notes` tell if some are missing.

    The folder stays as it is: `discard` deletes it.

    Raises
    ------
    ProjectError
        If it cannot be read, or another window is about to recover it.
    """
    with _alone(session):
        failure = ProjectError(f"{session.name} cannot be recovered: there is nothing to begin with.")
        for snapshot in reversed(_snapshots(session.folder)):
            try:
                return _brought_on(read_project(snapshot), number_of(snapshot), session.folder)
            except ProjectError as error:
                failure = error
        raise failure


def discard(session: Recoverable) -> None:
    """Delete what was being edited, for good.

    Raises
    ------
    ProjectError
        If another window is about to recover it, or it cannot be deleted.
    """
    with _alone(session) as lock:
        lock.clear()
    if session.folder.exists():
        raise ProjectError(f"{session.folder} cannot be deleted.", "You may lack the right to: delete it yourself.")


@contextmanager
def _held(folder: Path) -> Iterator[FolderLock]:
    if not folder.is_dir():
        raise NotADirectoryError(folder)
    lock = FolderLock(folder)
    try:
        yield lock
    finally:
        lock.release()


@contextmanager
def _alone(session: Recoverable) -> Iterator[FolderLock]:
    try:
        lock = FolderLock(session.folder)
    except FileNotFoundError as error:
        raise ProjectError(f"{session.name} is not there any more.", "It was recovered or discarded before.") from error
    except OSError as error:
        raise ProjectError(f"{session.name} is in use by another window.", "Close that one first.") from error
    try:
        yield lock
    finally:
        lock.release()


def _snapshots(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob(f"snapshot-*{SUFFIX}") if number_of(file) >= 0)


def _journals(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("journal-*.jsonl") if number_of(file) >= 0)


def _lines(journal: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines of a journal, its head first.

    Raises
    ------
    ValueError
        At the first one that is damaged. A last one without its end was never finished: it is left out.
    """
    with journal.open("rb") as file:
        for place, line in enumerate(file):
            if not line.endswith(b"\n"):
                return
            number, values = read_line(line)
            if place == 0 and values.get("journal") != VERSION:
                raise ValueError("it is a journal of another kind")
            yield number, values


def _summary(folder: Path) -> Recoverable | None:
    """Return what a folder holds; None if that is nothing, or nothing unsaved."""
    snapshots, journals = _snapshots(folder), _journals(folder)
    if not snapshots:
        return None
    known: dict[str, Any] = {"name": "", "file": None, "unsaved": True, "count": 0}
    for journal in journals:
        with suppress(ValueError, OSError):
            for _, values in _lines(journal):
                known |= {"unsaved": True} | values
    # Without edits, or a file that has some, there is nothing but the photo.
    if not known["unsaved"] or not (known["count"] or known["file"]):
        return None
    return Recoverable(
        folder,
        str(known["name"]),
        Path(known["file"]) if isinstance(known["file"], str) else None,
        max(file.stat().st_mtime for file in (*snapshots, *journals)),
        known["count"] if isinstance(known["count"], int) else 0,
        read_project_thumbnail(snapshots[-1]),
    )


def _brought_on(project: Project, number: int, folder: Path) -> Project:
    """Return a snapshot's project with all changes that the journals from its number on tell of."""
    labels, notes = project.labels, project.notes
    history = EditList(project.edits, project.index, project.dropped)
    try:
        for journal in _journals(folder):
            if number_of(journal) < number:
                continue
            for place, (counted, values) in enumerate(_lines(journal)):
                # The head tells where its journal begins, which is where the one before it ended.
                if counted != number + (place > 0):
                    raise ValueError("changes are missing")
                number = counted
                if "add" in values:
                    labels, history = _changed(labels, history, _read_change(values, labels.shape))
    except (ValueError, OSError):
        notes += (f"Some of the last edits of {project.name} could not be recovered.",)
    try:
        check_walk(project.portrait.labels, labels, history)
    except ValueError:
        notes += (f"The edits of {project.name} can only be undone as one.",)
        history = lost_history(project.portrait.labels, labels)
    return replace(
        project, labels=labels, edits=history.edits, index=history.index, dropped=history.dropped, notes=notes
    )


def _read_change(values: dict[str, Any], shape: tuple[int, ...]) -> Change:
    drop, keep, index = (whole_number(values.get(name)) for name in ("drop", "keep", "index"))
    if not isinstance(values["add"], list):
        raise ValueError("added edits are no list")
    return Change(drop, keep, tuple(read_edit(edit, shape) for edit in values["add"]), index)


def _changed(labels: LabelMap, history: EditList, change: Change) -> tuple[LabelMap, EditList]:
    """Return a mask and its history after a change; raises ValueError if it was not made to them."""
    rest = history.edits[change.drop :]
    edits = rest[: change.keep] + change.add
    index = history.index - change.drop
    fits = 0 <= change.drop <= history.index and 0 <= change.keep <= len(rest) and 0 <= change.index <= len(edits)
    if not fits:
        raise ValueError("a change was made to another history")
    common = min(index, change.keep)
    labels = moved(moved(labels, rest, index, common), edits, common, change.index)
    dropped = history.dropped + tuple(edit.entry for edit in history.edits[: change.drop])
    return labels, EditList(edits, change.index, dropped)
