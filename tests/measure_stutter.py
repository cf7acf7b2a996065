"""How late the interface is while the model works, as JSON: ``python -m tests.measure_stutter [--process | --thread]``.

The real window opens the sample portrait, offscreen, and a timer of 1 ms ticks in its event loop. By how much a tick is
late, an event of the hand's would have been late. Measured are the load of the model, painting without a pause while
renders run, the export of a picture, and in a program of its own the first load, which has to make the model's
graphs; each with the generator on the engine's thread, in the window's own process, and in a process of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, Qt, QTimer

import app.rendering
from app.settings import Settings
from app.start import application, open_window
from engine.generate import load_generator
from engine.remote import RemoteGenerator
from resources.labels import BY_NAME
from tests.bench_studio import Hand

VARIANTS = ("thread", "process")
EVENT_MS = 4
"""A mouse reports 125 to 250 times a second."""
FRAME_MS = 1000 / 60
LIMIT_S = 300.0
"""A phase that takes longer is given up."""


class Heartbeat:
    """Ticks in the event loop, and takes note of how late it is."""

    def __init__(self) -> None:
        self._ticks: list[float] = []
        self._timer = QTimer(interval=1, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(lambda: self._ticks.append(time.perf_counter()))

    def during(self, begin: Callable[[], object], over: Callable[[], bool]) -> dict[str, float]:
        """Let the window work until ``over``.

        Parameters
        ----------
        begin
            Called in the event loop.
        over
            Asked now and then whether the phase is over.

        Returns
        -------
        dict
            The phase's seconds; p50, p95, p99 and maximum of the ticks' delay in milliseconds; and how many seconds
            the window stood still for longer than a frame of a sixtieth, together.

        Raises
        ------
        TimeoutError
            If it takes longer than `LIMIT_S`.
        """
        loop, look = QEventLoop(), QTimer(interval=5)
        started = time.perf_counter()

        def ask() -> None:
            if over() or time.perf_counter() - started > LIMIT_S:
                loop.quit()

        look.timeout.connect(ask)
        self._ticks = [started]
        self._timer.start()
        QTimer.singleShot(0, begin)
        look.start()
        loop.exec()
        self._timer.stop()
        seconds = time.perf_counter() - started
        if seconds > LIMIT_S:
            raise TimeoutError("the window does not come to rest")
        late = np.maximum(np.diff(self._ticks) * 1000 - 1, 0)
        p50, p95, p99 = np.percentile(late, (50, 95, 99))
        return {
            "seconds": round(seconds, 2),
            "p50_ms": round(float(p50), 2),
            "p95_ms": round(float(p95), 2),
            "p99_ms": round(float(p99), 2),
            "max_ms": round(float(late.max()), 1),
            "frozen_s": round(float(late[late > FRAME_MS].sum()) / 1000, 2),
        }


class Painter:
    """Paints strokes one after the other in the event loop, as a hand does that never rests."""

    def __init__(self, hand: Hand, strokes: int) -> None:
        rng = np.random.default_rng(0)
        self._hand = hand
        starts = rng.uniform(150, 350, (strokes, 1, 2))
        self._paths = list(np.clip(starts + np.cumsum(rng.normal(0, 5, (strokes, 150, 2)), 1), 20, 490))
        self._path = np.empty((0, 2))
        self._timer = QTimer(interval=EVENT_MS, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._move)

    def start(self) -> None:
        self._timer.start()

    @property
    def over(self) -> bool:
        return not self._paths and not len(self._path) and not self._hand.window.editor.pending

    def _move(self) -> None:
        if len(self._path):
            kind = QEvent.Type.MouseMove if len(self._path) > 1 else QEvent.Type.MouseButtonRelease
            self._hand.send(kind, *self._path[0])
            self._path = self._path[1:]
        elif self._paths:
            self._path = self._paths.pop(0)
            self._hand.send(QEvent.Type.MouseButtonPress, *self._path[0])
        else:
            self._timer.stop()


def measure(variant: str, first: bool, strokes: int) -> dict:
    """Measure one variant in this program: the first load of all, or else everything after it."""
    if variant == "thread":
        app.rendering.load_remotely = load_generator
    qt = application()
    # Not shown yet: what is opened and loaded at once is what is measured.
    window = open_window(settings=Settings())
    heart, hand, editor = Heartbeat(), Hand(window), window.editor
    begun: dict[str, float] = {}

    def loaded() -> bool:
        done = editor.info is not None and editor.portrait is not None and not editor.pending
        if editor.info is not None:
            begun.setdefault("model_after_s", round(time.perf_counter() - started, 2))
        return done

    started = time.perf_counter()
    result: dict = {"first_load" if first else "load": heart.during(lambda: None, loaded) | begun}
    assert editor.info is not None
    generator = editor._rendering.session.generator
    assert isinstance(generator, RemoteGenerator) == (variant == "process")
    if not first:
        shown: list[object] = []
        editor._rendering.rendered.connect(shown.append)
        window.studio.set_label(BY_NAME["hair"].id)
        window.studio.change(brush_size=32)
        painter = Painter(hand, strokes)
        result["painting"] = heart.during(painter.start, lambda: painter.over)
        result["painting"]["renders_shown"] = len(shown)
        with tempfile.TemporaryDirectory() as folder:
            picture = Path(folder) / "picture.png"
            result["export"] = heart.during(lambda: editor.export_picture(picture), lambda: not editor.pending)
            assert picture.exists()
    memory = {"window": resident(os.getpid())}
    if isinstance(generator, RemoteGenerator) and generator.pid is not None:
        memory["model"] = resident(generator.pid)
    result["first_resident_mib" if first else "resident_mib"] = memory
    result["backend"] = f"{editor.info.backend}, {editor.info.device}"
    editor.forget_unsaved()
    window.close()
    qt.processEvents()
    return result


def resident(pid: int) -> int | None:
    """Return a process's memory in MiB; None where the system does not tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return None
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def in_program(variant: str, first: bool, strokes: int) -> dict:
    """Measure in a program of its own: what is imported already would be imported at no cost."""
    command = [sys.executable, "-m", "tests.measure_stutter", f"--{variant}", "--here", "--strokes", str(strokes)]
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | ({"MASKBRUSH_CACHE_DIR": cache} if first else {})
        done = subprocess.run(
            command + ["--first"] * first, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    return json.loads(done.stdout)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.measure_stutter", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    which = parser.add_mutually_exclusive_group()
    for variant in VARIANTS:
        which.add_argument(f"--{variant}", action="store_const", const=variant, dest="variant", help="this one only")
    parser.add_argument("--rounds", type=int, default=1, help="how often, alternately (default 1)")
    parser.add_argument("--strokes", type=int, default=6, help="strokes of 150 events (default 6)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--first", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measure(args.variant, args.first, args.strokes)))
        return 0
    wanted = [args.variant] if args.variant else list(VARIANTS)
    report: dict[str, list[dict]] = {variant: [] for variant in wanted}
    # The graphs are made before anything is measured, and the disk's cache is warm.
    in_program(wanted[0], False, 1)
    for _ in range(args.rounds):
        for variant in wanted:
            once = in_program(variant, True, args.strokes)
            warm = in_program(variant, False, args.strokes)
            report[variant].append(once | warm)
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
