"""Drafts: what has changed since a generator's last exact render is rendered by itself, and laid into that render."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.generate import Generator, Image
from engine.progress import Times, plan
from engine.types import CancelledError, LabelMap, ModelError, Pixels, Region, StyleCode

LOG = logging.getLogger(__name__)

MARGIN = 1 / 16
"""How far a box reaches beyond what has changed, as a share of the picture's longer side."""
RIM = (1 / 4, 3 / 4)
"""From where to where in the margin a draft fades into the exact render, as shares of it.

Measured with the shipped network on strokes of 24 to 96 pixels of 512: close to the least difference from the new exact
render, around the change. The box's own edges are not right.
"""
LARGEST_CHANGE = 0.1
"""Where a larger share of the picture has changed, it shows in a part that the statistics have not changed with it.

Measured with a network of the published size, a dab of 192 of 512 pixels, 11% of the picture, differs from the new
exact render by 4 to 6 levels of 255 in the mean, one of 96 pixels by 1.
"""
FAILURES = 2
"""After so many failures in a row a generator is asked for no more drafts."""


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a generator is given.

    Attributes
    ----------
    labels
        uint8 (H, W), at the network's size.
    style
        The style code.
    pixels
        The source picture, uint8 (H, W, 3).
    region
        float32 (H, W): 1 where the picture is made anew, else 0.
    """

    labels: LabelMap
    style: StyleCode
    pixels: Pixels
    region: NDArray[np.float32]

    def changed(self, before: "Inputs") -> NDArray[np.bool_] | None:
        """Return the pixels (H, W) that differ from earlier inputs; None if the style or the picture is another."""
        if self.pixels is not before.pixels or self.style.model_id != before.style.model_id:
            return None
        if not np.array_equal(self.style.vector, before.style.vector):
            return None
        return (self.labels != before.labels) | (self.region != before.region)


@dataclass(frozen=True, slots=True, eq=False)
class Exact:
    """An exact render.

    Attributes
    ----------
    inputs
        What the generator was given.
    image
        What it returned, float32 (H, W, 3) in [-1, 1]. Never written to.
    """

    inputs: Inputs
    image: Image


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """The part of a picture to draft.

    Attributes
    ----------
    exact
        The render that the draft goes into.
    changed
        What has changed since, bool (H, W).
    box
        Where it lies, with its margin.
    """

    exact: Exact
    changed: NDArray[np.bool_]
    box: Region

    @property
    def share(self) -> float:
        """How much of the picture the box is, 0..1."""
        return (self.box.y1 - self.box.y0) * (self.box.x1 - self.box.x0) / self.changed.size


class Drafting:
    """A generator with its last exact render, and drafts that are made from that one.

    Never from another draft: errors do not add up.

    Parameters
    ----------
    generator
        What renders.

    Attributes
    ----------
    times
        How long it takes.
    """

    def __init__(self, generator: Generator) -> None:
        self.generator = generator
        self.times = Times()
        self._exact: Exact | None = None
        self._failures = 0

    def forget(self) -> None:
        """Forget the last exact render."""
        self._exact = None

    def decode(self, inputs: Inputs) -> Image:
        """Render exactly: float32 (H, W, 3) in [-1, 1].

        Raises
        ------
        ModelError
            If that gives numbers that are not finite.
        CancelledError
            If it was cancelled; the last exact render stays.
        """
        started = time.perf_counter()
        try:
            image = self.generator.decode(inputs.labels, inputs.style, inputs.pixels, inputs.region)
            check_finite(image)
        except CancelledError:
            raise
        except Exception:
            # Nobody knows what it has left of what drafts need.
            self._exact = None
            raise
        self.times.note("exact", time.perf_counter() - started)
        self._exact = Exact(inputs, image)
        return image

    def known(self, inputs: Inputs) -> Image | None:
        """Return the last exact render if it is of just these inputs."""
        changed = self._changed(inputs)
        return None if self._exact is None or changed is None or changed.any() else self._exact.image

    def preparations(self, inputs: Inputs) -> Iterator[Callable[[], object]]:
        """Give what is worth doing while nobody waits, so that the first stroke on these inputs can be drafted.

        An exact render of just these: what the last one shows besides would make the part too large. Then, of each kind
        of draft that may be needed, the first one, which takes long: back ends make ready what they are asked for.
        """
        if self._step() and self.known(inputs) is None:
            yield lambda: self.decode(inputs)
        if self._step() and self._exact is not None and self.times.expected("part") is None:
            middle = np.zeros(inputs.labels.shape, bool)
            middle[tuple(side // 2 for side in middle.shape)] = True
            part = Part(self._exact, middle, box_around(middle, self._step()))
            yield lambda: self.draft(inputs, part)
        if self._whole() and self.times.expected("whole") is None:
            yield lambda: self.draft(inputs)

    def plan(self, inputs: Inputs, moving: bool) -> Part | bool:
        """Choose the draft to show first: see `engine.progress.plan`.

        Returns
        -------
        Part or bool
            The part to draft; True for the whole; False for none, but the exact render at once.
        """
        part = self._part(inputs)
        first = plan(self.times, moving, None if part is None else part.share, self._whole())[0]
        return part if first == "part" and part is not None else first == "whole"

    def draft(self, inputs: Inputs, part: Part | None = None) -> Image | None:
        """Draft a picture, or a part of it.

        Returns
        -------
        ndarray or None
            float32 (H, W, 3) in [-1, 1]; None where the generator has no draft, or it fails, which is logged.

        Raises
        ------
        CancelledError
            If it was cancelled.
        """
        started = time.perf_counter()
        box = None if part is None else part.box
        try:
            image = self.generator.draft(inputs.labels, inputs.style, inputs.pixels, inputs.region, box)
            if image is None:
                return None
            check_finite(image)
        except CancelledError:
            raise
        except Exception:  # the exact render comes next, and tells of it if the model is at fault
            self._failures += 1
            LOG.warning("A draft failed", exc_info=True)
            return None
        self._failures = 0
        seconds = time.perf_counter() - started
        if part is None:
            self.times.note("whole", seconds)
            return image
        self.times.note("part", seconds, part.share)
        return pasted(part, image)

    def _changed(self, inputs: Inputs) -> NDArray[np.bool_] | None:
        return None if self._exact is None else inputs.changed(self._exact.inputs)

    def _step(self) -> int:
        return self.generator.info.step if self._failures < FAILURES else 0

    def _whole(self) -> bool:
        return bool(self.generator.info.drafts) and self._failures < FAILURES

    def _part(self, inputs: Inputs) -> Part | None:
        changed, step = self._changed(inputs), self._step()
        if self._exact is None or changed is None or not step or not 0 < changed.mean() <= LARGEST_CHANGE:
            return None
        return Part(self._exact, changed, box_around(changed, step))


def box_around(changed: NDArray[np.bool_], step: int) -> Region:
    """Return the box to draft.

    Parameters
    ----------
    changed
        What has changed, bool (H, W), one pixel at least; both sides are multiples of ``step``.
    step
        Place and sides of the box are multiples of this.

    Returns
    -------
    Region
        The changed pixels' bounding box with a margin, inside the picture.
    """
    (height, width), margin, tight = changed.shape, margin_of(changed.shape), Region.of(changed)
    return Region(
        max(0, (tight.y0 - margin) // step * step),
        max(0, (tight.x0 - margin) // step * step),
        min(height, -(-(tight.y1 + margin) // step) * step),
        min(width, -(-(tight.x1 + margin) // step) * step),
    )


def margin_of(shape: tuple[int, ...]) -> int:
    """Return the margin in pixels of a picture of shape (H, W), at least 4."""
    return max(4, round(MARGIN * max(shape[:2])))


def pasted(part: Part, draft: Image) -> Image:
    """Lay the draft of a part, float32 (h, w, 3) of its box's size, into the exact render that it was made from.

    Returns
    -------
    ndarray
        float32 (H, W, 3): the draft where something has changed and close by, fading into the render, which is all
        there is farther away.
    """
    start, end = (np.float32(share * margin_of(part.changed.shape)) for share in RIM)
    inside = part.box.slices
    away = np.asarray(~part.changed[inside], np.uint8)
    distance = cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    weight = np.clip((end - distance) / (end - start), 0, 1)[..., None]
    result = part.exact.image.copy()
    result[inside] += weight * (draft - result[inside])
    return result


def check_finite(numbers: NDArray[np.float32]) -> None:
    """Raise ModelError if not all numbers are finite."""
    if not np.isfinite(numbers).all():
        raise ModelError("The model returned numbers that are not finite.", "Choose another back end or model.")
