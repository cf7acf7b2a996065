"""A window with a fake generator, and the hand that paints in it."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.document import MaskDocument
from app.editor import Editor
from app.photo_view import PhotoView
from app.settings import Settings
from engine.align import TYPICAL
from engine.mask.strokes import Stroke
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.hands import Brush, half_skin, shown_canvas
from tests.gui.readers import FakeReader


@pytest.fixture
def generator():
    return FakeGenerator()


@pytest.fixture
def reader():
    return FakeReader()


@pytest.fixture
def window(qapp, qtbot, generator, reader):
    from app.start import application
    from app.window import MainWindow

    application()
    window = MainWindow(Editor(make_reader=reader), Settings())
    window.resize(1024, 640)
    window.show()
    window.editor.load_model(lambda progress: generator)
    settle(qtbot, window)
    yield window
    reader.let_go()
    window.editor.forget_unsaved()
    window.close()
    window.deleteLater()


@pytest.fixture
def painting(qtbot, window):
    """A window with a portrait open."""
    window.editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    settle(qtbot, window)
    return window


def stroke(label: int, radius: float, *points) -> Stroke:
    """Return a stroke through points of the mask."""
    return Stroke(label, np.array([(x, y, radius) for x, y in points], np.float32))


def settle(qtbot, window):
    """Wait until all that was asked for is shown."""
    qtbot.waitUntil(lambda: not window.editor.pending, timeout=10_000)


def at(window, x: float, y: float) -> QPoint:
    """Return where a point of the mask lies on the canvas."""
    place = window.view.transform(window.canvas.size().toSizeF()).map(QPointF(x, y))
    return QPoint(round(place.x()), round(place.y()))


def drag(qtbot, window, *points):
    """Paint a stroke through points of the mask."""
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(window.canvas, left, pos=at(window, *points[0]))
    for point in points[1:]:
        qtbot.mouseMove(window.canvas, at(window, *point))
    qtbot.mouseRelease(window.canvas, left, pos=at(window, *points[-1]))


@pytest.fixture
def document():
    return MaskDocument(half_skin())


@pytest.fixture
def canvas(qtbot, document):
    return shown_canvas(qtbot, document.labels)


@pytest.fixture
def brush(canvas, document):
    """Return the tool of the canvas."""
    brush = Brush(canvas, document)
    canvas.set_tool(brush)
    return brush


@pytest.fixture
def photo(qtbot):
    """Return a shown view of a grey photo."""
    photo = PhotoView("Photo")
    qtbot.addWidget(photo)
    photo.resize(640, 420)
    photo.set_photo(np.full((500, 800, 3), (120, 120, 120), np.uint8))
    with qtbot.waitExposed(photo):
        photo.show()
    photo.activateWindow()
    photo.setFocus()
    QApplication.processEvents()
    return photo


@pytest.fixture
def adjusting(photo):
    """Return it with the points of a face to be adjusted."""
    photo.set_points(TYPICAL * 240 + (280, 130))
    return photo
