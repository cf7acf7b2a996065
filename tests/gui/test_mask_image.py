"""The mask as an image: which colour each of its pixels has, and that changes are followed as a fresh one would be."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.display import Display
from app.mask_image import LINE, PERIOD, MaskImage, pattern, pattern_tone, swatch_pixels
from engine.types import Region
from resources.labels import BY_NAME, LABEL_COUNT, palette
from tests.fakes import make_labels

MANY = tuple(range(LABEL_COUNT))
DISPLAYS = (
    Display(),
    Display(hidden=(0, 13)),
    Display(hidden=(1,), solo=1),
    Display(outlined=(1, 13)),
    Display(colour_blind_safe=True),
    Display(hidden=(2,), outlined=(0, 1, 13), colour_blind_safe=True),
)


def pixels_of(image):
    """Return what a mask's image shows, uint8 (H, W, 4) RGBA."""
    shown = image.image.convertToFormat(image.image.Format.Format_RGBA8888)
    lines = np.frombuffer(shown.constBits(), np.uint8).reshape(shown.height(), shown.bytesPerLine())
    return lines[:, : 4 * shown.width()].reshape(shown.height(), shown.width(), 4).copy()


def border_of(labels, reach):
    """Return the pixels, bool (H, W), with another class within a square around them."""
    height, width = labels.shape
    padded = np.pad(labels.astype(int), reach, constant_values=-1)
    result = np.zeros(labels.shape, bool)
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            other = padded[y : y + height, x : x + width]
            result |= (other != labels) & (other >= 0)
    return result


def random_mask(height, width, seed=0, blocks=9):
    random = np.random.default_rng(seed)
    small = random.integers(0, LABEL_COUNT, (blocks, blocks)).astype(np.uint8)
    return np.ascontiguousarray(small.repeat(-(-height // blocks), 0).repeat(-(-width // blocks), 1)[:height, :width])


@pytest.mark.parametrize("display", DISPLAYS)
@pytest.mark.parametrize("size", [(40, 56), (1, 1), (3, 70)])
def test_each_pixel_has_its_colour(display, size):
    labels = random_mask(*size)
    colours = palette(display.colour_blind_safe)
    expected = np.dstack([colours[labels], np.full(labels.shape, 255, np.uint8)])
    y, x = np.indices(labels.shape)
    for label in MANY:
        place = labels == label
        if display.colour_blind_safe:
            toned = place & pattern(label)[y % PERIOD, x % PERIOD]
            expected[toned, :3] = pattern_tone(colours[label])
        if label in display.outlined:
            border = place & border_of(labels, LINE)
            expected[border, :3] = colours[label]
            expected[place & ~border] = 0
        if not display.shows(label):
            expected[place] = 0
    shown = pixels_of(MaskImage(labels, display))
    shown[shown[..., 3] == 0] = 0
    np.testing.assert_array_equal(shown, expected)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(DISPLAYS), st.data())
def test_a_change_is_followed_as_a_fresh_image_would_show_it(display, data):
    labels = random_mask(37, 45)
    image = MaskImage(labels, display)
    for _ in range(3):
        y0, x0 = data.draw(st.integers(0, 37)), data.draw(st.integers(0, 45))
        region = Region(y0, x0, data.draw(st.integers(y0, 37)), data.draw(st.integers(x0, 45)))
        before = pixels_of(image)
        labels[region.slices] = data.draw(st.integers(0, 18))
        changed = image.update(region)
        after = pixels_of(image)
        np.testing.assert_array_equal(after, pixels_of(MaskImage(labels, display)))
        # What is told covers what changed, and stays on the mask.
        differs = Region.of((before != after).any(axis=2))
        assert differs.empty or changed.union(differs) == changed
        assert changed.empty or (changed.y0 >= 0 and changed.x0 >= 0 and changed.y1 <= 37 and changed.x1 <= 45)


def test_one_display_after_another_shows_what_it_would_at_first():
    labels = make_labels(64, 64)
    image = MaskImage(labels)
    for display in (*DISPLAYS, *reversed(DISPLAYS)):
        image.set_display(display)
        labels[10:20, 5:50] = (labels[0, 0] + 5) % LABEL_COUNT
        image.update(Region(10, 5, 20, 50))
        np.testing.assert_array_equal(pixels_of(image), pixels_of(MaskImage(labels, display)))


def test_plain_colours_need_no_buffer_of_their_own():
    labels = make_labels(64, 64)
    image = MaskImage(labels, Display(hidden=(3,)))
    labels[5, 5] = 12
    # Nobody told, and yet.
    assert tuple(pixels_of(image)[5, 5, :3]) == tuple(palette()[12])


@pytest.mark.parametrize(
    ("display", "see_through"),
    [
        (Display(), False),
        (Display(colour_blind_safe=True), False),
        (Display(hidden=(4,)), True),
        (Display(solo=4), True),
        (Display(outlined=(4,)), True),
        (Display(hidden=tuple(range(1, 19)), solo=-1), True),
    ],
)
def test_tells_whether_one_sees_through(display, see_through):
    assert MaskImage(np.zeros((2, 2), np.uint8), display).see_through == see_through


def test_a_larger_mask_looks_the_same():
    small = make_labels(512, 512)
    large = small.repeat(2, 0).repeat(2, 1)
    display = Display(colour_blind_safe=True, outlined=(1,))
    one, other = (pixels_of(MaskImage(np.ascontiguousarray(labels), display)) for labels in (small, large))
    np.testing.assert_array_equal(one.repeat(2, 0).repeat(2, 1), other)


def test_lines_and_patterns_survive_a_smaller_view():
    # Drawn without blending, every second row and column may be skipped.
    labels = make_labels(512, 512)
    shown = pixels_of(MaskImage(labels, Display(outlined=MANY)))
    for offset in (0, 1):
        assert border_of(labels[offset::2, offset::2], 1)[shown[offset::2, offset::2, 3] > 0].mean() > 0.5
    for label in MANY[1:]:
        for offset in (0, 1):
            share = np.tile(pattern(label), (2, 2))[offset::2, offset::2].mean()
            assert 0 < share < 1


def test_patterns_differ_and_can_be_seen():
    patterns = [pattern(label) for label in MANY]
    assert not patterns[0].any()
    for one, other in combinations(MANY, 2):
        # Nor does one look like the other if it is moved.
        moved = [np.roll(patterns[other], (y, x), (0, 1)) for y in range(PERIOD) for x in range(PERIOD)]
        assert min((patterns[one] != each).mean() for each in moved) >= 0.06
    for label, colour in enumerate(palette(colour_blind_safe=True)):
        apart = np.abs(pattern_tone(colour).astype(int) - colour).max()
        assert apart >= 50, label


def test_twins_have_mirrored_patterns():
    for part in ("eye", "brow"):
        left, right = pattern(BY_NAME[f"l_{part}"].id), pattern(BY_NAME[f"r_{part}"].id)
        assert any(np.array_equal(np.roll(left[:, ::-1], shift, 1), right) for shift in range(PERIOD))


def test_swatches_show_what_the_mask_shows():
    for label in (0, 1, 13):
        plain = swatch_pixels(label, 11, False)
        assert plain.shape == (11, 11, 3) and (plain == palette()[label]).all()
        labels = np.full((11, 11), label, np.uint8)
        shown = pixels_of(MaskImage(labels, Display(colour_blind_safe=True)))[..., :3]
        np.testing.assert_array_equal(swatch_pixels(label, 11, True), shown)


def test_refuses_what_it_cannot_wrap():
    for labels in (np.zeros((4, 4), np.int32), np.zeros((4, 4, 3), np.uint8), np.zeros((4, 8), np.uint8)[:, ::2]):
        with pytest.raises(ValueError):
            MaskImage(labels)  # type: ignore[arg-type]
