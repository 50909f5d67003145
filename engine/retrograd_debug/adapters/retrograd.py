"""Our engine as a source of events: listens, reads and changes live values, keeps evaluations from showing."""

from __future__ import annotations

import gc
import importlib.metadata
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from retrograd_debug.adapters.base import EditError
from retrograd_debug.adapters.listener import EngineListener
from retrograd_debug.adapters.tensors import (
    EngineTensor,
    MetaTuple,
    as_tensor,
    host_array,
    is_tensor,
    kind,
    meta_tuple,
    next_tensor,
    version,
)
from retrograd_debug.format import tensor as tensor_words
from retrograd_debug.session.api import Edit
from retrograd_events import tr
from retrograd_events.tap import tap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from retrograd_debug.agent.agent import Agent
    from retrograd_debug.agent.holding import Stop

EDITED = 27
_NOTHING: MetaTuple = (0, 0, (), "", "", False)


def source(agent: Agent) -> RetrogradSource:
    """The adapter, not yet listening."""
    return RetrogradSource(agent)


class RetrogradSource:
    """See ``retrograd_debug.adapters.base.Source``. Imports nothing of the engine: it works on what the script's own
    import brought."""

    name = "retrograd"

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._listener = EngineListener(agent)
        self._marks: dict[int, tuple[int, int, int]] = {}

    @property
    def version(self) -> str:
        """The installed version ("source" when it runs from a checkout)."""
        try:
            return importlib.metadata.version("retrograd")
        except importlib.metadata.PackageNotFoundError:
            return "source"

    @property
    def iteration(self) -> int:
        """The iteration that runs."""
        return self._listener.iterations.index

    @property
    def phase(self) -> str:
        """Outside backward and step: setup or forward."""
        return self._listener.phase

    def attach(self) -> None:
        """Listen from now on."""
        self._listener.iterations.start()
        tap.listener = self._listener

    def detach(self) -> None:
        """Listen no more."""
        if tap.listener is self._listener:
            tap.listener = None

    # --- reading

    def fetch(self, stop: Stop | None, tensor: int) -> tuple[NDArray[np.generic], int, str] | None:
        """A live tensor's or gradient's contents."""
        for each in (stop.grads or []) if stop is not None else []:
            number = self._listener.gradients.number_of(each) if each is not None else None
            if number is not None and number[0] == tensor:
                array = self._listener.host(as_tensor(each)._data if hasattr(each, "_tid") else each)
                return array, number[1], str(array.dtype.name)
        found = self._find(stop, tensor)
        if found is None:
            return None
        return host_array(found), version(found), kind(found._meta)[0]

    def known(self, value: object) -> tuple[int, int, str] | None:
        """Id, version and kind of a tensor."""
        if not is_tensor(value):
            return None
        found = as_tensor(value)
        dtype, device = kind(found._meta)
        return found._tid, version(found), tensor_words(found._meta.shape, dtype, device)

    def _find(self, stop: Stop | None, tensor: int) -> EngineTensor | None:
        """The live tensor of that id. Looks where it is likely first; a look through all objects finds the rest."""
        for each in stop.inputs if stop is not None else []:
            if getattr(each, "_tid", 0) == tensor:
                return as_tensor(each)
        tensor_type = self._tensor_type()
        if tensor_type is None:
            return None
        for each in gc.get_objects():
            if issubclass(type(each), tensor_type) and as_tensor(each)._tid == tensor:
                return as_tensor(each)
        return None

    def _tensor_type(self) -> type | None:
        module = sys.modules.get("retrograd.tensor") or sys.modules.get("retrograd")
        found = getattr(module, "Tensor", None)
        return found if isinstance(found, type) else None

    # --- changing

    def edit(self, stop: Stop, command: Edit) -> None:
        """Change a value in the running program."""
        if command.target == "incoming":
            self._edit_incoming(stop, command)
            return
        found = self._find(stop, command.tensor)
        if found is None:
            raise EditError(tr("The tensor is no longer alive."))
        grad = found._grad if command.target == "gradient" else None
        target = grad if grad is not None else found
        before = meta_tuple(target)
        array = _with(host_array(target), command)
        self._write(target, array)
        after = meta_tuple(target)
        self._agent.writer.emit(EDITED, (command.target, before, after, stop.hold.node, command.slot, _words(command)))
        self._listener.record_value(target, important=True)

    def _write(self, target: EngineTensor, array: NDArray[np.generic]) -> None:
        """Put the contents into the tensor's own storage: views of it see them, and what backward saved of it is
        the new contents, as the person wants; the version counts up so that the log tells the two apart."""
        if isinstance(target._data, np.ndarray):
            if not target._data.flags.writeable:
                raise EditError(tr("This tensor can't be written to (it is expanded or read-only)."))
            target._data[...] = array
        else:
            target._data[...] = target._meta.device.from_host(array)
        versions = sys.modules["retrograd.autograd.versions"]
        # ``stamp`` stays: a backward node that saved the tensor goes on with the new contents.
        versions.versions_of(target).count += 1

    def _edit_incoming(self, stop: Stop, command: Edit) -> None:
        grads = stop.grads
        if grads is None or not 0 <= command.slot < len(grads) or grads[command.slot] is None:
            raise EditError(tr("No gradient arrives at this place."))
        gradient: Any = grads[command.slot]
        gradients = self._listener.gradients
        if hasattr(gradient, "_tid"):
            before = meta_tuple(gradient)
            array = _with(host_array(gradient), command)
            changed: Any = self._like(gradient, array)
        else:
            before, _ = gradients.meta(gradient)
            array = _with(self._listener.host(gradient), command)
            changed = array if isinstance(gradient, np.ndarray) else type(gradient)(array)
        grads[command.slot] = changed
        after, _ = gradients.meta(changed)
        node = stop.hold.node
        self._agent.writer.emit(EDITED, ("incoming", before, after, node, command.slot, _words(command)))
        self._agent.values.record(after[0], after[1], array, after[3], important=True)

    def _like(self, gradient: EngineTensor, array: NDArray[np.generic]) -> Any:
        """A tensor as ``gradient`` with other contents (a constant: the person put it there)."""
        clone: Any = gradient
        with self.world():
            made = clone.detach().clone()
            made._data[...] = made._meta.device.from_host(array)
            made._tid = next_tensor()
        return made

    def renew(self, stop: Stop) -> None:
        """Bring the hold's versions up to date."""
        inputs = [
            (each._tid, version(each)) if hasattr(each, "_tid") else (0, 0) for each in map(as_tensor, stop.inputs)
        ]
        grads = self._listener.stops.refs_of(stop.grads) if stop.grads is not None else stop.hold.grads
        stop.hold = msgspec.structs.replace(stop.hold, seq=self._agent.writer.seq, inputs=inputs, grads=grads)

    def expression_ran(self, stop: Stop, text: str, statement: bool) -> bool:
        """Record what the person's text changed among parameters and the held op's inputs; whether anything was."""
        marks, self._marks = self._marks, {}
        changed = False
        for tensor in self._watched(stop):
            before = marks.get(id(tensor))
            now = self._mark(tensor)
            if before is None or before == now:
                continue
            changed = True
            self._agent.writer.emit(EDITED, ("expression", _NOTHING, meta_tuple(tensor), 0, 0, text))
            self._listener.record_value(tensor, important=True)
            if tensor._grad is not None:
                self._edited_grad(tensor._grad)
        if statement and not changed:
            self._agent.writer.emit(EDITED, ("expression", _NOTHING, _NOTHING, 0, 0, text))
        return changed or statement

    def _edited_grad(self, grad: EngineTensor) -> None:
        if not grad._tid:
            grad._tid = next_tensor()
        self._listener.record_value(grad, important=True)

    def before_expression(self, stop: Stop) -> None:
        """Remember what an expression might change."""
        self._marks = {id(each): self._mark(each) for each in self._watched(stop)}

    def _watched(self, stop: Stop) -> list[EngineTensor]:
        tensor_type = self._tensor_type()
        if tensor_type is None:
            return []
        found = [each for each in gc.get_objects() if issubclass(type(each), tensor_type)]
        return [each for each in map(as_tensor, found) if each._tid]

    def _mark(self, tensor: EngineTensor) -> tuple[int, int, int]:
        grad = tensor._grad
        return (version(tensor), id(grad) if grad is not None else 0, version(grad) if grad is not None else 0)

    # --- keeping the world as it was

    @contextmanager
    def world(self, grad: bool = True) -> Iterator[None]:
        """Mute the tap; afterwards random states and grad mode are as before."""
        python_state = random.getstate()
        numpy_state = np.random.get_state()  # the global generator is the script's
        restore = [self._keep_generator(), self._keep_mode()]
        listener, tap.listener = tap.listener, None
        mode: Any = getattr(sys.modules.get("retrograd.autograd.mode"), "mode", None)
        if not grad and mode is not None:
            mode.enabled = False
        try:
            yield
        finally:
            tap.listener = listener
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            for each in restore:
                each()

    def _keep_generator(self) -> Callable[[], None]:
        module = sys.modules.get("retrograd.random")
        generator: Any = getattr(module, "default_generator", None)
        if generator is None:
            return _nothing
        state = generator.state_bytes()
        return lambda: generator.set_state_bytes(state)

    def _keep_mode(self) -> Callable[[], None]:
        module = sys.modules.get("retrograd.autograd.mode")
        mode: Any = getattr(module, "mode", None)
        if mode is None:
            return _nothing
        enabled = mode.enabled
        return lambda: setattr(mode, "enabled", enabled)

    def origin(self, error: BaseException) -> tuple[str, list[tuple[int, int]], int]:
        """The op, inputs and node that ``error`` came from."""
        known, op, inputs, node = self._listener.failed
        return (op, inputs, node) if known == id(error) else ("", [], 0)


def _nothing() -> None:
    """Nothing to put back."""


def _with(array: NDArray[np.generic], command: Edit) -> NDArray[np.generic]:
    """A copy of ``array`` with the command's element changed."""
    changed = np.array(array)
    index = tuple(command.index)
    if len(index) != changed.ndim:
        raise EditError(
            tr(
                "An index of {given} numbers does not fit a tensor of {wanted} dimensions.",
                given=len(index),
                wanted=changed.ndim,
            )
        )
    try:
        changed[index] = command.value
    except IndexError as error:
        raise EditError(tr("There is no element {index}.", index=list(index))) from error
    except (ValueError, OverflowError, TypeError) as error:
        raise EditError(tr("{value} does not fit this tensor: {reason}", value=command.value, reason=error)) from error
    return changed


def _words(command: Edit) -> str:
    return f"{command.index} = {command.value!r}"
