"""What a person asks the window to do with files and with the clipboard."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog, QMessageBox

from app.document import Edit
from app.file_dialogs import FileDialogs
from app.intake import Taken, take, to_qimage
from app.project import SUFFIX
from app.recovering import Recovery
from engine.types import EngineError, Pixels, RenderResult

if TYPE_CHECKING:
    from app.window import MainWindow


class Commands(QObject):
    """Opens, exports, copies and pastes; asks before edits are lost.

    Parameters
    ----------
    window
        Whose editor is told what to do.
    """

    def __init__(self, window: "MainWindow") -> None:
        super().__init__(window)
        self._window, self._editor = window, window.editor
        self._dialogs = FileDialogs(window)
        self._given_up: Edit | None = None
        self.recovery = Recovery(window)
        self._editor.may_replace = self._may_replace

    # Opening

    def open_photo(self, file: Path, mask: Path | None = None) -> None:
        """Open a photo or a project, unless the person wants to keep the present edits."""
        if self._may_open():
            self._open(file, mask)

    def choose_photo(self) -> None:
        """Ask for a photo or a project to edit."""
        if self._may_open() and (file := self._dialogs.photo_or_project()):
            self._open(file)

    def choose_pair(self) -> None:
        """Ask for a picture and its mask."""
        if self._may_open() and (files := self._dialogs.pair()):
            self._editor.open_portrait(*files)

    def choose_exemplar(self) -> None:
        """Ask for an exemplar."""
        if picture := self._dialogs.photo(self.tr("Choose an exemplar")):
            self._editor.open_exemplar(picture)

    def choose_face(self) -> None:
        """Ask for another face of the same photo."""
        if self._may_open():
            self._editor.choose_face()

    def adjust_alignment(self) -> None:
        """Ask for another crop of the same face; without one so far, its mask is made anew."""
        portrait = self._editor.portrait
        # Edits of a crop are carried over to the next one; of a whole picture's, only what lies in the crop.
        if portrait is not None and (portrait.alignment is not None or self.may_discard()):
            self._editor.adjust_alignment()

    def take(self, taken: Taken, name: str, exemplar: bool = False) -> None:
        """Open what was dropped or pasted, to edit it or as an exemplar.

        Parameters
        ----------
        taken
            What it is.
        name
            What to call an image that has no name.
        exemplar
            Whether its style is wanted.
        """
        if not exemplar and not self._may_open():
            return
        opening = self._editor.opening
        if taken.file is not None and not exemplar and taken.file.suffix.lower() == SUFFIX:
            self._open(taken.file)
            return
        if taken.image is not None:
            opening.open_image(taken.image, name, exemplar)
        elif taken.file is not None:
            (opening.open_exemplar if exemplar else opening.open_file)(taken.file)
            if taken.count > 1:
                self._editor.notice.emit(
                    self.tr("{0} files were dropped: {1} is opened.").format(taken.count, taken.file.name)
                )

    def paste(self) -> None:
        """Open the clipboard's picture, or the file that it names."""
        try:
            taken = take(QGuiApplication.clipboard().mimeData(), with_text=True)
        except EngineError as error:
            self._window.banner.show_problem(error)
            return
        self.take(taken, self.tr("Pasted picture"))

    def copy(self) -> None:
        """Put the edited picture, as it is shown, into the clipboard."""
        editor = self._editor
        if editor.pending and editor.info is not None and editor.document is not None:
            # What is shown may be a draft.
            editor.render_once(editor.document.labels, self._copy_result)
        elif editor.picture is not None:
            self._copy(editor.picture)

    def _copy_result(self, result: RenderResult | None, error: EngineError | None) -> None:
        if error is not None:
            self._editor.problem.emit(error)
        elif result is not None and result.image is not None:
            self._copy(result.image)

    def _copy(self, picture: Pixels) -> None:
        QGuiApplication.clipboard().setImage(to_qimage(picture))
        self._editor.notice.emit(
            self.tr("The photo was copied.") if self._editor.whole else self.tr("The picture was copied.")
        )

    # Masks and models

    def choose_mask(self) -> None:
        """Ask for a mask to go on from."""
        if path := self._dialogs.mask(self.tr("Load mask")):
            self._editor.open_mask(path)

    def choose_weights(self) -> None:
        """Ask for the generator's weight file."""
        if path := self._dialogs.weights():
            self._window.settings = replace(self._window.settings, weights=str(path))
            self._window.load_model()

    def choose_parser(self) -> None:
        """Ask for a face parser."""
        if path := self._dialogs.parser():
            self._editor.opening.use_parser(path)

    # Projects

    def save(self) -> None:
        """Write the project into its file, or ask for one."""
        path = self._editor.projects.path
        if path is None:
            self.save_as()
        else:
            self._editor.projects.save(path)

    def save_as(self) -> None:
        """Ask where, then write the project."""
        portrait = self._editor.portrait
        if portrait is not None and (path := self._dialogs.project_target(portrait, self._editor.projects.path)):
            self._editor.projects.save(path)

    def recover(self) -> None:
        """Offer edits of windows that ended before they were saved."""
        self.recovery.offer(asked=True)

    def choose_undo_memory(self) -> None:
        """Ask how much memory the history may take."""
        present = self._window.settings.undo_megabytes
        number, chosen = QInputDialog.getInt(
            self._window, self.tr("Memory for the history"),
            self.tr("Megabytes; beyond them the oldest steps can no longer be undone:"), present, 1, 65536, 64,
        )  # fmt: skip
        if chosen:
            self._window.settings = replace(self._window.settings, undo_megabytes=number)
            self._editor.history.set_budget(number * 2**20)

    def close(self) -> None:
        """End autosaving: all is saved, or was given up."""
        self.recovery.close()

    # Exporting

    def export_picture(self) -> None:
        """Ask where, then export the edited photo."""
        portrait = self._editor.portrait
        if portrait is not None and (path := self._dialogs.picture_target(portrait)):
            self._editor.export_picture(path, self._window.settings.quality)

    def export_mask(self) -> None:
        """Ask where, then write the edited mask."""
        portrait = self._editor.portrait
        if portrait is not None and (path := self._dialogs.mask_target(portrait)):
            self._editor.export_mask(path)

    def choose_quality(self) -> None:
        """Ask for the quality of exported files."""
        self._dialogs.quality()

    # Unsaved edits

    def may_discard(self) -> bool:
        """Ask what to do with unsaved edits; returns whether they may be lost, or there are none (any more)."""
        if not self._editor.unsaved:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            self.tr("Unsaved edits"),
            self.tr("The edits of {0} have not been saved. Save them as a project first?").format(
                self._editor.portrait.name if self._editor.portrait else ""
            ),
            buttons.Save | buttons.Discard | buttons.Cancel,
        )
        if answer == buttons.Save:
            self.save()
            self._editor.wait_for_files()
            return not self._editor.unsaved
        return answer == buttons.Discard

    def _open(self, file: Path, mask: Path | None = None) -> None:
        if file.suffix.lower() == SUFFIX:
            self._editor.projects.open(file)
        else:
            self._editor.open_portrait(file, mask)

    def _may_open(self) -> bool:
        if not self.may_discard():
            return False
        self._given_up = self._editor.last_edit
        return True

    def _may_replace(self) -> bool:
        # Opening takes a while, in which a person may have gone on painting: those edits were not given up.
        return self._editor.last_edit is self._given_up or self._may_open()
