"""What the canvas talks to: it hands what the hand does to the tool that is chosen, or to what comes before it."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QRegion, QTransform

from app.tools.axis import SymmetryAxis
from app.tools.eyedropper import EyedropperTool
from app.tools.tool import Hand, Studio, Tool


class ToolBox(Tool):
    """All tools, one of which is chosen.

    A drag belongs to one tool from its press to its release: with Ctrl held down to the eyedropper, if the chosen tool
    lets it (see `Tool.picks`); where it takes hold of a handle of the line of symmetry, to that, if the chosen tool
    rests; else to the chosen tool.

    Parameters
    ----------
    studio
        What the tools share.
    tools
        The tools that can be chosen; the first one is, at first. An eyedropper among them is also the one for Ctrl.

    Attributes
    ----------
    axis
        The line of symmetry.

    Signals
    -------
    chosen(str)
        Another tool is chosen, by its name.
    """

    chosen = Signal(str)

    def __init__(self, studio: Studio, tools: Iterable[Tool], parent: QObject | None = None) -> None:
        super().__init__(studio, parent)
        self.tools = {tool.name: tool for tool in tools}
        self.axis = SymmetryAxis(studio, self)
        own = self.tools.get(EyedropperTool.name)
        self.eyedropper = own if isinstance(own, EyedropperTool) else EyedropperTool(studio, self)
        self._current = next(iter(self.tools.values()))
        self._lender: str | None = None
        self._dragging: Tool | None = None
        self._under: Tool | None = None
        self._stale: list[Tool] = []
        self._painted: dict[Tool, QRectF] = {}
        for tool in {*self.tools.values(), self.axis, self.eyedropper}:
            tool.changed.connect(self._follow)

    # Which tool

    @property
    def current(self) -> Tool:
        """The tool that is chosen."""
        return self._current

    def choose(self, name: str) -> None:
        """Choose a tool by its name; the one before finishes what it is about.

        Raises
        ------
        KeyError
            If there is no such tool.
        """
        tool = self.tools[name]
        self._lender = None
        if tool is not self._current:
            self.finish()
            self.left()
            old, self._current = self._current, tool
            self._touch(old)
            self._touch(tool)
            self.chosen.emit(name)

    def borrow(self, name: str) -> None:
        """Choose a tool for a while, say as long as a key is held down or a pen is turned around: see `give_back`.

        Raises
        ------
        KeyError
            If there is no such tool.
        """
        lender = self._lender or self._current.name
        self.choose(name)
        self._lender = lender

    def give_back(self) -> None:
        """Choose the tool from before `borrow`, if nothing else has been chosen since."""
        if self._lender is not None:
            self.choose(self._lender)

    def step_size(self, steps: int) -> None:
        """Make the current tool larger by some steps, or smaller by negative ones, if it has a size."""
        step = getattr(self._current, "step", None)
        if step is not None:
            step(steps)

    def set_colours(self, colours: NDArray[np.uint8]) -> None:
        """Set the colours of the classes, uint8 of shape (19, 3), RGB, that captions show."""
        self.eyedropper.set_colours(colours)

    # The hand

    def press(self, hand: Hand) -> None:
        """Begin a drag of whichever tool it belongs to."""
        self._begin(hand).press(hand)

    def move(self, hand: Hand) -> None:
        """Go on with the drag."""
        if self._dragging is not None:
            self._dragging.move(hand)

    def release(self, hand: Hand) -> None:
        """End the drag."""
        tool, self._dragging = self._dragging, None
        if tool is not None:
            tool.release(hand)
            self._go_over(self._tool_at(hand))

    def double(self, hand: Hand) -> None:
        """Hand on the second press of a double click."""
        self._begin(hand).double(hand)

    def hover(self, hand: Hand) -> None:
        """Let the tool that a press would begin a drag of, or whose drag it is, follow the cursor."""
        tool = self._dragging or self._tool_at(hand)
        self._go_over(tool)
        tool.hover(hand)

    def left(self) -> None:
        under, self._under = self._under, None
        if under is not None:
            under.left()
            self._touch(under)

    def escape(self) -> bool:
        """Take back what is under way: in a drag its tool's, else the current one's."""
        tool, self._dragging = self._dragging or self._current, None
        return tool.escape()

    def enter(self) -> bool:
        return self._current.enter()

    def backspace(self) -> bool:
        return self._current.backspace()

    def finish(self) -> None:
        """Finish what is under way, in every tool."""
        tool, self._dragging = self._dragging, None
        if tool is not None and tool is not self._current:
            tool.finish()
        self._current.finish()

    @property
    def resting(self) -> bool:
        return self._dragging is None and self._current.resting

    # What is seen

    def paint(self, painter: QPainter, to_screen: QTransform) -> None:
        self._painted = {tool: tool.bounds(to_screen) for tool in self._shown()}
        for tool in self._painted:
            painter.save()
            tool.paint(painter, to_screen)
            painter.restore()

    def bounds(self, to_screen: QTransform) -> QRectF:
        """Return all that `paint` covers; to follow `changed`, `stale` is far less."""
        covered = QRectF()
        for tool in self._shown():
            covered = covered.united(tool.bounds(to_screen))
        return covered

    def stale(self, to_screen: QTransform) -> QRegion:
        """Return what must be repainted, in screen pixels, since this was last asked.

        That is where the tools that have changed since were painted, and where they would be now: not the line of
        symmetry across the canvas whenever the brush moves.
        """
        region, shown = QRegion(), self._shown()
        stale, self._stale = self._stale, []
        for tool in stale:
            now = tool.bounds(to_screen) if tool in shown else QRectF()
            for covered in (self._painted.get(tool, QRectF()), now):
                region = region.united(QRegion(covered.toAlignedRect()))
        return region

    def cursor(self) -> Qt.CursorShape:
        return (self._over or self._current).cursor()

    def _shown(self) -> list[Tool]:
        """Return the tools to paint, from the lowest."""
        shown = [self.axis, self._current]
        if self._over is self.eyedropper and self._current is not self.eyedropper:
            shown.append(self.eyedropper)
        return shown

    @property
    def _over(self) -> Tool | None:
        return self._dragging or self._under

    def _tool_at(self, hand: Hand) -> Tool:
        """Return the tool that a press here belongs to."""
        if hand.control and self._current.picks:
            return self.eyedropper
        if self._current.resting and self.axis.hits(hand):
            return self.axis
        return self._current

    def _begin(self, hand: Hand) -> Tool:
        # The release of an earlier press may have gone elsewhere.
        if self._dragging is not None:
            self.release(hand)
        tool = self._tool_at(hand)
        self._go_over(tool)
        self._dragging = tool
        return tool

    def _go_over(self, tool: Tool) -> None:
        """Let the cursor pass from one tool to another."""
        if tool is not self._under:
            self.left()
            self._under = tool
            self._touch(tool)

    def _follow(self) -> None:
        tool = self.sender()
        if isinstance(tool, Tool):
            self._touch(tool)

    def _touch(self, tool: Tool) -> None:
        if tool not in self._stale:
            self._stale.append(tool)
        self.changed.emit()
