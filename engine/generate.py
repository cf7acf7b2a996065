"""The generator as the editor sees it, and the choice of a back end to run it.

Three back ends are interchangeable: PyTorch (CUDA, Apple's MPS, CPU), ONNX Runtime (CUDA, CPU) and OpenVINO (CPU). None
is imported before it is needed.
"""

import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from engine.types import LabelMap, ModelError, Pixels, Region, StyleCode

Backend = Literal["auto", "torch", "onnx", "openvino"]
Device = Literal["auto", "cpu", "cuda", "mps"]
BACKENDS: tuple[Backend, ...] = get_args(Backend)
DEVICES: tuple[Device, ...] = get_args(Device)
GENERATOR_BACKENDS = ("openvino", "onnx", "torch")
"""What runs a generator on a CPU, most likely fastest first."""

Loaded = TypeVar("Loaded")

Image = NDArray[np.float32]
"""float32 of shape (H, W, 3), RGB in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class GeneratorInfo:
    """What is known of a loaded generator.

    Attributes
    ----------
    title
        The model's name.
    model_id
        Identifies the weights; style codes are valid for one id only.
    backend, device
        Where it runs, such as ``"ONNX Runtime"`` and ``"CPU"``.
    size
        The longer side, in pixels, of the pictures it works on.
    multiple
        Height and width must be multiples of this.
    context
        Whether `Generator.decode` makes use of the source picture and the region.
    class_values
        How many values of a style code belong to each class: its last 19 times as many, class by class. 0 if the
        classes' looks cannot be told apart.
    licence
        Terms that people must be shown; empty for the project's own weights.
    note
        Why another back end or device than the one asked for is used; usually empty.
    step
        The sides and the place of a part that `Generator.draft` renders must be multiples of this; 0 if it cannot
        render parts.
    precision
        Of exact renders, such as ``"float32"``.
    drafts
        Of drafts of the whole picture, such as ``"int8"``; empty if there are none.
    """

    title: str
    model_id: str
    backend: str
    device: str
    size: int
    multiple: int
    context: bool
    class_values: int = 0
    licence: str = ""
    note: str = ""
    step: int = 0
    precision: str = "float32"
    drafts: str = ""


class Generator(Protocol):
    """A dense mapping network on some back end. Its methods belong to one thread, but for `cancel`."""

    @property
    def info(self) -> GeneratorInfo:
        """What is known of it."""
        ...

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """Compute a portrait's style code.

        Parameters
        ----------
        pixels, labels
            uint8 (H, W, 3) RGB and uint8 (H, W); height and width multiples of ``info.multiple``.
        """
        ...

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """Render a label map.

        Parameters
        ----------
        labels
            The label map asked for, uint8 (H, W).
        style
            A code made by the same model.
        pixels
            The source picture, uint8 (H, W, 3) RGB.
        region
            float32 (H, W), 1 where the picture is to be made anew and 0 elsewhere.

        Returns
        -------
        ndarray
            float32 (H, W, 3) RGB in [-1, 1].

        Raises
        ------
        CancelledError
            If `cancel` was called meanwhile.
        """
        ...

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        """Render quickly, and not quite exactly.

        Parameters
        ----------
        labels, style, pixels, region
            As for `decode`, of the whole picture.
        box
            The part to render, its place and sides multiples of ``info.step``: with the normalisation statistics and
            the deep features that the last `decode` left. It is right away from its edges, where the box ends inside
            the picture. None for the whole picture, at lower precision.

        Returns
        -------
        ndarray or None
            float32, of the box's size or (H, W, 3), RGB in [-1, 1]. None where there is nothing quicker than `decode`:
            for a part, if the last `decode` was of another size or style.

        Raises
        ------
        CancelledError
            If `cancel` was called meanwhile.
        """
        ...

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        """Render a label map in several styles, together where that is quicker; see `decode`."""
        ...

    def cancel(self) -> None:
        """Ask what runs now, if anything does, to end soon with CancelledError; may be called on any thread.

        What a back end cannot stop runs to its end. What is called later is not touched.
        """
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


def to_planes(pixels: Pixels) -> NDArray[np.float32]:
    """Turn uint8 (H, W, 3) into the networks' input, float32 (1, 3, H, W) in [-1, 1]."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)
    return (planes / 127.5 - 1)[None]


def from_planes(planes: NDArray[np.float32]) -> Image:
    """Turn the networks' output, float32 (1, 3, H, W), into (H, W, 3)."""
    return np.ascontiguousarray(planes[0].transpose(1, 2, 0))


def nvidia_driver() -> bool:
    """Tell whether an NVIDIA driver is installed, without importing anything heavy."""
    return shutil.which("nvidia-smi") is not None


def candidates(backend: Backend, device: Device, known: Sequence[str] = ("onnx", "torch")) -> list[tuple[str, str]]:
    """List the (back end, device) pairs to try, best first, for what was asked and this machine.

    A GPU runs PyTorch; a CPU runs what starts and computes faster there.

    Parameters
    ----------
    backend, device
        What was asked for.
    known
        The back ends that there are, best first on a CPU, where ``"auto"`` chooses.
    """
    devices: list[str] = [device]
    if device == "auto":
        devices = ["cpu"]
        if nvidia_driver():
            devices = ["cuda", "cpu"]
        elif platform.system() == "Darwin" and platform.machine() == "arm64":
            devices = ["mps", "cpu"]
    elif device != "cpu":
        devices.append("cpu")
    pairs: list[tuple[str, str]] = []
    for name in devices:
        order = [each for each in known if each != "openvino" or _has_openvino()]
        if name != "cpu":
            order.sort(key=lambda each: each != "torch")
        if backend != "auto":
            order = [backend]
        pairs += [(each, name) for each in order if _possible(each, name)]
    return pairs


def _has_openvino() -> bool:
    """Tell whether OpenVINO is made for this kind of computer: as in pyproject.toml."""
    system, chip = platform.system(), platform.machine()
    return (system != "Darwin" or chip == "arm64") and chip != "ARM64"


def _possible(backend: str, device: str) -> bool:
    return device == "cpu" or backend == "torch" or (backend, device) == ("onnx", "cuda")


def load_generator(
    weights: Path,
    backend: Backend = "auto",
    device: Device = "auto",
    progress: Callable[[str], None] = lambda text: None,
) -> Generator:
    """Load a generator on the best back end that works; where it fails later, the next best takes over.

    Parameters
    ----------
    weights
        A weight file: ours (``.safetensors``) or a published one (``.pth``).
    backend, device
        What to use; ``"auto"`` chooses. Where the device asked for does not work, the CPU is used and
        `GeneratorInfo.note` says so.
    progress
        Told in a few words what takes long.

    Returns
    -------
    Generator
        See `engine.steady.SteadyGenerator`: its `info` may change with any call.

    Raises
    ------
    ModelError
        If the weight file cannot be used, or no back end works; the message gives each one's reason.
    """
    from engine.choice import Choice
    from engine.steady import SteadyGenerator
    from engine.store import checked

    weights = checked(weights)
    titles = {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}
    reasons = ()
    if backend in titles and device not in ("auto", "cpu") and not _possible(backend, device):
        reasons = (f"{titles[backend]} does not run on {device.upper()}",)

    def load(name: str, where: str, tell: Callable[[str], None]) -> Generator:
        if name == "torch":
            from engine.torch_backend import TorchGenerator

            return TorchGenerator(weights, where)
        from engine.graph_generator import GraphGenerator

        return GraphGenerator(weights, "onnx" if name == "onnx" else "openvino", where, progress=tell)

    pairs = candidates(backend, device, GENERATOR_BACKENDS)
    return SteadyGenerator(Choice(weights, pairs, load, backend == "auto", reasons, progress))


def first_that_works(
    pairs: Sequence[tuple[str, str]],
    load: Callable[[str, str, str], Loaded],
    failure: str,
    hint: str,
    known: Sequence[str] = (),
) -> Loaded:
    """Load something on the first back end and device that can be used.

    Parameters
    ----------
    pairs
        What to try, best first: see `candidates`.
    load
        Given a back end, a device, and why better ones are not used; raises BackendUnavailableError to go on.
    failure, hint
        The error's words where none works; the reasons are added to the first.
    known
        Reasons that are known beforehand.

    Raises
    ------
    ModelError
        If none works.
    """
    reasons = list(known)
    for name, where in pairs:
        try:
            return load(name, where, "; ".join(reasons))
        except BackendUnavailableError as error:
            reasons.append(str(error))
    raise ModelError(f"{failure}: " + "; ".join(reasons) + ".", hint)


class BackendUnavailableError(Exception):
    """A back end or device that this machine lacks; the next one is tried."""
