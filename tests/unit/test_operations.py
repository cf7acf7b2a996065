"""Edits as data: what each does to a mask, and everything that can be wrong with an edit file."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from engine.align import TYPICAL
from engine.edit_files import OperationsError, read_edit
from engine.files import save_mask
from engine.mask.regions import FEATURES
from engine.operations import (
    Act,
    Grow,
    Operation,
    Recolour,
    Relabel,
    Remove,
    Shrink,
    Template,
    apply_operations,
    style_of,
)
from engine.types import LabelMap
from resources.labels import LABEL_COUNT, LABELS
from tests.fakes import check_error, make_labels, make_portrait

ID = {label.name: label.id for label in LABELS}
EVERYTHING = tuple(range(LABEL_COUNT))


def square(side: int = 40, label: str = "hair", half: int = 5) -> LabelMap:
    labels = np.full((side, side), ID["background"], np.uint8)
    middle = side // 2
    labels[middle - half : middle + half, middle - half : middle + half] = ID[label]
    return labels


def done(labels: LabelMap, *operations: Operation) -> LabelMap:
    return apply_operations(labels, operations)


# Growing and shrinking


def test_a_class_grows_by_a_disc() -> None:
    labels = np.zeros((41, 61), np.uint8)
    labels[20, 30] = ID["hair"]
    grown = done(labels, Grow(ID["hair"], 8 / 61, EVERYTHING)) == ID["hair"]
    y, x = np.mgrid[:41, :61]
    expected = np.hypot(y - 20, x - 30) <= 8
    assert (grown != expected).sum() <= 8  # distances are exact but for rounding on the rim
    assert grown[20, 38] and grown[12, 30] and not grown[12, 38]


def test_a_class_grows_over_what_it_may_only() -> None:
    labels = square()
    labels[:, :16] = ID["skin"]
    grown = done(labels, Grow(ID["hair"], 0.1, (ID["background"],)))
    assert (grown[:, :16] == ID["skin"]).all()
    assert (grown == ID["hair"]).sum() > (labels == ID["hair"]).sum()


def test_growing_and_shrinking_reach_a_pixel_at_least() -> None:
    assert (done(square(), Grow(ID["hair"], 1e-9, EVERYTHING)) == ID["hair"]).sum() == 10 * 10 + 4 * 10
    assert (done(square(), Shrink(ID["hair"], 1e-9, ID["skin"])) == ID["hair"]).sum() == 8 * 8


def test_a_class_shrinks_away_from_others_not_from_the_border() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[:20] = ID["hair"]
    shrunk = done(labels, Shrink(ID["hair"], 4 / 40, ID["skin"]))
    assert (shrunk[:16] == ID["hair"]).all()
    assert (shrunk[16:20] == ID["skin"]).all()
    assert (shrunk[20:] == ID["background"]).all()


def test_what_shrinks_goes_to_the_nearest_class() -> None:
    labels = square()
    labels[:, 25:] = ID["cloth"]
    shrunk = done(labels, Shrink(ID["hair"], 2 / 40, None))
    assert shrunk[20, 15] == ID["background"] and shrunk[20, 24] == ID["cloth"] and shrunk[20, 20] == ID["hair"]


def test_a_class_without_others_does_not_shrink() -> None:
    labels = np.full((20, 30), ID["hair"], np.uint8)
    assert np.array_equal(done(labels, Shrink(ID["hair"], 0.5, None)), labels)


# Removing and relabelling


def test_removed_pixels_go_to_the_nearest_class() -> None:
    labels = np.full((20, 40), ID["skin"], np.uint8)
    labels[:, 20:] = ID["hair"]
    labels[5:15, 10:30] = ID["eye_g"]
    result = done(labels, Remove(ID["eye_g"]))
    assert (result[10, 10:14] == ID["skin"]).all() and (result[10, 26:30] == ID["hair"]).all()
    assert ID["eye_g"] not in result


def test_a_class_that_is_all_there_is_becomes_background() -> None:
    assert not done(np.full((9, 9), ID["hat"], np.uint8), Remove(ID["hat"])).any()
    assert not done(np.zeros((9, 9), np.uint8), Remove(0)).any()


def test_classes_are_relabelled_in_order() -> None:
    labels = np.arange(19, dtype=np.uint8).reshape(1, 19)
    result = done(labels, Relabel((ID["hat"], ID["hair"]), ID["cloth"]), Relabel((ID["cloth"],), ID["neck"]))
    expected = labels.copy()
    expected[np.isin(labels, [ID["hat"], ID["hair"], ID["cloth"]])] = ID["neck"]
    assert np.array_equal(result, expected)


def test_recolouring_leaves_the_mask() -> None:
    assert np.array_equal(done(square(), Recolour(Path("a.jpg"), (1,))), square())


# Templates


def face_at(side: int, centre: tuple[float, float], scale: float, turn: float = 0.0) -> LabelMap:
    """Return a mask with two eyes, and a bar of glasses between them."""
    labels = np.full((side, side), ID["skin"], np.uint8)
    y, x = np.mgrid[:side, :side] + 0.5
    cos, sin = math.cos(turn), math.sin(turn)
    across = ((x - centre[0]) * cos + (y - centre[1]) * sin) / scale
    down = (-(x - centre[0]) * sin + (y - centre[1]) * cos) / scale
    labels[(abs(across) < 1.6) & (abs(down) < 0.3)] = ID["eye_g"]
    for name, place in (("r_eye", -1), ("l_eye", 1)):
        labels[np.hypot(across - place, down) < 0.2] = ID[name]
    return labels


@pytest.mark.parametrize("turn", [0.0, 0.3, -0.5])
def test_a_template_lies_on_the_eyes_whatever_their_size_and_turn(turn: float) -> None:
    template, expected = face_at(120, (60, 50), 20), face_at(200, (90, 120), 45, turn)
    labels = expected.copy()
    labels[labels == ID["eye_g"]] = ID["skin"]
    result = done(labels, Template(template, (ID["eye_g"],)))
    assert (result == expected).mean() > 0.985
    assert set(np.unique(result)) == {ID["skin"], ID["eye_g"], ID["l_eye"], ID["r_eye"]}


def test_without_eyes_the_usual_places_hold() -> None:
    template = np.zeros((128, 128), np.uint8)
    template[50:60, 40:90] = ID["eye_g"]
    result = done(np.full((64, 64), ID["skin"], np.uint8), Template(template, (ID["eye_g"],)))
    assert (result[25:30, 20:45] == ID["eye_g"]).all()
    assert (result == ID["eye_g"]).sum() == 5 * 25
    # Labels that are swapped tell nothing either.
    swapped = np.full((64, 64), ID["skin"], np.uint8)
    swapped[40, 10], swapped[40, 50] = ID["l_eye"], ID["r_eye"]
    assert (done(swapped, Template(template, (ID["eye_g"],)))[25:30, 20:45] == ID["eye_g"]).all()


def test_the_usual_places_are_the_ones_of_an_aligned_crop() -> None:
    template = np.zeros((512, 512), np.uint8)
    template[240:246, 100:400] = ID["eye_g"]
    labels = np.full((512, 512), ID["skin"], np.uint8)
    for name, (x, y) in zip(("r_eye", "l_eye"), TYPICAL[:2] * 512, strict=True):
        labels[int(y) - 5 : int(y) + 5, int(x) - 5 : int(x) + 5] = ID[name]
    result = done(labels, Template(template, (ID["eye_g"],)))
    assert (result[240:246, 100:400] == ID["eye_g"]).all()


def test_a_template_fits_masks_that_are_not_square() -> None:
    template = face_at(128, (64, 60), 15)
    for shape in ((100, 60), (60, 100), (1, 3)):
        result = done(make_labels(*shape), Template(template, (ID["eye_g"],)))
        assert result.shape == shape and result.dtype == np.uint8


# What holds for all of them


shares = st.floats(1e-6, 0.5)
ids = st.integers(0, LABEL_COUNT - 1)
several = st.lists(ids, min_size=1, max_size=4).map(tuple)
masks = st.tuples(st.integers(1, 24), st.integers(1, 24)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, LABEL_COUNT - 1), fill=ids)
)
operations = st.one_of(
    st.builds(Grow, ids, shares, several),
    st.builds(Shrink, ids, shares, st.one_of(st.none(), ids)),
    st.builds(Relabel, several, ids),
    st.builds(Remove, ids),
    st.builds(Template, masks, several),
)


@given(masks, st.lists(operations, max_size=4))
def test_masks_stay_masks_and_inputs_as_they_were(labels: LabelMap, todo: list[Operation]) -> None:
    before = labels.copy()
    labels.setflags(write=False)
    result = apply_operations(labels, todo)
    assert result.shape == labels.shape and result.dtype == np.uint8 and int(result.max()) < LABEL_COUNT
    assert not np.shares_memory(result, labels) and result.flags.writeable
    assert np.array_equal(labels, before)


@given(masks, ids, shares, several)
def test_growing_touches_no_other_class(labels: LabelMap, label: int, by: float, over: tuple[int, ...]) -> None:
    result = done(labels, Grow(label, by, over))
    changed = result != labels
    assert (result[changed] == label).all() and np.isin(labels[changed], over).all()
    if label not in labels:
        assert not changed.any()


@given(masks, ids, shares)
def test_shrinking_and_removing_touch_only_their_class(labels: LabelMap, label: int, by: float) -> None:
    present = set(np.unique(labels).tolist()) - {label}
    for operation in (Shrink(label, by, None), Remove(label)):
        changed = (result := done(labels, operation)) != labels
        assert (labels[changed] == label).all()
        assert set(np.unique(result[changed]).tolist()) <= (present or {0})
    if present:
        assert label not in done(labels, Remove(label))


@given(masks, masks, several)
def test_templates_lay_on_their_classes_only(labels: LabelMap, template: LabelMap, classes: tuple[int, ...]) -> None:
    changed = (result := done(labels, Template(template, classes))) != labels
    assert np.isin(result[changed], classes).all()


# Edit files

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    save_mask(tmp_path / "glasses.png", face_at(128, (64, 60), 15))
    Image.fromarray(make_portrait(64).pixels).save(tmp_path / "red.jpg")
    Image.fromarray(make_portrait(64).pixels).save(tmp_path / "other.jpg")

    def write(*operations: Any, **keys: Any) -> Path:
        path = tmp_path / "edit.json"
        path.write_text(json.dumps({"version": 1, "operations": list(operations)} | keys), "utf-8")
        return path

    return write


def test_every_operation_is_read(write: Write, tmp_path: Path) -> None:
    path = write(
        {"op": "recolour", "classes": ["hair"], "exemplar": "red.jpg"},
        {"op": "template", "mask": "glasses.png", "classes": ["eye_g"]},
        {"op": "grow", "class": "hair", "by": 0.02, "over": ["background", "skin", "skin"]},
        {"op": "shrink", "class": "u_lip", "by": 0.005, "into": "skin"},
        {"op": "relabel", "from": ["hat"], "to": "hair"},
        {"op": "remove", "class": "eye_g"},
        {"op": "shrink", "class": "hair", "by": 0.5},
        {"op": "face", "action": "smile", "strength": -0.5},
        {"op": "face", "action": "necklace"},
        {"op": "face", "action": "remove_hat"},
        {"op": "grow", "class": "hair", "by": 0.1},
    )
    recolour, template, *rest, grow = read_edit(path)
    assert recolour == Recolour(tmp_path / "red.jpg", (ID["hair"],))
    assert isinstance(template, Template) and template.classes == (ID["eye_g"],)
    assert template.mask.shape == (1024, 1024) and template.mask.dtype == np.uint8
    assert rest == [
        Grow(ID["hair"], 0.02, (ID["background"], ID["skin"])),
        Shrink(ID["u_lip"], 0.005, ID["skin"]),
        Relabel((ID["hat"],), ID["hair"]),
        Remove(ID["eye_g"]),
        Shrink(ID["hair"], 0.5, None),
        Act("smile", -0.5),
        Act("necklace", 1.0),
        Act("remove_hat", -1.0),
    ]
    assert isinstance(grow, Grow)
    assert set(grow.over) == set(EVERYTHING) - set(FEATURES)


def test_an_action_is_done_to_the_face_and_told_of_its_own_mask() -> None:
    labels = make_labels(512, 512)
    smiling = done(labels, Act("smile", 1.0))
    changed = smiling != labels
    lips = np.isin(labels, [ID["mouth"], ID["u_lip"], ID["l_lip"]])
    assert changed.any() and not changed[: np.nonzero(lips)[0].min() - 60].any()
    worn = done(labels, Act("glasses_round", 0.5))
    assert (worn == ID["eye_g"]).sum() > 500
    # What is taken off leaves what the face's own mask has there.
    bare = done(labels, Act("glasses_round", 0.5), Act("remove_glasses", -1.0))
    assert not (bare == ID["eye_g"]).any() and (bare != labels).sum() < 250


def test_a_byte_order_mark_is_no_error(write: Write) -> None:
    path = write({"op": "remove", "class": "hat"})
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_edit(path) == (Remove(ID["hat"]),)


def test_one_exemplar_for_all(write: Write, tmp_path: Path) -> None:
    hair, lips = ({"op": "recolour", "exemplar": "red.jpg", "classes": names} for names in (["hair"], ["u_lip"]))
    face = {"op": "recolour", "exemplar": "red.jpg"}
    path = tmp_path / "red.jpg"
    assert style_of(read_edit(write(lips, hair))) == (path, (ID["u_lip"], ID["hair"]))
    assert style_of(read_edit(write(hair, face))) == (path, ())
    assert style_of(read_edit(write({"op": "remove", "class": "hat"}))) is None
    with pytest.raises(OperationsError) as error:
        read_edit(write(hair, face | {"exemplar": "other.jpg"}))
    check_error(error, "other.jpg", "red.jpg", "several exemplars")


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"op": "face", "action": "grin"}, ('"grin"', "does not exist", "smile")),
        ({"op": "face", "action": "smile", "strength": 1.5}, ('"strength"', "1.5", "from -1 to 1")),
        ({"op": "face", "action": "smile", "strength": True}, ('"strength"', "not a number")),
        ({"op": "face", "strength": 1}, ('"action" is missing',)),
        ("remove", ("operation 2", '"remove"', "braces")),
        ({}, ('"op" is missing', "recolour, template")),
        ({"op": "paint"}, ('"paint"', "recolour, template")),
        ({"op": ["grow"]}, ('["grow"]',)),
        ({"op": "remove"}, ("(remove)", '"class" is missing')),
        ({"op": "remove", "class": "hat", "by": 1, "too": 2}, ('"by", "too"', 'Known: "class", "op"')),
        ({"op": "remove", "class": "beard"}, ('"beard"', "background, skin, nose")),
        ({"op": "remove", "class": 13}, ("13", "name of a class")),
        ({"op": "remove", "class": ["hair"]}, ('["hair"]',)),
        ({"op": "relabel", "from": "hat", "to": "hair"}, ('"from" is "hat"', "list")),
        ({"op": "relabel", "from": [], "to": "hair"}, ("[]", "list")),
        ({"op": "relabel", "from": ["hat", None], "to": "hair"}, ("null",)),
        ({"op": "grow", "class": "hair", "by": 0}, ('"by" is 0', "0.5")),
        ({"op": "grow", "class": "hair", "by": 0.51}, ("0.51",)),
        ({"op": "grow", "class": "hair", "by": -0.1}, ("-0.1",)),
        ({"op": "grow", "class": "hair", "by": True}, ("true",)),
        ({"op": "grow", "class": "hair", "by": "0.1"}, ('"0.1"',)),
        ({"op": "grow", "class": "hair", "by": math.nan}, ("NaN",)),
        ({"op": "grow", "class": "hair", "by": 10**400}, ("1000",)),
        ({"op": "shrink", "class": "hair", "by": 0.1, "into": "hair"}, ("the class itself",)),
        ({"op": "recolour", "exemplar": "none.jpg"}, ("none.jpg", "relative")),
        ({"op": "recolour", "exemplar": "."}, ("there is no file",)),
        ({"op": "recolour", "exemplar": "n" * 5000}, ("there is no file",)),
        ({"op": "recolour", "exemplar": 3}, ("name of a file",)),
        ({"op": "recolour", "exemplar": "a\0b"}, ("name of a file",)),
        ({"op": "recolour", "exemplar": "red.jpg", "classes": []}, ("list of class names",)),
        ({"op": "template", "mask": "glasses.png"}, ('"classes" is missing',)),
        ({"op": "template", "mask": "red.jpg", "classes": ["hair"]}, ("colour picture", "square mask")),
        ({"op": "template", "mask": "wide.png", "classes": ["hair"]}, ("shapes differ", "square mask")),
        ({"op": "template", "mask": "edit.json", "classes": ["hair"]}, ("not a picture",)),
        ({"op": "template", "mask": "glasses.png", "classes": ["hat"]}, ("no pixel",)),
    ],
)
def test_what_is_wrong_is_said_with_the_operations_number(
    write: Write, tmp_path: Path, operation: Any, words: tuple[str, ...]
) -> None:
    save_mask(tmp_path / "wide.png", make_labels(60, 100))
    with pytest.raises(OperationsError) as error:
        read_edit(write({"op": "remove", "class": "hat"}, operation))
    check_error(error, "edit.json, operation 2", *words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", ("not valid JSON",)),
        (b"{", ("not valid JSON",)),
        (b"[" * 100_000, ("not valid JSON",)),
        (b"\xff\xfe{}", ("UTF-8",)),
        (b"[]", ("braces",)),
        (b"{}", ('"operations", "version" is missing',)),
        (b'{"version": 1, "version": 1, "operations": []}', ('"version"', "twice")),
        (b'{"version": 2, "operations": [{}]}', ('"version" is 2', "knows 1")),
        (b'{"version": "1", "operations": [{}]}', ('"1"',)),
        (b'{"version": true, "operations": [{}]}', ("true",)),
        (b'{"version": 1, "operations": []}', ("at least one",)),
        (b'{"version": 1, "operations": {"op": "remove"}}', ("list",)),
        (b'{"version": 1, "operations": [{}], "name": ""}', ('"name"', 'Known: "operations", "version"')),
    ],
)
def test_files_that_are_wrong_as_a_whole(tmp_path: Path, text: bytes, words: tuple[str, ...]) -> None:
    path = tmp_path / "edit.json"
    path.write_bytes(text)
    with pytest.raises(OperationsError) as error:
        read_edit(path)
    check_error(error, "edit.json", *words)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, word in ((tmp_path / "none.json", "does not exist"), (tmp_path, "cannot be read")):
        with pytest.raises(OperationsError) as error:
            read_edit(path)
        check_error(error, word)
