"""nas on noise in CIFAR-10's shape and a made table, so that nothing has to be downloaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ddbench.data.registry import DATASETS
from ddbench.errors import UserError
from ddbench.figures import png
from ddbench.models.nas_bench_201.cells import cell_strings
from ddbench.models.nas_bench_201.table import load_table, render_table, table_path
from ddbench.records.measurement import Measurement
from ddbench.records.record import Record
from ddbench.records.report import report
from ddbench.runs.execute import Outcome, execute
from ddbench.runs.request import RunRequest
from ddbench.scoring import students
from ddbench.scoring.registry import EVALUATORS
from ddbench.training.budget import Budget

CELLS = (1, 2, 9930, 3, 5, 8, 13, 21, 34, 55, 89, 144)
SMALL = {
    "indices": "[" + ",".join(map(str, CELLS)) + "]",
    "epochs": "500",  # 10 at the smoke budget
    "channels": "2",
    "cells_per_stack": "1",
    "resamples": "200",
}
Execute = Callable[..., Outcome]


def noise(self: Any, split: str) -> tuple[Any, Any]:
    """Images of one colour a class, with noise."""
    generator = np.random.default_rng(split == "train")
    labels = np.arange(self.train_size if split == "train" else self.test_size) % 10
    colours = np.random.default_rng(9).integers(40, 216, (10, 3, 1, 1))
    images = colours[labels] + generator.integers(-40, 40, (len(labels), 3, 32, 32))
    return images.astype(np.uint8), labels.astype(np.int64)


def write_table(root: Path, seed: int = 0, cells: tuple[int, ...] = tuple(range(200))) -> None:
    percent = np.random.default_rng(seed).uniform(10, 95, 15_625)
    cells = (*cells, *(index for index in CELLS if index not in cells))
    rows = {cell_strings()[i]: {"cifar10_test_200ep": float(percent[i])} for i in cells}
    table_path(root).write_bytes(render_table(rows))


@pytest.fixture(scope="module")
def patched() -> Iterator[None]:
    """CIFAR-10 that is noise."""
    source: Any = DATASETS["cifar10"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "check", lambda self: None)
        patch.setattr(source, "load", noise)
        patch.setattr(source, "train_size", 60, raising=False)
        patch.setattr(source, "test_size", 50, raising=False)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, patched: None) -> Path:
    folder = tmp_path_factory.mktemp("nas")
    write_table(folder)
    return folder


@pytest.fixture(scope="module")
def nas(root: Path, tiny: Callable[..., RunRequest]) -> Execute:
    """Do a run in a store that the tests of this module share."""

    def run(*overrides: str, runs: Path = root / "runs", data: Path = root) -> Outcome:
        given = {one.partition("=")[0] for one in overrides}
        fixed = {
            "method": "kcenter",
            "dataset": "cifar10",
            "model.width": "4",
            "ipc": "2",
            "protocols": "[hard]",
            "evaluators": "[nas]",
            "data_root": str(data),
            **{f"evaluators.nas.{key}": value for key, value in SMALL.items()},
        }
        words = [f"{key}={value}" for key, value in fixed.items() if key not in given]
        return execute(tiny(runs, *words, *overrides), quiet=True)

    return run


@pytest.fixture(scope="module")
def done(nas: Execute) -> Outcome:
    return nas()


def found(outcome: Outcome, metric: str, subject: str | None = None) -> Measurement:
    (one,) = [
        m
        for m in outcome.record.measurements
        if m.metric == metric and m.coordinates.get("subject") == subject
    ]
    return one


def test_statistics_are_those_of_the_recorded_cells(done: Outcome) -> None:
    truth = found(done, "cell_truth").values
    expected = np.random.default_rng(0).uniform(10, 95, 15_625)[list(CELLS)] / 100
    assert truth == pytest.approx(expected, abs=1e-6)
    assert found(done, "cell_index").values == CELLS
    for subject in ("kcenter", "random"):
        accuracy = found(done, "cell_accuracy", subject)
        assert len(accuracy.values) == len(CELLS)
        assert len(set(accuracy.values)) > 1
        rho = found(done, "spearman_rho", subject)
        assert rho.value == pytest.approx(stats.spearmanr(truth, accuracy.values).statistic)
        assert rho.interval is not None
        assert -1 <= rho.interval[0] < rho.value < rho.interval[1] <= 1
        tau = found(done, "kendall_tau", subject).value
        assert tau == pytest.approx(stats.kendalltau(truth, accuracy.values).statistic)
        assert found(done, "search_time", subject).value > 0  # type: ignore[operator]
        top = sorted(zip(accuracy.values, [-t for t in truth], strict=True), reverse=True)[:10]
        regret = max(truth) - max(-t for _, t in top)
        assert found(done, "top10_regret", subject).value == pytest.approx(regret)
    difference = found(done, "spearman_rho_difference", "kcenter")
    two = [found(done, "spearman_rho", name).value for name in ("kcenter", "random")]
    assert difference.value == pytest.approx(two[0] - two[1])  # type: ignore[operator]
    assert difference.coordinates["control"] == "random"


def test_cell_is_the_network_that_a_run_with_it_as_its_model_scores(
    done: Outcome, tiny: Callable[..., RunRequest], root: Path
) -> None:
    request = tiny(
        root / "runs",
        "method=random",
        "dataset=cifar10",
        "ipc=2",
        "protocols=[hard]",
        f"data_root={root}",
        "model=nas_bench_201",
        "model.architecture=9930",
        "model.channels=2",
        "model.cells_per_stack=1",
        "budget.evaluation=0.01",  # 1000 epochs become 10, as 500 do by 0.02
    )
    alone = execute(request, quiet=True)
    (accuracy,) = found(alone, "accuracy", "random").values
    assert accuracy == found(done, "cell_accuracy", "random").values[CELLS.index(9930)]


def test_ranking_by_size_counts_parameters_of_the_benchmarks_own_networks(done: Outcome) -> None:
    counted = found(done, "cell_parameters").values
    assert counted[:4] == (802_426, 559_386, 1_288_506, 73_306)
    rho = found(done, "spearman_rho", "number of parameters")
    truth = found(done, "cell_truth").values
    assert rho.value == pytest.approx(stats.spearmanr(truth, counted).statistic)


def test_report_shows_rho_with_its_interval_and_what_it_cannot_be_compared_with(
    done: Outcome,
) -> None:
    rho = found(done, "spearman_rho", "kcenter")
    text = report(done.record)
    assert rho.interval is not None
    assert f"{rho.value:.5g} rho [{rho.interval[0]:.3g}, {rho.interval[1]:.3g}]" in text
    assert "not directly comparable" in text


def test_picture_is_drawn_from_the_record_alone(done: Outcome) -> None:
    drawn = (done.folder / "nas.png").read_bytes()
    record = Record.load(done.folder / "record.json")
    assert record.measurements == done.record.measurements
    figure = evaluator().figure(record.measurements)
    assert figure is not None
    assert png(figure) == drawn
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    rho = found(done, "spearman_rho", "random")
    assert rho.interval is not None
    low, high = rho.interval
    assert f"random: rho {rho.value:.2f} [{low:.2f}, {high:.2f}]" in legend
    points = figure.axes[0].get_lines()[1]
    assert list(points.get_ydata()) == pytest.approx(
        [100 * value for value in found(done, "cell_accuracy", "random").values]
    )
    assert evaluator().figure([]) is None


def test_cells_that_are_scored_are_not_trained_again(
    done: Outcome, nas: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []
    real = students.Training

    def training(*arguments: Any) -> Any:
        trained.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(students, "Training", training)
    indices = ",".join(map(str, (*CELLS[:5], 7)))
    more = nas(f"evaluators.nas.indices=[{indices}]")
    assert len(trained) == 2  # cell 7 on the set and on its control
    before, after = (found(run, "cell_accuracy", "kcenter").values for run in (done, more))
    assert after[:5] == before[:5]


def test_whole_set_is_a_control(done: Outcome, nas: Execute) -> None:
    run = nas("evaluators.nas.whole=true", "evaluators.nas.indices=[1,2,3]")
    assert len(found(run, "cell_accuracy", "whole").values) == 3
    assert found(run, "spearman_rho", "whole").coordinates["protocol"] == "whole/1, 1 epochs"
    assert [pool.networks for pool in run.record.networks if pool.stream == "whole"] == [3]
    assert run.record.supersedes is None  # those of other cells are not a part of these


def test_another_table_is_another_run(nas: Execute, root: Path) -> None:
    few = "evaluators.nas.indices=[1,2,3]"
    first, again = nas(few), nas(few)
    assert again.folder == first.folder
    assert not again.ran
    table = table_path(root).read_bytes()
    try:
        write_table(root, seed=1)
        other = nas(few)
        table_path(root).unlink()
        none = nas(few)
    finally:
        table_path(root).write_bytes(table)
    assert len({first.folder, other.folder, none.folder}) == 3
    assert found(other, "cell_truth").values != found(first, "cell_truth").values
    assert "prepare nas_bench_201 source=FILE" in (none.record.evaluators["nas"].skipped or "")
    assert none.record.measurements == ()


def unfinished(
    root: Path, dataset: str = "cifar10", share: float = 1.0, device: str = "cpu"
) -> Any:
    """What the evaluator asks of a run before it trains anything."""
    return SimpleNamespace(
        task=SimpleNamespace(dataset=dataset),
        dataset=SimpleNamespace(is_whole=True),
        data_root=root,
        device_type=device,
        budget=Budget(evaluation=share),
    )


def evaluator(**settings: Any) -> Any:
    return EVALUATORS["nas"](EVALUATORS["nas"].Settings(**settings))


@pytest.mark.parametrize(
    ("dataset", "settings", "told"),
    [
        ("digits", {}, "NAS-Bench-201 has no truth for digits; it has for cifar10"),
        ("cifar100", {}, "no column cifar100_test_200ep of cifar100"),
        ("cifar10", {"truth": "cifar10_test_12ep"}, "it has cifar10_test_200ep"),
        ("cifar10", {"indices": [1, 2, 201]}, "has cifar10_test_200ep for 2 of 3 cells"),
        ("cifar10", {"cells": 1000}, "of 1000 cells"),
    ],
)
def test_run_without_truth_is_skipped_with_the_reason(
    dataset: str, settings: dict[str, Any], told: str, root: Path
) -> None:
    assert told in evaluator(**settings).skip(unfinished(root, dataset))


def test_damaged_table_is_a_reason_to_skip(tmp_path: Path) -> None:
    table_path(tmp_path).write_text("index,arch,cifar10_test_200ep\n0,x,1\n")
    run = unfinished(tmp_path)
    assert "line 2: 'x' is not a cell" in evaluator().skip(run)
    damaged = evaluator().identity("cifar10", tmp_path)
    write_table(tmp_path)
    assert (
        evaluator().identity("cifar10", tmp_path) != damaged
    )  # mended, the same command is another run
    assert evaluator().identity("digits", tmp_path) == {}
    assert evaluator().identity("cifar10", tmp_path / "none") == {}


def test_random_cells_of_one_seed_contain_each_other(root: Path) -> None:
    table, run = load_table(root), unfinished(root)
    three, five = (evaluator(cells=n)._chosen(run, table) for n in (3, 5))
    assert five[:3] == three
    assert len(set(five)) == 5
    assert all(np.isfinite(table.accuracies["cifar10_test_200ep"][five]))
    assert evaluator(cells=3, cell_seed=1)._chosen(run, table) != three


def test_budget_and_device_decide_what_is_not_given(root: Path) -> None:
    cells = [evaluator()._wanted(unfinished(root, share=share)) for share in (1, 0.2, 0.02)]
    assert cells == [100, 20, 12]
    assert evaluator()._size(unfinished(root, device="cuda")) == (16, 5)
    assert evaluator()._size(unfinished(root)) == (4, 1)
    assert evaluator(channels=8)._size(unfinished(root)) == (8, 1)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("indices", "[1,2]", "at least 3 cells"),
        ("indices", "[1,2,2]", "each of them once"),
        ("indices", "[1,2,15625]", r"15625 is not a cell of 0\.\.15624"),
        ("indices", "[1,2,x]", "indices"),
        ("cells", "2", "at least 3"),
        ("cells", "15626", "at most 15625"),
        ("protocol", "harder", "did you mean hard"),
        ("resamples", "1", "at least 100"),
    ],
)
def test_wrong_setting_is_refused_before_work(
    setting: str, value: str, told: str, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=told):
        tiny(tmp_path, "evaluators=[nas]", f"evaluators.nas.{setting}={value}")
