"""Int8: ranges of activations, the file that keeps them, and rewritten graphs."""

import hashlib
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from models import calibrate, quantize
from models.calibrate import INPUTS, psnr
from models.checkpoints import save_generator
from models.export import INT8_GRAPHS, export_generator
from models.face_parser import FaceParser, save_parser
from models.generator import DenseMappingNetwork
from models.quantize import (
    Quantization,
    calibrate_on,
    convolutions,
    int8_weights,
    quantize_graph,
    simulated_edits,
    steps_of,
)
from models.quiet import kept_core, openvino_runtime
from models.synthetic import SMOKE_PARSER, make_data
from tests.fakes import tiny_weights
from tests.networks import made_portraits, random_network

pytestmark = pytest.mark.usefixtures("one_core")

ID = "0123456789abcdef"
GOOD = Quantization(ID, {"model.1": (-1.5, 2.0), "model.4": (0.0, 1.0)}, ("model.1",), {"psnr": 50.5, "by": "this"})


# Numbers


@pytest.mark.parametrize("axis", [0, 1])
def test_each_output_channel_has_a_step_of_its_own(axis: int) -> None:
    weights = np.zeros((3, 2, 1, 1), np.float32)
    weights[:, :, 0, 0] = [[1.27, -0.635], [0, 0], [0.005, -12.7]]
    whole, steps = int8_weights(weights if axis == 0 else weights.swapaxes(0, 1), axis)
    whole = whole if axis == 0 else whole.swapaxes(0, 1)
    assert whole.dtype == np.int8
    assert steps.dtype == np.float32
    assert whole[:, :, 0, 0].tolist() == [[127, -64], [0, 0], [0, -127]]  # 63.5 is rounded to even
    assert steps == pytest.approx([0.01, 1 / 127, 0.1])


def test_steps_hit_zero_and_span_the_range() -> None:
    step, zero = steps_of((0.0, 5.1), signed=False)
    assert (float(step), int(zero), zero.dtype) == (pytest.approx(0.02), 0, np.uint8)
    step, zero = steps_of((-1.0, 3.0), signed=False)
    assert (float(step), int(zero), zero.dtype) == (pytest.approx(4 / 255), 64, np.uint8)
    step, zero = steps_of((-2.0, 0.0), signed=False)
    assert (float(step), int(zero)) == (pytest.approx(2 / 255), 255)
    step, zero = steps_of((-1.0, 2.54), signed=True)
    assert (float(step), int(zero), zero.dtype) == (pytest.approx(0.02), 0, np.int8)
    assert steps_of((0.0, 2.55), signed=True)[1].dtype == np.uint8


def test_psnr_is_of_the_range_of_renders() -> None:
    made = np.full((1, 3, 4, 4), 0.2, np.float32)
    assert psnr(made, np.zeros_like(made)) == pytest.approx(20, abs=1e-5)
    assert psnr(made, made) == 120


# Graphs


def write_small_graph(path: Path) -> dict[str, NDArray[np.float32]]:
    """Write a graph of a convolution and a transposed one, which also gives its middle away; returns the weights."""
    rng = np.random.default_rng(0)
    weights = {
        "network.model.1.weight": rng.normal(0, 1, (4, 2, 3, 3)).astype(np.float32),
        "network.model.1.bias": rng.normal(0, 1, 4).astype(np.float32),
        "network.model.4.weight": rng.normal(0, 1, (4, 3, 4, 4)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Conv", ["x", "network.model.1.weight", "network.model.1.bias"], ["middle"], pads=[1] * 4),
        helper.make_node("ConvTranspose", ["middle", "network.model.4.weight"], ["y"], strides=[2, 2], pads=[1] * 4),
        helper.make_node("Identity", ["network.model.1.bias"], ["bias"]),
    ]
    shapes = {"y": [1, 3, None, None], "middle": [1, 4, None, None], "bias": [4]}
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2, None, None])]
    tensors = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "small", given, outputs, tensors),
        opset_imports=[helper.make_opsetid("", 20)],
        ir_version=10,
    )
    helper.set_model_props(model, {"config": "{}", "title": "Tïny"})
    onnx.save(model, path)
    return weights


def run(graph: Path, feed: dict[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, feed)]


def rounded(x: Tensor, pair: tuple[float, float], signed: bool) -> Tensor:
    step, zero = (float(value) for value in steps_of(pair, signed))
    low = -128 if signed and pair[0] < 0 else 0
    return (torch.clamp(torch.round(x / step) + zero, low, low + 255) - zero) * step


def rounded_weights(weights: NDArray[np.float32], axis: int) -> Tensor:
    whole, steps = int8_weights(weights, axis)
    return torch.from_numpy(whole * steps.reshape([-1 if index == axis else 1 for index in range(4)]))


def test_a_graph_computes_with_what_is_rounded(tmp_path: Path) -> None:
    weights = write_small_graph(tmp_path / "small.onnx")
    ranges = {"model.1": (-1.0, 2.0), "model.4": (-5.0, 6.0)}
    quantize_graph(tmp_path / "small.onnx", tmp_path / "new" / "int8.onnx", Quantization(ID, ranges))
    x = np.random.default_rng(1).uniform(-1.5, 2.5, (1, 2, 8, 6)).astype(np.float32)
    y, middle, bias = run(tmp_path / "new" / "int8.onnx", {"x": x})
    conv = nn.functional.conv2d(
        rounded(torch.from_numpy(x), ranges["model.1"], False),
        rounded_weights(weights["network.model.1.weight"], 0),
        torch.from_numpy(weights["network.model.1.bias"]),
        padding=1,
    )
    up = nn.functional.conv_transpose2d(
        rounded(torch.from_numpy(middle), ranges["model.4"], True),
        rounded_weights(weights["network.model.4.weight"], 1),
        stride=2,
        padding=1,
    )
    assert middle == pytest.approx(conv.numpy(), abs=1e-4)
    assert y == pytest.approx(up.numpy(), abs=1e-4)
    assert bias == pytest.approx(weights["network.model.1.bias"])
    exact = run(tmp_path / "small.onnx", {"x": x})
    assert np.abs(exact[0] - y).max() > 1e-3


def test_what_a_graph_tells_of_itself_stays(tmp_path: Path) -> None:
    write_small_graph(tmp_path / "small.onnx")
    quantize_graph(tmp_path / "small.onnx", tmp_path / "int8.onnx", replace(GOOD, exact=("model.1",)))
    old, new = onnx.load(tmp_path / "small.onnx"), onnx.load(tmp_path / "int8.onnx")
    onnx.checker.check_model(new, full_check=True)
    assert list(old.metadata_props) == list(new.metadata_props)
    assert list(old.graph.input) == list(new.graph.input)
    assert list(old.graph.output) == list(new.graph.output)
    assert [node.op_type for node in new.graph.node].count("QuantizeLinear") == 1
    kinds = {tensor.name: tensor.data_type for tensor in new.graph.initializer}
    assert kinds["network.model.1.weight"] == TensorProto.FLOAT
    assert "network.model.4.weight" not in kinds
    assert TensorProto.INT8 in kinds.values()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["int8.onnx", "small.onnx"]


@pytest.mark.parametrize(
    "ranges", [{"model.7": (0.0, 1.0)}, {"model.1": (0.0, 1.0), "enc_style.model.0.conv": (0.0, 1.0)}]
)
def test_a_graph_of_none_of_the_layers_is_refused(tmp_path: Path, ranges: quantize.Ranges) -> None:
    write_small_graph(tmp_path / "small.onnx")
    exact = tuple(name for name in ranges if name == "model.1")
    with pytest.raises(ValueError, match=r"small\.onnx has none"):
        quantize_graph(tmp_path / "small.onnx", tmp_path / "int8.onnx", Quantization(ID, ranges, exact))
    assert not (tmp_path / "int8.onnx").exists()


def test_a_graph_is_not_rounded_twice(tmp_path: Path) -> None:
    write_small_graph(tmp_path / "small.onnx")
    found = Quantization(ID, {"model.1": (-1.0, 1.0), "model.4": (-1.0, 1.0)})
    quantize_graph(tmp_path / "small.onnx", tmp_path / "int8.onnx", found)
    before = (tmp_path / "int8.onnx").read_bytes()
    with pytest.raises(ValueError, match="none"):
        quantize_graph(tmp_path / "int8.onnx", tmp_path / "int8.onnx", found)
    assert (tmp_path / "int8.onnx").read_bytes() == before


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        quantize_graph(tmp_path / "none.onnx", tmp_path / "int8.onnx", GOOD)
    write_small_graph(tmp_path / "small.onnx")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        quantize_graph(tmp_path / "small.onnx", tmp_path / "file" / "int8.onnx", GOOD)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, one_core: None) -> tuple[Path, Quantization]:
    folder, network = tmp_path_factory.mktemp("int8"), random_network()
    found = calibrate_on(network, made_portraits(), 8)
    export_generator(network, "Tiny", folder, found)
    return folder, found


def rounding_network(found: Quantization) -> DenseMappingNetwork:
    """Return the network with rounded weights and inputs, which says what its int8 graph should compute."""
    network = random_network()

    def rounds(pair: tuple[float, float], signed: bool) -> Callable[[nn.Module, tuple[Tensor, ...]], Tensor]:
        return lambda _, given: rounded(given[0], pair, signed)

    for name, module in convolutions(network).items():
        if name in found.exact:
            continue
        signed = isinstance(module, nn.ConvTranspose2d)
        module.weight.data = rounded_weights(module.weight.detach().numpy(), int(signed))
        module.register_forward_pre_hook(rounds(found.ranges[name], signed))
    return network


def test_the_exported_graph_computes_what_a_rounding_network_does(exported: tuple[Path, Quantization]) -> None:
    folder, found = exported
    network, rounding = random_network(), rounding_network(found)
    (edit,) = simulated_edits(network, made_portraits(), 1, seed=5)
    with torch.inference_mode():
        exact, wanted = network.decode(*edit).numpy(), rounding.decode(*edit).numpy()
    feed = {name: value.numpy() for name, value in zip(INPUTS, edit, strict=True)}
    render = run(folder / INT8_GRAPHS["decode.onnx"], feed)[0]
    agreement, error = psnr(render, wanted), psnr(render, exact)
    print(agreement, error)
    assert error > 35
    assert agreement > error + 10


def installed_openvino() -> Any:
    """Return the module; skips the test where there is none."""
    try:
        return openvino_runtime()
    except ImportError:
        pytest.skip("OpenVINO is not installed")


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have other kernels")
@pytest.mark.parametrize("graph", INT8_GRAPHS.values())
def test_openvino_computes_in_int8(exported: tuple[Path, Quantization], graph: str) -> None:
    openvino = installed_openvino()
    folder, found = exported
    compiled = kept_core(openvino.Core).compile_model(folder / graph, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kinds = []
    for node in compiled.get_runtime_model().get_ordered_ops():
        known = node.get_rt_info()
        if known["layerType"].astype(str) in ("Convolution", "Deconvolution"):
            kinds.append(known["runtimePrecision"].astype(str))
    assert len(kinds) == len(found.ranges)
    assert sorted(kinds).count("f32") == len(found.exact)


# The command


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("material")
    make_data(folder / "data")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        save_parser(FaceParser(SMOKE_PARSER).eval(), folder / "parser.safetensors")
    tiny_weights(folder / "net.safetensors")
    return folder


@pytest.mark.parametrize("runtime", ["OpenVINO", "ONNX Runtime"])
def test_the_command_writes_what_it_found(
    material: Path,
    exported: tuple[Path, Quantization],
    tmp_path: Path,
    runtime: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write(network: DenseMappingNetwork, title: str, folder: Path, found: Quantization) -> None:
        """Save the time of exporting the same network again."""
        shutil.copy(exported[0] / "decode.onnx", folder)
        quantize_graph(folder / "decode.onnx", folder / INT8_GRAPHS["decode.onnx"], found)

    monkeypatch.setattr(calibrate, "export_generator", write)
    if runtime == "OpenVINO":
        installed_openvino()
    if runtime == "ONNX Runtime":
        monkeypatch.setitem(sys.modules, "openvino", None)
    weights, out = material / "net.safetensors", tmp_path / "new" / "net.int8.json"
    files = [str(weights), "--data", str(material / "data"), "--parser", str(material / "parser.safetensors")]
    options = ["--out", str(out), "--count", "3", "--check", "2", "--quiet"]
    assert calibrate.main(files + options) == 0
    text = out.read_text(encoding="utf-8")
    known = Quantization.from_json(text)
    assert known.model_id == hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
    measured = known.measured
    assert (measured["renders"], measured["size"], measured["calibrated_on"]) == (2, 64, 3)
    assert str(measured["runtime"]).startswith(runtime)
    assert 35 < float(measured["psnr_db_worst"]) <= float(measured["psnr_db_mean"]) < 100
    for key in ("pixel_accuracy", "mean_iou"):
        for kind in ("float32", "int8"):
            assert 0 <= float(measured[f"{kind}_{key}"]) <= 1
    assert str(tmp_path) not in text
    assert str(material) not in text
    printed = capsys.readouterr().out
    assert runtime in printed
    assert f"{measured['psnr_db_worst']} dB at worst" in printed


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], *words: str) -> None:
    assert calibrate.main([*arguments, "--quiet"]) == 1
    message = capsys.readouterr().err
    assert message.startswith("Calibration failed: ")
    assert all(word in message for word in words)


def test_the_command_says_what_is_wrong(
    material: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    network, parser, data = (str(material / name) for name in ("net.safetensors", "parser.safetensors", "data"))
    fails(capsys, [str(tmp_path / "none.safetensors"), "--parser", parser], "none.safetensors does not exist")
    fails(
        capsys, [network, "--parser", network, "--data", data], "net.safetensors holds the weights of another network"
    )
    fails(capsys, [network, "--parser", parser, "--data", str(tmp_path)], "manifest.csv")
    broken = random_network()
    with torch.no_grad():
        broken.get_parameter("model.1.weight")[0] = float("nan")
    save_generator(broken, tmp_path / "broken.safetensors", "Broken")
    fails(capsys, [str(tmp_path / "broken.safetensors"), "--parser", parser, "--data", data], "not finite")
    assert not (tmp_path / "broken.int8.json").exists()


def test_without_data_the_sample_portraits_serve(
    material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []

    def watched(network: DenseMappingNetwork, chosen: list, count: int, model_id: str) -> Quantization:
        given.append(len(chosen))
        assert all(labels.shape == (64, 64) and pixels.shape == (64, 64, 3) for labels, pixels in chosen)
        raise ValueError("enough")

    monkeypatch.setattr(calibrate, "calibrate_on", watched)
    files = [str(material / "net.safetensors"), "--parser", str(material / "parser.safetensors")]
    assert calibrate.main([*files, "--out", str(tmp_path / "out.json"), "--quiet"]) == 1
    assert given == [2]
