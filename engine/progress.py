"""What is rendered first, what after that, and how long it takes: drafts while the hand moves, then the exact picture.

A slow network is to answer a hand at once, and a fast one is not to waste time on drafts that the exact picture would
replace before anybody has seen them. Which of them a network is depends on the machine, so it is measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from engine.types import RenderResult

PAUSE_S = 0.12
"""The hand rests if it has asked for nothing new for so long."""
SLOW_S = 0.1
"""An exact render that takes longer is felt: drafts go before it, and a newer request ends it."""
LARGEST_SHARE = 0.35
"""A part that is larger, as a share of the picture, is not drafted by itself: too much of it would be wrong."""
WORTH = 0.8
"""A draft is made if it takes less than this share of the exact render's time."""
OVERHEAD = 1 / 16
"""What any part costs beyond its pixels, as a share of the picture: a network's calls and small layers."""
WEIGHT = 0.3
"""Of the newest measurement in the averages."""
RELIEF = 0.9
"""By so much the expected times of drafts shrink with each exact render, so that what was slow once is tried again."""

Kind = Literal["part", "whole", "exact"]
"""A draft of a part, a draft of the whole picture, or the exact render."""


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One of the renders that answer a request.

    Attributes
    ----------
    render
        Makes it. None if there is nothing to show, or what comes next is to be shown instead.
    wait
        How many seconds without a newer request must pass before.
    optional
        Whether it is left out once there is a newer request: something of this one has been shown.
    slow
        Whether it is worth ending on the way, with `engine.generate.Generator.cancel`.
    """

    render: Callable[[], RenderResult | None]
    wait: float = 0.0
    optional: bool = False
    slow: bool = False


class Times:
    """How long a generator takes, from what it took: exponential averages of the network's seconds.

    The first measurement of a kind counts for nothing once there is another, nor is a kind judged by it: it includes
    what is done only once.
    """

    def __init__(self) -> None:
        self._means: dict[Kind, float] = {}
        self._counts: dict[Kind, int] = {}

    def note(self, kind: Kind, seconds: float, share: float = 1.0) -> None:
        """Take note of a render; ``share`` is how much of the picture a part was, 0..1."""
        value = seconds / (share + OVERHEAD) if kind == "part" else seconds
        count = self._counts.get(kind, 0)
        self._counts[kind] = count + 1
        self._means[kind] = value if count < 2 else (1 - WEIGHT) * self._means[kind] + WEIGHT * value
        if kind == "exact":
            for draft in ("part", "whole"):
                if draft in self._means:
                    self._means[draft] *= RELIEF

    def expected(self, kind: Kind, share: float = 1.0) -> float | None:
        """Return how many seconds a render will take; None if that is not known."""
        mean = self._means.get(kind)
        return mean * (share + OVERHEAD) if kind == "part" and mean is not None else mean

    @property
    def slow(self) -> bool:
        """Whether exact renders are known to take longer than `SLOW_S`."""
        exact = self.expected("exact")
        return exact is not None and exact > SLOW_S

    def worth(self, kind: Kind, share: float = 1.0) -> bool:
        """Tell whether a draft is so much quicker than the exact render that it is worth making, as far as known."""
        draft, exact = self.expected(kind, share), self.expected("exact")
        return self._counts.get(kind, 0) < 2 or draft is None or exact is None or draft < WORTH * exact


def plan(times: Times, moving: bool, share: float | None, whole: bool) -> tuple[Kind, ...]:
    """Choose the renders that answer a request.

    Parameters
    ----------
    times
        What is known of the generator.
    moving
        Whether the hand is still moving.
    share
        How much of the picture the part is that has changed, 0..1; None if parts cannot be drafted.
    whole
        Whether the whole can be drafted.

    Returns
    -------
    tuple
        In order; the last one is always ``"exact"``.
    """
    if not moving and not times.slow:
        return ("exact",)
    if share is not None and share <= LARGEST_SHARE and times.worth("part", share):
        return ("part", "exact")
    # The first one takes long, as back ends make it ready then: not in the middle of a drag that needs none.
    if whole and times.worth("whole") and (times.slow or times.expected("whole") is not None):
        return ("whole", "exact")
    return ("exact",)
