"""Checkpoints of a training: a folder for each, in pieces small enough to carry anywhere, whole or not there at all."""

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import torch

from models.config import reason_of

PIECE = 15 * 2**20
"""The most bytes in one file."""

_INDEX = "index.json"


class CheckpointError(Exception):
    """A checkpoint that cannot be taken up; the message says what to do."""


class _Pieces(io.RawIOBase):
    """Spreads what is written over files of at most `PIECE` bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.hashes: list[str] = []
        self._pending = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self._pending += view
        while len(self._pending) >= PIECE:
            self._put(bytes(self._pending[:PIECE]))
            del self._pending[:PIECE]
        return len(view)

    def close(self) -> None:
        if not self.closed and self._pending:
            self._put(bytes(self._pending))
            self._pending.clear()
        super().close()

    def _put(self, data: bytes) -> None:
        (self.folder / f"piece-{len(self.hashes):03d}").write_bytes(data)
        self.hashes.append(hashlib.sha256(data).hexdigest())


def save_checkpoint(state: dict[str, Any], step: int, shapes: str, folder: Path) -> Path:
    """Write a checkpoint into a folder of its own; older ones go only once it is whole.

    Parameters
    ----------
    state
        Tensors and plain values, however nested.
    step
        The number of steps behind it.
    shapes
        What a training must agree with to take it up.
    folder
        The folder of all checkpoints of the training.

    Raises
    ------
    OSError
        If it cannot be written; the older checkpoint is then still there.
    """
    target = folder / f"step-{step:07d}"
    part = target.with_suffix(".part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        pieces = _Pieces(part)
        try:
            torch.save(state, pieces)  # pyright: ignore[reportArgumentType] (needs no more than write)
            pieces.close()
        except RuntimeError as error:  # how PyTorch reports that writing failed
            raise OSError(reason_of(error)) from error
        index = {"step": step, "shapes": shapes, "sha256": pieces.hashes}
        (part / _INDEX).write_text(json.dumps(index), encoding="utf-8")
        if target.exists():
            target.replace(target.with_suffix(".old"))  # still a checkpoint, should this be the last thing we do
        part.replace(target)
    except OSError as error:
        raise OSError(f"{target} cannot be written ({error}). Make room or choose another --out.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for older in folder.glob("step-*"):
        if older != target:
            shutil.rmtree(older, ignore_errors=True)
    return target


def load_checkpoint(folder: Path, shapes: str, device: torch.device) -> tuple[dict[str, Any], int] | None:
    """Read the newest checkpoint of a training.

    Returns
    -------
    tuple or None
        The state and the number of steps behind it; None if there is no checkpoint.

    Raises
    ------
    CheckpointError
        If it is damaged, or of networks of other shapes.
    """
    found = sorted(path for path in folder.glob("step-*") if path.suffix != ".part")
    if not found:
        return None
    newest = found[-1]
    way_out = "Move it away to start anew, or choose another --out."
    try:
        index = json.loads((newest / _INDEX).read_text(encoding="utf-8"))
        step, stored, hashes = int(index["step"]), index["shapes"], index["sha256"]
        pieces = [(newest / f"piece-{number:03d}").read_bytes() for number in range(len(hashes))]
        for number, (piece, expected) in enumerate(zip(pieces, hashes, strict=True)):
            if hashlib.sha256(piece).hexdigest() != expected:
                raise ValueError(f"piece-{number:03d} is damaged")
        state = torch.load(io.BytesIO(b"".join(pieces)), map_location=device, weights_only=True)
    except Exception as error:  # a damaged file can make the reader stumble in any way
        raise CheckpointError(f"{newest} cannot be read as a checkpoint ({reason_of(error)}). {way_out}") from error
    if stored != shapes:
        raise CheckpointError(f"{newest} is of networks of other shapes ({stored}). {way_out}")
    return state, step
