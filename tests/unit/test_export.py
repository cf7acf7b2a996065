"""The exported graphs compute what the network computes, at any size."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from models import export
from models.checkpoints import save_generator
from models.config import GeneratorConfig
from models.export import GRAPHS, export_generator, main
from models.generator import DenseMappingNetwork
from tests.golden import fill
from tests.made_data import TINY, TINY_PUBLISHED

CONFIGS = {"context": TINY, "published": TINY_PUBLISHED}
AGREEMENT = 1e-3
"""What the back ends promise each other; about 1e-6 is measured."""


@pytest.fixture(scope="module", params=list(CONFIGS))
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[GeneratorConfig, Path]:
    config = CONFIGS[request.param]
    folder = tmp_path_factory.mktemp("export") / "new" / "folder"
    export_generator(fill(DenseMappingNetwork(config)), f"Tïny {request.param}", folder)
    return config, folder


def run(graph: Path, inputs: dict[str, torch.Tensor]) -> NDArray[np.float32]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    assert {value.name for value in session.get_inputs()} == set(inputs)
    (output,) = session.run(None, {name: value.numpy() for name, value in inputs.items()})
    return np.asarray(output)


@pytest.mark.parametrize(("height", "width"), [(64, 64), (32, 96), (160, 128)])
@torch.inference_mode()
def test_graphs_agree_with_the_network(exported: tuple[GeneratorConfig, Path], height: int, width: int) -> None:
    config, folder = exported
    network = fill(DenseMappingNetwork(config))
    rng = np.random.default_rng(height + width)
    labels, edited = (torch.from_numpy(rng.integers(0, 19, (1, height, width)).astype(np.uint8)) for _ in range(2))
    image = torch.from_numpy(rng.uniform(-1, 1, (1, 3, height, width)).astype(np.float32))
    region = torch.from_numpy((rng.random((1, 1, height, width)) < 0.3).astype(np.float32))

    style = network.encode(labels, image)
    context = {"image": image, "region": region} if config.context else {}
    render = network.decode(edited, style, **context)

    differences = {
        "style": float(np.abs(run(folder / "encode.onnx", {"labels": labels, "image": image}) - style.numpy()).max()),
        "render": float(
            np.abs(run(folder / "decode.onnx", {"labels": edited, "style": style, **context}) - render.numpy()).max()
        ),
    }
    print(differences)
    assert max(differences.values()) <= AGREEMENT


def test_graphs_carry_what_is_needed_to_use_them(exported: tuple[GeneratorConfig, Path]) -> None:
    config, folder = exported
    assert sorted(path.name for path in folder.iterdir()) == sorted(GRAPHS), "each graph is one file, without litter"
    for name in GRAPHS:
        model = onnx.load(folder / name)
        onnx.checker.check_model(model)
        metadata = {prop.key: prop.value for prop in model.metadata_props}
        assert GeneratorConfig.from_json(metadata["config"]) == config
        assert json.loads(metadata["multiple"]) == config.multiple
        assert metadata["title"].startswith("Tïny")


def test_a_failed_export_leaves_the_old_graphs_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GRAPHS:
        (tmp_path / name).write_text("old")

    def fail(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export.torch.onnx, "export", fail)
    with pytest.raises(OSError, match="No space left"):
        export_generator(fill(DenseMappingNetwork(TINY)), "Tiny", tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(GRAPHS, "old")


def test_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []
    monkeypatch.setattr(export, "export_generator", lambda *args: seen.append(args))
    save_generator(fill(DenseMappingNetwork(TINY)), tmp_path / "net.safetensors", "Tiny")
    assert main([str(tmp_path / "net.safetensors"), "--out", str(tmp_path / "out")]) == 0
    ((network, title, folder),) = seen
    assert (network.config, title, folder) == (TINY, "Tiny", tmp_path / "out")
    assert "decode.onnx" in capsys.readouterr().out


def test_command_line_with_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.pth").write_text("not weights")
    assert main([str(tmp_path / "notes.pth"), "--out", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("Export failed: notes.pth")
    assert "Traceback" not in message
    assert not (tmp_path / "out").exists()


def test_command_line_with_a_folder_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_generator(fill(DenseMappingNetwork(TINY)), tmp_path / "net.safetensors", "Tiny")
    (tmp_path / "file").touch()
    assert main([str(tmp_path / "net.safetensors"), "--out", str(tmp_path / "file" / "out")]) == 1
    assert capsys.readouterr().err.startswith("Export failed: ")
