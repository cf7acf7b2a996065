"""The bars of buttons: the commands above the pictures, and the tools beside them."""

from collections.abc import Collection, Iterable, Sequence

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QAction, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QToolBar, QToolButton, QWidget

from app.action_maker import plain
from app.glyphs import tone
from app.theme import icon
from app.widgets import Panel

_ICON = 1.4
"""The side of icons, as a share of the height of the words."""
_STYLES = Qt.ToolButtonStyle


class CommandBar(QToolBar):
    """A tool bar whose buttons give up their words where room is short.

    Parameters
    ----------
    title
        What it is called.
    groups
        Its actions, with a line between groups.
    wordless
        Those of them that are never called by words.
    """

    def __init__(
        self,
        title: str,
        groups: Iterable[Iterable[QAction]],
        wordless: Collection[QAction],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(title, parent)
        self._wordless = wordless
        self._worded: bool | None = None
        self.setAccessibleName(title)
        self.setMovable(False)
        # Its menus lead to the same commands: it is not to be hidden by chance.
        self.toggleViewAction().setVisible(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for group in groups:
            if self.actions():
                self.addSeparator()
            self.addActions(list(group))
        more = self.findChild(QToolButton, "qt_toolbar_ext_button")
        if more is not None:
            more.setAccessibleName(self.tr("More commands"))
            more.setToolTip(self.tr("More commands"))
            more.setIcon(icon("chevron-right"))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(self, "_worded"):
            self._fit()

    def _fit(self) -> None:
        side = round(_ICON * self.fontMetrics().height())
        self.setIconSize(QSize(side, side))
        self._word(True)
        if self.sizeHint().width() > self.width():
            self._word(False)

    def _word(self, worded: bool) -> None:
        if worded == self._worded:
            return
        self._worded = worded
        self.setToolButtonStyle(_STYLES.ToolButtonTextBesideIcon if worded else _STYLES.ToolButtonIconOnly)
        for action in self._wordless:
            button = self.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(_STYLES.ToolButtonIconOnly)


class ToolStrip(Panel):
    """A column of tool buttons; where it is too low for them, two columns or more.

    Groups stand apart as long as one column holds them.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._groups: list[list[QToolButton]] = []
        self._lines: list[QFrame] = []
        self._columns = 0
        self._grid = QGridLayout(self)
        self._grid.setSizeConstraint(QGridLayout.SizeConstraint.SetNoConstraint)
        self._grid.setSpacing(2)

    @property
    def buttons(self) -> Sequence[QToolButton]:
        """Its buttons, in order."""
        return [button for group in self._groups for button in group]

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return self._columns

    def add_groups(self, groups: Iterable[Iterable[QAction]]) -> None:
        """Add buttons for actions, with a line between groups."""
        for group in groups:
            if self._groups:
                line = QFrame(self)
                line.setFrameShape(QFrame.Shape.HLine)
                self._lines.append(line)
            self._groups.append([self._button(action) for action in group])
        self._columns = 0
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(self._width(max(self._columns, 1)), self._height(1))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._width(max(self._columns, 1)), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(self, "_grid"):
            self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        edge = 0 if self.isRightToLeft() else self.width() - 1
        painter.fillRect(edge, 0, 1, self.height(), tone("line"))

    def _button(self, action: QAction) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(action)
        button.setToolButtonStyle(_STYLES.ToolButtonIconOnly)
        button.setAccessibleName(plain(action.text()))
        return button

    def _side(self) -> QSize:
        side = QSize()
        for button in self.buttons:
            side = side.expandedTo(button.sizeHint())
        return side

    def _around(self) -> int:
        return max(4, self.fontMetrics().height() // 3)

    def _width(self, columns: int) -> int:
        return columns * self._side().width() + (columns - 1) * self._grid.spacing() + 2 * self._around() + 1

    def _height(self, columns: int) -> int:
        rows = -(-len(self.buttons) // columns)
        height = rows * (self._side().height() + self._grid.spacing()) + 2 * self._around()
        return height + (len(self._lines) * self._between() if columns == 1 else 0)

    def _between(self) -> int:
        return 2 * self._around() + 1 + self._grid.spacing()

    def _fit(self) -> None:
        if not self._groups:
            return
        side = round(_ICON * self.fontMetrics().height())
        for button in self.buttons:
            button.setIconSize(QSize(side, side))
        columns = 1
        while columns < len(self.buttons) and self._height(columns) > self.height():
            columns += 1
        around = self._around()
        self._grid.setContentsMargins(around, around, around + 1, around)
        self.setFixedWidth(self._width(columns))
        if columns != self._columns:
            self._columns = columns
            self._arrange(columns)

    def _arrange(self, columns: int) -> None:
        while self._grid.takeAt(0) is not None:
            pass
        for row in range(self._grid.rowCount()):
            self._grid.setRowStretch(row, 0)
        for line in self._lines:
            line.setVisible(columns == 1)
        row = 0
        if columns == 1:
            for number, group in enumerate(self._groups):
                if number:
                    line = self._lines[number - 1]
                    line.setFixedHeight(self._between() - self._grid.spacing())
                    self._grid.addWidget(line, row, 0)
                    row += 1
                for button in group:
                    self._grid.addWidget(button, row, 0)
                    row += 1
        else:
            for place, button in enumerate(self.buttons):
                self._grid.addWidget(button, place // columns, place % columns)
            row = self._grid.rowCount()
        self._grid.setRowStretch(row, 1)
