"""Whether the words in a window have room, at any size of the system's font."""

from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStyle,
    QStyleOptionFrame,
    QWidget,
)

SCALES = (1.0, 1.25, 2.0)
"""The scales of the system's font that windows are tried at."""


@contextmanager
def text_scale(scale: float) -> Iterator[None]:
    """Give the application a larger font for a while."""
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    before = application.font()
    larger = application.font()
    larger.setPointSizeF(before.pointSizeF() * scale)
    application.setFont(larger)
    try:
        yield
    finally:
        application.setFont(before)


def cut_off(widget: QWidget) -> list[str]:
    """Return what, of the words that a shown widget and those in it show, has not the room that it needs.

    Labels whose width does not depend on their text (`QSizePolicy.Ignored`) elide on purpose.
    """
    QApplication.processEvents()
    found = []
    for each in (widget, *widget.findChildren(QWidget)):
        if each.isVisibleTo(widget) and (need := _missing(each)):
            found.append(f"{type(each).__name__} {_text(each)!r}: {need}")
    return found


def _text(widget: QWidget) -> str:
    if isinstance(widget, QComboBox):
        return widget.currentText()
    return widget.text() if isinstance(widget, QLabel | QAbstractButton | QAbstractSpinBox) else ""


def _missing(widget: QWidget) -> str:
    """Return which room a widget has and needs; empty where it has enough, or shows no words."""
    text, has = _text(widget), widget.size()
    if not text:
        return ""
    if isinstance(widget, QAbstractSpinBox):
        return _missing_in_field(widget)
    if isinstance(widget, QLabel) and widget.wordWrap():
        needs = widget.heightForWidth(has.width())
        longest = max(widget.fontMetrics().horizontalAdvance(word) for word in text.split() or [""])
        return f"{has.height()} px high for {needs}" if has.height() < needs or has.width() < longest else ""
    needs = widget.sizeHint()
    elides = isinstance(widget, QLabel) and widget.sizePolicy().horizontalPolicy() == QSizePolicy.Policy.Ignored
    narrow = has.width() < needs.width() and not elides
    # Text that is high enough itself may have less air around it than it would like.
    low = has.height() < min(needs.height(), widget.fontMetrics().height())
    if narrow or low:
        return f"{has.width()} × {has.height()} px for {needs.width()} × {needs.height()}"
    return ""


def _missing_in_field(box: QAbstractSpinBox) -> str:
    field = box.findChild(QLineEdit)
    assert field is not None
    option = QStyleOptionFrame()
    field.initStyleOption(option)
    room = field.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, field)
    needs = box.fontMetrics().size(0, box.text())
    if room.width() < needs.width() or room.height() < min(needs.height(), box.fontMetrics().height()):
        return f"{room.width()} × {room.height()} px for {needs.width()} × {needs.height()}"
    return ""
