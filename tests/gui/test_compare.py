"""Holding a picture against the one from before: by their difference, in turn, or against an earlier render."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.compare import FULL_DIFFERENCE, ComparePane, heat_map
from app.view import ViewModel
from tests.gui.hands import LEFT, colour_at, place_on

OLD, NEW, OTHER = (200, 30, 40), (20, 160, 220), (90, 90, 20)


def plain(colour, side=512):
    return np.full((side, side, 3), colour, np.uint8)


@pytest.fixture
def pane(qtbot):
    """Return a shown pane with a picture and one from before; nothing is compared yet."""
    view = ViewModel()
    view.set_image_size(512, 512)
    pane = ComparePane(view, "Result")
    qtbot.addWidget(pane)
    pane.resize(600, 400)
    pane.set_image(plain(NEW))
    pane.set_before(plain(OLD, 256))
    with qtbot.waitExposed(pane):
        pane.show()
    QApplication.processEvents()
    return pane


# The difference


def test_heat_is_black_where_nothing_differs_and_grows_with_the_difference():
    before = np.full((1, 256, 3), 0, np.uint8)
    after = before.copy()
    after[0, :, 1] = np.arange(256)
    heat = heat_map(before, after)
    assert heat.dtype == np.uint8 and heat.shape == before.shape
    assert tuple(heat[0, 0]) == (0, 0, 0)
    light = heat[0].astype(int) @ [299, 587, 114]
    assert (np.diff(light[:FULL_DIFFERENCE]) >= 0).all() and light[1] >= 0
    assert light[FULL_DIFFERENCE] > 200_000 and (heat[0, FULL_DIFFERENCE:] == heat[0, FULL_DIFFERENCE]).all()
    assert len(np.unique(heat[0, :FULL_DIFFERENCE], axis=0)) > FULL_DIFFERENCE * 0.9


def test_heat_takes_the_largest_channel_whichever_way():
    grey = np.full((1, 1, 3), 100, np.uint8)
    for step in ((40, 0, 0), (0, -40, 0), (10, 10, 40), (-40, 39, 0)):
        other = (grey.astype(int) + step).astype(np.uint8)
        np.testing.assert_array_equal(heat_map(grey, other), heat_map(other, grey))
        np.testing.assert_array_equal(heat_map(grey, other), heat_map(grey, grey + np.uint8(40)))


@pytest.mark.parametrize("sides", [(64, 128), (128, 64), (64, 64)])
def test_heat_has_the_size_of_the_picture_after(sides):
    before, after = plain(OLD, sides[0]), plain(OLD, sides[1])
    after[: sides[1] // 4] = NEW
    heat = heat_map(before, after)
    assert heat.shape == after.shape
    assert (heat[: sides[1] // 4] > 0).any(axis=2).all() and not heat[sides[1] // 4 :].any()


def test_heat_is_shown_follows_the_picture_and_goes(pane):
    pane.set_heat(True)
    assert pane.heat
    expected = heat_map(plain(OLD, 1), plain(NEW, 1))[0, 0]
    assert colour_at(pane, 256, 200) == tuple(expected)
    pane.set_image(plain(OLD))
    assert colour_at(pane, 256, 200) == (0, 0, 0)
    pane.set_before(plain(OTHER))
    assert colour_at(pane, 256, 200) == tuple(heat_map(plain(OTHER, 1), plain(OLD, 1))[0, 0])
    pane.set_heat(False)
    assert colour_at(pane, 256, 200) == OLD
    pane.set_heat(True)
    pane.set_before(None)
    assert colour_at(pane, 256, 200) == OLD
    pane.set_image(None)
    pane.grab()


def test_heat_that_is_not_seen_is_not_computed(pane, monkeypatch):
    import app.compare

    calls = []
    monkeypatch.setattr(app.compare, "heat_map", lambda *pair: calls.append(pair) or heat_map(*pair))
    pane.set_image(plain(OTHER))
    pane.grab()
    assert calls == []
    pane.set_heat(True)
    pane.grab()
    pane.view.set_scale(2)
    pane.grab()
    assert len(calls) == 1
    for colour in (OLD, NEW, OTHER):
        pane.set_image(plain(colour))
    pane.grab()
    assert len(calls) == 2


def test_the_legend_tells_the_colours(pane):
    before = pane.grab().toImage()
    pane.set_before(plain(NEW))
    pane.set_heat(True)
    shown = pane.grab().toImage()
    # The picture is black now, so what is bright is the legend, in the corner.
    bright = [
        (x, y) for x in range(600) for y in range(400) if sum(shown.pixelColor(x, y).getRgb()[:3]) > 300
        and shown.pixel(x, y) != before.pixel(x, y)
    ]  # fmt: skip
    assert bright and min(x for x, _ in bright) > 350 and min(y for _, y in bright) > 360


def test_the_difference_can_be_wiped(pane):
    pane.set_heat(True)
    pane.set_wipe(0.5)
    assert colour_at(pane, 60, 300) == OLD
    assert colour_at(pane, 450, 200) == tuple(heat_map(plain(OLD, 1), plain(NEW, 1))[0, 0])


# In turn


def test_blink_shows_the_picture_before_with_a_caption(pane):
    after = pane.grab().toImage()
    pane.set_wipe(0.5)
    pane.set_heat(True)
    wiped = pane.grab().toImage()
    pane.set_blink(True)
    assert pane.blink
    assert colour_at(pane, 60, 300) == colour_at(pane, 450, 200) == OLD
    shown = pane.grab().toImage()
    corner = [shown.pixelColor(x, y).getRgb()[:3] for x in range(12, 60) for y in range(12, 34)]
    assert any(sum(colour) > 500 and colour not in (OLD, NEW) for colour in corner)
    # There is no line to take hold of.
    moves = []
    pane.wipe_moved.connect(moves.append)
    QTest.mousePress(pane, LEFT, pos=place_on(pane, 256, 256))
    QTest.mouseMove(pane, place_on(pane, 300, 256))
    QTest.mouseRelease(pane, LEFT, pos=place_on(pane, 300, 256))
    assert moves == []
    pane.set_blink(False)
    assert pane.grab().toImage() == wiped
    pane.set_wipe(None)
    pane.set_heat(False)
    assert pane.grab().toImage() == after


def test_blink_without_a_picture_before_changes_nothing(pane):
    pane.set_before(None)
    before = pane.grab().toImage()
    pane.set_blink(True)
    assert pane.grab().toImage() == before


def test_a_line_that_is_held_is_let_go_by_a_blink(pane):
    pane.set_wipe(0.5)
    QTest.mousePress(pane, LEFT, pos=place_on(pane, 256, 256))
    pane.set_blink(True)
    pane.set_blink(False)
    QTest.mouseMove(pane, place_on(pane, 400, 256))
    assert pane.wipe == 0.5


# Another picture from before


def left_caption(pane):
    """Return the right edge of the dark pill of the left caption, in screen pixels."""
    shown = pane.grab().toImage()
    top = place_on(pane, 0, 0).y()
    row = max(top + 10, pane._pill().bottom() + 7) + 3
    dark = [x for x in range(place_on(pane, 0, 0).x(), 300) if sum(shown.pixelColor(x, row).getRgb()[:3]) < 200]
    return max(dark, default=0)


def test_another_picture_brings_its_caption(pane):
    pane.set_wipe(0.9)
    usual = left_caption(pane)
    pane.set_before(plain(OTHER), "Paint Hair and more")
    assert colour_at(pane, 60, 300) == OTHER
    assert left_caption(pane) > usual > 0
    pane.set_before(plain(OTHER), "long " * 60)
    assert left_caption(pane) < place_on(pane, 0, 0).x() + 260
    pane.set_before(plain(OLD))
    assert left_caption(pane) == usual


def test_words_for_a_caption(pane):
    assert pane.words_for("") == "Before" and pane.words_for("Fill") == "Fill"
    assert pane.words_for("word " * 99).endswith("…")


def test_refuses_what_is_no_picture(pane):
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)):
        with pytest.raises(ValueError):
            pane.set_before(wrong)  # type: ignore[arg-type]
        with pytest.raises(ValueError):
            pane.set_image(wrong)  # type: ignore[arg-type]
    # What was shown before still is.
    pane.set_heat(True)
    assert colour_at(pane, 256, 200) == tuple(heat_map(plain(OLD, 1), plain(NEW, 1))[0, 0])
    assert pane.rect().contains(QPoint(3, 3))
