"""Random numbers: PyTorch's CPU stream, draw for draw.

The generator is the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998) seeded with the 32 low bits of the seed,
as in PyTorch and in NumPy's legacy ``RandomState``, whose C code makes the raw draws here. What PyTorch takes from
them, and in which order, is reproduced: 24 bits of one draw for a float32, 53 bits of two for a float64, the remainder
for an integer, Box-Muller in blocks of 16 for normals. So one script can be compared on both engines number by number.

This module knows arrays only; the functions that make tensors from it are in ``retrograd.functional.random``.
"""

from __future__ import annotations

import math
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from retrograd.devices import Device
    from retrograd.tensor import Tensor

__all__ = [
    "Generator",
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

_WORDS = 624  # 32-bit words of state; a position of 624 means "make the next block first"
_WIDE_RANGE = 1 << 28  # from here on PyTorch takes two draws for an integer
_WIDE_PERMUTATION = (2**32 - 1) // 20
_UNSEEDED = 67280421310721  # what a fresh torch.Generator reports
_BLOCK = 16  # normals are made in blocks of 8 radii and 8 angles

# PyTorch's serialised generator, so that a state saved there can be set here and the other way round
_STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),
        ("seeded", "<i4"),
        ("next", "<u8"),
        ("words", "<u8", (_WORDS,)),
        ("normal_x", "<f8"),
        ("normal", "<f8"),
        ("normal_rho", "<f8"),
        ("has_normal", "<i4"),
        ("_pad", "<i4"),
        ("float_normal", "<f4"),
        ("has_float_normal", "<i4"),
    ]
)


class Generator:
    """A stream of random numbers. Drawing methods return flat NumPy arrays and are safe to call from several threads.

    Args:
        device: ``cpu``; streams of other devices are not PyTorch's and do not exist.

    Raises:
        RuntimeError: for a device other than ``cpu``.
    """

    def __init__(self, device: Device | str = "cpu") -> None:
        if str(device) != "cpu":
            raise RuntimeError(f"a Generator lives on cpu, not on {device}: random numbers are drawn on the host")
        self._lock = threading.Lock()
        self._bits = np.random.MT19937(0)
        self._seeder = np.random.RandomState(self._bits)
        self._initial_seed = 0
        self._normal: float | None = None
        self.manual_seed(_UNSEEDED)

    @property
    def device(self) -> Device:
        """Where it draws: always ``cpu``."""
        from retrograd.devices import device

        return device("cpu")

    # --- seed and state

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream of ``seed`` (its 32 low bits count) and forget a normal kept back; returns itself.

        Raises:
            ValueError: for a seed outside [-2**63, 2**64).
        """
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"Overflow when unpacking long long: a seed lies in [-2**63, 2**64), got {seed}")
        with self._lock:
            self._initial_seed = seed % 2**64
            self._seeder.seed(seed & 0xFFFFFFFF)
            self._normal = None
        return self

    def seed(self) -> int:
        """Seed with entropy from the operating system and return that seed."""
        self.manual_seed(secrets.randbits(64))
        return self._initial_seed

    def initial_seed(self) -> int:
        """The seed that this stream was started with."""
        return self._initial_seed

    def get_state(self) -> Tensor:
        """The state as a ``uint8`` tensor of shape (5056,), byte for byte what ``torch.Generator.get_state`` gives."""
        from retrograd.tensor import from_array

        return from_array(np.frombuffer(self.state_bytes(), np.uint8).copy(), self.device)

    def set_state(self, state: Tensor) -> Generator:
        """Continue from a state that ``get_state`` returned, here or in PyTorch; returns itself.

        Raises:
            RuntimeError: when ``state`` is not such a state.
        """
        self.set_state_bytes(np.ascontiguousarray(state.numpy()).tobytes())
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues from the same state, independently."""
        clone = Generator()
        clone.set_state_bytes(self.state_bytes())
        return clone

    def state_bytes(self) -> bytes:
        """The state as 5056 bytes (see ``get_state``)."""
        record = np.zeros((), _STATE)
        with self._lock:
            inner = self._bits.state["state"]
            words, position = inner["key"], int(inner["pos"])
            record["seed"] = self._initial_seed
            record["left"] = _WORDS + 1 - position
            record["seeded"] = 1
            fresh = position == _WORDS and int(words[0]) == self._initial_seed & 0xFFFFFFFF
            record["next"] = 0 if fresh else position
            record["words"] = words
            if self._normal is not None:
                record["normal"] = self._normal
                record["has_normal"] = 1
        return record.tobytes()

    def set_state_bytes(self, state: bytes) -> None:
        """Continue from ``state_bytes``.

        Raises:
            RuntimeError: when ``state`` is not such a state.
        """
        if len(state) != _STATE.itemsize:
            raise RuntimeError(f"a generator's state has {_STATE.itemsize} bytes, got {len(state)}")
        record = np.frombuffer(state, _STATE)[0]
        position = _WORDS + 1 - int(record["left"])
        if not record["seeded"] or not 0 < position <= _WORDS:
            raise RuntimeError("these bytes are no generator's state: the position in the stream is out of range")
        with self._lock:
            self._bits.state = {
                "bit_generator": "MT19937",
                "state": {"key": record["words"].astype(np.uint32), "pos": position},
            }
            self._initial_seed = int(record["seed"])
            self._normal = float(record["normal"]) if record["has_normal"] else None

    # --- draws

    def _draw32(self, count: int) -> NDArray[np.uint64]:
        return self._bits.random_raw(count)

    def _draw64(self, count: int) -> NDArray[np.uint64]:
        pairs = self._draw32(2 * count)
        drawn: NDArray[np.uint64] = (pairs[0::2] << np.uint64(32)) | pairs[1::2]
        return drawn

    def uniform(self, count: int, low: float, high: float, dtype: DTypeLike) -> NDArray[np.floating]:
        """``count`` numbers in [low, high), float64 from 53 bits, any other dtype rounded from float32's 24 bits."""
        if np.dtype(dtype) == np.float64:
            unit: NDArray[np.float64] = np.multiply(self._draw64(count) & np.uint64(2**53 - 1), 2.0**-53)
            return unit if (low, high) == (0, 1) else _fused(unit, high - low, low)
        unit = np.multiply(self._draw32(count) & np.uint64(2**24 - 1), 2.0**-24)
        if (low, high) != (0, 1):
            start = np.float32(low)
            unit = unit * float(np.float32(high) - start) + float(start)  # one rounding at the end, as fused in PyTorch
        return unit.astype(np.float32).astype(dtype, copy=False)

    def normal(
        self, count: int, mean: float, std: float, dtype: DTypeLike, *, blocks: bool = True
    ) -> NDArray[np.floating]:
        """``count`` normal numbers by Box-Muller: in blocks from 16 on, else one pair at a time in float64, of which
        an odd one is kept for the next call. ``blocks=False`` takes the pairs always, as PyTorch does when it fills a
        tensor that is not contiguous."""
        with self._lock:
            if blocks and count >= _BLOCK:
                return self._normal_blocks(count, mean, std, np.dtype(dtype))
            return (self._normal_pairs(count) * std + mean).astype(dtype)

    def _normal_blocks(self, count: int, mean: float, std: float, dtype: np.dtype[np.generic]) -> NDArray[np.floating]:
        whole = count - count % _BLOCK
        wide = np.float64 if dtype == np.float64 else np.float32
        # PyTorch draws for the incomplete block too and throws it away, but not in half precision
        uniform = self.uniform(count if dtype.itemsize >= 4 else whole, 0, 1, wide)
        result = np.empty(count, wide)
        result[:whole] = _box_muller(uniform[:whole], mean, std, wide)
        if whole != count:  # the last 16 are made again, from fresh draws, over what was there
            result[-_BLOCK:] = _box_muller(self.uniform(_BLOCK, 0, 1, wide), mean, std, wide)
        return result.astype(dtype, copy=False)

    def _normal_pairs(self, count: int) -> NDArray[np.float64]:
        result = np.empty(count)
        start = 0
        if count and self._normal is not None:
            result[0], self._normal, start = self._normal, None, 1
        pairs = (count - start + 1) // 2
        if pairs:
            uniform = self.uniform(2 * pairs, 0, 1, np.float64)
            radius = np.sqrt(-2.0 * np.log1p(-uniform[1::2]))
            angle = 2.0 * math.pi * uniform[0::2]
            result[start::2] = radius * np.cos(angle)
            second = radius * np.sin(angle)
            odd = (count - start) % 2
            result[start + 1 :: 2] = second[: pairs - odd]
            if odd:
                self._normal = float(second[-1])
        return result

    def integers(self, count: int, low: int, high: int, dtype: DTypeLike = np.int64) -> NDArray[np.generic]:
        """``count`` integers in [low, high)."""
        span = high - low
        draws = self._draw64(count) if span >= _WIDE_RANGE else self._draw32(count)
        shifted = draws % np.uint64(span) + np.uint64(low % 2**64)  # wraps, as C++ does
        drawn: NDArray[np.generic] = shifted.view(np.int64).astype(dtype)
        return drawn

    def bernoulli(self, count: int, p: float | NDArray[np.floating]) -> NDArray[np.bool_]:
        """``count`` trials with chance ``p`` of True each. A number or a float64 array takes 53 bits a trial, an array
        of another dtype 24."""
        wide = not isinstance(p, np.ndarray) or p.dtype == np.float64
        kind = np.float64 if wide else np.float32
        happened: NDArray[np.bool_] = np.less(self.uniform(count, 0, 1, kind), np.asarray(p, kind))
        return happened

    # PyTorch's formulas of one uniform float64 each, whatever the dtype asked for

    def exponential(self, count: int, rate: float) -> NDArray[np.float64]:
        """``count`` waiting times between events that come ``rate`` times in a unit."""
        drawn: NDArray[np.float64] = -np.log1p(-self.uniform(count, 0, 1, np.float64)) / rate
        return drawn

    def cauchy(self, count: int, median: float, sigma: float) -> NDArray[np.float64]:
        """``count`` numbers of Cauchy's distribution; ``sigma`` is half its width at half its height."""
        drawn: NDArray[np.float64] = median + sigma * np.tan(math.pi * (self.uniform(count, 0, 1, np.float64) - 0.5))
        return drawn

    def log_normal(self, count: int, mean: float, std: float) -> NDArray[np.float64]:
        """``count`` numbers whose logarithm is normal."""
        with self._lock:
            drawn: NDArray[np.float64] = np.exp(self._normal_pairs(count) * std + mean)
        return drawn

    def geometric(self, count: int, p: float) -> NDArray[np.float64]:
        """``count`` numbers of trials up to the first success, which has chance ``p``."""
        drawn: NDArray[np.float64] = np.ceil(np.log(self.uniform(count, 0, 1, np.float64)) / math.log1p(-p))
        return drawn

    def permutation(self, count: int) -> NDArray[np.int64]:
        """A random order of 0..count-1, by Fisher and Yates' shuffle."""
        places = np.arange(max(count - 1, 0), dtype=np.int64)
        draws = self._draw32(len(places)) if count < _WIDE_PERMUTATION else self._draw64(len(places))
        return _shuffle(count, places + (draws % (np.uint64(count) - places.astype(np.uint64))).astype(np.int64))


def _box_muller(
    uniform: NDArray[np.floating], mean: float, std: float, dtype: type[np.float32] | type[np.float64]
) -> NDArray[np.floating]:
    """Normals from uniforms in [0, 1), in blocks of 16: 8 for the radii, 8 for the angles (Box and Muller, 1958)."""
    block = uniform.reshape(-1, 2, _BLOCK // 2)
    radius = np.sqrt(dtype(-2) * np.log(dtype(1) - block[:, 0]))  # 1 - [0, 1) has no zero to take the logarithm of
    angle = dtype(2 * math.pi) * block[:, 1]
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)
    if (mean, std) != (0, 1):
        normal = np.add(np.multiply(normal, dtype(std)), dtype(mean))
    return normal


def _fused(x: NDArray[np.float64], factor: float, offset: float) -> NDArray[np.float64]:
    """``x * factor + offset`` rounded once, as PyTorch's compiled loop does: the errors of product and sum are computed
    exactly (Dekker, 1971; Knuth, TAOCP 2, 4.2.2) and added at the end."""
    split = 2.0**27 + 1
    x_high = x * split - (x * split - x)
    f_high = factor * split - (factor * split - factor)
    product = x * factor
    lost = (x_high * f_high - product) + x_high * (factor - f_high) + (x - x_high) * f_high
    lost += (x - x_high) * (factor - f_high)
    total = product + offset
    shift = total - product
    lost += (product - (total - shift)) + (offset - shift)
    return total + lost


def _shuffle(count: int, targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """0..count-1 after swapping place i with place ``targets[i]`` >= i, for i in turn.

    The swaps are done in rounds, each with all swaps at once that no earlier open swap touches: of those with one
    target the first, unless an earlier one has its own place as target. The rounds are about log(count) many (Shun et
    al., "Sequential random permutation, list contraction and tree contraction are highly parallel", SODA 2015).
    """
    order = np.arange(count, dtype=np.int64)
    first = np.full(count, count, dtype=np.int64)  # of each place: the first open swap that has it as target
    swaps = np.arange(len(targets), dtype=np.int64)
    while len(swaps):
        aims = targets[swaps]
        first[aims[::-1]] = swaps[::-1]  # of equal indices NumPy keeps the last, here the smallest swap
        free = (first[aims] == swaps) & (first[swaps] >= swaps)
        here, there = swaps[free], aims[free]
        order[here], order[there] = order[there], order[here]
        first[aims] = count
        swaps = swaps[~free]
    return order


# --- the process's generator

default_generator = Generator()
"""What every random function draws from that is given no generator."""
default_generator.manual_seed(secrets.randbits(53))


def manual_seed(seed: int) -> Generator:
    """Seed the default generator and return it (see ``Generator.manual_seed``)."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator with entropy and return that seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed that the default generator was started with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state (see ``Generator.get_state``)."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Let the default generator continue from ``new_state`` (see ``Generator.set_state``)."""
    default_generator.set_state(new_state)


@contextmanager
def fork_rng(devices: Sequence[object] | None = None, enabled: bool = True) -> Iterator[None]:
    """Give the default generator its present state back on leaving the block. ``devices`` is accepted as in PyTorch;
    only the host has a stream."""
    if not enabled:
        yield
        return
    state = default_generator.state_bytes()
    try:
        yield
    finally:
        default_generator.set_state_bytes(state)
