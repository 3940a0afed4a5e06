"""The learned step size of a student, which must stay above 0.

The loss depends on the step size a through how far the student moves. If it moves r times the
distance to its target, d loss / d log a is about 2 r^2 - 2 r cos, whatever the images, the network
and the scale of a: a rate for log a that suits one dataset suits another. The gradient with respect
to a itself is that divided by a, so a rate for a suits only the a, and the data, that it was found
with: with the rates published for CIFAR-10 the first update on other data may end below 0.
"""

from __future__ import annotations

import enum
from dataclasses import replace

import torch
from torch import Tensor

from ._image_descent import descended
from ._trajectory_matching import Student, walked_loss

HALVES = 10
"""Maximum number of times that the first step size is halved, to about a thousandth."""
NEAR = 1.1
"""Largest loss of a student that counts as near its target; one that has not moved has 1."""
SMALLER_STEPS = 24
"""Maximum number of divisions by ten in search of a step size that a message can suggest."""


class StepSizeForm(enum.Enum):
    """The quantity that SGD with momentum updates, by the loss's gradient with respect to it."""

    plain = "plain"
    """a itself, as published. An update after which a would not be above 0 (published programs go
    on with a negative rate) halves a instead and resets the momentum; the images then stay."""
    log = "log"
    """log a, starting from the largest halving of a with which the first student stays near its
    target. Gradients are clipped to [-1, 1]: a student that moved far past its target shows in
    which direction the step size is wrong, but not by how much."""


def moved_step_size(
    step_size: Tensor,
    velocity: Tensor,
    gradient: Tensor,
    form: StepSizeForm,
    rate: float,
    momentum: float,
) -> tuple[Tensor, Tensor, bool]:
    """The step size a and its velocity after one update; both are scalars, and a stays above 0.

    The third value is whether the student's gradient can be trusted: False if a was halved.

    Args:
        step_size: a.
        velocity: velocity of the updated quantity; zero before the first update.
        gradient: dL/da.
        form: the updated quantity.
        rate: its learning rate.
        momentum: its momentum.
    """
    if form is StepSizeForm.log:
        change, velocity = descended(
            torch.zeros_like(step_size),
            velocity,
            (step_size * gradient).clamp(-1, 1),
            rate,
            momentum,
        )
        return step_size * change.exp(), velocity, True
    moved, velocity = descended(step_size, velocity, gradient, rate, momentum)
    if moved > 0:
        return moved, velocity, True
    return step_size / 2, torch.zeros_like(velocity), False


def largest_near(student: Student) -> Tensor:
    """The largest of the step size and its halvings with which the student ends near; see `NEAR`.

    Not the one with which it ends nearest: a first student that is led elsewhere would not move.
    """
    halves: list[Tensor] = [student.step_size / 2**times for times in range(HALVES + 1)]
    near = (a for a in halves if walked_loss(replace(student, step_size=a)) <= NEAR)
    return next(near, halves[-1])


def divergence(student: Student) -> str:
    """Why a student's loss is not finite, with a step size that would have worked if there is one.

    With such a step size it ends no farther from its target than it started, where the loss is 1.
    """
    told = f"the student's loss is not finite at step size {student.step_size:g}"
    for tenths in range(1, SMALLER_STEPS + 1):
        smaller = student.step_size / 10**tenths
        loss = walked_loss(replace(student, step_size=smaller))
        if loss <= 1:
            return f"{told}; with method.step_size={smaller:.1g} it is {loss:.2g}"
    return f"{told}, nor at any smaller one: a smaller method.image_rate may help"
