"""The page on which a face of a photo is chosen, or its crop is put into place by hand."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.photo_view import PhotoView
from app.theme import colours
from engine.align import Face, Points, alignment_of, cut_out, points_in, whole_frame
from engine.types import Pixels

PREVIEW = 256
"""Side of the preview, in pixels of the crop and, at most, of the screen."""
SIDEBAR = 300
REDUCED = 4096
"""The longer side, in pixels, of the photo that previews of large crops are cut from."""


class _Preview(QFrame):
    """A square picture that gives way when room is short, or words in its place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixels: Pixels | None = None
        self._words = ""
        self.setAccessibleName(self.tr("Preview of the crop"))
        self.setMinimumSize(96, 96)
        self.setMaximumHeight(PREVIEW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def pixels(self) -> Pixels | None:
        """What is shown."""
        return self._pixels

    def sizeHint(self) -> QSize:
        # It grows into whatever height the words leave.
        return QSize(PREVIEW, self.minimumHeight())

    def show_crop(self, pixels: Pixels | None, words: str = "") -> None:
        """Show a picture, or words if there is none."""
        self._pixels, self._words = pixels, words
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        side = min(self.width(), self.height())
        box = QRect((self.width() - side) // 2, 0, side, side)
        if self._pixels is not None:
            height, width, _ = self._pixels.shape
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(box, QImage(self._pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888))
            return
        shown = colours()
        painter.fillRect(box, QColor(shown.window))
        painter.setPen(QPen(QColor(shown.line), 1))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        painter.setPen(QColor(shown.muted))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(16, 8, -16, -8), flags, self._words)


class AlignPage(QWidget):
    """Lets a person choose a face of a photo, or move the points that its crop follows from.

    Signals
    -------
    accepted
        The face to edit: right eye, left eye and mouth, float64 (3, 2), in pixels of the photo.
    cancelled
        The person wants none.
    """

    accepted = Signal(object)
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pixels: Pixels | None = None
        self._faces: list[Face] = []
        self._initial: Points | None = None
        self._came_from_choice = False
        self.photo = PhotoView(self.tr("Photo"))
        self._preview_timer = QTimer(self)
        self._preview_timer.setSingleShot(True)
        self._preview_timer.setInterval(0)
        self._preview_timer.timeout.connect(self._update_preview)
        self._build()
        self.photo.chosen.connect(self._refresh)
        self.photo.points_changed.connect(self._refresh)

    def _build(self) -> None:
        self._title, self._notice, self._text, self._hint = (QLabel() for _ in range(4))
        for label, name in ((self._title, "title"), (self._notice, "notice"), (self._hint, "muted")):
            label.setObjectName(name)
        for label in (self._title, self._notice, self._text, self._hint):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        larger = self._title.font()
        larger.setPointSizeF(1.3 * larger.pointSizeF())
        self._title.setFont(larger)
        self._preview = _Preview()
        self._accept_button, self._other_button, self._cancel_button = (QPushButton() for _ in range(3))
        self._accept_button.setObjectName("primary")
        for button in (self._accept_button, self._other_button, self._cancel_button):
            # Enter presses the button that has the focus, not the page's first.
            button.setAutoDefault(True)
        self._accept_button.setDefault(True)
        self._accept_button.clicked.connect(self._accept)
        self._other_button.clicked.connect(self._use_other)
        self._cancel_button.clicked.connect(self._cancel)

        sidebar = QWidget()
        sidebar.setObjectName("alignSidebar")
        sidebar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        # Wide enough for its buttons, whatever the size of the system's font.
        sidebar.setFixedWidth(max(SIDEBAR, 20 * self.fontMetrics().height()))
        told = QWidget()
        upper = QVBoxLayout(told)
        upper.setContentsMargins(22, 18, 22, 0)
        upper.setSpacing(0)
        words = QVBoxLayout()
        words.setSpacing(11)
        for label in (self._title, self._notice, self._text):
            words.addWidget(label)
        upper.addLayout(words)
        upper.addSpacing(14)
        upper.addWidget(self._preview, 1)
        upper.addSpacing(10)
        upper.addWidget(self._hint)
        upper.addStretch(0)
        # In a low window the words scroll; the buttons are always there.
        area = QScrollArea()
        area.setWidget(told)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(sidebar)
        column.setContentsMargins(0, 0, 0, 18)
        column.setSpacing(0)
        column.addWidget(area, 1)
        buttons = QVBoxLayout()
        buttons.setContentsMargins(22, 14, 22, 0)
        buttons.setSpacing(0)
        buttons.addWidget(self._accept_button)
        buttons.addSpacing(8)
        others = QHBoxLayout()
        others.setSpacing(8)
        others.addWidget(self._other_button, 3)
        others.addWidget(self._cancel_button, 2)
        buttons.addLayout(others)
        column.addLayout(buttons)

        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.photo, 1)
        row.addWidget(sidebar)

    @property
    def adjusting(self) -> bool:
        """Whether points are moved rather than faces chosen."""
        return self.photo.points is not None

    @property
    def points(self) -> Points | None:
        """Right eye, left eye and mouth as they stand, (3, 2); None while no face is selected."""
        if self.photo.points is not None:
            return self.photo.points
        selected = self.photo.selected
        return None if selected is None else np.array(self._faces[selected].points, np.float64)

    def choose(self, pixels: Pixels, faces: Sequence[Face]) -> None:
        """Ask which of a photo's faces to edit.

        Parameters
        ----------
        pixels
            The photo, uint8 (H, W, 3); not copied.
        faces
            What was found in it.
        """
        self._take(pixels)
        self._faces = list(faces)
        self._show_choice(0 if len(faces) == 1 else None)

    def adjust(self, pixels: Pixels, points: NDArray[np.floating], reason: str = "") -> None:
        """Ask for the places of eyes and mouth.

        Parameters
        ----------
        pixels
            The photo, uint8 (H, W, 3); not copied.
        points
            Where they start, (3, 2).
        reason
            Why this is asked; may be empty.
        """
        self._take(pixels)
        self._faces = []
        self._show_adjustment(np.array(points, np.float64), reason, from_choice=False)

    def event(self, event: QEvent) -> bool:
        # Escape and Enter are the page's, even if the window has shortcuts for them.
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride and event.key() in _KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._cancel()
        elif event.key() in _KEYS:
            self._accept()
        else:
            super().keyPressEvent(event)

    # States

    def _take(self, pixels: Pixels) -> None:
        if pixels is not self._pixels:
            self._pixels = pixels
            self.photo.set_photo(pixels)

    def _show_choice(self, selected: int | None) -> None:
        self._came_from_choice = False
        count = len(self._faces)
        self._title.setText(self.tr("Choose a face"))
        self._notice.hide()
        hint = self.tr("The wheel zooms, the middle button moves the photo.")
        if count == 1:
            self._text.setText(self.tr("One face was found."))
        else:
            self._text.setText(self.tr("{0} faces were found. Click the one to edit.").format(count))
            hint = self.tr("Or press its number.") + " " + hint
        self._hint.setText(hint)
        self._accept_button.setText(self.tr("Edit this face"))
        self._other_button.setText(self.tr("Adjust alignment…"))
        self._other_button.setToolTip(self.tr("Put the crop into place by hand"))
        self._cancel_button.setText(self.tr("Cancel"))
        self.photo.set_points(None)
        self.photo.set_faces(self._faces, selected)
        self.photo.view.fit()
        self._begin()

    def _show_adjustment(self, points: Points, reason: str, from_choice: bool) -> None:
        self._came_from_choice, self._initial = from_choice, points
        self._title.setText(self.tr("Adjust the alignment"))
        self._notice.setText(reason)
        self._notice.setVisible(bool(reason))
        self._text.setText(self.tr("Drag the points onto the eyes and the mouth."))
        self._hint.setText(
            self.tr("Drag inside the frame to move it.\n[  ]  scale      ,  .  turn\nArrow keys  nudge the blue point")
        )
        self._accept_button.setText(self.tr("Use this crop"))
        self._other_button.setText(self.tr("Reset points"))
        self._other_button.setToolTip(self.tr("Put the points back to where they were at first"))
        self._cancel_button.setText(self.tr("Back") if from_choice else self.tr("Cancel"))
        self.photo.set_points(points)
        self.photo.zoom_to_crop()
        self._begin()

    def _begin(self) -> None:
        self._refresh()
        self.photo.setFocus(Qt.FocusReason.OtherFocusReason)

    # Acting

    def _accept(self) -> None:
        points = self.points
        if points is not None and self._problem(points) is None:
            self.accepted.emit(points)

    def _use_other(self) -> None:
        assert self._pixels is not None
        if self.adjusting:
            self.photo.set_points(self._initial)
            self._begin()
            return
        points = self.points
        if points is None:
            # A face that was not found can be framed by hand.
            points = points_in(whole_frame(*self._pixels.shape[:2]))
        self._show_adjustment(points, "", from_choice=True)

    def _cancel(self) -> None:
        if self._came_from_choice:
            self._show_choice(self.photo.selected)
        else:
            self.cancelled.emit()

    # Showing

    def _refresh(self) -> None:
        points = self.points
        self._accept_button.setEnabled(points is not None and self._problem(points) is None)
        # Moves that come faster than previews are made share one.
        self._preview_timer.start()

    def _update_preview(self) -> None:
        points = self.points
        if points is None:
            self._preview.show_crop(None, self.tr("The face that you choose is shown here."))
        elif (problem := self._problem(points)) is not None:
            self._preview.show_crop(None, problem)
        else:
            self._preview.show_crop(self._cut(points))

    def _cut(self, points: Points) -> Pixels:
        assert self._pixels is not None
        photo, alignment = self._pixels, alignment_of(points)
        if alignment.side > REDUCED / 2:
            # Shrinking a large crop anew at each move would make the hand wait; half of REDUCED is plenty to show.
            photo = self.photo.pixels_within(REDUCED)
            assert photo is not None
            height, width = self._pixels.shape[:2]
            alignment = alignment_of(points * (photo.shape[1] / width, photo.shape[0] / height))
        return cut_out(photo, alignment, PREVIEW)

    def _problem(self, points: Points) -> str | None:
        """Return why no crop can be made of the points; None if one can."""
        assert self._pixels is not None
        try:
            corners = alignment_of(points).corners()
        except ValueError:
            return self.tr("The points lie too close together.")
        height, width = self._pixels.shape[:2]
        photo = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        shared, _ = cv2.intersectConvexConvex(corners.astype(np.float32), photo)
        return self.tr("The crop lies outside the photo.") if shared < 1 else None


_KEYS = (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter)
