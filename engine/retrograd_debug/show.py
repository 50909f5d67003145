"""``retrograd show``: a recorded run as text for a person and as JSON for a program."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import msgspec
import numpy as np

from retrograd_debug import format as fmt
from retrograd_debug.log.api import Iteration, Log, LogError
from retrograd_debug.log.describe import describe, plain
from retrograd_debug.log.location import size_of
from retrograd_debug.log.reader import open_log
from retrograd_debug.log.state import State
from retrograd_events import tr, trn
from retrograd_events.events import (
    AnyEvent,
    ExceptionRaised,
    NodeFinished,
    OpApplied,
    OutputWritten,
    Seq,
    TensorId,
    WarningIssued,
)

_WINDOW = 4096
_FIRST, _LAST = 5, 5
_OUTPUT_LINES = 40
_OPS_SHOWN = 30
_WARNINGS_SHOWN = 20
_SHOWN_ELEMENTS = 8


@dataclass(slots=True)
class OpTotals:
    """How often an operation ran and how long all its runs took together, in ns."""

    count: int = 0
    time: int = 0


@dataclass(slots=True)
class Digest:
    """What one pass over all events gathers."""

    ops: dict[str, OpTotals] = field(default_factory=dict)
    nodes: int = 0
    events: int = 0
    errors: list[ExceptionRaised] = field(default_factory=list)
    warnings: list[WarningIssued] = field(default_factory=list)
    output: list[OutputWritten] = field(default_factory=list)


def show(
    path: str | Path,
    as_json: bool = False,
    events: str = "",
    at: int | None = None,
    out: TextIO | None = None,
) -> int:
    """Print the recorded run ``path``; the exit status: 0, or 1 with a sentence on stderr when it can't be read.

    ``events`` ("A:B", either end may be left out) prints these events instead of the summary; ``at`` prints the state
    after that event.
    """
    out = sys.stdout if out is None else out
    if isinstance(out, TextIOWrapper):
        # A console of an older code page lacks some signs; that must not cost the rest.
        out.reconfigure(errors="replace")
    try:
        log = open_log(path)
    except LogError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        if events:
            bounds = parse_range(events, log.head)
            _show_events(log, bounds, as_json, out)
        elif at is not None:
            _show_state(log, Seq(at), as_json, out)
        elif as_json:
            _print_json(summary(log), out)
        else:
            for line in text(log):
                print(line, file=out)
        out.flush()  # a reader that has gone shows here, not at Python's exit
    except LogError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever reads (head, less) has seen enough; Python itself would complain once more at exit.
        if out is sys.stdout:
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
    finally:
        log.close()
    return 0


def parse_range(given: str, head: Seq) -> tuple[Seq, Seq]:
    """``A:B``, ``A:``, ``:B`` or ``A`` as first and last event; ``LogError`` when it is none of these."""
    first, colon, last = given.partition(":")
    try:
        low = int(first) if first.strip() else 1
        high = int(last) if last.strip() else (head if colon else low)
    except ValueError as error:
        raise LogError(tr("{given} is no range of events; write it as 10:20.", given=given)) from error
    return Seq(low), Seq(high)


def summary(log: Log) -> dict[str, object]:
    """Everything that ``show`` says, as plain data."""
    found = digest(log)
    return {
        "path": str(log.path),
        "size": size_of(log.path),
        "head": log.head,
        "damage": log.damage,
        "run": plain(log.run),
        "ended": plain(log.ended),
        "events": found.events,
        "nodes": found.nodes,
        "ops": {name: asdict(totals) for name, totals in _by_time(found)},
        "iterations": [asdict(each) for each in log.iterations],
        "scalars": [plain(each) for each in log.scalars],
        "sites": [plain(each) for each in log.sites.values()],
        "state": plain(log.state_at(log.head)),
        "parameters": _parameters(log, log.state_at(log.head)),
        "errors": [plain(each) for each in found.errors],
        "warnings": [plain(each) for each in found.warnings],
        "output": [plain(each) for each in found.output],
        "acts": [asdict(each) for each in log.acts()],
    }


def text(log: Log) -> Iterator[str]:
    """Everything that ``show`` says, line by line."""
    found = digest(log)
    yield from _text_head(log, found)
    yield from _text_iterations(log.iterations)
    yield from _text_scalars(log)
    yield from _text_ops(found)
    yield from _text_state(log, log.state_at(log.head))
    yield from _text_troubles(found)
    yield from _text_output(found)


def digest(log: Log) -> Digest:
    """Go over all events once."""
    found = Digest()
    for event in _all(log):
        found.events += 1
        if isinstance(event, OpApplied):
            totals = found.ops.setdefault(event.name, OpTotals())
            totals.count += 1
            totals.time += event.duration
        elif isinstance(event, NodeFinished):
            found.nodes += 1
        elif isinstance(event, ExceptionRaised):
            found.errors.append(event)
        elif isinstance(event, WarningIssued):
            found.warnings.append(event)
        elif isinstance(event, OutputWritten):
            found.output.append(event)
    return found


def _all(log: Log) -> Iterator[AnyEvent]:
    for first in range(1, log.head + 1, _WINDOW):
        yield from log.events(Seq(first), Seq(first + _WINDOW - 1))


def _by_time(found: Digest) -> list[tuple[str, OpTotals]]:
    return sorted(found.ops.items(), key=lambda item: (-item[1].time, item[0]))


def _print_json(data: object, out: TextIO) -> None:
    # NaN and the infinities have no place in JSON; msgspec writes null for them.
    print(msgspec.json.format(msgspec.json.encode(data), indent=2).decode(), file=out)


def _show_events(log: Log, bounds: tuple[Seq, Seq], as_json: bool, out: TextIO) -> None:
    found = log.events(*bounds)
    if as_json:
        _print_json([plain(event) for event in found], out)
        return
    for event in found:
        when = fmt.duration(event.time)
        print(f"{event.seq:>8,}  {when:>9}  {type(event).__name__:<20}  {describe(event, log.sites)}", file=out)
    if not found:
        print(tr("No events there; the log goes from 1 to {head}.", head=f"{log.head:,}"), file=out)


def _show_state(log: Log, at: Seq, as_json: bool, out: TextIO) -> None:
    state = log.state_at(at)
    if as_json:
        _print_json({"state": plain(state), "parameters": _parameters(log, state)}, out)
        return
    for line in list(_text_state(log, state))[1:]:
        print(line, file=out)


def _parameters(log: Log, state: State) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for id, info in state.tensors.items():
        if info.kind in ("parameter", "buffer"):
            recorded = log.value(id, info.meta.version)
            array = recorded.array if recorded is not None else None
            rows.append({"name": info.path or f"#{id}", "value": None if array is None else array.tolist()})
    return rows


# --- text


def _text_head(log: Log, found: Digest) -> Iterator[str]:
    run, ended = log.run, log.ended
    yield Path(run.script).name if run is not None else log.path.name
    if log.damage:
        yield "  ! " + log.damage
    yield _row(tr("file"), f"{log.path}  ({fmt.byte_size(size_of(log.path))})")
    if run is not None:
        yield _row(tr("script"), " ".join([run.script, *run.argv[1:]]))
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started_at))
        yield _row(tr("started"), started)
        yield _row(tr("engine"), f"{run.engine} {run.engine_version}, Python {run.python}")
        yield _row(tr("values"), run.value_policy)
    if ended is not None:
        how = tr("{reason}, exit code {code}", reason=ended.reason, code=ended.exit_code)
        after = fmt.duration(ended.time)
        yield _row(tr("ended"), tr("{how}, after {time}", how=how, time=after) + f"  {ended.message}".rstrip())
    elif not log.damage:
        yield _row(tr("ended"), tr("not yet: it is still being recorded"))
    counts = [
        trn("{count} iteration", "{count} iterations", len(log.iterations)),
        trn("{count} operation", "{count} operations", sum(each.count for each in found.ops.values())),
        trn("{count} backward node run", "{count} backward nodes run", found.nodes),
        trn("{count} event", "{count} events", found.events),
    ]
    yield _row(tr("holds"), ", ".join(counts))


def _text_iterations(rows: Sequence[Iteration]) -> Iterator[str]:
    if not rows:
        return
    yield ""
    yield tr("iterations")
    yield f"  {'':>7}  {tr('events'):>17}  {tr('ops'):>7}  {tr('began'):>9}  {tr('loss'):>10}"
    skipped = len(rows) - _FIRST - _LAST
    for place, row in enumerate(rows):
        if skipped > 0 and place == _FIRST:
            yield "  " + trn("… {count} more …", "… {count} more …", skipped)
        if skipped > 0 and _FIRST <= place < len(rows) - _LAST:
            continue
        loss = "–" if row.loss is None else fmt.number(row.loss)
        events = f"{row.first:,}–{row.last:,}" if row.last else f"{row.first:,}–"
        yield f"  {row.index:>7,}  {events:>17}  {row.ops:>7,}  {fmt.duration(row.started):>9}  {loss:>10}"


def _text_scalars(log: Log) -> Iterator[str]:
    curves: dict[tuple[str, int], list[float]] = {}
    for scalar in log.scalars:
        curves.setdefault((scalar.name, scalar.site), []).append(scalar.value)
    if not curves:
        return
    yield ""
    yield tr("scalars")
    for (name, number), values in curves.items():
        site = next((site for id, site in log.sites.items() if id == number), None)
        where = f"  ({fmt.line(site.line)}: {site.text})" if site is not None else ""
        course = f"{fmt.number(values[0])} → {fmt.number(values[-1])}"
        yield f"  {name:<12}  {course}  {trn('{count} value', '{count} values', len(values))}{where}"


def _text_ops(found: Digest) -> Iterator[str]:
    if not found.ops:
        return
    yield ""
    yield tr("operations by time")
    ranked = _by_time(found)
    for name, totals in ranked[:_OPS_SHOWN]:
        yield f"  {name:<24}  {totals.count:>9,}  {fmt.duration(totals.time):>9}"
    if len(ranked) > _OPS_SHOWN:
        yield "  " + trn("… {count} more kind", "… {count} more kinds", len(ranked) - _OPS_SHOWN)


def _text_state(log: Log, state: State) -> Iterator[str]:
    yield ""
    yield tr("state after event {seq}: {phase}, iteration {index}", seq=f"{state.seq:,}", phase=state.phase,
             index=state.iteration)  # fmt: skip
    yield (
        "  "
        + trn("{count} tensor", "{count} tensors", len(state.tensors))
        + ", "
        + trn("{count} backward node", "{count} backward nodes", len(state.nodes))
    )
    for device, total in state.memory.items():
        yield _row(device, fmt.byte_size(total))
    for stack in state.scopes.values():
        yield _row(tr("inside"), " › ".join(scope.path or scope.type for scope in stack))
    for id, info in state.tensors.items():
        if info.kind in ("parameter", "buffer"):
            shape = fmt.tensor(info.meta.shape, info.meta.dtype, info.meta.device)
            yield f"  {info.path or f'#{id}':<16}  {shape}  {_contents(log, id, info.meta.version)}"
            if info.grad is not None:
                yield f"  {'.grad':>16}  {'':<{len(shape)}}  {_contents(log, info.grad.id, info.grad.version)}"
    waiting = [node for node in state.nodes.values() if node.status in ("waiting", "ready", "started")]
    for node in waiting[:_OPS_SHOWN]:
        yield f"  {node.name:<24}  {node.status}"


def _contents(log: Log, tensor: TensorId, version: int) -> str:
    recorded = log.value(tensor, version)
    if recorded is None:
        return tr("(not recorded)")
    if recorded.array is None:
        return f"({recorded.reason})"
    flat = np.ravel(recorded.array)
    shown = " ".join(fmt.number(float(np.real(each))) for each in flat[:_SHOWN_ELEMENTS])
    return shown + (" …" if flat.size > _SHOWN_ELEMENTS else "")


def _text_troubles(found: Digest) -> Iterator[str]:
    if found.warnings:
        yield ""
        yield tr("warnings")
        said = Counter((each.category, each.message) for each in found.warnings)
        for (category, message), times in list(said.items())[:_WARNINGS_SHOWN]:
            yield f"  {category}: {message}" + (f"  ×{times:,}" if times > 1 else "")
        if len(said) > _WARNINGS_SHOWN:
            yield "  " + trn("… {count} more kind", "… {count} more kinds", len(said) - _WARNINGS_SHOWN)
    for error in found.errors:
        yield ""
        yield tr("exception")
        for file, line, function, source in error.traceback:
            yield f"  {file}:{line} {function}: {source}".rstrip()
        # Our engine's own messages name the operation already.
        origin = tr(" (in {op})", op=error.op) if error.op and f"(in {error.op}" not in error.message else ""
        yield f"  {error.type}: {error.message}{origin}"


def _text_output(found: Digest) -> Iterator[str]:
    lines = "".join(each.text for each in found.output).splitlines()
    if not lines:
        return
    yield ""
    yield tr("output")
    if len(lines) > _OUTPUT_LINES:
        yield "  " + trn("… {count} line before …", "… {count} lines before …", len(lines) - _OUTPUT_LINES)
    for line in lines[-_OUTPUT_LINES:]:
        yield "  " + line


def _row(label: str, value: str) -> str:
    return f"  {label:<8}  {value}"
