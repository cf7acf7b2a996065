"""The bars that `tests.bench` is to reach, each with what was measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.bench_table import WHOLE_MASK, Report, columns, found

UNKNOWN = "not measured"


@dataclass(frozen=True)
class Bar:
    """What is to be reached.

    Attributes
    ----------
    name
        What of.
    wanted
        How much, in words.
    met
        Whether it is reached; None if it was not measured.
    figure
        What was measured, in words.
    """

    name: str
    wanted: str
    met: bool | None
    figure: str


def bars(report: Report) -> list[Bar]:
    """Compare a report with what is to be reached.

    Strokes are timed as the session renders them, composition included; networks by themselves.
    """
    chosen = found(report, "published", "chosen") or ""
    int8 = found(report, "published", "backends", chosen, "drafts") == "int8"
    whole = f"whole draft {chosen} {WHOLE_MASK}" if int8 else ""
    published, default = ("published", "rows"), ("default", "rows")
    ratio = "x_reference"
    torch = [value for part in ("start", "live") if (value := found(report, part, "torch_imported")) is not None]
    return [
        _least("published size: exact float32", 2, "x", found(report, *published, f"exact {chosen}", ratio)),
        _least("published size: int8, whole", 5, "x", found(report, *published, whole, ratio)),
        _preview(report, f"part {chosen} 48 px"),
        _least("default model: 48 px stroke to preview", 60, "x", found(report, *default, "preview 48 px", ratio)),
        _less("default model: the same, in the window", 50, " ms", found(report, "live", "preview_48px", "p50_ms")),
        _least("default model: 48 px stroke to final", 30, "x", found(report, *default, "final 48 px", ratio)),
        _less("peak memory of the editor", 900, " MB", found(report, "memory", "peak_mb")),
        _less("event-loop delay, 99th percentile", 16, " ms", found(report, "live", "event_loop", "p99_ms")),
        _less("process start to window", 1500, " ms", found(report, "start", "window", "p50_ms")),
        _less("process start to first render", 3000, " ms", found(report, "start", "first_render", "p50_ms")),
        Bar("PyTorch in the editor", "not loaded", not any(torch) if torch else None,
            ("loaded" if any(torch) else "not loaded") if torch else UNKNOWN),
        _jump("published size", found(report, "published") or {}),
        _jump("default model", found(report, "default") or {}),
    ]  # fmt: skip


def verdicts(report: Report) -> str:
    """Return the bars as text."""
    words = {None: "?", True: "met", False: "MISSED"}
    return "\n".join(columns([[words[bar.met], bar.name, bar.wanted, bar.figure] for bar in bars(report)]))


def _least(name: str, wanted: float, unit: str, value: float | None) -> Bar:
    return _compared(name, f">= {wanted:g}{unit}", unit, value, lambda measured: measured >= wanted)


def _less(name: str, wanted: float, unit: str, value: float | None) -> Bar:
    return _compared(name, f"< {wanted:g}{unit}", unit, value, lambda measured: measured < wanted)


def _compared(name: str, wanted: str, unit: str, value: float | None, met: Callable[[float], bool]) -> Bar:
    return Bar(name, wanted, None, UNKNOWN) if value is None else Bar(name, wanted, met(value), f"{value:g}{unit}")


def _preview(report: Report, part: str) -> Bar:
    ratio: Any = found(report, "published", "rows", "preview 48 px", "x_reference")
    agreement: Any = found(report, "published", "rows", part, "psnr_db")
    name, wanted = "published size: 48 px stroke to preview", ">= 30x at >= 45 dB"
    if ratio is None or agreement is None:
        return Bar(name, wanted, None, UNKNOWN)
    weights = "" if found(report, "published", "fitted") else ", random weights"
    return Bar(name, wanted, ratio >= 30 and agreement >= 45, f"{ratio:g}x at {agreement:g} dB{weights}")


def _jump(title: str, model: Report) -> Bar:
    """Judge by the pictures that are shown, and tell of the network's own renders too."""
    rows = found(model, "rows") or {}
    shown = [(found(row, "jump", "worst_mean"), name) for name, row in rows.items() if name.startswith("preview ")]
    network = [found(row, "jump", "worst_mean") for name, row in rows.items() if name.startswith("part ")]
    known = [(value, name) for value, name in shown if value is not None]
    name, wanted = f"{title}: jump from preview to final, mean", "< 2/255"
    if not known or not model.get("fitted"):
        return Bar(name, wanted, None, UNKNOWN if not known else "random weights")
    worst, row = max(known)
    render = max((value for value in network if value is not None), default=0.0)
    return Bar(name, wanted, worst < 2, f"{worst:g}/255 at worst, {row}; {render:g} in the network's render")
