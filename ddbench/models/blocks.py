"""What convolutional networks share: blocks, then one linear layer on their flattened output."""

from __future__ import annotations

from torch import Tensor, nn

from .model import Model


class BlocksModel(Model):
    """A model of two parts, which its constructor makes.

    Args:
        blocks: from images (N, C, H, W) to maps.
        classifier: from the flattened maps to logits.
    """

    blocks: nn.Sequential
    classifier: nn.Linear

    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, classifier.in_features)."""
        features: Tensor = self.blocks(images).flatten(1)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits
