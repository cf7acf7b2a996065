"""How fast a generator is, and how good its drafts: a part of `tests.bench`, or ``python -m tests.bench_networks``.

The reference is what the published demo does for every edit: the published architecture at full width and 512 px, both
encoders and the decoder, eager PyTorch in float32 with autograd left on; and once more under ``inference_mode``. Before
anything is timed, our module of it is compared with stored numbers of the published one: see `tests.golden`.

All is timed in rounds in one process, one after the other, so that a busy spell of the machine hits all alike. Errors
are against an eager float32 render with the same weights, on the sample portraits. Sizes of strokes are in pixels of a
mask of 512; a stroke of 48 px is a dab of that diameter. A part is laid into the exact render before it, as the editor
does; how far the preview is from the final picture is measured inside the stroke, and around it as far as that reaches.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.compose import edit_alpha
from engine.drafting import Exact, Inputs, Part, box_around, margin_of, pasted
from engine.frame import Frame
from engine.generate import BACKENDS, BackendUnavailableError, Generator, Image, load_generator, to_planes
from engine.session import Session
from engine.store import cache_folder, default_weights
from engine.types import EngineError, LabelMap, Pixels, RenderRequest, RenderResult, StyleCode
from models import checkpoints
from models.generator import DenseMappingNetwork
from models.quantize import ranges_file
from tests.bench_golden import golden
from tests.bench_strokes import changes, earlier_edit, sample, strokes
from tests.bench_table import (
    INFERENCE,
    REFERENCE,
    WHOLE_MASK,
    Jump,
    Report,
    errors,
    jumps,
    mean_square,
    summary,
    with_ratios,
)

PUBLISHED = Path("runs/published-size.safetensors")
ROUNDS = 7
REST_S = 0.01
"""Between two measurements: threads of the one before that still spin would slow the next."""
STATES = 4
"""Rounds go through so many masks to paint on, each with strokes of its own."""
SHOWN = "48 px"
"""The stroke on which drafts of the whole picture are tried, besides the whole mask, and all back ends' parts."""


class Model:
    """The generators of one weight file on all back ends of the CPU, and the network that tells what is right.

    Parameters
    ----------
    weights
        The file.

    Attributes
    ----------
    network, title
        The network in eager PyTorch, and its name.
    backends
        What is known of each back end, or why it is missing.
    generators
        Those that could be loaded.
    chosen
        The back end that the editor would use.
    """

    def __init__(self, weights: Path) -> None:
        self.network, self.title = checkpoints.load_generator(weights)
        # The editor measures them once, and goes by that.
        usual = load_generator(weights, "auto", "cpu", _tell)
        best = usual.info.backend
        usual.close()
        self.backends: dict[str, Report] = {}
        self.generators: dict[str, Generator] = {}
        for backend in BACKENDS:
            if backend == "auto":
                continue
            started = time.perf_counter()
            try:
                generator = load_generator(weights, backend, "cpu", _tell)
            except (EngineError, BackendUnavailableError, ImportError) as error:
                self.backends[backend] = {"error": str(error)}
                continue
            self.generators[backend] = generator
            info = asdict(generator.info)
            kept = ("backend", "device", "precision", "drafts", "step", "note")
            seconds = round(time.perf_counter() - started, 1)
            self.backends[backend] = {key: info[key] for key in kept} | {"load_s": seconds}
        self.chosen = next(name for name, known in self.backends.items() if known.get("backend") == best)

    @torch.inference_mode()
    def encoded(self, pixels: NDArray[np.float32], labels: LabelMap) -> StyleCode:
        """Return the style of a portrait, float32 (1, 3, H, W) and its labels, as any of the generators takes it."""
        vector = self.network.encode(torch.from_numpy(labels)[None], torch.from_numpy(pixels))
        return StyleCode(vector[0].numpy(), next(iter(self.generators.values())).info.model_id)

    @torch.inference_mode()
    def truth(self, inputs: Inputs) -> Image:
        """Render in eager float32."""
        labels, style = torch.from_numpy(inputs.labels)[None], torch.from_numpy(inputs.style.vector)[None]
        region = torch.from_numpy(inputs.region)[None, None]
        image = self.network.decode(labels, style, torch.from_numpy(to_planes(inputs.pixels)), region)
        return np.ascontiguousarray(image[0].permute(1, 2, 0).numpy())


class State:
    """A mask to paint on, and what is painted there, as a network is given them.

    Attributes
    ----------
    source
        The portrait's own mask.
    ground
        The mask with an earlier edit.
    changed
        That after each change, by its name.
    truths
        The eager float32 renders of all these.
    """

    def __init__(self, model: Model, index: int) -> None:
        portrait, config = sample(index), model.network.config
        height, width = portrait.labels.shape
        frame = Frame.fit(height, width, config.size, config.multiple)
        pixels, self.source = frame.pixels(portrait.pixels), frame.labels(portrait.labels)
        style = model.encoded(to_planes(pixels), self.source)

        def inputs(labels: LabelMap) -> Inputs:
            region = frame.region(edit_alpha(labels, portrait.labels) > 0)
            return Inputs(frame.labels(labels), style, pixels, region)

        labels = earlier_edit(portrait)
        self.ground = inputs(labels)
        self.changed = {each.name: inputs(each.labels) for each in changes(portrait, labels, index)}
        self.truths = {name: model.truth(each) for name, each in (self.changed | {"": self.ground}).items()}

    def part(self, name: str, step: int, exact: Image) -> Part:
        """Return the part that a change needs anew, of an exact render of the ground."""
        changed = self.changed[name].changed(self.ground)
        assert changed is not None
        return Part(Exact(self.ground, exact), changed, box_around(changed, step))

    def jump(self, name: str, preview: Image) -> Jump:
        """Compare the preview of a change with the final render."""
        changed = self.changed[name].changed(self.ground)
        assert changed is not None
        return Jump.of(preview, self.truths[name], changed, margin_of(changed.shape))


class Rounds:
    """Times a model beside the reference, row by row.

    Parameters
    ----------
    model
        The model.
    official
        The network of the reference.
    """

    def __init__(self, model: Model, official: DenseMappingNetwork) -> None:
        self._model, self._official = model, official.requires_grad_(True)
        self._samples: dict[str, list[float]] = defaultdict(list)
        self._squares: dict[str, list[float]] = defaultdict(list)
        self._largest: dict[str, float] = {}
        self._jumps: dict[str, list[Jump]] = defaultdict(list)
        self._compared: set[tuple[str, int]] = set()
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._shares: dict[str, float] = {}
        self._states = [State(model, index) for index in range(STATES)]
        self._sessions = {model.chosen: Session(model.generators[model.chosen])}
        self._warm = False
        portrait, config = sample(0), official.config
        height, width = portrait.labels.shape
        frame = Frame.fit(height, width, config.size, config.multiple)
        self._labels = torch.from_numpy(frame.labels(portrait.labels))[None]
        self._pixels = torch.from_numpy(to_planes(frame.pixels(portrait.pixels)))

    def run(self, rounds: int) -> dict[str, Report]:
        """Time all, ``rounds`` times after one that warms up; returns the rows."""
        for index in range(rounds + 1):
            self._warm = index > 0
            _tell(f"round {index} of {rounds}")
            number = index % STATES
            self._timed(REFERENCE, lambda: self._official(self._labels, self._labels, self._pixels))
            with torch.inference_mode():
                self._timed(INFERENCE, lambda: self._official(self._labels, self._labels, self._pixels))
            for name, generator in self._model.generators.items():
                self._networks(name, generator, number)
            for session in self._sessions.values():
                self._strokes(session, number)
        return with_ratios({name: self._row(name) for name in self._samples})

    def _timed(self, row: str, action: Callable[[], object]) -> object:
        time.sleep(REST_S)
        started = time.perf_counter()
        value = action()
        if self._warm:
            self._samples[row].append(time.perf_counter() - started)
        return value

    def _networks(self, name: str, generator: Generator, number: int) -> None:
        """Time the network's halves and its drafts by themselves."""
        state = self._states[number]
        ground, step = state.ground, generator.info.step
        self._timed(f"encode {name}", lambda: generator.encode(ground.pixels, state.source))
        exact = self._timed(f"exact {name}", lambda: generator.decode(*_arguments(ground)))
        assert isinstance(exact, np.ndarray)
        self._note(f"exact {name}", number, "", exact)
        for change in (SHOWN, WHOLE_MASK) if generator.info.drafts else ():
            row, inputs = f"whole draft {name} {change}", state.changed[change]
            draft = self._timed(row, lambda inputs=inputs: generator.draft(*_arguments(inputs)))
            if isinstance(draft, np.ndarray):
                self._note(row, number, change, draft)
        for change, inputs in state.changed.items() if step else ():
            if change == WHOLE_MASK or (name != self._model.chosen and change != SHOWN):
                continue
            part, row = state.part(change, step, exact), f"part {name} {change}"
            draft = self._timed(row, lambda inputs=inputs, box=part.box: generator.draft(*_arguments(inputs), box))
            if isinstance(draft, np.ndarray):
                self._note(row, number, change, pasted(part, draft))
                self._shares[row] = part.share

    def _note(self, row: str, number: int, change: str, image: Image) -> None:
        """Compare a render with what it should be, once for each state."""
        if (row, number) in self._compared:
            return
        self._compared.add((row, number))
        state = self._states[number]
        truth = state.truths[change]
        self._squares[row].append(mean_square(image, truth))
        if change:
            self._jumps[row].append(state.jump(change, image))
        else:
            self._largest[row] = max(self._largest.get(row, 0.0), float(np.abs(image - truth).max()))

    def _strokes(self, session: Session, number: int) -> None:
        """Time strokes as the editor renders them, one after the other: the first picture, and the exact one."""
        portrait = sample(number)
        session.open(portrait)
        labels = earlier_edit(portrait)
        _pictures(session, RenderRequest(0, 0, labels))
        for change in strokes(portrait, labels, number):
            time.sleep(REST_S)
            request = RenderRequest(0, 0, change.labels, moving=change.name != WHOLE_MASK)
            pictures = _pictures(session, request)
            first, last = pictures[0], pictures[-1]
            if self._warm:
                self._samples[f"preview {change.name}"].append(first.timings["total"])
                self._samples[f"final {change.name}"].append(last.timings["total"])
                self._samples["compose"].append(last.timings["compose"])
            row = f"preview {change.name}"
            self._kinds[row].add("draft" if first.draft else "exact")
            if first.draft and first.image is not None and last.image is not None:
                changed, margin = change.labels != labels, margin_of(labels.shape)
                self._jumps[row].append(Jump.of(first.image, last.image, changed, margin, 1))
            labels = change.labels

    def _row(self, name: str) -> Report:
        result = summary(self._samples[name])
        if squares := self._squares.get(name):
            result |= errors(squares, self._largest.get(name))
        if several := self._jumps.get(name):
            result["jump"] = jumps(several)
        if name in self._kinds:
            result["kind"] = " or ".join(sorted(self._kinds[name]))
        if name in self._shares:
            result["share"] = round(self._shares[name], 3)
        return result


def _tell(text: str) -> None:
    print(text, file=sys.stderr)


def _arguments(inputs: Inputs) -> tuple[LabelMap, StyleCode, Pixels, NDArray[np.float32]]:
    return inputs.labels, inputs.style, inputs.pixels, inputs.region


def _pictures(session: Session, request: RenderRequest) -> list[RenderResult]:
    """Return what the editor would show of a request, without the pauses in between."""
    return [result for each in session.passes(request) if (result := each.render()) is not None]


def published(weights: Path) -> tuple[Path, bool]:
    """Return a weight file of the published size, and whether it is fitted: random ones replace a missing one."""
    if weights.is_file():
        return weights, True
    made = cache_folder() / "published-size-random.safetensors"
    if not made.is_file():
        torch.manual_seed(0)
        checkpoints.save_generator(DenseMappingNetwork().eval(), made, "Published size, random weights", half=False)
    return made, False


def bench_networks(which: str, weights: Path = PUBLISHED, rounds: int = ROUNDS) -> Report:
    """Measure a model.

    Parameters
    ----------
    which
        ``"published"``, the published size, or ``"default"``, the model that is shipped.
    weights
        Of the published size; random ones if the file does not exist.
    rounds
        How many are timed.
    """
    agreement = golden()
    official, fitted = published(weights)
    measured = official if which == "published" else default_weights()
    # In a program of its own, whose memory is free again.
    prepare = [sys.executable, "-m", "app", "prepare", "--device", "cpu", "--model", str(measured)]
    subprocess.run(prepare, stdout=sys.stderr, check=True)
    model = Model(measured)
    reference = model.network if which == "published" else checkpoints.load_generator(official)[0]
    rows = Rounds(model, reference).run(rounds)
    report: Report = {
        "title": model.title,
        "size": model.network.config.size,
        "fitted": fitted or which != "published",
        "golden": agreement,
        "backends": model.backends,
        "chosen": model.chosen,
        "rows": rows,
        "peak_mb_of_this_benchmark": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6),
    }
    kept = ranges_file(default_weights())
    if which == "default" and kept.is_file():
        report["int8_on_validation_set"] = json.loads(kept.read_text(encoding="utf-8")).get("measured")
    for generator in model.generators.values():
        generator.close()
    return report


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench_networks")
    parser.add_argument("which", choices=("published", "default"))
    parser.add_argument("--published", type=Path, default=PUBLISHED, help="weights of the published size")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    args = parser.parse_args()
    print(json.dumps(bench_networks(args.which, args.published, args.rounds), indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
