"""BiSeNet, against stored numbers and by its properties, and its weight files."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models.bisenet import BiSeNet, CelebAMaskParser, load_bisenet
from models.config import WeightFileError
from models.parser_facts import BISENET_MEAN, BISENET_STD
from resources.labels import LABELS, from_bisenet
from tests.golden import fill, layout_checksum, made_image, sampled

SAMPLES = (
    -0.19597, -0.433455, -0.308073, 0.213623, 0.273843, 0.077555, -0.440797, 0.287342, -0.14718, -0.720807, 0.018398,
    -0.391413, 0.418331, -0.136988, -0.064457, -0.161215,
)  # fmt: skip
TOLERANCE = 1e-4

GOLDEN = os.environ.get("MASKBRUSH_GOLDEN")
GOLDEN_TOLERANCE = 2e-3
"""The reference numbers are float16."""

pytestmark = pytest.mark.usefixtures("one_core")


@pytest.fixture(scope="module")
def network() -> BiSeNet:
    return fill(BiSeNet())


# Agreement with the reference implementation


@torch.inference_mode()
def test_the_network_gives_the_numbers_of_the_code_that_agreed_with_the_reference(network: BiSeNet) -> None:
    logits = network(made_image(64, 96))
    assert logits.shape == (1, 19, 64, 96)
    assert logits.dtype == torch.float32
    np.testing.assert_allclose(sampled(logits, 16), SAMPLES, rtol=0, atol=TOLERANCE)


def test_parameter_names_and_shapes_are_the_published_ones(network: BiSeNet) -> None:
    assert sum(value.numel() for value in network.parameters()) == 13_300_416
    state = network.state_dict()
    for name, shape in {
        "cp.resnet.conv1.weight": (64, 3, 7, 7),
        "cp.resnet.layer3.0.downsample.1.running_var": (256,),
        "cp.arm32.conv_atten.weight": (128, 128, 1, 1),
        "cp.conv_avg.bn.num_batches_tracked": (),
        "ffm.conv1.weight": (64, 256, 1, 1),
        "conv_out.conv_out.weight": (19, 256, 1, 1),
        "conv_out32.conv.conv.weight": (64, 128, 3, 3),
    }.items():
        assert tuple(state[name].shape) == shape, name
    assert layout_checksum(network) == "476dc106e0d4e62d3c7dc20ddf0c55c7391f4f957da00efb83c20ff2d5c3c97e"


@pytest.mark.skipif(not GOLDEN, reason="MASKBRUSH_GOLDEN does not name a folder with reference outputs")
@torch.inference_mode()
def test_the_network_reproduces_the_reference_file(network: BiSeNet) -> None:
    with np.load(Path(GOLDEN or "") / "bisenet_256.npz") as file:
        case = dict(file)
    found = network(torch.from_numpy(case["image"])[None])[0].numpy()
    difference = float(np.abs(found - case["logits"].astype(np.float32)).max())
    print(f"bisenet_256 logits {difference:.2e}")
    assert difference <= GOLDEN_TOLERANCE


# The network


@torch.inference_mode()
def test_pictures_of_a_batch_do_not_influence_each_other(network: BiSeNet) -> None:
    both = torch.cat([made_image(64, 64), -made_image(64, 64)])
    torch.testing.assert_close(network(both)[1:], network(both[1:]), atol=1e-4, rtol=0)


@torch.inference_mode()
def test_with_the_parser_s_interface_input_is_normalised_and_classes_are_reordered(network: BiSeNet) -> None:
    image = made_image(64, 64)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (BISENET_MEAN, BISENET_STD))
    expected = network(((image + 1) / 2 - mean) / std)
    found = CelebAMaskParser(network).eval()(image)
    for label in LABELS:
        torch.testing.assert_close(found[:, label.id], expected[:, label.bisenet], atol=1e-4, rtol=0)
    labels = expected.argmax(dim=1).numpy().astype(np.uint8)
    assert len(np.unique(labels)) > 3
    assert (found.argmax(dim=1).numpy() == from_bisenet(labels)).mean() > 0.999


# Weight files

State = dict[str, Tensor]
Change = Callable[[State], object]


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "79999_iter.pth"
    yield path
    path.unlink(missing_ok=True)  # 53 MB, which the runner would keep for a while


@pytest.fixture(scope="module")
def light(network: BiSeNet) -> State:
    """Names and shapes of the network, which take no room on disk."""
    return {
        name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in network.state_dict().items()
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state,
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"epoch": 3, "state_dict": state},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}, "optimizer": {}},
        lambda state: {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")},
    ],
    ids=["plain", "several GPUs", "under a key", "under a key, several GPUs", "batches not counted"],
)
def test_published_files_load(network: BiSeNet, path: Path, change: Change) -> None:
    torch.save(change(dict(network.state_dict())), path)
    loaded = load_bisenet(path)
    assert not loaded.training
    assert list(loaded.state_dict()) == list(network.state_dict())
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_half_precision_is_widened(network: BiSeNet, path: Path) -> None:
    torch.save({n: value.half() for n, value in network.state_dict().items() if value.is_floating_point()}, path)
    loaded = load_bisenet(path)
    assert {value.dtype for value in loaded.parameters()} == {torch.float32}
    name = "cp.resnet.conv1.weight"
    assert torch.equal(loaded.state_dict()[name], network.state_dict()[name].half().float())


def refused(path: Path, *words: str) -> None:
    with pytest.raises(WeightFileError) as caught:
        load_bisenet(path)
    for text in (caught.value.message, caught.value.hint):
        assert text.endswith(".")
    for word in (path.name, *words):
        assert word in caught.value.message


def without(name: str) -> Change:
    return lambda state: {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (without("cp.conv_avg.conv.weight"), "lacks cp.conv_avg.conv.weight"),
        (without("conv_out16.conv_out.weight"), "lacks conv_out16.conv_out.weight"),
        (lambda state: state | {"sp.conv1.weight": torch.zeros(2)}, "holds sp.conv1.weight besides"),
        (lambda state: state | {"ffm.conv1.weight": torch.zeros(64, 256, 3, 3)}, "64 x 256 x 3 x 3"),
        (lambda state: state | {"cp.resnet.bn1.bias": torch.tensor(0.0)}, "a single number"),
        (lambda state: state | {"conv_out.conv_out.weight": torch.zeros(11, 256, 1, 1)}, "the 19 classes"),
        (lambda state: state | {"conv_out.conv_out.weight": torch.tensor(1.0)}, "the 19 classes"),
        (lambda state: {}, "is not a BiSeNet"),
        (lambda state: {"weight": torch.zeros(3)}, "is not a BiSeNet"),
        (lambda state: {"state_dict": {"weight": "none"}}, "not a plain table"),
        (lambda state: [1, 2, 3], "not a plain table"),
        (lambda state: torch.zeros(3), "not a plain table"),
    ],
    ids=["no context", "no head", "spatial path", "kernel", "scalar", "classes", "no classes", "nothing", "other",
         "text", "list", "tensor"],
)  # fmt: skip
def test_other_files_are_refused(light: State, path: Path, change: Change, word: str) -> None:
    torch.save(change(light), path)
    refused(path, word)


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "truncated"])
def test_files_that_cannot_be_read(light: State, path: Path, harm: str) -> None:
    torch.save(light, path)
    load_bisenet(path)
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "text": b"No weights.\n" * 9, "truncated": content[: len(content) // 2]}[harm])
    refused(path, "does not exist" if harm == "missing" else "cannot be read")
