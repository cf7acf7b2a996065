"""Configurations of the dense mapping network: what follows from them, and which are refused."""

from dataclasses import replace

import pytest
import torch

from models.config import GeneratorConfig, WeightFileError
from models.generator import DenseMappingNetwork
from models.recipe import DEFAULT_RECIPE, read_recipe
from models.synthetic import TINY
from tests.golden import fill, made_image, made_labels

DEFAULT_CONFIG = read_recipe(DEFAULT_RECIPE).generator


def test_the_default_model_has_at_most_ten_million_parameters() -> None:
    with torch.device("meta"):
        network = DenseMappingNetwork(DEFAULT_CONFIG)
    assert sum(value.numel() for value in network.parameters()) <= 10_000_000
    assert DEFAULT_CONFIG.context
    assert DEFAULT_CONFIG.boundary
    assert DEFAULT_CONFIG.size == 256


def test_the_published_configuration_is_the_default() -> None:
    config = GeneratorConfig()
    assert config.channels == (64, 128, 256, 512, 1024)
    assert config.style_size == 16_384
    assert config.input_channels == 19
    assert config.multiple == 32


def test_input_channels_count_the_extra_inputs() -> None:
    assert replace(GeneratorConfig(), boundary=True).input_channels == 20
    assert replace(GeneratorConfig(), context=True).input_channels == 23
    assert replace(GeneratorConfig(), noise=True).input_channels == 20
    # Presence, mean and deviation of three colours, then what is learned.
    assert replace(GeneratorConfig(), region_features=5).input_channels == 19 + 1 + 3 + 3 + 5
    assert TINY.input_channels == 19 + 1 + 4 + (7 + 2) + 1


def test_the_style_code_is_longer_with_values_for_each_class() -> None:
    plain, more = GeneratorConfig(), replace(GeneratorConfig(), region_features=5)
    assert plain.region_channels == 0
    assert plain.style_size == plain.adain_size
    assert more.adain_size == plain.adain_size
    assert more.region_channels == 12
    assert more.style_size == plain.style_size + 19 * 12


@torch.inference_mode()
def test_a_deeper_network_runs_at_the_smallest_size_it_names() -> None:
    config = GeneratorConfig(size=64, width=2, max_width=4, downsamplings=5, blocks=1)
    network = fill(DenseMappingNetwork(config))
    labels, image = made_labels(config.multiple, config.multiple), made_image(config.multiple, config.multiple)
    assert network(labels, labels, image).shape[-1] == config.multiple


@pytest.mark.parametrize("config", [GeneratorConfig(), TINY, DEFAULT_CONFIG], ids=["published", "tiny", "default"])
def test_configurations_survive_json(config: GeneratorConfig) -> None:
    assert GeneratorConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    "values",
    [
        {"norm": "batch"},
        {"padding": "wrap"},
        {"up_kernel": 5},
        {"up_kernel": 2},
        {"stem_kernel": 4},
        {"size": 100},
        {"size": 0},
        {"size": -32},
        {"size": 96, "downsamplings": 6},
        {"width": 0},
        {"width": "64"},
        {"width": 10**9},
        {"width": 28, "norm": "group"},
        {"downsamplings": 0},
        {"blocks": 0},
        {"blocks": 1.5},
        {"blocks": True},
        {"context": 1},
        {"noise": 1},
        {"region_features": -1},
        {"region_features": 257},
        {"region_features": 1.5},
        {"region_features": True},
    ],
    ids=str,
)
def test_bad_configurations_are_refused(values: dict) -> None:
    with pytest.raises(ValueError, match=r"must be|fall into"):
        GeneratorConfig(**values)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '{"colour": 1}',
        '{"size": "big"}',
        '{"size": 100}',
        '{"width": null}',
        '{"norm": "x"}',
    ],
)
def test_bad_json_is_refused_in_words(text: str) -> None:
    with pytest.raises(WeightFileError) as caught:
        GeneratorConfig.from_json(text)
    assert "configuration" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("older", "fits"),
    [
        ({"region_features": 0, "noise": False}, True),
        ({"noise": False}, True),
        # What follows in the first convolution would move to the place of what is missing.
        ({"boundary": False}, False),
        ({"region_features": 0}, False),
    ],
    ids=str,
)
def test_inputs_have_an_order_in_which_only_the_last_can_be_missing(older: dict, fits: bool) -> None:
    missing = replace(TINY, **older).inputs
    assert (TINY.inputs[: len(missing)] == missing) is fits
    assert sum(channels for _, channels in TINY.inputs) == TINY.input_channels
