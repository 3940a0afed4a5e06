"""APM's objective and gradient against independent calculations of the published formulas."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import psutil
import pytest
import torch
from closeness import assert_agrees, assert_close, summed_terms
from naive import apm_loss, with_gradient
from torch import Tensor, nn

from ddbench.data.registry import DATASETS
from ddbench.distilling.method_choice import resolve_method
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec
from ddbench.plugins.presets import preset
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.meters import peak_memory, reset_peak_memory
from ddbench.runtime.randomness import RandomStream
from ddbench.training.budget import Budget

pytestmark = pytest.mark.numerical
CLASSES = 4


@pytest.fixture(scope="module")
def apm() -> ModuleType:
    """The module of the method, found by its registered name."""
    import sys

    return sys.modules[METHODS["apm"].__module__]


def networks(count: int, seed: int = 0) -> list[Model]:
    """Frozen float64 networks for 3x8x8 images."""
    spec = ModelSpec("convnet", {"width": 6, "depth": 2})
    made = [spec.build(3, 8, CLASSES, RandomStream(seed, ("net", k))) for k in range(count)]
    return [network.double().requires_grad_(False).eval() for network in made]


def batch(size: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(size)
    images = torch.randn(size, 3, 8, 8, generator=generator, dtype=torch.float64)
    return images, torch.randint(CLASSES, (size,), generator=generator)


def inputs(images: Tensor, *networks: Model) -> list[Tensor]:
    """What a gradient with respect to the images depends on."""
    return [images, *(weights for network in networks for weights in network.parameters())]


def terms(images: Tensor, *networks: Model) -> int:
    """Forward, backward with two more sums per norm, then over images, networks and classes."""
    return 3 * summed_terms(networks[0], images) + len(images) + len(networks) + CLASSES


@pytest.mark.parametrize("equation_4", [False, True], ids=["released", "equation_4"])
@pytest.mark.parametrize(("k", "alpha", "b"), [(1, 0.1, 1), (2, 0.0, 3), (5, 0.1, 7), (3, 2.5, 4)])
def test_loss_and_image_gradient_equal_the_naive_float64_calculation(
    apm: ModuleType, equation_4: bool, k: int, alpha: float, b: int
) -> None:
    teacher, *students = networks(k + 1)
    images, labels = batch(b)

    def loss(leaf: Tensor) -> Tensor:
        return apm_loss(leaf, labels, teacher, students, alpha, equation_4)

    objective = apm.Objective(apm.Distance.l1, equation_4, alpha, equation_4)
    gradient, scalars = apm.matching_gradient(objective, images, labels, teacher, students, 2)

    assert_agrees(
        (scalars["loss"], gradient),
        lambda: with_gradient(loss, images),
        inputs(images, teacher, *students),
        terms=terms(images, teacher, *students),
    )


@pytest.mark.parametrize("distance", ["l1", "mse", "kl"])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("per_checkpoint", [False, True])
def test_gradient_is_the_same_for_every_segment_size(
    apm: ModuleType, distance: str, log: bool, per_checkpoint: bool
) -> None:
    teacher, *students = networks(4)
    images, labels = batch(7)
    objective = apm.Objective(apm.Distance[distance], log, 0.3, per_checkpoint)

    def results(segment: int) -> list[Tensor]:
        gradient, scalars = apm.matching_gradient(
            objective, images, labels, teacher, students, segment
        )
        return [gradient, *scalars.values()]

    for segment in (1, 2, 5, 7, 100):
        assert_agrees(
            results(segment),
            lambda: results(0),
            inputs(images, teacher, *students),
            terms=terms(images, teacher, *students),
        )


@pytest.mark.parametrize("distance", ["l1", "mse", "kl"])
def test_distance_is_zero_for_equal_logits_and_its_logarithm_stays_finite(
    apm: ModuleType, distance: str
) -> None:
    logits = torch.randn(5, CLASSES, generator=torch.Generator().manual_seed(0))
    d = apm.Distance[distance]
    assert not d(logits, logits).any()
    term = apm.Objective(d, log=True).matching(logits, logits.clone().requires_grad_())
    assert term.isfinite().all()


def test_kl_equals_its_definition(apm: ModuleType) -> None:
    generator = torch.Generator().manual_seed(0)
    t, s = (torch.randn(6, CLASSES, generator=generator, dtype=torch.float64) for _ in range(2))
    p, q = t.softmax(1), s.softmax(1)
    expected = (p * (p / q).log()).sum(1)
    sizes = (p * (p / q).log().abs()).sum(1)
    condition = float(sizes.max() / expected.max())
    # Two sums of exponentials, and a third one of their products.
    assert_close(apm.Distance.kl(t, s), expected, terms=3 * CLASSES, condition=condition)


def test_networks_receive_no_gradient(apm: ModuleType) -> None:
    teacher, *students = networks(3)
    images, labels = batch(4)
    apm.matching_gradient(apm.Objective(), images, labels, teacher, students, 0)
    for network in (teacher, *students):
        assert all(parameter.grad is None for parameter in network.parameters())
    assert not images.requires_grad


def test_lazy_momentum_equals_sgd_on_the_whole_set(apm: ModuleType) -> None:
    """torch's SGD over all images, with a zero gradient outside each mini-batch."""
    generator = torch.Generator().manual_seed(1)
    count, steps = 9, 20
    start = torch.randn(count, 1, 2, 2, generator=generator, dtype=torch.float64)
    descent = apm.Descent(rate=0.7, momentum=0.5, decay=0.3, decay_step=steps // 2)

    eager = start.clone().requires_grad_()
    optimiser = torch.optim.SGD([eager], lr=0.7, momentum=0.5)
    images, velocity = start.clone(), torch.zeros_like(start)
    last = torch.full((count,), -1)
    for step in range(steps):
        index = torch.randperm(count, generator=generator)[: 1 + step % 4]
        gradient = torch.randn(len(index), 1, 2, 2, generator=generator, dtype=torch.float64)

        eager.grad = torch.zeros_like(eager)
        eager.grad[index] = gradient
        optimiser.param_groups[0]["lr"] = 0.7 * (0.3 if step >= steps // 2 else 1)
        optimiser.step()

        part, speed = images[index], velocity[index]
        descent.coast(part, speed, last[index], step)
        expected = eager.detach()[index] + descent.rate_at(step) * (0.5 * speed + gradient)
        assert_close(part, expected, terms=4 * steps)
        descent.update(part, speed, gradient, step)
        images[index], velocity[index], last[index] = part, speed, step
    descent.coast(images, velocity, last, steps)
    assert_close(images, eager, terms=4 * steps)


@pytest.mark.skipif(not psutil.LINUX, reason="the peak can be reset on Linux alone")
def test_peak_memory_falls_with_the_segment(apm: ModuleType) -> None:
    spec = ModelSpec("convnet", {"width": 32, "depth": 2})
    teacher, *students = (
        spec.build(3, 32, 10, RandomStream(0, (k,))).requires_grad_(False) for k in range(3)
    )
    images = torch.randn(256, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.zeros(256, dtype=torch.int64)
    cpu = torch.device("cpu")

    def peak(segment: int) -> int:
        # Measured after a first call. The allocator keeps what earlier calls needed, so a smaller
        # one would show less; hence from small to large.
        reset_peak_memory(cpu)
        before = psutil.Process().memory_info().rss
        apm.matching_gradient(apm.Objective(), images, labels, teacher, students, segment)
        return peak_memory(cpu)[0] - before

    peak(8)
    small, large = peak(16), peak(256)
    assert small < large / 2, (small, large)


def test_more_checkpoints_than_epochs_are_refused() -> None:
    with pytest.raises(UserError, match="student_epochs=3: must be at least checkpoints=5"):
        METHODS["apm"].Settings(student_epochs=3)


def test_published_checkpoints_lie_behind_the_epochs_of_the_released_loop(
    apm: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K = 5 and E = 250: weights after 51, 101, 151, 201 and 251 epochs; the rate falls at 126."""
    seen = {}

    class Spy:
        device = torch.device("cpu")

        def new_network(self, *_: object) -> None: ...
        def stream(self, *_: object) -> None: ...
        def train(self, network: object, data: object, recipe: object, stream: object) -> object:
            seen["recipe"] = recipe
            return {epoch: epoch for epoch in recipe.snapshot_epochs}  # type: ignore[attr-defined]

    method = copy.copy(METHODS["apm"].__new__(METHODS["apm"]))
    method.task, method.settings = Spy(), METHODS["apm"].Settings()
    kept = method._train_student(0, torch.zeros(2, 1, 8, 8), torch.zeros(2, CLASSES))
    assert kept == [51, 101, 151, 201, 251]
    assert seen["recipe"].epochs == 251
    assert seen["recipe"].milestones == (126,)
    assert seen["recipe"].rate_at(125) == pytest.approx(0.02)
    assert seen["recipe"].rate_at(126) == pytest.approx(0.002)


@pytest.mark.parametrize(
    ("choice", "epochs"),
    [
        ("spread", [51, 101, 151, 201, 251]),  # the released loop's, counted from 1
        ("first", [1, 2, 3, 4, 5]),
        ("last", [247, 248, 249, 250, 251]),
    ],
)
def test_checkpoints_are_kept_behind_these_epochs(
    apm: ModuleType, choice: str, epochs: list[int]
) -> None:
    assert apm.checkpoint_epochs(apm.CheckpointChoice[choice], 250, 5) == epochs


def controls_loss(
    images: Tensor, labels: Tensor, teacher: nn.Module, k: int, alpha: float, grow: bool
) -> Tensor:
    """Equation 4 without a student, image by image and class by class, in float64."""
    total = torch.zeros((), dtype=torch.float64)
    for image, label in zip(images, labels, strict=True):
        t = teacher(image[None])[0]
        cross_entropy = -(t[label] - torch.log(sum(torch.exp(value) for value in t)))
        size = sum(abs(value) for value in t) / CLASSES
        total = total + k * ((-torch.log(size) if grow else 0) + alpha * cross_entropy)
    return total / len(images)


@pytest.mark.parametrize("grow", [True, False], ids=["zero", "nothing"])
def test_controls_without_a_student_equal_the_naive_float64_calculation(
    apm: ModuleType, grow: bool
) -> None:
    (teacher,) = networks(1)
    images, labels = batch(5)
    objective = apm.Objective(apm.Distance.l1, True, 0.3, True, adversarial=grow)
    zeros = [lambda images: images.new_zeros(len(images), CLASSES)] * 3
    gradient, scalars = apm.matching_gradient(objective, images, labels, teacher, zeros, 2)

    assert_agrees(
        (scalars["loss"], gradient),
        lambda: with_gradient(
            lambda leaf: controls_loss(leaf, labels, teacher, 3, 0.3, grow), images
        ),
        inputs(images, teacher),
        terms=terms(images, teacher),
    )


@pytest.mark.parametrize(
    ("words", "rate", "batch"),
    [
        (["method.rate_per_image=false"], 0.5, 20),
        (["method.rate_per_image=true"], 10.0, 20),
        (["method.rate_per_image=true", "method.images_per_update=8"], 4.0, 8),
        (["method.rate_per_image=true", "method.images_per_update=500"], 10.0, 20),
    ],
)
def test_rate_per_image_counts_the_images_that_are_there(
    words: list[str], rate: float, batch: int, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=apm", "ipc=2", "method.image_rate=0.5", *words)
    with opened(request, quiet=True) as (lab, _):
        method = METHODS["apm"](Task(request.task, lab), request.method.settings)
        assert method.descent.rate == rate  # type: ignore[attr-defined]
        assert method.batch == batch  # type: ignore[attr-defined]


@pytest.mark.parametrize("ipc", [1, 10, 50])
@pytest.mark.parametrize("dataset", ["fashion_mnist", "cifar100", "tinyimagenet", "imagenet64"])
def test_short_recipe_follows_its_rule_of_thumb_with_all_classes_and_with_ten(
    dataset: str, ipc: int
) -> None:
    """A rate of 0.1 to 0.3 per image, and enough but not too many updates of each image."""
    budget = Budget(**preset("budget", "short"))
    settings = resolve_method("apm", {}, dataset, ipc, "short", budget).settings
    assert settings.rate_per_image
    assert 0.1 <= settings.image_rate <= 0.3
    for classes in (10, len(DATASETS[dataset].class_names)):
        images = classes * ipc
        batch = min(settings.images_per_update or images, images)
        updates = settings.iterations * batch / images
        large = dataset == "imagenet64" and ipc == 50 and classes == 1000
        assert (4 if large else 20) <= updates <= 300
