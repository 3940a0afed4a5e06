"""ViT: the small vision transformer that adversarial prediction matching transfers to.

After Dosovitskiy et al. (ICLR 2021): patches of 4x4 pixels, width 512, pre-norm, class token.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...errors import UserError
from ...plugins.settings import setting
from ..model import Model, ModelSettings

PATCH = 4  # pixels per side
WIDTH = 512
HEAD_WIDTH = 64
HIDDEN = 512  # units of the MLP of a block
DROPOUT = 0.1


class _Attention(nn.Module):
    """Self-attention of `heads` heads of 64; plain products, so it can be differentiated twice."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        inner = heads * HEAD_WIDTH
        self.heads = heads
        self.norm = nn.LayerNorm(WIDTH)
        self.to_parts = nn.Linear(WIDTH, 3 * inner, bias=False)
        self.out = nn.Sequential(nn.Linear(inner, WIDTH), nn.Dropout(DROPOUT))

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, _ = tokens.shape
        parts = self.to_parts(self.norm(tokens)).view(batch, count, 3, self.heads, HEAD_WIDTH)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(-1, -2) * HEAD_WIDTH**-0.5).softmax(-1)
        mixed: Tensor = self.out((weights @ value).transpose(1, 2).reshape(batch, count, -1))
        return mixed


class _Block(nn.Module):
    """tokens + attention(tokens), then + MLP; each reads normalised tokens."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.attention = _Attention(heads)
        self.perceptron = nn.Sequential(
            nn.LayerNorm(WIDTH),
            nn.Linear(WIDTH, HIDDEN),
            nn.GELU(),
            nn.Dropout(DROPOUT),
            nn.Linear(HIDDEN, WIDTH),
            nn.Dropout(DROPOUT),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens + self.attention(tokens)
        mixed: Tensor = tokens + self.perceptron(tokens)
        return mixed


class ViT(Model):
    """Linear patch embedding, class token, learned positions, pre-norm blocks, one linear layer."""

    @dataclass
    class Settings(ModelSettings):
        """Settings of ViT."""

        depth: int = setting(3, "transformer blocks", low=1)
        heads: int = setting(4, "attention heads of 64 channels", low=1)

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: when the images cannot be cut into patches.
        """
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, ViT.Settings)
        if resolution % PATCH:
            raise UserError(
                f"vit cuts images into patches of {PATCH}x{PATCH}, which {resolution} pixels are "
                "no multiple of"
            )
        self.patches = nn.Linear(channels * PATCH**2, WIDTH)
        self.class_token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, (resolution // PATCH) ** 2 + 1, WIDTH))
        self.dropout = nn.Dropout(DROPOUT)
        self.blocks = nn.Sequential(*(_Block(settings.heads) for _ in range(settings.depth)))
        self.norm = nn.LayerNorm(WIDTH)
        self.classifier = nn.Linear(WIDTH, classes)

    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, 512): the normalised class token."""
        tokens = self.patches(F.unfold(images, PATCH, stride=PATCH).transpose(1, 2))
        tokens = torch.cat([self.class_token.expand(len(images), -1, -1), tokens], 1)
        tokens = self.blocks(self.dropout(tokens + self.positions))
        features: Tensor = self.norm(tokens[:, 0])
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits
