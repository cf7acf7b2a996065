"""`engine.mask.face_actions`: what changes of a face do to its mask, and what they leave alone."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.files import read_mask
from engine.mask.face import FaceGeometry
from engine.mask.face_actions import ACTIONS, BY_ACTION, FaceAction, available, available_actions
from engine.mask.steps import EMPTY, Entry, Ground, Protection, done, read_step
from engine.types import LabelMap
from resources import RESOURCES
from resources.labels import BY_NAME, mirrored
from tests.faces import BROWS, EYES, LIPS, acted, count, geometry, holds, make_face, pieces, places

SLIDERS = [action.name for action in ACTIONS if action.low < 0 < action.high]
WORN = [action.name for action in ACTIONS if action.low == 0]
REMOVALS = {"remove_glasses": "eye_g", "remove_hat": "hat", "remove_earrings": "ear_r", "remove_necklace": "neck_l"}
BEHIND = ("background", "cloth", "neck", "hair")

TOUCHED: dict[str, tuple[str, ...]] = {
    "smile": (*LIPS, "skin"),
    "open_mouth": (*LIPS, "skin", *BEHIND),
    "lip_fullness": (*LIPS, "skin"),
    "eye_size": (*EYES, "skin"),
    "eye_opening": (*EYES, "skin"),
    "brow_thickness": (*BROWS, "skin"),
    "brow_height": (*BROWS, "skin"),
    "brow_slant": (*BROWS, "skin"),
    "hair_length": ("hair", "l_ear", "r_ear", "background", "cloth", "neck"),
    "fringe": ("hair", "skin", *BROWS),
    "hair_volume": ("hair", "background", "cloth", "neck"),
    "face_width": ("skin", "l_ear", "r_ear", *BEHIND),
    "nose_width": ("nose", "skin"),
    "chin_length": ("skin", *BEHIND),
    **dict.fromkeys(
        (name for name in WORN if "glasses" in name), ("eye_g", "skin", "nose", "background", "l_ear", "r_ear")
    ),
    **dict.fromkeys((name for name in WORN if "hat" in name), ("hat", "skin", "hair", "background", "l_ear", "r_ear")),
    **dict.fromkeys(("earrings", "hoops"), ("ear_r", "skin", "l_ear", "r_ear", *BEHIND)),
    "necklace": ("neck_l", "neck"),
}
"""The classes that an action may take pixels from or give them to, where nothing is worn."""


def corners_above_middle(labels: LabelMap, face: FaceGeometry) -> float:
    uv = places(labels, face, *LIPS)
    low, high = np.percentile(uv[:, 0], [4, 96])
    ends = uv[(uv[:, 0] < low) | (uv[:, 0] > high)]
    return float(uv[np.abs(uv[:, 0]) < 0.1][:, 1].mean() - ends[:, 1].mean())


def extent(axis: int, *names: str) -> Callable[[LabelMap, FaceGeometry], float]:
    return lambda labels, face: float(np.ptp(places(labels, face, *names)[:, axis]))


def lowest(*names: str) -> Callable[[LabelMap, FaceGeometry], float]:
    return lambda labels, face: float(np.percentile(places(labels, face, *names)[:, 1], 99.5))


def area(*names: str) -> Callable[[LabelMap, FaceGeometry], float]:
    return lambda labels, face: float(count(labels, *names))


def inner_ends_below_outer(labels: LabelMap, face: FaceGeometry) -> float:
    uv = places(labels, face, *BROWS)
    aside = np.abs(uv[:, 0])
    return float(uv[aside < 0.4][:, 1].mean() - uv[aside > 0.64][:, 1].mean())


def hairline(labels: LabelMap, face: FaceGeometry) -> float:
    uv = places(labels, face, "skin")
    return float(uv[np.abs(uv[:, 0]) < 0.2][:, 1].min())


GROWING: dict[str, Callable[[LabelMap, FaceGeometry], float]] = {
    "smile": corners_above_middle,
    "open_mouth": area("mouth"),
    "lip_fullness": area("u_lip", "l_lip"),
    "eye_size": area(*EYES),
    "eye_opening": extent(1, *EYES),
    "brow_thickness": area(*BROWS),
    "brow_height": lambda labels, face: -float(places(labels, face, *BROWS)[:, 1].mean()),
    "brow_slant": inner_ends_below_outer,
    "hair_length": lowest("hair"),
    "fringe": hairline,
    "hair_volume": area("hair"),
    "face_width": area("skin"),
    "nose_width": extent(0, "nose"),
    "chin_length": lowest("skin"),
    "glasses_round": area("eye_g"),
    "glasses_rectangular": area("eye_g"),
    "glasses_cat_eye": area("eye_g"),
    "glasses_aviator": area("eye_g"),
    "hat_beanie": area("hat"),
    "hat_cap": area("hat"),
    "hat_brimmed": area("hat"),
    "earrings": lowest("ear_r"),
    "hoops": lowest("ear_r"),
    "necklace": lowest("neck_l"),
}
"""What of a mask grows with an action's strength."""


def test_the_table_is_sound() -> None:
    assert len(BY_ACTION) == len(ACTIONS)
    assert len({action.title for action in ACTIONS}) == len(ACTIONS)
    assert {action.group for action in ACTIONS} == {"Mouth", "Eyes", "Brows", "Hair", "Face", "Wear"}
    assert {action.name for action in ACTIONS} == {*GROWING, *REMOVALS}
    # Each group is shown as one.
    groups = [action.group for action in ACTIONS]
    assert groups == sorted(groups, key=groups.index)
    for action in ACTIONS:
        assert (action.low, action.high) in ((-1, 1), (0, 1), (-1, -1))
        assert bool(action.less) == bool(action.more) == (action.low < action.high)


@pytest.mark.parametrize(
    "action, strength, title",
    [
        ("smile", 0.4, ("Smile {0}", "+40 %")),
        ("smile", -0.255, ("Smile {0}", "−26 %")),
        ("smile", 0, ("Smile {0}", "0 %")),
        ("hair_length", 1, ("Hair length {0}", "+100 %")),
        ("glasses_round", 0.5, ("Round glasses {0}", "50 %")),
        ("remove_hat", -1, ("Remove hat",)),
    ],
)
def test_titles(action: str, strength: float, title: tuple[str, ...]) -> None:
    assert FaceAction(action, strength).title == title


@pytest.mark.parametrize(
    "action, strength",
    [
        ("grin", 0.5), ("", 0.5), (None, 0.5), (["smile"], 0.5), ("smile", 1.01), ("smile", -1.01),
        ("smile", float("nan")), ("smile", float("inf")), ("smile", True), ("smile", "1"), ("smile", None),
        ("necklace", -0.1), ("remove_hat", 1), ("remove_hat", -0.5),
    ],
)  # fmt: skip
def test_what_is_no_action_is_refused(action: str, strength: float) -> None:
    with pytest.raises(ValueError):
        FaceAction(action, strength)


@settings(deadline=None, max_examples=30)
@given(action=st.sampled_from(SLIDERS), strength=st.floats(-1, 1))
def test_steps_survive_a_file(action: str, strength: float) -> None:
    step = FaceAction(action, strength)
    read = read_step(step.data())
    assert isinstance(read, FaceAction)
    assert (read.action, read.strength) == (action, strength)
    assert read_step({"kind": "face", "action": action, "strength": 1}).data()["strength"] == 1.0


@pytest.mark.parametrize("action", [action.name for action in ACTIONS])
def test_without_strength_nothing_changes(action: str) -> None:
    labels = make_face(96, teeth=0.1)
    ground, work = Ground(labels, labels, np.zeros((96, 96, 3), np.uint8)), labels.copy()
    assert FaceAction(action, 0).draw(ground, work, 0) == EMPTY
    assert (work == labels).all()


@settings(deadline=None, max_examples=120)
@given(
    action=st.sampled_from([*SLIDERS, *WORN]),
    strength=st.floats(0.05, 1),
    less=st.booleans(),
    tilt=st.floats(-45, 45),
    teeth=st.sampled_from([0.0, 0.15]),
    size=st.sampled_from([64, 200]),
)
def test_an_action_touches_its_own_classes_alone(
    action: str, strength: float, less: bool, tilt: float, teeth: float, size: int
) -> None:
    labels = make_face(size, size / 4.8, tilt, teeth=teeth)
    if less and action in SLIDERS:
        strength = -strength
    result = acted(labels, action, strength)
    changed = result != labels
    touched = [BY_NAME[name].id for name in TOUCHED[action]]
    assert set(np.unique(labels[changed])) <= set(touched)
    # A speck that is cut off goes to whatever surrounds it.
    assert (changed & ~np.isin(result, touched)).sum() <= SPECK


SPECK = 6


@pytest.mark.parametrize("tilt", [0, -35])
@pytest.mark.parametrize("action", [*SLIDERS, *WORN])
def test_effects_grow_with_the_strength(action: str, tilt: float) -> None:
    labels = make_face(360, 70, tilt, teeth=0.12 if action in ("smile", "open_mouth") else 0)
    face = geometry(labels)
    low = BY_ACTION[action].low
    strengths = [s for s in (-1, -0.6, -0.25, 0.25, 0.6, 1) if s >= low]
    found = [GROWING[action](acted(labels, action, s), face) for s in strengths]
    if low < 0:
        found.insert(3, GROWING[action](labels, face))
    assert found == sorted(found)
    # No step of the slider is lost, either.
    assert len(set(found)) >= len(found) - 1


@settings(deadline=None, max_examples=30)
@given(action=st.sampled_from([*SLIDERS, *WORN]), strength=st.floats(0.3, 1), less=st.booleans())
def test_a_symmetric_face_stays_symmetric(action: str, strength: float, less: bool) -> None:
    labels = make_face(240)
    assert (mirrored(labels) == labels).all()
    result = acted(labels, action, -strength if less and action in SLIDERS else strength)
    image = mirrored(result)
    for label in np.unique(result):
        # Each class lies where its twin's image does, but for a pixel at its border.
        near = cv2.dilate((result == label).astype(np.uint8), np.ones((3, 3)))
        assert np.count_nonzero((image == label) & (near == 0)) <= 10


@pytest.mark.parametrize("action", ["smile", "open_mouth", "brow_height", "chin_length", "face_width", "nose_width"])
@pytest.mark.parametrize("tilt", [-40, 30])
def test_a_tilted_face_moves_along_its_own_axes(action: str, tilt: float) -> None:
    upright, tilted = make_face(400, 80), make_face(400, 80, tilt)
    for strength in (-0.8, 0.8):
        results = [(acted(labels, action, strength), geometry(labels)) for labels in (upright, tilted)]
        for names in (LIPS, BROWS, ("nose",), ("skin",)):
            here, there = (places(result, face, *names) for result, face in results)
            assert there.mean(axis=0) == pytest.approx(here.mean(axis=0), abs=0.02)
            assert np.ptp(there, axis=0) == pytest.approx(np.ptp(here, axis=0), abs=0.06)


@pytest.mark.parametrize("action", SLIDERS)
@pytest.mark.parametrize("size", [128, 512])
def test_parts_stay_in_one_piece(action: str, size: int) -> None:
    labels = make_face(size, teeth=0.1)
    for strength in (-1, -0.4, 0.4, 1):
        result = acted(labels, action, strength)
        for names in (LIPS, ("u_lip",), ("l_lip",), ("nose",), ("skin", "nose", *EYES, *BROWS, *LIPS), ("l_eye",)):
            assert pieces(result, *names) == pieces(labels, *names) == 1
        if action != "fringe":
            for names in (("r_eye",), ("l_brow",), ("r_brow",)):
                assert pieces(result, *names) == 1
        # Nothing of what lies behind shows through the face.
        inside = cv2.erode(holds(labels, "skin", *LIPS, "nose").astype(np.uint8), np.ones((size // 4, size // 4)))
        assert not np.isin(result[inside > 0], [BY_NAME["background"].id, BY_NAME["neck"].id]).any()


NEEDED = {
    "smile": LIPS, "open_mouth": ("u_lip",), "lip_fullness": ("l_lip",), "eye_size": EYES, "eye_opening": EYES,
    "brow_thickness": BROWS, "brow_height": BROWS, "brow_slant": BROWS, "hair_length": ("hair",), "fringe": ("hair",),
    "hair_volume": ("hair",), "nose_width": ("nose",), "necklace": ("neck",),
    "earrings": ("l_ear", "r_ear", "hair"), "hoops": ("l_ear", "r_ear", "hair"),
}  # fmt: skip


@pytest.mark.parametrize("action", NEEDED)
def test_what_needs_a_missing_part_is_not_available_and_changes_nothing(action: str) -> None:
    labels = make_face(200, 40, without=NEEDED[action])
    assert action not in available_actions(labels)
    for strength in (BY_ACTION[action].low, BY_ACTION[action].high):
        assert (acted(labels, action, strength) == labels).all()
    whole = make_face(200, 40)
    assert action in available_actions(whole)
    assert (acted(whole, action, 1) != whole).any()


@pytest.mark.parametrize("action, worn", REMOVALS.items())
def test_what_is_not_worn_cannot_be_taken_off(action: str, worn: str) -> None:
    labels = make_face(128)
    assert not available(action, labels)
    assert (acted(labels, action, -1) == labels).all()
    labels[60:64, 60:64] = BY_NAME[worn].id
    assert available(action, labels)


@pytest.mark.parametrize("labels", [np.zeros((40, 50), np.uint8), make_face(64, without=(*EYES, "nose", *LIPS))])
def test_without_a_face_nothing_is_available(labels: LabelMap) -> None:
    assert available_actions(labels) == frozenset()
    for action in ACTIONS:
        assert not available(action.name, labels)
        assert (acted(labels, action.name, action.low or action.high) == labels).all()


def test_available_says_the_same_for_one_and_for_all() -> None:
    labels = make_face(128, without=("hair", "l_brow", "r_brow"))
    assert available_actions(labels) == {action.name for action in ACTIONS if available(action.name, labels)}


@pytest.mark.parametrize("name", ["collins", "exemplar"])
def test_all_that_is_available_changes_a_portrait_and_leaves_its_face(name: str) -> None:
    labels = read_mask(RESOURCES / "samples" / f"{name}_mask.png", 512, 512)
    possible = available_actions(labels)
    assert possible >= {*SLIDERS, *(each for each in WORN if each not in ("necklace",))}
    for action in sorted(possible):
        for strength in {BY_ACTION[action].low or 0.5, BY_ACTION[action].high}:
            result = acted(labels, action, strength)
            assert (result != labels).any()
            face = geometry(result)
            assert all(eye.seen for eye in face.eyes)
            assert face.mouth is not None and face.nose is not None
            assert pieces(result, *LIPS) == 1


@settings(deadline=None, max_examples=60)
@given(
    action=st.sampled_from(list(BY_ACTION)),
    more=st.booleans(),
    x=st.floats(-0.1, 1.1),
    y=st.floats(-0.1, 1.1),
    height=st.integers(20, 120),
    width=st.integers(20, 120),
    worn=st.sampled_from([None, "eye_g", "hat", "ear_r", "neck_l"]),
)
def test_faces_at_the_border_of_masks_of_any_shape(
    action: str, more: bool, x: float, y: float, height: int, width: int, worn: str | None
) -> None:
    labels = make_face((height, width), 24, origin=(x * width, y * height))
    if worn is not None:
        labels[height // 3 : height // 3 + 6] = BY_NAME[worn].id
    kind = BY_ACTION[action]
    acted(labels, action, kind.high if more else kind.low or 0.1)


@settings(deadline=None, max_examples=60)
@given(action=st.sampled_from(list(BY_ACTION)), seed=st.integers(0, 2**32 - 1), noise=st.floats(0, 0.9))
def test_noise_raises_nothing(action: str, seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    labels = make_face(72, teeth=0.1)
    spoilt = rng.random(labels.shape) < noise
    labels[spoilt] = rng.integers(0, 19, labels.shape)[spoilt]
    acted(labels, action, BY_ACTION[action].low or 1)


def test_locked_classes_stay() -> None:
    labels = make_face(200)
    ground = Ground(labels, labels, np.zeros((200, 200, 3), np.uint8))
    hat = FaceAction("hat_brimmed", 1)
    result = done(ground, Entry(hat, Protection(locked=(BY_NAME["hair"].id,))))
    assert count(result, "hair") == count(labels, "hair")
    assert count(result, "hat") > 0
