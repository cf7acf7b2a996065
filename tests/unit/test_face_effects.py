"""`engine.mask.face_actions`: what each change of a face does to it, and what taking things off brings back."""

import cv2
import numpy as np
import pytest

from engine.mask.face_actions import ACTIONS, available
from resources.labels import BY_NAME
from tests.faces import BROWS, EYES, LIPS, acted, apart, count, geometry, holds, make_face, pieces, places

GLASSES = [action.name for action in ACTIONS if action.name.startswith("glasses")]
HATS = [action.name for action in ACTIONS if action.name.startswith("hat")]


def test_both_eyes_keep_their_classes_and_sides() -> None:
    labels = make_face(256)
    for action in ("eye_size", "eye_opening", "brow_height", "brow_slant"):
        result = acted(labels, action, 0.7)
        for name in (*EYES, *BROWS):
            columns = np.nonzero(holds(result, name))[1]
            assert (columns < 128).all() if name.startswith("r_") else (columns >= 128).all()


def test_a_smile_draws_the_corners_apart_and_a_frown_down() -> None:
    labels = make_face(512)
    face = geometry(labels)
    still, smile, frown = (places(acted(labels, "smile", s), face, *LIPS) for s in (0, 1, -1))
    assert np.ptp(smile[:, 0]) > 1.05 * np.ptp(still[:, 0])
    ends = [uv[np.abs(uv[:, 0]) > 0.9 * np.abs(uv[:, 0]).max()][:, 1].mean() for uv in (frown, still, smile)]
    assert ends[0] > ends[1] + 0.05 and ends[2] < ends[1] - 0.05


def test_a_mouth_opens_between_its_lips_and_closes_again() -> None:
    labels = make_face(512)
    opened = acted(labels, "open_mouth", 1)
    face = geometry(labels)
    teeth, upper, lower = (places(opened, face, name) for name in ("mouth", "u_lip", "l_lip"))
    middle = [uv[np.abs(uv[:, 0]) < 0.05][:, 1] for uv in (upper, teeth, lower)]
    assert middle[0].max() < middle[1].min() and middle[1].max() < middle[2].min()
    assert np.ptp(middle[1]) > 0.2
    # The jaw follows, less than the lip.
    assert 0.05 < geometry(opened).chin - face.chin < 0.2
    closed = acted(opened, "open_mouth", -1)
    assert count(closed, "mouth") == 0
    assert count(closed, "u_lip", "l_lip") > 0.7 * count(labels, "u_lip", "l_lip")
    assert (acted(labels, "open_mouth", -1) == labels).all()


def test_closed_eyes_are_slits_on_the_lower_lid() -> None:
    labels = make_face(512)
    face = geometry(labels)
    eyes, closed = (places(each, face, "l_eye") for each in (labels, acted(labels, "eye_opening", -1)))
    assert np.ptp(closed[:, 1]) < 0.35 * np.ptp(eyes[:, 1])
    assert np.ptp(closed[:, 0]) > 0.85 * np.ptp(eyes[:, 0])
    assert closed[:, 1].mean() > eyes[:, 1].mean()


def test_brows_neither_slip_under_hair_nor_into_eyes() -> None:
    labels = make_face(512)
    low = acted(labels, "fringe", 0.6)
    assert 0 < count(low, *BROWS) <= count(labels, *BROWS)
    raised = acted(low, "brow_height", 1)
    assert count(raised, *BROWS) > 0.85 * count(low, *BROWS)
    lowered = acted(labels, "brow_height", -1)
    assert count(lowered, *EYES) == count(labels, *EYES)
    assert count(lowered, *BROWS) > 0.97 * count(labels, *BROWS)


def test_long_hair_hangs_beside_the_face_and_not_over_it() -> None:
    labels = make_face(512, 100, origin=(256, 200))
    long = acted(labels, "hair_length", 1)
    front = holds(labels, "skin", *EYES, *BROWS, "nose", *LIPS)
    assert (long[front] == labels[front]).all()
    uv = places(long, geometry(labels), "hair")
    below = uv[uv[:, 1] > 1.6]
    assert len(below) > 1000
    # Under the chin, the neck shows.
    assert (np.abs(below[:, 0]) > 0.3).all()


def test_cut_hair_leaves_what_is_behind_it() -> None:
    labels = acted(make_face(512, 100, origin=(256, 200)), "hair_length", 0.8)
    short = acted(labels, "hair_length", -1)
    assert np.percentile(places(short, geometry(labels), "hair")[:, 1], 99.5) < 0.7
    gone = holds(labels, "hair") & ~holds(short, "hair")
    assert set(np.unique(short[gone])) <= {BY_NAME[name].id for name in ("background", "neck", "cloth")}


def test_a_full_fringe_covers_the_brows_and_no_eye() -> None:
    labels = make_face(512)
    full = acted(labels, "fringe", 1)
    assert count(full, *BROWS) == 0
    assert count(full, *EYES) == count(labels, *EYES)
    # It hangs together with the other hair.
    assert pieces(full, "hair") <= pieces(labels, "hair")


def test_face_width_leaves_eyes_nose_and_mouth() -> None:
    labels = make_face(400)
    features = holds(labels, *EYES, *BROWS, *LIPS, "nose")
    for strength, sign in ((1, 1), (-1, -1)):
        result = acted(labels, "face_width", strength)
        assert (holds(result, *EYES, *BROWS, *LIPS, "nose") == features).all()
        assert sign * (geometry(result).width - geometry(labels).width) > 0.1
        # Ears go with it.
        ears = [np.abs(places(each, geometry(labels), "l_ear", "r_ear")[:, 0]).mean() for each in (labels, result)]
        assert sign * (ears[1] - ears[0]) > 0.05


@pytest.mark.parametrize("name", GLASSES)
@pytest.mark.parametrize("tilt", [0, 30])
def test_glasses_sit_around_the_eyes_which_show(name: str, tilt: float) -> None:
    labels = make_face(512, tilt=tilt)
    face = geometry(labels)
    result = acted(labels, name, 0.5)
    for part in (*EYES, *BROWS):
        assert (holds(result, part) == holds(labels, part)).all()
    uv = places(result, face, "eye_g")
    assert uv.mean(axis=0) == pytest.approx((0, 0.03), abs=0.08)
    eyes = holds(labels, *EYES).astype(np.uint8)
    around = (cv2.dilate(eyes, np.ones((9, 9))) > 0) & (eyes == 0)
    assert holds(result, "eye_g")[around].all()
    # Two lenses and a bridge are one.
    assert pieces(result, "eye_g", *EYES) == 1
    assert apart(acted(result, "remove_glasses", -1, labels), labels) <= 8
    bare = acted(result, "remove_glasses", -1)
    assert count(bare, "eye_g") == 0
    assert apart(bare, labels) < 0.12 * count(result, "eye_g")


def test_other_glasses_take_the_place_of_those_worn() -> None:
    labels = make_face(256)
    once, twice = acted(labels, "glasses_round", 0.3), acted(acted(labels, "glasses_aviator", 1), "glasses_round", 0.3)
    assert np.count_nonzero(holds(once, "eye_g") != holds(twice, "eye_g")) < 0.05 * count(once, "eye_g")


def test_eyes_and_brows_come_out_from_under_dark_glasses() -> None:
    labels = make_face(512, tilt=15)
    dark = acted(labels, "glasses_aviator", 1)
    dark[holds(labels, *EYES, *BROWS)] = BY_NAME["eye_g"].id
    bare = acted(dark, "remove_glasses", -1)
    assert count(bare, "eye_g") == 0
    face = geometry(labels)
    for side, name in ((-1, "r_eye"), (1, "l_eye"), (-1, "r_brow"), (1, "l_brow")):
        here, there = places(labels, face, name), places(bare, face, name)
        assert there.mean(axis=0) == pytest.approx(here.mean(axis=0), abs=0.12)
        assert np.sign(there[:, 0]).tolist() == [side] * len(there)
    # What the portrait's own mask has there is known better.
    assert apart(acted(dark, "remove_glasses", -1, labels), labels) <= 8


@pytest.mark.parametrize("name", HATS)
def test_hats_sit_above_the_brows_and_come_off_again(name: str) -> None:
    labels = make_face(512, 100, tilt=-12, origin=(256, 260))
    for strength in (0.1, 1):
        result = acted(labels, name, strength)
        for part in (*EYES, *BROWS, "nose", *LIPS, "cloth"):
            assert (holds(result, part) == holds(labels, part)).all()
        assert pieces(result, "hat") == 1
        uv = places(result, geometry(labels), "hat")
        assert np.abs(uv[:, 0].mean()) < 0.05
        assert uv[:, 1].max() < 0
        # No hair is left above it.
        hair = places(result, geometry(labels), "hair")
        assert hair[:, 1].min() > -0.9
        assert apart(acted(result, "remove_hat", -1, labels), labels) <= 20
        bare = acted(result, "remove_hat", -1)
        assert count(bare, "hat") == 0
        assert count(bare, "hair") > 0.6 * count(labels, "hair")
        assert apart(bare, labels) < 0.35 * count(result, "hat")


@pytest.mark.parametrize("name", ["earrings", "hoops"])
def test_earrings_hang_from_the_ears(name: str) -> None:
    labels = make_face(512)
    face = geometry(labels)
    result = acted(labels, name, 0.6)
    assert pieces(result, "ear_r") == 2
    uv = places(result, face, "ear_r")
    assert np.abs(uv[:, 0]) == pytest.approx(1.08, abs=0.3)
    assert uv[:, 1].min() == pytest.approx(0.62, abs=0.12)
    assert uv[:, 1].max() < 1.2
    assert apart(acted(result, "remove_earrings", -1, labels), labels) <= 8
    assert apart(acted(result, "remove_earrings", -1), labels) < 0.6 * count(result, "ear_r")


def test_earrings_peek_out_of_hair_that_hides_the_ears() -> None:
    labels = acted(make_face(512, 100, origin=(256, 200)), "hair_length", 0.6)
    assert count(labels, "l_ear", "r_ear") < 400
    assert pieces(acted(labels, "earrings", 0.5), "ear_r") == 2
    short = make_face(256, without=("l_ear", "r_ear", "hair"))
    assert not available("earrings", short)
    assert (acted(short, "earrings", 0.5) == short).all()


def test_a_necklace_lies_on_the_neck() -> None:
    labels = make_face(512, 90, origin=(256, 180))
    result = acted(labels, "necklace", 0.5)
    worn = holds(result, "neck_l")
    assert worn.any() and (labels[worn] == BY_NAME["neck"].id).all()
    assert pieces(result, "neck_l") == 1
    # From one side of the neck to the other, lowest in the middle.
    uv = places(result, geometry(labels), "neck_l")
    assert np.ptp(uv[:, 0]) > 1.1
    assert uv[np.abs(uv[:, 0]) < 0.1][:, 1].mean() > uv[np.abs(uv[:, 0]) > 0.5][:, 1].mean() + 0.05
    assert apart(acted(result, "remove_necklace", -1, labels), labels) <= 8
    assert apart(acted(result, "remove_necklace", -1), labels) < 0.05 * np.count_nonzero(worn)
