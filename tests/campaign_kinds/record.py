"""A mutated record is refused in one line or shown; the others stand as if it were not there."""

from __future__ import annotations

import json
import random
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from plausible import plausible

from ddbench.errors import UserError
from ddbench.leaderboard.page import page
from ddbench.leaderboard.reading import Reading, read_folder
from ddbench.leaderboard.submission import check_record
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.record import Record
from ddbench.records.report import report
from ddbench.store.files import write_json
from ddbench.testing.promise import require

from .attempt import Kind, require_line
from .byte_mutations import with_bytes_mutated
from .json_mutations import MARK, mutated

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "results"
ELSEWHERE = "elsewhere"
"""The dataset of the records that are not mutated: they share no table with the mutated one."""
TAG = re.compile(r"<[A-Za-z/!?]")
LINK = re.compile(
    rf"\[[^\]]*{MARK}[^\]]*\]\(|^ *(#+ *|```.*){MARK}|`[^`]*{MARK}[^`]*`", re.MULTILINE
)
"""Matches headings that begin with text of a record; one of ddbench's own may end with it."""


def attempt(draws: random.Random, folder: Path, kept: Path) -> None:
    """One to three nodes of a record are mutated, or its bytes."""
    records = folder / "records"
    for method in ("random", "dm"):
        one = plausible(method, dataset=ELSEWHERE)
        write_json(records / f"{method}.json", one.plain())
    path = records / "mutated.json"
    values = draws.choice(_bases())
    if draws.random() < 0.1:
        path.write_bytes(with_bytes_mutated(draws, json.dumps(values).encode()))
    else:
        path.write_text(mutated(draws, values, draws.randint(1, 3)), encoding="utf-8")
    try:
        report(check_record(path))
    except UserError as error:
        require_line(str(error), path)
    reading = read_folder(records)
    told = len(reading.records) + len(reading.problems) + sum(reading.left_out.values())
    require(told == 3, f"of 3 records {told} are told of")
    for line in reading.problems:
        require_line(line, path)
    results = results_of(reading.records)
    files = table_files(results, reading, pictures=draws.random() < 0.01)
    html = page(results, reading, {})
    for name in (f"boards/{ELSEWHERE}.md", f"pairs/{ELSEWHERE}.md"):
        require(files.get(name) == _rows_alone()[name], f"{name} differs beside the mutated record")
    for name, data in files.items():
        if name.endswith(".md"):
            _require_no_markup(name, data.decode())
    _require_known_tags(html)


@cache
def _bases() -> list[dict[str, Any]]:
    """Records to mutate: of today's schema and of the first."""
    made = [plausible(method, curve=3).plain() for method in ("apm", "random")]
    paths = sorted(COMMITTED.glob("*.json"))
    sizes = {path: path.stat().st_size for path in paths}
    small = sorted(paths, key=lambda path: sizes[path])[:: len(paths) // 12]
    return made + [json.loads(path.read_text(encoding="utf-8")) for path in small]


@cache
def _rows_alone() -> dict[str, bytes]:
    """The tables of the records that are not mutated."""
    both = [plausible(method, dataset=ELSEWHERE) for method in ("random", "dm")]
    reading = Reading(both, read=2)
    return table_files(results_of(both), reading, pictures=False)


def _require_no_markup(name: str, text: str) -> None:
    """Nothing of the mutated record opens a tag, a link, a heading or code."""
    for pattern in (TAG, LINK):
        found = pattern.search(text)
        place = text[max(0, found.start() - 60) : found.end() + 60] if found else ""
        require(not found, f"{name} holds raw markup: {place!r}")


class _Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.scripts = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.scripts += tag == "script"


@cache
def _tags_alone() -> _Tags:
    """What a page with pairs, further measurements and pictures is made of."""
    everything = [Record.load(path) for path in sorted(COMMITTED.glob("*.json"))[:12]]
    both = [plausible(method, dataset=ELSEWHERE) for method in ("random", "dm")]
    reading = Reading([*everything, *both], read=14, problems=["one"])
    reading.left_out["a reason"] = 1
    results = results_of(reading.records)
    return _Tags(page(results, reading, {}))


def _require_known_tags(html: str) -> None:
    found, known = _Tags(html), _tags_alone()
    require(found.tags <= known.tags, f"the page has {sorted(found.tags - known.tags)}")
    unknown = found.attributes - known.attributes
    require(not unknown, f"the page has the attributes {sorted(unknown)}")
    require(found.scripts == known.scripts, f"the page has {found.scripts} scripts")


KIND = Kind("record", attempt, share=2, seconds=300, growth_bytes=3 * 2**30)
