"""MNIST: handwritten digits, 28x28 grey, 10 classes.

Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits", 1998.
"""

from __future__ import annotations

from ._idx_files import IdxSource


class Mnist(IdxSource):
    """60,000 training and 10,000 test images."""

    version = 1
    title = "MNIST"
    class_names = tuple("0123456789")
    torchvision_name = "MNIST"
    # The field's values, of the training images.
    mean = (0.1307,)
    std = (0.3081,)
