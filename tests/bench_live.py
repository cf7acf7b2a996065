"""What a hand waits for in the real window: a part of `tests.bench`, or ``python -m tests.bench_live``.

The window runs offscreen with the default model, where the editor runs it. Mouse events come every 4 ms, and each is
timed until the first repaint that shows its state, be it a draft or not; the release of a stroke until the exact
picture is shown. The hand goes on while renders run, as hands do: a move may have to wait for the render before it. The
press of a stroke finds everything at rest. Sizes are in pixels of the mask, whose side is 512.
"""

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable
from itertools import cycle

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, Qt, QTimer

from app.settings import Settings
from app.start import application, open_window
from engine.types import RenderResult
from resources.labels import BY_NAME
from tests.bench_processes import torch_in, tree
from tests.bench_strokes import SIZES, mirrored
from tests.bench_studio import Hand
from tests.bench_table import Report, summary
from tests.measure_stutter import EVENT_MS, Heartbeat, Painter

STROKES = 28
POINTS = 40
"""Events of a stroke."""
REST_MS = 300
"""Between two strokes: longer than the editor waits for a hand to go on."""
LIMIT_MS = 60_000
LABELS = ("hair", "skin", "background")
"""The classes painted in turn, so that every stroke changes something."""
PAINTED = 6
"""Strokes of 150 events that are painted without a pause while the event loop's delay is taken."""

_Kind = QEvent.Type


class Watch:
    """Sees when what was asked for is shown.

    Parameters
    ----------
    hand
        Whose window is watched.

    Attributes
    ----------
    samples
        Seconds, by what was timed.
    drafts
        How many first pictures of a state were drafts, by the size of the stroke, and how many there were.
    """

    def __init__(self, hand: Hand) -> None:
        self._hand, self._editor = hand, hand.window.editor
        self.samples: dict[str, list[float]] = defaultdict(list)
        self.drafts: dict[str, list[bool]] = defaultdict(list)
        self._asked: list[tuple[int, float, str]] = []
        self._last: tuple[int, float, str] | None = None
        self._loop = QEventLoop()
        self._editor.rendered.connect(self._shown)

    def stroke(self, path: np.ndarray, size: int) -> None:
        """Draw through points (N, 2), and let the window work until the exact picture is shown."""
        places, timer = list(path.tolist()), QTimer(interval=EVENT_MS, timerType=Qt.TimerType.PreciseTimer)
        count = len(places)

        def send() -> None:
            x, y = places.pop(0)
            name = f"preview_{size}px"
            if not places:
                timer.stop()
                self._final(lambda: self._hand.send(_Kind.MouseButtonRelease, x, y), f"final_{size}px")
            elif len(places) == count - 1:
                self._first(lambda: self._hand.send(_Kind.MouseButtonPress, x, y), f"press_to_{name}")
            else:
                rendering = self._editor.pending
                taken = self._first(lambda: self._hand.send(_Kind.MouseMove, x, y), name)
                if rendering:
                    self.samples["paint_event_while_rendering"].append(taken)

        timer.timeout.connect(send)
        timer.start()
        self._until_shown()

    def replace(self, labels: np.ndarray) -> None:
        """Replace the whole mask, and let the window work until the exact picture is shown."""
        started = time.perf_counter()
        self._first(lambda: self._editor.replace_mask(labels, "Load mask"), "preview_whole_mask")
        self._last = self._revision, started, "final_whole_mask"
        self._until_shown()

    def forget(self) -> None:
        """Forget what has been seen."""
        self.samples.clear()
        self.drafts.clear()

    def rest(self) -> None:
        """Let the window work for a while in which the hand does nothing."""
        loop = QEventLoop()
        QTimer.singleShot(REST_MS, loop.quit)
        loop.exec()

    @property
    def _revision(self) -> int:
        return self._editor._rendering._revision

    def _first(self, send: Callable[[], object], name: str) -> float:
        """Do something that may ask for a render, and wait for its first picture; returns how long the doing took."""
        before, started = self._revision, time.perf_counter()
        send()
        if self._revision != before:
            self._asked.append((self._revision, started, name))
        return time.perf_counter() - started

    def _final(self, send: Callable[[], object], name: str) -> None:
        started = time.perf_counter()
        send()
        self._last = self._revision, started, name

    def _until_shown(self) -> None:
        limit = QTimer(singleShot=True, interval=LIMIT_MS)
        limit.timeout.connect(self._loop.quit)
        limit.start()
        self._loop.exec()
        limit.stop()
        if self._last is not None:
            raise TimeoutError("the exact picture does not come")

    def _shown(self, result: RenderResult) -> None:
        # What it dirtied is repainted now, as it would be at the next frame.
        self._hand.app.sendPostedEvents(self._hand.window, _Kind.UpdateRequest.value)
        now, revision = time.perf_counter(), result.request.revision
        waiting = []
        for asked in self._asked:
            if asked[0] > revision:
                waiting.append(asked)
                continue
            self.samples[asked[2]].append(now - asked[1])
            self.drafts[asked[2]].append(result.draft)
        self._asked = waiting
        if self._last is not None and not result.draft and revision >= self._last[0]:
            self.samples[self._last[2]].append(now - self._last[1])
            self._last = None
            self._loop.quit()


def bench_live(strokes: int = STROKES) -> Report:
    """Time strokes of all sizes, whole masks, and how late the event loop is meanwhile."""
    app = application()
    window = open_window(settings=Settings())
    editor, hand, heart = window.editor, Hand(window), Heartbeat()

    def opened() -> bool:
        return editor.info is not None and editor.portrait is not None and not editor.pending

    opening = heart.during(lambda: None, opened)
    info, watch, rng = editor.info, Watch(hand), np.random.default_rng(0)
    assert info is not None and editor.document is not None
    labels = cycle(LABELS)
    each = max(2, strokes // len(SIZES))
    for number in range(1 + each):
        for size in SIZES:
            window.studio.set_label(BY_NAME[next(labels)].id)
            window.studio.change(brush_size=size)
            watch.rest()
            start, steps = rng.uniform(150, 350, 2), rng.normal(0, 8, (POINTS, 2))
            watch.stroke(np.clip(start + np.cumsum(steps, 0), 20, 490), size)
            editor.undo()
        if not number:  # the first of each size warms up
            watch.forget()
    for _ in range(each):
        watch.rest()
        watch.replace(mirrored(editor.document.labels))
    window.studio.set_label(BY_NAME["hair"].id)
    window.studio.change(brush_size=32)
    painter = Painter(hand, PAINTED)
    painting = heart.during(painter.start, lambda: painter.over)
    generator = editor._rendering.session.generator
    report: Report = {
        "backend": f"{info.backend} on {info.device}, {info.precision}, drafts {info.drafts or 'none'}",
        "engine": "a process of its own" if getattr(generator, "pid", None) else "a thread of the window's process",
        **{name: summary(values) for name, values in sorted(watch.samples.items())},
        "drafts_among_first_pictures": {name: round(float(np.mean(them)), 2) for name, them in watch.drafts.items()},
        "event_loop": painting,
        "event_loop_while_opening": opening,
        "torch_imported": any(torch_in(pid) for pid in tree()),
    }
    editor.forget_unsaved()
    window.close()
    app.processEvents()
    return report


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_live")
    parser.add_argument("--strokes", type=int, default=STROKES, help=f"strokes of all sizes together ({STROKES})")
    print(json.dumps(bench_live(parser.parse_args().strokes), indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
