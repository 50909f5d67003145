"""Keeps a replay from the user's world: what would change it, or asks it for what can't be had twice, is refused.

Python's audit events tell of it before it happens. What the overlay has taken in is let through.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from retrograd_debug.agent.frames import INTERNAL, USER, Frames, line_of
from retrograd_debug.agent.overlay import WRITES, Overlay
from retrograd_debug.session.recorded import REFUSED, SUSPECT
from retrograd_events import tr

PROCESS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty",
           "os.startfile", "pty.spawn")  # fmt: skip
NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo",
           "socket.gethostbyname")  # fmt: skip
PATHS = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "os.chown", "os.utime",
         "os.symlink", "os.link", "os.setxattr", "os.removexattr", "os.chflags", "sqlite3.connect")  # fmt: skip

Note = Callable[[str, str], None]


class RefusedInReplayError(PermissionError):
    """A replay does not do this."""


class Guard:
    """``frames`` tells the script's lines; ``ours`` the debugger's own threads, which may do anything;
    ``note(kind, text)`` is told of what was refused, and of what makes a run another each time."""

    def __init__(self, overlay: Overlay, frames: Frames, ours: Callable[[], bool], note: Note) -> None:
        self._overlay = overlay
        self._frames = frames
        self._ours = ours
        self._note = note
        self._noted: set[str] = set()
        self._pid = os.getpid()

    def install(self) -> None:
        """For the rest of the process: Python takes no audit hook back."""
        sys.addaudithook(self._audit)
        self._watch_clocks()
        self._watch_threads()

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            self._opens(args)
        elif event in PROCESS:
            self._refuse(tr("a process ({what})", what=_first(args)))
        elif event in NETWORK:
            self._refuse(tr("the network ({what})", what=event))
        elif event in PATHS:
            for each in args:
                if isinstance(each, (str, bytes, os.PathLike)) and not self._may_change(each):
                    self._refuse(tr("to change {path}", path=os.fsdecode(each)))
        elif event == "os.kill" and args[0] != self._pid:
            self._refuse(tr("to signal process {pid}", pid=args[0]))

    def _opens(self, args: tuple[Any, ...]) -> None:
        path, mode, flags = args
        if isinstance(path, int) or path is None:
            return
        writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else bool((flags or 0) & WRITES)
        if writes and not self._may_change(path):
            self._refuse(tr("to write {path}", path=os.fsdecode(path)))

    def _may_change(self, path: Any) -> bool:
        text = os.fsdecode(path)
        return text == ":memory:" or self._overlay.inside(os.path.abspath(text))

    def _refuse(self, what: str) -> None:
        if self._ours() or os.getpid() != self._pid:
            return
        where = self._place(sys._getframe(2)) or tr("The script")
        self._tell(REFUSED, tr("{where} wants {what}", where=where, what=what))
        raise RefusedInReplayError(
            tr("A replay changes nothing outside itself. {where} wants {what}.", where=where, what=what)
        )

    def _place(self, frame: FrameType | None) -> str:
        """The script's own line that is at work, in words ("": none)."""
        user = self._frames.innermost_user(frame)
        if user is None or self._frames.kind(user.f_code) != USER:
            return ""
        name = os.path.basename(self._frames.path(user.f_code.co_filename))
        return tr("{name}, line {line},", name=name, line=line_of(user))

    def _tell(self, kind: str, text: str) -> None:
        if text not in self._noted and len(self._noted) < 100:
            self._noted.add(text)
            self._note(kind, text)

    # --- what makes a run another each time

    def _watch_clocks(self) -> None:
        for name in ("time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns"):
            setattr(time, name, self._watched(name, getattr(time, name)))

    def _watched(self, name: str, real: Callable[[], Any]) -> Callable[[], Any]:
        def clock() -> Any:
            frame = sys._getframe(1)
            if self._frames.kind(frame.f_code) != INTERNAL and not self._ours():
                where = self._place(frame)
                if where:
                    self._tell(SUSPECT, tr("{where} reads the clock (time.{name})", where=where, name=name))
            return real()

        return clock

    def _watch_threads(self) -> None:
        start = threading.Thread.start

        def started(thread: threading.Thread) -> None:
            where = self._place(sys._getframe(1))
            if where and not self._ours():
                self._tell(SUSPECT, tr("{where} starts a thread", where=where))
            start(thread)

        setattr(threading.Thread, "start", started)  # noqa: B010


def _first(args: tuple[Any, ...]) -> str:
    words = args[1] if len(args) > 1 and args[1] else args[0] if args else ""
    text = " ".join(map(str, words)) if isinstance(words, (list, tuple)) else str(words)
    return text if len(text) <= 80 else text[:79] + "…"
