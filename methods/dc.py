"""DC: images on which a network's gradients match those on real ones (gradient matching).

B. Zhao, K. R. Mopuri, H. Bilen, "Dataset condensation with gradient matching" (ICLR 2021),
Algorithm 1, and the released code: from noise, without augmentation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ddbench import TrainingRecipe, setting

from ._gradient_matching import GradientMatching
from ._image_descent import Initial


class DC(GradientMatching):
    """Dataset condensation with gradient matching."""

    @dataclass
    class Settings(GradientMatching.Settings):
        """Settings of DC."""

        initial: Initial = setting(Initial.noise, "images to start from: real or noise")
        augment: bool = setting(False, "Siamese augmentation, and DSA in training the network")

    settings: Settings

    def evaluation(self) -> TrainingRecipe:
        """300 epochs and one more, without augmentation; the rate drops halfway.

        For MNIST the released code augments in its own way (crop, scale and rotation by up to 45
        degrees) and trains for 1000 epochs; that is not done here.
        """
        return replace(super().evaluation(), epochs=301, milestones=(152,), augment=False)
