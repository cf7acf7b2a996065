"""Files written whole or not at all: an older one stays as it was until the new one is complete."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from engine.types import WriteError

_REASONS = {
    errno.ENOSPC: "Free some space on the disk, or choose another one.",
    errno.EDQUOT: "Free some space on the disk, or choose another one.",
    errno.EFBIG: "Choose another disk: this one holds no files of this size.",
    errno.EACCES: "Choose a folder that you may write to.",
    errno.EPERM: "Choose a folder that you may write to.",
    errno.EROFS: "Choose a folder that you may write to.",
    errno.ENOENT: "Choose a folder that exists.",
    errno.ENOTDIR: "Choose a folder that exists.",
}


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside a target, for reading and writing; it replaces the target at the end.

    Parameters
    ----------
    path
        The target; a link's target is replaced, not the link.

    Raises
    ------
    WriteError
        If the file cannot be written; an older one is as it was. Whatever else is raised meanwhile goes on its way, and
        leaves the older file as well.
    """
    target = Path(os.path.realpath(path))
    part: Path | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        exists = target.exists()
        if exists and not os.access(target, os.W_OK):
            # Replacing needs only the folder's permission; a file marked read-only is meant to stay.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # Beside the target, so that the last step is a rename within one file system.
        name = target.with_name(f".maskbrush-{secrets.token_hex(8)}.part")
        with name.open("x+b") as file:
            part = name
            yield file
            file.flush()
            os.fsync(file.fileno())
        if exists:
            with suppress(OSError):  # some file systems know no modes
                shutil.copymode(target, part)
        part.replace(target)
        _settle(target.parent)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink()


def cannot_write(path: Path, error: OSError) -> WriteError:
    """Return the error for a file or folder that could not be written, with what to do about it."""
    return WriteError(
        f"{path} cannot be written ({error.strerror or error}).",
        _REASONS.get(error.errno or 0, "Choose another name or folder."),
    )


def _settle(folder: Path) -> None:
    """Bring a folder's entries to the disk, where folders can be opened: a rename survives a loss of power then."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
