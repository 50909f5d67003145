"""Reads the design tokens into themes, sizes and motion. No Qt."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from retrograd_debug.assets import data_folder
from retrograd_gui.theme.tokens import Theme

NAMES = ("dark", "light", "highContrast")


class _Map(msgspec.Struct):
    stops: list[str]


class _Maps(msgspec.Struct):
    sequential: _Map
    sequentialCalm: _Map  # noqa: N815 the file's own names
    divergingDark: _Map  # noqa: N815
    divergingLight: _Map  # noqa: N815


class _File(msgspec.Struct):
    colour: dict[str, dict[str, str]]
    categories: dict[str, dict[str, str]]
    categoryOrder: list[str]  # noqa: N815
    maps: _Maps


@cache
def _file(path: Path) -> _File:
    return msgspec.json.decode(path.read_bytes(), type=_File)


@cache
def load_theme(name: str) -> Theme:
    """The theme ``name``: dark, light or highContrast. Raises ``KeyError`` for any other."""
    if name not in NAMES:
        raise KeyError(name)
    file = _file(data_folder("assets") / "themes" / "tokens.json")
    categories = file.categories[name]
    diverging = file.maps.divergingLight if name == "light" else file.maps.divergingDark
    return Theme(
        name=name,
        colors=file.colour[name],
        categories=tuple(categories[key] for key in file.categoryOrder),
        diverging=tuple(diverging.stops),
        sequential=tuple(file.maps.sequential.stops),
        calm=tuple(file.maps.sequentialCalm.stops),
    )
