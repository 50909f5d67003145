"""Icons: Codicons through qtawesome, coloured by token, dimmed when disabled."""

from __future__ import annotations

from functools import cache

import qtawesome
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPixmap

from retrograd_debug.assets import data_folder
from retrograd_gui.theme.tokens import Theme

# qtawesome draws a glyph at 7/8 of its box; Codicons bring their own margin
SCALE = 1.14


@cache
def _icon(name: str, color: str, disabled: str) -> QIcon:
    icon: QIcon = qtawesome.icon(name, color=color, color_disabled=disabled, scale_factor=SCALE)
    return icon


def icon(name: str, theme: Theme, token: str = "text2") -> QIcon:
    """The qtawesome icon ``name`` (``msc.debug-pause``) in the colour of ``token``."""
    return _icon(name, theme[token], blend(theme["text3"], theme["header"], 0.45))


def pixmap(name: str, theme: Theme, token: str = "text2", size: int = 16, ratio: float = 1.0) -> QPixmap:
    """The icon as a picture of ``size`` logical px, for painting."""
    return icon(name, theme, token).pixmap(QSize(size, size), ratio)


def app_icon() -> QIcon:
    """The app's own icon."""
    result = QIcon()
    for path in sorted((data_folder("assets") / "icons").glob("retrograd-*.png")):
        result.addFile(str(path))
    return result


def blend(over: str, under: str, share: float) -> str:
    """``share`` of ``over`` on ``under``, as "#RRGGBB"."""
    pairs = zip((1, 3, 5), (1, 3, 5), strict=True)
    mixed = [round(int(over[a : a + 2], 16) * share + int(under[b : b + 2], 16) * (1 - share)) for a, b in pairs]
    return "#{:02X}{:02X}{:02X}".format(*mixed)
