"""The controller without a window: what is shown when, and that nothing is lost."""

import time

import numpy as np
import pytest
from PIL import Image

from app.editor import Editor
from app.rendering import BUSY_AFTER_MS
from engine.files import save_mask
from engine.store import default_weights
from engine.types import EngineError, ModelError, RenderResult
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import stroke

HAIR = 13


@pytest.fixture
def gated():
    return FakeGenerator(gated=True)


@pytest.fixture
def editor(qapp, qtbot, gated):
    editor = Editor()
    editor.load_model(lambda progress: gated)
    qtbot.waitUntil(lambda: editor.info is not None)
    yield editor
    gated.let_go(always=True)
    editor.shutdown()
    editor.deleteLater()


def settle(qtbot, editor):
    qtbot.waitUntil(lambda: not editor.pending, timeout=10_000)


def open_and_paint(qtbot, editor):
    editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    settle(qtbot, editor)
    editor.begin_step(stroke(HAIR, 10, (100, 300)))


def test_painting_goes_on_while_a_render_is_stuck_and_only_the_last_state_follows(qtbot, editor, gated):
    open_and_paint(qtbot, editor)
    gated.wait_for_decode()
    points = [(100, 300)]
    for x in range(110, 400, 5):
        started = time.perf_counter()
        points.append((x, 300))
        editor.extend_step(stroke(HAIR, 10, *points))
        assert time.perf_counter() - started < 1.0  # it does not wait for the render
    editor.end_step()
    assert (editor.document.labels == HAIR)[300, 120:390].all()
    gated.let_go(always=True)
    settle(qtbot, editor)
    assert gated.decoded == 2  # the one that was stuck, and the last state
    assert (gated.calls[-1][0] == HAIR).sum() > (gated.calls[0][0] == HAIR).sum()


def test_busy_sign_after_a_while_only(qtbot, editor, gated):
    signs = []
    editor.busy_changed.connect(signs.append)
    open_and_paint(qtbot, editor)
    assert True not in signs
    with qtbot.waitSignal(editor.busy_changed, timeout=20 * BUSY_AFTER_MS, check_params_cb=lambda busy: busy):
        gated.wait_for_decode()
    gated.let_go(always=True)
    settle(qtbot, editor)
    assert signs[-1] is False
    editor.end_step()


def test_results_of_another_portrait_are_thrown_away(qtbot, editor, gated):
    open_and_paint(qtbot, editor)
    gated.wait_for_decode()
    editor.end_step()
    other = make_portrait(128, "grace", seed=3, mask_size=(512, 512))
    editor.edit_portrait(other)
    gated.let_go(always=True)
    settle(qtbot, editor)
    assert editor.portrait is other
    np.testing.assert_array_equal(editor.picture, editor.source)


def test_an_older_revision_never_replaces_a_newer_one(qtbot, editor, gated):
    gated.let_go(always=True)
    open_and_paint(qtbot, editor)
    editor.extend_step(stroke(HAIR, 10, (100, 300), (300, 300)))
    editor.end_step()
    settle(qtbot, editor)
    shown = editor.picture
    stale = editor._rendering.state(editor.document.labels, None)
    object.__setattr__(stale, "revision", 1)
    editor._rendering._show(RenderResult(stale, image=np.zeros_like(shown)))
    assert editor.picture is shown


def test_a_result_that_is_not_the_newest_is_shown_while_the_hand_moves(qtbot, editor, gated):
    open_and_paint(qtbot, editor)
    first = editor.picture
    gated.wait_for_decode()
    editor.extend_step(stroke(HAIR, 10, (100, 300), (200, 300)))
    gated.let_go()
    qtbot.waitUntil(lambda: editor.picture is not first)
    assert editor.pending
    gated.let_go(always=True)
    editor.end_step()
    settle(qtbot, editor)


def test_shutting_down_waits_for_files_on_their_way(qtbot, gated, tmp_path):
    editor = Editor()
    editor.load_model(lambda progress: gated)
    gated.let_go(always=True)
    open_and_paint(qtbot, editor)
    editor.end_step()
    editor.export_picture(tmp_path / "a.png")
    editor.export_mask(tmp_path / "b.png")
    editor.shutdown()
    for name in ("a.png", "b.png"):
        with Image.open(tmp_path / name) as image:
            image.load()
    assert gated.closed == 1
    editor.deleteLater()


def test_another_edit_in_the_place_of_a_saved_one_is_unsaved(qtbot, editor, gated, tmp_path):
    gated.let_go(always=True)
    open_and_paint(qtbot, editor)
    editor.end_step()
    editor.export_mask(tmp_path / "a.png")
    editor.wait_for_files()
    assert not editor.unsaved
    editor.undo()
    assert editor.unsaved
    editor.redo()
    assert not editor.unsaved
    editor.undo()
    editor.perform(stroke(HAIR, 10, (300, 300)))
    assert editor.history.index == 1 and editor.unsaved
    settle(qtbot, editor)


def test_resetting_in_the_middle_of_a_stroke_takes_the_stroke_back(qtbot, editor, gated):
    gated.let_go(always=True)
    open_and_paint(qtbot, editor)
    editor.reset_mask()
    assert editor.document.trying is None and not editor.document.changed
    editor.extend_step(stroke(HAIR, 10, (100, 300), (200, 200)))
    editor.end_step()
    assert not editor.document.changed
    settle(qtbot, editor)


def test_a_mask_is_loaded_though_a_model_arrives_meanwhile(qtbot, editor, gated, tmp_path):
    gated.let_go(always=True)
    editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    settle(qtbot, editor)
    save_mask(tmp_path / "mask.png", np.full((64, 64), HAIR, np.uint8))
    editor.open_mask(tmp_path / "mask.png")
    editor._rendering._model_loaded(editor.info, None)
    settle(qtbot, editor)
    assert (editor.document.labels == HAIR).all()


def test_a_failed_export_tells_and_stays_unsaved(qtbot, editor, gated, tmp_path):
    gated.let_go(always=True)
    open_and_paint(qtbot, editor)
    editor.end_step()
    settle(qtbot, editor)
    gated.failure = RuntimeError("no memory on the device")
    with qtbot.waitSignal(editor.problem) as caught:
        editor.export_picture(tmp_path / "a.png")
    assert isinstance(caught.args[0], EngineError)
    assert editor.unsaved and not list(tmp_path.iterdir())


def test_remembered_weights_that_are_gone_give_way_to_the_default(qtbot, qapp, tmp_path, monkeypatch):
    loaded = []

    def load(weights, *_):
        loaded.append(weights)
        if weights != default_weights():
            raise ModelError("Gone.", "Choose another.")
        return FakeGenerator()

    monkeypatch.setattr("app.rendering.load_remotely", load)
    editor, problems = Editor(), []
    editor.problem.connect(problems.append)
    editor.load_weights(tmp_path / "mine.safetensors")
    settle(qtbot, editor)
    qtbot.waitUntil(lambda: bool(problems))
    assert loaded == [tmp_path / "mine.safetensors", default_weights()]
    assert editor.info is not None and [str(problem) for problem in problems] == ["Gone. Choose another."]
    # With a model in use it stays.
    editor.load_weights(tmp_path / "other.safetensors")
    settle(qtbot, editor)
    assert len(loaded) == 3
    editor.shutdown()
    editor.deleteLater()


def test_nothing_is_open_yet(qtbot, editor, tmp_path):
    problems = []
    editor.problem.connect(problems.append)
    editor.export_picture(tmp_path / "a.png")
    editor.export_mask(tmp_path / "b.png")
    editor.open_mask(tmp_path / "c.png")
    editor.begin_step(stroke(HAIR, 5, (1, 1)))
    editor.extend_step(stroke(HAIR, 5, (1, 1), (2, 2)))
    editor.end_step()
    editor.reset_mask()
    assert [problem.hint for problem in problems] == ["Open a photo first."] * 3
