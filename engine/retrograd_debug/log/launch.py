"""Starts the recorder process, apart from the terminal and the process group of whoever asks."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

from retrograd_debug.log.ring import FAILED, READY, STARTING, Ring, RingError, sweep_rings
from retrograd_events import tr

# Isolated (-I): neither the script's folder nor PYTHONPATH may put a file of the user's in the way of our imports.
_BOOT = (
    "import sys; n = int(sys.argv[1]); sys.path[:0] = sys.argv[2:2 + n];"
    " from retrograd_debug.log.recorder import main; sys.exit(main(sys.argv[2 + n:]))"
)


class RecorderProcess:
    """A running recorder."""

    def __init__(self, process: subprocess.Popen[bytes], ring: Ring) -> None:
        self._process = process
        self._ring = ring

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def wait_ready(self, timeout: float = 10.0) -> None:
        """Wait until the log is open; ``RingError`` with a sentence when it can't be written."""
        self._ring.wait_ready(timeout)
        status = self._ring.recorder_status
        if status == FAILED:
            raise RingError(self._ring.recorder_message)
        if status == STARTING and self._process.poll() is not None:
            raise RingError(tr("The recorder ended with status {status}.", status=self._process.returncode))
        if status == STARTING:
            raise RingError(tr("The recorder did not start within {seconds} s.", seconds=timeout))

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        return self._process.poll()

    def problem(self) -> str:
        """Why it ended before its time, as a sentence ("" when it runs, or ended in order)."""
        status = self._process.poll()
        if not status:
            return ""
        message = self._ring.recorder_message
        return message or tr("The recorder ended with status {status}.", status=status)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end: after the writer closed the ring, or died. ``subprocess.TimeoutExpired`` as ``Popen``."""
        return self._process.wait(timeout)

    def stop(self, timeout: float = 5.0) -> int:
        """Close the ring, so that it takes what is there and finishes the log; end it by force if it does not."""
        if self._process.poll() is None and self._ring.recorder_status in (STARTING, READY):
            self._ring.mark_closed()
        try:
            status = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        return status

    def close(self) -> None:
        """Let go of the ring. A recorder that still runs goes on by itself; of one that was killed the ring is left."""
        self._ring.unmap()
        if self._process.poll() is not None:
            with contextlib.suppress(OSError):
                self._ring.path.unlink(missing_ok=True)


def start_recorder(
    ring: str | os.PathLike[str], log: str | os.PathLike[str], python: str = sys.executable
) -> RecorderProcess:
    """Start recording ``ring`` into the new file ``log`` with the interpreter ``python``.

    The recorder ends by itself when the ring's writer has closed it or is dead, and removes the ring.
    """
    control = Ring.open(ring)
    sweep_rings(Path(ring).absolute().parent)
    paths = _import_paths()
    command = [python, "-I", "-c", _BOOT, str(len(paths)), *paths, os.path.abspath(ring), os.path.abspath(log)]
    # Windows has flags where POSIX has sessions.
    flags: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    folder = Path(log).absolute().parent
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        cwd=folder if folder.is_dir() else None,
        start_new_session=not flags,
        creationflags=flags,
    )
    return RecorderProcess(process, control)


def _import_paths() -> list[str]:
    """The folders that the recorder's imports lie in, as this process found them."""
    folders: dict[str, None] = {}
    for name in ("retrograd_debug", "retrograd_events", "msgspec"):
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin:
            folders[str(Path(spec.origin).parent.parent)] = None
    return list(folders)
