"""The main window: source, mask and result side by side, and what acts on them."""

import sys
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMessageBox,
    QSlider,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.actions import Actions
from app.canvas import MaskCanvas
from app.editor import Editor
from app.pane import ImagePane
from app.panels import Banner, BrushPanel, ElidedLabel, LabelList, Pane, heading, thumbnail
from app.settings import Settings, save_settings
from app.theme import icon
from app.view import ViewModel
from engine.files import find_mask
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

        self.view = ViewModel(self)
        self.source_pane = ImagePane(self.view, self.tr("Source"))
        self.canvas = MaskCanvas(self.view, self.tr("Mask"))
        self.result_pane = ImagePane(self.view, self.tr("Result"))
        self.labels = LabelList()
        self.brush = BrushPanel()
        self.banner = Banner()
        self._build_panes()
        self._build_status()
        self.actions_ = Actions(self)
        self._connect()

        self.only_edit.setChecked(settings.only_edit)
        self.opacity.setValue(round(settings.mask_opacity * 100))
        self.brush.set_size(settings.brush_size)
        self.labels.setCurrentRow(settings.label)
        if settings.geometry:
            self.restoreGeometry(QByteArray.fromBase64(settings.geometry.encode()))
        self._show_portrait()

    # Building

    def _build_panes(self) -> None:
        self.file_name = ElidedLabel()
        source = Pane(self.tr("Source"), self.source_pane)
        source.controls.addWidget(self.file_name, 4)

        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setFixedWidth(90)
        self.opacity.setAccessibleName(self.tr("Mask opacity"))
        self.opacity.setToolTip(self.tr("Mask opacity: left shows the source, right the mask"))
        caption = QLabel(self.tr("Opacity"))
        caption.setObjectName("muted")
        mask = Pane(self.tr("Mask"), self.canvas)
        mask.controls.addWidget(caption)
        mask.controls.addWidget(self.opacity)

        self.style_button = QToolButton()
        self.style_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.style_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.style_button.setAccessibleName(self.tr("Style"))
        self.only_edit = QCheckBox(self.tr("Edit only"))
        self.only_edit.setToolTip(
            self.tr("On: pixels away from your edit stay exactly the source's.\nOff: the network's raw render.")
        )
        result = Pane(self.tr("Result"), self.result_pane)
        result.controls.addWidget(self.style_button)
        result.controls.addWidget(self.only_edit)

        panes = QSplitter(Qt.Orientation.Horizontal)
        panes.setChildrenCollapsible(False)
        panes.setHandleWidth(1)
        for pane in (source, mask, result):
            panes.addWidget(pane)
            panes.setStretchFactor(panes.count() - 1, 1)
        panes.setSizes([1000, 1000, 1000])

        sidebar = QWidget()
        sidebar.setObjectName("sidebar")
        sidebar.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        sidebar.setFixedWidth(196)
        column = QVBoxLayout(sidebar)
        column.setContentsMargins(0, 0, 1, 0)  # room for the border
        column.setSpacing(0)
        column.addWidget(heading(self.tr("Brush")))
        column.addWidget(self.brush)
        column.addWidget(heading(self.tr("Classes")))
        column.addWidget(self.labels, 1)

        middle = QWidget()
        rows = QVBoxLayout(middle)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.banner)
        rows.addWidget(panes, 1)

        whole = QWidget()
        columns = QHBoxLayout(whole)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(0)
        columns.addWidget(sidebar)
        columns.addWidget(middle, 1)
        self.setCentralWidget(whole)

    def _build_status(self) -> None:
        self.hover = QLabel()
        self.timing = QLabel()
        self.engine = QLabel(self.tr("No model"))
        bar = self.statusBar()
        bar.setSizeGripEnabled(False)
        for widget in (self.hover, self.timing, self.engine):
            bar.addPermanentWidget(widget)

    def _connect(self) -> None:
        editor = self.editor
        editor.portrait_changed.connect(self._show_portrait)
        editor.mask_changed.connect(self.canvas.update_region)
        editor.picture_changed.connect(lambda: self.result_pane.set_image(editor.picture))
        editor.style_changed.connect(self._show_style)
        editor.busy_changed.connect(self.result_pane.set_busy)
        editor.rendered.connect(self._show_timing)
        editor.model_changed.connect(self._show_model)
        editor.progress.connect(self._show_progress)
        editor.notice.connect(lambda text: self.statusBar().showMessage(text, 8000))
        editor.problem.connect(self.banner.show_problem)
        editor.recovered.connect(self.banner.hide)
        editor.history_changed.connect(self._show_title)

        self.canvas.pressed.connect(self._begin)
        self.canvas.moved.connect(editor.extend_stroke)
        self.canvas.released.connect(editor.end_stroke)
        self.canvas.cancelled.connect(editor.cancel_stroke)
        self.canvas.brush_step.connect(self.brush.step)
        self.canvas.hovered.connect(self._show_hover)
        self.canvas.left.connect(self.hover.clear)
        self.brush.size_changed.connect(lambda size: self.canvas.set_brush(size / 2))
        self.opacity.valueChanged.connect(lambda value: self.canvas.set_mask_opacity(value / 100))
        self.only_edit.toggled.connect(editor.set_only_edit)

    # Showing

    def _show_portrait(self) -> None:
        editor = self.editor
        labels = editor.document.labels if editor.document is not None else None
        if labels is not None:
            self.view.set_image_size(labels.shape[1], labels.shape[0])
            self.view.fit()
        self.source_pane.set_image(editor.source)
        self.canvas.set_image(editor.source)
        self.canvas.set_labels(labels)
        self.result_pane.set_image(editor.picture)
        open_key = self.actions_.open_portrait.shortcut().toString()
        self.source_pane.set_placeholder(self.tr("Open a portrait ({0})").format(open_key))
        self.canvas.set_placeholder(self.tr("Its mask is painted here"))
        self.result_pane.set_placeholder(self.tr("The edited face is rendered here"))
        self.file_name.set_text(editor.portrait.name if editor.portrait else "")
        self.banner.hide()
        self.actions_.update()
        self._show_title()
        self._show_style()

    def _show_title(self) -> None:
        name = self.editor.portrait.name if self.editor.portrait else ""
        star = "*" if self.editor.unsaved else ""
        self.setWindowTitle(f"{name}{star} – Maskbrush" if name else "Maskbrush")

    def _show_style(self) -> None:
        exemplar = self.editor.exemplar
        if exemplar is None:
            self.style_button.setIcon(icon("style"))
            self.style_button.setText(self.tr("Own style"))
        else:
            self.style_button.setIcon(thumbnail(exemplar.pixels))
            name = self.fontMetrics().elidedText(exemplar.name, Qt.TextElideMode.ElideRight, 90)
            self.style_button.setText(name)
        self.style_button.setToolTip(
            self.tr("Whose look the face is rendered in: {0}").format(exemplar.name if exemplar else self.tr("its own"))
        )
        self.actions_.update()

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
        if info.licence:
            self.banner.show_problem(EngineError(self.tr("{0} is loaded.").format(info.title), info.licence))

    def _show_progress(self, text: str) -> None:
        if text:
            self.statusBar().showMessage(text)
        else:
            self.statusBar().clearMessage()

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

    def choose_portrait(self) -> None:
        """Ask for a portrait and, unless it lies beside it, its mask."""
        if self._may_discard() and (files := self._choose_pair(self.tr("Open portrait"))):
            self.editor.open_portrait(*files)

    def choose_exemplar(self) -> None:
        """Ask for an exemplar and, unless it lies beside it, its mask."""
        if files := self._choose_pair(self.tr("Choose an exemplar")):
            self.editor.open_exemplar(*files)

    def choose_mask(self) -> None:
        """Ask for a mask to go on from."""
        if path := self._choose(self.tr("Load mask"), self.tr("Masks (*.png)")):
            self.editor.open_mask(path)

    def choose_weights(self) -> None:
        """Ask for a weight file."""
        if path := self._choose(self.tr("Load weights"), self.tr("Weights (*.safetensors *.pth)")):
            self.settings = replace(self.settings, weights=str(path))
            self.load_model()

    def export_picture(self) -> None:
        """Ask where, then export the edited portrait."""
        if path := self._choose_target("_edited.png", self.tr("PNG (*.png);;JPEG (*.jpg *.jpeg)")):
            self.editor.export_picture(path)

    def export_mask(self) -> None:
        """Ask where, then write the edited mask."""
        if path := self._choose_target("_edited_mask.png", self.tr("PNG (*.png)")):
            self.editor.export_mask(path)

    def _choose_pair(self, title: str) -> tuple[Path, Path | None] | None:
        pictures = self.tr("Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff)")
        picture = self._choose(title, pictures)
        if picture is None or find_mask(picture):
            return (picture, None) if picture else None
        mask = self._choose(self.tr("Choose the mask of {0}").format(picture.name), self.tr("Masks (*.png)"))
        return (picture, mask) if mask else None

    def _choose(self, title: str, kinds: str) -> Path | None:
        name, _ = QFileDialog.getOpenFileName(self, title, self.settings.folder, kinds)
        return self._remember(name)

    def _choose_target(self, ending: str, kinds: str) -> Path | None:
        if self.editor.portrait is None:
            return None
        suggestion = str(Path(self.settings.folder) / f"{self.editor.portrait.name}{ending}")
        name, kind = QFileDialog.getSaveFileName(self, self.tr("Export"), suggestion, kinds)
        path = self._remember(name)
        if path is not None and not path.suffix:
            path = path.with_suffix(".jpg" if "jpg" in kind else ".png")
        return path

    def _remember(self, name: str) -> Path | None:
        if not name:
            return None
        self.settings = replace(self.settings, folder=str(Path(name).parent))
        return Path(name)

    def _may_discard(self) -> bool:
        if not self.editor.unsaved:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self,
            self.tr("Unsaved edits"),
            self.tr("The edits of {0} have not been exported. Save the mask first?").format(
                self.editor.portrait.name if self.editor.portrait else ""
            ),
            buttons.Save | buttons.Discard | buttons.Cancel,
        )
        if answer == buttons.Save:
            self.export_mask()
            self.editor.wait_for_files()
            return not self.editor.unsaved
        return answer == buttons.Discard

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.canvas.setFocus()

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._may_discard():
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
            mask_opacity=self.opacity.value() / 100,
            only_edit=self.only_edit.isChecked(),
            geometry=bytes(self.saveGeometry().toBase64().data()).decode(),
        )
        # A flag is for one run, unless the person chose something else meanwhile.
        kept = [name for name, value in self._flags.items() if getattr(settings, name) == value]
        try:
            save_settings(replace(settings, **{name: getattr(self._stored, name) for name in kept}))
        except OSError as error:
            print(f"The settings could not be saved: {error}", file=sys.stderr)
