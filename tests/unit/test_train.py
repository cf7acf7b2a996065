"""Training from the command line, end to end, on made-up portraits and the smallest networks."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from models import train as training
from models.checkpoints import load_generator, save_generator
from models.config import GeneratorConfig
from models.face_parser import FaceParser, save_parser
from models.generator import DenseMappingNetwork
from models.progress import load_checkpoint, save_checkpoint
from models.recipe import Recipe, Stage
from models.synthetic import SMOKE_PARSER, TINY, make_data
from models.train import main
from models.trainer import Trainer
from tests.fakes import TINY_PUBLISHED
from tests.golden import fill
from tests.recipes import SHORT, assert_same_weights, flat, write_recipe

CPU = torch.device("cpu")
LOSSES = {"adversarial", "colours", "features", "reconstruction"}
"""What is logged of the generator where there is no face parser."""

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("portraits") / "data")


def start(data: Path, out: Path, *options: str, recipe: Recipe = SHORT) -> int:
    out.parent.mkdir(parents=True, exist_ok=True)
    path = write_recipe(recipe, out.parent / "recipe.toml")
    fixed = ("--precision", "fp32", "--quiet", "--log-every", "1", "--save-every", "100")
    return main(["--data", str(data), "--out", str(out), "--recipe", str(path), *fixed, *options])


def interrupted(*_args: object, **_options: object) -> None:
    raise KeyboardInterrupt


def interrupt_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """Press Ctrl-C in the middle of the step before the ``call``-th."""
    step, calls = Trainer.step, iter(range(2, 1000))

    def counted(self: Trainer, *args: object) -> dict[str, torch.Tensor]:
        if next(calls) == call:
            signal.raise_signal(signal.SIGINT)
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", counted)


def checkpoint_of(out: Path, recipe: Recipe = SHORT) -> tuple[dict, int]:
    saved = load_checkpoint(out / "checkpoints", recipe.shapes(), CPU)
    assert saved is not None
    return saved


def rows_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def log_of(out: Path) -> list[dict]:
    """Return the log's rows on losses."""
    return [row for row in rows_of(out) if "step" in row]


def starts_of(out: Path) -> list[dict]:
    """Return the log's rows on starts."""
    return [row for row in rows_of(out) if "step" not in row]


def assert_same_end(run: Path, other: Path) -> None:
    """Expect two trainings to have ended in the same bits, and to have logged the same losses."""
    (state, step), (other_state, other_step) = checkpoint_of(run), checkpoint_of(other)
    first, second = flat(state), flat(other_state)
    assert step == other_step
    assert first.keys() == second.keys()
    for name, value in first.items():
        expected = second[name]
        if isinstance(value, torch.Tensor) and isinstance(expected, torch.Tensor):
            assert torch.equal(value, expected), name
        else:
            assert value == expected, name
    assert_same_weights(run, other)
    assert [row | {"seconds": 0} for row in log_of(run)] == [row | {"seconds": 0} for row in log_of(other)]


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training without a break."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    assert start(data, out, "--notes", "made up", "--save-every", "1") == 0
    return out


def test_a_smoke_run_finishes_every_kind_of_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main(["--smoke", "--out", str(out), "--quiet"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Weights: {out / 'generator.safetensors'}"
    rows = log_of(out)
    assert [(row["step"], row["stage"], row["size"]) for row in rows] == [
        (4, "masks", 32), (8, "mapping", 32), (10, "mapping", 64), (12, "simulated", 64),
    ]  # fmt: skip
    mapping = {*LOSSES, "labels", "perceptual"}
    assert rows[0].keys() - {"step", "stage", "size", "seconds"} == {"mask_vae", "mask_accuracy"}
    assert rows[2].keys() - {"step", "stage", "size", "seconds"} == {*mapping, "discriminator"}
    blend = {f"blend_{name}" for name in (*mapping, "discriminator")}
    assert rows[3].keys() - {"step", "stage", "size", "seconds"} == {*mapping, "discriminator", *blend}
    assert all(np.isfinite(value) for row in rows for value in row.values() if isinstance(value, float))
    assert load_generator(out / "generator.safetensors")[0].config == TINY


def test_a_training_leaves_weights_log_sheets_and_a_checkpoint(finished: Path) -> None:
    # No sheet after the first step: a network that has not been trained has nothing to show.
    assert sorted(path.name for path in finished.iterdir()) == [
        "checkpoints", "generator.safetensors", "log.jsonl",
        "sheet_0000002.jpg", "sheet_0000003.jpg", "sheet_0000004.jpg",
    ]  # fmt: skip
    assert [path.name for path in (finished / "checkpoints").iterdir()] == ["step-0000004"]
    network, title = load_generator(finished / "generator.safetensors")
    assert network.config == TINY
    assert title == "Maskbrush 64"
    with safe_open(finished / "generator.safetensors", framework="pt") as file:
        assert file.metadata()["notes"] == "made up"
    with Image.open(finished / "sheet_0000004.jpg") as sheet:
        assert sheet.size == (6 * 64, 2 * 64), "one row for each portrait that is held out"
        assert np.asarray(sheet).std() > 5


def test_the_log_tells_how_the_training_started_and_every_loss(finished: Path) -> None:
    (first,) = starts_of(finished)
    assert first["portraits"] == 4, "those held out do not count"
    assert (first["from"], first["steps"], first["processes"]) == (0, 4, 1)
    assert (first["bf16"], first["perceptual"]) == (False, "none")
    rows = log_of(finished)
    assert [(row["step"], row["stage"]) for row in rows] == [
        (1, "masks"), (2, "mapping"), (3, "mapping"), (4, "simulated"),
    ]  # fmt: skip
    for row in rows[1:]:
        assert row.keys() >= LOSSES
        assert all(np.isfinite(row[name]) for name in LOSSES)


def test_losses_are_averaged_between_rows_and_no_row_mixes_stages(data: Path, finished: Path, tmp_path: Path) -> None:
    assert start(data, tmp_path / "run", "--log-every", "100") == 0
    rows, every = log_of(tmp_path / "run"), log_of(finished)
    assert [row["step"] for row in rows] == [1, 3, 4]
    for name in LOSSES:
        assert rows[1][name] == pytest.approx((every[1][name] + every[2][name]) / 2, abs=2e-5)
        assert rows[2][name] == pytest.approx(every[3][name], abs=2e-5)


# Interruptions


@pytest.mark.parametrize("call", [2, 4], ids=["between stages 1 and 2", "before the simulated stage"])
def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    call: int,
) -> None:  # fmt: skip
    out = tmp_path / "run"
    with monkeypatch.context() as patch:
        interrupt_at(patch, call)
        assert start(data, out) == 130
    assert f"Stopped at step {call - 1}" in capsys.readouterr().err
    assert checkpoint_of(out)[1] == call - 1
    assert start(data, out) == 0
    assert [row["from"] for row in starts_of(out)] == [0, call - 1]
    assert_same_end(out, finished)


def test_a_second_interruption_does_not_wait_for_the_end_of_the_step(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = signal.getsignal(signal.SIGINT)

    def impatient(*_args: object) -> None:
        for _ in range(2):
            signal.raise_signal(signal.SIGINT)
        pytest.fail("the step went on")

    monkeypatch.setattr(Trainer, "step", impatient)
    assert start(data, tmp_path / "run") == 130
    assert not (tmp_path / "run" / "checkpoints").exists()
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_training_whose_time_is_up_stops_and_goes_on_later(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    for step in (1, 2):
        assert start(data, out, "--minutes", "0") == 0
        assert f"Time is up at step {step}" in capsys.readouterr().out
        assert checkpoint_of(out)[1] == step
        assert (out / "generator.safetensors").exists()
    assert start(data, out, "--minutes", "60") == 0
    assert "Time is up" not in capsys.readouterr().out
    assert_same_end(out, finished)


def test_an_interruption_between_steps_repeats_no_step(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "save_generator", interrupted)
    assert start(data, tmp_path / "run", "--save-every", "1") == 130
    assert checkpoint_of(tmp_path / "run")[1] == 1


def test_an_interruption_while_reading_the_data(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "open_dataset", interrupted)
    assert start(data, tmp_path / "run") == 130


def copy_checkpoint(run: Path, out: Path) -> Path:
    """Give a new run the checkpoint of another; returns its folder."""
    save_checkpoint(*checkpoint_of(run), SHORT.shapes(), out / "checkpoints")
    return out / "checkpoints" / "step-0000004"


@pytest.mark.parametrize("options", [(), ("--share", "0.5")], ids=["same recipe", "shorter recipe"])
def test_a_finished_training_has_nothing_left_to_do_but_to_write_its_weights(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    copy_checkpoint(finished, tmp_path / "run")
    assert start(data, tmp_path / "run", *options) == 0
    assert "at step 4 already" in capsys.readouterr().out
    assert_same_weights(tmp_path / "run", finished)
    assert starts_of(tmp_path / "run")[0]["steps"] == (3 if options else 4)


# What goes wrong


def fails(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> None:
    message = capsys.readouterr().err
    assert status == 1
    assert message.startswith("Training cannot go on: ")
    assert "Traceback" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("arguments", [[], ["--data", "x", "--smoke"]], ids=["no data", "data twice"])
def test_the_command_line_asks_for_data_or_a_smoke_run(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "--smoke" in capsys.readouterr().err


def test_missing_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(capsys, start(tmp_path / "nowhere", tmp_path / "run"), "nowhere", "manifest.csv")


def test_a_damaged_portrait(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_data(tmp_path / "data")
    (data / "images" / "face_0.jpg").write_bytes(b"not a picture")
    fails(capsys, start(data, tmp_path / "run"), "face_0.jpg", "Restore the file")


def test_an_unusable_folder_for_the_run(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    recipe = write_recipe(SHORT, tmp_path / "recipe.toml")
    fails(capsys, main(["--data", str(data), "--recipe", str(recipe), "--out", str(tmp_path / "file" / "run")]), "file")


def test_an_unusable_recipe(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--data", str(data), "--out", str(tmp_path / "run")]
    fails(capsys, main([*options, "--recipe", str(tmp_path / "missing.toml")]), "missing.toml", "as a recipe")
    assert not (tmp_path / "run").exists(), "nothing is begun"


def test_the_weights_of_vgg_are_not_enough(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fails(capsys, start(data, tmp_path / "run", "--vgg", "vgg19.pth"), "--parser")


def test_a_face_parser_adds_its_losses(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_parser(fill(FaceParser(SMOKE_PARSER)), tmp_path / "parser.safetensors")
    recipe = replace(SHORT, stages=(Stage("mapping", 32, 1, 2),))
    options = ("--parser", str(tmp_path / "parser.safetensors"))
    assert start(data, tmp_path / "run", *options, recipe=recipe) == 0
    assert starts_of(tmp_path / "run")[0]["perceptual"] == "face parser"
    (row,) = log_of(tmp_path / "run")
    assert row["perceptual"] > 0
    assert row["labels"] > 0
    fails(capsys, start(data, tmp_path / "run", "--parser", str(tmp_path / "none.safetensors")), "none.safetensors")


def test_a_damaged_checkpoint_is_left_as_it_is(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    piece = copy_checkpoint(finished, tmp_path / "run") / "piece-000"
    half = piece.read_bytes()[: piece.stat().st_size // 2]
    piece.write_bytes(half)
    fails(capsys, start(data, tmp_path / "run"), "step-0000004", "piece-000 is damaged", "Move it away")
    assert piece.read_bytes() == half


@pytest.mark.parametrize("state", [{}, {"generator": {}}, [1, 2]], ids=str)
def test_a_foreign_checkpoint(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], state: dict) -> None:
    save_checkpoint(state, 2, SHORT.shapes(), tmp_path / "run" / "checkpoints")
    fails(capsys, start(data, tmp_path / "run"), "does not fit", "Move it away")


def test_a_checkpoint_of_other_networks(
    data: Path, finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_checkpoint(finished, tmp_path / "run")
    recipe = replace(SHORT, generator=replace(TINY, blocks=2))
    fails(capsys, start(data, tmp_path / "run", recipe=recipe), "step-0000004", "other shapes", "Move it away")


def test_a_full_disk_leaves_the_last_checkpoint(
    data: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert start(data, out, "--minutes", "0") == 0
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name.startswith("piece-"):
            raise OSError(28, "No space left on device")
        return write(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        fails(capsys, start(data, out), "step-0000004", "Make room")
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["step-0000001"]
    assert start(data, out) == 0
    assert_same_weights(out, finished)


def test_losses_that_are_not_finite_stop_the_training_before_it_saves_them(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "step", lambda *_args: {"reconstruction": torch.tensor(float("nan"))})
    # The row of the log is due only later.
    options = ("--save-every", "2", "--log-every", "100")
    fails(capsys, start(data, tmp_path / "run", *options, recipe=replace(SHORT, stages=(Stage("mapping", 32, 9, 1),))),
          "step 2", "learning_rate")  # fmt: skip
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["log.jsonl"]


# Weights to start from


@pytest.mark.parametrize("config", [TINY, replace(TINY, region_features=0, noise=False)], ids=["same", "fewer inputs"])
def test_weights_to_start_from_are_where_the_training_starts(
    data: Path, tmp_path: Path, config: GeneratorConfig
) -> None:
    network = fill(DenseMappingNetwork(config))
    save_generator(network, tmp_path / "first.safetensors", "First", half=False)
    still = replace(SHORT, learning_rate=0.0)
    assert start(data, tmp_path / "run", "--init", str(tmp_path / "first.safetensors"), recipe=still) == 0
    state, inputs = checkpoint_of(tmp_path / "run")[0], config.input_channels
    for name, value in network.state_dict().items():
        taken, mean = (state[which][name] for which in ("generator", "average"))
        if name == "model.1.weight":
            # Inputs that the network did not have count nothing at first.
            assert not taken[:, inputs:].any()
            taken, mean = taken[:, :inputs], mean[:, :inputs]
        assert torch.equal(taken, value), name
        torch.testing.assert_close(mean, value)


def test_weights_that_cannot_be_started_from(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_generator(fill(DenseMappingNetwork(TINY_PUBLISHED)), tmp_path / "other.safetensors", "Other")
    (tmp_path / "broken.pth").write_text("not weights")
    for name in ("other.safetensors", "broken.pth", "missing.pth"):
        fails(capsys, start(data, tmp_path / "run", "--init", str(tmp_path / name)), name, "hoose")
