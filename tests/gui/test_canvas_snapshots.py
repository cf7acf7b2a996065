"""Whole pictures of the canvas, against what they should be, pixel by pixel: no machine's fonts are in them."""

import numpy as np
import pytest
from PySide6.QtGui import QImage

from app.display import Display
from app.mask_image import LINE, PERIOD, pattern, pattern_tone
from resources.labels import palette
from tests.fakes import make_labels
from tests.gui.hands import shown_canvas

WIDTH, HEIGHT = 300, 260
PHOTO = np.array([90, 200, 40])
FEATURES = tuple(range(2, 13))


def layers_of(labels, display):
    """Return a mask's colours, (H, W, 3), and where it covers the picture, bool (H, W), one pixel at a time."""
    colours, height, width = palette(display.colour_blind_safe), *labels.shape
    result, covers = np.zeros((height, width, 3)), np.zeros((height, width), bool)
    for y in range(height):
        for x in range(width):
            label = int(labels[y, x])
            around = labels[max(y - LINE, 0) : y + LINE + 1, max(x - LINE, 0) : x + LINE + 1]
            border = bool((around != label).any())
            outlined = label in display.outlined
            covers[y, x] = display.shows(label) and (border or not outlined)
            toned = display.colour_blind_safe and pattern(label)[y % PERIOD, x % PERIOD] and not outlined
            result[y, x] = pattern_tone(colours[label]) if toned else colours[label]
    return result, covers


def expected_at(canvas, colours, covers, opacity, shift):
    """Return what lies at the screen's pixels, (h, w, 3), moved by a part of a pixel; NaN outside of the mask."""
    back, valid = canvas.to_screen().inverted()
    assert valid
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5 + np.array(shift)[:, None, None]
    column = np.floor(back.m11() * x + back.m21() * y + back.dx()).astype(int)
    row = np.floor(back.m12() * x + back.m22() * y + back.dy()).astype(int)
    inside = (row >= 0) & (row < covers.shape[0]) & (column >= 0) & (column < covers.shape[1])
    row, column = np.where(inside, row, 0), np.where(inside, column, 0)
    share = opacity * covers[row, column][..., None]
    result = share * colours[row, column] + (1 - share) * PHOTO
    result[~inside] = np.nan
    return result


@pytest.mark.parametrize(
    "display",
    [
        Display(),
        Display(hidden=(0, 13)),
        Display(solo=1),
        Display(outlined=FEATURES),
        Display(colour_blind_safe=True),
        Display(colour_blind_safe=True, outlined=(1, 13), hidden=(18,)),
    ],
    ids=["plain", "hidden", "solo", "outlined", "safe", "all"],
)
@pytest.mark.parametrize(
    ("scale", "rotation", "flipped", "opacity"),
    [(None, 0, False, 1.0), (1.7, 30, False, 0.5), (6.0, -90, True, 1.0), (3.0, 135, True, 0.3)],
)
def test_canvas_shows_what_it_should(qtbot, display, scale, rotation, flipped, opacity):
    labels = make_labels(96, 112)
    canvas = shown_canvas(qtbot, labels, (WIDTH, HEIGHT))
    canvas.set_minimap(False)
    canvas.set_image(np.full((48, 56, 3), PHOTO, np.uint8))
    canvas.set_display(display)
    canvas.set_mask_opacity(opacity)
    canvas.view.set_rotation(rotation)
    if flipped:
        canvas.view.flip()
    if scale is not None:
        canvas.view.set_scale(scale)
    shown = canvas.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    lines = np.frombuffer(shown.constBits(), np.uint8).reshape(HEIGHT, shown.bytesPerLine())
    pixels = lines[:, : 3 * WIDTH].reshape(HEIGHT, WIDTH, 3).astype(float)

    colours, covers = layers_of(labels, display)
    shifts = [(0.8 * dy, 0.8 * dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    expected = np.stack([expected_at(canvas, colours, covers, opacity, shift) for shift in shifts])
    # Where pixels of the mask meet, how a machine rounds decides.
    clear = ~np.isnan(expected).any(axis=(0, 3)) & (np.ptp(expected, axis=0) == 0).all(axis=2)
    assert clear.mean() > 0.1
    assert np.abs(pixels - expected[4])[clear].max() <= 2
    # The hairline around the picture lies outside of it, and is all that does.
    outside = np.isnan(expected).all(axis=(0, 3))
    colour = canvas.palette().color(canvas.backgroundRole())
    back = np.array([colour.red(), colour.green(), colour.blue()])
    assert (np.abs(pixels - back)[outside].max(axis=1) > 0).sum() <= 0.1 * outside.sum()
