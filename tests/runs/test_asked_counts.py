"""How many images a run asks for: `ipc` as a number, max or a list, and `ratio`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from omegaconf import MISSING, OmegaConf

from ddbench.data.registry import DATASETS
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.loop import MethodSkips
from ddbench.distilling.method import Method
from ddbench.distilling.registry import METHODS
from ddbench.errors import UserError
from ddbench.runs.asked_counts import Counts, asked_counts
from ddbench.runs.assemble_record import run_key
from ddbench.runs.compose import request_of
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest

Tiny = Callable[..., RunRequest]
LONG_TAIL, BALANCED = (500, 170, 58, 20, 7, 2, 1), (300, 300, 300)


def asked(there: tuple[int, ...], ipc: Any = MISSING, ratio: float | None = None) -> Counts:
    dataset = {"name": "example"}
    config = OmegaConf.create({"ipc": ipc, "ratio": ratio, "dataset": dataset})
    return asked_counts(config, lambda: there)


@pytest.mark.parametrize(
    ("there", "ipc", "ratio", "counts"),
    [
        (LONG_TAIL, "max", None, (500, LONG_TAIL)),
        (BALANCED, "max", None, (300, None)),
        (LONG_TAIL, MISSING, 1.0, (500, LONG_TAIL)),
        (BALANCED, MISSING, 1.0, (300, None)),
        (LONG_TAIL, MISSING, 0.1, (50, (50, 17, 6, 2, 1, 1, 1))),
        (BALANCED, MISSING, 0.01, (3, None)),
        (LONG_TAIL, MISSING, 0.002, (1, None)),  # round(1.0); the others at least 1
        (LONG_TAIL, MISSING, 1e-12, (1, None)),
        (LONG_TAIL, MISSING, 0.005, (2, (2, 1, 1, 1, 1, 1, 1))),  # round(2.5) is 2
        (BALANCED, [5, 3, 1], None, (5, (5, 3, 1))),
        (BALANCED, [1, 3, 5], None, (5, (1, 3, 5))),
        (BALANCED, [4, 4, 4], None, (4, None)),
        (BALANCED, ["4", 4, 4], None, (4, None)),
        ((9,), [4], None, (4, None)),
        ((9,), "max", None, (9, None)),
        (BALANCED, "12", None, (12, None)),
        (BALANCED, MISSING, None, (1, None)),
    ],
)
def test_counts_of_each_class(
    there: tuple[int, ...], ipc: Any, ratio: float | None, counts: Counts
) -> None:
    assert asked(there, ipc, ratio) == counts


@pytest.mark.parametrize("ipc", ["Max", "all", "max ", "-1", "٣", "9" * 25, b"max", {}, [[1]], []])
def test_what_is_no_number_of_images_is_one_line(ipc: Any) -> None:
    with pytest.raises(UserError, match="whole number such as 10, or max") as caught:
        asked(BALANCED, ipc)
    assert "\n" not in str(caught.value)


def test_data_are_not_read_for_a_number() -> None:
    config = OmegaConf.create({"ipc": 10, "ratio": None})
    assert asked_counts(config, lambda: pytest.fail("the data were read")) == (10, None)


def test_ratio_that_gives_equal_counts_is_the_same_request_as_ipc(tmp_path: Path) -> None:
    words = [
        "dataset=random_pixels", "dataset.images=200", "dataset.classes=5", "dataset.resolution=8",
        "method=apm", f"runs_root={tmp_path}",
    ]  # fmt: skip
    assert request_of([*words, "ratio=0.05"]) == request_of([*words, "ipc=10"])
    assert request_of([*words, "ratio=1"]) == request_of([*words, "ipc=max"])
    assert request_of([*words, "ipc=max"]) == request_of([*words, "ipc=200"])
    assert request_of([*words, "ipc=[7,7,7,7,7]"]) == request_of([*words, "ipc=7"])
    assert request_of([*words, "ratio=0.05", "validation=0.1"]).task.ipc == 9  # of 180


def test_recipes_are_those_of_the_largest_count() -> None:
    words = ["dataset=digits", "method=mtt", "budget=paper"]
    uneven = request_of([*words, "ipc=[10,1,1,1,1,1,1,1,1,1]"])
    assert uneven.method == request_of([*words, "ipc=10"]).method
    assert uneven.task.class_counts == (10, *[1] * 9)


@pytest.fixture
def long_tail(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Digits whose training split has 40, 13, 4 and then 1 image of each class."""
    load = DATASETS["digits"].load
    kept = dict(enumerate((40, 13, 4, 1, 1, 1, 1, 1, 1, 1)))

    def thinned(self: Any, split: Any) -> Any:
        images, labels = load(self, split)
        if split == "test":
            return images, labels
        rows = np.sort(np.concatenate([np.flatnonzero(labels == c)[:n] for c, n in kept.items()]))
        return images[rows], labels[rows]

    monkeypatch.setattr(DATASETS["digits"], "load", thinned)
    return {str(c): n for c, n in kept.items()}


@pytest.mark.parametrize("how", ["ipc=max", "ratio=1"])
def test_all_images_of_long_tailed_data_are_the_training_split(
    how: str, tiny: Tiny, tmp_path: Path, long_tail: dict[str, int]
) -> None:
    request = tiny(tmp_path, "method=random", "model.width=8", "protocols=[hard]", how)
    outcome = execute(request, quiet=True)
    made = DistilledSet.load(outcome.folder / "distilled.safetensors")
    with opened(request, quiet=True) as (lab, _):
        order = lab.dataset.train.labels.argsort(stable=True)
        whole = lab.real.images(order)
    assert made.labels.bincount().tolist() == list(long_tail.values())
    assert sorted(made.images.flatten(1).tolist()) == sorted(whole.flatten(1).tolist())
    assert outcome.record.task.class_counts == tuple(long_tail.values())
    assert outcome.record.task.ipc == 40
    assert made.provenance["class_counts"] == list(long_tail.values())
    assert "-ipc1-to-40-" in outcome.folder.name


def test_control_of_an_uneven_set_has_its_counts_and_scores_as_itself(
    tiny: Tiny, tmp_path: Path, long_tail: dict[str, int]
) -> None:
    words = ["model.width=8", "protocols=[hard]", "ratio=0.1"]
    record = execute(tiny(tmp_path, "method=dm", *words), quiet=True).record
    alone = execute(tiny(tmp_path, "method=random", *words), quiet=True).record
    assert record.control is not None
    assert record.control.distilled == alone.distilled.sha256
    assert record.task.class_counts == (4, *[1] * 9)
    (own,) = (m for m in alone.measurements if m.metric == "accuracy")
    (beside,) = (
        m
        for m in record.measurements
        if m.metric == "accuracy" and m.coordinates["subject"] == "random"
    )
    assert beside.values == own.values


def test_uneven_counts_move_the_key_and_equal_ones_do_not(tiny: Tiny, tmp_path: Path) -> None:
    def key(*words: str) -> str:
        request = tiny(tmp_path, "method=random", "model.width=8", *words)
        with opened(request, quiet=True) as (lab, _):
            return run_key(request, lab)

    ones = ",1" * 9
    assert key("ratio=0.001") == key("ipc=1") == key(f"ipc=[1{ones}]") == key()
    assert len({key("ipc=3"), key(f"ipc=[3{ones}]"), key(f"ipc=[1,3{ones[2:]}]")}) == 3


def test_method_that_says_nothing_of_class_counts_skips_uneven_ones(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(METHODS["dm"], "needs_equal_counts", Method.needs_equal_counts)
    monkeypatch.setattr(METHODS["dm"], "skip", classmethod(lambda cls, task: None))
    uneven = tiny(tmp_path, "method=dm", "model.width=8", "ipc=[2,1,1,1,1,1,1,1,1,1]")
    with pytest.raises(MethodSkips, match="dm cannot do this task: it needs equally many images"):
        execute(uneven, quiet=True)
    task: Any = SimpleNamespace(spec=SimpleNamespace(class_counts=None))
    assert METHODS["dm"].reason_to_skip(task) is None
