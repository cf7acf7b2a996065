"""The exported graphs of face parsers compute what the networks compute, for any number of pictures of any size."""

from pathlib import Path

import onnx
import pytest
import torch

from models import export_parser as module
from models.bisenet import BiSeNet, CelebAMaskParser
from models.export_parser import ParserModel, check_parser_export, export_parser, main, open_parser
from models.face_parser import FaceParser, ParserConfig, save_parser
from models.parser_facts import BISENET_LICENCE, GRAPH
from tests.golden import fill

AGREEMENT = 1e-3
"""What is promised; about 1e-6 is measured."""

pytestmark = pytest.mark.usefixtures("one_core")


def tiny() -> ParserModel:
    return ParserModel(fill(FaceParser(ParserConfig((4, 6, 8)))), "Tïny", 64, 8, mirror=True)


def published() -> ParserModel:
    """BiSeNet, at a smaller size that computes sooner."""
    return ParserModel(CelebAMaskParser(fill(BiSeNet())).eval(), "BiSeNet", 128, 32, False, BISENET_LICENCE)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "new" / "folder" / "parse.onnx"
    export_parser(tiny(), path)
    return path


def test_our_graph_agrees_with_the_network(graph: Path) -> None:
    differences = check_parser_export(tiny(), graph)
    assert set(differences) == {"1x64x64", "2x16x16", "3x24x40"}
    assert max(differences.values()) <= AGREEMENT


def test_bisenet_s_graph_agrees_with_the_network(tmp_path: Path) -> None:
    path = tmp_path / "parse.onnx"
    export_parser(published(), path)
    differences = check_parser_export(published(), path)
    assert set(differences) == {"1x128x128", "2x64x64", "3x96x160"}
    assert max(differences.values()) <= AGREEMENT
    path.unlink()  # 50 MB, which the runner would keep for a while


def test_the_check_finds_a_graph_of_other_weights_out(graph: Path) -> None:
    other = tiny()
    with torch.no_grad():
        other.network.get_parameter("head.bias").add_(torch.arange(76.0))
    assert min(check_parser_export(other, graph).values()) > AGREEMENT


def test_graphs_carry_what_is_needed_to_use_them(graph: Path) -> None:
    assert [path.name for path in graph.parent.iterdir()] == ["parse.onnx"], "one file, without litter"
    model = onnx.load(graph)
    onnx.checker.check_model(model)
    assert {prop.key: prop.value for prop in model.metadata_props} == {
        "network": GRAPH, "title": "Tïny", "size": "64", "multiple": "8", "mirror": "1", "licence": "",
    }  # fmt: skip
    assert published().metadata()["licence"] == BISENET_LICENCE
    assert published().metadata()["mirror"] == "0"


def test_a_failed_export_leaves_the_old_graph_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "parse.onnx").write_text("old")
    monkeypatch.setattr(module.torch.onnx, "export", fail)
    with pytest.raises(OSError, match="No space left"):
        export_parser(tiny(), tmp_path / "parse.onnx")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"parse.onnx": "old"}


def test_both_kinds_of_weight_files_open(tmp_path: Path) -> None:
    own, foreign = tmp_path / "parser.safetensors", tmp_path / "79999_iter.pth"
    save_parser(FaceParser(ParserConfig((4, 6, 8))), own)
    torch.save(
        {name: torch.zeros((), dtype=v.dtype).expand(v.shape) for name, v in BiSeNet().state_dict().items()}, foreign
    )
    ours, bisenet = open_parser(own), open_parser(foreign)
    assert (ours.size, ours.multiple, ours.mirror, ours.licence) == (256, 8, True, "")
    assert (bisenet.size, bisenet.multiple, bisenet.mirror, bisenet.licence) == (512, 32, False, BISENET_LICENCE)
    assert not ours.network.training
    assert not bisenet.network.training


@pytest.mark.parametrize("agrees", [True, False])
def test_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], agrees: bool
) -> None:
    made: list[Path] = []
    monkeypatch.setattr(module, "export_parser", lambda _model, path: made.append(path))
    # Not a number compares as neither more nor less than what is allowed.
    monkeypatch.setattr(module, "check_parser_export", lambda *_: {"1x8x8": 1e-6 if agrees else float("nan")})
    save_parser(FaceParser(ParserConfig((4, 6, 8))), tmp_path / "parser.safetensors")
    status = main([str(tmp_path / "parser.safetensors"), "--out", str(tmp_path / "parse.onnx")])
    assert made == [tmp_path / "parse.onnx"]
    captured = capsys.readouterr()
    assert status == (0 if agrees else 2)
    assert ("do not use this graph" in captured.err) != agrees
    assert "1x8x8" in captured.out


def test_command_line_with_files_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.pth").write_text("not weights")
    save_parser(FaceParser(ParserConfig((4, 6, 8))), tmp_path / "parser.safetensors")
    assert main([str(tmp_path / "notes.pth"), "--out", str(tmp_path / "parse.onnx")]) == 1
    assert capsys.readouterr().err.startswith("Export failed: notes.pth")
    assert main([str(tmp_path / "parser.safetensors"), "--out", str(tmp_path / "notes.pth" / "parse.onnx")]) == 1
    assert capsys.readouterr().err.startswith("Export failed: ")
