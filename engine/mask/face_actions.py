"""Changes of a face that people ask for in words, such as a smile or longer hair, as steps of an edit."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Literal

import numpy as np

from engine.mask import face_bare, face_features, face_hair, face_mouth, face_outline, face_wear
from engine.mask.face import FaceGeometry, read_geometry
from engine.mask.face_parts import GLASSES
from engine.mask.face_tidy import tidied
from engine.mask.steps import EMPTY, Ground, Step, register
from engine.types import LabelMap, Region
from resources.labels import BY_NAME, LABEL_COUNT

Group = Literal["Mouth", "Eyes", "Brows", "Hair", "Face", "Wear"]

_HAIR, _HAT, _EARRING, _NECKLACE = (BY_NAME[name].id for name in ("hair", "hat", "ear_r", "neck_l"))

Draw = Callable[[LabelMap, FaceGeometry, float, LabelMap], Region]
"""Changes a mask in place, given its face, a strength and the portrait's own mask, and returns where."""

Possible = Callable[[LabelMap, FaceGeometry], bool]
"""Tells whether there is in a mask what an action changes."""

Change = Callable[[LabelMap, FaceGeometry, float], Region]


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """A change of a face.

    Attributes
    ----------
    name
        What it is called in files.
    title, group
        What people read, in English, and what it stands under.
    low, high
        The range of its strength, 0 changing nothing. Both are the same where there is nothing to choose but to do it.
    less, more
        What the range's ends mean, in English; empty where there is none.
    draw
        Does it.
    possible
        Whether it would change anything.
    """

    name: str
    title: str
    group: Group
    low: float
    high: float
    less: str
    more: str
    draw: Draw
    possible: Possible


def _shows(*ids: int) -> Possible:
    return lambda labels, face: bool(np.bincount(labels.ravel(), minlength=LABEL_COUNT)[list(ids)].any())


def _eyes(labels: LabelMap, face: FaceGeometry) -> bool:
    return any(eye.seen for eye in face.eyes)


def _brows(labels: LabelMap, face: FaceGeometry) -> bool:
    return any(brow is not None for brow in face.brows)


def _mouth(labels: LabelMap, face: FaceGeometry) -> bool:
    return face.mouth is not None


def _nose(labels: LabelMap, face: FaceGeometry) -> bool:
    return face.nose is not None


def _ears(labels: LabelMap, face: FaceGeometry) -> bool:
    return bool(face_wear.ear_lobes(labels, face))


def _neck(labels: LabelMap, face: FaceGeometry) -> bool:
    return face_wear.neck_line(labels, face) is not None


def _face(labels: LabelMap, face: FaceGeometry) -> bool:
    return True


def _slider(
    group: Group, name: str, title: str, less: str, more: str, change: Change, possible: Possible = _face
) -> Action:
    return Action(
        name,
        title,
        group,
        -1.0,
        1.0,
        less,
        more,
        lambda work, face, strength, _: change(work, face, strength),
        possible,
    )


def _worn(name: str, title: str, less: str, more: str, change: Change, possible: Possible = _face) -> Action:
    return Action(
        name,
        title,
        "Wear",
        0.0,
        1.0,
        less,
        more,
        lambda work, face, strength, _: change(work, face, strength),
        possible,
    )


def _removed(name: str, title: str, label: int, change: Callable[[LabelMap, FaceGeometry, LabelMap], Region]) -> Action:
    return Action(
        name, title, "Wear", -1.0, -1.0, "", "", lambda work, face, _, source: change(work, face, source), _shows(label)
    )


def _glasses(shape: str) -> Change:
    return partial(face_wear.put_on_glasses, shape=shape)


def _hat(shape: face_wear.HatShape) -> Change:
    return partial(face_wear.put_on_hat, shape=shape)


ACTIONS: tuple[Action, ...] = (
    _slider("Mouth", "smile", "Smile", "Frown", "Smile", face_mouth.smile, _mouth),
    _slider("Mouth", "open_mouth", "Open mouth", "Closed", "Open", face_mouth.open_mouth, face_mouth.has_lips),
    _slider("Mouth", "lip_fullness", "Lips", "Thinner", "Fuller", face_mouth.lip_fullness, face_mouth.has_lips),
    _slider("Eyes", "eye_size", "Eye size", "Smaller", "Larger", face_features.eye_size, _eyes),
    _slider("Eyes", "eye_opening", "Eyelids", "Closed", "Wide open", face_features.eye_opening, _eyes),
    _slider("Brows", "brow_thickness", "Brow thickness", "Thinner", "Thicker", face_features.brow_thickness, _brows),
    _slider("Brows", "brow_height", "Brow height", "Lower", "Higher", face_features.brow_height, _brows),
    _slider("Brows", "brow_slant", "Brow slant", "Worried", "Angry", face_features.brow_slant, _brows),
    _slider("Hair", "hair_length", "Hair length", "Shorter", "Longer", face_hair.hair_length, _shows(_HAIR)),
    _slider("Hair", "fringe", "Fringe", "Less", "More", face_hair.fringe, face_hair.has_hairline),
    _slider("Hair", "hair_volume", "Hair volume", "Flatter", "Fuller", face_hair.hair_volume, _shows(_HAIR)),
    _slider("Face", "face_width", "Face width", "Slimmer", "Wider", face_outline.face_width),
    _slider("Face", "nose_width", "Nose width", "Narrower", "Wider", face_features.nose_width, _nose),
    _slider("Face", "chin_length", "Chin length", "Shorter", "Longer", face_outline.chin_length),
    _worn("glasses_round", "Round glasses", "Small", "Large", _glasses("round")),
    _worn("glasses_rectangular", "Rectangular glasses", "Small", "Large", _glasses("rectangular")),
    _worn("glasses_cat_eye", "Cat-eye glasses", "Small", "Large", _glasses("cat_eye")),
    _worn("glasses_aviator", "Aviator glasses", "Small", "Large", _glasses("aviator")),
    _removed("remove_glasses", "Remove glasses", GLASSES, face_bare.take_off_glasses),
    _worn("hat_beanie", "Woollen hat", "Small", "Large", _hat("beanie")),
    _worn("hat_cap", "Cap", "Small", "Large", _hat("cap")),
    _worn("hat_brimmed", "Brimmed hat", "Narrow brim", "Wide brim", _hat("brimmed")),
    _removed("remove_hat", "Remove hat", _HAT, face_bare.take_off_hat),
    _worn("earrings", "Earrings", "Studs", "Pendants", face_wear.put_on_earrings, _ears),
    _worn("hoops", "Hoop earrings", "Small", "Large", face_wear.put_on_hoops, _ears),
    _removed("remove_earrings", "Remove earrings", _EARRING, partial(face_bare.take_off_jewellery, label=_EARRING)),
    _worn("necklace", "Necklace", "High and thin", "Low and thick", face_wear.put_on_necklace, _neck),
    _removed("remove_necklace", "Remove necklace", _NECKLACE, partial(face_bare.take_off_jewellery, label=_NECKLACE)),
)
"""All that can be done to a face, in the order in which it is shown."""

BY_ACTION: dict[str, Action] = {action.name: action for action in ACTIONS}


@register
@dataclass(frozen=True, slots=True, eq=False)
class FaceAction(Step):
    """A change of a face by what its labels tell of it; where they tell of no face, or too little, nothing is changed.

    Attributes
    ----------
    action
        A key of `BY_ACTION`.
    strength
        Within the action's range, or 0.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    kind: ClassVar[str] = "face"

    action: str
    strength: float

    def __post_init__(self) -> None:
        action = BY_ACTION.get(self.action) if isinstance(self.action, str) else None
        if action is None:
            raise ValueError(f"no change of a face is called {self.action!r}")
        if isinstance(self.strength, bool) or not isinstance(self.strength, int | float):
            raise ValueError(f"the strength is {self.strength!r}, not a number")
        strength = float(self.strength)
        if not math.isfinite(strength) or not (strength == 0 or action.low <= strength <= action.high):
            raise ValueError(
                f"{self.action} has no strength {strength:g}: it goes from {action.low:g} to {action.high:g}"
            )
        object.__setattr__(self, "strength", strength)

    @property
    def title(self) -> tuple[str, ...]:
        action = BY_ACTION[self.action]
        if action.low == action.high:
            return (action.title,)
        share = round(100 * self.strength)
        sign = "" if action.low == 0 or not share else "+" if share > 0 else "−"
        return f"{action.title} {{0}}", f"{sign}{abs(share)} %"

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        if not self.strength:
            return EMPTY
        face = read_geometry(ground.labels)
        if face is None:
            return EMPTY
        changed = BY_ACTION[self.action].draw(work, face, self.strength, ground.source)
        return tidied(ground.labels, work, changed, face.unit)


def available(action: str, labels: LabelMap) -> bool:
    """Return whether an action, a key of `BY_ACTION`, would change anything of a mask, uint8 (H, W)."""
    face = read_geometry(labels)
    return face is not None and BY_ACTION[action].possible(labels, face)


def available_actions(labels: LabelMap) -> frozenset[str]:
    """Return the names of all actions for which `available` holds, in less time than by asking for each."""
    face = read_geometry(labels)
    return frozenset() if face is None else frozenset(each.name for each in ACTIONS if each.possible(labels, face))
