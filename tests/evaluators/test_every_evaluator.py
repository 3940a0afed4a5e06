"""What the harness promises of every evaluator, on a tiny finished run.

A new evaluator is found by its file: nothing is added here for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from ddbench.records.measurement import Measurement
from ddbench.runs.execute import Outcome, execute
from ddbench.runs.request import RunRequest
from ddbench.scoring.registry import EVALUATORS

Execute = Callable[..., Outcome]


@pytest.fixture(scope="module")
def execute_in(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Execute:
    """Do a run of APM in a named store that the tests of this module share."""
    root = tmp_path_factory.mktemp("evaluators")

    def run(store: str, *overrides: str) -> Outcome:
        request = tiny(root / store, "method=apm", "model.width=8", *overrides)
        return execute(request, quiet=True)

    return run


@pytest.fixture(scope="module")
def first(execute_in: Execute) -> Outcome:
    """A finished run scored by accuracy under one protocol."""
    return execute_in("one", "evaluators=[accuracy]", "protocols=[hard]")


def places(measurements: list[Measurement]) -> list[tuple[object, ...]]:
    return [(one.metric, one.unit, one.coordinates, one.values) for one in measurements]


def steady(measurements: list[Measurement]) -> list[tuple[object, ...]]:
    """What does not depend on how fast or large the machine is."""
    return places([one for one in measurements if not one.unit.startswith(("second", "byte"))])


@pytest.mark.parametrize("name", EVALUATORS.names())
def test_measurements_can_be_read_and_repeated(name: str, execute_in: Execute) -> None:
    chosen = (f"evaluators=[{name}]", "protocols=[hard]")
    record = execute_in("one", *chosen).record
    reason = record.evaluators[name].skipped
    if reason is not None:
        assert isinstance(reason, str)
        assert reason
        pytest.skip(reason)
    assert record.measurements
    for one in record.measurements:
        assert one.metric
        assert one.unit
        assert one.coordinates
        assert one.note or one.value is not None
        numbers = [*one.values, *([] if one.value is None else [one.value])]
        assert all(math.isfinite(number) for number in numbers)
    assert steady(execute_in("two", *chosen).record.measurements) == steady(record.measurements)


@pytest.mark.parametrize("name", [name for name in EVALUATORS.names() if name != "accuracy"])
def test_adding_an_evaluator_changes_no_number_and_supersedes(
    name: str, execute_in: Execute
) -> None:
    # A store for each: what an evaluator that skips leaves is as large as what it supersedes.
    first = execute_in(f"and {name}", "evaluators=[accuracy]", "protocols=[hard]")
    more = execute_in(f"and {name}", f"evaluators=[accuracy,{name}]", "protocols=[hard]")
    check_addition(first, more)


def test_adding_a_protocol_changes_no_number_and_supersedes(
    first: Outcome, execute_in: Execute
) -> None:
    check_addition(
        first, execute_in("one", "evaluators=[accuracy]", "protocols=[hard,paper,soft,noaug]")
    )


def check_addition(first: Outcome, more: Outcome, *others: Outcome) -> None:
    """`more` measures all that `first` and `others` measured, and more."""
    assert more.ran
    assert more.folder != first.folder
    assert all(one in more.record.measurements for one in first.record.measurements)
    assert more.record.distilled == first.record.distilled
    largest = max(len(one.record.measurements) for one in (first, *others))
    assert more.record.supersedes in {
        one.record.run for one in (first, *others) if len(one.record.measurements) == largest
    }
    assert more.record.distilling == first.record.distilling  # found, not made again


def test_record_that_measures_less_supersedes_nothing(first: Outcome, execute_in: Execute) -> None:
    fewer = execute_in("one", "evaluators=[accuracy]", "protocols=[hard]", "control=null")
    assert first.record.supersedes is None
    assert fewer.record.supersedes is None


def test_record_beside_a_damaged_one_is_written(
    first: Outcome, execute_in: Execute, tmp_path: Path
) -> None:
    damaged = first.folder.parent / "apm-digits-damaged" / "record.json"
    damaged.parent.mkdir()
    damaged.write_text('{"schema": "ddbench-record/1", "measurements": 3}')
    outcome = execute_in("one", "evaluators=[accuracy]", "protocols=[hard,noaug]")
    assert outcome.record.supersedes == first.record.run
