"""The settings with which a method was published, from recipes and defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import UserError


@dataclass(frozen=True)
class PublishedSettings:
    """What is known about the settings of a published number.

    Args:
        values: the values of all settings, and the input space.
        unpublished: the settings whose values are not published for the dataset and ipc.
        other_ipc: whether that is so because the recipe is for another ipc.
    """

    values: Mapping[str, Any]
    unpublished: tuple[str, ...]
    other_ipc: bool


@cache
def published_settings(
    method: str, version: int, dataset: str, ipc: int | None
) -> PublishedSettings | None:
    """The settings of a published number; None if ddbench cannot know them.

    Args:
        method: the method's name.
        version: the method's version; another one may have other settings.
        dataset: the dataset's name.
        ipc: images per class.
    """
    # Imported here because a method imports torch, and most tables need no method.
    from ..distilling.method_choice import resolve_method
    from ..distilling.registry import METHODS
    from ..runs.request import DEFAULT_INPUT_SPACE
    from ..training.budget import Budget

    try:
        if ipc is None or METHODS[method].version != version:
            return None
        choice = resolve_method(method, {}, dataset, ipc, "paper", Budget())
    except UserError:
        return None
    space = choice.input_space or DEFAULT_INPUT_SPACE
    values = {**choice.settings.plain(), "input_space": space}
    return PublishedSettings(values, choice.unpublished, bool(choice.notes))
