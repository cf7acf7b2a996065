"""One portrait being edited: what is computed once per portrait, and what once per edit."""

import time
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.affine import Matrix
from engine.compose import border_fade, class_alpha, edit_alpha, match_colours
from engine.frame import Frame
from engine.generate import Generator, Image
from engine.paste import Layer, patch_of
from engine.photo import Patch, laid_over
from engine.types import EngineError, LabelMap, ModelError, Pixels, Portrait, RenderRequest, RenderResult, StyleCode
from resources.labels import LABEL_COUNT

KNOWN_STYLES = 64
"""Style codes kept, a few kilobytes each."""


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A portrait at the network's size; ``fade`` (h, w) weighs its mask where the crop ends inside the photo."""

    portrait: Portrait
    frame: Frame
    pixels: Pixels
    labels: LabelMap
    fade: NDArray[np.float32]


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
        """Render a request for showing: the crop at working resolution, or the photo's overview.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        started = time.perf_counter()
        prepared, style, alpha = self._plan(request)
        planned = time.perf_counter()
        portrait = prepared.portrait
        shown = portrait.overview if request.whole else portrait.view
        if request.composite and not alpha.any():
            return RenderResult(request, shown, timings={"encode": planned - started, "total": planned - started})
        image = self._decode(request, style, alpha)
        decoded = time.perf_counter()
        matrix = portrait.to_picture(*shown.shape[:2]) if request.whole else np.eye(2, 3)
        picture = self._finish(image, shown, matrix, request, alpha)
        done = time.perf_counter()
        timings = {
            "encode": planned - started,
            "decode": decoded - planned,
            "compose": done - decoded,
            "total": done - started,
        }
        return RenderResult(request, picture, timings=timings)

    def patch(self, request: RenderRequest) -> Patch | None:
        """Render a request as what it changes of the photo, at the photo's own resolution; None if that is nothing.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        prepared, style, alpha = self._plan(request)
        if not alpha.any():
            return None
        image, base = self._decode(request, style, alpha), prepared.portrait.base
        return patch_of(self._layer(image, request, alpha), base, prepared.portrait.to_picture(*base.shape[:2]))

    def export(self, request: RenderRequest) -> Pixels:
        """Render a request at the resolution of what the portrait comes from.

        Returns
        -------
        ndarray
            With composition, uint8 of the shape of ``portrait.base`` and identical to it away from the edit; else the
            raw render, of the shape of ``portrait.pixels``.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        if request.composite:
            return laid_over(self._current().portrait.base, self.patch(request))
        prepared, style, alpha = self._plan(request)
        image = self._decode(request, style, alpha)
        return prepared.frame.restore(image, *prepared.portrait.pixels.shape[:2])

    def _plan(self, request: RenderRequest) -> tuple[_Prepared, StyleCode, NDArray[np.float32]]:
        """Find the style to use, and where the render will show."""
        prepared = self._current()
        exemplar = request.exemplar or prepared.portrait
        style = self.style(exemplar)
        edited = edit_alpha(request.labels, prepared.portrait.labels)
        if exemplar.digest == prepared.portrait.digest:
            return prepared, style, edited * prepared.fade
        if request.classes:
            style = self._restyled(self.style(prepared.portrait), style, request.classes)
            return prepared, style, np.maximum(edited, class_alpha(request.labels, request.classes)) * prepared.fade
        # Another style makes the whole crop anew.
        return prepared, style, prepared.fade

    def _restyled(self, own: StyleCode, donor: StyleCode, classes: tuple[int, ...]) -> StyleCode:
        """Return a style code with some classes' values taken from another.

        A network whose code does not tell classes apart takes the donor's whole code; only these classes show it.
        """
        values = self._require().info.class_values
        if not values:
            return donor
        vector = own.vector.copy()
        table, given = (code[-LABEL_COUNT * values :].reshape(LABEL_COUNT, values) for code in (vector, donor.vector))
        table[list(classes)] = given[list(classes)]
        return StyleCode(vector, own.model_id)

    def _decode(self, request: RenderRequest, style: StyleCode, alpha: NDArray[np.float32]) -> Image:
        """Render at the network's size, and match colours where the edit meets the source."""
        prepared, frame = self._current(), self._current().frame
        labels, region = frame.labels(request.labels), frame.region(alpha > 0)
        image = self._require().decode(labels, style, prepared.pixels, region)
        _check_finite(image)
        other = self._takes_another_look(request)
        # What takes another look must not be matched to the look that it had.
        if request.composite and not alpha.all() and (request.classes or not other):
            changed = (labels != prepared.labels) | np.isin(labels, request.classes if other else ())
            image = match_colours(image, prepared.pixels, labels, region, changed)
        return image

    def _finish(
        self, image: Image, picture: Pixels, matrix: Matrix, request: RenderRequest, alpha: NDArray[np.float32]
    ) -> Pixels:
        """Lay a render over a picture; ``matrix`` brings the mask's pixels to the picture's."""
        if request.composite:
            return laid_over(picture, patch_of(self._layer(image, request, alpha), picture, matrix))
        # The raw render has no place in the photo: it is shown as it is.
        return self._current().frame.restore(image, *request.labels.shape)

    def _layer(self, image: Image, request: RenderRequest, alpha: NDArray[np.float32]) -> Layer:
        prepared, inside = self._current(), self._current().frame.inside
        original = prepared.portrait.labels
        classes = request.classes if self._takes_another_look(request) else ()
        recoloured = np.isin(request.labels, classes) & (request.labels == original)
        own = request.exemplar is None or request.exemplar.digest == prepared.portrait.digest
        return Layer(inside(image), inside(prepared.pixels), request.labels, original, alpha, recoloured, own)

    def _takes_another_look(self, request: RenderRequest) -> bool:
        """Tell whether an exemplar is asked for that is not the portrait itself."""
        return request.exemplar is not None and request.exemplar.digest != self._current().portrait.digest

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
        fade = np.ones((height, width), np.float32)
        if portrait.alignment is not None:
            whole = portrait.base.shape[:2]
            fade = border_fade((height, width), portrait.to_picture(*whole), (whole[0], whole[1]))
        return _Prepared(portrait, frame, frame.pixels(portrait.pixels), frame.labels(portrait.labels), fade)

    def _require(self) -> Generator:
        if self.generator is None:
            raise ModelError("No model is loaded.", "Choose one in the Model menu.")
        return self.generator


def _check_finite(numbers: NDArray[np.float32]) -> None:
    if not np.isfinite(numbers).all():
        raise ModelError("The model returned numbers that are not finite.", "Choose another back end or model.")
