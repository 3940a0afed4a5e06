"""LeNet-5 with ReLU and max pooling, as in the dataset condensation networks.

After Y. LeCun et al., "Gradient-based learning applied to document recognition" (Proc. IEEE 86,
1998); activations and pooling of Zhao et al. (ICLR 2021), whose cross-architecture tables have it.
"""

from __future__ import annotations

from torch import nn

from ...errors import UserError
from ..blocks import BlocksModel
from ..model import ModelSettings

KERNEL = 5


class LeNet(BlocksModel):
    """Two convolutions 5x5 of 6 and 16 channels, three linear layers of 120, 84 and the classes.

    The first convolution keeps the size of grey images, such as MNIST's 28x28, and removes two
    pixels from each side of coloured ones, such as CIFAR's 32x32.
    """

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: when nothing is left of the images before the linear layers.
        """
        super().__init__(settings, channels, resolution, classes)
        first = KERNEL // 2 if channels == 1 else 0
        halved = (resolution + 2 * first - KERNEL + 1) // 2
        second = 0 if halved - KERNEL + 1 >= 2 else KERNEL // 2
        side = (halved + 2 * second - KERNEL + 1) // 2
        if side < 1:
            raise UserError(f"lenet leaves nothing of images of {resolution}x{resolution}")
        self.blocks = nn.Sequential(
            nn.Conv2d(channels, 6, KERNEL, padding=first),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, KERNEL, padding=second),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * side**2, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(84, classes)
        if second:
            self.adaptation = "second convolution padded"
