"""The list of classes: which one is painted, which are shown, and which are protected."""

from collections.abc import Set
from dataclasses import replace

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from app.class_rows import KEYS, ClassModel, swatch_icon
from app.class_view import ClassView
from app.display import Display
from app.glyphs import GlyphButton
from app.titles import label_title
from app.widgets import Chip, Panel
from engine.mask.steps import Protection
from resources.labels import LABEL_COUNT, LABELS

__all__ = ["KEYS", "ClassList"]

_BESIDE = 14
"""The room beside and between the buttons, in screen pixels."""


class ClassList(Panel):
    """The 19 classes: a click or the arrow keys choose one, its eye hides it, its lock keeps it from being covered.

    Signals
    -------
    chosen(int)
        A class was chosen, by its id; perhaps the same again.
    display_changed(Display)
        Other classes are hidden, shown alone or outlined.
    protection_changed(Protection)
        Other classes are locked, or may be covered.
    replace_asked(int, int)
        All of the first class shall become the second, by their ids.
    """

    chosen = Signal(int)
    display_changed = Signal(object)
    protection_changed = Signal(object)
    replace_asked = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = ClassModel(self)
        self.view = ClassView(self._model)
        self.show_all = GlyphButton("eye", self.tr("Show all"), worded=True)
        self.show_all.setToolTip(self.tr("Show all classes, filled"))
        self.unlock_all = GlyphButton("unlock", self.tr("Unlock all"), worded=True)
        self.unlock_all.setToolTip(self.tr("Unlock all classes"))
        self.over = Chip(self.tr("Paint over any class"))
        header = QHBoxLayout()
        header.setContentsMargins(6, 2, 6, 2)
        header.setSpacing(2)
        header.addWidget(self.show_all)
        header.addWidget(self.unlock_all)
        header.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(header)
        column.addWidget(self.over)
        column.addWidget(self.view, 1)
        self.show_all.clicked.connect(lambda: self._display(Display(colour_blind_safe=self.display.colour_blind_safe)))
        self.unlock_all.clicked.connect(lambda: self._protect(replace(self.protection, locked=())))
        self.over.closed.connect(lambda: self._protect(replace(self.protection, over=None)))
        self.view.chosen.connect(self.chosen)
        self.view.shown.connect(self._show)
        self.view.locked.connect(self._lock)
        self.view.solo_asked.connect(self._solo)
        self.view.menu_asked.connect(lambda label, place: self.menu(label).popup(place))
        self.set_label(13)
        self._refresh()

    @property
    def label(self) -> int:
        """The chosen class, by its id."""
        return self.view.currentIndex().row()

    @property
    def display(self) -> Display:
        """Which classes are seen, and how."""
        return self._model.display

    @property
    def protection(self) -> Protection:
        """Which classes may be covered."""
        return self._model.protection

    def set_label(self, label: int) -> None:
        """Mark a class as chosen, without a signal."""
        self.view.set_label(label)

    def set_display(self, display: Display) -> None:
        """Show which classes are seen, and how, without a signal."""
        self._model.set_display(display)
        self._refresh()

    def set_protection(self, protection: Protection) -> None:
        """Show which classes may be covered, without a signal."""
        self._model.set_protection(protection)
        self._refresh()

    def set_present(self, present: Set[int]) -> None:
        """Say which classes the mask has, by their ids; others are dimmed."""
        self._model.set_present(present)

    def menu(self, label: int) -> QMenu:
        """Return a new menu of all that can be done to a class; it deletes itself when it closes."""
        state, protection = self._model.state(label), self.protection
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def add(text: str, checked: bool | None = None):
            action = menu.addAction(text)
            if checked is not None:
                action.setCheckable(True)
                action.setChecked(checked)
            return action.triggered

        add(self.tr("Hide") if state.seen else self.tr("Show")).connect(lambda: self._show(label, not state.seen))
        add(self.tr("Show only this"), state.solo).connect(lambda: self._solo(label))
        add(self.tr("Show outline only"), state.outlined).connect(lambda: self._outline(label))
        menu.addSeparator()
        add(self.tr("Lock"), state.locked).connect(lambda: self._lock(label, not state.locked))
        alone = protection.over == (label,)
        add(self.tr("Paint only over this class"), alone).connect(lambda: self._over(() if alone else (label,)))
        if protection.over is not None and not alone:
            kept = set(protection.over) ^ {label}
            add(self.tr("Paint over this class too"), label in protection.over).connect(lambda: self._over(tuple(kept)))
        menu.addSeparator()
        side, ratio = self.fontMetrics().height(), self.devicePixelRatioF()
        others = menu.addMenu(self.tr("Replace this class by"))
        others.setEnabled(state.present)
        for other in LABELS:
            if other.id != label:
                swatch = swatch_icon(other.id, self.display.colour_blind_safe, side, ratio)
                action = others.addAction(swatch, label_title(other.id))
                action.triggered.connect(lambda _=False, target=other.id: self.replace_asked.emit(label, target))
        return menu

    def minimumSizeHint(self) -> QSize:
        # The buttons give up their words before the titles of classes are cut.
        buttons = self.show_all.width_if(False) + self.unlock_all.width_if(False) + _BESIDE
        hint = super().minimumSizeHint()
        return QSize(max(self.view.minimumSizeHint().width(), buttons), hint.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_header()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and hasattr(self, "show_all"):
            self._fit_header()

    def _fit_header(self) -> None:
        buttons = (self.show_all, self.unlock_all)
        worded = sum(button.width_if(True) for button in buttons) + _BESIDE <= self.width()
        for button in buttons:
            button.set_worded(worded)

    def _show(self, label: int, shown: bool) -> None:
        display = self.display
        hidden = set(display.hidden)
        if display.solo >= 0 and label != display.solo:
            # Another class beside the only one: all others stay hidden.
            hidden = set(range(LABEL_COUNT)) - {display.solo}
        elif display.solo >= 0:
            shown, hidden = True, hidden - {label}
        hidden = hidden - {label} if shown else hidden | {label}
        self._display(replace(display, hidden=tuple(sorted(hidden)), solo=-1))

    def _solo(self, label: int) -> None:
        self._display(replace(self.display, solo=-1 if self.display.solo == label else label))

    def _outline(self, label: int) -> None:
        self._display(replace(self.display, outlined=tuple(sorted(set(self.display.outlined) ^ {label}))))

    def _lock(self, label: int, locked: bool) -> None:
        kept = set(self.protection.locked) - {label}
        self._protect(replace(self.protection, locked=tuple(kept | {label} if locked else kept)))

    def _over(self, labels: tuple[int, ...]) -> None:
        self._protect(replace(self.protection, over=labels or None))

    def _display(self, display: Display) -> None:
        self.set_display(display)
        self.display_changed.emit(display)

    def _protect(self, protection: Protection) -> None:
        self.set_protection(protection)
        self.protection_changed.emit(protection)

    def _refresh(self) -> None:
        display, protection = self.display, self.protection
        self.show_all.setEnabled(bool(display.hidden or display.outlined or display.solo >= 0))
        self.unlock_all.setEnabled(bool(protection.locked))
        self.over.setVisible(protection.over is not None)
        names = ", ".join(label_title(label) for label in protection.over or ()) or self.tr("nothing")
        self.over.set_text(self.tr("Paint only over: {0}").format(names))
