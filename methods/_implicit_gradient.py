"""The gradient of a trained network's loss with respect to the images that it is trained on.

A linearised network with features Phi and Jacobian J is trained on n images, over the change d of
its parameters and the weights of its last layer. The latter are solved for, which leaves

    w(d) = K^-1 (Y - J d),   K = Phi Phi' + l I,   min_d  l/2 (<Y - J d, w(d)> + || d ||^2),

with the solution (J' K^-1 J + I) d = J' K^-1 Y. For real images the network then predicts
p = J_t d + Phi_t Phi' w(d). With g the derivative of the loss of p with respect to d and
(J' K^-1 J + I) h = g, the implicit function theorem gives for images and targets S

    dL/dS at fixed d  +  d/dS < J h, w(d) > at fixed d and h.

N. Loo et al., "Dataset distillation with convexified implicit gradients" (ICML 2023), equations 2
to 6. The released code solves both systems by 20 Adam steps, whose rates it tunes as it goes; here
each is solved by as many steps of conjugate residuals, which need no rate. Its h also has a part
for the last layer, which is solved for already.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ._conjugate_residuals import Solution, solved
from ._kernel_regression import RidgeSolver, ridge_weights
from ._linearised_network import LinearisedNetwork


@dataclass(frozen=True)
class Regression:
    """What the network is trained on.

    Args:
        images: (n, C, H, W).
        targets: Y (n, classes).
        ridge: l.
        steps: maximum number of steps for each of the two systems.
        tolerance: the relative residual at which solving stops early.
    """

    images: Tensor
    targets: Tensor
    ridge: float
    steps: int
    tolerance: float


@dataclass(frozen=True)
class Gradients:
    """Loss and gradients from one network.

    Args:
        loss: on real images.
        direct: with respect to images (n, C, H, W), targets (n, classes) and `log_scale`.
        implicit: with respect to images and targets.
        trained: relative residual of d.
        inverted: relative residual of h.
    """

    loss: Tensor
    direct: tuple[Tensor, Tensor, Tensor]
    implicit: tuple[Tensor, Tensor]
    trained: float
    inverted: float


def gradients(
    network: LinearisedNetwork,
    regression: Regression,
    log_scale: Tensor,
    real: tuple[Tensor, Tensor],
) -> Gradients:
    """Loss and gradients from one network, with direct and implicit parts separate.

    L = mean cross-entropy of softmax(p exp(log_scale)) for real images

    Args:
        network: linearised.
        regression: what it is trained on.
        log_scale: logarithm of the factor on predictions, a scalar.
        real: real images (B, C, H, W) and class ids (B,).

    Raises:
        FloatingPointError: when the kernel is singular or not finite.
    """
    images, targets = regression.images, regression.targets.detach().double()
    ridge = targets.new_tensor(regression.ridge)
    features = network.features(images).double()
    kernel, pull = RidgeSolver(features, ridge), network.pullback(images)

    def product(vector: Tensor) -> Tensor:
        return pull(kernel(network.push(images, vector).double()).to(images)) + vector

    def solution(right: Tensor) -> Solution:
        return solved(product, right, regression.steps, regression.tolerance)

    trained = solution(pull(kernel(targets).to(images)))
    change = network.push(images, trained.vector).double()

    features, change, targets, log_scale = leaves = [
        value.detach().requires_grad_() for value in (features, change, targets, log_scale)
    ]
    real_features, real_change = network.seen(real[0], trained.vector)
    real_change = real_change.double().requires_grad_()
    weights = features.T @ ridge_weights(features, targets - change, ridge, kernel)
    predicted = real_change + real_features.double() @ weights
    loss = F.cross_entropy(predicted * log_scale.exp(), real[1])
    of_features, of_change, of_targets, of_scale, of_real = torch.autograd.grad(
        loss, [*leaves, real_change]
    )
    inverted = solution(network.pullback(real[0])(of_real.to(images)) + pull(of_change.to(images)))

    moved = network.push(images, inverted.vector).double().requires_grad_()
    inner = (moved * ridge_weights(features, targets - change, ridge, kernel)).sum()
    implicit = torch.autograd.grad(inner, [features, change, targets, moved])

    direct_images, implicit_images = _of_images(
        network,
        images,
        (trained.vector, inverted.vector),
        (of_features, of_change),
        (implicit[0], implicit[1], implicit[3]),
    )
    return Gradients(
        loss.detach(),
        (direct_images, of_targets.to(images), of_scale),
        (implicit_images, implicit[2].to(images)),
        trained.residual,
        inverted.residual,
    )


def _of_images(
    network: LinearisedNetwork,
    images: Tensor,
    vectors: tuple[Tensor, Tensor],
    direct: tuple[Tensor, Tensor],
    implicit: tuple[Tensor, Tensor, Tensor],
) -> tuple[Tensor, Tensor]:
    """Direct and implicit gradients with respect to images (n, C, H, W), part by part.

    Args:
        network: linearised.
        images: (n, C, H, W).
        vectors: d and h.
        direct: derivatives of the loss with respect to features and J d.
        implicit: those of < J h, w > with respect to features, J d and J h.
    """
    found: list[tuple[Tensor, Tensor]] = []
    for positions in torch.arange(len(images), device=images.device).split(network.part):
        leaf = images[positions].requires_grad_()
        features, change = network.derivative(leaf, vectors[0])
        _, moved = network.derivative(leaf, vectors[1])
        cotangents = [value[positions].to(images) for value in (*direct, *implicit)]
        (first,) = torch.autograd.grad([features, change], leaf, cotangents[:2], retain_graph=True)
        (second,) = torch.autograd.grad([features, change, moved], leaf, cotangents[2:])
        found.append((first, second))
    return torch.cat([one for one, _ in found]), torch.cat([one for _, one in found])


def limited(implicit: Tensor, direct: Tensor) -> Tensor:
    """Clip the implicit gradient to the norm of the direct one; 0 where it is not finite."""
    length, most = implicit.norm(), direct.norm()
    scaled = implicit * (most / length).clamp(max=1)
    return torch.where(scaled.isfinite(), scaled, torch.zeros_like(scaled))
