"""Starts a debuggee with its recorder, and knows how each of them ended."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from retrograd_debug.home import data_folder
from retrograd_debug.log.launch import RecorderProcess, start_recorder
from retrograd_debug.log.ring import DEFAULT_SIZE, Ring, create_ring
from retrograd_debug.platform import ring_folder
from retrograd_debug.session.api import Breakpoint
from retrograd_debug.session.config import AgentConfig, ReplayOf, write_config
from retrograd_debug.session.settings import RunSettings, default_interpreter
from retrograd_events import tr

BOOTSTRAP = Path(__file__).resolve().parent.parent / "agent" / "bootstrap.py"

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class LaunchError(Exception):
    """The script can't be started; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run as it is asked for. ``port`` 0: nobody controls it, and its streams are the launcher's own."""

    script: Path
    log: Path
    settings: RunSettings = field(default_factory=RunSettings)
    port: int = 0
    token: bytes = b""
    hold_at_start: bool = False
    hold_on_exception: bool = False
    hold_at_end: bool = False
    breakpoints: tuple[Breakpoint, ...] = ()
    replay: ReplayOf | None = None
    environment: dict[str, str] | None = None
    """All of the script's environment, where it is not this process's with the settings' additions."""


class Launched:
    """A debuggee and its recorder."""

    def __init__(
        self, plan: Plan, process: subprocess.Popen[bytes], recorder: RecorderProcess, ring: Ring, folder: Path
    ) -> None:
        self.plan = plan
        self.ring = ring
        self.process = process
        self.recorder = recorder
        self._folder = folder
        self._errors = folder / "stderr.txt"
        self._over = False
        self.stop_asked = False
        """A person wants the process to end, however it does."""
        self._committed = 0

    @property
    def committed(self) -> int:
        """The newest event known to be in the log."""
        return self._committed if self._over else self.ring.committed

    def said(self) -> str:
        """What the process wrote to stderr under its own control, at most the last 4,000 bytes."""
        try:
            return self._errors.read_bytes()[-4000:].decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def finish(self, timeout: float = 10.0) -> int:
        """The process has ended: tell the recorder how, and wait until the log is finished. Its return code."""
        code = self.process.wait()
        self.ring.report_exit(code, self.stop_asked)
        if not self.ring.writer_pid:
            self.ring.mark_closed()
        try:
            self.recorder.wait(timeout)
        except subprocess.TimeoutExpired:
            self.recorder.stop()
        return code

    def recording_problem(self) -> str:
        """Why the log ends before the script does, as a sentence ("" when it doesn't)."""
        problem = "" if self._over else self.recorder.problem()
        return tr("The recording broke off, and the log ends there. {reason}", reason=problem) if problem else ""

    def discard(self) -> None:
        """Let go of the pipes and the private folder."""
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()
        self._committed = self.ring.committed
        self._over = True
        self.ring.unmap()
        self.recorder.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def launch(plan: Plan) -> Launched:
    """Start the recorder, then the script in the interpreter that its settings name. ``LaunchError``, ``RingError``."""
    settings = plan.settings
    interpreter = settings.interpreter or default_interpreter(plan.script)
    folder = Path(tempfile.mkdtemp(prefix="retrograd-"))
    try:
        path = create_ring(ring_folder(DEFAULT_SIZE) / f"{folder.name}.ring")
        ring = Ring.open(path)
        recorder = start_recorder(path, plan.log)
        try:
            recorder.wait_ready()
            process = _start(plan, interpreter, path, folder)
        except BaseException:
            recorder.stop()
            recorder.close()
            raise
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return Launched(plan, process, recorder, ring, folder)


def environment_of(settings: RunSettings) -> dict[str, str]:
    """The environment of the script: this one, the settings' additions, and what makes a run repeatable."""
    environment = {**os.environ, **settings.environment}
    environment.setdefault("PYTHONHASHSEED", "0")
    count = str(_usable_cpus())
    for name in THREAD_VARIABLES:
        environment.setdefault(name, count)
    return environment


def support_folder() -> Path | None:
    """A folder that holds msgspec alone, for interpreters of this Python's version that have none; None when the
    app's own can't be copied."""
    spec = importlib.util.find_spec("msgspec")
    if spec is None or spec.origin is None:
        return None
    tag = sys.implementation.cache_tag or "python"
    folder = data_folder() / "support" / f"{tag}-{importlib.metadata.version('msgspec')}"
    if not (folder / "msgspec").is_dir():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            half = Path(tempfile.mkdtemp(dir=folder))
            shutil.copytree(Path(spec.origin).parent, half / "msgspec", ignore=shutil.ignore_patterns("__pycache__"))
            (half / "msgspec").rename(folder / "msgspec")
            half.rmdir()
        except OSError:
            return None
    return folder


def _usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _told(plan: Plan, interpreter: str) -> dict[str, str]:
    """What the run's first event says beside what the agent finds out by itself."""
    told = {"interpreter": interpreter, "engine.given": plan.settings.engine}
    if plan.replay is not None and plan.replay.parent:
        told.update({"parent": plan.replay.parent, "parent.seq": str(plan.replay.seq)})
    return told


def _start(plan: Plan, interpreter: str, ring: Path, folder: Path) -> subprocess.Popen[bytes]:
    controlled = plan.port != 0
    config = AgentConfig(
        script=(plan.replay.script if plan.replay is not None else "") or str(plan.script),
        args=plan.settings.args,
        ring=str(ring),
        values=plan.settings.values,
        port=plan.port,
        token=plan.token,
        hold_at_start=plan.hold_at_start,
        hold_on_exception=plan.hold_on_exception,
        hold_at_end=plan.hold_at_end,
        feed_stdin=controlled,
        breakpoints=list(plan.breakpoints),
        environment=_told(plan, interpreter),
        engine=plan.settings.engine,
        replay=plan.replay,
    )
    path = write_config(config, folder)
    command = [interpreter, str(BOOTSTRAP), str(path)]
    if interpreter != sys.executable and (support := support_folder()) is not None:
        command += [sys.implementation.cache_tag or "", str(support)]
    with open(os.devnull, "wb") as null, open(folder / "stderr.txt", "wb") as errors:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.PIPE if controlled else None,
                stdout=null if controlled else None,
                stderr=errors if controlled else None,
                cwd=plan.settings.cwd or None,
                env=environment_of(plan.settings) if plan.environment is None else plan.environment,
                # A Ctrl+C in the terminal that the app was started from is not meant for the script.
                start_new_session=controlled and sys.platform != "win32",
            )
        except OSError as error:
            raise LaunchError(f"{interpreter}: {error.strerror or error}") from error
