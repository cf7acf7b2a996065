"""Whole renders, composed edits and the two baselines that need no network."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models.config import GeneratorConfig
from models.dataset import Sample
from models.generator import DenseMappingNetwork, restyled
from models.rendering import Renderer, class_means, telea, to_pixels, to_tensor
from models.synthetic import TINY, made_mask, made_pixels
from resources.labels import BY_NAME, LABEL_COUNT
from tests.fakes import TINY_PUBLISHED
from tests.golden import fill

Pixels = NDArray[np.uint8]

HAIR, SKIN = BY_NAME["hair"].id, BY_NAME["skin"].id
SIDE = 64


def sample(seed: int = 0, glasses: bool = False, invert: bool = False) -> Sample:
    labels = made_mask(SIDE, glasses)
    pixels = made_pixels(labels, seed)
    return Sample(f"face_{seed}", 255 - pixels if invert else pixels, labels)


def patch(rows: slice = slice(20, 44), columns: slice = slice(10, 30)) -> Pixels:
    region = np.zeros((SIDE, SIDE), np.uint8)
    region[rows, columns] = 1
    return region


@pytest.fixture(scope="module", params=[TINY, TINY_PUBLISHED], ids=["with context", "without"])
def renderer(request: pytest.FixtureRequest) -> Renderer:
    return Renderer(fill(DenseMappingNetwork(request.param)))


@pytest.fixture(scope="module")
def tiny() -> Renderer:
    return Renderer(fill(DenseMappingNetwork(TINY)))


# Renders


def test_a_style_is_the_network_s_own_code_of_the_portrait(renderer: Renderer) -> None:
    face, network = sample(), renderer.network
    style = renderer.style(face)
    assert style.shape == (1, network.config.style_size)
    assert not style.requires_grad
    with torch.inference_mode():
        expected = network.encode(torch.from_numpy(face.labels)[None], to_tensor(face.pixels))
    torch.testing.assert_close(style, expected)
    assert not torch.allclose(renderer.style(sample(invert=True)), style, atol=1e-3)


def test_a_whole_render_is_what_the_network_makes_without_surroundings(renderer: Renderer) -> None:
    face, network = sample(), renderer.network
    style = renderer.style(face)
    render = renderer.whole(face.labels, style)
    assert render.dtype == np.uint8
    assert render.shape == (SIDE, SIDE, 3)
    assert render.std() > 5
    # Whatever picture is given: all of it is to be made anew.
    blank = (to_tensor(sample(9).pixels), torch.ones(1, 1, SIDE, SIDE)) if network.config.context else ()
    with torch.inference_mode():
        expected = to_pixels(network.decode(torch.from_numpy(face.labels)[None], style, *blank))
    np.testing.assert_array_equal(render, expected)


def test_a_whole_render_depends_on_labels_and_style(renderer: Renderer) -> None:
    face = sample()
    render = renderer.whole(face.labels, renderer.style(face))
    assert (renderer.whole(made_mask(SIDE, glasses=True), renderer.style(face)) != render).any()
    assert (renderer.whole(face.labels, renderer.style(sample(invert=True))) != render).any()


def test_pictures_that_are_views_and_of_unequal_sides_are_rendered(renderer: Renderer) -> None:
    face = sample()
    mirrored = Sample("mirrored", face.pixels[:32, ::-1], face.labels[:32, ::-1])
    copied = Sample("copied", mirrored.pixels.copy(), mirrored.labels.copy())
    styles = [renderer.style(one) for one in (mirrored, copied)]
    torch.testing.assert_close(styles[0], styles[1])
    render = renderer.whole(mirrored.labels, styles[0])
    assert render.shape == (32, SIDE, 3)
    np.testing.assert_array_equal(render, renderer.whole(copied.labels, styles[0]))


@pytest.mark.parametrize("region", [patch(), patch(slice(0, 3), slice(60, 64)), patch(slice(31, 32), slice(31, 32))])
def test_a_composed_edit_leaves_everything_outside_as_it_was(renderer: Renderer, region: Pixels) -> None:
    face, edited = sample(), made_mask(SIDE, glasses=True)
    before = [array.copy() for array in (face.pixels, edited, region)]
    composed = renderer.composed(face.pixels, edited, renderer.style(face), region)
    assert composed.dtype == np.uint8
    np.testing.assert_array_equal(composed[region == 0], face.pixels[region == 0])
    assert (composed[region == 1] != face.pixels[region == 1]).any(), "and inside there is a render"
    for array, copy in zip((face.pixels, edited, region), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_an_empty_region_gives_the_picture_and_a_full_one_the_whole_render(renderer: Renderer) -> None:
    face = sample()
    style = renderer.style(face)
    nothing, everything = np.zeros((SIDE, SIDE), np.uint8), np.ones((SIDE, SIDE), np.uint8)
    np.testing.assert_array_equal(renderer.composed(face.pixels, face.labels, style, nothing), face.pixels)
    whole = renderer.whole(face.labels, style)
    np.testing.assert_array_equal(renderer.composed(face.pixels, face.labels, style, everything), whole)


def test_what_the_picture_shows_inside_the_region_does_not_shine_through(renderer: Renderer) -> None:
    face, region = sample(), patch()
    style = renderer.style(face)
    spoilt = np.where(region[..., None] > 0, 255 - face.pixels, face.pixels)
    composed = [renderer.composed(source, face.labels, style, region) for source in (face.pixels, spoilt)]
    np.testing.assert_array_equal(composed[0], composed[1])


def test_only_a_network_with_context_sees_the_surroundings(renderer: Renderer) -> None:
    face, region = sample(), patch()
    style = renderer.style(face)
    inside = region > 0
    composed = [
        renderer.composed(source, face.labels, style, region)[inside] for source in (face.pixels, 255 - face.pixels)
    ]
    assert (composed[0] != composed[1]).any() == renderer.network.config.context


def test_a_renderer_remembers_nothing(renderer: Renderer) -> None:
    first, other = sample(), sample(1, invert=True)
    render = renderer.whole(first.labels, renderer.style(first))
    renderer.composed(other.pixels, other.labels, renderer.style(other), patch())
    np.testing.assert_array_equal(renderer.whole(first.labels, renderer.style(first)), render)


# Looks of single classes from another style


def table(config: GeneratorConfig, style: torch.Tensor) -> torch.Tensor:
    return style[:, config.adain_size :].reshape(-1, LABEL_COUNT, config.region_channels)


def test_restyled_takes_the_rows_of_the_classes_and_leaves_the_rest() -> None:
    style, donor = (torch.arange(2.0 * TINY.style_size).reshape(2, -1) + 10_000 * n for n in (0, 1))
    before = [code.clone() for code in (style, donor)]
    mixed = restyled(TINY, style, donor, (HAIR, SKIN))
    assert mixed.shape == style.shape
    assert torch.equal(mixed[:, : TINY.adain_size], style[:, : TINY.adain_size])
    for label in range(LABEL_COUNT):
        source = donor if label in (HAIR, SKIN) else style
        assert torch.equal(table(TINY, mixed)[:, label], table(TINY, source)[:, label])
    assert torch.equal(style, before[0])
    assert torch.equal(donor, before[1])


def test_restyled_with_no_class_or_with_oneself_changes_nothing() -> None:
    style, donor = torch.randn(2, 1, TINY.style_size, generator=torch.Generator().manual_seed(0))
    assert torch.equal(restyled(TINY, style, donor, ()), style)
    assert torch.equal(restyled(TINY, style, style, range(LABEL_COUNT)), style)


def test_a_restyled_class_brings_its_own_colour(tiny: Renderer) -> None:
    face, donor = sample(), sample(1, invert=True)
    style, other = tiny.style(face), tiny.style(donor)
    mixed = tiny.restyle(style, other, (HAIR,))
    assert torch.equal(mixed, restyled(TINY, style, other, (HAIR,)))
    # After whether the class is there, its values begin with the mean colour.
    mean = to_tensor(donor.pixels)[0][:, torch.from_numpy(donor.labels == HAIR)].mean(dim=1)
    torch.testing.assert_close(table(TINY, mixed)[0, HAIR, 1:4], mean, atol=1e-4, rtol=0)
    torch.testing.assert_close(table(TINY, mixed)[0, SKIN], table(TINY, style)[0, SKIN])


def test_a_restyled_class_changes_the_render(tiny: Renderer) -> None:
    face, donor = sample(), sample(1, invert=True)
    style, other = tiny.style(face), tiny.style(donor)
    renders = [tiny.whole(face.labels, tiny.restyle(style, other, ids)) for ids in ((), (HAIR,), (SKIN,))]
    changes = [abs(renders[0].astype(int) - render) for render in renders[1:]]
    for change, label in zip(changes, (HAIR, SKIN), strict=True):
        assert change[face.labels == label].mean() > 1
    assert (changes[0] != changes[1]).any()


def test_a_network_without_region_features_takes_the_whole_style() -> None:
    renderer = Renderer(fill(DenseMappingNetwork(TINY_PUBLISHED)))
    style, donor = renderer.style(sample()), renderer.style(sample(1, invert=True))
    assert torch.equal(renderer.restyle(style, donor, (HAIR,)), donor)


# Baselines


def test_telea_restores_a_flat_picture_and_touches_nothing_outside() -> None:
    flat = np.full((SIDE, SIDE, 3), (200, 90, 30), np.uint8)
    region = patch()
    spoilt = np.where(region[..., None] > 0, np.uint8(7), flat)
    restored = telea(spoilt, region).astype(int)
    assert abs(restored - flat).max() < 8, "OpenCV's gradients reach a pixel into the region"
    face = sample()
    filled = telea(face.pixels, region)
    assert filled.dtype == np.uint8
    np.testing.assert_array_equal(filled[region == 0], face.pixels[region == 0])


def test_telea_does_not_learn_what_the_region_shows() -> None:
    face, region = sample(), patch(slice(0, 20), slice(40, 64))
    inside = region > 0
    spoilt = np.where(inside[..., None], 255 - face.pixels, face.pixels)
    apart = abs(telea(spoilt, region)[inside].astype(int) - telea(face.pixels, region)[inside])
    assert apart.mean() < 1, "apart from OpenCV's gradients at the border"
    assert abs(spoilt[inside].astype(int) - face.pixels[inside]).mean() > 50


def test_class_means_by_hand() -> None:
    labels = np.array([[1, 1, 1, 1], [13, 13, 13, 4], [0, 0, 0, 0]], np.uint8)
    region = np.array([[0, 0, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]], np.uint8)
    source = np.zeros((3, 4, 3), np.uint8)
    source[0, :2] = [(10, 20, 30), (20, 40, 61)]
    source[1, 0] = (200, 100, 50)
    source[2] = (0, 8, 80)
    source[region == 1] = 255  # must not count
    filled = class_means(source, labels, region)
    np.testing.assert_array_equal(filled[0, 2:], [(15, 30, 46)] * 2)  # 45.5, rounded
    np.testing.assert_array_equal(filled[1, 1:3], [(200, 100, 50)] * 2)
    # The eye is nowhere outside: the mean of all seven pixels there.
    np.testing.assert_array_equal(filled[1, 3], np.round([230 / 7, 192 / 7, (91 + 50 + 320) / 7]))
    np.testing.assert_array_equal(filled[region == 0], source[region == 0])
    assert filled.dtype == np.uint8


def test_class_means_of_a_picture_without_any_outside_are_grey() -> None:
    face = sample()
    filled = class_means(face.pixels, face.labels, np.ones((SIDE, SIDE), np.uint8))
    np.testing.assert_array_equal(filled, np.full((SIDE, SIDE, 3), 127))


def test_class_means_leave_their_arguments_alone() -> None:
    face, region = sample(), patch()
    before = face.pixels.copy()
    class_means(face.pixels, face.labels, region)
    telea(face.pixels, region)
    np.testing.assert_array_equal(face.pixels, before)
