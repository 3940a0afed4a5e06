"""Models: each but the first is the first with one fault."""

import numpy as np
import torch
from torch import nn

from ddbench import Model


class Linear(Model):
    """Flattened pixels and a linear layer, with nothing wrong."""

    def __init__(self, settings, channels, resolution, classes):
        super().__init__(settings, channels, resolution, classes)
        self.last = nn.Linear(channels * resolution**2, classes)

    def features(self, images):
        return images.flatten(1)

    def forward(self, images):
        return self.last(self.features(images))


class FeaturesOfRankFour(Linear):
    """Features that are still maps."""

    def features(self, images):
        return images

    def forward(self, images):
        return self.last(images.flatten(1))


class OtherFeatures(Linear):
    """Features that its last layer does not read."""

    def forward(self, images):
        return self.last(2 * self.features(images))


class TooManyLogits(Linear):
    """A class too many."""

    def __init__(self, settings, channels, resolution, classes):
        super().__init__(settings, channels, resolution, classes + 1)


class OwnWeights(Linear):
    """Weights that no stream determines."""

    def __init__(self, settings, channels, resolution, classes):
        super().__init__(settings, channels, resolution, classes)
        self.last.bias.data.fill_(float(np.random.default_rng().normal()))


class Constant(Linear):
    """Logits that do not see the images."""

    def forward(self, images):
        return self.last(0 * self.features(images))


class DeadParameter(Linear):
    """A weight that nothing uses."""

    def __init__(self, settings, channels, resolution, classes):
        super().__init__(settings, channels, resolution, classes)
        self.unused = nn.Parameter(torch.zeros(1))
