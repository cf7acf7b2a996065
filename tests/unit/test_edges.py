"""The picture's edges: strokes stop at them, and ways follow them."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import resources
from engine.files import read_mask
from engine.mask.edges import CORE, EdgeTracer, kept_to_edges
from engine.mask.strokes import Dab, capsule
from resources.labels import BY_NAME

DARK, LIGHT = (70, 50, 40), (222, 188, 170)
HAIR = BY_NAME["hair"].id
SAMPLES = Path(resources.__file__).parent / "samples"


def halves(size=96, at=52, noise=0, blur=0.0, colours=(DARK, LIGHT)) -> np.ndarray:
    """Return a picture of two colours, uint8 (size, size, 3), the second from a column on."""
    pixels = np.full((size, size, 3), colours[0], np.float64)
    pixels[:, at:] = colours[1]
    if blur:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), blur))
    pixels += np.random.default_rng(3).normal(0, noise, pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def kept(pixels, *dabs) -> tuple[np.ndarray, np.ndarray]:
    """Return what a stroke covers and what of it is kept, bool (H, W), by way of its pieces."""
    covered, result = (np.zeros(pixels.shape[:2], bool) for _ in range(2))
    for start, end in zip(dabs[:1] + dabs[:-1], dabs, strict=True):
        region, inside = capsule(start, end, pixels.shape[:2])
        if inside is not None:
            piece = kept_to_edges(pixels, start, end, region)
            assert piece.shape == inside.shape and piece.dtype == bool
            covered[region.slices] |= inside
            result[region.slices] |= inside & piece
    return covered, result


def core(shape, *dabs) -> np.ndarray:
    thin = [Dab(dab.x, dab.y, CORE * dab.radius - 0.5) for dab in dabs]
    result = np.zeros(shape, bool)
    for start, end in zip(thin[:1] + thin[:-1], thin, strict=True):
        if min(start.radius, end.radius) >= 1:
            region, inside = capsule(start, end, shape)
            if inside is not None:
                result[region.slices] |= inside
    return result


@pytest.mark.parametrize("noise", [0, 4, 12])
@pytest.mark.parametrize("blur", [0.0, 2.0])
@pytest.mark.parametrize("radius", [8.0, 16.0, 30.0, 44.0])
@pytest.mark.parametrize("flipped", [False, True])
def test_a_stroke_stops_at_an_edge(noise, blur, radius, flipped):
    pixels = halves(noise=noise, blur=blur, colours=(LIGHT, DARK) if flipped else (DARK, LIGHT))
    x = 52 - radius * 0.5
    covered, result = kept(pixels, Dab(x, 40, radius), Dab(x, 52, radius))
    assert covered[:, 55:].any()
    assert not result[:, 55:].any()
    np.testing.assert_array_equal(result[:, :49], covered[:, :49])


def test_an_edge_between_hues_as_light_as_each_other():
    pixels = halves(colours=((150, 110, 100), (100, 125, 140)))
    covered, result = kept(pixels, Dab(42, 48, 20))
    assert not result[:, 54:].any() and np.array_equal(result[:, :50], covered[:, :50])


def test_of_a_third_thing_nothing_is_painted():
    # Where the brush is broad, it may reach across a thing to another that looks like the first.
    pixels = halves(at=40)
    pixels[:, 60:] = DARK
    covered, result = kept(pixels, Dab(26, 48, 40))
    assert covered[:, 60:].any() and not result[:, 43:].any()


@pytest.mark.parametrize("radius", [1.0, 3.0, 12.0, 40.0, 90.0])
def test_where_there_is_no_edge_all_is_painted(radius):
    flat = np.full((200, 200, 3), (200, 170, 150), np.uint8)
    noisy = np.clip(flat + np.random.default_rng(1).normal(0, 5, flat.shape), 0, 255).astype(np.uint8)
    shaded = (flat * np.linspace(0.8, 1.1, 200)[:, None]).astype(np.uint8)
    for pixels in (flat, noisy, shaded):
        covered, result = kept(pixels, Dab(100, 90, radius), Dab(103, 99, radius))
        np.testing.assert_array_equal(result, covered)


def test_a_tiny_brush_paints_all_that_it_covers():
    pixels = np.random.default_rng(2).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    covered, result = kept(pixels, Dab(9.5, 9.5, 1.9), Dab(12, 14, 1.0))
    np.testing.assert_array_equal(result, covered)


@settings(max_examples=40)
@given(
    st.integers(0, 99),
    st.integers(1, 40),
    st.integers(1, 40),
    st.lists(st.tuples(st.floats(-10, 50), st.floats(-10, 50), st.floats(0, 45)), min_size=1, max_size=4),
)
def test_the_core_is_always_painted_and_nothing_is_left_to_chance(seed, height, width, places):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    dabs = tuple(Dab(*place) for place in places)
    untouched = pixels.copy()
    covered, result = kept(pixels, *dabs)
    assert not (result & ~covered).any()
    assert not (core((height, width), *dabs) & ~result).any()
    np.testing.assert_array_equal(kept(pixels.copy(), *dabs)[1], result)
    np.testing.assert_array_equal(pixels, untouched)


def test_only_what_lies_near_counts():
    pixels = halves(size=160, at=84, noise=3)
    changed = pixels.copy()
    changed[:, 130:] = (0, 255, 0)
    for picture in (pixels, changed):
        _, result = kept(picture, Dab(70, 80, 20))
        assert not result[:, 87:].any() and result[80, 80]


def test_pieces_join_without_gaps():
    angles = np.linspace(0, 3, 40)
    dabs = tuple(Dab(75 + 40 * math.cos(a), 75 + 40 * math.sin(a), 14.0) for a in angles)
    pixels = np.random.default_rng(5).integers(0, 256, (150, 150, 3), dtype=np.uint8)
    _, result = kept(pixels, *dabs)
    _, numbers = cv2.connectedComponents(result.astype(np.uint8))
    along = {int(numbers[int(dab.y), int(dab.x)]) for dab in dabs}
    assert len(along) == 1 and 0 not in along


def test_hair_is_painted_along_the_cheek_and_skin_is_not():
    pixels = np.asarray(Image.open(SAMPLES / "collins.jpg").convert("RGB"))
    labels = read_mask(SAMPLES / "collins_mask.png", 512, 512)
    ys = np.linspace(130, 270, 15)
    xs = np.interp(ys, (130, 200, 270), (95, 92, 110))
    covered, result = kept(pixels, *(Dab(x, y, 40) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)))
    hair = labels == HAIR
    assert (covered & ~hair).sum() > 1500
    assert (result & ~hair).sum() < 0.25 * (covered & ~hair).sum()
    assert (result & hair).sum() > 0.97 * (covered & hair).sum()


# Ways along edges


def disc(size=200, radius=60, factor=1) -> np.ndarray:
    y, x = np.mgrid[:size, :size] + 0.5
    inside = np.hypot(x - size / 2, y - size / 2) < radius
    return np.where(inside[..., None], DARK, LIGHT).astype(np.uint8)


def at(angle, radius=60.0, centre=100.0) -> tuple[float, float]:
    return centre + radius * math.cos(angle), centre + radius * math.sin(angle)


def lengths(way) -> float:
    return float(np.hypot(*np.diff(way, axis=0).T).sum())


def test_a_way_goes_straight_where_there_is_no_edge():
    tracer = EdgeTracer(np.full((80, 100, 3), 130, np.uint8))
    tracer.anchor(10.25, 20.5)
    way = tracer.path_to(70.5, 50.75)
    assert way.dtype == np.float32
    np.testing.assert_array_equal(way, [[10.25, 20.5], [70.5, 50.75]])


@pytest.mark.parametrize("turn", [0.4, 0.9, -1.1])
def test_a_way_follows_an_edge(turn):
    tracer = EdgeTracer(disc())
    tracer.anchor(*at(0.3))
    way = tracer.path_to(*at(0.3 + turn))
    np.testing.assert_allclose(way[0], at(0.3), atol=1e-4)
    np.testing.assert_allclose(way[-1], at(0.3 + turn), atol=1e-4)
    distances = np.hypot(way[:, 0] - 100, way[:, 1] - 100)
    assert np.abs(distances - 60).max() < 2.5
    assert lengths(way) == pytest.approx(60 * abs(turn), rel=0.12)


def test_a_long_way_follows_an_edge_in_a_reduced_picture():
    tracer = EdgeTracer(disc(640, 220))
    tracer.anchor(*at(0.2, 220, 320))
    way = tracer.path_to(*at(2.2, 220, 320))
    distances = np.hypot(way[:, 0] - 320, way[:, 1] - 320)
    assert np.abs(distances - 220).max() < 8
    assert lengths(way) == pytest.approx(440, rel=0.15)


def test_a_way_leaves_the_edge_straight():
    tracer = EdgeTracer(disc())
    tracer.anchor(*at(0.0))
    way = tracer.path_to(100, 100)
    inner = np.hypot(way[:-1, 0] - 100, way[:-1, 1] - 100)
    assert inner.min() > 50


def test_another_anchor_begins_another_way():
    tracer = EdgeTracer(disc())
    for angle in (0.0, 1.0, 0.0):
        tracer.anchor(*at(angle))
        np.testing.assert_allclose(tracer.path_to(*at(angle + 0.5))[0], at(angle), atol=1e-4)


def test_ways_end_in_the_picture():
    tracer = EdgeTracer(disc())
    tracer.anchor(-30, 1000)
    way = tracer.path_to(500, -4)
    np.testing.assert_array_equal(way[[0, -1]], [[0, 200], [200, 0]])


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 2), (300, 1)])
def test_tiny_pictures_have_ways_too(shape):
    tracer = EdgeTracer(np.zeros((*shape, 3), np.uint8))
    tracer.anchor(0, 0)
    way = tracer.path_to(shape[1], shape[0])
    np.testing.assert_array_equal(way, [[0, 0], [shape[1], shape[0]]])
    assert len(tracer.path_to(0, 0)) == 2


@settings(max_examples=25)
@given(st.integers(0, 20), *[st.floats(-10, 110)] * 4)
def test_every_way_is_finite_and_within_the_picture(seed, x0, y0, x1, y1):
    pixels = np.random.default_rng(seed).integers(0, 256, (60, 100, 3), dtype=np.uint8)
    tracer = EdgeTracer(pixels)
    tracer.anchor(x0, y0)
    way = tracer.path_to(x1, y1)
    assert way.ndim == 2 and way.shape[1] == 2 and len(way) >= 2
    assert (way >= 0).all() and (way <= (100, 60)).all()
    np.testing.assert_array_equal(EdgeTracer(pixels).path_to(x1, y1)[-1], way[-1])
