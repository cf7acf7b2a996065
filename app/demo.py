"""The editor at work without a display: a script of strokes, painted through the real window.

Every stroke goes the way of a person's: a class is chosen, mouse events reach the canvas, the document changes, the
engine's thread renders, and the window shows the result.
"""

import math
import os
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from PySide6.QtCore import QEvent, QEventLoop, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from app.project import read_project
from app.replay import replay
from app.settings import Settings
from app.titles import step_title
from app.window import SAMPLE, SAMPLE_EXEMPLAR, MainWindow
from engine.files import save_mask, save_picture
from engine.generate import Backend, Device
from engine.mask.face_actions import FaceAction
from engine.photo import read_photo
from engine.reader import read_portrait
from engine.types import EngineError, LabelMap, Pixels, WriteError
from resources.labels import BY_NAME, LABELS, palette

TIMEOUT_S = 300

TILT = 12
"""Degrees, clockwise, by which the portrait is turned in the photo."""


@dataclass(frozen=True)
class ScriptedStroke:
    """A stroke on the sample portrait: what it is for, class name, brush diameter and points in mask pixels."""

    purpose: str
    label: str
    size: int
    points: tuple[tuple[float, float], ...]


SCRIPT: tuple[ScriptedStroke, ...] = (
    ScriptedStroke("longer hair, left", "hair", 76, ((92, 262), (90, 320), (110, 372))),
    ScriptedStroke("longer hair, right", "hair", 76, ((426, 270), (434, 322), (420, 370))),
    ScriptedStroke("fuller upper lip", "u_lip", 11, ((206, 352), (240, 346), (258, 349), (276, 346), (312, 351))),
    ScriptedStroke("fuller lower lip", "l_lip", 17, ((222, 378), (240, 391), (258, 395), (278, 391), (296, 377))),
    ScriptedStroke("thicker right brow", "r_brow", 13, ((160, 216), (186, 208), (226, 218))),
    ScriptedStroke("thicker left brow", "l_brow", 13, ((298, 218), (338, 208), (364, 216))),
    ScriptedStroke("right lens", "eye_g", 86, ((188, 250), (194, 250))),
    ScriptedStroke("left lens", "eye_g", 86, ((316, 250), (322, 250))),
    ScriptedStroke("bridge", "eye_g", 9, ((230, 240), (256, 236), (280, 240))),
    ScriptedStroke("right eye behind the lens", "r_eye", 20, ((178, 246), (204, 246))),
    ScriptedStroke("left eye behind the lens", "l_eye", 20, ((306, 245), (332, 245))),
)
"""Longer hair, fuller lips, thicker brows and a pair of glasses on the sample portrait."""


def run_demo(out: Path, model: Path | None, backend: Backend, device: Device, started: float) -> int:
    """Open the sample portrait, paint, copy a style and export; leave pictures in ``out`` and say what was done.

    Parameters
    ----------
    out
        Folder for the pictures; made if missing.
    model, backend, device
        As in `app.start.open_window`.
    started
        When the command began, by ``time.perf_counter``.

    Raises
    ------
    EngineError
        If anything the editor reports goes wrong.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from app.start import application, open_window

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(f"{out} cannot be made ({error.strerror}).", "Choose another folder with --out.") from error
    app = application()
    window = open_window(SAMPLE, None, model, backend, device, Settings())
    app.processEvents()
    print(f"Window shown after {time.perf_counter() - started:.2f} s (torch imported: {'torch' in sys.modules})")
    try:
        _Demo(app, window, out).run(started)
    finally:
        window.editor.forget_unsaved()
        window.close()
        app.processEvents()
    return 0


class _Demo:
    def __init__(self, app: QApplication, window: MainWindow, out: Path) -> None:
        self.app, self.window, self.out = app, window, out
        self.problem: EngineError | None = None
        window.editor.problem.connect(self._note)

    def _note(self, problem: EngineError) -> None:
        self.problem = problem

    def run(self, started: float) -> None:
        editor = self.window.editor
        self._wait()
        assert editor.info is not None and editor.document is not None and editor.source is not None
        print(f"First render after {time.perf_counter() - started:.2f} s: {editor.info.title} on {editor.info.device}, "
              f"{editor.info.backend}")  # fmt: skip
        save_picture(self.out / "source.png", editor.source)
        save_mask(self.out / "mask_before.png", editor.document.labels)
        for number, stroke in enumerate(SCRIPT, 1):
            begun = time.perf_counter()
            self._paint(stroke)
            released = time.perf_counter()
            self._wait()
            print(f"Stroke {number}: {stroke.purpose} ({LABELS[BY_NAME[stroke.label].id].title.lower()}, "
                  f"{stroke.size} px): painted in {(released - begun) * 1000:.0f} ms, "
                  f"final render {(time.perf_counter() - released) * 1000:.0f} ms after release")  # fmt: skip
        save_mask(self.out / "mask_after.png", editor.document.labels)
        self._save_coloured("mask_after_coloured.png", editor.document.labels)
        if editor.picture is not None:
            save_picture(self.out / "render.png", editor.picture)
        editor.export_picture(self.out / "exported.png")
        self._wait()
        self._screenshot("window.png")
        self._act()
        self._keep_project()
        begun = time.perf_counter()
        editor.use_style(read_portrait(SAMPLE_EXEMPLAR))
        self._wait()
        print(f"Style copied from {SAMPLE_EXEMPLAR.name}: shown after {(time.perf_counter() - begun) * 1000:.0f} ms")
        editor.export_picture(self.out / "exported_style.png")
        self._wait()
        self._screenshot("window_style.png")
        self._edit_photo()
        print(f"Pictures are in {self.out}: " + ", ".join(sorted(path.name for path in self.out.glob("*.png"))))

    def _act(self) -> None:
        """Change the face by actions, and see what differs."""
        editor, workspace = self.window.editor, self.window.workspace
        begun = time.perf_counter()
        for action, strength in (("smile", 0.6), ("earrings", 0.5)):
            editor.perform(FaceAction(action, strength))
        self._wait()
        print(f"Actions of the face: {', '.join(step_title(edit.title) for edit in editor.history.edits[-2:])}, shown "
              f"after {(time.perf_counter() - begun) * 1000:.0f} ms")  # fmt: skip
        workspace.show_panel(2)
        workspace.page.set_heat(True)
        self._screenshot("window_history.png")
        workspace.page.set_heat(False)
        workspace.show_panel(0)

    def _keep_project(self) -> None:
        """Save a project, read it back, and do its edit list anew without a window."""
        editor, path = self.window.editor, self.out / "portrait.maskbrush"
        assert editor.document is not None
        editor.projects.save(path)
        self._wait()
        project = read_project(path)
        same = np.array_equal(replay(project), editor.document.labels)
        if not same:
            raise EngineError(f"The edit list of {path} leads to another mask.", "Report this as a fault.")
        size = path.stat().st_size / 1e6
        print(f"Project of {len(project.edits)} edits saved ({size:.1f} MB) and done anew: the same mask")

    def _edit_photo(self) -> None:
        """Open a photo in which the face lies turned and off the middle, edit it, and export the whole photo."""
        editor, path = self.window.editor, self.out / "photo.jpg"
        save_picture(path, tilted_in_a_photo(read_photo(SAMPLE).pixels))
        begun = time.perf_counter()
        editor.forget_unsaved()
        editor.open_portrait(path)
        self._wait()
        portrait = editor.portrait
        assert portrait is not None
        if portrait.alignment is None:
            raise EngineError(f"The face in {path} was not found.", "Check the weights in resources/weights.")
        turn = math.degrees(math.atan2(portrait.alignment.half[1], portrait.alignment.half[0]))
        print(f"{path.name}: face found, cut out ({portrait.alignment.side:.0f} px, turned by {turn:.0f}°) and "
              f"labelled in {time.perf_counter() - begun:.2f} s")  # fmt: skip
        editor.set_whole(True)
        self._paint(longer_hair(portrait.labels))
        self._wait()
        self._screenshot("window_photo.png")
        editor.export_picture(self.out / "photo_edited.png")
        self._wait()
        with Image.open(self.out / "photo_edited.png") as exported:
            print(f"One stroke of hair painted; the whole photo exported: {exported.width} x {exported.height} px")

    def _paint(self, stroke: ScriptedStroke) -> None:
        window, canvas = self.window, self.window.canvas
        window.studio.set_label(BY_NAME[stroke.label].id)
        window.studio.change(brush_size=stroke.size)
        buttons = Qt.MouseButton
        points = _dense(stroke.points)
        self._mouse(QEvent.Type.MouseButtonPress, points[0], buttons.LeftButton, buttons.LeftButton)
        for point in points[1:]:
            self._mouse(QEvent.Type.MouseMove, point, buttons.NoButton, buttons.LeftButton)
            self.app.processEvents()
        self._mouse(QEvent.Type.MouseButtonRelease, points[-1], buttons.LeftButton, buttons.NoButton)
        assert not canvas.dragging

    def _mouse(
        self, kind: QEvent.Type, point: tuple[float, float], button: Qt.MouseButton, held: Qt.MouseButton
    ) -> None:
        canvas = self.window.canvas
        place = self.window.view.transform(canvas.size().toSizeF()).map(QPointF(*point))
        event = QMouseEvent(kind, place, canvas.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier)
        self.app.sendEvent(canvas, event)

    def _wait(self) -> None:
        """Let the window work until all that was asked for has been shown."""
        deadline = time.perf_counter() + TIMEOUT_S
        pulse = QTimer(interval=2)
        loop = QEventLoop()
        pulse.timeout.connect(loop.quit)
        pulse.start()
        while self.window.editor.pending and self.problem is None:
            if time.perf_counter() > deadline:
                raise EngineError(f"Nothing was rendered within {TIMEOUT_S} s.", "Try --backend torch --device cpu.")
            loop.exec()
        if self.problem is not None:
            raise self.problem

    def _save_coloured(self, name: str, labels) -> None:
        save_picture(self.out / name, palette()[labels])

    def _screenshot(self, name: str) -> None:
        self.app.processEvents()
        path = self.out / name
        if not self.window.grab().save(str(path)):
            raise WriteError(f"{path} cannot be written.", "Choose another folder with --out.")


def tilted_in_a_photo(portrait: Pixels) -> Pixels:
    """Return a plain photo of 1600 x 1200 pixels in which a portrait lies, turned by `TILT` degrees."""
    height, width, side = 1200, 1600, 760
    shade = np.linspace(150, 215, height, dtype=np.float32)[:, None, None]
    photo = np.broadcast_to(shade + np.array([8, 0, -10], np.float32), (height, width, 3)).astype(np.uint8, order="C")
    turn = cv2.getRotationMatrix2D((portrait.shape[1] / 2, portrait.shape[0] / 2), -TILT, side / portrait.shape[0])
    turn[:, 2] += (width * 0.42 - portrait.shape[1] / 2, height * 0.55 - portrait.shape[0] / 2)
    cv2.warpAffine(portrait, turn, (width, height), photo, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    return photo


def longer_hair(labels: LabelMap) -> ScriptedStroke:
    """Return a stroke that makes hair longer at its left side, wherever that ends."""
    scale = labels.shape[0] / 512
    rows, columns = np.nonzero(labels == BY_NAME["hair"].id)
    x = float(columns.min(initial=labels.shape[1]) + 46 * scale)
    y = float(rows[np.abs(columns - x) < 1].max(initial=0))
    points = ((x, y - 30 * scale), (x - 6 * scale, y + 40 * scale), (x + 6 * scale, y + 90 * scale))
    return ScriptedStroke("longer hair", "hair", round(70 * scale), points)


def _dense(points: tuple[tuple[float, float], ...], step: float = 6.0) -> list[tuple[float, float]]:
    """Fill in points about every ``step`` pixels, as a mouse would report them."""
    path = [points[0]]
    for start, end in pairwise(points):
        count = max(1, int(np.hypot(end[0] - start[0], end[1] - start[1]) / step))
        path += [
            (start[0] + (end[0] - start[0]) * i / count, start[1] + (end[1] - start[1]) * i / count)
            for i in range(1, count + 1)
        ]
    return path
