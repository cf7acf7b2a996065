"""Latencies on this machine, as JSON: ``make bench`` or ``python -m tests.bench``.

Two things are timed. The networks: the default model's encode, decode and composition on the sample portrait, beside
the baseline in the same process, which is the published architecture at its own size (512 px, random weights), run as
the published demo does for every edit: both encoders and the decoder, eager PyTorch, autograd left on; and a second
time under ``inference_mode``. Rounds are interleaved, so that a busy spell of the machine hits all alike.

The editor: the real window, offscreen, with mouse events that paint while renders run, from the start of the process to
a shown window, and from the release of a stroke to its shown result; at a mask of 1024 pixels what each move, a fill,
undo and redo cost the interface, and how much memory a long history takes.

The photo: finding and labelling a face in 12 megapixels, and laying an edit back into them.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.settings import Settings
from app.window import SAMPLE
from engine.compose import edit_alpha, match_colours
from engine.frame import Frame
from engine.generate import load_generator
from engine.mask.steps import Entry, Ground, done
from engine.mask.strokes import Stroke
from engine.paste import Layer, patch_of
from engine.photo import laid_over
from engine.reader import read_portrait
from engine.store import default_weights
from engine.types import Portrait
from resources.labels import BY_NAME
from tests.bench_photo import bench_photo
from tests.bench_studio import Hand, bench_studio

Seconds = list[float]

_START = """
import time
from app.settings import Settings
from app.start import application, open_window
app = application()
window = open_window(settings=Settings())
app.processEvents()
print("shown", flush=True)
import sys
assert "torch" not in sys.modules
import os
os._exit(0)
"""


def summary(samples: Seconds) -> dict[str, float]:
    """Return p50 and p95 in milliseconds."""
    p50, p95 = np.percentile(np.array(samples) * 1000, (50, 95))
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2), "n": len(samples)}


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds ``action`` takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def edited(portrait: Portrait, diameter: int) -> np.ndarray:
    """Return the portrait's mask with one stroke of hair across the forehead."""
    points = np.array([[200, 190], [260, 200], [320, 195]]) * (portrait.labels.shape[0] / 512)
    step = Stroke(BY_NAME["hair"].id, np.c_[points, np.full(3, diameter / 2)])
    return done(Ground(portrait.labels, portrait.labels, portrait.view), Entry(step))


def bench_networks(rounds: int) -> dict:
    """Time the default model's stages and the baseline, interleaved."""
    import torch

    from models.generator import DenseMappingNetwork

    portrait = read_portrait(SAMPLE)
    generator = load_generator(default_weights())
    info = generator.info
    height, width = portrait.labels.shape
    frame = Frame.fit(height, width, info.size, info.multiple)
    pixels, source = frame.pixels(portrait.pixels), frame.labels(portrait.labels)
    view = portrait.view
    labels = edited(portrait, 48)
    region = frame.region(edit_alpha(labels, portrait.labels) > 0)
    small = frame.labels(labels)
    style = generator.encode(pixels, source)
    image = generator.decode(small, style, pixels, region)

    def compose() -> None:
        alpha = edit_alpha(labels, portrait.labels)
        matched = match_colours(image, pixels, small, frame.region(alpha > 0), small != source)
        layer = Layer(frame.inside(matched), frame.inside(pixels), labels, portrait.labels, alpha)
        laid_over(view, patch_of(layer, view, np.eye(2, 3)))

    official = DenseMappingNetwork().eval()
    big = torch.randint(0, 19, (1, 32, 32)).repeat_interleave(16, 1).repeat_interleave(16, 2)
    picture = torch.rand(1, 3, 512, 512) * 2 - 1

    def reference() -> None:
        official(big, big, picture)

    def reference_inference() -> None:
        with torch.inference_mode():
            official(big, big, picture)

    stages: dict[str, Callable[[], object]] = {
        "encode": lambda: generator.encode(pixels, source),
        "decode": lambda: generator.decode(small, style, pixels, region),
        "compose": compose,
        "baseline_official_512": reference,
        "baseline_official_512_inference_mode": reference_inference,
    }
    samples: dict[str, Seconds] = {name: [] for name in stages}
    for index in range(rounds + 1):
        for name, action in stages.items():
            taken = timed(action)
            if index:  # the first round warms up
                samples[name].append(taken)
    generator.close()
    result: dict = {name: summary(values) for name, values in samples.items()}
    edit = result["decode"]["p50_ms"] + result["compose"]["p50_ms"]
    result["baseline_over_edit"] = round(result["baseline_official_512"]["p50_ms"] / edit, 1)
    result["baseline_inference_mode_over_edit"] = round(
        result["baseline_official_512_inference_mode"]["p50_ms"] / edit, 1
    )
    return {"model": info.title, "backend": info.backend, "device": info.device, **result}


def bench_editor(strokes: int) -> dict:
    """Time painting on a mask of 512 pixels from the release of a stroke to its shown result."""
    from app.start import application, open_window

    app = application()
    window = open_window(settings=Settings())
    hand = Hand(window)
    hand.wait_for_portrait()
    window.studio.set_label(BY_NAME["hair"].id)
    moves: Seconds = []
    shown: dict[int, Seconds] = {24: [], 48: [], 96: []}
    rng = np.random.default_rng(0)
    for index in range(strokes):
        diameter = list(shown)[index % len(shown)]
        window.studio.change(brush_size=diameter)
        path = np.clip(rng.uniform(100, 400, 2) + np.cumsum(rng.normal(0, 8, (40, 2)), 0), 10, 500)
        taken, _ = hand.drag(path)
        moves += taken
        shown[diameter].append(timed(hand.wait))
        window.editor.undo()
        hand.wait()
    window.editor.forget_unsaved()
    window.close()
    app.processEvents()
    result = {"paint_event_while_rendering": summary(moves)}
    return result | {f"release_to_shown_{diameter}px": summary(values) for diameter, values in shown.items()}


def bench_painting(strokes: int) -> dict:
    """Time painting on a mask of 1024 pixels: see `bench_studio`."""
    return {name: summary(value) if isinstance(value, list) else value for name, value in bench_studio(strokes).items()}


def bench_start(rounds: int) -> dict:
    """Time from the start of the process to the shown window."""
    samples = []
    for _ in range(rounds):
        started = time.perf_counter()
        with subprocess.Popen([sys.executable, "-c", _START], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            line = process.stdout.readline()
            samples.append(time.perf_counter() - started)
            assert line.strip() == "shown", line
    return {"process_start_to_window_shown": summary(samples)}


def machine() -> dict:
    """Describe the machine and the libraries."""
    from importlib.metadata import version

    cpu = platform.processor() or platform.machine()
    listing = Path("/proc/cpuinfo")
    cores = 0
    if listing.exists():
        lines = listing.read_text(encoding="utf-8").splitlines()
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        cpu, cores = (names[0] if names else cpu), len(names)
    packages = ("torch", "PySide6-Essentials", "numpy")
    return {"cpu": cpu, "cores": cores, "python": platform.python_version(), **{p: version(p) for p in packages}}


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the networks (default 9)")
    parser.add_argument("--strokes", type=int, default=30, help="strokes painted in the editor (default 30)")
    args = parser.parse_args()
    report = {
        "machine": machine(),
        "start": bench_start(3),
        "editor": bench_editor(args.strokes),
        "painting_at_1024": bench_painting(args.strokes),
        "networks": bench_networks(args.rounds),
        "photo": bench_photo(),
    }
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
