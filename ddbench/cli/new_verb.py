"""`ddbench new`: generate a package for a plugin of the user's own."""

from __future__ import annotations

import shlex
from argparse import Namespace
from pathlib import Path

from ..errors import unknown_name
from .parser import VerbParser, one_is_needed

SUMMARY = "write a package for a method, evaluator, dataset, model or importer of your own"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench new KIND NAME [--to FOLDER]"
    parser.description = """\
Writes a package that installs, with a small plugin that works, a test of what ddbench relies on,
and a workflow for GitHub that runs it. KIND is method, evaluator, dataset, model or importer."""
    parser.epilog = """\
examples
  ddbench new method mine
  ddbench new dataset stripes --to ~/stripes
"""
    parser.words("KIND NAME", "the kind of plugin, and what it is called")
    parser.option("to", "FOLDER", "where it is written (default: ./ddbench-NAME)")
    parser.set_defaults(work=new)


def new(given: Namespace) -> int:
    """Write the package and print what comes next.

    Raises:
        UserError: for an unknown kind, a name that is taken or not allowed, or a folder that is
            not empty.
    """
    from ..plugins.new_package import KINDS, check_new, package_files, write_package
    from ..runs.registries import REGISTRIES

    if len(given.words) != 2:
        wanted = "a kind and a name, such as `ddbench new method mine`"
        raise one_is_needed("new", wanted, given.words)
    noun, name = given.words
    if noun not in KINDS:
        raise unknown_name("kind", noun, KINDS)
    check_new(noun, name, name in REGISTRIES[f"{noun}s"])
    made = package_files(noun, name)
    folder = Path(given.to or f"ddbench-{name}").expanduser()
    write_package(made, folder)
    print(f"{folder}:")
    for file in made:
        print(f"  {file}")
    print(f"\nnext\n  cd {shlex.quote(str(folder))}\n  pip install -e '.[test]'")
    print(f"  ddbench test {name}\n  pytest")
    return 0
