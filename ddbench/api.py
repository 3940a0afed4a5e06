"""The package's functions: `ddbench.run` and `ddbench.evaluate`."""

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
    """Distil a set, score it and a control, and return the record; a finished run is reused.

    Args:
        overrides: as on the command line, such as "method.image_rate=2".
        dataset: its name, or data in memory: (train, test), or a mapping with these names; see
            `ddbench.data.in_memory.keep`. Data in memory are kept below the data root.
        quiet: print nothing.
        trackers: trackers that follow the run: names, such as "tensorboard", or objects.
        values: the keys of `ddbench run`, such as method="apm", and ipc=1, ipc="max",
            ipc=[5, 3, 1] or ratio=0.01.

    Raises:
        UserError: for a mistake in the arguments, in one line.
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
    """Score a distilled set from any source, and the control.

    The record says that the set was made elsewhere; the same call returns it again.

    Args:
        distilled: the set, its file, or a released file or folder.
        overrides: as on the command line.
        dataset: as in `run`; needed for a released set, and for a set made from data in memory.
        like: the family of a released set, such as "dm", which supplies what its file lacks.
        says: what neither supplies, under the names of `ddbench import`, such as {"which": "0"}.
        quiet: print nothing.
        values: keys of `ddbench run`, such as protocols=["hard"]; ipc and input_space are the set's
            own, and other values are refused.

    Raises:
        UserError: when the file holds no distilled set, when information about it is missing, or
            when it does not fit the dataset.
    """
    words = _joined(overrides, values, dataset)
    with searching(given_value(readable(words), "config_dir")):
        if not isinstance(distilled, DistilledSet):
            distilled = set_from_file(distilled, words, says or {}, like).distilled
        return score_set(distilled, words, quiet).record


def _joined(overrides: str | Sequence[str], values: dict[str, Any], dataset: Any) -> list[str]:
    """All keys as command-line words; data in memory are stored first and named by content."""
    words = [overrides] if isinstance(overrides, str) else [*overrides]
    words += as_overrides(values)
    if dataset is None or isinstance(dataset, str):
        return words + as_overrides({} if dataset is None else {"dataset": dataset})
    kept = keep(dataset, data_root(given_value(readable(words), "data_root")))
    said = plain_values(words)
    return words + as_overrides({key: kept[key] for key in kept if key not in said})
