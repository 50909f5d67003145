"""Where the files that travel with the program lie, in a wheel and in a source tree alike.

A wheel carries ``assets/`` and ``examples/`` inside this package (``_data``); a source or editable tree has them at its
root, where they are edited. The root is looked at first, so that an editable install never shows a stale copy.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_ROOT = _PACKAGE.parent.parent


class DataMissingError(Exception):
    """A folder that belongs to the program is not there; the message is a sentence for a person."""


def data_folder(name: str) -> Path:
    """The folder ``name`` (``assets`` or ``examples``) of this installation.

    Raises ``DataMissingError`` when the installation is incomplete."""
    if (_ROOT / "pyproject.toml").is_file() and (_ROOT / name).is_dir():
        return _ROOT / name
    packed = _PACKAGE / "_data" / name
    if packed.is_dir():
        return packed
    raise DataMissingError(f"The folder {name} of this installation is missing ({packed}). Install Retrograd again.")
