"""The mask being edited: steps tried out in a numpy buffer, and edits that can be undone. Knows nothing of Qt."""

import zlib
from dataclasses import dataclass

import numpy as np

from engine.mask.steps import EMPTY, Entry, Ground, Protection, Step
from engine.mask.written import Written
from engine.types import LabelMap, Pixels, Region
from resources.labels import LABEL_COUNT


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """A change of a rectangle of the mask; undo writes ``before``, redo writes ``after``.

    Attributes
    ----------
    entry
        What was done.
    region
        The tight bounding box of what changed.
    packed
        Its labels before and after the change, each compressed (zlib): see `before` and `after`.
    """

    entry: Entry
    region: Region
    packed: tuple[bytes, bytes]

    @classmethod
    def of(cls, entry: Entry, region: Region, before: LabelMap, after: LabelMap) -> "Edit":
        """Make an edit from the region's labels, uint8 (h, w), on either side of it."""
        # The fastest level: label maps shrink to a hundredth at any, and a hand is waiting.
        first, second = (zlib.compress(crop.tobytes(), 1) for crop in (before, after))
        return cls(entry, region, (first, second))

    @property
    def title(self) -> tuple[str, ...]:
        """What was done, for the history: see `Step.title`."""
        return self.entry.step.title

    @property
    def before(self) -> LabelMap:
        """The region's labels before the change, uint8 (h, w)."""
        return self._unpacked(0)

    @property
    def after(self) -> LabelMap:
        """The region's labels after the change, uint8 (h, w)."""
        return self._unpacked(1)

    @property
    def nbytes(self) -> int:
        """The memory that the edit takes, for the undo budget."""
        step = sum(value.nbytes for value in _arrays(self.entry.step))
        return len(self.packed[0]) + len(self.packed[1]) + step + 500

    def _unpacked(self, side: int) -> LabelMap:
        shape = (self.region.y1 - self.region.y0, self.region.x1 - self.region.x0)
        return np.frombuffer(zlib.decompress(self.packed[side]), np.uint8).reshape(shape)


def _arrays(step: Step) -> list[np.ndarray]:
    values = (getattr(step, name) for name in step.__dataclass_fields__)
    return [value for value in values if isinstance(value, np.ndarray)]


@dataclass(slots=True)
class _Trial:
    """A step being tried out: what the mask was before it, what it wants, and where it may have changed the mask."""

    step: Step
    protection: Protection
    ground: Ground
    work: LabelMap
    region: Region = EMPTY
    drawn: int = 0


class MaskDocument:
    """The mask of one portrait while it is edited.

    Parameters
    ----------
    source
        The mask to start from, uint8 of shape (H, W), ids 0..18. It is copied.
    pixels
        The picture at the mask's resolution, uint8 (H, W, 3), for steps that look at it; None for a grey one.
    edited
        What the mask is now, like the source; None for the source itself.

    Attributes
    ----------
    labels
        The current mask, uint8 of shape (H, W), C-contiguous. It is one buffer for the document's whole life, written
        in place, because the canvas's image wraps it. Others read it; only the document writes to it.
    source
        The original mask, read-only.
    pixels
        The picture, read-only.
    protection
        Which classes steps may change, from the next one on.

    Raises
    ------
    ValueError
        If the source is not a label map, or picture or edited mask are not of its size.
    """

    def __init__(self, source: LabelMap, pixels: Pixels | None = None, edited: LabelMap | None = None) -> None:
        if source.ndim != 2 or not source.size:
            raise ValueError(f"a mask must be of shape (H, W) and hold a pixel, not {source.shape}")
        self.source: LabelMap = np.array(checked(source, source.shape), order="C")
        self.source.setflags(write=False)
        self.labels: LabelMap = np.array(checked(self.source if edited is None else edited, source.shape), order="C")
        self.pixels: Pixels = np.full((*source.shape, 3), 128, np.uint8) if pixels is None else pixels.view()
        if self.pixels.shape != (*source.shape, 3) or self.pixels.dtype != np.uint8:
            raise ValueError(f"a picture of shape {self.pixels.shape} does not fit a mask of shape {source.shape}")
        self.pixels.setflags(write=False)
        self.protection = Protection()
        self._trial: _Trial | None = None

    @property
    def trying(self) -> Step | None:
        """The step that is being tried out."""
        return self._trial.step if self._trial is not None else None

    @property
    def changed(self) -> bool:
        """Whether the mask differs from the source."""
        return not np.array_equal(self.labels, self.source)

    def present(self) -> list[int]:
        """Return the ids of the classes that the mask has, ascending."""
        return np.flatnonzero(np.bincount(self.labels.ravel(), minlength=LABEL_COUNT)).tolist()

    @property
    def ground(self) -> Ground:
        """What a step that is tried out now is done to; its labels are those before a step that is under way."""
        return self._trial.ground if self._trial is not None else Ground(self.labels, self.source, self.pixels)

    def begin(self, step: Step) -> Region:
        """Start to try a step out: its effect shows in `labels`.

        Returns
        -------
        Region
            Nothing changed outside it. It may be empty.

        Raises
        ------
        ValueError
            If another one is being tried out.
        """
        self._require_idle()
        before = self.labels.copy()
        # Without protection what the step wants is what the mask becomes.
        work = self.labels if self.protection.free else before.copy()
        before.setflags(write=False)
        self._trial = _Trial(step, self.protection, Ground(before, self.source, self.pixels), work)
        return self._draw(self._trial)

    def extend(self, step: Step) -> Region:
        """Go on with a step in pieces: ``step`` has the earlier pieces and some more, and only those are drawn.

        Raises
        ------
        ValueError
            If no step is being tried out, or this one has fewer pieces.
        """
        trial = self._require_trial()
        if step.pieces < trial.drawn:
            raise ValueError(f"{step.pieces} pieces do not extend {trial.drawn}")
        trial.step = step
        return self._draw(trial)

    def revise(self, step: Step) -> Region:
        """Try another step out in place of the present one.

        Raises
        ------
        ValueError
            If no step is being tried out.
        """
        trial = self._require_trial()
        region = self._restore(trial)
        trial.step, trial.region, trial.drawn = step, EMPTY, 0
        return region.union(self._draw(trial))

    def commit(self) -> Edit | None:
        """Keep what is being tried out and return it as an edit, None if it changed nothing.

        Raises
        ------
        ValueError
            If no step is being tried out.
        """
        trial = self._require_trial()
        self._trial = None
        before, after = trial.ground.labels[trial.region.slices], self.labels[trial.region.slices]
        tight = Region.of(before != after)
        if tight.empty:
            return None
        place = tight.moved(trial.region.y0, trial.region.x0)
        entry = Entry(trial.step, trial.protection)
        return Edit.of(entry, place, before[tight.slices], after[tight.slices])

    def abort(self) -> Region:
        """Take back what is being tried out, and return where it was; harmless if there is nothing."""
        if self._trial is None:
            return EMPTY
        trial, self._trial = self._trial, None
        return self._restore(trial)

    def perform(self, step: Step) -> Edit | None:
        """Do a step and return it as an edit, None if it changed nothing.

        Raises
        ------
        ValueError
            If another one is being tried out.
        """
        self.begin(step)
        return self.commit()

    def replace(self, labels: LabelMap, name: str) -> Edit | None:
        """Write a whole mask, uint8 of shape (H, W), ids 0..18, as one edit called ``name``, whatever is protected.

        Raises
        ------
        ValueError
            If a step is being tried out, or the mask does not fit.
        """
        self._require_idle()
        checked(labels, self.labels.shape)
        kept, self.protection = self.protection, Protection()
        try:
            return self.perform(Written(name, 0, 0, labels))
        finally:
            self.protection = kept

    def apply(self, edit: Edit, undo: bool = False) -> Region:
        """Redo an edit, or undo it, and return where.

        Raises
        ------
        ValueError
            If a step is being tried out, or the edit belongs to a mask of another size.
        """
        self._require_idle()
        (height, width), region = self.labels.shape, edit.region
        if not (0 <= region.y0 <= region.y1 <= height and 0 <= region.x0 <= region.x1 <= width):
            raise ValueError(f"{region} does not lie within a mask of {height} rows and {width} columns")
        self.labels[region.slices] = edit.before if undo else edit.after
        return region

    def _draw(self, trial: _Trial) -> Region:
        region = EMPTY
        for piece in range(trial.drawn, trial.step.pieces):
            region = region.union(trial.step.draw(trial.ground, trial.work, piece))
        trial.drawn = trial.step.pieces
        if trial.work is not self.labels:
            before, wanted = trial.ground.labels[region.slices], trial.work[region.slices]
            self.labels[region.slices] = np.where(trial.protection.table()[before], wanted, before)
        trial.region = trial.region.union(region)
        return region

    def _restore(self, trial: _Trial) -> Region:
        for labels in (self.labels, trial.work):
            labels[trial.region.slices] = trial.ground.labels[trial.region.slices]
        return trial.region

    def _require_trial(self) -> _Trial:
        if self._trial is None:
            raise ValueError("no step is being tried out")
        return self._trial

    def _require_idle(self) -> None:
        if self._trial is not None:
            raise ValueError("a step is being tried out")


def checked(labels: LabelMap, shape: tuple[int, ...]) -> LabelMap:
    """Return labels that are uint8 of a shape, ids 0..18.

    Raises
    ------
    ValueError
        If they are not.
    """
    if labels.dtype != np.uint8 or labels.shape != shape:
        raise ValueError(f"expected uint8 labels of shape {shape}, not {labels.dtype} of shape {labels.shape}")
    if labels.size and labels.max() >= LABEL_COUNT:
        raise ValueError(f"no class has the id {labels.max()}")
    return labels
