"""A session over a script that runs: starts it, commands it, and knows how it ended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from retrograd_debug.log.api import Value
from retrograd_debug.log.arrays import from_bytes
from retrograd_debug.log.location import delete_run as remove_log
from retrograd_debug.log.location import new_log
from retrograd_debug.log.reader import open_log
from retrograd_debug.log.ring import RingError
from retrograd_debug.session import ending
from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointsResolved,
    CancelEvaluation,
    Command,
    Continue,
    Edit,
    Evaluate,
    Evaluated,
    FeedInput,
    FetchValue,
    InputWanted,
    ListLocals,
    LocalsListed,
    Noted,
    Pause,
    Phase,
    Restart,
    SetBreakpoints,
    Step,
    Stop,
    StopProgress,
    ValueFetched,
    Verb,
)
from retrograd_debug.session.base import SessionBase, View
from retrograd_debug.session.greeting import accept
from retrograd_debug.session.launch import Launched, LaunchError, Plan, launch
from retrograd_debug.session.lines import resolve
from retrograd_debug.session.protocol import (
    AgentCommand,
    AgentNotice,
    Channel,
    EditDone,
    Ending,
    EvaluationDone,
    Held,
    Hello,
    InputState,
    Locals,
    NoteWritten,
    ProtocolError,
    Refused,
    Resolved,
    Resumed,
    Said,
    StackShown,
    ValueBytes,
    new_token,
)
from retrograd_debug.session.script import file_problem
from retrograd_debug.session.settings import RunSettings, recall, remember_breakpoints
from retrograd_debug.session.words import exit_words, lost_words
from retrograd_events import tr
from retrograd_events.events import Seq, TensorId


class LiveSession(SessionBase):
    """One script, and one run of it after the other."""

    def __init__(
        self,
        script: Path,
        settings: RunSettings | None = None,
        log: Path | None = None,
        hold_at_start: bool = True,
        hold_on_exception: bool = True,
        hold_at_end: bool = False,
        breakpoints: list[Breakpoint] | None = None,
        plan: Plan | None = None,
    ) -> None:
        """Start ``script``. ``settings`` and ``breakpoints`` default to what is remembered of it; ``log`` to a new file
        in the user's data folder; ``plan`` takes the place of all that. What goes wrong is told by the phase LOST and
        its message, never raised."""
        super().__init__(script.name)
        memory = recall(script)
        self._keep_breakpoints = breakpoints is None and plan is None
        self._plan = plan or Plan(
            script=script.absolute(),
            log=log or new_log(script),
            settings=settings or memory.settings,
            hold_at_start=hold_at_start,
            hold_on_exception=hold_on_exception,
            hold_at_end=hold_at_end,
            breakpoints=tuple(memory.breakpoints if breakpoints is None else breakpoints),
        )
        self._launched: Launched | None = None
        self._channel: Channel[AgentNotice] | None = None
        self._workers: list[threading.Thread] = []
        self._ending: Ending | None = None
        self._stopping = self._restarting = self._told_broken = False
        self._start_threads()
        self._inbox.put(self._start)

    @property
    def log_path(self) -> Path:
        """The file that this run is recorded into."""
        return self._plan.log

    @property
    def pid(self) -> int:
        """The script's process (0: none runs)."""
        launched = self._launched
        return launched.process.pid if launched is not None and launched.process.poll() is None else 0

    @property
    def recorder_pid(self) -> int:
        """The process that writes the log (0: none has come yet)."""
        return self._launched.recorder.pid if self._launched is not None else 0

    # --- starting and ending a run

    def _start(self) -> None:
        self._set(Phase.STARTING, None, tr("importing {name}", name=self._plan.script.name))
        self._ending, self._stopping, self._told_broken = None, False, False
        self._drop_log()
        if self._plan.replay is None and (problem := file_problem(self._plan.script)):
            self._set(Phase.LOST, None, problem)
            return
        server = socket.create_server(("127.0.0.1", 0))
        token = new_token()
        try:
            launched = launch(replace(self._plan, port=server.getsockname()[1], token=token))
        except (LaunchError, RingError, OSError) as error:
            server.close()
            self._set(Phase.LOST, None, str(error))
            return
        self._launched = launched
        self._workers = [
            threading.Thread(target=self._listen, args=(server, token, launched), name="session-agent", daemon=True),
            threading.Thread(target=self._watch, args=(launched,), name="session-process", daemon=True),
        ]
        for worker in self._workers:
            worker.start()

    def _drop_log(self) -> None:
        """Let go of the log of the run before, and of what would open it again."""
        self._launched = None
        old, self._log = self._log, None
        if old is not None:
            old.close()
        self._forget_events()
        self._move(Seq(0), live=True)

    def _refresh(self, view: View) -> bool:
        """Look for new events. The log is opened with its first commit: before that it can't be told from a copy that
        lacks its WAL."""
        launched = self._launched
        if self._log is None:
            if launched is None or not launched.committed:
                return False
            self._log = open_log(launched.plan.log)
            return True
        return super()._refresh(view)

    def _listen(self, server: socket.socket, token: bytes, launched: Launched) -> None:
        """Take the agent's notices until the connection ends."""
        channel = accept(server, token, lambda: launched.process.poll() is None and not self._closing)
        server.close()
        if channel is None:
            return
        self._channel = channel
        if self._phase is Phase.STARTING:
            self._set(Phase.RUNNING)
        try:
            while (notice := channel.receive()) is not None:
                self._take(notice)
        except ProtocolError as error:
            self._fail(tr("The script's process sent something unreadable: {reason}", reason=error))
        self._channel = None
        channel.close()

    def _watch(self, launched: Launched) -> None:
        """Wait for the process's end, and say what it was."""
        code = launched.finish()
        self._tell_broken(launched)
        said = launched.said()
        launched.discard()
        for worker in self._workers:
            if worker is not threading.current_thread():
                worker.join(5.0)
        phase, message = self._verdict(code, said)
        self._tell(InputWanted(False))
        self._set(phase, None, message)
        if self._restarting and not self._closing:
            self._restarting = False
            self._inbox.put(self._start_again)

    def _tell_broken(self, launched: Launched) -> None:
        """Say, once, that nothing is recorded any more."""
        if not self._told_broken and (problem := launched.recording_problem()):
            self._told_broken = True
            self._fail(problem)

    def _verdict(self, code: int, said: str) -> tuple[Phase, str]:
        self._refresh(self._view())
        log = self._log
        if self._stopping:
            index = log.iterations[-1].index if log is not None and log.iterations else 0
            return Phase.ENDED, tr("stopped by you in iteration {index}", index=index)
        if self._ending is not None:
            return Phase.ENDED, self._ending.message or exit_words(log, self._ending.exit_code)
        head = log.head if log is not None else 0
        if log is None or log.run is None:
            self._drop_log()
            remove_log(self._plan.log)
            return Phase.LOST, said or tr("the script's process ended with code {code} before its start", code=code)
        return Phase.LOST, lost_words(code, head)

    def _start_again(self) -> None:
        self._plan = replace(self._plan, log=new_log(self._plan.script), settings=recall(self._plan.script).settings)
        self._start()

    def _shut_down(self) -> None:
        """End the script as fast as is decent: interrupt, terminate after 1 s, kill after 2."""
        self._restarting = False
        launched = self._launched
        if launched is None:
            return
        process = launched.process
        if process.poll() is None:
            self._stopping = launched.stop_asked = True
            ending.ask(process, self._channel)
            ending.end_soon(process)
        for worker in self._workers:
            worker.join(10.0)

    # --- what the agent says

    def _take(self, notice: AgentNotice) -> None:
        match notice:
            case Held(hold=hold) | EditDone(hold=hold):
                self._set(Phase.HELD, hold)
                if self._launched is not None:
                    self._tell_broken(self._launched)
            case Resumed():
                self._set(Phase.RUNNING)
            case StackShown(hold=hold):
                if self._phase is Phase.RUNNING:
                    words = tr(
                        "no operation runs; the script is at line {line} and is held at its next one", line=hold.line
                    )
                    self._set(Phase.RUNNING, hold, words)
            case Said(text=text) | Refused(text=text):
                self._fail(text)
            case NoteWritten(breakpoint=breakpoint, text=text):
                self._tell(Noted(breakpoint, text))
            case EvaluationDone(request=request, text=text, error=error):
                self._tell(Evaluated(request, text, error))
            case Locals(request=request, variables=variables):
                self._tell(LocalsListed(request, variables))
            case Resolved(statuses=statuses):
                self._tell(BreakpointsResolved(statuses))
            case InputState(wanted=wanted):
                self._tell(InputWanted(wanted))
                self._set(self._phase, self._hold, tr("the script waits for input") if wanted else "")
            case Ending():
                self._ending = notice
            case ValueBytes():
                self._tell_value(notice)
            case Hello():
                raise ProtocolError("a second hello")

    def _tell_value(self, notice: ValueBytes) -> None:
        value = None
        if notice.kind:
            array = from_bytes(notice.data, notice.dtype, notice.shape if notice.kind == "all" else None)
            value = Value(
                TensorId(notice.tensor),
                notice.version,
                notice.kind,
                notice.shape,
                notice.dtype,
                notice.stride,
                "",
                array,
            )
        self._tell(ValueFetched(notice.lane, notice.request, value, notice.reason))

    # --- commands

    def _verbs(self, view: View) -> frozenset[Verb]:
        verbs = {Verb.STEP_BACK, Verb.SEEK, Verb.SET_BREAKPOINTS}
        if self._plan.replay is None:
            verbs |= {Verb.RESTART, Verb.REPLAY}
        if view.phase in (Phase.STARTING, Phase.RUNNING, Phase.HELD):
            verbs |= {Verb.STOP}
        if view.phase in (Phase.RUNNING, Phase.HELD):
            verbs |= {Verb.FEED_INPUT}
        if view.phase is Phase.RUNNING:
            verbs |= {Verb.PAUSE}
        if view.phase is Phase.HELD:
            verbs |= {Verb.CONTINUE}
            if view.live:
                verbs |= {Verb.EDIT, Verb.EVALUATE}
        if view.phase is not Phase.STARTING and (view.phase is not Phase.RUNNING or not view.live):
            verbs |= {Verb.STEP}
        return frozenset(verbs)

    def _carry_out(self, command: Command) -> None:
        match command:
            case Continue() | Step():
                self._go(command)
            case Pause():
                self._send(Pause())
            case Stop():
                self._stop()
            case Restart():
                self._restart()
            case SetBreakpoints(breakpoints=breakpoints):
                self._set_breakpoints(breakpoints)
            case Edit() | Evaluate():
                self._send_held(command)
            case CancelEvaluation():
                self._send(command)
            case ListLocals():
                if self._phase is Phase.HELD:
                    self._send(command)
            case FeedInput(text=text, end=end):
                self._feed(text, end)
            case _:
                pass

    def _go(self, command: Continue | Step) -> None:
        if self._phase is Phase.HELD:
            # before it is sent: a short step may be held again before this line is left
            hold = self._hold
            self._set(Phase.RUNNING)
            if not self._send(command):
                self._set(Phase.HELD, hold)
        elif self._phase is Phase.RUNNING and isinstance(command, Continue):
            self._send(command)
        else:
            self._fail(tr("The script is not held."))

    def _send(self, command: AgentCommand) -> bool:
        channel = self._channel
        if channel is None or not channel.send(command):
            self._fail(tr("The script does not run."))
            return False
        return True

    def _send_held(self, command: Edit | Evaluate) -> None:
        text = ""
        if self._looking_back:
            text = tr("Values and expressions belong to the script's own place: return or branch.")
        elif self._phase is not Phase.HELD:
            text = tr("The script is not held; pause it first.")
        if text:
            self._tell(Evaluated(command.request, "", text)) if isinstance(command, Evaluate) else self._fail(text)
        else:
            self._send(command)

    def _set_breakpoints(self, breakpoints: list[Breakpoint]) -> None:
        self._plan = replace(self._plan, breakpoints=tuple(breakpoints))
        if self._keep_breakpoints:
            remember_breakpoints(self._plan.script, breakpoints)
        channel = self._channel
        if channel is not None:
            channel.send(SetBreakpoints(breakpoints))
        else:
            self._tell(BreakpointsResolved(resolve(breakpoints)))

    def _feed(self, text: str, end: bool) -> None:
        launched = self._launched
        stdin = launched.process.stdin if launched is not None else None
        if stdin is None or stdin.closed:
            self._fail(tr("The script takes no input."))
            return
        try:
            if text or not end:
                stdin.write((text if text.endswith("\n") else text + "\n").encode())
                stdin.flush()
            if end:
                stdin.close()
        except OSError:
            self._fail(tr("The script takes no input any more."))

    def _fetch_live(self, command: FetchValue) -> bool:
        channel = self._channel
        return self._phase is Phase.HELD and channel is not None and channel.send(command)

    def _set_now(self) -> Sequence[Breakpoint]:
        return self._plan.breakpoints

    # --- stopping

    def _stop(self) -> None:
        """Interrupt; terminate after 2 s; kill after 5. Each step is said."""
        launched = self._launched
        if launched is None or launched.process.poll() is not None:
            self._fail(tr("The script does not run."))
            return
        self._stopping = launched.stop_asked = True
        self._tell(StopProgress(tr("asked to stop")))
        ending.ask(launched.process, self._channel)
        say = lambda words: self._tell(StopProgress(words))  # noqa: E731
        threading.Thread(target=ending.insist, args=(launched.process, say), name="session-stop", daemon=True).start()

    def _restart(self) -> None:
        if self._plan.replay is not None:
            self._fail(tr("This is a replay; open its script to run it again."))
            return
        launched = self._launched
        if launched is not None and launched.process.poll() is None:
            self._restarting = True
            self._stop()
        else:
            self._start_again()

    def _growing(self) -> bool:
        return self._phase in (Phase.STARTING, Phase.RUNNING)
