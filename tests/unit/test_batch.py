"""Many photos at once: what is found, what is written, and that no photo is in another's way."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import batch
from app.batch import Job
from app.cli import collect, named
from engine.align import cut_out
from engine.files import read_mask, read_picture, save_mask, working_size
from engine.operations import Recolour, Remove
from engine.photo import Photo
from engine.types import Alignment, Portrait
from resources.labels import palette
from tests.batch_fakes import CLOTH, HAIR, HAT, FakeReader, FragileReader, apply_job, outputs, parse_job, photo, run_one
from tests.fakes import make_labels, make_portrait

# What is written


def test_parse_writes_mask_colours_overlay_and_crop(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_one(parse_job(folder), photo(folder / "in" / "a.jpg")) == 0
    assert list(outputs(folder)) == ["a_colours.png", "a_crop.png", "a_mask.png", "a_overlay.png"]
    crop, overlay = read_picture(folder / "out" / "a_crop.png"), read_picture(folder / "out" / "a_overlay.png")
    labels = read_mask(folder / "out" / "a_mask.png", *crop.shape[:2])
    assert np.array_equal(labels, make_labels(512, 512)) and crop.shape == (512, 512, 3)
    assert np.array_equal(read_picture(folder / "out" / "a_colours.png"), palette()[labels])
    assert np.array_equal(overlay[labels == 0], crop[labels == 0])
    middle = (crop.astype(int) + palette()[labels]) / 2
    assert np.abs(overlay - middle)[labels > 0].max() <= 1
    assert capsys.readouterr() == ("1 photo: 1 parsed\n", "")


def test_parse_numbers_several_faces(folder: Path) -> None:
    wide, single = photo(folder / "in" / "w.png", (64, 130)), photo(folder / "in" / "s.png")
    assert run_one(parse_job(folder, every_face=True), wide, single) == 0
    names = [name for name in outputs(folder) if name.endswith("_mask.png")]
    assert names == ["s_mask.png", "w_1_mask.png", "w_2_mask.png"]


def test_whole_masks_fit_the_photo(folder: Path) -> None:
    path = photo(folder / "in" / "w.png", (64, 130))
    assert run_one(parse_job(folder, whole=True), path) == 0
    assert list(outputs(folder)) == ["w_colours.png", "w_mask.png", "w_overlay.png"]
    mask = np.asarray(Image.open(folder / "out" / "w_mask.png"))
    assert mask.shape == (64, 130) and not mask[:, 66:].any()
    assert (mask[:, :64] == make_labels(64, 64)).mean() > 0.93
    assert read_mask(folder / "out" / "w_mask.png", 64, 130).shape == working_size(64, 130)


def test_whole_masks_follow_a_turned_crop() -> None:
    pixels = make_portrait((200, 300)).pixels
    source = Photo(Image.fromarray(pixels), pixels, "a", "PNG")
    place = Alignment((150.0, 100.0), (30.0, 40.0))
    labels = np.zeros((512, 512), np.uint8)
    labels[256:, 256:] = HAIR
    mask = batch.in_photo(Portrait(cut_out(pixels, place, 512), labels, "a", source, place))
    # The crop's right lies along (3, 4) / 5, so its lower right quarter is around the photo's (140, 135).
    assert mask.shape == (200, 300) and mask[135, 140] == HAIR
    assert not mask[65, 160] and not mask[110, 175] and not mask[10, 10]
    assert abs(int((mask == HAIR).sum()) - 50 * 50) < 60


def test_apply_edits_in_the_photos_own_format(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exif = Image.Exif()
    exif[0x010E] = "hello"
    paths = [photo(folder / "in" / "a.JPG", exif=exif), photo(folder / "in" / "b.gif"), photo(folder / "in" / "c.webp")]
    assert run_one(apply_job(folder, masks=True), *paths) == 0
    names = ["a_edited.jpg", "a_edited_crop_mask.png", "b_edited.png", "b_edited_crop_mask.png", "c_edited.webp"]
    assert list(outputs(folder)) == [*names, "c_edited_crop_mask.png"]
    with Image.open(folder / "out" / "a_edited.jpg") as image:
        assert image.getexif()[0x010E] == "hello"
    mask = read_mask(folder / "out" / "a_edited_crop_mask.png", 512, 512)
    assert HAIR not in mask and HAT in mask
    assert (read_picture(folder / "out" / "b_edited.png") != read_picture(paths[1])).any()
    assert capsys.readouterr().out == "3 photos: 3 edited\n"


def test_apply_writes_the_format_asked_for(folder: Path) -> None:
    path = photo(folder / "in" / "a.jpg", (80, 80))
    assert run_one(apply_job(folder, suffix=".tif"), path) == 0
    assert run_one(apply_job(folder, suffix=".webp", quality=5), path) == 0
    assert run_one(apply_job(folder, suffix=".jpg", quality=95), path) == 0
    files = outputs(folder)
    assert list(files) == ["a_edited.jpg", "a_edited.tif", "a_edited.webp"]
    assert len(files["a_edited.webp"]) < len(files["a_edited.jpg"]) / 4


def test_the_edits_of_all_faces_are_kept(folder: Path) -> None:
    path = photo(folder / "in" / "w.png", (64, 130))
    assert run_one(apply_job(folder, every_face=True), path) == 0
    before, after = read_picture(path), read_picture(folder / "out" / "w_edited.png")
    different = (before != after).any(axis=2)
    assert different[:, :64].sum() > 300 and different[:, 64:128].sum() > 300
    assert not different[:, 129:].any()
    (folder / "out" / "w_edited.png").unlink()
    assert run_one(apply_job(folder), path) == 0
    assert not (read_picture(folder / "out" / "w_edited.png") != before)[:, 66:].any()


def test_a_later_face_without_change_keeps_the_earlier_edit_and_its_mark(folder: Path) -> None:
    class Second(FakeReader):
        def portrait(self, photo: Photo, alignment: Alignment, progress: Any = None, cancelled: Any = None) -> Portrait:
            portrait = super().portrait(photo, alignment)
            if alignment.centre[0] > 64:
                return replace(portrait, labels=np.zeros_like(portrait.labels))
            return portrait

    path = photo(folder / "in" / "w.png", (64, 128))
    assert run_one(apply_job(folder, every_face=True, reader=Second), path) == 0
    assert (read_picture(path) != read_picture(folder / "out" / "w_edited.png")).any()
    with Image.open(folder / "out" / "w_edited.png") as image:
        assert image.info.get("Comment")


def test_an_edit_without_effect_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(folder / "in" / "a.png")
    assert run_one(apply_job(folder, operations=(Remove(HAT),)), path) == 0
    assert np.array_equal(read_picture(folder / "out" / "a_edited.png"), read_picture(path))
    assert f"{path}: The edit changes nothing in it." in capsys.readouterr().err


def test_the_exemplar_gives_its_look_to_classes(folder: Path) -> None:
    path = photo(folder / "in" / "a.png", (64, 64))
    exemplar = photo(folder / "red.png", (64, 64), seed=9)
    assert run_one(apply_job(folder, operations=(Recolour(exemplar, (CLOTH,)),)), path) == 0
    different = (read_picture(path) != read_picture(folder / "out" / "a_edited.png")).any(axis=2)
    assert different[58:, 20:44].mean() > 0.5 and not different[:40].any()
    # A mask beside the exemplar takes the place of a search.
    plain = photo(folder / "plain.png", (64, 64))
    Image.new("RGB", (64, 64), "grey").save(plain)
    job = apply_job(folder, operations=(Recolour(plain, (CLOTH,)),), overwrite=True)
    with pytest.raises(batch.ImageError, match="no face was found"):
        run_one(job, path)
    save_mask(folder / "plain_mask.png", make_labels(64, 64))
    assert run_one(job, path) == 0


# What is wrong with one photo does not stop the others


def spoil(folder: Path) -> list[Path]:
    good = photo(folder / "good.png")
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.jpg").touch()
    (folder / "cut.png").write_bytes(good.read_bytes()[:60])
    (folder / "folder.png").mkdir()
    Image.new("RGB", (64, 64)).save(folder / "plain.png")
    names = ("text.jpg", "empty.jpg", "cut.png", "folder.png", "plain.png", "missing.png")
    return [folder / name for name in names] + [photo(folder / f"{name}_.png") for name in ("memory", "odd")] + [good]


@pytest.mark.parametrize("make", [parse_job, apply_job])
def test_bad_files_are_told_and_the_rest_goes_on(
    folder: Path, make: Callable[..., Job], capsys: pytest.CaptureFixture[str]
) -> None:
    paths = spoil(folder / "in")
    assert run_one(make(folder, reader=FragileReader), *paths) == 1
    job = make(folder)
    assert capsys.readouterr().out == f"9 photos: 1 {job.verb}, 8 failed\n"
    assert {name.split("_")[0] for name in outputs(folder)} == {"good"}
    assert run_one(make(folder, reader=FragileReader), *paths) == 1
    out, err = capsys.readouterr()
    assert out == "9 photos: 1 skipped, 8 failed\n"
    lines = err.splitlines()
    assert len(lines) == 8
    words = ("not a picture", "empty", "cut.png", "folder.png", "No face", "not exist", "enough memory", "by zero")
    for path, line, word in zip(paths[:8], lines, words, strict=True):
        assert line.startswith(f"{path}: ") and word in line


def test_what_cannot_be_written_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    paths = [photo(folder / "in" / f"{name}.png") for name in "abc"]
    (folder / "out" / "b_crop.png").mkdir()
    save = Image.Image.save

    def full(image: Image.Image, target: Any, *arguments: Any, **options: Any) -> None:
        if full_disk:
            raise OSError(28, "No space left on device")
        save(image, target, *arguments, **options)

    full_disk = True
    monkeypatch.setattr(Image.Image, "save", full)
    assert run_one(parse_job(folder), paths[0]) == 1
    assert "No space left" in capsys.readouterr().err and list(outputs_of(folder)) == ["b_crop.png"]
    full_disk = False
    assert run_one(parse_job(folder, overwrite=True), *paths) == 1
    out, err = capsys.readouterr()
    assert out == "3 photos: 2 parsed, 1 failed\n" and "b_crop.png" in err


def outputs_of(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "out").iterdir())


def test_remarks_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = [Image.fromarray(make_portrait(64, seed=seed).pixels) for seed in (1, 2)]
    frames[0].save(folder / "in" / "a.gif", save_all=True, append_images=frames[1:])
    assert run_one(parse_job(folder), folder / "in" / "a.gif") == 0
    assert "a.gif has 2 frames; only the first is used." in capsys.readouterr().err


def test_terms_are_shown_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reader = partial(FakeReader, licence="For research only.")
    run_one(parse_job(folder, reader=reader), *(photo(folder / "in" / f"{name}.png") for name in "ab"))
    assert capsys.readouterr().err == "For research only.\n"


# Skipping, overwriting, names


def test_results_that_exist_are_kept_and_nothing_is_loaded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = photo(folder / "in" / "a.png")
    run_one(parse_job(folder), path)
    before, made = outputs(folder), FakeReader.made
    capsys.readouterr()
    photo(path, seed=3)
    assert run_one(parse_job(folder), path) == 0
    assert capsys.readouterr().out == "1 photo: 1 skipped\n"
    assert outputs(folder) == before and FakeReader.made == made
    assert run_one(parse_job(folder, overwrite=True), path) == 0
    after = outputs(folder)
    assert after["a_crop.png"] != before["a_crop.png"] and after.keys() == before.keys()


def test_what_an_interrupted_run_left_out_is_added(folder: Path) -> None:
    path = photo(folder / "in" / "w.png", (64, 130))
    run_one(job := parse_job(folder, every_face=True), path)
    before = outputs(folder)
    for name in ("w_1_mask.png", "w_1_crop.png"):
        (folder / "out" / name).unlink()
    (folder / "out" / "w_2_crop.png").write_bytes(b"mine")
    run_one(job, path)
    assert outputs(folder) == before | {"w_2_crop.png": b"mine"}


def test_inputs_are_never_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [photo(folder / "out" / name) for name in ("a.png", "a_crop.png")]
    before = outputs(folder)
    inputs = frozenset(path.resolve() for path in paths)
    assert run_one(parse_job(folder, overwrite=True, inputs=inputs), *paths) == 1
    assert outputs(folder).items() >= before.items()
    assert "a_crop.png would replace a picture that is read" in capsys.readouterr().err


def test_equal_names_get_numbers() -> None:
    paths = [Path(name) for name in ("x/a.jpg", "y/a.png", "z/A.JPG", "x/a-2.jpg", "IMG_0001.jpg", "IMG_0002.jpg")]
    assert [item.name for item in named(paths)] == ["a", "a-2", "A-3", "a-2-2", "IMG_0001", "IMG_0002"]
    assert [item.name for item in named(paths, several=True)] == ["a", "a-2", "A-3", "a-2-2", "IMG_0001", "IMG_0002"]


def test_faces_do_not_take_another_photos_names() -> None:
    for paths in (["a.jpg", "a_1.jpg"], ["a_1.jpg", "a.jpg"]):
        items = named([Path(path) for path in paths], several=True)
        assert len({item.name for item in items} | {f"{item.name}_1" for item in items}) == 4
    assert [item.name for item in named([Path("a.jpg"), Path("a_1.jpg")])] == ["a", "a_1"]
    assert [item.name for item in named([Path("a_1.jpg"), Path("a_2.jpg")], several=True)] == ["a_1", "a_2"]


def test_two_photos_of_one_name_are_both_written(folder: Path) -> None:
    (folder / "more").mkdir()
    paths = [photo(folder / "in" / "a.png"), photo(folder / "more" / "a.png", seed=2)]
    assert run_one(parse_job(folder), *paths) == 0
    files = outputs(folder)
    assert files["a_crop.png"] != files["a-2_crop.png"]


def test_folders_patterns_and_repeats_are_collected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("a.jpg", "b.PNG", "a_mask.png", "a_edited.webp", "b_1_overlay.png", "b-2_crop.png", "c_mask.png", ".d.jpg")
    (folder / "in" / "deep").mkdir()
    for name in (*names, "notes.txt", "raw.cr2", "deep/e.tif"):
        (folder / "in" / name).touch()
    monkeypatch.chdir(folder)

    def found(*words: str, **options: Any) -> list[str]:
        return [path.as_posix() for path in collect(words, **options)]

    assert found("in") == ["in/a.jpg", "in/b.PNG", "in/c_mask.png"]
    assert found("in", recursive=True) == ["in/a.jpg", "in/b.PNG", "in/c_mask.png", "in/deep/e.tif"]
    assert found("in/a.jpg", "in", "./in/a.jpg") == ["in/a.jpg", "in/b.PNG", "in/c_mask.png"]
    assert found("in/?.*") == ["in/a.jpg", "in/b.PNG"]
    assert found(str(folder / "in" / "a*")) == [
        (folder / "in" / name).as_posix() for name in ("a.jpg", "a_edited.webp", "a_mask.png")
    ]
    assert found("in/raw.cr2", "in/none.jpg", "in/z*.jpg") == ["in/raw.cr2", "in/none.jpg", "in/z*.jpg"]
    assert found("in/deep", "in/[x]") == ["in/deep/e.tif", "in/[x]"]
    (folder / "in" / "[x].jpg").touch()
    assert found("in/[x].jpg") == ["in/[x].jpg"]
