"""A theme: the design tokens of one appearance, by name. Data only, no Qt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """``name``: dark, light or highContrast. ``colors``: token -> "#RRGGBB" (``panel``, ``text``, ``held`` …);
    ``categories``: device/branch colours in their fixed order; ``diverging``, ``sequential``, ``calm``: map stops."""

    name: str
    colors: Mapping[str, str]
    categories: tuple[str, ...]
    diverging: tuple[str, ...]
    sequential: tuple[str, ...]
    calm: tuple[str, ...]

    def __getitem__(self, token: str) -> str:
        """The colour of ``token`` as "#RRGGBB"."""
        return self.colors[token]
