"""The page with the pictures: its layouts, what lies below the mask, and what the result is compared with."""

import numpy as np
import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from app.editor_page import LAYOUTS, EditorPage
from tests.gui.hands import colour_at

SOURCE, RESULT, EARLIER, WHOLE = (200, 30, 40), (20, 160, 220), (90, 90, 20), (120, 130, 140)
SIDE = 128


def plain(colour, width=SIDE, height=SIDE):
    return np.full((height, width, 3), colour, np.uint8)


@pytest.fixture
def page(qtbot):
    """Return a shown page of a portrait with its mask hidden, so that what lies below is seen."""
    page = EditorPage()
    qtbot.addWidget(page)
    page.resize(1200, 420)
    page.view.set_image_size(SIDE, SIDE)
    page.canvas.set_labels(np.zeros((SIDE, SIDE), np.uint8))
    page.canvas.set_mask_opacity(0.0)
    source = plain(SOURCE)
    page.set_portrait(source)
    page.show_frame(False, source, source)
    with qtbot.waitExposed(page):
        page.show()
    page.show_picture(plain(RESULT))
    QApplication.processEvents()
    return page


def seen(page):
    """Return which of source, mask and result are seen."""
    return page.source.isVisible(), page.canvas.isVisible(), page.result.isVisible()


def test_layouts_show_fewer_pictures_in_more_room(page):
    assert page.layout_ == 3 and seen(page) == (True, True, True)
    widths, scales = [page.canvas.width()], [page.view.scale]
    for layout in (2, 1):
        page.set_layout(layout)
        QApplication.processEvents()
        assert page.layout_ == layout and seen(page) == (False, True, layout == 2)
        widths.append(page.canvas.width())
        scales.append(page.view.scale)
    assert widths == sorted(widths) and widths[2] > 1190
    # The pictures grow into the room.
    assert page.view.fitted and scales[0] <= scales[1] and scales[2] * SIDE > 350
    with pytest.raises(ValueError):
        page.set_layout(4)
    assert page.layout_ == 1


def test_each_layout_keeps_its_widths(page):
    splitter = page._splitter
    splitter.setSizes([250, 500, 450])
    three = splitter.sizes()
    page.set_layout(2)
    QApplication.processEvents()
    assert abs(page.canvas.width() - page.result.width()) <= 2
    splitter.setSizes([0, 800, 400])
    two = splitter.sizes()
    for layout in (1, 3, 2, 3):
        page.set_layout(layout)
        QApplication.processEvents()
        if layout == 3:
            assert np.abs(np.subtract(splitter.sizes(), three)).max() <= 2
        if layout == 2:
            assert np.abs(np.subtract(splitter.sizes(), two)).max() <= 2


def test_alone_the_mask_lies_over_the_live_result(page):
    assert colour_at(page.canvas, 60, 60) == SOURCE
    page.set_layout(1)
    assert colour_at(page.canvas, 60, 60) == RESULT
    page.show_picture(plain(EARLIER))
    assert colour_at(page.canvas, 60, 60) == EARLIER
    page.set_layout(2)
    assert colour_at(page.canvas, 60, 60) == SOURCE
    assert colour_at(page.result.crop, 60, 60) == EARLIER
    page.set_layout(1)
    page.show_picture(None)
    assert colour_at(page.canvas, 60, 60) == SOURCE


def test_the_whole_photo_is_never_below_the_mask(page):
    page.set_layout(1)
    page.show_frame(True, plain(WHOLE, 300, 200), plain(WHOLE, 300, 200))
    assert colour_at(page.canvas, 60, 60) == SOURCE
    page.show_frame(False, plain(SOURCE), plain(RESULT))
    assert colour_at(page.canvas, 60, 60) == RESULT


def test_another_portrait_takes_the_place_of_all_pictures(page):
    page.set_layout(1)
    page.set_compared(plain(EARLIER), "Fill")
    page.set_portrait(plain(WHOLE))
    assert colour_at(page.canvas, 60, 60) == WHOLE
    page.show_frame(False, plain(WHOLE), plain(WHOLE))
    page.set_layout(3)
    page.set_wipe(True)
    assert colour_at(page.result.crop, 20, 100) == WHOLE


def test_frames_are_shown_in_views_of_their_own(page):
    page.show_frame(True, plain(SOURCE, 300, 200), plain(WHOLE, 300, 200))
    assert page.whole_view.image_size.width() == 300 and page.view.image_size.width() == SIDE
    assert page.result.shown is page.result.whole
    assert colour_at(page.result.shown, 150, 100) == WHOLE and colour_at(page.source.shown, 150, 100) == SOURCE
    page.mark_crop(np.array([(50, 50), (150, 50), (150, 150), (50, 150)], float))
    assert colour_at(page.source.shown, 50, 100) != SOURCE and colour_at(page.source.shown, 100, 100) == SOURCE
    page.source.shown.view.set_rotation(30)
    assert colour_at(page.source.shown, 50, 100) != SOURCE and colour_at(page.source.shown, 100, 100) == SOURCE


@pytest.mark.parametrize("layout", LAYOUTS)
def test_blink_shows_what_was_before_where_the_result_is(page, layout):
    page.set_layout(layout)
    pane = page.canvas if layout == 1 else page.result.crop
    page.set_blink(True)
    assert colour_at(pane, 60, 60) == SOURCE
    page.show_picture(plain(WHOLE))
    assert colour_at(pane, 60, 60) == SOURCE
    page.set_blink(False)
    assert colour_at(pane, 60, 60) == WHOLE
    page.set_compared(plain(EARLIER), "Fill")
    assert colour_at(pane, 60, 60) == WHOLE
    page.set_blink(True)
    assert colour_at(pane, 60, 60) == EARLIER
    page.set_compared(None, "")
    assert colour_at(pane, 60, 60) == SOURCE


def test_another_layout_during_a_blink(page):
    page.set_blink(True)
    page.set_layout(1)
    assert colour_at(page.canvas, 60, 60) == SOURCE
    page.set_layout(2)
    page.set_blink(False)
    page.set_layout(1)
    assert colour_at(page.canvas, 60, 60) == RESULT


def test_an_earlier_render_is_wiped_until_the_frame_changes(page):
    page.set_wipe(True)
    assert colour_at(page.result.crop, 20, 100) == SOURCE
    page.set_compared(plain(EARLIER), "Fill")
    assert colour_at(page.result.crop, 20, 100) == EARLIER
    page.show_picture(plain(WHOLE))
    assert colour_at(page.result.crop, 20, 100) == EARLIER and colour_at(page.result.crop, 110, 100) == WHOLE
    page.show_frame(True, plain(SOURCE, 300, 200), plain(WHOLE, 300, 200))
    assert colour_at(page.result.shown, 20, 180) == SOURCE
    page.show_frame(False, plain(SOURCE), plain(RESULT))
    assert colour_at(page.result.crop, 20, 100) == SOURCE
    page.set_wipe(False)
    assert colour_at(page.result.crop, 20, 100) == RESULT


def test_both_frames_keep_the_line_at_the_same_share(page):
    page.set_wipe(True)
    page.result.crop.wipe_moved.emit(0.25)
    assert page.result.crop.wipe == page.result.whole.wipe == 0.25
    page.set_wipe(False)
    assert page.result.crop.wipe is None and page.result.whole.wipe is None
    page.set_wipe(True)
    assert page.result.whole.wipe == 0.25


def test_heat_shows_in_the_result_alone(page):
    page.set_heat(True)
    assert colour_at(page.result.crop, 60, 60) not in (SOURCE, RESULT)
    assert colour_at(page.source.crop, 60, 60) == SOURCE and colour_at(page.canvas, 60, 60) == SOURCE
    page.show_picture(plain(SOURCE))
    assert colour_at(page.result.crop, 60, 60) == (0, 0, 0)
    page.set_heat(False)
    assert colour_at(page.result.crop, 60, 60) == SOURCE


def test_controls_are_where_the_result_is_seen(page):
    actions = [QAction(text, page, checkable=True) for text in ("&Whole", "Wi&pe", "&Heat")]
    page.set_toggles(*actions)
    assert page.heat_button.accessibleName() == "Heat"
    page.heat_button.click()
    assert actions[2].isChecked()
    for layout in (3, 1, 2, 1, 3):
        page.set_layout(layout)
        QApplication.processEvents()
        assert page.style_button.isVisible() and page.only_edit.isVisible() and page.opacity.isVisible()
        assert page.wipe_button.isVisible() == page.heat_button.isVisible() == (layout >= 2)
        header = page.style_button.parentWidget()
        assert page.only_edit.parentWidget() is header
        assert header.isAncestorOf(page.opacity) == (layout == 1)
        assert page.style_button.x() < page.only_edit.x()


def test_the_busy_sign_is_where_the_result_is_seen(page):
    page.set_busy(True)
    assert page.result.crop.busy and page.result.whole.busy and not page.canvas.busy
    page.set_layout(1)
    assert page.canvas.busy
    page.set_layout(2)
    assert not page.canvas.busy and page.result.crop.busy
    page.set_layout(1)
    page.set_busy(False)
    assert not page.canvas.busy and not page.result.crop.busy


def test_all_pictures_rotate_with_the_wheel(page):
    panes = (page.source.crop, page.source.whole, page.canvas, page.result.crop, page.result.whole)
    assert all(pane.rotates for pane in panes)
