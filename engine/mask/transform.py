"""A part of the face that is moved, scaled, turned, flipped or bent as one thing."""

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix
from engine.mask.motion import Motion, determinant, inverse, joined
from engine.mask.parts import Part, among, counterpart, laid_bare, part_at
from engine.mask.steps import EMPTY, Ground, Mirror, Step, checked_id, checked_ids, checked_mirror, register
from engine.types import LabelMap, Region
from resources.labels import LABELS

GRID_SIZES = (3, 4)
"""How many handles a bend can have along either axis."""

_SMALLEST_DETERMINANT = 1e-6
_IDENTITY = np.eye(2, 3)


@register
@dataclass(frozen=True, slots=True, eq=False)
class Transform(Step):
    """A part of the face brought to another place, size, direction or shape.

    What hangs together with the pixel under (x, y) is first bent by the grid, then mapped by the matrix. What it leaves
    shows what would lie beneath it: see `engine.mask.parts.laid_bare`. It covers whatever lies where it comes to; but
    what lies upon it (the features of the face upon the skin, eyes and brows upon the glasses that enclose them) stays
    where it is, uncovered, or goes along. Other holes in it belong to its shape: they go along and show what lies
    beneath. Where the edge of the mask cuts it through, it goes on beyond: clothes can be raised without a gap below.

    Nothing happens where (x, y) is of another class or outside the mask, and under a matrix that has no inverse.

    Attributes
    ----------
    label
        The class of the part.
    x, y
        A point of it, in mask pixels.
    matrix
        Where its places come, float32 (2, 3): new place = matrix @ (x, y, 1).
    grid
        How far the handles over its bounding box are dragged before that, float32 (n, n, 2), n in `GRID_SIZES`, mask
        pixels: see `engine.mask.warp`. None for no bending.
    mirror
        A line on whose other side its counterpart (an eye's other eye) is transformed in mirror image, about its own
        centre; None for no mirror image. A part that is its own counterpart, such as the nose, is transformed once.
    along
        The ids of classes that go along with it, where they lie upon it.

    Raises
    ------
    ValueError
        Where one of these does not hold.
    """

    kind: ClassVar[str] = "transform"

    label: int
    x: float
    y: float
    matrix: NDArray[np.float32]
    grid: NDArray[np.float32] | None = None
    mirror: Mirror | None = None
    along: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", checked_id(self.label))
        for name in ("x", "y"):
            value = float(getattr(self, name))
            if not math.isfinite(value):
                raise ValueError(f"a part cannot lie at {name} = {value}")
            object.__setattr__(self, name, value)
        object.__setattr__(self, "matrix", _checked_array("matrix", self.matrix, (2, 3)))
        if self.grid is not None:
            shapes = ((count, count, 2) for count in GRID_SIZES)
            object.__setattr__(self, "grid", _checked_array("grid", self.grid, *shapes))
        object.__setattr__(self, "mirror", checked_mirror(self.mirror))
        object.__setattr__(self, "along", checked_ids(self.along))

    @property
    def title(self) -> tuple[str, ...]:
        name = LABELS[self.label].title
        if self._bends:
            return ("Bend {0}", name)
        return ("Move {0}" if np.array_equal(self.matrix[:, :2], np.eye(2)) else "Transform {0}", name)

    @property
    def still(self) -> bool:
        """Whether it leaves everything where it is."""
        return np.array_equal(self.matrix, _IDENTITY) and not self._bends

    @property
    def _bends(self) -> bool:
        return self.grid is not None and bool(self.grid.any())

    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        labels = ground.labels
        matrix = self.matrix.astype(np.float64)
        if self.still or abs(determinant(matrix)) < _SMALLEST_DETERMINANT:
            return EMPTY
        part = part_at(labels, self.x, self.y)
        if part is None or part.label != self.label:
            return EMPTY
        groups = [self._with_upon(motion) for motion in self._motions(labels, part, matrix)]
        spots = [[motion.reach() for motion in motions] for motions in groups]
        place = EMPTY
        for motions, reached in zip(groups, spots, strict=True):
            for region in (motions[0].part.region, *reached):
                place = place.union(region)

        after = labels[place.slices].copy()
        freed, settled = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
        for motions, reached in zip(groups, spots, strict=True):
            for motion, spot in zip(motions, reached, strict=True):
                moved = motion.moved(spot)
                np.copyto(after[_within(spot, place)], np.uint8(motion.part.label), where=moved)
                settled[spot.slices] |= moved
        bodies = [motions[0].part for motions in groups]
        for body in bodies:
            stays = body.upon & ~among(body.labels, self.along)
            np.copyto(after[_within(body.region, place)], body.labels, where=stays)
            settled[body.region.slices] |= stays
            freed[body.region.slices] |= body.shape
        for body in bodies:
            bare = body.shape & ~settled[body.region.slices]
            after[_within(body.region, place)][bare] = laid_bare(labels, freed, bare, body)
        return _written(work, labels, after, place)

    def _motions(self, labels: LabelMap, part: Part, matrix: Matrix) -> list[Motion]:
        """Return how the part moves, and before that how its counterpart does, which is covered where they meet."""
        grid = self.grid.astype(np.float64) if self.grid is not None and self._bends else None
        shape = labels.shape[0], labels.shape[1]
        own = Motion(part, shape, _IDENTITY, matrix, part.region, grid)
        twin = None if self.mirror is None else counterpart(labels, part, self.mirror)
        if twin is None or self.mirror is None:
            return [own]
        # Faces are never quite symmetric: centre is laid upon centre, so that a larger eye stays where it is.
        over = self.mirror.matrix()
        over[:, 2] = part.centre - over[:, :2] @ twin.centre
        return [Motion(twin, shape, over, joined(inverse(over), matrix), part.region, grid), own]

    def _with_upon(self, motion: Motion) -> list[Motion]:
        """Return a motion and those of what goes along."""
        part = motion.part
        going = np.unique(part.labels[part.upon & among(part.labels, self.along)])
        return [motion, *(replace(motion, part=part.lying(label)) for label in going.tolist())]


def _written(work: LabelMap, before: LabelMap, after: LabelMap, place: Region) -> Region:
    """Write a crop to the work and return where it differs from the mask before, (H, W)."""
    changed = Region.of(after != before[place.slices])
    if changed.empty:
        return EMPTY
    region = changed.moved(place.y0, place.x0)
    work[region.slices] = after[changed.slices]
    return region


def _within(region: Region, place: Region) -> tuple[slice, slice]:
    """Return a region of the mask as the index into a crop of it."""
    if region.empty:
        return slice(0, 0), slice(0, 0)
    return Region(region.y0 - place.y0, region.x0 - place.x0, region.y1 - place.y0, region.x1 - place.x0).slices


def _checked_array(name: str, values: object, *shapes: tuple[int, ...]) -> NDArray[np.float32]:
    """Return numbers as a read-only float32 array.

    Raises
    ------
    ValueError
        If they are of none of the shapes, or not finite.
    """
    try:
        result = np.array(values, np.float32)
    except TypeError as error:
        raise ValueError(f"a {name} must be numbers") from error
    if result.shape not in shapes or not np.isfinite(result).all():
        raise ValueError(f"a {name} must be finite and of shape {' or '.join(map(str, shapes))}, not {result.shape}")
    result.setflags(write=False)
    return result
