"""The gate: where a thread of the script can be held, and what decides whether it is.

``armed`` is the one test that an event costs while nothing could match. All-stop: while one thread stands, the others
stand at their next event; a step lets only the held thread go until it proves to wait for another.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import FrameType
from typing import Union

from retrograd_debug.agent.frames import Frames
from retrograd_debug.agent.goals import Goals
from retrograd_debug.agent.holding import MakeStop, Reached, Request, Resume, Sender, Stop, Target, made
from retrograd_debug.agent.points import BEFORE, Facts, Occasion, Points
from retrograd_debug.agent.threads import ThreadState
from retrograd_debug.agent.writer import EventWriter
from retrograd_debug.log.regions import entered, op_ran
from retrograd_debug.session.api import Breakpoint, Continue, Step, StepKind
from retrograd_debug.session.protocol import Held, NoteWritten, Resumed, Said
from retrograd_debug.session.stepping import Origin, ends
from retrograd_events import tr

PATIENCE = 0.5
"""Seconds after which a stepped thread that reaches nothing is taken to wait for another."""

ORPHAN_WAIT = 60.0
"""Seconds that a held script waits for its debugger to come back."""


class Gate:
    """One per debuggee. Commands come from the control thread, ``reach`` from the script's threads."""

    def __init__(
        self,
        writer: EventWriter,
        frames: Frames,
        iteration: Callable[[], int],
        muted: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """``muted``: while entered, nothing that runs is recorded or held."""
        self.armed = False
        self.points = Points(frames.stack, muted, self._note)
        self.after: frozenset[str] = frozenset()
        """Places beside those where a step can end that a breakpoint waits for."""
        self.sender: Sender | None = None
        self.stop: Stop | None = None
        self.on_line_change: Callable[[], None] = lambda: None
        self.on_arm: Callable[[], None] = lambda: None
        self._writer = writer
        self._frames = frames
        self._iteration = iteration
        self._cond = threading.Condition(threading.Lock())
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._target: Target | None = None
        self._pause = False
        self._pace = 0.0
        self._pace_iterations = False
        self._paced_iteration = -1
        self._due = 0.0
        self._only: int | None = None
        self._held_thread: ThreadState | None = None
        self._entered: tuple[int, ...] = ()
        self._waiting: dict[int, str] = {}
        self._moved = 0.0
        self._off = False
        self._goals = Goals(())

    # --- commands, from the control thread

    def hold_first(self) -> None:
        """Hold the main thread before its first op."""
        with self._cond:
            self._target = Target(StepKind.OP, 0, Origin(), "start")
            self._arm()

    def set_breakpoints(self, breakpoints: list[Breakpoint]) -> None:
        """Replace the breakpoints (when a line is about to run is not the gate's to know: see ``hold_line``)."""
        with self._cond:
            self.points.set(breakpoints)
            self._arm()

    def set_goals(self, goals: Goals) -> None:
        """The moments that a replay must come to."""
        with self._cond:
            self._goals = goals
            self._arm()

    def iteration_began(self, index: int) -> None:
        """Called when an iteration begins, before its first place is reached."""
        near = self._goals.near
        self._goals.began(index)
        if self._goals.near is not near:
            with self._cond:
                self._arm()

    def pause(self) -> None:
        """Hold whatever thread reaches an event next."""
        with self._cond:
            if self.stop is None:
                self._pause = True
            self._arm()
            self._cond.notify_all()

    @property
    def pausing(self) -> bool:
        """A pause is wanted and nothing has been reached yet."""
        return self._pause

    def go(self, command: Union[Continue, Step]) -> None:
        """Let the held thread go on, as far as ``command`` says; while running, only the pace changes."""
        with self._cond:
            held = self._held_thread
            self._pace, self._pace_iterations, self._target = 0.0, False, None
            if isinstance(command, Continue):
                self._set_pace(command)
                self._only = None
            elif command.kind in (StepKind.RUN, StepKind.TO_LINE) or held is None:
                self._only = None
            else:
                self._target = self._target_of(command.kind, held)
                self._only = held.ident
            self._pause = False
            self._moved = time.monotonic()
            self._arm()
            self._cond.notify_all()
            if held is not None:
                # From here on it runs, even if it has not woken up yet: a pause that comes now is one.
                self.stop, self._held_thread = None, None
                self._requests.put(Resume())

    def interrupt(self) -> bool:
        """End a hold by raising KeyboardInterrupt in the held thread; False when none is held."""
        with self._cond:
            self._disarm()
            if self._held_thread is None:
                return False
            self._requests.put(Resume(interrupt=True))
            return True

    def ask(self, request: Callable[[Stop], None]) -> bool:
        """Run ``request`` in the held thread; False when none is held."""
        with self._cond:
            if self._held_thread is None:
                return False
            self._requests.put(request)
            return True

    def let_all_go(self) -> None:
        """Nobody watches any more: run on at full speed, stop nowhere."""
        with self._cond:
            self._disarm()
            if self._held_thread is not None:
                self._requests.put(Resume())

    def tick(self) -> None:
        """Called a few times a second: lets the other threads go when the stepped one seems to wait for them."""
        with self._cond:
            waits = self.stop is None and self._only is not None and bool(self._waiting)
            if not waits or time.monotonic() - self._moved < PATIENCE:
                return
            names = ", ".join(self._waiting.values())
            self._only = None
            self._arm()
            self._cond.notify_all()
        if self.sender is not None:
            self.sender.send(Said(tr("the stepped thread waits for another; let go: {names}", names=names)))

    def abandon(self) -> None:
        """In a forked child: never hold."""
        self._cond = threading.Condition(threading.Lock())
        self._off = True
        with self._cond:
            self._disarm()

    def _set_pace(self, command: Continue) -> None:
        rate = command.iterations_per_second or command.pace
        self._pace = 1.0 / rate if rate > 0 else 0.0
        self._pace_iterations = command.iterations_per_second > 0
        self._paced_iteration = self._iteration()
        self._due = time.monotonic() + self._pace

    def _target_of(self, kind: StepKind, held: ThreadState) -> Target:
        stop = self.stop
        frame = stop.frames[-1] if stop is not None and stop.frames else None
        depth, where = self._frames.user_depth(frame), self._frames.where(frame)
        origin = Origin(self._entered, tuple(held.scopes), depth, self._iteration(), where)
        return Target(kind, held.ident, origin)

    def _arm(self) -> None:
        places = frozenset() if self._off else self.points.places
        self.after = places - BEFORE - {"line"} | ({"applied"} if self.points.scoped else frozenset())
        if self._goals.near and not self._off:
            self.after |= {"applied", "ran", "failed"}
        self.armed = not self._off and bool(
            self._target
            or self._pause
            or not places.isdisjoint(BEFORE)
            or "ran" in places
            or self._pace
            or self._only is not None
            or self.stop
            or self._goals.near
        )
        self.on_arm()

    def _disarm(self) -> None:
        self._target, self._pause, self._pace, self._only = None, False, 0.0, None
        self.points.clear()
        self._arm()
        self._cond.notify_all()

    # --- events, from the script's threads

    def reach(
        self,
        kind: str,
        name: str,
        thread: ThreadState,
        frame: FrameType,
        make: MakeStop,
        facts: Facts | None = None,
        scopes: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        """``thread`` is about to run something; holds it here if anything asks for that. Call only while ``armed``.
        ``scopes`` are those that it belongs to, where these are not the open ones."""
        if self._off:
            return
        self._await_turn(thread)
        regions = thread.regions
        inside = entered(regions) if kind == "op" else len(regions)
        if self._goals.near:
            self._arrive(self._goals.before(kind, thread.number, make), thread, inside)
        target = self._target
        why = ""
        hit = None
        if kind in self.points.places:
            at = thread.paths if scopes is None else scopes
            hit = self.points.at(Occasion(kind, name, at, self._iteration(), frame, facts))
        if self._pause:
            why, inside = "pause", len(regions)
        elif hit is not None:
            why = "breakpoint"
        elif target is not None and (not target.thread or target.thread == thread.ident):
            here = Reached(kind, regions, inside, thread.scopes, self._iteration(), self._frames, frame)
            if ends(target.kind, target.origin, here):
                why = target.why
        if why:
            self.hold(made(make, why, hit), thread, inside)
        elif self._pace:
            self._keep_pace(thread)
        if kind == "op":
            op_ran(regions)

    def pass_by(
        self, kind: str, name: str, thread: ThreadState, frame: FrameType, make: MakeStop, facts: Facts | None = None
    ) -> None:
        """``thread`` is where no step ends; holds it here if a breakpoint asks for that. Call only for what ``after``
        names."""
        if self._goals.near:
            self._arrive(self._goals.after(kind, thread.number, make), thread, len(thread.regions))
        if self._off or not self._watched():
            return
        hit = self.points.at(Occasion(kind, name, thread.paths, self._iteration(), frame, facts))
        if hit is not None:
            self._await_turn(thread)
            self.hold(made(make, "breakpoint", hit), thread, len(thread.regions))

    def _arrive(self, arrival: tuple[Stop, bool] | None, thread: ThreadState, inside: int) -> None:
        """Something was done where a replay had to come; hold there if that was asked."""
        if arrival is None:
            return
        stop, holds = arrival
        with self._cond:
            self._arm()
        if holds:
            self.hold(stop, thread, inside)

    def hold_line(self, breakpoint: int, thread: ThreadState, frame: FrameType, make: MakeStop) -> None:
        """``thread`` is about to run a line with a breakpoint."""
        if self._off or not self._watched():
            return
        hit = self.points.at_line(breakpoint, Occasion("line", "", thread.paths, self._iteration(), frame))
        if hit is not None:
            self._await_turn(thread)
            self.hold(made(make, "breakpoint", hit), thread, len(thread.regions))

    def _note(self, breakpoint: int, text: str) -> None:
        self._writer.act("note", text)
        if self.sender is not None:
            self.sender.send(NoteWritten(breakpoint, text))

    def _watched(self) -> bool:
        return self.sender is not None and self.sender.alive()

    def _await_turn(self, thread: ThreadState) -> None:
        """Wait while another thread is held, or stepped alone."""
        if not self._blocks(thread):
            return
        with self._cond:
            self._waiting[thread.ident] = thread.name
            try:
                while self._blocks(thread):
                    self._cond.wait(0.5)
            finally:
                self._waiting.pop(thread.ident, None)

    def _blocks(self, thread: ThreadState) -> bool:
        return self._only is not None and self._only != thread.ident and not self._off

    def _keep_pace(self, thread: ThreadState) -> None:
        """Wait until the next op (or iteration) is due; a command ends the wait."""
        if self._pace_iterations:
            if self._iteration() == self._paced_iteration:
                return
            self._paced_iteration = self._iteration()
        elif any(region.kind != "backward" for region in thread.regions):
            return
        self._writer.hasten()
        with self._cond:
            while self._pace and not self._pause and (rest := self._due - time.monotonic()) > 0:
                self._cond.wait(min(rest, 0.5))
            self._due = max(self._due + self._pace, time.monotonic())

    def hold(self, stop: Stop, thread: ThreadState, inside: int = 0) -> None:
        """Hold the calling thread until it is let go; it stands inside its first ``inside`` regions. Everything written
        is committed before anyone is told."""
        if not self._watched():
            return
        with self._cond:
            self._target, self._pause = None, False
            self._only = thread.ident
            self._held_thread, self.stop = thread, stop
            self._entered = tuple(region.id for region in thread.regions[:inside])
            while not self._requests.empty():
                self._requests.get_nowait()
            self._arm()
        self._writer.act("hold", f"{stop.hold.why}: before {stop.hold.name or stop.hold.kind}, line {stop.hold.line}")
        self._writer.commit()
        sender = self.sender
        if sender is None or not sender.send(Held(stop.hold)):
            self._release()
            return
        self.on_line_change()
        try:
            self._serve(stop)
        finally:
            self._release()
            sender.send(Resumed())

    def _serve(self, stop: Stop) -> None:
        """Do what is asked while the thread stands."""
        alone_since = 0.0
        while True:
            try:
                request = self._requests.get(timeout=0.5)
            except queue.Empty:
                if self._watched():
                    alone_since = 0.0
                    continue
                alone_since = alone_since or time.monotonic()
                if time.monotonic() - alone_since < ORPHAN_WAIT:
                    continue
                self.let_all_go()
                return
            if isinstance(request, Resume):
                if request.interrupt:
                    raise KeyboardInterrupt
                return
            request(stop)

    def _release(self) -> None:
        with self._cond:
            self.stop = None
            self._held_thread = None
            if self._target is None and not self._pace and self._only is not None:
                self._only = None
            self._moved = time.monotonic()
            self._arm()
            self._cond.notify_all()

    @property
    def others(self) -> list[str]:
        """The names of the threads that wait because one is held."""
        return list(self._waiting.values())
