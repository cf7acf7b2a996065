"""A generator for tests of the model's process. Nothing but the engine is imported here, as the process imports it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from engine.generate import GeneratorInfo, Image
from engine.types import CancelledError, LabelMap, MaskError, Pixels, Region, StyleCode

WAIT_S = 20.0
FOREIGN = ("PySide6", "app", "torch", "onnxruntime", "openvino", "pytest", "unguarded")
"""Modules that a model's process must not import by itself."""


class Puppet:
    """Implements `engine.generate.Generator` in numpy; a style's ``model_id`` says what it does.

    Parameters
    ----------
    folder
        Where it leaves word: ``entered`` when "wait" has begun, ``closed`` when it was closed.

    Attributes
    ----------
    info
        Its note names what of `FOREIGN` was imported.
    """

    def __init__(self, folder: Path) -> None:
        found = ",".join(name for name in FOREIGN if name in sys.modules)
        self.info = GeneratorInfo("Puppet", "puppet", "Fake", "CPU", 64, 8, True, note=found, step=8, drafts="some")
        self._folder = folder
        self._cancelled = threading.Event()
        self._seen: tuple[object, ...] = ()

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        vector = np.append(pixels.mean(axis=(0, 1)), labels.mean())
        return StyleCode(vector.astype(np.float32), self.info.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        order = getattr(self, f"_do_{style.model_id}", None)
        if order is not None:
            order()
        seen, self._seen = self._seen, (pixels, style)
        image = pixels / np.float32(255) + region[..., None] * style.vector[0] + labels[..., None]
        if style.model_id == "same":
            image[0, 0] = [one is other for one, other in zip(seen, self._seen, strict=True)] + [False]
        if style.model_id == "large":
            image = np.tile(image, (9, 9, 1))
        return image.astype(np.float32)

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        if style.model_id == "no_draft":
            return None
        image = self.decode(labels, style, pixels, region) - np.float32(0.5)
        return image if box is None else image[box.slices]

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        return [self.decode(labels, style, pixels, region) for style in styles]

    def cancel(self) -> None:
        self._cancelled.set()

    def close(self) -> None:
        (self._folder / "closed").touch()

    def _do_wait(self) -> None:
        self._cancelled.clear()
        (self._folder / "entered").touch()
        if self._cancelled.wait(WAIT_S):
            raise CancelledError

    def _do_die(self) -> None:
        os._exit(3)

    def _do_crash(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _do_give_up(self) -> None:
        self.info = replace(self.info, device="another one")
        raise MaskError("It is no mask.", "")

    def _do_change(self) -> None:
        self.info = replace(self.info, device="a third one")

    def _do_odd(self) -> None:
        raise ZeroDivisionError("by zero")

    def _do_memory(self) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9 bytes")

    def _do_meant(self) -> None:
        raise MaskError("It is no mask.", "Take another one.")


def puppet(folder: Path, backend: str = "", device: str = "", *, progress: Callable[[str], None]) -> Puppet:
    """Make one; tells its progress.

    Files in the folder change that: ``doomed`` ends the process, ``missing`` makes it fail, and ``exports`` makes it
    pretend to need PyTorch: once, but for ``always``.
    """
    (folder / f"begun-{os.getpid()}").touch()
    if (folder / "always").exists() or (folder / "exports").exists():
        sys.modules["torch"] = ModuleType("torch")
        (folder / "exports").unlink(missing_ok=True)
        progress("exporting")
    else:
        progress("one")
        progress("two")
    if (folder / "doomed").exists():
        os._exit(7)
    if (folder / "missing").exists():
        raise MaskError("Loading failed.", backend + device)
    return Puppet(folder)


def wait_for(path: Path) -> None:
    """Wait until a file exists."""
    deadline = time.monotonic() + WAIT_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.002)
