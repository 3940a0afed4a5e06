"""The benchmark's own file, NAS-Bench-201-v1_1-096897.pth, read through its authors' package.

The file is a pickle of plain dictionaries, lists and numbers. It is loaded by torch's restricted
reader, which runs nothing that a file asks for; its numbers are then interpreted by the package
`nas-bench-201`. The package copies all it is given, so it gets one slice of the cells at a time,
which is released afterwards. Loading still needs several times the size of the file in memory,
once.
"""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from ...errors import UserError
from ...runtime.progress import Progress
from .cells import DECIMALS, TITLE, Rows, cell_indices, check_percent

SLICE = 250
"""Cells that the package holds at a time."""

_QUERIES = {
    "cifar10_test_200ep": ("200", "cifar10", "test-accuracy"),
    "cifar100_test_200ep": ("200", "cifar100", "test-accuracy"),
    "imagenet16_120_test_200ep": ("200", "ImageNet16-120", "test-accuracy"),
    "cifar10_test_12ep": ("12", "cifar10", "test-accuracy"),
    "cifar10_valid_12ep": ("12", "cifar10-valid", "valid-accuracy"),
    "cifar100_test_12ep": ("12", "cifar100", "test-accuracy"),
    "cifar100_valid_12ep": ("12", "cifar100", "valid-accuracy"),
    "imagenet16_120_test_12ep": ("12", "ImageNet16-120", "test-accuracy"),
    "imagenet16_120_valid_12ep": ("12", "ImageNet16-120", "valid-accuracy"),
}
"""Column: (epochs of training, the benchmark's name of the data, the package's name of the value).

`cifar10` was trained on all of CIFAR-10's training images, `cifar10-valid` on half of them.
"""


def read_archive(path: Path) -> Rows:
    """Accuracies of every cell in the file, the mean over its seeds.

    Args:
        path: of a .pth in the schema of the benchmark; it need not hold all cells.

    Raises:
        UserError: one line, if it is damaged, holds what no such file needs, or is of another
            schema.
    """
    content = _load(path)
    strings, results = _parts(content, path)
    del content
    rows: dict[str, dict[str, float]] = {}
    pending = sorted(results)
    with Progress().phase(f"reading {path.name}", total=len(pending)) as phase:
        for start in range(0, len(pending), SLICE):
            part = pending[start : start + SLICE]
            taken = {index: results.pop(index) for index in part}
            rows |= _query(strings, taken, path)
            phase.advance(start + len(part))
    return rows


def _load(path: Path) -> Any:
    """The content of a torch file that holds nothing but data."""
    import numpy as np
    import torch

    scalar = np.float64(0).__reduce__()[0]
    numbers: list[Any] = [
        np.dtype,
        type(np.dtype(np.float64)),
        type(np.dtype(np.float32)),
        type(np.dtype(np.int64)),
        (scalar, "numpy.core.multiarray.scalar"),  # as older versions of numpy wrote it
        (scalar, "numpy._core.multiarray.scalar"),
    ]
    try:
        with torch.serialization.safe_globals(numbers):
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise UserError(f"{path} does not fit in memory") from error
    except Exception as error:  # an untrusted pickle may fail in any way at all
        reason = next((line for line in str(error).splitlines() if "global" in line.lower()), "")
        told = f": {reason.strip()[:200]}" if reason else ""
        raise UserError(
            f"{path} is not a file of {TITLE}, is damaged, or asks for more than data{told}"
        ) from error


def _parts(content: Any, path: Path) -> tuple[list[str], dict[int, dict[str, Any]]]:
    """Cell strings by index, and the results of the cells that have some."""
    if not isinstance(content, dict):
        raise UserError(f"{path} is not a file of {TITLE}: a {type(content).__name__}, not a dict")
    for name, kind in (("meta_archs", list), ("arch2infos", dict)):
        if not isinstance(content.get(name), kind):
            raise UserError(f"{path} is not a file of {TITLE}: it has no {kind.__name__} {name!r}")
    strings, results = content["meta_archs"], content["arch2infos"]
    known = cell_indices()
    for text in strings:
        if not isinstance(text, str) or text not in known:
            raise UserError(f"{path}: {str(text)[:100]!r} is not a cell of {TITLE}")
    if len(set(strings)) != len(strings):
        raise UserError(f"{path}: a cell is there twice")
    for index, result in results.items():
        if not isinstance(index, int) or not 0 <= index < len(strings):
            raise UserError(f"{path}: there is no cell of index {str(index)[:20]!r}")
        if not isinstance(result, dict) or not {"less", "full"} <= result.keys():
            raise UserError(f"{path}: cell {index} has no results 'less' and 'full'")
    if not results:
        raise UserError(f"{path} has no results")
    return strings, results


def _query(strings: list[str], results: dict[int, Any], path: Path) -> dict[str, dict[str, float]]:
    """What the package reports about some cells."""
    from nas_201_api import NASBench201API

    rows = {}
    content = {"meta_archs": strings, "arch2infos": results, "evaluated_indexes": list(results)}
    index = min(results)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it was asked
            api = NASBench201API(content, verbose=False)
            for index in results:
                rows[strings[index]] = _accuracies(api, index, path)
    except UserError:
        raise
    except Exception as error:  # its checks are assertions and failed look-ups of every kind
        raise UserError(
            f"{path}: cell {index} is not in the schema of {TITLE} "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        ) from error
    return rows


def _accuracies(api: Any, index: int, path: Path) -> dict[str, float]:
    """The accuracies of one cell in percent, by column."""
    found = {}
    for column, (epochs, data, value) in _QUERIES.items():
        if data not in api.arch2infos_dict[index][epochs].get_dataset_names():
            continue  # the first edition has 12 epochs only on half of CIFAR-10
        info = api.get_more_info(index, data, hp=epochs, is_random=False)
        if info.get(value) is not None:
            percent = check_percent(float(info[value]), column, f"{path}: cell {index}")
            found[column] = round(percent, DECIMALS)
    return found
