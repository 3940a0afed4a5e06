"""What plugins of every kind promise, and the small runs that check promises."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path
from typing import Any

from ..plugins.registry import Registry
from ..plugins.settings import typed_settings
from ..runs.compose import request_of
from ..runs.request import RunRequest
from .promise import Check, require

SMALL = ("dataset=digits", "budget=smoke", "device=cpu", "threads=1", "model=narrow")
BOUNDS = ("low", "high", "above")


def tiny_request(root: Path, *overrides: str) -> RunRequest:
    """A run of about a second: real digits, the smoke budget, one thread, the narrow model.

    Args:
        root: the folder of its store.
        overrides: as on the command line; they take precedence over these choices.
    """
    given = {override.partition("=")[0] for override in overrides}
    kept = [one for one in SMALL if one.partition("=")[0] not in given]
    return request_of([*kept, f"runs_root={root}", *overrides])


def common_checks(registry: Registry[Any]) -> tuple[Check, ...]:
    """The promises of every kind of plugin."""
    return (
        Check("loads as a class of its kind", partial(_loads, registry), essential=True),
        Check(
            "explains its settings, and their defaults lie in their ranges",
            partial(_explains_its_settings, registry),
            essential=True,
        ),
    )


def format_checks(registry: Registry[Any], kind: type) -> tuple[Check, ...]:
    """The promises of importers, exporters and trackers alike, which are of class `kind`."""
    return (
        Check("loads as a class of its kind", partial(_is_made, registry, kind), essential=True),
        Check("explains itself in a line", partial(_explains_itself, registry)),
    )


def _is_made(registry: Registry[Any], kind: type, name: str, folder: Path) -> None:
    """The class can be made without arguments."""
    require(isinstance(registry[name](), kind), f"it is not a valid {registry.noun}")


def _explains_itself(registry: Registry[Any], name: str, folder: Path) -> None:
    """Its documentation begins with a line for `ddbench list`."""
    require(registry.summary(name), "its documentation is empty")


def _loads(registry: Registry[Any], name: str, folder: Path) -> None:
    plugin = registry[name]
    version = plugin.version
    require(
        type(version) is int and version >= 1, f"its version is {version!r}, not a number from 1"
    )


def _explains_its_settings(registry: Registry[Any], name: str, folder: Path) -> None:
    settings_type = registry[name].Settings
    for item in dataclasses.fields(settings_type):
        told = item.metadata
        require(told.get("help"), f"{item.name} has no help text; make it with `setting`")
        number = isinstance(item.default, int | float) and not isinstance(item.default, bool)
        bounds = [told[bound] for bound in BOUNDS if told.get(bound) is not None]
        require(bounds or not number, f"{item.name} is a number without a range")
    defaults = typed_settings(settings_type, {}, f"{registry.noun} {name}").plain()
    json.dumps(defaults)
