"""Checkpoints: in small pieces, whole or not there at all, and never in the way of an older one."""

import json
import os
from pathlib import Path

import pytest
import torch

from models import progress
from models.progress import PIECE, CheckpointError, load_checkpoint, save_checkpoint

CPU = torch.device("cpu")
SHAPES = '{"generator": {"width": 8}}'


def make_state(seed: int = 0, numbers: int = 2000) -> dict:
    values = torch.randn(numbers, generator=torch.Generator().manual_seed(seed))
    return {"network": {"weight": values, "half": values.half()}, "optimiser": {"step": seed, "rates": [0.5, 1e-3]}}


def assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    assert one["optimiser"] == other["optimiser"]
    for name, value in one["network"].items():
        assert torch.equal(value, other["network"][name])
        assert value.dtype == other["network"][name].dtype


def loaded(folder: Path) -> tuple[dict, int]:
    saved = load_checkpoint(folder, SHAPES, CPU)
    assert saved is not None
    return saved


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make pieces so small that a state falls into several."""
    monkeypatch.setattr(progress, "PIECE", 1500)
    return 1500


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert save_checkpoint(make_state(), 12, SHAPES, folder) == folder / "step-0000012"
    state, step = loaded(folder)
    assert step == 12
    assert_same(state, make_state())


def test_no_checkpoint_is_none(tmp_path: Path) -> None:
    assert load_checkpoint(tmp_path, SHAPES, CPU) is None
    assert load_checkpoint(tmp_path / "nowhere", SHAPES, CPU) is None


def test_no_piece_is_larger_than_it_may_be(tmp_path: Path, small: int) -> None:
    # The numbers of a tensor come in one go, however many pieces they fill.
    target = save_checkpoint(make_state(numbers=50_000), 1, SHAPES, tmp_path)
    sizes = [path.stat().st_size for path in sorted(target.glob("piece-*"))]
    assert len(sizes) > 200_000 // small
    assert set(sizes[:-1]) == {small}
    assert 0 < sizes[-1] <= small
    assert_same(loaded(tmp_path)[0], make_state(numbers=50_000))


def test_pieces_are_small_enough_to_carry_anywhere(tmp_path: Path) -> None:
    # 40 MB of numbers.
    target = save_checkpoint({"values": torch.zeros(10_000_000)}, 1, SHAPES, tmp_path)
    sizes = [path.stat().st_size for path in target.iterdir()]
    assert len(sizes) == 4
    assert max(sizes) <= PIECE < 16 * 2**20
    assert sum(sizes) > 40_000_000


def test_a_newer_checkpoint_takes_the_place_of_older_ones(tmp_path: Path) -> None:
    for step in (1, 2):
        save_checkpoint(make_state(step), step, SHAPES, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == [f"step-{step:07d}"]
    assert_same(loaded(tmp_path)[0], make_state(2))


def test_the_same_step_can_be_saved_again(tmp_path: Path, small: int) -> None:
    save_checkpoint(make_state(1, numbers=9000), 3, SHAPES, tmp_path)
    save_checkpoint(make_state(2), 3, SHAPES, tmp_path)
    assert_same(loaded(tmp_path)[0], make_state(2))
    pieces = {path.name for path in (tmp_path / "step-0000003").glob("piece-*")}
    assert len(pieces) == len(json.loads((tmp_path / "step-0000003" / "index.json").read_text())["sha256"])


def test_of_several_the_newest_is_loaded(tmp_path: Path) -> None:
    # What is left when removing an older one failed.
    older = save_checkpoint(make_state(1), 9, SHAPES, tmp_path)
    older.rename(tmp_path / "aside")
    save_checkpoint(make_state(2), 10, SHAPES, tmp_path)
    (tmp_path / "aside").rename(older)
    state, step = loaded(tmp_path)
    assert step == 10
    assert_same(state, make_state(2))


def test_tensors_are_loaded_where_they_are_wanted(tmp_path: Path) -> None:
    save_checkpoint(make_state(), 1, SHAPES, tmp_path)
    saved = load_checkpoint(tmp_path, SHAPES, torch.device("meta"))
    assert saved is not None
    assert saved[0]["network"]["weight"].device.type == "meta"


# What was left behind


def test_what_a_killed_training_has_left_is_no_checkpoint(tmp_path: Path) -> None:
    left = tmp_path / "step-0000007.part"
    left.mkdir()
    (left / "piece-000").write_bytes(b"half of it")
    assert load_checkpoint(tmp_path, SHAPES, CPU) is None
    save_checkpoint(make_state(), 3, SHAPES, tmp_path)
    assert loaded(tmp_path)[1] == 3


@pytest.mark.parametrize("step", [7, 8], ids=["the same step", "a later step"])
def test_what_a_killed_training_has_left_goes_with_the_next_checkpoint(tmp_path: Path, step: int) -> None:
    left = tmp_path / "step-0000007.part"
    left.mkdir()
    (left / "piece-099").write_bytes(b"half of it")
    target = save_checkpoint(make_state(), step, SHAPES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    assert not (target / "piece-099").exists()
    assert_same(loaded(tmp_path)[0], make_state())


# What goes wrong


def refused(folder: Path, *words: str, shapes: str = SHAPES) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(folder, shapes, CPU)
    message = str(caught.value)
    assert message.endswith("Move it away to start anew, or choose another --out.")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_other_shapes(tmp_path: Path) -> None:
    save_checkpoint(make_state(), 1, SHAPES, tmp_path)
    refused(tmp_path, "step-0000001", "other shapes", SHAPES, shapes='{"generator": {"width": 16}}')


@pytest.mark.parametrize(
    "damage",
    [
        lambda piece: piece.write_bytes(piece.read_bytes()[:-1]),
        lambda piece: piece.write_bytes(b""),
        lambda piece: piece.write_bytes(piece.read_bytes()[:700] + b"\x07" + piece.read_bytes()[701:]),
        lambda piece: piece.unlink(),
    ],
    ids=["truncated", "empty", "altered", "missing"],
)
@pytest.mark.parametrize("number", [0, 3])
def test_a_damaged_piece_is_named(tmp_path: Path, small: int, damage, number: int) -> None:
    target = save_checkpoint(make_state(), 1, SHAPES, tmp_path)
    damage(target / f"piece-{number:03d}")
    refused(tmp_path, "step-0000001", f"piece-{number:03d}")
    assert target.exists(), "it is for its owner to say what becomes of it"


@pytest.mark.parametrize(
    "index",
    [
        "", "{", "[]", "3", "null", "{}", '{"step": 1}', '{"step": "one", "shapes": "", "sha256": []}',
        '{"step": 1, "shapes": "", "sha256": []}', '{"step": 1, "shapes": "", "sha256": 5}',
        '{"step": 1, "shapes": "", "sha256": [5]}', None,
    ],
)  # fmt: skip
def test_a_damaged_index(tmp_path: Path, index: str | None) -> None:
    path = save_checkpoint(make_state(), 1, SHAPES, tmp_path) / "index.json"
    if index is None:
        path.unlink()
    else:
        path.write_text(index)
    refused(tmp_path, "step-0000001", "cannot be read as a checkpoint")


class Payload:
    """What a hostile pickle does: it makes a folder when it is read."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple:
        return os.mkdir, (self.marker,)


def test_no_code_is_run_from_a_checkpoint(tmp_path: Path) -> None:
    save_checkpoint({"network": Payload(tmp_path / "harm")}, 1, SHAPES, tmp_path / "run")
    refused(tmp_path / "run", "cannot be read as a checkpoint")
    assert not (tmp_path / "harm").exists()


def fill_disk(monkeypatch: pytest.MonkeyPatch, name: str, failure: BaseException) -> None:
    """Let writing a file end in a failure, half of it written; files before it are written."""
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == name:
            write(path, content[: len(content) // 2])
            raise failure
        return write(path, content)

    def full_text(path: Path, content: str, encoding: str) -> int:
        return full(path, content.encode(encoding))

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full_text)


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize("which", [0, 4, -2, -1], ids=["first piece", "a middle piece", "last piece", "index"])
def test_a_full_disk_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int, which: int
) -> None:
    target = save_checkpoint(make_state(1), 1, SHAPES, tmp_path)
    # In the order in which they are written; the last piece is, when the others are and the state is through.
    names = [*sorted(path.name for path in target.glob("piece-*")), "index.json"]
    with monkeypatch.context() as patch:
        fill_disk(patch, names[which], FULL)
        with pytest.raises(OSError, match=r"step-0000002 cannot be written.*Make room or choose another --out\.") as e:
            save_checkpoint(make_state(2), 2, SHAPES, tmp_path)
    assert "\n" not in str(e.value)
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]
    assert_same(loaded(tmp_path)[0], make_state(1))
    # With room again, all is well.
    save_checkpoint(make_state(2), 2, SHAPES, tmp_path)
    assert_same(loaded(tmp_path)[0], make_state(2))


def test_a_full_disk_leaves_the_checkpoint_of_the_same_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    save_checkpoint(make_state(1), 1, SHAPES, tmp_path)
    fill_disk(monkeypatch, "piece-001", FULL)
    with pytest.raises(OSError, match="cannot be written"):
        save_checkpoint(make_state(2), 1, SHAPES, tmp_path)
    assert_same(loaded(tmp_path)[0], make_state(1))


def test_an_interruption_leaves_the_older_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    save_checkpoint(make_state(1), 1, SHAPES, tmp_path)
    fill_disk(monkeypatch, "index.json", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(make_state(2), 2, SHAPES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be written"):
        save_checkpoint(make_state(), 1, SHAPES, tmp_path / "file")


def test_what_an_end_between_two_renamings_leaves_is_still_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint({"value": 1}, 7, "shapes", tmp_path)
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if self.suffix == ".part":
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "replace", killed)
        save_checkpoint({"value": 2}, 7, "shapes", tmp_path)
    assert load_checkpoint(tmp_path, "shapes", torch.device("cpu")) == ({"value": 1}, 7)
    save_checkpoint({"value": 3}, 7, "shapes", tmp_path)
    assert load_checkpoint(tmp_path, "shapes", torch.device("cpu")) == ({"value": 3}, 7)
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000007"]
