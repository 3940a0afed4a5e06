"""References that RDED and SRe2L must agree with; tests check them, and plant mistakes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from agreements import Check, Found, Given
from closeness import assert_agrees, assert_close, summed_terms
from naive import with_gradient
from torch import Tensor

from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

STATISTICS_WEIGHT, FIRST_WEIGHT = 0.3, 10.0


@cache
def triangles(size: int, side: int) -> Tensor:
    """Weights (side, size) of pixels in those of another size: a triangle as wide as it shrinks."""
    step = size / side
    reach, rows = max(step, 1.0), []
    for target in range(side):
        middle = (target + 0.5) * step
        row = [max(0.0, 1 - abs(source + 0.5 - middle) / reach) for source in range(size)]
        rows.append([value / sum(row) for value in row])
    return torch.tensor(rows, dtype=torch.float64)


def resized(image: Tensor, side: int) -> Tensor:
    """A float64 image (C, h, w) as (C, side, side), channel by channel."""
    down, across = (triangles(size, side) for size in image.shape[1:])
    return torch.stack([down @ channel @ across.T for channel in image])


def square_crops(
    images: Tensor, crops: int, least_scale: float, generator: torch.Generator, side: int
) -> Tensor:
    """Crops (N, crops, C, side, side) of images (N, C, H, H), of numbers that are drawn at once."""
    whole = images.shape[2]
    numbers = torch.rand(len(images), crops, 4, generator=generator, dtype=torch.float64)
    made = []
    for image, own in zip(images, numbers.tolist(), strict=True):
        for area, _, down, across in own:
            pixels = round(math.sqrt((least_scale + (1 - least_scale) * area) * whole**2))
            top, left = (math.floor(u * (whole - pixels + 1)) for u in (down, across))
            made.append(resized(image[:, top : top + pixels, left : left + pixels], side))
    return torch.stack(made).unflatten(0, (len(images), crops))


def ranked(network: Callable[[Tensor], Tensor], crops: Tensor, c: int, whole: int) -> list[Tensor]:
    """The easiest crop of each image, the easiest first, of crops (N, m, C, h, h) of class c."""
    found = []
    for own in crops:
        scores = []
        for crop in own:
            before = (whole - crop.shape[1]) // 2
            seen = crop.new_zeros(crop.shape[0], whole, whole)
            inside = slice(before, before + crop.shape[1])
            seen[:, inside, inside] = crop
            logits = network(seen[None])[0]
            scores.append(float(torch.log(torch.exp(logits).sum()) - logits[c]))
        best = min(range(len(own)), key=scores.__getitem__)
        found.append((scores[best], own[best]))
    return [crop for _, crop in sorted(found, key=lambda pair: pair[0])]


def easiest_crop_of_each_image(given: Given) -> None:
    """With its score, as in a loop over all crops."""
    room, network, images = given.room("_easy_crops"), given.network(), given.images(6)
    search = room.CropSearch(candidates=6, crops=4, least_scale=0.08, side=5)
    draws = search.draws(6, 8, torch.Generator().manual_seed(3))
    with torch.no_grad():
        crops, scores = room.best_crops(network, images, draws, 1, 5)
        cut = square_crops(images, 4, 0.08, torch.Generator().manual_seed(3), 5)
        expected = ranked(network, cut, 1, 8)
    terms = summed_terms(network, images) + 10
    order = scores.argsort()
    assert_close(crops[order], torch.stack(expected), terms=terms)
    again = room.difficulty(network, torch.stack(expected), 1, 8)
    assert_close(scores[order], again, terms=terms, condition=100)


def images_of_crops(given: Given) -> None:
    """RDED's set, with two images of four crops of each class, from the seed and its teacher."""
    words = "ipc=2", "method.candidates=11", "method.crops=3", "method.factor=2"
    with given.begun("rded", *words) as method, torch.no_grad():
        task, teacher = method.task, method.pool[0].double()
        expected = []
        for c in range(task.classes):
            own = task.class_order(c)[:11]
            stream = RandomStream(task.spec.seed, ("crops", c))
            real = task.real.images(own).double()
            crops = ranked(teacher, square_crops(real, 3, 0.08, stream.generator(), 4), c, 8)
            for j in range(2):
                upper = torch.cat([crops[j], crops[2 + j]], 2)
                lower = torch.cat([crops[4 + j], crops[6 + j]], 2)
                expected.append(torch.cat([upper, lower], 1))
        assert_close(method.images, torch.stack(expected), terms=100)


def statistics_network(seed: int = 0) -> Model:
    """A float64 network of batch norms that have seen something, for 3x8x8 images of 3 classes."""
    spec = ModelSpec("convnet", {"width": 4, "depth": 2, "norm": "batch"})
    network = spec.build(3, 8, 3, RandomStream(seed, ("net",))).double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for position in (1, 5):
            norm = network.get_submodule(f"blocks.{position}")
            for name, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5)):
                value = torch.rand(4, generator=generator, dtype=torch.float64)
                getattr(norm, name).copy_(value + low)
            norm.running_var.copy_(torch.rand(4, generator=generator, dtype=torch.float64) + 0.2)
    return network.requires_grad_(False).eval()


def recovery_loss(images: Tensor, labels: Tensor, network: Any) -> Tensor:
    """SRe2L's loss, layer by layer, with every sum written out."""
    maps, distance = images, images.new_zeros(())
    layers = list(network.blocks)
    for number in range(len(layers) // 4):
        conv, norm = layers[4 * number : 4 * number + 2]
        maps = torch.conv2d(maps, conv.weight, conv.bias, padding=1)
        terms = []
        for k in range(maps.shape[1]):
            values = maps[:, k].flatten()
            mean = values.sum() / len(values)
            variance = ((values - mean) ** 2).sum() / len(values)
            terms.append((mean - norm.running_mean[k], variance - norm.running_var[k]))
        for part in (0, 1):
            length = sum(term[part] ** 2 for term in terms) ** 0.5
            distance = distance + (1.0 if number else FIRST_WEIGHT) * length
        mean, scale = norm.running_mean, norm.weight / (norm.running_var + norm.eps) ** 0.5
        shape = (1, -1, 1, 1)
        maps = (maps - mean.view(shape)) * scale.view(shape) + norm.bias.view(shape)
        maps = maps.clamp(min=0).unfold(2, 2, 2).unfold(3, 2, 2).sum((4, 5)) / 4
    logits = maps.flatten(1) @ network.classifier.weight.T + network.classifier.bias
    surprise = [
        torch.log(torch.exp(out).sum()) - out[c] for out, c in zip(logits, labels, strict=True)
    ]
    return sum(surprise) / len(labels) + STATISTICS_WEIGHT * distance


def recovery(given: Given, network: Model | None = None) -> tuple[Found, Check]:
    """SRe2L's loss and gradient for five images, and how they are checked."""
    seen, images = network or statistics_network(), given.images(5)
    labels = torch.tensor([0, 1, 2, 0, 1])
    objective = given.room("_norm_statistics").Recovery(STATISTICS_WEIGHT, FIRST_WEIGHT)
    leaf = images.clone().requires_grad_()
    loss, _ = objective(seen, leaf, labels)
    found = loss.detach(), *torch.autograd.grad(loss, leaf)

    def check(found: Found) -> None:
        norms = [layer for layer in seen.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
        kept = [one for layer in norms for one in (layer.running_mean, layer.running_var)]
        assert_agrees(
            found,
            lambda: with_gradient(lambda one: recovery_loss(one, labels, seen), images),
            [images, *seen.parameters(), *(one for one in kept if one is not None)],
            # Forward and backward, and two statistics over five maps of 64 pixels.
            terms=3 * (summed_terms(seen, images) + 2 * 5 * 64),
        )

    return found, check


def recovery_agrees(given: Given) -> None:
    """The loss and the gradient."""
    found, check = recovery(given)
    check(found)


def images_move_by_adam(given: Given) -> None:
    """With decays of .5 and .9, along half a wave, within the pixels that a file can have."""
    words = (
        "ipc=1", "method.iterations=4", "method.image_rate=0.3", "method.jitter=0",
        "method.flipped_views=false",
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)
    with given.begun("sre2l", *words) as method:
        mean, std = (float(one) for one in method.task.channel_statistics)
        slopes = torch.randn(4, *method.current.shape, generator=generator)
        expected = method.current.double()
        m, v = torch.zeros_like(expected), torch.zeros_like(expected)
        for i, slope in enumerate(slopes):
            method.vote = lambda images, slope=slope: ((images * slope).sum(), {})
            method.step(i)
            g = slope.double()
            m, v = 0.5 * m + 0.5 * g, 0.9 * v + 0.1 * g**2
            rate = 0.3 * (1 + math.cos(math.pi * i / 4)) / 2
            move = m / (1 - 0.5 ** (i + 1)) / ((v / (1 - 0.9 ** (i + 1))).sqrt() + 1e-8)
            expected = (expected - rate * move).clamp(-mean / std, (1 - mean) / std)
        assert_close(method.current, expected, terms=200)


def crops_shrink_by_the_curriculum(given: Given) -> None:
    """From the whole image to the least scale, in half of a hundred iterations."""
    room = given.room("_views")
    half = 0.08 + 0.92 / 2
    quarter = 0.08 + 0.92 * (1 + math.sqrt(0.5)) / 2
    wanted: dict[str, Sequence[float]] = {
        "none": (0.08, 0.08, 0.08, 0.08, 0.08),
        "step": (1, 1, 1, 0.08, 0.08),
        "linear": (1, 0.08 + 0.92 * 37.5 / 50, half, 0.08, 0.08),
        "cosine": (1, quarter, half, 0.08, 0.08),
    }
    for name, scales in wanted.items():
        views = room.Views(0.08, room.Curriculum[name], milestone=0.5)
        found = [views.scale_at(i, 100) for i in (0, 12.5, 25, 50, 99)]
        assert_close(torch.tensor(found), torch.tensor(scales), terms=10)


def view_is_a_crop_that_is_shifted(given: Given) -> None:
    """The same for all images, with numbers of the generator in the order of their use."""
    views = given.room("_views").Views(least_scale=0.3, jitter=3, both_ways=True)
    images = given.images(4)
    for seed in range(20):
        found = views(images, 0, 1, torch.Generator().manual_seed(seed))
        generator = torch.Generator().manual_seed(seed)
        width = height = 9
        while not (width <= 8 and height <= 8):
            area, shape, down, across = torch.rand(
                4, generator=generator, dtype=torch.float64
            ).tolist()
            pixels = 64 * (0.3 + 0.7 * area)
            ratio = (3 / 4) ** (1 - shape) * (4 / 3) ** shape
            width, height = round(math.sqrt(pixels * ratio)), round(math.sqrt(pixels / ratio))
        top, left = math.floor(down * (9 - height)), math.floor(across * (9 - width))
        cut = images[:, :, top : top + height, left : left + width]
        dy, dx = torch.randint(-3, 4, (2,), generator=generator).tolist()
        expected = torch.stack([resized(image, 8) for image in cut])
        rows, columns = ([(k - shift) % 8 for k in range(8)] for shift in (dy, dx))
        assert_close(found, expected[:, :, rows][:, :, :, columns], terms=20)


def blocks_hold_one_image_of_each_class(given: Given) -> None:
    """The k-th images of all classes that have so many, so many together at most."""
    made = given.room("sre2l").blocks((3, 1, 2), 2)
    assert [block.tolist() for block in made] == [[0, 3], [4], [1, 5], [2]]


def blocks_are_recovered_apart(given: Given) -> None:
    """A set's first images are those of a smaller set, and its second ones need no first ones."""
    sets = []
    for ipc, first in ((1, 0), (2, 0), (2, 3)):
        with given.begun("sre2l", f"ipc={ipc}", "method.iterations=3") as method:
            for i in range(first, method.total_steps):
                method.step(i)
            sets.append(method.finish().images)
    smaller, whole, second = sets
    assert torch.equal(whole[::2], smaller)
    assert torch.equal(whole[1::2], second[1::2])
    assert not torch.equal(whole[1::2], smaller)


def networks_vote_by_their_accuracy(given: Given) -> None:
    """Softmax of percent over the temperature, for the whole loss."""
    words = "ipc=1", "method.networks=2", "method.vote_temperature=4"
    with given.begun("sre2l", *words) as method:
        method.votes = given.room("sre2l").votes([0.9, 0.87], 4.0)
        images = method.current
        loss, _ = method.vote(images)
        odds = math.exp(3 / 4)
        expected = [
            method.objective(one, images, method.current_labels)[0] for one in method.networks
        ]
        assert_close(loss, (odds * expected[0] + expected[1]) / (1 + odds), terms=1000)
