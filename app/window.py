"""The main window: source, mask and result side by side, and what acts on them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QCloseEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QLabel, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from app.actions import Actions
from app.commands import Commands
from app.dropping import Dropping
from app.editor import Editor
from app.editor_page import EditorPage
from app.panels import Banner, thumbnail
from app.questions import Questions
from app.recent import RecentPhotos
from app.settings import Settings, save_settings
from app.strip import ProgressStrip
from app.theme import icon
from app.view import ViewModel
from engine.parse import ParserInfo
from engine.store import default_weights
from engine.types import EngineError, RenderResult
from resources import RESOURCES
from resources.labels import LABELS, palette

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
        Whether the settings are saved when the window closes.
    """

    def __init__(
        self, editor: Editor, settings: Settings, flags: dict[str, str] | None = None, remember: bool = True
    ) -> None:
        super().__init__()
        self._stored, self._flags, self._saves_settings = settings, flags or {}, remember
        settings = replace(settings, **self._flags)  # type: ignore[arg-type]
        self.editor, self.settings = editor, settings
        self.setWindowTitle("Maskbrush")
        self.setWindowIcon(icon("app"))
        self.setMinimumSize(QSize(960, 600))
        self.resize(1440, 820)

        self.page = page = EditorPage()
        self.view, self.canvas, self.labels, self.brush = page.view, page.canvas, page.labels, page.brush
        self.source_pane, self.result_pane = page.source.crop, page.result.crop
        self.banner = Banner()
        self.questions = Questions(editor, self)
        self.commands = Commands(self)
        self.recent = RecentPhotos(self, never=lambda file: SAMPLES in file.parents)
        self._build()
        self.actions_ = Actions(self)
        page.set_toggles(self.actions_.whole, self.actions_.wipe)
        self.dropping = Dropping(self)
        self._connect()

        page.only_edit.setChecked(settings.only_edit)
        page.opacity.setValue(round(settings.mask_opacity * 100))
        self.brush.set_size(settings.brush_size)
        self.labels.setCurrentRow(settings.label)
        editor.opening.remember_parser(Path(settings.parser) if settings.parser else None)
        if settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode()))
        self._show_portrait()

    # Building

    def _build(self) -> None:
        self.pages = QStackedWidget()
        self.pages.addWidget(self.page)
        self.pages.addWidget(self.questions.page)
        middle = QWidget()
        rows = QVBoxLayout(middle)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.banner)
        rows.addWidget(self.pages, 1)
        self.setCentralWidget(middle)

        self.strip = ProgressStrip()
        self.hover, self.timing, self.engine = QLabel(), QLabel(), QLabel(self.tr("No model"))
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        # The strip, which comes and goes, must not make the bar higher: the pictures would move under the hand.
        bar.setFixedHeight(self.strip.sizeHint().height() + 8)
        for widget in (self.strip, self.hover, self.timing, self.engine):
            bar.addPermanentWidget(widget)

    def _connect(self) -> None:
        editor, page = self.editor, self.page
        editor.portrait_changed.connect(self._show_portrait)
        editor.frame_changed.connect(self._show_frame)
        editor.mask_changed.connect(self.canvas.update_region)
        editor.picture_changed.connect(lambda: page.result.shown.set_image(editor.picture))
        editor.style_changed.connect(self._show_style)
        editor.busy_changed.connect(page.set_busy)
        editor.rendered.connect(self._show_timing)
        editor.model_changed.connect(self._show_model)
        editor.progress.connect(self._show_progress)
        editor.notice.connect(lambda text: self.statusBar().showMessage(text, 8000))
        editor.remark.connect(lambda text: self.banner.show_problem(EngineError(text)))
        editor.problem.connect(self.banner.show_problem)
        editor.recovered.connect(self.banner.hide)
        editor.history_changed.connect(self._show_title)
        editor.opening.told.connect(self._show_opening)
        editor.opening.file_read.connect(self.recent.add)
        editor.opening.parser_changed.connect(self._show_parser)
        self.strip.cancelled.connect(editor.opening.cancel)
        self.questions.asked.connect(self._show_page)
        self.questions.over.connect(self._show_page)

        self.canvas.pressed.connect(self._begin)
        self.canvas.moved.connect(editor.extend_stroke)
        self.canvas.released.connect(editor.end_stroke)
        self.canvas.cancelled.connect(editor.cancel_stroke)
        self.canvas.brush_step.connect(self.brush.step)
        self.canvas.hovered.connect(self._show_hover)
        self.canvas.left.connect(self.hover.clear)
        self.brush.size_changed.connect(lambda size: self.canvas.set_brush(size / 2))
        page.opacity.valueChanged.connect(lambda value: self.canvas.set_mask_opacity(value / 100))
        page.only_edit.toggled.connect(editor.set_only_edit)
        page.only_edit.toggled.connect(self.actions_.update)

    # Showing

    def _show_portrait(self) -> None:
        editor = self.editor
        labels = editor.document.labels if editor.document is not None else None
        view = editor.portrait.view if editor.portrait is not None else None
        if labels is not None:
            self.view.set_image_size(labels.shape[1], labels.shape[0])
            self.view.fit()
        self.page.whole_view.fit()
        self.canvas.set_image(view)
        self.canvas.set_labels(labels)
        self._show_frame()
        open_key = self.actions_.open_photo.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.source_pane.set_placeholder(self.tr("Drop a photo here, or press {0}").format(open_key))
        self.canvas.set_placeholder(self.tr("Its face is found and labelled; paint the labels here"))
        self.result_pane.set_placeholder(self.tr("The edited face is rendered here"))
        self.page.file_name.set_text(editor.portrait.name if editor.portrait else "")
        self._show_title()
        self._show_style()

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
        self.pages.setCurrentWidget(self.questions.page if asking else self.page)
        (self.questions.page.photo if asking else self.canvas).setFocus()
        self.actions_.update()

    def _show_title(self) -> None:
        name = self.editor.portrait.name if self.editor.portrait else ""
        star = "*" if self.editor.unsaved else ""
        self.setWindowTitle(f"{name}{star} – Maskbrush" if name else "Maskbrush")

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

    def _show_timing(self, result: RenderResult) -> None:
        total = result.timings.get("total", 0.0)
        self.timing.setText(self.tr("Rendered in {0} ms").format(max(1, round(total * 1000))))
        parts = (f"{name} {seconds * 1000:.0f} ms" for name, seconds in result.timings.items())
        self.timing.setToolTip(", ".join(parts))

    def _show_model(self) -> None:
        info = self.editor.info
        if info is None:
            return
        self.engine.setText(f"{info.device} · {info.backend}")
        self.engine.setToolTip(f"{info.title} ({info.size} px)\n{info.licence}".strip())
        self._show_licence(info.title, info.licence)

    def _show_parser(self, info: ParserInfo) -> None:
        self._show_licence(info.title, info.licence)

    def _show_licence(self, title: str, licence: str) -> None:
        if licence:
            self.banner.show_problem(EngineError(self.tr("{0} is loaded.").format(title), licence))

    def _show_progress(self, text: str) -> None:
        if text:
            self.statusBar().showMessage(text)
        else:
            self.statusBar().clearMessage()

    def _show_opening(self, text: str) -> None:
        if text and not self.strip.text:
            # What was said before concerns what the person has gone on from.
            self.banner.hide()
        self.strip.tell(text)
        self.actions_.cancel_opening.setEnabled(bool(text))

    def _show_hover(self, x: float, y: float) -> None:
        document = self.editor.document
        if document is None:
            return
        column, row = int(x), int(y)
        if 0 <= row < document.labels.shape[0] and 0 <= column < document.labels.shape[1] and x >= 0 and y >= 0:
            label = LABELS[document.labels[row, column]]
            self.hover.setText(f"{label.title} ({label.id})  {column}, {row}")
        else:
            self.hover.clear()

    # Acting

    def _begin(self, x: float, y: float) -> None:
        self.editor.begin_stroke(self.labels.currentRow(), self.brush.size_px / 2, x, y)

    def use_palette(self, colour_blind_safe: bool) -> None:
        """Show the classes in the published or in the colour-blind-safe colours."""
        self.canvas.set_colours(palette(colour_blind_safe))
        self.labels.set_colour_blind_safe(colour_blind_safe)
        self.settings = replace(self.settings, colour_blind_safe=colour_blind_safe)

    def load_model(self) -> None:
        """Load the model that the settings name."""
        settings = self.settings
        weights = Path(settings.weights) if settings.weights else default_weights()
        self.editor.load_weights(weights, settings.backend, settings.device)

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
        if self._saves_settings:
            self._save_settings()
        self.editor.shutdown()
        event.accept()

    def _save_settings(self) -> None:
        settings = replace(
            self.settings,
            label=self.labels.currentRow(),
            brush_size=self.brush.size_px,
            mask_opacity=self.page.opacity.value() / 100,
            only_edit=self.page.only_edit.isChecked(),
            parser=str(self.editor.opening.parser or ""),
            geometry=bytes(self.saveGeometry().toBase64().data()).decode(),
        )
        # A flag is for one run, unless the person chose something else meanwhile.
        kept = [name for name, value in self._flags.items() if getattr(settings, name) == value]
        try:
            save_settings(replace(settings, **{name: getattr(self._stored, name) for name in kept}))
        except OSError as error:
            print(f"The settings could not be saved: {error}", file=sys.stderr)
