"""`ddbench plan`: what runs would take, without doing them."""

from __future__ import annotations

from argparse import Namespace

from .parser import VerbParser, number

SUMMARY = "what a run, a sweep or a study would take: cells, seconds, memory, disk"
LONGEST_SECONDS = 86_400


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench plan [-m] [KEY=VALUE ...] [seconds=S]"
    parser.description = """\
Prints what `ddbench run` with the same words would take, without doing it: which cells there are
and which are finished, what they share, and for each phase seconds, peak memory and bytes on disk.

Seconds are those of training steps that are measured now, a few seconds for each network, times
the images that it processes; a method with finished runs is as fast as it was in those.
Memory is that of a step of the method on a few random images, extrapolated linearly to what the
step holds at once. What was measured is kept in the folder of runs. Seconds are
right within a factor of about two, and include no evaluator but accuracy."""
    parser.epilog = """\
examples
  ddbench plan method=apm dataset=cifar10 ipc=50 budget=paper
  ddbench plan -m method=dm,mtt dataset=cifar10 ipc=1,10 seed=0,1,2
  ddbench plan experiment=apm_teachers
  ddbench plan method=dm dataset=cifar100 ipc=50 seconds=120
"""
    parser.open_keys = True
    parser.words("KEY=VALUE", "as for `ddbench run`")
    help = "a sweep: every value may be a list of values A,B,C"
    parser.add_argument("-m", "--multirun", action="store_true", help=help)
    parser.option("seconds", "S", "seconds of measuring, for all cells together (default 10)", "10")
    parser.flag("json", "print the plan in JSON, and nothing else")
    parser.set_defaults(work=plan)


def plan(given: Namespace) -> int:
    """Print what the runs would take.

    Raises:
        UserError: for a mistake in the arguments.
    """
    seconds = number("seconds", given.seconds, 0, LONGEST_SECONDS)

    from ..planning.cells import asked_cells
    from ..planning.planner import Planner
    from ..runs.option_groups import register
    from ..runs.overrides import readable
    from ..runtime.progress import Progress
    from ..store.files import json_text
    from .plan_tables import plan_tables

    register()
    cells = asked_cells(readable(given.words), given.multirun)
    made = Planner(Progress(quiet=given.json), seconds).plan(cells)
    print(json_text(made.plain()) if given.json else plan_tables(made))
    return 0
