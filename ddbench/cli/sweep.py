"""A sweep: Hydra starts its cells, and each leaves in a file how it ended.

By itself Hydra does one cell after the other in this process. Its joblib launcher keeps a process
for each of its workers over all cells, and gives each its share of the cores. A process takes about
three seconds to start: of eight cells, two workers gain nothing where one takes less than a second.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..errors import StopRequested
from ..plugins.presets import given_folder, searching
from ..records.record import Record
from ..records.report import sweep_table
from ..runs.compose import (
    CONFIG_MODULE,
    CONFIG_NAME,
    check_overrides,
    composition_error,
    register,
    search_path,
)
from ..runs.execute import disk_trouble_in_one_line, execute
from ..runs.overrides import as_overrides, given_value
from ..runs.request import request_from
from ..runtime.folders import runs_root
from ..runtime.output import steady_output
from ..store.files import check_writable, read_json, write_json
from .ending import DONE, FAILURE, ending_of, note

CELL_STATUS = "status.json"
CONFIG_DIR = "config_dir"


@dataclass(frozen=True)
class SweptCell:
    """How one cell of a sweep ended.

    Args:
        status: its exit status.
        overrides: what it was asked for.
        record: what it left, if it is done.
    """

    status: int
    overrides: tuple[str, ...]
    record: Record | None

    @property
    def title(self) -> str:
        """Its overrides in one text."""
        return " ".join(self.overrides)


def run_sweep(overrides: Sequence[str]) -> int:
    """All cells of a sweep, then one table of them; the exit status of the worst.

    Raises:
        UserError: for a mistake that can be seen before any work.
    """
    register()
    check_overrides(overrides, sweep=True)
    root = runs_root(given_value(overrides, "runs_root"))
    check_writable(root)
    cells = sweep(overrides, root)
    if any(cell.record for cell in cells):
        print(f"\n{sweep_table([(cell.title, cell.record) for cell in cells])}")
    done = [cell.status for cell in cells].count(DONE)
    print(f"\nsweep: {done} of {len(cells)} cells done", flush=True)
    return worst(cells)


def sweep(overrides: Sequence[str], root: Path) -> list[SweptCell]:
    """Hydra's multirun over the overrides, which have been checked."""
    folder = root / "sweeps" / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{time.time_ns() % 10**9:09}"
    own: dict[str, Any] = {"hydra.sweep.dir": folder}
    if given_folder():
        own[CONFIG_DIR] = given_folder()  # a cell may be done in another process
    with _command_line("--multirun", *overrides, *search_path(), *as_overrides(own)):
        _start_cells()
    places = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return [_swept(place) for place in sorted(places, key=lambda path: int(path.name))]


def worst(cells: Sequence[SweptCell]) -> int:
    """0 when every cell is done, 1 when one failed or vanished, else 2."""
    statuses = {cell.status for cell in cells} or {FAILURE}
    return FAILURE if FAILURE in statuses else max(statuses)


def _start_cells() -> None:
    """Let Hydra start the cells of the command line."""
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors are raised, not printed, and said in one line
    try:
        with disk_trouble_in_one_line():
            hydra.main(f"pkg://{CONFIG_MODULE}", CONFIG_NAME, version_base="1.3")(_cell)()
    except (HydraException, OmegaConfBaseException) as error:
        raise composition_error(error) from error


@contextmanager
def _command_line(*words: str) -> Iterator[None]:
    """Hydra reads a sweep from the command line of the process, and from nowhere else."""
    own = sys.argv
    sys.argv = ["ddbench run", *words]
    try:
        yield
    finally:
        sys.argv = own


def _swept(place: Path) -> SweptCell:
    file = place / CELL_STATUS
    if not file.exists():
        return SweptCell(FAILURE, (f"cell {place.name} vanished",), None)
    told = read_json(file)
    path = Path(told["record"]) if told["record"] else None
    record = Record.load(path) if path is not None and path.exists() else None
    return SweptCell(told["status"], tuple(told["overrides"]), record)


def _cell(config: DictConfig) -> None:
    """One run. It raises nothing but the wish to stop: a sweep's other cells shall go on."""
    settings = HydraConfig.get()
    given = settings.overrides.task
    overrides = [word for word in given if not word.startswith(f"{CONFIG_DIR}=")]
    label = f"cell {settings.job.num} ({' '.join(overrides)})"
    with steady_output(), searching(config.config_dir):  # the process may be one of the launcher's
        print(f"\n{label}", flush=True)
        try:
            ending = ending_of(
                lambda: execute(request_from(config, settings.runtime.choices)),
                runs_root(config.runs_root),
                f"{label}: ",
            )
        except StopRequested as stop:
            note("stopped; the same command continues the run")
            raise SystemExit(128 + stop.signal_number) from None
    told = {
        "status": ending.status,
        "overrides": overrides,
        "record": str(ending.record) if ending.record else None,
    }
    # As it is: a folder's name may hold what looks like an interpolation.
    runtime: Any = OmegaConf.to_container(settings.runtime, resolve=False)
    write_json(Path(runtime["output_dir"]) / CELL_STATUS, told)
