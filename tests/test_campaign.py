"""The campaign: every kind of attempt works, and failures are found and can be repeated."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import campaign
import planted
import pytest
from campaign_kinds import KINDS, damage, kill
from campaign_kinds.tiny_runs import Result, TinyRun
from campaign_kinds.worker import Ended, attempts, tried

from ddbench.distilling.registry import METHODS
from ddbench.scoring.registry import EVALUATORS

OF_RUNS = {kill.KIND.name, *(kind.name for kind in damage.KINDS)}
"""Kinds whose attempts draw a method and an evaluator first."""
CHEAP = ("random", "nas")


def seeds(kind: str) -> list[int]:
    """Two seeds; of runs, such as draw the shortest one."""
    if kind not in OF_RUNS:
        return [1, 2]
    drawn = ((seed, TinyRun.drawn(random.Random(f"{kind}:{seed}"))) for seed in range(10_000))
    found = (seed for seed, tiny in drawn if (tiny.method, tiny.evaluator) == CHEAP)
    return [next(found), next(found)]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a campaign, in which undisturbed runs are kept."""
    return tmp_path_factory.mktemp("campaign")


@pytest.mark.parametrize("kind", KINDS)
def test_two_attempts_of_each_kind_find_all_as_promised(kind: str, root: Path) -> None:
    for seed in seeds(kind):
        assert tried(KINDS[kind], seed, root) == Ended(seed)
    assert [path.name for path in root.iterdir()] == ["kept"]


def test_every_method_and_every_evaluator_is_drawn() -> None:
    drawn = [TinyRun.drawn(random.Random(seed)) for seed in range(1000)]
    assert {tiny.method for tiny in drawn} == set(METHODS.names())
    assert {tiny.evaluator for tiny in drawn} == set(EVALUATORS.names())


def fail(*arguments: Any, **keywords: Any) -> Any:
    raise KeyError("planted")


PLANTED: dict[str, tuple[str, Callable[..., Any], str]] = {
    "kill": ("campaign_kinds.kill.result_in", lambda root: Result(b"", "{}", frozenset()), "set"),
    "flip": ("campaign_kinds.damage.result_in", lambda root: Result(b"", "{}", frozenset()), "set"),
    "record": ("campaign_kinds.record.results_of", fail, "KeyError: 'planted'"),
    "set": ("ddbench.distilling.distilled_set.DistilledSet.load", fail, "KeyError: 'planted'"),
    "foreign": ("campaign_kinds.foreign.import_set", fail, "KeyError: 'planted'"),
    "override": ("ddbench.cli.main.verb_parser", fail, "KeyError: 'planted'"),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_fault_is_found(kind: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, fault, told = PLANTED[kind]
    monkeypatch.setattr(place, fault)
    assert told in str(tried(KINDS[kind], seeds(kind)[0], root).problem)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        (planted.DEATH, "the process ended with -11"),
        (planted.HANG, "no end after 0.2 s"),
        (planted.HUNGER, "MemoryError: there is not enough memory"),
        (planted.BREACH, "the promise is broken"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_attempt_that_dies_hangs_devours_memory_or_breaks_a_promise_is_a_failure(
    kind: Any, problem: str, tmp_path: Path
) -> None:
    (ended,) = attempts(kind, 7, 0, 1, tmp_path)
    assert (ended.seed, ended.problem) == (7, problem)


def test_campaign_counts_its_attempts_and_prints_a_command_for_each_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(KINDS, "breach", planted.BREACH)
    tallies = campaign.campaign(["set", "breach"], 0, 3, tmp_path, most=2)
    assert {name: len(tally.failures) for name, tally in tallies.items()} == {"set": 0, "breach": 1}
    lines = campaign.summary(tallies).splitlines()
    assert lines[-1] == (
        "python tests/campaign.py --replay breach:30000000  # the promise is broken"
    )
    assert [cell.strip() for cell in lines[-2].split("|")[1:4]] == ["breach", "1", "1"]
    assert "FAILED breach:30000000 the promise is broken" in (tmp_path / campaign.LOG).read_text()
    capsys.readouterr()
    assert campaign.main(["--replay", "breach:30000000"]) == 1
    assert capsys.readouterr().out == "the promise is broken\n"


@pytest.mark.parametrize("place", ["kill", "kill:", "nothing:3", "kill:x"])
def test_attempt_that_there_is_not_is_refused(
    place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        campaign.main(["--replay", place])
    assert refused.value.code == 2
    assert "is not KIND:SEED, such as kill:7" in capsys.readouterr().err
