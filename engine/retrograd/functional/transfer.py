"""Moving tensors between devices."""

from __future__ import annotations

from collections.abc import Sequence

from retrograd.autograd.mode import mode
from retrograd.autograd.node import Node
from retrograd.devices import Device
from retrograd.meta import Array
from retrograd.ops.dispatch import make_node
from retrograd.tensor import Tensor, from_array
from retrograd_events.tap import tap


def carried(array: Array, source: Device, target: Device) -> Array:
    """A copy of an array of ``source`` on ``target``."""
    return target.from_host(source.to_host(array))


def move(input: Tensor, target: Device) -> Tensor:
    """A copy on ``target``; its gradient moves back."""
    listener = tap.listener
    params = {"device": target}
    started = 0 if listener is None else listener.op_starting("to_copy", (input,), params)
    made = from_array(carried(input._data, input.device, target), target)
    if input._node is not None and mode.enabled:
        node = make_node(ToCopyBackward0, (input._node,), (), None, {"device": input.device}, ())
        made._node = node
    if listener is not None:
        listener.op_applied("to_copy", (input,), params, (made,), started, 0)
        listener.device_transferred(input, made)
    return made


class ToCopyBackward0(Node):
    """A copy to another device."""

    __slots__ = ()
    op_name = "to_copy"

    def run(self, grad: Array) -> Sequence[object]:
        """On raw arrays."""
        from retrograd.devices import device_of

        home = self.params["device"]
        assert isinstance(home, Device)
        return (carried(grad, device_of(grad), home),)

    def run_recorded(self, grad: Tensor) -> Sequence[object]:
        """On recorded tensors."""
        return (grad.to(self.params["device"]),)
