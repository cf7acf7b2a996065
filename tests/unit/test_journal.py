"""The journal: however the program or the disk fails, what was recorded before is recovered."""

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import journal as journals
from app.edit_list import to_line
from app.journal import Change, Journal, journal_name, read_line, recovery_folder, snapshot_name
from app.project import Project, ProjectError
from app.recoverable import Recoverable, recover, recoverable
from engine.types import WriteError
from tests.fakes import check_error
from tests.project_fakes import Hand, files, painted, same_edits, the_one


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASKBRUSH_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def hand() -> Iterator[Hand]:
    hand = Hand()
    yield hand
    hand.journal.close()


# However it ends


def test_at_each_point_of_a_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is copied whenever a file is about to change: each copy is what a sudden end would leave."""
    hand = Hand(3)
    hand.act(7)
    copies: list[tuple[Path, Project]] = []

    def copied(function: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            copy = hand.journal.folder.with_name(f"copy-{len(copies)}")
            shutil.copytree(hand.journal.folder, copy)
            copies.append((copy, hand.project))
            return function(*arguments, **options)

        return call

    for owner, name in ((Path, "open"), (Path, "replace"), (Path, "unlink"), (os, "fsync"), (journals, "_written")):
        monkeypatch.setattr(owner, name, copied(getattr(owner, name)))
    hand.snapshot()
    hand.act(3)
    hand.snapshot()
    monkeypatch.undo()
    monkeypatch.setenv("MASKBRUSH_DATA_DIR", str(hand.journal.folder.parents[1]))
    assert len(copies) > 15
    for copy, project in copies:
        found = recover(Recoverable(copy, "ada", None, 0.0, 0))
        # Within a change: the line is written after the history has it.
        before = hand.states[max(hand.states.index(project) - 1, 0)]
        assert same_edits(found, project) or same_edits(found, before)
        assert found.notes == ()
    hand.journal.close()


def test_a_truncated_journal_loses_only_what_is_cut_off() -> None:
    hand = Hand(1)
    hand.act(9)
    hand.end()
    session = the_one()
    path = session.folder / journal_name(0)
    content = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    assert len(ends) == 10
    for length in range(0, len(content), 29):
        path.write_bytes(content[:length])
        whole = max(sum(end <= length for end in ends) - 1, 0)
        project = recover(session)
        assert same_edits(project, hand.states[whole]) and project.notes == ()


def test_flipped_bits_end_what_can_be_recovered() -> None:
    hand = Hand(2)
    hand.act(9)
    hand.end()
    session, rng = the_one(), np.random.default_rng(0)
    path = session.folder / journal_name(0)
    content = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content) if byte == ord("\n")]
    for place in rng.integers(0, len(content), 150).tolist():
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(spoilt)
        whole = max(sum(end <= place for end in ends) - 1, 0)
        project = recover(session)
        assert same_edits(project, hand.states[whole])
        # Without its end the last line looks like one that was never finished.
        assert len(project.notes) == 1 or place == len(content) - 1


def test_a_missing_journal_is_noticed(hand: Hand) -> None:
    hand.act(4)
    number = hand.journal.turn_over(hand.seen.count)
    hand.act(4)
    hand.end()
    folder = the_one().folder
    assert files(folder) == [journal_name(0), journal_name(number), "lock", snapshot_name(0)]
    assert same_edits(recover(the_one()), hand.project)
    (folder / journal_name(0)).unlink()
    project = recover(the_one())
    assert same_edits(project, hand.states[0]) and len(project.notes) == 1


def test_a_damaged_snapshot_gives_way_to_an_older_one() -> None:
    hand = Hand(4)
    hand.act(4)
    old = (hand.journal.folder / snapshot_name(0)).read_bytes()
    journal = (hand.journal.folder / journal_name(0)).read_bytes()
    hand.snapshot()
    hand.act(4)
    hand.end()
    folder = the_one().folder
    (folder / snapshot_name(4)).write_bytes(b"PK\x03\x04 half")
    with pytest.raises(ProjectError) as error:
        recover(the_one())
    check_error(error)
    assert the_one().thumbnail is None
    (folder / snapshot_name(0)).write_bytes(old)
    (folder / journal_name(0)).write_bytes(journal)
    assert same_edits(recover(the_one()), hand.project)


def test_older_files_go_once_the_snapshot_is_there(hand: Hand) -> None:
    hand.act(3)
    number = hand.journal.turn_over(hand.seen.count)
    assert files(hand.journal.folder) == [journal_name(0), journal_name(3), "lock", snapshot_name(0)]
    hand.act(2)
    hand.journal.write_snapshot(number, hand.states[3])
    assert files(hand.journal.folder) == [journal_name(3), "lock", snapshot_name(3)]
    # Nothing has happened: the same journal goes on.
    assert [hand.journal.turn_over(hand.seen.count) for _ in range(2)] == [5, 5]
    hand.end()
    assert same_edits(recover(the_one()), hand.project)


def test_changes_of_another_history_are_not_made(hand: Hand) -> None:
    hand.act(2)
    other = painted(seed=7, edits=2, undone=0)
    hand.journal.record(Change(0, 2, (other.edits[1],), 3), 3)
    hand.journal.record(Change(5, 0, (), 0), 3)
    hand.end()
    project = recover(the_one())
    assert same_edits(project, hand.project) and len(project.notes) == 1


@given(st.binary(max_size=100))
def test_no_line_does_more_than_fail(content: bytes) -> None:
    for line in (content, b"00000000 " + content):
        try:
            number, values = read_line(line)
        except ValueError:
            continue
        assert isinstance(number, int) and isinstance(values, dict)


def test_lines_carry_their_number() -> None:
    line = journals._line(7, {"a": [1]})
    assert read_line(line) == (7, {"n": 7, "a": [1]}) and line[9:] == to_line({"n": 7, "a": [1]})
    for spoilt in (line[:-1], line[1:], line.replace(b"7", b"8"), b""):
        with pytest.raises(ValueError):
            read_line(spoilt)


# Disks that fail


def full(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_told_once_and_made_good_later(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.act(3)
    with monkeypatch.context() as patch:

        def half(file: Any, content: bytes) -> int:
            file.write(content[: len(content) // 2])
            return full()

        patch.setattr(journals, "_written", half)
        with pytest.raises(WriteError) as error:
            hand.edit()
        check_error(error, "No space left")
        hand.edit()
        hand.edit()
        with pytest.raises(WriteError):
            hand.snapshot()
    hand.edit()
    assert (hand.journal.folder / journal_name(0)).read_bytes().endswith(b"\n")
    copy = hand.journal.folder.with_name("copy")
    shutil.copytree(hand.journal.folder, copy)
    project = recover(Recoverable(copy, "ada", None, 0.0, 0))
    assert same_edits(project, hand.states[3])
    hand.snapshot()
    hand.edit()
    hand.end()
    shutil.rmtree(copy)
    project = recover(the_one())
    assert same_edits(project, hand.project) and project.notes == ()


def test_a_snapshot_that_fails_leaves_all_as_it_was(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.act(3)
    with monkeypatch.context() as patch:
        patch.setattr("engine.atomic.os.fsync", full)
        with pytest.raises(WriteError):
            hand.snapshot()
    hand.act(3)
    assert files(hand.journal.folder) == [journal_name(0), journal_name(3), "lock", snapshot_name(0)]
    hand.end()
    project = recover(the_one())
    assert same_edits(project, hand.project) and project.notes == ()


def test_a_gap_ends_what_can_be_recovered(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    hand.act(2)
    with monkeypatch.context() as patch:
        patch.setattr(journals, "_written", full)
        with pytest.raises(WriteError):
            hand.edit()
    hand.journal.turn_over(hand.seen.count)
    hand.act(2)
    hand.end()
    project = recover(the_one())
    assert same_edits(project, hand.states[2]) and len(project.notes) == 1


def test_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(WriteError) as error:
        Journal("ada")
    check_error(error, "recovery")
    assert recoverable() == []


def test_a_folder_that_cannot_be_locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "_hold", full)
    with pytest.raises(WriteError):
        Journal("ada")
    assert list(recovery_folder().iterdir()) == []
