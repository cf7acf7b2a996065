"""A portrait's edit list as lines of JSON, and the walk through its edits. Knows nothing of Qt."""

import base64
import json
import math
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.document import Edit
from engine.mask.steps import Entry
from engine.types import LabelMap, Region
from resources.labels import LABEL_COUNT

LARGEST_SIDE = 8192
"""Pixels along a side of the largest mask that is read; ours are much smaller."""

LARGEST_ARRAY = LARGEST_SIDE**2
"""Values in the largest array that a line may hold."""


@dataclass(frozen=True, slots=True, eq=False)
class EditList:
    """What a history is made of: see `app.history.History`.

    Attributes
    ----------
    edits
        Those that can be undone or redone, oldest first.
    index
        How many of them are done.
    dropped
        What was done before them and can no longer be undone, oldest first.
    """

    edits: tuple[Edit, ...] = ()
    index: int = 0
    dropped: tuple[Entry, ...] = ()


# Lines


def to_line(values: Mapping[str, Any]) -> bytes:
    """Return JSON values as one line, with its line feed."""
    return json.dumps(values, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_line(line: bytes) -> dict[str, Any]:
    """Return the values of a line of JSON; arrays that `packed` wrote are numpy arrays again.

    Raises
    ------
    ValueError
        If it is none, or an array in it is larger than `LARGEST_ARRAY`.
    """
    try:
        values = json.loads(line, object_hook=_unpacked, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(values, dict):
        raise ValueError("not a table")
    return values


def packed(values: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """Return an entry's JSON values with its step's float32 arrays as base64: a long stroke is written in no time.

    Parameters
    ----------
    values
        From ``entry.data()``; not written to.
    entry
        The entry.
    """
    step = dict(values["step"])
    for name in step.keys() - {"kind"}:
        array = getattr(entry.step, name)
        if isinstance(array, np.ndarray) and array.dtype == np.float32:
            content = np.ascontiguousarray(array, "<f4").tobytes()
            step[name] = {"float32": base64.b64encode(content).decode(), "shape": list(array.shape)}
    return values | {"step": step}


def edit_values(edit: Edit, pack: bool = False) -> dict[str, Any]:
    """Return an edit as JSON values: its entry, where it changed the mask, and the labels before and after.

    Parameters
    ----------
    edit
        The edit.
    pack
        Whether arrays are written as base64, see `packed`, or as lists that any program can read.
    """
    values = edit.entry.data()
    region = edit.region
    before, after = (base64.b64encode(side).decode() for side in edit.packed)
    return (packed(values, edit.entry) if pack else values) | {
        "region": [region.y0, region.x0, region.y1, region.x1],
        "before": before,
        "after": after,
    }


def read_edit(values: Mapping[str, Any], shape: tuple[int, ...]) -> Edit:
    """Make an edit of a (H, W) mask from the values of `edit_values`. Its labels are looked at by `redo` and `undo`.

    Raises
    ------
    ValueError
        If they are no edit of such a mask.
    """
    try:
        y0, x0, y1, x1 = (whole_number(value) for value in values["region"])
        before, after = (base64.b64decode(values[side], validate=True) for side in ("before", "after"))
    except (TypeError, KeyError) as error:
        raise ValueError(f"an edit cannot be read ({error})") from error
    if not (0 <= y0 <= y1 <= shape[0] and 0 <= x0 <= x1 <= shape[1]):
        raise ValueError("an edit lies outside the mask")
    return Edit(read_entry(values), Region(y0, x0, y1, x1), (before, after))


def read_entry(values: Mapping[str, Any]) -> Entry:
    """Make an entry from its JSON values; raises ValueError, whatever is wrong with them."""
    try:
        return Entry.read(values)
    except (LookupError, TypeError, ArithmeticError) as error:
        raise ValueError(f"an entry of the edit list cannot be read ({error})") from error


def list_lines(history: EditList, pack: bool = False) -> Iterator[bytes]:
    """Yield the lines of an edit list; ``pack`` as for `edit_values`."""
    yield to_line({"dropped": len(history.dropped), "edits": len(history.edits), "index": history.index})
    for entry in history.dropped:
        values = entry.data()
        yield to_line(packed(values, entry) if pack else values)
    for edit in history.edits:
        yield to_line(edit_values(edit, pack))


def read_list(lines: Iterable[bytes], shape: tuple[int, ...]) -> EditList:
    """Read the lines of `list_lines`, of a (H, W) mask.

    Raises
    ------
    ValueError
        If one of them is wrong, missing or too much.
    """
    rest = iter(lines)
    head = from_line(next(rest, b""))
    given, edits, index = (whole_number(head.get(name)) for name in ("dropped", "edits", "index"))
    if min(given, edits, index) < 0 or index > edits:
        raise ValueError(f"{index} of {edits} edits cannot be done")
    values = [from_line(line) for line in rest]
    if len(values) != given + edits:
        raise ValueError(f"expected {given + edits} entries, not {len(values)}")
    return EditList(
        tuple(read_edit(each, shape) for each in values[given:]),
        index,
        tuple(read_entry(each) for each in values[:given]),
    )


def whole_number(value: object) -> int:
    """Return a JSON value that is a whole number; raises ValueError for others."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _unpacked(values: dict[str, Any]) -> Any:
    names = set(values)
    if names not in ({"float32", "shape"}, {"labels", "shape"}):
        return values
    if not isinstance(values["shape"], list):
        raise ValueError("the shape of an array is no list")
    sides = [whole_number(side) for side in values["shape"]]
    # Whatever the file says, no more memory is taken than for the largest mask.
    if min(sides, default=0) < 0 or math.prod(sides) > LARGEST_ARRAY:
        raise ValueError(f"an array of shape {sides} is not read")
    if "labels" in names:
        return values
    try:
        content = base64.b64decode(values["float32"], validate=True)
    except TypeError as error:
        raise ValueError("an array is no text") from error
    return np.frombuffer(content, "<f4").astype(np.float32, copy=False).reshape(sides)


# The walk


def redo(labels: LabelMap, edit: Edit) -> None:
    """Do an edit to a mask, uint8 (H, W), in place; raises ValueError if it was made to another mask."""
    _step(labels, edit, 0, 1)


def undo(labels: LabelMap, edit: Edit) -> None:
    """Take an edit of a mask back in place; raises ValueError if the mask is not what the edit made of it."""
    _step(labels, edit, 1, 0)


def _step(labels: LabelMap, edit: Edit, present: int, wanted: int) -> None:
    place = labels[edit.region.slices]
    if not np.array_equal(place, _side(edit, present)):
        raise ValueError("an edit does not fit the mask that it was made to")
    place[...] = _side(edit, wanted)


def _side(edit: Edit, side: int) -> LabelMap:
    region = edit.region
    shape = (region.y1 - region.y0, region.x1 - region.x0)
    size = math.prod(shape)
    reader = zlib.decompressobj()
    try:
        # A few bytes more than there may be, so that too many are noticed, and the checksum after them is read.
        content = reader.decompress(edit.packed[side], size + 16)
    except zlib.error as error:
        raise ValueError("the labels of an edit are damaged") from error
    labels = np.frombuffer(content, np.uint8)
    if labels.size != size or not reader.eof or (labels >= LABEL_COUNT).any():
        raise ValueError("the labels of an edit are damaged")
    return labels.reshape(shape)


def moved(labels: LabelMap, edits: Sequence[Edit], index: int, wanted: int) -> LabelMap:
    """Return what a mask, uint8 (H, W), is when ``wanted`` edits are done instead of ``index``.

    Raises
    ------
    ValueError
        If an edit on the way does not fit.
    """
    result = labels.copy()
    for edit in reversed(edits[wanted:index]):
        undo(result, edit)
    for edit in edits[index:wanted]:
        redo(result, edit)
    return result


def check_walk(source: LabelMap, labels: LabelMap, history: EditList) -> None:
    """Walk through all edits of a list, from a mask back to the source and on to the last edit that was undone.

    Raises
    ------
    ValueError
        If an edit does not fit, or the walk does not lead to the source: undo would make something else of the mask.
    """
    first = moved(labels, history.edits, history.index, 0)
    if not history.dropped and not np.array_equal(first, source):
        raise ValueError("the edits do not begin with the source mask")
    moved(labels, history.edits, history.index, len(history.edits))
