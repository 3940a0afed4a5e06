"""Trajectory matching with experts that are trained by GSAM, whose trajectories are flatter."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ddbench import TrainingRecipe, setting

from .mtt import MTT


class FlatExperts(MTT):
    """MTT with experts trained by GSAM."""

    @dataclass
    class Settings(MTT.Settings):
        """Settings of the experts."""

        sharpness_radius: float = setting(0.01, "rho of an expert's GSAM", low=0)
        surrogate_gap: float = setting(1.0, "alpha of an expert's GSAM", low=0)

    settings: Settings

    def expert_recipe(self) -> TrainingRecipe:
        """Like MTT's experts, but trained by GSAM: two gradients per step."""
        return replace(
            super().expert_recipe(),
            optimiser="gsam",
            sharpness_radius=self.settings.sharpness_radius,
            surrogate_gap=self.settings.surrogate_gap,
        )
