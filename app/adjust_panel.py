"""A panel of sliders that change something while they are dragged: each one is tried out, then kept or given up."""

from collections.abc import Mapping, Sequence, Set

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from app.adjust_row import Adjustment, AdjustRow
from app.glyphs import GlyphButton
from app.theme import icon
from app.widgets import Panel, Section

__all__ = ["AdjustPanel", "Adjustment"]

_SEARCHED = 8
"""A panel of so many adjustments can be searched."""


class _Area(QScrollArea):
    """Scrolls down alone: it is never narrower than what it holds."""

    def __init__(self, held: QWidget) -> None:
        super().__init__()
        self._held = held
        self.setWidget(held)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for ground in (self.viewport(), held):
            ground.setAutoFillBackground(False)

    def minimumSizeHint(self) -> QSize:
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, self)
        return QSize(self._held.minimumSizeHint().width() + bar, super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)


class AdjustPanel(Panel):
    """Adjustments in groups that fold, with a field to search them.

    Signals
    -------
    tried(str, float)
        The value of an adjustment, by its name, changes: it should be shown at once, but not be kept.
    kept(str, float)
        It is kept.
    given_up(str)
        What was tried out should be taken back.
    """

    tried = Signal(str, float)
    kept = Signal(str, float)
    given_up = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, AdjustRow] = {}
        self.buttons: dict[str, GlyphButton] = {}
        self.sections: dict[str, Section] = {}
        self._folded: set[str] = set()
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search"))
        self.search.setAccessibleName(self.tr("Search the adjustments"))
        self.search.setClearButtonEnabled(True)
        self.search.addAction(icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        # A photo dropped here is a photo for the window, not a text.
        self.search.setAcceptDrops(False)
        self._nothing = QLabel()
        self._nothing.setObjectName("muted")
        self._nothing.setWordWrap(True)
        self._nothing.setMargin(12)
        self._nothing.hide()
        self._list = QWidget()
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(4, 2, 4, 8)
        self._column.setSpacing(0)
        self._column.addWidget(self._nothing)
        self._column.addStretch(1)
        strip = QVBoxLayout()
        strip.setContentsMargins(10, 8, 10, 4)
        strip.addWidget(self.search)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(strip)
        column.addWidget(_Area(self._list), 1)
        self.search.textChanged.connect(self._filter)

    def set_adjustments(self, adjustments: Sequence[Adjustment]) -> None:
        """Offer these in place of others, in their order, each group where its first one stands."""
        for section in self.sections.values():
            self._column.removeWidget(section)
            section.hide()
            section.deleteLater()
        self.rows, self.buttons, self.sections = {}, {}, {}
        for adjustment in adjustments:
            section = self.sections.get(adjustment.group) or self._add_section(adjustment.group)
            if adjustment.low == adjustment.high:
                section.rows.addWidget(self._button(adjustment))
            else:
                section.rows.addWidget(self._row(adjustment))
        self.search.setVisible(len(adjustments) >= _SEARCHED)
        self.search.clear()
        self._filter()

    def set_values(self, values: Mapping[str, float]) -> None:
        """Show values by names, without signals; all others are zero, or as near as they may come."""
        for name, row in self.rows.items():
            row.set_value(values.get(name, min(max(0.0, row.adjustment.low), row.adjustment.high)))

    def set_enabled_names(self, names: Set[str]) -> None:
        """Let these adjustments be made, by their names, and no others."""
        for name, widget in (self.rows | self.buttons).items():
            widget.setEnabled(name in names)

    def let_go(self) -> None:
        """Forget what is being tried out, without a signal: its owner has taken it back by other means.

        While one of the panel's own signals is being answered nothing happens.
        """
        for row in self.rows.values():
            row.let_go()

    def _add_section(self, group: str) -> Section:
        section = Section(group)
        section.set_open(group not in self._folded)
        section.header.turned.connect(lambda opened: self._note_fold(group, opened))
        self.sections[group] = section
        self._column.insertWidget(self._column.count() - 1, section)
        return section

    def _row(self, adjustment: Adjustment) -> AdjustRow:
        row = self.rows[adjustment.name] = AdjustRow(adjustment)
        row.tried.connect(self.tried)
        row.kept.connect(self.kept)
        row.given_up.connect(self.given_up)
        row.shown.connect(self._mark)
        return row

    def _button(self, adjustment: Adjustment) -> GlyphButton:
        button = self.buttons[adjustment.name] = GlyphButton("", adjustment.title)
        # The theme's name for a button that is raised from its ground.
        button.setObjectName("stripButton")
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setMinimumHeight(button.fontMetrics().height() + 12)
        button.clicked.connect(lambda: self.kept.emit(adjustment.name, adjustment.low))
        return button

    def _note_fold(self, group: str, opened: bool) -> None:
        if not self.search.text().strip():
            self._folded = self._folded - {group} if opened else self._folded | {group}

    def _mark(self) -> None:
        for group, section in self.sections.items():
            rows = (row for row in self.rows.values() if row.adjustment.group == group)
            section.set_marked(not all(row.at_rest for row in rows))

    def _filter(self) -> None:
        words = self.search.text().casefold().split()
        found: set[str] = set()
        for name, row in self.rows.items():
            row.setVisible(row.matches(words))
            if row.matches(words):
                found.add(self.rows[name].adjustment.group)
        for group, section in self.sections.items():
            for button in section.body.findChildren(GlyphButton):
                fits = all(word in f"{button.text()} {group}".casefold() for word in words)
                button.setVisible(fits)
                found |= {group} if fits else set()
            section.setVisible(group in found)
            # A folded group shows what was found in it, for as long as it is looked for.
            section.set_open(bool(words) or group not in self._folded)
        self._nothing.setVisible(bool(words) and not found)
        self._nothing.setText(self.tr("Nothing is called “{0}”.").format(self.search.text().strip()))
