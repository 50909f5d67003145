"""Where the person's own files lie: settings, and logs of runs. ``RETROGRAD_HOME`` moves both (tests, portable use)."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "RETROGRAD_HOME"


def config_folder() -> Path:
    """Settings of the app and of scripts."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) / "config" if chosen else platformdirs.user_config_path("retrograd", appauthor=False)


def data_folder() -> Path:
    """Logs of runs, and what the app keeps for itself."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) / "data" if chosen else platformdirs.user_data_path("retrograd", appauthor=False)
