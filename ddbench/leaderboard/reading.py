"""Which records enter: intact, complete ones that scored the test split, each set once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import UserError
from ..records.record import Record

MAX_BYTES = 50_000_000


@dataclass
class Reading:
    """What was read from a folder of records.

    Args:
        records: the records that enter, by name.
        problems: one line for each file that is damaged or not a record, by file name.
        left_out: how many valid records do not enter, by reason.
        read: the number of files.
    """

    records: list[Record] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    read: int = 0


def record_files(folder: Path) -> list[Path]:
    """The record files in a folder of records, or of runs, sorted by name.

    Raises:
        UserError: if there is no such folder, or no record in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder of records")
    files = sorted(folder.glob("*.json")) or sorted(folder.glob("*/record.json"))
    if not files:
        raise UserError(
            f"{folder} holds no records: neither *.json nor runs with a record.json; "
            "`ddbench submit RUN` puts one there"
        )
    return files


def read_record(path: Path) -> Record:
    """Read a record that may enter a leaderboard.

    Raises:
        UserError: with one line that names the file and what is wrong with it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{path} is damaged: {size} bytes are too many for a record")
        return Record.load(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error


def read_folder(folder: Path) -> Reading:
    """Read every record of a folder; damaged files are named and skipped.

    Raises:
        UserError: if there is no record at all.
    """
    reading, good = Reading(), {}
    for path in record_files(folder):
        reading.read += 1
        try:
            record = read_record(path)
        except UserError as error:
            reading.problems.append(" ".join(str(error).split()))
            continue
        if record.run in good:
            reading.problems.append(f"{path} is a second copy of run {record.run}")
        else:
            good[record.run] = record
    entering = []
    for record in good.values():
        reason = _reason_to_stay_out(record)
        if reason:
            reading.left_out[reason] += 1
        else:
            entering.append(record)
    kept = without_superseded(entering)
    superseded = len(entering) - len(kept)
    if superseded:
        reading.left_out["superseded by a record that contains it"] = superseded
    reading.records = sorted(kept, key=lambda record: (record.name, record.run))
    return reading


def _reason_to_stay_out(record: Record) -> str | None:
    if record.data.scored_split != "test":
        return "scored on held-out training images, which are for choosing"
    if any(protocol.trial_rate is not None for protocol in record.protocols):
        return "a trial of a rate, which is not a protocol"
    if record.task.group:
        return "one group of a union: its numbers are in the record of the union"
    return None


def without_superseded(records: Iterable[Record]) -> list[Record]:
    """Leave out records that another one names as superseded or contains.

    Of two that measured the same on one distilled set, the later one is kept.
    """
    records = list(records)
    named = {(record.supersedes, record.distilled.key) for record in records}
    of_one_set = defaultdict(list)
    for record in records:
        if (record.run, record.distilled.key) not in named:
            of_one_set[record.distilled.key].append(record)
    kept = []
    for same in of_one_set.values():
        if len(same) == 1:
            kept += same
            continue
        same.sort(key=lambda r: (len(r.measurements), r.finished, r.run), reverse=True)
        chosen: list[Record] = []
        for record in same:
            if not any(other.contains(record) for other in chosen):
                chosen.append(record)
        kept += chosen
    return kept
