"""Stand-ins that tests share: a generator without a network, small portraits, and tiny weight files."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.affine import to_opencv
from engine.align import TYPICAL
from engine.generate import GeneratorInfo, Image
from engine.locate import Candidate, Locator
from engine.parse import ParserInfo
from engine.types import CancelledError, EngineError, LabelMap, Pixels, Portrait, Region, StyleCode
from models.config import GeneratorConfig
from models.synthetic import TINY
from resources.labels import BY_NAME, LABEL_COUNT, palette

WAIT_S = 20.0
"""How long a test waits for what another thread does, before it fails."""

DRAFT_ERROR = np.float32(1 / 64)
"""How much darker a fake's drafts are."""

TINY_PUBLISHED = GeneratorConfig(width=2, blocks=2)
"""A network shaped like the published one."""


class FakeGenerator:
    """Implements `engine.generate.Generator` in numpy: paints each class in its colour, tinted by the style.

    Parameters
    ----------
    model_id, size, multiple, context, class_values, step, drafts
        What `info` tells; 0 or 3 class values, which are then the class's mean colour.
    gated
        Whether `decode` waits until the test lets it go on: see `wait_for_decode` and `let_go`.

    Attributes
    ----------
    encoded, decoded
        How often each was called.
    calls
        The arguments of each `decode`, in order: labels, style, pixels, region.
    failure
        Raised by the next calls of `decode` while set.
    encode_failure
        The same for `encode`.
    spoil
        Whether `decode` returns a NaN.
    drafted
        The box of each `draft`, in order; None for the whole.
    cancelled, closed
        How often `cancel` and `close` were called.
    """

    def __init__(
        self,
        model_id: str = "fake",
        size: int = 64,
        multiple: int = 32,
        context: bool = True,
        gated: bool = False,
        class_values: int = 0,
        step: int = 0,
        drafts: str = "",
    ) -> None:
        self.info = GeneratorInfo(
            "Fake", model_id, "Fake", "CPU", size, multiple, context, class_values, step=step, drafts=drafts
        )
        self.encoded = self.decoded = self.cancelled = self.closed = 0
        self.drafted: list[Region | None] = []
        self._cancelling = False
        self.calls: list[tuple[LabelMap, StyleCode, Pixels, NDArray[np.float32]]] = []
        self.failure: BaseException | None = None
        self.encode_failure: BaseException | None = None
        self.spoil = False
        self._entered = threading.Semaphore(0)
        self._gate = threading.Semaphore(0)
        self._open = not gated

    def wait_for_decode(self) -> None:
        """Wait until one more call of a gated `decode` has begun."""
        assert self._entered.acquire(timeout=WAIT_S), "decode was not called"

    def let_go(self, always: bool = False) -> None:
        """Let one call of a gated `decode` finish, or from now on all of them."""
        self._open = self._open or always
        self._gate.release()

    def encode(self, pixels: Pixels, labels: LabelMap) -> StyleCode:
        """Return the mean colour of each third of the picture: 9 numbers; then each class's, if they are told apart."""
        self._check(labels, pixels)
        self.encoded += 1
        if self.encode_failure is not None:
            raise self.encode_failure
        thirds = [part.mean(axis=(0, 1)) / 255 for part in np.array_split(pixels, 3)]
        if self.info.class_values:
            found = set(np.unique(labels).tolist())
            thirds += [
                pixels[labels == k].mean(axis=0) / 255 if k in found else np.zeros(3) for k in range(LABEL_COUNT)
            ]
        return StyleCode(np.concatenate(thirds).astype(np.float32), self.info.model_id)

    def decode(self, labels: LabelMap, style: StyleCode, pixels: Pixels, region: NDArray[np.float32]) -> Image:
        """Return each class's colour, half mixed with the style's: the class's own, if the classes are told apart."""
        self._check(labels, pixels, region)
        assert style.model_id == self.info.model_id
        self.decoded += 1
        self.calls.append((labels.copy(), style, pixels.copy(), region.copy()))
        self._entered.release()
        if not self._open:
            assert self._gate.acquire(timeout=WAIT_S), "the test never let decode go on"
        if self._cancelling:
            self._cancelling = False
            raise CancelledError
        if self.failure is not None:
            raise self.failure
        image = (palette()[labels].astype(np.float32) / 255 + self._tint(labels, style)) / 2
        if self.spoil:
            image[0, 0, 0] = np.nan
        return (image * 2 - 1).astype(np.float32)

    def draft(
        self,
        labels: LabelMap,
        style: StyleCode,
        pixels: Pixels,
        region: NDArray[np.float32],
        box: Region | None = None,
    ) -> Image | None:
        """Return what `decode` would, a little darker; None where `info` does not tell of drafts."""
        self._check(labels, pixels, region)
        if not (self.info.drafts if box is None else self.info.step):
            return None
        if box is not None:
            assert not any(side % self.info.step for side in (box.y0, box.x0, box.y1, box.x1)) and not box.empty
        self.drafted.append(box)
        image = (palette()[labels].astype(np.float32) / 255 + self._tint(labels, style)) / 2 * 2 - 1 - DRAFT_ERROR
        image = image.astype(np.float32)
        return image if box is None else image[box.slices]

    def decode_styles(
        self, labels: LabelMap, styles: Sequence[StyleCode], pixels: Pixels, region: NDArray[np.float32]
    ) -> list[Image]:
        """Call `decode` for each."""
        return [self.decode(labels, style, pixels, region) for style in styles]

    def cancel(self) -> None:
        """End a gated `decode` that waits."""
        self.cancelled += 1
        if not self._open:
            self._cancelling = True
            self._gate.release()

    def close(self) -> None:
        """Count."""
        self.closed += 1

    def _tint(self, labels: LabelMap, style: StyleCode) -> NDArray[np.float32]:
        if self.info.class_values:
            return style.vector[9:].reshape(LABEL_COUNT, 3)[labels]
        return style.vector[:9].reshape(3, 3).mean(axis=0)

    def _check(self, labels: LabelMap, pixels: Pixels, region: NDArray[np.float32] | None = None) -> None:
        height, width = labels.shape
        assert height % self.info.multiple == 0 and width % self.info.multiple == 0
        assert labels.dtype == np.uint8 and pixels.dtype == np.uint8 and pixels.shape == (height, width, 3)
        if region is not None:
            assert region.dtype == np.float32 and region.shape == labels.shape
            assert np.isin(region, (0, 1)).all()


class FakeParser:
    """Implements `engine.parse.Parser` without a network: knows each class by its colour, as `draw_face` paints it.

    Of a pair, what lies to the left of the rest of the face is the person's right one, as in a mirror image.

    Attributes
    ----------
    seen
        The crops of each call of `probabilities` or `parse`, in order.
    closed
        How often `close` was called.
    """

    def __init__(self, size: int = 128, model_id: str = "fake") -> None:
        self.info = ParserInfo("Fake", model_id, "CPU", size)
        self.seen: list[Pixels] = []
        self.closed = 0

    def probabilities(self, crop: Pixels, careful: bool = True) -> NDArray[np.float32]:
        """Return 1 for a pixel's class and 0 for all else."""
        self.seen.append(crop)
        size = (self.info.size, self.info.size)
        labels = self._known(np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_AREA), np.uint8))
        return (np.arange(LABEL_COUNT)[:, None, None] == labels).astype(np.float32)

    def parse(self, crop: Pixels) -> LabelMap:
        """Return each pixel's class; 0 for colours of no class."""
        self.seen.append(crop)
        return self._known(crop)

    def close(self) -> None:
        """Count."""
        self.closed += 1

    def _known(self, pixels: Pixels) -> LabelMap:
        labels, nearest = np.zeros(pixels.shape[:2], np.uint8), np.full(pixels.shape[:2], 25, np.uint8)
        for label, colour in enumerate(palette()):
            apart = cv2.absdiff(pixels, np.broadcast_to(colour, pixels.shape).copy()).max(axis=2)
            labels[apart < nearest] = label
            nearest = np.minimum(apart, nearest)
        middle = np.nonzero(labels == BY_NAME["nose"].id)[1]
        columns = np.arange(pixels.shape[1]) + 0.5
        left = columns < (middle.mean() + 0.5 if middle.size else pixels.shape[1] / 2)
        for part in ("eye", "brow"):
            right_one, left_one = BY_NAME[f"r_{part}"].id, BY_NAME[f"l_{part}"].id
            pair = np.isin(labels, (right_one, left_one))
            labels[pair] = np.where(left, right_one, left_one)[np.nonzero(pair)[1]]
        return np.asarray(labels, np.uint8)


class FakeLocator(Locator):
    """Proposes what the test says, whatever the photo.

    Attributes
    ----------
    searched
        The photos, in order.
    closed
        How often `close` was called.
    """

    def __init__(self, *candidates: Candidate) -> None:
        super().__init__(lambda planes: planes)
        self._proposed = list(candidates)
        self.searched: list[Pixels] = []
        self.closed = 0

    def candidates(self, pixels: Pixels, check: Callable[[], None] = lambda: None) -> list[Candidate]:
        """Ask once whether to go on, then return them."""
        self.searched.append(pixels)
        check()
        return self._proposed

    def close(self) -> None:
        """Count."""
        self.closed += 1


def make_face_labels(size: int) -> LabelMap:
    """Return the mask of an aligned face: eyes and mouth are just where they typically are."""
    labels = np.zeros((size, size), np.uint8)
    (rx, ry), (lx, ly), (mx, my) = TYPICAL
    for name, x, y, across, down in (
        ("hair", 0.5, 0.42, 0.40, 0.38), ("skin", 0.5, 0.55, 0.29, 0.36), ("nose", 0.5, 0.60, 0.05, 0.08),
        ("r_brow", rx, ry - 0.08, 0.08, 0.015), ("l_brow", lx, ly - 0.08, 0.08, 0.015),
        ("r_eye", rx, ry, 0.05, 0.025), ("l_eye", lx, ly, 0.05, 0.025), ("mouth", mx, my, 0.10, 0.03),
    ):  # fmt: skip
        v, u = (np.mgrid[:size, :size] + 0.5) / size
        labels[((u - x) / across) ** 2 + ((v - y) / down) ** 2 <= 1] = BY_NAME[name].id
    return labels


def draw_face(pixels: Pixels, points: NDArray[np.float64]) -> None:
    """Paint a face in the classes' colours onto a picture, in place; ``points`` (3, 2) as in `engine.align.Points`."""
    labels, own = make_face_labels(512), np.c_[TYPICAL * 512, np.ones(3)]
    matrix = np.linalg.solve(own, points).T
    size = (pixels.shape[1], pixels.shape[0])
    laid = np.asarray(cv2.warpAffine(labels, to_opencv(matrix), size, flags=cv2.INTER_NEAREST), np.uint8)
    pixels[laid > 0] = palette()[laid[laid > 0]]


def make_labels(height: int, width: int) -> LabelMap:
    """Return the mask of a small face: hair, skin, eyes, nose, lips, neck, clothes."""
    labels = np.zeros((height, width), np.uint8)
    y, x = np.mgrid[:height, :width]
    y, x = (y + 0.5) / height, (x + 0.5) / width

    def ellipse(name: str, cy: float, cx: float, ry: float, rx: float) -> None:
        labels[((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1] = BY_NAME[name].id

    ellipse("hair", 0.40, 0.5, 0.36, 0.34)
    ellipse("cloth", 1.05, 0.5, 0.25, 0.50)
    labels[(abs(x - 0.5) < 0.12) & (y > 0.6) & (y < 0.85)] = BY_NAME["neck"].id
    ellipse("skin", 0.48, 0.5, 0.28, 0.22)
    ellipse("r_eye", 0.42, 0.41, 0.03, 0.05)
    ellipse("l_eye", 0.42, 0.59, 0.03, 0.05)
    ellipse("nose", 0.52, 0.5, 0.07, 0.04)
    ellipse("u_lip", 0.62, 0.5, 0.02, 0.08)
    ellipse("l_lip", 0.65, 0.5, 0.02, 0.07)
    return labels


def make_portrait(
    size: int | tuple[int, int] = 64,
    name: str = "face",
    mask_size: tuple[int, int] | None = None,
    seed: int = 0,
) -> Portrait:
    """Make a small synthetic portrait with its mask.

    Parameters
    ----------
    size
        Side, or height and width, of the picture.
    name
        Its name.
    mask_size
        Height and width of the mask; by default the picture's.
    seed
        Another seed gives other colours and noise.
    """
    height, width = (size, size) if isinstance(size, int) else size
    random = np.random.default_rng(seed)
    colours = random.integers(30, 226, (19, 3))
    noise = random.integers(-12, 13, (height, width, 1))
    pixels = np.clip(colours[make_labels(height, width)] + noise, 0, 255).astype(np.uint8)
    return Portrait(pixels, make_labels(*(mask_size or (height, width))), name)


def tiny_weights(path: Path, context: bool = True, seed: int = 0, title: str = "Tiny") -> Path:
    """Write the weights of a tiny random network to ``path`` (``.safetensors``) and return it."""
    import torch

    from models.checkpoints import save_generator
    from models.generator import DenseMappingNetwork

    config = TINY if context else GeneratorConfig(size=64, width=4, downsamplings=2, blocks=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        save_generator(DenseMappingNetwork(config).eval(), path, title, half=False)
    return path


def tiny_published_weights(path: Path, seed: int = 0) -> Path:
    """Write a tiny ``.pth`` of the kind that MaskGAN's authors published, and return it."""
    import torch

    from models.generator import DenseMappingNetwork

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.save(DenseMappingNetwork(TINY_PUBLISHED).state_dict(), path)
    return path


def check_error(error: pytest.ExceptionInfo[EngineError], *words: str) -> None:
    """Every error names what is wrong and what to do, each as a sentence."""
    for text in (error.value.message, error.value.hint):
        assert text.endswith(".")
    for word in words:
        assert word in str(error.value)
