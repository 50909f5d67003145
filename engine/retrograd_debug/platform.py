"""What differs between operating systems, in one place: is a process alive, and where does a shared ring lie best."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path


def process_stamp(pid: int) -> int:
    """A number that tells process ``pid`` from a later one that got the same pid; 0 when it no longer runs.

    A process that has ended but was not yet reaped by its parent counts as ended. Where the system gives no start time
    the stamp is 1.
    """
    if pid <= 0:
        return 0
    if sys.platform == "win32":
        return _stamp_windows(pid)
    elif sys.platform == "darwin":  # one chain, so that the type checker skips what other systems do
        return _stamp_darwin(pid)
    else:
        return _stamp_proc(pid)


def process_alive(pid: int, stamp: int = 0) -> bool:
    """Whether ``pid`` runs and, with a ``stamp`` from ``process_stamp``, is still the same process."""
    now = process_stamp(pid)
    return now != 0 and stamp in (0, now)


def ring_folder(size: int) -> Path:
    """Where a memory-mapped file of ``size`` bytes costs no disk: shared memory if there is ample room, else temp."""
    shared = Path("/dev/shm")
    if sys.platform == "linux" and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 4 * size:
        return shared
    return Path(tempfile.gettempdir())


def _stamp_signal(pid: int) -> int:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return 0
    except PermissionError:
        return 1
    return 1


def _stamp_proc(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return 0 if Path("/proc/self/stat").exists() else _stamp_signal(pid)
    except ProcessLookupError:
        return 0
    except OSError:
        return _stamp_signal(pid)
    # The command's name is in brackets and may hold anything; what follows the last bracket is plain.
    fields = text.rpartition(")")[2].split()
    if fields[0] in ("Z", "X", "x"):
        return 0
    return int(fields[19]) or 1


def _stamp_darwin(pid: int) -> int:
    import ctypes

    flavor_bsd_info, size, zombie = 3, 136, 5
    buffer = ctypes.create_string_buffer(size)
    libproc = ctypes.CDLL("/usr/lib/libproc.dylib")
    if libproc.proc_pidinfo(pid, flavor_bsd_info, ctypes.c_uint64(0), buffer, size) != size:
        return _stamp_signal(pid)
    status = int.from_bytes(buffer.raw[4:8], sys.byteorder)
    seconds, micros = (int.from_bytes(buffer.raw[at : at + 8], sys.byteorder) for at in (120, 128))
    return 0 if status == zombie else (seconds * 1_000_000 + micros) or 1


if sys.platform == "win32":

    def _stamp_windows(pid: int) -> int:
        import ctypes
        from ctypes import wintypes

        query_and_wait, still_running = 0x1000 | 0x0010_0000, 258
        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel32.OpenProcess.restype = wintypes.HANDLE
        handle = kernel32.OpenProcess(query_and_wait, False, pid)
        if not handle:
            return 0
        try:
            if kernel32.WaitForSingleObject(wintypes.HANDLE(handle), 0) != still_running:
                return 0
            times = [wintypes.FILETIME() for _ in range(4)]
            if not kernel32.GetProcessTimes(wintypes.HANDLE(handle), *(ctypes.byref(time) for time in times)):
                return 1
            return (times[0].dwHighDateTime << 32 | times[0].dwLowDateTime) or 1
        finally:
            kernel32.CloseHandle(wintypes.HANDLE(handle))
