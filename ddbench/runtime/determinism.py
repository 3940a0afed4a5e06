"""Operations that may give other bits when they are repeated: torch warns of them, a run goes on.

A run asks torch for deterministic algorithms (`Execution.start`). Where an operation has none, it
computes all the same: then the promise that a resumed run repeats an undisturbed one is broken,
and the record says by which operations.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_WITHOUT = r"(\S+) does not have a deterministic implementation"
"""How torch's warning begins, with the name of the operation."""
_CUBLAS = r"Deterministic behavior was enabled .* CuBLAS"
"""How it begins where `CUBLAS_WORKSPACE_CONFIG` does not fix the order of sums."""
MATRIX_PRODUCTS = "matrix products"


@contextmanager
def nondeterminism_noted(operations: set[str]) -> Iterator[None]:
    """Collect the names of operations that torch warns of in the block; nothing else changes.

    Args:
        operations: where the names go.
    """
    with warnings.catch_warnings():
        for beginning in (_WITHOUT, _CUBLAS):
            warnings.filterwarnings("always", beginning)  # each time: whatever came before a run
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
