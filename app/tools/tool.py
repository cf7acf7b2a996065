"""What a tool is: a hand's way over the mask, turned into steps of the document."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QTransform

from app.tools.options import Options
from engine.mask.steps import Mirror

if TYPE_CHECKING:
    from app.editor import Editor


AXIS_HANDLE = 0.93
"""How far down the mask the handle of the line of symmetry lies, as a share of its height."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Where the hand is and what it holds down.

    Attributes
    ----------
    x, y
        The place in mask pixels; may lie outside the mask.
    at
        The same place in screen pixels of the canvas.
    scale
        Screen pixels per mask pixel.
    pressure
        Of a pen, 0..1; 1 for a mouse.
    pen
        Whether a pen is held, whose pressure counts.
    shift, control, alt
        Whether these keys are held down.
    to_screen
        The map from mask pixels to screen pixels of the canvas; None where it is neither rotated nor flipped, and so
        follows from the rest.
    """

    x: float
    y: float
    at: QPointF
    scale: float = 1.0
    pressure: float = 1.0
    pen: bool = False
    shift: bool = False
    control: bool = False
    alt: bool = False
    to_screen: QTransform | None = None

    @property
    def view(self) -> QTransform:
        """The map from mask pixels to screen pixels of the canvas."""
        if self.to_screen is not None:
            return self.to_screen
        left, top = self.at.x() - self.x * self.scale, self.at.y() - self.y * self.scale
        return QTransform(self.scale, 0.0, 0.0, self.scale, left, top)


class Studio(QObject):
    """What the tools share: the editor, the class that is painted, and how the tools are set.

    Parameters
    ----------
    editor
        The portrait that is edited.

    Signals
    -------
    label_changed(int)
        Another class is painted.
    options_changed()
        `options` are new.
    mirror_changed()
        `mirror` is new.
    """

    label_changed = Signal(int)
    options_changed = Signal()
    mirror_changed = Signal()

    def __init__(self, editor: Editor, options: Options | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.editor = editor
        self.options = options or Options()
        self.label = self.last_label = 13
        """The class that is painted, and the one before it, by their ids."""
        self.axis = Mirror(256.0, 256.0)
        """The line that the face is symmetric about."""

    @property
    def mirror(self) -> Mirror | None:
        """The line to paint symmetrically about; None where symmetry is off."""
        return self.axis if self.options.symmetric else None

    def set_label(self, label: int) -> None:
        """Paint another class from now on."""
        if label != self.label:
            self.last_label, self.label = self.label, label
            self.label_changed.emit(label)

    def swap_labels(self) -> None:
        """Paint the class that was painted before."""
        self.set_label(self.last_label)

    def set_axis(self, axis: Mirror) -> None:
        """Move the line of symmetry."""
        if axis != self.axis:
            self.axis = axis
            self.mirror_changed.emit()

    def find_axis(self) -> None:
        """Lay the line of symmetry along the middle of the face."""
        document = self.editor.document
        if document is None:
            return
        from engine.mask.face import midline

        axis = midline(document.ground.labels)
        # Its handle lies below the face, where it is not in the brush's way.
        y = AXIS_HANDLE * document.labels.shape[0]
        if abs(math.cos(axis.angle)) > 0.3:
            axis = Mirror(axis.x - math.tan(axis.angle) * (y - axis.y), y, axis.angle)
        self.set_axis(axis)

    def change(self, **options: Any) -> None:
        """Change some options, by their names."""
        changed = replace(self.options, **options)
        if changed != self.options:
            symmetric = changed.symmetric != self.options.symmetric
            self.options = changed
            self.options_changed.emit()
            if symmetric:
                self.mirror_changed.emit()


class Tool(QObject):
    """One tool. The canvas tells it what the hand does; it tells the editor what to do to the mask.

    Between `press` and `release` the left button (or the pen) is down. Every method may be called while no portrait is
    open: `editor.document` is then None.

    Attributes
    ----------
    name
        Identifies it in settings and among the actions.
    picks
        Whether Ctrl and a click take up the class under the cursor instead of using the tool.

    Signals
    -------
    changed()
        What `paint` draws, or the cursor, has changed.
    """

    name: ClassVar[str] = ""
    picks: ClassVar[bool] = True
    changed = Signal()

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.studio = studio

    @property
    def editor(self) -> Editor:
        """The portrait that is edited."""
        return self.studio.editor

    def press(self, hand: Hand) -> None:
        """Begin a drag, or click."""

    def move(self, hand: Hand) -> None:
        """Go on with a drag."""

    def release(self, hand: Hand) -> None:
        """End a drag."""

    def double(self, hand: Hand) -> None:
        """Take the second press of a double click; its `release` follows."""
        self.press(hand)

    def hover(self, hand: Hand) -> None:
        """Follow the cursor while no button is down; also called before `press`, and in a drag before `move`."""

    def left(self) -> None:
        """Notice that the cursor has left the canvas."""

    def escape(self) -> bool:
        """Take back what is under way; returns whether there was anything."""
        return False

    def enter(self) -> bool:
        """Finish what is under way, at the Enter key; returns whether there was anything."""
        return False

    def backspace(self) -> bool:
        """Take the last part of what is under way back; returns whether there was anything."""
        return False

    def finish(self) -> None:
        """Finish what is under way: another tool is chosen, an undo is asked for, the canvas is hidden."""

    @property
    def resting(self) -> bool:
        """Whether nothing is under way."""
        return True

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        """Draw guides over the canvas, in screen pixels; ``to_screen`` maps mask pixels there."""

    def bounds(self, to_screen: QTransform) -> QRectF:
        """Return what `paint` covers, in screen pixels; the canvas repaints this, before and after `changed`."""
        return QRectF()

    def cursor(self) -> Qt.CursorShape:
        """Return the cursor to show over the canvas."""
        return Qt.CursorShape.CrossCursor
