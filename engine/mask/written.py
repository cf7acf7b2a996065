"""A rectangle of labels from elsewhere: a mask file, or edits carried over from another crop."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from engine.mask.steps import Ground, Step, register
from engine.types import LabelMap, Region
from resources.labels import LABEL_COUNT


@register
@dataclass(frozen=True, slots=True, eq=False)
class Written(Step):
    """Labels that take the place of what a rectangle held.

    Attributes
    ----------
    name
        What was done, in English, for the history.
    x, y
        The rectangle's left column and top row.
    labels
        uint8 (h, w), ids 0..18, at least a pixel. The step keeps a read-only copy.

    Raises
    ------
    ValueError
        If they are not labels, or the corner is no pixel.
    """

    kind: ClassVar[str] = "written"

    name: str
    x: int
    y: int
    labels: LabelMap

    def __post_init__(self) -> None:
        labels = np.array(self.labels, order="C")
        if labels.dtype != np.uint8 or labels.ndim != 2 or not labels.size:
            raise ValueError(f"expected uint8 labels of shape (h, w), not {labels.dtype} of shape {labels.shape}")
        if labels.max() >= LABEL_COUNT:
            raise ValueError(f"no class has the id {labels.max()}")
        if not isinstance(self.name, str):
            raise ValueError(f"{self.name!r} is no name")
        for corner in (self.x, self.y):
            if not isinstance(corner, int) or corner < 0:
                raise ValueError(f"{corner!r} is no row or column of a mask")
        labels.setflags(write=False)
        object.__setattr__(self, "labels", labels)

    @property
    def title(self) -> tuple[str, ...]:
        return (self.name,)

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        """Write them, as far as the rectangle lies in the mask."""
        height, width = self.labels.shape
        y1, x1 = min(self.y + height, work.shape[0]), min(self.x + width, work.shape[1])
        region = Region(min(self.y, y1), min(self.x, x1), y1, x1)
        work[region.slices] = self.labels[: y1 - region.y0, : x1 - region.x0]
        return region
