from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.photo import Patch, compose_photo, laid_over, photo_of, read_photo
from engine.types import Region
from tests.unit.test_photo import MODES, WIDE, colours, full_alpha, in_mode, make_patch, numbers


def no_patches() -> list[Patch | None]:
    patch = make_patch()
    return [
        None,
        Patch(patch.region, patch.colours, np.zeros_like(patch.alpha)),
        Patch(Region(0, 0, 0, 0), np.zeros((0, 0, 3), np.float32), np.zeros((0, 0), np.float32)),
    ]


@pytest.mark.parametrize("mode", MODES)
def test_without_a_patch_nothing_changes(mode: str) -> None:
    photo = photo_of(in_mode(mode), "a")
    for patch in no_patches():
        result = compose_photo(photo, patch)
        assert result.mode == mode and result.tobytes() == photo.image.tobytes()
        assert np.array_equal(laid_over(photo.pixels, patch), photo.pixels)


@pytest.mark.parametrize("mode", MODES)
def test_outside_the_patch_nothing_changes(mode: str) -> None:
    photo, patch = photo_of(in_mode(mode), "a"), make_patch()
    before = photo.image.tobytes()
    result = compose_photo(photo, patch)
    expected = {
        "1": "L",
        "P": "RGB",
        "PA": "RGBA",
        "La": "LA",
        "RGBa": "RGBA",
        "YCbCr": "RGB",
        "LAB": "RGB",
        "HSV": "RGB",
    }
    assert result.mode == expected.get(mode, mode) and photo.image.tobytes() == before
    source = photo.image if result.mode == mode else photo.image.convert(result.mode)
    outside = full_alpha(photo, patch) == 0
    assert np.array_equal(numbers(result)[outside], numbers(source)[outside])
    assert not np.array_equal(numbers(result)[~outside], numbers(source)[~outside])
    if result.mode in ("LA", "RGBA", "RGBX"):
        assert np.array_equal(numbers(result)[..., -1], numbers(source)[..., -1])
    shown = laid_over(photo.pixels, patch)
    assert np.array_equal(shown[outside], photo.pixels[outside])
    # Where the patch is all there is, its colours are to be seen: as such, or as grey.
    if mode in ("1", "L", "RGB", "RGBX", "P", "CMYK", "I;16", "I;16B", "I;16L", "I", "F", "YCbCr", "HSV", "LAB"):
        solid = full_alpha(photo, patch) == 1
        wanted = patch.colours[patch.alpha == 1]
        if len(result.getbands()) == 1:
            wanted = np.repeat((wanted @ np.array([0.299, 0.587, 0.114]))[:, None], 3, axis=1)
        seen = photo_of(result, "a").pixels[solid]
        assert np.abs(seen - wanted).max() <= 1


def test_the_formula() -> None:
    photo, patch = photo_of(Image.fromarray(colours()), "a"), make_patch()
    part = colours()[patch.region.slices].astype(np.float64)
    expected = colours()
    expected[patch.region.slices] = np.rint(part + patch.alpha[..., None] * (patch.colours - part))
    for result in (np.asarray(compose_photo(photo, patch)), laid_over(photo.pixels, patch)):
        assert np.abs(result.astype(int) - expected).max() <= 1  # a half may go either way
        assert (result != expected).mean() < 1e-3


def test_16_bits_stay_finer_than_8() -> None:
    photo = photo_of(Image.fromarray(np.full((64, 64), 1000, np.uint16)), "a")
    ramp = np.repeat(np.linspace(100, 101, 64, dtype=np.float32)[None, :, None], 3, axis=2)
    patch = Patch(Region(0, 0, 1, 64), ramp, np.ones((1, 64), np.float32))
    result = np.asarray(compose_photo(photo, patch))
    assert result.dtype == np.uint16 and len(np.unique(result[0])) > 50
    assert abs(int(result[0, 0]) - 25700) <= 1 and (result[1:] == 1000).all()


def test_colours_out_of_range_are_cut_off() -> None:
    photo = photo_of(Image.fromarray(colours()), "a")
    wanted = np.array([[[-50, 300, 128]]], np.float32)
    patch = Patch(Region(3, 4, 4, 5), wanted, np.ones((1, 1), np.float32))
    assert tuple(laid_over(photo.pixels, patch)[3, 4]) == (0, 255, 128)
    assert np.asarray(compose_photo(photo, patch))[3, 4].tolist() == [0, 255, 128]


def test_a_patch_in_a_wide_gamut_has_the_photos_colours() -> None:
    image = Image.fromarray(colours())
    image.info["icc_profile"] = WIDE
    photo = photo_of(image, "a")
    wanted = np.tile(np.array([180, 110, 90], np.float32), (20, 20, 1))
    patch = Patch(Region(5, 5, 25, 25), wanted, np.ones((20, 20), np.float32))
    result = compose_photo(photo, patch)
    assert result.info["icc_profile"] == WIDE
    own = np.asarray(result)[10, 10].astype(int)
    assert own[0] < 178  # less saturated numbers for the same colour
    assert np.abs(photo_of(result, "a").pixels[5:25, 5:25] - wanted).max() <= 2
    outside = full_alpha(photo, patch) == 0
    assert np.array_equal(np.asarray(result)[outside], colours()[outside])


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_a_transparent_colour_is_not_painted_by_chance(tmp_path: Path, mode: str) -> None:
    image = Image.new(mode, (64, 64))
    image.info["transparency"] = (9, 9, 9) if mode == "RGB" else 9
    if mode == "P":
        image.putpalette([value for value in range(256) for _ in range(3)])
    image.paste(9 if mode != "RGB" else (9, 9, 9), (0, 0, 64, 32))
    image.save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert photo.image.mode == mode and (photo.pixels[:32] == 255).all() and (photo.pixels[32:] == 0).all()
    patch = Patch(Region(40, 0, 50, 64), np.full((10, 64, 3), 9, np.float32), np.ones((10, 64), np.float32))
    result = compose_photo(photo, patch)
    alpha = np.asarray(result.getchannel("A"))
    assert (alpha[:32] == 0).all() and (alpha[32:] == 255).all()
    assert (np.asarray(result)[40:50, :, 0] == 9).all()


def test_a_large_patch_is_laid_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, patch = photo_of(in_mode("RGBA"), "a"), make_patch()
    whole, shown = compose_photo(photo, patch).tobytes(), laid_over(photo.pixels, patch)
    monkeypatch.setattr("engine.colour.STRIP_PIXELS", 100)
    assert compose_photo(photo, patch).tobytes() == whole
    assert np.array_equal(laid_over(photo.pixels, patch), shown)
