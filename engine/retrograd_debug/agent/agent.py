"""The agent: what listens to the engine inside the script's process, put together.

It serves two masters: ``main`` (a script in a process of its own, perhaps controlled by a session) and ``record`` (a
stretch of a program that goes on).
"""

from __future__ import annotations

import importlib
import os
import platform
import re
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TextIO, Union, cast

from retrograd_debug.adapters.base import Source
from retrograd_debug.agent.entropy import keep_states
from retrograd_debug.agent.frames import Frames
from retrograd_debug.agent.gate import Gate
from retrograd_debug.agent.sites import Sites
from retrograd_debug.agent.streams import OutputBuffer
from retrograd_debug.agent.threads import Threads
from retrograd_debug.agent.values import ValueRecorder
from retrograd_debug.agent.writer import EventRing, EventWriter, Flusher
from retrograd_debug.session.api import Frame

RUN_STARTED, RUN_ENDED, OUTPUT_WRITTEN, WARNING_ISSUED, EXCEPTION_RAISED = 1, 2, 24, 25, 26

ADAPTER = "retrograd_debug.adapters.retrograd"

OUR_THREADS = "retrograd-"
"""What the names of the agent's own threads begin with."""

_FORK_WARNING = re.compile(r"This process \(pid=\d+\) is multi-threaded")
"""What Python 3.12 and newer say of a fork beside other threads."""

BLAS_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS",
)  # fmt: skip


class Agent:
    """The parts that record; the gate is there in any case and never armed unless somebody controls it."""

    def __init__(self, ring: EventRing, values: str, script: str = "") -> None:
        self.pid = os.getpid()
        self.threads = Threads()
        self.frames = Frames(script)
        self.writer = EventWriter(ring, self.threads)
        self.sites = Sites(self.frames, self.writer)
        self.values = ValueRecorder(self.writer, values)
        self.gate = Gate(self.writer, self.frames, lambda: self.source.iteration, self._muted)
        self.output = OutputBuffer(self._output, self._before_next)
        self.source: Source = cast("Callable[[Agent], Source]", importlib.import_module(ADAPTER).source)(self)
        self.policy = values
        self._flusher = Flusher(self._flush)
        self._ended = False
        self._on_fork: list[Callable[[], None]] = []
        self._showwarning: Callable[..., None] | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    def begin(self, script: str, argv: list[str], environment: dict[str, str]) -> None:
        """Write that the run starts, and listen."""
        known = {name: os.environ[name] for name in ("PYTHONHASHSEED", *BLAS_VARIABLES) if name in os.environ}
        environment = {
            **environment,
            **known,
            "platform": platform.platform(),
            "numpy": _version("numpy"),
            **keep_states(),
        }
        self.writer.emit(
            RUN_STARTED,
            (
                os.path.abspath(script) if script else "",
                argv,
                os.getcwd(),
                os.getpid(),
                platform.python_version(),
                self.source.name,
                self.source.version,
                self.policy,
                time.time(),
                environment,
            ),
        )
        self._listen_to_warnings()
        self._flusher.start()
        self.source.attach()

    def end(self, reason: str, exit_code: int, message: str) -> None:
        """Listen no more, and write that the run ended. Only the first call counts, and only in this process."""
        if self._ended or os.getpid() != self.pid:
            return
        self._ended = True
        self.source.detach()
        self._flusher.stop()
        if self._showwarning is not None:
            warnings.showwarning = self._showwarning
        self.output.flush()
        self.writer.emit(RUN_ENDED, (reason, exit_code, 0, message))
        self.writer.close()

    def _muted(self) -> AbstractContextManager[None]:
        return self.source.world()

    def on_fork(self, action: Callable[[], None]) -> None:
        """Call ``action`` in every forked child."""
        self._on_fork.append(action)

    def exception(self, error: BaseException) -> tuple[list[Frame], str]:
        """Write that ``error`` left the script; returns the user's frames, outermost first, and the message."""
        frames = self.frames.of_traceback(error.__traceback__)
        described = self.frames.describe(frames)
        if isinstance(error, SyntaxError) and error.filename and error.lineno:
            text = (error.text or "").strip()
            described.append(Frame(self.frames.path(error.filename), error.lineno, "<module>", text))
        last = described[-1] if described else None
        site = self.sites.at(last.file, last.line, last.function, len(described)) if last is not None else 0
        op, inputs, node = self.source.origin(error)
        message = str(error)
        trace = [(each.file, each.line, each.function, each.text) for each in described]
        self.writer.emit(EXCEPTION_RAISED, (type(error).__name__, message, site, trace, op, inputs, node))
        return described, message

    def _flush(self) -> None:
        self.output.flush_old()
        if self.writer.pending:
            self.writer.flush()

    def _output(self, stream: str, text: str) -> None:
        self.writer.emit(OUTPUT_WRITTEN, (stream, text))

    def _before_next(self, flush: Callable[[], None]) -> None:
        self.writer.before = flush

    def _listen_to_warnings(self) -> None:
        original = warnings.showwarning

        def showwarning(
            message: Union[Warning, str],
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if _FORK_WARNING.match(str(message)) and _only_ours():
                return  # it is of our threads that Python warns: without us the script would not hear it
            if os.getpid() == self.pid and not self._ended:
                site = self.sites.at(self.frames.path(filename), lineno, "")
                self.writer.emit(WARNING_ISSUED, (category.__name__, str(message), site))
            original(message, category, filename, lineno, file, line)

        self._showwarning = original
        warnings.showwarning = showwarning

    def _forked(self) -> None:
        """In a forked child: run unrecorded, hold nowhere, leave the parent's log and connection alone."""
        if self._ended:
            return
        self._ended = True
        self.source.detach()
        self.gate.abandon()
        self.writer.abandon()
        for action in self._on_fork:
            action()


def user_traceback(frames: list[Frame], error: BaseException) -> str:
    """The traceback as Python prints it, with the user's frames only."""
    lines = ["Traceback (most recent call last):"]
    for each in frames:
        lines.append(f'  File "{each.file}", line {each.line}, in {each.function}')
        if each.text:
            lines.append(f"    {each.text}")
    message = str(error)
    lines.append(f"{type(error).__name__}: {message}" if message else type(error).__name__)
    return "\n".join(lines) + "\n"


def on_our_thread() -> bool:
    """Whether the calling thread is one of the agent's own."""
    return threading.current_thread().name.startswith(OUR_THREADS)


def _only_ours() -> bool:
    """Whether the script has no thread but its main one."""
    others = [each for each in threading.enumerate() if each is not threading.main_thread()]
    return all(each.name.startswith(OUR_THREADS) for each in others)


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return "?"
