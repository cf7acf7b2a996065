import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine import photo
from engine.metadata import REMARK
from engine.photo import Patch, compose_photo, laid_over, photo_of, read_photo, save_photo
from engine.types import Region, WriteError
from tests.fakes import check_error
from tests.unit.test_photo import MODES, ORIENTATION, WIDE, colours, full_alpha, grey_profile, in_mode, make_patch
from tests.unit.test_photo_metadata import camera_exif, exif_of, full_photo, opened

SAME_MODE = {
    "png": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "tif": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK", "LAB"],
    "webp": ["RGB", "RGBA"],
}


# Without an edit


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix, modes in SAME_MODE.items() for mode in modes])
@pytest.mark.parametrize("size", [(51, 67), (64, 48), (33, 129)])
def test_a_photo_comes_back_bit_for_bit(tmp_path: Path, suffix: str, mode: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a.{suffix}"
    source = photo_of(in_mode(mode, *size), "a")
    assert save_photo(path, source, None, quality=100) == ()
    read = read_photo(path)
    assert read.image.mode == mode and read.notes == ()
    assert np.array_equal(np.asarray(read.image), np.asarray(source.image))
    assert np.array_equal(read.pixels, source.pixels)


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
@pytest.mark.parametrize("mode", MODES)
def test_modes_that_a_format_lacks_look_the_same(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"a.{suffix}"
    source = photo_of(in_mode(mode), "a")
    notes = save_photo(path, source, None, quality=100)
    assert all(note.endswith(".") and (suffix.upper() in note.upper()) for note in notes)
    read = read_photo(path)
    if mode in ("La", "RGBa"):  # divided by their transparency
        assert np.abs(read.pixels.astype(int) - source.pixels).max() <= 1
    else:
        assert np.array_equal(read.pixels, source.pixels)


@pytest.mark.parametrize("suffix", ["jpg", "jpeg"])
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_as_jpeg(tmp_path: Path, suffix: str, mode: str) -> None:
    source = photo_of(in_mode(mode), "a")
    notes = save_photo(tmp_path / f"a.{suffix}", source, None, quality=100)
    read = read_photo(tmp_path / f"a.{suffix}")
    assert read.format == "JPEG" and read.image.mode in ("L", "RGB", "CMYK")
    assert np.abs(read.pixels.astype(int) - source.pixels).mean() < 2
    lossy = {"LA", "La", "RGBA", "RGBa", "LAB", "I;16", "I;16B", "I;16L", "I", "F"}
    assert bool(notes) == (mode in lossy)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_what_was_turned_once_is_not_turned_again(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = camera_exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(colours()).save(tmp_path / "a.png", exif=exif)
    source = read_photo(tmp_path / "a.png")
    for patch in (None, make_patch(Region(3, 5, 34, 43))):
        save_photo(tmp_path / f"b.{suffix}", source, patch, quality=100)
        read = read_photo(tmp_path / f"b.{suffix}")
        expected = laid_over(source.pixels, patch)
        assert read.pixels.shape == expected.shape
        if suffix != "jpg":
            assert np.array_equal(read.pixels, expected)
        assert ORIENTATION not in exif_of(tmp_path / f"b.{suffix}")[0]


def test_colours_under_full_transparency_are_kept(tmp_path: Path) -> None:
    values = np.dstack([colours(), np.zeros((51, 67), np.uint8)])
    source = photo_of(Image.fromarray(values), "a")
    for suffix in ("png", "tif", "webp"):
        save_photo(tmp_path / f"a.{suffix}", source, None, quality=100)
        assert np.array_equal(np.asarray(read_photo(tmp_path / f"a.{suffix}").image), values)


@pytest.mark.parametrize("mode", ["P", "RGB", "L", "1"])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "jpg"])
def test_a_transparent_colour(tmp_path: Path, mode: str, suffix: str) -> None:
    image = in_mode("P").convert(mode)
    image.info["transparency"] = image.getpixel((20, 20)) if mode != "1" else 255
    source = photo_of(image, "a")
    notes = save_photo(tmp_path / f"a.{suffix}", source, None, quality=100)
    shown = read_photo(tmp_path / f"a.{suffix}").pixels
    assert bool(notes) == (suffix == "jpg")
    if suffix != "jpg":
        assert np.array_equal(shown, source.pixels)


# With a patch


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, mode) for suffix, modes in SAME_MODE.items() for mode in modes])
def test_a_patched_photo_comes_back_bit_for_bit(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"a.{suffix}"
    source, patch = full_photo(mode), make_patch()
    save_photo(path, source, patch, quality=100)
    read, composed = read_photo(path), compose_photo(source, patch)
    assert read.image.mode == composed.mode
    assert np.array_equal(np.asarray(read.image), np.asarray(composed))
    if composed.mode == mode:
        outside = full_alpha(source, patch) == 0
        assert np.array_equal(np.asarray(read.image)[outside], np.asarray(source.image)[outside])


def test_wide_gamut_round_trip(tmp_path: Path) -> None:
    source, patch = full_photo("RGB", WIDE), make_patch()
    for suffix in ("png", "tif", "webp"):
        save_photo(tmp_path / f"a.{suffix}", source, patch, quality=100)
        read = read_photo(tmp_path / f"a.{suffix}")
        assert read.image.info["icc_profile"] == WIDE
        outside = full_alpha(source, patch) == 0
        assert np.array_equal(np.asarray(read.image)[outside], np.asarray(source.image)[outside])
        assert np.array_equal(read.pixels[outside], source.pixels[outside])


# Formats


def test_profiles_go_with_the_colours_they_belong_to(tmp_path: Path) -> None:
    grey = full_photo("L", grey_profile())
    for suffix, kept in (("png", True), ("jpg", True), ("tif", True), ("webp", False)):
        path = tmp_path / f"a.{suffix}"
        save_photo(path, grey, None, quality=100)
        assert ("icc_profile" in opened(path).info) == kept
        assert np.abs(read_photo(path).pixels.astype(int) - grey.pixels).mean() < 1


def test_cmyk_turns_into_srgb_where_the_format_needs_it(tmp_path: Path) -> None:
    source = full_photo("CMYK", b"not a profile that can be used")
    for suffix, words in (("png", ("PNG", "CMYK", "sRGB")), ("webp", ("WebP", "CMYK", "sRGB"))):
        (note,) = save_photo(tmp_path / f"a.{suffix}", source, None, quality=100)
        assert all(word in note for word in words)
        read = read_photo(tmp_path / f"a.{suffix}")
        assert "icc_profile" not in read.image.info and np.array_equal(read.pixels, source.pixels)
    for suffix in ("tif", "jpg"):
        assert save_photo(tmp_path / f"a.{suffix}", source, make_patch()) == ()
        assert opened(tmp_path / f"a.{suffix}").mode == "CMYK"


def test_transparency_on_jpeg_is_laid_on_white(tmp_path: Path) -> None:
    values = np.dstack([np.zeros((64, 64, 3), np.uint8), np.full((64, 64), 255, np.uint8)])
    assert save_photo(tmp_path / "a.jpg", photo_of(Image.fromarray(values), "a")) == ()
    values[:32, :, 3] = 0
    (note,) = save_photo(tmp_path / "a.jpg", photo_of(Image.fromarray(values), "a"))
    assert note == "JPEG holds no transparency: it was laid on white."
    read = read_photo(tmp_path / "a.jpg").pixels
    assert read[:24].min() > 250 and read[40:].max() < 5


def test_jpeg_keeps_its_colours_sharp(tmp_path: Path) -> None:
    save_photo(tmp_path / "a.jpg", photo_of(in_mode("RGB"), "a"), None, quality=90)
    with Image.open(tmp_path / "a.jpg") as image:
        assert {layer[1:3] for layer in getattr(image, "layer", ())} == {(1, 1)}


def test_quality_counts(tmp_path: Path) -> None:
    source = photo_of(in_mode("RGB"), "a")
    for suffix in ("jpg", "webp"):
        sizes = []
        for quality in (20, 95, 100):
            save_photo(tmp_path / f"a.{suffix}", source, None, quality)
            sizes.append((tmp_path / f"a.{suffix}").stat().st_size)
        assert sizes == sorted(set(sizes))


# What cannot be written


@pytest.mark.parametrize(("suffix", "longest"), [("jpg", 65535), ("webp", 16383)])
def test_photos_too_long_for_a_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, longest: int
) -> None:
    long = photo_of(Image.new("1", (longest + 1, 32)), "a")
    monkeypatch.setattr(photo, "compose_photo", lambda *_: pytest.fail("work before the check"))
    with pytest.raises(WriteError) as error:
        save_photo(tmp_path / f"a.{suffix}", long)
    check_error(error, f"a.{suffix}", str(longest), ".png or .tif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("a.gif", (".png, .jpg, .webp or .tif",)),
        ("a", (".png, .jpg, .webp or .tif",)),
        ("missing/a.png", ("folder that exists",)),
        ("folder.png", ("directory",)),
        ("file/a.png", ("folder that exists",)),
    ],
)
def test_places_that_cannot_be_written(tmp_path: Path, place: str, words: tuple[str, ...]) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("a file")
    with pytest.raises(WriteError) as error:
        save_photo(tmp_path / place, photo_of(in_mode("RGB"), "a"))
    check_error(error, Path(place).name, *words)


def test_targets_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"precious")

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)  # root has every right
        with pytest.raises(WriteError) as error:
            save_photo(path, photo_of(in_mode("RGB"), "a"))
    check_error(error, "a.tif", "folder that you may write to")
    with monkeypatch.context() as patch, pytest.raises(WriteError) as error:
        patch.setattr(Path, "open", refuse)
        save_photo(tmp_path / "new.tif", photo_of(in_mode("RGB"), "a"))
    check_error(error, "new.tif", "folder that you may write to")
    assert path.read_bytes() == b"precious" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("suffix", "finishing"), [("png", False), ("jpg", False), ("webp", False), ("tif", False), ("tif", True)]
)
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), WriteError),
        (MemoryError(), MemoryError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_what_fails_halfway_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str,
    finishing: bool, failure: BaseException, kind: type[BaseException],
) -> None:  # fmt: skip
    path = tmp_path / f"a.{suffix}"
    save_photo(path, full_photo())
    before = path.read_bytes()

    def save(self: Image.Image, file: Any, *_: Any, **__: Any) -> None:
        file.write(b"half a picture")
        raise failure

    def finish(file: Any, **_: Any) -> None:
        raise failure

    if finishing:
        monkeypatch.setattr(photo, "add_to_tiff", finish)
    else:
        monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(kind) as error:
        save_photo(path, full_photo(), make_patch())
    if kind is WriteError:
        assert "Free some space" in str(error.value) and str(path) in str(error.value)
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == [path.name]


def test_nothing_is_marked_for_a_patch_that_shows_nowhere(tmp_path: Path) -> None:
    patch = make_patch()
    save_photo(tmp_path / "a.png", full_photo(), Patch(patch.region, patch.colours, patch.alpha * 0))
    assert REMARK.encode() not in (tmp_path / "a.png").read_bytes()
