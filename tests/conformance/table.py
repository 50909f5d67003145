"""PyTorch's own table of operators, and what stands here for each entry."""

from __future__ import annotations

import functools
import operator
import re
import types
from collections.abc import Callable
from typing import Any

import torch
from torch.testing._internal.common_methods_invocations import op_db

import retrograd

Function = Callable[..., Any]

LEFT_OUT = {
    r"jiterator.*": "compiles CUDA kernels",
    r"(torch_)?sparse.*|to_sparse.*": "sparse tensors",
    r"_(?!_).*": "a name that PyTorch keeps to itself",
    r"torch_ops_aten__safe_softmax_default": "a name that PyTorch keeps to itself",
    r".*_backward": "called by PyTorch's own backward only",
    r"chalf": "complex numbers of 32 bits, which NumPy has not",
    r"bmm_triton_optimized": "chooses a Triton kernel on a GPU",
}
"""Entries that are not counted (by the whole of their name), each with the reason."""

UNSET = re.compile(r"(new_)?empty(_like|_permuted|_strided)?|resize_(as_)?")
"""Entries whose results hold whatever memory held: shape and dtype are compared, contents are not."""

FAMILIES = (
    ("nn.functional", r"nn\.functional\..*"),
    ("linalg", r"linalg\..*|.*(mm|mv|svd|qr|lu|cholesky|solve|det|inverse|matmul|einsum|dot|kron|lstsq|outer|addr).*"),
    ("fft", r"fft\..*|stft|istft"),
    ("special", r"special\..*|signal\..*"),
    ("masked", r"masked\..*"),
    ("random", r"rand.*|normal.*|bernoulli|multinomial|uniform|exponential|geometric|cauchy|log_normal"),
    ("other", r".*"),
)


def entries() -> list[Any]:
    """Every entry that counts and supports float64 on the CPU, in the table's order."""
    return [
        each
        for each in op_db
        if torch.float64 in each.dtypes and not any(re.fullmatch(name, each.formatted_name) for name in LEFT_OUT)
    ]


@functools.cache
def _by_name() -> dict[str, Any]:
    return {each.formatted_name: each for each in entries()}


def named(name: str) -> Any:
    """The entry of that formatted name."""
    return _by_name()[name]


def family(entry: Any) -> str:
    """Which part of the surface an entry belongs to."""
    return next(name for name, pattern in FAMILIES if re.fullmatch(pattern, entry.name))


@functools.cache
def ours(name: str) -> Function:
    """The function (or method) of the same dotted name; ``AttributeError`` when there is none."""
    if hasattr(operator, name):
        return getattr(retrograd.Tensor, name)  # type: ignore[no-any-return]
    try:
        found = operator.attrgetter(name)(retrograd)
        return getattr(retrograd.Tensor, name) if isinstance(found, retrograd.dtype) else found  # type: ignore[no-any-return]
    except AttributeError:
        method = getattr(retrograd.Tensor, name, None)
        if method is None:
            raise
        return method if callable(method) else lambda tensor: getattr(tensor, name)


def counterpart(entry: Any) -> Function:
    """What to call here for ``entry``. Where the table wraps a function of PyTorch's in one of its own, that is used
    with our engine in PyTorch's place."""
    function = entry.op
    if isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing"):
        return _renamed(function)
    return ours(entry.name)


def _renamed(function: types.FunctionType) -> Function:
    scope = {
        name: _renamed(value)
        if isinstance(value, types.FunctionType) and value.__module__.startswith("torch.testing")
        and value is not function and name in function.__code__.co_names
        else value
        for name, value in function.__globals__.items()
    }  # fmt: skip
    scope |= {"torch": retrograd, "wrapper_set_seed": _seeded}
    made = types.FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _seeded(function: Function, *arguments: Any, **options: Any) -> Any:
    """As the table's own ``wrapper_set_seed``."""
    retrograd.manual_seed(42)
    return function(*arguments, **options)


def gauge(sample: Any, output: Any) -> Any:
    """The part of an output that does not depend on free choices (the signs of singular vectors, say)."""
    function = sample.output_process_fn_grad
    return (
        function(output) if isinstance(output, torch.Tensor) or not _from_table(function) else _mixed(function, output)
    )


def _from_table(function: Any) -> bool:
    return isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing")


def _mixed(function: types.FunctionType, output: Any) -> Any:
    tensors = output if isinstance(output, (tuple, list)) else (output,)
    return _renamed(function)(output) if any(isinstance(e, retrograd.Tensor) for e in tensors) else function(output)
