"""DM: images whose mean features match those of real images (distribution matching).

B. Zhao, H. Bilen, "Dataset condensation with distribution matching" (WACV 2023), equation 6 and
Algorithm 1, and the released code. Every update uses a fresh, untrained network. The released
program fails for images per class other than 1, 10, ... 50 because of a table that it does not use;
no such table is needed here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ddbench import ImagePasses, StepCost, setting

from ._class_batches import augment_alike, mixes_images, real_batches, siamese_draws
from ._image_descent import ImageDescent


def matching_loss(real: Tensor, distilled: Tensor) -> Tensor:
    """Squared distance between mean features, summed over classes (equation 6).

    L = sum_c || 1/|B_c| sum_i psi(A(x_i)) - 1/|S_c| sum_j psi(A(s_j)) ||^2

    Args:
        real: mean features (classes, F) of each class's real batch.
        distilled: mean features (classes, F) of each class's distilled images.
    """
    return (real - distilled).square().sum()


def class_means(features: Tensor, counts: Sequence[int]) -> Tensor:
    """Class means (classes, F) of features (N, F), whose first counts[0] rows are class 0."""
    return torch.stack([part.mean(0) for part in features.split(list(counts))])


Augment = Callable[[Sequence[Tensor]], list[Tensor]]
"""Augments the k-th batch of a list by the k-th class's draw."""


@torch.no_grad()
def real_means(
    features: Callable[[Tensor], Tensor],
    real: Sequence[Tensor],
    augment: Augment,
    segment: int = 0,
) -> Tensor:
    """Mean features (classes, F) of each class's real batch.

    Args:
        features: maps images (n, C, H, W) to features (n, F).
        real: real images (n_c, C, H, W) of each class.
        augment: augmentation for the same classes.
        segment: images at a time through the network; 0 for all.
    """
    joined = torch.cat(augment(real))
    parts = [features(part) for part in joined.split(segment or len(joined))]
    return class_means(torch.cat(parts), [len(batch) for batch in real])


def matching_gradient(
    features: Callable[[Tensor], Tensor],
    real: Tensor,
    images: Sequence[Tensor],
    augment: Augment,
) -> tuple[Tensor, Tensor]:
    """Loss and its gradient with respect to the distilled images of some classes.

    The loss is a sum over classes, so the classes may be given together or one after another.

    Args:
        features: maps images (n, C, H, W) to features (n, F).
        real: mean features (classes, F) of each class's real batch.
        images: distilled images (m_c, C, H, W) of each class.
        augment: augmentation for the same classes.

    Returns:
        The loss, and the gradient (sum of m_c, C, H, W).
    """
    leaf = torch.cat(list(images)).requires_grad_()
    counts = [len(batch) for batch in images]
    seen = features(torch.cat(augment(leaf.split(counts))))
    loss = matching_loss(real, class_means(seen, counts))
    (gradient,) = torch.autograd.grad(loss, leaf)
    return loss.detach(), gradient


class DM(ImageDescent):
    """Dataset condensation with distribution matching."""

    @dataclass
    class Settings(ImageDescent.Settings):
        """Settings of DM."""

        iterations: int = setting(20_000, "updates of the images", low=1, scaled="distilling")
        real_batch: int = setting(256, "real images per class and update", low=1)
        segment: int = setting(
            64,
            "images at a time through the network (of distilled ones whole classes); 0: all",
            low=0,
            cost=StepCost.chunk,
        )

    settings: Settings

    def image_passes(self) -> ImagePasses:
        """Real images pass forward, distilled ones forward and backward."""
        task, batch = self.task, self.settings.real_batch
        real = sum(min(batch, len(task.class_indices(c))) for c in range(task.classes))
        passes = real / 2 + task.set_size
        return ImagePasses(training=0, distilling=self.total_steps * passes)

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Match all classes in the feature space of one fresh network.

        Real and distilled images pass through it a few classes at a time, and of the real ones only
        mean features are kept, so memory does not grow with the number of classes.
        """
        task = self.task
        network = task.new_network("network", i).requires_grad_(False)
        # Batch norm takes statistics over all classes together, as released.
        segment = 0 if mixes_images(network) else self.settings.segment

        def augment(classes: Sequence[int]) -> Augment:
            draws = siamese_draws(task, self.augmentation, classes, i)
            return partial(augment_alike, self.augmentation, draws=draws)

        real = torch.cat(
            [
                real_means(
                    network.features,
                    real_batches(task, classes, self.settings.real_batch, i),
                    augment(classes),
                    segment,
                )
                for classes in _together(task.classes, self.settings.real_batch, segment)
            ]
        )
        by_class = self.images.split(task.class_counts)
        loss, gradients = self.images.new_zeros(()), []
        for classes in _together(task.classes, max(task.class_counts), segment):
            part, gradient = matching_gradient(
                network.features, real[classes], [by_class[c] for c in classes], augment(classes)
            )
            loss += part
            gradients.append(gradient)
        self.images, self.velocity = self.moved(torch.cat(gradients))
        return {"loss": loss, "movement": self.movement()}


def _together(classes: int, images: int, segment: int) -> list[list[int]]:
    """Class ids in parts of at most `segment` images, or of one class; 0: all together."""
    at_once = max(1, segment // images) if segment else classes
    ids = list(range(classes))
    return [ids[start : start + at_once] for start in range(0, classes, at_once)]
