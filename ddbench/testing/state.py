"""Parts of a method's state: which of them do not belong there, and which are not restored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

PLAIN = (bool, int, float, str)
"""What a state may hold besides tensors; None stands for a part that does not exist yet."""


def foreign_part(state: Any, place: str = "") -> str | None:
    """The first part that is not a tensor, number or string, such as "momentum: a Generator"."""
    if state is None or isinstance(state, (*PLAIN, Tensor)):
        return None
    for name, part in _inside(state):
        found = foreign_part(part, f"{place}[{name!r}]" if place else str(name))
        if found:
            return found
    return None if isinstance(state, dict | list | tuple) else f"{place}: {type(state).__name__}"


def parts_of(attributes: dict[str, Any]) -> dict[str, Any]:
    """Copies of all tensors, numbers and strings in attributes, by their place."""
    return {
        place: part.detach().clone() if isinstance(part, Tensor) else part
        for place, part in _leaves(attributes, "")
    }


def unlike(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """The places at which two collections of parts differ."""
    return [
        place
        for place in sorted(first.keys() | second.keys())
        if not _equal(first.get(place), second.get(place))
    ]


def _inside(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, (*PLAIN, Tensor)):
        yield place, value
    for name, part in _inside(value):
        yield from _leaves(part, f"{place}[{name!r}]" if place else str(name))


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.equal(first, second)
    return type(first) is type(second) and bool(first == second)
