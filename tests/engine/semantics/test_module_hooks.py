"""Hooks of modules, own and global: their order and what they change."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from engine.twice import both, fails


def chain(torch: Any) -> Any:
    class Twice(torch.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any, *, scale: float = 1.0) -> Any:
            if scale < 0:
                raise ValueError("negative")
            return x * 2 * scale

    return Twice()


@both
def test_own_and_global_hooks_in_order(torch: Any) -> object:
    module = import_module(f"{torch.__name__}.nn.modules.module")
    model, seen = chain(torch), []

    def note(name: str) -> Any:
        return lambda *given: seen.append((name, [each.tolist() for each in given[1] if each is not None]))

    handles = [
        model.register_forward_pre_hook(note("pre")), module.register_module_forward_pre_hook(note("global pre")),
        model.register_forward_pre_hook(note("first pre"), prepend=True),
        model.register_forward_hook(note("post")), module.register_module_forward_hook(note("global post")),
        model.register_full_backward_pre_hook(note("back pre")),
        module.register_module_full_backward_pre_hook(note("global back pre")),
        model.register_full_backward_hook(note("back")), module.register_module_full_backward_hook(note("global back")),
    ]  # fmt: skip
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    model(x).sum().backward()
    for handle in handles:
        handle.remove()
    count = len(seen)
    model(x).sum().backward()
    return [seen, len(seen) == count, x.grad]


@both
def test_what_global_hooks_return_replaces(torch: Any) -> object:
    module = import_module(f"{torch.__name__}.nn.modules.module")
    model, x = chain(torch), torch.tensor([1.0, 2.0], requires_grad=True)
    with module.register_module_forward_pre_hook(lambda m, args: (args[0] * 10,)):
        first = model(x)
    with module.register_module_forward_hook(lambda m, args, out: out + 1):
        second = model(x)
    with module.register_module_forward_hook(lambda m, args, kwargs, out: out * kwargs["scale"], with_kwargs=True):
        third = model(x, scale=3.0)
    with module.register_module_full_backward_hook(lambda m, grads, outs: (grads[0] * 5,)):
        model(x).sum().backward()
    seen: list[Any] = []
    with module.register_module_forward_hook(lambda m, args, out: seen.append(out), always_call=True):
        failed = fails(lambda: model(x, scale=-1.0))
    return [first, second, third, x.grad, seen, failed]
