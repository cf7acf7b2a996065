"""What is done to a mask, as data: each step can be shown live, undone, written to a file and done again elsewhere.

A step knows what it wants to change; which classes may be changed at all is laid over it by `Protection`. Coordinates
are mask pixels as floats, (x, y): (0, 0) is the top left CORNER of the first pixel, (0.5, 0.5) its centre.
"""

import base64
import math
import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.types import LabelMap, Pixels, Region
from resources.labels import LABEL_COUNT

EMPTY = Region(0, 0, 0, 0)

LARGEST = 2**26
"""The most pixels that a mask in a file may have."""

Points = NDArray[np.float32]
"""float32 of shape (N, 2), or (N, 3) where each has a radius, columns (x, y) or (x, y, radius), mask pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What a step is done to. Nothing in it is ever written to.

    Attributes
    ----------
    labels
        The mask before the step, uint8 (H, W), ids 0..18.
    source
        The portrait's own mask, uint8 (H, W).
    pixels
        The picture at the mask's resolution, uint8 (H, W, 3) sRGB.
    """

    labels: LabelMap
    source: LabelMap
    pixels: Pixels

    @property
    def region(self) -> Region:
        """The whole mask."""
        height, width = self.labels.shape
        return Region(0, 0, height, width)


@dataclass(frozen=True, slots=True)
class Mirror:
    """The line that a face is symmetric about.

    Attributes
    ----------
    x, y
        A point of it, in mask pixels.
    angle
        How it is turned from the vertical, in radians, clockwise as seen: its direction is (-sin, cos).

    Raises
    ------
    ValueError
        If a number is not finite.
    """

    x: float
    y: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        for name in ("x", "y", "angle"):
            value = float(getattr(self, name))
            if not math.isfinite(value):
                raise ValueError(f"a mirror line cannot have {name} = {value}")
            object.__setattr__(self, name, value)

    def matrix(self) -> NDArray[np.float64]:
        """Return the map (2, 3) from each point to its mirror image."""
        c, s = math.cos(2 * self.angle), math.sin(2 * self.angle)
        # The reflection about the direction (-sin, cos) through the origin, then about (x, y).
        turn = np.array([[-c, -s], [-s, c]])
        return np.c_[turn, np.array([self.x, self.y]) - turn @ [self.x, self.y]]

    def points(self, points: Points) -> Points:
        """Return mirror images of points (N, 2) or (N, 3); a third column, the radius, stays."""
        matrix = self.matrix()
        result = np.array(points, np.float32)
        result[:, :2] = points[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
        return result


@dataclass(frozen=True, slots=True)
class Protection:
    """Which pixels a step may change, by what they were before it.

    Attributes
    ----------
    locked
        The ids of classes that nothing may cover, ascending.
    over
        The ids of the only classes that may be covered, ascending; None for all.

    Raises
    ------
    ValueError
        If one of them is no class.
    """

    locked: tuple[int, ...] = ()
    over: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "locked", checked_ids(self.locked))
        if self.over is not None:
            object.__setattr__(self, "over", checked_ids(self.over))

    @property
    def free(self) -> bool:
        """Whether every pixel may be changed."""
        return not self.locked and self.over is None

    def table(self) -> NDArray[np.bool_]:
        """Return for each id, (19,), whether its pixels may be changed."""
        allowed = np.ones(LABEL_COUNT, bool)
        if self.over is not None:
            allowed[:] = False
            allowed[list(self.over)] = True
        allowed[list(self.locked)] = False
        return allowed


@dataclass(frozen=True, slots=True, eq=False)
class Step(ABC):
    """One thing done to a mask.

    Subclasses are frozen dataclasses whose fields are None, numbers, texts, tuples of them, float32 arrays, uint8
    label maps, or a `Mirror`; ``__post_init__`` brings lists and dicts from a file into that form and raises
    ValueError for anything else. Equal data give equal results, on any machine.

    Attributes
    ----------
    kind
        Its name in files.
    title
        A sentence's beginning for the history, and what is put into its places: ``("Paint {0}", "Hair")``.
    pieces
        How many times `draw` is called. Strokes are drawn in pieces, so that a long one costs no more at its end.
    """

    kind: ClassVar[str] = ""

    @property
    @abstractmethod
    def title(self) -> tuple[str, ...]:
        """The template, in English, and the texts in its places."""

    @property
    def pieces(self) -> int:
        """How many times `draw` is called."""
        return 1

    @abstractmethod
    def draw(self, ground: Ground, work: LabelMap, piece: int) -> Region:
        """Draw one piece.

        Parameters
        ----------
        ground
            The mask before the whole step.
        work
            uint8 (H, W): `ground.labels` with the earlier pieces drawn, without regard to protection. Written to.
        piece
            Which, 0..pieces - 1.

        Returns
        -------
        Region
            Nothing changed outside it; inside the mask. It may be empty.
        """

    def data(self) -> dict[str, Any]:
        """Return the step as JSON values; `read_step` makes it anew."""
        return {"kind": self.kind} | {each.name: _to_json(getattr(self, each.name)) for each in fields(self)}


_KINDS: dict[str, type[Step]] = {}


_Kind = TypeVar("_Kind", bound=type[Step])


def register(cls: _Kind) -> _Kind:
    """Make a step class known to `read_step`, by its ``kind``."""
    if not cls.kind or _KINDS.setdefault(cls.kind, cls) is not cls:
        raise ValueError(f"the kind {cls.kind!r} of {cls.__name__} is empty or taken")
    return cls


def read_step(data: Mapping[str, Any]) -> Step:
    """Make a step from the JSON values of `Step.data`.

    Raises
    ------
    ValueError
        If they describe no step that is known.
    """
    # The modules of all kinds register themselves.
    from engine.mask import kinds  # noqa: F401

    values = dict(data)
    kind = values.pop("kind", None)
    cls = _KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ValueError(f"no step is called {kind!r}")
    try:
        return cls(**{name: _from_json(value) for name, value in values.items()})
    except (TypeError, AttributeError, OverflowError, zlib.error) as error:
        raise ValueError(f"the step {kind} cannot be read ({error})") from error


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """An entry of a portrait's edit list: a step and the protection that it was done under."""

    step: Step
    protection: Protection = field(default_factory=Protection)

    def data(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"step": self.step.data(), "protection": asdict(self.protection)}

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Make an entry from the JSON values of `data`.

        Raises
        ------
        ValueError
            If they are no entry's.
        """
        try:
            return cls(read_step(data["step"]), Protection(**data["protection"]))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"an entry of the edit list cannot be read ({error})") from error


def done(ground: Ground, entry: Entry) -> LabelMap:
    """Return the mask, uint8 (H, W), after an entry of an edit list is done to `ground.labels`."""
    work = ground.labels.copy()
    for piece in range(entry.step.pieces):
        entry.step.draw(ground, work, piece)
    if entry.protection.free:
        return work
    return np.where(entry.protection.table()[ground.labels], work, ground.labels)


def checked_id(label: object) -> int:
    """Return a class id as an int.

    Raises
    ------
    ValueError
        If no class has it.
    """
    if isinstance(label, bool) or not isinstance(label, int | np.integer) or not 0 <= label < LABEL_COUNT:
        raise ValueError(f"no class has the id {label!r}")
    return int(label)


def checked_ids(labels: object) -> tuple[int, ...]:
    """Return class ids as an ascending tuple without repetition.

    Raises
    ------
    ValueError
        If one of them is no class.
    """
    if not isinstance(labels, tuple | list | set | frozenset):
        raise ValueError(f"{labels!r} are no class ids")
    return tuple(sorted({checked_id(label) for label in labels}))


def checked_points(points: object, columns: int = 2) -> Points:
    """Return points as a read-only float32 (N, columns), N >= 1.

    Raises
    ------
    ValueError
        If they are not of that shape, or not finite.
    """
    try:
        with np.errstate(over="ignore"):
            result = np.array(points, dtype=np.float32)
    except TypeError as error:
        raise ValueError("points must be numbers") from error
    if result.ndim != 2 or result.shape[1] != columns or not len(result):
        raise ValueError(f"points must be of shape (N, {columns}) with N >= 1, not {result.shape}")
    if not np.isfinite(result).all():
        raise ValueError("points must be finite")
    result.setflags(write=False)
    return result


def checked_mirror(mirror: object) -> Mirror | None:
    """Return a mirror line from itself, None, or the values of a file.

    Raises
    ------
    ValueError
        If it is none.
    """
    if mirror is None or isinstance(mirror, Mirror):
        return mirror
    if not isinstance(mirror, Mapping):
        raise ValueError(f"{mirror!r} is no mirror line")
    return Mirror(**mirror)


def clipped(x0: float, y0: float, x1: float, y1: float, shape: tuple[int, ...]) -> Region:
    """Return the smallest region of a (H, W) mask that holds a rectangle of the plane; `EMPTY` if it lies outside."""
    height, width = shape[:2]
    region = Region(
        max(math.floor(min(max(y0, -1.0), height)), 0),
        max(math.floor(min(max(x0, -1.0), width)), 0),
        min(math.ceil(max(min(y1, height + 1.0), -1.0)), height),
        min(math.ceil(max(min(x1, width + 1.0), -1.0)), width),
    )
    return EMPTY if region.empty else region


def _to_json(value: Any) -> Any:
    if isinstance(value, Mirror):
        return asdict(value)
    if isinstance(value, np.ndarray):
        if value.dtype == np.uint8:
            packed = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes(), 6)).decode()
            return {"labels": packed, "shape": list(value.shape)}
        return value.tolist()
    if isinstance(value, tuple):
        return [_to_json(each) for each in value]
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, dict) and set(value) == {"labels", "shape"}:
        size = math.prod(int(side) for side in value["shape"])
        if not 0 < size <= LARGEST:
            raise ValueError(f"a mask cannot have {size} pixels")
        # No more than the mask's size is unpacked, whatever the file says.
        content = zlib.decompressobj().decompress(base64.b64decode(value["labels"]), size)
        return np.frombuffer(content, np.uint8).reshape(value["shape"])
    return value
