"""Photos as they are: read in their own mode and colours, changed only where a patch lies, saved with all they hold."""

import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, PngImagePlugin, UnidentifiedImageError

from engine.colour import fit, is_deep, mix, paint, strips, to_srgb
from engine.files import check_size, check_target, encoding, no_way_to_rgb, reading, upright, write_image
from engine.metadata import REMARK, add_to_tiff, clean_exif, marked_exif, marked_xmp, xmp_of
from engine.types import ImageError, Pixels, Region, WriteError

LIMIT_VARIABLE = "MASKBRUSH_MAX_MEGAPIXELS"
LONGEST_SIDES = {"JPEG": 65535, "WEBP": 16383}
SEGMENT_BYTES = 65_000
"""What fits into one of a JPEG's segments, with its head."""

RAW_SUFFIXES = {
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw",
    ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f",
}  # fmt: skip
FOREIGN_SUFFIXES = {".heic", ".heif", ".hif", ".avif", ".jxl", ".xcf", ".svg", ".pdf"}
"""Some of them are read where Pillow was built so, or has a plugin for them."""

_SWITCHES = threading.RLock()
"""Held while one of Pillow's switches, which all threads share, is set."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """A photo.

    Attributes
    ----------
    image
        Decoded whole and upright (EXIF orientation applied), in its own mode, with its profile and EXIF in ``info``.
        Never written to.
    pixels
        What is shown and what the networks see: uint8 (H, W, 3), sRGB, transparency laid on white; read-only.
    name
        For titles and suggested file names: the file's, without its ending.
    format
        Pillow's name of the format it came in.
    notes
        What a person should be told, full sentences.
    file
        The name of the file with its ending; empty for a picture from memory.
    original
        The file's own bytes, if they were asked for: what a project keeps.
    """

    image: Image.Image
    pixels: Pixels
    name: str
    format: str
    notes: tuple[str, ...] = ()
    file: str = ""
    original: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """What replaces a part of a photo.

    Attributes
    ----------
    region
        The part, inside the photo.
    colours
        float32 (h, w, 3), sRGB 0..255.
    alpha
        float32 (h, w) in [0, 1]; where it is 0 the photo stays as it is.
    """

    region: Region
    colours: NDArray[np.float32]
    alpha: NDArray[np.float32]


def megapixel_limit() -> float:
    """Return how many megapixels a photo may have: `LIMIT_VARIABLE` if it is a positive number, else 100."""
    with suppress(ValueError):
        limit = float(os.environ.get(LIMIT_VARIABLE, ""))
        if limit > 0:
            return limit
    return 100.0


def read_photo(path: Path, limit: float | Literal["default"] | None = "default", keep: bool = False) -> Photo:
    """Read a photo; of files with several pictures the first, and of an incomplete one what is there.

    Parameters
    ----------
    path
        Any format that Pillow reads.
    limit
        Megapixels above which it is refused before it is decoded: by default `megapixel_limit`; None for no limit.
    keep
        Whether the photo keeps the file's own bytes.

    Raises
    ------
    ImageError
        If it is no picture, is damaged, or is too small or too large.
    """
    if limit == "default":
        limit = megapixel_limit()
    try:
        with reading(path, "picture", ImageError):
            image, kind, notes = _decode(path, limit)
            original = path.read_bytes() if keep else b""
    except ImageError as error:
        foreign = _foreign_format(path, error.__cause__)
        if foreign is None:
            raise
        raise foreign from error
    check_size(image, path.name)
    return Photo(image, _pixels_of(image, path.name), path.stem, kind, notes, path.name, original)


def photo_of(image: Image.Image, name: str) -> Photo:
    """Make a photo of a picture in memory, such as one from the clipboard.

    Raises
    ------
    ImageError
        If it is too small, or in colours that cannot be turned into RGB.
    """
    check_size(image, name)
    kind = image.format or "PNG"
    exif = clean_exif(image)
    image = upright(image)
    _replace_exif(image, exif)
    return Photo(image, _pixels_of(image, name), name, kind)


def _pixels_of(image: Image.Image, name: str) -> Pixels:
    try:
        pixels = to_srgb(image)
    except ValueError as error:
        raise no_way_to_rgb(name, error) from error
    pixels.setflags(write=False)
    return pixels


@contextmanager
def _switched(owner: Any, name: str, value: object) -> Iterator[None]:
    with _SWITCHES:
        before = getattr(owner, name)
        setattr(owner, name, value)
        try:
            yield
        finally:
            setattr(owner, name, before)


def _open(path: Path) -> Image.Image:
    # Our own limit takes the place of Pillow's, whose message cannot say how to lift it.
    with _switched(Image, "MAX_IMAGE_PIXELS", None):
        return Image.open(path)


def _decode(path: Path, limit: float | None) -> tuple[Image.Image, str, tuple[str, ...]]:
    with _open(path) as image:
        megapixels = image.width * image.height / 1e6
        if limit is not None and megapixels > limit:
            raise ImageError(
                f"{path.name} has {math.ceil(megapixels * 10) / 10:g} megapixels; the limit is {limit:g}.",
                f"Set {LIMIT_VARIABLE} to a higher number, or make it smaller first.",
            )
        kind = image.format or "PNG"
        notes = _remarks(image, path)
        # A TIFF's file is closed once it is decoded; other formats may have more to say after that.
        exif = clean_exif(image) if kind == "TIFF" else None
        try:
            image.load()
            whole = image
        except MemoryError:
            raise
        except Exception:
            whole, note = _rescue(path)
            if whole is None:
                raise
            notes.append(note)
        if kind != "TIFF":
            exif = clean_exif(whole)
        result = upright(whole)
        _replace_exif(result, exif)
    return result, kind, tuple(notes)


def _replace_exif(image: Image.Image, exif: bytes | None) -> None:
    for key in ("exif", "Raw profile type exif"):
        image.info.pop(key, None)
    if exif is not None:
        image.info["exif"] = exif


def _remarks(image: Image.Image, path: Path) -> list[str]:
    notes = []
    if path.suffix.lower() in RAW_SUFFIXES:
        notes.append(f"{path.name} is a camera raw file; only the preview in it was read.")
    frames = 1
    if image.format in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        with suppress(Exception):  # counting reads the whole file, which may be damaged further on
            frames = int(getattr(image, "n_frames", 1))
            image.seek(0)
    if frames > 1:
        what = "pages" if image.format == "TIFF" else "frames"
        notes.append(f"{path.name} has {frames} {what}; only the first is used.")
    deep = any(";16" in str(part) for tile in getattr(image, "tile", ()) for part in _flat(tile))
    if deep and not is_deep(image.mode):
        notes.append(f"{path.name} has 16 bits per channel; 8 of them are used, and saved.")
    return notes


def _flat(tile: Any) -> list[object]:
    arguments = tile[3] if len(tile) > 3 else ()
    return list(arguments) if isinstance(arguments, tuple) else [arguments]


def _rescue(path: Path) -> tuple[Image.Image | None, str]:
    """Decode what there is of an incomplete file; None if that is nothing."""
    with _switched(ImageFile, "LOAD_TRUNCATED_IMAGES", True), suppress(Exception), _open(path) as image:
        image.load()
        values = np.asarray(image).reshape(image.height, image.width, -1)
        # Decoders leave plain what they do not reach: the end, or the top in formats that start at the bottom.
        known = np.flatnonzero((values != values[:, :1]).any(axis=(1, 2)))
        if known.size:
            missing = math.ceil(100 - 100 * (known[-1] - known[0] + 1) / image.height)
            if missing:
                return image, f"{path.name} is incomplete: about {missing} % of it is missing and left plain."
            return image, f"{path.name} is damaged: parts of it may be missing or wrong."
    return None, ""


def _foreign_format(path: Path, cause: BaseException | None) -> ImageError | None:
    """Return what to say of a file that cannot be decoded, by its ending; None if that is no help."""
    suffix = path.suffix.lower()
    # Errors of the file system have a number; those of decoders have none.
    if suffix in RAW_SUFFIXES and cause is not None and getattr(cause, "errno", None) is None:
        return ImageError(
            f"{path.name} is a camera raw file ({suffix[1:].upper()}), which cannot be read.",
            "Develop it to TIFF or JPEG in your raw converter first.",
        )
    if suffix in FOREIGN_SUFFIXES and isinstance(cause, UnidentifiedImageError):
        return ImageError(
            f"{path.name} is in a format that cannot be read ({suffix[1:].upper()}).",
            "Export it as JPEG or PNG first.",
        )
    return None


def _in_use(patch: Patch | None) -> bool:
    return patch is not None and not patch.region.empty and bool((patch.alpha > 0).any())


def compose_photo(photo: Photo, patch: Patch | None) -> Image.Image:
    """Lay a patch into a photo, in the photo's own mode and colours.

    Returns
    -------
    Image
        Identical to ``photo.image`` wherever alpha is 0, and ``photo.image`` itself where there is no patch: not to be
        written to. Modes that cannot hold new colours turn into others, see `engine.colour.paint`.
    """
    if patch is None or not _in_use(patch):
        return photo.image
    return paint(photo.image, patch.region, patch.colours, patch.alpha)


def laid_over(pixels: Pixels, patch: Patch | None) -> Pixels:
    """Lay a patch over what is shown of a photo, of whatever resolution the patch is made for.

    Returns
    -------
    ndarray
        uint8 (H, W, 3), identical to ``pixels`` wherever alpha is 0, and ``pixels`` itself where there is no patch.
    """
    if patch is None or not _in_use(patch):
        return pixels
    result = pixels.copy()
    for strip in strips(patch.region):
        rows = slice(strip.y0 - patch.region.y0, strip.y1 - patch.region.y0)
        mix(result[strip.slices], np.clip(patch.colours[rows], 0, 255), patch.alpha[rows])
    return result


def save_photo(path: Path, photo: Photo, patch: Patch | None = None, quality: int = 95) -> tuple[str, ...]:
    """Write a photo with its patch as PNG, JPEG, WebP or TIFF by its suffix, whole or not at all.

    Its profile, EXIF, XMP and resolution go with it; a patch is marked in them as made by a network.

    Parameters
    ----------
    path
        The target.
    photo, patch
        What to write; without a patch the photo as it is.
    quality
        Of JPEG and WebP, 1 to 100; WebP is lossless at 100.

    Returns
    -------
    tuple of str
        What the format could not hold, full sentences.

    Raises
    ------
    WriteError
        If the format is unknown, too small for the photo, or the file cannot be written.
    """
    kind = check_target(path)
    longest = LONGEST_SIDES.get(kind, math.inf)
    if max(photo.image.size) > longest:
        raise WriteError(
            f"{path.name} cannot be written: this format holds at most {longest} pixels along a side.",
            "Save it as .png or .tif instead.",
        )
    image, lost = fit(compose_photo(photo, patch), kind)
    options, finish, dropped = _extras(photo, kind, marked=_in_use(patch))
    # An empty profile keeps Pillow from writing one that it finds in the picture.
    options["icc_profile"] = image.info.get("icc_profile") or b""
    write_image(path, image, kind, finish, **encoding(kind, quality), **options)
    return lost + dropped


def _extras(photo: Photo, kind: str, *, marked: bool) -> tuple[dict[str, Any], Any, tuple[str, ...]]:
    """Return the options that write a photo's metadata, what is left to do afterwards, and what is lost."""
    info, notes = photo.image.info, []
    exif, xmp = info.get("exif"), xmp_of(photo.image)
    if marked:
        exif, xmp = marked_exif(exif), marked_xmp(xmp)
    if kind == "JPEG":
        if exif and len(exif) > SEGMENT_BYTES:
            exif = marked_exif(None) if marked else None
            notes.append("JPEG holds no EXIF data of this size: they were left out.")
        if xmp and len(xmp) > SEGMENT_BYTES:
            xmp = marked_xmp(None) if marked else None
            notes.append("JPEG holds no XMP data of this size: they were left out.")
    options: dict[str, Any] = {}
    dpi = _resolution(info.get("dpi"))
    if dpi is not None and kind != "WEBP":
        options["dpi"] = dpi
    if kind == "TIFF":
        return options, partial(add_to_tiff, exif=exif, xmp=xmp), ()
    if exif:
        options["exif"] = exif
    if kind == "PNG":
        chunks = PngImagePlugin.PngInfo()
        if xmp:
            chunks.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        if marked:
            chunks.add_text("Comment", REMARK)
        options["pnginfo"] = chunks
    elif xmp and kind == "WEBP":
        options["xmp"] = xmp
    elif xmp:
        head = b"http://ns.adobe.com/xap/1.0/\0"
        options["extra"] = b"\xff\xe1" + (2 + len(head) + len(xmp)).to_bytes(2, "big") + head + xmp
    return options, None, tuple(notes)


def _resolution(dpi: Any) -> tuple[float, float] | None:
    """Return a resolution that formats can hold; None for none: Pillow tells 1 dpi for a TIFF that tells nothing."""
    try:
        across, down = (float(value) for value in dpi) if isinstance(dpi, tuple) else (0.0, 0.0)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 1 < across < 65535 and 1 < down < 65535 else None
