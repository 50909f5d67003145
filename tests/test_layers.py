"""Each layer loads without the layers above it, in fact and by contract."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PACKAGES = {
    "retrograd_events": ROOT / "engine",
    "retrograd": ROOT / "engine",
    "retrograd_debug": ROOT / "engine",
    "retrograd_gui": ROOT / "gui",
}
EXTRAS = {"retrograd_debug": ("gui",), "retrograd_gui": ("gui",)}
CHOSEN = {"cupy", "torch", "pyside6", "shiboken6", "typing-extensions"}
"""Extras of one's own choice, the parts of PySide6, and what only the type checker reads."""

QT = {"PySide6", "shiboken6", "pyqtgraph", "qtawesome"}
ENGINES = {"retrograd", "torch", "cupy"}

# layer: (what of it is loaded, what is left out, what must not come along)
LAYERS = {
    "events": ("retrograd_events", "", QT | ENGINES | {"retrograd_debug", "retrograd_gui", "numpy"}),
    "engine": ("retrograd", "", QT | {"torch", "cupy", "retrograd_debug", "retrograd_gui"}),
    "debug core": ("retrograd_debug", "retrograd_debug.adapters", QT | ENGINES | {"retrograd_gui"}),
    "app": ("retrograd_gui", "", ENGINES | {"retrograd_debug.agent", "retrograd_debug.adapters"}),
    "view models": ("retrograd_gui.view_models", "", QT | ENGINES),
}

LOAD = """
import importlib, json, pkgutil, sys
package, left_out = sys.argv[1:]
top = importlib.import_module(package)
for module in pkgutil.walk_packages(top.__path__, package + "."):
    if not (left_out and module.name.startswith(left_out)) and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize("layer", LAYERS)
def test_layer_loads_without_those_above(layer: str) -> None:
    package, left_out, forbidden = LAYERS[layer]
    path = os.pathsep.join({str(folder) for folder in PACKAGES.values()})
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, package, left_out],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert loaded.returncode == 0, loaded.stderr
    modules = set(json.loads(loaded.stdout))
    assert package in modules
    assert not {name for name in modules for bad in forbidden if name == bad or name.startswith(bad + ".")}


def third_party_imports(package: str) -> set[str]:
    """Top-level modules from outside the standard library that the package names anywhere, lazily or not."""
    found: set[str] = set()
    for file in (PACKAGES[package] / package).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found - set(PACKAGES) - set(sys.stdlib_module_names)


def declared(*extras: str) -> set[str]:
    """Names of the distributions that installing the project with ``extras`` asks for, normalised."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    names = (line.split(";")[0] for line in lines)
    return {normal(name.strip().split("[")[0].split("=")[0].split(">")[0].split("<")[0]) for name in names}


def normal(name: str) -> str:
    """A distribution's name as registries compare it."""
    return name.strip().lower().replace("_", "-")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_a_declared_dependency(package: str) -> None:
    allowed = declared(*EXTRAS.get(package, ())) | CHOSEN
    providers = metadata.packages_distributions()
    undeclared = {
        module
        for module in third_party_imports(package)
        if not allowed & {normal(name) for name in [module, *providers.get(module, [])]}
    }
    assert not undeclared


BREACHES = {
    "the shared language imports nothing of ours": ("engine/retrograd_events/text.py", "numpy"),
    "the engine knows no debugger and no Qt": ("engine/retrograd/__init__.py", "PySide6.QtCore"),
    "the debug core knows no app": ("engine/retrograd_debug/format.py", "retrograd"),
    "adapters know no app and no Qt": ("engine/retrograd_debug/adapters/__init__.py", "retrograd_gui"),
    "the app's process never loads the engine": ("gui/retrograd_gui/app.py", "retrograd_debug.agent"),
    "view models hold no widgets": ("gui/retrograd_gui/view_models/__init__.py", "PySide6.QtWidgets"),
    "cupy is named in one file": ("engine/retrograd/__init__.py", "cupy"),
}


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(program), "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tree / "engine"), str(tree / "gui")]), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages and the contracts, to break."""
    for folder in ("engine", "gui"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold(tree: Path) -> None:
    result = lint(tree)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(BREACHES)} kept, 0 broken" in result.stdout


def test_each_contract_sees_a_lazy_breach(tree: Path) -> None:
    for contract, (file, module) in BREACHES.items():
        target = tree / file
        before = target.read_text(encoding="utf-8")
        target.write_text(before + f"\n\ndef lazily() -> None:\n    import {module}\n", encoding="utf-8")
        result = lint(tree)
        target.write_text(before, encoding="utf-8")
        assert result.returncode != 0, f"{contract}: {module} slipped in unseen"
        broken = [line for line in result.stdout.splitlines() if line.rstrip().endswith("BROKEN")]
        assert any(line.startswith(contract) for line in broken), result.stdout
