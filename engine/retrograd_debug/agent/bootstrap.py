"""Started by the launcher in the script's interpreter: makes the agent importable there and hands over.

Runs before anything of ours can be imported, so it uses the standard library alone. It installs nothing: our packages
are found by a finder that comes last, and msgspec, where the environment has none, in a folder that goes last on the
path.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

OURS = ("retrograd_events", "retrograd_debug", "retrograd")
ENGINE_NEEDS = ("ml_dtypes", "safetensors", "scipy", "threadpoolctl")
"""What our engine imports beside NumPy."""
MISSING = 3


class OwnPackages:
    """Finds our packages, and nothing else, in the folder that this file belongs to."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of one of our top-level packages. ``ModuleNotFoundError`` for the engine where it could not run."""
        if name not in OURS:
            return None
        if name == "retrograd":
            missing = _missing(ENGINE_NEEDS)
            if missing:
                raise ModuleNotFoundError("Retrograd's engine needs " + _remedy(missing), name=name)
        return importlib.machinery.PathFinder.find_spec(name, [self._folder])


def _missing(names: Sequence[str]) -> list[str]:
    return [name for name in names if importlib.util.find_spec(name) is None]


def _remedy(missing: list[str]) -> str:
    return "{} in the script's environment ({}). Install there: {} -m pip install {}".format(
        " and ".join(missing), sys.prefix, sys.executable, " ".join(missing)
    )


def main() -> int:
    """``bootstrap.py CONFIG [TAG FOLDER]``: run the script that the file CONFIG names; FOLDER holds a msgspec that
    Pythons of cache tag TAG can load."""
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != here]
    sys.meta_path.append(OwnPackages(str(here.parent.parent)))
    config, *support = sys.argv[1:]
    if support and support[0] == sys.implementation.cache_tag:
        sys.path.append(support[1])
    missing = _missing(("msgspec", "numpy"))
    if missing:
        sys.stderr.write("The debugger needs " + _remedy(missing) + "\n")
        return MISSING
    from retrograd_debug.agent.main import run_from

    return run_from(Path(config))


if __name__ == "__main__":
    sys.exit(main())
