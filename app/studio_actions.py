"""The commands of painting and seeing: tools, classes, and the view."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from app.action_maker import ActionMaker
from app.blinking import Blinking
from app.class_list import KEYS
from app.display import Display
from engine.mask.fills import Relabelled
from engine.mask.steps import Protection
from resources.labels import LABELS

if TYPE_CHECKING:
    from app.window import MainWindow

TURN = 15.0
"""Degrees by which a key turns the view."""


class StudioActions(QObject):
    """Builds the menus for painting and seeing, and keeps them up to date.

    Parameters
    ----------
    window
        Which gets them.
    maker
        What makes the actions.
    """

    def __init__(self, window: MainWindow, maker: ActionMaker) -> None:
        super().__init__(window)
        self._window, self._make, self._toggle = window, maker.make, maker.toggle
        self._maker = maker
        self._studio, self._workspace, self._page = window.studio, window.workspace, window.page
        self.tools = self._tool_actions()
        self._build_tools()
        self._build_classes()
        self._build_view()
        self._studio.options_changed.connect(self.update)
        self._workspace.display_changed.connect(lambda display: self.update())
        self._workspace.panel_changed.connect(lambda index: self.update())
        window.view.changed.connect(lambda: self.flip.setChecked(window.view.flipped))
        self.update()

    def update(self) -> None:
        """Show how things are set."""
        options, workspace, page = self._studio.options, self._workspace, self._page
        self.symmetric.setChecked(options.symmetric)
        self.snap.setChecked(options.snap)
        self.safe.setChecked(workspace.display.colour_blind_safe)
        for index, action in enumerate(self.layouts, 1):
            action.setChecked(page.layout_ == index)
        for index, action in enumerate(self.panels):
            action.setChecked(workspace.page_seen == index)
        self.only_edit.setChecked(page.only_edit.isChecked())
        self.minimap.setChecked(self._window.canvas.minimap_on)
        self.flip.setChecked(self._window.view.flipped)

    # Tools

    def _tool_actions(self) -> dict[str, QAction]:
        titles = {
            "brush": (self.tr("&Brush"), "B", self.tr("Brush: paint the chosen class. Shift-click draws a line")),
            "restore": (self.tr("&Restore brush"), "D", self.tr("Restore brush: paint the original mask back")),
            "fill": (self.tr("&Fill"), "G", self.tr("Fill: turn the region that is clicked into the chosen class")),
            "rectangle": (self.tr("Rec&tangle"), "M", self.tr("Rectangle: fill a box")),
            "ellipse": (self.tr("&Ellipse"), "Shift+M", self.tr("Ellipse: fill an ellipse")),
            "lasso": (self.tr("&Lasso"), "L", self.tr("Lasso: fill what is drawn around")),
            "polygon": (self.tr("&Polygon"), "P", self.tr("Polygon: click corners, close it with Enter")),
            "eyedropper": (self.tr("E&yedropper"), "K", self.tr("Eyedropper: take up the class that is clicked")),
            "transform": (self.tr("Tra&nsform"), "A", self.tr("Transform: move, scale, turn or bend a region")),
            "liquify": (self.tr("Li&quify"), "F", self.tr("Liquify: push borders along")),
        }
        box, group, actions = self._workspace.box, QActionGroup(self), {}
        for name, (text, key, tip) in titles.items():
            action = self._make(f"tool-{name}", text, lambda name=name: self._choose(name), key, name, tip=tip)
            action.setCheckable(True)
            group.addAction(action)
            actions[name] = action
        box.chosen.connect(lambda name: actions[name].setChecked(True))
        actions[box.current.name].setChecked(True)
        return actions

    def _choose(self, name: str) -> None:
        self._workspace.box.choose(name)
        self._window.canvas.setFocus()

    def _build_tools(self) -> None:
        studio, workspace, make = self._studio, self._workspace, self._make
        self.symmetric = self._toggle(
            "symmetric", self.tr("&Symmetric painting"), lambda on: studio.change(symmetric=on), "S", "symmetric",
            tip=self.tr("Paint both sides of the face at once"),
        )  # fmt: skip
        self.snap = self._toggle(
            "snap", self.tr("&Keep to edges"), lambda on: studio.change(snap=on), "N", "snap",
            tip=self.tr("Brush, restore brush, lasso and polygon keep to the picture's edges"),
        )  # fmt: skip
        axis = make("axis", self.tr("Find the line of symmetry anew"), studio.find_axis, needs_portrait=True)
        revert = make(
            "revert-region", self.tr("Re&vert region under the cursor"), workspace.revert_region, "Del",
            needs_portrait=True,
        )  # fmt: skip
        step = workspace.box.step_size
        larger = make("larger", self.tr("Lar&ger brush"), lambda: step(1), "]", tip=self.tr("Larger brush"))
        smaller = make("smaller", self.tr("S&maller brush"), lambda: step(-1), "[", tip=self.tr("Smaller brush"))
        menu = self._window.menuBar().addMenu(self.tr("&Tools"))
        strip = [("brush", "restore", "fill"), ("rectangle", "ellipse", "lasso", "polygon"), ("transform", "liquify"),
                 ("eyedropper",)]  # fmt: skip
        for names in strip:
            menu.addActions([self.tools[name] for name in names])
            menu.addSeparator()
        menu.addActions([self.symmetric, axis, self.snap])
        menu.addSeparator()
        menu.addActions([larger, smaller, revert])
        workspace.add_tools([*([self.tools[name] for name in names] for names in strip), [self.symmetric, self.snap]])

    # Classes

    def _build_classes(self) -> None:
        studio, make = self._studio, self._make
        menu = self._window.menuBar().addMenu(self.tr("&Class"))
        classes, group = menu.addMenu(self.tr("&Paint")), QActionGroup(self)
        for label in LABELS:
            title = QCoreApplication.translate("Label", label.title)
            action = make(f"class-{label.name}", title, lambda id=label.id: studio.set_label(id), KEYS[label.id])
            action.setCheckable(True)
            action.setChecked(label.id == studio.label)
            group.addAction(action)
            classes.addAction(action)
        studio.label_changed.connect(lambda label: group.actions()[label].setChecked(True))
        menu.addAction(make("swap", self.tr("S&wap with the last class"), studio.swap_labels, "X", "swap"))
        others = menu.addMenu(self.tr("&Replace it everywhere by"))
        for label in LABELS:
            title = QCoreApplication.translate("Label", label.title)
            others.addAction(
                make(f"replace-by-{label.name}", title, lambda id=label.id: self._replace_by(id), needs_portrait=True)
            )
        menu.addSeparator()
        menu.addAction(make("hide-class", self.tr("&Hide or show"), self._hide, "Shift+V", "eye"))
        menu.addAction(make("solo-class", self.tr("Show &only this class"), self._solo, "Shift+S", "solo"))
        menu.addAction(make("outline-class", self.tr("Out&line only"), self._outline, "Shift+O", "contour"))
        menu.addAction(make("show-all", self.tr("Show &all classes"), self._show_all, "Shift+A"))
        menu.addSeparator()
        menu.addAction(make("lock-class", self.tr("Lo&ck or unlock"), self._lock, "Shift+L", "lock"))
        menu.addAction(make("only-over", self.tr("Paint only o&ver this class"), self._only_over, "Shift+P"))
        menu.addAction(make("unlock-all", self.tr("&Unlock all"), lambda: self._protect(Protection()), "Shift+U"))

    def _replace_by(self, label: int) -> None:
        self._studio.editor.perform(Relabelled(self._studio.label, label))

    def _display(self, **changes: object) -> None:
        self._workspace.set_display(replace(self._workspace.display, **changes))  # type: ignore[arg-type]

    def _hide(self) -> None:
        self._display(hidden=_toggled(self._workspace.display.hidden, self._studio.label), solo=-1)

    def _solo(self) -> None:
        label = self._studio.label
        self._display(solo=-1 if self._workspace.display.solo == label else label)

    def _outline(self) -> None:
        self._display(outlined=_toggled(self._workspace.display.outlined, self._studio.label))

    def _show_all(self) -> None:
        self._workspace.set_display(Display(colour_blind_safe=self._workspace.display.colour_blind_safe))

    def _protect(self, protection: Protection) -> None:
        self._workspace.set_protection(protection)

    def _lock(self) -> None:
        present = self._workspace.protection
        self._protect(replace(present, locked=_toggled(present.locked, self._studio.label)))

    def _only_over(self) -> None:
        present = self._workspace.protection
        over = _toggled(present.over or (), self._studio.label)
        self._protect(replace(present, over=over or None))

    # Seeing

    def _build_view(self) -> None:
        window, make, toggle, keys = self._window, self._make, self._toggle, QKeySequence.StandardKey
        page, view = self._page, window.view
        self.fit = make("fit", self.tr("&Fit"), window.fit, "Ctrl+0", "fit", tip=self.tr("Fit the picture"))
        self.actual = make(
            "actual", self.tr("&100%"), lambda: window.set_scale(1.0), "Ctrl+1", "actual", tip=self.tr("Zoom to 100%")
        )
        zoom_in = make("zoom-in", self.tr("Zoom &in"), lambda: window.zoom(1.25), keys.ZoomIn)
        zoom_out = make("zoom-out", self.tr("Zoom &out"), lambda: window.zoom(0.8), keys.ZoomOut)
        turns = [
            make("rotate-left", self.tr("Turn &left"), lambda: view.rotate_by(-TURN), ",", "rotate-left"),
            make("rotate-right", self.tr("Turn &right"), lambda: view.rotate_by(TURN), ".", "rotate-right"),
            make("upright", self.tr("&Upright"), view.reset_rotation, "/"),
        ]
        self.flip = toggle(
            "flip-view", self.tr("Mirror the &view"), lambda on: view.flip(), "V", "flip-horizontal",
            tip=self.tr("See the picture mirrored; nothing is changed"),
        )  # fmt: skip
        self.whole = toggle("whole", self.tr("&Whole photo"), self._show_whole, "F6", "whole")
        self.only_edit = toggle(
            "only-edit", self.tr("&Edit only"), lambda on: page.only_edit.setChecked(on), "Ctrl+Shift+R",
            tip=self.tr("Edit only: pixels away from your edit stay the source's"),
        )  # fmt: skip
        page.only_edit.toggled.connect(self.only_edit.setChecked)
        self.wipe = toggle(
            "wipe", self.tr("&Before and after"), page.set_wipe, ("Ctrl+Shift+B", "\\"), "wipe",
            tip=self.tr("Wipe between before and after"),
        )  # fmt: skip
        self.heat = toggle(
            "heat", self.tr("&Difference"), page.set_heat, "Ctrl+D", "heat",
            tip=self.tr("Show where the result differs"),
        )  # fmt: skip
        blink = make(
            "blink", self.tr("Glance at the &source"), None, "C", "blink",
            tip=self.tr("Hold to see the source in the result's place"),
        )  # fmt: skip
        self.blinking = Blinking(page, blink)
        self.mask_off = toggle("hide-mask", self.tr("&Hide the mask"), window.canvas.set_mask_hidden, "H", "eye-off")
        titles = (self.tr("Mask &alone"), self.tr("Mask and result"), self.tr("Source, mas&k and result"))
        layouts = QActionGroup(self)
        self.layouts = []
        for number, title in enumerate(titles, 1):
            action = make(
                f"layout-{number}", title, lambda number=number: self._lay_out(number), f"Ctrl+Alt+{number}",
                f"panes-{number}",
            )  # fmt: skip
            action.setCheckable(True)
            layouts.addAction(action)
            self.layouts.append(action)
        self.panels = [
            toggle(f"panel-{name}", title, lambda on, index=index: self._workspace.toggle_panel(index), key, name)
            for index, (name, title, key) in enumerate(
                (
                    ("face", self.tr("Face &panel"), "F7"),
                    ("shape", self.tr("Shape pa&nel"), "F8"),
                    ("history", self.tr("Histor&y panel"), "F9"),
                )
            )
        ]
        self.minimap = toggle("minimap", self.tr("&Minimap"), window.canvas.set_minimap, None, "minimap")
        self.safe = toggle("colour-blind-safe", self.tr("&Colour-blind-safe palette"), self._use_palette)
        menu = self._window.menuBar().addMenu(self.tr("&View"))
        for group in (
            [self.fit, self.actual, zoom_in, zoom_out], [*turns, self.flip], self.layouts,
            [self.only_edit, self.whole, self.wipe, blink, self.heat, self.mask_off],
            [*self.panels, self.minimap], [self.safe],
        ):  # fmt: skip
            menu.addActions(group)
            menu.addSeparator()
        self._appearance(menu)
        page.set_toggles(self.whole, self.wipe, self.heat)

    def _appearance(self, menu: QMenu) -> None:
        settings, choice = self._window.settings, self._maker.choice
        themes = {"system": self.tr("As the &system"), "dark": self.tr("&Dark"), "light": self.tr("&Light")}
        menu.addMenu(self.tr("&Theme")).addActions(choice("theme", themes, self._use_theme, settings.theme))
        # Each language is called by its own name, whatever the present one is.
        languages = {"system": self.tr("As the &system"), "en": "English", "zh_CN": "简体中文"}
        menu.addMenu(self.tr("Lan&guage")).addActions(
            choice("language", languages, self._use_language, settings.language)
        )

    def _show_whole(self, on: bool) -> None:
        self._window.editor.set_whole(on)

    def _lay_out(self, panes: int) -> None:
        page = self._page
        page.set_layout(panes)
        self.update()
        if page.panes < panes:
            text = self.tr("There is room for {0} of the pictures: hide the panel or make the window wider.")
            self._window.editor.notice.emit(text.format(page.panes))

    def _use_palette(self, safe: bool) -> None:
        self._display(colour_blind_safe=safe)

    def _use_theme(self, scheme: str) -> None:
        self._window.use_theme(scheme)

    def _use_language(self, language: str) -> None:
        self._window.use_language(language)


def _toggled(ids: tuple[int, ...], label: int) -> tuple[int, ...]:
    return tuple(sorted(set(ids) ^ {label}))
