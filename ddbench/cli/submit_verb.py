"""`ddbench submit`: check a record with its set, and put it where leaderboards are made from."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..leaderboard.submission import check_distilled, check_record, put
from ..runs.rescore import rescore
from ..runtime.folders import runs_root
from ..store.files import check_writable
from .arguments import truth, words_and_options

OPTIONS = ("repository", "distilled", "rescore", "runs_root", "data_root", "threads", "device")
EXAMPLE = "such as `ddbench submit runs/apm-digits-ipc1-short-seed0-9eb021f9d5`"


def submit(arguments: Sequence[str]) -> int:
    """Put a record into a repository, or say why not."""
    words, options = words_and_options(arguments, OPTIONS)
    if len(words) != 1:
        raise UserError(f"submit what? one run or one record, {EXAMPLE}")
    again = truth("rescore", options.get("rescore", "true"))
    repository = Path(options.get("repository", "."))
    path = _record_file(words[0], options.get("runs_root"))
    record = check_record(path)
    file = Path(options.get("distilled", path.with_name("distilled.safetensors")))
    if not file.is_file():
        raise UserError(f"{file}: no such file; the record's set is given by distilled=FILE")
    distilled = check_distilled(record, file)
    check_writable(repository / "leaderboards" / "results", "repository=FOLDER")
    if record.environment.git_dirty:
        print("note: the record was made with source that was changed and not committed")
    if again:
        keys = ("data_root", "threads", "device")
        score = rescore(record, distilled, [f"{k}={options[k]}" for k in keys if k in options])
        told = (
            f"network 0 under {score.protocol}: {100 * score.found:.1f}% now, "
            f"{100 * score.recorded:.1f}% in the record"
        )
        if not score.agrees:
            margin = f"{100 * score.tolerance:.1f} points"
            print(f"ddbench: {told}: more than {margin} apart; not submitted", file=sys.stderr)
            return 1
        print(told)
    target, new = put(record, repository, path.with_name("gallery.png"))
    print(f"{'submitted' if new else 'submitted already'}: {target}")
    print("next: `ddbench leaderboard` makes the tables; commit leaderboards/ and open the request")
    return 0


def _record_file(word: str, root: str | None) -> Path:
    """The record of a run's folder, of a run's name, or the file itself."""
    given = Path(word)
    places = [given, runs_root(root) / word]
    for place in places:
        if place.is_file():
            return place
        if (place / "record.json").is_file():
            return place / "record.json"
    if any(place.is_dir() for place in places):
        raise UserError(f"{word} holds no record.json: has the run ended?")
    raise UserError(f"{word}: no such run or record; `ddbench list runs` lists runs")
