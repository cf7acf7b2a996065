"""From a file to a portrait that can be edited: read, find the faces, cut one out, and label it."""

from collections.abc import Callable
from pathlib import Path

from engine.align import Cancelled, Face, Finder, cut_out
from engine.files import find_mask, read_mask, working_size
from engine.generate import Device
from engine.locate import Locator, load_locator
from engine.parse import Parser, load_parser
from engine.photo import Photo, read_photo
from engine.types import Alignment, CancelledError, MaskError, Portrait

Progress = Callable[[str], None]
"""Told in a few words what is being done."""


def read_portrait(picture: Path, mask: Path | None = None) -> Portrait:
    """Read a picture and its mask (by default the one beside it), which covers the whole of it.

    Raises
    ------
    ImageError, MaskError
        If one of them cannot be used, or no mask is found.
    """
    photo = read_photo(picture)
    mask = mask or find_mask(picture)
    if mask is None:
        raise MaskError(
            f"There is no mask beside {picture.name}.",
            f"Choose its mask file, or save it as {picture.stem}_mask.png in the same folder.",
        )
    return with_mask(photo, mask)


def with_mask(photo: Photo, mask: Path) -> Portrait:
    """Make a portrait of a whole photo and its mask's file; raises MaskError if the mask cannot be used."""
    return Portrait(photo.pixels, read_mask(mask, *photo.pixels.shape[:2]), photo.name, photo)


class PhotoReader:
    """Finds and labels faces. Its networks are loaded when they are first needed, and belong to one thread.

    Parameters
    ----------
    parser
        The face parser's weight file; by default the one that comes with Maskbrush.
    device
        Where the networks run.
    """

    def __init__(self, parser: Path | None = None, device: Device = "auto") -> None:
        self._weights = parser
        self._device: Device = device
        self._parser: Parser | None = None
        self._locator: Locator | None = None

    def parser(self, progress: Progress = lambda text: None) -> Parser:
        """Return the face parser; raises ModelError if it cannot be loaded."""
        if self._parser is None:
            self._parser = load_parser(self._weights, self._device, progress)
        return self._parser

    def finder(self, progress: Progress = lambda text: None) -> Finder:
        """Return what finds faces; raises ModelError if a network cannot be loaded."""
        parser = self.parser(progress)
        if self._locator is None:
            self._locator = load_locator(None, self._device, progress)
        return Finder(self._locator, parser)

    def use_parser(self, weights: Path | None, progress: Progress = lambda text: None) -> Parser:
        """Change the face parser; the old one stays if the new one cannot be loaded, which raises ModelError."""
        parser = load_parser(weights, self._device, progress)
        if self._parser is not None:
            self._parser.close()
        self._parser, self._weights = parser, weights
        return parser

    def faces(
        self, photo: Photo, progress: Progress = lambda text: None, cancelled: Cancelled = lambda: False
    ) -> list[Face]:
        """Find the faces of a photo, the largest first.

        Raises
        ------
        CancelledError
            If ``cancelled`` says so.
        ModelError
            If a network cannot be loaded.
        """
        finder = self.finder(progress)
        progress("Looking for faces…")
        return finder.find(photo.pixels, cancelled)

    def portrait(
        self,
        photo: Photo,
        alignment: Alignment,
        progress: Progress = lambda text: None,
        cancelled: Cancelled = lambda: False,
    ) -> Portrait:
        """Cut a face out of a photo and label it.

        Raises
        ------
        CancelledError
            If ``cancelled`` says so.
        ImageError
            If the crop lies outside the photo.
        ModelError
            If the parser cannot be loaded.
        """
        parser = self.parser(progress)
        progress("Labelling the face…")
        side = max(1, round(alignment.side))
        crop = cut_out(photo.pixels, alignment, working_size(side, side)[0])
        labels = parser.parse(crop)
        if cancelled():
            raise CancelledError
        return Portrait(crop, labels, photo.name, photo, alignment)

    def close(self) -> None:
        """Free the networks."""
        for network in (self._parser, self._locator):
            if network is not None:
                network.close()
        self._parser = self._locator = None
