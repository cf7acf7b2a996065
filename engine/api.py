"""Maskbrush without its window: open a portrait, edit its mask, render.

>>> from pathlib import Path
>>> from engine.api import Maskbrush, read_portrait, read_mask, save_picture
>>> with Maskbrush() as brush:
...     portrait = read_portrait(Path("face.jpg"), Path("face_mask.png"))
...     edited = read_mask(Path("edited.png"), *portrait.pixels.shape[:2])
...     save_picture(Path("result.png"), brush.render(portrait, edited))
"""

from pathlib import Path
from typing import Self

import numpy as np

from engine.files import check_target, find_mask, read_mask, read_picture, read_portrait, save_mask, save_picture
from engine.generate import Backend, Device, GeneratorInfo, load_generator
from engine.session import Session
from engine.store import default_weights
from engine.types import EngineError, LabelMap, Pixels, Portrait, RenderRequest
from resources.labels import LABEL_COUNT

__all__ = [
    "EngineError",
    "Maskbrush",
    "Portrait",
    "check_target",
    "find_mask",
    "read_mask",
    "read_picture",
    "read_portrait",
    "save_mask",
    "save_picture",
]


class Maskbrush:
    """A loaded generator that renders edited portraits.

    Parameters
    ----------
    weights
        A weight file; by default the one that comes with Maskbrush.
    backend, device
        ``"auto"``, ``"torch"`` or ``"onnx"``; ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    EngineError
        If the model cannot be loaded.
    """

    def __init__(self, weights: Path | None = None, backend: Backend = "auto", device: Device = "auto") -> None:
        generator = load_generator(weights or default_weights(), backend, device)
        self.info: GeneratorInfo = generator.info
        self._session = Session(generator)

    def render(
        self, portrait: Portrait, edited: LabelMap, exemplar: Portrait | None = None, composite: bool = True
    ) -> Pixels:
        """Render an edited mask at the portrait's own resolution.

        Parameters
        ----------
        portrait
            The picture and its own mask.
        edited
            The mask asked for, uint8 of the shape of ``portrait.labels``.
        exemplar
            A portrait whose style to use; then the whole picture is made anew.
        composite
            Whether pixels away from the edit stay the picture's own, or the raw render is returned.

        Returns
        -------
        ndarray
            uint8 (H, W, 3) RGB, the shape of ``portrait.pixels``.

        Raises
        ------
        EngineError
            If rendering fails.
        ValueError
            If the mask has another shape than the portrait's, or holds something else than ids 0..18.
        """
        if edited.shape != portrait.labels.shape:
            raise ValueError(f"the edited mask is {edited.shape}, the portrait's {portrait.labels.shape}")
        labels = edited.astype(np.uint8)
        if (labels != edited).any() or int(labels.max()) >= LABEL_COUNT:
            raise ValueError(f"the edited mask holds other values than the ids 0 to {LABEL_COUNT - 1}")
        self._session.open(portrait)
        return self._session.export(RenderRequest(0, 0, labels, exemplar, composite))

    def close(self) -> None:
        """Free the model."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
