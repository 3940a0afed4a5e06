"""`ddbench evaluate`: a file that others made, from the command line."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from safetensors.torch import save

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.registry import METHODS
from ddbench.records.record import Record
from ddbench.runs.request import RunConfig

MINE = ("budget=smoke", "control=null", "protocols=[hard]", "threads=1")


@pytest.fixture
def distilled(runs):
    """The file of a distilled set."""
    (file,) = runs.glob("random-*/distilled.safetensors")
    return file


def test_a_set_is_scored_once_and_its_record_says_that_it_was_made_elsewhere(
    command, distilled, runs
):
    answer = command("evaluate", str(distilled), *MINE)
    assert answer.status == 0
    assert "hard/1" in answer.out
    assert "made elsewhere" in answer.out
    assert answer.err == ""
    (file,) = runs.glob("*-released-*/record.json")
    assert str(file) in answer.out
    record = Record.load(file)
    assert record.origin is not None
    assert record.distilling is None
    again = command("evaluate", str(distilled), *MINE)
    assert "finished already" in again.out
    assert Record.load(file) == record


def test_what_the_set_says_itself_may_be_repeated_but_not_contradicted(command, distilled):
    assert command("evaluate", str(distilled), "dataset=digits", *MINE).status == 0
    line = command("evaluate", str(distilled), "dataset=mnist5k", *MINE).complaint
    assert "dataset=digits" in line


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"dataset": "nonsense"}, "'nonsense'"),
        ({"class_names": tuple("abcdefghij")}, "classes"),
        ({"input_space": "zca"}, "'zca'"),
    ],
    ids=["dataset", "classes", "input space"],
)
def test_a_set_that_does_not_fit_is_one_line(change, told, command, distilled):
    changed = dataclasses.replace(DistilledSet.load(distilled), **change)
    distilled.write_bytes(changed.to_bytes())
    assert told in command("evaluate", str(distilled), *MINE).complaint


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"\xff" * 100, save({"images": torch.zeros(1, 1, 8, 8)})],
    ids=["empty", "text", "huge header", "no set"],
)
def test_a_file_that_is_no_set_is_one_line_that_names_it(data, command, tmp_path):
    file = tmp_path / "set.safetensors"
    file.write_bytes(data)
    assert str(file) in command("evaluate", str(file), *MINE).complaint


def test_a_mistake_in_the_keys_is_one_line(command, distilled):
    assert "'protocol'" in command("evaluate", str(distilled), "protocol=hard").complaint


def test_a_control_that_cannot_do_the_task_is_one_line(command, distilled, monkeypatch):
    monkeypatch.setattr(METHODS["dm"], "skip", classmethod(lambda cls, task: "it is Sunday"))
    answer = command(
        "evaluate", str(distilled), "control=dm", *(w for w in MINE if "control" not in w)
    )
    assert answer.complaint == "ddbench: method dm cannot do this task: it is Sunday\n"


def test_other_evaluators_have_a_table_and_those_that_skip_say_why(command, distilled):
    chosen = "evaluators=[accuracy,memory,parallel_merge,runtime,storage]"
    answer = command("evaluate", str(distilled), *MINE, chosen)
    assert answer.status == 0
    assert "hard/1" in answer.out
    assert "storage_share" in answer.out
    for name in ("memory", "parallel_merge", "runtime"):
        assert f"evaluator {name} skips: the set was not made here" in answer.out


SEVERAL = [
    "1,2",
    "interval(0,1)",
    "choice(a,b)",
    "glob(*)",
    "range(1,3)",
    "shuffle(1,2)",
    "sort(2,1)",
]
KEYS = [item.name for item in dataclasses.fields(RunConfig)]


@pytest.mark.parametrize("several", SEVERAL)
@pytest.mark.parametrize("key", [*KEYS, "dataset.path", "budget.networks", "hydra.job.name"])
def test_several_values_of_a_key_are_one_line(key, several, command, distilled):
    assert f"{key}" in command("evaluate", str(distilled), f"{key}={several}").complaint


@pytest.mark.parametrize("several", SEVERAL)
def test_several_values_of_a_setting_of_the_dataset_are_one_line(several, command, distilled):
    words = ("-o", "x.safetensors", f"dataset.path={several}")
    assert "dataset.path" in command("import", str(distilled), *words).complaint


@pytest.mark.parametrize("word", ["protocols=[hrd]", "threads=x", "budget=smok", "validation=2"])
def test_a_mistake_in_the_keys_is_said_before_a_set_is_read(word, command, distilled, monkeypatch):
    def read(*arguments):
        raise AssertionError("a set is read")

    monkeypatch.setattr("ddbench.runs.score_file.read_file", read)
    told = command("evaluate", str(distilled), "dataset=digits", word).complaint
    assert word.partition("=")[0].removesuffix("s") in told
