"""What finds and labels faces, as the photo thread keeps it."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from engine.align import Cancelled, Face
from engine.generate import Device
from engine.parse import Parser, ParserInfo
from engine.photo import Photo
from engine.reader import Progress
from engine.types import Alignment, ModelError, Portrait


class Reader(Protocol):
    """Finds and labels faces: `engine.reader.PhotoReader`, or a stand-in."""

    def parser(self, progress: Progress = ...) -> Parser:
        """Return the face parser, loaded now if it was not yet."""
        ...

    def use_parser(self, weights: Path | None, progress: Progress = ...) -> Parser:
        """Change the face parser."""
        ...

    def faces(self, photo: Photo, progress: Progress = ..., cancelled: Cancelled = ...) -> list[Face]:
        """Find the faces of a photo, the largest first."""
        ...

    def portrait(
        self, photo: Photo, alignment: Alignment, progress: Progress = ..., cancelled: Cancelled = ...
    ) -> Portrait:
        """Cut a face out and label it."""
        ...

    def close(self) -> None:
        """Free the networks."""
        ...


MakeReader = Callable[[Path | None, Device], Reader]
"""Makes a reader for a face parser's weight file, None for the one that is shipped, and a device."""


class KeptReader:
    """The reader in use. Its methods belong to the photo thread, its attributes may be set from any other.

    Parameters
    ----------
    make
        Makes the reader when it is first needed, or needed on another device.
    loaded, failed
        Told on the photo thread what is known of a parser that was loaded on the way, and why one could not be.

    Attributes
    ----------
    weights
        The face parser's weight file; None for the one that is shipped.
    device
        Where the networks are to run.
    """

    def __init__(
        self, make: MakeReader, loaded: Callable[[ParserInfo], None], failed: Callable[[ModelError], None]
    ) -> None:
        self.weights: Path | None = None
        self.device: Device = "auto"
        self._make, self._tell_loaded, self._tell_failed = make, loaded, failed
        self._reader: Reader | None = None
        self._runs_on: Device = "auto"
        self._is_loaded = False

    def get(self, progress: Progress) -> Reader:
        """Return the reader with its parser loaded; the shipped one takes the place of one that cannot be.

        Raises
        ------
        ModelError
            If neither can be loaded.
        """
        reader = self._made()
        if self._is_loaded:
            return reader
        try:
            parser = reader.parser(progress)
        except ModelError as error:
            if self.weights is None:
                raise
            self._tell_failed(error)
            parser, self.weights = reader.use_parser(None, progress), None
        self._is_loaded = True
        self._tell_loaded(parser.info)
        return reader

    def use_parser(self, weights: Path | None, progress: Progress) -> ParserInfo:
        """Change the parser; the old one stays if the new one cannot be loaded, which raises ModelError."""
        info = self._made().use_parser(weights, progress).info
        self.weights, self._is_loaded = weights, True
        return info

    def close(self) -> None:
        """Free the networks."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None

    def _made(self) -> Reader:
        device = self.device
        if self._runs_on != device:
            self.close()
        if self._reader is None:
            self._reader, self._runs_on = self._make(self.weights, device), device
            self._is_loaded = False
        return self._reader
