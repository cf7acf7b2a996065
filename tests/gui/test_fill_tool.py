"""The tool that fills: which regions a click changes, and what it leaves alone."""

import numpy as np
import pytest

from app.tools.fill import FillTool
from engine.mask.steps import Mirror, Protection
from resources.labels import BY_NAME
from tests.gui.easel import TURNED, Easel

SKIN, HAIR, L_EYE, R_EYE = (BY_NAME[name].id for name in ("skin", "hair", "l_eye", "r_eye"))


def face() -> np.ndarray:
    """Return skin with an eye on either side of x = 15, and a second speck of the left one."""
    labels = np.full((20, 30), SKIN, np.uint8)
    labels[8:11, 5:9], labels[8:11, 21:25], labels[2, 2] = R_EYE, L_EYE, L_EYE
    return labels


def make(**options) -> Easel:
    easel = Easel(face(), FillTool, **options)
    easel.studio.set_label(HAIR)
    easel.studio.set_axis(Mirror(15, 10))
    return easel


def test_click_fills_the_region_as_one_edit(qapp):
    easel = make()
    easel.click(22.5, 9.5)
    expected = face()
    expected[8:11, 21:25] = HAIR
    np.testing.assert_array_equal(easel.labels, expected)
    assert easel.edits == 1 and easel.tool.resting
    easel.editor.undo()
    np.testing.assert_array_equal(easel.labels, face())


def test_view_does_not_matter(qapp):
    easel = make(view=TURNED)
    easel.click(22.5, 9.5)
    assert (easel.labels == HAIR).sum() == 12


def test_all_regions_of_the_class(qapp):
    easel = make(fill_all=True)
    easel.click(2.9, 2.9)
    np.testing.assert_array_equal(easel.labels, np.where(face() == L_EYE, HAIR, face()))


@pytest.mark.parametrize("replaced, edits", [(L_EYE, 1), (SKIN, 0), (-1, 1)])
def test_only_the_class_to_replace(qapp, replaced, edits):
    easel = make(replaced=replaced)
    easel.click(22.5, 9.5)
    assert easel.edits == edits and (easel.labels != face()).any() == bool(edits)


def test_both_sides(qapp):
    easel = make(symmetric=True)
    easel.studio.set_label(BY_NAME["l_brow"].id)
    easel.click(22.5, 9.5)
    assert (easel.labels[8:11, 21:25] == BY_NAME["l_brow"].id).all()
    assert (easel.labels[8:11, 5:9] == BY_NAME["r_brow"].id).all()
    assert easel.edits == 1


@pytest.mark.parametrize("place", [(-1, 5), (30, 5), (5, 20), (5, -0.5)])
def test_click_outside_the_mask(qapp, place):
    easel = make()
    easel.click(*place)
    assert not easel.edits


def test_quick_clicks_are_all_fills(qapp):
    easel = make()
    easel.click(22.5, 9.5)
    easel.tool.double(easel.hand(20.5, 9.5))
    assert easel.edits == 2 and (easel.labels == SKIN).sum() == 0


def test_fill_with_the_class_that_is_there_already(qapp):
    easel = make()
    easel.studio.set_label(SKIN)
    easel.click(1, 15)
    assert not easel.edits


def test_protected_class(qapp):
    easel = make()
    easel.editor.set_protection(Protection(locked=(L_EYE,)))
    easel.click(22.5, 9.5)
    np.testing.assert_array_equal(easel.labels, face())


def test_without_a_portrait(qapp):
    easel = Easel(None, FillTool)
    easel.click(3, 3)
    easel.double(3, 3)
    easel.tool.finish()
    assert not easel.tool.escape()
