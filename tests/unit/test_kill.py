"""Programs that are killed while a portrait is edited: `tests.measure_recovery` does the same many times more."""

import sys
from pathlib import Path

import pytest

from app.journal import recovery_folder
from tests.measure_recovery import MOST_LOST, kill_one


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
@pytest.mark.parametrize("seed", range(4))
def test_next_to_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setenv("MASKBRUSH_DATA_DIR", str(tmp_path))
    killed = kill_one(seed, life=(0.2, 0.9))
    assert killed.opened and killed.replayed and killed.notes == ()
    assert killed.made > 0 and killed.lost <= MOST_LOST
    assert list(recovery_folder().iterdir()) == []
