"""Scoring a distilled set of any origin."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from torch import Tensor

from ..distilling.distilled_set import DistilledSet
from ..distilling.gallery import gallery_png
from ..distilling.importing.convert import Import
from ..distilling.importing.read_file import read_file
from ..errors import UserError, shortened, shown
from ..records.checking import one_line
from ..records.cost import DATA
from ..records.facts import OriginFacts
from ..records.fields import NAME
from ..records.record import Record
from ..records.units import images_per_class
from ..runtime.folders import data_root
from ..store.files import write_bytes
from ..training.lab import Lab
from .assemble_record import configuration, subject_made_elsewhere
from .compose import request_of
from .execute import (
    Outcome,
    begin,
    disk_trouble_in_one_line,
    opened,
    recorded_once,
)
from .overrides import as_overrides, given_value, parsed, plain_values, readable
from .plugin_code import plugins_of
from .record_scores import record_scores
from .request import RunRequest

OF_THE_DATASET = "dataset."
"""Prefix of the keys of a dataset's settings."""
OF_THE_SET = ("ipc", "input_space")
"""Keys of facts that a set states itself, besides its dataset."""
OF_THE_MAKING = ("method", "experiment")
"""Keys of how a set is made; every experiment has settings of a method."""
UNNAMED = "file"
"""The name of a set that names no method, or the same method as its control."""


def set_from_file(
    path: str | Path, given: Sequence[str], says: Mapping[str, str], like: str | None = None
) -> Import:
    """Read the set in a file of ddbench, or in a released file or folder.

    Args:
        path: path of the file or folder.
        given: overrides of `ddbench run`; only dataset, its settings and data_root are used here.
        says: facts that the file does not state, by the names of `ImportChoice`.
        like: the family of a released set.

    Raises:
        UserError: if the set cannot be read, or facts are missing; one line.
    """
    plain = plain_values(given)
    if "dataset" in plain:
        says = {"dataset": str(plain["dataset"]), **says}
    check_keys(given, says.get("dataset"))
    settings = {
        key.removeprefix(OF_THE_DATASET): value
        for key, value in plain.items()
        if key.startswith(OF_THE_DATASET)
    }
    root = data_root(given_value(readable(given), "data_root"))
    return read_file(path, says, like, root, settings)


def check_keys(given: Sequence[str], dataset: str | None = None) -> None:
    """Find mistakes in the overrides before a set is read, or a whitening fitted for it.

    Facts that the set states itself can be compared only after it has been read: see `score_set`.

    Args:
        given: overrides of `ddbench run`.
        dataset: the dataset that the set was distilled from, if known.

    Raises:
        UserError: one line for the first mistake, or for a key that applies only to making a set.
    """
    words = readable(given)
    plain = plain_values(words)
    _check_only_scored(plain)
    left_out = OF_THE_SET if dataset else (*OF_THE_SET, OF_THE_DATASET.rstrip("."))
    kept = [w for w in words if parsed(w).key_or_group.partition(".")[0] not in left_out]
    chosen = {"dataset": dataset} if dataset and "dataset" not in plain else {}
    request_of([*kept, *as_overrides(chosen)])


def _check_only_scored(plain: Mapping[str, Any]) -> None:
    """Reject keys of how a set is made, since it is made already."""
    for key in plain:
        if key == "ratio":
            raise UserError(f"{key}: the distilled set says how many images of a class there are")
        if key.partition(".")[0] in OF_THE_MAKING:
            raise UserError(
                f"{shortened(key)}: the set is made already; only its scoring can be chosen"
            )


def score_set(distilled: DistilledSet, given: Sequence[str], quiet: bool = False) -> Outcome:
    """Measure a set and its control with all requested evaluators, and write a record.

    Args:
        distilled: the set; its provenance enters the record unverified.
        given: overrides of `ddbench run`; they must not contradict what the set states itself.
        quiet: print nothing.

    Raises:
        UserError: for a mistake in the overrides, or a set that does not fit its dataset.
    """
    request = _request(distilled, given)
    origin = _origin(distilled, request)
    with disk_trouble_in_one_line(), opened(request, quiet, writes=False) as (lab, data_cost):
        check_fit(distilled, lab)
        progress = lab.runtime.progress
        data = distilled.to_bytes()
        subject = subject_made_elsewhere(request, lab, distilled, data, origin)
        folder = request.runs_root / subject.name
        file = folder / "distilled.safetensors"
        if (folder / "record.json").exists() and not (file.exists() and file.read_bytes() == data):
            write_bytes(file, data)  # restore a missing or changed copy

        def work(folder: Path) -> Record:
            begin(lab.runtime, folder, subject.run, configuration(request, subject))
            for note in _notes(distilled, request):
                progress.say(note)
            write_bytes(file, data)
            seen = distilled.decoded()
            write_bytes(folder / "gallery.png", gallery_png(seen, lab.space, _title(origin, seen)))
            return record_scores(request, lab, folder, subject, distilled, {DATA: data_cost})

        code = plugins_of(request, made_here=False)
        return recorded_once(request, lab, folder, subject.run, work, code)


def _request(distilled: DistilledSet, given: Sequence[str]) -> RunRequest:
    """The request of the overrides, completed with the facts that the set states.

    Raises:
        UserError: for overrides that contradict the set, and for settings of a method.
    """
    own: dict[str, Any] = {
        "dataset": distilled.dataset,
        "ipc": int(distilled.class_counts.max()),
        "input_space": distilled.input_space,
    }
    plain = plain_values(given)
    _check_only_scored(plain)
    for name, value in own.items():
        if name in plain and str(plain[name]) != str(value):
            told = f"{name}={shortened(str(plain[name]))}"
            raise UserError(f"{told}: the distilled set says {name}={value}")
    if distilled.student is not None and not any(key.startswith("model") for key in plain):
        settings = {f"model.{name}": value for name, value in distilled.student.settings.items()}
        own |= {"model": distilled.student.name, **settings}
    request = request_of([*given, *as_overrides(own)])
    # The control has as many images of each class as the set. If the set has none, the control is
    # made with one, which `finished_run` removes.
    counts = tuple(distilled.class_counts.clamp(min=1).tolist())
    if len(set(counts)) > 1:
        request = replace(request, task=replace(request.task, class_counts=counts))
    return request


def _origin(distilled: DistilledSet, request: RunRequest) -> OriginFacts:
    """The origin that the set's provenance states, in the form of a record.

    Raises:
        UserError: if an untrusted file states something that a record cannot hold.
    """
    told = distilled.provenance
    name = told.get("family") or told.get("method")
    control = request.control.name if request.control else None
    if not isinstance(name, str) or not re.fullmatch(NAME, name) or name == control:
        name = UNNAMED  # its rows must not be confused with those of its control
    number = "" if told.get("set") is None else f", set {told['set']}"
    try:
        return OriginFacts.model_validate(
            {
                "name": name,
                "source": f"{told.get('file') or ''}{number}",
                "family": told.get("family") or None,
                "recorded": {
                    network: tuple(values)
                    for network, values in dict(told.get("recorded_accuracies") or {}).items()
                },
            }
        )
    except (ValidationError, TypeError, ValueError) as error:
        reason = one_line(error) if isinstance(error, ValidationError) else shown(error)
        raise UserError(f"what the set tells of its making cannot be recorded: {reason}") from error


def _title(origin: OriginFacts, seen: DistilledSet) -> str:
    ipc = images_per_class(seen.class_counts.tolist())
    return f"{origin.name}, {seen.dataset}, ipc {ipc}, made elsewhere"


def check_fit(distilled: DistilledSet, lab: Lab) -> None:
    """Check that a set has its dataset's classes, shape and whitening.

    Raises:
        UserError: if it does not, with the difference in one line.
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


def _notes(distilled: DistilledSet, request: RunRequest) -> Iterator[str]:
    """What is scored and how, and what the user should know about it, one line each."""
    task = request.task
    yield (
        f"{len(distilled)} images of {task.dataset}, input space {task.input_space}; students: "
        f"{task.model.label}, budget {request.budget_name}"
    )
    made_for = distilled.provenance.get("model")
    if made_for not in (None, task.model.label):
        yield f"note: the set was made with {made_for}; model= chooses the students"
    counts = distilled.class_counts
    if int(counts.min()) != int(counts.max()):
        yield _uneven(counts, distilled.class_names)


def _uneven(counts: Tensor, class_names: Sequence[str]) -> str:
    """How unevenly a set's images are spread over its classes."""
    empty = [name for name, count in zip(class_names, counts.tolist(), strict=True) if not count]
    told = f"note: the set has {images_per_class(counts.tolist())} images per class"
    if empty:
        more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        told += f"; none of {', '.join(empty[:3])}{more}"
    return f"{told}; the control has as many of each class"
