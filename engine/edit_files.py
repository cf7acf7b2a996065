"""Edit files: JSON that tells what to do to the mask of any face."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from engine.files import WORKING_SIDES, read_mask
from engine.mask.face_actions import BY_ACTION
from engine.mask.regions import FEATURES
from engine.operations import Act, Grow, Operation, Recolour, Relabel, Remove, Shrink, Template
from engine.types import EngineError, MaskError
from resources.labels import BY_NAME, LABELS

VERSION = 1
MOST = 0.5
"""The largest share of the longer side that a class grows or shrinks by."""


class OperationsError(EngineError):
    """An edit file that cannot be used."""


def read_edit(path: Path) -> tuple[Operation, ...]:
    """Read an edit file; templates are read with it, and exemplars must exist.

    Parameters
    ----------
    path
        A JSON file ``{"version": 1, "operations": [...]}``. File names in it are relative to its folder.

    Raises
    ------
    OperationsError
        If the file cannot be read, or anything in it is not as it should be. The message names the operation.
    """
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise OperationsError(f"{path} does not exist.", "Choose an edit file (JSON).") from error
    except OSError as error:
        raise OperationsError(f"{path} cannot be read ({error.strerror or error}).", "Choose another file.") from error
    except UnicodeDecodeError as error:
        raise OperationsError(f"{path.name} is not text in UTF-8.", "Choose an edit file (JSON).") from error
    try:
        content = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise OperationsError(f"{path.name} is not valid JSON ({reason}).", "Correct it there.") from error
    whole = _Entry(path.name, content, path.parent)
    whole.check_keys({"version", "operations"}, set())
    version, entries = content["version"], content["operations"]
    if type(version) is not int or version != VERSION:
        raise whole.error(f'"version" is {_shown(version)}; this Maskbrush knows {VERSION}')
    if not isinstance(entries, list) or not entries:
        raise whole.error('"operations" is not a list of at least one operation')
    operations = tuple(
        _read_operation(_Entry(f"{path.name}, operation {number}", entry, path.parent))
        for number, entry in enumerate(entries, 1)
    )
    exemplars = {each.exemplar.resolve() for each in operations if isinstance(each, Recolour)}
    if len(exemplars) > 1:
        names = " and ".join(sorted(each.name for each in exemplars))
        raise OperationsError(
            f"{path.name} names several exemplars: {names}.",
            "All recolour operations must name the same one; make a second edit for the other.",
        )
    return operations


class _Entry:
    """One object of the JSON file, and how its values are read; ``where`` names it in messages."""

    def __init__(self, where: str, content: Any, folder: Path) -> None:
        self.where, self.content, self.folder = where, content, folder
        if not isinstance(content, dict):
            raise self.error(f"it is {_shown(content)}, not an object in braces")

    def error(self, message: str, hint: str = "Correct it in the edit file.") -> OperationsError:
        return OperationsError(f"{self.where}: {message}.", hint)

    def check_keys(self, required: set[str], optional: set[str]) -> None:
        missing, unknown = required - set(self.content), set(self.content) - required - optional
        if missing:
            raise self.error(f"{_quoted(missing)} is missing")
        if unknown:
            raise self.error(f"{_quoted(unknown)} is not known here", f"Known: {_quoted(required | optional)}.")

    def label(self, key: str) -> int:
        return self._id(key, self.content[key])

    def labels(self, key: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        if default is not None and key not in self.content:
            return default
        names = self.content[key]
        if not isinstance(names, list) or not names:
            raise self.error(f'"{key}" is {_shown(names)}, not a list of class names')
        return tuple(dict.fromkeys(self._id(key, name) for name in names))

    def share(self, key: str) -> float:
        value = self.content[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MOST:
            raise self.error(f'"{key}" is {_shown(value)}, not a number above 0 and up to {MOST}')
        return float(value)

    def file(self, key: str) -> Path:
        name = self.content[key]
        if not isinstance(name, str) or not name or "\0" in name:
            raise self.error(f'"{key}" is {_shown(name)}, not the name of a file')
        path = self.folder / name
        with suppress(OSError):  # names that no file system takes
            if path.is_file():
                return path
        raise self.error(f"there is no file {path}", "File names are relative to the edit file's folder.")

    def _id(self, key: str, name: Any) -> int:
        if not isinstance(name, str):
            raise self.error(f'"{key}" holds {_shown(name)}, not the name of a class')
        if name not in BY_NAME:
            names = ", ".join(label.name for label in LABELS)
            raise self.error(f'"{key}" names the class {_shown(name)}, which does not exist', f"Classes: {names}.")
        return BY_NAME[name].id


def _template(entry: _Entry) -> Template:
    path, classes = entry.file("mask"), entry.labels("classes")
    try:
        mask = read_mask(path, WORKING_SIDES[1], WORKING_SIDES[1])
    except MaskError as error:
        raise entry.error(error.message.rstrip("."), "A template is the square mask of an aligned face.") from error
    if not np.isin(mask, classes).any():
        raise entry.error(f"{path.name} holds no pixel of these classes", "Name classes that the template shows.")
    return Template(mask, classes)


def _grow(entry: _Entry) -> Grow:
    # The face's features stay visible where the edit does not say otherwise.
    default = tuple(label.id for label in LABELS if label.id not in FEATURES)
    return Grow(entry.label("class"), entry.share("by"), entry.labels("over", default))


def _shrink(entry: _Entry) -> Shrink:
    label, into = entry.label("class"), entry.label("into") if "into" in entry.content else None
    if into == label:
        raise entry.error('"into" is the class itself')
    return Shrink(label, entry.share("by"), into)


def _act(entry: _Entry) -> Act:
    name = entry.content["action"]
    if not isinstance(name, str) or name not in BY_ACTION:
        raise entry.error(f'"action" is {_shown(name)}, which does not exist', f"Actions: {', '.join(BY_ACTION)}.")
    low, high = BY_ACTION[name].low, BY_ACTION[name].high
    strength = entry.content.get("strength", high)
    if isinstance(strength, bool) or not isinstance(strength, int | float) or not low <= strength <= high:
        raise entry.error(f'"strength" is {_shown(strength)}, not a number from {low:g} to {high:g}')
    return Act(name, float(strength))


_KINDS: dict[str, tuple[str, str, Callable[[_Entry], Operation]]] = {
    "recolour": ("exemplar", "classes", lambda it: Recolour(it.file("exemplar"), it.labels("classes", ()))),
    "template": ("mask classes", "", _template),
    "grow": ("class by", "over", _grow),
    "shrink": ("class by", "into", _shrink),
    "relabel": ("from to", "", lambda it: Relabel(it.labels("from"), it.label("to"))),
    "remove": ("class", "", lambda it: Remove(it.label("class"))),
    "face": ("action", "strength", _act),
}
"""The keys that each operation must and may have, and how it is read."""


def _read_operation(entry: _Entry) -> Operation:
    known = f"Operations: {', '.join(_KINDS)}."
    if "op" not in entry.content:
        raise entry.error('"op" is missing', known)
    name = entry.content["op"]
    if not isinstance(name, str) or name not in _KINDS:
        raise entry.error(f'"op" is {_shown(name)}, which does not exist', known)
    required, optional, read = _KINDS[name]
    entry.where += f" ({name})"
    entry.check_keys({"op", *required.split()}, set(optional.split()))
    return read(entry)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a key twice: JSON would drop the first without a word."""
    names = [name for name, _ in pairs]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"{_quoted(twice)} is named twice in one object")
    return dict(pairs)


def _quoted(names: set[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"
