import errno
import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine import files
from engine.files import (
    find_mask,
    read_mask,
    read_picture,
    save_mask,
    save_picture,
    working_size,
)
from engine.reader import read_portrait
from engine.types import MaskError, WriteError
from resources.labels import palette
from tests.fakes import check_error, make_labels, make_portrait

ORIENTATION = 0x0112


# Masks


def save_labels(path: Path, labels: np.ndarray, indexed: bool = False) -> Path:
    image = Image.fromarray(labels)
    if indexed:
        image.putpalette(palette().tobytes())
    image.save(path)
    return path


@pytest.mark.parametrize(
    ("size", "working"),
    [
        ((512, 512), (512, 512)),
        ((300, 200), (512, 341)),
        ((800, 600), (800, 600)),
        ((3000, 4000), (768, 1024)),
        ((32, 640), (32, 640)),
        ((100, 2000), (51, 1024)),
    ],
)
def test_working_sizes(size: tuple[int, int], working: tuple[int, int]) -> None:
    assert working_size(*size) == working


@pytest.mark.parametrize("indexed", [False, True])
def test_a_mask_of_the_right_size_is_read_exactly(tmp_path: Path, indexed: bool) -> None:
    labels = make_labels(600, 520)
    path = save_labels(tmp_path / "m.png", labels, indexed)
    read = read_mask(path, 600, 520)
    assert read.dtype == np.uint8 and read.flags.c_contiguous and np.array_equal(read, labels)


def test_16_bit_and_black_and_white_masks(tmp_path: Path) -> None:
    labels = make_labels(512, 512)
    Image.fromarray(labels.astype(np.uint16)).save(tmp_path / "deep.png")
    assert np.array_equal(read_mask(tmp_path / "deep.png", 512, 512), labels)
    Image.fromarray(labels == 13).save(tmp_path / "bits.png")
    assert np.array_equal(read_mask(tmp_path / "bits.png", 512, 512), labels == 13)


@pytest.mark.parametrize("mask", [(64, 48), (128, 96), (256, 192), (1024, 768), (2000, 1500)])
@pytest.mark.parametrize("photo", [(64, 48), (640, 480), (2000, 1500)])
def test_masks_of_any_size_are_resampled_by_nearest_neighbour(
    tmp_path: Path, mask: tuple[int, int], photo: tuple[int, int]
) -> None:
    labels = np.random.default_rng(0).choice(np.array([0, 5, 18], np.uint8), mask)
    read = read_mask(save_labels(tmp_path / "m.png", labels), *photo)
    rows, columns = working_size(*photo)
    assert read.shape == (rows, columns)
    # A centre that falls between two mask pixels, or within a rounding of it, may go to either.
    fits = np.zeros(read.shape, bool)
    for dy in (-1e-3, 1e-3):
        for dx in (-1e-3, 1e-3):
            y = ((np.arange(rows) + 0.5) * mask[0] / rows + dy).astype(int)
            x = ((np.arange(columns) + 0.5) * mask[1] / columns + dx).astype(int)
            fits |= read == labels[np.ix_(y, x)]
    assert fits.all()
    assert set(np.unique(read)) <= {0, 5, 18}


@pytest.mark.parametrize(
    ("highest", "kind"), [(19, np.uint8), (255, np.uint8), (300, np.uint16), (65535, np.uint16), (256 + 5, np.uint16)]
)
def test_ids_above_18(tmp_path: Path, highest: int, kind: type) -> None:
    labels = make_labels(64, 64).astype(kind)
    labels[3, 4] = highest
    Image.fromarray(labels).save(tmp_path / "m.png")
    with pytest.raises(MaskError) as error:
        read_mask(tmp_path / "m.png", 64, 64)
    check_error(error, "m.png", f"class id {highest}", "0 to 18")


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "CMYK", "F"])
def test_a_colour_picture_is_no_mask(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (64, 64)).save(tmp_path / "m.tif")
    with pytest.raises(MaskError) as error:
        read_mask(tmp_path / "m.tif", 64, 64)
    check_error(error, "m.tif", mode, "indexed or greyscale")


@pytest.mark.parametrize("size", [(512, 256), (256, 512), (512, 490)])
def test_another_aspect(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(MaskError) as error:
        read_mask(save_labels(tmp_path / "m.png", make_labels(*size)), 512, 512)
    check_error(error, f"{size[1]} x {size[0]}", "512 x 512", "made for this picture")


def test_a_hair_of_another_aspect_is_accepted(tmp_path: Path) -> None:
    path = save_labels(tmp_path / "m.png", make_labels(512, 511))
    assert read_mask(path, 512, 512).shape == (512, 512)


@given(st.integers(32, 5000), st.integers(32, 5000))
def test_our_own_masks_always_fit(height: int, width: int) -> None:
    # What save_mask wrote for a picture is accepted for that picture, however long and thin it is.
    labels = np.zeros(working_size(height, width), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "_open", lambda *_: Image.fromarray(labels))
        assert read_mask(Path("m.png"), height, width).shape == labels.shape


@pytest.mark.parametrize("content", [None, b"", b"no mask", b"\x89PNG\r\n\x1a\n\0\0"])
def test_masks_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "m.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MaskError) as error:
        read_mask(path, 64, 64)
    check_error(error, "m.png")


def test_the_mask_beside_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "some face.v2.jpg"
    assert find_mask(picture) is None
    for suffix in ("_labels", "-label", "_label", "-mask", "_mask"):
        mask = tmp_path / f"some face.v2{suffix}.png"
        mask.touch()
        assert find_mask(picture) == mask  # the later ones go first
    (tmp_path / "other_mask.png").mkdir()
    assert find_mask(tmp_path / "other.jpg") is None


def test_a_portrait_is_a_picture_and_its_mask(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "face.png"
    Image.fromarray(picture).save(path)
    with pytest.raises(MaskError) as error:
        read_portrait(path)
    check_error(error, "no mask beside face.png", "face_mask.png")
    save_labels(tmp_path / "face_mask.png", make_labels(80, 60))
    portrait = read_portrait(path)
    assert portrait.name == "face" and np.array_equal(portrait.pixels, picture)
    assert portrait.labels.shape == working_size(80, 60)
    assert not portrait.pixels.flags.writeable and not portrait.labels.flags.writeable
    other = save_labels(tmp_path / "elsewhere.png", np.zeros((80, 60), np.uint8))
    assert not read_portrait(path, other).labels.any()
    assert read_portrait(path).digest == portrait.digest != read_portrait(path, other).digest


# Writing


@pytest.mark.parametrize("name", ["a.png", "A.PNG"])
def test_a_png_comes_back_exactly(tmp_path: Path, picture: np.ndarray, name: str) -> None:
    save_picture(tmp_path / name, picture)
    assert np.array_equal(read_picture(tmp_path / name), picture)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.JPG"])
def test_a_jpeg_comes_back_nearly_so_with_full_colour(tmp_path: Path, name: str) -> None:
    y, x = np.mgrid[:80, :60]
    smooth = np.stack([y * 3, x * 4, y + x], axis=2).astype(np.uint8)
    save_picture(tmp_path / name, smooth)
    with Image.open(tmp_path / name) as image:
        assert image.format == "JPEG"
    assert np.abs(read_picture(tmp_path / name).astype(int) - smooth).max() < 12


def test_a_picture_that_must_not_be_written_to_can_be_saved(tmp_path: Path) -> None:
    portrait = make_portrait(64)
    save_picture(tmp_path / "a.png", portrait.pixels)
    save_mask(tmp_path / "m.png", portrait.labels)
    assert np.array_equal(read_picture(tmp_path / "a.png"), portrait.pixels)


def test_a_mask_comes_back_exactly_with_its_palette(tmp_path: Path) -> None:
    labels = make_labels(512, 512)
    save_mask(tmp_path / "m.png", labels)
    assert np.array_equal(read_mask(tmp_path / "m.png", 512, 512), labels)
    with Image.open(tmp_path / "m.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.array(image), labels)
        assert np.array_equal(np.array(image.convert("RGB")), palette()[labels])


def test_a_mask_of_few_classes_keeps_its_ids(tmp_path: Path) -> None:
    # Pillow's optimisation must drop no unused palette entry, nor renumber.
    labels = np.full((512, 512), 18, np.uint8)
    labels[:100] = 13
    save_mask(tmp_path / "m.png", labels)
    assert np.array_equal(read_mask(tmp_path / "m.png", 512, 512), labels)


@pytest.mark.parametrize("name", ["a", "a.gif", "a.png.txt", ".png"])
def test_an_unknown_suffix(tmp_path: Path, picture: np.ndarray, name: str) -> None:
    with pytest.raises(WriteError) as error:
        save_picture(tmp_path / name, picture)
    check_error(error, name, ".png, .jpg, .webp or .tif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["m.jpg", "m"])
def test_a_mask_is_png_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(WriteError) as error:
        save_mask(tmp_path / name, make_labels(64, 64))
    check_error(error, "PNG")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path: Path, picture: np.ndarray) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("a file")
    for place, words in (
        ("folder.png", ("folder.png", "directory")),
        ("missing/a.png", ("a.png", "folder that exists")),
        ("file/a.png", ("a.png", "folder that exists")),
        ("n" * 300 + ".png", ("another name",)),
    ):
        with pytest.raises(WriteError) as error:
            save_picture(tmp_path / place, picture)
        check_error(error, *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path, picture: np.ndarray) -> None:
    save_picture(tmp_path / ("n" * 251 + ".png"), picture)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_marked_read_only_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"precious")
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root has every right
    with pytest.raises(WriteError) as error:
        save_picture(path, picture)
    check_error(error, "a.png", "folder that you may write to")
    assert path.read_bytes() == b"precious" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(tmp_path: Path, picture: np.ndarray) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        with pytest.raises(WriteError) as error:
            save_picture(folder / "a.png", picture)
    finally:
        folder.chmod(0o700)
    check_error(error, "folder that you may write to")


@pytest.mark.parametrize(
    ("failure", "kind", "hint"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), WriteError, "Free some space"),
        (OSError(errno.EIO, os.strerror(errno.EIO)), WriteError, "another name or folder"),
        (OSError("encoder error -2"), WriteError, "another name or folder"),
        (MemoryError(), MemoryError, ""),
        (KeyboardInterrupt(), KeyboardInterrupt, ""),
    ],
)
def test_what_fails_halfway_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray,
    failure: BaseException, kind: type[BaseException], hint: str,
) -> None:  # fmt: skip
    path = tmp_path / "a.png"
    save_picture(path, picture)
    before = path.read_bytes()

    def save(self: Image.Image, file: Any, *_: Any, **__: Any) -> None:
        file.write(b"half a picture")
        raise failure

    monkeypatch.setattr(Image.Image, "save", save)
    for target in (path, tmp_path / "new.png"):
        with pytest.raises(kind) as error:
            save_picture(target, 255 - picture)
        if kind is WriteError:
            assert hint in str(error.value) and str(target) in str(error.value)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.png"]


def test_replacing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    # As on Windows while another program has the file open.
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(WriteError):
        save_picture(path, picture)
    assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_has_the_usual_mode(tmp_path: Path, picture: np.ndarray, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        save_picture(tmp_path / "a.png", picture)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_a_replaced_file_keeps_its_mode(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "a.png"
    path.touch()
    path.chmod(0o600)
    save_picture(path, picture)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert np.array_equal(read_picture(path), picture)


@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path: Path, picture: np.ndarray) -> None:
    (tmp_path / "there").mkdir()
    target, link = tmp_path / "there" / "a.png", tmp_path / "link.png"
    target.write_bytes(b"old")
    link.symlink_to(target)
    save_picture(link, picture)
    assert link.is_symlink()
    assert np.array_equal(read_picture(target), picture)
