"""Nothing, in the shape of something: the gradient of what does not change."""

from __future__ import annotations

from retrograd.devices import Namespace
from retrograd.meta import Array
from retrograd.ops.primitive import primitive
from retrograd.ops.samples import reals


@primitive(samples=reals, torch="zeros_like", public=False)
def zeros_of(xp: Namespace, input: Array) -> Array:
    """Zeros of input's shape and dtype: unlike ``input * 0``, also where input is infinite or NaN."""
    return xp.zeros_like(input)
