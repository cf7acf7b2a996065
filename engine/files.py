"""Pictures and masks on disk. Writing is atomic: an older file stays until the new one is whole."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.atomic import replacing
from engine.colour import to_rgb
from engine.types import EngineError, ImageError, LabelMap, MaskError, Pixels, WriteError
from resources.labels import LABEL_COUNT, palette

WORKING_SIDES = (512, 1024)
"""The longer side of a mask, in pixels: a portrait's own within these limits, else the nearer limit."""

ASPECT_TOLERANCE = 0.02
"""How far a mask's aspect may be from its picture's, as a fraction."""

SMALLEST_SIDE = 32
MASK_SUFFIXES = ("_mask", "-mask", "_label", "-label", "_labels")
PICTURE_FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the mask for a picture of ``height`` x ``width``."""
    longer = max(height, width)
    scale = min(max(longer, WORKING_SIDES[0]), WORKING_SIDES[1]) / longer
    return max(1, round(height * scale)), max(1, round(width * scale))


@contextmanager
def reading(path: Path, what: str, error_type: type[ImageError | MaskError]) -> Iterator[None]:
    """Turn whatever goes wrong while a file is decoded into an error that says what to do; silence remarks on metadata.

    Parameters
    ----------
    path
        The file; one that is empty or missing is an error at once.
    what
        What it should be, for the messages: a picture or a mask.
    error_type
        The error to raise.
    """
    hint = f"Choose a {what} in a common format, such as PNG or JPEG."
    try:
        if path.stat().st_size == 0:
            raise error_type(f"{path.name} is empty (0 bytes).", hint)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (EngineError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise error_type(f"{path} does not exist.", hint) from error
    except UnidentifiedImageError as error:
        raise error_type(f"{path.name} is not a picture that can be read.", hint) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise error_type(f"{path.name} has more than {limit} megapixels.", "Make it smaller first.") from error
    except Exception as error:  # Pillow's decoders raise anything, SyntaxError included, for damaged files
        raise error_type(
            f"{path.name} cannot be read ({getattr(error, 'strerror', None) or error or type(error).__name__}).",
            "It may be damaged, or you may lack the right to read it: copy it again, or choose another file.",
        ) from error


def _open(path: Path, what: str, error_type: type[ImageError | MaskError]) -> Image.Image:
    """Decode a file whole, upright (EXIF orientation applied); what is returned holds no file open."""
    with reading(path, what, error_type), Image.open(path) as image:
        image.load()
        return upright(image)


def upright(image: Image.Image) -> Image.Image:
    """Return a copy with its EXIF orientation applied."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF data; the picture itself is whole
        return image.copy()


def check_size(image: Image.Image, name: str) -> None:
    """Raise ImageError for a picture of fewer than `SMALLEST_SIDE` pixels along a side."""
    if min(image.size) < SMALLEST_SIDE:
        raise ImageError(
            f"{name} is only {image.width} x {image.height} pixels.",
            f"Choose a picture of at least {SMALLEST_SIDE} x {SMALLEST_SIDE}.",
        )


def no_way_to_rgb(name: str, error: ValueError) -> ImageError:
    """Return the error for a picture in colours that Pillow cannot turn into RGB."""
    return ImageError(
        f"{name} has colours that cannot be turned into RGB ({error}).", "Save it as an RGB PNG or JPEG first."
    )


def read_picture(path: Path) -> Pixels:
    """Read a picture: upright (EXIF orientation applied), RGB; transparency is laid on white.

    Returns
    -------
    ndarray
        uint8 (H, W, 3).

    Raises
    ------
    ImageError
        If it is no picture, is damaged, or is too small or too large.
    """
    image = _open(path, "picture", ImageError)
    check_size(image, path.name)
    try:
        return to_rgb(image)
    except ValueError as error:
        raise no_way_to_rgb(path.name, error) from error


def read_mask(path: Path, height: int, width: int) -> LabelMap:
    """Read a mask (indexed or greyscale, value = class id) for a picture of ``height`` x ``width``.

    Returns
    -------
    ndarray
        uint8 of shape ``working_size(height, width)``, resampled by nearest neighbour.

    Raises
    ------
    MaskError
        If it is no mask, holds ids above 18, or has another aspect than the picture.
    """
    image = _open(path, "mask", MaskError)
    if image.mode not in ("P", "L", "1", "I") and not image.mode.startswith("I;16"):
        raise MaskError(
            f"{path.name} is a colour picture ({image.mode}), not a mask.",
            "A mask is an indexed or greyscale PNG in which each pixel's value is its class id, 0 to 18.",
        )
    ids = np.array(image)
    worst = int(ids.min()) if ids.min() < 0 else int(ids.max())
    if not 0 <= worst < LABEL_COUNT:
        raise MaskError(
            f"{path.name} holds the class id {worst}; ids go from 0 to {LABEL_COUNT - 1}.",
            "Choose the id mask, not its coloured or brightened view.",
        )
    labels = ids.astype(np.uint8)
    rows, columns = labels.shape
    wanted = working_size(height, width)
    # Our own masks of very long pictures are rounded by more than the tolerance.
    if labels.shape != wanted and abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        raise MaskError(
            f"{path.name} is {columns} x {rows} pixels, the picture {width} x {height}: their shapes differ.",
            "Choose the mask that was made for this picture.",
        )
    if labels.shape != wanted:
        labels = cv2.resize(labels, wanted[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return np.ascontiguousarray(labels, dtype=np.uint8)


def find_mask(picture: Path) -> Path | None:
    """Return the mask beside a picture, such as ``face_mask.png`` for ``face.jpg``; None if there is none."""
    names = (picture.with_name(f"{picture.stem}{suffix}.png") for suffix in MASK_SUFFIXES)
    return next((name for name in names if name.is_file()), None)


def check_target(path: Path) -> str:
    """Return the format that a picture's name asks for, before the work that leads to it.

    Raises
    ------
    WriteError
        If the format is unknown or the folder does not exist.
    """
    kind = PICTURE_FORMATS.get(path.suffix.lower())
    if kind is None:
        raise WriteError(f"{path.name} has no known picture format.", "End the name in .png, .jpg, .webp or .tif.")
    if not path.absolute().parent.is_dir():
        raise WriteError(f"{path} cannot be written: there is no such folder.", "Choose a folder that exists.")
    return kind


def encoding(kind: str, quality: int = 95) -> dict[str, Any]:
    """Return Pillow's options for a format: no chroma subsampling, WebP lossless at quality 100, TIFF compressed."""
    return {
        "PNG": {},
        "JPEG": {"quality": quality, "subsampling": 0},
        # Exact: the colours under full transparency stay.
        "WEBP": {"quality": quality, "lossless": quality >= 100, "exact": True},
        "TIFF": {"compression": "tiff_adobe_deflate"},
    }[kind]


def save_picture(path: Path, pixels: Pixels) -> None:
    """Write a picture, uint8 (H, W, 3), as PNG, TIFF, JPEG or WebP (those at quality 95) by its suffix.

    Raises
    ------
    WriteError
        If the format is unknown or the file cannot be written.
    """
    kind = check_target(path)
    write_image(path, Image.fromarray(pixels), kind, **encoding(kind))


def save_mask(path: Path, labels: LabelMap) -> None:
    """Write a mask, uint8 (H, W), as an indexed PNG with the published colours as its palette.

    Raises
    ------
    WriteError
        If the name does not end in ``.png`` or the file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise WriteError(f"A mask is saved as PNG, not as {path.suffix or 'a file without ending'}.", "Use .png.")
    image = Image.fromarray(labels)
    image.putpalette(palette().tobytes())
    write_image(path, image, "PNG", optimize=True)


def write_image(
    path: Path,
    image: Image.Image,
    kind: str,
    finish: Callable[[BinaryIO], None] | None = None,
    **options: Any,
) -> None:
    """Write a picture whole or not at all: into a temporary file beside the target, which then replaces it.

    Parameters
    ----------
    path
        The target; a link's target is replaced, not the link.
    image
        In a mode that the format holds.
    kind
        Pillow's name of the format.
    finish
        Called with the temporary file, open for reading and writing, after the picture was written to it.
    options
        For Pillow.

    Raises
    ------
    WriteError
        If the file cannot be written; an older one is as it was.
    """
    with replacing(path) as file:
        image.save(file, kind, **options)
        if finish is not None:
            finish(file)
