"""What FTD adds to MTT: its average and its experts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from closeness import assert_close
from torch import Tensor

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

pytestmark = pytest.mark.numerical


@pytest.mark.parametrize("decay", [0.0, 0.9, 1.0])
def test_average_equals_the_weighted_sum_of_all_images_that_were(
    room: Callable[[str], ModuleType], small_images: Callable[..., Tensor], decay: float
) -> None:
    values = [small_images(2, seed) for seed in range(5)]
    average = values[0]
    for value in values[1:]:
        average = room("ftd").moving_average(average, value, decay)
    weights = [decay**4] + [(1 - decay) * decay ** (4 - k) for k in range(1, 5)]
    expected = sum(w * value for w, value in zip(weights, values, strict=True))
    assert_close(average, expected, terms=3 * len(values))


def test_product_is_the_average_and_experts_are_trained_by_gsam(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=ftd", "model.width=8", "method.surrogate_gap=0.3")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["ftd"](Task(request.task, lab), request.method.settings)
        recipe = method.expert_recipe()
        assert (recipe.optimiser, recipe.sharpness_radius, recipe.surrogate_gap) == (
            "gsam", 0.01, 0.3,
        )  # fmt: skip
        method.begin()
        method.step(0)
        made = method.finish().images
        decay = request.method.settings.image_average
        assert_close(made, decay * method.start + (1 - decay) * method.images, terms=3)
