"""Live contents and stops that no engine event made."""

from __future__ import annotations

from types import FrameType

import msgspec

from retrograd_debug.adapters.base import Source
from retrograd_debug.agent.agent import Agent
from retrograd_debug.agent.holding import Stop
from retrograd_debug.agent.values import sample
from retrograd_debug.session.api import FetchValue, Hold
from retrograd_debug.session.protocol import FETCH_LIMIT, ValueBytes
from retrograd_events import tr
from retrograd_events.events import Seq, SiteId

EMPTY = ValueBytes("", 0, 0, 0, "", (), "", 1, "", b"")


def stop_between(
    agent: Agent, kind: str, why: str, frames: list[tuple[FrameType, int]], message: str, breakpoint: int = 0
) -> Stop:
    """A stop where no op, node or step is about to run: a line, a pause, an exception, the end."""
    described = agent.frames.describe(frames)
    here = described[-1] if described else None
    thread = agent.threads.current()
    hold = Hold(
        kind=kind,
        why=why,
        seq=Seq(agent.writer.seq),
        breakpoint=breakpoint,
        file=here.file if here else "",
        line=here.line if here else 0,
        function=here.function if here else "",
        site=SiteId(0),
        thread=thread.number,
        thread_name=thread.name,
        stack=described,
        iteration=agent.source.iteration,
        phase="backward" if thread.backwards else "step" if thread.optimizers else agent.source.phase,
        message=message,
        others=agent.gate.others,
    )
    return Stop(hold, [frame for frame, _ in frames], [])


def frame_of(stop: Stop, index: int) -> FrameType | None:
    """A frame of the hold's stack, counted from the end when negative; None when there is none."""
    return stop.frames[index] if stop.frames and -len(stop.frames) <= index < len(stop.frames) else None


def fetch_value(source: Source, stop: Stop | None, command: FetchValue) -> ValueBytes:
    """A tensor's contents as they are now, whole up to 64 MiB, else a sample."""
    about = msgspec.structs.replace(EMPTY, lane=command.lane, request=command.request, tensor=command.tensor)
    if stop is None:
        return msgspec.structs.replace(about, reason=tr("the script runs; pause it to read a value that was not kept"))
    found = source.fetch(stop, command.tensor)
    if found is None:
        return msgspec.structs.replace(about, reason=tr("the tensor is no longer alive"))
    array, version, dtype = found
    if command.version not in (-1, version):
        reason = tr("the tensor has changed since (version {now})", now=version)
        return msgspec.structs.replace(about, version=version, reason=reason)
    kind, stride, part = "all", 1, array
    if array.nbytes > FETCH_LIMIT:
        kind = "sample"
        part, stride = sample(array)
    return msgspec.structs.replace(
        about, version=version, kind=kind, shape=array.shape, dtype=dtype, stride=stride, data=part.tobytes()
    )
