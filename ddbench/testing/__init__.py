"""Does a plugin keep the promises of its kind? `ddbench test NAME`, and the same from a test.

    from ddbench.testing import checks, judge

    @pytest.mark.parametrize("check", checks("methods"), ids=str)
    def test_promise(check, tmp_path):
        assert judge(check, "mine", tmp_path).state != "broken"

Checks are plain functions and need no pytest. Each kind of plugin has a file here with its
`CHECKS`, and a line in `CHECKS` below.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from .datasets import CHECKS as DATASET_CHECKS
from .evaluators import CHECKS as EVALUATOR_CHECKS
from .exporters import CHECKS as EXPORTER_CHECKS
from .importers import CHECKS as IMPORTER_CHECKS
from .methods import CHECKS as METHOD_CHECKS
from .models import CHECKS as MODEL_CHECKS
from .promise import Broken, Check, NotApplicable, Verdict, judge
from .trackers import CHECKS as TRACKER_CHECKS

__all__ = ["CHECKS", "Broken", "Check", "NotApplicable", "Verdict", "checks", "judge", "verdicts"]

CHECKS: dict[str, tuple[Check, ...]] = {
    "methods": METHOD_CHECKS,
    "datasets": DATASET_CHECKS,
    "evaluators": EVALUATOR_CHECKS,
    "models": MODEL_CHECKS,
    "importers": IMPORTER_CHECKS,
    "exporters": EXPORTER_CHECKS,
    "trackers": TRACKER_CHECKS,
}
"""The promises of each kind of plugin, by its name in `ddbench.runs.registries`."""


def checks(kind: str) -> tuple[Check, ...]:
    """The promises of a kind of plugin, such as "methods"."""
    return CHECKS[kind]


def verdicts(kind: str, name: str, folder: Path) -> Iterator[Verdict]:
    """Check a plugin's promises in order, until an essential one is broken.

    Args:
        kind: the kind of plugin, such as "methods".
        name: the plugin's name.
        folder: a folder for stores and files; empty, or used by the checks of other plugins.
    """
    for check in checks(kind):
        verdict = judge(check, name, folder)
        yield verdict
        if verdict.state == "broken" and check.essential:
            return
