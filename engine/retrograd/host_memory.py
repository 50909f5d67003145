"""Keeping memory that was freed on the host for what comes next.

A training step allocates and frees the same few megabytes again and again. The C library of Linux gives freed memory
back to the system beyond a small threshold, and getting it back costs a page fault for each 4 KiB: a quarter or more of
a small convolutional network's step, by few and noisy measurements. The thresholds are raised unless the environment
sets them; where there is no such C library nothing is done. Source: "mallopt", Linux manual page.
"""

from __future__ import annotations

import ctypes
import os

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""The numbers of the two parameters."""
KEPT = 128 << 20
"""Bytes of freed memory that the process keeps at most."""
LARGE = 32 << 20
"""Bytes from which an allocation is still given back at once: the most that may be asked for."""


def keep_freed() -> bool:
    """Raise the thresholds; answers whether it did."""
    if any(name in os.environ for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_")):
        return False
    try:
        confstr = getattr(os, "confstr", None)  # not on Windows
        if confstr is None or not (confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc"):
            return False
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, ValueError, OSError):  # another system, or another C library
        return False
    return bool(mallopt(MMAP_THRESHOLD, LARGE) and mallopt(TRIM_THRESHOLD, KEPT))
