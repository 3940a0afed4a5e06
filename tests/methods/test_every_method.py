"""What every method promises; `ddbench.testing.methods` says how each promise is checked.

A new method is found by its file: nothing is added here for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ddbench.distilling.loop import distil
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.testing import Check, checks

Tiny = Callable[..., RunRequest]


@pytest.mark.parametrize("name", METHODS.names())
@pytest.mark.parametrize("check", checks("methods"), ids=str)
def test_method(
    check: Check, name: str, tmp_path: Path, hold: Callable[[Check, str, Path], None]
) -> None:
    hold(check, name, tmp_path)


def test_groups_of_random_start_from_disjoint_real_images(tiny: Tiny, tmp_path: Path) -> None:
    chosen = []
    for group in (0, 1):
        request = tiny(tmp_path, "method=random", "model.width=8", "ipc=3", f"group={group}")
        with opened(request, quiet=True) as (lab, _):
            subset = Task(request.task, lab).real_subset()
            chosen.append(set(subset.tolist()))
            images = distil(request.method, request.task, lab).distilled.images
            assert torch.equal(images, lab.real.images(subset))
    assert len(chosen[0]) == len(chosen[1]) == 30
    assert not chosen[0] & chosen[1]


def test_control_in_a_run_of_apm_is_that_of_its_own_run(tiny: Tiny, tmp_path: Path) -> None:
    """The networks of one method are not charged to another that is made beside it."""
    execute(tiny(tmp_path, "method=apm", "model.width=8", "protocols=[hard]"), quiet=True)
    request = tiny(tmp_path, "method=random", "model.width=8", "protocols=[hard]")
    outcome = execute(request, quiet=True)
    assert outcome.record.networks == ()
    assert "teacher" not in {cost.phase for cost in outcome.record.costs}
