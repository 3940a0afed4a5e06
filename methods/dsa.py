"""DSA: images on which a network's gradients match those on real ones, both augmented alike.

B. Zhao, H. Bilen, "Dataset condensation with differentiable Siamese augmentation" (ICML 2021),
equation 5, and the released code: gradient matching from real images, with one operation and one
set of parameters for each class and update, shared by its real and distilled images.
"""

from __future__ import annotations

from ._gradient_matching import GradientMatching


class DSA(GradientMatching):
    """Dataset condensation with differentiable Siamese augmentation."""
