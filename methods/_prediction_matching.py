"""Prediction matching: APM's objective as a function of logits, and its gradient.

Chen et al., "Dataset distillation via adversarial prediction matching" (2023), equation 4, and the
released code, which leaves out the logarithm and adds the cross-entropy once.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


class Distance(enum.Enum):
    """Discrepancy d between two logit vectors (n, classes), one number per image (n,)."""

    l1 = "l1"
    """Mean absolute difference of logits over classes: the paper's and the released choice."""
    mse = "mse"
    """Mean squared difference of logits over classes."""
    kl = "kl"
    """Kullback-Leibler divergence of the student's prediction from the teacher's."""

    def __call__(self, teacher: Tensor, student: Tensor) -> Tensor:
        """Discrepancy (n,) of logits (n, classes)."""
        if self is Distance.l1:
            return (teacher - student).abs().mean(1)
        if self is Distance.mse:
            return (teacher - student).square().mean(1)
        log_teacher, log_student = F.log_softmax(teacher, 1), F.log_softmax(student, 1)
        return (log_teacher.exp() * (log_teacher - log_student)).sum(1)


@dataclass(frozen=True)
class Objective:
    """The loss that the images minimise, as a function of logits.

    Released code:  L = mean_i { -sum_k d(T(u_i), S_k(u_i)) + alpha CE(T(u_i), y_i) }
    Equation 4:     L = mean_i sum_k { -log d(T(u_i), S_k(u_i)) + alpha CE(T(u_i), y_i) }

    Args:
        distance: d.
        log: whether to use -log d instead of -d.
        alpha: weight of the cross-entropy.
        per_checkpoint: whether the cross-entropy counts once for each of the K checkpoints.
        adversarial: whether to include the term in d; without it only the cross-entropy remains.
    """

    distance: Distance = Distance.l1
    log: bool = False
    alpha: float = 0.1
    per_checkpoint: bool = False
    adversarial: bool = True

    def matching(self, teacher: Tensor, student: Tensor) -> Tensor:
        """The term of one checkpoint for each image (n,), from logits (n, classes)."""
        if not self.adversarial:
            return 0.0 * teacher.sum(1)
        d = self.distance(teacher, student)
        # Equal logits would give -log 0; the smallest normal number keeps the loss finite.
        return -d.clamp_min(torch.finfo(d.dtype).tiny).log() if self.log else -d

    def confidence(self, teacher: Tensor, labels: Tensor, checkpoints: int) -> Tensor:
        """The cross-entropy term for each image (n,)."""
        weight = self.alpha * (checkpoints if self.per_checkpoint else 1)
        return weight * F.cross_entropy(teacher, labels, reduction="none")


Network = Callable[[Tensor], Tensor]


def matching_gradient(
    objective: Objective,
    images: Tensor,
    labels: Tensor,
    teacher: Network,
    students: Sequence[Network],
    segment: int,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Gradient of the objective's mean over a mini-batch with respect to its images.

    Images are processed in segments, and each checkpoint's graph is freed before the next is built,
    so peak memory is that of one segment through the teacher and one student. The teacher runs
    once: its logits are a leaf that accumulates the gradients of all terms, and one last backward
    pass takes the sum to the images. Terms of different images are independent, so the gradient is
    the same for every segment size.

    Args:
        objective: the loss to minimise.
        images: (B, C, H, W), detached.
        labels: (B,) class ids.
        teacher: frozen network.
        students: frozen networks, one per checkpoint.
        segment: images at a time; 0 for all.

    Returns:
        The gradient (B, C, H, W), and the scalars `loss`, `discrepancy` (mean d) and
        `teacher_loss` (mean cross-entropy of the teacher) as tensors.
    """
    count = len(images)
    gradient = torch.empty_like(images)
    sums = {name: images.new_zeros(()) for name in ("loss", "discrepancy", "teacher_loss")}
    for start in range(0, count, segment or count):
        part = slice(start, start + (segment or count))
        leaf = images[part].detach().requires_grad_()
        logits = teacher(leaf)
        pulled = logits.detach().requires_grad_()
        for student in students:
            student_logits = student(leaf)
            term = objective.matching(pulled, student_logits).sum() / count
            term.backward()
            with torch.no_grad():
                distance = objective.distance(pulled, student_logits).sum()
                sums["discrepancy"] += distance / (count * len(students))
            sums["loss"] += term.detach()
        term = objective.confidence(pulled, labels[part], len(students)).sum() / count
        term.backward()
        sums["loss"] += term.detach()
        sums["teacher_loss"] += (
            F.cross_entropy(pulled.detach(), labels[part], reduction="sum") / count
        )
        logits.backward(pulled.grad)
        assert leaf.grad is not None
        gradient[part] = leaf.grad
    return gradient, sums
