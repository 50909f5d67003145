"""An expression or statement of the person's, run by the held thread in a frame of the script."""

from __future__ import annotations

import ast
import contextlib
import ctypes
import io
import sys
import threading
import time
import traceback
from types import FrameType

from retrograd_events import tr

LIMIT = 100_000
"""Characters of a result that are shown."""

SETTLING = 100
"""Turns that a late cancel is given to arrive in."""


class EvaluationCancelled(BaseException):
    """Raised in the held thread to end an evaluation; no ``except Exception`` of the script's swallows it."""


class Evaluator:
    """Runs one evaluation at a time, in the thread that calls ``run``; ``cancel`` comes from another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None
        self._cancelled = False

    def run(self, text: str, frame: FrameType | None) -> tuple[str, str, bool]:
        """(what it printed and its value's repr, an error as a sentence, whether it was a statement)."""
        try:
            parsed, statement = _parse(text)
        except (SyntaxError, ValueError) as wrong:
            return "", tr("syntax error: {reason}", reason=wrong), False
        printed = io.StringIO()
        error = ""
        value: object = None
        with self._lock:
            self._thread, self._cancelled = threading.get_ident(), False
        try:
            try:
                with contextlib.redirect_stdout(printed):
                    value = _run(parsed, frame)
                    result = "" if statement or value is None else repr(value)
            finally:
                self._finish()
        except EvaluationCancelled:
            result, error = "", tr("cancelled")
        except BaseException as raised:  # noqa: BLE001  # whatever the person's text raises is the answer
            result, error = "", "".join(traceback.format_exception_only(type(raised), raised)).strip()
        shown = printed.getvalue() + result
        if len(shown) > LIMIT:
            shown = shown[:LIMIT] + tr("\n… {rest} characters more", rest=f"{len(shown) - LIMIT:,}")
        return shown, error, statement

    def cancel(self) -> None:
        """Interrupt the evaluation that runs, if one does."""
        with self._lock:
            if self._thread is not None:
                self._cancelled = True
                _raise_in(self._thread, EvaluationCancelled)

    def _finish(self) -> None:
        with self._lock:
            self._thread = None
            cancelled = self._cancelled
        if cancelled:
            # a cancel that came too late is let out here. Taking it back (SetAsyncExc with NULL) would leave Python
            # 3.11's interrupt flag raised for good, and the thread spinning as soon as a line breakpoint traces it
            for _ in range(SETTLING):
                time.sleep(0)


def _raise_in(thread: int, error: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(error))


def _parse(text: str) -> tuple[ast.Expression | ast.Module, bool]:
    try:
        return ast.parse(text.strip(), "<console>", "eval"), False
    except SyntaxError:
        return ast.parse(text, "<console>", "exec"), True


def _run(parsed: ast.Expression | ast.Module, frame: FrameType | None) -> object:
    if frame is None:
        scope: dict[str, object] = vars(sys.modules["__main__"])
        names = scope
    else:
        scope = frame.f_globals
        names = frame.f_locals  # a mapping that writes through from Python 3.13 on
    if isinstance(parsed, ast.Expression):
        return eval(compile(parsed, "<console>", "eval"), scope, names)  # noqa: S307  # the person typed it
    try:
        exec(compile(parsed, "<console>", "exec"), scope, names)  # noqa: S102  # the person typed it
    finally:
        if frame is not None and names is not scope and sys.version_info < (3, 13):
            ctypes.pythonapi.PyFrame_LocalsToFast(ctypes.py_object(frame), ctypes.c_int(0))
    return None
