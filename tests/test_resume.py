"""A run killed at any instant continues when it is asked for again, and ends bit for bit."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ddbench.records.record import Record
from ddbench.runs.execute import opened, run_key
from ddbench.store.files import read_json
from ddbench.store.store import Store

APM = (
    "method=apm",
    "method.iterations=6",
    "method.student_epochs=5",
    "method.teachers=2",
    "method.teacher_epochs=2",
    "model.width=8",
    "protocols=[soft]",
)
COMMAND = ["run", *APM, "dataset=digits", "budget=smoke", "device=cpu", "threads=1"]
TICK = "ddbench.runtime.progress:Phase.advance"
PHASES = ("teachers", "distilling", "scoring")
RARELY = "checkpoint_seconds=1000"


@dataclass(frozen=True)
class Result:
    """What must be the same however often a run was interrupted."""

    distilled: bytes
    measurements: list[Any]
    students: frozenset[str]


def result_in(root: Path) -> Result:
    (path,) = root.glob("runs/apm-*/record.json")
    students = frozenset((root / "students").read_text().split())
    return Result(
        path.with_name("distilled.safetensors").read_bytes(),
        Record.load(path).measurements,
        students,
    )


def ticks_in(out: Path) -> list[str]:
    file = out / "ticks"
    return [phase_of(title) for title in file.read_text().splitlines()] if file.exists() else []


def phase_of(title: str) -> str:
    if title.startswith("teacher"):
        return "teachers"
    return "distilling" if title.endswith("distils") else "scoring"


@pytest.fixture(scope="module")
def request_in(tiny: Callable[..., Any]) -> Callable[..., Any]:
    return lambda root, *overrides: tiny(root / "runs", *APM, *overrides)


@pytest.fixture(scope="module")
def run(child: Callable[..., Any]) -> Callable[..., int]:
    """Do some work in a child process and return its exit status, -9 where it was killed."""

    def to_the_end(*arguments: Any) -> int:
        process = child(*arguments)
        process.join(120)
        return int(process.exitcode)

    return to_the_end


@pytest.fixture(scope="module")
def undisturbed(
    request_in: Callable[..., Any],
    run: Callable[..., int],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Result, list[str]]:
    """The result of a run that nobody disturbs, and the phases of its ticks."""
    root = tmp_path_factory.mktemp("undisturbed")
    assert run(request_in(root, RARELY), root / "only") == 0
    return result_in(root), ticks_in(root / "only")


def test_undisturbed_run_ticks_in_each_phase(undisturbed: tuple[Result, list[str]]) -> None:
    ticks = undisturbed[1]
    assert list(dict.fromkeys(ticks)) == list(PHASES)
    assert ticks.count("distilling") == 6


@pytest.mark.parametrize("trial", range(10))
def test_killed_run_ends_bit_for_bit(
    trial: int,
    undisturbed: tuple[Result, list[str]],
    request_in: Callable[..., Any],
    run: Callable[..., int],
    tmp_path: Path,
) -> None:
    expected, ticks = undisturbed
    phase = PHASES[trial % 3]
    inside = [number for number, name in enumerate(ticks, 1) if name == phase]
    trials = len(range(trial % 3, 10, 3))  # of this phase, one in each part of its length
    fraction = (trial // 3 + random.Random(trial).random()) / trials
    at = inside[int(fraction * len(inside))]
    often = f"checkpoint_seconds={0 if trial % 2 else 0.05}"
    request = request_in(tmp_path, often)
    assert run(request, tmp_path / "killed", (TICK, at, signal.SIGKILL)) == -signal.SIGKILL
    assert ticks_in(tmp_path / "killed")[-1] == phase
    assert not list(tmp_path.glob("runs/*/record.json"))
    assert run(request, tmp_path / "resumed") == 0
    assert result_in(tmp_path) == expected
    again = len(ticks_in(tmp_path / "killed")) + len(ticks_in(tmp_path / "resumed")) - len(ticks)
    assert again <= (1 if trial % 2 else len(inside))
    assert not list(tmp_path.glob("runs/artefacts/*/*.checkpoint"))


def test_run_killed_again_and_again_ends_bit_for_bit(
    undisturbed: tuple[Result, list[str]],
    request_in: Callable[..., Any],
    run: Callable[..., int],
    tmp_path: Path,
) -> None:
    request = request_in(tmp_path, "checkpoint_seconds=0")
    deaths = 0
    while run(request, tmp_path / str(deaths), (TICK, 23, signal.SIGKILL)) == -signal.SIGKILL:
        deaths += 1
        assert deaths < 10
    assert deaths >= 3
    assert result_in(tmp_path) == undisturbed[0]


@pytest.mark.parametrize(
    ("place", "call", "number"),
    [
        (TICK, 15, signal.SIGTERM),  # in a teacher
        (TICK, 27, signal.SIGINT),  # after a step of distilling
        ("ddbench.distilling.task:Task.train", 2, signal.SIGTERM),  # in the middle of a step
        (TICK, 60, signal.SIGINT),  # in scoring
        (TICK, 15, signal.SIGHUP),
        (TICK, 27, signal.SIGUSR1),
        ("ddbench.distilling.task:Task.train", 2, signal.SIGUSR2),
        (TICK, 60, signal.SIGXCPU),
    ],
)
def test_signal_saves_the_state_and_says_one_line(
    place: str,
    call: int,
    number: int,
    undisturbed: tuple[Result, list[str]],
    run: Callable[..., int],
    tmp_path: Path,
) -> None:
    command = [*COMMAND, RARELY, f"runs_root={tmp_path / 'runs'}"]
    assert run(command, tmp_path / "stopped", (place, call, number)) == 128 + number
    said = (tmp_path / "stopped" / "stderr").read_text()
    assert said.count("\n") == 1
    assert "the same command continues" in said
    assert len(list(tmp_path.glob("runs/artefacts/*/*.checkpoint"))) == 1
    assert run(command, tmp_path / "resumed") == 0
    assert result_in(tmp_path) == undisturbed[0]
    redone = [*ticks_in(tmp_path / "stopped"), *ticks_in(tmp_path / "resumed")]
    assert sorted(redone) == sorted(undisturbed[1])  # nothing was done twice


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [3, 5, 16])
def test_kill_while_a_file_is_written_leaves_no_broken_one(
    call: int,
    after: bool,
    undisturbed: tuple[Result, list[str]],
    request_in: Callable[..., Any],
    run: Callable[..., int],
    tmp_path: Path,
) -> None:
    request = request_in(tmp_path, "checkpoint_seconds=0.1")
    blow = ("os:replace", call, signal.SIGKILL, after)
    assert run(request, tmp_path / "killed", blow) == -signal.SIGKILL
    store = Store(tmp_path / "runs")
    for manifest in tmp_path.glob("runs/artefacts/*/*.json"):
        artefact = store.by_key(manifest.parent.name, manifest.stem)
        assert artefact is not None
        assert artefact.path is None or store.file(artefact)
    for file in tmp_path.glob("runs/apm-*/*.json"):
        read_json(file)
    assert run(request, tmp_path / "resumed") == 0
    assert result_in(tmp_path) == undisturbed[0]
    assert not [path for path in tmp_path.glob("runs/*/**/.*") if path.is_file()]


def test_two_runs_train_each_teacher_of_their_pool_once(
    request_in: Callable[..., Any], child: Callable[..., Any], tmp_path: Path
) -> None:
    outs = [tmp_path / f"seed{seed}" for seed in (0, 1)]
    processes = [child(request_in(tmp_path, f"seed={seed}"), out) for seed, out in enumerate(outs)]
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    titles = [title for out in outs for title in (out / "ticks").read_text().splitlines()]
    assert sum(phase_of(title) == "teachers" for title in titles) == 2 * 12
    assert sum(title.startswith("label-teacher") for title in titles) == 12
    assert len(list(tmp_path.glob("runs/artefacts/network/*.json"))) == 3
    records = [Record.load(path) for path in tmp_path.glob("runs/*/record.json")]
    assert [record.networks[0].networks for record in records] == [2, 2]
    first, second = (
        [cost for cost in record.costs if cost.phase == "teacher"] for record in records
    )
    assert first == second != []


def test_run_started_twice_waits_and_then_reports_the_record(
    request_in: Callable[..., Any], child: Callable[..., Any], tmp_path: Path
) -> None:
    command = [*COMMAND, f"runs_root={tmp_path / 'runs'}"]
    request = request_in(tmp_path)
    with opened(request, quiet=True) as (lab, _):
        lock = Store(request.runs_root).try_lock("run", {"run": run_key(request, lab)})
        assert lock is not None
        processes = [child(command, tmp_path / name) for name in ("one", "other")]
        texts = [tmp_path / name / "stdout" for name in ("one", "other")]
        while not all(text.exists() and "waiting" in text.read_text() for text in texts):
            assert all(process.is_alive() for process in processes)
            processes[0].join(0.05)
        lock.release()
    for process in processes:
        process.join(120)
        assert process.exitcode == 0
    said = sorted("finished already" in text.read_text() for text in texts)
    assert said == [False, True]
    assert "another process is working on this run" in texts[0].read_text()
    working = [name for name in ("one", "other") if (tmp_path / name / "ticks").exists()]
    assert len(working) == 1


def test_finished_run_says_where_its_record_is_and_computes_nothing(
    run: Callable[..., int], tmp_path: Path
) -> None:
    command = [*COMMAND, "method=random", "protocols=[hard]", f"runs_root={tmp_path / 'runs'}"]
    command = [word for word in command if not word.startswith("method.") and "apm" not in word]
    assert run(command, tmp_path / "first") == 0
    (record,) = tmp_path.glob("runs/random-*/record.json")
    before = {path: path.stat().st_mtime_ns for path in record.parent.iterdir()}
    assert run(command, tmp_path / "again") == 0
    assert f"finished already: {record}" in (tmp_path / "again" / "stdout").read_text()
    assert not (tmp_path / "again" / "ticks").exists()
    assert {path: path.stat().st_mtime_ns for path in record.parent.iterdir()} == before


@pytest.mark.parametrize("place", [TICK, "ddbench.runs.execute:distil"])
def test_resumed_run_restores_its_threads_or_refuses_others(
    place: str,
    run: Callable[..., int],
    undisturbed: tuple[Result, list[str]],
    tmp_path: Path,
) -> None:
    """Killed in a teacher with a checkpoint, and before there was any."""
    command = [*COMMAND, "threads=null", f"runs_root={tmp_path / 'runs'}", "checkpoint_seconds=0"]
    command.remove("threads=1")
    blow = (place, 15 if place == TICK else 1, signal.SIGKILL)
    assert run(command, tmp_path / "killed", blow, 1) == -signal.SIGKILL
    given = [word for word in command if word != "threads=null"] + ["threads=2"]
    assert run(given, tmp_path / "refused") == 2
    said = (tmp_path / "refused" / "stderr").read_text()
    assert said.count("\n") == 1
    assert "threads=2: this work was begun with threads=1" in said
    assert not list(tmp_path.glob("runs/apm-*/failed.json"))
    assert run(command, tmp_path / "resumed", None, 2) == 0
    assert result_in(tmp_path) == undisturbed[0]
    (path,) = tmp_path.glob("runs/apm-*/record.json")
    assert Record.load(path).environment.plain()["threads"] == 1


def test_network_begun_by_another_run_is_ended_with_its_threads_and_no_more(
    request_in: Callable[..., Any], run: Callable[..., int], tmp_path: Path
) -> None:
    often = ("checkpoint_seconds=0", "threads=null")
    blow = (TICK, 5, signal.SIGKILL)
    killed = request_in(tmp_path, *often, "seed=1")
    assert run(killed, tmp_path / "killed", blow, 2) == -signal.SIGKILL
    assert run(request_in(tmp_path, *often), tmp_path / "other", None, 1) == 0
    (path,) = tmp_path.glob("runs/apm-*seed0*/record.json")
    assert Record.load(path).environment.plain()["threads"] == 1
