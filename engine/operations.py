"""Edits of a mask as data: read from a JSON file, and done to the mask of any face.

All sizes are shares of the mask's longer side, and templates are laid on by the eyes, so that one edit fits every face.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import to_opencv
from engine.align import Points, points_in, whole_frame
from engine.files import WORKING_SIDES, read_mask
from engine.types import EngineError, LabelMap, MaskError
from resources.labels import BY_NAME, LABELS

VERSION = 1
MOST = 0.5
"""The largest share of the longer side that a class grows or shrinks by."""
KEPT = ("nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
"""A class grows over all classes but these where the edit names none: the face's features stay visible."""

NOTHING = 255
"""No class: where a template does not reach."""


class OperationsError(EngineError):
    """An edit file that cannot be used."""


@dataclass(frozen=True, slots=True)
class Recolour:
    """Give classes the look of an exemplar: see `style_of`. The mask stays as it is.

    Attributes
    ----------
    exemplar
        The picture of a face.
    classes
        Ids; empty for the whole face.
    """

    exemplar: Path
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Lay pixels of another mask onto this one, eyes on eyes.

    Attributes
    ----------
    mask
        uint8 (S, S), the mask of an aligned crop.
    classes
        The ids of the pixels that are taken.
    """

    mask: LabelMap
    classes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Grow:
    """Let a class grow evenly.

    Attributes
    ----------
    label
        Its id.
    by
        How far, as a share of the mask's longer side; at least a pixel.
    over
        The ids that it may cover.
    """

    label: int
    by: float
    over: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Shrink:
    """Let a class shrink evenly, away from other classes but not from the mask's border.

    Attributes
    ----------
    label
        Its id.
    by
        How far, as a share of the mask's longer side; at least a pixel.
    into
        What its pixels become; None for the nearest other class.
    """

    label: int
    by: float
    into: int | None


@dataclass(frozen=True, slots=True)
class Relabel:
    """Turn classes, by their ids, into another."""

    sources: tuple[int, ...]
    target: int


@dataclass(frozen=True, slots=True)
class Remove:
    """Turn a class, by its id, into whatever other class is nearest."""

    label: int


Operation = Recolour | Template | Grow | Shrink | Relabel | Remove


def apply_operations(labels: LabelMap, operations: Sequence[Operation]) -> LabelMap:
    """Do operations to a mask, in their order.

    Parameters
    ----------
    labels
        uint8 (H, W), ids 0..18; not written to.
    operations
        What to do.

    Returns
    -------
    ndarray
        uint8 (H, W), ids 0..18; always a new one.
    """
    result = labels.copy()
    for operation in operations:
        match operation:
            case Template(mask, classes):
                result = _with_template(result, mask, classes)
            case Grow(label, by, over):
                near = _distance_to(result == label) <= _pixels(by, result)
                result[near & np.isin(result, over)] = label
            case Shrink(label, by, into):
                mine = result == label
                freed = mine & (_distance_to(~mine) <= _pixels(by, result))
                result = _given_away(result, mine, freed) if into is None else np.where(freed, np.uint8(into), result)
            case Relabel(sources, target):
                result[np.isin(result, sources)] = target
            case Remove(label):
                mine = result == label
                result = _given_away(result, mine, mine)
            case Recolour():
                pass
    return result


def style_of(operations: Sequence[Operation]) -> tuple[Path, tuple[int, ...]] | None:
    """Return the exemplar that operations ask for, and the ids that take its look: none of them for the whole face.

    None where no operation asks for one. The operations of one edit have one exemplar, which `read_edit` sees to.
    """
    asked = [each for each in operations if isinstance(each, Recolour)]
    if not asked:
        return None
    if any(not each.classes for each in asked):
        return asked[0].exemplar, ()
    return asked[0].exemplar, tuple(sorted({label for each in asked for label in each.classes}))


def _pixels(share: float, labels: LabelMap) -> float:
    return max(1.0, share * max(labels.shape))


def _distance_to(pixels: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return each pixel's distance to the nearest true one, float32 (H, W); infinite where there is none."""
    if not pixels.any():
        return np.full(pixels.shape, np.inf, np.float32)
    return cv2.distanceTransform((~pixels).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE).astype(np.float32)


def _given_away(labels: LabelMap, mine: NDArray[np.bool_], freed: NDArray[np.bool_]) -> LabelMap:
    """Give the ``freed`` pixels of a class to the nearest others; ``mine`` tells all pixels of the class."""
    if not freed.any():
        return labels
    result = labels.copy()
    if mine.all():
        result[freed] = BY_NAME["background"].id
        return result
    _, nearest = cv2.distanceTransformWithLabels(
        mine.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    # OpenCV numbers the other pixels as it likes; each of them tells its number where it lies.
    numbers = np.asarray(nearest, np.int32)
    table = np.zeros(int(numbers.max()) + 1, np.uint8)
    table[numbers[~mine]] = labels[~mine]
    result[freed] = table[numbers[freed]]
    return result


def _with_template(labels: LabelMap, template: LabelMap, classes: tuple[int, ...]) -> LabelMap:
    height, width = labels.shape
    matrix = _eyes_onto(_eyes(template), _eyes(labels))
    laid = cv2.warpAffine(
        template, to_opencv(matrix), (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT,
        borderValue=NOTHING,
    )  # fmt: skip
    return np.where(np.isin(laid, classes), laid, labels).astype(np.uint8)


def _eyes(labels: LabelMap) -> Points:
    """Return where the person's right and left eye are, (2, 2), (x, y) in pixels: where they usually are if hidden."""
    height, width = labels.shape
    found = []
    for name in ("r_eye", "l_eye"):
        rows, columns = np.nonzero(labels == BY_NAME[name].id)
        if len(rows):
            found.append((columns.mean() + 0.5, rows.mean() + 0.5))
    eyes = np.array(found)
    # Eyes that all but coincide or are swapped are wrong labels, and would blow a template up or turn it over.
    if len(eyes) == 2 and eyes[1, 0] - eyes[0, 0] > 0.02 * max(height, width):
        return eyes
    return points_in(whole_frame(height, width))[:2]


def _eyes_onto(source: Points, target: Points) -> NDArray[np.float64]:
    """Return the similarity, (2, 3), that brings two points onto two others."""
    (from_a, from_b), (to_a, to_b) = (points @ np.array([1, 1j]) for points in (source, target))
    turn = (to_b - to_a) / (from_b - from_a)
    shift = to_a - turn * from_a
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


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
    default = tuple(label.id for label in LABELS if label.name not in KEPT)
    return Grow(entry.label("class"), entry.share("by"), entry.labels("over", default))


def _shrink(entry: _Entry) -> Shrink:
    label, into = entry.label("class"), entry.label("into") if "into" in entry.content else None
    if into == label:
        raise entry.error('"into" is the class itself')
    return Shrink(label, entry.share("by"), into)


_KINDS: dict[str, tuple[str, str, Callable[[_Entry], Operation]]] = {
    "recolour": ("exemplar", "classes", lambda it: Recolour(it.file("exemplar"), it.labels("classes", ()))),
    "template": ("mask classes", "", _template),
    "grow": ("class by", "over", _grow),
    "shrink": ("class by", "into", _shrink),
    "relabel": ("from to", "", lambda it: Relabel(it.labels("from"), it.label("to"))),
    "remove": ("class", "", lambda it: Remove(it.label("class"))),
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
