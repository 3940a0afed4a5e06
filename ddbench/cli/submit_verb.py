"""`ddbench submit`: check a record with its set, and put it where leaderboards are made from."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

from ..errors import UserError, shortened
from .parser import VerbParser, one_is_needed

SUMMARY = "check a record and put it where leaderboards are made from"
EXAMPLE = "such as `ddbench submit runs/apm-digits-ipc1-short-seed0-9eb021f9d5`"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = """\
ddbench submit RUN|FILE [repository=FOLDER] [distilled=FILE] [rescore=false]
                      [runs_root=FOLDER] [data_root=FOLDER]"""
    parser.description = """\
Checks a finished run (its folder, its name, or its record.json) and its distilled set: schema,
hashes, shapes, and the score of one network, trained anew unless rescore=false. Then it puts the
record into leaderboards/results/ of the repository, and the picture of the set into
leaderboards/galleries/, ready for a pull request."""
    parser.epilog = """\
examples
  ddbench submit runs/apm-digits-ipc1-short-seed0-9eb021f9d5
  ddbench submit record.json distilled=set.safetensors rescore=false
"""
    parser.words("RUN", "a run's folder or name, or the file of a record")
    parser.option("repository", "FOLDER", "where it goes (default: the working directory)", ".")
    parser.option("distilled", "FILE", "the record's set (default: the one beside the record)")
    parser.flag("rescore", "train one network on the set again", default=True)
    parser.option("runs_root", "FOLDER", "of runs (default: $DDBENCH_RUNS, else ./runs)")
    parser.option("data_root", "FOLDER", "of datasets, as for `ddbench run`")
    parser.option("threads", "N", "as for `ddbench run`")
    parser.option("device", "NAME", "as for `ddbench run`")
    parser.set_defaults(work=submit)


def submit(given: Namespace) -> int:
    """Put a record into a repository, or say why not."""
    from ..leaderboard.submission import check_distilled, check_record, put
    from ..runs.overrides import as_overrides
    from ..runs.rescore import rescore
    from ..store.files import check_writable

    if len(given.words) != 1:
        raise one_is_needed("submit", f"one run or one record, {EXAMPLE}", given.words)
    repository = Path(given.repository)
    path = _record_file(given.words[0], given.runs_root)
    record = check_record(path)
    file = Path(given.distilled or path.with_name("distilled.safetensors"))
    if not file.is_file():
        raise UserError(f"{file}: no such file; the record's set is given by distilled=FILE")
    distilled = check_distilled(record, file)
    check_writable(repository / "leaderboards" / "results", "repository=FOLDER")
    if record.environment.git_dirty:
        print("note: the record was made with source that was changed and not committed")
    if given.rescore:
        keys = {key: getattr(given, key) for key in ("data_root", "threads", "device")}
        given_keys = as_overrides({key: value for key, value in keys.items() if value})
        score = rescore(record, distilled, given_keys)
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
    from ..runtime.folders import runs_root

    places = [Path(word), runs_root(root) / word]
    for place in places:
        if os.path.isfile(place):
            return place
        if os.path.isfile(place / "record.json"):
            return place / "record.json"
    if any(map(os.path.isdir, places)):
        raise UserError(f"{shortened(word)} holds no record.json: has the run ended?")
    raise UserError(f"{shortened(word)}: no such run or record; `ddbench list runs` lists runs")
