"""The view: zoom, pan, rotation and flip, and what stays where it is under each of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QSizeF

from app.view import MARGIN, MAX_SCALE, ViewModel

SIZE, PANE = (512, 400), QSizeF(600, 450)

angles = st.one_of(st.integers(-24, 24).map(lambda step: 15.0 * step), st.floats(-400, 400))
scales = st.floats(0.3, 60)
points = st.tuples(st.floats(0, SIZE[0]), st.floats(0, SIZE[1])).map(lambda place: QPointF(*place))


def make_view(rotation=0.0, flipped=False, scale=None, centre=None):
    view = ViewModel()
    view.set_image_size(*SIZE)
    view.set_viewport("pane", PANE)
    view.set_rotation(rotation)
    if flipped:
        view.flip()
    if scale is not None:
        view.set_scale(scale)
    if centre is not None:
        view.look_at(centre)
    return view


def on_screen(view, point):
    place = view.transform(PANE).map(point)
    return np.array([place.x(), place.y()])


def near(one, other, within=1e-6):
    return np.abs(np.asarray(one) - np.asarray(other)).max() <= within


@settings(deadline=None)
@given(angles, st.booleans(), scales, points, points)
def test_screen_and_picture_are_each_others_inverse(rotation, flipped, scale, centre, point):
    view = make_view(rotation, flipped, scale, centre)
    assert -180 < view.rotation <= 180
    x, y = on_screen(view, point)
    back = view.to_image(QPointF(x, y), PANE)
    assert near((back.x(), back.y()), (point.x(), point.y()))
    assert near(on_screen(view, view.centre), (300, 225))


@settings(deadline=None)
@given(angles, st.booleans(), scales)
def test_a_step_in_the_picture_is_scaled_flipped_and_turned(rotation, flipped, scale):
    view = make_view(0, flipped, scale)
    view.set_rotation(rotation)
    start = on_screen(view, QPointF(100, 100))
    angle = math.radians(rotation)
    sign = -1 if flipped else 1
    right = sign * view.scale * np.array([math.cos(angle), math.sin(angle)])
    down = view.scale * np.array([-math.sin(angle), math.cos(angle)])
    assert near(on_screen(view, QPointF(101, 100)) - start, right)
    assert near(on_screen(view, QPointF(100, 101)) - start, down)


@settings(deadline=None)
@given(angles, st.booleans(), scales, st.floats(0.5, 2), points)
def test_zoom_keeps_its_point(rotation, flipped, scale, factor, point):
    view = make_view(rotation, flipped, scale, QPointF(256, 200))
    # Near the centre, which is kept on the picture.
    about = view.centre + (point - view.centre) * 0.3
    before = on_screen(view, about)
    view.zoom_about(about, factor)
    assert near(on_screen(view, about), before)


@settings(deadline=None)
@given(angles, angles, st.booleans(), points)
def test_rotation_keeps_its_point_and_the_scale(first, second, flipped, point):
    view = make_view(first, flipped, 3.0, QPointF(256, 200))
    about = view.centre + (point - view.centre) * 0.3
    before, rotation = on_screen(view, about), view.rotation
    view.rotate_by(second, about)
    assert near(on_screen(view, about), before) and view.scale == 3.0
    assert math.isclose(math.cos(math.radians(view.rotation - rotation - second)), 1, abs_tol=1e-9)


@settings(deadline=None)
@given(angles, st.booleans(), st.floats(-90, 90), st.floats(-90, 90))
def test_pan_moves_along_the_screen(rotation, flipped, dx, dy):
    view = make_view(rotation, flipped, 4.0, QPointF(256, 200))
    before = on_screen(view, QPointF(250, 210))
    view.pan(dx, dy)
    assert near(on_screen(view, QPointF(250, 210)) - before, (dx, dy))


@settings(deadline=None)
@given(angles, st.booleans(), points)
def test_flip_mirrors_what_is_seen(rotation, flipped, point):
    view = make_view(rotation, flipped, 2.0, QPointF(200, 150))
    x, y = on_screen(view, point)
    view.flip()
    assert view.flipped != flipped
    assert near(on_screen(view, point), (PANE.width() - x, y))
    view.flip()
    assert near(on_screen(view, point), (x, y)) and view.flipped == flipped


@settings(deadline=None)
@given(angles, st.booleans())
def test_fit_shows_all_and_wastes_nothing(rotation, flipped):
    view = make_view(rotation, flipped)
    view.fit()
    assert view.fitted
    corners = np.array([on_screen(view, QPointF(x, y)) for x in (0, SIZE[0]) for y in (0, SIZE[1])])
    low, high = corners.min(axis=0), corners.max(axis=0)
    room = np.array([PANE.width(), PANE.height()])
    assert (low >= MARGIN - 1e-6).all() and (high <= room - MARGIN + 1e-6).all()
    assert near(np.min(room - 2 * MARGIN - (high - low)), 0)
    assert near(low + high, room)


def test_the_smallest_pane_decides():
    view = make_view()
    alone = view.scale
    view.set_viewport("other", QSizeF(300, 450))
    assert view.scale == pytest.approx((300 - 2 * MARGIN) / SIZE[0])
    assert view.scale < alone
    view.set_viewport("other", None)
    assert view.scale == alone
    view.set_viewport("other", QSizeF(5, 5))
    assert view.scale > 0


def test_rotation_lets_a_fitted_picture_be_and_finds_it_again():
    view = make_view()
    scale = view.scale
    view.rotate_by(30)
    assert view.scale == scale and not view.fitted
    view.set_viewport("pane", QSizeF(500, 450))
    assert view.scale == scale
    view.set_viewport("pane", PANE)
    view.reset_rotation()
    assert view.rotation == 0 and view.fitted
    view.rotate_by(30, QPointF(0, 0))
    view.reset_rotation()
    assert not view.fitted


def test_another_picture_is_upright_and_fitted():
    view = make_view(40, True, 9)
    view.set_image_size(100, 300)
    assert (view.rotation, view.flipped, view.fitted) == (0, False, True)
    assert (view.centre.x(), view.centre.y()) == (50, 150)
    with pytest.raises(ValueError):
        view.set_image_size(0, 3)


def test_zoom_and_pan_have_limits():
    view = make_view()
    fit = view.fit_scale
    view.set_scale(1e6)
    assert view.scale == MAX_SCALE
    view.set_scale(1e-6)
    assert view.scale == pytest.approx(fit / 4)
    view.set_rotation(45)
    view.set_scale(1e-6)
    assert view.scale <= fit / 4
    view.reset_rotation()
    view.pan(1e6, -1e6)
    assert (view.centre.x(), view.centre.y()) == (0, SIZE[1])


@pytest.mark.parametrize(
    ("degrees", "rotation"), [(180, 180), (-180, 180), (190, -170), (360, 0), (-15, -15), (735, 15), (180.5, -179.5)]
)
def test_rotation_is_told_the_short_way_round(degrees, rotation):
    assert make_view(degrees).rotation == rotation


def test_four_quarters_are_exactly_one_turn():
    view = make_view()
    before = view.transform(PANE)
    for _ in range(24):
        view.rotate_by(15)
    assert view.rotation == 0 and view.transform(PANE) == before


def test_changes_are_told_once_and_nothing_else_is():
    view = make_view(0, False, 2.0)
    told = []
    view.changed.connect(lambda: told.append(view.rotation))
    view.rotate_by(0)
    view.rotate_by(360)
    view.reset_rotation()
    view.set_scale(2.0)
    view.pan(0, 0)
    view.look_at(view.centre)
    assert told == []
    view.rotate_by(15)
    view.flip()
    view.pan(1, 0)
    assert told == [15, -15, -15]
