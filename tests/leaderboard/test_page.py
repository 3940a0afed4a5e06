"""The page: one file, nothing from elsewhere, all records in it."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

from pages import page_of, png

from ddbench.distilling.registry import METHODS
from ddbench.leaderboard.page import galleries_of
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.measurement import Measurement

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Tags(HTMLParser):
    """The elements of a page; what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1] != tag and self.open[-1] in ("p", "option"):
            self.open.pop()
        assert self.open.pop() == tag


def test_page_is_well_formed_and_its_ids_are_unique(html):
    tags = Tags(html)
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_page_names_no_address_outside_itself(html):
    for tag, attributes in Tags(html).found:
        for name in ("src", "href", "action", "srcset"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/png;base64,")), (tag, value)
    assert "://" not in html
    assert "url(" not in html
    assert "fetch(" not in html
    assert "default-src 'none'" in html


def test_every_picture_has_words_and_every_field_a_label(html):
    found = Tags(html).found
    assert all(attributes.get("alt") for tag, attributes in found if tag == "img")
    named = html.count("<label>") + sum(tag == "select" and "aria-label" in a for tag, a in found)
    assert named == sum(tag in ("input", "select") for tag, _ in found)
    assert sum(tag == "caption" for tag, _ in found) == sum(tag == "table" for tag, _ in found)
    heads = [attributes for tag, attributes in found if tag == "th"]
    assert heads
    assert all(attributes.get("scope") == "col" for attributes in heads)


def test_page_is_a_function_of_the_records(records, html):
    pictured = [one for one in records if one.task.seed == 0 and one.task.ipc == 1]
    assert page_of(*reversed(records), galleries={one.name: png() for one in pictured}) == html


def test_every_record_is_there_with_all_its_settings(records, html):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    data = json.loads(text[1])
    assert {one["run"] for one in data["records"]} == {one.run for one in records}
    settings = {one.run: one.plain()["method"]["settings"] for one in records}
    for one in data["records"]:
        assert data["shared"][one["settings"]["shared"]] == settings[one["run"]]


def test_parts_that_records_have_alike_stand_once(html):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    shared = json.loads(text[1])["shared"]
    assert len({json.dumps(part) for part in shared}) == len(shared)


def test_boards_of_the_script_have_the_rows_of_the_csv_file(records, html):
    text = re.search(r'<script type="application/json" id="boards">(.*?)</script>', html, re.DOTALL)
    boards = json.loads(text[1])["boards"]
    results = results_of(records)
    files = table_files(results, Reading(records=records, read=1), pictures=False)
    lines = list(csv.DictReader(io.StringIO(files["scores.csv"].decode())))
    rows = [{**board["fields"], **row} for board in boards for row in board["rows"]]
    assert [list(row) for row in rows] == [list(line) for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert (row["method"], str(row["rank"])) == (line["method"], line["rank"])
        assert row["accuracy"] == float(line["accuracy"])


def test_a_budget_that_measures_nothing_says_so(make):
    smoke = page_of(*(make("apm", budget="smoke", seed=seed) for seed in range(3)))
    told = "Budget smoke shows that everything runs; these numbers measure nothing."
    assert smoke.count(told) >= 2  # beside the table, and for the overview
    assert told not in page_of(make("apm"))


def test_methods_are_told_apart_by_colour_and_marker_together(make):
    names = [*METHODS.names(), "a_stranger", "another_stranger"]
    html = page_of(*(make(name) for name in names), make("dm", given={"x": 1}))
    text = re.search(r'<script type="application/json" id="boards">(.*?)</script>', html, re.DOTALL)
    styles = json.loads(text[1])["styles"]
    assert len(styles) == len(names) + 1
    assert len({(one["colour"], one["marker"]) for one in styles.values()}) == len(styles)


def test_text_of_a_record_runs_nothing(make):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    where = {"protocol": "hard/1", "subject": "apm", "split": "test", "at": evil}
    extra = (Measurement("odd", 1.0, "<b>", (1.0,), where, evil),)
    html = page_of(make("apm", extra=extra, given={"x": evil}))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert html.count("<script") == 3


def test_only_pictures_are_taken_for_galleries(tmp_path):
    (tmp_path / "galleries").mkdir()
    (tmp_path / "galleries" / "good.png").write_bytes(png())
    (tmp_path / "galleries" / "bad.png").write_text("<svg/>")
    assert list(galleries_of(tmp_path)) == ["good"]
