"""A virtual screen with a window manager, and a person's hands and eyes on it: keys, clicks, pixels."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from Xlib import XK, X, display, error
from Xlib.ext import xtest
from Xlib.xobject.drawable import Window

Pixels = NDArray[np.uint8]
"""(height, width, 3), red green blue."""

T = TypeVar("T")
MODIFIERS = {"Ctrl": "Control_L", "Shift": "Shift_L", "Alt": "Alt_L"}
NAMED = {
    " ": "space", ".": "period", ",": "comma", "-": "minus", "+": "plus", "=": "equal", "_": "underscore",
    "(": "parenleft", ")": "parenright", "/": "slash", "*": "asterisk", ":": "colon", "[": "bracketleft",
    "]": "bracketright", '"': "quotedbl", "'": "apostrophe",
}  # fmt: skip
WIDTH, HEIGHT = 1440, 900


def until(look: Callable[[], T], what: str, seconds: float = 20.0) -> T:
    """Look until there is something to see; fails with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"not seen within {seconds:.0f} s: {what}"
        time.sleep(0.05)


class Screen:
    """Xvfb with openbox; ends both, and its connection, on leaving the ``with`` block."""

    def __enter__(self) -> Screen:
        reading, writing = os.pipe()
        size = f"{WIDTH}x{HEIGHT}x24"
        self._server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        self.name = f":{number}"
        self._manager = subprocess.Popen(
            ["openbox", "--sm-disable"], env={**os.environ, "DISPLAY": self.name}, stderr=subprocess.DEVNULL
        )
        self._display = display.Display(self.name)
        self._root = self._display.screen().root
        until(self._managed, "the window manager")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.close()
        for process in (self._manager, self._server):
            process.terminate()
            process.wait(10)

    def _managed(self) -> bool:
        return (
            self._root.get_full_property(self._display.intern_atom("_NET_SUPPORTING_WM_CHECK"), X.AnyPropertyType)
            is not None
        )

    # --- hands

    def key(self, keys: str) -> None:
        """Press and let go one key with its modifiers: ``F10``, ``Shift+F5``, ``Ctrl+K``, ``Return``."""
        *held, last = keys.split("+") if keys != "+" else ["+"]
        modifiers = [self._code(MODIFIERS[name]) for name in held]
        code = self._code(NAMED.get(last, last))
        for modifier in modifiers:
            self._fake(X.KeyPress, modifier)
        self._fake(X.KeyPress, code)
        self._fake(X.KeyRelease, code)
        for modifier in reversed(modifiers):
            self._fake(X.KeyRelease, modifier)

    def type(self, text: str) -> None:
        """Type characters one by one, with Shift where the keyboard needs it."""
        for character in text:
            name = NAMED.get(character, character)
            symbol = XK.string_to_keysym(name)
            code = self._display.keysym_to_keycode(symbol)
            shifted = self._display.keycode_to_keysym(code, 0) != symbol
            self.key(("Shift+" if shifted else "") + name)

    def click(self, x: int, y: int, times: int = 1) -> None:
        """Move to a place and press the left button there."""
        self._fake(X.MotionNotify, 0, x, y)
        time.sleep(0.05)
        for _ in range(times):
            self._fake(X.ButtonPress, 1)
            self._fake(X.ButtonRelease, 1)
            time.sleep(0.05)

    def point(self, x: int, y: int) -> None:
        """Move the pointer."""
        self._fake(X.MotionNotify, 0, x, y)

    def _code(self, name: str) -> int:
        code: int = self._display.keysym_to_keycode(XK.string_to_keysym(name))
        assert code, f"no key {name}"
        return code

    def _fake(self, kind: int, detail: int, x: int = 0, y: int = 0) -> None:
        xtest.fake_input(self._display, kind, detail, x=x, y=y)
        self._display.sync()

    # --- eyes

    def pixels(self) -> Pixels:
        """What the screen shows."""
        shot = self._root.get_image(0, 0, WIDTH, HEIGHT, X.ZPixmap, 0xFFFFFFFF)
        bgrx = np.frombuffer(shot.data, np.uint8).reshape(HEIGHT, WIDTH, 4)
        return bgrx[:, :, 2::-1].copy()

    def places(self, colour: str, tolerance: int = 2) -> NDArray[np.intp]:
        """(n, 2) places, x and y, that show ``colour`` (#RRGGBB)."""
        wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], np.int16)
        rows, columns = np.nonzero((np.abs(self.pixels().astype(np.int16) - wanted) <= tolerance).all(axis=2))
        return np.stack([columns, rows], axis=1)

    def titles(self) -> list[str]:
        """Titles of the windows that the window manager lists."""
        atom = self._display.intern_atom("_NET_CLIENT_LIST")
        listed = self._root.get_full_property(atom, X.AnyPropertyType)
        return [title for window in (listed.value if listed else []) if (title := self._title(window))]

    def _title(self, number: int) -> str:
        window: Window = self._display.create_resource_object("window", number)
        try:
            name = window.get_full_property(self._display.intern_atom("_NET_WM_NAME"), X.AnyPropertyType)
        except error.BadWindow:  # closed meanwhile
            return ""
        return bytes(name.value).decode(errors="replace") if name else ""

    def active(self) -> str:
        """Title of the window that has the keyboard."""
        found = self._root.get_full_property(self._display.intern_atom("_NET_ACTIVE_WINDOW"), X.AnyPropertyType)
        return self._title(found.value[0]) if found and found.value[0] else ""
