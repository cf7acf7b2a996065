"""What enters the generator beside the picture: planes, borders, noise, and what each class looks like."""

import numpy as np
import pytest
import torch
from torch import Tensor

from models.generator import NOISE_SIDE, DenseMappingNetwork, restyled
from models.planes import boundary_map, fill_regions, one_hot, region_means
from models.synthetic import TINY
from resources.labels import BY_NAME, LABEL_COUNT
from tests.fakes import TINY_PUBLISHED
from tests.golden import fill, made_image, made_labels

SKIN, NOSE, HAIR = (BY_NAME[name].id for name in ("skin", "nose", "hair"))


@pytest.fixture(scope="module")
def tiny() -> DenseMappingNetwork:
    return fill(DenseMappingNetwork(TINY))


@pytest.fixture(scope="module")
def plain() -> DenseMappingNetwork:
    return fill(DenseMappingNetwork(TINY_PUBLISHED))


def test_one_hot_against_brute_force() -> None:
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 19, (2, 5, 7)).astype(np.uint8))
    planes = one_hot(labels)
    assert planes.shape == (2, 19, 5, 7)
    assert planes.dtype == torch.float32
    for n, y, x in np.ndindex(2, 5, 7):
        expected = [float(labels[n, y, x] == label) for label in range(19)]
        assert planes[n, :, y, x].tolist() == expected


@pytest.mark.parametrize("seed", range(3))
def test_boundary_map_against_brute_force(seed: int) -> None:
    ids = np.random.default_rng(seed).integers(0, 3, (2, 8, 6))
    edges = boundary_map(torch.from_numpy(ids.astype(np.uint8)))
    assert edges.shape == (2, 1, 8, 6)
    assert edges.dtype == torch.float32
    for n, y, x in np.ndindex(*ids.shape):
        around = [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        inside = [(v, u) for v, u in around if 0 <= v < 8 and 0 <= u < 6]
        assert float(edges[n, 0, y, x]) == float(any(ids[n, y, x] != ids[n, v, u] for v, u in inside))


def test_one_class_has_no_boundary() -> None:
    assert not boundary_map(torch.full((1, 4, 4), 13, dtype=torch.uint8)).any()


# Values for each class


def row_of(style: Tensor, label: int) -> Tensor:
    """Return the style code's values of one class, as a view."""
    return style[:, TINY.adain_size :].view(-1, LABEL_COUNT, TINY.region_channels)[:, label]


def test_region_means_against_brute_force() -> None:
    values = torch.randn(2, 3, 4, 5, generator=torch.manual_seed(0))
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, 4, (2, 4, 5)).astype(np.uint8))
    means = region_means(values, one_hot(labels))
    assert means.shape == (2, LABEL_COUNT, 3)
    for n, label in np.ndindex(2, LABEL_COUNT):
        inside = values[n][:, labels[n] == label]
        expected = inside.mean(dim=1) if inside.numel() else torch.zeros(3)
        torch.testing.assert_close(means[n, label], expected, atol=1e-5, rtol=0)


def test_region_means_weigh_pixels_that_classes_share() -> None:
    values = torch.tensor([[[[1.0, 5.0]]]])
    shares = torch.zeros(1, LABEL_COUNT, 1, 2)
    shares[0, 2] = torch.tensor([0.75, 0.25])
    assert float(region_means(values, shares)[0, 2, 0]) == pytest.approx(2.0)


def test_fill_regions_against_brute_force() -> None:
    table = torch.randn(2, LABEL_COUNT, 3, generator=torch.manual_seed(0))
    labels = torch.from_numpy(np.random.default_rng(0).integers(0, LABEL_COUNT, (2, 4, 5)).astype(np.uint8))
    filled = fill_regions(table, one_hot(labels))
    assert filled.shape == (2, 3, 4, 5)
    for n, y, x in np.ndindex(2, 4, 5):
        assert torch.equal(filled[n, :, y, x], table[n, int(labels[n, y, x])])


@torch.inference_mode()
def test_the_style_code_holds_what_each_class_looks_like(tiny: DenseMappingNetwork) -> None:
    labels = torch.full((1, 64, 64), SKIN, dtype=torch.uint8)
    labels[:, :32, :32] = HAIR
    image = made_image(64, 64)
    style = tiny.encode(labels, image)
    assert style.shape == (1, TINY.style_size)
    for label in (SKIN, HAIR):
        row, inside = row_of(style, label)[0], image[0][:, labels[0] == label]
        assert float(row[0]) == 1
        torch.testing.assert_close(row[1:4], inside.mean(dim=1), atol=1e-5, rtol=0)
        torch.testing.assert_close(row[4:7], inside.std(dim=1, unbiased=False), atol=2e-3, rtol=0)
        assert row[7:].any()
        assert float(row[7:].abs().max()) <= 1
    assert not torch.allclose(row_of(style, SKIN)[:, 7:], row_of(style, HAIR)[:, 7:], atol=1e-3)


@torch.inference_mode()
def test_a_class_that_the_portrait_does_not_show_has_zeros(tiny: DenseMappingNetwork) -> None:
    labels = made_labels(64, 64)
    labels[labels == HAIR] = SKIN
    style = tiny.encode(labels, made_image(64, 64))
    assert not row_of(style, HAIR).any()
    assert all(row_of(style, label).any() for label in labels.unique().tolist())


@torch.inference_mode()
def test_the_values_of_a_class_do_not_depend_on_other_classes_colours(tiny: DenseMappingNetwork) -> None:
    labels, image = made_labels(64, 64), made_image(64, 64)
    other = torch.where((labels == HAIR)[:, None], -image, image)
    first, second = tiny.encode(labels, image), tiny.encode(labels, other)
    # Learned features look at what is around as well.
    assert torch.equal(row_of(first, SKIN)[:, :7], row_of(second, SKIN)[:, :7])
    torch.testing.assert_close(row_of(first, HAIR)[:, 1:4], -row_of(second, HAIR)[:, 1:4])


@torch.inference_mode()
def test_the_values_of_a_class_change_the_render_mostly_where_it_lies(tiny: DenseMappingNetwork) -> None:
    labels, image = torch.full((1, 64, 64), SKIN, dtype=torch.uint8), made_image(64, 64)
    labels[:, 8:40, 8:40] = HAIR
    style = tiny.encode(labels, image)
    changed = style.clone()
    row_of(changed, HAIR)[:, 1:4] += 1
    context = image, torch.ones(1, 1, 64, 64)
    difference = (tiny.decode(labels, changed, *context) - tiny.decode(labels, style, *context)).abs().mean(dim=1)
    inside = labels == HAIR
    # Not there alone: what the residual blocks normalise, they normalise over the whole picture.
    assert float(difference[inside].mean()) > 1.5 * float(difference[~inside].mean())
    # Those of a class that is not asked for have no influence.
    changed = style.clone()
    row_of(changed, NOSE)[:] = 1
    assert torch.equal(tiny.decode(labels, changed, *context), tiny.decode(labels, style, *context))


@torch.inference_mode()
def test_restyled_takes_the_named_classes_and_nothing_else(tiny: DenseMappingNetwork) -> None:
    labels = made_labels(64, 64)
    style, donor = tiny.encode(labels, made_image(64, 64)), tiny.encode(labels, -made_image(64, 64))
    before = style.clone()
    mixed = restyled(TINY, style, donor, [HAIR, NOSE])
    for label in range(LABEL_COUNT):
        assert torch.equal(row_of(mixed, label), row_of(donor if label in (HAIR, NOSE) else style, label))
    assert torch.equal(mixed[:, : TINY.adain_size], style[:, : TINY.adain_size])
    assert torch.equal(style, before)
    assert torch.equal(restyled(TINY, style, donor, []), style)


@torch.inference_mode()
def test_the_style_code_of_a_network_without_values_for_classes_is_adains_alone(plain: DenseMappingNetwork) -> None:
    style = plain.encode(made_labels(64, 64), made_image(64, 64))
    assert style.shape == (1, TINY_PUBLISHED.adain_size) == (1, TINY_PUBLISHED.style_size)
    assert plain.enc_style.regions is None


# Noise


@torch.inference_mode()
def test_the_noise_is_always_the_same_and_repeats_in_large_pictures() -> None:
    networks = []
    for seed in range(2):
        torch.manual_seed(seed)
        networks.append(DenseMappingNetwork(TINY))
    assert torch.equal(networks[0].noise, networks[1].noise)
    side = NOISE_SIDE + 64
    noise = networks[0]._noise(torch.zeros(2, side, 64, dtype=torch.uint8))
    assert noise.shape == (2, 1, side, 64)
    assert torch.equal(noise[0], noise[1])
    assert torch.equal(noise[..., NOISE_SIDE:, :], noise[..., :64, :])
    assert not torch.equal(noise[..., 64:128, :], noise[..., :64, :])
    assert float(noise.std()) == pytest.approx(1, abs=0.05)


@torch.inference_mode()
def test_the_noise_changes_the_render(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network, labels, image = DenseMappingNetwork(TINY), made_labels(64, 64), made_image(64, 64)
    style, region = network.encode(labels, image), torch.ones(1, 1, 64, 64)
    render = network.decode(labels, style, image, region)
    monkeypatch.setattr(network, "noise", torch.zeros_like(network.noise))
    assert not torch.allclose(network.decode(labels, style, image, region), render, atol=1e-3)
