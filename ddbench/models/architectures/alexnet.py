"""AlexNet for small images, without norms, as in the dataset condensation networks.

After Krizhevsky et al. (NeurIPS 2012); widths of Zhao et al. (ICLR 2021), which the evaluation of
adversarial prediction matching adopts.
"""

from __future__ import annotations

from torch import nn

from ...errors import UserError
from ..blocks import BlocksModel
from ..layers import first_padding
from ..model import ModelSettings


class AlexNet(BlocksModel):
    """Five convolutions with ReLU, three max poolings 2x2, one linear layer."""

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: when the images cannot be halved three times.
        """
        super().__init__(settings, channels, resolution, classes)
        padding, side = first_padding(resolution, 5)
        if side < 8:
            raise UserError(f"alexnet halves images three times, which {side}x{side} are too small")
        self.blocks = nn.Sequential(
            nn.Conv2d(channels, 128, 5, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(128, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(192, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 192, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(192, 192, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Linear(192 * (side // 8) ** 2, classes)
        if side != resolution:
            self.adaptation = f"images padded to {side}x{side}"
