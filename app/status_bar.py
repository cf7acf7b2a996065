"""The line below the pictures: what is going on, what lies under the cursor, how long a render took, and on what."""

from PySide6.QtCore import QCoreApplication, QEvent, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QStatusBar, QWidget

from app.editor import Editor
from app.strip import ProgressStrip
from app.theme import colours
from engine.types import RenderResult
from resources.labels import LABELS

NOTICE_MS = 8000
"""How long a notice stays."""

PADDING = 6
"""Screen pixels on either side of a text."""

_AROUND, _BETWEEN = 32, 10
"""The room around a message and beside each part, in screen pixels."""


class Readout(QWidget):
    """A text that changes all the time.

    A `QLabel` asks for a new layout with each text, which would repaint the whole bar with each move of the hand. This
    grows when it must, and does not shrink again.

    Parameters
    ----------
    text
        What it says at first.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text, self._width = "", 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.setText(text)

    def text(self) -> str:
        """Return what it says."""
        return self._text

    def setText(self, text: str) -> None:
        """Say something else."""
        if text == self._text:
            return
        self._text = text
        width = self.fontMetrics().horizontalAdvance(text) + 2 * PADDING
        if width > self._width:
            self._width = width
            self.updateGeometry()
        self.update()

    def clear(self) -> None:
        """Say nothing."""
        self.setText("")

    def sizeHint(self) -> QSize:
        return QSize(self._width, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._width = self.fontMetrics().horizontalAdvance(self._text) + 2 * PADDING
            self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QColor(colours().muted))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(self.rect().adjusted(PADDING, 0, -PADDING, 0), flags, self._text)


class StatusBar(QStatusBar):
    """Shows what the editor says, and has the strip with what takes long.

    Parameters
    ----------
    editor
        What is listened to.
    """

    def __init__(self, editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._editor = editor
        self._message, self._time = "", 0
        self._times: dict[bool, int] = {}
        self.strip = ProgressStrip()
        # The room beside it is the message's.
        self.strip.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)
        self.hover, self.zoom, self.timing = Readout(), Readout(), Readout()
        self.engine = Readout(self.tr("No model"))
        self.hover.setAccessibleName(self.tr("Class under the cursor"))
        self.zoom.setAccessibleName(self.tr("Zoom"))
        self.setSizeGripEnabled(False)
        # The strip, which comes and goes, must not make the bar higher: the pictures would move under the hand.
        self.setFixedHeight(self.strip.sizeHint().height() + 8)
        self.timing.setAccessibleName(self.tr("Time of the last render"))
        self.engine.setAccessibleName(self.tr("What renders"))
        for widget in (self.strip, self.hover, self.zoom, self.timing, self.engine):
            self.addPermanentWidget(widget)
        self.messageChanged.connect(self._note)
        self.strip.shown.connect(self._fit)
        self.strip.cancelled.connect(editor.opening.cancel)
        editor.rendered.connect(self._show_timing)
        editor.model_changed.connect(self._show_model)
        editor.progress.connect(self._show_progress)
        editor.notice.connect(lambda text: self._say(text, NOTICE_MS))

    def leave(self) -> None:
        """Tell of no place any more."""
        self._write(self.hover, "")

    def show_place(self, x: float, y: float) -> None:
        """Tell which class lies at a place in mask pixels, and which it was at first, where that is another."""
        document = self._editor.document
        if document is None:
            return
        height, width = document.labels.shape
        if not (0 <= y < height and 0 <= x < width):
            self._write(self.hover, "")
            return
        column, row = int(x), int(y)
        now, before = LABELS[document.labels[row, column]], LABELS[document.source[row, column]]
        title = QCoreApplication.translate("Label", now.title)
        if now is before:
            self._write(self.hover, f"{title} ({now.id})  {column}, {row}")
        else:
            was = QCoreApplication.translate("Label", before.title)
            text = self.tr("{0} ({1}), was {2}").format(title, now.id, was)
            self._write(self.hover, f"{text}  {column}, {row}")

    def show_view(self, scale: float, rotation: float) -> None:
        """Tell the zoom in screen pixels per mask pixel, and the view's rotation in degrees."""
        text = f"{scale * 100:.0f}%"
        self._write(self.zoom, text if not round(rotation) else f"{text}  {round(rotation)}°")

    def _show_timing(self, result: RenderResult) -> None:
        total = result.timings.get("total", 0.0)
        self._times[result.draft] = max(1, round(total * 1000))
        preview, final = (str(self._times.get(draft, "–")) for draft in (True, False))
        if True in self._times:
            # Both at once, whichever has come last: the text would jump otherwise with each end of a stroke.
            self._write(self.timing, self.tr("Preview {0} ms, final {1} ms").format(preview, final))
        else:
            self._write(self.timing, self.tr("Rendered in {0} ms").format(final))
        self.timing.setToolTip(", ".join(f"{name} {seconds * 1000:.0f} ms" for name, seconds in result.timings.items()))

    def _show_model(self) -> None:
        info = self._editor.info
        self._times.clear()
        if info is not None:
            self._write(self.engine, f"{info.device} · {info.backend}")
            self.engine.setToolTip(f"{info.title} ({info.size} px)\n{info.licence}".strip())

    def _show_progress(self, text: str) -> None:
        if text:
            self._say(text)
        else:
            self.clearMessage()

    # Room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _say(self, text: str, time: int = 0) -> None:
        self._message, self._time = text, time
        self.setToolTip(text)
        self._fit()

    def _note(self, shown: str) -> None:
        if not shown:
            self._message = ""
            self.setToolTip("")
            self._fit()

    def _write(self, readout: Readout, text: str) -> None:
        width = readout.sizeHint().width()
        readout.setText(text)
        if readout.sizeHint().width() != width:
            self._fit()

    def _fit(self) -> None:
        """Hide what matters least where there is no room for all."""
        taken = 0 if self.strip.isHidden() else self.strip.sizeHint().width() + _BETWEEN
        if self._message:
            metrics, room = self.fontMetrics(), self.width() - taken - _AROUND
            shown = metrics.elidedText(self._message, Qt.TextElideMode.ElideMiddle, room)
            taken += metrics.horizontalAdvance(shown) + _AROUND
            if shown != self.currentMessage():
                self.showMessage(shown, self._time)
        for readout in (self.hover, self.zoom, self.timing, self.engine):
            taken += readout.sizeHint().width() + _BETWEEN
            readout.setVisible(taken <= self.width())
