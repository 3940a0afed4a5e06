"""`ddbench submit`: check records and their sets, and add them to the leaderboards' records."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError, shortened
from .parser import VerbParser

if TYPE_CHECKING:
    from ..distilling.distilled_set import DistilledSet
    from ..records.record import Record

SUMMARY = "check records and put them where leaderboards are made from"
EXAMPLE = "such as `ddbench submit runs/apm-digits-ipc1-short-seed0-9eb021f9d5`"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = """\
ddbench submit RUN|FILE ... [repository=FOLDER] [distilled=FILE] [rescore=false] [anyway=true]
                      [runs_root=FOLDER] [data_root=FOLDER]"""
    parser.description = """\
Checks finished runs (each its folder, its name, or its record.json) and their distilled sets:
schema, hashes, shapes, and the score of one network, trained anew unless rescore=false. Then it
puts the records into leaderboards/results/ of the repository, and the pictures of the sets into
leaderboards/galleries/, ready for a pull request. Nothing is put there where one of the runs is
damaged or does not fit its set.

There are two alarms, beside the records that are there already: an accuracy that is above that of
all real training images, or above the best that is published, by more than its interval; and seeds
of one method with the same images or the same accuracies. A run with an alarm stays out unless
anyway=true."""
    parser.epilog = """\
examples
  ddbench submit runs/apm-digits-ipc1-short-seed0-9eb021f9d5
  ddbench submit runs/apm-digits-ipc1-*
  ddbench submit record.json distilled=set.safetensors rescore=false
"""
    parser.words("RUN", "runs' folders or names, or the files of records")
    parser.option("repository", "FOLDER", "where they go (default: the working directory)", ".")
    parser.option("distilled", "FILE", "the set of one record (default: the one beside it)")
    parser.flag("rescore", "train one network on each set again", default=True)
    parser.flag("anyway", "also submit runs with an alarm, after somebody has checked them")
    parser.option("runs_root", "FOLDER", "of runs (default: $DDBENCH_RUNS, else ./runs)")
    parser.option("data_root", "FOLDER", "of datasets, as for `ddbench run`")
    parser.option("threads", "N", "as for `ddbench run`")
    parser.option("device", "NAME", "as for `ddbench run`")
    parser.set_defaults(work=submit)


@dataclass(frozen=True)
class Submission:
    """A record that matches its set, with the record's file and the set's picture."""

    path: Path
    record: Record
    distilled: DistilledSet
    picture: bytes | None


def submit(given: Namespace) -> int:
    """Put records into a repository, or say why not; the exit status is 1 if any stays out."""
    from ..leaderboard.submission import is_there, put
    from ..store.files import check_writable

    if not given.words:
        raise UserError(f"submit needs runs or records, {EXAMPLE}")
    if given.distilled and len(given.words) > 1:
        raise UserError("distilled=FILE is the set of one record; several are given")
    repository = Path(given.repository)
    submissions = _checked(given, repository)
    check_writable(repository / "leaderboards" / "results", "repository=FOLDER")
    raised = _alarms(submissions, repository)
    out = 0
    for one in submissions:
        name = one.record.name
        if one.record.environment.git_dirty:
            print(f"note: {name} was made with source that was changed and not committed")
        for line in raised.get(one.record.run, ()):
            print(f"alarm: {name}: {line}", file=sys.stderr)
        if one.record.run in raised and not given.anyway:
            told = f"{name}: not submitted; if its numbers are right, anyway=true"
        else:
            told = _disagreement(one, given) if given.rescore else ""
        if told:
            print(f"ddbench: {told}", file=sys.stderr)
            out += 1
            continue
        told = "submitted already" if is_there(one.record, repository) else "submitted"
        print(f"{told}: {put(one.record, repository, one.picture)}")
    if len(submissions) > 1:
        print(f"{len(submissions) - out} of {len(submissions)} runs submitted")
    if out < len(submissions):
        print("next: `ddbench leaderboard` makes the tables; commit leaderboards/ and open the "
              "request")  # fmt: skip
    return 1 if out else 0


def _checked(given: Namespace, repository: Path) -> list[Submission]:
    """Every record with its set, before anything is trained or written.

    Raises:
        UserError: for the first that is missing, damaged, does not match its set, or has the name
            of another record.
    """
    from ..leaderboard.submission import check_distilled, check_record, is_there, redrawn

    found: dict[str, Submission] = {}
    for word in given.words:
        path = _record_file(word, given.runs_root)
        record = check_record(path)
        if record.run in found:
            raise UserError(f"{path} is the run of {found[record.run].path}: each is given once")
        file = Path(given.distilled or path.with_name("distilled.safetensors"))
        if not file.is_file():
            raise UserError(f"{file}: no such file; the record's set is given by distilled=FILE")
        distilled = check_distilled(record, file)
        is_there(record, repository)
        gallery = path.with_name("gallery.png")
        picture = redrawn(gallery) if gallery.is_file() else None
        found[record.run] = Submission(path, record, distilled, picture)
    return list(found.values())


def _alarms(submissions: Sequence[Submission], repository: Path) -> Mapping[str, list[str]]:
    """The alarms that a person should look at, by run."""
    from ..distilling.registry import METHODS
    from ..leaderboard.alarms import alarms
    from ..leaderboard.published import published_figures
    from ..leaderboard.reading import read_folder
    from ..store.files import digest

    results = repository / "leaderboards" / "results"
    known = read_folder(results).records if any(results.glob("*.json")) else []
    images = {one.record.run: digest(one.distilled.images.numpy().tobytes()) for one in submissions}

    def draws(record: Record) -> bool:
        name = record.method.name
        return name not in METHODS or METHODS[name].draws_at(record.task.ipc)

    records = [one.record for one in submissions]
    return alarms(records, known, images, published_figures(), draws)


def _disagreement(one: Submission, given: Namespace) -> str:
    """Train a network again; returns why the record's number is not confirmed, or ""."""
    from ..runs.overrides import as_overrides
    from ..runs.rescore import rescore

    keys = {key: getattr(given, key) for key in ("data_root", "threads", "device")}
    given_keys = as_overrides({key: value for key, value in keys.items() if value})
    score = rescore(one.record, one.distilled, given_keys)
    told = (
        f"{one.record.name}: network 0 under {score.protocol}: {100 * score.found:.1f}% now, "
        f"{100 * score.recorded:.1f}% in the record"
    )
    if not score.agrees:
        margin = f"{100 * score.tolerance:.1f} points"
        return f"{told}: more than {margin} apart; not submitted"
    print(told)
    return ""


def _record_file(word: str, root: str | None) -> Path:
    """The record file, given by a run's folder, a run's name, or its own path."""
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
