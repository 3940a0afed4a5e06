"""The loop against training written out by hand, resumed anywhere, and what it keeps."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
import torch
from closeness import assert_agrees
from torch import Tensor, nn

from ddbench.data.augmentation.dsa import DSA
from ddbench.runtime.randomness import RandomStream
from ddbench.training.loop import Training, copy_weights, predict
from ddbench.training.loss import Loss
from ddbench.training.recipe import Examples, SnapshotFormat, TrainingRecipe

pytestmark = pytest.mark.numerical
STREAM = RandomStream(5, ("test",))
RECIPE = TrainingRecipe(epochs=5, learning_rate=0.1, milestones=(2, 4), batch_size=4)


def network(dropout: float = 0.0) -> nn.Module:
    with STREAM.as_global():
        return nn.Sequential(
            nn.Conv2d(1, 3, 3),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(3 * 36, 4),
        )


def examples(count: int = 10, soft: bool = False) -> Examples:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(count, 1, 8, 8, generator=generator)
    targets = torch.randint(4, (count,), generator=generator)
    return Examples(inputs, torch.randn(count, 4, generator=generator) if soft else targets)


def by_hand(
    model: nn.Module, data: Examples, rates: list[float], loss: Any, augment: bool
) -> list[Tensor]:
    """Epochs of SGD over the documented permutations, batches of 4; losses of the last epoch."""
    optimiser = torch.optim.SGD(model.parameters(), lr=9.0, momentum=0.9, weight_decay=5e-4)
    model.train()
    losses: list[Tensor] = []
    for epoch, rate in enumerate(rates):
        seed = RandomStream(5, ("test", "order", epoch)).seed
        order = torch.randperm(10, generator=torch.Generator().manual_seed(seed))
        losses = []
        for step, chosen in enumerate((order[:4], order[4:8], order[8:])):
            inputs = data.inputs[chosen]
            if augment:
                seed = RandomStream(5, ("test", "step", epoch, step)).seed
                inputs = DSA()(inputs, torch.Generator().manual_seed(seed))
            optimiser.param_groups[0]["lr"] = rate
            optimiser.zero_grad()
            value = loss(model(inputs), data.targets[chosen])
            value.backward()
            optimiser.step()
            losses.append(value.detach())
    return losses


@pytest.mark.parametrize("augment", [True, False])
@pytest.mark.parametrize(
    ("loss", "reference"),
    [
        (Loss.cross_entropy, nn.CrossEntropyLoss()),
        (Loss.l1, nn.L1Loss()),
        (Loss.mse, nn.MSELoss()),
    ],
)
def test_loop_equals_training_by_hand(augment: bool, loss: Loss, reference: nn.Module) -> None:
    data = examples(soft=loss is not Loss.cross_entropy)
    recipe = TrainingRecipe(
        epochs=5, learning_rate=0.1, milestones=(2, 4), batch_size=4, loss=loss, augment=augment
    )
    trained, expected = network(), network()
    training = Training(trained, data, recipe, STREAM)
    (kept,) = training.run().values()
    rates = [0.1, 0.1, 0.1 * 0.1, 0.1 * 0.1, 0.1 * 0.1**2]
    losses = by_hand(expected, data, rates, reference, augment)
    for name, value in expected.state_dict().items():
        assert torch.equal(kept[name], value)
    assert torch.equal(training.loss, losses[-1])
    assert training.steps_done == training.total_steps == 15


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
@pytest.mark.parametrize("stop", [1, 3, 4, 14, 15])
def test_training_resumes_at_any_step_bit_for_bit(optimiser: str, stop: int) -> None:
    recipe = TrainingRecipe(
        epochs=5,
        learning_rate=0.01,
        milestones=(3,),
        batch_size=4,
        optimiser=optimiser,
        snapshot_epochs=(0, 1, 5),
    )
    undisturbed = Training(network(0.5), examples(), recipe, STREAM)
    expected = undisturbed.run()
    first = Training(network(0.5), examples(), recipe, STREAM)
    first.network.train()
    for _ in range(stop):
        first.step()
    file = io.BytesIO()
    torch.save(first.state_dict(), file)
    file.seek(0)
    torch.manual_seed(123)  # nothing may depend on the global generator
    second = Training(network(0.5), examples(), recipe, STREAM)
    second.load_state_dict(torch.load(file, weights_only=True))
    assert second.steps_done == stop
    resumed = second.run()
    assert list(resumed) == [0, 1, 5]
    for epoch, weights in expected.items():
        for name, value in weights.items():
            assert torch.equal(resumed[epoch][name], value)
    assert torch.equal(second.loss, undisturbed.loss)


def test_snapshots_are_copies() -> None:
    recipe = TrainingRecipe(epochs=2, learning_rate=0.1, snapshot_epochs=(0, 1, 2))
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    kept = Training(model, examples(), recipe, STREAM).run()
    for name, value in before.items():
        assert torch.equal(kept[0][name], value)
    assert not torch.equal(kept[1]["5.weight"], kept[2]["5.weight"])
    pointers = {weights["5.weight"].data_ptr() for weights in kept.values()}
    assert len({*pointers, model.state_dict()["5.weight"].data_ptr()}) == 4
    weights = copy_weights(model)
    with torch.no_grad():
        model[5].weight.zero_()  # type: ignore[index]
    assert weights["5.weight"].abs().sum() > 0


def test_last_smaller_batch_of_an_epoch_is_kept() -> None:
    seen: list[int] = []

    class Noted(Examples):
        def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
            seen.append(len(index))
            return super().batch(index)

    data = examples()
    Training(network(), Noted(data.inputs, data.targets), RECIPE, STREAM).run()
    assert seen == [4, 4, 2] * 5


def test_each_epoch_sees_every_example_once_in_an_order_of_its_own() -> None:
    training = Training(network(), examples(), RECIPE, STREAM)
    orders = []
    for training.epoch in range(3):
        orders.append(training._shuffled().tolist())
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3


def test_predict_runs_in_evaluation_mode_and_keeps_no_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ddbench.training.loop.images_at_once", lambda device: 3)
    model = network(0.5)
    inputs = examples().inputs
    logits = predict(model, inputs)
    assert torch.equal(logits, predict(model, inputs))
    assert_agrees(
        [logits],
        lambda: [model.eval()(inputs)],
        [inputs, *model.parameters()],
        terms=9 + 4 + 108,  # a filter, a norm with the statistics it has, the linear layer
    )
    assert not logits.requires_grad


def test_epoch_that_ends_early_is_that_of_the_first_examples_in_its_order() -> None:
    """Two steps of four are taken of each epoch's own order; the others wait for another epoch."""
    seen: list[Tensor] = []

    class Watched(Examples):
        def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
            seen.append(index)
            return super().batch(index)

    data = Watched(examples().inputs, examples().targets)
    training = Training(network(), data, replace(RECIPE, epochs=2, epoch_steps=2), STREAM)
    training.run()
    assert training.total_steps == 4
    for epoch, found in enumerate((seen[:2], seen[2:])):
        seed = RandomStream(5, ("test", "order", epoch)).seed
        order = torch.randperm(10, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(torch.cat(found), order[:8])


def test_snapshots_in_half_precision_are_rounded_and_counters_are_not() -> None:
    recipe = replace(RECIPE, epochs=1, snapshot_epochs=(0, 1))
    half = replace(recipe, snapshot_format=SnapshotFormat.float16)
    whole, rounded = (Training(network(), examples(), one, STREAM).run() for one in (recipe, half))
    for epoch in (0, 1):
        for name, value in whole[epoch].items():
            expected = value.half() if value.is_floating_point() else value
            assert torch.equal(rounded[epoch][name], expected)
            assert rounded[epoch][name].dtype == expected.dtype


def pooled(norm: nn.Module) -> nn.Module:
    """A network with a norm behind global pooling, where one image has one value per channel."""
    with STREAM.as_global():
        return nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.AdaptiveAvgPool2d(1), norm, nn.Flatten(), nn.Linear(3, 4)
        )


@pytest.mark.parametrize(
    ("count", "batch_size", "epoch_steps", "steps"),
    [
        (9, 4, 0, 2),
        (10, 4, 0, 3),
        (8, 4, 0, 2),
        (5, 2, 0, 2),
        (9, 4, 3, 2),
        (9, 4, 2, 2),
        (3, 2, 0, 1),
    ],
)
def test_last_image_joins_the_batch_before_where_it_cannot_be_normalised_alone(
    count: int, batch_size: int, epoch_steps: int, steps: int
) -> None:
    recipe = TrainingRecipe(2, 0.1, batch_size=batch_size, epoch_steps=epoch_steps, augment=False)
    seen: list[int] = []
    model = pooled(nn.BatchNorm2d(3))
    model.register_forward_pre_hook(lambda _, inputs: seen.append(len(inputs[0])))
    training = Training(model, examples(count), recipe, STREAM)
    seen.clear()
    training.run()
    assert training.steps_per_epoch == steps
    assert training.total_steps == training.steps_done == len(seen) == 2 * steps
    assert 1 not in seen
    assert sum(seen) == 2 * (count if epoch_steps != 2 else 8)


@pytest.mark.parametrize("norm", [nn.Identity(), nn.GroupNorm(1, 3)])
def test_batch_of_one_stays_where_no_norm_mixes_images(norm: nn.Module) -> None:
    training = Training(pooled(norm), examples(9), RECIPE, STREAM)
    assert training.steps_per_epoch == 3
    training.run()


def test_batch_of_one_stays_where_a_norm_has_many_values_of_an_image() -> None:
    model, untouched = network(0.5), network(0.5)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert Training(model, examples(9), RECIPE, STREAM).steps_per_epoch == 3
    assert torch.equal(torch.get_rng_state(), before)
    for name, value in untouched.state_dict().items():  # running statistics are put back
        assert torch.equal(model.state_dict()[name], value)


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_training_with_a_joined_batch_resumes_bit_for_bit(stop: int) -> None:
    expected = Training(pooled(nn.BatchNorm2d(3)), examples(9), RECIPE, STREAM).run()[5]
    first = Training(pooled(nn.BatchNorm2d(3)), examples(9), RECIPE, STREAM)
    first.network.train()
    for _ in range(stop):
        first.step()
    second = Training(pooled(nn.BatchNorm2d(3)), examples(9), RECIPE, STREAM)
    second.load_state_dict(first.state_dict())
    assert all(torch.equal(value, expected[name]) for name, value in second.run()[5].items())


@pytest.mark.parametrize("count", [1, 2])
def test_a_single_image_has_nothing_to_join(count: int) -> None:
    recipe = TrainingRecipe(1, 0.1, batch_size=1, augment=False)
    assert Training(network(), examples(count), recipe, STREAM).steps_per_epoch == count
