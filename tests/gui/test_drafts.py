"""Drafts while the hand moves, and the exact picture after that: in the controller and in the window."""

import numpy as np
import pytest
from PIL import Image

from app.document import MaskDocument
from app.editor import Editor
from app.mask_editing import MaskEditing
from app.status_bar import StatusBar
from engine.session import Session
from engine.types import EngineError, RenderRequest, RenderResult
from tests.drafting_fakes import FAST_S, LONG_S, SetTimes
from tests.fakes import FakeGenerator, make_portrait
from tests.gui.conftest import stroke

HAT = 14
SIDE = 128
NEVER_S = 1000.0
"""A pause that no test outlasts."""


@pytest.fixture
def times(monkeypatch) -> SetTimes:
    known = SetTimes(FAST_S)
    monkeypatch.setattr("engine.drafting.Times", lambda: known)
    return known


@pytest.fixture
def gated():
    return FakeGenerator(size=SIDE, step=16, drafts="int8", gated=True)


@pytest.fixture
def editor(qapp, qtbot, gated, times):
    """An editor with a portrait that has been rendered once, on a network whose exact renders wait for the test."""
    editor = Editor()
    editor.load_model(lambda progress: gated)
    qtbot.waitUntil(lambda: editor.info is not None)
    editor._rendering.session.pause = 0.0
    editor.edit_portrait(make_portrait(256, "ada", mask_size=(512, 512)))
    gated.wait_for_decode()
    gated.let_go()
    settle(qtbot, editor)
    editor._rendering.session.pause = NEVER_S
    yield editor
    gated.let_go(always=True)
    editor.shutdown()
    editor.deleteLater()


@pytest.fixture
def shown(editor) -> list[RenderResult]:
    """The results that are shown, in order."""
    results: list[RenderResult] = []
    editor.rendered.connect(results.append)
    return results


def settle(qtbot, editor):
    qtbot.waitUntil(lambda: not editor.pending, timeout=10_000)


def draw(qtbot, editor, shown, *ends: int):
    """Draw a stroke as far as each column of the mask, and wait each time until that shows."""
    for end in ends:
        count = len(shown)
        step = stroke(HAT, 10, *((x, 300) for x in range(100, end, 5)))
        if editor.document.trying is None:
            editor.begin_step(step)
        else:
            editor.extend_step(step)
        qtbot.waitUntil(lambda count=count: len(shown) > count, timeout=10_000)


def exactly(editor, whole: bool = False) -> np.ndarray:
    """Return what a network that has rendered nothing before makes of the mask."""
    session = Session(FakeGenerator(size=SIDE))
    session.open(editor.portrait)
    image = session.render(RenderRequest(0, 0, editor.document.labels, whole=whole)).image
    assert image is not None
    return image


# The controller


def test_a_drag_shows_drafts_and_then_the_exact_picture(qtbot, editor, shown, gated):
    draw(qtbot, editor, shown, 120, 140, 160)
    assert [result.draft for result in shown] == [True] * 3
    assert all(result.request.moving for result in shown)
    assert editor.picture is shown[-1].image and editor.pending
    assert not np.array_equal(editor.picture, exactly(editor))
    gated.let_go()
    editor.end_step()
    settle(qtbot, editor)
    assert not shown[-1].draft and not shown[-1].request.moving and len(shown) == 4
    np.testing.assert_array_equal(editor.picture, exactly(editor))
    assert gated.decoded == 2  # the unedited portrait, and the end of the stroke
    assert len(gated.drafted) == 3


def test_a_resting_hand_sees_the_exact_picture_though_it_holds_on(qtbot, editor, shown, gated):
    editor._rendering.session.pause = 0.0
    draw(qtbot, editor, shown, 140)
    gated.let_go()
    settle(qtbot, editor)
    assert [result.draft for result in shown] == [True, False]
    np.testing.assert_array_equal(editor.picture, exactly(editor))
    # The end of the stroke changes nothing, and costs nothing.
    before = editor.picture
    editor.end_step()
    settle(qtbot, editor)
    assert editor.picture is before and gated.decoded == 2


def test_it_is_pending_until_the_last_state_is_shown_exactly(qtbot, editor, shown, gated):
    draw(qtbot, editor, shown, 120)
    editor.end_step()
    gated.wait_for_decode()
    assert editor.pending
    draw_next = stroke(HAT, 10, (100, 200))
    editor.perform(draw_next)
    gated.let_go(always=True)
    settle(qtbot, editor)
    assert shown[-1].request.revision == editor._rendering._revision and not shown[-1].draft
    np.testing.assert_array_equal(editor.picture, exactly(editor))


def test_what_is_newer_and_what_is_exact_stays(editor):
    rendering = editor._rendering
    rendering._revision += 9
    pictures = {}

    def comes(revision: int, draft: bool) -> bool:
        """Tell whether such a result is shown."""
        request = RenderRequest(rendering._epoch, rendering._revision - 9 + revision, editor.document.labels)
        image = pictures[revision, draft] = np.full_like(editor.source, 10 * revision + draft)
        rendering._show(RenderResult(request, image, draft=draft))
        return editor.picture is image

    assert comes(3, draft=True)
    assert comes(3, draft=False), "the exact picture replaces its draft"
    assert not comes(3, draft=True) and not comes(3, draft=False)
    assert not comes(2, draft=False) and not comes(2, draft=True), "older states never come back"
    assert comes(5, draft=True), "a newer draft replaces an older exact picture"
    assert not comes(4, draft=False), "which would be a step back"
    assert not comes(4, draft=True)
    assert comes(5, draft=False) and comes(9, draft=True)
    assert rendering.pending
    assert comes(9, draft=False) and not rendering.pending


def test_drafts_of_another_portrait_are_thrown_away(qtbot, editor, shown, gated):
    draw(qtbot, editor, shown, 120)
    stale = shown[-1]
    editor.end_step()
    gated.let_go(always=True)
    other = make_portrait(128, "grace", seed=3, mask_size=(512, 512))
    editor.edit_portrait(other)
    settle(qtbot, editor)
    editor._rendering._show(stale)
    np.testing.assert_array_equal(editor.picture, editor.source)


def test_a_slow_exact_render_gives_way_to_the_next_stroke(qtbot, editor, shown, gated, times):
    problems: list[EngineError] = []
    editor.problem.connect(problems.append)
    times.exact = LONG_S
    draw(qtbot, editor, shown, 120)
    editor.end_step()
    gated.wait_for_decode()
    # It never ends by itself: only if it is cancelled, the next draft can come.
    draw(qtbot, editor, shown, 140)
    assert gated.cancelled == 1 and [result.draft for result in shown] == [True, True]
    gated.let_go(always=True)
    editor.end_step()
    settle(qtbot, editor)
    assert not shown[-1].draft and problems == []
    np.testing.assert_array_equal(editor.picture, exactly(editor))


def test_a_slow_exact_render_is_not_begun_again_when_the_hand_lets_go(qtbot, editor, shown, gated, times):
    times.exact = LONG_S
    editor._rendering.session.pause = 0.0
    draw(qtbot, editor, shown, 140)
    gated.wait_for_decode()
    editor.end_step()
    gated.let_go()
    settle(qtbot, editor)
    assert gated.cancelled == 0 and gated.decoded == 2
    np.testing.assert_array_equal(editor.picture, exactly(editor))


def test_exports_in_the_middle_of_a_drag_hold_no_draft(qtbot, editor, shown, gated, tmp_path):
    draw(qtbot, editor, shown, 120, 140)
    assert shown[-1].draft
    gated.let_go(always=True)
    editor.export_picture(tmp_path / "a.png")
    editor.wait_for_files()
    session = Session(FakeGenerator(size=SIDE))
    session.open(editor.portrait)
    expected = session.export(RenderRequest(0, 0, editor.document.labels))
    with Image.open(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), expected)
    editor.end_step()
    settle(qtbot, editor)


def test_a_render_for_comparison_is_exact(qtbot, editor, shown, gated):
    draw(qtbot, editor, shown, 140)
    gated.let_go(always=True)
    results: list[RenderResult] = []
    editor.render_once(editor.document.labels, lambda result, error: results.append(result))
    qtbot.waitUntil(lambda: bool(results), timeout=10_000)
    assert not results[0].draft
    np.testing.assert_array_equal(results[0].image, exactly(editor))
    editor.end_step()
    settle(qtbot, editor)


def test_a_failed_exact_render_after_a_draft_is_told_and_a_draft_is_no_recovery(qtbot, editor, shown, gated):
    problems: list[EngineError] = []
    recovered: list[bool] = []
    editor.problem.connect(problems.append)
    editor.recovered.connect(lambda: recovered.append(True))
    draw(qtbot, editor, shown, 120)
    gated.failure = RuntimeError("no")
    gated.let_go(always=True)
    editor.end_step()
    settle(qtbot, editor)
    assert len(problems) == 1 and not recovered
    gated.failure = None
    editor._rendering._show(
        RenderResult(editor._rendering.state(editor.document.labels, None, moving=True), shown[-1].image, draft=True)
    )
    assert not recovered
    editor.perform(stroke(HAT, 10, (100, 200)))
    settle(qtbot, editor)
    assert recovered == [True] and not shown[-1].draft


def test_waiting_for_the_hand_to_rest_is_no_business(qtbot, editor, shown, gated):
    session, timer = editor._rendering.session, editor._rendering._busy_timer
    session.pause = 3.0
    draw(qtbot, editor, shown, 120)
    assert timer.isActive() and timer.interval() == 3200
    gated.let_go(always=True)
    editor.end_step()
    settle(qtbot, editor)
    assert not timer.isActive()


# What is asked for


def test_only_a_step_that_is_tried_out_is_in_motion(qapp):
    editing, asked = MaskEditing(), []
    editing.document = document = MaskDocument(np.zeros((40, 60), np.uint8))
    editing.request_render = lambda: asked.append(document.trying is not None)

    def since() -> list[bool]:
        before = asked.copy()
        asked.clear()
        return before

    first = stroke(5, 3, (10, 10))
    editing.begin_step(first)
    editing.extend_step(stroke(5, 3, (10, 10), (20, 10)))
    editing.revise_step(stroke(5, 3, (30, 10)))
    assert since() == [True] * 3
    editing.end_step()
    assert since() == [False]
    editing.end_step()
    assert since() == []
    editing.perform(stroke(5, 3, (50, 30)))
    assert since() == [False], "what is done at once is asked for once"
    editing.begin_step(stroke(6, 3, (20, 20)))
    editing.cancel_step()
    assert since() == [True, False]
    editing.undo()
    assert since() == [False]


# The window


def test_the_status_bar_tells_both_times_and_does_not_jump(qtbot, editor):
    bar = StatusBar(editor)
    qtbot.addWidget(bar)
    request = RenderRequest(0, 0, editor.document.labels)

    def tells(seconds: float, draft: bool = False) -> str:
        editor.rendered.emit(RenderResult(request, timings={"total": seconds}, draft=draft))
        return bar.timing.text()

    assert tells(0.0624) == "Rendered in 62 ms"
    assert tells(0.0144, draft=True) == "Preview 14 ms, final 62 ms"
    width = bar.timing.sizeHint().width()
    assert tells(0.0161, draft=True) == "Preview 16 ms, final 62 ms"
    assert tells(0.0702) == "Preview 16 ms, final 70 ms"
    assert bar.timing.sizeHint().width() == width
    editor.model_changed.emit()
    assert tells(0.0142, draft=True) == "Preview 14 ms, final – ms"
    assert tells(0.05) == "Preview 14 ms, final 50 ms"
