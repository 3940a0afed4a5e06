"""The ground truth of NAS-Bench-201: its authors' results for each cell, as one compact table.

`ddbench prepare nas_bench_201 source=FILE` makes the table once, from the benchmark's own file
(.pth) or from a CSV with the same columns. It is at the top of the data root.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...store.files import check_writable, digest, write_bytes
from .cells import (
    CELLS,
    DECIMALS,
    TITLE,
    Rows,
    cell_indices,
    cell_strings,
    check_percent,
)

FILE_NAME = "nas_bench_201.csv"
COLUMNS = (
    "cifar10_test_200ep",
    "cifar100_test_200ep",
    "imagenet16_120_test_200ep",
    "cifar10_test_12ep",
    "cifar10_valid_12ep",
    "cifar100_test_12ep",
    "cifar100_valid_12ep",
    "imagenet16_120_test_12ep",
    "imagenet16_120_valid_12ep",
)
"""DATASET_SPLIT_EPOCHS: accuracies in percent, each the mean over the benchmark's seeds."""
TRUE_DATASETS = ("cifar10", "cifar100", "imagenet16_120")
"""The datasets, by their names here, that the benchmark's cells were trained on."""

MAX_CSV_BYTES = 2**26
_COLUMN = re.compile(
    r"(cifar10|cifar100|imagenet16_120)_(test|valid)_[0-9]{1,3}ep(_[a-z0-9_]{1,40})?"
)
_REMEDY = (
    "`ddbench prepare nas_bench_201 source=FILE` makes it from NAS-Bench-201-v1_1-096897.pth "
    f"(https://github.com/D-X-Y/NAS-Bench-201) or from a CSV: index,arch,{COLUMNS[0]},..."
)


@dataclass(frozen=True)
class TruthTable:
    """Accuracies by cell.

    Args:
        accuracies: fractions (15625,) by column, NaN where nothing was measured.
        digest: of the table's file, for keys.
    """

    accuracies: dict[str, NDArray[np.float64]]
    digest: str

    @property
    def cells(self) -> int:
        """Number of cells with an accuracy in at least one column."""
        known = np.isfinite(np.stack(list(self.accuracies.values())))
        return int(known.any(0).sum())


def table_path(data_root: Path) -> Path:
    """The path of the table."""
    return data_root / FILE_NAME


def default_column(dataset: str) -> str:
    """The column with the ground truth of a dataset: test accuracy after 200 epochs."""
    return f"{dataset}_test_200ep"


def load_table(data_root: Path) -> TruthTable:
    """Read the prepared table.

    Raises:
        UserError: one line, if it is missing (saying how to prepare it) or damaged.
    """
    path = table_path(data_root)
    if not path.is_file():
        raise UserError(f"{TITLE}: {path} is missing; {_REMEDY}")
    data = _read(path)
    rows = parse_table(data, path)
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    accuracies = {name: np.full(CELLS, np.nan) for name in columns}
    indices = cell_indices()
    for text, row in rows.items():
        for name, percent in row.items():
            accuracies[name][indices[text]] = percent / 100
    return TruthTable(accuracies, digest(data))


def prepare_table(data_root: Path, source: str | None) -> str:
    """Make the table from a file and say in one line what it holds.

    Args:
        data_root: the folder that holds all datasets' files.
        source: a .pth of the benchmark or a .csv; None checks the existing table.

    Raises:
        UserError: one line on what is wrong with the source, or how to get one.
    """
    path = table_path(data_root)
    if source is not None:
        file = Path(source).expanduser()
        if file.is_dir():
            raise UserError(
                f"source={file}: a folder, such as NATS-Bench's; its reader is not known here. "
                f"{_REMEDY}"
            )
        if not file.is_file():
            raise UserError(f"source={file}: no such file; {_REMEDY}")
        rows: Rows
        if file.suffix.lower() == ".csv":
            rows = parse_table(_read(file), file)
            if len(rows) != CELLS:
                raise UserError(f"{file} has {len(rows)} cells, not the {CELLS} of {TITLE}")
        elif file.suffix.lower() == ".pth":
            from .archive import read_archive  # imports torch and the package

            rows = read_archive(file)
        else:
            raise UserError(f"source={file}: must be a .pth of the benchmark or a .csv")
        check_writable(data_root, "data_root=FOLDER or DDBENCH_DATA")
        write_bytes(path, render_table(rows))
    table = load_table(data_root)
    told = [
        name if (n := int(np.isfinite(known).sum())) == table.cells else f"{name} ({n} cells)"
        for name, known in table.accuracies.items()
    ]
    return f"{TITLE}: {table.cells} cells, truth by {', '.join(told)}, in {path}"


def render_table(rows: Rows) -> bytes:
    """The CSV of a table: by index, to four decimals; equal numbers give equal bytes."""
    known = {name for row in rows.values() for name in row}
    columns = [*(name for name in COLUMNS if name in known), *sorted(known - set(COLUMNS))]
    lines = [",".join(["index", "arch", *columns])]
    for index, text in enumerate(cell_strings()):
        if text in rows:
            values = [rows[text].get(name) for name in columns]
            written = ["" if v is None else repr(round(v, DECIMALS)) for v in values]
            lines.append(",".join([str(index), text, *written]))
    return ("\n".join(lines) + "\n").encode()


def parse_table(data: bytes, path: Path) -> Rows:
    """The rows of a CSV, which may be untrusted.

    Raises:
        UserError: one line with the file and the line that is wrong.
    """
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = next(lines, [])
        columns = header[2:]
        if header[:2] != ["index", "arch"] or default_column("cifar10") not in columns:
            raise UserError(
                f"{path}: the columns must be index,arch,{','.join(COLUMNS)}, "
                f"not {','.join(header)[:200]!r}"
            )
        for name in columns:
            if not _COLUMN.fullmatch(name) or columns.count(name) > 1:
                raise UserError(
                    f"{path}: {name[:80]!r} is not a column of accuracies, or occurs twice"
                )
        indices, rows = cell_indices(), dict[str, dict[str, float]]()
        for row in lines:
            where = f"{path}, line {lines.line_num}"
            if len(row) != len(header):
                raise UserError(f"{where}: {len(row)} values, not {len(header)}")
            index, text = row[:2]
            if text not in indices:
                raise UserError(f"{where}: {text[:100]!r} is not a cell of {TITLE}")
            if index != str(indices[text]):
                raise UserError(f"{where}: the cell has index {indices[text]}, not {index[:20]!r}")
            if text in rows:
                raise UserError(f"{where}: the cell {text} is there twice")
            rows[text] = {
                name: _percent(value, name, where)
                for name, value in zip(columns, row[2:], strict=True)
                if value
            }
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV file: {' '.join(str(error).split())}") from error
    if not rows:
        raise UserError(f"{path} has no cells")
    return rows


def _percent(text: str, column: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise UserError(f"{where}: {column}={text[:40]!r} is not a number") from None
    return check_percent(value, column, where)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_CSV_BYTES:
            raise UserError(f"{path} is too large for a table of {CELLS} cells")
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
