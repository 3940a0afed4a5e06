"""The verbs of the package: `ddbench.run` and `ddbench.evaluate`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from .cli.compose import as_overrides, check_overrides, compose_config, register
from .config import RunRequest, request_from
from .distilled import DistilledSet
from .errors import UserError
from .evaluator import Measurement
from .lab import Lab
from .record import Record
from .runner import disk_trouble_in_one_line, evaluate_all, execute, finished_run, opened
from .store.files import digest


def run(overrides: str | Sequence[str] = (), *, quiet: bool = False, **values: Any) -> Record:
    """Distil, score beside a control, and return the record; a finished run is found again.

    Args:
        overrides: as on the command line, such as "method.image_rate=2".
        quiet: print nothing.
        values: the keys of `ddbench run`, such as method="apm", dataset="digits", ipc=1.

    Raises:
        UserError: for a mistake in what was asked, one line.
        StopRequested: on SIGTERM or SIGINT; the same call continues the run.
    """
    return execute(request_of([*_words(overrides), *as_overrides(values)]), quiet).record


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
    ipc = int(torch.bincount(distilled.labels).max())
    own = {"dataset": distilled.dataset, "ipc": ipc, "input_space": distilled.input_space}
    given = [*_words(overrides), *as_overrides(values)]
    for word in given:
        name, _, value = word.partition("=")
        if name in own and value != str(own[name]):
            raise UserError(f"{word}: the distilled set says {name}={own[name]}")
        if word.startswith("method"):
            raise UserError(f"{word}: the set is made already; only its scoring can be chosen")
    request = request_of([*given, *as_overrides(own)])
    with disk_trouble_in_one_line(), opened(request, quiet) as (lab, cost):
        check_fit(distilled, lab)
        lab.context.progress.say(_described(distilled, request))
        folder = request.runs_root / "evaluated" / digest(distilled.to_bytes())[:16]
        finished, _ = finished_run(request, lab, "file", distilled, {"data": cost})
        with lab.dataset.scoring():
            return evaluate_all(request, finished, folder)[0]


def _described(distilled: DistilledSet, request: RunRequest) -> str:
    """What is scored how, in a line or two."""
    task = request.task
    text = (
        f"{len(distilled)} images of {task.dataset}, input space {task.input_space}; students: "
        f"{task.model.label}, budget {request.budget_name}"
    )
    made_for = distilled.provenance.get("model")
    if made_for not in (None, task.model.label):
        text += f"\nnote: the set was made with {made_for}; model= chooses the students"
    return text


def _words(overrides: str | Sequence[str]) -> Sequence[str]:
    return [overrides] if isinstance(overrides, str) else overrides


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
    for problem in register():
        warnings.warn(problem, stacklevel=2)
    check_overrides(overrides)
    config = compose_config(overrides)
    return request_from(config, config.hydra.runtime.choices)
