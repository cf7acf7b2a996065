"""`engine.mask.face`: where the parts of a face lie."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.files import read_mask
from engine.mask.face import FaceGeometry, Part, midline, read_geometry
from engine.types import LabelMap
from resources import RESOURCES
from resources.labels import BY_NAME, mirrored
from tests.faces import BROW, CHIN, EYE, HALF_WIDTH, LIPS_AT, make_face

SAMPLES = RESOURCES / "samples"
SIZES = (64, 128, 512, 1024)


def geometry(labels: LabelMap) -> FaceGeometry:
    face = read_geometry(labels)
    assert face is not None
    return face


def check_part(part: Part | None, u: float, v: float, width: float, height: float, pixel: float) -> None:
    assert part is not None
    tolerance = 0.02 + 2.5 * pixel
    found = part.u, part.v, part.width, part.height
    assert found == pytest.approx((u, v, width, height), abs=tolerance)
    assert (part.left, part.right) == pytest.approx((u - width / 2, u + width / 2), abs=1.5 * tolerance)
    assert (part.top, part.bottom) == pytest.approx((v - height / 2, v + height / 2), abs=1.5 * tolerance)


@settings(deadline=None, max_examples=25)
@given(size=st.sampled_from(SIZES), tilt=st.floats(-45, 45), dx=st.floats(-0.1, 0.1), dy=st.floats(-0.05, 0.1))
def test_parts_lie_where_they_were_drawn_whatever_size_place_and_tilt(
    size: int, tilt: float, dx: float, dy: float
) -> None:
    unit, origin = size / 4.6, ((0.5 + dx) * size, (0.5 + dy) * size)
    labels = make_face(size, unit, tilt, origin)
    face, pixel = geometry(labels), 1 / unit
    assert face.origin == pytest.approx(origin, abs=0.01 * size + 0.5)
    assert face.unit == pytest.approx(unit, rel=0.02 + pixel)
    assert face.eye_distance == pytest.approx(unit, rel=0.02 + pixel)
    assert math.degrees(face.tilt) == pytest.approx(tilt, abs=0.5 + 60 * pixel)
    assert face.middle == pytest.approx(0, abs=0.02 + pixel)
    for side, eye, brow in zip((-1, 1), face.eyes, face.brows, strict=True):
        assert eye.seen
        check_part(eye, side * 0.5, 0, 2 * EYE[0], 2 * EYE[1], pixel)
        check_part(brow, side * 0.52, -0.3, 2 * BROW[0], 2 * BROW[1], pixel)
    check_part(face.nose, 0, 0.35, 0.64, 0.8, pixel)
    check_part(face.mouth, 0, LIPS_AT + 0.025, 0.84, 0.27, 1.5 * pixel)
    assert face.chin == pytest.approx(CHIN, abs=0.03 + 2 * pixel)
    assert face.width == pytest.approx(2 * HALF_WIDTH, abs=0.1 + pixel)
    assert face.sides(0.5) == pytest.approx((-HALF_WIDTH, HALF_WIDTH), abs=0.06 + 2 * pixel)
    assert face.crown < -1.4


def test_the_frame_and_the_mask_map_onto_each_other() -> None:
    face = geometry(make_face(256, tilt=20))
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-0.3, 0.7]])
    assert face.to_face(face.to_mask(points)) == pytest.approx(points, abs=1e-9)
    assert face.to_mask(points)[0] == pytest.approx(face.origin)
    across, down = face.to_mask(points)[1:3] - face.to_mask(points)[0]
    assert math.hypot(*across) == pytest.approx(face.unit)
    assert across @ down == pytest.approx(0, abs=1e-9)
    assert across[0] > 0 and down[1] > 0
    # Turned clockwise, the person's left eye is the lower one.
    assert across[1] > 0


def test_an_open_mouth_and_a_turned_head_leave_the_size_of_the_face() -> None:
    closed, open_ = geometry(make_face(512)), geometry(make_face(512, teeth=0.4))
    assert open_.unit == pytest.approx(closed.unit, rel=0.02)
    labels = make_face(512)
    # Eyes that seem closer, as when the head is turned aside.
    narrow = np.asarray(cv2.resize(labels, (360, 512), interpolation=cv2.INTER_NEAREST), np.uint8)
    turned = geometry(narrow)
    assert turned.eye_distance == pytest.approx(0.7 * closed.eye_distance, rel=0.03)
    assert turned.unit == pytest.approx(closed.unit, rel=0.05)


def test_the_middle_line_mirrors_the_face_onto_itself() -> None:
    labels = make_face(256, tilt=17)
    line = midline(labels)
    face = geometry(labels)
    assert line == face.mirror
    assert math.degrees(line.angle) == pytest.approx(17, abs=0.5)
    eyes = np.array([[eye.u, eye.v] for eye in face.eyes])
    right, left = face.to_mask(eyes).astype(np.float32)
    assert line.points(right[None])[0] == pytest.approx(left, abs=1.0)


@settings(deadline=None, max_examples=15)
@given(shift=st.integers(-30, 30), tilt=st.floats(-30, 30))
def test_the_middle_line_moves_with_the_face(shift: int, tilt: float) -> None:
    x, y = 128 + shift, 120
    line = midline(make_face(256, 50, tilt, (x, y)))
    # How far the point between the eyes lies from it.
    away = (x - line.x) * math.cos(line.angle) + (y - line.y) * math.sin(line.angle)
    assert away == pytest.approx(0, abs=1.0)
    assert math.degrees(line.angle) == pytest.approx(tilt, abs=1.0)


@pytest.mark.parametrize("name", ["collins", "exemplar"])
def test_the_middle_line_of_a_portrait_is_that_of_its_mirror_image(name: str) -> None:
    labels = read_mask(SAMPLES / f"{name}_mask.png", 512, 512)
    line, other = midline(labels), midline(mirrored(labels))
    assert other.angle == pytest.approx(-line.angle, abs=0.01)
    # Where they cross the row of the eyes.
    here, there = (each.x + (each.y - 245) * math.tan(each.angle) for each in (line, other))
    assert there == pytest.approx(512 - here, abs=3)


def test_one_part_that_is_off_hardly_bends_the_middle_line() -> None:
    labels = make_face(512)
    nose = labels == BY_NAME["nose"].id
    labels[nose] = BY_NAME["skin"].id
    labels[np.roll(nose, 40, axis=1)] = BY_NAME["nose"].id
    line = midline(labels)
    assert math.degrees(line.angle) == pytest.approx(0, abs=2)
    assert line.x == pytest.approx(256, abs=9)


@pytest.mark.parametrize("hidden, side", [("r_eye", -1), ("l_eye", 1)])
def test_an_eye_that_is_hidden_is_guessed_on_the_other_side(hidden: str, side: int) -> None:
    face = geometry(make_face(256, tilt=-10, without=(hidden,)))
    guessed, seen = face.eyes if side < 0 else face.eyes[::-1]
    assert seen.seen and not guessed.seen
    assert guessed.u - face.middle == pytest.approx(face.middle - seen.u, abs=0.02)
    assert face.to_mask(np.array([[guessed.u, guessed.v]]))[0] == pytest.approx(
        geometry(make_face(256, tilt=-10)).to_mask(np.array([[side * 0.5, 0.0]]))[0], abs=4
    )


@pytest.mark.parametrize("tilt", [0, 25])
def test_eyes_under_dark_glasses_are_guessed_inside_the_lenses(tilt: float) -> None:
    whole = geometry(make_face(512, tilt=tilt))
    labels = make_face(512, tilt=tilt, without=("r_eye", "l_eye"))
    for side in (-1, 1):
        x, y = whole.to_mask(np.array([[side * 0.52, 0.03]]))[0]
        cv2.ellipse(labels, (round(x), round(y)), (45, 38), tilt, 0, 360, BY_NAME["eye_g"].id, -1)
    x, y = np.round(whole.to_mask(np.array([[-0.4, -0.1], [0.4, -0.1]]))).astype(int).T
    cv2.line(labels, (int(x[0]), int(y[0])), (int(x[1]), int(y[1])), BY_NAME["eye_g"].id, 5)
    face = geometry(labels)
    assert face.unit == pytest.approx(whole.unit, rel=0.1)
    assert math.degrees(face.tilt) == pytest.approx(tilt, abs=2)
    for side, eye in zip((-1, 1), face.eyes, strict=True):
        assert not eye.seen
        assert (eye.u, eye.v) == pytest.approx((side * 0.5, 0), abs=0.08)


def test_a_face_without_eyes_is_told_from_nose_and_mouth() -> None:
    face = geometry(make_face(256, tilt=12, without=("r_eye", "l_eye")))
    whole = geometry(make_face(256, tilt=12))
    assert face.origin == pytest.approx(whole.origin, abs=8)
    assert face.unit == pytest.approx(whole.unit, rel=0.12)
    assert math.degrees(face.tilt) == pytest.approx(12, abs=2)
    assert [eye.seen for eye in face.eyes] == [False, False]


def test_eyes_are_told_by_where_they_are_not_by_what_they_are_called() -> None:
    whole = make_face(256)
    swapped = whole.copy()
    swapped[whole == BY_NAME["r_eye"].id] = BY_NAME["l_eye"].id
    swapped[whole == BY_NAME["l_eye"].id] = BY_NAME["r_eye"].id
    alike = np.where(whole == BY_NAME["l_eye"].id, BY_NAME["r_eye"].id, whole).astype(np.uint8)
    for labels in (swapped, alike):
        face = geometry(labels)
        assert [eye.u for eye in face.eyes] == pytest.approx([-0.5, 0.5], abs=0.03)
        assert [eye.seen for eye in face.eyes] == [True, True]


def test_specks_are_no_eyes() -> None:
    labels = make_face(512)
    labels[500:503, 20:23] = BY_NAME["r_eye"].id
    labels[5, 400] = BY_NAME["mouth"].id
    face, whole = geometry(labels), geometry(make_face(512))
    assert face.eyes == whole.eyes
    assert face.mouth == whole.mouth


@pytest.mark.parametrize("keep", [(), ("skin",), ("skin", "hair"), ("skin", "r_eye"), ("r_eye", "l_eye", "mouth")])
def test_what_is_no_face_has_no_geometry(keep: tuple[str, ...]) -> None:
    names = {name for name in BY_NAME if name not in keep}
    assert read_geometry(make_face(128, without=tuple(names))) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_masks_of_a_pixel_or_a_line_have_no_geometry(shape: tuple[int, int]) -> None:
    for label in (0, 1, 4):
        labels = np.full(shape, label, np.uint8)
        assert read_geometry(labels) is None


def test_without_parts_the_middle_line_is_that_of_the_skin_or_of_the_mask() -> None:
    labels = np.zeros((60, 100), np.uint8)
    line = midline(labels)
    assert (line.x, line.angle) == (50, 0)
    labels[10:50, 20:60] = BY_NAME["skin"].id
    line = midline(labels)
    assert (line.x, line.angle) == (pytest.approx(40, abs=1), 0)
    labels[30:40, 60:64] = BY_NAME["nose"].id
    assert midline(labels).x > 55


def test_a_profile_leans_on_nose_and_mouth() -> None:
    """Of a head seen from the side, one eye shows, and nose and mouth lie at its outline."""
    labels = np.zeros((256, 256), np.uint8)
    cv2.ellipse(labels, (130, 128), (70, 90), 0, 0, 360, BY_NAME["skin"].id, -1)
    cv2.ellipse(labels, (85, 100), (10, 6), 0, 0, 360, BY_NAME["r_eye"].id, -1)
    cv2.ellipse(labels, (62, 125), (14, 22), 0, 0, 360, BY_NAME["nose"].id, -1)
    cv2.ellipse(labels, (76, 170), (12, 8), 0, 0, 360, BY_NAME["u_lip"].id, -1)
    face = geometry(labels)
    assert 55 < face.mirror.x < 85
    assert abs(math.degrees(face.tilt)) < 30
    assert sum(eye.seen for eye in face.eyes) == 1


def test_the_outline_ends_at_hair_and_ears() -> None:
    face = geometry(make_face(512))
    rows = face.outline
    assert (np.diff(rows[:, 0]) > 0).all()
    assert (rows[:, 1] < rows[:, 2]).all()
    assert rows[0, 0] == pytest.approx(-0.8, abs=0.06)
    assert rows[-1, 0] == pytest.approx(CHIN, abs=0.06)
    # Beyond its ends, the outline is taken to be what it is there.
    assert face.sides(9) == (rows[-1, 1], rows[-1, 2])


def test_a_face_that_leaves_the_mask_is_measured_as_far_as_it_shows() -> None:
    face = geometry(make_face(256, 60, origin=(60, 100)))
    assert [eye.seen for eye in face.eyes] == [True, True]
    assert face.sides(0.5)[0] >= -1.05
    assert geometry(make_face(256, 60, origin=(128, 200))).chin < 1


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_mask_whatever_raises_and_none_is_written_to(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 48)), data.draw(st.integers(1, 48))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    coarse = rng.integers(0, 19, (data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12)))).astype(np.uint8)
    labels = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
    labels = labels.reshape(height, width)
    labels.setflags(write=False)
    line = midline(labels)
    assert math.isfinite(line.x) and abs(line.angle) < math.pi / 2
    face = read_geometry(labels)
    if face is not None:
        assert math.isfinite(face.unit) and face.unit > 0
        assert np.isfinite(face.outline).all()
        assert math.isfinite(face.chin) and math.isfinite(face.crown)
