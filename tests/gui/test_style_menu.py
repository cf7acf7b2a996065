"""Whose style is taken, and for which parts of the face."""

import numpy as np
import pytest
from PIL import Image

from resources.labels import BY_NAME, LABEL_COUNT
from tests.fakes import make_portrait
from tests.gui.conftest import settle

HAIR = BY_NAME["hair"].id


def part(window, title):
    return next(action for action in window.actions_.style_menu.parts.actions() if action.text() == title)


@pytest.fixture
def styled(window, qtbot):
    """Return the window with a portrait in an exemplar's style."""
    window.editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    window.editor.use_style(make_portrait(200, "eve", seed=3))
    settle(qtbot, window)
    return window


def test_parts_can_be_chosen_only_where_there_is_an_exemplar(window, qtbot):
    window.editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    settle(qtbot, window)
    parts = window.actions_.style_menu.parts
    assert not parts.isEnabled()
    assert parts.checkedAction().text() == "Whole face"
    window.editor.use_style(make_portrait(200, "eve", seed=3))
    assert parts.isEnabled()
    window.editor.use_style(None)
    assert not parts.isEnabled()


def test_a_part_takes_the_style_and_all_else_stays(styled, qtbot):
    editor = styled.editor
    whole = editor.picture.copy()
    part(styled, "Hair").trigger()
    assert editor.style_classes == (HAIR,)
    assert part(styled, "Hair").isChecked() and not part(styled, "Whole face").isChecked()
    assert "hair" in styled.page.style_button.toolTip() and "eve" in styled.page.style_button.toolTip()
    settle(qtbot, styled)
    changed = (editor.picture != editor.source).any(axis=2)
    hair = editor.document.labels == HAIR
    assert changed[hair].any()
    far = np.ones_like(hair)
    rows, columns = np.nonzero(hair)
    far[max(0, rows.min() - 20) : rows.max() + 20, max(0, columns.min() - 20) : columns.max() + 20] = False
    assert not changed[far].any()
    assert not np.array_equal(editor.picture, whole)
    part(styled, "Whole face").trigger()
    settle(qtbot, styled)
    assert editor.style_classes == ()
    assert np.array_equal(editor.picture, whole)


def test_what_is_exported_is_what_is_shown(styled, qtbot, tmp_path):
    part(styled, "Hair").trigger()
    settle(qtbot, styled)
    styled.editor.export_picture(tmp_path / "out.png")
    settle(qtbot, styled)
    exported = np.asarray(Image.open(tmp_path / "out.png"))
    source = styled.editor.portrait.pixels
    changed = (exported != source).any(axis=2)
    assert changed.any() and not changed.all()


def test_parts_are_of_known_classes(window):
    for action in window.actions_.style_menu.parts.actions():
        ids = action.data()
        assert len(set(ids)) == len(ids) and all(0 <= label < LABEL_COUNT for label in ids)
