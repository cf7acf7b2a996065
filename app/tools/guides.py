"""How tools draw over the canvas: lines, dashes, handles and captions that can be read on any picture.

Everything is in screen pixels. Light ink lies on a wider dark shade, so that one of them stands out from what is below.
"""

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QGuiApplication, QPainter, QPen, QPolygonF

from app.marks import ACCENT

HANDLE = 9.0
"""Side of a square handle, and diameter of a round one."""
REACH = 8.0
"""How near the hand must come to a handle's middle to take hold of it."""
MARGIN = 8.0
"""How far lines and handles reach beyond the places that they are drawn at, at most."""
DASH = 5.0
"""Length of a dash, and of the gap after it."""

_INK, _SHADE, _ACCENT = QColor(255, 255, 255), QColor(0, 0, 0, 150), QColor(ACCENT)
_LINE, _UNDER = 1.2, 3.0
_SWATCH, _PAD, _GAP = 12.0, 9.0, 7.0
_APART = 18.0


def bounds_of(line: QPolygonF) -> QRectF:
    """Return what a line through some places covers, with handles at them; empty where there are none."""
    if line.isEmpty():
        return QRectF()
    return line.boundingRect().adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN)


def crisp(line: QPolygonF) -> QPolygonF:
    """Return a line of level and upright parts moved to the middles of screen pixels, where it is not blurred."""
    return QPolygonF([QPointF(round(place.x() - 0.5) + 0.5, round(place.y() - 0.5) + 0.5) for place in line.toList()])


def draw_line(painter: QPainter, line: QPolygonF, closed: bool = False) -> None:
    """Draw a thin light line on a dark one."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_SHADE, _UNDER), QPen(_INK, _LINE)):
        # Sharp corners of a hand-drawn line would grow spikes.
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        if closed:
            painter.drawPolygon(line)
        else:
            painter.drawPolyline(line)


def draw_dashes(painter: QPainter, start: QPointF, end: QPointF, phase: float = 0.0) -> None:
    """Draw light dashes on a dark straight line; with a rising phase, in screen pixels, they march to its end."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_SHADE, _UNDER))
    painter.drawLine(start, end)
    pen = QPen(_INK, _LINE)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    # Qt counts dashes in widths of the pen.
    pen.setDashPattern([DASH / _LINE, DASH / _LINE])
    pen.setDashOffset(-phase / _LINE)
    painter.setPen(pen)
    painter.drawLine(start, end)


def draw_square(painter: QPainter, at: QPointF, hot: bool = False, side: float = HANDLE) -> None:
    """Draw a square handle; a hot one is what the hand would take hold of."""
    _set_handle(painter, hot)
    # Upright in the screen, so it can be sharp.
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.drawRect(QRectF(round(at.x() - side / 2), round(at.y() - side / 2), side - 1, side - 1))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def draw_circle(painter: QPainter, at: QPointF, hot: bool = False, diameter: float = HANDLE) -> None:
    """Draw a round handle; a hot one is what the hand would take hold of."""
    _set_handle(painter, hot)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.drawEllipse(at, diameter / 2, diameter / 2)


def near(one: QPointF, other: QPointF, reach: float = REACH) -> bool:
    """Whether two places lie within reach of one another."""
    apart = one - other
    return QPointF.dotProduct(apart, apart) <= reach * reach


def caption_bounds(at: QPointF, text: str) -> QRectF:
    """Return where `draw_caption` may draw, on whichever side of the cursor there is room."""
    size = _caption_size(text)
    across, down = size.width() + _APART + 1, size.height() + _APART + 1
    return QRectF(at.x() - across, at.y() - down, 2 * across, 2 * down)


def draw_caption(painter: QPainter, at: QPointF, text: str, colour: QColor) -> None:
    """Write words beside a swatch of colour on a dark pill below the cursor, or where the pane has room for it."""
    size, pane = _caption_size(text), painter.viewport()
    left, top = at.x() + _APART, at.y() + _APART
    if left + size.width() > pane.right():
        left = at.x() - _APART - size.width()
    if top + size.height() > pane.bottom():
        top = at.y() - _APART - size.height()
    box = QRectF(QPointF(round(left), round(top)), size)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 20, 20, 215))
    painter.drawRoundedRect(box, size.height() / 2, size.height() / 2)
    swatch = QRectF(box.left() + _PAD, box.center().y() - _SWATCH / 2, _SWATCH, _SWATCH)
    # Black is a class's colour, too.
    painter.setPen(QPen(QColor(255, 255, 255, 190), 1.0))
    painter.setBrush(colour)
    painter.drawRoundedRect(swatch.adjusted(0.5, 0.5, -0.5, -0.5), 2.5, 2.5)
    painter.setPen(QColor(240, 240, 240))
    painter.setFont(QGuiApplication.font())
    words = box.adjusted(_PAD + _SWATCH + _GAP, 0, 0, 0)
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, text)


def _caption_size(text: str) -> QSizeF:
    metrics = QFontMetricsF(QGuiApplication.font())
    width = _PAD + _SWATCH + _GAP + metrics.horizontalAdvance(text) + _PAD + 3
    return QSizeF(round(width), round(max(metrics.height(), _SWATCH) + 8))


def _set_handle(painter: QPainter, hot: bool) -> None:
    painter.setPen(QPen(QColor(0, 0, 0, 200), 1.0))
    painter.setBrush(_ACCENT if hot else _INK)
