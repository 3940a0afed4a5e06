"""`ddbench run`: one run, or a sweep of many cells with Hydra's multirun."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from ..config import request_from
from ..errors import StopRequested, UserError
from ..folders import runs_root
from ..record import Record
from ..report import report, sweep_table
from ..runner import disk_trouble_in_one_line, execute
from ..store.files import check_writable, read_json, write_bytes, write_json
from .compose import (
    CONFIG_MODULE,
    CONFIG_NAME,
    as_overrides,
    check_overrides,
    composition_error,
    force_full_errors,
    given_value,
    register,
)

DONE, FAILURE, MISTAKE = 0, 1, 2
FLAGS = ("-m", "--multirun")
CELL_STATUS = "status.json"

_status = DONE  # of the only cell of a single run, which Hydra's decorator does not return


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return an exit status.

    Raises:
        UserError: for a mistake that can be seen before any work.
    """
    flags = [argument for argument in arguments if argument in FLAGS]
    overrides = [argument for argument in arguments if argument not in FLAGS]
    for problem in register():
        print(f"ddbench: {problem}", file=sys.stderr)
    check_overrides(overrides, sweep=bool(flags))
    root = runs_root(given_value(overrides, "runs_root"))
    check_writable(root)
    sweep_folder = root / "sweeps" / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{os.getpid()}"
    force_full_errors()
    folders = {"hydra.run.dir": root, "hydra.sweep.dir": sweep_folder}
    sys.argv = ["ddbench run", *arguments, *as_overrides(folders)]
    try:
        with disk_trouble_in_one_line():
            hydra.main(f"pkg://{CONFIG_MODULE}", CONFIG_NAME, version_base="1.3")(_cell)()
    except (HydraException, OmegaConfBaseException) as error:
        raise composition_error(error) from error
    return _sweep_status(sweep_folder) if flags else _status


def _cell(config: DictConfig) -> None:
    """One run. It raises nothing but the wish to stop: a sweep's other cells shall go on."""
    global _status
    settings = HydraConfig.get()
    sweep = settings.mode == RunMode.MULTIRUN
    label = f"cell {settings.job.num} ({' '.join(settings.overrides.task)}): " if sweep else ""
    message, record = "", None
    if label:
        print(f"\n{label.rstrip(': ')}", flush=True)
    try:
        outcome = execute(request_from(config, settings.runtime.choices))
        if not outcome.ran:
            print(f"finished already: {outcome.folder / 'record.json'}\n\n{report(outcome.record)}")
        status, record = DONE, str(outcome.folder / "record.json")
    except UserError as error:
        status, message = MISTAKE, str(error)
    except StopRequested as stop:
        print("ddbench: stopped; the same command continues the run", file=sys.stderr, flush=True)
        raise SystemExit(128 + stop.signal_number) from None
    except Exception as error:
        reason = " ".join(str(error).split())
        status, message = FAILURE, f"failed: {type(error).__name__}: {reason}"
        noted = getattr(error, "__notes__", None)
        message += f"; the traceback is in {noted[-1] if noted else _traceback_file(config, label)}"
    if message:
        print(f"ddbench: {label}{message}", file=sys.stderr, flush=True)
    if sweep:
        folder = Path(settings.runtime.output_dir)
        told = {"status": status, "overrides": list(settings.overrides.task), "record": record}
        write_json(folder / CELL_STATUS, told)
    _status = status


def _traceback_file(config: DictConfig, label: str) -> Path:
    """Keep the traceback of the error being handled, which would drown the line on the console."""
    name = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{time.time_ns() % 10**9:09}-{os.getpid()}.txt"
    file = runs_root(config.runs_root) / "failures" / name
    with suppress(OSError):  # the disk may be the trouble itself
        write_bytes(file, f"{label}\n{traceback.format_exc()}".encode())
    return file


def _sweep_status(folder: Path) -> int:
    """0 when every cell is done, 1 when one failed or vanished, else 2; shows all in one table."""
    cells = [p for p in folder.iterdir() if p.is_dir()] if folder.is_dir() else []
    statuses: list[int] = []
    rows: list[tuple[str, Record | None]] = []
    for cell in sorted(cells, key=lambda path: int(path.name)):
        file = cell / CELL_STATUS
        told = read_json(file) if file.exists() else {}
        statuses.append(told.get("status", FAILURE))
        path = Path(told.get("record") or folder / "none")
        record = Record.load(path) if path.exists() else None
        rows.append((" ".join(told.get("overrides", [f"cell {cell.name} vanished"])), record))
    if any(record is not None for _, record in rows):
        print(f"\n{sweep_table(rows)}")
    print(f"\nsweep: {statuses.count(DONE)} of {len(statuses)} cells done", flush=True)
    if FAILURE in statuses or not statuses:
        return FAILURE
    return MISTAKE if MISTAKE in statuses else DONE
