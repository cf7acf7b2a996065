"""Edits of a mask as data, done to the mask of any face: `engine.edit_files` reads them.

All sizes are shares of the mask's longer side, and templates are laid on by the eyes, so that one edit fits every face.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import to_opencv
from engine.align import Points, points_in, whole_frame
from engine.mask.face_actions import FaceAction
from engine.mask.regions import given_away
from engine.mask.steps import Entry, Ground, done
from engine.types import LabelMap
from resources.labels import BY_NAME, LABEL_COUNT

NOTHING = 255
"""No class: where a template does not reach."""


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


@dataclass(frozen=True, slots=True)
class Act:
    """Do one of the face's actions: see `engine.mask.face_actions.ACTIONS`.

    Attributes
    ----------
    action
        Its name.
    strength
        How strongly, within the action's range.
    """

    action: str
    strength: float


Operation = Recolour | Template | Grow | Shrink | Relabel | Remove | Act


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
                result = (
                    given_away(result, freed, _others(label))
                    if into is None
                    else np.where(freed, np.uint8(into), result)
                )
            case Relabel(sources, target):
                result[np.isin(result, sources)] = target
            case Remove(label):
                result = given_away(result, result == label, _others(label))
            case Act(action, strength):
                ground = Ground(result, labels, np.zeros((*labels.shape, 3), np.uint8))
                result = done(ground, Entry(FaceAction(action, strength)))
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


def _others(label: int) -> tuple[int, ...]:
    return tuple(other for other in range(LABEL_COUNT) if other != label)


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
