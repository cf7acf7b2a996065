"""The parts of the window around the pictures."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import MUTED, TEXT, icon, swatch
from engine.types import EngineError, Pixels
from resources.labels import LABELS, palette

KEYS = "0123456789QWERTYUIO"
"""The key that chooses each class, by id."""

BRUSH_SIZES = (1, 400)
"""The smallest and the largest brush, diameters in mask pixels."""

_KEY_ROLE = Qt.ItemDataRole.UserRole + 1


class _KeyDelegate(QStyledItemDelegate):
    """Draws a class's key at the right of its row."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        painter.save()
        selected = bool(option.state & option.state.State_Selected)  # type: ignore[attr-defined]
        painter.setPen(QColor("#ffffff" if selected else MUTED))
        box: QRect = option.rect.adjusted(0, 0, -10, 0)  # type: ignore[attr-defined]
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, index.data(_KEY_ROLE))
        painter.restore()


class LabelList(QListWidget):
    """The 19 classes with colour, name and key.

    Signals
    -------
    chosen(int)
        Another class was chosen, by its id.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Classes"))
        self.setItemDelegate(_KeyDelegate(self))
        self.setIconSize(QSize(14, 14))
        self.setUniformItemSizes(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Letters and digits choose classes by their own keys, not by the list's search.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for label in LABELS:
            item = QListWidgetItem(label.title)
            item.setData(_KEY_ROLE, KEYS[label.id])
            item.setToolTip(
                self.tr("{0}: class {1}, {2}. Key {3}").format(label.title, label.id, label.name, KEYS[label.id])
            )
            self.addItem(item)
        row = max(21, self.fontMetrics().height() + 5)
        for index in range(self.count()):
            self.item(index).setSizeHint(QSize(0, row))
        self.set_colour_blind_safe(False)
        self.currentRowChanged.connect(self.chosen)

    def set_colour_blind_safe(self, safe: bool) -> None:
        """Show the colours of one palette or the other."""
        for index, rgb in enumerate(palette(safe)):
            self.item(index).setIcon(QIcon(swatch((int(rgb[0]), int(rgb[1]), int(rgb[2])))))

    def keyboardSearch(self, search: str) -> None:
        """Leave typed characters to the classes' keys."""


class BrushPanel(QWidget):
    """Brush size as a slider and a number.

    Signals
    -------
    size_changed(int)
        The brush's diameter in mask pixels.
    """

    size_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 100)
        self._slider.setAccessibleName(self.tr("Brush size"))
        self._slider.setToolTip(self.tr("Brush size: [ and ], or the wheel over the mask"))
        self._number = QSpinBox()
        self._number.setRange(*BRUSH_SIZES)
        self._number.setSuffix(self.tr(" px"))
        self._number.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        self._number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._number.setAccessibleName(self.tr("Brush size in mask pixels"))
        self._number.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._number.setFixedSize(64, 26)
        # A photo dropped here is a photo for the window, not a text.
        self._number.lineEdit().setAcceptDrops(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 0, 10, 10)
        row.addWidget(self._slider, 1)
        row.addWidget(self._number)
        self._slider.valueChanged.connect(lambda place: self._number.setValue(_size_at(place)))
        self._number.valueChanged.connect(self._changed)
        self._number.editingFinished.connect(self._number.clearFocus)

    @property
    def size_px(self) -> int:
        """The brush's diameter in mask pixels."""
        return self._number.value()

    def set_size(self, size: int) -> None:
        """Change the diameter."""
        self._number.setValue(size)

    def step(self, steps: int) -> None:
        """Make the brush larger or smaller by about a tenth a step, at least a pixel."""
        size = self.size_px
        for _ in range(abs(steps)):
            size = size + max(1, size // 10) if steps > 0 else size - max(1, size // 11)
        self.set_size(size)

    def _changed(self, size: int) -> None:
        self._slider.blockSignals(True)
        self._slider.setValue(_place_of(size))
        self._slider.blockSignals(False)
        self.size_changed.emit(size)


def _size_at(place: int) -> int:
    # A square law: half of the slider's way covers the sizes that faces are painted with.
    return max(BRUSH_SIZES[0], round(BRUSH_SIZES[1] * (place / 100) ** 2))


def _place_of(size: int) -> int:
    return round(100 * (size / BRUSH_SIZES[1]) ** 0.5)


class Banner(QFrame):
    """A message across the top of the pictures: what went wrong, and what to do."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        close = QToolButton()
        close.setIcon(icon("close"))
        close.setToolTip(self.tr("Dismiss"))
        close.setAccessibleName(self.tr("Dismiss the message"))
        close.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.addWidget(self._text, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def show_problem(self, problem: EngineError) -> None:
        """Show a message until it is dismissed or another comes."""
        self._text.setText(f"{problem.message}\n{problem.hint}".strip())
        self.setAccessibleName(self._text.text())
        self.show()


class Pane(QWidget):
    """A picture with a heading, and room for controls beside the heading."""

    def __init__(self, title: str, picture: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        header = QWidget()
        header.setObjectName("paneHeader")
        header.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        header.setFixedHeight(34)
        heading = QLabel(title)
        heading.setObjectName("heading")
        self.controls = QHBoxLayout(header)
        self.controls.setContentsMargins(10, 0, 6, 0)
        self.controls.setSpacing(4)
        self.controls.addWidget(heading)
        self.controls.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(header)
        column.addWidget(picture, 1)
        picture.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(200)


class ElidedLabel(QLabel):
    """A muted text that gives way when room is short."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("muted")
        self._full = ""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def set_text(self, text: str) -> None:
        """Change the text; the whole of it is the tooltip."""
        self._full = text
        self.setToolTip(text)
        self._fit()

    def resizeEvent(self, event) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._full, Qt.TextElideMode.ElideMiddle, self.width()))


def thumbnail(pixels: Pixels, side: int = 20) -> QIcon:
    """Return a small square icon of a picture, uint8 (H, W, 3)."""
    height, width = pixels.shape[:2]
    image = QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888)
    pixmap = QPixmap.fromImage(image).scaled(
        2 * side, 2 * side, Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    )
    return QIcon(pixmap)


def heading(text: str) -> QLabel:
    """Return a small heading for the sidebar."""
    label = QLabel(text)
    label.setObjectName("heading")
    label.setContentsMargins(12, 10, 10, 4)
    label.setStyleSheet(f"color: {TEXT};")
    return label
