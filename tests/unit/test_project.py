"""Projects: what is saved comes back, and its edits lead to its mask."""

import errno
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import project as projects
from app.cli import main
from app.document import MaskDocument
from app.edit_list import moved
from app.project import Project, read_project, read_project_thumbnail, save_project
from app.replay import replay
from engine.align import TYPICAL, Face, alignment_of, cut_out
from engine.files import working_size
from engine.photo import Photo, photo_of, read_photo
from engine.types import Pixels, Portrait, WriteError
from resources.labels import palette
from tests.fakes import check_error, make_face_labels, make_labels, make_portrait
from tests.project_fakes import painted, rewritten, same_edits
from tests.unit.test_photo import WIDE, in_mode
from tests.unit.test_photo_metadata import camera_exif


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ada.maskbrush"


def camera_file(folder: Path, name: str = "ada.jpg", size: tuple[int, int] = (240, 200)) -> Path:
    """Write a photo as a camera does: turned by EXIF, with a profile, as JPEG."""
    exif = camera_exif()
    exif[0x0112] = 6
    noise = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    Image.fromarray(noise).save(folder / name, quality=90, exif=exif, icc_profile=WIDE)
    return folder / name


def face_of(photo: Any, name: str = "ada") -> Portrait:
    """Cut a crop out of a photo, turned and partly outside it."""
    alignment = alignment_of(TYPICAL * 150 + np.array([[60, 55], [60, 61], [57, 58]]))
    return Portrait(cut_out(photo.pixels, alignment, 512), make_face_labels(512), name, photo, alignment)


def photo_in(path: Path) -> Photo:
    photo = read_project(path).portrait.photo
    assert photo is not None
    return photo


def shown(path: Path) -> Pixels:
    picture = read_project_thumbnail(path)
    assert picture is not None
    return picture


# What comes back


@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("dropped", [0, 3])
def test_everything_comes_back(tmp_path: Path, path: Path, pack: bool, dropped: int) -> None:
    portrait = face_of(read_photo(camera_file(tmp_path), keep=True))
    exemplar = make_portrait((80, 60), "bob", seed=2)
    faces = (Face(TYPICAL * 150 + 55, 0.875), Face(TYPICAL * 99 + 5, float(np.float32(0.1))))
    others = {"exemplar": exemplar, "style_classes": (1, 13), "only_edit": False, "faces": faces}
    project = painted(portrait, edits=9, undone=2, dropped=dropped, **others)
    save_project(path, project, pack)
    read = read_project(path)
    assert same_edits(read, project) and read.notes == ()
    assert read.portrait.digest == portrait.digest and np.array_equal(read.portrait.view, portrait.view)
    assert read.portrait.alignment == portrait.alignment and np.array_equal(read.portrait.base, portrait.base)
    assert (read.name, photo_in(path).name, photo_in(path).file) == ("ada", "ada", "ada.jpg")
    assert read.exemplar is not None and (read.exemplar.digest, read.exemplar.name) == (exemplar.digest, "bob")
    assert read.style_classes == (1, 13) and read.only_edit is False
    for face, other in zip(read.faces, faces, strict=True):
        assert np.array_equal(face.points, other.points) and face.score == other.score


def test_the_photo_in_it_is_the_file_byte_for_byte(tmp_path: Path, path: Path) -> None:
    file = camera_file(tmp_path, "Jürgens Foto 北.jpg")
    content = file.read_bytes()
    photo = read_photo(file, keep=True)
    labels = make_labels(*working_size(*photo.pixels.shape[:2]))
    save_project(path, painted(Portrait(photo.pixels, labels, photo.name, photo)))
    file.unlink()
    for _ in range(2):
        read, own = read_project(path), photo_in(path)
        assert own.original == content and own.file == file.name and own.name == read.name == "Jürgens Foto 北"
        assert own.image.info["icc_profile"] == WIDE and own.image.getexif()[0x010F] == "A camera"
        assert np.array_equal(own.pixels, photo.pixels) and np.array_equal(read.portrait.pixels, photo.pixels)
        save_project(path, read)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("portrait/photo/Jürgens Foto 北.jpg") == content
        assert archive.infolist()[0].filename == "mimetype" and archive.testzip() is None


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_pasted_picture_comes_back_in_its_own_mode(path: Path, mode: str) -> None:
    image = in_mode(mode)
    image.info.update(exif=camera_exif().tobytes(), icc_profile=WIDE if "RGB" in mode else b"")
    photo = photo_of(image, "Pasted picture")
    save_project(path, painted(Portrait(photo.pixels, make_labels(51, 67), "Pasted picture", photo)))
    for _ in range(2):
        own = photo_in(path)
        assert own.image.mode == photo.image.mode and np.array_equal(np.asarray(own.image), np.asarray(photo.image))
        assert np.array_equal(own.pixels, photo.pixels) and (own.name, own.file) == ("Pasted picture", "")
        assert own.image.info.get("exif") == photo.image.info["exif"]
        assert own.image.info.get("icc_profile", b"") == image.info["icc_profile"]
        save_project(path, read_project(path))


def test_a_portrait_without_a_photo_stays_one(path: Path) -> None:
    portrait = make_portrait((90, 64), mask_size=(720, 512))
    save_project(path, painted(portrait))
    read = read_project(path).portrait
    assert read.photo is None and read.alignment is None and read.digest == portrait.digest


@pytest.mark.parametrize("edits", [0, 1, 40])
def test_undo_and_redo_work_after_it_was_opened(path: Path, edits: int) -> None:
    project = painted(edits=edits, undone=edits // 3)
    save_project(path, project)
    read = read_project(path)
    first = moved(read.labels, read.edits, read.index, 0)
    assert np.array_equal(first, read.portrait.labels)
    document = MaskDocument(read.portrait.labels, read.portrait.view)
    for edit in read.edits:
        document.apply(edit)
    assert np.array_equal(document.labels, moved(project.labels, project.edits, project.index, edits))


def test_a_mask_of_one_class_and_edits_at_its_border(path: Path) -> None:
    portrait = Portrait(make_portrait(32).pixels, np.zeros((32, 32), np.uint8), "plain")
    document = MaskDocument(portrait.labels)
    labels = np.zeros((32, 32), np.uint8)
    labels[0, 0] = labels[31, 31] = 18
    first = document.replace(labels, "Corners")
    labels = labels.copy()
    labels[31, 0] = 7
    second = document.replace(labels, "A pixel")
    assert first is not None and second is not None
    save_project(path, Project(portrait, document.labels, (first, second), 2))
    read = read_project(path)
    assert np.array_equal(read.labels, labels)
    assert (read.edits[1].region.y0, read.edits[1].region.x1, read.edits[1].after.tolist()) == (31, 1, [[7]])


def test_the_project_keeps_the_mask_as_it_was_when_it_was_made() -> None:
    portrait = make_portrait(64)
    document = MaskDocument(portrait.labels)
    project = Project(portrait, document.labels)
    document.replace(np.full((64, 64), 3, np.uint8), "All nose")
    assert np.array_equal(project.labels, portrait.labels)
    with pytest.raises(ValueError):
        project.labels[0, 0] = 1


@pytest.mark.parametrize("labels", [np.zeros((64, 63), np.uint8), np.full((64, 64), 19, np.uint8)])
def test_a_mask_that_does_not_fit_makes_no_project(labels: np.ndarray) -> None:
    with pytest.raises(ValueError):
        Project(make_portrait(64), labels)
    with pytest.raises(ValueError):
        Project(make_portrait(64), make_labels(64, 64), index=1)


def test_the_thumbnail_shows_what_it_looks_like(path: Path) -> None:
    picture = np.zeros((300, 600, 3), np.uint8)
    picture[:, 300:] = (255, 128, 0)
    save_project(path, painted(picture=picture))
    assert shown(path).shape == (128, 256, 3)
    assert shown(path)[64, 10].tolist() == [0, 0, 0] and shown(path)[64, 250].tolist() == [255, 128, 0]
    save_project(path, painted())
    assert shown(path).shape == (64, 64, 3)
    rewritten(path, thumbnail__png=b"nothing")
    assert read_project_thumbnail(path) is None and read_project(path).notes == ()
    assert read_project_thumbnail(path.with_name("none")) is None


def test_the_members_can_be_used_by_other_programs(path: Path) -> None:
    project = painted(edits=5, undone=1, dropped=1)
    save_project(path, project)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("mimetype") == b"application/x-maskbrush"
        for name, labels in (("mask.png", project.labels), ("portrait/mask.png", project.portrait.labels)):
            image = Image.open(BytesIO(archive.read(name)))
            assert image.mode == "P" and np.array_equal(np.array(image), labels)
            assert (image.getpalette() or [])[: 19 * 3] == palette().ravel().tolist()
        lines = [json.loads(line) for line in archive.read("edits.jsonl").splitlines()]
        assert lines[0] == {"dropped": 1, "edits": 4, "index": 3}
        assert lines[1] == json.loads(json.dumps(project.dropped[0].data()))
        assert lines[2]["step"] == json.loads(json.dumps(project.edits[0].entry.step.data()))
        description = json.loads(archive.read("project.json"))
    assert (description["format"], description["version"], description["name"]) == ("maskbrush project", 1, "ada")


# Names


@pytest.mark.parametrize(
    ("file", "member", "name"),
    [
        ("a/../../b.jpg", "a_.._.._b.jpg", "a_.._.._b"),
        ("..\\b.jpg", ".._b.jpg", ".._b"),
        ("CON.jpg", "photo.jpg", "CON"),
        ("what?.jpg", "photo.jpg", "what?"),
        ("\udcff.jpg", "_.jpg", "_"),
        ("a\nb.jpg", "a_b.jpg", "a_b"),
        ("x" * 180 + ".jpg", "photo.jpg", "x" * 180),
        ("..", "picture.png", ""),
        ("no ending", "no ending", "no ending"),
    ],
)
def test_odd_names(tmp_path: Path, path: Path, file: str, member: str, name: str) -> None:
    photo = replace(read_photo(camera_file(tmp_path), keep=True), file=file, name=Path(file).stem)
    labels = make_labels(*working_size(*photo.pixels.shape[:2]))
    save_project(path, painted(Portrait(photo.pixels, labels, "ada", photo)))
    with zipfile.ZipFile(path) as archive:
        inside = next(each for each in archive.namelist() if each.startswith("portrait/photo/"))
    own = photo_in(path)
    assert inside == f"portrait/photo/{member}"
    assert own.original == photo.original and (own.name == name or not own.file)


@pytest.mark.parametrize("name", ["naïve 北京 🎨", "", "a" * 400, "/etc/passwd", "x\0y"])
def test_the_portrait_may_have_any_name(path: Path, name: str) -> None:
    save_project(path, painted(make_portrait(64, name)))
    read = read_project(path)
    assert read.name == name.replace("/", "_").replace("\0", "_")[:200]
    assert read.notes == ()


# What cannot be written


@pytest.mark.parametrize("members", [0, 2, 4, 6])
@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), MemoryError()])
def test_what_fails_halfway_leaves_the_old_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, members: int, failure: BaseException
) -> None:
    save_project(path, painted())
    before, add, left = path.read_bytes(), projects.add, [members]

    def failing(*arguments: Any, **options: Any) -> None:
        if not left[0]:
            raise failure
        left[0] -= 1
        add(*arguments, **options)

    for module in ("app.project", "app.project_files"):
        monkeypatch.setattr(f"{module}.add", failing)
    with pytest.raises(WriteError if isinstance(failure, OSError) else MemoryError) as error:
        save_project(path, painted(seed=1))
    if isinstance(failure, OSError):
        check_error(error, str(path), "No space left", "Free some space")  # pyright: ignore[reportArgumentType]
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX alone limits the size of files")
def test_a_file_that_the_system_cuts_off(path: Path) -> None:
    import resource

    save_project(path, painted())
    before, (soft, hard) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, hard))
    try:
        with pytest.raises(WriteError) as error:
            save_project(path, painted(seed=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    check_error(error, str(path), "Choose another disk")
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path, tmp_path / "none" / "a.maskbrush", tmp_path / "file" / "a.maskbrush"):
        with pytest.raises(WriteError) as error:
            save_project(path, painted())
        check_error(error, str(path))


def test_a_file_marked_read_only_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_project(path, painted())
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root has every right
    with pytest.raises(WriteError) as error:
        save_project(path, painted(seed=1))
    check_error(error, "you may write to")
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(path: Path) -> None:
    path.parent.chmod(0o500)
    try:
        with pytest.raises(WriteError) as error:
            save_project(path, painted())
        check_error(error, "you may write to")
    finally:
        path.parent.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_a_link_stays_a_link(path: Path) -> None:
    target = path.with_name("target.maskbrush")
    save_project(target, painted())
    target.chmod(0o640)
    path.symlink_to(target)
    save_project(path, painted(seed=1))
    assert path.is_symlink() and same_edits(read_project(target), painted(seed=1))
    assert target.stat().st_mode & 0o777 == 0o640


# Replay


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dropped", [0, 8])
def test_the_replay_is_the_mask(path: Path, seed: int, dropped: int) -> None:
    project = painted(edits=20, undone=5, dropped=dropped, seed=seed)
    save_project(path, project, pack=bool(seed % 2))
    read = read_project(path)
    assert np.array_equal(replay(read), project.labels)
    assert not np.array_equal(replay(read), project.portrait.labels)


def test_the_command_writes_the_replayed_mask(tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, out = painted(), tmp_path / "out.png"
    save_project(path, project)
    assert main(["replay", str(path), "-o", str(out)]) == 0
    assert np.array_equal(np.array(Image.open(out)), project.labels)
    assert capsys.readouterr().err == ""
    # An edit that is done but did not lead to the mask: one of the dropped ones, of which no labels are known.
    save_project(path, painted(dropped=2))
    project = read_project(path)
    save_project(path, replace(project, dropped=painted(seed=5, dropped=2).dropped))
    assert main(["replay", str(path), "-o", str(out)]) == 1
    assert "differs" in capsys.readouterr().err and not np.array_equal(np.array(Image.open(out)), project.labels)


def test_the_command_tells_what_is_wrong(tmp_path: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.png"
    assert main(["replay", str(path), "-o", str(out)]) == 1
    assert "does not exist" in capsys.readouterr().err and not out.exists()
    save_project(path, painted())
    rewritten(path, edits__jsonl=None)
    assert main(["replay", str(path), "-o", str(out)]) == 1
    assert "edit list" in capsys.readouterr().err
    assert main(["edit", str(path), "--mask", "a.png"]) == 1
    assert "of its own" in capsys.readouterr().err


def test_reading_and_replaying_need_no_network(path: Path) -> None:
    save_project(path, painted(edits=4, undone=0))
    code = (
        "import sys; from pathlib import Path; from app.project import read_project; from app.replay import replay;"
        f"p = read_project(Path({str(path)!r})); assert (replay(p) == p.labels).all();"
        "print({'torch', 'onnxruntime', 'PySide6'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "set()", done.stderr
