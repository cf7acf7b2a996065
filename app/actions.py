"""Every command of the window: its name, key and place in the menus and on the tool bar."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMessageBox, QToolBar

from app.panels import KEYS
from app.style_menu import StyleMenu
from app.theme import icon
from engine.generate import BACKENDS, DEVICES
from resources.labels import LABELS

if TYPE_CHECKING:
    from app.window import MainWindow

_TITLES = {
    "auto": "Automatic",
    "torch": "PyTorch",
    "onnx": "ONNX Runtime",
    "cpu": "CPU",
    "cuda": "NVIDIA GPU (CUDA)",
    "mps": "Apple GPU (MPS)",
}


class Actions(QObject):
    """Builds the menus and the tool bar of a window, and keeps them up to date."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._need_portrait: list[QAction] = []
        self._build_file()
        self._build_edit()
        self._build_view()
        self._build_classes()
        self._build_model()
        self._build_style()
        self._build_toolbar()
        window.menuBar().addMenu(self.tr("&Help")).addAction(self.tr("About Maskbrush"), self._about)

    def update(self) -> None:
        """Enable what can be done now."""
        editor = self._window.editor
        portrait, asking = editor.portrait, self._window.questions.open
        for action in self._need_portrait:
            action.setEnabled(portrait is not None and not asking)
        self.adjust.setEnabled(portrait is not None and portrait.photo is not None and not asking)
        self.other_face.setEnabled(len(editor.faces) > 1 and not asking)
        # While a face is asked for, the mask is not seen: it must not change.
        self.undo.setEnabled(editor.undo_stack.canUndo() and not asking)
        self.redo.setEnabled(editor.undo_stack.canRedo() and not asking)
        self.own_style.setChecked(editor.exemplar is None)
        self.style_menu.refresh()
        self.whole.setEnabled(editor.can_show_whole and not asking)
        self.whole.setChecked(editor.whole)
        self.whole.setToolTip(self._whole_tip())

    def _whole_tip(self) -> str:
        editor, keys = self._window.editor, self.whole.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        if editor.portrait is not None and editor.portrait.alignment is None:
            return self.tr("The whole photo is shown already: this portrait is no crop of one")
        if not editor.only_edit:
            return self.tr("Whole photo: only with “Edit only”, as the raw render has no place in it")
        return self.tr("Show the edit in the whole photo ({0})").format(keys)

    def _action(
        self,
        text: str,
        slot: Callable[[], object],
        key: QKeySequence.StandardKey | str | None = None,
        picture: str = "",
        needs_portrait: bool = False,
        tip: str = "",
    ) -> QAction:
        action = QAction(text, self._window)
        action.triggered.connect(lambda: slot())
        if key is not None:
            action.setShortcut(QKeySequence(key))
        if picture:
            action.setIcon(icon(picture))
        name = tip or text.replace("&", "").rstrip("…")
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{name} ({keys})" if keys else name)
        if needs_portrait:
            self._need_portrait.append(action)
        return action

    def _build_file(self) -> None:
        window, keys = self._window, QKeySequence.StandardKey
        commands = window.commands
        self.open_photo = self._action(self.tr("&Open photo…"), commands.choose_photo, keys.Open, "open")
        self.open_pair = self._action(self.tr("Open with mas&k…"), commands.choose_pair, "Ctrl+Shift+O")
        self.paste = self._action(self.tr("&Paste picture"), commands.paste, keys.Paste)
        self.adjust = self._action(self.tr("&Adjust alignment…"), commands.adjust_alignment, "Ctrl+T")
        self.other_face = self._action(self.tr("Choose another &face…"), commands.choose_face, "Ctrl+Shift+T")
        self.load_mask = self._action(self.tr("&Load mask…"), commands.choose_mask, "Ctrl+M", needs_portrait=True)
        self.export = self._action(
            self.tr("&Export photo…"), commands.export_picture, "Ctrl+E", "export", needs_portrait=True
        )
        self.export_mask = self._action(
            self.tr("Export &mask…"), commands.export_mask, "Ctrl+Shift+E", needs_portrait=True
        )
        self.cancel_opening = self._action(self.tr("Cancel opening"), self._cancel, "Esc")
        self.cancel_opening.setEnabled(False)
        window.addAction(self.cancel_opening)
        menu = window.menuBar().addMenu(self.tr("&File"))
        menu.addActions([self.open_photo, self.open_pair])
        menu.addMenu(window.recent.menu)
        menu.addAction(self.paste)
        menu.addSeparator()
        menu.addActions([self.adjust, self.other_face, self.load_mask])
        menu.addSeparator()
        menu.addActions([self.export, self.export_mask])
        menu.addAction(self._action(self.tr("Export &quality…"), commands.choose_quality))
        menu.addSeparator()
        menu.addAction(self._action(self.tr("&Quit"), window.close, keys.Quit))

    def _cancel(self) -> None:
        # In the middle of a stroke, Escape is the stroke's.
        if self._window.canvas.dragging:
            self._window.editor.cancel_stroke()
        else:
            self._window.editor.opening.cancel()

    def _build_edit(self) -> None:
        window, keys = self._window, QKeySequence.StandardKey
        stack = window.editor.undo_stack
        self.undo, self.redo = stack.createUndoAction(window), stack.createRedoAction(window)
        self.redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        self.undo.setShortcut(keys.Undo)
        for action, name in ((self.undo, "undo"), (self.redo, "redo")):
            action.setIcon(icon(name))
        self.reset = self._action(
            self.tr("&Reset mask"), window.editor.reset_mask, "Ctrl+R", "reset", needs_portrait=True
        )
        larger = self._action(self.tr("Larger brush"), lambda: window.brush.step(1), "]")
        smaller = self._action(self.tr("Smaller brush"), lambda: window.brush.step(-1), "[")
        menu = window.menuBar().addMenu(self.tr("&Edit"))
        self.copy = self._action(self.tr("&Copy picture"), window.commands.copy, keys.Copy, needs_portrait=True)
        menu.addActions([self.undo, self.redo, self.reset])
        menu.addSeparator()
        menu.addActions([self.copy, self.paste])
        menu.addSeparator()
        menu.addActions([larger, smaller])

    def _build_view(self) -> None:
        window, keys = self._window, QKeySequence.StandardKey
        self.fit = self._action(self.tr("&Fit"), window.fit, "Ctrl+0", "fit", tip=self.tr("Fit the picture"))
        self.actual = self._action(
            self.tr("&100%"), lambda: window.set_scale(1.0), "Ctrl+1", "actual", tip=self.tr("Zoom to 100%")
        )
        zoom_in = self._action(self.tr("Zoom &in"), lambda: window.zoom(1.25), keys.ZoomIn)
        zoom_out = self._action(self.tr("Zoom &out"), lambda: window.zoom(0.8), keys.ZoomOut)
        safe = QAction(self.tr("&Colour-blind-safe palette"), window, checkable=True)
        safe.toggled.connect(window.use_palette)
        safe.setChecked(window.settings.colour_blind_safe)
        menu = window.menuBar().addMenu(self.tr("&View"))
        self.whole = self._action(self.tr("&Whole photo"), self._toggle_whole, "F6", "whole")
        self.whole.setCheckable(True)
        self.wipe = self._action(self.tr("&Before and after"), self._toggle_wipe, "Ctrl+Shift+B", "wipe")
        self.wipe.setCheckable(True)
        self.wipe.setShortcuts([QKeySequence("Ctrl+Shift+B"), QKeySequence("\\")])
        menu.addActions([self.fit, self.actual, zoom_in, zoom_out])
        menu.addSeparator()
        menu.addActions([self.whole, self.wipe])
        menu.addSeparator()
        menu.addAction(safe)

    def _toggle_whole(self) -> None:
        self._window.editor.set_whole(self.whole.isChecked())

    def _toggle_wipe(self) -> None:
        self._window.page.set_wipe(self.wipe.isChecked())

    def _build_classes(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu(self.tr("&Class"))
        group = QActionGroup(self)
        for label in LABELS:
            action = self._action(label.title, lambda row=label.id: window.labels.setCurrentRow(row), KEYS[label.id])
            action.setCheckable(True)
            group.addAction(action)
            menu.addAction(action)
        window.labels.chosen.connect(lambda row: group.actions()[row].setChecked(True))

    def _build_model(self) -> None:
        window = self._window
        menu = window.menuBar().addMenu(self.tr("&Model"))
        self._choice(menu.addMenu(self.tr("&Back end")), "backend", BACKENDS)
        self._choice(menu.addMenu(self.tr("&Device")), "device", DEVICES)
        menu.addSeparator()
        parsers = menu.addMenu(self.tr("&Face parser"))
        parsers.addAction(self._action(self.tr("&Load parser…"), window.commands.choose_parser))
        parsers.addAction(self._action(self.tr("Use &default parser"), lambda: window.editor.opening.use_parser(None)))
        menu.addSeparator()
        menu.addAction(self._action(self.tr("Load &weights…"), window.commands.choose_weights))
        menu.addAction(self._action(self.tr("Use &default weights"), lambda: self._set(weights="")))

    def _choice(self, menu: QMenu, setting: str, values: tuple[str, ...]) -> None:
        group = QActionGroup(self)
        for value in values:
            action = self._action(_TITLES[value], lambda value=value: self._set(**{setting: value}))
            action.setCheckable(True)
            action.setChecked(getattr(self._window.settings, setting) == value)
            group.addAction(action)
            menu.addAction(action)

    def _set(self, **changes: str) -> None:
        self._window.settings = replace(self._window.settings, **changes)  # type: ignore[arg-type]
        self._window.load_model()

    def _build_style(self) -> None:
        window = self._window
        self.own_style = self._action(
            self.tr("&Own style"), lambda: window.editor.use_style(None), "Ctrl+Shift+L", needs_portrait=True
        )
        self.own_style.setCheckable(True)
        exemplar = self._action(
            self.tr("From an &exemplar…"), window.commands.choose_exemplar, "Ctrl+L", "style", needs_portrait=True
        )
        self.style_menu = StyleMenu(window, self.own_style, exemplar)
        window.menuBar().insertMenu(window.menuBar().actions()[3], self.style_menu)
        window.page.style_button.setMenu(self.style_menu)

    def _build_toolbar(self) -> None:
        bar = QToolBar(self.tr("Tools"), self._window)
        bar.setObjectName("tools")
        bar.setMovable(False)
        bar.setIconSize(QSize(18, 18))
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for group in ((self.open_photo, self.export), (self.undo, self.redo, self.reset), (self.fit, self.actual)):
            if bar.actions():
                bar.addSeparator()
            bar.addActions(group)
        self.open_photo.setIconText(self.tr("Open"))
        self.export.setIconText(self.tr("Export"))
        self.reset.setIconText(self.tr("Reset"))
        for action in (self.undo, self.redo):
            # Their texts name the edit, which would make the bar jump at each stroke.
            bar.widgetForAction(action).setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)  # type: ignore[attr-defined]
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
