"""Trajectory matching: a student's steps on distilled images, and the gradient through them.

A student starts at an expert's parameters theta_0 and takes N steps on mini-batches of the
distilled images, theta_{i+1} = theta_i - a g_i with g_i = grad_theta l_i(theta_i, x_i), and should
end where the expert was some epochs later, at theta*:

    L = || theta_N - theta* ||^2 / || theta_0 - theta* ||^2

G. Cazenavette et al., "Dataset distillation by matching training trajectories" (CVPR 2022),
equation 2; J. Cui et al., "Scaling up dataset distillation to ImageNet-1K with constant memory"
(ICML 2023), equations 5 to 8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Parameters = list[Tensor]


@dataclass(frozen=True)
class Student:
    """The steps of a student.

    Args:
        loss: l of (step, parameters, mini-batch), a scalar; the same arguments give the same loss,
            so augmentations are drawn beforehand.
        images: (N, C, H, W), detached.
        order: for each step, the positions (B,) of its mini-batch; none twice in a mini-batch.
        start: theta_0.
        target: theta*.
        step_size: a, a scalar.
    """

    loss: Callable[[int, Parameters, Tensor], Tensor]
    images: Tensor
    order: Sequence[Tensor]
    start: Parameters
    target: Parameters
    step_size: Tensor

    def batch(self, step: int) -> Tensor:
        """The mini-batch of a step as a leaf that requires a gradient."""
        return self.images.index_select(0, self.order[step]).requires_grad_()

    def gradient(
        self, step: int, parameters: Parameters, batch: Tensor, create_graph: bool = False
    ) -> Sequence[Tensor]:
        """g of a step."""
        loss = self.loss(step, parameters, batch)
        return torch.autograd.grad(loss, parameters, create_graph=create_graph)

    def distance(self, end: Parameters) -> Tensor:
        """L of a student that ended at these parameters."""
        return squared_distance(end, self.target) / squared_distance(self.start, self.target)


@dataclass(frozen=True)
class Gradient:
    """Loss and gradients from one student.

    Args:
        loss: L.
        images: dL/dx (N, C, H, W), summed over the steps.
        step_size: dL/da.
    """

    loss: Tensor
    images: Tensor
    step_size: Tensor


def squared_distance(a: Parameters, b: Parameters) -> Tensor:
    """|| a - b ||^2 over all parameters."""
    return torch.stack([(x - y).square().sum() for x, y in zip(a, b, strict=True)]).sum()


def inner_product(a: Sequence[Tensor], b: Sequence[Tensor]) -> Tensor:
    """< a, b > over all parameters."""
    return torch.stack([(x * y).sum() for x, y in zip(a, b, strict=True)]).sum()


def leaves(parameters: Parameters) -> Parameters:
    """Parameters that require gradients, detached from what they were computed from."""
    return [value.detach().requires_grad_() for value in parameters]


def walked_loss(student: Student) -> Tensor:
    """L of a student, without its gradient."""
    parameters = student.start
    for i in range(len(student.order)):
        gradient = student.gradient(i, leaves(parameters), student.batch(i))
        parameters = [p - student.step_size * g for p, g in zip(parameters, gradient, strict=True)]
    return student.distance(parameters)


def unrolled_gradient(student: Student) -> Gradient:
    """MTT's gradient by one backward pass through all steps; memory grows with their number."""
    step_size = student.step_size.detach().requires_grad_()
    parameters = leaves(student.start)
    batches = [student.batch(i) for i in range(len(student.order))]
    for i, batch in enumerate(batches):
        gradient = student.gradient(i, parameters, batch, create_graph=True)
        parameters = [p - step_size * g for p, g in zip(parameters, gradient, strict=True)]
    loss = student.distance(parameters)
    *parts, of_step_size = torch.autograd.grad(loss, [*batches, step_size])
    images = torch.zeros_like(student.images)
    for positions, part in zip(student.order, parts, strict=True):
        images.index_add_(0, positions, part)
    return Gradient(loss.detach(), images, of_step_size)


def recomputed_gradient(student: Student) -> Gradient:
    """MTT's gradient with the graph of one step at a time; only each step's parameters are kept.

    Backwards from lambda_N = dL/dtheta_N, with s_i = < lambda_{i+1}, g_i(theta_i, x_i) >:

        dL/dx_i += -a ds_i/dx_i      dL/da += -s_i      lambda_i = lambda_{i+1} - a ds_i/dtheta_i
    """
    step_size = student.step_size.detach()
    path = [student.start]
    for i in range(len(student.order)):
        parameters = leaves(path[-1])
        gradient = student.gradient(i, parameters, student.batch(i))
        path.append([p - step_size * g for p, g in zip(path[-1], gradient, strict=True)])
    loss = student.distance(path[-1])
    scale = 2 / squared_distance(student.start, student.target)
    pull = [scale * (p - t) for p, t in zip(path.pop(), student.target, strict=True)]
    images, of_step_size = torch.zeros_like(student.images), torch.zeros_like(step_size)
    for i in reversed(range(len(student.order))):
        parameters, batch = leaves(path.pop()), student.batch(i)
        gradient = student.gradient(i, parameters, batch, create_graph=True)
        along = inner_product(pull, gradient)
        of_batch, *of_parameters = torch.autograd.grad(
            along, [batch, *parameters], allow_unused=True, materialize_grads=True
        )
        images.index_add_(0, student.order[i], of_batch, alpha=-1)
        of_step_size -= along.detach()
        pull = [p - step_size * q for p, q in zip(pull, of_parameters, strict=True)]
    return Gradient(loss, images.mul_(step_size), of_step_size)


def detached_gradient(student: Student) -> Gradient:
    """TESLA's gradient: every theta_i counts as a constant; memory does not grow with the steps.

    With G = sum_i g_i, the loss is || theta_0 - a G - theta* ||^2 / || theta_0 - theta* ||^2, so

        dL/dx_i = 2 / || theta_0 - theta* ||^2  d/dx_i < a (theta* - theta_0) + a^2 G, g_i >
        dL/da = -2 / || theta_0 - theta* ||^2  < G, theta_0 - a G - theta* >

    It leaves out that x_i changes theta_{i+1} and with it all later g_j.
    """
    step_size, start, target = student.step_size.detach(), student.start, student.target
    parameters, total = start, [torch.zeros_like(p) for p in start]
    for i in range(len(student.order)):
        gradient = student.gradient(i, leaves(parameters), student.batch(i))
        parameters = [p - step_size * g for p, g in zip(parameters, gradient, strict=True)]
        total = [t + g for t, g in zip(total, gradient, strict=True)]
    end = [p - step_size * g for p, g in zip(start, total, strict=True)]
    scale = 2 / squared_distance(start, target)
    # a (theta* - theta_0) + a^2 G = -a (theta_0 - a G - theta*)
    pull = [-step_size * scale * (p - t) for p, t in zip(end, target, strict=True)]
    images, parameters = torch.zeros_like(student.images), start
    for i in range(len(student.order)):
        batch = student.batch(i)
        gradient = student.gradient(i, leaves(parameters), batch, create_graph=True)
        (of_batch,) = torch.autograd.grad(inner_product(pull, gradient), batch)
        images.index_add_(0, student.order[i], of_batch)
        step = [g.detach() for g in gradient]
        parameters = [p - step_size * g for p, g in zip(parameters, step, strict=True)]
    apart = [p - t for p, t in zip(end, target, strict=True)]
    return Gradient(student.distance(end), images, -scale * inner_product(total, apart))
