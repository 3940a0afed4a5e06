"""`ddbench show`: resolved settings with their sources, without running."""

from __future__ import annotations

from argparse import Namespace

from .parser import VerbParser

SUMMARY = "the settings of a run and where each value comes from, without running it"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench show [--json] [KEY=VALUE ...]"
    parser.description = """\
Prints what `ddbench run` with the same keys would do, without doing it: every setting with its
value and where that comes from (given, a published recipe, scaled by the budget, or default)."""
    parser.epilog = """\
examples
  ddbench show method=apm
  ddbench show method=apm dataset=cifar10 ipc=50 budget=paper
  ddbench show --json method=apm
"""
    parser.open_keys = True
    parser.words("KEY=VALUE", "as for `ddbench run`")
    parser.config_dir()
    parser.flag("json", "JSON in place of the tables")
    parser.set_defaults(work=show)


def show(given: Namespace) -> int:
    """Print what a run would do."""
    from ..runs.compose import request_of

    request = request_of(given.words)
    if given.json:
        from ..runs.assemble_record import configuration
        from ..store.files import json_text

        print(json_text({**configuration(request), "notes": list(request.method.notes)}))
    else:
        from .request_tables import request_tables

        print(request_tables(request))
    return 0
