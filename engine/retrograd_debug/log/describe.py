"""Events as one line of text and as plain data for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from retrograd_debug import format as fmt
from retrograd_debug.log.reduce import assert_never
from retrograd_events import tr, trn
from retrograd_events.events import (
    AllocationAnnounced,
    AnyEvent,
    BackwardEnded,
    BackwardStarted,
    ConstructionEnded,
    ConstructionStarted,
    DeviceTransferred,
    Edited,
    ExceptionRaised,
    Gap,
    GradientAccumulated,
    GradientsZeroed,
    IterationStarted,
    MemoryAllocated,
    MemoryFreed,
    NodeDefined,
    NodeFinished,
    NodeStarted,
    OpApplied,
    OptimizerStepEnded,
    OptimizerStepStarted,
    OutputWritten,
    RunEnded,
    RunStarted,
    ScalarLogged,
    ScopeEntered,
    ScopeExited,
    SiteDefined,
    SiteId,
    TensorMeta,
    TensorNamed,
    TensorSeen,
    ValueRecorded,
    WarningIssued,
)


def plain(value: object) -> object:
    """``value`` as JSON can hold it: structs as objects with their fields' names, events named by ``event``."""
    if isinstance(value, msgspec.Struct):
        fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__ if name != "data"}
        return {"event": type(value).__name__, **fields} if hasattr(value, "seq") and "time" in fields else fields
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def describe(event: AnyEvent, sites: Mapping[SiteId, SiteDefined]) -> str:  # noqa: C901 (one case an event kind)
    """What ``event`` says, in one line."""
    match event:
        case OpApplied():
            return _op(event, sites)
        case NodeStarted(name=name, node=node, grads=grads):
            return tr("{name} starts (node {node}) with {grads}", name=name, node=node, grads=_metas(grads))
        case NodeFinished(node=node, grads=grads, duration=duration):
            return tr(
                "node {node} done in {time}: {grads}", node=node, time=fmt.duration(duration), grads=_metas(grads)
            )
        case GradientAccumulated(tensor=tensor, grad=grad):
            return tr("gradient of tensor {tensor} is now {grad}", tensor=tensor, grad=_meta(grad))
        case ScopeEntered(kind=kind, path=path, type=type, detail=detail):
            return tr("enters {kind} {name}", kind=kind, name=f"{path or type}{f' ({detail})' if detail else ''}")
        case ScopeExited(scope=scope):
            return tr("leaves scope {scope}", scope=scope)
        case ValueRecorded(tensor=tensor, version=version, kind=kind, reason=reason):
            what = f"{kind} ({reason})" if reason else kind
            return tr("value of tensor {tensor} version {version}: {what}", tensor=tensor, version=version, what=what)
        case IterationStarted(index=index):
            return tr("iteration {index} begins", index=index)
        case RunStarted(script=script, python=python):
            return tr("run of {script} begins, Python {python}", script=script, python=python)
        case RunEnded(reason=reason, exit_code=code, message=message):
            return tr("run ends: {reason}, exit code {code}. {message}", reason=reason, code=code, message=message)
        case SiteDefined(file=file, line=line, text=text):
            return tr("{file}:{line}: {text}", file=file, line=line, text=text)
        case TensorSeen(tensor=tensor):
            return tr("meets {tensor}, which no recorded operation made", tensor=_meta(tensor))
        case TensorNamed(tensor=tensor, kind=kind, path=path):
            return tr("tensor {tensor} is {kind} {path}", tensor=tensor, kind=kind, path=path)
        case NodeDefined(node=node, name=name, tensor=tensor):
            return tr("node {node} is {name} of tensor {tensor}", node=node, name=name, tensor=tensor)
        case BackwardStarted(roots=roots):
            return tr(
                "backward begins at {roots}", roots=", ".join(f"#{tensor}v{version}" for tensor, version in roots)
            )
        case BackwardEnded(error=error):
            return tr("backward ends: {error}", error=error) if error else tr("backward ends")
        case OptimizerStepStarted(type=type, params=params):
            return trn("{type} steps {count} parameter", "{type} steps {count} parameters", len(params), type=type)
        case OptimizerStepEnded():
            return tr("the optimizer's step ends")
        case GradientsZeroed(tensors=tensors):
            return trn("{count} gradient cleared", "{count} gradients cleared", len(tensors))
        case ScalarLogged(name=name, value=value):
            return tr("{name} = {value}", name=name, value=fmt.number(value))
        case DeviceTransferred(target=target, bytes=size):
            return tr("{size} copied: {target}", size=fmt.byte_size(size), target=_meta(target))
        case MemoryAllocated(device=device, bytes=size, total=total):
            return tr(
                "+{size} on {device}: {total}", size=fmt.byte_size(size), device=device, total=fmt.byte_size(total)
            )
        case MemoryFreed(device=device, bytes=size, total=total):
            return tr(
                "−{size} on {device}: {total}", size=fmt.byte_size(size), device=device, total=fmt.byte_size(total)
            )
        case AllocationAnnounced(name=name, bytes=size):
            return tr("{name} is about to allocate {size}", name=name, size=fmt.byte_size(size))
        case OutputWritten(stream=stream, text=text):
            return tr("{stream}: {text}", stream=stream, text=text.rstrip("\n"))
        case WarningIssued(category=category, message=message):
            return tr("{category}: {message}", category=category, message=message)
        case ExceptionRaised(type=type, message=message):
            return tr("{type}: {message}", type=type, message=message)
        case Edited(target=target, before=before, after=after):
            return tr("{target} edited: {before} → {after}", target=target, before=_meta(before), after=_meta(after))
        case ConstructionStarted(type=type):
            return tr("constructs {type}", type=type)
        case ConstructionEnded():
            return tr("the construction ends")
        case Gap(last=last, reason=reason):
            return tr("events up to {last} were not kept: {reason}", last=last, reason=reason)
        case _:
            assert_never(event)


def _op(event: OpApplied, sites: Mapping[SiteId, SiteDefined]) -> str:
    inputs = ", ".join(f"#{tensor}v{version}" if tensor else "·" for tensor, version in event.inputs)
    site = sites.get(event.site)
    where = f"  {fmt.line(site.line)}" if site is not None else ""
    node = f"  {event.node_name}" if event.node_name else ""
    return f"{event.name}({inputs}) → {_metas(event.outputs)}{node}  {fmt.duration(event.duration)}{where}"


def _metas(metas: Iterable[TensorMeta | None]) -> str:
    return ", ".join("–" if meta is None else _meta(meta) for meta in metas) or "–"


def _meta(meta: TensorMeta) -> str:
    return f"#{meta.id}v{meta.version} {fmt.tensor(meta.shape, meta.dtype, meta.device)}"
