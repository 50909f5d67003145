"""The copying twins of views (``transpose_copy`` and the like)."""

from __future__ import annotations

from collections.abc import Callable

from retrograd.functional import diagonal, shape, split, views
from retrograd.functional.convert import detach
from retrograd.functional.surface import function
from retrograd.tensor import Tensor


def _copying(view: Callable[..., object], name: str) -> Callable[..., object]:
    def copy(input: Tensor, *arguments: object, **options: object) -> object:
        made = view(input, *arguments, **options)
        return made.clone() if isinstance(made, Tensor) else tuple([each.clone() for each in made])  # type: ignore[attr-defined]

    copy.__name__ = copy.__qualname__ = name
    copy.__doc__ = f"A copy, not a view. {view.__doc__}"
    return copy


def _alias(input: Tensor) -> Tensor:
    """The same elements."""
    return input


_VIEWS: dict[str, Callable[..., object]] = {
    "alias": _alias, "as_strided": views.as_strided, "detach": detach, "diagonal": diagonal.diagonal,
    "expand": shape.expand, "narrow": split.narrow, "permute": shape.permute, "select": split.select,
    "split": split.split, "split_with_sizes": split.split_with_sizes, "squeeze": shape.squeeze, "t": shape.t,
    "transpose": shape.transpose, "unbind": split.unbind, "unfold": views.unfold, "unsqueeze": shape.unsqueeze,
    "view": shape.view,
}  # fmt: skip
for _name, _view in _VIEWS.items():
    _copy = function(_copying(_view, f"{_name}_copy"))
setattr(Tensor, "narrow_copy", _copying(split.narrow, "narrow_copy"))  # noqa: B010
