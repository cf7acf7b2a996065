"""What is being done about a photo, with a way to give up."""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QToolButton, QWidget

SHOW_AFTER_MS = 150
"""What is done sooner shows no progress, which would only flash."""


class ProgressStrip(QWidget):
    """A moving bar, a few words, and a way to give up; for the status bar.

    Signals
    -------
    cancelled()
        The person gives up.
    shown()
        It comes or goes.
    """

    cancelled = Signal()
    shown = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar = QProgressBar()
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setFixedSize(110, 6)
        self._bar.setAccessibleName(self.tr("Progress"))
        self._text = QLabel()
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        cancel = QToolButton()
        cancel.setObjectName("stripButton")
        cancel.setText(self.tr("Cancel"))
        cancel.setToolTip(self.tr("Cancel (Esc)"))
        cancel.clicked.connect(self.cancelled)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        row.setSpacing(8)
        row.addWidget(self._bar)
        row.addWidget(self._text)
        row.addWidget(cancel)
        self._timer = QTimer(self, singleShot=True, interval=SHOW_AFTER_MS)
        self._timer.timeout.connect(self.show)
        self.hide()

    @property
    def text(self) -> str:
        """What is being done."""
        return self._text.text()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.shown.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.shown.emit()

    def tell(self, text: str) -> None:
        """Show what is being done, a little later; hide when the text is empty."""
        self._text.setText(text)
        self.setAccessibleName(text)
        if not text:
            self._timer.stop()
            self.hide()
        elif self.isHidden() and not self._timer.isActive():
            self._timer.start()
