import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.frame import Frame
from tests.fakes import make_labels, make_portrait

SIDES = st.integers(1, 300)
NETWORKS = st.sampled_from([(64, 32), (128, 32), (128, 64), (256, 32)])


@given(SIDES, SIDES, NETWORKS)
def test_the_input_is_the_smallest_that_holds_the_portrait(height: int, width: int, network: tuple[int, int]) -> None:
    size, multiple = network
    frame = Frame.fit(height, width, size, multiple)
    assert max(frame.inner) == size
    for inner, outer in zip(frame.inner, frame.outer, strict=True):
        assert outer % multiple == 0 and 1 <= inner <= outer < inner + multiple
    assert abs(frame.inner[0] * width - frame.inner[1] * height) <= max(height, width)


@pytest.mark.parametrize(
    ("height", "width", "inner", "outer"),
    [
        (512, 512, (256, 256), (256, 256)),
        (1024, 768, (256, 192), (256, 192)),
        (1024, 683, (256, 171), (256, 192)),
        (50, 1000, (13, 256), (32, 256)),
        (1000, 50, (256, 13), (256, 32)),
        (1, 4000, (1, 256), (32, 256)),
    ],
)
def test_known_frames(height: int, width: int, inner: tuple[int, int], outer: tuple[int, int]) -> None:
    assert Frame.fit(height, width, 256, 32) == Frame(inner, outer)


def to_network(pixels: np.ndarray) -> np.ndarray:
    return (pixels / 127.5 - 1).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 64), (64, 40), (33, 64), (1, 64), (64, 3)])
def test_at_the_networks_size_pixels_come_back_exactly(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    frame = Frame.fit(*size, 64, 32)
    assert frame.inner == size
    assert np.array_equal(frame.restore(to_network(frame.pixels(pixels)), *size), pixels)


@pytest.mark.parametrize("size", [(200, 300), (300, 200), (128, 100), (20, 400), (400, 20), (17, 31)])
def test_a_smooth_picture_survives_the_way_there_and_back(size: tuple[int, int]) -> None:
    height, width = size
    y, x = np.mgrid[:height, :width]
    pixels = np.stack([255 * y / height, 255 * x / width, np.full(size, 90.0)], axis=2).astype(np.uint8)
    frame = Frame.fit(height, width, 128, 32)
    there = frame.pixels(pixels)
    assert there.shape == (*frame.outer, 3) and there.dtype == np.uint8
    back = frame.restore(to_network(there), height, width)
    assert back.shape == pixels.shape and back.dtype == np.uint8
    inside = np.s_[height // 10 : -(height // 10) or None, width // 10 : -(width // 10) or None]
    assert np.abs(back[inside].astype(int) - pixels[inside]).max() <= 255 // min(frame.inner) + 4


def test_padding_repeats_the_edges_and_centres_the_portrait() -> None:
    frame = Frame((3, 64), (32, 64))
    labels = np.repeat(np.array([[1], [2], [3]], np.uint8), 64, axis=1)
    padded = frame.labels(labels)
    top = (32 - 3) // 2
    assert (padded[: top + 1] == 1).all() and (padded[top + 1] == 2).all() and (padded[top + 2 :] == 3).all()


def test_values_out_of_range_are_clipped_before_and_after_scaling() -> None:
    frame = Frame.fit(100, 100, 32, 32)
    image = np.zeros((32, 32, 3), np.float32)
    image[:16] = 40
    image[16:] = -40
    back = frame.restore(image, 100, 100)
    assert back[0, 0, 0] == 255 and back[-1, -1, 0] == 0
    # Not clipped first, the far overshoot of 40 would wash out the border.
    assert np.all((back[:45] == 255) & (back[55:].max() == 0))


@given(SIDES, SIDES, NETWORKS, st.randoms(use_true_random=False))
def test_labels_are_never_mixed(height: int, width: int, network: tuple[int, int], random) -> None:
    used = random.sample([0, 3, 9, 13, 18], 2)
    labels = np.random.default_rng(random.randrange(1000)).choice(used, (height, width)).astype(np.uint8)
    there = Frame.fit(height, width, *network).labels(labels)
    assert there.dtype == np.uint8
    assert set(np.unique(there)) <= set(used)


@pytest.mark.parametrize("size", [(128, 128), (512, 384), (50, 1000)])
def test_labels_and_pixels_lie_on_each_other(size: tuple[int, int]) -> None:
    portrait = make_portrait(size)
    frame = Frame.fit(*size, 64, 32)
    pixels, labels = frame.pixels(portrait.pixels), frame.labels(make_labels(*size))
    # The mean colour of a class's pixels is nearly the same before and after.
    before = portrait.pixels[portrait.labels == 13].mean(axis=0)
    after = pixels[labels == 13].mean(axis=0)
    assert np.abs(before - after).max() < 25


@given(SIDES, SIDES, NETWORKS, st.integers(0, 10**6), st.floats(0, 0.3))
def test_every_touched_pixel_is_in_the_region(
    height: int, width: int, network: tuple[int, int], seed: int, share: float
) -> None:
    random = np.random.default_rng(seed)
    inside = random.random((height, width)) < share
    inside[random.integers(height), random.integers(width)] = True
    frame = Frame.fit(height, width, *network)
    region = frame.region(inside)
    assert region.dtype == np.float32 and region.shape == frame.outer
    assert set(np.unique(region)) <= {0.0, 1.0}
    top, left = ((outer - inner) // 2 for inner, outer in zip(frame.inner, frame.outer, strict=True))
    inner = region[top : top + frame.inner[0], left : left + frame.inner[1]]
    # By the definition: a network pixel's square, in whole numbers, meets the square of a true pixel.
    rows, columns = (overlaps(sides, cells) for sides, cells in zip(inside.shape, frame.inner, strict=True))
    assert np.array_equal(inner == 1, rows @ inside.astype(int) @ columns.T > 0)


def overlaps(pixels: int, cells: int) -> np.ndarray:
    """Tell which of ``cells`` parts of a side (rows) share some of its length with which pixels (columns)."""
    cell, pixel = np.arange(cells)[:, None], np.arange(pixels)[None]
    return ((cell * pixels < (pixel + 1) * cells) & (pixel * cells < (cell + 1) * pixels)).astype(int)


def test_an_empty_region_stays_empty_and_a_full_one_full() -> None:
    frame = Frame.fit(300, 200, 64, 32)
    assert not frame.region(np.zeros((300, 200), bool)).any()
    assert (frame.region(np.ones((300, 200), bool)) == 1).all()


def test_one_pixel_of_a_large_mask_is_not_lost() -> None:
    frame = Frame.fit(1024, 1024, 256, 32)
    inside = np.zeros((1024, 1024), bool)
    inside[501, 703] = True
    region = frame.region(inside)
    assert region.sum() == 1 and region[125, 175] == 1
