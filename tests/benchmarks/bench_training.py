"""Benchmark: training steps of middling size, against PyTorch eager on all cores and other engines, in one run.

    env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE python tests/benchmarks/bench_training.py [--only CNN]

``WORKS`` lists them: to add one, write a function that makes a step from a torch-like module, and give it a goal, the
time as a fraction of PyTorch's. ``PEERS`` has what other engines can state of them. Rounds are interleaved; the best
counts, since other work on the machine only ever adds. Engines that are not installed are left out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "engine"), str(Path(__file__).resolve().parent)]

from bench_engine import measure  # noqa: E402

Step = Callable[[], object]
RATE = 0.01


def training(torch: Any, parameters: Any, loss: Callable[[], Any]) -> Step:
    """A step of gradient descent."""
    optimizer = torch.optim.SGD(parameters, lr=RATE)

    def step() -> None:
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()

    return step


def classifier(torch: Any, model: Any, shape: tuple[int, ...]) -> Step:
    """A step on random pictures of ``shape`` with ten classes."""
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=shape).astype(np.float32))
    target = torch.tensor(rng.integers(0, 10, shape[0]))
    return training(torch, model.parameters(), lambda: torch.nn.functional.cross_entropy(model(x), target))


def mlp(torch: Any) -> Step:
    """784-256-10 with rectifiers."""
    nn = torch.nn
    torch.manual_seed(0)
    return classifier(torch, nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)), (64, 784))


def lstm(torch: Any) -> Step:
    """One layer over 50 steps, to outputs given."""
    torch.manual_seed(0)
    model = torch.nn.LSTM(32, 64)
    rng = np.random.default_rng(0)
    x, target = (torch.tensor(rng.normal(size=(50, 32, width)).astype(np.float32)) for width in (32, 64))
    return training(torch, model.parameters(), lambda: torch.nn.functional.mse_loss(model(x)[0], target))


def cnn(torch: Any) -> Step:
    """Two convolutions 3x3, each with a rectifier and a max-pool, and a linear layer."""
    nn = torch.nn
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 49, 10),
    )  # fmt: skip
    return classifier(torch, model, (32, 1, 28, 28))


def transformer(torch: Any) -> Step:
    """Two encoder layers of width 64 with 4 heads, on 8 sequences of 64 tokens: attention and a feed-forward part of
    256, each added to its input and normalised."""
    functional, rng, width, heads = torch.nn.functional, np.random.default_rng(0), 64, 4

    def parameter(*shape: int) -> Any:
        return torch.tensor(rng.normal(size=shape).astype(np.float32) / 8, requires_grad=True)

    def layer() -> dict[str, tuple[Any, Any]]:
        shapes = {"inwards": (3 * width, width), "outwards": (width, width), "wider": (256, width)}
        made = {name: (parameter(*shape), parameter(shape[0])) for name, shape in shapes.items()}
        norms = {name: (parameter(width), parameter(width)) for name in ("first", "second")}
        return {**made, "narrower": (parameter(width, 256), parameter(width)), **norms}

    layers = [layer(), layer()]
    x, target = (torch.tensor(rng.normal(size=(8, 64, width)).astype(np.float32)) for _ in range(2))

    def encode(h: Any, parts: dict[str, tuple[Any, Any]]) -> Any:
        joint = functional.linear(h, *parts["inwards"]).reshape(8, 64, 3, heads, width // heads)
        query, key, value = joint.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(8, 64, width)
        h = functional.layer_norm(h + functional.linear(mixed, *parts["outwards"]), (width,), *parts["first"])
        inner = functional.relu(functional.linear(h, *parts["wider"]))
        return functional.layer_norm(h + functional.linear(inner, *parts["narrower"]), (width,), *parts["second"])

    def loss() -> Any:
        h = x
        for parts in layers:
            h = encode(h, parts)
        return functional.mse_loss(h, target)

    return training(torch, [each for parts in layers for pair in parts.values() for each in pair], loss)


def mlp_in_numpy() -> Step:
    """The array calls that the MLP's step can't do without: what no engine on NumPy goes below."""
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(64, 784)).astype(np.float32), (np.arange(64), rng.integers(0, 10, 64))
    first, second = (rng.normal(size=shape).astype(np.float32) / 30 for shape in ((256, 784), (10, 256)))
    biases = [np.zeros(256, np.float32), np.zeros(10, np.float32)]
    rate = np.float32(-RATE)

    def step() -> None:
        h = np.matmul(x, first.T)
        h += biases[0]
        np.maximum(h, 0, out=h)
        scores = h @ second.T + biases[1]
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        shares[target] -= 1
        shares /= np.float32(64)
        inner = shares @ second
        inner *= h > 0
        for weight, grad in ((second, shares.T @ h), (first, inner.T @ x)):
            weight += grad * rate
        for bias, grad in zip(biases, (inner, shares), strict=True):
            bias += grad.sum(0) * rate

    return step


def mlp_in_autograd() -> Step:
    """HIPS autograd."""
    import autograd
    import autograd.numpy as anp

    x, target, held = _mlp_data()

    def loss(parameters: Any) -> Any:
        first, one, second, two = parameters
        scores = anp.dot(anp.maximum(anp.dot(x, first) + one, 0), second) + two
        shifted = scores - anp.max(scores, axis=1, keepdims=True)
        return anp.mean(anp.log(anp.sum(anp.exp(shifted), axis=1)) - shifted[anp.arange(64), target])

    grad = autograd.grad(loss)

    def step() -> None:
        for each, change in zip(held, grad(held), strict=True):
            each -= np.float32(RATE) * change

    return step


def mlp_in_mygrad() -> Step:
    """MyGrad."""
    import mygrad
    from mygrad.nnet.activations import relu
    from mygrad.nnet.losses import softmax_crossentropy

    x, target, held = _mlp_data()
    first, one, second, two = parameters = [mygrad.tensor(each) for each in held]

    def step() -> None:
        softmax_crossentropy(relu(mygrad.matmul(x, first) + one) @ second + two, target).backward()
        for each in parameters:
            each.data -= np.float32(RATE) * each.grad

    return step


def mlp_in_tinygrad() -> Step:
    """tinygrad, without its own compilation of a whole step (``TinyJit``), as the others here."""
    from tinygrad import Tensor, nn

    x, target, held = _mlp_data()
    first, one, second, two = parameters = [Tensor(each).realize() for each in held]
    inputs, wanted = Tensor(x).realize(), Tensor(target).realize()
    optimizer = nn.optim.SGD(parameters, lr=RATE)

    def step() -> None:
        with Tensor.train():
            optimizer.zero_grad()
            ((inputs @ first + one).relu() @ second + two).sparse_categorical_crossentropy(wanted).backward()
            optimizer.step()

    return step


def _mlp_data() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    shapes = ((784, 256), (256,), (256, 10), (10,))
    held = [rng.normal(size=shape).astype(np.float32) / 30 for shape in shapes]
    return rng.normal(size=(64, 784)).astype(np.float32), rng.integers(0, 10, 64), held


class Work(NamedTuple):
    """A training step and its goal; what can be said of it elsewhere, by the engine's package."""

    make: Callable[[Any], Step]
    goal: float
    peers: Mapping[str, Callable[[], Step]] = MappingProxyType({})


WORKS = {
    "MLP 784-256-10, batch 64": Work(mlp, 1.0, {
        "numpy": mlp_in_numpy, "autograd": mlp_in_autograd, "mygrad": mlp_in_mygrad, "tinygrad": mlp_in_tinygrad,
    }),
    "CNN 1-16-32, 28x28, batch 32": Work(cnn, 1.3),
    "Transformer encoder, 2 layers, width 64, 4 heads, 64 tokens, batch 8": Work(transformer, 1.0),
    "LSTM 32-64, 50 steps, batch 32": Work(lstm, 1.0),
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.4, help="time for one measurement")
    parser.add_argument("--only", default="", help="a part of the work's name")
    options = parser.parse_args()
    import torch

    import retrograd

    for name, work in WORKS.items():
        if options.only not in name:
            continue
        steps = {"retrograd": work.make(retrograd), "PyTorch": work.make(torch)}
        for peer, make in work.peers.items():
            try:
                steps[peer] = make()
            except (ImportError, RuntimeError) as error:  # tinygrad without a C compiler of its taste
                print(f"{peer} is left out: {error}", file=sys.stderr)
        times = dict.fromkeys(steps, float("inf"))
        for _ in range(options.rounds):
            for engine, step in steps.items():
                times[engine] = min(times[engine], measure(step, options.seconds))
        print(name)
        for engine, value in times.items():
            goal = f", goal {work.goal}" if engine == "retrograd" else ""
            share, ours = value / times["PyTorch"], value / times["retrograd"]
            print(f"  {engine:10} {value:9.0f} µs  {share:6.2f} of PyTorch's, {ours:6.2f} of ours{goal}")


if __name__ == "__main__":
    main()
