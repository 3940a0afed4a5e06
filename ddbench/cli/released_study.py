"""`ddbench run experiment=released_sets folder=FOLDER`: score released sets as their authors do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..figures import png
from ..records.record import Record
from ..runs.execute import Outcome
from ..runs.overrides import given_value, plain_values
from ..runs.score_file import OF_THE_SET, check_keys, score_set, set_from_file
from ..runtime.folders import runs_root
from ..store.files import check_writable, write_bytes
from ..studies.released import Comparison, ReleasedSet, released_figure, released_markdown
from ..studies.study import Study, replaced
from .ending import DONE, MISTAKE, ending_of, note

FOLDER = "folder"


def run_released(name: str, study: Study, given: Sequence[str]) -> int:
    """Score every set of the study that is in the folder, then write the table and picture.

    Args:
        name: the study's name.
        study: lists the sets.
        given: `folder=FOLDER`, and keys of `ddbench evaluate` that replace or extend the study's.

    Raises:
        UserError: if there is no such folder, or it contains none of the sets.
    """
    folder = _folder(given, name)
    keys = [word for word in given if not word.startswith(f"{FOLDER}=")]
    _check_keys(keys, name)
    root = runs_root(given_value(keys, "runs_root"))
    check_writable(root)
    there = [one for one in study.released if (folder / one.file).exists()]
    if not there:
        names = ", ".join(sorted({one.file for one in study.released})[:4])
        raise UserError(f"{folder} holds none of the sets of {name}, such as {names}")
    print(f"study {name}: {study.title}\n\n{study.about.strip()}", flush=True)
    rows, statuses = [], []
    for number, one in enumerate(there, 1):
        print(f"\nset {number} of {len(there)}: {one.name}", flush=True)
        own = replaced(replaced(study.given, one.given), keys)
        status, row = _scored(one, folder, own, root)
        statuses.append(status)
        rows += [row] if row else []
    absent = [one.name for one in study.released if one not in there]
    left = f"Not in the folder: {', '.join(absent)}." if absent else ""
    text = released_markdown(study.title, study.about, rows, left)
    place = root / "studies" / name
    write_bytes(place / "table.md", text.encode())
    print(f"\n{text}\ntable: {place / 'table.md'}")
    figure = released_figure(study.title, rows)
    if figure is not None:
        write_bytes(place / "accuracies.png", png(figure))
        print(f"picture: {place / 'accuracies.png'}")
    print(f"\nstudy {name}: {statuses.count(DONE)} of {len(there)} sets scored", flush=True)
    return max(statuses)


def _scored(
    one: ReleasedSet, folder: Path, keys: Sequence[str], root: Path
) -> tuple[int, Comparison | None]:
    """Score one set; returns its exit status and, if it was scored, its comparison."""

    def work() -> Outcome:
        said = {"dataset": one.dataset, **one.says}
        done = set_from_file(folder / one.file, keys, said, one.like)
        for line in done.notes:
            print(f"note: {line}")
        return score_set(done.distilled, keys)

    ending = ending_of(work, root, f"{one.name}: ")
    if ending.record is None:
        return ending.status, None
    try:
        return DONE, Comparison.of(one, Record.load(ending.record))
    except UserError as error:
        note(str(error))
        return MISTAKE, None


def _check_keys(keys: Sequence[str], name: str) -> None:
    """Reject mistaken keys, and keys that belong to one set alone, before any set is read."""
    own = next((key for key in plain_values(keys) if key in ("dataset", *OF_THE_SET)), None)
    if own is not None:
        raise UserError(f"{own}: experiment={name} scores several sets, each of which says its own")
    check_keys(keys)


def _folder(given: Sequence[str], name: str) -> Path:
    folder = given_value(given, FOLDER)
    if not folder:
        raise UserError(
            f"experiment={name} scores sets that others released: give folder=FOLDER with them"
        )
    if not Path(folder).is_dir():
        raise UserError(f"folder={folder}: no such folder")
    return Path(folder)
