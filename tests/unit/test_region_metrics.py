"""Errors inside a region and mean colours of classes, by hand and against another implementation."""

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image import structural_similarity_index_measure

from models.metrics import mean_lab, region_errors
from models.synthetic import made_mask, made_pixels

Pixels = NDArray[np.uint8]


def picture(size: int = 48, seed: int = 0) -> Pixels:
    return made_pixels(made_mask(size), seed)


def box(size: int = 48) -> Pixels:
    """A region away from the border."""
    region = np.zeros((size, size), np.uint8)
    region[12:36, 10:30] = 1
    return region


def noisy(pixels: Pixels, strength: float) -> Pixels:
    noise = np.random.default_rng(3).normal(0, strength, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


# Errors in a region


def test_equal_pictures_have_no_error() -> None:
    errors = region_errors(picture(), picture(), box())
    assert errors["l1"] == 0
    assert errors["ssim"] == pytest.approx(1, abs=1e-12)
    assert errors["psnr"] == pytest.approx(10 * np.log10(255**2 / 1e-3)), "a bound, so that means stay finite"


@pytest.mark.parametrize("offset", [-20, -1, 1, 5, 100])
def test_an_offset_is_the_mean_difference_and_follows_into_the_decibels(offset: int) -> None:
    real = np.full((20, 20, 3), 120, np.uint8)
    errors = region_errors((real.astype(int) + offset).astype(np.uint8), real, np.ones((20, 20), np.uint8))
    assert errors["l1"] == abs(offset)
    assert errors["psnr"] == pytest.approx(20 * np.log10(255 / abs(offset)))


def test_differences_are_averaged_over_pixels_and_colours() -> None:
    real, made = (np.full((8, 8, 3), 50, np.uint8) for _ in range(2))
    made[2, 3] = (60, 44, 52)  # off by 10, 6 and 2
    region = np.zeros((8, 8), np.uint8)
    region[2, 2:4] = 1
    errors = region_errors(made, real, region)
    assert errors["l1"] == pytest.approx((10 + 6 + 2) / 6)
    assert errors["psnr"] == pytest.approx(10 * np.log10(255**2 / ((100 + 36 + 4) / 6)))


def test_only_the_region_counts() -> None:
    real, region = picture(), box()
    # The window of the similarity reaches five pixels: what is farther from the region plays no part in it.
    near = cv2.dilate(region, np.ones((11, 11), np.uint8))
    made = np.where(near[..., None] == 0, 255 - real, real)
    errors = region_errors(made, real, region)
    assert errors["l1"] == 0
    assert errors["ssim"] == pytest.approx(1, abs=1e-12)
    assert region_errors(made, real, 1 - region)["l1"] > 20


def test_any_value_but_0_is_inside() -> None:
    made, region = noisy(picture(), 10), box()
    assert region_errors(made, picture(), region * 255) == region_errors(made, picture(), region)


def test_more_noise_is_more_error_by_every_measure() -> None:
    rows = [region_errors(noisy(picture(), strength), picture(), box()) for strength in (2, 8, 30)]
    assert rows[0]["l1"] < rows[1]["l1"] < rows[2]["l1"]
    assert rows[0]["psnr"] > rows[1]["psnr"] > rows[2]["psnr"]
    assert 1 > rows[0]["ssim"] > rows[1]["ssim"] > rows[2]["ssim"]


def test_similarity_sees_structure_where_the_mean_difference_does_not() -> None:
    # Stripes against the same stripes shifted by one, and against a flat offset of the same size.
    stripes = np.full((32, 32, 3), 100, np.uint8)
    stripes[:, ::2] = 140
    region = np.ones((32, 32), np.uint8)
    shifted, offset = region_errors(240 - stripes, stripes, region), region_errors(stripes + 40, stripes, region)
    assert shifted["l1"] == offset["l1"] == 40
    assert shifted["ssim"] < 0 < 0.8 < offset["ssim"]


def test_a_region_at_the_border_and_a_picture_smaller_than_the_window() -> None:
    real = picture()
    edge = np.zeros((48, 48), np.uint8)
    edge[:3] = edge[:, -2:] = 1
    assert region_errors(real, real, edge)["ssim"] == pytest.approx(1, abs=1e-12)
    small = region_errors(255 - real[:6, :6], real[:6, :6], np.ones((6, 6), np.uint8))
    assert np.isfinite(list(small.values())).all()


@pytest.mark.parametrize("strength", [3, 25])
def test_the_similarity_is_the_one_of_another_implementation(strength: float) -> None:
    real, made = picture(), noisy(picture(), strength)
    grey = [
        torch.from_numpy(np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), np.float64))[None, None]
        for pixels in (made, real)
    ]
    found = structural_similarity_index_measure(grey[0], grey[1], sigma=1.5, data_range=255.0, return_full_image=True)
    assert isinstance(found, tuple)
    whole, inside = found[1][0, 0].numpy(), box() > 0
    assert region_errors(made, real, box())["ssim"] == pytest.approx(whole[inside].mean(), abs=1e-9)


# Mean colours


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
    ids=["white", "black", "red", "green", "blue", "grey"],
)
def test_known_colours_in_lab(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    pixels = np.full((10, 10, 3), rgb, np.uint8)
    found = mean_lab(pixels, np.full((10, 10), 13, np.uint8), 13)
    assert found is not None
    np.testing.assert_allclose(found, lab, atol=0.6)  # OpenCV's conversion is a little coarse


def test_the_mean_is_taken_in_lab_over_the_class_alone() -> None:
    pixels = np.zeros((10, 10, 3), np.uint8)
    labels = np.zeros((10, 10), np.uint8)
    labels[:4] = 1
    pixels[:2], pixels[4:] = 255, (0, 0, 255)  # half of the class is white, half black; all else is blue
    found = mean_lab(pixels, labels, 1)
    assert found is not None
    # Half of white in lightness; half of the light itself would be 76.
    np.testing.assert_allclose(found, (50, 0, 0), atol=0.1)


def test_a_class_without_enough_pixels_has_no_colour() -> None:
    pixels, labels = np.full((100, 100, 3), 90, np.uint8), np.zeros((100, 100), np.uint8)
    assert mean_lab(pixels, labels, 13) is None
    labels[0, :19] = 13
    assert mean_lab(pixels, labels, 13) is None
    labels[0, :20] = 13  # two in a thousand
    assert mean_lab(pixels, labels, 13) is not None


def test_measuring_alters_nothing() -> None:
    made, real, region, labels = noisy(picture(), 9), picture(), box(), made_mask(48)
    before = [array.copy() for array in (made, real, region, labels)]
    region_errors(made, real, region)
    mean_lab(real, labels, 13)
    for array, copy in zip((made, real, region, labels), before, strict=True):
        np.testing.assert_array_equal(array, copy)
