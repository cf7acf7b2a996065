"""Random sequences of tools: what must hold whatever a person does."""

import json

import cv2
import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.document import MaskDocument
from app.mask_editing import MaskEditing
from engine.mask.face_actions import ACTIONS, FaceAction
from engine.mask.fills import Area, Fill, Relabelled, Reverted
from engine.mask.liquify import Liquify
from engine.mask.morph import Grown, HolesFilled, Smoothed, WithoutIslands
from engine.mask.steps import Entry, Ground, Mirror, Protection, Step, done
from engine.mask.strokes import Stroke
from engine.mask.transform import Transform
from resources.labels import BY_NAME, LABEL_COUNT

SIDE = 72


def face() -> np.ndarray:
    """Return the mask of a drawn face, uint8 (72, 72), with most classes."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    shapes = (
        ("cloth", (36, 70), (30, 10)), ("neck", (36, 58), (9, 12)), ("hair", (36, 30), (24, 26)),
        ("skin", (36, 36), (17, 21)), ("r_ear", (18, 36), (2, 5)), ("l_ear", (54, 36), (2, 5)),
        ("r_brow", (29, 26), (5, 1)), ("l_brow", (43, 26), (5, 1)), ("r_eye", (29, 31), (4, 2)),
        ("l_eye", (43, 31), (4, 2)), ("nose", (36, 38), (3, 6)), ("u_lip", (36, 47), (6, 2)),
        ("mouth", (36, 49), (5, 1)), ("l_lip", (36, 51), (5, 2)),
    )  # fmt: skip
    for name, centre, axes in shapes:
        cv2.ellipse(mask, centre, axes, 0, 0, 360, BY_NAME[name].id, -1)
    return mask


ids = st.integers(0, LABEL_COUNT - 1)
places = st.floats(-6, SIDE + 6, width=32)
mirrors = st.none() | st.builds(Mirror, st.just(36.0), st.just(36.0), st.floats(-0.3, 0.3))
dabs = st.lists(st.tuples(places, places, st.floats(0, 9, width=32)), min_size=1, max_size=6)
corners = st.lists(st.tuples(places, places), min_size=3, max_size=7)
small = st.floats(-0.375, 0.375, width=32)
affine = st.tuples(small, small, st.floats(-12, 12, width=32), small, small, st.floats(-12, 12, width=32)).map(
    lambda v: np.array([[1 + v[0], v[1], v[2]], [v[3], 1 + v[4], v[5]]], np.float32)
)
steps = st.one_of(
    st.builds(Stroke, st.none() | ids, dabs, mirrors, st.booleans()),
    st.builds(Fill, ids, places, places, st.booleans(), mirrors),
    st.builds(Area, st.none() | ids, corners, st.just("polygon"), st.none() | ids, mirrors),
    st.builds(Relabelled, ids, ids),
    st.builds(Reverted, places, places),
    st.builds(Transform, ids, places, places, affine, mirror=mirrors),
    st.builds(Liquify, points=dabs, strength=st.floats(0.1, 1), mirror=mirrors),
    st.builds(Grown, ids, st.floats(-6, 6)),
    st.builds(Smoothed, ids, st.floats(0, 5)),
    st.builds(WithoutIslands, ids, st.integers(0, 60)),
    st.builds(HolesFilled, ids, st.integers(0, 60)),
    *(st.builds(FaceAction, st.just(action.name), st.floats(action.low, action.high)) for action in ACTIONS),
)
protections = st.builds(Protection, st.lists(ids, max_size=3), st.none() | st.lists(ids, min_size=1, max_size=9))


class Studio(RuleBasedStateMachine):
    """A person with all tools."""

    @initialize(seed=st.integers(0, 3))
    def open(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.editing = MaskEditing()
        picture = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        self.editing.document = self.document = MaskDocument(
            face(), np.asarray(cv2.GaussianBlur(picture, (0, 0), 3), np.uint8)
        )
        # A budget that some sequences exceed.
        self.editing.history.set_budget(400_000 if seed else 12_000)

    def _checked(self, action) -> None:
        """Do something to the mask; what is locked must come out of it as it was."""
        before = self.document.ground.labels.copy()
        kept = ~self.document.protection.table()[before]
        action()
        assert np.array_equal(self.document.labels[kept], before[kept])

    @rule(step=steps)
    def perform(self, step: Step) -> None:
        self._checked(lambda: self.editing.perform(step))

    @rule(first=steps, others=st.lists(steps, max_size=2))
    def try_out_and_keep(self, first: Step, others: list[Step]) -> None:
        def action() -> None:
            self.editing.begin_step(first)
            for other in others:
                self.editing.revise_step(other)
            self.editing.end_step()

        self._checked(action)

    @rule(first=steps, others=st.lists(steps, max_size=2))
    def try_out_and_give_up(self, first: Step, others: list[Step]) -> None:
        before, count = self.document.labels.copy(), len(self.editing.history.edits)
        self.editing.begin_step(first)
        for other in others:
            self.editing.revise_step(other)
        self.editing.cancel_step()
        assert np.array_equal(self.document.labels, before) and len(self.editing.history.edits) == count

    @rule(label=st.none() | ids, points=dabs, mirror=mirrors, snap=st.booleans())
    def paint_piece_by_piece(self, label, points, mirror, snap) -> None:
        whole = Stroke(label, points, mirror, snap)
        expected = done(self.document.ground, Entry(whole, self.document.protection))
        self.editing.begin_step(Stroke(label, points[:1], mirror, snap))
        for count in range(2, len(points) + 1):
            self.editing.extend_step(Stroke(label, points[:count], mirror, snap))
        self.editing.end_step()
        assert np.array_equal(self.document.labels, expected)

    @rule(protection=protections | st.just(Protection()))
    def protect(self, protection: Protection) -> None:
        self.editing.set_protection(protection)

    @rule()
    def undo(self) -> None:
        self.editing.undo()

    @rule()
    def redo(self) -> None:
        self.editing.redo()

    @precondition(lambda self: self.editing.history.edits)
    @rule(data=st.data())
    def jump(self, data) -> None:
        self.editing.jump(data.draw(st.integers(0, len(self.editing.history.edits))))

    @rule()
    def reset(self) -> None:
        self.editing.reset_mask()
        assert not self.document.changed

    @rule()
    def undo_all_and_redo_all(self) -> None:
        history = self.editing.history
        index, present = history.index, self.document.labels.copy()
        self.editing.jump(0)
        if not history.dropped:
            assert np.array_equal(self.document.labels, self.document.source)
        self.editing.jump(index)
        assert np.array_equal(self.document.labels, present)

    @invariant()
    def ids_are_classes(self) -> None:
        if hasattr(self, "document"):
            assert self.document.labels.max() < LABEL_COUNT

    def teardown(self) -> None:
        """Do the same anew from the edit list as a project file has it."""
        if not hasattr(self, "document"):
            return
        listed = json.loads(json.dumps([entry.data() for entry in self.editing.history.done]))
        labels = self.document.source
        for data in listed:
            labels = done(Ground(labels, self.document.source, self.document.pixels), Entry.read(data))
        assert np.array_equal(labels, self.document.labels)


Studio.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
TestStudio = Studio.TestCase
