"""What every tracker promises: little, since a run needs nothing from it."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

from ..runs.execute import execute
from ..runtime.tracking import TRACKERS, Tracker
from .common import format_checks, tiny_request
from .promise import Check, NotApplicable, require


def names_what_it_needs(name: str, folder: Path) -> None:
    """`needs` is None, or a module by its dotted name."""
    needed = TRACKERS[name].needs
    words = needed.split(".") if isinstance(needed, str) else []
    named = bool(words) and all(word.isidentifier() for word in words)
    require(needed is None or named, f"needs is {needed!r}, no module's name")


def is_made_without_what_it_needs(name: str, folder: Path) -> None:
    """Only a run imports the library: listing and checking a tracker must not need it."""
    plugin = TRACKERS[name]
    with patch.dict(sys.modules, {} if plugin.needs is None else {plugin.needs: None}):
        plugin()


def follows_a_run(name: str, folder: Path) -> None:
    """It accepts everything that a run reports to it."""
    plugin = TRACKERS[name]
    if plugin.needs is not None:
        raise NotApplicable(f"it would write to what {plugin.needs} is set up for")
    request = tiny_request(
        folder / name, "method=random", "model.width=8", "protocols=[hard]", "control=null"
    )
    log = execute(request, quiet=True, trackers=[plugin()]).folder / "log.txt"
    left_out = [line for line in log.read_text("utf-8").splitlines() if "is left out" in line]
    require(not left_out, "".join(left_out[:1]))


CHECKS = (
    *format_checks(TRACKERS, Tracker),
    Check("names the module that it needs, or none", names_what_it_needs),
    Check("is made without what it needs", is_made_without_what_it_needs),
    Check("takes all that a run tells it", follows_a_run),
)
