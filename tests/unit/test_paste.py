"""How an edit comes back into the photo: nothing else changes, and the photo's detail and grain go on."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.affine import Matrix, scaling
from engine.compose import edit_alpha
from engine.paste import STRONGEST_GRAIN, Layer, patch_of
from engine.photo import Patch, laid_over
from engine.types import Alignment, LabelMap, Pixels

NETWORK = 64
PHOTO = 256
"""Four pixels of the photo for one of the network's."""

TO_PHOTO = scaling((NETWORK, NETWORK), (PHOTO, PHOTO))


def as_render(pixels: NDArray) -> NDArray[np.float32]:
    return (pixels.astype(np.float32) / 127.5 - 1).astype(np.float32)


def shrunk(photo: Pixels, side: int = NETWORK) -> Pixels:
    return np.asarray(cv2.resize(photo, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def grey(values: NDArray) -> Pixels:
    return np.repeat(np.clip(np.rint(values), 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def square(labels: LabelMap, label: int = 5, share: float = 0.25) -> LabelMap:
    """Relabel a square in the middle."""
    height, width = labels.shape
    y, x = round(height * (0.5 - share)), round(width * (0.5 - share))
    changed = labels.copy()
    changed[y : height - y, x : width - x] = label
    return changed


def layer_of(photo: Pixels, render: NDArray[np.float32] | None = None, label: int = 5) -> Layer:
    """An edit in the middle of a square photo; by default the network returns just what it was given."""
    source, labels = shrunk(photo), np.ones((NETWORK, NETWORK), np.uint8)
    edited = square(labels, label)
    return Layer(as_render(source) if render is None else render, source, edited, labels, edit_alpha(edited, labels))


def patched(layer: Layer, photo: Pixels, matrix: Matrix = TO_PHOTO, **options) -> Patch:
    patch = patch_of(layer, photo, matrix, **options)
    assert patch is not None
    return patch


def turned(centre: tuple[float, float], side: float, degrees: float) -> Alignment:
    angle = math.radians(degrees)
    return Alignment(centre, (side / 2 * math.cos(angle), side / 2 * math.sin(angle)))


def in_mask(shape: tuple[int, ...], matrix: Matrix) -> NDArray[np.float64]:
    """Return where each pixel of a photo lies in the mask, (H, W, 2)."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
    return np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ inverse.T


FLAT = np.full((NETWORK, NETWORK, 3), 0.5, np.float32)


# Where


@settings(max_examples=60)
@given(
    st.tuples(st.integers(20, 200), st.integers(20, 200)),
    st.tuples(st.floats(0, 200), st.floats(0, 200)),
    st.floats(10, 400),
    st.floats(-180, 180),
    st.tuples(st.integers(0, 47), st.integers(0, 47), st.integers(1, 20)),
    st.integers(16, 64),
)
def test_away_from_the_edit_the_photo_stays_bit_for_bit(size, centre, side, degrees, edit, network) -> None:
    photo = np.random.default_rng(0).integers(0, 128, (*size, 3), np.uint8)
    matrix = turned(centre, side, degrees).matrix(48)
    labels, (y, x, length) = np.zeros((48, 48), np.uint8), edit
    edited = labels.copy()
    edited[y : y + length, x : x + length] = 3
    alpha = edit_alpha(edited, labels)
    render, source = np.full((network, network, 3), 1, np.float32), np.full((network, network, 3), 60, np.uint8)
    patch = patch_of(Layer(render, source, edited, labels, alpha), photo, matrix)
    result = laid_over(photo, patch)

    places = in_mask(size, matrix)
    inside = ((places > 0) & (places < 48)).all(axis=2)
    cells = np.clip(np.floor(places), 0, 47).astype(int)
    near = cv2.dilate(alpha, np.ones((5, 5)))[cells[..., 1], cells[..., 0]] > 0
    changed = (result != photo).any(axis=2)
    # Along the crop's own border, places are known to a fraction of a mask pixel.
    border = (np.abs(places - 24).max(axis=2) > 23.9) & (np.abs(places - 24).max(axis=2) < 24.2)
    assert not (changed & ~near).any() and not (changed & ~inside & ~border).any()
    # And on the edit nothing but the edit is seen.
    core = cv2.erode(edited, np.ones((5, 5)), borderValue=3)[cells[..., 1], cells[..., 0]] > 0
    assert changed[core & inside & ~border].all()
    if patch is not None:
        assert patch.alpha.dtype == patch.colours.dtype == np.float32
        assert 0 < patch.alpha.max() <= 1 and patch.alpha.min() >= 0
        assert photo[patch.region.slices].shape == patch.colours.shape == (*patch.alpha.shape, 3)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 90), st.integers(1, 90))
def test_an_edit_of_everything_reaches_the_photos_very_border(rows: int, columns: int, height: int, width: int) -> None:
    source, labels = np.full((8, 8, 3), 60, np.uint8), np.zeros((rows, columns), np.uint8)
    layer = Layer(np.ones((8, 8, 3), np.float32), source, labels + 1, labels, np.ones((rows, columns), np.float32))
    patch = patched(layer, np.full((height, width, 3), 60, np.uint8), scaling((rows, columns), (height, width)))
    assert patch.alpha.shape == (height, width) and (patch.alpha == 1).all()


def test_a_crop_that_is_edited_up_to_its_border_ends_there() -> None:
    photo, alignment = np.full((120, 160, 3), 60, np.uint8), turned((70, 65), 60, 20)
    labels = np.zeros((32, 32), np.uint8)
    layer = Layer(FLAT, shrunk(photo), labels + 1, labels, np.ones((32, 32), np.float32))
    alpha = np.zeros((120, 160), np.float32)
    patch = patched(layer, photo, alignment.matrix(32))
    alpha[patch.region.slices] = patch.alpha
    apart = np.abs(in_mask((120, 160), alignment.matrix(32)) - 16).max(axis=2)
    assert (alpha[apart < 15.8] == 1).all() and (alpha[apart > 16.2] == 0).all()


def test_without_an_edit_in_the_photo_there_is_no_patch() -> None:
    photo = np.full((100, 100, 3), 60, np.uint8)
    labels = np.zeros((32, 32), np.uint8)
    edited = labels.copy()
    edited[2:6, 2:6] = 1
    nothing = Layer(FLAT, shrunk(photo), labels, labels, edit_alpha(labels, labels))
    something = Layer(FLAT, shrunk(photo), edited, labels, edit_alpha(edited, labels))
    assert patch_of(nothing, photo, scaling((32, 32), (100, 100))) is None
    # The edit lies in that half of the crop that lies outside, or all of the crop does.
    for centre in ((0.0, 50.0), (50.0, 0.0), (-300.0, -300.0), (400.0, 50.0)):
        assert patch_of(something, photo, turned(centre, 100, 0).matrix(32)) is None
    assert patch_of(something, photo, turned((100, 100), 100, 0).matrix(32)) is not None


@pytest.mark.parametrize("shift", [(0, 0), (17, 5)])
def test_at_the_masks_own_size_nothing_is_resampled(shift: tuple[int, int]) -> None:
    random = np.random.default_rng(0)
    photo = random.integers(0, 256, (90, 100, 3), np.uint8)
    x, y = shift
    source = photo[y : y + NETWORK, x : x + NETWORK]
    render = random.uniform(-1, 1, (NETWORK, NETWORK, 3)).astype(np.float32)
    labels = np.zeros((NETWORK, NETWORK), np.uint8)
    edited, alpha = square(labels), np.zeros((NETWORK, NETWORK), np.float32)
    alpha[10:30, 20:50] = random.random((20, 30), np.float32)
    matrix = np.array([[1.0, 0, x], [0, 1, y]])
    result = laid_over(photo, patch_of(Layer(render, source, edited, labels, alpha), photo, matrix))
    expected = photo.astype(np.float64)
    wanted = (render.astype(np.float64) + 1) * 127.5
    expected[y : y + NETWORK, x : x + NETWORK] += alpha[..., None] * (wanted - source)
    assert np.abs(result - expected).max() <= 0.51
    assert np.array_equal(result[..., 0][y : y + NETWORK, x : x + NETWORK][alpha == 0], source[..., 0][alpha == 0])


@settings(max_examples=60)
@given(st.data())
def test_single_pixels_at_any_place_and_of_any_size_do_no_harm(data: st.DataObject) -> None:
    rows, columns, height, width, network = (data.draw(st.integers(1, limit)) for limit in (9, 9, 40, 40, 9))
    labels = np.zeros((rows, columns), np.uint8)
    edited = labels.copy()
    edited[data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))] = 1
    photo = np.full((height, width, 3), 200, np.uint8)
    render, source = np.zeros((network, network, 3), np.float32), np.full((network, network, 3), 200, np.uint8)
    layer = Layer(render, source, edited, labels, (edited > 0).astype(np.float32))
    patch = patch_of(layer, photo, scaling((rows, columns), (height, width)))
    if patch is None:
        # Between the photo's coarse pixels, a fine one may be lost.
        assert height < rows or width < columns
        return
    assert np.isfinite(patch.colours).all()
    assert 0 <= patch.region.y0 < patch.region.y1 <= height and 0 <= patch.region.x0 < patch.region.x1 <= width
    assert laid_over(photo, patch).min() >= 127


@pytest.mark.parametrize("times", [1, 2, 3.7])
@pytest.mark.parametrize("degrees", [0, 20])
def test_nothing_given_is_written_to_nor_given_back(times: float, degrees: float) -> None:
    side = round(NETWORK * times)
    photo = noisy(5, (side, side))
    source, labels = shrunk(photo, NETWORK // 2), np.full((NETWORK, NETWORK), 13, np.uint8)
    edited = labels.copy()
    edited[:, :30] = edited[[0, -1]] = 1
    labels[20:40] = 1
    given = (as_render(source), source, edited, labels, edit_alpha(edited, labels))
    for array in (*given, photo):
        array.setflags(write=False)
    copies = [array.copy() for array in (*given, photo)]
    half = side / 2
    patch = patched(Layer(*given, labels == edited), photo, turned((half, half), side, degrees).matrix(NETWORK))
    for array, copy in zip((*given, photo), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
        assert not np.shares_memory(patch.colours, array) and not np.shares_memory(patch.alpha, array)


@pytest.mark.parametrize("times", [1, 4, 2.9])
def test_what_lies_far_from_the_edit_has_no_part_in_it(times: float) -> None:
    side = round(2 * NETWORK * times)
    photo = noisy(9, (side, side))
    source, labels = shrunk(photo, 2 * NETWORK), np.ones((2 * NETWORK, 2 * NETWORK), np.uint8)
    edited = square(labels, share=0.1)
    alpha = edit_alpha(edited, labels)
    away = np.ones(labels.shape, bool)
    away[40:88, 40:88] = False
    other_source, other_labels, other_edited, render = source.copy(), labels.copy(), edited.copy(), as_render(source)
    other_source[away], other_labels[away], other_edited[away] = 0, 7, 8
    other_render = np.where(away[..., None], np.float32(-1), render)
    matrix = scaling(labels.shape, (side, side))
    one = patched(Layer(render, source, edited, labels, alpha), photo, matrix)
    two = patched(Layer(other_render, other_source, other_edited, other_labels, alpha), photo, matrix)
    assert one.region == two.region
    np.testing.assert_array_equal(one.alpha, two.alpha)
    np.testing.assert_array_equal(one.colours, two.colours)


# Detail


def textured(strength: float = 25) -> Pixels:
    """Slow waves, and a texture of single pixels that the network cannot see."""
    rows, columns = np.mgrid[:PHOTO, :PHOTO]
    waves = 120 + 40 * np.sin(rows / 25) + 30 * np.cos(columns / 31)
    return grey(waves + strength * np.where((rows + columns) % 2, 1, -1))


def kept(photo: Pixels, render: NDArray[np.float32] | None = None) -> Layer:
    """A layer that shows in the middle although no label changed."""
    layer = layer_of(photo, render)
    return Layer(layer.render, layer.source, layer.original, layer.original, layer.alpha)


def test_a_perfect_render_gives_the_photo_back() -> None:
    photo = textured()
    result = laid_over(photo, patch_of(kept(photo), photo, TO_PHOTO))
    assert result is not photo
    assert np.abs(result.astype(int) - photo).max() <= 1


@pytest.mark.parametrize("degrees", [0, 33])
def test_where_labels_stay_the_photos_detail_stays(degrees: float) -> None:
    photo = textured()
    matrix = turned((128, 128), 256, degrees).matrix(NETWORK)
    source = shrunk(textured(0))
    if degrees:
        inverse = cv2.invertAffineTransform(matrix)
        inverse[:, 2] += inverse[:, :2] @ [0.5, 0.5] - 0.5
        source = np.asarray(cv2.warpAffine(textured(0), inverse, (NETWORK, NETWORK)), np.uint8)
    layer = kept(photo, as_render(source) + np.float32(0.2))
    layer = Layer(layer.render, source, layer.labels, layer.original, layer.alpha)
    middle = np.s_[100:156, 100:156]
    change = laid_over(photo, patch_of(layer, photo, matrix))[middle].astype(int) - photo[middle]
    # Brighter all over, with all of the texture.
    assert np.abs(change - 0.2 * 127.5).max() < 4


def test_where_labels_change_the_old_detail_goes() -> None:
    photo = textured()
    result = laid_over(photo, patch_of(layer_of(photo, FLAT), photo, TO_PHOTO))
    old, new = (cv2.Laplacian(one[..., 0].astype(np.float32), -1)[100:156, 100:156] for one in (photo, result))
    pattern = np.where(np.indices(old.shape).sum(axis=0) % 2, 1, -1)
    assert abs((new * pattern).mean()) < 0.15 * abs((old * pattern).mean())


def test_a_picture_that_shrinks_is_averaged() -> None:
    stripes = as_render(grey(np.indices((NETWORK, NETWORK))[1] % 2 * 255.0))
    photo = np.full((14, 14, 3), 127, np.uint8)
    source, labels = np.full((NETWORK, NETWORK, 3), 127, np.uint8), np.zeros((NETWORK, NETWORK), np.uint8)
    layer = Layer(stripes, source, labels + 1, labels, np.ones(labels.shape, np.float32))
    patch = patched(layer, photo, scaling(labels.shape, (14, 14)))
    assert np.abs(patch.colours - 127.5).max() < 30


def test_a_class_of_another_look_keeps_its_strands() -> None:
    columns = np.mgrid[:PHOTO, :PHOTO][1]
    photo = grey(140 + 30 * np.sin(columns * 2 * np.pi / 14)) * np.array([1, 0.8, 0.6])
    photo = np.rint(photo).astype(np.uint8)
    target = np.array([70.0, 90, 120])
    render = np.broadcast_to(as_render(target), (NETWORK, NETWORK, 3)).astype(np.float32)
    layer = kept(photo, render)
    recoloured = Layer(layer.render, layer.source, layer.labels, layer.original, layer.alpha, layer.labels == 1)
    middle = np.s_[100:156, 100:156]
    plain, new = (laid_over(photo, patch_of(one, photo, TO_PHOTO))[middle].astype(float) for one in (layer, recoloured))
    assert np.abs(new.mean(axis=(0, 1)) - target).max() < 4
    old = photo[middle].mean(axis=2)
    assert np.corrcoef(new.mean(axis=2).ravel(), old.ravel())[0, 1] > 0.97
    # Dark hair has dark strands; and the flat render by itself would have lost most of them.
    gain = target.mean() / photo[middle].mean()
    assert new.mean(axis=2).std() == pytest.approx(gain * old.std(), rel=0.2)
    assert plain.mean(axis=2).std() < 0.5 * new.mean(axis=2).std()


# Grain


def noisy(strength: float, shape: tuple[int, int] = (PHOTO, PHOTO), seed: int = 3) -> Pixels:
    return grey(130 + strength * np.random.default_rng(seed).standard_normal(shape))


def fine(pixels: NDArray) -> float:
    """Return the strength of what is finer than four pixels."""
    values = pixels[..., 0].astype(np.float32)
    return float((values - cv2.GaussianBlur(values, (0, 0), 2)).std())


@pytest.mark.parametrize("strength", [3, 6, 10])
@pytest.mark.parametrize("degrees", [0, 25])
def test_new_pixels_are_as_grainy_as_the_photo(strength: float, degrees: float) -> None:
    photo = noisy(strength)
    result = laid_over(photo, patch_of(layer_of(photo, FLAT), photo, turned((128, 128), 256, degrees).matrix(NETWORK)))
    inside, around = fine(result[95:161, 95:161]), fine(photo[:50])
    assert inside == pytest.approx(around, rel=0.3)


def test_each_class_has_its_own_grain() -> None:
    calm, rough = noisy(2), noisy(9, seed=4)
    photo = calm.copy()
    photo[:, PHOTO // 2 :] = rough[:, PHOTO // 2 :]
    source, labels = shrunk(photo), np.ones((NETWORK, NETWORK), np.uint8)
    labels[:, NETWORK // 2 :] = 13
    edited = labels.copy()
    edited[20:44, 20:44] = np.where(labels[20:44, 20:44] == 1, 13, 1)  # exchanged
    layer = Layer(FLAT, source, edited, labels, np.ones((NETWORK, NETWORK), np.float32))
    colours = patched(layer, photo).colours
    assert fine(colours[92:164, 92:122]) == pytest.approx(fine(rough), rel=0.3)
    assert fine(colours[92:164, 134:164]) == pytest.approx(fine(calm), rel=0.3)


def test_a_photo_without_grain_gets_none() -> None:
    photo = np.full((PHOTO, PHOTO, 3), 130, np.uint8)
    assert fine(patched(layer_of(photo, FLAT), photo).colours) < 0.05


@pytest.mark.parametrize("side", [NETWORK // 2, NETWORK])
def test_a_photo_no_finer_than_the_network_gets_no_grain(side: int) -> None:
    photo = noisy(8, (side, side))
    layer = layer_of(photo, FLAT)
    source = np.asarray(cv2.resize(photo, (NETWORK, NETWORK), interpolation=cv2.INTER_CUBIC), np.uint8)
    layer = Layer(FLAT, source, layer.labels, layer.original, np.ones_like(layer.alpha))
    colours = patched(layer, photo, scaling((NETWORK, NETWORK), (side, side))).colours
    middle = slice(side * 2 // 5, side * 3 // 5)
    assert colours[middle, middle].std() < 0.5


def test_texture_is_not_taken_for_grain() -> None:
    photo = noisy(60)
    patch = patched(layer_of(photo, FLAT), photo)
    y, x = 100 - patch.region.y0, 100 - patch.region.x0
    assert 0.7 * STRONGEST_GRAIN < fine(patch.colours[y : y + 56, x : x + 56]) < 1.3 * STRONGEST_GRAIN


def test_the_grain_is_the_same_each_time() -> None:
    photo = noisy(6)
    layer = layer_of(photo, FLAT)
    first, same, other = (patched(layer, photo, seed=seed).colours for seed in (1, 1, 2))
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other)


# Numbers


def test_what_overflows_is_white_or_black() -> None:
    photo = grey(np.indices((PHOTO, PHOTO)).sum(axis=0) % 2 * 255.0)
    for value, end in ((7.0, 255), (-7.0, 0)):
        render = np.full((NETWORK, NETWORK, 3), value, np.float32)
        result = laid_over(photo, patch_of(kept(photo, render), photo, TO_PHOTO))[100:156, 100:156]
        at_end = photo[100:156, 100:156] == end
        assert (result[at_end] == end).all()
        # The other half differs by what the photo's detail takes away, and is not the wrong end.
        assert np.abs(result[~at_end].astype(int) - 127).max() <= 2
