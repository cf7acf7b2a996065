"""The dialog that lists all commands with their keys, and lets a person choose others."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLabel,
    QLineEdit,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.theme import icon

if TYPE_CHECKING:
    from app.shortcuts import Shortcuts

_NAME = Qt.ItemDataRole.UserRole + 1
_Native = QKeySequence.SequenceFormat.NativeText
_Policy = Qt.FocusPolicy


class KeyEdit(QKeySequenceEdit):
    """Records one key; Escape leaves it as it was.

    Signals
    -------
    recorded(QKeySequence)
        A key was pressed.
    left()
        The person does not want to press any.
    """

    recorded = Signal(QKeySequence)
    left = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMaximumSequenceLength(1)
        self._kept = QKeySequence()
        self.editingFinished.connect(self._finish)

    def show_keys(self, keys: QKeySequence) -> None:
        """Show a key that a command has."""
        self._kept = keys
        self.setKeySequence(keys)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            self.setKeySequence(self._kept)
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _finish(self) -> None:
        keys = self.keySequence()
        if keys.isEmpty():
            self.setKeySequence(self._kept)
        elif keys != self._kept:
            self.recorded.emit(keys)


class ShortcutsDialog(QDialog):
    """Lists all commands by menu, with their keys; what is changed holds at once.

    Parameters
    ----------
    shortcuts
        Whose keys are shown and changed; its `overrides` are what to remember afterwards.
    """

    def __init__(self, shortcuts: Shortcuts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shortcuts = shortcuts
        self._replace: Callable[[], None] | None = None
        shortcuts.learn()
        self.setWindowTitle(self.tr("Keyboard shortcuts"))
        self._build()
        em = self.fontMetrics().height()
        room = self.screen().availableSize()
        self.resize(min(40 * em, round(0.9 * room.width())), min(44 * em, round(0.9 * room.height())))
        self.tree.setIndentation(round(1.4 * em))
        # The rows' heights are those of the style, which the tree otherwise gets only as it is shown.
        self.tree.ensurePolished()
        self._fill()
        shortcuts.changed.connect(self._refresh)
        self.search.setFocus()

    def _build(self) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search by name or key"))
        self.search.setAccessibleName(self.tr("Search by name or key"))
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(self._filter)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName(self.tr("Commands and their keys"))
        self.tree.setUniformRowHeights(True)
        self.tree.setHeaderLabels([self.tr("Command"), self.tr("Keys")])
        self.tree.header().setSectionsMovable(False)
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.tree.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.currentItemChanged.connect(self._select)
        self.tree.itemActivated.connect(lambda *_: self.edits[0].setFocus(Qt.FocusReason.OtherFocusReason))
        self.nothing = QLabel()
        self.nothing.setObjectName("muted")
        self.nothing.setTextFormat(Qt.TextFormat.PlainText)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.nothing.setWordWrap(True)
        self.nothing.hide()

        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(9)
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addWidget(self.nothing, 1)
        column.addWidget(self._editor())
        column.addWidget(self._message())
        self._reset_all = QPushButton(self.tr("Reset all…"))
        self._reset_all.setToolTip(self.tr("Give every command the keys that it had at first"))
        self._reset_all.clicked.connect(self._ask_reset_all)
        close = QPushButton(self.tr("Close"))
        close.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(self._reset_all)
        row.addStretch(1)
        row.addWidget(close)
        column.addLayout(row)
        self.close_button = close

    def _editor(self) -> QWidget:
        self.editor = QWidget()
        self._caption = QLabel()
        self._caption.setTextFormat(Qt.TextFormat.PlainText)
        self._caption.setWordWrap(True)
        column = QVBoxLayout(self.editor)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self._caption)
        row = QHBoxLayout()
        row.setSpacing(4)
        self.edits = [KeyEdit(), KeyEdit()]
        self.removers = [QToolButton(), QToolButton()]
        for place, (edit, remover) in enumerate(zip(self.edits, self.removers, strict=True)):
            edit.recorded.connect(lambda keys, place=place: self._record(place, keys))
            edit.left.connect(lambda: self.tree.setFocus(Qt.FocusReason.OtherFocusReason))
            remover.setIcon(icon("close"))
            remover.setFocusPolicy(_Policy.StrongFocus)
            remover.clicked.connect(lambda _=False, place=place: self._give(place, QKeySequence()))
            row.addWidget(edit, 1)
            row.addWidget(remover)
        self.edits[0].setAccessibleName(self.tr("First key: press the new one"))
        self.edits[1].setAccessibleName(self.tr("Second key: press the new one"))
        for remover, tip in zip(
            self.removers, (self.tr("Remove the first key"), self.tr("Remove the second key")), strict=True
        ):
            remover.setToolTip(tip)
            remover.setAccessibleName(tip)
        self.reset_button = QPushButton(self.tr("Reset"))
        self.reset_button.setToolTip(self.tr("Give this command the keys that it had at first"))
        self.reset_button.clicked.connect(self._reset)
        row.addSpacing(6)
        row.addWidget(self.reset_button)
        column.addLayout(row)
        return self.editor

    def _message(self) -> QFrame:
        self.message = QFrame()
        self.message.setObjectName("notice")
        self.message_text = QLabel()
        self.message_text.setTextFormat(Qt.TextFormat.PlainText)
        self.message_text.setWordWrap(True)
        self.replace_button, self.cancel_button = QPushButton(), QPushButton()
        self.replace_button.clicked.connect(self._go_on)
        self.cancel_button.clicked.connect(self._refresh)
        row = QHBoxLayout(self.message)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.message_text, 1)
        row.addWidget(self.replace_button)
        row.addWidget(self.cancel_button)
        self.message.hide()
        return self.message

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            # Enter goes on from the search to what was found; buttons that have the focus take it before it comes here,
            # and no other must be pressed by it.
            if self.search.hasFocus():
                self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
        elif event.key() == Qt.Key.Key_Escape and self._replace is not None:
            self._refresh()
        else:
            super().keyPressEvent(event)

    # The list

    def _fill(self) -> None:
        groups: dict[str, QTreeWidgetItem] = {}
        for command in self._shortcuts.commands:
            title = command.path[0] if command.path else self.tr("Other")
            if title not in groups:
                groups[title] = self._group(title)
            name = " › ".join((*command.path[1:], command.title))
            item = QTreeWidgetItem(groups[title], [name, ""])
            item.setData(0, _NAME, command.action.objectName())
        if self._shortcuts.fixed:
            group = self._group(self.tr("Fixed"))
            for keys, use in self._shortcuts.fixed.items():
                QTreeWidgetItem(group, [use, keys.toString(_Native)])
        self.tree.expandAll()
        self._refresh()
        self._choose_first()

    def _group(self, title: str) -> QTreeWidgetItem:
        group = QTreeWidgetItem(self.tree, [title, ""])
        group.setFlags(Qt.ItemFlag.ItemIsEnabled)
        font = group.font(0)
        font.setBold(True)
        group.setFont(0, font)
        return group

    def _groups(self) -> list[QTreeWidgetItem]:
        return _children(self.tree.invisibleRootItem())

    def _items(self) -> list[QTreeWidgetItem]:
        return [item for group in self._groups() for item in _children(group)]

    def _refresh(self) -> None:
        """Show the keys as they are, and drop any question."""
        self._dismiss()
        changes = 0
        for item in self._items():
            name = item.data(0, _NAME)
            if name is None:
                continue
            changed = self._shortcuts.is_changed(name)
            changes += changed
            item.setText(1, _written(self._shortcuts.keys(name)))
            first = _written(self._shortcuts.default(name)) or self.tr("none")
            for place in (0, 1):
                font = item.font(place)
                font.setBold(changed)
                item.setFont(place, font)
                item.setToolTip(place, self.tr("Changed; at first: {0}").format(first) if changed else "")
        self._reset_all.setEnabled(changes > 0)
        self._select()

    def _filter(self, text: str) -> None:
        words = text.lower().split()
        for group in self._groups():
            shown = 0
            for item in _children(group):
                searched = f"{group.text(0)} {item.text(0)} {item.text(1)}".lower()
                item.setHidden(not all(word in searched for word in words))
                shown += not item.isHidden()
            group.setHidden(not shown)
        self._choose_first()
        found = self.tree.currentItem() is not None
        self.nothing.setText(self.tr("No command is called “{0}” or has such a key.").format(text.strip()))
        self.nothing.setVisible(not found)
        self.tree.setVisible(found)

    def _choose_first(self) -> None:
        first = next((item for item in self._items() if not item.isHidden()), None)
        if first is not None:
            self.tree.setCurrentItem(first)
        else:
            self.tree.setCurrentIndex(QModelIndex())

    # One command

    def _chosen(self) -> str:
        """Return the id of the selected command; empty where none is."""
        item = self.tree.currentItem()
        return (item.data(0, _NAME) or "") if item is not None else ""

    def _select(self) -> None:
        self._dismiss()
        name, item = self._chosen(), self.tree.currentItem()
        self.editor.setEnabled(bool(name))
        keys = self._shortcuts.keys(name) if name else []
        if name and item is not None:
            self._caption.setText(self.tr("Keys of “{0}”: click a field and press the new key").format(item.text(0)))
        else:
            self._caption.setText(self.tr("These keys cannot be changed") if item else "")
        for place, (edit, remover) in enumerate(zip(self.edits, self.removers, strict=True)):
            edit.show_keys(keys[place] if place < len(keys) else QKeySequence())
            remover.setEnabled(place < len(keys))
        self.reset_button.setEnabled(bool(name) and self._shortcuts.is_changed(name))

    def _record(self, place: int, keys: QKeySequence) -> None:
        name, text = self._chosen(), keys.toString(_Native)
        if keys in self._shortcuts.fixed and keys not in self._shortcuts.default(name):
            use = self._shortcuts.fixed[keys]
            self._ask(self.tr("{0} cannot be changed. It is for: {1}.").format(text, use), "", None)
        elif (user := self._shortcuts.user_of(keys, but=name)) is not None:
            words = self.tr("{0} is used by “{1}”.").format(text, user.label)
            self._ask(words, self.tr("Replace"), lambda: self._give(place, keys))
        else:
            self._give(place, keys)

    def _give(self, place: int, keys: QKeySequence) -> None:
        name = self._chosen()
        now = self._shortcuts.keys(name)
        now[place : place + 1] = [keys]
        self._shortcuts.set_keys(name, now)
        self._refresh()

    def _reset(self) -> None:
        name = self._chosen()
        for keys in self._shortcuts.default(name):
            user = self._shortcuts.user_of(keys, but=name)
            if user is not None and keys not in self._shortcuts.default(user.action.objectName()):
                words = self.tr("{0} is used by “{1}”.").format(keys.toString(_Native), user.label)
                self._ask(words, self.tr("Replace"), lambda: self._shortcuts.reset(name))
                return
        self._shortcuts.reset(name)
        self._refresh()

    def _ask_reset_all(self) -> None:
        count = sum(self._shortcuts.is_changed(command.action.objectName()) for command in self._shortcuts.commands)
        words = self.tr("All changes will be lost. Changed commands: {0}.").format(count)
        self._ask(words, self.tr("Reset all"), self._shortcuts.reset_all)

    # Questions

    def _ask(self, words: str, button: str, replace: Callable[[], None] | None) -> None:
        """Tell about a conflict, and offer a way on if there is one."""
        self.message_text.setText(words)
        self.replace_button.setText(button)
        self.replace_button.setVisible(replace is not None)
        self.cancel_button.setText(self.tr("Cancel") if replace is not None else self.tr("OK"))
        self._replace = replace if replace is not None else self._refresh
        self.message.show()
        first = self.replace_button if replace is not None else self.cancel_button
        for each in (self.replace_button, self.cancel_button):
            each.setAccessibleDescription(words)
        first.setFocus(Qt.FocusReason.OtherFocusReason)
        # The message takes room from the list, from which the command must not vanish.
        QTimer.singleShot(0, self.tree, lambda: self.tree.scrollTo(self.tree.currentIndex()))

    def _go_on(self) -> None:
        assert self._replace is not None
        replace = self._replace
        self._dismiss()
        replace()
        self._refresh()

    def _dismiss(self) -> None:
        asked, self._replace = self._replace is not None, None
        if asked:
            if self.message.isAncestorOf(self.focusWidget() or self):
                self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
            self.message.hide()


def _children(parent: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    children = (parent.child(row) for row in range(parent.childCount()))
    return [child for child in children if child is not None]


def _written(keys: list[QKeySequence]) -> str:
    return ",  ".join(each.toString(_Native) for each in keys)
