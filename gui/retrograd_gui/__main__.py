"""``python -m retrograd_gui`` opens the app."""

from __future__ import annotations

import sys

from retrograd_gui.app import main

if __name__ == "__main__":
    sys.exit(main())
