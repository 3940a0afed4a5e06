"""Fashion-MNIST: photographs of clothes, 28x28 grey, 10 classes.

H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", 2017.
"""

from __future__ import annotations

from ._idx_files import IdxSource


class FashionMnist(IdxSource):
    """60,000 training and 10,000 test images."""

    version = 1
    title = "Fashion-MNIST"
    class_names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )
    torchvision_name = "FashionMNIST"
