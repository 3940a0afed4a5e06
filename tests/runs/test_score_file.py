"""What the record tells of a set that was made elsewhere."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ddbench import UserError
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.records.record import Record
from ddbench.runs.execute import execute
from ddbench.runs.score_file import score_set

KEYS = ("budget=smoke", "protocols=[hard]", "threads=1", "model.width=8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> DistilledSet:
    from ddbench.testing.common import tiny_request

    root = tmp_path_factory.mktemp("made")
    outcome = execute(tiny_request(root, "method=random", "model.width=8"), quiet=True)
    return DistilledSet.load(outcome.folder / "distilled.safetensors")


def scored(made: DistilledSet, provenance: dict[str, Any], root: object, *keys: str) -> Record:
    told = dataclasses.replace(made, provenance=provenance)
    return score_set(told, [*KEYS, f"runs_root={root}", *keys], quiet=True).record


def test_the_record_keeps_family_file_number_and_what_the_authors_recorded(made, tmp_path):
    provenance = {
        "family": "dm",
        "file": "res_DM.pt",
        "set": 3,
        "recorded_accuracies": {"ConvNet": [0.25, 0.5]},
    }
    record = scored(made, provenance, tmp_path)
    assert record.origin is not None
    assert record.method.name == "dm"
    assert record.origin.source == "res_DM.pt, set 3"
    assert record.origin.recorded == {"ConvNet": (0.25, 0.5)}
    assert record.plain()["origin"]["made"] == "elsewhere"
    subjects = {m.coordinates["subject"] for m in record.measurements}
    assert subjects == {"dm", "random"}
    assert Record.load(tmp_path / record.name / "record.json") == record


@pytest.mark.parametrize(
    "name", ["random", "", "a b", "../up", "x" * 500, 7, None, ["dm"], "a\nb", "\ud800"]
)
def test_a_set_without_a_fit_name_of_its_own_is_called_file(name, made, tmp_path):
    provenance = {"family": name} if isinstance(name, str | None) else {"method": name}
    if not isinstance(name, str) or name in ("random", ""):
        assert scored(made, provenance, tmp_path).method.name == "file"
    else:  # a family that is not a name cannot be recorded either
        with pytest.raises(UserError, match="cannot be recorded") as caught:
            scored(made, provenance, tmp_path)
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "recorded",
    [
        {"ConvNet": [7.0]},
        {"ConvNet": [float("nan")]},
        {"ConvNet": "high"},
        {"ConvNet": [None]},
        {"a\nb": [0.5]},
        ["ConvNet"],
        "ConvNet",
    ],
    ids=str,
)
def test_accuracies_that_are_none_are_refused_in_one_line(recorded, made, tmp_path):
    with pytest.raises(UserError, match="cannot be recorded") as caught:
        scored(made, {"recorded_accuracies": recorded}, tmp_path)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*/record.json"))


def test_the_copy_beside_the_record_is_made_again_where_it_is_damaged(made, tmp_path):
    record = scored(made, {}, tmp_path)
    file = tmp_path / record.name / "distilled.safetensors"
    whole = file.read_bytes()
    for damage in (whole[:-1], b""):
        file.write_bytes(damage)
        assert scored(made, {}, tmp_path) == record
        assert file.read_bytes() == whole
    file.unlink()
    assert scored(made, {}, tmp_path) == record
    assert file.read_bytes() == whole


def test_what_is_told_of_the_making_is_part_of_the_key(made, tmp_path):
    runs = {
        scored(made, provenance, tmp_path, *keys).run
        for provenance in ({}, {"file": "other.pt"})
        for keys in ((), ("control=null",))
    }
    assert len(runs) == 4


def test_an_input_space_given_by_numbers_can_be_recorded(tmp_path):
    from ddbench.testing.common import tiny_request

    space = "input_space='normalised:0.25/0.5'"
    request = tiny_request(tmp_path, "method=random", "model.width=8", space)
    assert execute(request, quiet=True).record.task.input_space == "normalised:0.25/0.5"
