"""Pictures and masks on disk. Writing is atomic: an older file stays until the new one is whole."""

import errno
import os
import secrets
import shutil
import warnings
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.types import EngineError, ImageError, LabelMap, MaskError, Pixels, Portrait, WriteError
from resources.labels import LABEL_COUNT, palette

WORKING_SIDES = (512, 1024)
"""The longer side of a mask, in pixels: a portrait's own within these limits, else the nearer limit."""

ASPECT_TOLERANCE = 0.02
"""How far a mask's aspect may be from its picture's, as a fraction."""

SMALLEST_SIDE = 32
MASK_SUFFIXES = ("_mask", "-mask", "_label", "-label", "_labels")
PICTURE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def working_size(height: int, width: int) -> tuple[int, int]:
    """Return the height and width of the mask for a picture of ``height`` x ``width``."""
    longer = max(height, width)
    scale = min(max(longer, WORKING_SIDES[0]), WORKING_SIDES[1]) / longer
    return max(1, round(height * scale)), max(1, round(width * scale))


def _open(path: Path, what: str, error_type: type[ImageError | MaskError]) -> Image.Image:
    """Decode a file whole, upright (EXIF orientation applied); what is returned holds no file open."""
    hint = f"Choose a {what} in a common format, such as PNG or JPEG."
    try:
        if path.stat().st_size == 0:
            raise error_type(f"{path.name} is empty (0 bytes).", hint)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return _upright(image)
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


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # broken EXIF data; the picture itself is whole
        return image.copy()


def _to_rgb(image: Image.Image) -> Pixels:
    """Turn any mode into uint8 RGB; transparency is laid on white.

    Pillow cuts deeper greyscale off at 255, which turns a 16-bit picture white: here it is scaled.
    """
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image).astype(np.float32)
        white = 65535.0 if image.mode.startswith("I") else 1.0 if values.max() <= 1 else 255.0
        grey = np.rint(np.clip(values / white, 0, 1) * 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.array(image.convert("RGB"))


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
    if min(image.size) < SMALLEST_SIDE:
        raise ImageError(
            f"{path.name} is only {image.width} x {image.height} pixels.",
            f"Choose a picture of at least {SMALLEST_SIDE} x {SMALLEST_SIDE}.",
        )
    try:
        return _to_rgb(image)
    except ValueError as error:
        raise ImageError(
            f"{path.name} has colours that cannot be turned into RGB ({error}).", "Save it as an RGB PNG or JPEG first."
        ) from error


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


def read_portrait(picture: Path, mask: Path | None = None) -> Portrait:
    """Read a picture and its mask (by default the one beside it).

    Raises
    ------
    ImageError, MaskError
        If one of them cannot be used, or no mask is found.
    """
    pixels = read_picture(picture)
    mask = mask or find_mask(picture)
    if mask is None:
        raise MaskError(
            f"There is no mask beside {picture.name}.",
            f"Choose its mask file, or save it as {picture.stem}_mask.png in the same folder.",
        )
    return Portrait(pixels, read_mask(mask, *pixels.shape[:2]), picture.stem)


def check_target(path: Path) -> str:
    """Return the format that a picture's name asks for, before the work that leads to it.

    Raises
    ------
    WriteError
        If the format is unknown or the folder does not exist.
    """
    kind = PICTURE_FORMATS.get(path.suffix.lower())
    if kind is None:
        raise WriteError(f"{path.name} has no known picture format.", "End the name in .png or .jpg.")
    if not path.absolute().parent.is_dir():
        raise WriteError(f"{path} cannot be written: there is no such folder.", "Choose a folder that exists.")
    return kind


def save_picture(path: Path, pixels: Pixels) -> None:
    """Write a picture, uint8 (H, W, 3), as PNG or as JPEG (quality 95, no chroma subsampling) by its suffix.

    Raises
    ------
    WriteError
        If the format is unknown or the file cannot be written.
    """
    kind = check_target(path)
    options = {"quality": 95, "subsampling": 0} if kind == "JPEG" else {}
    _write(path, Image.fromarray(pixels), kind, **options)


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
    _write(path, image, "PNG", optimize=True)


def _write(path: Path, image: Image.Image, kind: str, **options) -> None:
    reasons = {
        errno.ENOSPC: "Free some space on the disk, or choose another one.",
        errno.EACCES: "Choose a folder that you may write to.",
        errno.EPERM: "Choose a folder that you may write to.",
        errno.EROFS: "Choose a folder that you may write to.",
        errno.ENOENT: "Choose a folder that exists.",
        errno.ENOTDIR: "Choose a folder that exists.",
    }
    # A link stays a link: what it points to is replaced.
    target = Path(os.path.realpath(path))
    part: Path | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        exists = target.exists()
        if exists and not os.access(target, os.W_OK):
            # Replacing needs only the folder's permission; a file marked read-only is meant to stay.
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        # A temporary file beside the target, so that the last step is a rename within one file system.
        name = target.with_name(f".maskbrush-{secrets.token_hex(8)}.part")
        with name.open("xb") as file:
            part = name
            image.save(file, kind, **options)
            file.flush()
            os.fsync(file.fileno())
        if exists:
            with suppress(OSError):  # some file systems know no modes
                shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written ({error.strerror or error}).",
            reasons.get(error.errno or 0, "Choose another name or folder."),
        ) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink()
