"""The tool that drags the mask along under its brush."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QObject

from app.tools.ring import BrushLike
from app.tools.stabiliser import radius_of
from app.tools.tool import Hand, Studio
from engine.mask.liquify import Liquify
from engine.mask.steps import Mirror

CLOSEST = 0.5
"""The least distance between two points of a drag, in mask pixels."""
SPACING = 0.04
"""The least distance between two points of a drag, as a share of the radius: a large brush needs no finer ones."""


class LiquifyTool(BrushLike):
    """Drags what lies under the brush along, as far as its strength says. Escape takes a drag back."""

    name = "liquify"
    size_option = "liquify_size"

    def __init__(self, studio: Studio, parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self._points: list[tuple[float, float, float]] = []
        self._strength, self._mirror = 0.0, studio.mirror
        self._tried: Liquify | None = None
        self._last: Hand | None = None

    @property
    def resting(self) -> bool:
        return self._tried is None and super().resting

    def mirror(self) -> Mirror | None:
        return super().mirror() if self._tried is None else self._mirror

    def ring_radius(self) -> float:
        return super().ring_radius() if self._tried is None else self._points[-1][2]

    def begin_drag(self, hand: Hand) -> None:
        """Put the brush down; nothing moves yet."""
        if self.editor.document is None:
            return
        self._strength, self._mirror = self.studio.options.liquify_strength, self.studio.mirror
        self._points = [self._point(hand)]
        self._last = hand
        self._tried = self._step()
        self.editor.begin_step(self._tried)
        self.changed.emit()

    def go_on(self, hand: Hand) -> None:
        """Drag on."""
        if self._tried is not None:
            self._last = hand
            self._follow(max(CLOSEST, SPACING * self._points[-1][2]))
            self.changed.emit()

    def end_drag(self, hand: Hand) -> None:
        """Drag to where the hand is, and keep it."""
        if self._tried is not None:
            self._last = hand
        self.finish()

    def finish(self) -> None:
        super().finish()
        if self._tried is None:
            return
        # However near the hand is to the last point, it counts: what was dragged lies under it.
        self._follow(0.0)
        if self._trying:
            self.editor.end_step()
        self._rest()

    def escape(self) -> bool:
        if self._tried is None:
            return super().escape()
        if self._trying:
            self.editor.cancel_step()
        self._rest()
        return True

    @property
    def _trying(self) -> bool:
        """Whether this drag still shows in the mask, and nothing else has come between."""
        document = self.editor.document
        return self._tried is not None and document is not None and document.trying is self._tried

    def _follow(self, least: float) -> None:
        """Drag to where the hand is, if that is farther than the least distance from the last point."""
        if self._last is None or not self._trying:
            return
        point, (x, y, _) = self._point(self._last), self._points[-1]
        if math.hypot(point[0] - x, point[1] - y) > least:
            self._points.append(point)
            self._tried = self._step()
            self.editor.extend_step(self._tried)

    def _rest(self) -> None:
        self._tried = self._last = None
        self._points = []
        self.changed.emit()

    def _step(self) -> Liquify:
        return Liquify(np.array(self._points, np.float32), self._strength, self._mirror)

    def _point(self, hand: Hand) -> tuple[float, float, float]:
        options = self.studio.options
        pressure = hand.pressure if hand.pen else 1.0
        return hand.x, hand.y, radius_of(self.size, pressure, options.pressure_curve, options.pressure)
