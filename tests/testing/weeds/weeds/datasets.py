"""Datasets: each but the first is the first with one fault."""

import numpy as np

from ddbench import DatasetSource


class Squares(DatasetSource):
    """Noise in three shades, with nothing wrong."""

    title = "Squares"
    channels, resolution = 1, 8
    class_names = ("dark", "grey", "light")
    train_size = test_size = 30

    def check(self):
        """There is nothing to miss."""

    def load(self, split):
        labels = np.repeat(np.arange(3), 10)
        noise = np.random.default_rng(len(split)).integers(0, 80, (30, 1, 8, 8))
        return (noise + 80 * labels[:, None, None, None]).astype(np.uint8), labels


class Floats(Squares):
    """Images that are not bytes."""

    def load(self, split):
        images, labels = super().load(split)
        return images / np.float32(255), labels


class Scaled(Squares):
    """Bytes that were scaled first."""

    def load(self, split):
        images, labels = super().load(split)
        return (images / 255).round().astype(np.uint8), labels


class ClassMissing(Squares):
    """A class without images."""

    def load(self, split):
        images, labels = super().load(split)
        return images, labels % 2


class WrongSize(Squares):
    """Fewer images than it says."""

    train_size = 60


class Restless(Squares):
    """Other pixels each time."""

    def load(self, split):
        images, labels = super().load(split)
        return images ^ np.random.randint(0, 2, images.shape, dtype=np.uint8), labels


class Nameless(Squares):
    """Two classes of one name."""

    class_names = ("dark", "dark", "light")
