"""Projects that cannot be read say why; those that are damaged in part are opened without it."""

import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.document import Edit
from app.edit_list import from_line, moved, redo, undo
from app.project import ProjectError, read_project, read_project_thumbnail, save_project
from app.replay import replay
from engine.types import Region
from tests.fakes import check_error, make_portrait
from tests.project_fakes import painted, rewritten, same_edits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ada.maskbrush"


def described(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    """Return what changes the JSON of a project's description."""

    def rewrite(content: bytes) -> bytes:
        values = json.loads(content)
        result = change(values)
        return json.dumps(values if result is None else result).encode()

    return rewrite


def mask_png(labels: np.ndarray, mode: str = "L") -> bytes:
    buffer = BytesIO()
    Image.fromarray(labels).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


# What cannot be read


@pytest.mark.parametrize("content", [b"", b"PK", b"{}", b"\x89PNG\r\n", bytes(100), b"PK\x03\x04" + bytes(400)])
def test_files_of_other_kinds(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "ada.maskbrush")


def test_paths_without_a_file(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.maskbrush", tmp_path / "none" / "a.maskbrush"):
        with pytest.raises(ProjectError) as error:
            read_project(path)
        check_error(error, str(path))


def test_another_zip_is_no_project(path: Path) -> None:
    for values in (None, {"format": "krita"}, {}, {"format": 1}):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "application/x-krita")
            if values is not None:
                archive.writestr("project.json", json.dumps(values))
        with pytest.raises(ProjectError) as error:
            read_project(path)
        check_error(error, "not a Maskbrush project")


def test_a_newer_kind_says_so(path: Path) -> None:
    save_project(path, painted())
    rewritten(path, project__json=described(lambda values: values.update(version=2)))
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "newer", "Update")


def test_truncated_files(path: Path) -> None:
    save_project(path, painted(edits=3))
    content = path.read_bytes()
    step = max(len(content) // 150, 1)
    for length in (*range(0, len(content), step), *range(len(content) - 60, len(content))):
        path.write_bytes(content[:length])
        with pytest.raises(ProjectError) as error:
            read_project(path)
        check_error(error)


def test_flipped_bytes_are_noticed_or_harmless(path: Path) -> None:
    exemplar = make_portrait(40, "bob", seed=3)
    project = painted(edits=3, undone=1, exemplar=exemplar)
    save_project(path, project)
    content = path.read_bytes()
    rng = np.random.default_rng(4)
    outcomes = set()
    # All over the file, and once more in its description of itself at the end.
    places = np.r_[rng.integers(0, len(content), 300), rng.integers(len(content) - 1200, len(content), 300)]
    for place in places.tolist():
        spoilt = bytearray(content)
        spoilt[place] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(spoilt)
        try:
            read = read_project(path)
        except ProjectError as error:
            outcomes.add("refused")
            assert error.message.endswith(".") and error.hint.endswith(".")
            continue
        outcomes.add("noted" if read.notes else "whole")
        assert np.array_equal(read.labels, project.labels) and read.portrait.digest == project.portrait.digest
        if not read.notes:
            assert same_edits(read, project) and read.exemplar is not None
            assert read.exemplar.digest == exemplar.digest
    assert outcomes == {"refused", "noted", "whole"}


@pytest.mark.parametrize("member", ["portrait_photo_picture__png", "portrait_mask__png", "project__json"])
def test_parts_that_must_be_there(path: Path, member: str) -> None:
    save_project(path, painted())
    rewritten(path, **{member: None})
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "ada.maskbrush")


@pytest.mark.parametrize(
    "content",
    [
        mask_png(np.zeros((64, 63), np.uint8)),
        mask_png(np.full((64, 64), 19, np.uint8)),
        mask_png(np.zeros((64, 64), np.uint8), "RGB"),
        mask_png(np.zeros((64, 64), np.uint8))[:60],
        b"no picture",
        b"",
    ],
)
def test_masks_that_do_not_fit(path: Path, content: bytes) -> None:
    save_project(path, painted(edits=3, undone=0, dropped=1))
    whole = path.read_bytes()
    for member, words in (("mask__png", "its mask"), ("portrait_mask__png", "the mask of its photo")):
        path.write_bytes(whole)
        rewritten(path, **{member: content})
        with pytest.raises(ProjectError) as error:
            read_project(path)
        check_error(error, words)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: [],
        lambda values: values.pop("portrait"),
        lambda values: values.update(portrait="ada.jpg"),
        lambda values: values["portrait"].pop("size"),
        lambda values: values["portrait"].update(size=[64]),
        lambda values: values["portrait"].update(size=[64, 10**9]),
        lambda values: values["portrait"].update(size=[64.0, 64.0]),
        lambda values: values["portrait"].update(picture="../../etc/passwd"),
        lambda values: values["portrait"].update(picture="/etc/passwd"),
        lambda values: values["portrait"].update(picture="portrait\\photo"),
        lambda values: values["portrait"].update(mask=None),
        lambda values: values["portrait"].update(name="../ada"),
        lambda values: values["portrait"].update(photo={"file": "../ada.png", "name": "ada"}),
        lambda values: values["portrait"].update(crop={"centre": [0, 0], "half": [1e400, 0], "pixels": 64}),
        lambda values: values["portrait"].update(crop={"centre": [5, 5], "half": [0, 0], "pixels": 64}),
        lambda values: values["portrait"].update(crop={"centre": [5, 5], "half": [1e9, 0], "pixels": 64}),
        lambda values: values["portrait"].update(crop={"centre": [999, 5], "half": [9, 0], "pixels": 64}),
        lambda values: values["portrait"].update(crop={"centre": [5, 5], "half": [9, 0], "pixels": 10**9}),
        lambda values: values["portrait"].update(crop={"centre": [10**400, 5], "half": [9, 0], "pixels": 64}),
        lambda values: values.update(style_classes=[19]),
        lambda values: values.update(style_classes=7),
        lambda values: values.update(faces=[{"points": [[0, 0]], "score": 1}]),
        lambda values: values.update(faces=[3]),
        lambda values: values.update(version="1"),
        lambda values: values.update(version=True),
    ],
)
def test_descriptions_that_make_no_sense(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    save_project(path, painted())
    rewritten(path, project__json=described(change))
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "ada.maskbrush")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"format": NaN}', b"1" * 5000])
def test_descriptions_that_are_no_json(path: Path, content: bytes) -> None:
    save_project(path, painted())
    rewritten(path, project__json=content)
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "its description")


def test_a_photo_that_is_none(path: Path) -> None:
    save_project(path, painted())
    for content in (b"", b"text", mask_png(np.zeros((8, 8), np.uint8))):
        rewritten(path, portrait_photo_picture__png=content)
        with pytest.raises(ProjectError) as error:
            read_project(path)
        check_error(error, "ada.maskbrush")


def test_a_photo_of_another_shape(path: Path) -> None:
    save_project(path, painted())
    rewritten(path, portrait_photo_picture__png=mask_png(np.zeros((64, 90), np.uint8)))
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "64 x 64", "90 x 64")


def test_no_member_fills_the_memory(path: Path) -> None:
    save_project(path, painted())
    bomb = bytes(200 * 2**20)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("project.json", bomb)
    del bomb
    assert path.stat().st_size < 2**20
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "200 MB")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_no_picture_fills_the_memory(path: Path) -> None:
    save_project(path, painted())
    whole, buffer = path.read_bytes(), BytesIO()
    Image.new("1", (12_000, 12_000)).save(buffer, "PNG")
    for member, words in (("portrait_mask__png", "12000 x 12000"), ("portrait_photo_picture__png", "144 megapixels")):
        path.write_bytes(whole)
        rewritten(path, **{member: buffer.getvalue()})
        with pytest.raises(ProjectError) as error:
            read_project(path)
        check_error(error, words)
    path.write_bytes(whole)
    rewritten(path, mask__png=buffer.getvalue(), thumbnail__png=buffer.getvalue())
    assert "12000 x 12000" in read_project(path).notes[0] and read_project_thumbnail(path) is None


def test_an_unknown_or_locked_packing_is_refused(path: Path) -> None:
    save_project(path, painted())
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "packed")


# What is damaged but can be opened


LOST = [
    None,
    b"",
    b"{}\n",
    b'{"dropped":0,"edits":1,"index":0}\n',
    b'{"dropped":0,"edits":0,"index":1}\n',
    b'{"dropped":0,"edits":0,"index":0}\n',
    b'{"dropped":-1,"edits":1,"index":0}\n{}\n',
    b'{"dropped":0,"edits":1,"index":0}\n{"step":{"kind":"rocket"},"protection":{}}\n',
    b'{"dropped":1,"edits":0,"index":0}\n{"step":{"kind":"stroke"},"protection":{}}\n',
    b"\xff\xfe",
]


@pytest.mark.parametrize("content", LOST)
def test_without_its_edit_list_the_mask_is_whole(path: Path, content: bytes | None) -> None:
    project = painted()
    save_project(path, project)
    rewritten(path, edits__jsonl=content)
    read = read_project(path)
    assert np.array_equal(read.labels, project.labels) and len(read.edits) == read.index == 1
    assert np.array_equal(moved(read.labels, read.edits, 1, 0), project.portrait.labels)
    assert np.array_equal(replay(read), project.labels)
    (note,) = read.notes
    assert "edit list" in note and note.endswith(".")
    save_project(path, read)
    assert read_project(path).notes == ()


def line_changed(number: int, **values: Any) -> Callable[[bytes], bytes]:
    """Return what changes a line of an edit list."""

    def change(content: bytes) -> bytes:
        lines = [json.loads(line) for line in content.splitlines()]
        lines[number].update(values)
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    return change


@pytest.mark.parametrize(
    "values",
    [
        {"region": [0, 0, 64, 65]}, {"region": [-1, 0, 3, 3]}, {"region": [5, 5, 4, 9]}, {"region": [0, 0, 1]},
        {"region": "all"}, {"region": [0.0, 0.0, 1.0, 1.0]}, {"before": "?"}, {"after": ""}, {"after": 3},
        {"before": "eJwBAQD+/xMAFAAU"}, {"protection": {"locked": [99]}}, {"protection": None}, {"step": 3},
        {"step": {"kind": "written", "name": "x", "x": 0, "y": 0, "labels": {"labels": "eJw=", "shape": [9**9, 9**9]}}},
        {"step": {"kind": "stroke", "label": 1, "points": {"float32": "AAAA", "shape": [10**9, 3]}}},
        {"step": {"kind": "stroke", "label": 1, "points": {"float32": 7, "shape": [1, 3]}}},
        {"step": {"kind": "stroke", "label": 1, "points": {"float32": "AAAA", "shape": 3}}},
    ],
)  # fmt: skip
def test_edits_that_make_no_sense_cost_the_history_alone(path: Path, values: dict[str, Any]) -> None:
    project = painted()
    save_project(path, project)
    rewritten(path, edits__jsonl=line_changed(2, **values))
    read = read_project(path)
    assert len(read.notes) == 1 and np.array_equal(read.labels, project.labels)


def test_edits_of_another_mask_cost_the_history_alone(path: Path) -> None:
    project = painted(edits=4, undone=2)
    before, after = np.full((64, 64), 7, np.uint8), np.full((64, 64), 8, np.uint8)
    other = Edit.of(project.edits[0].entry, Region(0, 0, 64, 64), before, after)
    for edits in ((*project.edits[:3], other), (other, *project.edits[1:])):
        save_project(path, replace(project, edits=edits))
        read = read_project(path)
        assert len(read.notes) == 1 and np.array_equal(read.labels, project.labels) and len(read.edits) == 1


@pytest.mark.parametrize(
    "side", [np.full((8, 8), 19, np.uint8), np.zeros((8, 9), np.uint8), np.zeros((7, 8), np.uint8)]
)
def test_an_edit_writes_nothing_but_classes_of_its_region(side: np.ndarray) -> None:
    labels = np.zeros((8, 8), np.uint8)
    edit = Edit.of(painted(edits=1, undone=0).edits[0].entry, Region(0, 0, 8, 8), labels, side)
    with pytest.raises(ValueError, match="damaged"):
        redo(labels, edit)
    assert not labels.any()
    with pytest.raises(ValueError, match="damaged"):
        undo(labels, edit)


@pytest.mark.parametrize("content", [None, b"nothing", mask_png(np.full((64, 64), 30, np.uint8))])
def test_without_its_mask_the_edits_make_it_anew(path: Path, content: bytes | None) -> None:
    project = painted()
    save_project(path, project)
    rewritten(path, mask__png=content)
    read = read_project(path)
    assert same_edits(read, project) and "anew" in read.notes[0]


@pytest.mark.parametrize("dropped", [0, 1])
def test_without_mask_and_edits_there_is_nothing_to_open(path: Path, dropped: int) -> None:
    save_project(path, painted(dropped=dropped))
    rewritten(path, mask__png=None, **({} if dropped else {"edits__jsonl": None}))
    with pytest.raises(ProjectError) as error:
        read_project(path)
    check_error(error, "its mask")


def test_without_its_exemplar_it_has_its_own_style(path: Path) -> None:
    project = painted(exemplar=make_portrait(48, "bob"))
    save_project(path, project)
    rewritten(path, exemplar_mask__png=b"nothing")
    read = read_project(path)
    assert read.exemplar is None and same_edits(read, project) and "own style" in read.notes[0]


# Lines


@given(st.binary(max_size=200))
def test_no_line_does_more_than_fail(line: bytes) -> None:
    with suppress(ValueError):
        assert isinstance(from_line(line), dict)
