"""The icons: how they are drawn, in which colours, and at which resolutions."""

import gc
import re

import pytest
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPixmap

from app.theme import DARK, LIGHT, apply_theme, icon, swatch
from resources import RESOURCES
from tests.gui.test_theme import contrast

ICONS = sorted(path.stem for path in (RESOURCES / "icons").glob("*.svg"))
LINES = [name for name in ICONS if name != "app"]


@pytest.fixture(autouse=True)
def themed(qapp):
    """Begin with the dark theme, and leave it behind."""
    apply_theme(qapp, "dark")
    yield qapp
    apply_theme(qapp, "system")


@pytest.mark.parametrize("name", LINES)
def test_icons_are_drawn_with_one_pen(name):
    text = (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    assert 'viewBox="0 0 24 24"' in text and 'stroke-linecap="round"' in text
    assert re.findall(r'stroke-width="([\d.]+)"', text)[0] == "1.7"
    assert set(re.findall(r'(?:stroke|fill)="([^"]+)"', text)) <= {"none", "currentColor"}


@pytest.mark.parametrize("name", ICONS)
def test_icons_fill_their_box_and_stay_within(themed, name):
    image = icon(name).pixmap(QSize(48, 48), 1.0).toImage()
    alpha = [[image.pixelColor(x, y).alpha() for x in range(48)] for y in range(48)]
    rows = [y for y in range(48) if max(alpha[y]) > 100]
    columns = [x for x in range(48) if max(alpha[y][x] for y in range(48)) > 100]
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) >= 19
    assert min(rows[0], columns[0]) >= 1 and max(rows[-1], columns[-1]) <= 46


def ink(pixmap: QPixmap) -> str:
    """Return the colour of what is drawn at full strength."""
    image = pixmap.toImage()
    solid = [
        image.pixelColor(x, y).name()
        for x in range(image.width())
        for y in range(image.height())
        if image.pixelColor(x, y).alpha() > 250
    ]
    assert solid
    return max(set(solid), key=solid.count)


def test_icons_have_the_themes_colours_in_every_state(themed):
    brush = icon("brush")
    copy = QIcon(brush)
    for theme in (DARK, LIGHT):
        apply_theme(themed, theme.name)
        for each in (brush, copy):
            for mode, state, colour in (
                (QIcon.Mode.Normal, QIcon.State.Off, theme.text),
                (QIcon.Mode.Active, QIcon.State.Off, theme.text),
                (QIcon.Mode.Normal, QIcon.State.On, theme.accent),
                (QIcon.Mode.Disabled, QIcon.State.Off, theme.disabled),
                (QIcon.Mode.Disabled, QIcon.State.On, theme.disabled),
                (QIcon.Mode.Selected, QIcon.State.Off, theme.selected),
            ):
                assert ink(each.pixmap(QSize(48, 48), 1.0, mode, state)) == colour


def test_icons_are_drawn_anew_for_each_resolution(themed):
    lock = icon("lock")
    fine, coarse = lock.pixmap(QSize(24, 24), 2.0), lock.pixmap(QSize(24, 24), 1.0)
    assert fine.size() == QSize(48, 48) and fine.devicePixelRatio() == 2.0
    assert coarse.size() == QSize(24, 24)
    stretched = coarse.scaled(48, 48, mode=Qt.TransformationMode.SmoothTransformation).toImage()
    assert fine.toImage().pixelColor(12, 22).alpha() == 255
    assert any(
        abs(stretched.pixelColor(x, y).alpha() - fine.toImage().pixelColor(x, y).alpha()) > 80
        for x in range(48)
        for y in range(48)
    )


def test_an_icon_keeps_its_shape_in_a_long_box(themed):
    wide = icon("ellipse").pixmap(QSize(80, 24), 1.0).toImage()
    square = icon("ellipse").pixmap(QSize(24, 24), 1.0).toImage()
    assert wide.copy(QRect(28, 0, 24, 24)) == square


def test_icons_outlive_what_made_them(themed):
    brush = icon("brush")
    brush.addPixmap(QPixmap(8, 8))  # which takes a copy of the engine
    gc.collect()
    assert ink(brush.pixmap(QSize(48, 48), 1.0)) == DARK.text


def test_there_is_no_icon_without_a_drawing():
    with pytest.raises(FileNotFoundError):
        icon("nothing")


def test_the_programs_own_icon_keeps_its_colours(themed):
    own = icon("app")
    dark = own.pixmap(QSize(32, 32), 1.0).toImage()
    apply_theme(themed, "light")
    assert own.pixmap(QSize(32, 32), 1.0).toImage() == dark


def test_a_swatch_of_any_colour_shows_on_either_panel(themed):
    for theme in (DARK, LIGHT):
        for rgb in ((0, 0, 0), (255, 255, 255), tuple(QColor(theme.panel).getRgb()[:3])):  # type: ignore[index]
            image = swatch(rgb).toImage()
            middle = image.height() // 2
            seen = [image.pixelColor(x, middle) for x in range(image.width())]
            assert max(contrast(colour.name(), theme.panel) for colour in seen if colour.alpha() > 200) > 2.5
