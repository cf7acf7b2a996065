"""One portrait being edited: what is computed once per portrait, and what once per edit."""

import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.compose import blend, edit_alpha, match_colours
from engine.frame import Frame
from engine.generate import Generator, Image
from engine.types import EngineError, LabelMap, ModelError, Pixels, Portrait, RenderRequest, RenderResult, StyleCode

KNOWN_STYLES = 64
"""Style codes kept, a few kilobytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A portrait at the network's size."""

    portrait: Portrait
    frame: Frame
    pixels: Pixels
    labels: LabelMap


class Session:
    """Renders edits of one portrait with one generator. All methods belong to the engine thread.

    Parameters
    ----------
    generator
        Closed and replaced by `use`.
    """

    def __init__(self, generator: Generator | None = None) -> None:
        self.generator = generator
        self._prepared: _Prepared | None = None
        self._portrait: Portrait | None = None
        self._styles: OrderedDict[tuple[str, str], StyleCode] = OrderedDict()

    def use(self, generator: Generator) -> None:
        """Change the generator; the old one is closed."""
        old, self.generator, self._prepared = self.generator, generator, None
        if old is not None:
            old.close()

    def open(self, portrait: Portrait) -> None:
        """Change the portrait."""
        self._portrait, self._prepared = portrait, None

    def close(self) -> None:
        """Free the generator."""
        if self.generator is not None:
            self.generator.close()
        self.generator = self._prepared = None

    def style(self, portrait: Portrait) -> StyleCode:
        """Return a portrait's style code, computed the first time only."""
        key = (portrait.digest, self._require().info.model_id)
        if key not in self._styles:
            prepared = self._prepare(portrait)
            code = self._require().encode(prepared.pixels, prepared.labels)
            # Not kept, so that another back end can do better.
            _check_finite(code.vector)
            self._styles[key] = code
            if len(self._styles) > KNOWN_STYLES:
                self._styles.popitem(last=False)
        self._styles.move_to_end(key)
        return self._styles[key]

    def render(self, request: RenderRequest) -> RenderResult:
        """Render a request at working resolution.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        started = time.perf_counter()
        prepared, style, alpha = self._plan(request)
        planned = time.perf_counter()
        if request.composite and not alpha.any():
            return RenderResult(
                request, prepared.portrait.view, timings={"encode": planned - started, "total": planned - started}
            )
        image = self._decode(request, style, alpha)
        decoded = time.perf_counter()
        picture = self._finish(image, prepared.portrait.view, request, alpha)
        done = time.perf_counter()
        timings = {
            "encode": planned - started,
            "decode": decoded - planned,
            "compose": done - decoded,
            "total": done - started,
        }
        return RenderResult(request, picture, timings=timings)

    def export(self, request: RenderRequest) -> Pixels:
        """Render a request at the portrait's own resolution.

        Returns
        -------
        ndarray
            uint8 of the shape of the portrait's pixels; with composition, identical to them away from the edit.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        prepared, style, alpha = self._plan(request)
        picture = prepared.portrait.pixels
        if request.composite and not alpha.any():
            return picture
        image = self._decode(request, style, alpha)
        return self._finish(image, picture, request, alpha)

    def _plan(self, request: RenderRequest) -> tuple[_Prepared, StyleCode, NDArray[np.float32]]:
        """Find the style to use, and where the render will show."""
        prepared = self._current()
        exemplar = request.exemplar or prepared.portrait
        style = self.style(exemplar)
        if exemplar.digest == prepared.portrait.digest:
            return prepared, style, edit_alpha(request.labels, prepared.portrait.labels)
        # Another style makes the whole picture anew.
        return prepared, style, np.ones(request.labels.shape, np.float32)

    def _decode(self, request: RenderRequest, style: StyleCode, alpha: NDArray[np.float32]) -> Image:
        """Render at the network's size, and match colours where the edit meets the source."""
        prepared, frame = self._current(), self._current().frame
        labels, region = frame.labels(request.labels), frame.region(alpha > 0)
        image = self._require().decode(labels, style, prepared.pixels, region)
        _check_finite(image)
        if request.composite and not alpha.all():
            image = match_colours(image, prepared.pixels, labels, region, labels != prepared.labels)
        return image

    def _finish(self, image: Image, picture: Pixels, request: RenderRequest, alpha: NDArray[np.float32]) -> Pixels:
        """Bring a render to a picture's size and lay it over it."""
        height, width = picture.shape[:2]
        render = self._current().frame.restore(image, height, width)
        return blend(picture, render, alpha) if request.composite else render

    def _current(self) -> _Prepared:
        if self._portrait is None:
            raise EngineError("No portrait is open.", "Open one first.")
        if self._prepared is None:
            self._prepared = self._prepare(self._portrait)
        return self._prepared

    def _prepare(self, portrait: Portrait) -> _Prepared:
        if self._prepared is not None and self._prepared.portrait.digest == portrait.digest:
            return self._prepared
        info = self._require().info
        height, width = portrait.labels.shape
        frame = Frame.fit(height, width, info.size, info.multiple)
        return _Prepared(portrait, frame, frame.pixels(portrait.pixels), frame.labels(portrait.labels))

    def _require(self) -> Generator:
        if self.generator is None:
            raise ModelError("No model is loaded.", "Choose one in the Model menu.")
        return self.generator


def _check_finite(numbers: NDArray[np.float32]) -> None:
    if not np.isfinite(numbers).all():
        raise ModelError("The model returned numbers that are not finite.", "Choose another back end or model.")
