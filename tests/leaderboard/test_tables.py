"""The files: a byte-for-byte function of the records, and readable as plain text."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import posixpath
import random
import re
from pathlib import Path

import pytest
from PIL import Image

from ddbench.leaderboard.markdown import MOST_LINES
from ddbench.leaderboard.published import published_figures
from ddbench.leaderboard.reading import Reading, read_folder
from ddbench.leaderboard.tables import differences, results_of, table_files, write_tables
from ddbench.records.measurement import Measurement
from ddbench.records.record import Record

BOARDS = Path(__file__).parents[2] / "leaderboards"


def files_of(*records, **options):
    reading = Reading(records=list(records), read=len(records))
    return table_files(results_of(records), reading, **{"pictures": False, **options})


def several(make):
    return [
        make(method, ipc=ipc, seed=seed, protocols=("hard/1", "paper/1"))
        for method in ("random", "dm", "apm")
        for ipc in (1, 10)
        for seed in range(3)
    ]


def rows_of(files, name):
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def test_committed_tables_are_what_the_committed_records_give():
    reading = read_folder(BOARDS / "results")
    files = table_files(results_of(reading.records), reading, pictures=False)
    assert differences(files, BOARDS / "tables") == []


def test_order_of_the_records_changes_nothing(make):
    records = several(make)
    first = files_of(*records)
    random.Random(0).shuffle(records)
    assert files_of(*records) == first


@pytest.mark.parametrize("schema", ["of the files", "of today"])
def test_order_of_keys_in_the_records_changes_nothing(schema, tmp_path):
    """The committed records with the keys of every level sorted give the committed tables."""
    for path in (BOARDS / "results").glob("*.json"):
        plain = json.loads(path.read_text())
        if schema == "of today":
            plain = Record.load(path).plain()
        (tmp_path / path.name).write_text(json.dumps(plain, sort_keys=True))
    reading = read_folder(tmp_path)
    files = table_files(results_of(reading.records), reading, pictures=False)
    assert differences(files, BOARDS / "tables") == []


def test_changed_missing_and_foreign_tables_are_found(make, tmp_path):
    files = files_of(*several(make))
    write_tables(files, tmp_path)
    assert differences(files, tmp_path) == []
    (tmp_path / "scores.csv").write_text("mine")
    (tmp_path / "boards" / "cifar10.md").unlink()
    (tmp_path / "more.md").write_text("")
    assert differences(files, tmp_path) == ["boards/cifar10.md", "more.md", "scores.csv"]
    write_tables(files, tmp_path)
    assert differences(files, tmp_path) == []
    assert not (tmp_path / "more.md").exists()


def test_markdown_fits_80_columns(make):
    records = [*several(make), make("apm", given={"image_rate": 3.5, "iterations": 100})]
    for name, data in files_of(*records).items():
        if name.endswith(".md"):
            long = [line for line in data.decode().splitlines() if len(line) > 80]
            assert all("](" in line for line in long), (name, long)


def test_every_link_leads_to_a_file(make):
    files = files_of(*several(make), pictures=True)
    for name, data in files.items():
        if name.endswith(".md"):
            for link in re.findall(r"\]\(([^)]+)\)", data.decode()):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(name), link)) in files


def test_tables_are_well_formed(make):
    for name, data in files_of(*several(make)).items():
        if name.endswith(".md"):
            for block in data.decode().split("\n\n"):
                bars = {line.count("|") for line in block.splitlines() if line.startswith("|")}
                assert len(bars) <= 1, block
                assert len({len(line) for line in block.splitlines() if line[0] == "|"}) <= 1


def test_csv_holds_the_numbers_of_a_row(make):
    own = {"apm": (0.5, 0.6, 0.7), "random": (0.4, 0.5, 0.5)}
    (row,) = rows_of(files_of(make("apm", scores=own)), "scores.csv")
    assert row["accuracy"] == "0.6"
    assert row["accuracy_half_width"] == "0.248414"  # 4.30265 * 0.1 / sqrt(3)
    assert (row["seeds"], row["networks"], row["interval_over"]) == ("1", "3", "networks")
    assert (row["control"], row["control_accuracy"]) == ("random", "0.466667")
    assert (row["rank"], row["ipc"], row["storage_bytes"]) == ("", "10", "310000")


def test_every_pair_is_listed_once(make):
    names = ("apm", "dm", "mtt", "random")
    records = [make(name, seed=seed) for name in names for seed in range(3)]
    rows = rows_of(files_of(*records), "pairs.csv")
    assert len({frozenset((row["first"], row["second"])) for row in rows}) == len(rows) == 6
    assert all(float(row["p_holm"]) >= float(row["p"]) for row in rows)


def test_a_rank_stands_with_the_lowest_it_can_be(make):
    rows = rows_of(files_of(*several(make)), "scores.csv")
    for row in rows:
        rank, lowest = int(row["rank"]), int(row["lowest_rank"])
        assert 1 <= rank <= lowest <= int(row["ranked"]) == 3
    assert {row["method"] for row in rows if row["rank"] == "1"} >= {"apm/1"}


def test_text_of_a_record_opens_no_markup(make):
    note = "a | b <script>alert(1)</script> [link](http://x) `code`"
    where = {"protocol": "hard/1", "subject": "apm", "split": "test", "place": "<b>|x"}
    files = files_of(make("apm", extra=(Measurement("odd", 1.0, "u|v", (1.0,), where, note),)))
    page = files["boards/cifar10.md"].decode()
    assert "<" not in page
    assert "[link" not in page
    assert "link]" not in page
    for line in page.splitlines():
        assert not re.search(r"^\|.*a \| b", line)


def test_text_of_a_record_is_no_formula_in_a_picture(make, altered):
    odd = r"$\frac$ <b> [x](y) |"
    record = make("apm", given={"image_rate": odd}, regimes={"hard/1": odd})
    record = altered(record, {"task.model.label": odd})
    files = files_of(record, pictures=True)
    assert "<b>" not in files["boards/cifar10.md"].decode()
    assert "[x]" not in files["boards/cifar10.md"].decode()
    assert any(data.startswith(b"\x89PNG") for data in files.values())


def merged(subject, groups, value):
    where = {"protocol": "hard/1", "subject": subject, "split": "test", "groups": groups}
    return Measurement("accuracy", value, "fraction", (value, value), where)


def test_other_measurements_stand_side_by_side_by_their_coordinate(make):
    extra = tuple(
        merged(subject, groups, value + groups / 100)
        for subject, value in (("apm", 0.6), ("random", 0.4))
        for groups in (10, 2, 1)
    )
    files = files_of(make("apm", extra=extra))
    page = files["boards/cifar10.md"].decode()
    table = page.split("### accuracy under hard/1 by groups, %\n\n")[1].split("\n\n")[0]
    head, _, own, control = (
        [c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines()
    )
    assert head == ["ipc", "method", "1", "2", "10", "n"]
    assert own == ["10", "apm/1", "61.0 ± 0.0", "62.0 ± 0.0", "70.0 ± 0.0", "1x2*"]
    assert control[1] == "random #1"
    assert "- #1: random beside apm/1" in page
    assert len(rows_of(files, "measurements.csv")) == 6
    assert len(rows_of(files, "scores.csv")) == 1


def test_table_too_long_to_read_is_left_to_the_csv_file(make):
    def page_of(count):
        extra = tuple(
            Measurement("m", 0.5, "fraction", (), {"point": f"{i:03}", "split": "test"})
            for i in range(count)
        )
        files = files_of(make("apm", extra=extra))
        assert len(rows_of(files, "measurements.csv")) == count
        return files["boards/cifar10.md"].decode()

    told = "### m, %\n\n{} values are in [other measurements](../measurements.csv)."
    assert told.format(MOST_LINES + 1) in page_of(MOST_LINES + 1)
    assert "measurements.csv" not in page_of(MOST_LINES)


def test_coordinates_that_follow_from_the_columns_or_never_change_make_no_column(make):
    extra = tuple(
        dataclasses.replace(m, coordinates={**m.coordinates, "of": "union", "size": 10 * groups})
        for groups in (1, 2)
        for m in [merged("apm", groups, 0.5 + groups / 100)]
    )
    page = files_of(make("apm", extra=extra))["boards/cifar10.md"].decode()
    table, notes = page.split("### accuracy under hard/1 by groups, %\n\n")[1].split("\n\n")[:2]
    head, _, own = ([c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines())
    assert head == ["ipc", "method", "1", "2", "n"]
    assert own[2:4] == ["51.0 ± 0.0", "52.0 ± 0.0"]
    assert notes.strip() == "- of: union"


def test_methods_stand_side_by_side_where_no_coordinate_fits(make):
    names = [f"net{number}" for number in range(6)]
    extra = tuple(
        Measurement("transfer_accuracy", 0.5, "fraction", (0.5, 0.5), where)
        for subject in ("apm", "random")
        for name in names
        for where in [{"protocol": "hard/1", "subject": subject, "architecture": name,
                       "role": "source" if name == "net0" else "target"}]
    )  # fmt: skip
    page = files_of(make("apm", extra=extra))["boards/cifar10.md"].decode()
    table = page.split("### transfer_accuracy under hard/1 by method, %\n\n")[1].split("\n\n")[0]
    head, _, *own = ([c.strip() for c in line.split("|")[1:-1]] for line in table.splitlines())
    assert head == ["ipc", "architecture", "apm/1", "random #1", "n"]
    assert [line[1] for line in own] == names


def test_median_of_a_measurement_gets_no_interval_of_a_mean(make):
    where = {"subject": "apm", "phase": "distil"}
    m = Measurement("seconds_per_step", 2.0, "seconds", (1.0, 2.0, 9.0), where)
    (row,) = rows_of(files_of(make("apm", extra=(m,))), "measurements.csv")
    assert (row["value"], row["value_half_width"]) == ("2", "")


def paper(make, method, scores, **changes):
    values = {"random": (0.5,) * len(scores), method: scores}
    options = {"protocols": ("paper/1",), "budget": "paper", "ipc": 50, "scores": values}
    return make(method, model_label="convnet-width128", **{**options, **changes})


@pytest.mark.parametrize(
    ("scores", "changes", "verdict"),
    [
        ((0.501, 0.502, 0.503, 0.502, 0.502), {}, "inside the interval"),
        ((0.60, 0.61, 0.60, 0.61, 0.60), {}, "outside the interval"),
        ((0.50, 0.51, 0.50), {"budget": "short"}, "no verdict: budget short"),
        (
            (0.501, 0.502, 0.503, 0.502, 0.502),
            {"given": {"x": 1}},
            "no verdict: settings are not the published ones",
        ),
    ],
)
def test_published_number_beside_the_measured_one(scores, changes, verdict, make, altered):
    """Of real images, which have no settings but the input space."""
    record = paper(make, "random", scores, **changes)
    given = {name: one for name, one in record.plain()["method"]["settings"].items() if name == "x"}
    files = files_of(altered(record, {"method.settings": given}))
    (row,) = [row for row in rows_of(files, "published.csv") if row["verdict"] != "not measured"]
    assert (row["place"], row["method"][:8], row["ipc"]) == ("Table 1", "random/1", "50")
    assert row["published"] == "0.502"
    assert row["verdict"] == verdict
    assert float(row["difference"]) == pytest.approx(sum(scores) / len(scores) - 0.502, abs=1e-6)
    assert verdict.partition(":")[0] in files["published.md"].decode()


@pytest.mark.parametrize(
    "changes",
    [{"ipc": 10}, {"protocols": ("hard/1",)}, {"model_label": "convnet-width32"}, {"dataset": "x"}],
)
def test_other_cells_are_not_compared_with_a_published_number(changes, make):
    options = {"model_label": "convnet-width128", "budget": "paper", "ipc": 50}
    record = make("apm", **{**options, "protocols": ("paper/1",), **changes})
    rows = rows_of(files_of(record), "published.csv")
    assert {row["verdict"] for row in rows} == {"not measured"}


def test_published_figures_are_those_of_the_paper():
    everywhere = published_figures()
    figures = [f for f in everywhere if "adversarial prediction matching" in f.source]
    assert len(figures) == 189
    (best,) = [f for f in figures if (f.method, f.dataset, f.ipc, f.place) ==
               ("apm", "imagenet64", 10, "Table 1")]  # fmt: skip
    assert (best.value, best.spread) == (pytest.approx(0.248), pytest.approx(0.002))
    assert all(f.source and f.place and f.reading for f in everywhere)
    assert all(0 <= f.value <= 1 for f in everywhere if f.metric == "accuracy")


def test_a_budget_that_measures_nothing_says_so_above_its_tables(make):
    told = "Budget smoke shows that everything runs; these numbers measure nothing."
    records = [
        make(method, ipc=ipc, seed=seed, budget="smoke")
        for method in ("dm", "apm")
        for ipc in (1, 10)
        for seed in range(3)
    ]
    files = files_of(*records)
    for name in ("boards/cifar10.md", "aggregates.md"):
        assert told in files[name].decode()
    assert not any(told.encode() in data for data in files_of(*several(make)).values())


def test_a_picture_is_800_pixels_wide_and_higher_with_more_methods(make):
    def size(*methods):
        (data,) = (
            data
            for name, data in files_of(*map(make, methods), pictures=True).items()
            if name.endswith(".png")
        )
        with Image.open(io.BytesIO(data)) as image:
            return image.size

    (width, few), (same, many) = size("dm", "apm"), size("dm", "apm", "mtt", "random")
    assert (width, same) == (800, 800)
    assert many > few


def test_pictures_are_drawn_for_every_setting(make):
    files = files_of(*several(make), make("dm", dataset="digits"), pictures=True)
    pictures = [name for name in files if Path(name).match("pictures/*.png")]
    assert len(pictures) == 2
    assert all(files[name].startswith(b"\x89PNG") for name in pictures)
    for name in pictures:
        dataset = Path(name).name.partition("-")[0]
        assert f"../{name}" in files[f"boards/{dataset}.md"].decode()
