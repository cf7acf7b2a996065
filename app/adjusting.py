"""Sliders that change the mask: from the panel's values to steps that are tried out, kept, or adjusted once more."""

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer

from app.adjust_panel import Adjustment, AdjustPanel
from app.titles import face_word
from app.tools.tool import Studio
from engine.mask.face_actions import ACTIONS, FaceAction, available_actions
from engine.mask.morph import Grown, HolesFilled, Smoothed, WithoutIslands
from engine.mask.steps import Step

GROWTH, SMOOTHING = 24.0, 12.0
"""How far a class grows and how large a bump is smoothed at a slider's end, in pixels of a mask of 512."""
ISLAND, HOLE = 2000, 2000
"""The largest island that is removed and the largest hole that is filled at a slider's end, in pixels of one of 512."""

OFFER_MS = 120
"""How long after a change of the mask it is looked for what can be done to it."""


class _Known(NamedTuple):
    """An adjustment of the panel by what it does."""

    name: str
    value: float


class Adjusting(QObject):
    """Does what the panels' sliders say.

    A slider moved again right after its step was kept adjusts that step; it does not add another.

    Parameters
    ----------
    studio
        Whose editor is told, and whose class is shaped.
    face, shape
        The panels: of the face, and of the class that is painted.
    """

    def __init__(self, studio: Studio, face: AdjustPanel, shape: AdjustPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._studio, self._editor = studio, studio.editor
        self._panels = {"face": face, "shape": shape}
        self._trying = ""
        self._readjusting = False
        self._shown: dict[str, float] | None = None
        # Looking for what can be done takes longer than a hand should wait at the end of a stroke.
        self._soon = QTimer(self, singleShot=True, interval=OFFER_MS)
        self._soon.timeout.connect(self._offer)
        face.set_adjustments(face_adjustments())
        shape.set_adjustments(self._shape_adjustments())
        for panel, make in ((face, self._face_step), (shape, self._shape_step)):
            panel.tried.connect(lambda name, value, make=make: self._try(name, make(name, value)))
            panel.kept.connect(lambda name, value, make=make: self._keep(name, make(name, value)))
            panel.given_up.connect(self._give_up)
        self._editor.history_changed.connect(self._show)
        self._editor.portrait_changed.connect(self._start_over)
        self._editor.interrupted.connect(self._forget)
        studio.label_changed.connect(self._show)
        self._show()

    def _try(self, name: str, step: Step) -> None:
        editor = self._editor
        if editor.document is None:
            return
        # The slider that is dragged no longer shows what was last shown.
        self._shown = None
        if self._trying == name and editor.document.trying is not None:
            editor.revise_step(step)
            return
        editor.interrupted.emit()
        editor.end_step()
        again = self._last()
        self._readjusting = again is not None and again.name == name
        self._trying = name
        if self._readjusting:
            editor.undo()
        editor.begin_step(step)

    def _keep(self, name: str, step: Step) -> None:
        self._try(name, step)
        self._trying = ""
        self._editor.end_step()
        self._show()

    def _give_up(self, name: str) -> None:
        if self._trying == name:
            self._trying = ""
            self._editor.cancel_step()
            if self._readjusting:
                self._editor.redo()

    def _forget(self) -> None:
        self._trying = ""
        for panel in self._panels.values():
            panel.let_go()

    def _start_over(self) -> None:
        self._trying = ""
        self._show()

    def _show(self) -> None:
        """Bring the sliders to what was done last, and offer what can be done."""
        document = self._editor.document
        if self._trying:
            return
        values = self._values()
        if values != self._shown:
            self._shown = values
            for panel in self._panels.values():
                panel.set_values(values)
        if document is None:
            self._offer()
        elif not self._soon.isActive():
            self._soon.start()

    def _offer(self) -> None:
        """Enable what can be done to the mask."""
        document = self._editor.document
        names: set[str] = set()
        if document is not None:
            # What was done last can be adjusted, even if it left nothing to do it to.
            names = set(available_actions(document.labels)) | set(self._values())
            if self._studio.label in document.present():
                names |= set(SHAPES)
        for panel in self._panels.values():
            panel.set_enabled_names(names)

    def _values(self) -> dict[str, float]:
        last = self._last()
        return {last.name: last.value} if last is not None else {}

    def _last(self) -> _Known | None:
        """Return the adjustment that the last edit is, if it can be adjusted once more."""
        edit = self._editor.history.last if self._editor.history.can_undo else None
        step = edit.entry.step if edit is not None else None
        if isinstance(step, FaceAction):
            return _Known(step.action, step.strength)
        for name, (kind, label_of, value_of) in SHAPES.items():
            if isinstance(step, kind) and label_of(step) == self._studio.label:
                return _Known(name, value_of(step) / self._scale(name))
        return None

    def _face_step(self, name: str, value: float) -> Step:
        return FaceAction(name, value)

    def _shape_step(self, name: str, value: float) -> Step:
        label, amount = self._studio.label, value * self._scale(name)
        match name:
            case "grow":
                return Grown(label, amount)
            case "smooth":
                return Smoothed(label, amount)
            case "islands":
                return WithoutIslands(label, round(amount))
            case _:
                return HolesFilled(label, round(amount))

    def _scale(self, name: str) -> float:
        """Return what a slider's end stands for, in pixels of the present mask."""
        document = self._editor.document
        side = max(document.labels.shape) / 512 if document is not None else 1.0
        lengths = {"grow": GROWTH * side, "smooth": SMOOTHING * side}
        return lengths.get(name, (ISLAND if name == "islands" else HOLE) * side * side)

    def _shape_adjustments(self) -> list[Adjustment]:
        group = self.tr("The class that is painted")
        return [
            Adjustment("grow", self.tr("Size"), group, -1.0, 1.0, self.tr("smaller"), self.tr("larger")),
            Adjustment("smooth", self.tr("Outline"), group, 0.0, 1.0, self.tr("as it is"), self.tr("smooth")),
            Adjustment("islands", self.tr("Remove islands"), group, 0.0, 1.0, self.tr("none"), self.tr("large ones")),
            Adjustment("holes", self.tr("Fill holes"), group, 0.0, 1.0, self.tr("none"), self.tr("large ones")),
        ]


SHAPES: dict[str, tuple[type[Step], Callable, Callable]] = {
    "grow": (Grown, lambda step: step.label, lambda step: step.by),
    "smooth": (Smoothed, lambda step: step.label, lambda step: step.by),
    "islands": (WithoutIslands, lambda step: step.label, lambda step: step.smallest),
    "holes": (HolesFilled, lambda step: step.label, lambda step: step.largest),
}
"""What shapes a class: its step, and how to read the class and the value from one."""


def face_adjustments() -> list[Adjustment]:
    """Return the face's actions as the panel shows them."""
    return [
        Adjustment(
            action.name,
            face_word(action.title),
            face_word(action.group),
            action.low,
            action.high,
            face_word(action.less),
            face_word(action.more),
        )
        for action in ACTIONS
    ]
