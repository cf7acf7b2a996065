"""What painting costs on a mask of 1024 x 1024 pixels, in the real window: moves, fills, undo, and a long history.

A part of `tests.bench`, or ``python -m tests.bench_studio``.

Moves are timed with the repaint of what they dirtied and with renders going on; fills, undo and redo likewise.
"""

import argparse
import json
import time

import cv2
import numpy as np
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.settings import Settings
from app.window import SAMPLE, MainWindow
from engine.mask.strokes import Stroke
from engine.reader import read_portrait
from engine.types import Portrait
from resources.labels import BY_NAME, LABEL_COUNT
from tests.bench_table import summary

SIDE = 1024
Seconds = list[float]


def large_portrait() -> Portrait:
    """Return the sample portrait with a mask of `SIDE` pixels."""
    small = read_portrait(SAMPLE)
    pixels = cv2.resize(small.pixels, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
    labels = cv2.resize(small.labels, (SIDE, SIDE), interpolation=cv2.INTER_NEAREST)
    return Portrait(pixels.astype(np.uint8), labels.astype(np.uint8), "sample")


class Hand:
    """Draws in a window with mouse events."""

    def __init__(self, window: MainWindow) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.app, self.window, self.canvas = application, window, window.canvas

    def wait_for_portrait(self) -> None:
        """Let the window work until a portrait is open, and shown."""
        while self.window.editor.portrait is None:
            self.app.processEvents()
            time.sleep(0.0005)
        self.wait()

    def wait(self) -> None:
        """Let the window work until all that was asked for has been shown."""
        while self.window.editor.pending:
            self.app.processEvents()
            time.sleep(0.0005)

    def send(self, kind: QEvent.Type, x: float, y: float) -> float:
        """Send a mouse event at a place in mask pixels, and repaint what it dirtied; returns the seconds it took."""
        place = self.window.view.transform(self.canvas.size().toSizeF()).map(QPointF(x, y))
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        button = none if kind == QEvent.Type.MouseMove else left
        held = none if kind == QEvent.Type.MouseButtonRelease else left
        event = QMouseEvent(kind, place, self.canvas.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier)
        started = time.perf_counter()
        self.app.sendEvent(self.canvas, event)
        # The window's dirty rectangles are repainted now, as they would be at the next frame.
        self.app.sendPostedEvents(self.window, QEvent.Type.UpdateRequest.value)
        return time.perf_counter() - started

    def drag(self, points: np.ndarray) -> tuple[Seconds, float]:
        """Draw through points (N, 2); returns the seconds of each move while a render ran, and of the release."""
        self.send(QEvent.Type.MouseButtonPress, *points[0])
        moves: Seconds = []
        for x, y in points[1:]:
            self.app.processEvents()
            time.sleep(0.004)  # a mouse reports 125 to 250 times a second
            rendering = self.window.editor.pending
            taken = self.send(QEvent.Type.MouseMove, float(x), float(y))
            if rendering:
                moves.append(taken)
        return moves, self.send(QEvent.Type.MouseButtonRelease, *points[-1])


def bench_studio(strokes: int) -> dict[str, Seconds | float]:
    """Time strokes of 40 points, lasso fills, undo and redo; returns seconds, and the history's bytes."""
    from app.start import application, open_window

    app = application()
    window = open_window(settings=Settings())
    hand = Hand(window)
    hand.wait_for_portrait()
    window.editor.edit_portrait(large_portrait())
    hand.wait()
    rng = np.random.default_rng(0)
    result: dict[str, Seconds | float] = {}
    for name, tool, label in (("brush", "brush", "hair"), ("lasso", "lasso", "skin")):
        window.workspace.box.choose(tool)
        window.studio.set_label(BY_NAME[label].id)
        window.studio.change(brush_size=64)
        moves: Seconds = []
        ends: Seconds = []
        for _ in range(strokes):
            if tool == "brush":
                path = np.clip(rng.uniform(250, 750, 2) + np.cumsum(rng.normal(0, 16, (40, 2)), 0), 20, 1000)
            else:
                turn = np.linspace(0, 2 * np.pi, 40)
                path = rng.uniform(400, 600, 2) + 260 * np.c_[np.cos(turn), np.sin(turn)] * rng.uniform(0.8, 1, (40, 1))
            taken, end = hand.drag(path)
            moves += taken
            ends.append(end)
        result[f"{name}_move_while_rendering"], result[f"{name}_release"] = moves, ends
    undo: Seconds = []
    redo: Seconds = []
    for samples, action in ((undo, window.editor.undo), (redo, window.editor.redo)):
        for _ in range(2 * strokes):
            started = time.perf_counter()
            action()
            app.sendPostedEvents(window, QEvent.Type.UpdateRequest.value)
            samples.append(time.perf_counter() - started)
            app.processEvents()
    result["undo"], result["redo"] = undo, redo
    hand.wait()
    result["history_bytes_2000_strokes"] = float(_long_history(window, rng))
    hand.wait()
    window.editor.forget_unsaved()
    window.close()
    app.processEvents()
    return result


def _long_history(window: MainWindow, rng: np.random.Generator) -> int:
    """Return the bytes that 2,000 strokes of 40 points take in the history."""
    editor = window.editor
    editor.history.set_budget(2**40)
    editor.edit_portrait(large_portrait())
    for _ in range(2000):
        path = rng.uniform(0, SIDE, 2) + np.cumsum(rng.normal(0, 16, (40, 2)), 0)
        editor.perform(Stroke(int(rng.integers(LABEL_COUNT)), np.c_[path, np.full(40, rng.uniform(4, 60))]))
    return editor.history.nbytes


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_studio")
    parser.add_argument("--strokes", type=int, default=30, help="of each kind (30)")
    figures = bench_studio(parser.parse_args().strokes)
    report = {name: summary(value) if isinstance(value, list) else value for name, value in figures.items()}
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
