"""Pictures of every tool in use, in both themes: ``python -m tests.contact_sheet --out out/studio``.

Each is a screenshot of the real window, offscreen, in the middle of a drag, and one sheet holds them all.
"""

import argparse
import os
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QWidget

from app.display import Display
from app.settings import Settings
from app.window import MainWindow
from engine.mask.face_actions import FaceAction
from engine.mask.fills import Reverted
from engine.mask.strokes import Stroke
from resources.labels import BY_NAME
from tests.bench_studio import Hand

WIDTH, COLUMNS, GAP = 460, 3, 10
SIZE = (1280, 760)

Points = list[tuple[float, float]]


def ring(x: float, y: float, rx: float, ry: float, count: int = 24, share: float = 0.9) -> Points:
    """Return points along the first part of an ellipse."""
    turns = np.linspace(-0.5, -0.5 + share, count) * 2 * np.pi
    return [(x + rx * float(np.cos(turn)), y + ry * float(np.sin(turn))) for turn in turns]


def line(*corners: tuple[float, float], step: float = 8.0) -> Points:
    """Return points along a line through corners, as a mouse would report them."""
    points = [corners[0]]
    for (ax, ay), (bx, by) in pairwise(corners):
        count = max(1, int(np.hypot(bx - ax, by - ay) / step))
        points += [(ax + (bx - ax) * i / count, ay + (by - ay) * i / count) for i in range(1, count + 1)]
    return points


class Photographer:
    """Takes the screenshots of one theme."""

    def __init__(self, theme: str, out: Path) -> None:
        from app.start import application, open_window

        self.app = application(theme)
        self.theme, self.out = theme, out
        self.window: MainWindow = open_window(settings=Settings(theme=theme))
        self.window.resize(*SIZE)
        self.hand = Hand(self.window)
        self.hand.wait_for_portrait()
        self.pictures: list[tuple[str, Path]] = []

    def shoot(self, title: str, widget: QWidget | None = None) -> None:
        """Keep what the window, or another widget, shows now."""
        self.hand.wait()
        self.app.processEvents()
        path = self.out / f"{self.theme}_{len(self.pictures):02d}_{title.lower().replace(' ', '_')}.png"
        if not (widget or self.window).grab().save(str(path)):
            raise SystemExit(f"{path} cannot be written.")
        self.pictures.append((title, path))

    def drag(self, tool: str, title: str, points: Points, label: str = "hair", **options: object) -> None:
        """Use a tool and take a picture before the button goes up; the mask is as before afterwards."""
        window = self.window
        window.workspace.box.choose(tool)
        window.studio.set_label(BY_NAME[label].id)
        window.studio.change(**options)
        self.hand.send(QEvent.Type.MouseButtonPress, *points[0])
        for point in points[1:]:
            self.hand.send(QEvent.Type.MouseMove, *point)
        self.shoot(title)
        self.hand.send(QEvent.Type.MouseButtonRelease, *points[-1])
        self.restore()

    def restore(self) -> None:
        """Take back all that was done."""
        self.window.workspace.box.escape()
        self.window.editor.jump(0)
        self.hand.wait()

    def close(self) -> None:
        """End the window."""
        self.window.editor.forget_unsaved()
        self.window.close()
        self.app.processEvents()


def tools(shots: Photographer) -> None:
    """Every tool in use, with mask and result as large as they can be."""
    window = shots.window
    window.workspace.show_panel(-1)
    window.page.set_layout(2)
    shots.drag("brush", "Brush", line((92, 262), (90, 320), (118, 392)), brush_size=70)
    shots.drag("brush", "Symmetric", line((150, 214), (186, 200), (226, 214)), "r_brow", brush_size=16, symmetric=True)
    window.studio.change(symmetric=False)
    shots.drag("brush", "Keep to edges", line((92, 200), (84, 300), (96, 380)), brush_size=90, snap=True)
    window.studio.change(snap=False)
    window.editor.perform(Stroke(BY_NAME["hat"].id, np.array([[140, 120, 40], [256, 84, 56], [380, 120, 40]])))
    window.workspace.box.choose("restore")
    shots.drag("restore", "Restore brush", line((180, 120), (256, 90), (300, 96)), restore_size=60)
    shots.drag("fill", "Fill", [(256, 470)], "cloth")
    shots.drag("rectangle", "Rectangle", line((150, 60), (360, 150)), "hat")
    shots.drag("ellipse", "Ellipse", line((140, 205), (240, 290)), "eye_g")
    shots.drag("lasso", "Lasso", ring(256, 120, 150, 80), "hat")
    window.workspace.box.choose("polygon")
    window.studio.set_label(BY_NAME["hat"].id)
    for point in ((150, 150), (180, 60), (330, 60)):
        shots.hand.send(QEvent.Type.MouseButtonPress, *point)
        shots.hand.send(QEvent.Type.MouseButtonRelease, *point)
    hover(shots, 360, 150)
    shots.shoot("Polygon")
    shots.restore()
    shots.drag("transform", "Transform", line((256, 300), (262, 322)), "nose")
    shots.drag("transform", "Warp", line((256, 300), (256, 316)), "nose", warp=True)
    window.studio.change(warp=False)
    shots.drag("liquify", "Liquify", line((130, 340), (160, 330)), liquify_size=120)
    window.workspace.box.choose("eyedropper")
    hover(shots, 256, 300)
    shots.shoot("Eyedropper")


def hover(shots: Photographer, x: float, y: float) -> None:
    """Move the cursor with no button down."""
    from PySide6.QtCore import QPointF
    from PySide6.QtGui import QMouseEvent

    canvas, none = shots.window.canvas, Qt.MouseButton.NoButton
    place = shots.window.view.transform(canvas.size().toSizeF()).map(QPointF(x, y))
    modifiers = Qt.KeyboardModifier.NoModifier
    event = QMouseEvent(QEvent.Type.MouseMove, place, canvas.mapToGlobal(place), none, none, modifiers)
    shots.app.sendEvent(canvas, event)


def panels(shots: Photographer) -> None:
    """What is beside the pictures, and the ways to see."""
    window, editor, actions = shots.window, shots.window.editor, shots.window.actions_.studio
    window.workspace.box.choose("brush")
    window.page.set_layout(3)
    window.workspace.show_panel(0)
    for name, strength in (("smile", 0.8), ("glasses_round", 1.0)):
        editor.perform(FaceAction(name, strength))
    shots.shoot("Face panel")
    window.workspace.show_panel(2)
    editor.perform(Stroke(BY_NAME["hair"].id, np.array([[92, 262, 35], [90, 320, 35], [118, 392, 35]])))
    editor.perform(Reverted(256, 372))
    shots.shoot("History")
    for title, action in (("Before and after", actions.wipe), ("Difference", actions.heat)):
        action.trigger()
        shots.shoot(title)
        action.trigger()
    window.workspace.set_display(Display(outlined=(1,), colour_blind_safe=True))
    window.view.rotate_by(-15)
    window.view.zoom_about(window.view.centre, 1.9)
    shots.shoot("Patterns turned and zoomed")
    window.view.reset_rotation()
    window.fit()
    window.workspace.set_display(Display())
    actions.layouts[0].trigger()
    shots.shoot("One picture")
    actions.layouts[2].trigger()
    actions_ = shots.window.actions_
    actions_.palette.open()
    shots.app.processEvents()
    popup = next((each for each in shots.app.topLevelWidgets() if each.isVisible() and each is not window), None)
    shots.shoot("Command palette", popup)


def sheet(pictures: list[tuple[str, Path]], target: Path) -> None:
    """Put screenshots on one sheet, each under its title."""
    height = round(WIDTH * SIZE[1] / SIZE[0])
    rows = -(-len(pictures) // COLUMNS)
    size = (COLUMNS * (WIDTH + GAP) + GAP, rows * (height + 34 + GAP) + GAP)
    page = Image.new("RGB", size, (246, 246, 247))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(18)
    for place, (title, path) in enumerate(pictures):
        x, y = GAP + place % COLUMNS * (WIDTH + GAP), GAP + place // COLUMNS * (height + 34 + GAP)
        with Image.open(path) as picture:
            picture.thumbnail((WIDTH, height), Image.Resampling.LANCZOS)
            page.paste(picture.convert("RGB"), (x, y + 30))
        draw.text((x, y + 4), title, (40, 40, 44), font)
    page.save(target, quality=72, optimize=True, progressive=True)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.contact_sheet", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("out/studio"), help="folder for the pictures")
    parser.add_argument("--theme", choices=("dark", "light", "both"), default="both")
    args = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    args.out.mkdir(parents=True, exist_ok=True)
    parts: tuple[Callable[[Photographer], None], ...] = (tools, panels)
    for theme in ("dark", "light") if args.theme == "both" else (args.theme,):
        shots = Photographer(theme, args.out)
        for part in parts:
            part(shots)
        shots.close()
        sheet(shots.pictures, args.out / f"sheet_{theme}.jpg")
        print(args.out / f"sheet_{theme}.jpg")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
