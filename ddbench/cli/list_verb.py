"""`ddbench list`: what there is, by name."""

from __future__ import annotations

from argparse import Namespace

from .parser import VerbParser

SUMMARY = "methods, datasets, importers, protocols, experiments, problems, runs …"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = """\
ddbench list methods|datasets|evaluators|models|protocols|experiments|problems [PATTERN] [--json]
       ddbench list runs [PATTERN] [runs_root=FOLDER] [--json]"""
    parser.description = """\
Prints names that match a pattern, each with a one-line description. A run is

  finished    it has left a record
  running     a process is working on it
  stopped     it was asked to stop; the same command continues
  dead        its process is gone, for example killed; the same command continues
  failed      an error of the software; its traceback is named
  mistake     in what was asked for, or on the machine; it is named
  stale       it was begun with another version of torch, which changes results
  unfinished  left by an earlier version of ddbench"""
    parser.epilog = """\
examples
  ddbench list datasets
  ddbench list protocols
  ddbench list runs 'apm-digits-*'
  ddbench list runs --json
"""
    parser.words("KIND", "what is listed, and perhaps a pattern of names such as 'a*'")
    parser.config_dir()
    parser.option("runs_root", "FOLDER", "the runs (default: $DDBENCH_RUNS, else ./runs)")
    parser.flag("json", "a list of JSON objects in place of the table")
    parser.set_defaults(work=list_names)


def list_names(given: Namespace) -> int:
    """Print the names of one kind that match a pattern."""
    from .listing import listing

    print(listing(given.words, given.runs_root, given.json))
    return 0
