"""The grid of a regression test: what is run, and which gates its results must pass."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yaml import YAMLError

from ..errors import UserError, shortened, shown, unknown_name
from ..plugins.presets import preset, preset_file, preset_names, read_yaml

GROUP = "grid"
"""The group of presets in which packages and users' own folders keep grids."""
SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True)
class Gate:
    """A lower bound that must hold for a cell's difference from the control.

    Args:
        cell: the cell's name.
        protocol: such as "hard/1".
        above_control: smallest mean difference, a fraction.
    """

    cell: str
    protocol: str
    above_control: float


@dataclass(frozen=True)
class RegressionGrid:
    """The grid of a regression test.

    Args:
        common: overrides of all cells, in one text.
        seeds: distillation seeds.
        least_band: a drift of a mean accuracy up to this fraction never counts.
        memory_growth: factor by which a cell's peak memory may grow.
        cells: each cell's own overrides, by name.
        gates: gates that must hold.
    """

    common: str
    seeds: tuple[int, ...]
    least_band: float = 0.015
    memory_growth: float = 1.25
    cells: dict[str, str] = field(default_factory=dict)
    gates: tuple[Gate, ...] = ()

    def overrides(self, cell: str, seed: int) -> list[str]:
        """The overrides of one run."""
        return [*shlex.split(self.common), *shlex.split(self.cells[cell]), f"seed={seed}"]


def grid_file(given: str) -> Path:
    """The file of a grid: as given, or by its name in a `grid` folder of presets.

    Raises:
        UserError: if there is neither, with similar names.
    """
    path, named = Path(given).expanduser(), preset_file(GROUP, given)
    if path.exists() or path.suffix in SUFFIXES:
        return path
    if named is None:
        raise unknown_name("grid", given, preset_names(GROUP))
    return named


def load_grid(path: Path | None = None) -> RegressionGrid:
    """A grid from a file, by default `configs/regression.yaml`.

    Raises:
        UserError: one line, if the file is not a grid.
    """
    if path is None:
        return _grid(preset(".", "regression"))
    try:
        values = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        reason = getattr(error, "strerror", None) or shortened(str(error))
        raise UserError(f"{path} cannot be read as a grid: {reason}") from error
    try:
        grid = _grid(values)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        reason = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise UserError(f"{path} is not a grid: {reason}") from error
    unknown = [gate.cell for gate in grid.gates if gate.cell not in grid.cells]
    if unknown:
        raise UserError(f"{path}: a gate is about the cell {shown(unknown[0])}, which is not there")
    return grid


def _grid(values: Any) -> RegressionGrid:
    """A grid from plain values; bands and gates are optional.

    Raises:
        TypeError, KeyError, ValueError, AttributeError: if the values are not a grid.
    """
    given = dict(values)
    gates = tuple(Gate(**row) for row in given.pop("gates", None) or ())
    seeds, cells = tuple(given.pop("seeds")), dict(given.pop("cells"))
    if not seeds or not all(type(seed) is int and seed >= 0 for seed in seeds):
        raise ValueError("seeds are numbers from 0, one at least")
    if not cells or not all(isinstance(words, str) for words in cells.values()):
        raise ValueError("cells are words of `ddbench run` by name, one cell at least")
    grid = RegressionGrid(gates=gates, seeds=seeds, cells=cells, **given)
    for cell in cells:
        grid.overrides(cell, seeds[0])  # raises for an unclosed quote
    for name in ("least_band", "memory_growth"):
        if not isinstance(getattr(grid, name), int | float) or getattr(grid, name) <= 0:
            raise ValueError(f"{name} is a number above 0")
    return grid
