"""Nondeterministic operations, whose bits may vary: torch warns of them, and the run goes on.

A run asks torch for deterministic algorithms (`Execution.start`). An operation without one is
computed all the same. A resumed run may then differ from an uninterrupted one, and the record names
the operations.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WITHOUT = r"(\S+) does not have a deterministic implementation"
"""The beginning of torch's warning, with the name of the operation."""
_CUBLAS = r"Deterministic behavior was enabled .* CuBLAS"
"""Its beginning if `CUBLAS_WORKSPACE_CONFIG` does not fix the order of sums."""
MATRIX_PRODUCTS = "matrix products"


@contextmanager
def nondeterminism_noted(operations: set[str]) -> Iterator[None]:
    """Collect the names of operations that torch warns of in the block; other warnings are shown.

    Args:
        operations: the set to which the names are added.
    """
    with warnings.catch_warnings():
        for beginning in (_WITHOUT, _CUBLAS):
            warnings.filterwarnings("always", beginning)  # even if torch warned before the run
        show = warnings.showwarning

        def noted(message: Warning | str, *where: Any, **how: Any) -> None:
            if found := re.match(_WITHOUT, str(message)):
                operations.add(found[1])
            elif re.match(_CUBLAS, str(message), re.DOTALL):
                operations.add(MATRIX_PRODUCTS)
            else:
                show(message, *where, **how)

        warnings.showwarning = noted
        yield
