"""Edits that a hand might make, projects of them, and programs that end, for the tests of projects and of recovery."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from app.document import Edit, MaskDocument
from app.journal import Change, Journal, Seen
from app.project import Project
from app.recoverable import Recoverable, recoverable
from engine.mask.fills import SHAPES, Area, Fill
from engine.mask.liquify import Liquify
from engine.mask.steps import Mirror, Protection, Step
from engine.mask.strokes import Stroke
from engine.mask.transform import Transform
from engine.mask.written import Written
from engine.types import Portrait
from tests.fakes import make_portrait


def random_step(rng: np.random.Generator, size: int) -> Step:
    """Return a stroke, or now and then a step of another kind."""
    label = None if rng.random() < 0.1 else int(rng.integers(0, 19))
    mirror = Mirror(size / 2, size / 2, float(rng.normal(0, 0.1))) if rng.random() < 0.2 else None
    count = int(rng.integers(1, 12))
    way = np.cumsum(rng.normal(0, 3, (count, 2)), axis=0) + rng.uniform(-5, size + 5, 2)
    points = np.c_[way, rng.uniform(0, size / 8, count)].astype(np.float32)
    x, y = rng.uniform(0, size, 2).tolist()
    choice = int(rng.integers(0, 20))
    if choice == 0:
        labels = rng.integers(0, 19, rng.integers(1, size // 2, 2)).astype(np.uint8)
        return Written("Load mask", int(x), int(y), labels)
    if choice == 1:
        return Area(label, rng.uniform(0, size, (4, 2)).astype(np.float32), str(rng.choice(SHAPES)), mirror=mirror)
    if choice == 2:
        return Liquify(points, float(rng.uniform(0, 1)), mirror)
    if choice == 3:
        return Transform(1, size / 2, size / 2, rng.normal(np.eye(2, 3), 0.1).astype(np.float32))
    if choice == 4:
        return Fill(label or 0, x, y, bool(rng.integers(0, 2)), mirror)
    return Stroke(label, points, mirror, snap=choice == 5)


def random_protection(rng: np.random.Generator) -> Protection:
    """Return none most of the time, else some locked classes or only some that may be covered."""
    classes = tuple(rng.integers(0, 19, 5).tolist())
    choice = rng.random()
    return Protection(classes) if choice < 0.15 else Protection((), classes) if choice < 0.3 else Protection()


def perform(document: MaskDocument, rng: np.random.Generator) -> Edit:
    """Do something to a mask that changes it."""
    while True:
        document.protection = random_protection(rng)
        edit = document.perform(random_step(rng, document.labels.shape[0]))
        if edit is not None:
            return edit


def painted(
    portrait: Portrait | None = None, edits: int = 6, undone: int = 2, dropped: int = 0, seed: int = 0, **others: Any
) -> Project:
    """Return a project of random edits, the last ones undone; the first ``dropped`` can no longer be undone."""
    rng = np.random.default_rng(seed)
    portrait = portrait or make_portrait(64, "ada")
    document = MaskDocument(portrait.labels, portrait.view)
    made = [perform(document, rng) for _ in range(edits)]
    for edit in made[::-1][:undone]:
        document.apply(edit, undo=True)
    entries = tuple(edit.entry for edit in made[:dropped])
    return Project(portrait, document.labels, tuple(made[dropped:]), edits - undone - dropped, entries, **others)


def same_edits(first: Project, second: Project) -> bool:
    """Whether two projects have the same masks and histories."""

    def values(project: Project) -> Any:
        edits = [(edit.entry.data(), edit.region, edit.packed) for edit in project.edits]
        return edits, project.index, [entry.data() for entry in project.dropped]

    return (
        np.array_equal(first.labels, second.labels)
        and np.array_equal(first.portrait.labels, second.portrait.labels)
        and values(first) == values(second)
    )


def rewritten(path: Path, **members: bytes | Callable[[bytes], bytes] | None) -> None:
    """Write a project's zip anew with some members changed, named with ``__`` for dots and ``_`` for slashes."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    for key, change in members.items():
        name = next((each for each in content if each.replace("/", "_").replace(".", "__") == key), key)
        if change is None:
            del content[name]
        else:
            content[name] = change if isinstance(change, bytes) else change(content[name])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def end(journal: Journal) -> None:
    """Let go of everything, as the system does with a program that has ended."""
    if journal._file is not None:
        journal._file.close()
    journal._lock.release()


class Hand:
    """Edits a portrait and keeps its history as the editor does, without Qt, a change at a time.

    Attributes
    ----------
    states
        What there was after each change.
    """

    def __init__(self, seed: int = 0, portrait: Portrait | None = None, budget: int = 8) -> None:
        self.rng = np.random.default_rng(seed)
        self.portrait = portrait or make_portrait(64, "ada")
        self.document = MaskDocument(self.portrait.labels, self.portrait.view)
        self.project = Project(self.portrait, self.portrait.labels)
        self.journal = Journal("ada")
        self.budget = budget
        self.states = [self.project]
        self.snapshot()

    @property
    def seen(self) -> Seen:
        return Seen(self.project.edits, self.project.index, len(self.project.dropped))

    def snapshot(self) -> None:
        self.journal.write_snapshot(self.journal.turn_over(self.seen.count), self.project)

    def edit(self) -> None:
        edits = (*self.project.edits[: self.project.index], perform(self.document, self.rng))
        drop = max(len(edits) - self.budget, 0)
        dropped = self.project.dropped + tuple(edit.entry for edit in edits[:drop])
        self._changed(edits[drop:], len(edits) - drop, dropped)

    def move(self, index: int) -> None:
        edits = self.project.edits
        for edit in edits[index : self.project.index][::-1]:
            self.document.apply(edit, undo=True)
        for edit in edits[self.project.index : index]:
            self.document.apply(edit)
        self._changed(edits, index, self.project.dropped)

    def act(self, count: int = 1) -> None:
        for _ in range(count):
            index = max(len(self.project.edits) - int(self.rng.integers(0, 4)), 0)
            if self.rng.random() < 0.4 and index != self.project.index:
                self.move(index)
            else:
                self.edit()

    def end(self) -> None:
        end(self.journal)

    def _changed(self, edits: tuple, index: int, dropped: tuple) -> None:
        before = self.seen
        self.project = Project(self.portrait, self.document.labels, edits, index, dropped)
        change = Change.between(before, self.seen)
        assert change is not None and len(change.add) <= 1
        self.states.append(self.project)
        self.journal.record(change, self.seen.count)


def the_one() -> Recoverable:
    (session,) = recoverable()
    return session


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())
