"""What a session answers a request with, step by step."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from engine.align import cut_out
from engine.photo import photo_of
from engine.progress import PAUSE_S, Pass
from engine.session import Session
from engine.types import Alignment, CancelledError, LabelMap, ModelError, Portrait, RenderRequest, RenderResult
from resources.labels import BY_NAME
from tests.drafting_fakes import FAST_S, LONG_S, SetTimes
from tests.fakes import FakeGenerator, make_portrait

HAIR, HAT = BY_NAME["hair"].id, BY_NAME["hat"].id
SIDE = 128
"""Of pictures, masks and network: nothing is scaled."""


@pytest.fixture(autouse=True)
def times(monkeypatch: pytest.MonkeyPatch) -> SetTimes:
    known = SetTimes(FAST_S)
    monkeypatch.setattr("engine.drafting.Times", lambda: known)
    return known


def opened(portrait: Portrait | None = None, **options) -> tuple[Session, FakeGenerator, Portrait]:
    portrait = portrait or make_portrait(SIDE)
    generator = FakeGenerator(size=SIDE, step=options.pop("step", 16), **options)
    session = Session(generator)
    session.open(portrait)
    return session, generator, portrait


def stroke(portrait: Portrait, length: int, row: int = 20, label: int = HAT) -> LabelMap:
    labels = portrait.labels.copy()
    labels[row : row + 4, 20 : 20 + length] = label
    return labels


def asked(labels: LabelMap, moving: bool = False, **options) -> RenderRequest:
    return RenderRequest(0, 0, labels, moving=moving, **options)


def run(session: Session, request: RenderRequest) -> list[tuple[Pass, RenderResult | None]]:
    return [(each, each.render()) for each in session.passes(request)]


def kinds(session: Session, request: RenderRequest) -> list[str]:
    return ["draft" if result.draft else "exact" for _, result in run(session, request) if result is not None]


def last(session: Session, request: RenderRequest) -> np.ndarray:
    result = run(session, request)[-1][1]
    assert result is not None and not result.draft and result.image is not None
    return result.image


def fresh(portrait: Portrait, request: RenderRequest, **options) -> np.ndarray:
    """Return what a session renders that has rendered nothing before."""
    image = opened(portrait, **options)[0].render(request).image
    assert image is not None
    return image


# Order


def test_a_moving_hand_gets_a_draft_and_after_a_pause_the_exact_picture() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    request = asked(stroke(portrait, 20), moving=True)
    (first, draft), (second, exact) = run(session, request)
    assert (first.wait, first.optional, first.slow) == (0.0, False, False)
    assert (second.wait, second.optional, second.slow) == (PAUSE_S, True, False)
    assert draft is not None and exact is not None and draft.draft and not exact.draft
    assert draft.request is request and exact.request is request
    assert set(draft.timings) == set(exact.timings) == {"encode", "decode", "compose", "total"}
    assert exact.image is not None and np.array_equal(exact.image, fresh(portrait, request))
    assert draft.image is not None and not np.array_equal(draft.image, exact.image)
    assert len(generator.drafted) == 1 and generator.decoded == 2


def test_the_pause_can_be_chosen() -> None:
    session, _, portrait = opened()
    session.pause = 7.0
    last(session, asked(stroke(portrait, 10)))
    assert run(session, asked(stroke(portrait, 20), moving=True))[-1][0].wait == 7.0


def test_a_fast_network_answers_a_resting_hand_exactly_at_once() -> None:
    session, generator, portrait = opened(drafts="int8")
    last(session, asked(stroke(portrait, 10)))
    ((only, result),) = run(session, asked(stroke(portrait, 20)))
    assert result is not None and not result.draft
    assert (only.wait, only.optional, only.slow) == (0.0, False, False) and not generator.drafted


def test_a_slow_network_drafts_for_a_resting_hand_and_goes_on_at_once(times: SetTimes) -> None:
    times.exact = LONG_S
    session, generator, portrait = opened(drafts="int8")
    # Without an exact render to lay a part into, the whole is drafted.
    for labels, box in ((stroke(portrait, 10), False), (stroke(portrait, 20), True), (portrait.labels * 0, False)):
        (first, draft), (second, exact) = run(session, asked(labels))
        assert draft is not None and draft.draft and exact is not None and not exact.draft
        assert (first.wait, first.optional, first.slow) == (0.0, False, False)
        assert (second.wait, second.optional, second.slow) == (0.0, True, True)
        assert (generator.drafted[-1] is not None) == box


def test_without_any_draft_the_exact_picture_is_not_optional(times: SetTimes) -> None:
    times.exact = LONG_S
    session, _, portrait = opened(step=0)
    for length in (10, 20):
        ((only, result),) = run(session, asked(stroke(portrait, length), moving=True))
        assert result is not None and not result.draft
        assert (only.wait, only.optional, only.slow) == (0.0, False, True)


def test_a_large_change_in_a_drag_is_rendered_exactly_by_a_fast_network() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 4)))
    labels = portrait.labels.copy()
    labels[8:120, 8:120] = HAIR
    assert kinds(session, asked(labels, moving=True)) == ["exact"] and not generator.drafted
    # And is what the next drafts go into.
    labels = labels.copy()
    labels[60:64, 60:64] = HAT
    assert kinds(session, asked(labels, moving=True))[0] == "draft"


# The end of a drag


def test_when_the_hand_lets_go_a_draft_is_not_made_twice() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    drag = session.passes(asked(stroke(portrait, 20), moving=True))
    assert next(drag).render() is not None
    ((only, result),) = run(session, asked(stroke(portrait, 20)))
    assert result is not None and not result.draft and only.wait == 0.0 and only.optional
    assert len(generator.drafted) == 1


def test_a_draft_that_something_else_has_replaced_is_made_again() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    for between in (portrait.labels, stroke(portrait, 10), stroke(portrait, 24)):
        drag = session.passes(asked(stroke(portrait, 20), moving=True))
        result = next(drag).render()
        assert result is not None and result.draft
        next(iter(session.passes(asked(between)))).render()
    assert len(generator.drafted) == 3


def test_an_exact_picture_is_not_rendered_twice() -> None:
    session, generator, portrait = opened()
    image = last(session, asked(stroke(portrait, 20), moving=True))
    request = RenderRequest(0, 5, stroke(portrait, 20))
    ((only, result),) = run(session, request)
    assert result is not None and result.image is image and result.request is request and not only.optional
    assert generator.decoded == 1
    # Seen otherwise it is composed anew, from the same render.
    raw = last(session, asked(stroke(portrait, 20), composite=False))
    assert generator.decoded == 1 and np.array_equal(raw, fresh(portrait, asked(request.labels, composite=False)))


def test_errors_of_drafts_do_not_add_up_in_a_long_drag() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 4)))
    for length in range(8, 60, 8):
        drag = session.passes(asked(stroke(portrait, length), moving=True))
        result = next(drag).render()
        assert result is not None and result.draft
        alone, _, _ = opened(portrait)
        last(alone, asked(stroke(portrait, 4)))
        once = next(alone.passes(asked(stroke(portrait, length), moving=True))).render()
        assert once is not None and once.image is not None and result.image is not None
        assert np.array_equal(once.image, result.image)
    boxes = [box for box in generator.drafted if box is not None]
    assert len(boxes) == 7 and all(late.x1 >= early.x1 for early, late in pairwise(boxes))
    assert generator.decoded == 1


# What a draft looks like


@pytest.mark.parametrize("composite", [True, False])
def test_outside_the_box_a_draft_is_the_last_exact_picture(composite: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    # A class's colour is matched by its mean, which a change anywhere moves a little.
    monkeypatch.setattr("engine.session.match_colours", lambda image, *_: image)
    session, generator, portrait = opened()
    first = stroke(portrait, 10, row=100)
    before = last(session, asked(first, composite=composite))
    labels = first.copy()
    labels[20:24, 20:40] = HAT
    draft = next(session.passes(asked(labels, moving=True, composite=composite))).render()
    assert draft is not None and draft.draft and draft.image is not None
    (box,) = generator.drafted
    assert box is not None
    outside = np.ones((SIDE, SIDE), bool)
    outside[box.slices] = False
    assert np.array_equal(draft.image[outside], before[outside])
    exact = last(session, asked(labels, composite=composite))
    apart = np.abs(draft.image.astype(int) - exact)
    assert apart.max() <= 4, "a fake's draft is a little darker"
    assert apart[20:24, 20:40].min() > 0


def test_a_whole_photo_is_drafted_too() -> None:
    pixels = make_portrait((300, 400)).pixels
    alignment = Alignment((200.0, 150.0), (60.0, 0.0))
    crop, photo = cut_out(pixels, alignment, SIDE), photo_of(Image.fromarray(pixels), "photo")
    portrait = Portrait(crop, make_portrait(SIDE).labels.copy(), "crop", photo, alignment)
    session, _, _ = opened(portrait)
    last(session, asked(stroke(portrait, 10, row=60), whole=True))
    results = [result for _, result in run(session, asked(stroke(portrait, 20, row=60), moving=True, whole=True))]
    draft, exact = results
    assert draft is not None and exact is not None and draft.draft
    assert draft.image is not None and exact.image is not None
    assert draft.image.shape == exact.image.shape == portrait.overview.shape
    assert not np.array_equal(draft.image, portrait.overview)
    assert np.abs(draft.image.astype(int) - exact.image).max() <= 4


# What drafts are not made from


def other_style(session: Session, portrait: Portrait) -> dict:
    return {"exemplar": make_portrait(SIDE, seed=5)}


def other_classes(session: Session, portrait: Portrait) -> dict:
    return {"exemplar": make_portrait(SIDE, seed=5), "classes": (HAIR,)}


def other_model(session: Session, portrait: Portrait) -> dict:
    session.use(FakeGenerator("other", size=SIDE, step=16))
    return {}


def other_portrait(session: Session, portrait: Portrait) -> dict:
    session.open(make_portrait(SIDE, seed=9))
    return {}


@pytest.mark.parametrize("change", [other_style, other_classes, other_model, other_portrait])
def test_after_another_style_model_or_portrait_the_first_picture_is_exact(
    change: Callable[[Session, Portrait], dict],
) -> None:
    session, _, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    options = change(session, portrait)
    assert kinds(session, asked(stroke(portrait, 20), moving=True, **options)) == ["exact"]
    assert kinds(session, asked(stroke(portrait, 30), moving=True, **options)) == ["draft", "exact"]


@pytest.mark.parametrize("composite", [True, False])
def test_composition_is_no_matter_of_the_network(composite: bool) -> None:
    session, _, portrait = opened()
    last(session, asked(stroke(portrait, 10), composite=not composite))
    request = asked(stroke(portrait, 20), moving=True, composite=composite)
    assert kinds(session, request) == ["draft", "exact"]
    assert np.array_equal(last(session, request), fresh(portrait, request))


def test_what_another_render_leaves_is_what_the_next_draft_is_made_from() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    session.render(asked(stroke(portrait, 20, row=50)))  # an earlier step, to compare with
    assert kinds(session, asked(stroke(portrait, 14), moving=True))[0] == "draft"
    (box,) = generator.drafted
    assert box is not None and box.y0 <= 20 and box.y1 >= 54, "it goes from there to here"


# Exports


def test_exports_are_rendered_exactly_whatever_has_been_drafted() -> None:
    session, generator, portrait = opened(drafts="int8")
    last(session, asked(stroke(portrait, 10)))
    for composite in (True, False):
        request = asked(stroke(portrait, 20 + composite), moving=True, composite=composite)
        draft = next(session.passes(request)).render()
        assert draft is not None and draft.draft
        decoded = generator.decoded
        exported = session.export(request)
        assert generator.decoded == decoded + 1
        assert np.array_equal(exported, opened(portrait)[0].export(request))
    patch = session.patch(request)
    other = opened(portrait)[0].patch(request)
    assert patch is not None and other is not None and np.array_equal(patch.colours, other.colours)
    # What is left of the drag needs no more from the network.
    drafted = len(generator.drafted)
    assert kinds(session, request) == ["exact"] and generator.decoded == decoded + 2
    assert len(generator.drafted) == drafted


# Before the first stroke


def test_the_unedited_portrait_is_shown_at_once_and_then_rendered_for_the_first_stroke() -> None:
    session, generator, portrait = opened()
    (first, shown), (second, nothing) = run(session, asked(portrait.labels.copy()))
    assert shown is not None and not shown.draft and shown.image is portrait.view and not first.optional
    assert nothing is None and second.optional and second.wait == PAUSE_S
    assert generator.decoded == 1 and not generator.calls[0][3].any()
    assert kinds(session, asked(stroke(portrait, 10), moving=True)) == ["draft", "exact"]
    # After an undo the next stroke begins here again; once is enough.
    assert len(run(session, asked(portrait.labels.copy()))) == 2
    assert len(run(session, asked(portrait.labels.copy()))) == 1


@pytest.mark.parametrize("drafts", ["", "int8"])
def test_a_stroke_that_begins_meanwhile_ends_it_only_if_it_is_drafted_sooner(times: SetTimes, drafts: str) -> None:
    times.exact = LONG_S
    session, _, portrait = opened(drafts=drafts)
    assert [each.slow for each, _ in run(session, asked(portrait.labels.copy()))] == [False, bool(drafts)]


def test_a_generator_without_parts_renders_nothing_beforehand() -> None:
    session, generator, portrait = opened(step=0, drafts="int8")
    assert len(run(session, asked(portrait.labels.copy()))) == 1 and generator.decoded == 0


def test_that_it_fails_beforehand_is_told_with_the_first_stroke() -> None:
    session, generator, portrait = opened()
    generator.failure = RuntimeError("no")
    assert [result is None for _, result in run(session, asked(portrait.labels.copy()))] == [False, True]
    with pytest.raises(RuntimeError):
        run(session, asked(stroke(portrait, 10), moving=True))
    generator.failure = CancelledError()
    with pytest.raises(CancelledError):
        run(session, asked(portrait.labels.copy()))


# Failures


def test_a_failed_draft_is_followed_by_the_exact_picture_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    monkeypatch.setattr(generator, "draft", lambda *_: np.full((SIDE, SIDE, 3), np.inf, np.float32))
    (_, nothing), (second, exact) = run(session, asked(stroke(portrait, 20), moving=True))
    assert nothing is None and exact is not None and not exact.draft
    assert second.wait == 0.0 and not second.optional


def test_a_failed_exact_render_after_a_draft_is_an_error_and_the_next_one_works() -> None:
    session, generator, portrait = opened()
    last(session, asked(stroke(portrait, 10)))
    generator.spoil = True
    drag = session.passes(asked(stroke(portrait, 20), moving=True))
    assert next(drag).render() is not None
    with pytest.raises(ModelError, match="not finite"):
        next(drag).render()
    generator.spoil = False
    assert kinds(session, asked(stroke(portrait, 20))) == ["exact"]


def test_cancel_reaches_the_generator_and_needs_none() -> None:
    session, generator, _ = opened()
    session.cancel()
    assert generator.cancelled == 1
    session.close()
    session.cancel()
    assert generator.cancelled == 1
