"""The objectives of methods, written out as published with one image, class or step at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Function = Callable[[Tensor], Tensor]


def with_gradient(loss: Function, images: Tensor) -> tuple[Tensor, Tensor]:
    """A loss of images, and its gradient with respect to them."""
    leaf = images.clone().requires_grad_()
    value = loss(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    return value.detach(), gradient


def apm_loss(
    images: Tensor,
    labels: Tensor,
    teacher: Function,
    students: Sequence[Function],
    alpha: float,
    equation_4: bool,
) -> Tensor:
    """APM's two printed objectives, image by image and class by class."""
    total = images.new_zeros(())
    for image, label in zip(images, labels, strict=True):
        t = teacher(image[None])[0]
        cross_entropy = -(t[label] - torch.log(sum(torch.exp(value) for value in t)))
        for student in students:
            s = student(image[None])[0]
            l1 = sum(abs(a - b) for a, b in zip(t, s, strict=True)) / len(t)
            total = total + (-torch.log(l1) + alpha * cross_entropy if equation_4 else -l1)
        if not equation_4:
            total = total + alpha * cross_entropy
    return total / len(images)


def dm_loss(
    images: Tensor, real: Sequence[Tensor], features: Function, augment: Sequence[Function]
) -> Tensor:
    """DM's sum over classes, image by image.

    Args:
        images: distilled images, as many of each class.
        real: real images of each class.
        features: maps images to features.
        augment: each class's own augmentation.
    """
    total = images.new_zeros(())
    for of_class, distilled, treat in zip(real, images.chunk(len(real)), augment, strict=True):
        means = [
            sum(features(treat(image[None]))[0] for image in batch) / len(batch)
            for batch in (of_class, distilled)
        ]
        total = total + ((means[0] - means[1]) ** 2).sum()
    return total


def regression_loss(
    images: Tensor,
    targets: Tensor,
    real: Tensor,
    real_targets: Tensor,
    features: Function,
    ridge: float,
    mirrored: bool,
) -> Tensor:
    """FRePo's loss with its margin term, image by image, by the inverse of the kernel.

    Args:
        images: distilled images.
        targets: their targets.
        real: real images.
        real_targets: their targets.
        features: maps images to features.
        ridge: share of the kernel's mean diagonal.
        mirrored: whether mirror images are distilled images, too.
    """
    seen, wanted = list(images), list(targets)
    if mirrored:
        seen, wanted = seen + [image.flip(2) for image in images], wanted * 2
    phi = [features(image[None])[0] for image in seen]
    kernel = torch.stack([torch.stack([a @ b for b in phi]) for a in phi])
    mean_diagonal = sum(kernel[j, j] for j in range(len(phi))) / len(phi)
    inverse = torch.linalg.inv(kernel + ridge * mean_diagonal * torch.eye(len(phi)).to(kernel))
    total = images.new_zeros(())
    for image, target in zip(real, real_targets, strict=True):
        row = torch.stack([features(image[None])[0].detach() @ b for b in phi])
        total = total + ((row @ inverse @ torch.stack(wanted) - target) ** 2).sum() / 2
    margins = [torch.sort(row).values[-1] - torch.sort(row).values[-2] for row in targets]
    limit = targets.new_tensor(1 / targets.shape[1])
    return total / len(real) - sum(torch.minimum(one, limit) for one in margins) / len(targets)


def jacobian(network: Any, image: Tensor) -> Tensor:
    """The Jacobian (classes, P) of one image's logits for all parameters but the last layer's."""
    theta = [p for name, p in network.named_parameters() if name != "classifier.weight"]
    rows = [torch.autograd.grad(one, theta, create_graph=True) for one in network(image[None])[0]]
    return torch.stack([torch.cat([part.flatten() for part in row]) for row in rows])


def implicit_loss(
    images: Tensor,
    targets: Tensor,
    log_scale: Tensor,
    real: tuple[Tensor, Tensor],
    network: Any,
    ridge: float,
) -> Tensor:
    """RCIG's loss after a linearised network was trained to the end, by dense algebra.

    Args:
        images: distilled images.
        targets: their targets.
        log_scale: logarithm of the factor on predictions.
        real: real images and their class ids.
        network: a network whose parameters require gradients.
        ridge: the ridge on the last layer and on the change of the others alike.
    """
    count, classes = targets.shape
    phi = torch.stack([network.features(image[None])[0] for image in images])
    slopes = torch.stack([jacobian(network, image) for image in images])
    inverse = torch.linalg.inv(phi @ phi.T + ridge * torch.eye(count).to(phi))
    matrix = torch.eye(slopes.shape[2]).to(phi)
    right = torch.zeros(slopes.shape[2]).to(phi)
    for c in range(classes):
        matrix = matrix + slopes[:, c].T @ inverse @ slopes[:, c]
        right = right + slopes[:, c].T @ inverse @ targets[:, c]
    change = torch.linalg.solve(matrix, right)
    last = phi.T @ inverse @ (targets - slopes @ change)
    total = images.new_zeros(())
    for image, class_id in zip(*real, strict=True):
        slope = jacobian(network, image).detach()
        predicted = slope @ change + network.features(image[None])[0].detach() @ last
        scaled = predicted * torch.exp(log_scale)
        total = total + torch.log(torch.exp(scaled).sum()) - scaled[class_id]
    return total / len(real[0])


def tiles_loss(
    images: Tensor, real: Tensor, class_id: int, network: Any, factor: int, augment: Function
) -> Tensor:
    """IDC's distance for one class, tile by tile; the last side is a multiple of the factor.

    Args:
        images: stored images of the class.
        real: real images of the class.
        class_id: the class.
        network: the network whose filters' gradients are compared.
        factor: rows and columns of tiles.
        augment: the augmentation of both batches.
    """
    side = images.shape[2] // factor
    tiles = [
        torch.nn.functional.interpolate(
            image[None, :, r * side : (r + 1) * side, c * side : (c + 1) * side],
            scale_factor=factor,
            mode="bilinear",
        )
        for image in images
        for r in range(factor)
        for c in range(factor)
    ]
    filters = [p for p in network.parameters() if p.ndim == 4]

    def gradient(batch: Sequence[Tensor]) -> Sequence[Tensor]:
        total = images.new_zeros(())
        for image in batch:
            out = network(augment(image))[0]
            total = total + torch.log(torch.exp(out).sum()) - out[class_id]
        return torch.autograd.grad(total / len(batch), filters, create_graph=True)

    pairs = zip(gradient(real.split(1)), gradient(tiles), strict=True)
    return sum(((a.detach() - b) ** 2).sum() for a, b in pairs)


def trajectory_gradients(
    student: Any, order: Sequence[list[int]], detached: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Loss of a student's end, and its gradients for images and step size, by torch alone.

    Args:
        student: the steps; all its images are one leaf.
        order: positions of the images of each step.
        detached: whether the parameters at which each gradient is taken count as constants.
    """
    images = student.images.clone().requires_grad_()
    step_size = student.step_size.clone().requires_grad_()
    theta: Sequence[Tensor] = [p.clone().requires_grad_() for p in student.start]
    for step, positions in enumerate(order):
        at = [p.detach().requires_grad_() for p in theta] if detached else theta
        loss = student.loss(step, at, images[positions])
        g = torch.autograd.grad(loss, at, create_graph=True)
        theta = [p - step_size * q for p, q in zip(theta, g, strict=True)]
    above = sum(((p - t) ** 2).sum() for p, t in zip(theta, student.target, strict=True))
    below = sum(((p - t) ** 2).sum() for p, t in zip(student.start, student.target, strict=True))
    result = above / below
    return (result.detach(), *torch.autograd.grad(result, [images, step_size]))


def soft_trajectory_gradients(
    forward: Callable[[int, Sequence[Tensor], Tensor], Tensor],
    given: tuple[Tensor, Tensor, Tensor],
    order: Sequence[list[int]],
    start: Sequence[Tensor],
    target: Sequence[Tensor],
) -> tuple[Tensor, ...]:
    """DATM's loss, and its gradients for images, labels and step size, image by image.

    Args:
        forward: maps (step, parameters, images) to logits.
        given: images, logits of their labels, step size.
        order: positions of the images of each step.
        start: the student's first parameters.
        target: where it should end.
    """
    x, y, a = leaves = [value.clone().requires_grad_() for value in given]
    theta: Sequence[Tensor] = [p.clone().requires_grad_() for p in start]
    for step, positions in enumerate(order):
        loss = a.new_zeros(())
        for j in positions:
            q = torch.exp(y[j]) / torch.exp(y[j]).sum()
            out = forward(step, theta, x[j : j + 1])[0]
            log_p = out - torch.log(torch.exp(out).sum())
            loss = loss - (q * log_p).sum() / len(positions)
        slopes = torch.autograd.grad(loss, theta, create_graph=True)
        theta = [p - a * g for p, g in zip(theta, slopes, strict=True)]
    above = sum(((p - t) ** 2).sum() for p, t in zip(theta, target, strict=True))
    below = sum(((p - t) ** 2).sum() for p, t in zip(start, target, strict=True))
    result = above / below
    return (result.detach(), *torch.autograd.grad(result, leaves))


def truncated_adam_gradient(
    loss: Callable[[int, Sequence[Tensor], Tensor], Tensor],
    images: Tensor,
    order: Sequence[list[int]],
    start: Sequence[Tensor],
    rate: float,
    window: int,
    judge: Callable[[Sequence[Tensor]], Tensor],
) -> tuple[Tensor, Tensor]:
    """RaT-BPTT's loss and gradient, by torch alone: Adam unrolled, and cut off before the window.

    Args:
        loss: maps (step, parameters, mini-batch) to the loss.
        images: distilled images.
        order: positions of the images of each step.
        start: the network's first parameters.
        rate: Adam's learning rate.
        window: the number of last steps that are differentiated through.
        judge: the loss of the last parameters.
    """
    x = images.clone().requires_grad_()
    theta = [p.clone().requires_grad_() for p in start]
    m, v = ([torch.zeros_like(p) for p in start] for _ in range(2))
    for t, positions in enumerate(order, 1):
        if t == len(order) - window + 1:
            theta = [p.detach().requires_grad_() for p in theta]
            m, v = ([one.detach() for one in kept] for kept in (m, v))
        g = torch.autograd.grad(loss(t - 1, theta, x[positions]), theta, create_graph=True)
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        theta = [
            p - rate * (a / (1 - 0.9**t)) / (_root(b / (1 - 0.999**t)) + 1e-8)
            for p, a, b in zip(theta, m, v, strict=True)
        ]
    value = judge(theta)
    return value.detach(), torch.autograd.grad(value, x)[0]


def _root(v: Tensor) -> Tensor:
    """The root of v, with the derivative 0 at 0."""
    return torch.where(v > 0, torch.sqrt(torch.where(v > 0, v, 1)), 0)
