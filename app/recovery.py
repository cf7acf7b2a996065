"""Keeping edits safe while they are made, and offering those of programs that ended without saving them."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QDateTime, QLocale, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.history import History
from app.journal import Change, Journal, Seen
from app.project import Project
from app.recoverable import Recoverable, discard
from app.tasks import Tasks
from engine.types import EngineError, Pixels, WriteError

SNAPSHOT_MS = 60_000
"""How often a snapshot is made, if something has changed."""
SNAPSHOT_EDITS = 10
"""After so many edits one is made at once."""
LOOK_MS = 1000
"""After a change of the look, which the journal does not hold, one is made this much later."""
THUMBNAIL, ROW = QSize(76, 76), QSize(92, 88)
"""A portrait's picture in the dialog, and the place that it has to the left of the words."""


class Autosave(QObject):
    """Writes what is edited to the recovery folder: each change at once, and whole snapshots now and then.

    Parameters
    ----------
    tasks
        In whose disk pool snapshots are written.
    history
        The edits.
    snapshot
        Called between changes; returns the present state, without a step that is under way, and None while nothing is
        open.

    Signals
    -------
    problem(EngineError)
        Edits cannot be kept safe. It is told once, and tried again.
    """

    problem = Signal(object)

    def __init__(
        self, tasks: Tasks, history: History, snapshot: Callable[[], Project | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._tasks, self._history, self._take = tasks, history, snapshot
        self._journal: Journal | None = None
        self._file: Path | None = None
        self._unsaved = False
        self._seen = Seen()
        self._following = False
        self._edits = 0
        self._due = False
        self._writing = self._again = False
        self._told = False
        self._left: list[Callable[[], None]] = []
        """Deletes the folders that the first snapshot of the present portrait takes the place of."""
        self._timer = QTimer(self, interval=SNAPSHOT_MS)
        self._timer.timeout.connect(self._check)
        self._soon = QTimer(self, singleShot=True)
        self._soon.timeout.connect(self._snapshot)
        history.changed.connect(self._note)

    @property
    def folder(self) -> Path | None:
        """Where the present portrait is kept; None where that is not possible."""
        return self._journal.folder if self._journal is not None else None

    def portrait_opened(
        self, file: Path | None = None, unsaved: bool = False, instead_of: Recoverable | None = None
    ) -> None:
        """Follow another portrait from now on; what was kept of the one before is deleted once a snapshot is there.

        Parameters
        ----------
        file
            The project that it was opened from; None for none.
        unsaved
            Whether there is already something that the file does not hold.
        instead_of
            What it was recovered from; deleted then as well.
        """
        if self._journal is not None:
            self._left.append(self._journal.close)
            self._journal = None
        if instead_of is not None:
            self._left.append(partial(_discarded, instead_of))
        self._file, self._unsaved = file, unsaved
        self._seen, self._following = self._state(), True
        self._told = False
        self._timer.start()
        self._snapshot()

    def saved(self, file: Path, unsaved: bool = False) -> None:
        """Notice that a project of the person's holds the present state; ``unsaved`` if there is more by now."""
        self._mark(file, unsaved)

    def look_changed(self, unsaved: bool = False) -> None:
        """Notice that something else than the mask has changed; ``unsaved`` if a project does not hold that."""
        if not self._following:
            return
        if unsaved and not self._unsaved:
            self._mark(self._file, True)
        self._due = True
        if not self._soon.isActive():
            self._soon.start(LOOK_MS)

    def close(self) -> None:
        """Delete what is kept: all is saved, or the person does not want it. May be called twice."""
        self._following = False
        self._timer.stop()
        self._soon.stop()
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        for leave in self._left:
            leave()
        self._left.clear()

    # Changes

    def _state(self) -> Seen:
        history = self._history
        return Seen(tuple(history.edits), history.index, len(history.dropped))

    def _note(self) -> None:
        if not self._following:
            return
        before, self._seen = self._seen, self._state()
        change = Change.between(before, self._seen)
        if change is None:
            return
        if self._seen.dropped < before.dropped or len(change.add) > 1 or (before.edits and not self._seen.edits):
            # This is another portrait's history, of which `portrait_opened` will tell.
            self._following = False
            return
        self._unsaved = self._due = True
        if self._journal is not None:
            try:
                self._journal.record(change, self._seen.count)
            except WriteError as error:
                self._fail(error)
        self._edits += len(change.add)
        if self._edits >= SNAPSHOT_EDITS:
            self._soon.start(0)

    def _mark(self, file: Path | None, unsaved: bool) -> None:
        self._file, self._unsaved = file, unsaved
        if self._journal is not None:
            try:
                self._journal.mark(file, unsaved)
            except WriteError as error:
                self._fail(error)

    # Snapshots

    def _check(self) -> None:
        if self._due:
            self._snapshot()

    def _snapshot(self) -> None:
        if self._writing:
            self._again = True
            return
        project = self._take() if self._following and not self._tasks.stopped else None
        if project is None:
            return
        self._edits, self._due = 0, False
        try:
            if self._journal is None:
                self._journal = Journal(project.name, self._file, self._unsaved)
            number = self._journal.turn_over(self._seen.count)
        except WriteError as error:
            self._fail(error)
            return
        journal, left = self._journal, tuple(self._left)

        def write() -> None:
            journal.write_snapshot(number, project)
            for leave in left:
                leave()

        def done(_: object, error: EngineError | None) -> None:
            self._writing = False
            if error is not None:
                self._fail(error)
            else:
                self._told = False
                del self._left[: len(left)]
            if self._again:
                self._again = False
                self._snapshot()

        self._writing = True
        self._tasks.run(write, done)

    def _fail(self, error: EngineError) -> None:
        self._due = True
        if not self._told:
            self._told = True
            message = self.tr("The latest edits would be lost if Maskbrush ended now: {0}").format(error.message)
            self.problem.emit(
                EngineError(message, self.tr("Save the project to be safe; keeping edits is tried again every minute."))
            )


def _discarded(session: Recoverable) -> None:
    with suppress(EngineError):
        discard(session)


class RecoveryDialog(QDialog):
    """Asks what to do with edits that were not saved: recover or discard one portrait's, or decide later.

    Parameters
    ----------
    sessions
        What there is, the newest first.

    Attributes
    ----------
    chosen
        What the person wants to go on with, once the dialog was accepted.
    """

    def __init__(self, sessions: Sequence[Recoverable], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chosen: Recoverable | None = None
        self.setWindowTitle(self.tr("Recover edits"))
        self.setMinimumWidth(max(460, 33 * self.fontMetrics().height()))
        heading = QLabel(self.tr("Some edits were not saved"))
        font = heading.font()
        font.setPointSizeF(font.pointSizeF() * 1.25)
        font.setBold(True)
        heading.setFont(font)
        words = QLabel(
            self.tr("Maskbrush ended unexpectedly. These edits are kept until you recover or discard them."),
            wordWrap=True,
        )
        self._row = max(ROW.height(), 3 * self.fontMetrics().lineSpacing() + 20)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Portraits with edits that were not saved"))
        self.list.setIconSize(ROW)
        self.list.setUniformItemSizes(True)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setMinimumHeight(min(max(len(sessions), 2), 4) * (self._row + 2) + 12)
        for session in sessions:
            self.list.addItem(self._item(session))
        self.list.setCurrentRow(0)
        self.list.itemActivated.connect(self._recover)
        self.discard_button = QPushButton(self.tr("Discard…"))
        self.later_button = QPushButton(self.tr("Later"))
        self.recover_button = QPushButton(self.tr("Recover"))
        self.recover_button.setDefault(True)
        self.discard_button.setAutoDefault(False)
        self.later_button.setAutoDefault(False)
        self.discard_button.clicked.connect(self._discard)
        self.later_button.clicked.connect(self.reject)
        self.recover_button.clicked.connect(self._recover)
        buttons = QHBoxLayout()
        buttons.addWidget(self.discard_button)
        buttons.addStretch()
        buttons.addWidget(self.later_button)
        buttons.addWidget(self.recover_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 16)
        column.setSpacing(10)
        column.addWidget(heading)
        column.addWidget(words)
        column.addWidget(self.list, 1)
        column.addLayout(buttons)
        self.list.setFocus()

    @property
    def current(self) -> Recoverable | None:
        """What is selected."""
        item = self.list.currentItem()
        return item.data(Qt.ItemDataRole.UserRole) if item is not None else None

    def _item(self, session: Recoverable) -> QListWidgetItem:
        name = session.name or self.tr("Untitled")
        item = QListWidgetItem(_icon(session.thumbnail), f"{name}\n{self._count(session)}\n{self._when(session)}")
        item.setSizeHint(QSize(0, self._row))
        item.setData(Qt.ItemDataRole.UserRole, session)
        if session.file is not None:
            item.setToolTip(self.tr("Saved before as {0}").format(session.file))
        return item

    def _count(self, session: Recoverable) -> str:
        return self.tr("1 edit") if session.edits == 1 else self.tr("{0} edits").format(session.edits)

    def _when(self, session: Recoverable) -> str:
        when, short = QDateTime.fromSecsSinceEpoch(int(session.when)), QLocale.FormatType.ShortFormat
        time, days = QLocale().toString(when.time(), short), when.daysTo(QDateTime.currentDateTime())
        if days == 0:
            return self.tr("Today, {0}").format(time)
        if days == 1:
            return self.tr("Yesterday, {0}").format(time)
        return f"{QLocale().toString(when.date(), QLocale.FormatType.LongFormat)}, {time}"

    def _recover(self) -> None:
        if self.current is not None:
            self.chosen = self.current
            self.accept()

    def _discard(self) -> None:
        session = self.current
        if session is None:
            return
        box = QMessageBox(QMessageBox.Icon.Warning, self.tr("Discard edits"), "", parent=self)
        box.setText(self.tr("Discard {0} of {1} for good?").format(self._count(session), session.name))
        box.setInformativeText(self.tr("The photo's own file stays as it is."))
        yes = box.addButton(self.tr("Discard"), QMessageBox.ButtonRole.DestructiveRole)
        box.setDefaultButton(box.addButton(self.tr("Keep"), QMessageBox.ButtonRole.RejectRole))
        box.exec()
        if box.clickedButton() is not yes:
            return
        try:
            discard(session)
        except EngineError as error:
            QMessageBox.warning(self, self.tr("Discard edits"), f"{error.message}\n{error.hint}")
            return
        self.list.takeItem(self.list.currentRow())
        if not self.list.count():
            self.reject()


def _icon(picture: Pixels | None) -> QIcon:
    """Return a thumbnail in a place of its own, so that names line up whatever its aspect."""
    place = QPixmap(ROW * 2)
    place.fill(QColor(0, 0, 0, 0))
    if picture is not None:
        height, width = picture.shape[:2]
        image = QImage(picture.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        ratio, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        shown = image.scaled(THUMBNAIL * 2, ratio, smooth)
        painter = QPainter(place)
        painter.drawImage((place.width() - shown.width()) // 2, (place.height() - shown.height()) // 2, shown)
        painter.end()
    icon = QIcon(place)
    # Without it, the style would tint the picture of the selected row.
    icon.addPixmap(place, QIcon.Mode.Selected)
    return icon
