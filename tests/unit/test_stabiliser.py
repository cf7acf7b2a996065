"""The brush on its string: it smooths, it ends where the hand is, and how often the hand is seen hardly matters."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tools.stabiliser import LEAST_SHARE, STRING, Place, Stabiliser, radius_of

numbers = st.floats(-500, 500)
places = st.builds(Place, numbers, numbers, st.floats(0, 1))
ways = st.lists(places, min_size=1, max_size=12)


def follow(hand, amount, scale=1.0) -> np.ndarray:
    """Return the brush's way, (N, 3), after a hand's whole way."""
    stabiliser = Stabiliser(amount, scale)
    way = [stabiliser.begin(hand[0])]
    for place in hand[1:]:
        way += stabiliser.move(place)
    return np.array(way + stabiliser.end())


def roughness(way) -> float:
    """Return how much a way turns in all, in radians."""
    steps = np.diff(way[:, :2], axis=0)
    steps = steps[np.hypot(*steps.T) > 1e-9]
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    return float(np.abs((np.diff(angles) + math.pi) % (2 * math.pi) - math.pi).sum())


def trembling(count=200) -> list[Place]:
    rng = np.random.default_rng(0)
    x = np.linspace(0, 400, count)
    y = 40 * np.sin(x / 90) + rng.normal(0, 1.5, count)
    return [Place(*place) for place in zip(x.tolist(), y.tolist(), strict=True)]


@given(ways, st.floats(0.1, 20))
def test_without_it_the_brush_is_where_the_hand_is(hand, scale):
    stabiliser = Stabiliser(0, scale)
    assert stabiliser.begin(hand[0]) == hand[0]
    for place in hand[1:]:
        assert stabiliser.move(place) == [place] and stabiliser.tip == place
    assert stabiliser.end() == []


@given(ways, st.integers(1, 10), st.floats(0.1, 20))
def test_the_brush_stays_on_its_string_and_ends_where_the_hand_is(hand, amount, scale):
    stabiliser = Stabiliser(amount, scale)
    stabiliser.begin(hand[0])
    for place in hand[1:]:
        passed = stabiliser.move(place)
        assert not passed or passed[-1] == stabiliser.tip
        apart = math.hypot(stabiliser.tip.x - place.x, stabiliser.tip.y - place.y)
        assert apart <= amount * STRING / scale + 1e-6
    passed = stabiliser.end()
    assert stabiliser.tip[:2] == hand[-1][:2]
    assert not passed or passed[-1] == stabiliser.tip
    assert stabiliser.end() == []


@given(ways, st.integers(1, 10))
def test_the_brush_stays_within_the_hands_box_and_pressures(hand, amount):
    way, given_ = follow(hand, amount), np.array(hand)
    assert (way >= given_.min(axis=0) - 1e-6).all() and (way <= given_.max(axis=0) + 1e-6).all()


def test_more_is_smoother():
    turns = [roughness(follow(trembling(), amount)) for amount in (0, 1, 3, 6, 10)]
    assert turns == sorted(turns, reverse=True) and turns[0] > 20 * turns[-1]


def test_a_hand_that_trembles_on_the_spot_leaves_a_dot():
    rng = np.random.default_rng(1)
    stabiliser = Stabiliser(5)
    stabiliser.begin(Place(0, 0))
    for x, y in rng.uniform(-8, 8, (50, 2)).tolist():
        assert stabiliser.move(Place(x, y)) == []
    assert stabiliser.tip == Place(0, 0)


@pytest.mark.parametrize("amount", [1, 4, 10])
def test_how_often_the_hand_is_seen_hardly_matters(amount):
    corner = [Place(0.0, 0.0), Place(150.0, 0.0), Place(150.0, 120.0)]
    often = [Place(float(x), 0.0) for x in range(151)] + [Place(150.0, float(y)) for y in range(1, 121)]
    tips = []
    for hand in (corner, often):
        stabiliser = Stabiliser(amount)
        stabiliser.begin(hand[0])
        for place in hand[1:]:
            stabiliser.move(place)
        tips.append(stabiliser.tip)
    assert math.dist(tips[0][:2], tips[1][:2]) < 1.0


def test_a_zoomed_view_needs_a_shorter_string():
    near, far = (Stabiliser(5, scale) for scale in (8.0, 1.0))
    for stabiliser in (near, far):
        stabiliser.begin(Place(0, 0))
        stabiliser.move(Place(20, 0))
    assert near.tip.x == pytest.approx(20 - 5 * STRING / 8) and far.tip.x == 0


def test_pressure_comes_along():
    way = follow([Place(0, 0, 0.2), Place(200, 0, 1.0)], 4)
    assert (np.diff(way[:, 2]) >= 0).all() and way[0, 2] == 0.2 and way[-1, 2] == pytest.approx(1.0)


@given(st.floats(1, 400), st.floats(-1, 2), st.floats(0.3, 3))
def test_radius_lies_between_a_hair_and_the_whole(diameter, pressure, curve):
    assert radius_of(diameter, pressure, curve, enabled=False) == diameter / 2
    radius = radius_of(diameter, pressure, curve)
    assert max(min(0.5, diameter / 2), diameter / 2 * LEAST_SHARE) <= radius <= diameter / 2


def test_radius_rises_with_pressure_along_the_curve():
    assert radius_of(100, 1.0, 2.0) == 50 and radius_of(100, 0.0, 1.0) == 50 * LEAST_SHARE
    assert radius_of(100, 0.5, 1.0) == 25 and radius_of(100, 0.5, 2.0) == 12.5
    assert radius_of(100, 0.5, 0.5) == pytest.approx(50 * math.sqrt(0.5))
    assert radius_of(4, 0.1) == 0.5 and radius_of(1, 0.0) == 0.5
