"""Value types that travel between the editor and the engine, and the family of errors that people get to read."""

import hashlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.affine import scaling

if TYPE_CHECKING:
    from engine.photo import Photo

Pixels = NDArray[np.uint8]
"""uint8 of shape (H, W, 3), RGB."""
LabelMap = NDArray[np.uint8]
"""uint8 of shape (H, W), class ids 0..18."""


class EngineError(Exception):
    """Something that a person can act on.

    Parameters
    ----------
    message
        What went wrong, one sentence.
    hint
        What to do about it, one sentence; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class CancelledError(EngineError):
    """The person does not want the outcome any more."""

    def __init__(self) -> None:
        super().__init__("Cancelled.")


class ImageError(EngineError):
    """A picture that cannot be read."""


class MaskError(EngineError):
    """A mask that cannot be read, or does not fit its picture."""


class ModelError(EngineError):
    """A weight file or back end that cannot be used."""


class WriteError(EngineError):
    """A file that cannot be written."""


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle of pixels, half-open: rows ``y0 <= y < y1``, columns ``x0 <= x < x1``."""

    y0: int
    x0: int
    y1: int
    x1: int

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.y1 <= self.y0 or self.x1 <= self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index for arrays of shape (H, W, ...)."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def union(self, other: Self) -> Self:
        """Return the smallest rectangle that holds both; an empty one adds nothing."""
        if self.empty or other.empty:
            return other if self.empty else self
        return type(self)(
            min(self.y0, other.y0), min(self.x0, other.x0), max(self.y1, other.y1), max(self.x1, other.x1)
        )

    def moved(self, rows: int, columns: int) -> Self:
        """Return it so many rows further down and columns further right."""
        return type(self)(self.y0 + rows, self.x0 + columns, self.y1 + rows, self.x1 + columns)

    @classmethod
    def of(cls, changed: NDArray[np.bool_]) -> Self:
        """Return the bounding box of the true pixels of a (H, W) array; empty where there is none."""
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        if not rows.size:
            return cls(0, 0, 0, 0)
        return cls(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Where an aligned, square crop lies in a photo.

    Coordinates are pixels of the photo as floats, (x, y): (0, 0) is the top left CORNER of the first pixel.

    Attributes
    ----------
    centre
        The crop's centre; may lie outside the photo.
    half
        From there to the middle of the crop's right edge. Its length is half the crop's side; its direction tells how
        the crop is turned.
    """

    centre: tuple[float, float]
    half: tuple[float, float]

    @property
    def side(self) -> float:
        """The crop's side in pixels of the photo."""
        return 2 * math.hypot(*self.half)

    def matrix(self, size: float) -> NDArray[np.float64]:
        """Return the map (2, 3) from a crop of ``size`` pixels to the photo: photo = M @ (x, y, 1)."""
        (hx, hy), middle = self.half, size / 2
        turn = np.array([[hx, -hy], [hy, hx]]) / middle
        return np.c_[turn, np.array(self.centre) - turn @ [middle, middle]]

    def corners(self) -> NDArray[np.float64]:
        """Return the crop's corners in the photo, (4, 2), from the top left one clockwise."""
        return np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1]]) @ self.matrix(1).T


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture and its own label map: a whole picture, or the crop of a face in a photo.

    Attributes
    ----------
    pixels
        The picture or crop, uint8 (H, W, 3) sRGB. Never written to.
    labels
        The source mask at working resolution, uint8 (h, w) with the picture's aspect, ids 0..18. Never written to.
    name
        For titles and suggested file names.
    photo
        The file that it comes from, with all it holds; None for pixels made in memory.
    alignment
        Where the crop lies in the photo; None where the portrait is the whole of it.
    view
        The picture at working resolution, uint8 (h, w, 3), for showing; made by whichever thread reads the portrait.
    overview
        The whole photo, its longer side at most `OVERVIEW_SIDE`, for showing; the `view` where there is no crop.
    digest
        Identifies pixels and labels; equal content gives equal digests.
    """

    pixels: Pixels
    labels: LabelMap
    name: str = ""
    photo: "Photo | None" = None
    alignment: Alignment | None = None
    view: Pixels = field(init=False)
    overview: Pixels = field(init=False)
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        for array in (self.pixels, self.labels):
            array.setflags(write=False)
        content = hashlib.blake2b(digest_size=16)
        for array in (self.pixels, self.labels):
            content.update(str(array.shape).encode())
            content.update(np.ascontiguousarray(array).data)
        object.__setattr__(self, "digest", content.hexdigest())
        object.__setattr__(self, "view", _resized(self.pixels, *self.labels.shape))
        overview = self.view
        if self.alignment is not None:
            height, width = self.base.shape[:2]
            scale = min(1.0, OVERVIEW_SIDE / max(height, width))
            overview = _resized(self.base, max(1, round(height * scale)), max(1, round(width * scale)))
        object.__setattr__(self, "overview", overview)

    @property
    def base(self) -> Pixels:
        """What an edit goes back into, at its own resolution: the photo's pixels, or these where there is no photo."""
        return self.pixels if self.photo is None else self.photo.pixels

    def to_picture(self, height: int, width: int) -> NDArray[np.float64]:
        """Return the map (2, 3) from the mask's pixels to those of `base`, brought to ``height`` x ``width``."""
        rows, columns = self.labels.shape
        if self.alignment is None:
            return scaling((rows, columns), (height, width))
        full = self.base.shape
        return np.diag([width / full[1], height / full[0]]) @ self.alignment.matrix(rows)


OVERVIEW_SIDE = 1600
"""The longer side, in pixels, at which a whole photo is shown while it is edited."""


def _resized(pixels: Pixels, height: int, width: int) -> Pixels:
    if pixels.shape[:2] == (height, width):
        return pixels
    interpolation = cv2.INTER_AREA if pixels.shape[0] > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=interpolation), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class StyleCode:
    """A portrait's look, as the generator's AdaIN parameters: float32 vector, valid for one model only."""

    vector: NDArray[np.float32]
    model_id: str


@dataclass(frozen=True, slots=True, eq=False)
class RenderRequest:
    """A whole state to be rendered; it owns its copy of the labels.

    Attributes
    ----------
    epoch
        Rises with each portrait or model; results of another epoch are thrown away.
    revision
        Rises with each request of an epoch.
    labels
        The edited mask, the size of the portrait's.
    exemplar
        The portrait whose style to use; None for the portrait's own.
    classes
        The ids of the classes that take the exemplar's style, all else staying as it is; empty for the whole face.
    composite
        Whether only what was edited replaces the source, or the raw render is shown.
    whole
        Whether the whole photo is shown, or the crop.
    moving
        Whether the hand is still moving: more will follow at once.
    """

    epoch: int
    revision: int
    labels: LabelMap
    exemplar: Portrait | None = None
    composite: bool = True
    whole: bool = False
    classes: tuple[int, ...] = ()
    moving: bool = False

    def same_state(self, other: "RenderRequest") -> bool:
        """Tell whether another request of the same epoch asks for the same picture."""
        return (
            (self.epoch, self.composite, self.whole, self.classes, _digest(self.exemplar))
            == (other.epoch, other.composite, other.whole, other.classes, _digest(other.exemplar))
        ) and np.array_equal(self.labels, other.labels)


def _digest(portrait: Portrait | None) -> str:
    return "" if portrait is None else portrait.digest


@dataclass(frozen=True, slots=True, eq=False)
class RenderResult:
    """What became of a request: a picture at working resolution, or an error.

    Attributes
    ----------
    request
        The request.
    image
        The picture, uint8 (h, w, 3); None if there is an error.
    error
        Why there is none.
    timings
        Seconds by stage: ``encode`` (0 when the style was known), ``decode``, ``compose`` and ``total``.
    draft
        Whether the picture is a quick one, which an exact one follows unless a newer request does.
    """

    request: RenderRequest
    image: Pixels | None = None
    error: EngineError | None = None
    timings: dict[str, float] = field(default_factory=dict)
    draft: bool = False
