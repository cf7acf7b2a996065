"""The canvas and other panes: what is repainted, and which colours come out."""

from typing import cast

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QNativeGestureEvent, QPointingDevice, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QWidget

from app.canvas import MaskCanvas
from app.display import Display
from app.editor import Editor
from app.mask_editing import MaskEditing
from app.pane import DIRTY_MARGIN, ImagePane
from app.tools.box import ToolBox
from app.tools.options import Options
from app.tools.tool import Studio
from app.view import MARGIN, ViewModel
from engine.mask.steps import Mirror
from engine.mask.strokes import Stroke
from engine.types import Region
from resources.labels import palette
from tests.gui.hands import (
    LEFT,
    RADIUS,
    SHIFT,
    SIZE,
    Brush,
    Repaints,
    colour_at,
    differing,
    place_on,
    repainted,
    turn_wheel,
)

# What is repainted


@pytest.mark.parametrize("scale", [None, 2.0, 9.0])
@pytest.mark.parametrize("rotation", [0, 25])
def test_a_dab_repaints_its_own_rectangle_only(canvas, brush, scale, rotation):
    canvas.view.set_rotation(rotation)
    if scale is not None:
        canvas.view.set_scale(scale)
    start = QPoint(180, 140)
    QTest.mouseMove(canvas, start)
    QTest.mousePress(canvas, LEFT, pos=start)
    region, before, after = repainted(canvas, lambda: QTest.mouseMove(canvas, start + QPoint(5, 3)))
    QTest.mouseRelease(canvas, LEFT, pos=start + QPoint(5, 3))
    # A mask pixel beyond the stroke's circles, turned by up to 45 degrees.
    reach = max((RADIUS + 2) * canvas.view.scale * 1.5, 13) + 2 * DIRTY_MARGIN + 2
    allowed = QRectF(start, QSizeF(5, 3)).adjusted(-reach, -reach, reach, reach).toAlignedRect()
    assert not region.isEmpty()
    assert region.subtracted(QRegion(allowed)).isEmpty()
    assert region.boundingRect() != canvas.rect()
    differs = differing(before, after)
    assert differs and all(region.contains(place) for place in differs)


@pytest.mark.parametrize("rotation", [0, 90, 33])
@pytest.mark.parametrize("display", [Display(), Display(outlined=(1, 13)), Display(colour_blind_safe=True)])
def test_update_region_covers_what_it_shows(canvas, document, rotation, display):
    canvas.set_display(display)
    canvas.view.set_scale(3.3)
    canvas.view.set_rotation(rotation)
    stroke = Stroke(13, np.array([[250.2, 240.7, 9.0]], np.float32))
    region, before, after = repainted(canvas, lambda: canvas.update_region(document.begin(stroke)))
    differs = differing(before, after)
    assert differs and all(region.contains(place) for place in differs)
    assert region.boundingRect().width() < 150
    canvas.update_region(Region(0, 0, 0, 0))


def test_a_region_out_of_sight_repaints_nothing(canvas):
    canvas.view.set_scale(32)
    region, _, _ = repainted(canvas, lambda: canvas.update_region(Region(0, 0, 9, 9)))
    assert region.isEmpty()


def test_guides_are_drawn_and_repainted_where_they_were_and_are(canvas, brush):
    QTest.mouseMove(canvas, QPoint(100, 100))
    region, before, after = repainted(canvas, lambda: QTest.mouseMove(canvas, QPoint(250, 200)))
    assert before.pixelColor(100 + 12, 100) == QColor("white") and after.pixelColor(250 + 12, 200) == QColor("white")
    differs = differing(before, after)
    assert differs and all(region.contains(place) for place in differs)
    assert not region.contains(QPoint(175, 150))
    region, before, after = repainted(canvas, lambda: canvas.set_tool(None))
    assert all(region.contains(place) for place in differing(before, after))
    assert after.pixelColor(250 + 12, 200) != QColor("white")


def test_guides_that_stay_are_not_repainted(canvas, document):
    editor = MaskEditing()
    editor.document = document
    studio = Studio(cast(Editor, editor), Options(symmetric=True))
    studio.axis = Mirror(128.0, 256.0)
    canvas.set_tool(ToolBox(studio, [Brush(canvas, document)]))
    QTest.mouseMove(canvas, QPoint(60, 200))
    region, before, after = repainted(canvas, lambda: QTest.mouseMove(canvas, QPoint(90, 220)))
    differs = differing(before, after)
    assert differs and all(region.contains(place) for place in differs)
    assert region.boundingRect().bottom() < 250 and region.boundingRect().top() > 170
    region, before, after = repainted(canvas, lambda: studio.set_axis(Mirror(64.0, 256.0)))
    differs = differing(before, after)
    # The line of symmetry runs down the whole mask.
    assert max(place.y() for place in differs) - min(place.y() for place in differs) > 200
    assert all(region.contains(place) for place in differs)


def test_the_tools_cursor_is_shown(canvas, brush):
    assert canvas.cursor().shape() == Qt.CursorShape.CrossCursor
    brush.shape = Qt.CursorShape.BlankCursor
    brush.changed.emit()
    assert canvas.cursor().shape() == Qt.CursorShape.BlankCursor
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    assert canvas.cursor().shape() == Qt.CursorShape.OpenHandCursor
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.cursor().shape() == Qt.CursorShape.BlankCursor
    canvas.set_labels(None)
    assert canvas.cursor().shape() == Qt.CursorShape.ArrowCursor


# Colours


def test_shows_the_palette_and_mixes_it(canvas, document):
    photo = np.full((1024, 1024, 3), (10, 200, 90), np.uint8)
    canvas.set_image(photo)
    colours = palette()
    assert colour_at(canvas, 100, 256) == tuple(colours[0])
    assert colour_at(canvas, 400, 256) == tuple(colours[1])
    canvas.set_mask_opacity(0.5)
    assert np.abs(np.array(colour_at(canvas, 400, 256)) - (photo[0, 0] * 0.5 + colours[1] * 0.5)).max() <= 2
    assert np.abs(np.array(colour_at(canvas, 100, 256)) - photo[0, 0] * 0.5).max() <= 2
    canvas.set_mask_opacity(0.0)
    assert colour_at(canvas, 400, 256) == (10, 200, 90)
    canvas.set_mask_opacity(1.0)
    document.begin(Stroke(13, np.array([[400, 256, 20]], np.float32)))
    assert colour_at(canvas, 400, 256) == tuple(colours[13])
    canvas.set_mask_hidden(True)
    assert colour_at(canvas, 400, 256) == (10, 200, 90)
    canvas.set_mask_hidden(False)
    assert colour_at(canvas, 400, 256) == tuple(colours[13])


@pytest.mark.parametrize(
    ("display", "background", "skin"),
    [
        (Display(hidden=(0,)), None, 1),
        (Display(hidden=(1,)), 0, None),
        (Display(hidden=(0,), solo=0), 0, None),
        (Display(solo=1), None, 1),
        (Display(outlined=(1,)), 0, None),
    ],
)
@pytest.mark.parametrize("opacity", [1.0, 0.5])
def test_hidden_classes_show_the_picture(canvas, display, background, skin, opacity):
    photo = np.full((256, 256, 3), (10, 200, 90), np.uint8)
    canvas.set_image(photo)
    canvas.set_mask_opacity(opacity)
    canvas.set_display(display)
    for x, label in ((100, background), (400, skin)):
        expected = photo[0, 0] if label is None else palette()[label] * opacity + photo[0, 0] * (1 - opacity)
        assert np.abs(np.array(colour_at(canvas, x, 256)) - expected).max() <= 2


def test_another_mask_is_shown_as_the_last_one_was(canvas, document):
    canvas.set_image(np.full((64, 64, 3), (10, 200, 90), np.uint8))
    canvas.set_display(Display(hidden=(1,)))
    canvas.set_labels(np.ones((SIZE, SIZE), np.uint8))
    assert colour_at(canvas, 100, 256) == (10, 200, 90)


@pytest.mark.parametrize("rotation", [0, 15, 90, -120, 180])
@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize("scale", [0.5, 1.0, 6.0])
def test_every_place_shows_its_class(canvas, rotation, flipped, scale):
    random = np.random.default_rng(1)
    blocks = random.integers(0, 19, (16, 16)).astype(np.uint8)
    canvas.set_labels(np.kron(blocks, np.ones((32, 32), np.uint8)))
    canvas.set_minimap(False)
    canvas.view.set_rotation(rotation)
    if flipped:
        canvas.view.flip()
    canvas.view.set_scale(scale)
    shown = canvas.grab().toImage()
    checked = 0
    for row, column in np.ndindex(16, 16):
        at = place_on(canvas, 32 * column + 16, 32 * row + 16)
        if shown.rect().contains(at):
            checked += 1
            assert shown.pixelColor(at).getRgb()[:3] == tuple(palette()[blocks[row, column]])
    # Each pixel outside of the frame is the pane's own.
    corner = canvas.to_image(QPointF(0.5, 0.5))
    if not QRectF(-2, -2, SIZE + 4, SIZE + 4).contains(corner):
        assert shown.pixelColor(0, 0) == canvas.palette().color(canvas.backgroundRole())
    assert checked >= 2


# The pane


@pytest.fixture
def view():
    view = ViewModel()
    view.set_image_size(SIZE, SIZE)
    return view


def test_picture_is_stretched_into_the_frame(qtbot, view):
    pane = ImagePane(view)
    qtbot.addWidget(pane)
    pane.resize(300, 300)
    photo = np.zeros((2048, 2048, 3), np.uint8)
    photo[1024:, 1024:] = (250, 120, 30)
    pane.set_image(photo)
    for scale in (0.2, 0.5, 1.0, 20.0):
        view.set_scale(scale)
        near = 40 / scale if scale < 2 else 2
        assert colour_at(pane, 256 + near, 256 + near) == (250, 120, 30)
        assert colour_at(pane, 256 - near, 256 - near) == (0, 0, 0)


def test_panes_zoom_together_and_stay_fitted(qtbot, view):
    window = QWidget()
    qtbot.addWidget(window)
    layout = QHBoxLayout(window)
    panes = [ImagePane(view), MaskCanvas(view)]
    for pane in panes:
        layout.addWidget(pane)
    window.resize(700, 300)
    with qtbot.waitExposed(window):
        window.show()
    fitted = view.scale
    assert view.fitted and fitted == pytest.approx(min(panes[0].width(), panes[0].height()) / SIZE, rel=0.1)
    window.resize(900, 440)
    QApplication.processEvents()
    assert view.scale > fitted
    assert view.scale * SIZE <= min(min(pane.width(), pane.height()) for pane in panes) - 2 * MARGIN + 1e-6

    repaints = [Repaints(pane) for pane in panes]
    under = QPoint(60, 70)
    before = panes[0].to_image(QPointF(under))
    turn_wheel(panes[0], 120, at=under)
    QApplication.processEvents()
    after = panes[0].to_image(QPointF(under))
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()))
    assert not view.fitted
    assert all(seen.region.boundingRect() == pane.rect() for seen, pane in zip(repaints, panes, strict=True))
    scale = view.scale
    window.resize(700, 300)
    QApplication.processEvents()
    assert view.scale == scale
    panes[1].hide()
    view.fit()
    QApplication.processEvents()
    assert view.scale == pytest.approx(view.fit_scale)


def test_a_pane_that_is_hidden_does_not_count(qtbot, view):
    panes = [ImagePane(view), ImagePane(view)]
    for pane in panes:
        qtbot.addWidget(pane)
        pane.resize(300, 300)
        pane.show()
    fitted = view.scale
    panes[1].hide()
    panes[1].resize(130, 130)
    # Which brings it to its size, though it is hidden.
    panes[1].grab()
    assert view.scale == fitted
    panes[1].show()
    assert view.scale < fitted


def pinch(pane, kind, value, at):
    """Send what two fingers do on a trackpad."""
    place = QPointF(at)
    device = QPointingDevice.primaryPointingDevice()
    event = QNativeGestureEvent(kind, device, 2, place, place, pane.mapToGlobal(place), value, QPointF())
    QApplication.sendEvent(pane, event)


def test_two_fingers_zoom_and_rotate(qtbot, view):
    pane = ImagePane(view)
    qtbot.addWidget(pane)
    pane.resize(300, 300)
    at = QPoint(80, 200)
    place, scale = pane.to_image(QPointF(at)), view.scale
    pinch(pane, Qt.NativeGestureType.ZoomNativeGesture, 0.5, at)
    assert view.scale == pytest.approx(1.5 * scale) and pane.to_screen().map(place).toPoint() == at
    # A photo that is looked at upright stays so.
    pinch(pane, Qt.NativeGestureType.RotateNativeGesture, 20.0, at)
    turn_wheel(pane, 120, SHIFT)
    assert view.rotation == 0
    pane.rotates = True
    place = pane.to_image(QPointF(at))
    pinch(pane, Qt.NativeGestureType.RotateNativeGesture, 20.0, at)
    assert view.rotation == pytest.approx(20) and pane.to_screen().map(place).toPoint() == at
    pinch(pane, Qt.NativeGestureType.SwipeNativeGesture, 20.0, at)
    assert view.rotation == pytest.approx(20)


def test_a_caption_is_shown_in_the_corner_and_goes(qtbot, view):
    pane = ImagePane(view)
    qtbot.addWidget(pane)
    pane.resize(400, 300)
    plain = pane.grab().toImage()
    pane.set_caption("Before")
    changed = differing(plain, pane.grab().toImage())
    assert changed and max(place.x() for place in changed) < 120 and max(place.y() for place in changed) < 60
    pane.set_caption("")
    assert pane.grab().toImage() == plain


def test_busy_sign_shows_in_the_corner_only(qtbot, view):
    pane = ImagePane(view, "Result")
    qtbot.addWidget(pane)
    pane.resize(400, 300)
    idle = pane.grab().toImage()
    pane.set_busy(True)
    assert pane.busy
    busy = pane.grab().toImage()
    changed = [(x, y) for x in range(400) for y in range(300) if idle.pixel(x, y) != busy.pixel(x, y)]
    assert changed and min(x for x, _ in changed) > 200 and max(y for _, y in changed) < 60
    pane.set_busy(False)
    assert not pane.busy
    assert pane.grab().toImage() == idle
    assert pane.accessibleName() == "Result"


def test_refuses_what_it_cannot_wrap(qtbot, view):
    canvas = MaskCanvas(view)
    qtbot.addWidget(canvas)
    with pytest.raises(ValueError):
        canvas.set_image(np.zeros((4, 4), np.uint8))
    with pytest.raises(ValueError):
        canvas.set_labels(np.zeros((4, 4), np.uint8).T[:, ::2])
    canvas.set_placeholder("Open a portrait")
    canvas.grab()
