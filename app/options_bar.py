"""The bar over the pictures that holds the current tool's options."""

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.class_rows import swatch_icon
from app.glyphs import Caption, GlyphButton, tone
from app.option_items import LEVELS, Hint, Item, LabelChip, Segments
from app.sliders import NumberSlider
from app.titles import label_title
from app.tools.options import BRUSH_SIZES
from app.tools.tool import Studio
from app.widgets import Panel, QuietCombo
from resources.labels import LABELS

CURVES = (0.6, 1.0, 1.8)
"""The exponents of soft, even and hard pressure."""

_PAINTING = ("label", "size", "pressure", "stabiliser", "snap", "symmetric")
_AREA = ("label", "replaced", "symmetric")
_OUTLINE = ("label", "replaced", "snap", "symmetric")
TOOLS: dict[str, tuple[str, ...]] = {
    "brush": _PAINTING,
    "restore": _PAINTING[1:],
    "fill": ("label", "reach", "replaced", "symmetric"),
    "rectangle": _AREA,
    "ellipse": _AREA,
    "lasso": _OUTLINE,
    "polygon": _OUTLINE,
    "eyedropper": ("label", "hint"),
    "transform": ("form", "symmetric", "flips", "end"),
    "liquify": ("size", "strength", "pressure", "symmetric"),
}
"""What each tool's options are, by the names of the bar's items."""

_SIZES = {"restore": "restore_size", "liquify": "liquify_size"}
_BETWEEN = 14
_MARGIN = 10


class OptionsBar(Panel):
    """Shows the options of one tool.

    Where they do not fit they give up their captions; the last ones then move into a menu at the right end.

    Parameters
    ----------
    studio
        Whose options are shown and changed.

    Signals
    -------
    flip_asked(bool)
        What is being transformed shall be mirrored, left and right (true) or top and bottom.
    apply_asked()
        What is being transformed is finished.
    cancel_asked()
        It shall be as it was.
    """

    flip_asked = Signal(bool)
    apply_asked = Signal()
    cancel_asked = Signal()

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Tool options"))
        self._studio = studio
        self._tool = "brush"
        self._safe = False
        self._make_controls()
        self.items = self._make_items()
        self.more = GlyphButton("more", self.tr("More options"))
        self.menu = QFrame(self, Qt.WindowType.Popup)
        self.menu.setObjectName("palette")
        self._menu_rows = QVBoxLayout(self.menu)
        self._menu_rows.setContentsMargins(12, 10, 12, 10)
        self._menu_rows.setSpacing(10)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(_MARGIN, 0, _MARGIN, 1)  # room for the border
        self._row.setSpacing(_BETWEEN)
        self._row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        for item in self.items.values():
            self._row.addWidget(item)
        self._row.addStretch(1)
        self._row.addWidget(self.more)
        self._bind()
        self.show_tool(self._tool)

    def _make_controls(self) -> None:
        self.chip = LabelChip()
        self.swap = GlyphButton("swap", "")
        self.diameter = NumberSlider(self.tr("Size"), *BRUSH_SIZES, self.tr(" px"), squared=True, glyph="brush")
        self.diameter.setToolTip(self.tr("Diameter in pixels of the mask"))
        self.strength = NumberSlider(self.tr("Strength"), 5, 100, self.tr(" %"), glyph="liquify")
        self.strength.setToolTip(self.tr("How far borders follow the hand"))
        self.stabiliser = NumberSlider(self.tr("Stabiliser"), 0, 10, glyph="stabiliser")
        self.stabiliser.setToolTip(self.tr("Stabiliser: how much the brush lags behind to smooth the hand's path"))
        self.pressure = _toggle("pressure", self.tr("Pressure"), self.tr("A pen's pressure sets the size"))
        self.curve = QuietCombo()
        self.curve.addItems([self.tr("Soft"), self.tr("Even"), self.tr("Hard")])
        self.curve.setAccessibleName(self.tr("Pressure curve"))
        self.curve.setToolTip(self.tr("How hard a pen is pressed for the full size"))
        self.snap = _toggle("snap", self.tr("Keep to edges"), self.tr("Keep to the picture's edges"))
        self.symmetric = _toggle("symmetric", self.tr("Symmetric"), self.tr("Work on both sides of the face at once"))
        self.reach = Segments(
            [
                ("region", self.tr("Connected"), self.tr("Fill the region that is clicked")),
                ("whole-class", self.tr("Whole class"), self.tr("Fill all regions of the class that is clicked")),
            ]
        )
        self.replaced = QuietCombo()
        self.replaced.setAccessibleName(self.tr("Change only"))
        self.replaced.setToolTip(self.tr("The only class that is changed"))
        self.replaced.setMaxVisibleItems(len(LABELS) + 1)
        self.replaced.addItem(self.tr("Any class"))
        self.replaced.addItems([label_title(label.id) for label in LABELS])
        self.form = Segments(
            [
                ("transform", self.tr("Box"), self.tr("Move, scale and turn")),
                ("warp", self.tr("Warp"), self.tr("Bend a grid")),
            ]
        )
        self.flip_across = GlyphButton("flip-horizontal", self.tr("Flip left and right"))
        self.flip_down = GlyphButton("flip-vertical", self.tr("Flip top and bottom"))
        self.apply = GlyphButton("check", self.tr("Apply"), worded=True)
        self.apply.setToolTip(self.tr("Apply (Enter)"))
        self.cancel = GlyphButton("close", self.tr("Cancel"), worded=True)
        self.cancel.setToolTip(self.tr("Cancel (Escape)"))

    def _make_items(self) -> dict[str, Item]:
        hint = Hint(
            self.tr("Click a class in the mask to paint with it. With most tools: hold Ctrl and click."),
            self.tr("Click a class to paint with it."),
        )
        # In the order in which they stand.
        return {
            "label": Item(self.chip, self.swap, worded=False),
            "size": Item(self.diameter),
            "strength": Item(self.strength),
            "pressure": Item(self.pressure, self.curve),
            "stabiliser": Item(self.stabiliser),
            "reach": Item(*self.reach.buttons, spacing=2),
            "replaced": Item(Caption(self.tr("Change only")), self.replaced),
            "form": Item(*self.form.buttons, spacing=2),
            "snap": Item(self.snap),
            "symmetric": Item(self.symmetric),
            "flips": Item(self.flip_across, self.flip_down, worded=False, spacing=2),
            "end": Item(self.apply, self.cancel),
            "hint": Item(hint),
        }

    def _bind(self) -> None:
        studio = self._studio
        self.swap.clicked.connect(studio.swap_labels)
        self.diameter.changed.connect(lambda size: studio.change(**{_SIZES.get(self._tool, "brush_size"): size}))
        self.strength.changed.connect(lambda percent: studio.change(liquify_strength=percent / 100))
        self.stabiliser.changed.connect(lambda much: studio.change(stabiliser=much))
        self.pressure.toggled.connect(lambda on: studio.change(pressure=on))
        self.curve.activated.connect(lambda place: studio.change(pressure_curve=CURVES[place]))
        self.snap.toggled.connect(lambda on: studio.change(snap=on))
        self.symmetric.toggled.connect(lambda on: studio.change(symmetric=on))
        self.reach.chosen.connect(lambda place: studio.change(fill_all=bool(place)))
        self.replaced.activated.connect(lambda place: studio.change(replaced=place - 1))
        self.form.chosen.connect(lambda place: studio.change(warp=bool(place)))
        self.flip_across.clicked.connect(lambda: self.flip_asked.emit(True))
        self.flip_down.clicked.connect(lambda: self.flip_asked.emit(False))
        self.apply.clicked.connect(self.apply_asked)
        self.cancel.clicked.connect(self.cancel_asked)
        self.more.clicked.connect(self._open_menu)
        studio.options_changed.connect(self._show_options)
        studio.label_changed.connect(self._show_label)
        self._show_options()
        self._show_label()

    @property
    def tool(self) -> str:
        """The tool whose options are shown, by its name."""
        return self._tool

    def show_tool(self, name: str) -> None:
        """Show the options of another tool: one of `TOOLS`.

        Raises
        ------
        KeyError
            If there is no such tool.
        """
        shown = TOOLS[name]
        self.menu.hide()
        self._tool = name
        for key, item in self.items.items():
            item.setVisible(key in shown)
        self._show_options()
        self._fit()

    def set_pending(self, pending: bool) -> None:
        """Say whether something is being transformed, which can be applied or cancelled."""
        self.apply.setEnabled(pending)
        self.cancel.setEnabled(pending)

    def set_colour_blind_safe(self, safe: bool) -> None:
        """Show the classes in one palette or the other."""
        self._safe = safe
        self.chip.set_colour_blind_safe(safe)
        self._draw_swatches()

    def sizeHint(self) -> QSize:
        return QSize(700, self.minimumSizeHint().height())

    def minimumSizeHint(self) -> QSize:
        tallest = max(item.sizeHint().height() for item in self.items.values())
        return QSize(self.more.sizeHint().width() + 2 * _MARGIN, tallest + 9)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, tone("line"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(self, "_row"):
            self._draw_swatches()
            self._fit()

    def event(self, event: QEvent) -> bool:
        # The controls learn of a new font or style after the bar, and tell so by this.
        if event.type() == QEvent.Type.LayoutRequest and hasattr(self, "_row"):
            self._fit()
        return super().event(event)

    def _show_options(self) -> None:
        options = self._studio.options
        self.diameter.set_value(getattr(options, _SIZES.get(self._tool, "brush_size")))
        self.strength.set_value(round(options.liquify_strength * 100))
        self.stabiliser.set_value(options.stabiliser)
        self.pressure.setChecked(options.pressure)
        self.curve.setEnabled(options.pressure)
        nearest = min(range(len(CURVES)), key=lambda place: abs(CURVES[place] - options.pressure_curve))
        self.curve.setCurrentIndex(nearest)
        self.snap.setChecked(options.snap)
        self.symmetric.setChecked(options.symmetric)
        self.reach.choose(int(options.fill_all))
        self.replaced.setCurrentIndex(options.replaced + 1)
        self.form.choose(int(options.warp))

    def _show_label(self) -> None:
        self.chip.set_label(self._studio.label)
        text = self.tr("Swap with the last class: {0}").format(label_title(self._studio.last_label))
        self.swap.setToolTip(text)
        self.swap.setAccessibleName(text)

    def _draw_swatches(self) -> None:
        side, ratio = self.fontMetrics().height(), self.devicePixelRatioF()
        self.replaced.setIconSize(QSize(side, side))
        for label in LABELS:
            self.replaced.setItemIcon(label.id + 1, swatch_icon(label.id, self._safe, side, ratio))

    def _fit(self) -> None:
        """Find the loosest level at which all fits; beyond the tightest the last items go into the menu."""
        height = self.minimumSizeHint().height()
        if height != self.minimumHeight() or height != self.maximumHeight():
            self.setFixedHeight(height)
        shown = [item for name, item in self.items.items() if name in TOOLS[self._tool]]
        room = self.width() - 2 * _MARGIN
        level, widths = 0, [item.width_at(0) for item in shown]
        while _length(widths) > room and level < LEVELS - 1:
            level += 1
            widths = [item.width_at(level) for item in shown]
        fitting = len(shown)
        while fitting and _length(widths) > room:
            fitting -= 1
            widths = [*widths[:fitting], self.more.sizeHint().width()]
        for place, item in enumerate(shown):
            item.set_level(level if place < fitting else 0)
            self._put(item, place < fitting)
        self.more.setVisible(fitting < len(shown))
        self._row.activate()

    def _put(self, item: Item, in_bar: bool) -> None:
        if in_bar and item.parent() is not self:
            every = list(self.items.values())
            before = sum(other.parent() is self for other in every[: every.index(item)])
            self._row.insertWidget(before, item)
            item.show()
        elif not in_bar and item.parent() is not self.menu:
            self._menu_rows.addWidget(item)
            item.show()

    def _open_menu(self) -> None:
        self.menu.adjustSize()
        corner = self.more.mapToGlobal(QPoint(self.more.width() - self.menu.sizeHint().width(), self.more.height() + 4))
        self.menu.move(corner)
        self.menu.show()
        first = next((item for item in self.items.values() if item.parent() is self.menu and not item.isHidden()), None)
        if first is not None:
            self.menu.setFocus()
            first.focusNextChild()


def _toggle(glyph: str, name: str, tip: str) -> GlyphButton:
    button = GlyphButton(glyph, name, worded=True)
    button.setToolTip(tip)
    button.setCheckable(True)
    return button


def _length(widths: list[int]) -> int:
    return sum(widths) + _BETWEEN * max(len(widths) - 1, 0)
