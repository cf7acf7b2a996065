"""What keeps edits from being lost when the program or the machine fails. Knows nothing of Qt.

Each portrait that is edited has a folder of its own. A SNAPSHOT in it is a project as it was after so many changes of
the history; its name tells how many. A JOURNAL holds a line for each change that came after as many. A new journal is
begun before a snapshot is written, and older files go only once the snapshot is whole: whenever the program ends, the
newest snapshot and the journals from its number on lead to the present state. The folder is locked for as long as the
program that writes to it lives.
"""

import os
import re
import secrets
import shutil
import sys
import threading
import zlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from app.document import Edit
from app.edit_list import edit_values, from_line, to_line, whole_number
from app.project import SUFFIX, Project, save_project
from engine.atomic import cannot_write

VERSION = 1
_LOCK = "lock"
_NUMBERED = re.compile(r"(?:snapshot|journal)-(\d{9,18})\.\w+")

if sys.platform == "win32":
    import msvcrt

    def _hold(file: BinaryIO) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _hold(file: BinaryIO) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def recovery_folder() -> Path:
    """Return where portraits that are being edited are kept; ``MASKBRUSH_DATA_DIR`` overrides the folder above it."""
    if override := os.environ.get("MASKBRUSH_DATA_DIR"):
        return Path(override) / "recovery"
    from platformdirs import user_data_path

    return user_data_path("maskbrush", appauthor=False) / "recovery"


class FolderLock:
    """Holds a folder until it is released, or the process ends in whatever way.

    Parameters
    ----------
    folder
        The folder.

    Raises
    ------
    OSError
        If another holds it, or it cannot be held.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = (folder / _LOCK).open("ab")
        try:
            _hold(self._file)
        except OSError:
            self._file.close()
            raise

    def release(self) -> None:
        """Let others have it; may be called twice."""
        self._file.close()

    def clear(self) -> None:
        """Delete the folder, as far as that is possible, and release it."""
        # Without snapshots nothing is left to be recovered, should this be the last that is done.
        for file in sorted(self._folder.glob("*"), key=lambda file: not file.name.startswith("snapshot")):
            if file.name != _LOCK:
                with suppress(OSError):
                    file.unlink()
        # Windows deletes no file that is open.
        self.release()
        shutil.rmtree(self._folder, ignore_errors=True)


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """How one state of a history becomes the next.

    Attributes
    ----------
    drop
        How many of the oldest edits can no longer be undone.
    keep
        How many of the others stay.
    add
        The edits that follow these.
    index
        How many are then done.
    """

    drop: int
    keep: int
    add: tuple[Edit, ...]
    index: int

    @classmethod
    def between(cls, old: "Seen", new: "Seen") -> "Change | None":
        """Return what happened between two states; None if nothing did."""
        drop = max(new.dropped - old.dropped, 0)
        rest, edits = old.edits[drop:], new.edits
        keep = min(len(rest), len(edits))
        if rest[:keep] != edits[:keep]:
            keep = next(place for place, (a, b) in enumerate(zip(rest, edits, strict=False)) if a is not b)
        if not drop and keep == len(rest) == len(edits) and new.index == old.index:
            return None
        return cls(drop, keep, edits[keep:], new.index)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A state of a history: its edits, how many are done, and how many older ones can no longer be undone."""

    edits: tuple[Edit, ...] = ()
    index: int = 0
    dropped: int = 0

    @property
    def count(self) -> int:
        """How many edits there are in all."""
        return self.dropped + len(self.edits)


def snapshot_name(number: int) -> str:
    """Return the name of the snapshot after so many changes."""
    return f"snapshot-{number:09}{SUFFIX}"


def journal_name(number: int) -> str:
    """Return the name of the journal that begins after so many changes."""
    return f"journal-{number:09}.jsonl"


def number_of(file: Path) -> int:
    """Return after how many changes a snapshot was made, or a journal begins; -1 for other files."""
    found = _NUMBERED.fullmatch(file.name)
    return int(found[1]) if found else -1


class Journal:
    """Writes the folder of one portrait. All but `write_snapshot` is called on one thread.

    Parameters
    ----------
    name
        The portrait's.
    file
        The project that it was opened from, or saved to; None for none.
    unsaved
        Whether there is already something that no file of the person holds.

    Raises
    ------
    WriteError
        If the folder cannot be made.
    """

    def __init__(self, name: str, file: Path | None = None, unsaved: bool = False) -> None:
        self._name, self._saved_to, self._unsaved = name, file, unsaved
        self._number = 0
        self._begun = -1
        self._file: BinaryIO | None = None
        self._size = 0
        self._whole = False
        self._closed = False
        # Held while a snapshot is written.
        self._writing = threading.Lock()
        self.folder = recovery_folder() / f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        try:
            # Photos are nobody else's business.
            self.folder.mkdir(mode=0o700, parents=True)
            self._lock = FolderLock(self.folder)
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise cannot_write(self.folder, error) from error

    def record(self, change: Change, count: int) -> None:
        """Add a change of the history; it is in the system's hands when this returns.

        After a failure nothing more is written until `turn_over` begins another journal.

        Parameters
        ----------
        change
            The change.
        count
            How many edits there now are in all.

        Raises
        ------
        WriteError
            If it cannot be written now; not again for those that follow.
        """
        self._number += 1
        self._unsaved = True
        if self._whole:
            edits = [edit_values(edit, pack=True) for edit in change.add]
            self._append(
                {"drop": change.drop, "keep": change.keep, "add": edits, "index": change.index, "count": count}
            )

    def mark(self, file: Path | None, unsaved: bool) -> None:
        """Add that the present state is in a project of the person's, or not in its newest one.

        Parameters
        ----------
        file
            The project that it was opened from or saved to last; None for none.
        unsaved
            Whether there is more than that file holds.

        Raises
        ------
        WriteError
            As for `record`.
        """
        self._number += 1
        self._saved_to, self._unsaved = file, unsaved
        if self._whole:
            self._append({"file": file and str(file), "unsaved": unsaved})

    def turn_over(self, count: int) -> int:
        """Begin a new journal, unless nothing has happened since this one was begun, and return its number.

        Parameters
        ----------
        count
            As for `record`.

        Raises
        ------
        WriteError
            If it cannot be begun; the older one goes on.
        """
        if self._begun == self._number:
            return self._number
        path = self.folder / journal_name(self._number)
        try:
            # Unbuffered: what is written is in the system's hands, which survives the end of this process.
            file = path.open("wb", buffering=0)
            try:
                head = {
                    "journal": VERSION,
                    "name": self._name,
                    "file": self._saved_to and str(self._saved_to),
                    "unsaved": self._unsaved,
                    "count": count,
                }
                size = _written(file, _line(self._number, head))
            except OSError:
                file.close()
                path.unlink()
                raise
        except OSError as error:
            raise cannot_write(path, error) from error
        if self._file is not None:
            self._file.close()
        self._file, self._size, self._begun, self._whole = file, size, self._number, True
        return self._number

    def write_snapshot(self, number: int, project: Project) -> None:
        """Write a snapshot, on any thread, and delete what it makes superfluous.

        Parameters
        ----------
        number
            From `turn_over`.
        project
            The state in which it was called.

        Raises
        ------
        WriteError
            If it cannot be written; everything is as it was.
        """
        with self._writing:
            if self._closed:
                return
            save_project(self.folder / snapshot_name(number), project, pack=True)
            for file in self.folder.iterdir():
                if -1 < number_of(file) < number:
                    with suppress(OSError):
                        file.unlink()

    def close(self) -> None:
        """Delete the folder: the person has saved the edits, or does not want them. May be called twice."""
        with self._writing:
            if not self._closed:
                self._closed = True
                if self._file is not None:
                    self._file.close()
                self._lock.clear()

    def _append(self, values: dict[str, Any]) -> None:
        assert self._file is not None
        try:
            self._size += _written(self._file, _line(self._number, values))
        except OSError as error:
            self._whole = False
            # What follows in another journal must not be glued to half a line; cutting off needs no space.
            with suppress(OSError):
                self._file.truncate(self._size)
            raise cannot_write(self.folder, error) from error


def _line(number: int, values: dict[str, Any]) -> bytes:
    """Return a numbered line with the checksum of the rest before it."""
    content = to_line({"n": number, **values})
    return b"%08x " % zlib.crc32(content) + content


def read_line(line: bytes) -> tuple[int, dict[str, Any]]:
    """Return the number and the values of a journal's line.

    Raises
    ------
    ValueError
        If it is incomplete or damaged.
    """
    content = line[9:]
    if line[:9] != b"%08x " % zlib.crc32(content):
        raise ValueError("a line is damaged")
    values = from_line(content)
    return whole_number(values.get("n")), values


def _written(file: BinaryIO, content: bytes) -> int:
    """Write all of it, which an unbuffered file need not do at once."""
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]
    return len(content)
