"""``python -m retrograd_debug`` is the command ``retrograd``."""

from __future__ import annotations

import sys

from retrograd_debug.cli import main

if __name__ == "__main__":
    sys.exit(main())
