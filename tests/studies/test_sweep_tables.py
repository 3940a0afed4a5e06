"""The tables of a sweep, against means and intervals by hand."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, stdev

from ddbench.studies.sweep_tables import OVER_SEEDS, Row, cell_table, seed_table

T_OF_TWO_DEGREES = 4.302653
SCORES = {0: [0.60, 0.62, 0.64], 1: [0.57, 0.59, 0.61], 2: [0.66, 0.68, 0.70]}
REASON = "a reason that is longer than the columns of any number"


def rows(make, scores, method="dm"):
    """Cells of one method by seed; those without scores are not done."""
    made = []
    for seed, values in scores.items():
        words = (f"method={method}", f"seed={seed}", "dataset=digits")
        record, reason = None, REASON
        if values:
            given = {method: tuple(values)}
            record, reason = make(method, seed=seed, scores=given, control=None), ""
        made.append(Row(words, " ".join(words[:2]), record, reason))
    return made


def test_seeds_have_a_mean_and_a_t_interval_of_their_means(make):
    means = [100 * fmean(values) for values in SCORES.values()]
    width = T_OF_TWO_DEGREES * stdev(means) / sqrt(3)
    line = seed_table(rows(make, SCORES)).splitlines()[2]
    assert line.split()[:2] == ["method=dm", "3"]
    assert f"{fmean(means):.1f} ± {width:.1f}" in line


def test_two_seeds_have_a_mean_and_no_interval(make):
    two = {seed: SCORES[seed] for seed in (0, 1)}
    line = seed_table(rows(make, two)).splitlines()[2]
    assert "60.5" in line
    assert "±" not in line


def test_seeds_that_change_nothing_are_one(make):
    alike = {seed: [0.5, 0.55, 0.6] for seed in range(3)}
    line = seed_table(rows(make, alike)).splitlines()[2]
    assert "55.0" in line
    assert "±" not in line


def test_a_seed_that_is_not_done_is_told(make):
    table = seed_table(rows(make, {**SCORES, 3: None})).splitlines()
    assert "3 of 4" in table[2]
    assert table[-1] == OVER_SEEDS


def test_cells_of_one_seed_have_no_table_over_seeds(make):
    one = {0: SCORES[0]}
    assert seed_table([*rows(make, one), *rows(make, one, method="random")]) == ""


def test_a_reason_stands_where_the_numbers_are_and_widens_no_column(make):
    lines = cell_table(rows(make, {0: SCORES[0], 1: None})).splitlines()
    assert lines[3].endswith(REASON)
    assert lines[3].startswith("method=dm seed=1  ")
    assert len(lines[1]) < len(lines[3])


def test_a_sweep_of_which_nothing_is_done_has_its_reasons(make):
    lines = cell_table(rows(make, {0: None, 1: None})).splitlines()
    assert [line.endswith(REASON) for line in lines[2:]] == [True, True]
