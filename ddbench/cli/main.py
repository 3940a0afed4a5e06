"""The command `ddbench`: a verb and its arguments. Nothing heavy is imported to answer --help."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from ..errors import StopRequested, UserError, unknown_name
from ..runtime.output import drop_what_is_left, occupy_standard_streams, steady_output
from . import (
    bench_verb,
    completion_verb,
    evaluate_verb,
    export_verb,
    import_verb,
    inspect_verb,
    leaderboard_verb,
    list_verb,
    new_verb,
    plan_verb,
    prepare_verb,
    regress_verb,
    run_verb,
    show_verb,
    submit_verb,
    test_verb,
)
from .parser import OPTIONS, Verb, VerbParser, layout

# A new verb is a module like these and a line here.
VERBS: dict[str, Verb] = {
    "run": run_verb,
    "show": show_verb,
    "plan": plan_verb,
    "list": list_verb,
    "prepare": prepare_verb,
    "evaluate": evaluate_verb,
    "inspect": inspect_verb,
    "import": import_verb,
    "export": export_verb,
    "submit": submit_verb,
    "leaderboard": leaderboard_verb,
    "regress": regress_verb,
    "new": new_verb,
    "test": test_verb,
    "bench": bench_verb,
    "completion": completion_verb,
}
HELP = ("-h", "--help", "help")
EXAMPLES = """\
`ddbench VERB --help` tells more. An option is written --NAME VALUE or NAME=VALUE.

examples:
  ddbench run                                       a first run in a few minutes
  ddbench run method=apm dataset=cifar10 ipc=10
  ddbench run -m method=random,apm seed=0,1,2       a sweep of six cells
  ddbench show method=apm dataset=cifar10 ipc=50 budget=paper
  ddbench list methods
  ddbench list runs 'apm-*'
  ddbench prepare cifar10
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    occupy_standard_streams()
    try:
        with steady_output():
            return _status(words)
    finally:
        drop_what_is_left()


def _status(words: list[str]) -> int:
    try:
        return _answer(words)
    except UserError as error:
        print(f"ddbench: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # such as a folder without permission, wherever it is met
        if error.filename is None:
            raise
        told = UserError(f"{error.filename} cannot be used ({error.strerror}): choose another")
        print(f"ddbench: {told}", file=sys.stderr)
        return 2
    except (StopRequested, KeyboardInterrupt) as stop:
        print("ddbench: stopped; the same command continues", file=sys.stderr)
        number = stop.signal_number if isinstance(stop, StopRequested) else signal.SIGINT
        return 128 + number


def _answer(words: list[str]) -> int:
    if not words or words[0] in HELP:
        command_parser().print_help()
        return 0
    if words[0] == "--version":
        import importlib.metadata

        print(f"ddbench {importlib.metadata.version('ddbench')}")
        return 0
    from ..plugins.presets import searching

    parser = verb_parser(words[0])
    try:
        given = parser.read(words[1:])
    except SystemExit:  # argparse has answered --help
        return 0
    with searching(getattr(given, "config_dir", None)):
        status: int = given.work(given)
    return status


def command_parser() -> argparse.ArgumentParser:
    """The parser of the whole command, which knows what each verb does."""
    parser = argparse.ArgumentParser(
        "ddbench",
        usage="ddbench VERB [ARGUMENTS]",
        description="ddbench compares methods of dataset distillation.",
        epilog=EXAMPLES,
        formatter_class=layout,
    )
    parser.add_argument("--version", action="store_true", help="show the version and exit")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB [ARGUMENTS]")
    for name, verb in VERBS.items():
        verbs.add_parser(name, help=verb.SUMMARY)
    return parser


def verb_parser(name: str) -> VerbParser:
    """The parser of one verb.

    Raises:
        UserError: for an unknown verb, with similar names.
    """
    if name not in VERBS:
        noun, known = ("option", OPTIONS) if name.startswith("-") else ("verb", VERBS)
        raise unknown_name(noun, name, known)
    parser = VerbParser(f"ddbench {name}")
    VERBS[name].define(parser)
    return parser
