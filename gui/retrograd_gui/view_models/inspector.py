"""What the inspector shows: one tensor, its value and its gradient, and whether they can be changed here."""

from __future__ import annotations

from dataclasses import dataclass, field

from retrograd_debug import format as fmt
from retrograd_debug.graph.names import tensor_name
from retrograd_debug.log.api import Value
from retrograd_debug.log.state import NodeInfo, State, TensorInfo
from retrograd_debug.session.api import Edit, FetchValue, Hold, Phase, Snapshot, ValueFetched, Verb
from retrograd_events.events import NodeId, OpApplied, Ref, Seq, TensorId, TensorMeta
from retrograd_events.text import tr
from retrograd_gui.view_models.place import event_at
from retrograd_gui.view_models.selection import Selection
from retrograd_gui.view_models.table import Column, Table, column_numbers, is_column, matrix_of

VALUE, GRADIENT, BESIDE = "value", "gradient", "beside"
MOST_SEARCHED = 2_000
LANES = {VALUE: "inspector.value", GRADIENT: "inspector.gradient", BESIDE: "inspector.beside"}


@dataclass(frozen=True, slots=True)
class Gradient:
    """A tensor's gradient: where it lies, what it is called, how it could be changed (``target`` of an Edit, ""
    for not at all) and its progress in a word."""

    meta: TensorMeta
    title: str
    state: str
    target: str = ""
    slot: int = 0


@dataclass(frozen=True, slots=True)
class Subject:
    """The tensor inspected. ``origin`` is a phrase; ``expects`` says whether a gradient may still come."""

    meta: TensorMeta
    name: str
    origin: str
    current: bool
    gradient: Gradient | None
    expects: bool
    beside: Ref | None
    beside_name: str


@dataclass
class Loaded:
    """What is known of the contents of ``ref``. ``state``: loading, there or missing (``reason``)."""

    ref: Ref
    state: str = "loading"
    value: Value | None = None
    reason: str = ""
    request: int = 0
    seq: Seq = field(default_factory=lambda: Seq(0))


class InspectorModel:
    """``facet`` is what is shown; ``revision`` counts changes of anything shown."""

    def __init__(self) -> None:
        self.subject: Subject | None = None
        self.facet = VALUE
        self.revision = 0
        self.prefix: tuple[int, ...] = ()
        self.loaded: dict[str, Loaded] = {}
        self._snapshot: Snapshot | None = None
        self._selection = Selection()
        self._chosen = ""
        self._auto = VALUE
        self._next = 1
        self._queue: list[FetchValue] = []
        self._edited = False

    # --- what is inspected

    def update(self, snapshot: Snapshot, selection: Selection) -> None:
        """Take over a snapshot and the selection."""
        if selection != self._selection:
            self._chosen = ""
        self._snapshot, self._selection = snapshot, selection
        subject, automatic = _subject(snapshot, selection)
        if automatic != self._auto:
            self._auto, self._chosen = automatic, ""
        if subject is not None and (self.subject is None or subject.meta.shape != self.subject.meta.shape):
            self.prefix = (0,) * max(0, len(subject.meta.shape) - 2)
        if subject != self.subject:
            self.revision += 1
        self.subject = subject
        self._set_facet()
        self._fetch()

    def choose(self, facet: str) -> None:
        """Show the value or the gradient, by the person's wish."""
        self._chosen = facet
        self._set_facet()

    def _set_facet(self) -> None:
        facet = self._chosen or self._auto
        if facet != self.facet:
            self.facet = facet
            self.revision += 1

    def choose_slice(self, prefix: tuple[int, ...]) -> None:
        """Show another slice of a tensor of rank above two."""
        if prefix != self.prefix:
            self.prefix = prefix
            self.revision += 1

    # --- contents

    def _fetch(self) -> None:
        wanted: dict[str, Ref] = {}
        subject = self.subject
        if subject is not None:
            wanted[VALUE] = (subject.meta.id, subject.meta.version)
            if subject.gradient is not None:
                wanted[GRADIENT] = (subject.gradient.meta.id, subject.gradient.meta.version)
            if subject.beside is not None:
                wanted[BESIDE] = subject.beside
        for key in LANES:
            ref = wanted.get(key)
            if ref is None:
                if self.loaded.pop(key, None) is not None:
                    self.revision += 1
            elif self._is_stale(key, ref):
                self._ask(key, ref, ref[1])
        self._edited = False

    def _is_stale(self, key: str, ref: Ref) -> bool:
        known = self.loaded.get(key)
        if known is None or known.ref != ref or self._edited:
            return True
        snapshot = self._snapshot
        return known.state == "missing" and snapshot is not None and snapshot.head > known.seq and snapshot.live

    def _ask(self, key: str, ref: Ref, version: int) -> None:
        known = self.loaded.get(key)
        loaded = Loaded(ref, request=self._next, seq=self._snapshot.head if self._snapshot is not None else Seq(0))
        if known is not None and known.ref == ref:
            loaded.value, loaded.state = known.value, known.state
        self.loaded[key] = loaded
        self._queue.append(FetchValue(LANES[key], self._next, ref[0], version))
        self._next += 1

    def requests(self) -> list[FetchValue]:
        """What is to be asked of the session now."""
        queue, self._queue = self._queue, []
        return queue

    def receive(self, notice: ValueFetched) -> bool:
        """Take over an answer; False when it is not for us or no longer wanted."""
        for key, loaded in self.loaded.items():
            if LANES[key] != notice.lane or loaded.request != notice.request:
                continue
            missing = notice.value is None or notice.value.array is None
            if missing and notice.value is None and self._can_read_process(key):
                self._ask_process(key, loaded)
                return True
            loaded.state = "missing" if missing else "there"
            loaded.value = None if missing else notice.value
            loaded.reason = notice.reason or (notice.value.reason if notice.value is not None else "")
            self.revision += 1
            return True
        return False

    def _can_read_process(self, key: str) -> bool:
        snapshot, subject = self._snapshot, self.subject
        if snapshot is None or subject is None or snapshot.hold is None or not snapshot.live:
            return False
        current = key == VALUE and subject.current
        return current and not self.loaded[key].reason

    def _ask_process(self, key: str, loaded: Loaded) -> None:
        self._queue.append(FetchValue(LANES[key], self._next, loaded.ref[0], -1))
        loaded.request, loaded.reason = self._next, tr("Not recorded here.")
        self._next += 1

    @property
    def shown(self) -> Loaded | None:
        """The contents of the facet shown."""
        return self.loaded.get(self.facet)

    @property
    def reading(self) -> bool:
        """Whether the numbers shown are on their way."""
        shown = self.shown
        return shown is not None and shown.state == "loading" and shown.value is None

    # --- words

    @property
    def heading(self) -> str:
        """What stands above the picture."""
        subject = self.subject
        if subject is None:
            return ""
        if self.facet == GRADIENT:
            return subject.gradient.title if subject.gradient is not None else tr("Gradient")
        return tr("Value at version {version}", version=subject.meta.version)

    @property
    def note(self) -> str:
        """A quiet word beside the heading: how the gradient stands, or that numbers are a sample."""
        shown = self.shown
        if shown is not None and shown.value is not None and shown.value.kind == "sample":
            size = shown.value.array.size if shown.value.array is not None else 0
            return tr("sample of {count}", count=fmt.count(size))
        subject = self.subject
        if self.facet == GRADIENT and subject is not None and subject.gradient is not None:
            return subject.gradient.state
        return ""

    @property
    def empty(self) -> tuple[str, str]:
        """A sentence for where numbers would be, and the action that it offers ("" none); ("", "") when they are
        there."""
        subject = self.subject
        if subject is None:
            return self._nothing()
        if self.facet == GRADIENT and subject.gradient is None:
            if not subject.meta.requires_grad:
                return tr("No gradient: nothing asks for one (requires_grad is False)."), ""
            if subject.expects and self._snapshot is not None and self._snapshot.live:
                return tr("No gradient yet. It arrives in backward; F8 steps there."), "debug.step-node"
            return tr("No gradient at this point."), ""
        shown = self.shown
        if shown is None or self.reading:
            return tr("Reading …"), ""
        if shown.state == "missing":
            return shown.reason or tr("Not recorded here."), ""
        if shown.value is not None and shown.value.array is not None and shown.value.array.size == 0:
            return tr("An empty tensor: it has no elements."), ""
        return "", ""

    def _nothing(self) -> tuple[str, str]:
        snapshot = self._snapshot
        if snapshot is None:
            return tr("No run open"), ""
        if snapshot.phase in (Phase.ENDED, Phase.LOST):
            return tr("No operation ran"), ""
        return tr("Nothing has run yet. F10 runs the first operation."), "debug.step-op"

    # --- numbers

    def table(self) -> Table | None:
        """The numbers as rows and columns, None while there are none."""
        subject, shown = self.subject, self.shown
        if subject is None or shown is None or shown.value is None or shown.value.array is None:
            return None
        if not is_column(subject.meta.shape):
            if shown.value.kind != "all":
                numbers = column_numbers(shown.value)
                return Table((), [Column(tr("sample"), numbers, "")], None, ()) if numbers is not None else None
            return Table(subject.meta.shape, [], matrix_of(shown.value, self.prefix), self.prefix)
        columns: list[Column] = []
        for key, title in ((VALUE, subject.name), (BESIDE, subject.beside_name), (GRADIENT, tr("gradient"))):
            loaded = self.loaded.get(key)
            numbers = column_numbers(loaded.value) if loaded is not None and loaded.value is not None else None
            if numbers is not None:
                columns.append(Column(title, numbers, "" if key == BESIDE else key))
        return Table(subject.meta.shape, columns, None, ())

    # --- edits

    def edit_problem(self, facet: str = "") -> str:
        """Why numbers of ``facet`` (of the one shown) can't be changed now; "" when they can."""
        facet = facet or self.facet
        snapshot, subject = self._snapshot, self.subject
        if snapshot is None or subject is None:
            return tr("Nothing is selected")
        if not snapshot.live:
            return tr("Edits are off while looking back: return to the head")
        if snapshot.phase in (Phase.ENDED, Phase.LOST):
            return tr("The run has ended: nothing can be changed any more")
        if snapshot.hold is None or Verb.EDIT not in snapshot.verbs:
            return tr("Values can be changed while the script is held: F6 pauses it")
        return self._edit_problem_of_subject(facet, subject)

    def _edit_problem_of_subject(self, facet: str, subject: Subject) -> str:
        loaded = self.loaded.get(facet)
        if loaded is not None and loaded.value is not None and loaded.value.kind != "all":
            return tr("Only a sample was recorded: its elements can't be changed here")
        if facet == VALUE and not subject.current:
            return tr("This is an older version of the tensor: only the newest can be changed")
        if facet == GRADIENT and subject.gradient is None:
            return tr("There is no gradient to change yet")
        if facet == GRADIENT and subject.gradient is not None and not subject.gradient.target:
            return tr("Its node has run: this gradient can't be changed any more")
        if facet not in (VALUE, GRADIENT):
            return tr("This column belongs to another tensor: select that one to change it")
        return ""

    def edit(self, facet: str, index: list[int], text: str) -> tuple[Edit | None, str]:
        """The command that writes ``text`` to an element, or the sentence that says why not."""
        problem = self.edit_problem(facet)
        if problem or self.subject is None:
            return None, problem
        try:
            value = float(text.strip().replace(fmt.MINUS, "-"))
        except ValueError:
            return None, tr("“{text}” is not a number", text=text.strip())
        self._edited = True
        if facet == VALUE:
            return Edit("tensor", self.subject.meta.id, index, value), ""
        gradient = self.subject.gradient
        if gradient is None:
            return None, tr("There is no gradient to change yet")
        tensor = self.subject.meta.id if gradient.target == "gradient" else gradient.meta.id
        return Edit(gradient.target, tensor, index, value, gradient.slot), ""


# --- which tensor


def _subject(snapshot: Snapshot, selection: Selection) -> tuple[Subject | None, str]:
    """The tensor to inspect and the facet that matters by itself."""
    if selection.kind in ("op", "node", "tensor") and selection.tensor:
        return _of_tensor(snapshot, selection.tensor, selection.version), selection.facet
    hold = snapshot.hold
    if snapshot.live and hold is not None and hold.kind == "node":
        found = _of_node(snapshot, hold.node)
        if found is not None:
            return found, GRADIENT
    op = _last_op(snapshot)
    if op is None or not op.outputs:
        return None, VALUE
    return _of_tensor(snapshot, op.outputs[0].id, op.outputs[0].version), VALUE


def _last_op(snapshot: Snapshot) -> OpApplied | None:
    for events in (snapshot.iteration_events, snapshot.previous_events):
        for event in reversed(events):
            if event.seq <= snapshot.cursor and isinstance(event, OpApplied):
                return event
    return None


def _of_node(snapshot: Snapshot, node: NodeId) -> Subject | None:
    info = snapshot.state.nodes.get(node)
    if info is None:
        return None
    if info.tensor:
        return _of_tensor(snapshot, info.tensor, -1)
    op = _op(snapshot, info.op)
    if op is not None and op.outputs:
        return _of_tensor(snapshot, op.outputs[0].id, op.outputs[0].version)
    return None


def _op(snapshot: Snapshot, seq: Seq) -> OpApplied | None:
    for events in (snapshot.iteration_events, snapshot.previous_events):
        event = event_at(events, seq)
        if isinstance(event, OpApplied) and event.seq == seq:
            return event
    return None


def _of_tensor(snapshot: Snapshot, tensor: TensorId, version: int) -> Subject | None:
    info = snapshot.state.tensors.get(tensor)
    if info is None:
        return None
    meta = _meta(info, version)
    beside = _beside(snapshot, info)
    return Subject(
        meta=meta,
        name=tensor_name(snapshot, snapshot.log, tensor),
        origin=_origin(snapshot, info, meta),
        current=info.meta.version == meta.version,
        gradient=_gradient(snapshot, info),
        expects=meta.requires_grad,
        beside=beside,
        beside_name=tensor_name(snapshot, snapshot.log, beside[0]) if beside is not None else "",
    )


def _meta(info: TensorInfo, version: int) -> TensorMeta:
    """``version`` of a tensor; of a parameter or buffer always the newest at the cursor, since it is the thing that
    was selected and not a moment of it."""
    known = info.meta
    if version < 0 or known.version == version or info.kind in ("parameter", "buffer"):
        return known
    return TensorMeta(known.id, version, known.shape, known.dtype, known.device, known.requires_grad)


def _origin(snapshot: Snapshot, info: TensorInfo, meta: TensorMeta) -> str:
    version = tr("version {version}", version=meta.version)
    if info.kind in ("parameter", "buffer"):
        kind = tr("parameter") if info.kind == "parameter" else tr("buffer")
        return f"{kind}, {version}"
    op = _op(snapshot, info.op) if info.op else None
    found = snapshot.log.sites.get(info.site) if snapshot.log is not None else None
    parts = [tr("output of {op}", op=op.name)] if op is not None else []
    if found is not None:
        parts.append(fmt.line(found.line) if parts else tr("made in line {line}", line=found.line))
    return ", ".join([*parts, version])


def _beside(snapshot: Snapshot, info: TensorInfo) -> Ref | None:
    """What a column-vector is compared with: the other input, of the same shape, of the first op that used both."""
    meta = info.meta
    if not is_column(meta.shape) or not meta.shape:
        return None
    for event in snapshot.iteration_events[:MOST_SEARCHED]:
        if event.seq > snapshot.cursor:
            return None
        if not isinstance(event, OpApplied) or all(ref[0] != meta.id for ref in event.inputs):
            continue
        for ref in event.inputs:
            other = snapshot.state.tensors.get(ref[0])
            if ref[0] != meta.id and other is not None and other.meta.shape == meta.shape:
                return ref
    return None


def _gradient(snapshot: Snapshot, info: TensorInfo) -> Gradient | None:
    """The gradient of a tensor at the cursor: what enters the node of its op, or a leaf's ``.grad``."""
    hold = snapshot.hold if snapshot.live else None
    held_node = hold.node if hold is not None and hold.kind == "node" else NodeId(0)
    held = snapshot.state.nodes.get(held_node)
    if hold is not None and held is not None and (held.tensor == info.meta.id or held_node == info.node):
        # the node has not started: its gradients are known from the hold alone
        slot = 0 if held.tensor else info.slot
        entering = _at_held_node(snapshot.state, hold, slot, info.meta)
        if entering is not None:
            return entering
    node = snapshot.state.nodes.get(info.node)
    if node is not None and not node.tensor:
        return _entering(node, info.slot)
    if info.grad is None:
        return None
    name = tensor_name(snapshot, snapshot.log, info.meta.id)
    return Gradient(info.grad, tr("Gradient of {name} (.grad)", name=name), tr("accumulated"), "gradient")


def _at_held_node(state: State, hold: Hold, slot: int, like: TensorMeta) -> Gradient | None:
    ref = hold.grads[slot] if slot < len(hold.grads) else None
    if ref is None:
        return None
    known = state.tensors.get(ref[0])
    dtype, device = (known.meta.dtype, known.meta.device) if known is not None else (like.dtype, like.device)
    meta = TensorMeta(ref[0], ref[1], like.shape, dtype, device)
    return Gradient(meta, tr("Gradient entering {node}", node=hold.name), tr("arrived"), "incoming", slot)


def _entering(node: NodeInfo, slot: int) -> Gradient | None:
    meta = node.grads_in[slot] if slot < len(node.grads_in) else None
    if meta is None:
        return None
    title = tr("Gradient entering {node}", node=node.name)
    return Gradient(meta, title, tr("passed on") if node.status == "done" else tr("arrived"), "", slot)
