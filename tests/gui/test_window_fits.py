"""Whether all of the window has room, at any size of the window and of the system's font."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QToolButton, QWidget

from app.display import Display
from app.editor import Editor
from app.editor_page import LAYOUTS, NARROWEST
from app.settings import Settings
from app.theme import apply_theme
from app.window import MainWindow
from engine.mask.steps import Protection
from engine.types import EngineError
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import settle
from tests.gui.fitting import SCALES, cut_off, text_scale

SIZES = ((960, 600), (1024, 640), (1280, 760), (1440, 860), (1920, 1080))
USABLE = 150
"""How wide and how high the canvas must be to paint on it, in screen pixels."""


@pytest.fixture(params=SCALES)
def scaled(request, qapp, qtbot, reader):
    """A window with a portrait open, in each size of the system's font."""
    apply_theme(qapp, "dark")
    with text_scale(request.param):
        window = MainWindow(Editor(make_reader=reader), Settings())
        window.show()
        window.editor.load_model(lambda progress: FakeGenerator())
        window.editor.edit_portrait(make_portrait(128, "a portrait with a rather long name", mask_size=(256, 256)))
        settle(qtbot, window)
        yield window
        reader.let_go()
        window.editor.forget_unsaved()
        window.close()
        window.deleteLater()
        QApplication.processEvents()


def fit_into(window, width, height):
    window.resize(width, height)
    QApplication.processEvents()
    assert (window.width(), window.height()) == (width, height)


def place(widget: QWidget, window: MainWindow) -> QRect:
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def check(window: MainWindow) -> None:
    """Check that nothing is cut off, lies upon something else, or leaves too little for the pictures."""
    assert not cut_off(window)
    workspace = window.workspace
    parts = (workspace.tools, workspace.options, workspace.classes, workspace.page, workspace.panels, window.status)
    seen = [place(part, window) for part in parts if part.isVisible()]
    for number, box in enumerate(seen):
        assert window.rect().contains(box)
        assert not any(box.intersects(other) for other in seen[:number])
    for pane in (window.source_pane, window.canvas, window.result_pane):
        if pane.isVisible():
            assert pane.width() >= NARROWEST - 2 and workspace.page.rect().contains(place(pane, window).translated(
                -workspace.page.mapTo(window, QPoint(0, 0)))
            )  # fmt: skip
    assert min(window.canvas.width(), window.canvas.height()) >= USABLE
    headers = [pane.heading.parentWidget() for pane in workspace.page._panes if pane.isVisible()]
    for strip in (workspace.tools, *headers):
        assert strip is not None
        inside = [each for each in strip.findChildren(QToolButton) if each.isVisible()]
        for number, button in enumerate(inside):
            assert strip.rect().contains(button.geometry())
            assert not any(button.geometry().intersects(other.geometry()) for other in inside[:number])
    assert len(workspace.tools.buttons) == 12 and all(button.isVisible() for button in workspace.tools.buttons)


def test_everything_has_room(qtbot, scaled):
    for size in SIZES:
        fit_into(scaled, *size)
        for layout in LAYOUTS:
            scaled.page.set_layout(layout)
            for page in (0, 1, 2, -1):
                scaled.workspace.show_panel(page)
                QApplication.processEvents()
                assert scaled.workspace.panels.isVisible() == (page >= 0)
                check(scaled)


def test_everything_has_room_with_all_that_comes_and_goes(qtbot, scaled):
    fit_into(scaled, *SIZES[0])
    workspace, status = scaled.workspace, scaled.status
    for layout in LAYOUTS:
        scaled.page.set_layout(layout)
        for name in workspace.box.tools:
            workspace.box.choose(name)
            QApplication.processEvents()
            assert not cut_off(workspace.options)
    scaled.banner.show_problem(EngineError("The project cannot be read.", "It ends too early. " * 6))
    workspace.set_protection(Protection(locked=(1, 2), over=(10, 13, 17)))
    workspace.set_display(Display(hidden=(1,), colour_blind_safe=True))
    status.strip.tell("Looking for faces in the photo…")
    scaled.editor.notice.emit("Saved /home/somebody/pictures/of a very long journey/to many places/ada.maskbrush")
    status.show_place(100.0, 100.0)
    qtbot.waitUntil(status.strip.isVisible)
    QApplication.processEvents()
    assert not cut_off(scaled)
    boxes = [place(each, scaled) for each in (status.strip, status.hover, status.zoom, status.timing, status.engine)
             if each.isVisible()]  # fmt: skip
    assert all(scaled.rect().contains(box) for box in boxes)
    assert not any(box.intersects(other) for number, box in enumerate(boxes) for other in boxes[:number])
    # The message ends where the first of them begins.
    words = status.fontMetrics().horizontalAdvance(status.currentMessage())
    assert words < min(box.left() for box in boxes) and status.toolTip().endswith("ada.maskbrush")
    assert scaled.canvas.height() >= USABLE // 2


def test_an_empty_window_says_how_to_begin_in_any_layout(window):
    key = window.actions_.open_photo.shortcut().toString()
    assert window.status.zoom.text() == ""
    for layout in LAYOUTS:
        window.page.set_layout(layout)
        QApplication.processEvents()
        seen = [pane for pane in (window.source_pane, window.canvas, window.result_pane) if pane.isVisible()]
        assert len(seen) == layout and key in seen[0].accessibleDescription()
        assert len({pane.accessibleDescription() for pane in seen}) == layout


def test_panes_that_have_no_room_come_back_when_there_is_some(qtbot, painting):
    page, notices = painting.page, []
    painting.editor.notice.connect(notices.append)
    painting.resize(1300, 700)
    QApplication.processEvents()
    assert page.layout_ == page.panes == 3
    painting.resize(960, 600)
    painting.workspace.show_panel(0)
    QApplication.processEvents()
    assert page.layout_ == 3 and page.panes == 2 and not page.source.isVisible() and page.result.isVisible()
    assert painting.actions_.studio.layouts[2].isChecked() and not notices
    # Who asks for what does not fit is told why.
    painting.actions_.studio.layouts[2].trigger()
    assert page.panes == 2 and len(notices) == 1 and "2" in notices[0]
    painting.workspace.show_panel(-1)
    QApplication.processEvents()
    assert page.panes == 3 and page.source.isVisible()


def test_the_panel_makes_way_in_a_narrow_window(painting):
    workspace = painting.workspace
    painting.resize(1300, 700)
    QApplication.processEvents()
    assert workspace.panels.isVisible()
    painting.resize(960, 600)
    QApplication.processEvents()
    assert not workspace.panels.isVisible() and workspace.panel == 0
    # The buttons tell what is seen; the first press opens it.
    assert not any(action.isChecked() for action in painting.actions_.studio.panels)
    painting.actions_.studio.panels[0].trigger()
    assert workspace.panels.isVisible() and painting.actions_.studio.panels[0].isChecked()
    painting.actions_.studio.panels[0].trigger()
    assert not workspace.panels.isVisible() and workspace.panel == -1
    workspace.show_panel(0)
    painting.resize(1300, 700)
    QApplication.processEvents()
    assert workspace.panels.isVisible()


def test_with_large_words_the_panel_takes_the_place_of_the_classes(qapp, qtbot, reader):
    with text_scale(2.0):
        window = MainWindow(Editor(make_reader=reader), Settings())
        window.resize(960, 600)
        window.show()
        window.workspace.show_panel(0)
        QApplication.processEvents()
        assert window.workspace.panels.isVisible() and not window.workspace.classes.isVisible()
        window.workspace.show_panel(-1)
        QApplication.processEvents()
        assert window.workspace.classes.isVisible()
        window.workspace.show_panel(0)
        window.resize(1920, 1080)
        QApplication.processEvents()
        assert window.workspace.panels.isVisible() and window.workspace.classes.isVisible()
        window.close()
        window.deleteLater()


def test_tools_stand_in_more_columns_where_the_window_is_low(qtbot, painting):
    strip = painting.workspace.tools
    assert strip.columns == 1
    painting.banner.show_problem(EngineError("Something.", "Something else."))
    painting.resize(960, 600)
    QApplication.processEvents()
    assert strip.columns == 2
    order = [(button.y(), button.x()) for button in strip.buttons]
    assert order == sorted(order)
    painting.banner.hide()
    qtbot.waitUntil(lambda: strip.columns == 1 and len({button.x() for button in strip.buttons}) == 1)


def test_commands_give_up_their_words_before_they_go(painting):
    bar = painting.findChild(QWidget, "commands")
    save = bar.widgetForAction(painting.actions_.save)
    more = bar.findChild(QToolButton, "qt_toolbar_ext_button")
    painting.resize(1300, 700)
    QApplication.processEvents()
    worded = save.width()
    assert not more.isVisible()
    font = bar.font()
    font.setPointSizeF(1.4 * font.pointSizeF())
    bar.setFont(font)
    painting.resize(960, 600)
    QApplication.processEvents()
    assert save.width() < worded and save.isVisible() and more.accessibleName()


@pytest.mark.parametrize("scale", SCALES)
def test_the_page_that_asks_for_a_face_has_room(qapp, scale):
    from app.align_page import AlignPage

    with text_scale(scale):
        page = AlignPage()
        page.resize(960, round(600 - 160 * scale**0.5))
        page.show()
        pixels = make_portrait(200).pixels
        page.adjust(
            pixels, np.array([[80.0, 90], [120, 90], [100, 130]]), "The mask of the whole picture will be replaced."
        )
        QApplication.processEvents()
        assert not cut_off(page)
        assert page.rect().contains(QRect(page._accept_button.mapTo(page, QPoint(0, 0)), page._accept_button.size()))
        page.close()
        page.deleteLater()
