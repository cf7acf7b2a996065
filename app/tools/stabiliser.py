"""How the brush follows the hand: its smoothed way, and its size by a pen's pressure. Knows nothing of Qt."""

import math
from typing import NamedTuple

STRING = 6.0
"""The length of the string that the brush is pulled by, in screen pixels, for each unit of smoothing."""
LEAST_SHARE = 0.05
"""The share of its size that the lightest touch leaves a brush."""
_FINE, _MOST = 16, 64
"""How many steps the hand's way is looked at in for each length of the string, so that it matters little how often the
hand is seen; and how many at most."""
_CATCHES = 8
"""In how many steps the string is drawn in at the end."""


class Place(NamedTuple):
    """Where a brush is, in mask pixels, and how hard it is pressed, 0..1."""

    x: float
    y: float
    pressure: float = 1.0


class Stabiliser:
    """Smooths the way of a hand while it moves: the brush is pulled along on a string, by a knot that is itself pulled.

    While the string is slack the brush rests, so that a hand may tremble or turn without a trace. At the end the string
    is drawn in, so that a stroke ends where the hand is.

    Parameters
    ----------
    amount
        0 (the brush is where the hand is) to 10.
    scale
        Screen pixels per mask pixel: a hand trembles as much at any zoom.
    """

    def __init__(self, amount: float, scale: float = 1.0) -> None:
        self._length = max(amount, 0.0) * STRING / scale
        self._apart = STRING / scale
        self._hand = self._knot = self._tip = self._told = Place(0.0, 0.0)

    @property
    def tip(self) -> Place:
        """Where the brush is."""
        return self._tip

    def begin(self, place: Place) -> Place:
        """Set the brush down where the hand is, and return that."""
        self._hand = self._knot = self._tip = self._told = place
        return place

    def move(self, place: Place) -> list[Place]:
        """Let the hand go on to a place, and return the places that the brush comes to, perhaps none."""
        if self._length <= 0:
            return [self.begin(place)]
        start, distance = self._hand, math.hypot(place.x - self._hand.x, place.y - self._hand.y)
        steps = max(1, math.ceil(min(distance * _FINE / self._length, _MOST)))
        passed: list[Place] = []
        for step in range(1, steps + 1):
            self._hand = place if step == steps else _between(start, place, step / steps)
            self._pull(self._length)
            self._tell(passed, step == steps)
        return passed

    def end(self) -> list[Place]:
        """Let the brush catch up with the hand, and return the places that it comes to on the way, perhaps none."""
        passed: list[Place] = []
        if self._tip[:2] != self._hand[:2]:
            for step in range(1, _CATCHES + 1):
                self._pull(self._length * (1 - step / _CATCHES))
                self._tell(passed, step == _CATCHES)
        return passed

    def _pull(self, length: float) -> None:
        self._knot = _pulled(self._knot, self._hand, length / 2)
        self._tip = _pulled(self._tip, self._knot, length / 2)

    def _tell(self, passed: list[Place], last: bool) -> None:
        """Add the brush's place if it moved: after a while, or at the end of a way."""
        distance = math.hypot(self._tip.x - self._told.x, self._tip.y - self._told.y)
        if distance >= self._apart or (last and distance > 0):
            passed.append(self._tip)
            self._told = self._tip


def _pulled(end: Place, towards: Place, length: float) -> Place:
    """Return where the end of a string of a length comes to lie when the other end is held at a place."""
    distance = math.hypot(towards.x - end.x, towards.y - end.y)
    if distance <= length:
        return end
    if length <= 0:
        return towards
    return _between(end, towards, 1 - length / distance)


def _between(one: Place, other: Place, share: float) -> Place:
    return Place(*(a + (b - a) * share for a, b in zip(one, other, strict=True)))


def radius_of(diameter: float, pressure: float = 1.0, curve: float = 1.0, enabled: bool = True) -> float:
    """Return a brush's radius in mask pixels.

    Parameters
    ----------
    diameter
        At full pressure, mask pixels.
    pressure
        Of the pen, 0..1.
    curve
        The exponent that it is raised to: below 1 a light touch counts for more, above 1 for less.
    enabled
        Whether it counts at all.
    """
    if not enabled:
        return diameter / 2
    share = max(min(max(pressure, 0.0), 1.0) ** curve, LEAST_SHARE)
    return max(diameter / 2 * share, min(diameter / 2, 0.5))
