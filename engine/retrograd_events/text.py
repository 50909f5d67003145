"""The one door through which every sentence meant for a person passes.

Free of Qt, so that the engine, the command line and the app share it.
"""

from __future__ import annotations

from collections.abc import Mapping

_catalogue: dict[str, str] = {}


def install(catalogue: Mapping[str, str]) -> None:
    """Use ``catalogue`` (English template -> translated template) from now on."""
    _catalogue.clear()
    _catalogue.update(catalogue)


def tr(template: str, /, **fields: object) -> str:
    """Translate ``template`` and fill its named fields: ``tr("line {line}", line=3)``."""
    return _catalogue.get(template, template).format(**fields) if fields else _catalogue.get(template, template)


def trn(one: str, many: str, count: int, /, **fields: object) -> str:
    """Choose between two templates by ``count``, which is also the field ``count`` (grouped: 4,100)."""
    return tr(one if count == 1 else many, count=f"{count:,}", **fields)
