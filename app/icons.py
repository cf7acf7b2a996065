"""The line icons: drawn from their SVG files whenever they are shown, in the colour that is right just then."""

from collections.abc import Callable
from functools import cache

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from resources import RESOURCES

Tint = Callable[[QIcon.Mode, QIcon.State], str]
"""Returns the colour, ``"#rrggbb"``, in which an icon is drawn in a mode and a state."""

_PEN = "currentColor"
_clones: list[QIconEngine] = []


def coloured(name: str, colour: str) -> str:
    """Return an icon as SVG text, with its lines in a colour; what has a colour of its own keeps it.

    Raises
    ------
    FileNotFoundError
        If there is no such icon.
    """
    return _drawing(name).replace(_PEN, colour)


class LineIcon(QIconEngine):
    """Draws one of the project's icons, at any size and resolution.

    Parameters
    ----------
    name
        The file's name in ``resources/icons``, without its ending.
    tint
        Asked for the colour each time the icon is drawn, so that a theme can change while the icon is in use.

    Raises
    ------
    FileNotFoundError
        If there is no such icon.
    """

    def __init__(self, name: str, tint: Tint) -> None:
        super().__init__()
        self._name, self._tint = name, tint
        _drawing(name)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        svg = coloured(self._name, self._tint(mode, state)).encode()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(rect.width(), rect.height())
        box = QRectF(0, 0, side, side)
        box.moveCenter(QRectF(rect).center())
        QSvgRenderer(QByteArray(svg)).render(painter, box)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        key = f"maskbrush-{self._name}-{self._tint(mode, state)}-{size.width()}x{size.height()}"
        pixmap = QPixmapCache.find(key)  # type: ignore[call-overload]
        if not isinstance(pixmap, QPixmap):
            pixmap = QPixmap(size)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
            painter.end()
            QPixmapCache.insert(key, pixmap)
        return pixmap

    def clone(self) -> QIconEngine:
        copy = LineIcon(self._name, self._tint)
        # Qt keeps the copy without Python's knowledge; were it collected, Qt would be left with nothing.
        _clones.append(copy)
        return copy


@cache
def _drawing(name: str) -> str:
    return (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")
