"""What a project's zip holds: its members, and pictures, masks and portraits as members. Knows nothing of Qt."""

import math
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import cv2
import numpy as np
from PIL import Image

from app.edit_list import LARGEST_SIDE, whole_number
from engine.align import cut_out
from engine.colour import fit
from engine.files import ASPECT_TOLERANCE, working_size
from engine.photo import Photo, read_photo
from engine.types import Alignment, EngineError, LabelMap, Pixels, Portrait
from resources.labels import LABEL_COUNT, palette

FREE_BYTES = 64 * 2**20
"""A member that is no larger when it is unpacked is always read."""

LARGEST_RATIO = 32
"""A larger one must not shrink to less than this fraction: ours do not, but those made to fill the memory do."""

FARTHEST = 100
"""How often the longer side of a photo may fit into a crop, and how far away its centre may be."""

THUMBNAIL_SIDE = 256

_SUFFIX = re.compile(r"\.\w{1,8}", re.ASCII)
_UNUSUAL = re.compile(r'[<>:"/\\|?*]|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)', re.IGNORECASE)
_HINT = "Open an older copy of it, or copy it once more from where it came from."


class ProjectError(EngineError):
    """A project that cannot be read."""


# Members


class Members:
    """The members of a project's zip, to be read; a context manager.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    ProjectError
        If it cannot be read, or is no zip.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb")
        except FileNotFoundError as error:
            raise ProjectError(f"{path} does not exist.", "Choose a project file.") from error
        except OSError as error:
            raise ProjectError(
                f"{path} cannot be read ({error.strerror or error}).", "You may lack the right to read it."
            ) from error
        try:
            self._zip, self._size = self._opened(), path.stat().st_size
        except BaseException:
            self._file.close()
            raise

    def _opened(self) -> ZipFile:
        try:
            head = self._file.read(4)
        except OSError as error:
            raise self.damaged("it", error) from error
        if not head.startswith(b"PK"):
            raise self.foreign()
        try:
            return ZipFile(self._file)
        except Exception as error:  # zipfile raises many kinds for damaged files
            raise ProjectError(f"{self.path.name} is incomplete or damaged.", _HINT) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()
        self._file.close()

    def foreign(self) -> ProjectError:
        """Return the error for a file of another kind."""
        return ProjectError(f"{self.path.name} is not a Maskbrush project.", "Choose a file that ends in .maskbrush.")

    def damaged(self, what: str, cause: object = "") -> ProjectError:
        """Return the error for a part that is wrong, such as ``its photo``."""
        reason = f" ({cause})" if str(cause) else ""
        return ProjectError(f"{self.path.name} is damaged: {what} cannot be used{reason}.", _HINT)

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def read(self, name: str, what: str) -> bytes:
        """Return the content of a member.

        Parameters
        ----------
        name
            The member's.
        what
            What it is, for messages, such as ``its photo``.

        Raises
        ------
        ProjectError
            If it is missing, damaged, or unpacks to much more than it is.
        """
        if name not in self:
            raise self.damaged(what, "it is missing")
        info = self._zip.getinfo(name)
        if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise self.damaged(what, "it is packed in an unknown way")
        if info.file_size > FREE_BYTES + LARGEST_RATIO * min(info.compress_size, self._size):
            raise self.damaged(what, f"it would fill {info.file_size / 2**20:.0f} MB")
        try:
            return self._zip.read(info)
        except Exception as error:  # as above; of each member, zipfile compares the checksum
            raise self.damaged(what, error) from error


def add(archive: ZipFile, name: str, content: bytes | Iterable[bytes], *, shrink: bool = True) -> None:
    """Add a member to a zip that is being written; its content in one piece, or piece by piece."""
    info = ZipInfo(name, time.localtime()[:6])
    info.compress_type = ZIP_DEFLATED if shrink else ZIP_STORED
    info.external_attr = 0o644 << 16
    if isinstance(content, bytes):
        archive.writestr(info, content)
        return
    with archive.open(info, "w", force_zip64=True) as member:
        for piece in content:
            member.write(piece)


# Names


def plain_name(name: str) -> str:
    """Return a file's name as a project keeps it: without what would make a path of it, or could not be shown."""
    shown = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in name)
    return shown[:200] if shown.strip(". ") else ""


def read_name(value: object) -> str:
    """Return a name from a file; raises ValueError for one that `plain_name` would not give."""
    if not isinstance(value, str) or plain_name(value) != value:
        raise ValueError(f"{value!r} is no name")
    return value


def _portable(name: str) -> str:
    """Return the name itself if every file system takes it, else a plain one with its ending."""
    usable = name and not _UNUSUAL.search(name) and not name.endswith((".", " ")) and len(name.encode()) <= 150
    if usable:
        return name
    suffix = PurePosixPath(name).suffix
    return f"photo{suffix}" if _SUFFIX.fullmatch(suffix) else "photo"


# Pictures


def kept(photo: Photo) -> Photo:
    """Return a photo with the bytes that a project keeps of it: a picture from memory is encoded now, as PNG."""
    if photo.original:
        return photo
    image, _ = fit(photo.image, "PNG")
    options = {name: image.info[name] for name in ("exif", "icc_profile") if image.info.get(name)}
    return replace(photo, original=_encoded(image, **options))


def _photo_from(content: bytes, file: str, name: str) -> Photo:
    """Read a photo that a project holds; ``file`` as in `Photo.file`, ``name`` for one from memory."""
    with tempfile.TemporaryDirectory(prefix="maskbrush-") as folder:
        # By its own name, which remarks on it mention.
        path = Path(folder) / _portable(file or name)
        path.write_bytes(content)
        photo = read_photo(path)
    return replace(photo, name=PurePosixPath(file).stem if file else name, file=file, original=content)


def _encoded(image: Image.Image, **options: Any) -> bytes:
    buffer = BytesIO()
    # The fastest level: a photo's pixels hardly shrink further, and masks are small at any.
    image.save(buffer, "PNG", compress_level=1, **options)
    return buffer.getvalue()


def thumbnail(pixels: Pixels) -> bytes:
    """Return a small version of a picture, uint8 (H, W, 3), as PNG; its longer side is at most `THUMBNAIL_SIDE`."""
    image = Image.fromarray(pixels)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
    return _encoded(image)


def read_thumbnail(content: bytes) -> Pixels:
    """Return the picture of `thumbnail`, uint8 (h, w, 3); raises ValueError if it is none."""
    image = _decoded(content, lambda image: max(image.size) <= THUMBNAIL_SIDE)
    return np.array(image.convert("RGB"))


def mask_bytes(labels: LabelMap) -> bytes:
    """Return a mask, uint8 (H, W), as an indexed PNG with the published colours as its palette."""
    image = Image.fromarray(labels)
    image.putpalette(palette().tobytes())
    return _encoded(image)


def read_mask_bytes(content: bytes, shape: tuple[int, int]) -> LabelMap:
    """Return the mask of `mask_bytes`, uint8 of a (H, W) shape.

    Raises
    ------
    ValueError
        If it is no such mask, is of another size, or holds ids above 18.
    """
    image = _decoded(content, lambda image: image.mode in ("P", "L") and image.size == shape[::-1])
    labels = np.array(image, np.uint8)
    if labels.max() >= LABEL_COUNT:
        raise ValueError(f"it holds the class id {labels.max()}")
    return labels


def _decoded(content: bytes, fits: Callable[[Image.Image], bool]) -> Image.Image:
    """Decode a PNG if its head, before anything takes memory, is as expected; raises ValueError if not."""
    try:
        with Image.open(BytesIO(content), formats=["PNG"]) as image:
            if not fits(image):
                raise ValueError(f"it is {image.width} x {image.height} pixels, {image.mode}")
            image.load()
            return image
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # Pillow's decoders raise anything for damaged files
        raise ValueError(f"it is no picture: {error}") from error


# Portraits


def add_portrait(archive: ZipFile, folder: str, portrait: Portrait) -> dict[str, Any]:
    """Add a portrait's picture and source mask to a zip, and return what else there is to it, as JSON values."""
    photo = kept(portrait.photo) if portrait.photo is not None else None
    file = plain_name(photo.file) if photo is not None else ""
    member = f"{folder}/photo/{_portable(file) if file else 'picture.png'}"
    add(archive, member, photo.original if photo else _encoded(Image.fromarray(portrait.pixels)), shrink=False)
    add(archive, f"{folder}/mask.png", mask_bytes(portrait.labels), shrink=False)
    place = portrait.alignment
    return {
        "name": plain_name(portrait.name),
        "picture": member,
        "photo": None if photo is None else {"file": file, "name": plain_name(photo.name)},
        "crop": place and {"centre": place.centre, "half": place.half, "pixels": portrait.pixels.shape[0]},
        "mask": f"{folder}/mask.png",
        "size": list(portrait.labels.shape),
    }


def read_portrait(members: Members, values: Mapping[str, Any], what: str) -> Portrait:
    """Read a portrait of `add_portrait`; ``what`` is its photo called in messages, such as ``its photo``.

    Raises
    ------
    ProjectError
        If a part of it is missing, damaged, or does not fit the others.
    """
    try:
        name, shape = read_name(values["name"]), _read_size(values["size"])
        photo_values, crop = values["photo"], values["crop"]
        file, title = ("", name) if photo_values is None else (read_name(photo_values[key]) for key in ("file", "name"))
        picture, mask = (_read_member(values[key]) for key in ("picture", "mask"))
        place = None if crop is None else _read_place(crop)
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise members.damaged("its description", error) from error
    content = members.read(picture, what)
    try:
        labels = read_mask_bytes(members.read(mask, "the mask of " + what), shape)
    except ValueError as error:
        raise members.damaged("the mask of " + what, error) from error
    try:
        photo = _photo_from(content, file, title)
        if place is None:
            pixels = photo.pixels
        else:
            pixels = cut_out(photo.pixels, _checked_place(place[0], photo.pixels), place[1])
        _check_aspect(labels, pixels)
    except OSError as error:
        raise ProjectError(
            f"{members.path.name} cannot be unpacked ({error.strerror or error}).", "Free some space on the disk."
        ) from error
    except EngineError as error:
        raise ProjectError(f"{members.path.name}: {error.message}", error.hint) from error
    except (ValueError, ArithmeticError, cv2.error) as error:
        raise members.damaged(what, error) from error
    return Portrait(pixels, labels, name, None if photo_values is None else photo, place and place[0])


def _read_member(value: object) -> str:
    # Nothing is ever unpacked under this name; one that looks like a path elsewhere is still not what was written.
    path = PurePosixPath(value) if isinstance(value, str) else PurePosixPath("/")
    if path.is_absolute() or ".." in path.parts or "\\" in str(value):
        raise ValueError(f"{value!r} is no member")
    return str(value)


def _read_size(value: Any) -> tuple[int, int]:
    height, width = (whole_number(side) for side in value)
    if not (1 <= height <= LARGEST_SIDE and 1 <= width <= LARGEST_SIDE):
        raise ValueError(f"a mask of {width} x {height} pixels is not read")
    return height, width


def _read_place(values: Mapping[str, Any]) -> tuple[Alignment, int]:
    (cx, cy), (hx, hy) = ([float(number) for number in values[key]] for key in ("centre", "half"))
    pixels = whole_number(values["pixels"])
    if not all(map(math.isfinite, (cx, cy, hx, hy))) or not 1 <= pixels <= LARGEST_SIDE:
        raise ValueError("it has no proper crop")
    return Alignment((cx, cy), (hx, hy)), pixels


def _checked_place(place: Alignment, pixels: Pixels) -> Alignment:
    most = FARTHEST * max(pixels.shape[:2])
    if not 1e-3 < place.side < most or max(map(abs, place.centre)) > most:
        raise ValueError("its crop is out of all proportion")
    return place


def _check_aspect(labels: LabelMap, pixels: Pixels) -> None:
    (rows, columns), (height, width) = labels.shape, pixels.shape[:2]
    if (rows, columns) != working_size(height, width) and abs(columns * height / (rows * width) - 1) > ASPECT_TOLERANCE:
        raise ValueError(f"its mask is {columns} x {rows} pixels, the picture {width} x {height}")


def open_to_write(file: BinaryIO) -> ZipFile:
    """Return a zip that is written to a file; its first member tells programs that do not unpack it what it is."""
    archive = ZipFile(file, "w")
    add(archive, "mimetype", b"application/x-maskbrush", shrink=False)
    return archive
