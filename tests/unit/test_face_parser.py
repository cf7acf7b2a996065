"""The face parser: its network, its weight files and its training."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from models import train_parser as module
from models.checkpoints import save_generator
from models.config import WeightFileError
from models.dataset import PortraitDataset
from models.face_parser import NETWORK, FaceParser, ParserConfig, load_parser, save_parser
from models.generator import DenseMappingNetwork
from models.synthetic import SMOKE_PARSER, TINY, made_mask, make_data
from models.train_parser import class_weights, main, score
from resources import RESOURCES
from tests.golden import fill, made_image

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def network() -> FaceParser:
    return fill(FaceParser(SMOKE_PARSER))


def bare(channels: tuple[int, ...], residual: int = 0) -> FaceParser:
    """Return a parser whose residual blocks, if it has any, are as they start."""
    network = FaceParser(ParserConfig(channels, residual))
    network.load_state_dict(fill(FaceParser(ParserConfig(channels, 0))).state_dict(), strict=False)
    return network.eval()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_data(tmp_path_factory.mktemp("portraits") / "data")


# The network


@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40), (64, 32)])
@torch.inference_mode()
def test_every_pixel_gets_a_logit_for_each_class(network: FaceParser, height: int, width: int) -> None:
    image = made_image(height, width)
    features = network.features(image)
    assert [tuple(level.shape) for level in features] == [
        (1, 8, height // 2, width // 2),
        (1, 8, height // 4, width // 4),
        (1, 16, height // 8, width // 8),
    ]
    logits = network.label(features)
    assert logits.shape == (1, 19, height, width)
    assert bool(torch.isfinite(logits).all())
    assert torch.equal(network(image), logits)


@torch.inference_mode()
def test_every_level_decides_about_the_labels(network: FaceParser) -> None:
    features = network.features(made_image(32, 32))
    logits = network.label(features)
    for level in range(len(features)):
        altered = [value.flip(3) if index == level else value for index, value in enumerate(features)]
        assert not torch.allclose(network.label(altered), logits, atol=1e-3)


@torch.inference_mode()
def test_portraits_of_a_batch_do_not_influence_each_other(network: FaceParser) -> None:
    both = torch.cat([made_image(32, 32), -made_image(32, 32)])
    torch.testing.assert_close(network(both)[1:], network(both[1:]), atol=1e-4, rtol=0)


def test_each_level_halves_the_resolution() -> None:
    assert SMOKE_PARSER.multiple == 8
    assert ParserConfig().multiple == 32


@pytest.mark.parametrize("residual", [1, 2, 3])
@torch.inference_mode()
def test_residual_blocks_are_the_identity_to_begin_with(residual: int) -> None:
    plain, blocks = bare((8, 8, 16)), bare((8, 8, 16), residual)
    assert sum(name.endswith("body.2.weight") for name in blocks.state_dict()) == residual
    assert torch.equal(blocks(made_image(32, 32)), plain(made_image(32, 32)))
    assert torch.equal(blocks.train()(made_image(32, 32)), plain.train()(made_image(32, 32)))


@pytest.mark.parametrize("residual", [1, 2, 3])
@torch.inference_mode()
def test_residual_blocks_alter_the_coarsest_levels_once_they_have_learnt(residual: int) -> None:
    plain, blocks = bare((8, 8, 16)), bare((8, 8, 16), residual)
    fill(blocks.residual)
    levels = zip(plain.features(made_image(32, 32)), blocks.features(made_image(32, 32)), strict=True)
    altered = [not torch.allclose(before, after, atol=1e-3) for before, after in levels]
    assert altered == [index >= 3 - residual for index in range(3)]


@pytest.mark.parametrize("residual", [-1, 4, 1.0, "1", True, None])
def test_residual_blocks_are_on_levels_that_there_are(residual: object) -> None:
    with pytest.raises(ValueError, match=r"residual must be a whole number in 0\.\.3"):
        ParserConfig((8, 8, 16), residual)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [(), (8,), (8,) * 8, (8, 0), (8, -1), (8, 2000), (8, 8.0), (8, "8"), (8, True)])
def test_bad_configurations_are_refused(channels: tuple) -> None:
    with pytest.raises(ValueError, match=r"2 to 7 whole numbers in 1\.\.1024"):
        ParserConfig(channels)


# Weight files


@torch.inference_mode()
def test_a_saved_parser_comes_back_as_good_as_it_was(network: FaceParser, tmp_path: Path) -> None:
    path = tmp_path / "new" / "parser.safetensors"
    save_parser(network.train(), path, "Made by a test")
    loaded = load_parser(path)
    assert loaded.config == SMOKE_PARSER
    assert not loaded.training
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    for name, value in network.eval().state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(loaded(made_image(32, 32)), network(made_image(32, 32)), rtol=0, atol=2e-2)
    assert {value.dtype for value in load_file(path).values()} == {torch.float16, torch.int64}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@torch.inference_mode()
def test_a_file_from_before_there_were_residual_blocks_loads(tmp_path: Path) -> None:
    path, network = tmp_path / "parser.safetensors", bare((8, 8, 16))
    save_file(network.state_dict(), path, {"network": NETWORK, "config": '{"channels": [8, 8, 16]}'})
    loaded = load_parser(path)
    assert loaded.config == ParserConfig((8, 8, 16), 0)
    assert torch.equal(loaded(made_image(32, 32)), network(made_image(32, 32)))


@torch.inference_mode()
def test_the_parser_that_comes_with_the_program_is_small_and_sure() -> None:
    path = RESOURCES / "weights" / "face-parser.safetensors"
    network = load_parser(path)
    assert path.stat().st_size <= 6e6
    assert weight_count(network) <= 3_000_000
    logits = network(made_image(64, 96))
    assert logits.shape == (1, 19, 64, 96)
    assert bool(torch.isfinite(logits).all())


def test_the_default_parser_is_small() -> None:
    assert weight_count(FaceParser()) <= 3_000_000


def weight_count(network: FaceParser) -> int:
    return sum(value.numel() for value in network.parameters())


def refused(path: Path, *words: str) -> None:
    with pytest.raises(WeightFileError) as caught:
        load_parser(path)
    for text in (caught.value.message, caught.value.hint):
        assert text.endswith(".")
    for word in (path.name, *words):
        assert word in caught.value.message


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "truncated", "noise"])
def test_files_that_cannot_be_read(network: FaceParser, tmp_path: Path, harm: str) -> None:
    path = tmp_path / "parser.safetensors"
    save_parser(network, path)
    content = path.read_bytes()
    made = {"empty": b"", "text": b"No weights.\n" * 9, "truncated": content[:-9], "noise": bytes(range(256)) * 9}
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(made[harm])
    refused(path, "does not exist" if harm == "missing" else "cannot be read")


def test_weights_of_another_network(network: FaceParser, tmp_path: Path) -> None:
    generator, plain = tmp_path / "generator.safetensors", tmp_path / "plain.safetensors"
    save_generator(DenseMappingNetwork(TINY), generator, "Tiny")
    save_file({"layer": torch.zeros(3)}, plain)
    for path in (generator, plain):
        refused(path, "another network")
    with pytest.raises(WeightFileError) as caught:
        load_parser(generator)
    assert "train_parser" in caught.value.hint


@pytest.mark.parametrize(
    "config",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"channels": 5}',
        '{"channels": []}',
        '{"channels": [8, "8"]}',
        '{"channels": [8]}',
        '{"channels": [8, 8], "residual": 3}',
        '{"channels": [8, 8], "residual": null}',
    ],
)
def test_a_configuration_that_is_none(network: FaceParser, tmp_path: Path, config: str) -> None:
    path = tmp_path / "parser.safetensors"
    save_file(network.state_dict(), path, {"network": NETWORK, "config": config})
    refused(path, "configuration")


@pytest.mark.parametrize(("change", "word"), [("other", "size mismatch"), ("less", "head.bias"), ("more", "extra")])
def test_weights_that_do_not_fit_their_configuration(
    network: FaceParser, tmp_path: Path, change: str, word: str
) -> None:
    path, tensors = tmp_path / "parser.safetensors", dict(network.state_dict())
    channels = [8, 8, 24] if change == "other" else [8, 8, 16]
    if change == "less":
        del tensors["head.bias"]
    if change == "more":
        tensors["extra"] = torch.zeros(1)
    save_file(tensors, path, {"network": NETWORK, "config": json.dumps({"channels": channels, "residual": 2})})
    refused(path, "configuration") if change == "other" else refused(path, "configuration", word)


# Training


def start(data: Path, out: Path, *options: str) -> int:
    tiny = ("--precision", "fp32", "--channels", "4", "8", "--size", "32", "--early-size", "16")
    short = ("--batch", "2", "--early-batch", "3", "--log-every", "4", "--quiet")
    return main(["--data", str(data), "--out", str(out), *tiny, *short, *options])


def test_a_training_leaves_weights_and_a_log(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "runs" / "parser.safetensors"
    assert start(data, out, "--steps", "8") == 0
    printed = capsys.readouterr().out
    assert str(out) in printed
    rows = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [4, 8, 8]
    assert all(np.isfinite(row["loss"]) for row in rows[:2])
    loaded = load_parser(out)
    assert loaded.config == ParserConfig((4, 8))
    # What stands in the log holds for the weights in the file, up to their being stored in half precision.
    scores = score(loaded, PortraitDataset(data, "val", 32).samples)
    assert rows[2]["val"]["pixel_accuracy"] == pytest.approx(scores["pixel_accuracy"], abs=0.01)
    assert rows[2]["val"]["iou"].keys() == scores["iou"].keys() == json.loads(printed.split("Weights")[0])["iou"].keys()


def test_training_follows_from_the_seed(data: Path, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.safetensors" for name in ("first", "again", "other")]
    for path, seed in zip(paths, ("1", "1", "2"), strict=True):
        assert start(data, path, "--steps", "3", "--seed", seed) == 0
    first, again, other = (load_file(path) for path in paths)
    assert all(torch.equal(value, again[name]) for name, value in first.items())
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_training_learns(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "parser.safetensors"
    options = ("--steps", "100", "--lr", "0.03", "--log-every", "20", "--early-size", "32", "--channels", "8", "16")
    assert start(data, out, *options) == 0
    *rows, last = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    most_common = np.bincount(made_mask(32).ravel()).max() / 32**2
    assert last["val"]["pixel_accuracy"] > (1 + most_common) / 2, "more than calling everything by one name"


def test_a_training_goes_on_from_a_parser_without_residual_blocks(data: Path, tmp_path: Path) -> None:
    older, out = tmp_path / "older.safetensors", tmp_path / "parser.safetensors"
    save_parser(bare((4, 8)), older)
    # So little time that not one step is done.
    assert start(data, out, "--steps", "8", "--minutes", "1e-9", "--residual", "2", "--init", str(older)) == 0
    begun = load_parser(out)
    assert begun.config == ParserConfig((4, 8), 2)
    # The same answers but for the weights of the classes, which are taken out at the end.
    weights = class_weights(PortraitDataset(data, "train", 32).samples).view(1, 19, 1, 1)
    with torch.inference_mode():
        expected = load_parser(older)(made_image(32, 32)) - weights.log()
        torch.testing.assert_close(begun(made_image(32, 32)), expected, rtol=0, atol=2e-3)
    *_, last = out.with_suffix(".jsonl").read_text().splitlines()
    assert json.loads(last)["step"] == 0
    assert start(data, out, "--steps", "2", "--residual", "2", "--init", str(older)) == 0
    assert bool(load_file(out)["residual.1.body.2.weight"].any()), "blocks learn, though they start as nothing"


@pytest.mark.parametrize(("channels", "residual"), [((4, 6), 0), ((4, 8, 8), 0), ((4, 8), 2)])
def test_a_parser_of_another_shape_is_nothing_to_go_on_from(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], channels: tuple[int, ...], residual: int
) -> None:
    older, out = tmp_path / "older.safetensors", tmp_path / "parser.safetensors"
    save_parser(FaceParser(ParserConfig(channels, residual)), older)
    assert start(data, out, "--steps", "1", "--residual", "1", "--init", str(older)) == 1
    message = capsys.readouterr().err
    assert message.startswith("Training cannot go on: older.safetensors")
    assert f"--channels {' '.join(map(str, channels))} and --residual {residual}" in message, "what would fit"
    assert not out.exists()


def test_a_parser_to_go_on_from_that_is_none(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "older.safetensors").write_text("no weights")
    for name in ("older.safetensors", "missing.safetensors"):
        assert start(data, tmp_path / "parser.safetensors", "--steps", "1", "--init", str(tmp_path / name)) == 1
        message = capsys.readouterr().err
        assert "Training cannot go on" in message
        assert name in message


def test_a_training_ends_when_its_time_is_up(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 100_000, 15))  # each look at the clock is 15 seconds after the one before
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: float(next(clock))))
    out = tmp_path / "parser.safetensors"
    assert start(data, out, "--steps", "1000", "--minutes", "1", "--log-every", "1") == 0
    rows = [json.loads(line) for line in out.with_suffix(".jsonl").read_text().splitlines()]
    *trained, last = rows
    assert 1 <= len(trained) <= 4
    assert last["step"] == trained[-1]["step"] == len(trained), "the steps that were done"
    assert "iou" in last["val"]
    assert load_parser(out).config.channels == (4, 8)


def test_a_training_that_is_interrupted_spares_the_older_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    out = tmp_path / "parser.safetensors"
    out.write_text("older")
    monkeypatch.setattr(module, "follow", interrupt)
    assert start(data, out, "--steps", "4") == 130
    assert "Stopped before the end" in capsys.readouterr().err
    assert out.read_text() == "older"


def test_data_that_cannot_be_used(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert start(tmp_path / "nowhere", tmp_path / "parser.safetensors", "--steps", "1") == 1
    message = capsys.readouterr().err
    assert "Training cannot go on" in message
    assert "manifest.csv" in message
    assert not (tmp_path / "parser.safetensors").exists()


def test_a_place_that_cannot_be_written(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert start(data, tmp_path / "file" / "parser.safetensors", "--steps", "1") == 1
    assert "Training cannot go on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("--channels", "8"), "2 to 7"),
        (("--channels", "8", "0"), "2 to 7"),
        (("--residual", "3"), "0..2"),
        (("--residual", "-1"), "0..2"),
        (("--minutes", "0"), "above 0"),
        (("--minutes", "nan"), "above 0"),
        (("--early-share", "0"), "above 0"),
        (("--size", "34"), "multiples of 4"),
        (("--early-size", "18"), "multiples of 4"),
        (("--size", "0"), "multiples of 4"),
    ],
)
def test_bad_options(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], word: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        start(data, tmp_path / "parser.safetensors", "--steps", "1", *options)
    assert caught.value.code == 2
    assert word in capsys.readouterr().err
