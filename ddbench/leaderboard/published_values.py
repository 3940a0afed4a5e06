"""The settings with which a method was published, as recipes and defaults have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ..errors import UserError


@dataclass(frozen=True)
class PublishedSettings:
    """What is known of the settings behind a published number.

    Args:
        values: of all settings and the input space.
        unpublished: which of them stand in for what is not published for the dataset and ipc.
        other_ipc: whether that is so because the recipe is of another ipc.
    """

    values: Mapping[str, Any]
    unpublished: tuple[str, ...]
    other_ipc: bool


@cache
def published_settings(
    method: str, version: int, dataset: str, ipc: int | None
) -> PublishedSettings | None:
    """The settings of a published number; None where this program cannot know them.

    Args:
        method: name.
        version: of the method; another one may have other settings.
        dataset: name.
        ipc: images per class.
    """
    # Here, because a method brings torch with it: most tables are made without asking one.
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
