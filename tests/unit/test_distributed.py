"""Two processes that share each batch train as one does alone."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models import train as training
from models.progress import load_checkpoint
from models.recipe import Recipe, Stage
from models.synthetic import SMOKE_RECIPE, make_data
from models.trainer import NETWORKS, Trainer
from tests.recipes import write_recipe

REPOSITORY = Path(__file__).parent.parent.parent
CPU = torch.device("cpu")
RECIPE = replace(
    SMOKE_RECIPE,
    stages=(Stage("masks", 32, 3, 4), Stage("mapping", 32, 3, 4), Stage("simulated", 32, 2, 4)),
    # The first steps, which are all there are, have a hundredth of it and little more.
    learning_rate=0.01,
)
LIMIT_S = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data and the recipe."""
    folder = tmp_path_factory.mktemp("shared")
    make_data(folder / "data")
    write_recipe(RECIPE, folder / "recipe.toml")
    return folder


def options(folder: Path, out: Path, *more: str) -> list[str]:
    given = ["--data", str(folder / "data"), "--recipe", str(folder / "recipe.toml"), "--out", str(out)]
    return [*given, "--precision", "fp32", "--quiet", "--log-every", "1", *more]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_together(*arguments: list[str]) -> list[tuple[int, str, str]]:
    """Run a training in several processes, as torchrun does; returns status, output and errors of each."""
    given = os.environ | {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "WORLD_SIZE": str(len(arguments)),
        "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "",
    }  # fmt: skip
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "models.train", *own],
            env=given | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank, own in enumerate(arguments)
    ]
    try:
        results = [process.communicate(timeout=LIMIT_S) for process in running]
    finally:
        # One that waits for another that has failed would wait for long.
        for process in running:
            process.kill()
            process.communicate()
    return [(process.returncode, *texts) for process, texts in zip(running, results, strict=True)]


def end_of(out: Path) -> tuple[list[dict], dict]:
    """Return the rows of the log that hold losses, and the checkpoint."""
    rows = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    saved = load_checkpoint(out / "checkpoints", RECIPE.shapes(), CPU)
    assert saved is not None
    return [row for row in rows if "step" in row], saved[0]


@pytest.fixture(scope="module")
def alone(folder: Path, one_core: None) -> Path:
    """The folder of a training in this process."""
    assert training.main(options(folder, folder / "alone")) == 0
    return folder / "alone"


@pytest.fixture(scope="module")
def together(folder: Path) -> Path:
    """The folder of a training in two processes, the second of which thinks that the time is up."""
    out = folder / "together"
    minutes = (options(folder, out, "--minutes", given) for given in ("60", "0"))
    for status, _, errors in run_together(*minutes):
        assert status == 0, errors
    return out


def flat(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([value.flatten().float() for value in tensors.values()])


def test_the_losses_are_those_of_one_process(alone: Path, together: Path) -> None:
    expected, rows = end_of(alone)[0], end_of(together)[0]
    assert [row["stage"] for row in rows] == ["masks"] * 3 + ["mapping"] * 3 + ["simulated"] * 2
    for row, other in zip(rows, expected, strict=True):
        assert row.keys() == other.keys()
        for name in row.keys() - {"seconds", "stage"}:
            assert row[name] == pytest.approx(other[name], abs=1e-4), (row["step"], name)


def test_the_first_process_says_when_to_stop_and_alone_writes_the_log(together: Path) -> None:
    rows = [json.loads(line) for line in (together / "log.jsonl").read_text().splitlines()]
    assert [row["processes"] for row in rows if "step" not in row] == [2]
    assert [row["step"] for row in rows if "step" in row] == list(range(1, 9))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_networks_are_those_of_one_process(alone: Path, together: Path, network: str) -> None:
    torch.manual_seed(RECIPE.seed)
    before = flat(Trainer(RECIPE, CPU).state()[network])
    expected, trained = (flat(end_of(out)[1][network]) for out in (alone, together))
    way = (expected - before).norm()
    assert way > 0
    # Where a gradient is nothing but rounding, as before a normalisation, Adam makes a whole step of it: hence not
    # each number, but how far the two have come apart, against how far they have come.
    assert (trained - expected).norm() < 0.05 * way


@pytest.mark.parametrize("optimiser", ["generator_optimiser", "discriminator_optimiser", "blend_optimiser"])
def test_the_gradients_are_those_of_one_process(alone: Path, together: Path, optimiser: str) -> None:
    # Their running means are in the optimisers.
    expected, trained = (
        flat({str(index): values["exp_avg"] for index, values in end_of(out)[1][optimiser]["state"].items()})
        for out in (alone, together)
    )
    assert (trained - expected).norm() < 0.01 * expected.norm()


def test_processes_that_cannot_share_a_batch_say_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextlib.contextmanager
    def three() -> Iterator[tuple[int, int, torch.device]]:
        yield 0, 3, CPU

    def unshared(recipe: Recipe, device: torch.device, *_others: object) -> Trainer:
        # There are no other processes with which it could share its gradients.
        return Trainer(recipe, device)

    monkeypatch.setattr(training, "_processes", three)
    monkeypatch.setattr(training, "Trainer", unshared)
    assert training.main(options(folder, folder / "uneven")) == 1
    assert "batches of 4 cannot be shared out evenly to 3 processes" in capsys.readouterr().err
