import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import texture
from engine.affine import scaling
from engine.paste import Layer, patch_of
from engine.texture import TEXTURED, Shifts, borrowed, find_shifts
from engine.types import Region
from engine.warp import chained
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


def whole(shifts: Shifts) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the offsets and shares of all pixels, 0 outside the box."""
    offsets, share = np.zeros((*shifts.now.shape, 2), np.float32), np.zeros(shifts.now.shape, np.float32)
    offsets[shifts.box.slices], share[shifts.box.slices] = shifts.offsets, shifts.share
    return offsets, share


def striped(height: int, width: int, period: int) -> NDArray[np.uint8]:
    """Upright strands, light and dark, in a photo that is flat below."""
    pixels = np.full((height, width, 3), 200, np.uint8)
    strands = 100 + 60 * (np.arange(width) // (period // 2) % 2)
    pixels[: height // 2] = strands[None, :, None].astype(np.uint8)
    return pixels


def test_new_hair_takes_its_texture_from_known_hair_near_by() -> None:
    labels, original = masks()
    (shifts,) = find_shifts(labels, original)
    offsets, share = whole(shifts)
    inside = np.s_[70:104, 16:44]
    assert (share[inside] > 0.9).all()
    rows, columns = np.mgrid[:SIDE, :SIDE]
    places = np.dstack([columns, rows])[inside] + offsets[inside]
    taken = original[places[..., 1].round().astype(int), places[..., 0].round().astype(int)]
    assert (taken == HAIR).all()
    assert np.abs(offsets[inside]).max() < 70, "not from farther away than need be"
    # What is taken ends inside the box, but at the mask's own border.
    assert shifts.box == Region(60, 6, 114, 54)
    assert not any(side.any() for side in (shifts.share[[0, -1]], shifts.share[:, [0, -1]]))


def test_neighbouring_pieces_agree() -> None:
    labels, original = masks()
    (shifts,) = find_shifts(labels, original)
    inside = whole(shifts)[0][70:104, 16:44]
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
    inside = np.s_[75:95, 75:95]
    assert whole(hair)[1][inside].max() == 0 < whole(cloth)[1][inside].min()


def test_odd_shapes() -> None:
    labels, original = masks()
    for box in (np.s_[:, :77], np.s_[:97, :], np.s_[40:, :61]):
        for shifts in find_shifts(np.ascontiguousarray(labels[box]), np.ascontiguousarray(original[box])):
            offsets, share = whole(shifts)
            assert share.shape == labels[box].shape and share.any() and np.isfinite(offsets).all()


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
        render = np.full((SIDE, SIDE, 3), grey / 127.5 - 1, np.float32)
        found = borrowed(shifts, render, source, photo, region, same)
        assert found is not None
        part, colours, share = found
        assert colours.shape == (*share.shape, 3) == (part.y1 - part.y0, part.x1 - part.x0, 3)
        inside = np.s_[10 - part.y0 : 40 - part.y0, 18 - part.x0 : 42 - part.x0]
        assert share[inside].min() > 0.9
        means.append(float(colours[inside].mean()))
    assert 10 < means[1] - means[0] < 40, "a quarter of 80"


def test_nothing_is_borrowed_where_the_region_shows_nothing_new() -> None:
    labels, original = masks()
    (shifts,) = find_shifts(labels, original)
    photo, render = striped(SIDE, SIDE, 8), np.zeros((SIDE, SIDE, 3), np.float32)
    for corner in ((100, 0), (0, 0)):
        x, y = corner
        region, moved = Region(y, x, y + 20, x + 20), np.array([[1.0, 0.0, -x], [0.0, 1.0, -y]])
        assert borrowed(shifts, render, photo, photo, region, moved) is None


# In parts and bit by bit, as in whole and in plain numbers


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 10**6))
def test_bits_count_what_two_windows_share(rows: int, columns: int, seed: int) -> None:
    random, side = np.random.default_rng(seed), texture.WINDOW
    one, other = random.random((2, rows, columns)) < random.random((2, 1, 1))
    there, bits = texture._windows(one), texture._windows(other)
    assert there.shape == (3, rows + side - 1, columns + side - 1)
    y, x = random.integers(there.shape[1]), random.integers(there.shape[2])
    counts = np.bitwise_count(there & bits[:, y, x, None, None]).sum(axis=0, dtype=np.uint8)
    wide_one, wide_other = (np.pad(mask, side - 1) for mask in (one, other))
    piece = wide_other[y : y + side, x : x + side]
    for place in np.ndindex(counts.shape):
        window = wide_one[place[0] : place[0] + side, place[1] : place[1] + side]
        assert counts[place] == (window & piece).sum()


def plain_votes(new: NDArray[np.bool_], known: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Do the same cell by cell for square masks of `CELLS`: each piece's shift (x, y), and whether it may vote."""
    side, half = texture.CELLS, texture.PIECE // 2
    shifts, fit = [], []
    dy, dx = np.mgrid[-side:side, -side:side]
    wide, last = np.pad(known, 2 * side).astype(float), None
    for top in range(0, side, texture.PIECE):
        for left in range(0, side, texture.PIECE):
            if not new[top : top + texture.PIECE, left : left + texture.PIECE].any():
                continue
            places = [
                (y, x)
                for y in range(max(0, top - half), min(side, top + 3 * half))
                for x in range(max(0, left - half), min(side, left + 3 * half))
                if new[y, x]
            ]
            overlap = np.mean([wide[2 * side + y + dy, 2 * side + x + dx] for y, x in places], axis=0)
            worth = overlap - np.hypot(dy, dx) / side * texture.FAR
            if last is not None:
                worth -= texture.UNLIKE * np.minimum(1, np.hypot(dy - last[0], dx - last[1]) / texture.ALIKE)
            ties = np.argwhere(worth > worth.max() - 1e-5)
            assert len(ties) == 1, "a mask with two shifts as good as one another says nothing"
            best = tuple(ties[0])
            last = (int(dy[best]), int(dx[best]))
            shifts.append((last[1], last[0]))
            fit.append(overlap[best] >= texture.LEAST_OVERLAP)
    return np.array(shifts, float), np.array(fit)


@pytest.mark.parametrize("known_box", [np.s_[3:29, 5:50], np.s_[20:30, 2:9], np.s_[40:60, 33:60]])
def test_shifts_are_those_of_the_best_overlap(known_box: tuple[slice, slice]) -> None:
    side = texture.CELLS
    known, new = np.zeros((2, side, side), bool)
    known[known_box] = True
    new[31:38, 11:33] = new[58:64, 57:64] = True
    known &= np.random.default_rng(0).random((side, side)) < 0.97
    shifts, fit = plain_votes(new, known)
    found = texture._vote(new.astype(np.uint8), known.astype(np.uint8), Region(0, 0, side, side))
    if not fit.any():
        assert found is None
        return
    assert found is not None
    offsets, fits = found
    # Between pieces that agree there is nothing to mix.
    used = shifts[fit]
    middle = fits > 0.99
    assert middle.any()
    low, high = used.min(axis=0) - 1e-3, used.max(axis=0) + 1e-3
    assert ((offsets[middle] >= low) & (offsets[middle] <= high)).all()
    if len(np.unique(used, axis=0)) == 1:
        np.testing.assert_allclose(offsets[middle], np.broadcast_to(used[0], offsets[middle].shape), atol=1e-3)


@pytest.mark.parametrize("shape", [(128, 128), (120, 128), (128, 90), (61, 50)])
def test_shifts_of_a_place_are_those_of_the_whole(shape: tuple[int, int]) -> None:
    known, new = np.zeros((2, *shape), np.uint8)
    known[: shape[0] // 2, 5:], new[shape[0] // 2 :, : shape[1] // 3] = 1, 1
    whole = texture._vote(new, known, Region(0, 0, *shape))
    assert whole is not None and whole[1].max() == 1
    for place in (Region(40, 3, 58, 31), Region(0, 0, 5, 5), Region(shape[0] - 9, shape[1] - 1, *shape)):
        part = texture._vote(new, known, place)
        assert part is not None
        for field, all_of_it in zip(part, whole, strict=True):
            np.testing.assert_allclose(field, all_of_it[place.slices], atol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(20, 150), st.integers(20, 150), st.integers(0, 10**6))
def test_light_and_shade_of_a_box_are_those_of_the_whole(height: int, width: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    picture = cv2.resize(random.integers(0, 256, (9, 9, 3), np.uint8), (width, height))
    mine = (cv2.resize(random.random((7, 7)).astype(np.float32), (width, height)) > 0.4).astype(np.uint8)
    (y0, y1), (x0, x1) = (sorted(random.choice(side + 1, 2, replace=False)) for side in (height, width))
    box = Region(int(y0), int(x0), int(y1), int(x1))
    of_box = texture._shade(picture, mine, box)
    of_all = texture._shade(picture, mine, Region(0, 0, height, width))
    assert of_box.shape == (y1 - y0, x1 - x0, 3)
    # Far from the class, any colour will do.
    inside = mine[box.slices] > 0
    np.testing.assert_allclose(of_box[inside], of_all[box.slices][inside], atol=0.5)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1.0, 2.0, 2.6]), st.integers(-40, 40))
def test_texture_of_one_colour_is_of_that_colour(seed: int, times: float, degrees: int) -> None:
    random, side = np.random.default_rng(seed), 96
    coarse = random.random((2, 6, 6)).astype(np.float32)
    fields = (cv2.resize(field, (side, side), interpolation=cv2.INTER_CUBIC) for field in coarse)
    labels, original = (np.where(field > 0.5, HAIR, SKIN).astype(np.uint8) for field in fields)
    # At the picture's very border there is nothing to average with.
    original[[0, -1]] = original[:, [0, -1]] = SKIN
    size = round(side * times)
    photo, source = np.full((size, size, 3), 180, np.uint8), np.full((side, side, 3), 180, np.uint8)
    render = np.full((side, side, 3), 180 / 127.5 - 1, np.float32)
    turn = cv2.getRotationMatrix2D((size / 2, size / 2), degrees, 1)
    matrix = chained(np.asarray(turn, float), scaling((side, side), (size, size)))
    for shifts in find_shifts(labels, original):
        found = borrowed(shifts, render, source, photo, Region(0, 0, size, size), matrix)
        if found is not None:
            part, colours, share = found
            assert colours.shape == (*share.shape, 3) == (part.y1 - part.y0, part.x1 - part.x0, 3)
            np.testing.assert_allclose(colours[share > 0.3], 180, atol=0.6)


def test_only_classes_with_texture_are_listed() -> None:
    assert set(TEXTURED) == {HAIR, CLOTH, BY_NAME["hat"].id}
