"""Tables of numbers that come with another package, read without importing it.

The packages' own functions give the same numbers but take seconds longer, mostly for imports that
the table does not need. They are called if a version of a package has its file elsewhere.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def packaged_table(package: str, file: str) -> NDArray[np.int64] | None:
    """Integers (rows, columns) of a comma-separated file, compressed if its name ends in gz.

    Args:
        package: that the file comes with, such as "sklearn".
        file: its path below the package's folder.

    Returns:
        None if the installed package has no such file.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder, file)
        if path.is_file():
            table: NDArray[np.int64] = np.loadtxt(path, dtype=np.int64, delimiter=",")
            return table
    return None
