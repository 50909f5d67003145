"""The state of a run at one event: what a reader knows after reducing every event up to it. Data only: ``reduce`` makes
it, keyframes hold it.
"""

from __future__ import annotations

from typing import Union

import msgspec

from retrograd_debug.log.regions import Region
from retrograd_events.events import BackwardId, NodeId, Ref, ScopeId, Seq, SiteId, TensorId, TensorMeta


class TensorInfo(msgspec.Struct):
    """A tensor that can still matter. ``op`` is the seq of the op that made or last changed it (0: from outside),
    ``slot`` its place among that op's outputs. ``kind``: parameter, buffer, gradient or "" (plain). ``path`` is set for
    parameters and buffers. ``grad`` is what ``.grad`` holds. ``used`` is the iteration that last touched it."""

    meta: TensorMeta
    born: Seq
    op: Seq
    slot: int
    site: SiteId
    kind: str = ""
    path: str = ""
    owner: int = 0
    grad: TensorMeta | None = None
    node: NodeId = NodeId(0)
    used: int = 0


class NodeInfo(msgspec.Struct):
    """A backward node. ``op``: seq of its forward op (0 for AccumulateGrad, then ``tensor`` is its leaf). ``status``:
    idle (no backward reached it), waiting (needed by the open pass, ``needs`` gradients still to come), ready (all
    there), started, done. ``grads_in``/``grads_out``: of the latest pass, when seen. ``used`` is the iteration that
    last touched it."""

    id: NodeId
    name: str
    op: Seq
    tensor: TensorId
    next: list[NodeId]
    status: str = "idle"
    needs: int = 0
    backward: BackwardId = BackwardId(0)
    started: Seq = Seq(0)
    finished: Seq = Seq(0)
    duration: int = 0
    grads_in: list[Union[TensorMeta, None]] = []
    grads_out: list[Union[TensorMeta, None]] = []
    used: int = 0


class BackwardInfo(msgspec.Struct):
    """An open (or the latest) backward pass; ``ended`` is 0 while it is open. ``total`` nodes are needed, ``done`` of
    them have run."""

    id: BackwardId
    parent: BackwardId
    started: Seq
    site: SiteId
    roots: list[Ref]
    ended: Seq = Seq(0)
    total: int = 0
    done: int = 0


class OpenScope(msgspec.Struct):
    """A scope that is open in a thread."""

    id: ScopeId
    kind: str
    path: str
    type: str
    site: SiteId


class State(msgspec.Struct):
    """Everything known at ``seq``. ``phase``: setup (before iteration work), forward, backward, step, ended.

    ``scopes`` and ``regions`` are open, by thread. ``tensors`` and ``nodes`` hold what the current and the previous
    iteration touched, and every parameter and buffer; ``tensors`` also the newest 1,024 of what came from outside or
    was made before the first forward op (``setup`` is the last event before that): data, which a later iteration may
    take up again.
    """

    seq: Seq = Seq(0)
    time: int = 0
    iteration: int = 0
    phase: str = "setup"
    ops: int = 0
    nodes_run: int = 0
    events: int = 0
    scopes: dict[int, list[OpenScope]] = {}
    regions: dict[int, list[Region]] = {}
    tensors: dict[TensorId, TensorInfo] = {}
    nodes: dict[NodeId, NodeInfo] = {}
    backwards: list[BackwardInfo] = []
    memory: dict[str, int] = {}
    setup: Seq = Seq(0)
