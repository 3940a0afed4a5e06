"""Published numbers are found by what evaluators call their measurements."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from ddbench.distilling.registry import METHODS
from ddbench.leaderboard.published import (
    LAST,
    NOT_KNOWN,
    ON_TEST,
    SELECTIONS,
    published_figures,
)
from ddbench.leaderboard.published_values import published_settings
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.models.registry import MODELS
from ddbench.plugins.recipes import recipe_entries
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
    """A figure without what depends only on its size."""
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


SCORES = (0.74, 0.75, 0.76, 0.75, 0.75)
WHOLE_PAPER = {"protocols": ("paper/1",), "budget": "paper", "model_label": "convnet-width128"}
USUAL = published_settings("apm", METHODS["apm"].version, "cifar10", 50).values


def as_published(make, altered, method, dataset, ipc, given=None, **options):
    """A record with every setting from the recipe, except those given."""
    version = METHODS[method].version
    values = dict(published_settings(method, version, dataset, ipc).values)
    space = values.pop("input_space")
    settings = {name: {"value": value, "source": "default"} for name, value in values.items()}
    for name, value in (given or {}).items():
        settings[name] = {"value": value, "source": "given"}
    scores = {method: SCORES, "random": (0.5,) * 5}
    options = {**WHOLE_PAPER, "scores": scores, "dataset": dataset, "ipc": ipc, **options}
    record = make(method, version=version, **options)
    return altered(record, {"method.settings": settings, "task.input_space": space})


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
def test_default_that_was_typed_changes_no_verdict(given, verdict, make, altered):
    (one,) = beside(as_published(make, altered, "apm", "cifar10", 50, given), "Table 1")
    assert one.verdict == verdict
    assert (one.reason == "") == (verdict != "no verdict")


@pytest.mark.parametrize("source", ["given", "recipe"])
def test_an_input_space_that_is_not_the_published_one_takes_the_verdict(source, make, altered):
    record = as_published(make, altered, "apm", "cifar10", 50)
    for space, verdict in ((USUAL["input_space"], "inside the interval"), ("odd", "no verdict")):
        changes = {"task.input_space_source": source, "task.input_space": space}
        (one,) = beside(altered(record, changes), "Table 1")
        assert one.verdict == verdict


def test_a_value_of_an_earlier_recipe_takes_the_verdict(make, altered):
    """Nobody gave the value, and the record looks like any other."""
    record = as_published(make, altered, "apm", "cifar10", 50)
    old = altered(record, {"method.settings.image_rate.value": 7.0})
    (one,) = beside(old, "Table 1")
    assert one.told.full == "no verdict: settings are not the published ones"


ACCURACIES = sorted(
    {
        (f.place, f.model, f.method, f.dataset, f.ipc)
        for f in published_figures()
        if f.metric == "accuracy" and not f.coordinates and not f.note and f.method in METHODS
    }
)


@pytest.mark.parametrize("cell", ACCURACIES, ids=lambda cell: "-".join(map(str, cell)))
def test_a_verdict_needs_a_recipe_of_the_same_ipc_all_of_which_is_published(cell, make, altered):
    place, model, method, dataset, ipc = cell
    entries = [e for e in recipe_entries(method) if e.budget == "paper" and e.ipc is not None]
    ipcs = {where: {e.ipc for e in entries if e.dataset == where} for where in (None, dataset)}
    other = any(known and ipc not in known for known in ipcs.values())
    settings = published_settings(method, METHODS[method].version, dataset, ipc)
    (one,) = beside(as_published(make, altered, *cell[2:], model_label=model), place)
    if other:
        assert one.told.full == "no verdict: no settings are published for this ipc"
    elif settings.unpublished:
        assert one.told.full == f"no verdict: not published: {', '.join(settings.unpublished)}"
    else:
        assert one.verdict in ("inside the interval", "outside the interval")


def test_cells_of_each_kind_are_known():
    """Otherwise the test above asserts less than it claims."""
    found = [published_settings(m, METHODS[m].version, d, ipc) for *_, m, d, ipc in ACCURACIES]
    assert {one.other_ipc for one in found} == {True, False}
    assert {bool(one.unpublished) for one in found if not one.other_ipc} == {True, False}


def test_published_values_of_what_is_not_installed_are_not_known(make, altered):
    assert published_settings("nowhere", 1, "cifar10", 50) is None
    assert published_settings("apm", METHODS["apm"].version + 1, "cifar10", 50) is None
    assert published_settings("apm", METHODS["apm"].version, "cifar10", None) is None
    record = as_published(make, altered, "apm", "cifar10", 50)
    (one,) = beside(altered(record, {"method.version": METHODS["apm"].version + 1}), "Table 1")
    assert one.told.full == "no verdict: the published settings of this version are not known here"


SELECTED = {"mtt": ON_TEST, "tesla": ON_TEST, "ftd": ON_TEST, "frepo": ON_TEST, "apm": NOT_KNOWN,
            "rcig": NOT_KNOWN, "dsa": LAST, "dm": LAST, "datm": ON_TEST, "idc": LAST,
            "rat_bptt": ON_TEST}  # fmt: skip


def test_a_published_accuracy_says_which_set_it_is_of():
    for figure in published_figures():
        scored = figure.metric in ("accuracy", "transfer_accuracy")
        assert figure.selection == (SELECTED.get(figure.method, "") if scored else "")
        assert figure.selection in (*SELECTIONS, "")


def test_a_published_accuracy_that_was_selected_on_test_is_marked(make, altered):
    record = as_published(make, altered, "mtt", "cifar10", 50)
    results = results_of([record])
    page = table_files(results, Reading([record], read=1), pictures=False)["published.md"].decode()
    (line,) = [line for line in page.splitlines() if line.startswith("| cifar10 ")]
    assert "| 71.6 ± 0.2 † |" in line
    assert "best of several on the test images" in " ".join(page.split())
