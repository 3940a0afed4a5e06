"""What every evaluator promises, checked on tiny finished runs of the default method."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

from ..figures import png
from ..records.measurement import Measurement
from ..records.record import Record
from ..runs.execute import Outcome, execute
from ..scoring.evaluator import Evaluator
from ..scoring.finished_run import FinishedRun
from ..scoring.registry import EVALUATORS
from .common import common_checks, tiny_request
from .promise import Check, NotApplicable, require

BASE = "accuracy"
"""The evaluator that others are added to."""
COSTS = ("second", "step", "byte")
"""Prefixes of the units of costs."""


def _executed(store: Path, *evaluators: str) -> Outcome:
    """A run that these evaluators score; in a shared store an earlier run is found again."""
    chosen = f"evaluators=[{','.join(evaluators)}]"
    small = [f"evaluators.{name}.{word}" for name in evaluators for word in EVALUATORS[name].small]
    request = tiny_request(store, "model.width=8", chosen, "protocols=[hard]", *small)
    return execute(request, quiet=True)


def _own_store(name: str, folder: Path) -> Path:
    """A store for each evaluator: a record with a skipped one is as large as what it supersedes."""
    return folder / f"of {name}"


def _measurements(name: str, store: Path) -> list[Measurement]:
    """An evaluator's measurements of the run in a store."""
    record = _executed(store, name).record
    reason = record.evaluators[name].skipped
    if reason is not None:
        require(
            isinstance(reason, str) and reason, f"skip returns {reason!r}, which is not a reason"
        )
        raise NotApplicable(reason)
    return list(record.measurements)


def measurements_can_be_read(name: str, folder: Path) -> None:
    """Every measurement has a name, a unit, coordinates and finite numbers."""
    evaluator = EVALUATORS[name]
    evaluate = evaluator.evaluate

    def evaluate_and_check(self: Evaluator, run: FinishedRun) -> list[Measurement]:
        """Check before a record is made of them, which would fail with another message."""
        measurements = evaluate(self, run)
        _check_readable(measurements)
        return measurements

    with patch.object(evaluator, "evaluate", evaluate_and_check):
        _check_readable(_measurements(name, folder / "one"))


def _check_readable(measurements: Sequence[Measurement]) -> None:
    require(measurements, "it measures nothing and gives no reason")
    for one in measurements:
        require(isinstance(one, Measurement), f"it returns {one!r}, which is not a Measurement")
        require(one.metric, "a measurement has no metric")
        require(one.unit, f"{one.metric} has no unit")
        require(one.coordinates, f"{one.metric} has no coordinates")
        require(
            one.note or one.value is not None, f"{one.metric} has no value, and no note says why"
        )
        numbers = [*one.values, *([] if one.value is None else [one.value])]
        require(all(math.isfinite(number) for number in numbers), f"{one.metric} holds {numbers}")


def measurements_are_told_apart(name: str, folder: Path) -> None:
    """No two measurements have the same metric and coordinates."""
    seen = set()
    for one in _measurements(name, folder / "one"):
        place = (one.metric, *sorted((key, str(value)) for key, value in one.coordinates.items()))
        require(place not in seen, f"{one.metric} is there twice at {one.coordinates}")
        seen.add(place)


def numbers_lie_in_their_ranges(name: str, folder: Path) -> None:
    """Accuracies lie in 0..1, other fractions in -1..1; seconds, steps, bytes are not negative."""
    for one in _measurements(name, folder / "one"):
        low, high = _range(one)
        numbers = [*one.values, *([] if one.value is None else [one.value])]
        wrong = [number for number in numbers if not low <= number <= high]
        require(not wrong, f"{one.metric} is {wrong[:1]} {one.unit}, outside {low:g} to {high:g}")


def _range(one: Measurement) -> tuple[float, float]:
    if one.unit.startswith(COSTS):
        return 0, math.inf
    if one.metric.endswith("accuracy"):
        return 0, 1
    return (-1, 1) if one.unit == "fraction" else (-math.inf, math.inf)


def measurements_are_repeated(name: str, folder: Path) -> None:
    """The same run done again gives the same numbers, except seconds and bytes."""
    first, second = (
        _steady(_measurements(name, store)) for store in (folder / "one", _own_store(name, folder))
    )
    differing = [now[0] for before, now in zip(first, second, strict=False) if before != now]
    require(
        first == second, f"measured again it differs: {', '.join(map(str, differing)) or 'number'}"
    )


def _steady(measurements: Sequence[Measurement]) -> list[tuple[object, ...]]:
    """The measurements that do not depend on the machine's speed or size."""
    return [
        (one.metric, one.unit, one.coordinates, one.values)
        for one in measurements
        if not one.unit.startswith(("second", "byte"))
    ]


def addition_changes_no_number(name: str, folder: Path) -> None:
    """A run also scored by it keeps all numbers, and its record supersedes the earlier one."""
    if name == BASE:
        raise NotApplicable("it is the one that others are added to")
    store = _own_store(name, folder)
    alone, base = _executed(store, name), _executed(store, BASE)
    check_addition(base, _executed(store, BASE, name), alone)


def check_addition(first: Outcome, more: Outcome, *others: Outcome) -> None:
    """`more` measures all that `first` and `others` measured, and more."""
    require(more.ran, "the run was not done again")
    require(more.folder != first.folder, "the run has the folder of the earlier one")
    missing = [one for one in first.record.measurements if one not in more.record.measurements]
    require(not missing, f"it changes {len(missing)} numbers, such as {missing[:1]}")
    require(more.record.distilled == first.record.distilled, "the distilled set is another one")
    largest = max(len(one.record.measurements) for one in (first, *others))
    superseded = {
        one.record.run for one in (first, *others) if len(one.record.measurements) == largest
    }
    require(
        more.record.supersedes in superseded, f"it supersedes {more.record.supersedes!r} instead"
    )
    # Found, not made again.
    require(more.record.distilling == first.record.distilling, "distilling was repeated")


def figure_can_be_drawn_from_a_record(name: str, folder: Path) -> None:
    """`figure` takes measurements read back from a record, and gives a picture or None."""
    _measurements(name, folder / "one")
    outcome = _executed(folder / "one", name)
    evaluator = EVALUATORS[name](EVALUATORS[name].Settings())
    figure = evaluator.figure(Record.load(outcome.folder / "record.json").measurements)
    require(figure is None or png(figure), "its picture is empty")


CHECKS = (
    *common_checks(EVALUATORS),
    Check(
        "measures something that can be read, or says why not",
        measurements_can_be_read,
        essential=True,
    ),
    Check("measures nothing twice", measurements_are_told_apart),
    Check("gives numbers in the range of their unit", numbers_lie_in_their_ranges),
    Check("gives the same numbers again", measurements_are_repeated),
    Check("changes no other number, and its record supersedes", addition_changes_no_number),
    Check("draws a picture from a record, or none", figure_can_be_drawn_from_a_record),
)
