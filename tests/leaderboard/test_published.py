"""Published numbers are found by what evaluators call their measurements."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from ddbench.distilling.registry import METHODS
from ddbench.leaderboard.published import published_figures
from ddbench.leaderboard.published_values import published_values
from ddbench.leaderboard.tables import results_of
from ddbench.models.registry import MODELS
from ddbench.records.measurement import Measurement
from ddbench.runs.execute import execute
from ddbench.scoring.registry import EVALUATORS

ranking = importlib.import_module(f"{EVALUATORS.package}._nas_measurements")
OTHERS = [one for one in published_figures() if one.metric != "accuracy" or one.coordinates]
MEASURED = [
    "evaluators=[cross_architecture,memory,parallel_merge,runtime]",
    "evaluators.cross_architecture.targets=[mlp]",
    "evaluators.parallel_merge.groups=2",
    "protocols=[hard]",
    "method.student_epochs=5",
    "model.width=8",
]


@pytest.fixture(scope="module")
def measurements(tiny, tmp_path_factory):
    """What evaluators give on a tiny run, and the ranking of four cells."""
    request = tiny(tmp_path_factory.mktemp("published"), "method=apm", *MEASURED)
    found = execute(request, quiet=True).record.measurements
    cells = np.arange(4.0)
    drawn = np.zeros((2, 4), dtype=np.int64) + np.arange(4)
    return [*found, *ranking.ranking_measurements(cells, cells, drawn, {"subject": "apm"})]


def kind(figure):
    """A figure without what only its size tells."""
    told = {k: v for k, v in figure.coordinates.items() if not k.startswith("method.")}
    if "groups" in told:
        told["groups"] = "2"
    if "architecture" in told:
        assert told["architecture"] in MODELS.names()
        told["architecture"] = "mlp"
    if told.get("of") == "allocated":
        told["of"] = "resident set"  # what there is without an accelerator
    return figure.metric, figure.unit, tuple(told.items())


@pytest.mark.parametrize("wanted", sorted({kind(figure) for figure in OTHERS}), ids=str)
def test_every_published_number_is_one_that_an_evaluator_gives(wanted, measurements):
    metric, unit, coordinates = wanted
    unit = "rho" if unit == "correlation" else unit
    assert any(
        one.metric == metric
        and one.unit == unit
        and dict(coordinates).items() <= {k: str(v) for k, v in one.coordinates.items()}.items()
        for one in measurements
    )


def test_settings_that_a_published_number_names_are_those_of_the_method(tiny, tmp_path):
    named = {
        (figure.method, name.removeprefix("method."))
        for figure in OTHERS
        for name in figure.coordinates
        if name.startswith("method.")
    }
    for method, setting in named:
        assert hasattr(tiny(tmp_path, f"method={method}").method.settings, setting)


def beside(record, place):
    found = results_of([record]).reproductions
    return [one for one in found if one.figure.place == place and one.measured is not None]


def test_transfer_stands_beside_the_table_of_its_architecture(make):
    where = {"protocol": "paper/1", "subject": "apm", "split": "test", "architecture": "vit",
             "role": "target", "learning_rate": 0.01}  # fmt: skip
    m = Measurement("transfer_accuracy", 0.4, "fraction", (0.4, 0.4), where)
    record = make("apm", ipc=50, model_label="convnet-width128", budget="paper", extra=(m,))
    (one,) = beside(record, "Table 2")
    assert one.figure.coordinates == {"architecture": "vit"}
    assert one.figure.value == pytest.approx(0.422)
    assert one.measured.mean == pytest.approx(0.4)


@pytest.mark.parametrize(("segment", "published"), [(100, 18.3), (500, 8.6), (50, None)])
def test_cost_stands_beside_that_of_the_same_segment(segment, published, make):
    where = {"statistic": "median", "steps": 9, "on": "a device"}
    m = Measurement("step_time", 2.0, "seconds a step", (), where)
    record = make("apm", dataset="imagenet64", ipc=50, model_label="convnet-width128",
                  given={"segment": segment}, extra=(m,))  # fmt: skip
    found = beside(record, "Figure 3")
    assert [one.figure.value for one in found] == ([published] if published else [])
    assert all(one.verdict.startswith("no verdict") for one in found)


SCORES = {"apm": (0.74, 0.75, 0.76, 0.75, 0.75), "random": (0.5,) * 5}
USUAL = published_values("apm", METHODS["apm"].version, "cifar10", 50)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, "inside the interval"),
        ({"iterations": USUAL["iterations"]}, "inside the interval"),
        ({name: USUAL[name] for name in ("segment", "image_rate")}, "inside the interval"),
        ({"iterations": USUAL["iterations"] + 1}, "no verdict"),
        ({"no_setting": 1}, "no verdict"),
    ],
)
def test_default_that_was_typed_changes_no_verdict(given, verdict, make):
    options = {"protocols": ("paper/1",), "budget": "paper", "ipc": 50, "scores": SCORES}
    options |= {"model_label": "convnet-width128", "version": METHODS["apm"].version}
    (one,) = beside(make("apm", given=given, **options), "Table 1")
    assert one.verdict == verdict
    assert (one.reason == "") == (verdict != "no verdict")


def test_typed_input_space_of_the_recipe_changes_no_verdict(make, altered):
    options = {"protocols": ("paper/1",), "budget": "paper", "ipc": 50, "scores": SCORES}
    options |= {"model_label": "convnet-width128", "version": METHODS["apm"].version}
    record = make("apm", **options)
    for space, verdict in ((USUAL["input_space"], "inside the interval"), ("odd", "no verdict")):
        changes = {"task.input_space_source": "given", "task.input_space": space}
        (one,) = beside(altered(record, changes), "Table 1")
        assert one.verdict == verdict


def test_published_values_of_what_is_not_installed_are_not_known():
    assert published_values("nowhere", 1, "cifar10", 50) is None
    assert published_values("apm", METHODS["apm"].version + 1, "cifar10", 50) is None
    assert published_values("apm", METHODS["apm"].version, "cifar10", None) is None
