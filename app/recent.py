"""The menu of photos that were opened lately."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from app.settings import RECENT
from engine.types import EngineError

if TYPE_CHECKING:
    from app.window import MainWindow


class RecentPhotos(QObject):
    """Keeps the settings' list of photos, and offers it in a menu.

    Parameters
    ----------
    window
        Whose settings hold the list, and which opens what is chosen.
    never
        Files that are not listed.
    """

    def __init__(self, window: "MainWindow", never: Callable[[Path], bool]) -> None:
        super().__init__(window)
        self._window, self._never = window, never
        self.menu = QMenu(self.tr("Open rece&nt"), window)
        self.menu.setToolTipsVisible(True)
        self._fill()

    @property
    def paths(self) -> tuple[str, ...]:
        """The newest first."""
        return self._window.settings.recent

    def add(self, file: Path) -> None:
        """Put a file on top."""
        if not self._never(file):
            path = str(file.absolute())
            self._set((path, *(other for other in self.paths if other != path))[:RECENT])

    def clear(self) -> None:
        """Forget all."""
        self._set(())

    def open(self, path: str) -> None:
        """Open a file of the list; one that is gone leaves it."""
        if Path(path).is_file():
            self._window.commands.open_photo(Path(path))
            return
        self._set(tuple(other for other in self.paths if other != path))
        self._window.banner.show_problem(
            EngineError(
                self.tr("{0} is not there any more.").format(path),
                self.tr("It was taken off the list of recent photos."),
            )
        )

    def _set(self, paths: tuple[str, ...]) -> None:
        self._window.settings = replace(self._window.settings, recent=paths)
        self._fill()

    def _fill(self) -> None:
        self.menu.clear()
        for number, path in enumerate(self.paths, 1):
            name = Path(path).name.replace("&", "&&")
            # The first nine can be chosen by their number.
            action = self.menu.addAction(f"&{number}  {name}" if number < 10 else f"{number}  {name}")
            action.setToolTip(path)
            action.triggered.connect(lambda _=False, path=path: self.open(path))
        if self.paths:
            self.menu.addSeparator()
            self.menu.addAction(self.tr("&Clear list"), self.clear).setObjectName("clear-recent")
        self.menu.menuAction().setEnabled(bool(self.paths))
