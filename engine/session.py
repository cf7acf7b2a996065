"""One portrait being edited: what is computed once per portrait, and what once per edit."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.compose import border_fade, class_alpha, edit_alpha, match_colours
from engine.drafting import Drafting, Inputs, Part, check_finite
from engine.frame import Frame
from engine.generate import Generator, Image
from engine.paste import Layer, patch_of
from engine.photo import Patch, laid_over
from engine.progress import PAUSE_S, Pass
from engine.types import (
    CancelledError,
    EngineError,
    LabelMap,
    ModelError,
    Pixels,
    Portrait,
    RenderRequest,
    RenderResult,
    StyleCode,
)
from resources.labels import LABEL_COUNT

LOG = logging.getLogger(__name__)

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


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    """A request, made ready for the network: ``alpha`` (h, w) tells where the render will show.

    ``seconds`` is what that took.
    """

    request: RenderRequest
    prepared: _Prepared
    inputs: Inputs
    alpha: NDArray[np.float32]
    seconds: float

    @property
    def unedited(self) -> bool:
        """Whether nothing of a render would show."""
        return self.request.composite and not self.alpha.any()


class Session:
    """Renders edits of one portrait with one generator. All methods but `cancel` belong to the engine thread.

    Parameters
    ----------
    generator
        Closed and replaced by `use`.
    pause
        For how many seconds the hand must rest before a draft is followed by the exact render.
    """

    def __init__(self, generator: Generator | None = None, pause: float = PAUSE_S) -> None:
        self.pause = pause
        self._drafting = None if generator is None else Drafting(generator)
        self._prepared: _Prepared | None = None
        self._portrait: Portrait | None = None
        self._styles: OrderedDict[tuple[str, str], StyleCode] = OrderedDict()
        self._finished: RenderResult | None = None
        self._drafted: RenderRequest | None = None

    @property
    def generator(self) -> Generator | None:
        """What renders."""
        return None if self._drafting is None else self._drafting.generator

    def use(self, generator: Generator) -> None:
        """Change the generator; the old one is closed."""
        old, self._drafting = self.generator, Drafting(generator)
        self._forget()
        if old is not None:
            old.close()

    def open(self, portrait: Portrait) -> None:
        """Change the portrait."""
        self._portrait = portrait
        self._forget()

    def close(self) -> None:
        """Free the generator."""
        if self.generator is not None:
            self.generator.close()
        self._drafting = None
        self._forget()

    def cancel(self) -> None:
        """Ask a render that runs to end soon with CancelledError; may be called on any thread."""
        generator = self.generator
        if generator is not None:
            generator.cancel()

    def style(self, portrait: Portrait) -> StyleCode:
        """Return a portrait's style code, computed the first time only."""
        key = (portrait.digest, self._require().info.model_id)
        if key not in self._styles:
            prepared = self._prepare(portrait)
            code = self._require().encode(prepared.pixels, prepared.labels)
            # Not kept, so that another back end can do better.
            check_finite(code.vector)
            self._styles[key] = code
            if len(self._styles) > KNOWN_STYLES:
                self._styles.popitem(last=False)
        self._styles.move_to_end(key)
        return self._styles[key]

    def render(self, request: RenderRequest) -> RenderResult:
        """Render a request exactly, for showing: the crop at working resolution, or the photo's overview.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        task = self._task(request)
        return self._source(task) if task.unedited else self._exact(task)

    def passes(self, request: RenderRequest) -> Iterator[Pass]:
        """Render a request step by step: a draft where that is worth it, and in the end exactly.

        Each pass is to be run before the next is asked for; the rest may be left out. The request's labels must not be
        written to any more.

        Yields
        ------
        Pass
            Each makes a picture as `render` does.

        Raises
        ------
        EngineError
            If the request cannot be rendered.
        """
        finished = self._finished
        if finished is not None and finished.request.same_state(request):
            yield Pass(lambda: self._repeated(finished, request))
            return
        task, drafting = self._task(request), self._ready()
        if task.unedited:
            yield Pass(lambda: self._source(task))
            for prepare in drafting.preparations(task.inputs):
                # Without drafts of the whole, a stroke that begins meanwhile would have to wait for more than this.
                slow = drafting.times.slow and bool(drafting.generator.info.drafts)
                yield Pass(lambda prepare=prepare: self._prepare_drafts(prepare), self.pause, optional=True, slow=slow)
            return
        if drafting.known(task.inputs) is not None:
            yield Pass(lambda: self._finish(task))
            return
        shown = self._drafted is not None and self._drafted.same_state(request)
        part = False if shown else drafting.plan(task.inputs, request.moving)
        if part:
            yield Pass(lambda: self._draft(task, part if isinstance(part, Part) else None))
            shown = self._drafted is request
        wait = self.pause if shown and request.moving else 0.0
        yield Pass(lambda: self._finish(task), wait, optional=shown, slow=drafting.times.slow)

    def patch(self, request: RenderRequest) -> Patch | None:
        """Render a request exactly, as what it changes of the photo, at the photo's own resolution; None for nothing.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        task = self._task(request)
        return self._patch(task, self._ready().decode(task.inputs)) if task.alpha.any() else None

    def export(self, request: RenderRequest) -> Pixels:
        """Render a request exactly, at the resolution of what the portrait comes from.

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
        task = self._task(request)
        if task.unedited:
            return task.prepared.portrait.base
        return self._exported(task, self._ready().decode(task.inputs))

    def export_styles(self, request: RenderRequest, exemplars: Sequence[Portrait]) -> list[Pixels]:
        """Render a request as `export` does in the styles of several exemplars, which go through the network together.

        Raises
        ------
        EngineError
            If rendering fails.
        """
        tasks = [self._task(replace(request, exemplar=exemplar)) for exemplar in exemplars]
        # A portrait's own style changes only what was edited, and so a smaller region than the others.
        together = [task for task in tasks if np.array_equal(task.inputs.region, tasks[-1].inputs.region)]
        inputs, styles = tasks[-1].inputs, [task.inputs.style for task in together]
        images = self._require().decode_styles(inputs.labels, styles, inputs.pixels, inputs.region)
        for image in images:
            check_finite(image)
        made = iter(images)
        return [self._exported(task, next(made)) if task in together else self.export(task.request) for task in tasks]

    def _patch(self, task: _Task, image: Image) -> Patch | None:
        portrait = task.prepared.portrait
        to_photo = portrait.to_picture(*portrait.base.shape[:2])
        return patch_of(self._layer(task, self._matched(task, image)), portrait.base, to_photo)

    def _exported(self, task: _Task, image: Image) -> Pixels:
        if task.request.composite:
            return laid_over(task.prepared.portrait.base, self._patch(task, image))
        return task.prepared.frame.restore(image, *task.prepared.portrait.pixels.shape[:2])

    # What is to be rendered

    def _task(self, request: RenderRequest) -> _Task:
        started = time.perf_counter()
        prepared, style, alpha = self._look(request)
        frame = prepared.frame
        inputs = Inputs(frame.labels(request.labels), style, prepared.pixels, frame.region(alpha > 0))
        return _Task(request, prepared, inputs, alpha, time.perf_counter() - started)

    def _look(self, request: RenderRequest) -> tuple[_Prepared, StyleCode, NDArray[np.float32]]:
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

    # Passes

    def _exact(self, task: _Task) -> RenderResult:
        started = time.perf_counter()
        image = self._ready().decode(task.inputs)
        return self._composed(task, image, time.perf_counter() - started)

    def _finish(self, task: _Task) -> RenderResult:
        """Render exactly what is not known yet, and keep the picture for the next request of the same state."""
        known = self._ready().known(task.inputs)
        self._finished = self._exact(task) if known is None else self._composed(task, known, 0.0)
        self._drafted = None
        return self._finished

    def _repeated(self, finished: RenderResult, request: RenderRequest) -> RenderResult:
        self._drafted = None
        return replace(finished, request=request)

    def _draft(self, task: _Task, part: Part | None) -> RenderResult | None:
        started = time.perf_counter()
        image = self._ready().draft(task.inputs, part)
        if image is None:
            return None
        result = self._composed(task, image, time.perf_counter() - started)
        self._drafted = task.request
        return replace(result, draft=True)

    def _prepare_drafts(self, prepare: Callable[[], object]) -> None:
        try:
            prepare()
        except CancelledError:
            raise
        except Exception:  # nobody waits for it; the first stroke will meet the same failure, and tell of it
            LOG.warning("The unedited portrait could not be rendered", exc_info=True)

    # Composition

    def _source(self, task: _Task) -> RenderResult:
        """Show the portrait as it is."""
        self._drafted = None
        timings = {"encode": task.seconds, "total": task.seconds}
        return RenderResult(task.request, self._shown(task), timings=timings)

    def _composed(self, task: _Task, image: Image, seconds: float) -> RenderResult:
        """Lay a render over what is shown; ``seconds`` is what the network took."""
        started = time.perf_counter()
        portrait, shown = task.prepared.portrait, self._shown(task)
        image = self._matched(task, image)
        if task.request.composite:
            matrix = portrait.to_picture(*shown.shape[:2]) if task.request.whole else np.eye(2, 3)
            picture = laid_over(shown, patch_of(self._layer(task, image), shown, matrix))
        else:
            # The raw render has no place in the photo: it is shown as it is.
            picture = task.prepared.frame.restore(image, *task.request.labels.shape)
        composing = time.perf_counter() - started
        timings = {"encode": task.seconds, "decode": seconds, "compose": composing}
        return RenderResult(task.request, picture, timings=timings | {"total": sum(timings.values())})

    def _shown(self, task: _Task) -> Pixels:
        return task.prepared.portrait.overview if task.request.whole else task.prepared.portrait.view

    def _matched(self, task: _Task, image: Image) -> Image:
        """Match a render's colours where the edit meets the source."""
        request, inputs, prepared = task.request, task.inputs, task.prepared
        other = self._takes_another_look(request)
        # What takes another look must not be matched to the look that it had.
        if request.composite and not task.alpha.all() and (request.classes or not other):
            changed = (inputs.labels != prepared.labels) | np.isin(inputs.labels, request.classes if other else ())
            image = match_colours(image, prepared.pixels, inputs.labels, inputs.region, changed)
        return image

    def _layer(self, task: _Task, image: Image) -> Layer:
        request, prepared, inside = task.request, task.prepared, task.prepared.frame.inside
        original = prepared.portrait.labels
        classes = request.classes if self._takes_another_look(request) else ()
        recoloured = np.isin(request.labels, classes) & (request.labels == original)
        own = request.exemplar is None or request.exemplar.digest == prepared.portrait.digest
        return Layer(inside(image), inside(prepared.pixels), request.labels, original, task.alpha, recoloured, own)

    def _takes_another_look(self, request: RenderRequest) -> bool:
        """Tell whether an exemplar is asked for that is not the portrait itself."""
        return request.exemplar is not None and request.exemplar.digest != self._current().portrait.digest

    def _forget(self) -> None:
        """Forget the portrait at the network's size, and all renders."""
        self._prepared = self._finished = self._drafted = None
        if self._drafting is not None:
            self._drafting.forget()

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

    def _ready(self) -> Drafting:
        if self._drafting is None:
            raise ModelError("No model is loaded.", "Choose one in the Model menu.")
        return self._drafting

    def _require(self) -> Generator:
        return self._ready().generator
