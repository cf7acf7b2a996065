"""Training the face locator: its losses, and what a training leaves."""

import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models import locator_batches
from models import train_locator as module
from models.face_locator import LocatorConfig, load_locator
from models.synthetic import make_data
from models.train_locator import heat_loss, main, offset_loss, score

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("portraits") / "data")


# Losses


def heat_by_hand(logits: np.ndarray, heat: np.ndarray) -> float:
    total, centres = 0.0, 0
    for logit, wanted in zip(logits.ravel(), heat.ravel(), strict=True):
        found = min(max(1 / (1 + math.exp(-logit)), 1e-4), 1 - 1e-4)
        if wanted == 1:
            total -= (1 - found) ** 2 * math.log(found)
            centres += 1
        elif wanted >= 0:
            total -= (1 - wanted) ** 4 * found**2 * math.log(1 - found)
    return total / max(1, centres)


def test_the_loss_of_the_heat_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    for centres in (0, 1, 5):
        logits = rng.normal(0, 4, (2, 1, 5, 7))
        heat = rng.uniform(0, 0.95, logits.shape)
        heat.flat[rng.permutation(heat.size)[:20]] = -1
        heat.flat[rng.permutation(heat.size)[:centres]] = 1
        loss = heat_loss(torch.from_numpy(logits).float(), torch.from_numpy(heat).float())
        assert loss.ndim == 0
        assert float(loss) == pytest.approx(heat_by_hand(logits, heat), rel=1e-4)


def test_nothing_is_asked_of_cells_where_either_is_right() -> None:
    heat = torch.zeros(1, 1, 4, 4)
    heat[..., 1, 1], heat[..., 2:, :] = 1, -1
    calm = torch.full((1, 1, 4, 4), -3.0)
    excited = torch.where(heat == -1, 9.0, calm).requires_grad_()
    loss = heat_loss(excited, heat)
    torch.testing.assert_close(loss, heat_loss(calm, heat))
    loss.backward()
    assert excited.grad is not None
    assert not excited.grad[heat == -1].any()
    assert bool((excited.grad[heat >= 0] != 0).all())
    assert float(heat_loss(calm, torch.full_like(heat, -1))) == 0


def test_the_loss_pulls_centres_up_and_the_rest_down_least_beside_a_centre() -> None:
    heat = torch.tensor([[[[1.0, 0.8, 0.0]]]])
    logits = torch.zeros(1, 1, 1, 3, requires_grad=True)
    heat_loss(logits, heat).backward()
    assert logits.grad is not None
    centre, beside, away = logits.grad.flatten().tolist()
    assert centre < 0 < beside < away


@pytest.mark.parametrize("logit", [-200.0, 200.0])
def test_the_loss_stays_finite_however_sure_the_network_is(logit: float) -> None:
    heat = torch.tensor([[[[1.0, 0.0]]]])
    logits = torch.full((1, 1, 1, 2), logit, requires_grad=True)
    loss = heat_loss(logits, heat)
    loss.backward()
    assert logits.grad is not None
    assert math.isfinite(loss.item())
    assert bool(torch.isfinite(logits.grad).all())


def test_offsets_are_judged_only_where_they_are_asked_for() -> None:
    wanted = torch.full((1, 6, 2, 2), torch.nan)
    wanted[0, :, 0, 1] = torch.arange(6.0)
    offsets = torch.full((1, 6, 2, 2), 99.0)
    offsets[0, :, 0, 1] = torch.arange(6.0)
    offsets.requires_grad_()
    assert offset_loss(offsets, wanted).item() == 0
    astray = offsets.detach().clone()
    astray[0, 2, 0, 1] += 3  # beyond 0.05, half of which is taken off
    astray[0, 4, 0, 1] -= 0.02  # below it, squared
    astray.requires_grad_()
    loss = offset_loss(astray, wanted)
    assert loss.item() == pytest.approx(((3 - 0.025) + 0.02**2 / 0.1) / 6, rel=1e-4)
    loss.backward()
    assert astray.grad is not None
    assert bool(torch.isfinite(astray.grad).all())
    assert set(torch.nonzero(astray.grad)[:, 1].tolist()) == {2, 4}


def test_no_offset_asked_for_is_no_loss() -> None:
    offsets = torch.ones(2, 6, 3, 3, requires_grad=True)
    loss = offset_loss(offsets, torch.full((2, 6, 3, 3), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert offsets.grad is not None
    assert not offsets.grad.any()


def test_the_score_is_the_mean_over_the_batches() -> None:
    def answer(image: torch.Tensor) -> torch.Tensor:
        return image[:, :1].expand(-1, 7, -1, -1)

    heat, wanted = torch.zeros(1, 1, 2, 2), torch.zeros(1, 6, 2, 2)
    images = [torch.full((1, 3, 2, 2), value) for value in (-1.0, 2.0)]
    found = score(answer, iter((image, heat, wanted) for image in images), 2, torch.device("cpu"))  # type: ignore[arg-type]
    assert found["heat"] == pytest.approx(np.mean([float(heat_loss(i[:, :1], heat)) for i in images]), abs=1e-4)
    assert found["offset"] == pytest.approx(np.mean([1 - 0.025, 2 - 0.025]), abs=1e-4)


# Training


def start(data: Path, out: Path, *options: str) -> int:
    tiny = ("--precision", "fp32", "--size", "48", "--portrait", "48", "--batch", "2", "--held-out", "1")
    return main(["--data", str(data), "--out", str(out), *tiny, "--log-every", "2", "--quiet", *options])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few grounds, and a network that computes sooner."""
    monkeypatch.setattr(locator_batches, "GROUNDS", 3)
    network = module.FaceLocator
    monkeypatch.setattr(module, "FaceLocator", lambda: network(LocatorConfig((8, 12, 16))))
    monkeypatch.setattr(module.FaceLocator, "multiple", network.multiple, raising=False)


def rows_of(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_training_leaves_weights_and_a_log(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs" / "locator.safetensors"
    assert start(data, out, "--steps", "4") == 0
    scores, place = capsys.readouterr().out.splitlines()
    assert place == f"Weights: {out}"
    *trained, last = rows_of(out)
    assert [row["step"] for row in trained] == [2, 4]
    assert all(math.isfinite(row[name]) for row in trained for name in ("heat", "offset"))
    assert last["step"] == 4
    assert last["val"] == json.loads(scores)
    assert last["val"].keys() == {"heat", "offset"}
    assert load_locator(out).config == LocatorConfig((8, 12, 16))


def test_training_follows_from_the_seed(data: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.safetensors" for name in ("first", "again", "other")]
    for path, seed in zip(paths, ("1", "1", "2"), strict=True):
        assert start(data, path, "--steps", "2", "--seed", seed) == 0
    first, again, other = (load_file(path) for path in paths)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_training_learns(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "locator.safetensors"
    assert start(data, out, "--steps", "50", "--batch", "6", "--lr", "0.05", "--log-every", "10") == 0
    *trained, last = rows_of(out)
    assert trained[-1]["heat"] < 0.6 * trained[0]["heat"]
    assert trained[-1]["offset"] < 0.75 * trained[0]["offset"]
    begun = tmp_path / "begun.safetensors"
    assert start(data, begun, "--steps", "9", "--minutes", "1e-9") == 0
    assert last["val"]["heat"] < 0.6 * rows_of(begun)[-1]["val"]["heat"]
    assert last["val"]["offset"] < rows_of(begun)[-1]["val"]["offset"]


def test_a_training_ends_when_its_time_is_up(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 15))  # each look at the clock is 15 seconds after the one before
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    out = tmp_path / "locator.safetensors"
    assert start(data, out, "--steps", "1000", "--minutes", "1", "--log-every", "1") == 0
    *trained, last = rows_of(out)
    assert 1 <= len(trained) <= 4
    assert last["step"] == trained[-1]["step"] == len(trained), "the steps that were done"
    assert "val" in last
    load_locator(out)


def test_no_time_at_all_leaves_untrained_weights(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "locator.safetensors"
    assert start(data, out, "--steps", "9", "--minutes", "1e-9") == 0
    (last,) = rows_of(out)
    assert last["step"] == 0
    assert not load_locator(out).state_dict()["stem.1.num_batches_tracked"]


def test_data_that_cannot_be_used(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert start(tmp_path / "nowhere", tmp_path / "locator.safetensors", "--steps", "1") == 1
    message = capsys.readouterr().err
    assert "Training cannot go on" in message
    assert "manifest.csv" in message
    assert not (tmp_path / "locator.safetensors").exists()


def test_a_place_that_cannot_be_written(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert start(data, tmp_path / "file" / "locator.safetensors", "--steps", "1") == 1
    assert "Training cannot go on" in capsys.readouterr().err


def test_a_training_that_is_interrupted_spares_the_older_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "locator.safetensors"
    out.write_text("older")
    monkeypatch.setattr(module, "follow", interrupt)
    assert start(data, out, "--steps", "4") == 130
    assert "Stopped before the end" in capsys.readouterr().err
    assert out.read_text() == "older"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--size", "40"), "a multiple of 16"),
        (("--size", "0"), "a multiple of 16"),
        (("--size", "-16"), "a multiple of 16"),
        (("--size", "big"), "invalid int"),
        (("--steps", "0"), "at least 1"),
        (("--batch", "0"), "at least 1"),
        (("--portrait", "47"), "48 pixels"),
        (("--minutes", "0"), "above 0"),
        (("--minutes", "-1"), "above 0"),
        (("--minutes", "nan"), "above 0"),
    ],
)
def test_bad_options(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], word: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        start(data, tmp_path / "locator.safetensors", "--steps", "1", *options)
    assert caught.value.code == 2
    assert word in capsys.readouterr().err
