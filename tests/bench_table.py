"""What `tests.bench` makes of its measurements: summaries, errors, ratios, and a table to read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Report = dict[str, Any]
"""What one part of the benchmark found, as it goes into the JSON."""

RANGE = 2.0
"""Renders lie in [-1, 1]."""
LEAST_SQUARE = 1e-12
"""Mean squares below this count as this much, so that equal pictures have a finite PSNR: 126 dB."""
EACH = 127.5
"""From differences of renders to those of pixels, 0..255."""

REFERENCE, INFERENCE = "reference", "reference_inference_mode"
"""The rows that others are compared with."""
WHOLE_MASK = "whole mask"
"""What a change of the whole mask is called; strokes are called by their size."""


def summary(seconds: Sequence[float]) -> Report:
    """Return median and 95th percentile in milliseconds, and of how many."""
    if not len(seconds):
        return {"n": 0}
    p50, p95 = np.percentile(np.array(seconds) * 1000, (50, 95))
    return {"p50_ms": round(float(p50), 2), "p95_ms": round(float(p95), 2), "n": len(seconds)}


def mean_square(image: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Return the mean square of the differences of two renders."""
    return float(np.square(np.subtract(image, truth, dtype=np.float64)).mean())


def psnr(square: float) -> float:
    """Return the PSNR in dB of renders whose differences have this mean square."""
    return 10 * float(np.log10(RANGE**2 / max(square, LEAST_SQUARE)))


@dataclass(frozen=True)
class Jump:
    """By how much one picture differs from another where something was painted, in steps of 255.

    Attributes
    ----------
    inside, inside_max
        Mean and maximum over the channels of all pixels painted.
    around, around_max
        The same within a margin around them, which they are no part of.
    mean
        The mean over both together.
    """

    inside: float
    inside_max: float
    around: float
    around_max: float
    mean: float

    @classmethod
    def of(
        cls,
        first: NDArray[np.float32] | NDArray[np.uint8],
        last: NDArray[np.float32] | NDArray[np.uint8],
        changed: NDArray[np.bool_],
        margin: int,
        scale: float = EACH,
    ) -> "Jump":
        """Compare two pictures.

        Parameters
        ----------
        first, last
            (H, W, 3).
        changed
            What was painted, bool (H, W), one pixel at least.
        margin
            How far around it is looked, in pixels.
        scale
            What makes differences steps of 255.
        """
        apart = np.abs(np.subtract(first, last, dtype=np.float32)) * scale
        distance = cv2.distanceTransform((~changed).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        near = (distance <= margin) & ~changed
        inside, around = apart[changed], apart[near]
        return cls(
            float(inside.mean()),
            float(inside.max()),
            float(around.mean()) if around.size else 0.0,
            float(around.max()) if around.size else 0.0,
            float(apart[changed | near].mean()),
        )


def jumps(several: Sequence[Jump]) -> Report:
    """Return the means of the means and the largest of the maxima, and the largest mean of all."""
    return {
        "inside_mean": round(float(np.mean([each.inside for each in several])), 2),
        "inside_max": round(max(each.inside_max for each in several), 1),
        "around_mean": round(float(np.mean([each.around for each in several])), 2),
        "around_max": round(max(each.around_max for each in several), 1),
        "mean": round(float(np.mean([each.mean for each in several])), 2),
        "worst_mean": round(max(each.mean for each in several), 2),
    }


def errors(squares: Sequence[float], largest: float | None = None) -> Report:
    """Return the PSNR of several renders together and of the worst, by their mean squares, and what else is known.

    ``largest`` is the largest difference of all, in the range of renders.
    """
    result: Report = {"psnr_db": round(psnr(float(np.mean(squares))), 1), "psnr_worst_db": round(psnr(max(squares)), 1)}
    return result if largest is None else result | {"max_abs": float(f"{largest:.2g}")}


def with_ratios(rows: Mapping[str, Report]) -> dict[str, Report]:
    """Return rows with how many times as long the reference took, by the medians of the same run."""
    result = {}
    for name, row in rows.items():
        result[name] = dict(row)
        for column, other in (("x_reference", REFERENCE), ("x_inference_mode", INFERENCE)):
            if row.get("p50_ms") and other in rows:
                result[name][column] = round(rows[other]["p50_ms"] / row["p50_ms"], 2)
    return result


def found(report: Report, *keys: str) -> Any:
    """Return what lies at a path in a report; None where it ends before."""
    value: Any = report
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def table(report: Report) -> str:
    """Return a report as text, without the bars."""
    lines = _machine(report)
    for name in ("published", "default"):
        if name in report:
            lines += ["", *_model(report[name])]
    for name in ("live", "start", "memory", "painting", "photo"):
        if name in report:
            lines += ["", TITLES[name], *_plain(report[name])]
    return "\n".join(lines)


TITLES = {
    "live": "In the window, with the default model (offscreen; from the hand's event to the repaint)",
    "start": "From the start of the process",
    "memory": "Memory of all the editor's processes, in MB (proportional set size)",
    "painting": "Painting on a mask of 1024 px",
    "photo": "A photo of 12 megapixels",
}


def _machine(report: Report) -> list[str]:
    machine, load = report.get("machine", {}), report.get("load", {})
    versions = ", ".join(f"{name} {value or 'missing'}" for name, value in machine.get("packages", {}).items())
    lines = [f"{machine.get('cores')} cores of {machine.get('cpu')}, Python {machine.get('python')}; {versions}"]
    if load:
        lines.append(
            f"Load average {load['before']} before and {load['after']} after; other programs took"
            f" {load['others_share']:.0%} of the processors."
        )
        if load["busy"]:
            lines.append("THE MACHINE WAS BUSY: trust the ratios, not the times.")
    return lines


def _model(model: Report) -> list[str]:
    if "error" in model:
        return [f"Failed: {model['error']}"]
    lines = [f"{model['title']} at {model['size']} px: the back end chosen is {model['chosen']}"]
    if not model.get("fitted", True):
        lines.append("The weights are random: errors say little of trained ones.")
    lines += [
        f"  {name}: {found(info, 'error') or ', '.join(_about(info))}" for name, info in model["backends"].items()
    ]
    lines += [f"  golden case {name}: {value}" for name, value in model["golden"].items()]
    heads = ("ms", "p95", "x ref.", "x inf.", "dB", "worst", "max diff.", "inside", "max", "around", "max")
    rows = [["", *heads]]
    for name, row in model["rows"].items():
        jump = row.get("jump", {})
        cells = [row.get(key) for key in ("p50_ms", "p95_ms", "x_reference", "x_inference_mode")]
        cells += [row.get(key) for key in ("psnr_db", "psnr_worst_db", "max_abs")]
        cells += [jump.get(key) for key in ("inside_mean", "inside_max", "around_mean", "around_max")]
        rows.append([name, *("" if cell is None else f"{cell:.4g}" for cell in cells)])
    lines += columns(rows)
    if measured := model.get("int8_on_validation_set"):
        lines.append(f"int8 on the validation set: {_listed(measured)}")
    return [*lines, f"This part took up to {model['peak_mb_of_this_benchmark']} MB, with all back ends at once."]


def _about(info: Report) -> Iterable[str]:
    yield f"{info['backend']} on {info['device']}, {info['precision']}"
    yield f"drafts {info['drafts'] or 'none'}, parts in steps of {info['step']}" if info["step"] else "no parts"
    yield f"loaded in {info['load_s']:g} s"
    if info["note"]:
        yield info["note"]


def _plain(part: Report) -> list[str]:
    """Return a part's figures, one a line."""
    return columns([[f"  {name}", _listed(value)] for name, value in part.items() if name != "load"])


def _listed(value: Any) -> str:
    if not isinstance(value, dict):
        return str(value)
    if "p50_ms" in value and "n" in value:
        return f"{value['p50_ms']:g} ms, 95th percentile {value['p95_ms']:g}, of {value['n']}"
    return ", ".join(f"{key} {each}" for key, each in value.items())


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines: numbers to the right, all else to the left."""
    widths = [max(len(row[column]) for row in rows) for column in range(max(map(len, rows), default=0))]
    return [
        "  ".join(
            cell.rjust(width) if column and _number(cell) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
