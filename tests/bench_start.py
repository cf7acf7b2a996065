"""How long the editor takes to start, and how much memory it takes: parts of `tests.bench`.

``python -m tests.bench_start start`` starts it again and again, the default model's graphs made already, and once with
nothing prepared: the first start ever. ``python -m tests.bench_start memory`` watches all its processes while the
sample is opened, painted on and exported. Both need Linux for what they ask of the system.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.bench_processes import peak_mb, proportional_mb, torch_in, tree
from tests.bench_table import Report, summary

if TYPE_CHECKING:
    from app.window import MainWindow
    from engine.types import RenderResult

STARTS = 5
STROKES = 20
SAMPLE_S = 0.05
"""Between two looks at the memory, which take the system some milliseconds each."""
LIMIT_S = 300.0

WINDOW, MODEL, FIRST, TORCH = "window", "model_ready", "first_render", "torch_imported"


def child_start() -> int:
    """Run the editor as ``python -m app`` does, and tell of what it shows; to be called in a process of its own."""
    import app.start

    opened = app.start.open_window

    def watched(*arguments: Any, **named: Any) -> "MainWindow":
        window = opened(*arguments, **named)
        _watch(window)
        return window

    app.start.open_window = watched
    from app.cli import main as run

    return run([])


def _watch(window: "MainWindow") -> None:
    """Tell when the window is shown; then paint as soon as that is possible, tell of that, and close the window."""
    from PySide6.QtCore import QCoreApplication, QEvent, QTimer

    QCoreApplication.processEvents()
    _tell(WINDOW)
    editor, painted = window.editor, []

    def paint() -> None:
        from engine.mask.strokes import Stroke
        from resources.labels import BY_NAME

        assert editor.document is not None
        editor.perform(Stroke(BY_NAME["hair"].id, np.array([[260.0, 200.0, 24.0]])))
        painted.append(editor.document.labels.copy())

    def shown(result: "RenderResult") -> None:
        QCoreApplication.sendPostedEvents(window, QEvent.Type.UpdateRequest.value)
        if not painted:
            # This is the portrait itself, and the model is there.
            _tell(MODEL)
            paint()
        elif not result.draft and np.array_equal(result.request.labels, painted[0]):
            _tell(FIRST)
            if any(torch_in(pid) for pid in tree()):
                _tell(TORCH)
            editor.forget_unsaved()
            QTimer.singleShot(0, window.close)

    editor.rendered.connect(shown)


def child_memory(strokes: int) -> None:
    """Open the sample, paint and export, telling of each; wait for a word, and end."""
    from app.settings import Settings
    from app.start import application, open_window
    from resources.labels import BY_NAME
    from tests.bench_studio import Hand

    app = application()
    window = open_window(settings=Settings())
    hand, rng = Hand(window), np.random.default_rng(0)
    hand.wait_for_portrait()
    while window.editor.info is None or window.editor.pending:
        app.processEvents()
        time.sleep(0.001)
    _tell("opened")
    for number in range(strokes):
        window.studio.set_label(BY_NAME[("hair", "skin")[number % 2]].id)
        window.studio.change(brush_size=(24, 48, 96, 192)[number % 4])
        hand.drag(np.clip(rng.uniform(150, 350, 2) + np.cumsum(rng.normal(0, 8, (40, 2)), 0), 20, 490))
        hand.wait()
    _tell("painted")
    with tempfile.TemporaryDirectory() as folder:
        window.editor.export_picture(Path(folder) / "picture.png")
        hand.wait()
        _tell("exported")
        sys.stdin.readline()
    window.editor.forget_unsaved()
    window.close()
    app.processEvents()


def _tell(word: str) -> None:
    print(word, flush=True)


def _child(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench_start", "--child", *arguments]
    environment = os.environ | environment
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def start_once(cache: str | None = None) -> dict[str, float]:
    """Start the editor in a process of its own; returns the seconds until each thing was shown.

    ``cache`` is the folder for what is made at the first start, if not the usual one.
    """
    seen: dict[str, float] = {}
    # Settings and recovered projects of whoever runs this are neither read nor written.
    with tempfile.TemporaryDirectory() as home:
        homes = {"XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home}
        begun = time.perf_counter()
        with _child("start", **homes, **({"MASKBRUSH_CACHE_DIR": cache} if cache else {})) as process:
            assert process.stdout is not None
            late = threading.Timer(LIMIT_S, process.kill)
            late.start()
            for line in process.stdout:
                seen[line.strip()] = time.perf_counter() - begun
            late.cancel()
    if process.returncode or FIRST not in seen:
        raise SystemExit(f"the editor ended with {process.returncode} after {seen}")
    return seen


def bench_start(starts: int = STARTS) -> Report:
    """Time the start: until the window is shown, the model is ready, and an edit made at once is rendered exactly."""
    start_once()  # makes what only the first start makes, and warms the disk's cache
    runs = [start_once() for _ in range(starts)]
    with tempfile.TemporaryDirectory() as cache:
        ever = start_once(cache)
    return {
        **{name: summary([run[name] for run in runs]) for name in (WINDOW, MODEL, FIRST)},
        TORCH: any(TORCH in run for run in runs),
        "first_start_ever_s": {name: round(ever[name], 2) for name in (WINDOW, MODEL, FIRST)},
    }


def bench_memory(strokes: int = STROKES) -> Report:
    """Take the largest memory of all the editor's processes together, by what it is doing."""
    peaks: dict[str, float] = {}
    phases = ("opening", "painting", "exporting")
    with _child("memory", "--strokes", str(strokes)) as process:
        assert process.stdout is not None and process.stdin is not None
        words: list[str] = []
        reader = threading.Thread(target=lambda out=process.stdout: words.extend(map(str.strip, out)), daemon=True)
        reader.start()
        most, processes, begun = 0.0, 1, time.perf_counter()
        while process.poll() is None and (done := len(words)) < len(phases):
            phase, pids = phases[done], tree(process.pid)
            peaks[phase] = max(peaks.get(phase, 0.0), proportional_mb(pids))
            processes = max(processes, len(pids))
            time.sleep(SAMPLE_S)
            if time.perf_counter() - begun > LIMIT_S:
                process.kill()
        if process.poll() is None:
            most = peak_mb(tree(process.pid))
            process.stdin.write("\n")
            process.stdin.flush()
            process.wait()
            reader.join()
    if process.returncode or len(words) < len(phases):
        raise SystemExit(f"the editor ended with {process.returncode} after {words}")
    return {
        "peak_mb": round(max(peaks.values())),
        **{f"peak_mb_while_{phase}": round(value) for phase, value in peaks.items()},
        "sum_of_each_process_peak_mb": round(most),
        "processes": processes,
    }


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_start")
    parser.add_argument("what", choices=("start", "memory"))
    parser.add_argument("--strokes", type=int, default=STROKES, help=f"that are painted ({STROKES})")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.child:
        print(json.dumps(bench_start() if args.what == "start" else bench_memory(args.strokes), indent=2))
    elif args.what == "start":
        return child_start()
    else:
        child_memory(args.strokes)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
