"""What a script's environment lacks is said with the command that brings it."""

from __future__ import annotations

import importlib.util
from importlib.machinery import ModuleSpec

import pytest

from retrograd_debug.agent import bootstrap


def test_an_environment_without_what_the_engine_imports_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name in ("scipy", "safetensors") else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    finder = bootstrap.OwnPackages("/nowhere")
    with pytest.raises(ModuleNotFoundError, match=r"safetensors and scipy in .* -m pip install safetensors scipy"):
        finder.find_spec("retrograd")
    assert finder.find_spec("retrograd_events") is None
    assert finder.find_spec("scipy") is None
