"""The panes: where the hand's places land in the mask, what is repainted, and which colours come out."""

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRect, QSizeF, Qt
from PySide6.QtGui import QColor, QRegion, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QWidget

from app.canvas import ImagePane, MaskCanvas
from app.document import MaskDocument
from app.pane import DIRTY_MARGIN
from app.view import MARGIN, MAX_SCALE, ViewModel
from engine.types import Region
from resources.labels import palette

SIZE = 512
LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
CONTROL = Qt.KeyboardModifier.ControlModifier


class Repaints(QObject):
    """Gathers what a widget repaints."""

    def __init__(self, widget):
        super().__init__(widget)
        self.region = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, _, event):
        if event.type() == QEvent.Type.Paint:
            self.region = self.region.united(event.region())
        return False


@pytest.fixture
def view():
    """Return a view of a 512 pixel mask."""
    view = ViewModel()
    view.set_image_size(SIZE, SIZE)
    return view


@pytest.fixture
def document():
    """Return a mask of skin on background: its right half is skin."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    mask[:, SIZE // 2 :] = 1
    return MaskDocument(mask)


@pytest.fixture
def canvas(qtbot, view, document):
    """Return a shown canvas whose strokes paint hair into the document."""
    canvas = MaskCanvas(view, "Mask")
    qtbot.addWidget(canvas)
    canvas.resize(400, 300)
    canvas.set_labels(document.labels)
    canvas.set_brush(6.0)
    canvas.pressed.connect(lambda x, y: canvas.update_region(document.begin(13, 6.0, x, y)))
    canvas.moved.connect(lambda x, y: canvas.update_region(document.extend(x, y)))
    canvas.cancelled.connect(lambda: canvas.update_region(document.abort()))
    canvas.released.connect(document.commit)
    with qtbot.waitExposed(canvas):
        canvas.show()
    canvas.activateWindow()
    QApplication.processEvents()
    return canvas


def place_on(pane, x, y):
    """Return the widget's pixel that shows a place of the mask."""
    return pane.view.transform(QSizeF(pane.size())).map(QPointF(x, y)).toPoint()


def colour_at(pane, x, y):
    """Return the colour shown at a place of the mask, (R, G, B)."""
    at = place_on(pane, x, y)
    shown = QColor(pane.grab().toImage().pixel(at))
    return shown.red(), shown.green(), shown.blue()


def turn_wheel(pane, delta, modifiers=Qt.KeyboardModifier.NoModifier, at=None):
    """Send one wheel event, by default at the centre."""
    position = QPointF(at or pane.rect().center())
    event = QWheelEvent(
        position,
        pane.mapToGlobal(position),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        modifiers,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(pane, event)


@pytest.mark.parametrize("scale", [None, 0.3, 1.0, 3.7, 16.0, 64.0])
def test_press_lands_where_it_is_seen(qtbot, canvas, scale):
    if scale is not None:
        canvas.view.set_scale(scale)
    canvas.view.pan(7, -5)
    for widget_point in (QPoint(200, 150), QPoint(3, 290)):
        with qtbot.waitSignal(canvas.pressed) as caught:
            QTest.mousePress(canvas, LEFT, pos=widget_point)
        QTest.mouseRelease(canvas, LEFT, pos=widget_point)
        centre, shown = canvas.view.centre, canvas.view.scale
        assert caught.args == pytest.approx(
            [centre.x() + (widget_point.x() - 200) / shown, centre.y() + (widget_point.y() - 150) / shown]
        )
        there = canvas.view.transform(QSizeF(canvas.size())).map(QPointF(*caught.args))
        assert (there.x(), there.y()) == pytest.approx((widget_point.x(), widget_point.y()))


def test_drag_paints_and_ends(qtbot, canvas, document):
    start, end = place_on(canvas, 100, 100), place_on(canvas, 140, 120)
    with qtbot.waitSignal(canvas.released):
        QTest.mousePress(canvas, LEFT, pos=start)
        QTest.mouseMove(canvas, end)
        assert canvas.dragging
        QTest.mouseRelease(canvas, LEFT, pos=end)
    assert not canvas.dragging
    assert document.labels[100, 100] == document.labels[110, 120] == document.labels[120, 140] == 13


@pytest.mark.parametrize("scale", [None, 2.0, 9.0])
def test_a_dab_repaints_its_own_rectangle_only(canvas, scale):
    if scale is not None:
        canvas.view.set_scale(scale)
    start = QPoint(180, 140)
    QTest.mouseMove(canvas, start)
    QApplication.processEvents()
    repaints = Repaints(canvas)
    changed = Region(0, 0, 0, 0)

    def note(x, y):
        nonlocal changed
        spot = Region(int(y - 8), int(x - 8), int(y + 9), int(x + 9))
        changed = changed.union(spot)

    canvas.pressed.connect(note)
    canvas.moved.connect(note)
    QTest.mousePress(canvas, LEFT, pos=start)
    QApplication.processEvents()
    QTest.mouseMove(canvas, start + QPoint(5, 3))
    QApplication.processEvents()
    QTest.mouseRelease(canvas, LEFT, pos=start + QPoint(5, 3))
    QApplication.processEvents()

    assert not repaints.region.isEmpty()
    mapped = canvas.view.transform(QSizeF(canvas.size())).mapRect(
        QRect(changed.x0, changed.y0, changed.x1 - changed.x0, changed.y1 - changed.y0)
    )
    margin = DIRTY_MARGIN + 2
    allowed = mapped.adjusted(-margin, -margin, margin, margin)
    assert repaints.region.subtracted(QRegion(allowed)).isEmpty()
    assert repaints.region.boundingRect() != canvas.rect()


def test_update_region_covers_what_it_shows(canvas, document):
    canvas.view.set_scale(3.3)
    QApplication.processEvents()
    shown = canvas.grab().toImage()
    repaints = Repaints(canvas)
    region = document.begin(13, 9.0, 250.2, 240.7)
    canvas.update_region(region)
    QApplication.processEvents()
    after = canvas.grab().toImage()
    differs = [
        (x, y) for x in range(after.width()) for y in range(after.height()) if after.pixel(x, y) != shown.pixel(x, y)
    ]
    assert differs
    assert all(repaints.region.contains(QPoint(x, y)) for x, y in differs)
    canvas.update_region(Region(0, 0, 0, 0))


def test_a_region_out_of_sight_repaints_nothing(canvas):
    canvas.view.set_scale(32)
    QApplication.processEvents()
    repaints = Repaints(canvas)
    canvas.update_region(Region(0, 0, 9, 9))
    QApplication.processEvents()
    assert repaints.region.isEmpty()


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
    canvas.set_colours(palette(colour_blind_safe=True))
    assert colour_at(canvas, 400, 256) == tuple(palette(colour_blind_safe=True)[1])
    document.begin(13, 20, 400, 256)
    assert colour_at(canvas, 400, 256) == tuple(palette(colour_blind_safe=True)[13])


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


def test_zoom_has_limits(canvas):
    view = canvas.view
    view.set_scale(1e6)
    assert view.scale == MAX_SCALE
    view.set_scale(1e-6)
    assert view.scale == pytest.approx(view.fit_scale / 4)
    view.pan(1e6, -1e6)
    assert (view.centre.x(), view.centre.y()) == (0, SIZE)


def test_wheel_steps_the_brush_and_control_zooms(canvas):
    steps = []
    canvas.brush_step.connect(steps.append)
    scale = canvas.view.scale
    turn_wheel(canvas, 120)
    turn_wheel(canvas, -240)
    assert steps == [1, -1, -1]
    for _ in range(8):
        turn_wheel(canvas, 30)
    assert steps[3:] == [1, 1]
    turn_wheel(canvas, 100)
    turn_wheel(canvas, -120)
    assert steps[5:] == [-1]
    assert canvas.view.scale == scale
    turn_wheel(canvas, 120, CONTROL)
    assert canvas.view.scale == pytest.approx(scale * 1.25)
    assert len(steps) == 6


@pytest.mark.parametrize("with_space", [False, True])
def test_pans(qtbot, canvas, with_space):
    button = LEFT if with_space else MIDDLE
    canvas.view.set_scale(2.0)
    before = canvas.view.centre
    canvas.setFocus()
    with qtbot.assertNotEmitted(canvas.pressed):
        if with_space:
            QTest.keyPress(canvas, Qt.Key.Key_Space)
        QTest.mousePress(canvas, button, pos=QPoint(100, 100))
        QTest.mouseMove(canvas, QPoint(120, 90))
        QTest.mouseRelease(canvas, button, pos=QPoint(120, 90))
        if with_space:
            QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert (canvas.view.centre.x(), canvas.view.centre.y()) == (before.x() - 10, before.y() + 5)
    assert not canvas.panning


def test_escape_cancels(qtbot, canvas, document):
    with qtbot.assertNotEmitted(canvas.released), qtbot.waitSignal(canvas.cancelled):
        QTest.mousePress(canvas, LEFT, pos=QPoint(200, 150))
        assert document.changed
        QTest.keyPress(canvas, Qt.Key.Key_Escape)
        QTest.mouseMove(canvas, QPoint(230, 150))
        QTest.mouseRelease(canvas, LEFT, pos=QPoint(230, 150))
    assert not document.changed and not document.painting


@pytest.mark.parametrize("lose", ["focus", "hidden", "labels"])
def test_a_drag_that_is_cut_off_ends_once(qtbot, canvas, document, lose):
    ends = []
    canvas.released.connect(lambda: ends.append("released"))
    canvas.cancelled.connect(lambda: ends.append("cancelled"))
    QTest.mousePress(canvas, LEFT, pos=QPoint(200, 150))
    if lose == "focus":
        other = QLineEdit(canvas)
        other.show()
        other.setFocus()
    elif lose == "hidden":
        canvas.hide()
    else:
        canvas.set_labels(document.labels)
    assert ends == ["cancelled" if lose == "labels" else "released"]
    QTest.mouseRelease(canvas, LEFT, pos=QPoint(200, 150))
    assert len(ends) == 1 and not document.painting


def test_hover_and_leave(qtbot, canvas):
    QTest.mouseMove(canvas, QPoint(10, 10))
    with qtbot.waitSignal(canvas.hovered) as caught:
        QTest.mouseMove(canvas, place_on(canvas, 256, 256))
    assert caught.args == pytest.approx([256, 256], abs=2)
    with qtbot.waitSignal(canvas.left):
        QApplication.sendEvent(canvas, QEvent(QEvent.Type.Leave))


def test_outline_is_as_large_as_the_brush(canvas):
    canvas.view.set_scale(2.0)
    QTest.mouseMove(canvas, QPoint(10, 10))
    QTest.mouseMove(canvas, QPoint(200, 150))
    canvas.set_brush(None)
    without = canvas.grab().toImage()
    canvas.set_brush(20.0)
    drawn = canvas.grab().toImage()
    across = [x for x in range(400) if drawn.pixel(x, 150) != without.pixel(x, 150)]
    assert abs(across[0] - 160) <= 2 and abs(across[-1] - 240) <= 2
    canvas.set_brush(None)
    assert canvas.grab().toImage() == without


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
