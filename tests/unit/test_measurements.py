"""The measurements of an evaluation, each with a stand-in for the network whose result is known."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from models import evaluate
from models.dataset import PortraitDataset, Sample
from models.evaluate import edit_sheets, label_accuracy, recital, reconstruction, style_copy
from models.face_parser import FaceParser
from models.rendering import Renderer, class_means, telea
from models.report import grid
from models.synthetic import SMOKE_PARSER, made_mask, made_pixels, make_data
from resources.labels import BY_NAME, LABEL_COUNT, palette

Pixels = NDArray[np.uint8]

HAIR, SKIN, EYE_G, MOUTH, U_LIP = (BY_NAME[name].id for name in ("hair", "skin", "eye_g", "mouth", "u_lip"))
SIDE = 64


class StandIn(Renderer):
    """Renders by a rule; a style is the number of the portrait that it comes from.

    Parameters
    ----------
    samples
        All portraits.
    rule
        Makes a whole render from the labels asked for and the portrait whose style it is.
    """

    def __init__(self, samples: Sequence[Sample], rule: Callable[[Pixels, Sample], Pixels] | None = None) -> None:
        self.samples, self.rule = samples, rule
        self.regions: list[Pixels] = []
        self.asked: list[Pixels] = []
        self.donors: list[tuple[int, int, tuple[int, ...]]] = []

    def style(self, sample: Sample) -> Tensor:
        (index,) = (index for index, other in enumerate(self.samples) if other is sample)
        return torch.tensor([[index]])

    def whole(self, labels: Pixels, style: Tensor) -> Pixels:
        assert self.rule is not None
        return self.rule(labels, self.samples[int(style)])

    def composed(self, source: Pixels, labels: Pixels, style: Tensor, region: Pixels) -> Pixels:
        """Return the picture itself, which makes the stand-in perfect where it is asked for what was there."""
        self.regions.append(region)
        self.asked.append(labels)
        return source.copy()

    def restyle(self, style: Tensor, donor: Tensor, ids: Sequence[int]) -> Tensor:
        self.donors.append((int(style), int(donor), tuple(ids)))
        return style


class Painter(StandIn):
    """Paints every class in the colour it has on masks, so that `seen` can read it."""

    def composed(self, source: Pixels, labels: Pixels, style: Tensor, region: Pixels) -> Pixels:
        return np.where(region[..., None] > 0, palette()[labels], source)


def seen(_parser: object, pixels: Pixels) -> Pixels:
    """Read a painted mask: what a perfect parser would do."""
    apart = abs(pixels[..., None, :].astype(int) - palette()).sum(axis=-1)
    return apart.argmin(axis=-1).astype(np.uint8)


def portraits(count: int = 3, noisy: bool = True) -> list[Sample]:
    masks = [made_mask(SIDE, glasses=index == 0) for index in range(count)]
    return [
        Sample(f"face_{index}", made_pixels(labels, index) if noisy else palette()[labels], labels)
        for index, labels in enumerate(masks)
    ]


def dyed(hair: tuple[int, int, int], skin: tuple[int, int, int], labels: Pixels | None = None) -> Sample:
    """Make a portrait of even colours."""
    labels = made_mask(SIDE) if labels is None else labels
    pixels = np.full((SIDE, SIDE, 3), 90, np.uint8)
    pixels[labels == HAIR], pixels[labels == SKIN] = hair, skin
    return Sample("dyed", pixels, labels)


def colours_of(sample: Sample, labels: Pixels) -> Pixels:
    """Give labels the colours that their classes have in a portrait."""
    table = np.full((LABEL_COUNT, 3), 90, np.uint8)
    for label in np.unique(sample.labels):
        table[label] = sample.pixels[sample.labels == label][0]
    return table[labels]


@pytest.fixture
def parser() -> FaceParser:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return FaceParser(SMOKE_PARSER).eval()


# Labels


def test_a_perfect_painter_gets_every_label_right(monkeypatch: pytest.MonkeyPatch, parser: FaceParser) -> None:
    monkeypatch.setattr(evaluate, "parse", seen)
    samples = portraits(noisy=False)
    found = label_accuracy(Painter(samples, lambda labels, _: palette()[labels]), parser, samples, quiet=True)
    assert found.pop("largest_change_outside_edits") == 0
    assert list(found) == ["whole", "copied", "composed", "photographs"]
    for scores in found.values():
        assert scores["pixel_accuracy"] == scores["mean_iou"] == 1
        assert set(scores["iou"].values()) == {1.0}


def test_a_painter_that_forgets_the_hair_loses_just_that(monkeypatch: pytest.MonkeyPatch, parser: FaceParser) -> None:
    monkeypatch.setattr(evaluate, "parse", seen)
    samples = portraits(noisy=False)
    bald = Painter(samples, lambda labels, _: palette()[np.where(labels == HAIR, 0, labels)])
    found = label_accuracy(bald, parser, samples, quiet=True)
    share = np.mean([(sample.labels == HAIR).mean() for sample in samples])
    assert found["whole"]["pixel_accuracy"] == pytest.approx(1 - share, abs=1e-4)
    assert found["whole"]["iou"]["hair"] == 0
    assert found["whole"]["iou"]["skin"] == 1
    assert found["composed"]["pixel_accuracy"] == found["photographs"]["pixel_accuracy"] == 1


def test_shapes_that_come_along_with_a_style_are_found_out(monkeypatch: pytest.MonkeyPatch, parser: FaceParser) -> None:
    # Right with a portrait's own style, wrong with another's: the first portrait alone wears glasses.
    monkeypatch.setattr(evaluate, "parse", seen)
    samples = portraits(noisy=False)
    found = label_accuracy(Painter(samples, lambda _, owner: palette()[owner.labels]), parser, samples, quiet=True)
    assert found["whole"]["pixel_accuracy"] == 1
    assert found["copied"]["pixel_accuracy"] < 1
    assert found["copied"]["iou"]["eye_g"] == 0


def test_a_change_outside_the_edit_is_told(monkeypatch: pytest.MonkeyPatch, parser: FaceParser) -> None:
    monkeypatch.setattr(evaluate, "parse", seen)
    samples = portraits(noisy=False)

    class Careless(Painter):
        def composed(self, source: Pixels, labels: Pixels, style: Tensor, region: Pixels) -> Pixels:
            composed = super().composed(source, labels, style, region).astype(int)
            row, column = np.argwhere(region == 0)[0]
            composed[row, column, 1] += 7 if int(style) == 1 else -3  # from 0, as is the background's
            composed[region > 0] = 255 - composed[region > 0]
            return composed.clip(0, 255).astype(np.uint8)

    careless = Careless(samples, lambda labels, _: palette()[labels])
    assert label_accuracy(careless, parser, samples, quiet=True)["largest_change_outside_edits"] == 7


def test_a_parser_s_labels_are_its_strongest_classes(parser: FaceParser) -> None:
    pixels = portraits()[0].pixels
    with torch.inference_mode():
        logits = parser(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 127.5 - 1)
    labels = evaluate.parse(parser, pixels)
    assert labels.dtype == np.uint8
    assert labels.shape == (SIDE, SIDE)
    np.testing.assert_array_equal(labels, logits[0].argmax(dim=0).numpy())


# Blanked regions


def test_a_perfect_model_beats_both_baselines() -> None:
    samples = portraits()
    model = StandIn(samples)
    found = reconstruction(model, samples, each=2, quiet=True)
    assert found["regions"] == len(model.regions) == 6
    assert found["model"] == {"l1": 0, "psnr": 78.1308, "ssim": 1}
    for name in ("telea", "class_means"):
        assert found[name]["l1"] > 3
        assert found[name]["psnr"] < 40
        assert found[name]["ssim"] < 0.95


@pytest.mark.parametrize("baseline", ["telea", "class_means"])
def test_a_model_that_does_what_a_baseline_does_gets_its_errors(baseline: str) -> None:
    samples = portraits()

    class Imitator(StandIn):
        def composed(self, source: Pixels, labels: Pixels, style: Tensor, region: Pixels) -> Pixels:
            return telea(source, region) if baseline == "telea" else class_means(source, labels, region)

    found = reconstruction(Imitator(samples), samples, each=1, quiet=True)
    assert found["model"] == found[baseline]
    assert found["telea"] != found["class_means"]


def test_every_turn_blanks_another_region_and_asks_for_the_portrait_s_own_labels() -> None:
    samples = portraits()
    model = StandIn(samples)
    reconstruction(model, samples, each=4, quiet=True)
    assert all(region.any() for region in model.regions)
    assert len({region.tobytes() for region in model.regions}) > 6
    for index, asked in enumerate(model.asked):
        np.testing.assert_array_equal(asked, samples[index // 4].labels)


def test_edited_regions_are_where_labels_changed_and_never_empty() -> None:
    (sample,) = portraits(1)
    before = sample.labels.copy()
    for seed in range(60):
        labels, region = evaluate._edited(sample, seed)
        assert region.dtype == np.uint8
        assert set(np.unique(region)) <= {0, 1}
        assert region.any()
        assert (region[labels != sample.labels] == 1).all()
        # And no farther away than it is grown.
        near = cv2.dilate((labels != sample.labels).astype(np.uint8), np.ones((3, 3), np.uint8))
        assert (near[region == 1] == 1).all()
    np.testing.assert_array_equal(sample.labels, before)


def test_labels_that_no_edit_changes_are_blanked_in_the_middle() -> None:
    plain = Sample("plain", np.zeros((32, 32, 3), np.uint8), np.full((32, 32), SKIN, np.uint8))
    labels, region = evaluate._edited(plain, 0)
    np.testing.assert_array_equal(labels, plain.labels)
    assert region[16, 16] == 1 and 0 < region.mean() < 0.5


# Style copy

BLACK, BLOND, PALE, TANNED = (20, 20, 20), (220, 190, 120), (230, 200, 190), (140, 90, 60)


@pytest.mark.parametrize(("owner", "share"), [("exemplar", 1), ("target", 0)])
def test_the_share_of_the_way_of_known_copies(owner: str, share: float) -> None:
    samples = [dyed(BLACK, PALE), dyed(BLOND, TANNED)]

    def rule(labels: Pixels, exemplar: Sample) -> Pixels:
        (target,) = (sample for sample in samples if sample is not exemplar)
        return colours_of(exemplar if owner == "exemplar" else target, labels)

    found = style_copy(StandIn(samples, rule), samples, 5, quiet=True)
    for row in found.values():
        assert row["pairs"] == row["pairs_far_apart"] == 5
        assert row["share_of_the_way"] == pytest.approx(share, abs=1e-4)
    assert (found["hair"]["lab_distance_left"] < 0.01) == (owner == "exemplar")
    assert (found["skin"]["lab_distance_left"] > 20) == (owner == "target")


def test_half_the_way_in_lightness_is_half_the_share() -> None:
    # Greys, of which the lightness alone differs: 119 is half as light as white to the eye.
    samples = [dyed((0, 0, 0), PALE), dyed((255, 255, 255), PALE)]
    model = StandIn(samples, lambda labels, _: np.where(labels[..., None] == HAIR, 119, PALE).astype(np.uint8))
    found = style_copy(model, samples, 4, quiet=True)
    assert found["hair"]["share_of_the_way"] == pytest.approx(0.5, abs=0.01)
    assert found["hair"]["lab_distance_left"] == pytest.approx(50, abs=0.5)
    assert found["skin"]["share_of_the_way"] is None, "the way is too short to ask"
    assert found["skin"]["pairs"] == 4
    assert found["skin"]["lab_distance_left"] == pytest.approx(0, abs=0.01)


def test_a_step_away_from_the_exemplar_counts_against() -> None:
    samples = [dyed((110, 110, 110), PALE), dyed((140, 140, 140), PALE)]

    def rule(labels: Pixels, exemplar: Sample) -> Pixels:
        # The exemplar's lighter hair is answered with darker hair, and the other way round.
        return np.full((*labels.shape, 3), 80 if exemplar is samples[1] else 170, np.uint8)

    assert style_copy(StandIn(samples, rule), samples, 4, quiet=True)["hair"]["share_of_the_way"] < -0.5


def test_a_class_that_one_of_a_pair_lacks_is_not_asked_for() -> None:
    bald = made_mask(SIDE)
    bald[bald == HAIR] = 0
    samples = [dyed(BLACK, PALE, bald), dyed(BLOND, TANNED)]
    found = style_copy(StandIn(samples, lambda labels, owner: colours_of(owner, labels)), samples, 3, quiet=True)
    assert found["hair"] == {
        "pairs": 0, "pairs_far_apart": 0, "share_of_the_way": None, "lab_distance_left": None,
    }  # fmt: skip
    assert found["skin"]["pairs"] == 3


# Neighbours


def test_a_recited_portrait_is_found(tmp_path: Path, parser: FaceParser) -> None:
    make_data(tmp_path / "data", 6, SIDE)
    training, held_out = (PortraitDataset(tmp_path / "data", split, SIDE) for split in ("train", "val"))
    recited = training[2].pixels
    fresh = 255 - held_out[0].pixels
    found = recital([recited, fresh], list(held_out.samples), training, parser, tmp_path)
    for row in found["distances"].values():
        assert row["renders_least"] < 0.1 * row["renders_mean"]
        assert row["renders_least"] < row["photographs_mean"]
    with Image.open(tmp_path / found["sheet"]) as file:
        sheet = np.asarray(file.convert("RGB")).astype(int)
    assert sheet.shape == (96, 12 * 96, 3)
    render, by_thumbnail, by_features = (sheet[:, start : start + 96] for start in (0, 96, 192))
    for neighbour in (by_thumbnail, by_features):
        assert abs(render - neighbour).mean() < 2, "the training portrait stands beside it"
    assert abs(sheet[:, 288:384] - sheet[:, 384:480]).mean() > 30


# Sheets of edits


def test_edits_are_shown_on_the_faces_that_they_suit(tmp_path: Path) -> None:
    speaking = made_mask(SIDE)
    speaking[44:47, 28:36] = MOUTH
    bald = made_mask(SIDE)
    bald[bald == HAIR] = 0
    samples = [*portraits(2), dyed(BLACK, PALE, speaking), dyed(BLOND, TANNED, bald)]  # the first wears glasses
    model = StandIn(samples)
    assert edit_sheets(model, samples, tmp_path, quiet=True) == [
        "glasses_added.jpg", "hair_lengthened.jpg", "smile_opened.jpg", "hair_recoloured.jpg",
    ]  # fmt: skip
    asked, regions = iter(model.asked), iter(model.regions)
    for face in (1, 2, 3):
        labels, region = next(asked), next(regions)
        assert (labels == EYE_G).sum() > 20
        assert (region[labels != samples[face].labels] == 1).all()
        assert region.mean() < 0.5
    for face in (0, 1, 2):
        labels = next(asked)
        assert (labels == HAIR).sum() > (samples[face].labels == HAIR).sum()
        assert next(regions).any()
    for face in (0, 1, 3):
        labels = next(asked)
        assert (labels == MOUTH).any()
        assert (samples[face].labels[labels == MOUTH] == U_LIP).all()
        assert next(regions).any()
    for face in (0, 1, 2):
        np.testing.assert_array_equal(next(asked), samples[face].labels)
        assert (next(regions)[samples[face].labels == HAIR] == 1).all()
    # Hair takes the look of the hair that differs most: black and the made-up portraits' blue.
    assert [(donor, ids) for _, donor, ids in model.donors[:2]] == [(2, (HAIR,))] * 2
    assert model.donors[2][1] in (0, 1)
    assert next(asked, None) is None


def test_a_sheet_shows_ten_faces_at_most_and_none_if_none_is_suited(tmp_path: Path) -> None:
    bald = made_mask(SIDE, glasses=True)
    bald[bald == HAIR] = 0
    samples = [dyed(BLACK, PALE, bald) for _ in range(23)]
    assert edit_sheets(StandIn(samples), samples, tmp_path, quiet=True) == ["smile_opened.jpg"]
    assert [path.name for path in tmp_path.iterdir()] == ["smile_opened.jpg"]
    with Image.open(tmp_path / "smile_opened.jpg") as sheet:
        assert sheet.size == (6 * SIDE, 5 * SIDE)


# Grids


def test_a_grid_is_filled_by_rows_and_padded_with_white(tmp_path: Path) -> None:
    values = (0, 40, 80, 120, 160)
    tiles = [np.full((16, 24, 3), (value, value, 30), np.uint8) for value in values]
    assert grid(tiles, 3, tmp_path / "grid.jpg") == "grid.jpg"
    with Image.open(tmp_path / "grid.jpg") as file:
        assert file.format == "JPEG"
        sheet = np.asarray(file)
    assert sheet.shape == (2 * 16, 3 * 24, 3)
    found = [sheet[row : row + 16, column : column + 24] for row in (0, 16) for column in (0, 24, 48)]
    for tile, value in zip(found, values, strict=False):
        np.testing.assert_allclose(tile[4:12, 6:18].mean(axis=(0, 1)), (value, value, 30), atol=6)
    assert found[5][4:12, 6:18].min() > 245
    assert len(tiles) == 5, "the list that was given stays as it was"


def test_tiles_can_be_shown_at_another_size(tmp_path: Path) -> None:
    grid([np.zeros((64, 64, 3), np.uint8)] * 2, 2, tmp_path / "grid.jpg", 20)
    with Image.open(tmp_path / "grid.jpg") as sheet:
        assert sheet.size == (40, 20)


def test_a_grid_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "grid.jpg").mkdir()
    with pytest.raises(OSError, match=r"grid\.jpg"):
        grid([np.zeros((8, 8, 3), np.uint8)], 1, tmp_path / "grid.jpg")
