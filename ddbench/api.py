"""The verbs of the package: `ddbench.run` and `ddbench.evaluate`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch

from .cli.compose import check_overrides, compose_config, register
from .config import RunRequest, request_from
from .distilled import DistilledSet
from .errors import UserError
from .evaluator import Measurement
from .finished import FinishedRun
from .lab import Lab
from .record import Record
from .runner import disk_trouble_in_one_line, distil_or_say_why, evaluate_all, execute, opened


def run(overrides: Sequence[str] = (), *, quiet: bool = False, **values: Any) -> Record:
    """Distil, score beside a control, and return the record; a finished run is found again.

    Args:
        overrides: as on the command line, such as "method.image_rate=2".
        quiet: print nothing.
        values: the keys of `ddbench run`, such as method="apm", dataset="digits", ipc=1.

    Raises:
        UserError: for a mistake in what was asked, one line.
        StopRequested: on SIGTERM or SIGINT; the same call continues the run.
    """
    return execute(request_of([*overrides, *as_overrides(values)]), quiet).record


def evaluate(
    distilled: DistilledSet | str | Path,
    overrides: Sequence[str] = (),
    *,
    quiet: bool = False,
    **values: Any,
) -> list[Measurement]:
    """Score a distilled set that may come from anybody, beside the control.

    Args:
        distilled: the set, or its file.
        overrides: as on the command line.
        quiet: print nothing.
        values: keys of `ddbench run`, such as protocols=["hard"]; dataset, ipc and input space
            are the set's own.

    Raises:
        UserError: when the file is not a distilled set, or does not fit the dataset.
    """
    if not isinstance(distilled, DistilledSet):
        distilled = DistilledSet.load(Path(distilled))
    ipc = int(torch.bincount(distilled.labels).max())
    own = {"dataset": distilled.dataset, "ipc": ipc, "input_space": distilled.input_space}
    given = [*overrides, *as_overrides(values)]
    for name in own:
        if any(override.startswith(f"{name}=") for override in given):
            raise UserError(f"{name}: the distilled set says it itself ({own[name]})")
    request = request_of([*as_overrides(own), *given])
    with disk_trouble_in_one_line(), opened(request, quiet) as (lab, cost):
        check_fit(distilled, lab)
        subjects = {"file": distilled}
        if request.control is not None:
            subjects[request.control.name] = distil_or_say_why(
                request.control, request, lab
            ).distilled
        finished = FinishedRun(
            request.task,
            request.budget,
            request.protocols,
            subjects,
            request.whole,
            lab,
            {"data": cost},
        )
        with lab.dataset.scoring():
            return evaluate_all(request, finished)[0]


def check_fit(distilled: DistilledSet, lab: Lab) -> None:
    """Refuse a set whose classes, shape or whitening are not the dataset's.

    Raises:
        UserError: one line on what differs.
    """
    dataset = lab.dataset
    shape = (dataset.channels, dataset.resolution, dataset.resolution)
    if tuple(distilled.images.shape[1:]) != shape:
        raise UserError(
            f"the set's images are {tuple(distilled.images.shape[1:])}, those of "
            f"{dataset.name} {shape}"
        )
    if distilled.class_names != tuple(dataset.class_names):
        raise UserError(f"the set's classes are not those of {dataset.name} in their order")
    fingerprint = distilled.space_fingerprint
    if fingerprint is None or not lab.space.matches(fingerprint):
        raise UserError(
            f"the set's input space {distilled.input_space!r} is not the one fitted to the "
            f"training images of {dataset.name} here, so it would be scored wrongly"
        )


def request_of(overrides: Sequence[str]) -> RunRequest:
    """The request that overrides ask for.

    Raises:
        UserError: one line for the first mistake.
    """
    register()
    check_overrides(overrides)
    config = compose_config(overrides)
    return request_from(config, config.hydra.runtime.choices)


def as_overrides(values: dict[str, Any]) -> Iterable[str]:
    """Python values as overrides: lists in brackets, None as null, text quoted where needed."""
    return [f"{name}={_text(value)}" for name, value in values.items()]


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(_text(item) for item in value)}]"
    text = str(value)
    plain = all(letter.isalnum() or letter in "_-./" for letter in text)
    return text if plain and text else "'" + text.replace("'", "\\'") + "'"
