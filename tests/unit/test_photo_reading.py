"""Photos that can only be read in part, or not at all."""

import errno
import os
import struct
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from engine.photo import (
    LIMIT_VARIABLE,
    megapixel_limit,
    photo_of,
    read_photo,
)
from engine.types import ImageError
from tests.fakes import check_error
from tests.unit.test_photo import ORIENTATION, colours, png


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (400, 300)).save(tmp_path / "a.png")  # 0.12 megapixels
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)  # far exceeded: Pillow's own limit is not asked
    assert read_photo(tmp_path / "a.png").pixels.shape == (300, 400, 3)
    with pytest.raises(ImageError) as error:
        read_photo(tmp_path / "a.png", limit=0.1)
    check_error(error, "a.png", "0.2 megapixels", "the limit is 0.1", LIMIT_VARIABLE, "smaller")
    monkeypatch.setenv(LIMIT_VARIABLE, "0.1")
    with pytest.raises(ImageError):
        read_photo(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png", limit=None).pixels.shape == (300, 400, 3)
    monkeypatch.setenv(LIMIT_VARIABLE, "0.12")
    assert read_photo(tmp_path / "a.png").pixels.shape == (300, 400, 3)
    assert Image.MAX_IMAGE_PIXELS == 1000


@pytest.mark.parametrize("text", ["", "many", "-3", "0", "nan"])
def test_a_limit_that_is_none(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    assert megapixel_limit() == 100


def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)

    head = struct.pack(">LLBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(png(head, b"\0" * 1000))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(ImageError) as error:
        read_photo(tmp_path / "bomb.png")
    check_error(error, "bomb.png", "3600 megapixels", "the limit is 100", LIMIT_VARIABLE)


def test_switches_of_pillow_are_put_back_by_all_threads(tmp_path: Path) -> None:
    Image.fromarray(colours(200, 200)).save(tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:8000])
    before = Image.MAX_IMAGE_PIXELS
    threads = [threading.Thread(target=read_photo, args=(tmp_path / name,)) for name in ("a.jpg", "b.jpg") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert before == Image.MAX_IMAGE_PIXELS and not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.gif", "a.bmp"])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_incomplete_file_shows_what_is_there(tmp_path: Path, name: str, mode: str) -> None:
    path = tmp_path / name
    options: dict[str, Any] = {"interlace": 0} if name == "a.gif" else {}
    Image.fromarray(colours(160, 120)).convert(mode).save(path, **options)
    whole = read_photo(path).pixels
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    photo = read_photo(path)
    # A JPEG's blocks are 8 or 16 rows high; a BMP starts at the bottom.
    known = slice(-64, None) if name == "a.bmp" else slice(0, 64)
    assert np.array_equal(photo.pixels[known], whole[known])
    assert len(photo.notes) == 1
    assert name in photo.notes[0] and "incomplete" in photo.notes[0] and "%" in photo.notes[0]
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def test_an_incomplete_file_with_an_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = tmp_path / "a.jpg"
    Image.fromarray(colours(160, 120)).save(path, exif=exif)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    photo = read_photo(path)
    assert photo.pixels.shape == (120, 160, 3) and ORIENTATION not in photo.image.getexif()


def test_wrong_checksums_are_remarked_on(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(colours()).save(path)
    data = bytearray(path.read_bytes())
    data[-13] ^= 255  # the checksum of the pixels' last chunk
    path.write_bytes(data)
    photo = read_photo(path)
    assert np.array_equal(photo.pixels, colours())
    assert photo.notes == () or "damaged" in photo.notes[0]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.gif", "a.tif"])
def test_a_file_cut_off_too_early(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(colours()).save(path)
    for size in (1, 20, 45):
        path.write_bytes(path.read_bytes()[:size])
        with pytest.raises(ImageError) as error:
            read_photo(path)
        check_error(error, name)
        Image.fromarray(colours()).save(path)


@pytest.mark.parametrize(
    ("suffix", "word"), [("gif", "frames"), ("png", "frames"), ("webp", "frames"), ("tif", "pages")]
)
def test_only_the_first_of_several_pictures(tmp_path: Path, suffix: str, word: str) -> None:
    frames = [Image.fromarray(np.roll(colours(), 9 * shift, axis=0)) for shift in range(3)]
    path = tmp_path / f"a.{suffix}"
    options: dict[str, Any] = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    photo = read_photo(path)
    assert photo.notes == (f"a.{suffix} has 3 {word}; only the first is used.",)
    if suffix != "gif":
        assert np.array_equal(photo.pixels, colours())


@pytest.mark.parametrize("colour_type", [2, 6])
def test_16_bits_of_colour_are_remarked_on(tmp_path: Path, colour_type: int) -> None:
    channels = {2: 3, 6: 4}[colour_type]

    rows = b"".join(b"\0" + b"\x80\x01" * (40 * channels) for _ in range(40))
    head = struct.pack(">LLBBBBB", 40, 40, 16, colour_type, 0, 0, 0)
    (tmp_path / "a.png").write_bytes(png(head, rows))
    photo = read_photo(tmp_path / "a.png")
    assert len(photo.notes) == 1 and "16 bits" in photo.notes[0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.nef", ("camera raw file (NEF)", "Develop it to TIFF or JPEG")),
        ("a.CR3", ("camera raw file (CR3)", "Develop it to TIFF or JPEG")),
        ("a.heic", ("HEIC", "Export it as JPEG or PNG")),
        ("a.jxl", ("JXL", "Export it as JPEG or PNG")),
        ("a.png", ("not a picture", "PNG or JPEG")),
    ],
)
def test_formats_that_cannot_be_read(tmp_path: Path, name: str, words: tuple[str, ...]) -> None:
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic and so on" * 20)
    with pytest.raises(ImageError) as error:
        read_photo(tmp_path / name)
    check_error(error, name, *words)


def test_a_raw_file_of_which_a_preview_can_be_read(tmp_path: Path) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.dng", "TIFF")
    photo = read_photo(tmp_path / "a.dng")
    assert len(photo.notes) == 1 and "only the preview" in photo.notes[0]


def test_files_that_are_no_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.nef").touch()
    (tmp_path / "text.jpg").write_text("I am no picture.")
    (tmp_path / "folder.png").mkdir()
    Image.new("RGB", (31, 99)).save(tmp_path / "small.png")
    for name, words in (
        ("empty.nef", ("empty (0 bytes)",)),
        ("text.jpg", ("not a picture",)),
        ("folder.png", ("directory",)),
        ("missing.heic", ("does not exist",)),
        ("small.png", ("31 x 99", "at least 32 x 32")),
    ):
        with pytest.raises(ImageError) as error:
            read_photo(tmp_path / name)
        check_error(error, name, *words)

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Image, "open", refuse)  # root may read everything
    with pytest.raises(ImageError) as error:
        read_photo(tmp_path / "text.jpg")
    check_error(error, "text.jpg", "Permission denied", "the right to read it")


def test_memory_errors_pass_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(colours()).save(tmp_path / "a.png")

    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(ImageFile.ImageFile, "load", fail)
    with pytest.raises(MemoryError):
        read_photo(tmp_path / "a.png")


def test_a_clipboard_picture_that_is_too_small() -> None:
    with pytest.raises(ImageError) as error:
        photo_of(Image.new("RGB", (99, 8)), "Clipboard")
    check_error(error, "Clipboard", "99 x 8")


def test_no_file_is_left_open(tmp_path: Path) -> None:
    for suffix in ("tif", "gif", "jpg"):
        Image.fromarray(colours()).save(tmp_path / f"a.{suffix}")
        photo = read_photo(tmp_path / f"a.{suffix}")
        (tmp_path / f"a.{suffix}").unlink()
        copy = BytesIO()
        photo.image.save(copy, "PNG")
        assert copy.tell()
