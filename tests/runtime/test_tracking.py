"""Trackers: what a run tells them, and that it needs nothing of them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from clock import Clock

import ddbench
from ddbench import NetworkScored, RunBegun, Tracker, UserError
from ddbench.distilling.registry import METHODS
from ddbench.records.record import Record
from ddbench.runtime.runtime import Runtime
from ddbench.runtime.tracking import TRACKERS, means
from ddbench.testing import Check, checks, judge

QUICK = {
    "dataset": "digits",
    "budget": "smoke",
    "protocols": ["hard"],
    "device": "cpu",
    "threads": 1,
    "control": None,
    "quiet": True,
}
STEPS = ["method=dm", "method.iterations=3", "model.width=8", "budget.networks=2"]
CHOICE = ["method=random", "model.width=8", "budget.networks=1"]


class Notes(Tracker):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def begun(self, run: RunBegun) -> None:
        self.told.append(("begun", run))

    def step(self, step: int, scalars: Any) -> None:
        self.told.append(("step", (step, dict(scalars))))

    def scored(self, score: NetworkScored) -> None:
        self.told.append(("scored", score))

    def recorded(self, record: Record) -> None:
        self.told.append(("recorded", record))

    def ended(self, error: BaseException | None) -> None:
        self.told.append(("ended", error))


def run(words: list[str], root: Path, *trackers: Any, **changes: Any) -> Record:
    return ddbench.run(words, trackers=trackers, runs_root=str(root), **{**QUICK, **changes})


def test_a_run_tells_its_beginning_steps_scores_record_and_end(tmp_path: Path) -> None:
    notes = Notes()
    record = run(STEPS, tmp_path, notes)
    events = [event for event, _ in notes.told]
    assert events == ["begun", *["step"] * 3, *["scored"] * 2, "recorded", "ended"]
    told = dict(notes.told)
    assert told["begun"].key == record.run
    assert told["begun"].name == record.name
    assert told["begun"].folder == tmp_path / record.name
    assert told["begun"].configuration["task"]["seed"] == 0
    last = {k: v for k, v in record.curve[-1].items() if k not in ("step", "wall_seconds")}
    assert told["step"] == (2, last)
    (accuracy,) = [m for m in record.measurements if m.metric == "accuracy"]
    scored = [value for event, value in notes.told if event == "scored"]
    assert [one.accuracy for one in scored] == list(accuracy.values)
    assert [(one.title, one.network) for one in scored] == [("dm hard/1", 0), ("dm hard/1", 1)]
    assert told["recorded"] == record
    assert told["ended"] is None


def test_a_finished_run_tells_nothing_and_trackers_change_no_key(tmp_path: Path) -> None:
    notes = Notes()
    first = run(CHOICE, tmp_path)
    assert run(CHOICE, tmp_path, notes).run == first.run
    assert notes.told == []


def test_a_failure_is_told_as_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError("no images")

    notes = Notes()
    monkeypatch.setattr(METHODS["random"], "finish", fail)
    with pytest.raises(RuntimeError, match="no images"):
        run(CHOICE, tmp_path, notes)
    assert [event for event, _ in notes.told] == ["begun", "ended"]
    assert str(notes.told[-1][1]) == "no images"


def test_a_tracker_that_fails_is_left_out_with_a_note(tmp_path: Path) -> None:
    class Broken(Tracker):
        def step(self, step: int, scalars: Any) -> None:
            raise OSError("no network")

        def ended(self, error: BaseException | None) -> None:
            raise AssertionError("it was left out")

    notes = Notes()
    record = run(STEPS, tmp_path, Broken(), notes)
    assert notes.told[-1] == ("ended", None)
    log = (tmp_path / record.name / "log.txt").read_text()
    assert log.count("note: the tracker Broken 0 is left out, it failed: OSError: no network") == 1


def test_the_time_of_a_tracker_is_in_no_cost(clock: Clock, tmp_path: Path) -> None:
    class Slow(Tracker):
        def step(self, step: int, scalars: Any) -> None:
            clock.now += 100

    runtime = Runtime.start(tmp_path, "cpu", 1, quiet=True, trackers={"slow": Slow()})
    with runtime.meter.measure() as cost:
        clock.now += 1
        runtime.tell(lambda tracker: tracker.step(0, {}))
        clock.now += 2
    assert cost.wall_seconds == 3


@pytest.mark.parametrize("name", TRACKERS.names())
@pytest.mark.parametrize("check", checks("trackers"), ids=str)
def test_a_tracker_keeps_the_promises_of_its_kind(
    check: Check, name: str, tmp_path: Path, hold: Callable[[Check, str, Path], None]
) -> None:
    hold(check, name, tmp_path)


def test_a_tracker_that_fails_breaks_its_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Notes):
        """Fails."""

        def recorded(self, record: Record) -> None:
            raise KeyError("gallery")

    monkeypatch.setattr(TRACKERS, "_added", {"notes": Notes, "broken": Broken})
    assert [judge(check, "notes", tmp_path).state for check in checks("trackers")] == ["holds"] * 5
    verdict = judge(checks("trackers")[-1], "broken", tmp_path)
    assert verdict.state == "broken"
    assert "KeyError: 'gallery'" in verdict.reason


@pytest.mark.parametrize("name", TRACKERS.names())
def test_a_tracker_whose_library_is_missing_is_refused_with_its_name(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, str(TRACKERS[name].needs), None)
    with pytest.raises(UserError, match=f"the tracker {name} needs .*: pip install {name}"):
        run(CHOICE, tmp_path, name)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_tracker_is_refused_with_a_near_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown tracker 'tensorbord': did you mean tensorboard"):
        run(CHOICE, tmp_path, "tensorbord")


class Calls:
    """Stands for a library: keeps every call of whatever name, with its arguments."""

    def __init__(self) -> None:
        self.made: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def named(self, name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        return [(given, keys) for called, given, keys in self.made if called == name]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*given: Any, **keys: Any) -> Any:
            self.made.append((name, given, keys))
            return self

        return call


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, calls: Calls) -> None:
    module = types.ModuleType(name)
    module.__getattr__ = lambda called: getattr(calls, called)  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, name, module)


def test_weights_and_biases_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    vars(calls)["summary"] = {}
    stand_in(monkeypatch, "wandb", calls)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    record = run(STEPS, tmp_path, "wandb")
    ((_, begun),) = calls.named("init")
    assert (begun["id"], begun["name"]) == (record.run, record.name)
    assert (begun["project"], begun["resume"]) == ("ddbench", "allow")
    assert begun["config"]["method"]["name"] == "dm"
    logged = [given[0] for given, _ in calls.named("log")]
    assert [row["distil/step"] for row in logged if "distil/step" in row] == [0, 1, 2]
    assert [row["network"] for row in logged if "accuracy/dm hard/1" in row] == [0, 1]
    assert "gallery" in logged[-1]
    assert calls.summary == means(record)
    assert calls.named("finish") == [((), {"exit_code": 0})]


def test_mlflow_is_told_and_goes_on_with_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = Calls()
    vars(calls)["info"] = types.SimpleNamespace(run_id="abc")
    stand_in(monkeypatch, "mlflow", calls)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    record = run(STEPS, tmp_path, "mlflow")
    assert calls.named("set_experiment") == [(("mine",), {})]
    assert calls.named("start_run") == [((), {"run_name": record.name})]
    ((params, _),) = calls.named("log_params")
    assert params[0]["method.settings.iterations.value"] == 3
    assert [keys for _, keys in calls.named("log_metrics")] == [
        *({"step": n} for n in range(3)),
        {},
    ]
    assert [keys for _, keys in calls.named("log_metric")] == [{"step": 0}, {"step": 1}]
    sent = [Path(given[0]).name for given, _ in calls.named("log_artifact")]
    assert sent == ["record.json", "gallery.png"]
    assert calls.named("end_run") == [(("FINISHED",), {})]
    (tmp_path / record.name / "record.json").unlink()
    run(STEPS, tmp_path, "mlflow")
    assert calls.named("start_run")[1:] == [((), {"run_id": "abc"})]


def test_tensorboard_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = Calls()
    for name in ("tensorboard", "torch.utils.tensorboard"):
        stand_in(monkeypatch, name, calls)
    record = run(STEPS, tmp_path, "tensorboard")
    assert calls.named("SummaryWriter") == [((str(tmp_path / record.name / "tensorboard"),), {})]
    scalars = [(given[0], given[2]) for given, _ in calls.named("add_scalar")]
    assert ("distil/loss", 2) in scalars
    assert [step for name, step in scalars if name == "accuracy/dm hard/1"] == [0, 1]
    ((gallery, _),) = calls.named("add_image")
    assert gallery[1].shape[2] == 3
    assert len(calls.named("close")) == 1


def test_tensorboard_itself_reads_what_is_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record = run(STEPS, tmp_path, "tensorboard")
    events = EventAccumulator(str(tmp_path / record.name / "tensorboard"))
    events.Reload()
    (accuracy,) = [m for m in record.measurements if m.metric == "accuracy"]
    read = [one.value for one in events.Scalars("accuracy/dm hard/1")]
    assert read == pytest.approx(list(accuracy.values))
    assert [one.step for one in events.Scalars("distil/loss")] == [0, 1, 2]
    assert events.Images("gallery")
