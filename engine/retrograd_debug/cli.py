"""The command line: ``retrograd [app|run|show|replay|branch|diff]``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from retrograd_debug.again import branch, replay
from retrograd_debug.diff import diff
from retrograd_debug.log.location import new_log
from retrograd_debug.log.ring import RingError
from retrograd_debug.session.launch import LaunchError, Plan, launch
from retrograd_debug.session.script import script_problem
from retrograd_debug.session.settings import RunSettings, recall
from retrograd_debug.show import show
from retrograd_events import tr

USAGE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in ("app", "run", "show", "replay", "branch", "diff", "-h", "--help", "--version"):
        given.insert(0, "app")
    options = _parser().parse_args(given)
    if options.command == "run":
        return run(Path(options.script), options.args, options.log, options.values, options.engine)
    if options.command == "show":
        return show(options.log, options.json, options.events, options.at)
    if options.command == "replay":
        return replay(options.log, options.to, options.eval, options.tensor, options.json)
    if options.command == "branch":
        return branch(options.log, options.at, options.set, options.output)
    if options.command == "diff":
        return diff(options.left, options.right, options.tolerance, options.json)
    return app(options.arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="retrograd",
        description=tr("A debugger for automatic differentiation. Without a command it opens the app."),
    )
    parser.add_argument("--version", action="version", version=_version())
    commands = parser.add_subparsers(dest="command", required=True)
    window = commands.add_parser("app", help=tr("open the app, on a script or a recorded run"))
    window.add_argument("arguments", nargs=argparse.REMAINDER, metavar="script.py|run.retro")
    record = commands.add_parser("run", help=tr("run a script and record it, without a window"))
    record.add_argument("--log", type=Path, default=None, help=tr("the file to record into"))
    record.add_argument(
        "--values", choices=("none", "sample", "all"), default="all", help=tr("which contents are kept")
    )
    record.add_argument(
        "--engine",
        choices=("retrograd",),
        default="",
        help=tr("give the script our engine where it imports torch (else it gets what it imports)"),
    )
    record.add_argument("script", help=tr("the script, followed by its own arguments"))
    record.add_argument("args", nargs=argparse.REMAINDER).required = False
    text = commands.add_parser("show", help=tr("print a recorded run"))
    text.add_argument("--json", action="store_true", help=tr("as JSON"))
    text.add_argument("--events", default="", metavar="A:B", help=tr("these events instead of the summary"))
    text.add_argument("--at", type=int, default=None, metavar="SEQ", help=tr("the state after this event"))
    text.add_argument("log")
    _add_again(commands)
    return parser


def _add_again(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    again = commands.add_parser("replay", help=tr("run a recorded run again, checked, up to a moment of it"))
    again.add_argument("--to", type=int, default=None, metavar="SEQ", help=tr("hold it after this event"))
    again.add_argument("--eval", action="append", default=[], metavar="EXPR", help=tr("evaluate this there"))
    again.add_argument("--tensor", action="append", type=int, default=[], metavar="ID", help=tr("print this tensor"))
    again.add_argument("--json", action="store_true", help=tr("as JSON"))
    again.add_argument("log")
    other = commands.add_parser("branch", help=tr("go on from a moment of a recorded run, with something changed"))
    other.add_argument("--at", type=int, required=True, metavar="SEQ", help=tr("after this event"))
    other.add_argument(
        "--set", action="append", default=[], metavar="CODE", help=tr("run this there, without gradients")
    )
    other.add_argument("-o", "--output", default=None, metavar="FILE", help=tr("the file to record into"))
    other.add_argument("log")
    two = commands.add_parser("diff", help=tr("say where two recorded runs part, and how far they lie apart"))
    two.add_argument("--tolerance", type=float, default=0.0, help=tr("differences of elements up to this are none"))
    two.add_argument("--json", action="store_true", help=tr("as JSON"))
    two.add_argument("left")
    two.add_argument("right")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("retrograd")
    except PackageNotFoundError:
        return tr("from a source tree")


def app(arguments: Sequence[str]) -> int:
    """Open the app, which is started by name: the debug core knows nothing of it."""
    missing = [name for name in ("PySide6", "pyqtgraph") if importlib.util.find_spec(name) is None]
    if missing or importlib.util.find_spec("retrograd_gui") is None:
        needed = ", ".join(missing) or "retrograd_gui"
        command = f'{sys.executable} -m pip install "retrograd[gui]"'
        text = tr(
            "The app needs {needed}, which is not installed here. Install it with: {command}",
            needed=needed,
            command=command,
        )
        print(text, file=sys.stderr)
        print(tr("Without the app: retrograd run script.py, retrograd show run.retro"), file=sys.stderr)
        return USAGE
    return int(importlib.import_module("retrograd_gui.app").main(list(arguments)) or 0)


def run(script: Path, arguments: list[str], log: Path | None = None, values: str = "all", engine: str = "") -> int:
    """Run ``script`` recorded, with this terminal as its own; its exit code (2: it can't be run)."""
    problem = script_problem(script)
    if problem:
        print(problem, file=sys.stderr)
        return USAGE
    if log is not None and log.exists():
        print(tr("{log} exists already; choose another name.", log=log), file=sys.stderr)
        return USAGE
    kept = recall(script).settings
    settings = RunSettings(kept.interpreter, arguments, "", kept.environment, values, engine or kept.engine)
    try:
        path = log or new_log(script)
        launched = launch(Plan(script=script, log=path, settings=settings))
    except (LaunchError, RingError, OSError) as error:
        print(error, file=sys.stderr)
        return USAGE
    # Ctrl+C in the terminal reaches the script too; it decides, and we wait for what becomes of it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        code = launched.finish()
        if problem := launched.recording_problem():
            print(problem, file=sys.stderr)
    finally:
        signal.signal(signal.SIGINT, before)
        launched.discard()
    if path.exists():
        print(tr("recorded in {path}", path=path), file=sys.stderr)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
