"""The settings with which a method was published, as recipes and defaults have them."""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import UserError


@cache
def published_values(
    method: str, version: int, dataset: str, ipc: int | None
) -> dict[str, Any] | None:
    """The values of all settings and the input space; None where this program cannot know them.

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
    return {**choice.settings.plain(), "input_space": space}
