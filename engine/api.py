"""Maskbrush without its window: open a photo, edit its mask, and write the photo back.

>>> from pathlib import Path
>>> from engine.api import Maskbrush, PhotoReader, read_photo, save_photo
>>> reader, photo = PhotoReader(), read_photo(Path("photo.jpg"))
>>> portrait = reader.portrait(photo, reader.faces(photo)[0].alignment)
>>> edited = portrait.labels.copy()
>>> with Maskbrush() as brush:
...     save_photo(Path("result.jpg"), photo, brush.patch(portrait, edited))
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from engine.files import check_target, find_mask, read_mask, read_picture, save_mask, save_picture
from engine.generate import Backend, Device, GeneratorInfo, load_generator
from engine.photo import Patch, Photo, laid_over, read_photo, save_photo
from engine.reader import PhotoReader, read_portrait
from engine.session import Session
from engine.store import default_weights
from engine.types import EngineError, LabelMap, Pixels, Portrait, RenderRequest
from resources.labels import LABEL_COUNT

__all__ = [
    "EngineError",
    "Maskbrush",
    "Patch",
    "Photo",
    "PhotoReader",
    "Portrait",
    "check_target",
    "find_mask",
    "laid_over",
    "read_mask",
    "read_photo",
    "read_picture",
    "read_portrait",
    "save_mask",
    "save_photo",
    "save_picture",
]


class Maskbrush:
    """A loaded generator that renders edited portraits.

    Parameters
    ----------
    weights
        A weight file; by default the one that comes with Maskbrush.
    backend, device
        ``"auto"``, ``"torch"``, ``"onnx"`` or ``"openvino"``; ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

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
        self,
        portrait: Portrait,
        edited: LabelMap,
        exemplar: Portrait | None = None,
        composite: bool = True,
        classes: Collection[int] = (),
    ) -> Pixels:
        """Render an edited mask at the resolution of what the portrait comes from.

        Parameters
        ----------
        portrait
            The picture and its own mask.
        edited
            The mask asked for, uint8 of the shape of ``portrait.labels``.
        exemplar
            A portrait whose style to use; then the whole face is made anew.
        composite
            Whether pixels away from the edit stay the picture's own, or the raw render is returned.
        classes
            The ids of the classes that take the exemplar's style, if not the whole face does.

        Returns
        -------
        ndarray
            uint8 (H, W, 3) RGB, the shape of ``portrait.base``: of the whole photo, if the portrait is a crop of one. A
            raw render has the shape of ``portrait.pixels``.

        Raises
        ------
        EngineError
            If rendering fails.
        ValueError
            If the mask has another shape than the portrait's, or holds something else than ids 0..18.
        """
        request = self._request(portrait, edited, exemplar, composite, classes)
        return self._session.export(request)

    def render_styles(
        self,
        portrait: Portrait,
        edited: LabelMap,
        exemplars: Sequence[Portrait],
        composite: bool = True,
        classes: Collection[int] = (),
    ) -> list[Pixels]:
        """Render an edited mask in the styles of several exemplars: on a GPU in fewer runs than one after the other.

        Parameters and errors are those of `render`, which makes the same picture of each exemplar.
        """
        if not exemplars:
            return []
        return self._session.export_styles(self._request(portrait, edited, None, composite, classes), exemplars)

    def patch(
        self,
        portrait: Portrait,
        edited: LabelMap,
        exemplar: Portrait | None = None,
        classes: Collection[int] = (),
    ) -> Patch | None:
        """Render what an edited mask changes of the portrait's photo, for `save_photo`; None if that is nothing.

        Parameters and errors are those of `render`.
        """
        return self._session.patch(self._request(portrait, edited, exemplar, True, classes))

    def _request(
        self,
        portrait: Portrait,
        edited: LabelMap,
        exemplar: Portrait | None,
        composite: bool,
        classes: Collection[int],
    ) -> RenderRequest:
        if edited.shape != portrait.labels.shape:
            raise ValueError(f"the edited mask is {edited.shape}, the portrait's {portrait.labels.shape}")
        labels = edited.astype(np.uint8)
        if (labels != edited).any() or int(labels.max()) >= LABEL_COUNT:
            raise ValueError(f"the edited mask holds other values than the ids 0 to {LABEL_COUNT - 1}")
        if not all(0 <= label < LABEL_COUNT for label in classes):
            raise ValueError(f"classes are ids from 0 to {LABEL_COUNT - 1}, not {classes!r}")
        self._session.open(portrait)
        return RenderRequest(0, 0, labels, exemplar, composite, classes=tuple(classes))

    def close(self) -> None:
        """Free the model."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
