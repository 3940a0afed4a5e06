"""Tables of numbers that another package carries, read without importing that package.

The packages' own functions give the same numbers and take seconds longer, most of them to import
what the table does not need. Where a version of a package has its file elsewhere they are called.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def packaged_table(package: str, file: str) -> NDArray[np.int64] | None:
    """Whole numbers (rows, columns) of a text file with commas, compressed where it ends in gz.

    Args:
        package: that carries the file, such as "sklearn".
        file: its path below the package's folder.

    Returns:
        None where the installed package has no such file.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder, file)
        if path.is_file():
            table: NDArray[np.int64] = np.loadtxt(path, dtype=np.int64, delimiter=",")
            return table
    return None
