"""The perceptual loss, with the face parser's features and with VGG19's."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg19
from torchvision.models.vgg import make_layers

from models.config import WeightFileError
from models.face_parser import FaceParser
from models.perceptual import PerceptualLoss, load_vgg
from models.synthetic import SMOKE_PARSER
from tests.golden import fill, made_image

RELU_OF_BLOCK = (1, 6, 11, 20, 29)
NARROW: list[str | int] = [2, 2, "M", 2, 2, "M", 3, 3, 3, 3, "M", 3, 3, 3, 3, "M", 3, 3, 3, 3, "M"]
"""VGG19 layer by layer, with hardly any channels: the real one's weights take half a gigabyte."""


def parser() -> FaceParser:
    return fill(FaceParser(SMOKE_PARSER))


def narrow_vgg() -> nn.Sequential:
    return fill(make_layers(NARROW, batch_norm=False))


def made_loss(kind: str, size: int = 32) -> PerceptualLoss:
    return PerceptualLoss(parser(), narrow_vgg()[:30] if kind == "VGG19" else None, size)


KINDS = pytest.mark.parametrize("kind", ["face parser", "VGG19"])


def pictures() -> Tensor:
    return torch.cat([made_image(32, 32), 0.5 * made_image(32, 32).flip(2)])


# Whichever network


@KINDS
def test_equal_pictures_are_at_no_distance_and_unequal_ones_the_further_the_more_they_differ(kind: str) -> None:
    loss, real = made_loss(kind), pictures()
    assert loss.name == kind
    change = torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    distances = torch.stack([loss(real + strength * change, real)[0] for strength in (0, 0.01, 0.05, 0.2, 0.5)])
    assert distances.shape == (5, 2)
    assert not bool(distances[0].any())
    assert bool((distances.diff(dim=0) > 0).all())


@KINDS
def test_each_portrait_has_a_distance_of_its_own(kind: str) -> None:
    loss, real = made_loss(kind), pictures()
    made = real.flip(3)
    made[1] = real[1]
    distance, logits = loss(made, real)
    assert distance[0] > 0
    assert distance[1] == 0
    alone, alone_logits = loss(made[:1], real[:1])
    torch.testing.assert_close(alone, distance[:1])
    torch.testing.assert_close(alone_logits, logits[:1], atol=1e-4, rtol=0)


@KINDS
def test_gradients_reach_the_picture_that_was_made_and_nothing_else(kind: str) -> None:
    loss = made_loss(kind)
    made, real = pictures().flip(3).requires_grad_(), pictures().requires_grad_()
    distance, logits = loss(made, real)
    by_distance = torch.autograd.grad(distance.sum(), made, retain_graph=True)[0]
    by_labels = torch.autograd.grad(logits.sum(), made, retain_graph=True)[0]
    assert bool(by_distance.any())
    assert bool(by_labels.any())
    (distance.sum() + logits.sum()).backward()
    assert real.grad is None
    assert all(not value.requires_grad and value.grad is None for value in loss.parameters())


@KINDS
def test_the_networks_stay_as_they_are(kind: str) -> None:
    loss = made_loss(kind)
    before = {name: value.clone() for name, value in loss.state_dict().items()}
    for mode in (True, False):
        assert loss.train(mode) is loss
        assert not any(module.training for module in loss.modules())
    loss(pictures(), pictures().flip(3))
    assert all(torch.equal(value, before[name]) for name, value in loss.state_dict().items())


# The parser's features


@KINDS
def test_the_parser_sees_the_picture_at_its_own_size_and_says_what_it_shows(kind: str) -> None:
    loss, image = made_loss(kind, size=16), pictures()
    reduced = image.reshape(2, 3, 16, 2, 16, 2).mean(dim=(3, 5))
    logits = loss(image, image)[1]
    assert logits.shape == (2, 19, 16, 16)
    torch.testing.assert_close(logits, parser()(reduced), atol=1e-4, rtol=0)


def test_the_distance_is_that_of_the_features_the_coarsest_counting_most() -> None:
    made, real = pictures(), pictures().flip(3)
    network = parser()
    pairs = zip((1 / 8, 1 / 4, 1.0), network.features(made), network.features(real), strict=True)
    expected = sum(weight * (a - b).abs().mean(dim=(1, 2, 3)) for weight, a, b in pairs)
    torch.testing.assert_close(made_loss("face parser")(made, real)[0] * 4, torch.as_tensor(expected) * 4)


def test_what_is_lost_by_reducing_makes_no_difference() -> None:
    image = made_image(64, 64)
    checks = torch.tensor([[0.1, -0.1], [-0.1, 0.1]]).repeat(32, 32)
    assert float(made_loss("face parser")(image + checks, image)[0]) == pytest.approx(0, abs=1e-5)
    assert float(made_loss("VGG19")(image + checks, image)[0]) > 1e-3, "VGG sees the whole picture"


# VGG19's features


def test_the_features_are_those_of_the_first_relu_of_each_of_the_five_blocks() -> None:
    with torch.device("meta"):
        layers = list(vgg19(weights=None).features.children())
    for block, index in enumerate(RELU_OF_BLOCK):
        assert isinstance(layers[index], nn.ReLU)
        assert sum(isinstance(layer, nn.MaxPool2d) for layer in layers[:index]) == block
        assert index == 1 or isinstance(layers[index - 2], nn.MaxPool2d)


def test_the_distance_is_that_of_five_layers_on_pictures_scaled_as_for_imagenet() -> None:
    made, real = pictures(), pictures().flip(3)
    vgg = narrow_vgg()
    mean, deviation = (torch.tensor(x)[:, None, None] for x in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    expected = torch.zeros(2)
    for weight, index in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), RELU_OF_BLOCK, strict=True):
        a, b = (vgg[: index + 1](((image + 1) / 2 - mean) / deviation) for image in (made, real))
        expected += weight * (a - b).abs().mean(dim=(1, 2, 3))
    torch.testing.assert_close(made_loss("VGG19")(made, real)[0], expected)


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the narrow VGG19 in the real one's place, and write its weights as torchvision does."""
    monkeypatch.setattr("torchvision.models.vgg19", lambda weights: SimpleNamespace(features=make_layers(NARROW)))
    state = {f"features.{name}": value for name, value in narrow_vgg().state_dict().items()}
    path = tmp_path / "vgg19-narrow.pth"
    torch.save({**state, "classifier.0.weight": torch.zeros(4, 4), "classifier.0.bias": torch.zeros(4)}, path)
    return path


def test_vgg_is_read_from_torchvisions_file(weights: Path) -> None:
    layers = load_vgg(weights)
    assert len(layers) == 30
    expected = narrow_vgg().state_dict()
    assert list(layers.state_dict()) == [name for name in expected if int(name.split(".")[0]) < 30]
    assert all(torch.equal(value, expected[name]) for name, value in layers.state_dict().items())


def test_features_that_were_kept_are_not_overwritten_by_later_layers(weights: Path) -> None:
    x = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    for layer in load_vgg(weights):
        following = layer(x)
        assert torch.equal(x, before)
        x, before = following, following.clone()


@pytest.mark.parametrize("harm", ["missing", "empty", "text", "truncated", "list", "foreign", "narrower", "incomplete"])
def test_files_that_are_not_vgg(weights: Path, harm: str) -> None:
    content, state = weights.read_bytes(), torch.load(weights)
    match harm:
        case "missing":
            weights.unlink()
        case "empty":
            weights.write_bytes(b"")
        case "text":
            weights.write_text("I am no weight file.\n" * 50)
        case "truncated":
            weights.write_bytes(content[: len(content) // 2])
        case "list":
            torch.save([1, 2], weights)
        case "foreign":
            torch.save({"layer.weight": torch.zeros(3, 3)}, weights)
        case "narrower":
            torch.save({**state, "features.0.weight": torch.zeros(1, 3, 3, 3)}, weights)
        case "incomplete":
            torch.save({name: value for name, value in state.items() if name != "features.28.bias"}, weights)
    with pytest.raises(WeightFileError) as caught:
        load_vgg(weights)
    assert weights.name in caught.value.message
    assert "VGG19" in caught.value.message
    assert "--vgg" in caught.value.hint
    for text in (caught.value.message, caught.value.hint):
        assert text.endswith(".")
