"""Which cells a sweep has."""

from __future__ import annotations

import pytest

from ddbench.errors import UserError
from ddbench.runs.grid import grid
from ddbench.runs.option_groups import register
from ddbench.scoring.registry import EVALUATORS


def test_cells_are_all_combinations_and_the_last_key_varies_fastest():
    cells = grid(["ipc=1,10", "method=dm", "seed=range(0,2)"]).cells
    assert cells == (
        ("ipc=1", "method=dm", "seed=0"),
        ("ipc=1", "method=dm", "seed=1"),
        ("ipc=10", "method=dm", "seed=0"),
        ("ipc=10", "method=dm", "seed=1"),
    )


def test_a_list_is_one_value_and_lists_can_be_swept_over():
    assert grid(["protocols=[hard,soft]"]).cells == (("protocols=[hard,soft]",),)
    cells = grid(["protocols=[hard],[hard,soft]"]).cells
    assert cells == (("protocols=[hard]",), ("protocols=[hard,soft]",))


def test_a_key_that_is_given_again_has_its_last_values():
    assert grid(["seed=0,1", "ipc=1", "seed=2"]).cells == (("seed=2", "ipc=1"),)


def test_a_pattern_stands_for_names_that_there_are():
    register()
    names = [word for (word,) in grid(["evaluators=glob(s*)"]).cells]
    assert names == [f"evaluators={name}" for name in EVALUATORS.names() if name.startswith("s")]


def test_what_is_for_hydra_is_in_no_cell():
    found = grid(["hydra/launcher=basic", "seed=0,1", "hydra.job.env_set.A=b"])
    assert found.cells == (("seed=0",), ("seed=1",))
    assert found.launching == ("hydra/launcher=basic", "hydra.job.env_set.A=b")


@pytest.mark.parametrize(
    "word", ["hydra/launcher=basic,joblib", "hydra/sweeper=basic", "hydra.sweeper.max_batch_size=2"]
)
def test_what_a_sweep_cannot_do_with_hydra_is_a_mistake(word):
    with pytest.raises(UserError, match="hydra"):
        grid(["seed=0,1", word])
