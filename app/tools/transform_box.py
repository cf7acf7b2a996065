"""The box around a part of the face that is transformed: its handles, what the hand does to them, how it is drawn."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPolygonF, QTransform

from app.tools.guides import REACH, bounds_of, crisp, draw_circle, draw_line, draw_square, near
from app.tools.tool import Hand
from engine.affine import Matrix
from engine.mask.motion import inverse, joined
from engine.mask.parts import Part
from engine.mask.warp import bent, handles_at_rest

PAD = 6.0
"""How far the box lies outside the part, in screen pixels."""
LEAST_SIDE = 30.0
"""The least side of the box, in screen pixels: between its handles there is always something to drag it by."""
EDGES_FROM = 52.0
"""The least side on whose middle there is a handle."""
STALK = 26.0
"""How far the handle that turns the box stands off, in screen pixels."""
TURN_STEP = 15.0
"""Degrees by which the box turns while Shift is held down."""
FINE_FROM = 160.0
"""The side of a part, in screen pixels, from which a bend has four handles along either axis instead of three."""

_CURVE = 12
_SIDES = ((0, -1), (0, 1), (1, 0), (-1, 0))
_CURSORS = (
    Qt.CursorShape.SizeHorCursor,
    Qt.CursorShape.SizeFDiagCursor,
    Qt.CursorShape.SizeVerCursor,
    Qt.CursorShape.SizeBDiagCursor,
)


@dataclass(frozen=True, slots=True)
class Grip:
    """What the hand takes hold of.

    Attributes
    ----------
    kind
        Moves, scales, turns or bends.
    i, j
        For scaling the handle's side, -1..1 across and down; for bending its column and row; for turning the side that
        the handle stands at.
    """

    kind: Literal["move", "scale", "turn", "bend"]
    i: int = 0
    j: int = 0


@dataclass(frozen=True, slots=True)
class _Drag:
    """What the hand has taken hold of, where, and what was there then."""

    grip: Grip
    hand: Hand
    matrix: Matrix
    grid: NDArray[np.float64] | None


class TransformBox:
    """A part of a mask, how it is transformed so far, and the handles for that.

    Places without any other mention are those of the part at rest, in mask pixels.

    Parameters
    ----------
    part
        What is transformed.
    mask
        The mask's height and width.

    Attributes
    ----------
    matrix
        (2, 3).
    grid
        How far the handles of a bend are dragged, (n, n, 2); None where nothing is bent.
    bending
        Whether the handles bend the part, or move, scale and turn it.
    """

    def __init__(self, part: Part, mask: tuple[int, int]) -> None:
        self.part, self.mask = part, mask
        self.matrix: Matrix = np.eye(2, 3)
        self.grid: NDArray[np.float64] | None = None
        self.bending = False
        self._drag: _Drag | None = None

    @property
    def dragged(self) -> Grip | None:
        """What the hand holds."""
        return None if self._drag is None else self._drag.grip

    def flip(self, across: bool) -> None:
        """Exchange left and right, or top and bottom, of the mask's picture of the part."""
        centre = self._placed(self.part.centre)
        turn = np.diag([-1.0, 1.0] if across else [1.0, -1.0])
        self.matrix = joined(np.c_[turn, centre - turn @ centre], self.matrix)

    # The hand

    def grip_at(self, hand: Hand) -> Grip | None:
        """Return what a press would take hold of."""
        handles = [(at - hand.at, grip) for grip, at in self.handles(hand.view).items() if near(at, hand.at, REACH)]
        if handles:
            return min(handles, key=lambda handle: QPointF.dotProduct(handle[0], handle[0]))[1]
        inside = self._frame(hand.view).containsPoint(hand.at, Qt.FillRule.OddEvenFill)
        return Grip("move") if inside else None

    def take(self, grip: Grip, hand: Hand) -> None:
        """Take hold of something."""
        self._drag = _Drag(grip, hand, self.matrix, self.grid)

    def let_go(self) -> None:
        """Let go of it."""
        self._drag = None

    def drag(self, hand: Hand) -> None:
        """Follow the hand with what it holds."""
        drag = self._drag
        if drag is None:
            return
        match drag.grip.kind:
            case "move":
                # By whole pixels, so that the part does not change on its way.
                step = _way(drag.hand, hand, level=hand.shift).round()
                self.matrix = joined(np.c_[np.eye(2), step], drag.matrix)
            case "scale":
                self.matrix = joined(drag.matrix, self._scaling(drag, hand))
            case "turn":
                self.matrix = joined(self._turning(drag, hand), drag.matrix)
            case "bend":
                grid = self._dragged_grid(drag, hand)
                grid[drag.grip.j, drag.grip.i] += inverse(drag.matrix)[:, :2] @ _way(drag.hand, hand, level=hand.shift)
                self.grid = grid

    def _scaling(self, drag: _Drag, hand: Hand) -> Matrix:
        """Return how the part at rest is scaled."""
        region, sides = self.part.region, np.array([drag.grip.i, drag.grip.j])
        size = np.array([region.x1 - region.x0, region.y1 - region.y0], float)
        held = self.part.centre + sides * size / 2
        fixed = self.part.centre - (0 if hand.alt else sides * size / 2)
        way = inverse(drag.matrix)[:, :2] @ _way(drag.hand, hand)
        reach = held - fixed
        if hand.shift:
            factors = np.full(2, 1 + way @ reach / (reach @ reach))
        else:
            factors = np.where(sides, 1 + way / np.where(sides, reach, 1), 1.0)
        # Nothing is made thinner than a pixel; past that it is flipped.
        least = 1 / (size * np.hypot(drag.matrix[0, :2], drag.matrix[1, :2]))
        factors = np.where(np.abs(factors) < least, np.copysign(least, factors), factors)
        return np.c_[np.diag(factors), fixed * (1 - factors)]

    def _turning(self, drag: _Drag, hand: Hand) -> Matrix:
        """Return how the transformed part is turned."""
        matrix = drag.matrix
        centre = matrix[:, :2] @ self.part.centre + matrix[:, 2]
        start, now = (math.atan2(place.y - centre[1], place.x - centre[0]) for place in (drag.hand, hand))
        angle = now - start
        if hand.shift:
            before, step = math.atan2(matrix[1, 0], matrix[0, 0]), math.radians(TURN_STEP)
            angle = round((before + angle) / step) * step - before
        c, s = math.cos(angle), math.sin(angle)
        turn = np.array([[c, -s], [s, c]])
        return np.c_[turn, centre - turn @ centre]

    def _dragged_grid(self, drag: _Drag, hand: Hand) -> NDArray[np.float64]:
        if drag.grid is not None:
            return drag.grid.copy()
        count = self._count(hand.view)
        return np.zeros((count, count, 2))

    # Where everything is

    def handles(self, view: QTransform) -> dict[Grip, QPointF]:
        """Return where the handles are on the screen."""
        if self.bending:
            grid = self._shown_grid(view)
            rest = handles_at_rest(self.part.region, len(grid))
            return {
                Grip("bend", i, j): self._on_screen(rest[j, i] + grid[j, i], view)
                for j in range(len(grid))
                for i in range(len(grid))
            }
        centre, across, down = self._axes(view)
        result = {}
        for i, j in ((i, j) for j in (-1, 0, 1) for i in (-1, 0, 1) if i or j):
            # A handle in the middle of a short side would be in the way of those at its ends.
            if (i or _length(across) * 2 >= EDGES_FROM) and (j or _length(down) * 2 >= EDGES_FROM):
                result[Grip("scale", i, j)] = centre + across * i + down * j
        turning = self._turner(view)
        result[turning[0]] = turning[1]
        return result

    def _turner(self, view: QTransform) -> tuple[Grip, QPointF]:
        """Return the handle that turns the box: off the side where it can be seen, and does not jump in a drag."""
        centre, across, down = self._axes(view)
        middles = {side: centre + across * side[0] + down * side[1] for side in _SIDES}
        stalks = {side: (middle - centre) * (STALK / _length(middle - centre)) for side, middle in middles.items()}
        held = self.dragged
        if held is not None and held.kind == "turn":
            sides = [(held.i, held.j)]
        else:
            back, mask = view.inverted()[0], QRectF(0, 0, self.mask[1], self.mask[0])
            sides = [side for side in _SIDES if mask.contains(back.map(middles[side] + stalks[side]))]
        if sides:
            return Grip("turn", *sides[0]), middles[sides[0]] + stalks[sides[0]]
        # Around a box as large as the mask nothing can be seen.
        return Grip("turn", *_SIDES[0]), middles[_SIDES[0]] - stalks[_SIDES[0]]

    def _frame(self, view: QTransform) -> QPolygonF:
        """Return the outline on the screen."""
        if self.bending:
            grid = self._shown_grid(view)
            edge = np.linspace(0, 1, _CURVE * len(grid))
            ends, ones = np.zeros_like(edge), np.ones_like(edge)
            x, y = np.r_[edge, ones, edge[::-1], ends], np.r_[ends, edge, ones, edge[::-1]]
            return self._curve(x, y, view)
        centre, across, down = self._axes(view)
        return QPolygonF([centre + across * i + down * j for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))])

    def _axes(self, view: QTransform) -> tuple[QPointF, QPointF, QPointF]:
        """Return the box's centre, and the ways from there to the middles of its right and lower sides, as seen."""
        region, centre = self.part.region, self.part.centre
        middle = self._on_screen(centre, view)
        ways = []
        for x, y in ((region.x1, centre[1]), (centre[0], region.y1)):
            way = self._on_screen(np.array([x, y]), view) - middle
            length = _length(way)
            ways.append(way * (max(length + PAD, LEAST_SIDE / 2) / length))
        return middle, ways[0], ways[1]

    def _shown_grid(self, view: QTransform) -> NDArray[np.float64]:
        if self.grid is not None:
            return self.grid
        count = self._count(view)
        return np.zeros((count, count, 2))

    def _count(self, view: QTransform) -> int:
        """Return how many handles a bend has along either axis."""
        _, across, down = self._axes(view)
        return 4 if 2 * min(_length(across), _length(down)) >= FINE_FROM else 3

    def _placed(self, place: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.matrix[:, :2] @ place + self.matrix[:, 2]

    def _on_screen(self, place: NDArray[np.float64], view: QTransform) -> QPointF:
        return view.map(QPointF(*self._placed(place).tolist()))

    def _curve(self, x: NDArray[np.float64], y: NDArray[np.float64], view: QTransform) -> QPolygonF:
        """Return on the screen what a bend makes of a line, given as shares of the part's box."""
        region = self.part.region
        places = np.stack([region.x0 + x * (region.x1 - region.x0), region.y0 + y * (region.y1 - region.y0)], axis=1)
        places = bent(places, region, self._shown_grid(view)) @ self.matrix[:, :2].T + self.matrix[:, 2]
        return view.map(QPolygonF([QPointF(x, y) for x, y in places.tolist()]))

    # What is seen

    def paint(self, painter: QPainter, view: QTransform, hot: Grip | None) -> None:
        """Draw the box and its handles; a hot one is what the hand holds or would take hold of."""
        handles = self.handles(view)
        if self.bending:
            count = len(self._shown_grid(view))
            along = np.linspace(0, 1, _CURVE * count)
            for share in np.linspace(0, 1, count):
                draw_line(painter, self._curve(along, np.full_like(along, share), view))
                draw_line(painter, self._curve(np.full_like(along, share), along, view))
        else:
            frame = self._frame(view)
            level = all(abs(side.x()) < 1e-6 or abs(side.y()) < 1e-6 for side in self._axes(view)[1:])
            centre, across, down = self._axes(view)
            grip, at = self._turner(view)
            draw_line(painter, QPolygonF([centre + across * grip.i + down * grip.j, at]))
            draw_line(painter, crisp(frame) if level else frame, closed=True)
        for grip, at in handles.items():
            (draw_circle if grip.kind == "turn" else draw_square)(painter, at, hot=grip == hot)

    def bounds(self, view: QTransform) -> QRectF:
        """Return what `paint` covers."""
        covered = bounds_of(self._frame(view)).united(bounds_of(QPolygonF(list(self.handles(view).values()))))
        if self.bending:
            x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(0, 1, 4 * _CURVE), np.linspace(0, 1, 4 * _CURVE)))
            covered = covered.united(bounds_of(self._curve(x, y, view)))
        return covered

    def cursor(self, grip: Grip, view: QTransform) -> Qt.CursorShape:
        """Return the cursor over a handle, or while it is held."""
        match grip.kind:
            case "move":
                return Qt.CursorShape.SizeAllCursor
            case "scale":
                _, across, down = self._axes(view)
                way = across * (grip.i / _length(across)) + down * (grip.j / _length(down))
                return _CURSORS[round(math.degrees(math.atan2(way.y(), way.x())) / 45) % 4]
            case _:
                return Qt.CursorShape.OpenHandCursor if self._drag is None else Qt.CursorShape.ClosedHandCursor


def outline_of(shape: NDArray[np.bool_], x: int, y: int) -> QPainterPath:
    """Return the edges of the pixels of a shape, bool (h, w), whose first pixel is at (x, y), in mask pixels."""
    path = QPainterPath()
    padded = np.pad(shape, 1)
    for level in (True, False):
        cells = padded if level else padded.T
        edges = np.pad(cells[1:] != cells[:-1], ((0, 0), (1, 1))).astype(np.int8)
        steps = np.diff(edges, axis=1)
        for (line, start), (_, end) in zip(
            np.argwhere(steps == 1).tolist(), np.argwhere(steps == -1).tolist(), strict=True
        ):
            one, other = ((start - 1, line), (end - 1, line)) if level else ((line, start - 1), (line, end - 1))
            path.moveTo(x + one[0], y + one[1])
            path.lineTo(x + other[0], y + other[1])
    return path


def _way(start: Hand, end: Hand, level: bool = False) -> NDArray[np.float64]:
    """Return the way between two hands in mask pixels; if asked for, kept level or upright as seen."""
    if not level:
        return np.array([end.x - start.x, end.y - start.y])
    view = end.view
    # The view may have been scrolled in between.
    way = view.map(QPointF(end.x, end.y)) - view.map(QPointF(start.x, start.y))
    kept = QPointF(way.x(), 0) if abs(way.x()) >= abs(way.y()) else QPointF(0, way.y())
    back, _ = view.inverted()
    to = back.map(kept) - back.map(QPointF())
    return np.array([to.x(), to.y()])


def _length(way: QPointF) -> float:
    return math.hypot(way.x(), way.y())
