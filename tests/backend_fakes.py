"""Stand-ins for the back ends of one model, which can be told to fail in every way."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.choice import Choice, Pair
from engine.generate import BackendUnavailableError, Image
from engine.store import kept_graphs
from engine.types import LabelMap, Pixels, Region, StyleCode
from tests.fakes import FakeGenerator, make_portrait

TITLES = {"torch": "PyTorch", "onnx": "ONNX Runtime", "openvino": "OpenVINO"}
CPU: tuple[Pair, ...] = (("openvino", "cpu"), ("onnx", "cpu"), ("torch", "cpu"))
GPU: tuple[Pair, ...] = (("torch", "cuda"), ("onnx", "cuda"))


class FakeBackend(FakeGenerator):
    """A model on some back end.

    Attributes
    ----------
    shift, code_shift
        Added to what `decode` and `encode` return.
    blur
        Added to drafts.
    seconds
        What an exact render, a draft of the whole and one of a part take, by ``clock``.
    clock
        Told of these seconds.
    during
        Called in `decode`, before anything else.
    """

    def __init__(self, name: str, device: str = "cpu", drafts: str = "", step: int = 0, model_id: str = "fake") -> None:
        super().__init__(model_id, drafts=drafts, step=step)
        self.info = replace(self.info, backend=TITLES[name], device=device.upper())
        self.shift = self.code_shift = self.blur = 0.0
        self.seconds = (0.0, 0.0, 0.0)
        self.clock: Callable[[float], None] = lambda seconds: None
        self.during: Callable[[], None] = lambda: None
        self.draft_failure: Exception | None = None

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        code = super().encode(pixels, labels)
        return StyleCode(code.vector + np.float32(self.code_shift), code.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        self.during()
        self.clock(self.seconds[0])
        return super().decode(labels, style, pixels, region) + np.float32(self.shift)

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        self.clock(self.seconds[1 if box is None else 2])
        image = super().draft(labels, style, pixels, region, box)
        if self.draft_failure is not None:
            raise self.draft_failure
        return None if image is None else image + np.float32(self.blur)


class Without8Bits(FakeBackend):
    """One that can do without int8.

    Attributes
    ----------
    refused
        How often it was asked to.
    """

    refused = 0

    def refuse_int8(self) -> None:
        self.refused += 1
        self.info = replace(self.info, drafts="")


class FakeBackends:
    """Loads back ends.

    Attributes
    ----------
    weights
        The weight file.
    set_up
        Called with each back end that is made, by its name and device, before it is handed out.
    kind
        What is made.
    missing
        What cannot be loaded, and what loading it raises.
    made
        All that were loaded, in order, with their names and devices.
    told
        What was told as progress.
    drafts, step
        As `FakeGenerator` takes them; drafts not of PyTorch.
    """

    def __init__(self, folder: Path) -> None:
        self.weights = folder / "fake.safetensors"
        self.weights.write_bytes(b"fake")
        self.set_up: dict[Pair, Callable[[FakeBackend], None]] = {}
        self.kind: type[FakeBackend] = FakeBackend
        self.missing: dict[Pair, BaseException] = {}
        self.made: list[tuple[Pair, FakeBackend]] = []
        self.told: list[str] = []
        self.drafts, self.step = "", 0

    def load(self, name: str, device: str, progress: Callable[[str], None]) -> FakeBackend:
        pair = (name, device)
        progress(f"loading {name}")
        if pair in self.missing:
            raise self.missing[pair]
        made = self.kind(name, device, "" if name == "torch" else self.drafts, self.step)
        self.set_up.get(pair, lambda made: None)(made)
        self.made.append((pair, made))
        return made

    def choice(self, pairs: tuple[Pair, ...] = CPU, fastest: bool = False, known: tuple[str, ...] = ()) -> Choice:
        return Choice(self.weights, pairs, self.load, fastest, known, self.told.append)

    @property
    def names(self) -> list[str]:
        """What was loaded, in order."""
        return [" ".join(pair) for pair, _ in self.made]

    @property
    def open(self) -> list[str]:
        """What was loaded and has not been closed."""
        return [" ".join(pair) for pair, made in self.made if not made.closed]

    def lack(self, pair: Pair) -> None:
        """Let a back end be missing."""
        self.missing[pair] = BackendUnavailableError(f"{TITLES[pair[0]]} cannot be imported")

    def leave_check(self, **changes: NDArray) -> None:
        """Write what the model makes of a small input beside its graphs; ``changes`` replace or add arrays."""
        portrait = make_portrait((32, 64), seed=3)
        region = np.zeros((32, 64), np.float32)
        region[8:20, 10:40] = 1
        right = FakeBackend("torch")
        style = right.encode(portrait.pixels, portrait.labels)
        arrays = {
            "labels": portrait.labels, "pixels": portrait.pixels, "region": region, "style": style.vector,
            "render": right.decode(portrait.labels, style, portrait.pixels, region),
        }  # fmt: skip
        folder = kept_graphs(self.weights)
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(folder / "check.npz", allow_pickle=True, **(arrays | changes))

    def leave_graphs(self) -> None:
        """Pretend that the graphs have been made."""
        folder = kept_graphs(self.weights)
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("encode.onnx", "decode.onnx", "part.onnx"):
            (folder / name).touch()
