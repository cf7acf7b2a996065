"""The model's process: how it dies and is started anew, how it ends, and how it behaves."""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from engine import remote
from engine.remote import RemoteGenerator
from engine.types import MaskError, ModelError
from engine.worker import NICENESS
from resources import RESOURCES
from tests.fakes import check_error
from tests.remote_fakes import Puppet, puppet, wait_for
from tests.remote_hosts import POSIX, STYLE, Host, all_gone, hosting, no_memory_left, ordered, process_of, render


@pytest.fixture(autouse=True)
def memories() -> Iterator[list[str]]:
    with no_memory_left() as names:
        yield names


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with hosting(tmp_path) as make:
        yield make


# Deaths


@pytest.mark.parametrize(("order", "words"), [("die", "exit status 3"), pytest.param("crash", "SIGKILL", marks=POSIX)])
def test_a_process_that_dies_is_started_anew(host: Host, tmp_path: Path, order: str, words: str) -> None:
    generator = host()
    first = process_of(generator)
    with pytest.raises(ModelError) as error:
        render(generator, ordered(order))
    check_error(error, "The model's process ended unexpectedly", words)
    assert generator.pid is None
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))
    assert process_of(generator) != first
    assert all_gone(first)


@POSIX
def test_a_process_that_died_unnoticed_costs_nobody_anything(host: Host, tmp_path: Path) -> None:
    generator = host()
    render(generator, STYLE)
    first = generator._process
    assert first is not None
    first.popen.kill()
    first.popen.wait()
    generator.cancel()
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))


def test_three_deaths_within_a_minute_are_enough(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = host()
    for _ in range(3):
        with pytest.raises(ModelError, match="exit status 3"):
            render(generator, ordered("die"))
    begun = len(list(tmp_path.glob("begun-*")))
    for _ in range(2):
        with pytest.raises(ModelError) as error:
            render(generator, STYLE)
        check_error(error, "3 times within a minute")
    assert len(list(tmp_path.glob("begun-*"))) == begun == 3
    monkeypatch.setattr(remote, "DEATHS_WITHIN_S", 0.0)
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))


def test_loading_anew_may_fail_as_well(host: Host, tmp_path: Path) -> None:
    generator, missing = host(), tmp_path / "missing"
    with pytest.raises(ModelError):
        render(generator, ordered("die"))
    missing.touch()
    with pytest.raises(MaskError, match="Loading failed"):
        render(generator, STYLE)
    missing.unlink()
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))


# The end


def test_after_close_nothing_is_left(host: Host, tmp_path: Path) -> None:
    generator = host()
    pid = process_of(generator)
    render(generator, STYLE)
    generator.close()
    generator.close()
    generator.cancel()
    assert (tmp_path / "closed").exists()
    assert all_gone(pid)
    with pytest.raises(ModelError) as error:
        render(generator, STYLE)
    check_error(error, "closed")


def test_who_forgets_to_close_leaves_nothing_either(tmp_path: Path) -> None:
    generator = RemoteGenerator(partial(puppet, tmp_path))
    pid = process_of(generator)
    render(generator, STYLE)
    del generator
    gc.collect()
    assert all_gone(pid)


def run_program(program: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": str(RESOURCES.parent)}
    return subprocess.Popen(
        [sys.executable, "-X", "dev", *program],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


PROGRAM = """
import sys
from functools import partial
from pathlib import Path
import numpy as np
from engine.remote import RemoteGenerator
from engine.types import StyleCode
from tests.remote_fakes import puppet
import app, PySide6
generator = RemoteGenerator(partial(puppet, Path(sys.argv[1])))
image = generator.decode(*(np.ones((8, 8), np.uint8), StyleCode(np.ones(1, np.float32), "plain"),
                           np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32)))
print("made", float(image.mean()), repr(generator.info.note), flush=True)
"""


@pytest.mark.parametrize("kind", ["script", "command", "module"])
def test_the_process_does_not_run_the_program_again(tmp_path: Path, kind: str) -> None:
    (tmp_path / "unguarded.py").write_text(PROGRAM + "generator.close()\n")
    arguments = {
        "script": [str(tmp_path / "unguarded.py")],
        "command": ["-c", PROGRAM],  # and it forgets to close
        "module": ["-m", "unguarded"],
    }
    program = subprocess.Popen(
        [sys.executable, "-X", "dev", *arguments[kind], str(tmp_path)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(RESOURCES.parent), str(tmp_path)))},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    out, err = program.communicate(timeout=60)
    assert (out, err, program.returncode) == ("made 2.0 ''\n", "", 0)
    assert len(list(tmp_path.glob("begun-*"))) == 1


@pytest.mark.parametrize("busy", [False, True])
def test_the_process_ends_when_the_program_is_killed(tmp_path: Path, busy: bool) -> None:
    last = "generator.decode(np.ones((8, 8), np.uint8), StyleCode(np.ones(1, np.float32), 'wait'), " \
           "np.zeros((8, 8, 3), np.uint8), np.ones((8, 8), np.float32))" if busy else "sys.stdin.read()"  # fmt: skip
    program = run_program(["-c", PROGRAM + last, str(tmp_path)])
    assert program.stdout is not None
    assert program.stdout.readline().startswith("made 2.0")
    if busy:
        wait_for(tmp_path / "entered")
    program.kill()
    # All processes hold on to the pipe of stderr: it ends with the last of them.
    _, err = program.communicate(timeout=15)
    assert err == ""


# Manners


@POSIX
def test_ctrl_c_is_the_programs_business(host: Host, tmp_path: Path) -> None:
    generator = host()
    pid = process_of(generator)
    os.kill(pid, signal.SIGINT)
    np.testing.assert_array_equal(render(generator, STYLE), render(Puppet(tmp_path), STYLE))
    assert generator.pid == pid
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@POSIX
def test_the_process_stands_back(host: Host) -> None:
    assert os.getpriority(os.PRIO_PROCESS, process_of(host())) == NICENESS
