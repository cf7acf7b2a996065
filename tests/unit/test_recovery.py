"""What programs that ended have left: every change that they recorded is recovered."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app import recoverable as recovery
from app.journal import FolderLock, Journal, recovery_folder
from app.project import ProjectError
from app.recoverable import Recoverable, discard, recover, recoverable
from app.replay import replay
from tests.fakes import check_error
from tests.project_fakes import Hand, end, files, painted, same_edits, the_one


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKBRUSH_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand()
    yield hand
    hand.journal.close()


@pytest.mark.parametrize("seed", range(8))
def test_every_change_is_recovered(seed: int) -> None:
    hand = Hand(seed)
    for number in range(40):
        hand.act()
        if number % 11 == 10:
            hand.snapshot()
    hand.end()
    project = recover(the_one())
    assert same_edits(project, hand.project) and project.notes == ()
    assert project.portrait.digest == hand.portrait.digest and np.array_equal(replay(project), hand.project.labels)


def test_what_is_found_is_told(tmp_path: Path) -> None:
    hand = Hand()
    hand.act(12)
    hand.end()
    session = the_one()
    assert (session.name, session.file, session.folder) == ("ada", None, hand.journal.folder)
    assert session.edits == len(hand.project.dropped) + len(hand.project.edits) > 3
    assert session.thumbnail is not None and np.array_equal(session.thumbnail, hand.portrait.view)
    assert abs(session.when - (session.folder / files(session.folder)[0]).stat().st_mtime) < 60
    assert str(session.folder).startswith(str(tmp_path / "data" / "recovery"))


def test_the_newest_is_the_first() -> None:
    names = []
    for seed in range(3):
        hand = Hand(seed)
        hand.act(3)
        hand.end()
        for file in hand.journal.folder.iterdir():
            os.utime(file, (1e9 + seed, 1e9 + seed))
        names.insert(0, hand.journal.folder)
    assert [session.folder for session in recoverable()] == names
    assert [session.when for session in recoverable()] == [1e9 + 2, 1e9 + 1, 1e9]


def test_who_is_alive_is_left_alone(hand: Hand) -> None:
    hand.edit()
    assert recoverable() == []
    session = Recoverable(hand.journal.folder, "ada", None, 0.0, 1)
    for ask in (recover, discard):
        with pytest.raises(ProjectError) as error:
            ask(session)
        check_error(error, "ada", "another window")
    hand.edit()
    hand.end()
    assert same_edits(recover(the_one()), hand.project)


def test_only_one_window_recovers(hand: Hand) -> None:
    hand.edit()
    hand.end()
    session = the_one()
    lock = FolderLock(session.folder)
    assert recoverable() == []
    with pytest.raises(ProjectError):
        recover(session)
    lock.release()
    assert recover(session).index == 1


def test_what_is_discarded_is_gone() -> None:
    hand = Hand()
    hand.edit()
    hand.end()
    session = the_one()
    recover(session)
    discard(session)
    assert recoverable() == [] and list(recovery_folder().iterdir()) == []
    for ask in (recover, discard):
        with pytest.raises(ProjectError) as error:
            ask(session)
        check_error(error, "not there any more")


def test_an_orderly_end_leaves_nothing() -> None:
    hand = Hand()
    hand.act(5)
    hand.journal.close()
    hand.journal.close()
    assert list(recovery_folder().iterdir()) == []
    hand.journal.write_snapshot(5, hand.project)
    assert list(recovery_folder().iterdir()) == []


@pytest.mark.parametrize("saved", [False, True])
def test_what_is_saved_or_unedited_needs_no_recovery(saved: bool) -> None:
    hand = Hand()
    if saved:
        hand.act(3)
        hand.journal.mark(Path("/a/ada.maskbrush"), unsaved=False)
    hand.end()
    assert recoverable() == [] and list(recovery_folder().iterdir()) == []


@pytest.mark.parametrize("turned", [False, True])
def test_edits_after_saving_are_recovered_with_the_file(turned: bool) -> None:
    hand = Hand()
    hand.act(3)
    hand.journal.mark(Path("/a/ada.maskbrush"), unsaved=False)
    if turned:
        hand.snapshot()
    hand.edit()
    if turned:
        hand.snapshot()
    hand.end()
    assert the_one().file == Path("/a/ada.maskbrush") and same_edits(recover(the_one()), hand.project)


def test_more_edits_while_it_was_saved_are_unsaved(hand: Hand) -> None:
    hand.edit()
    hand.journal.mark(Path("/b.maskbrush"), unsaved=True)
    hand.end()
    assert the_one().file == Path("/b.maskbrush")


@pytest.mark.parametrize("unsaved", [False, True])
def test_what_was_recovered_is_still_unsaved(unsaved: bool) -> None:
    journal = Journal("ada", Path("/c.maskbrush"), unsaved)
    journal.write_snapshot(journal.turn_over(3), painted(edits=3, undone=0))
    end(journal)
    assert [(each.edits, each.file) for each in recoverable()] == [(3, Path("/c.maskbrush"))] * unsaved


def test_edits_that_are_all_undone_can_be_recovered(hand: Hand) -> None:
    hand.edit()
    hand.move(0)
    hand.end()
    assert the_one().edits == 1 and same_edits(recover(the_one()), hand.project)


def test_what_is_no_session_is_left_alone(tmp_path: Path) -> None:
    assert recoverable() == []
    folder = recovery_folder()
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / "young").mkdir()
    (folder / "old").mkdir()
    os.utime(folder / "old", (1e9, 1e9))
    assert recoverable() == []
    assert files(folder) == ["notes.txt", "young"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps folders apart by other means")
def test_nobody_else_sees_the_photos(hand: Hand) -> None:
    assert hand.journal.folder.stat().st_mode & 0o777 == 0o700


def test_the_folder_lies_where_the_system_wants_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASKBRUSH_DATA_DIR")
    assert recovery_folder().parts[-2:] == ("maskbrush", "recovery") and recovery_folder().is_absolute()


def test_what_cannot_be_deleted_is_said(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.edit()
    hand.end()
    session = the_one()
    monkeypatch.setattr(recovery.FolderLock, "clear", lambda self: None)
    with pytest.raises(ProjectError) as error:
        discard(session)
    check_error(error, str(session.folder))
    assert the_one().folder == session.folder
