"""``retrograd replay`` and ``retrograd branch``: a recorded run happens again."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from retrograd_debug.log.api import LogError, Value
from retrograd_debug.log.location import new_log
from retrograd_debug.log.ring import RingError
from retrograd_debug.session.api import Hold
from retrograd_debug.session.launch import LaunchError
from retrograd_debug.session.replaying import Replay, ReplayError, Report
from retrograd_debug.session.status import status
from retrograd_events import tr

DIFFERS, USAGE = 1, 2


def replay(log: str, to: int | None, expressions: Sequence[str], tensors: Sequence[int], as_json: bool) -> int:
    """Replay ``log`` up to event ``to`` (None: its end) and say what was found there; 0 when it is the same run."""
    try:
        with Replay(log, to) as again:
            report = again.wait()
            hold = again.hold
            found = _asked(again, expressions, tensors) if hold is not None else {}
            if as_json:
                print(json.dumps(_as_json(report, hold, found)))
            else:
                _print(again, report, found)
                if hold is not None and to is not None and not found and sys.stdin.isatty():
                    _converse(again)
            return 0 if report.equal else DIFFERS
    except (LogError, LaunchError, RingError, OSError) as error:
        print(error, file=sys.stderr)
        return USAGE


def branch(log: str, at: int, changes: Sequence[str], output: str | None) -> int:
    """Replay ``log`` up to event ``at``, make the changes there and go on, recorded into ``output``; the script's exit
    code (1: there is no branch)."""
    try:
        target = Path(output) if output else new_log(Path(log))
        if target.exists():
            print(tr("{log} exists already; choose another name.", log=target), file=sys.stderr)
            return USAGE
        with Replay(log, at, changes, branch=target, echo=_echo) as again:
            report = again.wait()
            snapshot = again.session.snapshot()
        if not report.equal:
            print(tr("There is no branch. {why}", why=report.verdict()), file=sys.stderr)
            target.unlink(missing_ok=True)
            shutil.rmtree(again.files, ignore_errors=True)
            return DIFFERS
        print(tr("recorded in {path}", path=target), file=sys.stderr)
        if again.files.exists() and any(again.files.iterdir()):
            print(tr("its files are in {path}", path=again.files), file=sys.stderr)
        elif again.files.exists():
            again.files.rmdir()
        ended = snapshot.log.ended if snapshot.log is not None else None
        return ended.exit_code if ended is not None else 0
    except (LogError, LaunchError, RingError, OSError) as error:
        print(error, file=sys.stderr)
        return USAGE


def _echo(stream: str, text: str) -> None:
    target = sys.stderr if stream == "stderr" else sys.stdout
    target.write(text)
    target.flush()


def _asked(again: Replay, expressions: Sequence[str], tensors: Sequence[int]) -> dict[str, str]:
    found = {}
    for text in expressions:
        try:
            found[text] = again.evaluate(text)
        except ReplayError as error:
            found[text] = str(error)
    for tensor in tensors:
        try:
            found[f"#{tensor}"] = _contents(again.value(tensor))
        except ReplayError as error:
            found[f"#{tensor}"] = str(error)
    return found


def _contents(value: Value) -> str:
    return f"v{value.version} {value.dtype} {list(value.shape)}\n{value.array}"


def _as_json(report: Report, hold: Hold | None, found: dict[str, str]) -> dict[str, object]:
    place = None
    if hold is not None:
        place = {"kind": hold.kind, "name": hold.name, "iteration": hold.iteration, "file": hold.file,
                 "line": hold.line}  # fmt: skip
    return {"equal": report.equal, "report": asdict(report), "held": place, "found": found}


def _print(again: Replay, report: Report, found: dict[str, str]) -> None:
    print(report.verdict())
    print(tr("Replayed by running the script again from its beginning."))
    if again.hold is not None and again.to is not None:
        print(_place(again))
    for text, answer in found.items():
        print(f"{text} = {answer}")


def _place(again: Replay) -> str:
    """Where it stands, in a sentence."""
    _, sentence = status(again.session.snapshot())
    return tr("It stands {sentence}.", sentence=sentence)


def _converse(again: Replay) -> None:
    """Take expressions from the terminal until it ends."""
    from retrograd_debug.session.api import StepKind

    print(tr("Type an expression, or .op, .into, .out, .node, .iteration to step; Ctrl+D ends."))
    steps = {f".{kind.value}": kind for kind in StepKind}
    while True:
        try:
            text = input("> ").strip()
        except EOFError:
            print()
            return
        try:
            if text in steps:
                hold = again.step(steps[text])
                print(_place(again) if hold is not None else tr("The script has ended."))
                if hold is None:
                    return
            elif text:
                print(again.evaluate(text))
        except ReplayError as error:
            print(error)
