"""Many photos at once: several processes, and the command line."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import pool
from app.batch import Item, Job
from app.cli import main
from app.pool import run
from engine.files import read_mask, read_picture, save_mask
from engine.photo import read_photo
from engine.types import ModelError
from resources import RESOURCES
from resources.labels import BY_NAME
from tests.batch_fakes import (
    SAMPLES,
    FakeReader,
    FragileReader,
    apply_job,
    outputs,
    parse_job,
    photo,
    run_one,
)
from tests.fakes import make_labels

# Interrupting


def test_ctrl_c_ends_with_a_summary(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [photo(folder / "in" / name) for name in ("a.png", "stop.png", "z.png")]
    assert run_one(parse_job(folder, reader=FragileReader), *paths) == 130
    assert capsys.readouterr().out == "3 photos: 1 parsed, 2 not done\n"


# Several processes


def test_a_process_that_dies_is_its_photos_failure_only(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    paths = [photo(folder / "in" / f"{name}.png") for name in ("a", "die", "b", "odd", "c")]
    assert run_one(parse_job(folder, reader=FragileReader), *paths, jobs=2) == 1
    out, err = capsys.readouterr()
    assert out == "5 photos: 3 parsed, 2 failed\n"
    # Nothing half-written is left either.
    assert {name[0] for name in outputs(folder)} == set("abc")
    first, second = sorted(err.splitlines())
    assert "die.png: The process that worked on it ended" in first and "odd.png" in second and "by zero" in second


def test_processes_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(pool.THREADS_VARIABLE, raising=False)
    with pool._threads(3) as threads:
        assert threads == 3 and os.environ[pool.THREADS_VARIABLE] == "3"
    assert pool.THREADS_VARIABLE not in os.environ
    monkeypatch.setenv(pool.THREADS_VARIABLE, "2")
    with pool._threads(3) as threads:
        assert threads == 2 and os.environ[pool.THREADS_VARIABLE] == "2"


@pytest.mark.parametrize(
    ("asked", "photos", "device", "expected"),
    [
        (None, 9, "CPU", 4),
        (None, 3, "CPU", 3),
        (None, 9, "H100", 2),
        (6, 9, "H100", 6),
        (6, 2, "CPU", 2),
        (1, 9, "CPU", 1),
    ],
)
def test_the_number_of_processes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, asked: int | None, photos: int, device: str, expected: int
) -> None:
    used = []

    def shared(job: Job, items: list[Item], processes: int) -> Any:
        used.append(processes)
        yield from ()

    monkeypatch.setattr(pool, "cores", lambda: 8)
    monkeypatch.setattr(pool, "_in_processes", shared)
    items = [Item(folder / "none.png", str(number)) for number in range(photos)]
    run(parse_job(folder, reader=partial(FakeReader, device=device)), items, asked)
    assert (used or [1]) == [expected]


SLOW = """
import signal, sys
from pathlib import Path
# What is run in the background ignores Ctrl-C, and so do its children.
signal.signal(signal.SIGINT, signal.default_int_handler)
from app.cli import named
from app.pool import run
from tests.unit.test_batch import FragileReader, parse_job
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.exit(run(parse_job(folder, reader=FragileReader), named(sorted((folder / "in").iterdir())), 2))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals to a group of processes")
def test_ctrl_c_lets_photos_at_work_be_finished(folder: Path) -> None:
    for number in range(6):
        photo(folder / "in" / f"slow_{number}.png")
    (folder / "main.py").write_text(SLOW)
    environment = os.environ | {"PYTHONPATH": str(RESOURCES.parent), "STARTED": str(folder)}
    process = subprocess.Popen(
        [sys.executable, str(folder / "main.py"), str(folder)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while len(list(folder.glob("slow_?"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        # As a terminal does it: to all processes.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    assert out == "6 photos: 2 parsed, 4 not done\n"
    assert "Traceback" not in err and "Stopping" in err
    assert sorted(name for name in outputs(folder) if "_mask" in name) == ["slow_0_mask.png", "slow_1_mask.png"]


# The command line


@pytest.fixture
def edit(folder: Path) -> Path:
    path = folder / "edit.json"
    path.write_text('{"version": 1, "operations": [{"op": "grow", "class": "hair", "by": 0.03}]}')
    return path


def test_usage_errors_come_before_any_work(folder: Path, edit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, empty = photo(folder / "in" / "a.png"), folder / "empty"
    empty.mkdir()
    bad = folder / "bad.json"
    bad.write_text('{"version": 1, "operations": [{"op": "paint"}]}')
    out = folder / "new"
    cases = [
        (["parse", empty, "-o", out], "no photo"),
        (["parse", good, "-o", good], "cannot be written to"),
        (["parse", good, "-o", good / "under"], "cannot be written to"),
        (["parse", good, "-o", out, "--parser", folder / "none.safetensors"], "does not exist"),
        (["apply", bad, good, "-o", out], '"paint"'),
        (["apply", folder / "none.json", good, "-o", out], "does not exist"),
        (["apply", edit, empty, "-o", out], "no photo"),
    ]
    for words, message in cases:
        assert main([str(word) for word in words]) == 2
        output, err = capsys.readouterr()
        assert output == "" and message in err and len(err.splitlines()) == 2
    assert not out.is_dir() or not list(out.iterdir())
    wrong = (
        "parse",
        "parse a",
        "apply e -o b",
        "parse a -o b --jobs 0",
        "parse a -o b --faces 2",
        "apply e a -o b --jobs x",
    )
    for line in (*wrong, "apply e a -o b --quality 101", "apply e a -o b --format gif"):
        with pytest.raises(SystemExit) as leaving:
            main(line.split())
        assert leaving.value.code == 2
        assert "usage" in capsys.readouterr().err


def test_a_model_that_cannot_be_loaded_is_told_once(folder: Path) -> None:
    def broken() -> Any:
        raise ModelError("It is broken.", "Mend it.")

    with pytest.raises(ModelError, match="broken"):
        run_one(apply_job(folder, generator=broken), photo(folder / "in" / "a.png"))
    assert not outputs(folder)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def real(folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small photos of a real face, larger than its crop."""
    monkeypatch.setenv("MASKBRUSH_CACHE_DIR", str(cache))
    with Image.open(SAMPLES / "collins.jpg") as image:
        face = image.resize((200, 200))
    for name, turn in (("a", 0), ("b", 15)):
        scene = Image.new("RGB", (360, 280), (120, 130, 140))
        turned = face.rotate(turn, Image.Resampling.BICUBIC, fillcolor=(120, 130, 140))
        scene.paste(turned, (90, 40))
        scene.save(folder / "in" / f"{name}.png")
    (folder / "in" / "c.png").write_text("no picture")
    return folder


def test_both_commands_with_the_real_networks(real: Path, edit: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = str(real / "in"), str(real / "out")
    assert main(["parse", source, "-o", out, "--jobs", "1", "--device", "cpu", "--whole"]) == 1
    assert capsys.readouterr().out == "3 photos: 2 parsed, 1 failed\n"
    for name in "ab":
        mask = np.asarray(Image.open(real / "out" / f"{name}_mask.png"))
        assert mask.shape == (280, 360)
        rows, columns = np.nonzero(mask == BY_NAME["nose"].id)
        assert abs(columns.mean() - 190) < 12 and abs(rows.mean() - 155) < 15
    words = ["apply", str(edit), source, "-o", out, "--jobs", "2", "--device", "cpu", "--masks"]
    assert main(words) == 1
    assert capsys.readouterr().out == "3 photos: 2 edited, 1 failed\n"
    alone = real / "alone"
    assert main([*words[:4], str(alone), "--jobs", "1", "--device", "cpu", "--masks"]) == 1
    for name in "ab":
        before, after = read_picture(real / "in" / f"{name}.png"), read_picture(real / "out" / f"{name}_edited.png")
        different = (before != after).any(axis=2)
        assert 0 < different.mean() < 0.4
        for end in ("_edited", "_edited_crop_mask"):
            files = [folder / f"{name}{end}.png" for folder in (real / "out", alone)]
            assert files[0].read_bytes() == files[1].read_bytes()


def test_render_finds_the_face_where_there_is_no_mask(real: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, edited, out = real / "in" / "b.png", real / "edited.png", real / "result.png"
    assert main(["parse", str(source), "-o", str(real / "out"), "--device", "cpu"]) == 0
    labels = read_mask(real / "out" / "b_mask.png", 512, 512).copy()
    labels[200:280, 150:360] = BY_NAME["eye_g"].id
    save_mask(edited, labels)
    capsys.readouterr()
    assert main(["render", str(source), "--edited", str(edited), "-o", str(out), "--device", "cpu"]) == 0
    assert "result.png" in capsys.readouterr().out
    different = (read_picture(source) != read_picture(out)).any(axis=2)
    assert read_photo(out).pixels.shape == (280, 360, 3)
    rows, columns = np.nonzero(different)
    assert 0 < different.mean() < 0.2 and rows.min() > 60 and rows.max() < 220 and columns.min() > 90
    # The photo itself where nothing was edited, and the crop as the network renders it.
    assert main(["render", str(source), "-o", str(out), "--device", "cpu"]) == 0
    assert np.array_equal(read_picture(source), read_picture(out))
    assert main(["render", str(source), "--raw", "-o", str(out), "--device", "cpu"]) == 0
    assert read_picture(out).shape == (512, 512, 3)
    wide = real / "wide.png"
    save_mask(wide, make_labels(60, 100))
    assert main(["render", str(source), "--edited", str(wide), "-o", str(out), "--device", "cpu"]) == 1
    assert "shapes differ" in capsys.readouterr().err
