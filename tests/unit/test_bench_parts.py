"""What the benchmark paints, what it asks of the system, and how it runs its parts."""

import argparse
import os
import subprocess
import sys

import numpy as np
import pytest

from engine.types import Region
from tests import bench
from tests.bench_processes import busy_seconds, own_seconds, peak_mb, proportional_mb, torch_in, tree
from tests.bench_strokes import (
    LINE,
    PLACES,
    SIZES,
    changes,
    dab,
    earlier_edit,
    mirrored,
    sample,
    strokes,
)
from tests.bench_table import WHOLE_MASK

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux's /proc")


@pytest.mark.parametrize("index", [0, 1])
@pytest.mark.parametrize("place", range(len(PLACES)))
def test_every_change_changes_the_mask_where_it_should(index: int, place: int) -> None:
    portrait = sample(index)
    before = earlier_edit(portrait)
    assert not np.array_equal(before, portrait.labels)
    found = {each.name: each.labels for each in changes(portrait, before, place)}
    assert list(found) == [*(f"{size} px" for size in SIZES), LINE, WHOLE_MASK]
    x, y = PLACES[place][:2]
    for size in SIZES:
        changed = found[f"{size} px"] != before
        box = Region.of(changed)
        assert changed[y, x], "the middle of a dab is always painted"
        assert y - size // 2 <= box.y0 and box.y1 <= y + size // 2 + 1
        assert x - size // 2 <= box.x0 and box.x1 <= x + size // 2 + 1


def test_a_dab_is_as_large_on_a_mask_of_another_size() -> None:
    portrait = sample(0)
    small = np.ascontiguousarray(portrait.labels[::2, ::2])
    large, half = (dab(portrait, labels, 96, 0) != labels for labels in (portrait.labels, small))
    assert large.sum() == pytest.approx(4 * half.sum(), rel=0.05)


def test_strokes_add_up_and_end_with_the_whole_mask() -> None:
    portrait = sample(0)
    names, masks = zip(*strokes(portrait, portrait.labels, 0), strict=True)
    assert names == (*(f"{size} px" for size in SIZES), WHOLE_MASK)
    for before, after in zip((portrait.labels, *masks), masks, strict=False):
        assert not np.array_equal(before, after)
    kept = (masks[3] != masks[2]).sum()
    assert kept <= np.pi * 97**2 + 400, "the last dab leaves the earlier ones"
    assert np.array_equal(mirrored(masks[-1]), masks[3])


@LINUX
def test_a_tree_holds_children_and_what_they_take() -> None:
    program = "import subprocess, sys; print('up', flush=True); subprocess.run([sys.executable, '-c', 'input()'])"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while len(pids := tree(child.pid)) < 2:
            assert child.poll() is None
        assert pids[0] == child.pid and set(pids) <= set(tree()) and os.getpid() in tree()
        # A shared page is shared out among its processes, and nothing is ever larger than it was at its peak.
        assert 0 < proportional_mb(pids[:1]) <= peak_mb(pids[:1])
        assert not torch_in(child.pid)
        child.communicate("\n")
    assert tree(child.pid) == [child.pid] and peak_mb([child.pid]) == 0.0 and not torch_in(child.pid)


@LINUX
def test_work_of_ones_own_is_no_work_of_others() -> None:
    before, own = busy_seconds(), own_seconds()
    while own_seconds() - own < 0.2:
        pass
    assert busy_seconds() - before >= 0.1
    assert 0 <= bench.Load().report()["others_share"] <= 1


def test_a_part_that_fails_is_reported() -> None:
    assert "error" in bench.run_part(["tests.no_such_part"], dict(os.environ))
    assert "error" in bench.run_part(["tests.bench_strokes"], dict(os.environ)), "it prints nothing"


def test_every_part_has_a_module_and_gets_its_options() -> None:
    args = argparse.Namespace(strokes=3, rounds=2, published="weights")
    for part in bench.PARTS:
        words = bench.command(part, args)
        assert (bench.ROOT / "tests" / f"{words[0].removeprefix('tests.')}.py").is_file()
        assert ("--rounds" in words) == (part in ("published", "default"))
        assert ("--strokes" in words) == (part in ("memory", "live", "painting"))
    plain = argparse.Namespace(strokes=None, rounds=None, published="weights")
    assert bench.command("live", plain) == ["tests.bench_live"]


def test_the_machine_names_the_runtimes() -> None:
    packages = bench.machine()["packages"]
    assert {"torch", "onnxruntime", "onnxruntime-gpu", "openvino"} <= set(packages)
    assert packages["numpy"] == np.__version__
