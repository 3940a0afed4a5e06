"""The verbs of the package: `ddbench.run` and `ddbench.evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .distilling.distilled_set import DistilledSet
from .records.measurement import Measurement
from .records.record import Record
from .runs.compose import request_of
from .runs.execute import execute
from .runs.overrides import as_overrides
from .runs.score_file import score_set


def run(overrides: str | Sequence[str] = (), *, quiet: bool = False, **values: Any) -> Record:
    """Distil, score beside a control, and return the record; a finished run is found again.

    Args:
        overrides: as on the command line, such as "method.image_rate=2".
        quiet: print nothing.
        values: the keys of `ddbench run`, such as method="apm", dataset="digits", and ipc=1,
            ipc="max", ipc=[5, 3, 1] or ratio=0.01.

    Raises:
        UserError: for a mistake in what was asked, one line.
        StopRequested: when a signal asks to stop; the same call continues the run.
    """
    return execute(request_of(_joined(overrides, values)), quiet).record


def evaluate(
    distilled: DistilledSet | str | Path,
    overrides: str | Sequence[str] = (),
    *,
    quiet: bool = False,
    **values: Any,
) -> list[Measurement]:
    """Score a distilled set that may come from anybody, beside the control.

    Args:
        distilled: the set, or its file.
        overrides: as on the command line.
        quiet: print nothing.
        values: keys of `ddbench run`, such as protocols=["hard"]; dataset, ipc and input_space
            are the set's own, and contradicting them is refused.

    Raises:
        UserError: when the file is not a distilled set, or does not fit the dataset.
    """
    if not isinstance(distilled, DistilledSet):
        distilled = DistilledSet.load(Path(distilled))
    return score_set(distilled, _joined(overrides, values), quiet)


def _joined(overrides: str | Sequence[str], values: dict[str, Any]) -> list[str]:
    words = [overrides] if isinstance(overrides, str) else overrides
    return [*words, *as_overrides(values)]
