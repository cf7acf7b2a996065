"""The exported graphs compute what the network computes, at any size."""

import json
import shutil
from dataclasses import replace
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
from models.export import CHECK, GRAPHS, TOLERANCE, check_export, export_generator, main
from models.generator import DenseMappingNetwork, restyled
from models.synthetic import TINY, made_mask
from tests.fakes import TINY_PUBLISHED
from tests.golden import fill, made_image
from tests.networks import random_network

CONFIGS = {"context and region features": TINY, "published": replace(TINY_PUBLISHED, size=128)}
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
    output, *_ = session.run(None, {name: value.numpy() for name, value in inputs.items()})
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


@torch.inference_mode()
def test_another_portrait_s_hair_passes_through_the_graphs(exported: tuple[GeneratorConfig, Path]) -> None:
    config, folder = exported
    network = fill(DenseMappingNetwork(config))
    labels = torch.from_numpy(made_mask(64))[None]
    image, region = made_image(64, 64), torch.ones(1, 1, 64, 64)
    own, donor = (
        torch.from_numpy(run(folder / "encode.onnx", {"labels": labels, "image": x})) for x in (image, -image)
    )
    renders = []
    # Without region features there is but one look for all classes.
    mixed = restyled(config, own, donor, (13,)) if config.region_features else donor
    context = {"image": image, "region": region} if config.context else {}
    for style in (own, mixed):
        renders.append(run(folder / "decode.onnx", {"labels": labels, "style": style, **context}))
        expected = network.decode(labels, style, **context)
        np.testing.assert_allclose(renders[-1], expected.numpy(), rtol=0, atol=AGREEMENT)
    assert abs(renders[0] - renders[1]).max() > 10 * AGREEMENT


def test_the_check_finds_agreement_at_each_size(exported: tuple[GeneratorConfig, Path]) -> None:
    config, folder = exported
    differences = check_export(fill(DenseMappingNetwork(config)), folder)
    last = max(config.size, 128)  # three sizes, for the smallest network too
    assert set(differences) == {"64x64", "96x160", f"{last}x{last}"}
    assert max(differences.values()) <= AGREEMENT < TOLERANCE


def test_the_check_finds_graphs_of_other_weights_out(exported: tuple[GeneratorConfig, Path]) -> None:
    config, folder = exported
    assert min(check_export(random_network(config, seed=1), folder).values()) > TOLERANCE


@pytest.mark.parametrize("half", GRAPHS[:2])
def test_the_check_looks_at_both_graphs(exported: tuple[GeneratorConfig, Path], half: str) -> None:
    config, folder = exported
    network, other = fill(DenseMappingNetwork(config)), random_network(config, seed=1).state_dict()
    encoder = ("enc_style.", "enc_label.")
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name.startswith(encoder) == (half == "encode.onnx"):
                value.copy_(other[name])
    # The network's own style code is what both are given to decode, so that one half says nothing of the other.
    assert min(check_export(network, folder).values()) > TOLERANCE


def test_graphs_carry_what_is_needed_to_use_them(exported: tuple[GeneratorConfig, Path]) -> None:
    config, folder = exported
    assert sorted(path.name for path in folder.iterdir()) == sorted((*GRAPHS, CHECK)), (
        "each is one file, without litter"
    )
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


def export_with(network: DenseMappingNetwork, graphs: Path, folder: Path, patch: pytest.MonkeyPatch) -> int:
    """Run the command on a network, but let graphs made before come of it, as exporting takes long."""
    seen = []

    def copied(*args: object) -> None:
        seen.append(args)
        shutil.copytree(graphs, folder / "out")

    patch.setattr(export, "export_generator", copied)
    save_generator(network, folder / "net.safetensors", "Tiny", half=False)
    status = main([str(folder / "net.safetensors"), "--out", str(folder / "out")])
    ((given, title, out),) = seen
    assert (given.config, title, out) == (network.config, "Tiny", folder / "out")
    return status


def test_command_line(
    exported: tuple[GeneratorConfig, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    config, graphs = exported
    assert export_with(fill(DenseMappingNetwork(config)), graphs, tmp_path, monkeypatch) == 0
    captured = capsys.readouterr()
    assert "decode.onnx" in captured.out
    assert "96x160" in captured.out
    assert captured.err == ""


@pytest.mark.parametrize("fault", ["other weights", "not a number"])
def test_graphs_that_compute_something_else_have_a_status_of_their_own(
    exported: tuple[GeneratorConfig, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    fault: str,
) -> None:
    config, graphs = exported
    network = random_network(config, seed=1) if fault == "other weights" else fill(DenseMappingNetwork(config))
    if fault == "not a number":
        # It compares as neither more nor less than what is allowed.
        with torch.no_grad():
            network.get_parameter("model.1.bias").fill_(torch.nan)
    assert export_with(network, graphs, tmp_path, monkeypatch) == 2
    assert "do not use these graphs" in capsys.readouterr().err


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
