"""The main window: what it shows of the editor, and what is remembered of it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.actions import Actions
from app.commands import Commands
from app.display import Display
from app.dropping import Dropping
from app.editor import Editor
from app.panels import Banner, thumbnail
from app.questions import Questions
from app.recent import RecentPhotos
from app.settings import Settings, save_settings
from app.status_bar import StatusBar
from app.theme import apply_theme, icon
from app.tools.tool import Studio
from app.view import ViewModel
from app.workspace import Workspace
from engine.parse import ParserInfo
from engine.store import default_weights
from engine.types import EngineError
from resources import RESOURCES

SAMPLES = RESOURCES / "samples"
SAMPLE = SAMPLES / "collins.jpg"
SAMPLE_EXEMPLAR = SAMPLES / "exemplar.jpg"


class MainWindow(QMainWindow):
    """The editor's window.

    Parameters
    ----------
    editor
        What it shows and acts on.
    settings
        What was remembered from the last run.
    flags
        Settings that hold for this run only.
    remember
        Whether the settings are saved when the window closes, and edits kept safe until then.
    """

    def __init__(
        self, editor: Editor, settings: Settings, flags: dict[str, str] | None = None, remember: bool = True
    ) -> None:
        super().__init__()
        self._stored, self._flags, self.remembers = settings, flags or {}, remember
        settings = replace(settings, **self._flags)  # type: ignore[arg-type]
        self.editor, self.settings = editor, settings
        self.setWindowTitle("Maskbrush")
        self.setWindowIcon(icon("app"))
        self.setMinimumSize(QSize(960, 600))
        self.resize(1500, 860)

        self.studio = Studio(editor, settings.tools, self)
        self.workspace = workspace = Workspace(self.studio)
        self.page, self.view, self.canvas = workspace.page, workspace.view, workspace.canvas
        self.source_pane, self.result_pane = self.page.source.crop, self.page.result.crop
        self.banner, self.status = Banner(), StatusBar(editor)
        self.questions = Questions(editor, self)
        self.commands = Commands(self)
        self.recent = RecentPhotos(self, never=lambda file: SAMPLES in file.parents)
        self._build()
        self.actions_ = Actions(self)
        self.dropping = Dropping(self)
        self._connect()
        self._take_up(settings)
        self._show_portrait()

    # Building

    def _build(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self.workspace)
        self.pages.addWidget(self.questions.page)
        middle = QWidget()
        rows = QVBoxLayout(middle)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.banner)
        rows.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        self.setStatusBar(self.status)

    def _connect(self) -> None:
        editor, page = self.editor, self.page
        editor.portrait_changed.connect(self._show_portrait)
        editor.frame_changed.connect(self._show_frame)
        editor.picture_changed.connect(lambda: page.show_picture(editor.picture))
        editor.style_changed.connect(self._show_style)
        editor.busy_changed.connect(page.set_busy)
        editor.model_changed.connect(self._show_model)
        editor.remark.connect(lambda text: self.banner.show_problem(EngineError(text)))
        editor.problem.connect(self.banner.show_problem)
        editor.recovered.connect(self.banner.hide)
        editor.history_changed.connect(self._show_title)
        editor.look_changed.connect(self._show_look)
        editor.projects.saved.connect(lambda path: self._show_title())
        editor.opening.told.connect(self._show_opening)
        editor.opening.file_read.connect(self.recent.add)
        editor.opening.parser_changed.connect(self._show_parser)
        self.questions.asked.connect(self._show_page)
        self.questions.over.connect(self._show_page)
        self.canvas.hovered.connect(self.status.show_place)
        self.canvas.left.connect(self.status.leave)
        self.view.changed.connect(self._show_view)
        page.only_edit.toggled.connect(editor.set_only_edit)
        page.only_edit.toggled.connect(self.actions_.update)

    def _take_up(self, settings: Settings) -> None:
        page, workspace = self.page, self.workspace
        page.only_edit.setChecked(settings.only_edit)
        page.opacity.setValue(round(settings.mask_opacity * 100))
        page.set_layout(settings.layout)
        self.canvas.set_minimap(settings.minimap)
        self.studio.set_label(settings.label)
        workspace.classes.set_label(self.studio.label)
        workspace.set_display(Display(colour_blind_safe=settings.colour_blind_safe))
        workspace.box.choose(settings.tool)
        workspace.options.show_tool(settings.tool)
        workspace.restore_columns(settings.columns)
        workspace.show_panel(settings.panel)
        self.editor.history.set_budget(settings.undo_megabytes * 2**20)
        self.editor.opening.remember_parser(Path(settings.parser) if settings.parser else None)
        if settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode()))

    # Showing

    def _show_portrait(self) -> None:
        editor = self.editor
        labels = editor.document.labels if editor.document is not None else None
        if labels is not None:
            self.view.set_image_size(labels.shape[1], labels.shape[0])
            self.view.fit()
        self.page.whole_view.fit()
        self.page.set_portrait(editor.portrait.view if editor.portrait is not None else None)
        self.canvas.set_labels(labels)
        self._show_frame()
        open_key = self.actions_.open_photo.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.page.set_placeholders(
            self.tr("Drop a photo here, or press {0}").format(open_key),
            self.tr("Its face is found and labelled; paint the labels here"),
            self.tr("The edited face is rendered here"),
        )
        self.page.file_name.set_text(editor.portrait.name if editor.portrait else "")
        self._show_style()
        self._show_view()

    def _show_frame(self) -> None:
        editor = self.editor
        self.page.show_frame(editor.whole, editor.source, editor.picture)
        if editor.portrait is not None and editor.whole:
            height, width = editor.portrait.overview.shape[:2]
            side = editor.portrait.labels.shape[0]
            to_photo = editor.portrait.to_picture(height, width)
            corners = np.array([(0, 0, 1), (side, 0, 1), (side, side, 1), (0, side, 1)])
            self.page.mark_crop(corners @ to_photo.T)
        self.actions_.update()

    def _show_page(self) -> None:
        asking = self.questions.open
        self.pages.setCurrentWidget(self.questions.page if asking else self.workspace)
        (self.questions.page.photo if asking else self.canvas).setFocus()
        self.actions_.update()

    def _show_title(self) -> None:
        name = self.editor.portrait.name if self.editor.portrait else ""
        star = "*" if self.editor.unsaved else ""
        self.setWindowTitle(f"{name}{star} – Maskbrush" if name else "Maskbrush")
        self.actions_.update_history()

    def _show_style(self) -> None:
        exemplar, button = self.editor.exemplar, self.page.style_button
        if exemplar is None:
            button.setIcon(icon("style"))
            button.setText(self.tr("Own style"))
        else:
            button.setIcon(thumbnail(exemplar.pixels))
            name = self.fontMetrics().elidedText(exemplar.name, Qt.TextElideMode.ElideRight, 90)
            button.setText(name)
        self.actions_.update()
        if exemplar is not None and self.editor.style_classes:
            part = self.actions_.style_menu.chosen().lower()
            tip = self.tr("Whose look is taken, for {0} only: {1}").format(part, exemplar.name)
        else:
            tip = self.tr("Whose look the face is rendered in: {0}").format(
                exemplar.name if exemplar else self.tr("its own")
            )
        button.setToolTip(tip)
        self._show_title()

    def _show_look(self) -> None:
        self.page.only_edit.setChecked(self.editor.only_edit)
        self._show_title()

    def _show_view(self) -> None:
        if self.editor.document is not None:
            self.status.show_view(self.view.scale, self.view.rotation)

    def _show_model(self) -> None:
        info = self.editor.info
        if info is not None:
            self._show_licence(info.title, info.licence)

    def _show_parser(self, info: ParserInfo) -> None:
        self._show_licence(info.title, info.licence)

    def _show_licence(self, title: str, licence: str) -> None:
        if licence:
            self.banner.show_problem(EngineError(self.tr("{0} is loaded.").format(title), licence))

    def _show_opening(self, text: str) -> None:
        if text and not self.status.strip.text:
            # What was said before concerns what the person has gone on from.
            self.banner.hide()
        self.status.strip.tell(text)
        self.actions_.cancel_opening.setEnabled(bool(text))

    # Acting

    def load_model(self) -> None:
        """Load the model that the settings name."""
        settings = self.settings
        weights = Path(settings.weights) if settings.weights else default_weights()
        self.editor.load_weights(weights, settings.backend, settings.device)

    def use_theme(self, scheme: str) -> None:
        """Show everything in a theme: one of `SCHEMES`."""
        application = QApplication.instance()
        if isinstance(application, QApplication):
            apply_theme(application, scheme)
        self.settings = replace(self.settings, theme=scheme)

    def use_language(self, language: str) -> None:
        """Use one of `LANGUAGES`, from the next start on."""
        self.settings = replace(self.settings, language=language)
        self.editor.notice.emit(self.tr("The language changes when Maskbrush is started again."))

    def fit(self) -> None:
        """Show all of the pictures."""
        for view in self._views:
            view.fit()

    def set_scale(self, scale: float) -> None:
        """Show the pictures at a scale, in screen pixels per pixel."""
        for view in self._views:
            view.set_scale(scale)

    def zoom(self, factor: float) -> None:
        """Zoom the pictures about the middle of what is seen."""
        for view in self._views:
            view.zoom_about(view.centre, factor)

    @property
    def _views(self) -> tuple[ViewModel, ...]:
        if self.questions.open:
            return (self.questions.page.photo.view,)
        return self.page.view, self.page.whole_view

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.canvas.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.commands.may_discard():
            event.ignore()
            return
        if self.remembers:
            self._save_settings()
        self.commands.close()
        self.editor.shutdown()
        event.accept()

    def _save_settings(self) -> None:
        workspace = self.workspace
        settings = replace(
            self.settings,
            label=self.studio.label,
            tool=workspace.box.current.name,
            tools=self.studio.options,
            mask_opacity=self.page.opacity.value() / 100,
            only_edit=self.page.only_edit.isChecked(),
            colour_blind_safe=workspace.display.colour_blind_safe,
            layout=self.page.layout_,
            panel=workspace.panel,
            minimap=self.canvas.minimap_on,
            commands=self.actions_.palette.recent,
            parser=str(self.editor.opening.parser or ""),
            geometry=bytes(self.saveGeometry().toBase64().data()).decode(),
            columns=workspace.save_columns(),
        )
        # A flag is for one run, unless the person chose something else meanwhile.
        kept = [name for name, value in self._flags.items() if getattr(settings, name) == value]
        try:
            save_settings(replace(settings, **{name: getattr(self._stored, name) for name in kept}))
        except OSError as error:
            print(f"The settings could not be saved: {error}", file=sys.stderr)
