"""Tables of numbers that another package carries, read without importing that package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError


def packaged_table(package: str, file: str) -> NDArray[np.int64]:
    """Whole numbers (rows, columns) of a text file with commas, compressed where it ends in gz.

    The packages' own functions take a second, most of it to import what the table does not need.

    Args:
        package: that carries the file, such as "sklearn".
        file: its path below the package's folder.

    Raises:
        UserError: where the installed package has no such file.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or []:
        path = Path(folder, file)
        if path.is_file():
            table: NDArray[np.int64] = np.loadtxt(path, dtype=np.int64, delimiter=",")
            return table
    raise UserError(f"the installed version of {package} has no file {file}")
