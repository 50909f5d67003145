"""Hooks of tensors, nodes and saved tensors: their order, what they may change, their handles."""

from __future__ import annotations

from typing import Any

from engine.twice import both, fails


def leaf(torch: Any, *values: float) -> Any:
    return torch.tensor(list(values), requires_grad=True)


@both
def test_tensor_hooks(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * 3
    seen: list[Any] = []
    first = y.register_hook(lambda grad: seen.append(("first", grad.tolist())))
    y.register_hook(lambda grad: grad * 2)
    y.register_hook(lambda grad: seen.append(("third", grad.tolist())))
    x.register_hook(lambda grad: seen.append(("leaf", grad.tolist())) or grad + 1)
    y.retain_grad()
    y.register_hook(lambda grad: grad * 10)
    (y * y).sum().backward(retain_graph=True)
    first.remove()
    first.remove()
    captured = torch.autograd.grad((y * y).sum(), [x, y])
    return [seen, x.grad, y.grad, captured, fails(lambda: torch.ones(1).register_hook(print))]


@both
def test_a_hook_must_keep_the_kind(torch: Any) -> object:
    def result(hook: Any) -> str:
        x = leaf(torch, 1.0, 2.0)
        (x * 2).register_hook(hook)
        y = x * 2
        y.register_hook(hook)
        return fails(lambda: y.sum().backward())

    return [result(lambda grad: grad[:1]), result(lambda grad: 3.0), result(lambda grad: None)]


@both
def test_a_handle_is_a_context(torch: Any) -> object:
    x = leaf(torch, 1.0)
    seen: list[str] = []
    with x.register_hook(lambda grad: seen.append("hook")):
        (x * 2).sum().backward()
    (x * 2).sum().backward()
    return seen


@both
def test_post_accumulate_hooks(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []
    handle = x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, p.grad.tolist())))
    x.register_hook(lambda grad: seen.append("before") or None)
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    torch.autograd.grad((x * 2).sum(), x)
    handle.remove()
    (x * 2).sum().backward()
    x.register_post_accumulate_grad_hook(lambda p: setattr(p, "grad", None))
    (x * 2).sum().backward()
    return [seen, x.grad, fails(lambda: (x * 2).register_post_accumulate_grad_hook(print))]


@both
def test_node_hooks(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * x
    seen: list[Any] = []
    node = y.grad_fn
    node.register_prehook(lambda grads: seen.append(("pre", grads[0].tolist())) or (grads[0] * 2,))
    node.register_hook(
        lambda inputs, outputs: seen.append(("post", [each.tolist() for each in inputs], outputs[0].tolist()))
    )
    handle = node.register_hook(lambda inputs, outputs: tuple(each + 1 for each in inputs))
    y.register_hook(lambda grad: seen.append("tensor"))
    y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    accumulate = node.next_functions[0][0]
    node.metadata["mine"] = 3
    return [seen, x.grad, type(accumulate).__name__, accumulate.variable is x, node.metadata["mine"]]


@both
def test_hooks_before_and_after_an_in_place_change(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * 1
    seen: list[Any] = []
    y.register_hook(lambda grad: seen.append(("before", grad.tolist())))
    y.mul_(3)
    y.register_hook(lambda grad: seen.append(("after", grad.tolist())))
    y.sum().backward()
    return [seen, x.grad]


@both
def test_saved_tensors_hooks(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    seen: list[Any] = []

    def pack(value: Any) -> Any:
        seen.append(("pack", [round(each, 3) for each in value.tolist()], torch.is_grad_enabled()))
        return (value * 10).tolist()

    def unpack(value: Any) -> Any:
        seen.append(("unpack", [round(each, 3) for each in value]))
        return torch.tensor(value)

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x.exp()
        with torch.autograd.graph.saved_tensors_hooks(lambda value: value, lambda value: value):
            z = y.sin()
    outside = z * z
    outside.sum().backward(retain_graph=True)
    outside.sum().backward()
    return [sorted(map(str, seen)), x.grad]


@both
def test_saved_tensors_hooks_and_higher_orders(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda value: value + 0, lambda value: value):
        y = x.exp() * x * x.sin()
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    with torch.autograd.graph.save_on_cpu():
        z = (g * g * x).sum()
    return [g, torch.autograd.grad(z, x)]


@both
def test_saved_tensors_hooks_may_be_refused(torch: Any) -> object:
    graph = torch.autograd.graph

    def enter() -> None:
        with graph.saved_tensors_hooks(lambda value: value, lambda value: value):
            pass

    with graph.disable_saved_tensors_hooks("not here"):
        inside = fails(enter)
    x = leaf(torch, 1.0)
    with graph.saved_tensors_hooks(lambda value: value, lambda value: 3):
        y = x * x
    return [inside, fails(enter), fails(lambda: y.sum().backward())]


@both
def test_gradient_edges(torch: Any) -> object:
    x = leaf(torch, 1.0, 2.0)
    y = x * x
    edge = torch.autograd.graph.get_gradient_edge(y)
    z = (y * 3).sum()
    found = torch.autograd.grad(z, edge, retain_graph=True)
    torch.autograd.backward(edge, torch.ones(2))
    return [
        found, x.grad, edge.output_nr, edge.node.name(),
        fails(lambda: torch.autograd.graph.get_gradient_edge(torch.ones(1))),
    ]  # fmt: skip


@both
def test_hooks_of_several_tensors(torch: Any) -> object:
    x, w, u = leaf(torch, 1.0), leaf(torch, 2.0), leaf(torch, 3.0)
    seen: list[Any] = []

    def note(grads: Any) -> None:
        seen.append([None if each is None else each.tolist() for each in grads])

    handle = torch.autograd.graph.register_multi_grad_hook((x, w, u), note)
    (x * w).sum().backward()
    (x * w * u).sum().backward()
    (x * w).sum().backward(inputs=[x])
    handle.remove()
    (x * w).sum().backward()
    torch.autograd.graph.register_multi_grad_hook((x, w), lambda grad: seen.append(grad.tolist()), mode="any")
    (x * w).sum().backward()
    return seen


@both
def test_a_version_can_be_raised_by_hand(torch: Any) -> object:
    x = leaf(torch, 1.0)
    kept = torch.ones(1)
    y = x * kept
    torch.autograd.graph.increment_version(kept)
    return [kept._version, fails(lambda: y.sum().backward())]
