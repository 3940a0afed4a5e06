"""Every way to choose real images against a naive loop, and what every selection keeps."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from ddbench.distilling.loop import distil
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

SELECTIONS = pytest.mark.parametrize(
    ("module", "function"), [("herding", "herding_order"), ("kcenter", "farthest_first_order")]
)


@pytest.fixture
def features() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(12, 5, generator=generator, dtype=torch.float64)


def naive_herding(features: Tensor, n: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(n):
        rest = [x for x in range(len(features)) if x not in chosen]
        mean = features.mean(0)
        chosen.append(
            min(rest, key=lambda x: (mean - features[[*chosen, x]].mean(0)).norm().item())
        )
    return chosen


def naive_k_center(features: Tensor, n: int) -> list[int]:
    def distance(a: Tensor, b: Tensor) -> float:
        return (a - b).norm().item()

    mean = features.mean(0)
    chosen = [min(range(len(features)), key=lambda x: distance(features[x], mean))]
    while len(chosen) < n:
        rest = [x for x in range(len(features)) if x not in chosen]
        nearest = {x: min(distance(features[x], features[p]) for p in chosen) for x in rest}
        chosen.append(max(rest, key=nearest.__getitem__))
    return chosen


@pytest.mark.parametrize("n", [1, 4, 12])
def test_orders_equal_the_exhaustive_search(
    room: Callable[[str], ModuleType], features: Tensor, n: int
) -> None:
    assert room("herding").herding_order(features, n).tolist() == naive_herding(features, n)
    found = room("kcenter").farthest_first_order(features, n).tolist()
    assert found == naive_k_center(features, n)


@SELECTIONS
def test_copies_of_an_image_are_different_images(
    module: str, function: str, room: Callable[[str], ModuleType]
) -> None:
    order = getattr(room(module), function)(torch.ones(6, 3), 6)
    assert sorted(order.tolist()) == list(range(6))


def hardest_first(difficulty: list[float]) -> list[int]:
    """A selection sort; the first of equally difficult images wins."""
    rest, order = list(range(len(difficulty))), []
    while rest:
        order.append(max(rest, key=difficulty.__getitem__))
        rest.remove(order[-1])
    return order


DIFFICULTY = torch.tensor([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8], dtype=torch.float64)


@pytest.mark.parametrize("skipped", [0, 1, 5, 12])
def test_window_skips_the_hardest_images_and_takes_the_next(
    room: Callable[[str], ModuleType], skipped: int
) -> None:
    order = hardest_first(DIFFICULTY.tolist())
    expected = order[skipped:] + order[:skipped][::-1]
    assert room("difficulty_window").window_order(DIFFICULTY, skipped).tolist() == expected


@pytest.mark.parametrize("easy_first", [False, True])
def test_order_by_difficulty_leaves_equal_images_in_their_order(
    room: Callable[[str], ModuleType], easy_first: bool
) -> None:
    sign = -1 if easy_first else 1
    expected = hardest_first([sign * value for value in DIFFICULTY.tolist()])
    module = room("_dynamics_selection")
    assert module.by_difficulty(DIFFICULTY, easy_first).tolist() == expected
    kept, dropped = module.hardest_dropped(DIFFICULTY, 0.3)
    order = hardest_first(DIFFICULTY.tolist())
    assert kept.tolist() == sorted(order[3:])
    assert dropped.tolist() == order[:3][::-1]


def naive_strata(difficulty: list[float], n: int, strata: int) -> list[int]:
    """Images into bins one by one, then the emptiest bin first."""
    low, high = min(difficulty), max(difficulty)
    bins: list[list[int]] = [[] for _ in range(strata)]
    for image, value in enumerate(difficulty):
        number = 0
        while number < strata - 1 and high - value >= (number + 1) * (high - low) / strata:
            number += 1
        bins[number if high > low else 0].append(image)
    taken: dict[int, list[int]] = {}
    for waiting in range(strata, 0, -1):
        left = n - sum(map(len, taken.values()))
        emptiest = min((b for b in range(strata) if b not in taken), key=lambda b: len(bins[b]))
        taken[emptiest] = bins[emptiest][: left // waiting]
    return [image for number in range(strata) for image in taken[number]]


@pytest.mark.parametrize(("n", "strata"), [(1, 50), (7, 3), (10, 4), (30, 50), (60, 7)])
def test_strata_give_what_a_loop_over_bins_gives(
    room: Callable[[str], ModuleType], n: int, strata: int
) -> None:
    difficulty = torch.randn(60, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = room("ccs").stratified(difficulty, n, strata).tolist()
    assert found == naive_strata(difficulty.tolist(), n, strata)
    assert len(set(found)) == n


def test_images_of_one_difficulty_are_one_stratum(room: Callable[[str], ModuleType]) -> None:
    assert room("ccs").stratified(torch.ones(6), 4, 50).tolist() == [0, 1, 2, 3]


def naive_messages(features: Tensor, scores: list[float], n: int, near: int) -> list[int]:
    """Forward gamma 1, reverse gamma 0.5, edge by edge."""
    count = len(features)
    squared = [[((a - b) ** 2).sum().item() for b in features] for a in features]
    neighbours = [
        sorted((j for j in range(count) if j != i), key=squared[i].__getitem__)[:near]
        for i in range(count)
    ]
    value = [
        scores[i] + sum(math.exp(-squared[i][j]) * scores[j] for j in neighbours[i])
        for i in range(count)
    ]
    chosen: list[int] = []
    while len(chosen) < n:
        best = max((i for i in range(count) if i not in chosen), key=value.__getitem__)
        for j in neighbours[best]:
            value[j] -= math.exp(-0.5 * squared[best][j]) * value[best]
        chosen.append(best)
    return chosen


@pytest.mark.parametrize(("n", "near"), [(1, 3), (6, 2), (12, 3), (12, 50)])
def test_messages_choose_what_a_loop_over_edges_chooses(
    room: Callable[[str], ModuleType], features: Tensor, n: int, near: int
) -> None:
    found = room("d2").message_passing_order(features / 2, DIFFICULTY, n, near, 1.0, 0.5)
    assert found.tolist() == naive_messages(features / 2, DIFFICULTY.tolist(), n, near)


def test_messages_have_nothing_to_choose_in_a_class_of_one(
    room: Callable[[str], ModuleType],
) -> None:
    order = room("d2").message_passing_order(torch.ones(1, 3), torch.ones(1), 1, 5, 1.0, 0.1)
    assert order.tolist() == [0]


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_middle_of_a_class_is_that_by_rank_of_the_distance_to_its_median(
    room: Callable[[str], ModuleType], features: Tensor, n: int
) -> None:
    columns = [sorted(column) for column in features.T.tolist()]
    median = torch.tensor([(column[5] + column[6]) / 2 for column in columns]).double()
    ranked = sorted(range(12), key=lambda x: (features[x] - median).norm().item())
    start = (12 - n) // 2
    found = room("moderate").middle_out_order(features, n).tolist()
    assert sorted(found) == sorted(ranked[start : start + n])


def test_clusters_that_lie_apart_give_each_the_image_nearest_to_its_mean(
    room: Callable[[str], ModuleType], features: Tensor
) -> None:
    places = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
    apart = features + 100 * places[:, None]
    expected = []
    for place in range(3):
        own = [x for x in range(12) if places[x] == place]
        mean = apart[own].mean(0)
        expected.append(min(own, key=lambda x: (apart[x] - mean).norm().item()))
    assert room("kmeans").nearest_to_centres(apart, 3, 0).tolist() == expected


def test_clusters_of_copies_are_filled_up_with_other_images(
    room: Callable[[str], ModuleType],
) -> None:
    found = room("kmeans").nearest_to_centres(torch.ones(6, 3).double(), 4, 0)
    assert len(set(found.tolist())) == 4


def selections() -> list[str]:
    """The names of all methods that choose real images by more than their class."""
    base = importlib.import_module(f"{METHODS.package}._selection").Selection
    return [name for name in METHODS.names() if issubclass(METHODS[name], base)]


def chosen(name: str, tiny: Callable[..., RunRequest], root: Path, *overrides: str) -> list[Any]:
    """Positions that a method chooses, class by class."""
    request = tiny(root, f"method={name}", "model.width=8", *overrides)
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS[name](Task(request.task, lab), request.method.settings)
        method.begin()
        for i in range(method.steps):
            method.step(i)
        method.finish()
        labels = lab.real.labels[method.chosen]
        assert torch.equal(labels.cpu(), method.task.class_ids())
        return [set(part.tolist()) for part in method.chosen.split(method.task.ipc)]


@pytest.mark.parametrize("name", ["random", "random_tiles", *selections()])
def test_what_chooses_real_images_is_a_control(name: str) -> None:
    assert METHODS[name].selects


@pytest.mark.parametrize("name", ["apm", "dm", "frepo", "idc", "mtt", "rat_bptt"])
def test_what_optimises_images_is_none(name: str) -> None:
    assert not METHODS[name].selects


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that the selections of this file share."""
    return tmp_path_factory.mktemp("selections")


@pytest.mark.parametrize("name", selections())
def test_chosen_images_are_of_their_class_and_groups_are_disjoint(
    name: str, tiny: Callable[..., RunRequest], root: Path
) -> None:
    first, second = (chosen(name, tiny, root, "ipc=2", f"group={group}") for group in (0, 1))
    assert all(len(a | b) == 4 for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("ipc", [1, 2])
@pytest.mark.parametrize("name", selections())
def test_another_seed_chooses_other_images_where_the_method_says_so(
    name: str, ipc: int, tiny: Callable[..., RunRequest], root: Path
) -> None:
    first, other = (chosen(name, tiny, root, f"ipc={ipc}", f"seed={seed}") for seed in (0, 1))
    assert (other != first) == METHODS[name].draws_at(ipc)


@pytest.mark.parametrize("name", ["random", *selections()])
def test_images_of_a_control_are_real_ones(
    name: str, tiny: Callable[..., RunRequest], root: Path
) -> None:
    request = tiny(root, f"method={name}", "model.width=8", "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        made = distil(request.method, request.task, lab).distilled.images
        real = {image.numpy().tobytes() for image in lab.real.images(torch.arange(len(lab.real)))}
    assert all(image.numpy().tobytes() in real for image in made)


@pytest.mark.parametrize("name", ["ccs", "d2"])
def test_groups_are_disjoint_where_dropped_images_are_needed(
    name: str, tiny: Callable[..., RunRequest], root: Path
) -> None:
    parts = [
        chosen(name, tiny, root, "ipc=4", "method.dropped=0.97", f"group={group}")
        for group in range(3)
    ]
    for c in range(10):
        assert len(parts[0][c] | parts[1][c] | parts[2][c]) == 12


NESTED = ["aum", "d2", "el2n", "forgetting", "grand", "herding", "kcenter"]


@pytest.mark.parametrize("name", NESTED)
def test_larger_ipc_contains_the_images_of_the_smaller_one(
    name: str, tiny: Callable[..., RunRequest], root: Path
) -> None:
    groups = [chosen(name, tiny, root, "ipc=2", f"group={group}") for group in (0, 1)]
    four = chosen(name, tiny, root, "ipc=4")
    assert four == [a | b for a, b in zip(*groups, strict=True)]


def test_hardest_and_easiest_images_are_those_of_the_stored_dynamics(
    tiny: Callable[..., RunRequest], root: Path
) -> None:
    hard, easy = (
        chosen("aum", tiny, root, "ipc=3", f"method.easy_first={easy}")
        for easy in ("false", "true")
    )
    request = tiny(root, "method=aum", "model.width=8", "ipc=3")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        method: Any = METHODS["aum"](task, request.method.settings)
        dynamics = task.training_dynamics(method.dynamics_recipe(), 1).dynamics(0)
        margins = dynamics.logit_margins.double().mean(0).tolist()
        for c in range(10):
            ranked = sorted(task.class_indices(c).tolist(), key=margins.__getitem__)
            assert hard[c] == set(ranked[:3])
            assert easy[c] == set(ranked[-3:])


def test_window_begins_behind_beta_times_ipc_images(
    tiny: Callable[..., RunRequest], root: Path
) -> None:
    ranked = ["method.score=aum", "ipc=6"]
    whole = chosen("difficulty_window", tiny, root, *ranked, "method.beta=0")
    window = chosen("difficulty_window", tiny, root, *ranked, "method.beta=0.5")
    hardest = chosen("aum", tiny, root, "ipc=3")
    for c in range(10):
        assert whole[c] - window[c] == hardest[c]
        assert len(window[c] & whole[c]) == 3


def test_all_selections_of_a_dataset_share_one_watched_training(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    base = importlib.import_module(f"{METHODS.package}._dynamics_selection").DynamicsSelection
    watching = [name for name in METHODS.names() if issubclass(METHODS[name], base)]
    assert len(watching) >= 6
    for number, name in enumerate(watching):
        chosen(name, tiny, tmp_path, f"ipc={1 + number % 2}", f"seed={number}")
    assert len(list(tmp_path.glob("artefacts/network/*.safetensors"))) == 1
