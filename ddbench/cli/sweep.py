"""The cells that Hydra starts: one, or a sweep of many."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ..errors import StopRequested, UserError, in_words
from ..records.record import Record
from ..records.report import report
from ..runs.compose import (
    CONFIG_MODULE,
    CONFIG_NAME,
    as_overrides,
    composition_error,
    force_full_errors,
)
from ..runs.execute import disk_trouble_in_one_line, execute
from ..runs.request import request_from
from ..runtime.folders import runs_root
from ..store.files import read_json, write_bytes, write_json

DONE, FAILURE, MISTAKE = 0, 1, 2
CELL_STATUS = "status.json"

_status = DONE  # of the only cell of a single run, which Hydra's decorator does not return


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


def single(overrides: Sequence[str], root: Path) -> int:
    """One run of overrides that have been checked; its exit status."""
    _hydra(overrides, {"hydra.run.dir": root})
    return _status


def sweep(overrides: Sequence[str], root: Path) -> list[SweptCell]:
    """Hydra's multirun over the overrides, which have been checked."""
    folder = root / "sweeps" / f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{time.time_ns() % 10**9:09}"
    _hydra(["--multirun", *overrides], {"hydra.sweep.dir": folder})
    places = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    return [_swept(place) for place in sorted(places, key=lambda path: int(path.name))]


def worst(cells: Sequence[SweptCell]) -> int:
    """0 when every cell is done, 1 when one failed or vanished, else 2."""
    statuses = {cell.status for cell in cells} or {FAILURE}
    return FAILURE if FAILURE in statuses else max(statuses)


def _hydra(arguments: Sequence[str], folders: dict[str, Path]) -> None:
    force_full_errors()
    sys.argv = ["ddbench run", *arguments, *as_overrides(folders)]
    try:
        with disk_trouble_in_one_line():
            hydra.main(f"pkg://{CONFIG_MODULE}", CONFIG_NAME, version_base="1.3")(_cell)()
    except (HydraException, OmegaConfBaseException) as error:
        raise composition_error(error) from error


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
        status, message = FAILURE, f"failed: {in_words(error)}"
        noted = getattr(error, "__notes__", None)
        message += f"; the traceback is in {noted[-1] if noted else _traceback_file(config, label)}"
    if message:
        print(f"ddbench: {label}{message}", file=sys.stderr, flush=True)
    if sweep:
        # As it is: a folder's name may hold what looks like an interpolation.
        folder = Path(OmegaConf.to_container(settings.runtime, resolve=False)["output_dir"])  # type: ignore[call-overload, index]
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
