"""From a photo to a portrait: what is asked, what is shown meanwhile, and that nothing is lost on the way."""

import numpy as np
import pytest
from PIL import Image

from app.editor import Editor
from engine.align import alignment_of, points_in, whole_frame
from engine.files import save_mask
from engine.types import EngineError, ModelError
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import stroke
from tests.gui.readers import SIDE, FakeReader, face_at, write_photo

HAIR = 13


@pytest.fixture
def reader():
    return FakeReader()


@pytest.fixture
def editor(qapp, qtbot, reader):
    editor = Editor(make_reader=reader)
    editor.load_model(lambda progress: FakeGenerator())
    qtbot.waitUntil(lambda: editor.info is not None)
    yield editor
    reader.let_go()
    editor.shutdown()
    editor.deleteLater()


@pytest.fixture
def heard(editor):
    """Note the signals that a person would hear of."""
    heard = {"faces": [], "alignment": [], "problem": [], "notice": [], "remark": [], "told": [], "read": []}
    opening = editor.opening
    opening.faces_found.connect(lambda *what: heard["faces"].append(what))
    opening.alignment_needed.connect(lambda *what: heard["alignment"].append(what))
    opening.told.connect(heard["told"].append)
    opening.file_read.connect(heard["read"].append)
    for name in ("problem", "notice", "remark"):
        getattr(editor, name).connect(heard[name].append)
    return heard


def settle(qtbot, editor):
    qtbot.waitUntil(lambda: not editor.pending, timeout=10_000)


def open_crop(qtbot, editor, reader, folder, face=None):
    reader.found = [face or face_at(150, 100)]
    editor.open_portrait(write_photo(folder))
    settle(qtbot, editor)
    return editor.portrait


def paint(editor, *points, label=HAIR):
    editor.perform(stroke(label, 6, *points))


def test_one_face_is_cut_out_labelled_and_edited(qtbot, editor, reader, heard, tmp_path):
    portrait = open_crop(qtbot, editor, reader, tmp_path)
    assert portrait.name == "crowd" and portrait.photo.pixels.shape == (200, 300, 3)
    assert portrait.alignment == reader.found[0].alignment
    assert editor.document.labels.shape == (SIDE, SIDE)
    assert reader.threads == {"photo"}  # and not the engine's, which renders meanwhile
    assert heard["told"][0] == "Reading crowd.png…" and heard["told"][-1] == ""
    assert {"Looking for faces…", "Labelling the face…"} <= set(heard["told"])
    assert heard["read"] == [tmp_path / "crowd.png"]
    assert not heard["problem"] and not editor.opening.active and not editor.unsaved


def test_of_several_faces_one_is_chosen(qtbot, editor, reader, heard, tmp_path):
    old = make_portrait(64, "ada")
    editor.edit_portrait(old)
    reader.found = [face_at(80, 100), face_at(220, 100)]
    editor.open_portrait(write_photo(tmp_path))
    settle(qtbot, editor)
    ((photo, faces),) = heard["faces"]
    assert faces == reader.found and editor.portrait is old and heard["told"][-1] == ""
    editor.use_face(photo, faces[1].points, faces)
    settle(qtbot, editor)
    assert editor.portrait.photo is photo and editor.portrait.alignment == faces[1].alignment
    # Another one can be asked for later.
    editor.choose_face()
    assert heard["faces"][1] == (photo, tuple(faces))


def test_without_a_face_its_place_is_asked_for(qtbot, editor, reader, heard, tmp_path):
    editor.open_portrait(write_photo(tmp_path))
    settle(qtbot, editor)
    ((photo, points, reason),) = heard["alignment"]
    np.testing.assert_allclose(points, points_in(whole_frame(200, 300)))
    assert reason == "No face was found." and editor.portrait is None
    editor.use_face(photo, points)
    settle(qtbot, editor)
    assert editor.portrait is not None and editor.portrait.alignment == alignment_of(points)
    editor.choose_face()  # there are none to choose from
    assert not heard["faces"]


def test_a_mask_beside_the_picture_is_used_and_nobody_looks_for_faces(qtbot, editor, reader, tmp_path):
    write_photo(tmp_path, "ada.png", (100, 100))
    save_mask(tmp_path / "ada_mask.png", make_portrait(100).labels)
    editor.open_portrait(tmp_path / "ada.png")
    settle(qtbot, editor)
    assert editor.portrait.alignment is None and editor.portrait.photo is not None
    assert reader.looked == 0 and not reader.made


def test_an_unfit_mask_beside_the_picture_does_not_keep_it_closed(qtbot, editor, reader, heard, tmp_path):
    picture = write_photo(tmp_path, "ada.png")
    save_mask(tmp_path / "ada_mask.png", np.zeros((64, 64), np.uint8))
    reader.found = [face_at(150, 100)]
    editor.open_portrait(picture)
    settle(qtbot, editor)
    assert editor.portrait.alignment is not None and not heard["problem"]
    assert "not used" in heard["notice"][0] and "shapes differ" in heard["notice"][0]
    # One that was asked for is another matter.
    editor.open_portrait(picture, tmp_path / "ada_mask.png")
    settle(qtbot, editor)
    assert "shapes differ" in heard["problem"][0].message


@pytest.mark.parametrize("stage", ["failure", "parser_failure", "portrait_failure", "file", "points"])
def test_a_failure_keeps_the_portrait_and_its_edits(qtbot, editor, reader, heard, tmp_path, stage):
    editor.edit_portrait(make_portrait(256, "ada"))
    paint(editor, (100, 100), (150, 100))
    old, labels = editor.portrait, editor.document.labels.copy()
    reader.found = [face_at(150, 100)]
    photo = write_photo(tmp_path)
    if stage == "file":
        photo.write_bytes(b"no picture")
    elif stage == "points":
        editor.open_portrait(photo)
        settle(qtbot, editor)
        old, labels = editor.portrait, editor.document.labels.copy()
        editor.use_face(editor.portrait.photo, np.ones((3, 2)))
    else:
        setattr(reader, stage, EngineError("It broke.", "Mend it."))
    if stage == "parser_failure":
        # There is no other one to fall back to.
        reader.use_parser = reader.parser = lambda *_: (_ for _ in ()).throw(ModelError("It broke.", "Mend it."))
    if stage != "points":
        editor.open_portrait(photo)
    settle(qtbot, editor)
    (problem,) = heard["problem"]
    assert isinstance(problem, EngineError) and problem.hint
    assert editor.portrait is old and heard["told"][-1] == ""
    np.testing.assert_array_equal(editor.document.labels, labels)


def test_painting_goes_on_while_faces_are_looked_for(qtbot, editor, reader, tmp_path):
    editor.edit_portrait(make_portrait(256, "ada"))
    settle(qtbot, editor)
    reader.hold()
    editor.open_portrait(write_photo(tmp_path))
    qtbot.waitUntil(lambda: reader.looked == 1)
    before = editor.picture
    with qtbot.waitSignal(editor.picture_changed, timeout=10_000):
        paint(editor, (100, 100), (150, 100))
    assert editor.picture is not before and editor.pending


def test_cancelling_leaves_everything_as_it_was(qtbot, editor, reader, heard, tmp_path):
    old = make_portrait(64, "ada")
    editor.edit_portrait(old)
    reader.found = [face_at(150, 100)]
    reader.hold()
    editor.open_portrait(write_photo(tmp_path))
    qtbot.waitUntil(lambda: reader.looked == 1)
    editor.cancel_opening()
    assert not editor.opening.active and heard["told"][-1] == ""
    settle(qtbot, editor)  # the reader is held still: only cancelling ends its work
    assert editor.portrait is old and not heard["problem"]


def test_a_newer_opening_takes_the_place_of_an_older_one(qtbot, editor, reader, heard, tmp_path):
    reader.found = [face_at(150, 100)]
    reader.hold()
    first, second = write_photo(tmp_path, "first.png"), write_photo(tmp_path, "second.png")
    names = []
    editor.portrait_changed.connect(lambda: names.append(editor.portrait.name))
    editor.open_portrait(first)
    qtbot.waitUntil(lambda: reader.looked == 1)
    editor.open_portrait(second)
    qtbot.waitUntil(lambda: reader.looked == 2)
    reader.let_go()
    settle(qtbot, editor)
    assert names == ["second"] and not heard["problem"]


def test_a_person_may_keep_the_present_portrait(qtbot, editor, reader, tmp_path):
    old = open_crop(qtbot, editor, reader, tmp_path)
    editor.may_replace = lambda: False
    editor.open_portrait(write_photo(tmp_path, "other.png"))
    settle(qtbot, editor)
    assert editor.portrait is old


def test_a_picture_in_memory_is_opened_like_a_photo(qtbot, editor, reader, tmp_path):
    reader.found = [face_at(150, 100)]
    editor.open_image(Image.open(write_photo(tmp_path)), "Pasted picture")
    settle(qtbot, editor)
    assert editor.portrait.name == "Pasted picture" and editor.portrait.alignment is not None


def test_what_is_worth_knowing_of_a_photo_is_told(qtbot, editor, reader, heard, tmp_path):
    reader.found = [face_at(150, 100)]
    path = write_photo(tmp_path, "torn.jpg", (320, 320))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    editor.open_portrait(path)
    settle(qtbot, editor)
    assert len(heard["remark"]) == 1 and "torn.jpg is incomplete" in heard["remark"][0]
    editor.adjust_alignment()
    editor.use_face(editor.portrait.photo, face_at(140, 100).points, carry=True)
    settle(qtbot, editor)
    assert len(heard["remark"]) == 1  # once is enough


# Exemplars


def test_an_exemplar_is_the_largest_face(qtbot, editor, reader, heard, tmp_path):
    portrait = open_crop(qtbot, editor, reader, tmp_path)
    reader.found = [face_at(220, 100, 80), face_at(80, 100), face_at(80, 50, 20)]
    editor.open_exemplar(write_photo(tmp_path, "x.jpg"))
    settle(qtbot, editor)
    assert editor.exemplar.alignment == reader.found[0].alignment and editor.portrait is portrait
    assert heard["notice"] == ["3 faces in x.jpg: the largest is used."] and not heard["faces"]
    # Files to edit are listed among the recent ones, exemplars are not.
    assert heard["read"] == [tmp_path / "crowd.png"]


def test_an_exemplar_without_a_face_is_refused(qtbot, editor, reader, heard, tmp_path):
    open_crop(qtbot, editor, reader, tmp_path)
    reader.found = []
    editor.open_exemplar(write_photo(tmp_path, "x.jpg"))
    settle(qtbot, editor)
    assert editor.exemplar is None and not heard["alignment"]
    assert heard["problem"][0].message == "No face was found in x.jpg." and "another" in heard["problem"][0].hint


def test_an_exemplar_on_its_way_is_dropped_for_the_own_style(qtbot, editor, reader, heard, tmp_path):
    open_crop(qtbot, editor, reader, tmp_path)
    reader.hold()
    editor.open_exemplar(write_photo(tmp_path, "x.jpg"))
    qtbot.waitUntil(lambda: reader.looked == 2)
    editor.use_style(None)
    settle(qtbot, editor)
    assert editor.exemplar is None and not heard["problem"]


def test_a_portrait_and_an_exemplar_are_opened_side_by_side(qtbot, editor, reader, heard, tmp_path):
    reader.found = [face_at(150, 100)]
    reader.hold()
    editor.open_portrait(write_photo(tmp_path))
    qtbot.waitUntil(lambda: reader.looked == 1)
    editor.open_exemplar(write_photo(tmp_path, "x.jpg"))
    assert heard["told"][-1] == "Reading x.jpg…"
    reader.let_go()
    settle(qtbot, editor)
    assert editor.portrait.name == "crowd" and editor.exemplar.name == "x" and heard["told"][-1] == ""


# Another alignment


def test_edits_are_carried_over_to_another_crop(qtbot, editor, reader, tmp_path):
    # Scaled by two and shifted: a pixel of the old mask is a quarter of one of the new.
    old = open_crop(qtbot, editor, reader, tmp_path, face_at(150, 100, 40))
    paint(editor, (40, 90), (80, 100))
    edited, source = editor.document.labels.copy(), old.labels
    style = make_portrait(64, "style", seed=2)
    editor.use_style(style)
    editor.use_face(old.photo, face_at(160, 110, 80).points, carry=True)
    settle(qtbot, editor)
    new = editor.portrait
    assert new is not old and new.photo is old.photo and editor.exemplar is style
    document = editor.document
    np.testing.assert_array_equal(document.source, new.labels)
    changed = document.labels != new.labels
    assert changed.any()
    for y, x in zip(*np.nonzero(edited != source), strict=True):
        place = old.alignment.matrix(SIDE) @ (x + 0.5, y + 0.5, 1)
        column, row = np.floor(np.linalg.inv(np.vstack([new.alignment.matrix(SIDE), [0, 0, 1]])) @ (*place, 1))[:2]
        near = document.labels[int(row) - 1 : int(row) + 2, int(column) - 1 : int(column) + 2]
        assert (near == HAIR).any()
    # It is one step: undone, the new crop's own mask is there.
    assert editor.history.index == 1 and editor.last_edit.title == ("Carry over edits",) and editor.unsaved
    editor.undo()
    np.testing.assert_array_equal(document.labels, new.labels)
    settle(qtbot, editor)


def test_carrying_over_to_the_same_crop_changes_nothing(qtbot, editor, reader, tmp_path):
    old = open_crop(qtbot, editor, reader, tmp_path, face_at(150, 100, 40, turn=20))
    paint(editor, (40, 90), (80, 100))
    edited = editor.document.labels.copy()
    editor.use_face(old.photo, old.photo and reader.found[0].points, carry=True)
    settle(qtbot, editor)
    assert editor.portrait is not old
    np.testing.assert_array_equal(editor.document.labels, edited)


def test_without_edits_nothing_is_carried_over(qtbot, editor, reader, heard, tmp_path):
    old = open_crop(qtbot, editor, reader, tmp_path)
    reader.found = [face_at(80, 100), face_at(220, 100)]
    editor.adjust_alignment()
    photo, points, reason = heard["alignment"][0]
    assert photo is old.photo and reason == ""
    np.testing.assert_allclose(alignment_of(points).corners(), old.alignment.corners(), atol=old.alignment.side * 0.02)
    editor.use_face(photo, face_at(140, 90).points, carry=True)
    settle(qtbot, editor)
    assert editor.history.index == 0 and not editor.unsaved


def test_another_face_takes_no_edits_along(qtbot, editor, reader, tmp_path):
    old = open_crop(qtbot, editor, reader, tmp_path)
    paint(editor, (40, 90), (80, 100))
    editor.use_face(old.photo, face_at(155, 100).points, [face_at(155, 100)])
    settle(qtbot, editor)
    assert not editor.document.changed and editor.history.index == 0


def test_a_picture_with_its_own_mask_can_be_cut_out(qtbot, editor, reader, heard, tmp_path):
    write_photo(tmp_path, "ada.png", (600, 400))
    save_mask(tmp_path / "ada_mask.png", make_portrait((400, 600)).labels)
    editor.open_portrait(tmp_path / "ada.png")
    settle(qtbot, editor)
    paint(editor, (280, 200), (320, 200))
    paint(editor, (10, 10), (20, 20))  # outside the crop
    editor.adjust_alignment()
    photo, points, reason = heard["alignment"][0]
    assert "replaced" in reason
    editor.use_face(photo, points, carry=True)
    settle(qtbot, editor)
    assert editor.portrait.alignment is not None
    changed = editor.document.labels != editor.portrait.labels
    assert changed.any() and not changed[:40].any()


def test_a_portrait_made_in_memory_has_no_photo_to_cut(qtbot, editor, heard):
    editor.edit_portrait(make_portrait(64, "ada"))
    editor.adjust_alignment()
    assert not heard["alignment"]


# Parsers


def test_another_parser_labels_from_now_on(qtbot, editor, reader, heard, tmp_path):
    loaded = []
    editor.opening.parser_changed.connect(loaded.append)
    reader.licence = "Not for trade."
    open_crop(qtbot, editor, reader, tmp_path)
    assert [info.title for info in loaded] == ["Shipped"]
    editor.use_parser(tmp_path / "mine.onnx")
    settle(qtbot, editor)
    assert reader.parsers == [None, tmp_path / "mine.onnx"] and loaded[-1].licence == "Not for trade."
    assert editor.opening.parser == tmp_path / "mine.onnx" and "mine" in heard["notice"][0]
    # One that cannot be loaded leaves it in use.
    reader.parser_failure = ModelError("It broke.", "Mend it.")
    editor.use_parser(tmp_path / "broken.onnx")
    settle(qtbot, editor)
    assert heard["problem"] == [reader.parser_failure]
    assert editor.opening.parser == tmp_path / "mine.onnx" and len(loaded) == 2


def test_a_remembered_parser_that_is_gone_gives_way_to_the_shipped_one(qtbot, editor, reader, heard, tmp_path):
    reader.parser_failure = ModelError("Gone.", "Choose another.")
    editor.opening.remember_parser(tmp_path / "gone.onnx")
    assert editor.opening.parser == tmp_path / "gone.onnx" and not reader.made  # not before it is needed
    open_crop(qtbot, editor, reader, tmp_path)
    assert editor.portrait is not None and reader.parsers == [None]
    assert heard["problem"] == [reader.parser_failure] and editor.opening.parser is None


def test_another_device_makes_the_reader_anew(qtbot, editor, reader, tmp_path):
    open_crop(qtbot, editor, reader, tmp_path)
    editor.opening.use_device("cpu")
    assert reader.closed == 0  # the photo thread does that
    open_crop(qtbot, editor, reader, tmp_path)
    assert [device for _, device in reader.made] == ["auto", "cpu"] and reader.closed == 1
    editor.shutdown()
    assert reader.closed == 2 and reader.threads == {"photo"}
