"""The picture of one iteration as data: items, edges, what each stands for. Immutable, free of Qt and geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from retrograd_events.events import NodeId, Ref, ScopeId, Seq, SiteId, TensorId


class ItemKind(Enum):
    """What is drawn."""

    OP = "op"
    LEAF = "leaf"
    MIRROR = "mirror"
    SEED = "seed"
    SCOPE = "scope"


class Role(Enum):
    """What a leaf is; ``NONE`` for everything else. ``DATA`` leaves stand in the left margin."""

    NONE = ""
    PARAMETER = "parameter"
    BUFFER = "buffer"
    FROZEN = "frozen"
    DATA = "data"
    RESULT = "result"


class ItemState(Enum):
    """How an item stands at the cursor. ``READY`` is a mirror whose gradients have arrived."""

    IDLE = "not run"
    RUNNING = "running"
    DONE = "done"
    READY = "gradient arrived"
    WAITING = "waiting"
    PASSED = "done, passed on"
    NAN = "NaN"
    ERROR = "error"


class Mark(Enum):
    """``HELD``: the script stands before it. ``CURSOR``: looking back, the cursor is here. ``SCRIPT``: looking back,
    and this is where the script itself stands."""

    NONE = ""
    HELD = "held"
    CURSOR = "cursor"
    SCRIPT = "script"


class EdgeKind(Enum):
    """``GRADIENT`` runs from a mirror up to another; the others from a tensor's maker down to its user."""

    TENSOR = "tensor"
    VIEW = "view"
    GRADIENT = "gradient"


class EdgeState(Enum):
    """``PLAIN`` for forward edges; ``PENDING`` for a forward edge whose user has not run."""

    PLAIN = "plain"
    PENDING = "pending"
    ARRIVED = "arrived"
    HELD = "held"
    WAITING = "waiting"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in the picture. ``key`` is structural: the same in every iteration of the same shape. ``title`` and
    ``detail`` are its two lines, ``info`` what stands at the right (duration, value, counts). ``pair`` names the mirror
    of an op or leaf, and the op or leaf of a mirror. ``group`` (scopes): module, function or optimizer."""

    key: str
    kind: ItemKind
    parent: str
    title: str
    detail: str = ""
    info: str = ""
    state: ItemState = ItemState.IDLE
    mark: Mark = Mark.NONE
    role: Role = Role.NONE
    group: str = ""
    pair: str = ""
    device: str = ""
    folded: bool = False
    share: float = 0.0
    output: str = ""
    tip: str = ""
    op: Seq = Seq(0)
    node: NodeId = NodeId(0)
    scope: ScopeId = ScopeId(0)
    tensor: TensorId = TensorId(0)
    version: int = 0
    site: SiteId = SiteId(0)
    outputs: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Edge:
    """``source`` and ``target`` are item keys in the direction of flow (a gradient's source is the lower mirror);
    ``tensor`` what travels, ``label`` its name. ``rail``: the key of the forward edge that a gradient edge answers."""

    key: str
    kind: EdgeKind
    source: str
    target: str
    state: EdgeState = EdgeState.PLAIN
    tensor: TensorId = TensorId(0)
    version: int = 0
    label: str = ""
    rail: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything to draw. Items are in the order in which they ran; a scope comes before what it holds. ``place`` is
    the trail of the breadcrumb bar. ``focus`` is the key of the marked item, "" when there is none. ``omitted`` counts
    the earlier operations of a long setup that are left out."""

    items: tuple[Item, ...] = ()
    edges: tuple[Edge, ...] = ()
    place: tuple[str, ...] = ()
    focus: str = ""
    empty: str = ""
    omitted: int = 0
    is_setup: bool = False
    index: Mapping[str, int] = field(default_factory=dict)

    def item(self, key: str) -> Item | None:
        """The item with ``key``, or None."""
        at = self.index.get(key)
        return self.items[at] if at is not None else None


def scene_text(scene: Scene) -> str:
    """The same picture as text: one item a line, indented by scope, then the edges; for tests, the command line and
    readers of the screen."""
    if not scene.items:
        return scene.empty
    depth: dict[str, int] = {"": 0}
    lines = [" › ".join(scene.place)]
    for item in scene.items:
        depth[item.key] = depth.get(item.parent, 0) + 1
        words = [item.title, item.detail, item.info, f"[{item.state.value}]"]
        if item.mark is not Mark.NONE:
            words.append(f"<{item.mark.value}>")
        lines.append("  " * depth[item.key] + f"{item.kind.value} " + " ".join(word for word in words if word))
    for edge in scene.edges:
        source, target = scene.item(edge.source), scene.item(edge.target)
        if source is not None and target is not None:
            label = f" ({edge.label})" if edge.label else ""
            lines.append(f"  {edge.kind.value} {source.title} -> {target.title}{label} {edge.state.value}")
    return "\n".join(lines)
