"""What the app keeps between starts: layout, theme, pace, recent files, breakpoints, run settings.

One INI file in the person's configuration folder, or below ``RETROGRAD_HOME`` where that is set. Values are plain text;
whatever has a shape is JSON checked on reading, so that a damaged entry is forgotten and never an error.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs
from PySide6.QtCore import QByteArray, QSettings

from retrograd_debug.session.api import Breakpoint

RECENT_LIMIT = 10

T = TypeVar("T")


class RunSettings(msgspec.Struct, frozen=True):
    """How a script is run. ``interpreter`` "" means the default one, ``cwd`` "" the script's own folder."""

    interpreter: str = ""
    arguments: list[str] = []
    cwd: str = ""
    environment: dict[str, str] = {}


class Pace(msgspec.Struct, frozen=True):
    """How fast Continue goes: operations a second, or iterations a second; full speed when both are 0."""

    ops: float = 0.0
    iterations: float = 0.0


def home() -> Path:
    """The folder of the app's settings and error log."""
    chosen = os.environ.get("RETROGRAD_HOME")
    if chosen:
        return Path(chosen) / "config"
    return platformdirs.user_config_path("retrograd", appauthor=False)


class Settings:
    """Reads and writes the settings file; nothing is kept in memory that the file does not have."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or home()
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

    def breakpoints(self, script: str) -> list[Breakpoint]:
        """The breakpoints kept with ``script``."""
        return self._read(_of("breakpoints", script), list[Breakpoint], [])

    def set_breakpoints(self, script: str, breakpoints: Sequence[Breakpoint]) -> None:
        """Keep the breakpoints of ``script``."""
        self._write(_of("breakpoints", script), list(breakpoints))

    def run_settings(self, script: str) -> RunSettings:
        """How ``script`` is run."""
        return self._read(_of("run", script), RunSettings, RunSettings())

    def set_run_settings(self, script: str, settings: RunSettings) -> None:
        """Keep how ``script`` is run."""
        self._write(_of("run", script), settings)

    def pace(self, script: str) -> Pace:
        """The pace of Continue for ``script``."""
        return self._read(_of("pace", script), Pace, Pace())

    def set_pace(self, script: str, pace: Pace) -> None:
        """Keep the pace of Continue for ``script``."""
        self._write(_of("pace", script), pace)

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


def _of(group: str, script: str) -> str:
    # a path holds slashes and, on Windows, a colon: both mean something in an INI key
    return f"{group}/{hashlib.sha256(script.encode()).hexdigest()[:24]}"
