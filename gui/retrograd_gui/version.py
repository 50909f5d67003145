"""The version of what is installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


def version() -> str:
    """As the package says; "" in a source tree that is not installed."""
    try:
        return installed_version("retrograd")
    except PackageNotFoundError:
        return ""
