"""`ddbench bench`: the speed and memory of each kind of work here, and how near the limit."""

from __future__ import annotations

import shlex
import time
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError, shortened
from .parser import VerbParser, is_setting, number

if TYPE_CHECKING:
    from ..bench.session import Bench

SUMMARY = "speed and memory of each kind of work here, and how close to the limit"
LONGEST_SECONDS, LARGEST_BATCH = 3600, 100_000


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench bench [WHAT ...] [KEY=VALUE ...] [--against COMMAND] [--grow SIZES]"
    parser.description = """\
Measures a step of each method (of one without steps its selection) and of training a teacher, a
student and a NAS cell, and testing: seconds, images per second, memory beyond what the process has
before, and how many times the floor that is. The floor is what no network can avoid: the
convolutions and matrix products of the same step alone, on tensors of the same shapes, timed in
turns with it. Teachers and experts of methods are hardly trained, which does not change the time of
a step.

WHAT is a method, or teacher, student, testing or nas_cell; without one, all. KEY=VALUE is as for
`ddbench run`; several values A,B are measured one after the other. Without them the images are
random ones with 32x32 pixels in 10 classes, ipc=10, budget=short and model=narrow.

The table, a picture and every reading go to the folder `bench` of the folder of runs."""
    parser.epilog = """\
examples
  ddbench bench
  ddbench bench student teacher model.width=32,128 threads=1
  ddbench bench dm dataset=cifar10 ipc=50
  ddbench bench student --against 'env PYTHONPATH=/other/checkout python -m ddbench'
  ddbench bench dm --grow classes,resolution
"""
    parser.open_keys = True
    parser.words("WHAT", "work to measure; none: all")
    parser.option(
        "against", "COMMAND", "command of another ddbench, which is measured in turns with this one"
    )
    parser.option(
        "grow",
        "SIZES",
        "how seconds and memory grow with N,classes,ipc,resolution,width,K,segment,steps,pool,"
        "solver,window,total,batch,images, or all of them",
    )
    parser.option("batch", "N", "images of a mini-batch in training (default 100)", "100")
    parser.option(
        "seconds",
        "S",
        "seconds of repetitions of each, at least three repetitions (default 3)",
        "3",
    )
    parser.flag("json", "print the record in JSON, and nothing else")
    parser.set_defaults(work=bench)


def bench(given: Namespace) -> int:
    """Measure, write the record and print the table.

    Raises:
        UserError: for a mistake in the arguments.
    """
    settings = [word for word in given.words if is_setting(word)]
    names = [word for word in given.words if not is_setting(word)]
    against = _command(given.against)
    batch = round(number("batch", given.batch, 1, LARGEST_BATCH, whole=True))
    seconds = number("seconds", given.seconds, 0, LONGEST_SECONDS)

    from ..bench.growth import sizes_named
    from ..bench.measure import Plan
    from ..bench.session import Asked, run_bench
    from ..bench.workloads import check_names
    from ..runs.overrides import given_value
    from ..runtime.folders import runs_root
    from ..runtime.progress import Progress
    from ..store.files import check_writable, json_bytes

    check_names(names)
    sizes = sizes_named(given.grow) if given.grow else []
    if sizes and against:
        raise UserError("grow and against: ask for one of them")
    folder = runs_root(given_value(settings, "runs_root")) / "bench"
    check_writable(folder)
    asked = Asked(names, settings, against, sizes, Plan(seconds=seconds, batch=batch))
    made = run_bench(asked, Progress(quiet=given.json))
    file = _written(made, folder)
    if given.json:
        print(json_bytes(made.plain()).decode(), end="")
        return 0
    from ..bench.tables import report

    print(f"\n{report(made)}\n\n{file}")
    return 0


def _written(made: Bench, folder: Path) -> Path:
    """Write the record with its table and picture; returns the record's file."""
    from ..bench.picture import picture
    from ..bench.tables import MARKDOWN, report
    from ..figures import png
    from ..store.files import write_bytes, write_json

    name = time.strftime("%Y-%m-%d_%H-%M-%S")
    taken = sum(path.suffix == ".json" for path in folder.glob(f"{name}*"))
    file = folder / f"{name}{f'-{taken + 1}' if taken else ''}.json"
    write_json(file, made.plain())
    write_bytes(file.with_suffix(".md"), f"{report(made, MARKDOWN)}\n".encode())
    figure = picture(made)
    if figure is not None:
        write_bytes(file.with_suffix(".png"), png(figure))
    return file


def _command(text: str | None) -> list[str]:
    """The words of a command line; empty if there is no command.

    Raises:
        UserError: for a quotation that is not closed.
    """
    try:
        words = shlex.split(text or "")
    except ValueError as error:
        raise UserError(f"against={shortened(text or '')}: {error}") from error
    if text is not None and not words:
        raise UserError("against: give the command that starts the other ddbench")
    return words
