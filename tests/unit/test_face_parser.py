"""The face parser: its network, its weight files, its training and its scores."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.checkpoints import save_generator
from models.config import WeightFileError
from models.dataset import PortraitDataset, Sample
from models.face_parser import NETWORK, FaceParser, ParserConfig, load_parser, save_parser
from models.generator import DenseMappingNetwork, one_hot
from models.metrics import confusion, label_scores
from models.synthetic import SMOKE_PARSER, TINY, made_mask, made_pixels, make_data
from models.train_parser import batches, class_weights, degrade, main, score
from tests.golden import fill, made_image

HAIR, SKIN, GLASSES = 13, 1, 3

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def network() -> FaceParser:
    return fill(FaceParser(SMOKE_PARSER))


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
    ["", "{", "[]", "null", "{}", '{"channels": 5}', '{"channels": []}', '{"channels": [8, "8"]}', '{"channels": [8]}'],
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
    save_file(tensors, path, {"network": NETWORK, "config": json.dumps({"channels": channels})})
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


def test_batches_are_pictures_with_their_labels_and_follow_from_the_seed(data: Path) -> None:
    portraits = PortraitDataset(data, "train", 64)
    image, labels = next(batches(portraits, 32, 5, seed=3))
    assert image.shape == (5, 3, 32, 32)
    assert image.dtype == torch.float32
    assert -1 <= float(image.min()) < -0.3
    assert 0.3 < float(image.max()) <= 1
    assert labels.shape == (5, 32, 32)
    assert labels.dtype == torch.int64
    again, other = (next(batches(portraits, 32, 5, seed)) for seed in (3, 4))
    assert torch.equal(again[0], image)
    assert torch.equal(again[1], labels)
    assert not torch.equal(other[0], image)


def test_labels_stay_with_their_picture_however_it_is_varied() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[8:30, 8:40] = SKIN  # nothing about it is symmetric
    pixels = np.where(labels[..., None] == SKIN, np.uint8(230), np.uint8(20)).repeat(3, axis=2)

    class OnePortrait:
        def __len__(self) -> int:
            return 1

        def __getitem__(self, index: int) -> Sample:
            return Sample("marked", pixels, labels)

        def weights(self) -> np.ndarray:
            return np.ones(1)

    image, mask = next(batches(OnePortrait(), 64, 16, seed=0))
    for bright, skin in zip(image.mean(dim=1) > 0, mask == SKIN, strict=True):
        assert float((bright == skin).float().mean()) > 0.96


def test_degrading_spares_the_picture_and_often_leaves_it_alone() -> None:
    pixels = made_pixels(made_mask(32))
    before, unaltered, grey = pixels.copy(), 0, 0
    for seed in range(100):
        degraded = degrade(pixels, np.random.default_rng(seed))
        assert degraded.shape == pixels.shape
        assert degraded.dtype == np.uint8
        assert np.abs(degraded.mean(axis=(0, 1)).mean() - pixels.mean()) < 8, "it is still that picture"
        unaltered += np.array_equal(degraded, before)
        grey += bool((degraded == degraded[..., :1]).all())
    np.testing.assert_array_equal(pixels, before)
    assert 25 < unaltered < 75
    assert 0 < grey < 25


def test_rare_classes_weigh_more_but_never_beyond_bounds() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[:40], labels[40:60], labels[0, :10], labels[1, 0] = HAIR, SKIN, 2, GLASSES
    weights = class_weights([Sample("x", np.zeros((100, 100, 3), np.uint8), labels)])
    assert weights.shape == (19,)
    assert weights.dtype == torch.float32
    assert float(weights[GLASSES]) == 3
    assert weights[0] < weights[SKIN] < weights[2] <= weights[GLASSES]
    assert float(weights.min()) >= 0.5
    assert float(weights[18]) == 1, "nothing is known of a class that does not occur"
    twice = class_weights([Sample("x", np.zeros((100, 100, 3), np.uint8), labels)] * 2)
    torch.testing.assert_close(twice, weights)


# Scores


class _AllHair(FaceParser):
    """Stands in for a parser that sees hair everywhere."""

    def forward(self, image: Tensor) -> Tensor:
        return one_hot(torch.full((len(image), *image.shape[2:]), HAIR))


def test_a_parser_is_scored_on_all_portraits_together() -> None:
    half, none = np.full((8, 8), SKIN, np.uint8), np.full((8, 8), SKIN, np.uint8)
    half[:4] = HAIR
    samples = [Sample("x", np.zeros((8, 8, 3), np.uint8), labels) for labels in (half, none)]
    network = _AllHair(SMOKE_PARSER).train()
    assert score(network, samples) == {
        "pixel_accuracy": 0.25,
        "mean_iou": 0.125,
        "iou": {"skin": 0.0, "hair": 0.25},
    }
    assert score(network, [replace(samples[0], labels=np.full((8, 8), HAIR, np.uint8))])["mean_iou"] == 1


def test_confusion_against_brute_force() -> None:
    wanted, found = np.random.default_rng(0).integers(0, 19, (2, 12, 9))
    counts = np.zeros((19, 19), int)
    for row, column in zip(wanted.ravel(), found.ravel(), strict=True):
        counts[row, column] += 1
    np.testing.assert_array_equal(confusion(wanted.astype(np.uint8), found), counts)


def test_scores_by_hand() -> None:
    counts = np.zeros((19, 19), np.int64)
    counts[SKIN, SKIN], counts[SKIN, HAIR], counts[HAIR, HAIR], counts[HAIR, 0] = 6, 2, 3, 1
    scores = label_scores(counts)
    assert scores["iou"] == {"skin": pytest.approx(6 / 8), "hair": pytest.approx(3 / 6)}, "background was not wanted"
    assert scores["mean_iou"] == pytest.approx((6 / 8 + 3 / 6) / 2)
    assert scores["pixel_accuracy"] == pytest.approx(9 / 12)
    assert json.loads(json.dumps(scores)) == scores


def test_nothing_to_score() -> None:
    assert label_scores(np.zeros((19, 19), np.int64)) == {"pixel_accuracy": 0.0, "mean_iou": 0.0, "iou": {}}
