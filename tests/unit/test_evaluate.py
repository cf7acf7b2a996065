"""The evaluation, end to end on made-up portraits; test_measurements.py has its parts."""

import contextlib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from models import evaluate
from models.evaluate import main
from models.face_parser import FaceParser, save_parser
from models.synthetic import SMOKE_PARSER, make_data
from tests.fakes import tiny_published_weights, tiny_weights
from tests.unit.test_fidelity import tiny_recogniser

SIDE = 64
EDITS = ["glasses_added.jpg", "hair_lengthened.jpg", "smile_opened.jpg", "hair_recoloured.jpg"]

pytestmark = pytest.mark.usefixtures("one_core")


# From weights to a report


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data (six portraits to train on, three for validation) and all the networks."""
    folder = tmp_path_factory.mktemp("material")
    make_data(folder / "data", 9, SIDE)
    tiny_weights(folder / "net.safetensors")
    tiny_published_weights(folder / "published.pth")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_parser(FaceParser(SMOKE_PARSER).eval(), folder / "parser.safetensors")
    tiny_recogniser(folder / "face.onnx")
    return folder


def start(material: Path, out: Path, *options: str, weights: str = "net.safetensors", data: str = "data") -> int:
    """Run the command; later options take the place of earlier ones."""
    files = [str(material / weights), "--data", str(material / data), "--parser", str(material / "parser.safetensors")]
    return main([*files, "--out", str(out), "--quiet", "--pairs", "6", *options])


@pytest.fixture(scope="module")
def measured(material: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of an evaluation, and what the command printed."""
    out, printed = tmp_path_factory.mktemp("evaluation") / "new" / "folder", io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert start(material, out, "--arcface", str(material / "face.onnx")) == 0
    return out, printed.getvalue()


def leaves(value: object) -> list[object]:
    if isinstance(value, dict | list):
        return [leaf for part in (value.values() if isinstance(value, dict) else value) for leaf in leaves(part)]
    return [value]


def read(out: Path) -> dict:
    return json.loads((out / "report.json").read_text(encoding="utf-8"))


def test_an_evaluation_leaves_a_report_and_sheets(measured: tuple[Path, str]) -> None:
    out, _ = measured
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*EDITS, "nearest_training_portraits.jpg", "report.json", "report.md"]
    )
    report = read(out)
    assert list(report) == [
        "model", "weights", "portraits", "split", "size", "machine", "labels", "reconstruction", "style_copy",
        "set_distances", "identity", "recital", "sheets",
    ]  # fmt: skip
    assert [report[name] for name in ("model", "weights", "portraits", "split", "size")] == [
        "Tiny", "net.safetensors", 3, "val", SIDE,
    ]  # fmt: skip
    assert report["labels"]["largest_change_outside_edits"] == 0
    assert report["reconstruction"]["regions"] == 2 * 3
    assert report["style_copy"]["hair"]["pairs"] == 6
    assert report["set_distances"]["features"] == "face parser"
    assert -1 <= report["identity"]["whole_renders_mean_cosine"] <= 1
    assert report["sheets"] == EDITS
    numbers = [leaf for leaf in leaves(report) if isinstance(leaf, int | float)]
    assert len(numbers) > 50
    assert np.isfinite(numbers).all()


def test_made_up_portraits_of_one_colour_have_no_share_of_a_way(measured: tuple[Path, str]) -> None:
    for row in read(measured[0])["style_copy"].values():
        assert row["pairs_far_apart"] == 0
        assert row["share_of_the_way"] is None
        assert row["lab_distance_left"] > 0


def test_the_command_prints_the_report_and_where_it_is(measured: tuple[Path, str]) -> None:
    out, printed = measured
    text, _, place = printed.partition("Report: ")
    assert json.loads(text) == read(out)
    assert place.strip() == str(out / "report.md")


def test_sheets_hold_three_pictures_a_face(measured: tuple[Path, str]) -> None:
    out, _ = measured
    sizes = {}
    for path in out.glob("*.jpg"):
        with Image.open(path) as sheet:
            sizes[path.name] = sheet.size
            assert np.asarray(sheet).std() > 5
    # Nine tiles: two rows of six places, and one of twelve smaller ones.
    assert sizes == {**dict.fromkeys(EDITS, (6 * SIDE, 2 * SIDE)), "nearest_training_portraits.jpg": (12 * 96, 96)}


def test_the_page_shows_every_figure_and_every_sheet(measured: tuple[Path, str]) -> None:
    out, _ = measured
    page, report = (out / "report.md").read_text(encoding="utf-8"), read(out)
    shown = set(re.findall(r"-?\d+\.?\d*(?:e-?\d+)?|None", page))
    for leaf in leaves(report):
        if leaf is None or isinstance(leaf, int | float):
            assert str(leaf) in shown
    for name in (*report["labels"]["whole"]["iou"], "thumbnail", "features", "skin", "hair", "Telea", "Identity"):
        assert name in page
    pictures = re.findall(r"!\[\w+\]\(([^)]+)\)", page)
    assert sorted(pictures) == sorted(path.name for path in out.glob("*.jpg"))
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in tables)
    assert page.startswith("# Tiny: evaluation\n")


def test_the_page_lists_a_class_that_only_an_edit_shows(measured: tuple[Path, str], tmp_path: Path) -> None:
    report = read(measured[0])
    report["labels"]["composed"]["iou"]["mouth"] = 0.4321
    evaluate.write_report(report, tmp_path)
    assert "| mouth | - | - | 0.4321 | - |" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_same_evaluation_gives_the_same_figures(
    material: Path, measured: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(material, tmp_path) == 0
    expected = read(measured[0])
    del expected["identity"]
    assert read(tmp_path) == expected
    assert "Identity" not in (tmp_path / "report.md").read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""


def test_a_published_network_is_evaluated_at_another_size_and_on_fewer_portraits(
    material: Path, tmp_path: Path
) -> None:
    options = ("--size", "32", "--limit", "2", "--regions", "1", "--split", "train")
    assert start(material, tmp_path, *options, weights="published.pth") == 0
    report = read(tmp_path)
    assert report["model"] == "MaskGAN (published)"
    assert [report[name] for name in ("portraits", "split", "size")] == [2, "train", 32]
    assert report["reconstruction"]["regions"] == 2
    assert report["labels"]["largest_change_outside_edits"] == 0


# What goes wrong


def fails(capsys: pytest.CaptureFixture[str], status: int, *words: str) -> None:
    message = capsys.readouterr().err
    assert status == 1
    assert message.startswith("Evaluation cannot go on: ")
    assert "Traceback" not in message
    for word in words:
        assert word in message


def test_missing_or_foreign_files(material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    fails(capsys, start(material, out, weights="none.safetensors"), "none.safetensors", "does not exist")
    fails(capsys, start(material, out, weights="parser.safetensors"), "parser.safetensors", "another network")
    fails(capsys, start(material, out, "--parser", str(material / "none")), "none", "does not exist")
    fails(capsys, start(material, out, "--parser", str(material / "net.safetensors")), "face parser")
    fails(capsys, start(material, out, data="none"), "none", "manifest.csv")
    fails(capsys, start(material, out, "--split", "test"), "'test'")
    assert not out.exists()


def test_identity_and_inception_networks_are_tried_before_anything_is_measured(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluate, "label_accuracy", None)
    for option in ("--arcface", "--inception"):
        fails(capsys, start(material, tmp_path, option, str(tmp_path / "none")), "none", f"leave {option} out")


def test_two_portraits_are_needed(material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_data(tmp_path / "data", 3, SIDE)  # of which one is for validation
    fails(capsys, start(material, tmp_path, "--data", str(tmp_path / "data")), "'val'", "two portraits")
    fails(capsys, start(material, tmp_path, "--limit", "1"), "two portraits")


def test_a_size_that_the_networks_do_not_take(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fails(capsys, start(material, tmp_path, "--size", "50"), "multiple of 32", "50", "--size")


@pytest.mark.parametrize("option", ["--size", "--limit", "--regions", "--pairs"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_numbers_that_make_no_sense(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        start(material, tmp_path, option, value)
    assert caught.value.code == 2
    message = capsys.readouterr().err
    assert option in message
    assert value in message


def test_a_folder_that_cannot_be_made(material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    fails(capsys, start(material, tmp_path / "file" / "out"), "file")
    fails(capsys, start(material, tmp_path / "file"), "file")


def test_a_report_that_cannot_be_written(material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "report.md").mkdir()
    fails(capsys, start(material, tmp_path, "--regions", "1"), "report.md")
