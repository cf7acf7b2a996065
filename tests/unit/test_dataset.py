"""Reading portraits and varying them for training."""

import functools
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from models.dataset import ALIGNED, WIDE, WILD, DatasetError, PortraitDataset, Ranges, Sample, augment, read_sample
from models.synthetic import made_mask, made_pixels, make_data
from resources.labels import palette

L_EYE, R_EYE = 4, 5


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path / "data")


def test_splits(data: Path) -> None:
    assert [sample.id for sample in PortraitDataset(data, "train", 64).samples] == [f"face_{k}" for k in (0, 1, 3, 4)]
    assert [sample.id for sample in PortraitDataset(data, "val", 64).samples] == ["face_2", "face_5"]


def test_a_portrait_is_read_as_it_was_written(data: Path) -> None:
    sample = read_sample(data, "face_0", 64)
    np.testing.assert_array_equal(sample.labels, made_mask(64, glasses=True))
    assert sample.pixels.shape == (64, 64, 3)
    assert sample.pixels.dtype == sample.labels.dtype == np.uint8
    assert np.abs(sample.pixels.astype(int) - made_pixels(sample.labels, 0)).mean() < 8


def test_another_size_makes_up_no_new_classes(data: Path) -> None:
    sample = read_sample(data, "face_0", 32)
    assert sample.pixels.shape == (32, 32, 3)
    assert sample.labels.shape == (32, 32)
    assert set(np.unique(sample.labels)) <= set(np.unique(made_mask(64, glasses=True)))


def test_indexed_and_greyscale_masks_read_alike(data: Path) -> None:
    indexed = read_sample(data, "face_1", 64).labels
    Image.fromarray(indexed).save(data / "labels" / "face_1.png")
    np.testing.assert_array_equal(read_sample(data, "face_1", 64).labels, indexed)


def test_tiers(data: Path) -> None:
    manifest = data / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("face_1,A", "face_1,B").replace("face_3,A", "face_3,"))
    assert [sample.id for sample in PortraitDataset(data, "train", 64).samples] == ["face_0", "face_4"]
    assert len(PortraitDataset(data, "train", 64, tiers="AB")) == 3


def test_a_manifest_without_tiers_takes_all(data: Path) -> None:
    manifest = data / "manifest.csv"
    manifest.write_text(manifest.read_text().replace(",A", "").replace(",tier", ""))
    assert len(PortraitDataset(data, "train", 64)) == 4


def test_portraits_are_kept_in_the_order_of_the_manifest(data: Path) -> None:
    portraits = PortraitDataset(data, "train", 32)
    assert [portraits[index].id for index in range(len(portraits))] == ["face_0", "face_1", "face_3", "face_4"]
    assert portraits[2] is portraits[2], "held in memory"
    np.testing.assert_array_equal(portraits[2].labels, read_sample(data, "face_3", 32).labels)


def test_rare_classes_are_drawn_three_times_as_often(data: Path) -> None:
    odds = PortraitDataset(data, "train", 64).weights()
    assert odds.sum() == pytest.approx(1)
    np.testing.assert_allclose(odds, np.array([3, 1, 1, 1]) / 6)


# What cannot be used


def refused(data: Path, *names: str) -> None:
    with pytest.raises(DatasetError) as caught:
        PortraitDataset(data, "train", 64)
    for name in names:
        assert name in str(caught.value)


def test_missing_folder_or_manifest(tmp_path: Path, data: Path) -> None:
    refused(tmp_path / "nowhere", "nowhere", "manifest.csv", "images/<id>.jpg")
    (data / "manifest.csv").unlink()
    refused(data, str(data), "manifest.csv")


@pytest.mark.parametrize(
    "content", ["", "id,tier,split\n", "id,tier,split\nface_2,A,val\n", "id,tier,split\nface_1,C,train\n"]
)
def test_a_manifest_that_lists_nothing_of_the_split(data: Path, content: str) -> None:
    (data / "manifest.csv").write_text(content)
    refused(data, "manifest.csv", "train")


@pytest.mark.parametrize(
    "content", [b"name,part\nface_1,train\n", b"id,tier\nface_1,A\n", b"\xff\xfe\x00\x81", bytes(40)]
)
def test_a_manifest_that_is_none(data: Path, content: bytes) -> None:
    (data / "manifest.csv").write_bytes(content)
    refused(data, "manifest.csv")


@pytest.mark.parametrize("name", ["images/face_3.jpg", "labels/face_3.png"])
@pytest.mark.parametrize("harm", ["missing", "empty", "text", "truncated", "damaged"])
def test_a_file_that_cannot_be_read(data: Path, name: str, harm: str) -> None:
    path = data / name
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        middle = len(content) // 2
        path.write_bytes(
            {
                "empty": b"",
                "text": b"not a picture",
                "truncated": content[:middle],
                "damaged": content[:60] + bytes(middle - 60),
            }[harm]
        )
    refused(data, path.name)


def test_a_mask_with_ids_above_18(data: Path) -> None:
    labels = made_mask(64)
    labels[5, 5] = 19
    Image.fromarray(labels).save(data / "labels" / "face_4.png")
    refused(data, "face_4.png", "19", "0..18")


@pytest.mark.parametrize("shape", [(32, 32), (64, 48)])
def test_a_mask_of_another_size(data: Path, shape: tuple[int, int]) -> None:
    Image.fromarray(np.zeros(shape, np.uint8)).save(data / "labels" / "face_0.png")
    refused(data, "face_0.png", "size")


def test_a_coloured_mask(data: Path) -> None:
    Image.fromarray(palette()[made_mask(64)]).save(data / "labels" / "face_0.png")
    refused(data, "face_0.png", "single-channel")


# Variation

EVERY_RANGE = pytest.mark.parametrize("ranges", [ALIGNED, WIDE, WILD], ids=["aligned", "wide", "wild"])


@EVERY_RANGE
def test_left_and_right_change_places_with_the_picture(ranges: Ranges) -> None:
    labels = made_mask(64)
    pixels = np.full((64, 64, 3), 90, np.uint8)
    pixels[labels == L_EYE] = (250, 20, 20)
    pixels[labels == R_EYE] = (20, 20, 250)
    sample = Sample("marked", pixels, labels)
    mirrored = []
    for seed in range(24):
        varied, ids = augment(sample, 64, np.random.default_rng(seed), ranges)
        columns = [np.nonzero(ids == eye)[1].mean() for eye in (L_EYE, R_EYE)]
        assert columns[0] > columns[1], "the person's left is on the picture's right, mirrored or not"
        red, _, blue = varied[ids == L_EYE].mean(axis=0)
        other_red, _, other_blue = varied[ids == R_EYE].mean(axis=0)
        assert abs(red - blue) > 100
        assert (red > blue) != (other_red > other_blue)
        mirrored.append(blue > red)
    assert 4 <= sum(mirrored) <= 20


@EVERY_RANGE
@pytest.mark.parametrize("size", [32, 64, 128])
def test_variations_are_of_the_size_asked_for(size: int, ranges: Ranges) -> None:
    labels = made_mask(64, glasses=True)
    pixels, ids = augment(Sample("x", made_pixels(labels), labels), size, np.random.default_rng(1), ranges)
    assert pixels.shape == (size, size, 3)
    assert ids.shape == (size, size)
    assert pixels.dtype == ids.dtype == np.uint8
    assert set(np.unique(ids)) <= set(np.unique(labels)), "nearest: no class in between"
    share = np.mean(ids == 13) / np.mean(labels == 13)
    assert 0.6 < share < 1.6, "the face still fills the picture"


@EVERY_RANGE
def test_picture_and_mask_are_moved_together(ranges: Ranges) -> None:
    labels = made_mask(64)
    pixels = np.where(labels[..., None] == 1, np.uint8(230), np.uint8(20)).repeat(3, axis=2)
    for seed in range(8):
        varied, ids = augment(Sample("x", pixels, labels), 64, np.random.default_rng(seed), ranges)
        bright = varied.mean(axis=2) > 110
        assert np.mean(bright != (ids == 1)) < 0.03


def test_variation_follows_from_the_seed_and_spares_the_original() -> None:
    labels = made_mask(64)
    sample = Sample("x", made_pixels(labels), labels)
    before = sample.pixels.copy(), sample.labels.copy()
    first, again, other = (augment(sample, 64, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])
    np.testing.assert_array_equal(sample.pixels, before[0])
    np.testing.assert_array_equal(sample.labels, before[1])


@functools.cache
def measured(ranges: Ranges) -> np.ndarray:
    """Vary a bar again and again: its row, column, length and turn in degrees, and the picture's brightness."""
    labels = np.zeros((96, 96), np.uint8)
    labels[44:52, 32:64] = 1
    sample = Sample("x", np.full((96, 96, 3), 120, np.uint8), labels)
    found = []
    for seed in range(150):
        pixels, ids = augment(sample, 96, np.random.default_rng(seed), ranges)
        # Reflections of the bar may be seen near the border.
        _, parts, _, centres = cv2.connectedComponentsWithStats((ids == 1).astype(np.uint8))
        bar = 1 + np.linalg.norm(centres[1:] - 47.5, axis=1).argmin()
        rows, columns = np.nonzero(parts == bar)
        spread, axes = np.linalg.eigh(np.cov(columns, rows))
        turn = np.degrees(np.arctan(axes[1, 1] / axes[0, 1]))
        found.append((rows.mean(), columns.mean(), np.sqrt(12 * spread[1]), turn, pixels.mean()))
    return np.array(found)


def test_wider_ranges_reach_further_in_place_size_turn_and_light() -> None:
    aligned, wide, wild = (measured(ranges).std(axis=0) for ranges in (ALIGNED, WIDE, WILD))
    assert (wide / aligned).min() > 1.5
    assert (wide / aligned).max() < 4
    assert (wild / wide)[:4].min() > 1.5
    assert (wild / wide)[:4].max() < 4
    assert wild[4] == pytest.approx(wide[4], rel=0.2), "light is varied as for the wide one"


@EVERY_RANGE
def test_no_variation_goes_beyond_what_its_ranges_say(ranges: Ranges) -> None:
    rows, columns, lengths, turns, brightness = measured(ranges).T
    shift = 96 * ranges.shift
    for place in (rows, columns):
        assert shift / 2 < abs(place - 47.5).max() < shift + 1
    assert 1.3 * ranges.turn < abs(turns).max() < 2 * ranges.turn + 1.5
    scales = abs(np.log(lengths / 32))
    assert 1.3 * ranges.scale < scales.max() < 2 * ranges.scale + 0.05
    assert np.mean(abs(turns) < ranges.turn) > 0.55, "most are turned little"
    assert abs(brightness / 120 - 1).max() < (1 + 0.15 * ranges.light) * (1 + 0.05 * ranges.light) - 1 + 0.02
