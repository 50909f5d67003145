"""The two faces that travel with the app, in the sizes of the design (px at 100 %)."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from retrograd_debug.assets import data_folder

UI = "Noto Sans"
MONO = "Noto Sans Mono"

CAPTION = 10
SMALL = 11
BODY = 12
VALUE = 11
CODE = 11
STRONG = 13
TITLE = 20


def install_fonts(app: QApplication) -> None:
    """Load the faces and make the sans one, at body size, the application's font."""
    known = set(QFontDatabase.families())
    if not {UI, MONO} <= known:
        for path in sorted((data_folder("assets") / "fonts").glob("*.ttf")):
            QFontDatabase.addApplicationFont(str(path))
    app.setFont(ui_font(BODY))


def ui_font(size: int, bold: bool = False) -> QFont:
    """The sans face at ``size`` px."""
    return QFont(_font((UI, "DejaVu Sans"), QFont.StyleHint.SansSerif, size, bold))


def mono_font(size: int, bold: bool = False) -> QFont:
    """The monospaced face at ``size`` px."""
    return QFont(_font((MONO, "DejaVu Sans Mono"), QFont.StyleHint.Monospace, size, bold))


@cache
def _font(families: tuple[str, ...], hint: QFont.StyleHint, size: int, bold: bool) -> QFont:
    font = QFont()
    font.setFamilies(list(families))
    font.setStyleHint(hint)
    font.setPixelSize(size)
    # medium figures and hairlines must fall alike on every machine
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if bold:
        font.setWeight(QFont.Weight.DemiBold)
    return font
