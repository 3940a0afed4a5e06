"""The table that ends a run, of records whose measurements lack a coordinate."""

from __future__ import annotations

import copy
import json

from plausible import plausible
from pydantic import ValidationError

from ddbench.records.measurement import Measurement
from ddbench.records.record import Record
from ddbench.records.report import report

PLACE = {"protocol": "hard/1", "subject": "apm", "split": "test", "architecture": "resnet18"}
OTHERS = tuple(
    Measurement(metric, 0.5, unit, (0.5,), where)
    for metric, unit, where in (
        ("accuracy", "fraction", PLACE),
        ("accuracy_difference", "fraction", {**PLACE, "control": "random"}),
        ("retained", "fraction", PLACE),
        ("retained_difference", "fraction", {**PLACE, "control": "random"}),
        ("peak_memory", "bytes", {"phase": "distil", "of": "allocated", "on": "cpu"}),
        ("step_time", "seconds", {"statistic": "mean", "steps": 3, "on": "cpu"}),
    )
)


def test_a_record_is_shown_or_refused_whatever_coordinate_of_a_measurement_is_missing() -> None:
    values = plausible("apm", protocols=("hard/1", "soft/1"), extra=OTHERS).plain()
    del values["schema"]
    places = [
        (number, name)
        for number, one in enumerate(values["measurements"])
        for name in one["coordinates"]
    ]
    assert len(places) > 20
    shown = 0
    for number, name in places:
        changed = copy.deepcopy(values)
        del changed["measurements"][number]["coordinates"][name]
        try:
            record = Record.model_validate_json(json.dumps(changed))
        except ValidationError:
            continue
        assert "accuracy %" in report(record), (number, name)
        shown += 1
    assert shown


def test_accuracies_that_do_not_say_their_split_are_shown_without_it() -> None:
    values = plausible("apm").plain()
    del values["schema"]
    for one in values["measurements"]:
        one["coordinates"].pop("split", None)
    told = report(Record.model_validate_json(json.dumps(values)))
    assert "  accuracy %" in told
    assert "test accuracy" not in told


def test_accuracy_at_other_places_than_the_end_has_a_table_of_its_own() -> None:
    after = Measurement("accuracy_after", 0.25, "fraction", (0.25,), {**PLACE, "epochs": 7})
    table, *others = report(plausible("apm", extra=(after,))).split("\n\n")[1:]
    assert "accuracy_after" not in table
    (own,) = [one for one in others if "accuracy_after" in one]
    assert "epochs 7" in own
    assert "25.0" in own
