"""What is exported besides the network's two halves: parts, int8 forms, and the check."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray

from models.checkpoints import load_generator
from models.export import CHECK, GRAPHS, INT8_GRAPHS, example, export_generator
from models.generator import DenseMappingNetwork
from models.local import PartDecode, WholeDecode
from models.synthetic import TINY


@pytest.fixture
def exported(model: Path) -> tuple[DenseMappingNetwork, Path]:
    """A network and the folder of its graphs."""
    return load_generator(model / "tiny.safetensors")[0], model / "graphs"


def run(graph: Path, given: dict[str, torch.Tensor]) -> list[NDArray[np.float32]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    outputs = session.run(None, {entry.name: given[entry.name].numpy() for entry in session.get_inputs()})
    return [np.asarray(output, np.float32) for output in outputs]


def picture(network: DenseMappingNetwork, height: int, width: int) -> dict[str, torch.Tensor]:
    made = example(network)
    labels = np.resize(made["labels"], (height, width))
    generator = torch.Generator().manual_seed(1)
    return {
        "labels": torch.from_numpy(labels)[None],
        "style": torch.from_numpy(made["style"])[None],
        "image": torch.rand(1, 3, height, width, generator=generator) * 2 - 1,
        "region": (torch.rand(1, 1, height, width, generator=generator) < 0.5).float(),
    }


def context(network: DenseMappingNetwork, given: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return (given["image"], given["region"]) if network.config.context else ()


@pytest.mark.parametrize(("height", "width"), [(64, 96), (128, 128)])
def test_decoding_leaves_what_parts_need(exported: tuple[DenseMappingNetwork, Path], height: int, width: int) -> None:
    network, folder = exported
    given = picture(network, height, width)
    with torch.inference_mode():
        expected = WholeDecode(network)(given["labels"], given["style"], *context(network, given))
    for made, wanted in zip(run(folder / "decode.onnx", given), expected, strict=True):
        np.testing.assert_allclose(made, wanted.numpy(), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("cells", [(2, 2), (3, 5)])
def test_parts_agree_with_the_network(exported: tuple[DenseMappingNetwork, Path], cells: tuple[int, int]) -> None:
    network, folder = exported
    step = 2**network.config.downsamplings
    given = picture(network, cells[0] * step, cells[1] * step)
    with torch.inference_mode():
        whole = picture(network, 128, 128)
        _, statistics, deep = WholeDecode(network)(whole["labels"], whole["style"], *context(network, whole))
        generator = torch.Generator().manual_seed(2)
        around = torch.randn(*deep.shape[:2], cells[0] + 2, cells[1] + 2, generator=generator)
        given |= {"statistics": statistics, "around": around, "origin": torch.tensor([step, 3 * step])}
        places = (given["labels"], given["style"], statistics, around, given["origin"])
        expected = PartDecode(network)(*places, *context(network, given))
    (made,) = run(folder / "part.onnx", given)
    np.testing.assert_allclose(made, expected.numpy(), atol=1e-3)


def test_int8_graphs_draw_about_the_same(exported: tuple[DenseMappingNetwork, Path]) -> None:
    network, folder = exported
    given = picture(network, 128, 128)
    exact, rough = (run(folder / name, given)[0] for name in ("decode.onnx", INT8_GRAPHS["decode.onnx"]))
    assert 0 < np.abs(rough - exact).mean() < 0.1
    assert (folder / INT8_GRAPHS["part.onnx"]).stat().st_size < (folder / "part.onnx").stat().st_size


def test_the_check_is_an_example_with_its_outcome(exported: tuple[DenseMappingNetwork, Path]) -> None:
    network, folder = exported
    with np.load(folder / CHECK) as kept:
        made = {name: kept[name] for name in kept.files}
    height, width = made["labels"].shape
    assert height % network.config.multiple == width % network.config.multiple == 0
    assert made["pixels"].shape == (height, width, 3) and made["pixels"].dtype == np.uint8
    given = {
        "labels": torch.from_numpy(made["labels"])[None],
        "image": torch.from_numpy(made["pixels"]).permute(2, 0, 1)[None].float() / 127.5 - 1,
        "region": torch.from_numpy(made["region"])[None, None],
        "style": torch.from_numpy(made["style"])[None],
    }
    np.testing.assert_allclose(run(folder / "encode.onnx", given)[0][0], made["style"], atol=1e-3)
    np.testing.assert_allclose(run(folder / "decode.onnx", given)[0][0].transpose(1, 2, 0), made["render"], atol=1e-3)


def test_without_ranges_there_are_no_int8_graphs(tmp_path: Path) -> None:
    export_generator(DenseMappingNetwork(TINY).eval(), "Tiny", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((*GRAPHS, CHECK))
