"""Which renders answer a request, and what is expected of their times."""

import pytest

from engine.progress import LARGEST_SHARE, OVERHEAD, RELIEF, SLOW_S, WEIGHT, WORTH, Times, plan

FAST, SLOW = SLOW_S / 2, SLOW_S * 5


def times(exact: float | None = None, part: float | None = None, whole: float | None = None) -> Times:
    """Return times as expected: ``part`` is the seconds of a tenth of the picture."""
    known = Times()
    for _ in range(2):
        if exact is not None:
            known.note("exact", exact)
    for _ in range(2):
        if part is not None:
            known.note("part", part, 0.1)
        if whole is not None:
            known.note("whole", whole)
    return known


# The plan


@pytest.mark.parametrize("share", [None, 0.01, LARGEST_SHARE, 1.0])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("known", [times(), times(FAST), times(FAST, FAST / 10, FAST / 10)])
def test_a_fast_network_draws_exactly_what_the_hand_has_finished(
    known: Times, share: float | None, whole: bool
) -> None:
    assert plan(known, False, share, whole) == ("exact",)


def test_a_moving_hand_sees_the_part_first() -> None:
    for known in (times(), times(FAST), times(SLOW), times(FAST, FAST / 10)):
        assert plan(known, True, 0.1, False) == ("part", "exact")


def test_a_large_part_is_not_drafted() -> None:
    assert plan(times(FAST), True, LARGEST_SHARE, True) == ("part", "exact")
    assert plan(times(FAST), True, LARGEST_SHARE + 1e-6, True) == ("exact",)
    assert plan(times(SLOW), True, LARGEST_SHARE + 1e-6, True) == ("whole", "exact")
    assert plan(times(SLOW), True, LARGEST_SHARE + 1e-6, False) == ("exact",)


def test_without_a_part_a_slow_network_drafts_the_whole_if_it_can() -> None:
    for moving in (False, True):
        assert plan(times(SLOW), moving, None, True) == ("whole", "exact")
        assert plan(times(SLOW), moving, None, False) == ("exact",)
        assert plan(times(FAST), moving, None, True) == ("exact",)
        assert plan(times(), moving, None, True) == ("exact",)


def test_a_slow_network_drafts_for_a_resting_hand_too() -> None:
    assert plan(times(SLOW), False, 0.1, True) == ("part", "exact")
    assert plan(times(SLOW, whole=SLOW / 4), False, 0.9, True) == ("whole", "exact")


def test_drafts_that_are_hardly_quicker_are_not_made() -> None:
    assert plan(times(FAST, WORTH * FAST * 0.99), True, 0.1, False) == ("part", "exact")
    assert plan(times(FAST, WORTH * FAST * 1.01), True, 0.1, False) == ("exact",)
    assert plan(times(SLOW, SLOW, SLOW / 2), True, 0.1, True) == ("whole", "exact")
    assert plan(times(SLOW, SLOW, SLOW), True, 0.1, True) == ("exact",)


# Times


def test_nothing_is_known_at_first() -> None:
    known = Times()
    assert [known.expected(kind) for kind in ("exact", "whole", "part")] == [None] * 3
    assert not known.slow and known.worth("part") and known.worth("whole")


def test_the_first_measurement_gives_way_and_later_ones_are_averaged() -> None:
    known = Times()
    known.note("exact", 9.0)
    assert known.expected("exact") == 9.0 and known.slow
    known.note("exact", 0.05)
    assert known.expected("exact") == 0.05 and not known.slow
    known.note("exact", 0.15)
    assert known.expected("exact") == pytest.approx(0.05 + WEIGHT * 0.1)


def test_no_kind_is_judged_by_its_first_measurement() -> None:
    known = times(FAST)
    for worth in (True, False):
        known.note("part", 9.0, 0.1)
        assert known.worth("part", 0.1) is worth


def test_a_part_takes_time_by_its_size_and_some_in_any_case() -> None:
    known = times(part=0.02)
    assert known.expected("part", 0.1) == pytest.approx(0.02)
    assert known.expected("part", 0.3) == pytest.approx(0.02 * (0.3 + OVERHEAD) / (0.1 + OVERHEAD))
    assert known.expected("exact") is None


def test_what_was_slow_once_is_tried_again() -> None:
    known = times(FAST, FAST)
    assert not known.worth("part", 0.1)
    for _ in range(20):
        if known.worth("part", 0.1):
            break
        known.note("exact", FAST)
    assert known.worth("part", 0.1)
    assert known.expected("part", 0.1) == pytest.approx(FAST * RELIEF**3)
