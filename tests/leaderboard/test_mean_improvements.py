"""Improvements over cells: means, intervals, counts, and how they are shown."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools

import pytest
from PIL import Image

from ddbench.leaderboard.best_controls import Improvement, Scored
from ddbench.leaderboard.entries import Variant
from ddbench.leaderboard.improvement_pictures import improvements_png
from ddbench.leaderboard.labels import labels_head
from ddbench.leaderboard.mean_improvements import Grid, mean_improvement
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.facts import ProtocolFacts
from ddbench.records.statistics import paired_difference

HARD = ProtocolFacts(name="hard", version=1)
SPREAD = (-0.001, 0.0, 0.001)


def variant(name):
    return Variant(name, 1, "", (), (), "", {})


def scored(name, mean):
    scores = {seed: (mean + own,) for seed, own in enumerate(SPREAD)}
    return Scored(10, variant(name), HARD, "class ids", mean, 1000, scores)


def cell(difference, sure=True):
    """An improvement of so many points; unsure: within its interval."""
    own, control = scored("apm", 0.5 + difference / 100), scored("random", 0.5)
    if not sure:
        own = dataclasses.replace(own, scores={s: (a + s,) for s, (a,) in own.scores.items()})
    return Improvement(
        HARD, own, control, paired_difference(own.scores, control.scores), 1, 0, True
    )


def of(*cells):
    return mean_improvement(variant("apm"), HARD, cells)


def test_mean_and_counts_are_those_of_the_cells():
    one = of(cell(4), cell(-2), cell(1), cell(3))
    assert one.mean == pytest.approx(0.015)
    assert (one.above, one.alike, one.below) == (3, 0, 1)
    unsure = of(cell(4), cell(-2), cell(1, sure=False))
    assert (unsure.above, unsure.alike, unsure.below) == (1, 1, 1)


def test_interval_is_between_the_percentiles_of_drawing_cells_with_replacement():
    """With three cells every draw is one of 27, so that the ends are among these means."""
    values = (4, -2, 1)
    one = of(*map(cell, values))
    means = sorted(sum(drawn) / 300 for drawn in itertools.product(values, repeat=3))
    low, high = one.interval
    # A 27th of all draws is the smallest mean, which is more than a 40th; so with the largest.
    assert (low, high) == (pytest.approx(means[0]), pytest.approx(means[-1]))


def test_interval_needs_three_cells():
    assert of(cell(4), cell(1)).interval is None
    assert of(cell(4), cell(1)).relation is None
    assert of(cell(4), cell(1), cell(2)).relation == 1
    assert of(cell(-4), cell(-1), cell(-2)).relation == -1
    assert of(cell(-4), cell(1), cell(2)).relation == 0


def test_order_of_cells_changes_neither_mean_nor_counts():
    cells = [cell(points) for points in (0.1, 0.2, 0.3, 0.7)]
    first, second = of(*cells), of(*reversed(cells))
    assert (first.mean, first.above) == (second.mean, second.above)


@pytest.fixture(scope="module")
def records(make):
    """Two methods and two controls in three cells, under five protocols."""
    protocols = ("hard/1", "kd/1", "noaug/1", "paper/1", "soft/1")
    regimes = dict.fromkeys(protocols, "class ids")
    return [
        make(method, dataset=dataset, ipc=10, seed=seed, protocols=protocols, regimes=regimes)
        for method in ("random", "herding", "dm", "apm")
        for dataset in ("cifar10", "digits", "mnist5k")
        for seed in range(3)
    ]


def files_of(records, **options):
    reading = Reading(records=list(records), read=len(records))
    return table_files(results_of(records), reading, **{"pictures": False, **options})


def test_only_cells_with_a_verdict_count(records):
    fewer = [
        one for one in records
        if (one.method.name, one.task.dataset.name, one.task.seed) != ("dm", "digits", 2)
    ]  # fmt: skip
    ((alike, means),) = results_of(fewer, figures=[]).mean_improvements.items()
    assert (alike.model, alike.budget) == ("convnet-width32", "short")
    cells = {(one.variant.method, labels_head(one.protocol)): len(one.values) for one in means}
    assert {cells["apm", head] for head in ("hard/1", "any labels")} == {3}
    assert {cells["dm", head] for head in ("hard/1", "any labels")} == {2}


def test_methods_are_sorted_by_their_mean_over_any_labels(records):
    ((_, means),) = results_of(records, figures=[]).mean_improvements.items()
    grid = Grid.of(means)
    assert [one.method for one in grid.variants] == ["apm", "dm"]
    assert [labels_head(one) for one in grid.protocols] == [
        "hard/1", "kd/1", "noaug/1", "paper/1", "soft/1", "any labels",
    ]  # fmt: skip


def test_every_entry_and_every_mean_is_a_row_of_a_csv_file(records):
    files = files_of(records)
    rows = list(csv.DictReader(io.StringIO(files["best_controls.csv"].decode())))
    assert len(rows) == 2 * 3 * 6
    assert {row["verdict"] for row in rows} == {"above"}
    assert {row["control"] for row in rows} <= {"random/1", "herding/1"}
    assert all(int(row["control_storage_bytes"]) <= int(row["storage_bytes"]) for row in rows)
    means = list(csv.DictReader(io.StringIO(files["best_controls_over_cells.csv"].decode())))
    assert len(means) == 2 * 6
    for mean in means:
        own = [row for row in rows if (row["method"], row["labels"]) ==
               (mean["method"], mean["labels"])]  # fmt: skip
        expected = sum(float(row["improvement"]) for row in own) / 3
        assert float(mean["improvement"]) == pytest.approx(expected, abs=1e-5)
        assert (mean["cells"], mean["above"]) == ("3", "3")
        assert float(mean["improvement_low"]) <= expected <= float(mean["improvement_high"])


def test_the_page_has_means_then_each_cell_and_fits_80_columns(records):
    page = files_of(records)["best_controls.md"].decode()
    heads = [line for line in page.splitlines() if line.startswith(("#", "**"))]
    assert heads == [
        "# What images add beyond real images and labels",
        "## Over datasets and ipc",
        "### convnet-width32, budget short",
        *(
            line
            for dataset in ("cifar10", "digits", "mnist5k")
            for line in (f"## {dataset}: convnet-width32, budget short", "**ipc 10**")
        ),
    ]
    assert max(len(line) for line in page.splitlines() if "](" not in line) <= 80
    assert "(pictures/best_controls/convnet-width32-short.png)" in page


def test_a_cell_has_the_difference_with_a_letter_for_its_control(make):
    def three(method, *means):
        return [
            make(method, seed=seed, control=None, scores={method: (own - 0.01, own, own + 0.01)})
            for seed, own in enumerate(means)
        ]

    records = [*three("random", 0.5, 0.51, 0.52), *three("apm", 0.6, 0.61, 0.65)]
    page = files_of([*records, *three("dm", 0.4, 0.42)])["best_controls.md"].decode()
    assert page.split("**ipc 10**\n\n")[1] == (
        "| method | hard/1        | any labels    |\n"
        "|--------|---------------|---------------|\n"
        "| apm/1  | +11.0 ± 4.3 a | +11.0 ± 4.3 b |\n"
        "| dm/1   | -9.5 ± 0.0 a* | -9.5 ± 0.0 b* |\n"
        "\n"
        "- a: random/1, the only one\n"
        "- b: hard/1, over random/1 under hard/1, the only one\n"
    )


def test_settings_without_a_control_are_named_as_such(make):
    page = files_of([make("apm", control=None)])["best_controls.md"].decode()
    assert "## Without a control\n\n- cifar10: convnet-width32, budget short\n" in page
    assert "No method has three seeds" in page


def test_the_index_leads_to_the_page_before_all_tables(records):
    index = files_of(records)["README.md"].decode()
    assert 0 < index.index("(best_controls.md)") < index.index("| dataset")


def test_a_picture_of_means_is_drawn_and_is_higher_with_more_methods():
    def size(count, protocols=(HARD, None)):
        means = [
            mean_improvement(variant(f"method{number}"), protocol, [cell(number)] * 3)
            for protocol in protocols
            for number in range(count)
        ]
        with Image.open(io.BytesIO(improvements_png(Grid.of(means)))) as image:
            assert len(image.convert("RGB").getcolors(1 << 20)) > 2
            return image.size

    (width, few), (same, many) = size(1), size(9)
    assert (width, same) == (800, 800)
    assert many > few
    six = (*(ProtocolFacts(name=f"p{n}", version=1) for n in range(5)), None)
    assert size(1, six)[1] > few  # more than fit side by side


def test_the_picture_is_among_the_tables(records):
    files = files_of(records, pictures=True)
    assert files["pictures/best_controls/convnet-width32-short.png"].startswith(b"\x89PNG")
