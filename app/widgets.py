"""Small controls that the panels share: a choice, a strip that can be closed, a section that folds."""

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QListView, QSizePolicy, QVBoxLayout, QWidget

from app.glyphs import GlyphButton, tone

_AROUND = (8, 3)
"""The room beside a strip, and above and below it, in screen pixels."""


ROW_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter)
"""The keys at which a row of a list does something."""


class Panel(QWidget):
    """A widget on the theme's ground of bars and panels."""

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), tone("panel"))


class KeyedList(QListView):
    """A list whose rows act at `ROW_KEYS`, and which leaves letters and digits to the window's commands."""

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and event.key() in ROW_KEYS:
            # They are not for the tool that is held while the list has the focus.
            event.accept()
            return True
        return super().event(event)

    def keyboardSearch(self, search: str) -> None:
        """Leave typed characters to the classes' own keys."""


class QuietCombo(QComboBox):
    """A choice that neither the wheel nor a click on it gives the keyboard's focus; the wheel then leaves it alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Chip(QFrame):
    """A tinted strip that says what is in force, with a button that ends it.

    Signals
    -------
    closed()
        A person ends it.
    """

    closed = Signal()

    def __init__(self, close: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._words = QLabel()
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setWordWrap(True)
        self.close_button = GlyphButton("close", close)
        self.close_button.clicked.connect(self.closed)
        row = QHBoxLayout(self)
        # The room around the strip goes and comes with it.
        row.setContentsMargins(_AROUND[0] + 8, _AROUND[1] + 2, _AROUND[0] + 2, _AROUND[1] + 2)
        row.setSpacing(4)
        row.addWidget(self._words, 1)
        row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)

    @property
    def text(self) -> str:
        """What it says."""
        return self._words.text()

    def set_text(self, text: str) -> None:
        """Say something else."""
        self._words.setText(text)
        self.setAccessibleName(text)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tone("selection"))
        across, down = _AROUND
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(across, down, -across, -down), 5, 5)


class Section(QWidget):
    """A heading that folds what is under it away."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = title
        self.header = _Header(title)
        self.body = QWidget()
        self.rows = QVBoxLayout(self.body)
        self.rows.setContentsMargins(10, 0, 10, 8)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.body)
        self.header.turned.connect(self.set_open)
        self._fit()

    @property
    def open(self) -> bool:
        """Whether what is under the heading is shown."""
        return self.header.open

    def set_open(self, opened: bool) -> None:
        """Show what is under the heading, or fold it away."""
        self.header.set_open(opened)
        self.body.setVisible(opened)

    def set_marked(self, marked: bool) -> None:
        """Put a dot beside the heading: something under it is not as it was."""
        if marked != self.header.marked:
            self.header.marked = marked
            self.header.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "header"):
            self._fit()

    def _fit(self) -> None:
        self.rows.setSpacing(round(0.65 * self.fontMetrics().height()))


class _Header(GlyphButton):
    """The heading of a section: a click, Space, and the arrow keys fold and unfold it."""

    turned = Signal(bool)

    def __init__(self, title: str) -> None:
        super().__init__("chevron-down", title, worded=True)
        self.open, self.marked = True, False
        self.setToolTip("")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        font = self.font()
        font.setWeight(font.Weight.DemiBold)
        self.setFont(font)
        self.set_open(True)
        self.clicked.connect(lambda: self.turned.emit(not self.open))

    def set_open(self, opened: bool) -> None:
        """Show which way the next click goes."""
        self.open = opened
        self.set_glyph("chevron-down" if opened else "chevron-right")
        self.setAccessibleDescription(self.tr("open") if opened else self.tr("folded"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.turned.emit(event.key() == Qt.Key.Key_Right)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.marked:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tone("accent"))
            painter.drawEllipse(QPointF(min(self.sizeHint().width(), self.width() - 8), self.height() / 2), 3, 3)
