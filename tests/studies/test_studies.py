"""Studies: what they expand to, how cells are aggregated, and what the table says."""

from __future__ import annotations

import dataclasses
import math
import statistics
from typing import Any

import pytest
from plausible import plausible

from ddbench.errors import UserError
from ddbench.figures import png
from ddbench.records.measurement import Measurement
from ddbench.runs.compose import check_overrides
from ddbench.runs.option_groups import register
from ddbench.studies.cells import Cell, cell_words, distinct, grouped, over_seeds, swept_keys
from ddbench.studies.figures import draw
from ddbench.studies.spread import spread_rows
from ddbench.studies.study import Contrast, FigureSpec, Study, load_study, study_names, sweeps_with
from ddbench.studies.table import contrast_value, markdown

STUDY = Study("A question", "What is compared.", ((),), {"experiment=a": "Arm A"})
T_97_5 = {2: 4.302652729911275, 4: 2.7764451051977987}  # quantiles of Student's t, from tables


def cell(words: str, seed: int = 0, **accuracies: tuple[list[float], list[float]]) -> Cell:
    """A cell whose accuracies and differences from the control are given by protocol."""
    measurements = []
    for protocol, (values, differences) in accuracies.items():
        where: dict[str, Any] = {"protocol": f"{protocol}/1", "subject": "m"}
        measurements += [
            Measurement("accuracy", statistics.fmean(values), "fraction", tuple(values), where),
            Measurement("accuracy_difference", 0.0, "fraction", tuple(differences), where),
        ]
    record = plausible(
        "m",
        dataset="d",
        ipc=1,
        seed=seed,
        protocols=tuple(f"{protocol}/1" for protocol in accuracies),
        given={"rate": float(seed + 1)},
        curve=2,
    )
    costs = [
        cost.model_copy(update={"wall_seconds": 2.0}) if cost.phase == "distil" else cost
        for cost in record.costs
    ]
    curve = [{"step": 0.0, "movement": 0.1}, {"step": 9.0, "movement": 0.2 + seed}]
    record = record.model_copy(
        update={
            "run": f"{words}{seed}",
            "measurements": measurements,
            "costs": costs,
            "curve": curve,
        }
    )
    return Cell(cell_words([*words.split(), f"seed={seed}"]), record)


def three_seeds(words: str, shift: float = 0.0) -> list[Cell]:
    return [
        cell(words, seed, soft=([0.5 + shift + 0.1 * seed, 0.6 + shift], [0.1 * seed, 0.02]))
        for seed in range(3)
    ]


@pytest.mark.parametrize("name", study_names())
def test_every_sweep_of_every_study_composes_and_every_figure_is_known(name):
    register()
    study = load_study(name)
    for words in sweeps_with(study, []):
        check_overrides(words, sweep=True)
    for spec in study.figures:
        assert draw(spec, study, []) is None


@pytest.mark.parametrize("name", study_names())
def test_every_label_and_contrast_of_a_study_belongs_to_one_of_its_cells(name):
    study = load_study(name)
    offered = {
        f"{key}={value}"
        for words in study.sweeps
        for key, _, values in (word.partition("=") for word in words)
        for value in values.split(",")
    }
    contrasts = [word for c in study.contrasts for word in f"{c.of} {c.minus or ''}".split()]
    scalars = {name for figure in study.figures for name in figure.scalars}
    assert {*study.labels, *contrasts} <= offered | scalars


def test_arguments_of_a_person_go_before_the_study_and_equal_sweeps_are_done_once():
    sweeps = (("dataset=a", "seed=0,1"), ("dataset=b", "seed=0,1"), ("dataset=b", "seed=2"))
    study = Study("", "", sweeps)
    assert sweeps_with(study, ["dataset=c"]) == [["seed=0,1", "dataset=c"], ["seed=2", "dataset=c"]]


def test_what_a_person_sweeps_over_tells_cells_apart():
    cells = [["method.segment=5", "threads=1"], ["method.segment=50"], ["threads=1"]]
    assert swept_keys(cells) == {"method.segment"}


def test_a_mean_over_seeds_has_the_t_interval_of_the_seeds_own_means():
    value = over_seeds([[0.1, 0.3], [0.4], [0.9, 0.5]])
    assert value is not None
    assert value.mean == pytest.approx((0.2 + 0.4 + 0.7) / 3)
    spread = statistics.stdev([0.2, 0.4, 0.7])
    assert value.half_width == pytest.approx(T_97_5[2] * spread / math.sqrt(3))
    assert value.seeds == 3


def test_fewer_than_three_seeds_have_no_interval_and_none_have_no_mean():
    two = over_seeds([[0.1], [0.2]])
    assert two is not None
    assert two.half_width is None
    assert two.mean == pytest.approx(0.15)
    assert over_seeds([[], []]) is None


def test_cells_are_grouped_by_task_and_arm_over_seeds():
    cells = [*three_seeds("experiment=a"), *three_seeds("experiment=b method.rate=2")]
    (panel,) = grouped(cells, STUDY).values()
    assert {name: len(group) for name, group in panel.items()} == {
        "Arm A": 3,
        "experiment=b, method.rate=2": 3,
    }


def test_settings_of_the_model_are_the_panels_and_not_the_arms():
    (panel,) = grouped([cell("experiment=b model.width=32")], STUDY).values()
    assert list(panel) == ["experiment=b"]


def test_one_run_that_two_sweeps_ask_for_counts_once():
    cells = three_seeds("experiment=a")
    assert distinct([*cells, *three_seeds("experiment=a")]) == cells


def test_a_contrast_is_paired_by_seed_and_network():
    one, two = three_seeds("experiment=a", 0.07), three_seeds("experiment=b")[::-1]
    contrast = Contrast("a less b", "experiment=a", "soft/1", "experiment=b")
    value = contrast_value(contrast, [*one, *two])
    assert value is not None
    assert value.mean == pytest.approx(0.07)
    assert value.half_width == pytest.approx(0, abs=1e-12)
    assert contrast_value(dataclasses.replace(contrast, minus="experiment=c"), one) is None


def test_a_contrast_passes_over_cells_with_other_settings():
    cells = [*three_seeds("experiment=a"), *three_seeds("experiment=a method.rate=9", 0.5)]
    contrast = Contrast("", "experiment=a", "soft/1", "experiment=a")
    value = contrast_value(contrast, cells)
    assert value is not None
    assert (value.mean, value.seeds) == (0, 3)


def test_the_table_says_accuracy_difference_and_number_of_seeds():
    text = markdown(STUDY, three_seeds("experiment=a"))
    (row,) = (line for line in text.splitlines() if line.startswith("| Arm A"))
    arm, accuracy, difference, seconds, seeds = (part.strip() for part in row.strip("|").split("|"))
    width = 100 * T_97_5[2] * 0.05 / math.sqrt(3)
    assert accuracy == f"60.0 ± {width:.1f}"
    assert difference == f"+6.0 ± {width:.1f}"
    assert (arm, seconds, seeds) == ("Arm A", "2.0", "3")


@pytest.mark.parametrize(
    "spec",
    [
        FigureSpec("f", "differences"),
        FigureSpec("f", "steps", protocols=("soft/1",), scalars=("movement",)),
        FigureSpec("f", "line", x="method.rate"),
    ],
    ids=lambda spec: spec.kind,
)
def test_a_picture_shows_every_arm_by_its_label(spec):
    cells = [*three_seeds("experiment=a"), *three_seeds("experiment=b")]
    figure = draw(spec, STUDY, cells)
    assert figure is not None
    assert png(figure).startswith(b"\x89PNG")
    axes = figure.axes[0]
    legend = axes.get_legend() or next(iter(figure.legends), None)
    told = [t.get_text() for t in (legend.get_texts() if legend else axes.get_yticklabels())]
    assert told == ["Arm A", "experiment=b"]


def test_a_figure_of_an_unknown_kind_is_one_line():
    with pytest.raises(UserError, match="unknown kind 'pie'"):
        draw(FigureSpec("f", "pie"), STUDY, three_seeds("experiment=a"))


def test_spread_is_pooled_over_what_is_fixed_and_stands_in_the_table():
    """Seeds differ by 10 points, thread counts by 2 and by 4: sd 7.1, and root of (2 + 8) / 2."""
    study = dataclasses.replace(STUDY, spreads={"threads": "thread counts", "seed": "seeds"})
    values = {(0, 1): 0.50, (0, 2): 0.52, (1, 1): 0.60, (1, 2): 0.64}
    cells = [
        cell(f"experiment=a threads={threads}", seed, soft=([value], [0.0]))
        for (seed, threads), value in values.items()
    ]
    (row, control) = spread_rows(study, cells).to_dict("records")
    assert (row["arm"], row["quantity"], row["mean"]) == ("Arm A", "soft/1", "56.5")
    assert row["over thread counts"] == f"{math.sqrt((2 + 8) / 2):.1f}"
    assert row["over seeds"] == f"{math.sqrt((50 + 72) / 2):.1f}"
    assert (control["quantity"], control["over seeds"]) == ("soft/1 - control", "0.0")
    assert "## Spread: d ipc 1" in markdown(study, cells)
    assert "Spread" not in markdown(STUDY, cells)
