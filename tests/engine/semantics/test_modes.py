"""Grad mode and inference mode, as contexts and as decorators."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

from engine.twice import both, fails


@both
def test_grad_mode_nests(torch: Any) -> object:
    x = torch.ones(2, requires_grad=True)
    seen = []
    with torch.no_grad():
        seen.append((torch.is_grad_enabled(), (x * 2).requires_grad))
        with torch.enable_grad():
            seen.append((torch.is_grad_enabled(), (x * 2).requires_grad))
            with torch.set_grad_enabled(False):
                seen.append((torch.is_grad_enabled(), (x * 2).requires_grad))
            seen.append((torch.is_grad_enabled(), (x * 2).requires_grad))
        made = torch.ones(1, requires_grad=True)
    torch.set_grad_enabled(False)
    seen.append((torch.is_grad_enabled(), made.requires_grad))
    torch.set_grad_enabled(True)
    return [*seen, torch.is_grad_enabled()]


@both
def test_grad_mode_as_a_decorator(torch: Any) -> object:
    def mode() -> bool:
        return bool(torch.is_grad_enabled())

    seen = [
        decorator(mode)()
        for decorator in (
            torch.no_grad(), torch.no_grad, torch.enable_grad(), torch.enable_grad, torch.inference_mode(),
            torch.inference_mode, torch.inference_mode(False),
        )
    ]  # fmt: skip
    held = torch.set_grad_enabled(False)(mode)
    between = torch.is_grad_enabled()
    return [seen, between, held(), torch.is_grad_enabled(), mode.__name__ == torch.no_grad()(mode).__name__]


@both
def test_a_decorated_generator_is_guarded_in_its_steps_only(torch: Any) -> object:
    @torch.no_grad()
    def steps() -> Iterator[bool]:
        got = yield torch.is_grad_enabled()
        yield (got, torch.is_grad_enabled())
        return

    source = steps()
    seen = [next(source), torch.is_grad_enabled(), source.send(7), torch.is_grad_enabled()]  # type: ignore[attr-defined]
    return [*seen, list(source)]


@both
def test_an_error_restores_the_mode(torch: Any) -> object:
    @torch.no_grad()
    def broken() -> None:
        raise ValueError

    return [fails(broken), torch.is_grad_enabled()]


@both
def test_a_mode_belongs_to_its_thread(torch: Any) -> object:
    seen: list[bool] = []
    with torch.no_grad():
        other = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        other.start()
        other.join()
    return seen


@both
def test_inference_tensors(torch: Any) -> object:
    x = torch.ones(2, requires_grad=True)
    base = torch.zeros(3)
    with torch.inference_mode():
        y = x * 2
        made = torch.ones(2)
        inside = torch.is_inference_mode_enabled()
        view = base[1:]
        made.add_(1)
        chained = made * 2
        with torch.inference_mode(False):
            normal = torch.ones(2) * 1
    clone = y.clone()
    return [
        inside, torch.is_inference_mode_enabled(), y.requires_grad,
        [each.is_inference() for each in (y, made, chained, view, base, normal, clone)],
        fails(lambda: (x * y).sum().backward()), fails(lambda: made.add_(1)), fails(y.requires_grad_),
        fails(lambda: made._version), (x * clone).requires_grad, fails(lambda: view.add_(1)),
    ]  # fmt: skip
