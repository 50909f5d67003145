"""Recording from inside a program: ``with record("run.retro"): ...``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType

from retrograd_debug.agent.agent import Agent
from retrograd_debug.agent.script import outcome_of
from retrograd_debug.agent.values import checked
from retrograd_debug.log.launch import start_recorder
from retrograd_debug.log.ring import DEFAULT_SIZE
from retrograd_debug.log.ring_writer import RingWriter
from retrograd_debug.platform import ring_folder


class record:  # noqa: N801  # used as a statement
    """Record what the engine does inside the ``with`` block into the new file ``path``.

    Args:
        path: the log to write; an existing file is refused.
        values: which contents are kept: ``none``, ``sample`` or ``all`` (see DESIGN: value policies).

    The file is complete when the block is left, also by an exception, which is recorded and goes on.

    Raises:
        ValueError: ``values`` is none of these.
        FileExistsError: ``path`` is there already.
        retrograd_debug.log.ring.RingError: the log can't be written.
        RuntimeError: something records in this process already.
    """

    def __init__(self, path: str | os.PathLike[str], values: str = "all") -> None:
        self.path = Path(path)
        self._values = checked(values)
        self._agent: Agent | None = None

    @property
    def seq(self) -> int:
        """The newest event's number (0 outside the block)."""
        return self._agent.writer.seq if self._agent is not None else 0

    def __enter__(self) -> record:
        from retrograd_events.tap import tap

        if tap.listener is not None:
            raise RuntimeError("this process is recorded already")
        if self.path.exists():
            raise FileExistsError(f"{self.path} exists already")
        descriptor, name = tempfile.mkstemp(prefix="retrograd-", suffix=".ring", dir=ring_folder(DEFAULT_SIZE))
        os.close(descriptor)
        ring = RingWriter.create(name)
        self._recorder = start_recorder(name, self.path)
        try:
            self._recorder.wait_ready()
            script = getattr(sys.modules.get("__main__"), "__file__", None) or ""
            self._agent = Agent(ring, self._values, script)
            self._agent.begin(script, list(sys.argv), {})
        except BaseException:
            self._recorder.stop()
            ring.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        agent = self._agent
        if agent is None or agent.pid != os.getpid():
            return
        self._agent = None
        outcome = outcome_of(error)
        message = ""
        if error is not None and outcome.reason == "exception":
            _, text = agent.exception(error)
            message = f"{type(error).__name__}: {text}" if text else type(error).__name__
        agent.end(outcome.reason, outcome.exit_code, message)
        try:
            self._recorder.wait(30.0)
        except subprocess.TimeoutExpired:
            self._recorder.stop()
        self._recorder.close()
