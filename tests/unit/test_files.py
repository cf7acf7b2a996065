import errno
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine import files
from engine.files import (
    read_mask,
    read_picture,
)
from engine.types import ImageError, MaskError
from resources.labels import palette
from tests.fakes import check_error, make_labels, make_portrait

ORIENTATION = 0x0112


# Reading pictures


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.webp", "A PICTURE ä.PNG"])
def test_lossless_formats_are_read_exactly(tmp_path: Path, picture: np.ndarray, name: str) -> None:
    options: dict[str, Any] = {"lossless": True} if name.endswith("webp") else {}
    Image.fromarray(picture).save(tmp_path / name, **options)
    read = read_picture(tmp_path / name)
    assert read.dtype == np.uint8 and np.array_equal(read, picture)


def test_jpeg_is_read_nearly_so(tmp_path: Path) -> None:
    y, x = np.mgrid[:80, :60]
    smooth = np.stack([y * 3, x * 4, y + x], axis=2).astype(np.uint8)
    Image.fromarray(smooth).save(tmp_path / "a.jpg", quality=95, subsampling=0)
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - smooth).max() < 12


def test_the_content_counts_and_not_the_ending(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "a.jpg", "PNG")
    assert np.array_equal(read_picture(tmp_path / "a.jpg"), picture)


def test_transparency_is_laid_on_white(tmp_path: Path, picture: np.ndarray) -> None:
    alpha = np.full((80, 60, 1), 255, np.uint8)
    alpha[:40] = 0
    Image.fromarray(np.concatenate([picture, alpha], axis=2)).save(tmp_path / "a.png")
    read = read_picture(tmp_path / "a.png")
    assert (read[:40] == 255).all() and np.array_equal(read[40:], picture[40:])


def test_greyscale_with_and_without_transparency(tmp_path: Path, picture: np.ndarray) -> None:
    grey = picture[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    Image.fromarray(np.stack([grey, np.full_like(grey, 255)], axis=2)).save(tmp_path / "la.png")
    for name in ("grey.png", "la.png"):
        assert np.array_equal(read_picture(tmp_path / name), np.repeat(grey[..., None], 3, axis=2))


def test_a_palette_with_a_transparent_colour(tmp_path: Path) -> None:
    image = Image.fromarray(make_labels(80, 60))
    image.putpalette(palette().tobytes())
    image.save(tmp_path / "plain.png")
    image.save(tmp_path / "clear.png", transparency=0)
    expected = palette()[make_labels(80, 60)]
    assert np.array_equal(read_picture(tmp_path / "plain.png"), expected)
    expected[make_labels(80, 60) == 0] = 255
    assert np.array_equal(read_picture(tmp_path / "clear.png"), expected)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.pgm"])
def test_16_bit_greyscale_keeps_its_tones(tmp_path: Path, picture: np.ndarray, name: str) -> None:
    deep = picture[..., 0].astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / name)
    read = read_picture(tmp_path / name)
    assert np.array_equal(read, np.repeat(picture[..., :1], 3, axis=2))


def test_floating_point_greyscale(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture[..., 0] / np.float32(255)).save(tmp_path / "a.tif")
    assert np.array_equal(read_picture(tmp_path / "a.tif"), np.repeat(picture[..., :1], 3, axis=2))


def test_cmyk_and_black_and_white(tmp_path: Path, picture: np.ndarray) -> None:
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert read_picture(tmp_path / "a.jpg").shape == (80, 60, 3)
    Image.fromarray(picture[..., 0] > 128).save(tmp_path / "a.png")
    assert set(np.unique(read_picture(tmp_path / "a.png"))) == {0, 255}


def test_colours_without_a_way_to_rgb_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(self: Image.Image, mode: str) -> None:
        raise ValueError(f"conversion from {self.mode} to {mode} not supported")  # LAB, with older versions of Pillow

    Image.new("LAB", (64, 64)).save(tmp_path / "lab.tif")
    monkeypatch.setattr(Image.Image, "convert", convert)
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "lab.tif")
    check_error(error, "lab.tif", "LAB", "RGB")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_exif_orientation_is_applied(tmp_path: Path, name: str, orientation: int) -> None:
    upright = np.zeros((64, 96, 3), np.uint8)
    upright[:32, :48] = 250  # the top left quarter
    stored = np.rot90(upright, {3: 2, 6: 1, 8: 3}[orientation])
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / name, exif=exif)
    read = read_picture(tmp_path / name)
    assert read.shape == (64, 96, 3)
    assert read[16, 24].min() > 230 and read[48, 24].max() < 20 and read[16, 72].max() < 20


def test_broken_exif_is_no_obstacle(tmp_path: Path, picture: np.ndarray) -> None:
    for number, exif in enumerate(
        (b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\0\xff", b"x", b"Exif\0\0II*\0\xff\xff\xff\xff")
    ):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(picture).save(path, exif=exif)
        assert read_picture(path).shape == picture.shape


def test_no_file_is_left_open(tmp_path: Path, picture: np.ndarray) -> None:
    # Pillow keeps the files of formats with several pictures open.
    path = tmp_path / "a.gif"
    frames = [Image.fromarray(np.roll(picture, shift, axis=0)) for shift in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_picture(path).shape == picture.shape
    if sys.platform == "linux":
        opened = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]  # noqa: PTH208
        assert str(path.resolve()) not in opened


# Pictures that cannot be read


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "no.png")
    check_error(error, "no.png", "does not exist", "PNG or JPEG")


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "a.png")
    check_error(error, "a.png", "empty (0 bytes)")


@pytest.mark.parametrize("content", [b"I am no picture.\n" * 20, b"\0" * 500, b"%PDF-1.7\n", b"P"])
def test_something_else_named_png(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "a.png")
    check_error(error, "a.png", "not a picture")


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "a.png")
    check_error(error, "a.png")


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.tif", "a.webp", "a.bmp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_picture(tmp_path: Path, name: str, share: float) -> None:
    path = tmp_path / name
    noise = np.random.default_rng(0).integers(0, 256, (80, 60, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(ImageError) as error:
        read_picture(path)
    check_error(error, name)


@given(
    seed=st.integers(0, 10**6), kind=st.sampled_from(["PNG", "JPEG", "TIFF", "GIF", "BMP"]), flips=st.integers(1, 30)
)
def test_damage_is_read_or_an_error_but_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, seed: int, kind: str, flips: int
) -> None:
    path = tmp_path_factory.mktemp("damage") / "a.bin"
    random = np.random.default_rng(seed)
    Image.fromarray(make_portrait(40).pixels).save(path, kind)
    data = bytearray(path.read_bytes())
    for _ in range(flips):
        # Mostly in the head, where the structure is.
        data[random.integers(min(len(data), 200) if random.random() < 0.7 else len(data))] = random.integers(256)
    path.write_bytes(data)
    try:
        read = read_picture(path)
    except ImageError as error:
        assert error.hint
    else:
        assert read.dtype == np.uint8 and read.ndim == 3 and read.shape[2] == 3


def test_too_small(tmp_path: Path) -> None:
    Image.new("RGB", (31, 200)).save(tmp_path / "a.png")
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "a.png")
    check_error(error, "31 x 200", "at least 32 x 32")
    Image.new("RGB", (32, 32)).save(tmp_path / "b.png")
    assert read_picture(tmp_path / "b.png").shape == (32, 32, 3)


@pytest.mark.parametrize("pixels", [1_900_000, 5_000_000])
def test_more_pixels_than_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    # Pillow only warns up to twice the limit.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    Image.new("L", (pixels // 1000, 1000)).save(tmp_path / "a.png")
    for read in (read_picture, lambda path: read_mask(path, 1000, pixels // 1000)):
        with pytest.raises((ImageError, MaskError)) as error:
            read(tmp_path / "a.png")
        check_error(error, "more than 1 megapixels", "smaller")


def test_a_file_that_must_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray) -> None:
    Image.fromarray(picture).save(tmp_path / "a.png")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(files.Image, "open", refuse)  # root may read everything
    with pytest.raises(ImageError) as error:
        read_picture(tmp_path / "a.png")
    check_error(error, "a.png", "Permission denied", "the right to read it")
