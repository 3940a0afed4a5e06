"""`ddbench leaderboard`: tables, pictures and a page from a folder of records."""

from __future__ import annotations

import gc
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .parser import VerbParser

if TYPE_CHECKING:
    from ..leaderboard.reading import Reading

PLACE = Path("leaderboards")
SUMMARY = "tables and a page from a folder of records"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = (
        "ddbench leaderboard [FOLDER] [--check] [repository=FOLDER] [pictures=false] [page=false]"
    )
    parser.description = """\
Makes leaderboards/tables/ and leaderboards/index.html of the repository from its
leaderboards/results/, or from any FOLDER of records or of runs. A file that is damaged or no record
is named and left out, and the exit status is 1. With --check nothing is written: the exit status is
1 where a record does not validate or a table is not what they give."""
    parser.epilog = """\
examples
  ddbench leaderboard
  ddbench leaderboard --check
  ddbench leaderboard runs repository=/tmp/mine
"""
    parser.words("FOLDER", "of records or of runs (default: the repository's records)")
    parser.option("repository", "FOLDER", "where tables go (default: the working directory)", ".")
    parser.flag("check", "only say whether the tables are what the records give")
    parser.flag("pictures", "draw the pictures of the tables", default=True)
    parser.flag("page", "write the web page", default=True)
    parser.set_defaults(work=leaderboard)


def leaderboard(given: Namespace) -> int:
    """Write the tables, or check that they are what the records give."""
    if len(given.words) > 1:
        raise UserError("leaderboard takes one folder of records, or none for the repository's")
    choices = {name: getattr(given, name) for name in ("check", "pictures", "page")}
    place = Path(given.repository) / PLACE
    with _no_collection():
        return _leaderboard(place, Path(given.words[0]) if given.words else None, choices)


def _leaderboard(place: Path, records: Path | None, choices: dict[str, bool]) -> int:
    from ..leaderboard.reading import read_folder
    from ..leaderboard.tables import differences, results_of, table_files, write_tables
    from ..store.files import check_writable, write_bytes

    reading = read_folder(records or place / "results")
    if not choices["check"]:
        check_writable(place, "repository=FOLDER")
    results = results_of(reading.records)
    drawn = choices["pictures"] and not choices["check"]
    files = table_files(results, reading, pictures=drawn)
    if choices["check"]:
        changed = differences(files, place / "tables")
        for name in changed:
            print(f"{place / 'tables' / name} is not what the records give", file=sys.stderr)
        if changed:
            print("ddbench: `ddbench leaderboard` writes them", file=sys.stderr)
    else:
        changed = []
        write_tables(files, place / "tables", keep=() if drawn else (".png",))
        if choices["page"]:
            from ..leaderboard.page import galleries_of, page

            galleries = galleries_of(place, records)
            write_bytes(place / "index.html", page(results, reading, galleries).encode())
    for line in _told(reading):
        print(line)
    if not choices["check"]:
        print(f"tables: {place / 'tables' / 'README.md'}")
        if choices["page"]:
            print(f"page: {place / 'index.html'}")
    for line in reading.problems:
        print(f"ddbench: left out: {line}", file=sys.stderr)
    return 1 if reading.problems or changed else 0


def _told(reading: Reading) -> list[str]:
    lines = [f"{len(reading.records)} of {reading.read} records enter"]
    return lines + [f"  {count} left out: {why}" for why, count in sorted(reading.left_out.items())]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause garbage collection: records are trees; looking for cycles takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            # Remaining objects move to the oldest generation, and are scanned when that one is.
            gc.freeze()
            gc.unfreeze()
            gc.enable()
