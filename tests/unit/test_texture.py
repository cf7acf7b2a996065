import numpy as np
import pytest
from numpy.typing import NDArray

from engine.paste import Layer, patch_of
from engine.texture import TEXTURED, borrowed, find_shifts
from engine.types import Region
from resources.labels import BY_NAME

HAIR, SKIN, CLOTH = (BY_NAME[name].id for name in ("hair", "skin", "cloth"))
SIDE = 128


def masks() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Hair in the upper half, and an edit that lets it hang down at the left."""
    original = np.full((SIDE, SIDE), SKIN, np.uint8)
    original[:64] = HAIR
    labels = original.copy()
    labels[64:110, 10:50] = HAIR
    return labels, original


def striped(height: int, width: int, period: int) -> NDArray[np.uint8]:
    """Upright strands, light and dark, in a photo that is flat below."""
    pixels = np.full((height, width, 3), 200, np.uint8)
    strands = 100 + 60 * (np.arange(width) // (period // 2) % 2)
    pixels[: height // 2] = strands[None, :, None].astype(np.uint8)
    return pixels


def test_new_hair_takes_its_texture_from_known_hair_near_by() -> None:
    labels, original = masks()
    (shifts,) = find_shifts(labels, original)
    inside = np.s_[70:104, 16:44]
    assert (shifts.share[inside] > 0.9).all()
    rows, columns = np.mgrid[:SIDE, :SIDE]
    places = np.dstack([columns, rows])[inside] + shifts.offsets[inside]
    taken = original[places[..., 1].round().astype(int), places[..., 0].round().astype(int)]
    assert (taken == HAIR).all()
    assert np.abs(shifts.offsets[inside]).max() < 70, "not from farther away than need be"
    assert (shifts.share[:58] == 0).all() and (shifts.share[:, 60:] == 0).all()


def test_neighbouring_pieces_agree() -> None:
    labels, original = masks()
    (shifts,) = find_shifts(labels, original)
    inside = shifts.offsets[70:104, 16:44]
    assert np.abs(np.diff(inside, axis=0)).max() < 2 and np.abs(np.diff(inside, axis=1)).max() < 2


@pytest.mark.parametrize("what", ["nothing new", "nothing known", "too little known", "a class without texture"])
def test_where_nothing_can_be_borrowed(what: str) -> None:
    labels, original = masks()
    if what == "nothing new":
        labels = original
    elif what == "nothing known":
        original[original == HAIR] = SKIN
    elif what == "too little known":
        original[original == HAIR] = SKIN
        original[0:5, 0:5] = labels[0:5, 0:5] = HAIR
        labels[5:64] = SKIN
    else:
        labels[labels == HAIR] = original[original == HAIR] = BY_NAME["nose"].id
    assert find_shifts(labels, original) == []


def test_each_class_keeps_to_itself() -> None:
    labels, original = masks()
    original[:, 100:] = labels[:, 100:] = CLOTH
    labels[70:100, 70:100] = CLOTH
    hair, cloth = find_shifts(labels, original)
    assert hair.known[:, 100:].max() == 0 and cloth.known[:, :100].max() == 0
    assert hair.share[75:95, 75:95].max() == 0 < cloth.share[75:95, 75:95].min()


def test_odd_shapes() -> None:
    labels, original = masks()
    for box in (np.s_[:, :77], np.s_[:97, :], np.s_[40:, :61]):
        for shifts in find_shifts(np.ascontiguousarray(labels[box]), np.ascontiguousarray(original[box])):
            assert shifts.share.shape == labels[box].shape and np.isfinite(shifts.offsets).all()


@pytest.mark.parametrize("scale", [1, 3])
def test_strands_appear_where_hair_is_new(scale: int) -> None:
    labels, original = masks()
    photo = striped(SIDE * scale, SIDE * scale, 8 * scale)
    source = striped(SIDE, SIDE, 8)
    flat = np.full((SIDE, SIDE, 3), (130 / 127.5) - 1, np.float32)  # the network's hair has no strands at all
    alpha = (labels != original).astype(np.float32)
    layer = Layer(flat, source, labels, original, alpha)
    to_photo = np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]])
    patch = patch_of(layer, photo, to_photo)
    assert patch is not None
    box = patch.region
    inside = patch.colours[75 * scale - box.y0 : 100 * scale - box.y0, 20 * scale - box.x0 : 40 * scale - box.x0, 0]
    rows = inside.mean(axis=0)
    assert rows.max() - rows.min() > 45, "of the photo's 60"
    assert np.abs(inside - rows).mean() < 12, "upright, as the photo's are"
    assert abs(float(inside.mean()) - 130) < 15
    # Another style's hair is not the photo's.
    foreign = patch_of(Layer(flat, source, labels, original, alpha, None, False), photo, to_photo)
    assert foreign is not None
    other = foreign.colours[75 * scale - box.y0 : 100 * scale - box.y0, 20 * scale - box.x0 : 40 * scale - box.x0, 0]
    assert float(other.mean(axis=0).max() - other.mean(axis=0).min()) < 20


def test_light_and_shade_are_the_renders_in_part() -> None:
    labels, original = masks()
    (shifts,) = find_shifts(labels, original)
    photo, source = striped(SIDE, SIDE, 8), striped(SIDE, SIDE, 8)
    region, same = Region(64, 0, 128, 64), np.array([[1.0, 0.0, 0.0], [0.0, 1.0, -64.0]])
    means = []
    for grey in (90.0, 170.0):
        render = np.full((SIDE, SIDE, 3), grey, np.float32)
        colours, share = borrowed(shifts, render, source, photo, region, same)
        assert colours.shape == (64, 64, 3) and share.shape == (64, 64)
        means.append(float(colours[10:40, 18:42].mean()))
    assert 10 < means[1] - means[0] < 40, "a quarter of 80"


def test_only_classes_with_texture_are_listed() -> None:
    assert set(TEXTURED) == {HAIR, CLOTH, BY_NAME["hat"].id}
