"""Speed, memory and the quality of drafts on this machine: ``make bench`` or ``python -m tests.bench``.

One report to judge by, as JSON (``out/bench.json`` and standard output) and as a table (standard error) that ends with
the bars to reach. Each part runs in a program of its own, one after the other:

- ``start``: from the start of the process to the window, the model and the first render, and the first start ever;
- ``memory``: of all the editor's processes while the sample is opened, painted on and exported;
- ``live``: from the hand's events to what they show in the real window, and how late its event loop is meanwhile;
- ``painting``: what moves, fills and undo cost the interface at a mask of 1024 pixels, and a long history's bytes;
- ``published``, ``default``: a network of the published size at 512 pixels, and the shipped model, on each back end,
  beside what the published demo does for every edit, in the same rounds;
- ``photo``: a face in 12 megapixels, found, labelled, and an edit laid back.

What int8 and parts do to random weights says little of trained ones, and the published weights may not be passed on:
``python -m tests.fit_published`` makes some that draw two faces. Graphs made for the benchmark are kept in its output
folder unless ``MASKBRUSH_CACHE_DIR`` names another one.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tests.bench_bars import verdicts
from tests.bench_processes import busy_seconds, own_seconds
from tests.bench_table import Report, table

ROOT = Path(__file__).parents[1]
PARTS = ("start", "memory", "live", "painting", "published", "default", "photo")
OUT, PUBLISHED = Path("out/bench.json"), Path("runs/published-size.safetensors")
LIMIT_S = 1500
"""A part that takes longer is ended."""
BUSY = 0.08
"""Share of the processors that other programs may take without being worth a warning."""
PACKAGES = ("torch", "onnxruntime-gpu", "onnxruntime", "openvino", "PySide6-Essentials", "numpy")


def machine() -> Report:
    """Describe the machine and the libraries."""
    cpu = platform.processor() or platform.machine()
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        lines = listing.read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), cpu)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9 if hasattr(os, "sysconf") else None
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "memory_gb": memory and round(memory, 1),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class Load:
    """How busy the machine is with other things, from now on."""

    def __init__(self) -> None:
        self._before = self._average()
        self._started, self._busy, self._own = time.perf_counter(), busy_seconds(), own_seconds()

    def report(self) -> Report:
        """Return the load averages, and which share of the processors other programs took meanwhile."""
        passed = (time.perf_counter() - self._started) * (os.cpu_count() or 1)
        others = busy_seconds() - self._busy - (own_seconds() - self._own)
        share = min(max(others / max(passed, 1e-9), 0.0), 1.0)
        busy = share > BUSY or (self._before or 0.0) > 0.5 * (os.cpu_count() or 1)
        return {
            "before": self._before,
            "after": self._average(),
            "others_share": round(share, 3),
            "busy": busy,
            "seconds": round(time.perf_counter() - self._started, 1),
        }

    @staticmethod
    def _average() -> float | None:
        return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def command(part: str, args: argparse.Namespace) -> list[str]:
    """Return the module that measures a part, and its arguments."""
    words = {
        "start": ["tests.bench_start", "start"],
        "memory": ["tests.bench_start", "memory"],
        "live": ["tests.bench_live"],
        "painting": ["tests.bench_studio"],
        "published": ["tests.bench_networks", "published", "--published", str(args.published)],
        "default": ["tests.bench_networks", "default", "--published", str(args.published)],
        "photo": ["tests.bench_photo"],
    }[part]
    if args.strokes is not None and part in ("memory", "live", "painting"):
        words += ["--strokes", str(args.strokes)]
    if args.rounds is not None and part in ("published", "default"):
        words += ["--rounds", str(args.rounds)]
    return words


def run_part(words: list[str], environment: dict[str, str]) -> Report:
    """Run a module; returns what it prints, or why there is nothing."""
    load = Load()
    try:
        done = subprocess.run(
            [sys.executable, "-m", *words], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True,
            timeout=LIMIT_S, check=True,
        )  # fmt: skip
        return json.loads(done.stdout) | {"load": load.report()}
    except subprocess.TimeoutExpired:
        return {"error": f"it took longer than {LIMIT_S} s"}
    except (subprocess.CalledProcessError, ValueError) as error:
        return {"error": str(error)}


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=__doc__.partition("\n\n")[2] if __doc__ else "",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, help="of the networks")
    parser.add_argument("--strokes", type=int, help="painted in each of the window's parts")
    parser.add_argument("--published", type=Path, default=PUBLISHED, help=f"weights of that size ({PUBLISHED})")
    parser.add_argument("--out", type=Path, default=OUT, help=f"where the JSON goes as well ({OUT})")
    args = parser.parse_args()
    args.published, args.out = args.published.absolute(), args.out.absolute()
    environment = {
        "QT_QPA_PLATFORM": "offscreen",
        "MASKBRUSH_CACHE_DIR": str(args.out.parent / "bench-cache"),
    } | os.environ
    load = Load()
    report: Report = {"machine": machine()}
    print("Making what the editor keeps for its default model…", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "app", "prepare"], cwd=ROOT, env=environment, stdout=sys.stderr, check=False)
    for part in [name for name in PARTS if not args.only or name in args.only]:
        started = time.perf_counter()
        print(f"Measuring: {part}…", file=sys.stderr)
        report[part] = run_part(command(part, args), environment)
        print(f"{part} took {time.perf_counter() - started:.0f} s", file=sys.stderr)
    report["load"] = load.report()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=2)
    args.out.write_text(text + "\n", encoding="utf-8")
    print(text)
    print(f"\n{table(report)}\n\nThe bars\n{verdicts(report)}\n\nThe report is in {args.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
