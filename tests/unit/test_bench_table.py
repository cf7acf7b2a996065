"""What the benchmark makes of its measurements: summaries, errors, ratios, bars and the table."""

import json
import math

import numpy as np
import pytest

from tests.bench_bars import bars, verdicts
from tests.bench_table import Jump, columns, errors, found, jumps, mean_square, psnr, summary, table, with_ratios


def test_summary_is_in_milliseconds() -> None:
    assert summary([0.001, 0.002, 0.1]) == {"p50_ms": 2.0, "p95_ms": 90.2, "n": 3}
    assert summary([]) == {"n": 0}


def test_psnr_is_over_a_range_of_two() -> None:
    one, other = np.zeros((4, 4, 3), np.float32), np.full((4, 4, 3), 0.02, np.float32)
    assert psnr(mean_square(one, other)) == pytest.approx(40.0, abs=1e-4)
    assert psnr(mean_square(one, one)) == pytest.approx(10 * math.log10(4e12))


def test_errors_pool_the_squares_and_name_the_worst() -> None:
    result = errors([4e-4, 12e-4], largest=0.01234)
    assert result == {"psnr_db": 37.0, "psnr_worst_db": 35.2, "max_abs": 0.012}
    assert "max_abs" not in errors([4e-4])


def test_jump_tells_inside_from_around() -> None:
    first, last = np.zeros((9, 9, 3), np.float32), np.zeros((9, 9, 3), np.float32)
    changed = np.zeros((9, 9), bool)
    changed[4, 4] = True
    last[4, 4] = 2 / 127.5
    last[4, 6] = 10 / 127.5
    last[0, 0] = 1  # beyond the margin
    jump = Jump.of(first, last, changed, margin=2)
    around = 12  # the places within 2 pixels of one, but for itself
    assert jump.inside == pytest.approx(2) and jump.inside_max == pytest.approx(2)
    assert jump.around == pytest.approx(10 / around) and jump.around_max == pytest.approx(10)
    assert jump.mean == pytest.approx((2 + 10) / (around + 1))


def test_jump_of_pixels_does_not_wrap() -> None:
    first, last = np.full((2, 2, 3), 250, np.uint8), np.full((2, 2, 3), 3, np.uint8)
    jump = Jump.of(first, last, np.ones((2, 2), bool), margin=4, scale=1)
    assert (jump.inside, jump.inside_max, jump.around, jump.around_max) == (247, 247, 0, 0)


def test_jumps_keep_the_worst() -> None:
    several = [Jump(1, 5, 0.5, 2, 0.8), Jump(3, 4, 1.5, 9, 2.4)]
    assert jumps(several) == {
        "inside_mean": 2.0, "inside_max": 5, "around_mean": 1.0, "around_max": 9, "mean": 1.6, "worst_mean": 2.4,
    }  # fmt: skip


def test_ratios_are_to_both_references_of_the_same_run() -> None:
    rows = {
        "reference": {"p50_ms": 2000.0}, "reference_inference_mode": {"p50_ms": 1600.0}, "exact": {"p50_ms": 800.0},
        "not run": {"n": 0},
    }  # fmt: skip
    result = with_ratios(rows)
    assert result["exact"]["x_reference"] == 2.5 and result["exact"]["x_inference_mode"] == 2.0
    assert result["reference"]["x_reference"] == 1.0
    assert result["not run"] == {"n": 0}
    assert "x_reference" not in rows["exact"]
    assert with_ratios({"exact": {"p50_ms": 1.0}}) == {"exact": {"p50_ms": 1.0}}


def test_found_ends_where_the_report_does() -> None:
    report = {"a": {"b": 0}, "c": None}
    assert found(report, "a", "b") == 0
    assert found(report, "a", "x", "y") is None
    assert found(report, "c", "d") is None and found(report, "a", "b", "c") is None


def made_report(**changes: float) -> dict:
    """Return a report in which every bar is just met, but for what is changed."""
    values = {
        "exact": 2.0, "whole": 5.0, "preview": 30.0, "db": 45.0, "own_preview": 60.0, "window_preview": 49.9,
        "final": 30.0, "peak": 899.0, "delay": 15.9, "window": 1499.0, "first": 2999.0, "jump": 1.99,
    } | changes  # fmt: skip
    jump = {key: values["jump"] for key in ("inside_mean", "inside_max", "around_mean", "around_max", "worst_mean")}
    about = {
        "backend": "OpenVINO", "device": "CPU", "precision": "float32", "drafts": "int8", "step": 16, "note": "",
        "load_s": 1.0,
    }  # fmt: skip
    model = {
        "title": "Made up", "size": 512, "fitted": True, "golden": {"by formula": "agrees to 1e-07"},
        "backends": {"openvino": about, "onnx": {"error": "it is not installed"}}, "chosen": "openvino",
        "peak_mb_of_this_benchmark": 1,
    }  # fmt: skip
    return {
        "published": model | {
            "rows": {
                "exact openvino": {"p50_ms": 1000.0, "x_reference": values["exact"]},
                "whole draft openvino whole mask": {"x_reference": values["whole"]},
                "part openvino 48 px": {"psnr_db": values["db"], "jump": jump},
                "preview 48 px": {"x_reference": values["preview"], "jump": jump},
            }
        },
        "default": model | {
            "rows": {
                "preview 48 px": {"x_reference": values["own_preview"], "jump": jump},
                "final 48 px": {"x_reference": values["final"]},
            }
        },
        "live": {
            "preview_48px": {"p50_ms": values["window_preview"], "p95_ms": 60.0, "n": 3},
            "event_loop": {"p99_ms": values["delay"]}, "torch_imported": False,
        },
        "start": {"window": {"p50_ms": values["window"], "p95_ms": 1.0, "n": 1},
                  "first_render": {"p50_ms": values["first"]}, "torch_imported": False},
        "memory": {"peak_mb": values["peak"]},
    }  # fmt: skip


def test_all_bars_are_met_where_they_are_just_met() -> None:
    assert [bar.name for bar in bars(made_report()) if not bar.met] == []


@pytest.mark.parametrize(
    ("change", "value", "missed"),
    [
        ("exact", 1.99, 1), ("whole", 4.99, 1), ("preview", 29.9, 1), ("db", 44.9, 1), ("own_preview", 59.9, 1),
        ("window_preview", 50.0, 1), ("final", 29.9, 1), ("peak", 900.0, 1), ("delay", 16.0, 1), ("window", 1500.0, 1),
        ("first", 3000.0, 1), ("jump", 2.0, 2),
    ],
)  # fmt: skip
def test_a_bar_is_missed_by_a_little(change: str, value: float, missed: int) -> None:
    report = made_report(**{change: value})
    assert [bar.met for bar in bars(report)].count(False) == missed
    assert verdicts(report).count("MISSED") == missed


def test_nothing_measured_is_neither_met_nor_missed() -> None:
    assert {bar.met for bar in bars({})} == {None}
    assert {bar.met for bar in bars({"published": {"error": "it failed"}})} == {None}


def test_drafts_that_are_not_int8_do_not_count_as_such() -> None:
    report = made_report()
    report["published"]["backends"]["openvino"] = {"drafts": ""}
    assert [bar.name for bar in bars(report) if bar.met is None] == ["published size: int8, whole"]


def test_pytorch_in_either_part_is_told() -> None:
    report = made_report()
    report["start"]["torch_imported"] = True
    (bar,) = [bar for bar in bars(report) if not bar.met]
    assert bar.figure == "loaded"


def test_the_jump_of_random_weights_is_not_judged() -> None:
    report = made_report()
    report["published"]["fitted"] = False
    (bar,) = [bar for bar in bars(report) if not bar.met]
    assert bar.met is None and bar.figure == "random weights"
    assert "The weights are random" in table(report)


def test_the_table_names_rows_failures_and_missing_back_ends() -> None:
    report = made_report() | {"photo": {"error": "it broke"}, "load": {
        "before": 0.1, "after": 2.0, "others_share": 0.4, "busy": True,
    }}  # fmt: skip
    text = table(report)
    for words in ("exact openvino", "it is not installed", "it broke", "BUSY", "by formula: agrees to 1e-07"):
        assert words in text
    assert "int8" in text and json.dumps(report)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert columns([["row", "1.5"], ["longer", "12"], ["x", "text"]]) == [
        "row      1.5",
        "longer    12",
        "x       text",
    ]
    assert columns([]) == []
