"""CIFAR-10: photographs of 10 kinds of animals and vehicles, 32x32 in colour, 10 classes.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

from ._torchvision import CifarSource


class Cifar10(CifarSource):
    """50,000 training and 10,000 test images."""

    version = 1
    title = "CIFAR-10"
    torchvision_name = "CIFAR10"
    class_names = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    # The field's values: the std is the mean of the images' own, not that of all pixels
    # (.2470, .2435, .2616).
    mean = (0.4914, 0.4822, 0.4465)
    std = (0.2023, 0.1994, 0.2010)
