"""The box around a change, and how its draft goes into the last exact render."""

import logging

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.drafting import FAILURES, LARGEST_CHANGE, Drafting, Exact, Inputs, Part, box_around, margin_of, pasted
from engine.progress import LARGEST_SHARE, Times
from engine.types import CancelledError, ModelError, Region, StyleCode
from tests.drafting_fakes import FAST_S, LONG_S, SetTimes
from tests.fakes import DRAFT_ERROR, FakeGenerator

SIDE, STEP, HAIR = 128, 16, 13
PIXELS = np.full((SIDE, SIDE, 3), 90, np.uint8)
STYLE = StyleCode(np.linspace(0, 1, 9, dtype=np.float32), "fake")


def inputs(change: Region | None = None, **options) -> Inputs:
    labels, region = np.ones((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.float32)
    if change is not None:
        labels[change.slices] = HAIR
        region[change.slices] = 1
    return Inputs(labels, options.get("style", STYLE), options.get("pixels", PIXELS), region)


SMALL, LARGE = Region(40, 50, 48, 60), Region(8, 8, 120, 120)


def ready(**options) -> tuple[Drafting, FakeGenerator]:
    """Return a fast generator that has rendered the unchanged labels exactly."""
    generator = FakeGenerator(size=SIDE, step=STEP, **options)
    drafting = Drafting(generator)
    drafting.times = SetTimes()
    drafting.decode(inputs())
    return drafting, generator


def part_of(drafting: Drafting, given: Inputs) -> Part:
    part = drafting.plan(given, moving=True)
    assert isinstance(part, Part)
    return part


# The box


def test_the_margin_is_a_sixteenth_of_the_longer_side() -> None:
    assert [margin_of(shape) for shape in ((512, 512), (256, 256), (256, 512), (64, 64), (16, 16))] == [
        32,
        16,
        32,
        4,
        4,
    ]


@given(st.integers(0, 95), st.integers(0, 159), st.integers(1, 60), st.integers(1, 60), st.sampled_from((8, 16, 32)))
def test_the_box_holds_change_and_margin_on_the_grid(y: int, x: int, height: int, width: int, step: int) -> None:
    changed = np.zeros((96, 160), bool)
    changed[y : y + height, x : x + width] = True
    tight, box = Region.of(changed), box_around(changed, step)
    for low, high, inner_low, inner_high, side in (
        (box.y0, box.y1, tight.y0, tight.y1, 96),
        (box.x0, box.x1, tight.x0, tight.x1, 160),
    ):
        assert low % step == 0 and high % step == 0 and 0 <= low < high <= side
        assert low == 0 or inner_low - 10 - step < low <= inner_low - 10
        assert high == side or inner_high + 10 <= high < inner_high + 10 + step


# Pasting


@given(st.integers(0, 127), st.integers(0, 127), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_the_draft_shows_on_the_change_and_nowhere_beyond_the_rim(y: int, x: int, size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    base = random.uniform(-1, 1, (SIDE, SIDE, 3)).astype(np.float32)
    changed = np.zeros((SIDE, SIDE), bool)
    changed[y : y + size, x : x + size] = True
    box = box_around(changed, STEP)
    draft = random.uniform(-1, 1, base[box.slices].shape).astype(np.float32)
    before = base.copy()
    result = pasted(Part(Exact(inputs(), base), changed, box), draft)
    assert np.array_equal(base, before)
    whole = np.full_like(base, np.nan)
    whole[box.slices] = draft
    np.testing.assert_allclose(result[changed], whole[changed], atol=1e-6)
    away = cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    assert np.array_equal(result[away >= 6], base[away >= 6])
    rim = (away > 0) & (away < 6)
    low, high = np.minimum(base, whole)[rim], np.maximum(base, whole)[rim]
    assert (result[rim] >= low - 1e-6).all() and (result[rim] <= high + 1e-6).all()


@pytest.mark.parametrize("place", [Region(50, 50, 60, 70), Region(0, 0, 5, 5), Region(100, 126, 128, 128)])
def test_the_rim_has_no_seam(place: Region) -> None:
    base = np.zeros((SIDE, SIDE, 3), np.float32)
    changed = np.zeros((SIDE, SIDE), bool)
    changed[place.slices] = True
    box = box_around(changed, STEP)
    result = pasted(Part(Exact(inputs(), base), changed, box), np.ones_like(base[box.slices]))
    # From 1 to 0 over half of the margin of 8 pixels: no step is larger than a quarter, diagonals included.
    assert max(np.abs(np.diff(result, axis=axis)).max() for axis in (0, 1)) <= 0.25 + 1e-6
    inside = result[box.slices]
    for edge, inner in ((inside[0], box.y0 > 0), (inside[-1], box.y1 < SIDE),
                        (inside[:, 0], box.x0 > 0), (inside[:, -1], box.x1 < SIDE)):  # fmt: skip
        assert not inner or not edge.any(), "the box's own edge must not show"


# Against a generator


def test_a_draft_is_the_last_exact_render_outside_and_the_generators_inside() -> None:
    drafting, generator = ready()
    base, given = drafting.known(inputs()), inputs(SMALL)
    part = part_of(drafting, given)
    image = drafting.draft(given, part)
    assert base is not None and image is not None
    assert generator.drafted == [box_around(part.changed, STEP)] == [Region(32, 32, 64, 80)]
    exact = FakeGenerator(size=SIDE).decode(given.labels, STYLE, PIXELS, given.region)
    np.testing.assert_allclose(image[SMALL.slices], exact[SMALL.slices] - DRAFT_ERROR, atol=1e-6)
    outside = np.ones((SIDE, SIDE), bool)
    outside[part.box.slices] = False
    assert np.array_equal(image[outside], base[outside])
    # A draft is no exact render: the next one starts from the same.
    assert drafting.known(inputs()) is base and drafting.known(given) is None
    longer = inputs(Region(40, 50, 48, 70))
    assert part_of(drafting, longer).exact.image is base


def test_what_counts_as_changed_is_labels_and_region() -> None:
    before, after = inputs(), inputs(SMALL)
    changed = after.changed(before)
    assert changed is not None and Region.of(changed) == SMALL
    region = before.region.copy()
    region[0, 0] = 1
    changed = Inputs(before.labels, STYLE, PIXELS, region).changed(before)
    assert changed is not None and np.argwhere(changed).tolist() == [[0, 0]]


@pytest.mark.parametrize(
    "options",
    [
        {"style": StyleCode(STYLE.vector + 1, "fake")},
        {"style": StyleCode(STYLE.vector, "another")},
        {"pixels": PIXELS.copy()},
    ],
    ids=["style", "model", "picture"],
)
def test_another_style_model_or_picture_has_no_part(options) -> None:
    drafting, _ = ready()
    given = inputs(SMALL, **options)
    assert given.changed(inputs()) is None
    assert drafting.plan(given, moving=True) is False and len(list(drafting.preparations(given))) == 1
    assert drafting.known(inputs(**options)) is None
    # The same style, computed once more, is the same.
    assert not list(drafting.preparations(inputs(style=StyleCode(STYLE.vector.copy(), "fake"))))


def test_where_much_has_changed_there_is_no_part() -> None:
    drafting, _ = ready()
    drafting.times = SetTimes(LONG_S)
    side = int((LARGEST_CHANGE * SIDE**2) ** 0.5)
    few, many = (Region(40, 40, 40 + side, 40 + side + more) for more in (0, 3))
    assert isinstance(drafting.plan(inputs(few), moving=True), Part)
    assert drafting.plan(inputs(many), moving=True) is False


def test_a_stroke_that_begins_elsewhere_is_drafted_from_where_it_begins() -> None:
    drafting, generator = ready()
    before = generator.decoded
    for prepare in drafting.preparations(inputs(SMALL)):
        prepare()
    assert generator.decoded == before + 1 and drafting.known(inputs(SMALL)) is not None


def test_a_forgotten_render_is_no_ground() -> None:
    drafting, _ = ready()
    drafting.forget()
    assert drafting.known(inputs()) is None and len(list(drafting.preparations(inputs()))) == 1
    assert drafting.plan(inputs(SMALL), moving=True) is False


def test_a_large_change_is_drafted_whole_where_that_is_quicker() -> None:
    drafting, generator = ready(drafts="int8")
    assert LARGE.y1 - LARGE.y0 > LARGEST_SHARE * SIDE
    drafting.times = Times()
    drafting.times.note("exact", FAST_S)
    assert drafting.plan(inputs(LARGE), moving=True) is False, "the first one takes long"
    drafting.times = SetTimes()
    assert drafting.plan(inputs(LARGE), moving=True) is True
    assert drafting.plan(inputs(LARGE), moving=False) is False, "the exact one is quick enough"
    image = drafting.draft(inputs(LARGE))
    assert generator.drafted == [None] and image is not None
    exact = generator.decode(inputs(LARGE).labels, STYLE, PIXELS, inputs(LARGE).region)
    np.testing.assert_allclose(image, exact - DRAFT_ERROR, atol=1e-6)


def test_a_generator_that_cannot_draft_is_not_asked() -> None:
    drafting = Drafting(FakeGenerator(size=SIDE))
    drafting.decode(inputs())
    drafting.times = SetTimes(LONG_S)
    assert drafting.plan(inputs(SMALL), moving=True) is False and not list(drafting.preparations(inputs(SMALL)))
    assert drafting.draft(inputs(SMALL)) is None


def test_its_times_are_measured() -> None:
    drafting = Drafting(FakeGenerator(size=SIDE, step=STEP, drafts="int8"))
    drafting.decode(inputs())
    assert drafting.times.expected("exact") and drafting.times.expected("part") is None
    drafting.draft(inputs(SMALL), part_of(drafting, inputs(SMALL)))
    assert drafting.times.expected("part", 0.1) and drafting.times.expected("whole") is None
    drafting.draft(inputs(LARGE))
    assert drafting.times.expected("whole")


@pytest.mark.parametrize(
    ("drafts", "exact", "expected"),
    [
        ("", LONG_S, [Region(48, 48, 80, 80)]),
        ("int8", LONG_S, [Region(48, 48, 80, 80), None]),
        ("int8", FAST_S, [Region(48, 48, 80, 80), None]),
        ("", FAST_S, [Region(48, 48, 80, 80)]),
    ],
)
def test_what_may_be_needed_is_made_ready_once(drafts: str, exact: float, expected: list[Region | None]) -> None:
    generator = FakeGenerator(size=SIDE, step=STEP, drafts=drafts)
    drafting = Drafting(generator)
    given = inputs()
    for prepare in drafting.preparations(given):
        prepare()
        for _ in range(20):
            drafting.times.note("exact", exact)
    assert generator.decoded == 1 and generator.drafted == expected
    base = drafting.known(given)
    np.testing.assert_array_equal(base, generator.decode(given.labels, STYLE, PIXELS, given.region))
    assert not list(drafting.preparations(given))


# Failures


def fail(*_: object) -> None:
    raise RuntimeError("no")


def spoilt(*_: object) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), np.nan, np.float32)


@pytest.mark.parametrize("bad", [fail, spoilt])
def test_after_two_failures_in_a_row_no_more_drafts_are_asked_for(
    bad, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    drafting, generator = ready(drafts="int8")
    drafting.times = SetTimes(LONG_S)
    given, part, good = inputs(SMALL), part_of(drafting, inputs(SMALL)), generator.draft
    with caplog.at_level(logging.WARNING, "engine.drafting"):
        # One that succeeds in between starts the count anew.
        for act in (bad, good, *[bad] * FAILURES):
            assert drafting.plan(given, moving=True)
            monkeypatch.setattr(generator, "draft", act)
            assert (drafting.draft(given, part) is None) == (act is bad)
    assert len(caplog.records) == 1 + FAILURES
    assert drafting.plan(given, moving=True) is False and drafting.plan(inputs(LARGE), moving=True) is False
    assert not list(drafting.preparations(inputs(style=StyleCode(STYLE.vector + 1, "fake"))))


def test_a_generator_that_has_no_draft_just_now_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    drafting, generator = ready()
    part = part_of(drafting, inputs(SMALL))
    monkeypatch.setattr(generator, "draft", lambda *_: None)
    for _ in range(2 * FAILURES):
        assert drafting.draft(inputs(SMALL), part) is None
    assert drafting.plan(inputs(SMALL), moving=True)


def test_a_cancelled_render_leaves_the_last_one_and_a_failed_one_does_not() -> None:
    drafting, generator = ready()
    generator.failure = CancelledError()
    with pytest.raises(CancelledError):
        drafting.decode(inputs(SMALL))
    assert drafting.known(inputs()) is not None and drafting.plan(inputs(SMALL), moving=True)
    generator.failure = None
    generator.spoil = True
    with pytest.raises(ModelError, match="not finite"):
        drafting.decode(inputs(SMALL))
    assert drafting.known(inputs()) is None and drafting.plan(inputs(SMALL), moving=True) is False


def test_a_cancelled_draft_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    drafting, generator = ready()
    part = part_of(drafting, inputs(SMALL))

    def cancelled(*_: object) -> None:
        raise CancelledError

    monkeypatch.setattr(generator, "draft", cancelled)
    for _ in range(2 * FAILURES):
        with pytest.raises(CancelledError):
            drafting.draft(inputs(SMALL), part)
    assert drafting.plan(inputs(SMALL), moving=True)
