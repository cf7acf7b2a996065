"""Every command of the window: its name, key and place in the menus and on the tool bar."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMessageBox

from app.action_maker import ActionMaker, tip_of
from app.bars import CommandBar
from app.command_palette import CommandPalette
from app.shortcuts import Shortcuts
from app.studio_actions import StudioActions
from app.style_menu import StyleMenu
from app.titles import step_title
from engine.generate import BACKENDS, DEVICES

if TYPE_CHECKING:
    from app.window import MainWindow


class Actions(QObject):
    """Builds the menus and the tool bar of a window, and keeps them up to date."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._maker = ActionMaker(window)
        self._make = self._maker.make
        self._build_file()
        self._build_edit()
        self.studio = StudioActions(window, self._maker)
        self._build_style()
        self._build_model()
        self._build_help()
        self._build_toolbar()
        self.shortcuts = Shortcuts(
            window,
            {
                "Space": self.tr("Move the picture while it is held down"),
                "Return": self.tr("Finish what a tool has begun"),
                "Backspace": self.tr("Take a polygon's last corner back"),
                "Left": self.tr("Move the line between before and after"),
                "Right": self.tr("Move the line between before and after"),
            },
        )
        self.shortcuts.apply(window.settings.shortcuts)
        self.shortcuts.changed.connect(self.update)

    def update(self) -> None:
        """Enable what can be done now."""
        editor = self._window.editor
        portrait, asking = editor.portrait, self._window.questions.open
        for action in self._maker.need_portrait:
            action.setEnabled(portrait is not None and not asking)
        self.adjust.setEnabled(portrait is not None and portrait.photo is not None and not asking)
        self.other_face.setEnabled(len(editor.faces) > 1 and not asking)
        studio = self.studio
        for action in (*studio.tools.values(), *studio.layouts, *studio.panels):
            action.setEnabled(not asking)
        self.own_style.setChecked(editor.exemplar is None)
        self.style_menu.refresh()
        whole = studio.whole
        whole.setEnabled(editor.can_show_whole and not asking)
        whole.setChecked(editor.whole)
        whole.setToolTip(self._whole_tip())
        self.update_history()

    def update_history(self) -> None:
        """Say what would be undone and redone."""
        # While a face is asked for, the mask is not seen: it must not change.
        history, asking = self._window.editor.history, self._window.questions.open
        last, following = history.last if history.can_undo else None, history.next
        for action, edit, name, text in (
            (self.undo, last, self.tr("Undo"), self.tr("&Undo {0}")),
            (self.redo, following, self.tr("Redo"), self.tr("&Redo {0}")),
        ):
            title = step_title(edit.title) if edit is not None else ""
            action.setEnabled(edit is not None and not asking)
            action.setText(text.format(title).rstrip())
            action.setToolTip(tip_of(action, f"{name}: {title}" if title else name))

    def _whole_tip(self) -> str:
        editor, whole = self._window.editor, self.studio.whole
        if editor.portrait is not None and editor.portrait.alignment is None:
            return self.tr("The whole photo is shown already: this portrait is no crop of one")
        if not editor.only_edit:
            return self.tr("Whole photo: only with “Edit only”, as the raw render has no place in it")
        return tip_of(whole, self.tr("Show the edit in the whole photo"))

    def _build_file(self) -> None:
        window, make, keys = self._window, self._make, QKeySequence.StandardKey
        commands = window.commands
        self.open_photo = make("open", self.tr("&Open…"), commands.choose_photo, keys.Open, "open",
                               tip=self.tr("Open a photo or a project"))  # fmt: skip
        self.open_pair = make("open-pair", self.tr("Open with mas&k…"), commands.choose_pair, "Ctrl+Shift+O")
        self.paste = make("paste", self.tr("&Paste picture"), commands.paste, keys.Paste)
        self.save = make("save", self.tr("&Save project"), commands.save, keys.Save, "save", needs_portrait=True)
        self.save_as = make(
            "save-as", self.tr("Save project &as…"), commands.save_as, "Ctrl+Shift+S", needs_portrait=True
        )
        self.recover = make("recover", self.tr("&Recover edits…"), commands.recover, picture="recover")
        self.adjust = make("adjust", self.tr("Ad&just alignment…"), commands.adjust_alignment, "Ctrl+T")
        self.other_face = make("other-face", self.tr("Choose another &face…"), commands.choose_face, "Ctrl+Shift+T")
        self.load_mask = make("load-mask", self.tr("&Load mask…"), commands.choose_mask, "Ctrl+M", needs_portrait=True)
        self.export = make(
            "export", self.tr("&Export photo…"), commands.export_picture, "Ctrl+E", "export", needs_portrait=True
        )
        self.export_mask = make(
            "export-mask", self.tr("Export &mask…"), commands.export_mask, "Ctrl+Shift+E", needs_portrait=True
        )
        self.cancel_opening = make("cancel-opening", self.tr("Cancel opening"), self._cancel, "Esc")
        self.cancel_opening.setEnabled(False)
        window.addAction(self.cancel_opening)
        menu = window.menuBar().addMenu(self.tr("&File"))
        menu.addActions([self.open_photo, self.open_pair])
        menu.addMenu(window.recent.menu)
        menu.addAction(self.paste)
        menu.addSeparator()
        menu.addActions([self.save, self.save_as, self.recover])
        menu.addSeparator()
        menu.addActions([self.adjust, self.other_face, self.load_mask])
        menu.addSeparator()
        menu.addActions([self.export, self.export_mask])
        menu.addAction(make("quality", self.tr("Export quali&ty…"), commands.choose_quality))
        menu.addSeparator()
        menu.addAction(make("quit", self.tr("&Quit"), window.close, "Ctrl+Q"))

    def _cancel(self) -> None:
        # In the middle of a stroke, Escape is the stroke's.
        if not self._window.workspace.box.escape():
            self._window.editor.opening.cancel()

    def _build_edit(self) -> None:
        window, make, keys = self._window, self._make, QKeySequence.StandardKey
        editor = window.editor
        self.undo = make("undo", self.tr("&Undo"), editor.undo, keys.Undo, "undo")
        self.redo = make("redo", self.tr("&Redo"), editor.redo, ("Ctrl+Shift+Z", "Ctrl+Y"), "redo")
        self.reset = make("reset", self.tr("Reset &mask"), editor.reset_mask, "Ctrl+R", "reset", needs_portrait=True)
        self.copy = make("copy", self.tr("&Copy picture"), window.commands.copy, keys.Copy, needs_portrait=True)
        menu = window.menuBar().addMenu(self.tr("&Edit"))
        menu.addActions([self.undo, self.redo, self.reset])
        menu.addSeparator()
        menu.addActions([self.copy, self.paste])
        menu.addSeparator()
        menu.addAction(make("shortcuts", self.tr("&Keyboard shortcuts…"), self._edit_shortcuts, picture="keyboard"))
        menu.addAction(make("undo-memory", self.tr("Memory for the &history…"), window.commands.choose_undo_memory))

    def _build_style(self) -> None:
        window, make = self._window, self._make
        self.own_style = make(
            "own-style", self.tr("&Own style"), lambda: window.editor.use_style(None), "Ctrl+Shift+L",
            needs_portrait=True,
        )  # fmt: skip
        self.own_style.setCheckable(True)
        exemplar = make(
            "exemplar", self.tr("From an &exemplar…"), window.commands.choose_exemplar, "Ctrl+L", "style",
            needs_portrait=True,
        )  # fmt: skip
        self.style_menu = StyleMenu(window, self.own_style, exemplar)
        window.menuBar().addMenu(self.style_menu)
        window.page.style_button.setMenu(self.style_menu)

    def _build_model(self) -> None:
        window, make = self._window, self._make
        titles = {
            "auto": self.tr("Automatic"),
            "torch": "PyTorch",
            "onnx": "ONNX Runtime",
            "openvino": "OpenVINO",
            "cpu": self.tr("CPU"),
            "cuda": self.tr("NVIDIA GPU (CUDA)"),
            "mps": self.tr("Apple GPU (MPS)"),
        }
        menu = window.menuBar().addMenu(self.tr("&Model"))
        for setting, title, values in (
            ("backend", self.tr("&Back end"), BACKENDS), ("device", self.tr("&Device"), DEVICES),
        ):  # fmt: skip
            self._choice(menu.addMenu(title), setting, {value: titles[value] for value in values})
        menu.addSeparator()
        parsers = menu.addMenu(self.tr("&Face parser"))
        use_parser = window.editor.opening.use_parser
        parsers.addAction(make("load-parser", self.tr("&Load parser…"), window.commands.choose_parser))
        parsers.addAction(make("default-parser", self.tr("Use &default parser"), lambda: use_parser(None)))
        menu.addSeparator()
        menu.addAction(make("load-weights", self.tr("Load &weights…"), window.commands.choose_weights))
        menu.addAction(make("default-weights", self.tr("&Use default weights"), lambda: self._set(weights="")))

    def _choice(self, menu: QMenu, setting: str, titles: dict[str, str]) -> None:
        chosen = getattr(self._window.settings, setting)
        menu.addActions(self._maker.choice(setting, titles, lambda value: self._set(**{setting: value}), chosen))

    def _set(self, **changes: str) -> None:
        self._window.settings = replace(self._window.settings, **changes)  # type: ignore[arg-type]
        self._window.load_model()

    def _build_help(self) -> None:
        window = self._window
        self.palette = CommandPalette(window, window.settings.commands)
        menu = window.menuBar().addMenu(self.tr("&Help"))
        menu.addAction(self._make("palette", self.tr("&Find a command…"), self.palette.open, "Ctrl+K", "search"))
        menu.addAction(self._make("about", self.tr("About Maskbrush"), self._about))

    def _edit_shortcuts(self) -> None:
        overrides = self.shortcuts.edit()
        if overrides is not None:
            self._window.settings = replace(self._window.settings, shortcuts=overrides)
            self.update()

    def _build_toolbar(self) -> None:
        studio = self.studio
        groups: tuple[list[QAction], ...] = (
            [self.open_photo, self.save, self.export], [self.undo, self.redo, self.reset],
            [studio.fit, studio.actual], studio.layouts, studio.panels,
        )  # fmt: skip
        for action, text in (
            (self.open_photo, self.tr("Open")), (self.save, self.tr("Save")), (self.export, self.tr("Export")),
            (self.reset, self.tr("Reset")),
        ):  # fmt: skip
            action.setIconText(text)
        # Undo and redo name the edit, which would make the bar jump at each stroke.
        wordless = (self.undo, self.redo, *studio.layouts, *studio.panels)
        bar = CommandBar(self.tr("Commands"), groups, wordless, self._window)
        bar.setObjectName("commands")
        self._window.addToolBar(bar)

    def _about(self) -> None:
        QMessageBox.about(
            self._window,
            self.tr("About Maskbrush"),
            self.tr(
                "<b>Maskbrush</b><p>Paint a face's semantic mask and see it rendered live.</p>"
                "<p>Code and default weights: Apache License 2.0. The generator is MaskGAN's dense mapping network "
                "(Lee et al., CVPR 2020), trained anew on pictures whose terms allow it.</p>"
            ),
        )
