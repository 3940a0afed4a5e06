"""`ddbench list`: what there is, by name."""

from __future__ import annotations

from argparse import Namespace

from .parser import VerbParser

SUMMARY = "methods, datasets, importers, protocols, experiments, problems, runs …"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = """\
ddbench list methods|datasets|evaluators|models|protocols|experiments|problems [PATTERN]
       ddbench list runs [PATTERN] [runs_root=FOLDER]"""
    parser.description = "Prints names that match a pattern, each with what it is in a line."
    parser.epilog = """\
examples
  ddbench list datasets
  ddbench list protocols
  ddbench list runs 'apm-digits-*'
"""
    parser.words("KIND", "what is listed, and perhaps a pattern of names such as 'a*'")
    parser.config_dir()
    parser.option("runs_root", "FOLDER", "the runs (default: $DDBENCH_RUNS, else ./runs)")
    parser.set_defaults(work=list_names)


def list_names(given: Namespace) -> int:
    """Print the names of one kind that match a pattern."""
    from .listing import listing

    print(listing(given.words, given.runs_root))
    return 0
