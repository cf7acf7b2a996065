"""A part of a picture, rendered from what the last whole render left."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models import local
from models.config import GeneratorConfig
from models.generator import DenseMappingNetwork
from models.local import PartDecode, WholeDecode
from models.synthetic import TINY
from tests.fakes import TINY_PUBLISHED
from tests.networks import random_network

CONFIGS = {"group norm, context": TINY, "published": TINY_PUBLISHED, "one halving": replace(TINY, downsamplings=1)}


def inputs(config: GeneratorConfig, side: int = 256) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 19, (1, side // 8, side // 8), generator=generator, dtype=torch.uint8)
    given = {
        "labels": labels.repeat_interleave(8, 1).repeat_interleave(8, 2),
        "style": torch.randn(1, config.style_size, generator=generator),
    }
    if config.context:
        given["image"] = torch.rand(1, 3, side, side, generator=generator) * 2 - 1
        given["region"] = (torch.rand(1, 1, side, side, generator=generator) < 0.3).float()
    return given


def part_of(network: DenseMappingNetwork, given: dict[str, Tensor], whole: tuple[Tensor, ...], box: slice) -> Tensor:
    """Render a square part of a picture; ``box`` are its rows, and its columns."""
    step = 2**network.config.downsamplings
    mode = "reflect" if network.config.padding == "reflect" else "constant"
    around = F.pad(whole[2], (1, 1, 1, 1), mode=mode)
    cells = slice(box.start // step, box.stop // step + 2)
    cut = {name: value[..., box, box] for name, value in given.items() if name != "style"}
    return PartDecode(network)(
        cut.pop("labels"), given["style"], whole[1], around[..., cells, cells],
        torch.tensor([box.start, box.start]), *cut.values(),
    )  # fmt: skip


@pytest.fixture(params=list(CONFIGS))
def network(request: pytest.FixtureRequest) -> DenseMappingNetwork:
    return random_network(CONFIGS[request.param])


@torch.inference_mode()
def test_the_whole_is_what_the_network_decodes(network: DenseMappingNetwork) -> None:
    given = inputs(network.config)
    render, statistics, deep = WholeDecode(network)(**given)
    assert torch.equal(render, network.decode(**given))
    channels, blocks = network.config.channels, network.config.blocks
    assert deep.shape == (2 * blocks, channels[-1], *(side // 2**network.config.downsamplings for side in (256, 256)))
    assert statistics.shape[0] == 1 and torch.isfinite(statistics).all()


@torch.inference_mode()
def test_a_part_that_is_the_whole_is_the_whole_render(network: DenseMappingNetwork) -> None:
    given = inputs(network.config)
    whole = WholeDecode(network)(**given)
    torch.testing.assert_close(part_of(network, given, whole, slice(0, 256)), whole[0], atol=2e-4, rtol=0)


@torch.inference_mode()
def test_away_from_its_edges_a_part_of_an_unchanged_picture_is_that_part(network: DenseMappingNetwork) -> None:
    given = inputs(network.config)
    whole = WholeDecode(network)(**given)
    part, expected = part_of(network, given, whole, slice(64, 192)), whole[0][..., 64:192, 64:192]
    error = (part - expected).abs()
    spread = expected.std()
    assert error[..., 60:68, 60:68].mean() < 0.1 * spread, "the middle is right"
    assert error[..., 60:68, 60:68].mean() < error.mean(), "and the rim less so"


@torch.inference_mode()
def test_what_lies_around_matters(network: DenseMappingNetwork) -> None:
    given = inputs(network.config)
    whole = WholeDecode(network)(**given)
    box, expected = slice(64, 192), whole[0][..., 64:192, 64:192]
    with_it = (part_of(network, given, whole, box) - expected)[..., 4:-4, 4:-4].abs().mean()
    nothing = (whole[0], whole[1], torch.zeros_like(whole[2]))
    without = (part_of(network, given, nothing, box) - expected)[..., 4:-4, 4:-4].abs().mean()
    assert with_it < without


@torch.inference_mode()
def test_a_part_follows_its_labels(network: DenseMappingNetwork) -> None:
    given = inputs(network.config)
    whole = WholeDecode(network)(**given)
    before = part_of(network, given, whole, slice(64, 192))
    given["labels"] = given["labels"].clone()
    given["labels"][:, 124:132, 124:132] = (given["labels"][:, 124:132, 124:132] + 1) % 19
    after = part_of(network, given, whole, slice(64, 192))
    assert (after - before).abs()[..., 60:68, 60:68].mean() > 1e-3


@torch.inference_mode()
@pytest.mark.parametrize("padding", ["reflect", "zeros"])
def test_quicker_ways_lead_to_the_same_numbers(padding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "WIDE", 32)
    network = random_network(replace(TINY_PUBLISHED, padding=padding))
    given = inputs(network.config)
    quicker = WholeDecode(network, quicker=True)
    assert quicker.differs
    assert sum(isinstance(module, local.WinogradConv) for module in quicker.modules()) == 2 * network.config.blocks
    for fast, plain in zip(quicker(**given), WholeDecode(network)(**given), strict=True):
        torch.testing.assert_close(fast, plain, atol=1e-4, rtol=1e-4)


def test_where_nothing_is_to_be_won_nothing_differs() -> None:
    network = DenseMappingNetwork(TINY)
    assert not WholeDecode(network, quicker=True).differs
    assert not WholeDecode(DenseMappingNetwork(TINY_PUBLISHED)).differs


@torch.inference_mode()
def test_statistics_are_those_of_the_norms(network: DenseMappingNetwork) -> None:
    seen: list[Tensor] = []

    def look(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        groups = module.num_groups if isinstance(module, nn.GroupNorm) else given[0].shape[1]
        grouped = given[0].double().reshape(1, groups, -1)
        seen.extend((grouped.mean(dim=2), grouped.var(dim=2, unbiased=False)))

    norms = (nn.InstanceNorm2d, nn.GroupNorm, local.AdaIN)
    hooks = [module.register_forward_pre_hook(look) for module in network.modules() if isinstance(module, norms)]
    given = inputs(network.config)
    _, statistics, _ = WholeDecode(network)(**given)
    for hook in hooks:
        hook.remove()
    torch.testing.assert_close(statistics.double(), torch.cat(seen, dim=1), atol=1e-4, rtol=1e-4)
