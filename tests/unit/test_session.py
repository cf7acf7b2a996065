import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import session as session_module
from engine.compose import class_alpha, edit_alpha, reach_of
from engine.files import working_size
from engine.frame import Frame
from engine.session import KNOWN_STYLES, Session
from engine.types import EngineError, LabelMap, ModelError, Pixels, Portrait, RenderRequest
from resources.labels import BY_NAME, LABEL_COUNT
from tests.fakes import FakeGenerator, make_portrait

HAT = 14

Size = tuple[int, int]
PHOTO_SIZES: tuple[Size, ...] = ((300, 200), (512, 512), (1100, 1500))
"""Smaller than the mask, as large, and larger than the largest mask."""


def portrait_of(size: Size, seed: int = 0) -> Portrait:
    return make_portrait(size, mask_size=working_size(*size), seed=seed)


PORTRAITS: dict[Size, Portrait] = {size: portrait_of(size) for size in PHOTO_SIZES}


def opened(portrait: Portrait, **options) -> tuple[Session, FakeGenerator]:
    generator = FakeGenerator(**options)
    session = Session(generator)
    session.open(portrait)
    return session, generator


def edited(portrait: Portrait, label: int = HAT) -> LabelMap:
    labels = portrait.labels.copy()
    height, width = labels.shape
    labels[height // 8 : height // 4, width // 3 : width // 2] = label
    return labels


def render(session: Session, labels: LabelMap, **options) -> Pixels:
    image = session.render(RenderRequest(0, 0, labels, **options)).image
    assert image is not None
    return image


def export(session: Session, labels: LabelMap, **options) -> Pixels:
    return session.export(RenderRequest(0, 0, labels, **options))


def dilated(changed: NDArray[np.bool_], size: Size, reach: int) -> NDArray[np.bool_]:
    """Return the pixels of a picture that lie within ``reach`` mask pixels of a change; true where in doubt.

    Computed apart from the code under test: how far each picture pixel's centre is from a changed mask pixel.
    """
    (rows, columns), (height, width) = changed.shape, size
    y = (np.arange(height) + 0.5) * rows / height - 0.5
    x = (np.arange(width) + 0.5) * columns / width - 0.5
    distance = cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    nearest = distance[
        np.ix_(np.clip(np.rint(y), 0, rows - 1).astype(int), np.clip(np.rint(x), 0, columns - 1).astype(int))
    ]
    # A picture pixel takes its weight from the four mask pixels around it, up to one and a half away from the nearest.
    return nearest < reach + 1.5


# The style


def test_the_style_is_encoded_once_per_portrait() -> None:
    portrait = make_portrait(64)
    session, generator = opened(portrait)
    for row in range(5):
        labels = portrait.labels.copy()
        labels[row] = HAT
        render(session, labels)
        export(session, labels)
    assert generator.encoded == 1 and generator.decoded == 10

    other = make_portrait(64, seed=1)
    session.open(other)
    render(session, edited(other))
    session.open(portrait)
    render(session, edited(portrait))
    # Equal content counts as the same portrait.
    session.open(make_portrait(64))
    render(session, edited(portrait))
    assert generator.encoded == 2


def test_another_model_encodes_anew_and_an_equal_one_does_not() -> None:
    portrait = make_portrait(64)
    session, first = opened(portrait, model_id="a")
    render(session, edited(portrait))
    other, same = FakeGenerator("b"), FakeGenerator("a")
    session.use(other)
    render(session, edited(portrait))
    session.use(same)
    render(session, edited(portrait))
    assert (first.encoded, other.encoded, same.encoded) == (1, 1, 0)
    assert {call[1].model_id for call in other.calls} == {"b"}


def test_a_model_of_another_size_gets_another_frame() -> None:
    portrait = make_portrait((60, 90))
    session, first = opened(portrait, size=64, multiple=32)
    render(session, edited(portrait))
    second = FakeGenerator("other", size=128, multiple=64)
    session.use(second)
    assert render(session, edited(portrait)).shape == (60, 90, 3)
    assert first.calls[0][0].shape == (64, 64)
    assert second.calls[0][0].shape == (128, 128)


def test_only_so_many_styles_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    assert KNOWN_STYLES >= 16
    monkeypatch.setattr(session_module, "KNOWN_STYLES", 3)
    portraits = [make_portrait(32, seed=seed) for seed in range(4)]
    session, generator = opened(portraits[0])
    for portrait in portraits[:3]:
        session.style(portrait)
    session.style(portraits[0])  # used last, so that another one goes
    session.style(portraits[3])
    assert generator.encoded == 4
    session.style(portraits[0])
    assert generator.encoded == 4
    session.style(portraits[1])
    assert generator.encoded == 5


def test_an_exemplar_gives_the_style_and_replaces_everything() -> None:
    portrait, exemplar = make_portrait((96, 64)), make_portrait((40, 80), seed=3)
    session, generator = opened(portrait)
    picture = render(session, portrait.labels, exemplar=exemplar)
    labels, style, _, region = generator.calls[-1]
    assert generator.encoded == 1  # the exemplar's, and not the portrait's own
    assert np.array_equal(style.vector, session.style(exemplar).vector)
    assert (region == 1).all()
    # What is asked for is the portrait's mask, not the exemplar's.
    assert np.array_equal(labels, Frame.fit(96, 64, 64, 32).labels(portrait.labels))
    # What is shown is the whole render, with what the picture has of finer detail.
    raw = render(session, portrait.labels, exemplar=exemplar, composite=False)
    apart = [cv2.blur(image.astype(np.float32), (9, 9)) for image in (picture, raw)]
    assert np.abs(apart[0] - apart[1]).mean() < 3 < np.abs(picture.astype(float) - portrait.pixels).mean()
    assert np.array_equal(export(session, portrait.labels, exemplar=exemplar), picture)
    # Back to its own style: nothing was edited.
    assert np.array_equal(render(session, portrait.labels), portrait.pixels)


def test_the_portrait_as_its_own_exemplar_is_its_own_style() -> None:
    portrait = make_portrait(64)
    session, _ = opened(portrait)
    same = make_portrait(64, name="copy")
    assert np.array_equal(render(session, edited(portrait), exemplar=same), render(session, edited(portrait)))


# Composition


@pytest.mark.parametrize("size", PHOTO_SIZES)
def test_without_a_change_the_source_is_shown(size: Size) -> None:
    portrait = PORTRAITS[size]
    session, generator = opened(portrait)
    result = session.render(RenderRequest(0, 0, portrait.labels.copy()))
    assert result.image is not None
    assert np.array_equal(result.image, portrait.view)
    assert result.image.shape == (*portrait.labels.shape, 3)
    assert np.array_equal(export(session, portrait.labels.copy()), portrait.pixels)
    assert generator.decoded == 0
    assert "total" in result.timings


EDITS = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.002, 0.15), st.integers(0, 18)), min_size=1, max_size=3
)


@pytest.mark.parametrize("size", PHOTO_SIZES)
@settings(max_examples=8)
@given(EDITS)
def test_away_from_the_edit_nothing_differs(size: Size, edits: list[tuple[float, float, float, int]]) -> None:
    portrait = PORTRAITS[size]
    rows, columns = portrait.labels.shape
    labels = portrait.labels.copy()
    for x, y, radius, label in edits:
        centre = (round(x * (columns - 1)), round(y * (rows - 1)))
        cv2.circle(labels, centre, round(radius * rows), label, -1)
    session, generator = opened(portrait)
    changed = labels != portrait.labels
    reach = reach_of(labels)

    shown = render(session, labels)
    near = dilated(changed, (rows, columns), reach)
    assert np.array_equal(shown[~near], portrait.view[~near])

    exported = export(session, labels)
    near = dilated(changed, size, reach)
    assert exported.shape == portrait.pixels.shape
    assert np.array_equal(exported[~near], portrait.pixels[~near])
    # Neither was the portrait itself touched, nor is all of it near the edit.
    assert not portrait.pixels.flags.writeable
    assert generator.decoded == (2 if changed.any() else 0)


@pytest.mark.parametrize("size", PHOTO_SIZES)
def test_inside_the_edit_the_render_is_shown_with_grain(size: Size, monkeypatch: pytest.MonkeyPatch) -> None:
    # Its colours are matched to the surroundings, which the tests of composition look at.
    monkeypatch.setattr("engine.session.match_colours", lambda image, *_: image)
    portrait = PORTRAITS[size]
    session, _ = opened(portrait)
    labels = edited(portrait)
    inside = cv2.erode((labels != portrait.labels).astype(np.uint8), np.ones((9, 9), np.uint8), borderValue=1)
    for make, shape in ((render, labels.shape), (export, size)):
        core = cv2.resize(inside, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT).astype(bool)
        assert core.sum() > 800
        shown, raw = (make(session, labels, composite=how)[core].astype(int) for how in (True, False))
        grain = shown - raw
        # Grey, around zero, and no stronger than the picture's.
        assert np.quantile(np.ptp(grain, axis=1), 0.98) <= 2
        assert abs(grain.mean()) < 1 < grain.std() < 12


def test_a_change_in_any_corner_stays_in_it() -> None:
    portrait = PORTRAITS[(1100, 1500)]
    session, _ = opened(portrait)
    for row in (0, -1):
        for column in (0, -1):
            labels = portrait.labels.copy()
            labels[row, column] = HAT
            difference = (export(session, labels) != portrait.pixels).any(axis=2)
            rows, columns = np.nonzero(difference)
            reach = (reach_of(labels) + 2) * 1500 / 1024
            assert rows.size
            assert np.all(rows < reach) if row == 0 else np.all(rows >= 1100 - reach)
            assert np.all(columns < reach) if column == 0 else np.all(columns >= 1500 - reach)


def test_without_composition_the_raw_render_is_returned() -> None:
    portrait = make_portrait((64, 64))
    session, generator = opened(portrait)
    labels = edited(portrait)
    raw = render(session, labels, composite=False)
    _, style, pixels, region = generator.calls[-1]
    image = generator.decode(labels, style, pixels, region)
    assert np.array_equal(raw, Frame.fit(64, 64, 64, 32).restore(image, 64, 64))
    assert np.array_equal(export(session, labels, composite=False), raw)
    # Even where nothing was edited.
    assert not np.array_equal(render(session, portrait.labels, composite=False), portrait.pixels)


def test_the_generator_is_told_the_edited_region_and_sees_the_source() -> None:
    portrait = make_portrait((64, 64))
    session, generator = opened(portrait)
    labels = edited(portrait)
    render(session, labels)
    seen, _, pixels, region = generator.calls[-1]
    assert np.array_equal(seen, labels)
    assert np.array_equal(pixels, portrait.pixels)
    assert np.array_equal(region > 0, edit_alpha(labels, portrait.labels) > 0)
    assert 0 < region.sum() < region.size


@pytest.mark.parametrize("size", [(32, 640), (640, 32), (33, 47), (1024, 52)])
def test_any_aspect_comes_back_in_its_own_size(size: Size) -> None:
    portrait = portrait_of(size)
    session, _ = opened(portrait, size=256)
    labels = edited(portrait, 18)
    labels[0, 0] = HAT
    assert render(session, labels).shape == (*portrait.labels.shape, 3)
    assert export(session, labels).shape == portrait.pixels.shape
    assert export(session, labels, composite=False).shape == portrait.pixels.shape


# Classes that take another look


@pytest.mark.parametrize("values", [0, 3])
def test_only_these_classes_take_the_exemplars_look(values: int) -> None:
    portrait, exemplar = make_portrait(128, seed=1), make_portrait((60, 80), seed=3)
    session, generator = opened(portrait, size=128, class_values=values)
    hair, nose = BY_NAME["hair"].id, BY_NAME["nose"].id
    shown = render(session, portrait.labels, exemplar=exemplar, classes=(hair, nose))
    mine = np.isin(portrait.labels, (hair, nose))
    near = dilated(mine, mine.shape, max(2, reach_of(portrait.labels) // 3))
    assert np.array_equal(shown[~near], portrait.pixels[~near])
    change = np.abs(shown.astype(int) - portrait.pixels).mean(axis=2)
    for label in (hair, nose):
        assert change[portrait.labels == label].mean() > 10
    # The network is told to make what is near them anew, in its style with these classes' part of the other's.
    _, style, _, region = generator.calls[-1]
    assert np.array_equal(region > 0, class_alpha(portrait.labels, (hair, nose)) > 0)
    own, other = session.style(portrait).vector, session.style(exemplar).vector
    if not values:
        assert np.array_equal(style.vector, other)
        return
    assert np.array_equal(style.vector[:9], own[:9])
    for label in range(LABEL_COUNT):
        part = slice(9 + values * label, 9 + values * (label + 1))
        given = other if label in (hair, nose) else own
        assert np.array_equal(style.vector[part], given[part]), label
    assert not np.array_equal(session.style(portrait).vector, style.vector)  # which was not written to


def test_classes_without_an_exemplar_mean_nothing() -> None:
    portrait = make_portrait(96)
    session, _ = opened(portrait, size=96, class_values=3)
    hair = BY_NAME["hair"].id
    labels = edited(portrait, hair)
    for exemplar in (None, make_portrait(96, name="copy")):
        picture = render(session, labels, exemplar=exemplar, classes=(hair,))
        assert np.array_equal(picture, render(session, labels))
        assert np.array_equal(render(session, portrait.labels, exemplar=exemplar, classes=(hair,)), portrait.pixels)


# Errors


def test_without_a_portrait_or_a_model_there_is_an_error_with_a_hint() -> None:
    portrait = make_portrait(64)
    request = RenderRequest(0, 0, portrait.labels)
    for session in (Session(FakeGenerator()), Session()):
        with pytest.raises(EngineError, match="No portrait is open") as caught:
            session.render(request)
        assert caught.value.hint
    session = Session()
    session.open(portrait)
    for act in (session.render, session.export):
        with pytest.raises(ModelError, match="No model is loaded") as caught:
            act(request)
        assert caught.value.hint


def test_numbers_that_are_not_finite_are_an_error_and_the_next_render_works() -> None:
    portrait = make_portrait(64)
    session, generator = opened(portrait)
    generator.spoil = True
    for act in (session.render, session.export):
        with pytest.raises(ModelError, match="not finite"):
            act(RenderRequest(0, 0, edited(portrait)))
    generator.spoil = False
    render(session, edited(portrait))


def test_a_style_that_is_not_finite_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    portrait = make_portrait(64)
    session, generator = opened(portrait)
    good = generator.encode

    def bad(pixels: Pixels, labels: LabelMap):
        code = good(pixels, labels)
        code.vector[0] = np.inf
        return code

    monkeypatch.setattr(generator, "encode", bad)
    with pytest.raises(ModelError, match="not finite"):
        render(session, edited(portrait))
    monkeypatch.undo()
    render(session, edited(portrait))
    assert generator.encoded == 2


def test_a_failed_encode_is_tried_again() -> None:
    portrait = make_portrait(64)
    session, generator = opened(portrait)
    generator.encode_failure = RuntimeError("no")
    with pytest.raises(RuntimeError):
        render(session, edited(portrait))
    generator.encode_failure = None
    render(session, edited(portrait))


def test_replacing_and_closing_free_the_generator_once() -> None:
    first, second = FakeGenerator("a"), FakeGenerator("b")
    session = Session(first)
    session.use(second)
    assert (first.closed, second.closed) == (1, 0)
    assert session.generator is second
    session.close()
    session.close()
    assert (first.closed, second.closed) == (1, 1)
    assert session.generator is None
