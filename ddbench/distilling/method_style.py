"""Colour and marker of each method, the same in all figures of one installation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..figures import MARKERS, series_style
from .registry import METHODS


def method_style(name: str, variant: int = 0) -> dict[str, Any]:
    """Colour and marker of a method, the same in all figures of one installation.

    Args:
        name: the method's name.
        variant: index of the variant of the method in the figure; it selects the marker.
    """
    names = METHODS.names()
    return _turned(series_style(names.index(name) if name in names else len(names)), variant)


def _turned(style: dict[str, Any], variant: int) -> dict[str, Any]:
    marker = MARKERS[(MARKERS.index(style["marker"]) + variant) % len(MARKERS)]
    return {**style, "marker": marker}


def variant_styles(methods: Sequence[str]) -> list[dict[str, Any]]:
    """The style of each series, given its method: one colour per method, one marker per variant.

    Methods that are not installed come after those that are, in alphabetical order.
    """
    known = METHODS.names()
    unknown = sorted(set(methods) - set(known))
    styles = []
    for place, name in enumerate(methods):
        number = len(known) + unknown.index(name) if name in unknown else known.index(name)
        styles.append(_turned(series_style(number), methods[:place].count(name)))
    return styles
