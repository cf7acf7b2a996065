import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.photo import (
    Patch,
    Photo,
    compose_photo,
    photo_of,
    read_photo,
)
from engine.types import Region

ORIENTATION = 0x0112
MODES = [
    "1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "I;16", "I;16B",
    "I;16L", "I", "F",
]  # fmt: skip


def colours(height: int = 51, width: int = 67, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def in_mode(mode: str, height: int = 51, width: int = 67) -> Image.Image:
    """A picture of noise in every channel, transparency included."""
    random = np.random.default_rng(1)
    if mode.startswith("I;16"):
        values = random.integers(0, 65536, (height, width)).astype(">u2" if mode == "I;16B" else "<u2")
        return Image.frombytes(mode, (width, height), values.tobytes())
    if mode == "I":
        return Image.fromarray(random.integers(0, 65536, (height, width)).astype(np.int32))
    if mode == "F":
        return Image.fromarray(random.random((height, width), np.float32))
    if mode in ("P", "PA", "1"):
        image = Image.fromarray(colours(height, width)).convert("P" if mode != "1" else "1")
        return image.convert("PA") if mode == "PA" else image
    channels = len(Image.new(mode, (1, 1)).getbands())
    values = random.integers(0, 256, (height, width, channels), np.uint8)
    if mode in ("La", "RGBa"):
        values[..., :-1] = values[..., :-1] * (values[..., -1:] / 255)
    return Image.frombytes(mode, (width, height), values.tobytes())


def numbers(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(np.float64)


def profile_with(shift: float) -> bytes:
    """An RGB profile like sRGB, but with more saturated primaries, as those of Display P3 and Adobe RGB are."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    columns = {b"rXYZ": (0.5151, 0.2412, -0.0011), b"gXYZ": (0.2920, 0.6922, 0.0419), b"bXYZ": (0.1571, 0.0666, 0.7841)}
    (count,) = struct.unpack(">L", data[128:132])
    for number in range(count):
        name, offset, _ = struct.unpack(">4sLL", data[132 + 12 * number : 144 + 12 * number])
        if name in columns:
            old = struct.unpack(">3l", data[offset + 8 : offset + 20])
            new = [round(a + shift * (b * 65536 - a)) for a, b in zip(old, columns[name], strict=True)]
            data[offset + 8 : offset + 20] = struct.pack(">3l", *new)
    return bytes(data)


WIDE = profile_with(1)
PLACE = Region(10, 12, 41, 50)


def grey_profile(gamma: float = 1.0) -> bytes:
    """A greyscale profile, written out by hand: white point and one curve."""
    tags = [
        (b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">3l", 63190, 65536, 54061)),
        (b"kTRC", b"curv\0\0\0\0" + struct.pack(">LH", 1, round(gamma * 256)) + b"\0\0"),
        (b"desc", b"desc\0\0\0\0" + struct.pack(">L", 5) + b"grey\0" + b"\0" * 83),
        (b"cprt", b"text\0\0\0\0none\0\0\0\0"),
    ]
    offset, table, body = 132 + 12 * len(tags), b"", b""
    for name, content in tags:
        content += b"\0" * (-len(content) % 4)
        table += struct.pack(">4sLL", name, offset + len(body), len(content))
        body += content
    size = offset + len(body)
    head = struct.pack(">L4sL4s4s4s", size, b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += b"\0" * 12 + b"acsp" + b"\0" * 24 + struct.pack(">L3l", 1, 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">L", len(tags)) + table + body


def make_patch(region: Region = PLACE) -> Patch:
    height, width = region.y1 - region.y0, region.x1 - region.x0
    alpha = np.linspace(-0.5, 1.5, width, dtype=np.float32).clip(0, 1) * np.ones((height, 1), np.float32)
    alpha[0] = 0
    wanted = np.random.default_rng(7).random((height, width, 3)).astype(np.float32) * 255
    return Patch(region, wanted, alpha)


def full_alpha(photo: Photo, patch: Patch) -> np.ndarray:
    alpha = np.zeros(photo.pixels.shape[:2], np.float32)
    alpha[patch.region.slices] = patch.alpha
    return alpha


def png(head: bytes, rows: bytes) -> bytes:
    """A PNG file, chunk by chunk."""
    data = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        data += struct.pack(">L", len(content)) + name + content + struct.pack(">L", zlib.crc32(name + content))
    return data


# Reading


def test_a_plain_photo(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "a face.png")
    photo = read_photo(tmp_path / "a face.png")
    assert np.array_equal(photo.pixels, colours()) and photo.pixels.dtype == np.uint8
    assert not photo.pixels.flags.writeable
    assert np.array_equal(np.asarray(photo.image), colours())
    assert (photo.name, photo.format, photo.notes) == ("a face", "PNG", ())


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_is_kept_and_shown(mode: str) -> None:
    image = in_mode(mode)
    photo = photo_of(image, "clipboard")
    assert photo.image.mode == mode and photo.image.tobytes() == image.tobytes()
    assert photo.pixels.shape == (51, 67, 3) and photo.pixels.dtype == np.uint8
    assert photo.pixels.std() > 10
    assert photo.format == "PNG" and photo.notes == ()


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I;16L", "I"])
def test_16_bits_of_grey_are_scaled(mode: str) -> None:
    image = in_mode(mode)
    expected = np.rint(np.asarray(image).astype(np.float32) / 65535 * 255).astype(np.uint8)
    assert np.array_equal(photo_of(image, "a").pixels, np.repeat(expected[..., None], 3, axis=2))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_all_orientations(tmp_path: Path, orientation: int, suffix: str) -> None:
    upright = colours()
    # What each orientation stores, by its definition: where the first row and the first column are.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[0x010F] = "A camera"
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif, **options)
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, upright)
    kept = photo.image.getexif()
    assert ORIENTATION not in kept and kept[0x010F] == "A camera"


def test_broken_exif_is_no_obstacle(tmp_path: Path) -> None:
    for number, exif in enumerate(
        (b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\0\xff", b"x", b"Exif\0\0II*\0\xff\xff\xff\xff")
    ):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(colours()).save(path, exif=exif)
        assert read_photo(path).pixels.shape == (51, 67, 3)


def test_transparency_is_laid_on_white_only_to_be_shown(tmp_path: Path) -> None:
    values = np.dstack([colours(), np.zeros((51, 67), np.uint8)])
    values[:20, :, 3] = 255
    Image.fromarray(values).save(tmp_path / "a.png")
    photo = read_photo(tmp_path / "a.png")
    assert np.array_equal(np.asarray(photo.image), values)
    assert np.array_equal(photo.pixels[:20], colours()[:20]) and (photo.pixels[20:] == 255).all()


# Profiles


def test_a_wide_gamut_is_converted_for_showing(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (200, 100, 50)).save(tmp_path / "a.png", icc_profile=WIDE)
    photo = read_photo(tmp_path / "a.png")
    assert photo.image.getpixel((0, 0)) == (200, 100, 50)
    red, green, blue = photo.pixels[0, 0].astype(int)
    assert red > 205 and green < 100 and blue < 45  # more saturated, seen from sRGB
    neutral = photo_of(photo.image.copy(), "a")
    assert np.array_equal(neutral.pixels, photo.pixels)


@pytest.mark.parametrize(
    "profile",
    [b"", b"no profile", WIDE[:200], grey_profile(), "text", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))],
)
def test_profiles_without_a_say(profile: Any) -> None:
    image = Image.fromarray(colours())
    image.info["icc_profile"] = profile.tobytes() if isinstance(profile, ImageCms.ImageCmsProfile) else profile
    assert np.array_equal(photo_of(image, "a").pixels, colours())


def test_a_profile_of_another_name_that_is_srgb_after_all() -> None:
    image = Image.fromarray(colours())
    image.info["icc_profile"] = profile_with(0.001)
    assert np.array_equal(photo_of(image, "a").pixels, colours())


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_greyscale_with_a_profile(mode: str) -> None:
    image = Image.new(mode, (64, 64), {"L": 64, "LA": (64, 255), "I;16": 64 * 257}[mode])
    image.info["icc_profile"] = grey_profile(1.0)
    photo = photo_of(image, "a")
    assert abs(int(photo.pixels[0, 0, 0]) - 137) <= 2  # a quarter of the light
    patch = Patch(Region(0, 0, 9, 9), np.full((9, 9, 3), 137, np.float32), np.ones((9, 9), np.float32))
    value = np.asarray(compose_photo(photo, patch)).reshape(64, 64, -1)[0, 0, 0]
    assert abs(value / (257 if mode == "I;16" else 1) - 64) <= 1.5
