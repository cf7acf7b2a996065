"""Autosaving while a portrait is edited: nothing is lost, whatever the disk does."""

import errno
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from app import journal as journals
from app import recovery
from app.history import History
from app.journal import journal_name, recovery_folder, snapshot_name
from app.project import Project, read_project
from app.recoverable import recover, recoverable
from app.recovery import SNAPSHOT_EDITS, SNAPSHOT_MS, Autosave
from app.tasks import Tasks
from tests.fakes import WAIT_S
from tests.measure_recovery import Session
from tests.project_fakes import Hand, end, files, painted, perform, random_step, same_edits, the_one


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("MASKBRUSH_DATA_DIR", str(tmp_path / "data"))


class Desk(QObject):
    """A portrait that is edited with autosaving, without a window.

    Attributes
    ----------
    told
        The problems that a person would have read.
    """

    def __init__(self, qtbot):
        super().__init__()
        self.qtbot = qtbot
        self.session = Session(64)
        self.tasks = Tasks()
        self.autosave = Autosave(self.tasks, self.session.history, self.session.project)
        self.told = []
        self.autosave.problem.connect(self.told.append)

    @property
    def history(self) -> History:
        return self.session.history

    def open(self, **options):
        self.autosave.portrait_opened(**options)
        self.settle()

    def other_portrait(self, project: Project | None = None):
        """Edit another portrait, as the editor does: the history first, then it tells."""
        fresh = Session(64, seed=1)
        self.session.portrait, self.session.document = fresh.portrait, fresh.document
        if project is not None:
            self.session.portrait = project.portrait
            self.session.document = type(fresh.document)(project.portrait.labels, project.portrait.view, project.labels)
        self.history.restore(*((project.edits, project.index, project.dropped) if project else ([], 0, [])))

    def edit(self, count: int = 1):
        for _ in range(count):
            self.session.act()

    def settle(self):
        self.qtbot.waitUntil(lambda: not self.tasks.pending and not self.autosave._soon.isActive(), timeout=10_000)

    def minute(self):
        self.autosave._timer.timeout.emit()
        self.settle()

    @property
    def folder(self) -> Path:
        assert self.autosave.folder is not None
        return self.autosave.folder

    def snapshots(self) -> list[str]:
        return [name for name in files(self.folder) if name.startswith("snapshot")]

    def end(self):
        """Let go of everything, as the system does with a program that has ended."""
        assert self.autosave._journal is not None
        end(self.autosave._journal)

    def recovered(self) -> Project:
        """Recover what is there, as if the program had ended just now."""
        self.end()
        return recover(the_one())


@pytest.fixture
def desk(qtbot):
    desk = Desk(qtbot)
    yield desk
    desk.autosave.close()
    desk.tasks.stop()
    QApplication.processEvents()


# Autosaving


def test_a_snapshot_is_made_when_a_portrait_is_opened(desk):
    assert desk.autosave.folder is None
    desk.open()
    assert files(desk.folder) == [journal_name(0), "lock", snapshot_name(0)]
    assert np.array_equal(read_project(desk.folder / snapshot_name(0)).labels, desk.session.portrait.labels)


@pytest.mark.parametrize("count", [1, 9, 25])
def test_every_edit_is_recovered_at_once(desk, count):
    desk.open()
    desk.edit(count)
    # No event was handled since: nothing waits for a timer.
    assert same_edits(desk.recovered(), desk.session.project())


def test_snapshots_are_made_after_each_tenth_edit(desk):
    desk.open()
    for number in range(1, 31):
        desk.history.add(perform(desk.session.document, desk.session.rng))
        desk.settle()
        assert desk.snapshots() == [snapshot_name(number // SNAPSHOT_EDITS * SNAPSHOT_EDITS)]
    assert same_edits(desk.recovered(), desk.session.project())


def test_snapshots_are_made_each_minute_if_something_changed(desk):
    assert desk.autosave._timer.interval() == SNAPSHOT_MS == 60_000
    desk.open()
    assert desk.autosave._timer.isActive()
    desk.minute()
    assert desk.snapshots() == [snapshot_name(0)]
    desk.edit()
    before = desk.folder / snapshot_name(0)
    stamp = before.stat().st_mtime_ns
    assert desk.snapshots() == [snapshot_name(0)] and stamp == before.stat().st_mtime_ns
    desk.minute()
    assert desk.snapshots() == [snapshot_name(1)]
    desk.history.undo()
    desk.minute()
    desk.minute()
    assert desk.snapshots() == [snapshot_name(2)]


def test_a_snapshot_is_made_a_little_after_another_look(desk, monkeypatch):
    monkeypatch.setattr(recovery, "LOOK_MS", 20)
    desk.autosave.look_changed()
    desk.open()
    path = desk.folder / snapshot_name(0)
    before = path.stat().st_mtime_ns
    desk.autosave.look_changed()
    desk.autosave.look_changed()
    desk.settle()
    assert path.stat().st_mtime_ns > before
    desk.end()
    assert recoverable() == []


def test_another_look_of_a_project_is_unsaved(desk):
    desk.open(file=Path("/a.maskbrush"))
    desk.autosave.look_changed(unsaved=True)
    desk.end()
    assert the_one().file == Path("/a.maskbrush")


def test_what_happens_while_a_snapshot_is_written_is_in_the_next(desk, monkeypatch):
    written, gate = journals.save_project, threading.Event()

    def slow(*arguments, **options):
        assert gate.wait(WAIT_S)
        written(*arguments, **options)

    monkeypatch.setattr(journals, "save_project", slow)
    desk.autosave.portrait_opened()
    desk.edit(40)
    desk.autosave._check()
    desk.autosave._check()
    QApplication.processEvents()
    gate.set()
    desk.settle()
    assert desk.snapshots() == [snapshot_name(40)]
    assert same_edits(desk.recovered(), desk.session.project())


def test_a_step_under_way_is_not_in_the_snapshot(desk):
    desk.open()
    desk.edit(3)
    desk.history.jump(len(desk.history.edits))
    desk.session.document.begin(random_step(desk.session.rng, 64))
    desk.minute()
    desk.session.document.abort()
    project = desk.recovered()
    assert project.notes == () and same_edits(project, desk.session.project())


def test_edits_given_up_for_memory_are_recovered_too(desk):
    desk.open()
    desk.edit(8)
    desk.history.jump(len(desk.history.edits))
    desk.history.set_budget(2 * max(edit.nbytes for edit in desk.history.edits))
    desk.edit(4)
    assert desk.history.dropped
    assert same_edits(desk.recovered(), desk.session.project())


def test_another_portrait_takes_the_place_of_the_last_one(desk):
    desk.open()
    desk.edit(3)
    first = desk.autosave.folder
    desk.other_portrait()
    # What the person let go of is kept until the next portrait is safe.
    assert len((first / journal_name(0)).read_bytes().splitlines()) == 4
    desk.autosave.portrait_opened()
    assert first.exists()
    desk.settle()
    assert not first.exists() and list(recovery_folder().iterdir()) == [desk.autosave.folder]
    desk.edit(2)
    assert same_edits(desk.recovered(), desk.session.project())


@pytest.mark.parametrize("edits", [1, 5])
def test_a_project_takes_the_place_of_the_last_one(desk, edits):
    desk.open()
    desk.edit(3)
    desk.other_portrait(painted(edits=edits, undone=0))
    desk.open(file=Path("/a.maskbrush"))
    desk.edit(2)
    project = desk.recovered()
    assert same_edits(project, desk.session.project()) and project.notes == ()


def test_what_was_recovered_is_deleted_once_it_is_safe_again(desk):
    hand = Hand()
    hand.act(5)
    hand.end()
    session = the_one()
    project = recover(session)
    desk.other_portrait(project)
    desk.open(unsaved=True, instead_of=session)
    assert not session.folder.exists()
    again = desk.recovered()
    assert same_edits(again, hand.project)


def test_what_is_saved_needs_no_recovery(desk):
    desk.open()
    desk.edit(2)
    desk.autosave.saved(Path("/a.maskbrush"))
    desk.minute()
    desk.end()
    assert recoverable() == []


def test_the_end_leaves_nothing(desk):
    desk.open()
    desk.edit(12)
    # A snapshot may be on its way.
    desk.autosave.close()
    desk.autosave.close()
    desk.settle()
    assert list(recovery_folder().iterdir()) == [] and desk.told == []
    desk.edit(11)
    desk.autosave.look_changed()
    desk.autosave._check()
    desk.settle()
    assert list(recovery_folder().iterdir()) == []


def test_nothing_is_written_while_nothing_is_open(qtbot):
    tasks, history = Tasks(), History(lambda edits, undo: None)
    autosave = Autosave(tasks, history, lambda: None)
    autosave.portrait_opened()
    history.add(painted(edits=1, undone=0).edits[0])
    autosave._check()
    assert not recovery_folder().exists() and autosave.folder is None
    autosave.close()
    tasks.stop()


# Disks that fail


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_once_and_the_session_goes_on(desk, monkeypatch):
    desk.open()
    desk.edit(2)
    with monkeypatch.context() as patch:
        patch.setattr(journals, "_written", full)
        patch.setattr("engine.atomic.os.fsync", full)
        desk.edit(25)
        desk.settle()
        desk.minute()
        desk.minute()
    (error,) = desk.told
    assert "No space left" in error.message and error.hint.endswith(".")
    desk.edit(1)
    desk.minute()
    assert len(desk.snapshots()) == 1
    desk.edit(1)
    assert same_edits(desk.recovered(), desk.session.project())


def test_a_disk_that_fails_again_is_told_again(desk, monkeypatch):
    desk.open()
    for count in (1, 2):
        with monkeypatch.context() as patch:
            patch.setattr("engine.atomic.os.fsync", full)
            desk.edit()
            desk.minute()
            desk.minute()
        assert len(desk.told) == count
        desk.minute()


def test_a_folder_that_cannot_be_made_is_made_later(desk, tmp_path):
    (tmp_path / "data").write_text("in the way")
    desk.open()
    desk.edit(3)
    assert len(desk.told) == 1 and desk.autosave.folder is None
    (tmp_path / "data").unlink()
    desk.minute()
    desk.edit(1)
    assert len(desk.told) == 1 and same_edits(desk.recovered(), desk.session.project())
