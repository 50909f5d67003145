"""What the app keeps between starts: layout, theme, recent files.

What belongs to one script (run settings, breakpoints, pace) the debug core keeps, so that the command line knows it.

One INI file in the person's configuration folder. Values are plain text; whatever has a shape is JSON checked on
reading, so that a damaged entry is forgotten and never an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import msgspec
from PySide6.QtCore import QByteArray, QSettings

from retrograd_debug.home import config_folder

RECENT_LIMIT = 10

T = TypeVar("T")


class Pace(msgspec.Struct, frozen=True):
    """How fast Continue goes: operations a second, or iterations a second; full speed when both are 0."""

    ops: float = 0.0
    iterations: float = 0.0


class Settings:
    """Reads and writes the settings file; nothing is kept in memory that the file does not have."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or config_folder()
        self._store = QSettings(str(self.folder / "retrograd.ini"), QSettings.Format.IniFormat)

    def text(self, key: str, default: str = "") -> str:
        """A text entry."""
        value = self._store.value(key, default)
        return value if isinstance(value, str) else default

    def set_text(self, key: str, value: str) -> None:
        """Keep a text entry."""
        self._store.setValue(key, value)

    def flag(self, key: str, default: bool = False) -> bool:
        """A yes-or-no entry."""
        return self.text(key, "1" if default else "0") == "1"

    def set_flag(self, key: str, value: bool) -> None:
        """Keep a yes-or-no entry."""
        self.set_text(key, "1" if value else "0")

    def blob(self, key: str) -> QByteArray:
        """A layout as Qt saved it; empty when there is none."""
        return QByteArray.fromBase64(QByteArray(self.text(key).encode("ascii", "ignore")))

    def set_blob(self, key: str, value: QByteArray) -> None:
        """Keep a layout."""
        self.set_text(key, bytes(value.toBase64().data()).decode("ascii"))

    def flush(self) -> None:
        """Write to disk now."""
        self._store.sync()

    # --- things with a shape

    def recent(self) -> list[Path]:
        """Scripts and runs opened last, newest first."""
        return [Path(text) for text in self._read("recent", list[str], [])]

    def add_recent(self, path: Path) -> None:
        """Put ``path`` first among the recent ones."""
        kept = [str(path)] + [str(old) for old in self.recent() if old != path]
        self._write("recent", kept[:RECENT_LIMIT])

    def forget_recent(self, path: Path) -> None:
        """Drop ``path`` from the recent ones."""
        self._write("recent", [str(old) for old in self.recent() if old != path])

    def _read(self, key: str, type: type[T], default: T) -> T:
        text = self.text(key)
        if not text:
            return default
        try:
            return msgspec.json.decode(text, type=type)
        except msgspec.MsgspecError:
            return default

    def _write(self, key: str, value: object) -> None:
        self.set_text(key, msgspec.json.encode(value).decode())
