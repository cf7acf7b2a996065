"""Which file, and how: the dialogs that ask for names, and for the quality of what is exported."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QMessageBox,
    QSlider,
    QSpinBox,
    QWidget,
)

from app.project import SUFFIX
from engine.types import Portrait

if TYPE_CHECKING:
    from app.window import MainWindow

_ENDINGS = {"PNG": ".png", "JPEG": ".jpg", "MPO": ".jpg", "WEBP": ".webp", "TIFF": ".tif"}
"""What an exported file is called by default, by the format that its photo came in."""


class FileDialogs(QObject):
    """Asks for files, beginning where the last dialog was.

    Parameters
    ----------
    window
        Over which the dialogs open; its settings remember the folder and the quality.
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window = window

    def photo(self, title: str) -> Path | None:
        """Ask for a photo of any kind that can be read."""
        return self._existing(title, _photo_kinds(self.tr("Photos"), self.tr("All files")))

    def photo_or_project(self) -> Path | None:
        """Ask for a photo of any kind that can be read, or for a project."""
        photos, projects = self.tr("Photos"), self.tr("Projects (*{0})").format(SUFFIX)
        both = _photo_kinds(self.tr("Photos and projects"), self.tr("All files"), SUFFIX)
        first, rest = both.split(";;", 1)
        kinds = [first, _photo_kinds(photos, "").split(";;", 1)[0], projects, rest]
        return self._existing(self.tr("Open"), ";;".join(kinds))

    def project_target(self, portrait: Portrait, present: Path | None) -> Path | None:
        """Ask where to save the project; where it is now by default."""
        kind = self.tr("Projects (*{0})").format(SUFFIX)
        name = present.name if present is not None else f"{portrait.name}{SUFFIX}"
        path = self._target(name, {SUFFIX: kind}, SUFFIX, self.tr("Save project"))
        # Whatever ending a person gives it, the file must be known as a project again.
        if path is None or path.suffix.lower() == SUFFIX:
            return path
        path = path.with_name(path.name + SUFFIX)
        return path if self._may_replace(path) else None

    def pair(self) -> tuple[Path, Path] | None:
        """Ask for a picture and for its mask."""
        picture = self.photo(self.tr("Open a picture that has a mask"))
        if picture is None:
            return None
        mask = self.mask(self.tr("Choose the mask of {0}").format(picture.name))
        return (picture, mask) if mask else None

    def mask(self, title: str) -> Path | None:
        """Ask for a mask."""
        return self._existing(title, self.tr("Masks (*.png);;All files (*)"))

    def weights(self) -> Path | None:
        """Ask for the generator's weight file."""
        return self._existing(self.tr("Load weights"), self.tr("Weights (*.safetensors *.pth)"))

    def parser(self) -> Path | None:
        """Ask for a face parser."""
        return self._existing(self.tr("Load a face parser"), self.tr("Face parsers (*.safetensors *.pth *.onnx)"))

    def picture_target(self, portrait: Portrait) -> Path | None:
        """Ask where to export the picture; in the photo's own format by default."""
        own = _ENDINGS.get(portrait.photo.format if portrait.photo else "PNG", ".png")
        kinds = {
            ".png": self.tr("PNG (*.png)"),
            ".jpg": self.tr("JPEG (*.jpg *.jpeg)"),
            ".webp": self.tr("WebP (*.webp)"),
            ".tif": self.tr("TIFF (*.tif *.tiff)"),
        }
        return self._target(f"{portrait.name}_edited{own}", kinds, own)

    def mask_target(self, portrait: Portrait) -> Path | None:
        """Ask where to save the mask."""
        # Beside the exported photo, a crop's mask must not pass for the mask of the whole of it.
        what = "mask" if portrait.alignment is None else "face_mask"
        return self._target(f"{portrait.name}_edited_{what}.png", {".png": self.tr("PNG (*.png)")}, ".png")

    def quality(self) -> None:
        """Ask for the quality of exported JPEG and WebP files."""
        dialog = QualityDialog(self._window.settings.quality, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self._window.settings = replace(self._window.settings, quality=dialog.quality)

    def _existing(self, title: str, kinds: str) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self._window, title, self._window.settings.folder, kinds)
        return self._remember(name)

    def _target(self, name: str, kinds: dict[str, str], own: str, title: str = "") -> Path | None:
        suggestion = str(Path(self._window.settings.folder) / name)
        name, kind = QFileDialog.getSaveFileName(
            self._window, title or self.tr("Export"), suggestion, ";;".join(kinds.values()), kinds[own]
        )
        path = self._remember(name)
        if path is not None and not path.suffix:
            path = path.with_suffix(next((ending for ending, each in kinds.items() if each == kind), own))
            return path if self._may_replace(path) else None
        return path

    def _may_replace(self, path: Path) -> bool:
        """Ask before a file is replaced whose name the dialog has not seen whole."""
        if not path.exists():
            return True
        buttons = QMessageBox.StandardButton
        question = self.tr("{0} exists already. Replace it?").format(path.name)
        return QMessageBox.question(self._window, self.tr("Replace file"), question) == buttons.Yes

    def _remember(self, name: str) -> Path | None:
        if not name:
            return None
        self._window.settings = replace(self._window.settings, folder=str(Path(name).parent))
        return Path(name)


class QualityDialog(QDialog):
    """Asks for the quality of exported JPEG and WebP files.

    Parameters
    ----------
    quality
        What it is now, 1 to 100.
    """

    def __init__(self, quality: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Export quality"))
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(1, 100)
        self._slider.setAccessibleName(self.tr("Quality"))
        self._slider.setMinimumWidth(240)
        number = QSpinBox()
        number.setRange(1, 100)
        number.setAccessibleName(self.tr("Quality, 1 to 100"))
        number.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._slider.valueChanged.connect(number.setValue)
        number.valueChanged.connect(self._slider.setValue)
        self._slider.setValue(quality)
        smaller, better = QLabel(self.tr("Smaller file")), QLabel(self.tr("Better picture"))
        for label in (smaller, better):
            label.setObjectName("muted")
        hint = QLabel(self.tr("For JPEG and WebP. At 100, WebP keeps every pixel; PNG and TIFF always do."))
        hint.setWordWrap(True)
        standard = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(standard.Ok | standard.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        grid = QGridLayout(self)
        grid.setContentsMargins(18, 16, 18, 14)
        grid.setVerticalSpacing(8)
        grid.addWidget(hint, 0, 0, 1, 3)
        grid.setRowMinimumHeight(1, 4)
        grid.addWidget(self._slider, 2, 0, 1, 2)
        grid.addWidget(number, 2, 2)
        grid.addWidget(smaller, 3, 0)
        grid.addWidget(better, 3, 1, Qt.AlignmentFlag.AlignRight)
        grid.setRowMinimumHeight(4, 8)
        grid.addWidget(buttons, 5, 0, 1, 3)

    @property
    def quality(self) -> int:
        """What was chosen."""
        return self._slider.value()


def _photo_kinds(photos: str, all_files: str, *more: str) -> str:
    """Return the filters of a file dialog for everything that Pillow reads, and more endings."""
    endings = sorted(ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN)
    endings += more
    return f"{photos} ({' '.join('*' + ending for ending in endings)});;{all_files} (*)"
