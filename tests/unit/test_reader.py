"""Portraits of faces in photos: how they are read, and how an edit of one comes back into its photo."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from engine import reader as reader_module
from engine.align import TYPICAL, alignment_of, cut_out, whole_frame
from engine.compose import reach_of
from engine.files import save_mask, save_picture, working_size
from engine.locate import Candidate
from engine.photo import Photo, photo_of, read_photo
from engine.reader import PhotoReader, read_portrait, with_mask
from engine.session import Session
from engine.types import Alignment, CancelledError, ImageError, MaskError, ModelError, Pixels, Portrait, RenderRequest
from resources.labels import BY_NAME
from tests.fakes import FakeGenerator, FakeLocator, FakeParser, check_error, draw_face, make_face_labels, make_portrait

HAT, HAIR = BY_NAME["hat"].id, BY_NAME["hair"].id

POINTS = TYPICAL @ np.array([[1, 0.2], [-0.2, 1]]) * 240 + (130, 10)


def photo_with_a_face(shape: tuple[int, int] = (340, 480)) -> Photo:
    pixels = np.full((*shape, 3), 120, np.uint8)
    draw_face(pixels, POINTS)
    return photo_of(Image.fromarray(pixels), "somebody")


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Fakes in the networks' place; the list tells what was loaded, and how."""
    loaded: list[tuple] = []

    def load_parser(weights, device, progress):
        loaded.append(("parser", weights, device, FakeParser(64)))
        progress("parser")
        return loaded[-1][-1]

    def load_locator(weights, device, progress):
        loaded.append(("locator", weights, device, FakeLocator(Candidate(POINTS + 5, 0.9))))
        progress("locator")
        return loaded[-1][-1]

    monkeypatch.setattr(reader_module, "load_parser", load_parser)
    monkeypatch.setattr(reader_module, "load_locator", load_locator)
    return loaded


# A picture with its mask


def test_a_picture_is_read_with_the_mask_beside_it(tmp_path: Path) -> None:
    made = make_portrait((90, 60), mask_size=working_size(90, 60))
    save_picture(tmp_path / "ann.png", made.pixels)
    save_mask(tmp_path / "ann_mask.png", made.labels)
    shutil.copy(tmp_path / "ann_mask.png", tmp_path / "other.png")
    for portrait in (
        read_portrait(tmp_path / "ann.png"),
        read_portrait(tmp_path / "ann.png", tmp_path / "other.png"),
        with_mask(read_photo(tmp_path / "ann.png"), tmp_path / "other.png"),
    ):
        assert portrait.digest == made.digest and portrait.name == "ann" and portrait.alignment is None
        assert portrait.photo is not None and portrait.base is portrait.photo.pixels


def test_a_missing_mask_or_picture_is_an_error(tmp_path: Path) -> None:
    save_picture(tmp_path / "ann.png", make_portrait(64).pixels)
    with pytest.raises(MaskError) as mask_error:
        read_portrait(tmp_path / "ann.png")
    check_error(mask_error, "ann.png", "ann_mask.png")
    with pytest.raises(MaskError) as mask_error:
        with_mask(read_photo(tmp_path / "ann.png"), tmp_path / "none.png")
    check_error(mask_error, "none.png")
    with pytest.raises(ImageError) as error:
        read_portrait(tmp_path / "bob.png")
    check_error(error, "bob.png")


# Finding and labelling


def test_networks_are_loaded_once_and_not_before_they_are_needed(networks: list[tuple], tmp_path: Path) -> None:
    reader = PhotoReader(tmp_path / "own.onnx", "cpu")
    assert networks == []
    told: list[str] = []
    photo = photo_with_a_face()
    (face,) = reader.faces(photo, told.append)
    assert [one[:3] for one in networks] == [("parser", tmp_path / "own.onnx", "cpu"), ("locator", None, "cpu")]
    assert told == ["parser", "locator", "Looking for faces…"]
    reader.faces(photo)
    reader.portrait(photo, face.alignment, told.append)
    assert reader.parser() is networks[0][-1] and len(networks) == 2
    assert told[3:] == ["Labelling the face…"]


def test_a_face_becomes_a_portrait(networks: list[tuple]) -> None:
    photo, reader = photo_with_a_face(), PhotoReader()
    (face,) = reader.faces(photo)
    assert np.abs(face.points - POINTS).max() < 3
    portrait = reader.portrait(photo, face.alignment)
    assert (portrait.name, portrait.photo, portrait.alignment) == ("somebody", photo, face.alignment)
    # A small face gets the smallest mask.
    assert portrait.labels.shape == portrait.pixels.shape[:2] == (512, 512)
    assert np.array_equal(portrait.pixels, cut_out(photo.pixels, face.alignment, 512))
    # The face was drawn by its points, which lie where they belong only in about the same crop.
    expected = make_face_labels(512)
    assert (portrait.labels == expected).mean() > 0.93
    assert portrait.base is photo.pixels and not portrait.labels.flags.writeable


@pytest.mark.parametrize(("side", "size"), [(100, 512), (700, 700), (2500, 1024)])
def test_a_portrait_has_the_photos_resolution_within_limits(networks: list[tuple], side: int, size: int) -> None:
    photo = photo_of(Image.new("RGB", (300, 200), (120, 120, 120)), "plain")
    portrait = PhotoReader().portrait(photo, Alignment((150.0, 100.0), (side / 2, 0.0)))
    assert portrait.labels.shape == (size, size)


def test_a_crop_outside_the_photo_is_an_error(networks: list[tuple]) -> None:
    with pytest.raises(ImageError) as error:
        PhotoReader().portrait(photo_with_a_face(), Alignment((-900.0, 50.0), (60.0, 0.0)))
    check_error(error, "outside")


def test_what_is_cancelled_ends(networks: list[tuple]) -> None:
    photo, reader = photo_with_a_face(), PhotoReader()
    with pytest.raises(CancelledError):
        reader.faces(photo, cancelled=lambda: True)
    with pytest.raises(CancelledError):
        reader.portrait(photo, alignment_of(POINTS), cancelled=lambda: True)
    assert len(reader.faces(photo)) == 1


def test_another_parser_takes_the_place_of_the_first(
    networks: list[tuple], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = PhotoReader(None, "cpu")
    first = reader.parser()
    second = reader.use_parser(tmp_path / "other.pth")
    assert reader.parser() is second is not first
    assert isinstance(first, FakeParser) and isinstance(second, FakeParser)
    assert (first.closed, second.closed) == (1, 0)
    assert networks[1][1:3] == (tmp_path / "other.pth", "cpu")

    def fail(weights, device, progress):
        raise ModelError("It is damaged.", "Choose another one.")

    with monkeypatch.context() as patch:
        patch.setattr(reader_module, "load_parser", fail)
        with pytest.raises(ModelError, match="damaged"):
            reader.use_parser(tmp_path / "broken.pth")
    assert reader.parser() is second and second.closed == 0
    # After closing, the one chosen last is loaded again.
    reader.close()
    assert second.closed == 1
    reader.parser()
    assert networks[-1][1] == tmp_path / "other.pth"


def test_closing_frees_what_was_loaded(networks: list[tuple]) -> None:
    PhotoReader().close()
    reader = PhotoReader()
    reader.faces(photo_with_a_face())
    reader.close()
    reader.close()
    assert [one[-1].closed for one in networks] == [1, 1]
    assert len(reader.faces(photo_with_a_face())) == 1 and len(networks) == 4


# Back into the photo


def aligned(alignment: Alignment, shape: tuple[int, int] = (150, 200), size: int = 96) -> Portrait:
    """A crop of a photo of noise, with a face's mask."""
    pixels = np.random.default_rng(1).integers(60, 160, (*shape, 3), np.uint8)
    photo = photo_of(Image.fromarray(cv2.GaussianBlur(pixels, (0, 0), 1)), "noise")
    return Portrait(cut_out(photo.pixels, alignment, size), make_face_labels(size), "noise", photo, alignment)


def opened(portrait: Portrait, **options) -> Session:
    session = Session(FakeGenerator(size=portrait.labels.shape[0], **options))
    session.open(portrait)
    return session


def shown(session: Session, **options) -> Pixels:
    image = session.render(RenderRequest(0, 0, **options)).image
    assert image is not None
    return image


def distance_in(portrait: Portrait, mine: NDArray[np.bool_], height: int, width: int) -> NDArray[np.float32]:
    """Return how far, in mask pixels, each pixel of the photo is from some of the mask's; infinite beyond the crop."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    matrix = np.vstack([portrait.to_picture(height, width), [0, 0, 1]])
    x, y, _ = np.linalg.inv(matrix) @ np.stack([columns.ravel(), rows.ravel(), np.ones(rows.size)])
    away = cv2.distanceTransform((~mine).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    size = len(mine)
    found = away[np.clip(np.floor(y), 0, size - 1).astype(int), np.clip(np.floor(x), 0, size - 1).astype(int)]
    found[(np.minimum(x, y) < -0.3) | (np.maximum(x, y) > size + 0.3)] = np.inf
    return np.asarray(found.reshape(height, width), np.float32)


ALIGNMENTS = st.builds(
    lambda x, y, side, across, down: Alignment((x, y), (side * across, side * down)),
    st.floats(20, 180),
    st.floats(20, 130),
    st.floats(20, 90),
    st.floats(0.4, 1),
    st.floats(-1, 1),
)


@settings(max_examples=25)
@given(ALIGNMENTS, st.integers(0, 90), st.integers(0, 90), st.integers(2, 30))
def test_an_edit_of_a_crop_changes_only_what_is_near_it_in_the_photo(alignment, x: int, y: int, length: int) -> None:
    portrait = aligned(alignment)
    labels = portrait.labels.copy()
    labels[y : y + length, x : x + length] = HAT
    session, photo = opened(portrait), portrait.base
    near = distance_in(portrait, labels != portrait.labels, *photo.shape[:2]) < reach_of(labels) + 3
    request = RenderRequest(0, 0, labels)
    patch, exported = session.patch(request), session.export(request)
    assert np.array_equal(exported[~near], photo[~near])
    assert exported.shape == photo.shape and not photo.flags.writeable
    overview = shown(session, labels=labels, whole=True)
    # The photo is no larger than its overview: they show the same.
    assert np.array_equal(overview, exported)
    if patch is not None:
        assert near[patch.region.slices][patch.alpha > 0].all()
    assert shown(session, labels=labels).shape == portrait.view.shape


def test_an_edit_in_the_middle_is_seen_in_the_crop_the_photo_and_the_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.types.OVERVIEW_SIDE", 100)
    portrait = aligned(Alignment((100.0, 75.0), (55.0, 20.0)))
    labels = portrait.labels.copy()
    labels[30:60, 30:60] = HAT
    session = opened(portrait)
    mine = cv2.erode((labels == HAT).astype(np.uint8), np.ones((9, 9))) > 0
    exported, overview = session.export(RenderRequest(0, 0, labels)), shown(session, labels=labels, whole=True)
    assert overview.shape == (75, 100, 3)
    crop = shown(session, labels=labels)
    # The network paints hats pink.
    colour = crop[mine].mean(axis=0)
    assert np.abs(colour - portrait.view[mine].mean(axis=0)).max() > 40
    for picture in (exported, overview):
        inside = distance_in(portrait, mine, *picture.shape[:2]) == 0
        assert inside.sum() > 20
        assert np.abs(picture[inside].mean(axis=0) - colour).max() < 12


def test_without_an_edit_all_stays_what_it_is() -> None:
    portrait = aligned(Alignment((60.0, 70.0), (80.0, 10.0)))
    session, labels = opened(portrait), portrait.labels.copy()
    assert session.patch(RenderRequest(0, 0, labels)) is None
    assert session.export(RenderRequest(0, 0, labels)) is portrait.base
    assert shown(session, labels=labels) is portrait.view
    assert shown(session, labels=labels, whole=True) is portrait.overview
    assert isinstance(session.generator, FakeGenerator) and session.generator.decoded == 0


def test_an_edit_outside_the_photo_changes_nothing_of_it() -> None:
    # Its left half lies outside.
    portrait = aligned(Alignment((0.0, 75.0), (50.0, 0.0)))
    labels = portrait.labels.copy()
    labels[40:50, 10:20] = HAT
    session = opened(portrait)
    assert session.patch(RenderRequest(0, 0, labels)) is None
    assert session.export(RenderRequest(0, 0, labels)) is portrait.base
    assert not np.array_equal(shown(session, labels=labels), portrait.view)


def test_an_edit_at_the_crops_border_ends_softly_inside_the_photo() -> None:
    portrait = aligned(Alignment((40.0, 75.0), (60.0, 0.0)), size=192)
    labels = portrait.labels.copy()
    labels[80:110] = HAT
    patch = opened(portrait).patch(RenderRequest(0, 0, labels))
    assert patch is not None and patch.region.x0 == 0
    # From the photo's own border to that of the crop.
    row = patch.alpha[75 - patch.region.y0]
    assert (row[:90] == 1).all() and (np.diff(row[94:]) <= 0).all() and row[98] < 0.6 and row[99] < 0.3


def test_another_look_covers_the_crop_and_fades_where_it_ends_in_the_photo() -> None:
    portrait, exemplar = aligned(Alignment((40.0, 75.0), (60.0, 0.0))), make_portrait(96, seed=3)
    session = opened(portrait)
    request = RenderRequest(0, 0, portrait.labels, exemplar)
    patch, exported = session.patch(request), session.export(request)
    assert patch is not None
    change = np.abs(exported.astype(float) - portrait.base).mean(axis=2)
    assert (change[:, 101:] == 0).all() and (change[:14] == 0).all() and (change[136:] == 0).all()
    # Softly on the right, at full strength where the photo ends.
    alpha = patch.alpha[:, : 100 - patch.region.x0]
    assert (alpha[30:90, :90] == 1).all() and (alpha[30:90, -1] < 0.3).all()
    # The colours of the crop are not brought back to what they were.
    raw = session.render(RenderRequest(0, 0, portrait.labels, exemplar, composite=False)).image
    assert raw is not None
    crop = shown(session, labels=portrait.labels, exemplar=exemplar)
    middle = np.s_[20:76, 20:76]
    assert np.abs(cv2.blur(crop, (5, 5))[middle].astype(float) - cv2.blur(raw, (5, 5))[middle]).mean() < 3
    assert np.abs(crop[middle].astype(float) - portrait.view[middle]).mean() > 20


def test_a_crop_that_is_the_photo_is_restyled_to_its_very_border() -> None:
    portrait = aligned(whole_frame(150, 150), (150, 150), 48)
    patch = opened(portrait).patch(RenderRequest(0, 0, portrait.labels, make_portrait(48, seed=3)))
    assert patch is not None and patch.alpha.shape == (150, 150) and (patch.alpha == 1).all()


def test_another_look_of_classes_changes_only_what_is_near_them_in_the_photo() -> None:
    portrait, exemplar = aligned(Alignment((100.0, 75.0), (60.0, -25.0))), make_portrait(96, seed=3)
    session = opened(portrait, class_values=3)
    exported = session.export(RenderRequest(0, 0, portrait.labels, exemplar, classes=(HAIR,)))
    distance = distance_in(portrait, portrait.labels == HAIR, *portrait.base.shape[:2])
    near = distance < max(2, reach_of(portrait.labels) // 3) + 3
    assert np.array_equal(exported[~near], portrait.base[~near])
    core = cv2.erode((distance == 0).astype(np.uint8), np.ones((5, 5))) > 0
    change = exported[core].astype(float) - portrait.base[core]
    assert core.sum() > 500 and np.abs(change.mean(axis=0)).max() > 10
