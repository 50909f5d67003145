"""``python -m retrograd_debug.agent CONFIG``: as bootstrap.py, where our packages are importable already."""

from __future__ import annotations

import sys
from pathlib import Path

from retrograd_debug.agent.main import run_from

if __name__ == "__main__":
    sys.exit(run_from(Path(sys.argv[1])))
