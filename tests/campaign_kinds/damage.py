"""One file of a store is damaged: the same numbers come out, or one line says what is wrong.

Any file below the folder of runs may be drawn. `log.txt`, `config.yaml` and `gallery.png` are
written for people and read by no command: damage to them is not reported, and must change nothing.
"""

from __future__ import annotations

import random
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from child import ANYWHERE

from ddbench.store.files import write_bytes
from ddbench.testing.promise import require

from .attempt import Kind, require_mistake
from .byte_mutations import cut_short, with_a_bit_flipped
from .tiny_runs import TinyRun, require_result, result_in, run, undisturbed

Damage = Callable[[random.Random, Path], None]


def flip(draws: random.Random, file: Path) -> None:
    """Flip a bit."""
    file.write_bytes(with_a_bit_flipped(draws, file.read_bytes()))


def truncate(draws: random.Random, file: Path) -> None:
    """Keep only its beginning."""
    file.write_bytes(cut_short(draws, file.read_bytes()))


def delete(draws: random.Random, file: Path) -> None:
    """Remove the file."""
    file.unlink()


def finished(draws: random.Random, tiny: TinyRun, whole: Path, root: Path, calls: int) -> None:
    """A store with a finished run."""
    shutil.copytree(whole / "runs", root / "runs")


def without_its_run(
    draws: random.Random, tiny: TinyRun, whole: Path, root: Path, calls: int
) -> None:
    """A store that holds all parts of a run, so that its record is assembled again."""
    shutil.copytree(whole / "runs", root / "runs")
    (record,) = root.glob("runs/*/record.json")
    shutil.rmtree(record.parent)


def unfinished(draws: random.Random, tiny: TinyRun, whole: Path, root: Path, calls: int) -> None:
    """A store in which a run was killed."""
    run(tiny.words(root), root, "killed", (ANYWHERE, draws.randint(1, calls), signal.SIGKILL))
    shutil.rmtree(root / "killed")


SCENES = (finished, without_its_run, unfinished, unfinished)


def attempt(damage: Damage, draws: random.Random, folder: Path, kept: Path) -> None:
    """Damage one file, give the command again, and follow the remedy where it refuses."""
    tiny = TinyRun.drawn(draws)
    scene = draws.choice(SCENES)
    whole, expected, calls = undisturbed(tiny, kept)
    scene(draws, tiny, whole, folder, calls)
    files = [path for path in folder.rglob("runs/**/*") if path.is_file()]
    if not files:  # it was killed before it had written anything
        files = [folder / "runs" / "log.txt"]
        write_bytes(files[0], b"")
    file = _drawn_by_sort(draws, files)
    damage(draws, file)
    story = f"{tiny}, {scene.__name__}, {file.relative_to(folder)}"
    words = tiny.words(folder)
    found = run(words, folder, "again")
    if found.status != 0:
        require_mistake(found, file, folder)
        require(file.stem in found.err, f"{story}: {found.err!r} does not name the file")
        for part in file.parent.glob(f"{file.stem}.*"):
            part.unlink()
        found = run(words, folder, "remedied")
        require(
            found.status == 0,
            f"{story}: removed, it ends with {found.status}, {found.err[-500:]!r}",
        )
    require_result(result_in(folder), expected, story)


def _drawn_by_sort(draws: random.Random, files: list[Path]) -> Path:
    """Draw a sort, then a file of it: some sorts have many files, others only one."""
    sort = draws.choice(sorted({_sort_of(path) for path in files}))
    return draws.choice(sorted(path for path in files if _sort_of(path) == sort))


def _sort_of(path: Path) -> str:
    """Such as "network.json" of an artefact, whose name is a key, and "record.json" of a run."""
    return f"{path.parent.name}{path.suffix}" if "artefacts" in path.parts else path.name


KINDS = tuple(
    Kind(damage.__name__, partial(attempt, damage), share=share, seconds=900)
    for damage, share in ((flip, 4), (truncate, 1), (delete, 1))
)
