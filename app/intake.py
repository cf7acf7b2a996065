"""Pictures that are dropped on the window, or come and go by the clipboard."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QCoreApplication, QMimeData, QUrl
from PySide6.QtGui import QImage

from engine.types import ImageError, Pixels

translate = QCoreApplication.translate


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A picture that was dropped or pasted: a file, or an image in memory.

    Attributes
    ----------
    file
        The file; None for an image.
    image
        The image; None for a file.
    count
        How many files there were; the first is taken.
    """

    file: Path | None = None
    image: Image.Image | None = None
    count: int = 1


def may_hold_picture(mime: QMimeData) -> bool:
    """Whether a drag is worth a hint where to drop it."""
    return mime.hasUrls() or mime.hasImage()


def take(mime: QMimeData, with_text: bool = False) -> Taken:
    """Take the picture out of what was dropped or pasted.

    Parameters
    ----------
    mime
        What it was.
    with_text
        Whether a text may be a file's path.

    Raises
    ------
    ImageError
        If there is none.
    """
    urls = mime.urls()
    files = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
    if files:
        return Taken(files[0], count=len(files))
    # A browser gives the picture itself along with its address.
    if mime.hasImage():
        image = mime.imageData()
        if isinstance(image, QImage) and not image.isNull():
            return Taken(image=to_pil(image))
    if urls:
        raise ImageError(
            translate("Intake", "{0} is not a file on this computer.").format(urls[0].toDisplayString()),
            translate("Intake", "Save the picture first, then open the file."),
        )
    if with_text and (file := _path_in(mime.text())) is not None:
        return Taken(file)
    raise ImageError(
        translate("Intake", "There is no picture in the clipboard.")
        if with_text
        else translate("Intake", "There is no picture in what was dropped."),
        translate("Intake", "Copy a picture, or a picture's file."),
    )


def to_pil(image: QImage) -> Image.Image:
    """Copy a Qt image, with its transparency."""
    transparent = image.hasAlphaChannel()
    mode, formats = ("RGBA", QImage.Format.Format_RGBA8888) if transparent else ("RGB", QImage.Format.Format_RGB888)
    image = image.convertToFormat(formats)
    size = (image.width(), image.height())
    return Image.frombytes(mode, size, bytes(image.constBits()), "raw", mode, image.bytesPerLine())


def to_qimage(pixels: Pixels) -> QImage:
    """Copy pixels, uint8 (H, W, 3) RGB, into an image of its own."""
    height, width, _ = pixels.shape
    return QImage(pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _path_in(text: str) -> Path | None:
    """Return the file that a text names, as terminals and file managers copy it; None if it names none."""
    text = text.strip().strip("\"'")
    if not text or "\n" in text or "\0" in text:
        return None
    path = Path(QUrl(text).toLocalFile()) if text.startswith("file:") else Path(text).expanduser()
    try:
        return path if path.is_file() else None
    except OSError:  # a text too long for a name
        return None
