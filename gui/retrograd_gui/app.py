"""Starts the app: command line, Qt, fonts, theme, window."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QApplication

from retrograd_events.text import tr
from retrograd_gui.main_window import MainWindow
from retrograd_gui.settings import Settings
from retrograd_gui.theme.fonts import install_fonts
from retrograd_gui.theme.icons import app_icon
from retrograd_gui.theme.loading import NAMES


def parser() -> argparse.ArgumentParser:
    """The command line of the app."""
    result = argparse.ArgumentParser(prog="retrograd app", description=tr("A debugger for automatic differentiation."))
    result.add_argument("file", nargs="?", type=Path, help=tr("a Python script or a recorded run (.retro)"))
    result.add_argument("--theme", choices=NAMES, help=tr("appearance; kept for the next start"))
    result.add_argument("--offscreen", action="store_true", help=tr("run without a screen"))
    result.add_argument("--screenshot", type=Path, metavar="PNG", help=tr("save a picture of the window and exit"))
    result.add_argument("--size", default="1440x900", help=tr("size of the window, width x height"))
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns its exit code."""
    options = parser().parse_args(argv)
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Retrograd")
    install_fonts(app)
    app.setWindowIcon(app_icon())
    settings = Settings()
    window = MainWindow(settings, options.theme or settings.text("theme", "dark"))
    window.set_theme(window.context.theme.name)
    width, _, height = options.size.partition("x")
    window.resize(int(width), int(height))
    window.show()
    if options.screenshot is not None:
        app.processEvents()
        saved = window.grab().save(str(options.screenshot))
        window.close()
        return 0 if saved else 1
    return app.exec()
