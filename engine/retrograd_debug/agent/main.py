"""The debuggee's main program: records the script, and obeys the session that controls it."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from retrograd_debug.adapters.base import EditError
from retrograd_debug.agent import script as scripts
from retrograd_debug.agent.agent import Agent, on_our_thread, user_traceback
from retrograd_debug.agent.breaklines import BreakLines
from retrograd_debug.agent.control import Control
from retrograd_debug.agent.entropy import Entropy, restore_states
from retrograd_debug.agent.evaluate import Evaluator
from retrograd_debug.agent.frames import line_of, thread_frame
from retrograd_debug.agent.holding import Stop
from retrograd_debug.agent.live import fetch_value, frame_of, stop_between
from retrograd_debug.agent.replaying import GivenInput, Replaying
from retrograd_debug.agent.standin import stand_in
from retrograd_debug.agent.streams import Streams
from retrograd_debug.agent.variables import variables_of
from retrograd_debug.log.ring import RingError
from retrograd_debug.log.ring_writer import RingWriter
from retrograd_debug.session.api import (
    Breakpoint,
    BreakpointStatus,
    CancelEvaluation,
    Continue,
    Edit,
    Evaluate,
    FetchValue,
    ListLocals,
    Pause,
    SetBreakpoints,
    Step,
    StepKind,
)
from retrograd_debug.session.config import AgentConfig, Change, take_config
from retrograd_debug.session.protocol import (
    AgentCommand,
    EditDone,
    Ending,
    EvaluationDone,
    InputState,
    Interrupt,
    Locals,
    Refused,
    Resolved,
    StackShown,
    Welcome,
)
from retrograd_debug.session.recorded import ARRIVED, ENTROPY, INPUT, UNDONE, as_text, keep_environment
from retrograd_debug.session.script import ScriptError, load
from retrograd_events import tr

UNUSABLE = 2
"""Exit code for a script that can't be run at all, and for a recorder that isn't there."""

PAUSE_PATIENCE = 0.4
"""Seconds after which a pause that has met no op says where the script is."""


def run_from(config: Path) -> int:
    """Run what the file ``config`` says (it is deleted); the script's exit code."""
    return Debuggee(take_config(config)).run()


class Debuggee:
    """One run of a script, from its first line to the process's exit code."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config
        self._evaluator = Evaluator()
        self._paused_at = 0.0
        self._outcome = scripts.Outcome("finished", 0)
        self._message = ""
        self._control: Control | None = None
        self._interrupted = False
        self._started = False
        self._breakpoints: list[Breakpoint] = []
        self._goal: Breakpoint | None = None
        self._resolved: list[BreakpointStatus] = []
        self._told: list[BreakpointStatus] = []

    def run(self) -> int:
        """Run the script; its exit code."""
        config = self._config
        try:
            recorded = config.replay.sources if config.replay is not None else {}
            code = load(config.script, recorded.get(os.path.realpath(config.script)))
            ring = RingWriter.open(config.ring)
        except (ScriptError, RingError) as error:
            sys.stderr.write(f"{error}\n")
            return UNUSABLE
        self._agent = agent = Agent(ring, config.values, config.script)
        agent.frames.bottom = scripts.execute.__code__
        self._lines = BreakLines(agent.frames, self._line_reached)
        self._streams = streams = self._make_streams()
        agent.on_fork(self._forked)
        if config.port and not self._connect():
            sys.stderr.write(tr("The debugger that started this script can't be reached.\n"))
            agent.writer.close()
            return UNUSABLE
        # Registered before the script runs, so called after the script's own exit handlers and threads are done.
        atexit.register(self._finish)
        threading.excepthook = self._thread_excepthook()
        try:
            if config.replay is not None:
                restore_states(config.replay.random)
            environment = {**keep_environment(os.environ), **config.environment}
            agent.begin(config.script, [config.script, *config.args], environment)
            streams.install()
            self._lines.join()
            if config.engine:
                stand_in()
            self._prepare_world()
            self._started = True
            if self._interrupted:
                raise KeyboardInterrupt
            self._outcome = scripts.run(code, config.script, config.args)
        except KeyboardInterrupt:
            self._outcome = scripts.Outcome("stopped", scripts.INTERRUPTED)
        if os.getpid() == agent.pid:
            self._script_ended()
        return self._outcome.exit_code

    def _make_streams(self) -> Streams:
        plan = self._config.replay
        given = GivenInput(plan.stdin) if plan is not None else None
        wanted = self._input_wanted if self._config.feed_stdin else None
        return Streams(self._agent.output, wanted, self._input_came, given)

    def _input_came(self, data: bytes) -> None:
        self._agent.writer.act(INPUT, as_text(data))

    def _prepare_world(self) -> None:
        """What the script takes from the system is noted; in a replay it is given, and everything else kept away."""
        agent, plan = self._agent, self._config.replay
        given = plan.entropy if plan is not None else None
        Entropy(lambda data: agent.writer.act(ENTROPY, as_text(data)), on_our_thread, given).install()
        if plan is not None:
            self._streams.mute(True)
            Replaying(plan, agent, self._change, self._arrived).install(on_our_thread)

    def _change(self, stop: Stop, change: Change) -> None:
        """What a person changed in the recorded run, or changes to make it another."""
        agent = self._agent
        try:
            if change.edit is not None:
                agent.source.edit(stop, change.edit)
                problem = ""
            else:
                problem = self._run_change(stop, change)
        except EditError as error:
            problem = str(error)
        if problem and (change.edit is not None or change.sets):
            agent.writer.act(UNDONE, change.text, problem)
        agent.source.renew(stop)

    def _run_change(self, stop: Stop, change: Change) -> str:
        """Run its text in the innermost frame that knows its names; what went wrong."""
        agent, error, statement = self._agent, "", False
        agent.writer.act("set" if change.sets else "evaluation", change.text)
        agent.source.before_expression(stop)
        for frame in [*reversed(stop.frames), None]:
            with agent.source.world(grad=not change.sets):
                _, error, statement = self._evaluator.run(change.text, frame)
            if not error.startswith("NameError"):
                break
        agent.source.expression_ran(stop, change.text, statement)
        return error

    def _arrived(self) -> None:
        self._agent.output.flush()
        self._agent.writer.act(ARRIVED, "")
        if self._config.replay is not None and not self._config.replay.hold:
            self._streams.mute(False)

    def _connect(self) -> bool:
        config = self._config
        control = Control(config.port, config.token, self._handle, self._tick)
        if not control.connect():
            return False
        self._control = control
        gate = self._agent.gate
        gate.sender = control
        gate.on_line_change = self._stands
        if config.hold_at_start:
            gate.hold_first()
        self._set_breakpoints(config.breakpoints)
        control.start()
        return True

    # --- what happens to the script

    def _script_ended(self) -> None:
        outcome, agent = self._outcome, self._agent
        if outcome.reason == "stopped" and not self._interrupted:
            self._message = tr("interrupted")
        if outcome.error is not None and outcome.reason == "exception":
            error = outcome.error
            frames, message = agent.exception(error)
            self._message = f"{type(error).__name__}: {message}" if message else type(error).__name__
            sys.stderr.write(user_traceback(frames, error))
            if self._control is not None and self._config.hold_on_exception:
                self._hold_ended("exception", error)
        elif self._control is not None and self._config.hold_at_end and outcome.reason in ("finished", "exit"):
            self._hold_ended("end", None)
        # The frames of what failed are let go of here, as they are when Python itself reports an exception.
        outcome.error = None
        agent.output.flush()
        if self._control is not None:
            self._tell_statuses()
            self._control.send(Ending(outcome.reason, outcome.exit_code, self._message))

    def _hold_ended(self, kind: str, error: BaseException | None) -> None:
        agent = self._agent
        pairs = agent.frames.of_traceback(error.__traceback__) if error is not None else []
        stop = stop_between(agent, kind, kind, pairs, self._message)
        try:
            agent.gate.hold(stop, agent.threads.current())
        except KeyboardInterrupt:
            if error is None:
                self._outcome = scripts.Outcome("stopped", scripts.INTERRUPTED)

    def _finish(self) -> None:
        if os.getpid() != self._agent.pid:
            return
        self._lines.close()
        self._streams.remove()
        outcome = self._outcome
        self._agent.end(outcome.reason, outcome.exit_code, self._message)
        if self._control is not None:
            self._control.close()

    def _thread_excepthook(self) -> Callable[[threading.ExceptHookArgs], None]:
        def hook(arguments: threading.ExceptHookArgs) -> None:
            error = arguments.exc_value
            if error is None or isinstance(error, SystemExit) or os.getpid() != self._agent.pid:
                return
            frames, message = self._agent.exception(error)
            name = arguments.thread.name if arguments.thread is not None else tr("a thread")
            sys.stderr.write(tr("Exception in thread {name}:\n", name=name) + user_traceback(frames, error))
            if self._control is not None and self._config.hold_on_exception:
                pairs = self._agent.frames.of_traceback(error.__traceback__)
                stop = stop_between(self._agent, "exception", "exception", pairs, f"{type(error).__name__}: {message}")
                self._agent.gate.hold(stop, self._agent.threads.current())

        return hook

    def _line_reached(self, breakpoint: int, frame: FrameType) -> None:
        agent = self._agent
        thread = agent.threads.current()

        def make(why: str, number: int, message: str) -> Stop:
            pairs = [(each, line_of(each)) for each in agent.frames.stack(frame)]
            return stop_between(agent, "line", why, pairs, message, number)

        agent.gate.hold_line(breakpoint, thread, frame, make)

    def _input_wanted(self, wanted: bool) -> None:
        self._agent.output.flush()
        self._agent.writer.hasten()
        if self._control is not None:
            self._control.send(InputState(wanted))

    def _forked(self) -> None:
        self._evaluator = Evaluator()
        self._lines.close()
        if self._control is not None:
            self._control.abandon()

    # --- what the session asks, in the control thread

    def _handle(self, command: AgentCommand) -> None:
        gate = self._agent.gate
        match command:
            case Continue() | Step():
                self._paused_at = 0.0
                if isinstance(command, Step) and command.kind is StepKind.TO_LINE:
                    self._goal = Breakpoint(0, "line", command.file, command.line)
                    self._set_breakpoints(self._breakpoints)
                gate.go(command)
            case Pause():
                gate.pause()
                self._paused_at = time.monotonic()
            case Interrupt():
                self._interrupt()
            case SetBreakpoints(breakpoints=breakpoints):
                self._set_breakpoints(breakpoints)
            case CancelEvaluation():
                self._evaluator.cancel()
            case Evaluate():
                if not gate.ask(lambda stop: self._evaluate(stop, command)):
                    self._send_evaluated(command, "", tr("the script runs; pause it to evaluate an expression"))
            case Edit():
                if not gate.ask(lambda stop: self._edit(stop, command)):
                    self._refuse(tr("The script runs; pause it to change a value."))
            case ListLocals():
                gate.ask(lambda stop: self._list_locals(stop, command))
            case FetchValue():
                if not gate.ask(lambda stop: self._fetch(stop, command)):
                    self._fetch(None, command)
            case Welcome():
                pass

    def _tick(self) -> None:
        agent = self._agent
        agent.gate.tick()
        self._tell_statuses()
        if self._paused_at and agent.gate.pausing and time.monotonic() - self._paused_at > PAUSE_PATIENCE:
            self._paused_at = 0.0
            self._show_stack()

    def _show_stack(self) -> None:
        agent = self._agent
        frame = thread_frame(agent.threads.main.ident)
        pairs = [(each, line_of(each)) for each in agent.frames.stack(frame)]
        if self._control is not None:
            self._control.send(StackShown(stop_between(agent, "pause", "pause", pairs, "").hold))

    def _set_breakpoints(self, breakpoints: list[Breakpoint]) -> None:
        """Replace all; the line that a step goes to is one more."""
        gate = self._agent.gate
        self._breakpoints = breakpoints
        everything = breakpoints if self._goal is None else [*breakpoints, self._goal]
        gate.set_breakpoints(everything)
        self._resolved = [each for each in self._lines.set(everything) if each.id]
        self._told = []
        self._tell_statuses()
        gate.ask(lambda stop: self._lines.join())

    def _tell_statuses(self) -> None:
        """Say where the breakpoints sit and what became of them, if that has changed."""
        points = self._agent.gate.points
        statuses = [
            BreakpointStatus(
                each.id, each.line, points.hits(each.id), each.problem or points.problem(each.id), points.spent(each.id)
            )
            for each in self._resolved
        ]
        if self._control is not None and statuses != self._told:
            self._told = statuses
            self._control.send(Resolved(statuses))

    def _stands(self) -> None:
        """The calling thread was held."""
        self._lines.join()
        if self._goal is not None:
            self._goal = None
            self._set_breakpoints(self._breakpoints)
        self._tell_statuses()

    def _interrupt(self) -> None:
        self._interrupted = True
        if not self._started or self._agent.gate.interrupt():
            return
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(self._agent.threads.main.ident, signal.SIGINT)
        else:
            signal.raise_signal(signal.SIGINT)

    # --- what the held thread does for the session

    def _evaluate(self, stop: Stop, command: Evaluate) -> None:
        frame = frame_of(stop, command.frame)
        agent = self._agent
        agent.source.before_expression(stop)
        with agent.source.world():
            text, error, statement = self._evaluator.run(command.text, frame)
        agent.writer.act("evaluation", command.text, text or error)
        if agent.source.expression_ran(stop, command.text, statement):
            self._renewed(stop)
        self._send_evaluated(command, text, error)

    def _send_evaluated(self, command: Evaluate, text: str, error: str) -> None:
        if self._control is not None:
            self._control.send(EvaluationDone(command.request, text, error))

    def _edit(self, stop: Stop, command: Edit) -> None:
        agent = self._agent
        try:
            agent.source.edit(stop, command)
        except EditError as error:
            self._refuse(str(error))
            return
        agent.writer.act("edit", f"{command.target} {command.tensor}{command.index} = {command.value!r}")
        self._renewed(stop)

    def _renewed(self, stop: Stop) -> None:
        self._agent.source.renew(stop)
        self._agent.writer.commit()
        if self._control is not None:
            self._control.send(EditDone(stop.hold))

    def _list_locals(self, stop: Stop, command: ListLocals) -> None:
        frame = frame_of(stop, command.frame)
        if self._control is not None:
            self._control.send(Locals(command.request, variables_of(frame, self._agent.source)))

    def _refuse(self, text: str) -> None:
        if self._control is not None:
            self._control.send(Refused(text))

    def _fetch(self, stop: Stop | None, command: FetchValue) -> None:
        if self._control is not None:
            self._control.send(fetch_value(self._agent.source, stop, command))
