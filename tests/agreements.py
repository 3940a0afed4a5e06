"""References that DATM, IDC and RaT-BPTT must agree with; tests check them, and plant mistakes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from closeness import assert_agrees, assert_close, summed_terms
from naive import (
    soft_trajectory_gradients,
    tiles_loss,
    truncated_adam_gradient,
    with_gradient,
)
from torch import Tensor
from torch.func import functional_call

from ddbench.data.augmentation.dsa import DSA
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.distilling.tiles import decode_tiles, encode_tiles
from ddbench.models.model import Model
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

SHAPE = (3, 8, 8)
Found = Sequence[Tensor]
Check = Callable[[Found], None]


@dataclass(frozen=True)
class Given:
    """The inputs on which agreements are checked.

    Args:
        room: returns a module of the folder of methods by its name.
        network: makes a float64 network from a seed.
        images: makes a given number of float64 images from a seed.
        request: makes a run of about a second from words.
    """

    room: Callable[[str], ModuleType]
    network: Callable[..., Model]
    images: Callable[..., Tensor]
    request: Callable[..., RunRequest]

    @contextmanager
    def begun(self, name: str, *words: str) -> Iterator[Any]:
        """A method of that name that has begun."""
        request = self.request(f"method={name}", "model.width=8", *words)
        with opened(request, quiet=True) as (lab, _):
            method: Any = METHODS[name](Task(request.task, lab), request.method.settings)
            method.begin()
            yield method


def soft_student(given: Given, gradient: str = "unrolled_gradient") -> tuple[Found, Check]:
    """DATM's loss and gradients for images, labels and rate, and how they are checked.

    Three steps on mini-batches of five images, one of which is seen twice.
    """
    matching, soft = given.room("_trajectory_matching"), given.room("_soft_students")
    walker, order = given.network(), [[0, 1, 2], [3, 4], [4, 0]]
    names = [name for name, _ in walker.named_parameters()]
    images = given.images(5)
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    step_size = torch.tensor(0.3).double()
    start, target = ([p.detach() for p in given.network(seed).parameters()] for seed in (1, 2))

    def forward(step: int, parameters: Sequence[Tensor], batch: Tensor) -> Tensor:
        return functional_call(walker, dict(zip(names, parameters, strict=True)), batch)

    student = matching.Student(
        soft.soft_loss(forward, SHAPE),
        soft.joined(images, logits),
        [torch.tensor(positions) for positions in order],
        start,
        target,
        step_size,
    )
    taught = getattr(matching, gradient)(student)

    def check(found: Found) -> None:
        learned = images, logits, step_size
        assert_agrees(
            found,
            lambda: soft_trajectory_gradients(forward, learned, order, start, target),
            [*learned, *start, *target],
            terms=6 * len(order) * summed_terms(walker, images),
        )

    return (taught.loss, *soft.parted(taught.images, SHAPE), taught.step_size), check


def window_moves_on(given: Given) -> None:
    """The end of DATM's window moves on and then stays."""
    latest = given.room("datm").latest_start
    assert [latest(i, 10, 20, 1000) for i in (0, 99, 100, 550, 1000, 5000)] == [
        10, 10, 11, 15, 20, 20,
    ]  # fmt: skip
    assert latest(0, 10, 20, 0) == 20


def students_start_within_the_window(given: Given) -> None:
    """Students of DATM start after every epoch of the window, and after no other."""
    words = (
        "method.trajectory_epochs=6", "method.min_start_epoch=1", "method.max_start_epoch=4",
        "method.first_max_start_epoch=2", "method.window_iterations=20",
    )  # fmt: skip
    with given.begun("datm", *words) as method:
        starts = [method.segment(i)[1] for i in range(100)]
    assert set(starts[:10]) == {1}
    assert set(starts[20:]) == {1, 2, 3}


def all_that_datm_learns_moves_by_momentum(given: Given) -> None:
    """Images, labels and step size do; a student whose loss is above the limit changes none."""
    matching, soft = given.room("_trajectory_matching"), given.room("_soft_students")
    words = (
        "method.loss_limit=1", "method.image_rate=0.3", "method.label_rate=0.2",
        "method.step_size_rate=0.001", "method.image_momentum=0.5", "method.label_momentum=0.9",
        "method.step_size_momentum=0.6", "method.step_size_form=plain",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    with given.begun("datm", *words) as method:
        learned = [method.images, method.targets, method.step_size]
        kinds = ((0.3, 0.5), (0.2, 0.9), (0.001, 0.6))  # rate and momentum of each
        expected = [value.double() for value in learned]
        velocities = [torch.zeros_like(value) for value in expected]
        for loss in (0.5, 1.5, 1.0, 0.2):
            found = [torch.randn(one.shape, generator=generator).double() for one in expected]
            images, targets, step_size = (one.float() for one in found)
            rows = soft.joined(images, targets)
            method.update(matching.Gradient(torch.tensor(loss), rows, step_size))
            if loss <= 1:
                for k, (rate, momentum) in enumerate(kinds):
                    velocities[k] = momentum * velocities[k] + found[k]
                    expected[k] = expected[k] - rate * velocities[k]
        for actual, wanted in zip(
            (method.images, method.targets, method.step_size), expected, strict=True
        ):
            assert_close(actual, wanted.float(), terms=20)


def tiles(given: Given, factor: int = 2) -> tuple[Found, Check]:
    """IDC's distance and gradient for a class, and how they are checked.

    Two images, four real ones, and one colour, crop and cutout for both.
    """
    network, images, real, dsa = given.network(), given.images(2), given.images(4, 1), DSA()
    generator = torch.Generator().manual_seed(0)
    draws = [dsa.draw_of(name, 1, 8, 8, generator) for name in ("color", "crop", "cutout")]

    def augment(batch: Tensor) -> Tensor:
        for draw in draws:
            batch = dsa.apply(batch, draw)
        return batch

    found = given.room("idc").matching_gradient(
        network, real, images, 1, lambda stored: decode_tiles(stored, factor), augment
    )

    def check(found: Found) -> None:
        assert_agrees(
            found,
            lambda: with_gradient(
                lambda leaf: tiles_loss(leaf, real, 1, network, factor, augment), images
            ),
            [images, real, *network.parameters()],
            # Forward, backward to the parameters, and both again to the images; sums over pixels of
            # maps for a filter, and over filters for the distance.
            terms=6 * summed_terms(network, images) + 2 * 64 + 200,
        )

    return found, check


def tiles_of_a_class(given: Given) -> None:
    """IDC takes all tiles of a class, and augments them and real images by the same operations.

    The operations are drawn once, in order, from the class's generator for the step.
    """
    words = "ipc=2", "method.real_batch=5"
    with given.begun("idc", *words) as method, pytest.MonkeyPatch.context() as patch:
        task, idc, step, class_id = method.task, given.room("idc"), 3, 1
        (real,) = idc.real_batches(task, [class_id], 5, step)
        real, images = real.double(), method.images[2:4].double()
        patch.setattr(idc, "real_batches", lambda *arguments: [real])
        method.grey = method.grey.double()
        network = task.new_network("seen").double()
        found = method.of_class(network, class_id, images, step)
        dsa, generator = method.augmentation, task.generator("matching", step, class_id)
        draws = [dsa.draw_of(name, 1, 8, 8, generator) for name in ("color", "crop", "cutout")]

        def augment(batch: Tensor) -> Tensor:
            for draw in draws:
                batch = dsa.apply(batch, draw)
            return batch

        assert_agrees(
            found,
            lambda: with_gradient(
                lambda leaf: tiles_loss(leaf, real, class_id, network, 2, augment), images
            ),
            [images, real, *network.parameters()],
            terms=6 * summed_terms(network, images) + 2 * 64 + 200,
        )


def tiles_keep_their_order(given: Given) -> None:
    """Tiles hold their images in the order in which they are decoded, row by row."""
    images = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, 6, 6)
    encoded = encode_tiles(images, 2)
    assert encoded.shape == (2, 3, 6, 6)
    decoded = given.room("idc").decode_tiles(encoded, 2)
    # Tile by tile: the first tiles of both images, then the second ones.
    assert decoded[:, 0, 0, 0].tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
    assert torch.equal(decoded.amin((1, 2, 3)), decoded.amax((1, 2, 3)))


def pixels_move_class_after_class(given: Given) -> None:
    """As by SGD in [0, 1]; each class's update also moves earlier classes' images by momentum."""
    words = "ipc=1", "method.image_rate=0.01", "method.inner_loop=1"
    with given.begun("idc", *words) as method, pytest.MonkeyPatch.context() as patch:
        deviation = method.deviation
        gradients = torch.randn(10, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        patch.setattr(
            method, "of_class", lambda network, c, images, i: (torch.zeros(()), gradients[c])
        )
        before = method.images.clone()
        method.step(0)
        moved = (method.images - before) * deviation  # of pixels
    for c in range(10):
        # g / deviation is the gradient in pixels; momentum .5 in 10 - c updates.
        factor = sum(0.5**k for k in range(10 - c))
        wanted = -0.01 * factor * gradients[c][0] / deviation
        assert torch.allclose(moved[c], wanted, rtol=1e-3, atol=1e-6)


def networks_learn_from_real_images_alone(given: Given) -> None:
    """They learn after each round of classes, for the number of steps that is set."""
    with given.begun("idc", "ipc=1") as method:
        method.step(0)
        training, fresh = method.training, method.task.new_network("network", 0)
        assert training.data is method.task.real
        assert training.steps_done == method.settings.network_steps
        for learned, before in zip(training.network.parameters(), fresh.parameters(), strict=True):
            assert not torch.equal(learned, before)


def adam_unroll(given: Given, window: int = 3) -> tuple[Found, Check]:
    """RaT-BPTT's loss and gradient through the last of five steps, and how they are checked.

    Mini-batches have five images; the loss is measured on four real ones.
    """
    unroll, network = given.room("_adam_unroll"), given.network()
    order, labels, rate = [[0, 1, 2], [3, 4], [4, 0, 2], [1], [2, 3]], [0, 1, 2, 0, 1], 0.01
    names = [name for name, _ in network.named_parameters()]
    images, real, of_images = given.images(5), given.images(4, 1), torch.tensor(labels)
    start = [p.detach() for p in given.network(1).parameters()]

    def logits(parameters: Sequence[Tensor], batch: Tensor) -> Tensor:
        return functional_call(network, dict(zip(names, parameters, strict=True)), batch)

    def loss(step: int, parameters: Sequence[Tensor], batch: Tensor) -> Tensor:
        seen = batch * (1 + step)  # another batch each step
        return F.cross_entropy(logits(parameters, seen), of_images[order[step]])

    def judge(parameters: Sequence[Tensor]) -> Tensor:
        return F.cross_entropy(logits(parameters, real), of_images[:4])

    def judged(parameters: Sequence[Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
        leaves = [p.detach().requires_grad_() for p in parameters]
        value = judge(leaves)
        return value.detach(), torch.autograd.grad(value, leaves)

    steps = [torch.tensor(positions) for positions in order]
    begun = unroll.AdamState.fresh(start)
    found = unroll.truncated_gradient(loss, images, steps, begun, rate, window, judged)

    def check(found: Found) -> None:
        assert_agrees(
            found,
            lambda: truncated_adam_gradient(loss, images, order, start, rate, window, judge),
            [images, real, *start],
            terms=10 * len(order) * summed_terms(network, images),
        )

    return (found.loss, found.images), check
