"""The face locator: its network, its weight files and its graph."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file

from models import export_locator as module
from models.checkpoints import save_generator
from models.config import WeightFileError
from models.dataset import read_picture
from models.export_locator import export_locator
from models.face_locator import (
    EYE_DISTANCES,
    NETWORK,
    POINTS,
    STRIDE,
    FaceLocator,
    LocatorConfig,
    load_locator,
    save_locator,
)
from models.generator import DenseMappingNetwork
from models.synthetic import TINY
from resources import RESOURCES
from tests.golden import fill, made_image

SHIPPED = RESOURCES / "weights" / "face-locator.safetensors"
SMALL = LocatorConfig((6, 8, 10))

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def network() -> FaceLocator:
    return fill(FaceLocator(SMALL))


# The network


@pytest.mark.parametrize(("height", "width"), [(16, 16), (32, 80), (112, 48)])
@torch.inference_mode()
def test_every_cell_gets_an_answer(network: FaceLocator, height: int, width: int) -> None:
    answer = network(made_image(height, width))
    assert answer.shape == (1, 1 + 2 * len(POINTS), height // STRIDE, width // STRIDE)
    assert answer.dtype == torch.float32
    assert bool(torch.isfinite(answer).all())


@torch.inference_mode()
def test_pictures_of_a_batch_do_not_influence_each_other(network: FaceLocator) -> None:
    both = torch.cat([made_image(32, 48), -made_image(32, 48)])
    torch.testing.assert_close(network(both)[1:], network(both[1:]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", [20, 24, 40])
def test_sides_must_be_multiples(network: FaceLocator, size: int) -> None:
    assert FaceLocator.multiple == 16
    with pytest.raises(RuntimeError), torch.inference_mode():
        network(torch.zeros(1, 3, size, 32))


@torch.inference_mode()
def test_what_is_moved_by_its_multiple_is_found_as_far_away(network: FaceLocator) -> None:
    """Far from the borders, every place is treated alike."""
    pattern, there, moved = made_image(48, 48), torch.zeros(1, 3, 480, 480), torch.zeros(1, 3, 480, 480)
    there[..., 192:240, 192:240] = pattern
    moved[..., 208:256, 224:272] = pattern
    near, far = network(there), network(moved)
    torch.testing.assert_close(far[..., 26:32, 28:34], near[..., 24:30, 24:30], atol=1e-4, rtol=0)
    assert not torch.allclose(far[..., 24:30, 24:30], near[..., 24:30, 24:30], atol=1e-3)


@torch.inference_mode()
def test_a_new_network_takes_faces_for_rare() -> None:
    torch.manual_seed(0)
    sure = torch.sigmoid(FaceLocator().eval()(made_image(64, 64))[:, :1])
    assert float(sure.mean()) < 0.05


@pytest.mark.parametrize(
    "channels", [(), (8,), (8, 8), (8,) * 4, (8, 8, 0), (8, 8, -1), (8, 8, 513), (8, 8, 8.0), (8, 8, "8"), (8, 8, True)]
)
def test_bad_configurations_are_refused(channels: tuple) -> None:
    with pytest.raises(ValueError, match=r"3 whole numbers in 1\.\.512"):
        LocatorConfig(channels)


def test_bounds_of_configurations() -> None:
    assert LocatorConfig((1, 512, 1)).channels == (1, 512, 1)
    assert LocatorConfig.from_json('{"channels": [4, 5, 6]}') == LocatorConfig((4, 5, 6))


# Weight files


@torch.inference_mode()
def test_a_saved_locator_comes_back_as_good_as_it_was(network: FaceLocator, tmp_path: Path) -> None:
    path = tmp_path / "new" / "locator.safetensors"
    save_locator(network.train(), path, "Made by a test")
    loaded = load_locator(path)
    assert loaded.config == SMALL
    assert not loaded.training
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    for name, value in network.eval().state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(loaded(made_image(32, 48)), network(made_image(32, 48)), rtol=0, atol=2e-2)
    assert {value.dtype for value in load_file(path).values()} == {torch.float16, torch.int64}
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def refused(path: Path, *words: str) -> WeightFileError:
    with pytest.raises(WeightFileError) as caught:
        load_locator(path)
    for text in (caught.value.message, caught.value.hint):
        assert text.endswith(".")
    for word in (path.name, *words):
        assert word in caught.value.message
    return caught.value


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "truncated", "noise"])
def test_files_that_cannot_be_read(network: FaceLocator, tmp_path: Path, harm: str) -> None:
    path = tmp_path / "locator.safetensors"
    save_locator(network, path)
    content = path.read_bytes()
    made = {"empty": b"", "text": b"No weights.\n" * 9, "truncated": content[:-9], "noise": bytes(range(256)) * 9}
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes(made[harm])
    refused(path, "does not exist" if harm == "missing" else "cannot be read")


def test_weights_of_another_network(tmp_path: Path) -> None:
    generator, plain = tmp_path / "generator.safetensors", tmp_path / "plain.safetensors"
    save_generator(DenseMappingNetwork(TINY), generator, "Tiny")
    save_file({"layer": torch.zeros(3)}, plain)
    for path in (generator, plain, RESOURCES / "weights" / "face-parser.safetensors"):
        assert "train_locator" in refused(path, "another network").hint


@pytest.mark.parametrize(
    "config",
    ["", "{", "[]", "null", "{}", '{"channels": 5}', '{"channels": [8, 8]}', '{"channels": [8, 8, "8"]}'],
)
def test_a_configuration_that_is_none(network: FaceLocator, tmp_path: Path, config: str) -> None:
    path = tmp_path / "locator.safetensors"
    save_file(network.state_dict(), path, {"network": NETWORK, "config": config})
    refused(path, "configuration")


@pytest.mark.parametrize(("change", "word"), [("other", "size mismatch"), ("less", "head.bias"), ("more", "extra")])
def test_weights_that_do_not_fit_their_configuration(
    network: FaceLocator, tmp_path: Path, change: str, word: str
) -> None:
    path, tensors = tmp_path / "locator.safetensors", dict(network.state_dict())
    if change == "less":
        del tensors["head.bias"]
    if change == "more":
        tensors["extra"] = torch.zeros(1)
    config = json.dumps({"channels": [6, 8, 12 if change == "other" else 10]})
    save_file(tensors, path, {"network": NETWORK, "config": config})
    refused(path, "configuration", word)


def test_the_locator_that_comes_with_the_program_is_small() -> None:
    assert SHIPPED.stat().st_size <= 2e6
    shipped = load_locator(SHIPPED)
    assert shipped.config == LocatorConfig(), "what a training makes by default"
    for name, value in shipped.state_dict().items():
        assert bool(torch.isfinite(value).all()), name


@torch.inference_mode()
def test_the_locator_that_comes_with_the_program_finds_the_sample_portraits_but_nothing_in_patterns() -> None:
    shipped = load_locator(SHIPPED)
    paths = sorted((RESOURCES / "samples").glob("*.jpg"))
    assert paths
    found = []
    for path in paths:
        # An aligned crop, whose eyes are about a quarter of its side apart, at the middle of the octave.
        pixels = read_picture(path)
        side = round(float(np.sqrt(np.prod(EYE_DISTANCES))) / 0.246 / 16) * 16
        small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32) / 127.5 - 1
        answer = shipped(torch.from_numpy(small.transpose(2, 0, 1))[None])
        found.append(float(torch.sigmoid(answer[:, 0]).max()))
    assert np.median(found) > 0.5
    assert float(torch.sigmoid(shipped(made_image(96, 96))[:, 0]).max()) < 0.3


# Graphs


@pytest.fixture(scope="module")
def graph(network: FaceLocator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "new" / "folder" / "locate.onnx"
    export_locator(network.train(), path)  # as one that was just trained
    return path


@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 32), (80, 144)])
def test_the_graph_agrees_with_the_network(network: FaceLocator, graph: Path, height: int, width: int) -> None:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    image = made_image(height, width)
    answer = np.asarray(session.run(None, {"image": image.numpy()})[0])
    with torch.inference_mode():
        torch.testing.assert_close(torch.from_numpy(answer), network.eval()(image), rtol=0, atol=1e-3)


def test_the_graph_is_one_whole_file(graph: Path) -> None:
    assert [path.name for path in graph.parent.iterdir()] == ["locate.onnx"], "one file, without litter"
    model = onnx.load(graph)
    onnx.checker.check_model(model)
    assert [one.name for one in model.graph.input] == ["image"]
    assert [one.name for one in model.graph.output] == ["answer"]


def test_a_failed_export_leaves_the_old_graph_and_no_litter(
    network: FaceLocator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "locate.onnx").write_text("old")
    monkeypatch.setattr(module.torch.onnx, "export", fail)
    with pytest.raises(OSError, match="No space left"):
        export_locator(network, tmp_path / "locate.onnx")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"locate.onnx": "old"}
