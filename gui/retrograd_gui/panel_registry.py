"""Finds the panels by walking their package: a panel is one file that defines ``PANEL``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from retrograd_gui import panels
from retrograd_gui.panels.base import PanelSpec

AREAS = ("left", "center", "right", "bottom-left", "bottom", "bottom-right-top", "bottom-right")


@cache
def panel_specs() -> tuple[PanelSpec, ...]:
    """All panels, by area and then by their order. Raises ``ValueError`` for an unknown area or an id given twice."""
    found: dict[str, PanelSpec] = {}
    for module_info in pkgutil.iter_modules(panels.__path__):
        spec = getattr(importlib.import_module(f"{panels.__name__}.{module_info.name}"), "PANEL", None)
        if not isinstance(spec, PanelSpec):
            continue
        if spec.area not in AREAS:
            raise ValueError(f"panel {spec.id}: no area {spec.area}")
        if spec.id in found:
            raise ValueError(f"panel {spec.id} is defined twice")
        found[spec.id] = spec
    return tuple(sorted(found.values(), key=lambda spec: (AREAS.index(spec.area), spec.order, spec.id)))
