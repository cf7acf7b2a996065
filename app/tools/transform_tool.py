"""The tool that moves, scales, turns, flips and bends parts of the face."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QTransform

from app.tools.guides import MARGIN
from app.tools.tool import Hand, Studio, Tool
from app.tools.transform_box import Grip, TransformBox, outline_of
from engine.mask.parts import Part, lies_upon, part_at
from engine.mask.transform import Transform
from engine.types import Region
from resources.labels import BY_NAME

SLOP = 3.0
"""How far the hand may slip in a click, in screen pixels."""

_BACKGROUND = BY_NAME["background"].id
_INK, _SHADE = QColor(255, 255, 255), QColor(0, 0, 0, 150)
_LINE, _UNDER = 1.2, 3.0


class TransformTool(Tool):
    """Picks a part of the face with a press and shows a box around it, whose handles say what becomes of it.

    A press outside the box or Enter keeps that as one edit, Escape takes it back. A double click on a part that others
    lie upon, such as the skin, lets them go along, or stay again.

    Shift keeps a move level or upright, a scaled part's proportions, or turns by steps; Alt scales about the middle.
    """

    name = "transform"

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._box: TransformBox | None = None
        self._picked = (0.0, 0.0)
        self._along: tuple[int, ...] = ()
        self._tried: Transform | None = None
        self._hand: Hand | None = None
        self._pressed: Hand | None = None
        self._hot: Grip | None = None
        self._under: tuple[Part, QPainterPath] | None = None
        self._upon = QPainterPath()
        studio.options_changed.connect(self._show_options)
        studio.mirror_changed.connect(self._retry)
        studio.editor.mask_changed.connect(self._check)

    @property
    def resting(self) -> bool:
        return self._box is None

    @property
    def box(self) -> TransformBox | None:
        """The part that is picked; None for none."""
        return self._box

    @property
    def carries(self) -> bool:
        """Whether what lies upon the picked part goes along with it."""
        return bool(self._along)

    def flip_horizontal(self) -> None:
        """Exchange left and right of the picked part."""
        self._flip(True)

    def flip_vertical(self) -> None:
        """Exchange top and bottom of the picked part."""
        self._flip(False)

    # The hand

    def press(self, hand: Hand) -> None:
        """Take hold of a handle or the box; else keep what was done, or pick the part that lies here."""
        self._hand = hand
        box = self._box
        if box is not None:
            grip = box.grip_at(hand)
            if grip is not None:
                self._take(box, grip, hand)
                return
            kept = self._tried is not None
            self.finish()
            if kept:
                return
        self._pick(hand)

    def move(self, hand: Hand) -> None:
        self._hand = hand
        start, box = self._pressed, self._box
        if start is None or box is None or box.dragged is None:
            return
        apart = hand.at - start.at
        if self._tried is None and math.hypot(apart.x(), apart.y()) <= SLOP:
            return
        box.drag(hand)
        self._retry()

    def release(self, hand: Hand) -> None:
        self._pressed = None
        if self._box is not None:
            self._box.let_go()
            self._hot = self._box.grip_at(hand)
            self.changed.emit()

    def double(self, hand: Hand) -> None:
        box = self._box
        grip = None if box is None else box.grip_at(hand)
        if box is not None and grip is not None and grip.kind == "move" and box.part.upon.any():
            self._along = () if self._along else lies_upon(box.part.label)
            region = box.part.region
            self._upon = outline_of(box.part.upon, region.x0, region.y0) if self._along else QPainterPath()
            if self._tried is not None:
                self._retry()
            self.changed.emit()
        else:
            self.press(hand)

    def hover(self, hand: Hand) -> None:
        self._hand = hand
        if self._pressed is not None:
            return
        if self._box is not None:
            hot = self._box.grip_at(hand)
            if hot != self._hot:
                self._hot = hot
                self.changed.emit()
        else:
            self._look_under(hand)

    def left(self) -> None:
        self._hand = self._hot = self._under = None
        self.changed.emit()

    def escape(self) -> bool:
        if self._box is None:
            return False
        trying = self._trying
        self._drop()
        if trying:
            self.editor.cancel_step()
        return True

    def enter(self) -> bool:
        busy = self._box is not None
        self.finish()
        return busy

    def finish(self) -> None:
        """Keep what was done."""
        if self._box is None:
            return
        trying, still = self._trying, self._tried is None or self._tried.still
        self._drop()
        if trying:
            if still:
                self.editor.cancel_step()
            else:
                self.editor.end_step()

    # What is seen

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        if self._box is not None:
            if not self._upon.isEmpty():
                _draw_outline(painter, self._on_screen(self._box, to_screen).map(self._upon))
            self._box.paint(painter, to_screen, self._box.dragged or self._hot)
        elif self._under is not None:
            _draw_outline(painter, to_screen.map(self._under[1]))

    def bounds(self, to_screen: QTransform) -> QRectF:
        covered = QRectF()
        if self._box is not None:
            covered = self._box.bounds(to_screen)
            if not self._upon.isEmpty():
                path = self._on_screen(self._box, to_screen).mapRect(self._upon.boundingRect())
                covered = covered.united(path.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))
        elif self._under is not None:
            path = to_screen.mapRect(self._under[1].boundingRect())
            covered = path.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)
        return covered

    def cursor(self) -> Qt.CursorShape:
        grip = self._hot if self._box is None else self._box.dragged or self._hot
        if self._box is None or grip is None or self._hand is None:
            return Qt.CursorShape.ArrowCursor
        return self._box.cursor(grip, self._hand.view)

    # How it is done

    @property
    def _trying(self) -> bool:
        """Whether what is done to the picked part shows in the mask, and nothing else has come between."""
        document = self.editor.document
        return self._tried is not None and document is not None and document.trying is self._tried

    def _pick(self, hand: Hand) -> None:
        document = self.editor.document
        part = None if document is None else part_at(document.labels, hand.x, hand.y)
        if document is None or part is None or part.label == _BACKGROUND:
            return
        height, width = document.labels.shape
        self._box = TransformBox(part, (height, width))
        self._box.bending = self.studio.options.warp
        self._picked = (hand.x, hand.y)
        self._take(self._box, Grip("move"), hand)

    def _take(self, box: TransformBox, grip: Grip, hand: Hand) -> None:
        box.take(grip, hand)
        self._pressed, self._hot = hand, grip
        self.changed.emit()

    def _flip(self, across: bool) -> None:
        if self._box is not None:
            self._box.flip(across)
            self._retry()

    def _retry(self) -> None:
        """Show what has become of the picked part."""
        box = self._box
        if box is None or self.editor.document is None:
            return
        before = self._tried
        if before is None and box.grid is None and np.array_equal(box.matrix, np.eye(2, 3)):
            return
        if before is not None and not self._trying:
            # Something else has come between, say another portrait.
            self._drop()
            return
        matrix = box.matrix.astype(np.float32)
        grid = None if box.grid is None else box.grid.astype(np.float32)
        self._tried = Transform(box.part.label, *self._picked, matrix, grid, self.studio.mirror, self._along)
        if before is None:
            self.editor.begin_step(self._tried)
        else:
            self.editor.revise_step(self._tried)
        self.changed.emit()

    def _drop(self) -> None:
        """Forget the picked part."""
        self._box = self._tried = self._pressed = self._hot = self._under = None
        self._along, self._upon = (), QPainterPath()
        self.changed.emit()

    def _check(self, region: Region) -> None:
        """Forget the picked part where the mask has changed by other means: it may no longer be what it was."""
        if self._box is not None and not self._trying:
            self._drop()
        elif self._box is None and self._under is not None:
            self._under = None
            self.changed.emit()

    def _show_options(self) -> None:
        if self._box is not None and self._box.bending != self.studio.options.warp:
            self._box.bending = self.studio.options.warp
            self._hot = None
            self.changed.emit()

    def _look_under(self, hand: Hand) -> None:
        """Outline the part under the cursor."""
        document = self.editor.document
        part = None if document is None else part_at(document.labels, hand.x, hand.y)
        if part is not None and part.label == _BACKGROUND:
            part = None
        known = None if self._under is None else self._under[0]
        if part is None or known is None:
            same = part is known
        else:
            same = part.region == known.region and (part.shape == known.shape).all()
        if not same:
            region = Region(0, 0, 0, 0) if part is None else part.region
            self._under = None if part is None else (part, outline_of(part.shape, region.x0, region.y0))
            self.changed.emit()

    def _on_screen(self, box: TransformBox, to_screen: QTransform) -> QTransform:
        """Return the map from where the picked part was at first to the screen, but for what bends it."""
        (a, b, x), (c, d, y) = box.matrix.tolist()
        return QTransform(a, c, b, d, x, y) * to_screen


def _draw_outline(painter: QPainter, path: QPainterPath) -> None:
    """Draw a thin light line on a dark one."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_SHADE, _UNDER), QPen(_INK, _LINE)):
        painter.setPen(pen)
        painter.drawPath(path)
