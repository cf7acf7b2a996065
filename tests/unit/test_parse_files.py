"""Face parsers that people bring: graphs made elsewhere, and files that are none."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from engine.parse import load_parser
from engine.types import ModelError
from models.parser_facts import BISENET_LICENCE, BISENET_MEAN, BISENET_STD, GRAPH
from resources.labels import BY_NAME, LABELS
from tests.fakes import check_error, make_portrait, tiny_weights


def crop(size: int) -> NDArray[np.uint8]:
    return make_portrait(size).pixels


# Graphs that people bring


def constant_graph(
    winner: int,
    batch: int | str = 1,
    sides: tuple[int | str, int | str] = (32, 32),
    channels: int = 3,
    classes: int = 19,
    coarse: int = 1,
    kind: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """Make a graph that calls every pixel by one class, the more certainly the brighter its first channel.

    That is its second output. The first one is too small to be labels, and the third calls everything background: other
    exports have such outputs besides, too.
    """
    weight = np.zeros((classes, channels, 1, 1), np.float32)
    bias = np.zeros(classes, np.float32)
    weight[winner % classes, 0], bias[winner % classes] = 1, 10
    constants = {"weight": weight, "bias": bias, "none": np.zeros_like(weight), "zero": np.zeros_like(bias)}
    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["summary"]),
        helper.make_node("Conv", ["image", "weight", "bias"], ["labels"], strides=[coarse, coarse]),
        helper.make_node("Conv", ["image", "none", "zero"], ["nothing"]),
    ]
    graph = helper.make_graph(
        nodes,
        "parser",
        [helper.make_tensor_value_info("image", kind, [batch, channels, *sides])],
        [helper.make_tensor_value_info(name, kind, [None] * 4) for name in ("summary", "labels", "nothing")],
        [helper.make_tensor(name, TensorProto.FLOAT, value.shape, value.ravel()) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize("label", LABELS, ids=lambda label: label.name)
def test_classes_of_a_foreign_graph_are_translated(tmp_path: Path, label) -> None:
    onnx.save(constant_graph(label.bisenet), tmp_path / "bisenet.onnx")
    parser = load_parser(tmp_path / "bisenet.onnx", "cpu")
    assert (parser.parse(crop(40)) == label.id).all()
    parser.close()


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, 32),
        ({"sides": (48, 48)}, 48),
        ({"batch": "n", "sides": ("h", "w")}, 512),
        ({"coarse": 4}, 32),
    ],
    ids=["fixed", "larger", "open", "coarse output"],
)
def test_foreign_graphs_of_several_kinds(tmp_path: Path, options: dict, size: int) -> None:
    path = tmp_path / "my parser.onnx"
    onnx.save(constant_graph(BY_NAME["hair"].bisenet, **options), path)
    parser = load_parser(path, "cpu")
    assert parser.info.title == "my parser"
    assert parser.info.size == size
    assert parser.info.licence == BISENET_LICENCE
    assert "non-commercial" in parser.info.licence
    shares = parser.probabilities(crop(50))
    assert shares.shape == (19, size, size)
    assert (shares.argmax(axis=0) == BY_NAME["hair"].id).all()
    parser.close()


def test_input_of_a_foreign_graph_is_normalised(tmp_path: Path) -> None:
    onnx.save(constant_graph(0), tmp_path / "bisenet.onnx")
    parser = load_parser(tmp_path / "bisenet.onnx", "cpu")
    for red in (0, 100, 255):
        shares = parser.probabilities(np.full((32, 32, 3), (red, 7, 9), np.uint8))
        logit = 10 + (red / 255 - BISENET_MEAN[0]) / BISENET_STD[0]
        np.testing.assert_allclose(shares[0], 1 / (1 + 18 * np.exp(-logit)), rtol=1e-5)
    parser.close()


def refused(path: Path, *words: str) -> None:
    with pytest.raises(ModelError) as error:
        load_parser(path, "cpu")
    check_error(error, path.name, *words)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"batch": 2}, ("1 x 3 x height x width",)),
        ({"channels": 1}, ("1 x 3 x height x width",)),
        ({"sides": (32, 48)}, ("square", "48 x 32")),
        ({"sides": (8, 8)}, ("16 to 2048",)),
        ({"sides": (4096, 4096)}, ("16 to 2048",)),
        ({"classes": 11}, ("1 x 19 x height x width",)),
    ],
    ids=["batch", "grey", "not square", "small", "huge", "classes"],
)
def test_graphs_that_do_something_else(tmp_path: Path, options: dict, words: tuple[str, ...]) -> None:
    path = tmp_path / "other.onnx"
    onnx.save(constant_graph(0, **options), path)
    refused(path, *words)


@pytest.mark.parametrize("size", ["0", "-256", "many", ""])
def test_a_graph_of_ours_with_senseless_metadata(tmp_path: Path, size: str) -> None:
    model = constant_graph(0)
    helper.set_model_props(model, {"network": GRAPH, "title": "x", "licence": "", "mirror": "0", "size": size})
    onnx.save(model, tmp_path / "ours.onnx")
    refused(tmp_path / "ours.onnx")


def test_graphs_of_other_inputs(tmp_path: Path) -> None:
    image, mask = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 32, 32]) for name in ("image", "mask"))
    whole = helper.make_tensor_value_info("whole", TensorProto.UINT8, [1, 3, 32, 32])
    flat = helper.make_tensor_value_info("flat", TensorProto.FLOAT, [1, 3])
    for inputs in ([image, mask], [whole], [flat]):
        node = helper.make_node("Identity", [inputs[0].name], ["out"])
        out = helper.make_empty_tensor_value_info("out")
        out.type.CopyFrom(inputs[0].type)
        model = helper.make_model(
            helper.make_graph([node], "other", inputs, [out]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        )
        onnx.save(model, tmp_path / "other.onnx")
        refused(tmp_path / "other.onnx", "one picture")


# Weight files


@pytest.mark.parametrize("name", ["parser.onnx", "parser.safetensors", "parser.pth"])
@pytest.mark.parametrize("content", [b"", b"This is no network.\n" * 20])
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name)


def test_files_that_are_missing_or_of_another_kind(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere.onnx", "does not exist")
    (tmp_path / "picture.png").touch()
    refused(tmp_path / "picture.png", "79999_iter.pth")
    refused(tiny_weights(tmp_path / "generator.safetensors"), "another network")
