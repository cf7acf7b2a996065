"""Measure what a sudden end costs: ``python -m tests.measure_recovery --sessions 50``.

Programs that edit a made-up portrait are killed at random moments, which they cannot notice (SIGKILL). What they were
editing is then recovered and compared with what they had told of, and with its own edits done again from the start.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QCoreApplication, QTimer

from app.document import Edit, MaskDocument
from app.history import History
from app.project import Project, ProjectError, read_project, save_project
from app.project_files import kept
from app.recoverable import discard, recover, recoverable
from app.recovery import Autosave
from app.replay import replay
from app.tasks import Tasks
from engine.mask.strokes import Stroke
from engine.photo import photo_of
from engine.types import Portrait
from tests.fakes import make_portrait
from tests.project_fakes import perform

PAUSE_MS = (1, 20)
"""Between two edits: much less than a hand takes."""
LIFE_S = (0.2, 2.0)
UNDONE, REDONE = 0.15, 0.10
"""How often an edit is undone or redone instead of being followed by another."""
MOST_LOST = 10
LONG_STROKE = 2000
"""Places of the hand in a stroke of half a minute."""


@dataclass(frozen=True)
class Killed:
    """What became of a program that was killed.

    Attributes
    ----------
    made
        How many edits it had told of.
    lost
        How many of them are missing.
    opened
        Whether there was a project to recover.
    replayed
        Whether its edits, done again, make its mask.
    notes
        What a person would have been told.
    """

    made: int
    lost: int
    opened: bool
    replayed: bool
    notes: tuple[str, ...] = ()


class Session:
    """A portrait that is edited without a window."""

    def __init__(self, size: int = 512, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        made = make_portrait(size, seed=seed)
        photo = kept(photo_of(Image.fromarray(made.pixels), "made up"))
        self.portrait = Portrait(photo.pixels, made.labels, "made up", photo)
        self.document = MaskDocument(self.portrait.labels, self.portrait.view)
        self.history = History(self._apply)
        self.made = 0

    def project(self) -> Project:
        """Return the present state."""
        history = self.history
        return Project(
            self.portrait, self.document.ground.labels, tuple(history.edits), history.index, tuple(history.dropped)
        )

    def act(self) -> None:
        """Do, undo or redo an edit."""
        choice = self.rng.random()
        if choice < UNDONE and self.history.can_undo:
            self.history.undo()
        elif choice < UNDONE + REDONE and self.history.can_redo:
            self.history.redo()
        else:
            self.history.add(perform(self.document, self.rng))
            self.made += 1

    def _apply(self, edits: Sequence[Edit], undo: bool) -> None:
        for edit in edits:
            self.document.apply(edit, undo)


def fingerprint(project: Project) -> str:
    """Return a text that tells states of one portrait apart."""
    place = f"{len(project.dropped)},{project.index},{len(project.edits)}"
    return f"{zlib.crc32(project.labels.tobytes()):08x}:{place}"


def live(seed: int) -> None:
    """Edit until the end, telling of each change before it is made and once it is."""
    app = QCoreApplication([])
    session, tasks = Session(seed=seed), Tasks()
    autosave = Autosave(tasks, session.history, session.project)
    autosave.portrait_opened()

    def tell(words: str) -> None:
        os.write(1, f"{words}\n".encode())

    def go_on() -> None:
        tell("trying")
        session.act()
        tell(f"{session.made} {fingerprint(session.project())}")
        QTimer.singleShot(int(session.rng.integers(*PAUSE_MS, endpoint=True)), go_on)

    tell(f"0 {fingerprint(session.project())}")
    QTimer.singleShot(0, go_on)
    app.exec()


def kill_one(seed: int, life: tuple[float, float] = LIFE_S) -> Killed:
    """Start a program, kill it, and recover what it was editing; in the data folder of the environment."""
    command = [sys.executable, "-m", "tests.measure_recovery", "--live", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[1]) as process:
        assert process.stdout is not None
        told = [process.stdout.readline()]
        time.sleep(float(np.random.default_rng([seed, 1]).uniform(*life)))
        process.kill()
        told += process.stdout.readlines()
    # A line without an end was being written when it was killed.
    lines = [line.decode().split() for line in told if line.endswith(b"\n")]
    states = [(int(words[0]), words[1]) for words in lines if len(words) == 2]
    made = states[-1][0]
    found = recoverable()
    if len(found) != 1:
        return Killed(made, made, made == 0, made == 0)
    try:
        project = recover(found[0])
    except ProjectError as error:
        return Killed(made, made, False, False, (error.message,))
    known = {state: count for count, state in states}
    # Between the journal's line and ours it may have been killed as well: then there is one more edit than we know of.
    lost = (
        made - known[fingerprint(project)] if fingerprint(project) in known else 0 if lines[-1] == ["trying"] else made
    )
    discard(found[0])
    return Killed(made, lost, True, np.array_equal(replay(project), project.labels), project.notes)


def measure_appends(count: int = 300) -> dict[str, float]:
    """Return how long the interface waits for an edit to be kept, in milliseconds: a usual stroke, a very long one."""
    app = QCoreApplication([])
    session, tasks = Session(seed=1), Tasks()
    autosave = Autosave(tasks, session.history, session.project)
    autosave.portrait_opened()
    result: dict[str, float] = {}
    for name, places in (("stroke", 60), ("long stroke", LONG_STROKE)):
        spent = []
        for number in range(count):
            way = np.cumsum(session.rng.normal(0, 4, (places, 2)), axis=0) % 512
            points = np.c_[way, np.full(places, 9.0)].astype(np.float32)
            edit = session.document.perform(Stroke(1 + number % 18, points))
            if edit is not None:
                started = time.perf_counter()
                session.history.add(edit)
                spent.append(1000 * (time.perf_counter() - started))
        result[f"{name}, median"], result[f"{name}, 99 %"] = np.round(np.percentile(spent, (50, 99)), 3).tolist()
    autosave.close()
    tasks.stop()
    app.processEvents()
    return result


def measure_files(edits: int = 2000) -> dict[str, float]:
    """Return the size of a project with many strokes, and how long it takes to be saved and read, in seconds."""
    session = Session(seed=2)
    while session.made < edits:
        session.history.add(perform(session.document, session.rng))
        session.made += 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.maskbrush"
        times = [time.perf_counter()]
        save_project(path, session.project())
        times.append(time.perf_counter())
        project = read_project(path)
        times.append(time.perf_counter())
        assert np.array_equal(replay(project), project.labels)
        times.append(time.perf_counter())
        spent = dict(zip(("save_s", "read_s", "replay_s"), np.round(np.diff(times), 3).tolist(), strict=True))
        return {"edits": edits, "megabytes": round(path.stat().st_size / 1e6, 2), **spent}


def main() -> None:
    """Measure and print a summary as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--live", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.live is not None:
        live(args.live)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MASKBRUSH_DATA_DIR"] = folder
        killed = [kill_one(seed) for seed in range(args.sessions)]
        appends, files = measure_appends(), measure_files()
    lost = [each.lost for each in killed]
    summary = {
        "sessions": len(killed),
        "edits": sum(each.made for each in killed),
        "all opened": all(each.opened for each in killed),
        "all equal to their replay": all(each.replayed for each in killed),
        "most lost": max(lost),
        "mean lost": float(np.mean(lost)),
        "notes": sorted({note for each in killed for note in each.notes}),
        "milliseconds for the interface": appends,
        "large project": files,
    }
    json.dump(summary, sys.stdout, indent=2)
    sys.stdout.write("\n")
    if max(lost) > MOST_LOST or not all(each.opened and each.replayed for each in killed):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
