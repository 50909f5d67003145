"""Starts the app: command line, then what can keep Qt from starting, each said in a sentence, then the window.

Qt is imported late: where its libraries are missing, that is one of the sentences.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from retrograd_debug.home import VARIABLE
from retrograd_events.text import tr
from retrograd_gui.display import why_not
from retrograd_gui.theme.loading import NAMES

CANNOT_START = 3


def parser() -> argparse.ArgumentParser:
    """The command line of the app."""
    result = argparse.ArgumentParser(prog="retrograd app", description=tr("A debugger for automatic differentiation."))
    result.add_argument("file", nargs="?", type=Path, help=tr("a Python script or a recorded run (.retro)"))
    result.add_argument("--theme", choices=NAMES, help=tr("appearance; kept for the next start"))
    result.add_argument("--offscreen", action="store_true", help=tr("run without a screen"))
    result.add_argument("--screenshot", type=Path, metavar="PNG", help=tr("save a picture of the window and exit"))
    result.add_argument("--steps", type=int, metavar="N", help=tr("operations to run before the picture is taken"))
    result.add_argument("--size", type=_size, default=None, metavar="WxH", help=tr("size of the window"))
    result.add_argument("--home", type=Path, metavar="FOLDER", help=tr("folder for settings and logs"))
    return result


def main(argv: Sequence[str] | None = None) -> int:
    """Run the app; returns its exit code."""
    options = parser().parse_args(argv)
    if options.home is not None:
        os.environ[VARIABLE] = str(options.home.absolute())
    if options.offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    problem = why_not()
    if problem:
        sys.stderr.write(problem + "\n")
        return CANNOT_START
    from retrograd_gui.run_app import run

    return run(options.file, options.theme, options.screenshot, options.steps, options.size)


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise argparse.ArgumentTypeError(tr("write a size as 1440x900"))
    return int(width), int(height)
