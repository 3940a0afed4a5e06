"""The verbs of the package: `ddbench.run` and `ddbench.evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .data.in_memory import keep
from .distilling.distilled_set import DistilledSet
from .planning.fitting import fitted
from .plugins.presets import searching
from .records.record import Record
from .runs.compose import request_of
from .runs.execute import execute
from .runs.overrides import as_overrides, given_value, plain_values, readable
from .runs.score_file import score_set, set_from_file
from .runtime.folders import data_root
from .runtime.tracking import Tracker


def run(
    overrides: str | Sequence[str] = (),
    *,
    dataset: Any = None,
    quiet: bool = False,
    trackers: Sequence[str | Tracker] = (),
    **values: Any,
) -> Record:
    """Distil, score beside a control, and return the record; a finished run is found again.

    Args:
        overrides: as on the command line, such as "method.image_rate=2".
        dataset: its name, or data in memory: (train, test), or a mapping with these names; see
            `ddbench.data.in_memory.keep`. Data in memory are kept below the data root.
        quiet: print nothing.
        trackers: what follows the run, by name, such as "tensorboard", or of one's own.
        values: the keys of `ddbench run`, such as method="apm", and ipc=1, ipc="max",
            ipc=[5, 3, 1] or ratio=0.01.

    Raises:
        UserError: for a mistake in what was asked, one line.
        StopRequested: when a signal asks to stop; the same call continues the run.
    """
    named = [one for one in trackers if isinstance(one, str)]
    own = [one for one in trackers if not isinstance(one, str)]
    words = _joined(overrides, {**values, **({"trackers": named} if named else {})}, dataset)
    with searching(given_value(readable(words), "config_dir")):
        return execute(fitted(request_of(words), quiet), quiet, own).record


def evaluate(
    distilled: DistilledSet | str | Path,
    overrides: str | Sequence[str] = (),
    *,
    dataset: Any = None,
    like: str | None = None,
    says: Mapping[str, str] | None = None,
    quiet: bool = False,
    **values: Any,
) -> Record:
    """Score a distilled set that may come from anybody, beside the control.

    The record says that the set was made elsewhere; the same call finds it again.

    Args:
        distilled: the set; its file; or a file or folder that others released.
        overrides: as on the command line.
        dataset: as in `run`; needed for a released set, and for one of data in memory.
        like: the family of a released set, such as "dm", which says what its file does not.
        says: what neither says, by the names of `ddbench import`, such as {"which": "0"}.
        quiet: print nothing.
        values: keys of `ddbench run`, such as protocols=["hard"]; ipc and input_space are the set's
            own, and contradicting them is refused.

    Raises:
        UserError: when the file holds no distilled set, when something must be said about it, or
            when it does not fit the dataset.
    """
    words = _joined(overrides, values, dataset)
    with searching(given_value(readable(words), "config_dir")):
        if not isinstance(distilled, DistilledSet):
            distilled = set_from_file(distilled, words, says or {}, like).distilled
        return score_set(distilled, words, quiet).record


def _joined(overrides: str | Sequence[str], values: dict[str, Any], dataset: Any) -> list[str]:
    """All keys as words; data in memory are kept first, and named by what they hold."""
    words = [overrides] if isinstance(overrides, str) else [*overrides]
    words += as_overrides(values)
    if dataset is None or isinstance(dataset, str):
        return words + as_overrides({} if dataset is None else {"dataset": dataset})
    kept = keep(dataset, data_root(given_value(readable(words), "data_root")))
    said = plain_values(words)
    return words + as_overrides({key: kept[key] for key in kept if key not in said})
