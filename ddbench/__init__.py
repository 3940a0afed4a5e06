"""ddbench: an instrument that compares methods of dataset distillation.

`ddbench.run(method="apm", dataset="digits", ipc=1)` distils, scores and returns a record;
`ddbench.evaluate("set.safetensors", dataset="digits")` scores a set that somebody else made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import evaluate, run

    __version__: str

__all__ = ["__version__", "evaluate", "run"]


def __getattr__(name: str) -> Any:
    """Load the verbs when they are used, so that importing the package does not import torch."""
    if name == "__version__":
        from importlib.metadata import version

        return version("ddbench")
    if name in ("run", "evaluate"):
        from . import api

        return getattr(api, name)
    raise AttributeError(f"module 'ddbench' has no attribute {name!r}")
