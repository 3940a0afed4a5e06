"""Colour and marker of each method, the same in every picture of one installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..figures import MARKERS, series_style
from .registry import METHODS


def method_style(name: str, variant: int = 0) -> dict[str, Any]:
    """Colour and marker of a method, the same in every picture of one installation.

    Args:
        name: of the method.
        variant: number of this way to run it in the picture, told apart by the marker.
    """
    names = METHODS.names()
    style = series_style(names.index(name) if name in names else len(names))
    marker = MARKERS[(MARKERS.index(style["marker"]) + variant) % len(MARKERS)]
    return {**style, "marker": marker}


def variant_styles(methods: Sequence[str]) -> list[dict[str, Any]]:
    """The style of each series, given its method: one colour a method, one marker a variant."""
    return [method_style(name, methods[:place].count(name)) for place, name in enumerate(methods)]
