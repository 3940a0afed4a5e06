"""One hidden layer: a model."""

from dataclasses import dataclass

from torch import Tensor, nn

from ddbench import Model, ModelSettings, UserError, setting


class Perceptron(Model):
    """Flattened pixels, a hidden layer, a linear layer."""

    @dataclass
    class Settings(ModelSettings):
        """Settings of perceptron."""

        width: int = setting(64, "units of the hidden layer", low=1)

    def __init__(self, settings: Settings, channels: int, resolution: int, classes: int) -> None:
        super().__init__(settings, channels, resolution, classes)
        if resolution < 2:
            raise UserError(f"perceptron: images of {resolution} pixel have no shape")
        self.hidden = nn.Linear(channels * resolution**2, settings.width)
        self.last = nn.Linear(settings.width, classes)

    def features(self, images: Tensor) -> Tensor:
        hidden: Tensor = self.hidden(images.flatten(1)).relu()
        return hidden

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.last(self.features(images))
        return logits
