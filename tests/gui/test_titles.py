"""Names that the engine writes in English are known to the translators, and are put together right."""

import ast
import inspect
import string
import textwrap
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator

import app
from app.titles import FACE_WORDS, LABEL_TITLES, STEP_TITLES, face_word, label_title, step_title
from engine.mask import face_actions, kinds
from engine.mask.face_actions import ACTIONS, FaceAction
from engine.mask.steps import Step
from engine.mask.written import Written
from resources.labels import LABELS


def all_kinds(base=Step):
    for kind in base.__subclasses__():
        # Tests define kinds of their own; a slotted dataclass leaves the class behind that it was made from.
        if kind.kind and kind.__module__.startswith("engine.") and inspect.getattr_static(kind, "__slots__", None):
            yield kind
        yield from all_kinds(kind)


def first_texts(node):
    """Return the templates that a title may begin with; fails where they cannot be read from the source."""
    match node:
        case ast.Tuple(elts=[first, *_]):
            return first_texts(first)
        case ast.IfExp(body=one, orelse=other):
            return first_texts(one) | first_texts(other)
        case ast.Constant(value=str(text)):
            return {text}
    raise AssertionError(f"no template can be read from {ast.dump(node)}")


def templates(kind):
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind.title.fget)))
    return set().union(*(first_texts(node.value) for node in ast.walk(tree) if isinstance(node, ast.Return)))


def written_names():
    """Return the names that the application gives to masks that it writes."""
    names = set()
    for file in Path(app.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = {"replace_mask": 1, "Written": 0}.get(called, len(node.args))
            given = node.args[place] if place < len(node.args) else None
            if isinstance(given, ast.Constant):
                names.add(given.value)
    return names - {""}


def test_every_kind_of_step_is_looked_at():
    names = {kind.kind for kind in all_kinds()}
    assert {"stroke", "written", "face"} <= names and len(names) >= len(kinds.__all__)


PLAIN = sorted(set(all_kinds()) - {Written, FaceAction}, key=lambda kind: kind.kind)
"""The kinds whose titles can be read from their source."""


@pytest.mark.parametrize("kind", PLAIN, ids=[kind.kind for kind in PLAIN])
def test_every_template_of_a_step_can_be_translated(kind):
    assert templates(kind) and templates(kind) <= set(STEP_TITLES)


def test_names_of_written_masks_can_be_translated():
    assert {"Reset mask", "Load mask"} <= written_names() <= set(STEP_TITLES)


def test_all_words_of_the_face_can_be_translated():
    for action in ACTIONS:
        assert {action.title, action.group, action.less, action.more} - {""} <= set(FACE_WORDS)
        for strength in {action.low, action.high}:
            assert FaceAction(action.name, strength).title[0] in STEP_TITLES
    assert face_actions.BY_ACTION


def test_nothing_is_listed_that_no_step_is_called():
    used = set().union(*(templates(kind) for kind in PLAIN)) | written_names()
    used |= {FaceAction(action.name, action.high).title[0] for action in ACTIONS}
    assert used == set(STEP_TITLES)
    words = {word for each in ACTIONS for word in (each.title, each.group, each.less, each.more)} - {""}
    assert words == set(FACE_WORDS) and len(FACE_WORDS) == len(words)


def test_all_classes_can_be_translated():
    assert tuple(label.title for label in LABELS) == LABEL_TITLES
    assert [label_title(label.id) for label in LABELS] == list(LABEL_TITLES)


def test_titles_are_filled_in():
    assert step_title(("Restore",)) == "Restore"
    assert step_title(("Replace {0} by {1}", "Hair", "Hat")) == "Replace Hair by Hat"
    assert step_title(("Smile {0}", "+35 %")) == "Smile +35 %"
    # A name from a project file is no template of ours, but a text.
    assert step_title(("100 % {sure}",)) == "100 % {sure}"


def test_places_are_numbered_without_gaps():
    for template in STEP_TITLES:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
        assert fields == [str(place) for place in range(len(fields))]


def test_a_translation_is_used(qapp):
    class Backwards(QTranslator):
        def translate(self, context, text, disambiguation=None, n=-1):
            known = {("Step", "Paint {0}"): "{0} painted", ("Label", "Hair"): "Riah", ("FaceAction", "Smile"): "Elims"}
            return known.get((context, text), "")

        def isEmpty(self):
            return False

    translator = Backwards()
    QCoreApplication.installTranslator(translator)
    try:
        assert step_title(("Paint {0}", "Hair")) == "Riah painted"
        assert face_word("Smile") == "Elims" and label_title(13) == "Riah"
    finally:
        QCoreApplication.removeTranslator(translator)
