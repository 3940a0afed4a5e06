"""`ddbench leaderboard`: tables, pictures and a page from a folder of records."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ..errors import UserError
from ..leaderboard.reading import Reading, read_folder
from ..leaderboard.tables import differences, results_of, table_files, write_tables
from ..store.files import check_writable, write_bytes
from .arguments import truth, words_and_options

PLACE = Path("leaderboards")
USUAL = {"check": "false", "pictures": "true", "page": "true"}


def leaderboard(arguments: Sequence[str]) -> int:
    """Write the tables, or check that they are what the records give."""
    words, options = words_and_options(arguments, ["repository", *USUAL], flags=["check"])
    if len(words) > 1:
        raise UserError("leaderboard of what? one folder of records, or none for the repository's")
    choices = {name: truth(name, options.get(name, usual)) for name, usual in USUAL.items()}
    place = Path(options.get("repository", ".")) / PLACE
    with _no_collection():
        return _leaderboard(place, Path(words[0]) if words else None, choices)


def _leaderboard(place: Path, records: Path | None, choices: dict[str, bool]) -> int:
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
            write_bytes(place / "index.html", page(results, reading, files, galleries).encode())
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
    """Records are trees: looking for cycles among thousands takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
