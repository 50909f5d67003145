"""Every event of a run: what happened, in order, immutable.

One event is one MessagePack array whose first element is the tag given here; a producer on the hot path may encode a
plain tuple of the same shape instead of building the struct. Every event begins with ``seq`` (one order over all
threads, from 1, never reused), ``time`` (ns since the run started) and ``thread`` (0 is the main thread).

Names are past tense: an event is recorded when the thing has happened (``NodeStarted``: its gradients are in and it is
about to run). A reader that meets a tag it does not know must refuse the log by its format version, so adding or
changing an event raises ``FORMAT_VERSION``.
"""

from __future__ import annotations

from typing import NewType, Union

import msgspec

FORMAT_VERSION = 2

Seq = NewType("Seq", int)
TensorId = NewType("TensorId", int)
NodeId = NewType("NodeId", int)
ScopeId = NewType("ScopeId", int)
SiteId = NewType("SiteId", int)
BackwardId = NewType("BackwardId", int)

Ref = tuple[TensorId, int]
"""A tensor at a version: (id, version counter)."""

Scalar = Union[None, bool, int, float, str]
Param = Union[None, bool, int, float, str, list[Scalar]]
"""An op's parameter as recorded; what fits nowhere else is its ``repr``."""

VIEW = 1
IN_PLACE = 2


class TensorMeta(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A tensor as it was born or changed: id, version, shape, dtype (``float32``), device (``cpu``, ``cuda:0``)."""

    id: TensorId
    version: int
    shape: tuple[int, ...]
    dtype: str
    device: str
    requires_grad: bool = False


class Event(msgspec.Struct, frozen=True, array_like=True, tag_field="tag"):
    """What every event begins with."""

    seq: Seq
    time: int
    thread: int


class RunStarted(Event, frozen=True, array_like=True, tag=1):
    """The debuggee is about to run the script. ``started_at`` is Unix time in seconds; ``environment`` holds what makes
    a run repeatable: hash seed, BLAS thread counts, versions, initial random states as text."""

    script: str
    argv: list[str]
    cwd: str
    pid: int
    python: str
    engine: str
    engine_version: str
    value_policy: str
    started_at: float
    environment: dict[str, str]


class RunEnded(Event, frozen=True, array_like=True, tag=2):
    """The script ended: ``reason`` is finished, exception, exit, stopped or lost (no word from the process; ``signal``
    then names what killed it where known, else 0)."""

    reason: str
    exit_code: int
    signal: int
    message: str


class SiteDefined(Event, frozen=True, array_like=True, tag=3):
    """A line of the user's source that issued something, met for the first time. ``depth``: how many frames of the
    user's files were on the stack then. ``direct`` is false where a library that the line called issued it."""

    site: SiteId
    file: str
    line: int
    function: str
    text: str
    depth: int = 0
    direct: bool = True


class ScopeEntered(Event, frozen=True, array_like=True, tag=4):
    """A call region opened. ``kind``: module, function or optimizer. ``path``: the module's dotted attribute path
    below its root module ("" for the root itself), the function's name, or the optimizer's type. ``type``: class name
    for a module; ``detail``: its extra_repr. ``instance`` tells modules apart that share a type (never reused)."""

    scope: ScopeId
    parent: ScopeId
    kind: str
    path: str
    type: str
    detail: str
    instance: int
    site: SiteId


class ScopeExited(Event, frozen=True, array_like=True, tag=5):
    """The region closed (also by an exception)."""

    scope: ScopeId


class IterationStarted(Event, frozen=True, array_like=True, tag=6):
    """Iteration ``index`` begins with the next event: emitted before the first op after an optimizer step, or, without
    an optimizer, after the end of a root backward. Iteration 0 starts with the run and has one too."""

    index: int


class TensorSeen(Event, frozen=True, array_like=True, tag=7):
    """A tensor that no recorded op made (older than the recording, or from outside) was met for the first time."""

    tensor: TensorMeta


class TensorNamed(Event, frozen=True, array_like=True, tag=8):
    """A tensor got its path: ``kind`` is parameter or buffer; ``owner`` the instance number of its root module."""

    tensor: TensorId
    kind: str
    path: str
    owner: int


class NodeDefined(Event, frozen=True, array_like=True, tag=9):
    """A backward node that no op made: AccumulateGrad of the leaf ``tensor``, met for the first time."""

    node: NodeId
    name: str
    tensor: TensorId


class OpApplied(Event, frozen=True, array_like=True, tag=10):
    """One primitive ran in forward (or inside a backward with create_graph, then ``backward`` says which).

    ``inputs`` are the tensor arguments in order (id 0: a plain number or None), ``flags`` VIEW | IN_PLACE, ``duration``
    host ns. ``node`` is the backward node it made (0: none), ``node_name`` its name and ``next`` the nodes it passes
    gradients to, aligned with ``inputs`` (0: no gradient wanted)."""

    name: str
    site: SiteId
    scope: ScopeId
    inputs: list[Ref]
    outputs: list[TensorMeta]
    params: dict[str, Param]
    flags: int
    duration: int
    node: NodeId
    node_name: str
    next: list[NodeId]
    backward: BackwardId


class BackwardStarted(Event, frozen=True, array_like=True, tag=11):
    """A backward pass begins. ``roots``/``root_nodes`` are aligned; ``inputs`` are the tensors asked for by
    ``autograd.grad`` or ``inputs=`` (empty: all leaves); ``parent`` is the enclosing backward (0: none)."""

    backward: BackwardId
    parent: BackwardId
    roots: list[Ref]
    root_nodes: list[NodeId]
    seeds: list[TensorMeta]
    inputs: list[TensorId]
    retain_graph: bool
    create_graph: bool
    site: SiteId


class NodeStarted(Event, frozen=True, array_like=True, tag=12):
    """A node has all its gradients and is about to run; ``grads`` are they, one per forward output (None: none)."""

    backward: BackwardId
    node: NodeId
    name: str
    grads: list[Union[TensorMeta, None]]


class NodeFinished(Event, frozen=True, array_like=True, tag=13):
    """The node ran; ``grads`` aligned with its next nodes (None: no gradient); ``duration`` host ns."""

    backward: BackwardId
    node: NodeId
    grads: list[Union[TensorMeta, None]]
    duration: int


class GradientAccumulated(Event, frozen=True, array_like=True, tag=14):
    """``.grad`` of leaf ``tensor`` received a gradient; ``grad`` is the accumulated result now in ``.grad``."""

    backward: BackwardId
    node: NodeId
    tensor: TensorId
    grad: TensorMeta


class BackwardEnded(Event, frozen=True, array_like=True, tag=15):
    """The pass ended; ``error`` is empty unless an exception ended it."""

    backward: BackwardId
    error: str


class OptimizerStepStarted(Event, frozen=True, array_like=True, tag=16):
    """``step()`` begins. ``optimizer`` is its instance number; ``groups`` the hyperparameters of each group."""

    optimizer: int
    type: str
    params: list[Ref]
    groups: list[dict[str, Param]]
    site: SiteId


class OptimizerStepEnded(Event, frozen=True, array_like=True, tag=17):
    """``step()`` ended; ``params`` at their new versions."""

    optimizer: int
    params: list[Ref]


class GradientsZeroed(Event, frozen=True, array_like=True, tag=18):
    """``zero_grad`` cleared the gradients of ``tensors`` (set to None, or to zeros when ``to_none`` is false)."""

    tensors: list[TensorId]
    to_none: bool
    site: SiteId


class ScalarLogged(Event, frozen=True, array_like=True, tag=19):
    """A number worth a curve. The root of a backward is logged by itself as ``loss`` and keyed by the line that made
    it (``site``), so that two losses are two curves."""

    name: str
    site: SiteId
    value: float
    tensor: TensorId


class DeviceTransferred(Event, frozen=True, array_like=True, tag=20):
    """A tensor was copied between devices."""

    source: Ref
    target: TensorMeta
    bytes: int


class MemoryAllocated(Event, frozen=True, array_like=True, tag=21):
    """A storage was allocated for ``tensor``; ``total`` is what the engine holds on ``device`` after it, in bytes."""

    device: str
    bytes: int
    total: int
    tensor: TensorId


class MemoryFreed(Event, frozen=True, array_like=True, tag=22):
    """The storage first allocated for ``tensor`` was freed."""

    device: str
    bytes: int
    total: int
    tensor: TensorId


class AllocationAnnounced(Event, frozen=True, array_like=True, tag=23):
    """An op that allocates more than 64 MiB is about to run: written first, so that a death inside it has a name."""

    name: str
    site: SiteId
    bytes: int


class OutputWritten(Event, frozen=True, array_like=True, tag=24):
    """The script wrote ``text`` to ``stream`` (stdout or stderr)."""

    stream: str
    text: str


class WarningIssued(Event, frozen=True, array_like=True, tag=25):
    """Python's ``warnings`` passed on a warning from the script."""

    category: str
    message: str
    site: SiteId


class ExceptionRaised(Event, frozen=True, array_like=True, tag=26):
    """An exception left the script (or was held on). ``traceback`` holds the user's frames, outermost first; ``op`` and
    ``inputs`` name the op it came from, when it came from one; ``node`` likewise in backward."""

    type: str
    message: str
    site: SiteId
    traceback: list[tuple[str, int, str, str]]
    op: str
    inputs: list[Ref]
    node: NodeId


class Edited(Event, frozen=True, array_like=True, tag=27):
    """A person changed a value at a hold. ``target``: tensor, gradient (``.grad`` of a leaf), incoming (a gradient
    about to enter the held node, at ``slot``) or expression (``text`` ran). The old and new contents are recorded as
    values of ``before`` and ``after``."""

    target: str
    before: TensorMeta
    after: TensorMeta
    node: NodeId
    slot: int
    text: str


class ValueRecorded(Event, frozen=True, array_like=True, tag=28):
    """The bytes of a tensor at a version, C order. ``kind``: all, sample (``stride`` elements apart in the flattened
    tensor) or skipped (``reason`` says why, data empty). In the log ``data`` is empty and the value lies in the values
    table under the content hash."""

    tensor: TensorId
    version: int
    kind: str
    shape: tuple[int, ...]
    dtype: str
    stride: int
    reason: str
    data: bytes


class Gap(Event, frozen=True, array_like=True, tag=29):
    """Events ``seq`` to ``last`` could not be kept (``reason``)."""

    last: Seq
    reason: str


class ConstructionStarted(Event, frozen=True, array_like=True, tag=30):
    """A module's ``__init__`` begins: what it runs counts as one step. ``type`` is the module's class."""

    type: str
    site: SiteId


class ConstructionEnded(Event, frozen=True, array_like=True, tag=31):
    """The innermost construction of its thread ended (also by an exception)."""


AnyEvent = Union[
    RunStarted, RunEnded, SiteDefined, ScopeEntered, ScopeExited, IterationStarted, TensorSeen, TensorNamed,
    NodeDefined, OpApplied, BackwardStarted, NodeStarted, NodeFinished, GradientAccumulated, BackwardEnded,
    OptimizerStepStarted, OptimizerStepEnded, GradientsZeroed, ScalarLogged, DeviceTransferred, MemoryAllocated,
    MemoryFreed, AllocationAnnounced, OutputWritten, WarningIssued, ExceptionRaised, Edited, ValueRecorded, Gap,
    ConstructionStarted, ConstructionEnded,
]  # fmt: skip
"""Every event kind; consumers match it exhaustively."""
