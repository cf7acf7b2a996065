"""Where a portrait is painted: the tools, the classes, the pictures, and the panels beside them."""

from collections.abc import Callable, Iterable

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QTabWidget, QVBoxLayout, QWidget

from app.adjust_panel import AdjustPanel
from app.adjusting import Adjusting
from app.bars import ToolStrip
from app.class_list import ClassList
from app.comparison import Comparison
from app.display import Display
from app.editor_page import EditorPage
from app.history_panel import HistoryPanel
from app.options_bar import OptionsBar
from app.titles import step_title
from app.tools.areas import EllipseTool, RectangleTool
from app.tools.box import ToolBox
from app.tools.brush import BrushTool, RestoreTool
from app.tools.eyedropper import EyedropperTool
from app.tools.fill import FillTool
from app.tools.lasso import LassoTool, PolygonTool
from app.tools.liquify_tool import LiquifyTool
from app.tools.tool import Studio
from app.tools.transform_tool import TransformTool
from engine.mask.fills import Relabelled, Reverted
from engine.mask.steps import Protection
from resources.labels import palette

COLUMNS = (218, 900, 236)
"""How wide classes, pictures and panel are at first, in screen pixels."""

PRESENT_MS = 100
"""How long after a change of the mask its classes are counted."""
ROOMY = 3 * 215
"""How wide the pictures must be for the panel to have room beside them, in screen pixels."""


class Workspace(QWidget):
    """Holds the widgets that paint, and lets them know of each other.

    Parameters
    ----------
    studio
        The editor and how its tools are set.

    Signals
    -------
    display_changed(Display)
        Classes are seen in another way.
    panel_changed(int)
        Another page of the panel is open; -1 where the panel is hidden.
    """

    display_changed = Signal(object)
    panel_changed = Signal(int)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.studio, self.page = studio, EditorPage()
        self.canvas, self.view = self.page.canvas, self.page.view
        editor = studio.editor
        self.box = ToolBox(
            studio,
            [
                kind(studio)
                for kind in (
                    BrushTool, RestoreTool, FillTool, RectangleTool, EllipseTool, LassoTool, PolygonTool,
                    EyedropperTool, TransformTool, LiquifyTool,
                )
            ],
        )  # fmt: skip
        self.classes, self.options = ClassList(), OptionsBar(studio)
        self.face, self.shape, self.history = AdjustPanel(), AdjustPanel(), HistoryPanel(editor.history)
        self.adjusting = Adjusting(studio, self.face, self.shape, self)
        self.comparison = Comparison(editor, self)
        self.display, self.protection = Display(), Protection()
        self._wants_panel = True
        self._narrow: bool | None = None
        self._cursor: tuple[float, float] | None = None
        self._lay_out()
        self._connect()
        self.canvas.set_tool(self.box)

    def _lay_out(self) -> None:
        self.tools = ToolStrip()
        self.tools.setAccessibleName(self.tr("Tools"))
        self.panels = QTabWidget()
        self.panels.setObjectName("panels")
        self.panels.setDocumentMode(True)
        # Wide enough for the names of its pages, whatever the size of the text.
        self.panels.setUsesScrollButtons(False)
        self.panels.setAccessibleName(self.tr("Panel"))
        self.panels.tabBar().setAccessibleName(self.tr("Pages of the panel"))
        for panel, title in (
            (self.face, self.tr("Face")), (self.shape, self.tr("Shape")), (self.history, self.tr("History")),
        ):  # fmt: skip
            self.panels.addTab(panel, title)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setHandleWidth(1)
        self.columns.setChildrenCollapsible(False)
        for index, widget in enumerate((self.classes, self.page, self.panels)):
            self.columns.addWidget(widget)
            self.columns.setStretchFactor(index, int(widget is self.page))
        self.columns.setSizes(list(COLUMNS))
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.options)
        middle.addWidget(self.columns, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.tools)
        row.addLayout(middle, 1)

    def _connect(self) -> None:
        studio, editor, box = self.studio, self.studio.editor, self.box
        editor.interrupted.connect(box.finish)
        editor.portrait_changed.connect(self._start_over)
        editor.mask_changed.connect(self.canvas.update_region)
        # Counting takes longer than a hand should wait at the end of a stroke.
        self._soon = QTimer(self, singleShot=True, interval=PRESENT_MS)
        self._soon.timeout.connect(self._show_present)
        editor.history_changed.connect(self._soon.start)
        self.canvas.brush_step.connect(box.step_size)
        self.canvas.hovered.connect(self._follow)
        self.canvas.left.connect(self._lose)
        self.canvas.eraser.connect(lambda on: box.borrow("restore") if on else box.give_back())
        box.chosen.connect(self.options.show_tool)
        box.changed.connect(self._show_pending)
        self.classes.chosen.connect(studio.set_label)
        studio.label_changed.connect(self.classes.set_label)
        self.classes.display_changed.connect(self.set_display)
        self.classes.protection_changed.connect(self.set_protection)
        self.classes.replace_asked.connect(lambda source, target: editor.perform(Relabelled(source, target)))
        self.options.flip_asked.connect(self._flip)
        self.options.apply_asked.connect(box.enter)
        self.options.cancel_asked.connect(box.escape)
        self.history.jump_asked.connect(editor.jump)
        self.history.compare_asked.connect(self.comparison.start)
        self.comparison.changed.connect(self._show_comparison)
        self.panels.currentChanged.connect(lambda: self.panel_changed.emit(self.panel))
        self.page.opacity.valueChanged.connect(lambda value: self.canvas.set_mask_opacity(value / 100))

    def _start_over(self) -> None:
        """Take up another portrait: what a tool had begun concerned the last one."""
        self.box.escape()
        document = self.studio.editor.document
        if document is not None:
            document.protection = self.protection
            self.studio.find_axis()
        self._show_present()

    # Tools

    def add_tools(self, groups: Iterable[Iterable[QAction]]) -> None:
        """Put the tools' actions on the strip, with a line between groups."""
        self.tools.add_groups(groups)

    def revert_region(self) -> None:
        """Bring the changed region under the cursor back to what the portrait's own mask has there."""
        if self._cursor is not None:
            self.studio.editor.perform(Reverted(*self._cursor))

    def _flip(self, horizontal: bool) -> None:
        tool = self.box.current
        if isinstance(tool, TransformTool):
            (tool.flip_horizontal if horizontal else tool.flip_vertical)()

    def _show_pending(self) -> None:
        self.options.set_pending(not self.box.resting)

    def _follow(self, x: float, y: float) -> None:
        self._cursor = (x, y)

    def _lose(self) -> None:
        self._cursor = None

    # Classes

    def set_display(self, display: Display) -> None:
        """Show the classes in another way."""
        if display != self.display:
            self.display = display
            self.canvas.set_display(display)
            self.box.set_colours(palette(display.colour_blind_safe))
            for widget in (self.history, self.options):
                widget.set_colour_blind_safe(display.colour_blind_safe)
            self.classes.set_display(display)
            self.display_changed.emit(display)

    def set_protection(self, protection: Protection) -> None:
        """Choose which classes steps may change."""
        self.protection = protection
        self.studio.editor.set_protection(protection)
        self.classes.set_protection(protection)

    def _show_present(self) -> None:
        document = self.studio.editor.document
        if document is not None:
            self.classes.set_present(set(document.present()))

    # Panels

    @property
    def panel(self) -> int:
        """The page of the panel that is wanted; -1 where the panel is hidden, other than for lack of room."""
        return self.panels.currentIndex() if self._wants_panel else -1

    @property
    def page_seen(self) -> int:
        """The page of the panel that is seen; -1 where the panel is hidden, for whatever reason."""
        return -1 if self.panels.isHidden() else self.panels.currentIndex()

    def show_panel(self, index: int) -> None:
        """Open a page of the panel; a negative one hides it."""
        self._wants_panel = index >= 0
        if 0 <= index < self.panels.count():
            self.panels.setCurrentIndex(index)
        # Who asks for it in a narrow window gets it.
        self._seat(self._wants_panel)
        self.panel_changed.emit(self.panel)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make room for the pictures in a window that has become narrow."""
        super().resizeEvent(event)
        was_narrow, self._narrow = self._narrow, self.width() < self._beside(ROOMY, lambda part: part.sizeHint())
        seen = not self.panels.isHidden() if self._narrow == was_narrow else self._wants_panel and not self._narrow
        self._seat(seen)

    def _seat(self, panel: bool) -> None:
        """Show the panel or not; where it is seen in a very narrow window it takes the classes' place."""
        changed = self.panels.isHidden() == panel
        self.panels.setVisible(panel)
        least = self._beside(self.page.minimumSizeHint().width(), lambda part: part.minimumSizeHint())
        self.classes.setVisible(not panel or self.width() >= least)
        if changed:
            self.panel_changed.emit(self.panel)

    def _beside(self, pictures: int, hint: Callable[[QWidget], QSize]) -> int:
        """Return how wide all is that stands beside each other, where the pictures are so wide."""
        parts = (self.classes, self.panels)
        return self.tools.width() + pictures + sum(hint(part).width() + self.columns.handleWidth() for part in parts)

    def toggle_panel(self, index: int) -> None:
        """Open a page of the panel, or hide the panel if that page is seen."""
        self.show_panel(-1 if self.panel == index and self.panels.isVisible() else index)

    def save_columns(self) -> str:
        """Return the columns' widths, as `restore_columns` takes them."""
        return bytes(self.columns.saveState().toBase64().data()).decode()

    def restore_columns(self, state: str) -> None:
        """Take up widths that were saved."""
        if state:
            self.columns.restoreState(QByteArray.fromBase64(state.encode()))

    def _show_comparison(self) -> None:
        comparison, history = self.comparison, self.studio.editor.history
        index = comparison.index
        self.history.set_compared(index)
        if comparison.picture is None:
            self.page.set_compared(None, "")
            return
        title = step_title(history.edits[index - 1].title) if index > 0 else self.tr("Original")
        self.page.set_compared(comparison.picture, title)
