"""The wipe: what is seen on either side of its line, how the line is moved, and what a move repaints."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.compare import ComparePane
from app.view import ViewModel
from app.wipe import HANDLE
from tests.gui.hands import LEFT, MIDDLE, Repaints, colour_at, place_on

OLD, NEW = (200, 30, 40), (20, 160, 220)
SPLIT = Qt.CursorShape.SplitHCursor


@pytest.fixture
def pane(qtbot):
    """Return a shown pane of a 512 pixel frame, wiped in the middle; both pictures have resolutions of their own."""
    view = ViewModel()
    view.set_image_size(512, 512)
    pane = ComparePane(view, "Result")
    qtbot.addWidget(pane)
    pane.resize(600, 400)
    pane.set_image(np.full((256, 256, 3), NEW, np.uint8))
    pane.set_before(np.full((1024, 1024, 3), OLD, np.uint8))
    pane.set_wipe(0.5)
    with qtbot.waitExposed(pane):
        pane.show()
    pane.activateWindow()
    pane.setFocus()
    QApplication.processEvents()
    return pane


def drag(pane, *points):
    QTest.mousePress(pane, LEFT, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(pane, point)
    QTest.mouseRelease(pane, LEFT, pos=points[-1])


@pytest.mark.parametrize("scale", [None, 0.3, 1.0, 5.3, 40.0])
@pytest.mark.parametrize("share", [0.25, 0.4, 0.5])
def test_each_side_shows_its_picture(pane, scale, share):
    if scale is not None:
        pane.view.set_scale(scale)
        # The line is brought into sight.
        pane.view.pan((0.5 - share) * 512 * scale, 0)
    pane.set_wipe(share)
    apart, aside = 8 / pane.view.scale, 60 / pane.view.scale
    line = share * 512
    assert colour_at(pane, line - apart, 256 - aside) == OLD
    assert colour_at(pane, line + apart, 256 - aside) == NEW
    # The line itself, away from its handle, is light between dark.
    shown = pane.grab().toImage()
    at = place_on(pane, line, 256 - aside)
    brightness = [sum(shown.pixelColor(at.x() + dx, at.y()).getRgb()[:3]) for dx in range(-3, 4)]
    assert max(brightness) > 700
    assert min(brightness) < 0.75 * min(sum(OLD), sum(NEW))


def test_ends_and_off(pane):
    for share, left, right in ((0.0, NEW, NEW), (1.0, OLD, OLD), (-3.0, NEW, NEW), (None, NEW, NEW)):
        pane.set_wipe(share)
        assert colour_at(pane, 60, 400) == left and colour_at(pane, 450, 400) == right
    assert pane.wipe is None
    plain = pane.grab().toImage()
    pane.set_wipe(0.5)
    assert pane.grab().toImage() != plain
    pane.set_before(None)
    assert pane.grab().toImage() == plain
    with pytest.raises(ValueError):
        pane.set_before(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError):
        pane.set_before(np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]


def test_the_picture_from_before_is_stretched(pane):
    old = np.full((1024, 1024, 3), OLD, np.uint8)
    old[512:] = (0, 255, 0)
    pane.set_before(old)
    assert colour_at(pane, 100, 200) == OLD and colour_at(pane, 100, 300) == (0, 255, 0)


@pytest.mark.parametrize("scale", [None, 2.0])
def test_the_handle_is_dragged(qtbot, pane, scale):
    if scale is not None:
        pane.view.set_scale(scale)
    line = place_on(pane, 256, 256)
    moves = []
    pane.wipe_moved.connect(moves.append)
    # Taken at its rim, the handle does not jump.
    grip = QPoint(round(HANDLE) - 3, 2)
    QTest.mousePress(pane, LEFT, pos=line + grip)
    assert moves == []
    QTest.mouseMove(pane, line + grip + QPoint(40, 5))
    QTest.mouseMove(pane, line + grip + QPoint(-50, 5))
    QTest.mouseRelease(pane, LEFT, pos=line + grip + QPoint(-50, 5))
    per_pixel = 1 / (512 * pane.view.scale)
    assert moves == pytest.approx([0.5 + 40 * per_pixel, 0.5 - 50 * per_pixel])
    assert pane.wipe == moves[-1]
    QTest.mouseMove(pane, line)
    assert len(moves) == 2


def test_a_press_on_the_picture_brings_the_line(pane):
    moves = []
    pane.wipe_moved.connect(moves.append)
    drag(pane, place_on(pane, 128, 100), place_on(pane, 384, 90), place_on(pane, 5000, 90))
    assert moves == pytest.approx([0.25, 0.75, 1.0], abs=0.01)
    drag(pane, QPoint(5, 200), QPoint(100, 200))
    assert len(moves) == 3


def test_nothing_is_dragged_while_nothing_is_wiped(qtbot, pane):
    pane.set_wipe(None)
    with qtbot.assertNotEmitted(pane.wipe_moved):
        drag(pane, place_on(pane, 256, 256), place_on(pane, 300, 256))
        QTest.keyClick(pane, Qt.Key.Key_Right)
    pane.set_wipe(0.5)
    pane.set_image(None)
    with qtbot.assertNotEmitted(pane.wipe_moved):
        drag(pane, place_on(pane, 256, 256), place_on(pane, 300, 256))
    pane.grab()


@pytest.mark.parametrize("with_space", [False, True])
def test_panning_stays(qtbot, pane, with_space):
    pane.view.set_scale(2.0)
    before = pane.view.centre
    button = LEFT if with_space else MIDDLE
    with qtbot.assertNotEmitted(pane.wipe_moved):
        if with_space:
            QTest.keyPress(pane, Qt.Key.Key_Space)
        QTest.mousePress(pane, button, pos=QPoint(300, 200))
        QTest.mouseMove(pane, QPoint(320, 190))
        QTest.mouseRelease(pane, button, pos=QPoint(320, 190))
        if with_space:
            QTest.keyRelease(pane, Qt.Key.Key_Space)
    assert (pane.view.centre.x(), pane.view.centre.y()) == (before.x() - 10, before.y() + 5)
    assert pane.wipe == 0.5


def test_arrow_keys(pane):
    moves = []
    pane.wipe_moved.connect(moves.append)
    QTest.keyClick(pane, Qt.Key.Key_Right)
    QTest.keyClick(pane, Qt.Key.Key_Left)
    QTest.keyClick(pane, Qt.Key.Key_Left)
    assert moves == pytest.approx([0.52, 0.5, 0.48])
    pane.set_wipe(0.99)
    QTest.keyClick(pane, Qt.Key.Key_Right)
    QTest.keyClick(pane, Qt.Key.Key_Right)
    assert moves[3:] == [1.0]


def test_the_cursor_tells_of_the_line(pane):
    line = place_on(pane, 256, 256)
    for apart, near in ((100, False), (6, True), (60, False), (-6, True)):
        QTest.mouseMove(pane, line + QPoint(apart, 90))
        assert (pane.cursor().shape() == SPLIT) == near
    pane.set_wipe(None)
    assert pane.cursor().shape() != SPLIT
    QTest.mouseMove(pane, line)
    assert pane.cursor().shape() != SPLIT


def test_a_drag_ends_when_the_pane_is_hidden(qtbot, pane):
    QTest.mousePress(pane, LEFT, pos=place_on(pane, 256, 256))
    pane.hide()
    pane.show()
    with qtbot.assertNotEmitted(pane.wipe_moved):
        QTest.mouseMove(pane, place_on(pane, 300, 256))


def captions_of(pane, share):
    """Return whether a caption can be seen on the left and on the right: pixels of neither picture near the top."""
    pane.set_wipe(share)
    shown, seen = pane.grab().toImage(), []
    top = place_on(pane, 0, 0).y()
    line = place_on(pane, 512 * share, 0).x()
    for sign, end, colour in ((-1, place_on(pane, 0, 0).x(), OLD), (1, place_on(pane, 512, 0).x(), NEW)):
        columns = range(line + 6, end - 1) if sign > 0 else range(end + 1, line - 6)
        row = [shown.pixelColor(x, y).getRgb()[:3] for x in columns for y in range(top + 12, top + 60)]
        seen.append(any(max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) > 8 for pixel in row))
    return seen


def test_captions_give_way_on_a_narrow_side(pane):
    assert captions_of(pane, 0.5) == [True, True]
    assert captions_of(pane, 0.1) == [False, True]
    assert captions_of(pane, 0.9) == [True, False]


def test_captions_and_busy_sign_do_not_overlap(pane):
    pane.view.set_scale(4)
    idle = pane.grab().toImage()
    pane.set_busy(True)
    busy = pane.grab().toImage()
    rows = {y for y in range(400) for x in range(400, 600) if idle.pixel(x, y) != busy.pixel(x, y)}
    plain = [idle.pixelColor(x, y).getRgb()[:3] == NEW for y in rows for x in range(400, 600)]
    assert rows and all(plain)


def test_a_move_repaints_the_strip_only(pane):
    # Qt's own first moves over a pane must not count.
    QTest.mousePress(pane, LEFT, pos=place_on(pane, 256, 256))
    QApplication.processEvents()
    before = pane.grab().toImage()
    repaints = Repaints(pane)
    QTest.mouseMove(pane, place_on(pane, 256, 256) + QPoint(9, 0))
    QApplication.processEvents()
    seen = QRegion(repaints.region)
    after = pane.grab().toImage()
    x = place_on(pane, 256, 256).x()
    allowed = QRect(x - 20, 0, 9 + 40, pane.height())
    assert not seen.isEmpty() and seen.subtracted(QRegion(allowed)).isEmpty()
    differs = [
        (column, row)
        for column in range(after.width())
        for row in range(after.height())
        if after.pixel(column, row) != before.pixel(column, row)
    ]
    assert differs and all(seen.contains(QPoint(*place)) for place in differs)
    QTest.mouseRelease(pane, LEFT)


def test_captions_that_come_or_go_are_repainted(pane):
    pane.set_wipe(0.11)
    QApplication.processEvents()
    before = pane.grab().toImage()
    repaints = Repaints(pane)
    pane.set_wipe(0.5)
    QApplication.processEvents()
    seen = QRegion(repaints.region)
    after = pane.grab().toImage()
    assert all(
        seen.contains(QPoint(x, y))
        for x in range(after.width())
        for y in range(after.height())
        if after.pixel(x, y) != before.pixel(x, y)
    )


@pytest.mark.parametrize("rotation", [0, 20, 90, -135])
@pytest.mark.parametrize("flipped", [False, True])
def test_the_line_stays_upright_however_the_picture_lies(pane, rotation, flipped):
    view = pane.view
    view.set_rotation(rotation)
    if flipped:
        view.flip()
    view.fit()
    for share in (0.3, 0.5, 0.8):
        pane.set_wipe(share)
        shown = pane.grab().toImage()
        places = [
            (pane.to_screen().map(QPointF(x, y)).toPoint(), (x, y))
            for x in range(20, 500, 40)
            for y in range(20, 500, 40)
        ]
        frame = pane.to_screen().mapRect(QRectF(0, 0, 512, 512))
        line = frame.left() + share * frame.width()
        checked = 0
        for at, _ in places:
            # Away from the line and the captions at the top.
            if abs(at.x() - line) > 20 and at.y() > 110:
                checked += 1
                assert shown.pixelColor(at).getRgb()[:3] == (OLD if at.x() < line else NEW)
        assert checked > 40


def test_the_line_is_dragged_over_a_rotated_picture(pane):
    pane.view.set_rotation(30)
    moves = []
    pane.wipe_moved.connect(moves.append)
    frame = pane.to_screen().mapRect(QRectF(0, 0, 512, 512))
    start = frame.center().toPoint()
    drag(pane, start, start + QPoint(50, 20))
    assert moves == pytest.approx([0.5 + 50 / frame.width()], abs=0.01)
