"""Every command of a window, found by a few letters of its name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QGuiApplication, QHideEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QLabel,
    QLineEdit,
    QListView,
    QMainWindow,
    QMenu,
    QStackedWidget,
    QVBoxLayout,
)

from app.action_maker import plain
from app.command_rows import ROW, Row, RowDelegate, Rows, row_height
from app.fuzzy import match
from app.theme import icon

RECENT = 8
"""How many commands are remembered as chosen lately."""
_ROWS = 11
_WIDTH_EM = 44

_Key = Qt.Key
_MOVES = {_Key.Key_Up: -1, _Key.Key_Down: 1, _Key.Key_PageUp: 1 - _ROWS, _Key.Key_PageDown: _ROWS - 1}


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """Something that a window can do.

    Attributes
    ----------
    action
        What does it.
    path
        The titles of the menus that lead to it; empty where none does.
    title
        Its name, without marks for the keyboard.
    """

    action: QAction
    path: tuple[str, ...]
    title: str

    @property
    def id(self) -> str:
        """What it is remembered by: the action's object name or, where it has none, its label."""
        return self.action.objectName() or self.label

    @property
    def label(self) -> str:
        """Its name behind the menus that lead to it."""
        return " › ".join((*self.path, self.title))

    @property
    def keys(self) -> list[str]:
        """The texts of its shortcuts, as this system writes them."""
        native = QKeySequence.SequenceFormat.NativeText
        return [keys.toString(native) for keys in self.action.shortcuts() if not keys.isEmpty()]


def all_actions(window: QMainWindow) -> list[Command]:
    """Return each command that a window's menus lead to, in their order, then those that only its keys lead to."""
    found: dict[QAction, Command] = {}
    menus = [action.menu() for action in window.menuBar().actions() if action.isVisible()]
    for menu in menus:
        if isinstance(menu, QMenu):
            _collect(menu.actions(), (plain(menu.title()),), found)
    _collect(window.actions(), (), found)
    return list(found.values())


def _collect(actions: Iterable[QAction], path: tuple[str, ...], found: dict[QAction, Command]) -> None:
    for action in actions:
        title = plain(action.text())
        if action.isSeparator() or not action.isVisible() or not title:
            continue
        menu = action.menu()
        if isinstance(menu, QMenu):
            _collect(menu.actions(), (*path, title), found)
        else:
            found.setdefault(action, Command(action, path, title))


class CommandPalette(QDialog):
    """A field to type a few letters of a command in, over the top of a window, and the commands that they may mean.

    Parameters
    ----------
    window
        Whose commands are offered.
    recent
        What was chosen lately, by `Command.id`, the newest first.
    """

    def __init__(self, window: QMainWindow, recent: Sequence[str] = ()) -> None:
        super().__init__(window, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self._window = window
        self._recent = tuple(recent)[:RECENT]
        self._commands: list[Command] = []
        self.setWindowTitle(self.tr("Commands"))
        self.setAccessibleName(self.tr("Commands"))
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Type a command"))
        self.search.setAccessibleName(self.tr("Search for a command"))
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.installEventFilter(self)
        self.search.textChanged.connect(self._find)
        self._model = Rows(self)
        self.list = QListView()
        self.list.setAccessibleName(self.tr("Commands found"))
        self.list.setModel(self._model)
        self.list.setItemDelegate(RowDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # The field keeps the focus, so that typing goes on wherever the list was clicked or scrolled.
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.clicked.connect(self._choose)
        self.list.selectionModel().currentChanged.connect(self._describe)
        self.nothing = QLabel()
        self.nothing.setObjectName("muted")
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self.nothing.setWordWrap(True)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._found = QStackedWidget()
        self._found.addWidget(self.list)
        self._found.addWidget(self.nothing)

        frame = QFrame()
        frame.setObjectName("palette")
        inner, outer = QVBoxLayout(frame), QVBoxLayout(self)
        for layout in (inner, outer):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
        inner.addWidget(self.search)
        inner.addWidget(self._found, 1)
        outer.addWidget(frame)

    @property
    def recent(self) -> tuple[str, ...]:
        """What was chosen lately, by `Command.id`, the newest first."""
        return self._recent

    def open(self) -> None:
        """Show it, ready to be typed in; what was typed before is forgotten."""
        self._commands = all_actions(self._window)
        self.search.clear()
        self._find("")
        self._place()
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def shown(self) -> list[str]:
        """Return the labels of the commands that are offered now, the best first."""
        return [row.command.label for row in self._model.rows]

    def hideEvent(self, event: QHideEvent) -> None:
        # Actions may be gone by the next time it is shown.
        self._commands = []
        self._model.show([])
        super().hideEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in _MOVES:
                self._step(_MOVES[_Key(event.key())])
                return True
            if event.key() in (_Key.Key_Return, _Key.Key_Enter):
                self._choose(self.list.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        """Lay it over the top of the window, in its middle."""
        em = self.fontMetrics().height()
        self.ensurePolished()
        frame = self._window.frameGeometry() if self._window.isHidden() else self._window.geometry()
        width = max(min(_WIDTH_EM * em, frame.width() - 4 * em), 16 * em)
        row = row_height(self.fontMetrics())
        around = self.search.sizeHint().height() + 2 * round(0.3 * em) + 3
        rows = min(_ROWS, max(3, len(self._commands)), max(3, (frame.height() - 6 * em - around) // row))
        height = around + rows * row
        corner = QPoint(frame.center().x() - width // 2, frame.top() + frame.height() // 10)
        screen = self._window.screen() or QGuiApplication.primaryScreen()
        room = screen.availableGeometry()
        corner.setX(max(room.left(), min(corner.x(), room.right() - width)))
        corner.setY(max(room.top(), min(corner.y(), room.bottom() - height)))
        self.setGeometry(corner.x(), corner.y(), width, height)

    def _find(self, query: str) -> None:
        query = query.strip()
        rated: list[tuple[float, Row]] = []
        for command in self._commands:
            start = len(command.label) - len(command.title)
            found = match(query, command.label, start)
            if found is None:
                continue
            score = found.score if query else 0.0
            # Lately chosen ones come first among those that fit about as well; what cannot be done now, last.
            if command.id in self._recent:
                score += 12.0 - self._recent.index(command.id)
            if not command.action.isEnabled():
                score -= 20.0
            places = tuple(place - start for place in found.places if place >= start)
            rated.append((score, Row(command, places)))
        rated.sort(key=lambda each: -each[0])
        self._model.show([row for _, row in rated])
        self.nothing.setText(self.tr("No command is called “{0}”.").format(query))
        self._found.setCurrentWidget(self.list if rated else self.nothing)
        self.list.setCurrentIndex(self._model.index(0))
        self.list.scrollToTop()
        if not rated:
            self.search.setAccessibleDescription(self.nothing.text())

    def _step(self, step: int) -> None:
        count = self._model.rowCount()
        if not count:
            return
        row = self.list.currentIndex().row() + step
        # Single steps go round; pages stop at the ends.
        row = row % count if abs(step) == 1 else min(max(row, 0), count - 1)
        self.list.setCurrentIndex(self._model.index(row))

    def _choose(self, index: QModelIndex) -> None:
        row = index.data(ROW)
        if not isinstance(row, Row) or not row.command.action.isEnabled():
            return
        chosen = row.command
        self._recent = (chosen.id, *(other for other in self._recent if other != chosen.id))[:RECENT]
        self.hide()
        # The window has its focus back before anything is done, as after a choice from a menu.
        QTimer.singleShot(0, chosen.action, chosen.action.trigger)

    def _describe(self, index: QModelIndex) -> None:
        """Tell screen readers, which are with the field, what Enter would do."""
        self.search.setAccessibleDescription(index.data(Qt.ItemDataRole.AccessibleTextRole) or "")
