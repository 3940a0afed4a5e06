"""The set of images that APM moves: what is kept of it, and that keeping less changes little."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_close
from torch import Tensor

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.training.lab import Lab

pytestmark = pytest.mark.numerical
COUNT, STEPS, BATCH = 60, 40, 7


@pytest.fixture(scope="module")
def stores(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_image_store")


@pytest.fixture(scope="module")
def lab(tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with opened(tiny(tmp_path_factory.mktemp("store"), "method=random"), quiet=True) as (lab, _):
        yield lab


@pytest.fixture
def store(stores: ModuleType, lab: Lab, room: Callable[[str], ModuleType]) -> Callable[..., Any]:
    """A store of digits by its number format."""

    def make(held: str = "float32", momentum: float = 0.5) -> Any:
        descent = room("_lazy_momentum").Descent(0.7, momentum, 0.3, STEPS // 2)
        return stores.ImageStore(lab.real, torch.arange(COUNT) * 5, descent, stores.Held[held])

    return make


def gradients(scale: float = 0.02) -> list[tuple[Tensor, Tensor]]:
    """Mini-batches and gradients of a whole course."""
    generator = torch.Generator().manual_seed(3)
    return [
        (
            torch.randperm(COUNT, generator=generator)[:BATCH].sort().values,
            scale * torch.randn(BATCH, 1, 8, 8, generator=generator),
        )
        for _ in range(STEPS)
    ]


def moved(store: Any, course: list[tuple[Tensor, Tensor]], first: int = 0) -> Tensor:
    """All images after the updates of a course."""
    for step, (index, gradient) in enumerate(course, first):
        visit = store.visit(index, step)
        generator = torch.Generator().manual_seed(step)
        store.update(visit, gradient, step, generator)
    return torch.cat([part for _, part in store.parts(first + len(course))])


def test_float32_equals_sgd_on_the_whole_set(store: Callable[..., Any], lab: Lab) -> None:
    made = store()
    eager = lab.real.images(made.positions).double().requires_grad_()
    optimiser = torch.optim.SGD([eager], lr=0.7, momentum=0.5)
    for step, (index, gradient) in enumerate(gradients()):
        eager.grad = torch.zeros_like(eager)
        eager.grad[index] = gradient.double()
        optimiser.param_groups[0]["lr"] = 0.7 * (0.3 if step >= STEPS // 2 else 1)
        optimiser.step()
    result = moved(made, gradients())
    assert_close(result, eager, terms=4 * STEPS)  # four roundings an update


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_half_agrees_with_float32(store: Callable[..., Any], momentum: float) -> None:
    exact, half = (moved(store(held, momentum), gradients()) for held in ("float32", "half"))
    start = torch.cat([part for _, part in store().parts(0)])
    way = (exact - start).abs().mean()
    assert way > 0.01
    assert (half - exact).abs().mean() < 0.01 * way
    assert (half - exact).abs().max() < 0.05 * way


def test_images_begin_as_the_real_ones(store: Callable[..., Any], lab: Lab) -> None:
    for held in ("float32", "half"):
        made = store(held)
        index, images = next(made.parts(0))
        assert torch.equal(index, torch.arange(COUNT))
        assert torch.equal(images, lab.real.images(made.positions))


def test_visiting_alone_keeps_nothing(store: Callable[..., Any]) -> None:
    """A step may be abandoned in the middle and repeated."""
    made = store("half")
    moved(made, gradients())
    before = {name: tensor.clone() for name, tensor in made.state_dict().items()}
    visit = made.visit(torch.tensor([0, 3]), STEPS)
    made.images(visit).add_(1)
    visit.change.add_(1)
    list(made.parts(STEPS))
    for name, tensor in made.state_dict().items():
        assert torch.equal(tensor, before[name])


@pytest.mark.parametrize("held", ["float32", "half"])
def test_saved_store_goes_on_bit_for_bit(held: str, store: Callable[..., Any]) -> None:
    course, half = gradients(), STEPS // 2
    first, second = store(held), store(held)
    moved(first, course[:half])
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    undisturbed = moved(first, course[half:], half)
    file.seek(0)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(moved(second, course[half:], half), undisturbed)


@pytest.mark.parametrize(("held", "bytes_a_pixel"), [("float32", 8), ("half", 4)])
def test_apm_holds_so_many_bytes_an_image_and_a_position_and_a_step(
    held: str, bytes_a_pixel: int, tiny: Callable[..., RunRequest], tmp_path: Any
) -> None:
    """Everything that APM keeps between updates and that grows with the set, after an update."""
    words = ["method=apm", "ipc=3", "method.images_per_update=5", f"method.held={held}"]
    request = tiny(tmp_path, *words, "model.width=8")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["apm"](Task(request.task, lab), request.method.settings)
        method.begin()
        method.step(0)
        images = 30
        assert method.store.held_bytes == images * (bytes_a_pixel * 64 + 8 + 8)
        state = {**method.state_dict()["images"], "labels": method.labels}
        assert sum(t.numel() * t.element_size() for t in state.values()) == (
            images * (bytes_a_pixel * 64 + 8 + 8)
        )
        large = [
            name
            for name, value in vars(method).items()
            if isinstance(value, Tensor) and value.numel() > images
        ]
        assert large == []


def test_apm_in_half_agrees_with_apm_in_float32(
    tiny: Callable[..., RunRequest], tmp_path: Any
) -> None:
    """Networks see the difference, too: students are trained on the images and act back on them."""
    words = ["method=apm", "ipc=2", "method.iterations=8", "method.image_rate=10", "model.width=8"]
    ends, ways = [], []
    for held in ("float32", "half"):
        request = tiny(tmp_path, *words, "method.images_per_update=12", f"method.held={held}")
        with opened(request, quiet=True) as (lab, _):
            task = Task(request.task, lab)
            method: Any = METHODS["apm"](task, request.method.settings)
            method.begin()
            for i in range(method.total_steps):
                method.step(i)
            ends.append(method.finish())
            ways.append((ends[-1].images - lab.real.images(task.real_subset())).abs().mean())
    exact, half = ends
    assert ways[0] > 0.05
    assert (half.images - exact.images).abs().mean() < 0.02 * ways[0]
    assert (half.soft_labels - exact.soft_labels).abs().mean() < 0.02


def test_apm_in_half_continues_bit_for_bit(tiny: Callable[..., RunRequest], tmp_path: Any) -> None:
    words = ["method=apm", "method.iterations=4", "method.images_per_update=6"]
    request = tiny(tmp_path, *words, "method.held=half", "model.width=8")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)

        def begun() -> Any:
            method = METHODS["apm"](task, request.method.settings)
            method.begin()
            return method

        def ended(method: Any, first: int) -> bytes:
            for i in range(first, 4):
                task.stream("step", i).seed_global()
                method.step(i)
            made: bytes = method.finish().to_bytes()
            return made

        first, second = begun(), begun()
        for i in range(2):
            task.stream("step", i).seed_global()
            first.step(i)
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        undisturbed = ended(first, 2)
        file.seek(0)
        second.load_state_dict(torch.load(file, weights_only=True))
        assert ended(second, 2) == undisturbed


@pytest.mark.parametrize(("kind", "step"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_rounding_is_to_a_neighbour_and_right_on_average(
    kind: str, step: float, stores: ModuleType
) -> None:
    """Between 1/2 and 1 neighbours lie `step` apart; 0.3 of the way goes up 3 times in 10."""
    generator = torch.Generator().manual_seed(0)
    values = torch.full((100_000,), 0.5 + 0.3 * step)
    for sign in (1, -1):
        rounded = stores.rounded(sign * values, getattr(torch, kind), generator)
        assert rounded.dtype is getattr(torch, kind)
        assert set(rounded.float().tolist()) == {sign * 0.5, sign * (0.5 + step)}
        up = float((rounded.float().abs() > 0.5).float().mean())
        assert up == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_rounding_keeps_what_the_format_holds_and_what_is_no_number(
    kind: str, stores: ModuleType
) -> None:
    generator = torch.Generator().manual_seed(0)
    exact = torch.tensor([0.0, -0.0, 1.0, -1.5, 0.25, 384.0])
    held = stores.rounded(exact, getattr(torch, kind), generator)
    assert torch.equal(held.float(), exact)
    odd = stores.rounded(
        torch.tensor([float("inf"), -float("inf"), float("nan")]), getattr(torch, kind), generator
    )
    assert odd[:2].tolist() == [float("inf"), -float("inf")]
    assert odd.isnan().tolist() == [False, False, True]


def test_small_steps_add_up_in_half(store: Callable[..., Any]) -> None:
    """Each update is a tenth of float16's spacing there; rounding to nearest would lose them."""
    made = store("half", momentum=0.0)
    everything = torch.arange(COUNT)
    first = made.visit(everything, 0)
    shape = first.change.shape
    made.update(first, torch.full(shape, -0.6 / 0.7), 0, torch.Generator().manual_seed(0))
    tiny_step = 0.1 * 2.0**-11
    steps = range(1, STEPS // 2)
    for step in steps:
        visit = made.visit(everything, step)
        gradient = torch.full(shape, -tiny_step / 0.7)
        made.update(visit, gradient, step, torch.Generator().manual_seed(step))
    way = float(made.change.float().mean()) - 0.6
    assert way == pytest.approx(tiny_step * len(steps), rel=0.2)
