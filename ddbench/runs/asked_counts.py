"""The images per class that a run requests, by `ipc` or by `ratio` of the training images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ..errors import UserError, shown
from ..plugins.settings import range_problem
from ..records.fields import LARGEST_COUNT
from .overrides import as_text

DEFAULT_IPC = 1
ALL_IMAGES = "max"

Counts = tuple[int, tuple[int, ...] | None]
"""Images per class (the largest number if classes differ); those of each class if they differ."""


def asked_counts(config: DictConfig, training_counts: Callable[[], Sequence[int]]) -> Counts:
    """The numbers of images in a composed configuration.

    A `ratio` gives max(1, round(ratio * n)) images of a class with n training images.

    Args:
        config: configuration with `ipc`, missing if not given, and `ratio`.
        training_counts: returns the number of training images of each class; called only if
            needed, since it reads the dataset.

    Raises:
        UserError: for an invalid number of images, a list whose length is not the number of
            classes, and for `ipc` and `ratio` together.
    """
    given, ratio = not OmegaConf.is_missing(config, "ipc"), config.ratio
    if ratio is not None:
        problem = range_problem(ratio, high=1, above=0)
        if problem:
            raise UserError(f"ratio={ratio}: {problem}")
        if given:
            raise UserError(
                f"ratio={ratio} together with ipc={_typed(config.ipc)}: both say how many images "
                "there are of each class; leave one of them out"
            )
        return _counts([max(1, round(ratio * count)) for count in training_counts()])
    asked = images_asked(config.ipc) if given else DEFAULT_IPC
    if isinstance(asked, int):
        return asked, None
    there = training_counts()
    if asked is not None and len(asked) != len(there):
        raise UserError(
            f"ipc={_typed(config.ipc)}: lists {len(asked)} numbers of images, and "
            f"{config.dataset.name} has {len(there)} classes"
        )
    return _counts(there if asked is None else asked)


def images_asked(ipc: Any) -> int | list[int] | None:
    """The value of `ipc`: a number, a number for each class, or None for all training images.

    Raises:
        UserError: if it is none of these.
    """
    plain = OmegaConf.to_container(ipc, resolve=True) if OmegaConf.is_config(ipc) else ipc
    if plain == ALL_IMAGES:
        return None
    word = f"ipc={_typed(plain)}"
    if isinstance(plain, list) and plain:
        return [_number(one, word) for one in plain]
    return _number(plain, word)


def _counts(counts: Sequence[int]) -> Counts:
    alike = len(set(counts)) == 1
    return max(counts), None if alike else tuple(counts)


def _number(value: Any, word: str) -> int:
    """A number of images, at least 1."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UserError(
            f"{word}: must be a whole number such as 10, or {ALL_IMAGES} for all training images, "
            "or a list with a number for each class such as [5,3,1]"
        )
    if value < 1:
        raise UserError(f"{word}: must be at least 1")
    if value > LARGEST_COUNT:
        raise UserError(f"{word}: must be at most {LARGEST_COUNT}")
    return value


def _typed(value: Any) -> str:
    """A value as it was typed, on one line and shortened."""
    plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
    text = as_text(plain) if isinstance(plain, bool | float | list | None) else shown(plain)
    return text if len(text) <= 80 else f"{text[:79]}…"
