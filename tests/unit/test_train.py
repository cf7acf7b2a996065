"""Training, end to end, on made-up portraits and the smallest network."""

import argparse
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from models import train as training
from models.checkpoints import load_generator, save_generator
from models.config import GeneratorConfig
from models.dataset import PortraitDataset
from models.discriminator import DiscriminatorConfig
from models.generator import DenseMappingNetwork
from models.train import DEFAULT_STAGES, Batches, Stage, Trainer, main, parse_stage, parser, rate_at, stage_at
from tests.golden import fill
from tests.made_data import TINY, TINY_PUBLISHED, make_data

STAGES = ("32:2:2", "64:2:2")
CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def _tiny_networks_on_one_core() -> Iterator[None]:
    """Keep it small: threads that wait for each other cost more than they gain here."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "DEFAULT_CONFIG", TINY)
        patch.setattr(training, "DiscriminatorConfig", lambda width: DiscriminatorConfig(width=width // 8))
        patch.setattr(torch.cuda, "is_available", lambda: False)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("portraits") / "data")


def start(data: Path, out: Path, *options: str, stages: tuple[str, ...] = STAGES) -> int:
    fixed = ("--precision", "fp32", "--quiet", "--sheet-stride", "1", "--log-every", "1", "--save-every", "100")
    return main(["--data", str(data), "--out", str(out), *fixed, *options, "--stages", *stages])


def interrupt_at(monkeypatch: pytest.MonkeyPatch, call: int) -> pytest.MonkeyPatch:
    """Make the ``call``-th step of a training end in Ctrl-C; returns what takes it back."""
    step, calls = Trainer.step, iter(range(1, 1000))

    def interrupted(self: Trainer, *args: object) -> dict[str, float]:
        if next(calls) == call:
            raise KeyboardInterrupt
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", interrupted)
    return monkeypatch


def flat(value: object, name: str = "") -> dict[str, object]:
    """Unfold nested tables and lists."""
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list | tuple):
        parts = enumerate(value)
    else:
        return {name: value}
    return {path: leaf for key, part in parts for path, leaf in flat(part, f"{name}/{key}").items()}


def assert_same_checkpoint(one: Path, other: Path) -> None:
    first, second = (flat(torch.load(path, weights_only=True)) for path in (one, other))
    assert first.keys() == second.keys()
    for name, value in first.items():
        other_value = second[name]
        if isinstance(value, torch.Tensor) and isinstance(other_value, torch.Tensor):
            assert torch.equal(value, other_value), name
        else:
            assert value == other_value, name


def assert_same_weights(run: Path, other: Path) -> None:
    first, second = (load_file(folder / "generator.safetensors") for folder in (run, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training of four steps without a break."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert start(data, out, "--notes", "made up", "--save-every", "3") == 0
    return out


def test_a_training_leaves_weights_log_sheets_and_a_checkpoint(finished: Path) -> None:
    assert sorted(path.name for path in finished.iterdir()) == [
        "checkpoint.pt", "generator.safetensors", "log.jsonl", "sheet_000003.jpg", "sheet_000004.jpg",
    ]  # fmt: skip
    rows = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    assert [(row["step"], row["size"]) for row in rows] == [(1, 32), (2, 32), (3, 64), (4, 64)]
    for row in rows:
        assert all(np.isfinite(row[name]) for name in ("l1", "gan", "features", "discriminator"))
    network, title = load_generator(finished / "generator.safetensors")
    assert network.config == TINY
    assert title == "Maskbrush 64"
    with Image.open(finished / "sheet_000004.jpg") as sheet:
        assert sheet.size == (6 * 64, 2 * 64)
        assert np.asarray(sheet).std() > 5


def test_training_changes_the_weights(finished: Path) -> None:
    torch.manual_seed(0)
    untrained = DenseMappingNetwork(TINY).state_dict()
    for name, value in load_file(finished / "generator.safetensors").items():
        if name.endswith("conv.weight") or name == "model.1.weight":
            assert not torch.equal(value, untrained[name].half())


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, 3)
        assert start(data, out, "--notes", "made up") == 130
    assert "Stopped at step 2" in capsys.readouterr().err
    assert torch.load(out / "checkpoint.pt", weights_only=True)["step"] == 2
    assert start(data, out, "--notes", "made up") == 0
    assert_same_checkpoint(out / "checkpoint.pt", finished / "checkpoint.pt")
    assert_same_weights(out, finished)
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    whole = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    assert [row | {"seconds": 0} for row in rows] == [row | {"seconds": 0} for row in whole]


def test_an_interruption_between_steps_repeats_no_step(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "save_generator", interrupted)
    assert start(data, tmp_path / "run", "--save-every", "1") == 130
    assert torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["step"] == 1


def test_an_interruption_while_reading_the_data(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_args: object, **_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "PortraitDataset", interrupted)
    assert start(data, tmp_path / "run") == 130


def test_a_finished_training_has_nothing_left_to_do(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "checkpoint.pt").write_bytes((finished / "checkpoint.pt").read_bytes())
    assert start(data, tmp_path) == 0
    assert "at step 4 already" in capsys.readouterr().out
    assert_same_weights(tmp_path, finished)


# What goes wrong


def fails(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> None:
    message = capsys.readouterr().err
    assert status == 1
    assert message.startswith("Training cannot go on: ")
    assert "Traceback" not in message
    for word in words:
        assert word in message


def test_missing_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(capsys, start(tmp_path / "nowhere", tmp_path / "run"), "nowhere", "manifest.csv")


def test_an_unusable_folder_for_the_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    fails(capsys, start(data, tmp_path / "file" / "run"), "file")


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None], ids=["empty", "text", "truncated"])
def test_a_damaged_checkpoint(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    whole = (finished / "checkpoint.pt").read_bytes()
    content = whole[: len(whole) // 2] if content is None else content
    (tmp_path / "checkpoint.pt").write_bytes(content)
    fails(capsys, start(data, tmp_path), "checkpoint.pt", "Move it away")
    assert (tmp_path / "checkpoint.pt").read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [[1, 2], {}, {"step": 1, "trainer": {}}, {"step": 1, "trainer": {"generator": {}}}, {"step": None, "trainer": {}}],
    ids=str,
)
def test_a_foreign_checkpoint(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: object) -> None:
    torch.save(content, tmp_path / "checkpoint.pt")
    fails(capsys, start(data, tmp_path), "checkpoint.pt", "Move it away")


@pytest.mark.parametrize("named", [True, False], ids=["with its configuration", "without"])
def test_a_checkpoint_of_another_network(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], named: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    saved = torch.load(finished / "checkpoint.pt", weights_only=True)
    if not named:
        del saved["config"]
    torch.save(saved, tmp_path / "checkpoint.pt")
    monkeypatch.setattr(training, "DEFAULT_CONFIG", GeneratorConfig(size=64, width=4, blocks=1))
    fails(capsys, start(data, tmp_path), "checkpoint.pt", "Move it away")


def test_a_checkpoint_without_its_configuration_is_taken_up(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = torch.load(finished / "checkpoint.pt", weights_only=True)
    del saved["config"]
    torch.save(saved, tmp_path / "checkpoint.pt")
    assert start(data, tmp_path) == 0
    assert "at step 4 already" in capsys.readouterr().out


@pytest.mark.parametrize("failure", [RuntimeError("iostream error"), OSError(28, "No space left on device")], ids=repr)
def test_a_full_disk_leaves_the_old_checkpoint(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], failure: Exception
) -> None:
    with monkeypatch.context() as patch:
        interrupt_at(patch, 2)
        assert start(data, tmp_path) == 130
    before = (tmp_path / "checkpoint.pt").read_bytes()
    capsys.readouterr()

    def fail(_content: object, path: Path) -> None:
        Path(path).write_bytes(b"half of it")
        raise failure

    monkeypatch.setattr(torch, "save", fail)
    fails(capsys, start(data, tmp_path))
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt", "log.jsonl"]


def test_losses_that_are_not_finite_stop_the_training_before_it_saves_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "step", lambda *_args: {"l1": float("nan")})
    fails(capsys, start(data, tmp_path, "--save-every", "1"), "step 1", "--lr")
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]


def test_weights_to_start_from(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = fill(DenseMappingNetwork(TINY))
    save_generator(network, tmp_path / "first.safetensors", "First", half=False)
    assert start(data, tmp_path / "run", "--init", str(tmp_path / "first.safetensors"), "--lr", "0") == 0
    saved = torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)["trainer"]
    for name, value in network.state_dict().items():
        assert torch.equal(saved["generator"][name], value)
        torch.testing.assert_close(saved["average"][name], value)

    save_generator(fill(DenseMappingNetwork(TINY_PUBLISHED)), tmp_path / "other.safetensors", "Other")
    (tmp_path / "broken.pth").write_text("not weights")
    for name in ("other.safetensors", "broken.pth", "missing.pth"):
        fails(capsys, start(data, tmp_path / "new", "--init", str(tmp_path / name)), name)


# Parts


def test_stages_are_read_and_checked() -> None:
    assert parse_stage("128:40:8") == Stage(128, 40, 8)
    for text in ("", "128", "128:40", "128:40:8:1", "a:b:c", "100:1:1", "0:1:1", "64:0:1", "64:1:-1", "64:1.5:1"):
        with pytest.raises(argparse.ArgumentTypeError) as caught:
            parse_stage(text)
        assert repr(text) in str(caught.value)


def test_a_bad_stage_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--data", "data", "--stages", "100:1:1"])
    assert caught.value.code == 2
    assert "multiple of 32" in capsys.readouterr().err


def test_default_stages() -> None:
    assert parser().parse_args(["--data", "x"]).stages == DEFAULT_STAGES
    assert DEFAULT_STAGES[-1].size == 256


def test_stage_of_a_step() -> None:
    stages = [Stage(32, 2, 8), Stage(64, 3, 4)]
    assert [stage_at(step, stages).size for step in range(7)] == [32, 32, 64, 64, 64, 64, 64]


def test_learning_rate() -> None:
    rates = [rate_at(step, 1000) for step in range(1000)]
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == 1
    assert rates[99:600] == [1.0] * 501
    assert all(a >= b for a, b in pairwise(rates[600:]))
    assert rates[-1] == pytest.approx(0.05)
    assert all(0 < rate_at(step, 1) <= 1 for step in range(1))


def test_batches_follow_from_seed_and_step(data: Path) -> None:
    portraits = PortraitDataset(data, "train", 64)
    stage = Stage(32, 10, 3)
    labels, image, region = Batches(portraits, 1).draw(5, stage, CPU)
    assert labels.shape == (3, 32, 32)
    assert labels.dtype == torch.uint8
    assert image.shape == (3, 3, 32, 32)
    assert -1 <= float(image.min()) < float(image.max()) <= 1
    assert region.shape == (3, 1, 32, 32)
    again, other_step, other_seed = (
        Batches(portraits, 1).draw(5, stage, CPU),
        Batches(portraits, 1).draw(6, stage, CPU),
        Batches(portraits, 2).draw(5, stage, CPU),
    )
    assert all(torch.equal(a, b) for a, b in zip((labels, image, region), again, strict=True))
    assert not torch.equal(image, other_step[1])
    assert not torch.equal(image, other_seed[1])


def test_the_average_follows_the_weights() -> None:
    trainer = Trainer(TINY, CPU, 1e-3, bf16=False)
    assert not any(value.requires_grad for value in trainer.average.parameters())
    with torch.no_grad():
        for value in trainer.generator.parameters():
            value.add_(1)
    mean, target = (network.get_parameter("model.1.weight") for network in (trainer.average, trainer.generator))
    before = mean.clone()
    trainer.follow(5)
    torch.testing.assert_close(mean, before.lerp(target.detach(), 0.5))
    trainer.follow(0)
    assert torch.equal(mean, target)


def test_training_learns_a_portrait_by_heart(data: Path) -> None:
    torch.manual_seed(0)
    trainer = Trainer(TINY, CPU, 2e-3, bf16=False)
    labels, image, _ = Batches(PortraitDataset(data, "train", 32), 0).draw(0, Stage(32, 1, 2), CPU)
    region = torch.ones(2, 1, 32, 32)
    losses = [trainer.step(labels, image, region, 1.0)["l1"] for _ in range(25)]
    assert losses[-1] < 0.7 * losses[0]
    assert all(value.requires_grad for value in trainer.discriminator.parameters())
