"""What the face locator is trained on: the points it is told are where the picture shows them."""

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from models import locator_batches as module
from models.dataset import Sample, sampling_odds
from models.face_locator import EYE_DISTANCES, OFFSET_UNIT, STRIDE
from models.locator_batches import MAYBE, TURN, TYPICAL, batches, lay_face, make_scene, points_of, shrunk, targets
from models.synthetic import made_mask, made_pixels
from resources.labels import BY_NAME

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]

ID = {name: label.id for name, label in BY_NAME.items()}
COLOURS = {"r_eye": (255, 0, 0), "l_eye": (0, 0, 255), "mouth": (0, 255, 0)}
"""In the order of the points; all else is grey."""


class Portraits:
    """A data set of made portraits."""

    def __init__(self, count: int = 3) -> None:
        mask = made_mask(64)
        self.samples = [Sample(f"made {seed}", made_pixels(mask, seed), mask) for seed in range(count)]

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        return self.samples[index]

    def weights(self) -> NDArray[np.float64]:
        return sampling_odds([False] * len(self))


def coloured(side: int) -> Sample:
    """Return a grey face with a red right eye, a blue left eye and a green mouth, not quite symmetric."""
    labels = np.full((side, side), ID["skin"], np.uint8)
    for name, x, y, radius in (("r_eye", 0.37, 0.46, 0.06), ("l_eye", 0.62, 0.49, 0.05), ("mouth", 0.5, 0.72, 0.07)):
        cv2.circle(labels, (round(x * side), round(y * side)), round(radius * side), ID[name], -1)
    pixels = np.full((side, side, 3), 128, np.uint8)
    for name, colour in COLOURS.items():
        pixels[labels == ID[name]] = colour
    return Sample("coloured", pixels, labels)


def seen(pixels: Pixels, colour: tuple[int, int, int]) -> Points:
    """Return where the centre of what has a colour is, (x, y), by how much of the colour each pixel has."""
    main = colour.index(255)
    values = pixels.astype(np.float64)
    amount = np.clip(values[..., main] - np.delete(values, main, axis=2).mean(axis=2), 0, None)
    amount[amount < 3] = 0
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]] + 0.5
    return np.array([(x * amount).sum(), (y * amount).sum()]) / amount.sum()


# Where eyes and mouths are


def test_points_are_the_centres_of_eyes_and_mouth() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[40:44, 20:30], labels[38:46, 60:64], labels[70:80, 33:53] = ID["r_eye"], ID["l_eye"], ID["mouth"]
    np.testing.assert_allclose(points_of(labels), [(25, 42), (62, 42), (43, 75)])


def test_lips_belong_to_the_mouth() -> None:
    labels = np.zeros((100, 100), np.uint8)
    labels[60:64, 40:50], labels[64:66, 40:50], labels[66:70, 40:60] = ID["u_lip"], ID["mouth"], ID["l_lip"]
    np.testing.assert_allclose(points_of(labels)[2], [(60 * 45 + 80 * 50) / 140, (40 * 62 + 20 * 65 + 80 * 68) / 140])


@pytest.mark.parametrize("side", [48, 112])
@pytest.mark.parametrize("left", [0, 5, 6])
def test_parts_that_are_hidden_are_where_they_typically_are(side: int, left: int) -> None:
    labels = np.zeros((side, side), np.uint8)
    labels[10, 3 : 3 + left] = ID["r_eye"]
    labels[20:24, 30:40] = ID["l_eye"]
    points = points_of(labels)
    np.testing.assert_allclose(points[0], (6, 10.5) if left == 6 else TYPICAL[0] * side)
    np.testing.assert_allclose(points[1], (35, 22))
    np.testing.assert_allclose(points[2], TYPICAL[2] * side)


def test_typical_places_are_those_of_the_person() -> None:
    assert TYPICAL[0, 0] < TYPICAL[1, 0], "the person's right eye is on the left of the picture"
    assert TYPICAL[2, 1] > TYPICAL[:2, 1].max()
    assert 0 < TYPICAL.min() < TYPICAL.max() < 1


def test_portraits_are_only_ever_made_smaller() -> None:
    sample = coloured(64)
    for side in (64, 100):
        pixels, labels = shrunk(sample.pixels, sample.labels, side)
        assert pixels is sample.pixels
        assert labels is sample.labels
    pixels, labels = shrunk(sample.pixels, sample.labels, 48)
    assert pixels.shape == (48, 48, 3)
    assert pixels.dtype == labels.dtype == np.uint8
    assert set(np.unique(labels)) == set(np.unique(sample.labels))


def test_labels_stay_with_the_picture_when_it_is_made_smaller() -> None:
    sample, strays = coloured(112), []
    for side in range(48, 100, 2):
        pixels, labels = shrunk(sample.pixels, sample.labels, side)
        strays.append(points_of(labels) - [seen(pixels, colour) for colour in COLOURS.values()])
    assert np.abs(strays).max() < 0.4, "not half a pixel"
    assert np.abs(np.mean(strays, axis=(0, 1))).max() < 0.05, "neither way more than the other"


# Faces in pictures


@pytest.mark.parametrize(("side", "distance"), [(112, 8), (112, 18), (64, 14), (64, 24)])
@pytest.mark.parametrize("cut_out", [False, True])
def test_points_are_where_the_picture_shows_them(side: int, distance: float, cut_out: bool) -> None:
    sample = coloured(side)
    before = sample.pixels.copy(), sample.labels.copy()
    mirrored, strays = [], []
    height, width = round(10 * distance), round(12 * distance)
    for seed in range(40):
        ground = np.full((height, width, 3), 128, np.uint8)
        points = lay_face(ground, sample, distance, np.random.default_rng(seed), cut_out)
        assert points.shape == (3, 2)
        if points.min() < distance or (points > np.array([width, height]) - distance).any():
            continue  # a part of it lies outside
        places = [seen(ground, colour) for colour in COLOURS.values()]
        # Red is the person's right eye, or the left one in a mirror.
        mirrored.append(np.linalg.norm(points[0] - places[0]) > np.linalg.norm(points[0] - places[1]))
        if mirrored[-1]:
            places[:2] = places[1::-1]
        strays.append(points - places)
        along, down = points[1] - points[0], points[2] - points[0]
        assert along[0] * down[1] - along[1] * down[0] > 0, "right and left as the person has them"
    assert len(strays) > 15
    assert 0.2 < np.mean(mirrored) < 0.8
    assert np.abs(strays).max() < 0.03 * distance
    assert np.abs(np.mean(strays, axis=0)).max() < 0.015 * distance, "neither way more than the other"
    np.testing.assert_array_equal(sample.pixels, before[0])
    np.testing.assert_array_equal(sample.labels, before[1])


def test_faces_are_as_large_and_as_turned_as_asked() -> None:
    sample = coloured(64)
    own = points_of(sample.labels)
    share = np.linalg.norm(own[1] - own[0]) / (64 * (TYPICAL[1, 0] - TYPICAL[0, 0]))
    lean = np.degrees(np.arctan2(own[1, 1] - own[0, 1], own[1, 0] - own[0, 0]))
    turns, sizes, middles = [], [], []
    for seed in range(200):
        points = lay_face(np.zeros((96, 96, 3), np.uint8), sample, 15, np.random.default_rng(seed), False)
        along = points[1] - points[0]
        sizes.append(np.linalg.norm(along) / 15 / share)
        turns.append(np.degrees(np.arctan2(along[1], along[0])))
        middles.append(points.mean(axis=0))
    assert np.median(sizes) == pytest.approx(1, abs=0.03)
    assert 0.8 < min(sizes) < max(sizes) < 1.25
    assert 40 < np.abs(turns).max() < TURN + abs(lean) + 6
    assert 12 < np.std(turns) < 30
    assert 0 < np.min(middles) < 12, "every centre lies in the picture, anywhere in it"
    assert 84 < np.max(middles) < 96


def test_a_face_that_is_cut_out_leaves_its_background_away() -> None:
    labels = np.zeros((64, 64), np.uint8)
    labels[16:48, 16:48] = ID["skin"]
    sample = Sample("square", np.full((64, 64, 3), 255, np.uint8), labels)
    scale, whole = 20 / (64 * (TYPICAL[1, 0] - TYPICAL[0, 0])), 0
    for seed in range(30):
        for cut_out in (False, True):
            ground = np.zeros((300, 300, 3), np.uint8)
            points = lay_face(ground, sample, 20, np.random.default_rng(seed), cut_out)
            if points.min() < 75 or points.max() > 225:
                continue  # a part of it may lie outside
            whole += 1
            assert ground.mean() / 255 * 300**2 == pytest.approx(((32 if cut_out else 64) * scale) ** 2, rel=0.06)
    assert whole > 4


def test_only_the_face_is_painted() -> None:
    for seed in range(20):
        ground = np.random.default_rng(1).integers(0, 256, (120, 90, 3)).astype(np.uint8)
        before = ground.copy()
        points = lay_face(ground, coloured(64), 8, np.random.default_rng(seed), False)
        rows, columns = np.nonzero((ground != before).any(axis=2))
        # A crop is about four eye distances wide; its corner is three from its middle.
        far = np.hypot(columns + 0.5 - points[:, 0].mean(), rows + 0.5 - points[:, 1].mean())
        assert len(far) > 0
        assert far.max() < 8 * 4


# What the network should answer


def face(x: float, y: float, distance: float, turn: float = 0) -> Points:
    """Return points around a middle."""
    own = np.array([[-0.5, -0.4], [0.5, -0.4], [0.0, 0.8]]) * distance
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return own @ np.array([[c, s], [-s, c]]) + (x, y)


def cells(height: int, width: int) -> tuple[NDArray, NDArray]:
    """Return the x and y of every cell's centre."""
    x, y = np.meshgrid(np.arange(width) * 8 + 4, np.arange(height) * 8 + 4)
    return x, y


@pytest.mark.parametrize("distance", [6.01, 9.7, 17.99])
@pytest.mark.parametrize("turn", [0, 35, -50])
def test_the_cell_of_a_face_is_1_and_its_neighbours_less(distance: float, turn: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(30):
        x, y = rng.uniform(0.5, 159.5), rng.uniform(0.5, 95.5)
        heat, offsets = targets([face(x, y, distance, turn)], 96, 160)
        assert heat.shape == (1, 12, 20)
        assert offsets.shape == (6, 12, 20)
        assert heat.dtype == offsets.dtype == np.float32
        assert np.argwhere(heat[0] == 1).tolist() == [[int(y // STRIDE), int(x // STRIDE)]]
        assert heat.min() == 0
        columns, rows = cells(12, 20)
        away = np.hypot(columns - x, rows - y)
        assert (heat[0][away > max(distance, 1.5 * STRIDE)] == 0).all()
        near = away < STRIDE
        order = np.argsort(away[near])
        assert (np.diff(heat[0][near][order]) <= 0).all(), "the farther, the less"


@pytest.mark.parametrize("distance", [6.01, 9.7, 17.99])
def test_offsets_lead_from_the_cell_to_the_points(distance: float) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        points = face(rng.uniform(0.5, 159.5), rng.uniform(0.5, 95.5), distance, rng.uniform(-50, 50))
        heat, offsets = targets([points], 96, 160)
        asked = ~np.isnan(offsets)
        assert (asked == asked[0]).all(), "all or none of them"
        assert asked[0][heat[0] == 1].all()
        columns, rows = cells(12, 20)
        away = np.hypot(columns - points[:, 0].mean(), rows - points[:, 1].mean())
        np.testing.assert_array_equal(asked[0], away <= max(8, distance / 2))
        for row, column in np.argwhere(asked[0]):
            led = offsets[:, row, column].reshape(3, 2) * OFFSET_UNIT + (8 * column + 4, 8 * row + 4)
            np.testing.assert_allclose(led, points, atol=1e-4)


@pytest.mark.parametrize(
    ("asked", "distances"),
    [("nothing", (3.5, 4.4, 24.1, 60)), ("either", (4.6, 5.9, 18.1, 23.9)), ("a face", (6.1, 12, 17.9))],
)
def test_faces_are_asked_for_by_their_size(asked: str, distances: tuple[float, ...]) -> None:
    assert (MAYBE, EYE_DISTANCES) == ((4.5, 24.0), (6.0, 18.0))
    columns, rows = cells(12, 20)
    for distance in distances:
        heat, offsets = targets([face(84, 44, distance)], 96, 160)
        assert np.isnan(offsets).all() == (asked != "a face")
        if asked == "a face":
            assert heat[0, 5, 10] == heat.max() == 1
            assert heat.min() == 0
        elif asked == "either":
            np.testing.assert_array_equal(heat[0], np.where(np.hypot(columns - 84, rows - 44) < distance, -1, 0))
            assert heat[0, 5, 10] == -1
        else:
            assert not heat.any()


def test_every_face_of_a_picture_is_asked_for() -> None:
    faces = [face(20, 20, 8), face(84, 68, 12), face(140, 28, 17)]
    heat, offsets = targets(faces, 96, 160)
    single = [targets([one], 96, 160) for one in faces]
    assert (heat == 1).sum() == 3
    np.testing.assert_allclose(heat, np.max([one for one, _ in single], axis=0))
    np.testing.assert_allclose(offsets, np.nanmax([np.nan_to_num(o, nan=-99) for _, o in single], axis=0) + 0 * offsets)


def test_later_faces_hide_earlier_ones() -> None:
    below, above = face(84, 44, 12), face(90, 46, 12)
    heat, offsets = targets([below, above], 96, 160)
    both = ~np.isnan(targets([below], 96, 160)[1]) & ~np.isnan(targets([above], 96, 160)[1])
    assert both.any()
    np.testing.assert_array_equal(offsets[both], targets([above], 96, 160)[1][both])
    heat, _ = targets([face(84, 44, 12), face(84, 44, 21)], 96, 160)
    assert heat.max() <= 0, "one that need not be found lies above it"
    heat, _ = targets([face(84, 44, 21), face(84, 44, 12)], 96, 160)
    assert heat[0, 5, 10] == 1


def test_a_picture_without_a_face_asks_for_none() -> None:
    heat, offsets = targets([], 48, 64)
    assert heat.shape == (1, 6, 8)
    assert not heat.any()
    assert np.isnan(offsets).all()


# Scenes


@pytest.fixture
def few_grounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUNDS", 3)


@pytest.mark.usefixtures("few_grounds")
def test_batches_are_scenes_with_their_answers_and_follow_from_the_seed() -> None:
    image, heat, offsets = next(batches(Portraits(), 64, 6, seed=2))
    assert image.shape == (6, 3, 64, 64)
    assert heat.shape == (6, 1, 8, 8)
    assert offsets.shape == (6, 6, 8, 8)
    assert {tensor.dtype for tensor in (image, heat, offsets)} == {torch.float32}
    assert -1 <= float(image.min()) < -0.3
    assert 0.3 < float(image.max()) <= 1
    assert bool(((heat == -1) | ((heat >= 0) & (heat <= 1))).all())
    assert bool((heat == 1).any())
    assert bool(torch.isfinite(offsets[(heat == 1).expand_as(offsets)]).all()), "wherever a face is, so are its points"
    again, other = (next(batches(Portraits(), 64, 6, seed)) for seed in (2, 3))
    for first, second in zip((image, heat, offsets), again, strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0, equal_nan=True)
    assert not torch.equal(other[0], image)


@pytest.mark.usefixtures("few_grounds")
def test_every_batch_is_another() -> None:
    scenes = batches(Portraits(), 64, 3, seed=0)
    pictures = torch.cat([next(scenes)[0] for _ in range(4)])
    assert len({picture.numpy().tobytes() for picture in pictures}) == 12


def test_scenes_have_none_to_four_faces_of_the_sizes_that_are_asked_for() -> None:
    samples, counts, distances = Portraits().samples, [], []
    for seed in range(150):
        ground = np.full((160, 160, 3), 128, np.uint8)
        pixels, faces = make_scene(ground, samples, np.random.default_rng(seed))
        assert pixels is ground
        counts.append(len(faces))
        assert bool(faces) <= bool((pixels != 128).any())
        for points in faces:
            assert points.shape == (3, 2)
            assert 0 <= points.mean(axis=0).min() <= points.mean(axis=0).max() <= 160
            distances.append(np.linalg.norm(points[1] - points[0]))
    assert set(counts) == {0, 1, 2, 3, 4}
    assert 1 < np.mean(counts) < 2
    inside = np.mean((np.array(distances) >= EYE_DISTANCES[0]) & (np.array(distances) <= EYE_DISTANCES[1]))
    assert inside > 0.45, "mostly of a size that is found"
    assert min(distances) < MAYBE[0]
    assert max(distances) > MAYBE[1]


def test_faces_that_are_covered_are_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, Points, float]] = []

    def note_face(ground: Pixels, sample: Sample, distance: float, rng: np.random.Generator, cut: bool) -> Points:
        points = lay_face(ground, sample, distance, rng, cut)
        done.append(("face", points, 2.5 * distance))
        return points

    def note_piece(ground: Pixels, piece: Pixels, x: float, y: float, width: float, angle: float) -> None:
        done.append(("piece", np.array([[x, y]]), width))

    monkeypatch.setattr(module, "lay_face", note_face)
    monkeypatch.setattr(module, "lay", note_piece)
    dropped = {"face": 0, "piece": 0}
    for seed in range(150):
        done.clear()
        _, faces = make_scene(np.zeros((128, 128, 3), np.uint8), Portraits().samples, np.random.default_rng(seed))
        expected = []
        for index, (kind, points, _) in enumerate(done):
            above = [
                later
                for later, other, reach in done[index + 1 :]
                if np.linalg.norm(other.mean(axis=0) - points.mean(axis=0)) <= reach
            ]
            if kind == "face" and not above:
                expected.append(points)
            for later in above if kind == "face" else []:
                dropped[later] += 1
        assert len(faces) == len(expected), f"seed {seed}"
        for found, points in zip(faces, expected, strict=True):
            assert found is points
    assert dropped["face"] > 10
    assert dropped["piece"] > 0
