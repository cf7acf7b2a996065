"""Showing the source in the result's place for as long as a key is held down."""

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QTimer
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence

from app.editor_page import EditorPage

GLANCE_MS = 900
"""How long the source shows when no key is held: the command was chosen from a menu."""


class Blinking(QObject):
    """Shows the source while the key of an action is down.

    Parameters
    ----------
    page
        Which shows it.
    action
        What begins it; the release of any of its keys, or another window that is entered, ends it.
    """

    def __init__(self, page: EditorPage, action: QAction) -> None:
        super().__init__(page)
        self._page, self._action = page, action
        self._pressed = False
        self._glance = QTimer(self, singleShot=True, interval=GLANCE_MS)
        self._glance.timeout.connect(self._end)
        action.setAutoRepeat(False)
        action.triggered.connect(self._begin)
        application = QCoreApplication.instance()
        if application is not None:
            application.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if isinstance(event, QKeyEvent) and not event.isAutoRepeat():
            if kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
                self._pressed = QKeySequence(event.keyCombination()) in self._action.shortcuts()
            elif kind == QEvent.Type.KeyRelease:
                self._pressed = False
                if not self._glance.isActive():
                    self._end()
        elif kind == QEvent.Type.WindowDeactivate:
            self._end()
        return False

    def _begin(self) -> None:
        self._page.set_blink(True)
        if not self._pressed:
            self._glance.start()

    def _end(self) -> None:
        self._glance.stop()
        self._page.set_blink(False)
