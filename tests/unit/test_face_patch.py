"""`engine.mask.face_patch`, `face_shapes` and `face_tidy`: what changes of a face are made of."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.mask.face import FaceGeometry, read_geometry
from engine.mask.face_patch import Patch, Upright, along, chosen, filled, ramp, smoothed, widened
from engine.mask.face_shapes import band, bar, drawn, superellipse
from engine.mask.face_tidy import tidied
from engine.mask.steps import EMPTY
from engine.types import LabelMap, Region
from resources.labels import BY_NAME
from tests.faces import holds, make_face

SKIN, HAIR, NOSE, MOUTH = (BY_NAME[name].id for name in ("skin", "hair", "nose", "u_lip"))


def face_of(labels: LabelMap) -> FaceGeometry:
    face = read_geometry(labels)
    assert face is not None
    return face


@pytest.mark.parametrize("tilt", [0, 33])
def test_a_patch_knows_where_its_pixels_lie(tilt: float) -> None:
    labels = make_face(200, tilt=tilt)
    face = face_of(labels)
    patch = Patch(labels, face, (-0.3, -0.2, 0.4, 0.9))
    u, v = patch.places()
    assert u.shape == v.shape == patch.labels.shape
    rows, columns = np.mgrid[patch.region.slices]
    pixels = np.c_[columns.ravel(), rows.ravel()] + 0.5
    assert np.c_[u.ravel(), v.ravel()] == pytest.approx(face.to_face(pixels), abs=1e-4)
    assert u.min() < -0.28 and u.max() > 0.38 and v.min() < -0.18 and v.max() > 0.88


def test_a_patch_outside_the_mask_is_empty() -> None:
    labels = make_face(100)
    assert Patch(labels, face_of(labels), (50, 50, 51, 51)).region.empty


@settings(deadline=None, max_examples=20)
@given(tilt=st.floats(-45, 45), size=st.integers(60, 160))
def test_what_is_not_moved_is_sampled_as_it_is(tilt: float, size: int) -> None:
    labels = make_face(size, tilt=tilt)
    patch = Patch(labels, face_of(labels), (-1, -1, 1, 1))
    u, v = patch.places()
    for sampled in (
        patch.sampled((NOSE, SKIN), u, v),
        patch.remapped((NOSE, SKIN), *patch.smooth_map(lambda u, v: (u, v))),
    ):
        inside, found = sampled
        assert (inside == chosen(patch.labels, (NOSE, SKIN))).all()
        assert (found[inside] == patch.labels[inside]).all()
    assert (patch.covered((NOSE, SKIN), u, v) == chosen(patch.labels, (NOSE, SKIN))).all()


def test_a_smooth_map_is_that_of_every_pixel() -> None:
    labels = make_face(150, tilt=10)
    patch = Patch(labels, face_of(labels), (-1.2, -1, 1.1, 1.3))

    def source(u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return u + 0.1 * np.sin(v), v - 0.2 * u

    u, v = patch.places()
    slow, _ = patch.sampled((SKIN,), *source(u, v))
    quick, _ = patch.remapped((SKIN,), *patch.smooth_map(source))
    assert np.count_nonzero(slow != quick) <= 3


def test_a_layer_moves_and_what_it_leaves_is_filled() -> None:
    labels = make_face(200)
    face = face_of(labels)
    before = labels.copy()
    patch = Patch(labels, face, (-0.8, -0.3, 0.8, 1.4))
    u, v = patch.places()
    shift = np.float32(5 / face.unit)
    inside, found = patch.sampled((MOUTH,), u, v - shift)
    region = patch.lay(inside, found, (MOUTH,), (SKIN,), (SKIN,))
    lip = holds(before, "u_lip")
    moved = np.roll(lip, 5, axis=0)
    # It does not cover the lower lip, and skin lies where it was.
    assert (holds(labels, "u_lip") == (moved & (lip | holds(before, "skin")))).all()
    assert (labels[lip & ~moved] == SKIN).all()
    assert region == Region.of(labels != before)
    assert patch.write(patch.labels) == EMPTY


def test_an_upright_raster_sees_a_tilted_face_upright() -> None:
    box = (-1.2, -1.0, 1.2, 1.9)
    rasters = []
    for tilt in (0, -40):
        labels = make_face(400, 80, tilt)
        rasters.append(Upright(labels, face_of(labels), box, 40))
    first, second = (raster.labels for raster in rasters)
    assert first.shape == second.shape == (116, 96)
    assert np.count_nonzero(first != second) < 0.03 * first.size
    assert rasters[0].u[0] == pytest.approx(-1.2 + 1 / 80)
    assert rasters[0].v[-1] == pytest.approx(1.9 - 1 / 80)


@pytest.mark.parametrize("tilt", [0, 25])
def test_a_field_of_a_raster_comes_back_to_its_place(tilt: float) -> None:
    labels = make_face(300, tilt=tilt)
    face = face_of(labels)
    raster = Upright(labels, face, (-2, -2, 2, 2), 30)
    ring = np.hypot(raster.u[None], raster.v[:, None])
    region = Region(20, 30, 260, 290)
    back = raster.back((30 * (0.8 - ring)).astype(np.float32), region)
    rows, columns = np.mgrid[region.slices]
    wanted = np.hypot(*face.to_face(np.c_[columns.ravel(), rows.ravel()] + 0.5).T).reshape(back.shape) < 0.8
    assert np.count_nonzero(back != wanted) < 0.01 * wanted.sum()


def test_outside_the_mask_a_raster_holds_no_class() -> None:
    labels = np.full((64, 64), SKIN, np.uint8)
    face = face_of(make_face(64))
    raster = Upright(labels, face, (-9, -9, 9, 9), 10)
    assert raster.labels[0, 0] == 255
    assert not raster.holds(range(19))[0].any()


def test_the_nearest_taker_fills() -> None:
    labels = np.full((20, 40), NOSE, np.uint8)
    labels[:, :5], labels[:, -5:] = SKIN, HAIR
    rest = np.zeros(labels.shape, bool)
    rest[:, 5:35] = True
    result = filled(labels, rest, (SKIN, HAIR))
    assert (result[:, :20] == SKIN).all() and (result[:, 20:] == HAIR).all()
    assert (filled(labels, rest, (HAIR,))[:, 5:35] == HAIR).all()
    # Without any of them, all may spread.
    assert (filled(labels, rest, (MOUTH,)) == result).all()
    assert filled(labels, np.zeros_like(rest), (SKIN,)) is labels
    assert (filled(labels, np.ones_like(rest), (SKIN,)) == 0).all()


def test_large_regions_are_filled_alike_but_for_a_pixel() -> None:
    labels = np.full((801, 799), NOSE, np.uint8)
    labels[:, :100], labels[:, -100:] = SKIN, HAIR
    rest = np.zeros(labels.shape, bool)
    rest[:, 101:-101] = True
    result = filled(labels, rest, (SKIN, HAIR))
    assert (result[:, 101:398] == SKIN).all() and (result[:, 402:-101] == HAIR).all()
    assert (result[~rest] == labels[~rest]).all()


def test_profiles() -> None:
    profile = np.array([0.0, 1.0, 3.0])
    found = along(profile, 10.0, 2.0, np.array([[9.0, 10.0, 11.0, 13.0, 99.0]], np.float32))
    assert found[0] == pytest.approx([0, 0, 0.5, 2, 3], abs=0.04)
    assert smoothed(np.full(9, 2.5), 3.0) == pytest.approx(2.5)
    step = smoothed(np.repeat([0.0, 1.0], 20), 2.0)
    assert (np.diff(step) >= -1e-12).all() and 0.1 < step[19] < 0.5 < step[20] < 0.9
    assert ramp(np.array([-1, 2, 3, 4, 9], np.float32), 2, 4) == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_region_is_widened_within_the_mask() -> None:
    assert widened(Region(5, 6, 8, 9), 3, (20, 11)) == Region(2, 3, 11, 11)
    assert widened(Region(1, 1, 2, 2), 3, (20, 11)) == Region(0, 0, 5, 5)


@pytest.mark.parametrize("tilt", [0, 45])
def test_outlines_are_drawn_at_their_size(tilt: float) -> None:
    labels = make_face(400, tilt=tilt)
    face = face_of(labels)
    patch = Patch(labels, face, (-1, -1, 1, 1))
    for outline, area in (
        (superellipse(0.5, 0.3), np.pi * 0.15),
        (superellipse(0.5, 0.3, 40.0), 0.6),
        (bar(np.array([[-0.5, 0.0], [0.5, 0.0]]), 0.2), 0.2),
        (band(np.c_[np.linspace(-0.5, 0.5, 30), np.zeros(30)], 0.2), 0.2),
    ):
        pixels = drawn(patch, [outline])
        assert pixels.sum() / face.unit**2 == pytest.approx(area, rel=0.08)
        u, v = patch.places()
        assert (u[pixels].mean(), v[pixels].mean()) == pytest.approx((0, 0), abs=0.01)


def test_specks_of_a_change_go_and_others_stay() -> None:
    before = np.full((100, 100), SKIN, np.uint8)
    before[10:12, 10:12] = NOSE
    before[60:90, 60:90] = NOSE
    work = before.copy()
    work[30:50, 30:50] = HAIR
    work[40, 40] = work[41, 41] = SKIN
    work[20, 35] = HAIR
    region = tidied(before, work, Region(20, 30, 50, 50), 100.0)
    expected = before.copy()
    expected[30:50, 30:50] = HAIR
    assert (work == expected).all()
    assert region == Region(30, 30, 50, 50)


def test_all_of_a_class_is_no_speck_however_small() -> None:
    before = np.full((60, 60), SKIN, np.uint8)
    work = before.copy()
    work[30, 30] = HAIR
    assert tidied(before, work, Region(30, 30, 31, 31), 100.0) == Region(30, 30, 31, 31)
    assert work[30, 30] == HAIR


def test_small_faces_have_no_specks() -> None:
    before = np.full((60, 60), SKIN, np.uint8)
    work = before.copy()
    work[10:20, 10:20] = HAIR
    work[40, 40] = HAIR
    changed = work.copy()
    assert tidied(before, work, Region(10, 10, 41, 41), 20.0) == Region(10, 10, 41, 41)
    assert (work == changed).all()
    assert tidied(before, work, EMPTY, 200.0) == EMPTY
