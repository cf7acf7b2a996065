"""The tools that draw an outline: by hand, or corner by corner, freely or along the picture's edges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QPointF, QRectF, QTimer
from PySide6.QtGui import QPainter, QPolygonF, QTransform

from app.tools.areas import AreaTool, bounds_on_screen, on_screen, places
from app.tools.guides import DASH, draw_circle, draw_dashes, draw_line, draw_square, near
from app.tools.tool import Hand, Studio
from engine.mask.steps import Points
from engine.types import Pixels

if TYPE_CHECKING:
    from engine.mask.edges import EdgeTracer

CLOSEST = 0.25
"""The least distance between two points of a freehand outline, in mask pixels."""
ANCHOR_AFTER = 48.0
"""Screen pixels along an edge after which the first half of the way is settled."""
MARCH_MS = 120
"""How often the dashes of an unfinished polygon march on."""
_CORNER = 5.0
_NONE = np.zeros((0, 2), np.float32)


class Magnet:
    """Finds ways along the edges of a picture, and remembers what it knows of it while it is the same one."""

    def __init__(self) -> None:
        self._pixels: Pixels | None = None
        self._tracer: EdgeTracer | None = None

    def anchor(self, pixels: Pixels, at: tuple[float, float]) -> None:
        """Begin a way at a point, mask pixels, of a picture, uint8 (H, W, 3)."""
        tracer = self._tracer
        if tracer is None or pixels is not self._pixels:
            from engine.mask.edges import EdgeTracer

            self._pixels, self._tracer = pixels, (tracer := EdgeTracer(pixels))
        tracer.anchor(*at)

    def way_to(self, at: tuple[float, float]) -> Points:
        """Return the way from the anchor, without that, to a point, float32 (N, 2)."""
        if self._tracer is None:
            return places([at])
        way = self._tracer.path_to(*at)[1:]
        # A way ends in the picture, though the hand may be outside.
        way[-1] = at
        return places(way)


class LassoTool(AreaTool):
    """Draws an outline by hand; the area within it shows as it grows.

    With `Options.snap` the outline follows the picture's edges near the hand's way: what lies far enough behind the
    hand is settled, and the rest is found anew with each move.
    """

    name = "lasso"

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._magnet = Magnet()
        self._settled: Points | None = None
        self._live: Points = _NONE

    @property
    def resting(self) -> bool:
        return self._settled is None

    def press(self, hand: Hand) -> None:
        """Begin the outline."""
        document = self.editor.document
        if document is None:
            return
        self._settled, self._live = places([(hand.x, hand.y)]), _NONE
        if self.studio.options.snap:
            self._magnet.anchor(document.pixels, (hand.x, hand.y))

    def move(self, hand: Hand) -> None:
        """Draw the outline further."""
        document, settled = self.editor.document, self._settled
        if settled is None or document is None:
            return
        if self.studio.options.snap:
            self._live = self._magnet.way_to((hand.x, hand.y))
            self._settle(document.pixels, ANCHOR_AFTER / hand.scale)
        elif np.hypot(*(settled[-1] - (hand.x, hand.y))) >= max(1 / hand.scale, CLOSEST):
            # What was found along an edge stays when snapping is turned off on the way.
            self._settled, self._live = np.concatenate([settled, self._live, places([(hand.x, hand.y)])]), _NONE
        else:
            return
        self.show_area()

    def release(self, hand: Hand) -> None:
        """Close the outline and keep the area."""
        self.finish()

    def outline(self) -> Points | None:
        return None if self._settled is None else np.concatenate([self._settled, self._live])

    def forget(self) -> None:
        self._settled, self._live = None, _NONE

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        line = on_screen(self.outline(), to_screen)
        if line.size() > 1:
            draw_dashes(painter, line.at(line.size() - 1), line.at(0))
            draw_line(painter, line)

    def bounds(self, to_screen: QTransform) -> QRectF:
        return bounds_on_screen(self.outline(), to_screen)

    def _settle(self, pixels: Pixels, length: float) -> None:
        """Settle the first half of the live way once it is longer than a length in mask pixels."""
        steps = np.hypot(*np.diff(self._live, axis=0).T)
        if self._settled is None or steps.sum() < length:
            return
        half = int(np.searchsorted(np.cumsum(steps), steps.sum() / 2)) + 1
        x, y = self._live[half - 1].tolist()
        self._settled = np.concatenate([self._settled, self._live[:half]])
        self._live = self._live[half:]
        self._magnet.anchor(pixels, (x, y))


class PolygonTool(AreaTool):
    """Sets the corners of an outline with clicks; the area shows as it would be with the cursor as its next corner.

    A double click, Enter or a click on the first corner closes it, Backspace takes the last corner back, Escape all.
    Shift keeps a side to steps of 45 degrees of the screen. With `Options.snap` sides follow the picture's edges.
    """

    name = "polygon"

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._magnet = Magnet()
        self._anchored = False
        self._sides: list[Points] = []
        self._live: Points = _NONE
        self._down = self._closing = False
        self._hand: Hand | None = None
        self._march = QTimer(self)
        self._march.setInterval(MARCH_MS)
        self._march.timeout.connect(self._march_on)
        self._phase = 0.0

    @property
    def resting(self) -> bool:
        return not self._sides and not self._down

    @property
    def corners(self) -> list[tuple[float, float]]:
        """The corners set so far, in mask pixels."""
        return [(x, y) for x, y in (side[-1].tolist() for side in self._sides)]

    def press(self, hand: Hand) -> None:
        """Take aim at a corner, which is set where the button goes up, or close the outline at its first one."""
        if self.editor.document is None:
            return
        self.hover(hand)
        if self._closing:
            self._close()
        else:
            self._down = True

    def move(self, hand: Hand) -> None:
        """Take aim."""
        if hand != self._hand:
            self.hover(hand)

    def release(self, hand: Hand) -> None:
        """Set the corner."""
        if self._down:
            self.hover(hand)
            self._down, self._anchored = False, False
            self._sides.append(self._live)
            self._live = _NONE
            self._march.start()
            self.show_area()

    def double(self, hand: Hand) -> None:
        """Close the outline: the first of the two clicks has set its last corner."""
        if self._encloses:
            self._close()

    def hover(self, hand: Hand) -> None:
        """Show what the outline would be with a corner here."""
        self._hand = hand
        if self.resting:
            return
        self._closing = False
        if self._sides:
            first = hand.view.map(QPointF(*self.corners[0]))
            self._closing = self._encloses and not self._down and near(first, hand.at)
        at, straight = (self.corners[0], False) if self._closing else _aim(hand, self.corners)
        self._live = self._side_to(at, straight)
        self.show_area()

    def left(self) -> None:
        """Show what the outline would be if it were closed now."""
        self._hand, self._closing = None, False
        if self._sides and not self._down:
            self._live = _NONE
            self.show_area()

    def enter(self) -> bool:
        """Close the outline."""
        if self.resting:
            return False
        self._close()
        return True

    def backspace(self) -> bool:
        """Take the last corner back."""
        if not self._sides:
            return False
        self._sides.pop()
        self._anchored = False
        if not self._sides:
            self.drop()
            return True
        self._live = _NONE
        if self._hand is not None:
            self.hover(self._hand)
        else:
            self.show_area()
        return True

    def finish(self) -> None:
        """Keep the area of the corners set so far."""
        self._live = _NONE
        if self.trying:
            self.show_area()
            self.keep()
        elif not self.resting:
            self.drop()

    def outline(self) -> Points | None:
        return np.concatenate([*self._sides, self._live]) if self._sides else None

    def forget(self) -> None:
        self._sides, self._live = [], _NONE
        self._down = self._closing = self._anchored = False
        self._march.stop()

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        if not self._sides:
            return
        line = on_screen(self.outline(), to_screen)
        draw_dashes(painter, line.at(line.size() - 1), line.at(0), self._phase)
        draw_line(painter, line)
        corners = to_screen.map(QPolygonF([QPointF(x, y) for x, y in self.corners]))
        for corner in corners.toList()[1:]:
            draw_square(painter, corner, side=_CORNER)
        draw_circle(painter, corners.at(0), self._closing)

    def bounds(self, to_screen: QTransform) -> QRectF:
        return bounds_on_screen(self.outline(), to_screen)

    @property
    def _encloses(self) -> bool:
        return sum(len(side) for side in self._sides) > 2

    def _side_to(self, at: tuple[float, float], straight: bool) -> Points:
        """Return the side from the last corner, without that, to a point of the mask."""
        document = self.editor.document
        if straight or not self._sides or not self.studio.options.snap or document is None:
            return places([at])
        if not self._anchored:
            self._magnet.anchor(document.pixels, self.corners[-1])
            self._anchored = True
        return self._magnet.way_to(at)

    def _close(self) -> None:
        self._down = self._closing = False
        if self._encloses:
            self._live = self._side_to(self.corners[0], False)
            self.show_area()
            self.keep()
        else:
            self.drop()

    def _march_on(self) -> None:
        self._phase = (self._phase + 1.0) % (2 * DASH)
        self.changed.emit()


def _aim(hand: Hand, corners: list[tuple[float, float]]) -> tuple[tuple[float, float], bool]:
    """Return where the hand sets a corner, in mask pixels, and whether the side to it must be straight."""
    if not hand.shift or not corners:
        return (hand.x, hand.y), False
    last = hand.view.map(QPointF(*corners[-1]))
    away = hand.at - last
    turn = np.round(np.arctan2(away.y(), away.x()) / (np.pi / 4)) * (np.pi / 4)
    # The nearest place to the hand in that direction.
    unit = QPointF(float(np.cos(turn)), float(np.sin(turn)))
    back, _ = hand.view.inverted()
    aim = back.map(last + unit * QPointF.dotProduct(away, unit))
    return (aim.x(), aim.y()), True
