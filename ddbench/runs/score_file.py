"""Scoring a distilled set that may come from anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..distilling.distilled_set import DistilledSet
from ..errors import UserError
from ..records.cost import DATA
from ..records.measurement import Measurement
from ..store.files import digest
from ..training.lab import Lab
from .compose import request_of
from .evaluate_all import evaluate_all, finished_run
from .execute import disk_trouble_in_one_line, opened
from .overrides import as_overrides
from .request import RunRequest


def score_set(
    distilled: DistilledSet, given: Sequence[str], quiet: bool = False
) -> list[Measurement]:
    """Measure a set with all evaluators asked for, beside the control.

    Args:
        distilled: the set.
        given: overrides of `ddbench run`; what the set says itself cannot be contradicted.
        quiet: print nothing.

    Raises:
        UserError: for a mistake in what was asked, or a set that does not fit its dataset.
    """
    counts = torch.bincount(distilled.labels, minlength=distilled.classes)
    uneven = int(counts.min()) != int(counts.max())
    own: dict[str, Any] = {
        "dataset": distilled.dataset,
        "ipc": int(counts.max()),
        "input_space": distilled.input_space,
    }
    for word in given:
        name, _, value = word.partition("=")
        if name in own and value != str(own[name]):
            raise UserError(f"{word}: the distilled set says {name}={own[name]}")
        if name == "ratio":
            raise UserError(f"{word}: the distilled set says how many images of a class there are")
        if word.startswith("method"):
            raise UserError(f"{word}: the set is made already; only its scoring can be chosen")
    if distilled.student is not None and not any(word.startswith("model") for word in given):
        settings = {f"model.{name}": value for name, value in distilled.student.settings.items()}
        own |= {"model": distilled.student.name, **settings}
    request = request_of([*given, *as_overrides(own)])
    # The control has as many images of each class; where the set has none, it is made with one,
    # which `finished_run` takes away.
    of_control = tuple(counts.clamp(min=1).tolist())
    if len(set(of_control)) > 1:
        task = replace(request.task, class_counts=of_control)
        request = replace(request, task=task)
    with disk_trouble_in_one_line(), opened(request, quiet) as (lab, cost):
        check_fit(distilled, lab)
        lab.runtime.progress.say(_described(distilled, request))
        if uneven:
            lab.runtime.progress.say(_uneven(counts, distilled.class_names))
        folder = request.runs_root / "evaluated" / digest(distilled.to_bytes())[:16]
        finished, _ = finished_run(request, lab, "file", distilled, {DATA: cost})
        with lab.dataset.scoring():
            return evaluate_all(request, finished, folder)[0]


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


def _uneven(counts: Tensor, class_names: Sequence[str]) -> str:
    """How unevenly a set's images are spread over its classes."""
    empty = [name for name, count in zip(class_names, counts.tolist(), strict=True) if not count]
    told = f"note: the set has {int(counts.min())} to {int(counts.max())} images per class"
    if empty:
        more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        told += f"; none of {', '.join(empty[:3])}{more}"
    return f"{told}; the control has as many of each class"
