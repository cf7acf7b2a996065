"""The table of the 19 classes."""

import numpy as np
import pytest

from resources.labels import BY_NAME, LABEL_COUNT, LABELS, from_bisenet, mirrored, palette, twins

NAMES = (
    "background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip",
    "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
BISENET = (
    "background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r", "nose", "mouth",
    "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat",
)  # fmt: skip
PUBLISHED = (
    "000000", "CC0000", "4C9900", "CCCC00", "3333FF", "CC00CC", "00FFFF", "FFCCCC", "663300", "FF0000", "66CC00",
    "FFFF00", "000099", "0000CC", "FF3399", "00CCCC", "003300", "FF9933", "00CC00",
)  # fmt: skip


def test_the_classes_are_those_of_celebamask_hq_in_its_order() -> None:
    assert LABEL_COUNT == 19
    assert [label.id for label in LABELS] == list(range(19))
    assert [label.name for label in LABELS] == list(NAMES)
    assert list(BY_NAME) == list(NAMES)
    assert all(BY_NAME[label.name] is label for label in LABELS)


def test_titles_are_unique_and_not_empty() -> None:
    assert len({label.title for label in LABELS}) == 19
    assert all(label.title.strip() == label.title != "" for label in LABELS)


def test_the_palette_is_the_published_one() -> None:
    assert ["".join(f"{value:02X}" for value in row) for row in palette()] == list(PUBLISHED)
    assert palette().dtype == np.uint8
    assert palette().shape == (19, 3)


def test_the_other_palette_gives_every_class_a_colour_of_its_own() -> None:
    colours = palette(colour_blind_safe=True).astype(int)
    assert colours.shape == (19, 3)
    distances = np.abs(colours[:, None] - colours[None]).sum(axis=2) + 1000 * np.eye(19, dtype=int)
    assert distances.min() >= 40
    published = palette().astype(int)
    assert np.abs(published[1] - published[9]).sum() < 60, "skin and right ear are why it exists"


def test_twins_exchange_left_and_right_and_nothing_else() -> None:
    for label in LABELS:
        assert LABELS[label.twin].twin == label.id
        side = {"l_": "r_", "r_": "l_"}.get(label.name[:2])
        expected = f"{side}{label.name[2:]}" if side else label.name
        assert LABELS[label.twin].name == (expected if expected in BY_NAME else label.name)
    assert {label.name for label in LABELS if label.twin != label.id} == {
        "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear",
    }  # fmt: skip
    assert twins().dtype == np.uint8


def test_lower_lip_is_not_taken_for_a_left_part() -> None:
    assert BY_NAME["l_lip"].twin == BY_NAME["l_lip"].id


def test_bisenet_order() -> None:
    assert sorted(label.bisenet for label in LABELS) == list(range(19))
    assert [LABELS[index].name for index in from_bisenet(np.arange(19, dtype=np.uint8))] == list(BISENET)


@pytest.mark.parametrize("shape", [(19,), (1, 19), (3, 4, 5)])
def test_from_bisenet_keeps_shape_and_type(shape: tuple[int, ...]) -> None:
    labels = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape) % 19
    remapped = from_bisenet(labels)
    assert remapped.shape == shape
    assert remapped.dtype == np.uint8


def test_mirroring_exchanges_the_sides_of_the_person_with_those_of_the_picture() -> None:
    labels = np.zeros((4, 7), np.uint8)
    labels[1, 5], labels[1, 1] = BY_NAME["l_eye"].id, BY_NAME["r_eye"].id
    labels[3, 0] = BY_NAME["hat"].id
    result = mirrored(labels)
    assert result[1, 1] == BY_NAME["r_eye"].id, "what was the left eye is the right one of the mirrored face"
    assert result[1, 5] == BY_NAME["l_eye"].id
    assert result[3, 6] == BY_NAME["hat"].id
    assert result.flags.c_contiguous
    assert result.dtype == np.uint8


def test_mirroring_twice_is_the_identity() -> None:
    labels = np.random.default_rng(0).integers(0, 19, (9, 13)).astype(np.uint8)
    np.testing.assert_array_equal(mirrored(mirrored(labels)), labels)
