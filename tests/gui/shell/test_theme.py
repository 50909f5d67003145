"""Each theme is whole, readable, and dresses the app at once."""

from __future__ import annotations

import re

import pytest
from PySide6.QtGui import QFontInfo, QFontMetricsF, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from fixtures.stage import StageSession
from retrograd_debug.assets import data_folder
from retrograd_gui.main_window import MainWindow
from retrograd_gui.settings import Settings
from retrograd_gui.theme.fonts import MONO, UI, mono_font, ui_font
from retrograd_gui.theme.icons import app_icon
from retrograd_gui.theme.loading import NAMES, load_theme
from retrograd_gui.theme.style import style_sheet
from retrograd_gui.theme.tokens import Theme

THEMES = [load_theme(name) for name in NAMES]


@pytest.mark.parametrize("theme", THEMES, ids=NAMES)
def test_a_theme_is_whole(theme: Theme) -> None:
    assert set(theme.colors) == set(THEMES[0].colors)
    for color in (*theme.colors.values(), *theme.categories, *theme.diverging, *theme.sequential, *theme.calm):
        assert re.fullmatch(r"#[0-9A-F]{6}", color)
    assert len(theme.categories) == 8
    assert len(theme.diverging) == len(theme.sequential) == 33


def _luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """WCAG 2's contrast ratio."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES, ids=NAMES)
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        *((text, ground) for text in ("text", "text2") for ground in ("panel", "header", "card", "select", "hover")),
        *((state, f"{state}Fill") for state in ("forward", "gradient", "held", "done", "nan", "error")),
        ("text3", "panel"),
        ("text3", "card"),
        ("onAccent", "accent"),
        ("onHeld", "heldTag"),
    ],
)
def test_text_can_be_read(theme: Theme, text: str, ground: str) -> None:
    assert contrast(theme[text], theme[ground]) >= 4.5


@pytest.mark.parametrize("theme", THEMES, ids=NAMES)
def test_the_style_sheet_leaves_no_token_unfilled(theme: Theme) -> None:
    sheet = style_sheet(theme)
    assert "$" not in sheet
    for path in re.findall(r'url\("([^"]+)"\)', sheet):
        assert (data_folder("assets") / "icons" / path.rsplit("/", 1)[1]).is_file()


def test_the_fonts_that_travel_with_the_app_are_used(window: MainWindow) -> None:
    assert QFontInfo(ui_font(12)).family() == UI
    assert QFontInfo(mono_font(11)).family() == MONO
    widths = {QFontMetricsF(mono_font(11)).horizontalAdvance(letter) for letter in "iWm0−."}
    assert len(widths) == 1
    assert (data_folder("assets") / "fonts" / "OFL.txt").is_file()


def test_a_theme_is_changed_at_once_and_kept(window: MainWindow, held: StageSession, qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    for name in ("light", "highContrast", "dark"):
        with qtbot.waitSignal(window.context.theme_changed):
            window.context.run_action("view.next-theme")
        theme = load_theme(name)
        assert window.context.theme is theme
        assert app.palette().color(QPalette.ColorRole.Base).name().upper() == theme["panel"]
        assert window.actions_[f"view.use-theme-{name}"].isChecked()
        assert Settings().text("theme") == name
        assert not window.grab().isNull()


def test_an_unknown_theme_is_an_error() -> None:
    with pytest.raises(KeyError):
        load_theme("mauve")


def test_the_app_has_an_icon(qapp: QApplication) -> None:
    assert len(app_icon().availableSizes()) == 5
