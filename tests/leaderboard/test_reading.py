"""Which records enter a leaderboard, and what becomes of the others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ddbench.errors import UserError
from ddbench.leaderboard.reading import read_folder, record_files, without_superseded
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.record import Record

RESULTS = Path(__file__).parents[2] / "leaderboards" / "results"


def damaged(record: Record, place: str, value: object) -> Record:
    """A record with the value at a dotted place replaced; DELETE removes it."""
    plain = json.loads(json.dumps(record.plain()))
    *path, last = place.split(".")
    inside = plain
    for step in path:
        inside = inside[int(step) if isinstance(inside, list) else step]
    if value is DELETE:
        del inside[last]
    else:
        inside[int(last) if isinstance(inside, list) else last] = value
    return plain


DELETE = object()
TRIAL = {"soft/1 on trial at 0.1": "label teacher"}
DAMAGE = {
    "method.name": ["", "a|b", "<script>", "a\nb", 3, None, DELETE],
    "method.version": [-1, 1.0, "1", True, DELETE],
    "method.settings": [[], {"a": 3}, {"a": {"value": 1}}],
    "task.dataset.name": ["../etc", "", None],
    "task.ipc": [0, -1, 1.5, "1", 10**400],
    "task.class_counts": [[], [10], [10, 10], [10, 0], [11, 10], [5, 3], [10, 1.5], "10", {}, 3],
    "task.seed": [None, "0", DELETE],
    "task.validation": [float("nan"), 0.1, "0"],
    "budget.name": ["../paper", None],
    "budget.networks": [0, 4, None, DELETE],
    "protocols": ["hard/1", ["hard/1"], [3], [{"name": "hard"}], None],
    "protocols.0.version": ["1", -1, 1.5],
    "run": ["", "../x", None, 7],
    "supersedes": [3, "no hash"],
    "distilled.sha256": ["e6", None],
    "distilled.storage_bytes": [-5, 1e6],
    "data.scored_split": ["train", "validation", None],
    "costs": [{}, {"distil": {}}, []],
    "costs.2.stage": ["scored", "later", None],
    "costs.2.phase": ["data", "distil\n", DELETE],
    "costs.2.wall_seconds": [-1, float("inf"), "long"],
    "networks.0.bytes": ["many", None, 2**53],
    "networks.0.stage": ["", DELETE],
    "environment.device_name": [None, 3, "a\ud800"],
    "environment.threads": [float("nan"), [float("inf")], {"a": "\ud800"}, 2**53],
    "finished": ["yesterday", 3],
    "measurements.0.metric": ["a b", 3],
    "measurements.0.value": [1.5, 0.1, "high", float("nan"), 10**400],
    "measurements.0.values": [[], [0.5], ["a", "b", "c"], "abc", [float("inf")] * 3],
    "measurements.0.note": [3, "x" * 5000],
    "measurements.0.coordinates.protocol": ["hard", "", DELETE],
    "measurements.0.coordinates.split": ["validation"],
    "measurements.0.coordinates.subject": ["", DELETE, [1]],
    "measurements.1": [3, {}, None],
}
CASES = [(place, value) for place, values in DAMAGE.items() for value in values]


@pytest.mark.parametrize(
    ("place", "value"), CASES, ids=lambda v: "left out" if v is DELETE else repr(v)[:30]
)
def test_damaged_record_is_named_and_the_rest_is_read(place, value, make, written, tmp_path):
    good = make("dm")
    written(tmp_path, good)
    (tmp_path / "bad.json").write_text(json.dumps(damaged(make("apm"), place, value)))
    reading = read_folder(tmp_path)
    assert reading.records == [good]
    (line,) = reading.problems
    assert str(tmp_path / "bad.json") in line
    assert "\n" not in line


def texts(value, place=()):
    """The dotted places of all texts below a value."""
    if isinstance(value, str):
        yield ".".join(map(str, place))
    elif isinstance(value, dict | list):
        for key, inside in value.items() if isinstance(value, dict) else enumerate(value):
            yield from texts(inside, (*place, key))


@pytest.mark.parametrize("nonsense", ["\ud800", "a\x00b", "x" * 3000, float("nan"), {"a": []}],
                         ids=["surrogate", "control", "long", "nan", "table"])  # fmt: skip
def test_nonsense_in_any_text_stops_no_other_record(nonsense, make, written, tmp_path):
    good, bad = make("dm"), make("apm")
    written(tmp_path, good)
    places = sorted(texts(json.loads(json.dumps(bad.plain()))))
    for number, place in enumerate(places):
        text = json.dumps(damaged(bad, place, nonsense))
        (tmp_path / f"bad{number}.json").write_text(text)
    reading = read_folder(tmp_path)
    assert good in reading.records
    left = {int(line.split("/bad")[1].split(".")[0]) for line in reading.problems}
    entered = {place for number, place in enumerate(places) if number not in left}
    # Settings and the table of the environment may hold any plain value.
    free = {place for place in places if place.endswith(".value") or place.startswith("environ")}
    free = {place for place in free | {"task.model.settings.norm"} if "device_name" not in place}
    assert entered <= (free if nonsense == {"a": []} else set())
    assert table_files(results_of(reading.records), reading, pictures=False)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("measurements.0.coordinates.protocol", "hard/" + "9" * 5000),
        ("measurements.0.coordinates", {"a\x00b": 1}),
        ("measurements.0.coordinates", {"x" * 5000: [1]}),
        ("method.settings", {"a": {"value": {"y" * 5000: {"\ud800": 1}}, "source": "default"}}),
        ("data.scored_split", "test " * 1000),
        ("costs.2.phase", "long" * 1000),
        ("schema", "of tomorrow" * 1000),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 50 else "",
)
def test_message_on_a_damaged_record_echoes_no_more_than_a_line(
    place, value, make, written, tmp_path
):
    written(tmp_path, make("dm"))
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(damaged(make("apm"), place, value)))
    (line,) = read_folder(tmp_path).problems
    assert line.isprintable()
    assert len(line) < len(str(path)) + 300


def test_first_schema_with_a_long_name_of_a_protocol_is_refused_briefly(tmp_path):
    values = json.loads((RESULTS / "apm-cifar10-ipc10-short-seed0-beeeda7eb0.json").read_text())
    path = tmp_path / "bad.json"
    for name in ("p" * 5000, f"soft/1 on trial at {'p' * 5000}"):
        path.write_text(json.dumps({**values, "protocols": [name]}))
        (line,) = read_folder(tmp_path).problems
        assert len(line) < len(str(path)) + 300


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "3", "[" * 100_000, "9" * 5000, '{"schema": "other/1"}']
)
def test_foreign_file_is_named_and_left_out(text, make, written, tmp_path):
    written(tmp_path, make("dm"))
    (tmp_path / "foreign.json").write_text(text)
    reading = read_folder(tmp_path)
    assert len(reading.records) == 1
    assert "foreign.json" in reading.problems[0]


def test_file_that_is_no_text_is_named(make, written, tmp_path):
    written(tmp_path, make("dm"))
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.json").mkdir()
    assert len(read_folder(tmp_path).problems) == 2


def test_plausible_and_committed_records_are_good(make):
    assert make("apm", ipc=1)
    assert make("random", control=None, budget="paper")
    assert read_folder(RESULTS).problems == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"validation": 0.1}, "held-out"),
        ({"group": 3}, "union"),
        ({"protocols": ("soft/1 on trial at 0.1",), "regimes": TRIAL}, "trial"),
    ],
)
def test_good_record_that_may_not_enter_is_counted(changes, reason, make, written, tmp_path):
    written(tmp_path, make("apm", **changes), make("dm"))
    reading = read_folder(tmp_path)
    assert [one.method.name for one in reading.records] == ["dm"]
    assert reading.problems == []
    ((told, count),) = reading.left_out.items()
    assert reason in told
    assert count == 1


def test_record_that_another_names_or_contains_is_left_out(make):
    small, large = make(protocols=("hard/1",)), make(protocols=("hard/1", "soft/1"))
    assert without_superseded([small, large]) == [large]
    other = make(protocols=("soft/1",))
    naming = other.model_copy(update={"supersedes": small.run})
    assert without_superseded([small, naming]) == [naming]


def test_record_of_another_set_supersedes_nothing(make):
    mine = make(seed=0)
    theirs = make(seed=1, supersedes=mine.run)
    assert without_superseded([mine, theirs]) == [mine, theirs]


def test_of_two_that_measured_the_same_the_later_one_stays(make):
    early = make()
    late = make(run="f" * 24, finished="2027-01-01T00:00:00+00:00")
    assert without_superseded([early, late]) == [late]
    assert without_superseded([late, early]) == [late]


def test_overlapping_records_of_one_set_both_stay(make):
    both = [make(protocols=("hard/1", "soft/1")), make(protocols=("hard/1", "paper/1"))]
    assert len(without_superseded(both)) == 2


def test_second_copy_of_a_run_is_named(make, tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(make().plain()))
    reading = read_folder(tmp_path)
    assert len(reading.records) == 1
    assert "b.json" in reading.problems[0]


def test_folder_of_runs_is_a_folder_of_records(make, tmp_path):
    for record in (make("dm"), make("apm")):
        (tmp_path / record.name).mkdir()
        (tmp_path / record.name / "record.json").write_text(json.dumps(record.plain()))
    assert len(read_folder(tmp_path).records) == 2


def test_folder_without_records_is_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UserError, match=str(folder)):
            record_files(folder)
