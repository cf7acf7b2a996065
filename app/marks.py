"""What is drawn over a photo: boxes around faces, and the crop with its three handles. In screen pixels."""

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF

ACCENT = "#5ba3f5"
"""The colour of what is selected; over photos, which are no lighter in a light theme, always the same."""
BADGE = 11.0
"""Radius of the badge with a face's number."""
HANDLE = 9.0
"""Radius of a handle."""

_INK, _SHADE, _ACCENT = QColor(255, 255, 255), QColor(0, 0, 0, 160), QColor(ACCENT)
_DIM = QColor(0, 0, 0, 140)
_GAP = 8


def bounds_of(box: QRectF, area: QRectF) -> QRect:
    """Return what is covered, within an area, by lines around a box and handles in it."""
    margin = HANDLE + 4
    # Cut to the area first: a large photo at 64x does not fit the integers of a QRect sensibly.
    return box.adjusted(-margin, -margin, margin, margin).intersected(area).toAlignedRect()


def paint_face(painter: QPainter, box: QPolygonF, number: int, selected: bool, hovered: bool) -> None:
    """Draw a turned box with rounded corners and its number."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = _rounded(box)
    painter.setBrush(QColor(255, 255, 255, 36) if hovered else Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_SHADE, 5.0 if selected else 4.0))
    painter.drawPath(path)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_ACCENT if selected else _INK, 3.0 if selected else 2.0 if hovered else 1.6))
    painter.drawPath(path)

    middle = box.at(0)
    painter.setPen(QPen(_SHADE if selected else _INK, 1.4))
    painter.setBrush(_ACCENT if selected else QColor(20, 20, 20, 220))
    painter.drawEllipse(middle, BADGE, BADGE)
    painter.save()
    font = QFont(painter.font())
    font.setBold(True)
    # However large the font is, two digits must fit in the badge.
    font.setPixelSize(min(painter.fontInfo().pixelSize(), round(1.3 * BADGE)))
    painter.setFont(font)
    # White on the accent colour would be too faint to read.
    painter.setPen(QColor(10, 16, 24) if selected else _INK)
    circle = QRectF(middle.x() - BADGE, middle.y() - BADGE, 2 * BADGE, 2 * BADGE)
    painter.drawText(circle, Qt.AlignmentFlag.AlignCenter, str(number))
    painter.restore()


def paint_crop(painter: QPainter, crop: QPolygonF, area: QRect) -> None:
    """Draw a crop's outline, and dim what lies outside of it."""
    outside = QPainterPath()
    outside.addRect(QRectF(area))
    outside.addPolygon(crop)
    outside.closeSubpath()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(outside, _DIM)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_SHADE, 4.0), QPen(_INK, 1.6)):
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawPolygon(crop)


def paint_handle(painter: QPainter, at: QPointF, selected: bool, hovered: bool) -> None:
    """Draw a ring through which what lies below can be seen, and a dot at its very place."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = _ACCENT if selected else _INK
    painter.setBrush(QColor(255, 255, 255, 70) if hovered else QColor(0, 0, 0, 30))
    painter.setPen(QPen(_SHADE, 5.0))
    painter.drawEllipse(at, HANDLE, HANDLE)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 2.4))
    painter.drawEllipse(at, HANDLE, HANDLE)
    painter.setPen(QPen(_SHADE, 1.0))
    painter.setBrush(colour)
    painter.drawEllipse(at, 2.5, 2.5)


def caption_box(at: QPointF, other: QPointF, size: QSize, area: QRect) -> QRect:
    """Return the place of a handle's caption: on the side away from another, within the area."""
    away, reach = at - other, HANDLE + _GAP
    if abs(away.x()) >= abs(away.y()):
        place = at + QPointF(reach if away.x() > 0 else -reach - size.width(), -size.height() / 2)
    else:
        place = at + QPointF(-size.width() / 2, reach if away.y() > 0 else -reach - size.height())
    box = QRect(place.toPoint(), size)
    if area.contains(at.toPoint()):
        box.moveLeft(max(min(box.left(), area.right() - size.width()), area.left()))
        box.moveTop(max(min(box.top(), area.bottom() - size.height()), area.top()))
    return box


def _rounded(box: QPolygonF) -> QPainterPath:
    """Return a polygon's outline with rounded corners."""
    corners = box.toList()
    path = QPainterPath()
    for index, corner in enumerate(corners):
        before, after = corners[index - 1] - corner, corners[(index + 1) % len(corners)] - corner
        start, end = corner + before * _share(before), corner + after * _share(after)
        if index == 0:
            path.moveTo(start)
        else:
            path.lineTo(start)
        path.quadTo(corner, end)
    path.closeSubpath()
    return path


def _share(side: QPointF) -> float:
    length = QPointF.dotProduct(side, side) ** 0.5
    return min(10.0, 0.2 * length) / length if length > 0 else 0.0
