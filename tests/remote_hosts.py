"""Models' processes with puppets in them, for tests: what is made in them, and that nothing of it is left."""

import gc
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from engine import remote_process
from engine.generate import Generator
from engine.remote import RemoteGenerator
from engine.remote_host import Pipe
from engine.types import StyleCode
from tests.remote_fakes import puppet

Host = Callable[..., RemoteGenerator]
"""Makes a puppet in a process of its own; may be given what to tell the progress to."""
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals between processes")
STYLE = StyleCode(np.array([0.25, 3], np.float32), "plain")


def ordered(order: str) -> StyleCode:
    """Return a style that makes a puppet do something."""
    return StyleCode(np.array([0.5], np.float32), order)


def scene(side: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, pixels and a region of a picture that is half as high again as it is wide."""
    rng = np.random.default_rng(seed)
    shape = (side * 3 // 2, side)
    labels, pixels = rng.integers(0, 19, shape, np.uint8), rng.integers(0, 256, (*shape, 3), np.uint8)
    return labels, pixels, rng.integers(0, 2, shape).astype(np.float32)


def render(generator: Generator, style: StyleCode, side: int = 16, seed: int = 0) -> np.ndarray:
    """Render a scene."""
    labels, pixels, region = scene(side, seed)
    return generator.decode(labels, style, pixels, region)


@contextmanager
def hosting(folder: Path) -> Iterator[Host]:
    """Make puppets in processes, all of which end."""
    made: list[RemoteGenerator] = []

    def make(progress: Callable[[str], None] = lambda text: None) -> RemoteGenerator:
        made.append(RemoteGenerator(partial(puppet, folder), progress))
        return made[-1]

    yield make
    for generator in made:
        generator.close()
        assert generator.pid is None


@contextmanager
def no_memory_left() -> Iterator[list[str]]:
    """Take down the names of all shared memory, in order; fail if some of it is left in the end."""
    names: list[str] = []

    class Recorded(SharedMemory):
        def __init__(self, name: str | None = None, create: bool = False, size: int = 0) -> None:
            super().__init__(name, create, size)
            names.append(self.name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_process, "SharedMemory", Recorded)
        yield names
        gc.collect()
        assert not [name for name in names if _exists(name)]


def _exists(name: str) -> bool:
    try:
        memory = SharedMemory(name)
    except FileNotFoundError:
        return False
    memory.close()
    return True


@contextmanager
def recorded_processes() -> Iterator[list[int]]:
    """Take down the ids of all processes, in order."""
    pids: list[int] = []
    spawn = remote_process._spawn

    def recorded(pipe: Pipe) -> subprocess.Popen[bytes]:
        pids.append((popen := spawn(pipe)).pid)
        return popen

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_process, "_spawn", recorded)
        yield pids


def all_gone(*pids: int) -> bool:
    """Tell whether children of this process have ended and been seen off, as far as that can be known here."""
    for pid in pids if os.name == "posix" else ():
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return True


def process_of(generator: RemoteGenerator) -> int:
    """Return the id of a generator's process, which there is."""
    assert generator.pid is not None
    return generator.pid
