"""`ddbench run experiment=STUDY`: several sweeps, then one table and its pictures."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..figures import png
from ..records.record import Record
from ..runs.compose import check_overrides
from ..runs.grid import grid
from ..runs.option_groups import register
from ..runs.overrides import given_value
from ..runtime.folders import runs_root
from ..store.files import check_writable, write_bytes
from ..studies.cells import Cell, cell_words, distinct, swept_keys
from ..studies.figures import draw
from ..studies.study import Place, load_study, sweeps_with
from ..studies.table import markdown
from .released_study import run_released
from .sweep import do_grids


def run_study(
    name: str, overrides: Sequence[str], workers: int | None = None, quiet: bool = False
) -> int:
    """Do all sweeps of a study, then its table and pictures; returns the exit status.

    Args:
        name: the study's name.
        overrides: arguments that replace or extend the study's own.
        workers: how many processes on this machine work at once; None: this one alone.
        quiet: print nothing about a cell but what goes wrong.

    Raises:
        UserError: for a mistake that can be seen before any work.
    """
    register()
    study = load_study(name)
    given = [word for word in overrides if not word.startswith("experiment=")]
    if study.released:
        if workers:
            raise UserError(f"workers={workers}: {name} scores its sets one by one")
        return run_released(name, study, given)
    sweeps = sweeps_with(study, given, _takes)
    for words in sweeps:
        check_overrides(words, sweep=True)
    for word in given:
        if not any(word in words for words in sweeps):
            check_overrides([*study.sweeps[0], word], sweep=True)  # says what is wrong with it
    root = runs_root(given_value(given, "runs_root"))
    check_writable(root)
    print(f"study {name}: {study.title}\n\n{study.about.strip()}", flush=True)
    end = do_grids([grid(words) for words in sweeps], root, workers, quiet)
    cells = end.cells
    swept = swept_keys(one.cell.words for one in cells)
    alike = [word for word in given if word.partition("=")[0] not in swept]
    finished = distinct(
        Cell(cell_words(one.cell.words, without=alike), one.record)
        for one in cells
        if one.record is not None
    )
    folder = root / "studies" / name
    if finished:
        text = markdown(study, finished)
        if study.published is not None:
            text += beside_published(study.published, [cell.record for cell in finished])
        write_bytes(folder / "table.md", text.encode())
        print(f"\n{text}\ntable: {folder / 'table.md'}")
        for spec in study.figures:
            figure = draw(spec, study, finished)
            if figure is not None:
                write_bytes(folder / f"{spec.name}.png", png(figure))
                print(f"picture: {folder / f'{spec.name}.png'}")
    print(f"\nstudy {name}: {end.summary}", flush=True)
    return end.status


def beside_published(place: Place, records: Sequence[Record]) -> str:
    """A publication's numbers beside those of the records, in Markdown."""
    from ..leaderboard.markdown_published import PUBLISHED_LEGEND, published_table
    from ..leaderboard.published import published_figures
    from ..leaderboard.tables import results_of

    figures = [
        figure
        for figure in published_figures(place.paper)
        if figure.place == place.place and figure.dataset == (place.dataset or figure.dataset)
    ]
    rows = results_of(records, figures).reproductions
    parts = [f"## {place.place} beside what was measured"]
    if any(row.measured for row in rows):
        parts += [PUBLISHED_LEGEND, *published_table(rows)]
    else:
        parts.append(f"None of its {len(figures)} numbers is of what was measured here.")
    return "\n" + "\n\n".join(parts) + "\n"


def _takes(words: Sequence[str], word: str) -> bool:
    """Whether a sweep accepts a word; methods differ in their settings, the rest is common."""
    if not word.startswith("method."):
        return True
    try:
        check_overrides([*words, word], sweep=True)
    except UserError:
        return False
    return True
