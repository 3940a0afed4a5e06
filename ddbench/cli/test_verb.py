"""`ddbench test`: does a plugin keep the promises of its kind?"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from ..errors import unknown_name
from .parser import VerbParser

SUMMARY = "does a plugin keep the promises of its kind?"
WORDS = {"holds": "holds  ", "broken": "BROKEN ", "not applicable": "skipped"}


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench test [NAME ...] [--kind KIND] [--traceback]"
    parser.description = """\
Checks methods, evaluators, datasets and models, those of other packages, too, by small runs on
digits in a temporary folder. Every promise of a plugin's kind is one line: holds, BROKEN with the
reason, or skipped where it says nothing of the plugin here. Without a name all plugins of other
packages are checked. Exit status 0: all promises hold; 1: one is broken; 2: there is no such
plugin."""
    parser.epilog = """\
examples
  ddbench test random
  ddbench test --kind evaluator storage memory
"""
    parser.words("NAME", "plugins; none: all those of other packages")
    parser.option("kind", "KIND", "look among one kind alone, such as method")
    parser.flag("traceback", "show where a plugin failed")
    parser.set_defaults(work=test)


def test(given: Namespace) -> int:
    """Check plugins, a line for each promise; 0 when all hold, 1 when one is broken.

    Raises:
        UserError: for an unknown name or kind.
    """
    import tempfile

    from ..runs.registries import REGISTRIES

    plugins = _plugins(given.words, _kinds(given.kind))
    if not plugins:
        print("no other package gives a plugin; name one, such as `ddbench test random`")
        return 0

    from ..runtime.device import Execution, process_settings_restored

    broken = []
    with (
        tempfile.TemporaryDirectory(prefix="ddbench-test-") as folder,
        process_settings_restored(),
    ):
        Execution.start("cpu", 1)
        for kind, name in plugins:
            if not _test_one(kind, name, Path(folder), given.traceback):
                broken.append(f"{REGISTRIES[kind].noun} {name}")
    held = len(plugins) - len(broken)
    print(f"{held} of {len(plugins)} plugins keep their promises", end="")
    print(f"; broken: {', '.join(broken)}" if broken else "")
    return int(bool(broken))


def _test_one(kind: str, name: str, folder: Path, shown: bool) -> bool:
    """Print the verdicts on one plugin; returns whether all its promises hold."""
    import traceback

    from ..runs.registries import REGISTRIES
    from ..testing import checks, verdicts

    print(f"{REGISTRIES[kind].noun} {name}", flush=True)
    tried, kept = 0, True
    for verdict in verdicts(kind, name, folder):
        tried += 1
        reason = f": {verdict.reason}" if verdict.reason else ""
        print(f"  {WORDS[verdict.state]} {verdict.check.promise}{reason}", flush=True)
        if verdict.state == "broken":
            kept = False
            if shown and verdict.error is not None:
                print("".join(traceback.format_exception(verdict.error)), end="")
    left = len(checks(kind)) - tried
    if left:
        print(f"  {left} more promises depend on this one and were not checked")
    return kept


def _kinds(given: str | None) -> list[str]:
    """The kinds of plugin to look among; both "method" and "methods" name one."""
    from ..runs.registries import REGISTRIES

    known = {registry.noun: kind for kind, registry in REGISTRIES.items()}
    if given is None:
        return list(REGISTRIES)
    if given in REGISTRIES:
        return [given]
    if given not in known:
        raise unknown_name("kind", given, known)
    return [known[given]]


def _plugins(names: Sequence[str], kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Kind and name of each plugin to test; without names, all of other packages."""
    from ..runs.registries import REGISTRIES

    if not names:
        return [(kind, name) for kind in kinds for name in REGISTRIES[kind].foreign_names()]
    found = []
    for name in names:
        own = [(kind, name) for kind in kinds if name in REGISTRIES[kind]]
        if not own:
            noun = "plugin" if len(kinds) > 1 else REGISTRIES[kinds[0]].noun
            raise unknown_name(noun, name, {one for kind in kinds for one in REGISTRIES[kind]})
        found += own
    return list(dict.fromkeys(found))
