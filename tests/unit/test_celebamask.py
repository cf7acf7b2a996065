"""CelebAMask-HQ as it is distributed: read, merged, and used like any other data set."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models import prepare as preparing
from models.celebamask import (
    MAPPING,
    MERGED,
    PARTS,
    PICTURES,
    CelebAMaskDataset,
    is_celebamask,
    merge_parts,
    part_files,
    split_of,
)
from models.data import open_dataset
from models.dataset import DatasetError, PortraitDataset, PortraitSource
from models.prepare import main, merge_one, prepare
from models.synthetic import made_mask, made_pixels, make_data
from resources.labels import BY_NAME, LABELS

# The first and last indices in CelebA of each split; the portraits lie in three part folders.
ORIGINALS = {3: 0, 1999: 162_770, 2000: 162_771, 2001: 182_637, 4002: 182_638}
SPLITS = {"train": [3, 1999], "val": [2000, 2001], "test": [4002]}
GLASSES = 1999
Change = Callable[[Path], object]


def part_path(folder: Path, number: int, name: str) -> Path:
    return folder / PARTS / str(number // 2000) / f"{number:05d}_{name}.png"


def write_part(folder: Path, number: int, name: str, cover: NDArray) -> Path:
    path = part_path(folder, number, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((cover * 255).astype(np.uint8)).save(path)
    return path


def mask_of(number: int) -> NDArray[np.uint8]:
    """Return the mask that a portrait's parts add up to, another one for each."""
    return np.roll(made_mask(32, glasses=number == GLASSES), number % 5, axis=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CelebAMask-HQ of five portraits, 64 pixels a side, their parts 32."""
    folder = tmp_path / "CelebAMask-HQ"
    (folder / PICTURES).mkdir(parents=True)
    lines = ["idx      orig_idx     orig_file"]
    for number, original in ORIGINALS.items():
        mask = mask_of(number)
        pixels = made_pixels(mask, number).repeat(2, axis=0).repeat(2, axis=1)
        Image.fromarray(pixels).save(folder / PICTURES / f"{number}.jpg", quality=95)
        for label in LABELS[1:]:
            if (mask == label.id).any():
                # Skin is a whole oval in the data set: what lies in it is painted over it.
                inside = np.isin(mask, (1, 2, 3, 4, 5, 11)) if label.name == "skin" else mask == label.id
                write_part(folder, number, label.name, inside)
        lines.append(f"{number:<8} {original:<12} {original + 1:06d}.jpg")
    (folder / MAPPING).write_text("\n".join(lines) + "\n")
    return folder


def refused(make: Callable[[], object], *words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        make()
    message = str(caught.value)
    assert message.endswith(".")
    for word in words:
        assert word in message


def without(folder: Path, name: str) -> None:
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


# Merging


def test_parts_are_painted_in_the_order_of_their_ids(tmp_path: Path) -> None:
    for label in LABELS[1:]:
        cover = np.zeros((4, 19), bool)
        cover[:3, : 19 - label.id] = True  # each of them also covers what later ones cover
        write_part(tmp_path, 7, label.name, cover)
    expected = np.zeros((4, 19), np.uint8)
    expected[:3] = [18 - column for column in range(19)]
    merged = merge_parts(tmp_path, 7)
    np.testing.assert_array_equal(merged, expected)
    assert merged.dtype == np.uint8
    assert list(part_files(tmp_path, 7)) == [label.name for label in LABELS[1:]]


@pytest.mark.parametrize("number", ORIGINALS)
def test_the_parts_of_each_portrait_are_found_in_its_folder(folder: Path, number: int) -> None:
    np.testing.assert_array_equal(merge_parts(folder, number), mask_of(number))


def test_a_part_in_colours_or_with_soft_borders_is_cut_at_the_middle(folder: Path) -> None:
    soft = np.zeros((32, 32, 3), np.uint8)
    soft[:8], soft[8:16] = 127, 128
    Image.fromarray(soft).save(part_path(folder, 3, "cloth"))
    merged = merge_parts(folder, 3)
    assert (merged[8:16] == BY_NAME["cloth"].id).all()
    assert not (merged[:8] == BY_NAME["cloth"].id).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: part_path(f, 3, "skin").unlink(), ("00003_skin.png", "only", "nose", "portrait 3", "3.jpg")),
        (lambda f: without(f, f"{PARTS}/0"), ("00003_skin.png", "no part", "portrait 3", "Unpack")),
        (lambda f: write_part(f, 3, "hair", np.zeros((16, 16))), ("00003_hair.png", "(16, 16)", "(32, 32)", "Unpack")),
        (lambda f: part_path(f, 3, "nose").write_bytes(b""), ("00003_nose.png", "cannot be read", "Unpack")),
        (lambda f: part_path(f, 3, "skin").write_text("text"), ("00003_skin.png", "cannot be read", "Unpack")),
        (lambda f: truncate(part_path(f, 3, "hair")), ("00003_hair.png", "cannot be read", "Unpack")),
    ],
    ids=["no skin", "no part", "another size", "empty", "text", "truncated"],
)
def test_parts_that_cannot_be_merged(folder: Path, change: Change, words: tuple[str, ...]) -> None:
    change(folder)
    refused(lambda: merge_parts(folder, 3), *words)
    refused(lambda: CelebAMaskDataset(folder, "train", 32)[0], *words)
    assert merge_parts(folder, 2000).any(), "others can still be read"


def truncate(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


# Reading


@pytest.mark.parametrize("split", SPLITS)
def test_the_official_split_is_by_the_index_in_celeba(folder: Path, split: str) -> None:
    data = CelebAMaskDataset(folder, split, 32)
    assert len(data) == len(SPLITS[split])
    assert [data[index].id for index in range(len(data))] == [str(number) for number in SPLITS[split]]
    assert {split_of(ORIGINALS[number]) for number in SPLITS[split]} == {split}


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_portraits_come_at_the_size_asked_for(folder: Path, size: int) -> None:
    sample = CelebAMaskDataset(folder, "train", size)[1]
    assert sample.pixels.shape == (size, size, 3)
    assert sample.labels.shape == (size, size)
    assert sample.pixels.dtype == sample.labels.dtype == np.uint8
    assert set(np.unique(sample.labels)) <= set(np.unique(mask_of(GLASSES))), "nearest: no class in between"
    brightness = sample.pixels.mean(axis=2)
    nose, hair = (brightness[sample.labels == BY_NAME[name].id].mean() for name in ("nose", "hair"))
    assert nose > hair + 5, "picture and labels lie upon each other"


def test_pictures_that_are_not_there_are_left_out(folder: Path) -> None:
    (folder / PICTURES / "3.jpg").unlink()
    (folder / PICTURES / "notes.jpg").touch()
    assert CelebAMaskDataset(folder, "train", 32).numbers == [1999]


def test_merged_masks_are_read_where_there_are_any(folder: Path) -> None:
    prepare(folder, 1, quiet=True)
    (folder / MERGED / "1999.png").unlink()
    for number in (3, 2000):
        shutil.rmtree(folder / PARTS / str(number // 2000), ignore_errors=True)
    (folder / PARTS / "0").mkdir()
    np.testing.assert_array_equal(CelebAMaskDataset(folder, "train", 32)[0].labels, mask_of(3))
    refused(lambda: CelebAMaskDataset(folder, "train", 32)[1], "01999_skin.png")
    shutil.rmtree(folder / PARTS)
    np.testing.assert_array_equal(CelebAMaskDataset(folder, "val", 32)[0].labels, mask_of(2000))


def test_what_has_not_been_merged_yet_is_merged_when_it_is_read(folder: Path) -> None:
    (folder / MERGED).mkdir()
    assert merge_one(folder, 3) is None
    data = CelebAMaskDataset(folder, "train", 32)
    for index, number in enumerate(SPLITS["train"]):
        np.testing.assert_array_equal(data[index].labels, mask_of(number))


def test_glasses_hats_and_jewellery_are_drawn_three_times_as_often(folder: Path) -> None:
    np.testing.assert_allclose(CelebAMaskDataset(folder, "train", 32).weights(), [1 / 4, 3 / 4])
    np.testing.assert_allclose(CelebAMaskDataset(folder, "val", 32).weights(), [1 / 2, 1 / 2])
    for name in ("hat", "ear_r", "neck_l"):
        path = write_part(folder, 2001, name, np.ones((32, 32)))
        np.testing.assert_allclose(CelebAMaskDataset(folder, "val", 32).weights(), [1 / 4, 3 / 4])
        path.unlink()
    (folder / MERGED).mkdir()
    shutil.rmtree(folder / PARTS)
    np.testing.assert_allclose(CelebAMaskDataset(folder, "train", 32).weights(), [1 / 2, 1 / 2])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: without(f, MAPPING), (MAPPING, "copy it")),
        (lambda f: (f / MAPPING).write_text("idx orig\n3 x\n"), (MAPPING, "copy it")),
        (lambda f: (f / MAPPING).write_text("idx orig\n3\n"), (MAPPING, "copy it")),
        (lambda f: (f / MAPPING).write_bytes(b"\xff\xfe\x00" * 9), (MAPPING, "copy it")),
        (lambda f: (f / MAPPING).write_text(""), ("none of its 5 pictures", "train")),
        (lambda f: (f / MAPPING).write_text("idx orig\n2000 162771\n"), ("none of its 5 pictures", "train")),
        (lambda f: without(f, PICTURES), (PICTURES, "no pictures", "Unpack")),
        (lambda f: without(f, PARTS), (PARTS, MERGED, "Unpack")),
    ],
    ids=["no mapping", "text", "one column", "bytes", "empty", "none of the split", "no pictures", "no masks"],
)
def test_folders_that_cannot_be_used(folder: Path, change: Change, words: tuple[str, ...]) -> None:
    change(folder)
    refused(lambda: CelebAMaskDataset(folder, "train", 32), str(folder), *words)


@pytest.mark.parametrize("harm", ["missing", "text", "truncated"])
def test_a_picture_that_cannot_be_read(folder: Path, harm: str) -> None:
    data, path = CelebAMaskDataset(folder, "train", 32), folder / PICTURES / "3.jpg"
    match harm:
        case "missing":
            path.unlink()
        case "text":
            path.write_text("not a picture")
        case "truncated":
            truncate(path)
    refused(lambda: data[0], "3.jpg", "cannot be read")
    assert data[1].id == "1999"


@pytest.mark.parametrize("harm", ["empty", "text", "truncated", "coloured", "another class"])
def test_a_merged_mask_that_is_damaged(folder: Path, harm: str) -> None:
    (folder / MERGED).mkdir()
    merge_one(folder, 3)
    path = folder / MERGED / "3.png"
    match harm:
        case "empty" | "text":
            path.write_text(harm * (harm == "text"))
        case "truncated":
            truncate(path)
        case "coloured":
            Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path)
        case "another class":
            Image.fromarray(np.full((32, 32), 19, np.uint8)).save(path)
    refused(lambda: CelebAMaskDataset(folder, "train", 32)[0], "3.png", "Delete it", "models.prepare")


# One interface for every layout


@pytest.mark.parametrize("layout", ["celebamask", "manifest"])
def test_data_sets_are_opened_by_what_the_folder_holds(folder: Path, tmp_path: Path, layout: str) -> None:
    place = folder if layout == "celebamask" else make_data(tmp_path / "made")
    assert is_celebamask(place) == (layout == "celebamask")
    data: PortraitSource = open_dataset(place, "train", 32)
    assert isinstance(data, CelebAMaskDataset if layout == "celebamask" else PortraitDataset)
    odds = data.weights()
    assert odds.shape == (len(data),)
    assert odds.sum() == pytest.approx(1)
    assert odds.max() == pytest.approx(3 * odds.min())
    for index in range(len(data)):
        sample = data[index]
        assert sample.pixels.shape == (32, 32, 3)
        assert sample.labels.shape == (32, 32)
    with pytest.raises(IndexError):
        data[len(data)]


def test_tiers_are_for_manifests(folder: Path, tmp_path: Path) -> None:
    made = make_data(tmp_path / "made")
    (made / "manifest.csv").write_text((made / "manifest.csv").read_text().replace("face_1,A", "face_1,B"))
    assert [len(open_dataset(made, "train", 32, tiers)) for tiers in ("A", "AB", "B")] == [3, 4, 1]
    assert len(open_dataset(folder, "train", 32, "B")) == 2


def test_half_a_data_set_is_told_what_it_lacks(folder: Path, tmp_path: Path) -> None:
    without(folder, MAPPING)
    refused(lambda: open_dataset(folder, "train", 32), MAPPING)
    refused(lambda: open_dataset(tmp_path / "nowhere", "train", 32), "nowhere", "manifest.csv")


# Merging once and for all


def test_all_masks_are_merged_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--processes", "2", "--quiet"]) == 0
    assert "5 portraits merged" in capsys.readouterr().out
    assert sorted(path.name for path in (folder / MERGED).iterdir()) == sorted(f"{number}.png" for number in ORIGINALS)
    for number in ORIGINALS:
        with Image.open(folder / MERGED / f"{number}.png") as file:
            assert file.mode == "P", "with a palette, for looking at"
            np.testing.assert_array_equal(np.array(file), mask_of(number))
    shutil.rmtree(folder / PARTS)
    assert CelebAMaskDataset(folder, "test", 32)[0].labels.any()


def test_merging_goes_on_where_it_was_interrupted(folder: Path) -> None:
    (folder / MERGED).mkdir()
    for number in (3, 2001):
        (folder / MERGED / f"{number}.png").write_bytes(b"made before")
    (folder / MERGED / "1999.part").write_bytes(b"half a ma")
    assert prepare(folder, 1, quiet=True) == (3, [])
    for number in (3, 2001):
        assert (folder / MERGED / f"{number}.png").read_bytes() == b"made before"
    assert not list((folder / MERGED).glob("*.part"))
    np.testing.assert_array_equal(CelebAMaskDataset(folder, "train", 32)[1].labels, mask_of(1999))
    assert prepare(folder, 1, quiet=True) == (0, [])


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), OSError("No space left on device")], ids=["Ctrl-C", "full disk"]
)
def test_an_interruption_leaves_no_half_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def save(_image: Image.Image, path: Path, **_options: object) -> None:
        path.write_bytes(b"half a ma")
        raise error

    (folder / MERGED).mkdir()
    monkeypatch.setattr(Image.Image, "save", save)
    with pytest.raises(type(error)):
        merge_one(folder, 3)
    assert not list((folder / MERGED).iterdir())


def test_a_bad_portrait_is_told_and_the_others_are_merged(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    part_path(folder, 2000, "skin").unlink()
    truncate(part_path(folder, 3, "hair"))
    assert main([str(folder), "--processes", "1", "--quiet"]) == 1
    printed = capsys.readouterr()
    assert "3 portraits merged" in printed.out
    for words in ("02000_skin.png: missing", "00003_hair.png: cannot be read", "2 portraits could not be merged"):
        assert words in printed.err
    assert sorted(path.stem for path in (folder / MERGED).iterdir()) == ["1999", "2001", "4002"]
    part_path(folder, 3, "hair").unlink()
    assert merge_one(folder, 3) is None, "bald, but whole"


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda f: shutil.rmtree(f), PARTS),
        (lambda f: without(f, PARTS), PARTS),
        (lambda f: without(f, PICTURES), PICTURES),
        (lambda f: (f / MERGED).touch(), MERGED),
    ],
    ids=["no folder", "no parts", "no pictures", "no place"],
)
def test_folders_in_which_nothing_can_be_merged(
    folder: Path, capsys: pytest.CaptureFixture[str], change: Change, word: str
) -> None:
    change(folder)
    assert main([str(folder), "--processes", "1", "--quiet"]) == 2
    message = capsys.readouterr().err
    assert "Cannot go on" in message
    assert word in message


def test_stopping_is_no_fault(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(preparing, "prepare", stopped)
    assert main([str(folder)]) == 130
    assert "goes on from there" in capsys.readouterr().err
