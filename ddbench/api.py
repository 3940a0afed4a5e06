"""The verbs of the package: `ddbench.run` and `ddbench.evaluate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .distilling.distilled_set import DistilledSet
from .planning.fitting import fitted
from .plugins.presets import searching
from .records.record import Record
from .runs.compose import request_of
from .runs.execute import execute
from .runs.overrides import as_overrides, given_value, readable
from .runs.score_file import score_set, set_from_file
from .runtime.tracking import Tracker


def run(
    overrides: str | Sequence[str] = (),
    *,
    quiet: bool = False,
    trackers: Sequence[str | Tracker] = (),
    **values: Any,
) -> Record:
    """Distil, score beside a control, and return the record; a finished run is found again.

    Args:
        overrides: as on the command line, such as "method.image_rate=2".
        quiet: print nothing.
        trackers: what follows the run, by name, such as "tensorboard", or of one's own.
        values: the keys of `ddbench run`, such as method="apm", dataset="digits", and ipc=1,
            ipc="max", ipc=[5, 3, 1] or ratio=0.01.

    Raises:
        UserError: for a mistake in what was asked, one line.
        StopRequested: when a signal asks to stop; the same call continues the run.
    """
    named = [one for one in trackers if isinstance(one, str)]
    own = [one for one in trackers if not isinstance(one, str)]
    words = _joined(overrides, {**values, **({"trackers": named} if named else {})})
    with searching(given_value(readable(words), "config_dir")):
        return execute(fitted(request_of(words), quiet), quiet, own).record


def evaluate(
    distilled: DistilledSet | str | Path,
    overrides: str | Sequence[str] = (),
    *,
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
        like: the family of a released set, such as "dm", which says what its file does not.
        says: what neither says, by the names of `ddbench import`, such as {"which": "0"}.
        quiet: print nothing.
        values: keys of `ddbench run`, such as protocols=["hard"]. dataset is needed for a released
            set; ipc and input_space are the set's own, and contradicting them is refused.

    Raises:
        UserError: when the file holds no distilled set, when something must be said about it, or
            when it does not fit the dataset.
    """
    words = _joined(overrides, values)
    with searching(given_value(readable(words), "config_dir")):
        if not isinstance(distilled, DistilledSet):
            distilled = set_from_file(distilled, words, says or {}, like).distilled
        return score_set(distilled, words, quiet).record


def _joined(overrides: str | Sequence[str], values: dict[str, Any]) -> list[str]:
    words = [overrides] if isinstance(overrides, str) else overrides
    return [*words, *as_overrides(values)]
